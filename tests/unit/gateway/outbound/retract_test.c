/* flow_retract: taking back a record of ours before, on and after its way, and what the other
 * gateway makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/outbound/release.h"
#include "gateway/store/retention.h"
#include "gateway/store/sqlite/sqlite.h"
#include "lib/clinic.h"

struct bench {
    struct clinic *willow, *lakeside;
};

static struct clinic_arrival carry(struct clinic *from, struct clinic *to)
{
    struct store_message message;
    const char *body = clinic_outgoing(from, to->setup->config.org, &message);
    return clinic_receive(to, from->setup->config.org, body);
}

/* Willow has accepted Lakeside's R-1, and both may send. */
static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct fault fault;
    bench->willow = clinic_new("willow", "");
    bench->lakeside = clinic_new("lakeside", "");
    clinic_send(bench->lakeside,
                clinic_consent(bench->lakeside, "K-1", "osei", "lakeside", "\"willow\""));
    clinic_send(bench->willow,
                clinic_consent(bench->willow, "K-1", "alvarez", "willow", "\"lakeside\""));
    clinic_send(bench->lakeside, clinic_referral(bench->lakeside, "R-1", "osei", "willow"));
    carry(bench->lakeside, bench->willow);
    assert_true(clinic_move(bench->willow, "R-1", "accept", &fault));
    carry(bench->willow, bench->lakeside);
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

static bool retract(struct clinic *clinic, const char *id, const char *code,
                    struct flow_retraction *ret_done, struct fault *ret_fault)
{
    struct flow flow = clinic_flow(clinic);
    clinic_begin(clinic);
    bool done = flow_retract(&flow, id, code, "alvarez", ret_done, ret_fault);
    if (done)
        clinic_commit(clinic);
    else
        store_rollback(clinic->store);
    return done;
}

static struct flow_retraction must_retract(struct clinic *clinic, const char *id, const char *code)
{
    struct flow_retraction done;
    struct fault fault = {FAULT_none, NULL};
    if (!retract(clinic, id, code, &done, &fault))
        fail_msg("%s", fault_sentence(&fault));
    return done;
}

/* As if the newest message to PARTNER had been tried once. */
static void try_once(struct clinic *clinic, const char *partner, const char *state)
{
    struct store_message message;
    clinic_outgoing(clinic, partner, &message);
    message.attempts = 1;
    message.state = state;
    clinic_begin(clinic);
    store_set_message(clinic->store, &message);
    clinic_commit(clinic);
}

static void send_note(struct bench *bench, const char *number)
{
    struct flow_report report =
        clinic_send(bench->willow, clinic_note(bench->willow, number, "alvarez", "R-1", 1));
    assert_int_equal(report.answer, FLOW_ACCEPTED);
}

static struct store_record record_of(struct clinic *clinic, const char *kind, const char *number)
{
    struct store_record record = {.id = 0};
    store_find_record(clinic->store, &clinic->arena, "willow", kind, number, &record);
    return record;
}

static int64_t count(struct clinic *clinic, const char *sql)
{
    return sqlite_number(clinic->store, sql, "");
}

static const char retractions[] = "SELECT count(*) FROM message WHERE kind='retraction'";

static void what_arrived_is_marked_there(void **state)
{
    struct bench *bench = *state;
    send_note(bench, "N-1");
    carry(bench->willow, bench->lakeside);
    try_once(bench->willow, "lakeside", "sent");
    struct flow_retraction done = must_retract(bench->willow, "N-1", "wrong-client");
    assert_int_equal(done.answer, FLOW_ACCEPTED);
    assert_int_equal(done.count, 1);
    assert_true(done.recipients[0].is_queued);
    struct clinic_arrival arrival = carry(bench->willow, bench->lakeside);
    assert_string_equal(arrival.row.response_code, "ok");
    assert_string_equal(arrival.row.kind, "retraction");
    assert_null(arrival.row.response_issues);
    assert_string_equal(record_of(bench->lakeside, "progress-note", "N-1").retracted,
                        "wrong-client");
    assert_false(record_of(bench->lakeside, "progress-note", "N-1").exported);
    assert_string_equal(record_of(bench->willow, "progress-note", "N-1").retracted, "wrong-client");
    assert_string_equal(clinic_find(bench->lakeside, "lakeside", "R-1").task_status, "in-progress");
    done = must_retract(bench->willow, "progress-note:N-1", "other");
    assert_int_equal(done.answer, FLOW_KNOWN);
    assert_string_equal(done.code, "wrong-client");
    assert_int_equal(count(bench->willow, retractions), 1);
}

/* Of the retraction of a note that arrived; RESTORED: made in an epoch of its own. */
static const char *retraction_id(struct bench *bench, bool restored)
{
    struct store_message message;
    send_note(bench, "N-1");
    carry(bench->willow, bench->lakeside);
    try_once(bench->willow, "lakeside", "sent");
    clinic_begin(bench->willow);
    if (restored)
        store_begin_epoch(bench->willow->store);
    clinic_commit(bench->willow);
    must_retract(bench->willow, "N-1", "duplicate");
    clinic_outgoing(bench->willow, "lakeside", &message);
    return message.message_id;
}

/* A backup may lack a retraction that was sent: what is made after its restore says other things,
 * at another time, under an id of its own. */
static void a_restore_gives_it_another_id(void **state)
{
    void *restored = NULL;
    start(&restored);
    assert_string_not_equal(retraction_id(*state, false), retraction_id(restored, true));
    stop(&restored);
}

/* Retention has let go of the first one here, and the partner keeps ids for longer. */
static void told_again_long_after_is_no_conflict(void **state)
{
    struct bench *bench = *state;
    send_note(bench, "N-1");
    carry(bench->willow, bench->lakeside);
    try_once(bench->willow, "lakeside", "sent");
    must_retract(bench->willow, "N-1", "wrong-client");
    assert_int_equal(carry(bench->willow, bench->lakeside).outcome, INBOX_TAKEN);
    clinic_begin(bench->willow);
    sqlite_run(bench->willow->store, "DELETE FROM message WHERE kind='retraction'", "");
    clinic_commit(bench->willow);
    bench->willow->setup->clock.fixed_ms += (int64_t)40 * 86400000;
    struct flow_retraction done = must_retract(bench->willow, "N-1", "wrong-client");
    assert_int_equal(done.answer, FLOW_KNOWN);
    assert_true(done.recipients[0].is_queued);
    assert_int_equal(carry(bench->willow, bench->lakeside).outcome, INBOX_TAKEN);
    assert_int_equal(must_retract(bench->willow, "N-1", "wrong-client").count, 0);
}

static void what_was_never_tried_is_withdrawn_alone(void **state)
{
    struct bench *bench = *state;
    struct store_message message;
    send_note(bench, "N-1");
    struct flow_retraction done = must_retract(bench->willow, "N-1", "duplicate");
    assert_int_equal(done.count, 1);
    assert_false(done.recipients[0].is_queued);
    assert_string_equal(done.recipients[0].reason, "it never left");
    assert_int_equal(count(bench->willow, retractions), 0);
    assert_int_equal(count(bench->willow, "SELECT count(*) FROM release WHERE state='waiting'"), 0);
    assert_int_equal(count(bench->willow, "SELECT count(*) FROM message WHERE kind="
                                          "'progress-note' AND state='withdrawn'"),
                     1);
    clinic_outgoing(bench->willow, "lakeside", &message);
    assert_string_equal(message.kind, "start"); /* the Task moved all the same */
}

/* Each state in which a copy may have arrived. */
static void what_was_tried_is_stopped_and_told(void **state)
{
    struct bench *bench = *state;
    static const char *const states[] = {"queued", "sending", "held", "parked", "rejected", "sent"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        const char *number = arena_print(&bench->willow->arena, "N-%zu", i + 1);
        send_note(bench, number);
        try_once(bench->willow, "lakeside", states[i]);
        struct flow_retraction done = must_retract(bench->willow, number, "duplicate");
        assert_int_equal(done.count, 1);
        assert_true(done.recipients[0].is_queued);
        assert_int_equal(count(bench->willow, retractions), i + 1);
        assert_int_equal(count(bench->willow, "SELECT count(*) FROM message WHERE kind="
                                              "'progress-note' AND state IN "
                                              "('queued','held','parked')"),
                         0);
    }
}

/* A try that could not connect brought nothing there; one without a whole answer may have. */
static void what_could_not_connect_never_left(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    static const char *const outcomes[] = {"cannot-connect", "unknown"};
    for (size_t i = 0; i < 2; i++) {
        struct store_message message;
        const char *number = arena_print(&willow->arena, "N-%zu", i + 1);
        send_note(bench, number);
        try_once(willow, "lakeside", "queued");
        clinic_outgoing(willow, "lakeside", &message);
        struct store_attempt attempt = {.message = message.id, .at_ms = 1, .outcome = outcomes[i]};
        clinic_begin(willow);
        store_add_attempt(willow->store, &attempt);
        clinic_commit(willow);
        struct flow_retraction done = must_retract(willow, number, "duplicate");
        assert_int_equal(done.recipients[0].is_queued, i == 1);
        assert_int_equal(count(willow, retractions), i);
    }
}

/* A copy that was being sent fails, and is due again: it may not go. */
static void a_copy_in_flight_is_not_sent_again(void **state)
{
    struct bench *bench = *state;
    struct store_message message;
    const char *reason;
    send_note(bench, "N-1");
    clinic_outgoing(bench->willow, "lakeside", &message);
    try_once(bench->willow, "lakeside", "sending");
    must_retract(bench->willow, "N-1", "duplicate");
    message.state = "queued";
    assert_false(release_again(bench->willow->setup, bench->willow->store, &bench->willow->arena,
                               &message, 0, &reason));
    assert_string_equal(reason, "it was retracted");
}

/* What waits before it is given up, with all that stands upon that; the partner has the record all
 * the same. */
static void it_goes_although_what_it_follows_is_given_up(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct fault fault;
    struct store_message hold;
    struct flow flow = clinic_flow(willow);
    send_note(bench, "N-1");
    try_once(willow, "lakeside", "sent");
    assert_true(clinic_move(willow, "R-1", "hold", &fault));
    clinic_outgoing(willow, "lakeside", &hold);
    assert_string_equal(hold.kind, "hold");
    assert_true(must_retract(willow, "N-1", "wrong-client").recipients[0].is_queued);
    clinic_begin(willow);
    assert_true(flow_give_up(&flow, &hold, "alvarez", "by command", &fault));
    clinic_commit(willow);
    assert_string_equal(clinic_find(willow, "lakeside", "R-1").task_status, "in-progress");
    assert_int_equal(count(willow, "SELECT count(*) FROM message WHERE kind='retraction' AND "
                                   "state='queued'"),
                     1);
}

/* A copy that the partner has, and that was to go once more, does not go: it stays sent. */
static void a_copy_that_was_delivered_stays_sent(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct store_message note;
    send_note(bench, "N-1");
    try_once(willow, "lakeside", "sent");
    clinic_outgoing(willow, "lakeside", &note);
    note.state = "queued";
    note.response_code = "ok";
    clinic_begin(willow);
    store_set_message(willow->store, &note);
    clinic_commit(willow);
    assert_true(must_retract(willow, "N-1", "duplicate").recipients[0].is_queued);
    assert_true(store_get_message(willow->store, &willow->arena, note.id, &note));
    assert_string_equal(note.state, "sent");
    assert_string_equal(note.reason, "not sent again: it was retracted");
}

static void a_retracted_record_is_final(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    const char *note = clinic_note(willow, "N-1", "alvarez", "R-1", 1);
    clinic_send(willow, note);
    must_retract(willow, "N-1", "duplicate");
    assert_int_equal(clinic_send(willow, note).answer, FLOW_REFUSED);
    assert_string_equal(willow->findings.items[0].path, "record_id");
    willow->findings = finding_list_new(&willow->arena);
    const char *correction =
        clinic_replaced(willow, clinic_note(willow, "N-2", "alvarez", "R-1", 1), "\"record_id\"",
                        "\"replaces_record_id\":\"N-1\",\"record_id\"");
    assert_int_equal(clinic_send(willow, correction).answer, FLOW_REFUSED);
    assert_string_equal(willow->findings.items[0].path, "replaces_record_id");
    willow->findings = finding_list_new(&willow->arena);
}

static void what_cannot_be_retracted_says_why(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *id, *code, *said;
        enum fault_kind kind;
    } rows[] = {
        {"N-9", "duplicate", "found no record N-9", FAULT_not_found},
        {"K-1", "duplicate", "is a consent", FAULT_illegal_move},
        {"R-1", "duplicate", "that we wrote", FAULT_not_found}, /* Lakeside's */
        {"N-9", "no-capacity", "expected one of wrong-client", FAULT_usage},
        {"N-9", NULL, "found none", FAULT_usage},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct flow_retraction done;
        struct fault fault = {FAULT_none, NULL};
        assert_false(retract(bench->willow, rows[i].id, rows[i].code, &done, &fault));
        assert_int_equal(fault.kind, rows[i].kind);
        assert_non_null(strstr(fault_sentence(&fault), rows[i].said));
    }
    struct flow_retraction done;
    struct fault fault = {FAULT_none, NULL};
    assert_false(retract(bench->lakeside, "R-1", "duplicate", &done, &fault));
    assert_non_null(strstr(fault_sentence(&fault), "take it back first"));
}

/* Whoever serves the clinic now never had the record. */
static void only_the_partner_that_got_it_is_told(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    const char *reason;
    struct store_message copy = {
        .record = 1, .attempts = 1, .partner = "lakeside", .recipient = "lakeside"};
    const struct grant *grant =
        release_retraction(willow->setup, willow->store, &willow->arena, &copy, &reason);
    assert_string_equal(grant_partner(grant), "lakeside");
    assert_string_equal(grant_basis(grant), "retraction");
    assert_null(grant_consent(grant));
    copy.partner = "harbor";
    assert_null(release_retraction(willow->setup, willow->store, &willow->arena, &copy, &reason));
    assert_non_null(strstr(reason, "tell them by telephone"));
    copy.attempts = 0;
    assert_null(release_retraction(willow->setup, willow->store, &willow->arena, &copy, &reason));
    assert_string_equal(reason, "it never left");
}

/* It waits while the partner is disabled, and never goes to another one. */
static void a_queued_retraction_goes_to_that_partner_only(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct store_message message;
    const char *reason;
    send_note(bench, "N-1");
    try_once(willow, "lakeside", "sent");
    clinic_put(willow, "partners/lakeside.yaml",
               arena_print(&willow->arena,
                           "url: https://127.0.0.1:1/fhir\npins: [%064d]\ndisabled: true\n", 0));
    clinic_load(willow);
    assert_true(must_retract(willow, "N-1", "wrong-client").recipients[0].is_queued);
    clinic_outgoing(willow, "lakeside", &message);
    assert_string_equal(message.kind, "retraction");
    assert_false(release_again(willow->setup, willow->store, &willow->arena, &message, 0, &reason));
    assert_non_null(strstr(reason, "disabled"));
    clinic_put(willow, "partners/lakeside.yaml",
               arena_print(&willow->arena, "url: https://127.0.0.1:1/fhir\npins: [%064d]\n", 0));
    clinic_load(willow);
    assert_true(release_again(willow->setup, willow->store, &willow->arena, &message, 0, &reason));
    message.partner = "harbor";
    assert_false(release_again(willow->setup, willow->store, &willow->arena, &message, 0, &reason));
    assert_non_null(strstr(reason, "telephone"));
}

static void a_retraction_of_nothing_is_kept_in_mind(void **state)
{
    struct bench *bench = *state;
    struct clinic *lakeside = bench->lakeside;
    struct store_message message;
    send_note(bench, "N-1");
    const char *note = clinic_outgoing(bench->willow, "lakeside", &message);
    try_once(bench->willow, "lakeside", "sent");
    must_retract(bench->willow, "N-1", "wrong-client");
    struct clinic_arrival early = carry(bench->willow, lakeside);
    assert_string_equal(early.row.response_code, "ok");
    assert_non_null(strstr(early.row.response_issues, "\"information\""));
    assert_int_equal(carry(bench->willow, lakeside).outcome, INBOX_REPLAY);
    clinic_reopen(lakeside);
    struct clinic_arrival late = clinic_receive(lakeside, "willow", note);
    assert_string_equal(late.row.response_code, "ok");
    assert_non_null(strstr(late.row.response_issues, "filed as retracted"));
    assert_string_equal(record_of(lakeside, "progress-note", "N-1").retracted, "wrong-client");
    assert_string_equal(clinic_find(lakeside, "lakeside", "R-1").task_status, "in-progress");
}

static void what_is_kept_in_mind_is_of_one_clinic_and_number(void **state)
{
    struct bench *bench = *state;
    struct store *store = bench->lakeside->store;
    struct arena *arena = &bench->lakeside->arena;
    clinic_begin(bench->lakeside);
    assert_null(store_early_retraction(store, arena, "willow", "progress-note", "N-1"));
    store_mark(store);
    store_add_early_retraction(store, "willow", "progress-note", "N-1", "duplicate", 5);
    assert_non_null(store_early_retraction(store, arena, "willow", "progress-note", "N-1"));
    store_undo(store);
    assert_null(store_early_retraction(store, arena, "willow", "progress-note", "N-1"));
    store_add_early_retraction(store, "willow", "progress-note", "N-1", "duplicate", 5);
    store_add_early_retraction(store, "willow", NULL, "X-1", "other", 7);
    assert_null(store_early_retraction(store, arena, "harbor", "progress-note", "N-1"));
    assert_null(store_early_retraction(store, arena, "willow", "treatment-plan", "N-1"));
    assert_string_equal(store_early_retraction(store, arena, "willow", "treatment-plan", "X-1"),
                        "other");
    assert_true(store_drop_early_retractions(store, 6));
    assert_false(store_drop_early_retractions(store, 6));
    assert_null(store_early_retraction(store, arena, "willow", "progress-note", "N-1"));
    assert_non_null(store_early_retraction(store, arena, "willow", "referral", "X-1"));
    clinic_commit(bench->lakeside);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_arrived_is_marked_there),
        TEST(what_was_never_tried_is_withdrawn_alone),
        TEST(what_was_tried_is_stopped_and_told),
        TEST(what_could_not_connect_never_left),
        TEST(a_copy_in_flight_is_not_sent_again),
        TEST(it_goes_although_what_it_follows_is_given_up),
        TEST(a_copy_that_was_delivered_stays_sent),
        TEST(a_retracted_record_is_final),
        TEST(what_cannot_be_retracted_says_why),
        TEST(a_restore_gives_it_another_id),
        TEST(told_again_long_after_is_no_conflict),
        TEST(only_the_partner_that_got_it_is_told),
        TEST(a_queued_retraction_goes_to_that_partner_only),
        TEST(a_retraction_of_nothing_is_kept_in_mind),
        TEST(what_is_kept_in_mind_is_of_one_clinic_and_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
