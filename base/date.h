/* date: days and times of the calendar, without a clock or a time zone table.
 *
 * Records, consent rules, messages and the track use it. A day is year-month-day; a time has
 * seconds and an offset (`2026-09-02T11:20:00-04:00`, or Z; RFC 3339, ISO 8601). The proleptic
 * Gregorian calendar, years 1 to 9999; no leap seconds. Pure. */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdbool.h>

struct date {
    int year, month, day; /* month and day count from 1 */
};

struct date_time {
    long long seconds;  /* since 1970-01-01T00:00:00Z */
    int nanoseconds;    /* 0 to 999999999 */
    int offset_minutes; /* east of UTC is positive */
};

/* What is wrong with a text, so that a message can say it. */
enum date_answer {
    DATE_RIGHT,
    DATE_SHAPE,       /* not year-month-day, or no time in the ISO form at all */
    DATE_NO_SUCH_DAY, /* 30 February */
    DATE_NO_SUCH_TIME,
    DATE_NO_SECONDS, /* 11:20-04:00 */
    DATE_NO_ZONE
};

enum { DATE_TEXT = 32 }; /* room for any text that this file makes, with its NUL */

/* Exactly YYYY-MM-DD. *ret_date is written only when the answer is DATE_RIGHT. */
enum date_answer date_parse(const char *text, struct date *ret_date);
/* Exactly YYYY-MM-DDThh:mm:ss, up to nine decimals, and Z or an offset up to 14:00. */
enum date_answer date_time_parse(const char *text, struct date_time *ret_time);

int date_compare(struct date one, struct date other);                /* <0, 0, >0 */
int date_time_compare(struct date_time one, struct date_time other); /* as instants */
/* Days from ONE to OTHER. */
long date_between(struct date one, struct date other);
struct date date_add_days(struct date date, long days);
/* The same day YEARS later; 29 February becomes 1 March in common years. */
struct date date_add_years(struct date date, int years);
/* The day on which an instant falls at the time's own offset. */
struct date date_of_time(struct date_time time);

void date_format(struct date date, char ret_text[DATE_TEXT]);
/* The same instant in UTC, whole seconds: 2026-09-02T15:20:00Z. */
void date_time_format_utc(struct date_time time, char ret_text[DATE_TEXT]);

#endif
