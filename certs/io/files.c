/* files: reading under a ceiling and atomic writing of the small files of certs/. See files.h.
 *
 * Opening never waits on a pipe, and a secret is refused when its mode lets others read it.
 * Writing goes to a temporary file, which is synced and then renamed, or linked where nothing may
 * be replaced; the folder is synced last. Blocking; the caller's thread. */
#include "certs/io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/durable.h"

void files_fault(struct finding_list *findings, const char *path, const char *found,
                 const char *expected)
{
    finding_add(findings, (struct finding){.file = arena_copy(findings->arena, path),
                                           .found = found,
                                           .expected = expected});
}

static void fault_errno(struct finding_list *findings, const char *path, const char *what,
                        const char *expected)
{
    files_fault(findings, path, arena_print(findings->arena, "%s: %s", what, strerror(errno)),
                expected);
}

static bool is_private(const struct stat *status, const char *path, struct finding_list *findings)
{
    if (!S_ISREG(status->st_mode)) {
        files_fault(findings, path, "something that is not a regular file",
                    "a file with the secret");
        return false;
    }
    if (status->st_uid != geteuid() && status->st_uid != 0) {
        files_fault(findings, path,
                    arena_print(findings->arena, "a secret that belongs to user %u",
                                (unsigned)status->st_uid),
                    arena_print(findings->arena, "user %u or root: chown it", (unsigned)geteuid()));
        return false;
    }
    if ((status->st_mode & 077) != 0) {
        files_fault(findings, path,
                    arena_print(findings->arena, "a secret that others can use (mode %04o)",
                                (unsigned)status->st_mode & 07777),
                    arena_print(findings->arena, "mode 0600: run `chmod 600 %s`", path));
        return false;
    }
    return true;
}

/* Reads FD to its end; NULL with errno, EFBIG when there is more than CEILING. */
static char *read_all(struct arena *arena, int fd, size_t hint, size_t ceiling, size_t *ret_length)
{
    size_t room = hint > ceiling ? ceiling : hint;
    char *bytes = arena_alloc(arena, room + 2);
    size_t length = 0;
    for (;;) {
        ssize_t got = read(fd, bytes + length, room + 1 - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return NULL;
        if (got == 0)
            break;
        length += (size_t)got;
        if (length > room) {
            errno = EFBIG;
            return NULL;
        }
    }
    bytes[length] = '\0';
    *ret_length = length;
    return bytes;
}

static char *read_file(struct arena *arena, const char *path, bool secret, size_t ceiling,
                       struct finding_list *findings, size_t *ret_length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* never waits on a pipe */
    if (fd < 0) {
        fault_errno(findings, path, "a file that cannot be opened", "a readable file");
        return NULL;
    }
    char *bytes = NULL;
    struct stat status;
    if (fstat(fd, &status) != 0) {
        fault_errno(findings, path, "a file that cannot be read", "a readable file");
    } else if (!S_ISREG(status.st_mode) && !secret) {
        files_fault(findings, path, "something that is not a regular file", "a file");
    } else if (!secret || is_private(&status, path, findings)) {
        bytes = read_all(arena, fd, (size_t)status.st_size, ceiling, ret_length);
        if (bytes == NULL)
            fault_errno(findings, path, "a file that cannot be read",
                        arena_print(findings->arena, "at most %zu bytes", ceiling));
    }
    close(fd);
    return bytes;
}

char *files_read(struct arena *arena, const char *path, struct finding_list *findings,
                 size_t *ret_length)
{
    return read_file(arena, path, false, FILES_BYTES_MAX, findings, ret_length);
}

char *files_read_secret(struct arena *arena, const char *path, struct finding_list *findings,
                        size_t *ret_length)
{
    return read_file(arena, path, true, FILES_SECRET_MAX, findings, ret_length);
}

static bool write_temporary(char *temporary, unsigned mode, const char *bytes, size_t length)
{
    int fd = mkostemp(temporary, O_CLOEXEC); /* 0600 from its birth */
    if (fd < 0)
        return false;
    bool done = durable_write(fd, bytes, length) && fchmod(fd, (mode_t)mode) == 0 && fsync(fd) == 0;
    if (close(fd) != 0)
        done = false;
    if (!done) {
        int kept = errno;
        unlink(temporary);
        errno = kept;
    }
    return done;
}

bool files_write(const char *path, unsigned mode, const char *bytes, size_t length,
                 enum files_replace replace, struct finding_list *findings)
{
    char *temporary = arena_print(findings->arena, "%s.XXXXXX", path);
    if (!write_temporary(temporary, mode, bytes, length)) {
        fault_errno(findings, path, "a file that cannot be written",
                    "a folder with room where this user may write");
        return false;
    }
    /* link() fails on an existing name where rename() would replace it without a word. */
    bool moved = replace == FILES_NEW ? link(temporary, path) == 0 : rename(temporary, path) == 0;
    int kept = errno;
    if (replace == FILES_NEW || !moved)
        unlink(temporary);
    errno = kept;
    if (!moved) {
        fault_errno(findings, path, "a file that cannot be put in place",
                    replace == FILES_NEW ? "a name that is not in use" : "a writable folder");
        return false;
    }
    if (!durable_sync_folder_of(path)) {
        fault_errno(findings, path, "a folder that cannot be synced", "a working disk");
        return false;
    }
    return true;
}

bool files_copy_secret(const char *from, const char *to, enum files_replace replace,
                       struct finding_list *findings)
{
    struct arena arena = ARENA_EMPTY;
    size_t length = 0;
    char *bytes = files_read_secret(&arena, from, findings, &length);
    bool done = bytes != NULL && files_write(to, 0600, bytes, length, replace, findings);
    if (bytes != NULL)
        explicit_bzero(bytes, length);
    arena_free(&arena);
    return done;
}

bool files_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

bool files_move(const char *from, const char *to, struct finding_list *findings)
{
    if (rename(from, to) != 0 || !durable_sync_folder_of(to)) {
        fault_errno(findings, from,
                    arena_print(findings->arena, "a file that cannot be renamed to %s", to),
                    "a writable folder");
        return false;
    }
    return true;
}
