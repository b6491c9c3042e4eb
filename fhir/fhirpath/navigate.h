/* navigate: members and children of values. Called by the steps that walk the tree. */
#ifndef FHIR_FHIRPATH_NAVIGATE_H
#define FHIR_FHIRPATH_NAVIGATE_H

#include "fhir/fhirpath/machine.h"

/* Pushes the children of VALUE in the order of the text. */
bool navigate_children(struct machine *machine, const struct step *step, struct value value);

#endif
