/* people: kinds of field that Practitioner and Organization share. */
#ifndef FHIR_MAP_PEOPLE_H
#define FHIR_MAP_PEOPLE_H

#include "fhir/field.h"

extern const struct field_kind map_npi; /* ten digits <-> Identifier */
extern const struct field_kind
    map_handle; /* the handle of who has no NPI; option: "person", "clinic" */

#endif
