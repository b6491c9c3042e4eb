/* setup: one generation of everything a gateway knows from files; and the ids that the same names
 * always give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/clinic.h"

static void everything_is_read(void **state)
{
    struct clinic *clinic = *state;
    assert_string_equal(clinic->setup->config.org, "willow");
    assert_int_equal(clinic->setup->partners.count, 3);
    assert_int_equal(directory_count(clinic->setup->directory), 10);
    assert_non_null(clinic->setup->coding);
    assert_string_equal(setup_path(clinic->setup, &clinic->arena, "x/y"),
                        arena_print(&clinic->arena, "%s/x/y", clinic->folder));
    assert_string_equal(setup_path(clinic->setup, &clinic->arena, "/x"), "/x");
}

static void partners_are_found_by_clinic_and_person(void **state)
{
    struct clinic *clinic = *state;
    assert_string_equal(setup_partner_of(clinic->setup, "lakeside")->name, "lakeside");
    assert_string_equal(setup_partner_of(clinic->setup, "osei")->name, "lakeside");
    assert_null(setup_partner_of(clinic->setup, "willow")); /* ourselves */
    assert_null(setup_partner_of(clinic->setup, "alvarez"));
    assert_null(setup_partner_of(clinic->setup, "nobody"));
}

/* A file that an earlier refgate made of what partners said. */
static void what_partners_said_is_not_read(void **state)
{
    struct clinic *clinic = *state;
    clinic_put(clinic, "directory.received.csv",
               "handle,kind,name,works_at\nlakeside/smith,person,Dr. Smith,lakeside\n,,,\"\n");
    clinic_load(clinic);
    assert_int_equal(directory_count(clinic->setup->directory), 10);
    assert_null(setup_partner_of(clinic->setup, "lakeside/smith"));
}

static void refuse(struct clinic *clinic, const char *word)
{
    struct setup *setup = NULL;
    clinic->findings = finding_list_new(&clinic->arena);
    assert_false(setup_load(clinic->folder, &clinic->findings, &setup));
    assert_null(setup);
    struct text text = text_new(&clinic->arena, 10000);
    for (size_t i = 0; i < clinic->findings.count; i++)
        finding_print(&clinic->findings.items[i], &text);
    if (strstr(text.at, word) == NULL)
        fail_msg("%s", text.at);
}

/* A faulty partner keeps nobody else out. */
static void left_out(struct clinic *clinic, const char *partner)
{
    struct setup *setup = NULL;
    clinic->findings = finding_list_new(&clinic->arena);
    assert_true(setup_load(clinic->folder, &clinic->findings, &setup));
    assert_non_null(strstr(clinic->findings.items[0].file, partner));
    assert_null(folder_partner(&setup->partners, partner));
    assert_non_null(folder_partner(&setup->partners, "lakeside"));
    setup_release(setup);
}

static void faults_are_named_with_their_file(void **state)
{
    struct clinic *clinic = *state;
    clinic_put(clinic, "settings.yaml", "org: wilow\ntime_zone: UTC\n");
    refuse(clinic, "did you mean willow");
    clinic_put(clinic, "settings.yaml", "org: alvarez\ntime_zone: UTC\n");
    refuse(clinic, "no clinic of the directory");
    clinic_put(clinic, "settings.yaml", "org: willow\ntime_zone: UTC\ncode_map: codes.csv\n");
    refuse(clinic, "codes.csv");
    clinic_put(clinic, "settings.yaml", "org: willow\ntime_zone: UTC\n");
    clinic_put(clinic, "partners/hilltop.yaml", "url: ftp://x\n");
    left_out(clinic, "hilltop");
    unlink(arena_print(&clinic->arena, "%s/partners/hilltop.yaml", clinic->folder));
    clinic_put(clinic, "directory.csv", "handle,kind\nwillow,castle\n");
    refuse(clinic, "directory.csv");
    unlink(arena_print(&clinic->arena, "%s/directory.csv", clinic->folder));
    refuse(clinic, "directory.csv");
}

static void load_in_zone(struct clinic *clinic, const char *zone)
{
    struct setup *setup = NULL;
    clinic_put(clinic, "settings.yaml",
               arena_print(&clinic->arena, "org: willow\ntime_zone: %s\n", zone));
    assert_true(setup_load(clinic->folder, &clinic->findings, &setup));
    setup_release(setup);
}

static void an_offset_is_a_zone(void **state)
{
    struct clinic *clinic = *state;
    load_in_zone(clinic, "+05:45");
    assert_string_equal(clock_text(&clinic->arena, 1767225599999), "2026-01-01T05:44:59+05:45");
    load_in_zone(clinic, "-03:30");
    assert_string_equal(clock_text(&clinic->arena, 1767225599999), "2025-12-31T20:29:59-03:30");
    load_in_zone(clinic, "UTC");
    assert_string_equal(clock_text(&clinic->arena, 1767225599999), "2025-12-31T23:59:59+00:00");
}

static void generations_live_as_long_as_somebody_holds_them(void **state)
{
    struct clinic *clinic = *state;
    struct setup *held = setup_hold(clinic->setup);
    clinic_load(clinic); /* releases the old one */
    assert_ptr_not_equal(held, clinic->setup);
    assert_string_equal(held->config.org, "willow"); /* memcheck and ASan watch */
    setup_release(held);
    setup_release(NULL);
}

/* ---- ids ---- */

static const char *id_in(struct clinic *clinic, const char *space, const char *name)
{
    struct setup_ids ids = {.space = space};
    struct fhir_context context = setup_context(clinic->setup, &clinic->arena, &ids);
    return context.make_id(context.maker, &clinic->arena, name);
}

static void ids_are_the_same_for_the_same_names(void **state)
{
    struct clinic *clinic = *state;
    const char *one = id_in(clinic, "space", "Patient/1");
    assert_int_equal(strlen(one), 36);
    assert_int_equal(one[14], '5');
    assert_string_equal(one, id_in(clinic, "space", "Patient/1"));
    assert_string_not_equal(one, id_in(clinic, "space", "Patient/2"));
    assert_string_not_equal(one, id_in(clinic, "other", "Patient/1"));
}

/* Each part of a record's identity counts, and parts do not run into each other. */
static void spaces_differ_in_every_part(void **state)
{
    struct clinic *clinic = *state;
    static const unsigned char hash[32] = {1};
    static const unsigned char other[32] = {2};
    struct arena *arena = &clinic->arena;
    const char *spaces[] = {
        setup_record_space(arena, "willow", "referral", "R-1", hash, "lakeside", 0),
        setup_record_space(arena, "lakeside", "referral", "R-1", hash, "lakeside", 0),
        setup_record_space(arena, "willow", "consent", "R-1", hash, "lakeside", 0),
        setup_record_space(arena, "willow", "referral", "R-2", hash, "lakeside", 0),
        setup_record_space(arena, "willow", "referral", "R-1", other, "lakeside", 0),
        setup_record_space(arena, "willow", "referral", "R-1", hash, "harbor", 0),
        setup_record_space(arena, "willow", "referral", "R-1", hash, "lakeside", 1),
    };
    enum { SPACES = sizeof spaces / sizeof *spaces };
    for (size_t i = 0; i < SPACES; i++) {
        for (size_t k = i + 1; k < SPACES; k++)
            assert_string_not_equal(spaces[i], spaces[k]);
    }
    assert_string_equal(setup_record_space(arena, "willow", "referral", "R-1", hash, "lakeside", 0),
                        spaces[0]);
}

static void hash_of(struct clinic *clinic, const char *text, bool with_private,
                    unsigned char *ret_hash)
{
    setup_record_hash(clinic->setup, &clinic->arena, clinic_read(clinic, text).tree, with_private,
                      ret_hash);
}

static void the_hash_is_of_what_is_said(void **state)
{
    struct clinic *clinic = *state;
    unsigned char one[32];
    unsigned char other[32];
    const char *text = clinic_referral(clinic, "R-1", "alvarez", "riverbend");
    hash_of(clinic, text, false, one);
    hash_of(clinic, clinic_replaced(clinic, text, "\":", "\" : "), false, other);
    assert_memory_equal(one, other, 32); /* white space */
    hash_of(clinic,
            clinic_replaced(clinic, text, "\"reason\"", "\"priority\":\"routine\",\"reason\""),
            false, other);
    assert_memory_equal(one, other, 32); /* a default that is written out */
    const char *private =
        clinic_replaced(clinic, text, "\"reason\"", "\"private_note\":\"psst\",\"reason\"");
    hash_of(clinic, private, false, other);
    assert_memory_equal(one, other, 32);
    hash_of(clinic, private, true, other);
    assert_memory_not_equal(one, other, 32);
    hash_of(clinic, clinic_replaced(clinic, text, "Neck", "Back"), false, other);
    assert_memory_not_equal(one, other, 32);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_start, clinic_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_is_read),
        TEST(partners_are_found_by_clinic_and_person),
        TEST(what_partners_said_is_not_read),
        TEST(faults_are_named_with_their_file),
        TEST(an_offset_is_a_zone),
        TEST(generations_live_as_long_as_somebody_holds_them),
        TEST(ids_are_the_same_for_the_same_names),
        TEST(spaces_differ_in_every_part),
        TEST(the_hash_is_of_what_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
