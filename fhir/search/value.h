/* value: from what an expression found to the values that can be searched
 * (https://hl7.org/fhir/R4/search.html#ptypes). Called by search.c only. */
#ifndef FHIR_SEARCH_VALUE_H
#define FHIR_SEARCH_VALUE_H

#include "fhir/fhirpath/fhirpath.h"
#include "fhir/search/search.h"

struct search_maker {
    struct arena *arena;
    void (*take)(void *taker, const struct search_value *value); /* copies *VALUE */
    void *taker;
    int zone_minutes;
    const char *code; /* put on every value, with the next ones */
    enum search_kind kind;
    unsigned group, component;
};

/* The values of FOUND for a parameter of maker->kind; none when the type of FOUND does not fit. */
void search_make(struct search_maker *maker, const struct fhirpath_value *found);
/* The same, with the kind that the type of FOUND suggests: for components. */
void search_make_any(struct search_maker *maker, const struct fhirpath_value *found);

#endif
