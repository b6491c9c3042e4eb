/* retract: taking back a record that we sent. Runs inside a store transaction, so that the
 * record is marked, what waits of it is dropped and everyone who got it is told, or none of it. */
#include <string.h>

#include "certs/io/digest.h"
#include "fhir/codes/reason.h"
#include "gateway/audit/actor.h"
#include "gateway/audit/audit.h"
#include "gateway/outbound/outbound.h"
#include "gateway/outbound/outbound_internal.h"
#include "gateway/outbound/outbox.h"
#include "gateway/outbound/release.h"

struct retracting {
    const struct flow *flow;
    const char *code, *by;
    struct store_record row;
    struct store_referral referral; /* the one it belongs to; id 0: none */
    struct flow_retraction *report;
};

/* ---- which record ---- */

static const char *const kinds[] = {"progress-note",  "discharge-summary", "case-conference",
                                    "treatment-plan", "referral",          "consent"};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* "progress-note:N-1" -> its kind and "N-1"; no such kind before a colon: NULL and all of it. */
static const char *split_kind(const char *id, const char **ret_number)
{
    for (size_t i = 0; i < KINDS; i++) {
        size_t length = strlen(kinds[i]);
        if (strncmp(id, kinds[i], length) != 0 || id[length] != ':')
            continue;
        *ret_number = id + length + 1;
        return kinds[i];
    }
    *ret_number = id;
    return NULL;
}

static bool find(struct retracting *retracting, const char *id, struct fault *ret_fault)
{
    const struct flow *flow = retracting->flow;
    const char *number;
    const char *kind = split_kind(id, &number);
    const char *found[KINDS];
    size_t count = 0;
    for (size_t i = 0; i < KINDS; i++) {
        if ((kind == NULL || text_equal(kind, kinds[i])) &&
            store_find_record(flow->store, flow->arena, flow->setup->config.org, kinds[i], number,
                              &retracting->row))
            found[count++] = kinds[i];
    }
    if (count == 1)
        return true;
    if (count == 0)
        return fault_set(
            ret_fault, FAULT_not_found,
            arena_print(flow->arena,
                        "found no record %s that we wrote; expected a number of refgate records "
                        "list, from \"own\": only the clinic that wrote a record retracts it",
                        id));
    return fault_set(ret_fault, FAULT_not_found,
                     arena_print(flow->arena,
                                 "found %zu records %s; expected the kind before it: %s:%s or "
                                 "%s:%s",
                                 count, number, found[0], number, found[1], number));
}

static bool may_be_retracted(const struct retracting *retracting, struct fault *ret_fault)
{
    struct arena *arena = retracting->flow->arena;
    const char *number = retracting->row.number;
    if (text_equal(retracting->row.kind, "consent"))
        return fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(arena,
                                     "%s is a consent, which is withdrawn and not retracted: send "
                                     "one with status revoked that replaces it",
                                     number));
    if (text_equal(retracting->row.kind, "referral") &&
        !track_is_over(retracting->referral.task_status))
        return fault_set(ret_fault, FAULT_illegal_move,
                         arena_print(arena,
                                     "referral %s is %s; take it back first (refgate referrals "
                                     "cancel %s), then retract what was sent",
                                     retracting->referral.number, retracting->referral.task_status,
                                     retracting->referral.number));
    return true;
}

/* ---- copies on their way, and in the tray ---- */

/* What was not tried yet never leaves; what was is not tried again. */
static void stop_copies(const struct retracting *retracting, struct store_message *copies,
                        size_t count)
{
    static const char *const waiting[] = {"queued", "held", "parked", NULL};
    const struct flow *flow = retracting->flow;
    for (size_t i = 0; i < count; i++) {
        if (text_is_one_of(copies[i].state, waiting) &&
            outbox_withdraw(flow->store, flow->arena, &copies[i], "it was retracted", flow->now_ms))
            flow_tell_instead(flow, &copies[i]);
    }
}

static size_t releases_of(const struct retracting *retracting, struct store_release **ret_releases)
{
    const struct flow *flow = retracting->flow;
    size_t kept = 0;
    size_t count =
        store_releases(flow->store, flow->arena, retracting->row.client, NULL, ret_releases);
    for (size_t i = 0; i < count; i++) {
        if ((*ret_releases)[i].record == retracting->row.id)
            (*ret_releases)[kept++] = (*ret_releases)[i];
    }
    return kept;
}

static void drop_from_tray(const struct retracting *retracting, struct store_release *release)
{
    if (!text_equal(release->state, "waiting"))
        return;
    release->state = "dropped";
    release->reason = "it was retracted";
    release->decided_ms = retracting->flow->now_ms;
    store_set_release(retracting->flow->store, release);
}

/* ---- telling those who got it ---- */

/* The same for the same record and partner, so that it is queued once. IS_AGAIN: of what whoever
 * was not told, or was so long ago that nobody here knows, is told when somebody retracts it again:
 * those ids are its own, because the partner may know the first ones yet, and it says other things.
 */
static const char *space_of(const struct retracting *retracting, const struct grant *grant,
                            bool is_again)
{
    const struct flow *flow = retracting->flow;
    const char *epoch = store_epoch(flow->store);
    char *uuid = arena_alloc(flow->arena, DIGEST_UUID_TEXT);
    digest_uuid5("https://refgate.invalid/message",
                 arena_print(flow->arena, "%s|retraction|%s|%s|%s|%s%s%s%s%s",
                             flow->setup->config.org, retracting->row.kind, retracting->row.number,
                             grant_recipient(grant), grant_partner(grant),
                             epoch[0] == '\0' ? "" : "|", epoch, is_again ? "|again|" : "",
                             is_again ? retracting->by : ""),
                 uuid);
    return uuid;
}

static bool queue(const struct retracting *retracting, const struct grant *grant,
                  const char **ret_reason)
{
    const struct flow *flow = retracting->flow;
    bool is_again = retracting->report->answer == FLOW_KNOWN;
    int64_t at_ms = is_again ? retracting->row.retracted_ms : flow->now_ms;
    struct setup_ids ids = {.space = space_of(retracting, grant, is_again)};
    struct fhir_context context = setup_context(flow->setup, flow->arena, &ids);
    struct message_retraction retraction = {.kind = retracting->row.kind,
                                            .number = retracting->row.number,
                                            .code = retracting->code,
                                            .from = flow->setup->config.org,
                                            .to = grant_recipient(grant),
                                            .by = actor_on_wire(retracting->by),
                                            .at = clock_text(flow->arena, at_ms)};
    if (retracting->referral.id != 0)
        retraction.referral = flow_message_referral(&retracting->referral);
    const struct json *bundle = message_of_retraction(&context, &retraction);
    if (!flow_is_valid(flow, grant_partner(grant), bundle, ret_reason))
        return false;
    struct outbox_item item = {.bundle = bundle,
                               .kind = RELEASE_RETRACTION,
                               .referral = retracting->row.referral,
                               .now_ms = clock_wall_ms(&flow->setup->clock)};
    outbox_commit(flow->store, flow->arena, grant, &item);
    return true;
}

/* At an earlier retraction of the same record. */
static bool was_told(const struct retracting *retracting, const struct grant *grant)
{
    const struct flow *flow = retracting->flow;
    struct store_message queued;
    char first[DIGEST_UUID_TEXT], again[DIGEST_UUID_TEXT];
    digest_uuid5(space_of(retracting, grant, false), "MessageHeader", first);
    digest_uuid5(space_of(retracting, grant, true), "MessageHeader", again);
    return store_find_outbound(flow->store, flow->arena, first, &queued) ||
           store_find_outbound(flow->store, flow->arena, again, &queued);
}

/* WENT: the copy may have arrived. */
static void tell(struct retracting *retracting, const struct store_message *copy, bool went)
{
    const struct flow *flow = retracting->flow;
    struct flow_recipient *recipient = &retracting->report->recipients[retracting->report->count];
    bool is_known = retracting->report->answer == FLOW_KNOWN;
    recipient->clinic = copy->recipient;
    recipient->reason = NULL;
    const struct grant *grant =
        release_retraction(flow->setup, flow->store, flow->arena, copy, &recipient->reason);
    if (is_known && grant != NULL && was_told(retracting, grant))
        return;
    retracting->report->count++;
    recipient->is_queued = grant != NULL && queue(retracting, grant, &recipient->reason);
    if (recipient->is_queued || !went || retracting->referral.id == 0 || is_known)
        return;
    struct track_details details = {
        .by = copy->recipient, .reason = recipient->reason, .at_ms = flow->now_ms};
    track_note(flow->store, retracting->referral.id, "retraction not sent", &details);
}

static bool is_same_place(const struct store_message *one, const struct store_message *other)
{
    return text_equal(one->recipient, other->recipient) && text_equal(one->partner, other->partner);
}

/* Of several copies to one place that which may have arrived speaks for all. */
static bool speaks_for_its_place(const struct store_message *copies, const bool *went, size_t count,
                                 size_t index)
{
    for (size_t i = 0; i < count; i++) {
        bool goes_first = went[i] != went[index] ? went[i] : i < index;
        if (i != index && is_same_place(&copies[i], &copies[index]) && goes_first)
            return false;
    }
    return true;
}

/* A tray row whose message nobody keeps any more: it went long ago. One without a message: it never
 * left. */
static void tell_by_tray(struct retracting *retracting, const struct store_release *release,
                         const struct store_message *copies, size_t count)
{
    struct store_message copy = {.record = release->record,
                                 .partner = release->partner,
                                 .recipient = release->recipient,
                                 .attempts = text_equal(release->state, "sent")};
    for (size_t i = 0; i < count; i++) {
        if (text_equal(copies[i].recipient, release->recipient))
            return;
    }
    tell(retracting, &copy, copy.attempts > 0);
}

static void withdraw_all(struct retracting *retracting)
{
    const struct flow *flow = retracting->flow;
    struct store_message *copies;
    struct store_release *releases;
    size_t count = store_messages_of_record(flow->store, flow->arena, retracting->row.id, &copies);
    stop_copies(retracting, copies, count);
    size_t release_count = releases_of(retracting, &releases);
    retracting->report->recipients =
        arena_array(flow->arena, count + release_count, sizeof *retracting->report->recipients);
    for (size_t i = 0; i < release_count; i++) {
        drop_from_tray(retracting, &releases[i]);
        tell_by_tray(retracting, &releases[i], copies, count);
    }
    bool *went = arena_array(flow->arena, count, sizeof *went);
    for (size_t i = 0; i < count; i++)
        went[i] = release_may_have_gone(flow->store, flow->arena, &copies[i]);
    for (size_t i = 0; i < count; i++) {
        if (speaks_for_its_place(copies, went, count, i))
            tell(retracting, &copies[i], went[i]);
    }
}

static void note(const struct retracting *retracting)
{
    const struct flow *flow = retracting->flow;
    struct track_details details = {
        .by = retracting->by, .reason = retracting->code, .at_ms = flow->now_ms};
    struct store_audit noted = {
        .at_ms = flow->now_ms,
        .what = "retracted",
        .subject = retracting->row.number,
        .detail = retracting->code,
        .actor = retracting->by,
        .purpose = audit_purpose(retracting->row.kind),
        .client = store_client_row(flow->store, STORE_OWN, retracting->row.client)};
    audit_write(flow->store, &noted);
    if (retracting->referral.id != 0)
        track_note(flow->store, retracting->referral.id,
                   arena_print(flow->arena, "%s %s retracted", retracting->row.kind,
                               retracting->row.number),
                   &details);
}

bool flow_retract(const struct flow *flow, const char *id, const char *code, const char *by,
                  struct flow_retraction *ret_retraction, struct fault *ret_fault)
{
    struct retracting retracting = {.flow = flow, .code = code, .by = by, .report = ret_retraction};
    const char *wrong = reason_fault(flow->arena, REASON_OF_RETRACTION, code, NULL, true);
    *ret_retraction = (struct flow_retraction){.answer = FLOW_REFUSED};
    if (wrong != NULL)
        return fault_set(ret_fault, FAULT_usage, wrong);
    if (!find(&retracting, id, ret_fault))
        return false;
    bool is_known = retracting.row.retracted != NULL;
    *ret_retraction = (struct flow_retraction){.answer = is_known ? FLOW_KNOWN : FLOW_ACCEPTED,
                                               .kind = retracting.row.kind,
                                               .number = retracting.row.number,
                                               .code = is_known ? retracting.row.retracted : code};
    retracting.code = ret_retraction->code;
    if (retracting.row.referral != 0)
        store_get_referral(flow->store, flow->arena, retracting.row.referral, &retracting.referral);
    if (!is_known && !may_be_retracted(&retracting, ret_fault))
        return false;
    if (!is_known) {
        store_retract_record(flow->store, retracting.row.id, code, flow->now_ms);
        note(&retracting);
    }
    withdraw_all(&retracting);
    return true;
}
