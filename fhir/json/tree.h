/* tree: JSON as a tree, or NULL: for texts that we wrote ourselves and for answers whose faults
 * nobody is told. Default limits of fhir/json/json.h; the tree lives in the arena, and TEXT must
 * live as long. Pure. */
#ifndef FHIR_JSON_TREE_H
#define FHIR_JSON_TREE_H

#include <stddef.h>

#include "fhir/json/json.h"

/* NULL: TEXT is NULL or no JSON. */
const struct json *tree_of(struct arena *arena, const char *text);
const struct json *tree_of_n(struct arena *arena, const char *text, size_t length);

#endif
