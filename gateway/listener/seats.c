/* seats: see seats.h. */
#include "gateway/listener/seats.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { LOOPS_MAX = 64 };

struct seats {
    atomic_uint loops;
    atomic_uint taken;                  /* by connections of all loops */
    atomic_uint connections[LOOPS_MAX]; /* UINT_MAX: the loop has left */
};

struct seats *seats_new(void)
{
    return calloc(1, sizeof(struct seats));
}

void seats_free(struct seats *seats)
{
    free(seats);
}

unsigned seats_join(struct seats *seats)
{
    return atomic_fetch_add(&seats->loops, 1);
}

void seats_tell(struct seats *seats, unsigned seat, unsigned connections)
{
    if (seat < LOOPS_MAX)
        atomic_store_explicit(&seats->connections[seat], connections, memory_order_relaxed);
}

void seats_leave(struct seats *seats, unsigned seat)
{
    seats_tell(seats, seat, UINT_MAX);
}

bool seats_enter(struct seats *seats, unsigned most)
{
    if (atomic_fetch_add(&seats->taken, 1) < most)
        return true;
    seats_exit(seats);
    return false;
}

void seats_exit(struct seats *seats)
{
    atomic_fetch_sub(&seats->taken, 1);
}

bool seats_is_ahead(const struct seats *seats, unsigned connections)
{
    unsigned least = UINT_MAX;
    unsigned loops = atomic_load_explicit(&seats->loops, memory_order_relaxed);
    for (unsigned seat = 0; seat < loops && seat < LOOPS_MAX; seat++) {
        unsigned count = atomic_load_explicit(&seats->connections[seat], memory_order_relaxed);
        least = count < least ? count : least;
    }
    return least != UINT_MAX && connections > least + 1 + least / 16;
}
