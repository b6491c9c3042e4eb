/* identity: loading our own key and chain, and all that is asked of them before a peer sees them:
 * that they belong together, stand in order, and would not be refused by partners. See
 * identity.h. Loading blocks; what is loaded never changes and counts its holders. */
#include "certs/tls/identity.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/date.h"
#include "certs/io/io.h"
#include "certs/tls/identity_internal.h"

enum { KEY_TEXT = 64 };

struct identity {
    atomic_uint holders;
    X509 *leaf;
    STACK_OF(X509) *
        chain; /* intermediates upwards, no root: the peer has it or must not trust ours */
    EVP_PKEY *key;
    int64_t not_after;
};

static const char *subject_of(X509 *certificate, struct arena *arena)
{
    struct certificate facts;
    certificate_describe(arena, certificate, &facts);
    return facts.subject;
}

/* Each certificate must be issued by the next one: servers send the file as it stands. */
static bool chain_is_in_order(STACK_OF(X509) * stack, const char *file,
                              struct finding_list *findings)
{
    for (int i = 0; i + 1 < sk_X509_num(stack); i++) {
        X509 *lower = sk_X509_value(stack, i);
        X509 *upper = sk_X509_value(stack, i + 1);
        EVP_PKEY *key = X509_get0_pubkey(upper);
        if (X509_check_issued(upper, lower) == X509_V_OK && key != NULL &&
            X509_verify(lower, key) == 1)
            continue;
        ERR_clear_error();
        files_fault(findings, file,
                    arena_print(findings->arena,
                                "certificate %d (%s), which certificate %d did not issue", i + 1,
                                subject_of(lower, findings->arena), i + 2),
                    "our own certificate first, then its issuer, then that one's issuer");
        return false;
    }
    return true;
}

static bool key_fits(const struct identity_files *files, X509 *leaf, EVP_PKEY *key,
                     struct finding_list *findings)
{
    char described[KEY_TEXT];
    strength_describe(key, described, sizeof described);
    if (!strength_key(key)) {
        files_fault(findings, files->key_file,
                    arena_print(findings->arena, "a key that peers refuse: %s", described),
                    STRENGTH_EXPECTED);
        return false;
    }
    if (X509_check_private_key(leaf, key) != 1) {
        ERR_clear_error();
        files_fault(
            findings, files->key_file,
            arena_print(findings->arena, "a key (%s) that is not the one of the certificate in %s",
                        described, files->cert_file),
            "the key from which the certificate was requested; `refgate cert rollback` puts "
            "the last pair back, `refgate cert install` a new one");
        return false;
    }
    return true;
}

static const char *not_yet_words(struct arena *arena, int64_t from, int64_t now)
{
    char begins[DATE_TEXT];
    char shown[DATE_TEXT];
    date_time_format_utc((struct date_time){.seconds = from}, begins);
    date_time_format_utc((struct date_time){.seconds = now}, shown);
    return arena_print(
        arena, "a certificate that is not valid yet: from %s on, and the clock here says %s",
        begins, shown);
}

/* What peers will refuse us for. */
static void check_for_peers(const struct identity *identity, const char *file,
                            struct finding_list *findings)
{
    struct certificate facts;
    int64_t now = time(NULL);
    certificate_describe(findings->arena, identity->leaf, &facts);
    if (facts.is_ca)
        files_fault(findings, file, "the certificate of a CA",
                    "a certificate issued to this gateway");
    if (!facts.for_client)
        files_fault(
            findings, file, "a certificate without the usage clientAuth",
            "extended key usages clientAuth and serverAuth; partners refuse it when we connect: "
            "have it issued anew (`refgate cert request`)");
    if (!facts.for_server)
        files_fault(
            findings, file, "a certificate without the usage serverAuth",
            "extended key usages clientAuth and serverAuth; partners refuse to connect to it: "
            "have it issued anew (`refgate cert request`)");
    if (facts.not_before > now)
        files_fault(findings, file, not_yet_words(findings->arena, facts.not_before, now),
                    "a right clock here (timedatectl), or a certificate that has begun");
    if (identity->not_after <= now)
        files_fault(findings, file, "an expired certificate",
                    "a renewed one (`refgate cert renew`, or `cert request` and `cert install`); "
                    "partners refuse this one");
}

static int64_t earliest_end(STACK_OF(X509) * stack)
{
    int64_t end = INT64_MAX;
    for (int i = 0; i < sk_X509_num(stack); i++) {
        int64_t one = facts_seconds(X509_get0_notAfter(sk_X509_value(stack, i)));
        if (one < end)
            end = one;
    }
    return end;
}

/* Takes STACK and KEY over. */
static struct identity *assemble(STACK_OF(X509) * stack, EVP_PKEY *key)
{
    struct identity *identity = calloc(1, sizeof *identity);
    if (identity == NULL)
        return NULL;
    int last = sk_X509_num(stack) - 1;
    identity->not_after = earliest_end(stack);
    if (last > 0 && X509_self_signed(sk_X509_value(stack, last), 0) == 1)
        X509_free(sk_X509_pop(stack));
    identity->leaf = sk_X509_shift(stack);
    identity->chain = stack;
    identity->key = key;
    atomic_init(&identity->holders, 1);
    return identity;
}

struct identity *identity_load(const struct identity_files *files, struct finding_list *findings)
{
    struct identity *identity = NULL;
    EVP_PKEY *key = pem_read_key(files->key_file, files->passphrase_file, findings);
    STACK_OF(X509) *stack = pem_read_certificates(files->cert_file, findings);
    if (key != NULL && stack != NULL && key_fits(files, sk_X509_value(stack, 0), key, findings) &&
        chain_is_in_order(stack, files->cert_file, findings))
        identity = assemble(stack, key);
    if (identity == NULL) {
        EVP_PKEY_free(key);
        sk_X509_pop_free(stack, X509_free);
        return NULL;
    }
    check_for_peers(identity, files->cert_file, findings);
    return identity;
}

struct identity *identity_hold(struct identity *identity)
{
    atomic_fetch_add_explicit(&identity->holders, 1, memory_order_relaxed);
    return identity;
}

void identity_release(struct identity *identity)
{
    if (identity == NULL ||
        atomic_fetch_sub_explicit(&identity->holders, 1, memory_order_acq_rel) != 1)
        return;
    X509_free(identity->leaf);
    sk_X509_pop_free(identity->chain, X509_free);
    EVP_PKEY_free(identity->key); /* OpenSSL wipes private numbers */
    free(identity);
}

struct certificate identity_certificate(const struct identity *identity, struct arena *arena)
{
    struct certificate facts;
    certificate_describe(arena, identity->leaf, &facts);
    return facts;
}

int64_t identity_not_after(const struct identity *identity)
{
    return identity->not_after;
}

int identity_days_left(const struct identity *identity, int64_t now)
{
    return certificate_days_left(identity->not_after, now);
}

struct identity_parts identity_parts(const struct identity *identity)
{
    return (struct identity_parts){identity->leaf, identity->chain, identity->key};
}
