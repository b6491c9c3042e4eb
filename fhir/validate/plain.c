/* plain: texts that are right, seen at once.
 *
 * Called by the walk for every member before it looks closer. Nearly every value of a message is a
 * text of which the tables say that its lexical rule is all that is asked, so it needs neither a
 * place nor a subject. Whatever could be said about a value is said by validate/value.c, which
 * comes to the same verdict on what this answers with true. */
#include "fhir/model/primitive.h"
#include "fhir/validate/validate_internal.h"

static bool is_right(const struct definition_choice *choice, const struct json *value)
{
    enum definition_primitive primitive = definition_type_of(choice)->primitive;
    return primitive_check(primitive, value->text, json_length(value)) == NULL;
}

static bool is_string(const struct definition_choice *choice, const struct json *value)
{
    return primitive_is_plain_string(value->text, json_length(value)) || is_right(choice, value);
}

static bool is_absolute_uri(const struct definition_choice *choice, const struct json *value)
{
    size_t length = json_length(value);
    if (primitive_is_web_uri(value->text))
        return primitive_is_one_word(value->text, length);
    return primitive_is_uuid_urn(value->text, length) ||
           (primitive_uri_scheme(value->text) > 0 && is_right(choice, value));
}

/* An absolute uri that needs no noting: it points out of the resource, and links do not count. */
static bool is_far(const struct validation *run, const struct definition_choice *choice,
                   const struct json *value)
{
    const struct bundle *bundle = run->scope->bundle;
    return (bundle == NULL || !bundle_has_links(bundle)) && is_absolute_uri(choice, value);
}

/* Codes of the set are right by their lexical rule. */
static bool is_of_set(const struct definition_choice *choice, const struct json *code)
{
    unsigned set = definition_element_of(choice)->value_set;
    return definition_value_set_has_code(&definition_value_sets[set], code->text,
                                         json_length(code));
}

bool validation_is_plainly_right(const struct validation *run,
                                 const struct definition_choice *choice, const struct json *value)
{
    if (value->type != JSON_TYPE_TEXT)
        return false;
    switch ((enum definition_plain)choice->plain) {
    case PLAIN_STRING:
        return is_string(choice, value);
    case PLAIN_URI:
        return is_far(run, choice, value);
    case PLAIN_CODE:
        return is_of_set(choice, value);
    case PLAIN_TEXT:
        return is_right(choice, value);
    case PLAIN_NOT:
        break;
    }
    return false;
}
