/* local: answers /healthz, /readyz and /metrics by a table of routes. See local.h.
 *
 * /metrics is gathered on the thread pool, as it reads the store; the rest is answered on the loop.
 */
#include "gateway/monitor/local.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <uv.h>

#include "gateway/listener/listen.h"

enum { CONNECTIONS_MAX = 64, REQUEST_MAX = 16 * 1024, PAGE_MAX = 16 << 20, DRAIN_MS = 1000 };

struct local {
    struct local_options options;
    int socket;
    struct listener *listener;
    void (*on_stopped)(void *owner);
    void *stopped_owner;
};

/* One /metrics; lives in its exchange's arena. */
struct scrape {
    uv_work_t work;
    struct local *local;
    struct exchange *exchange;
    struct metric_sheet sheet;
    void *token;
};

static void answer(struct exchange *exchange, int status, const char *type, const char *body)
{
    const struct http_header headers[] = {{"Cache-Control", "no-store"}};
    const struct answer given = {.status = status,
                                 .type = type,
                                 .headers = headers,
                                 .headers_count = 1,
                                 .body = body,
                                 .body_length = strlen(body)};
    exchange_answer(exchange, &given);
}

static void say(struct exchange *exchange, int status, const char *text)
{
    answer(exchange, status, "text/plain; charset=utf-8",
           arena_print(&exchange->arena, "%s\n", text));
}

/* ---- routes ---- */

static void health(struct local *local, struct exchange *exchange)
{
    (void)local;
    say(exchange, 200, "ok"); /* the loop answers: that is all it says */
}

static void ready(struct local *local, struct exchange *exchange)
{
    const char *why = local->options.why_not_ready(local->options.owner);
    say(exchange, why == NULL ? 200 : 503, why == NULL ? "ready" : why);
}

static void gather(uv_work_t *work)
{
    struct scrape *scrape = work->data;
    scrape->local->options.store_figures(scrape->token, &scrape->sheet);
}

static void on_gathered(uv_work_t *work, int status)
{
    struct scrape *scrape = work->data;
    struct exchange *exchange = scrape->exchange;
    struct text page = text_new(&exchange->arena, PAGE_MAX);
    (void)status;
    metric_print(&scrape->sheet, &page);
    answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", page.at);
}

static void metrics(struct local *local, struct exchange *exchange)
{
    struct scrape *scrape = arena_alloc(&exchange->arena, sizeof *scrape);
    scrape->local = local;
    scrape->exchange = exchange;
    scrape->work.data = scrape;
    metric_sheet_start(&scrape->sheet, &exchange->arena);
    local->options.loop_figures(local->options.owner, &scrape->sheet, &scrape->token);
    if (uv_queue_work(local->options.loop, &scrape->work, gather, on_gathered) == 0)
        return;
    gather(&scrape->work);
    on_gathered(&scrape->work, 0);
}

static const struct {
    const char *path;
    void (*handle)(struct local *local, struct exchange *exchange);
} routes[] = {{"/healthz", health}, {"/readyz", ready}, {"/metrics", metrics}};

/* A page from elsewhere that a browser was led to has its own name as Host. */
static bool is_for_us(const struct exchange *exchange)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *host = exchange_header(exchange, "Host");
    for (size_t i = 0; host != NULL && i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        if (strncasecmp(host, names[i], length) == 0 &&
            (host[length] == '\0' || host[length] == ':'))
            return true;
    }
    return false;
}

static void on_request(void *owner, struct exchange *exchange)
{
    struct local *local = owner;
    if (!is_for_us(exchange)) {
        say(exchange, 403, "found another host name; expected localhost");
        return;
    }
    if (strcmp(exchange->method, "GET") != 0 && strcmp(exchange->method, "HEAD") != 0) {
        say(exchange, 405, "expected GET");
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].path, exchange->path) == 0) {
            routes[i].handle(local, exchange);
            return;
        }
    }
    say(exchange, 404, "expected /healthz, /readyz or /metrics");
}

/* ---- life ---- */

struct local *local_start(const struct local_options *options, struct arena *arena,
                          struct fault *ret_fault)
{
    struct local *local = calloc(1, sizeof *local);
    if (local == NULL) {
        fault_set(ret_fault, FAULT_internal, NULL);
        return NULL;
    }
    local->options = *options;
    if (!listen_open(arena, "local_listen", options->address, &local->socket, ret_fault)) {
        free(local);
        return NULL;
    }
    struct listener_options listener = {.loop = options->loop,
                                        .socket = local->socket,
                                        .limits = listener_limits_default(),
                                        .clock = options->clock,
                                        .on_request = on_request,
                                        .owner = local};
    listener.limits.connections_max = CONNECTIONS_MAX;
    listener.limits.yields = true; /* whoever hangs there must not keep monitoring out */
    listener.limits.http.framing.body_bytes_max = REQUEST_MAX;
    listener.limits.http.framing.head_bytes_max = REQUEST_MAX;
    local->listener = listener_start(&listener, ret_fault);
    if (local->listener != NULL)
        return local;
    close(local->socket);
    free(local);
    return NULL;
}

unsigned local_port(const struct local *local)
{
    return listen_port(local->socket);
}

static void on_listener_stopped(void *owner)
{
    struct local *local = owner;
    void (*on_stopped)(void *owner) = local->on_stopped;
    void *stopped_owner = local->stopped_owner;
    close(local->socket);
    free(local);
    if (on_stopped != NULL)
        on_stopped(stopped_owner);
}

void local_stop(struct local *local, void (*on_stopped)(void *owner), void *owner)
{
    local->on_stopped = on_stopped;
    local->stopped_owner = owner;
    listener_stop(local->listener, DRAIN_MS, on_listener_stopped);
}
