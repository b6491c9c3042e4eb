/* json: trees of cJSON nodes, read by the strict scan (json/scan.c) in one pass.
 *
 * `valueint` holds the byte at which a node's value starts in the text, and a number is a cJSON_Raw
 * with its text in `valuestring`, so that printing and comparing never pass through a double; what
 * an object has in that place cJSON neither reads nor, with our hooks, frees. See json.h for the
 * contract. */
#include "fhir/json/json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/json/scan.h"

/* cJSON nodes are what `struct json` points at; these two casts are the whole door. */
static cJSON *in(const struct json *node)
{
    return (cJSON *)(uintptr_t)node;
}

static struct json *out(const cJSON *node)
{
    return (struct json *)(uintptr_t)node;
}

/* ---- memory ---- */

static _Thread_local struct arena *hook_arena;

static void *hook_allocate(size_t size)
{
    return arena_raw(hook_arena, size);
}

static void hook_free(void *memory)
{
    (void)memory; /* the arena's owner frees */
}

static void install_hooks(void)
{
    cJSON_Hooks hooks = {hook_allocate, hook_free};
    cJSON_InitHooks(&hooks);
}

static void use(struct arena *arena)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_hooks);
    hook_arena = arena;
}

/* ---- the layout of a node ---- */

/* In the place of `valuedouble`, which cJSON copies but does not read, because no node of ours is a
 * cJSON_Number, stand the hash and the lengths. */
#define SAME_PLACE(ours, theirs)                                                                   \
    _Static_assert(offsetof(struct json, ours) == offsetof(cJSON, theirs),                         \
                   "struct json is laid out as cJSON is")
SAME_PLACE(next, next);
SAME_PLACE(prev, prev);
SAME_PLACE(child, child);
SAME_PLACE(type, type);
SAME_PLACE(text, valuestring);
SAME_PLACE(offset, valueint);
SAME_PLACE(key_hash, valuedouble);
SAME_PLACE(key, string);
_Static_assert(sizeof(struct json) == sizeof(cJSON), "struct json is laid out as cJSON is");
_Static_assert((int)cJSON_False == JSON_TYPE_FALSE && (int)cJSON_True == JSON_TYPE_TRUE &&
                   (int)cJSON_NULL == JSON_TYPE_NULL && cJSON_Number == 8 &&
                   (int)cJSON_String == JSON_TYPE_TEXT && (int)cJSON_Array == JSON_TYPE_LIST &&
                   (int)cJSON_Object == JSON_TYPE_OBJECT && (int)cJSON_Raw == JSON_TYPE_NUMBER,
               "json_kinds is in the order of these bits");

const unsigned char json_kinds[] = {JSON_BOOLEAN, JSON_BOOLEAN, JSON_NULL,   JSON_NUMBER,
                                    JSON_TEXT,    JSON_LIST,    JSON_OBJECT, JSON_NUMBER};

/* ---- parsing ---- */

bool json_parse(struct arena *arena, const char *text, size_t length,
                const struct json_options *options, struct json_document *ret_document,
                struct json_fault *ret_fault)
{
    struct json *root = json_scan(arena, text, length, options, ret_fault);
    if (root == NULL)
        return false;
    *ret_document = (struct json_document){root, text, length};
    return true;
}

size_t json_offset(const struct json_document *document, const struct json *node)
{
    int root = document->root->offset;
    return (size_t)(node == NULL || node->offset < root ? root : node->offset);
}

void json_place(const struct json_document *document, const struct json *node, int *ret_line,
                int *ret_column)
{
    json_scan_place(document->text, json_offset(document, node), ret_line, ret_column);
}

/* ---- reading ---- */

/* Apart, so that looking up a short name calls nothing and needs no room on the stack. */
static __attribute__((noinline)) struct json *search_long(struct json *member, const char *key,
                                                          size_t length, uint32_t hash)
{
    while (member != NULL && (member->key_hash != hash || json_key_length(member) != length ||
                              memcmp(member->key, key, length) != 0))
        member = member->next;
    return member;
}

struct json *json_search(const struct json *object, const char *key, size_t length, uint32_t hash)
{
    if (object->type != JSON_TYPE_OBJECT)
        return NULL;
    for (struct json *member = object->child; member != NULL; member = member->next) {
        if (member->key_hash != hash)
            continue;
        if (length > HASH_SHORT_NAME)
            return search_long(member, key, length, hash);
        if (member->key_length == length && hash_same_short_name(member->key, key, length))
            return member;
    }
    return NULL;
}

struct json *json_at(const struct json *list, size_t index)
{
    struct json *item = json_first(list);
    while (item != NULL && index-- > 0)
        item = json_next(item);
    return item;
}

size_t json_count(const struct json *list_or_object)
{
    size_t count = 0;
    for (struct json *item = json_first(list_or_object); item != NULL; item = json_next(item))
        count++;
    return count;
}

bool json_true(const struct json *node)
{
    return node != NULL && node->type == cJSON_True;
}

bool json_whole(const struct json *node, long *ret_value)
{
    const char *number = json_number(node);
    if (number == NULL || strpbrk(number, ".eE") != NULL)
        return false;
    errno = 0;
    long value = strtol(number, NULL, 10);
    if (errno != 0)
        return false;
    *ret_value = value;
    return true;
}

struct json *json_find(const struct json *node, ...)
{
    va_list keys;
    va_start(keys, node);
    struct json *at = out(in(node));
    for (const char *key = va_arg(keys, const char *); key != NULL && at != NULL;
         key = va_arg(keys, const char *)) {
        at = json_get(json_kind(at) == JSON_LIST ? json_first(at) : at, key);
    }
    va_end(keys);
    return json_kind(at) == JSON_LIST ? json_first(at) : at;
}

/* ---- making ---- */

static struct json *new_node(struct arena *arena, int type)
{
    struct json *node = arena_raw(arena, sizeof *node);
    *node = (struct json){.type = type};
    return node;
}

/* With a copy of TEXT, in one piece of memory. */
static struct json *new_with_text(struct arena *arena, int type, const char *text)
{
    size_t length = strlen(text);
    struct json *node = arena_raw(arena, sizeof *node + length + 1);
    *node = (struct json){.type = type, .text = (char *)(node + 1)};
    memcpy(node->text, text, length + 1);
    json_note_text(node, length);
    return node;
}

struct json *json_new_object(struct arena *arena)
{
    return new_node(arena, cJSON_Object);
}

struct json *json_new_list(struct arena *arena)
{
    return new_node(arena, cJSON_Array);
}

struct json *json_new_text(struct arena *arena, const char *value)
{
    return new_with_text(arena, cJSON_String, value);
}

struct json *json_new_number(struct arena *arena, const char *number_text)
{
    return new_with_text(arena, cJSON_Raw, number_text);
}

struct json *json_new_whole(struct arena *arena, long value)
{
    return json_new_number(arena, arena_print(arena, "%ld", value));
}

struct json *json_new_boolean(struct arena *arena, bool value)
{
    return new_node(arena, value ? cJSON_True : cJSON_False);
}

struct json *json_new_null(struct arena *arena)
{
    return new_node(arena, cJSON_NULL);
}

/* Behind the last child. */
static void append(struct json *parent, struct json *node)
{
    struct json *first = parent->child;
    if (parent->type == JSON_TYPE_OBJECT)
        parent->names |= json_name_bit(node->key_hash);
    node->next = NULL;
    if (first == NULL) {
        parent->child = node;
        node->prev = node;
    } else {
        node->prev = first->prev;
        first->prev->next = node;
        first->prev = node;
    }
}

static struct json *copy_of(struct arena *arena, const struct json *node, bool with_texts)
{
    struct json *copy = arena_raw(arena, sizeof *copy);
    *copy = *node;
    copy->next = copy->prev = copy->child = NULL;
    json_unmark(copy);
    if (with_texts && (node->type == JSON_TYPE_TEXT || node->type == JSON_TYPE_NUMBER))
        copy->text = arena_copy_n(arena, node->text, json_length(node));
    if (with_texts && node->key != NULL)
        copy->key = arena_copy_n(arena, node->key, json_key_length(node));
    for (const struct json *child = node->child; child != NULL; child = child->next)
        append(copy, copy_of(arena, child, with_texts));
    return copy;
}

struct json *json_copy(struct arena *arena, const struct json *node)
{
    return node == NULL ? NULL : copy_of(arena, node, true);
}

struct json *json_copy_nodes(struct arena *arena, const struct json *node)
{
    return node == NULL ? NULL : copy_of(arena, node, false);
}

struct json *json_set(struct arena *arena, struct json *object, const char *key, struct json *value)
{
    if (value == NULL)
        return NULL;
    size_t length = strlen(key);
    value->key = arena_copy_n(arena, key, length);
    json_note_key(value, length, hash_name(key, length));
    append(object, value);
    return value;
}

struct json *json_put_named(struct json *object, const char *key, size_t length, uint32_t hash,
                            struct json *value)
{
    if (value == NULL)
        return NULL;
    value->key = (char *)(uintptr_t)key; /* nothing writes to it */
    json_note_key(value, length, hash);
    append(object, value);
    return value;
}

struct json *json_new_lasting(struct arena *arena, const char *value)
{
    struct json *node = arena_raw(arena, sizeof *node);
    *node = (struct json){.type = cJSON_String, .text = (char *)(uintptr_t)value};
    json_note_text(node, strlen(value));
    return node;
}

struct json *json_set_text(struct arena *arena, struct json *object, const char *key,
                           const char *value)
{
    return value == NULL ? NULL : json_set(arena, object, key, json_new_text(arena, value));
}

struct json *json_push(struct json *list, struct json *value)
{
    if (value != NULL)
        append(list, value);
    return value;
}

void json_remove(struct json *object, const char *key)
{
    struct json *member = json_get(object, key);
    if (member != NULL)
        cJSON_DetachItemViaPointer(in(object), in(member));
}

void json_move(struct json *from, struct json *member, struct json *to)
{
    if (member != NULL) {
        cJSON_DetachItemViaPointer(in(from), in(member));
        append(to, member);
    }
}

void json_replace(struct arena *arena, struct json *object, const char *key, struct json *value)
{
    struct json *member = json_get(object, key);
    if (member == NULL) {
        json_set(arena, object, key, value);
        return;
    }
    use(arena);
    cJSON_ReplaceItemInObjectCaseSensitive(in(object), key, in(value));
    json_note_key(value, strlen(key), hash_name(key, strlen(key)));
}

/* ---- writing ---- */

void json_print_to(struct text *text, const struct json *node)
{
    switch (json_kind(node)) {
    case JSON_NULL:
        text_add_n(text, "null", 4);
        return;
    case JSON_BOOLEAN:
        text_add(text, json_true(node) ? "true" : "false");
        return;
    case JSON_NUMBER:
        text_add_n(text, node->text, json_length(node));
        return;
    case JSON_TEXT:
        text_add_json_n(text, node->text, json_length(node));
        return;
    default:
        break;
    }
    bool is_object = json_kind(node) == JSON_OBJECT;
    text_add_char(text, is_object ? '{' : '[');
    for (const struct json *child = node->child; child != NULL; child = child->next) {
        if (child != node->child)
            text_add_char(text, ',');
        if (is_object) {
            text_add_json_n(text, child->key, json_key_length(child));
            text_add_char(text, ':');
        }
        json_print_to(text, child);
    }
    text_add_char(text, is_object ? '}' : ']');
}

char *json_print(struct arena *arena, const struct json *node)
{
    if (node == NULL)
        return NULL;
    struct text text = text_new(arena, SIZE_MAX / 4);
    json_print_to(&text, node);
    return text.at;
}

static void new_line(struct text *text, int level)
{
    text_print(text, "\n%*s", level * 2, "");
}

static void print_level(struct text *text, const struct json *node, int level)
{
    enum json_kind kind = json_kind(node);
    if ((kind != JSON_LIST && kind != JSON_OBJECT) || json_first(node) == NULL) {
        json_print_to(text, node);
        return;
    }
    text_add(text, kind == JSON_LIST ? "[" : "{");
    for (struct json *item = json_first(node); item != NULL; item = json_next(item)) {
        if (item != json_first(node))
            text_add(text, ",");
        new_line(text, level + 1);
        if (kind == JSON_OBJECT) {
            text_add_json(text, json_key(item));
            text_add(text, ": ");
        }
        print_level(text, item, level + 1);
    }
    new_line(text, level);
    text_add(text, kind == JSON_LIST ? "]" : "}");
}

char *json_print_pretty(struct arena *arena, const struct json *node)
{
    struct text text = text_new(arena, (size_t)1 << 30);
    print_level(&text, node, 0);
    return text.at;
}

static bool same_members(const struct json *one, const struct json *other)
{
    if (json_count(one) != json_count(other))
        return false;
    for (struct json *member = json_first(one); member != NULL; member = json_next(member)) {
        struct json *match = json_get(other, json_key(member));
        if (match == NULL || !json_same(member, match))
            return false;
    }
    return true;
}

static bool same_items(const struct json *one, const struct json *other)
{
    struct json *left = json_first(one);
    struct json *right = json_first(other);
    while (left != NULL && right != NULL && json_same(left, right)) {
        left = json_next(left);
        right = json_next(right);
    }
    return left == NULL && right == NULL;
}

bool json_same(const struct json *one, const struct json *other)
{
    enum json_kind kind = json_kind(one);
    if (kind != json_kind(other))
        return false;
    switch (kind) {
    case JSON_OBJECT:
        return same_members(one, other);
    case JSON_LIST:
        return same_items(one, other);
    case JSON_TEXT:
        return text_equal(json_text(one), json_text(other));
    case JSON_NUMBER:
        return text_equal(json_number(one), json_number(other));
    case JSON_BOOLEAN:
        return json_true(one) == json_true(other);
    default:
        return true;
    }
}
