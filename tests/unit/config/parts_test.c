/* parts: each part of the table, open for others to write, is refused with the command that mends
 * it. */
#include "config/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    struct arena arena;
    char dir[64];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    size_t count;
    const struct folder_part *parts = folder_parts(&count);
    snprintf(place->dir, sizeof place->dir, "/tmp/refgate-parts-XXXXXX");
    if (mkdtemp(place->dir) == NULL)
        return -1;
    for (size_t i = 1; i < count; i++) {
        const char *path = folder_part_path(&place->arena, place->dir, &parts[i]);
        FILE *file = NULL;
        if (parts[i].kind == FOLDER_FILE ? (file = fopen(path, "w")) == NULL
                                         : mkdir(path, 0700) != 0)
            return -1;
        if (file != NULL)
            fclose(file);
        if (chmod(path, parts[i].kind == FOLDER_FILE ? 0600 : 0700) != 0)
            return -1;
    }
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    int failed = system(arena_print(&place->arena, "rm -rf %s", place->dir));
    arena_free(&place->arena);
    free(place);
    return failed;
}

static void every_part_is_its_owners(void **state)
{
    struct place *place = *state;
    size_t count;
    const struct folder_part *parts = folder_parts(&count);
    struct finding_list none = finding_list_new(&place->arena);
    assert_true(folder_is_private(&place->arena, place->dir, &none));
    for (size_t i = 0; i < count; i++) {
        const char *path = folder_part_path(&place->arena, place->dir, &parts[i]);
        struct finding_list found = finding_list_new(&place->arena);
        assert_true(strlen(parts[i].holds) > 0);
        assert_int_equal(chmod(path, 0700 | parts[i].no_writer), 0);
        assert_false(folder_is_private(&place->arena, place->dir, &found));
        assert_int_equal(found.count, 1);
        assert_string_equal(found.items[0].file, path);
        assert_non_null(strstr(found.items[0].expected, path));
        assert_int_equal(chmod(path, 0700), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_part_is_its_owners, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
