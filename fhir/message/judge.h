/* judge: what the modifier elements of a received message (fhir/codes/standing.h) do to it.
 *
 * The message as a whole may be refused or taken as a withdrawal; a resource may be no part of the
 * record, or one that is no plain fact; and what no field reads may say of itself that it never
 * happened. All of it is noted (field/standing.h). Called by message_read, message_record_read
 * and message_choose. Pure; lives in the arena of the job. */
#ifndef FHIR_MESSAGE_JUDGE_H
#define FHIR_MESSAGE_JUDGE_H

#include "fhir/field/standing.h"
#include "fhir/map/map.h"
#include "fhir/message/message.h"
#include "fhir/message/split.h"

/* False: nothing of the message may be filed, and IN->refused says why. What takes the order back
 * is noted in the job. */
bool judge_message(struct field_job *job, const struct message_split *split,
                   struct message_inbound *in);
/* Whether ENTRY, by what it says of itself, may be read as PART; if not, that is noted, once. */
bool judge_part(struct field_job *job, const struct map_part *part, struct message_entry *entry);
/* The results of a report that does not hold are set aside with it. */
void judge_reports(struct field_job *job);
/* What a List marks as removed goes into no field. */
void judge_lists(struct field_job *job);
/* So does what another resource of the message takes the place of. */
void judge_replaced(struct field_job *job);

/* ---- when all is read ---- */

/* What no field of this kind of record reads, and which says of itself that it is no fact (entered
 * in error, not to be done, not done, ruled out): that is noted. */
void judge_others(struct field_job *job);
/* The word of standing of the record itself; NULL: it is what it seems. A status that the record
 * has a word for is marked by then. */
const char *judge_record(struct field_job *job, const struct message_split *split);
/* The items of each list of the record that are plain facts go before those that are not. */
void judge_sort(struct field_job *job);

#endif
