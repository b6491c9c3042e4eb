/* transmit_call: see transmit_call.h. */
#include "gateway/delivery/transmit_call.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/delivery/outcome.h"

enum {
    CONNECTION_LIFETIME_S = 3600, /* then certificates are checked again */
    STALL_BYTES_A_SECOND = 16,
    RETRY_AFTER_S_MAX = 86400
};

/* ---- what curl asks meanwhile ---- */

static CURLcode on_tls(CURL *easy, void *ssl_ctx, void *owner)
{
    struct call *call = owner;
    (void)easy;
    call->connected = true;
    return context_apply_client(ssl_ctx, &call->tls) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

static curl_socket_t on_open(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct call *call = owner;
    const struct transmit_options *options = call->terms->options;
    struct sockaddr_storage to = {0};
    (void)purpose;
    memcpy(&to, &address->addr, address->addrlen < sizeof to ? address->addrlen : sizeof to);
    bool allowed =
        address_fits(call->host, &to) &&
        (options->may_connect == NULL ||
         options->may_connect(options->owner, call->terms->partner, (const struct sockaddr *)&to));
    if (!allowed) {
        address_text(&to, call->refused_address);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  address->protocol);
}

static void note_suite(struct call *call)
{
    struct curl_tlssessioninfo *session = NULL;
    curl_easy_getinfo(call->easy, CURLINFO_TLS_SSL_PTR, &session);
    if (session != NULL && session->internals != NULL)
        context_suite(session->internals, call->suite);
}

static size_t on_head(char *bytes, size_t one, size_t length, void *owner)
{
    struct call *call = owner;
    (void)bytes;
    if (call->head_bytes == 0)
        note_suite(call);
    call->head_bytes += one * length;
    call->too_large = call->too_large || call->head_bytes > call->limits.head_bytes_max;
    return call->too_large ? 0 : length;
}

static size_t on_body(char *bytes, size_t one, size_t length, void *owner)
{
    struct call *call = owner;
    (void)one;
    if (length > call->limits.body_bytes_max - call->body_length) {
        call->too_large = true;
        return 0;
    }
    size_t need = call->body_length + length + 1;
    if (need > call->body_room) {
        size_t room = need > 2 * call->body_room ? need : 2 * call->body_room;
        call->body = arena_grow(&call->arena, call->body, call->body_room, room);
        call->body_room = room;
    }
    memcpy(call->body + call->body_length, bytes, length);
    call->body_length += length;
    return length;
}

/* ---- making ---- */

/* What is the same for every exchange of the lane. */
static void set_policy(struct call *call)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "refgate/" REFGATE_VERSION);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L); /* the agreed name is checked by certs */
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, call);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)TRANSMIT_CALL_AGE_S);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFETIME_S);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_A_SECOND);
}

void transmit_call_free(struct call *call)
{
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    arena_free(&call->arena);
    free(call);
}

struct call *transmit_call_new(struct lane *lane, const struct call_terms *terms)
{
    struct call *call = arena_must(calloc(1, sizeof *call));
    call->lane = lane;
    call->terms = terms;
    call->easy = arena_must(curl_easy_init());
    set_policy(call);
    return call;
}

void transmit_call_clear(struct call *call)
{
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, NULL);
    arena_reset(&call->arena);
}

/* `https://a.example/x` -> host `a.example`, place `a.example:443` */
static void read_url(struct call *call, const char *url)
{
    const char *start = strstr(url, "://");
    start = start == NULL ? url : start + 3;
    size_t length = strcspn(start, "/?#");
    const char *bracket = memchr(start, ']', length);
    const char *name_end = bracket == NULL ? start : bracket;
    const char *colon = memchr(name_end, ':', length - (size_t)(name_end - start));
    size_t host_length = colon == NULL ? length : (size_t)(colon - start);
    call->host = arena_copy_n(&call->arena, start, host_length);
    call->place =
        arena_print(&call->arena, "%.*s%s", (int)length, start, colon == NULL ? ":443" : "");
}

static void add_headers(struct call *call, const struct transmit_request *request)
{
    call->headers = curl_slist_append(call->headers, "Expect:");
    for (size_t i = 0; i < request->headers_count; i++) {
        char *line = arena_print(&call->arena, "%s: %s", request->headers[i].name,
                                 request->headers[i].value);
        for (char *at = line; *at != '\0'; at++)
            *at = (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at;
        call->headers = curl_slist_append(call->headers, line);
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

void transmit_call_fill(struct call *call, const struct transmit_request *request)
{
    CURL *easy = call->easy;
    unsigned stall_s = (request->limits.stall_ms + 999) / 1000;
    call->limits = request->limits;
    call->tls = (struct context_call){.context = call->terms->context,
                                      .partner = call->terms->partner,
                                      .peer.verdict = VERDICT_no_handshake};
    call->refused_address[0] = call->error[0] = call->suite[0] = '\0';
    call->body = NULL;
    call->body_length = call->body_room = call->head_bytes = 0;
    call->connected = call->too_large = call->is_done = call->is_stopped = false;
    call->code = CURLE_OK;
    read_url(call, request->url);
    add_headers(call, request);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->limits.connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->limits.total_ms);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)stall_s);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->limits.body_bytes_max);
    if (request->body == NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
}

/* ---- what came of it ---- */

static int64_t time_of(const struct call *call, CURLINFO info)
{
    curl_off_t us = 0;
    curl_easy_getinfo(call->easy, info, &us);
    return us;
}

static long number_of(const struct call *call, CURLINFO info)
{
    long number = 0;
    curl_easy_getinfo(call->easy, info, &number);
    return number;
}

static enum outcome_end end_of(const struct call *call)
{
    static const struct {
        CURLcode code;
        enum outcome_end end;
    } ends[] = {
        {CURLE_OK, OUTCOME_END_WHOLE},
        {CURLE_OPERATION_TIMEDOUT, OUTCOME_END_TIME},
        {CURLE_COULDNT_RESOLVE_HOST, OUTCOME_END_NAME},
        {CURLE_URL_MALFORMAT, OUTCOME_END_URL},
        {CURLE_SSL_CONNECT_ERROR, OUTCOME_END_HANDSHAKE},
        {CURLE_PEER_FAILED_VERIFICATION, OUTCOME_END_CERTIFICATE},
        {CURLE_SSL_CERTPROBLEM, OUTCOME_END_CERTIFICATE},
        {CURLE_FILESIZE_EXCEEDED, OUTCOME_END_SIZE},
    };
    if (call->is_stopped)
        return OUTCOME_END_STOPPED;
    if (call->too_large)
        return OUTCOME_END_SIZE;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends[i].code == call->code)
            return ends[i].end;
    }
    bool is_scheme = call->code == CURLE_UNSUPPORTED_PROTOCOL && call->head_bytes == 0 &&
                     time_of(call, CURLINFO_PRETRANSFER_TIME_T) == 0;
    return is_scheme ? OUTCOME_END_URL : OUTCOME_END_OTHER;
}

static const char *reason_of(struct call *call)
{
    long number = number_of(call, CURLINFO_OS_ERRNO);
    const char *text = number == 0 ? call->error : strerror((int)number);
    char *copy = arena_copy(&call->arena, text[0] == '\0' ? curl_easy_strerror(call->code) : text);
    copy[0] = (char)tolower((unsigned char)copy[0]);
    return copy;
}

static struct outcome_facts facts_of(struct call *call)
{
    struct outcome_facts facts = {
        .end = end_of(call),
        .partner = call->terms->partner,
        .host = call->host,
        .place = call->place,
        .refused_address = call->refused_address[0] == '\0' ? NULL : call->refused_address,
        .tls_error = call->error,
        .reason = reason_of(call),
        .verdict = call->tls.peer.verdict,
        .connected = call->connected,
        .may_have_sent = time_of(call, CURLINFO_PRETRANSFER_TIME_T) > 0,
        .has_head = call->head_bytes > 0,
        .new_connection = number_of(call, CURLINFO_NUM_CONNECTS) > 0,
        .status = (int)number_of(call, CURLINFO_RESPONSE_CODE),
        .limits = &call->limits,
    };
    return facts;
}

static int64_t retry_after(const struct call *call)
{
    curl_off_t seconds = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0)
        return -1;
    return seconds > RETRY_AFTER_S_MAX ? RETRY_AFTER_S_MAX : seconds;
}

static int64_t date_of(const struct call *call)
{
    struct curl_header *header;
    if (curl_easy_header(call->easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return -1;
    return (int64_t)curl_getdate(header->value, NULL);
}

struct transmit_result transmit_call_result(struct call *call)
{
    const char *type = NULL;
    struct outcome_facts facts = facts_of(call);
    curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
    struct transmit_result result = {
        .outcome = outcome_of(&facts),
        .sentence = outcome_say(&call->arena, &facts),
        .status = facts.status,
        .type = arena_copy(&call->arena, type),
        .body = call->body == NULL ? "" : call->body,
        .body_length = call->body_length,
        .retry_after_s = retry_after(call),
        .date_s = date_of(call),
        .verdict = facts.verdict,
        .server = &call->tls.peer,
        .suite = call->suite,
        .new_connection = facts.new_connection,
        .connect_us = time_of(call, CURLINFO_CONNECT_TIME_T),
        .tls_us = time_of(call, CURLINFO_APPCONNECT_TIME_T),
        .first_byte_us = time_of(call, CURLINFO_STARTTRANSFER_TIME_T),
        .total_us = time_of(call, CURLINFO_TOTAL_TIME_T),
    };
    return result;
}
