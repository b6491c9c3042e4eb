/* context: one TLS policy for the listener and for curl. Who calls it: listen makes its sessions
 * from it, transmit applies it to curl's context; the gateway builds a new one at each reload and
 * releases the old one, which lives until its last session has gone. Immutable and
 * reference-counted, for any thread; a session belongs to one.
 *
 * TLS 1.2 and 1.3 only; ECDHE with AES-GCM or (1.3) ChaCha20; X25519, P-256, P-384; no SHA-1; no
 * compression, renegotiation, session cache, tickets or early data; the peer's certificate is
 * always required. Missing SNI is fine, an unknown name is refused (unrecognized_name). ALPN:
 * http/1.1. */
#ifndef CERTS_TLS_CONTEXT_H
#define CERTS_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/finding.h"
#include "certs/tls/identity.h"
#include "certs/verify/verify.h"

struct context;

struct context_options {
    const char *const *names; /* DNS names we answer to, beside those in our certificate */
    size_t name_count;
    const char *staple_file; /* OCSP answer about our certificate, handed to who asks; NULL: none */
    const char *ca_file;     /* our issuer, who signed it; NULL: it is in our chain */
    const struct context *before; /* whose OCSP answer stays while its file is faulty; NULL: none */
    bool atna_compat;             /* adds the two DHE-RSA suites that IHE ATNA asks for */
};

/* Holds IDENTITY and TRUST. NULL, with a finding, when OpenSSL refuses the identity. */
struct context *context_new(struct identity *identity, struct trust *trust,
                            const struct context_options *options, struct finding_list *findings);
struct context *context_hold(struct context *context);
void context_release(struct context *context);
struct trust *context_trust(const struct context *context);       /* borrowed */
struct identity *context_identity(const struct context *context); /* borrowed */
/* Of the OCSP answer that we hand over, in seconds since 1970; false: there is none. */
bool context_staple_times(const struct context *context, int64_t *ret_since, int64_t *ret_until);

/* A server session on the connected, non-blocking socket FD (not closed by us), ready for
 * SSL_accept(); it holds the context. It reads ahead: poll only after SSL_read() said WANT_READ.
 * Its app data is ours. NULL without memory. */
struct ssl_st *context_session_new(struct context *context, int fd);
void context_session_free(struct ssl_st *session);
/* `TLSv1.3 TLS_AES_256_GCM_SHA384 X25519`: for the audit and `partner test`. */
enum { CONTEXT_SUITE_TEXT = 96 };
void context_suite(const struct ssl_st *session, char ret_text[CONTEXT_SUITE_TEXT]);

/* One outbound connection: what curl's CURLOPT_SSL_CTX_DATA points to. The caller owns it; it must
 * live as long as the transfer. */
struct context_call {
    struct context *context; /* borrowed */
    const char *partner;     /* the server must be this partner */
    struct verify_peer peer; /* filled by the handshake; verdict `no_handshake` before */
    int number; /* of the partner in the context's trust; set by context_apply_client */
};

/* For CURLOPT_SSL_CTX_FUNCTION: puts our policy, our certificate and the check of CALL's partner
 * onto SSL_CTX. With it: CURLOPT_SSL_VERIFYPEER 1, CURLOPT_SSL_VERIFYHOST 0 (the agreed name is
 * checked here), CURLOPT_CAINFO and CURLOPT_CAPATH NULL, CURLOPT_SSL_SESSIONID_CACHE 0. Every
 * verdict but `admitted` fails the handshake. False: give curl CURLE_SSL_CERTPROBLEM. */
bool context_apply_client(void *ssl_ctx, struct context_call *call);

#endif
