/* profile_tree: a profile as a tree of constrained elements. Private to fhir/validate/profile*.c.
 *
 * A node stands for one element below its parent; its slices stand beside its children, each a node
 * of the same name. Only what the profile says is set; what it does not say, the base checks. */
#ifndef FHIR_VALIDATE_PROFILE_TREE_H
#define FHIR_VALIDATE_PROFILE_TREE_H

#include "fhir/fhirpath/fhirpath.h"
#include "fhir/json/json.h"
#include "fhir/model/definitions.h"
#include "fhir/validate/profile.h"

enum { PROFILE_UNSET = -1 };

struct profile_type_row {
    const char *code;            /* "Reference" */
    const char *const *profiles; /* `profile` of the type; NULL-terminated, or NULL */
    const char *const *targets;  /* `targetProfile`; likewise */
    struct profile_type_row *next;
};

struct profile_rule { /* a constraint with FHIRPath */
    const char *key, *human;
    bool is_error;
    const char *expression;
    const struct fhirpath *compiled;
    struct profile_rule *next;
};

enum profile_discriminator { BY_VALUE, BY_EXISTS, BY_TYPE, BY_PROFILE };

struct profile_slicing {
    enum profile_discriminator by;
    const char *path;                /* "$this", "code", "value.ofType(Quantity)" */
    const struct fhirpath *compiled; /* of path */
    struct profile_slicing *next;
};

struct profile_node {
    const char *name;  /* element: "component", "value" */
    const char *slice; /* slice name, or NULL */
    long min, max;     /* PROFILE_UNSET: not said; max LONG_MAX: * */
    const struct json *fixed, *pattern;
    struct profile_type_row *types;                  /* NULL: not said */
    const struct definition_value_set *required_set; /* NULL: no required binding that we know */
    const char *required_url; /* of a required binding to a set that is not FHIR's; or NULL */
    const struct json *minimum, *maximum; /* minValue[x], maxValue[x]; or NULL */
    long length_max;
    bool must_support;
    struct profile_rule *rules;
    struct profile_slicing *slicing; /* of an element with slices */
    bool is_closed;                  /* slicing: every item must be in a slice */
    struct profile_node *children, *slices;
    struct profile_node *next; /* sibling */
};

struct profile {
    const char *url, *version, *type, *base, *file;
    const struct json *definition; /* the StructureDefinition */
    const struct definition_type *model;
    struct profile_node *root;
    bool is_linked, is_linking, is_broken;
    struct profile *next;
};

struct profile_set {
    struct arena *arena;
    struct profile *first, *last;
    struct profile_codes *codes; /* value sets that came along */
    size_t count;
};

/* A value set that came along, by URL with or without version; NULL: none. */
const struct profile_codes *profile_codes_find(const struct profile_set *set, const char *url);
struct profile_node *profile_child(const struct profile_node *node, const char *name);

#endif
