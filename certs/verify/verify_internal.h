/* verify_internal: the question and its answer inside the library: for verify.c, context.c,
 * trial.c.
 */
#ifndef CERTS_VERIFY_VERIFY_INTERNAL_H
#define CERTS_VERIFY_VERIFY_INTERNAL_H

#include <openssl/x509.h>
#include <stdint.h>

#include "certs/verify/revoke.h"
#include "certs/verify/staple.h"
#include "certs/verify/trust_internal.h"
#include "certs/verify/verify.h"

enum { VERIFY_NOBODY = -1 };

struct verify_question {
    const struct trust *trust;
    X509 *leaf;
    STACK_OF(X509) * sent; /* all that the peer sent, the leaf among it or not; may be NULL */
    int expected; /* the server must be this partner; VERIFY_NOBODY: a client, whoever it is */
    int64_t now;
};

struct verify_answer {
    enum verdict verdict;
    int partner;   /* its number when the verdict is admitted, otherwise VERIFY_NOBODY */
    int claimed;   /* whom the certificate speaks of, admitted or not; VERIFY_NOBODY: no one of ours
                    */
    int64_t until; /* from then on the answer may be another one */
};

struct verify_answer verify_judge(const struct verify_question *question);
/* The texts about LEAF (NULL: none) and the names of the partners in TRUST. */
void verify_describe(const struct trust *trust, X509 *leaf, const struct verify_answer *answer,
                     struct verify_peer *ret_peer);
/* OpenSSL's error whose alert (ssl_x509err2alert) is the verdict's. */
int verify_error(enum verdict verdict);

/* What a session of the listener carries as its app data. */
struct verify_session {
    struct context *context; /* held */
    struct trust *trust;     /* of the last answer; held */
    struct verify_answer answer;
    X509 *refused; /* held; the certificate of a refused peer, which OpenSSL forgets */
};

#endif
