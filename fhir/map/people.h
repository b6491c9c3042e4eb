/* people: handles of the directory <-> Practitioner, PractitionerRole, Organization,
 * Endpoint.
 *
 * Outbound every handle that is mentioned gets its resources once. Inbound a person or clinic is
 * matched by NPI to a handle of the directory, else is a claim of the partner's (map/claim.h).
 * Lives in the arena of the job. */
#ifndef FHIR_MAP_PEOPLE_H
#define FHIR_MAP_PEOPLE_H

#include "fhir/field/field.h"
#include "fhir/map/claim.h"

/* A Reference to the person or clinic of HANDLE, whose resources are added when they are not there.
 */
struct json *people_reference(struct field_job *job, const char *handle);
/* The same where only an Organization may stand: NULL for a person. */
struct json *people_organization(struct field_job *job, const char *handle);
/* The handle of its clinic; HANDLE itself when no clinic is known. */
const char *people_clinic(struct field_job *job, const char *handle);
/* The name a person reads; HANDLE itself when there is none. */
const char *people_name(const struct field_job *job, const char *handle);
/* The endpoint of a clinic's system. */
const char *people_endpoint(struct field_job *job, const char *clinic);

/* base/sid/NPI-or-handle/WHAT ("client", "record"): the number systems of a clinic. */
const char *people_system(struct field_job *job, const char *clinic, const char *what);
/* Back: the handle of the clinic, also under another base; NULL: not such a system. */
const char *people_system_clinic(struct field_job *job, const char *system, const char *what);

/* The handle that a Reference (or its display alone) means; NULL: nobody is named. CONTAINER: the
 * resource it stands in, for contained ones; may be NULL. */
const char *people_handle(struct field_job *job, struct json *reference, struct json *container);
/* Of a list of References the one that counts, as R4 gives their order no meaning: a person before
 * a clinic, one at CLINIC (may be NULL) or else of the directory before a stranger; NULL: nobody.
 */
struct json *people_choose(struct field_job *job, struct json *list, struct json *container,
                           const char *clinic);
/* Whether an Identifier is a valid NPI; by its URI or its OID. */
bool people_is_npi(const struct json *identifier);
/* Whom a message of SENDER (a clinic) names as its author: HANDLE when that is somebody there, else
 * as the sender claims it; never one of our people or of a third clinic. */
const char *people_author(struct field_job *job, const char *handle, const char *sender);

#endif
