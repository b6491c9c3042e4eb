/* client_number: the client's numbers <-> Patient.identifier. */
#ifndef FHIR_MAP_CLIENT_NUMBER_H
#define FHIR_MAP_CLIENT_NUMBER_H

#include "fhir/field/field.h"

/* `client_id` and `client_other_ids`; path "identifier". */
extern const struct field_kind map_client_numbers;

/* False of a number that a household or a group may share: of a member, policy, account or visit.
 */
bool client_number_is_personal(const struct json *identifier);

/* The number of CLINIC's client that an Identifier alone tells (of a Reference); NULL: none, as it
 * is of another sort or of another clinic. */
const char *client_number_of(struct field_job *job, struct json *identifier, const char *clinic);

#endif
