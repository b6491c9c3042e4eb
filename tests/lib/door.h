/* door: a real listener on 127.0.0.1 and a client in a thread of its own with blocking sockets, for
 * the listener's tests. The client never checks; it notes what it saw, and the test checks after
 * both have ended. What has to happen on the loop is done there by door_do(), so nothing waits by
 * sleeping. Header only. */
#ifndef TESTS_LIB_DOOR_H
#define TESTS_LIB_DOOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/listener/listen.h"
#include "lib/throwaway.h"

struct door {
    uv_loop_t loop;
    uv_async_t asked;
    sem_t done, arrived;
    void (*ask)(struct door *door);
    struct arena arena;
    int socket;
    unsigned port;
    struct listener_limits limits;
    struct listener *listener;
    struct throwaway *own;
    struct context *context;
    struct door *other; /* the same socket, polled by a loop in a thread of its own */
    struct seats *seats;
    struct quotas *quotas;
    /* the handler */
    bool keeps;               /* exchanges, until told to answer */
    struct exchange *kept[8]; /* in order of arrival */
    unsigned kept_count;
    size_t answer_bytes;
    unsigned requests;
    size_t body_length;
    char partner[80], verdict[40], refused[40];
    bool stopped;  /* said by the listener */
    bool draining; /* the client has asked for the stop itself */
    struct listener_counters counters;
    struct http_counters http;
    /* the client */
    void (*play)(struct door *door);
    const char *line; /* what it says, if the test leaves that open */
    char seen[1 << 16];
    size_t seen_length;
    int number;
};

/* ---- the loop's side ---- */

static inline void door_answer(struct door *door, struct exchange *exchange)
{
    struct answer answer = {.status = 200, .body = "ok", .body_length = 2};
    if (door->answer_bytes > 0) {
        answer.body = arena_alloc(&exchange->arena, door->answer_bytes);
        answer.body_length = door->answer_bytes;
    }
    exchange_answer(exchange, &answer);
}

static inline void door_on_request(void *owner, struct exchange *exchange)
{
    struct door *door = owner;
    const struct http_peer *peer = exchange->peer;
    door->requests++;
    door->body_length = exchange->body_length;
    snprintf(door->partner, sizeof door->partner, "%s",
             peer->partner == NULL ? "-" : peer->partner);
    snprintf(door->verdict, sizeof door->verdict, "%s", verdict_name(peer->verdict));
    if (door->keeps)
        door->kept[door->kept_count++] = exchange;
    else
        door_answer(door, exchange);
    sem_post(&door->arrived);
}

static inline void door_on_refused(void *owner, const char *address, const struct verify_peer *peer)
{
    struct door *door = owner;
    assert_memory_equal(address, "127.0.0.1:", 10);
    snprintf(door->refused, sizeof door->refused, "%s", verdict_name(peer->verdict));
}

static inline void door_on_stopped(void *owner)
{
    struct door *door = owner;
    door->stopped = true;
    uv_close((uv_handle_t *)&door->asked, NULL);
}

static inline void door_on_asked(uv_async_t *async)
{
    struct door *door = async->data;
    if (door->ask != NULL)
        door->ask(door);
    door->ask = NULL;
    sem_post(&door->done);
}

static inline void door_do(struct door *door, void (*ask)(struct door *door))
{
    door->ask = ask;
    uv_async_send(&door->asked);
    sem_wait(&door->done);
}

static inline void door_stop(struct door *door)
{
    door->counters = listener_count(door->listener);
    door->http = listener_count_http(door->listener);
    listener_stop(door->listener, 0, door_on_stopped);
}

static inline void door_answer_kept(struct door *door)
{
    for (unsigned i = 0; i < door->kept_count; i++)
        door_answer(door, door->kept[i]);
    door->kept_count = 0;
}

static inline struct door *door_new(bool tls)
{
    struct door *door = calloc(1, sizeof *door);
    struct fault fault;
    door->limits = listener_limits_default();
    door->limits.linger_ms = 300;
    sem_init(&door->done, 0, 0);
    sem_init(&door->arrived, 0, 0);
    assert_int_equal(uv_loop_init(&door->loop), 0);
    uv_async_init(&door->loop, &door->asked, door_on_asked);
    door->asked.data = door;
    if (!listen_open(&door->arena, "listen", "127.0.0.1:0", &door->socket, &fault))
        fail_msg("%s", fault.sentence);
    door->port = listen_port(door->socket);
    if (tls) {
        door->own = throwaway_new();
        door->context = throwaway_context(door->own, "willow", "lakeside");
    }
    return door;
}

static inline void *door_play(void *argument)
{
    struct door *door = argument;
    door->play(door);
    if (!door->draining)
        door_do(door, door_stop);
    if (door->other != NULL)
        door_do(door->other, door_stop);
    return NULL;
}

static inline void door_listen(struct door *door)
{
    struct fault fault;
    struct listener_options options = {.loop = &door->loop,
                                       .socket = door->socket,
                                       .context = door->context,
                                       .seats = door->seats,
                                       .quotas = door->quotas,
                                       .limits = door->limits,
                                       .clock = clock_system(),
                                       .on_request = door_on_request,
                                       .on_refused = door_on_refused,
                                       .owner = door};
    door->listener = listener_start(&options, &fault);
    assert_non_null(door->listener);
}

static inline void *door_run_loop(void *argument)
{
    struct door *door = argument;
    uv_run(&door->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* Runs the client beside the listener until both are done. */
static inline void door_run(struct door *door, void (*client)(struct door *door))
{
    pthread_t thread, other;
    door_listen(door);
    if (door->other != NULL) {
        door_listen(door->other);
        pthread_create(&other, NULL, door_run_loop, door->other);
    }
    door->play = client;
    pthread_create(&thread, NULL, door_play, door);
    uv_run(&door->loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
    if (door->other != NULL)
        pthread_join(other, NULL);
    assert_true(door->stopped);
    door->seen[door->seen_length] = '\0';
}

static inline void door_free(struct door *door)
{
    assert_int_equal(uv_loop_close(&door->loop), 0);
    close(door->socket);
    if (door->own != NULL) {
        context_release(door->context);
        throwaway_free(door->own);
    }
    sem_destroy(&door->done);
    sem_destroy(&door->arrived);
    arena_free(&door->arena);
    free(door);
}

/* Around a test: *STATE is its door. */
static inline int door_begin_plain(void **state)
{
    *state = door_new(false);
    return 0;
}

static inline int door_begin_tls(void **state)
{
    *state = door_new(true);
    return 0;
}

static inline int door_end(void **state)
{
    door_free(*state);
    return 0;
}

#define DOOR_PLAIN(test) cmocka_unit_test_setup_teardown(test, door_begin_plain, door_end)
#define DOOR_TLS(test) cmocka_unit_test_setup_teardown(test, door_begin_tls, door_end)

/* ---- the client's side ---- */

#define DOOR_GET "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

static inline int door_dial(const struct door *door)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)door->port)};
    struct timeval patience = {10, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline bool door_say(int fd, const char *text)
{
    size_t length = strlen(text);
    return send(fd, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* Notes what comes, until COUNT times MARK was seen in all, or the end; false at the end. */
static inline bool door_hear(struct door *door, int fd, const char *mark, unsigned count)
{
    for (;;) {
        unsigned seen = 0;
        door->seen[door->seen_length] = '\0';
        for (const char *at = door->seen; (at = strstr(at, mark)) != NULL; at++)
            seen++;
        if (seen >= count)
            return true;
        ssize_t got =
            recv(fd, door->seen + door->seen_length, sizeof door->seen - 1 - door->seen_length, 0);
        if (got <= 0) {
            door->number = got < 0 ? -1 : 0;
            return false;
        }
        door->seen_length += (size_t)got;
    }
}

static inline void door_hear_end(struct door *door, int fd)
{
    door->number = 1;
    while (door_hear(door, fd, "never said", 1))
        continue;
}

#endif
