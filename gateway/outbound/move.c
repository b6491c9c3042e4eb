/* move: finding a referral, moving it, and telling the partner. Runs inside a store
 * transaction. */
#include <string.h>

#include "certs/io/digest.h"
#include "fhir/codes/reason.h"
#include "fhir/json/tree.h"
#include "gateway/audit/actor.h"
#include "gateway/exchange/check_message.h"
#include "gateway/outbound/outbound.h"
#include "gateway/outbound/outbound_internal.h"
#include "gateway/outbound/outbox.h"
#include "gateway/outbound/release.h"
#include "gateway/outbound/sequence.h"
#include "gateway/store/store.h"

enum { SUGGESTIONS_MAX = 1000 };

/* ---- by number, as a person types it ---- */

/* "lakeside:R-1" -> "lakeside" and "R-1"; no colon: no clinic. */
static const char *split_id(struct arena *arena, const char *id, const char **ret_clinic)
{
    const char *colon = strchr(id, ':');
    *ret_clinic = NULL;
    if (colon == NULL)
        return id;
    *ret_clinic = arena_copy_n(arena, id, (size_t)(colon - id));
    return colon + 1;
}

/* By the number of a record that corrected one. */
static bool find_corrected(const struct flow *flow, const char *placer, const char *number,
                           struct store_referral *ret_referral)
{
    struct store_record record;
    return store_find_record(flow->store, flow->arena, placer, "referral", number, &record) &&
           store_get_referral(flow->store, flow->arena, record.referral, ret_referral);
}

bool flow_find_placed(const struct flow *flow, const char *placer, const char *number,
                      struct store_referral *ret_referral)
{
    return store_find_referral(flow->store, flow->arena, placer, number, ret_referral) ||
           find_corrected(flow, placer, number, ret_referral);
}

/* Those that CLINIC (NULL: any) placed, of COUNT; returns how many. */
static size_t keep_placed(struct store_referral *referrals, size_t count, const char *clinic)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (clinic == NULL || text_equal(referrals[i].placer, clinic))
            referrals[kept++] = referrals[i];
    }
    return kept;
}

static bool has_placed(const struct store_referral *referrals, size_t count, const char *clinic)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(referrals[i].placer, clinic))
            return true;
    }
    return false;
}

/* What we fill and gave this number. */
static bool find_filled_here(const struct flow *flow, const char *number,
                             struct store_referral *ret_referral)
{
    struct store_referral *filled;
    size_t count = store_referrals_filled(flow->store, flow->arena, number, &filled);
    for (size_t i = 0; i < count; i++) {
        *ret_referral = filled[i];
        if (track_ours(&filled[i]) == TRACK_FILLER)
            return true;
    }
    return false;
}

/* Referrals with this number. Numbers that we gave go first, as placer or as filler, then those
 * of other placers, of records that corrected one, and only then those of other fillers: anybody
 * may give a number that is taken. */
static size_t referrals_called(const struct flow *flow, const char *clinic, const char *number,
                               struct store_referral **ret_referrals)
{
    const char *placer = clinic == NULL ? flow->setup->config.org : clinic;
    size_t count = store_referrals_numbered(flow->store, flow->arena, number, ret_referrals);
    count = keep_placed(*ret_referrals, count, clinic);
    struct store_referral ours;
    if (count > 0 && clinic == NULL && !has_placed(*ret_referrals, count, placer) &&
        find_filled_here(flow, number, &ours)) {
        (*ret_referrals)[0] = ours;
        return 1;
    }
    if (count > 0)
        return count;
    *ret_referrals = arena_alloc(flow->arena, sizeof **ret_referrals);
    if (find_corrected(flow, placer, number, *ret_referrals))
        return 1;
    if (find_filled_here(flow, number, *ret_referrals)) /* a partner may give the same to another */
        return keep_placed(*ret_referrals, 1, clinic);
    count = store_referrals_filled(flow->store, flow->arena, number, ret_referrals);
    return keep_placed(*ret_referrals, count, clinic);
}

size_t flow_referrals_called(const struct flow *flow, const char *id,
                             struct store_referral **ret_referrals)
{
    const char *clinic;
    const char *number = split_id(flow->arena, id, &clinic);
    return referrals_called(flow, clinic, number, ret_referrals);
}

/* Of several with one number those on the side that MOVE is for (NULL: any move), if there are any;
 * then our own, whoever else uses our number. */
static size_t narrow(const struct flow *flow, const struct track_move *move,
                     struct store_referral *referrals, size_t count)
{
    size_t fitting = 0;
    for (size_t i = 0; move != NULL && i < count; i++) {
        if (track_ours(&referrals[i]) != move->who)
            continue;
        struct store_referral fits = referrals[i];
        referrals[i] = referrals[fitting];
        referrals[fitting++] = fits;
    }
    count = fitting > 0 ? fitting : count;
    for (size_t i = 0; count > 1 && i < count; i++) {
        if (!text_equal(referrals[i].placer, flow->setup->config.org))
            continue;
        referrals[0] = referrals[i];
        return 1;
    }
    return count;
}

static bool find_called(const struct flow *flow, const char *id, const struct track_move *move,
                        struct store_referral *ret_referral, struct fault *ret_fault)
{
    const char *clinic;
    struct store_referral *matches;
    const char *number = split_id(flow->arena, id, &clinic);
    size_t count = referrals_called(flow, clinic, number, &matches);
    if (count == 0 &&
        clinic != NULL) /* a partner's number may hold a colon; a clinic's goes first */
        count = store_referrals_numbered(flow->store, flow->arena, id, &matches);
    if (count > 1)
        count = narrow(flow, move, matches, count);
    if (count == 1) {
        *ret_referral = matches[0];
        return true;
    }
    if (count == 0)
        return fault_set(
            ret_fault, FAULT_not_found,
            arena_print(flow->arena,
                        "found no referral %s; expected a number of refgate referrals list", id));
    return fault_set(ret_fault, FAULT_not_found,
                     arena_print(flow->arena,
                                 "found %zu referrals %s; expected the clinic before it: "
                                 "%s:%s or %s:%s",
                                 count, number, matches[0].placer, matches[0].number,
                                 matches[1].placer, matches[1].number));
}

bool flow_find_referral(const struct flow *flow, const char *id,
                        struct store_referral *ret_referral, struct fault *ret_fault)
{
    return find_called(flow, id, NULL, ret_referral, ret_fault);
}

bool flow_find_to_move(const struct flow *flow, const char *id, const char *word,
                       struct store_referral *ret_referral, struct fault *ret_fault)
{
    return find_called(flow, id, track_find(word), ret_referral, ret_fault);
}

/* ---- for record checks ---- */

static const struct json *referral_record(const struct flow *flow,
                                          const struct store_referral *referral, const char *number)
{
    struct store_record row;
    struct store_record full;
    if (!store_find_record(flow->store, flow->arena, referral->placer, "referral", number, &row) ||
        !store_get_record(flow->store, flow->arena, row.id, &full))
        return NULL;
    return tree_of(flow->arena, full.text);
}

/* The record helper decides among these trees: the same rules as for files given to `map`. */
static enum record_lookup ask(const struct flow *flow, const struct store_referral *referrals,
                              size_t count, const char *number, const struct json *record,
                              const char *id, struct record_referral *ret_referral,
                              const char **ret_nearest)
{
    const struct json **trees = arena_array(flow->arena, count + 1, sizeof *trees);
    const char **placers = arena_array(flow->arena, count + 1, sizeof *placers);
    struct record_known known = {
        .directory = flow->setup->directory, .referrals = trees, .placers = placers};
    for (size_t i = 0; i < count; i++) {
        const char *called = number == NULL ? referrals[i].number : number;
        const struct json *tree = referral_record(flow, &referrals[i], called);
        if (tree == NULL)
            continue;
        placers[known.count] = referrals[i].placer;
        trees[known.count++] = tree;
    }
    struct record_referrals lookup = record_referrals_of(&known);
    return lookup.find(lookup.context, flow->arena, record, id, ret_referral, ret_nearest);
}

/* The number of another client's referral may be right and the client wrong: the record is taken
 * and waits in the tray until a person has looked (outbound/client.c). */
static bool may_be_wrong_client(enum record_lookup answer, const struct json *record,
                                const char *id, const struct record_referral *found)
{
    return answer == RECORD_OTHER_CLIENT && found->number != NULL &&
           text_equal(json_get_text(record, "referral_id"), id);
}

static enum record_lookup find(void *context, struct arena *arena, const struct json *record,
                               const char *id, struct record_referral *ret_referral,
                               const char **ret_nearest)
{
    struct flow_lookup *lookup = context;
    const struct flow *flow = lookup->flow;
    struct record_referral found = {.number = NULL};
    const char *clinic;
    struct store_referral *matches;
    const char *number = split_id(arena, id, &clinic);
    size_t count = referrals_called(flow, clinic, number, &matches);
    enum record_lookup answer = ask(flow, matches, count, number, record, id, &found, ret_nearest);
    if (may_be_wrong_client(answer, record, id, &found))
        answer = RECORD_FOUND;
    if (answer == RECORD_FOUND) {
        for (size_t i = 0; i < count; i++) {
            if (text_equal(matches[i].placer, found.placer))
                found.filler = matches[i].filler;
        }
        *ret_referral = lookup->found = found;
    } else if (answer == RECORD_UNKNOWN) {
        count = store_referrals(flow->store, arena, &matches);
        size_t from = count > SUGGESTIONS_MAX ? count - SUGGESTIONS_MAX : 0;
        ask(flow, matches + from, count - from, NULL, record, id, &found, ret_nearest);
    }
    return answer;
}

struct flow_lookup *flow_lookup_new(const struct flow *flow)
{
    struct flow_lookup *lookup = arena_alloc(flow->arena, sizeof *lookup);
    lookup->flow = flow;
    lookup->referrals.find = find;
    lookup->referrals.context = lookup;
    return lookup;
}

/* ---- telling the partner ---- */

bool flow_is_valid(const struct flow *flow, const char *partner, const struct json *bundle,
                   const char **ret_reason)
{
    struct issue_list issues = issue_list_new(flow->arena);
    const struct partner *asks = folder_partner(&flow->setup->partners, partner);
    if (flow->validator == NULL ||
        conform_bundle(flow->validator, flow->arena, flow->setup, asks, NULL, bundle, &issues))
        return true;
    const struct issue *first = issues.items;
    while (first->severity > ISSUE_ERROR)
        first++;
    *ret_reason =
        arena_print(flow->arena,
                    "the message made of it breaks a rule of FHIR, so it is not sent (%s: %s); "
                    "please report this",
                    first->path, issue_sentence(flow->arena, first));
    return false;
}

struct message_referral flow_message_referral(const struct store_referral *referral)
{
    struct message_referral named = {
        .placer = referral->placer,
        .number = referral->number,
        .filler = referral->filler,
        .filler_number = referral->filler_number,
        .client_number = text_equal(referral->client, "") ? NULL : referral->client};
    return named;
}

/* The nth message about this referral in this epoch: so that a second "progress" is another
 * message, and so is one made after a restore, whatever was nth before. */
static const char *move_space(const struct flow *flow, const struct store_referral *referral,
                              const char *word)
{
    struct store_event *events;
    const char *epoch = store_epoch(flow->store);
    size_t count = store_events(flow->store, flow->arena, referral->id, &events);
    char *uuid = arena_alloc(flow->arena, DIGEST_UUID_TEXT);
    digest_uuid5("https://refgate.invalid/message",
                 arena_print(flow->arena, "%s|%s|%s|%s|%zu%s%s", flow->setup->config.org,
                             referral->placer, referral->number, word, count,
                             epoch[0] == '\0' ? "" : "|", epoch),
                 uuid);
    return uuid;
}

static const char *count_text(struct arena *arena, int64_t count)
{
    return count > 0 ? arena_print(arena, "%lld", (long long)count) : NULL;
}

bool flow_tell(const struct flow *flow, const struct store_referral *referral, const char *word,
               const struct track_details *details, const char *moved_from, struct fault *ret_fault)
{
    const char *reason;
    const struct grant *grant = release_reply(flow->setup, flow->arena, referral, &reason);
    if (grant == NULL)
        return fault_set(ret_fault, FAULT_forbidden, reason);
    struct setup_ids ids = {.space = move_space(flow, referral, word)};
    struct fhir_context context = setup_context(flow->setup, flow->arena, &ids);
    bool counts = text_equal(word, "progress") || text_equal(word, "complete");
    struct message_move move = {
        .move = word,
        .referral = flow_message_referral(referral),
        .from = flow->setup->config.org,
        .to = grant_recipient(grant),
        .by = actor_on_wire(details->by),
        .at = clock_text(flow->arena, flow->now_ms),
        .task_status = referral->task_status,
        .reason_code = details->reason_code,
        .reason = details->reason,
        .visits_done = counts ? count_text(flow->arena, referral->visits_done) : NULL,
        .visits_total = counts ? count_text(flow->arena, referral->visits_total) : NULL,
        .authored_at = referral->authored_at};
    const struct json *bundle = message_of_move(&context, &move);
    if (!flow_is_valid(flow, grant_partner(grant), bundle, &reason))
        return fault_set(ret_fault, FAULT_internal, reason);
    struct outbox_item item = {.bundle = bundle,
                               .kind = word,
                               .referral = referral->id,
                               .by = details->by,
                               .moved_from = moved_from,
                               .now_ms = clock_wall_ms(&flow->setup->clock)};
    outbox_commit(flow->store, flow->arena, grant, &item);
    flow_note_partner(flow, referral, grant_partner(grant));
    return true;
}

void flow_tell_instead(const struct flow *flow, const struct store_message *withdrawn)
{
    struct store_referral referral;
    struct track_details details = {.at_ms = flow->now_ms};
    struct fault fault;
    bool is_note = text_equal(withdrawn->kind, "progress-note") ||
                   text_equal(withdrawn->kind, "discharge-summary");
    outbox_withdraw_followers(flow->store, flow->arena, withdrawn, flow->now_ms);
    if (!is_note || !store_get_referral(flow->store, flow->arena, withdrawn->referral, &referral) ||
        track_ours(&referral) != TRACK_FILLER)
        return;
    bool is_over = text_equal(referral.task_status, "completed");
    if (is_over || text_equal(referral.task_status, "in-progress"))
        flow_tell(flow, &referral, is_over ? "complete" : "start", &details, NULL, &fault);
}

/* It may have reached the partner, so the partner is told that it is taken back. */
static bool cancel_unsure(const struct flow *flow, int64_t referral_row, const char *reason,
                          struct fault *ret_fault)
{
    struct store_referral referral;
    const struct track_move *cancel = track_find("cancel");
    struct track_details details = {.reason = reason, .at_ms = flow->now_ms};
    if (!store_get_referral(flow->store, flow->arena, referral_row, &referral) ||
        track_is_over(referral.task_status))
        return true;
    if (!track_allows(cancel, TRACK_PLACER, &referral, flow->arena, ret_fault))
        return false;
    track_apply(flow->store, &referral, cancel, &details, flow->arena);
    return flow_tell(flow, &referral, cancel->word, &details, NULL, ret_fault);
}

bool flow_give_up(const struct flow *flow, struct store_message *message, const char *by,
                  const char *reason, struct fault *ret_fault)
{
    bool is_certain = sequence_is_certain(flow->store, flow->arena, message);
    bool places = sequence_is_placing(flow->store, flow->arena, message);
    sequence_drop(flow->store, flow->arena, message, by, reason, flow->now_ms);
    return !places || is_certain || cancel_unsure(flow, message->referral, reason, ret_fault);
}

/* A move that was given up or refused was undone here, and a referral may have been closed since:
 * sent again as it was, it would leave the two sides apart. */
static bool is_undone(const struct flow *flow, const struct store_message *message,
                      struct fault *ret_fault)
{
    struct store_referral referral;
    const struct track_move *move = track_find(message->kind);
    bool has_ended =
        text_equal(message->state, "dropped") || text_equal(message->state, "rejected");
    if (!has_ended || message->referral == 0 ||
        !store_get_referral(flow->store, flow->arena, message->referral, &referral))
        return false;
    bool is_closed = text_equal(message->kind, "referral") && track_is_over(referral.task_status);
    bool stands = move == NULL || move->bond == TRACK_ALONE || move->to[0] == '\0' ||
                  text_equal(move->to, referral.task_status);
    if (!is_closed && stands)
        return false;
    const char *advice =
        is_closed ? "write a new referral"
                  : arena_print(flow->arena, "make the move again: refgate referrals %s %s",
                                track_command(move), referral.number);
    return !fault_set(ret_fault, FAULT_illegal_move,
                      arena_print(flow->arena,
                                  "message %lld (%s) was %s, and referral %s is %s now; %s",
                                  (long long)message->id, message->kind, message->state,
                                  referral.number, referral.task_status, advice));
}

/* The partner took it and gave it back: it keeps those bytes and its answer, whatever we send. */
static bool is_returned(const struct flow *flow, const struct store_message *message,
                        struct fault *ret_fault)
{
    struct store_record record = {.number = ""};
    if (!text_equal(message->state, "rejected") || message->record == 0 ||
        !text_equal(message->cause, STORE_CAUSE_RETURNED))
        return false;
    store_get_record(flow->store, flow->arena, message->record, &record);
    return !fault_set(ret_fault, FAULT_illegal_move,
                      arena_print(flow->arena,
                                  "message %lld (%s %s) was given back by %s, which takes it for "
                                  "another client's: sent again it gets the same answer; write it "
                                  "anew, about the right client and with a number of its own",
                                  (long long)message->id, message->kind, record.number,
                                  message->recipient));
}

bool flow_resend(const struct flow *flow, struct store_message *message, const char *reason,
                 struct fault *ret_fault)
{
    struct store_referral referral;
    if (is_undone(flow, message, ret_fault) || is_returned(flow, message, ret_fault))
        return false;
    struct store_release release;
    const struct track_move *request = track_find("request");
    struct track_details details = {.message = message->id, .at_ms = flow->now_ms};
    struct fault fault;
    message->state = "queued";
    message->reason = reason;
    message->cause = NULL;
    message->due_ms = clock_wall_ms(&flow->setup->clock);
    message->lived_ms = store_lived_ms(flow->store);
    message->refusals = 0;
    store_set_message(flow->store, message);
    if (store_find_release(flow->store, flow->arena, message->id, &release) &&
        text_equal(release.state, "dropped")) {
        release.state = "sent";
        release.reason = NULL;
        store_set_release(flow->store, &release);
    }
    if (!text_equal(message->kind, "referral") ||
        !store_get_referral(flow->store, flow->arena, message->referral, &referral) ||
        !track_allows(request, track_ours(&referral), &referral, flow->arena, &fault))
        return true;
    referral.partner = message->partner;
    track_apply(flow->store, &referral, request, &details, flow->arena);
    return true;
}

/* ---- our own moves ---- */

/* A draft was never sent, so there is nobody to tell. */
static bool is_known_to_partner(const char *status_before)
{
    return !text_equal(status_before, "draft");
}

static bool is_reason_right(const struct flow *flow, const struct track_move *move,
                            const struct track_details *details, struct fault *ret_fault)
{
    bool takes_one = move->reason != TRACK_REASON_NONE;
    if (!takes_one && (details->reason_code != NULL || details->reason != NULL))
        return fault_set(ret_fault, FAULT_usage,
                         arena_print(flow->arena, "--reason: %s takes none", move->word));
    const char *wrong = reason_fault(flow->arena, REASON_OF_MOVE, details->reason_code,
                                     details->reason, move->reason == TRACK_REASON_MUST);
    return wrong == NULL || fault_set(ret_fault, FAULT_usage, wrong);
}

/* A referral that is cancelled before the partner has it never leaves. When it may have arrived,
 * the partner is told. */
static void drop_unplaced(const struct flow *flow, struct store_referral *referral, const char *by)
{
    struct store_message first;
    if (track_ours(referral) != TRACK_PLACER ||
        !sequence_first(flow->store, flow->arena, referral, &first))
        return;
    sequence_drop(flow->store, flow->arena, &first, by, "its referral was cancelled", flow->now_ms);
    store_get_referral(flow->store, flow->arena, referral->id, referral);
}

/* Notes that were withdrawn with a move that was given up may go now that it was made again. */
static void release_again_behind(const struct flow *flow, const struct store_referral *referral)
{
    struct store_message *withdrawn;
    struct store_record record;
    size_t count = track_ours(referral) == TRACK_FILLER
                       ? store_messages(flow->store, flow->arena, "out", "withdrawn", referral->id,
                                        1, &withdrawn)
                       : 0;
    if (count > 0 && withdrawn[0].record != 0 &&
        store_get_record(flow->store, flow->arena, withdrawn[0].record, &record))
        flow_reconsider(flow, record.client);
}

bool flow_move(const struct flow *flow, const char *id, const char *word,
               const struct track_details *details, struct store_referral *ret_referral,
               struct fault *ret_fault)
{
    const struct track_move *move = track_find(word);
    struct track_details full = *details;
    full.at_ms = flow->now_ms;
    if (!flow_find_to_move(flow, id, word, ret_referral, ret_fault) ||
        !track_allows(move, track_ours(ret_referral), ret_referral, flow->arena, ret_fault) ||
        !is_reason_right(flow, move, &full, ret_fault))
        return false;
    if (text_equal(word, "cancel"))
        drop_unplaced(flow, ret_referral, full.by);
    const char *before = ret_referral->task_status;
    const char *standing = track_standing(flow->arena, ret_referral);
    track_apply(flow->store, ret_referral, move, &full, flow->arena);
    if (is_known_to_partner(before) &&
        !flow_tell(flow, ret_referral, word, &full, standing, ret_fault))
        return false;
    release_again_behind(flow, ret_referral);
    return true;
}
