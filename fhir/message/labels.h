/* labels: security labels of a received message, wherever they stand. */
#ifndef FHIR_MESSAGE_LABELS_H
#define FHIR_MESSAGE_LABELS_H

#include "fhir/field/field.h"

/* Adds to `sensitivity` of the record what any label of the Bundle of JOB says: on the Bundle
 * itself, on any resource, or of a document. */
void labels_read(struct field_job *job);
/* Whether one of LABELS says a word of `sensitivity` of the record. */
bool labels_have_word(struct field_job *job, const struct json *labels);
/* Whether the record says all that LABEL does: its word is there, or it is the "restricted" that
 * our own messages put beside each word. */
bool labels_said(struct field_job *job, const struct json *label, bool is_beside_word);

#endif
