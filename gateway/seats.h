/* seats: what the loops that poll one listening socket know of each other's connections, so that
 * each gets its part. Used by listen.c; made and freed by whoever starts the loops. Lock-free, any
 * thread. */
#ifndef GATEWAY_SEATS_H
#define GATEWAY_SEATS_H

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
/* Has another loop clearly fewer than CONNECTIONS? */
bool seats_is_ahead(const struct seats *seats, unsigned connections);

#endif
