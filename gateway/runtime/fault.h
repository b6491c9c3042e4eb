/* fault: failures are kinds, and the kinds are a table (fault.def). Used by every stage; a fault is
 * a value: a kind and, when there is one, a precise sentence for a person, which lives in the arena
 * of the work that failed, or for ever. Never holds patient data. Any thread. */
#ifndef GATEWAY_RUNTIME_FAULT_H
#define GATEWAY_RUNTIME_FAULT_H

#include <stdbool.h>

enum fault_kind {
#define KIND(name, retry, order, status, issue, exit, sentence) FAULT_##name,
#include "gateway/runtime/fault.def"
#undef KIND
    FAULT_KINDS
};

struct fault {
    enum fault_kind kind;
    const char *sentence; /* NULL: the kind's own sentence */
};

/* The columns of fault.def. */
const char *fault_name(enum fault_kind kind);
bool fault_is_transient(enum fault_kind kind);
bool fault_is_of_order(enum fault_kind kind);
/* The same of a refusal that somebody else wrote, by its FHIR issue code; NULL: no. */
bool fault_code_is_of_order(const char *issue_code);
int fault_http_status(enum fault_kind kind);
const char *fault_issue_code(enum fault_kind kind);
int fault_exit_code(enum fault_kind kind);
/* Never NULL. */
const char *fault_sentence(const struct fault *fault);
/* Sets *fault and returns false, so that `return fault_set(...)` reads as one step. */
bool fault_set(struct fault *fault, enum fault_kind kind, const char *sentence);

#endif
