/* file: reading what may be read and nothing else, and replacing a file in one step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/clinic.h"

static const char *path_of(struct clinic *clinic, const char *name)
{
    return arena_print(&clinic->arena, "%s/%s", clinic->folder, name);
}

static void a_file_is_read_whole(void **state)
{
    struct clinic *clinic = *state;
    size_t length = 0;
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 1000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *bytes = arena_alloc(&clinic->arena, sizes[i] + 1);
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (char)(k * 7);
        assert_true(file_replace(path_of(clinic, "f"), bytes, sizes[i], 0600));
        char *read =
            file_read(&clinic->arena, path_of(clinic, "f"), 1000000, &length, &clinic->findings);
        assert_non_null(read);
        assert_int_equal(length, sizes[i]);
        assert_memory_equal(read, bytes, sizes[i]);
        assert_int_equal(read[length], 0);
    }
    assert_int_equal(clinic->findings.count, 0);
}

static void refuse(struct clinic *clinic, const char *path, size_t most, const char *word)
{
    size_t length;
    size_t before = clinic->findings.count;
    assert_null(file_read(&clinic->arena, path, most, &length, &clinic->findings));
    assert_int_equal(clinic->findings.count, before + 1);
    const struct finding *finding = &clinic->findings.items[before];
    assert_string_equal(finding->file, path);
    if (strstr(finding->found, word) == NULL)
        fail_msg("found: %s", finding->found);
}

static void what_is_no_plain_file_is_refused(void **state)
{
    struct clinic *clinic = *state;
    clinic_put(clinic, "f", "0123456789");
    assert_int_equal(symlink(path_of(clinic, "f"), path_of(clinic, "link")), 0);
    assert_int_equal(mkfifo(path_of(clinic, "pipe"), 0600), 0);
    refuse(clinic, path_of(clinic, "f"), 9, "too large");
    refuse(clinic, path_of(clinic, "link"), 100, "symbolic link");
    refuse(clinic, path_of(clinic, "pipe"), 100, "not a regular file"); /* and does not wait */
    refuse(clinic, clinic->folder, 100, "not a regular file");
    refuse(clinic, "/dev/zero", 100, "not a regular file");
    refuse(clinic, path_of(clinic, "none"), 100, "No such file");
}

static void replacing_is_private_and_leaves_nothing_beside(void **state)
{
    struct clinic *clinic = *state;
    struct stat about;
    const char *path = path_of(clinic, "records/in/f");
    assert_true(file_replace(path, "one", 3, 0600));
    assert_true(file_replace(path, "two!", 4, 0644));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 4);
    assert_int_equal(about.st_mode & 0777, 0644);
    assert_false(file_replace(path_of(clinic, "no/such/f"), "x", 1, 0600));
    assert_int_equal(symlink(path_of(clinic, "settings.yaml"), path_of(clinic, "records/in/l")), 0);
    assert_true(file_replace(path_of(clinic, "records/in/l"), "x", 1, 0600));
    assert_int_equal(lstat(path_of(clinic, "records/in/l"), &about), 0);
    assert_true(S_ISREG(about.st_mode)); /* the link was replaced, not what it points to */
    assert_int_equal(stat(path_of(clinic, "settings.yaml"), &about), 0);
    assert_true(about.st_size > 1);
    assert_int_equal(system(arena_print(&clinic->arena, "test $(ls -A %s | wc -l) = 2",
                                        path_of(clinic, "records/in"))),
                     0);
}

static void replacing_says_what_failed_first(void **state)
{
    struct clinic *clinic = *state;
    struct rlimit old, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){0, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool done = file_replace(path_of(clinic, "records/in/f"), "one", 3, 0600);
    int error = errno;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_false(done);
    assert_int_equal(error, EMFILE); /* not what removing the file beside it said */
}

static void moving(void **state)
{
    struct clinic *clinic = *state;
    clinic_put(clinic, "records/out/f", "x");
    assert_true(file_move(path_of(clinic, "records/out/f"), path_of(clinic, "records/sent/f")));
    assert_false(file_exists(path_of(clinic, "records/out/f")));
    assert_true(file_exists(path_of(clinic, "records/sent/f")));
    assert_false(file_move(path_of(clinic, "records/out/f"), path_of(clinic, "records/sent/g")));
}

static void folders(void **state)
{
    struct clinic *clinic = *state;
    struct stat about;
    assert_true(file_make_folder(path_of(clinic, "new"), 0700));
    assert_true(file_make_folder(path_of(clinic, "new"), 0700));
    assert_int_equal(stat(path_of(clinic, "new"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    clinic_put(clinic, "plain", "x");
    assert_false(file_make_folder(path_of(clinic, "plain"), 0700));
    assert_false(file_make_folder(path_of(clinic, "a/b"), 0700));
}

static void names(void **state)
{
    struct clinic *clinic = *state;
    assert_string_equal(file_base("/a/b.json"), "b.json");
    assert_string_equal(file_base("b.json"), "b.json");
    assert_string_equal(file_base("/a/"), "");
    assert_string_equal(file_folder(&clinic->arena, "/a/b.json"), "/a");
    assert_string_equal(file_folder(&clinic->arena, "/b.json"), "/");
    assert_string_equal(file_folder(&clinic->arena, "b.json"), ".");
    assert_string_equal(file_folder(&clinic->arena, "a/b/c"), "a/b");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_read_whole),
        TEST(what_is_no_plain_file_is_refused),
        TEST(replacing_is_private_and_leaves_nothing_beside),
        TEST(replacing_says_what_failed_first),
        TEST(moving),
        TEST(folders),
        TEST(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
