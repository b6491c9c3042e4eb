/* digest: the one door to OpenSSL's hashes. Who calls it: the gateway, for content hashes and
 * message ids. Pure functions, any thread. */
#ifndef CERTS_IO_DIGEST_H
#define CERTS_IO_DIGEST_H

#include <stddef.h>

enum { DIGEST_SHA256_BYTES = 32, DIGEST_UUID_TEXT = 37 };

void digest_sha256(const void *bytes, size_t length, unsigned char ret_digest[DIGEST_SHA256_BYTES]);
/* SHA-256 of bytes that come piece by piece; _end frees it. */
struct digest_sum;
struct digest_sum *digest_sum_new(void);
void digest_sum_add(struct digest_sum *sum, const void *bytes, size_t length);
void digest_sum_end(struct digest_sum *sum, unsigned char ret_digest[DIGEST_SHA256_BYTES]);
enum { DIGEST_SHA1_BYTES = 20 };
/* For FHIR Attachment.hash only, which R4 defines as SHA-1. */
void digest_sha1(const void *bytes, size_t length, unsigned char ret_digest[DIGEST_SHA1_BYTES]);
/* Base64 of LENGTH bytes; RET_TEXT has room for (LENGTH + 2) / 3 * 4 + 1. */
void digest_base64(const void *bytes, size_t length, char *ret_text);
/* Bytes of base64 TEXT; -1 when it is none. RET_BYTES has room for strlen(TEXT) / 4 * 3. */
long digest_unbase64(const char *text, unsigned char *ret_bytes);
/* UUID version 5 (RFC 4122 section 4.3) of NAME in the namespace SPACE, a UUID in text form or any
 * other text (then its own version 5 in the URL namespace is the space). Lower case,
 * NUL-terminated. */
void digest_uuid5(const char *space, const char *name, char ret_uuid[DIGEST_UUID_TEXT]);
/* LENGTH bytes as 2 * LENGTH lower-case hexadecimal digits and a NUL. */
void digest_hex(const unsigned char *bytes, size_t length, char *ret_text);

#endif
