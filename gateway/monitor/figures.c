/* figures: see figures.h. */
#include "gateway/monitor/figures.h"

#include <string.h>

#include "gateway/referral/track.h"
#include "gateway/store/store.h"
#include "gateway/store/upkeep.h"

enum { DAY_S = 86400, DAY_MS = 86400 * 1000, LISTS_MAX = 16 };

/* ---- the partner port ---- */

static void put_closed(struct metric_sheet *sheet, const struct listener_counters *counters)
{
    static const char *const deadlines[] = {"handshake", "idle", "head", "body", "answer"};
    metric_put(sheet, METRIC_connections_closed_total, "evicted", NULL, (double)counters->evicted);
    metric_put(sheet, METRIC_connections_closed_total, "untrusted", NULL,
               (double)counters->untrusted);
    metric_put(sheet, METRIC_connections_closed_total, "crowded", NULL, (double)counters->crowded);
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++)
        metric_put(sheet, METRIC_connections_closed_total, deadlines[i], NULL,
                   (double)counters->overdue[i]);
}

static void put_handshakes(struct metric_sheet *sheet, const struct listener_counters *counters)
{
    uint64_t failed = counters->handshakes_failed - counters->refused_peers;
    metric_put(sheet, METRIC_handshakes_total, "good", NULL, (double)counters->handshakes);
    metric_put(sheet, METRIC_handshakes_total, "failed", NULL, (double)failed);
    metric_put(sheet, METRIC_handshakes_total, "refused", NULL, (double)counters->refused_peers);
}

static void add_listener(struct listener_counters *sum, const struct listener_counters *one)
{
    sum->accepted += one->accepted;
    sum->evicted += one->evicted;
    sum->handshakes += one->handshakes;
    sum->handshakes_failed += one->handshakes_failed;
    sum->refused_peers += one->refused_peers;
    sum->untrusted += one->untrusted;
    sum->crowded += one->crowded;
    sum->connections += one->connections;
    sum->strangers += one->strangers;
    for (size_t i = 0; i < sizeof sum->overdue / sizeof *sum->overdue; i++)
        sum->overdue[i] += one->overdue[i];
}

static void put_stations(const struct figures_from *from, struct metric_sheet *sheet)
{
    static const char *const classes[] = {NULL, "1xx", "2xx", "3xx", "4xx", "5xx"};
    struct listener_counters listener = {.accepted = 0};
    struct http_counters http = {.requests = 0};
    for (unsigned i = 0; i < from->station_count; i++) {
        struct station_figures one = station_figures(from->stations[i]);
        add_listener(&listener, &one.listener);
        http.requests += one.http.requests;
        http.bodies_bytes += one.http.bodies_bytes;
        histogram_merge(&http.times, &one.http.times);
        for (size_t k = 1; k < sizeof classes / sizeof *classes; k++)
            http.answers[k] += one.http.answers[k];
    }
    metric_put(sheet, METRIC_connections, NULL, NULL, (double)listener.connections);
    metric_put(sheet, METRIC_strangers, NULL, NULL, (double)listener.strangers);
    metric_put(sheet, METRIC_held_bytes, NULL, NULL, (double)http.bodies_bytes);
    metric_put(sheet, METRIC_connections_accepted_total, NULL, NULL, (double)listener.accepted);
    put_closed(sheet, &listener);
    put_handshakes(sheet, &listener);
    metric_put(sheet, METRIC_requests_total, NULL, NULL, (double)http.requests);
    for (size_t k = 2; k < sizeof classes / sizeof *classes; k++)
        metric_put(sheet, METRIC_answers_total, classes[k], NULL, (double)http.answers[k]);
    metric_put_histogram(sheet, METRIC_request_seconds, &http.times);
}

static void put_quotas(const struct figures_from *from, struct metric_sheet *sheet)
{
    const struct quota_figures *at = quotas_count(from->quotas, sheet->arena);
    for (; at != NULL; at = at->next) {
        metric_put(sheet, METRIC_partner_connections, at->partner, NULL, (double)at->connections);
        metric_put(sheet, METRIC_partner_refused_total, at->partner, NULL,
                   (double)at->bad_requests);
        for (int reason = 0; reason < QUOTA_REASONS; reason++)
            metric_put(sheet, METRIC_partner_limited_total, at->partner,
                       quota_reason_name((enum quota_reason)reason), (double)at->refused[reason]);
    }
}

/* ---- delivery, commits, care ---- */

static void put_courier(const struct figures_from *from, struct metric_sheet *sheet)
{
    const struct courier_figures *at = courier_count(from->courier, sheet->arena);
    for (; at != NULL; at = at->next) {
        metric_put(sheet, METRIC_partner_breaker, at->partner, NULL, (double)at->state);
        metric_put(sheet, METRIC_partner_in_flight, at->partner, NULL, (double)at->in_flight);
        for (size_t i = 0; i < PACE_OUTCOMES; i++)
            metric_put(sheet, METRIC_deliveries_total, at->partner, courier_outcome_name(i),
                       (double)at->outcomes[i]);
    }
    metric_put_histogram(sheet, METRIC_delivery_seconds, courier_times(from->courier));
}

static void put_writer(const struct figures_from *from, struct metric_sheet *sheet)
{
    struct writer_figures figures = writer_figures(from->office->writer);
    metric_put(sheet, METRIC_commit_groups_total, NULL, NULL, (double)figures.groups);
    metric_put(sheet, METRIC_commit_units_total, NULL, NULL, (double)figures.units);
    metric_put_histogram(sheet, METRIC_commit_group_size, &figures.sizes);
    metric_put(sheet, METRIC_store_full, NULL, NULL, figures.is_full ? 1 : 0);
}

static void put_terms(const struct figures_from *from, struct metric_sheet *sheet)
{
    struct watch_term *terms;
    size_t count = care_terms(from->care, sheet->arena, &terms);
    double now = (double)clock_wall_ms(&from->office->setup->clock) / 1000;
    for (size_t i = 0; i < count; i++) {
        const struct watch_term *term = &terms[i];
        const char *whose = term->partner == NULL ? "ourselves" : term->partner;
        double days = ((double)term->until - now) / DAY_S;
        if (term->kind != WATCH_CRL) {
            metric_put(sheet, METRIC_certificate_days, whose, watch_kind_name(term->kind), days);
            continue;
        }
        metric_put(sheet, METRIC_revocation_list_days, whose, NULL, days);
        metric_put(sheet, METRIC_revocation_list_age_days, whose, NULL,
                   (now - (double)term->since) / DAY_S);
    }
}

static void put_care(const struct figures_from *from, struct metric_sheet *sheet)
{
    struct care_figures figures = care_count(from->care);
    metric_put(sheet, METRIC_reloads_total, "taken", NULL, (double)figures.reloads_taken);
    metric_put(sheet, METRIC_reloads_total, "refused", NULL, (double)figures.reloads_refused);
    for (int kind = 0; kind < ALARM_KINDS; kind++)
        metric_put(sheet, METRIC_alarms_total, alarm_name((enum alarm_kind)kind), NULL,
                   (double)figures.alarms.raised[kind]);
    metric_put(sheet, METRIC_alarm_failures_total, NULL, NULL, (double)figures.alarms.failures);
    metric_put(sheet, METRIC_clock_jumps_total, NULL, NULL, (double)figures.clock_jumps);
    metric_put(sheet, METRIC_disk_low, NULL, NULL,
               figures.disk.is_stopped ? 2 : figures.disk.is_low);
    metric_put(sheet, METRIC_retention_total, "bodies", NULL, (double)figures.kept.removed_bodies);
    metric_put(sheet, METRIC_retention_total, "rows", NULL, (double)figures.kept.removed_rows);
    metric_put(sheet, METRIC_retention_total, "moved", NULL, (double)figures.kept.moved);
    metric_put(sheet, METRIC_retention_total, "segments", NULL, (double)figures.kept.segments);
}

void figures_of_loop(const struct figures_from *from, struct metric_sheet *sheet)
{
    metric_put(sheet, METRIC_build_info, REFGATE_VERSION, NULL, 1);
    metric_put(sheet, METRIC_start_time_seconds, NULL, NULL, (double)from->started_ms / 1000);
    metric_put(sheet, METRIC_ready, NULL, NULL, care_fault(from->care) == NULL ? 1 : 0);
    put_stations(from, sheet);
    put_quotas(from, sheet);
    put_courier(from, sheet);
    put_writer(from, sheet);
    put_terms(from, sheet);
    put_care(from, sheet);
}

/* ---- the store ---- */

static bool is_unsent(const char *state)
{
    return text_equal(state, "queued") || text_equal(state, "sending");
}

static void put_waiting(struct store *store, struct metric_sheet *sheet)
{
    int64_t now_ms = store_lived_ms(store);
    struct store_waiting *waiting;
    const char *partner = NULL;
    int64_t oldest_ms = 0;
    size_t count = store_count_waiting(store, sheet->arena, &waiting);
    for (size_t i = 0; i <= count; i++) {
        const struct store_waiting *at = i < count ? &waiting[i] : NULL;
        bool is_next = at == NULL || !text_equal(at->partner, partner);
        if (is_next && partner != NULL && oldest_ms > 0)
            metric_put(sheet, METRIC_unsent_oldest_seconds, partner, NULL,
                       (double)(now_ms - oldest_ms) / 1000);
        if (at == NULL)
            break;
        oldest_ms = is_next ? 0 : oldest_ms;
        partner = at->partner;
        if (is_unsent(at->state) && (oldest_ms == 0 || at->oldest_ms < oldest_ms))
            oldest_ms = at->oldest_ms;
        metric_put(sheet, METRIC_messages, at->partner, at->state, (double)at->count);
    }
}

struct list_figures {
    const char *list;
    int64_t count, overdue;
};

/* Which of the two clocks runs in a list. */
static bool waits_for_answer(const char *list)
{
    return text_equal(list, "to answer") || text_equal(list, "waiting for an answer");
}

static void put_referrals(struct store *store, const struct config *config, int64_t now_ms,
                          struct metric_sheet *sheet)
{
    struct list_figures lists[LISTS_MAX];
    size_t list_count = 0;
    struct store_standing *standing;
    size_t count = store_count_standing(
        store, sheet->arena, now_ms - (int64_t)config->overdue_answer_days * DAY_MS,
        now_ms - (int64_t)config->overdue_step_days * DAY_MS, &standing);
    for (size_t i = 0; i < count; i++) {
        const struct store_referral like = {.role = standing[i].role,
                                            .task_status = standing[i].task_status,
                                            .abort_status = standing[i].abort_status};
        const char *list = track_list(&like);
        size_t at = 0;
        if (track_is_over(like.task_status))
            continue;
        while (at < list_count && !text_equal(lists[at].list, list))
            at++;
        if (at == LISTS_MAX)
            continue;
        if (at == list_count)
            lists[list_count++] = (struct list_figures){.list = list};
        lists[at].count += standing[i].count;
        lists[at].overdue += waits_for_answer(list) ? standing[i].unanswered : standing[i].unmoved;
    }
    for (size_t i = 0; i < list_count; i++) {
        metric_put(sheet, METRIC_referrals, lists[i].list, NULL, (double)lists[i].count);
        metric_put(sheet, METRIC_referrals_overdue, lists[i].list, NULL, (double)lists[i].overdue);
    }
}

static void put_disk(const struct setup *setup, struct metric_sheet *sheet)
{
    struct disk_room room;
    if (disk_measure(setup->dir, &room))
        metric_put(sheet, METRIC_disk_free_bytes, NULL, NULL, (double)room.free);
}

void figures_of_store(struct setup *setup, struct metric_sheet *sheet)
{
    struct store *store;
    struct fault fault;
    int64_t now_ms = clock_wall_ms(&setup->clock);
    if (store_open_reader(office_store_path(setup, sheet->arena), &store, sheet->arena, &fault)) {
        put_waiting(store, sheet);
        put_referrals(store, &setup->config, now_ms, sheet);
        metric_put(sheet, METRIC_tray_waiting, NULL, NULL, (double)store_count_tray(store));
        metric_put(sheet, METRIC_records_to_match, NULL, NULL, (double)store_count_to_match(store));
        metric_put(sheet, METRIC_store_bytes, NULL, NULL, (double)store_bytes(store));
        store_close(store);
    }
    put_disk(setup, sheet);
    setup_release(setup);
}
