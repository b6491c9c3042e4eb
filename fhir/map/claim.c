/* claim: see map/claim.h. */
#include "fhir/map/claim.h"

#include <string.h>

#include "base/visible.h"

enum { SLUG_MAX = 32, KEY_MAX = 64 };

/* ---- texts that may be shown ---- */

/* Of nobody whom we know: joiners, too, only hide. */
static bool is_odd(unsigned point)
{
    return !visible_is_seen(point) || point == 0x200c || point == 0x200d;
}

/* At most CLAIM_TEXT_MAX bytes, in whole characters; NULL when nothing is left to read. */
static const char *clean(struct arena *arena, const char *text)
{
    struct text kept = text_new(arena, CLAIM_TEXT_MAX);
    while (text != NULL && *text != '\0') {
        const char *from = text;
        unsigned point = text_utf8_next(&text);
        size_t length = (size_t)(text - from);
        if (kept.length + length > CLAIM_TEXT_MAX)
            break;
        if (is_odd(point) || point == ' ')
            text_add_n(&kept, " ", kept.length > 0 && kept.at[kept.length - 1] != ' ');
        else
            text_add_n(&kept, from, length);
    }
    if (kept.length > 0 && kept.at[kept.length - 1] == ' ')
        kept.at[--kept.length] = '\0';
    return text_is_blank(kept.at) ? NULL : kept.at;
}

/* The name shown, else the parts of it. */
static const char *name_of(struct arena *arena, const struct json *row)
{
    const char *name = clean(arena, json_get_text(row, "name"));
    const char *given = clean(arena, json_get_text(row, "given_names"));
    const char *family = clean(arena, json_get_text(row, "family_name"));
    if (name != NULL || (given == NULL && family == NULL))
        return name;
    if (given == NULL || family == NULL)
        return given == NULL ? family : given;
    return clean(arena, arena_print(arena, "%s %s", given, family));
}

/* ---- keys ---- */

/* ASCII letter for the Latin letters U+00C0 to U+017F, else '-'. */
static char plain_letter(unsigned point)
{
    static const char latin[] =
        "aaaaaaaceeeeiiiidnooooo-ouuuuytsaaaaaaaceeeeiiiidnooooo-ouuuuyty"
        "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllln"
        "nnnnnnnnooooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
    if (point >= 'A' && point <= 'Z')
        return (char)(point - 'A' + 'a');
    if ((point >= 'a' && point <= 'z') || (point >= '0' && point <= '9'))
        return (char)point;
    if (point >= 0xc0 && point < 0xc0 + sizeof latin - 1)
        return latin[point - 0xc0];
    return '-';
}

/* The start of a name in letters that a terminal and a file name take. */
static const char *slug_of(struct arena *arena, const char *name)
{
    struct text slug = text_new(arena, SLUG_MAX);
    while (name != NULL && *name != '\0' && slug.length < SLUG_MAX) {
        char letter = plain_letter(text_utf8_next(&name));
        if (letter != '-' || (slug.length > 0 && slug.at[slug.length - 1] != '-'))
            text_add_char(&slug, letter);
    }
    while (slug.length > 0 && slug.at[slug.length - 1] == '-')
        slug.at[--slug.length] = '\0';
    return slug.length > 0 ? slug.at : "unnamed";
}

/* FNV-1a of the text and its end, so that "ab","c" is not "a","bc". */
static uint64_t hash_more(uint64_t hash, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return (hash ^ 0xff) * 1099511628211u;
}

static const char *made_key(struct arena *arena, const struct json *row, bool is_person)
{
    const char *const parts[] = {
        json_get_text(row, "their_identifier"), json_get_text(row, "their_handle"),
        json_get_text(row, "their_clinic"),     json_get_text(row, "name"),
        json_get_text(row, "family_name"),      json_get_text(row, "given_names"),
        json_get_text(row, "works_at")};
    uint64_t hash = is_person ? 14695981039346656037u : 1469598103934665603u;
    bool says_something = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        hash = hash_more(hash, parts[i]);
        says_something = says_something || !text_is_blank(parts[i]);
    }
    if (!says_something)
        return NULL;
    return arena_print(arena, "%s-%012llx", slug_of(arena, name_of(arena, row)),
                       (unsigned long long)(hash >> 16));
}

static bool is_short_name(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = text == NULL ? 0 : strlen(text);
    return length > 0 && length <= KEY_MAX / 2 && strspn(text, allowed) == length;
}

/* The partner's own short name; at a clinic of another name than the partner's with that clinic. */
static const char *own_key(struct field_job *job, const struct json *row)
{
    const char *handle = json_get_text(row, "their_handle");
    const char *clinic = json_get_text(row, "their_clinic");
    if (!is_short_name(handle) || directory_npi_valid(handle))
        return NULL;
    if (clinic == NULL || text_equal(clinic, job->partner))
        return handle;
    return is_short_name(clinic) ? arena_print(job->arena, "%s.%s", clinic, handle) : NULL;
}

const char *claim_handle(struct field_job *job, const struct json *row, bool is_person)
{
    const char *key = json_get_text(row, "npi");
    if (key == NULL)
        key = own_key(job, row);
    if (key == NULL)
        key = made_key(job->arena, row, is_person);
    if (key == NULL)
        return NULL;
    return arena_print(job->arena, "%.*s/%s", KEY_MAX,
                       job->partner == NULL ? "unknown" : job->partner, key);
}

/* ---- the job's claims ---- */

static struct json *find(const struct field_job *job, const char *handle)
{
    struct json *claim = json_first(job->claims);
    while (claim != NULL && !text_equal(json_get_text(claim, "handle"), handle))
        claim = json_next(claim);
    return claim;
}

/* An NPI alone is worth keeping; a name that nobody can read is not. */
static const char *shown_name(struct arena *arena, const struct json *row)
{
    const char *name = name_of(arena, row);
    const char *npi = json_get_text(row, "npi");
    if (name != NULL || npi == NULL || json_get(row, "name") != NULL)
        return name;
    return arena_print(arena, "NPI %s", npi);
}

void claim_add(struct field_job *job, const struct json *row, const char *handle, bool is_person)
{
    static const char *const texts[] = {"given_names", "family_name", "profession", "npi",
                                        "works_at",    "phone",       "email"};
    if (job->claims == NULL)
        job->claims = json_new_list(job->arena);
    if (job->claim_count >= CLAIMS_MAX || find(job, handle) != NULL)
        return;
    struct json *claim = json_push(job->claims, json_new_object(job->arena));
    job->claim_count++;
    json_put_text(job->arena, claim, "handle", handle);
    json_put_text(job->arena, claim, "kind", is_person ? "person" : "clinic");
    json_put_text(job->arena, claim, "name", shown_name(job->arena, row));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        json_set_text(job->arena, claim, texts[i], clean(job->arena, json_get_text(row, texts[i])));
}

struct json *claim_tell(struct field_job *job, struct json *received)
{
    bool is_proven = job->context->partner != NULL;
    for (const struct json *claim = json_first(job->claims); is_proven && claim != NULL;
         claim = json_next(claim)) {
        const char *name = json_get_text(claim, "name");
        const char *handle = json_get_text(claim, "handle");
        bool is_author = text_equal(handle, json_get_text(job->record, "written_by"));
        if (name == NULL)
            continue;
        if (received == NULL)
            received = json_new_list(job->arena);
        struct json *entry = json_push(received, json_new_object(job->arena));
        json_put_text(job->arena, entry, "path", is_author ? "written_by" : "people");
        json_put_text(job->arena, entry, "code", handle);
        json_put_text(job->arena, entry, "text",
                      arena_print(job->arena, "%s (shown as claimed by %s)", name, job->partner));
    }
    return received;
}
