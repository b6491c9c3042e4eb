/* client_number: the client's numbers <-> Patient.identifier. */
#ifndef FHIR_MAP_CLIENT_NUMBER_H
#define FHIR_MAP_CLIENT_NUMBER_H

#include "fhir/field.h"

/* `client_id` and `client_other_ids`; path "identifier". */
extern const struct field_kind map_client_numbers;

#endif
