/* identity_parts: what is inside an identity, for context and install only. All borrowed. */
#ifndef CERTS_IDENTITY_PARTS_H
#define CERTS_IDENTITY_PARTS_H

#include <openssl/x509.h>

#include "certs/identity.h"

struct identity_parts {
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

struct identity_parts identity_parts(const struct identity *identity);

#endif
