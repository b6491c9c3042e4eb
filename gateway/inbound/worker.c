/* worker: see inbound/worker.h. Orders from loop 0 are put down under a lock and picked up by
 * uv_async.
 */
#include "gateway/inbound/worker.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

#include "gateway/inbound/receive.h"
#include "gateway/listener/listen.h"
#include "gateway/runtime/log.h"

enum {
    PULSE_MS = 1000,
    FAILURES_TOLD_MAX = 50, /* in one pulse: nobody fills the disk by knocking */
    REFUSALS_TOLD_MAX = 20  /* likewise */
};

struct station {
    struct station_options options;
    uv_loop_t own_loop;
    uv_loop_t *loop;
    bool has_thread;
    pthread_t thread;
    uv_async_t orders;
    uv_prepare_t turn_ends; /* the loop is about to wait */
    uv_timer_t pulse;
    uint64_t pulses; /* since the last recheck */
    uint64_t recheck_pulses;
    unsigned failures; /* handshakes refused or broken since the last pulse */
    unsigned refusals; /* requests answered 4xx, likewise */
    pthread_mutex_t lock;
    struct station_figures figures;
    struct setup *next_setup; /* held; NULL: no order */
    struct context *next_context;
    bool is_stop_ordered;
    unsigned drain_ms;
    struct listener *listener;
    struct receiver *receiver;
};

/* Of one loop, rounded up: no loop is left without. */
static uint64_t share_of(uint64_t all, uint64_t loops)
{
    return (all + loops - 1) / loops;
}

static struct listener_limits limits_of(const struct config *config)
{
    struct listener_limits limits = listener_limits_default();
    limits.connections_max = config->connections_max;
    limits.strangers_max = (unsigned)share_of(config->handshakes_max, config->loops);
    limits.http.bodies_bytes_max = share_of(config->held_max_bytes, config->loops);
    if (limits.http.bodies_bytes_max < 2 * config->body_max_bytes) /* rooms double as they grow */
        limits.http.bodies_bytes_max = 2 * config->body_max_bytes;
    limits.handshake_ms = (unsigned)config->handshake_deadline_ms;
    limits.idle_ms = (unsigned)config->idle_deadline_ms;
    limits.head_ms = (unsigned)config->header_deadline_ms;
    limits.body_ms = (unsigned)config->body_deadline_ms;
    limits.answer_ms = (unsigned)config->answer_deadline_ms;
    limits.http.framing.head_bytes_max = config->header_max_bytes;
    limits.http.framing.body_bytes_max = config->body_max_bytes;
    return limits;
}

static bool may_tell_failure(struct station *station)
{
    return ++station->failures <= FAILURES_TOLD_MAX;
}

/* What was wrong the partner is told; here stands that and where, without a word of its own. */
static void on_refused_request(void *owner, const struct http_peer *peer, int status)
{
    struct station *station = owner;
    if (peer->quota != NULL)
        quota_note_bad(peer->quota);
    if (++station->refusals <= REFUSALS_TOLD_MAX)
        log_number(LOG_LEVEL_INFO, "request-refused", "status", status, "partner", peer->partner,
                   "address", peer->address, NULL);
}

static void count_untold(struct station *station)
{
    if (station->refusals > REFUSALS_TOLD_MAX)
        log_number(LOG_LEVEL_WARNING, "more-requests-refused", "count",
                   station->refusals - REFUSALS_TOLD_MAX, NULL);
    station->refusals = 0;
    if (station->failures > FAILURES_TOLD_MAX)
        log_number(LOG_LEVEL_WARNING, "more-handshakes-failed", "count",
                   station->failures - FAILURES_TOLD_MAX, NULL);
    station->failures = 0;
}

static void on_broken(void *owner, const char *address, const char *reason)
{
    if (may_tell_failure(owner))
        log_event(LOG_LEVEL_INFO, "handshake-failed", "address", address, "reason", reason, "why",
                  verdict_sentence(VERDICT_no_handshake), NULL);
}

static void on_refused(void *owner, const char *address, const struct verify_peer *peer)
{
    struct station *station = owner;
    if (may_tell_failure(station))
        log_event(LOG_LEVEL_WARNING, "peer-refused", "verdict", verdict_name(peer->verdict),
                  "address", address, "claimed", peer->claimed, "serial", peer->serial, "subject",
                  peer->subject, "why", verdict_sentence(peer->verdict), NULL);
    if (station->options.on_peer != NULL)
        station->options.on_peer(station->options.owner, peer);
}

/* A stranger is told so by 403, with its first request; the log hears of it once. */
static void on_peer(void *owner, const char *address, const struct verify_peer *peer)
{
    struct station *station = owner;
    if (peer->verdict != VERDICT_admitted)
        on_refused(owner, address, peer);
    else if (station->options.on_peer != NULL)
        station->options.on_peer(station->options.owner, peer);
}

static void on_request(void *owner, struct exchange *exchange)
{
    receiver_on_request(((struct station *)owner)->receiver, exchange);
}

static void on_listener_stopped(void *owner)
{
    struct station *station = owner;
    receiver_free(station->receiver);
    station->listener = NULL;
    if (!station->has_thread)
        log_gather_end();
    uv_close((uv_handle_t *)&station->turn_ends, NULL);
    uv_close((uv_handle_t *)&station->pulse, NULL);
    uv_close((uv_handle_t *)&station->orders, NULL);
    station->options.on_stopped(station->options.owner);
}

/* What a rush took goes back to the system once it is over. */
static void give_back(struct station *station)
{
    receiver_trim(station->receiver);
    if (listener_trim(station->listener))
        malloc_trim(0);
}

/* Publishes the figures; now and then asks every connection again, for certificates and lists that
 * ran out while it lasted. */
static void on_pulse(uv_timer_t *timer)
{
    struct station *station = timer->data;
    count_untold(station);
    if (station->listener == NULL)
        return;
    pthread_mutex_lock(&station->lock);
    station->figures.listener = listener_count(station->listener);
    station->figures.http = listener_count_http(station->listener);
    pthread_mutex_unlock(&station->lock);
    give_back(station);
    if (++station->pulses < station->recheck_pulses)
        return;
    station->pulses = 0;
    listener_recheck(station->listener);
}

static void follow_orders(uv_async_t *async)
{
    struct station *station = async->data;
    pthread_mutex_lock(&station->lock);
    struct setup *setup = station->next_setup;
    struct context *context = station->next_context;
    bool stop = station->is_stop_ordered;
    unsigned drain_ms = station->drain_ms;
    station->next_setup = NULL;
    station->next_context = NULL;
    pthread_mutex_unlock(&station->lock);
    if (setup != NULL) {
        receiver_use(station->receiver, setup);
        listener_use(station->listener, context);
        listener_recheck(station->listener);
        setup_release(setup);
        context_release(context);
    }
    if (stop && station->listener != NULL)
        listener_stop(station->listener, drain_ms, on_listener_stopped);
}

static bool open_parts(struct station *station, struct fault *ret_fault)
{
    const struct station_options *options = &station->options;
    struct receiver_options receiver = {.loop = station->loop,
                                        .setup = options->setup,
                                        .writer = options->writer,
                                        .on_taken = options->on_taken,
                                        .owner = options->owner};
    station->receiver = receiver_new(&receiver);
    struct listener_options listener = {.loop = station->loop,
                                        .socket = options->socket,
                                        .seats = options->seats,
                                        .quotas = options->quotas,
                                        .context = options->context,
                                        .limits = limits_of(&options->setup->config),
                                        .clock = options->setup->clock,
                                        .on_request = on_request,
                                        .on_refused_request = on_refused_request,
                                        .on_refused = on_refused,
                                        .on_broken = on_broken,
                                        .on_peer = on_peer,
                                        .owner = station};
    station->listener = listener_start(&listener, ret_fault);
    return station->listener != NULL;
}

static void on_turn_ends(uv_prepare_t *prepare)
{
    (void)prepare;
    log_flush();
}

static void *run(void *argument)
{
    struct station *station = argument;
    log_gather();
    uv_run(station->loop, UV_RUN_DEFAULT);
    log_gather_end();
    return NULL;
}

struct station *station_start(const struct station_options *options, struct fault *ret_fault)
{
    struct station *station = calloc(1, sizeof *station);
    if (station == NULL) {
        fault_set(ret_fault, FAULT_internal, NULL);
        return NULL;
    }
    station->options = *options;
    station->recheck_pulses = options->setup->config.recheck_seconds * 1000 / PULSE_MS;
    station->has_thread = options->loop == NULL;
    station->loop = options->loop;
    if (station->has_thread) {
        uv_loop_init(&station->own_loop);
        station->loop = &station->own_loop;
    }
    pthread_mutex_init(&station->lock, NULL);
    station->orders.data = station;
    uv_async_init(station->loop, &station->orders, follow_orders);
    station->pulse.data = station;
    uv_timer_init(station->loop, &station->pulse);
    uv_timer_start(&station->pulse, on_pulse, 0, PULSE_MS);
    uv_prepare_init(station->loop, &station->turn_ends);
    uv_prepare_start(&station->turn_ends, on_turn_ends);
    if (!open_parts(station, ret_fault))
        return NULL; /* the process ends: see gateway_run */
    if (!station->has_thread)
        log_gather();
    else if (pthread_create(&station->thread, NULL, run, station) != 0) {
        fault_set(ret_fault, FAULT_internal, "a thread for a further loop cannot be started");
        return NULL;
    }
    return station;
}

void station_use(struct station *station, struct setup *setup, struct context *context)
{
    pthread_mutex_lock(&station->lock);
    setup_release(station->next_setup);
    if (station->next_context != NULL)
        context_release(station->next_context);
    station->next_setup = setup_hold(setup);
    station->next_context = context_hold(context);
    pthread_mutex_unlock(&station->lock);
    uv_async_send(&station->orders);
}

struct station_figures station_figures(struct station *station)
{
    pthread_mutex_lock(&station->lock);
    struct station_figures figures = station->figures;
    pthread_mutex_unlock(&station->lock);
    return figures;
}

void station_stop(struct station *station, unsigned drain_ms)
{
    pthread_mutex_lock(&station->lock);
    station->is_stop_ordered = true;
    station->drain_ms = drain_ms;
    pthread_mutex_unlock(&station->lock);
    uv_async_send(&station->orders);
}

void station_free(struct station *station)
{
    if (station->has_thread) {
        pthread_join(station->thread, NULL);
        uv_loop_close(&station->own_loop);
    } else {
        log_gather_end();
    }
    setup_release(station->next_setup);
    if (station->next_context != NULL)
        context_release(station->next_context);
    pthread_mutex_destroy(&station->lock);
    free(station);
}
