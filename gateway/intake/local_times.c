/* local_times: days and times in full: the offset of a time that names none. See local_times.h for
 * who asks, and for the hours that have no answer. */
#include "gateway/intake/local_times.h"

#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/date_written.h"
#include "fhir/record/vocabulary.h"

enum { DAY_SECONDS = 86400 };

/* As ISO 8601 has it; the same text when it is no time, or one that may be two. */
static const char *in_full(struct arena *arena, const char *text)
{
    struct date_written day;
    char clock[DATE_TEXT], written[DATE_TEXT];
    const char *zone;
    if (date_written_day(text, &day) != DATE_WRITTEN_ONE_WAY ||
        !date_written_clock(day.rest, clock, &zone))
        return text;
    date_format(day.day, written);
    return arena_join(arena, written, clock, zone, NULL);
}

static const char *day_in_full(struct arena *arena, const char *text)
{
    struct date_written day;
    char written[DATE_TEXT];
    if (date_written_day(text, &day) != DATE_WRITTEN_ONE_WAY || *day.rest != '\0')
        return text;
    date_format(day.day, written);
    return text_equal(written, text) ? text : arena_copy(arena, written);
}

static long offset_at(time_t moment)
{
    struct tm parts;
    return localtime_r(&moment, &parts) == NULL ? 0 : parts.tm_gmtoff;
}

/* Seconds east of UTC when the wall clock shows WALL, seconds as if it stood in UTC. False: it
 * never does, or twice. A change of the clock is more than a day from the next. */
static bool offset_of(long long wall, long *ret_offset)
{
    const long before = offset_at((time_t)(wall - DAY_SECONDS));
    const long after = offset_at((time_t)(wall + DAY_SECONDS));
    bool is_before = offset_at((time_t)(wall - before)) == before;
    bool is_after = offset_at((time_t)(wall - after)) == after;
    *ret_offset = is_before ? before : after;
    return before == after ? is_before : is_before != is_after;
}

const char *local_times_text(struct arena *arena, const char *text)
{
    struct date_time time;
    long offset;
    const char *full = in_full(arena, text);
    if (date_time_parse(full, &time) == DATE_RIGHT)
        return full;
    if (date_time_parse(full, &time) != DATE_NO_ZONE ||
        date_time_parse(arena_join(arena, full, "Z", NULL), &time) != DATE_RIGHT ||
        !offset_of(time.seconds, &offset) || offset % 60 != 0)
        return text;
    const long minutes = offset < 0 ? -offset / 60 : offset / 60;
    return arena_print(arena, "%s%c%02ld:%02ld", full, offset < 0 ? '-' : '+', minutes / 60,
                       minutes % 60);
}

/* With a zone where the setting tells one. */
struct completing {
    struct arena *arena;
    bool has_zone;
};

static const char *text_in_full(const struct completing *completing, enum record_type type,
                                const char *text)
{
    if (type == RECORD_DATE)
        return day_in_full(completing->arena, text);
    return completing->has_zone ? local_times_text(completing->arena, text) : text;
}

static void complete_field(const struct completing *completing, struct json *tree,
                           const struct record_field *field)
{
    const char *text = json_get_text(tree, field->name);
    const char *full = text == NULL ? NULL : text_in_full(completing, field->type, text);
    if (full != text)
        json_replace(completing->arena, tree, field->name, json_new_text(completing->arena, full));
}

/* Small objects hold days, and no small objects. */
static void complete(const struct completing *completing, const struct record_shape *shape,
                     struct json *tree)
{
    const struct record_field *field;
    for (size_t i = 0; (field = record_field_at(shape, i)) != NULL; i++) {
        struct json *item =
            field->type == RECORD_ITEM ? json_first(json_get(tree, field->name)) : NULL;
        if (field->type == RECORD_TIME || field->type == RECORD_DATE)
            complete_field(completing, tree, field);
        for (; item != NULL; item = json_next(item)) {
            for (size_t k = 0; k < field->item->count; k++) {
                if (field->item->fields[k].type == RECORD_DATE)
                    complete_field(completing, item, &field->item->fields[k]);
            }
        }
    }
}

void local_times_complete(const struct setup *setup, struct arena *arena,
                          const struct record_list *records)
{
    const struct completing completing = {arena, setup != NULL && setup_zone_fault(setup) == NULL};
    for (size_t i = 0; i < records->count; i++) {
        struct json *tree = records->items[i].tree;
        const struct record_shape *shape = record_kind_find(json_get_text(tree, "record"));
        if (shape != NULL)
            complete(&completing, shape, tree);
    }
}
