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
        bool is_same = memcmp(torn, whole, after.offset) == 0; /* only padding was lost */
        give(bench, 1, torn, after.offset);
        assert_int_equal(platter_read(bench, platter_beginning, 1, &count, &is_torn), JOURNAL_END);
        assert_int_equal(count, is_same ? 3 : 2);
        assert_int_equal(is_torn, !is_same && cut > before.offset);
        assert_int_equal(platter_read(bench, before, 3, &count, &is_torn), JOURNAL_END);
        free(torn);
    }
    assert_int_equal(truncate(platter_path(bench, 1), (off_t)before.offset + 5), 0);
    platter_check(bench, 2);
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
    assert_int_equal(access(platter_path(bench, 2), F_OK), -1);
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
    assert_int_equal(platter_read(bench, platter_beginning, 1, &count, &is_torn), JOURNAL_END);
    assert_int_equal(count, 0);
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
    flip(bench, 1, 9); /* the id */
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
        PLATTER_TEST(an_older_or_foreign_journal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
