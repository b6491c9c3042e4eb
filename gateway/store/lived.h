/* lived: time that a store has lived through, for waits and ages. Part of the store's contract
 * (store/rows.h).
 *
 * It starts as the wall clock stood when the store was first opened, goes on with the monotonic
 * clock while a process has the store open, and takes in at most an hour of the time between two of
 * them. So no setting of the wall clock makes anything older or younger. Parking, retention and
 * alarms about what waits count it; consent and validity, which are dates, never do. */
#ifndef GATEWAY_STORE_LIVED_H
#define GATEWAY_STORE_LIVED_H

#include "gateway/store/rows.h"

enum { LIVED_GAP_MAX_MS = 3600 * 1000 };

/* Any thread. A reader's is what the writer noted last, and what has passed since by the wall
 * clock. */
int64_t store_lived_ms(const struct store *store);
/* How far the wall clock stood behind the one of the last note when the store was opened; 0: it did
 * not. */
int64_t store_clock_set_back_ms(const struct store *store);
/* For tests and the simulator: so much time passes. */
void store_let_live(struct store *store, int64_t ms);

#endif
