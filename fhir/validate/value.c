/* value: primitive values by their lexical rules, and required bindings.
 *
 * A required binding means: a code must be in the set; a Coding by system and code; of a
 * CodeableConcept at least one Coding (https://hl7.org/fhir/R4/terminologies.html#required). Sets
 * that are rules instead of lists (media types, units) are checked by rule. */
#include <string.h>

#include "base/nearest.h"
#include "fhir/model/primitive.h"
#include "fhir/validate/validate_internal.h"

#define MEDIA_TYPES "http://hl7.org/fhir/ValueSet/mimetypes"
#define LANGUAGES "http://hl7.org/fhir/ValueSet/languages"

static const char *const kind_words[] = {
    [JSON_NULL] = "null",   [JSON_BOOLEAN] = "true or false", [JSON_NUMBER] = "a number",
    [JSON_TEXT] = "a text", [JSON_LIST] = "a list",           [JSON_OBJECT] = "an object",
};

static enum json_kind kind_of(enum definition_primitive primitive)
{
    switch (primitive) {
    case PRIMITIVE_BOOLEAN:
        return JSON_BOOLEAN;
    case PRIMITIVE_DECIMAL:
    case PRIMITIVE_INTEGER:
    case PRIMITIVE_POSITIVEINT:
    case PRIMITIVE_UNSIGNEDINT:
        return JSON_NUMBER;
    default:
        return JSON_TEXT;
    }
}

/* ---- codes ---- */

static const char *nearest_code(const struct definition_value_set *set, const char *code)
{
    struct nearest nearest = nearest_start(code);
    for (unsigned i = 0; i < set->code_count; i++)
        nearest_try(&nearest, definition_word(definition_codes[set->code + i].code));
    return nearest.best;
}

static const char *set_words(struct arena *arena, const struct definition_value_set *set)
{
    struct text words = text_new(arena, 160);
    for (unsigned i = 0; i < set->code_count; i++) {
        if (i > 0)
            text_add(&words, " | ");
        text_add(&words, definition_word(definition_codes[set->code + i].code));
    }
    if (words.full)
        return arena_print(arena, "a code of %s", definition_word(set->url));
    return arena_print(arena, "one of %s", words.at);
}

static void not_in_set(struct validation *run, const struct place *place, const char *name,
                       const struct json *node, const struct definition_value_set *set,
                       const char *found)
{
    struct issue *issue = validation_add(run, ISSUE_ERROR, ISSUE_CODE_INVALID, place, name, node,
                                         found, set_words(run->arena, set));
    if (issue != NULL && json_text(node) != NULL)
        issue->nearest = nearest_code(set, json_text(node));
}

/* The shape of a language tag (RFC 5646): `en`, `de-CH`, `zh-Hant-TW`, `x-anything`. */
static bool is_language(const char *code)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t primary = strspn(code, letters);
    bool is_private = primary == 1 && strchr("xXiI", *code) != NULL && code[1] == '-';
    if (!is_private && primary != 2 && primary != 3)
        return false;
    for (const char *at = code + primary; *at != '\0';) {
        size_t length = *at == '-' ? strspn(at + 1, all) : 0;
        if (length == 0 || length > 8)
            return false;
        at += length + 1;
    }
    return true;
}

static void check_code(struct validation *run, const struct subject *subject,
                       const struct definition_element *element, const char *code)
{
    if (element->value_set != 0) {
        const struct definition_value_set *set = &definition_value_sets[element->value_set];
        if (!definition_value_set_has(set, NULL, code))
            not_in_set(run, subject->place, NULL, subject->node, set,
                       "a code that is not in the required set");
    } else if (strcmp(definition_word(element->value_set_url), MEDIA_TYPES) == 0 &&
               strchr(code, '/') == NULL) {
        validation_add(run, ISSUE_WARNING, ISSUE_CODE_INVALID, subject->place, NULL, subject->node,
                       "a code that is no media type", "type/subtype, such as text/plain");
    }
}

/* ---- primitives ---- */

static void check_text(struct validation *run, const struct subject *subject, const char *text)
{
    const struct primitive_fault *fault =
        primitive_check(subject->type->primitive, text, json_length(subject->node));
    if (fault != NULL)
        validation_add(run, fault->is_warning ? ISSUE_WARNING : ISSUE_ERROR, ISSUE_VALUE,
                       subject->place, NULL, subject->node, fault->found, fault->expected);
}

static void check_bound_code(struct validation *run, const struct subject *subject,
                             const struct definition_element *element, const char *code)
{
    if (element->strength == BINDING_REQUIRED)
        check_code(run, subject, element, code);
    else if (strcmp(definition_word(element->value_set_url), LANGUAGES) == 0 && !is_language(code))
        validation_add(run, ISSUE_ERROR, ISSUE_CODE_INVALID, subject->place, NULL, subject->node,
                       "a code that is no language", "a language tag such as en or de-CH");
}

/* Uris point somewhere: at a contained resource, at another entry, or out of the text. */
static void check_uri(struct validation *run, const struct subject *subject,
                      const struct definition_element *element, const char *text)
{
    if (*text == '#')
        validation_local_use(run, text);
    else if (run->scope->bundle != NULL)
        bundle_note_link(run->scope->bundle, run->scope->entry, text);
    bool is_system = element->name == run->validator->types.system_word;
    bool is_canonical_url = element->name == run->validator->types.url_word &&
                            definition_types[element->type].kind == DEFINITION_RESOURCE;
    if ((is_system || is_canonical_url) && *text != '\0' && primitive_uri_scheme(text) == 0)
        validation_add(run, ISSUE_ERROR, ISSUE_VALUE, subject->place, NULL, subject->node,
                       is_system ? "a system that is no absolute uri"
                                 : "a url that is not absolute",
                       "an absolute uri, such as http://...");
}

void validation_primitive(struct validation *run, const struct subject *subject,
                          const struct definition_element *element)
{
    enum definition_primitive primitive = subject->type->primitive;
    enum json_kind wanted = kind_of(primitive);
    enum json_kind kind = json_kind(subject->node);
    if (kind != wanted) {
        validation_add(run, ISSUE_ERROR, ISSUE_STRUCTURE, subject->place, NULL, subject->node,
                       kind_words[kind],
                       arena_print(run->arena, "%s (%s)", kind_words[wanted],
                                   definition_type_name(subject->type)));
        return;
    }
    if (wanted == JSON_BOOLEAN)
        return;
    if (primitive == PRIMITIVE_XHTML) {
        validation_narrative(run, subject);
        return;
    }
    const char *text =
        wanted == JSON_NUMBER ? json_number(subject->node) : json_text(subject->node);
    check_text(run, subject, text);
    if (primitive == PRIMITIVE_CODE && element->value_set_url != 0)
        check_bound_code(run, subject, element, text);
    else if (primitive >= PRIMITIVE_URI || primitive == PRIMITIVE_CANONICAL)
        check_uri(run, subject, element, text);
}

/* ---- Coding and CodeableConcept ---- */

enum fit { FITS, WRONG_SYSTEM, WRONG_CODE };

static enum fit coding_fits(const struct definition_value_set *set, const struct json *coding)
{
    const char *system = json_get_text(coding, "system");
    const char *code = json_get_text(coding, "code");
    if (code == NULL || !definition_value_set_has(set, NULL, code))
        return WRONG_CODE;
    return system != NULL && definition_value_set_has(set, system, code) ? FITS : WRONG_SYSTEM;
}

bool validation_fits_set(const struct validation *run, const struct subject *subject,
                         const struct definition_value_set *set)
{
    if (subject->type->kind == DEFINITION_PRIMITIVE)
        return json_text(subject->node) != NULL &&
               definition_value_set_has(set, NULL, json_text(subject->node));
    if (subject->type != run->validator->types.codeable_concept) /* Coding, Quantity */
        return coding_fits(set, subject->node) == FITS;
    const struct json *coding = json_first(json_get(subject->node, "coding"));
    while (coding != NULL && coding_fits(set, coding) != FITS)
        coding = json_next(coding);
    return coding != NULL;
}

static void check_coding(struct validation *run, const struct place *place,
                         const struct json *coding, const struct definition_value_set *set)
{
    enum fit fit = coding_fits(set, coding);
    if (fit == WRONG_CODE) {
        const struct json *code = json_get(coding, "code");
        not_in_set(run, place, "code", code != NULL ? code : coding, set,
                   code != NULL ? "a code that is not in the required set" : "no code");
    } else if (fit == WRONG_SYSTEM) {
        const struct json *system = json_get(coding, "system");
        const struct definition_code *first = &definition_codes[set->code];
        validation_add(run, ISSUE_ERROR, ISSUE_CODE_INVALID, place, "system",
                       system != NULL ? system : coding,
                       system != NULL ? "a code of another system" : "a code without its system",
                       definition_word(first->system));
    }
}

static void check_concept(struct validation *run, const struct subject *subject,
                          const struct definition_value_set *set)
{
    const struct json *first = json_first(json_get(subject->node, "coding"));
    if (first == NULL) {
        validation_add(run, ISSUE_ERROR, ISSUE_CODE_INVALID, subject->place, NULL, subject->node,
                       "no coding", set_words(run->arena, set));
        return;
    }
    if (validation_fits_set(run, subject, set))
        return;
    struct place place = {subject->place, "coding", NULL, 0};
    check_coding(run, &place, first, set);
}

/* ---- data types whose parts must fit ---- */

void validation_identifier(struct validation *run, const struct subject *subject)
{
    const char *system = json_get_text(subject->node, "system");
    if (system == NULL || strcmp(system, "urn:ietf:rfc:3986") != 0)
        return;
    const char *value = json_get_text(subject->node, "value");
    if (value != NULL && primitive_uri_scheme(value) == 0)
        validation_add(run, ISSUE_ERROR, ISSUE_INVALID, subject->place, "value",
                       json_get(subject->node, "value"),
                       "a value that is no uri, though the system says so",
                       "a whole uri, such as urn:uuid:...");
}

/* Bytes that base64 text stands for. */
static long decoded_length(const char *text)
{
    long characters = 0;
    for (; *text != '\0'; text++)
        characters += strchr(" \t\r\n\v\f=", *text) == NULL;
    return characters * 3 / 4;
}

void validation_attachment(struct validation *run, const struct subject *subject)
{
    const char *data = json_get_text(subject->node, "data");
    long size;
    if (data == NULL || primitive_check(PRIMITIVE_BASE64BINARY, data, strlen(data)) != NULL ||
        !json_whole(json_get(subject->node, "size"), &size) || size == decoded_length(data))
        return;
    validation_add(run, ISSUE_ERROR, ISSUE_INVALID, subject->place, "size",
                   json_get(subject->node, "size"), "a size that is not that of the data",
                   arena_print(run->arena, "%ld", decoded_length(data)));
}

void validation_binding(struct validation *run, const struct subject *subject,
                        const struct definition_element *element)
{
    if (element->value_set == 0)
        return;
    const struct definition_value_set *set = &definition_value_sets[element->value_set];
    if (subject->type == run->validator->types.coding)
        check_coding(run, subject->place, subject->node, set);
    else if (subject->type == run->validator->types.codeable_concept)
        check_concept(run, subject, set);
}
