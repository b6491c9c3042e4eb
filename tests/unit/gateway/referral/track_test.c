/* track: every move from every state by either side, against a table written out by hand from the
 * Task state diagram of R4; and what a move leaves in the referral and in its track. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/rows.h"

static const char *const states[] = {"draft",  "requested",   "received",  "accepted",
                                     "ready",  "in-progress", "on-hold",   "completed",
                                     "failed", "rejected",    "cancelled", "entered-in-error"};
enum { STATES = sizeof states / sizeof *states };

/* One letter a state, in the order above: `.` not possible, `-` stays, else the initial of the
 * state after it (c: completed, x: cancelled, f: failed, j: rejected, v: received, q: requested).
 */
static const struct {
    const char *word;
    enum track_side who;
    const char *after;
} expected[] = {
    /*                                 drqvacrdiphocmflrjcxee */
    {"receive", TRACK_FILLER, ".v.........."},  {"accept", TRACK_FILLER, ".aa........."},
    {"decline", TRACK_FILLER, ".jjjjj......"},  {"start", TRACK_FILLER, "...ii......."},
    {"progress", TRACK_FILLER, ".....-......"}, {"hold", TRACK_FILLER, "...ooo......"},
    {"resume", TRACK_FILLER, "......i....."},   {"complete", TRACK_FILLER, "...ccc......"},
    {"fail", TRACK_FILLER, "...ffff....."},     {"request", TRACK_PLACER, "q..........."},
    {"cancel", TRACK_PLACER, "xxxxx......."},   {"abort", TRACK_PLACER, ".....--....."},
};
enum { MOVES = sizeof expected / sizeof *expected };

static const char *state_of(char letter)
{
    static const struct {
        char letter;
        const char *state;
    } letters[] = {{'v', "received"},    {'a', "accepted"},  {'j', "rejected"},
                   {'i', "in-progress"}, {'o', "on-hold"},   {'c', "completed"},
                   {'f', "failed"},      {'q', "requested"}, {'x', "cancelled"}};
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (letters[i].letter == letter)
            return letters[i].state;
    }
    return NULL;
}

static struct store_referral referral_in(const char *status)
{
    struct store_referral referral = {.number = "R-1", .role = "filler", .task_status = status};
    return referral;
}

static void every_move_from_every_state(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    for (size_t m = 0; m < MOVES; m++) {
        const struct track_move *move = track_find(expected[m].word);
        assert_non_null(move);
        for (size_t s = 0; s < STATES; s++) {
            struct store_referral referral = referral_in(states[s]);
            struct fault fault = {FAULT_none, NULL};
            enum track_side other = expected[m].who == TRACK_PLACER ? TRACK_FILLER : TRACK_PLACER;
            char after = expected[m].after[s];
            bool may = track_allows(move, expected[m].who, &referral, &arena, &fault);
            if (may != (after != '.'))
                fail_msg("%s from %s", expected[m].word, states[s]);
            if (may)
                assert_string_equal(move->to, after == '-' ? "" : state_of(after));
            if (!may) {
                assert_int_equal(fault.kind, FAULT_illegal_move);
                assert_non_null(strstr(fault.sentence, states[s]));
            }
            assert_false(track_allows(move, other, &referral, &arena, &fault));
            assert_int_equal(fault.kind, FAULT_wrong_side);
            assert_non_null(strstr(fault.sentence, "only the clinic"));
        }
    }
    arena_free(&arena);
}

/* Whatever the table says, nothing leads out of an end, and every state is in one list of each
 * side. */
static void the_end_is_the_end(void **state)
{
    (void)state;
    static const char *const ends[] = {"completed", "failed", "rejected", "cancelled",
                                       "entered-in-error"};
    struct arena arena = ARENA_EMPTY;
    for (size_t e = 0; e < 5; e++) {
        assert_true(track_is_over(ends[e]));
        for (size_t m = 0; m < MOVES; m++) {
            struct store_referral referral = referral_in(ends[e]);
            struct fault fault;
            assert_false(track_allows(track_find(expected[m].word), expected[m].who, &referral,
                                      &arena, &fault));
            assert_non_null(strstr(fault.sentence, "possible now: nothing"));
        }
    }
    for (size_t s = 0; s < STATES; s++) {
        struct store_referral referral = referral_in(states[s]);
        bool closed = strcmp(track_list(&referral), "closed") == 0;
        assert_int_equal(closed, track_is_over(states[s]));
        assert_string_not_equal(track_list(&referral), "unknown");
        referral.role = "placer";
        assert_string_not_equal(track_list(&referral), "unknown");
    }
    assert_false(track_is_over("no such state"));
    assert_null(track_find("no such move"));
    arena_free(&arena);
}

static void a_move_is_known_by_where_it_leads(void **state)
{
    (void)state;
    assert_string_equal(track_between(TRACK_FILLER, "requested", "accepted")->word, "accept");
    assert_string_equal(track_between(TRACK_FILLER, "on-hold", "in-progress")->word, "resume");
    assert_string_equal(track_between(TRACK_FILLER, "accepted", "in-progress")->word, "start");
    assert_string_equal(track_between(TRACK_PLACER, "accepted", "cancelled")->word, "cancel");
    assert_null(track_between(TRACK_FILLER, "requested", "completed"));
    assert_null(track_between(TRACK_PLACER, "requested", "accepted"));
    /* "ready" holds no "read", "on-hold" no "hold" */
    assert_null(track_between(TRACK_FILLER, "read", "in-progress"));
    assert_null(track_between(TRACK_FILLER, "hold", "in-progress"));
}

static void a_stop_is_asked_once_and_answered_once(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct fault fault;
    struct store_referral referral = referral_in("in-progress");
    const struct track_move *abort_move = track_find("abort");
    const struct track_move *yes = track_find("abort-accept");
    const struct track_move *no = track_find("abort-decline");
    assert_false(track_allows(yes, TRACK_FILLER, &referral, &arena, &fault));
    assert_non_null(strstr(fault.sentence, "nobody asked to stop it"));
    assert_true(track_allows(abort_move, TRACK_PLACER, &referral, &arena, &fault));
    referral.abort_status = "requested";
    assert_false(track_allows(abort_move, TRACK_PLACER, &referral, &arena, &fault));
    assert_true(track_allows(yes, TRACK_FILLER, &referral, &arena, &fault));
    assert_true(track_allows(no, TRACK_FILLER, &referral, &arena, &fault));
    referral.abort_status = "rejected";
    assert_false(track_allows(no, TRACK_FILLER, &referral, &arena, &fault));
    assert_true(track_allows(abort_move, TRACK_PLACER, &referral, &arena, &fault));
    arena_free(&arena);
}

/* ---- with a store ---- */

static int start(void **state)
{
    struct clinic *clinic = clinic_new("willow", "");
    struct store_referral referral = rows_referral("lakeside", "R-1");
    referral.visits_total = 6;
    clinic_begin(clinic);
    store_add_referral(clinic->store, &referral);
    clinic_commit(clinic);
    *state = clinic;
    return 0;
}

static void apply(struct clinic *clinic, const char *word, struct track_details details)
{
    struct store_referral referral = clinic_find(clinic, "lakeside", "R-1");
    clinic_begin(clinic);
    track_apply(clinic->store, &referral, track_find(word), &details, &clinic->arena);
    clinic_commit(clinic);
}

static void a_move_changes_the_row_and_adds_a_line(void **state)
{
    struct clinic *clinic = *state;
    struct store_event *events;
    apply(clinic, "accept", (struct track_details){.by = "alvarez", .at_ms = 5});
    apply(clinic, "start", (struct track_details){.at_ms = 6});
    apply(
        clinic, "hold",
        (struct track_details){.reason_code = "other", .reason = "The client travels", .at_ms = 7});
    struct store_referral referral = clinic_find(clinic, "lakeside", "R-1");
    assert_string_equal(referral.task_status, "on-hold");
    assert_string_equal(referral.reason_code, "other");
    assert_string_equal(referral.reason, "The client travels");
    assert_int_equal(referral.changed_ms, 7);
    size_t count = store_events(clinic->store, &clinic->arena, referral.id, &events);
    assert_int_equal(count, 3);
    assert_string_equal(events[0].what, "accepted");
    assert_string_equal(events[0].by, "alvarez");
    assert_int_equal(events[0].at_ms, 5);
    assert_string_equal(events[2].detail, "Other reason: The client travels");
    assert_true(events[0].seq < events[1].seq && events[1].seq < events[2].seq);
}

static void progress_counts_and_says_so(void **state)
{
    struct clinic *clinic = *state;
    struct store_event *events;
    apply(clinic, "progress", (struct track_details){.visits_done = 2, .at_ms = 5});
    struct store_referral referral = clinic_find(clinic, "lakeside", "R-1");
    assert_int_equal(referral.visits_done, 2);
    assert_int_equal(referral.visits_total, 6);
    assert_int_equal(store_events(clinic->store, &clinic->arena, referral.id, &events), 1);
    assert_non_null(strstr(events[0].what, "2 of 6"));
    apply(clinic, "progress", (struct track_details){.visits_done = 3, .visits_total = 8});
    assert_int_equal(clinic_find(clinic, "lakeside", "R-1").visits_total, 8);
}

static void counted_visits_only_grow(void **state)
{
    struct clinic *clinic = *state;
    static const struct {
        const char *text;
        int64_t after;
    } notes[] = {{"{\"visit_number\":3}", 3},     {"{\"visit_number\":2}", 3},
                 {"{\"visit_number\":\"9\"}", 3}, {"{}", 3},
                 {"{\"visits_completed\":5}", 5}, {"{\"visit_number\":-1}", 5}};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        struct json_document document;
        struct json_fault fault;
        struct store_referral referral = clinic_find(clinic, "lakeside", "R-1");
        json_parse(&clinic->arena, notes[i].text, strlen(notes[i].text), NULL, &document, &fault);
        clinic_begin(clinic);
        track_count_visits(clinic->store, &referral, document.root);
        clinic_commit(clinic);
        assert_int_equal(clinic_find(clinic, "lakeside", "R-1").visits_done, notes[i].after);
    }
}

static void the_answer_to_a_stop_is_kept(void **state)
{
    struct clinic *clinic = *state;
    apply(clinic, "accept", (struct track_details){.at_ms = 1});
    apply(clinic, "start", (struct track_details){.at_ms = 2});
    apply(clinic, "abort", (struct track_details){.at_ms = 3});
    struct store_referral referral = clinic_find(clinic, "lakeside", "R-1");
    assert_string_equal(referral.abort_status, "requested");
    assert_string_equal(referral.task_status, "in-progress");
    apply(clinic, "abort-decline", (struct track_details){.at_ms = 4});
    referral = clinic_find(clinic, "lakeside", "R-1");
    assert_string_equal(referral.abort_status, "rejected");
    assert_string_equal(referral.task_status, "in-progress");
    apply(clinic, "abort", (struct track_details){.at_ms = 5});
    apply(clinic, "abort-accept", (struct track_details){.at_ms = 6});
    referral = clinic_find(clinic, "lakeside", "R-1");
    assert_string_equal(referral.abort_status, "accepted");
    assert_string_equal(referral.task_status, "cancelled");
}

static void what_lies_behind_a_move_is_known(void **state)
{
    static const struct {
        const char *word, *to;
        bool leads;
    } cases[] = {{"accept", "completed", true},  {"accept", "on-hold", true},
                 {"accept", "rejected", true},   {"start", "completed", true},
                 {"accept", "received", false},  {"accept", "accepted", false},
                 {"start", "accepted", false},   {"complete", "in-progress", false},
                 {"decline", "accepted", false}, {"progress", "completed", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (track_leads_on(track_find(cases[i].word), cases[i].to) != cases[i].leads)
            fail_msg("%s, %s", cases[i].word, cases[i].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_behind_a_move_is_known),
        cmocka_unit_test(every_move_from_every_state),
        cmocka_unit_test(the_end_is_the_end),
        cmocka_unit_test(a_move_is_known_by_where_it_leads),
        cmocka_unit_test(a_stop_is_asked_once_and_answered_once),
        cmocka_unit_test_setup_teardown(a_move_changes_the_row_and_adds_a_line, start, clinic_stop),
        cmocka_unit_test_setup_teardown(progress_counts_and_says_so, start, clinic_stop),
        cmocka_unit_test_setup_teardown(counted_visits_only_grow, start, clinic_stop),
        cmocka_unit_test_setup_teardown(the_answer_to_a_stop_is_kept, start, clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
