/* answers: what partners said about referrals, until it stands in records/in. Part of the store's
 * contract (store/rows.h). Added in the transaction that makes the move; read by the export. */
#ifndef GATEWAY_STORE_ANSWERS_H
#define GATEWAY_STORE_ANSWERS_H

#include "gateway/store/rows.h"

enum { STORE_ANSWERS_PAGE = 50 };

struct store_answer {
    int64_t id, referral;
    int64_t seq;        /* within the referral, from 1; the store's */
    const char *clinic; /* whose answer it is */
    const char *move;   /* a word of track.def */
    const char *by, *code, *reason;
    int64_t visits_done, visits_total, at_ms; /* visits as they stand after it */
};

void store_add_answer(struct store *store, const struct store_answer *answer);
/* At most STORE_ANSWERS_PAGE behind the row AFTER (0: from the oldest) whose files are missing,
 * oldest first. */
size_t store_unexported_answers(struct store *store, struct arena *arena, int64_t after,
                                struct store_answer **ret_answers);
void store_set_answer_exported(struct store *store, int64_t answer);

#endif
