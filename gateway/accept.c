/* accept: see accept.h. */
#include "gateway/accept.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/address.h"

enum {
    ACCEPTS_A_TURN = 64,
    REST_MS = 2,              /* that a loop leaves new connections to the others */
    EVICT_IDLE_MS = 1000,     /* an idle connection is left alone that long when room is short */
    EVICT_HANDSHAKE_MS = 2000 /* likewise, an unfinished handshake */
};

static void on_listen(uv_poll_t *poll, int status, int events);
static bool accept_one(struct listener *listener);

/* Tells the other loops, which leave the next ones to whoever has fewest. */
static void tell_others(struct listener *listener)
{
    if (listener->seats != NULL && !listener->stopping)
        seats_tell(listener->seats, listener->seat, (unsigned)listener->home.counters.connections);
}

/* Counts a connection that is about to come; false: there is no room for it. */
static bool enter(struct listener *listener)
{
    uint64_t *connections = &listener->home.counters.connections;
    unsigned most = listener->limits.connections_max;
    if (listener->seats == NULL ? *connections >= most : !seats_enter(listener->seats, most))
        return false;
    ++*connections;
    return true;
}

void accept_uncount(struct listener *listener)
{
    listener->home.counters.connections--;
    if (listener->seats != NULL)
        seats_exit(listener->seats);
    tell_others(listener);
}

static bool is_ahead(const struct listener *listener)
{
    return listener->seats != NULL &&
           seats_is_ahead(listener->seats, (unsigned)listener->home.counters.connections);
}

static void pause_all(struct listener *listener)
{
    uv_poll_stop(&listener->poll);
    listener->accepting = false;
    listener->paused_at_ms = uv_now(listener->home.loop);
    listener->home.counters.pauses++;
    listener_tick(listener);
}

void accept_resume(struct listener *listener)
{
    if (listener->accepting || listener->stopping)
        return;
    listener->accepting = true;
    uv_poll_start(&listener->poll, UV_READABLE, on_listen);
}

struct connection *accept_holder(struct deadline *deadline)
{
    return (struct connection *)(void *)((char *)deadline - offsetof(struct connection, deadline));
}

/* Ends the connection that waits longest, if it had its fair time; false: none did. */
static bool make_room(struct listener *listener)
{
    static const struct {
        enum connection_wait wait;
        uint64_t fair_ms;
    } order[] = {
        {WAIT_LINGER, 0}, {WAIT_HANDSHAKE, EVICT_HANDSHAKE_MS}, {WAIT_IDLE, EVICT_IDLE_MS}};
    uint64_t now = uv_now(listener->home.loop);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        struct deadline *first = deadline_first(&listener->home.waits[order[i].wait]);
        if (first != NULL && now - first->since_ms >= order[i].fair_ms) {
            listener->home.counters.evicted++;
            connection_end(accept_holder(first));
            return true;
        }
    }
    return false;
}

/* One is taken even so: the other loops may be busy with something long. */
static void on_rested(uv_timer_t *timer)
{
    struct listener *listener = timer->data;
    accept_resume(listener);
    if (listener->accepting)
        accept_one(listener);
}

static void rest(struct listener *listener)
{
    uv_poll_stop(&listener->poll);
    listener->accepting = false;
    listener->paused_at_ms = uv_now(listener->home.loop);
    listener->home.counters.rests++;
    uv_timer_start(&listener->rest, on_rested, REST_MS, 0);
}

static void put_into_set(struct listener *listener, struct connection *connection)
{
    connection->after = listener->first;
    if (listener->first != NULL)
        listener->first->before = connection;
    listener->first = connection;
    listener->handles_open++;
    listener->home.counters.accepted++;
    tell_others(listener);
    listener_tick(listener);
}

static void add_connection(struct listener *listener, int fd, const struct sockaddr_storage *from)
{
    char address[ADDRESS_TEXT];
    struct http_peer fields = {.address = address, .verdict = VERDICT_no_certificate};
    address_text(from, address);
    fields.connection = ((uint64_t)listener->seat << 40) + listener->home.counters.accepted + 1;
    struct http_peer *peer = http_peer_new(&fields);
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection != NULL) {
        connection->listener = listener;
        connection->socket = fd;
        connection->http.server = &listener->home.http;
        connection->http.peer = peer;
    }
    if (connection == NULL || peer == NULL || !wire_open(connection)) {
        http_peer_release(peer);
        free(connection);
        close(fd);
        accept_uncount(listener);
        return;
    }
    put_into_set(listener, connection);
    connection_open(connection, &listener->home);
}

static bool is_anyone_waiting(const struct listener *listener)
{
    struct pollfd door = {.fd = listener->socket, .events = POLLIN};
    return poll(&door, 1, 0) > 0;
}

/* Room for one more; nobody is turned out for a connection that another loop has taken. */
static bool find_room(struct listener *listener)
{
    if (enter(listener))
        return true;
    if (!is_anyone_waiting(listener))
        return false;
    if (make_room(listener) && enter(listener))
        return true;
    pause_all(listener);
    return false;
}

/* False: stop for now. */
static bool accept_one(struct listener *listener)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    if (!find_room(listener))
        return false;
    int fd =
        accept4(listener->socket, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        add_connection(listener, fd, &from);
        return true;
    }
    int reason = errno;
    accept_uncount(listener);
    if (reason == EMFILE || reason == ENFILE || reason == ENOBUFS || reason == ENOMEM) {
        make_room(listener);
        pause_all(listener);
        return false;
    }
    return reason == EINTR || reason == ECONNABORTED || reason == EPROTO;
}

static void on_listen(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct listener *listener = poll->data;
    if (status < 0) {
        pause_all(listener);
        return;
    }
    for (int turn = 0; turn < ACCEPTS_A_TURN; turn++) {
        if (is_ahead(listener)) {
            rest(listener);
            return;
        }
        if (!accept_one(listener))
            return;
    }
}

void accept_stop(struct listener *listener)
{
    uv_poll_stop(&listener->poll);
    uv_timer_stop(&listener->rest);
    listener->accepting = false;
    if (listener->seats != NULL)
        seats_leave(listener->seats, listener->seat);
}
