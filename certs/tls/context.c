/* context: see context.h. */
#include "certs/tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "certs/io/io.h"
#include "certs/tls/context_internal.h"
#include "certs/tls/identity_internal.h"
#include "certs/verify/verify_internal.h"

/* RFC 9325 section 4.2 for TLS 1.2, all of RFC 8446 appendix B.4 but CCM for TLS 1.3. */
#define SUITES_13 "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
#define SUITES_12                                                                                  \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"                                 \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
/* IHE "STX: TLS 1.2 floor using BCP195" asks for these two as well. */
#define SUITES_12_ATNA SUITES_12 ":DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256"
#define GROUPS "X25519:P-256:P-384"
#define SIGNATURES                                                                                 \
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:" \
    "RSA+SHA256:RSA+SHA384:RSA+SHA512"

enum { SENT_CHAIN_BYTES_MAX = 32 * 1024 };

struct context {
    atomic_uint holders;
    struct identity *identity; /* held */
    struct trust *trust;       /* held */
    SSL_CTX *server;
    bool atna_compat;
    struct arena arena; /* the names */
    const char **names; /* what a client may call us (SNI) */
    size_t name_count;
    struct staple staple; /* in the arena */
};

static bool put_identity(SSL_CTX *ctx, const struct identity *identity)
{
    const struct identity_parts parts = identity_parts(identity);
    return SSL_CTX_use_cert_and_key(ctx, parts.leaf, parts.key, parts.chain, 1) == 1;
}

/* All that holds for both directions. */
static bool put_policy(SSL_CTX *ctx, const struct context *context)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_security_level(ctx, STRENGTH_LEVEL);
    SSL_CTX_set_max_cert_list(ctx, SENT_CHAIN_BYTES_MAX);
    if (context->atna_compat)
        SSL_CTX_set_dh_auto(ctx, 1); /* a group as strong as our key, 2048 bit at least */
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_ciphersuites(ctx, SUITES_13) == 1 &&
           SSL_CTX_set_cipher_list(ctx, context->atna_compat ? SUITES_12_ATNA : SUITES_12) == 1 &&
           SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
           SSL_CTX_set1_sigalgs_list(ctx, SIGNATURES) == 1 && put_identity(ctx, context->identity);
}

/* In place of OpenSSL's chain check, for a client of ours. */
static int on_client(X509_STORE_CTX *store, void *argument)
{
    struct context *context = argument;
    SSL *session = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct verify_session *state = SSL_get_app_data(session);
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    const struct verify_question question = {
        context->trust, leaf, X509_STORE_CTX_get0_untrusted(store), VERIFY_NOBODY, time(NULL)};
    state->answer = verify_judge(&question);
    bool goes_on = verdict_kind(state->answer.verdict) != VERDICT_KIND_REFUSED;
    if (!goes_on && X509_up_ref(leaf) == 1)
        state->refused = leaf;
    X509_STORE_CTX_set_error(store, goes_on ? X509_V_OK : verify_error(state->answer.verdict));
    return goes_on;
}

/* The same for a server that we call. */
static int on_server(X509_STORE_CTX *store, void *argument)
{
    struct context_call *call = argument;
    const struct trust *trust = call->context->trust;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    const struct verify_question question = {trust, leaf, X509_STORE_CTX_get0_untrusted(store),
                                             call->number, time(NULL)};
    struct verify_answer answer = {VERDICT_no_partner, VERIFY_NOBODY, VERIFY_NOBODY, 0};
    if (question.expected != VERIFY_NOBODY)
        answer = verify_judge(&question);
    verify_describe(trust, leaf, &answer, &call->peer);
    X509_STORE_CTX_set_error(store, verify_error(answer.verdict));
    return answer.verdict == VERDICT_admitted;
}

/* The server's OCSP answer, or none, after its certificate was judged: 0 ends the handshake. */
static int on_staple(SSL *session, void *argument)
{
    struct context_call *call = argument;
    const struct partner *partner = &call->context->trust->partners[call->number];
    X509 *leaf = SSL_get0_peer_certificate(session);
    const unsigned char *bytes = NULL;
    long length = SSL_get_tlsext_status_ocsp_resp(session, &bytes);
    const struct staple staple = {bytes, length > 0 ? (size_t)length : 0, 0, 0};
    enum verdict verdict = VERDICT_staple_invalid;
    if (leaf != NULL && partner->anchors != NULL)
        verdict = staple_ask(&staple, leaf, SSL_get_peer_cert_chain(session),
                             partner->anchors->certificates, time(NULL));
    bool is_required = partner->staple == TRUST_STAPLE_REQUIRE;
    if (verdict == VERDICT_admitted || (verdict != VERDICT_revoked && !is_required))
        return 1;
    call->peer.verdict = verdict;
    call->peer.partner[0] = '\0';
    return 0;
}

/* A client asks for ours. */
static int on_staple_wanted(SSL *session, void *argument)
{
    const struct context *context = argument;
    if (context->staple.until <= time(NULL))
        return SSL_TLSEXT_ERR_NOACK;
    unsigned char *copy = OPENSSL_memdup(context->staple.bytes, context->staple.length);
    if (copy == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(session, copy, (long)context->staple.length);
    return SSL_TLSEXT_ERR_OK;
}

static int on_name(SSL *session, int *ret_alert, void *argument)
{
    const struct context *context = argument;
    const char *name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    if (name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    for (size_t i = 0; i < context->name_count; i++) {
        if (strcasecmp(name, context->names[i]) == 0)
            return SSL_TLSEXT_ERR_OK;
    }
    *ret_alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* RFC 7301 section 3.2: a client that asks for other protocols only must be told. */
static int on_alpn(SSL *session, const unsigned char **ret_name, unsigned char *ret_length,
                   const unsigned char *offered, unsigned length, void *argument)
{
    static const char ours[] = "http/1.1";
    (void)session;
    (void)argument;
    for (unsigned at = 0; at < length && at + 1 + offered[at] <= length; at += 1u + offered[at]) {
        if (offered[at] != sizeof ours - 1 || memcmp(offered + at + 1, ours, sizeof ours - 1) != 0)
            continue;
        *ret_name = offered + at + 1;
        *ret_length = offered[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void collect_names(struct context *context, const struct context_options *options)
{
    struct names own;
    names_read(identity_parts(context->identity).leaf, &own);
    size_t given = options == NULL ? 0 : options->name_count;
    context->names = arena_array(&context->arena, own.dns_count + given, sizeof *context->names);
    for (size_t i = 0; i < own.dns_count; i++)
        context->names[context->name_count++] = arena_copy(&context->arena, own.dns[i]);
    for (size_t i = 0; i < given; i++)
        context->names[context->name_count++] = arena_copy(&context->arena, options->names[i]);
    names_free(&own);
}

static SSL_CTX *make_server(struct context *context)
{
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    if (server == NULL || !put_policy(server, context)) {
        SSL_CTX_free(server);
        return NULL;
    }
    SSL_CTX_set_read_ahead(server,
                           1); /* not towards curl, which would not see what was read ahead */
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(server, on_client, context);
    SSL_CTX_set_tlsext_servername_callback(server, on_name);
    SSL_CTX_set_tlsext_servername_arg(server, context);
    SSL_CTX_set_alpn_select_cb(server, on_alpn, NULL);
    if (context->staple.bytes != NULL) {
        SSL_CTX_set_tlsext_status_cb(server, on_staple_wanted);
        SSL_CTX_set_tlsext_status_arg(server, context);
    }
    return server;
}

/* At a reload: the answer that is handed over now, when it is about the same certificate. */
static void keep_staple(struct context *context, const struct context *before)
{
    if (before == NULL || before->staple.bytes == NULL || context->staple.bytes != NULL ||
        X509_cmp(identity_parts(context->identity).leaf, identity_parts(before->identity).leaf) !=
            0)
        return;
    context->staple = before->staple;
    context->staple.bytes = (const unsigned char *)arena_copy_n(
        &context->arena, (const char *)before->staple.bytes, before->staple.length);
}

struct context *context_new(struct identity *identity, struct trust *trust,
                            const struct context_options *options, struct finding_list *findings)
{
    struct context *context = calloc(1, sizeof *context);
    if (context == NULL)
        abort(); /* as the arena */
    atomic_init(&context->holders, 1);
    context->identity = identity_hold(identity);
    context->trust = trust_hold(trust);
    context->atna_compat = options != NULL && options->atna_compat;
    collect_names(context, options);
    if (options != NULL && options->staple_file != NULL) {
        const struct identity_parts parts = identity_parts(identity);
        context->staple = staple_load(options->staple_file, parts.leaf, parts.chain,
                                      options->ca_file, &context->arena, findings);
        keep_staple(context, options->before);
    }
    ERR_clear_error();
    context->server = make_server(context);
    if (context->server != NULL)
        return context;
    finding_add(findings, (struct finding){
                              .path = "tls",
                              .found = arena_print(findings->arena, "OpenSSL refuses our setup: %s",
                                                   pem_why(findings->arena)),
                              .expected = "a key and certificate that TLS 1.2 and 1.3 can use"});
    context_release(context);
    return NULL;
}

struct context *context_hold(struct context *context)
{
    atomic_fetch_add_explicit(&context->holders, 1, memory_order_relaxed);
    return context;
}

void context_release(struct context *context)
{
    if (context == NULL ||
        atomic_fetch_sub_explicit(&context->holders, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(context->server);
    identity_release(context->identity);
    trust_release(context->trust);
    arena_free(&context->arena);
    free(context);
}

struct trust *context_trust(const struct context *context)
{
    return context->trust;
}

struct identity *context_identity(const struct context *context)
{
    return context->identity;
}

bool context_staple_times(const struct context *context, int64_t *ret_since, int64_t *ret_until)
{
    *ret_since = context->staple.since;
    *ret_until = context->staple.until;
    return context->staple.bytes != NULL;
}

struct ssl_st *context_session_open(struct context *context)
{
    SSL *session = SSL_new(context->server);
    struct verify_session *state = calloc(1, sizeof *state);
    if (session == NULL || state == NULL) {
        SSL_free(session);
        free(state);
        ERR_clear_error();
        return NULL;
    }
    state->context = context_hold(context);
    state->trust = trust_hold(context->trust);
    state->answer = (struct verify_answer){VERDICT_no_handshake, VERIFY_NOBODY, VERIFY_NOBODY, 0};
    SSL_set_app_data(session, state);
    SSL_set_accept_state(session);
    return session;
}

struct ssl_st *context_session_new(struct context *context, int fd)
{
    SSL *session = context_session_open(context);
    if (session != NULL && SSL_set_fd(session, fd) != 1) {
        context_session_free(session);
        ERR_clear_error();
        return NULL;
    }
    return session;
}

void context_session_free(struct ssl_st *session)
{
    if (session == NULL)
        return;
    struct verify_session *state = SSL_get_app_data(session);
    SSL_free(session);
    X509_free(state->refused);
    trust_release(state->trust);
    context_release(state->context);
    free(state);
}

void context_suite(const struct ssl_st *session, char ret_text[CONTEXT_SUITE_TEXT])
{
    /* The macro is declared without const; it only reads. */
    int group = (int)SSL_get_negotiated_group((SSL *)(uintptr_t)session);
    const char *name = group == NID_undef ? NULL : OBJ_nid2sn(group);
    snprintf(ret_text, CONTEXT_SUITE_TEXT, "%s %s %s", SSL_get_version(session),
             SSL_get_cipher_name(session), name == NULL ? "-" : name);
}

bool context_apply_client(void *ssl_ctx, struct context_call *call)
{
    SSL_CTX *client = ssl_ctx;
    memset(&call->peer, 0, sizeof call->peer);
    call->peer.verdict = VERDICT_no_handshake;
    call->number = trust_find(call->context->trust, call->partner);
    ERR_clear_error();
    if (!put_policy(client, call->context)) {
        ERR_clear_error();
        return false;
    }
    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(client, on_server, call);
    if (call->number == VERIFY_NOBODY ||
        call->context->trust->partners[call->number].staple == TRUST_STAPLE_OFF)
        return true;
    SSL_CTX_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
    SSL_CTX_set_tlsext_status_cb(client, on_staple);
    SSL_CTX_set_tlsext_status_arg(client, call);
    return true;
}
