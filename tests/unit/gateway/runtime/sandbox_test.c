/* harden: what is refused once the fences stand. Each case runs in a process of its own, since no
 * fence comes down again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/runtime/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_WATCHED = 1 };
#else
enum { IS_WATCHED = 0 };
#endif

static char folder[] = "/tmp/refgate-harden-XXXXXX";
static char inside[64], outside[64];

static void put(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("kept", file);
    fclose(file);
}

static long size_of(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? (long)about.st_size : -1;
}

static int start(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(inside, sizeof inside, "%s/in/file", folder);
    snprintf(outside, sizeof outside, "%s/file", folder);
    char in[64];
    snprintf(in, sizeof in, "%s/in", folder);
    assert_int_equal(mkdir(in, 0700), 0);
    put(inside);
    put(outside);
    return 0;
}

static int end(void **state)
{
    char in[64];
    (void)state;
    snprintf(in, sizeof in, "%s/in", folder);
    unlink(inside);
    unlink(outside);
    rmdir(in);
    return rmdir(folder);
}

/* The exit code of RUN in a process of its own; 0: all of it held. */
static int in_child(int (*run)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ? 99 : run());
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static int opens(const char *path, int flags)
{
    int file = open(path, flags);
    int fault = file < 0 ? errno : 0;
    if (file >= 0)
        close(file);
    return fault;
}

/* As a kernel before Landlock's version 3 needs it. */
static int calls_refuse_truncation(void)
{
    if (!harden_calls(true))
        return 98;
    if (truncate(outside, 0) == 0 || errno != EPERM)
        return 1;
    if (opens(outside, O_RDONLY | O_TRUNC) != EPERM)
        return 2;
    if (syscall(SYS_openat2, AT_FDCWD, outside, NULL, 0) == 0 || errno != EPERM)
        return 3;
    if (opens(outside, O_RDONLY) != 0 || opens(outside, O_WRONLY) != 0)
        return 4;
    return opens(inside, O_WRONLY | O_TRUNC) == 0 ? 0 : 5;
}

static int calls_of_other_numbers(void)
{
    if (!harden_calls(false))
        return 98;
#ifdef __x86_64__
    if (syscall(0x40000000 | SYS_getpid) >= 0 || errno != EPERM)
        return 1;
#endif
    if (syscall(SYS_io_uring_setup, 1, NULL) >= 0 || errno != EPERM)
        return 2;
    return truncate(inside, 4) == 0 ? 0 : 3;
}

static int files_are_fenced(void)
{
    char in[64];
    snprintf(in, sizeof in, "%s/in", folder);
    const char *const folders[] = {in};
    enum harden_files files = harden_files(folders, 1);
    if (files == HARDEN_FILES_OPEN)
        return 97;
    if (files == HARDEN_FILES_BUT_TRUNCATION && !harden_calls(true))
        return 98;
    if (opens(outside, O_WRONLY) == 0)
        return 1;
    if (truncate(outside, 0) == 0)
        return 2;
    if (opens(outside, O_RDONLY | O_TRUNC) == 0)
        return 3;
    return opens(inside, O_WRONLY | O_TRUNC) == 0 ? 0 : 4;
}

static void nothing_outside_is_emptied(void **state)
{
    static int (*const cases[])(void) = {calls_refuse_truncation, calls_of_other_numbers,
                                         files_are_fenced};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (IS_WATCHED && cases[i] != files_are_fenced)
            continue; /* sanitizers look into the process by calls that are refused */
        int said = in_child(cases[i]);
        if (said == 97 || said == 98)
            printf("not run: this kernel has no %s\n", said == 97 ? "Landlock" : "seccomp");
        else
            assert_int_equal(said, 0);
        assert_int_equal(size_of(outside), 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_outside_is_emptied)};
    return cmocka_run_group_tests(tests, start, end);
}
