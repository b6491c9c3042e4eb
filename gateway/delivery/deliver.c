/* deliver: which message is sent next, what an answer means, and when to try again. See deliver.h.
 *
 * Claiming takes a partner's messages that are due, as many as may be under way at once; settling
 * writes what came of it and all that follows in one transaction. Between tries the wait grows up
 * to a ceiling, and a partner that fails rests until one probe gets through. Decides only: no
 * socket, no timer. */
#include "gateway/delivery/deliver.h"

#include <string.h>
#include <time.h>

#include "certs/io/digest.h"
#include "fhir/json/tree.h"
#include "fhir/message/event.h"
#include "gateway/audit/audit.h"
#include "gateway/outbound/outbox.h"
#include "gateway/outbound/release.h"
#include "gateway/referral/recall.h"
#include "gateway/referral/track.h"
#include "gateway/runtime/log.h"
#include "gateway/store/store.h"

enum { FAILURES_TO_OPEN = 3, REASON_MAX = 500, TRIES_TO_PARK = 5, ANSWER_VALUES_MAX = 100000 };

/* ---- claiming ---- */

static const char *correlation_of(const struct setup *setup, struct arena *arena,
                                  const struct store_message *message)
{
    char *uuid = arena_alloc(arena, DIGEST_UUID_TEXT);
    digest_uuid5(setup->config.canonical_base,
                 message->referral == 0 ? message->message_id
                                        : arena_print(arena, "%s/referral/%lld", setup->config.org,
                                                      (long long)message->referral),
                 uuid);
    return uuid;
}

static void note_outcome(struct store *store, const struct store_message *message, const char *code,
                         int64_t now_ms)
{
    struct store_audit noted = {.at_ms = now_ms,
                                .what = message->state,
                                .partner = message->partner,
                                .subject = message->message_id,
                                .detail = code,
                                .purpose = audit_purpose(message->kind),
                                .client = store_client_of(store, message)};
    audit_write(store, &noted);
}

/* A person must look at it. */
static void park(struct store *store, struct arena *arena, struct store_message *message,
                 const char *reason, int64_t now_ms)
{
    struct track_details details = {
        .by = message->recipient, .reason = reason, .message = message->id, .at_ms = now_ms};
    message->state = "parked";
    message->reason = reason;
    message->cause = NULL;
    message->settled_ms = now_ms;
    message->lived_ms = store_lived_ms(store);
    store_set_message(store, message);
    if (message->referral != 0)
        track_note(store, message->referral,
                   arena_print(arena, "%s parked: a person must look at it", message->kind),
                   &details);
    note_outcome(store, message, NULL, now_ms);
}

/* In lived time, so that no clock that is set gives anything up. */
static bool is_too_old(struct store *store, const struct config *config,
                       const struct store_message *message)
{
    int64_t since_ms = message->lived_ms > 0 ? message->lived_ms : message->created_ms;
    return store_lived_ms(store) - since_ms > (int64_t)config->park_after_hours * 3600 * 1000;
}

/* A status has no tray: it waits for its partner here, as long as a message is tried. */
static void postpone(struct store *store, const struct setup *setup, struct arena *arena,
                     struct store_message *message, const char *reason, int64_t now_ms)
{
    if (is_too_old(store, &setup->config, message)) {
        park(store, arena, message, reason, now_ms);
        return;
    }
    message->due_ms = now_ms + (int64_t)setup->config.retry_max_ms;
    message->reason = reason;
    message->cause = NULL;
    store_set_message(store, message);
}

/* What may not go now: its state says what becomes of it. */
static void refuse(struct store *store, const struct setup *setup, struct arena *arena,
                   struct store_message *message, const char *reason, int64_t now_ms)
{
    if (message->record == 0 && !outbox_was_delivered(message))
        postpone(store, setup, arena, message, reason, now_ms);
    else
        outbox_withdraw(store, arena, message, reason, now_ms);
}

/* A move that waits for a partner which no longer serves its clinic; another one does. */
static bool has_moved(const struct setup *setup, const struct store_message *message)
{
    const struct partner *serves = setup_partner_of(setup, message->recipient);
    return message->record == 0 && text_equal(message->state, "queued") && serves != NULL &&
           !text_equal(serves->name, message->partner);
}

/* Nothing waits longer than the longest wait: what seems to is from before the clock was set back.
 */
static bool is_beyond_reach(struct store *store, const struct setup *setup, struct arena *arena,
                            const char *partner, int64_t now_ms)
{
    struct store_message *first;
    return store_due(store, arena, partner, INT64_MAX, 1, &first) > 0 &&
           first->due_ms > now_ms + (int64_t)setup->config.retry_max_ms;
}

/* False: its bytes are gone, and a person must look at it. */
static bool claim_one(struct store *store, const struct setup *setup, struct arena *arena,
                      struct store_message *message, int64_t now_ms, struct deliver_item *item)
{
    item->body = store_message_bytes(store, arena, message, &item->length);
    if (item->body == NULL && message->record != 0 &&
        !release_may_have_gone(store, arena, message)) {
        outbox_withdraw(store, arena, message,
                        "its bytes cannot be read from the store; made again from its record",
                        now_ms);
        return false;
    }
    if (item->body == NULL) {
        park(store, arena, message, "its bytes cannot be read from the store; see refgate check",
             now_ms);
        return false;
    }
    message->state = "sending";
    message->attempts++;
    store_set_message(store, message);
    item->message = *message;
    item->operation =
        text_equal(message->kind, RECALL_KIND) ? RECALL_OPERATION : "$process-message";
    item->correlation = correlation_of(setup, arena, message);
    return true;
}

size_t deliver_claim(struct store *store, const struct setup *setup, struct arena *arena,
                     const char *partner, int64_t now_ms, size_t slots,
                     struct deliver_item **ret_items, struct store_message **ret_withdrawn,
                     size_t *ret_withdrawn_count)
{
    struct store_message *due;
    size_t count = store_due(store, arena, partner, now_ms, slots, &due);
    if (count == 0 && is_beyond_reach(store, setup, arena, partner, now_ms)) {
        store_hasten(store, partner, now_ms);
        count = store_due(store, arena, partner, now_ms, slots, &due);
    }
    struct deliver_item *items = arena_array(arena, count, sizeof *items);
    size_t claimed = 0;
    *ret_withdrawn = arena_array(arena, count, sizeof **ret_withdrawn);
    *ret_withdrawn_count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *reason;
        if (release_again(setup, store, arena, &due[i], now_ms, &reason))
            claimed += claim_one(store, setup, arena, &due[i], now_ms, &items[claimed]);
        else
            refuse(store, setup, arena, &due[i], reason, now_ms);
        if (text_equal(due[i].state, "withdrawn") || has_moved(setup, &due[i]))
            (*ret_withdrawn)[(*ret_withdrawn_count)++] = due[i];
    }
    *ret_items = items;
    return claimed;
}

/* ---- what an answer means ---- */

struct reading {
    enum deliver_verdict verdict;
    const char *code;   /* response.code, when a response Bundle came */
    const char *issues; /* its OperationOutcome.issue list as text */
    const char *reason; /* for a person */
    bool is_early;      /* refused, and may be taken when what belongs before it has come */
};

/* The first words of an OperationOutcome's issues. */
static const char *issue_text(struct arena *arena, const struct json *issues)
{
    const struct json *issue = json_first(issues);
    const char *text = json_get_text(json_get(issue, "details"), "text");
    if (text == NULL)
        text = json_get_text(issue, "diagnostics");
    if (text == NULL)
        text = json_get_text(issue, "code");
    return text == NULL ? NULL : arena_copy_n(arena, text, text_utf8_head(text, REASON_MAX));
}

static bool answers_us(const struct message_inbound *reply, const struct store_message *message)
{
    return text_equal(reply->reply_to, message->message_id) ||
           text_equal(reply->reply_to, message->bundle_id);
}

static struct reading unclear(const char *reason)
{
    struct reading reading = {.verdict = DELIVER_LATER, .reason = reason};
    return reading;
}

/* Who does not know the referral that we cancel has nothing to do any more. */
static bool is_cancelled_anyway(const struct store_message *message, const struct json *issues)
{
    return text_equal(message->event, EVENT_REFERRAL_CANCEL) &&
           text_equal(json_get_text(json_first(issues), "code"), "not-found");
}

/* The body of a 2xx: a response Bundle that answers this message, or nothing at all with 202 and
 * 204 (custody taken). Anything else proves nothing: the same ids go again. */
static struct reading read_success(const struct setup *setup, struct arena *arena,
                                   const struct store_message *message,
                                   const struct deliver_result *result)
{
    struct json_document document;
    struct json_fault fault;
    struct message_inbound reply;
    struct finding_list findings = finding_list_new(arena);
    struct setup_ids ids = {.space = "answer"};
    struct fhir_context context = setup_context(setup, arena, &ids);
    struct reading reading = {.verdict = DELIVER_DONE, .code = "ok"};
    if (result->length == 0)
        return result->status == 200 ? unclear("an empty answer that proves nothing") : reading;
    const struct json_options options = {.values_max = ANSWER_VALUES_MAX};
    if (!json_parse(arena, result->body, result->length, &options, &document, &fault))
        return unclear("an answer that is not JSON");
    if (!message_read(&context, document.root, &reply, &findings) || reply.content != MESSAGE_REPLY)
        return unclear("an answer that is not a response message");
    if (!answers_us(&reply, message))
        return unclear("an answer to some other message");
    reading.code = reply.reply_code;
    reading.issues = reply.reply_issues == NULL ? NULL : json_print(arena, reply.reply_issues);
    if (text_equal(reply.reply_code, "ok"))
        return reading;
    reading.reason = issue_text(arena, reply.reply_issues);
    reading.verdict =
        text_equal(reply.reply_code, "transient-error") ? DELIVER_LATER : DELIVER_REJECTED;
    if (reading.verdict == DELIVER_REJECTED && is_cancelled_anyway(message, reply.reply_issues))
        reading.verdict = DELIVER_DONE;
    reading.is_early =
        reading.verdict == DELIVER_REJECTED &&
        fault_code_is_of_order(json_get_text(json_first(reply.reply_issues), "code"));
    return reading;
}

static const struct json *outcome_issues(struct arena *arena, const struct deliver_result *result)
{
    return json_get(tree_of_n(arena, result->body, result->length), "issue");
}

static bool is_retried(int status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

static struct reading read_refusal(struct arena *arena, const struct deliver_result *result)
{
    const struct json *issues = outcome_issues(arena, result);
    const char *said = issue_text(arena, issues);
    struct reading reading = {.verdict = DELIVER_PARKED};
    if (result->status == 409 &&
        text_equal(json_get_text(json_first(issues), "code"), "duplicate")) {
        reading.verdict = DELIVER_DONE;
        reading.code = "ok";
        return reading;
    }
    if (is_retried(result->status))
        reading.verdict = DELIVER_LATER;
    reading.issues = issues == NULL ? NULL : json_print(arena, issues);
    reading.reason = arena_print(arena, "the partner answered %d%s%s", result->status,
                                 said == NULL ? "" : ": ", said == NULL ? "" : said);
    return reading;
}

/* Another system than ours may not know the question: then people must talk. */
static struct reading read_recall(struct arena *arena, const struct store_message *message,
                                  const struct deliver_result *result)
{
    const struct json *answer = tree_of_n(arena, result->body, result->length);
    struct reading reading = {.verdict = DELIVER_DONE, .code = "ok"};
    if (result->status == 200 && text_equal(json_get_text(answer, "resourceType"), "Parameters"))
        return reading;
    if (is_retried(result->status))
        return read_refusal(arena, result);
    reading.verdict = DELIVER_PARKED;
    reading.code = NULL;
    reading.reason = arena_print(
        arena,
        "%s cannot be asked for what it sent since the backup (it answered %d): ask its "
        "people to send that again, then drop this",
        message->partner, result->status);
    return reading;
}

static struct reading read_result(const struct setup *setup, struct arena *arena,
                                  const struct store_message *message,
                                  const struct deliver_result *result)
{
    if (result->outcome == DELIVER_CANNOT_CONNECT)
        return unclear(arena_print(arena, "cannot connect: %s", result->sentence));
    if (result->outcome == DELIVER_UNKNOWN)
        return unclear(arena_print(
            arena, "no whole answer, so it is unknown whether it arrived: %s", result->sentence));
    if (text_equal(message->kind, RECALL_KIND))
        return read_recall(arena, message, result);
    if (result->status == 200 || result->status == 202 || result->status == 204)
        return read_success(setup, arena, message, result);
    return read_refusal(arena, result);
}

/* ---- settling ---- */

static const char *const outcome_words[] = {"answered", "cannot-connect", "unknown"};
static const char *const verdict_states[] = {"sent", "rejected", "queued", "parked"};

static void add_attempt(struct store *store, const struct store_message *message,
                        const struct deliver_result *result, const char *reason, int64_t now_ms)
{
    struct store_attempt attempt = {.message = message->id,
                                    .at_ms = now_ms,
                                    .status = result->status,
                                    .outcome = outcome_words[result->outcome],
                                    .detail = reason,
                                    .connect_us = result->connect_us,
                                    .tls_us = result->tls_us,
                                    .first_byte_us = result->first_byte_us,
                                    .total_us = result->total_us};
    store_add_attempt(store, &attempt);
}

static void schedule(const struct config *config, struct store_message *message,
                     const struct deliver_result *result, int64_t now_ms, uint32_t random)
{
    int64_t wait = deliver_wait_ms(config, message->attempts, random);
    int64_t asked = (int64_t)result->retry_after_s * 1000;
    int64_t most = (int64_t)config->retry_max_ms;
    if (asked > wait)
        wait = asked < most ? asked : most;
    message->due_ms = now_ms + wait;
}

/* The placer knows from the 200 that the referral was received; nothing is sent for that. */
static void note_received(struct store *store, struct arena *arena,
                          const struct store_message *message, const struct track_details *details)
{
    struct store_referral referral;
    const struct track_move *move = track_find("receive");
    struct fault fault;
    if (!text_equal(message->kind, "referral") || message->referral == 0 ||
        !store_get_referral(store, arena, message->referral, &referral))
        return;
    if (track_ours(&referral) == TRACK_PLACER &&
        track_allows(move, TRACK_FILLER, &referral, arena, &fault))
        track_apply(store, &referral, move, details, arena);
}

/* The filler has followed our cancel, or had started before it came. */
static void note_cancel(struct store *store, struct arena *arena,
                        const struct store_message *message, bool is_confirmed,
                        const struct track_details *details)
{
    struct store_referral referral;
    if (text_equal(message->event, EVENT_REFERRAL_CANCEL) &&
        store_get_referral(store, arena, message->referral, &referral))
        track_cancel_answered(store, &referral, is_confirmed, details, arena);
}

static void write_track(struct store *store, struct arena *arena,
                        const struct store_message *message, enum deliver_verdict verdict,
                        const char *reason, int64_t now_ms)
{
    struct track_details details = {
        .by = message->recipient, .reason = reason, .message = message->id, .at_ms = now_ms};
    if (verdict == DELIVER_DONE)
        note_received(store, arena, message, &details);
    if (message->referral == 0 || verdict == DELIVER_LATER)
        return;
    if (verdict == DELIVER_DONE || verdict == DELIVER_REJECTED)
        note_cancel(store, arena, message, verdict == DELIVER_DONE, &details);
    const char *what = verdict == DELIVER_DONE       ? "delivered"
                       : verdict == DELIVER_REJECTED ? "refused by the partner"
                                                     : "parked: a person must look at it";
    track_note(store, message->referral, arena_print(arena, "%s %s", message->kind, what),
               &details);
}

/* It was dropped while it was on its way, and arrived. */
static void note_sent(struct store *store, struct arena *arena, const struct store_message *message)
{
    struct store_release release;
    if (message->record == 0 || !store_find_release(store, arena, message->id, &release) ||
        !text_equal(release.state, "dropped"))
        return;
    release.state = "sent";
    release.reason = NULL;
    store_set_release(store, &release);
}

/* What the answer means for this message, with what was known of it before. */
static struct reading judge(struct store *store, const struct setup *setup, struct arena *arena,
                            struct store_message *message, const struct deliver_result *result,
                            int64_t now_ms)
{
    struct reading reading = read_result(setup, arena, message, result);
    message->response_issues = reading.issues;
    if (reading.is_early && sequence_wait(store, setup, arena, message, now_ms))
        reading.verdict = DELIVER_LATER;
    if (reading.verdict == DELIVER_LATER && message->attempts >= TRIES_TO_PARK &&
        is_too_old(store, &setup->config, message)) {
        reading.verdict = DELIVER_PARKED;
        reading.reason =
            arena_print(arena, "given up after %llu hours; last: %s",
                        (unsigned long long)setup->config.park_after_hours, reading.reason);
    }
    if (outbox_was_delivered(message) && reading.verdict != DELIVER_LATER)
        reading.verdict = DELIVER_DONE;
    return reading;
}

static void write_state(struct store *store, const struct setup *setup,
                        struct store_message *message, const struct reading *reading,
                        const struct deliver_result *result, int64_t now_ms, uint32_t random)
{
    message->state = verdict_states[reading->verdict];
    message->reason = reading->reason;
    message->cause = result->outcome == DELIVER_CANNOT_CONNECT ? STORE_CAUSE_NOT_CONNECTED : NULL;
    if (!outbox_was_delivered(message))
        message->response_code = reading->code;
    if (reading->verdict == DELIVER_LATER) {
        schedule(&setup->config, message, result, now_ms, random);
    } else {
        message->settled_ms = now_ms;
        message->lived_ms = store_lived_ms(store);
    }
    store_set_message(store, message);
}

static void learn(struct store *store, struct arena *arena, const struct store_message *message,
                  const struct deliver_result *result, int64_t now_ms)
{
    const struct json *answer = tree_of_n(arena, result->body, result->length);
    size_t differing = recall_learn(store, arena, message->partner, answer, now_ms);
    if (differing > 0)
        log_number(LOG_LEVEL_WARNING, "referrals-differ", "count", (long long)differing, "partner",
                   message->partner, "what", "see refgate referrals differ", NULL);
}

enum deliver_verdict deliver_settle(struct store *store, const struct setup *setup,
                                    struct arena *arena, int64_t message_row,
                                    const struct deliver_result *result, int64_t now_ms,
                                    uint32_t random)
{
    struct store_message message;
    if (!store_get_message(store, arena, message_row, &message))
        return DELIVER_PARKED;
    bool is_again = outbox_was_delivered(&message);
    struct reading reading = judge(store, setup, arena, &message, result, now_ms);
    write_state(store, setup, &message, &reading, result, now_ms, random);
    if (reading.verdict == DELIVER_DONE)
        note_sent(store, arena, &message);
    if (reading.verdict == DELIVER_DONE && message.attempts > 1)
        store_hasten(store, message.partner, now_ms);
    add_attempt(store, &message, result, reading.reason, now_ms);
    if (!is_again)
        write_track(store, arena, &message, reading.verdict, reading.reason, now_ms);
    if (reading.verdict == DELIVER_DONE && text_equal(message.kind, RECALL_KIND))
        learn(store, arena, &message, result, now_ms);
    if (reading.verdict == DELIVER_REJECTED)
        sequence_give_up(store, arena, &message, true, message.recipient, reading.reason, now_ms);
    if (reading.verdict != DELIVER_LATER)
        note_outcome(store, &message, reading.code, now_ms);
    return reading.verdict;
}

int64_t deliver_wait_ms(const struct config *config, int64_t tries, uint32_t random)
{
    uint64_t most = config->first_retry_ms;
    for (int64_t i = 1; i < tries && most < config->retry_max_ms; i++)
        most *= 2;
    if (most > config->retry_max_ms)
        most = config->retry_max_ms;
    return (int64_t)(most * random / UINT32_MAX);
}

/* ---- pace ---- */

bool deliver_is_resting(const struct setup *setup, const struct partner *partner)
{
    time_t now = (time_t)(clock_wall_ms(&setup->clock) / 1000);
    struct tm parts;
    localtime_r(&now, &parts);
    return partner_in_maintenance(partner, (unsigned)parts.tm_wday,
                                  (unsigned)(parts.tm_hour * 60 + parts.tm_min));
}

static unsigned ceiling_of(const struct config *config, const struct partner *partner)
{
    return partner->in_flight_max > 0 ? partner->in_flight_max : config->in_flight_per_partner_max;
}

bool deliver_is_open(const struct deliver_pace *pace, int64_t monotonic_ms)
{
    return pace->failures >= FAILURES_TO_OPEN && pace->closed_until_ms > monotonic_ms;
}

int64_t deliver_opens_ms(const struct deliver_pace *pace, int64_t monotonic_ms)
{
    int64_t opens = pace->paused_until_ms > monotonic_ms ? pace->paused_until_ms : monotonic_ms;
    bool is_later = deliver_is_open(pace, monotonic_ms) && pace->closed_until_ms > opens;
    return is_later ? pace->closed_until_ms : opens;
}

size_t deliver_slots(const struct deliver_pace *pace, const struct config *config,
                     const struct partner *partner, int64_t monotonic_ms)
{
    unsigned window = pace->window == 0 ? 1 : pace->window;
    unsigned ceiling = ceiling_of(config, partner);
    if (partner->disabled || deliver_opens_ms(pace, monotonic_ms) > monotonic_ms)
        return 0;
    if (pace->failures >= FAILURES_TO_OPEN)
        window = 1; /* half open: one probe */
    if (window > ceiling)
        window = ceiling;
    return window > pace->in_flight ? window - pace->in_flight : 0;
}

void deliver_started(struct deliver_pace *pace, size_t count)
{
    pace->in_flight += (unsigned)count;
    pace->is_probing = pace->failures >= FAILURES_TO_OPEN && count > 0;
}

/* A partner that is busy says how long: that holds for all that is sent to it. */
static void pause(struct deliver_pace *pace, const struct config *config,
                  const struct deliver_result *result, int64_t monotonic_ms)
{
    int64_t asked = (int64_t)result->retry_after_s * 1000;
    int64_t most = (int64_t)config->retry_max_ms;
    if (result->outcome == DELIVER_ANSWERED && asked > 0)
        pace->paused_until_ms = monotonic_ms + (asked < most ? asked : most);
}

/* A try costs one connection, so it is made more often than one message would be sent again. */
static int64_t probe_wait_ms(const struct config *config, unsigned failures, uint32_t random)
{
    struct config often = *config;
    if (config->retry_max_ms > config->probe_max_ms)
        often.retry_max_ms = config->probe_max_ms;
    return deliver_wait_ms(&often, (int64_t)(failures - FAILURES_TO_OPEN + 1), random);
}

void deliver_ended(struct deliver_pace *pace, const struct config *config,
                   const struct partner *partner, const struct deliver_result *result,
                   int64_t monotonic_ms, uint32_t random)
{
    unsigned ceiling = ceiling_of(config, partner);
    bool is_sound = result->outcome == DELIVER_ANSWERED && !is_retried(result->status);
    if (pace->in_flight > 0)
        pace->in_flight--;
    pace->is_probing = false;
    if (is_sound) {
        pace->failures = 0;
        pace->closed_until_ms = 0;
        pace->window = pace->window < ceiling ? pace->window + 1 : ceiling;
        return;
    }
    pause(pace, config, result, monotonic_ms);
    pace->failures++;
    pace->window = pace->window > 1 ? pace->window / 2 : 1;
    if (pace->failures >= FAILURES_TO_OPEN)
        pace->closed_until_ms = monotonic_ms + probe_wait_ms(config, pace->failures, random);
}
