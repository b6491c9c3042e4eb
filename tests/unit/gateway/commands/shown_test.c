/* shown: clients, precautions and times in a person's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fhir/json/tree.h"
#include "gateway/commands/shown.h"

static struct arena arena;

static int reset(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static void name_and_number(void **state)
{
    struct shown_client both = {.name = "Núñez-O'Hara, María José", .number = "C-1042"};
    struct shown_client number = {.number = "C-1042"};
    struct shown_client name = {.name = "Ito"};
    struct shown_client nobody = {.name = NULL};
    (void)state;
    assert_string_equal(shown_name(&arena, &both), "Núñez-O'Hara, María José (C-1042)");
    assert_string_equal(shown_name(&arena, &number), "C-1042");
    assert_string_equal(shown_name(&arena, &name), "Ito");
    assert_null(shown_name(&arena, &nobody));
}

/* As somebody at the telephone asks for a client. */
static void a_client_by_number_or_name(void **state)
{
    static const struct {
        const char *asked;
        bool is_meant;
    } cases[] = {{NULL, true},           {"C-1042", true},       {"C-10", false},
                 {"nunez", true},        {"Núñez-O'Hara", true}, {"maria nunez", true},
                 {"NUNEZ, M", true},     {"ohara", true},        {"hara", false},
                 {"nunez pedro", false}, {"unez", false},        {"", false},
                 {"山田", false}};
    struct shown_client client = {.name = "Núñez-O'Hara, María José", .number = "C-1042"};
    struct shown_client other_script = {.name = "山田, 太郎", .number = "C-7"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (shown_client_is(&client, cases[i].asked) != cases[i].is_meant)
            fail_msg("%s", cases[i].asked);
    assert_true(shown_client_is(&other_script, "山田"));
    assert_false(shown_client_is(&other_script, "nunez"));
    assert_false(shown_client_is(&(struct shown_client){.name = NULL}, "nunez"));
}

static void precautions_with_what_they_say(void **state)
{
    const struct json *record = tree_of(
        &arena, "{\"precautions\":[{\"text\":\"Blood thinner\",\"level\":\"caution\"},{\"level\":"
                "\"caution\"},{\"text\":\"Varicose veins\",\"side\":\"left\",\"area\":\"lower-"
                "leg\"},{\"text\":\"Pregnancy\",\"standing\":\"resolved\"},{\"text\":\"Latex\"}]}");
    (void)state;
    assert_string_equal(shown_precautions(&arena, record),
                        "Blood thinner (caution); Varicose veins (left, lower-leg); Pregnancy "
                        "(resolved); Latex");
    assert_null(shown_precautions(&arena, tree_of(&arena, "{\"precautions\":[]}")));
    assert_null(shown_precautions(&arena, NULL));
}

/* Whatever is written there is no more than cut. */
static void many_precautions_end(void **state)
{
    struct json *record = json_new_object(&arena);
    struct json *list = json_set(&arena, record, "precautions", json_new_list(&arena));
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct json *item = json_push(list, json_new_object(&arena));
        json_set_text(&arena, item, "text", "Keep off the left shoulder");
    }
    assert_true(strlen(shown_precautions(&arena, record)) <= 4000);
}

static void times_are_local_and_short(void **state)
{
    struct setup setup = {.clock = clock_fixed(1788000000000)};
    (void)state;
    setenv("TZ", "America/New_York", 1);
    tzset();
    assert_string_equal(shown_time(&arena, 1788362400000), "2026-09-02 11:20");
    assert_string_equal(shown_written_time(&arena, "2026-09-02T15:20:00Z"), "2026-09-02 11:20");
    assert_string_equal(shown_written_time(&arena, "yesterday"), "yesterday");
    assert_null(shown_written_time(&arena, NULL));
    assert_null(shown_time(&arena, 0));
    setup.config.time_zone = "America/New_York";
    assert_string_equal(shown_zoned(&arena, &setup, "SINCE"), "SINCE (America/New_York)");
    setup.config.time_zone = "system";
    assert_string_equal(shown_zoned(&arena, &setup, "SINCE"), "SINCE (EDT)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_client_by_number_or_name, reset),
        cmocka_unit_test_setup(name_and_number, reset),
        cmocka_unit_test_setup(precautions_with_what_they_say, reset),
        cmocka_unit_test_setup(many_precautions_end, reset),
        cmocka_unit_test_setup(times_are_local_and_short, reset),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
