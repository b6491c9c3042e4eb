/* station: see station.h. Orders from loop 0 are put down under a lock and picked up by uv_async.
 */
#include "gateway/station.h"

#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

#include "gateway/listen.h"
#include "gateway/log.h"
#include "gateway/receive.h"

struct station {
    struct station_options options;
    uv_loop_t own_loop;
    uv_loop_t *loop;
    bool has_thread;
    pthread_t thread;
    uv_async_t orders;
    pthread_mutex_t lock;
    struct setup *next_setup; /* held; NULL: no order */
    struct context *next_context;
    bool is_stop_ordered;
    unsigned drain_ms;
    struct listener *listener;
    struct receiver *receiver;
};

static struct listener_limits limits_of(const struct config *config)
{
    struct listener_limits limits = listener_limits_default();
    limits.connections_max = config->connections_max;
    limits.partner_connections_max = config->connections_per_partner_max;
    limits.handshake_ms = (unsigned)config->handshake_deadline_ms;
    limits.idle_ms = (unsigned)config->idle_deadline_ms;
    limits.head_ms = (unsigned)config->header_deadline_ms;
    limits.body_ms = (unsigned)config->body_deadline_ms;
    limits.answer_ms = (unsigned)config->answer_deadline_ms;
    limits.http.framing.head_bytes_max = config->header_max_bytes;
    limits.http.framing.body_bytes_max = config->body_max_bytes;
    return limits;
}

static void on_refused(void *owner, const char *address, const struct verify_peer *peer)
{
    (void)owner;
    log_event(LOG_LEVEL_WARNING, "peer-refused", "verdict", verdict_name(peer->verdict), "address",
              address, "claimed", peer->claimed, "serial", peer->serial, NULL);
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
    uv_close((uv_handle_t *)&station->orders, NULL);
    station->options.on_stopped(station->options.owner);
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
                                        .context = options->context,
                                        .limits = limits_of(&options->setup->config),
                                        .clock = options->setup->clock,
                                        .on_request = on_request,
                                        .on_refused = on_refused,
                                        .owner = station};
    station->listener = listener_start(&listener, ret_fault);
    return station->listener != NULL;
}

static void *run(void *argument)
{
    struct station *station = argument;
    uv_run(station->loop, UV_RUN_DEFAULT);
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
    station->has_thread = options->loop == NULL;
    station->loop = options->loop;
    if (station->has_thread) {
        uv_loop_init(&station->own_loop);
        station->loop = &station->own_loop;
    }
    pthread_mutex_init(&station->lock, NULL);
    station->orders.data = station;
    uv_async_init(station->loop, &station->orders, follow_orders);
    if (!open_parts(station, ret_fault))
        return NULL; /* the process ends: see gateway_run */
    if (station->has_thread && pthread_create(&station->thread, NULL, run, station) != 0) {
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
    }
    setup_release(station->next_setup);
    if (station->next_context != NULL)
        context_release(station->next_context);
    pthread_mutex_destroy(&station->lock);
    free(station);
}
