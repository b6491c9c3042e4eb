/* patient: the client fields of every record <-> Patient. */
#include <string.h>

#include "fhir/field/choice.h"
#include "fhir/map/client_number.h"
#include "fhir/map/contact.h"
#include "fhir/map/human_name.h"
#include "fhir/map/part.h"

/* ---- language: the value set of R4 is short, so the code goes where it is a member ---- */

static const char *const languages[] = {
    "ar",    "bn",    "cs",    "da",    "de",    "de-AT", "de-CH", "de-DE", "el",    "en",
    "en-AU", "en-CA", "en-GB", "en-IN", "en-NZ", "en-SG", "en-US", "es",    "es-AR", "es-ES",
    "es-UY", "fi",    "fr",    "fr-BE", "fr-CH", "fr-FR", "fy",    "fy-NL", "hi",    "hr",
    "it",    "it-CH", "it-IT", "ja",    "ko",    "nl",    "nl-BE", "nl-NL", "no",    "no-NO",
    "pa",    "pl",    "pt",    "pt-BR", "ru",    "ru-RU", "sr",    "sr-RS", "sv",    "sv-SE",
    "te",    "zh",    "zh-CN", "zh-HK", "zh-SG", "zh-TW", NULL};

/* The member of the value set that LANGUAGE is, or whose variant it is. */
static const char *member_of(const char *language)
{
    const char *found = NULL;
    for (size_t i = 0; languages[i] != NULL; i++) {
        size_t length = strlen(languages[i]);
        if (strncmp(languages[i], language, length) == 0 &&
            (language[length] == '\0' || language[length] == '-'))
            found = languages[i];
    }
    return found;
}

static struct json *write_language(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    const char *language = json_text(value);
    const char *code = member_of(language);
    struct json *concept = json_new_object(job->arena);
    (void)field;
    if (code != NULL) {
        struct json *codings = json_put(concept, "coding", json_new_list(job->arena));
        json_push(codings, field_new_coding(job, "urn:ietf:bcp:47", code, NULL));
    }
    json_set_text(job->arena, concept, "text", language);
    struct json *list = json_new_list(job->arena);
    struct json *communication = json_push(list, json_new_object(job->arena));
    json_put(communication, "language", concept);
    return list;
}

/* The coding of the value set before others, then as they sort. */
static bool judge_coding(struct field_job *job, struct json *coding, const void *option,
                         struct choice *ret_choice)
{
    (void)job;
    (void)option;
    ret_choice->first = json_get_text(coding, "code");
    ret_choice->rank = text_equal(json_get_text(coding, "system"), "urn:ietf:bcp:47") ? 0 : 2;
    ret_choice->rank += json_true(json_get(coding, "userSelected")) ? 0 : 1;
    return ret_choice->first != NULL;
}

static struct json *read_concept(struct field_job *job, struct json *concept)
{
    struct json *coding = choice_best(job, json_get(concept, "coding"), judge_coding, NULL);
    struct json *text = json_get(concept, "text");
    const char *code = json_get_text(coding, "code");
    size_t length = code == NULL ? 0 : strlen(code);
    bool is_variant = code != NULL && text_starts(json_text(text), code) &&
                      (json_text(text)[length] == '\0' || json_text(text)[length] == '-');
    json_mark(coding);
    if (code == NULL || is_variant)
        json_mark(text);
    return json_copy_nodes(job->arena,
                           code == NULL || is_variant ? text : json_get(coding, "code"));
}

/* The preferred one; who says of another that it is not preferred has that one last. */
static bool judge_communication(struct field_job *job, struct json *communication,
                                const void *option, struct choice *ret_choice)
{
    const struct json *preferred = json_get(communication, "preferred");
    const struct json *concept = json_get(communication, "language");
    struct json *coding = choice_best(job, json_get(concept, "coding"), judge_coding, NULL);
    (void)option;
    ret_choice->rank = preferred == NULL ? 1 : json_true(preferred) ? 0 : 2;
    ret_choice->first = json_get_text(coding, "code");
    ret_choice->second = json_get_text(concept, "text");
    return ret_choice->first != NULL || ret_choice->second != NULL;
}

static struct json *read_language(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    struct json *best = choice_best(job, node, judge_communication, NULL);
    struct json *preferred = json_get(best, "preferred");
    (void)field;
    (void)into;
    if (best == NULL)
        return NULL;
    if (json_true(preferred))
        json_mark(preferred);
    return read_concept(job, json_get(best, "language"));
}

static const struct field_kind language = {write_language, read_language};

static const struct human_name names = {NULL, "client_family_name", "client_given_names",
                                        "client_name_in_latin"};
static const struct contact contact = {"client_phone", "client_email", contact_uses_of_client};

const struct field map_patient[] = {{NULL, "identifier", &map_client_numbers, NULL},
                                    {NULL, "name", &map_human_name, &names},
                                    {NULL, "telecom", &map_contact, &contact},
                                    {"client_gender", "gender", &field_word, NULL},
                                    {"client_birth_date", "birthDate", &field_plain, NULL},
                                    {NULL, "address", &map_address, "client_address"},
                                    {"client_language", "communication", &language, NULL},
                                    FIELD_END};
