/* alarm: what a person must hear of: counted, and handed to a program of the clinic's choice, which
 * may mail it or post it to a web hook. Alarms are the administrator's (setting alarm_command), and
 * logged; news (ALARM_NEWS and behind) are the front desk's (notify_command), and stand in records/
 * or in a list.
 *
 * The program gets one JSON object {kind, org, at, partner, message, referral, record, record_id,
 * move, sentence} on standard input, and nothing about clients. It runs in the data folder, beside
 * us: at most ALARM_RUNNING_MAX at once, more wait in a short queue, and one that does not end
 * within a minute is killed. Belongs to loop 0. */
#ifndef GATEWAY_ALARM_ALARM_H
#define GATEWAY_ALARM_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/setup/setup.h"

struct uv_loop_s;
struct alarm;

enum alarm_kind {
    ALARM_RUNS_OUT,     /* a certificate or a revocation list */
    ALARM_PARKED,       /* a message waits for a person */
    ALARM_PARTNER_DOWN, /* and cannot be delivered to */
    ALARM_PARTNER_BACK,
    ALARM_UNSENT, /* messages wait for too long */
    ALARM_UNSENT_OVER,
    ALARM_DISK_LOW, /* before it is full */
    ALARM_DISK_BACK,
    ALARM_STORE_FULL, /* nothing is accepted */
    ALARM_STORE_BACK,
    ALARM_RELOAD_REFUSED,
    ALARM_NEWS,                  /* for notify_command, from here on */
    ALARM_REFERRAL = ALARM_NEWS, /* a partner's, new or corrected */
    ALARM_RECORD,                /* a note or another record of a partner */
    ALARM_TO_MATCH,              /* one that seems to be about another client */
    ALARM_RETRACTED,             /* a partner took a record back */
    ALARM_ANSWER,                /* of a partner about a referral */
    ALARM_RETURNED,              /* a partner gave a record of ours back */
    ALARM_REFUSED,               /* a partner will not take a message of ours */
    ALARM_KINDS
};

enum { ALARM_RUNNING_MAX = 2, ALARM_WAITING_MAX = 256 };

struct alarm_text {
    enum alarm_kind kind;
    const char *partner;            /* NULL: none */
    int64_t message;                /* number in the store; 0: none */
    const char *sentence;           /* what happened and what to do */
    const char *referral;           /* of news: its placer's number */
    const char *record, *record_id; /* of news about a record: its kind and number */
    const char *move;               /* of an answer */
};

/* What a sweep found to tell. */
struct alarm_texts {
    struct arena *arena;
    struct alarm_text *items;
    size_t count, room;
};
void alarm_add(struct alarm_texts *texts, const struct alarm_text *text);

struct alarm_figures {
    uint64_t raised[ALARM_KINDS];
    uint64_t failures; /* of the program, or no room in the queue */
};

/* NULL without memory. */
struct alarm *alarm_new(struct uv_loop_s *loop);
void alarm_raise(struct alarm *alarm, const struct setup *setup, const struct alarm_text *text);
struct alarm_figures alarm_count(const struct alarm *alarm);
const char *alarm_name(enum alarm_kind kind);
/* Kills what runs and frees it; ON_STOPPED runs on the loop. */
void alarm_stop(struct alarm *alarm, void (*on_stopped)(void *owner), void *owner);

#endif
