/* deadline: many waits of a few fixed lengths. A queue holds waits of one length in the order they
 * began, so starting, ending and finding the overdue ones costs the same however many there are.
 *
 * Used by listen.c and connection.c. Deadlines lie inside what waits; queues own nothing. One
 * thread; the caller brings the time (monotonic milliseconds, never going back). */
#ifndef GATEWAY_LISTENER_DEADLINE_H
#define GATEWAY_LISTENER_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
    struct deadline *before, *after; /* NULL: not waiting */
    struct deadline_queue *queue;
    uint64_t since_ms;
};

struct deadline_queue {
    struct deadline ring;
    uint64_t limit_ms;
};

void deadline_queue_init(struct deadline_queue *queue, uint64_t limit_ms);
/* Starts waiting in QUEUE at NOW, in place of any other wait. */
void deadline_start(struct deadline *deadline, struct deadline_queue *queue, uint64_t now_ms);
void deadline_end(struct deadline *deadline);
/* The longest waiting one, or NULL. */
struct deadline *deadline_first(const struct deadline_queue *queue);
/* The one that was started next after DEADLINE, which is running; NULL: none. */
struct deadline *deadline_next(const struct deadline *deadline);
/* The first one whose time is over at NOW, or NULL. */
struct deadline *deadline_due(const struct deadline_queue *queue, uint64_t now_ms);
/* Milliseconds from NOW until the first one is due; UINT64_MAX when none waits. */
uint64_t deadline_left(const struct deadline_queue *queue, uint64_t now_ms);

#endif
