/* bound: bytes of a message, text and attachments of a record, when they are those of their
 * row.
 *
 * A payload has a checksum of its own; the row that says where it lies has none, and a bit of that
 * place that changed may lead to the whole bytes of somebody else. So what a row keeps of its bytes
 * is compared with them: of a message their SHA-256, of a record what its text calls it, of its
 * attachments the names that the text gives them. */
#include <string.h>

#include "base/text.h"
#include "certs/io/digest.h"
#include "fhir/json/json.h"
#include "gateway/store/sqlite/sqlite_internal.h"

/* Rows of the first builds have no hash. */
static bool is_hashed(const unsigned char hash[STORE_HASH_BYTES])
{
    static const unsigned char none[STORE_HASH_BYTES];
    return memcmp(hash, none, sizeof none) != 0;
}

const char *store_message_bytes(struct store *store, struct arena *arena,
                                const struct store_message *message, size_t *ret_length)
{
    unsigned char hash[DIGEST_SHA256_BYTES];
    const char *bytes = payload_get(store, arena, message->payload, ret_length);
    if (bytes == NULL || !is_hashed(message->hash))
        return bytes;
    digest_sha256(bytes, *ret_length, hash);
    return memcmp(hash, message->hash, sizeof hash) == 0 ? bytes : NULL;
}

static bool has(const char *text, size_t length, const char *words)
{
    return memmem(text, length, words, strlen(words)) != NULL;
}

/* The text has the member KEY, and never with this value. It is one line, as json_print made it. */
static bool says_other(struct arena *arena, const char *text, size_t length, const char *key,
                       const char *value)
{
    if (value == NULL || !has(text, length, arena_print(arena, "\"%s\":", key)))
        return false;
    const char *member =
        arena_print(arena, "\"%s\":%s", key, json_print(arena, json_new_text(arena, value)));
    return !has(text, length, member);
}

const char *store_record_text(struct store *store, struct arena *arena,
                              const struct store_record *row, size_t *ret_length)
{
    const char *text = payload_get(store, arena, row->payload, ret_length);
    if (text == NULL || says_other(arena, text, *ret_length, "record", row->kind) ||
        says_other(arena, text, *ret_length, "record_id", row->number) ||
        says_other(arena, text, *ret_length, "client_id", row->client))
        return NULL;
    return text;
}

/* Each file that the record names stands in the list under its own name. (Lists of earlier versions
 * hold no names.) */
static bool are_those_named(const struct json *record, const struct json *list)
{
    const struct json *named = json_first(json_get(record, "attachments"));
    const struct json *item = json_first(list);
    for (; named != NULL && item != NULL; named = json_next(named), item = json_next(item)) {
        const char *file = json_get_text(item, "file");
        if (file != NULL && !text_equal(file, json_get_text(named, "file")))
            return false;
    }
    return named == NULL && item == NULL;
}

bool store_record_attachments(struct store *store, struct arena *arena,
                              const struct store_record *row, const struct json *record,
                              const struct json **ret_list)
{
    struct json_document list = {.root = NULL};
    struct json_fault fault;
    size_t length;
    const char *text =
        row->attachments == 0 ? NULL : payload_get(store, arena, row->attachments, &length);
    bool is_read = text != NULL && json_parse(arena, text, length, NULL, &list, &fault);
    *ret_list = is_read ? list.root : NULL;
    return (is_read || row->attachments == 0) && are_those_named(record, *ret_list);
}
