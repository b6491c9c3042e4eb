/* bundle: entries of a Bundle, their fullUrls, and references between them
 * (https://hl7.org/fhir/R4/bundle.html).
 *
 * The index is built once a Bundle; resolving a reference is two look-ups at most. A relative
 * reference is completed by the base of the fullUrl of the entry it stands in, as the specification
 * says; only when that cannot be done does Type/id count. */
#include <stdlib.h>
#include <string.h>

#include "fhir/model/primitive.h"
#include "fhir/validate/validate_internal.h"

struct bundle {
    const struct json *resource;
    const char *type;
    struct index by_url;       /* fullUrl -> entry, and fullUrl/_history/version */
    struct index *by_identity; /* "Type/id" -> entry, and with /_history/version; made when asked */
    const struct definition_type **types; /* of the resources, by entry; NULL: none that is known */
    unsigned *groups; /* of a document: by entry, another entry linked with it, or itself */
    bool urls_differ; /* no two fullUrls are equal, and no entry has a version */
    bool lacks_urls;  /* some entry has no fullUrl */
};

const char *bundle_type(const struct bundle *bundle)
{
    return bundle->type;
}

bool bundle_lacks_urls(const struct bundle *bundle)
{
    return bundle->lacks_urls;
}

const struct json *bundle_resource(const struct bundle *bundle)
{
    return bundle->resource;
}

bool bundle_urls_differ(const struct bundle *bundle)
{
    return bundle != NULL && bundle->urls_differ;
}

bool bundle_has_links(const struct bundle *bundle)
{
    return bundle->groups != NULL;
}

/* Adds ENTRY under KEY, and under KEY with the version of its RESOURCE. True: neither a version
 * nor another entry with this key. */
static bool add_keys(struct arena *arena, struct index *index, const char *key,
                     const struct json *entry, const struct json *resource, unsigned number)
{
    struct index_row *row = index_add(index, key, entry);
    if (row->count == 1)
        row->number = number;
    const char *version = json_get_text(json_get(resource, "meta"), "versionId");
    if (version != NULL)
        index_add(index, arena_join(arena, key, "/_history/", version, NULL), entry)->number =
            number;
    return version == NULL && row->count == 1;
}

static void make_groups(struct arena *arena, struct bundle *bundle, size_t count)
{
    bundle->groups = arena_array(arena, count, sizeof *bundle->groups);
    for (size_t i = 0; i < count; i++)
        bundle->groups[i] = (unsigned)i;
}

const struct bundle *bundle_index(const struct validation *run, const struct json *root)
{
    struct arena *arena = run->arena;
    struct bundle *bundle = arena_alloc(arena, sizeof *bundle);
    const struct json *entries = json_get(root, "entry");
    size_t count = json_count(entries);
    unsigned number = 0;
    bundle->resource = root;
    bundle->type = json_get_text(root, "type");
    bundle->by_url = index_new(arena, &run->validator->secret, 2 * count);
    bundle->by_identity = arena_alloc(arena, sizeof *bundle->by_identity);
    bundle->types = arena_array(arena, count, sizeof(const struct definition_type *));
    bundle->urls_differ = true;
    if (bundle->type != NULL && strcmp(bundle->type, "document") == 0)
        make_groups(arena, bundle, count);
    for (const struct json *entry = json_first(entries); entry != NULL; entry = json_next(entry)) {
        const char *url = json_get_text(entry, "fullUrl");
        const struct json *resource = json_get(entry, "resource");
        if (url != NULL && !add_keys(arena, &bundle->by_url, url, entry, resource, number))
            bundle->urls_differ = false;
        bundle->lacks_urls = bundle->lacks_urls || url == NULL;
        bundle->types[number] = validation_type_of(resource);
        number++;
    }
    return bundle;
}

/* An entry's resource has IDENTITY, "Type/id". */
static bool has_identity(struct arena *arena, const struct bundle *bundle, const char *identity)
{
    const struct json *entries = json_get(bundle->resource, "entry");
    if (bundle->by_identity->rows == NULL) {
        *bundle->by_identity = index_new(arena, bundle->by_url.secret, 2 * json_count(entries));
        for (const struct json *entry = json_first(entries); entry != NULL;
             entry = json_next(entry)) {
            const struct json *resource = json_get(entry, "resource");
            const char *type = json_get_text(resource, "resourceType");
            const char *id = json_get_text(resource, "id");
            if (type != NULL && id != NULL)
                add_keys(arena, bundle->by_identity, arena_join(arena, type, "/", id, NULL), entry,
                         resource, 0);
        }
    }
    return index_find(bundle->by_identity, identity) != NULL;
}

/* ---- which entries of a document hang together ---- */

static unsigned group_of(const struct bundle *bundle, unsigned number)
{
    while (bundle->groups[number] != number) {
        bundle->groups[number] = bundle->groups[bundle->groups[number]];
        number = bundle->groups[number];
    }
    return number;
}

static void join(const struct bundle *bundle, const struct json *entry,
                 const struct index_row *target)
{
    const char *url = bundle->groups == NULL ? NULL : json_get_text(entry, "fullUrl");
    const struct index_row *source = url == NULL ? NULL : index_find(&bundle->by_url, url);
    if (source != NULL)
        bundle->groups[group_of(bundle, source->number)] = group_of(bundle, target->number);
}

void bundle_note_link(const struct bundle *bundle, const struct json *entry, const char *url)
{
    const struct index_row *target =
        bundle->groups == NULL ? NULL : index_find(&bundle->by_url, url);
    if (target != NULL)
        join(bundle, entry, target);
}

void validation_bundle_links(struct validation *run, const struct subject *subject,
                             const struct bundle *bundle)
{
    const struct json *entry = json_first(json_get(subject->node, "entry"));
    struct place place = {subject->place, "entry", NULL, 0};
    for (; bundle->groups != NULL && entry != NULL; entry = json_next(entry)) {
        if (group_of(bundle, (unsigned)place.index) != group_of(bundle, 0))
            validation_add(run, ISSUE_ERROR, ISSUE_INVALID, &place, NULL, entry,
                           "an entry that nothing links to the Composition",
                           "references that join it to the document");
        place.index++;
    }
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
    if (url == NULL || strncmp(url, "http", 4) != 0)
        return NULL;
    const struct json *resource = json_get(entry, "resource");
    const char *type = json_get_text(resource, "resourceType");
    const char *id = json_get_text(resource, "id");
    if (type == NULL || id == NULL)
        return NULL;
    const char *identity = arena_join(arena, "/", type, "/", id, NULL);
    if (!text_ends(url, identity))
        return NULL;
    return arena_copy_n(arena, url, strlen(url) - strlen(identity) + 1);
}

/* Without `#...`, and, when IS_CURRENT, without `/_history/...`. */
static const char *identity_of(struct arena *arena, const char *reference, bool is_current)
{
    const char *fragment = strchr(reference, '#');
    if (fragment == NULL && !is_current)
        return reference;
    size_t length = fragment != NULL ? (size_t)(fragment - reference) : strlen(reference);
    const char *history = is_current ? strstr(reference, "/_history/") : NULL;
    if (history != NULL && (size_t)(history - reference) < length)
        length = (size_t)(history - reference);
    return reference[length] == '\0' ? reference : arena_copy_n(arena, reference, length);
}

/* The entry at URL: that version of it, else the entry in whatever version. */
static const struct index_row *row_at(struct arena *arena, const struct bundle *bundle,
                                      const char *url)
{
    const struct index_row *row = index_find(&bundle->by_url, identity_of(arena, url, false));
    if (row == NULL && strstr(url, "/_history/") != NULL)
        row = index_find(&bundle->by_url, identity_of(arena, url, true));
    return row;
}

enum bundle_match bundle_resolve(struct arena *arena, const struct bundle *bundle,
                                 const struct json *entry, const char *reference,
                                 const struct json **ret_resource)
{
    const struct index_row *row = NULL;
    bool absolute = primitive_uri_scheme(reference) > 0;
    const char *base = absolute ? NULL : base_of(arena, entry);
    if (absolute)
        row = row_at(arena, bundle, reference);
    else if (base != NULL)
        row = row_at(arena, bundle, arena_join(arena, base, reference, NULL));
    if (row != NULL) {
        join(bundle, entry, row);
        return answer(row, ret_resource);
    }
    return !absolute && has_identity(arena, bundle, identity_of(arena, reference, true))
               ? BUNDLE_OTHER_URL
               : BUNDLE_MISSING;
}

const struct definition_type *bundle_type_at(const struct bundle *bundle, const struct json *entry,
                                             const char *url, size_t length)
{
    const struct index_row *row = index_find_n(&bundle->by_url, url, length);
    if (row == NULL || row->count > 1)
        return NULL;
    if (bundle_has_links(bundle))
        join(bundle, entry, row);
    return bundle->types[row->number];
}

/* ---- entries ---- */

static bool type_is(const struct bundle *bundle, const char *const *types)
{
    return text_is_one_of(bundle->type, types);
}

/* "http.../Type/id": a url that looks like a resource on a server must name this resource. */
static void check_server_url(struct validation *run, const struct place *place,
                             const struct json *entry, const char *url)
{
    if (strncmp(url, "http", 4) != 0 || validation_type_in_url(url) == NULL)
        return;
    const struct json *resource = json_get(entry, "resource");
    const char *type = json_get_text(resource, "resourceType");
    const char *id = json_get_text(resource, "id");
    if (type == NULL)
        return;
    if (id == NULL)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "fullUrl",
                       json_get(entry, "fullUrl"),
                       "a fullUrl on a server for a resource without id",
                       "the id in the resource, or urn:uuid: as fullUrl");
    else if (!text_ends(url, arena_join(run->arena, "/", type, "/", id, NULL)))
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
            validation_add(run, run->options->forgives_urls ? ISSUE_WARNING : ISSUE_ERROR,
                           ISSUE_INVALID, place, "fullUrl", entry, "no fullUrl",
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

/* ---- links ---- */

static bool had_before(const struct json *links, const struct json *link, const char *relation)
{
    for (const struct json *each = json_first(links); each != link; each = json_next(each)) {
        const char *other = json_get_text(each, "relation");
        if (other != NULL && strcmp(other, relation) == 0)
            return true;
    }
    return false;
}

enum { LINKS_MAX = 1000 }; /* looked at; a page has five */

/* Links between pages are for searches and histories; each stands once. */
static void check_links(struct validation *run, const struct subject *subject,
                        const struct bundle *bundle)
{
    static const char *const paged[] = {"searchset", "history", NULL};
    static const char *const pages[] = {"first", "previous", "next", "last", NULL};
    const struct json *links = json_get(subject->node, "link");
    struct place place = {subject->place, "link", NULL, 0};
    const struct json *link = json_first(links);
    for (; link != NULL && place.index < LINKS_MAX; link = json_next(link), place.index++) {
        const char *relation = json_get_text(link, "relation");
        bool is_page = text_is_one_of(relation, pages);
        if (is_page && !type_is(bundle, paged))
            validation_add(run, ISSUE_ERROR, ISSUE_INVALID, &place, "relation",
                           json_get(link, "relation"), "a link between pages",
                           "such links only in a searchset or history");
        else if (relation != NULL && (is_page || strcmp(relation, "self") == 0) &&
                 had_before(links, link, relation))
            validation_add(run, ISSUE_ERROR, ISSUE_INVALID, &place, "relation",
                           json_get(link, "relation"), "a link of the same kind again",
                           "each kind once");
    }
}

/* ---- answers to searches ---- */

/* "Patient" of "http://server/fhir/Patient?name=x", or NULL. */
static const struct definition_type *searched_type(struct validation *run,
                                                   const struct json *bundle)
{
    const struct json *link = json_first(json_get(bundle, "link"));
    for (; link != NULL; link = json_next(link)) {
        const char *relation = json_get_text(link, "relation");
        const char *url = json_get_text(link, "url");
        if (relation == NULL || url == NULL || strcmp(relation, "self") != 0)
            continue;
        const char *path = arena_copy_n(run->arena, url, strcspn(url, "?"));
        const char *slash = strrchr(path, '/');
        const struct definition_type *type = definition_find(slash == NULL ? path : slash + 1);
        return type != NULL && type->kind == DEFINITION_RESOURCE ? type : NULL;
    }
    return NULL;
}

/* An entry of a searchset by its search.mode: match and include have ids, outcome is one. */
static void check_answer(struct validation *run, const struct place *place,
                         const struct json *entry, const struct definition_type *searched)
{
    const struct json *resource = json_get(entry, "resource");
    const char *mode = json_text(json_find(entry, "search", "mode", NULL));
    const char *type = json_get_text(resource, "resourceType");
    if (resource == NULL) {
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "resource", entry, "no resource",
                       "a resource in every entry of a searchset");
        return;
    }
    if (mode == NULL || type == NULL)
        return;
    if (strcmp(mode, "outcome") == 0) {
        if (strcmp(type, "OperationOutcome") != 0)
            validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "resource", resource,
                           "an outcome of another type", "an OperationOutcome");
        return;
    }
    if (json_get(resource, "id") == NULL)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "resource.id", resource,
                       "a found resource without id", "an id");
    if (strcmp(mode, "match") == 0 && searched != NULL &&
        strcmp(type, definition_type_name(searched)) != 0)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, place, "resource", resource,
                       "a match of another type than was searched", definition_type_name(searched));
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
    static const char *const searchset[] = {"searchset", NULL};
    bool is_answer = type_is(bundle, searchset);
    const struct definition_type *searched = is_answer ? searched_type(run, subject->node) : NULL;
    check_first(run, subject, bundle);
    check_links(run, subject, bundle);
    struct place place = {subject->place, "entry", NULL, 0};
    const struct json *entries = json_get(subject->node, "entry");
    for (const struct json *entry = json_first(entries); entry != NULL; entry = json_next(entry)) {
        check_url(run, &place, entry, bundle);
        if (is_answer)
            check_answer(run, &place, entry, searched);
        place.index++;
    }
}
