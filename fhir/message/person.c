/* person: two Patients compared by what each says. See message/person.h for what counts
 * more than what. */
#include "fhir/message/person.h"

#include <string.h>

#include "fhir/client/name.h"
#include "fhir/field/choice.h"
#include "fhir/map/map.h"

enum { NUMBERS_MAX = 64, NAMES_MAX = 8, LINKS_MAX = 16 }; /* of a Patient that are compared */

enum answer { NOTHING, SAME, OTHER_FAMILY, OTHER };

/* ---- numbers ---- */

bool person_same_number(const struct json *one, const struct json *other)
{
    const char *value = json_get_text(one, "value");
    const char *system = json_get_text(one, "system");
    return value != NULL && text_equal(value, json_get_text(other, "value")) && system != NULL &&
           text_equal(system, json_get_text(other, "system"));
}

static bool is_current(const struct field_job *job, const struct json *identifier)
{
    return choice_time(job, identifier) == CHOICE_CURRENT;
}

static bool is_record_number(const struct field_job *job, const struct json *identifier)
{
    return json_get_text(identifier, "system") != NULL &&
           json_get_text(identifier, "value") != NULL && is_current(job, identifier) &&
           field_has_code(json_get(identifier, "type"), NULL, "MR");
}

/* Record numbers where both have one of the same system. */
static enum answer record_numbers(const struct field_job *job, const struct json *one,
                                  const struct json *other)
{
    enum answer answer = NOTHING;
    size_t i = 0;
    for (const struct json *left = json_first(json_get(one, "identifier"));
         left != NULL && i < NUMBERS_MAX; left = json_next(left), i++) {
        size_t j = 0;
        if (!is_record_number(job, left))
            continue;
        for (const struct json *right = json_first(json_get(other, "identifier"));
             right != NULL && j < NUMBERS_MAX; right = json_next(right), j++) {
            if (!text_equal(json_get_text(left, "system"), json_get_text(right, "system")) ||
                !is_record_number(job, right))
                continue;
            if (person_same_number(left, right))
                return SAME;
            answer = OTHER;
        }
    }
    return answer;
}

bool person_has_number(struct field_job *job, const struct json *patient,
                       const struct json *identifier)
{
    size_t i = 0;
    for (const struct json *item = json_first(json_get(patient, "identifier"));
         item != NULL && i < NUMBERS_MAX; item = json_next(item), i++) {
        if (person_same_number(item, identifier) && is_current(job, item) &&
            client_number_is_personal(item) && client_number_is_personal(identifier))
            return true;
    }
    return false;
}

static bool share_number(struct field_job *job, const struct json *one, const struct json *other)
{
    size_t i = 0;
    for (const struct json *item = json_first(json_get(one, "identifier"));
         item != NULL && i < NUMBERS_MAX; item = json_next(item), i++) {
        if (is_current(job, item) && person_has_number(job, other, item))
            return true;
    }
    return false;
}

/* ---- birth date, gender, names ---- */

/* "1980" and "1980-02-03" do not contradict each other. */
static enum answer birth_dates(const struct json *one, const struct json *other)
{
    const char *left = json_get_text(one, "birthDate");
    const char *right = json_get_text(other, "birthDate");
    if (left == NULL || right == NULL)
        return NOTHING;
    size_t length = strlen(left) < strlen(right) ? strlen(left) : strlen(right);
    return strncmp(left, right, length) != 0 ? OTHER : strcmp(left, right) == 0 ? SAME : NOTHING;
}

static bool is_told(const char *gender)
{
    return text_equal(gender, "male") || text_equal(gender, "female");
}

static bool differ_in_gender(const struct json *one, const struct json *other)
{
    const char *left = json_get_text(one, "gender");
    const char *right = json_get_text(other, "gender");
    return is_told(left) && is_told(right) && strcmp(left, right) != 0;
}

static const char *joined(struct field_job *job, const struct json *list)
{
    struct text text = text_new(job->arena, 1000);
    for (const struct json *word = json_first(list); word != NULL; word = json_next(word))
        text_print(&text, "%s%s", text.length == 0 ? "" : " ",
                   json_text(word) == NULL ? "" : json_text(word));
    return text.length == 0 ? NULL : text.at;
}

static bool has_same_given(const struct json *one, const struct json *other)
{
    const struct json *first = json_first(json_get(one, "given"));
    return first != NULL && json_same(first, json_first(json_get(other, "given")));
}

/* Jr. and Sr. are two people. */
static enum answer one_name(struct field_job *job, const struct json *one, const struct json *other)
{
    const struct client_name left = {json_get_text(one, "family"),
                                     joined(job, json_get(one, "given")), NULL};
    const struct client_name right = {json_get_text(other, "family"),
                                      joined(job, json_get(other, "given")), NULL};
    const struct json *suffix = json_get(one, "suffix");
    const struct json *theirs = json_get(other, "suffix");
    if (suffix != NULL && theirs != NULL && !json_same(suffix, theirs))
        return OTHER;
    switch (client_name_compare(&left, &right)) {
    case CLIENT_NAME_AGREES:
        return SAME;
    case CLIENT_NAME_UNKNOWN:
        return NOTHING;
    case CLIENT_NAME_OTHER_FAMILY:
        return has_same_given(one, other) ? OTHER_FAMILY : OTHER;
    default:
        return OTHER;
    }
}

/* SAME when any two agree; else the mildest of what they say, OTHER at worst. */
static enum answer names(struct field_job *job, const struct json *one, const struct json *other)
{
    enum answer answer = NOTHING;
    size_t i = 0;
    for (const struct json *left = json_first(json_get(one, "name")); left != NULL && i < NAMES_MAX;
         left = json_next(left), i++) {
        size_t j = 0;
        for (const struct json *right = json_first(json_get(other, "name"));
             right != NULL && j < NAMES_MAX; right = json_next(right), j++) {
            enum answer found = one_name(job, left, right);
            if (found == SAME)
                return SAME;
            if (found != NOTHING && (answer == NOTHING || found < answer))
                answer = found;
        }
    }
    return answer;
}

/* ---- all together ---- */

/* R4 Patient.link: "another patient resource that concerns the same actual patient". */
static bool links_to(struct field_job *job, const struct message_entry *one,
                     const struct message_entry *other)
{
    const struct json *holder = entries_holder(one);
    size_t i = 0;
    for (const struct json *link = json_first(json_get(one->resource, "link"));
         link != NULL && i < LINKS_MAX; link = json_next(link), i++) {
        if (entries_resolve_in(job, json_get(link, "other"), holder) == other)
            return true;
    }
    return false;
}

static bool is_patient(const struct message_entry *entry)
{
    return entries_is(entry, "Patient");
}

static bool compare(struct field_job *job, const struct message_entry *one,
                    const struct message_entry *other)
{
    if (one == other)
        return true;
    if (!is_patient(one) || !is_patient(other))
        return false;
    if (links_to(job, one, other) || links_to(job, other, one))
        return true;
    enum answer number = record_numbers(job, one->resource, other->resource);
    enum answer birth = birth_dates(one->resource, other->resource);
    if (number == OTHER || birth == OTHER || differ_in_gender(one->resource, other->resource))
        return false;
    enum answer name = names(job, one->resource, other->resource);
    if (number == SAME)
        return name != OTHER; /* the family name alone may change */
    if (name >= OTHER_FAMILY)
        return false;
    return share_number(job, one->resource, other->resource) || (name == SAME && birth == SAME);
}

bool person_is_one(struct field_job *job, struct message_entry *one, struct message_entry *other)
{
    if (other->compared != one) { /* each of many References asks again */
        other->is_same_person = compare(job, one, other);
        other->compared = one;
    }
    return other->is_same_person;
}
