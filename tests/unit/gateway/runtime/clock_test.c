/* clock: moments as text, in zones before and behind UTC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "gateway/runtime/clock.h"

struct moment {
    const char *zone; /* of POSIX: its sign is the other way round */
    int64_t ms;
    const char *text;
};

static void moments_are_told_in_the_zone(void **state)
{
    static const struct moment moments[] = {
        {"UTC0", 0, "1970-01-01T00:00:00+00:00"},
        {"UTC0", 1767225599999, "2025-12-31T23:59:59+00:00"},
        {"<+0545>-05:45", 1767225599999, "2026-01-01T05:44:59+05:45"},
        {"<-0330>+03:30", 1700000000000, "2023-11-14T18:43:20-03:30"},
        {"<-0030>+00:30", 1700000000000, "2023-11-14T21:43:20-00:30"}};
    struct arena arena = ARENA_EMPTY;
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        setenv("TZ", moments[i].zone, 1);
        tzset();
        assert_string_equal(clock_text(&arena, moments[i].ms), moments[i].text);
    }
    assert_string_equal(clock_date(&arena, 1700000000000), "2023-11-14");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_told_in_the_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
