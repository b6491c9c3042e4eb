/* seats: what the loops that poll one listening socket know of each other's connections, so that
 * each gets its part, and that all together stay below one ceiling. Used by accept.c; made and
 * freed by whoever starts the loops. Lock-free, any thread. */
#ifndef GATEWAY_LISTENER_SEATS_H
#define GATEWAY_LISTENER_SEATS_H

#include <stdbool.h>

struct seats;

/* NULL without memory. Must outlive its users. */
struct seats *seats_new(void);
void seats_free(struct seats *seats);
/* A number for a loop that joins. Loops beyond 64 are not balanced. */
unsigned seats_join(struct seats *seats);
void seats_tell(struct seats *seats, unsigned seat, unsigned connections);
/* The loop takes no more connections; nobody waits for it. */
void seats_leave(struct seats *seats, unsigned seat);
/* A connection more; false: there are MOST already on all loops together. */
bool seats_enter(struct seats *seats, unsigned most);
void seats_exit(struct seats *seats);
/* Has another loop clearly fewer than CONNECTIONS? */
bool seats_is_ahead(const struct seats *seats, unsigned connections);

#endif
