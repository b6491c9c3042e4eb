/* date_written: see date_written.h. */
#include "base/date_written.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { YEAR_DIGITS = 4, NOON = 12 };

/* One to MOST digits at *AT, which is moved behind them; -1: none, or more. */
static int number(const char **at, int most, int *ret_digits)
{
    int value = 0;
    int count = 0;
    for (; isdigit((unsigned char)**at) && count <= most; (*at)++, count++)
        value = value * 10 + **at - '0';
    *ret_digits = count;
    return count == 0 || count > most ? -1 : value;
}

/* ---- days ---- */

static bool exists(int year, int month, int day, struct date *ret_date)
{
    char text[DATE_TEXT];
    if (year < 0 || month < 1 || month > 99 || day < 1 || day > 99)
        return false;
    date_format((struct date){year, month, day}, text);
    return date_parse(text, ret_date) == DATE_RIGHT;
}

enum date_written_answer date_written_day(const char *text, struct date_written *ret_day)
{
    int parts[3], digits[3];
    const char *at = text;
    const char between = text[0] == '\0' ? '\0' : text[strspn(text, "0123456789")];
    for (int i = 0; i < 3; i++) {
        if (i > 0 && (*at != between || strchr("-/.", *at++) == NULL))
            return DATE_WRITTEN_NO;
        parts[i] = number(&at, YEAR_DIGITS, &digits[i]);
        if (parts[i] < 0)
            return DATE_WRITTEN_NO;
    }
    ret_day->rest = at;
    if (digits[0] == YEAR_DIGITS)
        return digits[2] <= 2 && exists(parts[0], parts[1], parts[2], &ret_day->day)
                   ? DATE_WRITTEN_ONE_WAY
                   : DATE_WRITTEN_NO;
    if (digits[2] != YEAR_DIGITS)
        return DATE_WRITTEN_NO;
    bool is_month_first = exists(parts[2], parts[0], parts[1], &ret_day->day);
    bool is_day_first = exists(parts[2], parts[1], parts[0], &ret_day->other);
    if (is_month_first && is_day_first && parts[0] != parts[1])
        return DATE_WRITTEN_TWO_WAYS;
    if (!is_month_first)
        ret_day->day = ret_day->other;
    return is_month_first || is_day_first ? DATE_WRITTEN_ONE_WAY : DATE_WRITTEN_NO;
}

/* ---- times ---- */

/* "AM", "pm", behind spaces; moves *AT behind it. -1: hours to 23. */
static int half_of_day(const char **at)
{
    const char *word = *at + strspn(*at, " ");
    bool is_morning = strncasecmp(word, "am", 2) == 0;
    if (!is_morning && strncasecmp(word, "pm", 2) != 0)
        return -1;
    *at = word + 2;
    return is_morning ? 0 : NOON;
}

bool date_written_clock(const char *rest, char ret_clock[DATE_TEXT], const char **ret_zone)
{
    int digits;
    const char *at = rest;
    if (*at != 'T' && *at != ' ')
        return false;
    at++;
    int hour = number(&at, 2, &digits);
    if (hour < 0 || *at++ != ':')
        return false;
    int minute = number(&at, 2, &digits);
    if (minute < 0 || digits != 2)
        return false;
    int second = 0;
    if (*at == ':') {
        at++;
        second = number(&at, 2, &digits);
        if (second < 0 || digits != 2)
            return false;
    }
    int half = half_of_day(&at);
    if (half >= 0 && (hour < 1 || hour > NOON))
        return false;
    if (half >= 0)
        hour = hour % NOON + half;
    snprintf(ret_clock, DATE_TEXT, "T%02d:%02d:%02d", hour % 100, minute % 100, second % 100);
    *ret_zone = at;
    return true;
}
