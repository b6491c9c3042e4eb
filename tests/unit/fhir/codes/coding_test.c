/* coding: words to codes and back, a clinic's own map in front, measures and units. */
#include "fhir/codes/coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fhir/codes/coding_tables.h"

static const char base[] = "https://example.org/fhir";

static void every_row_is_found_both_ways(void **state)
{
    (void)state;
    const struct coding *coding = coding_standard();
    for (size_t i = 0; i < coding_row_count; i++) {
        const struct coding_row *row = &coding_rows[i];
        const struct coding_row *at = NULL;
        while ((at = coding_next(coding, row->kind, row->key, at)) != row)
            assert_non_null(at);
        char system[200];
        snprintf(system, sizeof system, "%s%s%s", row->is_local ? base : "",
                 row->is_local ? "/CodeSystem/" : "", row->system);
        const struct coding_row *back =
            coding_find_code(coding, base, row->kind, system, row->code);
        assert_non_null(back);
        assert_string_equal(back->code, row->code);
        assert_string_equal(back->kind, row->kind);
    }
}

static void asks_for_the_kind(void **state)
{
    (void)state;
    const struct coding *coding = coding_standard();
    assert_string_equal(coding_find(coding, "technique", "therapeutic-exercise")->system,
                        "technique");
    assert_string_equal(coding_find(coding, "procedure", "therapeutic-exercise")->code, "51998003");
    assert_non_null(coding_find(coding, NULL, "therapeutic-exercise"));
    assert_null(coding_find(coding, "bodysite", "therapeutic-exercise"));
    assert_null(coding_find(coding, NULL, "no-such-word"));
    assert_null(coding_find(coding, NULL, ""));
    const struct coding_row *row = coding_find(coding, "technique", "myofascial-release");
    assert_true(row->is_local);
    assert_string_equal(row->also[0], "massage");
    assert_string_equal(coding_find(coding, NULL, row->also[1])->code, "LA29083-5");
}

static void codes_of_others_are_not_ours(void **state)
{
    (void)state;
    const struct coding *coding = coding_standard();
    assert_null(coding_find_code(coding, base, NULL, "technique", "swedish"));
    assert_null(coding_find_code(coding, base, NULL, "https://other.org/fhir/CodeSystem/technique",
                                 "swedish"));
    assert_null(coding_find_code(coding, base, NULL, "http://loinc.org", "swedish"));
    assert_null(coding_find_code(coding, base, NULL, NULL, "swedish"));
    assert_null(coding_find_code(coding, base, "bodysite", "http://loinc.org", "72514-3"));
    assert_string_equal(
        coding_find_code(coding, base, "observation", "http://loinc.org", "72514-3")->key,
        "pain-now");
}

static void a_clinics_map_wins(void **state)
{
    (void)state;
    static const char map[] =
        "key,system,code,display,unit,kind,verified,licence\n"
        "cpt-massage,http://www.ama-assn.org/go/cpt,97124,,,procedure,yes,AMA\n"
        "swedish,http://www.ama-assn.org/go/cpt,97124,,,technique,yes,AMA\n"
        "x,,1,,,procedure,,\n"
        "y,urn:x,1,,,procedur,,\n";
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    const struct coding *coding =
        coding_with_map(&arena, map, sizeof map - 1, "map.csv", &findings);
    const struct coding_row *row = coding_find(coding, "technique", "swedish");
    assert_string_equal(row->code, "97124");
    assert_null(row->display);
    row = coding_next(coding, "technique", "swedish", row);
    assert_true(row->is_local);
    assert_null(coding_next(coding, "technique", "swedish", row));
    assert_string_equal(
        coding_find_code(coding, base, "technique", "http://www.ama-assn.org/go/cpt", "97124")->key,
        "swedish");
    assert_non_null(coding_find(coding, "procedure", "cpt-massage"));
    assert_non_null(coding_find(coding, "bodysite", "neck"));
    assert_string_equal(coding_nearest(coding, "procedure", "cpt-masage"), "cpt-massage");
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.items[0].row, 4);
    assert_string_equal(findings.items[0].path, "system");
    assert_int_equal(findings.items[1].row, 5);
    assert_string_equal(findings.items[1].nearest, "procedure");
    static const char headless[] = "code,display\n1,x\n";
    findings.count = 0;
    coding_with_map(&arena, headless, sizeof headless - 1, "map.csv", &findings);
    assert_int_equal(findings.count, 3);
    arena_free(&arena);
}

static void the_example_map_is_right(void **state)
{
    (void)state;
    static char text[8192];
    FILE *file = fopen("config/examples/code-map.csv", "rb");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    const struct coding *coding = coding_with_map(&arena, text, length, "m", &findings);
    assert_int_equal(findings.count, 0);
    assert_non_null(coding_find(coding, "bodysite", "right-shoulder"));
    arena_free(&arena);
}

static void knows_measures_and_units(void **state)
{
    (void)state;
    assert_string_equal(coding_measure("neck-disability-index")->highest, "50");
    assert_null(coding_measure("neck-disability"));
    assert_null(coding_measure(NULL));
    assert_string_equal(coding_unit("degrees")->ucum, "deg");
    assert_string_equal(coding_unit("\xc2\xb0")->ucum, "deg");
    assert_null(coding_unit("Degrees"));
    assert_string_equal(coding_unit_of("deg"), "degrees");
    assert_string_equal(coding_unit_nearest("degress"), "degrees");
    assert_string_equal(coding_measure_nearest("pain-nov"), "pain-now");
    for (size_t i = 0; i < coding_measure_count; i++)
        assert_non_null(coding_unit_of(coding_measures[i].unit));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_both_ways), cmocka_unit_test(asks_for_the_kind),
        cmocka_unit_test(codes_of_others_are_not_ours), cmocka_unit_test(a_clinics_map_wins),
        cmocka_unit_test(the_example_map_is_right),     cmocka_unit_test(knows_measures_and_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
