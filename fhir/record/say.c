/* say: what a record check says: where, what was found, and in words what a field should be.
 * Called by the other record_*.c of the check; see record/check.h. */
#include <string.h>

#include "fhir/record/check.h"

enum { SHOWN_MAX = 60 };

void record_fault(struct checking *check, struct fault fault)
{
    struct finding finding = {.path = fault.path,
                              .found = fault.found,
                              .expected = fault.expected,
                              .nearest = fault.nearest};
    record_place(check->places, fault.node, fault.path, &finding.line, &finding.column);
    finding_add(check->findings, finding);
}

/* The first SHOWN_MAX characters of TEXT on one line. */
static const char *cut_short(struct arena *arena, const char *text)
{
    size_t length = text_utf8_head(text, SHOWN_MAX);
    char *copy = arena_copy_n(arena, text, length);
    for (char *at = copy; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20)
            *at = ' ';
    }
    return text[length] == '\0' ? copy : arena_print(arena, "%s...", copy);
}

const char *record_show(struct checking *check, const struct json *node)
{
    switch (json_kind(node)) {
    case JSON_TEXT:
        return arena_print(check->arena, "\"%s\"", cut_short(check->arena, json_text(node)));
    case JSON_NUMBER:
        return cut_short(check->arena, json_number(node));
    case JSON_BOOLEAN:
        return json_true(node) ? "true" : "false";
    case JSON_LIST:
        return json_first(node) == NULL ? "an empty list" : "a list [ ]";
    case JSON_OBJECT:
        return "an object { }";
    default:
        return node == NULL ? "nothing" : "null";
    }
}

static void add_place(struct text *path, const struct place *place)
{
    if (place->parent != NULL)
        add_place(path, place->parent);
    if (place->name == NULL)
        text_print(path, "[%zu]", place->item);
    else
        text_print(path, "%s%s", path->length > 0 ? "." : "", place->name);
}

const char *record_path(struct checking *check, const struct place *place)
{
    struct text path = text_new(check->arena, 512);
    add_place(&path, place);
    return path.at;
}

static const char *words_of(struct arena *arena, const char *const *words)
{
    struct text text = text_new(arena, 1000);
    for (size_t i = 0; words[i] != NULL; i++)
        text_print(&text, "%s%s", i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ", words[i]);
    return text.at;
}

static const char *range_of(struct arena *arena, const struct record_field *field,
                            const char *number)
{
    if (field->allowed != RECORD_RANGE)
        return number;
    return arena_print(arena, "%s from %s to %s%s%s%s", number, field->lowest, field->highest,
                       field->unit == NULL ? "" : " (", field->unit == NULL ? "" : field->unit,
                       field->unit == NULL ? "" : ")");
}

static const char *word_in_words(struct arena *arena, const struct record_field *field)
{
    switch (field->allowed) {
    case RECORD_WORDS:
        return words_of(arena, field->words);
    case RECORD_MEASURES:
        return "a measure of the code tables, such as pain-now";
    case RECORD_CODES:
        return arena_print(arena, "a %s of the code tables",
                           strcmp(field->code_kind, "bodysite") == 0    ? "body area"
                           : strcmp(field->code_kind, "specialty") == 0 ? "profession"
                                                                        : field->code_kind);
    default:
        return "a word";
    }
}

/* What one value of a field should be. */
const char *record_value_in_words(struct arena *arena, const struct record_field *field)
{
    switch (field->type) {
    case RECORD_WORD:
        return word_in_words(arena, field);
    case RECORD_ID:
        return "a number or code of 1 to 64 characters A-Z a-z 0-9 . _ - /";
    case RECORD_TIME:
        return "a time, such as 2026-09-02 11:20 or 2026-09-02T11:20:00-04:00";
    case RECORD_DATE:
        return "a day as year-month-day, such as 2026-09-02";
    case RECORD_HANDLE:
        return "a short name from directory.csv, or npi: and ten digits";
    case RECORD_WHOLE:
        return range_of(arena, field, "a whole number");
    case RECORD_NUMBER:
        return range_of(arena, field, "a number");
    case RECORD_YES_NO:
        return "true or false";
    case RECORD_ITEM:
        return arena_print(arena, "an object { } (%s)", field->item->name);
    default:
        return "text";
    }
}

const char *record_field_in_words(struct arena *arena, const struct record_field *field)
{
    const char *value = record_value_in_words(arena, field);
    return field->is_list ? arena_print(arena, "a list [ ] of: %s", value) : value;
}

const char *record_meaning_in_words(struct arena *arena, const struct record_field *field)
{
    char *meaning = arena_copy(arena, field->meaning);
    bool is_word = meaning[0] != '\0' && !(meaning[1] >= 'A' && meaning[1] <= 'Z'); /* not "ICD" */
    if (is_word && meaning[0] >= 'A' && meaning[0] <= 'Z')
        meaning[0] = (char)(meaning[0] - 'A' + 'a');
    return meaning;
}
