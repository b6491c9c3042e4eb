/* regex: regular expressions for matches(), matchesFull() and replaceMatches() (FHIRPath N1 2.0
 * section 5.6): the one door to PCRE2.
 *
 * Called by text functions. `.` matches line ends too (single-line mode). Memory comes from the
 * machine, work is charged to its steps: a pattern that runs away is a fault, never a hang.
 * Patterns written as constants are compiled once a session. */
#ifndef FHIR_FHIRPATH_REGEX_H
#define FHIR_FHIRPATH_REGEX_H

#include "fhir/fhirpath/machine.h"

/* FLAGS: NULL or letters of "im". IS_FULL: the whole text must match. */
bool regex_matches(struct machine *machine, const struct step *step, const char *pattern,
                   const char *flags, const char *text, bool is_full, bool *ret_matches);
/* Every match replaced; $1 and ${name} in REPLACEMENT stand for groups, $$ for $. */
bool regex_replace(struct machine *machine, const struct step *step, const char *pattern,
                   const char *flags, const char *text, const char *replacement,
                   const char **ret_text);

#endif
