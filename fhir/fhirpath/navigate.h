/* navigate: members and children of values. Called by the steps that walk the tree. */
#ifndef FHIR_FHIRPATH_NAVIGATE_H
#define FHIR_FHIRPATH_NAVIGATE_H

#include "fhir/fhirpath/machine.h"

/* Pushes the children of VALUE in the order of the text. */
bool navigate_children(struct machine *machine, const struct step *step, struct value value);
/* The member `_KEY` of OBJECT, or NULL. */
const struct json *navigate_companion(const struct json *object, const char *key);
/* Fills child, is_primitive and is_resource of *ret_lookup. */
void navigate_child(const struct definition_type *parent, const struct definition_choice *choice,
                    struct lookup *ret_lookup);

#endif
