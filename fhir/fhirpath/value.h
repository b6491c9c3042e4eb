/* value: what FHIRPath collections are made of.
 *
 * A value is either a place in the JSON tree (a node with its type of the definitions, read only
 * when something asks for its content) or a computed System value. Values are 24 bytes, copied
 * freely; what they point at lives in the tree, the expression or the session's scratch memory. */
#ifndef FHIR_FHIRPATH_VALUE_H
#define FHIR_FHIRPATH_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fhir/fhirpath/decimal.h"
#include "fhir/fhirpath/moment.h"
#include "fhir/json/json.h"
#include "fhir/model/definitions.h"

enum value_kind {
    VALUE_NONE, /* no value: a primitive that has only extensions, a text that is no date, ... */
    VALUE_NODE,
    VALUE_BOOLEAN,
    VALUE_INTEGER,
    VALUE_DECIMAL,
    VALUE_TEXT,
    VALUE_DATE,
    VALUE_DATETIME,
    VALUE_TIME,
    VALUE_QUANTITY,
    VALUE_TYPE_NAME, /* the answer of type(): text is "System.Integer" */
    VALUE_STUB,      /* a resource known only by its type (fhirpath_input.guess_references) */
    VALUE_MANY       /* only as $this, where defineVariable() runs on a whole collection */
};

struct quantity {
    struct decimal value;
    const char *unit; /* UCUM code, or calendar word as written */
    bool is_calendar;
    bool is_foreign; /* the unit is plain words or of another system: only equal to itself */
};

struct value {
    uint8_t kind;
    uint16_t type; /* of a node: index in definition_types; 0: not known */
    union {
        const struct json *node; /* of VALUE_NODE; NULL when there is only the companion */
        long long whole;         /* of VALUE_BOOLEAN (0, 1) and VALUE_INTEGER */
        const char *text;
        const struct decimal *decimal;
        const struct moment *moment;
        const struct quantity *quantity;
        const struct value_list *list; /* of VALUE_MANY */
    };
    const struct json *companion; /* of a primitive node: its `_name` object, or NULL */
};

struct value_list {
    const struct value *values;
    size_t count;
};

/* A part of the machine's stack. */
struct slice {
    size_t from, to;
};

static inline struct value value_node(const struct json *node, const struct json *companion,
                                      unsigned type)
{
    return (struct value){
        .kind = VALUE_NODE, .type = (uint16_t)type, .node = node, .companion = companion};
}

static inline struct value value_boolean(bool is_true)
{
    return (struct value){.kind = VALUE_BOOLEAN, .whole = is_true};
}

static inline struct value value_integer(long long whole)
{
    return (struct value){.kind = VALUE_INTEGER, .whole = whole};
}

static inline struct value value_text(const char *text)
{
    return (struct value){.kind = VALUE_TEXT, .text = text};
}

#endif
