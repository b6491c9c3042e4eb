/* refusals: callers that were refused, gathered until the audit has a row for each kind of them:
 * who it posed as, why it was refused, and how often. A caller that knocks all day costs one row a
 * note.
 *
 * Used by care.c: the loops note refusals, a pool thread writes them. Any thread; a lock inside. */
#ifndef GATEWAY_MAINTENANCE_REFUSALS_H
#define GATEWAY_MAINTENANCE_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "certs/verify/verify.h"
#include "gateway/store/writer.h"

struct refusals;

/* NULL without memory. */
struct refusals *refusals_new(void);
void refusals_free(struct refusals *refusals);
/* PEER was refused once more. Never waits for the disk. */
void refusals_note(struct refusals *refusals, const struct verify_peer *peer);
/* Whether there is something to write. */
bool refusals_wait(struct refusals *refusals);
/* Into the audit, as of AT_MS; then none wait. Blocking. */
void refusals_write(struct refusals *refusals, struct writer *writer, int64_t at_ms);

#endif
