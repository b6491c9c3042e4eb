/* durable: what is written is all there; a folder that is not there cannot be synced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/durable.h"

static void all_bytes_are_written(void **state)
{
    char path[] = "/tmp/durable.XXXXXX";
    char bytes[100000];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i % 26);
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_true(durable_write(file, bytes, 0));
    assert_true(durable_write(file, bytes, sizeof bytes));
    char *back = malloc(sizeof bytes);
    assert_int_equal(pread(file, back, sizeof bytes, 0), sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
    free(back);
    close(file);
    unlink(path);
}

static void a_file_that_is_not_open_is_an_error(void **state)
{
    (void)state;
    assert_false(durable_write(-1, "x", 1));
}

static void the_folder_of_a_path_is_synced(void **state)
{
    (void)state;
    assert_true(durable_sync_folder_of("/tmp/durable"));
    assert_true(durable_sync_folder_of("durable"));
    assert_false(durable_sync_folder_of("/tmp/durable-is-not-there/file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bytes_are_written),
        cmocka_unit_test(a_file_that_is_not_open_is_an_error),
        cmocka_unit_test(the_folder_of_a_path_is_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
