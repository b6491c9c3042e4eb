/* moment: see moment.h. Calendar arithmetic is proleptic Gregorian, by days since 0000-03-01. */
#include "fhir/fhirpath/moment.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NANOSECONDS = 1000 * 1000 * 1000, DAY_MINUTES = 24 * 60 };

/* ---- the calendar ---- */

static int days_in_month(int year, int month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Days since 0000-03-01: years begin in March, so that a leap day is a year's last. */
static long long day_number(int year, int month, int day)
{
    int shifted_month = (month + 9) % 12;
    long long shifted_year = year - (month <= 2);
    return shifted_year * 365 + shifted_year / 4 - shifted_year / 100 + shifted_year / 400 +
           (shifted_month * 306 + 5) / 10 + day - 1;
}

static void set_day_number(struct moment *moment, long long number)
{
    long long year = (10000 * number + 14780) / 3652425;
    long long rest = number - (365 * year + year / 4 - year / 100 + year / 400);
    if (rest < 0) {
        year--;
        rest = number - (365 * year + year / 4 - year / 100 + year / 400);
    }
    long long month = (100 * rest + 52) / 3060;
    moment->month = (unsigned char)((month + 2) % 12 + 1);
    moment->year = (short)(year + (month + 2) / 12);
    moment->day = (unsigned char)(rest - (month * 306 + 5) / 10 + 1);
}

/* ---- reading ---- */

struct reader {
    const char *at, *end;
};

static bool number(struct reader *reader, int count, int least, int most, int *ret_number)
{
    int value = 0;
    if (reader->end - reader->at < count)
        return false;
    for (int i = 0; i < count; i++) {
        char c = reader->at[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    reader->at += count;
    *ret_number = value;
    return value >= least && value <= most;
}

static bool next(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

static bool read_date(struct reader *reader, struct moment *moment)
{
    int value;
    if (!number(reader, 4, 1, 9999, &value))
        return false;
    moment->year = (short)value;
    moment->month = moment->day = 1;
    moment->precision = PRECISION_YEAR;
    if (!next(reader, '-'))
        return true;
    if (!number(reader, 2, 1, 12, &value))
        return false;
    moment->month = (unsigned char)value;
    moment->precision = PRECISION_MONTH;
    if (!next(reader, '-'))
        return true;
    if (!number(reader, 2, 1, days_in_month(moment->year, moment->month), &value))
        return false;
    moment->day = (unsigned char)value;
    moment->precision = PRECISION_DAY;
    return true;
}

static bool read_fraction(struct reader *reader, struct moment *moment)
{
    int unit = NANOSECONDS / 10;
    const char *start = reader->at;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        moment->nanosecond += (*reader->at - '0') * unit;
        unit /= 10;
    }
    size_t digits = (size_t)(reader->at - start);
    moment->fraction_digits = (unsigned char)(digits > 9 ? 9 : digits);
    return digits > 0;
}

static bool read_time(struct reader *reader, struct moment *moment)
{
    int value;
    if (!number(reader, 2, 0, 23, &value))
        return false;
    moment->hour = (unsigned char)value;
    moment->precision = PRECISION_HOUR;
    if (!next(reader, ':'))
        return true;
    if (!number(reader, 2, 0, 59, &value))
        return false;
    moment->minute = (unsigned char)value;
    moment->precision = PRECISION_MINUTE;
    if (!next(reader, ':'))
        return true;
    if (!number(reader, 2, 0, 60, &value)) /* 60: a leap second */
        return false;
    moment->second = (unsigned char)value;
    moment->precision = PRECISION_SECOND;
    return !next(reader, '.') || read_fraction(reader, moment);
}

static bool read_zone(struct reader *reader, struct moment *moment)
{
    if (reader->at == reader->end)
        return true;
    moment->has_zone = true;
    if (next(reader, 'Z'))
        return true;
    bool west = *reader->at == '-';
    int hours;
    int minutes;
    if (!next(reader, '+') && !next(reader, '-'))
        return false;
    if (!number(reader, 2, 0, 14, &hours) || !next(reader, ':') ||
        !number(reader, 2, 0, 59, &minutes))
        return false;
    int offset = hours * 60 + minutes;
    moment->zone_minutes = (short)(west ? -offset : offset);
    return offset <= 14 * 60;
}

bool moment_parse(const char *text, size_t length, enum moment_kind kind, struct moment *ret_moment)
{
    struct reader reader = {text, text + length};
    struct moment moment = {.kind = (unsigned char)kind, .year = 1, .month = 1, .day = 1};
    if (kind == MOMENT_TIME) {
        if (!read_time(&reader, &moment) || reader.at != reader.end)
            return false;
        *ret_moment = moment;
        return true;
    }
    if (!read_date(&reader, &moment))
        return false;
    if (kind == MOMENT_DATETIME && next(&reader, 'T') && reader.at != reader.end) {
        if (moment.precision != PRECISION_DAY || !read_time(&reader, &moment) ||
            !read_zone(&reader, &moment))
            return false;
    }
    if (reader.at != reader.end)
        return false;
    *ret_moment = moment;
    return true;
}

/* ---- writing ---- */

static int print_time(const struct moment *moment, char *at, size_t room)
{
    int length = snprintf(at, room, "%02d", moment->hour);
    if (moment->precision >= PRECISION_MINUTE)
        length += snprintf(at + length, room - (size_t)length, ":%02d", moment->minute);
    if (moment->precision < PRECISION_SECOND)
        return length;
    length += snprintf(at + length, room - (size_t)length, ":%02d", moment->second);
    if (moment->fraction_digits > 0) {
        char fraction[16];
        snprintf(fraction, sizeof fraction, "%09d", moment->nanosecond);
        length += snprintf(at + length, room - (size_t)length, ".%.*s", moment->fraction_digits,
                           fraction);
    }
    return length;
}

char *moment_print(const struct moment *moment, char room[MOMENT_TEXT_MAX])
{
    if (moment->kind == MOMENT_TIME) {
        print_time(moment, room, MOMENT_TEXT_MAX);
        return room;
    }
    size_t length = (size_t)snprintf(room, MOMENT_TEXT_MAX, "%04d", moment->year);
    if (moment->precision >= PRECISION_MONTH)
        length += (size_t)snprintf(room + length, MOMENT_TEXT_MAX - length, "-%02d", moment->month);
    if (moment->precision >= PRECISION_DAY)
        length += (size_t)snprintf(room + length, MOMENT_TEXT_MAX - length, "-%02d", moment->day);
    if (moment->precision < PRECISION_HOUR)
        return room;
    room[length++] = 'T';
    length += (size_t)print_time(moment, room + length, MOMENT_TEXT_MAX - length);
    if (!moment->has_zone)
        return room;
    int offset = moment->zone_minutes < 0 ? -moment->zone_minutes : moment->zone_minutes;
    if (offset == 0)
        snprintf(room + length, MOMENT_TEXT_MAX - length, "Z");
    else
        snprintf(room + length, MOMENT_TEXT_MAX - length, "%c%02d:%02d",
                 moment->zone_minutes < 0 ? '-' : '+', offset / 60, offset % 60);
    return room;
}

/* ---- comparing ---- */

static long long minute_number(const struct moment *moment)
{
    return day_number(moment->year, moment->month, moment->day) * DAY_MINUTES + moment->hour * 60 +
           moment->minute;
}

static struct moment in_utc(const struct moment *moment)
{
    struct moment utc = *moment;
    long long minutes = minute_number(moment) - moment->zone_minutes;
    set_day_number(&utc, minutes / DAY_MINUTES);
    utc.hour = (unsigned char)(minutes % DAY_MINUTES / 60);
    utc.minute = (unsigned char)(minutes % 60);
    utc.zone_minutes = 0;
    return utc;
}

/* The fields in the order of enum moment_precision; seconds and fraction are one. */
static long long field(const struct moment *moment, int precision)
{
    switch (precision) {
    case PRECISION_YEAR:
        return moment->year;
    case PRECISION_MONTH:
        return moment->month;
    case PRECISION_DAY:
        return moment->day;
    case PRECISION_HOUR:
        return moment->hour;
    case PRECISION_MINUTE:
        return moment->minute;
    default:
        return (long long)moment->second * NANOSECONDS + moment->nanosecond;
    }
}

static enum moment_order compare_fields(const struct moment *one, const struct moment *other)
{
    int first = one->kind == MOMENT_TIME ? PRECISION_HOUR : PRECISION_YEAR;
    for (int precision = first;; precision++) {
        long long left = field(one, precision);
        long long right = field(other, precision);
        if (left != right)
            return left < right ? MOMENT_BEFORE : MOMENT_AFTER;
        if (precision == one->precision || precision == other->precision)
            return one->precision == other->precision ? MOMENT_SAME : MOMENT_UNKNOWN;
    }
}

/* Only one has a zone: the other may be up to 14 hours east or 12 west of UTC. */
static enum moment_order compare_without_zone(const struct moment *one, const struct moment *other)
{
    struct moment zoned = in_utc(one->has_zone ? one : other);
    const struct moment *local = one->has_zone ? other : one;
    long long earliest = minute_number(local) - 14 * 60;
    long long latest = minute_number(local) + 12 * 60;
    long long known = minute_number(&zoned);
    if (latest + 1 < known)
        return one->has_zone ? MOMENT_AFTER : MOMENT_BEFORE;
    if (earliest > known + 1)
        return one->has_zone ? MOMENT_BEFORE : MOMENT_AFTER;
    return MOMENT_UNKNOWN;
}

enum moment_order moment_compare(const struct moment *one, const struct moment *other)
{
    bool both_timed = one->precision >= PRECISION_HOUR && other->precision >= PRECISION_HOUR;
    if (!both_timed || one->has_zone + other->has_zone == 0)
        return compare_fields(one, other);
    if (one->has_zone != other->has_zone)
        return compare_without_zone(one, other);
    if (one->zone_minutes == other->zone_minutes)
        return compare_fields(one, other);
    struct moment left = in_utc(one);
    struct moment right = in_utc(other);
    return compare_fields(&left, &right);
}

bool moment_equivalent(const struct moment *one, const struct moment *other)
{
    return (one->kind == MOMENT_TIME) == (other->kind == MOMENT_TIME) &&
           one->precision == other->precision && moment_compare(one, other) == MOMENT_SAME;
}

/* ---- adding ---- */

static bool add_months(struct moment *moment, long long months)
{
    long long number = (long long)moment->year * 12 + moment->month - 1 + months;
    if (number < 12 || number >= 10000 * 12)
        return false;
    moment->year = (short)(number / 12);
    moment->month = (unsigned char)(number % 12 + 1);
    int last = days_in_month(moment->year, moment->month);
    if (moment->day > last)
        moment->day = (unsigned char)last;
    return true;
}

static bool add_days(struct moment *moment, long long days)
{
    long long number = day_number(moment->year, moment->month, moment->day) + days;
    if (number < day_number(1, 1, 1) || number > day_number(9999, 12, 31))
        return false;
    set_day_number(moment, number);
    return true;
}

static bool add_nanoseconds(struct moment *moment, long long seconds, long long nanoseconds)
{
    long long fraction = moment->nanosecond + nanoseconds;
    long long total = moment->hour * 3600LL + moment->minute * 60LL + moment->second + seconds;
    if (fraction < 0) {
        fraction += NANOSECONDS;
        total--;
    } else if (fraction >= NANOSECONDS) {
        fraction -= NANOSECONDS;
        total++;
    }
    long long days = total / 86400;
    long long rest = total % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    moment->nanosecond = (int)fraction;
    moment->hour = (unsigned char)(rest / 3600);
    moment->minute = (unsigned char)(rest / 60 % 60);
    moment->second = (unsigned char)(rest % 60);
    return moment->kind == MOMENT_TIME || add_days(moment, days);
}

/* One row a precision: how many of each finer unit make one (a year of 365 days, a month of 30). */
static long long whole_units(long long amount, enum moment_unit unit, int precision)
{
    static const long long milliseconds[] = {
        [UNIT_WEEK] = 604800000, [UNIT_DAY] = 86400000, [UNIT_HOUR] = 3600000,
        [UNIT_MINUTE] = 60000,   [UNIT_SECOND] = 1000,  [UNIT_MILLISECOND] = 1};
    static const long long per_precision[] = {
        [PRECISION_YEAR] = 365LL * 86400000, [PRECISION_MONTH] = 30LL * 86400000,
        [PRECISION_DAY] = 86400000,          [PRECISION_HOUR] = 3600000,
        [PRECISION_MINUTE] = 60000,          [PRECISION_SECOND] = 1};
    return amount * milliseconds[unit] / per_precision[precision];
}

static bool add_whole(struct moment *moment, long long count, int precision)
{
    switch (precision) {
    case PRECISION_YEAR:
        return add_months(moment, count * 12);
    case PRECISION_MONTH:
        return add_months(moment, count);
    case PRECISION_DAY:
        return add_days(moment, count);
    case PRECISION_HOUR:
        return add_nanoseconds(moment, count * 3600, 0);
    case PRECISION_MINUTE:
        return add_nanoseconds(moment, count * 60, 0);
    default:
        return add_nanoseconds(moment, count / 1000, count % 1000 * 1000000);
    }
}

bool moment_add(const struct moment *moment, long long amount, enum moment_unit unit,
                struct moment *ret_moment)
{
    const long long limit =
        1000LL * 1000 * 1000 * 10; /* seconds in 300 years; keeps products small */
    struct moment sum = *moment;
    if (amount > limit || amount < -limit)
        return false;
    bool is_time = moment->kind == MOMENT_TIME;
    bool fits;
    if (unit == UNIT_YEAR || unit == UNIT_MONTH) {
        long long months = unit == UNIT_YEAR ? amount * 12 : amount;
        if (moment->precision == PRECISION_YEAR)
            months = months / 12 * 12;
        fits = is_time || add_months(&sum, months);
    } else {
        fits = add_whole(&sum, whole_units(amount, unit, moment->precision), moment->precision);
    }
    if (unit == UNIT_MILLISECOND && sum.precision == PRECISION_SECOND && sum.fraction_digits < 3)
        sum.fraction_digits = 3;
    *ret_moment = sum;
    return fits;
}

/* ---- boundaries ---- */

static const struct digits {
    int digits;
    enum moment_precision precision;
    bool milliseconds;
} date_digits[] = {{4, PRECISION_YEAR, false},    {6, PRECISION_MONTH, false},
                   {8, PRECISION_DAY, false},     {10, PRECISION_HOUR, false},
                   {12, PRECISION_MINUTE, false}, {14, PRECISION_SECOND, false},
                   {17, PRECISION_SECOND, true}},
  time_digits[] = {{2, PRECISION_HOUR, false},
                   {4, PRECISION_MINUTE, false},
                   {6, PRECISION_SECOND, false},
                   {9, PRECISION_SECOND, true}};

static const struct digits *digits_row(const struct moment *moment, int digits)
{
    bool is_time = moment->kind == MOMENT_TIME;
    const struct digits *rows = is_time ? time_digits : date_digits;
    size_t count = is_time ? sizeof time_digits / sizeof *rows : sizeof date_digits / sizeof *rows;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].digits == digits)
            return &rows[i];
    }
    return NULL;
}

/* FHIR knows no hour without its minutes: T08 stands for T08:00 (R4 datatypes, dateTime). */
static void fill_high(struct moment *moment)
{
    if (moment->precision < PRECISION_MONTH)
        moment->month = 12;
    if (moment->precision < PRECISION_DAY)
        moment->day = (unsigned char)days_in_month(moment->year, moment->month);
    if (moment->precision < PRECISION_HOUR) {
        moment->hour = 23;
        moment->minute = 59;
    }
    if (moment->precision < PRECISION_SECOND)
        moment->second = 59;
    if (moment->fraction_digits == 0)
        moment->nanosecond = 999 * 1000 * 1000;
}

bool moment_boundary(const struct moment *moment, bool high, int digits, struct moment *ret_moment)
{
    const struct digits *row = digits_row(moment, digits);
    if (row == NULL)
        return false;
    struct moment boundary = *moment;
    if (high)
        fill_high(&boundary);
    boundary.precision = (unsigned char)row->precision;
    boundary.fraction_digits = row->milliseconds ? 3 : 0;
    if (boundary.kind != MOMENT_TIME && row->precision >= PRECISION_HOUR) {
        boundary.kind = MOMENT_DATETIME;
        if (!boundary.has_zone)
            boundary.zone_minutes = high ? -12 * 60 : 14 * 60;
        boundary.has_zone = true;
    } else {
        boundary.has_zone = false;
        boundary.zone_minutes = 0;
    }
    if (!row->milliseconds)
        boundary.nanosecond = 0;
    *ret_moment = boundary;
    return true;
}

int moment_digits(const struct moment *moment)
{
    static const int date[] = {4, 6, 8, 10, 12, 14};
    bool is_time = moment->kind == MOMENT_TIME;
    int digits = date[moment->precision] - (is_time ? 8 : 0);
    return moment->fraction_digits > 0 ? digits + 3 : digits;
}

/* ---- parts ---- */

struct moment moment_date_part(const struct moment *moment)
{
    struct moment date = {.kind = MOMENT_DATE,
                          .precision = moment->precision,
                          .year = moment->year,
                          .month = moment->month,
                          .day = moment->day};
    if (date.precision > PRECISION_DAY)
        date.precision = PRECISION_DAY;
    return date;
}

struct moment moment_time_part(const struct moment *moment)
{
    struct moment time = *moment;
    time.kind = MOMENT_TIME;
    time.has_zone = false;
    time.zone_minutes = 0;
    time.year = 1;
    time.month = time.day = 1;
    return time;
}
