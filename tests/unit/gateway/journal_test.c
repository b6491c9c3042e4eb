/* journal: what was synced comes back, in order and once; a torn end is told from damage, another
 * or an older journal from ours; what a disk may answer, by calls of the system that fail when
 * told. */
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

#include "gateway/store/journal.h"

enum { ID = 77, SEGMENT = 64 << 20, HEAD = 32, NUMBERS = 64 };

/* ---- the system, as the journal sees it ---- */

static struct {
    int fallocate_error, fallocate_times; /* so often it fails, -1: always */
    int write_error, write_times;
    int sync_error, after_error; /* of a sync; of the write that follows it */
    size_t shortest;             /* a write takes no more than this; 0: all */
    bool is_read_seldom;         /* what is put: it goes past the page cache */
    bool is_old;                 /* a file system that takes nothing past it */
    int directs;                 /* writes past it */
} disk;

static bool fails(int error, int *times)
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
    if (fails(disk.fallocate_error, &disk.fallocate_times))
        return -1;
    return (int)syscall(SYS_fallocate, file, mode, offset, length);
}

ssize_t pwritev(int file, const struct iovec *pieces, int count, off_t offset)
{
    if (fails(disk.write_error, &disk.write_times))
        return -1;
    if ((fcntl(file, F_GETFL) & O_DIRECT) != 0 && ++disk.directs > 0 && disk.is_old) {
        errno = EINVAL;
        return -1;
    }
    if (disk.shortest == 0)
        return syscall(SYS_pwritev, file, pieces, count, offset, 0);
    struct iovec one = pieces[0];
    one.iov_len = one.iov_len < disk.shortest ? one.iov_len : disk.shortest;
    return syscall(SYS_pwritev, file, &one, 1, offset, 0);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset)
{
    if (disk.after_error != 0) {
        errno = disk.after_error;
        return -1;
    }
    return syscall(SYS_pwrite64, file, bytes, length, offset);
}

int fdatasync(int file)
{
    if (disk.sync_error != 0) {
        errno = disk.sync_error;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, file);
}

/* ---- a journal in a folder of its own ---- */

struct bench {
    char folder[64];
    char journal[80];
    struct arena arena;
};

static int start_in(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    strcpy(bench->folder, "/tmp/refgate-journal-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    snprintf(bench->journal, sizeof bench->journal, "%s/store.journal", bench->folder);
    *state = bench;
    return 0;
}

static int start(void **state)
{
    memset(&disk, 0, sizeof disk);
    return start_in(state);
}

static int start_direct(void **state)
{
    memset(&disk, 0, sizeof disk);
    disk.is_read_seldom = true;
    return start_in(state);
}

static int start_old(void **state)
{
    memset(&disk, 0, sizeof disk);
    disk.is_read_seldom = true;
    disk.is_old = true;
    return start_in(state);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static int stop(void **state)
{
    struct bench *bench = *state;
    nftw(bench->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_free(&bench->arena);
    free(bench);
    return 0;
}

static const char *path_of(struct bench *bench, unsigned segment)
{
    return arena_print(&bench->arena, "%s/%08u", bench->journal, segment);
}

static struct journal *open_new(struct bench *bench)
{
    struct journal *journal = journal_new(bench->journal, ID);
    assert_non_null(journal);
    assert_int_equal(journal_seek(journal, &(struct journal_place){.chain = ID}), JOURNAL_DONE);
    assert_int_equal(journal_start(journal), JOURNAL_DONE);
    return journal;
}

/* A group of one payload and one note, told apart by NUMBER; where its payload lies. */
static int64_t put(struct journal *journal, int number)
{
    char text[NUMBERS];
    int length = snprintf(text, sizeof text, "payload of group %d", number);
    int64_t at = journal_put(journal, text, (size_t)length, disk.is_read_seldom);
    memset(journal_note(journal, (size_t)number), 'a' + number, (size_t)number);
    return at;
}

static int64_t add(struct journal *journal, int number)
{
    int64_t at = put(journal, number);
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    return at;
}

/* What a start finds behind PLACE: how many groups, which must be FIRST, FIRST+1, ... */
static enum journal_result read_from(struct bench *bench, struct journal_place place, int first,
                                     int *ret_count, bool *ret_is_torn)
{
    struct journal_group group;
    struct journal *journal = journal_new(bench->journal, ID);
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

static const struct journal_place beginning = {.chain = ID};

static void check_all(struct bench *bench, int groups)
{
    int count;
    bool is_torn;
    assert_int_equal(read_from(bench, beginning, 1, &count, &is_torn), JOURNAL_END);
    assert_int_equal(count, groups);
    assert_false(is_torn);
}

static void check_payload(struct bench *bench, struct journal *journal, int64_t at, int number)
{
    size_t length;
    const char *text = journal_get(journal, &bench->arena, at, &length);
    assert_non_null(text);
    assert_string_equal(text, arena_print(&bench->arena, "payload of group %d", number));
    assert_int_equal(length, strlen(text));
}

/* ---- the file, changed behind its back ---- */

static char *take(struct bench *bench, unsigned segment, size_t length)
{
    char *bytes = malloc(length);
    int file = open(path_of(bench, segment), O_RDONLY);
    assert_int_equal(pread(file, bytes, length, 0), length);
    close(file);
    return bytes;
}

static void give(struct bench *bench, unsigned segment, const char *bytes, size_t length)
{
    int file = open(path_of(bench, segment), O_WRONLY);
    assert_int_equal(pwrite(file, bytes, length, 0), length);
    close(file);
}

static void flip(struct bench *bench, unsigned segment, uint64_t offset)
{
    char byte;
    int file = open(path_of(bench, segment), O_RDWR);
    assert_int_equal(pread(file, &byte, 1, (off_t)offset), 1);
    byte = (char)(byte ^ 0x10);
    assert_int_equal(pwrite(file, &byte, 1, (off_t)offset), 1);
    close(file);
}

/* ---- tests ---- */

static void groups_come_back_in_order(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    int64_t places[6];
    for (int i = 1; i <= 5; i++)
        places[i] = add(journal, i);
    for (int i = 1; i <= 5; i++)
        check_payload(bench, journal, places[i], i);
    journal_free(journal);
    check_all(bench, 5);
}

static void what_was_not_synced_is_read_here_and_nowhere_else(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    struct journal *other = journal_new(bench->journal, ID);
    size_t length;
    add(journal, 1);
    int64_t at = put(journal, 2);
    check_payload(bench, journal, at, 2);
    assert_null(journal_get(other, &bench->arena, at, &length));
    check_all(bench, 1);
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    check_payload(bench, other, at, 2);
    journal_free(other);
    journal_free(journal);
    check_all(bench, 2);
}

static void a_group_is_cut_back_or_dropped(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    assert_false(journal_has_group(journal));
    put(journal, 1);
    struct journal_mark mark = journal_mark(journal);
    put(journal, 9);
    journal_cut(journal, mark);
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    put(journal, 9);
    journal_drop(journal);
    assert_false(journal_has_group(journal));
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    add(journal, 2);
    journal_free(journal);
    check_all(bench, 2);
}

/* Wherever the power went while the last group was written, the others stand. */
static void a_torn_end_was_never_promised(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    add(journal, 2);
    struct journal_place before = journal_end(journal);
    add(journal, 3);
    struct journal_place after = journal_end(journal);
    journal_free(journal);
    char *whole = take(bench, 1, after.offset);
    for (uint64_t cut = before.offset; cut < after.offset; cut++) {
        int count;
        bool is_torn;
        char *torn = malloc(after.offset);
        memcpy(torn, whole, after.offset);
        memset(torn + cut, 0, after.offset - cut);
        bool is_same = memcmp(torn, whole, after.offset) == 0; /* only padding was lost */
        give(bench, 1, torn, after.offset);
        assert_int_equal(read_from(bench, beginning, 1, &count, &is_torn), JOURNAL_END);
        assert_int_equal(count, is_same ? 3 : 2);
        assert_int_equal(is_torn, !is_same && cut > before.offset);
        assert_int_equal(read_from(bench, before, 3, &count, &is_torn), JOURNAL_END);
        free(torn);
    }
    assert_int_equal(truncate(path_of(bench, 1), (off_t)before.offset + 5), 0);
    check_all(bench, 2);
    free(whole);
}

/* A byte that changed anywhere before the last group is damage, and is said to be. */
static void damage_in_the_middle_is_no_torn_end(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    struct journal_place from = journal_end(journal);
    add(journal, 2);
    struct journal_place to = journal_end(journal);
    add(journal, 3);
    journal_free(journal);
    char *good = take(bench, 1, to.offset);
    for (uint64_t at = from.offset; at < to.offset; at++) {
        int count;
        bool is_torn;
        flip(bench, 1, at);
        enum journal_result result = read_from(bench, beginning, 1, &count, &is_torn);
        if (result == JOURNAL_END)
            assert_int_equal(count, 3); /* padding that nothing depends on */
        else
            assert_int_equal(count, 1);
        assert_false(is_torn);
        give(bench, 1, good, to.offset);
    }
    check_all(bench, 3);
    free(good);
}

static void a_rotten_payload_is_not_given_out(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    size_t length;
    int64_t one = add(journal, 1);
    int64_t two = add(journal, 2);
    flip(bench, 1, (uint64_t)one % (1ull << 32) + 20);
    assert_null(journal_get(journal, &bench->arena, one, &length));
    check_payload(bench, journal, two, 2);
    assert_null(journal_get(journal, &bench->arena, two + (1ll << 32), &length));
    assert_null(journal_get(journal, &bench->arena, two + (1 << 20), &length));
    journal_free(journal);
}

static void writing_goes_on_where_reading_ended(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    struct journal_place place = journal_end(journal);
    add(journal, 9);
    add(journal, 8);
    journal_free(journal);
    journal = journal_new(bench->journal, ID);
    assert_int_equal(journal_seek(journal, &place), JOURNAL_DONE);
    assert_int_equal(journal_start(journal), JOURNAL_DONE);
    check_all(bench, 1);
    add(journal, 2); /* the left-over of the former life behind it does not count */
    check_all(bench, 2);
    journal_free(journal);
}

static void a_group_read_at_a_start_is_written_again(void **state)
{
    struct bench *bench = *state;
    struct journal_group group;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    add(journal, 2);
    journal_free(journal);
    journal = journal_new(bench->journal, ID);
    assert_int_equal(journal_seek(journal, &beginning), JOURNAL_DONE);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(journal_next(journal, &group), JOURNAL_DONE);
        assert_int_equal(journal_secure(journal), JOURNAL_DONE);
    }
    disk.sync_error = EIO;
    assert_int_equal(journal_secure(journal), JOURNAL_BROKEN);
    journal_free(journal);
    check_all(bench, 2);
}

/* ---- segments ---- */

static void fill_segment(struct journal *journal)
{
    char *much = calloc(1, SEGMENT);
    journal_put(journal, much, SEGMENT, disk.is_read_seldom);
    free(much);
    add(journal, 2);
}

static void a_full_segment_is_followed_by_the_next(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    int64_t one = add(journal, 1);
    fill_segment(journal);
    assert_int_equal(journal_end(journal).segment, 2);
    assert_int_equal(journal_end(journal).offset, HEAD);
    struct journal_place turned = journal_end(journal);
    int64_t three = add(journal, 3);
    assert_int_equal(three >> 32, 2);
    check_payload(bench, journal, one, 1);
    check_payload(bench, journal, three, 3);
    journal_free(journal);
    check_all(bench, 3);
    int count;
    bool is_torn;
    assert_int_equal(read_from(bench, turned, 3, &count, &is_torn), JOURNAL_END);
    assert_int_equal(count, 1);
    flip(bench, 1, HEAD + 40); /* damage with a whole segment behind it */
    assert_int_equal(read_from(bench, beginning, 1, &count, &is_torn), JOURNAL_BROKEN);
    assert_int_equal(count, 0);
}

static void a_segment_that_was_being_made_is_made_anew(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    fill_segment(journal);
    journal_free(journal);
    int file = open(path_of(bench, 2), O_WRONLY | O_TRUNC); /* its head never reached the disk */
    assert_int_equal(ftruncate(file, 4096), 0);
    close(file);
    check_all(bench, 2);
    struct journal_group group;
    journal = journal_new(bench->journal, ID);
    assert_int_equal(journal_seek(journal, &beginning), JOURNAL_DONE);
    while (journal_next(journal, &group) == JOURNAL_DONE)
        ;
    assert_int_equal(journal_start(journal), JOURNAL_DONE);
    assert_int_equal(access(path_of(bench, 2), F_OK), -1);
    add(journal, 3);
    assert_int_equal(journal_end(journal).segment, 2);
    journal_free(journal);
    check_all(bench, 3);
}

static void old_segments_are_given_back(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    size_t length;
    int64_t one = add(journal, 1);
    fill_segment(journal);
    int64_t three = add(journal, 3);
    struct journal_place place = journal_end(journal);
    assert_true(journal_bytes(journal) > SEGMENT);
    assert_int_equal(journal_remove_below(journal, 99), 1); /* never the one being written */
    assert_true(journal_bytes(journal) < SEGMENT);
    assert_null(journal_get(journal, &bench->arena, one, &length));
    check_payload(bench, journal, three, 3);
    journal_free(journal);
    int count;
    bool is_torn;
    assert_int_equal(read_from(bench, place, 4, &count, &is_torn), JOURNAL_END);
    assert_int_equal(read_from(bench, beginning, 1, &count, &is_torn), JOURNAL_END);
    assert_int_equal(count, 0);
}

/* ---- which journal is it ---- */

static void an_older_or_foreign_journal_is_refused(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    struct journal_place one = journal_end(journal);
    char *older = take(bench, 1, 8192);
    add(journal, 2);
    struct journal_place two = journal_end(journal);
    journal_free(journal);
    int count;
    bool is_torn;
    assert_int_equal(read_from(bench, two, 3, &count, &is_torn), JOURNAL_END);
    give(bench, 1, older, 8192); /* the database names a group that is not there */
    assert_int_equal(read_from(bench, two, 3, &count, &is_torn), JOURNAL_BROKEN);
    assert_int_equal(read_from(bench, one, 2, &count, &is_torn), JOURNAL_END);
    flip(bench, 1, 9); /* the id */
    assert_int_equal(read_from(bench, one, 2, &count, &is_torn), JOURNAL_BROKEN);
    unlink(path_of(bench, 1));
    assert_int_equal(read_from(bench, one, 2, &count, &is_torn), JOURNAL_BROKEN);
    free(older);
}

/* ---- what a disk may answer ---- */

static void a_full_disk_promises_nothing_and_may_be_tried_again(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    disk.fallocate_error = ENOSPC;
    disk.fallocate_times = -1;
    char *much = calloc(1, 1 << 20); /* beyond what is reserved already */
    journal_put(journal, much, 1 << 20, disk.is_read_seldom);
    put(journal, 9);
    assert_int_equal(journal_sync(journal), JOURNAL_FULL);
    assert_non_null(strstr(journal_error(journal), "no space"));
    journal_drop(journal);
    check_all(bench, 1);
    disk.fallocate_times = 1; /* room for the group, not for a step ahead of it */
    journal_put(journal, much, 300 << 10, disk.is_read_seldom);
    put(journal, 2);
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    assert_int_equal(disk.fallocate_times, 0);
    add(journal, 3);
    journal_free(journal);
    free(much);
    check_all(bench, 3);
}

static void a_write_that_is_full_half_way_leaves_what_was(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    disk.write_error = ENOSPC;
    disk.write_times = 1;
    put(journal, 9);
    assert_int_equal(journal_sync(journal), JOURNAL_FULL);
    journal_drop(journal);
    add(journal, 2);
    journal_free(journal);
    check_all(bench, 2);
}

static void no_room_for_a_new_segment_lets_the_old_one_grow(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    char *much = calloc(1, SEGMENT);
    journal_put(journal, much, SEGMENT, disk.is_read_seldom);
    put(journal, 2);
    free(much);
    assert_int_equal(mkdir(path_of(bench, 2), 0700), 0); /* it cannot be made */
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    assert_int_equal(journal_end(journal).segment, 1);
    add(journal, 3);
    rmdir(path_of(bench, 2));
    add(journal, 4);
    assert_int_equal(journal_end(journal).segment, 2);
    add(journal, 5);
    journal_free(journal);
    check_all(bench, 5);
}

static void interrupted_and_short_writes_go_on(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    disk.write_error = EINTR;
    disk.write_times = 3;
    add(journal, 1);
    assert_int_equal(disk.write_times, 0);
    disk.shortest = 3;
    add(journal, 2);
    disk.shortest = 0;
    disk.fallocate_error = EOPNOTSUPP; /* a file system that cannot reserve */
    disk.fallocate_times = -1;
    char *much = calloc(1, 1 << 20);
    journal_put(journal, much, 1 << 20, disk.is_read_seldom);
    add(journal, 3);
    journal_free(journal);
    free(much);
    check_all(bench, 3);
}

static void an_error_of_the_disk_is_final(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    disk.write_error = EIO;
    disk.write_times = 1;
    put(journal, 2);
    assert_int_equal(journal_sync(journal), JOURNAL_BROKEN);
    assert_non_null(strstr(journal_error(journal), "cannot be written"));
    journal_drop(journal);
    disk.sync_error = ENOSPC; /* whatever its reason */
    put(journal, 2);
    assert_int_equal(journal_sync(journal), JOURNAL_BROKEN);
    assert_non_null(strstr(journal_error(journal), "cannot be synced"));
    journal_free(journal);
}

/* ext4 that was shut down while it synced answers that all went well. */
static void a_sync_counts_only_where_writing_goes_on(void **state)
{
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    add(journal, 1);
    disk.after_error = ENOSPC;
    add(journal, 2);
    disk.after_error = EIO;
    put(journal, 3);
    assert_int_equal(journal_sync(journal), JOURNAL_BROKEN);
    assert_non_null(strstr(journal_error(journal), "cannot be synced"));
    journal_free(journal);
}

/* The group behind a segment's head cannot go past the page cache, but ends where the next one can
 * begin. One that somebody is going to read stays in it, and the one behind that, too. */
static void what_is_seldom_read_goes_past_the_page_cache(void **state)
{
    static const int directs[] = {0, 1, 2, 2, 2, 3};
    struct bench *bench = *state;
    struct journal *journal = open_new(bench);
    for (int i = 0; i < 6; i++) {
        disk.is_read_seldom = i != 3;
        add(journal, i + 1);
        if (i == 1 && disk.directs == 0)
            skip(); /* a file system that takes nothing past it */
        assert_int_equal(disk.directs, directs[i]);
    }
    assert_int_equal(journal_end(journal).offset % 4096, 0);
    journal_free(journal);
    check_all(bench, 6);
}

/* Through the page cache, past it, and where nothing can go past it. */
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, start, stop),                                            \
        cmocka_unit_test_setup_teardown(name, start_direct, stop),                                 \
        cmocka_unit_test_setup_teardown(name, start_old, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(groups_come_back_in_order),
        TEST(what_was_not_synced_is_read_here_and_nowhere_else),
        TEST(a_group_is_cut_back_or_dropped),
        TEST(a_torn_end_was_never_promised),
        TEST(damage_in_the_middle_is_no_torn_end),
        TEST(a_rotten_payload_is_not_given_out),
        TEST(writing_goes_on_where_reading_ended),
        TEST(a_group_read_at_a_start_is_written_again),
        TEST(a_full_segment_is_followed_by_the_next),
        TEST(a_segment_that_was_being_made_is_made_anew),
        TEST(old_segments_are_given_back),
        TEST(an_older_or_foreign_journal_is_refused),
        TEST(a_full_disk_promises_nothing_and_may_be_tried_again),
        TEST(a_write_that_is_full_half_way_leaves_what_was),
        TEST(no_room_for_a_new_segment_lets_the_old_one_grow),
        TEST(interrupted_and_short_writes_go_on),
        TEST(an_error_of_the_disk_is_final),
        TEST(a_sync_counts_only_where_writing_goes_on),
        cmocka_unit_test_setup_teardown(what_is_seldom_read_goes_past_the_page_cache, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
