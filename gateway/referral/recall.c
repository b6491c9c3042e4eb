/* recall: asks partners to send again what a restored gateway lacks, and answers such a question.
 * See recall.h.
 *
 * What a partner says is noted as a difference for a person; it moves nothing. Inside a transaction
 * of the store. */
#include "gateway/referral/recall.h"

#include <string.h>

#include "base/text.h"
#include "certs/io/digest.h"
#include "gateway/audit/audit.h"
#include "gateway/referral/track.h"
#include "gateway/store/store.h"

enum { REFERRALS_MAX = 1000, TEXT_MAX = 200, HOUR_MS = 3600 * 1000, MESSAGE_MS = 100 };

/* ---- asking ---- */

static void set_parameter(struct arena *arena, struct json *list, const char *name,
                          const char *value)
{
    struct json *parameter = json_push(list, json_new_object(arena));
    json_set_text(arena, parameter, "name", name);
    json_set_text(arena, parameter, "valueString", value);
}

static struct json *new_parameters(struct arena *arena, struct json **ret_list)
{
    struct json *parameters = json_new_object(arena);
    json_set_text(arena, parameters, "resourceType", "Parameters");
    *ret_list = json_set(arena, parameters, "parameter", json_new_list(arena));
    return parameters;
}

/* THEIRS: the epoch of a partner that was restored, too, "" for none: what it sends since says
 * nothing of what we hold. */
static const char *question_to(struct store *store, struct arena *arena, const char *partner,
                               const char *theirs)
{
    struct json *list;
    struct json *parameters = new_parameters(arena, &list);
    const char *last = store_last_inbound(store, arena, partner);
    set_parameter(arena, list, "epoch", store_epoch(store));
    if (last != NULL && *theirs == '\0')
        set_parameter(arena, list, "after", last);
    return json_print(arena, parameters);
}

static bool ask_one(struct store *store, struct arena *arena, const char *org, const char *partner,
                    const char *theirs, int64_t now_ms)
{
    char id[DIGEST_UUID_TEXT];
    struct store_message seen;
    digest_uuid5("https://refgate.invalid/message",
                 arena_print(arena, "%s|%s|%s|%s%s%s", org, RECALL_KIND, store_epoch(store),
                             partner, *theirs == '\0' ? "" : "|", theirs),
                 id);
    if (store_epoch(store)[0] == '\0' || store_find_outbound(store, arena, id, &seen))
        return false;
    const char *text = question_to(store, arena, partner, theirs);
    struct store_message message = {.direction = "out",
                                    .partner = partner,
                                    .message_id = id,
                                    .bundle_id = id,
                                    .event = RECALL_KIND,
                                    .kind = RECALL_KIND,
                                    .recipient = partner,
                                    .state = "queued",
                                    .due_ms = now_ms,
                                    .created_ms = now_ms};
    digest_sha256(text, strlen(text), message.hash);
    message.payload = payload_put(store, text, strlen(text));
    store_add_message(store, &message);
    audit_add(store, now_ms, "queued", partner, id, "restored: what the backup lacked");
    return true;
}

size_t recall_ask(struct store *store, const struct setup *setup, struct arena *arena,
                  int64_t now_ms)
{
    size_t asked = 0;
    if (store_epoch(store)[0] == '\0')
        return 0; /* it was never restored */
    for (size_t i = 0; i < setup->partners.count; i++)
        asked +=
            ask_one(store, arena, setup->config.org, setup->partners.items[i].name, "", now_ms);
    return asked;
}

/* ---- answering ---- */

static const char *parameter_of(const struct json *parameters, const char *list, const char *name)
{
    const struct json *at = json_first(json_get(parameters, list));
    while (at != NULL && !text_equal(json_get_text(at, "name"), name))
        at = json_next(at);
    const char *value = at == NULL ? NULL : json_get_text(at, "valueString");
    return value == NULL || strlen(value) > TEXT_MAX ? NULL : value;
}

static size_t send_again(struct store *store, struct arena *arena, const char *partner,
                         const char *after, int64_t now_ms)
{
    struct store_message *delivered;
    struct store_message last;
    bool is_known = after != NULL && store_find_outbound(store, arena, after, &last) &&
                    text_equal(last.partner, partner);
    size_t count = store_delivered_since(store, arena, partner,
                                         is_known ? last.lived_ms - HOUR_MS : 0, &delivered);
    for (size_t i = 0; i < count; i++) {
        delivered[i].state = "queued";
        delivered[i].due_ms = now_ms;
        delivered[i].reason =
            arena_print(arena, "sent again: %s was restored from a backup", partner);
        store_set_message(store, &delivered[i]);
    }
    return count;
}

static void list_referral(struct arena *arena, struct json *list,
                          const struct store_referral *referral, const char *status)
{
    struct json *item = json_push(list, json_new_object(arena));
    json_set_text(arena, item, "name", "referral");
    struct json *parts = json_set(arena, item, "part", json_new_list(arena));
    set_parameter(arena, parts, "placer", referral->placer);
    set_parameter(arena, parts, "number", referral->number);
    set_parameter(arena, parts, "status", status);
}

static const char *answer_to(struct store *store, struct arena *arena, const char *partner,
                             size_t count)
{
    struct json *list;
    struct store_referral *referrals;
    struct json *parameters = new_parameters(arena, &list);
    set_parameter(arena, list, "count", arena_print(arena, "%zu", count));
    size_t shared = store_referrals_with(store, arena, partner, REFERRALS_MAX, &referrals);
    for (size_t i = 0; i < shared; i++)
        list_referral(arena, list, &referrals[i], referrals[i].task_status);
    size_t early = store_early_cancels_of(store, arena, partner, REFERRALS_MAX, &referrals);
    for (size_t i = 0; i < early && shared + i < REFERRALS_MAX; i++)
        list_referral(arena, list, &referrals[i], "cancelled");
    return json_print(arena, parameters);
}

bool recall_answer(struct store *store, struct arena *arena, const char *org, const char *partner,
                   const struct json *question, int64_t now_ms, const char **ret_answer,
                   struct fault *ret_fault)
{
    int64_t again_ms;
    size_t count = 0;
    const char *epoch = parameter_of(question, "parameter", "epoch");
    if (epoch == NULL)
        return fault_set(ret_fault, FAULT_unsupported,
                         "found no parameter epoch; expected Parameters with epoch and after");
    const char *seen = store_recalled(store, arena, partner, &again_ms);
    bool is_new = !text_equal(seen, epoch);
    if (is_new && seen[0] != '\0' && store_lived_ms(store) < again_ms)
        return fault_set(ret_fault, FAULT_too_many,
                         "found another restore while the answer to the last one is on its way");
    if (is_new) {
        count =
            send_again(store, arena, partner, parameter_of(question, "parameter", "after"), now_ms);
        store_set_recalled(store, partner, epoch,
                           store_lived_ms(store) + (int64_t)count * MESSAGE_MS);
        audit_add(store, now_ms, "sent-again", partner, epoch, arena_print(arena, "%zu", count));
        ask_one(store, arena, org, partner, epoch, now_ms);
    }
    *ret_answer = answer_to(store, arena, partner, count);
    return true;
}

/* ---- learning ---- */

static bool is_same(const char *ours, const char *theirs)
{
    bool is_received = text_equal(ours, "received") || text_equal(ours, "requested");
    return text_equal(ours, theirs) ||
           (is_received && (text_equal(theirs, "received") || text_equal(theirs, "requested")));
}

static bool learn_one(struct store *store, struct arena *arena, const char *partner,
                      const struct json *item, int64_t now_ms)
{
    struct store_referral ours;
    struct store_told told = {.partner = partner,
                              .placer = parameter_of(item, "part", "placer"),
                              .number = parameter_of(item, "part", "number"),
                              .status = parameter_of(item, "part", "status"),
                              .at_ms = now_ms};
    if (told.placer == NULL || told.number == NULL || told.status == NULL)
        return false;
    bool is_here = store_find_referral(store, arena, told.placer, told.number, &ours);
    bool is_elsewhere =
        is_here && !text_equal(ours.partner, "") && !text_equal(ours.partner, partner);
    if (is_elsewhere)
        return false;
    if (is_here && is_same(ours.task_status, told.status)) {
        store_drop_told(store, partner, told.placer, told.number);
        return false;
    }
    told.ours = is_here ? ours.task_status : NULL;
    store_add_told(store, &told);
    return true;
}

size_t recall_learn(struct store *store, struct arena *arena, const char *partner,
                    const struct json *answer, int64_t now_ms)
{
    size_t differing = 0;
    size_t seen = 0;
    const struct json *item = json_first(json_get(answer, "parameter"));
    for (; item != NULL && seen < REFERRALS_MAX + 1; item = json_next(item), seen++) {
        if (text_equal(json_get_text(item, "name"), "referral"))
            differing += learn_one(store, arena, partner, item, now_ms);
    }
    return differing;
}

/* ---- for a person ---- */

/* The partner has since taken the very move that brought the referral where it stands here. */
static bool has_followed(struct store *store, struct arena *arena,
                         const struct store_referral *ours, const struct store_told *told)
{
    struct store_message *sent;
    size_t count = store_messages(store, arena, "out", "sent", ours->id, REFERRALS_MAX, &sent);
    for (size_t i = 0; i < count; i++) {
        const struct track_move *move = track_find(sent[i].kind);
        if (move != NULL && text_equal(move->to, ours->task_status) &&
            sent[i].settled_ms >= told->at_ms)
            return true;
    }
    return false;
}

/* What was not here then and is now came anew: it stands where a referral begins. */
static bool differs_now(struct store *store, struct arena *arena, struct store_told *told)
{
    struct store_referral ours;
    const char *then = told->ours == NULL ? "requested" : told->ours;
    if (!store_find_referral(store, arena, told->placer, told->number, &ours))
        return told->ours == NULL;
    told->ours = ours.task_status;
    if (text_equal(ours.partner, "") &&
        track_ours(&ours) == TRACK_PLACER) /* it never left, for us */
        return !is_same(ours.task_status, told->status);
    return is_same(ours.task_status, then) && !is_same(ours.task_status, told->status) &&
           !has_followed(store, arena, &ours, told);
}

size_t recall_differences(struct store *store, struct arena *arena, struct store_told **ret_told)
{
    struct store_told *all;
    size_t kept = 0;
    size_t count = store_told(store, arena, &all);
    for (size_t i = 0; i < count; i++) {
        if (all[i].settled_ms == 0 && differs_now(store, arena, &all[i]))
            all[kept++] = all[i];
    }
    *ret_told = all;
    return kept;
}

const char *recall_advice(struct arena *arena, const struct store_told *told, const char *org)
{
    bool is_ours = text_equal(told->placer, org);
    if (told->ours == NULL && is_ours)
        return "send its record again (records/sent may hold the file)";
    if (told->ours == NULL)
        return arena_print(arena, "ask %s to send it again", told->partner);
    if (is_ours && text_equal(told->ours, "draft"))
        return arena_print(arena,
                           "it waits here and %s has it: let it go (refgate tray list), or cancel "
                           "it and tell %s by telephone",
                           told->partner, told->partner);
    if (track_is_over(told->ours))
        return arena_print(arena,
                           "it is closed here: call %s, so that it is closed there, too; then "
                           "refgate referrals settle %s",
                           told->partner, told->number);
    return is_ours ? arena_print(arena, "ask %s what was agreed, or cancel it", told->partner)
                   : arena_print(arena,
                                 "bring it to the state there (refgate referrals accept, start, "
                                 "...), or set it to that (refgate referrals settle %s --as-there)",
                                 told->number);
}
