/* effect: what a partner's message changes here, and all the messages that change nothing: two
 * practices exchange what their own gateways make of records and moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/inbound/acknowledge.h"
#include "gateway/store/recall.h"
#include "gateway/store/sqlite/sqlite.h"
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

/* Its newest message is on its way: it was tried, and nobody knows whether it arrived. */
static void depart(struct clinic *clinic, const char *partner)
{
    struct store_message message;
    clinic_outgoing(clinic, partner, &message);
    message.attempts = 1;
    message.state = "sending";
    clinic_begin(clinic);
    store_set_message(clinic->store, &message);
    clinic_commit(clinic);
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
    struct store_message start;
    const char *start_body = clinic_outgoing(bench->willow, "lakeside", &start);
    struct clinic_arrival early = carry(bench->willow, bench->lakeside);
    assert_int_equal(early.outcome, INBOX_TAKEN);
    assert_string_equal(early.row.response_code, "fatal-error");
    assert_string_equal(early.row.state, "early");
    assert_string_equal(status(bench->lakeside), "requested");
    struct clinic_arrival late = clinic_receive(bench->lakeside, "willow", body);
    assert_string_equal(late.row.response_code, "ok");
    assert_string_equal(status(bench->lakeside), "accepted");
    struct clinic_arrival again = clinic_receive(bench->lakeside, "willow", start_body);
    assert_int_equal(again.outcome, INBOX_TAKEN); /* what came too early is judged anew */
    assert_int_equal(again.row.id, early.row.id);
    assert_string_equal(again.row.response_code, "ok");
    assert_string_equal(status(bench->lakeside), "in-progress");
    struct arena *arena = &bench->lakeside->arena;
    assert_string_not_equal(
        acknowledge_places_of(bench->lakeside->setup, arena, &again.row).bundle_id,
        acknowledge_places_of(bench->lakeside->setup, arena, &early.row).bundle_id);
    struct clinic_arrival third = clinic_receive(bench->lakeside, "willow", start_body);
    assert_int_equal(third.outcome, INBOX_REPLAY);
    assert_string_equal(acknowledge_places_of(bench->lakeside->setup, arena, &again.row).bundle_id,
                        acknowledge_places_of(bench->lakeside->setup, arena, &third.row).bundle_id);
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

/* ---- a filler that says no more than Task.status ---- */

/* Willow's system says that its Task of referral NUMBER is STATE. */
static struct store_message say_state_of(struct bench *bench, const char *number, const char *state)
{
    static int said;
    struct clinic *to = bench->lakeside;
    struct message_move move = {.move = "start",
                                .referral = {.placer = "lakeside", .number = number},
                                .from = "willow",
                                .to = "lakeside",
                                .at = "2026-10-01T12:00:00Z",
                                .task_status = state};
    struct setup_ids ids = {.space = arena_print(&to->arena, "said-%d", ++said)};
    struct fhir_context context = setup_context(bench->willow->setup, &to->arena, &ids);
    struct json *bundle = message_of_move(&context, &move);
    struct json *header = json_get(json_first(json_get(bundle, "entry")), "resource");
    assert_non_null(json_get(header, "reason"));
    json_remove(header, "reason");
    return clinic_receive(to, "willow", json_print(&to->arena, bundle)).row;
}

/* The code of Lakeside's answer. */
static const char *say_state(struct bench *bench, const char *state)
{
    return say_state_of(bench, "R-1", state).response_code;
}

static void who_names_no_referral_learns_where(void **state)
{
    struct bench *bench = *state;
    refer(bench, "R-1");
    struct store_message answered = say_state_of(bench, NULL, "accepted");
    assert_string_equal(answered.response_code, "fatal-error");
    assert_non_null(strstr(answered.response_issues, "Task.focus"));
    assert_non_null(strstr(answered.response_issues, "Composition.event.detail"));
}

/* What its track says since it was sent: "accepted, started". */
static const char *track_of(struct clinic *clinic)
{
    struct store_event *events;
    struct text text = text_new(&clinic->arena, 1000);
    int64_t id = clinic_find(clinic, "lakeside", "R-1").id;
    size_t count = store_events(clinic->store, &clinic->arena, id, &events);
    for (size_t i = 0; i < count; i++) {
        if (events[i].message != 0)
            text_print(&text, "%s%s", text.length == 0 ? "" : "; ", events[i].what);
    }
    return text.at;
}

static void a_state_implies_the_steps_before_it(void **state)
{
    static const struct {
        const char *said[4], *after, *track;
    } cases[] = {
        {{"in-progress"}, "in-progress", "accepted, as \"in-progress\" says; started"},
        {{"completed"}, "completed", "accepted, as \"completed\" says; completed"},
        {{"failed"}, "failed", "accepted, as \"failed\" says; could not be finished"},
        {{"on-hold"}, "on-hold", "accepted, as \"on-hold\" says; put on hold"},
        {{"received", "in-progress"},
         "in-progress",
         "received; accepted, as \"in-progress\" says; started"},
        {{"on-hold", "completed"},
         "completed",
         "accepted, as \"on-hold\" says; put on hold; resumed, as \"completed\" says; completed"},
        {{"ready"}, "accepted", "accepted"},
        {{"accepted", "ready"}, "accepted", "accepted"},
        {{"in-progress", "accepted", "ready"},
         "in-progress",
         "accepted, as \"in-progress\" says; started"},
        {{"in-progress", "in-progress"},
         "in-progress",
         "accepted, as \"in-progress\" says; started"},
        {{"cancelled", "cancelled"}, "rejected", "declined"},
        {{"accepted", "cancelled", "cancelled"}, "rejected", "accepted; declined"},
        {{"in-progress", "cancelled"},
         "failed",
         "accepted, as \"in-progress\" says; started; could not be finished"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *fresh;
        start(&fresh);
        struct bench *bench = fresh;
        refer(bench, "R-1");
        for (size_t j = 0; cases[i].said[j] != NULL; j++) {
            const char *code = say_state(bench, cases[i].said[j]);
            if (!text_equal(code, "ok"))
                fail_msg("case %zu: %s is %s", i + 1, cases[i].said[j], code);
        }
        assert_string_equal(status(bench->lakeside), cases[i].after);
        assert_string_equal(track_of(bench->lakeside), cases[i].track);
        stop(&fresh);
    }
}

/* Not reopened by a word, and never by the wrong side. */
static void a_state_reopens_nothing(void **state)
{
    static const char *const ends[] = {"completed", "rejected", "failed"};
    static const char *const said[] = {"accepted", "in-progress", "on-hold", "ready"};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        void *fresh;
        start(&fresh);
        struct bench *bench = fresh;
        refer(bench, "R-1");
        assert_string_equal(say_state(bench, ends[i]), "ok");
        for (size_t j = 0; j < sizeof said / sizeof *said; j++)
            assert_string_equal(say_state(bench, said[j]), "fatal-error");
        assert_string_equal(status(bench->lakeside), ends[i]);
        stop(&fresh);
    }
}

/* Lakeside has asked to stop it: then "cancelled" is the answer. */
static void cancelled_answers_an_abort(void **state)
{
    struct bench *bench = *state;
    refer(bench, "R-1");
    say_state(bench, "in-progress");
    move(bench->lakeside, "abort");
    assert_string_equal(say_state(bench, "cancelled"), "ok");
    assert_string_equal(status(bench->lakeside), "cancelled");
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

/* Its consent was withdrawn while it was queued: Lakeside never hears of the first visit. */
static void a_hold_comes_without_the_note_before_it(void **state)
{
    struct bench *bench = *state;
    refer(bench, "R-1");
    move(bench->willow, "accept");
    carry(bench->willow, bench->lakeside);
    clinic_send(bench->willow, clinic_note(bench->willow, "N-1", "alvarez", "R-1", 1));
    move(bench->willow, "hold");
    assert_string_equal(carry(bench->willow, bench->lakeside).row.response_code, "ok");
    assert_string_equal(status(bench->lakeside), "on-hold");
    move(bench->willow, "resume");
    carry(bench->willow, bench->lakeside);
    assert_string_equal(status(bench->lakeside), "in-progress");
}

/* Lakeside cancels what it believes accepted only; Willow has put it on hold and keeps to that. */
static void a_hold_crosses_our_cancel(void **state)
{
    struct bench *bench = *state;
    struct store_message hold;
    refer(bench, "R-1");
    move(bench->willow, "accept");
    carry(bench->willow, bench->lakeside);
    move(bench->willow, "hold");
    const char *body = clinic_outgoing(bench->willow, "lakeside", &hold);
    move(bench->lakeside, "cancel");
    assert_string_equal(clinic_receive(bench->lakeside, "willow", body).row.response_code, "ok");
    assert_string_equal(carry(bench->lakeside, bench->willow).row.response_code, "fatal-error");
    assert_string_equal(status(bench->lakeside), "on-hold");
    assert_string_equal(status(bench->willow), "on-hold");
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

/* From then on both sides call the client by the number that is right, and the filler is told. */
static void the_client_may_be_what_is_corrected(void **state)
{
    struct bench *bench = *state;
    struct clinic *lakeside = bench->lakeside;
    struct store_message message;
    refer(bench, "R-1");
    clinic_send(lakeside,
                clinic_replaced(lakeside,
                                clinic_consent(lakeside, "K-9", "osei", "lakeside", "\"willow\""),
                                "\"C-1042\"", "\"C-2\""));
    const char *right = clinic_replaced(
        lakeside, clinic_referral(lakeside, "R-1b", "osei", "willow"), "\"reason\":\"Neck pain\"",
        "\"reason\":\"Neck pain\",\"replaces_record_id\":\"R-1\"");
    right = clinic_replaced(lakeside, right, "\"C-1042\"", "\"C-2\"");
    clinic_send(lakeside, clinic_replaced(lakeside, right, "Kanarienvogel", "Smith"));
    assert_string_equal(carry(lakeside, bench->willow).row.response_code, "ok");
    assert_string_equal(clinic_find(bench->willow, "lakeside", "R-1").client, "C-2");
    assert_string_equal(clinic_find(lakeside, "lakeside", "R-1").client, "C-2");
    assert_non_null(strstr(track_of(bench->willow), "about another client than before"));
    struct fault fault = {FAULT_none, NULL};
    assert_true(clinic_move(lakeside, "R-1", "cancel", &fault));
    const char *body = clinic_outgoing(lakeside, "willow", &message);
    assert_non_null(strstr(body, "\"C-2\""));
    assert_null(strstr(body, "C-1042"));
}

/* Willow, who fills R-1, sends a referral of its own under Lakeside's number, as a correction. */
static void only_the_placer_corrects_a_referral(void **state)
{
    struct bench *bench = *state;
    struct store_message message;
    refer(bench, "R-1");
    clinic_send(bench->willow,
                clinic_replaced(bench->willow,
                                clinic_referral(bench->willow, "W-9", "alvarez", "lakeside"),
                                "\"reason\":\"Neck pain\"",
                                "\"reason\":\"Mine\",\"replaces_record_id\":\"W-8\""));
    const char *body = clinic_outgoing(bench->willow, "lakeside", &message);
    body = clinic_replaced(bench->lakeside, body, "\"W-9\"", "\"R-1\"");
    body =
        clinic_replaced(bench->lakeside, body, "/sid/9900000016/record", "/sid/9900000024/record");
    clinic_receive(bench->lakeside, "willow", body);
    assert_int_equal(clinic_find(bench->lakeside, "lakeside", "R-1").corrected_by, 0);
}

/* Whatever its placer left out, or says of the time. */
static void a_referral_that_was_taken_can_be_answered(void **state)
{
    static const struct {
        const char *old, *new;
    } oddities[] = {{"\"authoredOn\":\"2026-10-01T12:00:00Z\"", "\"authoredOn\":\"2026-10-01\""},
                    {"2026-10-01T12:00:00Z", "2026-10-01T23:59:60Z"},
                    {"\"authoredOn\":\"2026-10-01T12:00:00Z\"", "\"authoredOn\":\"2026\""},
                    {"2026-10-01T12:00:00Z", "9999-12-31T23:59:59.999999999Z"},
                    {"/sid/9900000024/client", "/sid/9900000040/client"}}; /* no number of theirs */
    struct bench *bench = *state;
    struct store_message message;
    for (size_t i = 0; i < sizeof oddities / sizeof *oddities; i++) {
        const char *number = arena_print(&bench->willow->arena, "R-%zu", i);
        struct fault fault = {FAULT_none, NULL};
        clinic_send(bench->lakeside, clinic_referral(bench->lakeside, number, "osei", "willow"));
        const char *body = clinic_outgoing(bench->lakeside, "willow", &message);
        assert_non_null(strstr(body, oddities[i].old));
        body = clinic_replaced(bench->willow, body, oddities[i].old, oddities[i].new);
        assert_string_equal(clinic_receive(bench->willow, "lakeside", body).row.response_code,
                            "ok");
        if (!clinic_move(bench->willow, number, "decline", &fault))
            fail_msg("%s: %s", oddities[i].new, fault_sentence(&fault));
    }
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

/* As many numbers as a message can hold cost no more than a few. */
static void only_the_first_numbers_are_looked_at(void **state)
{
    struct bench *bench = *state;
    struct clinic *lakeside = bench->lakeside;
    const char **numbers;
    struct text ids = text_new(&lakeside->arena, 1 << 20);
    text_add(&ids, "\"reason\":\"x\",\"client_other_ids\":[");
    for (int i = 0; i < 32; i++)
        text_add(&ids, "{\"id\":\"X\",\"issued_by\":\"willow\"},");
    text_add(&ids, "{\"id\":\"C-1042\",\"issued_by\":\"willow\"}]");
    const char *text = clinic_replaced(lakeside, clinic_referral(lakeside, "R-1", "osei", "willow"),
                                       "\"reason\":\"Neck pain\"", ids.at);
    clinic_send(lakeside, text);
    assert_string_equal(carry(lakeside, bench->willow).row.response_code, "ok");
    assert_int_equal(
        store_links(bench->willow->store, &bench->willow->arena, "C-1042", "lakeside", &numbers),
        0);
}

/* A partner's word about a referral that is not here is kept only where a backup can have lacked
 * it. */
static void only_a_restored_gateway_may_lack_a_referral(void **state)
{
    struct bench *bench = *state;
    struct clinic *restored = clinic_new("lakeside", "");
    struct store_told *told;
    refer(bench, "R-1");
    move(bench->willow, "accept");
    assert_string_equal(carry(bench->willow, restored).row.state, "early");
    assert_int_equal(store_told(restored->store, &restored->arena, &told), 0);
    clinic_begin(restored);
    store_begin_epoch(restored->store);
    clinic_commit(restored);
    move(bench->willow, "start");
    carry(bench->willow, restored);
    assert_int_equal(store_told(restored->store, &restored->arena, &told), 1);
    assert_string_equal(told[0].number, "R-1");
    clinic_free(restored);
}

/* ---- a cancel overtakes its referral ---- */

struct overtaken {
    const char *referral, *cancel; /* the bodies */
    struct store_message cancelled;
};

/* Lakeside's referral is given up on its way, and taken back: the cancel comes first. */
static struct overtaken take_back(struct bench *bench)
{
    struct overtaken made;
    clinic_send(bench->lakeside, clinic_referral(bench->lakeside, "R-1", "osei", "willow"));
    made.referral = clinic_outgoing(bench->lakeside, "willow", &made.cancelled);
    move(bench->lakeside, "cancel");
    made.cancel = clinic_outgoing(bench->lakeside, "willow", &made.cancelled);
    return made;
}

static int64_t count(struct clinic *clinic, const char *sql)
{
    return sqlite_number(clinic->store, sql, "");
}

static const char early[] = "SELECT count(*) FROM early_cancel";

static void a_referral_behind_its_cancel_is_cancelled(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct overtaken made = take_back(bench);
    struct clinic_arrival cancel = clinic_receive(willow, "lakeside", made.cancel);
    assert_string_equal(cancel.row.response_code, "fatal-error");
    assert_non_null(strstr(cancel.row.response_issues, "not-found"));
    assert_non_null(strstr(cancel.row.response_issues, "taken as cancelled"));
    assert_int_equal(count(willow, early), 1);
    struct clinic_arrival late = clinic_receive(willow, "lakeside", made.referral);
    assert_int_equal(late.outcome, INBOX_TAKEN);
    assert_string_equal(late.row.response_code, "ok");
    assert_string_equal(late.row.state, "done");
    assert_non_null(strstr(late.row.response_issues, "\"information\""));
    assert_non_null(strstr(late.row.response_issues, "R-1 back"));
    struct store_referral referral = clinic_find(willow, "lakeside", "R-1");
    assert_string_equal(referral.task_status, "cancelled");
    assert_string_equal(track_list(&referral), "closed");
    struct store_record *waiting;
    assert_int_equal(store_unexported(willow->store, &willow->arena, 0, &waiting), 0);
    assert_int_equal(count(willow, "SELECT count(*) FROM record WHERE kind='referral'"), 1);
    struct store_event *events;
    size_t told = store_events(willow->store, &willow->arena, referral.id, &events);
    assert_string_equal(events[told - 1].what, "cancelled before it came");
}

static const char *with_new_ids(struct clinic *clinic, const char *body,
                                const struct store_message *message)
{
    body =
        clinic_replaced(clinic, body, message->message_id, "22222222-2222-4222-8222-222222222222");
    return clinic_replaced(clinic, body, message->bundle_id,
                           "33333333-3333-4333-8333-333333333333");
}

static void a_cancel_said_again_changes_nothing(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct overtaken made = take_back(bench);
    const char *again = with_new_ids(willow, made.cancel, &made.cancelled);
    clinic_receive(willow, "lakeside", made.cancel);
    assert_int_equal(clinic_receive(willow, "lakeside", made.cancel).outcome, INBOX_REPLAY);
    assert_string_equal(clinic_receive(willow, "lakeside", again).row.response_code, "fatal-error");
    assert_int_equal(count(willow, early), 1);
    clinic_receive(willow, "lakeside", made.referral);
    assert_int_equal(clinic_receive(willow, "lakeside", made.referral).outcome, INBOX_REPLAY);
    again = clinic_replaced(willow, again, "22222222-2222-4222-8222-222222222222",
                            "44444444-4444-4444-8444-444444444444");
    again = clinic_replaced(willow, again, "33333333-3333-4333-8333-333333333333",
                            "55555555-5555-4555-8555-555555555555");
    assert_string_equal(clinic_receive(willow, "lakeside", again).row.response_code, "ok");
    assert_int_equal(count(willow, "SELECT count(*) FROM referral"), 1);
    assert_string_equal(status(willow), "cancelled");
}

static void an_early_cancel_touches_no_other_referral(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct overtaken made = take_back(bench);
    clinic_receive(willow, "lakeside", made.cancel);
    refer(bench, "R-2"); /* a new number is a new referral */
    assert_string_equal(clinic_find(willow, "lakeside", "R-2").task_status, "requested");
    /* Harbor says R-1, too: its own. */
    struct clinic *harbor = clinic_new("harbor", "");
    clinic_send(harbor, clinic_consent(harbor, "K-1", "obrien", "harbor", "\"willow\""));
    clinic_send(harbor, clinic_referral(harbor, "R-1", "obrien", "willow"));
    struct clinic_arrival arrival = carry(harbor, willow);
    assert_string_equal(arrival.row.response_code, "ok");
    assert_null(arrival.row.response_issues);
    assert_string_equal(clinic_find(willow, "harbor", "R-1").task_status, "requested");
    clinic_free(harbor);
}

/* Harbor cancels what it never placed: it hears of nothing, and Lakeside's R-1 comes as new. */
static void a_cancel_of_somebody_elses_is_not_kept(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct overtaken made = take_back(bench);
    struct clinic_arrival cancel = clinic_receive(willow, "harbor", made.cancel);
    assert_string_equal(cancel.row.response_code, "fatal-error");
    struct clinic_arrival late = clinic_receive(willow, "lakeside", made.referral);
    assert_null(late.row.response_issues);
    assert_string_equal(status(willow), "requested");
}

static void reopen(struct clinic *clinic)
{
    struct fault fault;
    store_close(clinic->store);
    assert_true(store_open(arena_print(&clinic->arena, "%s/store.db", clinic->folder),
                           &clinic->store, &clinic->arena, &fault));
}

/* Promised by the journal only: the database loses the cancel, a start does it again. */
static void an_early_cancel_outlives_a_crash(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct fault fault;
    struct overtaken made = take_back(bench);
    assert_true(store_serve(willow->store, &fault));
    clinic_begin(willow);
    store_add_early_cancel(willow->store, "lakeside", "lakeside", "R-1", 1);
    assert_true(store_sync(willow->store, &fault));
    store_rollback(willow->store);
    reopen(willow);
    assert_int_equal(count(willow, early), 1);
    clinic_receive(willow, "lakeside", made.referral);
    assert_string_equal(status(willow), "cancelled");
}

static void what_was_undone_is_no_cancel(void **state)
{
    struct bench *bench = *state;
    struct store *store = bench->willow->store;
    clinic_begin(bench->willow);
    assert_false(store_has_early_cancel(store, "lakeside", "lakeside", "R-1"));
    store_mark(store);
    store_add_early_cancel(store, "lakeside", "lakeside", "R-1", 1);
    assert_true(store_has_early_cancel(store, "lakeside", "lakeside", "R-1"));
    store_undo(store);
    assert_false(store_has_early_cancel(store, "lakeside", "lakeside", "R-1"));
    clinic_commit(bench->willow);
}

/* A correction stands alone when what it corrects never came; but that was taken back. */
static void a_correction_behind_the_cancel_is_cancelled(void **state)
{
    struct bench *bench = *state;
    struct overtaken made = take_back(bench);
    struct store_message message;
    clinic_receive(bench->willow, "lakeside", made.cancel);
    const char *text = clinic_replaced(
        bench->lakeside, clinic_referral(bench->lakeside, "R-1b", "osei", "willow"),
        "\"reason\":\"Neck pain\"", "\"reason\":\"Neck and arm\",\"replaces_record_id\":\"R-1\"");
    clinic_send(bench->lakeside, text);
    const char *body = clinic_outgoing(bench->lakeside, "willow", &message);
    assert_string_equal(clinic_receive(bench->willow, "lakeside", body).row.response_code, "ok");
    assert_string_equal(clinic_find(bench->willow, "lakeside", "R-1").task_status, "cancelled");
}

/* "cancelled" in a corrected referral is a cancel of what it corrects. */
static const char *correction_that_cancels(struct bench *bench)
{
    return clinic_replaced(
        bench->lakeside, clinic_referral(bench->lakeside, "R-1b", "osei", "willow"),
        "\"reason\":\"Neck pain\"",
        "\"reason\":\"Neck pain\",\"status\":\"cancelled\",\"replaces_record_id\":\"R-1\"");
}

static void a_correction_takes_a_referral_back(void **state)
{
    struct bench *bench = *state;
    refer(bench, "R-1");
    depart(bench->lakeside, "willow");
    clinic_send(bench->lakeside, correction_that_cancels(bench));
    assert_string_equal(carry(bench->lakeside, bench->willow).row.response_code, "ok");
    assert_string_equal(status(bench->lakeside), "cancelled");
    assert_string_equal(status(bench->willow), "cancelled");
}

static void a_correction_takes_back_what_comes_later(void **state)
{
    struct bench *bench = *state;
    struct store_message message;
    clinic_send(bench->lakeside, clinic_referral(bench->lakeside, "R-1", "osei", "willow"));
    const char *referral = clinic_outgoing(bench->lakeside, "willow", &message);
    depart(bench->lakeside, "willow");
    clinic_send(bench->lakeside, correction_that_cancels(bench));
    assert_string_equal(carry(bench->lakeside, bench->willow).row.response_code, "fatal-error");
    clinic_receive(bench->willow, "lakeside", referral);
    assert_string_equal(status(bench->willow), "cancelled");
}

/* What it corrects was dropped before it left, so the correction is the first that comes; both
 * sides call the referral by the same number all the same. */
static void a_correction_that_comes_first_is_called_by_the_referrals_number(void **state)
{
    struct bench *bench = *state;
    struct clinic *lakeside = bench->lakeside;
    struct store_message *all;
    clinic_send(lakeside, clinic_referral(lakeside, "R-1", "osei", "willow"));
    clinic_send(lakeside,
                clinic_replaced(lakeside, clinic_referral(lakeside, "R-1b", "osei", "willow"),
                                "\"reason\":\"Neck pain\"",
                                "\"reason\":\"Neck\",\"replaces_record_id\":\"R-1\""));
    assert_int_equal(
        store_messages(lakeside->store, &lakeside->arena, "out", "queued", 0, 10, &all), 1);
    assert_string_equal(carry(lakeside, bench->willow).row.response_code, "ok");
    assert_string_equal(status(bench->willow), "requested");
    move(bench->willow, "accept");
    assert_string_equal(carry(bench->willow, lakeside).row.response_code, "ok");
    move(lakeside, "cancel");
    assert_string_equal(carry(lakeside, bench->willow).row.response_code, "ok");
    assert_string_equal(status(bench->willow), "cancelled");
    assert_string_equal(status(lakeside), "cancelled");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_referral_arrives),
        TEST(filler_numbers_differ),
        TEST(only_a_restored_gateway_may_lack_a_referral),
        TEST(moves_of_the_filler_move_the_placer),
        TEST(a_move_that_is_not_possible_here_is_refused),
        TEST(the_end_said_again_changes_nothing),
        TEST(who_names_no_referral_learns_where),
        TEST(a_state_implies_the_steps_before_it),
        TEST(a_state_reopens_nothing),
        TEST(cancelled_answers_an_abort),
        TEST(nobody_else_moves_a_referral),
        TEST(the_placer_cannot_make_the_fillers_move),
        TEST(notes_start_count_and_end_it),
        TEST(a_note_before_the_yes_is_refused),
        TEST(a_hold_comes_without_the_note_before_it),
        TEST(a_hold_crosses_our_cancel),
        TEST(the_same_record_in_a_new_message_is_known),
        TEST(a_corrected_referral_belongs_to_the_old_one),
        TEST(the_client_may_be_what_is_corrected),
        TEST(only_the_placer_corrects_a_referral),
        TEST(a_referral_that_was_taken_can_be_answered),
        TEST(an_own_client_is_linked_when_number_and_birth_date_agree),
        TEST(only_the_first_numbers_are_looked_at),
        TEST(a_referral_behind_its_cancel_is_cancelled),
        TEST(a_cancel_said_again_changes_nothing),
        TEST(an_early_cancel_touches_no_other_referral),
        TEST(a_cancel_of_somebody_elses_is_not_kept),
        TEST(an_early_cancel_outlives_a_crash),
        TEST(what_was_undone_is_no_cancel),
        TEST(a_correction_behind_the_cancel_is_cancelled),
        TEST(a_correction_takes_a_referral_back),
        TEST(a_correction_takes_back_what_comes_later),
        TEST(a_correction_that_comes_first_is_called_by_the_referrals_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
