/* timing: how often, how long and for how many weeks <-> Timing; and small sums with times. */
#ifndef FHIR_MAP_TIMING_H
#define FHIR_MAP_TIMING_H

#include "fhir/field/field.h"

/* `visits_per_week`, `weeks`, `minutes_per_visit` of the local object <-> Timing.repeat. */
extern const struct field_kind map_timing;
/* Kinds that several resources of a referral share. */
extern const struct field_kind map_placer_number; /* PLAC; path "identifier[+]" */
extern const struct field_kind map_filler_number; /* FILL */

/* A day <-> date or dateTime. What other systems write is read as a whole day: that of a time (see
 * timing_day), and of a month or year the first or last, where OPTION says "first" or "last". The
 * hour, month or year itself is told as received. */
extern const struct field_kind map_day;

/* The day of TIME, a date or dateTime; NULL: it has none. A time in UTC is told in the zone in
 * which the visit, or else the record or message, gives its own times: an evening at the desk is
 * not the day after. */
const char *timing_day(struct field_job *job, const char *time);
/* The day COUNT days after DAY, a date; NULL: it is none. */
const char *timing_days_after(struct field_job *job, const char *day, long count);
/* TIME (with seconds and offset) MINUTES later, in the same offset; NULL when TIME is no time. */
const char *timing_later(struct field_job *job, const char *time, long minutes);
/* Whole minutes from START to END; false when they are no times or not whole minutes apart. */
bool timing_between(const char *start, const char *end, long *ret_minutes);

#endif
