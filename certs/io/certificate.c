/* certificate: see certificate.h. */
#include "certs/io/certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "certs/io/facts.h"
#include "certs/io/pem.h"
#include "certs/io/strength.h"

enum { DAY_SECONDS = 24 * 60 * 60, KEY_TEXT = 64, NAMES_SHOWN_MAX = 256 };

static const char *bio_text(struct arena *arena, BIO *sink)
{
    char *bytes = NULL;
    long length = sink == NULL ? 0 : BIO_get_mem_data(sink, &bytes);
    const char *text = length <= 0 ? "" : arena_copy_n(arena, bytes, (size_t)length);
    BIO_free(sink);
    return text;
}

const char *certificate_name(struct arena *arena, const struct X509_name_st *name)
{
    BIO *sink = BIO_new(BIO_s_mem());
    if (sink != NULL)
        X509_NAME_print_ex(sink, name, 0, FACTS_NAME_FLAGS);
    return bio_text(arena, sink);
}

static const char *ip_text(struct arena *arena, const ASN1_OCTET_STRING *address)
{
    char text[INET6_ADDRSTRLEN] = "?";
    int length = ASN1_STRING_length(address);
    if (length == 4 || length == 16)
        inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text,
                  sizeof text);
    return arena_print(arena, "IP:%s", text);
}

/* OpenSSL's own text for other kinds; it escapes nothing, so what is not plain is only named. */
static const char *general_name_text(struct arena *arena, const GENERAL_NAME *name)
{
    bool is_uri = name->type == GEN_URI;
    if (name->type == GEN_IPADD)
        return ip_text(arena, name->d.iPAddress);
    if (!is_uri && name->type != GEN_DNS && name->type != GEN_EMAIL)
        return "other kind of name";
    const ASN1_STRING *text = name->d.ia5;
    const char *bytes = (const char *)ASN1_STRING_get0_data(text);
    int length = ASN1_STRING_length(text);
    for (int i = 0; i < length; i++) {
        if (bytes[i] < ' ' || bytes[i] > '~')
            return "a name with a forbidden character";
    }
    return arena_print(arena, "%s:%.*s",
                       is_uri                  ? "URI"
                       : name->type == GEN_DNS ? "DNS"
                                               : "email",
                       length, bytes);
}

static void describe_names(struct arena *arena, const X509 *from, struct certificate *ret)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(from, NID_subject_alt_name, NULL, NULL);
    int count = sk_GENERAL_NAME_num(all);
    if (count > NAMES_SHOWN_MAX)
        count = NAMES_SHOWN_MAX;
    ret->names = arena_array(arena, count > 0 ? (size_t)count : 1, sizeof *ret->names);
    for (int i = 0; i < count; i++)
        ret->names[ret->name_count++] = general_name_text(arena, sk_GENERAL_NAME_value(all, i));
    GENERAL_NAMES_free(all);
    ERR_clear_error();
}

static void describe_prints(struct arena *arena, const X509 *from, struct certificate *ret)
{
    unsigned char digest[DIGEST_SHA256_BYTES] = {0};
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    char pin[FACTS_PIN_TEXT] = "";
    char serial[FACTS_SERIAL_TEXT];
    char key[KEY_TEXT];
    if (facts_key_digest(from, digest))
        facts_pin(digest, pin);
    ret->pin = arena_copy(arena, pin);
    facts_digest(from, digest);
    digest_hex(digest, sizeof digest, hex);
    ret->fingerprint = arena_copy(arena, hex);
    facts_serial(X509_get0_serialNumber(from), serial, sizeof serial);
    ret->serial = arena_copy(arena, serial);
    strength_describe(X509_get0_pubkey(from), key, sizeof key);
    ret->key = arena_copy(arena, key);
}

void certificate_describe(struct arena *arena, struct x509_st *from,
                          struct certificate *ret_certificate)
{
    uint32_t flags = X509_get_extension_flags(from);
    uint32_t usage = X509_get_extended_key_usage(from);
    bool has_usage = (flags & EXFLAG_XKUSAGE) != 0;
    struct certificate made = {
        .subject = certificate_name(arena, X509_get_subject_name(from)),
        .issuer = certificate_name(arena, X509_get_issuer_name(from)),
        .signature = OBJ_nid2ln(X509_get_signature_nid(from)),
        .not_before = facts_seconds(X509_get0_notBefore(from)),
        .not_after = facts_seconds(X509_get0_notAfter(from)),
        .is_ca = (flags & EXFLAG_CA) != 0,
        .is_self_issued = (flags & EXFLAG_SI) != 0,
        .for_client = has_usage && (usage & XKU_SSL_CLIENT) != 0,
        .for_server = has_usage && (usage & XKU_SSL_SERVER) != 0,
    };
    describe_prints(arena, from, &made);
    describe_names(arena, from, &made);
    ERR_clear_error();
    *ret_certificate = made;
}

bool certificate_read(struct arena *arena, const char *path, struct finding_list *findings,
                      struct certificate **ret_items, size_t *ret_count)
{
    STACK_OF(X509) *stack = pem_read_certificates(path, findings);
    if (stack == NULL)
        return false;
    int count = sk_X509_num(stack);
    struct certificate *items = arena_array(arena, (size_t)count, sizeof *items);
    for (int i = 0; i < count; i++)
        certificate_describe(arena, sk_X509_value(stack, i), &items[i]);
    sk_X509_pop_free(stack, X509_free);
    *ret_items = items;
    *ret_count = (size_t)count;
    return true;
}

int certificate_days_left(int64_t not_after, int64_t now)
{
    int64_t left = not_after - now;
    int64_t days = left / DAY_SECONDS - (left % DAY_SECONDS < 0 ? 1 : 0);
    return (int)days;
}
