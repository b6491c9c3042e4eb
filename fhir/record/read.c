/* read: from the bytes of a file to record trees, whatever form they have.
 *
 * One JSON object, NDJSON (one object a line), or CSV (record/csv.c). The form is told by the
 * file's name, else by its beginning. Nothing is checked here but that it can be read. See
 * record.h. */
#include <string.h>

#include "base/encoding.h"
#include "fhir/record/csv.h"
#include "fhir/record/places.h"
#include "fhir/record/record.h"

enum { RECORD_DEPTH_MAX = 16 };

static const struct json_options json_form = {
    .bytes_max = RECORD_BYTES_MAX, .depth_max = RECORD_DEPTH_MAX, .index_base = 1};

static const char one_object[] = "a record, which is one { } object";

void record_list_add(struct arena *arena, struct record_list *records, struct record record)
{
    records->items = arena_room(arena, records->items, sizeof *records->items, records->count,
                                &records->room, 8);
    records->items[records->count++] = record;
}

enum record_format record_format_of(const char *file_name)
{
    static const struct {
        const char *end;
        enum record_format format;
    } ends[] = {{".json", RECORD_JSON},
                {".ndjson", RECORD_NDJSON},
                {".jsonl", RECORD_NDJSON},
                {".csv", RECORD_CSV}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (text_ends(file_name, ends[i].end))
            return ends[i].format;
    }
    return RECORD_GUESS;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

static const char *line_end(const char *at, const char *end)
{
    const char *found = memchr(at, '\n', (size_t)(end - at));
    return found == NULL ? end : found;
}

static const char *after_mark(const char *text, size_t length)
{
    return length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

/* Whether the first line is a whole object and another one follows: no JSON file looks like that.
 */
static bool looks_like_lines(const char *text, size_t length)
{
    const char *end = text + length;
    const char *first = skip_space(after_mark(text, length), end);
    const char *first_end = line_end(first, end);
    const char *second = skip_space(first_end, end);
    while (first_end > first && (first_end[-1] == '\r' || first_end[-1] == ' '))
        first_end--;
    return first < end && *first == '{' && first_end[-1] == '}' && second < end && *second == '{';
}

static bool has_separator(const char *at, const char *end)
{
    while (at < end && strchr(",;\t", *at) == NULL)
        at++;
    return at < end;
}

static enum record_format guess(enum record_format format, const char *text, size_t length)
{
    const char *end = text + length;
    const char *first = skip_space(after_mark(text, length), end);
    if (format == RECORD_GUESS && first < end && *first != '{' && *first != '[' &&
        has_separator(first, line_end(first, end)))
        return RECORD_CSV;
    if (format == RECORD_GUESS || format == RECORD_JSON)
        return looks_like_lines(text, length) ? RECORD_NDJSON : RECORD_JSON;
    return format;
}

static const char *kind_in_words(const struct json *node)
{
    static const char *const words[] = {
        [JSON_NULL] = "null",   [JSON_BOOLEAN] = "yes or no", [JSON_NUMBER] = "a number",
        [JSON_TEXT] = "a text", [JSON_LIST] = "a list [ ]",   [JSON_OBJECT] = "an object"};
    return words[json_kind(node)];
}

/* Reads one object; ROW and LINES_BEFORE are 0 for a file of its own. */
static void read_object(struct arena *arena, const char *text, size_t length, int row,
                        struct record_list *records, struct finding_list *findings)
{
    struct record_places *places = arena_alloc(arena, sizeof *places);
    struct json_fault fault;
    places->line_offset = row > 0 ? row - 1 : 0;
    if (!json_parse(arena, text, length, &json_form, &places->document, &fault)) {
        bool is_text = text_utf8_fault(text, length) == length;
        finding_add(findings,
                    (struct finding){.row = row,
                                     .path = fault.is_repeat ? fault.path : NULL,
                                     .line = fault.line + places->line_offset,
                                     .column = fault.column,
                                     .found = is_text ? fault.found : encoding_found(text, length),
                                     .expected = is_text ? fault.expected
                                                         : "UTF-8 text: save the file as UTF-8"});
        return;
    }
    if (json_kind(places->document.root) != JSON_OBJECT) {
        finding_add(findings, (struct finding){.row = row,
                                               .found = kind_in_words(places->document.root),
                                               .expected = one_object});
        return;
    }
    record_list_add(arena, records,
                    (struct record){places->document.root, findings->file, row, places});
}

static void read_lines(struct arena *arena, const char *text, size_t length,
                       struct record_list *records, struct finding_list *findings)
{
    const char *end = text + length;
    size_t before = records->count + findings->count;
    int row = 0;
    for (const char *at = after_mark(text, length); at < end;) {
        const char *stop = line_end(at, end);
        row++;
        if (skip_space(at, stop) < stop)
            read_object(arena, at, (size_t)(stop - at), row, records, findings);
        at = stop < end ? stop + 1 : end;
    }
    if (records->count + findings->count == before)
        finding_add(findings, (struct finding){.found = "nothing", .expected = one_object});
}

void record_read(struct arena *arena, enum record_format format, const char *text, size_t length,
                 const char *file, struct record_list *records, struct finding_list *findings)
{
    findings->file = file;
    findings->row = 0;
    if (length > RECORD_BYTES_MAX) {
        finding_add(findings, (struct finding){.found = "a file that is too large",
                                               .expected = "at most 16 MB"});
        return;
    }
    switch (guess(format, text, length)) {
    case RECORD_CSV:
        record_csv_read(arena, text, length, records, findings);
        break;
    case RECORD_NDJSON:
        read_lines(arena, text, length, records, findings);
        break;
    default:
        read_object(arena, text, length, 0, records, findings);
        break;
    }
}
