/* flow_follow: a clinic that directory.csv gives to another partner while moves for it wait, or
 * between two of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/delivery/attempt.h"
#include "lib/clinic.h"

struct bench {
    struct clinic *willow, *lakeside;
};

/* Willow has Lakeside's R-1. */
static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct store_message message;
    bench->willow = clinic_new("willow", "");
    bench->lakeside = clinic_new("lakeside", "");
    clinic_send(bench->lakeside,
                clinic_consent(bench->lakeside, "K-1", "osei", "lakeside", "\"willow\""));
    clinic_send(bench->lakeside, clinic_referral(bench->lakeside, "R-1", "osei", "willow"));
    clinic_receive(bench->willow, "lakeside", clinic_outgoing(bench->lakeside, "willow", &message));
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

/* Lakeside's row of Willow's directory names PARTNER. */
static void give_to(struct clinic *willow, const char *partner)
{
    size_t length;
    const char *text = file_read(&willow->arena, "tests/records/good/directory.csv", 1 << 20,
                                 &length, &willow->findings);
    clinic_put(
        willow, "directory.csv",
        clinic_replaced(willow, text, "referrals@lakeside.example,lakeside",
                        arena_print(&willow->arena, "referrals@lakeside.example,%s", partner)));
    clinic_load(willow);
}

static size_t reconsider(struct clinic *willow)
{
    struct flow flow = clinic_flow(willow);
    clinic_begin(willow);
    size_t made = flow_reconsider(&flow, NULL);
    clinic_commit(willow);
    return made;
}

/* In its turn, to the new partner only, and as the same move. */
static void a_move_that_waits_goes_to_who_serves_the_clinic_now(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct store_message before, after;
    struct fault fault;
    assert_true(clinic_move(willow, "R-1", "accept", &fault));
    clinic_outgoing(willow, "lakeside", &before);
    give_to(willow, "harbor");
    assert_int_equal(reconsider(willow), 1);
    assert_true(store_get_message(willow->store, &willow->arena, before.id, &before));
    assert_string_equal(before.state, "withdrawn");
    assert_non_null(strstr(before.reason, "harbor"));
    const char *body = clinic_outgoing(willow, "harbor", &after);
    assert_string_equal(after.kind, "accept");
    assert_string_equal(after.state, "queued");
    assert_string_equal(after.recipient, "lakeside");
    assert_int_equal(after.turn, before.id);
    assert_string_equal(after.moved_from, before.moved_from);
    assert_string_not_equal(after.message_id, before.message_id);
    assert_int_equal(clinic_receive(bench->lakeside, "willow", body).outcome, INBOX_TAKEN);
    assert_string_equal(clinic_find(bench->lakeside, "lakeside", "R-1").task_status, "accepted");
    assert_string_equal(clinic_find(willow, "lakeside", "R-1").partner, "harbor");
    assert_int_equal(reconsider(willow), 0);
}

/* An attempt to the former partner finds out by itself. */
static void an_attempt_notices_it(void **state)
{
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct deliver_item *items;
    struct store_message after;
    struct fault fault;
    assert_true(clinic_move(willow, "R-1", "accept", &fault));
    give_to(willow, "harbor");
    struct flow flow = clinic_flow(willow);
    clinic_begin(willow);
    assert_int_equal(attempt_claim(&flow, "lakeside", 4, &items), 0);
    assert_int_equal(attempt_claim(&flow, "harbor", 4, &items), 1);
    clinic_commit(willow);
    clinic_outgoing(willow, "harbor", &after);
    assert_int_equal(after.id, items[0].message.id);
}

static void further_moves_go_there_and_come_from_there(void **state)
{
    struct bench *bench = *state;
    struct store_message message;
    struct fault fault;
    give_to(bench->willow, "harbor");
    if (!clinic_move(bench->willow, "R-1", "accept", &fault))
        fail_msg("%s", fault_sentence(&fault));
    const char *body = clinic_outgoing(bench->willow, "harbor", &message);
    clinic_receive(bench->lakeside, "willow", body);
    if (!clinic_move(bench->lakeside, "R-1", "cancel", &fault))
        fail_msg("%s", fault_sentence(&fault));
    body = clinic_outgoing(bench->lakeside, "willow", &message);
    struct clinic_arrival arrival = clinic_receive(bench->willow, "harbor", body);
    if (strcmp(arrival.row.state, "done") != 0)
        fail_msg("%s", arrival.row.reason);
}

/* A clinic that nobody serves: the move waits and says what to do. */
static void a_clinic_without_a_partner_is_waited_for(void **state)
{
    struct bench *bench = *state;
    struct store_message message;
    struct fault fault;
    assert_true(clinic_move(bench->willow, "R-1", "accept", &fault));
    give_to(bench->willow, "");
    assert_int_equal(reconsider(bench->willow), 0);
    clinic_outgoing(bench->willow, "lakeside", &message);
    assert_string_equal(message.state, "queued");
    assert_non_null(strstr(message.reason, "refgate partner add lakeside"));
}

/* Whether a person keeps it back is told by the code, not by the words for people. */
static void what_a_person_parked_stays_kept_back(void **state)
{
    static const struct {
        const char *reason, *cause, *then;
    } cases[] = {{"kept until Monday", STORE_CAUSE_BY_HAND, "held"},
                 {"park lane clinic answered 409", NULL, "queued"}};
    struct bench *bench = *state;
    struct clinic *willow = bench->willow;
    struct store_message message;
    struct fault fault;
    assert_true(clinic_move(willow, "R-1", "accept", &fault));
    for (size_t i = 0; i < 2; i++) {
        clinic_outgoing(willow, i == 0 ? "lakeside" : "harbor", &message);
        message.state = "parked";
        message.reason = cases[i].reason;
        message.cause = cases[i].cause;
        clinic_begin(willow);
        store_set_message(willow->store, &message);
        clinic_commit(willow);
        give_to(willow, i == 0 ? "harbor" : "lakeside");
        assert_int_equal(reconsider(willow), 1);
        clinic_outgoing(willow, i == 0 ? "harbor" : "lakeside", &message);
        assert_string_equal(message.state, cases[i].then);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_move_that_waits_goes_to_who_serves_the_clinic_now),
        TEST(an_attempt_notices_it),
        TEST(further_moves_go_there_and_come_from_there),
        TEST(what_a_person_parked_stays_kept_back),
        TEST(a_clinic_without_a_partner_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
