/* named: how a resource that a Reference leads to is named in `received`, for a person to
 * read: "Harbor Chiropractic", "Dr. Ama Osei", a number.
 *
 * Used by message_received for references that no field has read. Decides nothing and makes no
 * claim of anybody. Pure; texts live in the arena of the job or are the message's. */
#ifndef FHIR_MESSAGE_NAMED_H
#define FHIR_MESSAGE_NAMED_H

#include "fhir/message/client.h"

/* What is worth telling of a Reference under KEY that leads to ENTRY; NULL: nothing, since the
 * entry itself is told, or is the client that everything is about. */
const char *named_target(struct field_job *job, const char *key, const struct message_entry *entry);

#endif
