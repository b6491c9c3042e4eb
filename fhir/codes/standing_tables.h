/* standing_tables: the rows that fhir/codes/generate.py makes of modifiers.csv. For
 * fhir/codes/standing.c alone, and for the test that walks them. */
#ifndef FHIR_CODES_STANDING_TABLES_H
#define FHIR_CODES_STANDING_TABLES_H

#include "fhir/codes/standing.h"

struct standing_element {
    const char *name;   /* "status" */
    const char *shadow; /* "_status", which may stand there without a value */
    unsigned length;    /* of the name */
    uint32_t hash, shadow_hash;
    unsigned first, count; /* rows; the one for any other code is the last */
};

struct standing_type {
    const char *name; /* "Observation", "CarePlan.activity.detail" */
    uint32_t hash;
    unsigned first, count; /* elements */
};

extern const struct standing_row standing_rows[];
extern const struct standing_element standing_elements[];
extern const struct standing_type standing_types[];
extern const size_t standing_type_count;
/* Open-addressing table by hash_name() of a type: index into standing_types plus one, 0 empty. */
extern const unsigned short standing_slots[];
extern const unsigned standing_slots_mask;

#endif
