/* attachment: see attachment.h. */
#include "gateway/exchange/attachment.h"

#include <string.h>

#include "certs/io/digest.h"
#include "gateway/runtime/file.h"

enum { HASH_TEXT = (DIGEST_SHA1_BYTES + 2) / 3 * 4 + 1 };

static void fault(struct finding_list *findings, size_t position, const char *found,
                  const char *expected)
{
    finding_add(findings, (struct finding){.path = arena_print(findings->arena,
                                                               "attachments[%zu].file", position),
                                           .found = found,
                                           .expected = expected});
}

bool attachment_is_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static void hash_of(const void *bytes, size_t length, char ret_hash[HASH_TEXT])
{
    unsigned char digest[DIGEST_SHA1_BYTES];
    digest_sha1(bytes, length, digest);
    digest_base64(digest, sizeof digest, ret_hash);
}

static struct json *item_of(struct arena *arena, const char *name, const char *bytes, size_t length)
{
    char hash[HASH_TEXT];
    char *data = arena_alloc(arena, (length + 2) / 3 * 4 + 1);
    hash_of(bytes, length, hash);
    digest_base64(bytes, length, data);
    struct json *item = json_new_object(arena);
    json_set_text(arena, item, "file", name);
    json_set_text(arena, item, "data", data);
    json_set_text(arena, item, "hash", hash);
    json_set(arena, item, "size", json_new_whole(arena, (long)length));
    return item;
}

/* One file; LEFT: bytes that the message may still hold. */
static bool load_one(struct arena *arena, struct attachment_folder *folder, const char *name,
                     size_t position, size_t *left, struct json *list,
                     struct finding_list *findings)
{
    struct finding_list why = finding_list_new(arena);
    size_t length = 0;
    if (name == NULL || !attachment_is_name(name)) {
        fault(findings, position, "a path", "the name of a file beside the record");
        return false;
    }
    const char *path = arena_print(arena, "%s/%s", folder->path, name);
    const struct file_identity *known =
        folder->known == NULL ? NULL : folder->known(folder->owner, name);
    bool has_changed;
    const char *bytes = file_read_known(arena, path, *left, known, &has_changed, &length, &why);
    if (has_changed) {
        folder->has_changed = true;
        fault(findings, position, arena_print(arena, "%s, which has just changed", name),
              "a file that nobody writes to any more");
        return false;
    }
    if (bytes == NULL) {
        fault(findings, position, arena_print(arena, "%s: %s", name, why.items[0].found),
              arena_print(arena,
                          "a regular file beside the record, all attachments together at most "
                          "%zu bytes",
                          *left));
        return false;
    }
    *left -= length;
    json_push(list, item_of(arena, name, bytes, length));
    return true;
}

bool attachment_load(struct arena *arena, const struct json *record,
                     struct attachment_folder *folder, size_t bytes_max,
                     struct finding_list *findings, struct json **ret_list)
{
    const struct json *named = json_first(json_get(record, "attachments"));
    struct json *list = json_new_list(arena);
    bool whole = true;
    *ret_list = named == NULL ? NULL : list;
    for (size_t position = 1; named != NULL; named = json_next(named), position++)
        whole = load_one(arena, folder, json_get_text(named, "file"), position, &bytes_max, list,
                         findings) &&
                whole;
    return whole;
}

const unsigned char *attachment_bytes(struct arena *arena, const struct json *item,
                                      size_t *ret_length)
{
    const char *data = json_get_text(item, "data");
    if (data == NULL)
        return NULL;
    size_t length = 0;
    char *plain = arena_alloc(arena, strlen(data) + 1);
    for (; *data != '\0'; data++) {
        if (strchr(" \t\r\n\v\f", *data) == NULL)
            plain[length++] = *data;
    }
    unsigned char *bytes = arena_alloc(arena, length / 4 * 3 + 1);
    long count = digest_unbase64(plain, bytes);
    *ret_length = count < 0 ? 0 : (size_t)count;
    return count < 0 ? NULL : bytes;
}

/* What is wrong with one item; NULL when nothing is. */
static const char *lie_of(struct arena *arena, const struct json *item, const char **ret_expected)
{
    size_t length = 0;
    char hash[HASH_TEXT];
    const char *said = json_get_text(item, "hash");
    const unsigned char *bytes = attachment_bytes(arena, item, &length);
    *ret_expected = "base64 (RFC 4648 section 4)";
    if (bytes == NULL)
        return "data that is no base64";
    hash_of(bytes, length, hash);
    *ret_expected =
        "the SHA-1 of the bytes in data; the attachment was damaged on its way, send it again";
    return said == NULL || strcmp(said, hash) == 0
               ? NULL
               : arena_print(arena, "hash %s beside data whose SHA-1 is %s", said, hash);
}

bool attachment_check(struct arena *arena, const struct json *list, struct finding_list *findings)
{
    size_t before = findings->count;
    size_t position = 1;
    for (const struct json *item = json_first(list); item != NULL;
         item = json_next(item), position++) {
        const char *expected;
        const char *found =
            json_get_text(item, "data") == NULL ? NULL : lie_of(arena, item, &expected);
        if (found != NULL)
            finding_add(findings,
                        (struct finding){.path = arena_print(findings->arena,
                                                             "DocumentReference[%zu].content."
                                                             "attachment",
                                                             position),
                                         .found = found,
                                         .expected = expected});
    }
    return findings->count == before;
}

const struct message_attachment *attachment_items(struct arena *arena, const struct json *list,
                                                  size_t *ret_count)
{
    size_t count = json_count(list);
    struct message_attachment *items = arena_array(arena, count, sizeof *items);
    size_t at = 0;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item), at++) {
        items[at].base64 = json_get_text(item, "data");
        items[at].hash_base64 = json_get_text(item, "hash");
        json_whole(json_get(item, "size"), &items[at].size);
    }
    *ret_count = count;
    return items;
}
