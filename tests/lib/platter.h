/* platter: a journal in a folder of its own on a disk that fails when told, for the journal's
 * tests. The calls of the system that the journal makes stand here and do what `platter_disk` says,
 * else what they always do; so one file of each test program includes this. Groups are told apart
 * by a number from 1, which is also the length of their note. Header only. */
#ifndef TESTS_LIB_PLATTER_H
#define TESTS_LIB_PLATTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "certs/io/digest.h"
#include "gateway/store/journal/journal.h"

enum { PLATTER_ID = 77, PLATTER_SEGMENT = 64 << 20, PLATTER_HEAD = 32 };

/* ---- the system, as the journal sees it ---- */

/* The journal's helper asks it too. */
static struct {
    _Atomic int fallocate_error, fallocate_times; /* so often it fails, -1: always */
    _Atomic int write_error, write_times;
    _Atomic int cut_error, cut_times;
    _Atomic int sync_error, after_error; /* of a sync; of the write that follows it */
    size_t shortest;                     /* a write takes no more than this; 0: all */
    bool is_read_seldom;                 /* what is put: it goes past the page cache */
    bool is_old;                         /* a file system that takes nothing past it */
    int directs;                         /* writes past it */
} platter_disk;

static inline bool platter_fails(int error, _Atomic int *times)
{
    if (error == 0 || *times == 0)
        return false;
    if (*times > 0)
        --*times;
    errno = error;
    return true;
}

int fallocate(int file, int mode, off_t offset, off_t length)
{
    if (platter_fails(platter_disk.fallocate_error, &platter_disk.fallocate_times))
        return -1;
    return (int)syscall(SYS_fallocate, file, mode, offset, length);
}

int ftruncate(int file, off_t length)
{
    if (platter_fails(platter_disk.cut_error, &platter_disk.cut_times))
        return -1;
    return (int)syscall(SYS_ftruncate, file, length);
}

ssize_t pwritev(int file, const struct iovec *pieces, int count, off_t offset)
{
    if (platter_fails(platter_disk.write_error, &platter_disk.write_times))
        return -1;
    if ((fcntl(file, F_GETFL) & O_DIRECT) != 0 && ++platter_disk.directs > 0 &&
        platter_disk.is_old) {
        errno = EINVAL;
        return -1;
    }
    if (platter_disk.shortest == 0)
        return syscall(SYS_pwritev, file, pieces, count, offset, 0);
    struct iovec one = pieces[0];
    one.iov_len = one.iov_len < platter_disk.shortest ? one.iov_len : platter_disk.shortest;
    return syscall(SYS_pwritev, file, &one, 1, offset, 0);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset)
{
    if (platter_disk.after_error != 0) {
        errno = platter_disk.after_error;
        return -1;
    }
    return syscall(SYS_pwrite64, file, bytes, length, offset);
}

int fdatasync(int file)
{
    if (platter_disk.sync_error != 0) {
        errno = platter_disk.sync_error;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, file);
}

/* ---- a journal in a folder of its own ---- */

struct platter {
    char folder[64];
    char journal[80];
    struct arena arena;
};

static inline int platter_start_in(void **state)
{
    struct platter *bench = calloc(1, sizeof *bench);
    strcpy(bench->folder, "/tmp/refgate-journal-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    snprintf(bench->journal, sizeof bench->journal, "%s/store.journal", bench->folder);
    *state = bench;
    return 0;
}

static inline int platter_start(void **state)
{
    memset(&platter_disk, 0, sizeof platter_disk);
    return platter_start_in(state);
}

static inline int platter_start_direct(void **state)
{
    memset(&platter_disk, 0, sizeof platter_disk);
    platter_disk.is_read_seldom = true;
    return platter_start_in(state);
}

static inline int platter_start_old(void **state)
{
    memset(&platter_disk, 0, sizeof platter_disk);
    platter_disk.is_read_seldom = true;
    platter_disk.is_old = true;
    return platter_start_in(state);
}

static inline int platter_remove(const char *path, const struct stat *about, int kind,
                                 struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline int platter_stop(void **state)
{
    struct platter *bench = *state;
    nftw(bench->folder, platter_remove, 8, FTW_DEPTH | FTW_PHYS);
    arena_free(&bench->arena);
    free(bench);
    return 0;
}

static inline const char *platter_path(struct platter *bench, unsigned segment)
{
    return arena_print(&bench->arena, "%s/%08u", bench->journal, segment);
}

static inline struct journal *platter_open(struct platter *bench)
{
    struct journal *journal = journal_new(bench->journal, PLATTER_ID);
    assert_non_null(journal);
    assert_int_equal(journal_seek(journal, &(struct journal_place){.chain = PLATTER_ID}),
                     JOURNAL_DONE);
    assert_int_equal(journal_start(journal), JOURNAL_DONE);
    return journal;
}

/* A group of one payload and one note, told apart by NUMBER; where its payload lies. */
static inline int64_t platter_put(struct journal *journal, int number)
{
    char text[64];
    int length = snprintf(text, sizeof text, "payload of group %d", number);
    unsigned char sha256[DIGEST_SHA256_BYTES];
    bool seldom = platter_disk.is_read_seldom;
    digest_sha256(text, (size_t)length, sha256);
    int64_t at = journal_put(journal, text, (size_t)length, seldom ? sha256 : NULL, seldom);
    memset(journal_note(journal, (size_t)number), 'a' + number, (size_t)number);
    return at;
}

static inline int64_t platter_add(struct journal *journal, int number)
{
    int64_t at = platter_put(journal, number);
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    return at;
}

/* What a start finds behind PLACE: how many groups, which must be FIRST, FIRST+1, ... */
static inline enum journal_result platter_read(struct platter *bench, struct journal_place place,
                                               int first, int *ret_count, bool *ret_is_torn)
{
    struct journal_group group;
    struct journal *journal = journal_new(bench->journal, PLATTER_ID);
    enum journal_result result = journal_seek(journal, &place);
    *ret_count = 0;
    while (result == JOURNAL_DONE) {
        result = journal_next(journal, &group);
        if (result != JOURNAL_DONE)
            break;
        assert_int_equal(group.length, first + *ret_count);
        assert_int_equal(group.changes[0], 'a' + first + *ret_count);
        ++*ret_count;
    }
    *ret_is_torn = journal_is_torn(journal);
    if (result == JOURNAL_BROKEN)
        assert_non_null(strstr(journal_error(journal), "the journal: "));
    journal_free(journal);
    return result;
}

static const struct journal_place platter_beginning = {.chain = PLATTER_ID};

static inline void platter_check(struct platter *bench, int groups)
{
    int count;
    bool is_torn;
    assert_int_equal(platter_read(bench, platter_beginning, 1, &count, &is_torn), JOURNAL_END);
    assert_int_equal(count, groups);
    assert_false(is_torn);
}

static inline void platter_check_payload(struct platter *bench, struct journal *journal, int64_t at,
                                         int number)
{
    size_t length;
    const char *text = journal_get(journal, &bench->arena, at, &length);
    assert_non_null(text);
    assert_string_equal(text, arena_print(&bench->arena, "payload of group %d", number));
    assert_int_equal(length, strlen(text));
}

/* Through the page cache, past it, and where nothing can go past it. */
#define PLATTER_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, platter_start, platter_stop),                            \
        cmocka_unit_test_setup_teardown(name, platter_start_direct, platter_stop),                 \
        cmocka_unit_test_setup_teardown(name, platter_start_old, platter_stop)

#endif
