/* validate_plain: texts that are right, seen at once.
 *
 * Called by the walk for every member before it looks closer. Nearly every value of a message is a
 * text of which the tables say that its lexical rule is all that is asked, so it needs neither a
 * place nor a subject. Whatever could be said about a value is said by validate_value.c, which
 * comes to the same verdict on what this answers with true. */
#include "fhir/primitive.h"
#include "fhir/validate_run.h"

/* An absolute uri that needs no noting: it points out of the resource, and links do not count. */
static bool is_far(const struct validation *run, const char *text)
{
    const struct bundle *bundle = run->scope->bundle;
    return primitive_uri_scheme(text) > 0 && (bundle == NULL || !bundle_has_links(bundle));
}

static bool is_of_set(const struct definition_choice *choice, const char *code)
{
    unsigned set = definition_element_of(choice)->value_set;
    return definition_value_set_has(&definition_value_sets[set], NULL, code);
}

bool validation_is_plainly_right(const struct validation *run,
                                 const struct definition_choice *choice, const struct json *value)
{
    if (value->type != JSON_TYPE_TEXT)
        return false;
    const char *text = value->text;
    if (primitive_check(definition_type_of(choice)->primitive, text, json_length(value)) != NULL)
        return false;
    if (choice->plain == PLAIN_TEXT)
        return true;
    return choice->plain == PLAIN_URI ? is_far(run, text) : is_of_set(choice, text);
}
