/* pace: when a partner is looked at, and that each going down and coming back is said once. */
#include "gateway/delivery/partner_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { WALL_MS = 1000000, NOW_MS = 5000, MANY = 1000 };

static void goes_down(struct pace *pace)
{
    pace->sending.failures = MANY;
    pace->sending.closed_until_ms = NOW_MS + 400;
}

static void each_partner_has_one(void **state)
{
    (void)state;
    struct pace *list = NULL;
    struct pace *willow = pace_of(&list, "willow");
    struct pace *harbor = pace_of(&list, "harbor");
    assert_ptr_not_equal(willow, harbor);
    assert_ptr_equal(pace_of(&list, "willow"), willow);
    assert_string_equal(harbor->name, "harbor");
    pace_free(list);
}

static void is_wanted_when_something_may_be_due(void **state)
{
    (void)state;
    struct pace *pace = NULL;
    pace_of(&pace, "willow");
    assert_false(pace_is_wanted(pace, WALL_MS));
    pace_claimed(pace, 4, 4, 0);
    assert_true(pace_is_wanted(pace, WALL_MS)); /* as many as there were slots: perhaps more */
    pace_claimed(pace, 4, 3, WALL_MS + 1);
    assert_false(pace_is_wanted(pace, WALL_MS));
    assert_true(pace_is_wanted(pace, WALL_MS + 1));
    assert_int_equal(pace->sending.in_flight, 7);
    pace_free(pace);
}

static void waits_for_what_time_alone_brings(void **state)
{
    (void)state;
    struct pace *pace = NULL;
    pace_of(&pace, "willow");
    assert_int_equal(pace_wait_ms(pace, WALL_MS, NOW_MS), INT64_MAX);
    pace->next_due_ms = WALL_MS + 700;
    assert_int_equal(pace_wait_ms(pace, WALL_MS, NOW_MS), 700);
    pace->is_wanted = true; /* and all slots are taken: the end of an exchange wakes */
    assert_int_equal(pace_wait_ms(pace, WALL_MS, NOW_MS), INT64_MAX);
    goes_down(pace);
    assert_int_equal(pace_wait_ms(pace, WALL_MS, NOW_MS), 400);
    pace->is_wanted = false;
    assert_int_equal(pace_wait_ms(pace, WALL_MS, NOW_MS), 400);
    pace->next_due_ms = 0; /* nothing to send: nothing to wait for */
    assert_int_equal(pace_wait_ms(pace, WALL_MS, NOW_MS), INT64_MAX);
    pace_free(pace);
}

static void tells_each_edge_once(void **state)
{
    (void)state;
    struct pace *pace = NULL;
    pace_of(&pace, "willow");
    assert_int_equal(pace_edge(pace, NOW_MS), PACE_SAME);
    goes_down(pace);
    assert_int_equal(pace_edge(pace, NOW_MS), PACE_DOWN);
    assert_int_equal(pace_edge(pace, NOW_MS), PACE_SAME);
    assert_int_equal(pace_edge(pace, NOW_MS + 500), PACE_SAME); /* a probe may go: not back yet */
    goes_down(pace);
    assert_int_equal(pace_edge(pace, NOW_MS), PACE_SAME);
    pace->sending.failures = 0;
    assert_int_equal(pace_edge(pace, NOW_MS + 600), PACE_BACK);
    assert_int_equal(pace_edge(pace, NOW_MS + 600), PACE_SAME);
    pace_free(pace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_partner_has_one),
        cmocka_unit_test(is_wanted_when_something_may_be_due),
        cmocka_unit_test(waits_for_what_time_alone_brings),
        cmocka_unit_test(tells_each_edge_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
