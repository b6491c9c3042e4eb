/* xhtml: the safe subset of XHTML that a FHIR narrative may use
 * (https://hl7.org/fhir/R4/narrative.html, invariants txt-1 and txt-2).
 *
 * Called by the validator for every Narrative.div. One pass, no tree; texts of the fault live in
 * the arena. It must be well-formed XML, one <div> of the XHTML namespace, with the elements and
 * attributes of that page only: no script, no form, no event handler, no active link. */
#ifndef FHIR_NARRATIVE_XHTML_H
#define FHIR_NARRATIVE_XHTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct xhtml_fault {
    const char *key;   /* "txt-1", "txt-2", or NULL: the text is no XHTML at all */
    const char *found; /* names of elements and attributes only, never text */
    const char *expected;
    size_t offset; /* byte in the text */
};

/* A name that links go by, one of a list. */
struct xhtml_name {
    const char *text;
    struct xhtml_name *next;
};

enum { XHTML_DEPTH_MAX = 128, XHTML_ATTRIBUTES_MAX = 32 /* of one element */ };

/* False: *ret_fault says what is wrong first. *ret_links: the names x that href="#x" and src="#x"
 * point at; may be NULL. */
bool xhtml_check(struct arena *arena, const char *text, struct xhtml_name **ret_links,
                 struct xhtml_fault *ret_fault);
/* What may be pointed at in TEXT: each id, and each name of an <a>; up to the first fault. */
struct xhtml_name *xhtml_anchors(struct arena *arena, const char *text);

#endif
