/* reference: entries by their names, and contained resources. See entries/reference.h;
 * which of several a literal Reference means is message_literal's. */
#include "fhir/entries/reference.h"

#include <string.h>

#include "base/hash.h"
#include "fhir/entries/look_up.h"

enum {
    FEW_ENTRIES = 32,  /* are gone through */
    FEW_QUESTIONS = 16 /* likewise, however many the identifiers or contained resources */
};

struct message_look_ups {
    struct look_up urls, ids, typed_ids, identifiers, typed_identifiers, servers;
    bool has_names, has_identifiers, has_servers;
    unsigned identifiers_asked, contained_asked;
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

/* The entries at the places of ROWS. */
static size_t take_rows(const struct field_job *job, const struct look_up_row *rows, size_t count,
                        struct message_entry **ret_found)
{
    size_t taken = count < REFERENCE_CANDIDATES ? count : REFERENCE_CANDIDATES;
    for (size_t i = 0; i < taken; i++)
        ret_found[i] = &job->entries->entries[rows[i].place];
    return taken;
}

size_t reference_with_url(struct field_job *job, const char *url, size_t length,
                          struct message_entry **ret_found)
{
    size_t count = 0;
    if (job->entries->count > FEW_ENTRIES) {
        const char *name = url[length] == '\0' ? url : arena_copy_n(job->arena, url, length);
        const struct look_up_row *rows = look_up_all(&names(job)->urls, name, NULL, NULL, &count);
        return take_rows(job, rows, count, ret_found);
    }
    uint32_t hash = hash_name(url, length);
    struct message_entry *entries = job->entries->entries;
    unsigned place = job->entries->urls.first[hash % CHAINS];
    for (; place != 0; place = entries[place - 1].next_of_url) {
        struct message_entry *entry = &entries[place - 1];
        if (entry->url_hash == hash && entry->full_url != NULL &&
            strncmp(entry->full_url, url, length) == 0 && entry->full_url[length] == '\0')
            ret_found[count++] = entry;
    }
    return count;
}

size_t reference_with_id(struct field_job *job, const char *type, const char *id,
                         struct message_entry **ret_found)
{
    size_t count = 0;
    if (job->entries->count > FEW_ENTRIES) {
        struct message_look_ups *found = names(job);
        const struct look_up_row *rows =
            type == NULL ? look_up_all(&found->ids, id, NULL, NULL, &count)
                         : look_up_all(&found->typed_ids, id, type, NULL, &count);
        return take_rows(job, rows, count, ret_found);
    }
    for (size_t i = 0; i < job->entries->count; i++) {
        struct message_entry *entry = &job->entries->entries[i];
        if (text_equal(entry->id, id) && (type == NULL || strcmp(entry->type, type) == 0))
            ret_found[count++] = entry;
    }
    return count;
}

bool reference_is_server(struct field_job *job, const char *base, size_t length)
{
    struct message_look_ups *found = look_ups(job);
    for (size_t i = 0; i < job->entries->count && !found->has_servers; i++) {
        const struct message_entry *entry = &job->entries->entries[i];
        size_t own = reference_base(entry);
        if (own > 0)
            look_up_add(&found->servers, job->arena,
                        (struct look_up_row){{arena_copy_n(job->arena, entry->full_url, own)}, i});
    }
    found->has_servers = true;
    const char *name = arena_copy_n(job->arena, base, length);
    return look_up_first(&found->servers, name, NULL, NULL) != LOOK_UP_NOTHING;
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

struct contained_ids {
    struct json **items;
    struct look_up ids;
};

static struct contained_ids *ids_of(struct field_job *job, const struct json *resource)
{
    const struct json *list = json_get(resource, "contained");
    struct contained_ids *ids = arena_alloc(job->arena, sizeof *ids);
    size_t count = 0;
    ids->items = arena_array(job->arena, json_count(list) + 1, sizeof *ids->items);
    for (struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        ids->items[count] = item;
        look_up_add(&ids->ids, job->arena,
                    (struct look_up_row){{json_get_text(item, "id")}, count});
        count++;
    }
    return ids;
}

static struct json *first_with_id(const struct json *container, const char *id)
{
    struct json *item = json_first(json_get(container, "contained"));
    while (item != NULL && !text_equal(json_get_text(item, "id"), id))
        item = json_next(item);
    return item;
}

struct json *reference_contained(struct field_job *job, const struct json *container,
                                 const char *id)
{
    if (json_get(container, "contained") == NULL)
        return NULL;
    if (++look_ups(job)->contained_asked <= FEW_QUESTIONS)
        return first_with_id(container, id);
    struct message_entry *entry = entries_of_resource(job, container);
    if (entry == NULL) /* within what is contained there is nothing contained in R4 */
        return NULL;
    if (entry->contained_ids == NULL)
        entry->contained_ids = ids_of(job, container);
    long place = look_up_first(&entry->contained_ids->ids, id, NULL, NULL);
    return place == LOOK_UP_NOTHING ? NULL : entry->contained_ids->items[place];
}
