/* token: a private key that never leaves its token (PKCS#11: a smart card, an HSM, SoftHSM). A key
 * file then holds one line, the key's URI (RFC 7512), instead of the key:
 *
 *   pkcs11:token=willow;object=gateway?module-path=/usr/lib/softhsm/libsofthsm2.so
 *
 * and the passphrase file holds the PIN. For pem.c only. Uses OpenSSL's engine of the Debian
 * package libengine-pkcs11-openssl, which stays loaded until the process ends, with the first
 * module that was named. */
#ifndef CERTS_IO_TOKEN_H
#define CERTS_IO_TOKEN_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/finding.h"

/* Do BYTES, as a key file holds them, name a key in a token? */
bool token_is_named(const char *bytes);
/* The key that the first line of BYTES names; FILE and PIN_FILE are for the findings. PIN: "" when
 * there is none. NULL with a finding. */
EVP_PKEY *token_key(const char *bytes, const char *file, const char *pin, const char *pin_file,
                    struct finding_list *findings);

#endif
