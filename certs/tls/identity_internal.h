/* identity_internal: what is inside an identity, for context and install only. All borrowed. */
#ifndef CERTS_TLS_IDENTITY_INTERNAL_H
#define CERTS_TLS_IDENTITY_INTERNAL_H

#include <openssl/x509.h>

#include "certs/tls/identity.h"

struct identity_parts {
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

struct identity_parts identity_parts(const struct identity *identity);

#endif
