/* verify: a peer's certificate -> verdict and partner. One path for both directions.
 *
 * The certificate names its partner by pinned key, then SAN URI, then SAN DNS name, never by common
 * name; exactly one partner may fit, and the chain must end in that partner's own CA. Then:
 * validity, signatures, usage (the extended key usage must be there), depth, key strength, name
 * constraints, and the revocation list of every issuer. docs/decisions/0009-tls.md has the reasons.
 * Who calls it: context during handshakes; listen afterwards, per request and on reload. On the
 * thread of the session. */
#ifndef CERTS_VERIFY_VERIFY_H
#define CERTS_VERIFY_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "certs/verify/trust.h"
#include "certs/verify/verdict.h"

struct ssl_st; /* SSL of OpenSSL */

enum {
    VERIFY_SUBJECT_TEXT = 256,
    VERIFY_SERIAL_TEXT = 48,
    VERIFY_FINGERPRINT_TEXT = 65,
    VERIFY_PIN_TEXT = 45,
};

/* Who the peer is; a plain value. Texts are NUL-terminated, printable, "" when there is no
 * certificate. */
struct verify_peer {
    enum verdict verdict;
    char partner[TRUST_NAME_MAX + 1];  /* "" unless the verdict is admitted */
    char claimed[TRUST_NAME_MAX + 1];  /* the partner it posed as, for the audit; "" when none */
    char subject[VERIFY_SUBJECT_TEXT]; /* RFC 2253, cut at the end if longer */
    char issuer[VERIFY_SUBJECT_TEXT];
    char names[VERIFY_SUBJECT_TEXT]; /* URIs and DNS names, separated by ", ", cut likewise */
    char serial[VERIFY_SERIAL_TEXT]; /* hexadecimal */
    char fingerprint[VERIFY_FINGERPRINT_TEXT]; /* SHA-256 of the certificate, hexadecimal */
    char pin[VERIFY_PIN_TEXT];                 /* SHA-256 of its key, base64 */
    int64_t not_before, not_after;             /* seconds since 1970 */
};

/* After SSL_accept() ended, well or not, on a session of context_session_new(): who it was, or why
 * it was refused (no_certificate when none came). False when the handshake failed before or for
 * another reason than the certificate; RET_PEER then is empty with the verdict `no_certificate`. */
bool verify_peer_of(const struct ssl_st *session, struct verify_peer *ret_peer);

/* The same peer asked again: by the trust of today, at NOW. Costs nothing while TRUST is the one of
 * the last question and nothing in the chain has run out, so it may be asked at every request.
 * True: still the same verdict and the same partner. False: close the connection; RET_VERDICT (may
 * be NULL) says what the peer is now (`admitted` when it became a partner or changed its name: it
 * may connect again). Same thread as the session. */
bool verify_again(struct ssl_st *session, struct trust *trust, int64_t now,
                  enum verdict *ret_verdict);

#endif
