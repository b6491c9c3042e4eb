/* partners: the row behind a partner's name, for renaming and removing one. Part of the store's
 * contract (store/rows.h). Other tables hold the row, so a new name changes one row and the ledger
 * stays with it; a removed one keeps its rows under a name that no partner can have, and its old
 * name, used again, is a new row. */
#ifndef GATEWAY_STORE_PARTNERS_H
#define GATEWAY_STORE_PARTNERS_H

#include "gateway/store/rows.h"

struct store_partner_use {
    bool is_known; /* it has a row */
    int64_t open_referrals, waiting_messages;
};
struct store_partner_use store_partner_use(struct store *store, const char *name);
/* False: a row of the name TO is in use. FROM may have no row: then there is nothing to rename, and
 * what hangs on a row of the name TO is still not for the partner FROM. */
bool store_rename_partner(struct store *store, const char *from, const char *to);
/* It was done before, and the audit says so; no row has the name FROM since. */
bool store_was_renamed(struct store *store, const char *from, const char *to);
void store_retire_partner(struct store *store, const char *name, int64_t at_ms);
/* Messages of ours for it that have not ended, newest first. */
size_t store_waiting_for(struct store *store, struct arena *arena, const char *partner,
                         struct store_message **ret_messages);

#endif
