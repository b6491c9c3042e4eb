/* anchors: the CA certificates and revocation lists of one or more partners that share them, and
 * the question whether a chain ends there. For the sources of certs/ only. Immutable after loading.
 */
#ifndef CERTS_VERIFY_ANCHORS_H
#define CERTS_VERIFY_ANCHORS_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/finding.h"
#include "certs/io/digest.h"
#include "certs/verify/revoke.h"
#include "certs/verify/trust.h"
#include "certs/verify/verdict.h"

struct anchors {
    STACK_OF(X509) * certificates; /* roots; and intermediates, which must still lead to a root */
    bool partial;                  /* the file holds no root: then each CA in it is an anchor */
    enum trust_crl policy;         /* never AUTO */
    struct revoke revoke;
    unsigned char content[DIGEST_SHA256_BYTES]; /* same content: same anchors */
};

/* From PARTNER's CA and CRL members. Never NULL: what cannot be read is a finding, and then nothing
 * leads to these anchors. */
struct anchors *anchors_new(const struct trust_partner *partner, struct finding_list *findings);
/* ANCHORS are of files that are faulty now: what an earlier generation held of them goes on to be
 * believed and refused. Before anyone sees ANCHORS. */
void anchors_keep(struct anchors *anchors, const struct anchors *before);
void anchors_free(struct anchors *anchors);

enum anchors_peer {
    ANCHORS_CLIENT,
    ANCHORS_SERVER
}; /* which side of TLS the certificate's owner has */

/* The verdict on chain, time, usage, strength and revocation: `admitted` or a refusal. RET_UNTIL is
 * lowered to the moment when the answer may change. */
enum verdict anchors_ask(const struct anchors *anchors, X509 *leaf, STACK_OF(X509) * sent,
                         enum anchors_peer peer, int64_t now, int64_t *ret_until);
/* Whether one of the anchors has the name of an issuer in the chain. Cheap; asked before a
 * stranger's chain is tried. */
bool anchors_may_fit(const struct anchors *anchors, X509 *leaf, STACK_OF(X509) * sent);
/* The checks of a leaf that need no chain: usage, kind and strength of its key. */
enum verdict anchors_ask_leaf(X509 *leaf, enum anchors_peer peer);

#endif
