/* disk: the alarm comes before the disk is full, once, and ends once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/maintenance/disk.h"

static const uint64_t mb = 1 << 20;

static struct disk_state judge(const struct disk_state *before, uint64_t free_mb)
{
    const struct disk_room room = {free_mb * mb, 100000 * mb};
    struct config config;
    memset(&config, 0, sizeof config);
    config.disk_low_bytes = (size_t)(1000 * mb);
    config.disk_low_percent = 5;
    config.disk_stop_bytes = (size_t)(100 * mb);
    return disk_judge(before, &room, &config);
}

static void the_larger_limit_counts(void **state)
{
    const struct disk_state fine = {false, false};
    (void)state;
    assert_false(judge(&fine, 5000).is_low);
    assert_true(judge(&fine, 4999).is_low);
    assert_false(judge(&fine, 4999).is_stopped);
    assert_true(judge(&fine, 99).is_stopped);
}

static void it_ends_with_some_more_free_than_it_began(void **state)
{
    const struct disk_state low = {true, false};
    const struct disk_state stopped = {true, true};
    (void)state;
    assert_true(judge(&low, 5001).is_low);
    assert_true(judge(&low, 5600).is_low);
    assert_false(judge(&low, 5626).is_low);
    assert_true(judge(&stopped, 101).is_stopped);
    assert_false(judge(&stopped, 113).is_stopped);
    assert_true(judge(&stopped, 113).is_low);
}

static void limits_of_zero_never_hold(void **state)
{
    const struct disk_state fine = {false, false};
    const struct disk_room room = {0, 1000 * mb};
    struct config config;
    (void)state;
    memset(&config, 0, sizeof config);
    assert_false(disk_judge(&fine, &room, &config).is_low);
    assert_false(disk_judge(&fine, &room, &config).is_stopped);
}

static void it_measures(void **state)
{
    struct disk_room room = {0, 0};
    (void)state;
    assert_true(disk_measure("/tmp", &room));
    assert_true(room.all > 0 && room.free <= room.all);
    assert_false(disk_measure("/nowhere/at/all", &room));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_larger_limit_counts),
        cmocka_unit_test(it_ends_with_some_more_free_than_it_began),
        cmocka_unit_test(limits_of_zero_never_hold),
        cmocka_unit_test(it_measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
