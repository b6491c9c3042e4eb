/* entries: the entries of one Bundle, made and read. See entries/entries.h; how a Reference
 * leads to an entry stands in message_reference. */
#include "fhir/entries/entries.h"

#include <limits.h>
#include <string.h>

#include "base/hash.h"
#include "fhir/entries/reference.h"

/* So that a look-up compares numbers, and texts only once. */
static unsigned hash_of(const char *text)
{
    return text == NULL ? 0 : (unsigned)hash_text(text, strlen(text));
}

/* ---- making ---- */

static struct message_entry *append(struct field_job *job, struct message_entry entry)
{
    struct message_entries *bundle = job->entries;
    bundle->entries = arena_room(job->arena, bundle->entries, sizeof *bundle->entries,
                                 bundle->count, &bundle->room, 16);
    bundle->entries[bundle->count] = entry;
    return &bundle->entries[bundle->count++];
}

struct message_entries *entries_new(struct field_job *job)
{
    struct message_entries *bundle = arena_alloc(job->arena, sizeof *bundle);
    bundle->list = json_new_list(job->arena);
    job->entries = bundle;
    return bundle;
}

static struct message_entry *find_name(const struct field_job *job, const char *name, unsigned hash)
{
    for (size_t i = 0; i < job->entries->count; i++) {
        struct message_entry *entry = &job->entries->entries[i];
        if (entry->name_hash == hash && strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

/* The entry NAME, with its id made when it is first asked for. */
static struct message_entry *named(struct field_job *job, const char *name)
{
    const struct fhir_context *context = job->context;
    unsigned hash = hash_of(name);
    struct message_entry *entry = find_name(job, name, hash);
    if (entry != NULL)
        return entry;
    const char *id = context->make_id(context->maker, job->arena, name);
    return append(job,
                  (struct message_entry){.name = arena_copy(job->arena, name),
                                         .name_hash = hash,
                                         .full_url = arena_print(job->arena, "urn:uuid:%s", id),
                                         .id = id});
}

struct json *entries_add(struct field_job *job, const char *type, const char *name, bool labelled)
{
    struct message_entry *entry = named(job, name);
    struct json *resource = json_new_object(job->arena);
    entry->type = type;
    entry->resource = resource;
    json_set_text(job->arena, resource, "resourceType", type);
    json_set_text(job->arena, resource, "id", entry->id);
    if (labelled && job->labels != NULL) {
        struct json *meta = json_put(resource, "meta", json_new_object(job->arena));
        json_put(meta, "security", json_copy(job->arena, job->labels));
    }
    struct json *wrapper = json_push(job->entries->list, json_new_object(job->arena));
    json_set_text(job->arena, wrapper, "fullUrl", entry->full_url);
    json_put(wrapper, "resource", resource);
    return resource;
}

bool entries_has(const struct field_job *job, const char *name)
{
    const struct message_entry *entry = find_name(job, name, hash_of(name));
    return entry != NULL && entry->resource != NULL;
}

/* "urn:uuid:..." of the entry NAME, which may be added later. */
static const char *url_of(struct field_job *job, const char *name)
{
    return named(job, name)->full_url;
}

struct json *entries_reference(struct field_job *job, const char *name, const char *display)
{
    struct json *reference = json_new_object(job->arena);
    json_set_text(job->arena, reference, "reference", url_of(job, name));
    json_set_text(job->arena, reference, "display", display);
    return reference;
}

struct json *entries_logical_reference(struct field_job *job, const char *type, const char *system,
                                       const char *value)
{
    struct json *reference = json_new_object(job->arena);
    json_set_text(job->arena, reference, "type", type);
    struct json *identifier = json_put(reference, "identifier", json_new_object(job->arena));
    json_set_text(job->arena, identifier, "system", system);
    json_set_text(job->arena, identifier, "value", value);
    return reference;
}

/* ---- reading ---- */

static bool index_entries(struct field_job *job, const struct json *bundle, int depth)
{
    for (struct json *item = json_first(json_get(bundle, "entry")); item != NULL;
         item = json_next(item)) {
        struct json *resource = json_get(item, "resource");
        const char *type = json_get_text(resource, "resourceType");
        if (type == NULL)
            continue;
        if (job->entries->count >= MESSAGE_ENTRIES_MAX)
            return false;
        if (strcmp(type, "Bundle") == 0 && depth > 0) {
            if (!index_entries(job, resource, depth - 1))
                return false;
            continue;
        }
        const char *url = json_get_text(item, "fullUrl");
        const char *id = json_get_text(resource, "id");
        append(job,
               (struct message_entry){.name = "",
                                      .full_url = url,
                                      .url_hash = url == NULL ? 0 : hash_name(url, strlen(url)),
                                      .type = type,
                                      .type_hash = hash_name(type, strlen(type)),
                                      .id = id != NULL ? id : reference_tail(url, type),
                                      .resource = resource,
                                      .parent = item});
    }
    return true;
}

/* What a record may be made of, or tells of its client. People, places and sides of the body are
 * asked for by reference alone. */
static bool is_clinical(const char *type)
{
    static const char *const types[] = {
        "Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService",
        "Endpoint",     "BodyStructure",    "Binary",       "Group",    NULL};
    return !text_is_one_of(type, types);
}

static bool index_contained(struct field_job *job, struct json *container)
{
    struct message_entries *bundle = job->entries;
    for (struct json *item = json_first(json_get(container, "contained")); item != NULL;
         item = json_next(item)) {
        const char *type = json_get_text(item, "resourceType");
        if (type == NULL || !is_clinical(type))
            continue;
        if (bundle->contained_count >= MESSAGE_ENTRIES_MAX)
            return false;
        bundle->contained = arena_room(job->arena, bundle->contained, sizeof *bundle->contained,
                                       bundle->contained_count, &bundle->contained_room, 16);
        bundle->contained[bundle->contained_count++] =
            (struct message_entry){.name = "",
                                   .type = type,
                                   .type_hash = hash_name(type, strlen(type)),
                                   .resource = item,
                                   .container = container};
    }
    return true;
}

/* Puts PLACE before those that are in the chain of HASH; returns what was the first of them. */
static unsigned short chain(struct message_chains *chains, uint32_t hash, size_t place)
{
    unsigned short *first = &chains->first[hash % CHAINS];
    unsigned short next = *first;
    *first = (unsigned short)(place + 1);
    return next;
}

_Static_assert(MESSAGE_ENTRIES_MAX < USHRT_MAX, "a chain can name every entry");

static void chain_all(struct message_entries *bundle)
{
    for (size_t i = bundle->count; i-- > 0;) {
        struct message_entry *entry = &bundle->entries[i];
        entry->next_of_type = chain(&bundle->types, entry->type_hash, i);
        entry->next_of_url = chain(&bundle->urls, entry->url_hash, i);
    }
    for (size_t i = bundle->contained_count; i-- > 0;) {
        struct message_entry *entry = &bundle->contained[i];
        entry->next_of_type = chain(&bundle->contained_types, entry->type_hash, i);
    }
}

bool entries_index(struct field_job *job, const struct json *bundle)
{
    entries_new(job);
    if (!index_entries(job, bundle, 1))
        return false;
    for (size_t i = 0; i < job->entries->count; i++) {
        if (!index_contained(job, job->entries->entries[i].resource))
            return false;
    }
    chain_all(job->entries);
    return true;
}

struct message_entry *entries_of_contained(const struct field_job *job, const struct json *resource)
{
    for (size_t i = 0; resource != NULL && i < job->entries->contained_count; i++) {
        if (job->entries->contained[i].resource == resource)
            return &job->entries->contained[i];
    }
    return NULL;
}

const struct json *entries_holder(const struct message_entry *entry)
{
    return entry->container != NULL ? entry->container : entry->resource;
}

struct message_entry *entries_of_resource(const struct field_job *job, const struct json *resource)
{
    for (size_t i = 0; resource != NULL && i < job->entries->count; i++) {
        if (job->entries->entries[i].resource == resource)
            return &job->entries->entries[i];
    }
    return NULL;
}

struct message_entry *entries_resolve_in(struct field_job *job, const struct json *reference,
                                         const struct json *container)
{
    const struct json *literal = json_get(reference, "reference");
    const char *text = json_text(literal);
    struct message_entry *entry = NULL;
    if (text_equal(text, "#"))
        entry = entries_of_resource(job, container);
    else if (text != NULL && text[0] == '#')
        entry = entries_of_contained(job, reference_contained(job, container, text + 1));
    else if (text != NULL)
        entry = reference_by_literal(job, literal, container);
    return entry != NULL ? entry : reference_by_identifier(job, reference);
}

struct message_entry *entries_resolve(struct field_job *job, const struct json *reference)
{
    return entries_resolve_in(job, reference, job->resource);
}

struct json *entries_resource(struct field_job *job, const struct json *reference,
                              const struct json *container)
{
    const char *text = json_get_text(reference, "reference");
    struct json *contained =
        text != NULL && text[0] == '#' ? reference_contained(job, container, text + 1) : NULL;
    if (contained != NULL)
        return contained;
    struct message_entry *entry = entries_resolve_in(job, reference, container);
    return entry == NULL ? NULL : entry->resource;
}

/* Of ENTRIES the first of TYPE at PLACE or behind it in its chain. */
static struct message_entry *of_type(struct message_entry *entries, unsigned place,
                                     const char *type, uint32_t hash)
{
    for (; place != 0; place = entries[place - 1].next_of_type) {
        struct message_entry *entry = &entries[place - 1];
        if (entry->type_hash == hash && strcmp(entry->type, type) == 0)
            return entry;
    }
    return NULL;
}

struct message_entry *entries_next(const struct field_job *job, const char *type,
                                   const struct message_entry *start)
{
    const struct message_entries *bundle = job->entries;
    uint32_t hash = hash_name(type, strlen(type));
    unsigned place = start == NULL ? bundle->types.first[hash % CHAINS] : start->next_of_type;
    return of_type(bundle->entries, place, type, hash);
}

static struct message_entry *next_contained(const struct field_job *job, const char *type,
                                            const struct message_entry *start)
{
    const struct message_entries *bundle = job->entries;
    if (bundle->contained_count == 0)
        return NULL;
    uint32_t hash = hash_name(type, strlen(type));
    unsigned place =
        start == NULL ? bundle->contained_types.first[hash % CHAINS] : start->next_of_type;
    return of_type(bundle->contained, place, type, hash);
}

struct message_entry *entries_next_or_contained(const struct field_job *job, const char *type,
                                                const struct message_entry *start)
{
    bool is_contained = start != NULL && start->container != NULL;
    struct message_entry *entry = is_contained ? NULL : entries_next(job, type, start);
    return entry != NULL ? entry : next_contained(job, type, is_contained ? start : NULL);
}

void entries_path(const struct field_job *job, const struct message_entry *entry, struct text *text)
{
    if (entry == NULL) {
        text_add(text, "Bundle");
        return;
    }
    size_t index = 0;
    size_t count = 0;
    for (struct message_entry *other = entries_next(job, entry->type, NULL); other != NULL;
         other = entries_next(job, entry->type, other)) {
        index += other < entry ? 1 : 0;
        count++;
    }
    text_add(text, entry->type);
    if (count > 1)
        text_print(text, "[%zu]", index);
}
