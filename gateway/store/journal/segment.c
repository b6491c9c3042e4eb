/* segment: the files that a journal consists of. See segment.h.
 *
 * Space is reserved ahead, in steps that double, so that a sync need not write the size of the
 * file; what is aligned is written past the page cache where the file system allows that. After a
 * sync that failed nothing more is written. Used by the store's thread; ahead.h has the one helper
 * thread. */
#include "gateway/store/journal/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "gateway/store/journal/ahead.h"
#include "gateway/store/journal/checksum.h"

enum {
    OPEN_MAX_READING = 8,
    ALIVE_BYTES = 8,
    NUMBER_AT = 16, /* in a head; before it stands whose it is */
    CHAIN_AT = 24,
    ROTTEN_MOST = 4,           /* bytes of eight: a number that is not meant differs in more */
    RESERVE_FIRST = 256 << 10, /* space is reserved in steps that double up to the next */
    RESERVE_MOST = 8 << 20
};

static const char segment_magic[8] = "REFGATEJ";

struct reading { /* a segment open for reading */
    uint32_t number;
    int file;
};

struct segments {
    char folder[PATH_MAX];
    uint64_t id;
    int file;          /* being written; -1: none */
    int direct;        /* the same one, past the page cache; -1: the file system does not do that */
    uint64_t reserved; /* up to here it may be written */
    uint64_t step;
    struct ahead *ahead; /* NULL: not needed yet */
    bool is_asked;       /* it makes ready what stands behind `reserved` */
    bool is_broken;      /* a sync failed: nothing more is written */
    bool is_littered;    /* from `litter` on stands part of a group that found no space */
    uint64_t litter;
    struct reading open[OPEN_MAX_READING];
    unsigned oldest; /* of `open`, to be closed first */
    char error[300];
};

struct segments *segments_new(const char *folder, uint64_t id)
{
    struct segments *segments = calloc(1, sizeof *segments);
    if (segments == NULL)
        return NULL;
    snprintf(segments->folder, sizeof segments->folder, "%s", folder);
    segments->id = id;
    segments->file = segments->direct = -1;
    segments->step = RESERVE_FIRST;
    for (int i = 0; i < OPEN_MAX_READING; i++)
        segments->open[i].file = -1;
    return segments;
}

static void close_file(int *file)
{
    if (*file >= 0)
        close(*file);
    *file = -1;
}

static void close_reading(struct segments *segments)
{
    for (int i = 0; i < OPEN_MAX_READING; i++)
        close_file(&segments->open[i].file);
}

void segments_free(struct segments *segments)
{
    ahead_stop(segments->ahead);
    close_reading(segments);
    close_file(&segments->file);
    close_file(&segments->direct);
    free(segments);
}

const char *segments_error(const struct segments *segments)
{
    return segments->error;
}

void segments_complain(struct segments *segments, uint32_t number, const char *what)
{
    snprintf(segments->error, sizeof segments->error, "the journal: %s/%08u %s",
             basename(segments->folder), number, what);
}

/* The kind of errno, with its words kept. */
static enum journal_result fail(struct segments *segments, const char *what)
{
    int number = errno;
    snprintf(segments->error, sizeof segments->error, "the journal: %s: %s", what,
             strerror(number));
    errno = number;
    return number == ENOSPC || number == EDQUOT ? JOURNAL_FULL : JOURNAL_BROKEN;
}

static bool path_of(const struct segments *segments, uint32_t number, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%08u", segments->folder, number);
    return length > 0 && length < PATH_MAX;
}

static bool sync_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    bool synced = fsync(folder) == 0;
    close(folder);
    return synced;
}

static bool make_folder(const char *path)
{
    char copy[PATH_MAX];
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST;
    snprintf(copy, sizeof copy, "%s", path);
    return sync_folder(dirname(copy));
}

/* False at the end of the file (errno 0) and on an error. */
static bool read_at(int file, uint64_t offset, void *bytes, size_t length)
{
    char *at = bytes;
    while (length > 0) {
        ssize_t count = pread(file, at, length, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0)
            errno = 0;
        if (count <= 0)
            return false;
        at += count;
        offset += (uint64_t)count;
        length -= (size_t)count;
    }
    return true;
}

/* ---- writing ---- */

static uint64_t to_block(uint64_t offset)
{
    return (offset + SEGMENT_BLOCK - 1) / SEGMENT_BLOCK * SEGMENT_BLOCK;
}

/* Reserves space up to END, so that a sync need not write the file's size each time. A file system
 * that cannot is no fault. */
static enum journal_result reserve_now(struct segments *segments, uint64_t end)
{
    uint64_t least = to_block(end) - segments->reserved;
    uint64_t step = segments->ahead != NULL ? RESERVE_FIRST : segments->step;
    uint64_t more = to_block(segments->reserved + step) - segments->reserved;
    more = more < least ? least : more;
    while (fallocate(segments->file, 0, (off_t)segments->reserved, (off_t)more) != 0) {
        if (errno == EINTR)
            continue;
        if (errno == EOPNOTSUPP || errno == ENOSYS)
            break;
        if (errno != ENOSPC && errno != EDQUOT)
            return fail(segments, "space cannot be reserved");
        if (more == least)
            return fail(segments, "there is no space left");
        more = least;
    }
    segments->reserved += more;
    return JOURNAL_DONE;
}

/* Takes what has been made ready; waits until that goes up to WANTED. */
static void take_ready(struct segments *segments, uint64_t wanted)
{
    bool has_ended;
    if (!segments->is_asked)
        return;
    uint64_t reached = ahead_reached(segments->ahead, wanted, &has_ended);
    segments->reserved = reached > segments->reserved ? reached : segments->reserved;
    segments->is_asked = !has_ended;
}

static void double_step(struct segments *segments)
{
    if (segments->step < RESERVE_MOST)
        segments->step *= 2;
}

/* When little is left behind END the next step is made ready, past the page cache. */
static void ask_ahead(struct segments *segments, uint64_t end)
{
    if (segments->is_asked || segments->direct < 0 || segments->reserved >= SEGMENT_FULL ||
        segments->reserved % SEGMENT_BLOCK != 0 || segments->reserved - end > segments->step / 2)
        return;
    if (segments->ahead == NULL && (segments->ahead = ahead_start()) == NULL)
        return;
    ahead_ask(segments->ahead, segments->file, segments->direct, segments->reserved,
              segments->step);
    segments->is_asked = true;
    double_step(segments);
}

static enum journal_result reserve(struct segments *segments, uint64_t end)
{
    enum journal_result result = JOURNAL_DONE;
    take_ready(segments, end > segments->reserved ? end : 0);
    if (end > segments->reserved) {
        take_ready(segments, UINT64_MAX); /* it broke off */
        result = reserve_now(segments, end);
        double_step(segments);
    }
    if (result == JOURNAL_DONE)
        ask_ahead(segments, end);
    return result;
}

static enum journal_result write_all(struct segments *segments, int file, uint64_t offset,
                                     struct iovec *pieces, int count)
{
    while (count > 0) {
        ssize_t written = pwritev(file, pieces, count, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(segments, "it cannot be written");
        offset += (uint64_t)written;
        while (count > 0 && (size_t)written >= pieces->iov_len) {
            written -= (ssize_t)pieces->iov_len;
            pieces++;
            count--;
        }
        if (count > 0) {
            pieces->iov_base = (char *)pieces->iov_base + written;
            pieces->iov_len -= (size_t)written;
        }
    }
    return JOURNAL_DONE;
}

static bool is_aligned(uint64_t offset, const void *bytes, size_t length)
{
    return (offset | (uintptr_t)bytes | length) % SEGMENT_BLOCK == 0;
}

/* Past the page cache. What the file system does not take that way is left in PIECE. */
static enum journal_result write_directly(struct segments *segments, uint64_t offset,
                                          struct iovec *piece)
{
    if (segments->direct < 0)
        return JOURNAL_DONE;
    enum journal_result result = write_all(segments, segments->direct, offset, piece, 1);
    if (result == JOURNAL_DONE) {
        piece->iov_len = 0;
        return JOURNAL_DONE;
    }
    if (errno != EINVAL)
        return result;
    take_ready(segments, UINT64_MAX);
    close_file(&segments->direct);
    return JOURNAL_DONE;
}

/* A file system that is shut down, or gives up its own journal, while it syncs may say that all
 * went well (ext4 does); it takes no write any more, though, not even one of nothing. So one is
 * tried: of nothing behind what went past the page cache, so that no page comes to lie there. */
static bool is_alive(struct segments *segments, uint64_t offset, bool is_direct)
{
    static const unsigned char nothing[ALIVE_BYTES];
    size_t length = is_direct ? 0 : sizeof nothing;
    while (pwrite(segments->file, nothing, length, (off_t)offset) < 0) {
        if (errno != EINTR)
            return errno == ENOSPC || errno == EDQUOT;
    }
    return true;
}

/* What was written of a group for which there is no space must not look like one that has rotted,
 * behind the next: nothing is written before it is gone. */
static bool sweep(struct segments *segments)
{
    if (!segments->is_littered)
        return true;
    take_ready(segments, UINT64_MAX);
    if (ftruncate(segments->file, (off_t)segments->litter) != 0)
        return false;
    segments->reserved = segments->litter;
    segments->is_littered = false;
    return true;
}

static void take_back(struct segments *segments, uint64_t offset)
{
    segments->litter = offset;
    segments->is_littered = true;
    sweep(segments); /* or else before the next group */
}

enum journal_result segments_write(struct segments *segments, uint64_t offset, const void *bytes,
                                   size_t length, bool is_direct)
{
    uint64_t end = offset + length;
    struct iovec piece = {(void *)(uintptr_t)bytes, length};
    if (segments->is_broken)
        return JOURNAL_BROKEN;
    if (!sweep(segments))
        return fail(segments, "its end cannot be cut");
    enum journal_result result = reserve(segments, end + ALIVE_BYTES);
    if (result != JOURNAL_DONE)
        return result;
    if (is_direct && is_aligned(offset, bytes, length))
        result = write_directly(segments, offset, &piece);
    bool was_direct = piece.iov_len == 0;
    if (result == JOURNAL_DONE && !was_direct)
        result = write_all(segments, segments->file, end - piece.iov_len, &piece, 1);
    if (result == JOURNAL_FULL)
        take_back(segments, offset);
    if (result != JOURNAL_DONE)
        return result;
    if (fdatasync(segments->file) == 0 && is_alive(segments, end, was_direct))
        return JOURNAL_DONE;
    fail(segments, "it cannot be synced");
    return JOURNAL_BROKEN; /* a failed sync is never retried, whatever its reason */
}

enum journal_result segments_rewrite(struct segments *segments, uint32_t number, uint64_t offset,
                                     struct iovec *pieces, int count)
{
    char path[PATH_MAX];
    int file = path_of(segments, number, path) ? open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (file < 0)
        return fail(segments, "a file cannot be opened");
    enum journal_result result = write_all(segments, file, offset, pieces, count);
    if (result == JOURNAL_DONE && fdatasync(file) != 0) {
        fail(segments, "it cannot be synced");
        result = JOURNAL_BROKEN;
    }
    close(file);
    return result;
}

static void make_head(const struct segments *segments, uint32_t number, uint64_t chain,
                      unsigned char ret_head[SEGMENT_HEAD])
{
    memcpy(ret_head, segment_magic, sizeof segment_magic);
    checksum_put64(ret_head + 8, segments->id);
    checksum_put64(ret_head + NUMBER_AT, number);
    checksum_put64(ret_head + CHAIN_AT, chain);
}

static enum journal_result write_head(struct segments *segments, uint32_t number, uint64_t chain)
{
    unsigned char head[SEGMENT_HEAD];
    make_head(segments, number, chain, head);
    return segments_write(segments, 0, head, sizeof head, false);
}

static void open_directly(struct segments *segments, const char *path)
{
    close_file(&segments->direct);
    segments->direct = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW);
}

/* Is nothing in it, as when making it was broken off? */
static bool is_blank(int file)
{
    unsigned char bytes[SEGMENT_BLOCK];
    ssize_t count;
    for (off_t at = 0; (count = pread(file, bytes, sizeof bytes, at)) > 0; at += count) {
        for (ssize_t i = 0; i < count; i++) {
            if (bytes[i] != 0)
                return false;
        }
    }
    return count == 0;
}

/* A segment is made once: one that is there already may only be blank. */
static int make_file(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file >= 0 || errno != EEXIST)
        return file;
    file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 || (is_blank(file) && ftruncate(file, 0) == 0))
        return file;
    close(file);
    errno = EEXIST;
    return -1;
}

/* A file that could not be finished goes again, but for one that was there before. */
static enum journal_result make_segment(struct segments *segments, const char *path,
                                        uint32_t number, uint64_t chain)
{
    segments->file = make_file(path);
    if (segments->file < 0)
        return fail(segments, "a file cannot be made");
    enum journal_result result = write_head(segments, number, chain);
    if (result == JOURNAL_DONE && !sync_folder(segments->folder)) {
        fail(segments, "its folder cannot be synced");
        result = JOURNAL_BROKEN;
    }
    segments->is_broken = result == JOURNAL_BROKEN;
    if (result == JOURNAL_DONE)
        return JOURNAL_DONE;
    take_ready(segments, UINT64_MAX);
    close_file(&segments->file);
    unlink(path);
    return result;
}

enum journal_result segments_make(struct segments *segments, uint32_t number, uint64_t chain)
{
    char path[PATH_MAX];
    if (number > INT32_MAX || !path_of(segments, number, path)) { /* a position is below 1 << 63 */
        segments_complain(segments, number, "cannot be made: there are no numbers left");
        return JOURNAL_BROKEN;
    }
    if (!make_folder(segments->folder))
        return fail(segments, "its folder cannot be made");
    if (!sweep(segments))
        return fail(segments, "its end cannot be cut");
    take_ready(segments, UINT64_MAX);
    int before = segments->file;
    int direct = segments->direct;
    uint64_t reserved = segments->reserved;
    segments->direct = -1;
    segments->reserved = 0;
    enum journal_result result = make_segment(segments, path, number, chain);
    if (result == JOURNAL_DONE) {
        close_file(&before);
        close_file(&direct);
        open_directly(segments, path);
        return JOURNAL_DONE;
    }
    segments->is_littered = false; /* the new one is gone */
    segments->file = before;
    segments->direct = direct;
    segments->reserved = reserved;
    return result;
}

/* ---- names ---- */

/* The number that a file of the journal is named by; 0: it is none. */
static uint32_t number_of(const char *name)
{
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    bool is_one = *end == '\0' && name[0] >= '0' && name[0] <= '9' && number <= UINT32_MAX;
    return is_one ? (uint32_t)number : 0;
}

/* Removes segments FIRST to LAST; returns how many. */
static unsigned remove_between(struct segments *segments, uint32_t first, uint32_t last)
{
    char path[PATH_MAX];
    unsigned removed = 0;
    close_reading(segments);
    DIR *folder = opendir(segments->folder);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        uint32_t number = number_of(entry->d_name);
        if (number >= first && number <= last && path_of(segments, number, path))
            removed += unlink(path) == 0;
    }
    closedir(folder);
    return removed;
}

unsigned segments_remove_below(struct segments *segments, uint32_t number)
{
    return number < 2 ? 0 : remove_between(segments, 1, number - 1);
}

unsigned segments_remove_above(struct segments *segments, uint32_t number)
{
    return number == UINT32_MAX ? 0 : remove_between(segments, number + 1, UINT32_MAX);
}

/* The highest number there is, 0 without any; false when the folder cannot be read. */
static bool last_number(struct segments *segments, uint32_t *ret_number)
{
    *ret_number = 0;
    DIR *folder = opendir(segments->folder);
    if (folder == NULL)
        return errno == ENOENT;
    errno = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        uint32_t number = number_of(entry->d_name);
        *ret_number = number > *ret_number ? number : *ret_number;
        errno = 0;
    }
    bool is_read = errno == 0;
    closedir(folder);
    return is_read;
}

enum journal_result segments_cut(struct segments *segments, uint32_t number, uint64_t offset)
{
    char path[PATH_MAX];
    take_ready(segments, UINT64_MAX);
    close_file(&segments->file);
    if (!path_of(segments, number, path))
        return JOURNAL_BROKEN;
    segments->file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (segments->file < 0)
        return fail(segments, path);
    if (ftruncate(segments->file, (off_t)offset) != 0 || fsync(segments->file) != 0)
        return fail(segments, "its end cannot be cut");
    open_directly(segments, path);
    segments->reserved = offset;
    close_reading(segments);
    return JOURNAL_DONE;
}

uint64_t segments_bytes(const struct segments *segments)
{
    char path[PATH_MAX];
    uint64_t bytes = 0;
    DIR *folder = opendir(segments->folder);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct stat about;
        uint32_t number = number_of(entry->d_name);
        if (number > 0 && path_of(segments, number, path) && stat(path, &about) == 0)
            bytes += (uint64_t)about.st_blocks * 512;
    }
    closedir(folder);
    return bytes;
}

/* ---- reading ---- */

/* A new reading slot for FILE. */
static int keep_reading(struct segments *segments, uint32_t number, int file)
{
    struct reading *slot = &segments->open[segments->oldest++ % OPEN_MAX_READING];
    close_file(&slot->file);
    *slot = (struct reading){number, file};
    return file;
}

static void complain_system(struct segments *segments, uint32_t number, int error)
{
    char said[120];
    snprintf(said, sizeof said, "cannot be read: %s",
             error == 0 ? "it ends too early" : strerror(error));
    segments_complain(segments, number, said);
}

static int open_to_read(struct segments *segments, uint32_t number)
{
    char path[PATH_MAX];
    int file = path_of(segments, number, path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (file < 0)
        complain_system(segments, number, errno);
    return file;
}

/* FOUND was EXPECTED once: some bytes of it may have changed by themselves. */
static bool was(const unsigned char *found, const unsigned char *expected, size_t length)
{
    int other = 0;
    for (size_t i = 0; i < length; i++)
        other += found[i] != expected[i];
    return other <= ROTTEN_MOST;
}

/* Whose a file is can be told though some bytes of its head have changed: groups and payloads
 * behind it have checksums of their own. Not so its number, by which files that were mixed up are
 * known.
 */
static bool is_head_of(const unsigned char *found, const unsigned char *expected)
{
    return was(found, expected, NUMBER_AT) &&
           memcmp(found + NUMBER_AT, expected + NUMBER_AT, CHAIN_AT - NUMBER_AT) == 0;
}

static bool is_ours(struct segments *segments, uint32_t number, int file)
{
    unsigned char head[SEGMENT_HEAD];
    unsigned char ours[SEGMENT_HEAD];
    make_head(segments, number, 0, ours);
    errno = 0;
    if (read_at(file, 0, head, sizeof head) && is_head_of(head, ours))
        return true;
    if (errno != 0)
        complain_system(segments, number, errno);
    else
        segments_complain(segments, number, "is not of this store, or its head is damaged");
    return false;
}

/* The segment, open for reading, when it is this journal's; else -1. */
static int reading(struct segments *segments, uint32_t number)
{
    for (int i = 0; i < OPEN_MAX_READING; i++) {
        if (segments->open[i].file >= 0 && segments->open[i].number == number)
            return segments->open[i].file;
    }
    int file = open_to_read(segments, number);
    if (file < 0 || is_ours(segments, number, file))
        return file < 0 ? -1 : keep_reading(segments, number, file);
    close(file);
    return -1;
}

bool segments_read(struct segments *segments, uint32_t number, uint64_t offset, void *bytes,
                   size_t length)
{
    int file = reading(segments, number);
    if (file < 0 || read_at(file, offset, bytes, length))
        return file >= 0;
    complain_system(segments, number, errno);
    return false;
}

bool segments_size(struct segments *segments, uint32_t number, uint64_t *ret_size)
{
    struct stat about;
    int file = reading(segments, number);
    if (file < 0 || fstat(file, &about) != 0)
        return false;
    *ret_size = (uint64_t)about.st_size;
    return true;
}

bool segments_follows(struct segments *segments, uint32_t number, uint64_t chain)
{
    unsigned char found[8];
    unsigned char expected[8];
    checksum_put64(expected, chain);
    return segments_read(segments, number, CHAIN_AT, found, sizeof found) &&
           was(found, expected, sizeof found);
}

/* Was it being made when everything stopped? Such a one is the last, and blank: its head is synced
 * before anything else is written to it. */
static bool was_being_made(struct segments *segments, uint32_t number)
{
    int file = open_to_read(segments, number);
    bool is_being_made = file >= 0 && is_blank(file);
    if (file >= 0)
        close(file);
    return is_being_made;
}

enum segment_next segments_next(struct segments *segments, uint32_t number)
{
    uint32_t last;
    if (!last_number(segments, &last)) {
        fail(segments, "its folder cannot be read");
        return SEGMENT_DAMAGED;
    }
    if (last <= number || (last == number + 1 && was_being_made(segments, last)))
        return SEGMENT_NONE;
    return reading(segments, number + 1) >= 0 ? SEGMENT_READY : SEGMENT_DAMAGED;
}

/* ---- mending ---- */

static bool mend_head(const struct segments *segments, uint32_t number)
{
    char path[PATH_MAX];
    unsigned char head[SEGMENT_HEAD];
    unsigned char ours[SEGMENT_HEAD];
    make_head(segments, number, 0, ours);
    int file = path_of(segments, number, path) ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
    bool is_mended = file >= 0 && read_at(file, 0, head, sizeof head) &&
                     memcmp(head, ours, NUMBER_AT) != 0 && is_head_of(head, ours) &&
                     pwrite(file, ours, NUMBER_AT, 0) == NUMBER_AT && fdatasync(file) == 0;
    if (file >= 0)
        close(file);
    return is_mended;
}

unsigned segments_mend(const struct segments *segments)
{
    unsigned mended = 0;
    DIR *folder = opendir(segments->folder);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        uint32_t number = number_of(entry->d_name);
        mended += number > 0 && mend_head(segments, number);
    }
    closedir(folder);
    return mended;
}
