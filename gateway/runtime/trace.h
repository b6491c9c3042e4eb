/* trace: the id under which one message can be followed through the logs of both gateways (W3C
 * Trace Context, header `traceparent`).
 *
 * A trace id that came with a request is kept. Without one it is the MessageHeader.id, a UUID, as
 * 32 hex digits: so every attempt at a message, and both sides of it, have the same id without any
 * being stored. Used by receive and courier. Pure. */
#ifndef GATEWAY_RUNTIME_TRACE_H
#define GATEWAY_RUNTIME_TRACE_H

enum { TRACE_ID_TEXT = 33, TRACE_PARENT_TEXT = 56 };

/* The trace id of a `traceparent` value, or, when it is NULL or not well-formed, the one of
 * MESSAGE_ID. A message id that is no UUID gives the first 32 hex digits of its SHA-256. */
void trace_of(const char *traceparent, const char *message_id, char ret_id[TRACE_ID_TEXT]);
/* MESSAGE_ID where it is a UUID, which says nothing of a client; else NULL: an id that a partner
 * made of a name stays out of the log, where the trace id stands for it. */
const char *trace_id_to_log(const char *message_id);
/* The header's value for a request of ours: SPAN tells attempts apart. */
void trace_parent(const char *id, unsigned long long span, char ret_value[TRACE_PARENT_TEXT]);

#endif
