/* fhirpath: FHIRPath (N1 2.0 with the R4 additions, https://hl7.org/fhir/R4/fhirpath.html),
 * compiled once, evaluated over parsed JSON trees.
 *
 * Called by the validator (every invariant), fhir/search (extraction) and `refgate fhirpath`. Pure:
 * no file, clock or network; `now` is an argument. A compiled expression is constant and may be
 * used by several threads at once; a session belongs to one thread. Nothing here can run away:
 * steps, depth and memory have ceilings, and passing one is a fault, not a crash. */
#ifndef FHIR_FHIRPATH_FHIRPATH_H
#define FHIR_FHIRPATH_FHIRPATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "fhir/json/json.h"
#include "fhir/model/definitions.h"

struct fhirpath;         /* a compiled expression; lives in the arena given to fhirpath_compile */
struct fhirpath_session; /* buffers and caches reused by evaluations, one thread */

enum {
    FHIRPATH_TEXT_MAX = 64 * 1024,         /* bytes of an expression */
    FHIRPATH_DEPTH_MAX = 200,              /* nesting of an expression, and of its evaluation */
    FHIRPATH_STEPS_MAX = 10 * 1000 * 1000, /* default of fhirpath_input.steps_max */
    FHIRPATH_MEMORY_MAX = 64 * 1024 * 1024 /* bytes; default of fhirpath_input.memory_max */
};

enum fhirpath_fault_kind {
    FHIRPATH_FAULT_NONE,
    FHIRPATH_FAULT_SYNTAX,    /* the text is no FHIRPath */
    FHIRPATH_FAULT_SEMANTIC,  /* unknown function, element or type; an operator that does not fit */
    FHIRPATH_FAULT_EXECUTION, /* refused for these data: several items where one is needed, ... */
    FHIRPATH_FAULT_LIMIT      /* steps, depth or memory */
};

struct fhirpath_fault {
    enum fhirpath_fault_kind kind;
    const char *message; /* what was found and what was expected; shows no patient data */
    int line, column;    /* 1-based place in the expression; columns count characters */
};

/* Compiles TEXT, which need not outlive the result. False: *ret_fault says why. */
bool fhirpath_compile(struct arena *arena, const char *text, const struct fhirpath **ret_expression,
                      struct fhirpath_fault *ret_fault);

/* What an expression is evaluated on. Zeroed members take the default named beside them. */
struct fhirpath_input {
    const struct json *resource;      /* %resource: nearest resource around the context */
    const struct json *root_resource; /* %rootResource: the one that contains it; NULL: resource */
    const struct json *context;       /* %context and first $this; NULL: companion, else resource */
    const struct json *companion;     /* `_name` object of a primitive context, or NULL */
    const struct definition_type *type; /* of the context; NULL: what its resourceType says */
    const struct json *bundle; /* where resolve() looks for other resources; NULL: nowhere */
    const char
        *now; /* dateTime with offset for now(), today(), timeOfDay(); NULL: those are faults */
    bool guess_references; /* resolve() answers an empty resource of the type that a reference to
                              elsewhere names (search); else nothing */
    bool strict;           /* an element name that the type does not have is a fault, not empty */
    size_t steps_max;      /* 0: FHIRPATH_STEPS_MAX */
    size_t memory_max;     /* 0: FHIRPATH_MEMORY_MAX */
    /* conformsTo(profile) and memberOf(value set) beyond the base definitions: true when the answer
     * is known, with the answer in *ret_answer. NULL: base definitions only. */
    bool (*ask)(void *asked, const char *function, const struct json *node, const char *type,
                const char *url, bool *ret_answer);
    void *asked;
};

struct fhirpath_value {
    const char *type; /* "FHIR.string", "FHIR.Patient", "System.Integer", "FHIR.Patient.contact" */
    const char *text; /* of a primitive: as FHIR writes it (dates without @); NULL: none */
    const struct json *node;      /* of a value that stands in the tree; NULL: computed */
    const struct json *companion; /* `_name` object of a primitive in the tree, or NULL */
};

struct fhirpath_result {
    struct fhirpath_value *values;
    size_t count;
};

/* Evaluates; values live in ARENA (nodes in their tree). False: *ret_fault says why. */
bool fhirpath_evaluate(struct arena *arena, const struct fhirpath *expression,
                       const struct fhirpath_input *input, struct fhirpath_result *ret_result,
                       struct fhirpath_fault *ret_fault);

/* ---- many evaluations on one tree: the validator's way ---- */

/* A session in ARENA, with what stays the same for all evaluations. Change
 * *fhirpath_session_input() between evaluations (context, companion, type, resource); everything
 * made by an evaluation is forgotten at the next one. Expressions must outlive the session: it
 * remembers them by address. */
struct fhirpath_session *fhirpath_session_new(struct arena *arena,
                                              const struct fhirpath_input *input);
struct fhirpath_input *fhirpath_session_input(struct fhirpath_session *session);

enum fhirpath_truth {
    FHIRPATH_FALSE, /* the boolean false, or an empty collection */
    FHIRPATH_TRUE,  /* the boolean true, or anything else that is not empty */
    FHIRPATH_FAULTY /* *ret_fault says why */
};
/* Steps that the last evaluation took. */
size_t fhirpath_session_spent(const struct fhirpath_session *session);
/* An invariant: allocates nothing once the session is warm, unless the expression makes texts.
 * RET_FAULT may be NULL. */
enum fhirpath_truth fhirpath_is_true(struct fhirpath_session *session,
                                     const struct fhirpath *expression,
                                     struct fhirpath_fault *ret_fault);
/* Like fhirpath_evaluate; the result lives until the session's next evaluation. */
bool fhirpath_session_evaluate(struct fhirpath_session *session, const struct fhirpath *expression,
                               struct fhirpath_result *ret_result,
                               struct fhirpath_fault *ret_fault);

#endif
