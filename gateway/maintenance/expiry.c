/* expiry: see maintenance/expiry.h. What runs out; the files are in maintenance/expiry_files.c. */
#include "gateway/maintenance/expiry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "certs/io/certificate.h"
#include "gateway/runtime/file.h"

enum { DAY_S = 86400, SERVED_TEXT_MAX = 1 << 20 };

static const int steps[] = {60, 30, 14, 7, 1};
enum { STEPS = sizeof steps / sizeof *steps };

/* ---- as served ---- */

struct served {
    struct served *next;
    int64_t not_after, seen;
    char partner[TRUST_NAME_MAX + 1];
};

struct watch_served {
    pthread_mutex_t lock;
    struct served *first;
};

struct watch_served *watch_served_new(void)
{
    struct watch_served *served = calloc(1, sizeof *served);
    if (served != NULL)
        pthread_mutex_init(&served->lock, NULL);
    return served;
}

void watch_served_free(struct watch_served *served)
{
    if (served == NULL)
        return;
    while (served->first != NULL) {
        struct served *next = served->first->next;
        free(served->first);
        served->first = next;
    }
    pthread_mutex_destroy(&served->lock);
    free(served);
}

/* Found, or made; with the lock held. NULL without memory. */
static struct served *served_of(struct watch_served *served, const char *partner)
{
    for (struct served *at = served->first; at != NULL; at = at->next) {
        if (strcmp(at->partner, partner) == 0)
            return at;
    }
    struct served *fresh = strlen(partner) > TRUST_NAME_MAX ? NULL : calloc(1, sizeof *fresh);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh->partner, partner, strlen(partner) + 1);
    fresh->next = served->first;
    served->first = fresh;
    return fresh;
}

bool watch_served_note(struct watch_served *served, const char *partner, int64_t not_after,
                       int64_t now)
{
    pthread_mutex_lock(&served->lock);
    struct served *at = served_of(served, partner);
    bool is_other = at != NULL && at->not_after != not_after;
    if (at != NULL) {
        at->not_after = not_after;
        at->seen = now;
    }
    pthread_mutex_unlock(&served->lock);
    return is_other;
}

const char *watch_served_write(struct watch_served *served, struct arena *arena)
{
    struct text text = text_new(arena, SERVED_TEXT_MAX);
    text_add(&text, "partner,not_after,seen\n");
    pthread_mutex_lock(&served->lock);
    for (const struct served *at = served->first; at != NULL; at = at->next)
        text_print(&text, "%s,%lld,%lld\n", at->partner, (long long)at->not_after,
                   (long long)at->seen);
    pthread_mutex_unlock(&served->lock);
    return text.at;
}

void watch_served_read(struct watch_served *served, const char *text)
{
    char partner[TRUST_NAME_MAX + 1];
    while ((text = strchr(text, '\n')) != NULL && *++text != '\0') {
        size_t length = strcspn(text, ",\n");
        char *end;
        if (text[length] != ',' || length > TRUST_NAME_MAX)
            continue;
        memcpy(partner, text, length);
        partner[length] = '\0';
        long long not_after = strtoll(text + length + 1, &end, 10);
        if (*end == ',')
            watch_served_note(served, partner, not_after, strtoll(end + 1, NULL, 10));
    }
}

static const char *served_path(const struct setup *setup, struct arena *arena)
{
    return setup_path(setup, arena, "served.csv");
}

struct watch_served *watch_served_load(const struct setup *setup)
{
    struct arena arena = ARENA_EMPTY;
    struct finding_list ignored = finding_list_new(&arena);
    struct watch_served *served = watch_served_new();
    size_t length;
    const char *path = served_path(setup, &arena);
    const char *text =
        file_exists(path) ? file_read(&arena, path, SERVED_TEXT_MAX, &length, &ignored) : NULL;
    if (served != NULL && text != NULL)
        watch_served_read(served, text);
    arena_free(&arena);
    return served;
}

void watch_served_save(struct watch_served *served, const struct setup *setup)
{
    struct arena arena = ARENA_EMPTY;
    const char *text = watch_served_write(served, &arena);
    file_replace(served_path(setup, &arena), text, strlen(text), 0600);
    arena_free(&arena);
}

/* ---- all terms ---- */

static size_t add_served(const struct setup *setup, struct watch_served *served,
                         struct arena *arena, struct watch_term *terms)
{
    size_t count = 0;
    pthread_mutex_lock(&served->lock);
    for (const struct served *at = served->first; at != NULL; at = at->next) {
        if (folder_partner(&setup->partners, at->partner) == NULL || count == setup->partners.count)
            continue;
        terms[count++] = (struct watch_term){.kind = WATCH_SERVED,
                                             .partner = arena_copy(arena, at->partner),
                                             .until = at->not_after};
    }
    pthread_mutex_unlock(&served->lock);
    return count;
}

size_t watch_terms(const struct setup *setup, const struct context *context,
                   struct watch_served *served, struct arena *arena, struct watch_term **ret_terms)
{
    const struct identity *identity = context_identity(context);
    struct certificate ours = identity_certificate(identity, arena);
    struct trust_term *trusted;
    size_t trusted_count = trust_terms(context_trust(context), arena, &trusted);
    struct watch_term *terms =
        arena_array(arena, trusted_count + setup->partners.count + 2, sizeof *terms);
    size_t count = 0;
    terms[count++] = (struct watch_term){
        .kind = WATCH_CERTIFICATE, .since = ours.not_before, .until = identity_not_after(identity)};
    struct watch_term staple = {.kind = WATCH_STAPLE};
    if (context_staple_times(context, &staple.since, &staple.until))
        terms[count++] = staple;
    for (size_t i = 0; i < trusted_count; i++)
        terms[count++] =
            (struct watch_term){.kind = strcmp(trusted[i].what, "crl") == 0 ? WATCH_CRL : WATCH_CA,
                                .partner = trusted[i].partner,
                                .name = trusted[i].issuer,
                                .since = trusted[i].since,
                                .until = trusted[i].until};
    if (served != NULL)
        count += add_served(setup, served, arena, terms + count);
    *ret_terms = terms;
    return count;
}

int watch_step(const struct watch_term *term, int64_t now)
{
    int64_t left = term->until - now;
    int passed = -1;
    if (left <= 0)
        return 0;
    for (size_t i = 0; i < STEPS; i++) {
        int64_t step = (int64_t)steps[i] * DAY_S;
        bool counts = term->since == 0 || step * 2 <= term->until - term->since;
        if (counts && left <= step)
            passed = steps[i];
    }
    return passed;
}

const char *watch_kind_name(enum watch_kind kind)
{
    static const char *const names[] = {[WATCH_CERTIFICATE] = "certificate",
                                        [WATCH_STAPLE] = "staple",
                                        [WATCH_SERVED] = "served",
                                        [WATCH_CA] = "ca",
                                        [WATCH_CRL] = "crl"};
    return names[kind];
}

static const char *subject_of(struct arena *arena, const struct watch_term *term)
{
    const char *whose = term->partner;
    switch (term->kind) {
    case WATCH_CERTIFICATE:
        return "our certificate";
    case WATCH_STAPLE:
        return "the OCSP answer in staple_file";
    case WATCH_SERVED:
        return arena_print(arena, "the certificate that partner %s shows", whose);
    case WATCH_CA:
        return whose == NULL ? arena_print(arena, "the CA that issued ours (%s)", term->name)
                             : arena_print(arena, "the CA of partner %s (%s)", whose, term->name);
    default:
        return arena_print(arena, "the revocation list of %s for partner %s", term->name,
                           whose == NULL ? "ourselves" : whose);
    }
}

static const char *advice_on(const struct watch_term *term)
{
    if (term->kind == WATCH_CERTIFICATE)
        return "renew it: refgate cert renew, or cert request and cert install";
    if (term->kind == WATCH_STAPLE)
        return "fetch a new one: without it, partners that require one send nothing";
    if (term->kind == WATCH_CRL)
        return "get the new list from the CA: without it the partner is refused when crl_policy is "
               "hard";
    if (term->partner == NULL)
        return "get a certificate from the CA's successor, and give its certificate to the "
               "partners "
               "in time";
    return term->kind == WATCH_CA ? "ask the partner for the new CA certificate"
                                  : "ask the partner to renew it";
}

const char *watch_say(struct arena *arena, const struct watch_term *term, int64_t now)
{
    int days = certificate_days_left(term->until, now);
    const char *subject = subject_of(arena, term);
    const char *date = clock_date(arena, term->until * 1000);
    if (term->until <= now)
        return arena_print(arena, "%s ran out on %s; %s", subject, date, advice_on(term));
    return arena_print(arena, "%s runs out in %d %s (%s); %s", subject, days,
                       days == 1 ? "day" : "days", date, advice_on(term));
}

/* ---- what was told ---- */

struct told {
    struct told *next;
    enum watch_kind kind;
    int64_t until;
    int step;
    char *partner, *name; /* NULL: none */
};

struct watch_told {
    struct told *first;
};

struct watch_told *watch_told_new(void)
{
    return calloc(1, sizeof(struct watch_told));
}

static void free_told(struct told *told)
{
    free(told->partner);
    free(told->name);
    free(told);
}

void watch_told_free(struct watch_told *told)
{
    while (told != NULL && told->first != NULL) {
        struct told *next = told->first->next;
        free_told(told->first);
        told->first = next;
    }
    free(told);
}

static bool is_of(const struct told *told, const struct watch_term *term)
{
    return told->kind == term->kind && text_equal(told->partner, term->partner) &&
           text_equal(told->name, term->name);
}

static char *duplicate(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

bool watch_is_news(struct watch_told *told, const struct watch_term *term, int step)
{
    struct told *at = told->first;
    while (at != NULL && !is_of(at, term))
        at = at->next;
    if (at != NULL && at->until == term->until && at->step == step)
        return false;
    if (at == NULL) {
        at = calloc(1, sizeof *at);
        if (at == NULL)
            return step >= 0;
        at->kind = term->kind;
        at->partner = duplicate(term->partner);
        at->name = duplicate(term->name);
        at->next = told->first;
        told->first = at;
    }
    at->until = term->until;
    at->step = step;
    return step >= 0;
}
