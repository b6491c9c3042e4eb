/* sender: see delivery/sender.h.
 *
 * A look claims what is due for the partners that may have something (delivery/partner_state.h) and
 * have slots free: so a partner that is away, or has nothing to send, is not even asked for. All
 * that wakes a look within one turn of the loop makes one look; its claim and the settling of what
 * came back meanwhile share one commit. */
#include "gateway/delivery/sender.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "gateway/delivery/attempt.h"
#include "gateway/delivery/partner_state.h"
#include "gateway/delivery/transmit.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/trace.h"

enum {
    LOOK_MAX_MS = 10000, /* all partners are asked for at least so often */
    AGAIN_MS = 500,      /* after the store did not take a piece of work */
    CONNECTIONS_IDLE_MS = 300000,
    PARTNERS_A_LOOK = 256
};

struct courier {
    struct uv_loop_s *loop;
    struct setup *setup;
    struct context *context;
    struct writer *writer;
    struct writer_port *port;
    struct transmit *transmit;
    struct pace *paces;
    struct pace **by_partner; /* of each partner of the setup; NULL where there was no memory */
    uv_timer_t timer;
    uv_async_t wake;
    struct settling *unsettled; /* that the writer did not take; tried again */
    int64_t asked_all_ms;       /* monotonic */
    uint64_t generation;
    struct courier_watcher watcher;
    struct histogram times;
    bool is_looking, look_again, all_wanted, is_stopping;
    unsigned open_handles; /* closing: timer, wake and transmit */
    unsigned settling;     /* units at the writer */
    void (*on_stopped)(void *owner);
    void *owner;
};

struct look { /* a unit: what is due, claimed for partners with free slots */
    struct unit unit;
    struct arena arena;
    struct courier *courier;
    struct setup *setup; /* held */
    struct wanted {
        const struct partner *partner;
        struct pace *pace;
        size_t slots, count;
        struct deliver_item *items;
        int64_t next_due_ms;
    } wanted[PARTNERS_A_LOOK];
    size_t wanted_count;
    size_t under_way; /* exchanges that still read our arena */
};

struct parcel { /* one exchange */
    struct look *look;
    const struct partner *partner;
    int64_t message;
    char trace[TRACE_ID_TEXT];
};

struct settling { /* a unit: what became of one exchange */
    struct unit unit;
    struct arena arena;
    struct settling *next; /* of the unsettled */
    struct courier *courier;
    struct setup *setup;
    struct pace *pace; /* NULL: no memory for one */
    int64_t message;
    const char *trace;
    struct deliver_result result;
    uint32_t random;
    enum deliver_verdict verdict;
};

static uint32_t random_number(void)
{
    uint32_t number = 0;
    uv_random(NULL, NULL, &number, sizeof number, 0, NULL);
    return number;
}

static void know_partners(struct courier *courier)
{
    const struct partner_list *partners = &courier->setup->partners;
    free(courier->by_partner);
    courier->by_partner = calloc(partners->count + 1, sizeof(struct pace *));
    for (size_t i = 0; courier->by_partner != NULL && i < partners->count; i++)
        courier->by_partner[i] = pace_of(&courier->paces, partners->items[i].name);
    courier->all_wanted = true;
}

/* ---- stopping ---- */

static void free_settling(struct settling *settling)
{
    setup_release(settling->setup);
    arena_free(&settling->arena);
    free(settling);
}

/* What is not settled goes again, with its ids, after the next start. */
static void drop_unsettled(struct courier *courier)
{
    while (courier->unsettled != NULL) {
        struct settling *next = courier->unsettled->next;
        free_settling(courier->unsettled);
        courier->unsettled = next;
    }
}

static void maybe_stopped(struct courier *courier)
{
    if (!courier->is_stopping || courier->open_handles > 0 || courier->settling > 0 ||
        courier->is_looking)
        return;
    void (*on_stopped)(void *owner) = courier->on_stopped;
    void *owner = courier->owner;
    writer_port_close(courier->port);
    drop_unsettled(courier);
    free(courier->by_partner);
    pace_free(courier->paces);
    setup_release(courier->setup);
    context_release(courier->context);
    free(courier);
    if (on_stopped != NULL)
        on_stopped(owner);
}

/* ---- settling ---- */

static bool settle(struct unit *unit, struct store *store)
{
    struct settling *settling = (struct settling *)unit;
    struct flow flow = {settling->setup, store, unit->arena, clock_wall_ms(&settling->setup->clock),
                        NULL};
    settling->verdict =
        attempt_settle(&flow, settling->message, &settling->result, settling->random);
    return true;
}

static void tell_settled(const struct settling *settling)
{
    const struct courier *courier = settling->courier;
    const struct deliver_result *result = &settling->result;
    const char *partner = settling->pace == NULL ? NULL : settling->pace->name;
    static const enum log_level levels[] = {[DELIVER_DONE] = LOG_LEVEL_INFO,
                                            [DELIVER_REJECTED] = LOG_LEVEL_WARNING,
                                            [DELIVER_LATER] = LOG_LEVEL_DEBUG,
                                            [DELIVER_PARKED] = LOG_LEVEL_WARNING};
    bool is_done = settling->verdict == DELIVER_DONE;
    if (settling->pace != NULL)
        settling->pace->outcomes[settling->verdict]++;
    log_number(levels[settling->verdict],
               is_done ? "sent" : courier_outcome_name(settling->verdict), "ms",
               (long long)(result->total_us / 1000), "partner", partner, "trace", settling->trace,
               "why", is_done ? NULL : result->sentence, NULL);
    if (settling->verdict == DELIVER_PARKED && courier->watcher.on_parked != NULL)
        courier->watcher.on_parked(courier->watcher.owner, partner, settling->message,
                                   result->sentence);
    if (settling->verdict == DELIVER_REJECTED && courier->watcher.on_rejected != NULL)
        courier->watcher.on_rejected(courier->watcher.owner, partner, settling->message);
}

static void on_timer(uv_timer_t *timer);

static void plan_next(struct courier *courier, int64_t most_ms)
{
    int64_t wall_ms = clock_wall_ms(&courier->setup->clock);
    int64_t monotonic_ms = clock_monotonic_ms(&courier->setup->clock);
    int64_t wait = courier->unsettled != NULL && AGAIN_MS < most_ms ? AGAIN_MS : most_ms;
    if (courier->is_stopping)
        return;
    for (const struct pace *pace = courier->paces; pace != NULL; pace = pace->next) {
        int64_t own = pace_wait_ms(pace, wall_ms, monotonic_ms);
        wait = own < wait ? own : wait;
    }
    uv_timer_start(&courier->timer, on_timer, wait < 1 ? 1 : (uint64_t)wait, 0);
}

/* The store has no room just now: what came back must not be forgotten. */
static void settle_later(struct settling *settling)
{
    settling->next = settling->courier->unsettled;
    settling->courier->unsettled = settling;
    plan_next(settling->courier, AGAIN_MS);
}

static void post_settling(struct settling *settling)
{
    struct courier *courier = settling->courier;
    if (writer_post(courier->writer, courier->port, &settling->unit))
        courier->settling++;
    else
        settle_later(settling);
}

static void settle_again(struct courier *courier)
{
    struct settling *settling = courier->unsettled;
    courier->unsettled = NULL;
    while (settling != NULL) {
        struct settling *next = settling->next;
        post_settling(settling);
        settling = next;
    }
}

static void on_settled(struct unit *unit)
{
    struct settling *settling = (struct settling *)unit;
    struct courier *courier = settling->courier;
    courier->settling--;
    if (unit->fault.kind == FAULT_none) {
        tell_settled(settling);
        free_settling(settling);
    } else {
        settle_later(settling);
    }
    maybe_stopped(courier);
}

static enum deliver_outcome outcome_of(enum transmit_outcome outcome)
{
    if (outcome == TRANSMIT_ANSWERED)
        return DELIVER_ANSWERED;
    return transmit_unsent(outcome) ? DELIVER_CANNOT_CONNECT : DELIVER_UNKNOWN;
}

static struct deliver_result result_of(struct arena *arena, const struct transmit_result *from)
{
    struct deliver_result result = {.outcome = outcome_of(from->outcome),
                                    .status = from->status,
                                    .body = arena_copy_n(arena, from->body, from->body_length),
                                    .length = from->body_length,
                                    .retry_after_s =
                                        from->retry_after_s > 0 ? (long)from->retry_after_s : 0,
                                    .sentence = arena_copy(arena, from->sentence),
                                    .connect_us = from->connect_us,
                                    .tls_us = from->tls_us,
                                    .first_byte_us = from->first_byte_us,
                                    .total_us = from->total_us};
    return result;
}

/* One line when a partner goes down, one when it is back. */
static void tell_edge(const struct courier *courier, struct pace *pace, const char *why,
                      int64_t now_ms)
{
    const struct courier_watcher *watcher = &courier->watcher;
    enum pace_edge edge = pace_edge(pace, now_ms);
    if (edge == PACE_SAME)
        return;
    if (edge == PACE_DOWN)
        log_event(LOG_LEVEL_WARNING, "partner-down", "partner", pace->name, "why", why, NULL);
    else
        log_event(LOG_LEVEL_INFO, "partner-back", "partner", pace->name, NULL);
    if (watcher->on_edge != NULL)
        watcher->on_edge(watcher->owner, pace->name, edge == PACE_DOWN, why);
}

static void release_look(struct look *look)
{
    if (look->under_way > 0)
        return;
    setup_release(look->setup);
    arena_free(&look->arena);
    free(look);
}

static void on_transmitted(void *owner, const struct transmit_result *from)
{
    struct parcel *parcel = owner;
    struct look *look = parcel->look;
    struct courier *courier = look->courier;
    struct settling *settling = calloc(1, sizeof *settling);
    struct pace *pace = pace_of(&courier->paces, parcel->partner->name);
    int64_t now_ms = clock_monotonic_ms(&courier->setup->clock);
    if (settling != NULL) {
        settling->unit =
            (struct unit){.run = settle, .done = on_settled, .arena = &settling->arena};
        settling->courier = courier;
        settling->setup = setup_hold(look->setup);
        settling->pace = pace;
        settling->message = parcel->message;
        settling->trace = arena_copy(&settling->arena, parcel->trace);
        settling->result = result_of(&settling->arena, from);
        settling->random = random_number();
        if (pace != NULL) {
            deliver_ended(&pace->sending, &look->setup->config, parcel->partner, &settling->result,
                          now_ms, settling->random);
            tell_edge(courier, pace, settling->result.sentence, now_ms);
        }
    }
    if (from->outcome == TRANSMIT_ANSWERED)
        histogram_add(&courier->times, HISTOGRAM_TIME, (uint64_t)from->total_us);
    if (from->server->verdict == VERDICT_admitted && courier->watcher.on_served != NULL)
        courier->watcher.on_served(courier->watcher.owner, from->server);
    look->under_way--;
    release_look(look);
    /* Without memory it stays "sending" and goes again, with its ids, after a start. */
    if (settling != NULL)
        post_settling(settling);
    if (pace != NULL)
        pace->is_wanted = true; /* a slot is free, and the next of its referral has its turn */
    if (!courier->is_stopping)
        uv_async_send(&courier->wake); /* the look comes to the writer behind the settling */
}

/* ---- sending ---- */

static void send_item(struct courier *courier, struct look *look, const struct partner *partner,
                      const struct deliver_item *item)
{
    struct parcel *parcel = arena_alloc(&look->arena, sizeof *parcel);
    const struct config *config = &look->setup->config;
    char traceparent[TRACE_PARENT_TEXT];
    const struct http_header headers[] = {
        {"Content-Type", "application/fhir+json"},
        {"Accept", "application/fhir+json"},
        {"X-Request-Id", item->message.message_id},
        {"X-Correlation-Id", item->correlation},
        {"traceparent", traceparent},
    };
    struct transmit_request request = {
        .partner = partner->name,
        .generation = courier->generation,
        .context = courier->context,
        .url = arena_print(&look->arena, "%s/%s", partner->url, item->operation),
        .body = item->body,
        .body_length = item->length,
        .headers = headers,
        .headers_count = sizeof headers / sizeof *headers,
        .limits = transmit_limits_default()};
    request.limits.connect_ms = (unsigned)config->connect_deadline_ms;
    request.limits.total_ms = (unsigned)config->request_deadline_ms;
    request.limits.body_bytes_max = config->answer_max_bytes;
    *parcel = (struct parcel){look, partner, item->message.id, ""};
    trace_of(NULL, item->message.message_id, parcel->trace);
    trace_parent(parcel->trace, (unsigned long long)item->message.attempts + 1, traceparent);
    look->under_way++;
    transmit_send(courier->transmit, &request, on_transmitted, parcel);
}

static bool claim(struct unit *unit, struct store *store)
{
    struct look *look = (struct look *)unit;
    int64_t now_ms = clock_wall_ms(&look->setup->clock);
    struct flow flow = {look->setup, store, unit->arena, now_ms, NULL};
    for (size_t i = 0; i < look->wanted_count; i++) {
        struct wanted *wanted = &look->wanted[i];
        wanted->count = attempt_claim(&flow, wanted->partner->name, wanted->slots, &wanted->items);
        wanted->next_due_ms = store_next_due(store, wanted->partner->name);
    }
    return true;
}

/* ---- when to look ---- */

/* Those that have something and may be sent to. False when there was no room for all. */
static bool choose_partners(struct courier *courier, struct look *look)
{
    const struct setup *setup = courier->setup;
    int64_t wall_ms = clock_wall_ms(&setup->clock);
    int64_t monotonic_ms = clock_monotonic_ms(&setup->clock);
    for (size_t i = 0; courier->by_partner != NULL && i < setup->partners.count; i++) {
        const struct partner *partner = &setup->partners.items[i];
        struct pace *pace = courier->by_partner[i];
        if (pace == NULL || !pace_is_wanted(pace, wall_ms) || deliver_is_resting(setup, partner))
            continue;
        size_t slots = deliver_slots(&pace->sending, &setup->config, partner, monotonic_ms);
        if (slots == 0)
            continue;
        if (look->wanted_count == PARTNERS_A_LOOK)
            return false;
        look->wanted[look->wanted_count++] =
            (struct wanted){.partner = partner, .pace = pace, .slots = slots};
    }
    return true;
}

static void look_around(struct courier *courier);

static void on_claimed(struct unit *unit)
{
    struct look *look = (struct look *)unit;
    struct courier *courier = look->courier;
    bool is_good = unit->fault.kind == FAULT_none;
    courier->is_looking = false;
    look->under_way++; /* ours, until all are sent */
    for (size_t i = 0; is_good && i < look->wanted_count; i++) {
        const struct wanted *wanted = &look->wanted[i];
        pace_claimed(wanted->pace, wanted->slots, wanted->count, wanted->next_due_ms);
        for (size_t k = 0; k < wanted->count && !courier->is_stopping; k++)
            send_item(courier, look, wanted->partner, &wanted->items[k]);
    }
    look->under_way--;
    release_look(look);
    plan_next(courier, is_good ? LOOK_MAX_MS : AGAIN_MS);
    if (courier->look_again && is_good)
        look_around(courier);
    maybe_stopped(courier);
}

static void want_all(struct courier *courier)
{
    courier->all_wanted = false;
    courier->asked_all_ms = clock_monotonic_ms(&courier->setup->clock);
    for (struct pace *pace = courier->paces; pace != NULL; pace = pace->next)
        pace->is_wanted = true;
}

static void look_around(struct courier *courier)
{
    if (courier->is_stopping)
        return;
    settle_again(courier);
    courier->look_again = courier->is_looking;
    if (courier->is_looking)
        return;
    if (courier->all_wanted)
        want_all(courier);
    struct look *look = calloc(1, sizeof *look);
    if (look == NULL)
        return;
    look->unit = (struct unit){.run = claim, .done = on_claimed, .arena = &look->arena};
    look->courier = courier;
    look->setup = setup_hold(courier->setup);
    courier->look_again = !choose_partners(courier, look);
    courier->is_looking =
        look->wanted_count > 0 && writer_post(courier->writer, courier->port, &look->unit);
    if (courier->is_looking)
        return;
    plan_next(courier, look->wanted_count > 0 ? AGAIN_MS : LOOK_MAX_MS);
    release_look(look);
}

static void on_timer(uv_timer_t *timer)
{
    struct courier *courier = timer->data;
    int64_t now_ms = clock_monotonic_ms(&courier->setup->clock);
    courier->all_wanted = courier->all_wanted || now_ms - courier->asked_all_ms >= LOOK_MAX_MS;
    look_around(courier);
}

static void on_wake(uv_async_t *async)
{
    look_around(async->data);
}

void courier_wake(struct courier *courier)
{
    courier->all_wanted = true;
    if (!courier->is_stopping)
        uv_async_send(&courier->wake);
}

/* ---- life ---- */

struct courier *courier_start(struct uv_loop_s *loop, struct setup *setup, struct context *context,
                              struct writer *writer)
{
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier == NULL)
        return NULL;
    struct transmit_options options = {.loop = loop, .idle_ms = CONNECTIONS_IDLE_MS};
    courier->loop = loop;
    courier->setup = setup_hold(setup);
    courier->context = context_hold(context);
    courier->writer = writer;
    courier->port = writer_port_open(loop);
    courier->transmit = transmit_new(&options);
    courier->generation = 1;
    courier->timer.data = courier;
    courier->wake.data = courier;
    uv_timer_init(loop, &courier->timer);
    uv_async_init(loop, &courier->wake, on_wake);
    know_partners(courier);
    courier_wake(courier);
    return courier;
}

void courier_watch(struct courier *courier, const struct courier_watcher *watcher)
{
    courier->watcher = *watcher;
}

const char *courier_outcome_name(size_t outcome)
{
    static const char *const names[PACE_OUTCOMES] = {[DELIVER_DONE] = "done",
                                                     [DELIVER_REJECTED] = "rejected",
                                                     [DELIVER_LATER] = "later",
                                                     [DELIVER_PARKED] = "parked"};
    return names[outcome];
}

struct courier_figures *courier_count(const struct courier *courier, struct arena *arena)
{
    struct courier_figures *first = NULL;
    int64_t now_ms = clock_monotonic_ms(&courier->setup->clock);
    for (const struct pace *pace = courier->paces; pace != NULL; pace = pace->next) {
        struct courier_figures *figures = arena_alloc(arena, sizeof *figures);
        figures->partner = pace->name;
        figures->in_flight = pace->sending.in_flight;
        figures->state = deliver_is_open(&pace->sending, now_ms) ? COURIER_DOWN
                         : pace->sending.is_probing              ? COURIER_TRIES
                                                                 : COURIER_IN_USE;
        memcpy(figures->outcomes, pace->outcomes, sizeof figures->outcomes);
        figures->next = first;
        first = figures;
    }
    return first;
}

const struct histogram *courier_times(const struct courier *courier)
{
    return &courier->times;
}

/* What is under way to a partner that was just switched off is broken off: it goes again, with its
 * ids, when the partner is back. */
static void drop_disabled(struct courier *courier)
{
    const struct partner_list *partners = &courier->setup->partners;
    for (size_t i = 0; i < partners->count; i++) {
        if (partners->items[i].disabled)
            transmit_drop(courier->transmit, partners->items[i].name);
    }
}

void courier_use(struct courier *courier, struct setup *setup, struct context *context)
{
    setup_release(courier->setup);
    context_release(courier->context);
    courier->setup = setup_hold(setup);
    courier->context = context_hold(context);
    courier->generation++;
    know_partners(courier);
    drop_disabled(courier);
    courier_wake(courier);
}

static void on_handle_closed(struct courier *courier)
{
    courier->open_handles--;
    maybe_stopped(courier);
}

static void on_own_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

static void on_transmit_closed(void *owner)
{
    on_handle_closed(owner);
}

void courier_stop(struct courier *courier, void (*on_stopped)(void *owner), void *owner)
{
    courier->is_stopping = true;
    courier->on_stopped = on_stopped;
    courier->owner = owner;
    courier->open_handles = 3;
    uv_close((uv_handle_t *)&courier->timer, on_own_closed);
    uv_close((uv_handle_t *)&courier->wake, on_own_closed);
    transmit_close(courier->transmit, on_transmit_closed, courier);
}
