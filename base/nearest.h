/* nearest: the word a person most likely meant, for "did you mean".
 *
 * Feed candidates one by one; the best stays. Distance is Damerau-Levenshtein in its restricted
 * form (insert, delete, replace, swap neighbours), ASCII letters compared without case. A word is
 * only offered when it is close: up to one slip in three letters, or when one is the start of the
 * other. Pure; keeps pointers to the candidates, copies nothing. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

struct nearest {
    const char *word;  /* what was written */
    const char *best;  /* NULL while nothing is close enough */
    unsigned distance; /* of the best */
};

enum { NEAREST_LENGTH_MAX = 64 }; /* longer words are never compared */

/* WORD and the candidates must live as long as the answer is used. */
struct nearest nearest_start(const char *word);
void nearest_try(struct nearest *nearest, const char *candidate);
/* The closest of COUNT words, or NULL. */
const char *nearest_of(const char *word, const char *const *words, size_t count);
/* Slips between two words; NEAREST_LENGTH_MAX + 1 when either is too long. */
unsigned nearest_distance(const char *one, const char *other);

#endif
