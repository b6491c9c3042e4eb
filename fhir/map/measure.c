/* measure: see measure.h. Our own code always goes first: LOINC has none for most motions. */
#include "fhir/map/measure.h"

#include <string.h>

#include "fhir/field/choice.h"

static const char measure_system[] = "/CodeSystem/measure";

static const char *motion_text(struct field_job *job, const char *key)
{
    struct json *parts = json_new_object(job->arena);
    if (!measure_split_motion(job, key, parts))
        return NULL;
    const char *word =
        field_join(job, json_get_text(parts, "joint"), "-", json_get_text(parts, "motion"));
    return arena_print(job->arena, "%s, %s range of motion", field_sentence(job, word),
                       json_get_text(parts, "how"));
}

static const char *text_of(struct field_job *job, const char *key)
{
    const struct measure_row *measure = coding_measure(key);
    if (measure != NULL)
        return measure->label;
    const char *motion = motion_text(job, key);
    return motion != NULL ? motion : field_display(job, "observation", key);
}

struct json *measure_concept(struct field_job *job, const char *key, const char *side)
{
    const struct coding *coding = job->context->coding;
    const char *text = text_of(job, key);
    const char *sided = side == NULL ? NULL : field_join(job, key, "-", side);
    struct json *concept = field_new_concept(job, NULL);
    field_add_coding(job, concept, field_uri(job, measure_system), key, text);
    const struct coding_row *of_side = field_row(job, "observation", sided);
    if (of_side != NULL)
        field_add_row(job, concept, of_side);
    for (const struct coding_row *row = coding_next(coding, "observation", key, NULL); row != NULL;
         row = coding_next(coding, "observation", key, row)) {
        if (!row->is_local)
            field_add_row(job, concept, row);
        const struct coding_row *panel = field_row(job, "observation", row->also[0]);
        if (panel != NULL)
            field_add_row(job, concept, panel);
    }
    json_put_text(job->arena, concept, "text", text);
    return concept;
}

/* A motion's key without the side that a standard code may carry. */
static const char *without_side(struct field_job *job, const char *key, const char **ret_side)
{
    static const char *const sides[] = {"left", "right"};
    for (size_t i = 0; i < 2; i++) {
        const char *tail = i == 0 ? "-left" : "-right";
        if (!text_ends(key, tail))
            continue;
        if (ret_side != NULL)
            *ret_side = sides[i];
        return arena_copy_n(job->arena, key, strlen(key) - strlen(tail));
    }
    return key;
}

static bool is_known(struct field_job *job, const char *key)
{
    return coding_measure(key) != NULL ||
           measure_split_motion(job, key, json_new_object(job->arena));
}

/* Our word of one coding: our own code, else a standard code the tables know as a measure. */
static const char *word_of(struct field_job *job, const struct json *coding, const char **ret_side)
{
    const char *code = json_get_text(coding, "code");
    if (field_is_ours(job, json_get_text(coding, "system"), measure_system))
        return is_known(job, code) ? code : NULL;
    const struct coding_row *row = field_find_row(job, "observation", coding);
    const char *key = row == NULL ? NULL : without_side(job, row->key, ret_side);
    return key != NULL && is_known(job, key) ? key : NULL;
}

/* Without a side and with the one that was told. */
static void mark_words(struct field_job *job, struct json *concept, const char *word,
                       const char *side)
{
    field_mark_concept(job, concept, measure_concept(job, word, NULL));
    if (side != NULL)
        field_mark_concept(job, concept, measure_concept(job, word, side));
}

/* Our own code, else what a user chose, else the first by alphabet. */
static bool judge_measure(struct field_job *job, struct json *coding, const void *option,
                          struct choice *ret_choice)
{
    (void)option;
    ret_choice->first = word_of(job, coding, &ret_choice->second);
    ret_choice->rank = field_is_ours(job, json_get_text(coding, "system"), measure_system) ? 0 : 2;
    ret_choice->rank += json_true(json_get(coding, "userSelected")) ? 0 : 1;
    return ret_choice->first != NULL;
}

/* The side that the codings of WORD tell, unless they tell both. */
static const char *side_of(const struct choice *choices, size_t count, const char *word)
{
    const char *side = NULL;
    for (size_t i = 0; i < count; i++) {
        if (choices[i].second == NULL || strcmp(choices[i].first, word) != 0)
            continue;
        if (side != NULL && strcmp(side, choices[i].second) != 0)
            return NULL;
        side = choices[i].second;
    }
    return side;
}

const char *measure_of(struct field_job *job, struct json *concept, const char **ret_side)
{
    struct choice *choices = NULL;
    size_t count = choice_all(job, json_get(concept, "coding"), judge_measure, NULL, &choices);
    if (count == 0)
        return NULL;
    const char *side = side_of(choices, count, choices[0].first);
    mark_words(job, concept, choices[0].first, side);
    if (ret_side != NULL)
        *ret_side = side;
    return choices[0].first;
}

/* ---- motions ---- */

struct joint {
    const char *joint, *area; /* area: of code tables kind bodysite */
};
static const struct joint joints[] = {{"neck", "neck"},         {"upper-back", "thoracic-spine"},
                                      {"shoulder", "shoulder"}, {"lower-back", "lumbar-spine"},
                                      {"elbow", "elbow"},       {"forearm", "forearm"},
                                      {"wrist", "wrist"},       {"hip", "hip"},
                                      {"knee", "knee"},         {"ankle", "ankle-joint"},
                                      {"jaw", "jaw"},           {NULL, NULL}};

const char *measure_area(const struct json *measurement)
{
    const char *joint = json_get_text(measurement, "joint");
    for (const struct joint *row = joints; joint != NULL && row->joint != NULL; row++) {
        if (strcmp(row->joint, joint) == 0)
            return row->area;
    }
    return text_equal(json_get_text(measurement, "measure"), "grip-strength") ? "hand" : NULL;
}

const char *measure_motion_key(struct field_job *job, const struct json *measurement)
{
    const char *joint = json_get_text(measurement, "joint");
    const char *motion = json_get_text(measurement, "motion");
    const char *how = json_get_text(measurement, "how");
    if (joint == NULL || motion == NULL)
        return "range-of-motion";
    return arena_print(job->arena, "rom-%s-%s-%s", joint, motion, how == NULL ? "active" : how);
}

static const char *motion_start(const char *after_rom, const char **ret_joint)
{
    for (const struct joint *row = joints; row->joint != NULL; row++) {
        size_t length = strlen(row->joint);
        if (strncmp(after_rom, row->joint, length) == 0 && after_rom[length] == '-') {
            *ret_joint = row->joint;
            return after_rom + length + 1;
        }
    }
    return NULL;
}

bool measure_split_motion(struct field_job *job, const char *key, struct json *into)
{
    const char *joint = NULL;
    const char *motion = text_starts(key, "rom-") ? motion_start(key + 4, &joint) : NULL;
    const char *how = motion == NULL                  ? NULL
                      : text_ends(motion, "-active")  ? "active"
                      : text_ends(motion, "-passive") ? "passive"
                                                      : NULL;
    if (how == NULL)
        return false;
    size_t length = strlen(motion) - strlen(how) - 1;
    json_put_text(job->arena, into, "joint", joint);
    json_put_text(job->arena, into, "motion", arena_copy_n(job->arena, motion, length));
    json_put_text(job->arena, into, "how", how);
    return true;
}
