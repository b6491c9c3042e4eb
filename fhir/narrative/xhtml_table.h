/* xhtml_table: the elements and attributes that a FHIR narrative may use
 * (https://hl7.org/fhir/R4/narrative.html), as tables. Private to fhir/narrative/xhtml*.c;
 * constant. */
#ifndef FHIR_NARRATIVE_XHTML_TABLE_H
#define FHIR_NARRATIVE_XHTML_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
    XHTML_PARAGRAPH = 1, /* holds text: no block inside it */
    XHTML_BLOCK = 2,     /* not inside a paragraph */
    XHTML_NOT_IN_P = 4,  /* not inside <p> */
    XHTML_ONCE = 8,      /* not inside itself */
    XHTML_EMPTY = 16     /* nothing inside it */
};

struct xhtml_element {
    const char *name;
    unsigned flags;
    const char *parents;  /* that it must stand in; NULL: any */
    const char *children; /* that it may hold; NULL: any */
};

/* Some bytes of the text. */
struct xhtml_span {
    const char *at;
    size_t length;
};

static inline bool xhtml_span_is(struct xhtml_span span, const char *word)
{
    return span.length > 0 && span.at[0] == word[0] && strlen(word) == span.length &&
           memcmp(span.at, word, span.length) == 0;
}

/* NULL: no narrative may have it. */
const struct xhtml_element *xhtml_find_element(struct xhtml_span name);
/* Names that start with xmlns are allowed everywhere. */
bool xhtml_may_have(struct xhtml_span element, struct xhtml_span attribute);

#endif
