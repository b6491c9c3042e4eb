/* identity: our own key and certificate chain, loaded and checked. Who calls it: the gateway at
 * start and reload, `check`, install. Immutable and reference-counted; any thread may hold it. The
 * key stays inside and is wiped with the last reference. */
#ifndef CERTS_TLS_IDENTITY_H
#define CERTS_TLS_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/finding.h"
#include "certs/io/certificate.h"

struct identity;

struct identity_files {
    const char *cert_file;       /* PEM: our certificate first, then its intermediates upwards */
    const char *key_file;        /* PEM, PKCS#8 or traditional; only its owner may read it */
    const char *passphrase_file; /* first line opens the key; NULL: the key is not encrypted */
};

/* Loads and checks: files readable, key file a regular file of this user (or root) that nobody else
 * can read or write, key and certificate belong together, key strong enough, chain in order, both
 * usages present, in its time. All faults are added to FINDINGS. Returns NULL when it cannot be
 * used; an expired certificate can (it is a finding, and every peer will refuse it), so that a
 * service with one still starts and says so. */
struct identity *identity_load(const struct identity_files *files, struct finding_list *findings);
struct identity *identity_hold(struct identity *identity);
void identity_release(struct identity *identity);

/* What our certificate says; lives in ARENA. */
struct certificate identity_certificate(const struct identity *identity, struct arena *arena);
int64_t identity_not_after(
    const struct identity *identity); /* seconds since 1970: the earliest of the chain */
int identity_days_left(const struct identity *identity, int64_t now);

#endif
