/* partner_state: see delivery/partner_state.h. */
#include "gateway/delivery/partner_state.h"

#include <stdlib.h>
#include <string.h>

struct pace *pace_of(struct pace **list, const char *name)
{
    for (struct pace *pace = *list; pace != NULL; pace = pace->next) {
        if (strcmp(pace->name, name) == 0)
            return pace;
    }
    struct pace *pace = calloc(1, sizeof *pace + strlen(name) + 1);
    if (pace == NULL)
        return NULL;
    memcpy(pace->name, name, strlen(name) + 1);
    pace->next = *list;
    *list = pace;
    return pace;
}

void pace_free(struct pace *list)
{
    while (list != NULL) {
        struct pace *next = list->next;
        free(list);
        list = next;
    }
}

bool pace_is_wanted(const struct pace *pace, int64_t wall_ms)
{
    return pace->is_wanted || (pace->next_due_ms != 0 && pace->next_due_ms <= wall_ms);
}

void pace_claimed(struct pace *pace, size_t slots, size_t count, int64_t next_due_ms)
{
    deliver_started(&pace->sending, count);
    pace->is_wanted = count == slots; /* then there may be more */
    pace->next_due_ms = next_due_ms;
}

int64_t pace_wait_ms(const struct pace *pace, int64_t wall_ms, int64_t monotonic_ms)
{
    bool has_any = pace->is_wanted || pace->next_due_ms != 0;
    int64_t opens_ms = deliver_opens_ms(&pace->sending, monotonic_ms);
    if (has_any && opens_ms > monotonic_ms)
        return opens_ms - monotonic_ms;
    if (pace->is_wanted || pace->next_due_ms == 0)
        return INT64_MAX; /* what is under way wakes the courier when it ends */
    return pace->next_due_ms - wall_ms;
}

enum pace_edge pace_edge(struct pace *pace, int64_t monotonic_ms)
{
    bool is_down = deliver_is_open(&pace->sending, monotonic_ms);
    bool was_down = pace->is_down;
    pace->is_down = pace->sending.failures > 0 && (is_down || was_down);
    if (is_down && !was_down)
        return PACE_DOWN;
    return !is_down && was_down && pace->sending.failures == 0 ? PACE_BACK : PACE_SAME;
}
