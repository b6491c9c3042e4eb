/* staple: the answer of an OCSP responder that a TLS server hands over about its own certificate
 * (RFC 6066 section 8, RFC 6960). Nobody is asked over the network: the answer comes with the
 * handshake, or from a file. For the sources of certs/ only. Any thread. */
#ifndef CERTS_VERIFY_STAPLE_H
#define CERTS_VERIFY_STAPLE_H

#include <openssl/x509.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/finding.h"
#include "certs/verify/verdict.h"

struct staple {
    const unsigned char *bytes; /* DER; NULL: there is none */
    size_t length;
    int64_t since, until; /* of our own, in seconds since 1970: handed over before UNTIL only */
};

enum {
    STAPLE_BYTES_MAX = 64 * 1024,
    STAPLE_SLACK_SECONDS = 300, /* between two clocks */
    STAPLE_DAYS_MAX = 7         /* of an answer that does not say when the next one comes */
};

/* What the answer says of LEAF, which one of ISSUERS (may be NULL) or KNOWN issued: `admitted` (it
 * is good), `revoked`, `staple_missing`, `staple_stale`, or `staple_invalid`: damaged, about
 * another certificate, "unknown", signed by someone else, or weakly. */
enum verdict staple_ask(const struct staple *staple, X509 *leaf, STACK_OF(X509) * issuers,
                        STACK_OF(X509) * known, int64_t now);
/* Our own answer, to be handed to partners: FILE in DER, about LEAF, with its issuer in CHAIN or
 * CA_FILE (NULL: only in CHAIN). What is not good today is a finding, and nothing is handed over.
 */
struct staple staple_load(const char *file, X509 *leaf, STACK_OF(X509) * chain, const char *ca_file,
                          struct arena *arena, struct finding_list *findings);

#endif
