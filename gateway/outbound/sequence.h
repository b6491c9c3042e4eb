/* sequence: the messages of one referral to one partner stand upon each other. What follows when
 * the partner says that one came too early, and when one is given up for good.
 *
 * Called by deliver.c and by the flow, inside a transaction of the store. A message that came too
 * early is tried again, behind all that went before it: a partner that was restored from a backup
 * has forgotten what we count as delivered, and takes it again; any other partner knows it by its
 * ids. A move that is given up takes with it what stood upon it, and the referral goes back to
 * where the partner still sees it. */
#ifndef GATEWAY_OUTBOUND_SEQUENCE_H
#define GATEWAY_OUTBOUND_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

/* The partner answered that MESSAGE came too early (its row is written by the caller): counts that,
 * and the first time queues again what was delivered before it. False: it came too early too often,
 * and counts as refused. */
bool sequence_wait(struct store *store, const struct setup *setup, struct arena *arena,
                   struct store_message *message, int64_t now_ms);
/* MESSAGE has been given up (its state says so): withdraws what stood upon it and puts the referral
 * back. IS_CERTAIN: the partner has not taken it. BY: who gave it up. */
void sequence_give_up(struct store *store, struct arena *arena, const struct store_message *message,
                      bool is_certain, const char *by, const char *reason, int64_t now_ms);
/* False when an earlier try may have reached the partner. */
bool sequence_is_certain(struct store *store, struct arena *arena,
                         const struct store_message *message);
/* Of a message that waits for a person or its turn: it never goes. Its record leaves the tray, too.
 */
void sequence_drop(struct store *store, struct arena *arena, struct store_message *message,
                   const char *by, const char *reason, int64_t now_ms);
/* MESSAGE places its referral: the partner has taken none of its kind. */
bool sequence_is_placing(struct store *store, struct arena *arena,
                         const struct store_message *message);
/* The message that places this referral, while the partner has not taken it and it waits. */
bool sequence_first(struct store *store, struct arena *arena, const struct store_referral *referral,
                    struct store_message *ret_message);

#endif
