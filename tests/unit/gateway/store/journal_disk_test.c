/* journal: what a disk may answer. A full one promises nothing and may be tried again, an
 * interrupted write goes on, an error or a sync that failed is final; and what goes past the page
 * cache. */
#include "lib/platter.h"

static void a_full_disk_promises_nothing_and_may_be_tried_again(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    platter_disk.fallocate_error = ENOSPC;
    platter_disk.fallocate_times = -1;
    char *much = calloc(1, 1 << 20); /* beyond what is reserved already */
    journal_put(journal, much, 1 << 20, NULL, platter_disk.is_read_seldom);
    platter_put(journal, 9);
    assert_int_equal(journal_sync(journal), JOURNAL_FULL);
    assert_non_null(strstr(journal_error(journal), "no space"));
    journal_drop(journal);
    platter_check(bench, 1);
    platter_disk.fallocate_times = 1; /* room for the group, not for a step ahead of it */
    journal_put(journal, much, 300 << 10, NULL, platter_disk.is_read_seldom);
    platter_put(journal, 2);
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    platter_disk.fallocate_times = 0; /* not asked where the thread ahead had made room before */
    platter_add(journal, 3);
    journal_free(journal);
    free(much);
    platter_check(bench, 3);
}

static void a_write_that_is_full_half_way_leaves_what_was(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    platter_disk.write_error = ENOSPC;
    platter_disk.write_times = 1;
    platter_put(journal, 9);
    assert_int_equal(journal_sync(journal), JOURNAL_FULL);
    journal_drop(journal);
    platter_add(journal, 2);
    journal_free(journal);
    platter_check(bench, 2);
}

/* What was written of it goes before anything else is written, however long that takes. */
static void what_found_no_space_and_cannot_be_cut_off_waits(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    platter_disk.write_error = platter_disk.cut_error = ENOSPC;
    platter_disk.write_times = 1;
    platter_disk.cut_times = 2;
    for (int i = 0; i < 2; i++) {
        platter_put(journal, 9);
        assert_int_equal(journal_sync(journal), JOURNAL_FULL);
        journal_drop(journal);
    }
    platter_add(journal, 2);
    assert_int_equal(platter_disk.cut_times, 0);
    journal_free(journal);
    platter_check(bench, 2);
}

static void no_room_for_a_new_segment_lets_the_old_one_grow(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    char *much = calloc(1, PLATTER_SEGMENT);
    journal_put(journal, much, PLATTER_SEGMENT, NULL, platter_disk.is_read_seldom);
    platter_put(journal, 2);
    free(much);
    assert_int_equal(mkdir(platter_path(bench, 2), 0700), 0); /* it cannot be made */
    assert_int_equal(journal_sync(journal), JOURNAL_DONE);
    assert_int_equal(journal_end(journal).segment, 1);
    platter_add(journal, 3);
    rmdir(platter_path(bench, 2));
    platter_add(journal, 4);
    assert_int_equal(journal_end(journal).segment, 2);
    platter_add(journal, 5);
    journal_free(journal);
    platter_check(bench, 5);
}

static void interrupted_and_short_writes_go_on(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_disk.write_error = EINTR;
    platter_disk.write_times = 3;
    platter_add(journal, 1);
    assert_int_equal(platter_disk.write_times, 0);
    platter_disk.shortest = 3;
    platter_add(journal, 2);
    platter_disk.shortest = 0;
    platter_disk.fallocate_error = EOPNOTSUPP; /* a file system that cannot reserve */
    platter_disk.fallocate_times = -1;
    char *much = calloc(1, 1 << 20);
    journal_put(journal, much, 1 << 20, NULL, platter_disk.is_read_seldom);
    platter_add(journal, 3);
    journal_free(journal);
    free(much);
    platter_check(bench, 3);
}

static void an_error_of_the_disk_is_final(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    platter_disk.write_error = EIO;
    platter_disk.write_times = 1;
    platter_put(journal, 2);
    assert_int_equal(journal_sync(journal), JOURNAL_BROKEN);
    assert_non_null(strstr(journal_error(journal), "cannot be written"));
    journal_drop(journal);
    platter_disk.sync_error = ENOSPC; /* whatever its reason */
    platter_put(journal, 2);
    assert_int_equal(journal_sync(journal), JOURNAL_BROKEN);
    assert_non_null(strstr(journal_error(journal), "cannot be synced"));
    journal_free(journal);
}

/* ext4 that was shut down while it synced answers that all went well. */
static void a_sync_counts_only_where_writing_goes_on(void **state)
{
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    platter_add(journal, 1);
    platter_disk.after_error = ENOSPC;
    platter_add(journal, 2);
    platter_disk.after_error = EIO;
    platter_put(journal, 3);
    assert_int_equal(journal_sync(journal), JOURNAL_BROKEN);
    assert_non_null(strstr(journal_error(journal), "cannot be synced"));
    journal_free(journal);
}

/* The group behind a segment's head cannot go past the page cache, but ends where the next one can
 * begin. One that somebody is going to read stays in it, and the one behind that, too. */
static void what_is_seldom_read_goes_past_the_page_cache(void **state)
{
    static const int directs[] = {0, 1, 2, 2, 2, 3};
    struct platter *bench = *state;
    struct journal *journal = platter_open(bench);
    for (int i = 0; i < 6; i++) {
        platter_disk.is_read_seldom = i != 3;
        platter_add(journal, i + 1);
        if (i == 1 && platter_disk.directs == 0)
            skip(); /* a file system that takes nothing past it */
        assert_int_equal(platter_disk.directs, directs[i]);
    }
    assert_int_equal(journal_end(journal).offset % 4096, 0);
    journal_free(journal);
    platter_check(bench, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLATTER_TEST(a_full_disk_promises_nothing_and_may_be_tried_again),
        PLATTER_TEST(a_write_that_is_full_half_way_leaves_what_was),
        PLATTER_TEST(what_found_no_space_and_cannot_be_cut_off_waits),
        PLATTER_TEST(no_room_for_a_new_segment_lets_the_old_one_grow),
        PLATTER_TEST(interrupted_and_short_writes_go_on),
        PLATTER_TEST(an_error_of_the_disk_is_final),
        PLATTER_TEST(a_sync_counts_only_where_writing_goes_on),
        cmocka_unit_test_setup_teardown(what_is_seldom_read_goes_past_the_page_cache, platter_start,
                                        platter_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
