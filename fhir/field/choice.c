/* choice: see choice.h. R4 datatypes.html: Identifier, HumanName, ContactPoint and Address each say
 * of themselves by `use` and `period` whether they still hold. */
#include "fhir/field/choice.h"

#include <stdlib.h>
#include <string.h>

#include "fhir/model/primitive.h"

/* ---- time ---- */

static bool is_before(const char *one, const char *other)
{
    int order = 0;
    return one != NULL && other != NULL && primitive_date_order(one, other, &order) && order < 0;
}

enum choice_time choice_time(const struct field_job *job, const struct json *item)
{
    const struct json *period = json_get(item, "period");
    if (text_equal(json_get_text(item, "use"), "old"))
        return CHOICE_ENDED;
    if (period == NULL)
        return CHOICE_CURRENT; /* as nearly always */
    const char *end = json_get_text(period, "end");
    if (is_before(end, job->moment))
        return CHOICE_ENDED;
    bool is_unsure = end != NULL && job->moment == NULL;
    return is_unsure || is_before(job->moment, json_get_text(period, "start")) ? CHOICE_NOT_YET
                                                                               : CHOICE_CURRENT;
}

int choice_use(const struct json *item, const char *const *uses)
{
    const char *use = json_get_text(item, "use");
    for (int place = 0; uses[place] != NULL; place++) {
        if (text_equal(uses[place], use == NULL ? "" : use))
            return place;
    }
    return -1;
}

/* ---- choosing ---- */

static int compare_texts(const char *one, const char *other)
{
    return strcmp(one == NULL ? "" : one, other == NULL ? "" : other);
}

static int compare(const void *left, const void *right)
{
    const struct choice *one = left;
    const struct choice *other = right;
    if (one->rank != other->rank)
        return one->rank < other->rank ? -1 : 1;
    int order = compare_texts(other->start, one->start); /* the later one first */
    if (order == 0)
        order = compare_texts(one->first, other->first);
    if (order == 0)
        order = compare_texts(one->second, other->second);
    return order != 0 ? order : (one->place > other->place) - (one->place < other->place);
}

static bool judged(struct field_job *job, struct json *item, choice_judge *judge,
                   const void *option, struct choice *ret_choice)
{
    *ret_choice =
        (struct choice){.item = item, .start = json_get_text(json_get(item, "period"), "start")};
    return json_kind(item) == JSON_OBJECT && judge(job, item, option, ret_choice);
}

static struct json *first_of(struct json *list)
{
    return json_kind(list) == JSON_LIST ? json_first(list) : list;
}

static struct json *next_of(const struct json *list, const struct json *item)
{
    return json_kind(list) == JSON_LIST ? json_next(item) : NULL;
}

struct json *choice_best(struct field_job *job, struct json *list, choice_judge *judge,
                         const void *option)
{
    struct choice best = {.item = NULL};
    for (struct json *item = first_of(list); item != NULL; item = next_of(list, item)) {
        struct choice choice;
        if (judged(job, item, judge, option, &choice) &&
            (best.item == NULL || compare(&choice, &best) < 0))
            best = choice;
    }
    return best.item;
}

size_t choice_all(struct field_job *job, struct json *list, choice_judge *judge, const void *option,
                  struct choice **ret_choices)
{
    size_t count = 0;
    size_t room = json_kind(list) == JSON_LIST ? json_count(list) : 1;
    struct choice *choices = arena_array(job->arena, room, sizeof *choices);
    size_t place = 0;
    for (struct json *item = first_of(list); item != NULL; item = next_of(list, item), place++) {
        if (!judged(job, item, judge, option, &choices[count]))
            continue;
        choices[count++].place = place;
    }
    if (count > 1)
        qsort(choices, count, sizeof *choices, compare);
    *ret_choices = choices;
    return count;
}

bool choice_of_value(struct field_job *job, struct json *item, const void *option,
                     struct choice *ret_choice)
{
    static const char *const uses[] = {"usual", "official", "", "secondary", "temp", "old", NULL};
    (void)option;
    ret_choice->first = json_get_text(item, "system");
    ret_choice->second = json_get_text(item, "value");
    int use = choice_use(item, uses);
    ret_choice->rank = (int)choice_time(job, item) * 10 + (use < 0 ? 2 : use);
    return ret_choice->second != NULL;
}

bool choice_of_coding(struct field_job *job, struct json *coding, const void *option,
                      struct choice *ret_choice)
{
    const char *const bases[] = {job->context->base, MESSAGE_BASE_DEFAULT, job->their_base};
    (void)option;
    ret_choice->first = json_get_text(coding, "system");
    ret_choice->second = json_get_text(coding, "code");
    ret_choice->rank = json_true(json_get(coding, "userSelected")) ? 1 : 2;
    for (size_t i = 0; ret_choice->first != NULL && i < 3; i++) {
        if (bases[i] != NULL && text_starts(ret_choice->first, bases[i]))
            ret_choice->rank = 0;
    }
    return json_get_text(coding, "code") != NULL || json_get_text(coding, "display") != NULL;
}
