/* local: what this machine's own monitoring may ask, over plain HTTP on a loopback address (setting
 * local_listen): /healthz, /readyz, /metrics.
 *
 * Nothing here is about a client. Requests that name another host than this machine are refused, so
 * that no web page can be made to read it through somebody's browser. Belongs to one loop; what
 * reads the store runs on the thread pool. */
#ifndef GATEWAY_MONITOR_LOCAL_H
#define GATEWAY_MONITOR_LOCAL_H

#include "gateway/runtime/clock.h"
#include "gateway/runtime/fault.h"
#include "gateway/runtime/metric.h"

struct uv_loop_s;
struct local;

struct local_options {
    struct uv_loop_s *loop;
    const char *address; /* `127.0.0.1:9180` */
    struct clock clock;
    /* NULL when partners are served, else why not: a constant text. On the loop. */
    const char *(*why_not_ready)(void *owner);
    /* Puts the figures that the loop knows on SHEET. *ret_token is handed to store_figures. */
    void (*loop_figures)(void *owner, struct metric_sheet *sheet, void **ret_token);
    /* Those that have to be read; on a pool thread. It gives the token back. */
    void (*store_figures)(void *token, struct metric_sheet *sheet);
    void *owner;
};

/* NULL with a fault whose sentence lives in ARENA. */
struct local *local_start(const struct local_options *options, struct arena *arena,
                          struct fault *ret_fault);
unsigned local_port(const struct local *local);
/* Answers what is asked already and frees it; ON_STOPPED runs on the loop. */
void local_stop(struct local *local, void (*on_stopped)(void *owner), void *owner);

#endif
