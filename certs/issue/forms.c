/* forms: see forms.h. */
#include "certs/issue/forms.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "certs/io/io.h"

#define ORG_URI "urn:refgate:org:"

enum {
    COMMON_NAME_MAX = 64,
    SERIAL_BYTES = 16,
    DAY_SECONDS = 24 * 60 * 60,
    NAMES_TEXT_MAX = 64 * 1024,
    IP_TEXT = 64
};

EVP_PKEY *forms_new_key(enum request_key kind)
{
    switch (kind) {
    case REQUEST_KEY_RSA2048:
        return EVP_RSA_gen(2048);
    case REQUEST_KEY_RSA3072:
        return EVP_RSA_gen(3072);
    case REQUEST_KEY_P256:
    default:
        return EVP_EC_gen("P-256");
    }
}

static bool add_entry(X509_NAME *name, const char *field, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value, -1,
                                      -1, 0) == 1;
}

bool forms_set_subject(X509_NAME *name, const char *handle, const char *common_name)
{
    return add_entry(name, "O", handle) && add_entry(name, "CN", common_name);
}

bool forms_set_subject_of(X509_NAME *name, const GENERAL_NAMES *names)
{
    char text[COMMON_NAME_MAX + 1];
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
        if (one->type != GEN_URI && one->type != GEN_DNS)
            continue;
        const char *bytes = (const char *)ASN1_STRING_get0_data(one->d.ia5);
        size_t skip = strncmp(bytes, ORG_URI, strlen(ORG_URI)) == 0 ? strlen(ORG_URI) : 0;
        snprintf(text, sizeof text, "%s", bytes + skip);
        return forms_set_subject(name, text, text);
    }
    return forms_set_subject(name, "gateway", "gateway");
}

static bool push_text(GENERAL_NAMES *all, int kind, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    if (name == NULL || value == NULL || ASN1_STRING_set(value, text, -1) != 1) {
        ASN1_IA5STRING_free(value);
        GENERAL_NAME_free(name);
        return false;
    }
    GENERAL_NAME_set0_value(name, kind, value);
    if (sk_GENERAL_NAME_push(all, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool push_ip(GENERAL_NAMES *all, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *value = a2i_IPADDRESS(text);
    if (name == NULL || value == NULL) {
        ASN1_OCTET_STRING_free(value);
        GENERAL_NAME_free(name);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_IPADD, value);
    if (sk_GENERAL_NAME_push(all, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static void refuse_name(struct finding_list *findings, const char *name, const char *expected)
{
    finding_add(findings, (struct finding){.path = "names",
                                           .found = arena_copy(findings->arena, name),
                                           .expected = expected});
}

static bool is_handle(const char *handle)
{
    return handle != NULL && names_is_clean(handle) && strlen(handle) <= 64 &&
           strpbrk(handle, ":/") == NULL;
}

static bool push_all(GENERAL_NAMES *all, const struct request_names *names,
                     struct finding_list *findings)
{
    for (size_t i = 0; i < names->dns_count; i++) {
        const char *dns = names->dns[i];
        if (!names_is_clean(dns) || strpbrk(dns, ":/") != NULL || !push_text(all, GEN_DNS, dns)) {
            refuse_name(findings, dns, "a DNS name without wild card");
            return false;
        }
    }
    for (size_t i = 0; i < names->ip_count; i++) {
        if (!push_ip(all, names->ip[i])) {
            refuse_name(findings, names->ip[i], "an IPv4 or IPv6 address");
            return false;
        }
    }
    return true;
}

GENERAL_NAMES *forms_names(const struct request_names *names, struct finding_list *findings)
{
    if (!is_handle(names->handle)) {
        refuse_name(findings, names->handle == NULL ? "no handle" : names->handle,
                    "the handle of the practice: letters, digits and - without blanks");
        return NULL;
    }
    if (names->dns_count + names->ip_count > REQUEST_NAMES_MAX) {
        refuse_name(findings, "too many names", "at most 64");
        return NULL;
    }
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    const char *uri = arena_print(findings->arena, ORG_URI "%s", names->handle);
    if (all != NULL && push_text(all, GEN_URI, uri) && push_all(all, names, findings))
        return all;
    GENERAL_NAMES_free(all);
    ERR_clear_error();
    return NULL;
}

static GENERAL_NAMES *requested_names(X509_REQ *request)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *all = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ERR_clear_error();
    return all;
}

static bool may_be_issued(const GENERAL_NAME *name)
{
    if (name->type == GEN_IPADD)
        return true;
    if (name->type != GEN_URI && name->type != GEN_DNS)
        return false;
    const ASN1_STRING *text = name->d.ia5;
    const char *bytes = (const char *)ASN1_STRING_get0_data(text);
    size_t length = (size_t)ASN1_STRING_length(text);
    return bytes != NULL && strnlen(bytes, length) == length && names_is_clean(bytes);
}

GENERAL_NAMES *forms_names_of(X509_REQ *request, const char *file, struct finding_list *findings)
{
    GENERAL_NAMES *all = requested_names(request);
    bool good = sk_GENERAL_NAME_num(all) > 0 && sk_GENERAL_NAME_num(all) <= REQUEST_NAMES_MAX;
    for (int i = 0; good && i < sk_GENERAL_NAME_num(all); i++)
        good = may_be_issued(sk_GENERAL_NAME_value(all, i));
    if (good)
        return all;
    GENERAL_NAMES_free(all);
    finding_add(findings,
                (struct finding){.file = arena_copy(findings->arena, file),
                                 .found = "a request without names, or with names we do not issue",
                                 .expected = "1 to 64 URI, DNS (no wild card) or IP names as "
                                             "subject alternative names"});
    return NULL;
}

const char *forms_names_text(struct arena *arena, const GENERAL_NAMES *names)
{
    struct text text = text_new(arena, NAMES_TEXT_MAX);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        const unsigned char *bytes = ASN1_STRING_get0_data(name->d.ia5);
        int length = ASN1_STRING_length(name->d.ia5);
        char ip[IP_TEXT] = "?";
        const char *gap = i == 0 ? "" : " ";
        if (name->type == GEN_IPADD && (length == 4 || length == 16)) {
            inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, ip, sizeof ip);
            text_print(&text, "%sIP:%s", gap, ip);
        } else {
            text_print(&text, "%s%s:%.*s", gap, name->type == GEN_URI ? "URI" : "DNS", length,
                       (const char *)bytes);
        }
    }
    return text.at;
}

bool forms_add(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

bool forms_set_times(X509 *certificate, int64_t from, int days)
{
    time_t begin = (time_t)from;
    time_t end = begin + (time_t)days * DAY_SECONDS - 1; /* RFC 5280: both ends are inside */
    return ASN1_TIME_adj(X509_getm_notBefore(certificate), begin, 0, 0) != NULL &&
           ASN1_TIME_adj(X509_getm_notAfter(certificate), end, 0, 0) != NULL;
}

bool forms_set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, always the same length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool done =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

bool forms_sign(X509 *certificate, EVP_PKEY *key)
{
    return X509_sign(certificate, key, EVP_sha256()) > 0;
}
