/* connection: one accepted connection, from its handshake to its end.
 *
 * Shared by the listener's files only: accept.c makes it, listen.c has its byte stream (the
 * wire_... functions: TLS or plain), connection.c moves bytes between the wire and http.c and keeps
 * the deadlines. A connection stays on the loop that accepted it. While it is idle it holds no
 * buffer: only this struct, its TLS session and its peer. */
#ifndef GATEWAY_LISTENER_CONNECTION_H
#define GATEWAY_LISTENER_CONNECTION_H

#include <uv.h>

#include "gateway/http/http.h"
#include "gateway/listener/deadline.h"
#include "gateway/listener/listen.h"

struct ssl_st;

enum connection_state {
    CONNECTION_HANDSHAKE,
    CONNECTION_OPEN,
    CONNECTION_LINGER, /* everything is said; what the client still sends is thrown away */
    CONNECTION_GONE    /* waiting for libuv to let go */
};

struct connection {
    struct http_stream http; /* first: a stream is its connection */
    struct listener *listener;
    struct connection *before, *after; /* all of the listener */
    struct deadline deadline;
    uv_poll_t poll;
    int socket;
    int watched;         /* events asked of poll */
    bool filled;         /* the last read of a plain socket filled the whole room */
    bool has_spoken;     /* something came */
    bool is_stranger;    /* has no certificate of a partner, or shows it yet */
    bool has_seat;       /* counts among connections_max */
    bool is_counted;     /* ... and among those of its partner */
    const char *crowded; /* there are too many: it is told so, and no request is read; else NULL */
    enum connection_state state;
    enum http_phase timed_phase; /* that the deadline was started for */
    uint64_t timed_request;
    struct ssl_st *tls; /* NULL: plain */
    const char *broken; /* why the handshake ended, in OpenSSL's words; NULL: the caller hung up */
    char *kept;         /* read, but behind the request in hand */
    size_t kept_length; /* counts as memory of its partner */
};

enum connection_wait {
    WAIT_HANDSHAKE,
    WAIT_IDLE,
    WAIT_HEAD,
    WAIT_BODY,
    WAIT_ANSWER,
    WAIT_LINGER,
    WAITS
};

/* What connection.c sees of the listener. Owned by listen.c. */
struct connection_home {
    uv_loop_t *loop;
    struct http_server http;
    struct deadline_queue waits[WAITS];
    struct listener_counters counters;
    char *scratch; /* every read goes here; used only inside one call */
};

enum { CONNECTION_SCRATCH_BYTES = 64 * 1024 };

/* ---- connection.c ---- */

/* Takes over the accepted, non-blocking SOCKET. TLS may be NULL. */
void connection_open(struct connection *connection, struct connection_home *home);
/* Something may be read or written, or an answer is ready. */
void connection_go_on(struct connection *connection);
/* Its deadline has passed. */
void connection_overdue(struct connection *connection);
/* For http_server.on_answer. */
void connection_answered(struct http_stream *stream);
/* The service stops: ends it now if nothing is going on, else after its answer. */
void connection_stop(struct connection *connection);
/* Ends it at once; an exchange that the handler has stays valid. */
void connection_end(struct connection *connection);

/* ---- listen.c ---- */

enum wire { WIRE_DONE, WIRE_WANTS_READ, WIRE_WANTS_WRITE, WIRE_END, WIRE_BROKEN };

struct connection_home *listener_home(struct listener *listener);
/* Begins TLS, if the listener speaks it; false without memory. */
bool wire_open(struct connection *connection);
enum wire wire_handshake(struct connection *connection);
/* The handshake is done: who is it? False: it may not stay. */
bool wire_admit(struct connection *connection);
/* The handshake failed: counts and reports it. */
void wire_refused(struct connection *connection);
/* Asks again by today's trust; false: it may not stay. Cheap enough for every request. */
bool wire_is_trusted(struct connection *connection);
enum wire wire_read(struct connection *connection, char *bytes, size_t room, size_t *ret_length);
/* More can be read without waiting for the socket. */
bool wire_has_more(const struct connection *connection);
enum wire wire_write(struct connection *connection, const char *bytes, size_t length,
                     size_t *ret_length);
/* Says that nothing more will be sent. */
void wire_finish(struct connection *connection);
/* Reads and throws away; false: the other side has closed too. */
bool wire_discard(struct connection *connection);
/* Frees the TLS session and closes the socket. */
void wire_close(struct connection *connection);
/* Takes the connection out of the listener's set; its memory is freed by listener_forget(). */
void listener_remove(struct connection *connection);
void listener_forget(struct connection *connection);

#endif
