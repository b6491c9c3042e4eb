/* revoke: revocation lists (RFC 5280 section 5), checked when they are loaded, so that a handshake
 * only looks a number up. For the sources of certs/ only. Immutable after loading; any thread may
 * ask.
 *
 * A list whose issuer is known at loading has its signature checked then; otherwise (the
 * intermediate is only sent by the peer) at each question. Refused at loading: delta and indirect
 * lists, lists for some reasons only, unknown critical extensions, outdated signatures. */
#ifndef CERTS_VERIFY_REVOKE_H
#define CERTS_VERIFY_REVOKE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/finding.h"
#include "certs/io/digest.h"

enum revoke_state {
    REVOKE_GOOD,
    REVOKE_STALE, /* not named by the newest list, but that one has run out */
    REVOKE_MISSING,
    REVOKE_REVOKED,
};

struct revoke_list;

struct revoke {
    struct revoke_list *items;
    size_t count;
};

/* Adds the lists of FILE; KNOWN are certificates that may have signed them, and outlive REVOKE. */
bool revoke_load(struct revoke *revoke, const char *file, STACK_OF(X509) * known,
                 struct finding_list *findings);
/* Adds the lists of an earlier generation; KNOWN as above. */
void revoke_keep(struct revoke *revoke, const struct revoke *before, STACK_OF(X509) * known);
void revoke_free(struct revoke *revoke);

/* RET_UNTIL, in seconds since 1970, is lowered to the end of the list that answered. */
enum revoke_state revoke_ask(const struct revoke *revoke, X509 *certificate, X509 *issuer,
                             int64_t now, int64_t *ret_until);

/* The times of list number AT. */
const X509_NAME *revoke_issuer(const struct revoke *revoke, size_t at);
void revoke_times(const struct revoke *revoke, size_t at, int64_t *ret_since, int64_t *ret_until);
/* SHA-256 of list number AT. */
void revoke_digest(const struct revoke *revoke, size_t at,
                   unsigned char ret_digest[DIGEST_SHA256_BYTES]);

#endif
