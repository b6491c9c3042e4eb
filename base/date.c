/* date: see date.h. Days are counted from 1970-01-01 with eras of 400 years. */
#include "base/date.h"

#include <stdio.h>
#include <string.h>

enum { DAY_SECONDS = 86400, ERA_DAYS = 146097 };

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01; years start in March so that the leap day is the last of its year. */
static long day_number(struct date date)
{
    long year = date.month <= 2 ? date.year - 1 : date.year;
    long era = (year >= 0 ? year : year - 399) / 400;
    long of_era = year - era * 400;
    long of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct date date_of_number(long number)
{
    number += 719468;
    long era = (number >= 0 ? number : number - (ERA_DAYS - 1)) / ERA_DAYS;
    long of_era = number - era * ERA_DAYS;
    long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
    long of_year = of_era - (365 * year + year / 4 - year / 100);
    long month = (5 * of_year + 2) / 153;
    struct date date = {.month = (int)(month < 10 ? month + 3 : month - 9),
                        .day = (int)(of_year - (153 * month + 2) / 5 + 1)};
    date.year = (int)(year + era * 400 + (date.month <= 2));
    return date;
}

/* COUNT digits at TEXT, or -1. */
static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + text[i] - '0';
    }
    return value;
}

static enum date_answer parse_day(const char *text, struct date *ret_date)
{
    if (strnlen(text, 10) < 10 || text[4] != '-' || text[7] != '-')
        return DATE_SHAPE;
    struct date date = {digits(text, 4), digits(text + 5, 2), digits(text + 8, 2)};
    if (date.year < 0 || date.month < 0 || date.day < 0)
        return DATE_SHAPE;
    if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > days_in(date.year, date.month))
        return DATE_NO_SUCH_DAY;
    *ret_date = date;
    return DATE_RIGHT;
}

enum date_answer date_parse(const char *text, struct date *ret_date)
{
    struct date date;
    enum date_answer answer = parse_day(text, &date);
    if (answer == DATE_NO_SUCH_DAY && text[10] == '\0')
        return answer;
    if (answer != DATE_RIGHT || text[10] != '\0')
        return DATE_SHAPE;
    *ret_date = date;
    return DATE_RIGHT;
}

static enum date_answer parse_offset(const char *text, int *ret_minutes)
{
    if (strcmp(text, "Z") == 0) {
        *ret_minutes = 0;
        return DATE_RIGHT;
    }
    if (*text == '\0')
        return DATE_NO_ZONE;
    if ((*text != '+' && *text != '-') || strlen(text) != 6 || text[3] != ':')
        return DATE_SHAPE;
    int hours = digits(text + 1, 2);
    int minutes = digits(text + 4, 2);
    if (hours < 0 || minutes < 0)
        return DATE_SHAPE;
    if (minutes > 59 || hours * 60 + minutes > 14 * 60)
        return DATE_NO_SUCH_TIME;
    *ret_minutes = (*text == '-' ? -1 : 1) * (hours * 60 + minutes);
    return DATE_RIGHT;
}

/* Decimals of a second behind the point at *AT, which is moved behind them; -1: none or too many.
 */
static int parse_fraction(const char **at)
{
    int value = 0;
    int count = 0;
    for (++*at; **at >= '0' && **at <= '9'; ++*at) {
        if (++count > 9)
            return -1;
        value = value * 10 + **at - '0';
    }
    for (int i = count; i < 9; i++)
        value *= 10;
    return count == 0 ? -1 : value;
}

enum date_answer date_time_parse(const char *text, struct date_time *ret_time)
{
    struct date date;
    struct date_time time = {0, 0, 0};
    enum date_answer answer = parse_day(text, &date);
    if (answer != DATE_RIGHT)
        return answer;
    if (text[10] != 'T' || strnlen(text + 11, 5) < 5 || text[13] != ':')
        return DATE_SHAPE;
    int hour = digits(text + 11, 2);
    int minute = digits(text + 14, 2);
    if (hour < 0 || minute < 0)
        return DATE_SHAPE;
    if (text[16] != ':')
        return text[16] == '\0' || strchr("Z+-", text[16]) != NULL ? DATE_NO_SECONDS : DATE_SHAPE;
    if (strnlen(text + 17, 2) < 2)
        return DATE_SHAPE;
    int second = digits(text + 17, 2);
    if (second < 0)
        return DATE_SHAPE;
    if (hour > 23 || minute > 59 || second > 59)
        return DATE_NO_SUCH_TIME;
    const char *at = text + 19;
    if (*at == '.' && (time.nanoseconds = parse_fraction(&at)) < 0)
        return DATE_SHAPE;
    answer = parse_offset(at, &time.offset_minutes);
    if (answer != DATE_RIGHT)
        return answer;
    time.seconds = (long long)day_number(date) * DAY_SECONDS + hour * 3600 + minute * 60 + second -
                   time.offset_minutes * 60;
    *ret_time = time;
    return DATE_RIGHT;
}

int date_compare(struct date one, struct date other)
{
    if (one.year != other.year)
        return one.year < other.year ? -1 : 1;
    if (one.month != other.month)
        return one.month < other.month ? -1 : 1;
    return (one.day > other.day) - (one.day < other.day);
}

int date_time_compare(struct date_time one, struct date_time other)
{
    if (one.seconds != other.seconds)
        return one.seconds < other.seconds ? -1 : 1;
    return (one.nanoseconds > other.nanoseconds) - (one.nanoseconds < other.nanoseconds);
}

long date_between(struct date one, struct date other)
{
    return day_number(other) - day_number(one);
}

struct date date_add_days(struct date date, long days)
{
    return date_of_number(day_number(date) + days);
}

struct date date_add_years(struct date date, int years)
{
    date.year += years;
    if (date.month == 2 && date.day == 29 && !is_leap(date.year)) {
        date.month = 3;
        date.day = 1;
    }
    return date;
}

/* Whole days and the rest of SECONDS, which may be negative. */
static long split(long long seconds, int *ret_rest)
{
    long long days = seconds / DAY_SECONDS;
    long long rest = seconds % DAY_SECONDS;
    if (rest < 0) {
        rest += DAY_SECONDS;
        days--;
    }
    *ret_rest = (int)rest;
    return (long)days;
}

struct date date_of_time(struct date_time time)
{
    int rest;
    return date_of_number(split(time.seconds + time.offset_minutes * 60LL, &rest));
}

void date_format(struct date date, char ret_text[DATE_TEXT])
{
    snprintf(ret_text, DATE_TEXT, "%04d-%02d-%02d", date.year, date.month, date.day);
}

/* YYYY-MM-DDThh:mm:ss of an instant at an offset; returns its length. */
static int format_clock(struct date_time time, int offset_minutes, char *text, size_t room)
{
    int rest;
    struct date date = date_of_number(split(time.seconds + offset_minutes * 60LL, &rest));
    return snprintf(text, room, "%04d-%02d-%02dT%02d:%02d:%02d", date.year, date.month, date.day,
                    rest / 3600, rest / 60 % 60, rest % 60);
}

void date_time_format_utc(struct date_time time, char ret_text[DATE_TEXT])
{
    int length = format_clock(time, 0, ret_text, DATE_TEXT);
    snprintf(ret_text + length, (size_t)(DATE_TEXT - length), "Z");
}
