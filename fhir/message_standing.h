/* message_standing: acts on what the modifier elements of a received message say (fhir/standing.h).
 *
 * What they make no fact of is told first of all that is `received`, with its path, its code and
 * words; it goes into no field, or keeps its place with a word of standing. Used by the files that
 * read a message and by the mapping tables whose elements hold modifiers. Lives in the arena of the
 * job. */
#ifndef FHIR_MESSAGE_STANDING_H
#define FHIR_MESSAGE_STANDING_H

#include "fhir/map/map.h"
#include "fhir/message.h"
#include "fhir/message_split.h"
#include "fhir/standing.h"

/* ---- the message as a whole ---- */

/* False: nothing of it may be filed, and IN->refused says why. What takes the order back is noted
 * in the job. */
bool standing_allows(struct field_job *job, const struct message_split *split,
                     struct message_inbound *in);
/* The word of standing of the record itself; NULL: it is what it seems. Call it when all is read:
 * a status that the record has a word for was marked by then. */
const char *standing_of_record(struct field_job *job, const struct message_split *split);

/* ---- resources ---- */

/* Whether ENTRY, by what it says of itself, may be read as PART; if not, that is noted, once. */
bool standing_admits(struct field_job *job, const struct map_part *part,
                     struct message_entry *entry);
/* The word of standing that an item read of RESOURCE keeps, or NULL. */
const char *standing_word(const char *type, const struct json *resource);
/* What was understood of the modifiers of OBJECT, of TYPE, is marked, and what a person should know
 * is noted, unless ROWS (NULL: none) have a word for it. For what is read in any case, and for what
 * standing_admits has admitted. */
void standing_tell(struct field_job *job, const struct json *root, const char *type,
                   struct json *object, const struct field *rows);
/* Whether OBJECT, of TYPE, within the resource ROOT goes into no field; then that is noted with
 * WHAT it says (NULL: that stands beside it). */
bool standing_sets_aside(struct field_job *job, const struct json *root, const char *type,
                         const struct json *object, struct json *what);
/* That ELEMENT of OBJECT goes into no field for a reason of its reader's, which TEXT says. */
void standing_leave_out(struct field_job *job, const struct json *root, const char *type,
                        const struct json *object, const char *element, const char *text);
/* As standing_sets_aside for a Quantity with a comparator, which is a limit and no value. */
bool standing_is_limit(struct field_job *job, const struct json *quantity);
/* The results of a report that does not hold are set aside with it. */
void standing_of_reports(struct field_job *job);
/* What a List marks as removed goes into no field. */
void standing_of_lists(struct field_job *job);
/* What no field of this kind of record reads, and which says of itself that it is no fact (entered
 * in error, not to be done, not done, ruled out): that is noted. Call it when all is read. */
void standing_of_others(struct field_job *job);
/* The items of each list of the record that are plain facts go before those that are not. */
void standing_sort(struct field_job *job);

/* ---- telling ---- */

/* {path, code, text} of each, put into LIST. */
void standing_put(struct field_job *job, struct json *list);
/* "3 Observation.status entered-in-error, 1 ...": what went into no field and why, for its sender;
 * NULL: everything did. */
const char *standing_summary(struct field_job *job);

#endif
