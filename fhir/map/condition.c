/* condition: a diagnosis <-> Condition. */
#include <string.h>

#include "fhir/map/map.h"

struct code_list {
    const char *word, *system;
};
static const struct code_list code_lists[] = {{"icd-10-cm", "http://hl7.org/fhir/sid/icd-10-cm"},
                                              {"icd-10", "http://hl7.org/fhir/sid/icd-10"},
                                              {"snomed", "http://snomed.info/sct"},
                                              {NULL, NULL}};

static const char *system_of(const char *word)
{
    for (const struct code_list *list = code_lists; list->word != NULL; list++) {
        if (text_equal(list->word, word == NULL ? "icd-10-cm" : word))
            return list->system;
    }
    return NULL;
}

static const char *word_of(const char *system)
{
    for (const struct code_list *list = code_lists; list->word != NULL; list++) {
        if (text_equal(list->system, system))
            return list->word;
    }
    return NULL;
}

static struct json *write_diagnosis(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    const char *code = json_get_text(value, "code");
    const char *system = system_of(json_get_text(value, "code_system"));
    struct json *concept = json_new_object(job->arena);
    (void)field;
    if (code != NULL) {
        const struct coding_row *row =
            coding_find_code(job->context->coding, job->context->base, NULL, system, code);
        struct json *codings = json_put(concept, "coding", json_new_list(job->arena));
        json_push(codings, field_new_coding(job, system, code, row == NULL ? NULL : row->display));
    }
    json_set_text(job->arena, concept, "text", json_get_text(value, "text"));
    return concept;
}

static struct json *read_diagnosis(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    struct json *text = json_get(node, "text");
    (void)field;
    for (struct json *coding = json_first(json_get(node, "coding")); coding != NULL;
         coding = json_next(coding)) {
        const char *word = word_of(json_get_text(coding, "system"));
        if (word == NULL || json_get(coding, "code") == NULL || json_get(into, "code") != NULL)
            continue;
        json_put(into, "code", json_copy_nodes(job->arena, json_get(coding, "code")));
        json_set_text(job->arena, into, "code_system", word);
        json_mark(coding);
        if (text == NULL)
            text = json_get(coding, "display");
    }
    if (json_text(text) != NULL) {
        json_put(into, "text", json_copy_nodes(job->arena, text));
        json_mark(text);
    }
    return NULL;
}

static const struct field_kind diagnosis = {write_diagnosis, read_diagnosis};

static const struct field_code active = {"http://terminology.hl7.org/CodeSystem/condition-clinical",
                                         "active", "Active", NULL};

const struct field map_condition[] = {{NULL, "clinicalStatus", &field_fixed_concept, &active},
                                      {NULL, "code", &diagnosis, NULL},
                                      {NULL, "subject", &field_link, "Patient"},
                                      {"since", "onsetDateTime", &field_plain, NULL},
                                      FIELD_END};
