/* transmit: see transmit.h.
 *
 * struct lane   one partner generation: a curl multi handle, its timer, its sockets
 * struct call   one exchange (transmit_call.h), kept by the lane for the next exchange
 * curl asks (on_socket, on_timeout), libuv rings (on_poll, on_timer), drive() lets curl work and
 * then settles what is done. Callbacks to the owner are made only from settle(), never inside curl.
 */
#include "gateway/delivery/transmit.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/delivery/transmit_call.h"

enum { SPARE_CALLS_MAX = 64, CONNECTIONS_KEPT_MAX = 256, SWEEP_MS = 10000 };

struct lane {
    struct transmit *transmit;
    struct lane *next;
    char *partner;
    uint64_t generation;
    struct context *context;
    struct call_terms terms; /* of all its calls */
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

/* ---- calls ---- */

static struct call *take_call(struct lane *lane)
{
    struct call *call = lane->spare;
    if (call == NULL)
        return transmit_call_new(lane, &lane->terms);
    lane->spare = call->next;
    lane->spare_count--;
    return call;
}

static void give_back(struct call *call)
{
    struct lane *lane = call->lane;
    if (lane->spare_count >= SPARE_CALLS_MAX) {
        transmit_call_free(call);
        return;
    }
    transmit_call_clear(call);
    call->next = lane->spare;
    lane->spare = call;
    lane->spare_count++;
}

/* ---- lanes ---- */

static struct lane *lane_new(struct transmit *transmit, const struct transmit_request *request)
{
    struct lane *lane = arena_must(calloc(1, sizeof *lane));
    lane->partner = arena_must(strdup(request->partner));
    lane->multi = arena_must(curl_multi_init());
    lane->transmit = transmit;
    lane->generation = request->generation;
    lane->context = context_hold(request->context);
    lane->terms = (struct call_terms){lane->partner, lane->context, &transmit->options};
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
        transmit_call_free(call);
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
        struct transmit_result result = transmit_call_result(call);
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
    struct transmit *transmit = arena_must(calloc(1, sizeof *transmit));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    transmit->options = *options;
    if (transmit->options.idle_ms == 0)
        transmit->options.idle_ms = TRANSMIT_CALL_AGE_S * 1000;
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
    transmit_call_fill(call, request);
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
                                                .date_s = -1,
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
