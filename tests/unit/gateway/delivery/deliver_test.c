/* deliver: what each answer of a partner means, how long a retry waits, how fast a partner is sent
 * to, and what may no longer go when its turn comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/delivery/deliver.h"
#include "gateway/inbound/acknowledge.h"
#include "gateway/store/lived.h"
#include "lib/clinic.h"

/* deliver_claim without the list of what was taken back. */
static size_t claim(struct store *store, const struct setup *setup, struct arena *arena,
                    const char *partner, int64_t now_ms, size_t slots,
                    struct deliver_item **ret_items)
{
    struct store_message *withdrawn;
    size_t count;
    return deliver_claim(store, setup, arena, partner, now_ms, slots, ret_items, &withdrawn,
                         &count);
}

#define NOW clinic_ms(CLINIC_NOW)

/* ---- how long a retry waits ---- */

static struct config config_of(uint64_t first_ms, uint64_t most_ms)
{
    struct config config = {.first_retry_ms = first_ms,
                            .retry_max_ms = most_ms,
                            .probe_max_ms = 900000,
                            .in_flight_per_partner_max = 8,
                            .park_after_hours = 72};
    return config;
}

static void waits_double_up_to_the_most(void **state)
{
    (void)state;
    struct config config = config_of(2000, 900000);
    static const int64_t most[] = {2000,   4000,   8000,   16000,  32000, 64000,
                                   128000, 256000, 512000, 900000, 900000};
    for (int64_t tries = 1; tries <= 11; tries++) {
        assert_int_equal(deliver_wait_ms(&config, tries, UINT32_MAX), most[tries - 1]);
        assert_int_equal(deliver_wait_ms(&config, tries, 0), 0);
        int64_t half = deliver_wait_ms(&config, tries, UINT32_MAX / 2);
        assert_true(half >= most[tries - 1] / 2 - 1 && half <= most[tries - 1] / 2 + 1);
    }
    assert_int_equal(deliver_wait_ms(&config, 1000000, UINT32_MAX), 900000);
    assert_int_equal(deliver_wait_ms(&config, 0, UINT32_MAX), 2000);
    assert_int_equal(deliver_wait_ms(&config, -5, UINT32_MAX), 2000);
}

static void extreme_settings_do_not_overflow(void **state)
{
    (void)state;
    struct config longest = config_of(3600000, 86400000);
    assert_int_equal(deliver_wait_ms(&longest, INT64_MAX, UINT32_MAX), 86400000);
    struct config odd = config_of(5000, 1000); /* the first is longer than the most */
    assert_int_equal(deliver_wait_ms(&odd, 1, UINT32_MAX), 1000);
    struct config least = config_of(1, 1);
    assert_int_equal(deliver_wait_ms(&least, 50, UINT32_MAX), 1);
}

/* ---- a partner's pace ---- */

static const struct partner anybody = {.name = "lakeside"};
static const struct deliver_result sound = {.outcome = DELIVER_ANSWERED, .status = 200};
static const struct deliver_result lost = {.outcome = DELIVER_UNKNOWN};
static const struct deliver_result away = {.outcome = DELIVER_CANNOT_CONNECT};

static void end(struct deliver_pace *pace, const struct config *config,
                const struct deliver_result *result, int64_t now_ms)
{
    deliver_started(pace, 1);
    deliver_ended(pace, config, &anybody, result, now_ms, UINT32_MAX);
}

static void it_starts_slowly_and_grows(void **state)
{
    (void)state;
    struct config config = config_of(2000, 900000);
    struct deliver_pace pace = {0};
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 0), 1);
    for (unsigned i = 1; i <= 20; i++) {
        end(&pace, &config, &sound, 0);
        unsigned wanted = i < 8 ? i : 8;
        if (i > 1)
            assert_int_equal(deliver_slots(&pace, &config, &anybody, 0), wanted);
    }
    deliver_started(&pace, 5);
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 0), 3);
    deliver_started(&pace, 3);
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 0), 0);
}

static void a_partner_may_have_its_own_ceiling(void **state)
{
    (void)state;
    struct config config = config_of(2000, 900000);
    struct partner narrow = {.name = "x", .in_flight_max = 2};
    struct partner off = {.name = "x", .disabled = true};
    struct deliver_pace pace = {.window = 8};
    assert_int_equal(deliver_slots(&pace, &config, &narrow, 0), 2);
    assert_int_equal(deliver_slots(&pace, &config, &off, 0), 0);
}

static void a_busy_partner_says_how_long_it_is_left_alone(void **state)
{
    (void)state;
    struct config config = config_of(2000, 900000);
    struct deliver_pace pace = {.window = 8};
    struct deliver_result busy = {.outcome = DELIVER_ANSWERED, .status = 503, .retry_after_s = 30};
    end(&pace, &config, &busy, 1000);
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 1000), 0);
    assert_int_equal(deliver_opens_ms(&pace, 1000), 31000);
    assert_false(deliver_is_open(&pace, 1000)); /* it is there, so nobody is alarmed */
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 30999), 0);
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 31000), 4);
    busy.retry_after_s = 864000;
    end(&pace, &config, &busy, 31000);
    assert_int_equal(deliver_opens_ms(&pace, 31000), 931000); /* at most retry_max_ms */
}

static void a_partner_that_is_away_is_tried_often_enough(void **state)
{
    (void)state;
    struct config config = config_of(2000, 900000);
    struct deliver_pace pace = {.window = 8};
    config.probe_max_ms = 60000;
    for (int i = 0; i < 50; i++)
        end(&pace, &config, &away, 1000);
    assert_int_equal(deliver_opens_ms(&pace, 1000), 61000);
    config.retry_max_ms = 5000;
    end(&pace, &config, &away, 1000);
    assert_int_equal(deliver_opens_ms(&pace, 1000), 6000);
}

static void three_failures_open_the_breaker(void **state)
{
    (void)state;
    struct config config = config_of(2000, 900000);
    struct deliver_pace pace = {.window = 8};
    end(&pace, &config, &away, 1000);
    assert_false(deliver_is_open(&pace, 1000));
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 1000), 4);
    end(&pace, &config, &lost, 1000);
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 1000), 2);
    end(&pace, &config, &away, 1000);
    assert_true(deliver_is_open(&pace, 1000));
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 1000), 0);
    assert_true(deliver_is_open(&pace, 2999));
    assert_false(deliver_is_open(&pace, 3000));
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 3000), 1); /* half open: one probe */
    deliver_started(&pace, 1);
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 3000), 0);
    deliver_ended(&pace, &config, &anybody, &away, 3000, UINT32_MAX);
    assert_true(deliver_is_open(&pace, 3000 + 3999)); /* longer each time */
    assert_false(deliver_is_open(&pace, 3000 + 4000));
    end(&pace, &config, &sound, 8000);
    assert_false(deliver_is_open(&pace, 8000));
    assert_true(deliver_slots(&pace, &config, &anybody, 8000) >= 1);
    assert_int_equal(pace.failures, 0);
}

static void an_answer_that_asks_for_patience_counts_as_failure(void **state)
{
    (void)state;
    struct config config = config_of(2000, 900000);
    static const struct {
        int status;
        bool is_sound;
    } answers[] = {{200, true},  {202, true},  {400, true},  {403, true},  {409, true},
                   {422, true},  {408, false}, {425, false}, {429, false}, {500, false},
                   {502, false}, {503, false}, {599, false}};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct deliver_pace pace = {.window = 4};
        struct deliver_result result = {.outcome = DELIVER_ANSWERED, .status = answers[i].status};
        end(&pace, &config, &result, 0);
        assert_int_equal(pace.failures == 0, answers[i].is_sound);
    }
}

static void counting_never_wraps(void **state)
{
    (void)state;
    struct config config = config_of(2000, 900000);
    struct deliver_pace pace = {0};
    deliver_ended(&pace, &config, &anybody, &sound, 0, 0); /* ended without having been started */
    assert_int_equal(pace.in_flight, 0);
    pace.in_flight = 100; /* more than the window after it shrank */
    assert_int_equal(deliver_slots(&pace, &config, &anybody, 0), 0);
}

/* ---- a message on its way ---- */

struct journey {
    struct clinic *clinic;
    int64_t message, referral;
    const char *message_id, *bundle_id;
};

static int start(void **state)
{
    struct journey *journey = calloc(1, sizeof *journey);
    struct clinic *clinic = clinic_new("willow", "");
    struct store_message message;
    struct deliver_item *items;
    clinic_send(clinic,
                clinic_consent(clinic, "K-1", "alvarez", "willow", "\"lakeside\",\"riverbend\""));
    clinic_send(clinic, clinic_referral(clinic, "R-1", "alvarez", "riverbend"));
    clinic_outgoing(clinic, "riverbend", &message);
    clinic_begin(clinic);
    size_t count = claim(clinic->store, clinic->setup, &clinic->arena, "riverbend", NOW, 8, &items);
    clinic_commit(clinic);
    assert_int_equal(count, 1);
    *journey = (struct journey){clinic, message.id, message.referral, message.message_id,
                                message.bundle_id};
    *state = journey;
    return 0;
}

static int stop(void **state)
{
    struct journey *journey = *state;
    clinic_free(journey->clinic);
    free(journey);
    return 0;
}

static struct store_message row_of(const struct journey *journey)
{
    struct store_message message;
    assert_true(store_get_message(journey->clinic->store, &journey->clinic->arena, journey->message,
                                  &message));
    return message;
}

static enum deliver_verdict settle(struct journey *journey, const struct deliver_result *result,
                                   int64_t now_ms)
{
    struct clinic *clinic = journey->clinic;
    clinic_begin(clinic);
    enum deliver_verdict verdict = deliver_settle(clinic->store, clinic->setup, &clinic->arena,
                                                  journey->message, result, now_ms, UINT32_MAX);
    clinic_commit(clinic);
    return verdict;
}

static struct deliver_result answer_of(int status, const char *body)
{
    struct deliver_result result = {.outcome = DELIVER_ANSWERED,
                                    .status = status,
                                    .body = body,
                                    .length = strlen(body),
                                    .sentence = "answered",
                                    .total_us = 7};
    return result;
}

/* A response Bundle of Riverbend to the message with this id, with this fault unless it is ok. */
static const char *reply_with(struct journey *journey, const char *answers, const char *code,
                              struct fault fault)
{
    struct clinic *clinic = journey->clinic;
    struct setup_ids ids = {.space = "reply"};
    struct fhir_context context = setup_context(clinic->setup, &clinic->arena, &ids);
    struct json_document issues;
    struct json_fault why;
    const char *text = acknowledge_issue(&clinic->arena, &fault);
    json_parse(&clinic->arena, text, strlen(text), NULL, &issues, &why);
    struct message_reply parts = {.answers = answers,
                                  .code = code,
                                  .event = "add-service-request",
                                  .from = "riverbend",
                                  .to = "willow",
                                  .to_endpoint = "https://127.0.0.1:1/fhir",
                                  .at = CLINIC_NOW,
                                  .issues = strcmp(code, "ok") == 0 ? NULL : issues.root};
    return json_print(&clinic->arena, message_of_reply(&context, &parts));
}

static const char *reply(struct journey *journey, const char *answers, const char *code)
{
    struct fault fault = {FAULT_conflict, "the number is in use"};
    return reply_with(journey, answers, code, fault);
}

static void claiming_marks_and_counts(void **state)
{
    struct journey *journey = *state;
    struct deliver_item *items;
    struct store_message message = row_of(journey);
    assert_string_equal(message.state, "sending");
    assert_int_equal(message.attempts, 1);
    clinic_begin(journey->clinic);
    assert_int_equal(claim(journey->clinic->store, journey->clinic->setup, &journey->clinic->arena,
                           "riverbend", NOW, 8, &items),
                     0);
    clinic_commit(journey->clinic);
}

static void accepted(void **state)
{
    struct journey *journey = *state;
    struct clinic *clinic = journey->clinic;
    struct deliver_result result = answer_of(200, reply(journey, journey->message_id, "ok"));
    assert_int_equal(settle(journey, &result, NOW), DELIVER_DONE);
    struct store_message message = row_of(journey);
    assert_string_equal(message.state, "sent");
    assert_string_equal(message.response_code, "ok");
    assert_null(message.reason);
    assert_int_equal(message.settled_ms, NOW);
    assert_string_equal(clinic_find(clinic, "willow", "R-1").task_status, "received");
    struct store_event *events;
    size_t count = store_events(clinic->store, &clinic->arena, journey->referral, &events);
    assert_string_equal(events[count - 1].what, "referral delivered");
    struct store_attempt *attempts;
    assert_int_equal(store_attempts(clinic->store, &clinic->arena, journey->message, &attempts), 1);
    assert_string_equal(attempts[0].outcome, "answered");
    assert_int_equal(attempts[0].status, 200);
    assert_int_equal(attempts[0].total_us, 7);
}

static void refused_by_the_partners_rules(void **state)
{
    struct journey *journey = *state;
    struct deliver_result result =
        answer_of(200, reply(journey, journey->message_id, "fatal-error"));
    assert_int_equal(settle(journey, &result, NOW), DELIVER_REJECTED);
    struct store_message message = row_of(journey);
    assert_string_equal(message.state, "rejected");
    assert_string_equal(message.reason, "the number is in use");
    assert_non_null(strstr(message.response_issues, "conflict"));
    struct store_referral referral = clinic_find(journey->clinic, "willow", "R-1");
    assert_string_equal(referral.task_status, "draft"); /* the partner has none of it */
    assert_string_equal(referral.reason, "the number is in use");
}

static const char *placed(struct journey *journey)
{
    return clinic_find(journey->clinic, "willow", "R-1").task_status;
}

/* The referral is settled as LATER, and its cancel goes: what becomes of it when the partner
 * answers that with the fault. */
static enum deliver_verdict cancel(struct journey *journey, enum fault_kind kind)
{
    struct deliver_item *items;
    struct clinic *clinic = journey->clinic;
    struct fault fault = {FAULT_none, NULL};
    settle(journey, &lost, NOW);
    clinic_begin(clinic);
    struct store_message message = row_of(journey);
    message.state = "withdrawn";
    store_set_message(clinic->store, &message);
    clinic_commit(clinic);
    assert_true(clinic_move(clinic, "R-1", "cancel", &fault));
    clinic_begin(clinic);
    assert_int_equal(
        claim(clinic->store, clinic->setup, &clinic->arena, "riverbend", NOW, 8, &items), 1);
    clinic_commit(clinic);
    journey->message = items[0].message.id;
    struct fault answer = {kind, "because"};
    struct deliver_result result =
        answer_of(200, reply_with(journey, items[0].message.message_id, "fatal-error", answer));
    return settle(journey, &result, NOW);
}

/* Who does not know the referral has nothing to cancel. */
static void a_cancel_of_what_never_came_is_done(void **state)
{
    struct journey *journey = *state;
    assert_int_equal(cancel(journey, FAULT_not_found), DELIVER_DONE);
    assert_string_equal(row_of(journey).state, "sent");
    assert_string_equal(placed(journey), "cancelled");
    assert_string_equal(clinic_find(journey->clinic, "willow", "R-1").abort_status, "accepted");
}

static void a_cancel_that_is_refused_is_none(void **state)
{
    struct journey *journey = *state;
    assert_int_equal(cancel(journey, FAULT_illegal_move), DELIVER_REJECTED);
    assert_string_equal(placed(journey), "requested");
}

static void put_off_by_the_partner(void **state)
{
    struct journey *journey = *state;
    struct deliver_result result =
        answer_of(200, reply(journey, journey->message_id, "transient-error"));
    assert_int_equal(settle(journey, &result, NOW), DELIVER_LATER);
    assert_string_equal(row_of(journey).state, "queued");
}

/* What proves nothing is asked again with the same ids. */
static void answers_that_prove_nothing(void **state)
{
    struct journey *journey = *state;
    const struct deliver_result unclear[] = {
        answer_of(200, ""),
        answer_of(200, "<html>welcome</html>"),
        answer_of(200, "{\"resourceType\":\"OperationOutcome\",\"issue\":[]}"),
        answer_of(200, "{\"resourceType\":\"Bundle\",\"type\":\"message\"}"),
        answer_of(200, "{"),
        answer_of(200, "\"ok\""),
        answer_of(202, "queued somewhere"),
        answer_of(200, reply(journey, "11111111-1111-4111-8111-111111111111", "ok")),
        lost,
        away,
        answer_of(408, ""),
        answer_of(425, ""),
        answer_of(429, ""),
        answer_of(500, "oops"),
        answer_of(502, "<html>bad gateway</html>"),
        answer_of(503, "{\"resourceType\":\"OperationOutcome\"}"),
        answer_of(504, "")};
    for (size_t i = 0; i < sizeof unclear / sizeof *unclear; i++) {
        struct deliver_result result = unclear[i];
        result.sentence = "what happened";
        enum deliver_verdict verdict = settle(journey, &result, NOW);
        struct store_message message = row_of(journey);
        if (verdict != DELIVER_LATER)
            fail_msg("answer %zu (%d)", i, result.status);
        assert_string_equal(message.state, "queued");
        assert_non_null(message.reason);
        assert_string_equal(message.message_id, journey->message_id);
        assert_true(message.due_ms >= NOW && message.due_ms <= NOW + 900000);
        assert_int_equal(message.settled_ms, 0);
    }
    struct store_attempt *attempts;
    assert_int_equal(store_attempts(journey->clinic->store, &journey->clinic->arena,
                                    journey->message, &attempts),
                     sizeof unclear / sizeof *unclear);
    assert_string_equal(attempts[8].outcome, "unknown");
    assert_string_equal(attempts[9].outcome, "cannot-connect");
}

static void custody_without_a_body(void **state)
{
    struct journey *journey = *state;
    struct deliver_result result = answer_of(202, "");
    assert_int_equal(settle(journey, &result, NOW), DELIVER_DONE);
    result.status = 204;
    assert_int_equal(settle(journey, &result, NOW), DELIVER_DONE);
}

static void refusals_wait_for_a_person(void **state)
{
    struct journey *journey = *state;
    static const int statuses[] = {300, 301, 302, 307, 308, 400, 401, 403, 404,
                                   405, 406, 409, 410, 411, 413, 415, 422};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct deliver_result result = answer_of(
            statuses[i], "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":"
                         "\"error\",\"code\":\"conflict\",\"details\":{\"text\":\"No way"
                         "\"}}]}");
        if (settle(journey, &result, NOW) != DELIVER_PARKED)
            fail_msg("status %d", statuses[i]);
        struct store_message message = row_of(journey);
        assert_string_equal(message.state, "parked");
        assert_non_null(strstr(message.reason, "No way"));
        assert_non_null(
            strstr(message.reason, arena_print(&journey->clinic->arena, "%d", statuses[i])));
    }
}

/* Our lists and logs show it, so it stays UTF-8. */
static void a_long_refusal_is_cut_between_characters(void **state)
{
    struct journey *journey = *state;
    struct text body = text_new(&journey->clinic->arena, 10000);
    text_add(&body, "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
                    "\"code\":\"conflict\",\"details\":{\"text\":\"x");
    for (int i = 0; i < 1000; i++)
        text_add(&body, "\xc3\xa9");
    text_add(&body, "\"}}]}");
    struct deliver_result result = answer_of(409, body.at);
    assert_int_equal(settle(journey, &result, NOW), DELIVER_PARKED);
    const char *reason = row_of(journey).reason;
    assert_int_equal(text_utf8_fault(reason, strlen(reason)), strlen(reason));
    assert_true(strlen(reason) < 1100);
}

static void a_duplicate_elsewhere_is_delivered(void **state)
{
    struct journey *journey = *state;
    struct deliver_result result =
        answer_of(409, "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
                       "\"code\":\"duplicate\"}]}");
    assert_int_equal(settle(journey, &result, NOW), DELIVER_DONE);
    assert_string_equal(row_of(journey).state, "sent");
}

static void retry_after_is_honoured_up_to_the_most(void **state)
{
    struct journey *journey = *state;
    struct deliver_result result = answer_of(503, "");
    result.retry_after_s = 60;
    settle(journey, &result, NOW);
    assert_int_equal(row_of(journey).due_ms, NOW + 60000);
    result.retry_after_s = 999999999;
    settle(journey, &result, NOW);
    assert_int_equal(row_of(journey).due_ms, NOW + 900000);
    result.retry_after_s = 1; /* shorter than our own wait */
    settle(journey, &result, NOW);
    assert_true(row_of(journey).due_ms >= NOW + 1000);
    result.retry_after_s = 0;
    settle(journey, &result, NOW);
    assert_true(row_of(journey).due_ms >= NOW);
}

static void given_up_after_its_time(void **state)
{
    struct journey *journey = *state;
    int64_t hours = (int64_t)3600 * 1000;
    struct deliver_result result = away;
    result.sentence = "refused";
    assert_int_equal(settle(journey, &result, NOW + 480 * hours),
                     DELIVER_LATER); /* a clock was set */
    store_let_live(journey->clinic->store, 73 * hours);
    assert_int_equal(settle(journey, &result, NOW),
                     DELIVER_LATER); /* tried once, as far as it knows */
    struct store_message message = row_of(journey);
    message.attempts = 5;
    clinic_begin(journey->clinic);
    store_set_message(journey->clinic->store, &message);
    clinic_commit(journey->clinic);
    assert_int_equal(settle(journey, &result, NOW), DELIVER_PARKED);
    message = row_of(journey);
    assert_string_equal(message.state, "parked");
    assert_non_null(strstr(message.reason, "72 hours"));
    assert_non_null(strstr(message.reason, "refused"));
}

/* ---- what may no longer go ---- */

static void put_back(struct journey *journey)
{
    struct deliver_result result = away;
    result.sentence = "refused";
    assert_int_equal(settle(journey, &result, NOW), DELIVER_LATER);
}

static size_t claim_later(struct journey *journey, struct deliver_item **ret_items)
{
    struct clinic *clinic = journey->clinic;
    clinic_begin(clinic);
    size_t count = claim(clinic->store, clinic->setup, &clinic->arena, "riverbend", NOW + 900000, 8,
                         ret_items);
    clinic_commit(clinic);
    return count;
}

static void a_withdrawn_consent_stops_the_next_try(void **state)
{
    struct journey *journey = *state;
    struct clinic *clinic = journey->clinic;
    struct deliver_item *items;
    struct store_release *waiting;
    put_back(journey);
    /* Straight into the store, so that only the claim can notice. */
    const char *text =
        clinic_replaced(clinic, clinic_consent(clinic, "K-2", "alvarez", "willow", "\"riverbend\""),
                        "\"decision\":\"allow\"", "\"decision\":\"refuse\"");
    text = clinic_replaced(clinic, text, "2026-10-01T12:00:00Z", "2026-10-02T12:00:00Z");
    struct store_record record = {.clinic = "willow",
                                  .kind = "consent",
                                  .number = "K-2",
                                  .origin = "own",
                                  .client = "C-1042",
                                  .exported = true};
    clinic_begin(clinic);
    record.payload = payload_put(clinic->store, text, strlen(text));
    store_add_record(clinic->store, &record);
    clinic_commit(clinic);
    assert_int_equal(claim_later(journey, &items), 0);
    assert_string_equal(row_of(journey).state, "withdrawn");
    assert_int_equal(store_releases(clinic->store, &clinic->arena, "C-1042", "waiting", &waiting),
                     1);
    assert_non_null(strstr(waiting[0].reason, "refused"));
}

static void a_consent_that_has_ended_stops_the_next_try(void **state)
{
    struct journey *journey = *state;
    struct clinic *clinic = journey->clinic;
    struct deliver_item *items;
    put_back(journey);
    int64_t later = clinic_ms("2027-09-02T12:00:00Z"); /* a day behind valid_until */
    clinic_begin(clinic);
    assert_int_equal(
        claim(clinic->store, clinic->setup, &clinic->arena, "riverbend", later, 8, &items), 0);
    clinic_commit(clinic);
    assert_string_equal(row_of(journey).state, "withdrawn");
}

static void a_clock_set_back_stalls_nothing(void **state)
{
    struct journey *journey = *state;
    struct clinic *clinic = journey->clinic;
    struct deliver_item *items;
    struct store_message *withdrawn;
    size_t withdrawn_count;
    put_back(journey); /* to be tried again behind NOW */
    static const int64_t back_ms[] = {60000, 3600000, (int64_t)86400 * 15 * 1000};
    for (size_t i = 0; i < 3; i++) {
        struct store_message message = row_of(journey);
        int64_t now_ms = message.due_ms - back_ms[i];
        clinic_begin(clinic);
        size_t count = deliver_claim(clinic->store, clinic->setup, &clinic->arena, "riverbend",
                                     now_ms, 8, &items, &withdrawn, &withdrawn_count);
        clinic_commit(clinic);
        /* within the longest wait it is waited for, beyond it is not */
        assert_int_equal(count, back_ms[i] > 900000);
        if (count > 0)
            put_back(journey);
    }
}

static void the_same_bytes_go_again(void **state)
{
    struct journey *journey = *state;
    struct clinic *clinic = journey->clinic;
    struct deliver_item *items;
    struct store_message message;
    const char *body = clinic_outgoing(clinic, "riverbend", &message);
    put_back(journey);
    assert_int_equal(claim_later(journey, &items), 1);
    assert_int_equal(items[0].length, strlen(body));
    assert_memory_equal(items[0].body, body, items[0].length);
    assert_int_equal(items[0].message.attempts, 2);
    assert_int_equal(strlen(items[0].correlation), 36);
}

static void a_row_that_is_gone_is_no_crash(void **state)
{
    struct journey *journey = *state;
    struct deliver_result result = answer_of(200, "");
    journey->message = 99999;
    assert_int_equal(settle(journey, &result, NOW), DELIVER_PARKED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_most),
        cmocka_unit_test(extreme_settings_do_not_overflow),
        cmocka_unit_test(it_starts_slowly_and_grows),
        cmocka_unit_test(a_partner_may_have_its_own_ceiling),
        cmocka_unit_test(a_busy_partner_says_how_long_it_is_left_alone),
        cmocka_unit_test(a_partner_that_is_away_is_tried_often_enough),
        cmocka_unit_test(three_failures_open_the_breaker),
        cmocka_unit_test(an_answer_that_asks_for_patience_counts_as_failure),
        cmocka_unit_test(counting_never_wraps),
        TEST(claiming_marks_and_counts),
        TEST(accepted),
        TEST(refused_by_the_partners_rules),
        TEST(a_cancel_of_what_never_came_is_done),
        TEST(a_cancel_that_is_refused_is_none),
        TEST(put_off_by_the_partner),
        TEST(answers_that_prove_nothing),
        TEST(custody_without_a_body),
        TEST(refusals_wait_for_a_person),
        TEST(a_long_refusal_is_cut_between_characters),
        TEST(a_duplicate_elsewhere_is_delivered),
        TEST(retry_after_is_honoured_up_to_the_most),
        TEST(given_up_after_its_time),
        TEST(a_withdrawn_consent_stops_the_next_try),
        TEST(a_consent_that_has_ended_stops_the_next_try),
        TEST(a_clock_set_back_stalls_nothing),
        TEST(the_same_bytes_go_again),
        TEST(a_row_that_is_gone_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
