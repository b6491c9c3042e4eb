/* flag: a precaution <-> Flag, and a technique that must not be used -> Flag. */
#include "fhir/map/map.h"

static const struct field_term levels[] = {{"caution", "Caution", NULL, NULL},
                                           {"avoid-area", "Avoid the area", NULL, NULL},
                                           {"do-not-treat", "Do not treat", NULL, NULL},
                                           {NULL, NULL, NULL, NULL}};
static const struct field_terms precaution_levels = {"precaution-level", levels};

static const struct field_code safety = {"http://terminology.hl7.org/CodeSystem/flag-category",
                                         "safety", "Safety", NULL};

const struct field map_precaution[] = {
    {NULL, "status", &field_constant, "active"},
    {NULL, "category[0]", &field_fixed_concept, &safety},
    {"level", "category[+]", &field_local_concept, &precaution_levels},
    {"text", "code.text", &field_plain, NULL},
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
