/* revoke: revocation lists, loaded once and asked at each handshake. See revoke.h for what is
 * refused.
 *
 * The serial numbers of a list are sorted at loading, once, so that a question is a binary search.
 */
#include "certs/verify/revoke.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "certs/io/io.h"

/* NO_KIND is no NID at all: NID_undef is the number of every unknown extension. */
enum { LISTS_MAX = 1024, NO_KIND = -1 };

struct revoke_list {
    X509_CRL *crl;
    ISSUING_DIST_POINT *scope; /* NULL: the list covers everything of its issuer */
    X509 *signer;              /* checked at loading; borrowed; NULL: not known then */
    int64_t since, until;
};

static bool has_unknown_critical(const STACK_OF(X509_EXTENSION) * extensions, int known)
{
    for (int i = 0; i < X509v3_get_ext_count(extensions); i++) {
        X509_EXTENSION *extension = X509v3_get_ext(extensions, i);
        int kind = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (X509_EXTENSION_get_critical(extension) && kind != known)
            return true;
    }
    return false;
}

static bool an_entry_is_special(X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
        if (has_unknown_critical(X509_REVOKED_get0_extensions(sk_X509_REVOKED_value(entries, i)),
                                 NO_KIND))
            return true;
    }
    return false;
}

static bool scope_is_usable(const ISSUING_DIST_POINT *scope)
{
    if (scope == NULL)
        return true;
    bool relative = scope->distpoint != NULL && scope->distpoint->type != 0;
    return !relative && scope->onlysomereasons == NULL && scope->indirectCRL <= 0 &&
           scope->onlyattr <= 0;
}

/* What is wrong with the kind of the list, or NULL. */
static const char *why_unusable(X509_CRL *crl, const ISSUING_DIST_POINT *scope)
{
    int digest = NID_undef;
    if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
        return "a delta revocation list";
    if (!scope_is_usable(scope))
        return "an indirect or partial revocation list";
    if (has_unknown_critical(X509_CRL_get0_extensions(crl), NID_issuing_distribution_point) ||
        an_entry_is_special(crl))
        return "a revocation list with an unknown critical extension";
    if (OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &digest, NULL) == 1 &&
        (digest == NID_sha1 || digest == NID_md5 || digest == NID_md5_sha1))
        return "a revocation list signed with an outdated method";
    if (X509_CRL_get0_nextUpdate(crl) == NULL)
        return "a revocation list that does not say when the next one comes";
    return NULL;
}

static bool may_sign(X509 *issuer)
{
    return (X509_get_key_usage(issuer) & KU_CRL_SIGN) !=
           0; /* all bits set when there is no usage */
}

static bool is_signed_by(X509_CRL *crl, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool good = key != NULL && may_sign(issuer) && X509_CRL_verify(crl, key) == 1;
    ERR_clear_error();
    return good;
}

/* The known certificate that signed the list. NULL with RET_FALSE when one has the name but not the
 * key. */
static X509 *find_signer(X509_CRL *crl, STACK_OF(X509) * known, bool *ret_false)
{
    *ret_false = false;
    for (int i = 0; i < sk_X509_num(known); i++) {
        X509 *issuer = sk_X509_value(known, i);
        if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0)
            continue;
        if (is_signed_by(crl, issuer)) {
            *ret_false = false;
            return issuer;
        }
        *ret_false = true;
    }
    return NULL;
}

static void sort_once(X509_CRL *crl)
{
    X509_REVOKED *entry = NULL;
    ASN1_INTEGER *zero = ASN1_INTEGER_new();
    if (zero != NULL)
        X509_CRL_get0_by_serial(crl, &entry, zero);
    ASN1_INTEGER_free(zero);
}

static bool add(struct revoke *revoke, X509_CRL *crl, const char *file, STACK_OF(X509) * known,
                struct finding_list *findings)
{
    ISSUING_DIST_POINT *scope =
        X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
    bool is_false = false;
    X509 *signer = find_signer(crl, known, &is_false);
    const char *why = why_unusable(crl, scope);
    if (why == NULL && is_false)
        why = "a revocation list whose signature is not by the CA it names";
    struct revoke_list *items = why != NULL || revoke->count == LISTS_MAX
                                    ? NULL
                                    : realloc(revoke->items, (revoke->count + 1) * sizeof *items);
    if (items == NULL) {
        files_fault(findings, file, why != NULL ? why : "too many revocation lists",
                    "a whole, direct revocation list, signed by the partner's CA");
        ISSUING_DIST_POINT_free(scope);
        return false;
    }
    X509_CRL_up_ref(crl);
    sort_once(crl);
    revoke->items = items;
    items[revoke->count++] =
        (struct revoke_list){crl, scope, signer, facts_seconds(X509_CRL_get0_lastUpdate(crl)),
                             facts_seconds(X509_CRL_get0_nextUpdate(crl))};
    return true;
}

bool revoke_load(struct revoke *revoke, const char *file, STACK_OF(X509) * known,
                 struct finding_list *findings)
{
    STACK_OF(X509_CRL) *crls = pem_read_crls(file, findings);
    if (crls == NULL)
        return false;
    bool good = true;
    for (int i = 0; i < sk_X509_CRL_num(crls); i++)
        good = add(revoke, sk_X509_CRL_value(crls, i), file, known, findings) && good;
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
    return good;
}

void revoke_keep(struct revoke *revoke, const struct revoke *before, STACK_OF(X509) * known)
{
    struct arena arena = ARENA_EMPTY;
    struct finding_list ignored = finding_list_new(&arena);
    for (size_t i = 0; i < before->count; i++)
        add(revoke, before->items[i].crl, "", known, &ignored);
    arena_free(&arena);
}

void revoke_free(struct revoke *revoke)
{
    for (size_t i = 0; i < revoke->count; i++) {
        X509_CRL_free(revoke->items[i].crl);
        ISSUING_DIST_POINT_free(revoke->items[i].scope);
    }
    free(revoke->items);
    *revoke = (struct revoke){0};
}

static bool shares_a_name(const GENERAL_NAMES *ones, const GENERAL_NAMES *others)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(ones); i++) {
        for (int j = 0; j < sk_GENERAL_NAME_num(others); j++) {
            if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(ones, i),
                                 sk_GENERAL_NAME_value(others, j)) == 0)
                return true;
        }
    }
    return false;
}

/* RFC 5280 section 6.3.3 (b)(2): a list for one distribution point covers the certificates that
 * name that point. */
static bool point_fits(const ISSUING_DIST_POINT *scope, const X509 *certificate)
{
    if (scope->distpoint == NULL)
        return true;
    CRL_DIST_POINTS *points =
        X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
    bool fits = false;
    for (int i = 0; i < sk_DIST_POINT_num(points) && !fits; i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        fits = point->distpoint != NULL && point->distpoint->type == 0 && point->reasons == NULL &&
               shares_a_name(scope->distpoint->name.fullname, point->distpoint->name.fullname);
    }
    CRL_DIST_POINTS_free(points);
    return fits;
}

static bool covers(const struct revoke_list *list, X509 *certificate, X509 *issuer)
{
    if (X509_NAME_cmp(X509_CRL_get_issuer(list->crl), X509_get_subject_name(issuer)) != 0)
        return false;
    if (list->scope != NULL) {
        bool is_ca = (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0;
        if ((list->scope->onlyuser > 0 && is_ca) || (list->scope->onlyCA > 0 && !is_ca) ||
            !point_fits(list->scope, certificate))
            return false;
    }
    if (list->signer != NULL && (list->signer == issuer || X509_cmp(list->signer, issuer) == 0))
        return true;
    return is_signed_by(list->crl, issuer);
}

enum revoke_state revoke_ask(const struct revoke *revoke, X509 *certificate, X509 *issuer,
                             int64_t now, int64_t *ret_until)
{
    const struct revoke_list *newest = NULL;
    for (size_t i = 0; i < revoke->count; i++) {
        const struct revoke_list *list = &revoke->items[i];
        bool is_newer = newest == NULL || list->since > newest->since;
        if (is_newer && list->since <= now && covers(list, certificate, issuer))
            newest = list;
    }
    if (newest == NULL)
        return REVOKE_MISSING;
    X509_REVOKED *entry = NULL;
    /* 1: revoked or on hold. 2 (removed again) occurs in delta lists only, which were refused. */
    if (X509_CRL_get0_by_serial(newest->crl, &entry, X509_get_serialNumber(certificate)) != 0)
        return REVOKE_REVOKED;
    if (newest->until <= now)
        return REVOKE_STALE;
    if (newest->until < *ret_until)
        *ret_until = newest->until;
    return REVOKE_GOOD;
}

const X509_NAME *revoke_issuer(const struct revoke *revoke, size_t at)
{
    return X509_CRL_get_issuer(revoke->items[at].crl);
}

void revoke_times(const struct revoke *revoke, size_t at, int64_t *ret_since, int64_t *ret_until)
{
    *ret_since = revoke->items[at].since;
    *ret_until = revoke->items[at].until;
}

void revoke_digest(const struct revoke *revoke, size_t at,
                   unsigned char ret_digest[DIGEST_SHA256_BYTES])
{
    unsigned length = 0;
    X509_CRL_digest(revoke->items[at].crl, EVP_sha256(), ret_digest, &length);
}
