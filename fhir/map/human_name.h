/* human_name: names of the client and of people of the directory <-> a list of HumanName. */
#ifndef FHIR_MAP_HUMAN_NAME_H
#define FHIR_MAP_HUMAN_NAME_H

#include "fhir/field/field.h"

struct human_name { /* members of the local object */
    const char *text, *family, *given;
    const char *latin; /* the whole name in Latin letters; text and latin NULL: it has no such */
};
extern const struct field_kind map_human_name; /* path "name"; option: struct human_name */

#endif
