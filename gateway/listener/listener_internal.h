/* listener_internal: the inside of a listener, for listen.c (its life, its wire, its trust) and
 * accept.c (who comes in). Everybody else sees listen.h. One loop. */
#ifndef GATEWAY_LISTENER_LISTENER_INTERNAL_H
#define GATEWAY_LISTENER_LISTENER_INTERNAL_H

#include "gateway/listener/connection.h"

struct listener {
    struct connection_home home; /* first */
    struct seats *seats;         /* NULL: the only loop */
    struct quotas *quotas;       /* NULL: no limits */
    unsigned seat;
    struct listener_limits limits;
    struct context *context; /* NULL: plain */
    void (*on_refused)(void *owner, const char *address, const struct verify_peer *peer);
    void (*on_broken)(void *owner, const char *address, const char *reason);
    void (*on_peer)(void *owner, const char *address, const struct verify_peer *peer);
    void (*on_stopped)(void *owner);
    void *owner;
    int socket;
    uv_poll_t poll;
    uv_timer_t tick; /* runs while there is anything to wait for */
    uv_timer_t rest;
    bool accepting, stopping;
    uint64_t paused_at_ms;
    uint64_t drained_at_ms;
    int handles_open;
    struct connection *first;
    unsigned seated;           /* connections with a seat */
    uint64_t most_connections; /* since a crowd went */
};

/* Sees to it that deadlines, pauses and the stop are looked at. */
void listener_tick(struct listener *listener);

#endif
