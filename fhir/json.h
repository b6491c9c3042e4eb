/* json: the one door to cJSON. A strict scan in front of it, arena memory beneath it, number text
 * kept.
 *
 * Called by everything that reads or makes JSON. A tree lives in the arena it was parsed into or
 * made with; nothing is freed one by one. Numbers keep their text (FHIR decimals: 1.00 is not 1),
 * both in parsed trees and in made ones. The scan refuses what cJSON would let pass: duplicate
 * keys, invalid UTF-8, control characters, lone surrogates, \u0000, leading zeros, trailing text,
 * too deep, too large (RFC 8259; a byte-order mark before the text is tolerated). No I/O, no
 * globals but the thread-local arena that cJSON's hooks allocate from. */
#ifndef FHIR_JSON_H
#define FHIR_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"

struct json; /* one node; owned by its arena */

enum json_kind { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

enum { JSON_DEPTH_MAX = 64 };

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
    size_t bytes_max; /* 0: no limit */
    int depth_max;    /* 0: JSON_DEPTH_MAX */
    int index_base;   /* number of the first list item in json_fault.path: 0 FHIRPath, 1 records */
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
enum json_kind json_kind(const struct json *node); /* JSON_NULL for NULL */
const char *json_key(const struct json *node);     /* NULL for list items and the root */
struct json *json_get(const struct json *object, const char *key); /* case-sensitive */
struct json *json_first(const struct json *list_or_object);
struct json *json_next(const struct json *node);
struct json *json_at(const struct json *list, size_t index); /* 0-based; linear */
size_t json_count(const struct json *list_or_object);
const char *json_text(const struct json *node);   /* text value, else NULL */
const char *json_number(const struct json *node); /* number as written, else NULL */
bool json_true(const struct json *node);          /* the boolean true */
const char *json_get_text(const struct json *object, const char *key);
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
/* Adds VALUE as the last member; returns VALUE. A NULL VALUE adds nothing. */
struct json *json_set(struct arena *arena, struct json *object, const char *key,
                      struct json *value);
struct json *json_set_text(struct arena *arena, struct json *object, const char *key,
                           const char *value); /* NULL value: nothing is added */
struct json *json_push(struct json *list, struct json *value);
void json_remove(struct json *object, const char *key);
/* Replaces the member KEY in its place, or adds it. */
void json_replace(struct arena *arena, struct json *object, const char *key, struct json *value);

/* ---- writing ---- */
char *json_print(struct arena *arena, const struct json *node);        /* one line */
char *json_print_pretty(struct arena *arena, const struct json *node); /* two spaces a level */
/* Same members (in any order), same items, same number text, same texts. */
bool json_same(const struct json *one, const struct json *other);

#endif
