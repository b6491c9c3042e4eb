/* message_reference: the four ways in which a Reference names its target: fullUrl, id, identifier,
 * `#id` of a contained resource.
 *
 * Used by message_entries only, while a message is read. A message with few entries that asks
 * little is gone through; for all others the names are sorted once (look_up.h), so that no number
 * of entries, identifiers and references multiplies. */
#ifndef FHIR_MESSAGE_REFERENCE_H
#define FHIR_MESSAGE_REFERENCE_H

#include "fhir/message_entries.h"

/* The first entry that it leads to, or NULL. REFERENCE is the text of the Reference. */
struct message_entry *reference_by_url(struct field_job *job, const struct json *reference);
/* TYPE NULL: of any. */
struct message_entry *reference_by_id(struct field_job *job, const char *type, const char *id);
/* By the Reference's own `identifier`, and `type` where it has one. */
struct message_entry *reference_by_identifier(struct field_job *job, const struct json *reference);
/* Of CONTAINER (may be NULL). */
struct json *reference_contained(struct field_job *job, const struct json *container,
                                 const char *id);

#endif
