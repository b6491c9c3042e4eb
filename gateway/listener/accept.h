/* accept: who comes in, who has to wait, and who makes room. The part of a listener that takes
 * connections from the listening socket; called by listen.c, and by nobody else.
 *
 * It accepts until the socket is empty, at most 64 in a turn. Whoever comes is a stranger and takes
 * one of their places; when those are taken, the stranger that waits longest makes room, first of
 * those who have said nothing, else accepting pauses. With the certificate of a partner a stranger
 * takes one of connections_max seats, for which the connection that was idle longest may have to
 * go. When another loop has clearly fewer connections, this one rests a moment. */
#ifndef GATEWAY_LISTENER_ACCEPT_H
#define GATEWAY_LISTENER_ACCEPT_H

#include "gateway/listener/connection.h"
#include "gateway/listener/listener_internal.h"

/* Starts, or goes on; does nothing while the listener stops. */
void accept_resume(struct listener *listener);
/* Ends it for good. */
void accept_stop(struct listener *listener);
/* A connection has gone. */
void accept_uncount(const struct connection *connection);
/* A stranger turned out to be a partner. False: there is no seat for it. */
bool accept_admit(struct connection *connection);
/* The connection that DEADLINE lies in. */
struct connection *accept_holder(struct deadline *deadline);

#endif
