/* transmit: one HTTPS exchange with a partner, by libcurl on our loop.
 *
 * Called by deliver (and `partner test`). Each partner generation has a curl multi handle of its
 * own with its connections, so a changed key, CA or URL never meets an old connection; handles of
 * former generations go when their last exchange ends. Everything a partner can be slow or lavish
 * with has a ceiling. Never: redirects, content encodings, other schemes, proxies, netrc, session
 * resumption. What counts afterwards is one question: can the partner have seen the request?
 * transmit_unsent() says so for sure; everything else is resent with the same ids. One loop, one
 * thread; nothing blocks. */
#ifndef GATEWAY_DELIVERY_TRANSMIT_H
#define GATEWAY_DELIVERY_TRANSMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "certs/tls/context.h"
#include "gateway/http/http.h"

struct transmit;

enum transmit_outcome {
    TRANSMIT_ANSWERED,       /* a whole HTTP answer came, whatever its status */
    TRANSMIT_CANNOT_CONNECT, /* no connection, or no TLS in time: nothing was sent */
    TRANSMIT_TLS_REFUSED, /* one side refused the other's certificate or policy: nothing was sent */
    TRANSMIT_TIMED_OUT,   /* sent, or partly; no answer in time: unknown */
    TRANSMIT_BROKEN,      /* the connection broke, or the answer was no HTTP: unknown */
    TRANSMIT_TOO_LARGE,   /* the answer passed a ceiling: unknown */
    TRANSMIT_STOPPED      /* we broke it off: unknown */
};

struct transmit_limits {
    unsigned connect_ms; /* TCP and TLS */
    unsigned total_ms;
    unsigned stall_ms; /* below 16 bytes a second for so long; whole seconds are used */
    size_t head_bytes_max;
    size_t body_bytes_max;
};

struct transmit_limits transmit_limits_default(void);

/* All texts but BODY are copied. */
struct transmit_request {
    const char *partner;     /* name in the trust table */
    uint64_t generation;     /* of the partner's settings, keys and trust */
    struct context *context; /* of that generation; held while it is in use */
    const char *url;         /* https only */
    const char *body;        /* NULL: GET, else POST; must live until the answer */
    size_t body_length;
    const struct http_header *headers;
    size_t headers_count;
    struct transmit_limits limits;
};

/* Lives during the callback. */
struct transmit_result {
    enum transmit_outcome outcome;
    const char *sentence; /* for a person: `cannot connect to 127.0.0.1:8443: connection refused` */
    int status;           /* HTTP; 0: none */
    const char *type;     /* Content-Type; NULL: none */
    const char *body;     /* never NULL; a NUL stands behind it */
    size_t body_length;
    int64_t retry_after_s; /* Retry-After as seconds, at most a day; -1: none */
    int64_t date_s;        /* the partner's clock, its header Date; -1: none that can be read */
    enum verdict verdict;  /* about the partner's certificate; no_handshake: there was none */
    const struct verify_peer *server; /* whose verdict it is; empty on a connection used again */
    const char *suite;                /* as context_suite(); "" when no answer came */
    bool new_connection;
    int64_t connect_us, tls_us, first_byte_us, total_us; /* since the start; 0: not reached */
};

typedef void transmit_done(void *owner, const struct transmit_result *result);

struct transmit_options {
    uv_loop_t *loop;
    /* May the partner be reached at this address? NULL: only the rules of address_fits() hold. */
    bool (*may_connect)(void *owner, const char *partner, const struct sockaddr *address);
    void *owner;
    unsigned idle_ms; /* connections of a partner that nothing was sent to for so long are closed */
};

struct transmit *transmit_new(const struct transmit_options *options);
/* Starts; ON_DONE is called once, later, on the loop. */
void transmit_send(struct transmit *transmit, const struct transmit_request *request,
                   transmit_done *on_done, void *owner);
/* Breaks off everything with this partner (TRANSMIT_STOPPED) and closes its connections. */
void transmit_drop(struct transmit *transmit, const char *partner);
/* Breaks off everything and frees it; ON_CLOSED (may be NULL) comes last. */
void transmit_close(struct transmit *transmit, void (*on_closed)(void *owner), void *owner);
/* The partner cannot have seen any of the request. */
bool transmit_unsent(enum transmit_outcome outcome);

#endif
