/* transmit: real exchanges with a partner that does what it should, all ways not to send at all,
 * and exchanges that are broken off from our side. Partners that answer badly: transmit_bad_test.c.
 */
#include "gateway/listener/listen.h"
#include "lib/calling.h"

static void script_good(struct calling_partner *partner, SSL *tls)
{
    while (calling_hear(partner, tls))
        calling_say(partner, tls,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
                    "Content-Length: 4\r\n\r\ndone");
}

static void script_once_then_close(struct calling_partner *partner, SSL *tls)
{
    if (calling_hear(partner, tls))
        calling_say(partner, tls, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
}

/* ---- good ones ---- */

static void test_answered(void **state)
{
    (void)state;
    static const struct http_header headers[] = {{"Content-Type", "application/fhir+json"},
                                                 {"X-Request-Id", "r-1\r\nX-Evil: yes"}};
    struct calling *bench = calling_new(script_good);
    bench->request.headers = headers;
    bench->request.headers_count = 2;
    bench->request.body = "{\"resourceType\":\"Bundle\"}";
    bench->request.body_length = strlen(bench->request.body);
    struct calling_note first = calling_exchange(bench);
    struct calling_note second = calling_exchange(bench);
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
    calling_free(bench);
}

static void test_get(void **state)
{
    (void)state;
    struct calling *bench = calling_new(script_good);
    bench->request.body = NULL;
    struct calling_note note = calling_exchange(bench);
    assert_int_equal(note.outcome, TRANSMIT_ANSWERED);
    assert_memory_equal(bench->partner->heard, "GET /fhir/$process-message HTTP/1.1\r\n", 37);
    assert_null(strstr(bench->partner->heard, "Content-Length"));
    calling_free(bench);
}

/* The server may close between two messages: the second goes over a new connection. */
static void test_closed_in_between(void **state)
{
    (void)state;
    struct calling *bench = calling_new(script_once_then_close);
    for (int i = 0; i < 3; i++)
        assert_int_equal(calling_exchange(bench).outcome, TRANSMIT_ANSWERED);
    assert_int_equal(bench->partner->connections, 3);
    calling_free(bench);
}

static void test_new_generation_new_connection(void **state)
{
    (void)state;
    struct calling *bench = calling_new(script_good);
    assert_true(calling_exchange(bench).new_connection);
    assert_false(calling_exchange(bench).new_connection);
    bench->request.generation =
        2; /* the old connection is closed, else this one would wait for ever */
    assert_true(calling_exchange(bench).new_connection);
    assert_false(calling_exchange(bench).new_connection);
    assert_int_equal(bench->partner->connections, 2);
    calling_free(bench);
}

/* ---- nothing is sent ---- */

static void assert_unsent(struct calling *bench, struct calling_note note,
                          enum transmit_outcome outcome, const char *sentence)
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
    struct calling *bench = calling_new(NULL);
    close(calling_socket(&port));
    snprintf(bench->url, sizeof bench->url, "https://127.0.0.1:%u/fhir", port);
    snprintf(expected, sizeof expected, "cannot connect to 127.0.0.1:%u: connection refused", port);
    struct calling_note note = calling_exchange(bench);
    assert_unsent(bench, note, TRANSMIT_CANNOT_CONNECT, expected);
    assert_string_equal(note.sentence, expected);
    calling_free(bench);
}

static void test_silent_server(void **state)
{
    (void)state;
    struct calling *bench = calling_new(script_good);
    bench->partner->is_deaf = true;
    bench->request.limits.connect_ms = 150;
    assert_unsent(bench, calling_exchange(bench), TRANSMIT_CANNOT_CONNECT,
                  "the TLS handshake did not end within 150 ms");
    calling_free(bench);
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
        struct calling *bench = calling_new(NULL);
        snprintf(bench->url, sizeof bench->url, "%s", rows[i].url);
        assert_unsent(bench, calling_exchange(bench), TRANSMIT_CANNOT_CONNECT, rows[i].sentence);
        calling_free(bench);
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
    struct calling *bench = calling_new(script_good);
    transmit_close(bench->transmit, NULL, NULL);
    struct transmit_options options = {.loop = &bench->loop, .may_connect = may_connect_nowhere};
    bench->transmit = transmit_new(&options);
    assert_unsent(bench, calling_exchange(bench), TRANSMIT_CANNOT_CONNECT, "may not be used");
    assert_int_equal(bench->partner->connections, 0);
    calling_free(bench);
}

/* The right name from another CA, and another name from the right CA. */
static void test_impostors(void **state)
{
    (void)state;
    struct calling *bench = calling_new(NULL);
    bench->other = throwaway_new();
    struct throwaway *const cas[] = {bench->other, bench->own};
    static const char *const names[] = {"lakeside", "riverbend"};
    for (int i = 0; i < 2; i++) {
        bench->partner = calling_partner_new(cas[i], names[i], bench->own, script_good);
        snprintf(bench->url, sizeof bench->url, "https://127.0.0.1:%u/", bench->partner->port);
        struct calling_note note = calling_exchange(bench);
        assert_unsent(bench, note, TRANSMIT_TLS_REFUSED, "does not prove to be lakeside");
        assert_int_not_equal(note.verdict, VERDICT_admitted);
        assert_int_not_equal(note.verdict, VERDICT_no_handshake);
        calling_partner_free(bench->partner);
        bench->partner = NULL;
    }
    calling_free(bench);
}

/* With TLS 1.3 we hear of it only after we have begun to send; nobody read that. */
static void test_partner_refuses_us(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
    struct calling *bench = calling_new(NULL);
    bench->other = throwaway_new();
    for (int i = 0; i < 2; i++) {
        bench->partner = calling_partner_new(bench->own, "lakeside", bench->other, script_good);
        SSL_CTX_set_max_proto_version(bench->partner->policy, versions[i]);
        snprintf(bench->url, sizeof bench->url, "https://127.0.0.1:%u/", bench->partner->port);
        assert_unsent(bench, calling_exchange(bench), TRANSMIT_TLS_REFUSED,
                      "refused our certificate");
        calling_partner_free(bench->partner);
        bench->partner = NULL;
    }
    calling_free(bench);
}

static void test_old_tls_is_not_spoken(void **state)
{
    (void)state;
    struct calling *bench = calling_new(script_good);
    SSL_CTX_set_security_level(bench->partner->policy, 0);
    SSL_CTX_set_min_proto_version(bench->partner->policy, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(bench->partner->policy, TLS1_1_VERSION);
    struct calling_note note = calling_exchange(bench);
    assert_true(transmit_unsent(note.outcome));
    assert_int_equal(bench->partner->requests, 0);
    calling_free(bench);
}

/* ---- broken off, and many at once ---- */

static void test_dropped(void **state)
{
    (void)state;
    struct calling *bench = calling_new(calling_answer);
    struct calling_note note = {0};
    transmit_send(bench->transmit, &bench->request, calling_on_done, &note);
    while (bench->partner->requests == 0)
        uv_run(&bench->loop, UV_RUN_NOWAIT);
    transmit_drop(bench->transmit, "harbor");
    assert_false(note.done);
    transmit_drop(bench->transmit, "lakeside");
    assert_true(note.done);
    assert_int_equal(note.outcome, TRANSMIT_STOPPED);
    assert_false(transmit_unsent(note.outcome));
    calling_free(bench);
}

static void on_done_send_again(void *owner, const struct transmit_result *result)
{
    struct calling *bench = owner;
    assert_int_equal(result->outcome, TRANSMIT_STOPPED);
    if (bench->partner->connections < 100) { /* closing answers at once: no endless round */
        bench->partner->connections += 100;
        transmit_send(bench->transmit, &bench->request, on_done_send_again, bench);
    }
}

static void test_closed_with_work_in_hand(void **state)
{
    (void)state;
    struct calling *bench = calling_new(calling_answer);
    transmit_send(bench->transmit, &bench->request, on_done_send_again, bench);
    while (bench->partner->requests == 0)
        uv_run(&bench->loop, UV_RUN_NOWAIT);
    transmit_close(bench->transmit, NULL, NULL);
    bench->transmit = NULL;
    assert_int_equal(bench->partner->connections, 101);
    calling_free(bench);
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
    static struct calling_note notes[MANY];
    unsigned count = 0;
    int socket;
    struct fault fault;
    struct calling *bench = calling_new(NULL);
    struct context *lakeside = throwaway_context(bench->own, "lakeside", "willow");
    assert_true(listen_open(&bench->own->arena, "listen", "127.0.0.1:0", &socket, &fault));
    struct listener_options options = {.loop = &bench->loop,
                                       .socket = socket,
                                       .context = lakeside,
                                       .limits = listener_limits_default(),
                                       .clock = clock_system(),
                                       .on_request = on_request,
                                       .owner = &count};
    struct listener *listener = listener_start(&options, &fault);
    snprintf(bench->url, sizeof bench->url, "https://localhost:%u/", listen_port(socket));
    assert_unsent(bench, calling_exchange(bench), TRANSMIT_TLS_REFUSED,
                  "does not answer to the name localhost");
    snprintf(bench->url, sizeof bench->url, "https://127.0.0.1:%u/", listen_port(socket));
    for (int i = 0; i < MANY; i++)
        transmit_send(bench->transmit, &bench->request, calling_on_done, &notes[i]);
    for (int i = 0; i < MANY; i++) {
        calling_wait(bench, &notes[i]);
        if (notes[i].outcome != TRANSMIT_ANSWERED)
            print_error("%s\n", notes[i].sentence);
        assert_string_equal(notes[i].body, "{}");
    }
    assert_int_equal(count, MANY);
    listener_stop(listener, 0, NULL);
    context_release(lakeside);
    calling_free(bench);
    close(socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answered),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_closed_in_between),
        cmocka_unit_test(test_new_generation_new_connection),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
