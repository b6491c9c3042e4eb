/* measure: words of measures <-> codes, for Observation and Goal. */
#ifndef FHIR_MAP_MEASURE_H
#define FHIR_MAP_MEASURE_H

#include "fhir/field/field.h"

/* Our code and every standard one of a measure, or of a motion ("rom-neck-rotation-active"), with
 * the standard ones of its side, which may be NULL. */
struct json *measure_concept(struct field_job *job, const char *key, const char *side);
/* The word of a CodeableConcept, with *ret_side where a standard code names one (ret_side may be
 * NULL); what equals measure_concept is marked. NULL: none of ours. */
const char *measure_of(struct field_job *job, struct json *concept, const char **ret_side);
/* "rom-neck-rotation-active" of joint, motion and how; and back into those members. */
const char *measure_motion_key(struct field_job *job, const struct json *measurement);
bool measure_split_motion(struct field_job *job, const char *key, struct json *into);
/* The body area of a joint or measure whose side is told, or NULL. */
const char *measure_area(const struct json *measurement);

#endif
