/* folder: a data folder's settings and partners are read from real files; what is missing, too
 * large or no file at all is said in words. */
#include "config/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    struct arena arena;
    struct finding_list findings;
    char dir[64];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    snprintf(place->dir, sizeof place->dir, "/tmp/refgate-folder-XXXXXX");
    if (mkdtemp(place->dir) == NULL)
        return -1;
    place->findings = finding_list_new(&place->arena);
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

static void put(struct place *place, const char *name, const char *text)
{
    FILE *file = fopen(folder_path(&place->arena, place->dir, name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_dir(struct place *place, const char *name)
{
    assert_int_equal(mkdir(folder_path(&place->arena, place->dir, name), 0700), 0);
}

static void reads_settings_and_partners(void **state)
{
    struct place *place = *state;
    struct config config;
    struct partner_list partners;
    put(place, "settings.yaml", "org: willow\n");
    assert_true(folder_partners(&place->arena, place->dir, &place->findings, &partners));
    assert_int_equal(partners.count, 0);
    make_dir(place, "partners");
    put(place, "partners/riverbend.yaml", "url: https://r.example/fhir\nca_file: r.crt\n");
    put(place, "partners/harbor.yaml", "url: https://h.example/fhir\nca_file: h.crt\n");
    put(place, "partners/.harbor.yaml.swp", "junk");
    put(place, "partners/notes.txt", "junk");
    assert_true(folder_config(&place->arena, place->dir, NULL, &place->findings, &config, NULL));
    assert_string_equal(config.org, "willow");
    assert_true(folder_partners(&place->arena, place->dir, &place->findings, &partners));
    assert_int_equal(partners.count, 2);
    assert_string_equal(partners.items[0].name, "harbor");
    assert_ptr_equal(folder_partner(&partners, "riverbend"), &partners.items[1]);
    assert_null(folder_partner(&partners, "lakeside"));
    assert_int_equal(place->findings.count, 0);
}

static void a_faulty_partner_is_left_out_and_named(void **state)
{
    struct place *place = *state;
    struct partner_list partners;
    make_dir(place, "partners");
    put(place, "partners/good.yaml", "url: https://r.example/fhir\nca_file: r.crt\n");
    put(place, "partners/bad.yaml", "url: https://r.example/fhir\nca_file: r.crt\nsann: []\n");
    put(place, "partners/bad name.yaml", "url: https://r.example/fhir\nca_file: r.crt\n");
    make_dir(place, "partners/folder.yaml");
    assert_false(folder_partners(&place->arena, place->dir, &place->findings, &partners));
    assert_int_equal(partners.count, 1);
    assert_string_equal(partners.items[0].name, "good");
    assert_int_equal(place->findings.count, 3);
}

static void says_what_cannot_be_read(void **state)
{
    struct place *place = *state;
    struct config config;
    char *large = arena_alloc(&place->arena, FOLDER_FILE_MAX + 2);
    memset(large, '#', FOLDER_FILE_MAX + 1);
    assert_false(folder_config(&place->arena, place->dir, NULL, &place->findings, &config, NULL));
    assert_string_equal(place->findings.items[0].found, "No such file or directory");
    assert_non_null(strstr(place->findings.items[0].expected, "refgate init"));
    put(place, "settings.yaml", large);
    assert_false(folder_config(&place->arena, place->dir, NULL, &place->findings, &config, NULL));
    assert_string_equal(place->findings.items[1].expected, "at most 262144 bytes");
    assert_string_equal(config.listen, "0.0.0.0:8443");
}

/* Every setting that names a file, and what is told of it when it is not there. */
static void check_wants_every_named_file(void **state)
{
    static const char *const paths[] = {"cert_file", "key_file",    "key_passphrase_file",
                                        "ca_file",   "staple_file", "ca_file",
                                        "crl_files"};
    enum { PATHS = sizeof paths / sizeof *paths };
    struct place *place = *state;
    struct config config;
    struct partner_list partners;
    make_dir(place, "partners");
    put(place, "settings.yaml",
        "org: willow\nkey_passphrase_file: keys/pin\nstaple_file: keys/staple\n");
    put(place, "partners/lake.yaml",
        "url: https://r.example/fhir\nca_file: lake.crt\ncrl_files: [lake.crl]\n");
    assert_true(folder_config(&place->arena, place->dir, NULL, &place->findings, &config, NULL));
    assert_true(folder_partners(&place->arena, place->dir, &place->findings, &partners));
    assert_false(folder_check(&place->arena, place->dir, &config, &partners, &place->findings));
    assert_int_equal(place->findings.count, PATHS);
    for (size_t i = 0; i < PATHS; i++) {
        assert_string_equal(place->findings.items[i].path, paths[i]);
        assert_non_null(strstr(place->findings.items[i].expected, "or correct the setting"));
    }
    make_dir(place, "keys");
    make_dir(place, "keys/pin");
    place->findings.count = 0;
    assert_false(folder_check(&place->arena, place->dir, &config, &partners, &place->findings));
    assert_non_null(strstr(place->findings.items[2].found, "keys/pin: no file"));
}

static void programs_and_zones_are_looked_for(void **state)
{
    struct place *place = *state;
    struct config config;
    put(place, "alarm.sh", "#!/bin/sh\n");
    put(place, "settings.yaml",
        "org: willow\ntime_zone: Amercia/New_York\nalarm_command: alarm.sh\n"
        "notify_command: nowhere.sh\n");
    assert_true(folder_config(&place->arena, place->dir, NULL, &place->findings, &config, NULL));
    assert_false(folder_knows_zone(&place->arena, place->dir, &config, &place->findings));
    folder_programs(&place->arena, place->dir, &config, &place->findings);
    assert_int_equal(place->findings.count, 3);
    assert_string_equal(place->findings.items[0].path, "time_zone");
    assert_non_null(strstr(place->findings.items[1].found, "alarm.sh: cannot be run"));
    assert_non_null(strstr(place->findings.items[2].found, "nowhere.sh: No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_settings_and_partners, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_faulty_partner_is_left_out_and_named, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(says_what_cannot_be_read, make_place, remove_place),
        cmocka_unit_test_setup_teardown(check_wants_every_named_file, make_place, remove_place),
        cmocka_unit_test_setup_teardown(programs_and_zones_are_looked_for, make_place,
                                        remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
