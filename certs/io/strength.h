/* strength: which keys and signatures are good enough. For the sources of certs/ only. Any thread.
 */
#ifndef CERTS_IO_STRENGTH_H
#define CERTS_IO_STRENGTH_H

#include <openssl/evp.h>
#include <stdbool.h>

/* OpenSSL's level 2: 112 bit, so no SHA-1 and no RSA below 2048. */
enum { STRENGTH_LEVEL = 2, STRENGTH_RSA_MIN = 2048, STRENGTH_RSA_MAX = 8192 };

#define STRENGTH_EXPECTED "RSA of 2048 to 8192 bit, P-256, P-384, P-521 or Ed25519"

/* RSA above the maximum is refused too: its sender decides how long a verification takes us. */
bool strength_key(const EVP_PKEY *key);
/* `RSA 2048`, `P-256`, `Ed25519`; RET_TEXT has room for LENGTH bytes. */
void strength_describe(const EVP_PKEY *key, char *ret_text, size_t length);

#endif
