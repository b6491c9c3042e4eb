/* strength: see strength.h. */
#include "certs/io/strength.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum { EXPONENT_MIN = 65537, EXPONENT_BITS_MAX = 64, CURVE_TEXT = 80 };

/* Group names as OpenSSL's providers give them, and as people say them. */
static const struct {
    const char *group, *name;
} curves[] = {
    {"prime256v1", "P-256"}, {"P-256", "P-256"},     {"secp384r1", "P-384"},
    {"P-384", "P-384"},      {"secp521r1", "P-521"}, {"P-521", "P-521"},
};

static const char *curve_of(const EVP_PKEY *key, char buffer[CURVE_TEXT])
{
    size_t length = 0;
    if (EVP_PKEY_get_group_name(key, buffer, CURVE_TEXT, &length) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        if (strcmp(buffer, curves[i].group) == 0)
            return curves[i].name;
    }
    return NULL;
}

/* Explicit curve parameters look like a known curve and may hide another one (CVE-2020-0601). */
static bool is_named_curve(const EVP_PKEY *key)
{
    char encoding[CURVE_TEXT] = "";
    size_t length = 0;
    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding,
                                          sizeof encoding, &length) == 1 &&
           strcmp(encoding, OSSL_PKEY_EC_ENCODING_GROUP) == 0;
}

static bool rsa_is_good(const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    if (bits < STRENGTH_RSA_MIN || bits > STRENGTH_RSA_MAX)
        return false;
    BIGNUM *exponent = NULL;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1)
        return false;
    bool good = BN_is_odd(exponent) && BN_num_bits(exponent) <= EXPONENT_BITS_MAX &&
                (BN_num_bits(exponent) > 17 || BN_get_word(exponent) >= EXPONENT_MIN);
    BN_free(exponent);
    return good;
}

/* A key in a token has no provider that could be asked; its public half as OpenSSL's own has. To be
 * freed. */
static EVP_PKEY *public_half(const EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    const unsigned char *at = der;
    EVP_PKEY *half = length > 0 ? d2i_PUBKEY(NULL, &at, length) : NULL;
    OPENSSL_free(der);
    return half;
}

static bool is_good(const EVP_PKEY *key)
{
    char buffer[CURVE_TEXT];
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
        return curve_of(key, buffer) != NULL && is_named_curve(key);
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return rsa_is_good(key);
    case EVP_PKEY_ED25519:
        return true;
    default:
        return false;
    }
}

bool strength_key(const EVP_PKEY *key)
{
    if (key == NULL || EVP_PKEY_get0_provider(key) != NULL)
        return key != NULL && is_good(key);
    EVP_PKEY *half = public_half(key);
    bool good = half != NULL && EVP_PKEY_get0_provider(half) != NULL && is_good(half);
    EVP_PKEY_free(half);
    return good;
}

void strength_describe(const EVP_PKEY *key, char *ret_text, size_t length)
{
    char buffer[CURVE_TEXT] = "";
    if (key == NULL) {
        snprintf(ret_text, length, "an unreadable key");
        return;
    }
    int kind = EVP_PKEY_get_base_id(key);
    if (kind == EVP_PKEY_EC) {
        const char *name = curve_of(key, buffer);
        snprintf(ret_text, length, "%s", name != NULL ? name : buffer[0] ? buffer : "EC");
    } else if (kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS) {
        snprintf(ret_text, length, "RSA %d", EVP_PKEY_get_bits(key));
    } else {
        const char *name = OBJ_nid2sn(kind);
        snprintf(ret_text, length, "%s %d",
                 kind == EVP_PKEY_ED25519 ? "Ed25519"
                 : name == NULL           ? "key"
                                          : name,
                 EVP_PKEY_get_bits(key));
    }
}
