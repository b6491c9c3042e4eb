/* file: reads whole files under a ceiling, and replaces files so that a crash leaves the old one or
 * the new one. See file.h. Blocking. */
#include "gateway/runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/text.h"

enum { COPY_BYTES = 64 << 10 };

static char *refuse(const char *path, const char *found, const char *expected,
                    struct finding_list *findings)
{
    struct finding finding = {.file = arena_copy(findings->arena, path),
                              .found = arena_copy(findings->arena, found),
                              .expected = expected};
    finding_add(findings, finding);
    return NULL;
}

/* Reads until the end; NULL with errno set. One byte more than allowed shows that it is too long.
 */
static char *read_all(struct arena *arena, int file, size_t bytes_max, size_t *ret_length)
{
    size_t room = 64 * 1024;
    size_t length = 0;
    char *bytes = arena_alloc(arena, room);
    for (;;) {
        ssize_t count = read(file, bytes + length, room - length - 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return NULL;
        if (count == 0)
            break;
        length += (size_t)count;
        if (length > bytes_max) {
            errno = EFBIG;
            return NULL;
        }
        if (length + 1 == room) {
            bytes = arena_grow(arena, bytes, room, room * 2);
            room *= 2;
        }
    }
    bytes[length] = '\0';
    *ret_length = length;
    return bytes;
}

struct file_identity file_identity_of(const struct stat *about)
{
    return (struct file_identity){.inode = about->st_ino,
                                  .size = about->st_size,
                                  .modified_ns = (long long)about->st_mtim.tv_sec * 1000000000 +
                                                 about->st_mtim.tv_nsec};
}

bool file_identity_equal(const struct file_identity *one, const struct file_identity *other)
{
    return one->inode == other->inode && one->size == other->size &&
           one->modified_ns == other->modified_ns;
}

static bool is_known(int file, const struct file_identity *expected)
{
    struct stat about;
    if (expected == NULL)
        return true;
    if (fstat(file, &about) != 0)
        return false;
    struct file_identity now = file_identity_of(&about);
    return file_identity_equal(&now, expected);
}

char *file_read(struct arena *arena, const char *path, size_t bytes_max, size_t *ret_length,
                struct finding_list *findings)
{
    bool has_changed;
    if (strcmp(path, "-") == 0) {
        char *input = read_all(arena, STDIN_FILENO, bytes_max, ret_length);
        return input != NULL ? input
                             : refuse("-", strerror(errno), "text on standard input", findings);
    }
    return file_read_known(arena, path, bytes_max, NULL, &has_changed, ret_length, findings);
}

char *file_read_known(struct arena *arena, const char *path, size_t bytes_max,
                      const struct file_identity *expected, bool *ret_has_changed,
                      size_t *ret_length, struct finding_list *findings)
{
    *ret_has_changed = false;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return refuse(path, errno == ELOOP ? "a symbolic link" : strerror(errno),
                      "a file that can be read", findings);
    struct stat about;
    char *bytes = NULL;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) {
        refuse(path, "something that is not a regular file", "a regular file", findings);
    } else if (!is_known(file, expected)) {
        *ret_has_changed = true;
    } else {
        bytes = read_all(arena, file, bytes_max, ret_length);
        if (bytes == NULL)
            refuse(path, errno == EFBIG ? "a file that is too large" : strerror(errno),
                   arena_print(findings->arena, "at most %zu bytes", bytes_max), findings);
        *ret_has_changed = bytes != NULL && !is_known(file, expected); /* while it was read */
        bytes = *ret_has_changed ? NULL : bytes;
    }
    close(file);
    return bytes;
}

bool file_replace(const char *path, const void *bytes, size_t length, unsigned mode)
{
    struct arena arena = ARENA_EMPTY;
    const char *beside = arena_print(&arena, "%s/.%s.%ld.tmp", file_folder(&arena, path),
                                     file_base(path), (long)getpid());
    int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    bool done = file >= 0 && durable_write(file, bytes, length) && fsync(file) == 0;
    if (file >= 0)
        done = close(file) == 0 && done;
    done = done && rename(beside, path) == 0 && durable_sync_folder_of(path);
    int error = errno;
    if (!done)
        unlink(beside);
    arena_free(&arena);
    errno = error;
    return done;
}

bool file_move(const char *from, const char *to)
{
    return rename(from, to) == 0 && durable_sync_folder_of(to) && durable_sync_folder_of(from);
}

/* A file that ends before LENGTH is no error when all of it was asked for. */
static bool copy_all(int from, int to, uint64_t length)
{
    char bytes[COPY_BYTES];
    uint64_t left = length;
    while (left > 0) {
        ssize_t count = read(from, bytes, left < sizeof bytes ? (size_t)left : sizeof bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0 && length == UINT64_MAX)
            break;
        if (count == 0)
            errno = EIO;
        if (count <= 0 || !durable_write(to, bytes, (size_t)count))
            return false;
        left -= (uint64_t)count;
    }
    return fsync(to) == 0;
}

bool file_copy(const char *from, const char *to, uint64_t length)
{
    int source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int copy = source < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool done = copy >= 0 && copy_all(source, copy, length);
    int error = errno;
    if (copy >= 0)
        done = close(copy) == 0 && done;
    if (source >= 0)
        close(source);
    errno = error;
    return done;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_make_folder(const char *path, unsigned mode)
{
    struct stat about;
    if (mkdir(path, (mode_t)mode) == 0)
        return true;
    return errno == EEXIST && stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

enum { FOLDERS_OPEN = 16 };

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

void file_remove_folder(const char *path)
{
    nftw(path, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
}

const char *file_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

const char *file_folder(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return ".";
    return slash == path ? "/" : arena_copy_n(arena, path, (size_t)(slash - path));
}
