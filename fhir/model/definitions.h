/* definitions: the FHIR R4 (4.0.1) type model as constant tables, and look-ups over them.
 *
 * fhir/model/definitions/generate.py makes the tables at build time from the official definitions
 * beside it; nothing is parsed or allocated at run time. Called by the validator, FHIRPath, search
 * and profiles. Every row is constant and valid forever; any thread may read. Rows point at each
 * other by index, so that the tables need no relocation at start-up; the functions below turn
 * indexes into pointers.
 *
 * Names: a type is "Patient", "HumanName", "string", or the path of a nested element that has
 * children of its own ("Observation.component"). An element is one field of a type, named as
 * FHIRPath names it
 * ("value"). A choice is one way to write an element in JSON: its member name ("valueQuantity") and
 * the one type that this name stands for; an element that is no choice of types has exactly one. */
#ifndef FHIR_MODEL_DEFINITIONS_H
#define FHIR_MODEL_DEFINITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

enum definition_kind {
    DEFINITION_PRIMITIVE, /* JSON text, number or boolean (and `_name` beside it) */
    DEFINITION_DATATYPE,  /* HumanName, Extension, ... */
    DEFINITION_BACKBONE,  /* nested: Observation.component, Timing.repeat */
    DEFINITION_RESOURCE
};

/* The lexical rules of fhir/model/primitive.h, one for each primitive type. */
enum definition_primitive {
    PRIMITIVE_NONE,
    PRIMITIVE_BASE64BINARY,
    PRIMITIVE_BOOLEAN,
    PRIMITIVE_CANONICAL,
    PRIMITIVE_CODE,
    PRIMITIVE_DATE,
    PRIMITIVE_DATETIME,
    PRIMITIVE_DECIMAL,
    PRIMITIVE_ID,
    PRIMITIVE_INSTANT,
    PRIMITIVE_INTEGER,
    PRIMITIVE_MARKDOWN,
    PRIMITIVE_OID,
    PRIMITIVE_POSITIVEINT,
    PRIMITIVE_STRING,
    PRIMITIVE_TIME,
    PRIMITIVE_UNSIGNEDINT,
    PRIMITIVE_URI,
    PRIMITIVE_URL,
    PRIMITIVE_UUID,
    PRIMITIVE_XHTML
};

/* Of which choices a text alone tells that it is right (fhir/validate/plain.c): there is one of it,
 * and no invariant is about it. */
enum definition_plain {
    PLAIN_NOT,
    PLAIN_TEXT,   /* by the lexical rule of its type */
    PLAIN_STRING, /* the same, of a string or markdown */
    PLAIN_URI,    /* of a uri, url or canonical, and it leads somewhere */
    PLAIN_CODE    /* and it is in the required set */
};

enum definition_strength {
    BINDING_NONE,
    BINDING_EXAMPLE,
    BINDING_PREFERRED,
    BINDING_EXTENSIBLE,
    BINDING_REQUIRED
};

struct definition_type {
    uint64_t required;        /* bit i: the element of rank i has min > 0 */
    uint32_t slot;            /* first in definition_slots */
    uint32_t name;            /* offset in definition_words */
    uint16_t base;            /* type; 0: none (Element, Resource) */
    uint16_t element;         /* first in definition_elements, in the order of the definition */
    uint16_t element_count;   /* at most 64 */
    uint16_t constraint;      /* first in definition_constraint_lists */
    uint8_t constraint_count; /* of this type itself and of every base */
    uint8_t kind;             /* enum definition_kind */
    uint8_t primitive;        /* enum definition_primitive */
    bool is_abstract;         /* Resource, DomainResource, Element, BackboneElement */
    uint16_t slot_mask;       /* of the key table, which has one slot more */
    uint8_t name_length;
};

struct definition_element {
    uint32_t name;        /* FHIRPath name: "value" of value[x]; offset in definition_words */
    uint16_t type;        /* the type that has this element */
    uint16_t choice;      /* first in definition_choices */
    uint8_t choice_count; /* 1 unless is_choice */
    uint8_t min;          /* 0 or 1 */
    bool is_list;         /* max is `*` */
    bool is_forbidden;    /* max is 0 */
    bool is_choice;       /* the JSON name carries the type */
    bool is_modifier;
    bool is_summary;
    uint8_t strength;         /* enum definition_strength */
    uint16_t value_set;       /* in definition_value_sets; 0: no enumerated set */
    uint8_t constraint_count; /* of the element only; those of its type are with the type */
    uint16_t constraint;
    uint32_t value_set_url; /* offset in definition_words; 0: no binding */
};

struct definition_choice {
    uint32_t key; /* JSON member name; offset in definition_words */
    uint16_t element;
    uint16_t type;        /* 0: `key` is only the stem ("value"), which JSON never uses */
    uint16_t target;      /* first in definition_targets */
    uint8_t target_count; /* types a Reference or canonical may point at; 0: any */
    uint8_t key_length;
    uint8_t rank;  /* of the element within its type: 0, 1, 2, ... */
    uint8_t plain; /* enum definition_plain */
};

struct definition_constraint {
    uint32_t key;        /* "dom-3"; offset in definition_words */
    uint32_t expression; /* FHIRPath text */
    bool is_error;       /* else a warning */
};

/* An invariant that only asks which children exist: bit i of `truth` is its answer when the set
 * bits of i are the children (of these ranks) that are there. */
struct definition_presence {
    uint32_t truth;
    uint8_t rank_count;
    uint8_t ranks[5];
};

struct definition_value_set {
    uint32_t url;
    uint32_t slot;      /* first in definition_slots */
    uint16_t slot_mask; /* of its codes' table, which has one slot more */
    uint16_t code;      /* first in definition_codes, sorted by code, then system */
    uint16_t code_count;
};

struct definition_code {
    uint32_t code, system; /* offsets in definition_words */
};

struct definition_slot {
    uint16_t tag; /* upper half of the key's hash_name(); 0, which no key has: empty */
    uint16_t row; /* choice; of the table of types a type, of a value set the first such code */
};

struct definition_search { /* one search parameter of one resource type */
    uint32_t code;         /* "patient" */
    uint32_t kind;         /* "token", "reference", ... */
    uint32_t expression;   /* FHIRPath text; may be empty */
    uint16_t type;         /* of the resource */
    uint16_t target;       /* first in definition_targets */
    uint8_t target_count;
    uint8_t component_count; /* of a composite parameter */
    uint16_t component;      /* first in definition_search_components */
};

struct definition_search_component {
    uint32_t definition; /* name of the parameter: "Observation-code" */
    uint32_t expression;
};

extern const char definition_words[];
extern const struct definition_type definition_types[];
extern const struct definition_element definition_elements[];
extern const struct definition_choice definition_choices[];
extern const struct definition_constraint definition_constraints[];
extern const uint16_t definition_constraint_lists[];
/* Beside definition_constraint_lists: the row of definition_presences, or 0. */
extern const uint16_t definition_presence_lists[];
extern const struct definition_presence definition_presences[];
extern const uint16_t definition_targets[];
extern const struct definition_value_set definition_value_sets[];
extern const struct definition_code definition_codes[];
extern const struct definition_slot definition_slots[], definition_type_slots[];
extern const struct definition_search definition_searches[];
extern const struct definition_search_component definition_search_components[];
extern const unsigned definition_type_count, definition_constraint_count,
    definition_value_set_count, definition_search_count, definition_type_slot_mask;

/* ---- from a row to the text or row it points at ---- */

static inline const char *definition_word(uint32_t offset)
{
    return definition_words + offset;
}

static inline const char *definition_type_name(const struct definition_type *type)
{
    return definition_words + type->name;
}

static inline const char *definition_element_name(const struct definition_element *element)
{
    return definition_words + element->name;
}

static inline const struct definition_element *
definition_element_of(const struct definition_choice *choice)
{
    return &definition_elements[choice->element];
}

/* The type that this JSON name stands for. Of a Reference the targets are definition_targets[]. */
static inline const struct definition_type *
definition_type_of(const struct definition_choice *choice)
{
    return &definition_types[choice->type];
}

/* NULL at the end of the chain. */
static inline const struct definition_type *definition_base(const struct definition_type *type)
{
    return type->base == 0 ? NULL : &definition_types[type->base];
}

static inline unsigned definition_type_index(const struct definition_type *type)
{
    return (unsigned)(type - definition_types);
}

/* ---- look-ups ---- */

/* A type by its full name, or NULL. */
const struct definition_type *definition_find(const char *name);
/* The same; NAME has LENGTH bytes. */
const struct definition_type *definition_find_n(const char *name, size_t length);
/* What the JSON member KEY of LENGTH bytes (without a leading `_`) means in TYPE, or NULL. The stem
 * of a choice ("value") is found with type 0: it is no JSON name. */
const struct definition_choice *definition_key(const struct definition_type *type, const char *key,
                                               size_t length);
/* The choice in SLOT is written KEY. */
static inline bool definition_is_key(const struct definition_slot *slot, const char *key,
                                     size_t length)
{
    const struct definition_choice *choice = &definition_choices[slot->row];
    return choice->key_length == length &&
           hash_same_name(definition_words + choice->key, key, length);
}

/* definition_key_hashed() of a key that is not in the slot of its hash. */
const struct definition_choice *definition_key_search(const struct definition_type *type,
                                                      const char *key, size_t length,
                                                      uint32_t hash);

/* The same as definition_key(); HASH is the hash_name() of the key. Most stand in their own slot.
 */
static inline const struct definition_choice *
definition_key_hashed(const struct definition_type *type, const char *key, size_t length,
                      uint32_t hash)
{
    const struct definition_slot *slot = &definition_slots[type->slot + (hash & type->slot_mask)];
    if (slot->tag == hash >> 16 && definition_is_key(slot, key, length))
        return &definition_choices[slot->row];
    return definition_key_search(type, key, length, hash);
}

/* The element of TYPE that FHIRPath calls NAME ("value", "subject"), or NULL. */
const struct definition_element *definition_child(const struct definition_type *type,
                                                  const char *name);
/* TYPE is ANCESTOR or derived from it. */
bool definition_is(const struct definition_type *type, const struct definition_type *ancestor);

/* An enumerated value set by its URL (without `|version`), or NULL. */
const struct definition_value_set *definition_value_set_find(const char *url);
/* CODE is in the set; SYSTEM NULL: in any system. */
bool definition_value_set_has(const struct definition_value_set *set, const char *system,
                              const char *code);
/* CODE, of LENGTH bytes, is in the set, in any system. */
bool definition_value_set_has_code(const struct definition_value_set *set, const char *code,
                                   size_t length);

/* Search parameter CODE of the resource type named TYPE: its own, else that of DomainResource or
 * Resource; or NULL. */
const struct definition_search *definition_search_find(const char *type, const char *code);

#endif
