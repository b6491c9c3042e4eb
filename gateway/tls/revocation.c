/* revocation: fetches the lists of partners' CAs and keeps them beside their files. See
 * revocation.h. Blocking: on a pool thread, or in a command. */
#include "gateway/tls/revocation.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "certs/verify/verify.h"
#include "gateway/runtime/file.h"
#include "gateway/tls/fetch.h"

enum { LIST_BYTES_MAX = 16 << 20, DAY_S = 86400 };

const char *revocation_path(const struct setup *setup, struct arena *arena,
                            const struct partner *partner)
{
    if (partner->crl_url[0] == '\0')
        return NULL;
    return setup_path(setup, arena, arena_print(arena, "partners/%s.fetched.crl", partner->name));
}

/* A list whose issuer stands in ca_file had its signature checked when it was loaded. */
static bool is_of_known_ca(const struct trust_term *list, const struct trust_term *terms,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(terms[i].what, "ca") == 0 && text_equal(terms[i].issuer, list->issuer))
            return true;
    }
    return false;
}

/* The times of the list in FILE when it is signed by the partner's CA; else false. */
static bool read_list(const struct setup *setup, const struct partner *partner, const char *file,
                      struct finding_list *findings, struct trust_term *ret_term)
{
    struct arena *arena = findings->arena;
    size_t before = findings->count;
    const struct trust_partner alone = {.name = partner->name,
                                        .ca_file = setup_path(setup, arena, partner->ca_file),
                                        .sans = partner->san.items,
                                        .san_count = partner->san.count,
                                        .pins = partner->pins.items,
                                        .pin_count = partner->pins.count,
                                        .crl_files = &file,
                                        .crl_count = 1,
                                        .crl = TRUST_CRL_SOFT};
    struct trust *trust = trust_new(&alone, 1, NULL, findings);
    struct trust_term *terms;
    size_t count = trust_terms(trust, arena, &terms);
    bool is_found = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(terms[i].what, "crl") == 0 && is_of_known_ca(&terms[i], terms, count)) {
            *ret_term = terms[i];
            is_found = true;
        }
    }
    trust_release(trust);
    return is_found && findings->count == before;
}

int64_t revocation_due(const struct setup *setup, const struct partner *partner)
{
    struct arena arena = ARENA_EMPTY;
    struct finding_list ignored = finding_list_new(&arena);
    const char *file = revocation_path(setup, &arena, partner);
    struct trust_term term;
    int64_t due = 0;
    if (file_exists(file) && read_list(setup, partner, file, &ignored, &term)) {
        int64_t half = (term.until - term.since) / 2;
        due = term.since + (half < DAY_S ? half : DAY_S);
    }
    arena_free(&arena);
    return due;
}

static bool fail(const struct partner *partner, const char *found, struct finding_list *findings)
{
    struct arena *arena = findings->arena;
    finding_add(findings, (struct finding){
                              .file = arena_print(arena, "partners/%s.yaml", partner->name),
                              .path = "crl_url",
                              .found = found,
                              .expected = "a current revocation list signed by the partner's CA; "
                                          "until there is one the partner is refused, unless "
                                          "crl_policy is soft or off"});
    return false;
}

/* The list in FRESH takes the place of the one in FILE, if it is newer. */
static bool keep(const struct setup *setup, const struct partner *partner, const char *fresh,
                 const char *file, struct finding_list *findings, bool *ret_changed)
{
    struct arena *arena = findings->arena;
    struct finding_list ignored = finding_list_new(arena);
    struct trust_term now;
    struct trust_term before;
    if (!read_list(setup, partner, fresh, findings, &now))
        return fail(partner,
                    arena_print(arena, "no list of this partner's CA at %s", partner->crl_url),
                    findings);
    bool has_old = file_exists(file) && read_list(setup, partner, file, &ignored, &before);
    if (has_old && now.since < before.since)
        return fail(partner, "a list that is older than the one we have", findings);
    *ret_changed = !has_old || now.since > before.since;
    if (!*ret_changed || file_move(fresh, file))
        return true;
    return fail(partner, arena_copy(arena, strerror(errno)), findings);
}

bool revocation_fetch(const struct setup *setup, const struct partner *partner,
                      struct finding_list *findings, bool *ret_changed)
{
    struct arena *arena = findings->arena;
    const char *why = NULL;
    size_t length = 0;
    const char *file = revocation_path(setup, arena, partner);
    const char *fresh =
        setup_path(setup, arena, arena_print(arena, "partners/.%s.fetched.crl", partner->name));
    *ret_changed = false;
    char *bytes = fetch_file(arena, partner->crl_url, LIST_BYTES_MAX, &length, &why);
    if (bytes == NULL)
        return fail(partner, arena_print(arena, "%s: %s", partner->crl_url, why), findings);
    if (!file_replace(fresh, bytes, length, 0644))
        return fail(partner, arena_copy(arena, strerror(errno)), findings);
    bool done = keep(setup, partner, fresh, file, findings, ret_changed);
    unlink(fresh);
    return done;
}

/* Whoever is switched off now must not wait for the server of another partner's list. */
static bool is_switching_off(const struct setup *setup, const struct setup *before)
{
    for (size_t i = 0; before != NULL && i < setup->partners.count; i++) {
        const struct partner *partner = &setup->partners.items[i];
        const struct partner *old = folder_partner(&before->partners, partner->name);
        if (partner->disabled && old != NULL && !old->disabled)
            return true;
    }
    return false;
}

void revocation_fetch_missing(const struct setup *setup, const struct setup *before,
                              struct finding_list *findings)
{
    if (is_switching_off(setup, before))
        return; /* the schedule fetches it */
    for (size_t i = 0; i < setup->partners.count; i++) {
        const struct partner *partner = &setup->partners.items[i];
        const char *file = revocation_path(setup, findings->arena, partner);
        bool is_changed;
        if (file != NULL && !file_exists(file) && partner->crl_policy != PARTNER_CRL_OFF)
            revocation_fetch(setup, partner, findings, &is_changed);
    }
}
