/* pem: certificates, keys and revocation lists from and to files. For the sources of certs/ only.
 * What is returned belongs to the caller (sk_..._pop_free, EVP_PKEY_free). */
#ifndef CERTS_IO_PEM_H
#define CERTS_IO_PEM_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/finding.h"

/* The certificates of PEM text in their order, or the one of DER bytes; NULL when there is none or
 * one of them is damaged. */
STACK_OF(X509) * pem_certificates(const char *bytes, size_t length);
/* From a file; NULL with a finding. */
STACK_OF(X509) * pem_read_certificates(const char *path, struct finding_list *findings);
STACK_OF(X509_CRL) * pem_read_crls(const char *path, struct finding_list *findings);
/* A PEM key, or the URI of one in a token (token.h). */
EVP_PKEY *pem_read_key(const char *path, const char *passphrase_file,
                       struct finding_list *findings);
X509_REQ *pem_read_request(const char *path, struct finding_list *findings);

/* Keys are written 0600 and never over an existing file. */
bool pem_write_key(const char *path, EVP_PKEY *key, const char *passphrase_file,
                   struct finding_list *findings);
bool pem_write_certificate(const char *path, X509 *certificate, struct finding_list *findings);
bool pem_write_request(const char *path, X509_REQ *request, struct finding_list *findings);
bool pem_write_crl(const char *path, X509_CRL *crl, struct finding_list *findings);

/* The newest message of OpenSSL's queue, which is emptied; lives in the arena. */
const char *pem_why(struct arena *arena);

#endif
