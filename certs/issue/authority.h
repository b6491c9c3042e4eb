/* authority: a small private CA in one folder. Who calls it: `refgate init`, `refgate cert
 * authority init|issue|renew|revoke|publish`, `demo`, and the tests.
 *
 * The folder holds ca.crt, ca.key (0600), ca.crl, and issued.csv (serial, not_after, revoked_at,
 * reason, names): what was issued and revoked. Each file is replaced atomically with fsync; a leaf
 * is in issued.csv before its certificate exists outside. One process at a time (a lock on the
 * folder). Leaves carry serverAuth and clientAuth, digitalSignature, CA:FALSE, SAN; of a request
 * only the key and the permitted names are taken over. */
#ifndef CERTS_ISSUE_AUTHORITY_H
#define CERTS_ISSUE_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/finding.h"
#include "certs/issue/own_revoked.h"
#include "certs/issue/request.h"

enum {
    AUTHORITY_CA_DAYS = 3650,
    AUTHORITY_LEAF_DAYS = 365,
    AUTHORITY_LEAF_DAYS_MAX = 825,
    AUTHORITY_CRL_DAYS = 30,
};

struct authority;

struct authority_options {
    const char *handle; /* whose CA: in its subject */
    enum request_key key;
    int days;                    /* 0: the default */
    const char *passphrase_file; /* encrypts ca.key; NULL: not encrypted. PIN of a token */
    const char *key_file; /* a key that is there already, PEM or in a token: it, or its URI, becomes
                             ca.key; NULL: a new key */
};

/* Makes ca.crt, ca.key, an empty issued.csv and a first ca.crl in FOLDER; refuses when one exists.
 */
bool authority_init(const char *folder, const struct authority_options *options,
                    struct finding_list *findings);
/* What an authority_init that was broken off left in FOLDER is kept; what is missing is made. */
bool authority_finish(const char *folder, const struct authority_options *options,
                      struct finding_list *findings);
/* NULL with findings: missing, key readable by others, key does not match. */
struct authority *authority_open(const char *folder, const char *passphrase_file,
                                 struct finding_list *findings);
void authority_close(struct authority *authority);

/* A new key and certificate (leaf only, PEM) for NAMES. Refuses to replace an existing file. */
bool authority_issue(struct authority *authority, enum request_key key,
                     const struct request_names *names, int days, const char *cert_file,
                     const char *key_file, struct finding_list *findings);
/* The same when that was broken off: a key that is there already is used. */
bool authority_issue_again(struct authority *authority, enum request_key key,
                           const struct request_names *names, int days, const char *cert_file,
                           const char *key_file, struct finding_list *findings);
/* From a request (PEM). NAMES NULL: the SAN of the request (URI, DNS and IP names only). */
bool authority_sign(struct authority *authority, const char *csr_file,
                    const struct request_names *names, int days, const char *cert_file,
                    struct finding_list *findings);
/* The same key and names with a new serial and new dates; the old one stays valid until it ends. */
bool authority_renew(struct authority *authority, const char *old_cert_file, int days,
                     const char *cert_file, struct finding_list *findings);

enum authority_reason { /* RFC 5280 section 5.3.1 */
                        AUTHORITY_UNSPECIFIED = 0,
                        AUTHORITY_KEY_COMPROMISE = 1,
                        AUTHORITY_AFFILIATION_CHANGED = 3,
                        AUTHORITY_SUPERSEDED = 4,
                        AUTHORITY_CESSATION = 5,
};
/* By serial (hexadecimal) as in issued.csv; then publishes a new ca.crl. Twice is harmless. */
bool authority_revoke(struct authority *authority, const char *serial, enum authority_reason reason,
                      struct finding_list *findings);
/* Writes a new ca.crl, good for DAYS (0: the default). */
bool authority_publish(struct authority *authority, int days, struct finding_list *findings);

struct authority_leaf {
    const char *serial; /* hexadecimal */
    const char *names;  /* SAN, separated by blanks */
    int64_t not_after;
    int64_t revoked_at; /* 0: not revoked */
    int reason;
};
/* What was issued, in order; lives in ARENA. */
size_t authority_list(const struct authority *authority, struct arena *arena,
                      struct authority_leaf **ret_leaves);
/* The same of FOLDER, for which the CA's key, which may be kept elsewhere, is not needed. */
size_t authority_issued(const char *folder, struct arena *arena, struct authority_leaf **ret_leaves,
                        struct finding_list *findings);

#endif
