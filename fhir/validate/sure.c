/* sure: invariants that certainly hold, seen without FHIRPath.
 *
 * Called by validate/rule.c before it evaluates the expression of such a rule. Each answers with
 * true only where the left side of the rule's `or` is true and its right side does not matter;
 * false says nothing. */
#include <string.h>

#include "fhir/validate/rule.h"
#include "fhir/validate/validate_internal.h"

static bool is_object(const struct json *value)
{
    return json_kind(value) == JSON_OBJECT;
}

/* clinicalStatus.exists() or ... */
static bool con_3(const struct json *condition)
{
    return is_object(json_get(condition, "clinicalStatus"));
}

/* abatement.empty() or ... */
static bool con_4(const struct json *condition)
{
    const struct json *member = json_first(condition);
    for (; member != NULL; member = json_next(member)) {
        const char *key = json_key(member) + (*json_key(member) == '_');
        if (strncmp(key, "abatement", strlen("abatement")) == 0)
            return false;
    }
    return true;
}

/* A Coding of which FHIRPath can tell that its code is another one than CODE. */
static bool has_other_code(const struct json *coding, const char *code)
{
    const struct json *system = json_get(coding, "system");
    const char *own = json_get_text(coding, "code");
    return own != NULL && strcmp(own, code) != 0 &&
           (system == NULL || json_kind(system) == JSON_TEXT);
}

/* verificationStatus.coding.where(... and code = 'entered-in-error').empty() or ... */
static bool con_5(const struct json *condition)
{
    const struct json *status = json_get(condition, "verificationStatus");
    const struct json *codings = json_get(status, "coding");
    if (status == NULL || (is_object(status) && codings == NULL))
        return true;
    if (json_kind(codings) != JSON_LIST)
        return false;
    const struct json *coding = json_first(codings);
    while (coding != NULL && is_object(coding) && has_other_code(coding, "entered-in-error"))
        coding = json_next(coding);
    return coding == NULL;
}

/* patient.exists() or ... */
static bool has_patient(const struct json *consent)
{
    return is_object(json_get(consent, "patient"));
}

const struct sure_rule validation_sure_rules[] = {
    {"con-3", con_3},       {"con-4", con_4},       {"con-5", con_5},       {"ppc-2", has_patient},
    {"ppc-3", has_patient}, {"ppc-4", has_patient}, {"ppc-5", has_patient},
};
const size_t validation_sure_rule_count =
    sizeof validation_sure_rules / sizeof *validation_sure_rules;
