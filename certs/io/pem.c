/* pem: certificates, keys, requests and revocation lists from and to files. See pem.h.
 *
 * Certificates and revocation lists are read by one loop over a table of their kind. A file counts
 * only as a whole: one damaged block and none of it is taken. Blocking; any thread. */
#include "certs/io/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "certs/io/files.h"
#include "certs/io/token.h"

enum { ITEMS_MAX = 256, PASSPHRASE_MAX = 1024 };

const char *pem_why(struct arena *arena)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    const char *copy = arena_copy(arena, reason == NULL ? "no reason given" : reason);
    ERR_clear_error();
    return copy;
}

/* True when reading stopped only because there is no further PEM block. */
static bool ended_well(void)
{
    unsigned long code = ERR_peek_last_error();
    bool well = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return well;
}

static bool has_pem(const char *bytes, size_t length)
{
    return memmem(bytes, length, "-----BEGIN ", 11) != NULL;
}

/* ---- lists of certificates, and of revocation lists ---- */

struct kind {
    void *(*read)(BIO *source, bool is_pem); /* the next one; NULL: none, or a damaged one */
    void (*free)(void *item);
    const char *found, *expected; /* of a file that holds none */
};

static void *read_certificate(BIO *source, bool is_pem)
{
    return is_pem ? PEM_read_bio_X509(source, NULL, NULL, NULL) : d2i_X509_bio(source, NULL);
}

static void free_certificate(void *item)
{
    X509_free(item);
}

static void *read_crl(BIO *source, bool is_pem)
{
    return is_pem ? PEM_read_bio_X509_CRL(source, NULL, NULL, NULL)
                  : d2i_X509_CRL_bio(source, NULL);
}

static void free_crl(void *item)
{
    X509_CRL_free(item);
}

static const struct kind certificates = {read_certificate, free_certificate,
                                         "no whole certificate, or a damaged one",
                                         "one or more `-----BEGIN CERTIFICATE-----` blocks"};
static const struct kind crls = {
    read_crl, free_crl, "no whole revocation list, or a damaged one",
    "one or more `-----BEGIN X509 CRL-----` blocks, or one list in DER"};

/* Those of PEM text in their order, or the one of DER bytes; NULL when there is none, one of them
 * is damaged, or there are too many. */
static OPENSSL_STACK *read_all(const struct kind *kind, const char *bytes, size_t length)
{
    bool is_pem = has_pem(bytes, length);
    BIO *source = BIO_new_mem_buf(bytes, (int)length);
    OPENSSL_STACK *stack = OPENSSL_sk_new_null();
    void *next = NULL;
    ERR_clear_error();
    while (source != NULL && stack != NULL && (next = kind->read(source, is_pem)) != NULL) {
        if (OPENSSL_sk_num(stack) == ITEMS_MAX || OPENSSL_sk_push(stack, next) <= 0)
            break;
        next = NULL;
        if (!is_pem)
            break;
    }
    bool whole = next == NULL && (!is_pem || ended_well()) && OPENSSL_sk_num(stack) > 0;
    ERR_clear_error();
    kind->free(next);
    BIO_free(source);
    if (whole)
        return stack;
    OPENSSL_sk_pop_free(stack, kind->free);
    return NULL;
}

static OPENSSL_STACK *read_file(const struct kind *kind, const char *path,
                                struct finding_list *findings)
{
    struct arena arena = ARENA_EMPTY;
    size_t length = 0;
    OPENSSL_STACK *stack = NULL;
    char *bytes = files_read(&arena, path, findings, &length);
    if (bytes != NULL) {
        stack = read_all(kind, bytes, length);
        if (stack == NULL)
            files_fault(findings, path, kind->found, kind->expected);
    }
    arena_free(&arena);
    return stack;
}

STACK_OF(X509) * pem_certificates(const char *bytes, size_t length)
{
    return (STACK_OF(X509) *)read_all(&certificates, bytes, length);
}

STACK_OF(X509) * pem_read_certificates(const char *path, struct finding_list *findings)
{
    return (STACK_OF(X509) *)read_file(&certificates, path, findings);
}

STACK_OF(X509_CRL) * pem_read_crls(const char *path, struct finding_list *findings)
{
    return (STACK_OF(X509_CRL) *)read_file(&crls, path, findings);
}

/* The first line of FILE in BUFFER; its length, or -1 with a finding. */
static int read_passphrase(const char *file, char buffer[PASSPHRASE_MAX],
                           struct finding_list *findings)
{
    struct arena arena = ARENA_EMPTY;
    size_t length = 0;
    int result = -1;
    char *bytes = files_read_secret(&arena, file, findings, &length);
    if (bytes != NULL) {
        size_t line = strcspn(bytes, "\r\n");
        if (line == 0 || line >= PASSPHRASE_MAX) {
            files_fault(findings, file, "no passphrase in the first line",
                        "a line of 1 to 1023 bytes");
        } else {
            memcpy(buffer, bytes, line);
            buffer[line] = '\0';
            result = (int)line;
        }
        OPENSSL_cleanse(bytes, length);
    }
    arena_free(&arena);
    return result;
}

/* OpenSSL asks for a passphrase only for an encrypted key; without one it must not ask the
 * terminal. */
static int give_passphrase(char *buffer, int size, int writing, void *passphrase)
{
    (void)writing;
    size_t length = passphrase == NULL ? 0 : strlen(passphrase);
    if (length == 0 || length > (size_t)size)
        return -1;
    memcpy(buffer, passphrase, length);
    return (int)length;
}

static EVP_PKEY *key_of(const char *bytes, size_t length, char *passphrase, const char *path,
                        struct finding_list *findings)
{
    BIO *source = BIO_new_mem_buf(bytes, (int)length);
    EVP_PKEY *key =
        source == NULL ? NULL : PEM_read_bio_PrivateKey(source, NULL, give_passphrase, passphrase);
    BIO_free(source);
    if (key == NULL)
        files_fault(
            findings, path,
            arena_print(findings->arena, "no usable private key (%s)", pem_why(findings->arena)),
            "a PEM key, or one line with the pkcs11: URI of a key in a token; an encrypted "
            "one needs the right passphrase file");
    return key;
}

EVP_PKEY *pem_read_key(const char *path, const char *passphrase_file, struct finding_list *findings)
{
    char passphrase[PASSPHRASE_MAX] = "";
    if (passphrase_file != NULL && read_passphrase(passphrase_file, passphrase, findings) < 0)
        return NULL;
    struct arena arena = ARENA_EMPTY;
    size_t length = 0;
    EVP_PKEY *key = NULL;
    char *bytes = files_read_secret(&arena, path, findings, &length);
    if (bytes != NULL) {
        key = token_is_named(bytes) ? token_key(bytes, path, passphrase, passphrase_file, findings)
                                    : key_of(bytes, length, passphrase, path, findings);
        OPENSSL_cleanse(bytes, length);
    }
    OPENSSL_cleanse(passphrase, sizeof passphrase);
    arena_free(&arena);
    return key;
}

X509_REQ *pem_read_request(const char *path, struct finding_list *findings)
{
    struct arena arena = ARENA_EMPTY;
    size_t length = 0;
    X509_REQ *request = NULL;
    char *bytes = files_read(&arena, path, findings, &length);
    if (bytes != NULL) {
        BIO *source = BIO_new_mem_buf(bytes, (int)length);
        request = source == NULL ? NULL : PEM_read_bio_X509_REQ(source, NULL, NULL, NULL);
        BIO_free(source);
        if (request == NULL)
            files_fault(findings, path,
                        arena_print(findings->arena, "no certificate request (%s)",
                                    pem_why(findings->arena)),
                        "one `-----BEGIN CERTIFICATE REQUEST-----` block");
    }
    arena_free(&arena);
    return request;
}

/* Hands what DONE put into SINK to the file; frees SINK. */
static bool write_out(const char *path, BIO *sink, bool done, unsigned mode,
                      enum files_replace replace, struct finding_list *findings)
{
    char *bytes = NULL;
    long length = sink == NULL ? 0 : BIO_get_mem_data(sink, &bytes);
    if (!done || length <= 0)
        files_fault(findings, path,
                    arena_print(findings->arena, "nothing to write: %s", pem_why(findings->arena)),
                    NULL);
    else
        done = files_write(path, mode, bytes, (size_t)length, replace, findings);
    if (bytes != NULL)
        OPENSSL_cleanse(bytes, (size_t)length);
    BIO_free(sink);
    return done && length > 0;
}

bool pem_write_key(const char *path, EVP_PKEY *key, const char *passphrase_file,
                   struct finding_list *findings)
{
    char passphrase[PASSPHRASE_MAX] = "";
    int length = 0;
    if (passphrase_file != NULL &&
        (length = read_passphrase(passphrase_file, passphrase, findings)) < 0)
        return false;
    BIO *sink = BIO_new(BIO_s_mem());
    bool done = sink != NULL && PEM_write_bio_PKCS8PrivateKey(
                                    sink, key, length > 0 ? EVP_aes_256_cbc() : NULL,
                                    length > 0 ? passphrase : NULL, length, NULL, NULL) == 1;
    OPENSSL_cleanse(passphrase, sizeof passphrase);
    return write_out(path, sink, done, 0600, FILES_NEW, findings);
}

bool pem_write_certificate(const char *path, X509 *certificate, struct finding_list *findings)
{
    BIO *sink = BIO_new(BIO_s_mem());
    bool done = sink != NULL && PEM_write_bio_X509(sink, certificate) == 1;
    return write_out(path, sink, done, 0644, FILES_NEW, findings);
}

bool pem_write_request(const char *path, X509_REQ *request, struct finding_list *findings)
{
    BIO *sink = BIO_new(BIO_s_mem());
    bool done = sink != NULL && PEM_write_bio_X509_REQ(sink, request) == 1;
    return write_out(path, sink, done, 0644, FILES_NEW, findings);
}

bool pem_write_crl(const char *path, X509_CRL *crl, struct finding_list *findings)
{
    BIO *sink = BIO_new(BIO_s_mem());
    bool done = sink != NULL && PEM_write_bio_X509_CRL(sink, crl) == 1;
    return write_out(path, sink, done, 0644, FILES_REPLACE, findings);
}
