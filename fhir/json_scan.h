/* json_scan: the strict reader (RFC 8259). Private to fhir/json*.c.
 *
 * One pass over the text decides whether it is JSON that we take (see json.h) and hands each value
 * to json.c, which makes the node, in the order of the text. */
#ifndef FHIR_JSON_SCAN_H
#define FHIR_JSON_SCAN_H

#include <stdint.h>

#include "fhir/json.h"

struct json_value { /* as read */
    enum json_kind kind;
    bool is_true;
    char *text;    /* of a text or number, in the arena; else NULL */
    size_t length; /* of that text */
    int offset;    /* byte at which the value starts */
};

struct json_seat {       /* where the next value goes */
    struct json *parent; /* NULL: it is the root */
    struct json *last;   /* child of the parent so far, or NULL */
    char *key;           /* of a member; NULL in a list; in the arena */
    size_t key_length;
    uint32_t key_hash; /* hash_name() of it */
};

/* Nodes are taken from rows of them. */
struct json_nodes {
    struct arena *arena;
    struct json *row;
    size_t left;  /* in the row */
    size_t bytes; /* of the text that is still to come when a row begins: bounds its size */
};

/* Makes the node of VALUE and puts it at SEAT, whose `last` it becomes. Implemented by json.c. */
struct json *json_node_add(struct json_nodes *nodes, struct json_seat *seat,
                           const struct json_value *value);

/* LENGTH bytes at TEXT, which need not end in NUL. NULL: *ret_fault says why. */
struct json *json_scan(struct arena *arena, const char *text, size_t length,
                       const struct json_options *options, struct json_fault *ret_fault);
/* Line and column of the byte at OFFSET; nothing behind it is looked at. */
void json_scan_place(const char *text, size_t offset, int *ret_line, int *ret_column);

#endif
