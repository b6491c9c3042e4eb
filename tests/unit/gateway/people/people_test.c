/* people: claims of a message are kept or dropped one by one; what was confirmed joins the
 * directory and never beats a row of it, nor leads to somebody else when the rows change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gateway/people/people.h"
#include "lib/clinic.h"

#define NPI "1234567893"
#define CLAIM "harbor/" NPI
#define STORE clinic->store
#define ARENA (&clinic->arena)

static void keep(struct clinic *clinic, const char *claims)
{
    struct json_document document;
    struct json_fault fault;
    assert_true(json_parse(ARENA, claims, strlen(claims), NULL, &document, &fault));
    clinic_begin(clinic);
    people_keep(STORE, "harbor", document.root, 1000);
    clinic_commit(clinic);
}

static bool has_claim(struct clinic *clinic, const char *key)
{
    struct store_claim claim;
    return store_find_claim(STORE, ARENA, "harbor", key, &claim);
}

static bool decide(struct clinic *clinic, people_decision *how, struct people_choice choice,
                   enum fault_kind expected)
{
    struct store_claim claim;
    struct fault fault = {FAULT_none, NULL};
    if (choice.claim == NULL)
        choice.claim = CLAIM;
    clinic_begin(clinic);
    bool decided = how(STORE, clinic->setup, ARENA, &choice, &claim, &fault);
    clinic_commit(clinic);
    assert_int_equal(fault.kind, expected);
    return decided;
}

/* The setup as the next start has it, with ROW more in directory.csv. */
static const struct directory *start_again(struct clinic *clinic, const char *row)
{
    size_t length;
    const char *path = arena_print(ARENA, "%s/directory.csv", clinic->folder);
    const char *text = file_read(ARENA, path, 1 << 20, &length, &clinic->findings);
    clinic_put(clinic, "directory.csv", arena_print(ARENA, "%s%s", text, row));
    clinic_load(clinic);
    people_join(clinic->setup, STORE, false);
    return clinic->setup->directory;
}

static void keep_rosa(struct clinic *clinic)
{
    keep(clinic, "[{\"handle\":\"" CLAIM "\",\"kind\":\"person\",\"name\":\"Dr. Rosa Diaz\","
                 "\"npi\":\"" NPI "\"}]");
}

static void a_faulty_claim_takes_nothing_with_it(void **state)
{
    struct clinic *clinic = *state;
    keep(clinic, "[{\"handle\":\"harbor/a\",\"kind\":\"person\"},"
                 "{\"handle\":\"harbor/b\",\"kind\":\"person\",\"name\":\" \"},"
                 "{\"handle\":\"harbor/c\",\"kind\":\"person\",\"name\":\"C\"},"
                 "{\"handle\":\"harbor/c\",\"kind\":\"clinic\",\"name\":\"C\"},"
                 "{\"handle\":\"harbor/d\",\"kind\":\"clinic\",\"name\":\"D\"}]");
    assert_false(has_claim(clinic, "a"));
    assert_false(has_claim(clinic, "b"));
    assert_true(has_claim(clinic, "c"));
    assert_true(has_claim(clinic, "d"));
    assert_null(directory_find(start_again(clinic, ""), "harbor/c"));
}

static void what_is_confirmed_leads_where_we_say(void **state)
{
    struct clinic *clinic = *state;
    keep_rosa(clinic);
    assert_null(directory_find(start_again(clinic, ""), "npi:" NPI));
    assert_true(
        decide(clinic, people_confirm, (struct people_choice){.works_at = "lakeside"}, FAULT_none));
    const struct directory *directory = start_again(clinic, "");
    assert_string_equal(directory_find(directory, "npi:" NPI)->handle, "dr-rosa-diaz");
    assert_string_equal(directory_find(directory, CLAIM)->handle, "dr-rosa-diaz");
    assert_string_equal(setup_partner_of(clinic->setup, "dr-rosa-diaz")->name, "lakeside");
    assert_true(decide(clinic, people_ignore, (struct people_choice){.by = "alvarez"}, FAULT_none));
    assert_null(directory_find(start_again(clinic, ""), "dr-rosa-diaz"));
    assert_null(directory_find(clinic->setup->directory, CLAIM));
}

/* What was said of them before stays, unless it is said otherwise. */
static void confirmed_again_they_stay_where_they_were(void **state)
{
    struct clinic *clinic = *state;
    keep_rosa(clinic);
    keep(clinic, "[{\"handle\":\"harbor/d\",\"kind\":\"clinic\",\"name\":\"D\"}]");
    struct people_choice rosa = {.handle = "rosa", .works_at = "lakeside"};
    struct people_choice branch = {.claim = "harbor/d", .handle = "d", .partner = "harbor"};
    assert_true(decide(clinic, people_confirm, rosa, FAULT_none));
    assert_true(decide(clinic, people_confirm, branch, FAULT_none));
    start_again(clinic, "");
    rosa.works_at = branch.partner = NULL;
    assert_true(decide(clinic, people_confirm, rosa, FAULT_none));
    assert_true(decide(clinic, people_confirm, branch, FAULT_none));
    start_again(clinic, "");
    assert_string_equal(setup_partner_of(clinic->setup, "rosa")->name, "lakeside");
    assert_string_equal(setup_partner_of(clinic->setup, "d")->name, "harbor");
    rosa.works_at = "riverbend";
    assert_true(decide(clinic, people_confirm, rosa, FAULT_none));
    start_again(clinic, "");
    assert_string_equal(setup_partner_of(clinic->setup, "rosa")->name, "riverbend");
}

static void what_cannot_be_is_refused(void **state)
{
    struct clinic *clinic = *state;
    keep_rosa(clinic);
    keep(clinic, "[{\"handle\":\"harbor/9900000073\",\"kind\":\"person\",\"name\":\"Osei\","
                 "\"npi\":\"9900000073\"},{\"handle\":\"harbor/c\",\"kind\":\"clinic\","
                 "\"name\":\"C\"}]");
    const struct {
        people_decision *how;
        struct people_choice choice;
        enum fault_kind fault;
    } cases[] = {
        {people_confirm, {.claim = "harbor/x"}, FAULT_not_found},
        {people_confirm, {.claim = "harbor"}, FAULT_not_found},
        {people_confirm, {.claim = "/"}, FAULT_not_found},
        {people_confirm, {.claim = "harbor/9900000073"}, FAULT_conflict}, /* Osei's NPI */
        {people_confirm, {.handle = "osei"}, FAULT_conflict},
        {people_confirm, {.handle = "o sei"}, FAULT_usage},
        {people_confirm, {.handle = ""}, FAULT_usage},
        {people_confirm, {.works_at = "osei"}, FAULT_usage},
        {people_confirm, {.partner = "lakeside"}, FAULT_usage},
        {people_confirm, {.claim = "harbor/c", .works_at = "lakeside"}, FAULT_usage},
        {people_confirm, {.claim = "harbor/c", .partner = "nobody"}, FAULT_usage},
        {people_merge, {.handle = "nobody"}, FAULT_not_found},
        {people_merge, {.handle = "lakeside"}, FAULT_conflict},
        {people_merge, {.claim = "harbor/c", .handle = "osei"}, FAULT_conflict},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_false(decide(clinic, cases[i].how, cases[i].choice, cases[i].fault));
}

/* The administrator's row is somebody else, or the same person: the claim never leads to the
 * former. */
static void a_row_of_the_file_wins(void **state)
{
    struct clinic *clinic = *state;
    keep_rosa(clinic);
    decide(clinic, people_confirm, (struct people_choice){.handle = "rosa", .works_at = "harbor"},
           FAULT_none);
    const struct directory *directory =
        start_again(clinic, "rosa,person,Another Rosa,,,,,lakeside,,,\n");
    assert_string_equal(directory_find(directory, "rosa")->name, "Another Rosa");
    assert_null(directory_find(directory, CLAIM));
    assert_null(directory_find(directory, "npi:" NPI));
    directory = start_again(clinic, "diaz,person,Dr. Diaz,,,," NPI ",riverbend,,,\n");
    assert_string_equal(directory_find(directory, "npi:" NPI)->handle, "diaz");
    assert_string_equal(directory_find(directory, "rosa")->name, "Another Rosa");
}

static void the_row_of_the_same_npi_stands_for_the_place(void **state)
{
    struct clinic *clinic = *state;
    keep_rosa(clinic);
    decide(clinic, people_confirm, (struct people_choice){.handle = "rosa", .works_at = "harbor"},
           FAULT_none);
    const struct directory *directory =
        start_again(clinic, "diaz,person,Dr. Diaz,,,," NPI ",riverbend,,,\n");
    assert_string_equal(directory_find(directory, "rosa")->handle, "diaz");
    assert_string_equal(directory_find(directory, CLAIM)->handle, "diaz");
    assert_string_equal(setup_partner_of(clinic->setup, "rosa")->name, "riverbend");
}

static void a_merged_claim_is_somebody_we_know(void **state)
{
    struct clinic *clinic = *state;
    keep_rosa(clinic);
    decide(clinic, people_confirm, (struct people_choice){.handle = "rosa"}, FAULT_none);
    start_again(clinic, "");
    decide(clinic, people_merge, (struct people_choice){.handle = "osei"}, FAULT_none);
    const struct directory *directory = start_again(clinic, "");
    assert_string_equal(directory_find(directory, CLAIM)->handle, "osei");
    assert_null(directory_find(directory, "rosa")); /* its place went with it */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_faulty_claim_takes_nothing_with_it),
        TEST(what_is_confirmed_leads_where_we_say),
        TEST(confirmed_again_they_stay_where_they_were),
        TEST(what_cannot_be_is_refused),
        TEST(a_row_of_the_file_wins),
        TEST(the_row_of_the_same_npi_stands_for_the_place),
        TEST(a_merged_claim_is_somebody_we_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
