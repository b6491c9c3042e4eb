/* flow_match: a received record about another client than its referral stands apart until a person
 * has decided, while both sides agree on the referral. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/export/export.h"
#include "gateway/store/sqlite/sqlite.h"
#include "lib/clinic.h"

#define SURNAME "\"client_family_name\":\"Kanarienvogel\""
#define SMITH "\"client_family_name\":\"Smith\""

struct bench {
    struct clinic *willow, *lakeside; /* Lakeside has referred R-1 to Willow, who accepted */
};

static struct clinic_arrival carry(struct clinic *from, struct clinic *to)
{
    struct store_message message;
    const char *body = clinic_outgoing(from, to->setup->config.org, &message);
    return clinic_receive(to, from->setup->config.org, arena_copy(&to->arena, body));
}

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
    if (!clinic_move(bench->willow, "R-1", "accept", &fault))
        return 1;
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

static void confirm(struct clinic *clinic, const char *number)
{
    struct flow flow = clinic_flow(clinic);
    struct flow_report report;
    struct fault fault;
    clinic_begin(clinic);
    if (!flow_confirm(&flow, number, "alvarez", &report, &fault))
        fail_msg("%s", fault_sentence(&fault));
    clinic_commit(clinic);
}

/* FROM sends it in spite of all. */
static struct clinic_arrival misfile(struct clinic *from, struct clinic *to, const char *record,
                                     const char *number)
{
    clinic_send(from, clinic_replaced(from, record, SURNAME, SMITH));
    confirm(from, number);
    struct clinic_arrival arrival = carry(from, to);
    assert_string_equal(arrival.row.response_code, "ok");
    return arrival;
}

static const char *status(struct clinic *clinic)
{
    return clinic_find(clinic, "lakeside", "R-1").task_status;
}

static bool match(struct clinic *clinic, const char *id, enum flow_match decision,
                  struct fault *ret_fault)
{
    struct flow flow = clinic_flow(clinic);
    struct store_record record;
    clinic_begin(clinic);
    bool is_done = flow_match(&flow, id, decision, "lindqvist", &record, ret_fault);
    if (is_done)
        clinic_commit(clinic);
    else
        store_rollback(clinic->store);
    return is_done;
}

static void decides(struct clinic *clinic, const char *id, enum flow_match decision)
{
    struct fault fault;
    if (!match(clinic, id, decision, &fault))
        fail_msg("%s", fault_sentence(&fault));
}

static struct store_record record_of(struct clinic *clinic, const char *from, const char *kind,
                                     const char *number)
{
    struct store_record record = {.id = 0};
    if (!store_find_record(clinic->store, &clinic->arena, from, kind, number, &record))
        clinic_fail(clinic, number);
    return record;
}

static size_t waiting(struct clinic *clinic)
{
    struct store_match *matches;
    return store_matches(clinic->store, &clinic->arena, "to match", &matches);
}

static void the_task_moves_and_the_note_stands_apart(void **state)
{
    struct bench *bench = *state;
    struct clinic *lakeside = bench->lakeside;
    struct clinic_arrival arrival = misfile(
        bench->willow, lakeside, clinic_note(bench->willow, "N-1", "alvarez", "R-1", 1), "N-1");
    assert_non_null(strstr(arrival.row.response_issues, "\"information\""));
    assert_non_null(strstr(arrival.row.response_issues, "client_family_name"));
    assert_null(strstr(arrival.row.response_issues, "Kanarienvogel"));
    assert_string_equal(status(lakeside), "in-progress");
    assert_string_equal(status(bench->willow), "in-progress");
    assert_int_equal(clinic_find(lakeside, "lakeside", "R-1").visits_done, 1);
    assert_int_equal(waiting(lakeside), 1);
    assert_int_equal(record_of(lakeside, "willow", "progress-note", "N-1").referral, 0);
    assert_int_equal(sqlite_number(lakeside->store, "SELECT count(*) FROM client_link", ""), 0);
    assert_int_equal(
        sqlite_number(
            lakeside->store,
            "SELECT count(*) FROM event WHERE what LIKE '%Smith%' OR detail LIKE '%Smith%'", ""),
        0);

    /* The next one is right, the last one not. */
    clinic_send(bench->willow, clinic_note(bench->willow, "N-2", "alvarez", "R-1", 2));
    assert_null(carry(bench->willow, lakeside).row.response_issues);
    assert_int_not_equal(record_of(lakeside, "willow", "progress-note", "N-2").referral, 0);
    misfile(bench->willow, lakeside, clinic_discharge(bench->willow, "D-1", "alvarez", "R-1"),
            "D-1");
    assert_string_equal(status(lakeside), "completed");
    assert_int_equal(waiting(lakeside), 2);
}

/* The placer's own note, a plan and minutes, on the filler's side. */
static void other_records_stand_apart_too(void **state)
{
    struct bench *bench = *state;
    struct clinic *lakeside = bench->lakeside;
    misfile(lakeside, bench->willow, clinic_note(lakeside, "L-1", "osei", "R-1", 1), "L-1");
    misfile(lakeside, bench->willow,
            clinic_record(lakeside, "treatment-plan", "P-1", "osei",
                          "\"referral_id\":\"R-1\",\"title\":\"Plan\",\"starts_on\":\"2026-10-01\","
                          "\"team\":[{\"who\":\"alvarez\"}],\"goals\":[{\"text\":\"Sit\"}],"
                          "\"steps\":[{\"text\":\"Work\",\"owner\":\"osei\"}]"),
            "P-1");
    misfile(lakeside, bench->willow,
            clinic_record(lakeside, "case-conference", "C-1", "osei",
                          "\"related_referral_ids\":[\"R-1\"],\"held_at\":\"2026-10-01T10:00:00Z\","
                          "\"participants\":[{\"who\":\"alvarez\"},{\"who\":\"osei\"}],"
                          "\"summary\":\"All agree\""),
            "C-1");
    assert_int_equal(waiting(bench->willow), 3);
    assert_string_equal(status(bench->willow), "accepted");
}

static bool is_in(struct clinic *clinic, const char *folder)
{
    return file_exists(arena_print(&clinic->arena, "%s/records/%s/willow--progress-note--N-1.json",
                                   clinic->folder, folder));
}

static void export_all(struct clinic *clinic)
{
    struct office office = clinic_office(clinic);
    struct alarm_texts news = {.arena = &clinic->arena};
    export_sweep(&office, &news);
    writer_stop(office.writer);
}

static void a_person_attaches_or_keeps_it_apart(void **state)
{
    struct bench *bench = *state;
    struct clinic *lakeside = bench->lakeside;
    struct fault fault = {FAULT_none, NULL};
    misfile(bench->willow, lakeside, clinic_note(bench->willow, "N-1", "alvarez", "R-1", 1), "N-1");
    struct store_record record = record_of(lakeside, "willow", "progress-note", "N-1");
    export_all(lakeside);
    assert_false(is_in(lakeside, "in"));
    assert_true(is_in(lakeside, "to-match"));

    decides(lakeside, arena_print(&lakeside->arena, "%lld", (long long)record.id), FLOW_ATTACH);
    record = record_of(lakeside, "willow", "progress-note", "N-1");
    assert_int_equal(record.referral, clinic_find(lakeside, "lakeside", "R-1").id);
    export_all(lakeside);
    assert_true(is_in(lakeside, "in"));
    assert_false(is_in(lakeside, "to-match"));
    assert_int_equal(waiting(lakeside), 0);
    assert_int_equal(sqlite_number(lakeside->store, "SELECT count(*) FROM client_link", ""), 1);
    assert_false(match(lakeside, "N-1", FLOW_ATTACH, &fault));
    assert_int_equal(fault.kind, FAULT_illegal_move);
    assert_false(match(lakeside, "N-9", FLOW_ATTACH, &fault));
    assert_int_equal(fault.kind, FAULT_not_found);

    decides(lakeside, "N-1", FLOW_KEEP_APART); /* a mistake: undone */
    assert_int_equal(record_of(lakeside, "willow", "progress-note", "N-1").referral, 0);
    assert_int_equal(sqlite_number(lakeside->store, "SELECT count(*) FROM client_link", ""), 0);
    export_all(lakeside);
    assert_false(is_in(lakeside, "in"));
    assert_false(is_in(lakeside, "to-match"));
    decides(lakeside, "N-1", FLOW_ATTACH);
    assert_int_equal(sqlite_number(lakeside->store,
                                   "SELECT count(*) FROM audit WHERE what IN "
                                   "('attached', 'kept apart') AND actor='lindqvist'",
                                   ""),
                     3);
}

/* What other records have shown of their client's number does not hang on this one. */
static void keeping_one_apart_takes_no_other_link(void **state)
{
    struct bench *bench = *state;
    struct clinic *lakeside = bench->lakeside;
    clinic_begin(lakeside);
    store_add_link(lakeside->store, "C-1042", "willow", "C-1042");
    clinic_commit(lakeside);
    misfile(bench->willow, lakeside, clinic_note(bench->willow, "N-1", "alvarez", "R-1", 1), "N-1");
    decides(lakeside, "N-1", FLOW_KEEP_APART);
    assert_int_equal(sqlite_number(lakeside->store, "SELECT count(*) FROM client_link", ""), 1);
}

/* Its sender says that it was about somebody else: their number is not our client's. */
static void a_retraction_takes_back_the_link_of_an_attached_one(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct flow flow = clinic_flow(willow);
    struct flow_retraction done;
    struct store_message sent;
    struct fault fault;
    misfile(willow, bench->lakeside, clinic_note(willow, "N-1", "alvarez", "R-1", 1), "N-1");
    decides(bench->lakeside, "N-1", FLOW_ATTACH);
    assert_int_equal(sqlite_number(bench->lakeside->store, "SELECT count(*) FROM client_link", ""),
                     1);
    clinic_outgoing(willow, "lakeside", &sent);
    sent.state = "sent";
    sent.attempts = 1;
    clinic_begin(willow);
    store_set_message(willow->store, &sent);
    assert_true(flow_retract(&flow, "N-1", "wrong-client", "alvarez", &done, &fault));
    clinic_commit(willow);
    assert_string_equal(carry(willow, bench->lakeside).row.response_code, "ok");
    assert_int_equal(sqlite_number(bench->lakeside->store, "SELECT count(*) FROM client_link", ""),
                     0);
}

static void what_is_returned_is_back_at_its_sender(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct fault fault = {FAULT_none, NULL};
    struct store_message sent;
    misfile(willow, bench->lakeside, clinic_note(willow, "N-1", "alvarez", "R-1", 1), "N-1");
    clinic_outgoing(willow, "lakeside", &sent);
    clinic_begin(willow);
    sent.state = "sent";
    store_set_message(willow->store, &sent);
    clinic_commit(willow);
    decides(bench->lakeside, "N-1", FLOW_RETURN);
    assert_false(match(bench->lakeside, "N-1", FLOW_ATTACH, &fault));

    struct store_message back;
    const char *body =
        arena_copy(&willow->arena, clinic_outgoing(bench->lakeside, "willow", &back));
    assert_string_equal(back.kind, "return");
    /* Somebody else cannot return it. */
    clinic_receive(willow, "harbor", body);
    assert_true(store_get_message(willow->store, &willow->arena, sent.id, &sent));
    assert_string_equal(sent.state, "sent");
    assert_string_equal(clinic_receive(willow, "lakeside", body).row.response_code, "ok");
    assert_true(store_get_message(willow->store, &willow->arena, sent.id, &sent));
    assert_string_equal(sent.state, "rejected");
    assert_non_null(strstr(sent.reason, "returned by lakeside"));
    assert_int_equal(sqlite_number(willow->store,
                                   "SELECT count(*) FROM event WHERE what='progress-note N-1 "
                                   "returned'",
                                   ""),
                     1);
    assert_string_equal(status(willow), "in-progress");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_task_moves_and_the_note_stands_apart, start, stop),
        cmocka_unit_test_setup_teardown(other_records_stand_apart_too, start, stop),
        cmocka_unit_test_setup_teardown(a_person_attaches_or_keeps_it_apart, start, stop),
        cmocka_unit_test_setup_teardown(keeping_one_apart_takes_no_other_link, start, stop),
        cmocka_unit_test_setup_teardown(a_retraction_takes_back_the_link_of_an_attached_one, start,
                                        stop),
        cmocka_unit_test_setup_teardown(what_is_returned_is_back_at_its_sender, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
