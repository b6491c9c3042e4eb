/* authority: see authority.h. The list of what was issued is in ledger.c. */
#include "certs/issue/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certs/io/certificate.h"
#include "certs/io/io.h"
#include "certs/issue/forms.h"
#include "certs/issue/ledger.h"

/* What we issue begins a little earlier, for machines whose clock is slow. */
enum { CLOCK_SLACK_SECONDS = 300 };

struct authority {
    struct arena arena;
    const char *folder;
    int lock; /* the folder, flock()ed */
    X509 *certificate;
    EVP_PKEY *key;
    struct ledger *ledger;
};

static const char *in(struct arena *arena, const char *folder, const char *name)
{
    return arena_print(arena, "%s/%s", folder, name);
}

static bool set_authority_form(X509 *certificate, const struct authority_options *options,
                               struct arena *arena, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    int days = options->days > 0 ? options->days : AUTHORITY_CA_DAYS;
    return X509_set_version(certificate, X509_VERSION_3) == 1 && forms_set_serial(certificate) &&
           forms_set_times(certificate, time(NULL) - CLOCK_SLACK_SECONDS, days) &&
           forms_set_subject(name, options->handle,
                             arena_print(arena, "%s private CA", options->handle)) &&
           X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
           forms_add(certificate, certificate, NID_basic_constraints,
                     "critical,CA:TRUE,pathlen:0") &&
           forms_add(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           forms_add(certificate, certificate, NID_subject_key_identifier, "hash") &&
           forms_sign(certificate, key);
}

static bool make_authority(const char *folder, const struct authority_options *options,
                           struct finding_list *findings)
{
    struct arena *arena = findings->arena;
    const char *key_file = in(arena, folder, "ca.key");
    bool is_there = files_exists(key_file); /* a broken-off start */
    const char *given = is_there ? key_file : options->key_file;
    bool is_given = given != NULL;
    EVP_PKEY *key = is_given ? pem_read_key(given, options->passphrase_file, findings)
                             : forms_new_key(options->key);
    X509 *certificate = X509_new();
    bool done = false;
    if (is_given && key == NULL)
        done = false; /* the finding says why */
    else if (is_given && !strength_key(key))
        files_fault(findings, given, "a key that peers would refuse", STRENGTH_EXPECTED);
    else if (key == NULL || certificate == NULL ||
             !set_authority_form(certificate, options, arena, key))
        files_fault(findings, folder, pem_why(arena), "a CA certificate that OpenSSL can make");
    else
        done = (is_there   ? true
                : is_given ? files_copy_secret(given, key_file, FILES_NEW, findings)
                           : pem_write_key(key_file, key, options->passphrase_file, findings)) &&
               pem_write_certificate(in(arena, folder, "ca.crt"), certificate, findings);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return done;
}

bool authority_init(const char *folder, const struct authority_options *options,
                    struct finding_list *findings)
{
    struct arena *arena = findings->arena;
    const struct request_names names = {.handle = options->handle};
    GENERAL_NAMES *valid = forms_names(&names, findings);
    if (valid == NULL)
        return false;
    GENERAL_NAMES_free(valid);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        files_fault(findings, folder, strerror(errno), "a folder that can be made");
        return false;
    }
    if (files_exists(in(arena, folder, "ca.crt")) || files_exists(in(arena, folder, "ca.key"))) {
        files_fault(findings, folder, "a CA that is already there",
                    "an empty folder; a CA is never replaced, for all it issued would be lost");
        return false;
    }
    return authority_finish(folder, options, findings);
}

bool authority_finish(const char *folder, const struct authority_options *options,
                      struct finding_list *findings)
{
    bool has_certificate = files_exists(in(findings->arena, folder, "ca.crt"));
    if (!has_certificate && !make_authority(folder, options, findings))
        return false;
    struct authority *authority = authority_open(folder, options->passphrase_file, findings);
    bool done = authority != NULL && authority_publish(authority, 0, findings);
    authority_close(authority);
    return done;
}

static int lock_folder(const char *folder, struct finding_list *findings)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        files_fault(findings, folder, strerror(errno),
                    "the folder of a CA, made by `cert authority init`");
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        files_fault(findings, folder, "a CA that another process is using",
                    "one process at a time");
        close(fd);
        return -1;
    }
    return fd;
}

static bool load(struct authority *authority, const char *passphrase_file,
                 struct finding_list *findings)
{
    struct arena *arena = &authority->arena;
    const char *cert_file = in(arena, authority->folder, "ca.crt");
    const char *key_file = in(arena, authority->folder, "ca.key");
    STACK_OF(X509) *stack = pem_read_certificates(cert_file, findings);
    authority->certificate = sk_X509_shift(stack);
    sk_X509_pop_free(stack, X509_free);
    authority->key = pem_read_key(key_file, passphrase_file, findings);
    authority->ledger = ledger_open(in(arena, authority->folder, "issued.csv"), findings);
    if (authority->certificate == NULL || authority->key == NULL || authority->ledger == NULL)
        return false;
    if (X509_check_private_key(authority->certificate, authority->key) == 1)
        return true;
    ERR_clear_error();
    files_fault(findings, key_file, "a key that does not belong to ca.crt", "the key of this CA");
    return false;
}

struct authority *authority_open(const char *folder, const char *passphrase_file,
                                 struct finding_list *findings)
{
    int lock = lock_folder(folder, findings);
    if (lock < 0)
        return NULL;
    struct authority *authority = calloc(1, sizeof *authority);
    if (authority == NULL)
        abort(); /* as the arena */
    authority->lock = lock;
    authority->folder = arena_copy(&authority->arena, folder);
    if (load(authority, passphrase_file, findings))
        return authority;
    authority_close(authority);
    return NULL;
}

void authority_close(struct authority *authority)
{
    if (authority == NULL)
        return;
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    ledger_close(authority->ledger);
    close(authority->lock);
    arena_free(&authority->arena);
    free(authority);
}

static bool set_leaf_form(struct authority *authority, X509 *leaf, EVP_PKEY *key,
                          const X509_NAME *subject, GENERAL_NAMES *names, int days)
{
    X509 *issuer = authority->certificate;
    return X509_set_version(leaf, X509_VERSION_3) == 1 && forms_set_serial(leaf) &&
           forms_set_times(leaf, time(NULL) - CLOCK_SLACK_SECONDS, days) &&
           X509_set_subject_name(leaf, subject) == 1 &&
           X509_set_issuer_name(leaf, X509_get_subject_name(issuer)) == 1 &&
           X509_set_pubkey(leaf, key) == 1 &&
           forms_add(leaf, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           forms_add(leaf, issuer, NID_key_usage, "critical,digitalSignature") &&
           forms_add(leaf, issuer, NID_ext_key_usage, "serverAuth,clientAuth") &&
           forms_add(leaf, issuer, NID_subject_key_identifier, "hash") &&
           forms_add(leaf, issuer, NID_authority_key_identifier, "keyid:always") &&
           X509_add1_ext_i2d(leaf, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
           forms_sign(leaf, authority->key);
}

static bool days_are_good(const struct authority *authority, int days,
                          struct finding_list *findings)
{
    int64_t ca_end = facts_seconds(X509_get0_notAfter(authority->certificate));
    if (days < 1 || days > AUTHORITY_LEAF_DAYS_MAX) {
        files_fault(findings, authority->folder, arena_print(findings->arena, "%d days", days),
                    "1 to 825 days; 365 by default");
        return false;
    }
    if (certificate_days_left(ca_end, time(NULL)) < days) {
        files_fault(findings, authority->folder,
                    arena_print(findings->arena, "%d days, more than the CA has left (%d)", days,
                                certificate_days_left(ca_end, time(NULL))),
                    "fewer days, or a new CA");
        return false;
    }
    return true;
}

/* Signs, enters into the ledger, and only then lets the certificate out. */
static bool certify(struct authority *authority, EVP_PKEY *key, const X509_NAME *subject,
                    GENERAL_NAMES *names, int days, const char *cert_file,
                    struct finding_list *findings)
{
    days = days == 0 ? AUTHORITY_LEAF_DAYS : days;
    if (!days_are_good(authority, days, findings))
        return false;
    if (!strength_key(key)) {
        files_fault(findings, cert_file, "a key that peers would refuse", STRENGTH_EXPECTED);
        return false;
    }
    X509 *leaf = X509_new();
    bool done = leaf != NULL && set_leaf_form(authority, leaf, key, subject, names, days);
    if (!done) {
        files_fault(findings, cert_file, pem_why(findings->arena),
                    "a certificate that OpenSSL can make");
    } else {
        char serial[FACTS_SERIAL_TEXT];
        facts_serial(X509_get0_serialNumber(leaf), serial, sizeof serial);
        const struct authority_leaf row = {
            .serial = serial,
            .names = forms_names_text(&authority->arena, names),
            .not_after = facts_seconds(X509_get0_notAfter(leaf)),
        };
        done = ledger_add(authority->ledger, &row, findings) &&
               pem_write_certificate(cert_file, leaf, findings);
    }
    X509_free(leaf);
    return done;
}

static bool issue(struct authority *authority, EVP_PKEY *key, bool is_new,
                  const struct request_names *names, int days, const char *cert_file,
                  const char *key_file, struct finding_list *findings)
{
    if (files_exists(cert_file)) {
        files_fault(findings, cert_file, "a file that is already there", "a new name");
        return false;
    }
    GENERAL_NAMES *san = forms_names(names, findings);
    if (san == NULL)
        return false;
    X509_NAME *subject = X509_NAME_new();
    bool done = false;
    if (key == NULL || subject == NULL || !forms_set_subject_of(subject, san))
        files_fault(findings, cert_file, pem_why(findings->arena), "a key that OpenSSL can make");
    else
        done = (!is_new || pem_write_key(key_file, key, NULL, findings)) &&
               certify(authority, key, subject, san, days, cert_file, findings);
    X509_NAME_free(subject);
    GENERAL_NAMES_free(san);
    return done;
}

bool authority_issue(struct authority *authority, enum request_key kind,
                     const struct request_names *names, int days, const char *cert_file,
                     const char *key_file, struct finding_list *findings)
{
    EVP_PKEY *key = forms_new_key(kind);
    bool done = issue(authority, key, true, names, days, cert_file, key_file, findings);
    EVP_PKEY_free(key);
    return done;
}

bool authority_issue_again(struct authority *authority, enum request_key kind,
                           const struct request_names *names, int days, const char *cert_file,
                           const char *key_file, struct finding_list *findings)
{
    if (!files_exists(key_file))
        return authority_issue(authority, kind, names, days, cert_file, key_file, findings);
    EVP_PKEY *key = pem_read_key(key_file, NULL, findings);
    bool done =
        key != NULL && issue(authority, key, false, names, days, cert_file, key_file, findings);
    EVP_PKEY_free(key);
    return done;
}

bool authority_sign(struct authority *authority, const char *csr_file,
                    const struct request_names *names, int days, const char *cert_file,
                    struct finding_list *findings)
{
    X509_REQ *request = pem_read_request(csr_file, findings);
    if (request == NULL)
        return false;
    bool done = false;
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    GENERAL_NAMES *san = NULL;
    if (key == NULL || X509_REQ_verify(request, key) != 1) {
        ERR_clear_error();
        files_fault(findings, csr_file, "a request whose signature is not by its own key",
                    "a request as `cert request` makes it");
    } else {
        san = names != NULL ? forms_names(names, findings)
                            : forms_names_of(request, csr_file, findings);
    }
    X509_NAME *subject = X509_NAME_new();
    if (san != NULL && subject != NULL && forms_set_subject_of(subject, san))
        done = certify(authority, key, subject, san, days, cert_file, findings);
    else if (san != NULL)
        files_fault(findings, csr_file, "a request whose first name cannot stand in a subject",
                    "urn:refgate:org:HANDLE or a DNS name as the first name");
    X509_NAME_free(subject);
    GENERAL_NAMES_free(san);
    X509_REQ_free(request);
    return done;
}

static bool is_ours(const struct authority *authority, X509 *old, const char *file,
                    struct finding_list *findings)
{
    char serial[FACTS_SERIAL_TEXT];
    facts_serial(X509_get0_serialNumber(old), serial, sizeof serial);
    bool signed_by_us = X509_verify(old, authority->key) == 1;
    ERR_clear_error();
    const struct authority_leaf *row = ledger_find(authority->ledger, serial);
    if (!signed_by_us || row == NULL) {
        files_fault(findings, file,
                    signed_by_us ? "a certificate that this CA's issued.csv does not know"
                                 : "a certificate that this CA did not issue",
                    "one of its own; or a new pair: refgate cert renew --new-key");
        return false;
    }
    if (row->revoked_at != 0) {
        files_fault(findings, file, "a certificate that was revoked", "a request with a new key");
        return false;
    }
    return true;
}

bool authority_renew(struct authority *authority, const char *old_cert_file, int days,
                     const char *cert_file, struct finding_list *findings)
{
    STACK_OF(X509) *stack = pem_read_certificates(old_cert_file, findings);
    if (stack == NULL)
        return false;
    X509 *old = sk_X509_value(stack, 0);
    GENERAL_NAMES *names = X509_get_ext_d2i(old, NID_subject_alt_name, NULL, NULL);
    bool done = is_ours(authority, old, old_cert_file, findings) &&
                certify(authority, X509_get0_pubkey(old), X509_get_subject_name(old), names, days,
                        cert_file, findings);
    GENERAL_NAMES_free(names);
    sk_X509_pop_free(stack, X509_free);
    return done;
}

bool authority_revoke(struct authority *authority, const char *serial, enum authority_reason reason,
                      struct finding_list *findings)
{
    return ledger_revoke(authority->ledger, serial, time(NULL), (int)reason, findings) &&
           authority_publish(authority, 0, findings);
}

static bool add_revoked(X509_CRL *crl, const struct authority_leaf *leaf)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    BIGNUM *number = NULL;
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)leaf->revoked_at);
    ASN1_INTEGER *serial = NULL;
    bool done = entry != NULL && reason != NULL && when != NULL &&
                BN_hex2bn(&number, leaf->serial) > 0 &&
                (serial = BN_to_ASN1_INTEGER(number, NULL)) != NULL &&
                X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
                X509_REVOKED_set_revocationDate(entry, when) == 1 &&
                ASN1_ENUMERATED_set(reason, leaf->reason) == 1 &&
                /* RFC 5280 section 5.3.1: "unspecified" should be left out */
                (leaf->reason == AUTHORITY_UNSPECIFIED ||
                 X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0) == 1) &&
                X509_CRL_add0_revoked(crl, entry) == 1;
    if (!done)
        X509_REVOKED_free(entry);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(when);
    ASN1_ENUMERATED_free(reason);
    BN_free(number);
    return done;
}

/* CRL numbers must grow (RFC 5280 section 5.2.3): the time, or one more than the last. */
static int64_t next_number(const char *file)
{
    struct arena arena = ARENA_EMPTY;
    struct finding_list ignored = finding_list_new(&arena);
    STACK_OF(X509_CRL) *old = files_exists(file) ? pem_read_crls(file, &ignored) : NULL;
    int64_t number = time(NULL);
    if (old != NULL) {
        ASN1_INTEGER *last =
            X509_CRL_get_ext_d2i(sk_X509_CRL_value(old, 0), NID_crl_number, NULL, NULL);
        int64_t value = 0;
        if (last != NULL && ASN1_INTEGER_get_int64(&value, last) == 1 && value >= number)
            number = value + 1;
        ASN1_INTEGER_free(last);
    }
    sk_X509_CRL_pop_free(old, X509_CRL_free);
    arena_free(&arena);
    return number;
}

static bool set_list_form(const struct authority *authority, X509_CRL *crl, int64_t number,
                          int days)
{
    ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL) - 1);
    ASN1_TIME *next = ASN1_TIME_adj(NULL, time(NULL), days, 0);
    ASN1_INTEGER *count = ASN1_INTEGER_new();
    AUTHORITY_KEYID *issuer = AUTHORITY_KEYID_new();
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(authority->certificate);
    bool done = now != NULL && next != NULL && count != NULL && issuer != NULL && key_id != NULL &&
                X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority->certificate)) == 1 &&
                X509_CRL_set1_lastUpdate(crl, now) == 1 &&
                X509_CRL_set1_nextUpdate(crl, next) == 1 &&
                ASN1_INTEGER_set_int64(count, number) == 1 &&
                X509_CRL_add1_ext_i2d(crl, NID_crl_number, count, 0, 0) == 1 &&
                (issuer->keyid = ASN1_OCTET_STRING_dup(key_id)) != NULL &&
                X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, issuer, 0, 0) == 1;
    AUTHORITY_KEYID_free(issuer);
    ASN1_INTEGER_free(count);
    ASN1_TIME_free(next);
    ASN1_TIME_free(now);
    return done;
}

bool authority_publish(struct authority *authority, int days, struct finding_list *findings)
{
    const char *file = in(&authority->arena, authority->folder, "ca.crl");
    X509_CRL *crl = X509_CRL_new();
    bool done = crl != NULL && set_list_form(authority, crl, next_number(file),
                                             days > 0 ? days : AUTHORITY_CRL_DAYS);
    for (size_t i = 0; done && i < ledger_count(authority->ledger); i++) {
        const struct authority_leaf *leaf = ledger_at(authority->ledger, i);
        done = leaf->revoked_at == 0 || add_revoked(crl, leaf);
    }
    done = done && X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, authority->key, EVP_sha256()) > 0;
    if (!done)
        files_fault(findings, file, pem_why(findings->arena),
                    "a revocation list that OpenSSL can make");
    else
        done = pem_write_crl(file, crl, findings);
    X509_CRL_free(crl);
    return done;
}

static size_t list_ledger(const struct ledger *ledger, struct arena *arena,
                          struct authority_leaf **ret_leaves)
{
    size_t count = ledger_count(ledger);
    struct authority_leaf *leaves = arena_array(arena, count, sizeof *leaves);
    for (size_t i = 0; i < count; i++) {
        leaves[i] = *ledger_at(ledger, i);
        leaves[i].serial = arena_copy(arena, leaves[i].serial);
        leaves[i].names = arena_copy(arena, leaves[i].names);
    }
    *ret_leaves = leaves;
    return count;
}

size_t authority_list(const struct authority *authority, struct arena *arena,
                      struct authority_leaf **ret_leaves)
{
    return list_ledger(authority->ledger, arena, ret_leaves);
}

size_t authority_issued(const char *folder, struct arena *arena, struct authority_leaf **ret_leaves,
                        struct finding_list *findings)
{
    struct ledger *ledger = ledger_open(in(arena, folder, "issued.csv"), findings);
    *ret_leaves = NULL;
    if (ledger == NULL)
        return 0;
    size_t count = list_ledger(ledger, arena, ret_leaves);
    ledger_close(ledger);
    return count;
}
