/* http: see http.h. A request goes HEAD -> BODY -> HANDLER -> ANSWER; its memory is a struct
 * request from the server's spare ones, given back when the last byte of the answer is out. */
#include "gateway/http/http.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#include "base/text.h"
#include "gateway/http/answer.h"
#include "gateway/http/target.h"

enum {
    BODY_ROOM_FIRST = 64 * 1024,
    BODY_ROOM_UNKNOWN = 8 * 1024,
    MIRRORED_MAX = 128,
    STRANGER_BODY_MAX = 16 * 1024, /* of who will be answered 403 */
    HEAD_HOLD = 16 * 1024,  /* memory of a request whose head is not here yet, but for the head */
    ANSWER_FREE = 16 * 1024 /* an answer of that size needs no memory beyond the request's */
};

const char http_go_ahead[] = "HTTP/1.1 100 Continue\r\n\r\n";

struct request {
    struct exchange exchange; /* first: a handler's exchange is its request */
    struct http_server *server;
    struct http_stream *stream; /* NULL: the connection is gone */
    struct request *next;       /* among the spare ones */
    struct http_peer *peer;     /* held while the handler has the exchange */
    llhttp_t parser;
    struct framing_head head;
    struct framing_chunks chunks;
    char *head_bytes;
    size_t head_length, head_room;
    struct http_header *headers;
    size_t *value_lengths; /* by header */
    size_t headers_count;
    const char *target;
    size_t target_length;
    bool head_read; /* llhttp saw the end of the head: what comes as a header now is a trailer */
    bool complete;  /* ... of the message */
    bool answered;
    char *body;
    size_t body_length, body_room;
    char *large; /* the body, when it outgrew the arena; on the heap, so that growing leaves nothing
                  */
    struct quota *quota; /* of the partner, or NULL */
    size_t held;         /* bytes of memory counted for it */
    int short_of;        /* 0, or the status for a request that there is no memory for */
    const char *out, *rest;
    size_t out_length, rest_length;
    uint64_t handed_over_ns; /* 0: not yet */
};

/* ---- memory ---- */

static struct request *request_take(struct http_stream *stream)
{
    struct http_server *server = stream->server;
    struct request *request = server->spare;
    struct arena arena = ARENA_EMPTY;
    if (request != NULL) {
        server->spare = request->next;
        server->spare_count--;
        if (server->spare_count < server->spare_least)
            server->spare_least = server->spare_count;
        arena = request->exchange.arena;
    } else {
        request = malloc(sizeof *request);
        if (request == NULL)
            return NULL;
    }
    memset(request, 0, sizeof *request);
    request->exchange.arena = arena;
    request->server = server;
    request->stream = stream;
    request->quota = stream->peer->quota;
    server->counters.exchanges++;
    return request;
}

static void request_give_back(struct request *request)
{
    struct http_server *server = request->server;
    server->counters.exchanges--;
    server->counters.bodies_bytes -= request->held;
    if (request->quota != NULL && request->held > 0)
        quota_give(request->quota, request->held);
    if (request->peer != NULL)
        http_peer_release(request->peer);
    free(request->large);
    arena_reset(&request->exchange.arena);
    if (server->spare_count < server->limits.spare_exchanges_max) {
        request->next = server->spare;
        server->spare = request;
        server->spare_count++;
        return;
    }
    arena_free(&request->exchange.arena);
    free(request);
}

/* Counts BYTES more of memory for the request. False: the partner has had its share (429), or the
 * gateway is short of memory (503) and the partner already holds more than a little of it. */
static bool request_hold(struct request *request, size_t bytes)
{
    struct http_server *server = request->server;
    bool is_little = false;
    if (request->quota != NULL && !quota_hold(request->quota, bytes, &is_little)) {
        request->short_of = 429;
        return false;
    }
    if (!is_little && server->counters.bodies_bytes + bytes > server->limits.bodies_bytes_max) {
        if (request->quota != NULL)
            quota_give(request->quota, bytes);
        request->short_of = 503;
        return false;
    }
    server->counters.bodies_bytes += bytes;
    if (server->counters.bodies_bytes > server->most_held)
        server->most_held = server->counters.bodies_bytes;
    request->held += bytes;
    return true;
}

static const char *short_of_sentence(int status)
{
    return status == 429 ? "this partner has as much under way as it may have here "
                           "(held_per_partner_max_bytes); send less at the same time"
                         : "too many large requests are being received; try again shortly";
}

/* Frees the spare requests behind the first COUNT. */
static void free_spare(struct http_server *server, unsigned count)
{
    struct request **link = &server->spare;
    for (unsigned i = 0; i < count && *link != NULL; i++)
        link = &(*link)->next;
    while (*link != NULL) {
        struct request *request = *link;
        *link = request->next;
        arena_free(&request->exchange.arena);
        free(request);
        server->spare_count--;
    }
}

void http_server_trim(struct http_server *server)
{
    free_spare(server, server->spare_count - server->spare_least);
    server->spare_least = server->spare_count;
}

void http_server_free(struct http_server *server)
{
    free_spare(server, 0);
}

static char *pack(char **at, const char *text)
{
    if (text == NULL)
        return NULL;
    char *copy = *at;
    *at = stpcpy(copy, text) + 1;
    return copy;
}

static size_t text_room(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

struct http_peer *http_peer_new(const struct http_peer *from)
{
    size_t room = text_room(from->partner) + text_room(from->claimed) + text_room(from->subject) +
                  text_room(from->fingerprint) + text_room(from->address);
    struct http_peer *peer = malloc(sizeof *peer + room);
    if (peer == NULL)
        return NULL;
    char *at = (char *)(peer + 1);
    *peer = *from;
    peer->partner = pack(&at, from->partner);
    peer->claimed = pack(&at, from->claimed);
    peer->subject = pack(&at, from->subject);
    peer->fingerprint = pack(&at, from->fingerprint);
    peer->address = pack(&at, from->address);
    peer->holds = 1;
    return peer;
}

void http_peer_release(struct http_peer *peer)
{
    if (peer != NULL && --peer->holds == 0)
        free(peer);
}

/* ---- what llhttp reports ---- */

static int on_url(llhttp_t *parser, const char *at, size_t length)
{
    struct request *request = parser->data;
    if (request->target == NULL)
        request->target = at;
    request->target_length += length;
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t length)
{
    struct request *request = parser->data;
    if (request->head_read)
        return 0; /* a trailer: checked by framing.c and left out */
    if (request->headers_count >= request->server->limits.framing.headers_max + 1)
        return -1;
    /* The head lies in memory of our own in one piece, so no name comes in two. */
    request->head_bytes[(size_t)(at - request->head_bytes) + length] = '\0';
    request->headers[request->headers_count++].name = at;
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t length)
{
    struct request *request = parser->data;
    if (request->head_read || request->headers_count == 0)
        return 0;
    struct http_header *header = &request->headers[request->headers_count - 1];
    if (header->value == NULL)
        header->value = at;
    request->value_lengths[request->headers_count - 1] = (size_t)(at - header->value) + length;
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct request *request = parser->data;
    const struct framing_head *head = &request->head;
    bool has_length = (parser->flags & F_CONTENT_LENGTH) != 0;
    bool chunked = (parser->flags & F_CHUNKED) != 0;
    if (parser->http_major != 1 || parser->http_minor != head->minor || chunked != head->chunked ||
        has_length != head->has_length || (has_length && parser->content_length != head->length))
        return -1;
    request->head_read = true;
    parser->upgrade = 0; /* no other protocol is spoken here: Upgrade is passed over */
    return 0;
}

static bool body_grow(struct request *request, size_t room)
{
    struct arena *arena = &request->exchange.arena;
    if (room <= BODY_ROOM_FIRST) {
        request->body = request->body_room == 0
                            ? arena_raw(arena, room)
                            : arena_grow(arena, request->body, request->body_room, room);
        return true;
    }
    char *large = realloc(request->large, room);
    if (large == NULL) {
        request->short_of = 503;
        return false;
    }
    if (request->large == NULL && request->body_length > 0)
        memcpy(large, request->body, request->body_length);
    request->body = request->large = large;
    return true;
}

static bool body_make_room(struct request *request, size_t more)
{
    size_t need = request->body_length + more + 1;
    if (need <= request->body_room)
        return true;
    size_t first = request->head.has_length ? BODY_ROOM_FIRST : BODY_ROOM_UNKNOWN;
    size_t room = request->body_room == 0 ? first : request->body_room * 2;
    if (request->head.has_length && room > request->head.length + 1)
        room = (size_t)request->head.length + 1;
    if (room < need)
        room = need;
    if (!request_hold(request, room - request->body_room) || !body_grow(request, room))
        return false;
    request->body_room = room;
    return true;
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct request *request = parser->data;
    if (!body_make_room(request, length))
        return HPE_USER;
    memcpy(request->body + request->body_length, at, length);
    request->body_length += length;
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct request *request = parser->data;
    request->complete = true;
    return 0;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ---- answers ---- */

const char *exchange_header(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->headers_count; i++) {
        if (strcasecmp(exchange->headers[i].name, name) == 0)
            return exchange->headers[i].value;
    }
    return NULL;
}

static const char *mirrored(const struct exchange *exchange, const char *name)
{
    const char *value = exchange_header(exchange, name);
    return value == NULL || strlen(value) > MIRRORED_MAX ? NULL : value;
}

static const char *date_now(struct http_server *server)
{
    int64_t second = clock_wall_ms(&server->clock) / 1000;
    if (second != server->date_second || server->date[0] == '\0') {
        answer_date(second, server->date);
        server->date_second = second;
    }
    return server->date;
}

static void answer_now(struct request *request, const struct answer *answer)
{
    struct http_stream *stream = request->stream;
    struct http_server *server = request->server;
    struct exchange *exchange = &request->exchange;
    if (server->draining || request->head.close || request->head.minor == 0 ||
        (server->limits.requests_max > 0 && stream->requests >= server->limits.requests_max))
        stream->closing = true;
    struct answer_frame frame = {
        .date = date_now(server),
        .request_id = mirrored(exchange, "X-Request-Id"),
        .correlation_id = mirrored(exchange, "X-Correlation-Id"),
        .close = stream->closing,
        .head_only = exchange->method != NULL && strcmp(exchange->method, "HEAD") == 0,
    };
    answer_format(&exchange->arena, answer, &frame, &request->out, &request->out_length,
                  &request->rest_length);
    request->rest = answer->body;
    request->answered = true;
    if (request->handed_over_ns > 0)
        histogram_add(&server->counters.times, HISTOGRAM_TIME,
                      (uv_hrtime() - request->handed_over_ns) / 1000);
    server->counters.answers[answer->status / 100 % 6]++;
    if (answer->status / 100 == 4 && server->on_refused != NULL)
        server->on_refused(server->owner, stream->peer, answer->status);
    stream->phase = PHASE_ANSWER;
}

void exchange_answer(struct exchange *exchange, const struct answer *answer)
{
    struct request *request = (struct request *)exchange;
    struct http_stream *stream = request->stream;
    if (stream == NULL) {
        request->server->counters.orphaned++;
        request_give_back(request);
        return;
    }
    struct answer instead;
    if (answer->body_length > ANSWER_FREE && !request_hold(request, answer->body_length)) {
        instead = answer_refusal(&exchange->arena, request->short_of,
                                 short_of_sentence(request->short_of));
        stream->closing = true;
        answer = &instead;
    }
    answer_now(request, answer);
    if (!stream->feeding)
        request->server->on_answer(stream);
}

void http_refuse(struct http_stream *stream, int status, const char *found)
{
    struct request *request = stream->request;
    struct answer answer = answer_refusal(&request->exchange.arena, status, found);
    stream->closing = true;
    stream->refused = true;
    stream->server->counters.refusals++;
    answer_now(request, &answer);
}

void http_turn_away(struct http_stream *stream, int status, const char *found)
{
    stream->request = request_take(stream);
    if (stream->request == NULL)
        stream->phase = PHASE_END;
    else
        http_refuse(stream, status, found);
}

/* ---- the head ---- */

/* The server's limits, and for the body the partner's own. */
static struct framing_limits limits_of(const struct http_stream *stream)
{
    struct framing_limits limits = stream->server->limits.framing;
    struct quota *quota = stream->peer->quota;
    size_t own = quota == NULL ? 0 : quota_body_max(quota);
    if (own > 0)
        limits.body_bytes_max = own;
    bool is_stranger = stream->peer->fingerprint != NULL && stream->peer->partner == NULL;
    if (is_stranger && limits.body_bytes_max > STRANGER_BODY_MAX)
        limits.body_bytes_max = STRANGER_BODY_MAX;
    return limits;
}

static void refuse_framing(struct http_stream *stream, const struct framing_fault *fault)
{
    if (fault->status == 413 && stream->peer->quota != NULL)
        quota_note_large(stream->peer->quota);
    http_refuse(stream, fault->status, fault->found);
}

static bool read_target(struct request *request)
{
    struct exchange *exchange = &request->exchange;
    exchange->target = arena_copy_n(&exchange->arena, request->target, request->target_length);
    return target_read(&exchange->arena, exchange->method, exchange->target, &exchange->path,
                       &exchange->query);
}

static bool method_is_served(const char *method)
{
    static const char *const served[] = {"GET",   "POST",   "PUT",     "HEAD",
                                         "PATCH", "DELETE", "OPTIONS", NULL};
    return text_is_one_of(method, served);
}

/* Ends each value with a NUL, white space at its end cut off. */
static void finish_headers(struct request *request)
{
    for (size_t i = 0; i < request->headers_count; i++) {
        struct http_header *header = &request->headers[i];
        if (header->value == NULL) {
            header->value = "";
            continue;
        }
        char *value = request->head_bytes + (header->value - request->head_bytes);
        size_t length = request->value_lengths[i];
        while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
            length--;
        value[length] = '\0';
    }
    request->exchange.headers = request->headers;
    request->exchange.headers_count = request->headers_count;
}

/* The head lies complete in head_bytes: llhttp reads it, and must read the same as framing.c. */
static void read_head(struct http_stream *stream, size_t length)
{
    struct request *request = stream->request;
    struct exchange *exchange = &request->exchange;
    request->headers =
        arena_array(&exchange->arena, request->head.lines + 1, sizeof *request->headers);
    request->value_lengths =
        arena_array(&exchange->arena, request->head.lines + 1, sizeof *request->value_lengths);
    llhttp_init(&request->parser, HTTP_REQUEST, &settings);
    request->parser.data = request;
    llhttp_errno_t result = llhttp_execute(&request->parser, request->head_bytes, length);
    if (result == HPE_INVALID_METHOD) {
        http_refuse(stream, 501, "this method is not served here");
        return;
    }
    if (result != HPE_OK || request->target == NULL) {
        http_refuse(stream, 400, "the head of the request is not well-formed HTTP/1.1");
        return;
    }
    exchange->method = llhttp_method_name((llhttp_method_t)request->parser.method);
    finish_headers(request);
    if (!method_is_served(exchange->method))
        http_refuse(stream, 501, "this method is not served here");
    else if (!read_target(request))
        http_refuse(stream, 400, "the request target is not a path");
    else
        stream->phase = PHASE_BODY;
}

static void keep_head_bytes(struct request *request, const char *bytes, size_t length)
{
    size_t need = request->head_length + length + 1;
    if (need > request->head_room) {
        size_t room = need > 2 * request->head_room ? need : 2 * request->head_room;
        request->head_bytes =
            arena_grow(&request->exchange.arena, request->head_bytes, request->head_length, room);
        request->head_room = room;
    }
    memcpy(request->head_bytes + request->head_length, bytes, length);
    request->head_length += length;
}

/* Half a head is memory, too. It grew by doubling, so that it takes twice its room at most. */
static void hold_head(struct http_stream *stream)
{
    struct request *request = stream->request;
    size_t need = HEAD_HOLD + 2 * request->head_room;
    if (need > request->held && !request_hold(request, need - request->held))
        http_refuse(stream, request->short_of, short_of_sentence(request->short_of));
}

static size_t receive_head(struct http_stream *stream, const char *bytes, size_t length)
{
    struct request *request = stream->request;
    const struct framing_limits limits = limits_of(stream);
    struct framing_fault fault = {0, NULL};
    size_t before = request->head_length;
    const char *from = bytes;
    if (before > 0) {
        keep_head_bytes(request, bytes, length);
        from = request->head_bytes;
    }
    size_t end = 0;
    enum framing_step step =
        framing_head(&request->head, &limits, from, before + length, &end, &fault);
    if (step == FRAMING_FAULT) {
        refuse_framing(stream, &fault);
        return length;
    }
    if (step == FRAMING_MORE) {
        if (before == 0)
            keep_head_bytes(request, bytes, length);
        hold_head(stream);
        return length;
    }
    if (before == 0)
        keep_head_bytes(request, bytes, end);
    read_head(stream, end);
    return end - before;
}

/* ---- the body ---- */

static void hand_over(struct http_stream *stream)
{
    struct request *request = stream->request;
    struct exchange *exchange = &request->exchange;
    if (request->body != NULL)
        request->body[request->body_length] = '\0';
    exchange->body = request->body == NULL ? "" : request->body;
    exchange->body_length = request->body_length;
    request->peer = stream->peer;
    request->peer->holds++;
    exchange->peer = request->peer;
    stream->requests++;
    stream->server->counters.requests++;
    stream->phase = PHASE_HANDLER;
    struct http_server *server = stream->server;
    struct quota *quota = request->quota;
    uint64_t start_ns = request->handed_over_ns = uv_hrtime();
    server->on_request(server->owner, exchange); /* which may answer, and the stream be gone */
    if (quota != NULL)
        quota_worked(quota, (uv_hrtime() - start_ns) / 1000, clock_monotonic_ms(&server->clock));
}

static void feed_body(struct http_stream *stream, const char *bytes, size_t length)
{
    struct request *request = stream->request;
    llhttp_errno_t result = length == 0 ? HPE_OK : llhttp_execute(&request->parser, bytes, length);
    if (result == HPE_USER)
        http_refuse(stream, request->short_of, short_of_sentence(request->short_of));
    else if (result != HPE_OK)
        http_refuse(stream, 400, "the body of the request is not well-formed HTTP/1.1");
    else if (request->complete)
        hand_over(stream);
}

static size_t receive_chunks(struct http_stream *stream, const char *bytes, size_t length)
{
    struct request *request = stream->request;
    struct framing_fault fault = {0, NULL};
    size_t used = 0;
    const struct framing_limits limits = limits_of(stream);
    enum framing_step step =
        framing_chunks(&request->chunks, &limits, bytes, length, &used, &fault);
    if (step == FRAMING_FAULT) {
        refuse_framing(stream, &fault);
        return length;
    }
    feed_body(stream, bytes, used);
    if (step == FRAMING_DONE && stream->phase == PHASE_BODY)
        http_refuse(stream, 400, "the chunked body is not well-formed HTTP/1.1");
    return used;
}

static size_t receive_body(struct http_stream *stream, const char *bytes, size_t length)
{
    struct request *request = stream->request;
    if (request->head.chunked)
        return receive_chunks(stream, bytes, length);
    uint64_t left = request->head.length - request->body_length;
    size_t take = left < length ? (size_t)left : length;
    feed_body(stream, bytes, take);
    return take;
}

/* ---- the stream ---- */

static void start_body(struct http_stream *stream, bool more_is_here)
{
    struct request *request = stream->request;
    if (request->complete)
        hand_over(stream);
    else if (request->head.wants_go && request->head.minor == 1 && !more_is_here)
        stream->go_ahead = true;
}

size_t http_receive(struct http_stream *stream, const char *bytes, size_t length)
{
    size_t used = 0;
    stream->feeding = true;
    if (stream->phase == PHASE_IDLE) {
        stream->request = request_take(stream);
        stream->phase = stream->request == NULL ? PHASE_END : PHASE_HEAD;
    }
    if (stream->phase == PHASE_HEAD) {
        used = receive_head(stream, bytes, length);
        if (stream->phase == PHASE_BODY)
            start_body(stream, used < length);
    }
    if (stream->phase == PHASE_BODY && used < length)
        used += receive_body(stream, bytes + used, length - used);
    stream->feeding = false;
    return used;
}

bool http_output(const struct http_stream *stream, const char **ret_bytes, size_t *ret_length)
{
    const struct request *request = stream->request;
    bool head_out = request->out_length == 0;
    *ret_bytes = head_out ? request->rest : request->out;
    *ret_length = head_out ? request->rest_length : request->out_length;
    return *ret_length > 0;
}

void http_sent(struct http_stream *stream, size_t length)
{
    struct request *request = stream->request;
    if (request->out_length > 0) {
        request->out += length;
        request->out_length -= length;
    } else {
        request->rest += length;
        request->rest_length -= length;
    }
    if (request->out_length + request->rest_length > 0)
        return;
    stream->request = NULL;
    stream->phase = stream->closing ? PHASE_END : PHASE_IDLE;
    request_give_back(request);
}

void http_drop(struct http_stream *stream)
{
    struct request *request = stream->request;
    stream->request = NULL;
    if (request == NULL)
        return;
    request->stream = NULL;
    if (stream->phase != PHASE_HANDLER)
        request_give_back(request);
    stream->phase = PHASE_END;
}
