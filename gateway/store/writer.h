/* writer: the one thread that writes to the store, and group commit.
 *
 * Stages hand it units of work. It takes everything that waits, runs it as one group, syncs once
 * and tells every poster. So the cost of a sync is shared, an idle gateway waits for nothing, and
 * no promise is made before it is on disk. Without a thread (commands while no service runs, the
 * simulator) writer_call does the same in the caller. When the disk is full a group fails and the
 * next one is tried; a unit that writes what may not be fails alone; after any other failure of the
 * store nothing more is written: a failed sync is never retried. */
#ifndef GATEWAY_STORE_WRITER_H
#define GATEWAY_STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "gateway/runtime/fault.h"
#include "gateway/runtime/histogram.h"
#include "gateway/store/rows.h"

struct uv_loop_s;
struct writer;
struct writer_port; /* where a loop hears of its finished units */

struct unit {
    /* Runs on the writer thread, inside the transaction. False: what it wrote is undone and
     * unit->fault says why. Everything it makes lives in unit->arena. It runs once more, from the
     * beginning, when another unit of its group made a mistake. */
    bool (*run)(struct unit *unit, struct store *store);
    /* Runs on the poster's loop after the commit, or after the failure (unit->fault.kind). */
    void (*done)(struct unit *unit);
    struct arena *arena;  /* the poster's; the writer has it from post to done */
    struct fault fault;   /* FAULT_none: committed */
    bool is_written_late; /* run() decides before it writes, so it needs no mark to be undone */
    struct unit *next;
    struct writer_port *port; /* NULL: a caller waits in writer_call */
    bool is_finished;
};

/* Starts the thread; STORE is used by it alone from now on. ON_BROKEN runs on the writer thread
 * once, when the store cannot be trusted any more. QUEUE_MAX: units that may wait. */
struct writer *writer_start(struct store *store, size_t queue_max,
                            void (*on_broken)(void *owner, const char *why), void *owner);
/* A writer without a thread. */
struct writer *writer_inline(struct store *store);
/* Writes what waits, ends the thread, frees the writer. The store stays open. */
void writer_stop(struct writer *writer);

/* False when the queue is full or the store broken: nothing was taken, answer 503. */
bool writer_post(struct writer *writer, struct writer_port *port, struct unit *unit);
/* Waits until the unit is committed or failed; returns unit->fault.kind == FAULT_none. Any thread
 * but a loop's. */
bool writer_call(struct writer *writer, struct unit *unit);
/* When it returns, readers of the store see everything that was promised before. Any thread but a
 * loop's. (After a post they see it some milliseconds later; after a call at once.) */
void writer_settle(struct writer *writer);

/* Whether new messages and records may come in: false near the end of the disk, while what is there
 * is still delivered and settled. Whoever takes things in asks first. Any thread. */
void writer_set_open(struct writer *writer, bool open);
bool writer_is_open(const struct writer *writer);

/* Made and freed on the loop's own thread. */
struct writer_port *writer_port_open(struct uv_loop_s *loop);
void writer_port_close(struct writer_port *port);

/* Figures since start, for metrics: groups, units, largest group. */
struct writer_figures {
    unsigned long long groups, units, largest;
    struct histogram sizes; /* of groups */
    size_t waiting;         /* units, now */
    bool is_full;           /* the last group failed for want of room on the disk */
};
struct writer_figures writer_figures(struct writer *writer);

#endif
