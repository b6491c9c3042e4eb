/* outbox: puts messages into the store to be sent, and takes them back. See outbox.h.
 *
 * Message, track and audit are written in the caller's transaction; the commit is the caller's. */
#include "gateway/outbound/outbox.h"

#include <string.h>

#include "certs/io/digest.h"
#include "gateway/audit/audit.h"
#include "gateway/store/store.h"

bool outbox_was_delivered(const struct store_message *message)
{
    return text_equal(message->response_code, "ok");
}

static const struct json *header_of(const struct json *bundle)
{
    return json_find(bundle, "entry", "resource", NULL);
}

int64_t outbox_commit(struct store *store, struct arena *arena, const struct grant *grant,
                      const struct outbox_item *item)
{
    const struct json *header = header_of(item->bundle);
    const char *text = json_print(arena, item->bundle);
    struct store_message message = {.direction = "out",
                                    .partner = grant_partner(grant),
                                    .recipient = grant_recipient(grant),
                                    .message_id = json_get_text(header, "id"),
                                    .bundle_id = json_get_text(item->bundle, "id"),
                                    .event = json_get_text(json_get(header, "eventCoding"), "code"),
                                    .kind = item->kind,
                                    .referral = item->referral,
                                    .record = item->record,
                                    .turn = item->turn,
                                    .moved_from = item->moved_from,
                                    .state = item->is_held ? "held" : "queued",
                                    .due_ms = item->now_ms,
                                    .created_ms = item->now_ms};
    struct store_message queued;
    if (store_find_outbound(store, arena, message.message_id, &queued))
        return queued.id;
    digest_sha256(text, strlen(text), message.hash);
    message.payload = payload_put(store, text, strlen(text));
    int64_t id = store_add_message(store, &message);
    struct store_audit noted = {.at_ms = item->now_ms,
                                .what = "queued",
                                .partner = message.partner,
                                .subject = message.message_id,
                                .detail = grant_basis(grant),
                                .actor = item->by,
                                .purpose = audit_purpose(item->kind),
                                .client = store_client_of(store, &message)};
    audit_write(store, &noted);
    return id;
}

/* A referral that no attempt was ever made for is a draft again. */
static void unsend_referral(struct store *store, struct arena *arena,
                            const struct store_message *message)
{
    struct store_referral referral;
    if (!text_equal(message->kind, "referral") || store_was_tried(store, message->referral) ||
        !store_get_referral(store, arena, message->referral, &referral) ||
        !text_equal(referral.task_status, "requested"))
        return;
    referral.task_status = "draft";
    referral.partner = "";
    store_set_referral(store, &referral);
}

/* It has arrived, and was to go once more only because the partner may have lost it. */
static void leave_sent(struct store *store, struct arena *arena, struct store_message *message,
                       const char *reason)
{
    message->state = "sent";
    message->reason = arena_print(arena, "not sent again: %s", reason);
    store_set_message(store, message);
}

bool outbox_withdraw(struct store *store, struct arena *arena, struct store_message *message,
                     const char *reason, int64_t now_ms)
{
    struct store_release release;
    if (outbox_was_delivered(message)) {
        leave_sent(store, arena, message, reason);
        return false;
    }
    message->state = "withdrawn";
    message->reason = reason;
    message->settled_ms = now_ms;
    message->lived_ms = store_lived_ms(store);
    store_set_message(store, message);
    struct store_audit noted = {.at_ms = now_ms,
                                .what = "withheld",
                                .partner = message->partner,
                                .subject = message->message_id,
                                .detail = reason,
                                .purpose = audit_purpose(message->kind),
                                .client = store_client_of(store, message)};
    audit_write(store, &noted);
    unsend_referral(store, arena, message);
    if (!store_find_release(store, arena, message->id, &release))
        return true;
    release.message = 0;
    release.granted_to = NULL;
    release.consents = NULL;
    if (!text_equal(release.state, "dropped")) {
        release.state = "waiting";
        release.reason = reason;
        release.decided_ms = now_ms;
    }
    store_set_release(store, &release);
    return true;
}

/* A retraction, and a note given back, are about records that the partner has, wherever the
 * referral stands. */
static bool goes_all_the_same(const struct store_message *message, bool keeps_cancel)
{
    return text_equal(message->kind, RELEASE_RETRACTION) ||
           text_equal(message->kind, OUTBOX_RETURN) ||
           (keeps_cancel && text_equal(message->kind, "cancel"));
}

size_t outbox_withdraw_behind(struct store *store, struct arena *arena,
                              const struct store_message *message, bool keeps_cancel,
                              const char *reason, int64_t now_ms,
                              struct store_message **ret_withdrawn)
{
    size_t withdrawn = 0;
    size_t count = store_behind(store, arena, message, ret_withdrawn);
    for (size_t i = 0; i < count; i++) {
        struct store_message behind;
        /* one that stood behind another that was withdrawn just now is settled already */
        if (!store_get_message(store, arena, (*ret_withdrawn)[i].id, &behind) ||
            text_equal(behind.state, "withdrawn") || goes_all_the_same(&behind, keeps_cancel))
            continue;
        if (outbox_withdraw(store, arena, &behind, reason, now_ms))
            (*ret_withdrawn)[withdrawn++] = behind;
    }
    return withdrawn;
}

void outbox_withdraw_followers(struct store *store, struct arena *arena,
                               const struct store_message *message, int64_t now_ms)
{
    struct store_message *withdrawn;
    if (text_equal(message->kind, "referral") && message->referral != 0 &&
        !outbox_was_delivered(message))
        outbox_withdraw_behind(store, arena, message, true,
                               "its referral waits in the tray, and it waits behind it", now_ms,
                               &withdrawn);
}
