/* docs/mapping.md tells every field of the vocabulary, and no table names a field that there is
 * not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fhir/map/part.h"
#include "fhir/record/vocabulary.h"
#include "lib/mapping.h"

static void tells(struct arena *arena, const char *page, const struct record_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        const char *name = shape->fields[i].name;
        if (strstr(page, arena_print(arena, "`%s`", name)) == NULL)
            fail_msg("docs/mapping.md does not tell %s of %s", name, shape->name);
    }
}

static void every_field_is_told(void **state)
{
    struct arena arena = ARENA_EMPTY;
    size_t length = 0;
    const char *page = mapping_file(&arena, "docs/mapping.md", &length);
    (void)state;
    assert_non_null(page);
    tells(&arena, page, &record_common);
    for (size_t i = 0; i < record_kind_count; i++)
        tells(&arena, page, &record_kinds[i]);
    for (size_t i = 0; i < record_item_count; i++)
        tells(&arena, page, &record_items[i]);
    arena_free(&arena);
}

struct table {
    const char *kind, *item; /* of record, or of small object */
    const struct field *rows;
};

static const struct table tables[] = {
    {"referral", NULL, map_patient},
    {"referral", NULL, map_service_request},
    {"referral", NULL, map_coverage},
    {"referral", NULL, map_claim_response},
    {"progress-note", NULL, map_composition},
    {"progress-note", NULL, map_encounter},
    {"progress-note", NULL, map_session},
    {"progress-note", NULL, map_response_rating},
    {"progress-note", NULL, map_home_care},
    {"progress-note", NULL, map_next_visit},
    {"discharge-summary", NULL, map_episode},
    {"discharge-summary", NULL, map_follow_up},
    {"case-conference", NULL, map_conference},
    {"case-conference", NULL, map_conference_team},
    {"case-conference", NULL, map_conference_encounter},
    {"case-conference", NULL, map_next_conference},
    {"treatment-plan", NULL, map_care_plan},
    {"treatment-plan", NULL, map_plan_team},
    {"consent", NULL, map_consent},
    {"consent", NULL, map_consent_giver},
    {"consent", NULL, map_provenance},
    {"consent", NULL, map_revocation},
    {NULL, "diagnosis", map_condition},
    {NULL, "precaution", map_precaution},
    {NULL, "goal", map_goal},
    {NULL, "measurement", map_observation},
    {NULL, "palpation", map_palpation},
    {NULL, "technique", map_procedure},
    {NULL, "attachment", map_document},
    {NULL, "action", map_action},
};

static void every_row_is_a_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const struct table *table = &tables[i];
        const struct record_shape *shape =
            table->kind != NULL ? record_kind_find(table->kind) : record_item_find(table->item);
        assert_non_null(shape);
        for (const struct field *row = table->rows; row->path != NULL; row++) {
            if (row->local != NULL && record_field_find(shape, row->local) == NULL)
                fail_msg("%s has no field %s", shape->name, row->local);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_told),
        cmocka_unit_test(every_row_is_a_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
