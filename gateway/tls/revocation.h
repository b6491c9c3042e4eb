/* revocation: the lists that a partner's CA publishes at crl_url, kept beside the partner's file as
 * partners/NAME.fetched.crl.
 *
 * A list replaces the one before only when it is signed by the partner's CA and newer. Blocking;
 * called on a pool thread by care.c and at reload, and by commands. */
#ifndef GATEWAY_TLS_REVOCATION_H
#define GATEWAY_TLS_REVOCATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/finding.h"
#include "gateway/setup/setup.h"

/* `DIR/partners/NAME.fetched.crl`; NULL when the partner has no crl_url. */
const char *revocation_path(const struct setup *setup, struct arena *arena,
                            const struct partner *partner);
/* When the list is to be fetched again, seconds since 1970: half of its life after it was made, at
 * most a day; 0: now, there is none. */
int64_t revocation_due(const struct setup *setup, const struct partner *partner);
/* Fetches, checks and keeps the list; *ret_changed: it is another one than before. False with a
 * finding. */
bool revocation_fetch(const struct setup *setup, const struct partner *partner,
                      struct finding_list *findings, bool *ret_changed);
/* Fetches what a partner of SETUP names and we do not have at all; before its trust is built. Not
 * at a reload that switches a partner off, with BEFORE in force (NULL: a start). */
void revocation_fetch_missing(const struct setup *setup, const struct setup *before,
                              struct finding_list *findings);

#endif
