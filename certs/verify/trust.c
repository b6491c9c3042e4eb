/* trust: see trust.h. Pins and names of all partners are sorted once, so that a handshake finds its
 * partner by two binary searches however many partners there are; partners with the same CA and
 * lists share them. */
#include "certs/verify/trust.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "certs/io/certificate.h"
#include "certs/io/io.h"
#include "certs/verify/trust_internal.h"

enum { PIN_BASE64 = 44 };

static void fault(struct finding_list *findings, const struct trust_partner *partner,
                  const char *path, const char *found, const char *expected)
{
    const char *name = partner->name == NULL ? "our own issuer" : partner->name;
    struct arena *arena = findings->arena;
    finding_add(findings, (struct finding){.path = arena_print(arena, "%s.%s", name, path),
                                           .found = found,
                                           .expected = expected});
}

static bool read_pin(const char *text, unsigned char ret_digest[DIGEST_SHA256_BYTES])
{
    unsigned char decoded[PIN_BASE64 / 4 * 3 + 1];
    if (strncmp(text, "sha256//", 8) == 0)
        text += 8;
    if (strlen(text) != PIN_BASE64 || text[PIN_BASE64 - 1] != '=' || text[PIN_BASE64 - 2] == '=' ||
        EVP_DecodeBlock(decoded, (const unsigned char *)text, PIN_BASE64) != sizeof decoded - 1)
        return false;
    memcpy(ret_digest, decoded, DIGEST_SHA256_BYTES);
    return true;
}

static void add_pins(struct trust *trust, const struct trust_partner *from, int at,
                     struct finding_list *findings)
{
    for (size_t i = 0; i < from->pin_count; i++) {
        struct pin *pin = &trust->pins[trust->pin_count];
        pin->partner = at;
        if (read_pin(from->pins[i], pin->digest))
            trust->pin_count++;
        else
            fault(
                findings, from, "pins", arena_copy(findings->arena, from->pins[i]),
                "44 characters of base64: the SHA-256 of the public key, as `cert show` prints it");
    }
}

static void lower(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
    }
}

static bool looks_like_ip(const char *text)
{
    return strspn(text, "0123456789.") == strlen(text);
}

static bool read_san(struct trust *trust, const char *text, struct san *ret_san)
{
    bool is_dns = strncmp(text, "DNS:", 4) == 0;
    bool is_uri = strncmp(text, "URI:", 4) == 0;
    if (is_dns || is_uri)
        text += 4;
    else
        is_uri = strchr(text, ':') != NULL;
    if (!names_is_clean(text) || (!is_uri && looks_like_ip(text)))
        return false;
    char *copy = arena_copy(&trust->arena, text);
    if (!is_uri)
        lower(copy);
    ret_san->kind = is_uri ? SAN_URI : SAN_DNS;
    ret_san->text = copy;
    return true;
}

static void add_sans(struct trust *trust, const struct trust_partner *from, int at,
                     struct finding_list *findings)
{
    for (size_t i = 0; i < from->san_count; i++) {
        struct san *san = &trust->sans[trust->san_count];
        san->partner = at;
        if (read_san(trust, from->sans[i], san))
            trust->san_count++;
        else
            fault(findings, from, "san", arena_copy(findings->arena, from->sans[i]),
                  "a whole URI or DNS name: no wild card, no blank, no IP address");
    }
}

/* What an earlier generation holds of the partner, or of our own issuer (NAME NULL). */
static const struct anchors *anchors_before(const struct trust *before, const char *name)
{
    int at = name == NULL ? -1 : trust_find(before, name);
    if (name != NULL)
        return at < 0 ? NULL : before->partners[at].anchors;
    for (size_t i = 0; i < before->anchors_count; i++) {
        if (before->anchors_owner[i] == NULL)
            return before->anchors[i];
    }
    return NULL;
}

static const struct anchors *share_anchors(struct trust *trust, const struct trust_partner *from,
                                           struct finding_list *findings)
{
    size_t faults = findings->count;
    struct anchors *fresh = anchors_new(from, findings);
    const struct anchors *kept = findings->count > faults && trust->before != NULL
                                     ? anchors_before(trust->before, from->name)
                                     : NULL;
    if (kept != NULL)
        anchors_keep(fresh, kept);
    for (size_t i = 0; i < trust->anchors_count; i++) {
        if (memcmp(trust->anchors[i]->content, fresh->content, sizeof fresh->content) != 0)
            continue;
        anchors_free(fresh);
        return trust->anchors[i];
    }
    trust->anchors_owner[trust->anchors_count] = arena_copy(&trust->arena, from->name);
    trust->anchors[trust->anchors_count++] = fresh;
    return fresh;
}

static void check_partner(const struct trust_partner *from, struct finding_list *findings)
{
    bool has_ca = from->ca_file != NULL || from->ca_pem != NULL;
    size_t length = from->name == NULL ? 0 : strlen(from->name);
    if (length == 0 || length > TRUST_NAME_MAX)
        fault(findings, from, "name", "a name that is missing or too long", "1 to 64 characters");
    if (from->pin_count == 0 && from->san_count == 0)
        fault(findings, from, "san", "neither a name nor a pin",
              "a san (URI or DNS name) or a pin, by which the partner is known");
    if (from->pin_count == 0 && !has_ca)
        fault(findings, from, "ca", "neither a CA nor a pin", "the CA of the partner, or a pin");
    if (!has_ca && from->crl_count > 0)
        fault(findings, from, "crl", "revocation lists without a CA",
              "the CA that publishes them; a partner known by its pin alone has none");
    if (from->crl == TRUST_CRL_HARD && from->crl_count == 0)
        fault(findings, from, "crl", "the policy hard without any revocation list",
              "the list of each CA in the chain; until then the partner is refused");
}

static void add_partner(struct trust *trust, const struct trust_partner *from,
                        struct finding_list *findings)
{
    struct partner *partner = &trust->partners[trust->count];
    bool has_ca = from->ca_file != NULL || from->ca_pem != NULL;
    partner->name = arena_copy(&trust->arena, from->name == NULL ? "" : from->name);
    partner->has_pins = from->pin_count > 0;
    partner->has_sans = from->san_count > 0;
    partner->disabled = from->disabled;
    partner->staple = from->staple;
    check_partner(from, findings);
    if (partner->name[0] == '\0' || strlen(partner->name) > TRUST_NAME_MAX)
        partner->disabled = true; /* answers carry the name: a cut one could be another's */
    /* A partner without any pin must never be judged by pins alone: it gets anchors, if empty ones.
     */
    if (has_ca || !partner->has_pins)
        partner->anchors = share_anchors(trust, from, findings);
    add_pins(trust, from, trust->count, findings);
    add_sans(trust, from, trust->count, findings);
    trust->count++;
}

static int compare_pins(const void *one, const void *other)
{
    const struct pin *left = one;
    const struct pin *right = other;
    return memcmp(left->digest, right->digest, sizeof left->digest);
}

static int compare_sans(const void *one, const void *other)
{
    const struct san *left = one;
    const struct san *right = other;
    return left->kind != right->kind ? (int)left->kind - (int)right->kind
                                     : strcmp(left->text, right->text);
}

static int compare_names(const void *one, const void *other)
{
    return strcmp(((const struct named *)one)->name, ((const struct named *)other)->name);
}

static void report_double(const struct trust *trust, int one, int other, const char *what,
                          struct finding_list *findings)
{
    const char *first = trust->partners[one].name;
    const char *second = trust->partners[other].name;
    struct arena *arena = findings->arena;
    finding_add(findings,
                (struct finding){.path = arena_print(arena, "%s.%s", second, what),
                                 .found = arena_print(arena, "a %s that %s has too", what, first),
                                 .expected = "one of its own; until then both are refused"});
}

static void find_doubles(struct trust *trust, struct finding_list *findings)
{
    for (size_t i = 1; i < trust->pin_count; i++) {
        const struct pin *pin = &trust->pins[i];
        if (compare_pins(pin - 1, pin) == 0 && pin[-1].partner != pin->partner)
            report_double(trust, pin[-1].partner, pin->partner, "pin", findings);
    }
    for (size_t i = 1; i < trust->san_count; i++) {
        const struct san *san = &trust->sans[i];
        if (compare_sans(san - 1, san) == 0 && san[-1].partner != san->partner)
            report_double(trust, san[-1].partner, san->partner, "san", findings);
    }
    for (int i = 1; i < trust->count; i++) {
        const struct named *named = &trust->by_name[i];
        if (compare_names(named - 1, named) != 0)
            continue;
        report_double(trust, named[-1].partner, named->partner, "name", findings);
        trust->partners[named[-1].partner].disabled = true;
        trust->partners[named->partner].disabled = true;
    }
}

static void make_room(struct trust *trust, const struct trust_partner *partners, size_t count)
{
    size_t pins = 0;
    size_t sans = 0;
    for (size_t i = 0; i < count; i++) {
        pins += partners[i].pin_count;
        sans += partners[i].san_count;
    }
    trust->partners = arena_array(&trust->arena, count, sizeof *trust->partners);
    trust->by_name = arena_array(&trust->arena, count, sizeof *trust->by_name);
    trust->pins = arena_array(&trust->arena, pins, sizeof *trust->pins);
    trust->sans = arena_array(&trust->arena, sans, sizeof *trust->sans);
    trust->anchors = arena_array(&trust->arena, count + 1, sizeof *trust->anchors);
    trust->anchors_owner = arena_array(&trust->arena, count + 1, sizeof *trust->anchors_owner);
}

struct trust *trust_new(const struct trust_partner *partners, size_t count,
                        const struct trust_partner *issuer, struct finding_list *findings)
{
    return trust_new_after(partners, count, issuer, NULL, findings);
}

struct trust *trust_new_after(const struct trust_partner *partners, size_t count,
                              const struct trust_partner *issuer, const struct trust *before,
                              struct finding_list *findings)
{
    struct trust *trust = calloc(1, sizeof *trust);
    if (trust == NULL)
        abort(); /* as the arena */
    atomic_init(&trust->holders, 1);
    trust->before = before;
    if (count > TRUST_PARTNERS_MAX) {
        finding_add(findings, (struct finding){.path = "partners",
                                               .found = "too many partners",
                                               .expected = "at most 10000; the rest is refused"});
        count = TRUST_PARTNERS_MAX;
    }
    make_room(trust, partners, count);
    for (size_t i = 0; i < count; i++)
        add_partner(trust, &partners[i], findings);
    if (issuer != NULL)
        share_anchors(trust, issuer, findings);
    for (int i = 0; i < trust->count; i++)
        trust->by_name[i] = (struct named){trust->partners[i].name, i};
    qsort(trust->by_name, (size_t)trust->count, sizeof *trust->by_name, compare_names);
    qsort(trust->pins, trust->pin_count, sizeof *trust->pins, compare_pins);
    qsort(trust->sans, trust->san_count, sizeof *trust->sans, compare_sans);
    find_doubles(trust, findings);
    trust->before = NULL;
    return trust;
}

struct trust *trust_hold(struct trust *trust)
{
    atomic_fetch_add_explicit(&trust->holders, 1, memory_order_relaxed);
    return trust;
}

void trust_release(struct trust *trust)
{
    if (trust == NULL || atomic_fetch_sub_explicit(&trust->holders, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < trust->anchors_count; i++)
        anchors_free(trust->anchors[i]);
    arena_free(&trust->arena);
    free(trust);
}

/* All items equal to WANTED in a sorted array: their number and the index of the first. */
static size_t find_range(const void *wanted, const void *items, size_t count, size_t size,
                         int (*compare)(const void *, const void *), size_t *ret_first)
{
    const char *base = items;
    const char *hit = bsearch(wanted, items, count, size, compare);
    if (hit == NULL)
        return 0;
    size_t first = (size_t)(hit - base) / size;
    size_t end = first + 1;
    while (first > 0 && compare(base + (first - 1) * size, wanted) == 0)
        first--;
    while (end < count && compare(base + end * size, wanted) == 0)
        end++;
    *ret_first = first;
    return end - first;
}

size_t trust_pins(const struct trust *trust, const unsigned char digest[DIGEST_SHA256_BYTES],
                  size_t *ret_first)
{
    struct pin wanted = {.partner = -1};
    memcpy(wanted.digest, digest, sizeof wanted.digest);
    return find_range(&wanted, trust->pins, trust->pin_count, sizeof wanted, compare_pins,
                      ret_first);
}

size_t trust_sans(const struct trust *trust, enum san_kind kind, const char *text,
                  size_t *ret_first)
{
    struct san wanted = {kind, text, -1};
    return find_range(&wanted, trust->sans, trust->san_count, sizeof wanted, compare_sans,
                      ret_first);
}

int trust_find(const struct trust *trust, const char *name)
{
    struct named wanted = {name, -1};
    const struct named *hit =
        bsearch(&wanted, trust->by_name, (size_t)trust->count, sizeof wanted, compare_names);
    return hit == NULL ? -1 : hit->partner;
}

static struct trust_term *add_terms(const struct anchors *anchors, const char *owner,
                                    struct arena *arena, struct trust_term *at)
{
    for (int i = 0; i < sk_X509_num(anchors->certificates); i++) {
        struct certificate facts;
        certificate_describe(arena, sk_X509_value(anchors->certificates, i), &facts);
        *at++ = (struct trust_term){owner, "ca", facts.subject, facts.not_before, facts.not_after};
    }
    for (size_t i = 0; i < anchors->revoke.count; i++, at++) {
        *at = (struct trust_term){.partner = owner, .what = "crl"};
        at->issuer = certificate_name(arena, revoke_issuer(&anchors->revoke, i));
        revoke_times(&anchors->revoke, i, &at->since, &at->until);
    }
    return at;
}

size_t trust_terms(const struct trust *trust, struct arena *arena, struct trust_term **ret_terms)
{
    size_t count = 0;
    for (size_t i = 0; i < trust->anchors_count; i++)
        count +=
            (size_t)sk_X509_num(trust->anchors[i]->certificates) + trust->anchors[i]->revoke.count;
    struct trust_term *terms = arena_array(arena, count, sizeof *terms);
    struct trust_term *at = terms;
    for (size_t i = 0; i < trust->anchors_count; i++)
        at = add_terms(trust->anchors[i], arena_copy(arena, trust->anchors_owner[i]), arena, at);
    *ret_terms = terms;
    return count;
}
