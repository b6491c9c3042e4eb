/* standing: what the modifier elements of FHIR R4 say about what they stand in.
 *
 * An element that R4 marks as a modifier (and a few statuses that it does not mark) may turn what
 * it stands in into something else than a fact: ordered, not ordered; measured, entered in error.
 * One row of fhir/codes/modifiers.csv says for each code what becomes of that; docs/mapping.md
 * tells it in words, and tests/unit/fhir/codes/standing_test.c holds it against the R4 definitions.
 * Called by fhir/field/standing and fhir/message/judge, which act on it. Constant and pure; any
 * thread may read. */
#ifndef FHIR_CODES_STANDING_H
#define FHIR_CODES_STANDING_H

#include <stddef.h>
#include <stdint.h>

#include "fhir/json/json.h"

/* In the order of their weight: of two elements the heavier one is heard. */
enum standing_act {
    STANDING_FACT,     /* a plain fact */
    STANDING_FIELD,    /* the field's own reading goes by it */
    STANDING_TOLD,     /* a fact, with something to know before acting on it */
    STANDING_KEPT,     /* no plain fact: an item keeps its place with a word of standing */
    STANDING_ASIDE,    /* goes into no field */
    STANDING_REFUSED,  /* nothing of the message may be filed; within a list as STANDING_ASIDE */
    STANDING_WITHDRAWN /* takes the record back; within a list as STANDING_ASIDE */
};

struct standing_row {
    const char *code; /* NULL: any other value, and a value that is missing */
    enum standing_act act;
    const char *word;    /* of STANDING_KEPT: "refuted" */
    const char *meaning; /* for a person; NULL: nothing more to say */
};

/* What one element of an object says. */
struct standing_said {
    const struct standing_row *row; /* NULL: nothing but facts */
    const char *element;            /* "status" */
    const char *code;               /* as it stands there, or NULL */
    struct json *node;              /* the code, Coding or whole value; NULL: it is missing */
};

/* The heaviest that OBJECT says, an element of TYPE ("Observation",
 * "CarePlan.activity.detail"). */
struct standing_said standing_of(const char *type, const struct json *object);
/* The elements of a type, for standing_at; NULL: it has none. */
const struct standing_type *standing_type_of(const char *type);
/* What element NUMBER of TYPE says in OBJECT, the first being 0; false when there are no more. */
bool standing_at(const struct standing_type *type, const struct json *object, size_t number,
                 struct standing_said *ret_said);
/* The row for CODE (NULL: for any other) of ELEMENT of TYPE; NULL: the table has no such element.
 */
const struct standing_row *standing_find(const char *type, const char *element, const char *code);
/* The same for an element of a resource by its path, such as "Observation[2].status"; NULL for one
 * that lies deeper. */
const struct standing_row *standing_of_path(struct arena *arena, const char *path,
                                            const char *code);

#endif
