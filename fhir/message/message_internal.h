/* message_internal: what the files that read a message share: message_read (the envelope),
 * message_move_read (moves and retractions) and message_record_read (records). Everything lives in
 * the arena of the job. */
#ifndef FHIR_MESSAGE_MESSAGE_INTERNAL_H
#define FHIR_MESSAGE_MESSAGE_INTERNAL_H

#include "fhir/message/split.h"

/* Adds a finding; returns false, for the caller to return. */
bool message_refuse(struct finding_list *findings, const char *path, const char *found,
                    const char *expected);

void move_read(struct field_job *job, const struct message_split *split,
               struct message_inbound *in);
/* What the Task said, as LOCAL holds it, into MOVE. */
void move_take(struct field_job *job, const struct json *local, struct message_move *move);
/* The Task status that a ServiceRequest alone stands for; NULL: it has none. */
const char *move_status_of_order(const struct message_entry *order);

/* Whether the record of the message says of itself that it was a mistake. */
bool retraction_is(const struct message_split *split);
/* False with a finding: it does not say which record it takes back. */
bool retraction_read(struct field_job *job, const struct message_split *split,
                     struct message_inbound *in, struct finding_list *findings);

void record_read_message(struct field_job *job, const struct message_split *split,
                         struct message_inbound *in);

#endif
