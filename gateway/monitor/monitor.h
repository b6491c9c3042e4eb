/* monitor: the local listener (local.h) filled with what the gateway knows (figures.h). Owned by
 * service/service.c, on loop 0. */
#ifndef GATEWAY_MONITOR_MONITOR_H
#define GATEWAY_MONITOR_MONITOR_H

#include "gateway/monitor/figures.h"

struct monitor;

struct monitor_options {
    struct uv_loop_s *loop;
    struct figures_from from; /* its parts outlive the monitor's requests: see monitor_quiet() */
};

/* Listens where the setting local_listen says. NULL with a fault. */
struct monitor *monitor_start(const struct monitor_options *options, struct arena *arena,
                              struct fault *ret_fault);
/* From now on it answers "not ready" for this reason (a constant text) and touches none of the
 * parts. */
void monitor_quiet(struct monitor *monitor, const char *why);
void monitor_stop(struct monitor *monitor, void (*on_stopped)(void *owner), void *owner);

#endif
