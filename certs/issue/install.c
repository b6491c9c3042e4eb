/* install: see install.h. Two files cannot be replaced in one step, so the order makes every state
 * in between recoverable: FILE.next of both is on disk before the key is renamed, and the
 * certificate follows it. A crash between the two renames leaves a new key beside an old
 * certificate, and certificate.next, which fits the key: install_recover() ends the move. */
#include "certs/issue/install.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#include "certs/io/io.h"
#include "certs/tls/context.h"
#include "certs/tls/trial.h"

enum { SELF_NAMES = 2 };

static bool has_name(const struct certificate *facts, const char *name)
{
    for (size_t i = 0; i < facts->name_count; i++) {
        if (strcmp(facts->names[i], name) == 0)
            return true;
    }
    return false;
}

static void check_names(const struct install *install, const struct certificate *facts,
                        struct finding_list *findings)
{
    struct arena *arena = findings->arena;
    const char *uri = install->handle == NULL
                          ? NULL
                          : arena_print(arena, "URI:urn:refgate:org:%s", install->handle);
    const char *dns = install->dns == NULL ? NULL : arena_print(arena, "DNS:%s", install->dns);
    if ((uri != NULL && has_name(facts, uri)) || (dns != NULL && has_name(facts, dns)))
        return;
    files_fault(findings, install->cert_file, "a certificate without the name partners know us by",
                arena_print(arena, "the subject alternative name %s%s%s", uri == NULL ? "" : uri,
                            uri != NULL && dns != NULL ? " or " : "", dns == NULL ? "" : dns));
}

static void check_time(const struct install *install, const struct identity *identity,
                       struct finding_list *findings)
{
    int days = identity_days_left(identity, install->now);
    if (days < 1)
        files_fault(findings, install->cert_file,
                    arena_print(findings->arena, "a certificate with %d days left", days),
                    "one that is good for a day at least");
}

const char *install_advice(enum verdict verdict)
{
    static const struct {
        enum verdict verdict;
        const char *advice;
    } ours[] = {
        {VERDICT_incomplete,
         "the CA that issued it in the CA file, or, when there is an intermediate CA between, that "
         "one's certificate behind ours in the certificate file"},
        {VERDICT_unknown_ca, "the CA that issued it in the CA file"},
        {VERDICT_foreign_ca, "the CA that issued it in the CA file"},
        {VERDICT_false_ca, "the CA that issued it in the CA file; the one there has its name and "
                           "another key"},
        {VERDICT_self_signed, "a certificate that a CA issued, and that CA in the CA file"},
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (ours[i].verdict == verdict)
            return ours[i].advice;
    }
    return verdict_sentence(verdict);
}

static void report_trial(const struct install *install, const char *what,
                         const struct verify_peer *peer, struct finding_list *findings)
{
    if (peer->verdict == VERDICT_admitted)
        return;
    files_fault(findings, install->cert_file,
                arena_print(findings->arena, "refused %s in a trial handshake with ourselves: %s",
                            what, verdict_name(peer->verdict)),
                install_advice(peer->verdict));
}

static void check_by_trial(const struct install *install, struct identity *identity,
                           struct finding_list *findings)
{
    const char *names[SELF_NAMES];
    size_t count = 0;
    if (install->handle != NULL)
        names[count++] = arena_print(findings->arena, "URI:urn:refgate:org:%s", install->handle);
    if (install->dns != NULL)
        names[count++] = arena_print(findings->arena, "DNS:%s", install->dns);
    const struct trust_partner self = {
        .name = "self", .ca_file = install->ca_file, .sans = names, .san_count = count};
    struct trust *trust = trust_new(&self, 1, NULL, findings);
    struct context *context = context_new(identity, trust, NULL, findings);
    if (context != NULL) {
        struct verify_peer server;
        struct verify_peer client;
        size_t before = findings->count;
        bool done = trial_handshake(context, context, self.name, &server, &client);
        report_trial(install, "as server", &server, findings);
        if (server.verdict == VERDICT_admitted)
            report_trial(install, "as client", &client, findings);
        if (!done && findings->count == before)
            files_fault(findings, install->cert_file,
                        "a trial handshake with ourselves that failed",
                        "a key and certificate that TLS 1.2 and 1.3 can use");
    }
    context_release(context);
    trust_release(trust);
}

enum verdict install_chain(struct identity *identity, const char *ca_file)
{
    struct arena arena = ARENA_EMPTY;
    struct finding_list ignored = finding_list_new(&arena);
    const struct certificate facts = identity_certificate(identity, &arena);
    const struct trust_partner self = {
        .name = "self", .ca_file = ca_file, .pins = &facts.pin, .pin_count = 1};
    struct trust *trust = trust_new(&self, 1, NULL, &ignored);
    struct context *context = context_new(identity, trust, NULL, &ignored);
    struct verify_peer server = {.verdict = VERDICT_unable};
    struct verify_peer client;
    if (context != NULL)
        trial_handshake(context, context, self.name, &server, &client);
    context_release(context);
    trust_release(trust);
    arena_free(&arena);
    return server.verdict;
}

bool install_check(const struct install *install, struct finding_list *findings)
{
    size_t before = findings->count;
    const struct identity_files fresh = {install->cert_file, install->key_file,
                                         install->live.passphrase_file};
    struct identity *identity = identity_load(&fresh, findings);
    if (identity != NULL) {
        struct certificate facts = identity_certificate(identity, findings->arena);
        check_names(install, &facts, findings);
        check_time(install, identity, findings);
        if (findings->count == before)
            check_by_trial(install, identity, findings);
    }
    identity_release(identity);
    return identity != NULL && findings->count == before;
}

static bool pair_fits(const struct identity_files *files, struct arena *arena)
{
    struct finding_list ignored = finding_list_new(arena);
    if (!files_exists(files->cert_file) || !files_exists(files->key_file))
        return false;
    STACK_OF(X509) *stack = pem_read_certificates(files->cert_file, &ignored);
    EVP_PKEY *key = pem_read_key(files->key_file, files->passphrase_file, &ignored);
    bool fits =
        stack != NULL && key != NULL && X509_check_private_key(sk_X509_value(stack, 0), key) == 1;
    ERR_clear_error();
    EVP_PKEY_free(key);
    sk_X509_pop_free(stack, X509_free);
    return fits;
}

/* Both can be read, whether they fit or not; else whoever loads them says why. */
static bool pair_is_readable(const struct identity_files *files, struct arena *arena)
{
    struct finding_list ignored = finding_list_new(arena);
    STACK_OF(X509) *stack = pem_read_certificates(files->cert_file, &ignored);
    EVP_PKEY *key = pem_read_key(files->key_file, files->passphrase_file, &ignored);
    bool is_readable = stack != NULL && key != NULL;
    EVP_PKEY_free(key);
    sk_X509_pop_free(stack, X509_free);
    return is_readable;
}

static bool copy_certificate(const char *from, const char *to, struct finding_list *findings)
{
    struct arena arena = ARENA_EMPTY;
    size_t length = 0;
    char *bytes = files_read(&arena, from, findings, &length);
    bool done = bytes != NULL && files_write(to, 0644, bytes, length, FILES_REPLACE, findings);
    arena_free(&arena);
    return done;
}

static bool copy_pair(const struct identity_files *from, const struct identity_files *to,
                      struct finding_list *findings)
{
    return files_copy_secret(from->key_file, to->key_file, FILES_REPLACE, findings) &&
           copy_certificate(from->cert_file, to->cert_file, findings);
}

/* The pair that stands beside LIVE with SUFFIX. */
static struct identity_files beside(const struct identity_files *live, const char *suffix,
                                    struct arena *arena)
{
    return (struct identity_files){arena_print(arena, "%s.%s", live->cert_file, suffix),
                                   arena_print(arena, "%s.%s", live->key_file, suffix),
                                   live->passphrase_file};
}

/* FRESH, which was checked, becomes LIVE, and LIVE becomes .previous. */
static bool replace(const struct identity_files *live, const struct identity_files *fresh,
                    struct finding_list *findings)
{
    const struct identity_files next = beside(live, "next", findings->arena);
    const struct identity_files previous = beside(live, "previous", findings->arena);
    if (!copy_pair(fresh, &next, findings))
        return false;
    if (pair_fits(live, findings->arena) && !copy_pair(live, &previous, findings))
        return false;
    return files_move(next.key_file, live->key_file, findings) &&
           files_move(next.cert_file, live->cert_file, findings);
}

bool install_apply(const struct install *install, struct finding_list *findings)
{
    const struct identity_files fresh = {install->cert_file, install->key_file, NULL};
    return install_check(install, findings) && replace(&install->live, &fresh, findings);
}

bool install_rollback(const struct identity_files *live, struct finding_list *findings)
{
    const struct identity_files previous = beside(live, "previous", findings->arena);
    if (!pair_fits(&previous, findings->arena)) {
        files_fault(findings, previous.cert_file, "no earlier pair of key and certificate",
                    "the two .previous files that `cert install` leaves");
        return false;
    }
    return replace(live, &previous, findings);
}

bool install_recover(const struct identity_files *live, struct finding_list *findings)
{
    const struct identity_files next = beside(live, "next", findings->arena);
    const struct identity_files half = {next.cert_file, live->key_file, live->passphrase_file};
    if (pair_fits(live, findings->arena)) {
        unlink(next.key_file); /* left by a crash before the move: the old pair is still right */
        unlink(next.cert_file);
        return true;
    }
    if (pair_fits(&half, findings->arena))
        return files_move(next.cert_file, live->cert_file, findings);
    if (!pair_is_readable(live, findings->arena))
        return false;
    files_fault(findings, live->cert_file,
                "a certificate that does not belong to the key beside it",
                "a pair; `refgate cert install` puts a new one in place, `refgate cert rollback` "
                "the last one");
    return false;
}
