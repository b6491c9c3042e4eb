/* document_reference: an attachment <-> DocumentReference, its bytes inline. */
#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/field/choice.h"
#include "fhir/map/part.h"

enum { FILE_NAME_MAX_BYTES = 150 };

/* att-1: inline data needs a content type; this one says that the record names none. */
static const char unsaid[] = "application/octet-stream";

/* RFC 6838 section 4.2: type "/" subtype, restricted names. */
static bool is_media_type(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+";
    if (text == NULL)
        return false;
    size_t first = strspn(text, letters);
    size_t second = text[first] == '/' ? strspn(text + first + 1, letters) : 0;
    return first > 0 && second > 0 && text[first + 1 + second] == '\0';
}

static const struct message_attachment *bytes_of(const struct field_job *job)
{
    const struct message_record_options *options = job->options;
    if (options == NULL || job->index >= options->attachment_count)
        return NULL;
    const struct message_attachment *attachment = &options->attachments[job->index];
    return attachment->base64 == NULL ? NULL : attachment;
}

static struct json *write_attachment(struct field_job *job, const struct field *field,
                                     const struct json *value)
{
    const struct message_attachment *bytes = bytes_of(job);
    const char *type = json_get_text(value, "media_type");
    bool is_type = is_media_type(type) && strcmp(type, unsaid) != 0;
    struct json *attachment = json_new_object(job->arena);
    (void)field;
    if (type != NULL && !is_type)
        field_keep(job, "media_type", json_get(value, "media_type"));
    if (is_type || bytes != NULL)
        json_set_text(job->arena, attachment, "contentType", is_type ? type : unsaid);
    if (bytes != NULL) {
        json_set_text(job->arena, attachment, "data", bytes->base64);
        json_put(attachment, "size", json_new_whole(job->arena, bytes->size));
        json_set_text(job->arena, attachment, "hash", bytes->hash_base64);
    }
    json_set_text(job->arena, attachment, "title", json_get_text(value, "file"));
    return attachment;
}

/* What an attachment without a title of its own is called as a file: by what its document says of
 * itself, else by its kind alone. */
static const char *file_of(struct field_job *job, const struct json *into)
{
    const char *title = json_get_text(into, "title");
    if (text_is_blank(title) || strlen(title) > FILE_NAME_MAX_BYTES)
        return "attachment";
    char *name = arena_copy(job->arena, title);
    for (char *at = name; *at != '\0'; at++)
        *at = *at == '/' || *at == '\\' ? '-' : *at;
    return name;
}

/* The Binary of the message that `url` leads to, a contained one too; NULL: none with bytes. */
static struct json *binary_of(struct field_job *job, const struct json *attachment)
{
    const char *url = json_get_text(attachment, "url");
    struct json *reference = json_new_object(job->arena);
    if (url == NULL)
        return NULL;
    json_set_text(job->arena, reference, "reference", url);
    struct json *binary = entries_resource(job, reference, job->resource);
    bool has_bytes = text_equal(json_get_text(binary, "resourceType"), "Binary") &&
                     json_get_text(binary, "data") != NULL;
    return has_bytes ? binary : NULL;
}

/* A name alone is an attachment that comes another way; a name at an address is a file elsewhere.
 */
static bool has_file(const struct json *attachment, const struct json *bytes)
{
    return json_get(bytes, "data") != NULL ||
           (json_get_text(attachment, "title") != NULL && json_get(attachment, "url") == NULL);
}

/* The bytes go to message_inbound.attachments; the gateway writes them beside the record. */
static struct json *read_attachment(struct field_job *job, const struct field *field,
                                    struct json *node, struct json *into)
{
    static const char *const bytes[] = {"data", "size", "hash"};
    struct json *binary = json_get(node, "data") == NULL ? binary_of(job, node) : NULL;
    struct json *source = binary != NULL ? binary : node;
    struct json *type = json_get(node, "contentType");
    struct json *title = json_get(node, "title");
    (void)field;
    if (!has_file(node, source))
        return NULL;
    if (binary != NULL) {
        json_mark(json_get(node, "url"));
        json_mark(json_get(binary, "contentType"));
        type = type != NULL ? type : json_get(binary, "contentType");
    }
    if (json_text(title) != NULL) {
        json_put(into, "file", json_copy_nodes(job->arena, title));
        json_mark(title);
    } else {
        json_set_text(job->arena, into, "file", file_of(job, into));
    }
    json_mark(type);
    if (json_text(type) != NULL && strcmp(json_text(type), unsaid) != 0)
        json_put(into, "media_type", json_copy_nodes(job->arena, type));
    struct json *kept = json_new_object(job->arena);
    json_put(kept, "file", json_copy_nodes(job->arena, json_get(into, "file")));
    json_put(kept, "media_type", json_copy_nodes(job->arena, type));
    for (size_t i = 0; i < 3; i++) {
        struct json *from = strcmp(bytes[i], "data") == 0 ? source : node;
        json_set(job->arena, kept, bytes[i], json_copy_nodes(job->arena, json_get(from, bytes[i])));
        json_mark(json_get(from, bytes[i]));
    }
    if (job->attachments == NULL)
        job->attachments = json_new_list(job->arena);
    json_push(job->attachments, kept);
    return NULL;
}

static const struct field_kind attachment = {write_attachment, read_attachment};

const struct field map_document[] = {{NULL, "status", &field_constant, "current"},
                                     {NULL, "subject", &field_link, "Patient"},
                                     {"title", "description", &field_plain, NULL},
                                     {NULL, "content[0].attachment", &attachment, NULL},
                                     FIELD_END};

/* False: there is no file to attach. */
static bool add_item(struct field_job *job, const char *local, struct json *item)
{
    struct json *list = json_get(job->record, local);
    if (json_get(item, "file") == NULL)
        return false;
    if (json_get(item, "title") == NULL) /* every attachment is called something */
        json_put(item, "title", json_copy_nodes(job->arena, json_get(item, "file")));
    if (list == NULL)
        list = json_set(job->arena, job->record, local, json_new_list(job->arena));
    json_push(list, item);
    return true;
}

static void tell_no_file(struct field_job *job, struct json *document)
{
    struct message_entry *entry = entries_of_resource(job, document);
    if (entry == NULL)
        entry = entries_of_contained(job, document);
    if (entry != NULL)
        entry->aside = "not filed: a file of it is not in this message";
}

/* A document in several formats (R4: `content` repeats) is as many attachments of one title. */
void map_read_document(struct field_job *job, const struct map_part *part, struct json *document)
{
    struct json *content = json_first(json_get(document, "content"));
    struct json *title = json_get(document, "description");
    struct json *item = json_new_object(job->arena);
    field_read(job, part->rows, document, item);
    bool has_all = add_item(job, part->local, item);
    if (!has_all && title != NULL)
        json_unmark(title);
    while (content != NULL && (content = json_next(content)) != NULL) {
        item = json_new_object(job->arena);
        if (json_text(title) != NULL)
            json_put(item, "title", json_copy_nodes(job->arena, title));
        read_attachment(job, NULL, json_get(content, "attachment"), item);
        has_all = add_item(job, part->local, item) && has_all;
    }
    if (!has_all)
        tell_no_file(job, document);
}

/* ---- files of other resources: a report's, a picture, what was sent along with a message ---- */

/* CONTENT becomes an attachment called TITLE, else what it is called itself. */
static void add_file(struct field_job *job, const struct map_part *part, const struct json *title,
                     struct json *content)
{
    struct json *item = json_new_object(job->arena);
    if (content == NULL)
        return;
    if (json_text(title) != NULL)
        json_put(item, "title", json_copy_nodes(job->arena, title));
    read_attachment(job, NULL, content, item);
    add_item(job, part->local, item);
}

static void read_report(struct field_job *job, const struct map_part *part, struct json *report)
{
    const struct json *title = words_of(job, json_get(report, "code"));
    for (struct json *form = json_first(json_get(report, "presentedForm")); form != NULL;
         form = json_next(form))
        add_file(job, part, title, form);
}

static void read_media(struct field_job *job, const struct map_part *part, struct json *media)
{
    add_file(job, part, NULL, json_get(media, "content"));
}

static void read_communication(struct field_job *job, const struct map_part *part,
                               struct json *communication)
{
    for (struct json *payload = json_first(json_get(communication, "payload")); payload != NULL;
         payload = json_next(payload))
        add_file(job, part, NULL, json_get(payload, "contentAttachment"));
}

const struct map_part map_file_parts[] = {
    {.local = "attachments", .type = "DiagnosticReport", .read = read_report},
    {.local = "attachments", .type = "Media", .read = read_media},
    {.local = "attachments", .type = "Communication", .read = read_communication},
    {.type = NULL}};
