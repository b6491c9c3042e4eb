/* person: whether two Patient resources of a message are one person.
 *
 * A partner may send a client more than once: as an entry, as a copy inside what is about them, as
 * two records of one person. What contradicts (birth date, gender, record numbers of one system)
 * outweighs whatever is common, since a household shares numbers, names and addresses. Used by
 * message_client. Pure. */
#ifndef FHIR_MESSAGE_PERSON_H
#define FHIR_MESSAGE_PERSON_H

#include "fhir/entries/entries.h"

/* ONE is the client; what came out is kept with OTHER. */
bool person_is_one(struct field_job *job, struct message_entry *one, struct message_entry *other);
/* Whether a Reference's IDENTIFIER means this PATIENT: one of its current numbers, and none that a
 * household or a group may share. */
bool person_has_number(struct field_job *job, const struct json *patient,
                       const struct json *identifier);
/* Whether both have the same system and value. */
bool person_same_number(const struct json *one, const struct json *other);

#endif
