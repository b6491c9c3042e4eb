/* issue: what the validator has to say about a resource, and its three outward forms.
 *
 * Made by fhir/validate and fhir/validate/profile; printed by `refgate validate` and answered by
 * the FHIR endpoint. An issue says where (FHIRPath, line, column), what was found, what was
 * expected and the nearest thing that would be right. It shows no value of the resource unless the
 * list's `shows_values` is set. Lists and texts live in the arena of the list. */
#ifndef FHIR_VALIDATE_ISSUE_H
#define FHIR_VALIDATE_ISSUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"
#include "fhir/json/json.h"

enum issue_severity { ISSUE_FATAL, ISSUE_ERROR, ISSUE_WARNING, ISSUE_INFORMATION };

/* Codes of http://hl7.org/fhir/issue-type that we use. */
enum issue_code {
    ISSUE_STRUCTURE,     /* the JSON has another shape: unknown element, wrong kind, too many */
    ISSUE_REQUIRED,      /* an element is missing */
    ISSUE_VALUE,         /* a primitive value breaks its lexical rule */
    ISSUE_CODE_INVALID,  /* a code is not in the required set */
    ISSUE_INVARIANT,     /* a rule of the definition failed; `key` names it */
    ISSUE_NOT_FOUND,     /* a reference leads nowhere */
    ISSUE_INVALID,       /* anything else that is wrong with the content */
    ISSUE_EXTENSION,     /* an extension that may not be ignored, or is malformed */
    ISSUE_NOT_SUPPORTED, /* a profile or modifier that is not known here */
    ISSUE_TOO_LONG,
    ISSUE_TOO_COSTLY, /* a limit of this validator was reached */
    ISSUE_PROCESSING, /* a rule could not be evaluated */
    ISSUE_INFORMATIONAL
};

struct issue {
    enum issue_severity severity;
    enum issue_code code;
    const char *path;        /* "Bundle.entry[0].resource.subject"; NULL: the whole text */
    const struct json *node; /* where it stands; NULL: unknown */
    int line, column;        /* 1-based; 0: unknown */
    const char *found;       /* in words */
    const char *expected;    /* NULL: nothing to add */
    const char *nearest;     /* nearest right name or code, or NULL */
    const char *key;         /* invariant key ("dom-3") or profile rule, or NULL */
    const char *profile;     /* URL of the profile that was broken; NULL: the base definition */
    const char *value;       /* as found; only of a list that shows values */
};

struct issue_list {
    struct arena *arena;
    struct issue *items;
    size_t count, room;
    size_t count_max; /* further issues are only counted, but errors take the place of others */
    size_t errors, warnings, left_out;
    size_t kept; /* of a full list: issues at its end that stay */
    bool shows_values;
};

enum { ISSUE_COUNT_MAX = 1000 }; /* default of count_max */

struct issue_list issue_list_new(struct arena *arena);
/* The issue in place, or NULL when the list is full. Copies nothing; a later call moves it. */
struct issue *issue_add(struct issue_list *list, struct issue issue);
/* True without a fatal issue or an error. */
bool issue_list_passes(const struct issue_list *list);
/* Orders by place in the text and fills line and column of every issue that has a node. */
void issue_list_place(struct issue_list *list, const struct json_document *document);

/* One sentence: "found ...; expected ...; did you mean ...?" */
const char *issue_sentence(struct arena *arena, const struct issue *issue);

/* In each of these forms errors stand before warnings and notes. A whole OperationOutcome. */
struct json *issue_outcome(struct arena *arena, const struct issue_list *list);
/* For people: one line an issue, aligned: LINE:COLUMN  severity  path  sentence. */
void issue_print(const struct issue_list *list, const char *file, struct text *out);
/* {"file":..., "valid":..., "errors":n, "warnings":n, "issue":[...]} and a line end. */
void issue_print_line(const struct issue_list *list, const char *file, struct text *out);
/* What a text that is no JSON says as an issue. */
void issue_add_json_fault(struct issue_list *list, const struct json_fault *fault);

#endif
