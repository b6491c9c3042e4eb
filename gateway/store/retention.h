/* retention: taking out of a store what has had its time. Part of the store's contract
 * (store/rows.h).
 *
 * A reader finds what is old, page by page; the writer lets go of it, and looks again before it
 * does, because a person may have sent a message again meanwhile. What may go: the bytes of settled
 * messages whose referral is over, and later the rows of such messages with their attempts. What
 * never goes: anything that waits for somebody, records, referrals, their track, the audit. The
 * newest message stays too, so that no row id is given out twice. Bytes that are old and still
 * needed are moved out of the journal, so that its segments become free. */
#ifndef GATEWAY_STORE_RETENTION_H
#define GATEWAY_STORE_RETENTION_H

#include "gateway/store/rows.h"

struct store_ages { /* what ended before may go, in lived time (lived.h) */
    int64_t payload_before_ms, row_before_ms;
};

enum store_old_kind { STORE_OLD_PAYLOAD, STORE_OLD_ROW, STORE_OLD_MESSAGE, STORE_OLD_RECORD };

struct store_old {
    enum store_old_kind kind; /* ..._MESSAGE, ..._RECORD: bytes to be moved */
    int64_t id;
};

struct store_sweep { /* how far a walk has come; zero: its start */
    int64_t message, record;
    bool is_done;
};

/* The next page of the walk: LIMIT rows are looked at, those that are old are returned. */
size_t store_find_old(struct store *reader, struct arena *arena, const struct store_ages *ages,
                      size_t limit, struct store_sweep *sweep, struct store_old **ret_old);
/* Inside a transaction. */
void store_let_go(struct store *store, struct arena *arena, const struct store_ages *ages,
                  const struct store_old *old);

/* Lets go of some early cancels (store/rows.h) that were said before; false when there are none.
 * Inside a transaction. */
bool store_drop_early_cancels(struct store *store, int64_t before_ms);
/* The same of early retractions. */
bool store_drop_early_retractions(struct store *store, int64_t before_ms);

/* The first segment of the journal that somebody still needs; 0: there is no journal. Reads every
 * row: once a walk. */
uint32_t store_first_segment(struct store *reader);
/* Removes one segment below FIRST; false when there is none, or a backup holds them. */
bool store_free_segment(struct store *store, uint32_t first);
/* Gives some free pages of the database back to the file system; false when few are free. Inside a
 * transaction. */
bool store_shrink(struct store *store);
/* Bytes on disk: database, its log, journal. */
uint64_t store_bytes(struct store *reader);

#endif
