/* listen: a real listener on 127.0.0.1, clients in a thread of their own with blocking sockets. The
 * client never checks; it notes what it saw, and the test checks after both have ended. What has to
 * happen on the loop is done there by do_on_loop(), so nothing waits by sleeping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/listen.h"
#include "lib/throwaway.h"

enum { WAIT_HANDSHAKE, WAIT_IDLE, WAIT_HEAD, WAIT_BODY, WAIT_ANSWER, WAIT_LINGER };

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
    char seen[1 << 16];
    size_t seen_length;
    int number;
};

/* ---- the loop's side ---- */

static void answer_one(struct door *door, struct exchange *exchange)
{
    struct answer answer = {.status = 200, .body = "ok", .body_length = 2};
    if (door->answer_bytes > 0) {
        answer.body = arena_alloc(&exchange->arena, door->answer_bytes);
        answer.body_length = door->answer_bytes;
    }
    exchange_answer(exchange, &answer);
}

static void on_request(void *owner, struct exchange *exchange)
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
        answer_one(door, exchange);
    sem_post(&door->arrived);
}

static void on_refused(void *owner, const char *address, const struct verify_peer *peer)
{
    struct door *door = owner;
    assert_memory_equal(address, "127.0.0.1:", 10);
    snprintf(door->refused, sizeof door->refused, "%s", verdict_name(peer->verdict));
}

static void on_stopped(void *owner)
{
    struct door *door = owner;
    door->stopped = true;
    uv_close((uv_handle_t *)&door->asked, NULL);
}

static void on_asked(uv_async_t *async)
{
    struct door *door = async->data;
    if (door->ask != NULL)
        door->ask(door);
    door->ask = NULL;
    sem_post(&door->done);
}

static void do_on_loop(struct door *door, void (*ask)(struct door *door))
{
    door->ask = ask;
    uv_async_send(&door->asked);
    sem_wait(&door->done);
}

static void stop(struct door *door)
{
    door->counters = listener_count(door->listener);
    door->http = listener_count_http(door->listener);
    listener_stop(door->listener, 0, on_stopped);
}

static void drain(struct door *door)
{
    listener_stop(door->listener, 5000, on_stopped);
}

static void answer_kept(struct door *door)
{
    for (unsigned i = 0; i < door->kept_count; i++)
        answer_one(door, door->kept[i]);
    door->kept_count = 0;
}

static struct door *door_new(bool tls)
{
    struct door *door = calloc(1, sizeof *door);
    struct fault fault;
    door->limits = listener_limits_default();
    door->limits.linger_ms = 300;
    sem_init(&door->done, 0, 0);
    sem_init(&door->arrived, 0, 0);
    assert_int_equal(uv_loop_init(&door->loop), 0);
    uv_async_init(&door->loop, &door->asked, on_asked);
    door->asked.data = door;
    if (!listen_open(&door->arena, "127.0.0.1", "0", &door->socket, &fault))
        fail_msg("%s", fault.sentence);
    door->port = listen_port(door->socket);
    if (tls) {
        door->own = throwaway_new();
        door->context = throwaway_context(door->own, "willow", "lakeside");
    }
    return door;
}

static void *play(void *argument)
{
    struct door *door = argument;
    door->play(door);
    if (!door->draining)
        do_on_loop(door, stop);
    if (door->other != NULL)
        do_on_loop(door->other, stop);
    return NULL;
}

static void start_listener(struct door *door)
{
    struct fault fault;
    struct listener_options options = {.loop = &door->loop,
                                       .socket = door->socket,
                                       .context = door->context,
                                       .seats = door->seats,
                                       .quotas = door->quotas,
                                       .limits = door->limits,
                                       .clock = clock_system(),
                                       .on_request = on_request,
                                       .on_refused = on_refused,
                                       .owner = door};
    door->listener = listener_start(&options, &fault);
    assert_non_null(door->listener);
}

static void *run_loop(void *argument)
{
    struct door *door = argument;
    uv_run(&door->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* Runs the client beside the listener until both are done. */
static void door_run(struct door *door, void (*client)(struct door *door))
{
    pthread_t thread, other;
    start_listener(door);
    if (door->other != NULL) {
        start_listener(door->other);
        pthread_create(&other, NULL, run_loop, door->other);
    }
    door->play = client;
    pthread_create(&thread, NULL, play, door);
    uv_run(&door->loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
    if (door->other != NULL)
        pthread_join(other, NULL);
    assert_true(door->stopped);
    door->seen[door->seen_length] = '\0';
}

static void door_free(struct door *door)
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

/* ---- the client's side ---- */

static int dial(const struct door *door)
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

static bool say(int fd, const char *text)
{
    size_t length = strlen(text);
    return send(fd, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* Notes what comes, until COUNT times MARK was seen in all, or the end; false at the end. */
static bool hear(struct door *door, int fd, const char *mark, unsigned count)
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

static void hear_the_end(struct door *door, int fd)
{
    door->number = 1;
    while (hear(door, fd, "never said", 1))
        continue;
}

#define GET "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

static void play_two_requests(struct door *door)
{
    int fd = dial(door);
    say(fd, GET);
    hear(door, fd, "ok", 1);
    say(fd, GET);
    hear(door, fd, "ok", 2);
    close(fd);
}

static void test_kept_alive(void **state)
{
    (void)state;
    struct door *door = door_new(false);
    door_run(door, play_two_requests);
    assert_int_equal(door->requests, 2);
    assert_int_equal(door->counters.accepted, 1);
    assert_string_equal(door->partner, "-");
    door_free(door);
}

/* Fifty requests in one go, more than one turn, and each byte on its own. */
static void play_pipelined(struct door *door)
{
    char all[8192] = "";
    size_t used = 0;
    for (int i = 0; i < 50; i++)
        used += (size_t)snprintf(all + used, sizeof all - used,
                                 "GET /x HTTP/1.1\r\nHost: a\r\nX-Request-Id: r%02d\r\n\r\n", i);
    int fd = dial(door);
    say(fd, all);
    hear(door, fd, "ok", 50);
    for (size_t i = 0; i < strlen(GET); i++)
        send(fd, GET + i, 1, MSG_NOSIGNAL);
    hear(door, fd, "ok", 51);
    close(fd);
}

static void test_pipelined_in_order(void **state)
{
    (void)state;
    struct door *door = door_new(false);
    door_run(door, play_pipelined);
    const char *at = door->seen;
    for (int i = 0; i < 50; i++) {
        char mark[32];
        snprintf(mark, sizeof mark, "X-Request-Id: r%02d\r\n", i);
        at = strstr(at, mark);
        assert_non_null(at);
    }
    assert_int_equal(door->requests, 51);
    door_free(door);
}

static void play_answered_later(struct door *door)
{
    int fd = dial(door);
    say(fd, GET GET);
    sem_wait(&door->arrived);
    do_on_loop(door, answer_kept);
    sem_wait(&door->arrived); /* the second comes only after the first was answered */
    hear(door, fd, "ok", 1);
    do_on_loop(door, answer_kept);
    hear(door, fd, "ok", 2);
    close(fd);
}

static void test_answered_later(void **state)
{
    (void)state;
    struct door *door = door_new(false);
    door->keeps = true;
    door_run(door, play_answered_later);
    assert_non_null(strstr(door->seen, "ok"));
    assert_int_equal(door->requests, 2);
    door_free(door);
}

static void play_gone_before_answer(struct door *door)
{
    int fd = dial(door);
    struct linger reset = {1, 0};
    say(fd, GET GET);
    sem_wait(&door->arrived);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    do_on_loop(door, stop); /* waits for the exchange that the handler still has */
    do_on_loop(door, answer_kept);
    door->draining = true;
}

static void test_client_gone_before_answer(void **state)
{
    (void)state;
    struct door *door = door_new(false);
    door->keeps = true;
    door_run(door, play_gone_before_answer);
    assert_int_equal(door->requests, 1);
    door_free(door);
}

static void play_half_closed(struct door *door)
{
    int fd = dial(door);
    say(fd, GET);
    shutdown(fd, SHUT_WR);
    sem_wait(&door->arrived);
    do_on_loop(door, answer_kept);
    hear_the_end(door, fd);
    close(fd);
}

static void test_half_closed_client_is_answered(void **state)
{
    (void)state;
    struct door *door = door_new(false);
    door->keeps = true;
    door_run(door, play_half_closed);
    assert_non_null(strstr(door->seen, "ok"));
    door_free(door);
}

/* ---- slow clients ---- */

static void play_half_head(struct door *door)
{
    int fd = dial(door);
    say(fd, "GET /x HTTP/1.1\r\nHo");
    hear_the_end(door, fd);
    close(fd);
}

/* A byte each time the answer is not there yet: no single read is ever late. */
static void play_dripping_head(struct door *door)
{
    int fd = dial(door);
    struct timeval short_time = {0, 20000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time);
    say(fd, "GET /x HTTP/1.1\r\nX: ");
    for (int i = 0; i < 500; i++) {
        if (!say(fd, "a") || hear(door, fd, "408", 1) || door->number == 0)
            break;
    }
    close(fd);
}

static void play_half_body(struct door *door)
{
    int fd = dial(door);
    say(fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    hear_the_end(door, fd);
    close(fd);
}

static void play_silence(struct door *door)
{
    int fd = dial(door);
    hear_the_end(door, fd);
    close(fd);
}

static void play_never_reads(struct door *door)
{
    int fd = dial(door);
    int small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    say(fd, GET);
    sem_wait(&door->arrived);
    for (door->number = 0; door->number < 1000 && say(fd, "x"); door->number++)
        usleep(10000); /* until our sending finds the connection reset */
    close(fd);
}

static const struct {
    const char *name;
    void (*play)(struct door *door);
    int wait; /* whose deadline is short */
    const char *expected;
    size_t answer_bytes;
} slow[] = {
    {"half a head", play_half_head, WAIT_HEAD, "HTTP/1.1 408 ", 0},
    {"dripping head", play_dripping_head, WAIT_HEAD, "HTTP/1.1 408 ", 0},
    {"half a body", play_half_body, WAIT_BODY, "HTTP/1.1 408 ", 0},
    {"idle", play_silence, WAIT_IDLE, "", 0},
    {"never reads", play_never_reads, WAIT_ANSWER, "", 64u << 20},
};

static void test_slow_clients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        struct door *door = door_new(false);
        unsigned *limits[] = {&door->limits.handshake_ms, &door->limits.idle_ms,
                              &door->limits.head_ms,      &door->limits.body_ms,
                              &door->limits.answer_ms,    &door->limits.linger_ms};
        *limits[slow[i].wait] = 100;
        door->answer_bytes = slow[i].answer_bytes;
        door_run(door, slow[i].play);
        print_message("%s: %.20s\n", slow[i].name, door->seen);
        assert_memory_equal(door->seen, slow[i].expected, strlen(slow[i].expected));
        if (slow[i].expected[0] == '\0')
            assert_int_equal(door->seen_length, 0);
        assert_int_equal(door->counters.overdue[slow[i].wait], 1);
        door_free(door);
    }
}

static void play_too_large(struct door *door)
{
    int fd = dial(door);
    char block[64 * 1024];
    memset(block, 'x', sizeof block);
    say(fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 90000000\r\n\r\n");
    for (int i = 0; i < 50; i++) /* 3 MB that nobody wants */
        door->number += send(fd, block, sizeof block, MSG_NOSIGNAL) == sizeof block;
    hear(door, fd, "\r\n\r\n{", 1);
    close(fd);
}

/* The answer must not be lost in a reset because the client is still sending. */
static void test_too_large_is_told(void **state)
{
    (void)state;
    struct door *door = door_new(false);
    door->limits.linger_ms = 5000;
    door_run(door, play_too_large);
    assert_int_equal(door->number, 50);
    assert_memory_equal(door->seen, "HTTP/1.1 413 ", 13);
    assert_int_equal(door->requests, 0);
    door_free(door);
}

/* ---- limits ---- */

static void play_crowd(struct door *door)
{
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = dial(door); /* the backlog takes them all; two are accepted */
    say(fds[0], GET);
    say(fds[1], GET);
    sem_wait(&door->arrived);
    sem_wait(&door->arrived);
    say(fds[2], GET);
    say(fds[3], GET);
    close(fds[0]);
    close(fds[1]);
    hear(door, fds[2], "ok", 1);
    hear(door, fds[3], "ok", 2);
    close(fds[2]);
    close(fds[3]);
}

static void test_connections_max(void **state)
{
    (void)state;
    struct door *door = door_new(false);
    door->limits.connections_max = 2;
    door_run(door, play_crowd);
    assert_int_equal(door->requests, 4);
    assert_true(door->counters.pauses > 0);
    assert_int_equal(door->counters.accepted, 4);
    door_free(door);
}

static void count_now(struct door *door)
{
    door->counters = listener_count(door->listener);
}

/* From now on every new file descriptor is one too many, until an older one is closed. */
static void forbid_descriptors(void)
{
    struct rlimit limit;
    int lowest = dup(0);
    close(lowest);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)lowest;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void play_no_descriptors(struct door *door)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)door->port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int first = dial(door);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    say(first, GET);
    hear(door, first, "ok", 1);
    forbid_descriptors();
    connect(late, (struct sockaddr *)&to, sizeof to);
    for (int i = 0; i < 5000 && door->counters.pauses == 0; i++) {
        do_on_loop(door, count_now);
        usleep(1000);
    }
    say(late, GET);
    close(first);
    hear(door, late, "ok", 2);
    close(late);
}

static void test_descriptors_run_out(void **state)
{
    (void)state;
    struct rlimit before;
    struct door *door = door_new(false);
    getrlimit(RLIMIT_NOFILE, &before);
    door_run(door, play_no_descriptors);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(door->requests, 2);
    assert_true(door->counters.pauses > 0);
    door_free(door);
}

static void play_many(struct door *door)
{
    int fds[40];
    for (int i = 0; i < 40; i++)
        fds[i] = dial(door);
    for (int i = 0; i < 40; i++) {
        say(fds[i], GET);
        hear(door, fds[i], "ok", (unsigned)i + 1);
    }
    for (int i = 0; i < 40; i++)
        close(fds[i]);
}

/* Both loops accept from the one socket, and neither gets nearly all. */
static void test_two_loops(void **state)
{
    (void)state;
    struct door *door = door_new(false);
    struct door *other = door_new(false);
    close(other->socket);
    other->socket = dup(door->socket);
    door->other = other;
    door->seats = other->seats = seats_new();
    door_run(door, play_many);
    assert_int_equal(door->requests + other->requests, 40);
    assert_int_equal(door->counters.accepted + other->counters.accepted, 40);
    assert_true(door->counters.accepted >= 8 && other->counters.accepted >= 8);
    seats_free(door->seats);
    door_free(other);
    door_free(door);
}

/* A request that arrived on either loop. */
static void wait_arrived(struct door *door)
{
    while (sem_trywait(&door->arrived) != 0 && sem_trywait(&door->other->arrived) != 0)
        usleep(1000);
}

static void play_crowd_of_two_loops(struct door *door)
{
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = dial(door);
    say(fds[0], GET);
    say(fds[1], GET);
    wait_arrived(door);
    wait_arrived(door);
    for (int i = 0; i < 5000 && door->counters.pauses + door->other->counters.pauses == 0; i++) {
        do_on_loop(door, count_now);
        do_on_loop(door->other, count_now);
        usleep(1000);
    }
    door->number = (int)(door->counters.accepted + door->other->counters.accepted);
    for (int i = 0; i < 2; i++)
        close(fds[i]);
    for (int i = 2; i < 4; i++) {
        say(fds[i], GET);
        hear(door, fds[i], "ok", (unsigned)i - 1);
        close(fds[i]);
    }
}

/* The ceiling is that of the process, not of each loop. */
static void test_connections_max_of_two_loops(void **state)
{
    (void)state;
    struct door *door = door_new(false);
    struct door *other = door_new(false);
    close(other->socket);
    other->socket = dup(door->socket);
    door->other = other;
    door->seats = other->seats = seats_new();
    door->limits.connections_max = other->limits.connections_max = 2;
    door_run(door, play_crowd_of_two_loops);
    assert_int_equal(door->number, 2);
    assert_true(door->counters.pauses + other->counters.pauses > 0);
    assert_int_equal(door->requests + other->requests, 4);
    assert_int_equal(door->counters.accepted + other->counters.accepted, 4);
    seats_free(door->seats);
    door_free(other);
    door_free(door);
}

/* ---- stopping ---- */

static void play_drained(struct door *door)
{
    int idle = dial(door);
    int busy = dial(door);
    say(idle, GET);
    sem_wait(&door->arrived);
    do_on_loop(door, answer_kept);
    hear(door, idle, "ok", 1);
    door->seen_length = 0;
    say(busy, GET);
    sem_wait(&door->arrived);
    do_on_loop(door, drain);
    hear_the_end(door, idle);
    do_on_loop(door, answer_kept);
    hear_the_end(door, busy);
    close(idle);
    close(busy);
    door->draining = true;
}

static void test_drained(void **state)
{
    (void)state;
    struct door *door = door_new(false);
    door->keeps = true;
    door_run(door, play_drained);
    assert_int_equal(door->requests, 2);
    assert_non_null(strstr(door->seen, "Connection: close\r\n\r\nok"));
    assert_int_equal(door->number, 0);
    door_free(door);
}

static void test_opening(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct fault fault = {FAULT_none, NULL};
    int first, second = -1;
    char port[16];
    assert_true(listen_open(&arena, "127.0.0.1", "0", &first, &fault));
    snprintf(port, sizeof port, "%u", listen_port(first));
    assert_false(listen_open(&arena, "127.0.0.1", port, &second, &fault));
    assert_non_null(strstr(fault.sentence, "another process uses this port"));
    assert_int_equal(fault.kind, FAULT_settings);
    assert_false(listen_open(&arena, "not a name", "0", &second, &fault));
    assert_non_null(strstr(fault.sentence, "cannot listen on not a name port 0"));
    assert_false(listen_open(&arena, "192.0.2.1", "0", &second, &fault));
    assert_int_equal(second, -1);
    close(first);
    if (listen_open(&arena, "[::1]", "0", &first, &fault))
        close(first);
    arena_free(&arena);
}

static void test_plain_is_local_only(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct fault fault = {FAULT_none, NULL};
    int everywhere;
    assert_true(listen_open(&arena, "0.0.0.0", "0", &everywhere, &fault));
    struct listener_options options = {
        .loop = uv_default_loop(), .socket = everywhere, .limits = listener_limits_default()};
    assert_null(listener_start(&options, &fault));
    assert_non_null(strstr(fault.sentence, "loopback"));
    close(everywhere);
    arena_free(&arena);
}

/* ---- TLS ---- */

struct caller {
    SSL_CTX *policy;
    SSL *tls;
    int fd;
};

/* A client with the certificate CA/NAME.crt; NAME NULL: without. */
static bool call(struct door *door, struct throwaway *ca, const char *name,
                 struct caller *ret_caller)
{
    ret_caller->policy = SSL_CTX_new(TLS_client_method());
    if (name != NULL) {
        throwaway_leaf(ca, name);
        SSL_CTX_use_certificate_chain_file(ret_caller->policy, throwaway_path(ca, name, ".crt"));
        SSL_CTX_use_PrivateKey_file(ret_caller->policy, throwaway_path(ca, name, ".key"),
                                    SSL_FILETYPE_PEM);
    }
    ret_caller->fd = dial(door);
    ret_caller->tls = SSL_new(ret_caller->policy);
    SSL_set_fd(ret_caller->tls, ret_caller->fd);
    return SSL_connect(ret_caller->tls) == 1;
}

static void hang_up(struct caller *caller)
{
    SSL_free(caller->tls);
    SSL_CTX_free(caller->policy);
    close(caller->fd);
}

/* Sends one request and notes the answer; false: none came. */
static bool ask(struct door *door, struct caller *caller)
{
    int length = (int)strlen(GET);
    if (SSL_write(caller->tls, GET, length) != length)
        return false;
    int got = SSL_read(caller->tls, door->seen + door->seen_length,
                       (int)(sizeof door->seen - 1 - door->seen_length));
    if (got > 0)
        door->seen_length += (size_t)got;
    return got > 0;
}

static void play_partner(struct door *door)
{
    struct caller caller;
    if (call(door, door->own, "lakeside", &caller))
        door->number = ask(door, &caller) + ask(door, &caller);
    hang_up(&caller);
}

static void test_partner(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door_run(door, play_partner);
    assert_int_equal(door->number, 2);
    assert_string_equal(door->partner, "lakeside");
    assert_string_equal(door->verdict, "admitted");
    assert_int_equal(door->counters.handshakes, 1);
    door_free(door);
}

/* Reads until COUNT bytes have come; returns how many did. */
static size_t drink(struct caller *caller, size_t count)
{
    static char glass[16384];
    size_t total = 0;
    while (total < count) {
        int got = SSL_read(caller->tls, glass, sizeof glass);
        if (got <= 0)
            break;
        total += (size_t)got;
    }
    return total;
}

enum { LARGE = 5 << 20 };

/* More than the sockets hold, both ways: each side has to wait for the other in the middle. */
static void play_large(struct door *door)
{
    struct caller caller;
    char head[128];
    char *body = calloc(1, LARGE);
    memset(body, ' ', LARGE);
    int length = snprintf(head, sizeof head,
                          "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", LARGE);
    if (call(door, door->own, "lakeside", &caller)) {
        SSL_write(caller.tls, head, length);
        SSL_write(caller.tls, body, LARGE);
        sem_wait(&door->arrived);
        door->number = (int)drink(&caller, LARGE);
    }
    hang_up(&caller);
    free(body);
}

static void test_large_messages_over_tls(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door->answer_bytes = LARGE;
    door_run(door, play_large);
    assert_true(door->number >= LARGE);
    assert_int_equal(door->body_length, LARGE);
    assert_int_equal(door->http.bodies_bytes, 0);
    door_free(door);
}

/* The second and third request lie in OpenSSL's buffer, which no poll speaks of, while the first
 * waits. */
static void play_records(struct door *door)
{
    struct caller caller;
    int length = (int)strlen(GET);
    if (call(door, door->own, "lakeside", &caller)) {
        SSL_write(caller.tls, GET GET, 2 * length);
        SSL_write(caller.tls, GET, length);
        for (int i = 0; i < 3; i++) {
            sem_wait(&door->arrived);
            do_on_loop(door, answer_kept);
            door->number += drink(&caller, 1) > 0;
        }
    }
    hang_up(&caller);
}

static void test_requests_in_one_record(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door->keeps = true;
    door_run(door, play_records);
    assert_int_equal(door->number, 3);
    door_free(door);
}

static void play_stranger(struct door *door)
{
    struct caller caller;
    if (call(door, door->own, "harbor", &caller))
        door->number = ask(door, &caller);
    hang_up(&caller);
}

/* A good certificate that is no partner's passes the handshake; admit answers 403. */
static void test_stranger(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door_run(door, play_stranger);
    assert_int_equal(door->number, 1);
    assert_string_equal(door->partner, "-");
    assert_string_equal(door->verdict, "no_partner");
    door_free(door);
}

static void play_nobody(struct door *door)
{
    struct caller caller;
    call(door, door->own, NULL, &caller); /* TLS 1.3: may seem to succeed */
    door->number = ask(door, &caller);
    hang_up(&caller);
}

static void test_no_certificate(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door_run(door, play_nobody);
    assert_int_equal(door->number, 0);
    assert_int_equal(door->requests, 0);
    assert_int_equal(door->counters.handshakes, 0);
    assert_int_equal(door->counters.refused_peers + door->counters.handshakes_failed, 2);
    assert_string_equal(door->refused, "no_certificate");
    door_free(door);
}

static void play_other_ca(struct door *door)
{
    struct throwaway *other = throwaway_new();
    struct caller caller;
    call(door, other, "lakeside", &caller);
    door->number = ask(door, &caller);
    hang_up(&caller);
    throwaway_free(other);
}

static void test_certificate_of_another_ca(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door_run(door, play_other_ca);
    assert_int_equal(door->number, 0);
    assert_int_equal(door->requests, 0);
    assert_string_not_equal(door->refused, "");
    assert_string_not_equal(door->refused, "no_certificate");
    door_free(door);
}

static void play_plain_http(struct door *door)
{
    int fd = dial(door);
    say(fd, GET);
    hear_the_end(door, fd);
    close(fd);
}

static void test_no_plain_http(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door_run(door, play_plain_http);
    assert_null(strstr(door->seen, "HTTP/1.1"));
    assert_int_equal(door->requests, 0);
    assert_int_equal(door->counters.handshakes_failed, 1);
    door_free(door);
}

static void test_silent_handshake(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door->limits.handshake_ms = 100;
    door_run(door, play_silence);
    assert_int_equal(door->seen_length, 0);
    assert_int_equal(door->counters.overdue[WAIT_HANDSHAKE], 1);
    door_free(door);
}

static void trust_nobody(struct door *door)
{
    struct context *context = throwaway_context(door->own, "willow", NULL);
    listener_use(door->listener, context);
    context_release(context);
}

static void play_trust_withdrawn(struct door *door)
{
    struct caller caller;
    if (call(door, door->own, "lakeside", &caller))
        door->number = ask(door, &caller);
    do_on_loop(door, trust_nobody);
    door->number += ask(door, &caller);
    hang_up(&caller);
    if (call(door, door->own, "lakeside", &caller) && ask(door, &caller))
        door->number += 10; /* a stranger now */
    hang_up(&caller);
}

static void test_trust_withdrawn(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door_run(door, play_trust_withdrawn);
    assert_int_equal(door->number, 11);
    assert_int_equal(door->counters.untrusted, 1);
    assert_string_equal(door->partner, "-");
    door_free(door);
}

static void recheck(struct door *door)
{
    trust_nobody(door);
    listener_recheck(door->listener);
}

static void close_lakeside(struct door *door)
{
    assert_int_equal(listener_close_partner(door->listener, "lake"), 0);
    assert_int_equal(listener_close_partner(door->listener, "lakeside"), 1);
}

static void play_closed_by(struct door *door, void (*how)(struct door *door))
{
    struct caller caller;
    if (call(door, door->own, "lakeside", &caller))
        door->number = ask(door, &caller);
    do_on_loop(door, how);
    door->number += 10 * (recv(caller.fd, door->seen, 100, 0) <= 0);
    hang_up(&caller);
}

static void play_rechecked(struct door *door)
{
    play_closed_by(door, recheck);
}

static void play_disabled(struct door *door)
{
    play_closed_by(door, close_lakeside);
}

static void test_idle_connections_are_closed_too(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door_run(door, play_rechecked);
    assert_int_equal(door->number, 11);
    assert_int_equal(door->counters.untrusted, 1);
    door_free(door);
    door = door_new(true);
    door_run(door, play_disabled);
    assert_int_equal(door->number, 11);
    door_free(door);
}

/* The status of the next answer on CALLER. */
static int ask_status(struct door *door, struct caller *caller)
{
    door->seen_length = 0;
    if (!ask(door, caller))
        return 0;
    door->seen[door->seen_length] = '\0';
    return atoi(door->seen + strlen("HTTP/1.1 "));
}

static void play_two_of_one(struct door *door)
{
    struct caller one, other;
    if (call(door, door->own, "lakeside", &one))
        door->number = ask_status(door, &one);
    call(door, door->own, "lakeside", &other);
    door->number += 1000 * ask_status(door, &other);
    door->answer_bytes = strstr(door->seen, "connections_max") != NULL &&
                         strstr(door->seen, "Retry-After: 1\r\n") != NULL;
    hang_up(&one);
    hang_up(&other);
    int status = 0;
    for (int i = 0; i < 100 && status != 200; i++) { /* free once the loop has seen the end */
        call(door, door->own, "lakeside", &one);
        status = ask_status(door, &one);
        hang_up(&one);
    }
    door->number += status == 200;
}

static void test_partner_connections_max(void **state)
{
    (void)state;
    struct door *door = door_new(true);
    door->quotas = quotas_new();
    quotas_set(door->quotas, "lakeside", &(struct quota_limits){.connections_max = 1});
    door_run(door, play_two_of_one);
    assert_int_equal(door->number, 429201);
    assert_int_equal(door->answer_bytes, 1);
    assert_true(door->counters.crowded >= 1);
    const struct quota_figures *figures = quotas_count(door->quotas, &door->arena);
    assert_string_equal(figures->partner, "lakeside");
    assert_int_equal(figures->refused[QUOTA_CONNECTIONS], door->counters.crowded);
    assert_int_equal(figures->connections, 0);
    quotas_free(door->quotas);
    door_free(door);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_alive),
        cmocka_unit_test(test_pipelined_in_order),
        cmocka_unit_test(test_answered_later),
        cmocka_unit_test(test_client_gone_before_answer),
        cmocka_unit_test(test_half_closed_client_is_answered),
        cmocka_unit_test(test_slow_clients),
        cmocka_unit_test(test_too_large_is_told),
        cmocka_unit_test(test_connections_max),
        cmocka_unit_test(test_connections_max_of_two_loops),
        cmocka_unit_test(test_descriptors_run_out),
        cmocka_unit_test(test_two_loops),
        cmocka_unit_test(test_drained),
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_plain_is_local_only),
        cmocka_unit_test(test_partner),
        cmocka_unit_test(test_large_messages_over_tls),
        cmocka_unit_test(test_requests_in_one_record),
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_no_certificate),
        cmocka_unit_test(test_certificate_of_another_ca),
        cmocka_unit_test(test_no_plain_http),
        cmocka_unit_test(test_silent_handshake),
        cmocka_unit_test(test_trust_withdrawn),
        cmocka_unit_test(test_idle_connections_are_closed_too),
        cmocka_unit_test(test_partner_connections_max),
    };
    if (count > 1)
        cmocka_set_test_filter(arguments[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
