/* identifier: numbers of records, orders and parts of a record <-> Identifier. Those of the client
 * stand in client_number, those of people in practitioner.c. */
#ifndef FHIR_MAP_IDENTIFIER_H
#define FHIR_MAP_IDENTIFIER_H

#include "fhir/field/choice.h"

/* {system, value} of the record's own number. Path "identifier"; option: NULL where R4 has one, any
 * other where it has a list. */
extern const struct field_kind map_record_number;
/* {value} alone, in a list. Path "identifier". Read where nothing says that it is of another sort.
 */
extern const struct field_kind map_bare_number;

/* Judges an order's number, never one that is old or has ended. Option: the code of its type
 * ("PLAC", "FILL"); NULL: the placer's, whatever its type, unless that is of another sort. */
choice_judge identifier_of_order;

#endif
