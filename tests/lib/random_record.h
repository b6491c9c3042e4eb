/* random_record: records of all kinds made from the vocabulary, every field and list item in turn,
 * with awkward texts, numbers and times. The same seed makes the same record. */
#ifndef TESTS_LIB_RANDOM_RECORD_H
#define TESTS_LIB_RANDOM_RECORD_H

#include "fhir/codes/coding_tables.h"
#include "fhir/record/vocabulary.h"
#include "lib/mapping.h"

struct random_maker {
    struct arena *arena;
    uint64_t state;
    const char *kind;
    unsigned fullness; /* of 100: how often a field that may be left out is there */
};

static inline unsigned random_below(struct random_maker *maker, unsigned limit)
{
    maker->state = maker->state * 6364136223846793005u + 1442695040888963407u;
    return limit == 0 ? 0 : (unsigned)(maker->state >> 33) % limit;
}

#define RANDOM_OF(maker, list) (list)[random_below(maker, sizeof(list) / sizeof *(list))]

static inline const char *random_text(struct random_maker *maker, bool is_long)
{
    static const char *const texts[] = {"Neck pain",
                                        "A & B <not> \"quoted\" 'single'",
                                        "Ünïcødé ñ 小林 الزهراء Łódź",
                                        "semicolon; comma, done",
                                        "x",
                                        "Two  spaces   inside",
                                        "100 % \\ backslash / slash",
                                        "emoji 🙂 and ’ quote",
                                        "<div>&amp;</div>",
                                        "a-b-c d"};
    static const char *const longs[] = {"First line.\nSecond line, with <b>marks</b> & more.",
                                        "One\n\nThree lines; tab\there", "]]> --> {json: [1]}"};
    return is_long && random_below(maker, 2) == 0 ? RANDOM_OF(maker, longs)
                                                  : RANDOM_OF(maker, texts);
}

static inline const char *random_id(struct random_maker *maker)
{
    unsigned form = random_below(maker, 5);
    unsigned number = random_below(maker, 100000);
    switch (form) {
    case 0:
        return arena_print(maker->arena, "R-%u", number);
    case 1:
        return arena_print(maker->arena, "WSM.N_%u", number);
    case 2:
        return arena_print(maker->arena, "a/b/%u", number);
    case 3:
        return arena_print(maker->arena, "%u", number);
    default:
        return arena_print(maker->arena, "Z-%u-x", number);
    }
}

static inline const char *random_date(struct random_maker *maker)
{
    return arena_print(maker->arena, "20%02u-%02u-%02u", 20 + random_below(maker, 9),
                       1 + random_below(maker, 12), 1 + random_below(maker, 28));
}

static inline const char *random_time(struct random_maker *maker)
{
    static const char *const zones[] = {"Z", "-04:00", "+09:30", "+00:00", ".250-05:00"};
    return arena_print(maker->arena, "%sT%02u:%02u:%02u%s", random_date(maker),
                       random_below(maker, 24), random_below(maker, 60), random_below(maker, 60),
                       RANDOM_OF(maker, zones));
}

static inline const char *random_handle(struct random_maker *maker, bool is_clinic)
{
    static const char *const clinics[] = {"willow", "lakeside", "riverbend", "harbor"};
    static const char *const people[] = {"alvarez", "wisniewski", "osei",          "lindqvist",
                                         "tanaka",  "obrien",     "npi:1234567893"};
    return is_clinic || random_below(maker, 5) == 0 ? RANDOM_OF(maker, clinics)
                                                    : RANDOM_OF(maker, people);
}

/* Fields whose handle is a person, or a clinic, by their meaning. */
static inline bool random_wants_clinic(const char *name)
{
    return strcmp(name, "issued_by") == 0 || strcmp(name, "share_from") == 0;
}

static inline const char *random_code(struct random_maker *maker, const char *kind)
{
    const char *keys[400];
    unsigned count = 0;
    for (size_t i = 0; i < coding_row_count && count < 400; i++) {
        if (strcmp(coding_rows[i].kind, kind) == 0)
            keys[count++] = coding_rows[i].key;
    }
    return count == 0 ? NULL : keys[random_below(maker, count)];
}

static inline const char *random_word(struct random_maker *maker, const struct record_field *field)
{
    unsigned count = 0;
    if (field->allowed == RECORD_CODES)
        return random_code(maker, field->code_kind);
    if (field->allowed == RECORD_MEASURES)
        return coding_measures[random_below(maker, (unsigned)coding_measure_count)].key;
    if (field->allowed == RECORD_UNITS)
        return coding_units[random_below(maker, (unsigned)coding_unit_count)].written;
    while (field->words != NULL && field->words[count] != NULL)
        count++;
    return count == 0 ? NULL : field->words[random_below(maker, count)];
}

static inline const char *random_number(struct random_maker *maker)
{
    static const char *const numbers[] = {
        "0.5",        "1.50",     "2",         "0.1",        "3.25",       "1.0",
        "14",         "7.00",     "0.75",      "1.25",       "10.5",       "0.333",
        "2.00000000", "1.234567", "1.2345678", "12.3456789", "0.12345679", "13.987654321"};
    return RANDOM_OF(maker, numbers);
}

static inline struct json *random_item(struct random_maker *maker,
                                       const struct record_shape *shape);

static inline struct json *random_value(struct random_maker *maker,
                                        const struct record_field *field)
{
    struct arena *arena = maker->arena;
    long low = field->lowest == NULL ? 1 : strtol(field->lowest, NULL, 10);
    long high = field->highest == NULL ? 99 : strtol(field->highest, NULL, 10);
    switch (field->type) {
    case RECORD_TEXT:
    case RECORD_LONG_TEXT:
        if (strcmp(field->name, "code") == 0)
            return json_new_text(arena, random_below(maker, 2) == 0 ? "M54.2" : "S93.401A");
        if (field->allowed == RECORD_UNITS)
            return json_new_text(arena, random_word(maker, field));
        return json_new_text(arena, random_text(maker, field->type == RECORD_LONG_TEXT));
    case RECORD_WORD: {
        const char *word = random_word(maker, field);
        return word == NULL ? NULL : json_new_text(arena, word);
    }
    case RECORD_ID:
        return json_new_text(arena, random_id(maker));
    case RECORD_TIME:
        return json_new_text(arena, random_time(maker));
    case RECORD_DATE:
        return json_new_text(arena, random_date(maker));
    case RECORD_HANDLE:
        return json_new_text(arena, random_handle(maker, random_below(maker, 8) != 0 &&
                                                             random_wants_clinic(field->name)));
    case RECORD_WHOLE:
        return json_new_whole(arena, low + (long)random_below(maker, (unsigned)(high - low + 1)));
    case RECORD_NUMBER:
        return json_new_number(arena, random_number(maker));
    case RECORD_YES_NO:
        return json_new_boolean(arena, random_below(maker, 2) == 0);
    case RECORD_ITEM:
        return random_item(maker, field->item);
    }
    return NULL;
}

static inline bool random_has(const struct json *list, const struct json *value)
{
    for (struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (json_same(item, value) ||
            (json_get(value, "who") != NULL &&
             json_same(json_get(item, "who"), json_get(value, "who"))) ||
            (json_get(value, "goal_id") != NULL && json_get(value, "owner") == NULL &&
             json_same(json_get(item, "goal_id"), json_get(value, "goal_id"))))
            return true;
    }
    return false;
}

static inline void random_member(struct random_maker *maker, struct json *object,
                                 const struct record_field *field)
{
    unsigned count = field->is_list ? 1 + random_below(maker, 4) : 1;
    if (count < field->least)
        count = field->least;
    if (!field->is_list) {
        json_set(maker->arena, object, field->name, random_value(maker, field));
        return;
    }
    struct json *list = json_new_list(maker->arena);
    for (unsigned i = 0; i < count; i++) {
        struct json *value = random_value(maker, field);
        if (value != NULL && !random_has(list, value))
            json_push(list, value);
    }
    if (json_first(list) != NULL)
        json_set(maker->arena, object, field->name, list);
}

/* What only makes sense together. */
static inline void random_repair_item(struct random_maker *maker, struct json *item)
{
    const char *measure = json_get_text(item, "measure");
    bool is_motion = text_equal(measure, "range-of-motion") && json_get(item, "value") != NULL;
    if (json_get(item, "value") != NULL && json_get(item, "how") != NULL && !is_motion) {
        json_remove(item, "joint");
        json_remove(item, "motion");
        json_remove(item, "how");
    }
    if (is_motion && json_get(item, "joint") == NULL)
        json_set_text(maker->arena, item, "joint", "neck");
    if (is_motion && json_get(item, "motion") == NULL)
        json_set_text(maker->arena, item, "motion", "rotation");
    if (!is_motion && json_get(item, "joint") != NULL) {
        json_remove(item, "joint");
        json_remove(item, "motion");
    }
    if (!is_motion && json_get(item, "motion") != NULL)
        json_remove(item, "motion");
    if (!is_motion && measure != NULL && strcmp(measure, "grip-strength") != 0)
        json_remove(item, "side");
    const struct measure_row *row = coding_measure(measure);
    if (row != NULL && row->unit != NULL && json_get(item, "unit") == NULL) {
        if (strcmp(row->unit, "/min") == 0)
            json_set_text(maker->arena, item, "unit", "bpm");
        if (strcmp(row->unit, "mm[Hg]") == 0)
            json_set_text(maker->arena, item, "unit", "mmHg");
    }
    const char *value = json_number(json_get(item, "value"));
    if (row != NULL && row->lowest != NULL &&
        value != NULL && /* what cannot be is read as doubtful */
        (strtod(value, NULL) < strtod(row->lowest, NULL) ||
         strtod(value, NULL) > strtod(row->highest, NULL)))
        json_replace(maker->arena, item, "value", json_new_number(maker->arena, row->lowest));
    bool is_technique = json_get(item, "technique") != NULL && json_get(item, "owner") == NULL;
    bool is_other = text_equal(json_get_text(item, "technique"), "other");
    if (is_technique && !is_other)
        json_remove(item, "text");
    if (is_technique && is_other && json_get(item, "text") == NULL)
        json_set_text(maker->arena, item, "text", "Cupping");
    if (json_get(item, "code") == NULL && json_get(item, "code_system") != NULL)
        json_remove(item, "code_system");
}

static inline struct json *random_item(struct random_maker *maker, const struct record_shape *shape)
{
    struct json *item = json_new_object(maker->arena);
    for (size_t i = 0; i < shape->count; i++) {
        const struct record_field *field = &shape->fields[i];
        if (strcmp(field->name, "standing") == 0)
            continue; /* nobody writes it */
        if (field->required || random_below(maker, 100) < maker->fullness)
            random_member(maker, item, field);
    }
    random_repair_item(maker, item);
    return item;
}

static inline void random_order(struct random_maker *maker, struct json *record, const char *first,
                                const char *second)
{
    const char *start = json_get_text(record, first);
    const char *end = json_get_text(record, second);
    if (start == NULL || end == NULL || strcmp(start, end) <= 0)
        return;
    json_replace(maker->arena, record, first, json_new_text(maker->arena, end));
    json_replace(maker->arena, record, second, json_new_text(maker->arena, start));
}

static inline struct json *random_record(struct arena *arena, const char *kind, uint64_t seed)
{
    struct random_maker maker = {arena, seed * 2654435761u + 17, kind, 0};
    struct json *record = json_new_object(arena);
    const struct record_shape *shape = record_kind_find(kind);
    const struct record_field *field;
    random_below(&maker, 2);
    maker.fullness = seed % 10 == 0 ? 100 : seed % 10 == 1 ? 0 : 20 + random_below(&maker, 70);
    for (size_t i = 0; (field = record_field_at(shape, i)) != NULL; i++) {
        if (strcmp(field->name, "record") == 0)
            json_set_text(arena, record, "record", kind);
        else if (field->required || strcmp(field->name, "client_family_name") == 0 ||
                 strcmp(field->name, "referral_id") == 0 ||
                 random_below(&maker, 100) < maker.fullness)
            random_member(&maker, record, field);
    }
    if (strcmp(kind, "progress-note") == 0 && json_get(record, "plan") == NULL)
        json_set_text(arena, record, "plan", "Go on.");
    random_order(&maker, record, "first_visit_on", "last_visit_on");
    random_order(&maker, record, "starts_on", "ends_on");
    random_order(&maker, record, "valid_from", "valid_until");
    random_order(&maker, record, "records_from", "records_until");
    return record;
}

#endif
