/* outbox: the outward hinge. Before the commit nothing is promised, after it nothing is forgotten.
 *
 * Called inside a store transaction. Message, track line and audit row go together; the transaction
 * of the caller makes them durable. */
#ifndef GATEWAY_OUTBOUND_OUTBOX_H
#define GATEWAY_OUTBOUND_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "fhir/json/json.h"
#include "gateway/outbound/release.h"
#include "gateway/outbound/sequence.h"
#include "gateway/store/store.h"

struct outbox_item {
    const struct json *bundle;
    const char *kind; /* record kind, or the move's word */
    int64_t referral, record;
    int64_t turn;           /* made anew: the turn of the message that it stands for; else 0 */
    const char *moved_from; /* of a move: where the Task stood before (track_standing), or NULL */
    bool is_held;           /* kept back until a person says */
    const char *by;         /* who made it leave (actor.h) */
    int64_t now_ms;         /* real time, not --now: retries and giving up count from it */
};

/* Queues the Bundle for the grant's partner; returns the message's row. The ids are read from the
 * Bundle; the same message twice is queued once and the row of the first is returned. */
int64_t outbox_commit(struct store *store, struct arena *arena, const struct grant *grant,
                      const struct outbox_item *item);
/* The kind under which a note that seems to be about another client is given back. */
#define OUTBOX_RETURN "return"

/* The partner has taken it; when it waits, it goes again because the partner may have lost it. */
bool outbox_was_delivered(const struct store_message *message);
/* A message that may no longer go: never sent, and its record waits in the tray again with the
 * reason, unless it was dropped there. False: it was delivered before, so it stays sent, and only
 * does not go again. */
bool outbox_withdraw(struct store *store, struct arena *arena, struct store_message *message,
                     const char *reason, int64_t now_ms);
/* What waits behind MESSAGE, of the same referral to the same clinic, may no longer go, oldest
 * first. KEEPS_CANCEL: a cancel goes all the same, because MESSAGE may have arrived. Returns how
 * many, with the list. */
size_t outbox_withdraw_behind(struct store *store, struct arena *arena,
                              const struct store_message *message, bool keeps_cancel,
                              const char *reason, int64_t now_ms,
                              struct store_message **ret_withdrawn);
/* MESSAGE was withdrawn and is not made anew. When it is the one that places a referral, the
 * partner could do nothing with what follows but refuse it. */
void outbox_withdraw_followers(struct store *store, struct arena *arena,
                               const struct store_message *message, int64_t now_ms);

#endif
