/* record_warn: right records that deserve a second look, and those that do not. */
#include "unit/fhir/record/sample.h"

static size_t warnings_of(struct sample *sample, struct json *tree)
{
    struct record record = {.tree = tree, .file = "r.json"};
    sample->findings.count = 0;
    assert_true(record_check(&record, &sample->rules, &sample->findings));
    record_warn(&record, &sample->rules, sample->referrals, sample->known.count, &sample->findings);
    return sample->findings.count;
}

static void the_samples_give_none(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    for (size_t i = 0; i < sample.records.count; i++) {
        size_t count = warnings_of(&sample, sample.records.items[i].tree);
        sample_print(&sample.findings);
        assert_int_equal(count, 0);
    }
    sample_close(&sample);
}

static void each_gives_one(void **state)
{
    (void)state;
    static const struct {
        const char *id, *field, *value, *path, *word;
    } rows[] = {
        {"WSM-N-2201", "techniques", "[{\"technique\":\"deep-tissue\",\"minutes\":20}]",
         "techniques[1].technique", "blood thinner"},
        {"WSM-N-2201", "techniques",
         "[{\"technique\":\"swedish\"},{\"technique\":\"stretching\",\"area\":\"lower-leg\","
         "\"side\":\"both\"}]",
         "techniques[2].area", "avoid-area"},
        {"WSM-N-2290", "techniques", "[{\"technique\":\"deep-tissue\"}]", "techniques[1].technique",
         "asks to avoid"},
        {"WSM-N-2201", "client_birth_date", "\"1984-03-10\"", "client_birth_date", "1984-03-09"},
        {"WSM-N-2201", "visit_number", "7", "visit_number", "7 visits"},
        {"WSM-N-2201", "visit_at", "\"2026-09-01T10:00:00-04:00\"", NULL, NULL},
        {"WSM-D-0301", "visits_completed", "7", "visits_completed", "insurer"},
        {"LFP-88231", "authorized_visits", "5", "visits_requested", "6 visits"},
        {"WSM-R-0119", "diagnoses", "[{\"code\":\"M54.5\",\"text\":\"Back\"}]", "diagnoses[1].code",
         "M54.50"},
        {"WSM-R-0119", "diagnoses", "[{\"code\":\"M54.59\",\"text\":\"Back\"}]", NULL, NULL},
        {"WSM-R-0119", "diagnoses",
         "[{\"text\":\"Back\"},{\"text\":\"Fracture\",\"standing\":\"refuted\"}]",
         "diagnoses[2].standing", "not sent"},
    };
    struct sample sample;
    sample_open(&sample);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json *tree = sample_tree(&sample, rows[i].id);
        struct json_document document;
        struct json_fault fault;
        assert_true(json_parse(&sample.arena, rows[i].value, strlen(rows[i].value), NULL, &document,
                               &fault));
        json_replace(&sample.arena, tree, rows[i].field, document.root);
        size_t count = warnings_of(&sample, tree);
        if (rows[i].path == NULL) {
            assert_int_equal(count, 0);
            continue;
        }
        bool is_told = false;
        for (size_t j = 0; j < count; j++) {
            const struct finding *finding = &sample.findings.items[j];
            is_told = is_told || (text_equal(finding->path, rows[i].path) &&
                                  (strstr(finding->found, rows[i].word) != NULL ||
                                   strstr(finding->expected, rows[i].word) != NULL));
        }
        if (!is_told)
            sample_print(&sample.findings);
        assert_true(is_told);
    }
    sample_close(&sample);
}

static void tells_what_has_lapsed(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    struct json *note = sample_tree(&sample, "WSM-N-2201");
    static const char *const times[] = {"visit_at", "written_at"};
    for (size_t i = 0; i < 2; i++)
        json_replace(&sample.arena, note, times[i],
                     json_new_text(&sample.arena, "2027-01-01T10:00:00-05:00"));
    json_replace(&sample.arena, note, "next_visit_on", json_new_text(&sample.arena, "2027-01-08"));
    assert_int_equal(warnings_of(&sample, note), 2); /* the order and the authorisation */
    json_remove(note, "assessment");
    json_replace(&sample.arena, note, "visit_number", json_new_whole(&sample.arena, 3));
    assert_int_equal(warnings_of(&sample, note), 3); /* and no report at the third visit */
    sample_close(&sample);
}

/* What was not done, and a precaution that no longer holds, meet nothing. */
static void what_is_no_fact_warns_of_nothing(void **state)
{
    (void)state;
    static const char done[] =
        "[{\"technique\":\"deep-tissue\",\"minutes\":20,\"standing\":\"not-done\"}]";
    struct sample sample;
    struct json_document document;
    struct json_fault fault;
    sample_open(&sample);
    struct json *tree = sample_tree(&sample, "WSM-N-2201");
    assert_true(json_parse(&sample.arena, done, strlen(done), NULL, &document, &fault));
    json_replace(&sample.arena, tree, "techniques", document.root);
    assert_int_equal(warnings_of(&sample, tree), 1);
    assert_string_equal(sample.findings.items[0].path, "techniques[1].standing");
    sample_close(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_samples_give_none),
        cmocka_unit_test(each_gives_one),
        cmocka_unit_test(tells_what_has_lapsed),
        cmocka_unit_test(what_is_no_fact_warns_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
