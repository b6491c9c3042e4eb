/* timing: see timing.h. FHIR R4 datatypes.html#Timing.
 *
 * `frequency` is a positive whole number, so visits per week are a fraction in lowest terms: 0.5 a
 * week is 1 in 2 weeks, 1.5 is 3 in 2. Equal by value on the way back. */
#include "fhir/map/timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/field/standing.h"
#include "fhir/model/primitive.h"

static long common_divisor(long one, long other)
{
    while (other != 0) {
        long rest = one % other;
        one = other;
        other = rest;
    }
    return one;
}

enum { DIGITS_MAX = 9 }; /* so that numerator and denominator are FHIR integers */

/* "1.50" -> 3/2; false for what is no positive decimal of at most DIGITS_MAX digits. */
static bool fraction_of(const char *number, long *ret_top, long *ret_bottom)
{
    long top = 0;
    long bottom = 1;
    int digits = 0;
    bool point = false;
    for (const char *at = number; *at != '\0'; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        if (*at < '0' || *at > '9' || ++digits > DIGITS_MAX)
            return false;
        top = top * 10 + (*at - '0');
        bottom *= point ? 10 : 1;
    }
    if (top == 0)
        return false;
    long divisor = common_divisor(top, bottom);
    *ret_top = top / divisor;
    *ret_bottom = bottom / divisor;
    return true;
}

static void write_frequency(struct field_job *job, const struct json *value, struct json *repeat)
{
    const struct json *visits = json_get(value, "visits_per_week");
    long top = 0;
    long bottom = 0;
    if (json_number(visits) == NULL)
        return;
    if (!fraction_of(json_number(visits), &top, &bottom)) {
        field_keep(job, "visits_per_week", visits);
        return;
    }
    json_put(repeat, "frequency", json_new_whole(job->arena, top));
    json_put(repeat, "period", json_new_whole(job->arena, bottom));
    json_set_text(job->arena, repeat, "periodUnit", "wk");
}

static struct json *write_timing(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    struct json *repeat = json_new_object(job->arena);
    struct json *weeks = json_get(value, "weeks");
    struct json *minutes = json_get(value, "minutes_per_visit");
    (void)field;
    if (weeks != NULL)
        json_put(repeat, "boundsDuration", field_new_quantity(job, weeks, "weeks", "wk"));
    if (minutes != NULL) {
        json_put(repeat, "duration", json_copy_nodes(job->arena, minutes));
        json_set_text(job->arena, repeat, "durationUnit", "min");
    }
    write_frequency(job, value, repeat);
    if (json_first(repeat) == NULL)
        return NULL;
    struct json *timing = json_new_object(job->arena);
    json_put(timing, "repeat", repeat);
    return timing;
}

/* TOP/BOTTOM as a decimal; false when it does not end within DIGITS_MAX places. */
static bool decimal_of(long top, long bottom, char *ret_text, size_t size)
{
    long places = 0;
    long whole = top / bottom;
    long rest = top % bottom;
    long digits = 0;
    while (rest != 0 && places < DIGITS_MAX) {
        rest *= 10;
        digits = digits * 10 + rest / bottom;
        rest %= bottom;
        places++;
    }
    if (rest != 0)
        return false;
    if (places == 0)
        snprintf(ret_text, size, "%ld", whole);
    else
        snprintf(ret_text, size, "%ld.%0*ld", whole, (int)places, digits);
    return true;
}

/* Of a FHIR positiveInt; times 7 and a power of ten below that of DIGITS_MAX it is still a long. */
#define FREQUENCY_MAX 2147483647

/* Visits per week of frequency/period; a period in days counts sevenths. */
static bool per_week(const struct json *repeat, char *ret_text, size_t size)
{
    const char *unit = json_get_text(repeat, "periodUnit");
    const char *period = json_number(json_get(repeat, "period"));
    long frequency = 1;
    long top = 0;
    long bottom = 0;
    if (period == NULL || unit == NULL || !fraction_of(period, &top, &bottom))
        return false;
    if (json_get(repeat, "frequency") != NULL &&
        !json_whole(json_get(repeat, "frequency"), &frequency))
        return false;
    if (json_get(repeat, "frequencyMax") != NULL || json_get(repeat, "periodMax") != NULL ||
        json_get(repeat, "dayOfWeek") != NULL || /* "once a day, on Monday and Wednesday" */
        frequency <= 0 || frequency > FREQUENCY_MAX)
        return false;
    if (strcmp(unit, "d") == 0)
        frequency *= 7;
    else if (strcmp(unit, "wk") != 0)
        return false;
    return decimal_of(frequency * bottom, top, ret_text, size);
}

static void read_frequency(struct field_job *job, struct json *repeat, struct json *into)
{
    static const char *const parts[] = {"frequency", "period", "periodUnit"};
    char text[40];
    if (!per_week(repeat, text, sizeof text))
        return;
    json_put(into, "visits_per_week", json_new_number(job->arena, text));
    for (size_t i = 0; i < 3; i++)
        json_mark(json_get(repeat, parts[i]));
}

static void read_weeks(struct field_job *job, struct json *repeat, struct json *into)
{
    struct json *bounds = json_get(repeat, "boundsDuration");
    struct json *weeks = field_count(job->arena, json_get(bounds, "value"), 1);
    if (weeks == NULL || !text_equal(json_get_text(bounds, "code"), "wk") ||
        standing_is_limit(job, bounds))
        return;
    json_put(into, "weeks", weeks);
    json_mark(bounds);
}

static void read_minutes(struct field_job *job, struct json *repeat, struct json *into)
{
    struct json *minutes = field_count(job->arena, json_get(repeat, "duration"), 1);
    if (minutes == NULL)
        return;
    json_put(into, "minutes_per_visit", minutes);
    json_mark(json_get(repeat, "duration"));
    json_mark(json_get(repeat, "durationUnit"));
}

static struct json *read_timing(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    struct json *repeat = json_get(node, "repeat");
    (void)field;
    if (json_get(into, "weeks") == NULL)
        read_weeks(job, repeat, into);
    if (json_get(into, "visits_per_week") == NULL)
        read_frequency(job, repeat, into);
    if (text_equal(json_get_text(repeat, "durationUnit"), "min") &&
        json_get(repeat, "durationMax") == NULL && json_get(into, "minutes_per_visit") == NULL)
        read_minutes(job, repeat, into);
    return NULL;
}

const struct field_kind map_timing = {write_timing, read_timing};

/* ---- sums with times ---- */

struct clock {
    long day; /* days since 1 March of year 0 */
    long minute;
    const char *rest; /* seconds and offset as written: ":00-04:00" */
};

static bool two_digits(const char *at, long *ret_value)
{
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return false;
    *ret_value = (at[0] - '0') * 10 + (at[1] - '0');
    return true;
}

/* Civil date to days (proleptic Gregorian; months counted from March). */
static long day_number(long year, long month, long day)
{
    if (month < 3) {
        year--;
        month += 12;
    }
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 1;
}

static bool read_clock(const char *time, struct clock *ret_clock)
{
    long century = 0;
    long year = 0;
    long month = 0;
    long day = 0;
    long hour = 0;
    long minute = 0;
    if (time == NULL || strlen(time) < 17 || time[10] != 'T' || time[13] != ':' ||
        time[16] != ':' || !two_digits(time, &century) || !two_digits(time + 2, &year) ||
        !two_digits(time + 5, &month) || !two_digits(time + 8, &day) ||
        !two_digits(time + 11, &hour) || !two_digits(time + 14, &minute))
        return false;
    ret_clock->day = day_number(century * 100 + year, month, day);
    ret_clock->minute = hour * 60 + minute;
    ret_clock->rest = time + 16;
    return true;
}

static void civil_date(long number, long *ret_year, long *ret_month, long *ret_day)
{
    long year = (10000 * number + 14780) / 3652425;
    long rest = number - (365 * year + year / 4 - year / 100 + year / 400);
    if (rest < 0) {
        year--;
        rest = number - (365 * year + year / 4 - year / 100 + year / 400);
    }
    long month = (100 * rest + 52) / 3060;
    *ret_month = (month + 2) % 12 + 1;
    *ret_year = year + (month + 2) / 12;
    *ret_day = rest - (month * 306 + 5) / 10 + 1;
}

const char *timing_later(struct field_job *job, const char *time, long minutes)
{
    struct clock clock;
    long year = 0;
    long month = 0;
    long day = 0;
    if (!read_clock(time, &clock))
        return NULL;
    clock.minute += minutes;
    clock.day += clock.minute / (24 * 60);
    clock.minute %= 24 * 60;
    civil_date(clock.day, &year, &month, &day);
    return arena_print(job->arena, "%04ld-%02ld-%02ldT%02ld:%02ld%s", year, month, day,
                       clock.minute / 60, clock.minute % 60, clock.rest);
}

bool timing_between(const char *start, const char *end, long *ret_minutes)
{
    struct clock from;
    struct clock to;
    if (!read_clock(start, &from) || !read_clock(end, &to) || strcmp(from.rest, to.rest) != 0)
        return false;
    *ret_minutes = (to.day - from.day) * 24 * 60 + to.minute - from.minute;
    return *ret_minutes >= 0;
}

/* ---- days ---- */

/* Minutes east of UTC of the first of TIMES that is not told in UTC; 0: all are. */
static int first_zone(const char *const times[], size_t count)
{
    struct primitive_date date;
    for (size_t i = 0; i < count; i++) {
        if (times[i] != NULL && primitive_date_read(times[i], &date) && date.has_time &&
            date.zone != 0)
            return date.zone;
    }
    return 0;
}

static int zone_at_the_desk(const struct field_job *job)
{
    const char *const times[] = {json_get_text(job->record, "visit_at"),
                                 json_get_text(job->record, "held_at"),
                                 json_get_text(job->record, "written_at"), job->moment};
    return first_zone(times, sizeof times / sizeof *times);
}

const char *timing_day(struct field_job *job, const char *time)
{
    enum { DAY = 24 * 60 };
    struct primitive_date date;
    long year = 0;
    long month = 0;
    long day = 0;
    if (time == NULL || !primitive_date_read(time, &date) || date.day == 0)
        return NULL;
    if (!date.has_time || date.zone != 0)
        return arena_copy_n(job->arena, time, 10);
    int minute = date.minute + zone_at_the_desk(job);
    long number = day_number(date.year, date.month, date.day);
    civil_date(number + (minute >= DAY) - (minute < 0), &year, &month, &day);
    return arena_print(job->arena, "%04ld-%02ld-%02ld", year, month, day);
}

const char *timing_days_after(struct field_job *job, const char *day, long count)
{
    struct primitive_date date;
    long year = 0;
    long month = 0;
    long number = 0;
    if (!primitive_date_read(day, &date) || date.day == 0)
        return NULL;
    civil_date(day_number(date.year, date.month, date.day) + count, &year, &month, &number);
    return arena_print(job->arena, "%04ld-%02ld-%02ld", year, month, number);
}

static struct json *write_date(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    return field_plain.write(job, field, value);
}

static const char *edge_of(struct field_job *job, const struct primitive_date *date, bool is_last)
{
    long year = date->year;
    long month = date->month == 0 ? 1 : date->month;
    long day = 1;
    if (is_last) { /* the day before the first of what follows */
        long next_month = date->month == 0 || date->month == 12 ? 1 : date->month + 1;
        civil_date(day_number(next_month == 1 ? year + 1 : year, next_month, 1) - 1, &year, &month,
                   &day);
    }
    return arena_print(job->arena, "%04ld-%02ld-%02ld", year, month, day);
}

static struct json *read_date(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    struct primitive_date date;
    const char *edge = field->option;
    const char *time = json_text(node);
    if (time == NULL || !primitive_date_read(time, &date) || (date.day == 0 && edge == NULL))
        return NULL;
    if (date.day != 0 && !date.has_time)
        return field_plain.read(job, field, node, into);
    const char *day =
        date.day != 0 ? timing_day(job, time) : edge_of(job, &date, strcmp(edge, "last") == 0);
    return json_new_lasting(job->arena, day);
}

const struct field_kind map_day = {write_date, read_date};
