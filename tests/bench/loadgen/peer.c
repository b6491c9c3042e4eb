/* peer: one connection of the load generator. See load.h. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"

static void watch(struct load *load, struct peer *peer, uint32_t events)
{
    if (peer->events == events)
        return;
    struct epoll_event event = {.events = events, .data.ptr = peer};
    epoll_ctl(load->epoll, peer->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, peer->socket, &event);
    peer->events = events;
}

static void end(struct load *load, struct peer *peer)
{
    if (peer->state == PEER_CONNECTING || peer->state == PEER_HANDSHAKE)
        load->connecting--;
    SSL_free(peer->tls);
    peer->tls = NULL;
    close(peer->socket);
    peer->events = 0;
    peer->state = PEER_CLOSED;
    ERR_clear_error();
}

/* A request that loses its connection is an error and is not sent again. */
static void fail(struct load *load, struct peer *peer, const char *what)
{
    load->errors++;
    if (!load->dumped)
        fprintf(stderr, "loadgen: first error: %s (state %d, errno %s)\n", what, (int)peer->state,
                strerror(errno));
    load->dumped = true;
    end(load, peer);
}

static bool would_wait(struct load *load, struct peer *peer, int result)
{
    switch (SSL_get_error(peer->tls, result)) {
    case SSL_ERROR_WANT_READ:
        watch(load, peer, EPOLLIN);
        return true;
    case SSL_ERROR_WANT_WRITE:
        watch(load, peer, EPOLLOUT);
        return true;
    default:
        return false;
    }
}

static void shake_hands(struct load *load, struct peer *peer)
{
    int result = SSL_do_handshake(peer->tls);
    if (result != 1) {
        if (!would_wait(load, peer, result))
            fail(load, peer, "the handshake failed");
        return;
    }
    if (SSL_session_reused(peer->tls))
        die("a session was resumed: this would not be a full handshake");
    if (load->tls_words[0] == '\0')
        snprintf(load->tls_words, sizeof load->tls_words, "%s %s", SSL_get_version(peer->tls),
                 SSL_get_cipher_name(peer->tls));
    load->connecting--;
    peer->state = PEER_OPEN;
    watch(load, peer, EPOLLIN);
    on_open(load, peer);
}

static void start_tls(struct load *load, struct peer *peer)
{
    peer->tls = SSL_new(load->tls);
    if (peer->tls == NULL)
        die("no memory");
    SSL_set_fd(peer->tls, peer->socket);
    SSL_set_connect_state(peer->tls);
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(peer->tls), load->host);
    peer->state = PEER_HANDSHAKE;
    shake_hands(load, peer);
}

void peer_connect(struct load *load, struct peer *peer)
{
    static const int on = 1;
    peer->socket = socket(load->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (peer->socket < 0)
        die("no socket: %s", strerror(errno));
    setsockopt(peer->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    peer->started_ns = now_ns();
    peer->state = PEER_CONNECTING;
    load->connecting++;
    const struct sockaddr *address = (const struct sockaddr *)&load->address;
    if (connect(peer->socket, address, load->address_size) == 0)
        start_tls(load, peer);
    else if (errno == EINPROGRESS)
        watch(load, peer, EPOLLOUT);
    else
        fail(load, peer, "the connection was refused");
}

/* ---- out ---- */

static void go_on_sending(struct load *load, struct peer *peer)
{
    while (peer->sent < load->request.length) {
        size_t sent = 0;
        int result = SSL_write_ex(peer->tls, peer->out + peer->sent,
                                  load->request.length - peer->sent, &sent);
        if (result != 1) {
            if (!would_wait(load, peer, result))
                fail(load, peer, "a request could not be sent");
            return;
        }
        peer->sent += sent;
    }
    peer->state = PEER_READING;
    watch(load, peer, EPOLLIN);
}

void peer_send(struct load *load, struct peer *peer)
{
    if (peer->out == NULL && (peer->out = malloc(load->request.length)) == NULL)
        die("no memory");
    request_next(&load->request, peer->out);
    peer->sent = 0;
    peer->head_length = 0;
    peer->has_head = peer->closes = false;
    if (load->mode != MODE_HANDSHAKES)
        peer->started_ns = now_ns();
    load->issued++;
    peer->state = PEER_SENDING;
    go_on_sending(load, peer);
}

/* ---- in ---- */

static const char *header(const struct peer *peer, const char *name)
{
    const char *line = strstr(peer->head, "\r\n");
    while (line != NULL && strncasecmp(line + 2, name, strlen(name)) != 0)
        line = strstr(line + 2, "\r\n");
    return line == NULL ? NULL : line + 2 + strlen(name);
}

/* Of chunked bodies only the empty one is known, `0`, which nginx ends its answers with. */
static bool read_head(struct peer *peer)
{
    if (strncmp(peer->head, "HTTP/1.1 ", 9) != 0)
        return false;
    peer->status = (int)strtol(peer->head + 9, NULL, 10);
    peer->closes = header(peer, "Connection: close") != NULL;
    const char *length = header(peer, "Content-Length:");
    bool is_chunked = header(peer, "Transfer-Encoding: chunked") != NULL;
    peer->body_left = length != NULL ? strtoull(length, NULL, 10) : is_chunked ? 5 : 0;
    return length != NULL || is_chunked || peer->status == 204;
}

/* Takes bytes of the answer; false: they are none. */
static bool take(struct peer *peer, const char *bytes, size_t length)
{
    if (!peer->has_head) {
        size_t room = sizeof peer->head - 1 - peer->head_length;
        size_t take = length < room ? length : room;
        size_t before = peer->head_length;
        memcpy(peer->head + before, bytes, take);
        peer->head_length += take;
        peer->head[peer->head_length] = '\0';
        char *end = strstr(peer->head, "\r\n\r\n");
        if (end == NULL)
            return take == length;
        size_t used = (size_t)(end + 4 - peer->head) - before;
        end[2] = '\0';
        peer->has_head = true;
        if (!read_head(peer))
            return false;
        bytes += used;
        length -= used;
    }
    if (length > peer->body_left)
        return false;
    peer->body_left -= length;
    return true;
}

static void finish(struct load *load, struct peer *peer)
{
    if (load->mode == MODE_HANDSHAKES || peer->closes) {
        SSL_shutdown(peer->tls);
        end(load, peer);
    } else {
        peer->state = PEER_OPEN;
    }
    on_answer(load, peer);
}

static void go_on_reading(struct load *load, struct peer *peer)
{
    static char bytes[65536];
    size_t length = 0;
    int result = SSL_read_ex(peer->tls, bytes, sizeof bytes, &length);
    if (result != 1) {
        if (!would_wait(load, peer, result))
            fail(load, peer, "the connection ended");
        return;
    }
    if (peer->state == PEER_OPEN || !take(peer, bytes, length)) {
        fail(load, peer, "found bytes that are no answer");
        return;
    }
    if (peer->has_head && peer->body_left == 0)
        finish(load, peer);
    else if (SSL_has_pending(peer->tls))
        go_on_reading(load, peer);
}

void peer_event(struct load *load, struct peer *peer, uint32_t events)
{
    int error = 0;
    socklen_t size = sizeof error;
    switch (peer->state) {
    case PEER_CONNECTING:
        getsockopt(peer->socket, SOL_SOCKET, SO_ERROR, &error, &size);
        errno = error;
        if (error != 0)
            fail(load, peer, "the connection was refused");
        else
            start_tls(load, peer);
        break;
    case PEER_HANDSHAKE:
        shake_hands(load, peer);
        break;
    case PEER_SENDING:
        if ((events & EPOLLOUT) != 0)
            go_on_sending(load, peer);
        else
            go_on_reading(load, peer);
        break;
    case PEER_OPEN:
    case PEER_READING:
        go_on_reading(load, peer);
        break;
    default:
        break;
    }
}
