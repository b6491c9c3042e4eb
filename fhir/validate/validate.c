/* validate: entry points of the validator. See validate.h; the work is in validate/walk.c. */
#include "fhir/validate/validate.h"

#include <string.h>

#include "fhir/validate/validate_internal.h"

struct validator *validator_new(struct arena *arena)
{
    struct validator *validator = arena_alloc(arena, sizeof *validator);
    validator->arena = arena;
    validator->types = (struct known_types){
        .element = definition_find("Element"),
        .extension = definition_find("Extension"),
        .reference = definition_find("Reference"),
        .coding = definition_find("Coding"),
        .codeable_concept = definition_find("CodeableConcept"),
        .identifier = definition_find("Identifier"),
        .attachment = definition_find("Attachment"),
        .element_definition = definition_find("ElementDefinition"),
        .bundle = definition_find("Bundle"),
        .bundle_entry = definition_find("Bundle.entry"),
        .system_word = definition_child(definition_find("Coding"), "system")->name,
        .contained_word = definition_child(definition_find("DomainResource"), "contained")->name,
        .url_word = definition_child(definition_find("Extension"), "url")->name,
    };
    validator->rules = validation_rules_new(arena);
    validator->has_rules = validation_rules_types(validator->rules);
    return validator;
}

void validator_keep_secret(struct validator *validator, const struct hash_key *secret)
{
    validator->secret = *secret;
}

static void check_type(struct validation *run, const struct json *resource)
{
    const char *wanted = run->options->type;
    const char *type = json_get_text(resource, "resourceType");
    if (wanted == NULL || type == NULL || strcmp(wanted, type) == 0)
        return;
    struct place root = {NULL, wanted, NULL, -1};
    validation_add(run, ISSUE_ERROR, ISSUE_STRUCTURE, &root, NULL, resource,
                   "another resource type", wanted);
}

bool validate_resource(struct validator *validator, struct arena *arena,
                       const struct json *resource, const struct validate_options *options,
                       struct issue_list *issues)
{
    static const struct validate_options defaults = {0};
    struct validation run = {.validator = validator,
                             .arena = arena,
                             .options = options == NULL ? &defaults : options,
                             .issues = issues,
                             .root = resource};
    run.steps_left = run.options->steps_max == 0 ? SIZE_MAX : run.options->steps_max;
    struct place nowhere = {NULL, "Resource", NULL, -1};
    if (json_kind(resource) != JSON_OBJECT) {
        validation_add(&run, ISSUE_ERROR, ISSUE_STRUCTURE, &nowhere, NULL, resource,
                       "something else than an object", "one resource in { }");
        return false;
    }
    check_type(&run, resource);
    validation_resource(&run, NULL, resource, (struct scope){0});
    return issue_list_passes(issues);
}

bool validate_document(struct validator *validator, struct arena *arena,
                       const struct json_document *document, const struct validate_options *options,
                       struct issue_list *issues)
{
    bool passes = validate_resource(validator, arena, document->root, options, issues);
    issue_list_place(issues, document);
    return passes;
}

bool validate_text(struct validator *validator, struct arena *arena, const char *text,
                   size_t length, const struct validate_options *options, struct issue_list *issues)
{
    struct json_document document;
    struct json_fault fault;
    if (!json_parse(arena, text, length, NULL, &document, &fault)) {
        issue_add_json_fault(issues, &fault);
        return false;
    }
    return validate_document(validator, arena, &document, options, issues);
}
