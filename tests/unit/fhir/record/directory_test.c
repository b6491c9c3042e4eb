/* directory: who is who, NPI check digits, partners, and rows that are left out. */
#include "base/text.h"
#include "fhir/record/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char rows[] =
    "handle,kind,name,given_names,family_name,profession,npi,works_at,phone,email,partner\n"
    "alvarez,person,\"Alvarez, LMT\",Ines,Alvarez,massage-therapist,9900000057,willow,,,\n"
    "willow,clinic,Willow,,,,9900000016,,,,self\n"
    "lakeside,clinic,Lakeside,,,,9900000024,,,,lakeside-system\n"
    "osei,person,Dr. Osei,Ama,Osei,family-physician,9900000073,lakeside,,,\n"
    "locum,person,Dr. Locum,,,,,lakeside,,,elsewhere\n"
    "harbor,clinic,Harbor,,,,,,,,self\n"
    "lost,person,Lost,,,,,,,,\n";

struct given {
    struct arena arena;
    struct finding_list findings;
    struct directory *directory;
};

static void open_directory(struct given *given, const char *csv)
{
    memset(given, 0, sizeof *given);
    given->findings = finding_list_new(&given->arena);
    given->directory = directory_new(&given->arena);
    directory_read(given->directory, csv, strlen(csv), "directory.csv", &given->findings);
}

static void finds_people_and_clinics(void **state)
{
    (void)state;
    struct given given;
    open_directory(&given, rows);
    const struct directory *directory = given.directory;
    assert_int_equal(given.findings.count, 0);
    assert_int_equal(directory_count(directory), 7);
    assert_string_equal(directory_at(directory, 0)->handle, "alvarez");
    assert_null(directory_at(directory, 7));
    const struct directory_entry *osei = directory_find(directory, "osei");
    assert_true(osei->is_person);
    assert_string_equal(osei->profession, "family-physician");
    assert_null(osei->email);
    assert_ptr_equal(directory_find(directory, "npi:9900000073"), osei);
    assert_ptr_equal(directory_find_npi(directory, "9900000073"), osei);
    assert_string_equal(directory_clinic_handle(directory, "osei"), "lakeside");
    assert_string_equal(directory_clinic_handle(directory, "willow"), "willow");
    assert_null(directory_clinic_handle(directory, "lost"));
    assert_null(directory_clinic_handle(directory, "nobody"));
    assert_null(directory_find(directory, "Osei"));
    assert_null(directory_find(directory, ""));
    assert_string_equal(directory_nearest(directory, "oseii"), "osei");
    assert_null(directory_nearest(directory, "zzzzzz"));
    arena_free(&given.arena);
}

static void meets_a_stranger(void **state)
{
    (void)state;
    struct given given;
    struct arena arena = ARENA_EMPTY;
    open_directory(&given, rows);
    assert_null(directory_find(given.directory, "npi:1234567893"));
    const struct directory_entry *stranger =
        directory_meet(given.directory, &arena, "npi:1234567893");
    assert_non_null(stranger);
    assert_true(stranger->is_person);
    assert_string_equal(stranger->handle, "npi:1234567893");
    assert_string_equal(stranger->npi, "1234567893");
    assert_string_equal(stranger->name, "NPI 1234567893");
    assert_null(directory_clinic(given.directory, stranger));
    assert_null(directory_partner(given.directory, stranger, "willow"));
    assert_null(directory_meet(given.directory, &arena, "npi:1234567890"));
    assert_null(directory_meet(given.directory, &arena, "npi:"));
    assert_null(directory_meet(given.directory, &arena, "nobody"));
    assert_null(directory_meet(given.directory, &arena, NULL));
    assert_ptr_equal(directory_meet(given.directory, &arena, "osei"),
                     directory_find(given.directory, "osei"));
    arena_free(&arena);
    arena_free(&given.arena);
}

static void names_the_partner(void **state)
{
    (void)state;
    static const struct {
        const char *handle, *our, *partner;
    } asks[] = {
        {"willow", "willow", NULL},
        {"alvarez", "willow", NULL},
        {"lakeside", "willow", "lakeside-system"},
        {"osei", "willow", "lakeside-system"},
        {"locum", "willow", "elsewhere"},
        {"harbor", "willow", "harbor"}, /* self on another row */
        {"willow", "lakeside", "willow"},
        {"alvarez", "lakeside", "willow"},
        {"osei", "lakeside", NULL},
        {"lost", "willow", NULL},
    };
    struct given given;
    open_directory(&given, rows);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        const char *partner = directory_partner(
            given.directory, directory_find(given.directory, asks[i].handle), asks[i].our);
        if (!text_equal(partner, asks[i].partner))
            fail_msg("%s from %s: %s", asks[i].handle, asks[i].our, partner);
    }
    arena_free(&given.arena);
}

static void leaves_faulty_rows_out(void **state)
{
    (void)state;
    static const struct {
        const char *row, *path, *nearest;
    } bad[] = {
        {"a b,person,X,,,,,,,,", "handle", NULL},
        {",person,X,,,,,,,,", "handle", NULL},
        {"x:y,person,X,,,,,,,,", "handle", NULL},
        {"x,persn,X,,,,,,,,", "kind", "person"},
        {"x,person,,,,,,,,,", "name", NULL},
        {"x,person,X,,,massage-therapst,,,,,", "profession", "massage-therapist"},
        {"x,person,X,,,,9900000052,,,,", "npi", NULL},
        {"x,person,X,,,,990000005,,,,", "npi", NULL},
        {"one,clinic,Again,,,,,,,,", "handle", NULL},
        {"x,person,X,,,,,onne,,,", "x.works_at", NULL},
        {"x,person,X,,,,,oone,,,", "x.works_at", "one"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct given given;
        char text[400];
        snprintf(text, sizeof text, "%.*s\none,clinic,One,,,,,,,,\n%s\n", (int)strcspn(rows, "\n"),
                 rows, bad[i].row);
        open_directory(&given, text);
        assert_int_equal(given.findings.count, 1);
        assert_string_equal(given.findings.items[0].path, bad[i].path);
        if (i != 9)
            assert_true(text_equal(given.findings.items[0].nearest, bad[i].nearest));
        assert_non_null(directory_find(given.directory, "one"));
        arena_free(&given.arena);
    }
    struct given given;
    open_directory(&given, "handle,name\nx,X\n");
    assert_int_equal(given.findings.count, 1);
    arena_free(&given.arena);
    open_directory(&given, "handle,kind,name,phnoe\nx,person,X,1\n");
    assert_string_equal(given.findings.items[0].nearest, "phone");
    arena_free(&given.arena);
}

/* Whom a person confirmed stands behind the rows of the file. */
static void what_joins_the_rows_never_beats_them(void **state)
{
    (void)state;
    struct given given;
    struct directory_entry entry = {
        .handle = "osei", .is_person = true, .name = "Another", .works_at = "harbor"};
    open_directory(&given, rows);
    struct directory *directory = given.directory;
    assert_non_null(directory_join(directory, &entry)); /* the handle is somebody's */
    entry.handle = "osei-2";
    entry.npi = directory_find(directory, "osei")->npi;
    assert_non_null(directory_join(directory, &entry)); /* so is the NPI */
    entry.npi = "1234567890";
    assert_non_null(directory_join(directory, &entry)); /* mistyped */
    entry.npi = "1234567893";
    entry.name = " ";
    assert_non_null(directory_join(directory, &entry));
    entry.name = "Kim";
    entry.handle = "k i m";
    assert_non_null(directory_join(directory, &entry));
    entry.handle = "kim";
    entry.works_at = "nowhere";
    assert_null(directory_join(directory, &entry));
    assert_null(directory_find(directory, "kim")->works_at);
    assert_string_equal(directory_find(directory, "npi:1234567893")->handle, "kim");
    assert_string_equal(directory_find(directory, "osei")->name, "Dr. Osei");
    arena_free(&given.arena);
}

static void an_alias_finds_one_entry(void **state)
{
    (void)state;
    struct given given;
    open_directory(&given, rows);
    struct directory *directory = given.directory;
    assert_true(directory_alias(directory, "harbor/1", "osei"));
    assert_ptr_equal(directory_find(directory, "harbor/1"), directory_find(directory, "osei"));
    assert_string_equal(directory_clinic_handle(directory, "harbor/1"), "lakeside");
    assert_false(directory_alias(directory, "harbor/1", "lakeside")); /* it is taken */
    assert_false(directory_alias(directory, "lakeside", "osei"));
    assert_false(directory_alias(directory, "harbor/2", "nobody"));
    assert_null(directory_find(directory, "harbor/2"));
    arena_free(&given.arena);
}

static void checks_npi_digits(void **state)
{
    (void)state;
    assert_true(directory_npi_valid("1234567893")); /* the CMS example */
    assert_true(directory_npi_valid("9900000057"));
    assert_false(directory_npi_valid("1234567890"));
    assert_false(directory_npi_valid("123456789"));
    assert_false(directory_npi_valid("12345678933"));
    assert_false(directory_npi_valid("123456789a"));
    assert_false(directory_npi_valid(NULL));
    char npi[24];
    for (int i = 0; i < 1000; i++) { /* of ten last digits exactly one is right */
        int right = 0;
        for (int last = 0; last < 10; last++) {
            snprintf(npi, sizeof npi, "%d%08d%d", 1 + i % 2, i * 98765 % 100000000, last);
            right += directory_npi_valid(npi);
        }
        assert_int_equal(right, 1);
    }
}

/* The N-th number of ten digits with a right check digit. */
static const char *npi_number(struct arena *arena, int n)
{
    for (int digit = 0; digit < 10; digit++) {
        const char *npi = arena_print(arena, "1%08d%d", n * 7919, digit);
        if (directory_npi_valid(npi))
            return npi;
    }
    fail();
    return NULL;
}

/* Of two rows with one NPI the first holds; people without one are in nobody's way. */
static void many_people_are_found_by_npi(void **state)
{
    enum { PEOPLE = 3000 };
    (void)state;
    struct given given;
    struct arena arena = ARENA_EMPTY;
    struct text csv = text_new(&arena, 1 << 20);
    text_add(&csv, "handle,kind,name,npi\n");
    for (int i = 0; i < PEOPLE; i++)
        text_print(&csv, "p%d,person,P%d,%s\n", i, i, i % 3 == 0 ? "" : npi_number(&arena, i));
    text_print(&csv, "twin,person,Twin,%s\n", npi_number(&arena, 1));
    open_directory(&given, csv.at);
    assert_int_equal(given.findings.count, 0);
    for (int i = 0; i < PEOPLE; i++) {
        const char *handle = arena_print(&arena, "p%d", i);
        const char *npi = npi_number(&arena, i);
        const struct directory_entry *entry = directory_find_npi(given.directory, npi);
        assert_int_equal(entry == NULL, i % 3 == 0);
        assert_string_equal(directory_find(given.directory, handle)->handle, handle);
        if (entry != NULL)
            assert_string_equal(entry->handle, handle);
        const struct directory_entry *named =
            directory_find(given.directory, arena_print(&arena, "npi:%s", npi));
        assert_ptr_equal(named, entry);
    }
    assert_null(directory_find_npi(given.directory, NULL));
    assert_null(directory_find_npi(given.directory, ""));
    arena_free(&given.arena);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_people_and_clinics),
        cmocka_unit_test(meets_a_stranger),
        cmocka_unit_test(names_the_partner),
        cmocka_unit_test(leaves_faulty_rows_out),
        cmocka_unit_test(what_joins_the_rows_never_beats_them),
        cmocka_unit_test(an_alias_finds_one_entry),
        cmocka_unit_test(checks_npi_digits),
        cmocka_unit_test(many_people_are_found_by_npi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
