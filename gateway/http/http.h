/* http: bounded HTTP/1.1 requests out of a byte stream, and their answers into it (RFC 9110, 9112).
 *
 * Two callers: handlers get a struct exchange and answer it; connection.c feeds bytes and takes
 * bytes. llhttp reads in strict mode, framing.c checks what it lets through; where the two disagree
 * the request is refused. What is refused here is answered here, with an OperationOutcome, and the
 * connection ends. One exchange at a time per connection, so pipelined requests are answered in
 * order. Everything happens on the loop that owns the connection; nothing here blocks. */
#ifndef GATEWAY_HTTP_HTTP_H
#define GATEWAY_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "certs/verify/verdict.h"
#include "gateway/http/framing.h"
#include "gateway/http/quota.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/histogram.h"

/* ---- for handlers ---- */

struct http_header {
    const char *name;
    const char *value;
};

/* Who is at the other end of a connection; shared by its exchanges and not changed once made. */
struct http_peer {
    const char *partner;     /* name in the trust table; NULL: a valid certificate, but nobody's */
    const char *claimed;     /* the partner it posed as; NULL: none */
    const char *subject;     /* of the certificate, for the audit; NULL without TLS */
    const char *fingerprint; /* SHA-256 of the certificate, lower-case hex; NULL without TLS */
    const char *address;     /* `127.0.0.1:51234` */
    struct quota *quota;     /* of the partner; NULL: nothing limits it but the server's limits */
    enum verdict verdict;    /* of the certificate; VERDICT_no_certificate without TLS */
    uint64_t connection;     /* a number of its own for each one through this listening socket */
    unsigned holds;          /* connection and exchanges; on one loop */
};

/* One request and, later, its answer. Everything in it lives in its arena, which is the handler's
 * to use until exchange_answer(). It outlives its connection until it is answered. */
struct exchange {
    struct arena arena;
    const char *method; /* `POST` */
    const char *target; /* as sent */
    const char *path;   /* escapes undone, except %2F; starts with `/` (or is `*`) */
    const char *query;  /* as sent, without `?`; NULL: none */
    const struct http_header *headers;
    size_t headers_count;
    const char *body; /* never NULL; a NUL stands behind it */
    size_t body_length;
    const struct http_peer *peer;
    void *work; /* the handler's own */
};

struct answer {
    int status;
    const char *type;                  /* Content-Type; NULL: none */
    const struct http_header *headers; /* further ones; copied */
    size_t headers_count;
    const char *body; /* lives in the exchange's arena or for ever; NULL: none */
    size_t body_length;
};

/* The value of the first header of that name, in any case, or NULL. */
const char *exchange_header(const struct exchange *exchange, const char *name);
/* Sends the answer and gives the exchange back: it must not be touched afterwards. To be called
 * exactly once, on the loop the exchange came from, now or later; safe when the client has gone
 * meanwhile. Date, Content-Length, X-Request-Id and X-Correlation-Id (mirrored) are added here. */
void exchange_answer(struct exchange *exchange, const struct answer *answer);

/* ---- for connection.c and listen.c ---- */

struct http_limits {
    struct framing_limits framing;
    uint64_t requests_max;        /* on one connection; 0: no limit */
    size_t bodies_bytes_max;      /* held by all requests of this server together; beyond: 503 */
    unsigned spare_exchanges_max; /* kept with a block of memory for the next request */
};

struct http_counters {
    uint64_t requests;      /* handed to the handler */
    uint64_t answers[6];    /* by status / 100; [0] unused */
    uint64_t refusals;      /* made here */
    uint64_t orphaned;      /* answered after the client had gone */
    uint64_t bodies_bytes;  /* held now */
    uint64_t exchanges;     /* not given back yet */
    struct histogram times; /* from a whole request to its answer */
};

enum { HTTP_DATE_TEXT = 80 };

struct http_stream;
struct request;

/* What all connections of one loop share. */
struct http_server {
    struct http_limits limits;
    void (*on_request)(void *owner, struct exchange *exchange);
    void *owner;
    /* A request is answered with 4xx, here or by the handler; may be NULL. */
    void (*on_refused)(void *owner, const struct http_peer *peer, int status);
    /* An answer is ready outside of http_receive(). */
    void (*on_answer)(struct http_stream *stream);
    struct clock clock;
    bool draining; /* every answer ends its connection */
    struct http_counters counters;
    struct request *spare;
    unsigned spare_count;
    unsigned spare_least; /* since http_server_trim() */
    uint64_t most_held;   /* bodies_bytes since a crowd went */
    int64_t date_second;  /* of the text below */
    char date[HTTP_DATE_TEXT];
};

enum http_phase {
    PHASE_IDLE,    /* between requests; holds no memory */
    PHASE_HEAD,    /* part of a head is here */
    PHASE_BODY,    /* the head is complete */
    PHASE_HANDLER, /* the handler has it */
    PHASE_ANSWER,  /* bytes to send */
    PHASE_END      /* the connection is to be closed */
};

/* The HTTP side of one connection. */
struct http_stream {
    struct http_server *server;
    struct http_peer *peer;  /* held by the connection, and by each exchange for itself */
    struct request *request; /* of the phases HEAD to ANSWER */
    uint64_t requests;
    enum http_phase phase;
    bool closing;  /* the answer in hand is the last */
    bool refused;  /* ... and the client may still be sending */
    bool go_ahead; /* `100 Continue` is to be sent now */
    bool feeding;  /* inside http_receive() */
};

extern const char http_go_ahead[]; /* the interim answer */

/* Takes bytes up to the end of one request and returns how many; to be called in PHASE_IDLE, HEAD
 * and BODY only, again while bytes are left and the phase allows. May call the handler, which may
 * answer. */
size_t http_receive(struct http_stream *stream, const char *bytes, size_t length);
/* The next bytes to send in PHASE_ANSWER; false: all are sent. */
bool http_output(const struct http_stream *stream, const char **ret_bytes, size_t *ret_length);
/* LENGTH bytes went out; after the last the phase is PHASE_IDLE or PHASE_END. */
void http_sent(struct http_stream *stream, size_t length);
/* Ends the request that is being received with an answer made here, and then the connection. */
void http_refuse(struct http_stream *stream, int status, const char *found);
/* Answers before there is a request, and ends the connection: to be called in PHASE_IDLE. The
 * client reads it as the answer to the request that it is about to send (RFC 9112 section 9.5). */
void http_turn_away(struct http_stream *stream, int status, const char *found);
/* The connection is gone. */
void http_drop(struct http_stream *stream);
/* A copy of FROM and its texts, held once. NULL without memory. */
struct http_peer *http_peer_new(const struct http_peer *from);
void http_peer_release(struct http_peer *peer);
/* Gives back the memory of spare exchanges that were not needed since the last call. */
void http_server_trim(struct http_server *server);
/* ... of all of them. */
void http_server_free(struct http_server *server);

#endif
