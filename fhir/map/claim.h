/* claim: what a partner says of people and clinics whom the directory does not know.
 *
 * A claim is text: it is shown as PARTNER/KEY and decides nothing until a person of ours confirms
 * it. KEY is the NPI, else the partner's own short name, else made of all that tells one stranger
 * from another, so that two never share one. Called by message_people; lives in the arena of the
 * job. */
#ifndef FHIR_MAP_CLAIM_H
#define FHIR_MAP_CLAIM_H

#include "fhir/field/field.h"

enum {
    CLAIM_TEXT_MAX = 200, /* bytes of a name, and of every other text */
    CLAIMS_MAX = 200      /* kept of one message; further people are shown all the same */
};

/* PARTNER/KEY for ROW, as the tables read it (name, npi, their_handle, ...); NULL: it says nothing.
 */
const char *claim_handle(struct field_job *job, const struct json *row, bool is_person);
/* Puts ROW among the job's claims, once. */
void claim_add(struct field_job *job, const struct json *row, const char *handle, bool is_person);
/* Says in the record's `received` under which name each of the job's claims came. */
struct json *claim_tell(struct field_job *job, struct json *received);

#endif
