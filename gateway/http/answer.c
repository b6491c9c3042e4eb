/* answer: see answer.h. Heads are put together by hand: this runs for every request. */
#include "gateway/http/answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

enum { SMALL_BODY_MAX = 16 * 1024, HEAD_ROOM = 512 };

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Status";
}

/* Growing bytes; the room was reckoned before, so nothing is checked again. */
struct writer {
    char *at;
};

static void put(struct writer *writer, const char *text)
{
    size_t length = strlen(text);
    memcpy(writer->at, text, length);
    writer->at += length;
}

static void put_number(struct writer *writer, size_t number)
{
    char digits[24];
    char *at = digits + sizeof digits;
    *--at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(writer, at);
}

/* A value never ends the line it stands in: control characters become `?`. */
static void put_header(struct writer *writer, const char *name, const char *value)
{
    put(writer, name);
    put(writer, ": ");
    for (; *value != '\0'; value++) {
        unsigned char byte = (unsigned char)*value;
        *writer->at++ = byte < 0x20 || byte == 0x7f ? '?' : *value;
    }
    put(writer, "\r\n");
}

static size_t header_room(const char *name, const char *value)
{
    return value == NULL ? 0 : strlen(name) + strlen(value) + 4;
}

static size_t head_room(const struct answer *answer, const struct answer_frame *frame)
{
    size_t room = HEAD_ROOM + header_room("Content-Type", answer->type) +
                  header_room("X-Request-Id", frame->request_id) +
                  header_room("X-Correlation-Id", frame->correlation_id);
    for (size_t i = 0; i < answer->headers_count; i++)
        room += header_room(answer->headers[i].name, answer->headers[i].value);
    return room;
}

static bool has_body(const struct answer *answer)
{
    return answer->status >= 200 && answer->status != 204 && answer->status != 304;
}

static void put_head(struct writer *writer, const struct answer *answer,
                     const struct answer_frame *frame)
{
    put(writer, "HTTP/1.1 ");
    put_number(writer, (size_t)answer->status);
    put(writer, " ");
    put(writer, reason_of(answer->status));
    put(writer, "\r\nDate: ");
    put(writer, frame->date);
    put(writer, "\r\n");
    if (answer->type != NULL)
        put_header(writer, "Content-Type", answer->type);
    if (has_body(answer)) {
        put(writer, "Content-Length: ");
        put_number(writer, answer->body_length);
        put(writer, "\r\n");
    }
    if (frame->request_id != NULL)
        put_header(writer, "X-Request-Id", frame->request_id);
    if (frame->correlation_id != NULL)
        put_header(writer, "X-Correlation-Id", frame->correlation_id);
    for (size_t i = 0; i < answer->headers_count; i++)
        put_header(writer, answer->headers[i].name, answer->headers[i].value);
    put(writer, frame->close ? "Connection: close\r\n\r\n" : "\r\n");
}

void answer_format(struct arena *arena, const struct answer *answer,
                   const struct answer_frame *frame, const char **ret_bytes, size_t *ret_length,
                   size_t *ret_rest)
{
    size_t body = has_body(answer) && !frame->head_only ? answer->body_length : 0;
    size_t near = body <= SMALL_BODY_MAX ? body : 0;
    char *bytes = arena_raw(arena, head_room(answer, frame) + near);
    struct writer writer = {bytes};
    put_head(&writer, answer, frame);
    if (near > 0)
        memcpy(writer.at, answer->body, near);
    *ret_bytes = bytes;
    *ret_length = (size_t)(writer.at - bytes) + near;
    *ret_rest = body - near;
}

static const char *issue_code(int status)
{
    switch (status) {
    case 408:
        return "timeout";
    case 413:
    case 414:
    case 431:
        return "too-long";
    case 417:
    case 501:
    case 505:
        return "not-supported";
    case 429:
    case 503:
        return "throttled";
    default:
        return "structure";
    }
}

struct answer answer_refusal(struct arena *arena, int status, const char *found)
{
    static const struct http_header retry[] = {{"Retry-After", "1"}};
    struct text body = text_new(arena, 1024);
    text_print(&body,
               "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
               "\"code\":\"%s\",\"diagnostics\":",
               issue_code(status));
    text_add_json(&body, found);
    text_add(&body, "}]}");
    struct answer answer = {status,     "application/fhir+json; charset=utf-8", NULL, 0, body.at,
                            body.length};
    if (status == 429 || status == 503) {
        answer.headers = retry;
        answer.headers_count = 1;
    }
    return answer;
}

void answer_date(long long seconds, char ret_text[HTTP_DATE_TEXT])
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t time = (time_t)seconds;
    struct tm parts;
    gmtime_r(&time, &parts);
    snprintf(ret_text, HTTP_DATE_TEXT, "%s, %02d %s %04d %02d:%02d:%02d GMT",
             days[parts.tm_wday % 7], parts.tm_mday, months[parts.tm_mon % 12],
             parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}
