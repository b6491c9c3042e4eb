/* audit: who was told what, when, and under which consent; append-only and chained.
 *
 * Called inside the transaction of what it records, so that there is no disclosure without its
 * audit row. Each row's hash covers the row and the hash before it: an edit, a deletion or a swap
 * breaks the chain. Rows hold ids, kinds, rows of partners and clients, never clinical text. */
#ifndef GATEWAY_AUDIT_AUDIT_H
#define GATEWAY_AUDIT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "gateway/store/store.h"

/* WHAT: "disclosed", "withheld", "received", "refused", "sent", ...; SUBJECT: a message or record
 * id; DETAIL: the consent's id, a fault kind, a reason of ours. */
void audit_add(struct store *store, int64_t at_ms, const char *what, const char *partner,
               const char *subject, const char *detail);
/* The same, with who did it, what for and about whom; `seq` and `hash` are made here. */
void audit_write(struct store *store, const struct store_audit *row);
/* What a record or move of this kind is shared for: "treatment" or "care-coordination". */
const char *audit_purpose(const char *kind);
/* Walks the whole chain; false with the number of the first row that does not fit. */
bool audit_verify(struct store *store, int64_t *ret_rows, int64_t *ret_bad_seq);

#endif
