/* validate_bundle: entries of a Bundle, their fullUrls, and references between them
 * (https://hl7.org/fhir/R4/bundle.html).
 *
 * The index is built once a Bundle; resolving a reference is two look-ups at most. A relative
 * reference is completed by the base of the fullUrl of the entry it stands in, as the specification
 * says; only when that cannot be done does Type/id count. */
#include <stdlib.h>
#include <string.h>

#include "fhir/primitive.h"
#include "fhir/validate_run.h"

struct bundle {
    const struct json *resource;
    const char *type;
    struct index by_url;      /* fullUrl -> entry */
    struct index by_identity; /* "Type/id" -> entry */
};

const char *bundle_type(const struct bundle *bundle)
{
    return bundle->type;
}

const struct json *bundle_resource(const struct bundle *bundle)
{
    return bundle->resource;
}

const struct bundle *bundle_index(struct arena *arena, const struct json *resource)
{
    struct bundle *bundle = arena_alloc(arena, sizeof *bundle);
    const struct json *entries = json_get(resource, "entry");
    size_t count = json_count(entries);
    bundle->resource = resource;
    bundle->type = json_get_text(resource, "type");
    bundle->by_url = index_new(arena, count);
    bundle->by_identity = index_new(arena, count);
    for (const struct json *entry = json_first(entries); entry != NULL; entry = json_next(entry)) {
        const char *url = json_get_text(entry, "fullUrl");
        const struct json *inner = json_get(entry, "resource");
        const char *type = json_get_text(inner, "resourceType");
        const char *id = json_get_text(inner, "id");
        if (url != NULL)
            index_add(&bundle->by_url, url, entry);
        if (type != NULL && id != NULL)
            index_add(&bundle->by_identity, arena_print(arena, "%s/%s", type, id), entry);
    }
    return bundle;
}

/* ---- resolving ---- */

static enum bundle_match answer(const struct index_row *row, const struct json **ret_resource)
{
    if (row->count > 1)
        return BUNDLE_SEVERAL;
    *ret_resource = json_get(row->node, "resource");
    return *ret_resource == NULL ? BUNDLE_MISSING : BUNDLE_FOUND;
}

/* "http://server/fhir/" of "http://server/fhir/Patient/12" when that ends in /TYPE/ID of the
 * entry's own resource; else NULL. */
static const char *base_of(struct arena *arena, const struct json *entry)
{
    const char *url = json_get_text(entry, "fullUrl");
    const struct json *resource = json_get(entry, "resource");
    const char *type = json_get_text(resource, "resourceType");
    const char *id = json_get_text(resource, "id");
    if (url == NULL || type == NULL || id == NULL || strncmp(url, "http", 4) != 0)
        return NULL;
    const char *identity = arena_print(arena, "/%s/%s", type, id);
    if (!text_ends(url, identity))
        return NULL;
    return arena_copy_n(arena, url, strlen(url) - strlen(identity) + 1);
}

/* Without `/_history/...` and `#...`. */
static const char *identity_of(struct arena *arena, const char *reference)
{
    size_t length = strcspn(reference, "#");
    const char *history = strstr(reference, "/_history/");
    if (history != NULL && (size_t)(history - reference) < length)
        length = (size_t)(history - reference);
    return reference[length] == '\0' ? reference : arena_copy_n(arena, reference, length);
}

enum bundle_match bundle_resolve(struct arena *arena, const struct bundle *bundle,
                                 const struct json *entry, const char *reference,
                                 const struct json **ret_resource)
{
    const char *identity = identity_of(arena, reference);
    bool absolute = primitive_uri_scheme(identity) > 0;
    const struct index_row *row = NULL;
    if (absolute) {
        row = index_find(&bundle->by_url, identity);
        return row == NULL ? BUNDLE_MISSING : answer(row, ret_resource);
    }
    const char *base = base_of(arena, entry);
    if (base != NULL)
        row = index_find(&bundle->by_url, arena_print(arena, "%s%s", base, identity));
    if (row != NULL)
        return answer(row, ret_resource);
    return index_find(&bundle->by_identity, identity) != NULL ? BUNDLE_OTHER_URL : BUNDLE_MISSING;
}

/* ---- entries ---- */

static bool type_is(const struct bundle *bundle, const char *const *types)
{
    for (; bundle->type != NULL && *types != NULL; types++) {
        if (strcmp(bundle->type, *types) == 0)
            return true;
    }
    return false;
}

/* "http.../Type/id": a url that looks like a resource on a server must name this resource. */
static void check_server_url(struct validation *run, const struct place *place,
                             const struct json *entry, const char *url)
{
    const struct json *resource = json_get(entry, "resource");
    const char *type = json_get_text(resource, "resourceType");
    const char *id = json_get_text(resource, "id");
    if (type == NULL || strncmp(url, "http", 4) != 0 || validation_type_in_url(url) == NULL)
        return;
    if (id == NULL)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "fullUrl",
                       json_get(entry, "fullUrl"),
                       "a fullUrl on a server for a resource without id",
                       "the id in the resource, or urn:uuid: as fullUrl");
    else if (!text_ends(url, arena_print(run->arena, "/%s/%s", type, id)))
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "fullUrl",
                       json_get(entry, "fullUrl"),
                       "a fullUrl that names another resource than the entry holds",
                       "a fullUrl that ends in the type and id of the resource");
}

static void check_url(struct validation *run, const struct place *place, const struct json *entry,
                      const struct bundle *bundle)
{
    static const char *const optional[] = {"transaction", "transaction-response", "batch",
                                           "batch-response", NULL};
    const char *url = json_get_text(entry, "fullUrl");
    if (url == NULL) {
        if (json_get(entry, "resource") != NULL && !type_is(bundle, optional))
            validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "fullUrl", entry, "no fullUrl",
                           "a fullUrl in every entry of this kind of Bundle");
        return;
    }
    if (primitive_uri_scheme(url) == 0)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "fullUrl",
                       json_get(entry, "fullUrl"), "a fullUrl that is not absolute",
                       "urn:uuid:... or an absolute url");
    else
        check_server_url(run, place, entry, url);
}

/* The first entry of a message or document. */
static void check_first(struct validation *run, const struct subject *subject,
                        const struct bundle *bundle)
{
    static const char *const led[] = {"message", "document", NULL};
    if (!type_is(bundle, led))
        return;
    const struct json *entry = json_first(json_get(subject->node, "entry"));
    struct place place = {subject->place, "entry", NULL, 0};
    if (entry == NULL)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, subject->place, "entry", subject->node,
                       "no entry", "at least the resource that leads this kind of Bundle");
    else if (json_get(entry, "resource") == NULL)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, &place, "resource", entry,
                       "a first entry without resource",
                       "the resource that leads this kind of Bundle");
}

void validation_bundle(struct validation *run, const struct subject *subject,
                       const struct bundle *bundle)
{
    check_first(run, subject, bundle);
    struct place place = {subject->place, "entry", NULL, 0};
    const struct json *entries = json_get(subject->node, "entry");
    for (const struct json *entry = json_first(entries); entry != NULL; entry = json_next(entry)) {
        check_url(run, &place, entry, bundle);
        place.index++;
    }
}
