/* date_written: days and times as people and spreadsheet programs write them.
 *
 * `2026-9-2`, `13.2.2026` and `2026-09-02 9:20 AM` mean one thing each; `9/2/2026` is 2 September
 * for one reader and 9 February for another, and the text does not say which. local_times writes
 * the former as records keep them; the check of records refuses the latter with both readings.
 * Pure. */
#ifndef BASE_DATE_WRITTEN_H
#define BASE_DATE_WRITTEN_H

#include <stdbool.h>

#include "base/date.h"

enum date_written_answer {
    DATE_WRITTEN_NO,       /* no day that exists, or no year of four digits */
    DATE_WRITTEN_ONE_WAY,  /* the year first, or only one order makes a day */
    DATE_WRITTEN_TWO_WAYS, /* month first, or day first */
};

struct date_written {
    struct date day, other; /* OTHER: day first, of one that can be read in two ways */
    const char *rest;       /* behind the day */
};

/* What TEXT begins with: three numbers with `-`, `/` or `.` between. */
enum date_written_answer date_written_day(const char *text, struct date_written *ret_day);
/* REST, behind a day (" 9:20", "T9:20:30.5 PM"), as "T09:20:00"; *ret_zone: what stands behind it.
 * The digits of a fraction stay with the zone. */
bool date_written_clock(const char *rest, char ret_clock[DATE_TEXT], const char **ret_zone);

#endif
