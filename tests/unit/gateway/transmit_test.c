/* transmit: real exchanges with servers that a thread plays, one good and many bad, over mutual TLS
 * on 127.0.0.1. A server is a script: what it does with each connection once the handshake is over.
 */
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

#include "gateway/listen.h"
#include "gateway/outcome.h"
#include "gateway/transmit.h"
#include "lib/throwaway.h"

struct partner {
    void (*script)(struct partner *partner, SSL *tls);
    bool is_deaf; /* never even starts the handshake */
    SSL_CTX *policy;
    int socket;
    unsigned port;
    pthread_t thread;
    atomic_uint connections, requests;
    atomic_size_t sent;
    char heard[8192]; /* the last request */
};

struct note {
    bool done;
    enum transmit_outcome outcome;
    char sentence[512], type[80], body[4096];
    size_t body_length;
    int status;
    int64_t retry_after_s, connect_us, tls_us, first_byte_us, total_us;
    bool new_connection;
    enum verdict verdict;
};

struct bench {
    struct throwaway *own, *other;
    struct context *context; /* we: willow; we call lakeside */
    uv_loop_t loop;
    struct transmit *transmit;
    struct partner *partner;
    struct transmit_request request;
    char url[128];
};

/* ---- the partner's side ---- */

static int listening_socket(unsigned *ret_port)
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
static bool hear(struct partner *partner, SSL *tls)
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

static bool say_n(struct partner *partner, SSL *tls, const char *text, size_t length)
{
    bool done = SSL_write(tls, text, (int)length) == (int)length;
    partner->sent += done ? length : 0;
    return done;
}

static bool say(struct partner *partner, SSL *tls, const char *text)
{
    return say_n(partner, tls, text, strlen(text));
}

static void wait_for_close(SSL *tls)
{
    char byte;
    while (SSL_read(tls, &byte, 1) > 0)
        continue;
}

static void serve_one(struct partner *partner, int fd)
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

static void *serve(void *argument)
{
    struct partner *partner = argument;
    int fd;
    while ((fd = accept(partner->socket, NULL, NULL)) >= 0) {
        partner->connections++;
        serve_one(partner, fd);
        close(fd);
    }
    return NULL;
}

/* The partner shows CA/NAME's certificate and takes clients that CLIENTS_CA issued. */
static struct partner *partner_new(struct throwaway *ca, const char *name,
                                   struct throwaway *clients_ca,
                                   void (*script)(struct partner *partner, SSL *tls))
{
    struct partner *partner = calloc(1, sizeof *partner);
    throwaway_leaf(ca, name);
    partner->script = script;
    partner->policy = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(partner->policy, throwaway_path(ca, name, ".crt"));
    SSL_CTX_use_PrivateKey_file(partner->policy, throwaway_path(ca, name, ".key"),
                                SSL_FILETYPE_PEM);
    SSL_CTX_load_verify_locations(partner->policy, throwaway_path(clients_ca, "ca", ".crt"), NULL);
    SSL_CTX_set_verify(partner->policy, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    partner->socket = listening_socket(&partner->port);
    pthread_create(&partner->thread, NULL, serve, partner);
    return partner;
}

static void partner_free(struct partner *partner)
{
    shutdown(partner->socket, SHUT_RDWR);
    pthread_join(partner->thread, NULL);
    close(partner->socket);
    SSL_CTX_free(partner->policy);
    free(partner);
}

/* ---- our side ---- */

static void on_done(void *owner, const struct transmit_result *result)
{
    struct note *note = owner;
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

static struct bench *bench_new(void (*script)(struct partner *partner, SSL *tls))
{
    struct bench *bench = calloc(1, sizeof *bench);
    signal(SIGPIPE, SIG_IGN);
    bench->own = throwaway_new();
    bench->context = throwaway_context(bench->own, "willow", "lakeside");
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    struct transmit_options options = {.loop = &bench->loop};
    bench->transmit = transmit_new(&options);
    if (script != NULL)
        bench->partner = partner_new(bench->own, "lakeside", bench->own, script);
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

static void bench_free(struct bench *bench)
{
    if (bench->transmit != NULL)
        transmit_close(bench->transmit, NULL, NULL);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    if (bench->partner != NULL)
        partner_free(bench->partner);
    context_release(bench->context);
    throwaway_free(bench->own);
    if (bench->other != NULL)
        throwaway_free(bench->other);
    free(bench);
}

static void wait_for(struct bench *bench, const struct note *note)
{
    while (!note->done)
        uv_run(&bench->loop, UV_RUN_ONCE);
}

static struct note exchange(struct bench *bench)
{
    struct note note = {0};
    transmit_send(bench->transmit, &bench->request, on_done, &note);
    assert_false(note.done); /* never from within the call */
    wait_for(bench, &note);
    print_message("  %s\n", note.sentence);
    return note;
}

/* ---- scripts ---- */

static void script_good(struct partner *partner, SSL *tls)
{
    while (hear(partner, tls))
        say(partner, tls,
            "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
            "Content-Length: 4\r\n\r\ndone");
}

static void script_once_then_close(struct partner *partner, SSL *tls)
{
    if (hear(partner, tls))
        say(partner, tls, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
}

static void script_no_answer(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    wait_for_close(tls);
}

static void script_close_after_request(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
}

static void script_truncated(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    say(partner, tls, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"resourceType\"");
}

static void script_truncated_chunks(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    say(partner, tls, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n");
}

static void script_garbage(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    say(partner, tls, "SSH-2.0-nonsense\r\n\r\n");
}

static void script_http09(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    say(partner, tls, "<html>hello</html>");
}

static void script_endless_body(struct partner *partner, SSL *tls)
{
    static char block[16384];
    memset(block, 'x', sizeof block);
    hear(partner, tls);
    say(partner, tls, "HTTP/1.1 200 OK\r\n\r\n");
    while (partner->sent < (64u << 20) && say_n(partner, tls, block, sizeof block))
        continue;
}

static void script_announced_too_large(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    say(partner, tls, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx");
    wait_for_close(tls);
}

static void script_endless_head(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    say(partner, tls, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100000; i++) {
        if (!say(partner, tls, "X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"))
            return;
    }
}

static void script_many_interim(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    for (int i = 0; i < 10000; i++) {
        if (!say(partner, tls, "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"))
            return;
    }
    say(partner, tls, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void script_drip(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    say(partner, tls, "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n");
    while (say(partner, tls, "x"))
        usleep(20000);
}

static void script_gzip(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    say(partner, tls,
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8bx");
    wait_for_close(tls);
}

static void script_retry_seconds(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    say(partner, tls, "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
    wait_for_close(tls);
}

static void script_retry_date(struct partner *partner, SSL *tls)
{
    hear(partner, tls);
    say(partner, tls,
        "HTTP/1.1 429 Slow\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"
        "Content-Length: 0\r\n\r\n");
    wait_for_close(tls);
}

static void script_redirect(struct partner *partner, SSL *tls)
{
    char text[256];
    hear(partner, tls);
    snprintf(text, sizeof text,
             "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:%u/elsewhere\r\n"
             "Content-Length: 0\r\n\r\n",
             partner->port);
    say(partner, tls, text);
    wait_for_close(tls);
}

/* ---- good ones ---- */

static void test_answered(void **state)
{
    (void)state;
    static const struct http_header headers[] = {{"Content-Type", "application/fhir+json"},
                                                 {"X-Request-Id", "r-1\r\nX-Evil: yes"}};
    struct bench *bench = bench_new(script_good);
    bench->request.headers = headers;
    bench->request.headers_count = 2;
    bench->request.body = "{\"resourceType\":\"Bundle\"}";
    bench->request.body_length = strlen(bench->request.body);
    struct note first = exchange(bench);
    struct note second = exchange(bench);
    assert_int_equal(first.outcome, TRANSMIT_ANSWERED);
    assert_int_equal(first.status, 200);
    assert_string_equal(first.body, "done");
    assert_string_equal(first.type, "application/fhir+json");
    assert_int_equal(first.verdict, VERDICT_admitted);
    assert_int_equal(first.retry_after_s, -1);
    assert_true(first.new_connection);
    assert_true(0 < first.connect_us && first.connect_us < first.tls_us);
    assert_true(first.tls_us < first.first_byte_us && first.first_byte_us <= first.total_us);
    assert_int_equal(second.outcome, TRANSMIT_ANSWERED);
    assert_false(second.new_connection);
    assert_int_equal(bench->partner->connections, 1);
    const char *heard = bench->partner->heard;
    assert_memory_equal(heard, "POST /fhir/$process-message HTTP/1.1\r\n", 38);
    assert_non_null(strstr(heard, "Content-Type: application/fhir+json\r\n"));
    assert_non_null(strstr(heard, "X-Request-Id: r-1??X-Evil: yes\r\n"));
    assert_non_null(strstr(heard, "User-Agent: refgate/"));
    assert_non_null(strstr(heard, "\r\n\r\n{\"resourceType\":\"Bundle\"}"));
    assert_null(strstr(heard, "Expect"));
    assert_null(strstr(heard, "Accept-Encoding"));
    bench_free(bench);
}

static void test_get(void **state)
{
    (void)state;
    struct bench *bench = bench_new(script_good);
    bench->request.body = NULL;
    struct note note = exchange(bench);
    assert_int_equal(note.outcome, TRANSMIT_ANSWERED);
    assert_memory_equal(bench->partner->heard, "GET /fhir/$process-message HTTP/1.1\r\n", 37);
    assert_null(strstr(bench->partner->heard, "Content-Length"));
    bench_free(bench);
}

/* The server may close between two messages: the second goes over a new connection. */
static void test_closed_in_between(void **state)
{
    (void)state;
    struct bench *bench = bench_new(script_once_then_close);
    for (int i = 0; i < 3; i++)
        assert_int_equal(exchange(bench).outcome, TRANSMIT_ANSWERED);
    assert_int_equal(bench->partner->connections, 3);
    bench_free(bench);
}

static void test_new_generation_new_connection(void **state)
{
    (void)state;
    struct bench *bench = bench_new(script_good);
    assert_true(exchange(bench).new_connection);
    assert_false(exchange(bench).new_connection);
    bench->request.generation =
        2; /* the old connection is closed, else this one would wait for ever */
    assert_true(exchange(bench).new_connection);
    assert_false(exchange(bench).new_connection);
    assert_int_equal(bench->partner->connections, 2);
    bench_free(bench);
}

/* ---- bad ones ---- */

static const struct {
    const char *name;
    void (*script)(struct partner *partner, SSL *tls);
    unsigned total_ms;
    enum transmit_outcome outcome;
    int status;
    const char *sentence;
} bad[] = {
    {"no answer", script_no_answer, 200, TRANSMIT_TIMED_OUT, 0, "unknown"},
    {"closes after the request", script_close_after_request, 5000, TRANSMIT_BROKEN, 0, "unknown"},
    {"truncated", script_truncated, 5000, TRANSMIT_BROKEN, 200, "broke before a whole answer"},
    {"truncated chunks", script_truncated_chunks, 5000, TRANSMIT_BROKEN, 200, "unknown"},
    {"garbage", script_garbage, 5000, TRANSMIT_BROKEN, 0, "unknown"},
    {"http 0.9", script_http09, 5000, TRANSMIT_BROKEN, 0, "unknown"},
    {"endless body", script_endless_body, 5000, TRANSMIT_TOO_LARGE, 200, "larger than 3000 bytes"},
    {"announced too large", script_announced_too_large, 5000, TRANSMIT_TOO_LARGE, 200, "larger"},
    {"endless head", script_endless_head, 5000, TRANSMIT_TOO_LARGE, 200, "headers"},
    {"many interim answers", script_many_interim, 5000, TRANSMIT_TOO_LARGE, 103, "headers"},
    {"slow drip", script_drip, 300, TRANSMIT_TIMED_OUT, 200, "unknown"},
    {"redirect", script_redirect, 5000, TRANSMIT_ANSWERED, 302, "answered 302"},
    {"gzip", script_gzip, 5000, TRANSMIT_ANSWERED, 200, "answered 200"},
};

static void test_bad_partners(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("%s\n", bad[i].name);
        struct bench *bench = bench_new(bad[i].script);
        bench->request.limits.total_ms = bad[i].total_ms;
        bench->request.limits.body_bytes_max = 3000;
        bench->request.limits.head_bytes_max = 5000;
        struct note note = exchange(bench);
        assert_int_equal(note.outcome, bad[i].outcome);
        assert_false(transmit_unsent(note.outcome));
        assert_int_equal(note.status, bad[i].status);
        assert_non_null(strstr(note.sentence, bad[i].sentence));
        assert_true(note.body_length <= 3000);
        assert_int_equal(bench->partner->connections, 1);
        assert_int_equal(bench->partner->requests, 1);
        bench_free(bench);
    }
}

static void test_retry_after(void **state)
{
    (void)state;
    struct bench *bench = bench_new(script_retry_seconds);
    struct note note = exchange(bench);
    assert_int_equal(note.status, 503);
    assert_int_equal(note.retry_after_s, 7);
    bench_free(bench);
    bench = bench_new(script_retry_date);
    note = exchange(bench);
    assert_int_equal(note.status, 429);
    assert_int_equal(note.retry_after_s, 86400);
    bench_free(bench);
}

/* ---- nothing is sent ---- */

static void assert_unsent(struct bench *bench, struct note note, enum transmit_outcome outcome,
                          const char *sentence)
{
    assert_int_equal(note.outcome, outcome);
    assert_true(transmit_unsent(note.outcome));
    if (strstr(note.sentence, sentence) == NULL)
        fail_msg("expected `%s` in: %s", sentence, note.sentence);
    assert_int_equal(note.status, 0);
    if (bench->partner != NULL)
        assert_int_equal(bench->partner->requests, 0);
}

static void test_connection_refused(void **state)
{
    (void)state;
    unsigned port;
    char expected[80];
    struct bench *bench = bench_new(NULL);
    close(listening_socket(&port));
    snprintf(bench->url, sizeof bench->url, "https://127.0.0.1:%u/fhir", port);
    snprintf(expected, sizeof expected, "cannot connect to 127.0.0.1:%u: connection refused", port);
    struct note note = exchange(bench);
    assert_unsent(bench, note, TRANSMIT_CANNOT_CONNECT, expected);
    assert_string_equal(note.sentence, expected);
    bench_free(bench);
}

static void test_silent_server(void **state)
{
    (void)state;
    struct bench *bench = bench_new(script_good);
    bench->partner->is_deaf = true;
    bench->request.limits.connect_ms = 150;
    assert_unsent(bench, exchange(bench), TRANSMIT_CANNOT_CONNECT,
                  "the TLS handshake did not end within 150 ms");
    bench_free(bench);
}

static void test_urls_that_are_not_called(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *sentence;
    } rows[] = {
        {"http://127.0.0.1:80/fhir", "not an https address"},
        {"file:///etc/passwd", "not an https address"},
        {"https://169.254.169.254/latest/meta-data",
         "its address 169.254.169.254:443 may not be used"},
        {"https://0.0.0.0:8443/fhir", "may not be used"},
        {"https://[fe80::1]/fhir", "may not be used"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *bench = bench_new(NULL);
        snprintf(bench->url, sizeof bench->url, "%s", rows[i].url);
        assert_unsent(bench, exchange(bench), TRANSMIT_CANNOT_CONNECT, rows[i].sentence);
        bench_free(bench);
    }
}

static bool may_connect_nowhere(void *owner, const char *partner, const struct sockaddr *address)
{
    (void)owner;
    assert_string_equal(partner, "lakeside");
    assert_int_equal(address->sa_family, AF_INET);
    return false;
}

static void test_address_policy(void **state)
{
    (void)state;
    struct bench *bench = bench_new(script_good);
    transmit_close(bench->transmit, NULL, NULL);
    struct transmit_options options = {.loop = &bench->loop, .may_connect = may_connect_nowhere};
    bench->transmit = transmit_new(&options);
    assert_unsent(bench, exchange(bench), TRANSMIT_CANNOT_CONNECT, "may not be used");
    assert_int_equal(bench->partner->connections, 0);
    bench_free(bench);
}

/* The right name from another CA, and another name from the right CA. */
static void test_impostors(void **state)
{
    (void)state;
    struct bench *bench = bench_new(NULL);
    bench->other = throwaway_new();
    struct throwaway *const cas[] = {bench->other, bench->own};
    static const char *const names[] = {"lakeside", "riverbend"};
    for (int i = 0; i < 2; i++) {
        bench->partner = partner_new(cas[i], names[i], bench->own, script_good);
        snprintf(bench->url, sizeof bench->url, "https://127.0.0.1:%u/", bench->partner->port);
        struct note note = exchange(bench);
        assert_unsent(bench, note, TRANSMIT_TLS_REFUSED, "does not prove to be lakeside");
        assert_int_not_equal(note.verdict, VERDICT_admitted);
        assert_int_not_equal(note.verdict, VERDICT_no_handshake);
        partner_free(bench->partner);
        bench->partner = NULL;
    }
    bench_free(bench);
}

/* With TLS 1.3 we hear of it only after we have begun to send; nobody read that. */
static void test_partner_refuses_us(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
    struct bench *bench = bench_new(NULL);
    bench->other = throwaway_new();
    for (int i = 0; i < 2; i++) {
        bench->partner = partner_new(bench->own, "lakeside", bench->other, script_good);
        SSL_CTX_set_max_proto_version(bench->partner->policy, versions[i]);
        snprintf(bench->url, sizeof bench->url, "https://127.0.0.1:%u/", bench->partner->port);
        assert_unsent(bench, exchange(bench), TRANSMIT_TLS_REFUSED, "refused our certificate");
        partner_free(bench->partner);
        bench->partner = NULL;
    }
    bench_free(bench);
}

static void test_old_tls_is_not_spoken(void **state)
{
    (void)state;
    struct bench *bench = bench_new(script_good);
    SSL_CTX_set_security_level(bench->partner->policy, 0);
    SSL_CTX_set_min_proto_version(bench->partner->policy, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(bench->partner->policy, TLS1_1_VERSION);
    struct note note = exchange(bench);
    assert_true(transmit_unsent(note.outcome));
    assert_int_equal(bench->partner->requests, 0);
    bench_free(bench);
}

/* ---- broken off, and many at once ---- */

static void test_dropped(void **state)
{
    (void)state;
    struct bench *bench = bench_new(script_no_answer);
    struct note note = {0};
    transmit_send(bench->transmit, &bench->request, on_done, &note);
    while (bench->partner->requests == 0)
        uv_run(&bench->loop, UV_RUN_NOWAIT);
    transmit_drop(bench->transmit, "harbor");
    assert_false(note.done);
    transmit_drop(bench->transmit, "lakeside");
    assert_true(note.done);
    assert_int_equal(note.outcome, TRANSMIT_STOPPED);
    assert_false(transmit_unsent(note.outcome));
    bench_free(bench);
}

static void on_done_send_again(void *owner, const struct transmit_result *result)
{
    struct bench *bench = owner;
    assert_int_equal(result->outcome, TRANSMIT_STOPPED);
    if (bench->partner->connections < 100) { /* closing answers at once: no endless round */
        bench->partner->connections += 100;
        transmit_send(bench->transmit, &bench->request, on_done_send_again, bench);
    }
}

static void test_closed_with_work_in_hand(void **state)
{
    (void)state;
    struct bench *bench = bench_new(script_no_answer);
    transmit_send(bench->transmit, &bench->request, on_done_send_again, bench);
    while (bench->partner->requests == 0)
        uv_run(&bench->loop, UV_RUN_NOWAIT);
    transmit_close(bench->transmit, NULL, NULL);
    bench->transmit = NULL;
    assert_int_equal(bench->partner->connections, 101);
    bench_free(bench);
}

static void on_request(void *owner, struct exchange *exchange)
{
    unsigned *count = owner;
    struct answer answer = {
        .status = 200, .body = exchange->body, .body_length = exchange->body_length};
    assert_string_equal(exchange->peer->partner, "willow");
    ++*count;
    exchange_answer(exchange, &answer);
}

/* Our own listener as the partner, on the same loop. */
static void test_many_at_once(void **state)
{
    (void)state;
    enum { MANY = 60 };
    static struct note notes[MANY];
    unsigned count = 0;
    int socket;
    struct fault fault;
    struct bench *bench = bench_new(NULL);
    struct context *lakeside = throwaway_context(bench->own, "lakeside", "willow");
    assert_true(listen_open(&bench->own->arena, "127.0.0.1", "0", &socket, &fault));
    struct listener_options options = {.loop = &bench->loop,
                                       .socket = socket,
                                       .context = lakeside,
                                       .limits = listener_limits_default(),
                                       .clock = clock_system(),
                                       .on_request = on_request,
                                       .owner = &count};
    struct listener *listener = listener_start(&options, &fault);
    snprintf(bench->url, sizeof bench->url, "https://localhost:%u/", listen_port(socket));
    assert_unsent(bench, exchange(bench), TRANSMIT_TLS_REFUSED,
                  "does not answer to the name localhost");
    snprintf(bench->url, sizeof bench->url, "https://127.0.0.1:%u/", listen_port(socket));
    for (int i = 0; i < MANY; i++)
        transmit_send(bench->transmit, &bench->request, on_done, &notes[i]);
    for (int i = 0; i < MANY; i++) {
        wait_for(bench, &notes[i]);
        if (notes[i].outcome != TRANSMIT_ANSWERED)
            print_error("%s\n", notes[i].sentence);
        assert_string_equal(notes[i].body, "{}");
    }
    assert_int_equal(count, MANY);
    listener_stop(listener, 0, NULL);
    context_release(lakeside);
    bench_free(bench);
    close(socket);
}

static void test_sentences(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct transmit_limits limits = transmit_limits_default();
    struct outcome_facts facts = {.end = OUTCOME_END_NAME,
                                  .partner = "lakeside",
                                  .host = "gw.example",
                                  .place = "gw.example:443",
                                  .tls_error = "",
                                  .reason = "",
                                  .verdict = VERDICT_no_handshake,
                                  .limits = &limits};
    assert_string_equal(outcome_say(&arena, &facts),
                        "cannot connect to gw.example:443: the name gw.example is not known");
    facts.end = OUTCOME_END_TIME;
    assert_string_equal(outcome_say(&arena, &facts),
                        "cannot connect to gw.example:443: nobody answered within 10000 ms");
    /* An alert about something else, in the middle of an answer, leaves it unknown. */
    facts.end = OUTCOME_END_OTHER;
    facts.may_have_sent = facts.new_connection = true;
    facts.tls_error = "error:0A000438:SSL routines::tlsv1 alert internal error, errno 0";
    assert_int_equal(outcome_of(&facts), TRANSMIT_BROKEN);
    facts.tls_error = "error:0A000418:SSL routines::tlsv1 alert unknown ca, errno 0";
    assert_int_equal(outcome_of(&facts), TRANSMIT_TLS_REFUSED);
    facts.has_head = true;
    assert_int_equal(outcome_of(&facts), TRANSMIT_BROKEN);
    arena_free(&arena);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answered),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_closed_in_between),
        cmocka_unit_test(test_new_generation_new_connection),
        cmocka_unit_test(test_bad_partners),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_connection_refused),
        cmocka_unit_test(test_silent_server),
        cmocka_unit_test(test_urls_that_are_not_called),
        cmocka_unit_test(test_address_policy),
        cmocka_unit_test(test_impostors),
        cmocka_unit_test(test_partner_refuses_us),
        cmocka_unit_test(test_old_tls_is_not_spoken),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_closed_with_work_in_hand),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_sentences),
    };
    if (count > 1)
        cmocka_set_test_filter(arguments[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
