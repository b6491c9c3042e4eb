/* record: the samples. Every good one is clean, every bad one is refused where tests/records/bad/
 * manifest.csv says and with what it asks for. */
#include "unit/fhir/record/sample.h"

static void takes_every_good_sample(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    assert_int_equal(sample.records.count, 21 + 2 + 5);
    for (size_t i = 0; i < sample.records.count; i++)
        record_check(&sample.records.items[i], &sample.rules, &sample.findings);
    sample_print(&sample.findings);
    assert_int_equal(sample.findings.count, 0);
    sample_close(&sample);
}

/* What the message about each bad sample must hold, beside its place. */
static const struct {
    const char *file, *word, *nearest;
} messages[] = {
    {"cut-off.json", "ends", NULL},
    {"extra-comma.json", "comma", NULL},
    {"not-an-object.json", "one { } object", NULL},
    {"field-twice.json", "second time", NULL},
    {"no-record-kind.json", "kind of record", NULL},
    {"kind-misspelt.json", "progres-note", "progress-note"},
    {"no-record-id.json", "nothing", NULL},
    {"no-birth-date.json", "nothing", NULL},
    {"birth-date-impossible.json", "does not exist", NULL},
    {"date-other-order.json", "year-month-day", NULL},
    {"time-without-zone.json", "-04:00", NULL},
    {"no-name.json", "one of the two names", NULL},
    {"blank-name.json", "empty", NULL},
    {"field-misspelt.json", "unknown field", "client_birth_date"},
    {"pain-out-of-range.json", "from 0 to 10", NULL},
    {"value-is-a-word.json", "a number", NULL},
    {"rotation-too-large.json", "from -30 to 200", NULL},
    {"unit-unknown.json", "unknown unit", "degrees"},
    {"motion-does-not-exist.json", "neck", NULL},
    {"technique-unknown.json", "technique", "trigger-point"},
    {"minutes-negative.json", "from 1 to 240", NULL},
    {"written-before-visit.json", "before the visit", NULL},
    {"note-without-text.json", "at least one of", NULL},
    {"referral-unknown.json", "not known", "LFP-88231"},
    {"clinician-unknown.json", "directory", "alvarez"},
    {"npi-check-digit.json", "mistyped", NULL},
    {"diagnosis-no-letter.json", "a letter", NULL},
    {"consent-ends-first.json", "valid_from is 2026-09-02", NULL},
    {"consent-revoked-no-date.json", "when it was taken back", NULL},
    {"conference-of-one.json", "two or more", NULL},
};

static void refuse(struct sample *sample, const char *file, const char *where, size_t message)
{
    size_t length;
    struct record_list records = {NULL, 0, 0};
    const char *text = sample_file(&sample->arena, BAD_SAMPLES, file, &length);
    sample->findings.count = 0;
    record_read(&sample->arena, record_format_of(file), text, length, file, &records,
                &sample->findings);
    for (size_t i = 0; i < records.count; i++)
        record_check(&records.items[i], &sample->rules, &sample->findings);
    sample_print(&sample->findings);
    assert_int_equal(sample->findings.count, 1);
    const struct finding *finding = &sample->findings.items[0];
    int line, column;
    if (sscanf(where, "line %d column %d", &line, &column) == 2) {
        assert_int_equal(finding->line, line);
        assert_in_range(finding->column, column - 1, column + 1);
    } else if (strcmp(where, "file") == 0) {
        assert_null(finding->path);
    } else {
        assert_string_equal(finding->path, where);
        assert_true(finding->line > 0);
    }
    const char *all = arena_print(&sample->arena, "%s; %s", finding->found, finding->expected);
    assert_non_null(strstr(all, messages[message].word));
    if (messages[message].nearest == NULL)
        assert_null(finding->nearest);
    else
        assert_string_equal(finding->nearest, messages[message].nearest);
}

static void refuses_every_bad_sample(void **state)
{
    (void)state;
    struct sample sample;
    struct csv csv;
    struct csv_row row;
    size_t length, count = 0;
    sample_open(&sample);
    const char *manifest = sample_file(&sample.arena, BAD_SAMPLES, "manifest.csv", &length);
    assert_true(csv_start(&csv, &sample.arena, manifest, length, &sample.findings));
    assert_int_equal(csv_next(&csv, &row, &sample.findings), CSV_ROW);
    int where = csv_column(&row, "where");
    while (csv_next(&csv, &row, &sample.findings) == CSV_ROW) {
        size_t message = 0;
        while (message < sizeof messages / sizeof *messages &&
               strcmp(messages[message].file, row.cells[0].text) != 0)
            message++;
        assert_in_range(message, 0, sizeof messages / sizeof *messages - 1);
        refuse(&sample, row.cells[0].text, csv_value(&row, where), message);
        count++;
    }
    assert_int_equal(count, 30);
    sample_close(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_good_sample),
        cmocka_unit_test(refuses_every_bad_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
