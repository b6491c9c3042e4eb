/* xhtml: the safe subset of XHTML that a FHIR narrative may use
 * (https://hl7.org/fhir/R4/narrative.html, invariants txt-1 and txt-2).
 *
 * Called by the validator for every Narrative.div. One pass, no tree; texts of the fault live in
 * the arena. It must be well-formed XML, one <div> of the XHTML namespace, with the elements and
 * attributes of that page only: no script, no form, no event handler, no active link. */
#ifndef FHIR_XHTML_H
#define FHIR_XHTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct xhtml_fault {
    const char *key;   /* "txt-1", "txt-2", or NULL: the text is no XHTML at all */
    const char *found; /* names of elements and attributes only, never text */
    const char *expected;
    size_t offset; /* byte in the text */
};

enum { XHTML_DEPTH_MAX = 128 };

/* False: *ret_fault says what is wrong first. */
bool xhtml_check(struct arena *arena, const char *text, struct xhtml_fault *ret_fault);

#endif
