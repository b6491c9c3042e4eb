/* patient: the client fields of every record <-> Patient. */
#include <string.h>

#include "fhir/map/map.h"
#include "fhir/message_people.h"

/* ---- numbers ---- */

static struct json *new_number(struct field_job *job, const char *clinic, const char *number)
{
    struct json *identifier =
        field_new_identifier(job, "record-number", people_system(job, clinic, "client"), number);
    json_put(identifier, "assigner", people_organization(job, clinic));
    return identifier;
}

static struct json *write_client_id(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    (void)field;
    return new_number(job, job->clinic, json_text(value));
}

/* Which clinic gave a number: by its system, else by the assigner. */
static const char *issuer_of(struct field_job *job, struct json *identifier)
{
    const char *clinic = people_system_clinic(job, json_get_text(identifier, "system"), "client");
    struct json *assigner = json_get(identifier, "assigner");
    return clinic != NULL || assigner == NULL ? clinic
                                              : people_handle(job, assigner, job->resource);
}

static void mark_number(struct field_job *job, struct json *identifier)
{
    static const char *const parts[] = {"system", "value", "use"};
    for (size_t i = 0; i < 3; i++)
        json_mark(json_get(identifier, parts[i]));
    if (field_has_code(json_get(identifier, "type"), NULL, "MR"))
        json_mark(json_get(identifier, "type"));
    struct json *assigner = json_get(identifier, "assigner");
    if (assigner != NULL && people_handle(job, assigner, job->resource) != NULL)
        json_mark(assigner);
}

/* The writer's own number: given by the writer's clinic; of a stranger's message the record number.
 */
static bool is_own_number(struct field_job *job, struct json *identifier)
{
    const char *issuer = issuer_of(job, identifier);
    if (issuer != NULL)
        return text_equal(issuer, job->clinic);
    return json_get_text(identifier, "value") != NULL;
}

static struct json *read_client_id(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    (void)field;
    (void)into;
    if (!is_own_number(job, node) || json_get_text(node, "value") == NULL)
        return NULL;
    mark_number(job, node);
    return json_copy_nodes(job->arena, json_get(node, "value"));
}

static const struct field_kind client_id = {write_client_id, read_client_id};

static struct json *write_other_id(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    (void)field;
    return new_number(job, json_get_text(value, "issued_by"), json_get_text(value, "id"));
}

static struct json *read_other_id(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    const char *issuer = issuer_of(job, node);
    (void)field;
    (void)into;
    if (issuer == NULL || json_get_text(node, "value") == NULL ||
        json_marked(json_get(node, "value")))
        return NULL;
    mark_number(job, node);
    struct json *other = json_new_object(job->arena);
    json_put_text(job->arena, other, "id", json_get_text(node, "value"));
    json_put_text(job->arena, other, "issued_by", issuer);
    return other;
}

static const struct field_kind other_id = {write_other_id, read_other_id};

/* ---- the name in Latin letters: R4 extension iso21090-EN-representation, ABC ---- */

static const char representation[] =
    "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";

static struct json *write_latin(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    struct json *name = json_new_object(job->arena);
    struct json *extensions = json_put(name, "extension", json_new_list(job->arena));
    struct json *extension = json_push(extensions, json_new_object(job->arena));
    (void)field;
    json_set_text(job->arena, extension, "url", representation);
    json_set_text(job->arena, extension, "valueCode", "ABC");
    json_put(name, "text", json_copy_nodes(job->arena, value));
    return name;
}

static struct json *read_latin(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    struct json *extension = json_first(json_get(node, "extension"));
    struct json *text = json_get(node, "text");
    (void)field;
    (void)into;
    if (!text_equal(json_get_text(extension, "url"), representation) ||
        !text_equal(json_get_text(extension, "valueCode"), "ABC") || json_text(text) == NULL)
        return NULL;
    json_mark(extension);
    json_mark(text);
    return json_copy_nodes(job->arena, text);
}

static const struct field_kind latin = {write_latin, read_latin};

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
    return concept;
}

static struct json *read_language(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    struct json *coding = json_first(json_get(node, "coding"));
    struct json *text = json_get(node, "text");
    const char *code = json_get_text(coding, "code");
    size_t length = code == NULL ? 0 : strlen(code);
    bool is_variant = code != NULL && text_starts(json_text(text), code) &&
                      (json_text(text)[length] == '\0' || json_text(text)[length] == '-');
    (void)field;
    (void)into;
    if (code != NULL)
        json_mark(coding);
    if (code == NULL || is_variant)
        json_mark(text);
    return json_copy_nodes(job->arena,
                           code == NULL || is_variant ? text : json_get(coding, "code"));
}

static const struct field_kind language = {write_language, read_language};

const struct field map_patient[] = {
    {"client_id", "identifier[+]", &client_id, NULL},
    {"client_other_ids", "identifier[]", &other_id, NULL},
    {"client_family_name", "name[0].family", &field_plain, NULL},
    {"client_given_names", "name[0].given", &field_words, NULL},
    {"client_name_in_latin", "name[+]", &latin, NULL},
    {"client_phone", "telecom[+]", &field_contact, "phone"},
    {"client_email", "telecom[+]", &field_contact, "email"},
    {"client_gender", "gender", &field_word, NULL},
    {"client_birth_date", "birthDate", &field_plain, NULL},
    {"client_address", "address[0].text", &field_plain, NULL},
    {"client_language", "communication[0].language", &language, NULL},
    FIELD_END};
