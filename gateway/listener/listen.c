/* listen: see listen.h. This file holds the listener's life, the trust in its connections and their
 * wire, which is OpenSSL straight on the socket; accept.c lets connections in, connection.c moves
 * the bytes. */
#include "gateway/listener/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/listener/accept.h"
#include "gateway/listener/listener_internal.h"
#include "gateway/runtime/address.h"

enum {
    BACKLOG = 4096,
    TICK_MS_MIN = 5,
    TICK_MS_MAX = 250,
    PAUSE_MS = 100, /* of accepting, when file descriptors have run out */
    CROWD = 200,    /* connections fewer than there were */
    CROWD_BYTES = 16 << 20
};

struct listener_limits listener_limits_default(void)
{
    struct listener_limits limits = {
        .connections_max = 12000,
        .strangers_max = 1000,
        .handshake_ms = 10000,
        .idle_ms = 300000,
        .head_ms = 10000,
        .body_ms = 60000,
        .answer_ms = 60000,
        .linger_ms = 2000,
        .http = {.framing = {.target_bytes_max = 8192,
                             .head_bytes_max = 32768,
                             .headers_max = 100,
                             .body_bytes_max = 8 << 20},
                 .requests_max = 0,
                 .bodies_bytes_max = 256u << 20,
                 .spare_exchanges_max = 256},
    };
    return limits;
}

/* ---- the listening socket ---- */

bool listen_open(struct arena *arena, const char *setting, const char *address, int *ret_socket,
                 struct fault *ret_fault)
{
    const char *reason = NULL;
    const char *colon = strrchr(address, ':');
    const char *host = arena_copy_n(arena, address, (size_t)(colon - address));
    int fd = address_listen(host, colon + 1, BACKLOG, &reason);
    if (fd >= 0) {
        *ret_socket = fd;
        return true;
    }
    const char *advice =
        errno == EADDRINUSE ? "another process uses this port (ss -ltnp shows which): stop it, or "
                              "choose another port"
        : errno == EACCES   ? "a port below 1024 needs a right that this user lacks: choose one "
                              "above"
                            : "expected an address of this machine (ip address shows them), or "
                              "0.0.0.0 for all of them";
    return fault_set(ret_fault, FAULT_settings,
                     arena_print(arena,
                                 "settings.yaml: %s: found %s, where nobody can listen: %s; %s",
                                 setting, address, reason, advice));
}

unsigned listen_port(int fd)
{
    struct sockaddr_storage name;
    return address_of_socket(fd, &name) ? address_port(&name) : 0;
}

static bool is_local(int fd)
{
    struct sockaddr_storage name;
    return address_of_socket(fd, &name) && address_is_loopback(&name);
}

/* ---- the wire: OpenSSL on the socket, or the bare socket ---- */

struct connection_home *listener_home(struct listener *listener)
{
    return &listener->home;
}

bool wire_open(struct connection *connection)
{
    struct context *context = connection->listener->context;
    if (context == NULL)
        return true;
    connection->tls = context_session_new(context, connection->socket);
    if (connection->tls == NULL)
        return false;
    SSL_set_mode(connection->tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
    SSL_set_read_ahead(connection->tls, 1); /* one read() a record, not one for its head too */
    return true;
}

/* Errors that curl or a certificate check left behind must not be taken for ours. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

static enum wire tls_result(struct connection *connection, int result)
{
    if (result > 0)
        return WIRE_DONE;
    switch (SSL_get_error(connection->tls, result)) {
    case SSL_ERROR_WANT_READ:
        return WIRE_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return WIRE_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return WIRE_END;
    default:
        forget_errors();
        return WIRE_BROKEN;
    }
}

static enum wire socket_result(ssize_t result, enum wire wants)
{
    if (result > 0)
        return WIRE_DONE;
    if (result == 0)
        return WIRE_END;
    return errno == EAGAIN || errno == EINTR ? wants : WIRE_BROKEN;
}

enum wire wire_handshake(struct connection *connection)
{
    forget_errors();
    int result = SSL_accept(connection->tls);
    unsigned long error = ERR_peek_last_error();
    bool hung_up = error == 0 || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    connection->broken = hung_up ? NULL : ERR_reason_error_string(error);
    return tls_result(connection, result);
}

enum wire wire_read(struct connection *connection, char *bytes, size_t room, size_t *ret_length)
{
    if (connection->tls != NULL) {
        forget_errors();
        return tls_result(connection, SSL_read_ex(connection->tls, bytes, room, ret_length));
    }
    ssize_t result = recv(connection->socket, bytes, room, 0);
    *ret_length = result < 0 ? 0 : (size_t)result;
    connection->filled = *ret_length == room;
    return socket_result(result, WIRE_WANTS_READ);
}

bool wire_has_more(const struct connection *connection)
{
    return connection->tls == NULL ? connection->filled : SSL_has_pending(connection->tls) == 1;
}

enum wire wire_write(struct connection *connection, const char *bytes, size_t length,
                     size_t *ret_length)
{
    if (connection->tls != NULL) {
        forget_errors();
        return tls_result(connection, SSL_write_ex(connection->tls, bytes, length, ret_length));
    }
    ssize_t result = send(connection->socket, bytes, length, MSG_NOSIGNAL);
    *ret_length = result < 0 ? 0 : (size_t)result;
    return socket_result(result, WIRE_WANTS_WRITE);
}

void wire_finish(struct connection *connection)
{
    if (connection->tls != NULL) {
        SSL_shutdown(connection->tls);
        forget_errors();
    }
    shutdown(connection->socket, SHUT_WR);
}

bool wire_discard(struct connection *connection)
{
    for (int turn = 0; turn < 4; turn++) {
        ssize_t result = recv(connection->socket, listener_home(connection->listener)->scratch,
                              CONNECTION_SCRATCH_BYTES, 0);
        if (result <= 0)
            return result < 0 && (errno == EAGAIN || errno == EINTR);
    }
    return true;
}

void wire_close(struct connection *connection)
{
    if (connection->tls != NULL)
        context_session_free(connection->tls);
    connection->tls = NULL;
    close(connection->socket);
}

/* ---- who is it ---- */

bool wire_admit(struct connection *connection)
{
    struct listener *listener = connection->listener;
    struct verify_peer peer;
    if (connection->tls == NULL)
        return true;
    if (!verify_peer_of(connection->tls, &peer))
        return false;
    if (listener->on_peer != NULL)
        listener->on_peer(listener->owner, connection->http.peer->address, &peer);
    struct http_peer fields = *connection->http.peer;
    fields.verdict = peer.verdict;
    fields.partner = peer.verdict == VERDICT_admitted ? peer.partner : NULL;
    if (fields.partner != NULL && listener->quotas != NULL)
        fields.quota = quotas_find(listener->quotas, fields.partner);
    fields.claimed = peer.claimed[0] == '\0' ? NULL : peer.claimed;
    fields.subject = peer.subject;
    fields.fingerprint = peer.fingerprint;
    struct http_peer *known = http_peer_new(&fields);
    if (known == NULL)
        return false;
    listener->home.counters.handshakes++;
    http_peer_release(connection->http.peer);
    connection->http.peer = known;
    if (known->partner == NULL)
        return true; /* a stranger still, who is told so with its first request */
    bool is_within = known->quota == NULL || quota_enter(known->quota);
    connection->is_counted = is_within && known->quota != NULL;
    if (!is_within)
        connection->crowded = "this partner has as many connections open as it may have here "
                              "(connections_max); close one and try again";
    else if (!accept_admit(connection))
        connection->crowded = "as many connections are open here as may be (connections_max); try "
                              "again shortly";
    listener->home.counters.crowded += connection->crowded != NULL;
    return true;
}

void wire_refused(struct connection *connection)
{
    struct listener *listener = connection->listener;
    struct verify_peer peer;
    listener->home.counters.handshakes_failed++;
    if (!verify_peer_of(connection->tls, &peer) && peer.verdict != VERDICT_no_certificate) {
        if (connection->broken != NULL && listener->on_broken != NULL)
            listener->on_broken(listener->owner, connection->http.peer->address,
                                connection->broken);
        return;
    }
    listener->home.counters.refused_peers++;
    if (listener->on_refused != NULL)
        listener->on_refused(listener->owner, connection->http.peer->address, &peer);
}

bool wire_is_trusted(struct connection *connection)
{
    struct listener *listener = connection->listener;
    if (connection->tls == NULL)
        return true;
    int64_t now = clock_wall_ms(&listener->home.http.clock) / 1000;
    return verify_again(connection->tls, context_trust(listener->context), now, NULL);
}

void listener_remove(struct connection *connection)
{
    struct listener *listener = connection->listener;
    if (connection->before != NULL)
        connection->before->after = connection->after;
    else
        listener->first = connection->after;
    if (connection->after != NULL)
        connection->after->before = connection->before;
    if (connection->is_counted)
        quota_leave(connection->http.peer->quota);
    accept_uncount(connection);
}

/* The last handle that libuv closes takes the listener with it; close callbacks come in no order.
 */
static void let_go(struct listener *listener)
{
    if (--listener->handles_open > 0)
        return;
    void (*on_stopped)(void *owner) = listener->on_stopped;
    void *owner = listener->owner;
    http_server_free(&listener->home.http);
    if (listener->context != NULL)
        context_release(listener->context);
    close(listener->socket);
    free(listener->home.scratch);
    free(listener);
    if (on_stopped != NULL)
        on_stopped(owner);
}

void listener_forget(struct connection *connection)
{
    struct listener *listener = connection->listener;
    http_peer_release(connection->http.peer);
    free(connection);
    accept_resume(listener);
    let_go(listener);
}

/* ---- time ---- */

static void on_tick(uv_timer_t *timer);

void listener_tick(struct listener *listener)
{
    if (uv_is_active((const uv_handle_t *)&listener->tick))
        return;
    uint64_t period = TICK_MS_MAX;
    for (int wait = 0; wait < WAITS; wait++) {
        uint64_t eighth = listener->home.waits[wait].limit_ms / 8;
        period = eighth < period ? eighth : period;
    }
    if (period < TICK_MS_MIN)
        period = TICK_MS_MIN;
    uv_timer_start(&listener->tick, on_tick, period, period);
}

static void on_handle_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

static void end_all(struct listener *listener)
{
    while (listener->first != NULL)
        connection_end(listener->first);
}

static void go_on_stopping(struct listener *listener)
{
    if (uv_now(listener->home.loop) >= listener->drained_at_ms)
        end_all(listener);
    bool quiet = listener->first == NULL && listener->home.http.counters.exchanges == 0;
    if (!quiet || uv_is_closing((const uv_handle_t *)&listener->tick))
        return;
    uv_close((uv_handle_t *)&listener->tick, on_handle_closed);
    uv_close((uv_handle_t *)&listener->rest, on_handle_closed);
    uv_close((uv_handle_t *)&listener->poll, on_handle_closed);
}

static void on_tick(uv_timer_t *timer)
{
    struct listener *listener = timer->data;
    uint64_t now = uv_now(listener->home.loop);
    for (int wait = 0; wait < WAITS; wait++) {
        struct deadline *due;
        while ((due = deadline_due(&listener->home.waits[wait], now)) != NULL) {
            listener->home.counters.overdue[wait]++;
            connection_overdue(accept_holder(due));
        }
    }
    if (listener->stopping) {
        go_on_stopping(listener);
        return;
    }
    if (!listener->accepting && now - listener->paused_at_ms >= PAUSE_MS)
        accept_resume(listener);
    if (listener->first == NULL && listener->accepting)
        uv_timer_stop(timer);
}

/* ---- the listener ---- */

static void init_home(struct listener *listener, const struct listener_options *options)
{
    const struct listener_limits *limits = &options->limits;
    const unsigned lengths[WAITS] = {
        [WAIT_HANDSHAKE] = limits->handshake_ms, [WAIT_IDLE] = limits->idle_ms,
        [WAIT_HEAD] = limits->head_ms,           [WAIT_BODY] = limits->body_ms,
        [WAIT_ANSWER] = limits->answer_ms,       [WAIT_LINGER] = limits->linger_ms,
    };
    struct connection_home *home = &listener->home;
    home->loop = options->loop;
    home->http.limits = limits->http;
    home->http.on_request = options->on_request;
    home->http.on_refused = options->on_refused_request;
    home->http.owner = options->owner;
    home->http.on_answer = connection_answered;
    home->http.clock = options->clock;
    for (int wait = 0; wait < WAITS; wait++)
        deadline_queue_init(&home->waits[wait], lengths[wait]);
}

static struct listener *listener_new(const struct listener_options *options)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return NULL;
    init_home(listener, options);
    listener->limits = options->limits;
    listener->quotas = options->quotas;
    listener->on_refused = options->on_refused;
    listener->on_broken = options->on_broken;
    listener->on_peer = options->on_peer;
    listener->owner = options->owner;
    listener->home.scratch = malloc(CONNECTION_SCRATCH_BYTES);
    listener->socket = fcntl(options->socket, F_DUPFD_CLOEXEC, 0);
    if (listener->home.scratch != NULL && listener->socket >= 0)
        return listener;
    free(listener->home.scratch);
    if (listener->socket >= 0)
        close(listener->socket);
    free(listener);
    return NULL;
}

struct listener *listener_start(const struct listener_options *options, struct fault *ret_fault)
{
    if (options->context == NULL && !is_local(options->socket)) {
        fault_set(
            ret_fault, FAULT_settings,
            "a listener without TLS was asked for on an address that others can reach; give it "
            "a loopback address such as 127.0.0.1");
        return NULL;
    }
    struct listener *listener = listener_new(options);
    if (listener == NULL) {
        fault_set(ret_fault, FAULT_internal, "no memory or file descriptor is left to listen with");
        return NULL;
    }
    signal(SIGPIPE,
           SIG_IGN); /* OpenSSL writes with write(): a gone client is an error code, no signal */
    listener->context = options->context == NULL ? NULL : context_hold(options->context);
    uv_poll_init(options->loop, &listener->poll, listener->socket);
    uv_timer_init(options->loop, &listener->tick);
    uv_timer_init(options->loop, &listener->rest);
    listener->poll.data = listener->tick.data = listener->rest.data = listener;
    listener->handles_open = 3;
    listener->seats = options->seats;
    if (listener->seats != NULL)
        listener->seat = seats_join(listener->seats);
    accept_resume(listener);
    return listener;
}

void listener_use(struct listener *listener, struct context *context)
{
    context_hold(context);
    context_release(listener->context);
    listener->context = context;
}

void listener_recheck(struct listener *listener)
{
    struct connection *next;
    for (struct connection *at = listener->first; at != NULL; at = next) {
        next = at->after;
        if (at->state != CONNECTION_OPEN || wire_is_trusted(at))
            continue;
        listener->home.counters.untrusted++;
        connection_end(at);
    }
}

void listener_stop(struct listener *listener, unsigned drain_ms, void (*on_stopped)(void *owner))
{
    uint64_t end = uv_now(listener->home.loop) + drain_ms;
    if (!listener->stopping || end < listener->drained_at_ms)
        listener->drained_at_ms = end;
    listener->on_stopped = on_stopped;
    if (listener->stopping)
        return;
    listener->stopping = true;
    listener->home.http.draining = true;
    accept_stop(listener);
    struct connection *next;
    for (struct connection *at = listener->first; at != NULL; at = next) {
        next = at->after;
        connection_stop(at);
    }
    uv_timer_start(&listener->tick, on_tick, 0, TICK_MS_MIN);
}

bool listener_trim(struct listener *listener)
{
    struct http_server *http = &listener->home.http;
    uint64_t connections = listener->home.counters.connections;
    http_server_trim(http);
    if (listener->most_connections < connections + CROWD &&
        http->most_held < http->counters.bodies_bytes + CROWD_BYTES)
        return false;
    listener->most_connections = connections;
    http->most_held = http->counters.bodies_bytes;
    return true;
}

struct listener_counters listener_count(const struct listener *listener)
{
    return listener->home.counters;
}

struct http_counters listener_count_http(const struct listener *listener)
{
    return listener->home.http.counters;
}
