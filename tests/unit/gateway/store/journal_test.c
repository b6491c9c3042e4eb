/* journal: what was synced comes back, in order and once; a torn end is told from damage, another
 * or an older journal from ours; segments follow each other and are given back. What a disk may
 * answer: journal_disk_test.c. */
#include "lib/platter.h"

/* ---- the file, changed behind its back ---- */

static char *take(struct platter *bench, unsigned segment, size_t length)
{
    char *bytes = malloc(length);
    int file = open(platter_path(bench, segment), O_RDONLY);
    assert_int_equal(pread(file, bytes, length, 0), length);
    close(file);
    return bytes;
}

static void give(struct platter *bench, unsigned segment, const char *bytes, size_t length)
{
    int file = open(platter_path(bench, segment), O_WRONLY);
    assert_int_equal(pwrite(file, bytes, length, 0), length);
    close(file);
}

static void flip(struct platter *bench, unsigned segment, uint64_t offset)
{
    char byte;
    int file = open(platter_path(bench, segment), O_RDWR);
    assert_int_equal(pread(file, &byte, 1, (off_t)offset), 1);
    byte = (char)(byte ^ 0x10);
    assert_int_equal(pwrite(file, &byte, 1, (off_t)offset), 1);
    close(file);
}

static void groups_come_back_in_order(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    int64_t places[6];
    for (int i = 1; i <= 5; i++)
        places[i] = platter_add(journal, i);
    for (int i = 1; i <= 5; i++)
        platter_check_payload(bench, journal, places[i], i);
    journal_free(journal);
    platter_check(bench, 5);
}

static void what_was_not_synced_is_read_here_and_nowhere_else(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    struct journal *other = journal_new(bench->journal, PLATTER_ID);
    size_t length;
    platter_add(journal, 1);
    int64_t at = platter_put(journal, 2);
    platter_check_payload(bench, journal, at, 2);
    assert_null(journal_get(other, &bench->arena, at, &length));
    platter_check(bench, 1);
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    platter_check_payload(bench, other, at, 2);
    journal_free(other);
    journal_free(journal);
    platter_check(bench, 2);
}

static void a_group_is_cut_back_or_dropped(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    assert_false(journal_has_group(journal));
    platter_put(journal, 1);
    struct journal_mark mark = journal_mark(journal);
    platter_put(journal, 9);
    journal_cut(journal, mark);
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    platter_put(journal, 9);
    journal_drop(journal);
    assert_false(journal_has_group(journal));
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    platter_add(journal, 2);
    journal_free(journal);
    platter_check(bench, 2);
}

/* Wherever the power went while the last group was written, the others stand. */
static void a_torn_end_was_never_promised(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    platter_add(journal, 2);
    struct journal_place before = journal_end(journal);
    platter_add(journal, 3);
    struct journal_place after = journal_end(journal);
    journal_free(journal);
    char *whole = take(bench, 1, after.offset);
    for (uint64_t cut = before.offset; cut < after.offset; cut++) {
        int count;
        bool is_torn;
        char *torn = malloc(after.offset);
        memcpy(torn, whole, after.offset);
        memset(torn + cut, 0, after.offset - cut);
        bool may_be_whole = after.offset - cut <= 8; /* only padding was lost */
        give(bench, 1, torn, after.offset);
        assert_int_equal(platter_read(bench, platter_beginning, 1, &count, &is_torn), JOURNAL_END);
        bool is_whole = may_be_whole && count == 3;
        assert_int_equal(count, is_whole ? 3 : 2);
        assert_int_equal(is_torn, !is_whole && cut > before.offset);
        assert_int_equal(platter_read(bench, before, 3, &count, &is_torn), JOURNAL_END);
        free(torn);
    }
    int count;
    bool is_torn;
    assert_int_equal(truncate(platter_path(bench, 1), (off_t)before.offset + 5), 0);
    assert_int_equal(platter_read(bench, platter_beginning, 1, &count, &is_torn), JOURNAL_END);
    assert_int_equal(count, 2);
    free(whole);
}

/* A byte that changed anywhere before the last group is damage, and is said to be. */
static void damage_in_the_middle_is_no_torn_end(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    struct journal_place from = journal_end(journal);
    platter_add(journal, 2);
    struct journal_place to = journal_end(journal);
    platter_add(journal, 3);
    journal_free(journal);
    char *good = take(bench, 1, to.offset);
    for (uint64_t at = from.offset; at < to.offset; at++) {
        int count;
        bool is_torn;
        flip(bench, 1, at);
        enum journal_result result = platter_read(bench, platter_beginning, 1, &count, &is_torn);
        if (result == JOURNAL_END)
            assert_int_equal(count, 3); /* padding that nothing depends on */
        else
            assert_int_equal(count, 1);
        assert_false(is_torn);
        give(bench, 1, good, to.offset);
    }
    platter_check(bench, 3);
    free(good);
}

static void a_rotten_payload_is_not_given_out(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    size_t length;
    int64_t one = platter_add(journal, 1);
    int64_t two = platter_add(journal, 2);
    flip(bench, 1, (uint64_t)one % (1ull << 32) + 20);
    assert_null(journal_get(journal, &bench->arena, one, &length));
    platter_check_payload(bench, journal, two, 2);
    assert_null(journal_get(journal, &bench->arena, two + (1ll << 32), &length));
    assert_null(journal_get(journal, &bench->arena, two + (1 << 20), &length));
    journal_free(journal);
}

static void writing_goes_on_where_reading_ended(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    struct journal_place place = journal_end(journal);
    platter_add(journal, 9);
    platter_add(journal, 8);
    journal_free(journal);
    journal = journal_new(bench->journal, PLATTER_ID);
    assert_int_equal(journal_seek(journal, &place), JOURNAL_DONE);
    assert_int_equal(journal_start(journal), JOURNAL_DONE);
    platter_check(bench, 1);
    platter_add(journal, 2); /* the left-over of the former life behind it does not count */
    platter_check(bench, 2);
    journal_free(journal);
}

static void a_group_read_at_a_start_is_written_again(void **state)
{
    struct platter *bench = *state;
    struct journal_group group;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    platter_add(journal, 2);
    journal_free(journal);
    journal = journal_new(bench->journal, PLATTER_ID);
    assert_int_equal(journal_seek(journal, &platter_beginning), JOURNAL_DONE);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(journal_next(journal, &group), JOURNAL_DONE);
        assert_int_equal(journal_secure(journal), JOURNAL_DONE);
    }
    platter_disk.sync_error = EIO;
    assert_int_equal(journal_secure(journal), JOURNAL_BROKEN);
    journal_free(journal);
    platter_check(bench, 2);
}

/* ---- segments ---- */

static void fill_segment(struct journal *journal)
{
    char *much = calloc(1, PLATTER_SEGMENT);
    journal_put(journal, much, PLATTER_SEGMENT, NULL, platter_disk.is_read_seldom);
    free(much);
    platter_add(journal, 2);
}

static void a_full_segment_is_followed_by_the_next(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    int64_t one = platter_add(journal, 1);
    fill_segment(journal);
    assert_int_equal(journal_end(journal).segment, 2);
    assert_int_equal(journal_end(journal).offset, PLATTER_HEAD);
    struct journal_place turned = journal_end(journal);
    int64_t three = platter_add(journal, 3);
    assert_int_equal(three >> 32, 2);
    platter_check_payload(bench, journal, one, 1);
    platter_check_payload(bench, journal, three, 3);
    journal_free(journal);
    platter_check(bench, 3);
    int count;
    bool is_torn;
    assert_int_equal(platter_read(bench, turned, 3, &count, &is_torn), JOURNAL_END);
    assert_int_equal(count, 1);
    flip(bench, 1, PLATTER_HEAD + 40); /* damage with a whole segment behind it */
    assert_int_equal(platter_read(bench, platter_beginning, 1, &count, &is_torn), JOURNAL_BROKEN);
    assert_int_equal(count, 0);
}

static void a_segment_that_was_being_made_is_made_anew(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    fill_segment(journal);
    journal_free(journal);
    int file =
        open(platter_path(bench, 2), O_WRONLY | O_TRUNC); /* its head never reached the disk */
    assert_int_equal(ftruncate(file, 4096), 0);
    close(file);
    platter_check(bench, 2);
    struct journal_group group;
    journal = journal_new(bench->journal, PLATTER_ID);
    assert_int_equal(journal_seek(journal, &platter_beginning), JOURNAL_DONE);
    while (journal_next(journal, &group) == JOURNAL_DONE)
        ;
    assert_int_equal(journal_start(journal), JOURNAL_DONE);
    platter_add(journal, 3);
    assert_int_equal(journal_end(journal).segment, 2);
    journal_free(journal);
    platter_check(bench, 3);
}

static void old_segments_are_given_back(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    size_t length;
    int64_t one = platter_add(journal, 1);
    fill_segment(journal);
    int64_t three = platter_add(journal, 3);
    struct journal_place place = journal_end(journal);
    assert_true(journal_bytes(journal) > PLATTER_SEGMENT);
    assert_int_equal(journal_remove_below(journal, 99), 1); /* never the one being written */
    assert_true(journal_bytes(journal) < PLATTER_SEGMENT);
    assert_null(journal_get(journal, &bench->arena, one, &length));
    platter_check_payload(bench, journal, three, 3);
    journal_free(journal);
    int count;
    bool is_torn;
    assert_int_equal(platter_read(bench, place, 4, &count, &is_torn), JOURNAL_END);
    assert_int_equal(platter_read(bench, platter_beginning, 1, &count, &is_torn), JOURNAL_BROKEN);
    assert_int_equal(count, 0);
}

/* ---- damage that must never pass for an end ---- */

/* Whatever byte of the last group changes: it was promised, and nothing may be cut off. */
static void rot_in_the_last_group_is_no_torn_end(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    struct journal_place from = journal_end(journal);
    platter_add(journal, 2);
    struct journal_place to = journal_end(journal);
    journal_free(journal);
    char *good = take(bench, 1, to.offset);
    for (uint64_t at = from.offset; at < to.offset; at++) {
        int count;
        bool is_torn;
        flip(bench, 1, at);
        enum journal_result result = platter_read(bench, platter_beginning, 1, &count, &is_torn);
        if (result == JOURNAL_END)
            assert_int_equal(count, 2); /* padding that nothing depends on */
        else
            assert_int_equal(result, JOURNAL_BROKEN);
        assert_false(is_torn);
        give(bench, 1, good, to.offset);
    }
    platter_check(bench, 2);
    free(good);
}

/* A power cut leaves out whole sectors, in any order. */
static void a_group_without_some_sector_was_never_promised(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    char much[5000];
    memset(much, 'x', sizeof much);
    platter_add(journal, 1);
    struct journal_place from = journal_end(journal);
    journal_put(journal, much, sizeof much, NULL, platter_disk.is_read_seldom);
    platter_add(journal, 2);
    struct journal_place to = journal_end(journal);
    journal_free(journal);
    char *good = take(bench, 1, to.offset);
    for (uint64_t sector = from.offset / 512; sector * 512 < to.offset; sector++) {
        int count;
        bool is_torn;
        char *torn = malloc(to.offset);
        uint64_t begin = sector * 512 < from.offset ? from.offset : sector * 512;
        uint64_t end = sector * 512 + 512 < to.offset ? sector * 512 + 512 : to.offset;
        memcpy(torn, good, to.offset);
        memset(torn + begin, 0, end - begin);
        give(bench, 1, torn, to.offset);
        assert_int_equal(platter_read(bench, platter_beginning, 1, &count, &is_torn), JOURNAL_END);
        assert_in_range(count, 1, end == to.offset && end - begin < 8 ? 2 : 1);
        free(torn);
    }
    give(bench, 1, good, to.offset);
    platter_check(bench, 2);
    free(good);
}

/* Wherever a group begins in its sector, and whichever sectors of it reached the disk. */
static void a_group_is_torn_in_any_order_of_its_sectors(void **state)
{
    struct platter *bench = *state;
    char much[1700];
    memset(much, 'x', sizeof much);
    for (size_t shift = 0; shift < 512; shift += 8) {
        unlink(platter_path(bench, 1));
        struct journal *journal = platter_open(bench);
        journal_put(journal, much, shift + 8, NULL, platter_disk.is_read_seldom);
        platter_add(journal, 1);
        struct journal_place from = journal_end(journal);
        journal_put(journal, much, sizeof much, NULL, platter_disk.is_read_seldom);
        platter_add(journal, 2);
        struct journal_place to = journal_end(journal);
        journal_free(journal);
        char *good = take(bench, 1, to.offset);
        char *torn = malloc(to.offset);
        uint64_t first = from.offset / 512;
        uint64_t sectors = (to.offset + 511) / 512 - first;
        unsigned ways = 1u << (sectors < 6 ? sectors : 6); /* every subset of the first ones */
        for (unsigned way = 0; way + 1 < ways; way++) {
            int count;
            bool is_torn;
            memcpy(torn, good, to.offset);
            for (uint64_t at = from.offset; at < to.offset; at++) {
                uint64_t sector = at / 512 - first;
                torn[at] = (char)(sector < 6 && (way >> sector & 1) == 0 ? 0 : torn[at]);
            }
            give(bench, 1, torn, to.offset);
            if (platter_read(bench, platter_beginning, 1, &count, &is_torn) != JOURNAL_END)
                fail_msg("begins at %u of its sector, sectors %x", (unsigned)from.offset % 512,
                         way);
            assert_in_range(count, 1, 2); /* only padding may be missing */
        }
        free(good);
        free(torn);
    }
}

static void read_all(struct platter *bench, enum journal_result expected, const char *words)
{
    struct journal_group group;
    enum journal_result result = JOURNAL_DONE;
    struct journal *journal = journal_new(bench->journal, PLATTER_ID);
    assert_int_equal(journal_seek(journal, &platter_beginning), JOURNAL_DONE);
    while (result == JOURNAL_DONE)
        result = journal_next(journal, &group);
    assert_int_equal(result, expected);
    if (words != NULL && strstr(journal_error(journal), words) == NULL)
        fail_msg("found: %s; expected: %s", journal_error(journal), words);
    journal_free(journal);
}

/* Whose a file is, and what it goes on from, may rot: what stands behind has checksums of its own.
 */
static void a_head_that_rotted_loses_nothing(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    int64_t place = platter_add(journal, 1);
    fill_segment(journal);
    platter_add(journal, 3);
    struct journal_place end = journal_end(journal);
    journal_free(journal);
    for (unsigned segment = 1; segment <= 2; segment++) {
        char *good = take(bench, segment, PLATTER_HEAD);
        for (unsigned at = 0; at < PLATTER_HEAD; at++) {
            if (at / 8 == 2) /* its number */
                continue;
            flip(bench, segment, at);
            platter_check(bench, 3);
            give(bench, segment, good, PLATTER_HEAD);
        }
        flip(bench, segment, 9);
        free(good);
    }
    journal = journal_new(bench->journal, PLATTER_ID);
    platter_check_payload(bench, journal, place, 1);
    assert_int_equal(journal_seek(journal, &end), JOURNAL_DONE);
    assert_int_equal(journal_start(journal), JOURNAL_DONE); /* writes them anew */
    journal_free(journal);
    const uint64_t id = htole64(PLATTER_ID);
    char *head = take(bench, 2, PLATTER_HEAD);
    assert_memory_equal(head + 8, &id, sizeof id);
    free(head);
}

/* The next file while it holds a promised group: its head, and the file itself. */
static void a_damaged_next_segment_is_never_being_made(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    fill_segment(journal);
    platter_add(journal, 3);
    journal_free(journal);
    char *good = take(bench, 2, 4096);
    for (unsigned at = 0; at < PLATTER_HEAD; at += 8) {
        for (unsigned i = 0; i < (at == 16 ? 1 : 5); i++)
            flip(bench, 2, at + i);
        read_all(bench, JOURNAL_BROKEN, "store.journal/0000000");
        give(bench, 2, good, 4096);
    }
    char *zeros = calloc(1, PLATTER_HEAD);
    give(bench, 2, zeros, PLATTER_HEAD);
    free(zeros);
    read_all(bench, JOURNAL_BROKEN, "00000002 is not of this store, or its head is damaged");
    give(bench, 2, good, 4096);
    platter_check(bench, 3);
    assert_int_equal(rename(platter_path(bench, 2), platter_path(bench, 3)), 0);
    read_all(bench, JOURNAL_BROKEN, "00000002 cannot be read: No such file");
    assert_int_equal(mkdir(platter_path(bench, 2), 0700), 0);
    read_all(bench, JOURNAL_BROKEN, "00000002 cannot be read: Is a directory");
    free(good);
}

/* A position has 32 bits for the place in a file. */
static void positions_do_not_overflow(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    size_t length = 64 << 10;
    char *much = calloc(1, length);
    platter_add(journal, 1);
    struct journal_place end = journal_end(journal);
    journal_free(journal);
    char *head = take(bench, 1, end.offset);
    const uint64_t far = UINT32_MAX - 8191;
    int file = open(platter_path(bench, 1), O_WRONLY);
    assert_int_equal(pwrite(file, head + end.last, 32, (off_t)far - 32), 32);
    assert_int_equal(ftruncate(file, (off_t)far), 0);
    close(file);
    free(head);
    const struct journal_place late = {1, far, end.chain, far - 32};
    journal = journal_new(bench->journal, PLATTER_ID);
    assert_int_equal(journal_seek(journal, &late), JOURNAL_DONE);
    assert_int_equal(journal_start(journal), JOURNAL_DONE);
    journal_put(journal, much, length, NULL, platter_disk.is_read_seldom);
    assert_int_equal(journal_sync(journal), JOURNAL_FULL);
    assert_false(journal_has_group(journal));
    assert_int_equal(journal_end(journal).segment, 2);
    int64_t at = platter_add(journal, 2);
    assert_int_equal(at >> 32, 2);
    platter_check_payload(bench, journal, at, 2);
    journal_free(journal);
    free(much);
}

/* ---- which journal is it ---- */

static void an_older_or_foreign_journal_is_refused(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    struct journal_place one = journal_end(journal);
    char *older = take(bench, 1, 8192);
    platter_add(journal, 2);
    struct journal_place two = journal_end(journal);
    journal_free(journal);
    int count;
    bool is_torn;
    assert_int_equal(platter_read(bench, two, 3, &count, &is_torn), JOURNAL_END);
    give(bench, 1, older, 8192); /* the database names a group that is not there */
    assert_int_equal(platter_read(bench, two, 3, &count, &is_torn), JOURNAL_BROKEN);
    assert_int_equal(platter_read(bench, one, 2, &count, &is_torn), JOURNAL_END);
    for (unsigned at = 8; at < 13; at++) /* the id */
        flip(bench, 1, at);
    assert_int_equal(platter_read(bench, one, 2, &count, &is_torn), JOURNAL_BROKEN);
    unlink(platter_path(bench, 1));
    assert_int_equal(platter_read(bench, one, 2, &count, &is_torn), JOURNAL_BROKEN);
    free(older);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLATTER_TEST(groups_come_back_in_order),
        PLATTER_TEST(what_was_not_synced_is_read_here_and_nowhere_else),
        PLATTER_TEST(a_group_is_cut_back_or_dropped),
        PLATTER_TEST(a_torn_end_was_never_promised),
        PLATTER_TEST(damage_in_the_middle_is_no_torn_end),
        PLATTER_TEST(a_rotten_payload_is_not_given_out),
        PLATTER_TEST(writing_goes_on_where_reading_ended),
        PLATTER_TEST(a_group_read_at_a_start_is_written_again),
        PLATTER_TEST(a_full_segment_is_followed_by_the_next),
        PLATTER_TEST(a_segment_that_was_being_made_is_made_anew),
        PLATTER_TEST(old_segments_are_given_back),
        PLATTER_TEST(rot_in_the_last_group_is_no_torn_end),
        PLATTER_TEST(a_group_without_some_sector_was_never_promised),
        PLATTER_TEST(a_group_is_torn_in_any_order_of_its_sectors),
        PLATTER_TEST(a_head_that_rotted_loses_nothing),
        PLATTER_TEST(a_damaged_next_segment_is_never_being_made),
        PLATTER_TEST(positions_do_not_overflow),
        PLATTER_TEST(an_older_or_foreign_journal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
