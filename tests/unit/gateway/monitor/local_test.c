/* local: what the loopback listener answers, over a real socket, and that it stands on loopback
 * only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <uv.h>

#include "gateway/monitor/local.h"

struct bench {
    uv_loop_t loop;
    uv_async_t stop;
    pthread_t thread;
    struct local *local;
    unsigned port;
    _Atomic(const char *) why; /* NULL: ready */
    atomic_uint tokens;        /* handed out and not given back */
    bool has_stopped;
};

static const char *why_not_ready(void *owner)
{
    return ((struct bench *)owner)->why;
}

static void loop_figures(void *owner, struct metric_sheet *sheet, void **ret_token)
{
    struct bench *bench = owner;
    metric_put(sheet, METRIC_connections, NULL, NULL, 7);
    bench->tokens++;
    *ret_token = bench;
}

static void store_figures(void *token, struct metric_sheet *sheet)
{
    struct bench *bench = token;
    metric_put(sheet, METRIC_tray_waiting, NULL, NULL, 9);
    bench->tokens--;
}

static void on_stopped(void *owner)
{
    ((struct bench *)owner)->has_stopped = true;
}

static void on_stop(uv_async_t *async)
{
    struct bench *bench = async->data;
    local_stop(bench->local, on_stopped, bench);
    uv_close((uv_handle_t *)async, NULL);
}

static void *run(void *argument)
{
    struct bench *bench = argument;
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    return NULL;
}

static struct local_options options_of(struct bench *bench, const char *address)
{
    return (struct local_options){.loop = &bench->loop,
                                  .address = address,
                                  .clock = clock_system(),
                                  .why_not_ready = why_not_ready,
                                  .loop_figures = loop_figures,
                                  .store_figures = store_figures,
                                  .owner = bench};
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct arena arena = ARENA_EMPTY;
    struct fault fault = {FAULT_none, NULL};
    uv_loop_init(&bench->loop);
    uv_async_init(&bench->loop, &bench->stop, on_stop);
    bench->stop.data = bench;
    const struct local_options options = options_of(bench, "127.0.0.1:0");
    bench->local = local_start(&options, &arena, &fault);
    assert_non_null(bench->local);
    bench->port = local_port(bench->local);
    pthread_create(&bench->thread, NULL, run, bench);
    arena_free(&arena);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    uv_async_send(&bench->stop);
    pthread_join(bench->thread, NULL);
    assert_true(bench->has_stopped);
    assert_int_equal(bench->tokens, 0);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    free(bench);
    return 0;
}

/* Sends REQUEST on a connection of its own; the whole answer. */
static const char *ask(const struct bench *bench, const char *request)
{
    static char answer[65536];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)bench->port)};
    struct timeval patience = {.tv_sec = 20};
    size_t length = 0;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int file = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(file, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(write(file, request, strlen(request)), strlen(request));
    ssize_t count;
    while ((count = read(file, answer + length, sizeof answer - length - 1)) > 0)
        length += (size_t)count;
    assert_int_equal(count, 0);
    close(file);
    answer[length] = '\0';
    return answer;
}

static const char *get(const struct bench *bench, const char *path, const char *host)
{
    char request[512];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
             path, host);
    return ask(bench, request);
}

static bool is_status(const char *answer, int status)
{
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    return strncmp(answer, line, strlen(line)) == 0;
}

static void alive_and_ready(void **state)
{
    struct bench *bench = *state;
    assert_true(is_status(get(bench, "/healthz", "localhost"), 200));
    const char *answer = get(bench, "/readyz", "localhost");
    assert_true(is_status(answer, 200));
    assert_non_null(strstr(answer, "\r\n\r\nready\n"));
    bench->why = "the disk is full";
    answer = get(bench, "/readyz", "localhost");
    assert_true(is_status(answer, 503));
    assert_non_null(strstr(answer, "the disk is full"));
    assert_true(is_status(get(bench, "/healthz", "localhost"), 200));
}

static void figures_of_loop_and_store(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 20; i++) {
        const char *answer = get(bench, "/metrics", "127.0.0.1");
        assert_true(is_status(answer, 200));
        assert_non_null(strstr(answer, "text/plain; version=0.0.4"));
        assert_non_null(strstr(answer, "\nrefgate_connections 7\n"));
        assert_non_null(strstr(answer, "\nrefgate_tray_waiting 9\n"));
    }
}

static void only_this_machine_by_name(void **state)
{
    static const char *const good[] = {"localhost",   "LocalHost:9180", "127.0.0.1",
                                       "127.0.0.1:1", "[::1]",          "[::1]:9180"};
    static const char *const bad[] = {"evil.example", "localhost.evil.example", "127.0.0.1.evil",
                                      "127.0.0.11", "10.0.0.1:9180"};
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(is_status(get(bench, "/healthz", good[i]), 200));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_true(is_status(get(bench, "/metrics", bad[i]), 403));
}

static void what_is_not_served(void **state)
{
    struct bench *bench = *state;
    assert_true(is_status(get(bench, "/", "localhost"), 404));
    assert_true(is_status(get(bench, "/metrics/", "localhost"), 404));
    assert_true(is_status(get(bench, "/fhir/metadata", "localhost"), 404));
    assert_true(is_status(ask(bench, "POST /metrics HTTP/1.1\r\nHost: localhost\r\n"
                                     "Content-Length: 0\r\nConnection: close\r\n\r\n"),
                          405));
    assert_true(is_status(ask(bench, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"), 400));
    assert_true(is_status(ask(bench, "nonsense\r\n\r\n"), 400));
}

static void loopback_only(void **state)
{
    static const struct {
        const char *address;
        bool is_taken;
    } cases[] = {{"0.0.0.0:0", false}, {"[::]:0", false}, {"127.0.0.1:0", true}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench bench = {.port = 0};
        struct arena arena = ARENA_EMPTY;
        struct fault fault = {FAULT_none, NULL};
        uv_loop_init(&bench.loop);
        const struct local_options options = options_of(&bench, cases[i].address);
        struct local *local = local_start(&options, &arena, &fault);
        assert_int_equal(local != NULL, cases[i].is_taken);
        if (local != NULL)
            local_stop(local, on_stopped, &bench);
        else
            assert_int_equal(fault.kind, FAULT_settings);
        uv_run(&bench.loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&bench.loop), 0);
        arena_free(&arena);
    }
}

static void a_port_in_use_is_said(void **state)
{
    struct bench *bench = *state;
    struct arena arena = ARENA_EMPTY;
    struct fault fault = {FAULT_none, NULL};
    const struct local_options options =
        options_of(bench, arena_print(&arena, "127.0.0.1:%u", bench->port));
    assert_null(local_start(&options, &arena, &fault));
    assert_non_null(strstr(fault_sentence(&fault), "another process uses this port"));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(alive_and_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(figures_of_loop_and_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_this_machine_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_port_in_use_is_said, set_up, tear_down),
        cmocka_unit_test(loopback_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
