/* digest: SHA-256, SHA-1, base64 and UUIDs by OpenSSL's digests. See digest.h.
 *
 * The algorithms are fetched from OpenSSL once, and each thread keeps a context for each, as
 * fetching and making them costs more than a short hash. */
#include "certs/io/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UUID_BYTES = 16, BASE64_STEP = 12 << 20 };

/* RFC 4122 appendix C: the name space of URLs. */
static const unsigned char url_space[UUID_BYTES] = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                                    0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

/* Only without memory or without a working libcrypto: nothing can be trusted then. */
static void demand(bool done)
{
    if (done)
        return;
    fputs("refgate: the hash functions of OpenSSL do not work; stopping.\n", stderr);
    _Exit(70);
}

enum digest { SHA1, SHA256, DIGESTS };

/* Fetched once: finding an algorithm costs more than hashing an id. Not freed, lives as long as
 * the process. */
static EVP_MD *fetched[DIGESTS];
static pthread_once_t is_fetched = PTHREAD_ONCE_INIT;

/* Making a context costs as much as hashing an id, too: each thread keeps one of each kind. */
struct contexts {
    EVP_MD_CTX *of[DIGESTS];
};
static pthread_key_t contexts_key;

static void free_contexts(void *of_thread)
{
    struct contexts *contexts = of_thread;
    for (int kind = 0; kind < DIGESTS; kind++)
        EVP_MD_CTX_free(contexts->of[kind]);
    free(contexts);
}

static void fetch_all(void)
{
    fetched[SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
    fetched[SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    demand(pthread_key_create(&contexts_key, free_contexts) == 0);
}

static EVP_MD_CTX *context_of(enum digest kind)
{
    pthread_once(&is_fetched, fetch_all);
    struct contexts *contexts = pthread_getspecific(contexts_key);
    if (contexts == NULL) {
        contexts = calloc(1, sizeof *contexts);
        demand(contexts != NULL && pthread_setspecific(contexts_key, contexts) == 0);
    }
    if (contexts->of[kind] == NULL)
        contexts->of[kind] = EVP_MD_CTX_new();
    return contexts->of[kind];
}

static void hash(enum digest kind, const void *one, size_t one_length, const void *two,
                 size_t two_length, unsigned char *ret_digest)
{
    EVP_MD_CTX *context = context_of(kind);
    demand(context != NULL && fetched[kind] != NULL &&
           EVP_DigestInit_ex2(context, fetched[kind], NULL) == 1 &&
           EVP_DigestUpdate(context, one, one_length) == 1 &&
           EVP_DigestUpdate(context, two, two_length) == 1 &&
           EVP_DigestFinal_ex(context, ret_digest, NULL) == 1);
}

void digest_sha256(const void *bytes, size_t length, unsigned char ret_digest[DIGEST_SHA256_BYTES])
{
    hash(SHA256, bytes, length, "", 0, ret_digest);
}

struct digest_sum {
    EVP_MD_CTX *context;
};

struct digest_sum *digest_sum_new(void)
{
    struct digest_sum *sum = malloc(sizeof *sum);
    demand(sum != NULL && (sum->context = EVP_MD_CTX_new()) != NULL &&
           EVP_DigestInit_ex(sum->context, EVP_sha256(), NULL) == 1);
    return sum;
}

void digest_sum_add(struct digest_sum *sum, const void *bytes, size_t length)
{
    demand(EVP_DigestUpdate(sum->context, bytes, length) == 1);
}

void digest_sum_end(struct digest_sum *sum, unsigned char ret_digest[DIGEST_SHA256_BYTES])
{
    demand(EVP_DigestFinal_ex(sum->context, ret_digest, NULL) == 1);
    EVP_MD_CTX_free(sum->context);
    free(sum);
}

void digest_sha1(const void *bytes, size_t length, unsigned char ret_digest[DIGEST_SHA1_BYTES])
{
    hash(SHA1, bytes, length, "", 0, ret_digest);
}

void digest_base64(const void *bytes, size_t length, char *ret_text)
{
    const unsigned char *from = bytes;
    *ret_text = '\0';
    while (length > 0) { /* EVP_EncodeBlock counts in int */
        size_t step = length < BASE64_STEP ? length : BASE64_STEP;
        ret_text += EVP_EncodeBlock((unsigned char *)ret_text, from, (int)step);
        from += step;
        length -= step;
    }
}

long digest_unbase64(const char *text, unsigned char *ret_bytes)
{
    size_t length = strlen(text);
    long total = 0;
    size_t padding = 0;
    if (length % 4 != 0)
        return -1;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    for (size_t at = 0; at < length;) { /* EVP_DecodeBlock counts in int */
        size_t step = length - at < BASE64_STEP ? length - at : BASE64_STEP;
        int count = EVP_DecodeBlock(ret_bytes + total, (const unsigned char *)text + at, (int)step);
        if (count < 0)
            return -1;
        total += count;
        at += step;
    }
    return total - (long)padding;
}

/* One more than the value, so that 0 is none. */
static const unsigned char hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};

static int hex_value(char digit)
{
    return hex_values[(unsigned char)digit] - 1;
}

static bool read_uuid(const char *text, unsigned char ret_bytes[UUID_BYTES])
{
    if (strnlen(text, DIGEST_UUID_TEXT) != DIGEST_UUID_TEXT - 1)
        return false;
    for (size_t i = 0, at = 0; i < UUID_BYTES; i++) {
        if (text[at] == '-')
            at++;
        int high = hex_value(text[at]);
        int low = high < 0 ? -1 : hex_value(text[at + 1]);
        if (low < 0)
            return false;
        ret_bytes[i] = (unsigned char)(high << 4 | low);
        at += 2;
    }
    return true;
}

static void uuid5_bytes(const unsigned char space[UUID_BYTES], const char *name,
                        unsigned char ret_bytes[UUID_BYTES])
{
    unsigned char full[DIGEST_SHA1_BYTES];
    hash(SHA1, space, UUID_BYTES, name, strlen(name), full);
    memcpy(ret_bytes, full, UUID_BYTES);
    ret_bytes[6] = (unsigned char)((ret_bytes[6] & 0x0f) | 0x50);
    ret_bytes[8] = (unsigned char)((ret_bytes[8] & 0x3f) | 0x80);
}

void digest_uuid5(const char *space, const char *name, char ret_uuid[DIGEST_UUID_TEXT])
{
    unsigned char space_bytes[UUID_BYTES];
    unsigned char made[UUID_BYTES];
    if (!read_uuid(space, space_bytes))
        uuid5_bytes(url_space, space, space_bytes);
    uuid5_bytes(space_bytes, name, made);
    digest_hex(made, 4, ret_uuid);
    for (size_t part = 0; part < 4; part++) {
        ret_uuid[8 + 5 * part] = '-';
        digest_hex(made + 4 + 2 * part, part < 3 ? 2 : 6, ret_uuid + 9 + 5 * part);
    }
}

void digest_hex(const unsigned char *bytes, size_t length, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        *ret_text++ = digits[bytes[i] >> 4];
        *ret_text++ = digits[bytes[i] & 0x0f];
    }
    *ret_text = '\0';
}
