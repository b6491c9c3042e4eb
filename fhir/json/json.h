/* json: the one door to cJSON. A strict scan in front of it, arena memory beneath it, number text
 * kept.
 *
 * Called by everything that reads or makes JSON. A tree lives in the arena it was parsed into or
 * made with; nothing is freed one by one. Numbers keep their text (FHIR decimals: 1.00 is not 1),
 * both in parsed trees and in made ones. The scan refuses what cJSON would let pass: duplicate
 * keys, invalid UTF-8, control characters, lone surrogates, \u0000, leading zeros, trailing text,
 * too deep, too large, too many members or values (RFC 8259; a byte-order mark before the text is
 * tolerated). No I/O, no globals but the thread-local arena that cJSON's hooks allocate from. */
#ifndef FHIR_JSON_JSON_H
#define FHIR_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/text.h"

enum json_kind { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

enum {
    JSON_DEPTH_MAX = 64,
    JSON_MEMBERS_MAX = 512 /* of one object; the largest of FHIR has about 130 */
};

/* A node's `type`; json.c proves that it is cJSON's. */
enum json_type {
    JSON_TYPE_FALSE = 1,
    JSON_TYPE_TRUE = 2,
    JSON_TYPE_NULL = 4,
    JSON_TYPE_TEXT = 16,
    JSON_TYPE_LIST = 32,
    JSON_TYPE_OBJECT = 64,
    JSON_TYPE_NUMBER = 128 /* as written */
};

/* One node, owned by its arena. It is a cJSON node, written down again so that reading one needs no
 * call; json.c proves that both have the same layout. Read it through the functions below, and
 * change it through those of json.c, which keep the hash and the lengths true. */
struct json {
    struct json *next, *prev; /* siblings; of the first child `prev` is the last */
    struct json *child;       /* first item or member */
    int type;                 /* enum json_type */
    union {
        char *text;      /* value of a text; a number as written */
        uintptr_t names; /* of an object: json_name_bit() of each member; of a list 0 */
    };
    int offset;                         /* of a parsed node: byte at which its value starts */
    _Alignas(double) uint32_t key_hash; /* hash_name() of `key` */
    uint32_t key_length : 8;            /* JSON_KEY_LONG: that or more */
    uint32_t text_length : 23;          /* JSON_TEXT_LONG: that or more */
    uint32_t is_marked : 1;             /* see json_mark() */
    char *key;                          /* of a member, else NULL */
};
enum { JSON_KEY_LONG = 0xff, JSON_TEXT_LONG = 0x7fffff };
extern const unsigned char json_kinds[]; /* enum json_kind by the number of the type's bit */

/* Why a text is not JSON that we take. Texts live in the arena given to json_parse. */
struct json_fault {
    const char *found;    /* "the text ends", "the field is given twice", ... */
    const char *expected; /* what would be right; may be NULL */
    const char *path;     /* of the value or repeated field: `a.b[2].c`; NULL at the root */
    size_t offset;        /* byte */
    int line, column;     /* 1-based; columns count characters */
    bool is_repeat;       /* a field given twice: `path` names it */
};

struct json_options {
    size_t bytes_max;  /* 0: no limit */
    int depth_max;     /* 0: JSON_DEPTH_MAX */
    size_t values_max; /* objects, lists and plain values together; 0: no limit */
    size_t number_max; /* characters of a number, and two of its exponent; 0: no limit */
    int index_base;    /* number of the first list item in json_fault.path: 0 FHIRPath, 1 records */
};

/* A parsed text with the places of its nodes. */
struct json_document {
    struct json *root;
    const char *text; /* as given to json_parse; must outlive the document */
    size_t length;
};

/* Parses LENGTH bytes at TEXT (need not end in NUL). On failure returns false and fills *ret_fault.
 */
bool json_parse(struct arena *arena, const char *text, size_t length,
                const struct json_options *options, struct json_document *ret_document,
                struct json_fault *ret_fault);
/* Line and column (1-based) of a node of this document. */
void json_place(const struct json_document *document, const struct json *node, int *ret_line,
                int *ret_column);

/* Byte at which a node's value starts in the text of this document. */
size_t json_offset(const struct json_document *document, const struct json *node);

/* ---- reading; every function accepts NULL for a node and answers as for "not there" ---- */

static inline enum json_kind json_kind(const struct json *node) /* JSON_NULL for NULL */
{
    return node == NULL ? JSON_NULL
                        : (enum json_kind)json_kinds[__builtin_ctz((unsigned)node->type)];
}

static inline struct json *json_first(const struct json *list_or_object)
{
    return list_or_object == NULL ? NULL : list_or_object->child;
}

static inline struct json *json_next(const struct json *node)
{
    return node == NULL ? NULL : node->next;
}

/* NULL for list items and the root. */
static inline const char *json_key(const struct json *node)
{
    return node == NULL ? NULL : node->key;
}

/* The value of a text, else NULL. */
static inline const char *json_text(const struct json *node)
{
    return node != NULL && node->type == JSON_TYPE_TEXT ? node->text : NULL;
}

/* A number as written, else NULL. */
static inline const char *json_number(const struct json *node)
{
    return node != NULL && node->type == JSON_TYPE_NUMBER ? node->text : NULL;
}

/* Bytes of a text or of a number as written. */
static inline size_t json_length(const struct json *node)
{
    return node->text_length == JSON_TEXT_LONG ? strlen(node->text) : node->text_length;
}

static inline size_t json_key_length(const struct json *member)
{
    return member->key_length == JSON_KEY_LONG ? strlen(member->key) : member->key_length;
}

static inline uintptr_t json_name_bit(uint32_t hash)
{
    return (uintptr_t)1 << (hash & (8 * sizeof(uintptr_t) - 1));
}

/* False: no member's key has this hash_name(). Most questions end here, at one word of the node;
 * of a node that is no object the answer means nothing. */
static inline bool json_may_have(const struct json *object, uint32_t hash)
{
    return object != NULL && (object->names & json_name_bit(hash)) != 0;
}

/* The same of a name that stands in the source: its hash is a constant. */
static inline __attribute__((always_inline)) bool json_may_have_key(const struct json *object,
                                                                    const char *key)
{
    return json_may_have(object, hash_name(key, strlen(key)));
}

/* json_member() of one that it may have. */
struct json *json_search(const struct json *object, const char *key, size_t length, uint32_t hash);

/* The member KEY, of LENGTH bytes, whose hash_name() is HASH. */
static inline struct json *json_member(const struct json *object, const char *key, size_t length,
                                       uint32_t hash)
{
    return json_may_have(object, hash) ? json_search(object, key, length, hash) : NULL;
}

/* The member KEY; case counts. The hash of a name that stands in the source is a constant. */
static inline __attribute__((always_inline)) struct json *json_get(const struct json *object,
                                                                   const char *key)
{
    return json_member(object, key, strlen(key), hash_name(key, strlen(key)));
}

static inline __attribute__((always_inline)) const char *json_get_text(const struct json *object,
                                                                       const char *key)
{
    return json_text(json_get(object, key));
}

/* MEMBER is called KEY. */
static inline __attribute__((always_inline)) bool json_has_key(const struct json *member,
                                                               const char *key)
{
    size_t length = strlen(key);
    return member->key_hash == hash_name(key, length) && member->key_length == length &&
           hash_same_name(member->key, key, length);
}

/* A mark for who reads a tree; it is no part of what the tree says, and a copy has none. */
static inline void json_mark(struct json *node) /* NULL: nothing */
{
    if (node != NULL)
        node->is_marked = 1;
}

static inline void json_unmark(struct json *node) /* NULL: nothing */
{
    if (node != NULL)
        node->is_marked = 0;
}

static inline bool json_marked(const struct json *node)
{
    return node != NULL && node->is_marked;
}

struct json *json_at(const struct json *list, size_t index); /* 0-based; linear */
size_t json_count(const struct json *list_or_object);
bool json_true(const struct json *node); /* the boolean true */
/* The value as a whole number; false when it is none or out of range. */
bool json_whole(const struct json *node, long *ret_value);
/* Walks keys: json_find(node, "a", "b", NULL) is node.a.b; in a list the first item is taken. */
struct json *json_find(const struct json *node, ...) __attribute__((sentinel));

/* ---- making ---- */
struct json *json_new_object(struct arena *arena);
struct json *json_new_list(struct arena *arena);
struct json *json_new_text(struct arena *arena, const char *value);
struct json *json_new_number(struct arena *arena, const char *number_text);
struct json *json_new_whole(struct arena *arena, long value);
struct json *json_new_boolean(struct arena *arena, bool value);
struct json *json_new_null(struct arena *arena);
struct json *json_copy(struct arena *arena, const struct json *node);
/* A copy whose texts and keys are those of NODE and must live as long. */
struct json *json_copy_nodes(struct arena *arena, const struct json *node);
/* Adds VALUE as the last member; returns VALUE. A NULL VALUE adds nothing. */
struct json *json_set(struct arena *arena, struct json *object, const char *key,
                      struct json *value);
struct json *json_set_text(struct arena *arena, struct json *object, const char *key,
                           const char *value); /* NULL value: nothing is added */
/* As json_set and json_set_text, but nothing is copied: KEY is a word of the source, and VALUE
 * lives as long as the tree. */
struct json *json_put_named(struct json *object, const char *key, size_t length, uint32_t hash,
                            struct json *value);
struct json *json_new_lasting(struct arena *arena, const char *value);
static inline __attribute__((always_inline)) struct json *
json_put(struct json *object, const char *key, struct json *value)
{
    return json_put_named(object, key, strlen(key), hash_name(key, strlen(key)), value);
}
static inline __attribute__((always_inline)) struct json *
json_put_text(struct arena *arena, struct json *object, const char *key, const char *value)
{
    return value == NULL ? NULL : json_put(object, key, json_new_lasting(arena, value));
}
struct json *json_push(struct json *list, struct json *value);
void json_remove(struct json *object, const char *key);
/* Takes MEMBER (NULL: nothing) out of FROM and puts it, with its key, behind the members of TO. */
void json_move(struct json *from, struct json *member, struct json *to);
/* Replaces the member KEY in its place, or adds it. */
void json_replace(struct arena *arena, struct json *object, const char *key, struct json *value);

/* ---- writing ---- */
char *json_print(struct arena *arena, const struct json *node); /* one line */
void json_print_to(struct text *text, const struct json *node);
char *json_print_pretty(struct arena *arena, const struct json *node); /* two spaces a level */
/* Same members (in any order), same items, same number text, same texts. */
bool json_same(const struct json *one, const struct json *other);

#endif
