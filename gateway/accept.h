/* accept: who comes in, who has to wait, and who makes room. The part of a listener that takes
 * connections from the listening socket; called by listen.c, and by nobody else.
 *
 * It accepts until the socket is empty, at most 64 in a turn. When connections_max is reached or
 * file descriptors run out, the one that has waited longest makes room, else accepting pauses. When
 * another loop has clearly fewer connections, this one rests a moment. */
#ifndef GATEWAY_ACCEPT_H
#define GATEWAY_ACCEPT_H

#include "gateway/connection.h"
#include "gateway/listener.h"

/* Starts, or goes on; does nothing while the listener stops. */
void accept_resume(struct listener *listener);
/* Ends it for good. */
void accept_stop(struct listener *listener);
/* A connection has gone. */
void accept_uncount(struct listener *listener);
/* The connection that DEADLINE lies in. */
struct connection *accept_holder(struct deadline *deadline);

#endif
