/* monitor: see monitor.h. */
#include "gateway/monitor/monitor.h"

#include <stdlib.h>

#include "gateway/monitor/local.h"
#include "gateway/runtime/log.h"

struct monitor {
    struct figures_from from;
    const char *why_quiet; /* NULL: at work */
    struct local *local;
    void (*on_stopped)(void *owner);
    void *owner;
};

static const char *why_not_ready(void *owner)
{
    const struct monitor *monitor = owner;
    return monitor->why_quiet != NULL ? monitor->why_quiet : care_fault(monitor->from.care);
}

static void loop_figures(void *owner, struct metric_sheet *sheet, void **ret_token)
{
    const struct monitor *monitor = owner;
    *ret_token = NULL;
    if (monitor->why_quiet != NULL)
        return;
    figures_of_loop(&monitor->from, sheet);
    *ret_token = setup_hold(monitor->from.office->setup);
}

static void store_figures(void *token, struct metric_sheet *sheet)
{
    if (token != NULL)
        figures_of_store(token, sheet);
}

struct monitor *monitor_start(const struct monitor_options *options, struct arena *arena,
                              struct fault *ret_fault)
{
    const struct setup *setup = options->from.office->setup;
    struct monitor *monitor = calloc(1, sizeof *monitor);
    if (monitor == NULL) {
        fault_set(ret_fault, FAULT_internal, NULL);
        return NULL;
    }
    const struct local_options local = {.loop = options->loop,
                                        .address = setup->config.local_listen,
                                        .clock = setup->clock,
                                        .why_not_ready = why_not_ready,
                                        .loop_figures = loop_figures,
                                        .store_figures = store_figures,
                                        .owner = monitor};
    monitor->from = options->from;
    monitor->from.started_ms = clock_wall_ms(&setup->clock);
    monitor->local = local_start(&local, arena, ret_fault);
    if (monitor->local == NULL) {
        free(monitor);
        return NULL;
    }
    log_number(LOG_LEVEL_INFO, "local-ready", "port", local_port(monitor->local), NULL);
    return monitor;
}

void monitor_quiet(struct monitor *monitor, const char *why)
{
    monitor->why_quiet = why;
}

static void on_local_stopped(void *owner)
{
    struct monitor *monitor = owner;
    void (*on_stopped)(void *owner) = monitor->on_stopped;
    void *stopped_owner = monitor->owner;
    free(monitor);
    on_stopped(stopped_owner);
}

void monitor_stop(struct monitor *monitor, void (*on_stopped)(void *owner), void *owner)
{
    monitor->on_stopped = on_stopped;
    monitor->owner = owner;
    local_stop(monitor->local, on_local_stopped, monitor);
}
