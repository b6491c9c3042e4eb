/* condition: a diagnosis <-> Condition; of an order that names none, the codes of its reasons.
 * Used by the kinds of record (fhir/message). Pure; what is read lives in the arena of the job. */
#include <string.h>

#include "fhir/field/choice.h"
#include "fhir/map/part.h"
#include "fhir/map/timing.h"

struct code_list {
    const char *word, *system;
};
/* As the vocabulary prefers them. The first system of a word is written, the others are read too.
 */
static const struct code_list code_lists[] = {{"icd-10-cm", "http://hl7.org/fhir/sid/icd-10-cm"},
                                              {"icd-10-cm", "urn:oid:2.16.840.1.113883.6.90"},
                                              {"icd-10", "http://hl7.org/fhir/sid/icd-10"},
                                              {"icd-10", "urn:oid:2.16.840.1.113883.6.3"},
                                              {"snomed", "http://snomed.info/sct"},
                                              {"snomed", "urn:oid:2.16.840.1.113883.6.96"},
                                              {NULL, NULL}};

static const char *system_of(const char *word)
{
    for (const struct code_list *list = code_lists; list->word != NULL; list++) {
        if (text_equal(list->word, word == NULL ? "icd-10-cm" : word))
            return list->system;
    }
    return NULL;
}

static const struct code_list *list_of(const char *system)
{
    const struct code_list *list = code_lists;
    while (list->word != NULL && !text_equal(list->system, system))
        list++;
    return list->word == NULL ? NULL : list;
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

/* Of the code lists the one preferred; within it what a user chose, then the first by alphabet. */
static bool judge_code(struct field_job *job, struct json *coding, const void *option,
                       struct choice *ret_choice)
{
    const struct code_list *list = list_of(json_get_text(coding, "system"));
    (void)job;
    (void)option;
    ret_choice->first = json_get_text(coding, "code");
    if (list == NULL || ret_choice->first == NULL)
        return false;
    ret_choice->rank = 2 * (int)(list - code_lists);
    ret_choice->rank += json_true(json_get(coding, "userSelected")) ? 0 : 1;
    return true;
}

/* The code preferred, with its list; returns its Coding, or NULL. */
static struct json *read_code(struct field_job *job, struct json *concept, struct json *into)
{
    struct json *coding = choice_best(job, json_get(concept, "coding"), judge_code, NULL);
    if (coding == NULL || json_get(into, "code") != NULL)
        return NULL;
    const struct code_list *list = list_of(json_get_text(coding, "system"));
    json_put(into, "code", json_copy_nodes(job->arena, json_get(coding, "code")));
    json_set_text(job->arena, into, "code_system", list->word);
    json_mark(coding);
    return coding;
}

/* CODING: the one whose code was read; without one any may say what it is. */
static void read_text(struct field_job *job, struct json *concept, const struct json *coding,
                      struct json *into)
{
    struct json *text = json_get(concept, "text");
    if (text == NULL && coding != NULL)
        text = json_get(coding, "display");
    if (text == NULL)
        text = words_of(job, concept);
    if (json_text(text) == NULL)
        return;
    json_put(into, "text", json_copy_nodes(job->arena, text));
    if (text == json_get(coding, "display") || text == json_get(concept, "text"))
        json_mark(text); /* else it stays with its code, which is told as received */
}

static struct json *read_diagnosis(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    (void)field;
    read_text(job, node, read_code(job, node, into), into);
    return NULL;
}

bool map_has_reason_codes(struct field_job *job)
{
    for (const struct json *reason = json_first(json_get(job->main, "reasonCode")); reason != NULL;
         reason = json_next(reason)) {
        if (choice_best(job, json_get(reason, "coding"), judge_code, NULL) != NULL)
            return true;
    }
    return false;
}

void map_read_reason_codes(struct field_job *job)
{
    struct json *list = json_new_list(job->arena);
    if (json_first(json_get(job->record, "diagnoses")) != NULL)
        return;
    for (struct json *reason = json_first(json_get(job->main, "reasonCode")); reason != NULL;
         reason = json_next(reason)) {
        struct json *item = json_new_object(job->arena);
        const struct json *coding = read_code(job, reason, item);
        if (coding == NULL)
            continue;
        read_text(job, reason, coding, item);
        json_push(list, item);
    }
    if (json_first(list) != NULL)
        json_replace(job->arena, job->record, "diagnoses", list);
}

void map_tidy_diagnoses(struct field_job *job)
{
    for (struct json *item = json_first(json_get(job->record, "diagnoses")); item != NULL;
         item = json_next(item)) {
        if (json_get(item, "code") == NULL)
            json_remove(item, "code_system");
    }
}

static const struct field_kind diagnosis = {write_diagnosis, read_diagnosis};

static const struct field_code active = {"http://terminology.hl7.org/CodeSystem/condition-clinical",
                                         "active", "Active", NULL};

const struct field map_condition[] = {{NULL, "clinicalStatus", &field_fixed_concept, &active},
                                      {NULL, "code", &diagnosis, NULL},
                                      {NULL, "subject", &field_link, "Patient"},
                                      {"since", "onsetDateTime", &map_day, NULL},
                                      FIELD_END};
