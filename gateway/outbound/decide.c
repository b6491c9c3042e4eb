/* decide: one record to one recipient: may it leave now, and as which message?
 *
 * Asked for a fresh record (outbound/send.c) and again for each row of the tray whenever something
 * has changed (outbound/tray.c, outbound/client.c). Runs inside a store transaction. */
#include <string.h>

#include "fhir/json/tree.h"
#include "gateway/audit/audit.h"
#include "gateway/exchange/build_message.h"
#include "gateway/outbound/outbound_internal.h"
#include "gateway/outbound/outbox.h"
#include "gateway/outbound/release.h"

/* ---- the message ---- */

/* False when there are some and they cannot be read: the record does not go without them. */
static bool attachments_of(const struct flow *flow, const struct flow_loaded *loaded,
                           const struct json **ret_list, const char **ret_reason)
{
    if (store_record_attachments(flow->store, flow->arena, &loaded->row, loaded->tree, ret_list))
        return true;
    *ret_reason = "its attachments cannot be read from the store, and it does not go without "
                  "them; see refgate check";
    return false;
}

/* The linked numbers of the client at the recipient go with the record (exactly those confirmed).
 */
static const struct json *with_links(const struct flow *flow, const struct flow_loaded *loaded,
                                     const char *recipient)
{
    const char **numbers;
    size_t count = store_links(flow->store, flow->arena, loaded->row.client, recipient, &numbers);
    if (count == 0)
        return loaded->tree;
    struct json *copy = json_copy(flow->arena, loaded->tree);
    struct json *list = json_get(copy, "client_other_ids");
    if (list == NULL)
        list = json_set(flow->arena, copy, "client_other_ids", json_new_list(flow->arena));
    for (size_t i = 0; i < count; i++) {
        bool is_there = false;
        for (struct json *item = json_first(list); item != NULL; item = json_next(item))
            is_there = is_there || (text_equal(json_get_text(item, "id"), numbers[i]) &&
                                    text_equal(json_get_text(item, "issued_by"), recipient));
        if (is_there)
            continue;
        struct json *item = json_push(list, json_new_object(flow->arena));
        json_set_text(flow->arena, item, "id", numbers[i]);
        json_set_text(flow->arena, item, "issued_by", recipient);
    }
    return copy;
}

/* What a corrected referral corrects may have been dropped before it left; then the partner knows
 * the referral at most by its number. */
static const struct json *with_known_number(const struct flow *flow,
                                            const struct flow_loaded *loaded,
                                            const struct json *tree, const char *recipient)
{
    const char *replaced = json_get_text(tree, "replaces_record_id");
    struct store_record row;
    struct store_release *dropped;
    if (!text_equal(loaded->row.kind, "referral") || replaced == NULL || loaded->referral.id == 0 ||
        !store_find_record(flow->store, flow->arena, loaded->row.clinic, "referral", replaced,
                           &row))
        return tree;
    size_t count = store_releases(flow->store, flow->arena, row.client, "dropped", &dropped);
    for (size_t i = 0; i < count; i++) {
        if (dropped[i].record != row.id || !text_equal(dropped[i].recipient, recipient))
            continue;
        struct json *copy = json_copy(flow->arena, tree);
        json_replace(flow->arena, copy, "replaces_record_id",
                     json_new_text(flow->arena, loaded->referral.number));
        return copy;
    }
    return tree;
}

/* The recipients' handles, as the tray row holds them ("osei;lindqvist"). */
static size_t split_handles(struct arena *arena, const char *list, const char ***ret_handles)
{
    char *rest = arena_copy(arena, list);
    const char **handles = arena_array(arena, strlen(list) / 2 + 1, sizeof *handles);
    size_t count = 0;
    for (char *next; rest != NULL; rest = next) {
        next = strchr(rest, ';');
        if (next != NULL)
            *next++ = '\0';
        handles[count++] = rest;
    }
    *ret_handles = handles;
    return count;
}

/* The message's row; 0 with the reason when we would not take such a message ourselves. */
static int64_t queue(const struct flow *flow, const struct flow_loaded *loaded,
                     const struct grant *grant, const char **ret_reason)
{
    const char **handles;
    const struct json *attachments;
    if (!attachments_of(flow, loaded, &attachments, ret_reason))
        return 0;
    struct message_referral referral = flow_message_referral(&loaded->referral);
    struct compose_item message = {
        .record = with_known_number(flow, loaded, with_links(flow, loaded, grant_recipient(grant)),
                                    grant_recipient(grant)),
        .sender = flow->setup->config.org,
        .clinics = grant_recipient(grant),
        .referral = loaded->referral.id == 0 ? NULL : &referral,
        .visits_total = (long)loaded->referral.visits_total,
        .consent = grant_consent(grant),
        .attachments = attachments,
        .taken_back = store_count_withdrawn(flow->store, loaded->row.id, grant_recipient(grant))};
    message.recipient_count = split_handles(flow->arena, grant_addressed_as(grant), &handles);
    message.recipients = handles;
    const struct json *bundle = compose_record(flow->setup, flow->arena, &message);
    if (!flow_is_valid(flow, grant_partner(grant), bundle, ret_reason))
        return 0;
    struct outbox_item item = {.bundle = bundle,
                               .kind = loaded->row.kind,
                               .referral = loaded->referral.id,
                               .record = loaded->row.id,
                               .turn = loaded->turn,
                               .is_held = loaded->is_held,
                               .by = json_get_text(loaded->tree, "written_by"),
                               .now_ms = clock_wall_ms(&flow->setup->clock)};
    return outbox_commit(flow->store, flow->arena, grant, &item);
}

/* ---- what it waits for ---- */

static void note_waiting(const struct flow *flow, const struct flow_loaded *loaded,
                         const struct store_release *release, const char *reason)
{
    struct track_details details = {.reason = reason, .at_ms = flow->now_ms};
    struct store_audit noted = {
        .at_ms = flow->now_ms,
        .what = "withheld",
        .subject = loaded->row.number,
        .detail = arena_print(flow->arena, "for %s: %s", release->recipient, reason),
        .actor = json_get_text(loaded->tree, "written_by"),
        .purpose = audit_purpose(loaded->row.kind),
        .client = store_client_row(flow->store, STORE_OWN, loaded->row.client)};
    audit_write(flow->store, &noted);
    if (loaded->referral.id != 0)
        track_note(flow->store, loaded->referral.id,
                   arena_print(flow->arena, "%s %s waits", loaded->row.kind, loaded->row.number),
                   &details);
}

/* A note to the placer goes behind our accept; when that was given up, the note waits for the next.
 */
static bool is_held_by_answer(const struct flow *flow, const struct flow_loaded *loaded,
                              struct store_release *release)
{
    const struct store_referral *referral = &loaded->referral;
    bool is_note = text_equal(loaded->row.kind, "progress-note") ||
                   text_equal(loaded->row.kind, "discharge-summary");
    bool is_unanswered = text_equal(referral->task_status, "requested") ||
                         text_equal(referral->task_status, "received");
    if (!is_note || !is_unanswered)
        return false;
    release->reason = arena_print(flow->arena,
                                  "referral %s stands as not accepted; accept it (again), then "
                                  "this goes behind it",
                                  referral->number);
    return true;
}

static bool is_in_tray(const struct flow *flow, const struct store_referral *referral)
{
    struct store_release *waiting;
    struct store_record row;
    size_t count = store_releases(flow->store, flow->arena, referral->client, "waiting", &waiting);
    for (size_t i = 0; i < count; i++) {
        if (store_get_record(flow->store, flow->arena, waiting[i].record, &row) &&
            row.referral == referral->id && text_equal(row.kind, "referral"))
            return true;
    }
    return false;
}

/* A try was made, and then it was taken back, or its clinic is with another partner now: whoever
 * gets RELEASE may not know the referral. */
static bool is_unknown_there(const struct flow *flow, const struct store_referral *referral,
                             const struct store_release *release)
{
    const struct partner *serves = setup_partner_of(flow->setup, release->recipient);
    bool is_elsewhere = serves != NULL && text_equal(release->recipient, referral->filler) &&
                        !text_equal(serves->name, referral->partner);
    bool is_requested = text_equal(referral->task_status, "requested");
    bool is_untaken = is_requested || text_equal(referral->task_status, "cancelled");
    return (is_untaken && is_elsewhere) || (is_requested && is_in_tray(flow, referral));
}

/* A referral that was cancelled before it left never leaves, and neither does what belongs to it;
 * nor does it leave again when it was taken back on its way and then cancelled. A note about a
 * referral that still waits waits behind it. */
static bool is_held_by_referral(const struct flow *flow, const struct flow_loaded *loaded,
                                struct store_release *release)
{
    const struct store_referral *referral = &loaded->referral;
    if (referral->id != 0 && track_ours(referral) == TRACK_FILLER)
        return is_held_by_answer(flow, loaded, release);
    bool is_referral = text_equal(loaded->row.kind, "referral");
    bool is_shared = text_equal(loaded->row.kind, "treatment-plan");
    if (referral->id == 0 || is_shared || track_ours(referral) != TRACK_PLACER)
        return false;
    bool is_cancelled = text_equal(referral->task_status, "cancelled");
    bool is_first = is_referral && text_equal(loaded->row.number, referral->number);
    bool is_open = track_unconfirmed_cancel(referral, flow->arena) != NULL;
    if (is_cancelled && (text_equal(referral->partner, "") || (is_first && !is_open))) {
        release->state = "dropped";
        release->reason = "its referral was cancelled before it was sent";
        return true;
    }
    if (is_cancelled && is_first) {
        release->reason = "its referral was cancelled; the partner has not answered that yet";
        return true;
    }
    if (is_referral ||
        (!text_equal(referral->task_status, "draft") && !is_unknown_there(flow, referral, release)))
        return false;
    release->reason = "its referral has not been sent yet";
    return true;
}

static bool is_retracted(const struct flow_loaded *loaded, struct store_release *release)
{
    if (loaded->row.retracted == NULL)
        return false;
    release->state = "dropped";
    release->reason = "it was retracted";
    return true;
}

static const char *doubt_left(const struct flow *flow, const struct flow_loaded *loaded,
                              const struct store_release *release)
{
    if (loaded->doubt == NULL || text_equal(loaded->doubt, release->confirmed_what))
        return NULL;
    return arena_print(flow->arena,
                       "%s: wrong client? If so: refgate tray drop %lld --by HANDLE, and write it "
                       "anew. If not: refgate tray confirm %lld --by HANDLE",
                       loaded->doubt, (long long)release->id, (long long)release->id);
}

/* It seems to be about another client than its referral, and nobody has said that it is not. The
 * names stand in the tray only, not in the track and the audit. */
static bool is_in_doubt(const struct flow *flow, const struct flow_loaded *loaded,
                        const struct release_consents *consents, struct store_release *release)
{
    const char *before = release->reason;
    const char *doubt = doubt_left(flow, loaded, release);
    struct release_refusal refusal = {NULL, 0};
    if (doubt == NULL)
        return false;
    bool is_free =
        release_record(flow->setup, flow->arena, loaded->tree, consents, release->recipient,
                       release->addressed_as, flow->now_ms, &refusal) != NULL;
    release->decided_ms = flow->now_ms;
    release->reason =
        is_free ? doubt
                : arena_print(flow->arena, "%s; then it still waits: %s", doubt, refusal.reason);
    if (!text_equal(release->reason, before))
        note_waiting(flow, loaded, release, "wrong client?");
    return true;
}

const char *flow_hold(const struct flow *flow, const struct store_release *waiting)
{
    struct flow_loaded loaded;
    struct store_release asked = *waiting;
    if (!text_equal(waiting->state, "waiting") || !flow_load(flow, waiting->record, &loaded))
        return NULL;
    return is_held_by_referral(flow, &loaded, &asked) ? asked.reason
                                                      : doubt_left(flow, &loaded, waiting);
}

/* ---- deciding ---- */

/* A referral's first message out of the gate makes it "requested". */
static void note_requested(const struct flow *flow, struct flow_loaded *loaded)
{
    const struct track_move *request = track_find("request");
    struct track_details details = {.by = json_get_text(loaded->tree, "written_by"),
                                    .at_ms = flow->now_ms};
    struct fault fault;
    if (text_equal(loaded->row.kind, "referral") &&
        track_allows(request, track_ours(&loaded->referral), &loaded->referral, flow->arena,
                     &fault))
        track_apply(flow->store, &loaded->referral, request, &details, flow->arena);
}

/* Which system has the referral: the one that its own message goes to. */
static void note_partner(const struct flow *flow, struct flow_loaded *loaded, const char *partner)
{
    bool is_own = text_equal(loaded->row.kind, "referral") && loaded->referral.id != 0;
    bool is_moved = is_own && !text_equal(loaded->referral.partner, partner);
    loaded->referral.partner = partner;
    if (is_moved)
        store_set_referral(flow->store, &loaded->referral);
}

bool flow_decide(const struct flow *flow, struct flow_loaded *loaded,
                 const struct release_consents *consents, struct store_release *release)
{
    const char *before = release->reason;
    struct release_refusal refusal = {NULL, 0};
    if (is_retracted(loaded, release) || is_held_by_referral(flow, loaded, release) ||
        is_in_doubt(flow, loaded, consents, release))
        return false;
    const struct grant *grant =
        release_record(flow->setup, flow->arena, loaded->tree, consents, release->recipient,
                       release->addressed_as, flow->now_ms, &refusal);
    int64_t message = grant == NULL ? 0 : queue(flow, loaded, grant, &refusal.reason);
    release->decided_ms = flow->now_ms;
    release->reason = message == 0 ? refusal.reason : NULL;
    release->again_ms = message == 0 ? refusal.again_ms : 0;
    if (message == 0) {
        if (!text_equal(release->reason, before))
            note_waiting(flow, loaded, release, release->reason);
        return false;
    }
    release->partner = grant_partner(grant);
    release->granted_to = grant_addressed_as(grant);
    release->consents = grant_consent_rows(grant);
    release->message = message;
    release->state = "sent";
    note_partner(flow, loaded, release->partner);
    note_requested(flow, loaded);
    flow_move_by_note(flow, loaded->tree, &loaded->referral); /* when it did not before */
    return true;
}
