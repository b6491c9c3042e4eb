/* quota: see quota.h. The rate is a bucket of requests that fills evenly: a request takes one out,
 * and an empty bucket turns it away. The bucket counts in 60000ths of a request, so that a
 * millisecond adds a whole number at any rate. Time that costly requests took is a debt that fades
 * by a quarter of the time that passes: with more than a second of it the next request has to wait,
 * so no partner holds the loop for longer, nor for more than a quarter in the long run. */
#include "gateway/http/quota.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    MINUTE_MS = 60000,
    LITTLE_BYTES = 1 << 20, /* that a partner may hold whatever the others hold */
    ORDINARY_US = 20000,    /* of the loop for a request: is nobody's debt */
    DEBT_US_MAX = 1000000,
    FADING_US_A_MS = 250
};

struct quota {
    struct quotas *quotas;
    struct quota *next;
    struct quota_limits limits;
    unsigned connections;
    uint64_t refused[QUOTA_REASONS];
    int64_t bucket; /* 60000ths of a request */
    int64_t filled_ms;
    bool is_full; /* nothing was taken since the limits were set */
    atomic_size_t held_bytes;
    atomic_uint queued; /* messages */
    atomic_uint_fast64_t bad_requests;
    int64_t debt_us; /* at that time */
    int64_t debt_ms;
    char partner[];
};

struct quotas {
    pthread_mutex_t lock;
    struct quota *first;
};

struct quotas *quotas_new(void)
{
    struct quotas *quotas = calloc(1, sizeof *quotas);
    if (quotas != NULL)
        pthread_mutex_init(&quotas->lock, NULL);
    return quotas;
}

void quotas_free(struct quotas *quotas)
{
    if (quotas == NULL)
        return;
    while (quotas->first != NULL) {
        struct quota *quota = quotas->first;
        quotas->first = quota->next;
        free(quota);
    }
    pthread_mutex_destroy(&quotas->lock);
    free(quotas);
}

/* The row of PARTNER, put at the end when there is none; under the lock. */
static struct quota *find(struct quotas *quotas, const char *partner)
{
    struct quota **at = &quotas->first;
    while (*at != NULL && strcmp((*at)->partner, partner) != 0)
        at = &(*at)->next;
    if (*at != NULL)
        return *at;
    size_t room = strlen(partner) + 1;
    struct quota *quota = calloc(1, sizeof *quota + room);
    if (quota == NULL)
        return NULL;
    quota->quotas = quotas;
    quota->is_full = true;
    memcpy(quota->partner, partner, room);
    *at = quota;
    return quota;
}

struct quota *quotas_find(struct quotas *quotas, const char *partner)
{
    pthread_mutex_lock(&quotas->lock);
    struct quota *quota = find(quotas, partner);
    pthread_mutex_unlock(&quotas->lock);
    return quota;
}

static bool is_same_rate(const struct quota_limits *one, const struct quota_limits *other)
{
    return one->requests_per_minute_max == other->requests_per_minute_max &&
           one->burst_max == other->burst_max;
}

void quotas_set(struct quotas *quotas, const char *partner, const struct quota_limits *limits)
{
    pthread_mutex_lock(&quotas->lock);
    struct quota *quota = find(quotas, partner);
    if (quota != NULL) {
        /* A reload that leaves the rate alone gives nothing away. */
        quota->is_full = quota->is_full || !is_same_rate(&quota->limits, limits);
        quota->limits = *limits;
    }
    pthread_mutex_unlock(&quotas->lock);
}

const struct quota_figures *quotas_count(struct quotas *quotas, struct arena *arena)
{
    const struct quota_figures *first = NULL;
    const struct quota_figures **end = &first;
    pthread_mutex_lock(&quotas->lock);
    for (const struct quota *quota = quotas->first; quota != NULL; quota = quota->next) {
        struct quota_figures *figures = arena_alloc(arena, sizeof *figures);
        figures->partner = arena_copy(arena, quota->partner);
        figures->connections = quota->connections;
        figures->bad_requests = quota->bad_requests;
        memcpy(figures->refused, quota->refused, sizeof figures->refused);
        figures->next = NULL;
        *end = figures;
        end = &figures->next;
    }
    pthread_mutex_unlock(&quotas->lock);
    return first;
}

const char *quota_reason_name(enum quota_reason reason)
{
    static const char *const names[] = {
        [QUOTA_CONNECTIONS] = "connections", [QUOTA_BODY] = "body", [QUOTA_RATE] = "rate",
        [QUOTA_MEMORY] = "memory",           [QUOTA_TIME] = "time", [QUOTA_QUEUE] = "queue"};
    return names[reason];
}

bool quota_enter(struct quota *quota)
{
    pthread_mutex_lock(&quota->quotas->lock);
    unsigned most = quota->limits.connections_max;
    bool fits = most == 0 || quota->connections < most;
    quota->connections += fits;
    quota->refused[QUOTA_CONNECTIONS] += !fits;
    pthread_mutex_unlock(&quota->quotas->lock);
    return fits;
}

void quota_leave(struct quota *quota)
{
    pthread_mutex_lock(&quota->quotas->lock);
    quota->connections--;
    pthread_mutex_unlock(&quota->quotas->lock);
}

size_t quota_body_max(struct quota *quota)
{
    pthread_mutex_lock(&quota->quotas->lock);
    size_t most = quota->limits.body_bytes_max;
    pthread_mutex_unlock(&quota->quotas->lock);
    return most;
}

void quota_note_large(struct quota *quota)
{
    pthread_mutex_lock(&quota->quotas->lock);
    quota->refused[QUOTA_BODY]++;
    pthread_mutex_unlock(&quota->quotas->lock);
}

/* What has flown in since the last look; never more than the bucket holds. */
static void fill(struct quota *quota, int64_t rate, int64_t room, int64_t now_ms)
{
    int64_t passed = now_ms - quota->filled_ms;
    if (quota->is_full || passed > room / rate)
        quota->bucket = room;
    else if (passed > 0)
        quota->bucket += passed * rate;
    if (quota->bucket > room)
        quota->bucket = room;
    quota->is_full = false;
    quota->filled_ms = now_ms;
}

void quota_note_bad(struct quota *quota)
{
    atomic_fetch_add_explicit(&quota->bad_requests, 1, memory_order_relaxed);
}

/* ---- memory ---- */

bool quota_hold(struct quota *quota, size_t bytes, bool *ret_is_little)
{
    size_t held = atomic_fetch_add_explicit(&quota->held_bytes, bytes, memory_order_relaxed);
    *ret_is_little = held + bytes <= LITTLE_BYTES;
    if (*ret_is_little)
        return true;
    pthread_mutex_lock(&quota->quotas->lock);
    size_t most = quota->limits.held_bytes_max;
    bool fits = most == 0 || held + bytes <= most;
    quota->refused[QUOTA_MEMORY] += !fits;
    pthread_mutex_unlock(&quota->quotas->lock);
    if (!fits)
        quota_give(quota, bytes);
    return fits;
}

void quota_give(struct quota *quota, size_t bytes)
{
    atomic_fetch_sub_explicit(&quota->held_bytes, bytes, memory_order_relaxed);
}

/* ---- the queue to the store ---- */

bool quota_queue(struct quota *quota, unsigned most)
{
    if (atomic_fetch_add_explicit(&quota->queued, 1, memory_order_relaxed) < most)
        return true;
    quota_unqueue(quota);
    pthread_mutex_lock(&quota->quotas->lock);
    quota->refused[QUOTA_QUEUE]++;
    pthread_mutex_unlock(&quota->quotas->lock);
    return false;
}

void quota_unqueue(struct quota *quota)
{
    atomic_fetch_sub_explicit(&quota->queued, 1, memory_order_relaxed);
}

/* ---- time ---- */

static void fade(struct quota *quota, int64_t now_ms)
{
    int64_t passed = now_ms - quota->debt_ms;
    if (passed >= quota->debt_us / FADING_US_A_MS)
        quota->debt_us = 0;
    else if (passed > 0)
        quota->debt_us -= passed * FADING_US_A_MS;
    quota->debt_ms = now_ms;
}

void quota_worked(struct quota *quota, uint64_t busy_us, int64_t now_ms)
{
    if (busy_us <= ORDINARY_US)
        return;
    pthread_mutex_lock(&quota->quotas->lock);
    fade(quota, now_ms);
    quota->debt_us += (int64_t)busy_us - ORDINARY_US;
    pthread_mutex_unlock(&quota->quotas->lock);
}

/* ---- one request ---- */

/* Seconds until the debt lets another request in; under the lock. */
static unsigned debt_wait_s(struct quota *quota, int64_t now_ms)
{
    if (quota->debt_us == 0)
        return 0;
    fade(quota, now_ms);
    int64_t beyond = quota->debt_us - DEBT_US_MAX;
    return beyond <= 0 ? 0 : (unsigned)(beyond / (FADING_US_A_MS * 1000) + 1);
}

/* ... until the rate lets another request in, which it takes when that is now; under the lock. */
static unsigned rate_wait_s(struct quota *quota, int64_t now_ms)
{
    const struct quota_limits *limits = &quota->limits;
    int64_t rate = limits->requests_per_minute_max;
    if (rate == 0)
        return 0;
    int64_t burst = limits->burst_max == 0 ? rate : limits->burst_max;
    fill(quota, rate, burst * MINUTE_MS, now_ms);
    int64_t lacks = MINUTE_MS - quota->bucket;
    if (lacks > 0)
        return (unsigned)((lacks + rate * 1000 - 1) / (rate * 1000));
    quota->bucket -= MINUTE_MS;
    return 0;
}

unsigned quota_take(struct quota *quota, int64_t now_ms, enum quota_reason *ret_reason)
{
    pthread_mutex_lock(&quota->quotas->lock);
    *ret_reason = QUOTA_TIME;
    unsigned wait_s = debt_wait_s(quota, now_ms);
    if (wait_s == 0) {
        *ret_reason = QUOTA_RATE;
        wait_s = rate_wait_s(quota, now_ms);
    }
    quota->refused[*ret_reason] += wait_s > 0;
    pthread_mutex_unlock(&quota->quotas->lock);
    return wait_s;
}
