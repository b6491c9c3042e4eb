/* flag: a precaution <-> Flag, and a technique that must not be used -> Flag. */
#include "fhir/field/choice.h"
#include "fhir/map/part.h"

/* The strictest first: of several that another system gives, that one holds. */
static const struct field_term levels[] = {{"do-not-treat", "Do not treat", NULL, NULL},
                                           {"avoid-area", "Avoid the area", NULL, NULL},
                                           {"caution", "Caution", NULL, NULL},
                                           {NULL, NULL, NULL, NULL}};
static const struct field_terms precaution_levels = {"precaution-level", levels};
static const struct field level_row = {"level", "", &field_local_concept, &precaution_levels};

static size_t place_of(const char *word)
{
    size_t place = 0;
    while (levels[place].word != NULL && !text_equal(levels[place].word, word))
        place++;
    return place;
}

static struct json *write_level(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    const struct json *level = json_get(value, "level");
    (void)field;
    return level == NULL ? NULL : level_row.kind->write(job, &level_row, level);
}

static struct json *read_level(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    struct json *level = level_row.kind->read(job, &level_row, node, into);
    (void)field;
    if (level != NULL && place_of(json_text(level)) < place_of(json_get_text(into, "level")))
        json_replace(job->arena, into, "level", level);
    return NULL; /* so that every category is looked at */
}

static const struct field_kind strictest = {write_level, read_level};

static const struct field_code safety = {"http://terminology.hl7.org/CodeSystem/flag-category",
                                         "safety", "Safety", NULL};

const struct field map_precaution[] = {{NULL, "status", &field_constant, "active"},
                                       {NULL, "category[0]", &field_fixed_concept, &safety},
                                       {NULL, "category[+]", &strictest, NULL},
                                       {"text", "code", &map_words, NULL},
                                       {NULL, "subject", &field_link, "Patient"},
                                       {NULL, "extension[+]", &field_flag_site, NULL},
                                       FIELD_END};

static const struct field_code avoid = {"/CodeSystem/flag-category", "technique-to-avoid",
                                        "Technique to avoid", NULL};
static const struct field_codes techniques = {"technique", false};

/* The local side is {word}: the list of the record holds plain words. */
const struct field map_avoid[] = {{NULL, "status", &field_constant, "active"},
                                  {NULL, "category[0]", &field_fixed_concept, &safety},
                                  {NULL, "category[1]", &field_fixed_concept, &avoid},
                                  {"word", "code", &field_concept, &techniques},
                                  {NULL, "subject", &field_link, "Patient"},
                                  FIELD_END};
