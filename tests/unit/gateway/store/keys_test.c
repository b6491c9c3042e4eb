/* keys: every key that was added is found, oldest first, and sorted out whole; a filter never says
 * no to a key of its run, and seldom yes to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "gateway/store/journal/checksum.h"
#include "gateway/store/journal/keys.h"

static int64_t hash_of(uint64_t number)
{
    static const unsigned char secret[CHECKSUM_KEY_BYTES] = "0123456789abcde";
    return (int64_t)(checksum_keyed(secret, &number, sizeof number) >> 1);
}

static void what_was_added_is_found(void **state)
{
    struct keys *keys = keys_new();
    (void)state;
    for (int64_t i = 0; i < KEYS_MOST + 1000; i++)
        keys_add(keys, hash_of((uint64_t)i), i);
    assert_int_equal(keys_count(keys), KEYS_MOST + 1000);
    for (int64_t i = 0; i < KEYS_MOST + 1000; i++) {
        size_t at = 0;
        int64_t row = -1;
        assert_true(keys_next(keys, hash_of((uint64_t)i), &at, &row));
        assert_int_equal(row, i);
        assert_false(keys_next(keys, hash_of((uint64_t)i), &at, &row));
    }
    size_t at = 0;
    int64_t row;
    assert_false(keys_next(keys, hash_of(1u << 30), &at, &row));
    keys_clear(keys);
    assert_int_equal(keys_count(keys), 0);
    at = 0;
    assert_false(keys_next(keys, hash_of(1), &at, &row));
    for (int64_t i = 0; i < KEYS_MOST + 1000; i++) /* its table is smaller again, and grows */
        keys_add(keys, hash_of((uint64_t)i), -i);
    at = 0;
    assert_true(keys_next(keys, hash_of(KEYS_MOST + 999), &at, &row));
    assert_int_equal(row, -(KEYS_MOST + 999));
    keys_free(keys);
}

static void rows_of_one_key_come_oldest_first(void **state)
{
    struct keys *keys = keys_new();
    size_t at = 0;
    int64_t row;
    (void)state;
    for (int64_t i = 1; i <= 5; i++) {
        keys_add(keys, 42, i);
        keys_add(keys, 42 + (1ll << 40), 100 + i); /* of the same bucket */
    }
    for (int64_t i = 1; i <= 5; i++) {
        assert_true(keys_next(keys, 42, &at, &row));
        assert_int_equal(row, i);
    }
    assert_false(keys_next(keys, 42, &at, &row));
    keys_free(keys);
}

static void sorting_keeps_all(void **state)
{
    enum { COUNT = 10000 };
    struct keys *keys = keys_new();
    (void)state;
    keys_add(keys, INT64_MAX, 1);
    keys_add(keys, 0, 2);
    for (int64_t i = 0; i < COUNT; i++)
        keys_add(keys, hash_of((uint64_t)(i % (COUNT / 2))), i); /* each twice */
    struct key_entry *sorted = keys_sorted(keys);
    assert_non_null(sorted);
    int64_t sum = 0;
    for (size_t i = 0; i < COUNT + 2; i++) {
        sum += sorted[i].row;
        assert_true(i == 0 || sorted[i - 1].hash < sorted[i].hash ||
                    (sorted[i - 1].hash == sorted[i].hash && sorted[i - 1].row < sorted[i].row));
    }
    assert_int_equal(sum, (int64_t)COUNT * (COUNT - 1) / 2 + 3);
    free(sorted);
    keys_free(keys);
}

static void a_filter_forgets_no_key(void **state)
{
    enum { RUNS = 3, EACH = KEYS_MOST };
    unsigned char *filter = malloc(KEYS_FILTER_BYTES);
    struct key_entry *entries = calloc(EACH, sizeof *entries);
    struct keys_filters filters = {.blocks = NULL};
    int alarms = 0;
    (void)state;
    assert_int_equal(keys_filters_next(&filters, hash_of(1), 0), 0); /* which is their count */
    for (uint64_t run = 0; run < RUNS; run++) {
        for (uint64_t i = 0; i < EACH; i++)
            entries[i].hash = hash_of(run * EACH + i);
        keys_filter_fill(filter, entries, EACH);
        keys_filters_add(&filters, filter);
    }
    for (uint64_t run = 0; run < RUNS; run++) {
        for (uint64_t i = 0; i < EACH; i++)
            assert_int_equal(keys_filters_next(&filters, hash_of(run * EACH + i), run), run);
    }
    for (uint64_t i = 0; i < EACH; i++)
        alarms += keys_filters_next(&filters, hash_of((1ull << 40) + i), 0) < RUNS;
    assert_in_range(alarms, 0, RUNS * EACH / 300);
    keys_filters_drop(&filters, 1);
    for (uint64_t i = 0; i < EACH; i++)
        assert_int_equal(keys_filters_next(&filters, hash_of(2 * EACH + i), 1), 1);
    keys_filters_free(&filters);
    free(entries);
    free(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found),
        cmocka_unit_test(rows_of_one_key_come_oldest_first),
        cmocka_unit_test(sorting_keeps_all),
        cmocka_unit_test(a_filter_forgets_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
