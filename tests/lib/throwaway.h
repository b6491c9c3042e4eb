/* throwaway: a private CA, certificates, trust and contexts for one test, in a folder of its own
 * under /tmp that goes with it. Header only; for unit tests of the gateway. Failing here ends the
 * test. */
#ifndef TESTS_LIB_THROWAWAY_H
#define TESTS_LIB_THROWAWAY_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs/issue/authority.h"
#include "certs/tls/context.h"

struct throwaway {
    char folder[64];
    struct arena arena;
    struct finding_list findings;
    struct authority *authority;
};

static inline void throwaway_fail(struct throwaway *own, const char *what)
{
    struct text text = text_new(&own->arena, 10000);
    for (size_t i = 0; i < own->findings.count; i++)
        finding_print(&own->findings.items[i], &text);
    fprintf(stderr, "throwaway: %s: %s\n", what, text.at);
    abort();
}

static inline struct throwaway *throwaway_new(void)
{
    struct throwaway *own = calloc(1, sizeof *own);
    struct authority_options options = {.handle = "throwaway", .key = REQUEST_KEY_P256};
    strcpy(own->folder, "/tmp/refgate-throwaway-XXXXXX");
    own->findings = finding_list_new(&own->arena);
    if (mkdtemp(own->folder) == NULL || !authority_init(own->folder, &options, &own->findings))
        throwaway_fail(own, "no CA");
    own->authority = authority_open(own->folder, NULL, &own->findings);
    if (own->authority == NULL)
        throwaway_fail(own, "CA does not open");
    return own;
}

static inline int throwaway_unlink(const char *path, const struct stat *info, int kind,
                                   struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void throwaway_free(struct throwaway *own)
{
    authority_close(own->authority);
    nftw(own->folder, throwaway_unlink, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(&own->arena);
    free(own);
}

static inline const char *throwaway_path(struct throwaway *own, const char *name, const char *end)
{
    return arena_print(&own->arena, "%s/%s%s", own->folder, name, end);
}

/* FOLDER/NAME.crt and .key, with the URI urn:refgate:org:NAME and the address 127.0.0.1; DAYS may
 * be 0 for the usual. Made once. */
static inline void throwaway_leaf(struct throwaway *own, const char *name)
{
    static const char *const addresses[] = {"127.0.0.1"};
    struct request_names names = {.handle = name, .ip = addresses, .ip_count = 1};
    if (access(throwaway_path(own, name, ".crt"), F_OK) == 0)
        return;
    if (!authority_issue(own->authority, REQUEST_KEY_P256, &names, 0,
                         throwaway_path(own, name, ".crt"), throwaway_path(own, name, ".key"),
                         &own->findings))
        throwaway_fail(own, "no certificate");
}

/* Trust in PARTNER (may be NULL: nobody) by CA's certificate, and in what OWN issued. */
static inline struct trust *throwaway_trust(struct throwaway *own, struct throwaway *ca,
                                            const char *partner)
{
    const char *san = arena_print(&own->arena, "URI:urn:refgate:org:%s", partner);
    struct trust_partner row = {.name = partner,
                                .ca_file = throwaway_path(ca, "ca", ".crt"),
                                .sans = &san,
                                .san_count = 1,
                                .crl = TRUST_CRL_OFF};
    struct trust_partner issuer = {.ca_file = throwaway_path(own, "ca", ".crt"),
                                   .crl = TRUST_CRL_OFF};
    return trust_new(&row, partner == NULL ? 0 : 1, &issuer, &own->findings);
}

/* What a gateway NAME uses that knows only PARTNER, both certified by OWN. */
static inline struct context *throwaway_context(struct throwaway *own, const char *name,
                                                const char *partner)
{
    struct context_options options = {0};
    throwaway_leaf(own, name);
    struct identity_files files = {.cert_file = throwaway_path(own, name, ".crt"),
                                   .key_file = throwaway_path(own, name, ".key")};
    struct identity *identity = identity_load(&files, &own->findings);
    struct trust *trust = throwaway_trust(own, own, partner);
    struct context *context =
        identity == NULL ? NULL : context_new(identity, trust, &options, &own->findings);
    if (context == NULL)
        throwaway_fail(own, "no context");
    identity_release(identity);
    trust_release(trust);
    return context;
}

#endif
