/* procedure: a technique <-> Procedure; how the client took the visit <-> a Procedure for the
 * visit.
 *
 * R4 has no duration for a Procedure, so a technique's minutes are a Period: the techniques of a
 * visit follow one another from its start (docs/wire-profile.md). */
#include "fhir/field/choice.h"
#include "fhir/map/timing.h"
#include "fhir/map/visit.h"

static const struct field_codes techniques = {"technique", false};

/* ---- the technique: a word, or `other` with what it was as the text of the concept ---- */

static bool is_other(const struct json *technique)
{
    return text_equal(json_get_text(technique, "technique"), "other");
}

static struct json *write_technique(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    const char *text = is_other(value) ? json_get_text(value, "text") : NULL;
    struct json *concept = field_concept_of(job, &techniques, json_get_text(value, "technique"));
    (void)field;
    if (concept != NULL && text != NULL)
        json_replace(job->arena, concept, "text", json_new_text(job->arena, text));
    return concept;
}

static struct json *read_technique(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    const char *word = field_word_of(job, techniques.kind, node);
    const char *text = json_get_text(node, "text");
    (void)field;
    if (word == NULL)
        return NULL;
    bool is_told = text_equal(word, "other") && text != NULL &&
                   !text_equal(text, field_display(job, techniques.kind, word));
    json_put(into, "technique", json_new_lasting(job->arena, word));
    if (is_told)
        json_put(into, "text", json_copy_nodes(job->arena, json_get(node, "text")));
    field_mark_word(job, node, &techniques, word, is_told ? text : NULL);
    return NULL;
}

static const struct field_kind technique = {write_technique, read_technique};

/* ---- the Period; `starts_after` is put on the item while it is written ---- */

static struct json *write_period(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    const char *visit = json_get_text(job->record, "visit_at");
    long after = 0;
    long minutes = 0;
    (void)field;
    if (!json_whole(json_get(value, "minutes"), &minutes))
        return NULL;
    json_whole(json_get(value, "starts_after"), &after);
    const char *start = timing_later(job, visit, after);
    const char *end = timing_later(job, visit, after + minutes);
    if (start == NULL) { /* no time to count from */
        field_keep(job, "minutes", json_get(value, "minutes"));
        return NULL;
    }
    struct json *period = json_new_object(job->arena);
    json_set_text(job->arena, period, "start", start);
    json_set_text(job->arena, period, "end", end);
    return period;
}

static struct json *read_period(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    long minutes = 0;
    (void)field;
    if (!timing_between(json_get_text(node, "start"), json_get_text(node, "end"), &minutes) ||
        minutes == 0)
        return NULL;
    json_put(into, "minutes", json_new_whole(job->arena, minutes));
    json_mark(node);
    return NULL;
}

static const struct field_kind period = {write_period, read_period};

const struct field map_procedure[] = {{NULL, "status", &field_constant, "completed"},
                                      {NULL, "code", &technique, NULL},
                                      {NULL, "subject", &field_link, "Patient"},
                                      {NULL, "encounter", &field_link, "Encounter"},
                                      {NULL, "basedOn[0]", &field_of_referral, NULL},
                                      {NULL, "performedPeriod", &period, NULL},
                                      {NULL, "performer[0].actor", &map_author, NULL},
                                      {NULL, "bodySite[0]", &field_site, NULL},
                                      FIELD_END};

void map_write_techniques(struct field_job *job, const struct map_part *part)
{
    long after = 0;
    job->list = part->local;
    job->index = 0;
    for (struct json *item = json_first(json_get(job->record, part->local)); item != NULL;
         item = json_next(item), job->index++) {
        struct json *placed = json_copy_nodes(job->arena, item);
        long minutes = 0;
        json_put(placed, "starts_after", json_new_whole(job->arena, after));
        map_add_part(job, part, placed,
                     arena_print(job->arena, "%s/%zu", part->name, job->index + 1));
        if (json_whole(json_get(item, "minutes"), &minutes))
            after += minutes;
    }
    job->list = NULL;
}

/* ---- the visit as a whole ---- */

static const struct field_code session = {"/CodeSystem/procedure", "session", "Treatment session",
                                          "Treatment session"};

const struct field map_session[] = {{NULL, "status", &field_constant, "completed"},
                                    {NULL, "code", &field_fixed_concept, &session},
                                    {NULL, "subject", &field_link, "Patient"},
                                    {NULL, "encounter", &field_link, "Encounter"},
                                    {NULL, "basedOn[0]", &field_of_referral, NULL},
                                    {NULL, "performedDateTime", &map_visit_time, NULL},
                                    {NULL, "performer[0].actor", &map_author, NULL},
                                    {"response", "outcome", &map_words, NULL},
                                    {"adverse_reaction", "complication", &map_words_of_all, NULL},
                                    FIELD_END};
