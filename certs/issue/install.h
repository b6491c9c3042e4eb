/* install: checks a new key pair before it replaces the running one, and can take it back. Who
 * calls it: `refgate cert install|renew`, serve at start (install_recover). Nothing is replaced
 * unless every check passed; a crash at any moment leaves a pair that belongs together
 * (docs/decisions/0010-install.md). Beside FILE: FILE.next while installing, FILE.previous
 * afterwards. Blocking: files. */
#ifndef CERTS_ISSUE_INSTALL_H
#define CERTS_ISSUE_INSTALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/finding.h"
#include "certs/tls/identity.h"
#include "certs/verify/verify.h"

struct install {
    const char *cert_file; /* the new pair, anywhere; its key opens with the live passphrase */
    const char *key_file;
    struct identity_files live; /* where the service reads it */
    const char *ca_file;        /* the CA the partners know us by: the new chain must end there */
    const char *handle;         /* SAN URI urn:refgate:org:HANDLE or ... */
    const char *dns;            /* ... this DNS name must be in it (either may be NULL) */
    int64_t now;
};

/* Key match, chain order and end, both usages, SAN, time (at least a day left), key and signature
 * strength, and a trial handshake in memory with ourselves in both directions, by the same code
 * that judges partners. True when there is no finding. Replaces nothing. */
bool install_check(const struct install *install, struct finding_list *findings);
/* What a partner that knows the CA of CA_FILE says of the chain of IDENTITY, whatever its names
 * are: by the same trial. Not about an expired one, nor one without its usages. */
enum verdict install_chain(struct identity *identity, const char *ca_file);
/* What to do about such a verdict on our own certificate. */
const char *install_advice(enum verdict verdict);
/* install_check, then puts the pair in place and keeps the old one as FILE.previous. */
bool install_apply(const struct install *install, struct finding_list *findings);
/* Puts FILE.previous back (and the present pair becomes .previous). Checks key match only. */
bool install_rollback(const struct identity_files *live, struct finding_list *findings);
/* Ends what a crash interrupted; call before identity_load(). True when the pair is whole. */
bool install_recover(const struct identity_files *live, struct finding_list *findings);

#endif
