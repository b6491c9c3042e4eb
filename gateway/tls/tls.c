/* tls: builds the trust and the TLS context of a setup from its partners' settings. See tls.h.
 *
 * At a reload a partner whose new certificates or pins are faulty is kept as it was. Blocking:
 * reads files. */
#include "gateway/tls/tls.h"

#include <string.h>
#include <time.h>

#include "gateway/tls/revocation.h"

size_t tls_list_files(const struct setup *setup, struct arena *arena, const struct partner *partner,
                      const char *const **ret_files)
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

static struct trust_partner trust_partner_of(const struct setup *setup, struct arena *arena,
                                             const struct partner *partner)
{
    struct trust_partner made = {.name = partner->name,
                                 .ca_file = path_or_null(setup, arena, partner->ca_file),
                                 .pins = all_pins(arena, partner),
                                 .pin_count = partner->pins.count + partner->next_pins.count,
                                 .sans = partner->san.items,
                                 .san_count = partner->san.count,
                                 .crl = crl_policies[partner->crl_policy],
                                 .staple = staple_policies[partner->staple],
                                 .disabled = partner->disabled};
    made.crl_count = tls_list_files(setup, arena, partner, &made.crl_files);
    return made;
}

static struct trust *trust_of(const struct setup *setup, struct arena *arena,
                              const struct context *before, struct finding_list *findings)
{
    size_t count = setup->partners.count;
    struct trust_partner *partners = arena_array(arena, count, sizeof *partners);
    struct trust_partner issuer = {.ca_file = setup_path(setup, arena, setup->config.ca_file),
                                   .crl = TRUST_CRL_OFF};
    for (size_t i = 0; i < count; i++)
        partners[i] = trust_partner_of(setup, arena, &setup->partners.items[i]);
    return trust_new_after(partners, count, &issuer, before == NULL ? NULL : context_trust(before),
                           findings);
}

static bool was_changed(const struct setup *before, const struct partner *partner,
                        struct arena *arena)
{
    const struct partner *old = folder_partner(&before->partners, partner->name);
    return old != NULL && strcmp(partner_write(arena, old), partner_write(arena, partner)) != 0;
}

void tls_keep_partners(struct setup *setup, const struct setup *before,
                       struct finding_list *findings)
{
    for (size_t i = 0; i < setup->partners.count; i++) {
        struct arena arena = ARENA_EMPTY;
        size_t faults = findings->count;
        const struct partner *partner = &setup->partners.items[i];
        if (was_changed(before, partner, &arena)) {
            const struct trust_partner alone = trust_partner_of(setup, findings->arena, partner);
            trust_release(trust_new(&alone, 1, NULL, findings));
        }
        if (findings->count > faults)
            setup_keep_partner(setup, i, before);
        arena_free(&arena);
    }
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

/* Our own key and certificate; at a reload those in use, while the files are faulty, or hold a
 * certificate that has run out and the one in use has not. */
static struct identity *identity_of(const struct identity_files *files,
                                    const struct context *before, struct finding_list *warnings,
                                    struct finding_list *findings)
{
    struct finding_list found = finding_list_new(findings->arena);
    struct identity *identity = identity_load(files, &found);
    bool is_worse = found.count > 0 && before != NULL &&
                    identity_not_after(context_identity(before)) > time(NULL);
    for (size_t i = 0; i < found.count; i++)
        finding_add(identity == NULL || is_worse ? findings : warnings, found.items[i]);
    if (before == NULL || (identity != NULL && !is_worse))
        return identity;
    if (identity != NULL)
        identity_release(identity);
    return identity_hold(context_identity(before));
}

static struct context *make_context(const struct setup *setup, const struct identity_files *files,
                                    const struct context *before, struct finding_list *warnings,
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
                                      .before = before,
                                      .atna_compat = config->atna_compat};
    struct identity *identity = identity_of(files, before, warnings, findings);
    struct trust *trust = trust_of(setup, &arena, before, findings);
    if (identity != NULL)
        context = context_new(identity, trust, &options, findings);
    if (identity != NULL && context == NULL && before != NULL)
        context = context_new(context_identity(before), trust, &options, findings);
    if (identity != NULL)
        identity_release(identity);
    trust_release(trust);
    arena_free(&arena);
    return context;
}

struct context *tls_context_after(const struct setup *setup, const struct context *before,
                                  struct finding_list *warnings, struct finding_list *findings)
{
    struct identity_files files = tls_identity_files(setup, findings->arena);
    return make_context(setup, &files, before, warnings, findings);
}

struct context *tls_context_with(const struct setup *setup, const struct identity_files *files,
                                 struct finding_list *findings)
{
    return make_context(setup, files, NULL, findings, findings);
}
