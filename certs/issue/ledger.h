/* ledger: what a CA issued and revoked, in one CSV file that a person can read. For authority.c
 * only. Each change rewrites the file atomically. The caller holds the lock of the folder. */
#ifndef CERTS_ISSUE_LEDGER_H
#define CERTS_ISSUE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/finding.h"
#include "certs/issue/authority.h"

struct ledger;

/* A missing file is an empty ledger. NULL with findings when it cannot be read as a whole. */
struct ledger *ledger_open(const char *file, struct finding_list *findings);
void ledger_close(struct ledger *ledger);
bool ledger_add(struct ledger *ledger, const struct authority_leaf *leaf,
                struct finding_list *findings);
/* True as well when it was revoked before; its first time and reason stay. */
bool ledger_revoke(struct ledger *ledger, const char *serial, int64_t now, int reason,
                   struct finding_list *findings);
/* NULL: not in it. Serials are compared without regard to case. */
const struct authority_leaf *ledger_find(const struct ledger *ledger, const char *serial);
size_t ledger_count(const struct ledger *ledger);
const struct authority_leaf *ledger_at(const struct ledger *ledger, size_t at);

#endif
