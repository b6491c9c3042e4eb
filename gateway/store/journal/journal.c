/* journal: see journal.h. The group that gathers, writing it, and reading payloads; the files
 * themselves are segment.c. */
#include "gateway/store/journal/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "certs/io/digest.h"
#include "gateway/runtime/log.h"
#include "gateway/store/journal/checksum.h"
#include "gateway/store/journal/group.h"
#include "gateway/store/journal/segment.h"
#include "gateway/store/journal/wide.h"

enum {
    PAYLOAD_HEAD = 16, /* length, how it was summed, checksum */
    BUFFER_FIRST = 64 << 10,
    KEPT_ROOM = 4 << 20, /* a buffer that grew beyond it is given back after its group */
    LOOK = GROUP_HEAD + 2 * GROUP_SECTOR /* at what stands where a group might */
};

enum { SUM_XXH64, SUM_SHA256 /* its first eight bytes */ };

struct buffer {
    unsigned char *bytes;
    size_t length, room;
};

struct journal {
    struct segments *segments;
    uint64_t id;
    struct journal_place end;
    bool is_torn;
    unsigned char head[GROUP_HEAD]; /* of the group read last */
    struct buffer payloads;         /* starts with room for the group's head */
    struct buffer changes;
    bool is_read_soon; /* the group holds a payload that somebody is going to ask for */
    uint64_t full;     /* bytes of a segment after which a new one is made */
};

static __attribute__((noinline)) void grow(struct buffer *buffer, size_t more)
{
    size_t room = buffer->room == 0 ? BUFFER_FIRST : buffer->room;
    while (room - buffer->length < more)
        room *= 2;
    if (room > BUFFER_FIRST && room < WIDE_PAGE)
        room = WIDE_PAGE;
    unsigned char *bytes = wide_new(room);
    if (bytes == NULL)
        abort(); /* as an arena without memory: what was promised is on disk */
    if (buffer->length > 0)
        memcpy(bytes, buffer->bytes, buffer->length);
    free(buffer->bytes);
    buffer->bytes = bytes;
    buffer->room = room;
}

static unsigned char *extend(struct buffer *buffer, size_t length)
{
    if (buffer->room - buffer->length < length)
        grow(buffer, length);
    unsigned char *at = buffer->bytes + buffer->length;
    buffer->length += length;
    return at;
}

static void release(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){NULL, 0, 0};
}

struct journal *journal_new(const char *folder, uint64_t id)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return NULL;
    journal->segments = segments_new(folder, id);
    journal->id = id;
    journal->end.chain = id;
    journal->full = SEGMENT_FULL;
    if (journal->segments == NULL) {
        free(journal);
        return NULL;
    }
    return journal;
}

void journal_free(struct journal *journal)
{
    if (journal == NULL)
        return;
    segments_free(journal->segments);
    release(&journal->payloads);
    release(&journal->changes);
    free(journal);
}

void journal_turn_at(struct journal *journal, uint64_t bytes)
{
    journal->full = bytes;
}

uint64_t journal_id(const struct journal *journal)
{
    return journal->id;
}

const char *journal_error(const struct journal *journal)
{
    return segments_error(journal->segments);
}

struct journal_place journal_end(const struct journal *journal)
{
    return journal->end;
}

static size_t padded(size_t length)
{
    return (length + 7) / 8 * 8;
}

/* ---- reading groups ---- */

static enum journal_result complain(struct journal *journal, const char *what)
{
    segments_complain(journal->segments, journal->end.segment, what);
    return JOURNAL_BROKEN;
}

/* Is it the journal that PLACE was taken of, and not an older copy of it? */
static bool is_known(struct journal *journal, const struct journal_place *place)
{
    unsigned char head[GROUP_HEAD];
    if (place->last == 0)
        return place->offset > SEGMENT_HEAD ||
               segments_follows(journal->segments, place->segment, place->chain);
    return segments_read(journal->segments, place->segment, place->last, head, GROUP_HEAD) &&
           checksum_get32(head) == group_magic && checksum_get64(head + 24) == place->chain;
}

enum journal_result journal_seek(struct journal *journal, const struct journal_place *place)
{
    uint64_t size;
    journal->end = *place;
    journal->is_torn = false;
    if (place->segment == 0)
        return JOURNAL_DONE;
    if (!segments_size(journal->segments, place->segment, &size))
        return JOURNAL_BROKEN;
    if (size < place->offset || !is_known(journal, place))
        return complain(journal, "is older than the database, or damaged");
    return JOURNAL_DONE;
}

bool journal_is_torn(const struct journal *journal)
{
    return journal->is_torn;
}

static bool is_whole(const unsigned char head[PAYLOAD_HEAD], const void *bytes, size_t length)
{
    uint64_t sum = checksum_get64(head + 8);
    unsigned char digest[DIGEST_SHA256_BYTES];
    if (checksum_get32(head + 4) == SUM_XXH64)
        return checksum_of(bytes, length, length) == sum;
    digest_sha256(bytes, length, digest);
    return checksum_get32(head + 4) == SUM_SHA256 && checksum_get64(digest) == sum;
}

static bool payloads_are_whole(const unsigned char *at, size_t length)
{
    while (length >= PAYLOAD_HEAD) {
        size_t bytes = checksum_get32(at);
        size_t step = PAYLOAD_HEAD + padded(bytes);
        if (step > length || !is_whole(at, at + PAYLOAD_HEAD, bytes))
            return false;
        at += step;
        length -= step;
    }
    return length == 0;
}

enum reading { GROUP_WHOLE, GROUP_OTHER, GROUP_UNREADABLE };

static enum reading read_bytes(struct journal *journal, uint64_t offset, void *bytes, size_t length)
{
    return segments_read(journal->segments, journal->end.segment, offset, bytes, length)
               ? GROUP_WHOLE
               : GROUP_UNREADABLE;
}

/* Reads the group of HEAD at OFFSET into `payloads` and `changes`. */
static enum reading read_parts(struct journal *journal, uint64_t offset,
                               const struct group_head *head)
{
    struct buffer *group = &journal->payloads;
    group->length = 0;
    unsigned char *at = extend(group, head->payloads + head->changes);
    if (read_bytes(journal, offset + GROUP_HEAD, at, head->payloads + head->changes) != GROUP_WHOLE)
        return GROUP_UNREADABLE;
    group->length = head->payloads;
    journal->changes.length = 0;
    if (head->changes > 0)
        memcpy(extend(&journal->changes, head->changes), at + head->payloads, head->changes);
    return group_matches(journal->head, journal->id, head, journal->changes.bytes) &&
                   payloads_are_whole(at, head->payloads)
               ? GROUP_WHOLE
               : GROUP_OTHER;
}

/* The group at OFFSET of the segment being read, whatever stands before it. */
static enum reading read_group(struct journal *journal, uint64_t offset,
                               struct group_head *ret_head)
{
    uint64_t size;
    if (journal->end.segment == 0)
        return GROUP_OTHER;
    if (!segments_size(journal->segments, journal->end.segment, &size))
        return GROUP_UNREADABLE;
    if (offset + GROUP_HEAD > size)
        return GROUP_OTHER;
    if (read_bytes(journal, offset, journal->head, GROUP_HEAD) != GROUP_WHOLE)
        return GROUP_UNREADABLE;
    if (!group_read(journal->head, journal->id, ret_head) ||
        offset + GROUP_HEAD + ret_head->payloads + ret_head->changes > size)
        return GROUP_OTHER;
    return read_parts(journal, offset, ret_head);
}

static void step_over(struct journal *journal, const struct group_head *head)
{
    journal->end.last = journal->end.offset;
    journal->end.offset += group_size(head);
    journal->end.chain = head->sum;
}

/* ---- where no whole group follows: the end, or damage ---- */

enum { NOTHING, TORN, ROTTEN };

/* What stands at the reading end; the file ends at SIZE. */
static int judge_end(struct journal *journal, uint64_t size)
{
    static const unsigned char none[GROUP_HEAD];
    unsigned char bytes[LOOK];
    struct group_head head;
    uint64_t offset = journal->end.offset;
    size_t length = size - offset < LOOK ? (size_t)(size - offset) : LOOK;
    if (read_bytes(journal, offset, bytes, length) != GROUP_WHOLE)
        return ROTTEN;
    if (memcmp(bytes, none, length < GROUP_HEAD ? length : GROUP_HEAD) == 0)
        return NOTHING;
    if (length < GROUP_HEAD || !group_read(bytes, journal->id, &head))
        return group_head_is_torn(bytes, length, offset) ? TORN : ROTTEN;
    if (group_size(&head) > size - offset)
        return TORN;
    size_t whole = (size_t)group_size(&head);
    journal->payloads.length = 0;
    unsigned char *all = extend(&journal->payloads, whole);
    return read_bytes(journal, offset, all, whole) == GROUP_WHOLE &&
                   (head.is_old || group_is_torn(all, whole, offset))
               ? TORN
               : ROTTEN;
}

/* A cut can tear the last group only: where a whole group stands behind one that is not, what was
 * promised has rotted. */
static bool has_group_behind(struct journal *journal, uint64_t size)
{
    static const size_t piece = 1 << 16;
    struct group_head head;
    bool found = false;
    unsigned char *bytes = malloc(piece);
    if (bytes == NULL)
        abort(); /* as an arena without memory */
    for (uint64_t at = journal->end.offset + 8; at < size && !found; at += piece) {
        size_t length = size - at < piece ? (size_t)(size - at) : piece;
        if (read_bytes(journal, at, bytes, length) != GROUP_WHOLE)
            break;
        for (size_t i = 0; i + 8 <= length && !found; i += 8)
            found = checksum_get32(bytes + i) == group_magic &&
                    read_group(journal, at + i, &head) == GROUP_WHOLE;
    }
    free(bytes);
    return found;
}

static enum journal_result complain_at(struct journal *journal, const char *what)
{
    char said[160];
    snprintf(said, sizeof said, "is damaged at byte %llu: %s",
             (unsigned long long)journal->end.offset, what);
    return complain(journal, said);
}

/* In the segment being read: no whole group follows. */
static enum journal_result end_of_segment(struct journal *journal)
{
    uint64_t size;
    if (!segments_size(journal->segments, journal->end.segment, &size))
        return JOURNAL_BROKEN;
    int found = judge_end(journal, size);
    bool is_behind = has_group_behind(journal, size);
    journal->is_torn = found == TORN && !is_behind;
    if (is_behind)
        return complain_at(journal, "whole groups of messages stand behind one that is not");
    return found == ROTTEN ? complain_at(journal, "the group of messages there was promised, and "
                                                  "its bytes have changed since")
                           : JOURNAL_END;
}

/* No whole group follows in this segment: the next one goes on, or here is the end, or damage. */
static enum journal_result turn_over(struct journal *journal)
{
    struct journal_place *end = &journal->end;
    enum segment_next next = segments_next(journal->segments, end->segment);
    if (next == SEGMENT_DAMAGED)
        return JOURNAL_BROKEN;
    if (next == SEGMENT_READY &&
        segments_follows(journal->segments, end->segment + 1, end->chain)) {
        *end = (struct journal_place){end->segment + 1, SEGMENT_HEAD, end->chain, 0};
        return JOURNAL_DONE;
    }
    if (next == SEGMENT_READY && end->segment != 0)
        return complain_at(journal, "the next file goes on from a group of messages that is not "
                                    "whole here");
    if (next == SEGMENT_READY)
        return complain(journal, "does not begin where the database says the journal does");
    return end->segment == 0 ? JOURNAL_END : end_of_segment(journal);
}

enum journal_result journal_next(struct journal *journal, struct journal_group *ret_group)
{
    struct group_head head;
    enum journal_result result;
    for (;;) {
        enum reading found = read_group(journal, journal->end.offset, &head);
        if (found == GROUP_WHOLE && head.chain == journal->end.chain)
            break;
        result = found == GROUP_UNREADABLE ? JOURNAL_BROKEN : turn_over(journal);
        if (result == JOURNAL_DONE)
            continue;
        journal_drop(journal);
        return result;
    }
    step_over(journal, &head);
    ret_group->changes = journal->changes.bytes;
    ret_group->length = journal->changes.length;
    return JOURNAL_DONE;
}

enum journal_result journal_secure(struct journal *journal)
{
    struct iovec pieces[3] = {{journal->head, GROUP_HEAD},
                              {journal->payloads.bytes, journal->payloads.length},
                              {journal->changes.bytes, journal->changes.length}};
    return segments_rewrite(journal->segments, journal->end.segment, journal->end.last, pieces, 3);
}

/* ---- writing ---- */

static void mend_heads(const struct journal *journal)
{
    unsigned count = segments_mend(journal->segments);
    if (count > 0)
        log_number(LOG_LEVEL_WARNING, "store-mended", "files", count, "what",
                   "bytes in the heads of files of store.journal had changed by themselves and "
                   "were written anew; look at the disk, and make a backup",
                   NULL);
}

enum journal_result journal_start(struct journal *journal)
{
    journal_drop(journal);
    mend_heads(journal);
    if (journal->end.segment != 0)
        return segments_cut(journal->segments, journal->end.segment, journal->end.offset);
    enum journal_result result = segments_make(journal->segments, 1, journal->end.chain);
    if (result == JOURNAL_DONE)
        journal->end = (struct journal_place){1, SEGMENT_HEAD, journal->end.chain, 0};
    return result;
}

enum journal_result journal_give_up(struct journal *journal)
{
    segments_remove_above(journal->segments, journal->end.segment);
    return journal_start(journal);
}

enum journal_result journal_go_on(struct journal *journal)
{
    struct journal_place *end = &journal->end;
    segments_remove_above(journal->segments, end->segment);
    enum journal_result result = segments_make(journal->segments, end->segment + 1, end->chain);
    if (result == JOURNAL_DONE)
        *end = (struct journal_place){end->segment + 1, SEGMENT_HEAD, end->chain, 0};
    return result;
}

static unsigned char *add_payload(struct journal *journal, size_t length)
{
    size_t room = padded(length);
    if (journal->payloads.length == 0)
        extend(&journal->payloads, GROUP_HEAD);
    unsigned char *at = extend(&journal->payloads, PAYLOAD_HEAD + room);
    checksum_put32(at, (uint32_t)length);
    checksum_put32(at + 4, SUM_XXH64);
    memset(at + PAYLOAD_HEAD + length, 0, room - length);
    return at;
}

int64_t journal_put(struct journal *journal, const void *bytes, size_t length,
                    const unsigned char *sha256, bool seldom)
{
    unsigned char *at = add_payload(journal, length);
    if (sha256 != NULL)
        checksum_put32(at + 4, SUM_SHA256);
    checksum_put64(at + 8,
                   sha256 != NULL ? checksum_get64(sha256) : checksum_of(bytes, length, length));
    memcpy(at + PAYLOAD_HEAD, bytes, length);
    journal->is_read_soon = journal->is_read_soon || !seldom;
    size_t offset = (size_t)(at - journal->payloads.bytes);
    return (int64_t)((uint64_t)journal->end.segment << 32 | (journal->end.offset + offset));
}

unsigned char *journal_note(struct journal *journal, size_t length)
{
    return extend(&journal->changes, length);
}

const unsigned char *journal_noted(const struct journal *journal, size_t from,
                                   const unsigned char **ret_end)
{
    *ret_end = journal->changes.bytes + journal->changes.length;
    return journal->changes.bytes + from;
}

bool journal_has_group(const struct journal *journal)
{
    return journal->payloads.length + journal->changes.length > 0;
}

struct journal_mark journal_mark(const struct journal *journal)
{
    return (struct journal_mark){journal->payloads.length, journal->changes.length,
                                 journal->is_read_soon};
}

void journal_cut(struct journal *journal, struct journal_mark mark)
{
    journal->payloads.length = mark.payloads;
    journal->changes.length = mark.changes;
    journal->is_read_soon = mark.is_read_soon;
}

static void forget(struct buffer *buffer)
{
    buffer->length = 0;
    if (buffer->room > KEPT_ROOM)
        release(buffer);
}

void journal_drop(struct journal *journal)
{
    forget(&journal->payloads);
    forget(&journal->changes);
    journal->is_read_soon = false;
}

/* A full segment is left for a new one. Without space for that the old one simply grows on. */
static void maybe_turn(struct journal *journal)
{
    uint32_t next = journal->end.segment + 1;
    if (journal->end.offset < journal->full ||
        segments_make(journal->segments, next, journal->end.chain) != JOURNAL_DONE)
        return;
    journal->end = (struct journal_place){next, SEGMENT_HEAD, journal->end.chain, 0};
}

/* A last payload, which nobody asks for, so that the group ends where a block does, and the next
 * one starts there. */
static void fill_block(struct journal *journal)
{
    size_t length = journal->payloads.length + journal->changes.length;
    size_t left = SEGMENT_BLOCK - (journal->end.offset + padded(length + 1)) % SEGMENT_BLOCK;
    if (left == SEGMENT_BLOCK)
        return;
    size_t room = left < PAYLOAD_HEAD ? left + SEGMENT_BLOCK - PAYLOAD_HEAD : left - PAYLOAD_HEAD;
    unsigned char *at = add_payload(journal, room);
    memset(at + PAYLOAD_HEAD, GROUP_FILLING, room);
    checksum_put64(at + 8, checksum_of(at + PAYLOAD_HEAD, room, room));
}

/* The group as it stands on disk, in one piece behind its payloads. */
static void close_group(struct journal *journal, struct group_head *head)
{
    size_t changes = journal->changes.length;
    *head = (struct group_head){.changes = changes,
                                .payloads = journal->payloads.length - GROUP_HEAD,
                                .chain = journal->end.chain};
    size_t padding = (size_t)group_size(head) - GROUP_HEAD - head->payloads - changes;
    unsigned char *behind = extend(&journal->payloads, changes);
    if (changes > 0)
        memcpy(behind, journal->changes.bytes, changes);
    memset(extend(&journal->payloads, padding), GROUP_FILLING, padding);
    group_write(journal->payloads.bytes, journal->id, head, journal->changes.bytes);
}

/* A position has 32 bits for the offset: a file that grew so far, because no new one could be made,
 * takes no group that would go beyond. */
static bool has_positions(const struct journal *journal)
{
    return journal->end.offset + journal->payloads.length <= UINT32_MAX;
}

static enum journal_result refuse_group(struct journal *journal)
{
    complain(journal, "is too long, and the next file could not be made");
    journal_drop(journal);
    maybe_turn(journal);
    return JOURNAL_FULL;
}

enum journal_result journal_sync(struct journal *journal)
{
    struct buffer *group = &journal->payloads;
    struct group_head head;
    if (!journal_has_group(journal))
        return JOURNAL_DONE;
    bool is_direct = group->length > 0 && !journal->is_read_soon;
    if (group->length == 0)
        extend(group, GROUP_HEAD);
    size_t before = group->length;
    if (is_direct)
        fill_block(journal);
    close_group(journal, &head);
    if (!has_positions(journal))
        return refuse_group(journal);
    enum journal_result result = segments_write(journal->segments, journal->end.offset,
                                                group->bytes, group->length, is_direct);
    group->length = before;
    if (result != JOURNAL_DONE)
        return result;
    step_over(journal, &head);
    journal_drop(journal);
    maybe_turn(journal);
    return JOURNAL_DONE;
}

/* ---- payloads ---- */

char *journal_get(struct journal *journal, struct arena *arena, int64_t position,
                  size_t *ret_length)
{
    uint32_t segment = (uint32_t)(position >> 32);
    uint64_t offset = (uint64_t)position & 0xffffffffu;
    unsigned char head[PAYLOAD_HEAD];
    uint64_t size;
    if (segment == journal->end.segment && offset >= journal->end.offset &&
        offset - journal->end.offset + PAYLOAD_HEAD <= journal->payloads.length) {
        const unsigned char *at = journal->payloads.bytes + (offset - journal->end.offset);
        *ret_length = checksum_get32(at);
        return arena_copy_n(arena, (const char *)at + PAYLOAD_HEAD, *ret_length);
    }
    if (!segments_read(journal->segments, segment, offset, head, PAYLOAD_HEAD) ||
        !segments_size(journal->segments, segment, &size) || checksum_get32(head) > size - offset)
        return NULL;
    size_t length = checksum_get32(head);
    char *bytes = arena_alloc(arena, length + 1);
    if (!segments_read(journal->segments, segment, offset + PAYLOAD_HEAD, bytes, length) ||
        !is_whole(head, bytes, length))
        return NULL;
    *ret_length = length;
    return bytes;
}

unsigned journal_remove_below(struct journal *journal, uint32_t segment)
{
    if (segment > journal->end.segment)
        segment = journal->end.segment;
    return segments_remove_below(journal->segments, segment);
}

uint64_t journal_bytes(const struct journal *journal)
{
    return segments_bytes(journal->segments);
}
