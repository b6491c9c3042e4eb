/* index: an open-addressing table, at most half full. See validate/index.h.
 * In a small one the texts that an enemy chose cost no more than looking at all of them, so the
 * cheaper hash will do. */
#include "fhir/validate/index.h"

#include <stdint.h>
#include <string.h>

#include "base/hash.h"

struct index index_new(struct arena *arena, const struct hash_key *secret, size_t count)
{
    static const struct hash_key no_secret = {0, 0};
    size_t size = 4;
    while (size < 2 * count)
        size *= 2;
    return (struct index){secret == NULL ? &no_secret : secret,
                          arena_array(arena, size, sizeof(struct index_row)), size - 1};
}

enum { SMALL = 256 }; /* places */

static inline uint64_t hash_of(const struct index *index, const char *key, size_t length)
{
    return index->mask < SMALL ? hash_text(key, length) : hash_keyed(index->secret, key, length);
}

/* The place of KEY: its row or the empty one where it would go. */
static inline struct index_row *place_of(const struct index *index, const char *key, size_t length)
{
    size_t place = (size_t)hash_of(index, key, length) & index->mask;
    while (index->rows[place].key != NULL && strcmp(index->rows[place].key, key) != 0)
        place = (place + 1) & index->mask;
    return &index->rows[place];
}

struct index_row *index_add(struct index *index, const char *key, const struct json *node)
{
    struct index_row *row = place_of(index, key, strlen(key));
    if (row->key == NULL) {
        row->key = key;
        row->node = node;
    }
    row->count++;
    return row;
}

struct index index_doubled(struct arena *arena, const struct index *index)
{
    struct index larger = index_new(arena, index->secret, index->mask + 1);
    for (size_t i = 0; i <= index->mask; i++) {
        const struct index_row *row = &index->rows[i];
        if (row->key != NULL)
            *place_of(&larger, row->key, strlen(row->key)) = *row;
    }
    return larger;
}

struct index_row *index_find_n(const struct index *index, const char *key, size_t length)
{
    if (index->rows == NULL)
        return NULL;
    struct index_row *row = place_of(index, key, length);
    return row->key == NULL ? NULL : row;
}

struct index_row *index_find(const struct index *index, const char *key)
{
    return index_find_n(index, key, strlen(key));
}
