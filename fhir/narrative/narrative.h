/* narrative: readable text <-> the XHTML of FHIR narratives (R4 narrative.html). Pure. */
#ifndef FHIR_NARRATIVE_NARRATIVE_H
#define FHIR_NARRATIVE_NARRATIVE_H

#include <stddef.h>

#include "base/text.h"
#include "fhir/json/json.h"

enum { NARRATIVE_BYTES_MAX = 1024 * 1024 };

/* A division under construction: <div><p>..</p><ul>..</ul></div>. */
struct narrative {
    struct text text;
};

struct narrative narrative_start(struct arena *arena);
void narrative_paragraph(struct narrative *narrative, const char *label, const char *text);
/* Items of a list: between narrative_list and narrative_end_list. */
void narrative_list(struct narrative *narrative, const char *label);
void narrative_item(struct narrative *narrative, const char *text);
void narrative_end_list(struct narrative *narrative);
/* The Narrative element {status: generated, div}; NULL when nothing readable was added. */
struct json *narrative_element(struct arena *arena, struct narrative *narrative);

/* The text of a div without its marks, for a person to read. */
char *narrative_plain(struct arena *arena, const char *div);

#endif
