/* local_times: the offset of a time that names none. See local_times.h for who asks, and for the
 * hours that have no answer. */
#include "gateway/local_times.h"

#include <string.h>
#include <time.h>

#include "base/date.h"
#include "fhir/record_vocabulary.h"

enum { DAY_SECONDS = 86400, MINUTES_END = 16, SECONDS_END = 19 };

/* With T and seconds, as ISO 8601 has it. */
static const char *in_full(struct arena *arena, const char *text)
{
    size_t length = strlen(text);
    if (length < MINUTES_END || (text[10] != 'T' && text[10] != ' ') || text[13] != ':')
        return text;
    const char *behind = text + MINUTES_END;
    const char *seconds = *behind == ':' ? "" : ":00";
    return arena_print(arena, "%.10sT%.5s%s%s", text, text + 11, seconds, behind);
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

static void complete_record(struct arena *arena, struct json *tree)
{
    const struct record_shape *shape = record_kind_find(json_get_text(tree, "record"));
    const struct record_field *field;
    for (size_t i = 0; shape != NULL && (field = record_field_at(shape, i)) != NULL; i++) {
        const char *text = field->type == RECORD_TIME ? json_get_text(tree, field->name) : NULL;
        const char *full = text == NULL ? NULL : local_times_text(arena, text);
        if (full != text)
            json_replace(arena, tree, field->name, json_new_text(arena, full));
    }
}

void local_times_complete(const struct setup *setup, struct arena *arena,
                          const struct record_list *records)
{
    if (setup == NULL || setup_zone_fault(setup) != NULL)
        return;
    for (size_t i = 0; i < records->count; i++)
        complete_record(arena, records->items[i].tree);
}
