/* local_times: a wall clock's time is given the zone of its day, and only where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "fhir/record/vocabulary.h"
#include "gateway/intake/local_times.h"
#include "lib/clinic.h"

#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"

static void use_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static void a_time_gets_the_zone_of_its_day(void **state)
{
    static const struct {
        const char *zone, *text, *full;
    } rows[] = {
        {NEW_YORK, "2026-09-02T11:20:00", "2026-09-02T11:20:00-04:00"},
        {NEW_YORK, "2026-12-02T11:20:00", "2026-12-02T11:20:00-05:00"},
        {NEW_YORK, "2026-09-02 11:20", "2026-09-02T11:20:00-04:00"},
        {NEW_YORK, "2026-09-02T11:20:30.25", "2026-09-02T11:20:30.25-04:00"},
        {NEW_YORK, "2026-03-08T01:59:59", "2026-03-08T01:59:59-05:00"},
        {NEW_YORK, "2026-03-08T03:00:00", "2026-03-08T03:00:00-04:00"},
        {NEW_YORK, "2026-11-01T00:59:59", "2026-11-01T00:59:59-04:00"},
        {NEW_YORK, "2026-11-01T02:00:00", "2026-11-01T02:00:00-05:00"},
        {"<+0545>-05:45", "2026-09-02T00:00", "2026-09-02T00:00:00+05:45"},
        {"UTC0", "2026-09-02T11:20", "2026-09-02T11:20:00+00:00"},
        /* as spreadsheet programs write them, where that means one thing */
        {NEW_YORK, "2026-09-02 9:20", "2026-09-02T09:20:00-04:00"},
        {NEW_YORK, "2026-09-02 9:20 PM", "2026-09-02T21:20:00-04:00"},
        {NEW_YORK, "9/22/2026 9:20 AM", "2026-09-22T09:20:00-04:00"},
        {NEW_YORK, "22.9.2026 11:20", "2026-09-22T11:20:00-04:00"},
        /* what has a zone keeps it, and its seconds are told */
        {NEW_YORK, "2026-09-02T11:20:00Z", "2026-09-02T11:20:00Z"},
        {NEW_YORK, "2026-09-02T11:20-07:00", "2026-09-02T11:20:00-07:00"},
        {NEW_YORK, "2026-09-02 11:20:00+02:00", "2026-09-02T11:20:00+02:00"},
    };
    struct arena arena = ARENA_EMPTY;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        use_zone(rows[i].zone);
        assert_string_equal(local_times_text(&arena, rows[i].text), rows[i].full);
    }
    arena_free(&arena);
}

/* Skipped or shown twice, or no time at all: for the check to refuse. */
static void what_is_not_one_time_is_left_alone(void **state)
{
    static const char *const texts[] = {"2026-03-08T02:30:00",
                                        "2026-03-08T02:00:00",
                                        "2026-11-01T01:00:00",
                                        "2026-11-01T01:30",
                                        "2026-02-30T11:20:00",
                                        "2026-09-02T25:20:00",
                                        "2026-09-02",
                                        "2026-09-02T11",
                                        "9/2/2026 11:20 AM",
                                        "2026-09-02T11:20:00X",
                                        "",
                                        "noon"};
    struct arena arena = ARENA_EMPTY;
    (void)state;
    use_zone(NEW_YORK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_string_equal(local_times_text(&arena, texts[i]), texts[i]);
    arena_free(&arena);
}

static void every_time_of_a_record_is_completed(void **state)
{
    struct clinic *clinic = clinic_new("willow", "");
    struct office office = clinic_office(clinic);
    const char *text = "{\"record\":\"case-conference\",\"written_at\":\"2026-09-02T11:20\","
                       "\"held_at\":\"2026-09-02 11:00\",\"place\":\"2026-09-02T11:20\","
                       "\"client_birth_date\":\"22.9.1984\",\"actions\":[{\"due_on\":\"2026-9-3\"},"
                       "{\"due_on\":\"9/3/2026\"}],"
                       "\"next_conference_at\":7}";
    struct record_list records = {NULL, 0, 0};
    (void)state;
    record_read(&clinic->arena, RECORD_JSON, text, strlen(text), "r", &records, &clinic->findings);
    const struct json *tree = records.items[0].tree;
    use_zone(NEW_YORK);
    local_times_complete(NULL, &clinic->arena, &records);
    assert_string_equal(json_get_text(tree, "written_at"), "2026-09-02T11:20");
    assert_string_equal(json_get_text(tree, "client_birth_date"), "1984-09-22");
    const struct json *action = json_first(json_get(tree, "actions"));
    assert_string_equal(json_get_text(action, "due_on"), "2026-09-03");
    assert_string_equal(json_get_text(json_next(action), "due_on"), "9/3/2026");
    local_times_complete(office.setup, &clinic->arena, &records);
    assert_string_equal(json_get_text(tree, "written_at"), "2026-09-02T11:20:00-04:00");
    assert_string_equal(json_get_text(tree, "held_at"), "2026-09-02T11:00:00-04:00");
    assert_string_equal(json_get_text(tree, "place"), "2026-09-02T11:20");
    writer_stop(office.writer);
    clinic_free(clinic);
}

/* Small objects have days only; one with a time would have to be completed, too. */
static void no_small_object_has_a_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < record_item_count; i++) {
        for (size_t k = 0; k < record_items[i].count; k++)
            assert_int_not_equal(record_items[i].fields[k].type, RECORD_TIME);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_gets_the_zone_of_its_day),
        cmocka_unit_test(what_is_not_one_time_is_left_alone),
        cmocka_unit_test(every_time_of_a_record_is_completed),
        cmocka_unit_test(no_small_object_has_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
