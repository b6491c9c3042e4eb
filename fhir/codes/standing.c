/* standing: what an object's modifier elements say, by the table. See standing.h. */
#include "fhir/codes/standing.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "fhir/codes/standing_tables.h"

const struct standing_type *standing_type_of(const char *name)
{
    uint32_t hash = hash_name(name, strlen(name));
    size_t at = hash & standing_slots_mask;
    for (; standing_slots[at] != 0; at = (at + 1) & standing_slots_mask) {
        const struct standing_type *type = &standing_types[standing_slots[at] - 1];
        if (type->hash == hash && strcmp(type->name, name) == 0)
            return type;
    }
    return NULL;
}

/* The row of CODE, or NULL; CODE NULL: the row of any other. */
static const struct standing_row *row_of(const struct standing_element *element, const char *code)
{
    for (unsigned i = 0; i < element->count; i++) {
        const struct standing_row *row = &standing_rows[element->first + i];
        if (row->code == NULL ? code == NULL : text_equal(row->code, code))
            return row;
    }
    return NULL;
}

static const struct standing_row *other_row(const struct standing_element *element)
{
    const struct standing_row *last = &standing_rows[element->first + element->count - 1];
    return last->code == NULL ? last : NULL;
}

static bool is_heavier(const struct standing_row *one, const struct standing_row *other)
{
    return one != NULL && (other == NULL || one->act > other->act);
}

/* Of a text or boolean its own code; of a Coding `code`; of a link its `type`. */
static const char *code_of(const struct json *node)
{
    if (json_kind(node) == JSON_BOOLEAN)
        return json_true(node) ? "true" : "false";
    if (json_kind(node) != JSON_OBJECT)
        return json_text(node);
    const char *code = json_get_text(node, "code");
    return code != NULL ? code : json_get_text(node, "type");
}

/* The values of which one is said: the items of a list, the codings of a concept, else the node. */
static struct json *values_of(struct json *node)
{
    struct json *codings = json_kind(node) == JSON_OBJECT ? json_get(node, "coding") : NULL;
    struct json *list = codings != NULL ? codings : node;
    return json_kind(list) == JSON_LIST ? json_first(list) : node;
}

/* Codings of other systems say nothing beside one that is known. */
static struct standing_said say(const struct standing_element *element, struct json *node)
{
    struct standing_said said = {.element = element->name, .node = node};
    struct json *value = values_of(node);
    bool is_one = value == node;
    for (; value != NULL; value = is_one ? NULL : json_next(value)) {
        const char *code = code_of(value);
        const struct standing_row *row = code == NULL ? NULL : row_of(element, code);
        if (said.row != NULL && !is_heavier(row, said.row))
            continue;
        said.row = row;
        said.code = code;
        said.node = value;
    }
    if (said.row == NULL)
        said.row = other_row(element);
    return said;
}

static struct standing_said look(const struct standing_element *element, const struct json *object)
{
    struct json *node = json_member(object, element->name, element->length, element->hash);
    if (node != NULL && json_kind(node) != JSON_NULL)
        return say(element, node);
    struct standing_said said = {.element = element->name};
    if (json_member(object, element->shadow, element->length + 1, element->shadow_hash) != NULL)
        said.row = other_row(element); /* it has a value, and nobody knows which */
    return said;
}

bool standing_at(const struct standing_type *type, const struct json *object, size_t number,
                 struct standing_said *ret_said)
{
    if (type == NULL || number >= type->count)
        return false;
    *ret_said = look(&standing_elements[type->first + number], object);
    return true;
}

struct standing_said standing_of(const char *type_name, const struct json *object)
{
    const struct standing_type *type = standing_type_of(type_name);
    struct standing_said heaviest = {.row = NULL};
    for (unsigned i = 0; type != NULL && i < type->count; i++) {
        struct standing_said said = look(&standing_elements[type->first + i], object);
        if (is_heavier(said.row, heaviest.row))
            heaviest = said;
    }
    return heaviest;
}

const struct standing_row *standing_find(const char *type_name, const char *name, const char *code)
{
    const struct standing_type *type = standing_type_of(type_name);
    for (unsigned i = 0; type != NULL && i < type->count; i++) {
        const struct standing_element *element = &standing_elements[type->first + i];
        if (strcmp(element->name, name) != 0)
            continue;
        const struct standing_row *row = row_of(element, code);
        return row != NULL ? row : other_row(element);
    }
    return NULL;
}

const struct standing_row *standing_of_path(struct arena *arena, const char *path, const char *code)
{
    size_t type = path == NULL ? 0 : strcspn(path, "[.");
    const char *dot = type == 0 ? NULL : strchr(path, '.');
    if (dot == NULL)
        return NULL;
    return standing_find(arena_copy_n(arena, path, type), dot + 1, code);
}
