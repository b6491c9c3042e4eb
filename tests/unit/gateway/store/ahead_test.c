/* ahead: what it makes ready is reserved, full of zeros and told as far as it got; a disk that
 * takes no more ends the stretch early. On a real file; with O_DIRECT where the file system has it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/store/journal/ahead.h"

enum { BLOCK = 4096, LENGTH = 3 << 20 };

struct bench {
    char path[64];
    int file, direct;
    struct ahead *ahead;
};

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    strcpy(bench->path, "/tmp/refgate-ahead-XXXXXX");
    bench->file = mkstemp(bench->path);
    assert_true(bench->file >= 0);
    bench->direct = open(bench->path, O_WRONLY | O_DIRECT | O_CLOEXEC);
    if (bench->direct < 0)
        bench->direct = open(bench->path, O_WRONLY | O_CLOEXEC);
    bench->ahead = ahead_start();
    assert_non_null(bench->ahead);
    *state = bench;
    return 0;
}

static int stop(void **state)
{
    struct bench *bench = *state;
    ahead_stop(bench->ahead);
    close(bench->file);
    close(bench->direct);
    unlink(bench->path);
    free(bench);
    return 0;
}

static uint64_t wait_for_end(struct bench *bench)
{
    bool has_ended;
    uint64_t reached = ahead_reached(bench->ahead, UINT64_MAX, &has_ended);
    assert_true(has_ended);
    return reached;
}

static void a_stretch_is_full_of_zeros(void **state)
{
    struct bench *bench = *state;
    struct stat about;
    char *bytes = malloc(LENGTH);
    bool has_ended;
    assert_int_equal(write(bench->file, "what stands before", 18), 18);
    ahead_ask(bench->ahead, bench->file, bench->direct, BLOCK, LENGTH);
    assert_true(ahead_reached(bench->ahead, 2 * BLOCK, &has_ended) >= 2 * BLOCK);
    assert_int_equal(wait_for_end(bench), BLOCK + LENGTH);
    assert_int_equal(fstat(bench->file, &about), 0);
    assert_int_equal(about.st_size, BLOCK + LENGTH);
    assert_int_equal(pread(bench->file, bytes, LENGTH, BLOCK), LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(pread(bench->file, bytes, 18, 0), 18);
    assert_memory_equal(bytes, "what stands before", 18);
    free(bytes);
}

static void stretches_follow_each_other(void **state)
{
    struct bench *bench = *state;
    uint64_t at = 0;
    for (unsigned i = 1; i <= 5; i++) {
        ahead_ask(bench->ahead, bench->file, bench->direct, at, i * BLOCK);
        at += i * BLOCK;
        assert_int_equal(wait_for_end(bench), at);
    }
}

static void a_disk_that_takes_nothing_ends_it(void **state)
{
    struct bench *bench = *state;
    int read_only = open(bench->path, O_RDONLY | O_CLOEXEC);
    ahead_ask(bench->ahead, read_only, read_only, BLOCK, LENGTH);
    assert_int_equal(wait_for_end(bench), BLOCK);
    close(read_only);
    ahead_ask(bench->ahead, bench->file, bench->direct, BLOCK, LENGTH); /* there is room again */
    assert_int_equal(wait_for_end(bench), BLOCK + LENGTH);
}

static void a_stop_waits_for_what_is_under_way(void **state)
{
    struct bench *bench = *state;
    struct stat about;
    ahead_ask(bench->ahead, bench->file, bench->direct, 0, LENGTH);
    ahead_stop(bench->ahead);
    assert_int_equal(fstat(bench->file, &about), 0);
    assert_int_equal(about.st_size, LENGTH);
    bench->ahead = ahead_start();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stretch_is_full_of_zeros, start, stop),
        cmocka_unit_test_setup_teardown(stretches_follow_each_other, start, stop),
        cmocka_unit_test_setup_teardown(a_disk_that_takes_nothing_ends_it, start, stop),
        cmocka_unit_test_setup_teardown(a_stop_waits_for_what_is_under_way, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
