/* segment: see segment.h. */
#include "gateway/store/segment.h"

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

#include "gateway/store/ahead.h"
#include "gateway/store/checksum.h"

enum {
    OPEN_MAX_READING = 8,
    ALIVE_BYTES = 8,
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
    struct reading open[OPEN_MAX_READING];
    unsigned oldest; /* of `open`, to be closed first */
    char error[200];
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

enum journal_result segments_write(struct segments *segments, uint64_t offset, const void *bytes,
                                   size_t length, bool is_direct)
{
    uint64_t end = offset + length;
    struct iovec piece = {(void *)(uintptr_t)bytes, length};
    enum journal_result result = reserve(segments, end + ALIVE_BYTES);
    if (result == JOURNAL_DONE && is_direct && is_aligned(offset, bytes, length))
        result = write_directly(segments, offset, &piece);
    bool was_direct = piece.iov_len == 0;
    if (result == JOURNAL_DONE && !was_direct)
        result = write_all(segments, segments->file, end - piece.iov_len, &piece, 1);
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

static enum journal_result write_head(struct segments *segments, uint32_t number, uint64_t chain)
{
    unsigned char head[SEGMENT_HEAD];
    memcpy(head, segment_magic, sizeof segment_magic);
    checksum_put64(head + 8, segments->id);
    checksum_put64(head + 16, number);
    checksum_put64(head + 24, chain);
    return segments_write(segments, 0, head, sizeof head, false);
}

static void open_directly(struct segments *segments, const char *path)
{
    close_file(&segments->direct);
    segments->direct = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW);
}

enum journal_result segments_make(struct segments *segments, uint32_t number, uint64_t chain)
{
    char path[PATH_MAX];
    if (!make_folder(segments->folder))
        return fail(segments, "its folder cannot be made");
    if (!path_of(segments, number, path))
        return JOURNAL_BROKEN;
    take_ready(segments, UINT64_MAX);
    int before = segments->file;
    int direct = segments->direct;
    uint64_t reserved = segments->reserved;
    segments->file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    segments->direct = -1;
    segments->reserved = 0;
    enum journal_result result = segments->file < 0 ? fail(segments, "a file cannot be made")
                                                    : write_head(segments, number, chain);
    if (result == JOURNAL_DONE && !sync_folder(segments->folder))
        result = fail(segments, "its folder cannot be synced");
    if (result == JOURNAL_DONE) {
        close_file(&before);
        close_file(&direct);
        open_directly(segments, path);
        return JOURNAL_DONE;
    }
    if (segments->file >= 0) {
        close(segments->file);
        unlink(path);
    }
    segments->file = before;
    segments->direct = direct;
    segments->reserved = reserved;
    return result;
}

/* ---- names ---- */

/* Calls WITH for each segment number below or above LIMIT; returns how many were removed. */
static unsigned remove_beyond(struct segments *segments, uint32_t limit, bool below)
{
    char path[PATH_MAX];
    unsigned removed = 0;
    DIR *folder = opendir(segments->folder);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char *end;
        unsigned long number = strtoul(entry->d_name, &end, 10);
        bool is_wanted = below ? number < limit : number > limit;
        if (*end != '\0' || number == 0 || number > UINT32_MAX || !is_wanted ||
            !path_of(segments, (uint32_t)number, path))
            continue;
        removed += unlink(path) == 0;
    }
    closedir(folder);
    return removed;
}

enum journal_result segments_cut(struct segments *segments, uint32_t number, uint64_t offset)
{
    char path[PATH_MAX];
    take_ready(segments, UINT64_MAX);
    close_file(&segments->file);
    if (!path_of(segments, number, path))
        return JOURNAL_BROKEN;
    remove_beyond(segments, number, false);
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

unsigned segments_remove_below(struct segments *segments, uint32_t number)
{
    close_reading(segments);
    return remove_beyond(segments, number, true);
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
        unsigned long number = strtoul(entry->d_name, NULL, 10);
        if (number > 0 && number <= UINT32_MAX && path_of(segments, (uint32_t)number, path) &&
            stat(path, &about) == 0)
            bytes += (uint64_t)about.st_blocks * 512;
    }
    closedir(folder);
    return bytes;
}

/* ---- reading ---- */

static bool read_at(int file, uint64_t offset, void *bytes, size_t length)
{
    char *at = bytes;
    while (length > 0) {
        ssize_t count = pread(file, at, length, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        at += count;
        offset += (uint64_t)count;
        length -= (size_t)count;
    }
    return true;
}

/* The segment, open for reading, when it is this journal's; else -1. */
static int reading(struct segments *segments, uint32_t number)
{
    char path[PATH_MAX];
    unsigned char head[SEGMENT_HEAD];
    for (int i = 0; i < OPEN_MAX_READING; i++) {
        if (segments->open[i].file >= 0 && segments->open[i].number == number)
            return segments->open[i].file;
    }
    if (!path_of(segments, number, path))
        return -1;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) {
        fail(segments, path);
        return -1;
    }
    if (!read_at(file, 0, head, sizeof head) ||
        memcmp(head, segment_magic, sizeof segment_magic) != 0 ||
        checksum_get64(head + 8) != segments->id || checksum_get64(head + 16) != number) {
        segments_complain(segments, number, "is not of this store, or its head is damaged");
        close(file);
        return -1;
    }
    struct reading *slot = &segments->open[segments->oldest++ % OPEN_MAX_READING];
    close_file(&slot->file);
    *slot = (struct reading){number, file};
    return file;
}

bool segments_read(struct segments *segments, uint32_t number, uint64_t offset, void *bytes,
                   size_t length)
{
    int file = reading(segments, number);
    return file >= 0 && read_at(file, offset, bytes, length);
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

bool segments_follows(struct segments *segments, uint32_t number, uint64_t *ret_chain)
{
    unsigned char chain[8];
    if (!segments_read(segments, number, 24, chain, sizeof chain))
        return false;
    *ret_chain = checksum_get64(chain);
    return true;
}
