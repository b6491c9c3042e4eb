/* talk: one connection of http.c without a socket, for the tests of HTTP: bytes go in by
 * talk_feed(), in pieces, answers are gathered in `out`, and the handler notes each request in
 * `seen`. Ceilings are small, so that the tests can pass them. Header only. */
#ifndef TESTS_LIB_TALK_H
#define TESTS_LIB_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/http.h"

#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define POST "POST /x HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

struct talk {
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

static inline void talk_answer(struct exchange *exchange)
{
    struct answer answer = {.status = 200, .type = "text/plain", .body = "ok", .body_length = 2};
    exchange_answer(exchange, &answer);
}

static inline void talk_on_request(void *owner, struct exchange *exchange)
{
    struct talk *bench = owner;
    size_t used = strlen(bench->seen);
    snprintf(bench->seen + used, sizeof bench->seen - used, "%s %s%s%s [%.40s]\n", exchange->method,
             exchange->path, exchange->query == NULL ? "" : "?",
             exchange->query == NULL ? "" : exchange->query, exchange->body);
    assert_int_equal(strlen(exchange->body), exchange->body_length);
    if (bench->later)
        bench->waiting = exchange;
    else
        talk_answer(exchange);
}

static inline void talk_on_answer(struct http_stream *stream)
{
    assert_int_equal(stream->phase, PHASE_ANSWER);
}

static inline struct talk *talk_new(void)
{
    struct talk *bench = calloc(1, sizeof *bench);
    struct http_peer peer = {.partner = "lakeside", .address = "127.0.0.1:1", .connection = 7};
    bench->server = (struct http_server){
        .limits = {.framing = {.target_bytes_max = 200,
                               .head_bytes_max = 1500,
                               .headers_max = 20,
                               .body_bytes_max = 1000},
                   .bodies_bytes_max = 100000,
                   .spare_exchanges_max = 2},
        .on_request = talk_on_request,
        .owner = bench,
        .on_answer = talk_on_answer,
        .clock = clock_fixed(784111777000),
    };
    bench->peer = http_peer_new(&peer);
    bench->stream = (struct http_stream){.server = &bench->server, .peer = bench->peer};
    return bench;
}

static inline void talk_free(struct talk *bench)
{
    http_drop(&bench->stream);
    assert_int_equal(bench->server.counters.exchanges, 0);
    assert_int_equal(bench->server.counters.bodies_bytes, 0);
    assert_int_equal(bench->peer->holds, 1);
    http_peer_release(bench->peer);
    http_server_free(&bench->server);
    free(bench);
}

static inline void talk_take(struct talk *bench)
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

static inline void talk_feed(struct talk *bench, const char *bytes, size_t length, size_t piece)
{
    size_t at = 0;
    while (at < length && bench->stream.phase <= PHASE_BODY) {
        size_t step = length - at < piece ? length - at : piece;
        size_t used = http_receive(&bench->stream, bytes + at, step);
        assert_true(used <= step);
        at += used;
        talk_take(bench);
    }
}

static inline void talk_feed_text(struct talk *bench, const char *text)
{
    talk_feed(bench, text, strlen(text), 100000);
    bench->out[bench->out_length] = '\0';
}

/* The status codes of all answers, such as `200 400`; `...` at the end when more is awaited. */
static inline const char *talk_statuses(const struct talk *bench, char *text, size_t room)
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

#endif
