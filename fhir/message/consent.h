/* consent: consents that travel with a record as evidence, both ways. */
#ifndef FHIR_MESSAGE_CONSENT_H
#define FHIR_MESSAGE_CONSENT_H

#include "fhir/message/kind.h"

/* Adds the consent records of job->options, linked from the main resource where it has a place. */
void consent_write_evidence(struct field_job *job, const char *link);
/* The Consents of a received message in local words, or NULL: evidence, never a record of its own.
 */
struct json *consent_read_evidence(struct field_job *job);

#endif
