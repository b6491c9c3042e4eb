/* certs_forge: certificates and revocation lists of any kind, good and bad, made on the spot; and
 * TLS peers that present them without any scruple. Header only: each test program is one source.
 * What is made lives until forge_end(). */
#ifndef TESTS_LIB_CERTS_FORGE_H
#define TESTS_LIB_CERTS_FORGE_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certs/tls/identity.h"

enum { FORGE_DAY = 24 * 60 * 60, FORGE_ITEMS = 4096, FORGE_PATH = 512, FORGE_ALERT_NONE = -1 };

enum forge_kind {
    FORGE_P256,
    FORGE_P384,
    FORGE_P521,
    FORGE_P224,
    FORGE_P256_EXPLICIT,
    FORGE_SECP256K1,
    FORGE_RSA1024,
    FORGE_RSA2048,
    FORGE_RSA2048_E3,
    FORGE_RSA3072,
    FORGE_ED25519,
    FORGE_ED448,
};

struct forge {
    X509 *certificate;
    EVP_PKEY *key;
};

/* How a certificate is made; zero means: a good one of its sort. */
struct forge_plan {
    const char *cn;
    const char *san;    /* as in openssl.cnf; "-": no SAN */
    const char *usages; /* extended key usage; "-": none */
    const char *usage;  /* key usage; "-": none */
    const char *basic;  /* basic constraints; "-": none */
    const char *constraints;
    enum forge_kind kind;
    const EVP_MD *digest;        /* SHA-256; Ed25519 has none */
    int from_days, until_days;   /* from now; both 0: -1 and +90 */
    bool no_key_ids;             /* neither subject nor authority key identifier */
    void (*touch)(X509 *);       /* before signing */
    void (*touch_after)(X509 *); /* after signing */
    EVP_PKEY *key;               /* instead of a new one */
    bool is_ca;
};

struct forge_bin { /* everything that was made, to be freed at the end */
    X509 *certificates[FORGE_ITEMS];
    EVP_PKEY *keys[FORGE_ITEMS];
    size_t certificate_count, key_count;
    char folder[FORGE_PATH];
    int file_count;
    struct arena arena; /* for what a test makes beside them */
};

static inline void forge_must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "forge: %s failed\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static inline void forge_begin(struct forge_bin *bin)
{
    memset(bin, 0, sizeof *bin);
    snprintf(bin->folder, sizeof bin->folder, "/tmp/refgate-certs-XXXXXX");
    forge_must(mkdtemp(bin->folder) != NULL, "mkdtemp");
}

static inline void forge_end(struct forge_bin *bin)
{
    char command[FORGE_PATH + 16];
    for (size_t i = 0; i < bin->certificate_count; i++)
        X509_free(bin->certificates[i]);
    for (size_t i = 0; i < bin->key_count; i++)
        EVP_PKEY_free(bin->keys[i]);
    snprintf(command, sizeof command, "rm -rf '%s'", bin->folder);
    forge_must(system(command) == 0, command);
    arena_free(&bin->arena);
}

/* A test's state: a struct of SIZE bytes, zeroed, that begins with its bin. */
static inline void *forge_world(size_t size)
{
    struct forge_bin *bin = calloc(1, size);
    forge_begin(bin);
    return bin;
}

/* For cmocka: ends what forge_world() made. */
static inline int forge_end_world(void **state)
{
    forge_end(*state);
    free(*state);
    return 0;
}

static inline EVP_PKEY *forge_rsa(int bits, unsigned exponent)
{
    EVP_PKEY *key = NULL;
    BIGNUM *number = BN_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    BN_set_word(number, exponent);
    forge_must(EVP_PKEY_keygen_init(context) == 1 &&
                   EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1 &&
                   EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, number) == 1 &&
                   EVP_PKEY_keygen(context, &key) == 1,
               "RSA key");
    BN_free(number);
    EVP_PKEY_CTX_free(context);
    return key;
}

static inline EVP_PKEY *forge_explicit(void)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    forge_must(EVP_PKEY_keygen_init(context) == 1 &&
                   EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1 &&
                   EVP_PKEY_CTX_set_ec_param_enc(context, 0) == 1 &&
                   EVP_PKEY_keygen(context, &key) == 1,
               "explicit EC key");
    EVP_PKEY_CTX_free(context);
    return key;
}

static inline EVP_PKEY *forge_key(struct forge_bin *bin, enum forge_kind kind)
{
    EVP_PKEY *key = NULL;
    switch (kind) {
    case FORGE_P256:
        key = EVP_EC_gen("P-256");
        break;
    case FORGE_P384:
        key = EVP_EC_gen("P-384");
        break;
    case FORGE_P521:
        key = EVP_EC_gen("P-521");
        break;
    case FORGE_P224:
        key = EVP_EC_gen("P-224");
        break;
    case FORGE_P256_EXPLICIT:
        key = forge_explicit();
        break;
    case FORGE_SECP256K1:
        key = EVP_EC_gen("secp256k1");
        break;
    case FORGE_RSA1024:
        key = forge_rsa(1024, 65537);
        break;
    case FORGE_RSA2048:
        key = forge_rsa(2048, 65537);
        break;
    case FORGE_RSA2048_E3:
        key = forge_rsa(2048, 3);
        break;
    case FORGE_RSA3072:
        key = forge_rsa(3072, 65537);
        break;
    case FORGE_ED25519:
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    case FORGE_ED448:
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
        break;
    }
    forge_must(key != NULL && bin->key_count < FORGE_ITEMS, "key");
    bin->keys[bin->key_count++] = key;
    return key;
}

static inline void forge_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    forge_must(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static inline void forge_optional(X509 *certificate, X509 *issuer, int kind, const char *value,
                                  const char *usual)
{
    const char *chosen = value == NULL ? usual : value;
    if (chosen != NULL && strcmp(chosen, "-") != 0)
        forge_extension(certificate, issuer, kind, chosen);
}

static inline void forge_extensions(X509 *certificate, X509 *issuer, const struct forge_plan *plan)
{
    forge_optional(certificate, issuer, NID_basic_constraints, plan->basic,
                   plan->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    forge_optional(certificate, issuer, NID_key_usage, plan->usage,
                   plan->is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    forge_optional(certificate, issuer, NID_ext_key_usage, plan->usages,
                   plan->is_ca ? NULL : "serverAuth,clientAuth");
    forge_optional(certificate, issuer, NID_subject_alt_name, plan->san,
                   plan->is_ca ? NULL : "URI:urn:refgate:org:lakeside,DNS:gw.lakeside.example");
    forge_optional(certificate, issuer, NID_name_constraints, plan->constraints, NULL);
    if (plan->no_key_ids)
        return;
    forge_extension(certificate, issuer, NID_subject_key_identifier, "hash");
    if (issuer != certificate && X509_get0_subject_key_id(issuer) != NULL)
        forge_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
}

/* ISSUER NULL: self-signed. */
static inline struct forge forge_make(struct forge_bin *bin, const struct forge_plan *plan,
                                      const struct forge *issuer)
{
    struct forge made = {X509_new(), plan->key != NULL ? plan->key : forge_key(bin, plan->kind)};
    X509 *upper = issuer == NULL ? made.certificate : issuer->certificate;
    EVP_PKEY *signer = issuer == NULL ? made.key : issuer->key;
    int from = plan->from_days == 0 && plan->until_days == 0 ? -1 : plan->from_days;
    int until = plan->from_days == 0 && plan->until_days == 0 ? 90 : plan->until_days;
    unsigned char serial[8];
    RAND_bytes(serial, sizeof serial);
    serial[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made.certificate));
    BN_free(number);
    X509_set_version(made.certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), (long)from * FORGE_DAY);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), (long)until * FORGE_DAY);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.certificate), "CN", MBSTRING_UTF8,
                               (const unsigned char *)(plan->cn == NULL ? "lakeside" : plan->cn),
                               -1, -1, 0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(upper));
    X509_set_pubkey(made.certificate, made.key);
    forge_extensions(made.certificate, upper, plan);
    if (plan->touch != NULL)
        plan->touch(made.certificate);
    int kind = EVP_PKEY_get_base_id(signer);
    const EVP_MD *digest = plan->digest != NULL ? plan->digest : EVP_sha256();
    if (kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448)
        digest = NULL;
    forge_must(X509_sign(made.certificate, signer, digest) > 0, "signature");
    if (plan->touch_after != NULL)
        plan->touch_after(made.certificate);
    /* Through DER and back: what a peer would receive. */
    unsigned char *der = NULL;
    int length = i2d_X509(made.certificate, &der);
    const unsigned char *at = der;
    X509_free(made.certificate);
    made.certificate = d2i_X509(NULL, &at, length);
    OPENSSL_free(der);
    forge_must(made.certificate != NULL && bin->certificate_count < FORGE_ITEMS, "certificate");
    bin->certificates[bin->certificate_count++] = made.certificate;
    return made;
}

static inline const char *forge_path(struct forge_bin *bin, const char *suffix,
                                     char path[FORGE_PATH])
{
    forge_must(snprintf(path, FORGE_PATH, "%.200s/%d.%s", bin->folder, bin->file_count++, suffix) <
                   FORGE_PATH,
               "path");
    return path;
}

/* Writes COUNT certificates as one PEM file. */
static inline void forge_write(struct forge_bin *bin, const struct forge *const *items,
                               size_t count, char path[FORGE_PATH])
{
    FILE *file = fopen(forge_path(bin, "crt", path), "w");
    forge_must(file != NULL, path);
    for (size_t i = 0; i < count; i++)
        forge_must(PEM_write_X509(file, items[i]->certificate) == 1, path);
    fclose(file);
}

static inline void forge_write_key(struct forge_bin *bin, const struct forge *item,
                                   char path[FORGE_PATH])
{
    FILE *file = fopen(forge_path(bin, "key", path), "w");
    forge_must(file != NULL && PEM_write_PrivateKey(file, item->key, NULL, NULL, 0, NULL, NULL),
               path);
    fclose(file);
    chmod(path, 0600);
}

/* What a gateway with this certificate and key uses. */
static inline struct identity *forge_identity(struct forge_bin *bin, const struct forge *made)
{
    char cert_file[FORGE_PATH];
    char key_file[FORGE_PATH];
    struct finding_list findings = finding_list_new(&bin->arena);
    forge_write(bin, &made, 1, cert_file);
    forge_write_key(bin, made, key_file);
    struct identity *identity =
        identity_load(&(struct identity_files){cert_file, key_file, NULL}, &findings);
    forge_must(identity != NULL && findings.count == 0, "identity");
    return identity;
}

struct forge_list {
    const struct forge *issuer;
    const struct forge *signer; /* NULL: the issuer */
    const struct forge *const *revoked;
    size_t revoked_count;
    int from_days, until_days; /* both 0: -1 and +7 */
    int reason;
    bool no_next;
    const char *scope; /* issuing distribution point as in openssl.cnf */
    const EVP_MD *digest;
    void (*touch)(X509_CRL *);
};

static inline void forge_revoke_entry(X509_CRL *crl, X509 *certificate, int reason)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, time(NULL) - FORGE_DAY);
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate));
    X509_REVOKED_set_revocationDate(entry, when);
    if (reason != 0) {
        ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
        ASN1_ENUMERATED_set(value, reason);
        X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, 0);
        ASN1_ENUMERATED_free(value);
    }
    X509_CRL_add0_revoked(crl, entry);
    ASN1_TIME_free(when);
}

static inline void forge_scope(X509_CRL *crl, const char *scope)
{
    char section[256];
    snprintf(section, sizeof section, "[idp]\n%s\n", scope);
    BIO *source = BIO_new_mem_buf(section, -1);
    CONF *conf = NCONF_new(NULL);
    long line = 0;
    forge_must(NCONF_load_bio(conf, source, &line) == 1, "scope");
    X509V3_CTX context;
    X509V3_set_ctx(&context, NULL, NULL, NULL, crl, 0);
    X509V3_set_nconf(&context, conf);
    X509_EXTENSION *extension =
        X509V3_EXT_nconf_nid(conf, &context, NID_issuing_distribution_point, "critical,@idp");
    forge_must(extension != NULL && X509_CRL_add_ext(crl, extension, -1) == 1, scope);
    X509_EXTENSION_free(extension);
    NCONF_free(conf);
    BIO_free(source);
}

/* Writes a revocation list as a PEM file. */
static inline void forge_write_list(struct forge_bin *bin, const struct forge_list *plan,
                                    char path[FORGE_PATH])
{
    X509_CRL *crl = X509_CRL_new();
    bool usual = plan->from_days == 0 && plan->until_days == 0;
    ASN1_TIME *from = X509_gmtime_adj(NULL, (long)(usual ? -1 : plan->from_days) * FORGE_DAY);
    ASN1_TIME *until = X509_gmtime_adj(NULL, (long)(usual ? 7 : plan->until_days) * FORGE_DAY);
    const struct forge *signer = plan->signer != NULL ? plan->signer : plan->issuer;
    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(plan->issuer->certificate));
    X509_CRL_set1_lastUpdate(crl, from);
    if (!plan->no_next)
        X509_CRL_set1_nextUpdate(crl, until);
    for (size_t i = 0; i < plan->revoked_count; i++)
        forge_revoke_entry(crl, plan->revoked[i]->certificate, plan->reason);
    if (plan->scope != NULL)
        forge_scope(crl, plan->scope);
    if (plan->touch != NULL)
        plan->touch(crl);
    X509_CRL_sort(crl);
    forge_must(X509_CRL_sign(crl, signer->key, plan->digest ? plan->digest : EVP_sha256()) > 0,
               "revocation list");
    FILE *file = fopen(forge_path(bin, "crl", path), "w");
    forge_must(file != NULL && PEM_write_X509_CRL(file, crl) == 1, path);
    fclose(file);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    X509_CRL_free(crl);
}

/* The pin of a key, as in a partner's file. */
static inline void forge_pin(const struct forge *item, char ret_pin[48])
{
    unsigned char *der = NULL;
    unsigned char digest[32];
    int length = i2d_PUBKEY(item->key, &der);
    EVP_Digest(der, (size_t)length, digest, NULL, EVP_sha256(), NULL);
    EVP_EncodeBlock((unsigned char *)ret_pin, digest, sizeof digest);
    OPENSSL_free(der);
}

/* What the scruple-free peer saw. */
struct forge_peer {
    SSL_CTX *ctx;
    SSL *ssl;
    int alert; /* received; FORGE_ALERT_NONE: none */
};

static inline void forge_on_info(const SSL *ssl, int where, int value)
{
    struct forge_peer *peer = SSL_get_app_data(ssl);
    if (peer != NULL && (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT &&
        (value & 0xff) != SSL_AD_CLOSE_NOTIFY)
        peer->alert = value & 0xff;
}

static inline int forge_accept_all(X509_STORE_CTX *store, void *argument)
{
    (void)argument;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/* A client or server with any certificate (ITEM NULL: none) and any chain, at security level 0. */
static inline void forge_peer_open(struct forge_peer *peer, bool is_server, int version,
                                   const struct forge *item, const struct forge *const *sent,
                                   size_t sent_count)
{
    peer->alert = FORGE_ALERT_NONE;
    peer->ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    SSL_CTX_set_security_level(peer->ctx, 0);
    SSL_CTX_set_min_proto_version(peer->ctx, version);
    SSL_CTX_set_max_proto_version(peer->ctx, version);
    SSL_CTX_set_cipher_list(peer->ctx, "ALL:@SECLEVEL=0");
    SSL_CTX_set_mode(peer->ctx, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_verify(peer->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(peer->ctx, forge_accept_all, NULL);
    SSL_CTX_set_info_callback(peer->ctx, forge_on_info);
    if (item != NULL)
        forge_must(SSL_CTX_use_certificate(peer->ctx, item->certificate) == 1 &&
                       SSL_CTX_use_PrivateKey(peer->ctx, item->key) == 1,
                   "peer's certificate");
    for (size_t i = 0; i < sent_count; i++)
        SSL_CTX_add1_chain_cert(peer->ctx, sent[i]->certificate);
    peer->ssl = SSL_new(peer->ctx);
    SSL_set_app_data(peer->ssl, peer);
}

static inline void forge_peer_close(struct forge_peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->ctx);
    ERR_clear_error();
}

/* Joins the two by memory and runs them until nothing more happens. True when a byte went from the
 * client to the server and one back, which proves both certificates were taken. */
static inline bool forge_talk(SSL *client, SSL *server)
{
    BIO *one = NULL;
    BIO *other = NULL;
    char byte = 'x';
    bool sent = false;
    bool answered = false;
    BIO_new_bio_pair(&one, 64 * 1024, &other, 64 * 1024);
    SSL_set_bio(client, one, one);
    SSL_set_bio(server, other, other);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int i = 0; i < 20; i++) {
        bool client_ready = SSL_do_handshake(client) == 1;
        bool server_ready = SSL_do_handshake(server) == 1;
        if (client_ready && !sent)
            sent = SSL_write(client, &byte, 1) == 1;
        if (server_ready && !answered && SSL_read(server, &byte, 1) == 1)
            answered = SSL_write(server, &byte, 1) == 1;
        if (client_ready && SSL_read(client, &byte, 1) == 1)
            return answered;
    }
    return false;
}

#endif
