/* flow_send: to whom a record of ours goes, and what it waits for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/delivery/attempt.h"
#include "gateway/inbound/acknowledge.h"
#include "gateway/outbound/outbox.h"
#include "gateway/store/sqlite/sqlite.h"
#include "lib/clinic.h"

#define OSEI_NPI "9900000073"
#define OBRIEN_NPI "9900000107"
#define ALVAREZ_NPI "9900000057"

static int start(void **state)
{
    struct clinic *willow = clinic_new("willow", "");
    clinic_send(willow, clinic_consent(willow, "K-1", "alvarez", "willow",
                                       "\"lakeside\",\"harbor\",\"riverbend\""));
    *state = willow;
    return 0;
}

/* FROM refers to Willow; the author's NPI in the message is replaced. */
static void refer(struct clinic *willow, const char *from, const char *by, const char *number,
                  const char *npi, const char *other_npi)
{
    struct clinic *placer = clinic_new(from, "");
    struct store_message message;
    clinic_send(placer, clinic_consent(placer, "K-1", by, from, "\"willow\""));
    clinic_send(placer, clinic_referral(placer, number, by, "willow"));
    const char *body = clinic_outgoing(placer, "willow", &message);
    body = clinic_replaced(willow, arena_copy(&willow->arena, body), npi, other_npi);
    assert_string_equal(clinic_receive(willow, from, body).row.response_code, "ok");
    clinic_free(placer);
}

static void is_for(const struct flow_report *report, const char *clinic)
{
    assert_int_equal(report->answer, FLOW_ACCEPTED);
    assert_int_equal(report->count, 1);
    assert_string_equal(report->recipients[0].clinic, clinic);
}

/* Whoever Harbor names as the writer of its referral: Lakeside's physician, one of ours, a
 * stranger. */
static void a_reply_goes_to_the_clinic_that_asked(void **state)
{
    static const char *const writers[] = {OSEI_NPI, ALVAREZ_NPI, "1234567893", OBRIEN_NPI};
    struct clinic *willow = *state;
    struct fault fault;
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        const char *number = arena_print(&willow->arena, "R-%zu", i + 1);
        refer(willow, "harbor", "obrien", number, OBRIEN_NPI, writers[i]);
        if (!clinic_move(willow, number, "accept", &fault))
            fail_msg("%s", fault_sentence(&fault));
        const char *note = arena_print(&willow->arena, "N-%zu", i + 1);
        struct flow_report report =
            clinic_send(willow, clinic_note(willow, note, "alvarez", number, 1));
        is_for(&report, "harbor");
        assert_true(report.recipients[0].is_queued);
        struct store_message message;
        clinic_outgoing(willow, "harbor", &message);
        assert_string_equal(message.kind, "progress-note");
        const char *end = arena_print(&willow->arena, "D-%zu", i + 1);
        report = clinic_send(willow, clinic_discharge(willow, end, "alvarez", number));
        is_for(&report, "harbor");
    }
    assert_int_equal(
        sqlite_number(willow->store,
                      "SELECT count(*) FROM message WHERE direction='out' AND partner='lakeside'",
                      ""),
        0);
}

static size_t claim_for(struct clinic *willow, const char *partner, struct deliver_item **ret_items)
{
    struct flow flow = clinic_flow(willow);
    clinic_begin(willow);
    size_t count = attempt_claim(&flow, partner, 10, ret_items);
    clinic_commit(willow);
    return count;
}

static size_t claim(struct clinic *willow, struct deliver_item **ret_items)
{
    return claim_for(willow, "lakeside", ret_items);
}

static void settle(const struct flow *flow, int64_t message, const struct deliver_result *result)
{
    struct fault fault;
    assert_true(store_begin(flow->store));
    attempt_settle(flow, message, result, 0);
    assert_true(store_commit(flow->store, &fault));
}

/* The correction of a referral whose first try ends without an answer goes as soon as the first is
 * taken back. */
static void what_stands_behind_a_dropped_referral_goes(void **state)
{
    struct clinic *willow = *state;
    struct deliver_item *items;
    struct deliver_result no_answer = {.outcome = DELIVER_UNKNOWN, .sentence = ""};
    struct flow flow = clinic_flow(willow);
    clinic_send(willow, clinic_referral(willow, "R-1", "alvarez", "lakeside"));
    assert_int_equal(claim(willow, &items), 1);
    int64_t first = items[0].message.id;
    clinic_send(willow, clinic_record(willow, "referral", "R-2", "alvarez",
                                      "\"referred_to\":\"lakeside\",\"service\":"
                                      "\"massage-therapy\",\"reason\":\"Neck pain\","
                                      "\"replaces_record_id\":\"R-1\""));
    settle(&flow, first, &no_answer);
    assert_int_equal(claim(willow, &items), 0);
    assert_int_equal(claim(willow, &items), 1);
    assert_string_equal(items[0].message.kind, "referral");
    assert_int_not_equal(items[0].message.id, first);
}

/* A referral was taken back before the partner had it, then cancelled: a note about it goes
 * nowhere.
 */
static void what_stands_behind_an_unknown_cancel_is_dropped(void **state)
{
    struct clinic *willow = *state;
    struct clinic *lakeside = clinic_new("lakeside", "");
    struct deliver_item *items;
    struct deliver_result result = {.outcome = DELIVER_UNKNOWN, .sentence = ""};
    struct flow flow = clinic_flow(willow);
    struct fault fault;
    struct store_message first;
    clinic_send(willow, clinic_referral(willow, "R-1", "alvarez", "lakeside"));
    assert_int_equal(claim(willow, &items), 1);
    settle(&flow, items[0].message.id, &result);
    clinic_begin(willow);
    assert_true(store_get_message(willow->store, &willow->arena, items[0].message.id, &first));
    outbox_withdraw(willow->store, &willow->arena, &first, "no consent", flow.now_ms);
    clinic_commit(willow);
    assert_true(clinic_move(willow, "R-1", "cancel", &fault));
    clinic_send(willow, clinic_note(willow, "N-1", "alvarez", "R-1", 1));
    assert_int_equal(claim(willow, &items), 1);
    assert_string_equal(items[0].message.kind, "cancel");
    struct clinic_arrival arrival = clinic_receive(lakeside, "willow", items[0].body);
    result.outcome = DELIVER_ANSWERED;
    result.status = 200;
    result.body = acknowledge_message(lakeside->setup, &lakeside->arena, &arrival.row);
    result.length = strlen(result.body);
    settle(&flow, items[0].message.id, &result);
    assert_int_equal(claim(willow, &items), 0);
    assert_int_equal(
        sqlite_number(willow->store, "SELECT count(*) FROM release WHERE state='dropped'", ""), 2);
    clinic_free(lakeside);
}

/* A referral that was tried is in the tray again for lack of a consent: a note about it waits. */
static void a_note_waits_for_a_referral_that_is_back_in_the_tray(void **state)
{
    struct clinic *willow = *state;
    struct deliver_item *items;
    struct deliver_result result = {.outcome = DELIVER_UNKNOWN, .sentence = ""};
    struct flow flow = clinic_flow(willow);
    struct store_message first;
    clinic_send(willow, clinic_referral(willow, "R-1", "alvarez", "lakeside"));
    assert_int_equal(claim(willow, &items), 1);
    settle(&flow, items[0].message.id, &result);
    clinic_begin(willow);
    assert_true(store_get_message(willow->store, &willow->arena, items[0].message.id, &first));
    outbox_withdraw(willow->store, &willow->arena, &first, "no consent", flow.now_ms);
    clinic_commit(willow);
    struct flow_report report =
        clinic_send(willow, clinic_note(willow, "N-1", "alvarez", "R-1", 1));
    is_for(&report, "lakeside");
    assert_false(report.recipients[0].is_queued);
    assert_string_equal(report.recipients[0].reason, "its referral has not been sent yet");
}

/* What the placer writes goes to the clinic that was asked, wherever its therapist works now. */
static const char *correction(struct clinic *willow, const char *number, const char *to,
                              const char *replaced)
{
    return clinic_record(willow, "referral", number, "alvarez",
                         arena_print(&willow->arena,
                                     "\"referred_to\":\"%s\",\"service\":\"massage-therapy\","
                                     "\"reason\":\"Neck pain\",\"replaces_record_id\":\"%s\"",
                                     to, replaced));
}

/* The clinic asked is corrected while nobody has the referral; from then on it is the one that
 * moves go to. Once it may have arrived, the clinic that has it would never hear. */
static void a_referral_changes_its_clinic_only_before_it_leaves(void **state)
{
    struct clinic *willow = *state;
    struct deliver_item *items;
    clinic_send(willow, clinic_referral(willow, "R-1", "alvarez", "lakeside"));
    struct flow_report report = clinic_send(willow, correction(willow, "R-2", "harbor", "R-1"));
    is_for(&report, "harbor");
    assert_string_equal(clinic_find(willow, "willow", "R-1").filler, "harbor");
    assert_string_equal(clinic_find(willow, "willow", "R-1").partner, "harbor");
    assert_int_equal(claim_for(willow, "harbor", &items), 1);
    willow->findings = finding_list_new(&willow->arena);
    report = clinic_send(willow, correction(willow, "R-3", "lakeside", "R-2"));
    assert_int_equal(report.answer, FLOW_REFUSED);
    assert_string_equal(willow->findings.items[0].path, "referred_to");
    assert_string_equal(clinic_find(willow, "willow", "R-1").filler, "harbor");
}

static void the_placer_writes_to_the_clinic_it_asked(void **state)
{
    struct clinic *willow = *state;
    size_t length;
    clinic_send(willow, clinic_referral(willow, "W-1", "alvarez", "tanaka"));
    const char *people = file_read(&willow->arena, "tests/records/good/directory.csv", 1 << 20,
                                   &length, &willow->findings);
    clinic_put(willow, "directory.csv",
               clinic_replaced(willow, people, "9900000099,riverbend", "9900000099,harbor"));
    clinic_load(willow);
    struct flow_report report =
        clinic_send(willow, clinic_note(willow, "N-1", "alvarez", "willow:W-1", 1));
    is_for(&report, "riverbend");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reply_goes_to_the_clinic_that_asked, start, clinic_stop),
        cmocka_unit_test_setup_teardown(what_stands_behind_a_dropped_referral_goes, start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(what_stands_behind_an_unknown_cancel_is_dropped, start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(a_note_waits_for_a_referral_that_is_back_in_the_tray, start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(a_referral_changes_its_clinic_only_before_it_leaves, start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(the_placer_writes_to_the_clinic_it_asked, start,
                                        clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
