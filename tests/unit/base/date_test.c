/* date: the calendar, the ISO forms, offsets and instants. */
#include "base/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void parses_days(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum date_answer answer;
    } rows[] = {
        {"2026-09-02", DATE_RIGHT},
        {"2024-02-29", DATE_RIGHT},
        {"2000-02-29", DATE_RIGHT},
        {"1900-02-29", DATE_NO_SUCH_DAY},
        {"2026-02-30", DATE_NO_SUCH_DAY},
        {"2026-00-10", DATE_NO_SUCH_DAY},
        {"2026-13-10", DATE_NO_SUCH_DAY},
        {"2026-01-00", DATE_NO_SUCH_DAY},
        {"2026-04-31", DATE_NO_SUCH_DAY},
        {"0000-01-01", DATE_NO_SUCH_DAY},
        {"03/09/1984", DATE_SHAPE},
        {"2026-9-2", DATE_SHAPE},
        {"2026-09-02 ", DATE_SHAPE},
        {" 2026-09-02", DATE_SHAPE},
        {"2026-09-02T00:00:00Z", DATE_SHAPE},
        {"", DATE_SHAPE},
        {"2026-02-30x", DATE_SHAPE},
        {"+026-09-02", DATE_SHAPE},
        {"2026-09", DATE_SHAPE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct date date = {7, 7, 7};
        if (date_parse(rows[i].text, &date) != rows[i].answer)
            fail_msg("%s", rows[i].text);
        assert_int_equal(date.year == 7, rows[i].answer != DATE_RIGHT);
    }
}

static void parses_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum date_answer answer;
        long long seconds;
    } rows[] = {
        {"1970-01-01T00:00:00Z", DATE_RIGHT, 0},
        {"1970-01-01T00:00:00-04:00", DATE_RIGHT, 14400},
        {"1970-01-01T05:30:00+05:30", DATE_RIGHT, 0},
        {"2026-09-02T11:20:00-04:00", DATE_RIGHT, 1788362400},
        {"1969-12-31T23:59:59Z", DATE_RIGHT, -1},
        {"2026-09-02T11:20:00.123456789Z", DATE_RIGHT, 1788348000},
        {"2026-09-02T11:20:00", DATE_NO_ZONE, 0},
        {"2026-09-02T11:20-04:00", DATE_NO_SECONDS, 0},
        {"2026-09-02T11:20", DATE_NO_SECONDS, 0},
        {"2026-09-02T24:00:00Z", DATE_NO_SUCH_TIME, 0},
        {"2026-09-02T23:60:00Z", DATE_NO_SUCH_TIME, 0},
        {"2026-09-02T23:59:60Z", DATE_NO_SUCH_TIME, 0},
        {"2026-09-02T11:20:00+14:01", DATE_NO_SUCH_TIME, 0},
        {"2026-09-02T11:20:00+00:60", DATE_NO_SUCH_TIME, 0},
        {"2026-02-29T11:20:00Z", DATE_NO_SUCH_DAY, 0},
        {"2026-09-02T11:20:00.Z", DATE_SHAPE, 0},
        {"2026-09-02T11:20:00.1234567890Z", DATE_SHAPE, 0},
        {"2026-09-02T11:20:00-0400", DATE_SHAPE, 0},
        {"2026-09-02T11:20:00z", DATE_SHAPE, 0},
        {"2026-09-02T11:20:00Zx", DATE_SHAPE, 0},
        {"2026-09-02 11:20:00Z", DATE_SHAPE, 0},
        {"2026-09-02T1:20:00Z", DATE_SHAPE, 0},
        {"2026-09-02T11:20:0", DATE_SHAPE, 0},
        {"2026-09-02T", DATE_SHAPE, 0},
        {"2026-09-02", DATE_SHAPE, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct date_time time = {0, 0, 0};
        if (date_time_parse(rows[i].text, &time) != rows[i].answer ||
            time.seconds != rows[i].seconds)
            fail_msg("%s: %lld", rows[i].text, time.seconds);
    }
}

/* Every day of 800 years, one after the other: an independent count of months. */
static void counts_days(void **state)
{
    (void)state;
    struct date start = {1600, 1, 1};
    struct date walk = start;
    for (long i = 0; i < 292194; i++) {
        struct date there = date_add_days(start, i);
        if (date_compare(there, walk) != 0 || date_between(start, there) != i)
            fail_msg("day %ld: %d-%d-%d", i, there.year, there.month, there.day);
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        int leap = (walk.year % 4 == 0 && walk.year % 100 != 0) || walk.year % 400 == 0;
        if (++walk.day > days[walk.month - 1] + (walk.month == 2 && leap)) {
            walk.day = 1;
            if (++walk.month > 12) {
                walk.month = 1;
                walk.year++;
            }
        }
    }
    assert_int_equal(walk.year, 2400);
}

static void compares_and_formats(void **state)
{
    (void)state;
    struct date_time east, west;
    char text[DATE_TEXT];
    assert_int_equal(date_time_parse("2026-09-02T23:30:00-04:00", &west), DATE_RIGHT);
    assert_int_equal(date_time_parse("2026-09-03T05:30:00.5+02:00", &east), DATE_RIGHT);
    assert_true(date_time_compare(west, east) < 0);
    east.nanoseconds = 0;
    assert_int_equal(date_time_compare(west, east), 0);
    assert_int_equal(date_of_time(west).day, 2);
    assert_int_equal(date_of_time(east).day, 3);
    date_time_format_utc(west, text);
    assert_string_equal(text, "2026-09-03T03:30:00Z");
    date_format(date_add_years((struct date){2024, 2, 29}, 1), text);
    assert_string_equal(text, "2025-03-01");
    date_format(date_add_days((struct date){2026, 1, 1}, -1), text);
    assert_string_equal(text, "2025-12-31");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_days),
        cmocka_unit_test(parses_times),
        cmocka_unit_test(counts_days),
        cmocka_unit_test(compares_and_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
