/* acknowledge: the answer to a partner, made from the committed row. So the same message gets the
 * same answer, today and after a restart. Pure but for the setup's directory. */
#ifndef GATEWAY_INBOUND_ACKNOWLEDGE_H
#define GATEWAY_INBOUND_ACKNOWLEDGE_H

#include "base/arena.h"
#include "gateway/runtime/fault.h"
#include "gateway/setup/setup.h"
#include "gateway/store/store.h"

/* The response Bundle of an inbound message, as text. */
const char *acknowledge_message(const struct setup *setup, struct arena *arena,
                                const struct store_message *message);
/* The same with given texts in the places that are this answer's own. */
struct acknowledge_places {
    const char *bundle_id, *header_id; /* UUIDs */
    const char *at;                    /* time with offset */
    const char *answers;               /* MessageHeader.id of the message answered */
};
struct acknowledge_places acknowledge_places_of(const struct setup *setup, struct arena *arena,
                                                const struct store_message *message);
const char *acknowledge_with(const struct setup *setup, struct arena *arena,
                             const struct store_message *message,
                             const struct acknowledge_places *places);
/* An OperationOutcome for what is refused before the inbox. PATH: FHIRPath of the place, or NULL.
 */
const char *acknowledge_fault(struct arena *arena, const struct fault *fault, const char *path);
/* The same for several findings. */
const char *acknowledge_findings(struct arena *arena, enum fault_kind kind,
                                 const struct finding_list *findings);
/* A list of OperationOutcome.issue with one error, as text: what store_message.response_issues
 * holds. */
const char *acknowledge_issue(struct arena *arena, const struct fault *fault);
/* The same with something that the sender of a message that was taken should know. */
const char *acknowledge_notice(struct arena *arena, const char *text);
/* ISSUES (NULL: none) with a warning more. */
const char *acknowledge_warning(struct arena *arena, const char *issues, const char *text);

#endif
