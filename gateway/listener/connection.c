/* connection: see connection.h.
 *
 *   HANDSHAKE --admitted--> OPEN --last answer sent--> LINGER --client closed--> GONE
 *        any state: error, deadline, not trusted any more --> GONE
 *
 * In OPEN the phases of http.h decide what is done next. Reading is asked for only while a request
 * may come in; while the handler works nothing is read, so a client that pipelines waits in the
 * kernel. */
#include "gateway/listener/connection.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_A_TURN = 32 }; /* then the other connections have their turn */

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct connection *connection, int events)
{
    if (connection->watched == events)
        return;
    connection->watched = events;
    uv_poll_start(&connection->poll, events, on_poll);
}

/* Starts the deadline of the current phase, once for each request and phase. */
static void keep_time(struct connection *connection)
{
    static const int wait_of[] = {
        [PHASE_IDLE] = WAIT_IDLE, [PHASE_HEAD] = WAIT_HEAD,     [PHASE_BODY] = WAIT_BODY,
        [PHASE_HANDLER] = -1,     [PHASE_ANSWER] = WAIT_ANSWER, [PHASE_END] = -1,
    };
    const struct http_stream *http = &connection->http;
    if (connection->timed_phase == http->phase && connection->timed_request == http->requests)
        return;
    connection->timed_phase = http->phase;
    connection->timed_request = http->requests;
    struct connection_home *home = listener_home(connection->listener);
    int wait = wait_of[http->phase];
    if (connection->is_stranger && wait >= 0 && wait != WAIT_ANSWER)
        wait = WAIT_HANDSHAKE; /* among its like, so that it may have to make room */
    if (wait < 0)
        deadline_end(&connection->deadline);
    else
        deadline_start(&connection->deadline, &home->waits[wait], uv_now(home->loop));
}

static void on_closed(uv_handle_t *handle)
{
    listener_forget(handle->data);
}

/* Takes the bytes that were kept; they are the caller's to free. */
static char *take_kept(struct connection *connection, size_t *ret_length)
{
    struct quota *quota = connection->http.peer->quota;
    char *bytes = connection->kept;
    *ret_length = connection->kept_length;
    if (bytes != NULL && quota != NULL)
        quota_give(quota, connection->kept_length);
    connection->kept = NULL;
    connection->kept_length = 0;
    return bytes;
}

/* Keeps bytes for the next request; false: there is no memory for them. */
static bool keep(struct connection *connection, const char *bytes, size_t length)
{
    struct quota *quota = connection->http.peer->quota;
    bool is_little;
    if (quota != NULL && !quota_hold(quota, length, &is_little))
        return false;
    connection->kept = malloc(length);
    connection->kept_length = length;
    if (connection->kept != NULL)
        memcpy(connection->kept, bytes, length);
    else if (quota != NULL)
        quota_give(quota, length);
    return connection->kept != NULL;
}

void connection_end(struct connection *connection)
{
    size_t length;
    if (connection->state == CONNECTION_GONE)
        return;
    connection->state = CONNECTION_GONE;
    deadline_end(&connection->deadline);
    http_drop(&connection->http);
    free(take_kept(connection, &length));
    listener_remove(connection);
    uv_close((uv_handle_t *)&connection->poll, on_closed);
    wire_close(connection); /* allowed once libuv has stopped polling, which uv_close() did */
}

static void linger(struct connection *connection)
{
    struct connection_home *home = listener_home(connection->listener);
    connection->state = CONNECTION_LINGER;
    wire_finish(connection);
    deadline_start(&connection->deadline, &home->waits[WAIT_LINGER], uv_now(home->loop));
    watch(connection, UV_READABLE);
}

static void wait_for(struct connection *connection, enum wire wire)
{
    if (wire == WIRE_WANTS_READ || wire == WIRE_WANTS_WRITE)
        watch(connection, wire == WIRE_WANTS_READ ? UV_READABLE : UV_WRITABLE);
    else
        connection_end(connection);
}

/* ---- bytes in ---- */

static void send_go_ahead(struct connection *connection)
{
    size_t sent = 0;
    size_t length = strlen(http_go_ahead);
    connection->http.go_ahead = false;
    if (wire_write(connection, http_go_ahead, length, &sent) != WIRE_DONE || sent != length)
        connection_end(connection);
}

/* Hands bytes to http; what it leaves is kept for the next request. */
static void feed(struct connection *connection, const char *bytes, size_t length)
{
    size_t used = http_receive(&connection->http, bytes, length);
    if (used < length && connection->http.phase < PHASE_END &&
        !keep(connection, bytes + used, length - used)) {
        connection_end(connection);
        return;
    }
    if (connection->http.go_ahead)
        send_go_ahead(connection);
}

static void feed_kept(struct connection *connection)
{
    size_t length;
    char *bytes = take_kept(connection, &length);
    feed(connection, bytes, length);
    free(bytes);
}

/* False: nothing more can be done now. */
static bool take_bytes(struct connection *connection)
{
    struct connection_home *home = listener_home(connection->listener);
    bool new_request = connection->http.phase == PHASE_IDLE;
    size_t length = 0;
    enum wire wire = WIRE_DONE;
    if (connection->kept == NULL)
        wire = wire_read(connection, home->scratch, CONNECTION_SCRATCH_BYTES, &length);
    if (wire != WIRE_DONE) {
        keep_time(connection);
        wait_for(connection, wire);
        return false;
    }
    if (new_request && !wire_is_trusted(connection)) {
        home->counters.untrusted++;
        connection_end(connection);
        return false;
    }
    if (connection->kept != NULL)
        feed_kept(connection);
    else
        feed(connection, home->scratch, length);
    return connection->state == CONNECTION_OPEN;
}

/* Nothing is left in memory, so the socket must speak first. */
static bool must_wait(const struct connection *connection)
{
    return connection->http.phase <= PHASE_BODY && connection->kept == NULL &&
           !wire_has_more(connection);
}

/* ---- bytes out ---- */

/* False: the client must take some first, or is gone. */
static bool send_answer(struct connection *connection)
{
    const char *bytes;
    size_t length;
    while (connection->http.phase == PHASE_ANSWER) {
        bool more = http_output(&connection->http, &bytes, &length);
        size_t sent = 0;
        enum wire wire = WIRE_DONE;
        if (more)
            wire = wire_write(connection, bytes, length, &sent);
        if (wire != WIRE_DONE) {
            keep_time(connection);
            wait_for(connection, wire);
            return false;
        }
        http_sent(&connection->http, sent);
    }
    return true;
}

/* ---- turns ---- */

static void take_turn(struct connection *connection)
{
    for (int step = 0; step < STEPS_A_TURN; step++) {
        switch (connection->http.phase) {
        case PHASE_ANSWER:
            if (!send_answer(connection))
                return;
            break;
        case PHASE_END:
            linger(connection);
            return;
        case PHASE_HANDLER:
            keep_time(connection);
            return;
        default:
            if (!take_bytes(connection))
                return;
        }
        if (must_wait(connection)) {
            keep_time(connection);
            watch(connection, UV_READABLE);
            return;
        }
    }
    keep_time(connection);
    watch(connection, UV_READABLE | UV_WRITABLE); /* comes back at once, after the others */
}

static void shake_hands(struct connection *connection)
{
    struct connection_home *home = listener_home(connection->listener);
    enum wire wire = connection->tls == NULL ? WIRE_DONE : wire_handshake(connection);
    if (wire == WIRE_BROKEN) { /* not closed at once: a reset would take the alert with it */
        wire_refused(connection);
        linger(connection);
        return;
    }
    if (wire != WIRE_DONE) {
        wait_for(connection, wire);
        return;
    }
    if (!wire_admit(connection)) {
        connection_end(connection);
        return;
    }
    connection->state = CONNECTION_OPEN;
    connection->http.phase = home->http.draining ? PHASE_END : PHASE_IDLE;
    if (connection->crowded != NULL && !home->http.draining)
        http_turn_away(&connection->http, connection->is_counted ? 503 : 429, connection->crowded);
    take_turn(connection);
}

void connection_go_on(struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_HANDSHAKE:
        shake_hands(connection);
        break;
    case CONNECTION_OPEN:
        take_turn(connection);
        break;
    case CONNECTION_LINGER:
        if (!wire_discard(connection))
            connection_end(connection);
        break;
    default:
        break;
    }
}

void connection_answered(struct http_stream *stream)
{
    take_turn((struct connection *)stream);
}

void connection_stop(struct connection *connection)
{
    bool is_idle = connection->state == CONNECTION_OPEN && connection->http.phase == PHASE_IDLE &&
                   connection->kept == NULL;
    if (is_idle)
        wire_finish(connection);
    if (is_idle || connection->state == CONNECTION_HANDSHAKE)
        connection_end(connection);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct connection *connection = poll->data;
    connection->has_spoken = true;
    if (status < 0) {
        connection_end(connection); /* libuv has stopped polling: an error on the socket */
        return;
    }
    if (connection->state == CONNECTION_OPEN && connection->http.phase == PHASE_HANDLER) {
        watch(connection, 0);
        return;
    }
    connection_go_on(connection);
}

void connection_overdue(struct connection *connection)
{
    deadline_end(&connection->deadline);
    bool receiving = connection->state == CONNECTION_OPEN &&
                     (connection->http.phase == PHASE_HEAD || connection->http.phase == PHASE_BODY);
    if (!receiving) {
        if (connection->state == CONNECTION_OPEN && connection->http.phase == PHASE_IDLE)
            wire_finish(connection);
        connection_end(connection);
        return;
    }
    http_refuse(&connection->http, 408, "the request did not arrive in time");
    take_turn(connection);
}

void connection_open(struct connection *connection, struct connection_home *home)
{
    uv_poll_init(home->loop, &connection->poll, connection->socket);
    connection->poll.data = connection;
    connection->timed_phase = PHASE_END;
    deadline_start(&connection->deadline, &home->waits[WAIT_HANDSHAKE], uv_now(home->loop));
    connection_go_on(connection);
}
