/* health_trust: certificates, ours and the partners', as filed here and as the partners show them
 * now. See health.h. */
#include <string.h>

#include "certs/io/certificate.h"
#include "certs/issue/authority.h"
#include "certs/issue/install.h"
#include "gateway/commands/health.h"
#include "gateway/maintenance/expiry.h"
#include "gateway/probe/probe.h"
#include "gateway/probe/reach.h"
#include "gateway/tls/own_ca.h"
#include "gateway/tls/tls.h"

enum { REACH_MS = 2000, ASK_MS = 5000, SOON_DAYS = 14, DAYS_BY_PROGRAM = 2 };

/* ---- what runs out ---- */

/* A certificate that was made for a short time passes its last steps late, or never; one of a day
 * or two is renewed by a program. */
static bool is_soon(const struct watch_term *term, int64_t now)
{
    return term->kind != WATCH_CRL && term->kind != WATCH_STAPLE &&
           term->until - term->since > DAYS_BY_PROGRAM * 86400LL &&
           certificate_days_left(term->until, now) < SOON_DAYS;
}

static void look_at_terms(struct health *health, const struct context *context)
{
    struct watch_term *terms;
    struct watch_served *served = watch_served_load(health->setup);
    int64_t now = health->now_ms / 1000;
    size_t count = watch_terms(health->setup, context, served, health->arena, &terms);
    for (size_t i = 0; i < count; i++) {
        if (watch_step(&terms[i], now) < 0 && !is_soon(&terms[i], now))
            continue;
        int *days = arena_alloc(health->arena, sizeof *days);
        *days = certificate_days_left(terms[i].until, now);
        health_add(health, HEALTH_WARNING, watch_kind_name(terms[i].kind),
                   terms[i].partner == NULL ? "ourselves" : terms[i].partner,
                   watch_say(health->arena, &terms[i], now));
        health->items[health->count - 1].days_left = days;
    }
    watch_served_free(served);
}

/* ---- our own certificate, as partners will judge it ---- */

static bool is_revoked(const struct health *health)
{
    const struct setup *setup = health->setup;
    struct arena *arena = health->arena;
    size_t room = 1 + setup->partners.count * 8;
    const char **lists = arena_array(arena, room, sizeof *lists);
    size_t count = 0;
    lists[count++] = setup_path(setup, arena, "ca/ca.crl");
    for (size_t i = 0; i < setup->partners.count; i++) {
        const char *const *files;
        size_t more = tls_list_files(setup, arena, &setup->partners.items[i], &files);
        for (size_t k = 0; k < more && count < room; k++)
            lists[count++] = files[k];
    }
    return own_is_revoked(setup_path(setup, arena, setup->config.cert_file),
                          setup_path(setup, arena, setup->config.ca_file), lists, count,
                          health->now_ms / 1000);
}

static void look_for_revocation(struct health *health)
{
    if (is_revoked(health))
        health_add(health, HEALTH_WARNING, "certificate-revoked", NULL,
                   "our certificate was revoked: partners that have the list refuse it. Make a new "
                   "one: refgate cert renew --new-key, or cert request and cert install");
}

static const char *all_names(struct arena *arena, const struct certificate *ours)
{
    struct text names = text_new(arena, 64 * 1024);
    for (size_t i = 0; i < ours->name_count; i++)
        text_print(&names, "%s%s", i == 0 ? "" : ", ", ours->names[i]);
    return ours->name_count == 0 ? "no name at all (no subject alternative name)" : names.at;
}

/* Partners know us by our URN, unless the name of the host in our URL was agreed with them. */
static bool has_dns_name(const struct certificate *ours)
{
    for (size_t i = 0; i < ours->name_count; i++) {
        if (strncmp(ours->names[i], "DNS:", 4) == 0 &&
            !text_equal(ours->names[i], "DNS:localhost") && strchr(ours->names[i], '*') == NULL)
            return true;
    }
    return false;
}

static void look_at_names(struct health *health, const struct certificate *ours)
{
    struct arena *arena = health->arena;
    const struct config *config = &health->setup->config;
    const char *urn = arena_print(arena, "URI:urn:refgate:org:%s", config->org);
    for (size_t i = 0; i < ours->name_count; i++) {
        if (text_equal(ours->names[i], urn))
            return;
    }
    if (has_dns_name(ours))
        health_add(health, HEALTH_NOTE, "certificate-name", NULL,
                   arena_print(arena,
                               "%s: found %s and not %s: only partners whose url for us, or san, "
                               "has that name know us by it",
                               config->cert_file, all_names(arena, ours), urn + strlen("URI:")));
    else
        health_add(
            health, HEALTH_WARNING, "certificate-name", NULL,
            arena_print(arena,
                        "%s: found %s; expected %s, by which partners know us: they refuse it. "
                        "Make a new one: refgate cert renew --new-key, or cert request, let your "
                        "CA sign it with that name, and cert install",
                        config->cert_file, all_names(arena, ours), urn + strlen("URI:")));
}

static void look_at_chain(struct health *health, const struct context *context,
                          const struct certificate *ours)
{
    struct arena *arena = health->arena;
    const struct config *config = &health->setup->config;
    enum verdict verdict =
        install_chain(context_identity(context), setup_path(health->setup, arena, config->ca_file));
    if (verdict != VERDICT_admitted)
        health_add(health, HEALTH_WARNING, "certificate-chain", NULL,
                   arena_print(arena,
                               "%s: found a certificate issued by %s, which partners that have the "
                               "CA of %s refuse (%s); expected %s",
                               config->cert_file, ours->issuer, config->ca_file,
                               verdict_name(verdict), install_advice(verdict)));
}

static void look_at_own_certificate(struct health *health, const struct context *context)
{
    struct certificate ours = identity_certificate(context_identity(context), health->arena);
    int64_t now = health->now_ms / 1000;
    look_at_names(health, &ours);
    if (ours.not_before <= now && identity_not_after(context_identity(context)) > now &&
        ours.for_client && ours.for_server && !ours.is_ca)
        look_at_chain(health, context, &ours);
}

/* ---- what is filed of partners ---- */

/* "harbor", of the private CA that `refgate init` makes there; NULL: another CA. */
static const char *maker_of(struct arena *arena, const char *subject)
{
    static const char before[] = "CN=";
    static const char behind[] = " private CA,O=";
    const char *end = strstr(subject, behind);
    if (end == NULL || strncmp(subject, before, sizeof before - 1) != 0)
        return NULL;
    const char *name = subject + sizeof before - 1;
    const char *org = arena_copy_n(arena, name, (size_t)(end - name));
    return text_equal(end + sizeof behind - 1, org) ? org : NULL;
}

static bool is_known_as(struct arena *arena, const struct partner *partner, const char *org)
{
    const char *urn = arena_print(arena, "urn:refgate:org:%s", org);
    for (size_t i = 0; i < partner->san.count; i++) {
        if (strstr(partner->san.items[i], urn) != NULL)
            return true;
    }
    return text_equal(partner->name, org);
}

/* A private CA of one clinic in the file of another. */
static void look_at_ca_of(struct health *health, const struct partner *partner)
{
    struct arena *arena = health->arena;
    struct finding_list ignored = finding_list_new(arena);
    struct certificate *items;
    size_t count;
    const char *path = folder_path(arena, health->dir, partner->ca_file);
    const char *sentence = own_ca_sentence(health->dir, arena, partner);
    if (sentence != NULL) {
        health_add(health, HEALTH_WARNING, "own-ca", partner->name, sentence);
        return;
    }
    if (partner->ca_file[0] == '\0' || !certificate_read(arena, path, &ignored, &items, &count))
        return;
    const char *maker = maker_of(arena, items[0].subject);
    if (maker == NULL || is_known_as(arena, partner, maker) ||
        text_equal(maker, health->setup->config.org))
        return;
    health_add(health, HEALTH_WARNING, "foreign-ca", partner->name,
               arena_print(arena,
                           "%s is the CA of %s (%s), and the partner is %s: ask %s for its "
                           "keys/ca.crt and put it there; if it is right, write "
                           "urn:refgate:org:%s into san of partners/%s.yaml",
                           partner->ca_file, maker, items[0].subject, partner->name, partner->name,
                           maker, partner->name));
}

/* A certificate that fits two partners belongs to neither: both are refused when they call. */
static void look_for_twins(struct health *health, size_t at)
{
    const struct partner_list *all = &health->setup->partners;
    const struct partner *partner = &all->items[at];
    for (size_t i = 0; i < at; i++) {
        const char *sentence = partner_twin(health->arena, partner, &all->items[i]);
        if (sentence != NULL)
            health_add(health, HEALTH_WARNING, "partner-twice", partner->name, sentence);
    }
}

static void look_for_ourselves(struct health *health, const struct partner *partner)
{
    const char *org = health->setup->config.org;
    if (text_equal(partner->name, org))
        health_add(health, HEALTH_WARNING, "partner-ourselves", org,
                   arena_print(health->arena,
                               "partners/%s.yaml: found a partner with our own name (org in "
                               "settings.yaml); expected the partner's own: refgate partner "
                               "rename %s NEW, or correct org",
                               org, org));
}

void health_trust(struct health *health, const struct context *context)
{
    if (context != NULL) {
        look_at_own_certificate(health, context);
        look_at_terms(health, context);
    }
    look_for_revocation(health);
    for (size_t i = 0; i < health->setup->partners.count; i++) {
        look_at_ca_of(health, &health->setup->partners.items[i]);
        look_for_twins(health, i);
        look_for_ourselves(health, &health->setup->partners.items[i]);
    }
}

/* ---- what the partners show now ---- */

static void tell_down(struct health *health, const struct reach *reach)
{
    const char *name = reach->partner->name;
    if (!health_says(health, "partner-down", name))
        health_add(health, HEALTH_NOTE, "partner-down", name,
                   arena_print(health->arena,
                               "partner %s does not answer (%s): is its gateway running? See why: "
                               "refgate partner test %s",
                               name, reach->why, name));
}

static void tell_answer(struct health *health, const struct partner *partner,
                        const struct probe_step *step)
{
    if (step->state == PROBE_GOOD)
        return;
    bool is_refused = step->state == PROBE_FAILED;
    health_add(health, is_refused ? HEALTH_WARNING : HEALTH_NOTE,
               is_refused ? "partner-refused" : "partner-look", partner->name,
               arena_print(health->arena, "partner %s: %s: %s%s%s", partner->name, step->name,
                           step->said, step->advice == NULL ? "" : ": ",
                           step->advice == NULL ? "" : step->advice));
}

void health_partners(struct health *health, struct context *context, bool tells_down)
{
    struct arena *arena = health->arena;
    struct reach *reaches;
    size_t count = reach_all(arena, &health->setup->partners, REACH_MS, &reaches);
    const struct partner **there = arena_array(arena, count + 1, sizeof *there);
    struct probe_step *steps = arena_array(arena, count + 1, sizeof *steps);
    size_t there_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (reaches[i].why == NULL)
            there[there_count++] = reaches[i].partner;
        else if (tells_down)
            tell_down(health, &reaches[i]);
    }
    if (context == NULL)
        return;
    const struct probe_options options = {
        .setup = health->setup, .context = context, .arena = arena, .is_terse = true};
    probe_all(&options, there, there_count, ASK_MS, steps);
    health->has_asked = true;
    for (size_t i = 0; i < there_count; i++)
        tell_answer(health, there[i], &steps[i]);
}
