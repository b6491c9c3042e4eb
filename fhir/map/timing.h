/* timing: how often, how long and for how many weeks <-> Timing; and small sums with times. */
#ifndef FHIR_MAP_TIMING_H
#define FHIR_MAP_TIMING_H

#include "fhir/field.h"

/* `visits_per_week`, `weeks`, `minutes_per_visit` of the local object <-> Timing.repeat. */
extern const struct field_kind map_timing;
/* Kinds that several resources of a referral share. */
extern const struct field_kind map_placer_number; /* PLAC; path "identifier[+]" */
extern const struct field_kind map_filler_number; /* FILL */
extern const struct field_kind map_note;          /* a text <-> Annotation */

/* TIME (with seconds and offset) MINUTES later, in the same offset; NULL when TIME is no time. */
const char *timing_later(struct field_job *job, const char *time, long minutes);
/* Whole minutes from START to END; false when they are no times or not whole minutes apart. */
bool timing_between(const char *start, const char *end, long *ret_minutes);

#endif
