/* flow_client: a record of ours that contradicts the client of its referral waits until a person
 * has looked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/store/sqlite/sqlite.h"
#include "lib/clinic.h"

#define SURNAME "\"client_family_name\":\"Kanarienvogel\""
#define NUMBER "\"client_id\":\"C-1042\""
#define BORN "\"client_birth_date\":\"1984-03-09\""

static struct clinic_arrival carry(struct clinic *from, struct clinic *to)
{
    struct store_message message;
    const char *body = clinic_outgoing(from, to->setup->config.org, &message);
    return clinic_receive(to, from->setup->config.org, arena_copy(&to->arena, body));
}

/* Willow fills R-1 of Lakeside and has placed W-1 at Harbor. */
static int start(void **state)
{
    struct clinic *willow = clinic_new("willow", "");
    struct clinic *lakeside = clinic_new("lakeside", "");
    struct fault fault;
    const char *consent =
        clinic_consent(willow, "K-1", "alvarez", "willow", "\"lakeside\",\"harbor\",\"riverbend\"");
    clinic_send(willow, consent);
    consent = clinic_replaced(willow, consent, "K-1", "K-2");
    clinic_send(willow, clinic_replaced(willow, consent, "C-1042", "C-2"));
    clinic_send(lakeside, clinic_consent(lakeside, "K-1", "osei", "lakeside", "\"willow\""));
    clinic_send(lakeside, clinic_referral(lakeside, "R-1", "osei", "willow"));
    if (strcmp(carry(lakeside, willow).row.response_code, "ok") != 0 ||
        !clinic_move(willow, "R-1", "accept", &fault))
        return 1;
    clinic_send(willow, clinic_referral(willow, "W-1", "alvarez", "harbor"));
    clinic_free(lakeside);
    *state = willow;
    return 0;
}

static int64_t queued(struct clinic *willow)
{
    return sqlite_number(willow->store, "SELECT count(*) FROM message WHERE direction='out'", "");
}

static const char *status(struct clinic *willow)
{
    return clinic_find(willow, "lakeside", "R-1").task_status;
}

/* A record with OLD written as NEW waits, or goes. PATH: of the contradiction, NULL: it goes. */
static void waits_for(struct clinic *willow, const char *record, const char *old, const char *new,
                      const char *path)
{
    int64_t before = queued(willow);
    struct flow_report report = clinic_send(willow, clinic_replaced(willow, record, old, new));
    if (report.answer != FLOW_ACCEPTED)
        clinic_fail(willow, "refused");
    assert_true(report.count > 0);
    for (size_t i = 0; i < report.count; i++) {
        const char *reason = report.recipients[i].reason;
        if (report.recipients[i].is_queued != (path == NULL) ||
            (path != NULL &&
             (!text_starts(reason, path) || strstr(reason, "wrong client?") == NULL)))
            fail_msg("%s for %s: found %s", new, old, reason == NULL ? "sent" : reason);
    }
    if (path != NULL)
        assert_int_equal(queued(willow), before);
}

static const struct {
    const char *old, *new, *path;
} slips[] = {
    {SURNAME, SURNAME ",\"client_given_names\":\"Ann\"", NULL},
    {SURNAME, "\"client_family_name\":\"KANARIENVOGEL-Smith\"", NULL},
    {SURNAME, "\"client_given_names\":\"Kanarienvogel\"", NULL},
    {SURNAME, "\"client_family_name\":\"Smith\"", "client_family_name: found Smith; referral"},
    {SURNAME, "\"client_given_names\":\"Smith\"", "client_given_names: found Smith; referral"},
    {BORN, "\"client_birth_date\":\"1985-03-09\"", "client_birth_date: found 1985-03-09"},
};

static void what_contradicts_waits(void **state)
{
    struct clinic *willow = *state;
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        const char *note =
            clinic_note(willow, arena_print(&willow->arena, "N-%zu", i), "alvarez", "R-1", 1);
        waits_for(willow, note, slips[i].old, slips[i].new, slips[i].path);
        note = clinic_note(willow, arena_print(&willow->arena, "M-%zu", i), "alvarez", "W-1", 1);
        waits_for(willow, note, slips[i].old, slips[i].new, slips[i].path);
        const char *plan = clinic_record(
            willow, "treatment-plan", arena_print(&willow->arena, "P-%zu", i), "alvarez",
            "\"referral_id\":\"R-1\",\"title\":\"Plan\",\"starts_on\":\"2026-10-01\","
            "\"team\":[{\"who\":\"osei\"},{\"who\":\"obrien\"}],\"goals\":[{\"text\":\"Sit\"}],"
            "\"steps\":[{\"text\":\"Work\",\"owner\":\"alvarez\"}]");
        waits_for(willow, plan, slips[i].old, slips[i].new, slips[i].path);
        const char *minutes = clinic_record(
            willow, "case-conference", arena_print(&willow->arena, "C-%zu", i), "alvarez",
            "\"related_referral_ids\":[\"X-9\",\"R-1\",\"W-1\"],"
            "\"held_at\":\"2026-10-01T10:00:00Z\",\"participants\":[{\"who\":\"osei\"},"
            "{\"who\":\"obrien\"}],\"summary\":\"All agree\"");
        waits_for(willow, minutes, slips[i].old, slips[i].new, slips[i].path);
    }
}

/* Numbers are compared with those that the same clinic gave. */
static void a_filler_may_call_the_client_as_it_likes(void **state)
{
    struct clinic *willow = *state;
    waits_for(willow, clinic_note(willow, "N-1", "alvarez", "R-1", 1), NUMBER,
              "\"client_id\":\"C-2\"", NULL);
    waits_for(willow, clinic_note(willow, "N-2", "alvarez", "R-1", 1), NUMBER,
              "\"client_id\":\"C-2\",\"client_other_ids\":[{\"id\":\"C-9\",\"issued_by\":"
              "\"lakeside\"}]",
              "client_id: found C-9; referral R-1 is of Kanarienvogel, client C-1042");
    waits_for(willow, clinic_note(willow, "N-3", "alvarez", "W-1", 1), NUMBER,
              "\"client_id\":\"C-2\"",
              "client_id: found C-2; referral W-1 is of Kanarienvogel, client C-1042");
    clinic_begin(willow); /* two numbers of one client */
    store_add_link(willow->store, "C-1042", "willow", "C-2");
    clinic_commit(willow);
    waits_for(willow, clinic_note(willow, "N-4", "alvarez", "W-1", 1), NUMBER,
              "\"client_id\":\"C-2\"", NULL);
}

/* Nothing of it fits: the number of the referral may be right all the same. */
static void another_client_altogether_waits(void **state)
{
    struct clinic *willow = *state;
    const char *note = clinic_note(willow, "N-1", "alvarez", "R-1", 1);
    note = clinic_replaced(willow, note, NUMBER, "\"client_id\":\"C-2\"");
    note = clinic_replaced(willow, note, BORN, "\"client_birth_date\":\"1950-01-01\"");
    waits_for(willow, note, SURNAME, "\"client_family_name\":\"Smith\"",
              "client_family_name: found Smith");
    assert_string_equal(status(willow), "accepted");
}

static bool confirm(struct clinic *willow, const char *number, struct flow_report *ret_report,
                    struct fault *ret_fault)
{
    struct flow flow = clinic_flow(willow);
    clinic_begin(willow);
    bool is_done = flow_confirm(&flow, number, "wisniewski", ret_report, ret_fault);
    if (is_done)
        clinic_commit(willow);
    else
        store_rollback(willow->store);
    return is_done;
}

/* The Task moves with the note, or by status alone where the note still lacks a consent. */
static void a_person_lets_it_go(void **state)
{
    struct clinic *willow = *state;
    struct flow_report report;
    struct store_message message;
    struct store_release *rows;
    struct fault fault = {FAULT_none, NULL};
    const char *smith = "\"client_family_name\":\"Smith\"";
    waits_for(willow, clinic_note(willow, "N-1", "alvarez", "R-1", 1), SURNAME, smith,
              "client_family_name");
    assert_string_equal(status(willow), "accepted");
    assert_int_equal(clinic_find(willow, "lakeside", "R-1").visits_done, 0);
    size_t count = store_releases(willow->store, &willow->arena, NULL, "waiting", &rows);
    assert_int_equal(count, 1);
    const char *said =
        arena_print(&willow->arena, "refgate tray confirm %lld --by HANDLE", (long long)rows[0].id);
    assert_true(text_ends(rows[0].reason, said));
    assert_false(confirm(willow, "99", &report, &fault));
    assert_int_equal(fault.kind, FAULT_not_found);
    if (!confirm(willow, arena_print(&willow->arena, "%lld", (long long)rows[0].id), &report,
                 &fault))
        fail_msg("%s", fault_sentence(&fault));
    assert_int_equal(report.count, 1);
    assert_true(report.recipients[0].is_queued);
    clinic_outgoing(willow, "lakeside", &message);
    assert_string_equal(message.kind, "progress-note");
    assert_string_equal(status(willow), "in-progress");
    assert_int_equal(clinic_find(willow, "lakeside", "R-1").visits_done, 1);
    assert_int_equal(sqlite_number(willow->store,
                                   "SELECT count(*) FROM audit WHERE what='client-confirmed' AND "
                                   "actor='wisniewski'",
                                   ""),
                     1);
    assert_false(confirm(willow, "N-1", &report, &fault));

    /* Nothing of the other client stands in the track or the audit. */
    assert_int_equal(
        sqlite_number(willow->store, "SELECT count(*) FROM event WHERE detail LIKE '%Smith%'", "") +
            sqlite_number(willow->store, "SELECT count(*) FROM audit WHERE detail LIKE '%Smith%'",
                          ""),
        0);

    /* Its correction is another record, and is asked about again. */
    message.state = "sent"; /* else its correction would take its place in the queue */
    clinic_begin(willow);
    store_set_message(willow->store, &message);
    clinic_commit(willow);
    const char *corrected =
        clinic_replaced(willow, clinic_note(willow, "N-1b", "alvarez", "R-1", 1), "\"subjective\"",
                        "\"replaces_record_id\":\"N-1\",\"subjective\"");
    waits_for(willow, corrected, SURNAME, smith, "client_family_name");

    const char *end = clinic_discharge(willow, "D-1", "alvarez", "R-1");
    end = clinic_replaced(willow, end, NUMBER, "\"client_id\":\"C-77\"");
    waits_for(willow, end, SURNAME, smith, "client_family_name");
    assert_string_equal(status(willow), "in-progress");
    assert_true(confirm(willow, "D-1", &report, &fault));
    assert_false(report.recipients[0].is_queued); /* C-77 has consented to nothing */
    assert_null(strstr(report.recipients[0].reason, "wrong client?"));
    assert_string_equal(status(willow), "completed");
    clinic_outgoing(willow, "lakeside", &message);
    assert_string_equal(message.kind, "complete");
    assert_false(confirm(willow, "D-1", &report, &fault));
    assert_int_equal(fault.kind, FAULT_illegal_move);
}

/* A consent that comes meanwhile does not send it, and a corrected referral may settle the doubt.
 */
static void only_a_person_or_the_placer_settles_it(void **state)
{
    struct clinic *willow = *state;
    struct flow flow = clinic_flow(willow);
    const char *smith = "\"client_family_name\":\"Smith\"";
    waits_for(willow, clinic_note(willow, "N-1", "alvarez", "W-1", 1), SURNAME, smith,
              "client_family_name");
    clinic_begin(willow);
    assert_int_equal(flow_reconsider(&flow, NULL), 0);
    clinic_commit(willow);
    const char *corrected =
        clinic_replaced(willow, clinic_referral(willow, "W-1b", "alvarez", "harbor"),
                        "\"referred_to\"", "\"replaces_record_id\":\"W-1\",\"referred_to\"");
    assert_int_equal(clinic_send(willow, clinic_replaced(willow, corrected, SURNAME, smith)).answer,
                     FLOW_ACCEPTED);
    clinic_begin(willow);
    assert_int_equal(flow_reconsider(&flow, NULL), 1);
    clinic_commit(willow);
    waits_for(willow, clinic_note(willow, "N-2", "alvarez", "W-1", 2), "Better", "Better",
              "client_family_name: found Kanarienvogel; referral W-1 is of Smith");
}

/* The placer corrects the name: what waited in doubt goes, and moves the Task as it will there. */
static void what_goes_without_doubt_moves_the_task(void **state)
{
    struct clinic *willow = *state;
    struct clinic *lakeside = clinic_new("lakeside", "");
    struct flow flow = clinic_flow(willow);
    struct flow_report report;
    struct fault fault = {FAULT_none, NULL};
    const char *smith = "\"client_family_name\":\"Smith\"";
    clinic_send(willow, clinic_note(willow, "N-1", "alvarez", "R-1", 1));
    waits_for(willow, clinic_discharge(willow, "D-1", "alvarez", "R-1"), SURNAME, smith,
              "client_family_name");
    assert_string_equal(status(willow), "in-progress");
    clinic_send(lakeside, clinic_consent(lakeside, "K-1", "osei", "lakeside", "\"willow\""));
    clinic_send(lakeside, clinic_referral(lakeside, "R-1", "osei", "willow"));
    const char *corrected =
        clinic_replaced(lakeside, clinic_referral(lakeside, "R-1b", "osei", "willow"),
                        "\"referred_to\"", "\"replaces_record_id\":\"R-1\",\"referred_to\"");
    clinic_send(lakeside, clinic_replaced(lakeside, corrected, SURNAME, smith));
    assert_string_equal(carry(lakeside, willow).row.response_code, "ok");
    clinic_free(lakeside);
    if (!confirm(willow, "D-1", &report, &fault)) /* nothing is left to confirm: it goes */
        fail_msg("%s", fault_sentence(&fault));
    assert_true(report.recipients[0].is_queued);
    assert_string_equal(status(willow), "completed");
    assert_non_null(clinic_find(willow, "lakeside", "R-1").business_status);
    assert_int_equal(sqlite_number(willow->store,
                                   "SELECT count(*) FROM audit WHERE what='client-confirmed'", ""),
                     0);
    clinic_begin(willow);
    assert_int_equal(flow_reconsider(&flow, NULL), 0);
    clinic_commit(willow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_contradicts_waits, start, clinic_stop),
        cmocka_unit_test_setup_teardown(a_filler_may_call_the_client_as_it_likes, start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(another_client_altogether_waits, start, clinic_stop),
        cmocka_unit_test_setup_teardown(a_person_lets_it_go, start, clinic_stop),
        cmocka_unit_test_setup_teardown(what_goes_without_doubt_moves_the_task, start, clinic_stop),
        cmocka_unit_test_setup_teardown(only_a_person_or_the_placer_settles_it, start, clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
