/* message_reference: see message_reference.h. Of several entries with one name the first in the
 * Bundle is meant, whichever way it is found. */
#include "fhir/message_reference.h"

#include <string.h>

#include "base/hash.h"
#include "fhir/look_up.h"

enum {
    FEW_ENTRIES = 32,   /* are gone through */
    FEW_QUESTIONS = 16, /* likewise, however many the identifiers or contained resources */
    CONTAINERS = 4      /* remembered: what refers to what is in another, by turns, is no deeper */
};

struct container {
    const struct json *resource; /* NULL: none yet */
    struct json **items;
    struct look_up ids;
    unsigned last_asked;
};

struct message_look_ups {
    struct look_up urls, ids, typed_ids, identifiers, typed_identifiers;
    bool has_names, has_identifiers;
    unsigned identifiers_asked, contained_asked;
    struct container containers[CONTAINERS];
};

static struct message_look_ups *look_ups(struct field_job *job)
{
    struct message_entries *entries = job->entries;
    if (entries->look_ups == NULL)
        entries->look_ups = arena_alloc(job->arena, sizeof *entries->look_ups);
    return entries->look_ups;
}

static struct message_entry *entry_at(const struct field_job *job, long place)
{
    return place == LOOK_UP_NOTHING ? NULL : &job->entries->entries[place];
}

/* ---- by fullUrl and id ---- */

static struct message_look_ups *names(struct field_job *job)
{
    struct message_look_ups *found = look_ups(job);
    for (size_t i = 0; i < job->entries->count && !found->has_names; i++) {
        const struct message_entry *entry = &job->entries->entries[i];
        look_up_add(&found->urls, job->arena, (struct look_up_row){{entry->full_url}, i});
        look_up_add(&found->ids, job->arena, (struct look_up_row){{entry->id}, i});
        look_up_add(&found->typed_ids, job->arena,
                    (struct look_up_row){{entry->id, entry->type}, i});
    }
    found->has_names = true;
    return found;
}

struct message_entry *reference_by_url(struct field_job *job, const struct json *reference)
{
    const char *url = json_text(reference);
    if (job->entries->count > FEW_ENTRIES)
        return entry_at(job, look_up_first(&names(job)->urls, url, NULL, NULL));
    unsigned hash = (unsigned)hash_text(url, json_length(reference));
    for (size_t i = 0; i < job->entries->count; i++) {
        struct message_entry *entry = &job->entries->entries[i];
        if (entry->url_hash == hash && text_equal(entry->full_url, url))
            return entry;
    }
    return NULL;
}

struct message_entry *reference_by_id(struct field_job *job, const char *type, const char *id)
{
    if (job->entries->count > FEW_ENTRIES) {
        struct message_look_ups *found = names(job);
        return entry_at(job, type == NULL ? look_up_first(&found->ids, id, NULL, NULL)
                                          : look_up_first(&found->typed_ids, id, type, NULL));
    }
    for (size_t i = 0; i < job->entries->count; i++) {
        struct message_entry *entry = &job->entries->entries[i];
        if (text_equal(entry->id, id) && (type == NULL || strcmp(entry->type, type) == 0))
            return entry;
    }
    return NULL;
}

/* ---- by identifier ---- */

static struct json *first_identifier(const struct json *resource)
{
    struct json *found = json_get(resource, "identifier");
    return json_kind(found) == JSON_LIST ? json_first(found) : found;
}

/* Of a list; NULL behind one that stands alone. */
static struct json *next_identifier(const struct json *resource, const struct json *identifier)
{
    bool is_list = json_kind(json_get(resource, "identifier")) == JSON_LIST;
    return is_list ? json_next(identifier) : NULL;
}

static void add_identifiers(struct field_job *job, struct message_look_ups *found, size_t place)
{
    const struct message_entry *entry = &job->entries->entries[place];
    struct json *item = first_identifier(entry->resource);
    for (; item != NULL; item = next_identifier(entry->resource, item)) {
        const char *value = json_get_text(item, "value");
        const char *system = json_get_text(item, "system");
        if (value == NULL)
            continue;
        look_up_add(&found->identifiers, job->arena, (struct look_up_row){{value, system}, place});
        look_up_add(&found->typed_identifiers, job->arena,
                    (struct look_up_row){{value, system, entry->type}, place});
    }
}

static struct message_look_ups *identifiers(struct field_job *job)
{
    struct message_look_ups *found = look_ups(job);
    for (size_t i = 0; i < job->entries->count && !found->has_identifiers; i++)
        add_identifiers(job, found, i);
    found->has_identifiers = true;
    return found;
}

static bool has_identifier(const struct json *resource, const char *system, const char *value)
{
    struct json *item = first_identifier(resource);
    while (item != NULL && !(text_equal(json_get_text(item, "value"), value) &&
                             text_equal(json_get_text(item, "system"), system)))
        item = next_identifier(resource, item);
    return item != NULL;
}

struct message_entry *reference_by_identifier(struct field_job *job, const struct json *reference)
{
    const struct json *identifier = json_get(reference, "identifier");
    const char *value = json_get_text(identifier, "value");
    const char *system = json_get_text(identifier, "system");
    const char *type = json_get_text(reference, "type");
    if (value == NULL)
        return NULL;
    if (++look_ups(job)->identifiers_asked > FEW_QUESTIONS) {
        struct message_look_ups *found = identifiers(job);
        return entry_at(job, type == NULL
                                 ? look_up_first(&found->identifiers, value, system, NULL)
                                 : look_up_first(&found->typed_identifiers, value, system, type));
    }
    for (size_t i = 0; i < job->entries->count; i++) {
        struct message_entry *entry = &job->entries->entries[i];
        if ((type == NULL || strcmp(entry->type, type) == 0) &&
            has_identifier(entry->resource, system, value))
            return entry;
    }
    return NULL;
}

/* ---- contained ---- */

static void fill(struct field_job *job, struct container *container, const struct json *resource)
{
    const struct json *list = json_get(resource, "contained");
    size_t count = 0;
    *container = (struct container){.resource = resource};
    container->items = arena_array(job->arena, json_count(list) + 1, sizeof *container->items);
    for (struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        container->items[count] = item;
        look_up_add(&container->ids, job->arena,
                    (struct look_up_row){{json_get_text(item, "id")}, count});
        count++;
    }
}

/* The one of RESOURCE, in the place of that which was not asked for longest when it is new. */
static struct container *container_of(struct field_job *job, const struct json *resource)
{
    struct message_look_ups *found = look_ups(job);
    struct container *oldest = &found->containers[0];
    struct container *container = NULL;
    for (size_t i = 0; i < CONTAINERS && container == NULL; i++) {
        if (found->containers[i].resource == resource)
            container = &found->containers[i];
        else if (found->containers[i].last_asked < oldest->last_asked)
            oldest = &found->containers[i];
    }
    if (container == NULL) {
        container = oldest;
        fill(job, container, resource);
    }
    container->last_asked = found->contained_asked;
    return container;
}

struct json *reference_contained(struct field_job *job, const struct json *container,
                                 const char *id)
{
    struct json *item = json_first(json_get(container, "contained"));
    if (item == NULL)
        return NULL;
    if (++look_ups(job)->contained_asked > FEW_QUESTIONS) {
        struct container *found = container_of(job, container);
        long place = look_up_first(&found->ids, id, NULL, NULL);
        return place == LOOK_UP_NOTHING ? NULL : found->items[place];
    }
    while (item != NULL && !text_equal(json_get_text(item, "id"), id))
        item = json_next(item);
    return item;
}
