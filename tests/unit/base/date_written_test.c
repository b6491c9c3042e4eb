/* date_written: one meaning is read, two are named, none is guessed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/date_written.h"

static void days_as_they_are_written(void **state)
{
    static const struct {
        const char *text;
        enum date_written_answer answer;
        const char *day, *other;
    } rows[] = {
        {"2026-09-02", DATE_WRITTEN_ONE_WAY, "2026-09-02", NULL},
        {"2026-9-2", DATE_WRITTEN_ONE_WAY, "2026-09-02", NULL},
        {"2026/09/02 9:20", DATE_WRITTEN_ONE_WAY, "2026-09-02", NULL},
        {"13.2.2026", DATE_WRITTEN_ONE_WAY, "2026-02-13", NULL},
        {"2/13/2026", DATE_WRITTEN_ONE_WAY, "2026-02-13", NULL},
        {"9/9/2026", DATE_WRITTEN_ONE_WAY, "2026-09-09", NULL},
        {"2/29/2028", DATE_WRITTEN_ONE_WAY, "2028-02-29", NULL},
        {"9/2/2026 9:20 AM", DATE_WRITTEN_TWO_WAYS, "2026-09-02", "2026-02-09"},
        {"02.09.2026", DATE_WRITTEN_TWO_WAYS, "2026-02-09", "2026-09-02"},
        {"02-09-2026", DATE_WRITTEN_TWO_WAYS, "2026-02-09", "2026-09-02"},
        {"2/29/2026", DATE_WRITTEN_NO, NULL, NULL},
        {"13/13/2026", DATE_WRITTEN_NO, NULL, NULL},
        {"2026-13-02", DATE_WRITTEN_NO, NULL, NULL},
        {"9/2/26", DATE_WRITTEN_NO, NULL, NULL},
        {"2026-09/02", DATE_WRITTEN_NO, NULL, NULL},
        {"20260902", DATE_WRITTEN_NO, NULL, NULL},
        {"12345-01-01", DATE_WRITTEN_NO, NULL, NULL},
        {"0-0-0000", DATE_WRITTEN_NO, NULL, NULL},
        {"", DATE_WRITTEN_NO, NULL, NULL},
        {"2026-", DATE_WRITTEN_NO, NULL, NULL},
        {"noon", DATE_WRITTEN_NO, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct date_written day;
        char text[DATE_TEXT];
        if (date_written_day(rows[i].text, &day) != rows[i].answer)
            fail_msg("%s", rows[i].text);
        if (rows[i].day == NULL)
            continue;
        date_format(day.day, text);
        assert_string_equal(text, rows[i].day);
        if (rows[i].other == NULL)
            continue;
        date_format(day.other, text);
        assert_string_equal(text, rows[i].other);
    }
}

static void clocks_as_they_are_written(void **state)
{
    static const struct {
        const char *rest, *clock, *zone;
    } rows[] = {
        {" 9:20", "T09:20:00", ""},
        {"T11:20", "T11:20:00", ""},
        {" 9:20 AM", "T09:20:00", ""},
        {" 9:20:30pm", "T21:20:30", ""},
        {" 12:05 AM", "T00:05:00", ""},
        {" 12:05 PM", "T12:05:00", ""},
        {"T9:20-04:00", "T09:20:00", "-04:00"},
        {"T11:20:30.25Z", "T11:20:30", ".25Z"},
        {" 13:20 PM", NULL, NULL},
        {" 0:20 AM", NULL, NULL},
        {" 9", NULL, NULL},
        {" 9:2", NULL, NULL},
        {" 9:20:3", NULL, NULL},
        {"", NULL, NULL},
        {"x9:20", NULL, NULL},
        {" 123:20", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char clock[DATE_TEXT];
        const char *zone;
        bool is_read = date_written_clock(rows[i].rest, clock, &zone);
        if (is_read != (rows[i].clock != NULL))
            fail_msg("%s", rows[i].rest);
        if (!is_read)
            continue;
        assert_string_equal(clock, rows[i].clock);
        assert_string_equal(zone, rows[i].zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_as_they_are_written),
        cmocka_unit_test(clocks_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
