/* sequence: what follows a message that came too early or was given up: which ones go again, which
 * are withdrawn with it, and where the referral stands then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/outbound/sequence.h"
#include "lib/rows.h"

#define ARENA (&clinic->arena)
#define STORE (clinic->store)

/* A referral from Lakeside that Willow has accepted, and started. */
static int64_t add_filled(struct clinic *clinic)
{
    struct store_referral referral = rows_referral("lakeside", "R-1");
    referral.task_status = "in-progress";
    return store_add_referral(STORE, &referral);
}

static int64_t add_move(struct clinic *clinic, int64_t referral, const char *kind,
                        const char *moved_from)
{
    struct store_message message =
        rows_message(clinic, "lakeside", arena_print(ARENA, "m-%s", kind));
    message.kind = kind;
    message.referral = referral;
    message.moved_from = moved_from;
    return rows_add_message(clinic, message);
}

static struct store_message row_of(struct clinic *clinic, int64_t id)
{
    struct store_message message;
    assert_true(store_get_message(STORE, ARENA, id, &message));
    return message;
}

static const char *status_of(struct clinic *clinic)
{
    return clinic_find(clinic, "lakeside", "R-1").task_status;
}

static void a_move_given_up_takes_what_stands_upon_it(void **state)
{
    struct clinic *clinic = *state;
    clinic_begin(clinic);
    int64_t referral = add_filled(clinic);
    int64_t accept = add_move(clinic, referral, "accept", "requested");
    int64_t start = add_move(clinic, referral, "start", "accepted");
    struct store_message message = row_of(clinic, accept);
    sequence_drop(STORE, ARENA, &message, "alvarez", "by command", 5000);
    clinic_commit(clinic);
    assert_string_equal(row_of(clinic, accept).state, "dropped");
    assert_string_equal(row_of(clinic, start).state, "withdrawn");
    assert_string_equal(status_of(clinic), "requested");
    struct store_event *events;
    size_t count = store_events(STORE, ARENA, referral, &events);
    assert_string_equal(events[count - 1].what, "accept given up; 1 after it withdrawn with it");
}

/* It may have arrived: nobody knows where the partner stands, so ours stays. */
static void a_move_that_may_have_arrived_is_not_undone(void **state)
{
    struct clinic *clinic = *state;
    clinic_begin(clinic);
    int64_t referral = add_filled(clinic);
    int64_t accept = add_move(clinic, referral, "accept", "requested");
    struct store_message message = row_of(clinic, accept);
    struct store_attempt attempt = {.message = accept, .at_ms = 1, .outcome = "unknown"};
    store_add_attempt(STORE, &attempt);
    message.attempts = 1;
    sequence_drop(STORE, ARENA, &message, "alvarez", "by command", 5000);
    clinic_commit(clinic);
    assert_string_equal(status_of(clinic), "in-progress");
}

/* What the partner said meanwhile goes before our own word. */
static void the_partners_word_stands(void **state)
{
    struct clinic *clinic = *state;
    clinic_begin(clinic);
    int64_t referral = add_filled(clinic);
    struct store_referral row = clinic_find(clinic, "lakeside", "R-1");
    row.task_status = "cancelled";
    store_set_referral(STORE, &row);
    int64_t accept = add_move(clinic, referral, "accept", "requested");
    struct store_message message = row_of(clinic, accept);
    sequence_drop(STORE, ARENA, &message, "alvarez", "by command", 5000);
    clinic_commit(clinic);
    assert_string_equal(status_of(clinic), "cancelled");
}

/* We placed it and cancelled it; they had started meanwhile, and refuse the cancel. Our own note
 * behind the cancel says nothing of the Task, so it does not undo their start. */
static void a_placers_note_does_not_undo_the_partners_start(void **state)
{
    struct clinic *clinic = *state;
    clinic_begin(clinic);
    struct store_referral placed = rows_referral("willow", "W-1");
    placed.role = "placer";
    placed.filler = placed.partner = "lakeside";
    placed.task_status = "in-progress";
    int64_t referral = store_add_referral(STORE, &placed);
    int64_t cancel = add_move(clinic, referral, "cancel", "received");
    int64_t note = add_move(clinic, referral, "progress-note", NULL);
    struct store_message message = row_of(clinic, cancel);
    sequence_give_up(STORE, ARENA, &message, true, "lakeside", "not possible", 5000);
    clinic_commit(clinic);
    assert_string_equal(row_of(clinic, note).state, "withdrawn");
    assert_string_equal(clinic_find(clinic, "willow", "W-1").task_status, "in-progress");
}

/* Cancelled while it waited, then given up: the partner never had it, and gets no notes about it.
 */
static void a_cancelled_referral_given_up_counts_as_never_sent(void **state)
{
    struct clinic *clinic = *state;
    clinic_begin(clinic);
    struct store_referral placed = rows_referral("willow", "W-1");
    placed.role = "placer";
    placed.filler = placed.partner = "lakeside";
    placed.task_status = "cancelled";
    placed.abort_status = "requested-before";
    int64_t referral = store_add_referral(STORE, &placed);
    int64_t first = add_move(clinic, referral, "referral", NULL);
    int64_t cancel = add_move(clinic, referral, "cancel", "requested");
    struct store_message message = row_of(clinic, first);
    sequence_drop(STORE, ARENA, &message, "alvarez", "by command", 5000);
    clinic_commit(clinic);
    assert_string_equal(row_of(clinic, cancel).state, "withdrawn");
    struct store_referral stands = clinic_find(clinic, "willow", "W-1");
    assert_string_equal(stands.task_status, "cancelled");
    assert_string_equal(stands.abort_status, "accepted");
    assert_string_equal(stands.partner, "");
}

static void a_count_given_up_leaves_the_rest(void **state)
{
    struct clinic *clinic = *state;
    clinic_begin(clinic);
    int64_t referral = add_filled(clinic);
    int64_t progress = add_move(clinic, referral, "progress", "in-progress");
    int64_t complete = add_move(clinic, referral, "complete", "in-progress");
    struct store_message message = row_of(clinic, progress);
    sequence_drop(STORE, ARENA, &message, "alvarez", "by command", 5000);
    clinic_commit(clinic);
    assert_string_equal(row_of(clinic, complete).state, "queued");
    assert_string_equal(status_of(clinic), "in-progress");
}

static void too_early_goes_behind_all_that_was_delivered(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *due;
    clinic_begin(clinic);
    int64_t referral = add_filled(clinic);
    int64_t accept = add_move(clinic, referral, "accept", "requested");
    int64_t start = add_move(clinic, referral, "start", "accepted");
    struct store_message row = row_of(clinic, accept);
    row.state = "sent";
    row.response_code = "ok";
    store_set_message(STORE, &row);
    row = row_of(clinic, start);
    assert_true(sequence_wait(STORE, clinic->setup, ARENA, &row, 5000));
    store_set_message(STORE, &row);
    clinic_commit(clinic);
    assert_int_equal(store_due(STORE, ARENA, "lakeside", 5000, 10, &due), 1);
    assert_int_equal(due[0].id, accept);
    for (int tries = 2; tries <= 5; tries++)
        assert_true(sequence_wait(STORE, clinic->setup, ARENA, &row, 5000));
    assert_false(sequence_wait(STORE, clinic->setup, ARENA, &row, 5000));
    row.response_issues = "[{\"code\":\"not-found\"}]"; /* the placer lost its own referral */
    assert_true(sequence_wait(STORE, clinic->setup, ARENA, &row, 5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_move_given_up_takes_what_stands_upon_it, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(a_move_that_may_have_arrived_is_not_undone, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(the_partners_word_stands, clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(a_placers_note_does_not_undo_the_partners_start,
                                        clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(a_cancelled_referral_given_up_counts_as_never_sent,
                                        clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(a_count_given_up_leaves_the_rest, clinic_start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(too_early_goes_behind_all_that_was_delivered, clinic_start,
                                        clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
