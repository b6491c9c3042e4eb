/* release: the only maker of grants: who gets one, under which consent, and the reason in words for
 * who does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/outbound/release.h"
#include "lib/clinic.h"

#define NOW clinic_ms(CLINIC_NOW)

static const struct grant *ask(struct clinic *clinic, const char *record, const char *recipient,
                               const char *handles, const char **ret_reason)
{
    struct record read = clinic_read(clinic, record);
    struct release_consents consents = release_consents(clinic->store, &clinic->arena, "C-1042");
    struct release_refusal refusal;
    const struct grant *grant = release_record(clinic->setup, &clinic->arena, read.tree, &consents,
                                               recipient, handles, NOW, &refusal);
    *ret_reason = refusal.reason;
    return grant;
}

static void without_a_consent_nothing_goes(void **state)
{
    struct clinic *clinic = *state;
    const char *reason;
    assert_null(ask(clinic, clinic_referral(clinic, "R-1", "alvarez", "riverbend"), "riverbend",
                    "riverbend", &reason));
    assert_non_null(strstr(reason, "no consent"));
}

static void a_consent_makes_a_grant_that_names_it(void **state)
{
    struct clinic *clinic = *state;
    const char *reason;
    clinic_send(clinic, clinic_consent(clinic, "K-1", "alvarez", "willow", "\"riverbend\""));
    const struct grant *grant = ask(clinic, clinic_referral(clinic, "R-1", "alvarez", "riverbend"),
                                    "riverbend", "riverbend", &reason);
    assert_non_null(grant);
    assert_null(reason);
    assert_string_equal(grant_partner(grant), "riverbend");
    assert_string_equal(grant_recipient(grant), "riverbend");
    assert_string_equal(grant_addressed_as(grant), "riverbend");
    assert_string_equal(grant_basis(grant), "K-1");
    assert_string_equal(json_get_text(grant_consent(grant), "record_id"), "K-1");
}

/* It may be the one that takes a permission back. */
static void an_unreadable_consent_forbids(void **state)
{
    struct clinic *clinic = *state;
    const char *reason;
    const char *record = clinic_referral(clinic, "R-1", "alvarez", "riverbend");
    clinic_send(clinic, clinic_consent(clinic, "K-1", "alvarez", "willow", "\"riverbend\""));
    struct store_record lost = {.clinic = "willow",
                                .kind = "consent",
                                .number = "K-2",
                                .origin = "own",
                                .client = "C-1042",
                                .payload = 4242};
    clinic_begin(clinic);
    store_add_record(clinic->store, &lost);
    clinic_commit(clinic);
    assert_null(ask(clinic, record, "riverbend", "riverbend", &reason));
    assert_non_null(strstr(reason, "cannot be read"));
}

/* Each person of a clinic is asked for; who may not is left out of the address. */
static void each_person_is_decided_alone(void **state)
{
    struct clinic *clinic = *state;
    const char *reason;
    const char *record = clinic_referral(clinic, "R-1", "alvarez", "osei");
    clinic_send(clinic, clinic_consent(clinic, "K-1", "alvarez", "willow", "\"lindqvist\""));
    const struct grant *grant = ask(clinic, record, "lakeside", "osei;lindqvist", &reason);
    assert_non_null(grant);
    assert_string_equal(grant_addressed_as(grant), "lindqvist");
    assert_null(ask(clinic, record, "lakeside", "osei", &reason));
    assert_non_null(strstr(reason, "osei"));
}

static void consents_of_others_do_not_count(void **state)
{
    struct clinic *clinic = *state;
    const char *reason;
    const char *record = clinic_referral(clinic, "R-1", "alvarez", "riverbend");
    /* Received from a partner: evidence, but no permission of ours. */
    const char *text = clinic_consent(clinic, "K-9", "alvarez", "willow", "\"riverbend\"");
    struct store_record row = {.clinic = "lakeside",
                               .kind = "consent",
                               .number = "K-9",
                               .origin = "lakeside",
                               .client = "C-1042"};
    clinic_begin(clinic);
    row.payload = payload_put(clinic->store, text, strlen(text));
    store_add_record(clinic->store, &row);
    clinic_commit(clinic);
    assert_null(ask(clinic, record, "riverbend", "riverbend", &reason));
    /* Of another client. */
    clinic_send(clinic, clinic_replaced(clinic, text, "C-1042", "C-7"));
    assert_null(ask(clinic, record, "riverbend", "riverbend", &reason));
}

static void a_damaged_consent_permits_nothing(void **state)
{
    struct clinic *clinic = *state;
    const char *reason;
    struct store_record row = {.clinic = "willow",
                               .kind = "consent",
                               .number = "K-1",
                               .origin = "own",
                               .client = "C-1042"};
    clinic_begin(clinic);
    row.payload = payload_put(clinic->store, "{\"decision\":", 12);
    store_add_record(clinic->store, &row);
    clinic_commit(clinic);
    assert_null(ask(clinic, clinic_referral(clinic, "R-1", "alvarez", "riverbend"), "riverbend",
                    "riverbend", &reason));
}

static void the_partner_must_be_there_and_open(void **state)
{
    struct clinic *clinic = *state;
    const char *reason;
    const char *record = clinic_referral(clinic, "R-1", "alvarez", "riverbend");
    clinic_send(clinic, clinic_consent(clinic, "K-1", "alvarez", "willow", "\"riverbend\""));
    clinic_put(clinic, "partners/riverbend.yaml",
               arena_print(&clinic->arena,
                           "url: https://127.0.0.1:1/fhir\npins: [%064d]\ndisabled: true\n", 0));
    clinic_load(clinic);
    assert_null(ask(clinic, record, "riverbend", "riverbend", &reason));
    assert_string_equal(reason, "the partner riverbend is disabled");
    clinic_put(clinic, "partners/riverbend.yaml",
               arena_print(&clinic->arena,
                           "url: https://127.0.0.1:1/fhir\npins: [%064d]\nsend: [progress-note]\n",
                           0));
    clinic_load(clinic);
    assert_null(ask(clinic, record, "riverbend", "riverbend", &reason));
    assert_non_null(strstr(reason, "not set up to be sent a referral"));
    unlink(arena_print(&clinic->arena, "%s/partners/riverbend.yaml", clinic->folder));
    clinic_load(clinic);
    assert_null(ask(clinic, record, "riverbend", "riverbend", &reason));
    assert_non_null(strstr(reason, "refgate partner add riverbend"));
}

static struct store_referral referral_with(const char *role, const char *partner)
{
    struct store_referral referral = {.placer = strcmp(role, "placer") == 0 ? "willow" : "lakeside",
                                      .number = "R-1",
                                      .filler = strcmp(role, "placer") == 0 ? "lakeside" : "willow",
                                      .role = role,
                                      .partner = partner};
    return referral;
}

/* Whoever serves that clinic now, by directory.csv; what no partner ever had goes to none. */
static void a_reply_goes_to_the_other_side_of_its_referral_only(void **state)
{
    struct clinic *clinic = *state;
    const char *reason = NULL;
    struct store_referral placed = referral_with("placer", "lakeside");
    struct store_referral filled = referral_with("filler", "lakeside");
    struct store_referral moved = referral_with("filler", "harbor");
    const struct grant *grant = release_reply(clinic->setup, &clinic->arena, &placed, &reason);
    assert_string_equal(grant_recipient(grant), "lakeside");
    assert_string_equal(grant_basis(grant), "reply");
    assert_null(grant_consent(grant));
    assert_non_null(release_reply(clinic->setup, &clinic->arena, &filled, &reason));
    grant = release_reply(clinic->setup, &clinic->arena, &moved, &reason);
    assert_string_equal(grant_partner(grant), "lakeside");
    struct store_referral unsent = referral_with("placer", "");
    assert_null(release_reply(clinic->setup, &clinic->arena, &unsent, &reason));
    assert_non_null(strstr(reason, "no partner has referral R-1"));
    clinic_put(clinic, "partners/lakeside.yaml",
               arena_print(&clinic->arena,
                           "url: https://127.0.0.1:1/fhir\npins: [%064d]\ndisabled: true\n", 0));
    clinic_load(clinic);
    assert_null(release_reply(clinic->setup, &clinic->arena, &filled, &reason));
    assert_non_null(strstr(reason, "disabled"));
}

static void a_queued_message_is_asked_for_again(void **state)
{
    struct clinic *clinic = *state;
    struct store_message message;
    const char *reason;
    clinic_send(clinic, clinic_consent(clinic, "K-1", "alvarez", "willow", "\"riverbend\""));
    clinic_send(clinic, clinic_referral(clinic, "R-1", "alvarez", "riverbend"));
    clinic_outgoing(clinic, "riverbend", &message);
    assert_true(
        release_again(clinic->setup, clinic->store, &clinic->arena, &message, NOW, &reason));
    assert_null(reason);
    int64_t over = clinic_ms("2027-09-02T00:00:00Z");
    assert_false(
        release_again(clinic->setup, clinic->store, &clinic->arena, &message, over, &reason));
    assert_non_null(strstr(reason, "ended"));
    message.record = 999;
    assert_false(
        release_again(clinic->setup, clinic->store, &clinic->arena, &message, NOW, &reason));
    message.record = 0; /* a status */
    assert_true(
        release_again(clinic->setup, clinic->store, &clinic->arena, &message, NOW, &reason));
}

/* ---- the gate as a whole: flow_send, the tray and the outbox ---- */

static void a_record_waits_and_goes_when_it_may(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *messages;
    struct store_release *waiting;
    struct flow_report report =
        clinic_send(clinic, clinic_referral(clinic, "R-1", "alvarez", "riverbend"));
    assert_int_equal(report.answer, FLOW_ACCEPTED);
    assert_int_equal(report.count, 1);
    assert_false(report.recipients[0].is_queued);
    assert_int_equal(store_messages(clinic->store, &clinic->arena, "out", NULL, 0, 10, &messages),
                     0);
    assert_string_equal(clinic_find(clinic, "willow", "R-1").task_status, "draft");
    clinic_send(clinic, clinic_consent(clinic, "K-1", "alvarez", "willow", "\"riverbend\""));
    assert_int_equal(store_messages(clinic->store, &clinic->arena, "out", NULL, 0, 10, &messages),
                     1);
    assert_string_equal(messages[0].state, "queued");
    assert_int_equal(store_releases(clinic->store, &clinic->arena, NULL, "waiting", &waiting), 0);
    assert_string_equal(clinic_find(clinic, "willow", "R-1").task_status, "requested");
    assert_int_equal(
        clinic_send(clinic, clinic_referral(clinic, "R-1", "alvarez", "riverbend")).answer,
        FLOW_KNOWN);
    assert_int_equal(store_messages(clinic->store, &clinic->arena, "out", NULL, 0, 10, &messages),
                     1);
}

static void a_revoked_consent_takes_the_message_back_at_once(void **state)
{
    struct clinic *clinic = *state;
    struct store_message *messages;
    clinic_send(clinic, clinic_consent(clinic, "K-1", "alvarez", "willow", "\"riverbend\""));
    clinic_send(clinic, clinic_referral(clinic, "R-1", "alvarez", "riverbend"));
    const char *revoked = clinic_replaced(
        clinic, clinic_consent(clinic, "K-2", "alvarez", "willow", "\"riverbend\""),
        "\"status\":\"active\"",
        "\"status\":\"revoked\",\"revoked_at\":\"2026-10-19T12:00:00Z\",\"replaces_record_id\":"
        "\"K-1\"");
    revoked = clinic_replaced(clinic, revoked, "2026-10-01T12:00:00Z", "2026-10-19T12:00:00Z");
    clinic_send(clinic, revoked);
    assert_int_equal(store_messages(clinic->store, &clinic->arena, "out", NULL, 0, 10, &messages),
                     1);
    assert_string_equal(messages[0].state, "withdrawn");
    const char *old = messages[0].message_id;
    const char *again =
        clinic_replaced(clinic, clinic_consent(clinic, "K-3", "alvarez", "willow", "\"riverbend\""),
                        "2026-10-01T12:00:00Z", "2026-10-20T11:00:00Z");
    clinic_send(clinic, again);
    assert_int_equal(
        store_messages(clinic->store, &clinic->arena, "out", "queued", 0, 10, &messages), 1);
    assert_string_not_equal(messages[0].message_id, old);
}

static void records_of_others_are_not_ours_to_send(void **state)
{
    struct clinic *clinic = *state;
    assert_int_equal(clinic_send(clinic, clinic_referral(clinic, "R-1", "osei", "willow")).answer,
                     FLOW_REFUSED);
    assert_int_equal(clinic->findings.count, 1);
    assert_string_equal(clinic->findings.items[0].path, "written_by");
}

static void a_number_used_before_is_refused(void **state)
{
    struct clinic *clinic = *state;
    const char *text = clinic_referral(clinic, "R-1", "alvarez", "riverbend");
    clinic_send(clinic, text);
    struct flow_report report =
        clinic_send(clinic, clinic_replaced(clinic, text, "Neck pain", "Back pain"));
    assert_int_equal(report.answer, FLOW_REFUSED);
    assert_string_equal(clinic->findings.items[0].path, "record_id");
    /* private_note is part of what the clinic wrote, though it never travels */
    report = clinic_send(clinic, clinic_replaced(clinic, text, "\"reason\"",
                                                 "\"private_note\":\"psst\",\"reason\""));
    assert_int_equal(report.answer, FLOW_REFUSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_consent_nothing_goes),
        TEST(a_consent_makes_a_grant_that_names_it),
        TEST(an_unreadable_consent_forbids),
        TEST(each_person_is_decided_alone),
        TEST(consents_of_others_do_not_count),
        TEST(a_damaged_consent_permits_nothing),
        TEST(the_partner_must_be_there_and_open),
        TEST(a_reply_goes_to_the_other_side_of_its_referral_only),
        TEST(a_queued_message_is_asked_for_again),
        TEST(a_record_waits_and_goes_when_it_may),
        TEST(a_revoked_consent_takes_the_message_back_at_once),
        TEST(records_of_others_are_not_ours_to_send),
        TEST(a_number_used_before_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
