/* reason: why a referral was declined, paused, ended or cancelled, and why a record was retracted.
 *
 * A reason is a code of fhir/codes/reasons.csv; words of its own come only with "other" and are
 * short, because a reason leaves without the client's consent. Used by the mapping of Tasks and
 * retractions, by the track and by the commands. Pure. */
#ifndef FHIR_CODES_REASON_H
#define FHIR_CODES_REASON_H

#include <stdbool.h>

#include "base/arena.h"

/* The code system, under the canonical base. */
#define REASON_SYSTEM "/CodeSystem/reason"

enum { REASON_TEXT_MAX = 200 }; /* characters */

enum reason_use { REASON_OF_MOVE = 1, REASON_OF_RETRACTION = 2 };

struct reason_row {
    const char *code, *display;
    unsigned uses; /* enum reason_use, or'ed */
};

/* NULL: no such code for this use. */
const struct reason_row *reason_find(enum reason_use use, const char *code);
/* What is wrong with a reason that a person gives, with what would be right; NULL when nothing is.
 * CODE NULL: none was given, which is a fault only when it IS_NEEDED. TEXT: words beside it, or
 * NULL. */
const char *reason_fault(struct arena *arena, enum reason_use use, const char *code,
                         const char *text, bool is_needed);
/* TEXT on one line, cut to REASON_TEXT_MAX characters; NULL when nothing is left. */
const char *reason_cut(struct arena *arena, const char *text);
/* As a person reads it: "No capacity", the words given with "other", and words without a code as
 * what the other side said. NULL when there is neither. */
const char *reason_sentence(struct arena *arena, const char *code, const char *text);
/* Of a retracted record, as whoever received it reads it: "wrong-client; destroy it". */
const char *reason_of_retraction(struct arena *arena, const char *code);

#endif
