/* probe: a walk to one partner, step by step, for a person: DNS, TCP, TLS, HTTP, /metadata, and a
 * message that is only a test. Each step says what was found and, when it failed, what to do.
 *
 * Called by `partner test` and by `cert install --partner`, and of all partners by `check` and
 * `status`: it blocks, on a loop of its own. What is sent is a GET and one message marked HTEST
 * (v3-ActReason), which a gateway of ours checks and answers without any effect; it names no
 * client. */
#ifndef GATEWAY_PROBE_PROBE_H
#define GATEWAY_PROBE_PROBE_H

#include "base/arena.h"
#include "certs/tls/context.h"
#include "gateway/setup/setup.h"

enum probe_state {
    PROBE_GOOD,
    PROBE_WARNS, /* it works, but somebody should look at it */
    PROBE_FAILED,
    PROBE_NOT_RUN
};

struct probe_step {
    const char *name; /* `tls` */
    enum probe_state state;
    const char *said;   /* what was found */
    const char *advice; /* what to do; NULL: nothing */
};

enum { PROBE_STEPS_MAX = 8 };

struct probe_report {
    struct probe_step steps[PROBE_STEPS_MAX];
    size_t count;
    bool is_failed;
};

struct probe_options {
    const struct setup *setup;
    struct context *context; /* with the identity to show */
    const struct partner *partner;
    struct arena *arena; /* what is reported lives here */
    bool with_message;   /* also the test message */
    bool is_terse;       /* without the partner's own words */
};

/* Steps after a failed one are not run. */
void probe_partner(const struct probe_options *options, struct probe_report *ret_report);
/* Asks COUNT partners for their /metadata at once, each for WAIT_MS at most: *ret_steps has for
 * each the step that failed or is worth a look, else a good one. OPTIONS->partner is not used. */
void probe_all(const struct probe_options *options, const struct partner *const *partners,
               size_t count, unsigned wait_ms, struct probe_step *ret_steps);
const char *probe_state_name(enum probe_state state);

#endif
