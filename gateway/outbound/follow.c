/* follow: a clinic is with another partner than when a message for it was queued
 * (directory.csv says so): the message is taken back, and made anew for the partner that serves the
 * clinic now.
 *
 * Records go back through the tray (outbound/tray.c), which asks their consents anew. A move of a
 * referral is the same move for whoever carries it: it is read back from the message itself and
 * queued again in its turn. Runs inside a store transaction: when the settings have changed, and
 * before an attempt (attempt_claim). */
#include <string.h>

#include "certs/io/digest.h"
#include "fhir/json/tree.h"
#include "gateway/audit/actor.h"
#include "gateway/outbound/outbound.h"
#include "gateway/outbound/outbound_internal.h"
#include "gateway/outbound/outbox.h"

static const char *space_of(const struct flow *flow, const struct store_message *message,
                            const struct grant *grant)
{
    char *uuid = arena_alloc(flow->arena, DIGEST_UUID_TEXT);
    digest_uuid5(
        "https://refgate.invalid/message",
        arena_print(flow->arena, "%s|follows|%s", message->message_id, grant_partner(grant)), uuid);
    return uuid;
}

/* What MESSAGE, a move of ours, says. */
static bool read_move(const struct flow *flow, const struct store_message *message,
                      struct message_move *ret_move)
{
    struct setup_ids ids = {.space = "read back"};
    struct fhir_context context = setup_context(flow->setup, flow->arena, &ids);
    struct finding_list findings = finding_list_new(flow->arena);
    struct message_inbound read;
    size_t length;
    const char *body = store_message_bytes(flow->store, flow->arena, message, &length);
    const struct json *bundle = body == NULL ? NULL : tree_of_n(flow->arena, body, length);
    if (bundle == NULL || !message_read(&context, bundle, &read, &findings) ||
        read.content != MESSAGE_MOVE)
        return false;
    *ret_move = read.move;
    ret_move->by = actor_on_wire(read.move.by);
    return true;
}

static const struct json *made_anew(const struct flow *flow, const struct store_message *message,
                                    const struct store_referral *referral,
                                    const struct grant *grant)
{
    struct setup_ids ids = {.space = space_of(flow, message, grant)};
    struct fhir_context context = setup_context(flow->setup, flow->arena, &ids);
    struct message_move move;
    if (!read_move(flow, message, &move))
        return NULL;
    move.move = message->kind;
    move.referral = flow_message_referral(referral);
    move.from = flow->setup->config.org;
    move.to = grant_recipient(grant);
    move.authored_at = referral->authored_at;
    return message_of_move(&context, &move);
}

/* By a person; what a partner would not take, or never got, may go to the next. */
static bool is_kept_back(const struct store_message *message)
{
    return text_equal(message->state, "held") || (text_equal(message->state, "parked") &&
                                                  text_equal(message->cause, STORE_CAUSE_BY_HAND));
}

bool flow_follow(const struct flow *flow, struct store_message *message)
{
    struct store_referral referral;
    const char *ignored;
    if (track_find(message->kind) == NULL || message->record != 0 ||
        outbox_was_delivered(message) ||
        !store_get_referral(flow->store, flow->arena, message->referral, &referral))
        return false;
    const struct grant *grant = release_reply(flow->setup, flow->arena, &referral, &ignored);
    if (grant == NULL || text_equal(grant_partner(grant), message->partner))
        return false;
    const struct json *bundle = made_anew(flow, message, &referral, grant);
    if (bundle == NULL || !flow_is_valid(flow, grant_partner(grant), bundle, &ignored))
        return false;
    struct outbox_item item = {.bundle = bundle,
                               .kind = message->kind,
                               .referral = referral.id,
                               .turn = message->turn != 0 ? message->turn : message->id,
                               .moved_from = message->moved_from,
                               .is_held = is_kept_back(message),
                               .now_ms = clock_wall_ms(&flow->setup->clock)};
    outbox_withdraw(flow->store, flow->arena, message,
                    arena_print(flow->arena, "%s is with partner %s now, and it goes there",
                                message->recipient, grant_partner(grant)),
                    flow->now_ms);
    outbox_commit(flow->store, flow->arena, grant, &item);
    flow_note_partner(flow, &referral, grant_partner(grant));
    return true;
}

void flow_note_partner(const struct flow *flow, const struct store_referral *referral,
                       const char *partner)
{
    struct store_referral moved = *referral;
    if (text_equal(moved.partner, partner))
        return;
    moved.partner = partner;
    store_set_referral(flow->store, &moved);
}
