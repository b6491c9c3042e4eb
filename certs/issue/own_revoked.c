/* own_revoked: see own_revoked.h. */
#include "certs/issue/own_revoked.h"

#include <openssl/x509.h>

#include "base/arena.h"
#include "base/finding.h"
#include "certs/io/io.h"
#include "certs/verify/verify_internal.h"

static bool is_named(const struct revoke *revoke, X509 *ours, STACK_OF(X509) * issuers, int64_t now)
{
    for (int i = 0; i < sk_X509_num(issuers); i++) {
        int64_t until = INT64_MAX;
        if (revoke_ask(revoke, ours, sk_X509_value(issuers, i), now, &until) == REVOKE_REVOKED)
            return true;
    }
    return false;
}

bool own_is_revoked(const char *cert_file, const char *ca_file, const char *const *crl_files,
                    size_t count, int64_t now)
{
    struct arena arena = ARENA_EMPTY;
    struct finding_list ignored = finding_list_new(&arena);
    struct revoke revoke = {.count = 0};
    STACK_OF(X509) *ours = pem_read_certificates(cert_file, &ignored);
    STACK_OF(X509) *issuers = pem_read_certificates(ca_file, &ignored);
    bool found = false;
    for (size_t i = 0; issuers != NULL && i < count; i++)
        revoke_load(&revoke, crl_files[i], issuers, &ignored);
    if (ours != NULL && issuers != NULL)
        found = is_named(&revoke, sk_X509_value(ours, 0), issuers, now);
    revoke_free(&revoke);
    sk_X509_pop_free(ours, X509_free);
    sk_X509_pop_free(issuers, X509_free);
    arena_free(&arena);
    return found;
}
