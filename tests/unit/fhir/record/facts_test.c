/* record_facts, record_default: whose a record is, who gets it, what holds unsaid, what is equal.
 */
#include "unit/fhir/record/sample.h"

static void knows_whose_it_is(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    struct json *note = sample_tree(&sample, "WSM-N-2201");
    assert_string_equal(record_kind(note), "progress-note");
    assert_string_equal(record_sender(note, sample.directory), "willow");
    json_replace(&sample.arena, note, "written_by", json_new_text(&sample.arena, "nobody"));
    assert_null(record_sender(note, sample.directory));
    json_replace(&sample.arena, note, "record", json_new_text(&sample.arena, "note"));
    assert_null(record_kind(note));
    assert_string_equal(record_purpose("referral"), "treatment");
    assert_string_equal(record_purpose("progress-note"), "treatment");
    assert_string_equal(record_purpose("treatment-plan"), "care-coordination");
    assert_string_equal(record_purpose("case-conference"), "care-coordination");
    sample_close(&sample);
}

static void knows_who_gets_it(void **state)
{
    (void)state;
    static const struct {
        const char *id, *recipients; /* "HANDLE@CLINIC ..." */
    } rows[] = {
        {"LFP-88231", "willow@willow "},
        {"WSM-R-0132", "osei@lakeside "},
        {"WSM-N-2201", "osei@lakeside "},
        {"WSM-D-0301", "osei@lakeside "},
        {"HC-N-0093", "alvarez@willow "},
        {"WSM-N-2290", "lindqvist@lakeside "},
        {"WSM-P-0044", "osei@lakeside tanaka@riverbend obrien@harbor "},
        {"CC-2026-17", "osei@lakeside tanaka@riverbend obrien@harbor "},
        {"WSM-C-0501", ""},
    };
    struct sample sample;
    sample_open(&sample);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json *tree = sample_tree(&sample, rows[i].id);
        const char *referral_id = json_get_text(tree, "referral_id");
        struct record_referral referral, *given = NULL;
        const char *nearest;
        const struct record_recipient *recipients;
        if (referral_id != NULL &&
            sample.lookup.find(sample.lookup.context, &sample.arena, tree, referral_id, &referral,
                               &nearest) == RECORD_FOUND)
            given = &referral;
        size_t count = record_recipients(&sample.arena, tree, sample.directory, given, &recipients);
        struct text text = text_new(&sample.arena, 1000);
        for (size_t j = 0; j < count; j++)
            text_print(&text, "%s@%s ", recipients[j].handle, recipients[j].clinic);
        assert_string_equal(text.at, rows[i].recipients);
    }
    sample_close(&sample);
}

/* The placer writes a note of its own: it goes to the filler. Strangers, people of one clinic. */
static void turns_to_the_other_side(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    const struct record_recipient *recipients;
    struct json *note = sample_tree(&sample, "WSM-N-2201");
    struct record_referral referral = {
        .placer = "lakeside", .number = "LFP-88231", .written_by = "osei", .referred_to = "willow"};
    json_replace(&sample.arena, note, "written_by", json_new_text(&sample.arena, "lindqvist"));
    assert_int_equal(
        record_recipients(&sample.arena, note, sample.directory, &referral, &recipients), 1);
    assert_string_equal(recipients[0].handle, "willow");
    assert_int_equal(record_recipients(&sample.arena, note, sample.directory, NULL, &recipients),
                     0);

    /* A writer, or an addressee, who works elsewhere does not draw it there. */
    static const char *const elsewhere[] = {"tanaka", "alvarez", "npi:1234567893", "nobody", NULL};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        referral.written_by = elsewhere[i];
        json_replace(&sample.arena, note, "written_by", json_new_text(&sample.arena, "alvarez"));
        assert_int_equal(
            record_recipients(&sample.arena, note, sample.directory, &referral, &recipients), 1);
        assert_string_equal(recipients[0].handle, "lakeside");
        referral.referred_to = elsewhere[i];
        referral.filler = "willow";
        json_replace(&sample.arena, note, "written_by", json_new_text(&sample.arena, "osei"));
        assert_int_equal(
            record_recipients(&sample.arena, note, sample.directory, &referral, &recipients), 1);
        assert_string_equal(recipients[0].clinic, "willow");
    }

    struct json *meeting = sample_tree(&sample, "CC-2026-17");
    struct json *people = json_get(meeting, "participants");
    static const char *const more[] = {"wisniewski", "lindqvist", "npi:1234567893", "osei"};
    for (size_t i = 0; i < 4; i++) {
        struct json *item = json_push(people, json_new_object(&sample.arena));
        json_set_text(&sample.arena, item, "who", more[i]);
    }
    size_t count = record_recipients(&sample.arena, meeting, sample.directory, NULL, &recipients);
    assert_int_equal(count, 5);
    assert_string_equal(recipients[0].handle, "osei");
    assert_string_equal(recipients[1].handle, "lindqvist"); /* beside the colleague */
    assert_string_equal(recipients[4].clinic, "npi:1234567893");
    sample_close(&sample);
}

static void fills_what_is_left_out(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    struct json *referral = sample_tree(&sample, "HC-2026-301");
    record_fill_defaults(&sample.arena, referral, sample.directory);
    assert_string_equal(json_get_text(referral, "status"), "active");
    assert_string_equal(json_get_text(referral, "priority"), "routine");

    struct json *note = sample_tree(&sample, "HC-N-0093");
    record_fill_defaults(&sample.arena, note, sample.directory);
    assert_string_equal(json_get_text(note, "note_kind"), "chiropractic-progress-note");
    assert_string_equal(json_get_text(note, "visit_kind"), "in-person");
    struct json *motion = json_first(json_get(note, "measurements"));
    assert_string_equal(json_get_text(motion, "how"), "active");
    assert_string_equal(json_get_text(motion, "measured_on"), "2026-10-08");
    const char *once = json_print(&sample.arena, note);
    record_fill_defaults(&sample.arena, note, sample.directory);
    assert_string_equal(json_print(&sample.arena, note), once);

    note = sample_tree(&sample, "WSM-N-2201");
    record_fill_defaults(&sample.arena, note, sample.directory);
    assert_string_equal(json_get_text(note, "note_kind"), "progress-note");
    assert_null(
        json_get(json_first(json_get(note, "measurements")), "how")); /* pain does not move */
    assert_null(json_get(note, "sensitivity"));

    struct json *meeting = sample_tree(&sample, "CC-2026-17");
    json_remove(meeting, "status");
    record_fill_defaults(&sample.arena, meeting, sample.directory);
    assert_string_equal(json_get_text(meeting, "status"), "held");
    assert_string_equal(json_get_text(json_at(json_get(meeting, "actions"), 1), "status"), "open");
    struct json *discharge = sample_tree(&sample, "WSM-D-0301");
    json_remove(json_first(json_get(discharge, "measurements")), "measured_on");
    record_fill_defaults(&sample.arena, discharge, sample.directory);
    assert_null(json_get(json_first(json_get(discharge, "measurements")), "measured_on"));
    sample_close(&sample);
}

static void a_mood_score_is_sensitive(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    const char *const *words;
    struct json *note = sample_tree(&sample, "WSM-N-2290");
    assert_int_equal(record_sensitivity(&sample.arena, note, &words), 1);
    json_remove(note, "sensitivity");
    assert_int_equal(record_sensitivity(&sample.arena, note, &words), 1);
    assert_string_equal(words[0], "mental-health");
    assert_null(json_get(note, "sensitivity"));
    struct json *list = json_set(&sample.arena, note, "sensitivity", json_new_list(&sample.arena));
    json_push(list, json_new_text(&sample.arena, "abuse"));
    assert_int_equal(record_sensitivity(&sample.arena, note, &words), 2);
    note = sample_tree(&sample, "WSM-N-2201");
    assert_int_equal(record_sensitivity(&sample.arena, note, &words), 0);
    sample_close(&sample);
}

static struct json *with(struct sample *sample, const char *id, const char *field,
                         struct json *value)
{
    struct json *tree = sample_tree(sample, id);
    json_replace(&sample->arena, tree, field, value);
    return tree;
}

static void tells_equal_from_other(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    struct arena *arena = &sample.arena;
    static const char plan[] = "WSM-P-0044", first[] = "LFP-88231", note[] = "WSM-N-2202";
    static const struct {
        const char *number;
        bool is_same;
    } rates[] = {{"1.0", true}, {"1.00", true}, {"1", true}, {"1.01", false}, {"10", false}};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        assert_int_equal(record_same(arena, sample_tree(&sample, first),
                                     with(&sample, first, "visits_per_week",
                                          json_new_number(arena, rates[i].number)),
                                     sample.directory),
                         rates[i].is_same);
    assert_true(record_same(arena, sample_tree(&sample, plan),
                            with(&sample, plan, "status", json_new_text(arena, "active")),
                            sample.directory));
    assert_false(record_same(arena, sample_tree(&sample, plan),
                             with(&sample, plan, "status", json_new_text(arena, "draft")),
                             sample.directory));
    /* the same instant in another zone is another text; 7.0 is not 7 */
    assert_false(
        record_same(arena, sample_tree(&sample, note),
                    with(&sample, note, "written_at", json_new_text(arena, "2026-09-09T15:20:00Z")),
                    sample.directory));
    struct json *digits = sample_tree(&sample, note);
    json_replace(arena, json_first(json_get(digits, "measurements")), "value",
                 json_new_number(arena, "6.0"));
    assert_false(record_same(arena, sample_tree(&sample, note), digits, sample.directory));
    /* members in another order are the same record */
    struct json *turned = json_new_object(arena);
    struct json *tree = sample_tree(&sample, note);
    for (size_t i = json_count(tree); i-- > 0;)
        json_set(arena, turned, json_key(json_at(tree, i)), json_copy(arena, json_at(tree, i)));
    assert_true(record_same(arena, tree, turned, sample.directory));
    sample_close(&sample);
}

static void the_text_for_hashes_has_nothing_private(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    struct json *tree = sample_tree(&sample, "WSM-N-2202");
    json_set(&sample.arena, tree, "received", json_new_list(&sample.arena));
    const char *all = record_canonical(&sample.arena, tree, sample.directory, true);
    const char *sent = record_canonical(&sample.arena, tree, sample.directory, false);
    assert_non_null(strstr(all, "worry about her job"));
    assert_non_null(strstr(all, "received"));
    assert_null(strstr(sent, "private_note"));
    assert_null(strstr(sent, "received"));
    json_remove(tree, "private_note");
    json_remove(tree, "received");
    assert_string_equal(record_canonical(&sample.arena, tree, sample.directory, true), sent);
    struct json_document document;
    struct json_fault fault;
    for (size_t i = 0; i < sample.records.count; i++) { /* it is JSON, and says the same */
        const struct json *record = sample.records.items[i].tree;
        const char *text = record_canonical(&sample.arena, record, sample.directory, true);
        assert_true(json_parse(&sample.arena, text, strlen(text), NULL, &document, &fault));
        assert_true(record_same(&sample.arena, document.root, record, sample.directory));
    }
    sample_close(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_whose_it_is),
        cmocka_unit_test(knows_who_gets_it),
        cmocka_unit_test(turns_to_the_other_side),
        cmocka_unit_test(fills_what_is_left_out),
        cmocka_unit_test(a_mood_score_is_sensitive),
        cmocka_unit_test(tells_equal_from_other),
        cmocka_unit_test(the_text_for_hashes_has_nothing_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
