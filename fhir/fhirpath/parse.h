/* parse: FHIRPath text to steps (grammar of N1 2.0). Called by fhirpath_compile only. */
#ifndef FHIR_FHIRPATH_PARSE_H
#define FHIR_FHIRPATH_PARSE_H

#include "fhir/fhirpath/step.h"

/* NULL: *ret_fault says why. */
const struct step *parse(struct arena *arena, const char *text, size_t length,
                         struct fhirpath_fault *ret_fault);

#endif
