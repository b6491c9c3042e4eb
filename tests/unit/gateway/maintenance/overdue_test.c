/* late: an alarm when something waits for too long, one when that is over, and none in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/maintenance/overdue.h"
#include "gateway/store/lived.h"
#include "lib/rows.h"

#define ARENA (&clinic->arena)

static int start(void **state)
{
    *state = clinic_new("willow", "unsent_alarm_minutes: 60\n");
    return 0;
}

static int64_t add(struct clinic *clinic, const char *partner, const char *id, const char *state)
{
    struct store_message message = rows_message(clinic, partner, id);
    message.state = state;
    message.created_ms = clock_wall_ms(&clinic->setup->clock);
    clinic_begin(clinic);
    int64_t row = rows_add_message(clinic, message);
    clinic_commit(clinic);
    return row;
}

static void set_state(struct clinic *clinic, int64_t row, const char *state)
{
    clinic_begin(clinic);
    rows_set_state(clinic, row, state);
    clinic_commit(clinic);
}

static void pass_minutes(struct clinic *clinic, int minutes)
{
    clinic->setup->clock =
        clock_fixed(clock_wall_ms(&clinic->setup->clock) + (int64_t)minutes * 60000);
    store_let_live(clinic->store, (int64_t)minutes * 60000);
    clinic_begin(clinic);
    clinic_commit(clinic);
}

static size_t look(struct clinic *clinic, struct late *late, struct late_edge **ret_edges)
{
    struct office office = {.setup = clinic->setup, .lock = -1};
    return late_look(late, &office, ARENA, ret_edges);
}

static void it_is_told_once_and_its_end_once(void **state)
{
    struct clinic *clinic = *state;
    struct late *late = late_new();
    struct late_edge *edges;
    assert_int_equal(look(clinic, late, &edges), 0);
    int64_t row = add(clinic, "lakeside", "m-1", "queued");
    add(clinic, "harbor", "m-2", "parked"); /* waits for a person, who was told */
    pass_minutes(clinic, 59);
    assert_int_equal(look(clinic, late, &edges), 0);
    pass_minutes(clinic, 1);
    add(clinic, "lakeside", "m-3", "queued");
    assert_int_equal(look(clinic, late, &edges), 1);
    assert_true(edges[0].is_late);
    assert_string_equal(edges[0].partner, "lakeside");
    assert_int_equal(edges[0].count, 2);
    assert_non_null(strstr(late_say(ARENA, &edges[0]), "the oldest for 60 minutes"));
    set_state(clinic, row, "sending");
    assert_int_equal(look(clinic, late, &edges), 0);
    set_state(clinic, row, "sent");
    assert_int_equal(look(clinic, late, &edges), 1);
    assert_false(edges[0].is_late);
    assert_int_equal(look(clinic, late, &edges), 0);
    late_free(late);
}

static void planned_pauses_are_no_fault(void **state)
{
    struct clinic *clinic = *state;
    struct late *late = late_new();
    struct late_edge *edges;
    clinic_put(clinic, "partners/lakeside.yaml",
               arena_print(ARENA,
                           "url: https://127.0.0.1:1/fhir\npins: [%064d]\nmaintenance: "
                           "[daily 12:00-14:00]\n",
                           1));
    clinic_load(clinic); /* it is 12:00 */
    add(clinic, "lakeside", "m-1", "queued");
    pass_minutes(clinic, 119);
    assert_int_equal(look(clinic, late, &edges), 0);
    pass_minutes(clinic, 1);
    assert_int_equal(look(clinic, late, &edges), 1);
    late_free(late);
}

static void nobody_is_told_when_it_is_switched_off(void **state)
{
    struct clinic *clinic = *state;
    struct late *late = late_new();
    struct late_edge *edges;
    clinic->setup->config.unsent_alarm_minutes = 0;
    add(clinic, "lakeside", "m-1", "queued");
    pass_minutes(clinic, 6000);
    assert_int_equal(look(clinic, late, &edges), 0);
    late_free(late);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, clinic_stop)
    const struct CMUnitTest tests[] = {
        TEST(it_is_told_once_and_its_end_once),
        TEST(planned_pauses_are_no_fault),
        TEST(nobody_is_told_when_it_is_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
