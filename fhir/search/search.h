/* search: the values that a resource can be found by (https://hl7.org/fhir/R4/search.html),
 * extracted by the expressions of the official search parameters.
 *
 * For whoever keeps resources to be searched; the gateway itself answers no searches
 * (docs/fhirpath.md, "Searching"). A struct search holds the compiled expressions of the types that
 * are stored; it is constant once made and may be used by several threads at once. Pure: nothing is
 * stored here. Parameters without an expression (_text, _content, _query) yield nothing. */
#ifndef FHIR_SEARCH_SEARCH_H
#define FHIR_SEARCH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "fhir/json/json.h"

struct search;

enum search_kind {
    SEARCH_TOKEN,
    SEARCH_STRING,
    SEARCH_DATE,
    SEARCH_REFERENCE,
    SEARCH_QUANTITY,
    SEARCH_URI
};

/* One value of one parameter. Texts live in the resource, in constant tables or in the list's
 * arena. */
struct search_value {
    const char *code; /* of the parameter: "patient", "_lastUpdated" */
    enum search_kind kind;
    /* token: code, or identifier value, "true"; string: as written; reference: as written;
     * quantity: the number as written; uri: as written; date: as written */
    const char *text;
    const char *system; /* of token and quantity; NULL: none is said */
    const char *unit;   /* of quantity: its code, else its unit; or NULL */
    const char *folded; /* of string: lower case, without accents, single spaces */
    /* of date: first and last instant, UTC, "2026-02-28T23:59:59.999Z"; NULL: open */
    const char *low, *high;
    /* of reference: what the last `Type/id` of the text names; NULL: it names none (urn:uuid:..., a
     * canonical) */
    const char *target_type, *target_id;
    /* Values of a composite parameter that belong together have the same number above 0, and
     * `component` counts from 1; 0: not part of a composite. */
    unsigned group, component;
};

struct search_list {
    struct search_value *values;
    size_t count;
};

/* Compiles into ARENA, which must outlive the result. */
struct search *search_new(struct arena *arena);
/* The resource types that search_new compiled for, sorted; ends in NULL. */
const char *const *search_types(void);
/* Whether the parameter exists for TYPE ("_id" for every type); *ret_kind its kind. A composite is
 * SEARCH_TOKEN. */
bool search_parameter(const char *type, const char *code, enum search_kind *ret_kind);

struct search_options {
    const struct json *bundle; /* where references are looked up; NULL: nowhere */
    int zone_minutes;          /* east of UTC: where dates without a time zone are read */
};

/* All values of RESOURCE. A type that the gateway does not store yields the parameters of all
 * resources
 * (_id, _lastUpdated, ...). An expression that fails on the data yields nothing. */
struct search_list search_extract(const struct search *search, struct arena *arena,
                                  const struct json *resource,
                                  const struct search_options *options);

/* First and last instant of a date as a query or a resource writes it; false: it is none. */
bool search_date_range(struct arena *arena, const char *text, int zone_minutes,
                       const char **ret_low, const char **ret_high);

#endif
