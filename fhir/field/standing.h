/* standing: notes what the modifier elements of a received message say (fhir/codes/standing.h),
 * and tells it.
 *
 * What they make no fact of is told first of all that is `received`, with its path, its code and
 * words; it goes into no field, or keeps its place with a word of standing. Used by the mapping
 * tables whose elements hold modifiers and by message_judge. Notes live in the arena of the job. */
#ifndef FHIR_FIELD_STANDING_H
#define FHIR_FIELD_STANDING_H

#include "fhir/codes/standing.h"
#include "fhir/field/field.h"

/* ---- elements ---- */

/* The word of standing that an item read of RESOURCE keeps, or NULL. */
const char *standing_word(const char *type, const struct json *resource);
/* What was understood of the modifiers of OBJECT, of TYPE, is marked, and what a person should know
 * is noted, unless ROWS (NULL: none) have a word for it. For what is read in any case, and for what
 * judge_part has admitted. */
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
/* Notes what SAID says of OBJECT, of TYPE, within the resource ROOT; WHAT it says, or NULL: as the
 * element has it. IS_ASIDE: it goes into no field. What said so is marked. */
void standing_note(struct field_job *job, const struct json *root, const char *type,
                   const struct json *object, const struct standing_said *said, const char *what,
                   bool is_aside);
/* Whether one of ROWS has a word of its own for what the element says ("cancelled", of a meeting).
 */
bool standing_has_word(const struct field *rows, const struct standing_said *said);

/* ---- telling ---- */

/* "This visit" -> "this visit"; abbreviations stay. */
const char *standing_within(struct arena *arena, const char *sentence);
/* BEFORE and MEANING, and behind a colon VALUE (may be NULL), cut to a sane length. */
const char *standing_say(struct arena *arena, const char *before, const char *meaning,
                         const char *value);
/* {path, code, text} of each, put into LIST. */
void standing_put(struct field_job *job, struct json *list);
/* "3 Observation.status entered-in-error, 1 ...": what went into no field and why, for its sender;
 * NULL: everything did. */
const char *standing_summary(struct field_job *job);

#endif
