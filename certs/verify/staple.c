/* staple: judging an OCSP answer: its signature, whom it is about, and whether it is of today.
 * See staple.h. Called within a handshake, on the thread of the connection, and at loading for
 * the answer that we hand over ourselves. No network, and no clock but the time that is given. */
#include "certs/verify/staple.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/ocsp.h>
#include <string.h>
#include <time.h>

#include "certs/io/io.h"

enum { DAY_SECONDS = 24 * 60 * 60, HASH_BITS_MIN = 224 };

static bool issued(X509 *issuer, X509 *leaf)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool did =
        X509_check_issued(issuer, leaf) == X509_V_OK && key != NULL && X509_verify(leaf, key) == 1;
    ERR_clear_error();
    return did;
}

static X509 *find_issuer(STACK_OF(X509) * among, X509 *leaf)
{
    for (int i = 0; i < sk_X509_num(among); i++) {
        if (issued(sk_X509_value(among, i), leaf))
            return sk_X509_value(among, i);
    }
    return NULL;
}

static OCSP_BASICRESP *parse(const struct staple *staple)
{
    const unsigned char *at = staple->bytes;
    if (staple->length > STAPLE_BYTES_MAX)
        return NULL;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)staple->length);
    OCSP_BASICRESP *basic = NULL;
    if (response != NULL && at == staple->bytes + staple->length &&
        OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    OCSP_RESPONSE_free(response);
    return basic;
}

/* As strict as for certificates: no SHA-1. */
static bool is_signed_strongly(const OCSP_BASICRESP *basic)
{
    const ASN1_OBJECT *algorithm = NULL;
    int hash = NID_undef;
    X509_ALGOR_get0(&algorithm, NULL, NULL, OCSP_resp_get0_tbs_sigalg(basic));
    if (OBJ_obj2nid(algorithm) == NID_ED25519)
        return true;
    if (OBJ_find_sigid_algs(OBJ_obj2nid(algorithm), &hash, NULL) != 1)
        return false;
    const EVP_MD *kind = EVP_get_digestbynid(hash);
    return kind != NULL && EVP_MD_get_size(kind) * 8 >= HASH_BITS_MIN;
}

/* Signed by the issuer itself, or by whom it named for that (RFC 6960 section 4.2.2.2). */
static bool is_signed_for(OCSP_BASICRESP *basic, X509 *issuer, int64_t now)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *signers = sk_X509_new_null();
    bool good = false;
    if (store != NULL && signers != NULL && sk_X509_push(signers, issuer) > 0 &&
        X509_STORE_add_cert(store, issuer) == 1) {
        X509_VERIFY_PARAM *rules = X509_STORE_get0_param(store);
        X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_auth_level(rules, STRENGTH_LEVEL);
        X509_VERIFY_PARAM_set_time(rules, (time_t)now);
        good = OCSP_basic_verify(basic, signers, store, 0) == 1;
    }
    ERR_clear_error();
    sk_X509_free(signers);
    X509_STORE_free(store);
    return good;
}

/* The part of the answer about LEAF, whatever hash its number was made with. */
static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer)
{
    const EVP_MD *const hashes[] = {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        OCSP_CERTID *id = OCSP_cert_to_id(hashes[i], leaf, issuer);
        int at = id == NULL ? -1 : OCSP_resp_find(basic, id, -1);
        OCSP_CERTID_free(id);
        if (at >= 0)
            return OCSP_resp_get0(basic, at);
    }
    return NULL;
}

static bool is_before(const ASN1_GENERALIZEDTIME *one, int64_t moment)
{
    time_t at = (time_t)moment;
    return ASN1_TIME_cmp_time_t(one, at) < 0;
}

static enum verdict judge_times(const ASN1_GENERALIZEDTIME *since,
                                const ASN1_GENERALIZEDTIME *until, int64_t now)
{
    bool has_begun = since != NULL && is_before(since, now + STAPLE_SLACK_SECONDS);
    if (!has_begun)
        return VERDICT_staple_invalid;
    bool is_over = until != NULL ? is_before(until, now - STAPLE_SLACK_SECONDS)
                                 : is_before(since, now - STAPLE_DAYS_MAX * DAY_SECONDS);
    return is_over ? VERDICT_staple_stale : VERDICT_admitted;
}

/* Seconds since 1970. */
static int64_t seconds_of(const ASN1_GENERALIZEDTIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static enum verdict judge(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer, int64_t now,
                          struct staple *ret_times)
{
    ASN1_GENERALIZEDTIME *since = NULL;
    ASN1_GENERALIZEDTIME *until = NULL;
    if (!is_signed_strongly(basic) || !is_signed_for(basic, issuer, now))
        return VERDICT_staple_invalid;
    OCSP_SINGLERESP *single = find_single(basic, leaf, issuer);
    if (single == NULL)
        return VERDICT_staple_invalid;
    int state = OCSP_single_get0_status(single, NULL, NULL, &since, &until);
    ret_times->since = seconds_of(since);
    ret_times->until =
        until != NULL ? seconds_of(until) : ret_times->since + STAPLE_DAYS_MAX * DAY_SECONDS;
    if (state == V_OCSP_CERTSTATUS_REVOKED)
        return VERDICT_revoked; /* however old: what is revoked stays revoked */
    return state == V_OCSP_CERTSTATUS_GOOD ? judge_times(since, until, now)
                                           : VERDICT_staple_invalid;
}

static enum verdict ask(const struct staple *staple, X509 *leaf, STACK_OF(X509) * issuers,
                        STACK_OF(X509) * known, int64_t now, struct staple *ret_times)
{
    if (staple->bytes == NULL || staple->length == 0)
        return VERDICT_staple_missing;
    X509 *issuer = find_issuer(known, leaf);
    if (issuer == NULL)
        issuer = find_issuer(issuers, leaf);
    OCSP_BASICRESP *basic = issuer == NULL ? NULL : parse(staple);
    enum verdict verdict =
        basic == NULL ? VERDICT_staple_invalid : judge(basic, leaf, issuer, now, ret_times);
    OCSP_BASICRESP_free(basic);
    ERR_clear_error();
    return verdict;
}

enum verdict staple_ask(const struct staple *staple, X509 *leaf, STACK_OF(X509) * issuers,
                        STACK_OF(X509) * known, int64_t now)
{
    struct staple times;
    return ask(staple, leaf, issuers, known, now, &times);
}

struct staple staple_load(const char *file, X509 *leaf, STACK_OF(X509) * chain, const char *ca_file,
                          struct arena *arena, struct finding_list *findings)
{
    struct staple staple = {NULL, 0, 0, 0};
    STACK_OF(X509) *known = ca_file == NULL ? NULL : pem_read_certificates(ca_file, findings);
    const char *bytes = files_read(arena, file, findings, &staple.length);
    staple.bytes = (const unsigned char *)bytes;
    enum verdict verdict =
        bytes == NULL ? VERDICT_admitted : ask(&staple, leaf, chain, known, time(NULL), &staple);
    sk_X509_pop_free(known, X509_free);
    if (bytes != NULL && verdict == VERDICT_admitted)
        return staple;
    if (verdict == VERDICT_revoked)
        files_fault(findings, file, "an answer that says our certificate is revoked",
                    "a new certificate: refgate cert renew or refgate cert request");
    else if (verdict != VERDICT_admitted)
        files_fault(findings, file,
                    verdict == VERDICT_staple_stale
                        ? "an answer that has run out"
                        : "no answer of our CA's responder about our certificate",
                    "a fresh OCSP answer in DER about cert_file, signed by its CA or its "
                    "responder, as `openssl ocsp -respout` writes it");
    return (struct staple){NULL, 0, 0, 0};
}
