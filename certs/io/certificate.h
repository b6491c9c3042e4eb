/* certificate: what a certificate says, in words and numbers. Who calls it: `cert show`, `partner
 * add`, `check`, and the findings of this folder. Facts live in the caller's arena. Any thread. */
#ifndef CERTS_IO_CERTIFICATE_H
#define CERTS_IO_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/finding.h"

/* X509 and X509_NAME of OpenSSL, for the sources of certs/ only */
struct x509_st;
struct X509_name_st;

struct certificate {
    const char *subject; /* RFC 2253, control characters escaped */
    const char *issuer;
    const char *serial;      /* lower-case hexadecimal */
    const char *fingerprint; /* SHA-256 of the certificate, lower-case hexadecimal */
    const char *pin;         /* SHA-256 of the public key (SPKI), base64: what a partner pins */
    const char *key;         /* `P-256`, `RSA 2048`, `Ed25519` */
    const char *signature;   /* `ecdsa-with-SHA256` */
    const char **names;      /* `URI:urn:refgate:org:willow`, `DNS:a.example`, `IP:127.0.0.1` */
    size_t name_count;
    int64_t not_before, not_after; /* seconds since 1970, UTC */
    bool is_ca;
    bool is_self_issued;
    bool for_client; /* the extended key usage is there and names clientAuth */
    bool for_server; /* ... serverAuth */
};

/* All certificates of a PEM (or one DER) file, in the order of the file. False, with a finding,
 * when the file cannot be read or holds none. */
bool certificate_read(struct arena *arena, const char *path, struct finding_list *findings,
                      struct certificate **ret_items, size_t *ret_count);
/* Whole days from NOW to the end of validity, rounded down; negative when it is over. */
int certificate_days_left(int64_t not_after, int64_t now);

/* For certs/ only. */
void certificate_describe(struct arena *arena, struct x509_st *from,
                          struct certificate *ret_certificate);
const char *certificate_name(struct arena *arena, const struct X509_name_st *name);

#endif
