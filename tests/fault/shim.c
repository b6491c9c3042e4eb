/* shim: system calls that fail when a test says so. Preloaded (LD_PRELOAD) into a gateway by
 * tests/lib/shim.py, which writes the orders into a file that both map (FAULT_SHIM names it).
 *
 * An order is: calls of these kinds, after so many have passed, each so many-th and so often, end
 * with an error, half done, late, not at all, or with the end of the process. File calls count on
 * regular files only, never on the log (0 to 2); socket calls on sockets only. The wall clock can
 * be moved as well. Any thread: what changes is atomic. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind {
    WRITES = 1,   /* write, writev, pwrite, pwritev of files */
    SYNCS = 2,    /* fsync, fdatasync, sync_file_range */
    READS = 4,    /* read, pread of files */
    GROWS = 8,    /* fallocate, ftruncate */
    SENDS = 16,   /* write, writev, send, sendmsg of sockets */
    RECEIVES = 32 /* read, recv, recvmsg of sockets */
};

enum deed {
    FAIL,        /* with `error` */
    HALF,        /* of the bytes, which is no error */
    SKIP,        /* says it is done and has done nothing */
    KILL_BEFORE, /* the process */
    KILL_AFTER,
    BE_LATE /* by `late_ms` */
};

struct orders { /* written and read as ten 32-bit and one 64-bit numbers */
    atomic_uint armed;
    uint32_t kinds, deed;
    int32_t error;
    uint32_t late_ms, every;
    atomic_uint after, times;
    atomic_uint seen;         /* calls of these kinds while armed */
    atomic_uint made;         /* faults made */
    _Atomic int64_t clock_ms; /* added to the wall clock */
};

static struct orders *orders;

__attribute__((constructor)) static void look_up(void)
{
    const char *path = getenv("FAULT_SHIM");
    int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    void *map = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED)
        orders = map;
}

/* ---- is this a call that fails? ---- */

static bool is_of(int file, mode_t kind)
{
    struct stat about;
    return file > 2 && fstat(file, &about) == 0 && (about.st_mode & S_IFMT) == kind;
}

/* Takes one of `times`. */
static bool takes(unsigned kind)
{
    if ((orders->kinds & kind) == 0)
        return false;
    unsigned seen = atomic_fetch_add(&orders->seen, 1);
    unsigned after = atomic_load(&orders->after);
    if (seen < after || (seen - after) % orders->every != 0)
        return false;
    unsigned times = atomic_load(&orders->times);
    while (times > 0) {
        if (atomic_compare_exchange_weak(&orders->times, &times, times - 1)) {
            atomic_fetch_add(&orders->made, 1);
            return true;
        }
    }
    return false;
}

static bool is_armed(void)
{
    return orders != NULL && atomic_load(&orders->armed) != 0;
}

static bool strikes(int file, unsigned kind)
{
    return is_armed() && (orders->kinds & kind) != 0 && is_of(file, S_IFREG) && takes(kind);
}

static bool strikes_line(int file, unsigned kind)
{
    return is_armed() && (orders->kinds & kind) != 0 && is_of(file, S_IFSOCK) && takes(kind);
}

/* Before a call that is struck: true when it ends here, with *ret. What was ordered is read once:
 * the order may be taken back while this waits. */
static bool ends(ssize_t done, ssize_t *ret)
{
    uint32_t deed = orders->deed;
    int error = orders->error;
    struct timespec wait = {orders->late_ms / 1000, (long)(orders->late_ms % 1000) * 1000000};
    if (deed == KILL_BEFORE)
        kill(getpid(), SIGKILL);
    if (deed == BE_LATE)
        nanosleep(&wait, NULL);
    *ret = deed == SKIP ? done : -1;
    errno = error;
    return deed == SKIP || (deed == FAIL && error != 0);
}

/* Behind a call that was struck. */
static void follow(void)
{
    int error = errno;
    if (orders->deed == KILL_AFTER)
        kill(getpid(), SIGKILL);
    errno = error;
}

static size_t some(size_t length)
{
    return orders->deed == HALF && length > 1 ? length / 2 : length;
}

/* The definition behind this one. POSIX lets dlsym's answer be a function; ISO C has no cast for
 * it. */
#define NEXT(name)                                                                                 \
    static typeof(&name) next_##name;                                                              \
    if (next_##name == NULL) {                                                                     \
        void *found = dlsym(RTLD_NEXT, #name);                                                     \
        memcpy(&next_##name, &found, sizeof found);                                                \
    }

#define CALL(type, is_struck, done, half, name, arguments)                                         \
    ssize_t ret;                                                                                   \
    NEXT(name)                                                                                     \
    if (!(is_struck))                                                                              \
        return (type)next_##name arguments;                                                        \
    if (ends((ssize_t)(done), &ret))                                                               \
        return (type)ret;                                                                          \
    half;                                                                                          \
    ret = next_##name arguments;                                                                   \
    follow();                                                                                      \
    return (type)ret;

/* ---- bytes ---- */

ssize_t write(int file, const void *bytes,
              size_t length){CALL(ssize_t, strikes(file, WRITES) || strikes_line(file, SENDS),
                                  length, length = some(length), write, (file, bytes, length))}

ssize_t read(int file, void *bytes,
             size_t length){CALL(ssize_t, strikes(file, READS) || strikes_line(file, RECEIVES), 0,
                                 length = some(length), read, (file, bytes, length))}

#define AT(name, bytes_type, offset_type, kind)                                                    \
    ssize_t name(int file, bytes_type bytes, size_t length, offset_type offset)                    \
    {                                                                                              \
        CALL(ssize_t, strikes(file, kind), length, length = some(length), name,                    \
             (file, bytes, length, offset))                                                        \
    }
AT(pwrite, const void *, off_t, WRITES) AT(pwrite64, const void *, off64_t, WRITES)
    AT(pread, void *, off_t, READS) AT(pread64, void *, off64_t, READS)

    /* Of several pieces, half is the first half of them, or of the only one. */
    static const
    struct iovec *some_pieces(const struct iovec *pieces, int *count, struct iovec *room)
{
    if (orders->deed != HALF || *count > 1) {
        *count = orders->deed == HALF ? *count / 2 : *count;
        return pieces;
    }
    *room = (struct iovec){pieces[0].iov_base, some(pieces[0].iov_len)};
    return room;
}

static size_t whole(const struct iovec *pieces, int count)
{
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += pieces[i].iov_len;
    return length;
}

ssize_t writev(int file, const struct iovec *pieces, int count)
{
    struct iovec room;
    CALL(ssize_t, strikes(file, WRITES) || strikes_line(file, SENDS), whole(pieces, count),
         pieces = some_pieces(pieces, &count, &room), writev, (file, pieces, count))
}

#define PWRITEV(name, offset_type)                                                                 \
    ssize_t name(int file, const struct iovec *pieces, int count, offset_type offset)              \
    {                                                                                              \
        struct iovec room;                                                                         \
        CALL(ssize_t, strikes(file, WRITES), whole(pieces, count),                                 \
             pieces = some_pieces(pieces, &count, &room), name, (file, pieces, count, offset))     \
    }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

/* ---- syncs and sizes ---- */

#define ON_FILE(name, kind, parameters, arguments)                                                 \
    int name parameters                                                                            \
    {                                                                                              \
        CALL(int, strikes(file, kind), 0, (void)0, name, arguments)                                \
    }
ON_FILE(fsync, SYNCS, (int file), (file))
ON_FILE(fdatasync, SYNCS, (int file), (file))
ON_FILE(sync_file_range, SYNCS, (int file, off64_t from, off64_t length, unsigned flags),
        (file, from, length, flags))
ON_FILE(ftruncate, GROWS, (int file, off_t length), (file, length))
ON_FILE(ftruncate64, GROWS, (int file, off64_t length), (file, length))
ON_FILE(fallocate, GROWS, (int file, int mode, off_t from, off_t length),
        (file, mode, from, length))
ON_FILE(fallocate64, GROWS, (int file, int mode, off64_t from, off64_t length),
        (file, mode, from, length))

/* These return the error. */
#define RESERVE(name, offset_type)                                                                 \
    int name(int file, offset_type from, offset_type length)                                       \
    {                                                                                              \
        ssize_t ret;                                                                               \
        NEXT(name)                                                                                 \
        if (strikes(file, GROWS) && ends(0, &ret))                                                 \
            return ret == 0 ? 0 : errno;                                                           \
        return next_##name(file, from, length);                                                    \
    }
RESERVE(posix_fallocate, off_t)
RESERVE(posix_fallocate64, off64_t)

/* ---- sockets ---- */

ssize_t send(int file, const void *bytes, size_t length,
             int flags){CALL(ssize_t, strikes_line(file, SENDS), length, length = some(length),
                             send, (file, bytes, length, flags))}

ssize_t sendmsg(int file, const struct msghdr *message, int flags){
    CALL(ssize_t, strikes_line(file, SENDS), whole(message->msg_iov, (int)message->msg_iovlen),
         (void)0, sendmsg, (file, message, flags))}

ssize_t recv(int file, void *bytes, size_t length,
             int flags){CALL(ssize_t, strikes_line(file, RECEIVES), 0, length = some(length), recv,
                             (file, bytes, length, flags))}

ssize_t recvmsg(int file, struct msghdr *message, int flags)
{
    CALL(ssize_t, strikes_line(file, RECEIVES), 0, (void)0, recvmsg, (file, message, flags))
}

/* ---- the wall clock ---- */

static int64_t moved_ms(void)
{
    return orders == NULL ? 0 : atomic_load(&orders->clock_ms);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    int done = (int)syscall(SYS_clock_gettime, clock, ret);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t ns = ret->tv_nsec + moved_ms() % 1000 * 1000000;
        ret->tv_sec += moved_ms() / 1000 + (ns >= 1000000000) - (ns < 0);
        ret->tv_nsec = (long)((ns + 1000000000) % 1000000000);
    }
    return done;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret != NULL)
        *ret = now.tv_sec;
    return now.tv_sec;
}
