/* forms: the parts that certificates, requests and revocation lists are made of. For the sources of
 * certs/ only. What is returned belongs to the caller; NULL or false: see OpenSSL's queue, or
 * findings where they are given. */
#ifndef CERTS_ISSUE_FORMS_H
#define CERTS_ISSUE_FORMS_H

#include <openssl/x509v3.h>
#include <stdbool.h>

#include "base/finding.h"
#include "certs/issue/request.h"

EVP_PKEY *forms_new_key(enum request_key kind);
/* O=HANDLE, CN=COMMON_NAME, as UTF-8. */
bool forms_set_subject(X509_NAME *name, const char *handle, const char *common_name);
/* The same, called after the first of NAMES: HANDLE of urn:refgate:org:HANDLE, or the name cut
 * at 64. */
bool forms_set_subject_of(X509_NAME *name, const GENERAL_NAMES *names);
/* NULL with a finding when a name is not one. */
GENERAL_NAMES *forms_names(const struct request_names *names, struct finding_list *findings);
/* The URI, DNS and IP names of a request's SAN; NULL with a finding when there are none or others.
 */
GENERAL_NAMES *forms_names_of(X509_REQ *request, const char *file, struct finding_list *findings);
/* `URI:... DNS:...`, separated by blanks. */
const char *forms_names_text(struct arena *arena, const GENERAL_NAMES *names);
/* Extensions written as in openssl.cnf; ISSUER may be the certificate itself. */
bool forms_add(X509 *certificate, X509 *issuer, int kind, const char *value);
bool forms_set_times(X509 *certificate, int64_t from, int days);
/* 128 random bits (a CA must not make guessable serials). */
bool forms_set_serial(X509 *certificate);
/* With SHA-256. */
bool forms_sign(X509 *certificate, EVP_PKEY *key);

#endif
