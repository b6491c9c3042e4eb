/* event: the events of our messages, and what partners of other dialects call them.
 * Constant tables (docs/wire-profile.md, "Events"). */
#ifndef FHIR_MESSAGE_EVENT_H
#define FHIR_MESSAGE_EVENT_H

#include "fhir/field/field.h"

enum { MESSAGE_WIRE_VERSION = 1 }; /* major version of the wire profile */

#define EVENT_REFERRAL "add-service-request"
#define EVENT_REFERRAL_UPDATE "notify-update-service-request"
#define EVENT_REFERRAL_CANCEL "revoke-service-request"
#define EVENT_TASK "notify-update-process-request"
#define EVENT_ABORT "abort-request"
#define EVENT_RECORD "notify-add-service-record"
#define EVENT_RECORD_UPDATE "notify-update-service-record"
#define EVENT_PLAN "share-care-plan"
#define EVENT_CONFERENCE "share-case-conference"
#define EVENT_CONSENT "share-consent"

/* Our event of a MessageHeader, or NULL when it is none that we know. *ret_as_sent: as it stands.
 */
const char *event_read(struct json *header, const char **ret_as_sent);
/* Major version that MessageHeader.definition asks for: 1 when it says nothing of ours. */
long event_version(const struct field_job *job, const struct json *header);

#endif
