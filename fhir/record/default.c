/* default: what holds when a field is left out, and one text for equal records.
 *
 * Defaults come from the vocabulary; three are computed (note kind, day of measuring, the
 * sensitivity of a PHQ-2 score). The canonical text is what record numbers are compared by and what
 * the hash of a message is taken over. See record.h. */
#include <stdlib.h>
#include <string.h>

#include "fhir/record/record.h"
#include "fhir/record/vocabulary.h"

/* ---- defaults ---- */

static struct json *value_of(const struct json *object, const struct record_field *field)
{
    return json_member(object, field->name, field->length, field->hash);
}

static inline __attribute__((always_inline)) bool is_called(const struct record_field *field,
                                                            const char *name)
{
    return field->hash == hash_name(name, strlen(name)) && strcmp(field->name, name) == 0;
}

/* WORD is a text of the source. */
static void fill(struct arena *arena, struct json *object, const struct record_field *field,
                 const char *word)
{
    if (value_of(object, field) == NULL)
        json_put_named(object, field->name, field->length, field->hash,
                       json_new_lasting(arena, word));
}

static bool is_range_of_motion(const struct json *object)
{
    return text_equal(json_get_text(object, "measure"), "range-of-motion");
}

static void fill_item(struct arena *arena, struct json *object, const struct record_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct record_field *field = &shape->fields[i];
        bool is_way = is_called(field, "how"); /* only a movement is active or passive */
        if (field->standard != NULL && (!is_way || is_range_of_motion(object)))
            fill(arena, object, field, field->standard);
    }
}

static const char *note_kind(const struct json *tree, const struct directory *directory)
{
    static const struct {
        const char *profession, *kind;
    } kinds[] = {{"physical-therapist", "pt-progress-note"},
                 {"chiropractor", "chiropractic-progress-note"}};
    const char *writer = json_get_text(tree, "written_by");
    const struct directory_entry *entry =
        writer == NULL || directory == NULL ? NULL : directory_find(directory, writer);
    for (size_t i = 0; entry != NULL && i < sizeof kinds / sizeof *kinds; i++) {
        if (text_equal(entry->profession, kinds[i].profession))
            return kinds[i].kind;
    }
    return "progress-note";
}

static bool has_word(const struct json *list, const char *word)
{
    for (struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (text_equal(json_text(item), word))
            return true;
    }
    return false;
}

static bool has_mood_score(const struct json *tree)
{
    for (struct json *item = json_first(json_get(tree, "measurements")); item != NULL;
         item = json_next(item)) {
        if (text_equal(json_get_text(item, "measure"), "phq-2"))
            return true;
    }
    return false;
}

static void fill_sensitivity(struct arena *arena, struct json *tree)
{
    struct json *list = json_get(tree, "sensitivity");
    if (!has_mood_score(tree) || has_word(list, "mental-health"))
        return;
    if (list == NULL)
        list = json_set(arena, tree, "sensitivity", json_new_list(arena));
    if (json_kind(list) == JSON_LIST)
        json_push(list, json_new_text(arena, "mental-health"));
}

static void fill_days(struct arena *arena, struct json *tree)
{
    const char *visit = json_get_text(tree, "visit_at");
    if (visit == NULL || strlen(visit) < 10)
        return;
    const char *day = arena_copy_n(arena, visit, 10);
    for (struct json *item = json_first(json_get(tree, "measurements")); item != NULL;
         item = json_next(item)) {
        if (json_kind(item) == JSON_OBJECT && json_get(item, "measured_on") == NULL)
            json_set_text(arena, item, "measured_on", day);
    }
}

static void fill_fields(struct arena *arena, struct json *tree, const struct directory *directory,
                        const struct record_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct record_field *field = &shape->fields[i];
        if (field->standard != NULL)
            fill(arena, tree, field, field->standard);
        else if (is_called(field, "note_kind"))
            fill(arena, tree, field, note_kind(tree, directory));
        if (field->type != RECORD_ITEM)
            continue;
        for (struct json *item = json_first(value_of(tree, field)); item != NULL;
             item = json_next(item)) {
            if (json_kind(item) == JSON_OBJECT)
                fill_item(arena, item, field->item);
        }
    }
}

void record_fill_defaults(struct arena *arena, struct json *tree, const struct directory *directory)
{
    const struct record_shape *shape = record_kind_find(record_kind(tree));
    if (shape == NULL)
        return;
    fill_fields(arena, tree, directory, &record_common);
    fill_fields(arena, tree, directory, shape);
    fill_days(arena, tree);
    fill_sensitivity(arena, tree);
}

/* ---- canonical text ---- */

/* A decimal by its value: no exponent, no sign of plus, no zeros that say nothing. "1.50" -> "1.5".
 */
static const char *shortest(struct arena *arena, const char *number)
{
    size_t length = strlen(number);
    if (strpbrk(number, "eE") != NULL || strchr(number, '.') == NULL)
        return number;
    while (number[length - 1] == '0')
        length--;
    if (number[length - 1] == '.')
        length--;
    return length == 2 && number[0] == '-' && number[1] == '0'
               ? "0"
               : arena_copy_n(arena, number, length);
}

struct writing {
    struct arena *arena;
    struct text text;
    bool with_private;
};

static void write_object(struct writing *writing, const struct json *object,
                         const struct record_shape *shape);

static void write_value(struct writing *writing, const struct json *node,
                        const struct record_field *field)
{
    if (json_kind(node) == JSON_LIST) {
        text_add_char(&writing->text, '[');
        for (struct json *item = json_first(node); item != NULL; item = json_next(item)) {
            write_value(writing, item, field);
            if (json_next(item) != NULL)
                text_add_char(&writing->text, ',');
        }
        text_add_char(&writing->text, ']');
    } else if (json_kind(node) == JSON_OBJECT) {
        write_object(writing, node, field == NULL ? NULL : field->item);
    } else if (json_kind(node) == JSON_TEXT) {
        text_add_json_n(&writing->text, json_text(node), json_length(node));
    } else if (json_kind(node) == JSON_NUMBER) {
        bool is_rate = json_key(node) != NULL && json_has_key(node, "visits_per_week");
        const char *number = json_number(node);
        text_add(&writing->text, is_rate ? shortest(writing->arena, number) : number);
    } else {
        bool is_known = json_kind(node) == JSON_BOOLEAN;
        text_add(&writing->text, !is_known ? "null" : json_true(node) ? "true" : "false");
    }
}

/* In quotation marks; names of the vocabulary need no escapes. */
static void write_name(struct writing *writing, const struct record_field *field)
{
    char quoted[64] = "\"";
    if (field->length > sizeof quoted - 2) {
        text_add_json_n(&writing->text, field->name, field->length);
        return;
    }
    memcpy(quoted + 1, field->name, field->length);
    quoted[field->length + 1] = '"';
    text_add_n(&writing->text, quoted, field->length + 2);
}

static void write_member(struct writing *writing, const struct json *node,
                         const struct record_field *field)
{
    if (writing->text.at[writing->text.length - 1] != '{')
        text_add_char(&writing->text, ',');
    if (field != NULL)
        write_name(writing, field);
    else
        text_add_json_n(&writing->text, json_key(node), json_key_length(node));
    text_add_char(&writing->text, ':');
    write_value(writing, node, field);
}

static int by_key(const void *one, const void *other)
{
    return strcmp(json_key(*(const struct json *const *)one),
                  json_key(*(const struct json *const *)other));
}

/* The members that the shape does not have, COUNT at most, by name. */
static void write_others(struct writing *writing, const struct json *object,
                         const struct record_shape *shape, size_t count_max)
{
    size_t count = 0;
    if (count_max == 0)
        return;
    const struct json **others = arena_array(writing->arena, count_max, sizeof *others);
    for (struct json *node = json_first(object); node != NULL; node = json_next(node)) {
        if (shape == NULL || record_field_find(shape, json_key(node)) == NULL)
            others[count++] = node;
    }
    qsort(others, count, sizeof *others, by_key);
    for (size_t i = 0; i < count; i++) {
        if (writing->with_private || !record_is_receipt(json_key(others[i])))
            write_member(writing, others[i], NULL);
    }
}

static bool is_record(const struct record_shape *shape)
{
    return shape >= record_kinds && shape < record_kinds + record_kind_count;
}

/* In whatever order the members stand. */
static void write_unordered(struct writing *writing, const struct json *object,
                            const struct record_shape *shape)
{
    bool is_kind = is_record(shape);
    const struct record_field *field;
    size_t left = json_count(object);
    for (size_t i = 0; shape != NULL; i++) {
        field = is_kind ? record_field_at(shape, i) : i < shape->count ? &shape->fields[i] : NULL;
        if (field == NULL)
            break;
        const struct json *node = value_of(object, field);
        if (node == NULL)
            continue;
        left--;
        if (writing->with_private || !json_has_key(node, "private_note"))
            write_member(writing, node, field);
    }
    write_others(writing, object, shape, left);
}

/* Fields in order: those of `shape`, then those of `then`. */
struct cursor {
    const struct record_shape *shape, *then;
    size_t at;
};

static struct cursor first_field(const struct record_shape *shape)
{
    return is_record(shape) ? (struct cursor){&record_common, shape, 0}
                            : (struct cursor){shape, NULL, 0};
}

/* Moves behind the field that NODE is of; NULL: it stands before, or is none. */
static const struct record_field *seek(struct cursor *cursor, const struct json *node)
{
    while (cursor->shape != NULL) {
        while (cursor->at < cursor->shape->count) {
            const struct record_field *field = &cursor->shape->fields[cursor->at++];
            if (field->hash == node->key_hash && strcmp(field->name, node->key) == 0)
                return field;
        }
        *cursor = (struct cursor){cursor->then, NULL, 0};
    }
    return NULL;
}

/* The members stand in the order of the vocabulary; behind them what the receipt added. */
static bool is_in_order(const struct json *object, const struct record_shape *shape)
{
    struct cursor cursor = first_field(shape);
    for (struct json *node = json_first(object); node != NULL; node = json_next(node)) {
        if (seek(&cursor, node) == NULL &&
            (!record_is_receipt(node->key) || record_field_find(shape, node->key)))
            return false;
    }
    return true;
}

static void write_ordered(struct writing *writing, const struct json *object,
                          const struct record_shape *shape)
{
    struct cursor cursor = first_field(shape);
    for (struct json *node = json_first(object); node != NULL; node = json_next(node)) {
        const struct record_field *field = seek(&cursor, node);
        bool is_private = field == NULL || json_has_key(node, "private_note");
        if (writing->with_private || !is_private)
            write_member(writing, node, field);
    }
}

static void write_object(struct writing *writing, const struct json *object,
                         const struct record_shape *shape)
{
    text_add_char(&writing->text, '{');
    if (shape != NULL && is_in_order(object, shape))
        write_ordered(writing, object, shape);
    else
        write_unordered(writing, object, shape);
    text_add_char(&writing->text, '}');
}

const char *record_canonical(struct arena *arena, const struct json *tree,
                             const struct directory *directory, bool with_private)
{
    struct json *copy = json_copy_nodes(arena, tree);
    struct writing writing = {.arena = arena,
                              .text = text_new(arena, (size_t)RECORD_BYTES_MAX * 8),
                              .with_private = with_private};
    record_fill_defaults(arena, copy, directory);
    write_object(&writing, copy, record_kind_find(record_kind(copy)));
    return writing.text.at;
}

bool record_same(struct arena *arena, const struct json *one, const struct json *other,
                 const struct directory *directory)
{
    return strcmp(record_canonical(arena, one, directory, true),
                  record_canonical(arena, other, directory, true)) == 0;
}
