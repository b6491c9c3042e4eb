/* care: what a running gateway does for itself: takes changed files once they have settled, warns
 * of certificates and lists that run out, fetches lists, raises alarms, writes refused callers to
 * the audit.
 *
 * Belongs to loop 0, with jobs on the thread pool for what blocks. What decides is in
 * maintenance/expiry.h and revocation.h; this file has the timers. */
#ifndef GATEWAY_MAINTENANCE_CARE_H
#define GATEWAY_MAINTENANCE_CARE_H

#include "certs/tls/context.h"
#include "gateway/alarm/alarm.h"
#include "gateway/data_folder/data_folder.h"
#include "gateway/delivery/sender.h"
#include "gateway/maintenance/disk.h"
#include "gateway/maintenance/expiry.h"
#include "gateway/maintenance/retention.h"

struct uv_loop_s;
struct care;

struct care_options {
    struct uv_loop_s *loop;
    struct office *office; /* read on the loop; its setup may be replaced there */
    struct context *context;
    struct courier *courier;
    const unsigned char *print;  /* watch_files() of what the setup was made from */
    void (*reload)(void *owner); /* changed files are to be taken */
    void *owner;
};

/* NULL without memory. */
struct care *care_start(const struct care_options *options);

/* A reload ended: PRINT is that of the files it read. TAKEN: the office has the new setup, and
 * CONTEXT is the new one. Else WHY says why not. */
void care_reloaded(struct care *care, const unsigned char print[WATCH_PRINT_BYTES], bool taken,
                   struct context *context, const char *why);
/* A caller's certificate was judged. Any thread. */
void care_note_peer(struct care *care, const struct verify_peer *peer);

/* For the front desk: something of a partner is there to be looked at. */
void care_tell_news(struct care *care, const struct alarm_text *text);

struct care_figures {
    uint64_t clock_jumps;
    uint64_t reloads_taken, reloads_refused;
    struct alarm_figures alarms;
    struct disk_state disk;
    struct retention kept;
};
struct care_figures care_count(const struct care *care);
/* Why partners cannot be served now; NULL: they are. A constant text. */
const char *care_fault(const struct care *care);
/* What runs out, as watch_terms(). */
size_t care_terms(const struct care *care, struct arena *arena, struct watch_term **ret_terms);

/* Ends its jobs and alarms and frees it, after the courier and all that may note peers; ON_STOPPED
 * runs on the loop. */
void care_stop(struct care *care, void (*on_stopped)(void *owner), void *owner);

#endif
