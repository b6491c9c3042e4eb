/* literal: which entry a literal Reference means: R4 bundle.html#references.
 *
 * An entry's own fullUrl decides: with one of a server only a Reference to that server (absolute,
 * or relative from an entry of it) leads there. Where an entry has no such fullUrl its type and id
 * are enough, unless the Reference names a server that is not the sender's. A version picks among
 * several; without one the newest is meant. Called by message_entries. Pure. */
#include <string.h>

#include "fhir/entries/reference.h"

struct literal {
    const char *text;
    size_t length;      /* without the version */
    size_t base_length; /* of "https://server/fhir/"; 0: relative */
    const char *type, *id, *version;
    bool is_typed; /* ends in Type/id */
};

/* ---- reading the text ---- */

static const char *segment_before(const char *start, const char *end)
{
    while (end > start && end[-1] != '/')
        end--;
    return end;
}

static struct literal literal_of(struct field_job *job, const char *text)
{
    static const char history[] = "/_history/";
    const char *version = strstr(text, history);
    struct literal literal = {.text = text};
    literal.length = version == NULL ? strlen(text) : (size_t)(version - text);
    literal.version = version == NULL ? NULL : version + strlen(history);
    const char *end = text + literal.length;
    const char *id = segment_before(text, end);
    const char *type = id == text ? id : segment_before(text, id - 1);
    literal.is_typed = type < id && *type >= 'A' && *type <= 'Z' && id < end;
    if (!literal.is_typed)
        return literal;
    literal.base_length = (size_t)(type - text);
    literal.type = arena_copy_n(job->arena, type, (size_t)(id - 1 - type));
    literal.id = arena_copy_n(job->arena, id, (size_t)(end - id));
    return literal;
}

static bool is_of_server(const char *url)
{
    return text_starts(url, "http://") || text_starts(url, "https://");
}

const char *reference_tail(const char *url, const char *type)
{
    size_t length = strlen(type);
    if (url == NULL || !is_of_server(url))
        return NULL;
    const char *id = segment_before(url, url + strlen(url));
    bool is_tail = (size_t)(id - url) > length + 1 && id[-1] == '/' &&
                   strncmp(id - 1 - length, type, length) == 0 && id[-2 - (long)length] == '/';
    return is_tail && *id != '\0' ? id : NULL;
}

size_t reference_base(const struct message_entry *entry)
{
    const char *id = entry == NULL ? NULL : reference_tail(entry->full_url, entry->type);
    return id == NULL ? 0 : (size_t)(id - entry->full_url) - strlen(entry->type) - 1;
}

/* ---- the sender's own server ---- */

static bool has_base(const char *text, const char *base, size_t length)
{
    return text != NULL && strncmp(text, base, length) == 0;
}

/* Whether entries without a fullUrl may be of this server: another entry, the sender's endpoint or
 * what the header points at is. */
bool reference_is_home(struct field_job *job, const char *base, size_t length)
{
    const struct message_entry *header = entries_next(job, "MessageHeader", NULL);
    const struct json *resource = header == NULL ? NULL : header->resource;
    const struct json *focus = json_first(json_get(resource, "focus"));
    const char *endpoint = json_get_text(json_get(resource, "source"), "endpoint");
    if (has_base(endpoint, base, length - 1) ||
        has_base(json_get_text(focus, "reference"), base, length))
        return true;
    return reference_is_server(job, base, length);
}

/* ---- one of several ---- */

/* Which entry is newer by what it says of itself. */
static bool is_newer(const struct message_entry *one, const struct message_entry *other)
{
    const struct json *left = json_get(one->resource, "meta");
    const struct json *right = json_get(other->resource, "meta");
    const char *updated = json_get_text(left, "lastUpdated");
    const char *before = json_get_text(right, "lastUpdated");
    if (updated != NULL && before != NULL && strcmp(updated, before) != 0)
        return strcmp(updated, before) > 0;
    const char *version = json_get_text(left, "versionId");
    const char *earlier = json_get_text(right, "versionId");
    if (version == NULL || earlier == NULL)
        return version != NULL;
    size_t length = strlen(version);
    size_t shorter = strlen(earlier);
    return length != shorter ? length > shorter : strcmp(version, earlier) > 0;
}

static struct message_entry *newest(struct message_entry **found, size_t count, const char *version)
{
    struct message_entry *best = count == 0 ? NULL : found[0];
    for (size_t i = 0; count > 1 && i < count; i++) {
        const char *its = json_get_text(json_get(found[i]->resource, "meta"), "versionId");
        if (version != NULL && text_equal(its, version))
            return found[i];
        if (is_newer(found[i], best))
            best = found[i];
    }
    return best;
}

/* Those whose fullUrl names no server. */
static size_t keep_placeless(struct message_entry **found, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (reference_base(found[i]) == 0)
            found[kept++] = found[i];
    }
    return kept;
}

static size_t keep_of_base(struct message_entry **found, size_t count, const char *base,
                           size_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (reference_base(found[i]) == length && has_base(found[i]->full_url, base, length))
            found[kept++] = found[i];
    }
    return kept;
}

static bool are_of_one_server(struct message_entry **found, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        size_t length = reference_base(found[0]);
        if (reference_base(found[i]) != length ||
            strncmp(found[i]->full_url, found[0]->full_url, length) != 0)
            return false;
    }
    return true;
}

/* ---- the three forms ---- */

static struct message_entry *by_absolute(struct field_job *job, const struct literal *literal)
{
    struct message_entry *found[REFERENCE_CANDIDATES];
    size_t count = reference_with_id(job, literal->type, literal->id, found);
    count = keep_placeless(found, count);
    if (count == 0 || !reference_is_home(job, literal->text, literal->base_length))
        return NULL;
    return newest(found, count, literal->version);
}

static struct message_entry *by_relative(struct field_job *job, const struct literal *literal,
                                         const struct json *container)
{
    struct message_entry *found[REFERENCE_CANDIDATES];
    struct message_entry *kept[REFERENCE_CANDIDATES];
    size_t count = reference_with_id(job, literal->type, literal->id, found);
    if (count == 0)
        return NULL;
    const struct message_entry *holder = entries_of_resource(job, container);
    size_t length = reference_base(holder);
    memcpy(kept, found, count * sizeof *found);
    size_t same = length == 0 ? 0 : keep_of_base(kept, count, holder->full_url, length);
    if (same > 0)
        return newest(kept, same, literal->version);
    if (length == 0 && are_of_one_server(found, count))
        return newest(found, count, literal->version);
    size_t placeless = keep_placeless(found, count);
    return newest(found, placeless, literal->version);
}

static struct message_entry *by_urn(struct field_job *job, const struct json *reference)
{
    static const char uuid[] = "urn:uuid:";
    struct message_entry *found[REFERENCE_CANDIDATES];
    const char *text = json_text(reference);
    size_t count = reference_with_url(job, text, json_length(reference), found);
    if (count > 0)
        return newest(found, count, NULL);
    return text_starts(text, uuid) && reference_with_id(job, NULL, text + strlen(uuid), found) == 1
               ? found[0]
               : NULL;
}

static struct message_urn *known_urn(struct field_job *job, const struct json *reference)
{
    return &job->entries->urns[(uintptr_t)reference / sizeof *reference % URNS_KNOWN];
}

static struct message_entry *by_new_urn(struct field_job *job, const struct json *reference)
{
    struct message_urn *known = known_urn(job, reference);
    *known = (struct message_urn){reference, by_urn(job, reference)};
    return known->entry;
}

struct message_entry *reference_by_literal(struct field_job *job, const struct json *reference,
                                           const struct json *container)
{
    struct message_entry *found[REFERENCE_CANDIDATES];
    const char *text = json_text(reference);
    const struct message_urn *known = known_urn(job, reference);
    if (known->literal == reference)
        return known->entry;
    if (text_starts(text, "urn:"))
        return by_new_urn(job, reference);
    struct literal literal = literal_of(job, text);
    size_t count = reference_with_url(job, text, literal.length, found);
    if (count > 0)
        return newest(found, count, literal.version);
    if (!literal.is_typed)
        return NULL;
    return literal.base_length > 0 ? by_absolute(job, &literal)
                                   : by_relative(job, &literal, container);
}
