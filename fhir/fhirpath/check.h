/* check: an expression against the type model before it runs, for strict evaluation.
 *
 * Called by fhirpath_evaluate when the input is strict. Finds element names that no possible type
 * has, string functions on what has no text, and first/last/skip/take on children, which have no
 * order. What cannot be told (Bundle entries, resolve(), ...) is let pass. */
#ifndef FHIR_FHIRPATH_CHECK_H
#define FHIR_FHIRPATH_CHECK_H

#include "fhir/fhirpath/step.h"

/* TYPE: of the context, or NULL when it is not known. Texts of the fault live in ARENA. */
bool check(struct arena *arena, const struct step *step, const struct definition_type *type,
           struct fhirpath_fault *ret_fault);

#endif
