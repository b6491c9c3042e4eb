/* directory_edit: only the cells that name the partner change; every other byte stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/directory_edit.h"

static struct arena arena;

static struct directory_edit edit(const char *csv, const char *from, const char *to)
{
    return directory_edit_partner(&arena, csv, strlen(csv), from, to, "lakeside");
}

static void cells_of_the_partner_change(void **state)
{
    struct directory_edit made =
        edit("handle,kind,name,partner\r\nwillow,clinic,\"Willow, \"\"old\"\"\",hub\r\n"
             "lakeside,clinic,Lakeside,self\r\n\r\nharbor , clinic,Harbor,other\r\n"
             "north,clinic,North,hub",
             "hub", "centre");
    (void)state;
    assert_int_equal(made.count, 2);
    assert_string_equal(made.names, "willow, north");
    assert_string_equal(made.text,
                        "handle,kind,name,partner\r\nwillow,clinic,\"Willow, \"\"old\"\"\",centre"
                        "\r\nlakeside,clinic,Lakeside,self\r\n\r\nharbor , clinic,Harbor,other\r\n"
                        "north,clinic,North,centre");
}

/* `self` on another clinic's row means the partner of that handle; on our own it means us. */
static void self_is_the_partner_of_its_handle(void **state)
{
    static const char csv[] =
        "\xEF\xBB\xBFhandle,partner,name\nwillow,self,W\nlakeside,self,L\nx,willow,\n";
    struct directory_edit made = edit(csv, "willow", "willow-street");
    (void)state;
    assert_int_equal(made.count, 2);
    assert_string_equal(made.text, "\xEF\xBB\xBFhandle,partner,name\nwillow,willow-street,W\n"
                                   "lakeside,self,L\nx,willow-street,\n");
    made = edit(csv, "lakeside", "other");
    assert_int_equal(made.count, 0);
    assert_string_equal(made.text, csv);
}

static void counting_changes_nothing(void **state)
{
    static const char csv[] = "handle,partner\nwillow,hub\n";
    struct directory_edit made = edit(csv, "hub", NULL);
    (void)state;
    assert_int_equal(made.count, 1);
    assert_string_equal(made.text, csv);
}

static void what_cannot_be_read_stays(void **state)
{
    static const char *const files[] = {"", "handle,name\nwillow,W\n", "\xff\xfe",
                                        "handle,partner\nwillow,\"hub\" x\nnorth,other\n"};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct directory_edit made = edit(files[i], "hub", "centre");
        assert_int_equal(made.count, 0);
        assert_string_equal(made.text, files[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_of_the_partner_change),
        cmocka_unit_test(self_is_the_partner_of_its_handle),
        cmocka_unit_test(counting_changes_nothing),
        cmocka_unit_test(what_cannot_be_read_stays),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
