/* words: what a CodeableConcept says in words, and several of them as one text of a record. */
#ifndef FHIR_FIELD_WORDS_H
#define FHIR_FIELD_WORDS_H

#include "fhir/field/field.h"

/* The text of CONCEPT; where it has none, what its best coding is called. NULL: it has no words. */
struct json *words_of(struct field_job *job, const struct json *concept);

/* A text <-> the text of a CodeableConcept. */
extern const struct field_kind map_words;
/* The same of a list of them; several of another system's become one text: "Neck pain; headache".
 * Path: the list itself. */
extern const struct field_kind map_words_of_all;
/* A text -> one more Annotation of a list, and all of the list that say something -> the text. Two
 * rows, so that notes which tell something else can stand between them. OPTION of the second: what
 * stands between two ("\n"). */
extern const struct field_kind map_note;  /* path "note[+]", "note[0]" */
extern const struct field_kind map_notes; /* path "note" */

#endif
