/* probe_metadata: a partner's CapabilityStatement compared with what was agreed in its file. For
 * probe.c. Pure. */
#ifndef GATEWAY_PROBE_PROBE_METADATA_H
#define GATEWAY_PROBE_PROBE_METADATA_H

#include "gateway/probe/probe.h"

/* Compares BODY; *ret_is_refgate: the other side is a gateway of ours, which knows a test message.
 */
struct probe_step probe_metadata(const struct setup *setup, const struct partner *partner,
                                 struct arena *arena, const char *body, size_t length,
                                 bool *ret_is_refgate);

#endif
