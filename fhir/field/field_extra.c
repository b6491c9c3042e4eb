/* field_extra: the project extension record-field {name, value[x]}, for what FHIR R4 has no element
 * for (docs/wire-profile.md). It stands on the record's main resource, in the element that tells
 * the same in readable text where there is one. See field.h. */
#include "fhir/field/field.h"
#include "fhir/record/record.h"
#include "fhir/record/vocabulary.h"

#include <string.h>

static const char record_field[] = "/StructureDefinition/record-field";

static const char *const value_names[] = {
    [RECORD_TEXT] = "valueString",    [RECORD_LONG_TEXT] = "valueString",
    [RECORD_WORD] = "valueString",    [RECORD_ID] = "valueString",
    [RECORD_TIME] = "valueDateTime",  [RECORD_DATE] = "valueDate",
    [RECORD_HANDLE] = "valueString",  [RECORD_WHOLE] = "valueInteger",
    [RECORD_NUMBER] = "valueDecimal", [RECORD_YES_NO] = "valueBoolean",
    [RECORD_ITEM] = "valueString"};

/* These say what the record is, whom it is about, or must not travel: no extension may set them. */
static bool is_settable(const char *name)
{
    static const char *const fixed[] = {"record",
                                        "record_id",
                                        "written_at",
                                        "written_by",
                                        "private_note",
                                        "client_id",
                                        "client_family_name",
                                        "client_name_in_latin",
                                        "client_birth_date",
                                        "standing",
                                        NULL};
    return !text_is_one_of(name, fixed);
}

/* Given names travel word by word, and beside them as they are spaced, which changes no word. */
static bool has_same_words(const char *one, const char *other)
{
    while (one != NULL && other != NULL) {
        one += strspn(one, " ");
        other += strspn(other, " ");
        size_t length = strcspn(one, " ");
        if (length != strcspn(other, " ") || strncmp(one, other, length) != 0)
            return false;
        if (length == 0)
            return true;
        one += length;
        other += length;
    }
    return false;
}

static const struct record_field *vocabulary_field(const struct field_job *job, const char *name)
{
    return record_field_find(record_kind_find(job->kind), name);
}

struct json *field_new_extra(struct field_job *job, const char *name, const struct json *value)
{
    const struct record_field *known = vocabulary_field(job, name);
    const char *value_name = value_names[known == NULL ? RECORD_TEXT : known->type];
    struct json *extension = json_new_object(job->arena);
    struct json *parts = json_new_list(job->arena);
    struct json *named = json_push(parts, json_new_object(job->arena));
    struct json *carrier = json_push(parts, json_new_object(job->arena));
    json_set_text(job->arena, extension, "url", field_uri(job, record_field));
    json_put(extension, "extension", parts);
    json_set_text(job->arena, named, "url", "name");
    json_set_text(job->arena, named, "valueString", name);
    json_set_text(job->arena, carrier, "url", "value");
    json_set(job->arena, carrier, value_name, json_copy_nodes(job->arena, value));
    return extension;
}

void field_keep(struct field_job *job, const char *name, const struct json *value)
{
    if (job->kind == NULL)
        return;
    if (job->extras == NULL)
        job->extras = json_new_list(job->arena);
    if (job->list != NULL)
        name = arena_print(job->arena, "%s[%zu].%s", job->list, job->index + 1, name);
    json_push(job->extras, field_new_extra(job, name, value));
}

void field_put_extras(struct field_job *job)
{
    for (struct json *extension = json_first(job->extras); extension != NULL;
         extension = json_next(extension))
        field_put(job, job->main, "extension[+]", json_copy_nodes(job->arena, extension));
}

static struct json *part_value(const struct json *extension, const char *url)
{
    for (struct json *part = json_first(json_get(extension, "extension")); part != NULL;
         part = json_next(part)) {
        struct json *value = json_first(part);
        if (!text_equal(json_get_text(part, "url"), url))
            continue;
        while (value != NULL && !text_starts(json_key(value), "value"))
            value = json_next(value);
        return value;
    }
    return NULL;
}

static struct json *write_extra(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    return field_new_extra(job, field->local, value);
}

/* What a partner writes into a field is what the field holds: else it stays an extension, and
 * stands in `received`. */
static bool fits(struct field_job *job, const struct record_field *known, const struct json *value)
{
    return record_value_fits(job->arena, job->context->coding, known, value);
}

static struct json *read_extra(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    (void)into;
    if (!field_is_ours(job, json_get_text(node, "url"), record_field) ||
        !text_equal(json_text(part_value(node, "name")), field->local))
        return NULL;
    struct json *value = part_value(node, "value");
    const struct record_field *known = vocabulary_field(job, field->local);
    bool is_item = known == NULL || known->item != NULL; /* the text of one, such as decisions */
    if (value == NULL || (is_item ? json_text(value) == NULL : !fits(job, known, value)))
        return NULL;
    json_mark(node);
    return json_copy_nodes(job->arena, value);
}

const struct field_kind field_extra = {write_extra, read_extra};

enum { ITEMS_MAX = 500 }; /* of a list, of which a field of its own is looked for */

/* "participants[2].attendance": the member of the second item, where there is such an item. */
static bool set_in_item(struct field_job *job, struct json *into, const char *name,
                        const struct json *value)
{
    const char *open = strchr(name, '[');
    const char *dot = open == NULL ? NULL : strstr(open, "].");
    if (dot == NULL)
        return false;
    char *list = arena_copy_n(job->arena, name, (size_t)(open - name));
    const struct record_field *known = vocabulary_field(job, list);
    size_t place = 0;
    for (const char *at = open + 1; at < dot && *at >= '0' && *at <= '9' && place <= ITEMS_MAX;
         at++)
        place = place * 10 + (size_t)(*at - '0');
    struct json *item =
        place == 0 || place > ITEMS_MAX ? NULL : json_at(json_get(into, list), place - 1);
    if (known == NULL || known->item == NULL || item == NULL || !is_settable(dot + 2))
        return false;
    known = record_field_find(known->item, dot + 2);
    if (known == NULL || !fits(job, known, value))
        return false;
    json_replace(job->arena, item, dot + 2, json_copy_nodes(job->arena, value));
    return true;
}

static bool set_field(struct field_job *job, struct json *into, const char *name,
                      const struct json *value)
{
    const struct record_field *known = vocabulary_field(job, name);
    if (known == NULL)
        return set_in_item(job, into, name, value);
    if (!is_settable(name) || !fits(job, known, value))
        return false;
    if (strcmp(name, "client_given_names") == 0 &&
        !has_same_words(json_get_text(into, name), json_text(value)))
        return false;
    if (!known->is_list) {
        json_replace(job->arena, into, name, json_copy_nodes(job->arena, value));
        return true;
    }
    struct json *list = json_get(into, name);
    if (list == NULL)
        list = json_set(job->arena, into, name, json_new_list(job->arena));
    json_push(list, json_copy_nodes(job->arena, value));
    return true;
}

void field_read_extras(struct field_job *job, struct json *list, struct json *into)
{
    for (struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        const char *name = json_text(part_value(item, "name"));
        struct json *value = part_value(item, "value");
        if (json_marked(item) || name == NULL || value == NULL ||
            !field_is_ours(job, json_get_text(item, "url"), record_field))
            continue;
        if (set_field(job, into, name, value))
            json_mark(item);
    }
}
