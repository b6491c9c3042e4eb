/* overdue: notices when a partner's messages begin to wait for too long, and when that is over. See
 * overdue.h.
 *
 * Remembers for each partner whether it was told, so that each edge is told once. One look at a
 * time. */
#include "gateway/maintenance/overdue.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateway/delivery/deliver.h"
#include "gateway/store/store.h"
#include "gateway/store/upkeep.h"

struct late_partner { /* one that is late */
    struct late_partner *next;
    char name[];
};

struct late {
    struct late_partner *partners;
};

struct late *late_new(void)
{
    return calloc(1, sizeof(struct late));
}

void late_free(struct late *late)
{
    while (late != NULL && late->partners != NULL) {
        struct late_partner *next = late->partners->next;
        free(late->partners);
        late->partners = next;
    }
    free(late);
}

static struct late_partner **find(struct late *late, const char *name)
{
    struct late_partner **at = &late->partners;
    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

/* True when this is news. */
static bool note(struct late *late, const char *name, bool is_late)
{
    struct late_partner **at = find(late, name);
    struct late_partner *found = *at;
    if ((found != NULL) == is_late)
        return false;
    if (found != NULL) {
        *at = found->next;
        free(found);
        return true;
    }
    found = calloc(1, sizeof *found + strlen(name) + 1);
    if (found == NULL)
        return false;
    memcpy(found->name, name, strlen(name) + 1);
    *at = found;
    return true;
}

/* What waits to be sent to one partner. */
static struct late_edge waiting_of(const char *name, const struct store_waiting *waiting,
                                   size_t count, int64_t now_ms)
{
    struct late_edge edge = {.partner = name};
    int64_t oldest_ms = now_ms;
    for (size_t i = 0; i < count; i++) {
        bool is_unsent =
            text_equal(waiting[i].state, "queued") || text_equal(waiting[i].state, "sending");
        if (!is_unsent || !text_equal(waiting[i].partner, name))
            continue;
        edge.count += waiting[i].count;
        oldest_ms = waiting[i].oldest_ms < oldest_ms ? waiting[i].oldest_ms : oldest_ms;
    }
    edge.age_ms = now_ms - oldest_ms;
    return edge;
}

size_t late_look(struct late *late, const struct office *office, struct arena *arena,
                 struct late_edge **ret_edges)
{
    const struct setup *setup = office->setup;
    const struct partner_list *partners = &setup->partners;
    int64_t most_ms = (int64_t)setup->config.unsent_alarm_minutes * 60000;
    struct late_edge *edges = arena_array(arena, partners->count, sizeof *edges);
    struct store_waiting *waiting;
    struct store *reader;
    struct fault fault;
    size_t found = 0;
    *ret_edges = edges;
    if (!office_reader(office, arena, &reader, &fault))
        return 0;
    size_t count = store_count_waiting(reader, arena, &waiting);
    int64_t now_ms = store_lived_ms(reader);
    store_close(reader);
    for (size_t i = 0; i < partners->count; i++) {
        const struct partner *partner = &partners->items[i];
        if (partner->disabled || deliver_is_resting(setup, partner))
            continue;
        struct late_edge edge = waiting_of(partner->name, waiting, count, now_ms);
        edge.is_late = most_ms > 0 && edge.count > 0 && edge.age_ms >= most_ms;
        if (note(late, partner->name, edge.is_late))
            edges[found++] = edge;
    }
    return found;
}

const char *late_say(struct arena *arena, const struct late_edge *edge)
{
    if (!edge->is_late)
        return arena_print(arena, "nothing waits for %s for too long any more", edge->partner);
    long long minutes = (long long)(edge->age_ms / 60000);
    return arena_print(arena,
                       "%lld %s for %s, the oldest for %lld %s; see why with refgate queue list, "
                       "and try the partner with refgate partner test %s",
                       (long long)edge->count, edge->count == 1 ? "message waits" : "messages wait",
                       edge->partner, minutes, minutes == 1 ? "minute" : "minutes", edge->partner);
}
