/* archive: see archive.h. Writing; reading is archive_read.c. */
#include "gateway/backup/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/text.h"
#include "certs/io/digest.h"
#include "gateway/backup/archive_internal.h"
#include "gateway/runtime/file.h"

enum { SUMS_MAX = 64 << 20, PIECE = 1 << 20 };

struct archive {
    struct arena *arena;
    const char *path, *beside;
    int file;
    int64_t time_s;
    struct text sums;
    unsigned char *piece;
    struct fault fault; /* the first one; FAULT_none: all is well */
};

static void fail(struct archive *archive, enum fault_kind kind, const char *what)
{
    if (archive->fault.kind == FAULT_none)
        fault_set(&archive->fault, kind, what);
}

static void fail_writing(struct archive *archive)
{
    enum fault_kind kind = errno == ENOSPC || errno == EDQUOT ? FAULT_store_full : FAULT_unreadable;
    fail(archive, kind,
         arena_print(archive->arena, "%s cannot be written: %s", archive->path, strerror(errno)));
}

static void write_all(struct archive *archive, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (archive->fault.kind == FAULT_none && length > 0) {
        ssize_t count = write(archive->file, at, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            fail_writing(archive);
            return;
        }
        at += count;
        length -= (size_t)count;
    }
}

static void pad(struct archive *archive, uint64_t length)
{
    static const unsigned char zeros[TAR_BLOCK];
    if (length % TAR_BLOCK != 0)
        write_all(archive, zeros, TAR_BLOCK - length % TAR_BLOCK);
}

/* Octal where it fits, else base 256 as GNU tar writes it. */
static void put_number(char *field, size_t room, uint64_t number)
{
    if (number < (uint64_t)1 << 3 * (room - 1)) {
        for (size_t i = room - 1; i-- > 0; number >>= 3)
            field[i] = (char)('0' + (number & 7));
        return;
    }
    for (size_t i = room; i-- > 1; number >>= 8)
        field[i] = (char)(number & 0xff);
    field[0] = (char)0x80;
}

static void put_head(struct archive *archive, const char *name, uint64_t length)
{
    struct tar_head head;
    memset(&head, 0, sizeof head);
    if (strlen(name) > sizeof head.name)
        fail(archive, FAULT_internal, arena_print(archive->arena, "the name %s is too long", name));
    memcpy(head.name, name, strnlen(name, sizeof head.name));
    put_number(head.mode, sizeof head.mode, 0600);
    put_number(head.uid, sizeof head.uid, 0);
    put_number(head.gid, sizeof head.gid, 0);
    put_number(head.size, sizeof head.size, length);
    put_number(head.mtime, sizeof head.mtime, (uint64_t)archive->time_s);
    head.kind = '0';
    memcpy(head.magic, "ustar", 6);
    memcpy(head.version, "00", 2);
    put_number(head.sum, sizeof head.sum - 1, tar_sum(&head));
    write_all(archive, &head, sizeof head);
}

static void note_sum(struct archive *archive, const char *name, struct digest_sum *sum)
{
    unsigned char digest[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    digest_sum_end(sum, digest);
    digest_hex(digest, sizeof digest, hex);
    text_print(&archive->sums, "%s  %s\n", hex, name);
}

/* ---- the door ---- */

/* Processes are known by their numbers on one machine only. */
static const char *prefix_of(struct arena *arena)
{
    struct utsname machine;
    return arena_print(arena, ".refgate-backup.%s.",
                       uname(&machine) == 0 ? machine.nodename : "unknown");
}

const char *archive_beside(struct arena *arena, const char *path, const char *end)
{
    return arena_print(arena, "%s/%s%ld%s", file_folder(arena, path), prefix_of(arena),
                       (long)getpid(), end);
}

/* Of a process that is no more. */
static bool is_left(const char *name, const char *prefix)
{
    char *end;
    if (!text_starts(name, prefix))
        return false;
    long pid = strtol(name + strlen(prefix), &end, 10);
    return pid > 0 && *end == '.' && text_ends(end, ".tmp") && kill((pid_t)pid, 0) != 0 &&
           errno == ESRCH;
}

void archive_tidy(struct arena *arena, const char *path)
{
    const char *folder = file_folder(arena, path);
    const char *prefix = prefix_of(arena);
    DIR *entries = opendir(folder);
    struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (is_left(entry->d_name, prefix))
            file_remove_folder(arena_print(arena, "%s/%s", folder, entry->d_name));
    }
    if (entries != NULL)
        closedir(entries);
}

struct archive *archive_new(struct arena *arena, const char *path, int64_t time_s,
                            struct fault *ret_fault)
{
    struct archive *archive = arena_alloc(arena, sizeof *archive);
    *archive = (struct archive){.arena = arena,
                                .path = path,
                                .beside = archive_beside(arena, path, ".tmp"),
                                .time_s = time_s,
                                .sums = text_new(arena, SUMS_MAX),
                                .piece = arena_alloc(arena, PIECE)};
    if (file_exists(path)) {
        fault_set(ret_fault, FAULT_conflict,
                  arena_print(arena, "found a file %s already; expected a new name", path));
        return NULL;
    }
    archive->file =
        open(archive->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (archive->file >= 0)
        return archive;
    fail_writing(archive);
    *ret_fault = archive->fault;
    return NULL;
}

void archive_add_bytes(struct archive *archive, const char *name, const void *bytes, size_t length)
{
    struct digest_sum *sum = digest_sum_new();
    digest_sum_add(sum, bytes, length);
    put_head(archive, name, length);
    write_all(archive, bytes, length);
    pad(archive, length);
    note_sum(archive, name, sum);
}

/* The next bytes of FILE; 0 with a fault. */
static size_t read_piece(struct archive *archive, const char *file, int from, uint64_t left)
{
    size_t wanted = left < PIECE ? (size_t)left : PIECE;
    for (;;) {
        ssize_t count = read(from, archive->piece, wanted);
        if (count > 0)
            return (size_t)count;
        if (count < 0 && errno == EINTR)
            continue;
        fail(archive, FAULT_unreadable,
             arena_print(archive->arena, "%s cannot be read: %s", file,
                         count < 0 ? strerror(errno) : "it ends too early"));
        return 0;
    }
}

void archive_add_file(struct archive *archive, const char *name, const char *file, uint64_t length)
{
    if (archive->fault.kind != FAULT_none)
        return;
    int from = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0) {
        fail(archive, FAULT_unreadable,
             arena_print(archive->arena, "%s cannot be read: %s", file, strerror(errno)));
        return;
    }
    struct digest_sum *sum = digest_sum_new();
    put_head(archive, name, length);
    for (uint64_t left = length; left > 0 && archive->fault.kind == FAULT_none;) {
        size_t count = read_piece(archive, file, from, left);
        digest_sum_add(sum, archive->piece, count);
        write_all(archive, archive->piece, count);
        left -= count;
    }
    pad(archive, length);
    note_sum(archive, name, sum);
    close(from);
}

static bool sync_folder_of(struct archive *archive)
{
    int folder =
        open(file_folder(archive->arena, archive->path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    bool synced = fsync(folder) == 0;
    close(folder);
    return synced;
}

/* Never over another file, made meanwhile or not. A file system that cannot promise that is asked
 * first. */
static bool take_name(struct archive *archive)
{
    int done = renameat2(AT_FDCWD, archive->beside, AT_FDCWD, archive->path, RENAME_NOREPLACE);
    if (done != 0 && (errno == EINVAL || errno == ENOSYS) && !file_exists(archive->path))
        done = rename(archive->beside, archive->path);
    return done == 0 && sync_folder_of(archive);
}

bool archive_end(struct archive *archive, struct fault *ret_fault)
{
    static const unsigned char zeros[2 * TAR_BLOCK];
    struct text sums = archive->sums;
    if (sums.full)
        fail(archive, FAULT_too_large, "there are too many files for one backup");
    archive_add_bytes(archive, TAR_SUMS, sums.at, sums.length);
    write_all(archive, zeros, sizeof zeros);
    if (archive->fault.kind == FAULT_none && fsync(archive->file) != 0)
        fail_writing(archive);
    if (close(archive->file) != 0)
        fail_writing(archive);
    archive->file = -1;
    if (archive->fault.kind == FAULT_none && !take_name(archive))
        fail_writing(archive);
    *ret_fault = archive->fault;
    if (ret_fault->kind == FAULT_none)
        return true;
    archive_drop(archive);
    return false;
}

void archive_drop(struct archive *archive)
{
    if (archive->file >= 0)
        close(archive->file);
    archive->file = -1;
    unlink(archive->beside);
}
