/* effect: what a partner's message changes here, and all the messages that change nothing: two
 * practices exchange what their own gateways make of records and moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/store/sqlite.h"
#include "lib/clinic.h"

struct bench {
    struct clinic *willow, *lakeside;
};

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->willow = clinic_new("willow", "");
    bench->lakeside = clinic_new("lakeside", "");
    clinic_send(bench->lakeside,
                clinic_consent(bench->lakeside, "K-1", "osei", "lakeside", "\"willow\""));
    clinic_send(bench->willow,
                clinic_consent(bench->willow, "K-1", "alvarez", "willow", "\"lakeside\""));
    *state = bench;
    return 0;
}

static int stop(void **state)
{
    struct bench *bench = *state;
    clinic_free(bench->willow);
    clinic_free(bench->lakeside);
    free(bench);
    return 0;
}

/* The newest message of FROM arrives at TO. */
static struct clinic_arrival carry(struct clinic *from, struct clinic *to)
{
    struct store_message message;
    const char *body = clinic_outgoing(from, to->setup->config.org, &message);
    return clinic_receive(to, from->setup->config.org, body);
}

static void refer(struct bench *bench, const char *number)
{
    struct clinic_arrival arrival;
    clinic_send(bench->lakeside, clinic_referral(bench->lakeside, number, "osei", "willow"));
    arrival = carry(bench->lakeside, bench->willow);
    assert_int_equal(arrival.outcome, INBOX_TAKEN);
    assert_string_equal(arrival.row.response_code, "ok");
}

static void move(struct clinic *clinic, const char *word)
{
    struct fault fault = {FAULT_none, NULL};
    if (!clinic_move(clinic, "R-1", word, &fault))
        fail_msg("%s: %s", word, fault_sentence(&fault));
}

static const char *status(struct clinic *clinic)
{
    return clinic_find(clinic, "lakeside", "R-1").task_status;
}

static void a_referral_arrives(void **state)
{
    struct bench *bench = *state;
    struct store_record record;
    refer(bench, "R-1");
    struct store_referral referral = clinic_find(bench->willow, "lakeside", "R-1");
    assert_string_equal(referral.role, "filler");
    assert_string_equal(referral.partner, "lakeside");
    assert_string_equal(referral.filler, "willow");
    assert_string_equal(referral.task_status, "requested");
    assert_string_equal(referral.service, "massage-therapy");
    assert_int_equal(referral.visits_total, 6);
    assert_non_null(referral.filler_number);
    assert_true(store_find_record(bench->willow->store, &bench->willow->arena, "lakeside",
                                  "referral", "R-1", &record));
    assert_string_equal(record.origin, "lakeside");
    assert_false(record.exported);
    assert_int_equal(record.referral, referral.id);
}

static void filler_numbers_differ(void **state)
{
    struct bench *bench = *state;
    refer(bench, "R-1");
    refer(bench, "R-2");
    assert_string_not_equal(clinic_find(bench->willow, "lakeside", "R-1").filler_number,
                            clinic_find(bench->willow, "lakeside", "R-2").filler_number);
}

static void moves_of_the_filler_move_the_placer(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *word, *after;
    } steps[] = {{"accept", "accepted"},
                 {"start", "in-progress"},
                 {"hold", "on-hold"},
                 {"resume", "in-progress"},
                 {"complete", "completed"}};
    refer(bench, "R-1");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        move(bench->willow, steps[i].word);
        assert_string_equal(carry(bench->willow, bench->lakeside).row.response_code, "ok");
        assert_string_equal(status(bench->lakeside), steps[i].after);
    }
    assert_string_equal(clinic_find(bench->lakeside, "lakeside", "R-1").filler_number,
                        clinic_find(bench->willow, "lakeside", "R-1").filler_number);
}

static void a_move_that_is_not_possible_here_is_refused(void **state)
{
    struct bench *bench = *state;
    refer(bench, "R-1");
    move(bench->willow, "accept");
    struct store_message accept;
    const char *body = clinic_outgoing(bench->willow, "lakeside", &accept);
    move(bench->willow, "start"); /* "start" overtakes "accept" */
    struct clinic_arrival early = carry(bench->willow, bench->lakeside);
    assert_int_equal(early.outcome, INBOX_TAKEN);
    assert_string_equal(early.row.response_code, "fatal-error");
    assert_string_equal(early.row.state, "refused");
    assert_string_equal(status(bench->lakeside), "requested");
    struct clinic_arrival late = clinic_receive(bench->lakeside, "willow", body);
    assert_string_equal(late.row.response_code, "ok");
    assert_string_equal(status(bench->lakeside), "accepted");
}

static void the_end_said_again_changes_nothing(void **state)
{
    struct bench *bench = *state;
    struct store_event *events;
    refer(bench, "R-1");
    move(bench->willow, "decline");
    struct store_message message;
    const char *body = clinic_outgoing(bench->willow, "lakeside", &message);
    clinic_receive(bench->lakeside, "willow", body);
    int64_t id = clinic_find(bench->lakeside, "lakeside", "R-1").id;
    size_t before = store_events(bench->lakeside->store, &bench->lakeside->arena, id, &events);
    body = clinic_replaced(bench->lakeside, body, message.message_id,
                           "22222222-2222-4222-8222-222222222222");
    body = clinic_replaced(bench->lakeside, body, message.bundle_id,
                           "33333333-3333-4333-8333-333333333333");
    struct clinic_arrival again = clinic_receive(bench->lakeside, "willow", body);
    assert_string_equal(again.row.response_code, "ok");
    assert_string_equal(status(bench->lakeside), "rejected");
    assert_int_equal(store_events(bench->lakeside->store, &bench->lakeside->arena, id, &events),
                     before);
}

static void nobody_else_moves_a_referral(void **state)
{
    struct bench *bench = *state;
    struct store_message message;
    refer(bench, "R-1");
    move(bench->willow, "accept");
    const char *body = clinic_outgoing(bench->willow, "lakeside", &message);
    /* Lakeside hears it from Harbor, who is a partner too. */
    struct clinic_arrival arrival = clinic_receive(bench->lakeside, "harbor", body);
    assert_string_equal(arrival.row.response_code, "fatal-error");
    assert_non_null(strstr(arrival.row.response_issues, "not-found"));
    assert_string_equal(status(bench->lakeside), "requested");
    assert_int_equal(arrival.row.referral, 0);
    /* The same words as for a referral that does not exist. */
    const char *unknown = clinic_replaced(bench->lakeside, body, "R-1", "R-9");
    unknown = clinic_replaced(bench->lakeside, unknown, message.message_id,
                              "22222222-2222-4222-8222-222222222222");
    unknown = clinic_replaced(bench->lakeside, unknown, message.bundle_id,
                              "33333333-3333-4333-8333-333333333333");
    struct clinic_arrival other = clinic_receive(bench->lakeside, "harbor", unknown);
    assert_string_equal(clinic_replaced(bench->lakeside, other.row.response_issues, "R-9", "R-1"),
                        arrival.row.response_issues);
}

/* Lakeside sends back Willow's own yes, as if it could say it. */
static void the_placer_cannot_make_the_fillers_move(void **state)
{
    struct bench *bench = *state;
    struct store_message message;
    refer(bench, "R-1");
    move(bench->willow, "accept");
    const char *yes = clinic_outgoing(bench->willow, "lakeside", &message);
    clinic_begin(bench->willow);
    sqlite_run(bench->willow->store, "UPDATE referral SET task_status='requested'", "");
    clinic_commit(bench->willow);
    struct clinic_arrival arrival = clinic_receive(bench->willow, "lakeside", yes);
    assert_string_equal(arrival.row.response_code, "fatal-error");
    assert_non_null(strstr(arrival.row.response_issues, "only the clinic who was asked"));
    assert_string_equal(status(bench->willow), "requested");
}

static void notes_start_count_and_end_it(void **state)
{
    struct bench *bench = *state;
    refer(bench, "R-1");
    move(bench->willow, "accept");
    carry(bench->willow, bench->lakeside);
    clinic_send(bench->willow, clinic_note(bench->willow, "N-1", "alvarez", "R-1", 1));
    assert_string_equal(carry(bench->willow, bench->lakeside).row.response_code, "ok");
    assert_string_equal(status(bench->lakeside), "in-progress");
    clinic_send(bench->willow, clinic_note(bench->willow, "N-4", "alvarez", "R-1", 4));
    carry(bench->willow, bench->lakeside);
    assert_int_equal(clinic_find(bench->lakeside, "lakeside", "R-1").visits_done, 4);
    clinic_send(bench->willow, clinic_discharge(bench->willow, "D-1", "alvarez", "R-1"));
    carry(bench->willow, bench->lakeside);
    assert_string_equal(status(bench->lakeside), "completed");
    assert_int_equal(clinic_find(bench->lakeside, "lakeside", "R-1").visits_done, 6);
    struct store_event *events;
    int64_t id = clinic_find(bench->lakeside, "lakeside", "R-1").id;
    size_t count = store_events(bench->lakeside->store, &bench->lakeside->arena, id, &events);
    bool is_told = false;
    for (size_t i = 0; i < count; i++)
        is_told = is_told || strcmp(events[i].what, "progress-note N-1 received") == 0;
    assert_true(is_told);
}

static void a_note_before_the_yes_is_refused(void **state)
{
    struct bench *bench = *state;
    struct store_message message;
    refer(bench, "R-1");
    move(bench->willow, "accept");
    clinic_send(bench->willow, clinic_note(bench->willow, "N-1", "alvarez", "R-1", 1));
    const char *note = clinic_outgoing(bench->willow, "lakeside", &message);
    /* The acceptance was lost: Lakeside still sees "requested". */
    struct clinic_arrival arrival = clinic_receive(bench->lakeside, "willow", note);
    assert_string_equal(arrival.row.response_code, "fatal-error");
    assert_int_equal(sqlite_number(bench->lakeside->store,
                                   "SELECT count(*) FROM record WHERE kind='progress-note'", ""),
                     0);
}

static void the_same_record_in_a_new_message_is_known(void **state)
{
    struct bench *bench = *state;
    struct store_message message;
    refer(bench, "R-1");
    const char *body = clinic_outgoing(bench->lakeside, "willow", &message);
    body = clinic_replaced(bench->willow, body, message.message_id,
                           "22222222-2222-4222-8222-222222222222");
    body = clinic_replaced(bench->willow, body, message.bundle_id,
                           "33333333-3333-4333-8333-333333333333");
    struct clinic_arrival again = clinic_receive(bench->willow, "lakeside", body);
    assert_int_equal(again.outcome, INBOX_TAKEN);
    assert_string_equal(again.row.response_code, "ok");
    assert_int_equal(sqlite_number(bench->willow->store, "SELECT count(*) FROM referral", ""), 1);
    assert_int_equal(sqlite_number(bench->willow->store,
                                   "SELECT count(*) FROM record WHERE kind='referral'", ""),
                     1);
}

static void a_corrected_referral_belongs_to_the_old_one(void **state)
{
    struct bench *bench = *state;
    refer(bench, "R-1");
    const char *text = clinic_replaced(
        bench->lakeside, clinic_referral(bench->lakeside, "R-1b", "osei", "willow"),
        "\"reason\":\"Neck pain\"", "\"reason\":\"Neck and arm\",\"replaces_record_id\":\"R-1\"");
    clinic_send(bench->lakeside, text);
    struct clinic_arrival arrival = carry(bench->lakeside, bench->willow);
    assert_string_equal(arrival.row.response_code, "ok");
    assert_int_equal(sqlite_number(bench->willow->store, "SELECT count(*) FROM referral", ""), 1);
    assert_int_equal(arrival.row.referral, clinic_find(bench->willow, "lakeside", "R-1").id);
}

static void an_own_client_is_linked_when_number_and_birth_date_agree(void **state)
{
    struct bench *bench = *state;
    const char **numbers;
    static const char *const other = "\"client_other_ids\":[{\"id\":\"C-1042\",\"issued_by\":"
                                     "\"willow\"}],\"reason\":\"x\"";
    const char *text =
        clinic_replaced(bench->lakeside, clinic_referral(bench->lakeside, "R-1", "osei", "willow"),
                        "\"reason\":\"Neck pain\"", other);
    text =
        clinic_replaced(bench->lakeside, text, "\"client_id\":\"C-1042\"", "\"client_id\":\"L-7\"");
    clinic_send(
        bench->lakeside,
        clinic_replaced(bench->lakeside,
                        clinic_consent(bench->lakeside, "K-7", "osei", "lakeside", "\"willow\""),
                        "\"client_id\":\"C-1042\"", "\"client_id\":\"L-7\""));
    clinic_send(bench->lakeside, text);
    carry(bench->lakeside, bench->willow);
    assert_int_equal(
        store_links(bench->willow->store, &bench->willow->arena, "C-1042", "lakeside", &numbers),
        1);
    assert_string_equal(numbers[0], "L-7");
    /* Another birth date: nobody is linked. */
    text = clinic_replaced(bench->lakeside, text, "R-1", "R-2");
    text = clinic_replaced(bench->lakeside, text, "1984-03-09", "1984-03-10");
    text = clinic_replaced(bench->lakeside, text, "L-7", "L-8");
    clinic_send(
        bench->lakeside,
        clinic_replaced(bench->lakeside,
                        clinic_consent(bench->lakeside, "K-8", "osei", "lakeside", "\"willow\""),
                        "\"client_id\":\"C-1042\"", "\"client_id\":\"L-8\""));
    clinic_send(bench->lakeside, text);
    carry(bench->lakeside, bench->willow);
    assert_int_equal(
        store_links(bench->willow->store, &bench->willow->arena, "C-1042", "lakeside", &numbers),
        1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_referral_arrives),
        TEST(filler_numbers_differ),
        TEST(moves_of_the_filler_move_the_placer),
        TEST(a_move_that_is_not_possible_here_is_refused),
        TEST(the_end_said_again_changes_nothing),
        TEST(nobody_else_moves_a_referral),
        TEST(the_placer_cannot_make_the_fillers_move),
        TEST(notes_start_count_and_end_it),
        TEST(a_note_before_the_yes_is_refused),
        TEST(the_same_record_in_a_new_message_is_known),
        TEST(a_corrected_referral_belongs_to_the_old_one),
        TEST(an_own_client_is_linked_when_number_and_birth_date_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
