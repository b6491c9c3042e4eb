/* verify: see verify.h. Two questions in this order: whom does the certificate speak of (identify),
 * and does its chain end where that partner's must (anchors)? A certificate that speaks of nobody
 * is tried with every CA we know, to tell strangers (403) from forgeries (no handshake). */
#include "certs/verify/verify.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "certs/io/io.h"
#include "certs/verify/verify_internal.h"

enum { DNS_TEXT = NAME_TEXT_MAX + 1 };

/* What a certificate says about its owner, before anything of it is believed. */
struct claim {
    enum verdict verdict; /* the answer if the chain is good */
    int partner;          /* VERIFY_NOBODY: none, or more than one */
};

static const struct claim nobody = {VERDICT_no_partner, VERIFY_NOBODY};

static void lower_dns(const char *from, char ret_text[DNS_TEXT])
{
    size_t at = 0;
    for (; from[at] != '\0' && at < DNS_TEXT - 1; at++)
        ret_text[at] = from[at] >= 'A' && from[at] <= 'Z' ? (char)(from[at] - 'A' + 'a') : from[at];
    ret_text[at] = '\0';
}

/* Adds PARTNER to CLAIM; a second, different one makes it ambiguous. */
static void claim_add(struct claim *claim, int partner)
{
    if (claim->verdict == VERDICT_ambiguous || claim->partner == partner)
        return;
    if (claim->partner == VERIFY_NOBODY)
        *claim = (struct claim){VERDICT_admitted, partner};
    else
        *claim = (struct claim){VERDICT_ambiguous, VERIFY_NOBODY};
}

static struct claim claim_by_pin(const struct trust *trust, const unsigned char *digest)
{
    struct claim claim = nobody;
    size_t first = 0;
    size_t count = trust_pins(trust, digest, &first);
    for (size_t i = first; i < first + count; i++)
        claim_add(&claim, trust->pins[i].partner);
    return claim;
}

static void claim_by_name(const struct trust *trust, enum san_kind kind, const char *text,
                          struct claim *claim)
{
    size_t first = 0;
    size_t count = trust_sans(trust, kind, text, &first);
    for (size_t i = first; i < first + count; i++)
        claim_add(claim, trust->sans[i].partner);
}

static struct claim claim_by_names(const struct trust *trust, const struct names *names)
{
    struct claim claim = nobody;
    char dns[DNS_TEXT];
    for (size_t i = 0; i < names->uri_count; i++)
        claim_by_name(trust, SAN_URI, names->uri[i], &claim);
    if (claim.verdict != VERDICT_no_partner)
        return claim;
    for (size_t i = 0; i < names->dns_count; i++) {
        lower_dns(names->dns[i], dns);
        claim_by_name(trust, SAN_DNS, dns, &claim);
    }
    return claim;
}

/* The client's certificate: whose is it? By pin, then URI, then DNS name. */
static struct claim identify(const struct trust *trust, const unsigned char *digest,
                             const struct names *names)
{
    struct claim claim = claim_by_pin(trust, digest);
    if (claim.verdict == VERDICT_no_partner) {
        claim = claim_by_names(trust, names);
        if (claim.partner != VERIFY_NOBODY && trust->partners[claim.partner].has_pins)
            claim.verdict = VERDICT_wrong_pin;
    }
    if (claim.verdict == VERDICT_admitted && trust->partners[claim.partner].disabled)
        claim.verdict = VERDICT_disabled;
    if (claim.verdict == VERDICT_no_partner && !names->has_san)
        claim.verdict = VERDICT_cn_only;
    if (claim.verdict == VERDICT_no_partner && names->has_wildcard)
        claim.verdict = VERDICT_wildcard;
    return claim;
}

static bool has_pin(const struct trust *trust, int partner, const unsigned char *digest)
{
    size_t first = 0;
    size_t count = trust_pins(trust, digest, &first);
    for (size_t i = first; i < first + count; i++) {
        if (trust->pins[i].partner == partner)
            return true;
    }
    return false;
}

static bool has_san(const struct trust *trust, int partner, enum san_kind kind, const char *text)
{
    size_t first = 0;
    size_t count = trust_sans(trust, kind, text, &first);
    for (size_t i = first; i < first + count; i++) {
        if (trust->sans[i].partner == partner)
            return true;
    }
    return false;
}

static bool has_a_name(const struct trust *trust, int partner, const struct names *names)
{
    char dns[DNS_TEXT];
    for (size_t i = 0; i < names->uri_count; i++) {
        if (has_san(trust, partner, SAN_URI, names->uri[i]))
            return true;
    }
    for (size_t i = 0; i < names->dns_count; i++) {
        lower_dns(names->dns[i], dns);
        if (has_san(trust, partner, SAN_DNS, dns))
            return true;
    }
    return false;
}

/* The server's certificate: is it this partner's? Others that share a name with it do not matter.
 */
static enum verdict fits(const struct trust *trust, int at, const unsigned char *digest,
                         const struct names *names)
{
    const struct partner *partner = &trust->partners[at];
    if (partner->disabled)
        return VERDICT_disabled;
    if (partner->has_pins)
        return has_pin(trust, at, digest) ? VERDICT_admitted : VERDICT_wrong_pin;
    if (has_a_name(trust, at, names))
        return VERDICT_admitted;
    if (!names->has_san)
        return VERDICT_cn_only;
    return names->has_wildcard ? VERDICT_wildcard : VERDICT_wrong_name;
}

static bool leads_nowhere(enum verdict verdict)
{
    return verdict == VERDICT_unknown_ca || verdict == VERDICT_incomplete ||
           verdict == VERDICT_false_ca || verdict == VERDICT_self_signed ||
           verdict == VERDICT_bad_signature || verdict == VERDICT_unpinned;
}

/* The chain under any CA that we know: `admitted`, or the refusal that tells most. */
static enum verdict ask_everyone(const struct verify_question *question, int64_t *ret_until)
{
    enum verdict best = VERDICT_unknown_ca;
    for (size_t i = 0; i < question->trust->anchors_count; i++) {
        const struct anchors *anchors = question->trust->anchors[i];
        if (!anchors_may_fit(anchors, question->leaf, question->sent))
            continue;
        int64_t until = *ret_until;
        enum verdict verdict = anchors_ask(anchors, question->leaf, question->sent, ANCHORS_CLIENT,
                                           question->now, &until);
        if (verdict == VERDICT_admitted) {
            *ret_until = until;
            return verdict;
        }
        if (best == VERDICT_unknown_ca || leads_nowhere(best))
            best = verdict;
    }
    if (best == VERDICT_unknown_ca && X509_self_signed(question->leaf, 0) == 1)
        best = VERDICT_self_signed;
    return best;
}

/* Known by its pin alone: the key is the trust, the rest must still be in order. */
static enum verdict ask_pinned(const struct verify_question *question, enum anchors_peer peer,
                               int64_t *ret_until)
{
    int64_t begin = facts_seconds(X509_get0_notBefore(question->leaf));
    int64_t end = facts_seconds(X509_get0_notAfter(question->leaf));
    if (question->now < begin)
        return VERDICT_not_yet_valid;
    if (question->now >= end)
        return VERDICT_expired;
    if (end < *ret_until)
        *ret_until = end;
    return anchors_ask_leaf(question->leaf, peer);
}

static enum verdict ask_partner(const struct verify_question *question, int at,
                                enum anchors_peer peer, int64_t *ret_until)
{
    const struct partner *partner = &question->trust->partners[at];
    if (partner->anchors == NULL)
        return ask_pinned(question, peer, ret_until);
    return anchors_ask(partner->anchors, question->leaf, question->sent, peer, question->now,
                       ret_until);
}

static struct verify_answer judge_server(const struct verify_question *question,
                                         const unsigned char *digest, const struct names *names)
{
    struct verify_answer answer = {VERDICT_unable, VERIFY_NOBODY, question->expected, INT64_MAX};
    const struct partner *partner = &question->trust->partners[question->expected];
    enum verdict fit = fits(question->trust, question->expected, digest, names);
    if (partner->anchors == NULL && fit == VERDICT_wrong_pin)
        answer.verdict = VERDICT_unpinned; /* nothing else about it could be believed */
    else
        answer.verdict = ask_partner(question, question->expected, ANCHORS_SERVER, &answer.until);
    if (answer.verdict == VERDICT_admitted)
        answer.verdict = fit;
    return answer;
}

static struct verify_answer judge_client(const struct verify_question *question,
                                         const unsigned char *digest, const struct names *names)
{
    struct claim claim = identify(question->trust, digest, names);
    struct verify_answer answer = {claim.verdict, VERIFY_NOBODY, claim.partner, INT64_MAX};
    bool is_claimed = claim.partner != VERIFY_NOBODY;
    bool by_pin_alone = is_claimed && question->trust->partners[claim.partner].anchors == NULL;
    bool is_unpinned = by_pin_alone && claim.verdict == VERDICT_wrong_pin;
    enum verdict chain = is_unpinned ? VERDICT_unpinned : VERDICT_unknown_ca;
    if (is_claimed && !is_unpinned)
        chain = ask_partner(question, claim.partner, ANCHORS_CLIENT, &answer.until);
    if (chain == VERDICT_admitted)
        return answer;
    answer.verdict = chain;
    if (!leads_nowhere(chain))
        return answer;
    enum verdict other = ask_everyone(question, &answer.until);
    if (other == VERDICT_admitted)
        answer.verdict = !is_claimed || is_unpinned ? claim.verdict : VERDICT_foreign_ca;
    else if (!is_claimed)
        answer.verdict = other;
    return answer;
}

struct verify_answer verify_judge(const struct verify_question *question)
{
    struct verify_answer answer = {VERDICT_unable, VERIFY_NOBODY, VERIFY_NOBODY, INT64_MAX};
    struct names names;
    unsigned char digest[DIGEST_SHA256_BYTES];
    if (!facts_key_digest(question->leaf, digest))
        return answer;
    names_read(question->leaf, &names);
    if (names.is_bad)
        answer.verdict = VERDICT_bad_name;
    else if (question->expected != VERIFY_NOBODY)
        answer = judge_server(question, digest, &names);
    else
        answer = judge_client(question, digest, &names);
    names_free(&names);
    if (answer.verdict == VERDICT_admitted)
        answer.partner = answer.claimed;
    return answer;
}

static void copy_name(const X509_NAME *name, char ret_text[VERIFY_SUBJECT_TEXT])
{
    char *bytes = NULL;
    BIO *sink = BIO_new(BIO_s_mem());
    long length = 0;
    if (sink != NULL && X509_NAME_print_ex(sink, name, 0, XN_FLAG_RFC2253) >= 0)
        length = BIO_get_mem_data(sink, &bytes);
    snprintf(ret_text, VERIFY_SUBJECT_TEXT, "%.*s", (int)length, length > 0 ? bytes : "");
    BIO_free(sink);
}

static void copy_partner(const struct trust *trust, int partner, char ret_text[TRUST_NAME_MAX + 1])
{
    if (partner != VERIFY_NOBODY)
        snprintf(ret_text, TRUST_NAME_MAX + 1, "%s", trust->partners[partner].name);
}

/* Only whole names that are clean: the text is shown to people. */
static void copy_names(const X509 *leaf, char ret_text[VERIFY_SUBJECT_TEXT])
{
    struct names names;
    size_t length = 0;
    names_read(leaf, &names);
    for (size_t i = 0; i < names.uri_count + names.dns_count; i++) {
        const char *name = i < names.uri_count ? names.uri[i] : names.dns[i - names.uri_count];
        size_t more = strlen(name) + (length > 0 ? 2 : 0);
        if (!names_is_clean(name) || length + more >= VERIFY_SUBJECT_TEXT)
            continue;
        snprintf(ret_text + length, VERIFY_SUBJECT_TEXT - length, "%s%s", length > 0 ? ", " : "",
                 name);
        length += more;
    }
    names_free(&names);
}

void verify_describe(const struct trust *trust, X509 *leaf, const struct verify_answer *answer,
                     struct verify_peer *ret_peer)
{
    unsigned char digest[DIGEST_SHA256_BYTES];
    memset(ret_peer, 0, sizeof *ret_peer);
    ret_peer->verdict = answer->verdict;
    copy_partner(trust, answer->partner, ret_peer->partner);
    copy_partner(trust, answer->claimed, ret_peer->claimed);
    if (leaf == NULL)
        return;
    copy_name(X509_get_subject_name(leaf), ret_peer->subject);
    copy_name(X509_get_issuer_name(leaf), ret_peer->issuer);
    copy_names(leaf, ret_peer->names);
    facts_serial(X509_get0_serialNumber(leaf), ret_peer->serial, sizeof ret_peer->serial);
    if (facts_digest(leaf, digest))
        digest_hex(digest, sizeof digest, ret_peer->fingerprint);
    if (facts_key_digest(leaf, digest))
        facts_pin(digest, ret_peer->pin);
    ret_peer->not_before = facts_seconds(X509_get0_notBefore(leaf));
    ret_peer->not_after = facts_seconds(X509_get0_notAfter(leaf));
}

int verify_error(enum verdict verdict)
{
    static const struct {
        const char *alert;
        int error;
    } rows[] = {
        {"none", X509_V_OK},
        {"bad_certificate", X509_V_ERR_CERT_REJECTED},
        {"unsupported_certificate", X509_V_ERR_INVALID_PURPOSE},
        {"certificate_revoked", X509_V_ERR_CERT_REVOKED},
        {"certificate_expired", X509_V_ERR_CERT_HAS_EXPIRED},
        {"certificate_unknown", X509_V_ERR_UNSUPPORTED_NAME_SYNTAX},
        {"unknown_ca", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
        {"internal_error", X509_V_ERR_UNSPECIFIED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].alert, verdict_alert(verdict)) == 0)
            return rows[i].error;
    }
    return X509_V_ERR_APPLICATION_VERIFICATION;
}

bool verify_peer_of(const struct ssl_st *session, struct verify_peer *ret_peer)
{
    const struct verify_session *state = SSL_get_app_data(session);
    X509 *leaf = state->refused != NULL ? state->refused : SSL_get0_peer_certificate(session);
    verify_describe(state->trust, leaf, &state->answer, ret_peer);
    /* Failed at the client's Certificate message without being asked about one: it was empty. */
    if (leaf == NULL && SSL_get_state(session) == TLS_ST_SR_CERT)
        ret_peer->verdict = VERDICT_no_certificate;
    return leaf != NULL;
}

bool verify_again(struct ssl_st *session, struct trust *trust, int64_t now,
                  enum verdict *ret_verdict)
{
    struct verify_session *state = SSL_get_app_data(session);
    const struct verify_answer old = state->answer;
    if (ret_verdict != NULL)
        *ret_verdict = old.verdict;
    if (trust == state->trust && now < old.until)
        return true;
    X509 *leaf = SSL_get0_peer_certificate(session);
    if (leaf == NULL)
        return false;
    const struct verify_question question = {trust, leaf, SSL_get_peer_cert_chain(session),
                                             VERIFY_NOBODY, now};
    state->answer = verify_judge(&question);
    bool same = state->answer.verdict == old.verdict;
    if (same && old.partner != VERIFY_NOBODY)
        same = strcmp(state->trust->partners[old.partner].name,
                      trust->partners[state->answer.partner].name) == 0;
    if (trust != state->trust) {
        trust_release(state->trust);
        state->trust = trust_hold(trust);
    }
    if (ret_verdict != NULL)
        *ret_verdict = state->answer.verdict;
    return same;
}
