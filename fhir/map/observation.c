/* observation: measurements, palpation and the rating of the visit <-> Observation.
 *
 * A score is a `survey`, a motion or strength an `exam`, heart rate and blood pressure
 * `vital-signs`, whose profile (R4 vitalsigns) asks for an effective time and for blood pressure as
 * one panel: two neighbours top and bottom number become one Observation 85354-9, one alone a panel
 * with the other one absent. */
#include <stdlib.h>
#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/field/choice.h"
#include "fhir/field/standing.h"
#include "fhir/map/measure.h"
#include "fhir/map/part.h"
#include "fhir/map/timing.h"
#include "fhir/map/visit.h"

static const char loinc[] = "http://loinc.org";
static const char absent_extension[] = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
static const char absent_system[] = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
static const struct field_codes categories = {"category", false};

static bool is_vital(const char *measure)
{
    return text_equal(measure, "heart-rate") || text_starts(measure, "blood-pressure");
}

/* ---- category ---- */

static const char *category_of(const char *measure)
{
    if (is_vital(measure))
        return "vital-signs";
    return text_equal(measure, "range-of-motion") || text_equal(measure, "grip-strength") ||
                   measure == NULL
               ? "exam"
               : "survey";
}

static struct json *write_category(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    (void)field;
    return field_concept_of(job, &categories, category_of(json_get_text(value, "measure")));
}

/* Follows from the measure, which is read before it. */
static struct json *read_category(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    field_mark_concept(job, node, write_category(job, field, into));
    return NULL;
}

static const struct field_kind category = {write_category, read_category};

/* ---- what was measured ---- */

static struct json *write_measure(struct field_job *job, const struct field *field,
                                  const struct json *value)
{
    const char *measure = json_get_text(value, "measure");
    const char *side = json_get_text(value, "side");
    (void)field;
    if (measure == NULL)
        return NULL;
    if (strcmp(measure, "range-of-motion") == 0)
        measure = measure_motion_key(job, value);
    return measure_concept(job, measure, side);
}

static struct json *read_measure(struct field_job *job, const struct field *field,
                                 struct json *node, struct json *into)
{
    const char *side = NULL;
    const char *word = measure_of(job, node, &side);
    (void)field;
    if (word == NULL)
        return NULL;
    bool is_motion = measure_split_motion(job, word, into);
    json_put_text(job->arena, into, "measure", is_motion ? "range-of-motion" : word);
    if (side != NULL && json_get(into, "side") == NULL)
        json_put_text(job->arena, into, "side", side);
    return NULL;
}

static const struct field_kind measure = {write_measure, read_measure};

/* ---- when: the time of the visit on its day, else the day ---- */

static bool is_visit_day(const struct field_job *job, const char *day)
{
    const char *visit = json_get_text(job->record, "visit_at");
    return day != NULL && visit != NULL && strlen(day) == 10 && strncmp(visit, day, 10) == 0;
}

static struct json *write_day(struct field_job *job, const struct field *field,
                              const struct json *value)
{
    const char *day = json_get_text(value, "measured_on");
    (void)field;
    if (day == NULL)
        return json_copy_nodes(job->arena, json_get(job->record, "visit_at"));
    return json_new_text(job->arena,
                         is_visit_day(job, day) ? json_get_text(job->record, "visit_at") : day);
}

static struct json *read_day(struct field_job *job, const struct field *field, struct json *node,
                             struct json *into)
{
    const char *time = json_text(node);
    (void)field;
    const char *visit = json_get_text(job->record, "visit_at");
    bool is_visit = text_equal(time, visit);
    const char *on = timing_day(job, time);
    if (on == NULL)
        return NULL;
    if (strlen(time) == 10 || is_visit)
        json_mark(node);
    json_put_text(job->arena, into, "measured_on",
                  is_visit ? arena_copy_n(job->arena, time, 10) : on);
    return NULL;
}

static const struct field_kind day = {write_day, read_day};

/* Only read: an instant, and a period within one day or without an end. */
static struct json *write_no_day(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    (void)job;
    (void)field;
    (void)value;
    return NULL;
}

static struct json *read_period_day(struct field_job *job, const struct field *field,
                                    struct json *node, struct json *into)
{
    struct json *start = json_get(node, "start");
    const char *end = json_get_text(node, "end");
    const char *on = timing_day(job, json_text(start));
    bool is_one = on != NULL && (end == NULL || text_equal(on, timing_day(job, end)));
    return is_one && json_get(into, "measured_on") == NULL ? read_day(job, field, start, into)
                                                           : NULL;
}

static const struct field_kind instant = {write_no_day, read_day};
static const struct field_kind period = {write_no_day, read_period_day};

/* Vital signs must say when: where nobody knows, they say that. */
static struct json *write_unknown_day(struct field_job *job, const struct field *field,
                                      const struct json *value)
{
    (void)field;
    if (!is_vital(json_get_text(value, "measure")) || json_get(value, "measured_on") != NULL ||
        json_get(job->record, "visit_at") != NULL)
        return NULL;
    struct json *element = json_new_object(job->arena);
    struct json *list = json_put(element, "extension", json_new_list(job->arena));
    struct json *extension = json_push(list, json_new_object(job->arena));
    json_set_text(job->arena, extension, "url", absent_extension);
    json_set_text(job->arena, extension, "valueCode", "unknown");
    return element;
}

static const struct field_kind unknown_day = {write_unknown_day, field_read_elsewhere};

/* ---- side: the joint is in the code already ---- */

static struct json *write_side(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    const char *side = json_get_text(value, "side");
    (void)field;
    return side == NULL ? NULL : field_new_site(job, measure_area(value), side);
}

static struct json *read_side(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    const char *area = NULL;
    const char *side = NULL;
    (void)field;
    field_read_site(job, node, &area, &side);
    if (json_get(into, "side") == NULL)
        json_put_text(job->arena, into, "side", side);
    return NULL;
}

static const struct field_kind side = {write_side, read_side};

/* ---- instruments without a code of their own: LOINC 89196-0 with name and score ---- */

static bool has_panel(const struct field_job *job, const char *word)
{
    const struct coding_row *row = field_row(job, "observation", word);
    while (row != NULL && row->also[0] == NULL)
        row = coding_next(job->context->coding, "observation", word, row);
    return row != NULL && strcmp(row->also[0], "outcome-panel") == 0;
}

static struct json *component(struct field_job *job, const char *key)
{
    const struct coding_row *row = field_row(job, "observation", key);
    struct json *part = json_new_object(job->arena);
    struct json *concept = field_new_concept(job, NULL);
    if (row != NULL)
        field_add_row(job, concept, row);
    json_put(part, "code", concept);
    return part;
}

static struct json *write_panel_name(struct field_job *job, const struct field *field,
                                     const struct json *value)
{
    const char *word = json_get_text(value, "measure");
    (void)field;
    if (!has_panel(job, word))
        return NULL;
    struct json *part = component(job, "outcome-name");
    json_set_text(job->arena, part, "valueString",
                  coding_measure(word) == NULL ? field_sentence(job, word)
                                               : coding_measure(word)->label);
    return part;
}

static struct json *write_panel_score(struct field_job *job, const struct field *field,
                                      const struct json *value)
{
    const char *unit = json_get_text(value, "unit");
    (void)field;
    if (!has_panel(job, json_get_text(value, "measure")))
        return NULL;
    struct json *part = component(job, "outcome-score");
    json_put(part, "valueQuantity",
             field_new_quantity(job, json_get(value, "value"), unit,
                                field_ucum(unit, json_get_text(value, "measure"))));
    return part;
}

/* They repeat what code and value say. */
static struct json *read_panel(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    (void)field;
    struct json *name = write_panel_name(job, field, into);
    struct json *score = write_panel_score(job, field, into);
    struct json *repeated = field_has_code(json_get(node, "code"), loinc, "89195-2") ? name : score;
    if (repeated != NULL &&
        json_same(json_get(json_get(repeated, "valueQuantity"), "value"),
                  json_get(json_get(node, "valueQuantity"), "value")) &&
        text_equal(json_get_text(repeated, "valueString"), json_get_text(node, "valueString")))
        json_mark(node);
    return NULL;
}

static const struct field_kind panel_name = {write_panel_name, read_panel};
static const struct field_kind panel_score = {write_panel_score, read_panel};

/* ---- who ---- */

static struct json *write_author(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    (void)value;
    return field_person.write(job, field, json_get(job->record, "written_by"));
}

static struct json *read_author(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    struct json *who = field_person.read(job, field, node, into);
    if (who == NULL)
        return NULL;
    if (json_get(job->record, "written_by") == NULL)
        json_put(job->record, "written_by", json_copy_nodes(job->arena, who));
    return NULL;
}

const struct field_kind map_author = {write_author, read_author};

const struct field map_observation[] = {{NULL, "status", &field_constant, "final"},
                                        {NULL, "code", &measure, NULL},
                                        {NULL, "category[0]", &category, NULL},
                                        {NULL, "subject", &field_link, "Patient"},
                                        {NULL, "encounter", &field_link, "Encounter"},
                                        {NULL, "basedOn[0]", &field_of_referral, NULL},
                                        {NULL, "effectiveDateTime", &day, NULL},
                                        {NULL, "_effectiveDateTime", &unknown_day, NULL},
                                        {NULL, "effectiveInstant", &instant, NULL},
                                        {NULL, "effectivePeriod", &period, NULL},
                                        {NULL, "performer[0]", &map_author, NULL},
                                        {NULL, "valueQuantity", &field_quantity, "value"},
                                        {NULL, "bodySite", &side, NULL},
                                        {NULL, "component[+]", &panel_name, NULL},
                                        {NULL, "component[+]", &panel_score, NULL},
                                        {"note", "note[0]", &map_note, NULL},
                                        {"note", "note", &map_notes, "; "},
                                        FIELD_END};

/* ---- blood pressure: one panel of neighbours ---- */

static bool is_measure(const struct json *item, const char *word)
{
    return text_equal(json_get_text(item, "measure"), word);
}

static bool makes_pair(const struct json *top, const struct json *bottom)
{
    return is_measure(top, "blood-pressure-systolic") &&
           is_measure(bottom, "blood-pressure-diastolic") &&
           json_same(json_get(top, "measured_on"), json_get(bottom, "measured_on")) &&
           json_get(top, "note") == NULL && json_get(bottom, "note") == NULL;
}

/* One number of the panel; ITEM NULL: it was not taken. */
static struct json *pressure(struct field_job *job, const char *word, const struct json *item)
{
    struct json *part = json_new_object(job->arena);
    json_put(part, "code", measure_concept(job, word, NULL));
    if (item != NULL) {
        const char *unit = json_get_text(item, "unit");
        json_put(part, "valueQuantity",
                 field_new_quantity(job, json_get(item, "value"), unit, field_ucum(unit, word)));
        return part;
    }
    struct json *reason = field_new_concept(job, NULL);
    field_add_coding(job, reason, absent_system, "not-performed", "Not Performed");
    json_put(part, "dataAbsentReason", reason);
    return part;
}

static struct json *panel_concept(struct field_job *job)
{
    const struct coding_row *panel = field_row(job, "observation", "blood-pressure");
    struct json *concept = field_new_concept(job, "Blood pressure");
    if (panel != NULL)
        field_add_row(job, concept, panel);
    return concept;
}

static void write_pressure(struct field_job *job, const struct map_part *part,
                           const struct json *top, const struct json *bottom, const char *name)
{
    struct json *either = json_copy_nodes(job->arena, top != NULL ? top : bottom);
    json_remove(either, "value");
    json_remove(either, "side");
    struct json *observation = map_add_part(job, part, either, name);
    json_replace(job->arena, observation, "code", panel_concept(job));
    struct json *list = json_put(observation, "component", json_new_list(job->arena));
    json_push(list, pressure(job, "blood-pressure-systolic", top));
    json_push(list, pressure(job, "blood-pressure-diastolic", bottom));
}

void map_write_measurements(struct field_job *job, const struct map_part *part)
{
    job->list = part->local;
    job->index = 0;
    for (struct json *item = json_first(json_get(job->record, part->local)); item != NULL;
         item = json_next(item), job->index++) {
        const char *name = arena_print(job->arena, "%s/%zu", part->name, job->index + 1);
        struct json *next = json_next(item);
        if (makes_pair(item, next)) {
            write_pressure(job, part, item, next, name);
            item = next;
            job->index++;
        } else if (is_measure(item, "blood-pressure-systolic")) {
            write_pressure(job, part, item, NULL, name);
        } else if (is_measure(item, "blood-pressure-diastolic")) {
            write_pressure(job, part, NULL, item, name);
        } else {
            map_add_part(job, part, item, name);
        }
    }
    job->list = NULL;
}

/* Whether a value is told in the unit of the range: by its code, else by its words. A score or
 * count has none, whatever words stand there ("points", "/10"), unless they mean another unit. */
static bool is_in_unit(const struct measure_row *row, const char *code, const char *unit)
{
    const char *meant = unit == NULL ? NULL : field_ucum(unit, row->key);
    if (code != NULL)
        return text_equal(code, row->unit);
    return unit == NULL || (meant == NULL ? row->unit[0] == '{' : text_equal(meant, row->unit));
}

/* The row whose range the value lies outside of, in the unit of that row; NULL: it may be so. */
static const struct measure_row *exceeded(const struct json *item, const struct json *piece)
{
    const char *word = json_get_text(item, "measure");
    const struct measure_row *row = word == NULL ? NULL : coding_measure(word);
    const char *number = json_number(json_get(item, "value"));
    const char *code = json_get_text(json_get(piece, "valueQuantity"), "code");
    if (row == NULL || row->lowest == NULL || row->highest == NULL || number == NULL ||
        row->unit == NULL || !is_in_unit(row, code, json_get_text(item, "unit")))
        return NULL;
    double value = strtod(number, NULL);
    return value < strtod(row->lowest, NULL) || value > strtod(row->highest, NULL) ? row : NULL;
}

/* PIECE, the Observation or its component, has a value that the measure cannot have: it keeps its
 * place, no chart shows it, and a person asks. */
static void doubt_value(struct field_job *job, struct json *item, const struct json *piece)
{
    const struct measure_row *row = exceeded(item, piece);
    if (row == NULL)
        return;
    standing_leave_out(
        job, job->resource, "Observation", piece, "valueQuantity",
        arena_print(job->arena, "Not filed as a fact: %s is said to be %.20s; expected %s to %s",
                    row->label, json_number(json_get(item, "value")), row->lowest, row->highest));
    json_put_text(job->arena, item, "standing", "preliminary");
    job->keeps_standing = true;
}

/* What of the Observation tells when it was made, in whatever form; NULL: it is of the visit. */
static const struct json *time_of(const struct json *observation)
{
    static const char stem[] = "effective";
    const struct json *member = json_first(observation);
    while (member != NULL && !text_starts(json_key(member) + (json_key(member)[0] == '_'), stem))
        member = json_next(member);
    return member;
}

/* A time that is no day ("2026-08", nobody knows when) is not the day of the visit, which holds
 * where nothing is told. */
static void doubt_day(struct field_job *job, struct json *item, const struct json *observation)
{
    const struct json *time = time_of(observation);
    if (time == NULL || json_get(item, "measured_on") != NULL ||
        json_get(job->record, "visit_at") == NULL)
        return;
    standing_leave_out(
        job, job->resource, "Observation", observation, json_key(time),
        "Not filed as a fact: its time is no one day, and the day of the visit would "
        "hold where none is told");
    json_put_text(job->arena, item, "standing", "preliminary");
    job->keeps_standing = true;
}

/* PIECE of OBSERVATION, itself or its component, has the value. */
static void add_measurement(struct field_job *job, const struct map_part *part, struct json *item,
                            const struct json *observation, const struct json *piece)
{
    struct json *list = json_get(job->record, part->local);
    if (list == NULL)
        list = json_set(job->arena, job->record, part->local, json_new_list(job->arena));
    json_put_text(job->arena, item, "standing", job->standing);
    job->keeps_standing = job->keeps_standing || job->standing != NULL;
    if (job->standing == NULL)
        doubt_value(job, item, piece);
    if (json_get(item, "standing") == NULL)
        doubt_day(job, item, observation);
    json_push(list, item);
}

/* Whether VALUE is a number: nothing is measured where there is none, or only a limit ("< 5"). */
static bool has_value(struct field_job *job, const struct json *value)
{
    return json_number(json_get(value, "value")) != NULL && !standing_is_limit(job, value);
}

/* The one of the two numbers that was not taken, as pressure() tells it. */
static bool is_absent(struct field_job *job, struct json *piece)
{
    struct json *reason = json_get(piece, "dataAbsentReason");
    if (!field_has_code(reason, absent_system, "not-performed") ||
        json_get(piece, "valueQuantity") != NULL)
        return false;
    measure_of(job, json_get(piece, "code"), NULL);
    json_mark(reason);
    return true;
}

static void read_pressure(struct field_job *job, const struct map_part *part,
                          struct json *observation)
{
    struct json *shared = json_new_object(job->arena);
    field_mark_concept(job, json_get(observation, "code"), panel_concept(job));
    json_put_text(job->arena, shared, "measure", "blood-pressure");
    field_read(job, part->rows, observation, shared);
    for (struct json *piece = json_first(json_get(observation, "component")); piece != NULL;
         piece = json_next(piece)) {
        struct json *item = json_new_object(job->arena);
        if (is_absent(job, piece) || !has_value(job, json_get(piece, "valueQuantity")))
            continue;
        const char *word = measure_of(job, json_get(piece, "code"), NULL);
        if (word == NULL ||
            !field_read_quantity(job, json_get(piece, "valueQuantity"), "value", item))
            continue;
        json_put_text(job->arena, item, "measure", word);
        json_put(item, "measured_on", json_copy_nodes(job->arena, json_get(shared, "measured_on")));
        json_put(item, "note", json_copy_nodes(job->arena, json_get(shared, "note")));
        add_measurement(job, part, item, observation, piece);
    }
}

void map_read_measurement(struct field_job *job, const struct map_part *part,
                          struct json *observation)
{
    struct json *code = json_get(observation, "code");
    job->standing = standing_word(part->type, observation);
    if (field_has_code(code, loinc, "85354-9")) {
        read_pressure(job, part, observation);
        return;
    }
    if (!has_value(job, json_get(observation, "valueQuantity")) ||
        measure_of(job, code, NULL) == NULL)
        return; /* no number, or not one of our measures: all of it is told as received */
    struct json *item = json_new_object(job->arena);
    field_read(job, part->rows, observation, item);
    add_measurement(job, part, item, observation, observation);
}

/* ---- palpation ---- */

static const struct field_code palpation = {"/CodeSystem/measure", "palpation", "Palpation",
                                            "Palpation"};
static const struct field_unit score = {"{score}", "{score}", 0};

const struct field map_palpation[] = {
    {NULL, "status", &field_constant, "final"},
    {NULL, "code", &field_fixed_concept, &palpation},
    {NULL, "category[0]", &category, NULL},
    {NULL, "subject", &field_link, "Patient"},
    {NULL, "encounter", &field_link, "Encounter"},
    {NULL, "basedOn[0]", &field_of_referral, NULL},
    {NULL, "effectiveDateTime", &map_visit_time, NULL},
    {NULL, "performer[0]", &map_author, NULL},
    {"tenderness_0_to_4", "valueQuantity", &field_measured, &score},
    {NULL, "bodySite", &field_site, NULL},
    {"finding", "note[0]", &map_note, NULL},
    {"finding", "note", &map_notes, "; "},
    FIELD_END};

/* ---- better, same or worse after the visit ---- */

static const struct field_code rating = {"/CodeSystem/measure", "response-rating",
                                         "Better, same or worse after the visit",
                                         "Better, same or worse after the visit"};
static const struct field_code therapy = {
    "http://terminology.hl7.org/CodeSystem/observation-category", "therapy", "Therapy", "Therapy"};
static const struct field_term rating_terms[] = {{"better", "Better", NULL, NULL},
                                                 {"same", "Same", NULL, NULL},
                                                 {"worse", "Worse", NULL, NULL},
                                                 {NULL, NULL, NULL, NULL}};
static const struct field_terms ratings = {"response-rating", rating_terms};

static struct json *write_interpretation(struct field_job *job, const struct field *field,
                                         const struct json *value)
{
    static const struct field_codes interpretations = {"interpretation", false};
    const char *word = json_get_text(value, "response_rating");
    (void)field;
    return field_row(job, "interpretation", word) == NULL
               ? NULL
               : field_concept_of(job, &interpretations, word);
}

static struct json *read_interpretation(struct field_job *job, const struct field *field,
                                        struct json *node, struct json *into)
{
    struct json *expected = write_interpretation(job, field, into);
    if (expected != NULL)
        field_mark_concept(job, node, expected);
    return NULL;
}

static const struct field_kind interpretation = {write_interpretation, read_interpretation};

const struct field map_response_rating[] = {
    {NULL, "status", &field_constant, "final"},
    {NULL, "code", &field_fixed_concept, &rating},
    {NULL, "category[0]", &field_fixed_concept, &therapy},
    {NULL, "subject", &field_link, "Patient"},
    {NULL, "encounter", &field_link, "Encounter"},
    {NULL, "basedOn[0]", &field_of_referral, NULL},
    {NULL, "effectiveDateTime", &map_visit_time, NULL},
    {NULL, "performer[0]", &map_author, NULL},
    {"response_rating", "valueCodeableConcept", &field_local_concept, &ratings},
    {NULL, "interpretation[0]", &interpretation, NULL},
    FIELD_END};
