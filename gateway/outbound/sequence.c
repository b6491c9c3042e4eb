/* sequence: keeps the messages of a referral in order when one fails. See sequence.h. Inside the
 * caller's transaction, on the writer thread. */
#include "gateway/outbound/sequence.h"

#include <string.h>

#include "gateway/audit/audit.h"
#include "gateway/outbound/outbox.h"
#include "gateway/outbound/release.h"
#include "gateway/referral/track.h"

enum { EARLY_MAX = 5, MESSAGES_MAX = 1000 };

/* ---- too early ---- */

/* Newest first, as store_messages gives them. */
static size_t of_referral(struct store *store, struct arena *arena,
                          const struct store_message *message, const char *state,
                          struct store_message **ret_messages)
{
    struct store_message *all;
    size_t kept = 0;
    size_t count =
        store_messages(store, arena, "out", state, message->referral, MESSAGES_MAX, &all);
    for (size_t i = 0; i < count; i++) {
        if (text_equal(all[i].partner, message->partner))
            all[kept++] = all[i];
    }
    *ret_messages = all;
    return kept;
}

static int64_t turn_of(const struct store_message *message)
{
    return message->turn == 0 ? message->id : message->turn;
}

/* Those that may still go; the record of another may no longer be disclosed. */
static void send_again(struct store *store, const struct setup *setup, struct arena *arena,
                       const struct store_message *message, int64_t now_ms)
{
    struct store_message *sent;
    const char *reason;
    size_t count = of_referral(store, arena, message, "sent", &sent);
    for (size_t i = 0; i < count; i++) {
        if (turn_of(&sent[i]) >= turn_of(message) || sent[i].payload == 0 ||
            !release_again(setup, store, arena, &sent[i], now_ms, &reason))
            continue;
        sent[i].state = "queued";
        sent[i].due_ms = now_ms;
        sent[i].reason = arena_print(arena, "sent again: %s seems to lack it", message->partner);
        store_set_message(store, &sent[i]);
    }
}

/* The partner placed the referral and does not know it (any more): it must send it again. */
static bool has_lost_its_own(struct store *store, struct arena *arena,
                             const struct store_message *message)
{
    struct store_referral referral;
    return store_get_referral(store, arena, message->referral, &referral) &&
           track_ours(&referral) == TRACK_FILLER && message->response_issues != NULL &&
           strstr(message->response_issues, "\"not-found\"") != NULL;
}

bool sequence_wait(struct store *store, const struct setup *setup, struct arena *arena,
                   struct store_message *message, int64_t now_ms)
{
    const struct track_move *move = track_find(message->kind);
    bool is_question = move != NULL && move->bond == TRACK_ASKS;
    if (message->referral == 0 || is_question)
        return false;
    if (message->refusals++ == 0) {
        send_again(store, setup, arena, message, now_ms);
        return true;
    }
    return message->refusals <= EARLY_MAX || has_lost_its_own(store, arena, message);
}

/* ---- given up ---- */

bool sequence_is_certain(struct store *store, struct arena *arena,
                         const struct store_message *message)
{
    struct store_attempt *attempts;
    size_t count = store_attempts(store, arena, message->id, &attempts);
    for (size_t i = 0; i < count; i++) {
        bool is_refusal = attempts[i].status >= 400 && attempts[i].status < 500;
        if (!text_equal(attempts[i].outcome, "cannot-connect") && !is_refusal)
            return false;
    }
    return message->attempts <= (int64_t)count;
}

bool sequence_is_placing(struct store *store, struct arena *arena,
                         const struct store_message *message)
{
    struct store_message *sent;
    struct store_referral referral;
    if (!text_equal(message->kind, "referral") ||
        !store_get_referral(store, arena, message->referral, &referral) ||
        track_ours(&referral) != TRACK_PLACER)
        return false;
    size_t count = of_referral(store, arena, message, "sent", &sent);
    for (size_t i = 0; i < count; i++) {
        if (text_equal(sent[i].kind, "referral"))
            return false;
    }
    return true;
}

/* The Task state that a message of this kind from SIDE tells of; NULL: none. A placer's note moves
 * no Task. */
static const char *state_told(const char *kind, enum track_side side)
{
    const struct track_move *move = track_find(kind);
    if (move != NULL)
        return move->to;
    if (side == TRACK_FILLER && text_equal(kind, "progress-note"))
        return "in-progress";
    return side == TRACK_FILLER && text_equal(kind, "discharge-summary") ? "completed" : NULL;
}

/* Whether the referral stands where these messages of ours brought it, and not where the partner's
 * word did meanwhile. */
static bool stands_by_ours(const struct store_referral *referral, const struct store_message *given,
                           const struct store_message *behind, size_t count)
{
    enum track_side side = track_ours(referral);
    const char *told = state_told(given->kind, side);
    bool stands = told == NULL || told[0] == '\0' || text_equal(told, referral->task_status);
    for (size_t i = 0; i < count && !stands; i++)
        stands = text_equal(state_told(behind[i].kind, side), referral->task_status);
    return stands;
}

/* True when the referral stands elsewhere now. */
static bool put_back(struct store *store, struct arena *arena, const struct store_message *given,
                     bool is_placing, const struct store_message *behind, size_t count,
                     const struct track_details *details)
{
    struct store_referral referral;
    if (!store_get_referral(store, arena, given->referral, &referral))
        return false;
    if (is_placing && track_unconfirmed_cancel(&referral, arena) != NULL) {
        referral.partner = ""; /* who never had it has nothing that belongs to it either */
        track_cancel_answered(store, &referral, true, details, arena);
    } else if (is_placing && !track_is_over(referral.task_status)) {
        referral.partner = "";
        track_put_back(store, &referral, "draft", details, arena);
    } else if (!is_placing && given->moved_from != NULL &&
               stands_by_ours(&referral, given, behind, count)) {
        track_put_back(store, &referral, given->moved_from, details, arena);
    } else {
        return false;
    }
    return true;
}

/* "accept", or "progress-note N-20". */
static const char *named(struct store *store, struct arena *arena,
                         const struct store_message *message)
{
    struct store_record record;
    if (message->record == 0 || text_equal(message->kind, "referral") ||
        !store_get_record(store, arena, message->record, &record))
        return message->kind;
    return arena_print(arena, "%s %s", message->kind, record.number);
}

static const char *say(struct arena *arena, const char *given, size_t withdrawn, bool is_certain)
{
    const char *with =
        withdrawn == 0 ? "" : arena_print(arena, "; %zu after it withdrawn with it", withdrawn);
    return arena_print(arena, "%s given up%s%s", given,
                       is_certain ? "" : ", though it may have arrived", with);
}

void sequence_give_up(struct store *store, struct arena *arena, const struct store_message *message,
                      bool is_certain, const char *by, const char *reason, int64_t now_ms)
{
    const struct track_move *move = track_find(message->kind);
    bool places = message->referral != 0 && sequence_is_placing(store, arena, message);
    bool carries = places || (move != NULL && move->bond != TRACK_ALONE);
    struct track_details details = {
        .by = by, .reason = reason, .message = message->id, .at_ms = now_ms};
    struct store_message *behind = NULL;
    size_t count = 0;
    if (message->referral == 0)
        return;
    if (carries)
        count = outbox_withdraw_behind(
            store, arena, message, places && !is_certain,
            arena_print(arena, "what it follows (%s) was given up", message->kind), now_ms,
            &behind);
    bool is_back =
        carries && is_certain && put_back(store, arena, message, places, behind, count, &details);
    if (is_back || count > 0 || text_equal(message->state, "dropped"))
        track_note(store, message->referral,
                   say(arena, named(store, arena, message), count, is_certain), &details);
}

void sequence_drop(struct store *store, struct arena *arena, struct store_message *message,
                   const char *by, const char *reason, int64_t now_ms)
{
    struct store_release release;
    bool is_certain = sequence_is_certain(store, arena, message);
    message->state = "dropped";
    message->reason = reason;
    message->settled_ms = now_ms;
    store_set_message(store, message);
    audit_add(store, now_ms, "dropped", message->partner, message->message_id, reason);
    if (store_find_release(store, arena, message->id, &release)) {
        release.state = "dropped";
        release.reason = reason;
        release.decided_ms = now_ms;
        store_set_release(store, &release);
    }
    sequence_give_up(store, arena, message, is_certain, by, reason, now_ms);
}

bool sequence_first(struct store *store, struct arena *arena, const struct store_referral *referral,
                    struct store_message *ret_message)
{
    static const char *const waiting[] = {"parked", "held"};
    struct store_message *messages;
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        size_t count =
            store_messages(store, arena, "out", waiting[i], referral->id, MESSAGES_MAX, &messages);
        for (size_t k = 0; k < count; k++) {
            if (!sequence_is_placing(store, arena, &messages[k]))
                continue;
            *ret_message = messages[k];
            return true;
        }
    }
    return false;
}
