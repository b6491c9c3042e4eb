/* measure: see measure.h. Our own code always goes first: LOINC has none for most motions. */
#include "fhir/map/measure.h"

#include <string.h>

static const char measure_system[] = "/CodeSystem/measure";

static const char *motion_text(struct field_job *job, const char *key)
{
    struct json *parts = json_new_object(job->arena);
    if (!measure_split_motion(job, key, parts))
        return NULL;
    struct text text = text_new(job->arena, 200);
    text_print(&text, "%s-%s", json_get_text(parts, "joint"), json_get_text(parts, "motion"));
    return arena_print(job->arena, "%s, %s range of motion", field_sentence(job, text.at),
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

struct json *measure_concept(struct field_job *job, const char *key)
{
    const struct coding *coding = job->context->coding;
    const char *text = text_of(job, key);
    struct json *concept = field_new_concept(job, NULL);
    field_add_coding(job, concept, field_uri(job, measure_system), key, text);
    for (const struct coding_row *row = coding_next(coding, "observation", key, NULL); row != NULL;
         row = coding_next(coding, "observation", key, row)) {
        if (!row->is_local)
            field_add_row(job, concept, row);
        const struct coding_row *panel =
            row->also[0] == NULL ? NULL : coding_find(coding, "observation", row->also[0]);
        if (panel != NULL)
            field_add_row(job, concept, panel);
    }
    json_set_text(job->arena, concept, "text", text);
    return concept;
}

/* Our word of one coding: our own code, else a standard code the tables know as a measure. */
static const char *word_of(struct field_job *job, const struct json *coding)
{
    const char *code = json_get_text(coding, "code");
    if (field_is_ours(job, json_get_text(coding, "system"), measure_system))
        return coding_measure(code) != NULL ||
                       measure_split_motion(job, code, json_new_object(job->arena))
                   ? code
                   : NULL;
    const struct coding_row *row = field_find_row(job, "observation", coding);
    if (row == NULL)
        return NULL;
    if (coding_measure(row->key) != NULL)
        return row->key;
    return measure_split_motion(job, row->key, json_new_object(job->arena)) ? row->key : NULL;
}

const char *measure_of(struct field_job *job, struct json *concept)
{
    for (struct json *coding = json_first(json_get(concept, "coding")); coding != NULL;
         coding = json_next(coding)) {
        const char *word = word_of(job, coding);
        if (word == NULL)
            continue;
        field_mark_concept(job, concept, measure_concept(job, word));
        field_mark(job, coding);
        return word;
    }
    return NULL;
}

/* ---- motions ---- */

static const char *const joints[] = {"neck",  "upper-back", "lower-back", "shoulder",
                                     "elbow", "forearm",    "wrist",      "hip",
                                     "knee",  "ankle",      "jaw",        NULL};

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
    for (size_t i = 0; joints[i] != NULL; i++) {
        size_t length = strlen(joints[i]);
        if (strncmp(after_rom, joints[i], length) == 0 && after_rom[length] == '-') {
            *ret_joint = joints[i];
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
    json_set_text(job->arena, into, "joint", joint);
    json_set_text(job->arena, into, "motion", arena_copy_n(job->arena, motion, length));
    json_set_text(job->arena, into, "how", how);
    return true;
}
