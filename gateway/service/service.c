/* service: see service/service.h.
 *
 * Start: what can fail before anything runs (service/startup.h), then the loops. Reload (SIGHUP, or
 * a command): a new generation is read and checked on a pool thread (service/reload.h), then
 * swapped; a faulty one changes nothing. Stop: no new requests, those in hand are answered, the
 * courier breaks off (what it was sending goes again after the next start), the writer is last. */
#include "gateway/service/service.h"
#include "gateway/exchange/check_message.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "gateway/data_folder/data_folder.h"
#include "gateway/delivery/sender.h"
#include "gateway/export/answer_files.h"
#include "gateway/export/export.h"
#include "gateway/http/quota.h"
#include "gateway/inbound/worker.h"
#include "gateway/intake/intake.h"
#include "gateway/listener/listen.h"
#include "gateway/listener/seats.h"
#include "gateway/maintenance/care.h"
#include "gateway/monitor/monitor.h"
#include "gateway/outbound/outbound.h"
#include "gateway/referral/recall.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/sd_notify.h"
#include "gateway/service/control.h"
#include "gateway/service/reload.h"
#include "gateway/service/startup.h"

enum {
    SWEEP_MS = 400,
    REVIEW_MS = 60 * 1000,
    REVIEWS_A_FULL = 60,
    DRAIN_MS = 5000,
    LOOPS_MAX = 64
};

/* A job on the thread pool that never runs twice at once; asked for again meanwhile, it runs again.
 */
struct job {
    uv_work_t work;
    struct gateway *gateway;
    void (*run)(struct job *job);
    void (*done)(struct job *job);
    bool is_running, is_wanted;
    struct office office; /* as of this run; its setup is held */
};

struct gateway {
    uv_loop_t loop;
    struct arena arena; /* of the whole life */
    const char *dir;
    const struct command_set *commands;
    struct office office;
    struct store *store;
    struct context *context;
    struct intake *intake;
    struct station *stations[LOOPS_MAX];
    unsigned station_count;
    struct seats *seats;
    struct quotas *quotas;
    _Atomic unsigned stations_open;
    struct courier *courier;
    struct control *control;
    struct care *care;
    struct monitor *monitor; /* NULL: nobody asked for it */
    uv_signal_t signals[3];
    uv_timer_t sweep_timer, review_timer;
    uv_async_t taken; /* a station took a message */
    uv_async_t parts; /* a station stopped, or the store broke */
    struct job sweep, export, reload, review;
    size_t export_written; /* by the last export, which made the next two */
    struct arena news_arena;
    struct alarm_texts news;
    struct generation fresh; /* of the last reload */
    bool is_stopping, is_courier_open, is_control_open, is_care_open, is_monitor_open,
        is_care_stopping, are_handles_closed;
    _Atomic bool is_store_broken, is_reload_wanted;
    _Atomic bool is_full_review; /* wanted of the next review */
    unsigned reviews;
    int exit_code;
};

/* ---- jobs ---- */

static void maybe_close(struct gateway *gateway);

static void job_work(uv_work_t *work)
{
    struct job *job = work->data;
    job->run(job);
}

static void job_start(struct job *job);

static void job_worked(uv_work_t *work, int status)
{
    struct job *job = work->data;
    (void)status;
    job->is_running = false;
    setup_release(job->office.setup);
    if (job->done != NULL)
        job->done(job);
    if (job->is_wanted)
        job_start(job);
    maybe_close(job->gateway);
}

static void job_start(struct job *job)
{
    struct gateway *gateway = job->gateway;
    job->is_wanted = job->is_running;
    if (job->is_running || gateway->is_stopping)
        return;
    job->work.data = job;
    job->office = gateway->office;
    setup_hold(job->office.setup);
    job->is_running = uv_queue_work(&gateway->loop, &job->work, job_work, job_worked) == 0;
    if (!job->is_running)
        setup_release(job->office.setup);
}

static void run_sweep(struct job *job)
{
    if (intake_sweep(job->gateway->intake, &job->office) > 0)
        uv_async_send(&job->gateway->taken);
}

static void run_export(struct job *job)
{
    struct gateway *gateway = job->gateway;
    arena_reset(&gateway->news_arena);
    gateway->news = (struct alarm_texts){.arena = &gateway->news_arena};
    gateway->export_written = answer_files_sweep(&job->office, &gateway->news);
    gateway->export_written += export_sweep(&job->office, &gateway->news);
}

static void exported(struct job *job)
{
    struct gateway *gateway = job->gateway;
    for (size_t i = 0; gateway->is_care_open && i < gateway->news.count; i++)
        care_tell_news(gateway->care, &gateway->news.items[i]);
    if (gateway->export_written > 0) /* page by page, so that a stop need not wait for all */
        job_start(job);
}

/* ---- review: the date, consents and partners may have changed what may go ---- */

struct reviewing {
    struct unit unit;
    const struct office *office;
    bool is_full; /* of everybody, not only of those whose time has come */
    size_t queued;
};

static bool review(struct unit *unit, struct store *store)
{
    struct reviewing *reviewing = (struct reviewing *)unit;
    const struct office *office = reviewing->office;
    struct flow flow = {office->setup, store, unit->arena, clock_wall_ms(&office->setup->clock),
                        office->validator};
    reviewing->queued =
        reviewing->is_full
            ? flow_reconsider(&flow, NULL) + recall_ask(store, flow.setup, unit->arena, flow.now_ms)
            : flow_reconsider_due(&flow);
    return true;
}

static void run_review(struct job *job)
{
    struct arena arena = ARENA_EMPTY;
    struct reviewing reviewing = {.unit.run = review,
                                  .unit.arena = &arena,
                                  .office = &job->office,
                                  .is_full = atomic_exchange(&job->gateway->is_full_review, false)};
    writer_call(job->office.writer, &reviewing.unit);
    if (reviewing.queued > 0)
        uv_async_send(&job->gateway->taken);
    arena_free(&arena);
}

/* ---- reload ---- */

static void run_reload(struct job *job)
{
    struct gateway *gateway = job->gateway;
    generation_read(gateway->dir, job->office.setup, gateway->context, &gateway->fresh);
}

/* What stands in a partner's file goes before settings.yaml. Two bodies of it always fit: rooms
 * double while they grow. */
static struct quota_limits quota_limits_of(const struct config *config,
                                           const struct partner *partner)
{
    struct quota_limits limits = {
        .connections_max = partner->connections_max > 0 ? partner->connections_max
                                                        : config->connections_per_partner_max,
        .body_bytes_max =
            partner->body_max_bytes > 0 ? partner->body_max_bytes : config->body_max_bytes,
        .requests_per_minute_max = partner->requests_per_minute_max,
        .burst_max = partner->requests_burst_max,
        .held_bytes_max = config->held_per_partner_max_bytes};
    if (limits.held_bytes_max < 2 * limits.body_bytes_max)
        limits.held_bytes_max = 2 * limits.body_bytes_max;
    return limits;
}

/* What stands in a partner's file goes before settings.yaml. */
static void set_quotas(struct gateway *gateway)
{
    const struct setup *setup = gateway->office.setup;
    for (size_t i = 0; i < setup->partners.count; i++) {
        const struct partner *partner = &setup->partners.items[i];
        const struct quota_limits limits = quota_limits_of(&setup->config, partner);
        quotas_set(gateway->quotas, partner->name, &limits);
    }
}

static void reloaded(struct job *job)
{
    struct gateway *gateway = job->gateway;
    if (gateway->fresh.setup == NULL) {
        if (!gateway->is_stopping)
            care_reloaded(gateway->care, gateway->fresh.print, false, NULL, gateway->fresh.why);
        return;
    }
    setup_release(gateway->office.setup);
    context_release(gateway->context);
    gateway->office.setup = gateway->fresh.setup;
    gateway->context = gateway->fresh.context;
    gateway->fresh.setup = NULL;
    if (gateway->is_stopping)
        return;
    set_quotas(gateway);
    for (unsigned i = 0; i < gateway->station_count; i++)
        station_use(gateway->stations[i], gateway->office.setup, gateway->context);
    courier_use(gateway->courier, gateway->office.setup, gateway->context);
    care_reloaded(gateway->care, gateway->fresh.print, true, gateway->context,
                  gateway->fresh.is_faulty ? gateway->fresh.why : NULL);
    log_event(LOG_LEVEL_INFO, "reloaded", NULL);
    gateway->is_full_review = true;
    job_start(&gateway->review);
}

/* ---- events ---- */

static void on_taken(uv_async_t *async)
{
    struct gateway *gateway = async->data;
    job_start(&gateway->export);
    if (!gateway->is_stopping)
        courier_wake(gateway->courier);
}

static void message_taken(void *owner)
{
    uv_async_send(&((struct gateway *)owner)->taken);
}

static void on_sweep_timer(uv_timer_t *timer)
{
    job_start(&((struct gateway *)timer->data)->sweep);
}

static void on_review_timer(uv_timer_t *timer)
{
    struct gateway *gateway = timer->data;
    if (gateway->reviews++ % REVIEWS_A_FULL == 0)
        gateway->is_full_review = true;
    job_start(&gateway->review);
}

/* ---- stopping ---- */

static void on_courier_stopped(void *owner)
{
    struct gateway *gateway = owner;
    gateway->is_courier_open = false;
    maybe_close(gateway);
}

static void on_control_stopped(void *owner)
{
    struct gateway *gateway = owner;
    gateway->is_control_open = false;
    maybe_close(gateway);
}

static void on_monitor_stopped(void *owner)
{
    struct gateway *gateway = owner;
    gateway->is_monitor_open = false;
    maybe_close(gateway);
}

static void station_stopped(void *owner)
{
    struct gateway *gateway = owner;
    atomic_fetch_sub(&gateway->stations_open, 1);
    uv_async_send(&gateway->parts);
}

static void stop(struct gateway *gateway)
{
    if (gateway->is_stopping)
        return;
    gateway->is_stopping = true;
    log_event(LOG_LEVEL_INFO, "stopping", NULL);
    notify("STOPPING=1");
    for (unsigned i = 0; i < gateway->station_count; i++)
        station_stop(gateway->stations[i], DRAIN_MS);
    courier_stop(gateway->courier, on_courier_stopped, gateway);
    if (gateway->monitor != NULL) {
        monitor_quiet(gateway->monitor, "stopping");
        monitor_stop(gateway->monitor, on_monitor_stopped, gateway);
    }
    control_stop(gateway->control, on_control_stopped, gateway);
}

static void close_handle(uv_handle_t *handle, void *owner)
{
    struct gateway *gateway = owner;
    bool is_ours = handle->data == gateway;
    if (is_ours && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void on_care_stopped(void *owner)
{
    struct gateway *gateway = owner;
    gateway->is_care_open = false;
    maybe_close(gateway);
}

/* The stations and the courier tell it things until they have ended. */
static void end_care(struct gateway *gateway)
{
    if (!gateway->is_stopping || gateway->is_care_stopping || gateway->stations_open > 0 ||
        gateway->is_courier_open)
        return;
    gateway->is_care_stopping = true;
    care_stop(gateway->care, on_care_stopped, gateway);
}

/* When every part has ended only our own handles keep the loop alive. */
static void maybe_close(struct gateway *gateway)
{
    bool is_working = gateway->sweep.is_running || gateway->export.is_running ||
                      gateway->reload.is_running || gateway->review.is_running;
    end_care(gateway);
    if (!gateway->is_stopping || gateway->are_handles_closed || gateway->stations_open > 0 ||
        gateway->is_courier_open || gateway->is_control_open || gateway->is_care_open ||
        gateway->is_monitor_open || is_working)
        return;
    gateway->are_handles_closed = true;
    uv_walk(&gateway->loop, close_handle, gateway);
}

static void on_parts(uv_async_t *async)
{
    struct gateway *gateway = async->data;
    if (gateway->is_store_broken) {
        gateway->exit_code = fault_exit_code(FAULT_store_broken);
        stop(gateway);
    }
    if (gateway->is_reload_wanted) {
        gateway->is_reload_wanted = false;
        job_start(&gateway->reload);
    }
    maybe_close(gateway);
}

static void on_store_broken(void *owner, const char *why)
{
    struct gateway *gateway = owner;
    log_event(LOG_LEVEL_ERROR, "store-broken", "why", why, "what",
              "nothing more is taken; stopping", NULL);
    gateway->is_store_broken = true;
    uv_async_send(&gateway->parts);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct gateway *gateway = handle->data;
    if (number == SIGHUP)
        job_start(&gateway->reload);
    else
        stop(gateway);
}

/* ---- starting ---- */

static void peer_judged(void *owner, const struct verify_peer *peer)
{
    struct gateway *gateway = owner;
    care_note_peer(gateway->care, peer);
}

static bool start_stations(struct gateway *gateway, int socket, struct fault *ret_fault)
{
    unsigned loops = gateway->office.setup->config.loops;
    gateway->seats = seats_new();
    gateway->quotas = quotas_new();
    if (gateway->seats == NULL || gateway->quotas == NULL)
        return fault_set(ret_fault, FAULT_internal, NULL);
    set_quotas(gateway);
    for (unsigned i = 0; i < loops && i < LOOPS_MAX; i++) {
        struct station_options options = {.loop = i == 0 ? &gateway->loop : NULL,
                                          .socket = socket,
                                          .seats = gateway->seats,
                                          .quotas = gateway->quotas,
                                          .setup = gateway->office.setup,
                                          .context = gateway->context,
                                          .writer = gateway->office.writer,
                                          .on_taken = message_taken,
                                          .on_peer = peer_judged,
                                          .on_stopped = station_stopped,
                                          .owner = gateway};
        gateway->stations[i] = station_start(&options, ret_fault);
        if (gateway->stations[i] == NULL)
            return false;
        gateway->station_count++;
        gateway->stations_open++;
    }
    return true;
}

static void start_handles(struct gateway *gateway)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uv_signal_init(&gateway->loop, &gateway->signals[i]);
        gateway->signals[i].data = gateway;
        uv_signal_start(&gateway->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&gateway->loop, &gateway->sweep_timer);
    uv_timer_init(&gateway->loop, &gateway->review_timer);
    gateway->sweep_timer.data = gateway;
    gateway->review_timer.data = gateway;
    uv_timer_start(&gateway->sweep_timer, on_sweep_timer, 0, SWEEP_MS);
    uv_timer_start(&gateway->review_timer, on_review_timer, 0, REVIEW_MS);
}

static void start_asyncs(struct gateway *gateway)
{
    uv_async_init(&gateway->loop, &gateway->taken, on_taken);
    uv_async_init(&gateway->loop, &gateway->parts, on_parts);
    gateway->taken.data = gateway;
    gateway->parts.data = gateway;
}

static void reload_wanted(void *owner)
{
    struct gateway *gateway = owner;
    gateway->is_reload_wanted = true;
    uv_async_send(&gateway->parts);
}

static void reload_files(void *owner)
{
    job_start(&((struct gateway *)owner)->reload);
}

static bool start_monitor(struct gateway *gateway, struct fault *ret_fault)
{
    const struct monitor_options options = {.loop = &gateway->loop,
                                            .from = {.office = &gateway->office,
                                                     .stations = gateway->stations,
                                                     .station_count = gateway->station_count,
                                                     .quotas = gateway->quotas,
                                                     .courier = gateway->courier,
                                                     .care = gateway->care}};
    if (gateway->office.setup->config.local_listen[0] == '\0')
        return true;
    gateway->monitor = monitor_start(&options, &gateway->arena, ret_fault);
    gateway->is_monitor_open = gateway->monitor != NULL;
    return gateway->is_monitor_open;
}

static bool start_care(struct gateway *gateway, struct fault *ret_fault)
{
    const struct care_options options = {.loop = &gateway->loop,
                                         .office = &gateway->office,
                                         .context = gateway->context,
                                         .courier = gateway->courier,
                                         .print = gateway->fresh.print,
                                         .reload = reload_files,
                                         .owner = gateway};
    gateway->care = care_start(&options);
    gateway->is_care_open = gateway->care != NULL;
    return gateway->care != NULL || fault_set(ret_fault, FAULT_internal, NULL);
}

static bool start(struct gateway *gateway, const struct opening *opening, struct fault *ret_fault)
{
    struct office *office = &gateway->office;
    gateway->store = opening->store;
    gateway->context = opening->context;
    memcpy(gateway->fresh.print, opening->print, sizeof gateway->fresh.print);
    uv_loop_init(&gateway->loop);
    start_asyncs(gateway);
    office->writer = writer_start(gateway->store, office->setup->config.writer_queue_max,
                                  on_store_broken, gateway);
    office->validator = conform_validator(&gateway->arena);
    office->wake = message_taken;
    office->reload = reload_wanted;
    office->owner = gateway;
    gateway->intake = intake_new();
    if (office->writer == NULL || gateway->intake == NULL)
        return fault_set(ret_fault, FAULT_internal, "the writer cannot be started");
    gateway->courier =
        courier_start(&gateway->loop, office->setup, gateway->context, office->writer);
    if (gateway->courier == NULL)
        return fault_set(ret_fault, FAULT_internal, "the courier cannot be started");
    gateway->is_courier_open = true;
    if (!start_care(gateway, ret_fault) || !start_stations(gateway, opening->socket, ret_fault) ||
        !start_monitor(gateway, ret_fault))
        return false;
    gateway->control = control_start(&gateway->loop, office, gateway->commands, gateway->dir,
                                     &gateway->arena, ret_fault);
    if (gateway->control == NULL)
        return false;
    gateway->is_control_open = true;
    gateway->sweep = (struct job){.gateway = gateway, .run = run_sweep};
    gateway->export = (struct job){.gateway = gateway, .run = run_export, .done = exported};
    gateway->reload = (struct job){.gateway = gateway, .run = run_reload, .done = reloaded};
    gateway->review = (struct job){.gateway = gateway, .run = run_review};
    start_handles(gateway);
    job_start(&gateway->export);
    return true;
}

static void tell_ready(struct gateway *gateway, int socket, int ready_fd)
{
    unsigned port = listen_port(socket);
    log_number(LOG_LEVEL_INFO, "ready", "port", port, "org", gateway->office.setup->config.org,
               NULL);
    notify("READY=1");
    if (ready_fd < 0)
        return;
    dprintf(ready_fd, "ready %u\n", port);
    close(ready_fd);
}

static void close_all(struct gateway *gateway)
{
    for (unsigned i = 0; i < gateway->station_count; i++)
        station_free(gateway->stations[i]);
    seats_free(gateway->seats);
    quotas_free(gateway->quotas);
    writer_stop(gateway->office.writer);
    store_close(gateway->store);
    intake_free(gateway->intake);
    context_release(gateway->context);
    setup_release(gateway->office.setup);
    uv_loop_close(&gateway->loop);
    close(gateway->office.lock);
    arena_free(&gateway->news_arena);
    arena_free(&gateway->arena);
    uv_library_shutdown(); /* the pool's threads end while the libraries can still tidy up */
}

/* As many connections as the system lets us have; connections_max is the ceiling people set. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int gateway_run(const char *dir, int ready_fd, const struct command_set *commands)
{
    struct gateway gateway = {.dir = dir, .commands = commands, .office.lock = -1};
    struct finding_list findings = finding_list_new(&gateway.arena);
    struct fault fault = {FAULT_none, NULL};
    struct opening opening = {.dir = dir, .arena = &gateway.arena, .office = &gateway.office};
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    if (!opening_open(&opening, &findings, &fault) || !start(&gateway, &opening, &fault)) {
        generation_print_findings(&findings);
        fprintf(stderr, "refgate: %s\n", fault_sentence(&fault));
        arena_free(&gateway.arena);
        return fault_exit_code(fault.kind); /* the system takes back what is open */
    }
    generation_print_findings(&findings); /* that do not keep us */
    tell_ready(&gateway, opening.socket, ready_fd);
    uv_run(&gateway.loop, UV_RUN_DEFAULT);
    close(opening.socket);
    int code = gateway.exit_code;
    close_all(&gateway);
    return code;
}
