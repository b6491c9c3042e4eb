/* http under libFuzzer: any bytes, cut at any places, must lead to the same answers as in one
 * piece, and never to a crash, a leak or a request that llhttp and framing.c read differently. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/http.h"

struct trace {
    char text[4096]; /* what handlers saw, and refusals */
    size_t length;
};

static void note(struct trace *trace, const char *text, size_t length)
{
    size_t room = sizeof trace->text - trace->length;
    length = length < room ? length : room;
    memcpy(trace->text + trace->length, text, length);
    trace->length += length;
}

static void on_request(void *owner, struct exchange *exchange)
{
    struct answer answer = {.status = 204};
    note(owner, exchange->method, strlen(exchange->method));
    note(owner, exchange->path, strlen(exchange->path));
    note(owner, exchange->body, exchange->body_length);
    exchange_answer(exchange, &answer);
}

static void on_answer(struct http_stream *stream)
{
    (void)stream;
    abort(); /* every answer here is given inside http_receive() */
}

static void take_output(struct http_stream *stream, struct trace *trace)
{
    const char *bytes;
    size_t length;
    stream->go_ahead = false;
    while (stream->phase == PHASE_ANSWER) {
        http_output(stream, &bytes, &length); /* whole: answers here are small */
        /* Which of two faults is named first may differ, not that the request is refused. */
        note(trace, "refused", bytes[9] == '2' ? 0 : 7);
        http_sent(stream, length);
    }
}

static void run(const char *bytes, size_t length, size_t piece, struct trace *ret_trace)
{
    struct http_peer from = {.address = "-"};
    struct http_peer *peer = http_peer_new(&from);
    struct http_server server = {.limits = {.framing = {200, 2000, 20, 1000},
                                            .bodies_bytes_max = 1 << 20,
                                            .spare_exchanges_max = 1},
                                 .on_request = on_request,
                                 .owner = ret_trace,
                                 .on_answer = on_answer,
                                 .clock = clock_fixed(0)};
    struct http_stream stream = {.server = &server, .peer = peer};
    ret_trace->length = 0;
    for (size_t at = 0; at < length && stream.phase <= PHASE_BODY;) {
        size_t step = length - at < piece ? length - at : piece;
        at += http_receive(&stream, bytes + at, step);
        take_output(&stream, ret_trace);
    }
    http_drop(&stream);
    if (server.counters.exchanges != 0 || server.counters.bodies_bytes != 0 || peer->holds != 1)
        abort();
    http_peer_release(peer);
    http_server_free(&server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace whole, cut;
    if (size < 1)
        return 0;
    size_t piece = (size_t)data[0] % 32 + 1;
    run((const char *)data + 1, size - 1, size, &whole);
    run((const char *)data + 1, size - 1, piece, &cut);
    if (whole.length != cut.length || memcmp(whole.text, cut.text, whole.length) != 0)
        abort();
    return 0;
}
