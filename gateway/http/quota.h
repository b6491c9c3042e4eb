/* quota: what one partner may take of us: connections at the same time, bytes of one body, memory
 * for what is under way, requests a minute, and time of the loop for costly ones. One table for all
 * loops, so that the numbers hold for the partner and not for a loop.
 *
 * Made by service/service.c, which sets the limits at start and at each reload; asked by listen.c
 * (a new connection), http.c (what is received and answered) and receive.c (a request). A row is
 * never given back, so its address stays good. Any thread; each call holds one lock for a moment.
 */
#ifndef GATEWAY_HTTP_QUOTA_H
#define GATEWAY_HTTP_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct quotas;
struct quota; /* one partner's row */

/* 0: no limit. */
struct quota_limits {
    unsigned connections_max;
    size_t body_bytes_max;
    unsigned requests_per_minute_max;
    unsigned burst_max;    /* requests at once; 0: those of a minute */
    size_t held_bytes_max; /* by what it is sending and what it has not fetched */
};

/* Why something was turned away. */
enum quota_reason {
    QUOTA_CONNECTIONS,
    QUOTA_BODY,
    QUOTA_RATE,
    QUOTA_MEMORY,
    QUOTA_TIME,
    QUOTA_QUEUE,
    QUOTA_REASONS
};

struct quota_figures {
    const char *partner;
    unsigned connections;
    uint64_t refused[QUOTA_REASONS];
    uint64_t bad_requests;
    const struct quota_figures *next;
};

/* NULL without memory. Must outlive its users. */
struct quotas *quotas_new(void);
void quotas_free(struct quotas *quotas);
/* The partner's row, made when it is new; NULL without memory: then nothing limits it. */
struct quota *quotas_find(struct quotas *quotas, const char *partner);
/* From now on these hold; connections that are open stay. */
void quotas_set(struct quotas *quotas, const char *partner, const struct quota_limits *limits);
/* All rows, in the order they were made; in the arena. */
const struct quota_figures *quotas_count(struct quotas *quotas, struct arena *arena);
/* `connections`, `body`, `rate`, `memory`, `time`, `queue` */
const char *quota_reason_name(enum quota_reason reason);

/* One connection more, to be given back by quota_leave(); false: it is beyond the limit, must not
 * be served, and is not counted, so that a storm of such cannot keep the right ones out. */
bool quota_enter(struct quota *quota);
void quota_leave(struct quota *quota);
/* 0: no limit of its own. */
size_t quota_body_max(struct quota *quota);
/* A body was turned away for it. */
void quota_note_large(struct quota *quota);
/* A request was answered with 4xx. */
void quota_note_bad(struct quota *quota);
/* Memory for BYTES more, received or to be sent, to be given back by quota_give(); false: it is
 * beyond the limit. *ret_is_little: what the partner holds is so little that it is its due, even
 * when the gateway is short of memory. */
bool quota_hold(struct quota *quota, size_t bytes, bool *ret_is_little);
void quota_give(struct quota *quota, size_t bytes);
/* One message more that waits for the store, to be given back by quota_unqueue(); false: MOST of
 * this partner's wait already. */
bool quota_queue(struct quota *quota, unsigned most);
void quota_unqueue(struct quota *quota);
/* A request kept the loop busy for so long. What is beyond an ordinary one's time is remembered and
 * fades. NOW_MS is monotonic. */
void quota_worked(struct quota *quota, uint64_t busy_us, int64_t now_ms);
/* 0: the request is taken. Else it is to be refused, and may come again after so many seconds.
 * NOW_MS is monotonic. RET_REASON: QUOTA_RATE or QUOTA_TIME. */
unsigned quota_take(struct quota *quota, int64_t now_ms, enum quota_reason *ret_reason);

#endif
