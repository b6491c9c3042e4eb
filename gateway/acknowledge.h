/* acknowledge: the answer to a partner, made from the committed row. So the same message gets the
 * same answer, today and after a restart. Pure but for the setup's directory. */
#ifndef GATEWAY_ACKNOWLEDGE_H
#define GATEWAY_ACKNOWLEDGE_H

#include "base/arena.h"
#include "gateway/fault.h"
#include "gateway/setup.h"
#include "gateway/store/store.h"

/* The response Bundle of an inbound message, as text. */
const char *acknowledge_message(const struct setup *setup, struct arena *arena,
                                const struct store_message *message);
/* An OperationOutcome for what is refused before the inbox. PATH: FHIRPath of the place, or NULL.
 */
const char *acknowledge_fault(struct arena *arena, const struct fault *fault, const char *path);
/* The same for several findings. */
const char *acknowledge_findings(struct arena *arena, enum fault_kind kind,
                                 const struct finding_list *findings);
/* A list of OperationOutcome.issue with one error, as text: what store_message.response_issues
 * holds. */
const char *acknowledge_issue(struct arena *arena, const struct fault *fault);

#endif
