/* anchors: see anchors.h. The chain itself is built and checked by OpenSSL; what OpenSSL leaves
 * open is checked here: the usage must be there, issuers must be real CAs, keys of known kinds,
 * revocation. */
#include "certs/verify/anchors.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "certs/io/certificate.h"
#include "certs/io/io.h"

enum { DEPTH_MAX = 4 };

static void check_authorities(const struct anchors *anchors, const char *file,
                              struct finding_list *findings)
{
    for (int i = 0; i < sk_X509_num(anchors->certificates); i++) {
        X509 *one = sk_X509_value(anchors->certificates, i);
        struct certificate facts;
        certificate_describe(findings->arena, one, &facts);
        if (!facts.is_ca)
            files_fault(findings, file,
                        arena_print(findings->arena, "%s, which is not the certificate of a CA",
                                    facts.subject),
                        arena_print(findings->arena,
                                    "the CA that issued it (%s); or no CA, and this "
                                    "certificate's key pinned: sha256//%s",
                                    facts.issuer, facts.pin));
        else if (!strength_key(X509_get0_pubkey(one)))
            files_fault(
                findings, file,
                arena_print(findings->arena, "%s with the key %s", facts.subject, facts.key),
                STRENGTH_EXPECTED);
    }
}

static void drop_what_is_no_authority(STACK_OF(X509) * stack)
{
    for (int i = sk_X509_num(stack) - 1; i >= 0; i--) {
        if (X509_check_ca(sk_X509_value(stack, i)) == 0)
            X509_free(sk_X509_delete(stack, i));
    }
}

static bool has_root(STACK_OF(X509) * stack)
{
    for (int i = 0; i < sk_X509_num(stack); i++) {
        if (X509_self_signed(sk_X509_value(stack, i), 1) == 1)
            return true;
    }
    ERR_clear_error();
    return false;
}

static void load_authorities(struct anchors *anchors, const struct trust_partner *partner,
                             struct finding_list *findings)
{
    const char *file = partner->ca_file != NULL ? partner->ca_file : partner->name;
    if (partner->ca_pem != NULL) {
        anchors->certificates = pem_certificates(partner->ca_pem, strlen(partner->ca_pem));
        if (anchors->certificates == NULL)
            files_fault(findings, file, "no whole CA certificate in the text", "PEM certificates");
    } else if (partner->ca_file != NULL) {
        anchors->certificates = pem_read_certificates(partner->ca_file, findings);
    }
    if (anchors->certificates == NULL) {
        anchors->certificates = sk_X509_new_null();
        return;
    }
    check_authorities(anchors, file, findings);
    drop_what_is_no_authority(anchors->certificates);
    anchors->partial = !has_root(anchors->certificates);
}

static void digest_content(struct anchors *anchors)
{
    struct arena arena = ARENA_EMPTY;
    struct text all = text_new(&arena, FILES_BYTES_MAX);
    unsigned char digest[DIGEST_SHA256_BYTES];
    text_print(&all, "%d", (int)anchors->policy);
    for (int i = 0; i < sk_X509_num(anchors->certificates); i++) {
        facts_digest(sk_X509_value(anchors->certificates, i), digest);
        text_add_n(&all, (const char *)digest, sizeof digest);
    }
    text_add(&all, "|");
    for (size_t i = 0; i < anchors->revoke.count; i++) {
        revoke_digest(&anchors->revoke, i, digest);
        text_add_n(&all, (const char *)digest, sizeof digest);
    }
    digest_sha256(all.at, all.length, anchors->content);
    arena_free(&arena);
}

struct anchors *anchors_new(const struct trust_partner *partner, struct finding_list *findings)
{
    struct anchors *anchors = calloc(1, sizeof *anchors);
    if (anchors == NULL)
        abort(); /* as the arena: without memory nothing can be promised */
    load_authorities(anchors, partner, findings);
    for (size_t i = 0; i < partner->crl_count; i++)
        revoke_load(&anchors->revoke, partner->crl_files[i], anchors->certificates, findings);
    anchors->policy = partner->crl;
    if (anchors->policy == TRUST_CRL_AUTO)
        anchors->policy = partner->crl_count > 0 ? TRUST_CRL_HARD : TRUST_CRL_OFF;
    digest_content(anchors);
    return anchors;
}

void anchors_keep(struct anchors *anchors, const struct anchors *before)
{
    if (sk_X509_num(anchors->certificates) == 0 && before->certificates != NULL) {
        sk_X509_free(anchors->certificates);
        anchors->certificates = X509_chain_up_ref(before->certificates);
        anchors->partial = before->partial;
    }
    revoke_keep(&anchors->revoke, &before->revoke, anchors->certificates);
    digest_content(anchors);
}

void anchors_free(struct anchors *anchors)
{
    if (anchors == NULL)
        return;
    revoke_free(&anchors->revoke);
    sk_X509_pop_free(anchors->certificates, X509_free);
    free(anchors);
}

static bool names_an_anchor(const struct anchors *anchors, const X509_NAME *issuer)
{
    for (int i = 0; i < sk_X509_num(anchors->certificates); i++) {
        const X509 *anchor = sk_X509_value(anchors->certificates, i);
        if (X509_NAME_cmp(issuer, X509_get_subject_name(anchor)) == 0)
            return true;
    }
    return false;
}

bool anchors_may_fit(const struct anchors *anchors, X509 *leaf, STACK_OF(X509) * sent)
{
    if (names_an_anchor(anchors, X509_get_issuer_name(leaf)))
        return true;
    for (int i = 0; i < sk_X509_num(sent); i++) {
        if (names_an_anchor(anchors, X509_get_issuer_name(sk_X509_value(sent, i))))
            return true;
    }
    return false;
}

/* OpenSSL's first error: the verdict for the leaf, and for a certificate above it. */
static const struct {
    int error;
    enum verdict leaf, above;
} errors[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, VERDICT_incomplete, VERDICT_incomplete},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, VERDICT_incomplete, VERDICT_incomplete},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, VERDICT_incomplete, VERDICT_incomplete},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, VERDICT_self_signed, VERDICT_self_signed},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, VERDICT_unknown_ca, VERDICT_unknown_ca},
    {X509_V_ERR_CERT_UNTRUSTED, VERDICT_unknown_ca, VERDICT_unknown_ca},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, VERDICT_bad_signature, VERDICT_bad_signature},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, VERDICT_bad_signature, VERDICT_bad_signature},
    {X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, VERDICT_bad_signature, VERDICT_bad_signature},
    {X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY, VERDICT_bad_signature, VERDICT_bad_signature},
    {X509_V_ERR_CERT_HAS_EXPIRED, VERDICT_expired, VERDICT_issuer_expired},
    {X509_V_ERR_CERT_NOT_YET_VALID, VERDICT_not_yet_valid, VERDICT_issuer_not_yet_valid},
    {X509_V_ERR_INVALID_PURPOSE, VERDICT_wrong_usage, VERDICT_wrong_usage},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, VERDICT_not_a_ca, VERDICT_not_a_ca},
    {X509_V_ERR_INVALID_CA, VERDICT_not_a_ca, VERDICT_not_a_ca},
    {X509_V_ERR_INVALID_NON_CA, VERDICT_leaf_is_ca, VERDICT_leaf_is_ca},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, VERDICT_path_length, VERDICT_path_length},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, VERDICT_chain_too_long, VERDICT_chain_too_long},
    {X509_V_ERR_PERMITTED_VIOLATION, VERDICT_name_constraint, VERDICT_name_constraint},
    {X509_V_ERR_EXCLUDED_VIOLATION, VERDICT_name_constraint, VERDICT_name_constraint},
    {X509_V_ERR_SUBTREE_MINMAX, VERDICT_name_constraint, VERDICT_name_constraint},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, VERDICT_name_constraint, VERDICT_name_constraint},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, VERDICT_name_constraint, VERDICT_name_constraint},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, VERDICT_name_constraint, VERDICT_name_constraint},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, VERDICT_bad_extension, VERDICT_bad_extension},
    {X509_V_ERR_INVALID_EXTENSION, VERDICT_bad_extension, VERDICT_bad_extension},
    {X509_V_ERR_INVALID_POLICY_EXTENSION, VERDICT_bad_extension, VERDICT_bad_extension},
    {X509_V_ERR_EE_KEY_TOO_SMALL, VERDICT_weak_key, VERDICT_weak_key},
    {X509_V_ERR_CA_KEY_TOO_SMALL, VERDICT_weak_key, VERDICT_weak_key},
    {X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, VERDICT_weak_key, VERDICT_weak_key},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, VERDICT_weak_key, VERDICT_weak_key},
    {X509_V_ERR_CA_MD_TOO_WEAK, VERDICT_weak_signature, VERDICT_weak_signature},
    {X509_V_ERR_OUT_OF_MEM, VERDICT_unable, VERDICT_unable},
};

static enum verdict verdict_of(int error, int depth)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (errors[i].error == error)
            return depth == 0 ? errors[i].leaf : errors[i].above;
    }
    return VERDICT_invalid;
}

/* A chain that leads nowhere, though its last issuer has the name of one of ours: the name is
 * false. */
static enum verdict name_the_dead_end(const struct anchors *anchors, X509_STORE_CTX *store,
                                      enum verdict verdict)
{
    if (verdict != VERDICT_incomplete && verdict != VERDICT_unknown_ca)
        return verdict;
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
    int count = sk_X509_num(chain);
    if (count > 0 &&
        names_an_anchor(anchors, X509_get_issuer_name(sk_X509_value(chain, count - 1))))
        return VERDICT_false_ca;
    return verdict;
}

enum verdict anchors_ask_leaf(X509 *leaf, enum anchors_peer peer)
{
    uint32_t wanted = peer == ANCHORS_CLIENT ? XKU_SSL_CLIENT : XKU_SSL_SERVER;
    uint32_t flags = X509_get_extension_flags(leaf);
    if ((flags & EXFLAG_INVALID) != 0)
        return VERDICT_bad_extension;
    if ((flags & EXFLAG_CA) != 0)
        return VERDICT_leaf_is_ca;
    if ((flags & EXFLAG_XKUSAGE) == 0)
        return VERDICT_no_usage;
    if ((X509_get_extended_key_usage(leaf) & wanted) == 0 ||
        (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
        return VERDICT_wrong_usage;
    return strength_key(X509_get0_pubkey(leaf)) ? VERDICT_admitted : VERDICT_weak_key;
}

/* OpenSSL lets a certificate without basic constraints issue others in some cases; RFC 5280 section
 * 6.1.4 (k) does not. The anchor itself is ours to choose. */
static enum verdict ask_issuers(STACK_OF(X509) * chain)
{
    for (int i = 1; i + 1 < sk_X509_num(chain); i++) {
        X509 *issuer = sk_X509_value(chain, i);
        if ((X509_get_extension_flags(issuer) & EXFLAG_CA) == 0)
            return VERDICT_not_a_ca;
        if (!strength_key(X509_get0_pubkey(issuer)))
            return VERDICT_weak_key;
    }
    return VERDICT_admitted;
}

static enum verdict ask_revocation(const struct anchors *anchors, STACK_OF(X509) * chain,
                                   int64_t now, int64_t *ret_until)
{
    enum verdict worst = VERDICT_admitted;
    if (anchors->policy == TRUST_CRL_OFF)
        return worst;
    bool hard = anchors->policy == TRUST_CRL_HARD;
    for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
        enum revoke_state state = revoke_ask(&anchors->revoke, sk_X509_value(chain, i),
                                             sk_X509_value(chain, i + 1), now, ret_until);
        if (state == REVOKE_REVOKED)
            return i == 0 ? VERDICT_revoked : VERDICT_issuer_revoked;
        if (hard && state == REVOKE_MISSING && worst == VERDICT_admitted)
            worst = VERDICT_crl_missing;
        if (hard && state == REVOKE_STALE && worst == VERDICT_admitted)
            worst = VERDICT_crl_stale;
    }
    return worst;
}

static void lower_to_ends(STACK_OF(X509) * chain, int64_t *ret_until)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t end = facts_seconds(X509_get0_notAfter(sk_X509_value(chain, i)));
        if (end < *ret_until)
            *ret_until = end;
    }
}

static void set_rules(X509_STORE_CTX *store, const struct anchors *anchors, enum anchors_peer peer,
                      int64_t now)
{
    X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(store);
    X509_VERIFY_PARAM_set_purpose(rules, peer == ANCHORS_CLIENT ? X509_PURPOSE_SSL_CLIENT
                                                                : X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_trust(rules, peer == ANCHORS_CLIENT ? X509_TRUST_SSL_CLIENT
                                                              : X509_TRUST_SSL_SERVER);
    X509_VERIFY_PARAM_set_depth(rules, DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(rules, STRENGTH_LEVEL);
    X509_VERIFY_PARAM_set_time(rules, (time_t)now);
    if (anchors->partial)
        X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
    X509_STORE_CTX_set0_trusted_stack(store, anchors->certificates);
}

static enum verdict ask_chain(const struct anchors *anchors, X509_STORE_CTX *store, X509 *leaf,
                              enum anchors_peer peer, int64_t now, int64_t *ret_until)
{
    if (X509_verify_cert(store) != 1) {
        enum verdict verdict =
            verdict_of(X509_STORE_CTX_get_error(store), X509_STORE_CTX_get_error_depth(store));
        ERR_clear_error();
        return name_the_dead_end(anchors, store, verdict);
    }
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
    enum verdict verdict = anchors_ask_leaf(leaf, peer);
    if (verdict == VERDICT_admitted)
        verdict = ask_issuers(chain);
    if (verdict == VERDICT_admitted)
        verdict = ask_revocation(anchors, chain, now, ret_until);
    lower_to_ends(chain, ret_until);
    return verdict;
}

enum verdict anchors_ask(const struct anchors *anchors, X509 *leaf, STACK_OF(X509) * sent,
                         enum anchors_peer peer, int64_t now, int64_t *ret_until)
{
    enum verdict verdict = VERDICT_unable;
    X509_STORE_CTX *store = X509_STORE_CTX_new();
    if (store != NULL && X509_STORE_CTX_init(store, NULL, leaf, sent) == 1) {
        set_rules(store, anchors, peer, now);
        verdict = ask_chain(anchors, store, leaf, peer, now, ret_until);
    }
    X509_STORE_CTX_free(store);
    return verdict;
}
