/* facts: what OpenSSL says of a certificate, as the plain texts and numbers that verdicts,
 * findings and the audit show. See facts.h. Called by the sources of certs/ alone. Nothing is
 * allocated: each text goes into the caller's buffer. Any thread. */
#include "certs/io/facts.h"

#include <openssl/evp.h>

enum { DAY_SECONDS = 24 * 60 * 60 };

int64_t facts_seconds(const ASN1_TIME *time)
{
    int days = 0;
    int seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool known = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    return known ? (int64_t)days * DAY_SECONDS + seconds : 0;
}

void facts_serial(const ASN1_INTEGER *serial, char *ret_text, size_t room)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(serial);
    size_t length = (size_t)ASN1_STRING_length(serial);
    size_t longest = (room - 1) / 2;
    digest_hex(bytes, length < longest ? length : longest, ret_text);
}

bool facts_key_digest(const X509 *certificate, unsigned char ret_digest[DIGEST_SHA256_BYTES])
{
    unsigned char *der = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (length <= 0)
        return false;
    digest_sha256(der, (size_t)length, ret_digest);
    OPENSSL_free(der);
    return true;
}

bool facts_digest(const X509 *certificate, unsigned char ret_digest[DIGEST_SHA256_BYTES])
{
    unsigned length = 0;
    return X509_digest(certificate, EVP_sha256(), ret_digest, &length) == 1;
}

void facts_pin(const unsigned char digest[DIGEST_SHA256_BYTES], char ret_text[FACTS_PIN_TEXT])
{
    EVP_EncodeBlock((unsigned char *)ret_text, digest, DIGEST_SHA256_BYTES);
}
