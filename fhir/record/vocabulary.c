/* vocabulary: looking things up in the generated table. See record/vocabulary.h. */
#include "fhir/record/vocabulary.h"

#include <string.h>

#include "base/hash.h"
#include "base/nearest.h"

static const struct record_shape *find_shape(const struct record_shape *shapes, size_t count,
                                             const char *name)
{
    for (size_t i = 0; name != NULL && i < count; i++) {
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    }
    return NULL;
}

const struct record_shape *record_kind_find(const char *name)
{
    return find_shape(record_kinds, record_kind_count, name);
}

const struct record_shape *record_item_find(const char *name)
{
    return find_shape(record_items, record_item_count, name);
}

static bool is_kind(const struct record_shape *shape)
{
    return shape >= record_kinds && shape < record_kinds + record_kind_count;
}

static const struct record_field *find_in(const struct record_shape *shape, const char *name)
{
    size_t length = strlen(name);
    uint32_t hash = hash_name(name, length);
    for (size_t i = 0; i < shape->count; i++) {
        const struct record_field *field = &shape->fields[i];
        if (field->hash == hash && field->length == length && strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

const struct record_field *record_field_find(const struct record_shape *shape, const char *name)
{
    if (shape != NULL) {
        const struct record_field *field = find_in(shape, name);
        return field != NULL || !is_kind(shape) ? field : find_in(&record_common, name);
    }
    const struct record_field *field = find_in(&record_common, name);
    for (size_t i = 0; field == NULL && i < record_kind_count; i++)
        field = find_in(&record_kinds[i], name);
    return field;
}

const struct record_field *record_field_at(const struct record_shape *shape, size_t index)
{
    if (shape == NULL || is_kind(shape)) {
        if (index < record_common.count)
            return &record_common.fields[index];
        index -= record_common.count;
    }
    return shape != NULL && index < shape->count ? &shape->fields[index] : NULL;
}

static void try_all(struct nearest *nearest, const struct record_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++)
        nearest_try(nearest, shape->fields[i].name);
}

const char *record_field_nearest(const struct record_shape *shape, const char *word)
{
    struct nearest nearest = nearest_start(word);
    if (shape == NULL || is_kind(shape))
        try_all(&nearest, &record_common);
    if (shape != NULL)
        try_all(&nearest, shape);
    for (size_t i = 0; shape == NULL && i < record_kind_count; i++)
        try_all(&nearest, &record_kinds[i]);
    return nearest.best;
}
