/* unit: UCUM units as a factor and dimensions (https://ucum.org/ucum, case-sensitive codes), and
 * the calendar words of FHIRPath.
 *
 * Called by fhir/fhirpath/quantity.c. Covers the units of FHIR's UCUM value sets in everyday
 * clinical use; a code that is not known is simply not convertible. Factors are exact fractions of
 * decimals, but for degrees, where pi enters. Temperatures with an offset (Cel, [degF]) and
 * arbitrary units
 * ([IU], [pH]) convert only to themselves. Pure. */
#ifndef FHIR_FHIRPATH_UNIT_H
#define FHIR_FHIRPATH_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include "fhir/fhirpath/decimal.h"
#include "fhir/fhirpath/moment.h"

enum unit_dimension {
    DIMENSION_LENGTH,
    DIMENSION_TIME,
    DIMENSION_MASS,
    DIMENSION_ANGLE,
    DIMENSION_TEMPERATURE,
    DIMENSION_CHARGE,
    DIMENSION_LUMINOSITY,
    DIMENSION_SUBSTANCE,
    DIMENSION_CALENDAR,  /* months of a calendar: no fixed number of seconds */
    DIMENSION_ARBITRARY, /* of the atom named in unit.arbitrary */
    DIMENSIONS
};

enum { UNIT_TEXT_MAX = 128 };

struct unit {
    struct decimal numerator, denominator; /* how many base units one of these is */
    signed char dimension[DIMENSIONS];     /* exponents */
    const char *arbitrary;                 /* atom of DIMENSION_ARBITRARY, or NULL */
};

/* From a UCUM code such as "mm[Hg]", "g/m", "m.s-2", "1", "{score}". False: not known. */
bool unit_parse(const char *code, struct unit *ret_unit);
/* From "year", "days", ... */
bool unit_parse_calendar(const char *word, struct unit *ret_unit);
bool unit_same_dimension(const struct unit *one, const struct unit *other);
bool unit_is_one(const struct unit *unit); /* no dimension, factor 1 */

/* The unit of time that a calendar word ("days") or a UCUM code ("d") adds to a date. UCUM years
 * and months have a fixed length and are no calendar units: false. */
bool unit_of_calendar_word(const char *word, size_t length, enum moment_unit *ret_unit);
bool unit_of_time_code(const char *code, enum moment_unit *ret_unit);

#endif
