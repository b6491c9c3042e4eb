/* worker: one event loop that serves partners: a listener and a receiver.
 *
 * Station 0 runs on the gateway's own loop; further ones (setting `loops`) have a thread and a loop
 * of their own and share the listening socket. All calls come from loop 0's thread. */
#ifndef GATEWAY_INBOUND_WORKER_H
#define GATEWAY_INBOUND_WORKER_H

#include "certs/tls/context.h"
#include "gateway/listener/listen.h"
#include "gateway/setup/setup.h"
#include "gateway/store/writer.h"

struct uv_loop_s;
struct quotas;
struct seats;
struct station;

struct station_options {
    struct uv_loop_s *loop; /* NULL: a thread and a loop of its own */
    int socket;
    struct seats *seats; /* shared by all stations, so that each gets its part of the connections */
    struct quotas *quotas; /* likewise */
    struct setup *setup;
    struct context *context;
    struct writer *writer;
    /* A message was committed; runs on the station's loop: must be safe from any thread. */
    void (*on_taken)(void *owner);
    /* A certificate was judged, admitted or not; likewise. May be NULL. */
    void (*on_peer)(void *owner, const struct verify_peer *peer);
    /* It has stopped; runs on the station's loop: must be safe from any thread. */
    void (*on_stopped)(void *owner);
    void *owner;
};

struct station *station_start(const struct station_options *options, struct fault *ret_fault);
/* From the next request on these hold; open connections are asked again by the new trust. */
void station_use(struct station *station, struct setup *setup, struct context *context);
/* As of the last second at most. Any thread. */
struct station_figures {
    struct listener_counters listener;
    struct http_counters http;
};
struct station_figures station_figures(struct station *station);
/* Lets requests in hand end for DRAIN_MS; on_stopped follows. */
void station_stop(struct station *station, unsigned drain_ms);
/* After on_stopped: joins its thread and frees it. */
void station_free(struct station *station);

#endif
