/* inbox: one effect a message, whatever arrives how often: the id cases of the ledger, and what
 * stands in the store after each. Messages are those that the other side's gateway really makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/inbound/acknowledge.h"
#include "gateway/store/sqlite/sqlite.h"
#include "lib/clinic.h"

struct bench {
    struct clinic *willow, *lakeside;
    const char *body; /* Lakeside's referral R-1 to Willow */
    const char *message_id, *bundle_id;
};

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct store_message message;
    bench->willow = clinic_new("willow", "");
    bench->lakeside = clinic_new("lakeside", "");
    clinic_send(bench->lakeside,
                clinic_consent(bench->lakeside, "K-1", "osei", "lakeside", "\"willow\""));
    clinic_send(bench->lakeside, clinic_referral(bench->lakeside, "R-1", "osei", "willow"));
    bench->body = clinic_outgoing(bench->lakeside, "willow", &message);
    bench->message_id = message.message_id;
    bench->bundle_id = message.bundle_id;
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

static struct clinic_arrival arrive(struct bench *bench, const char *body)
{
    return clinic_receive(bench->willow, "lakeside", body);
}

static const char *with(struct bench *bench, const char *body, const char *old, const char *new)
{
    const char *changed = clinic_replaced(bench->willow, body, old, new);
    assert_string_not_equal(changed, body);
    return changed;
}

static int64_t count(struct bench *bench, const char *table)
{
    return sqlite_number(bench->willow->store,
                         arena_print(&bench->willow->arena, "SELECT count(*) FROM %s", table), "");
}

static void check_one_effect(struct bench *bench)
{
    assert_int_equal(count(bench, "message"), 1);
    assert_int_equal(count(bench, "record"), 1);
    assert_int_equal(count(bench, "referral"), 1);
    assert_int_equal(count(bench, "event"), 1);
    assert_int_equal(count(bench, "payload"), 2);
    assert_int_equal(count(bench, "audit"), 1);
}

static void a_message_is_taken_once(void **state)
{
    struct bench *bench = *state;
    struct clinic_arrival first = arrive(bench, bench->body);
    assert_int_equal(first.outcome, INBOX_TAKEN);
    assert_string_equal(first.row.response_code, "ok");
    assert_string_equal(first.row.state, "done");
    assert_string_equal(first.row.kind, "referral");
    assert_string_equal(first.row.event, "add-service-request");
    assert_string_equal(first.row.message_id, bench->message_id);
    assert_string_equal(first.row.bundle_id, bench->bundle_id);
    assert_string_equal(first.row.recipient, "lakeside");
    check_one_effect(bench);
    for (int i = 0; i < 3; i++) {
        struct clinic_arrival again = arrive(bench, bench->body);
        assert_int_equal(again.outcome, INBOX_REPLAY);
        assert_int_equal(again.row.id, first.row.id);
        assert_string_equal(
            acknowledge_message(bench->willow->setup, &bench->willow->arena, &again.row),
            acknowledge_message(bench->willow->setup, &bench->willow->arena, &first.row));
    }
    check_one_effect(bench);
}

static void the_bytes_are_kept_as_they_came(void **state)
{
    struct bench *bench = *state;
    const char *spaced =
        with(bench, bench->body, "\"type\":\"message\"", "\"type\" :  \"message\"");
    struct clinic_arrival arrival = arrive(bench, spaced);
    size_t length;
    assert_string_equal(
        payload_get(bench->willow->store, &bench->willow->arena, arrival.row.payload, &length),
        spaced);
    assert_int_equal(length, strlen(spaced));
}

/* The header of the message (entry 0) may be made anew; what it carries may not. */
static void other_spellings_of_the_same(void **state)
{
    struct bench *bench = *state;
    arrive(bench, bench->body);
    const char *const same[] = {
        with(bench, bench->body, "\":\"", "\" : \""),
        with(bench, bench->body, "\"software\":\"refgate\"", "\"software\":\"refgate 2\""),
        with(bench, bench->body, "Neck pain", "Neck \\u0070ain"),
        with(bench, bench->body, "\"type\":\"message\",\"timestamp\"", "\"timestamp\""),
    };
    for (size_t i = 0; i < 3; i++) {
        if (arrive(bench, same[i]).outcome != INBOX_REPLAY)
            fail_msg("spelling %zu", i);
    }
    check_one_effect(bench);
}

static void other_content_is_a_conflict(void **state)
{
    struct bench *bench = *state;
    arrive(bench, bench->body);
    const char *const other[] = {
        with(bench, bench->body, "Neck pain", "Back pain"),
        with(bench, bench->body, "\"value\":6,", "\"value\":6.0,"), /* number text counts */
        with(bench, bench->body, "1984-03-09", "1984-03-10"),
        with(bench, bench->body, "\"intent\":\"order\"", "\"intent\":\"plan\""),
    };
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        struct clinic_arrival arrival = arrive(bench, other[i]);
        if (arrival.outcome != INBOX_CONFLICT)
            fail_msg("content %zu", i);
        assert_int_equal(arrival.fault.kind, FAULT_conflict);
        assert_non_null(strstr(arrival.fault.sentence, bench->message_id));
        assert_null(strstr(arrival.fault.sentence, "pain"));
    }
    check_one_effect(bench);
}

static void a_bundle_id_again_is_a_conflict(void **state)
{
    struct bench *bench = *state;
    arrive(bench, bench->body);
    const char *fresh =
        with(bench, bench->body, bench->message_id, "22222222-2222-4222-8222-222222222222");
    struct clinic_arrival arrival = arrive(bench, fresh);
    assert_int_equal(arrival.outcome, INBOX_CONFLICT);
    assert_non_null(strstr(arrival.fault.sentence, bench->bundle_id));
    check_one_effect(bench);
}

static void a_new_bundle_id_alone_is_the_same_message(void **state)
{
    struct bench *bench = *state;
    arrive(bench, bench->body);
    const char *fresh =
        with(bench, bench->body, bench->bundle_id, "22222222-2222-4222-8222-222222222222");
    assert_int_equal(arrive(bench, fresh).outcome, INBOX_REPLAY);
    check_one_effect(bench);
}

static void ids_of_another_partner_are_others(void **state)
{
    struct bench *bench = *state;
    struct clinic *harbor = clinic_new("harbor", "");
    struct store_message message;
    clinic_send(harbor, clinic_consent(harbor, "K-1", "obrien", "harbor", "\"willow\""));
    clinic_send(harbor, clinic_referral(harbor, "R-1", "obrien", "willow"));
    const char *body = clinic_outgoing(harbor, "willow", &message);
    body = clinic_replaced(bench->willow, body, message.message_id, bench->message_id);
    body = clinic_replaced(bench->willow, body, message.bundle_id, bench->bundle_id);
    arrive(bench, bench->body);
    assert_int_equal(clinic_receive(bench->willow, "harbor", body).outcome, INBOX_TAKEN);
    assert_int_equal(count(bench, "referral"), 2);
    clinic_free(harbor);
}

static void a_refusal_is_kept_and_replayed(void **state)
{
    struct bench *bench = *state;
    arrive(bench, bench->body);
    const char *other =
        with(bench, bench->body, bench->message_id, "22222222-2222-4222-8222-222222222222");
    other = with(bench, other, bench->bundle_id, "33333333-3333-4333-8333-333333333333");
    other = with(bench, other, "Neck pain", "Back pain");
    struct clinic_arrival first = arrive(bench, other);
    assert_int_equal(first.outcome, INBOX_TAKEN);
    assert_string_equal(first.row.state, "refused");
    assert_string_equal(first.row.response_code, "fatal-error");
    assert_non_null(strstr(first.row.response_issues, "other content"));
    assert_int_equal(count(bench, "record"), 1);
    assert_int_equal(count(bench, "referral"), 1);
    assert_int_equal(count(bench, "message"), 2);
    struct clinic_arrival again = arrive(bench, other);
    assert_int_equal(again.outcome, INBOX_REPLAY);
    assert_string_equal(again.row.response_issues, first.row.response_issues);
    assert_int_equal(count(bench, "message"), 2);
}

static void the_audit_says_what_became_of_it(void **state)
{
    struct bench *bench = *state;
    struct store_audit *rows;
    arrive(bench, bench->body);
    assert_int_equal(store_audits(bench->willow->store, &bench->willow->arena, 0, 10, &rows), 1);
    assert_string_equal(rows[0].what, "received");
    assert_string_equal(rows[0].partner, "lakeside");
    assert_string_equal(rows[0].subject, bench->message_id);
    assert_string_equal(rows[0].detail, "referral");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_taken_once),           TEST(the_bytes_are_kept_as_they_came),
        TEST(other_spellings_of_the_same),       TEST(other_content_is_a_conflict),
        TEST(a_bundle_id_again_is_a_conflict),   TEST(a_new_bundle_id_alone_is_the_same_message),
        TEST(ids_of_another_partner_are_others), TEST(a_refusal_is_kept_and_replayed),
        TEST(the_audit_says_what_became_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
