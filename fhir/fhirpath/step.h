/* step: the compiled form of an expression, a tree of steps.
 *
 * Made by fhir/fhirpath/parse.c, run by the machine. Constant once compiled, so that threads may
 * share it; lives in the arena given to fhirpath_compile. */
#ifndef FHIR_FHIRPATH_STEP_H
#define FHIR_FHIRPATH_STEP_H

#include <stdint.h>

#include "fhir/fhirpath/fhirpath.h"
#include "fhir/fhirpath/value.h"

struct machine;

enum step_kind {
    STEP_CONSTANT, /* step.constant; `{}` is VALUE_NONE */
    STEP_THIS,
    STEP_INDEX,
    STEP_TOTAL,
    STEP_VARIABLE, /* %name */
    STEP_MEMBER,   /* .name */
    STEP_ITEM,     /* [arguments[0]] */
    STEP_CALL,
    STEP_SIGN,   /* unary + or - */
    STEP_BINARY, /* input, operator, arguments[0] */
    STEP_TYPE    /* `is` or `as` as an operator, with step.type */
};

/* A type as an expression names it. */
struct type_name {
    const char *word;                   /* as written, for messages */
    const struct definition_type *fhir; /* NULL: no FHIR type has this name */
    const struct definition_type
        *same;      /* the FHIR primitive of a System name: boolean of Boolean */
    uint8_t system; /* enum value_kind of the System type; VALUE_NONE: none */
    bool is_qualified;
};

enum function_arguments {
    TAKES_VALUES, /* arguments are evaluated where the function stands */
    TAKES_LAMBDA, /* the first is evaluated once an item, which is $this there */
    TAKES_TYPE    /* the one argument names a type */
};

struct step;

struct function {
    const char *name;
    uint8_t least, most; /* number of arguments */
    uint8_t takes;       /* enum function_arguments */
    uint8_t needs;       /* what its input must be, for fhir/fhirpath/check.c */
    uint8_t gives;       /* likewise, what it answers */
    bool (*run)(struct machine *machine, const struct step *step);
};

struct step {
    /* Pushes the step's values on the machine's stack; false: a fault is set. */
    bool (*run)(struct machine *machine, const struct step *step);
    const struct step *input; /* left operand; NULL: $this */
    const struct step *const *arguments;
    const char *name; /* member, variable, operator, function */
    const struct function *function;
    struct value constant;
    struct type_name
        type; /* of `is`, `as`, ofType; of a first member that names a type ("Patient") */
    int line, column;
    uint16_t name_length;
    uint16_t height; /* of the tree below */
    uint8_t kind;    /* enum step_kind */
    uint8_t argument_count;
    bool has_sign; /* the step is a unary minus: `sort` reads it as "descending" */
};

struct fhirpath {
    const struct step *root;
    const char *text;
};

/* NULL: no such function. */
const struct function *function_find(const char *name, size_t length);
/* The run function of a binary operator, or NULL. */
bool (*operator_find(const char *name))(struct machine *machine, const struct step *step);

#endif
