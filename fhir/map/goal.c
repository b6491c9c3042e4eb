/* goal: a goal <-> Goal with one target. */
#include <string.h>

#include "fhir/field/choice.h"
#include "fhir/map/identifier.h"
#include "fhir/map/measure.h"
#include "fhir/map/part.h"

static const struct field_codes achievements = {"goal-status", true};

/* Achievement words are rows of the code tables with "goal-" in front. */
static struct json *write_achievement(struct field_job *job, const struct field *field,
                                      const struct json *value)
{
    const char *word = json_text(value);
    (void)field;
    if (word == NULL)
        return NULL;
    const char *key = arena_print(job->arena, "goal-%s", word);
    struct json *concept = field_concept_of(job, &achievements, key);
    json_remove(concept, "text");
    json_put_text(job->arena, concept, "text", field_sentence(job, word));
    return concept;
}

static struct json *read_achievement(struct field_job *job, const struct field *field,
                                     struct json *node, struct json *into)
{
    const char *key = field_word_of(job, "goal-status", node);
    (void)into;
    if (key == NULL)
        return NULL;
    struct json *word = json_new_text(job->arena, key + strlen("goal-"));
    field_mark_concept(job, node, write_achievement(job, field, word));
    return word;
}

static const struct field_kind achievement = {write_achievement, read_achievement};

static const struct field_word lifecycle[] = {{"achieved", "completed"},
                                              {"not-achieved", "completed"},
                                              {"not-attainable", "cancelled"},
                                              {NULL, NULL}};

static const char *lifecycle_of(const struct json *goal)
{
    const char *status = json_get_text(goal, "status");
    for (const struct field_word *word = lifecycle; word->local != NULL; word++) {
        if (text_equal(word->local, status))
            return word->fhir;
    }
    return "active";
}

/* Follows from the achievement; read only to see that it says nothing else. */
static struct json *write_lifecycle(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    (void)field;
    return json_new_text(job->arena, lifecycle_of(value));
}

static struct json *read_lifecycle(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    (void)job;
    (void)field;
    if (text_equal(json_text(node), lifecycle_of(into)))
        json_mark(node);
    return NULL;
}

static const struct field_kind lifecycle_status = {write_lifecycle, read_lifecycle};

/* gol-1: a target value needs its measure, so a goal without one says in words what is counted. */
static struct json *write_measure(struct field_job *job, const struct field *field,
                                  const struct json *value)
{
    const char *measure = json_get_text(value, "measure");
    (void)field;
    if (measure != NULL)
        return measure_concept(job, measure, NULL);
    if (json_get(value, "target") == NULL)
        return NULL;
    struct json *concept = json_new_object(job->arena);
    json_set_text(job->arena, concept, "text", "As the goal says");
    return concept;
}

static struct json *read_measure(struct field_job *job, const struct field *field,
                                 struct json *node, struct json *into)
{
    const char *measure = measure_of(job, node, NULL);
    (void)field;
    if (measure != NULL)
        json_put_text(job->arena, into, "measure", measure);
    else if (text_equal(json_get_text(node, "text"), "As the goal says"))
        json_mark(json_get(node, "text"));
    return NULL;
}

static const struct field_kind target_measure = {write_measure, read_measure};

/* A unit without a value has no Quantity to stand in. */
static struct json *write_target(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    if (json_get(value, "target") == NULL && json_get(value, "unit") != NULL)
        field_keep(job, "unit", json_get(value, "unit"));
    return field_quantity.write(job, field, value);
}

static struct json *read_target(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    return field_quantity.read(job, field, node, into);
}

static const struct field_kind target_value = {write_target, read_target};

const struct field map_goal[] = {{"goal_id", "identifier", &map_bare_number, NULL},
                                 {"status", "achievementStatus", &achievement, NULL},
                                 {NULL, "lifecycleStatus", &lifecycle_status, NULL},
                                 {"text", "description", &map_words, NULL},
                                 {NULL, "subject", &field_link, "Patient"},
                                 {NULL, "target[0].measure", &target_measure, NULL},
                                 {NULL, "target[0].detailQuantity", &target_value, "target"},
                                 {"due_on", "target[0].dueDate", &field_plain, NULL},
                                 FIELD_END};
