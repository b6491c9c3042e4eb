/* attachment: see attachment.h. */
#include "gateway/attachment.h"

#include <string.h>

#include "certs/digest.h"
#include "gateway/file.h"

static void fault(struct finding_list *findings, size_t position, const char *found,
                  const char *expected)
{
    finding_add(findings, (struct finding){.path = arena_print(findings->arena,
                                                               "attachments[%zu].file", position),
                                           .found = found,
                                           .expected = expected});
}

static bool is_base_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static struct json *item_of(struct arena *arena, const char *bytes, size_t length)
{
    unsigned char digest[DIGEST_SHA1_BYTES];
    char hash[(DIGEST_SHA1_BYTES + 2) / 3 * 4 + 1];
    char *data = arena_alloc(arena, (length + 2) / 3 * 4 + 1);
    digest_sha1(bytes, length, digest);
    digest_base64(digest, sizeof digest, hash);
    digest_base64(bytes, length, data);
    struct json *item = json_new_object(arena);
    json_set_text(arena, item, "data", data);
    json_set_text(arena, item, "hash", hash);
    json_set(arena, item, "size", json_new_whole(arena, (long)length));
    return item;
}

/* One file; LEFT: bytes that the message may still hold. */
static bool load_one(struct arena *arena, const char *folder, const char *name, size_t position,
                     size_t *left, struct json *list, struct finding_list *findings)
{
    struct finding_list why = finding_list_new(arena);
    size_t length = 0;
    if (name == NULL || !is_base_name(name)) {
        fault(findings, position, "a path", "the name of a file beside the record");
        return false;
    }
    const char *path = arena_print(arena, "%s/%s", folder, name);
    const char *bytes = file_read(arena, path, *left, &length, &why);
    if (bytes == NULL) {
        fault(findings, position, arena_print(arena, "%s: %s", name, why.items[0].found),
              arena_print(arena,
                          "a regular file beside the record, all attachments together at most "
                          "%zu bytes",
                          *left));
        return false;
    }
    *left -= length;
    json_push(list, item_of(arena, bytes, length));
    return true;
}

bool attachment_load(struct arena *arena, const struct json *record, const char *folder,
                     size_t bytes_max, struct finding_list *findings, struct json **ret_list)
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
