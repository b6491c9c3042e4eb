/* calling: the transmit of one practice and a partner that a thread plays, over mutual TLS on
 * 127.0.0.1, for the tests of transmit. A partner is a script: what it does with each connection
 * once the handshake is over. It never checks; it counts, and the test checks when the exchange has
 * ended. Nothing waits by sleeping: calling_exchange() runs the loop until the answer is noted.
 * Header only. */
#ifndef TESTS_LIB_CALLING_H
#define TESTS_LIB_CALLING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/delivery/transmit.h"
#include "lib/throwaway.h"

struct calling_partner {
    void (*script)(struct calling_partner *partner, SSL *tls);
    const char *answer; /* of calling_answer(), a script; NULL: none */
    bool is_deaf;       /* never even starts the handshake */
    SSL_CTX *policy;
    int socket;
    unsigned port;
    pthread_t thread;
    atomic_uint connections, requests;
    atomic_size_t sent;
    char heard[8192]; /* the last request */
};

struct calling_note {
    bool done;
    enum transmit_outcome outcome;
    char sentence[512], type[80], body[4096];
    size_t body_length;
    int status;
    int64_t retry_after_s, connect_us, tls_us, first_byte_us, total_us;
    bool new_connection;
    enum verdict verdict;
};

struct calling {
    struct throwaway *own, *other;
    struct context *context; /* we: willow; we call lakeside */
    uv_loop_t loop;
    struct transmit *transmit;
    struct calling_partner *partner;
    struct transmit_request request;
    char url[128];
};

/* ---- the partner's side ---- */

static inline int calling_socket(unsigned *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 16), 0);
    getsockname(fd, (struct sockaddr *)&at, &size);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

/* Reads one request into `heard`; false: the client closed. */
static inline bool calling_hear(struct calling_partner *partner, SSL *tls)
{
    size_t used = 0;
    for (;;) {
        int got = SSL_read(tls, partner->heard + used, (int)(sizeof partner->heard - 1 - used));
        if (got <= 0)
            return false;
        used += (size_t)got;
        partner->heard[used] = '\0';
        const char *end = strstr(partner->heard, "\r\n\r\n");
        const char *length = strstr(partner->heard, "Content-Length: ");
        size_t body = length == NULL ? 0 : strtoul(length + 16, NULL, 10);
        if (end != NULL && used >= (size_t)(end + 4 - partner->heard) + body)
            break;
    }
    partner->requests++;
    return true;
}

static inline bool calling_say_n(struct calling_partner *partner, SSL *tls, const char *text,
                                 size_t length)
{
    bool done = SSL_write(tls, text, (int)length) == (int)length;
    partner->sent += done ? length : 0;
    return done;
}

static inline bool calling_say(struct calling_partner *partner, SSL *tls, const char *text)
{
    return calling_say_n(partner, tls, text, strlen(text));
}

static inline void calling_wait_for_close(SSL *tls)
{
    char byte;
    while (SSL_read(tls, &byte, 1) > 0)
        continue;
}

static inline void calling_serve_one(struct calling_partner *partner, int fd)
{
    struct timeval patience = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (partner->is_deaf) {
        char byte;
        while (recv(fd, &byte, 1, 0) > 0)
            continue;
        return;
    }
    SSL *tls = SSL_new(partner->policy);
    SSL_set_fd(tls, fd);
    bool shaken = SSL_accept(tls) == 1;
    if (shaken)
        partner->script(partner, tls);
    SSL_free(tls);
    shutdown(fd, SHUT_WR);
    while (!shaken && recv(fd, &(char){0}, 1, 0) > 0) /* a reset would take the alert with it */
        continue;
}

static inline void *calling_serve(void *argument)
{
    struct calling_partner *partner = argument;
    int fd;
    while ((fd = accept(partner->socket, NULL, NULL)) >= 0) {
        partner->connections++;
        calling_serve_one(partner, fd);
        close(fd);
    }
    return NULL;
}

/* The partner shows CA/NAME's certificate and takes clients that CLIENTS_CA issued. */
static inline struct calling_partner *
calling_partner_new(struct throwaway *ca, const char *name, struct throwaway *clients_ca,
                    void (*script)(struct calling_partner *partner, SSL *tls))
{
    struct calling_partner *partner = calloc(1, sizeof *partner);
    throwaway_leaf(ca, name);
    partner->script = script;
    partner->policy = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(partner->policy, throwaway_path(ca, name, ".crt"));
    SSL_CTX_use_PrivateKey_file(partner->policy, throwaway_path(ca, name, ".key"),
                                SSL_FILETYPE_PEM);
    SSL_CTX_load_verify_locations(partner->policy, throwaway_path(clients_ca, "ca", ".crt"), NULL);
    SSL_CTX_set_verify(partner->policy, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    partner->socket = calling_socket(&partner->port);
    pthread_create(&partner->thread, NULL, calling_serve, partner);
    return partner;
}

static inline void calling_partner_free(struct calling_partner *partner)
{
    shutdown(partner->socket, SHUT_RDWR);
    pthread_join(partner->thread, NULL);
    close(partner->socket);
    SSL_CTX_free(partner->policy);
    free(partner);
}

/* ---- our side ---- */

static inline void calling_on_done(void *owner, const struct transmit_result *result)
{
    struct calling_note *note = owner;
    assert_false(note->done);
    note->done = true;
    note->outcome = result->outcome;
    note->status = result->status;
    note->body_length = result->body_length;
    note->retry_after_s = result->retry_after_s;
    note->connect_us = result->connect_us;
    note->tls_us = result->tls_us;
    note->first_byte_us = result->first_byte_us;
    note->total_us = result->total_us;
    note->new_connection = result->new_connection;
    note->verdict = result->verdict;
    snprintf(note->sentence, sizeof note->sentence, "%s", result->sentence);
    snprintf(note->type, sizeof note->type, "%s", result->type == NULL ? "" : result->type);
    snprintf(note->body, sizeof note->body, "%s", result->body);
    assert_int_equal(strlen(result->body), result->body_length);
}

static inline struct calling *calling_new(void (*script)(struct calling_partner *partner, SSL *tls))
{
    struct calling *bench = calloc(1, sizeof *bench);
    signal(SIGPIPE, SIG_IGN);
    bench->own = throwaway_new();
    bench->context = throwaway_context(bench->own, "willow", "lakeside");
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    struct transmit_options options = {.loop = &bench->loop};
    bench->transmit = transmit_new(&options);
    if (script != NULL)
        bench->partner = calling_partner_new(bench->own, "lakeside", bench->own, script);
    bench->request = (struct transmit_request){.partner = "lakeside",
                                               .generation = 1,
                                               .context = bench->context,
                                               .url = bench->url,
                                               .body = "{}",
                                               .body_length = 2,
                                               .limits = transmit_limits_default()};
    bench->request.limits.total_ms = 5000;
    if (bench->partner != NULL)
        snprintf(bench->url, sizeof bench->url, "https://127.0.0.1:%u/fhir/$process-message",
                 bench->partner->port);
    return bench;
}

static inline void calling_free(struct calling *bench)
{
    if (bench->transmit != NULL)
        transmit_close(bench->transmit, NULL, NULL);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    if (bench->partner != NULL)
        calling_partner_free(bench->partner);
    context_release(bench->context);
    throwaway_free(bench->own);
    if (bench->other != NULL)
        throwaway_free(bench->other);
    free(bench);
}

static inline void calling_wait(struct calling *bench, const struct calling_note *note)
{
    while (!note->done)
        uv_run(&bench->loop, UV_RUN_ONCE);
}

static inline struct calling_note calling_exchange(struct calling *bench)
{
    struct calling_note note = {0};
    transmit_send(bench->transmit, &bench->request, calling_on_done, &note);
    assert_false(note.done); /* never from within the call */
    calling_wait(bench, &note);
    print_message("  %s\n", note.sentence);
    return note;
}

/* A script: one request is answered by the partner's `answer`, and the connection is left open. */
static inline void calling_answer(struct calling_partner *partner, SSL *tls)
{
    if (calling_hear(partner, tls) && partner->answer != NULL)
        calling_say(partner, tls, partner->answer);
    calling_wait_for_close(tls);
}

#endif
