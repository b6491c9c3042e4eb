/* store ticks: one order of commits. Each group takes one tick, later ones a greater one, whatever
 * the clock says; a group that changes nothing, or whose changes are undone, takes none that
 * anybody sees; a crash loses none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/audit/audit.h"
#include "gateway/store/sqlite/sqlite.h"
#include "lib/clinic.h"

#define ARENA (&clinic->arena)
#define STORE (clinic->store)

static int64_t tick(struct store *store)
{
    return sqlite_number(store, "SELECT value FROM meta WHERE key='tick'", "");
}

static void add(struct clinic *clinic, int at_ms)
{
    store_add_event(STORE, &(struct store_event){.referral = 1, .at_ms = at_ms, .what = "noted"});
    audit_add(STORE, at_ms, "received", "lakeside", "m", "referral");
}

static void promise(struct clinic *clinic)
{
    struct fault fault;
    assert_true(store_sync(STORE, &fault));
}

static void test_later_commits_have_greater_ticks(void **state)
{
    struct clinic *clinic = *state;
    struct store_event *events;
    struct store_audit *audits;
    for (int i = 0; i < 20; i++) {
        assert_true(store_begin(STORE));
        add(clinic, i);
        add(clinic, i);
        promise(clinic);
    }
    assert_int_equal(store_events(STORE, ARENA, 1, &events), 40);
    assert_int_equal(store_audits(STORE, ARENA, 0, 100, &audits), 40);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(audits[i].tick, events[i].tick);
        if (i % 2 == 1)
            assert_int_equal(events[i].tick, events[i - 1].tick);
        else if (i > 0)
            assert_true(events[i].tick > events[i - 1].tick);
    }
    assert_int_equal(tick(STORE), events[39].tick);
}

static void test_a_clock_that_goes_back_is_passed_over(void **state)
{
    struct clinic *clinic = *state;
    const int64_t ahead = INT64_C(1) << 50;
    clinic_begin(clinic);
    sqlite_run(STORE, "UPDATE meta SET value=? WHERE key='tick'", "i", ahead);
    clinic_commit(clinic);
    int64_t before = tick(STORE);
    for (int i = 1; i <= 3; i++) {
        clinic_begin(clinic);
        add(clinic, i);
        clinic_commit(clinic);
        assert_int_equal(tick(STORE), before + i);
    }
}

static void test_what_changes_nothing_takes_no_tick(void **state)
{
    struct clinic *clinic = *state;
    clinic_begin(clinic);
    add(clinic, 1);
    clinic_commit(clinic);
    int64_t before = tick(STORE);
    clinic_begin(clinic);
    clinic_commit(clinic);
    clinic_begin(clinic);
    add(clinic, 2);
    store_rollback(STORE);
    assert_int_equal(tick(STORE), before);
}

static void test_changed_rows_take_the_tick_of_the_change(void **state)
{
    struct clinic *clinic = *state;
    struct store_message message = {.direction = "out",
                                    .partner = "lakeside",
                                    .message_id = "m-1",
                                    .bundle_id = "b-1",
                                    .event = "e",
                                    .kind = "accept",
                                    .state = "queued"};
    struct store_referral referral = {.placer = "willow",
                                      .number = "R-1",
                                      .filler = "lakeside",
                                      .role = "placer",
                                      .client = "C-1",
                                      .task_status = "draft"};
    clinic_begin(clinic);
    int64_t referral_row = store_add_referral(STORE, &referral);
    int64_t message_row = store_add_message(STORE, &message);
    clinic_commit(clinic);
    int64_t first = tick(STORE);
    assert_true(store_get_message(STORE, ARENA, message_row, &message));
    assert_int_equal(message.tick, first);
    message.state = "sent";
    clinic_begin(clinic);
    store_set_message(STORE, &message);
    clinic_commit(clinic);
    assert_true(store_get_message(STORE, ARENA, message_row, &message));
    assert_int_equal(message.tick, tick(STORE));
    assert_true(message.tick > first);
    assert_true(store_get_referral(STORE, ARENA, referral_row, &referral));
    assert_int_equal(referral.tick, first);
    clinic_begin(clinic);
    store_set_referral(STORE, &referral);
    clinic_commit(clinic);
    assert_true(store_get_referral(STORE, ARENA, referral_row, &referral));
    assert_int_equal(referral.tick, tick(STORE));
}

static void test_a_crash_loses_no_tick(void **state)
{
    struct clinic *clinic = *state;
    struct fault fault;
    struct store *again;
    for (int i = 0; i < 3; i++) {
        assert_true(store_begin(STORE));
        add(clinic, i);
        promise(clinic);
    }
    int64_t last = tick(STORE);
    setenv("DIR", clinic->folder, 1);
    assert_int_equal(system("mkdir $DIR/copy && cp -a $DIR/store.* $DIR/copy"), 0);
    assert_true(
        store_open(arena_print(ARENA, "%s/copy/store.db", clinic->folder), &again, ARENA, &fault));
    assert_int_equal(tick(again), last);
    store_close(again);
}

static void test_the_audit_says_who_and_what_for(void **state)
{
    struct clinic *clinic = *state;
    struct store_audit *audits;
    int64_t rows;
    int64_t bad;
    struct store_audit row = {.at_ms = 1,
                              .what = "queued",
                              .partner = "lakeside",
                              .subject = "m-1",
                              .detail = "CON-1",
                              .actor = "willow/hawthorne",
                              .purpose = audit_purpose("case-conference"),
                              .client = 7};
    clinic_begin(clinic);
    audit_write(STORE, &row);
    audit_add(STORE, 2, "sent", "lakeside", "m-1", NULL);
    clinic_commit(clinic);
    assert_int_equal(store_audits(STORE, ARENA, 0, 9, &audits), 2);
    assert_string_equal(audits[0].actor, "willow/hawthorne");
    assert_string_equal(audits[0].purpose, "care-coordination");
    assert_string_equal(audits[0].partner, "lakeside");
    assert_int_equal(audits[0].client, 7);
    assert_null(audits[1].actor);
    assert_true(audit_verify(STORE, &rows, &bad));
    clinic_begin(clinic);
    sqlite_run(STORE, "UPDATE partner SET name='harbor'", "");
    clinic_commit(clinic);
    clinic_reopen(clinic);
    assert_true(audit_verify(STORE, &rows, &bad)); /* a new name breaks nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_later_commits_have_greater_ticks, clinic_start_serving,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_clock_that_goes_back_is_passed_over,
                                        clinic_start_serving, clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_clock_that_goes_back_is_passed_over, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_what_changes_nothing_takes_no_tick,
                                        clinic_start_serving, clinic_stop),
        cmocka_unit_test_setup_teardown(test_what_changes_nothing_takes_no_tick, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_changed_rows_take_the_tick_of_the_change, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_a_crash_loses_no_tick, clinic_start_serving,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(test_the_audit_says_who_and_what_for, clinic_start,
                                        clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
