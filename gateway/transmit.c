/* transmit: see transmit.h.
 *
 * struct lane   one partner generation: a curl multi handle, its timer, its sockets
 * struct call   one exchange: a curl easy handle, kept by the lane for the next exchange
 * curl asks (on_socket, on_timeout), libuv rings (on_poll, on_timer), drive() lets curl work and
 * then settles what is done. Callbacks to the owner are made only from settle(), never inside curl.
 */
#include "gateway/transmit.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "gateway/address.h"
#include "gateway/outcome.h"

enum {
    SPARE_CALLS_MAX = 64,
    CONNECTIONS_KEPT_MAX = 256,
    CONNECTION_AGE_S = 240, /* idle longer: not used again, the other side may just close it */
    CONNECTION_LIFETIME_S = 3600, /* then certificates are checked again */
    STALL_BYTES_A_SECOND = 16,
    RETRY_AFTER_S_MAX = 86400,
    SWEEP_MS = 10000
};

struct call {
    struct lane *lane;
    struct call *next; /* of the lane: active, spare or done */
    CURL *easy;
    struct arena arena;
    struct context_call tls;
    struct curl_slist *headers;
    struct transmit_limits limits;
    transmit_done *on_done;
    void *owner;
    char *place; /* host:port */
    char *host;
    char refused_address[ADDRESS_TEXT]; /* "" none */
    char suite[CONTEXT_SUITE_TEXT];     /* "" none */
    char *body;
    size_t body_length, body_room, head_bytes;
    bool connected; /* TCP, by this call */
    bool too_large;
    bool is_done;
    bool is_stopped;
    CURLcode code;
    char error[CURL_ERROR_SIZE];
};

struct lane {
    struct transmit *transmit;
    struct lane *next;
    char *partner;
    uint64_t generation;
    struct context *context;
    CURLM *multi;
    uv_timer_t timer;
    struct call *active, *spare;
    unsigned spare_count;
    uint64_t used_at_ms;
    unsigned handles; /* of libuv, still open */
    bool is_old;      /* a newer generation is there */
    bool is_driven;
    bool is_closing;
};

struct watch {
    uv_poll_t poll;
    struct lane *lane;
    curl_socket_t socket;
};

struct transmit {
    struct transmit_options options;
    struct lane *lanes;
    uv_timer_t sweep;
    unsigned lanes_open; /* lanes and the sweep timer that libuv still knows */
    bool is_closing;
    void (*on_closed)(void *owner);
    void *closed_owner;
};

static void drive(struct lane *lane, curl_socket_t socket, int events);

struct transmit_limits transmit_limits_default(void)
{
    struct transmit_limits limits = {.connect_ms = 10000,
                                     .total_ms = 60000,
                                     .stall_ms = 30000,
                                     .head_bytes_max = 64 * 1024,
                                     .body_bytes_max = 1024 * 1024};
    return limits;
}

bool transmit_unsent(enum transmit_outcome outcome)
{
    return outcome == TRANSMIT_CANNOT_CONNECT || outcome == TRANSMIT_TLS_REFUSED;
}

const char *transmit_outcome_name(enum transmit_outcome outcome)
{
    static const char *const names[] = {
        [TRANSMIT_ANSWERED] = "answered",       [TRANSMIT_CANNOT_CONNECT] = "cannot_connect",
        [TRANSMIT_TLS_REFUSED] = "tls_refused", [TRANSMIT_TIMED_OUT] = "timed_out_unknown",
        [TRANSMIT_BROKEN] = "broken",           [TRANSMIT_TOO_LARGE] = "too_large",
        [TRANSMIT_STOPPED] = "stopped",
    };
    return names[outcome];
}

/* No memory is the same event as a kill (base/arena.h), and is recovered in the same way. */
static void *must(void *memory)
{
    if (memory == NULL) {
        fputs("refgate: out of memory; stopping. What was accepted is on disk.\n", stderr);
        _Exit(70);
    }
    return memory;
}

/* ---- what curl asks of the loop ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int seen = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
               (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) | (status < 0 ? CURL_CSELECT_ERR : 0);
    drive(watch->lane, watch->socket, seen);
}

static void on_timer(uv_timer_t *timer)
{
    drive(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *owner)
{
    struct lane *lane = owner;
    (void)multi;
    if (lane->is_closing)
        return 0;
    if (timeout_ms < 0)
        uv_timer_stop(&lane->timer);
    else
        uv_timer_start(&lane->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static void let_go(struct transmit *transmit)
{
    if (--transmit->lanes_open > 0)
        return;
    void (*on_closed)(void *owner) = transmit->on_closed;
    void *owner = transmit->closed_owner;
    free(transmit);
    curl_global_cleanup();
    if (on_closed != NULL)
        on_closed(owner);
}

static void free_lane(struct lane *lane)
{
    struct transmit *transmit = lane->transmit;
    context_release(lane->context);
    free(lane->partner);
    free(lane);
    let_go(transmit);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct lane *lane = watch->lane;
    free(watch);
    if (--lane->handles == 0)
        free_lane(lane);
}

static struct watch *watch_new(struct lane *lane, curl_socket_t socket)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL || uv_poll_init(lane->transmit->options.loop, &watch->poll, socket) != 0) {
        free(watch);
        return NULL;
    }
    watch->lane = lane;
    watch->socket = socket;
    watch->poll.data = watch;
    lane->handles++;
    curl_multi_assign(lane->multi, socket, watch);
    return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *owner, void *socket_data)
{
    struct lane *lane = owner;
    struct watch *watch = socket_data;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            curl_multi_assign(lane->multi, socket, NULL);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return 0;
    }
    if (watch == NULL)
        watch = watch_new(lane, socket);
    if (watch == NULL)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&watch->poll, events, on_poll);
    return 0;
}

/* ---- what curl asks during an exchange ---- */

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
    const struct transmit_options *options = &call->lane->transmit->options;
    struct sockaddr_storage to = {0};
    (void)purpose;
    memcpy(&to, &address->addr, address->addrlen < sizeof to ? address->addrlen : sizeof to);
    bool allowed =
        address_fits(call->host, &to) &&
        (options->may_connect == NULL ||
         options->may_connect(options->owner, call->lane->partner, (const struct sockaddr *)&to));
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

/* ---- calls ---- */

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
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_AGE_S);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFETIME_S);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_A_SECOND);
}

static void free_call(struct call *call)
{
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    arena_free(&call->arena);
    free(call);
}

static struct call *take_call(struct lane *lane)
{
    struct call *call = lane->spare;
    if (call != NULL) {
        lane->spare = call->next;
        lane->spare_count--;
        return call;
    }
    call = must(calloc(1, sizeof *call));
    call->lane = lane;
    call->easy = must(curl_easy_init());
    set_policy(call);
    return call;
}

static void give_back(struct call *call)
{
    struct lane *lane = call->lane;
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, NULL);
    arena_reset(&call->arena);
    if (lane->spare_count >= SPARE_CALLS_MAX) {
        free_call(call);
        return;
    }
    call->next = lane->spare;
    lane->spare = call;
    lane->spare_count++;
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

static void fill_call(struct call *call, const struct transmit_request *request)
{
    CURL *easy = call->easy;
    unsigned stall_s = (request->limits.stall_ms + 999) / 1000;
    call->limits = request->limits;
    call->tls = (struct context_call){.context = call->lane->context,
                                      .partner = call->lane->partner,
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
        .partner = call->lane->partner,
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

static struct transmit_result result_of(struct call *call)
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

/* ---- lanes ---- */

static struct lane *lane_new(struct transmit *transmit, const struct transmit_request *request)
{
    struct lane *lane = must(calloc(1, sizeof *lane));
    lane->partner = must(strdup(request->partner));
    lane->multi = must(curl_multi_init());
    lane->transmit = transmit;
    lane->generation = request->generation;
    lane->context = context_hold(request->context);
    curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane);
    curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane);
    curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT_MAX);
    uv_timer_init(transmit->options.loop, &lane->timer);
    lane->timer.data = lane;
    lane->handles = 1;
    lane->next = transmit->lanes;
    transmit->lanes = lane;
    transmit->lanes_open++;
    return lane;
}

static void on_lane_timer_closed(uv_handle_t *handle)
{
    struct lane *lane = handle->data;
    if (--lane->handles == 0)
        free_lane(lane);
}

/* Nothing may be active any more. */
static void lane_close(struct lane *lane)
{
    struct lane **link = &lane->transmit->lanes;
    while (*link != lane)
        link = &(*link)->next;
    *link = lane->next;
    lane->is_closing = true;
    while (lane->spare != NULL) {
        struct call *call = lane->spare;
        lane->spare = call->next;
        free_call(call);
    }
    curl_multi_cleanup(lane->multi);
    uv_close((uv_handle_t *)&lane->timer, on_lane_timer_closed);
}

static bool is_finished(const struct lane *lane)
{
    return lane->active == NULL && !lane->is_driven && (lane->is_old || lane->transmit->is_closing);
}

/* Marks the partner's other generations as old; returns the lane of this one, or NULL. */
static struct lane *find_lane(struct transmit *transmit, const struct transmit_request *request)
{
    struct lane *found = NULL;
    struct lane *next;
    for (struct lane *lane = transmit->lanes; lane != NULL; lane = next) {
        next = lane->next;
        if (strcmp(lane->partner, request->partner) != 0)
            continue;
        if (lane->generation == request->generation && !lane->is_old) {
            found = lane;
            continue;
        }
        lane->is_old = lane->is_old || lane->generation < request->generation;
        if (is_finished(lane))
            lane_close(lane);
    }
    return found;
}

static void collect(struct lane *lane)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(lane->multi, &left)) != NULL) {
        struct call *call = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        call->code = message->data.result;
        call->is_done = true;
    }
}

static struct call *take_done(struct lane *lane)
{
    struct call **link = &lane->active;
    while (*link != NULL && !(*link)->is_done)
        link = &(*link)->next;
    struct call *call = *link;
    if (call != NULL)
        *link = call->next;
    return call;
}

/* Tells the owners of all calls that are done; they may send again, drop or close meanwhile. */
static void settle(struct lane *lane)
{
    struct call *call;
    lane->is_driven = true;
    while ((call = take_done(lane)) != NULL) {
        struct transmit_result result = result_of(call);
        curl_multi_remove_handle(lane->multi, call->easy);
        call->on_done(call->owner, &result);
        give_back(call);
    }
    lane->is_driven = false;
    if (is_finished(lane))
        lane_close(lane);
}

static void drive(struct lane *lane, curl_socket_t socket, int events)
{
    int running;
    if (lane->is_closing)
        return;
    lane->used_at_ms = uv_now(lane->transmit->options.loop);
    curl_multi_socket_action(lane->multi, socket, events, &running);
    collect(lane);
    settle(lane);
}

/* Everything of the lane is to end; settle_old() tells the owners. */
static void stop_calls(struct lane *lane)
{
    lane->is_old = true;
    for (struct call *call = lane->active; call != NULL; call = call->next)
        call->is_done = call->is_stopped = true;
}

/* Owners may send, drop or close in their callbacks, so the list is searched anew each time. */
static void settle_old(struct transmit *transmit)
{
    struct lane *lane = transmit->lanes;
    while (lane != NULL) {
        bool is_due =
            lane->is_old && !lane->is_driven && (lane->active == NULL || lane->active->is_stopped);
        if (is_due)
            settle(lane);
        lane = is_due ? transmit->lanes : lane->next;
    }
}

static void on_sweep(uv_timer_t *timer)
{
    struct transmit *transmit = timer->data;
    uint64_t now = uv_now(transmit->options.loop);
    struct lane *next;
    for (struct lane *lane = transmit->lanes; lane != NULL; lane = next) {
        next = lane->next;
        if (lane->active == NULL && now - lane->used_at_ms >= transmit->options.idle_ms)
            lane_close(lane);
    }
}

/* ---- the door ---- */

struct transmit *transmit_new(const struct transmit_options *options)
{
    struct transmit *transmit = must(calloc(1, sizeof *transmit));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    transmit->options = *options;
    if (transmit->options.idle_ms == 0)
        transmit->options.idle_ms = CONNECTION_AGE_S * 1000;
    transmit->lanes_open = 1;
    uv_timer_init(options->loop, &transmit->sweep);
    transmit->sweep.data = transmit;
    uv_timer_start(&transmit->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    uv_unref((uv_handle_t *)&transmit->sweep);
    return transmit;
}

static void add_call(struct lane *lane, const struct transmit_request *request,
                     transmit_done *on_done, void *owner)
{
    struct call *call = take_call(lane);
    fill_call(call, request);
    call->on_done = on_done;
    call->owner = owner;
    call->next = lane->active;
    lane->active = call;
    lane->used_at_ms = uv_now(lane->transmit->options.loop);
    curl_multi_add_handle(lane->multi, call->easy);
}

void transmit_send(struct transmit *transmit, const struct transmit_request *request,
                   transmit_done *on_done, void *owner)
{
    if (transmit->is_closing) {
        const struct verify_peer nobody = {.verdict = VERDICT_no_handshake};
        const struct transmit_result stopped = {.outcome = TRANSMIT_STOPPED,
                                                .sentence = "the gateway is stopping",
                                                .body = "",
                                                .retry_after_s = -1,
                                                .verdict = VERDICT_no_handshake,
                                                .server = &nobody,
                                                .suite = ""};
        on_done(owner, &stopped);
        return;
    }
    struct lane *lane = find_lane(transmit, request);
    if (lane == NULL)
        lane = lane_new(transmit, request);
    add_call(lane, request, on_done, owner);
}

void transmit_drop(struct transmit *transmit, const char *partner)
{
    for (struct lane *lane = transmit->lanes; lane != NULL; lane = lane->next) {
        if (strcmp(lane->partner, partner) == 0)
            stop_calls(lane);
    }
    settle_old(transmit);
}

static void on_sweep_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

void transmit_close(struct transmit *transmit, void (*on_closed)(void *owner), void *owner)
{
    transmit->is_closing = true;
    transmit->on_closed = on_closed;
    transmit->closed_owner = owner;
    for (struct lane *lane = transmit->lanes; lane != NULL; lane = lane->next)
        stop_calls(lane);
    settle_old(transmit);
    uv_close((uv_handle_t *)&transmit->sweep, on_sweep_closed);
}
