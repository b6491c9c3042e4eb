/* when: what the time of a resource says of its place in a record.
 *
 * R4 lets a message carry covers that ended, appointments that are past and treatments of another
 * day beside those that the record means. Called by message_choose. Pure; what is made lives in the
 * arena of the job. */
#ifndef FHIR_MESSAGE_WHEN_H
#define FHIR_MESSAGE_WHEN_H

#include "fhir/entries/entries.h"
#include "fhir/map/map.h"

/* Why ENTRY, by its time, is no PART of the record; NULL: it may be. */
const char *when_sets_aside(struct field_job *job, const struct map_part *part,
                            const struct message_entry *entry);
/* What is over keeps its place with this word of standing; NULL: it is not over. */
const char *when_standing(const struct field_job *job, const char *type,
                          const struct json *resource);
/* What holds when the message is made is 0; what begins later, and then what is over, is more. */
int when_rank(const struct field_job *job, const struct message_entry *entry);
/* Whether of several the latest comes first: care that ended years ago is not this care. */
bool when_latest_first(const char *type);

#endif
