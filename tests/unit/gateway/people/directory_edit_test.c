/* directory_edit: only the cells that name the partner change; every other byte stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/text.h"
#include "gateway/people/directory_edit.h"

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

/* As a spreadsheet of a country saves it where the comma parts whole and hundredths. */
static void the_separator_of_the_sheet_stays(void **state)
{
    struct directory_edit made =
        edit("handle;name;partner\nwillow;\"Willow; old\";hub\nnorth;\"North, far\";hub\n", "hub",
             "centre");
    (void)state;
    assert_int_equal(made.count, 2);
    assert_string_equal(made.text, "handle;name;partner\nwillow;\"Willow; old\";centre\n"
                                   "north;North, far;centre\n");
    made = edit("handle\tname\tpartner\nwillow\tA;B\thub\n", "hub", "centre");
    assert_string_equal(made.text, "handle\tname\tpartner\nwillow\tA;B\tcentre\n");
}

/* Many short rows that all get a longer name. */
static void a_large_directory_is_whole(void **state)
{
    enum { ROWS = 40000 };
    struct text csv = text_new(&arena, ROWS * 8 + 100);
    static const char longer[] = "a-name-that-is-much-longer-than-the-row-that-it-stands-in";
    (void)state;
    text_add(&csv, "handle,partner\n");
    for (int i = 0; i < ROWS; i++)
        text_add(&csv, "x,h\n");
    struct directory_edit made =
        directory_edit_partner(&arena, csv.at, csv.length, "h", longer, "o");
    assert_int_equal(made.count, ROWS);
    assert_non_null(made.text);
    assert_int_equal(strlen(made.text), csv.length + ROWS * (sizeof longer - 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_of_the_partner_change),
        cmocka_unit_test(self_is_the_partner_of_its_handle),
        cmocka_unit_test(counting_changes_nothing),
        cmocka_unit_test(what_cannot_be_read_stays),
        cmocka_unit_test(the_separator_of_the_sheet_stays),
        cmocka_unit_test(a_large_directory_is_whole),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
