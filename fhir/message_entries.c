/* message_entries: entries and references. See message_entries.h.
 * References are resolved as FHIR R4 bundle.html#references says, and beyond it tolerantly: without
 * fullUrl by type and id, and by identifier. */
#include "fhir/message_entries.h"

#include <string.h>

#include "base/hash.h"
#include "fhir/message_reference.h"

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
    return append(job, (struct message_entry){.name = arena_copy(job->arena, name),
                                              .name_hash = hash,
                                              .full_url = field_join(job, "urn:uuid:", id, ""),
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
    json_put(reference, "identifier", field_new_identifier(job, NULL, system, value));
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
        append(job, (struct message_entry){.name = "",
                                           .full_url = url,
                                           .url_hash = hash_of(url),
                                           .type = type,
                                           .type_hash = hash_name(type, strlen(type)),
                                           .id = json_get_text(resource, "id"),
                                           .resource = resource,
                                           .parent = item});
    }
    return true;
}

bool entries_index(struct field_job *job, const struct json *bundle)
{
    entries_new(job);
    return index_entries(job, bundle, 1);
}

/* Splits ".../Type/id" (with or without /_history/n); false when the text does not end so. */
static bool split_type_id(struct field_job *job, const char *reference, const char **ret_type,
                          const char **ret_id)
{
    char *copy = arena_copy(job->arena, reference);
    char *history = strstr(copy, "/_history/");
    if (history != NULL)
        *history = '\0';
    char *slash = strrchr(copy, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    char *before = strrchr(copy, '/');
    *ret_type = before == NULL ? copy : before + 1;
    *ret_id = slash + 1;
    return true;
}

struct message_entry *entries_resolve(struct field_job *job, const struct json *reference)
{
    const struct json *literal = json_get(reference, "reference");
    const char *text = json_text(literal);
    const char *type = NULL;
    const char *id = NULL;
    if (text == NULL)
        return reference_by_identifier(job, reference);
    struct message_entry *entry = reference_by_url(job, literal);
    if (entry != NULL)
        return entry;
    if (text_starts(text, "urn:uuid:"))
        return reference_by_id(job, NULL, text + strlen("urn:uuid:"));
    if (!split_type_id(job, text, &type, &id))
        return NULL;
    return reference_by_id(job, type, id);
}

struct json *entries_resource(struct field_job *job, const struct json *reference,
                              const struct json *container)
{
    const char *text = json_get_text(reference, "reference");
    if (text != NULL && text[0] == '#')
        return reference_contained(job, container, text + 1);
    struct message_entry *entry = entries_resolve(job, reference);
    return entry == NULL ? NULL : entry->resource;
}

struct message_entry *entries_next(const struct field_job *job, const char *type,
                                   const struct message_entry *start)
{
    uint32_t hash = hash_name(type, strlen(type));
    struct message_entry *entry = start == NULL
                                      ? job->entries->entries
                                      : &job->entries->entries[start - job->entries->entries] + 1;
    for (; entry < job->entries->entries + job->entries->count; entry++) {
        if (entry->type_hash == hash && strcmp(entry->type, type) == 0)
            return entry;
    }
    return NULL;
}
