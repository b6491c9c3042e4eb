/* flow_move: which referral a number means, whatever numbers partners use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/store/sqlite/sqlite.h"
#include "lib/clinic.h"

static int start(void **state)
{
    struct clinic *willow = clinic_new("willow", "");
    clinic_send(willow, clinic_consent(willow, "K-1", "alvarez", "willow",
                                       "\"lakeside\",\"harbor\",\"riverbend\""));
    *state = willow;
    return 0;
}

static struct clinic_arrival carry(struct clinic *from, struct clinic *to)
{
    struct store_message message;
    const char *body = clinic_outgoing(from, to->setup->config.org, &message);
    return clinic_receive(to, from->setup->config.org, body);
}

static void refer(struct clinic *willow, const char *from, const char *by, const char *number)
{
    struct clinic *placer = clinic_new(from, "");
    clinic_send(placer, clinic_consent(placer, "K-1", by, from, "\"willow\""));
    clinic_send(placer, clinic_referral(placer, number, by, "willow"));
    struct clinic_arrival arrival = carry(placer, willow);
    if (strcmp(arrival.row.response_code, "ok") != 0)
        fail_msg("%s", arrival.row.response_issues);
    clinic_free(placer);
}

/* Harbor says yes to NUMBER and gives it a number of its own. */
static void accept_as(struct clinic *willow, const char *number, const char *filler_number)
{
    struct clinic *harbor = clinic_new("harbor", "");
    struct store_message message;
    struct fault fault;
    clinic_send(willow, clinic_referral(willow, number, "alvarez", "harbor"));
    assert_string_equal(carry(willow, harbor).row.response_code, "ok");
    clinic_begin(harbor);
    sqlite_run(harbor->store, "UPDATE referral SET filler_number=? WHERE number=?", "tt",
               filler_number, number);
    clinic_commit(harbor);
    assert_true(clinic_move(harbor, number, "accept", &fault));
    const char *body = arena_copy(&willow->arena, clinic_outgoing(harbor, "willow", &message));
    assert_string_equal(clinic_receive(willow, "harbor", body).row.response_code, "ok");
    assert_string_equal(clinic_find(willow, "willow", number).filler_number, filler_number);
    clinic_free(harbor);
}

static void means(struct clinic *willow, const char *id, const char *placer, const char *number)
{
    struct flow flow = clinic_flow(willow);
    struct store_referral referral;
    struct fault fault;
    if (!flow_find_referral(&flow, id, &referral, &fault))
        fail_msg("%s: %s", id, fault_sentence(&fault));
    assert_string_equal(referral.placer, placer);
    assert_string_equal(referral.number, number);
}

static void accepts(struct clinic *willow, const char *id, const char *placer, const char *number)
{
    struct fault fault;
    if (!clinic_move(willow, id, "accept", &fault))
        fail_msg("%s: %s", id, fault_sentence(&fault));
    assert_string_equal(clinic_find(willow, placer, number).task_status, "accepted");
}

/* Harbor calls ours by the number of Lakeside's, of another one of ours, of one that comes later.
 */
static void a_fillers_number_that_is_taken_means_nothing(void **state)
{
    struct clinic *willow = *state;
    refer(willow, "lakeside", "osei", "R-1");
    accept_as(willow, "W-1", "R-1");
    accept_as(willow, "W-2", "W-1");
    accept_as(willow, "W-3", "R-2");
    means(willow, "R-1", "lakeside", "R-1");
    means(willow, "W-1", "willow", "W-1");
    means(willow, "willow:W-1", "willow", "W-1");
    means(willow, "R-2", "willow", "W-3");
    refer(willow, "lakeside", "osei", "R-2");
    means(willow, "R-2", "lakeside", "R-2");
    accepts(willow, "R-1", "lakeside", "R-1");
    accepts(willow, "R-2", "lakeside", "R-2");
    assert_int_equal(clinic_send(willow, clinic_note(willow, "N-1", "alvarez", "R-1", 1)).answer,
                     FLOW_ACCEPTED);
}

/* Nor does it keep Harbor, or us, from using it for a referral. */
static void a_fillers_number_locks_nothing(void **state)
{
    struct clinic *willow = *state;
    accept_as(willow, "W-1", "H-1");
    accept_as(willow, "W-2", "W-3");
    refer(willow, "harbor", "obrien", "H-1");
    means(willow, "H-1", "harbor", "H-1");
    assert_int_equal(
        clinic_send(willow, clinic_referral(willow, "W-3", "alvarez", "riverbend")).answer,
        FLOW_ACCEPTED);
    means(willow, "W-3", "willow", "W-3");
}

static void a_partner_may_use_our_numbers(void **state)
{
    struct clinic *willow = *state;
    clinic_send(willow, clinic_referral(willow, "W-1", "alvarez", "riverbend"));
    refer(willow, "harbor", "obrien", "W-1");
    means(willow, "W-1", "willow", "W-1");
    means(willow, "harbor:W-1", "harbor", "W-1");
    accepts(willow, "W-1", "harbor", "W-1"); /* ours is not for us to accept */
    assert_string_equal(clinic_find(willow, "willow", "W-1").task_status, "requested");
    struct fault fault;
    assert_true(clinic_move(willow, "W-1", "cancel", &fault));
    assert_string_equal(clinic_find(willow, "willow", "W-1").task_status, "cancelled");
    assert_string_equal(clinic_find(willow, "harbor", "W-1").task_status, "accepted");
}

/* Lakeside places a referral under the number that we gave Harbor's. */
static void a_partner_may_use_the_number_that_we_gave(void **state)
{
    struct clinic *willow = *state;
    refer(willow, "harbor", "obrien", "H-1");
    const char *given = clinic_find(willow, "harbor", "H-1").filler_number;
    refer(willow, "lakeside", "osei", given);
    means(willow, given, "harbor", "H-1");
    means(willow, arena_print(&willow->arena, "lakeside:%s", given), "lakeside", given);
    accepts(willow, given, "harbor", "H-1");
}

/* Harbor, which fills one of ours, calls it by the number that we gave Lakeside's: another
 * client's. */
static void a_filler_may_use_the_number_that_we_gave(void **state)
{
    struct clinic *willow = *state;
    struct fault fault = {FAULT_none, NULL};
    refer(willow, "lakeside", "osei", "R-1");
    const char *given = clinic_find(willow, "lakeside", "R-1").filler_number;
    accept_as(willow, "W-1", given);
    means(willow, given, "lakeside", "R-1");
    assert_false(clinic_move(willow, given, "cancel", &fault));
    assert_string_equal(clinic_find(willow, "willow", "W-1").task_status, "accepted");
    accepts(willow, given, "lakeside", "R-1");
}

static void two_partners_with_one_number_are_told_apart(void **state)
{
    struct clinic *willow = *state;
    struct fault fault = {FAULT_none, NULL};
    refer(willow, "harbor", "obrien", "R-1");
    refer(willow, "lakeside", "osei", "R-1");
    assert_false(clinic_move(willow, "R-1", "accept", &fault));
    assert_non_null(strstr(fault_sentence(&fault), "harbor:R-1 or lakeside:R-1"));
    accepts(willow, "harbor:R-1", "harbor", "R-1");
    assert_string_equal(clinic_find(willow, "lakeside", "R-1").task_status, "requested");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_filler_may_use_the_number_that_we_gave, start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(a_fillers_number_that_is_taken_means_nothing, start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(a_fillers_number_locks_nothing, start, clinic_stop),
        cmocka_unit_test_setup_teardown(a_partner_may_use_our_numbers, start, clinic_stop),
        cmocka_unit_test_setup_teardown(a_partner_may_use_the_number_that_we_gave, start,
                                        clinic_stop),
        cmocka_unit_test_setup_teardown(two_partners_with_one_number_are_told_apart, start,
                                        clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
