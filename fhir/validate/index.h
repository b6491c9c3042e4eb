/* index: nodes by text key, for contained ids and Bundle entries: O(1) however many, and
 * whatever texts a partner chose, since their places are found by a secret (base/hash.h).
 *
 * Private to fhir/validate*.c. An index and its rows live in the arena; keys are not copied. Of
 * equal keys the first keeps its row, which counts the others. */
#ifndef FHIR_VALIDATE_INDEX_H
#define FHIR_VALIDATE_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "fhir/json/json.h"

struct index_row {
    const char *key; /* NULL: an empty place */
    const struct json *node;
    unsigned count;  /* nodes with this key */
    unsigned number; /* for the caller */
    bool used;       /* for the caller */
};

struct index {
    const struct hash_key *secret;
    struct index_row *rows;
    size_t mask;
};

/* Room for COUNT keys. SECRET (NULL: zeros) must live as long. */
struct index index_new(struct arena *arena, const struct hash_key *secret, size_t count);
/* The row of KEY, made when it is not there. */
struct index_row *index_add(struct index *index, const char *key, const struct json *node);
/* A copy with twice the room. */
struct index index_doubled(struct arena *arena, const struct index *index);
/* NULL: not there (also for an index without rows). */
struct index_row *index_find(const struct index *index, const char *key);
/* The same; KEY has LENGTH bytes. */
struct index_row *index_find_n(const struct index *index, const char *key, size_t length);

#endif
