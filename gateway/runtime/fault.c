/* fault: the table of fault.def and its look-ups. */
#include "gateway/runtime/fault.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    bool retry, order;
    int status;
    const char *issue;
    int exit;
    const char *sentence;
} kinds[FAULT_KINDS] = {
#define KIND(name, retry, order, status, issue, exit, sentence)                                    \
    {#name, retry, order, status, issue, exit, sentence},
#include "gateway/runtime/fault.def"
#undef KIND
};

const char *fault_name(enum fault_kind kind)
{
    return kinds[kind].name;
}

bool fault_is_transient(enum fault_kind kind)
{
    return kinds[kind].retry;
}

bool fault_is_of_order(enum fault_kind kind)
{
    return kinds[kind].order;
}

bool fault_code_is_of_order(const char *issue_code)
{
    for (int kind = 0; issue_code != NULL && kind < FAULT_KINDS; kind++) {
        if (kinds[kind].order && strcmp(kinds[kind].issue, issue_code) == 0)
            return true;
    }
    return false;
}

int fault_http_status(enum fault_kind kind)
{
    return kinds[kind].status;
}

const char *fault_issue_code(enum fault_kind kind)
{
    return kinds[kind].issue;
}

int fault_exit_code(enum fault_kind kind)
{
    return kinds[kind].exit;
}

const char *fault_sentence(const struct fault *fault)
{
    return fault->sentence != NULL ? fault->sentence : kinds[fault->kind].sentence;
}

bool fault_set(struct fault *fault, enum fault_kind kind, const char *sentence)
{
    fault->kind = kind;
    fault->sentence = sentence;
    return false;
}
