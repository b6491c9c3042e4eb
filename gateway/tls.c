/* tls: see tls.h. */
#include "gateway/tls.h"

#include <time.h>

#include "gateway/revocation.h"

/* The revocation lists: those filed, and the one fetched. */
static size_t list_files(const struct setup *setup, struct arena *arena,
                         const struct partner *partner, const char *const **ret_files)
{
    const struct option_list *files = &partner->crl_files;
    const char *fetched = revocation_path(setup, arena, partner);
    const char **list = arena_array(arena, files->count + 1, sizeof *list);
    for (size_t i = 0; i < files->count; i++)
        list[i] = setup_path(setup, arena, files->items[i]);
    *ret_files = list;
    if (fetched == NULL)
        return files->count;
    list[files->count] = fetched;
    return files->count + 1;
}

static const char *path_or_null(const struct setup *setup, struct arena *arena, const char *file)
{
    return file[0] == '\0' ? NULL : setup_path(setup, arena, file);
}

static const char *const *all_pins(struct arena *arena, const struct partner *partner)
{
    const char **pins =
        arena_array(arena, partner->pins.count + partner->next_pins.count + 1, sizeof *pins);
    for (size_t i = 0; i < partner->pins.count; i++)
        pins[i] = partner->pins.items[i];
    for (size_t i = 0; i < partner->next_pins.count; i++)
        pins[partner->pins.count + i] = partner->next_pins.items[i];
    return pins;
}

static const enum trust_crl crl_policies[] = {
    [PARTNER_CRL_AUTO] = TRUST_CRL_AUTO,
    [PARTNER_CRL_HARD] = TRUST_CRL_HARD,
    [PARTNER_CRL_SOFT] = TRUST_CRL_SOFT,
    [PARTNER_CRL_OFF] = TRUST_CRL_OFF,
};

static const enum trust_staple staple_policies[] = {
    [PARTNER_STAPLE_OFF] = TRUST_STAPLE_OFF,
    [PARTNER_STAPLE_PREFER] = TRUST_STAPLE_PREFER,
    [PARTNER_STAPLE_REQUIRE] = TRUST_STAPLE_REQUIRE,
};

static struct trust *trust_of(const struct setup *setup, struct arena *arena,
                              struct finding_list *findings)
{
    size_t count = setup->partners.count;
    struct trust_partner *partners = arena_array(arena, count, sizeof *partners);
    struct trust_partner issuer = {.ca_file = setup_path(setup, arena, setup->config.ca_file),
                                   .crl = TRUST_CRL_OFF};
    for (size_t i = 0; i < count; i++) {
        const struct partner *partner = &setup->partners.items[i];
        partners[i] =
            (struct trust_partner){.name = partner->name,
                                   .ca_file = path_or_null(setup, arena, partner->ca_file),
                                   .pins = all_pins(arena, partner),
                                   .pin_count = partner->pins.count + partner->next_pins.count,
                                   .sans = partner->san.items,
                                   .san_count = partner->san.count,
                                   .crl = crl_policies[partner->crl_policy],
                                   .staple = staple_policies[partner->staple],
                                   .disabled = partner->disabled};
        partners[i].crl_count = list_files(setup, arena, partner, &partners[i].crl_files);
    }
    return trust_new(partners, count, &issuer, findings);
}

struct identity_files tls_identity_files(const struct setup *setup, struct arena *arena)
{
    const struct config *config = &setup->config;
    struct identity_files files = {.cert_file = setup_path(setup, arena, config->cert_file),
                                   .key_file = setup_path(setup, arena, config->key_file),
                                   .passphrase_file =
                                       path_or_null(setup, arena, config->key_passphrase_file)};
    return files;
}

struct context *tls_context(const struct setup *setup, struct finding_list *findings)
{
    struct identity_files files = tls_identity_files(setup, findings->arena);
    return tls_context_with(setup, &files, findings);
}

struct context *tls_context_with(const struct setup *setup, const struct identity_files *files,
                                 struct finding_list *findings)
{
    struct arena arena = ARENA_EMPTY;
    struct context *context = NULL;
    const struct config *config = &setup->config;
    struct context_options options = {.names = config->server_names.items,
                                      .name_count = config->server_names.count,
                                      .staple_file =
                                          path_or_null(setup, &arena, config->staple_file),
                                      .ca_file = setup_path(setup, &arena, config->ca_file),
                                      .atna_compat = config->atna_compat};
    struct identity *identity = identity_load(files, findings);
    struct trust *trust = trust_of(setup, &arena, findings);
    if (identity != NULL)
        context = context_new(identity, trust, &options, findings);
    if (identity != NULL)
        identity_release(identity);
    trust_release(trust);
    arena_free(&arena);
    return context;
}
