/* inbox: takes a received message into the store, exactly once. See inbox.h.
 *
 * Parsing and comparing happen before the transaction. Inside it the ledger is asked first: a known
 * message gets its stored answer, one with the same id and other content is a conflict; only a new
 * one has an effect. On the writer thread. */
#include "gateway/inbound/inbox.h"

#include <string.h>

#include "certs/io/digest.h"
#include "fhir/record/record.h"
#include "gateway/audit/audit.h"
#include "gateway/inbound/acknowledge.h"
#include "gateway/inbound/effect.h"
#include "gateway/store/store.h"

/* Entries 1..n are compared: a sender that resends with a fresh header time has sent the same.
 * White space and member order do not count, number text does. */
static bool same_content(const struct json *one, const struct json *other)
{
    const struct json *left = json_first(json_get(one, "entry"));
    const struct json *right = json_first(json_get(other, "entry"));
    if (left == NULL || right == NULL)
        return false;
    left = json_next(left);
    right = json_next(right);
    while (left != NULL && right != NULL && json_same(left, right)) {
        left = json_next(left);
        right = json_next(right);
    }
    return left == NULL && right == NULL;
}

/* NULL: it is no JSON. */
static const struct json *parse(struct arena *arena, const char *body, size_t length)
{
    struct json_document document;
    struct json_fault fault;
    return json_parse(arena, body, length, NULL, &document, &fault) ? document.root : NULL;
}

enum likeness { SAME, OTHER, UNREADABLE };

static enum likeness compare(struct store *store, const struct inbox_item *item,
                             const struct store_message *seen)
{
    if (memcmp(item->ready.hash, seen->hash, STORE_HASH_BYTES) == 0)
        return SAME;
    size_t length;
    const char *body = store_message_bytes(store, item->arena, seen, &length);
    if (body == NULL)
        return seen->payload == 0 ? OTHER : UNREADABLE;
    const struct json *bundle =
        item->bundle != NULL ? item->bundle : parse(item->arena, item->body, item->length);
    return same_content(parse(item->arena, body, length), bundle) ? SAME : OTHER;
}

static enum inbox_outcome conflict(const struct inbox_item *item, const char *what, const char *id,
                                   struct fault *ret_fault)
{
    fault_set(
        ret_fault, FAULT_conflict,
        arena_print(item->arena,
                    "%s %s was used before for a message with other content; a changed message "
                    "needs new ids",
                    what, id));
    return INBOX_CONFLICT;
}

static enum inbox_outcome unreadable(const struct inbox_item *item, const char *id,
                                     struct fault *ret_fault)
{
    fault_set(ret_fault, FAULT_conflict,
              arena_print(item->arena,
                          "message %s came before in other bytes, and what came then can no longer "
                          "be read here, so nobody can say whether this one is the same; call us",
                          id));
    return INBOX_CONFLICT;
}

/* A Bundle without an id is known by its message's. */
static const char *bundle_id_of(const struct message_inbound *message)
{
    return message->bundle_id == NULL ? message->message_id : message->bundle_id;
}

/* What the ids of an answer are made of beside those of the message: what was answered before a
 * restore, or at an earlier judgement, may have been something else. */
static const char *mark_of(struct store *store, const struct inbox_item *item, int64_t judged)
{
    const char *epoch = store_epoch(store);
    if (judged == 0)
        return epoch[0] == '\0' ? NULL : epoch;
    return arena_print(item->arena, "%s/%lld", epoch, (long long)judged);
}

static struct store_message new_row(struct store *store, const struct inbox_item *item)
{
    const struct message_inbound *message = item->message;
    struct store_message row = {.direction = "in",
                                .partner = admission_partner(item->admission),
                                .recipient = message->sender,
                                .message_id = message->message_id,
                                .bundle_id = bundle_id_of(message),
                                .event = message->event == NULL ? "" : message->event,
                                .state = "done",
                                .due_ms = item->now_ms,
                                .created_ms = item->now_ms,
                                .settled_ms = item->now_ms,
                                .response_code = "ok",
                                .response_to = message->source_endpoint,
                                .answer_mark = mark_of(store, item, 0)};
    memcpy(row.hash, item->ready.hash, STORE_HASH_BYTES);
    return row;
}

/* Whom it is about. What was refused makes no client known. */
static int64_t client_row(struct store *store, const struct inbox_item *item,
                          const struct effect *effect, bool is_taken)
{
    const struct store_referral *referral = &effect->referral;
    bool is_ours = text_equal(referral->role, "placer");
    if (referral->id != 0)
        return store_client_row(store, is_ours ? STORE_OWN : referral->partner, referral->client);
    if (!is_taken || item->message->record == NULL)
        return 0;
    return store_client_row(store, admission_partner(item->admission),
                            json_get_text(item->message->record, "client_id"));
}

enum { LACKING_MAX = 200 }; /* bytes of its number, as recall.c takes them */

/* A partner names a referral that we placed, and it is not here: a backup may have lacked it. A
 * gateway that was never restored lacks nothing, whatever its partners say. */
static void remember_lacking(struct store *store, const struct inbox_item *item)
{
    const struct message_referral *named = &item->message->referral;
    struct store_told told = {.partner = admission_partner(item->admission),
                              .placer = named->placer,
                              .number = named->number,
                              .status = item->message->move.task_status,
                              .at_ms = item->now_ms};
    if (told.status == NULL)
        told.status = "known";
    bool is_ours = text_equal(named->placer, item->setup->config.org) && named->number != NULL &&
                   strlen(named->number) <= LACKING_MAX;
    if (is_ours && store_epoch(store)[0] != '\0')
        store_add_told(store, &told);
}

static void refuse(struct store *store, const struct inbox_item *item, const struct fault *refusal,
                   struct store_message *row)
{
    row->state = fault_is_of_order(refusal->kind) ? "early" : "refused";
    row->reason = fault_sentence(refusal);
    row->response_code = "fatal-error";
    row->response_issues = acknowledge_issue(item->arena, refusal);
    if (refusal->kind == FAULT_not_found)
        remember_lacking(store, item);
}

static void note(struct store *store, const struct inbox_item *item,
                 const struct store_message *row, const struct effect *effect,
                 enum fault_kind refused)
{
    bool is_taken = refused == FAULT_none;
    struct store_audit noted = {.at_ms = item->now_ms,
                                .what = is_taken ? "received" : "refused",
                                .partner = row->partner,
                                .subject = row->message_id,
                                .detail = is_taken ? row->kind : fault_name(refused),
                                .actor = item->message->sender,
                                .purpose = audit_purpose(row->kind),
                                .client = client_row(store, item, effect, is_taken)};
    audit_write(store, &noted);
}

static enum inbox_outcome take(struct store *store, const struct inbox_item *item,
                               struct store_message *ret_row)
{
    struct effect effect = {.referral.id = 0};
    struct fault refusal = {FAULT_none, NULL};
    struct store_message row = new_row(store, item);
    bool is_possible = effect_check(store, item, &effect, &refusal);
    row.kind = effect.kind == NULL ? "unknown" : effect.kind;
    row.referral = effect.referral.id;
    if (!is_possible) {
        refuse(store, item, &refusal, &row);
        effect_remember(store, item, &effect);
    }
    row.payload = payload_keep(store, item->body, item->length, item->ready.hash);
    row.id = store_next_message(store);
    if (is_possible)
        effect_apply(store, item, &effect, &row);
    store_add_message(store, &row);
    note(store, item, &row, &effect, is_possible ? FAULT_none : refusal.kind);
    *ret_row = row;
    return INBOX_TAKEN;
}

/* It came too early (gateway/runtime/fault.def, column order) and comes again: what was missing may
 * have come meanwhile. The row stays the same one; a new answer gets ids of its own. */
static enum inbox_outcome judge_again(struct store *store, const struct inbox_item *item,
                                      struct store_message *row)
{
    struct effect effect = {.referral.id = 0};
    struct fault refusal = {FAULT_none, NULL};
    bool is_possible = effect_check(store, item, &effect, &refusal);
    if (!is_possible && text_equal(row->reason, fault_sentence(&refusal)))
        return INBOX_REPLAY;
    row->attempts++;
    row->answer_mark = mark_of(store, item, row->attempts);
    row->settled_ms = item->now_ms;
    row->lived_ms = store_lived_ms(store);
    row->referral = effect.referral.id;
    if (is_possible) {
        row->state = "done";
        row->reason = NULL;
        row->response_code = "ok";
        row->response_issues = NULL;
        effect_apply(store, item, &effect, row);
    } else {
        refuse(store, item, &refusal, row);
    }
    store_set_message(store, row);
    note(store, item, row, &effect, is_possible ? FAULT_none : refusal.kind);
    return is_possible ? INBOX_TAKEN : INBOX_REPLAY;
}

void inbox_prepare(struct inbox_item *item)
{
    const struct message_inbound *message = item->message;
    digest_sha256(item->body, item->length, item->ready.hash);
    item->ready.is_made = true;
    if (message->content != MESSAGE_RECORD)
        return;
    if (json_get(message->record, "received_from") == NULL)
        json_set_text(item->arena, message->record, "received_from",
                      admission_partner(item->admission));
    item->ready.text = json_print(item->arena, message->record);
}

static void expect(struct store *store, const struct inbox_item *item)
{
    const struct message_inbound *message = item->message;
    struct store_expected expected = {.partner = admission_partner(item->admission),
                                      .message_id = message->message_id,
                                      .bundle_id = bundle_id_of(message),
                                      .clinic = message->sender,
                                      .kind = json_get_text(message->record, "record"),
                                      .number = json_get_text(message->record, "record_id"),
                                      .client = json_get_text(message->record, "client_id")};
    store_expect(store, &expected);
}

static enum inbox_outcome commit(struct store *store, const struct inbox_item *item,
                                 struct store_message *ret_row, struct fault *ret_fault)
{
    const struct message_inbound *message = item->message;
    const char *partner = admission_partner(item->admission);
    struct store_message seen;
    expect(store, item);
    if (store_find_inbound(store, item->arena, partner, message->message_id, &seen)) {
        enum likeness likeness = compare(store, item, &seen);
        if (likeness == UNREADABLE)
            return unreadable(item, message->message_id, ret_fault);
        if (likeness == OTHER)
            return conflict(item, "MessageHeader.id", message->message_id, ret_fault);
        *ret_row = seen;
        return text_equal(seen.state, "early") ? judge_again(store, item, ret_row) : INBOX_REPLAY;
    }
    if (store_find_inbound_bundle(store, item->arena, partner, bundle_id_of(message), &seen))
        return conflict(item, "Bundle.id", bundle_id_of(message), ret_fault);
    return take(store, item, ret_row);
}

enum inbox_outcome inbox_commit(struct store *store, const struct inbox_item *item,
                                struct store_message *ret_row, struct fault *ret_fault)
{
    struct inbox_item ready = *item;
    if (!ready.ready.is_made)
        inbox_prepare(&ready);
    return commit(store, &ready, ret_row, ret_fault);
}
