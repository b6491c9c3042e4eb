/* recall: rows about what a restored gateway asks of its partners, and is asked for. Part of the
 * store's contract (store/rows.h). */
#ifndef GATEWAY_STORE_RECALL_H
#define GATEWAY_STORE_RECALL_H

#include "gateway/store/rows.h"

enum { STORE_TOLD_MAX = 1000 }; /* of one partner */

/* The newest inbound message of a partner; NULL: it sent none. */
const char *store_last_inbound(struct store *store, struct arena *arena, const char *partner);
/* What was delivered to a partner since FROM_MS of lived time and can be sent again, oldest first.
 */
size_t store_delivered_since(struct store *store, struct arena *arena, const char *partner,
                             int64_t from_ms, struct store_message **ret_messages);
/* The newest referrals shared with a partner. */
size_t store_referrals_with(struct store *store, struct arena *arena, const char *partner,
                            size_t limit, struct store_referral **ret_referrals);

/* Referrals that the partner cancelled before they came: placer and number of each, newest first.
 */
size_t store_early_cancels_of(struct store *store, struct arena *arena, const char *partner,
                              size_t limit, struct store_referral **ret_referrals);

/* The epoch that was answered last; "" when there was none. *RET_AGAIN_MS: from when, in lived
 * time, another one is answered. */
const char *store_recalled(struct store *store, struct arena *arena, const char *partner,
                           int64_t *ret_again_ms);
void store_set_recalled(struct store *store, const char *partner, const char *epoch,
                        int64_t again_ms);

struct store_told {
    const char *partner, *placer, *number, *status, *ours;
    int64_t at_ms;
    const char *settled_by, *settled_why; /* a person has seen to it; NULL: nobody has */
    int64_t settled_ms;
};
/* Not more than STORE_TOLD_MAX of a partner that nobody has settled; what it says again replaces
 * what it said, and is settled no more unless it is the same. */
void store_add_told(struct store *store, const struct store_told *told);
/* The partner says now what stands here: what it said before is no difference any more. */
void store_drop_told(struct store *store, const char *partner, const char *placer,
                     const char *number);
/* Writes the three members about that. */
void store_settle_told(struct store *store, const struct store_told *told);
size_t store_told(struct store *store, struct arena *arena, struct store_told **ret_told);

#endif
