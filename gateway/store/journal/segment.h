/* segment: the files of a journal: made, reserved ahead, written, synced, read, cut, removed. Who
 * uses it: journal.c alone, on the store's thread. Owns the open files, and a helper thread
 * (ahead.h) that makes space ready behind what is written. Results are those of journal.h. */
#ifndef GATEWAY_STORE_JOURNAL_SEGMENT_H
#define GATEWAY_STORE_JOURNAL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/store/journal/journal.h"

struct iovec;
struct segments;

enum {
    SEGMENT_FULL = 64 << 20, /* then a new one is made */
    SEGMENT_HEAD = 32,       /* magic, id, number, chain */
    SEGMENT_BLOCK = 4096 /* what is written past the page cache begins, ends and lies in memory at
                            multiples of it */
};

struct segments *segments_new(const char *folder, uint64_t id);
void segments_free(struct segments *segments);
const char *segments_error(const struct segments *segments);
/* Keeps a sentence about segment NUMBER for segments_error. */
void segments_complain(struct segments *segments, uint32_t number, const char *what);

/* Makes segment NUMBER, synced with its folder; writing goes there from now on. */
enum journal_result segments_make(struct segments *segments, uint32_t number, uint64_t chain);
/* Ends segment NUMBER at OFFSET; writing goes on there. A segment behind it must be one that was
 * only being made (segments_next); it is made anew when its turn comes. */
enum journal_result segments_cut(struct segments *segments, uint32_t number, uint64_t offset);
/* Writes LENGTH bytes at OFFSET of the segment being written, and syncs them. IS_DIRECT: past the
 * page cache where that can be, which costs a third of the CPU and leaves nothing to read again
 * without the disk. */
enum journal_result segments_write(struct segments *segments, uint64_t offset, const void *bytes,
                                   size_t length, bool is_direct);

/* Writes COUNT pieces, which are used up, over what stands at OFFSET of segment NUMBER, and syncs
 * them. */
enum journal_result segments_rewrite(struct segments *segments, uint32_t number, uint64_t offset,
                                     struct iovec *pieces, int count);

/* Exactly LENGTH bytes; false when they are not there. */
bool segments_read(struct segments *segments, uint32_t number, uint64_t offset, void *bytes,
                   size_t length);
bool segments_size(struct segments *segments, uint32_t number, uint64_t *ret_size);
/* Does segment NUMBER go on from CHAIN? */
bool segments_follows(struct segments *segments, uint32_t number, uint64_t chain);

enum segment_next {
    SEGMENT_NONE, /* this is the last one, or the next was only being made: nothing is in it */
    SEGMENT_READY,
    SEGMENT_DAMAGED /* missing, unreadable, or not what it should be; the words are kept */
};
/* What stands behind segment NUMBER (0: before the first). */
enum segment_next segments_next(struct segments *segments, uint32_t number);

/* Writes heads anew in which some bytes have changed by themselves; returns how many. */
unsigned segments_mend(const struct segments *segments);

unsigned segments_remove_below(struct segments *segments, uint32_t number);
unsigned segments_remove_above(struct segments *segments, uint32_t number);
uint64_t segments_bytes(const struct segments *segments);

#endif
