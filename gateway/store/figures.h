/* figures: counts over what the store holds, for /metrics. Part of the store's contract
 * (store/rows.h); for a reader's connection. */
#ifndef GATEWAY_STORE_FIGURES_H
#define GATEWAY_STORE_FIGURES_H

#include "gateway/store/rows.h"

/* Outbound messages that have not ended, by partner and state. */
struct store_waiting {
    const char *partner, *state; /* queued, sending, held or parked */
    int64_t count, oldest_ms;    /* oldest_ms: in lived time (lived.h) */
};
size_t store_count_waiting(struct store *store, struct arena *arena,
                           struct store_waiting **ret_waiting);

/* Partners to whom something was tried and has not arrived yet, for another reason than its order.
 */
struct store_failing {
    const char *partner;
    int64_t message, tries; /* the message that was tried most often */
};
size_t store_count_failing(struct store *store, struct arena *arena,
                           struct store_failing **ret_failing);
/* Messages of ours that partners refused and nobody has dismissed. */
int64_t store_count_rejected(struct store *store);

/* Referrals by our side and Task state; of them how many have not changed since the two times. */
struct store_standing {
    const char *role, *task_status;
    const char *abort_status; /* "requested": it is asked to be stopped; else NULL */
    int64_t count, unanswered, unmoved;
};
size_t store_count_standing(struct store *store, struct arena *arena, int64_t answer_before_ms,
                            int64_t step_before_ms, struct store_standing **ret_standing);
/* Records in the tray. */
int64_t store_count_tray(struct store *store);
/* Received records that wait to be matched. */
int64_t store_count_to_match(struct store *store);

#endif
