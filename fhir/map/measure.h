/* measure: words of measures <-> codes, for Observation and Goal. */
#ifndef FHIR_MAP_MEASURE_H
#define FHIR_MAP_MEASURE_H

#include "fhir/field.h"

/* Our code and every standard one of a measure, or of a motion ("rom-neck-rotation-active"). */
struct json *measure_concept(struct field_job *job, const char *key);
/* The word of a CodeableConcept; what equals measure_concept is marked. NULL: none of ours. */
const char *measure_of(struct field_job *job, struct json *concept);
/* "rom-neck-rotation-active" of joint, motion and how; and back. */
const char *measure_motion_key(struct field_job *job, const struct json *measurement);
bool measure_split_motion(struct field_job *job, const char *key, struct json *into);

#endif
