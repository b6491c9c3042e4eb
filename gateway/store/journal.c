/* journal: see journal.h. The group that gathers, writing it, and reading payloads; the files
 * themselves are segment.c. */
#include "gateway/store/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "certs/digest.h"
#include "gateway/store/checksum.h"
#include "gateway/store/segment.h"
#include "gateway/store/wide.h"

enum {
    GROUP_HEAD = 32,   /* magic, bytes of changes, bytes of payloads, chain, checksum */
    PAYLOAD_HEAD = 16, /* length, how it was summed, checksum */
    BUFFER_FIRST = 64 << 10,
    KEPT_ROOM = 4 << 20 /* a buffer that grew beyond it is given back after its group */
};

static const uint32_t group_magic = 0x31474752; /* "RGG1" */

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
};

static void grow(struct buffer *buffer, size_t more)
{
    size_t room = buffer->room == 0 ? BUFFER_FIRST : buffer->room;
    while (room - buffer->length < more)
        room *= 2;
    if (room == buffer->room)
        return;
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
    uint64_t chain;
    if (place->last == 0)
        return segments_follows(journal->segments, place->segment, &chain) &&
               (place->offset > SEGMENT_HEAD || chain == place->chain);
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

/* The journal's id is random and nobody else's: no payload can be made that looks like a group. */
static uint64_t sum_of_group(const struct journal *journal, const unsigned char *head,
                             const unsigned char *changes, size_t length)
{
    return checksum_of(changes, length, checksum_of(head, GROUP_HEAD - 8, journal->id));
}

/* Reads the group at OFFSET into `payloads` and `changes`, whatever stands before it; false when
 * there is no whole one. */
static bool read_group(struct journal *journal, uint64_t offset, unsigned char head[GROUP_HEAD])
{
    uint32_t segment = journal->end.segment;
    struct buffer *group = &journal->payloads;
    uint64_t size;
    if (segment == 0 || !segments_size(journal->segments, segment, &size) ||
        offset + GROUP_HEAD > size ||
        !segments_read(journal->segments, segment, offset, head, GROUP_HEAD) ||
        checksum_get32(head) != group_magic)
        return false;
    size_t changes = checksum_get32(head + 4);
    uint64_t payloads = checksum_get64(head + 8);
    if (payloads > size || offset + GROUP_HEAD + payloads + changes > size)
        return false;
    group->length = 0;
    unsigned char *at = extend(group, (size_t)payloads + changes);
    if (!segments_read(journal->segments, segment, offset + GROUP_HEAD, at,
                       (size_t)payloads + changes))
        return false;
    group->length = (size_t)payloads;
    journal->changes.length = 0;
    memcpy(extend(&journal->changes, changes), at + payloads, changes);
    return sum_of_group(journal, head, journal->changes.bytes, changes) ==
               checksum_get64(head + 24) &&
           payloads_are_whole(at, (size_t)payloads);
}

static void step_over(struct journal *journal, size_t payloads, size_t changes, uint64_t sum)
{
    journal->end.last = journal->end.offset;
    journal->end.offset += padded(GROUP_HEAD + payloads + changes);
    journal->end.chain = sum;
}

/* A cut can tear the last group only: where a whole group stands behind one that is not, what was
 * promised has rotted. */
static bool has_group_behind(struct journal *journal)
{
    static const size_t piece = 1 << 16;
    unsigned char head[GROUP_HEAD];
    uint64_t size = 0;
    uint64_t chain;
    unsigned char *bytes = malloc(piece);
    bool found = segments_follows(journal->segments, journal->end.segment + 1, &chain);
    if (bytes != NULL && !found)
        segments_size(journal->segments, journal->end.segment, &size);
    for (uint64_t at = journal->end.offset + 8; at < size && !found; at += piece) {
        size_t length = size - at < piece ? (size_t)(size - at) : piece;
        if (!segments_read(journal->segments, journal->end.segment, at, bytes, length))
            break;
        for (size_t i = 0; i + 8 <= length && !found; i += 8)
            found = checksum_get32(bytes + i) == group_magic && read_group(journal, at + i, head);
    }
    free(bytes);
    return found;
}

static bool has_bytes(struct journal *journal)
{
    unsigned char bytes[GROUP_HEAD];
    static const unsigned char none[GROUP_HEAD];
    return segments_read(journal->segments, journal->end.segment, journal->end.offset, bytes,
                         sizeof bytes) &&
           memcmp(bytes, none, sizeof bytes) != 0;
}

static enum journal_result end_here(struct journal *journal)
{
    bool is_damaged = journal->end.segment != 0 && has_group_behind(journal);
    journal->is_torn = !is_damaged && journal->end.segment != 0 && has_bytes(journal);
    journal_drop(journal);
    return is_damaged ? complain(journal, "is damaged: whole groups stand behind one that is not")
                      : JOURNAL_END;
}

enum journal_result journal_next(struct journal *journal, struct journal_group *ret_group)
{
    struct journal_place *end = &journal->end;
    uint64_t chain;
    while (!read_group(journal, end->offset, journal->head) ||
           checksum_get64(journal->head + 16) != end->chain) {
        if (!segments_follows(journal->segments, end->segment + 1, &chain) || chain != end->chain)
            return end_here(journal);
        *end = (struct journal_place){end->segment + 1, SEGMENT_HEAD, chain, 0};
    }
    step_over(journal, journal->payloads.length, journal->changes.length,
              checksum_get64(journal->head + 24));
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

enum journal_result journal_start(struct journal *journal)
{
    journal_drop(journal);
    if (journal->end.segment != 0)
        return segments_cut(journal->segments, journal->end.segment, journal->end.offset);
    enum journal_result result = segments_make(journal->segments, 1, journal->end.chain);
    if (result == JOURNAL_DONE)
        journal->end = (struct journal_place){1, SEGMENT_HEAD, journal->end.chain, 0};
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
    if (journal->end.offset < SEGMENT_FULL ||
        segments_make(journal->segments, next, journal->end.chain) != JOURNAL_DONE)
        return;
    journal->end = (struct journal_place){next, SEGMENT_HEAD, journal->end.chain, 0};
}

/* A last payload of zeros, which nobody asks for, so that the group ends where a block does, and
 * the next one starts there. */
static void fill_block(struct journal *journal)
{
    size_t length = journal->payloads.length + journal->changes.length;
    size_t left = SEGMENT_BLOCK - (journal->end.offset + padded(length)) % SEGMENT_BLOCK;
    if (left == SEGMENT_BLOCK)
        return;
    size_t room = left < PAYLOAD_HEAD ? left + SEGMENT_BLOCK - PAYLOAD_HEAD : left - PAYLOAD_HEAD;
    unsigned char *at = add_payload(journal, room);
    memset(at + PAYLOAD_HEAD, 0, room);
    checksum_put64(at + 8, checksum_of(at + PAYLOAD_HEAD, room, room));
}

/* The group as it stands on disk, in one piece behind its payloads; returns its checksum. */
static uint64_t close_group(struct journal *journal, size_t *ret_payloads)
{
    size_t changes = journal->changes.length;
    size_t payloads = journal->payloads.length - GROUP_HEAD;
    size_t padding = padded(payloads + changes) - (payloads + changes);
    unsigned char *behind = extend(&journal->payloads, changes);
    if (changes > 0)
        memcpy(behind, journal->changes.bytes, changes);
    memset(extend(&journal->payloads, padding), 0, padding);
    unsigned char *head = journal->payloads.bytes;
    checksum_put32(head, group_magic);
    checksum_put32(head + 4, (uint32_t)changes);
    checksum_put64(head + 8, payloads);
    checksum_put64(head + 16, journal->end.chain);
    uint64_t sum = sum_of_group(journal, head, journal->changes.bytes, changes);
    checksum_put64(head + 24, sum);
    *ret_payloads = payloads;
    return sum;
}

enum journal_result journal_sync(struct journal *journal)
{
    struct buffer *group = &journal->payloads;
    size_t payloads;
    if (!journal_has_group(journal))
        return JOURNAL_DONE;
    bool is_direct = group->length > 0 && !journal->is_read_soon;
    if (group->length == 0)
        extend(group, GROUP_HEAD);
    size_t before = group->length;
    if (is_direct)
        fill_block(journal);
    uint64_t sum = close_group(journal, &payloads);
    enum journal_result result = segments_write(journal->segments, journal->end.offset,
                                                group->bytes, group->length, is_direct);
    group->length = before;
    if (result != JOURNAL_DONE)
        return result;
    step_over(journal, payloads, journal->changes.length, sum);
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
