/* listen: the door for partners. One listening socket, mutual TLS, and HTTP/1.1 requests handed to
 * a handler; without TLS on a loopback address, the same for this machine's own clients.
 *
 * The socket is opened once, without SO_REUSEPORT (a second process must not be able to join in),
 * and every loop polls its own dup() of it. A listener belongs to one loop: call its functions
 * there. It owns the connections it accepted, with a deadline for each thing a client can be slow
 * at. Who has not shown the certificate of a partner yet is a stranger; strangers have places of
 * their own, and only they make room for further ones. Beyond the limits the longest idle
 * connection makes room for a partner, or accepting pauses. */
#ifndef GATEWAY_LISTENER_LISTEN_H
#define GATEWAY_LISTENER_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "certs/tls/context.h"
#include "gateway/http/http.h"
#include "gateway/http/quota.h"
#include "gateway/listener/seats.h"
#include "gateway/runtime/fault.h"

struct listener;

struct listener_limits {
    unsigned connections_max; /* of partners, on all loops together */
    unsigned strangers_max;   /* beside them, on this loop */
    bool yields;              /* without TLS: the oldest always makes room for a new one */
    unsigned handshake_ms;
    unsigned idle_ms;   /* between requests */
    unsigned head_ms;   /* from the first byte of a request to the end of its head */
    unsigned body_ms;   /* from there to its last byte */
    unsigned answer_ms; /* for the client to take the whole answer */
    unsigned linger_ms; /* for the client to notice that we closed */
    struct http_limits http;
};

/* What docs/settings.md states, until settings say otherwise. */
struct listener_limits listener_limits_default(void);

struct listener_counters {
    uint64_t accepted;
    uint64_t evicted;    /* idle or unfinished ones that made room */
    uint64_t pauses;     /* of accepting: connections_max, or no file descriptors */
    uint64_t rests;      /* ... because other loops have fewer connections */
    uint64_t handshakes; /* that succeeded */
    uint64_t handshakes_failed;
    uint64_t refused_peers; /* of these: for their certificate */
    uint64_t untrusted;     /* closed because the trust or the certificate ran out */
    uint64_t crowded;       /* answered 429 because the partner has too many */
    uint64_t overdue[6];    /* handshake, idle, head, body, answer, linger */
    uint64_t connections;   /* now */
    uint64_t strangers;     /* of these: nobody's yet */
};

struct listener_options {
    uv_loop_t *loop;
    int socket; /* of listen_open(); dup()ed */
    struct context
        *context;        /* held; NULL: plain, refused unless the socket is on a loopback address */
    struct seats *seats; /* of all listeners on this socket; NULL: it is the only one */
    struct quotas *quotas; /* of each partner, likewise; NULL: no limits */
    struct listener_limits limits;
    struct clock clock;
    /* A request; to be answered with exchange_answer(), on this loop. */
    void (*on_request)(void *owner, struct exchange *exchange);
    /* One is answered with 4xx; may be NULL. */
    void (*on_refused_request)(void *owner, const struct http_peer *peer, int status);
    /* A handshake failed because of the certificate shown; may be NULL. */
    void (*on_refused)(void *owner, const char *address, const struct verify_peer *peer);
    /* A handshake failed before a certificate was judged, for REASON in OpenSSL's words; may be
     * NULL. Not told of callers who only hung up. */
    void (*on_broken)(void *owner, const char *address, const char *reason);
    /* A handshake succeeded: a partner, or a stranger who will get 403; may be NULL. */
    void (*on_peer)(void *owner, const char *address, const struct verify_peer *peer);
    void *owner;
};

/* Opens, binds and listens at ADDRESS, `HOST:PORT` as SETTING has it: a name or an address
 * (`[::1]`), port 0 is any free one. The sentence of the fault lives in ARENA. */
bool listen_open(struct arena *arena, const char *setting, const char *address, int *ret_socket,
                 struct fault *ret_fault);
/* The port that SOCKET is bound to. */
unsigned listen_port(int socket);

/* Starts accepting. NULL with a fault. */
struct listener *listener_start(const struct listener_options *options, struct fault *ret_fault);
/* New connections use CONTEXT and its trust (held); open ones are asked again by the new trust
 * before their next request, or now by listener_recheck(). */
void listener_use(struct listener *listener, struct context *context);
/* Closes every connection that the trust of today would not let in as who it is. */
void listener_recheck(struct listener *listener);
/* Stops accepting, closes idle connections, lets requests in hand be answered for DRAIN_MS, then
 * closes the rest. When no connection and no unanswered exchange is left the listener is freed and
 * on_stopped called. Calling it again only shortens the time. */
void listener_stop(struct listener *listener, unsigned drain_ms, void (*on_stopped)(void *owner));
/* Gives back memory that a busy time has left and that is not used any more; to be called now and
 * then. True: a crowd has gone since the last call, so that much is free now. */
bool listener_trim(struct listener *listener);
struct listener_counters listener_count(const struct listener *listener);
struct http_counters listener_count_http(const struct listener *listener);

#endif
