/* http: requests out of bytes, answers into bytes, no socket. Each hostile case is fed whole, byte
 * by byte and in sevens: the verdict may not depend on how the network cuts it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http.h"

struct bench {
    struct http_server server;
    struct http_stream stream;
    struct http_peer *peer;
    struct exchange *waiting; /* of a handler that answers later */
    bool later;
    char seen[1024]; /* `METHOD path?query [body]` of each request */
    char out[256 * 1024];
    size_t out_length;
    unsigned go_aheads;
};

static void answer_ok(struct exchange *exchange)
{
    struct answer answer = {.status = 200, .type = "text/plain", .body = "ok", .body_length = 2};
    exchange_answer(exchange, &answer);
}

static void on_request(void *owner, struct exchange *exchange)
{
    struct bench *bench = owner;
    size_t used = strlen(bench->seen);
    snprintf(bench->seen + used, sizeof bench->seen - used, "%s %s%s%s [%.40s]\n", exchange->method,
             exchange->path, exchange->query == NULL ? "" : "?",
             exchange->query == NULL ? "" : exchange->query, exchange->body);
    assert_int_equal(strlen(exchange->body), exchange->body_length);
    if (bench->later)
        bench->waiting = exchange;
    else
        answer_ok(exchange);
}

static void on_answer(struct http_stream *stream)
{
    assert_int_equal(stream->phase, PHASE_ANSWER);
}

static struct bench *bench_new(void)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct http_peer peer = {.partner = "lakeside", .address = "127.0.0.1:1", .connection = 7};
    bench->server = (struct http_server){
        .limits = {.framing = {.target_bytes_max = 200,
                               .head_bytes_max = 1500,
                               .headers_max = 20,
                               .body_bytes_max = 1000},
                   .bodies_bytes_max = 100000,
                   .spare_exchanges_max = 2},
        .on_request = on_request,
        .owner = bench,
        .on_answer = on_answer,
        .clock = clock_fixed(784111777000),
    };
    bench->peer = http_peer_new(&peer);
    bench->stream = (struct http_stream){.server = &bench->server, .peer = bench->peer};
    return bench;
}

static void bench_free(struct bench *bench)
{
    http_drop(&bench->stream);
    assert_int_equal(bench->server.counters.exchanges, 0);
    assert_int_equal(bench->server.counters.bodies_bytes, 0);
    assert_int_equal(bench->peer->holds, 1);
    http_peer_release(bench->peer);
    http_server_free(&bench->server);
    free(bench);
}

static void take_output(struct bench *bench)
{
    const char *bytes;
    size_t length;
    if (bench->stream.go_ahead)
        bench->go_aheads++;
    bench->stream.go_ahead = false;
    while (bench->stream.phase == PHASE_ANSWER) {
        if (http_output(&bench->stream, &bytes, &length)) {
            length = length > 100 ? 100 : length; /* a slow reader */
            assert_true(bench->out_length + length < sizeof bench->out);
            memcpy(bench->out + bench->out_length, bytes, length);
            bench->out_length += length;
        }
        http_sent(&bench->stream, length);
    }
}

static void feed(struct bench *bench, const char *bytes, size_t length, size_t piece)
{
    size_t at = 0;
    while (at < length && bench->stream.phase <= PHASE_BODY) {
        size_t step = length - at < piece ? length - at : piece;
        size_t used = http_receive(&bench->stream, bytes + at, step);
        assert_true(used <= step);
        at += used;
        take_output(bench);
    }
}

/* The status codes of all answers, such as `200 400`; `...` at the end when more is awaited. */
static const char *statuses(const struct bench *bench, char *text, size_t room)
{
    size_t used = 0;
    const char *at = bench->out;
    text[0] = '\0';
    while ((at = memmem(at, bench->out_length - (size_t)(at - bench->out), "HTTP/1.1 ", 9)) !=
           NULL) {
        used += (size_t)snprintf(text + used, room - used, "%s%.3s", used > 0 ? " " : "", at + 9);
        at += 9;
    }
    if (bench->stream.phase == PHASE_HEAD || bench->stream.phase == PHASE_BODY)
        snprintf(text + used, room - used, "%s...", used > 0 ? " " : "");
    else if (bench->stream.phase == PHASE_END)
        snprintf(text + used, room - used, " end");
    return text;
}

#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define POST "POST /x HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define CASE(name, bytes, expected)                                                                \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, expected                                                   \
    }
#define BIG                                                                                        \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaa"                                                                                       \
    "aa"
#define TEN_HEADERS                                                                                \
    "A: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n"

static const struct framing_case {
    const char *name;
    const char *bytes;
    size_t length;
    const char *expected;
} cases[] = {
    /* what must be taken */
    CASE("plain get", GET HOST "\r\n", "200"),
    CASE("post with length", POST "Content-Length: 3\r\n\r\nabc", "200"),
    CASE("post without body", POST "Content-Length: 0\r\n\r\n", "200"),
    CASE("post without length", POST "\r\n", "200"),
    CASE("chunked", CHUNKED "3\r\nabc\r\n0\r\n\r\n", "200"),
    CASE("two chunks", CHUNKED "3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n", "200"),
    CASE("chunk extension", CHUNKED "3;name=value\r\nabc\r\n0;x\r\n\r\n", "200"),
    CASE("trailer", CHUNKED "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", "200"),
    CASE("trailer behind an empty body", CHUNKED "0\r\nX-Sum: 1\r\n\r\n", "200"),
    CASE("empty line before", "\r\n" GET HOST "\r\n", "200"),
    CASE("two in one go", GET HOST "\r\n" GET HOST "\r\n", "200 200"),
    CASE("post then get", POST "Content-Length: 3\r\n\r\nabc" GET HOST "\r\n", "200 200"),
    CASE("chunked then get", CHUNKED "1\r\na\r\n0\r\n\r\n" GET HOST "\r\n", "200 200"),
    CASE("host with port", GET "Host: a.example:8443\r\n\r\n", "200"),
    CASE("host with address", GET "Host: [::1]:8443\r\n\r\n", "200"),
    CASE("empty header", GET HOST "X:\r\n\r\n", "200"),
    CASE("header in latin 1", GET HOST "X: caf\xe9\r\n\r\n", "200"),
    CASE("tab around value", GET HOST "X:\t y\t \r\n\r\n", "200"),
    CASE("absolute target", "GET http://a/b?c HTTP/1.1\r\n" HOST "\r\n", "200"),
    CASE("asterisk", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "200"),
    CASE("upgrade is passed over",
         GET HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" GET HOST "\r\n", "200 200"),
    CASE("http 1.0", "GET / HTTP/1.0\r\n\r\n", "200 end"),
    CASE("http 1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 end"),
    CASE("close", GET HOST "Connection: close\r\n\r\n" GET HOST "\r\n", "200 end"),
    CASE("close in a list", GET HOST "Connection: x, Close\r\n\r\n", "200 end"),
    CASE("expect", POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na", "200"),
    CASE("search with bars", "GET /x?identifier=urn:a|b HTTP/1.1\r\n" HOST "\r\n", "200"),
    /* not complete yet */
    CASE("half a line", "GET / HT", "..."),
    CASE("half a head", GET "Ho", "..."),
    CASE("half a body", POST "Content-Length: 3\r\n\r\nab", "..."),
    CASE("half a chunk", CHUNKED "5\r\nab", "..."),
    CASE("no last line", CHUNKED "1\r\na\r\n0\r\n", "..."),
    /* line ends */
    CASE("bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", "400 end"),
    CASE("bare LF after request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400 end"),
    CASE("bare LF after header", GET "Host: a\n\r\n", "400 end"),
    CASE("bare LF at the end", GET HOST "\n", "400 end"),
    CASE("bare CR after request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", "400 end"),
    CASE("bare CR in header", GET "Host: a\rX: y\r\n\r\n", "400 end"),
    CASE("bare CR only", "GET / HTTP/1.1\rHost: a\r\r", "400 end"),
    CASE("CR CR LF", GET HOST "\r\r\n", "400 end"),
    CASE("CR in value", GET HOST "X: a\rb\r\n\r\n", "400 end"),
    CASE("LF in value", GET HOST "X: a\nContent-Length: 3\r\n\r\nabc", "400 end"),
    CASE("two empty lines before", "\r\n\r\n" GET HOST "\r\n", "400 end"),
    CASE("empty LF line before", "\n" GET HOST "\r\n", "400 end"),
    /* request line */
    CASE("http 0.9", "GET /\r\n", "400 end"),
    CASE("no target", "GET HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("two spaces behind", "GET /  HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("tab for space", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("space before", " GET / HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("space at the end", "GET / HTTP/1.1 \r\n" HOST "\r\n", "400 end"),
    CASE("space in target", "GET /a b HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("unknown method", "FETCH / HTTP/1.1\r\n" HOST "\r\n", "501 end"),
    CASE("lower-case method", "get / HTTP/1.1\r\n" HOST "\r\n", "501 end"),
    CASE("method of another kind", "MKCOL / HTTP/1.1\r\n" HOST "\r\n", "501 end"),
    CASE("connect", "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", "501 end"),
    CASE("trace", "TRACE / HTTP/1.1\r\n" HOST "\r\n", "501 end"),
    CASE("method with a brace", "GE{ / HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("http 2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", "505 end"),
    CASE("http 1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", "505 end"),
    CASE("preface of http 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 end"),
    CASE("http 1.10", "GET / HTTP/1.10\r\n" HOST "\r\n", "400 end"),
    CASE("lower-case version", "GET / http/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("another protocol", "GET / ICE/1.0\r\n" HOST "\r\n", "400 end"),
    CASE("no slash", "GET x HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("fragment", "GET /#a HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("asterisk for get", "GET * HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("bad escape", "GET /%zz HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("cut escape", "GET /%2 HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("escaped NUL", "GET /%00 HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("escaped line end", "GET /%0d%0a HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("escaped bad UTF-8", "GET /%ff HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("raw 8-bit target", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("backslash", "GET /a\\b HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("NUL in target", "GET /\0 HTTP/1.1\r\n" HOST "\r\n", "400 end"),
    CASE("long target", "GET /" BIG BIG BIG " HTTP/1.1\r\n" HOST "\r\n", "414 end"),
    CASE("endless request line", "GET /" BIG BIG BIG BIG, "414 end"),
    CASE("a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400 end"),
    CASE("ssh", "SSH-2.0-nonsense\r\n\r\n", "400 end"),
    /* headers */
    CASE("no host", GET "\r\n", "400 end"),
    CASE("two hosts", GET HOST HOST "\r\n", "400 end"),
    CASE("empty host", GET "Host:\r\n\r\n", "400 end"),
    CASE("host with a path", GET "Host: a/b\r\n\r\n", "400 end"),
    CASE("host with a user", GET "Host: a@b\r\n\r\n", "400 end"),
    CASE("host with a space", GET "Host: a b\r\n\r\n", "400 end"),
    CASE("two hosts in one", GET "Host: a,b\r\n\r\n", "400 end"),
    CASE("huge port", GET "Host: a:99999999\r\n\r\n", "400 end"),
    CASE("port in letters", GET "Host: a:http\r\n\r\n", "400 end"),
    CASE("open bracket", GET "Host: [::1\r\n\r\n", "400 end"),
    CASE("folded", GET HOST "X: a\r\n b\r\n\r\n", "400 end"),
    CASE("folded by tab", GET HOST "X: a\r\n\tb\r\n\r\n", "400 end"),
    CASE("folded first", GET " " HOST "\r\n", "400 end"),
    CASE("no colon", GET HOST "nonsense\r\n\r\n", "400 end"),
    CASE("space before colon", GET "Host : a\r\n\r\n", "400 end"),
    CASE("tab before colon", GET HOST "Content-Length\t: 3\r\n\r\nabc", "400 end"),
    CASE("no name", GET HOST ": a\r\n\r\n", "400 end"),
    CASE("name with bracket", GET HOST "X[]: a\r\n\r\n", "400 end"),
    CASE("name in latin 1", GET HOST "X\xe9: a\r\n\r\n", "400 end"),
    CASE("NUL in name", GET HOST "X\0Y: a\r\n\r\n", "400 end"),
    CASE("NUL in value", GET HOST "X: a\0b\r\n\r\n", "400 end"),
    CASE("escape in value", GET HOST "X: a\x1b[2J\r\n\r\n", "400 end"),
    CASE("vertical tab", GET HOST "X: a\vb\r\n\r\n", "400 end"),
    CASE("DEL in value", GET HOST "X: a\x7f\r\n\r\n", "400 end"),
    CASE("too many headers", GET HOST TEN_HEADERS TEN_HEADERS "\r\n", "431 end"),
    CASE("too long a head",
         GET HOST "X: " BIG BIG BIG BIG BIG BIG BIG BIG "\r\nY: " BIG BIG BIG BIG BIG BIG BIG
                  "\r\n\r\n",
         "431 end"),
    CASE("expect something else", POST "Expect: 200-ok\r\n\r\n", "417 end"),
    CASE("two types", POST "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", "400 end"),
    /* lengths */
    CASE("two lengths", POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400 end"),
    CASE("two equal lengths", POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400 end"),
    CASE("list of lengths", POST "Content-Length: 3, 3\r\n\r\nabc", "400 end"),
    CASE("no length", POST "Content-Length:\r\n\r\n", "400 end"),
    CASE("plus", POST "Content-Length: +3\r\n\r\nabc", "400 end"),
    CASE("minus", POST "Content-Length: -3\r\n\r\nabc", "400 end"),
    CASE("hexadecimal", POST "Content-Length: 0x3\r\n\r\nabc", "400 end"),
    CASE("leading zero", POST "Content-Length: 03\r\n\r\nabc", "400 end"),
    CASE("decimal point", POST "Content-Length: 3.0\r\n\r\nabc", "400 end"),
    CASE("space inside", POST "Content-Length: 1 0\r\n\r\nabc", "400 end"),
    CASE("length in words", POST "Content-Length: three\r\n\r\nabc", "400 end"),
    CASE("overflow", POST "Content-Length: 18446744073709551619\r\n\r\nabc", "413 end"),
    CASE("too large", POST "Content-Length: 1001\r\n\r\n", "413 end"),
    /* both ways of framing, and odd codings */
    CASE("CL.TE", POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 end"),
    CASE("TE.CL", POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
         "400 end"),
    CASE("TE.TE", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 end"),
    CASE("TE.TE of two kinds",
         POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
         "400 end"),
    CASE("identity", POST "Transfer-Encoding: identity\r\n\r\n", "400 end"),
    CASE("chunked twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("chunked not last", POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("gzip", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501 end"),
    CASE("xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("quoted", POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("with parameter", POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("vertical tab before", POST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("space before the colon", POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400 end"),
    CASE("empty coding", POST "Transfer-Encoding:\r\n\r\n", "400 end"),
    CASE("chunked in http 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 end"),
    /* chunks */
    CASE("size with 0x", CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("size with plus", CHUNKED "+3\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("size with minus", CHUNKED "-3\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("size with space", CHUNKED "3 \r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("space before size", CHUNKED " 3\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("no size", CHUNKED "\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("size in letters", CHUNKED "g\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("huge size", CHUNKED "FFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("overflowing size", CHUNKED "10000000000000003\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("too large a chunk", CHUNKED "3E9\r\n", "413 end"),
    CASE("too large in sum", CHUNKED "1\r\na\r\n3E8\r\n", "413 end"),
    CASE("LF after size", CHUNKED "3\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("CR alone after size", CHUNKED "3\rabc\r\n0\r\n\r\n", "400 end"),
    CASE("LF after data", CHUNKED "3\r\nabc\n0\r\n\r\n", "400 end"),
    CASE("no line end after data", CHUNKED "3\r\nabc0\r\n\r\n", "400 end"),
    CASE("data longer than size", CHUNKED "3\r\nabcd\r\n0\r\n\r\n", "400 end"),
    CASE("LF at the very end", CHUNKED "3\r\nabc\r\n0\r\n\n", "400 end"),
    CASE("LF in extension", CHUNKED "3;a\nb\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("NUL in extension", CHUNKED "3;a\0b\r\nabc\r\n0\r\n\r\n", "400 end"),
    CASE("endless extension", CHUNKED "3;" BIG BIG BIG, "400 end"),
    CASE("length in trailer", CHUNKED "1\r\na\r\n0\r\nContent-Length: 9\r\n\r\n", "400 end"),
    CASE("coding in trailer", CHUNKED "1\r\na\r\n0\r\nTransfer-Encoding: x\r\n\r\n", "400 end"),
    CASE("malformed trailer", CHUNKED "1\r\na\r\n0\r\nnonsense\r\n\r\n", "400 end"),
    CASE("trailer without name", CHUNKED "1\r\na\r\n0\r\n: x\r\n\r\n", "400 end"),
    CASE("folded trailer", CHUNKED "1\r\na\r\n0\r\nX: a\r\n b\r\n\r\n", "400 end"),
    CASE("bare LF in trailer", CHUNKED "1\r\na\r\n0\r\nX: a\n\r\n", "400 end"),
    /* smuggling behind a good request */
    CASE("garbage behind", GET HOST "\r\nnonsense\r\n\r\n", "200 400 end"),
    CASE("body behind a get", GET HOST "\r\nabc\r\n\r\n", "200 400 end"),
    CASE("one byte too much", POST "Content-Length: 3\r\n\r\nabcX" GET HOST "\r\n", "200 501 end"),
};

static void test_framing(void **state)
{
    static const size_t pieces[] = {100000, 1, 7};
    unsigned wrong = 0;
    (void)state;
    assert_true(sizeof cases / sizeof cases[0] >= 140);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
            char got[64];
            struct bench *bench = bench_new();
            feed(bench, cases[i].bytes, cases[i].length, pieces[p]);
            if (strcmp(statuses(bench, got, sizeof got), cases[i].expected) != 0) {
                printf("%s, in pieces of %zu: expected %s, got %s\n", cases[i].name, pieces[p],
                       cases[i].expected, got);
                wrong++;
            }
            bench_free(bench);
        }
    }
    assert_int_equal(wrong, 0);
}

static void feed_text(struct bench *bench, const char *text)
{
    feed(bench, text, strlen(text), 100000);
    bench->out[bench->out_length] = '\0';
}

static void test_what_a_handler_sees(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    feed_text(bench, "POST /fhir/%24process-message?async=true&x=%20 HTTP/1.1\r\n" HOST
                     "Content-Length: 5\r\n\r\nhello");
    feed_text(bench, "GET /a%2Fb/%C3%A9 HTTP/1.1\r\n" HOST "\r\n");
    feed_text(bench, "GET https://gw.example:8443?x HTTP/1.1\r\n" HOST "\r\n");
    feed_text(bench, CHUNKED "2\r\nab\r\n3;x\r\ncde\r\n0\r\nT: u\r\n\r\n");
    assert_string_equal(bench->seen, "POST /fhir/$process-message?async=true&x=%20 [hello]\n"
                                     "GET /a%2Fb/\xc3\xa9 []\n"
                                     "GET /?x []\n"
                                     "POST /x [abcde]\n");
    assert_int_equal(bench->server.counters.requests, 4);
    bench_free(bench);
}

static void test_headers(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->later = true;
    feed_text(bench, GET HOST "X-One:  first \r\nx-one: second\r\nEmpty:\r\n\r\n");
    struct exchange *exchange = bench->waiting;
    assert_non_null(exchange);
    assert_int_equal(exchange->headers_count, 4);
    assert_string_equal(exchange_header(exchange, "x-ONE"), "first");
    assert_string_equal(exchange_header(exchange, "empty"), "");
    assert_null(exchange_header(exchange, "x-two"));
    assert_string_equal(exchange->peer->partner, "lakeside");
    assert_int_equal(exchange->peer->connection, 7);
    answer_ok(exchange);
    take_output(bench);
    bench_free(bench);
}

static void test_answer_head(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    feed_text(bench, GET HOST "X-Request-Id: r-1\r\nX-Correlation-Id: c-1\r\n\r\n");
    assert_string_equal(bench->out, "HTTP/1.1 200 OK\r\n"
                                    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                    "Content-Type: text/plain\r\n"
                                    "Content-Length: 2\r\n"
                                    "X-Request-Id: r-1\r\n"
                                    "X-Correlation-Id: c-1\r\n\r\nok");
    bench->out_length = 0;
    feed_text(bench, "HEAD / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_non_null(strstr(bench->out, "Content-Length: 2\r\nConnection: close\r\n\r\n"));
    assert_null(strstr(bench->out, "ok"));
    bench_free(bench);
}

static void test_answers_cannot_be_split(void **state)
{
    (void)state;
    static const struct http_header extra[] = {{"Location", "Task/1\r\nSet-Cookie: a\x01"}};
    struct answer answer = {.status = 201, .headers = extra, .headers_count = 1};
    struct bench *bench = bench_new();
    bench->later = true;
    feed_text(bench, GET HOST "\r\n");
    exchange_answer(bench->waiting, &answer);
    take_output(bench);
    bench->out[bench->out_length] = '\0';
    assert_non_null(strstr(bench->out, "Location: Task/1??Set-Cookie: a?\r\n"));
    assert_non_null(strstr(bench->out, "Content-Length: 0\r\n"));
    bench_free(bench);
}

static void test_refusal_is_an_outcome(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    feed_text(bench, POST "Content-Length: 2000\r\n\r\n");
    assert_non_null(strstr(bench->out, "Content-Type: application/fhir+json; charset=utf-8\r\n"));
    assert_non_null(
        strstr(bench->out, "Connection: close\r\n\r\n{\"resourceType\":\"OperationOutcome\""));
    assert_non_null(strstr(bench->out, "\"code\":\"too-long\""));
    assert_string_equal(bench->seen, "");
    assert_true(bench->stream.refused);
    bench_free(bench);
}

static void test_large_answer(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->later = true;
    feed_text(bench, GET HOST "\r\n");
    size_t length = 100000;
    char *body = arena_alloc(&bench->waiting->arena, length);
    memset(body, 'b', length);
    struct answer answer = {.status = 200, .body = body, .body_length = length};
    exchange_answer(bench->waiting, &answer);
    take_output(bench);
    bench->out[bench->out_length] = '\0';
    const char *end = strstr(bench->out, "\r\n\r\n");
    assert_non_null(end);
    assert_int_equal(bench->out_length - (size_t)(end + 4 - bench->out), length);
    assert_int_equal(bench->stream.phase, PHASE_IDLE);
    bench_free(bench);
}

static void test_client_goes_before_the_answer(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->later = true;
    feed_text(bench, POST "Content-Length: 2\r\n\r\nhi");
    assert_true(exchange_is_connected(bench->waiting));
    http_drop(&bench->stream);
    assert_false(exchange_is_connected(bench->waiting));
    assert_string_equal(bench->waiting->body, "hi");
    assert_string_equal(bench->waiting->peer->partner, "lakeside");
    answer_ok(bench->waiting);
    assert_int_equal(bench->server.counters.orphaned, 1);
    bench_free(bench);
}

static void test_client_goes_during_the_body(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    feed_text(bench, POST "Content-Length: 20\r\n\r\nhi");
    assert_int_equal(bench->server.counters.exchanges, 1);
    http_drop(&bench->stream);
    assert_int_equal(bench->server.counters.exchanges, 0);
    bench_free(bench);
}

static void test_go_ahead(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    feed_text(bench, POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_int_equal(bench->go_aheads, 1);
    feed_text(bench, "a");
    feed_text(bench, POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nb"); /* did not wait */
    feed_text(bench, POST "Expect: 100-continue\r\nContent-Length: 2000\r\n\r\n"); /* 413 at once */
    assert_int_equal(bench->go_aheads, 1);
    assert_string_equal(bench->seen, "POST /x [a]\nPOST /x [b]\n");
    bench_free(bench);
}

static void test_requests_max(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->server.limits.requests_max = 2;
    feed_text(bench, GET HOST "\r\n" GET HOST "\r\n" GET HOST "\r\n");
    char got[64];
    assert_string_equal(statuses(bench, got, sizeof got), "200 200 end");
    bench_free(bench);
}

static void test_bodies_together(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->server.limits.bodies_bytes_max = 100;
    feed_text(bench, POST "Content-Length: 50\r\n\r\nhi");
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
    bench_free(bench);
}

/* What a busy time leaves is given back when it was not needed for a while. */
static void test_spare_memory(void **state)
{
    (void)state;
    static const char part[] = "GET /a HTTP/1.1\r\n";
    struct bench *bench = bench_new();
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
    bench_free(bench);
}

static void test_draining(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->server.draining = true;
    feed_text(bench, GET HOST "\r\n");
    assert_non_null(strstr(bench->out, "Connection: close"));
    assert_int_equal(bench->stream.phase, PHASE_END);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framing),
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
