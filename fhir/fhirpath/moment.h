/* moment: dates, dates with time, and times of day, each known to some precision (FHIRPath N1 2.0
 * sections 4.5-4.7, 6.1.1, 6.2, 6.6.7-6.6.8).
 *
 * Called by the FHIRPath evaluator and by search for date ranges. A moment is a value of its own;
 * fields finer than its precision are zero (month and day: 1). Comparing answers "unknown" where
 * the precision of one of the two does not reach, or where only one has a time zone and the zone
 * decides. */
#ifndef FHIR_FHIRPATH_MOMENT_H
#define FHIR_FHIRPATH_MOMENT_H

#include <stdbool.h>
#include <stddef.h>

enum moment_kind { MOMENT_DATE, MOMENT_DATETIME, MOMENT_TIME };

enum moment_precision {
    PRECISION_YEAR,
    PRECISION_MONTH,
    PRECISION_DAY,
    PRECISION_HOUR,
    PRECISION_MINUTE,
    PRECISION_SECOND /* with any fraction: the two are one precision */
};

enum { MOMENT_TEXT_MAX = 48 };

struct moment {
    unsigned char kind;      /* enum moment_kind */
    unsigned char precision; /* enum moment_precision */
    unsigned char fraction_digits;
    bool has_zone;
    short zone_minutes; /* east of UTC */
    short year;
    unsigned char month, day, hour, minute, second;
    int nanosecond;
};

enum moment_order { MOMENT_BEFORE, MOMENT_SAME, MOMENT_AFTER, MOMENT_UNKNOWN };

enum moment_unit {
    UNIT_YEAR,
    UNIT_MONTH,
    UNIT_WEEK,
    UNIT_DAY,
    UNIT_HOUR,
    UNIT_MINUTE,
    UNIT_SECOND,
    UNIT_MILLISECOND
};

/* All LENGTH bytes must be a moment of KIND that the calendar has. A date with time may end after
 * any field ("2015", "2015-02-04T14"), with a bare T too ("2015T"); a time has no zone. */
bool moment_parse(const char *text, size_t length, enum moment_kind kind,
                  struct moment *ret_moment);
/* As FHIR writes it (no @, no T before a time), into ROOM; returns ROOM. */
char *moment_print(const struct moment *moment, char room[MOMENT_TEXT_MAX]);

/* A time beside a date is never compared: the caller checks the kinds. */
enum moment_order moment_compare(const struct moment *one, const struct moment *other);
/* Same precision and same value; for the equivalence operator. */
bool moment_equivalent(const struct moment *one, const struct moment *other);

/* AMOUNT may be negative. A unit finer than the precision counts as many whole coarser ones as it
 * makes. False when the result leaves the years 1 to 9999. */
bool moment_add(const struct moment *moment, long long amount, enum moment_unit unit,
                struct moment *ret_moment);

/* The earliest or latest moment that MOMENT may stand for, written with DIGITS digits (4 year, 6
 * month, 8 day, 10 hour, 12 minute, 14 second, 17 millisecond; times 2, 4, 6, 9). False: no such
 * precision. */
bool moment_boundary(const struct moment *moment, bool high, int digits, struct moment *ret_moment);
/* The number of digits MOMENT is written with, as above. */
int moment_digits(const struct moment *moment);

/* Parts of a date with time. */
struct moment moment_date_part(const struct moment *moment);
struct moment moment_time_part(const struct moment *moment);

#endif
