/* contact: telephone, e-mail and address of the client and of people of the directory <->
 * ContactPoint and Address. */
#ifndef FHIR_MAP_CONTACT_H
#define FHIR_MAP_CONTACT_H

#include "fhir/field/field.h"

struct contact {
    const char *phone, *email; /* members of the local object */
    const char *const *uses;   /* whom to call where, best first; "" for none, NULL at the end */
};
extern const struct field_kind map_contact; /* path "telecom"; option: struct contact */
extern const char *const contact_uses_of_client[], *const contact_uses_of_people[];

/* Path "address"; option: the member of the local object. */
extern const struct field_kind map_address;

#endif
