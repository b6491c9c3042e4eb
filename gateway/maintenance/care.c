/* care: what a service looks after while it runs. See care.h.
 *
 * A pulse on loop 0, each second, asks what is due. What may block is a job: its `run` is on a pool
 * thread and touches only what belongs to the job, its `done` is on the loop again, and each job
 * runs at most once at a time. Everything else here is the loop's; the two that other loops call,
 * care_note_peer and what it uses, have a lock or an atomic of their own. */
#include "gateway/maintenance/care.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "gateway/maintenance/overdue.h"
#include "gateway/maintenance/refusals.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/sd_notify.h"
#include "gateway/tls/revocation.h"

enum {
    PULSE_MS = 1000,
    HOUR_MS = 3600 * 1000,
    NOTE_MS = 10000,         /* refused callers are written together, at most so often */
    FETCH_AGAIN_MS = 600000, /* after a failure */
    MEASURE_MS = 2000,       /* how much room is left */
    JUMP_MS = 60000,         /* the wall clock against the other one */
    AGE_MS = 30000,          /* does something wait for too long? */
    RETAIN_FIRST_MS = 5000,  /* after the start */
};

struct care_job {
    uv_work_t work;
    struct care *care;
    bool is_running;
    int64_t next_ms; /* monotonic */
    void (*run)(struct care_job *job);
    void (*done)(struct care_job *job);
    struct office office; /* as of this run; its setup is held */
};

struct care {
    struct care_options options;
    struct context *context; /* held */
    uv_timer_t pulse;
    struct alarm *alarm;
    struct watch_served *served;
    struct watch_told *told;
    struct watch_look look;
    struct care_job looking, noting, fetching, measuring, retaining, ageing;
    struct late *late; /* of the job ageing, as the next two */
    struct arena late_arena;
    struct late_edge *edges;
    size_t edge_count;
    struct disk_room room;                  /* of the last measuring; all 0: unknown */
    struct retention retention;             /* of the job */
    unsigned char print[WATCH_PRINT_BYTES]; /* of the last look */
    bool fetched;                           /* the last run of fetching brought a new list */
    _Atomic bool is_served_new;
    struct refusals *refusals;
    int64_t warned_ms; /* monotonic; of the last look at what runs out */
    int64_t ahead_ms;  /* of the wall clock before the monotonic one, at the last pulse */
    bool is_full;
    struct care_figures figures;
    bool is_stopping, is_timer_closed, is_alarm_stopped;
    void (*on_stopped)(void *owner);
    void *stopped_owner;
};

static int64_t now_ms(const struct care *care)
{
    return clock_monotonic_ms(&care->options.office->setup->clock);
}

/* Until it is looked again whether a list is due. */
static int64_t look_ms(const struct care *care)
{
    return (int64_t)care->options.office->setup->config.list_look_seconds * 1000;
}

static int64_t wall_s(const struct care *care)
{
    return clock_wall_ms(&care->options.office->setup->clock) / 1000;
}

static void raise_alarm(struct care *care, enum alarm_kind kind, const char *partner,
                        int64_t message, const char *sentence)
{
    const struct alarm_text text = {
        .kind = kind, .partner = partner, .message = message, .sentence = sentence};
    alarm_raise(care->alarm, care->options.office->setup, &text);
}

/* ---- jobs ---- */

static void maybe_stopped(struct care *care);

static void job_work(uv_work_t *work)
{
    struct care_job *job = work->data;
    job->run(job);
}

static void job_worked(uv_work_t *work, int status)
{
    struct care_job *job = work->data;
    struct care *care = job->care;
    (void)status;
    job->is_running = false;
    if (job->done != NULL && !care->is_stopping)
        job->done(job);
    setup_release(job->office.setup);
    maybe_stopped(care);
}

static void job_start(struct care_job *job, int64_t next_ms)
{
    struct care *care = job->care;
    if (job->is_running || care->is_stopping)
        return;
    job->next_ms = next_ms;
    job->work.data = job;
    job->office = *care->options.office;
    setup_hold(job->office.setup);
    job->is_running = uv_queue_work(care->options.loop, &job->work, job_work, job_worked) == 0;
    if (!job->is_running)
        setup_release(job->office.setup);
}

/* ---- changed files ---- */

static void run_look(struct care_job *job)
{
    watch_files(job->office.setup, job->care->print);
}

static void looked(struct care_job *job)
{
    struct care *care = job->care;
    int64_t settle_ms = (int64_t)job->office.setup->config.watch_settle_ms;
    bool is_latest = job->office.setup == care->options.office->setup;
    if (is_latest && watch_has_changed(&care->look, care->print, now_ms(care), settle_ms)) {
        watch_taken(&care->look, care->print); /* asked for once; care_reloaded() says the rest */
        log_event(LOG_LEVEL_INFO, "files-changed", NULL);
        care->options.reload(care->options.owner);
    }
}

/* ---- what runs out ---- */

static void warn(struct care *care)
{
    struct arena arena = ARENA_EMPTY;
    struct watch_term *terms;
    size_t count = care_terms(care, &arena, &terms);
    int64_t now = wall_s(care);
    for (size_t i = 0; i < count; i++) {
        int step = watch_step(&terms[i], now);
        if (watch_is_news(care->told, &terms[i], step))
            raise_alarm(care, ALARM_RUNS_OUT, terms[i].partner, 0,
                        watch_say(&arena, &terms[i], now));
    }
    care->warned_ms = now_ms(care);
    arena_free(&arena);
}

size_t care_terms(const struct care *care, struct arena *arena, struct watch_term **ret_terms)
{
    return watch_terms(care->options.office->setup, care->context, care->served, arena, ret_terms);
}

/* ---- callers ---- */

void care_note_peer(struct care *care, const struct verify_peer *peer)
{
    if (peer->verdict != VERDICT_admitted)
        refusals_note(care->refusals, peer);
    else if (watch_served_note(care->served, peer->partner, peer->not_after, time(NULL)))
        care->is_served_new = true;
}

/* ---- notes on disk: refused callers, certificates as served ---- */

static void run_note(struct care_job *job)
{
    struct care *care = job->care;
    refusals_write(care->refusals, job->office.writer, clock_wall_ms(&job->office.setup->clock));
    if (atomic_exchange(&care->is_served_new, false))
        watch_served_save(care->served, job->office.setup);
}

static bool has_notes(struct care *care)
{
    return refusals_wait(care->refusals) || care->is_served_new;
}

/* ---- revocation lists ---- */

static void run_fetch(struct care_job *job)
{
    const struct setup *setup = job->office.setup;
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    int64_t now = clock_wall_ms(&setup->clock) / 1000;
    bool has_failed = false;
    job->care->fetched = false;
    for (size_t i = 0; i < setup->partners.count; i++) {
        const struct partner *partner = &setup->partners.items[i];
        bool is_changed = false;
        if (partner->crl_url[0] == '\0' || partner->crl_policy == PARTNER_CRL_OFF ||
            revocation_due(setup, partner) > now)
            continue;
        if (revocation_fetch(setup, partner, &findings, &is_changed))
            log_event(LOG_LEVEL_INFO, "list-fetched", "partner", partner->name, "state",
                      is_changed ? "new" : "unchanged", NULL);
        else
            log_event(LOG_LEVEL_WARNING, "list-not-fetched", "partner", partner->name, "why",
                      findings.items[findings.count - 1].found, NULL);
        job->care->fetched = job->care->fetched || is_changed;
        has_failed = has_failed || findings.count > 0;
    }
    if (has_failed)
        job->next_ms = clock_monotonic_ms(&setup->clock) + FETCH_AGAIN_MS;
    arena_free(&arena);
}

static void fetched(struct care_job *job)
{
    if (job->care->fetched)
        job->care->options.reload(job->care->options.owner);
}

/* ---- the disk, and how long what is kept ---- */

static void run_measure(struct care_job *job)
{
    if (!disk_measure(job->office.setup->dir, &job->care->room))
        job->care->room = (struct disk_room){.all = 0};
}

static void measured(struct care_job *job)
{
    struct care *care = job->care;
    struct arena arena = ARENA_EMPTY;
    const struct disk_state before = care->figures.disk;
    if (care->room.all == 0)
        return;
    struct disk_state now = disk_judge(&before, &care->room, &job->office.setup->config);
    const char *said = disk_say(&arena, &now, &care->room, job->office.setup->dir);
    care->figures.disk = now;
    writer_set_open(job->office.writer, !now.is_stopped);
    if (now.is_low && !before.is_low)
        raise_alarm(care, ALARM_DISK_LOW, NULL, 0, said);
    if (now.is_stopped && !before.is_stopped)
        raise_alarm(care, ALARM_STORE_FULL, NULL, 0, said);
    if (!now.is_stopped && before.is_stopped)
        raise_alarm(care, ALARM_STORE_BACK, NULL, 0,
                    "there is room on the disk again; everything is taken");
    if (!now.is_low && before.is_low)
        raise_alarm(care, ALARM_DISK_BACK, NULL, 0, "there is enough room on the disk again");
    arena_free(&arena);
}

/* A commit notes lived time (store/lived.h); a service that has nothing else to do makes one. */
static bool commit_nothing(struct unit *unit, struct store *store)
{
    (void)unit;
    (void)store;
    return true;
}

static void note_lived(struct care_job *job)
{
    struct arena arena = ARENA_EMPTY;
    struct unit unit = {.run = commit_nothing, .arena = &arena};
    writer_call(job->office.writer, &unit);
    arena_free(&arena);
}

static void run_age(struct care_job *job)
{
    struct care *care = job->care;
    note_lived(job);
    arena_reset(&care->late_arena);
    care->edge_count = late_look(care->late, &job->office, &care->late_arena, &care->edges);
}

static void aged(struct care_job *job)
{
    struct care *care = job->care;
    for (size_t i = 0; i < care->edge_count; i++) {
        const struct late_edge *edge = &care->edges[i];
        raise_alarm(care, edge->is_late ? ALARM_UNSENT : ALARM_UNSENT_OVER, edge->partner, 0,
                    late_say(&care->late_arena, edge));
    }
}

static void run_retain(struct care_job *job)
{
    bool has_more = retention_slice(&job->care->retention, &job->office);
    job->next_ms = clock_monotonic_ms(&job->office.setup->clock) + (has_more ? 0 : HOUR_MS);
}

static void retained(struct care_job *job)
{
    job->care->figures.kept = job->care->retention;
}

/* ---- the clock ---- */

/* Nothing that waits or ages goes by the wall clock, but consents and validity do: somebody should
 * know. */
static void tell_jump(struct care *care, int64_t by_ms)
{
    care->figures.clock_jumps++;
    log_number(LOG_LEVEL_WARNING, "clock-set", "seconds", by_ms / 1000, "what",
               by_ms > 0 ? "the wall clock jumped forward" : "the wall clock jumped back", NULL);
}

static void look_at_clock(struct care *care)
{
    int64_t ahead_ms = clock_wall_ms(&care->options.office->setup->clock) - now_ms(care);
    int64_t by_ms = ahead_ms - care->ahead_ms;
    care->ahead_ms = ahead_ms;
    if (by_ms > JUMP_MS || by_ms < -JUMP_MS)
        tell_jump(care, by_ms);
}

/* service/startup.c has told of a clock that was set back while the service was off. */
static void look_at_clock_first(struct care *care)
{
    const struct office *office = care->options.office;
    const char *zone = setup_zone_fault(office->setup);
    care->ahead_ms = clock_wall_ms(&office->setup->clock) - now_ms(care);
    if (zone != NULL)
        log_event(LOG_LEVEL_WARNING, "time-zone", "why", zone, NULL);
}

/* ---- the pulse ---- */

static void look_at_store(struct care *care)
{
    bool is_full = writer_figures(care->options.office->writer).is_full;
    if (is_full && !care->is_full)
        raise_alarm(care, ALARM_STORE_FULL, NULL, 0,
                    "the disk is full: nothing is taken until there is room; free space, then the "
                    "gateway goes on by itself");
    if (!is_full && care->is_full)
        raise_alarm(care, ALARM_STORE_BACK, NULL, 0, "the store can be written again");
    care->is_full = is_full;
}

static void on_pulse(uv_timer_t *timer)
{
    struct care *care = timer->data;
    int64_t now = now_ms(care);
    bool is_served_new = care->is_served_new; /* noting it, on another thread, clears that */
    notify("WATCHDOG=1");
    if (care->options.office->setup->config.watch_files)
        job_start(&care->looking, 0);
    if (now >= care->noting.next_ms && has_notes(care))
        job_start(&care->noting, now + NOTE_MS);
    if (now >= care->fetching.next_ms)
        job_start(&care->fetching, now + look_ms(care));
    if (is_served_new || now - care->warned_ms >= HOUR_MS)
        warn(care);
    look_at_store(care);
    look_at_clock(care);
    if (now >= care->measuring.next_ms)
        job_start(&care->measuring, now + MEASURE_MS);
    if (now >= care->ageing.next_ms)
        job_start(&care->ageing, now + AGE_MS);
    if (now >= care->retaining.next_ms)
        job_start(&care->retaining, now + PULSE_MS);
}

/* ---- the courier's news ---- */

static void on_served(void *owner, const struct verify_peer *peer)
{
    care_note_peer(owner, peer);
}

static void on_edge(void *owner, const char *partner, bool down, const char *why)
{
    raise_alarm(owner, down ? ALARM_PARTNER_DOWN : ALARM_PARTNER_BACK, partner, 0,
                down ? why : "the partner answers again; what waited is sent now");
}

static void on_parked(void *owner, const char *partner, int64_t message, const char *why)
{
    struct arena arena = ARENA_EMPTY;
    raise_alarm(owner, ALARM_PARKED, partner, message,
                arena_print(&arena,
                            "%s; look: refgate messages show %lld, then: refgate queue "
                            "resend %lld",
                            why, (long long)message, (long long)message));
    arena_free(&arena);
}

/* ---- the desk's news ---- */

/* What the partner said stands in the list: it may name the client. */
static void on_rejected(void *owner, const char *partner, int64_t message)
{
    struct care *care = owner;
    struct arena arena = ARENA_EMPTY;
    const struct alarm_text text = {
        .kind = ALARM_REFUSED,
        .partner = partner,
        .message = message,
        .sentence = arena_print(
            &arena,
            "%s does not take message %lld: see refgate queue list, then put it "
            "right and send it anew, or refgate queue dismiss %lld",
            partner == NULL ? "the partner" : partner, (long long)message, (long long)message)};
    care_tell_news(care, &text);
    arena_free(&arena);
}

void care_tell_news(struct care *care, const struct alarm_text *text)
{
    if (!care->is_stopping)
        alarm_raise(care->alarm, care->options.office->setup, text);
}

/* ---- reloads ---- */

void care_reloaded(struct care *care, const unsigned char print[WATCH_PRINT_BYTES], bool taken,
                   struct context *context, const char *why)
{
    watch_taken(&care->look, print);
    if (why != NULL) {
        care->figures.reloads_refused++;
        raise_alarm(care, ALARM_RELOAD_REFUSED, NULL, 0, why);
    }
    if (!taken)
        return;
    care->figures.reloads_taken++;
    context_hold(context);
    context_release(care->context);
    care->context = context;
    warn(care);
}

const char *care_fault(const struct care *care)
{
    if (writer_figures(care->options.office->writer).is_full || care->figures.disk.is_stopped)
        return "the disk is full";
    if (identity_not_after(context_identity(care->context)) <= wall_s(care))
        return "our certificate has run out: every partner refuses it";
    return NULL;
}

struct care_figures care_count(const struct care *care)
{
    struct care_figures figures = care->figures;
    figures.alarms = alarm_count(care->alarm);
    return figures;
}

/* ---- life ---- */

static struct care_job job_of(struct care *care, void (*run)(struct care_job *job),
                              void (*done)(struct care_job *job))
{
    return (struct care_job){.care = care, .run = run, .done = done};
}

static void free_parts(struct care *care)
{
    context_release(care->context);
    watch_served_free(care->served);
    watch_told_free(care->told);
    late_free(care->late);
    refusals_free(care->refusals);
}

static struct care *new_care(const struct care_options *options)
{
    struct care *care = calloc(1, sizeof *care);
    if (care == NULL)
        return NULL;
    care->options = *options;
    care->context = context_hold(options->context);
    care->alarm = alarm_new(options->loop);
    care->served = watch_served_load(options->office->setup);
    care->told = watch_told_new();
    care->late = late_new();
    care->refusals = refusals_new();
    if (care->alarm != NULL && care->served != NULL && care->told != NULL && care->late != NULL &&
        care->refusals != NULL)
        return care;
    free_parts(care);
    free(care); /* and the process ends: see gateway_run */
    return NULL;
}

static void set_jobs(struct care *care)
{
    care->looking = job_of(care, run_look, looked);
    care->noting = job_of(care, run_note, NULL);
    care->fetching = job_of(care, run_fetch, fetched);
    care->fetching.next_ms =
        now_ms(care) + look_ms(care); /* at start, what was missing was fetched */
    care->measuring = job_of(care, run_measure, measured);
    care->ageing = job_of(care, run_age, aged);
    care->ageing.next_ms = now_ms(care) + AGE_MS;
    care->retaining = job_of(care, run_retain, retained);
    care->retaining.next_ms = now_ms(care) + RETAIN_FIRST_MS;
}

struct care *care_start(const struct care_options *options)
{
    struct care *care = new_care(options);
    if (care == NULL)
        return NULL;
    set_jobs(care);
    const struct courier_watcher watcher = {on_served, on_edge, on_parked, on_rejected, care};
    courier_watch(options->courier, &watcher);
    watch_taken(&care->look, options->print);
    warn(care);
    look_at_clock_first(care);
    care->pulse.data = care;
    uv_timer_init(options->loop, &care->pulse);
    uv_timer_start(&care->pulse, on_pulse, PULSE_MS, PULSE_MS);
    return care;
}

static void maybe_stopped(struct care *care)
{
    bool is_working = care->looking.is_running || care->noting.is_running ||
                      care->fetching.is_running || care->measuring.is_running ||
                      care->retaining.is_running || care->ageing.is_running;
    if (!care->is_stopping || is_working || !care->is_timer_closed || !care->is_alarm_stopped)
        return;
    void (*on_stopped)(void *owner) = care->on_stopped;
    void *owner = care->stopped_owner;
    free_parts(care);
    arena_free(&care->late_arena);
    free(care);
    if (on_stopped != NULL)
        on_stopped(owner);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct care *care = handle->data;
    care->is_timer_closed = true;
    maybe_stopped(care);
}

static void on_alarm_stopped(void *owner)
{
    struct care *care = owner;
    care->is_alarm_stopped = true;
    maybe_stopped(care);
}

void care_stop(struct care *care, void (*on_stopped)(void *owner), void *owner)
{
    if (has_notes(care))
        job_start(&care->noting, 0);
    care->is_stopping = true;
    care->on_stopped = on_stopped;
    care->stopped_owner = owner;
    uv_close((uv_handle_t *)&care->pulse, on_timer_closed);
    alarm_stop(care->alarm, on_alarm_stopped, care);
}
