/* recall: which differences between a restored gateway and its partner are still told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/referral/recall.h"
#include "lib/rows.h"

#define ARENA (&clinic->arena)
#define STORE (clinic->store)

/* Lakeside said at 1000 that our referral W-1 waits for its answer; we had cancelled it. */
static int64_t add_difference(struct clinic *clinic)
{
    struct store_referral placed = rows_referral("willow", "W-1");
    placed.role = "placer";
    placed.filler = placed.partner = "lakeside";
    placed.task_status = "cancelled";
    const struct store_told told = {.partner = "lakeside",
                                    .placer = "willow",
                                    .number = "W-1",
                                    .status = "requested",
                                    .ours = "cancelled",
                                    .at_ms = 1000};
    int64_t referral = store_add_referral(STORE, &placed);
    store_add_told(STORE, &told);
    return referral;
}

static void add_cancel(struct clinic *clinic, int64_t referral, int64_t settled_ms)
{
    struct store_message cancel = rows_message(clinic, "lakeside", "m-cancel");
    cancel.kind = "cancel";
    cancel.referral = referral;
    cancel.state = "sent";
    cancel.response_code = "ok";
    cancel.settled_ms = settled_ms;
    rows_add_message(clinic, cancel);
}

static void what_the_partner_has_followed_since_differs_no_more(void **state)
{
    struct clinic *clinic = *state;
    struct store_told *told;
    clinic_begin(clinic);
    add_cancel(clinic, add_difference(clinic), 2000);
    clinic_commit(clinic);
    assert_int_equal(recall_differences(STORE, ARENA, &told), 0);
}

static void what_it_had_taken_before_it_said_so_differs_yet(void **state)
{
    struct clinic *clinic = *state;
    struct store_told *told;
    clinic_begin(clinic);
    add_cancel(clinic, add_difference(clinic), 500);
    clinic_commit(clinic);
    assert_int_equal(recall_differences(STORE, ARENA, &told), 1);
    assert_string_equal(told[0].status, "requested");
}

/* Of the answer to a later question: W-1 stands at STATUS. */
static size_t learn(struct clinic *clinic, const char *status)
{
    struct json_document document;
    struct json_fault fault;
    const char *answer = arena_print(
        ARENA,
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"referral\",\"part\":["
        "{\"name\":\"placer\",\"valueString\":\"willow\"},{\"name\":\"number\","
        "\"valueString\":\"W-1\"},{\"name\":\"status\",\"valueString\":\"%s\"}]}]}",
        status);
    assert_true(json_parse(ARENA, answer, strlen(answer), NULL, &document, &fault));
    return recall_learn(STORE, ARENA, "lakeside", document.root, 2000);
}

static void what_it_says_like_us_later_differs_no_more(void **state)
{
    struct clinic *clinic = *state;
    struct store_told *told;
    clinic_begin(clinic);
    add_difference(clinic);
    assert_int_equal(learn(clinic, "accepted"), 1);
    assert_int_equal(recall_differences(STORE, ARENA, &told), 1);
    assert_string_equal(told[0].status, "accepted");
    assert_int_equal(learn(clinic, "cancelled"), 0);
    assert_int_equal(recall_differences(STORE, ARENA, &told), 0);
    assert_int_equal(store_told(STORE, ARENA, &told), 0);
    clinic_commit(clinic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_the_partner_has_followed_since_differs_no_more,
                                        clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(what_it_had_taken_before_it_said_so_differs_yet,
                                        clinic_start, clinic_stop),
        cmocka_unit_test_setup_teardown(what_it_says_like_us_later_differs_no_more, clinic_start,
                                        clinic_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
