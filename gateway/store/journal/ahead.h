/* ahead: space of the journal made ready before it is needed, by a thread of its own: reserved, and
 * filled with zeros past the page cache. Writing over blocks that were written before changes
 * nothing of the file but its bytes, so that a sync has nothing else to bring to the disk.
 *
 * Used by segment.c, one stretch at a time. Nobody else may write to the stretch beyond what it has
 * reached. */
#ifndef GATEWAY_STORE_JOURNAL_AHEAD_H
#define GATEWAY_STORE_JOURNAL_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

struct ahead;

/* NULL when there is no memory or no thread to be had. */
struct ahead *ahead_start(void);
/* Waits for what is under way. */
void ahead_stop(struct ahead *ahead);

/* Makes LENGTH bytes from FROM on ready, after the stretch before has ended: FILE and DIRECT are
 * the same file, both open until it ends, DIRECT past the page cache; FROM and LENGTH are multiples
 * of SEGMENT_BLOCK. */
void ahead_ask(struct ahead *ahead, int file, int direct, uint64_t from, uint64_t length);
/* Up to where the stretch is ready; waits until that is WANTED, or until the stretch has ended,
 * ready or not. */
uint64_t ahead_reached(struct ahead *ahead, uint64_t wanted, bool *ret_has_ended);

#endif
