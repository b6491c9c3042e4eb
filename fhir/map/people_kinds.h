/* people_kinds: kinds of field that Practitioner and Organization share. */
#ifndef FHIR_MAP_PEOPLE_KINDS_H
#define FHIR_MAP_PEOPLE_KINDS_H

#include "fhir/field/field.h"

/* The NPI, else the handle, <-> a list of Identifier. Path "identifier"; option: "person",
 * "clinic".
 */
extern const struct field_kind map_who;
/* One word of code tables <-> a list of CodeableConcept. Path "specialty" or "type". */
extern const struct field_kind map_profession;

#endif
