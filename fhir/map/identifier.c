/* identifier: see identifier.h. Codes are those of HL7 v2 table 0203. */
#include "fhir/map/identifier.h"

#include "fhir/map/people.h"

static const char *type_code(const struct json *identifier)
{
    struct json *coding = json_first(json_get(json_get(identifier, "type"), "coding"));
    while (coding != NULL && json_get_text(coding, "code") == NULL)
        coding = json_next(coding);
    return json_get_text(coding, "code");
}

/* ---- the record's own ---- */

static struct json *write_record_number(struct field_job *job, const struct field *field,
                                        const struct json *value)
{
    struct json *identifier = field_new_identifier(
        job, NULL, people_system(job, job->clinic, "record"), json_text(value));
    if (field->option == NULL)
        return identifier;
    struct json *list = json_new_list(job->arena);
    json_push(list, identifier);
    return list;
}

static struct json *read_record_number(struct field_job *job, const struct field *field,
                                       struct json *node, struct json *into)
{
    struct json *identifier = choice_best(job, node, choice_of_value, NULL);
    (void)field;
    (void)into;
    json_mark(identifier);
    return json_copy_nodes(job->arena, json_get(identifier, "value"));
}

const struct field_kind map_record_number = {write_record_number, read_record_number};

/* ---- a number alone ---- */

static struct json *write_bare_number(struct field_job *job, const struct field *field,
                                      const struct json *value)
{
    struct json *list = json_new_list(job->arena);
    (void)field;
    if (text_is_blank(json_text(value)))
        return NULL;
    struct json *identifier = json_push(list, json_new_object(job->arena));
    json_put(identifier, "value", json_copy_nodes(job->arena, value));
    return list;
}

static bool judge_bare(struct field_job *job, struct json *identifier, const void *option,
                       struct choice *ret_choice)
{
    return type_code(identifier) == NULL && choice_of_value(job, identifier, option, ret_choice);
}

static struct json *read_bare_number(struct field_job *job, const struct field *field,
                                     struct json *node, struct json *into)
{
    struct json *value = json_get(choice_best(job, node, judge_bare, NULL), "value");
    (void)field;
    (void)into;
    json_mark(value);
    return json_copy_nodes(job->arena, value);
}

const struct field_kind map_bare_number = {write_bare_number, read_bare_number};

/* ---- an order's ---- */

/* Numbers that an order may have beside the placer's own: of a group of orders, of the filler, of
 * a visit, of a sample, of people. */
static bool is_another_sort(const char *code)
{
    static const char *const codes[] = {"FILL", "PGN", "FGN", "ACSN", "LACSN", "VN",
                                        "AN",   "MR",  "PI",  "PT",   "SS",    "MB",
                                        "NPI",  "PRN", "UDI", "SNO",  NULL};
    return text_is_one_of(code, codes);
}

static bool is_of_another_sort(const struct json *type)
{
    const struct json *coding = json_first(json_get(type, "coding"));
    while (coding != NULL && !is_another_sort(json_get_text(coding, "code")))
        coding = json_next(coding);
    return coding != NULL;
}

bool identifier_of_order(struct field_job *job, struct json *identifier, const void *option,
                         struct choice *ret_choice)
{
    const struct json *type = json_get(identifier, "type");
    if (option != NULL ? !field_has_code(type, NULL, option) : is_of_another_sort(type))
        return false;
    if (!choice_of_value(job, identifier, NULL, ret_choice) ||
        choice_time(job, identifier) == CHOICE_ENDED)
        return false;
    if (option == NULL && !field_has_code(type, NULL, "PLAC"))
        ret_choice->rank += type_code(identifier) == NULL ? 100 : 200;
    return true;
}
