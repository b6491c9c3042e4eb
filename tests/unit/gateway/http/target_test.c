/* target: every form of a request target that is served, and what is refused. */
#include "gateway/http/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *method, *target;
    const char *path; /* NULL: refused */
    const char *query;
} rows[] = {
    {"GET", "/", "/", NULL},
    {"GET", "/a/b?c=d&e", "/a/b", "c=d&e"},
    {"GET", "/a?", "/a", ""},
    {"GET", "/a%20b%2Fc%2fd?e%20f", "/a b%2Fc%2fd", "e%20f"},
    {"GET", "/%C3%A4", "/\xc3\xa4", NULL},
    {"GET", "https://host", "/", NULL},
    {"GET", "HTTPS://host:1/a?b", "/a", "b"},
    {"GET", "http://host?b", "/", "b"},
    {"OPTIONS", "*", "*", NULL},
    {"GET", "*", NULL, NULL},
    {"OPTIONS", "**", NULL, NULL},
    {"GET", "", NULL, NULL},
    {"GET", "a/b", NULL, NULL},
    {"GET", "https:///a", NULL, NULL},
    {"GET", "https://?a", NULL, NULL},
    {"GET", "https://", NULL, NULL},
    {"GET", "ftp://host/a", NULL, NULL},
    {"GET", "/%", NULL, NULL},
    {"GET", "/%4", NULL, NULL},
    {"GET", "/%4g", NULL, NULL},
    {"GET", "/%00", NULL, NULL},
    {"GET", "/%0d%0a", NULL, NULL},
    {"GET", "/%7F", NULL, NULL},
    {"GET", "/%C3", NULL, NULL},
    {"GET", "/%C3?%A4", NULL, NULL},
};

static void reads_path_and_query(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = NULL;
        const char *query = NULL;
        bool is_read = target_read(&arena, rows[i].method, rows[i].target, &path, &query);
        if (is_read != (rows[i].path != NULL))
            fail_msg("%s: %s", rows[i].target, is_read ? path : "refused");
        if (!is_read) {
            assert_null(path);
            continue;
        }
        assert_string_equal(path, rows[i].path);
        if (rows[i].query == NULL)
            assert_null(query);
        else
            assert_string_equal(query, rows[i].query);
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_path_and_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
