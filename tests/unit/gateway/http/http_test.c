/* http: what a handler sees of a request, what is made of its answer, and how requests that wait,
 * end early or are too many are treated, without a socket. Which bytes are a request at all:
 * framing_test.c. */
#include "lib/talk.h"

static void test_what_a_handler_sees(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    talk_feed_text(bench, "POST /fhir/%24process-message?async=true&x=%20 HTTP/1.1\r\n" HOST
                          "Content-Length: 5\r\n\r\nhello");
    talk_feed_text(bench, "GET /a%2Fb/%C3%A9 HTTP/1.1\r\n" HOST "\r\n");
    talk_feed_text(bench, "GET https://gw.example:8443?x HTTP/1.1\r\n" HOST "\r\n");
    talk_feed_text(bench, CHUNKED "2\r\nab\r\n3;x\r\ncde\r\n0\r\nT: u\r\n\r\n");
    assert_string_equal(bench->seen, "POST /fhir/$process-message?async=true&x=%20 [hello]\n"
                                     "GET /a%2Fb/\xc3\xa9 []\n"
                                     "GET /?x []\n"
                                     "POST /x [abcde]\n");
    assert_int_equal(bench->server.counters.requests, 4);
    talk_free(bench);
}

static void test_headers(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    bench->later = true;
    talk_feed_text(bench, GET HOST "X-One:  first \r\nx-one: second\r\nEmpty:\r\n\r\n");
    struct exchange *exchange = bench->waiting;
    assert_non_null(exchange);
    assert_int_equal(exchange->headers_count, 4);
    assert_string_equal(exchange_header(exchange, "x-ONE"), "first");
    assert_string_equal(exchange_header(exchange, "empty"), "");
    assert_null(exchange_header(exchange, "x-two"));
    assert_string_equal(exchange->peer->partner, "lakeside");
    assert_int_equal(exchange->peer->connection, 7);
    talk_answer(exchange);
    talk_take(bench);
    talk_free(bench);
}

static void test_answer_head(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    talk_feed_text(bench, GET HOST "X-Request-Id: r-1\r\nX-Correlation-Id: c-1\r\n\r\n");
    assert_string_equal(bench->out, "HTTP/1.1 200 OK\r\n"
                                    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                    "Content-Type: text/plain\r\n"
                                    "Content-Length: 2\r\n"
                                    "X-Request-Id: r-1\r\n"
                                    "X-Correlation-Id: c-1\r\n\r\nok");
    bench->out_length = 0;
    talk_feed_text(bench, "HEAD / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_non_null(strstr(bench->out, "Content-Length: 2\r\nConnection: close\r\n\r\n"));
    assert_null(strstr(bench->out, "ok"));
    talk_free(bench);
}

static void test_answers_cannot_be_split(void **state)
{
    (void)state;
    static const struct http_header extra[] = {{"Location", "Task/1\r\nSet-Cookie: a\x01"}};
    struct answer answer = {.status = 201, .headers = extra, .headers_count = 1};
    struct talk *bench = talk_new();
    bench->later = true;
    talk_feed_text(bench, GET HOST "\r\n");
    exchange_answer(bench->waiting, &answer);
    talk_take(bench);
    bench->out[bench->out_length] = '\0';
    assert_non_null(strstr(bench->out, "Location: Task/1??Set-Cookie: a?\r\n"));
    assert_non_null(strstr(bench->out, "Content-Length: 0\r\n"));
    talk_free(bench);
}

static void test_refusal_is_an_outcome(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    talk_feed_text(bench, POST "Content-Length: 2000\r\n\r\n");
    assert_non_null(strstr(bench->out, "Content-Type: application/fhir+json; charset=utf-8\r\n"));
    assert_non_null(
        strstr(bench->out, "Connection: close\r\n\r\n{\"resourceType\":\"OperationOutcome\""));
    assert_non_null(strstr(bench->out, "\"code\":\"too-long\""));
    assert_string_equal(bench->seen, "");
    assert_true(bench->stream.refused);
    talk_free(bench);
}

static void test_large_answer(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    bench->later = true;
    talk_feed_text(bench, GET HOST "\r\n");
    size_t length = 100000;
    char *body = arena_alloc(&bench->waiting->arena, length);
    memset(body, 'b', length);
    struct answer answer = {.status = 200, .body = body, .body_length = length};
    exchange_answer(bench->waiting, &answer);
    talk_take(bench);
    bench->out[bench->out_length] = '\0';
    const char *end = strstr(bench->out, "\r\n\r\n");
    assert_non_null(end);
    assert_int_equal(bench->out_length - (size_t)(end + 4 - bench->out), length);
    assert_int_equal(bench->stream.phase, PHASE_IDLE);
    talk_free(bench);
}

static void test_client_goes_before_the_answer(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    bench->later = true;
    talk_feed_text(bench, POST "Content-Length: 2\r\n\r\nhi");
    http_drop(&bench->stream);
    assert_string_equal(bench->waiting->body, "hi");
    assert_string_equal(bench->waiting->peer->partner, "lakeside");
    talk_answer(bench->waiting);
    assert_int_equal(bench->server.counters.orphaned, 1);
    talk_free(bench);
}

static void test_client_goes_during_the_body(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    talk_feed_text(bench, POST "Content-Length: 20\r\n\r\nhi");
    assert_int_equal(bench->server.counters.exchanges, 1);
    http_drop(&bench->stream);
    assert_int_equal(bench->server.counters.exchanges, 0);
    talk_free(bench);
}

static void test_go_ahead(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    talk_feed_text(bench, POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_int_equal(bench->go_aheads, 1);
    talk_feed_text(bench, "a");
    talk_feed_text(bench,
                   POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nb"); /* did not wait */
    talk_feed_text(bench,
                   POST "Expect: 100-continue\r\nContent-Length: 2000\r\n\r\n"); /* 413 at once */
    assert_int_equal(bench->go_aheads, 1);
    assert_string_equal(bench->seen, "POST /x [a]\nPOST /x [b]\n");
    talk_free(bench);
}

static void test_requests_max(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    bench->server.limits.requests_max = 2;
    talk_feed_text(bench, GET HOST "\r\n" GET HOST "\r\n" GET HOST "\r\n");
    char got[64];
    assert_string_equal(talk_statuses(bench, got, sizeof got), "200 200 end");
    talk_free(bench);
}

static void test_bodies_together(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    bench->server.limits.bodies_bytes_max = 100;
    talk_feed_text(bench, POST "Content-Length: 50\r\n\r\nhi");
    struct http_stream other = {.server = &bench->server, .peer = bench->peer};
    const char *bytes = POST "Content-Length: 60\r\n\r\nhi";
    http_receive(&other, bytes, strlen(bytes));
    assert_int_equal(other.phase, PHASE_ANSWER);
    const char *out;
    size_t length;
    assert_true(http_output(&other, &out, &length));
    assert_memory_equal(out, "HTTP/1.1 503 ", 13);
    assert_non_null(memmem(out, length, "Retry-After: 1\r\n", 16));
    http_drop(&other);
    talk_free(bench);
}

/* What a busy time leaves is given back when it was not needed for a while. */
static void test_spare_memory(void **state)
{
    (void)state;
    static const char part[] = "GET /a HTTP/1.1\r\n";
    struct talk *bench = talk_new();
    struct http_stream others[4];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            others[i] = (struct http_stream){.server = &bench->server, .peer = bench->peer};
            http_receive(&others[i], part, sizeof part - 1);
        }
        assert_int_equal(bench->server.counters.exchanges, 4);
        for (int i = 0; i < 4; i++)
            http_drop(&others[i]);
        assert_int_equal(bench->server.spare_count, 2);
        http_server_trim(&bench->server); /* they were just used */
        assert_int_equal(bench->server.spare_count, 2);
    }
    struct http_stream one = {.server = &bench->server, .peer = bench->peer};
    http_receive(&one, part, sizeof part - 1);
    http_drop(&one);
    http_server_trim(&bench->server);
    assert_int_equal(bench->server.spare_count, 1);
    http_server_trim(&bench->server);
    assert_int_equal(bench->server.spare_count, 0);
    assert_null(bench->server.spare);
    talk_free(bench);
}

static void test_draining(void **state)
{
    (void)state;
    struct talk *bench = talk_new();
    bench->server.draining = true;
    talk_feed_text(bench, GET HOST "\r\n");
    assert_non_null(strstr(bench->out, "Connection: close"));
    assert_int_equal(bench->stream.phase, PHASE_END);
    talk_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_handler_sees),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_answer_head),
        cmocka_unit_test(test_answers_cannot_be_split),
        cmocka_unit_test(test_refusal_is_an_outcome),
        cmocka_unit_test(test_large_answer),
        cmocka_unit_test(test_client_goes_before_the_answer),
        cmocka_unit_test(test_client_goes_during_the_body),
        cmocka_unit_test(test_go_ahead),
        cmocka_unit_test(test_requests_max),
        cmocka_unit_test(test_bodies_together),
        cmocka_unit_test(test_spare_memory),
        cmocka_unit_test(test_draining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
