/* accept: takes connections from the listening socket, and finds room for them. See accept.h for
 * who makes room for whom.
 *
 * Everything here belongs to one loop; what the loops know of each other is in seats.h. */
#include "gateway/listener/accept.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/runtime/address.h"

enum {
    ACCEPTS_A_TURN = 64,
    REST_MS = 2,             /* that a loop leaves new connections to the others */
    EVICT_IDLE_MS = 1000,    /* an idle connection is left alone that long when room is short */
    EVICT_SILENT_MS = 50,    /* likewise, a stranger who has said nothing */
    EVICT_STRANGER_MS = 500, /* ... and one who has */
    LOOKED_AT_MAX = 64       /* strangers, to find one who has said nothing */
};

static void on_listen(uv_poll_t *poll, int status, int events);
static bool accept_one(struct listener *listener);

/* Tells the other loops, which leave the next ones to whoever has fewest. */
static void tell_others(struct listener *listener)
{
    if (listener->seats != NULL && !listener->stopping)
        seats_tell(listener->seats, listener->seat, (unsigned)listener->home.counters.connections);
}

static bool take_seat(struct listener *listener)
{
    unsigned most = listener->limits.connections_max;
    return listener->seats == NULL ? listener->seated < most : seats_enter(listener->seats, most);
}

/* Counts a connection that is about to come; false: there is no room for it. Without TLS it is a
 * stranger to nobody. */
static bool enter(struct listener *listener)
{
    struct listener_counters *counters = &listener->home.counters;
    bool is_stranger = listener->context != NULL;
    if (is_stranger ? counters->strangers >= listener->limits.strangers_max : !take_seat(listener))
        return false;
    counters->strangers += is_stranger;
    listener->seated += !is_stranger;
    if (++counters->connections > listener->most_connections)
        listener->most_connections = counters->connections;
    return true;
}

static void uncount(struct listener *listener, bool is_stranger, bool has_seat)
{
    listener->home.counters.connections--;
    listener->home.counters.strangers -= is_stranger;
    listener->seated -= has_seat;
    if (has_seat && listener->seats != NULL)
        seats_exit(listener->seats);
    tell_others(listener);
}

/* What enter() counted did not come after all. */
static void uncount_new(struct listener *listener)
{
    uncount(listener, listener->context != NULL, listener->context == NULL);
}

void accept_uncount(const struct connection *connection)
{
    uncount(connection->listener, connection->is_stranger, connection->has_seat);
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

static void evict(struct listener *listener, struct connection *connection)
{
    listener->home.counters.evicted++;
    connection_end(connection);
}

/* Ends the connection that waits longest in that way, if it had its fair time; false: none did. */
static bool evict_first(struct listener *listener, enum connection_wait wait, uint64_t fair_ms)
{
    struct deadline *first = deadline_first(&listener->home.waits[wait]);
    if (first == NULL || uv_now(listener->home.loop) - first->since_ms < fair_ms)
        return false;
    evict(listener, accept_holder(first));
    return true;
}

/* Of the strangers that wait longest one who has said nothing, if it had its fair time. */
static bool evict_silent(struct listener *listener)
{
    uint64_t now = uv_now(listener->home.loop);
    struct deadline *at = deadline_first(&listener->home.waits[WAIT_HANDSHAKE]);
    for (unsigned i = 0; i < LOOKED_AT_MAX && at != NULL; i++, at = deadline_next(at)) {
        if (now - at->since_ms < EVICT_SILENT_MS)
            return false;
        if (!accept_holder(at)->has_spoken) {
            evict(listener, accept_holder(at));
            return true;
        }
    }
    return false;
}

static bool evict_stranger(struct listener *listener)
{
    return evict_first(listener, WAIT_LINGER, 0) || evict_silent(listener) ||
           evict_first(listener, WAIT_HANDSHAKE, EVICT_STRANGER_MS);
}

/* Without TLS, where there are no strangers. */
static bool evict_plain(struct listener *listener)
{
    uint64_t idle_ms = listener->limits.yields ? 0 : EVICT_IDLE_MS;
    if (evict_first(listener, WAIT_LINGER, 0) || evict_first(listener, WAIT_IDLE, idle_ms))
        return true;
    return listener->limits.yields &&
           (evict_first(listener, WAIT_HEAD, 0) || evict_first(listener, WAIT_BODY, 0) ||
            evict_first(listener, WAIT_ANSWER, EVICT_IDLE_MS));
}

/* For a newcomer, of whom nobody knows who it is. */
static bool make_room(struct listener *listener)
{
    return listener->context == NULL ? evict_plain(listener) : evict_stranger(listener);
}

bool accept_admit(struct connection *connection)
{
    struct listener *listener = connection->listener;
    if (!take_seat(listener) &&
        !(evict_first(listener, WAIT_IDLE, EVICT_IDLE_MS) && take_seat(listener)))
        return false;
    connection->is_stranger = false;
    connection->has_seat = true;
    listener->home.counters.strangers--;
    listener->seated++;
    return true;
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
        connection->is_stranger = listener->context != NULL;
        connection->has_seat = listener->context == NULL;
    }
    if (connection == NULL || peer == NULL || !wire_open(connection)) {
        http_peer_release(peer);
        free(connection);
        close(fd);
        uncount_new(listener);
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
    if (listener->context != NULL) /* soon a stranger will have had its time */
        uv_timer_start(&listener->rest, on_rested, EVICT_SILENT_MS, 0);
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
    uncount_new(listener);
    if (reason == EMFILE || reason == ENFILE || reason == ENOBUFS || reason == ENOMEM) {
        if (!make_room(listener) && listener->home.counters.strangers == 0)
            evict_first(listener, WAIT_IDLE, EVICT_IDLE_MS);
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
