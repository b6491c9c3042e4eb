/* quota: see quota.h. The rate is a bucket of requests that fills evenly: a request takes one out,
 * and an empty bucket turns it away. The bucket counts in 60000ths of a request, so that a
 * millisecond adds a whole number at any rate. */
#include "gateway/quota.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60000 };

struct quota {
    struct quotas *quotas;
    struct quota *next;
    struct quota_limits limits;
    unsigned connections;
    uint64_t refused[QUOTA_REASONS];
    int64_t bucket; /* 60000ths of a request */
    int64_t filled_ms;
    bool is_full; /* nothing was taken since the limits were set */
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
        [QUOTA_CONNECTIONS] = "connections", [QUOTA_BODY] = "body", [QUOTA_RATE] = "rate"};
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

unsigned quota_take(struct quota *quota, int64_t now_ms)
{
    unsigned wait_s = 0;
    pthread_mutex_lock(&quota->quotas->lock);
    const struct quota_limits *limits = &quota->limits;
    int64_t rate = limits->requests_per_minute_max;
    if (rate > 0) {
        int64_t burst = limits->burst_max == 0 ? rate : limits->burst_max;
        fill(quota, rate, burst * MINUTE_MS, now_ms);
        int64_t lacks = MINUTE_MS - quota->bucket;
        if (lacks <= 0) {
            quota->bucket -= MINUTE_MS;
        } else {
            wait_s = (unsigned)((lacks + rate * 1000 - 1) / (rate * 1000));
            quota->refused[QUOTA_RATE]++;
        }
    }
    pthread_mutex_unlock(&quota->quotas->lock);
    return wait_s;
}
