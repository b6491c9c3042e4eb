/* request: a new key and a certificate signing request for it. Who calls it: `refgate cert
 * request`, init, renew. Keys are written 0600, atomically, and never over an existing file.
 * Blocking: making an RSA key takes up to seconds. False: nothing is promised, see the findings. */
#ifndef CERTS_ISSUE_REQUEST_H
#define CERTS_ISSUE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/finding.h"

enum request_key { REQUEST_KEY_P256, REQUEST_KEY_RSA2048, REQUEST_KEY_RSA3072 };

/* The names of a gateway. At least the handle is needed. */
struct request_names {
    const char *handle;     /* SAN URI urn:refgate:org:HANDLE, organisation name of the subject */
    const char *const *dns; /* SAN DNS */
    size_t dns_count;
    const char *const *ip; /* SAN IP, v4 or v6 */
    size_t ip_count;
};

enum { REQUEST_NAMES_MAX = 64 };

/* Makes a key at KEY_FILE and a PKCS#10 request (PEM) at CSR_FILE with NAMES and both usages. */
bool request_new(enum request_key kind, const struct request_names *names, const char *key_file,
                 const char *csr_file, struct finding_list *findings);
/* The same for a key that is there already: KEY_SOURCE, PEM or the URI of a key in a token, opened
 * by PASSPHRASE_FILE (may be NULL); it is copied to KEY_FILE. */
bool request_for_key(const char *key_source, const char *passphrase_file,
                     const struct request_names *names, const char *key_file, const char *csr_file,
                     struct finding_list *findings);

#endif
