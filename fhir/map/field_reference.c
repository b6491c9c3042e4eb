/* field_reference: kinds of field that point at something: people, the client, numbers of records
 * and referrals; and the security labels. See field.h. */
#include "fhir/entries/entries.h"
#include "fhir/field/field.h"
#include "fhir/map/identifier.h"
#include "fhir/map/people.h"

#include <string.h>

/* ---- people and clinics ---- */

static struct json *write_person(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    (void)field;
    return people_reference(job, json_text(value));
}

static struct json *read_person(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    const char *handle = people_handle(job, node, job->resource);
    if (handle == NULL)
        return NULL;
    const char *there = field->local == NULL ? NULL : json_get_text(into, field->local);
    if (there == NULL || strcmp(there, handle) == 0)
        json_mark(node);
    return json_new_lasting(job->arena, handle);
}

const struct field_kind field_person = {write_person, read_person};

static struct json *write_one_person(struct field_job *job, const struct field *field,
                                     const struct json *value)
{
    struct json *list = json_new_list(job->arena);
    json_push(list, write_person(job, field, value));
    return json_first(list) == NULL ? NULL : list;
}

static struct json *read_one_person(struct field_job *job, const struct field *field,
                                    struct json *node, struct json *into)
{
    const char *clinic = field->option == NULL ? job->to : job->clinic;
    struct json *reference = people_choose(job, node, job->resource, clinic);
    return reference == NULL ? NULL : read_person(job, field, reference, into);
}

const struct field_kind field_one_person = {write_one_person, read_one_person};

static struct json *write_clinic(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    (void)field;
    return people_reference(job, people_clinic(job, json_text(value)));
}

const struct field_kind field_clinic = {write_clinic, read_person};

/* ---- other entries of the Bundle ---- */

static struct json *write_link(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    (void)value;
    return entries_has(job, field->option) ? entries_reference(job, field->option, NULL) : NULL;
}

struct json *field_read_link(struct field_job *job, const struct field *field, struct json *node,
                             struct json *into)
{
    (void)field;
    (void)into;
    if (entries_resolve(job, node) != NULL)
        json_mark(node);
    return NULL;
}

const struct field_kind field_link = {write_link, field_read_link};

/* ---- numbers ---- */

static const char *number_system(struct field_job *job, const struct field_number *option,
                                 const char *number)
{
    if (!option->is_referral)
        return people_system(job, job->clinic, "record");
    if (job->referral.placer != NULL && text_equal(number, job->referral.number))
        return people_system(job, job->referral.placer, "record");
    return NULL;
}

static struct json *write_number(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    const struct field_number *option = field->option;
    const char *number = json_text(value);
    const char *system = number_system(job, option, number);
    if (option->is_bare)
        return field_new_identifier(job, NULL, system, number);
    return entries_logical_reference(job, option->type, system, number);
}

/* The number as our words have it: of another clinic than the writer's or the placer's with its
 * name. */
static const char *number_of(struct field_job *job, const struct json *identifier)
{
    const char *value = json_get_text(identifier, "value");
    const char *clinic = people_system_clinic(job, json_get_text(identifier, "system"), "record");
    if (value == NULL || clinic == NULL || text_equal(clinic, job->clinic) ||
        text_equal(clinic, job->referral.placer))
        return value;
    return arena_print(job->arena, "%s:%s", clinic, value);
}

/* Its own number, as an order or any other resource has it. */
static const struct json *number_in(struct field_job *job, const struct json *resource)
{
    struct json *list = json_get(resource, "identifier");
    if (json_kind(list) == JSON_OBJECT) /* Composition has one */
        return list;
    struct json *number = choice_best(job, list, identifier_of_order, NULL);
    return number != NULL ? number : choice_best(job, list, choice_of_value, NULL);
}

static struct json *read_number(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    const struct field_number *option = field->option;
    (void)into;
    const struct json *identifier = option->is_bare ? node : json_get(node, "identifier");
    if (identifier == NULL) { /* a reference to a resource of the Bundle that has a number */
        struct message_entry *entry = entries_resolve(job, node);
        bool is_type =
            entry != NULL && (option->type == NULL || text_equal(entry->type, option->type));
        identifier = is_type ? number_in(job, entry->resource) : NULL;
    }
    const char *number = number_of(job, identifier);
    if (number == NULL)
        return NULL;
    json_mark(node);
    return json_new_lasting(job->arena, number);
}

const struct field_kind field_number = {write_number, read_number};

static struct json *write_of_referral(struct field_job *job, const struct field *field,
                                      const struct json *value)
{
    const char *system =
        job->referral.placer == NULL ? NULL : people_system(job, job->referral.placer, "record");
    (void)field;
    (void)value;
    return job->referral.number == NULL
               ? NULL
               : entries_logical_reference(job, "ServiceRequest", system, job->referral.number);
}

static struct json *read_of_referral(struct field_job *job, const struct field *field,
                                     struct json *node, struct json *into)
{
    (void)field;
    (void)into;
    const char *value = json_text(json_find(node, "identifier", "value", NULL));
    if (value == NULL ? entries_resolve(job, node) != NULL
                      : text_equal(value, job->referral.number))
        json_mark(node);
    return NULL;
}

const struct field_kind field_of_referral = {write_of_referral, read_of_referral};

/* ---- security labels; they are written by entries_add on everything made from the record ---- */

static struct json *write_sensitivity(struct field_job *job, const struct field *field,
                                      const struct json *value)
{
    (void)job;
    (void)field;
    (void)value;
    return NULL;
}

static struct json *read_sensitivity(struct field_job *job, const struct field *field,
                                     struct json *node, struct json *into)
{
    const struct coding_row *row = field_find_row(job, "sensitivity", node);
    if (row == NULL)
        return NULL; /* what is understood beside a word: message_labels */
    json_mark(node);
    const struct json *word = json_first(json_get(into, field->local));
    while (word != NULL && !text_equal(json_text(word), row->key))
        word = json_next(word);
    return word != NULL ? NULL : json_new_lasting(job->arena, row->key); /* each once */
}

const struct field_kind field_sensitivity = {write_sensitivity, read_sensitivity};
