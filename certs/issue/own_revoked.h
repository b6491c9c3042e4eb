/* own_revoked: has the CA that issued our certificate taken it back. Who calls it: `check`
 * and `status`. */
#ifndef CERTS_ISSUE_OWN_REVOKED_H
#define CERTS_ISSUE_OWN_REVOKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is the first certificate of CERT_FILE named by the newest of the lists that are signed by a CA of
 * CA_FILE? Files that are not there, or cannot be read, say nothing. */
bool own_is_revoked(const char *cert_file, const char *ca_file, const char *const *crl_files,
                    size_t count, int64_t now);

#endif
