/* store: which messages are due and in what order, however their states change, and what is kept of
 * each attempt: the part of store/rows.h that delivery lives on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/rows.h"

#define ARENA (&clinic->arena)
#define STORE (clinic->store)

static size_t due(struct clinic *clinic, const char *partner, int64_t now_ms, size_t limit,
                  struct store_message **ret_rows)
{
    return store_due(STORE, ARENA, partner, now_ms, limit, ret_rows);
}

static void due_is_ordered_per_referral_and_nothing_wider(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *rows;
    clinic_begin(clinic);
    int64_t one = rows_add_referral(clinic, "lakeside", "R-1");
    int64_t other = rows_add_referral(clinic, "lakeside", "R-2");
    int64_t first = rows_add_waiting(clinic, "lakeside", "m-1", one, 500);
    rows_add_waiting(clinic, "lakeside", "m-2", one, 100); /* due earlier, but behind m-1 */
    rows_add_waiting(clinic, "lakeside", "m-3", other, 300);
    rows_add_waiting(clinic, "lakeside", "m-4", 0, 200);
    rows_add_waiting(clinic, "harbor", "m-5", one, 100); /* another partner's queue */
    clinic_commit(clinic);
    assert_int_equal(due(clinic, "lakeside", 50, 10, &rows), 0);
    assert_int_equal(due(clinic, "lakeside", 400, 10, &rows), 2);
    assert_string_equal(rows[0].message_id, "m-4");
    assert_string_equal(rows[1].message_id, "m-3");
    assert_int_equal(due(clinic, "lakeside", 600, 10, &rows), 3);
    assert_string_equal(rows[2].message_id, "m-1");
    assert_int_equal(due(clinic, "lakeside", 600, 2, &rows), 2);
    assert_int_equal(due(clinic, "harbor", 600, 10, &rows), 1);
    static const char *const blocking[] = {"sending", "held", "parked"};
    for (size_t i = 0; i < 3; i++) {
        clinic_begin(clinic);
        rows_set_state(clinic, first, blocking[i]);
        clinic_commit(clinic);
        assert_int_equal(due(clinic, "lakeside", 600, 10, &rows), 2);
    }
    static const char *const passed[] = {"sent", "dropped", "rejected", "withdrawn"};
    for (size_t i = 0; i < 4; i++) {
        clinic_begin(clinic);
        rows_set_state(clinic, first, passed[i]);
        clinic_commit(clinic);
        assert_int_equal(due(clinic, "lakeside", 600, 10, &rows), 3);
        assert_string_equal(rows[0].message_id, "m-2");
    }
}

/* The order is that of the clinic, whichever partner serves it meanwhile. */
static void a_clinic_with_another_partner_keeps_its_order(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *rows;
    clinic_begin(clinic);
    int64_t referral = rows_add_referral(clinic, "lakeside", "R-1");
    int64_t first = rows_add_waiting(clinic, "lakeside", "m-1", referral, 100);
    struct store_message second = rows_message(clinic, "harbor", "m-2");
    second.recipient = "lakeside";
    second.referral = referral;
    second.due_ms = 100;
    rows_add_message(clinic, second);
    rows_set_state(clinic, first, "sending");
    clinic_commit(clinic);
    assert_int_equal(due(clinic, "harbor", 100, 10, &rows), 0);
    clinic_begin(clinic);
    rows_set_state(clinic, first, "withdrawn");
    clinic_commit(clinic);
    assert_int_equal(due(clinic, "harbor", 100, 10, &rows), 1);
}

/* What was sent can be taken back, whatever else of its referral a person keeps here. */
static void a_retraction_waits_for_nothing(void **state)
{
    static const char *const states[] = {"parked", "held", "sending", "queued"};
    struct clinic *clinic = *state;
    struct store_message *rows;
    clinic_begin(clinic);
    int64_t referral = rows_add_referral(clinic, "lakeside", "R-1");
    int64_t first = rows_add_waiting(clinic, "lakeside", "m-1", referral, 500);
    struct store_message taken_back = rows_message(clinic, "lakeside", "m-2");
    taken_back.kind = "retraction";
    taken_back.referral = referral;
    taken_back.due_ms = 100;
    int64_t retraction = rows_add_message(clinic, taken_back);
    rows_add_waiting(clinic, "lakeside", "m-3", referral, 500);
    clinic_commit(clinic);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        clinic_begin(clinic);
        rows_set_state(clinic, first, states[i]);
        clinic_commit(clinic);
        assert_int_equal(due(clinic, "lakeside", 100, 10, &rows), 1);
        assert_int_equal(rows[0].id, retraction);
    }
    clinic_begin(clinic); /* and nothing waits for it */
    rows_set_state(clinic, retraction, "parked");
    clinic_commit(clinic);
    assert_int_equal(due(clinic, "lakeside", 500, 10, &rows), 1);
    assert_int_equal(rows[0].id, first);
}

static void a_message_sent_again_takes_its_place(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *rows;
    int64_t ids[4];
    clinic_begin(clinic);
    int64_t referral = rows_add_referral(clinic, "lakeside", "R-1");
    for (int i = 0; i < 4; i++)
        ids[i] = rows_add_waiting(clinic, "lakeside", arena_print(ARENA, "m-%d", i), referral, 100);
    rows_set_state(clinic, ids[0], "sent");
    rows_set_state(clinic, ids[1], "dropped");
    clinic_commit(clinic);
    assert_int_equal(due(clinic, "lakeside", 100, 10, &rows), 1);
    assert_int_equal(rows[0].id, ids[2]);
    clinic_begin(clinic);
    rows_set_state(clinic, ids[2], "sending");
    rows_set_state(clinic, ids[0], "queued"); /* while a later one is under way */
    rows_set_state(clinic, ids[1], "held");
    clinic_commit(clinic);
    assert_int_equal(due(clinic, "lakeside", 100, 10, &rows), 1);
    assert_int_equal(rows[0].id, ids[0]);
    clinic_begin(clinic);
    rows_set_state(clinic, ids[2], "queued"); /* its attempt failed */
    clinic_commit(clinic);
    clinic_reopen(clinic);
    static const int order[] = {0, 1, 2, 3};
    for (int i = 0; i < 4; i++) {
        clinic_begin(clinic);
        if (i == 1)
            rows_set_state(clinic, ids[1], "queued");
        assert_int_equal(due(clinic, "lakeside", 100, 10, &rows), 1);
        assert_int_equal(rows[0].id, ids[order[i]]);
        rows_set_state(clinic, rows[0].id, "sent");
        clinic_commit(clinic);
    }
    assert_int_equal(due(clinic, "lakeside", 100, 10, &rows), 0);
}

/* However states change, what is due is what the rule says: of a referral's open messages to a
 * partner only the first may go. */
static void any_change_of_states_keeps_the_order(void **state)
{
    static const char *const words[] = {"queued", "sending",  "held",     "parked",
                                        "sent",   "rejected", "withdrawn"};
    enum { MESSAGES = 40, REFERRALS = 5, STEPS = 2000 };
    struct clinic *clinic = *state;
    int64_t ids[MESSAGES];
    int64_t referrals[REFERRALS];
    unsigned now[MESSAGES] = {0};
    uint32_t dice = 7;
    clinic_begin(clinic);
    for (int i = 0; i < REFERRALS; i++)
        referrals[i] = rows_add_referral(clinic, "lakeside", arena_print(ARENA, "R-%d", i));
    for (int i = 0; i < MESSAGES; i++)
        ids[i] = rows_add_waiting(clinic, i % 2 == 0 ? "lakeside" : "harbor",
                                  arena_print(ARENA, "m-%d", i), referrals[i % REFERRALS], i);
    for (int step = 0; step < STEPS; step++) {
        struct store_message *rows;
        bool is_first[MESSAGES] = {false};
        size_t wanted = 0;
        dice = dice * 1664525 + 1013904223;
        unsigned at = dice >> 8 & 0xffff;
        now[at % MESSAGES] = (dice >> 24) % 7;
        rows_set_state(clinic, ids[at % MESSAGES], words[now[at % MESSAGES]]);
        for (int i = 0; i < MESSAGES; i += 2) {
            bool is_behind = false;
            for (int k = i % 10; k < i; k += 10) /* the same referral and partner */
                is_behind = is_behind || now[k] < 4;
            is_first[i] = now[i] == 0 && !is_behind;
            wanted += is_first[i];
        }
        assert_int_equal(due(clinic, "lakeside", 1000, 100, &rows), wanted);
        for (size_t i = 0; i < wanted; i++)
            assert_true(is_first[rows[i].id - ids[0]]);
    }
    clinic_commit(clinic);
}

static void when_the_first_is_due(void **state)
{
    struct clinic *clinic = *state;
    assert_int_equal(store_next_due(STORE, "lakeside"), 0);
    clinic_begin(clinic);
    int64_t referral = rows_add_referral(clinic, "lakeside", "R-1");
    int64_t first = rows_add_waiting(clinic, "lakeside", "m-1", referral, 500);
    rows_add_waiting(clinic, "lakeside", "m-2", referral, 300);
    rows_add_waiting(clinic, "harbor", "m-3", 0, 100);
    assert_int_equal(store_next_due(STORE, "lakeside"), 500);
    rows_set_state(clinic, first, "sent");
    assert_int_equal(store_next_due(STORE, "lakeside"), 300);
    assert_int_equal(store_next_due(STORE, "harbor"), 100);
    assert_int_equal(store_next_due(STORE, "riverbend"), 0);
    clinic_commit(clinic);
}

static void what_was_being_sent_is_queued_again(void **state)
{
    struct clinic *clinic = *state;
    struct store_message message;
    struct store_message *rows;
    clinic_begin(clinic);
    int64_t id = rows_add_waiting(clinic, "lakeside", "m-1", 0, 100);
    int64_t sent = rows_add_waiting(clinic, "lakeside", "m-2", 0, 100);
    rows_set_state(clinic, id, "sending");
    rows_set_state(clinic, sent, "sent");
    clinic_commit(clinic);
    clinic_reopen(clinic);
    clinic_begin(clinic);
    assert_int_equal(store_requeue_claimed(STORE, 700), 1);
    assert_int_equal(store_requeue_claimed(STORE, 800), 0);
    clinic_commit(clinic);
    store_get_message(STORE, ARENA, id, &message);
    assert_string_equal(message.state, "queued");
    assert_string_equal(message.message_id, "m-1");
    assert_int_equal(message.due_ms, 700);
    assert_non_null(message.reason);
    assert_int_equal(due(clinic, "lakeside", 700, 10, &rows), 1);
}

static void hasten_makes_what_waits_due(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *rows;
    clinic_begin(clinic);
    rows_add_waiting(clinic, "lakeside", "m-1", 0, 90000);
    rows_add_waiting(clinic, "harbor", "m-2", 0, 90000);
    store_hasten(STORE, "lakeside", 500);
    clinic_commit(clinic);
    assert_int_equal(due(clinic, "lakeside", 500, 10, &rows), 1);
    assert_int_equal(due(clinic, "harbor", 500, 10, &rows), 0);
}

static void queued_messages_of_a_client(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *rows;
    clinic_begin(clinic);
    int64_t record = rows_add_record(clinic, "referral", "R-1", "C-1");
    static const char *const states[] = {"queued", "held", "sending", "sent", "withdrawn"};
    for (size_t i = 0; i < 5; i++) {
        struct store_message message =
            rows_message(clinic, "lakeside", arena_print(ARENA, "m-%zu", i));
        message.record = record;
        message.state = states[i];
        rows_add_message(clinic, message);
    }
    rows_add_waiting(clinic, "lakeside", "m-9", 0, 0);
    clinic_commit(clinic);
    assert_int_equal(store_queued_of_client(STORE, ARENA, "C-1", &rows), 2);
    assert_int_equal(store_queued_of_client(STORE, ARENA, "C-2", &rows), 0);
    assert_int_equal(store_count_withdrawn(STORE, record, "lakeside"), 1);
    assert_int_equal(store_count_withdrawn(STORE, record, "harbor"), 0);
}

static void attempts_keep_their_history(void **state)
{
    struct clinic *clinic = *state;
    struct store_attempt *rows;
    clinic_begin(clinic);
    int64_t id = rows_add_waiting(clinic, "lakeside", "m-1", 0, 0);
    for (int i = 1; i <= 3; i++) {
        struct store_attempt attempt = {.message = id,
                                        .at_ms = i * 100,
                                        .status = i == 3 ? 200 : 0,
                                        .outcome = i == 3 ? "answered" : "cannot-connect",
                                        .detail = i == 3 ? NULL : "refused",
                                        .connect_us = i,
                                        .total_us = i * 10};
        store_add_attempt(STORE, &attempt);
    }
    clinic_commit(clinic);
    assert_int_equal(store_attempts(STORE, ARENA, id, &rows), 3);
    assert_string_equal(rows[0].outcome, "cannot-connect");
    assert_int_equal(rows[2].status, 200);
    assert_int_equal(rows[2].total_us, 30);
    assert_null(rows[2].detail);
    assert_int_equal(store_attempts(STORE, ARENA, 999, &rows), 0);
}

/* On a store as commands open it, and on one that serves. */
#define BOTH(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop),                              \
        cmocka_unit_test_setup_teardown(name, clinic_start_serving, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(due_is_ordered_per_referral_and_nothing_wider),
        BOTH(a_message_sent_again_takes_its_place),
        BOTH(a_clinic_with_another_partner_keeps_its_order),
        BOTH(a_retraction_waits_for_nothing),
        BOTH(any_change_of_states_keeps_the_order),
        BOTH(when_the_first_is_due),
        BOTH(what_was_being_sent_is_queued_again),
        BOTH(hasten_makes_what_waits_due),
        BOTH(queued_messages_of_a_client),
        BOTH(attempts_keep_their_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
