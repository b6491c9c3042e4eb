/* resource: the functions that FHIR adds to FHIRPath (R4 fhirpath.html, "Additional functions").
 *
 * Nothing here leaves the data at hand: resolve() looks in the resource's contained ones and in the
 * Bundle, memberOf() and conformsTo() in the base definitions, beyond them only through the input's
 * `ask`. */
#include <string.h>

#include "base/text.h"
#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/function.h"
#include "fhir/fhirpath/navigate.h"
#include "fhir/narrative/xhtml.h"

/* ---- values and extensions ---- */

static bool has_value(struct value value)
{
    if (value.kind != VALUE_NODE)
        return value.kind != VALUE_NONE && value.kind != VALUE_STUB;
    return value.node != NULL && convert_primitive(value) != PRIMITIVE_NONE &&
           json_kind(value.node) != JSON_OBJECT;
}

bool call_has_value(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    bool result = slice_count(slice) == 1 && has_value(machine->stack[slice.from]);
    return machine_give(machine, step, slice.from, value_boolean(result));
}

bool call_get_value(struct machine *machine, const struct step *step)
{
    struct slice slice;
    struct value value;
    if (!machine_input(machine, step, &slice))
        return false;
    if (slice_count(slice) != 1 || !has_value(machine->stack[slice.from]))
        return machine_give_nothing(machine, slice.from);
    if (!convert_system(machine, step, machine->stack[slice.from], &value))
        return false;
    return value.kind == VALUE_NONE ? machine_give_nothing(machine, slice.from)
                                    : machine_give(machine, step, slice.from, value);
}

static bool push_extensions(struct machine *machine, const struct step *step, struct value value,
                            const char *url, unsigned type)
{
    const struct json *object = json_kind(value.node) == JSON_OBJECT ? value.node : value.companion;
    const struct json *item = json_first(json_get(object, "extension"));
    for (; item != NULL; item = json_next(item)) {
        if (!machine_spend(machine, step, 1) || !machine_spend_text(machine, step, url))
            return false;
        if (text_equal(json_get_text(item, "url"), url) &&
            !machine_push(machine, step, value_node(item, NULL, type)))
            return false;
    }
    return true;
}

bool call_extension(struct machine *machine, const struct step *step)
{
    struct slice slice;
    const char *url;
    if (!machine_input(machine, step, &slice) || !machine_text_argument(machine, step, 0, &url))
        return false;
    unsigned type = definition_type_index(definition_find("Extension"));
    for (size_t i = slice.from; url != NULL && i < slice.to; i++) {
        struct value value = machine->stack[i];
        if (value.kind == VALUE_NODE && !push_extensions(machine, step, value, url, type))
            return false;
    }
    return machine_give_part(machine, slice.from, (struct slice){slice.to, machine->top});
}

/* The input, if every modifier extension on it has one of the URLs given. */
bool call_check_modifiers(struct machine *machine, const struct step *step)
{
    struct slice slice;
    struct slice urls = {0, 0};
    if (!machine_input(machine, step, &slice))
        return false;
    urls.from = machine->top;
    for (unsigned i = 0; i < step->argument_count; i++) {
        if (!machine_run(machine, step->arguments[i]))
            return false;
    }
    urls.to = machine->top;
    for (size_t i = slice.from; i < slice.to; i++) {
        struct value value = machine->stack[i];
        const struct json *list =
            value.kind == VALUE_NODE ? json_get(value.node, "modifierExtension") : NULL;
        for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
            const char *url = json_get_text(item, "url");
            bool known = false;
            if (!machine_spend(machine, step, 1 + slice_count(urls)))
                return false;
            for (size_t k = urls.from; k < urls.to && !known; k++)
                known = text_equal(convert_plain_text(machine->stack[k]), url);
            if (!known)
                return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                                    "a modifier extension that checkModifiers() does not list");
        }
    }
    machine->top = slice.to;
    return true;
}

/* ---- resolve ---- */

static const char *reference_text(struct value value)
{
    if (value.kind == VALUE_TEXT)
        return value.text;
    if (value.kind != VALUE_NODE)
        return NULL;
    return json_kind(value.node) == JSON_OBJECT ? json_get_text(value.node, "reference")
                                                : json_text(value.node);
}

static const struct json *root_of(const struct fhirpath_input *input)
{
    return input->root_resource != NULL ? input->root_resource : input->resource;
}

/* Of few resources with ids: the caller charges for them. */
static const struct json *find_contained(const struct json *root, const char *id)
{
    if (*id == '\0')
        return root;
    const struct json *item = json_first(json_get(root, "contained"));
    while (item != NULL && !text_equal(json_get_text(item, "id"), id))
        item = json_next(item);
    return item;
}

/* A literal reference: its last `Type/id`, without `/_history/...`, and whether a base stands
 * before. */
struct literal {
    const char *type;
    size_t type_length;
    const char *id;
    size_t id_length;
    bool is_absolute;
};

static bool read_literal(const char *text, struct literal *ret_literal)
{
    const char *end = strstr(text, "/_history/");
    size_t length = end == NULL ? strcspn(text, "|#?") : (size_t)(end - text);
    size_t slash = length;
    while (slash > 0 && text[slash - 1] != '/')
        slash--;
    if (slash < 2 || slash == length)
        return false;
    size_t type = slash - 1;
    while (type > 0 && text[type - 1] != '/')
        type--;
    *ret_literal = (struct literal){text + type, slash - 1 - type, text + slash, length - slash,
                                    type > 0 || strchr(text, ':') != NULL};
    return true;
}

static bool is_at(const struct json *resource, const struct literal *literal)
{
    const char *type = json_get_text(resource, "resourceType");
    const char *id = json_get_text(resource, "id");
    return type != NULL && id != NULL && strlen(type) == literal->type_length &&
           strncmp(type, literal->type, literal->type_length) == 0 &&
           strlen(id) == literal->id_length && strncmp(id, literal->id, literal->id_length) == 0;
}

/* By fullUrl; a relative reference by the resource's type and id. */
static bool find_in_bundle(struct machine *machine, const struct step *step,
                           const struct json *bundle, const char *text,
                           const struct json **ret_resource)
{
    struct literal literal;
    bool is_literal = read_literal(text, &literal);
    const struct json *entry = json_first(json_get(bundle, "entry"));
    *ret_resource = NULL;
    for (; entry != NULL && *ret_resource == NULL; entry = json_next(entry)) {
        const struct json *resource = json_get(entry, "resource");
        bool same_url = text_equal(json_get_text(entry, "fullUrl"), text);
        if (!machine_spend(machine, step, 2) || !machine_spend_text(machine, step, text))
            return false;
        if (same_url || (is_literal && !literal.is_absolute && is_at(resource, &literal)))
            *ret_resource = resource;
    }
    return true;
}

/* The type that a reference to elsewhere names; 0: none. */
static unsigned guess_type(struct value reference, const char *text)
{
    char name[64];
    struct literal literal;
    const struct definition_type *type = NULL;
    if (reference.kind == VALUE_NODE)
        type = definition_find(json_get_text(reference.node, "type"));
    if (type == NULL && text != NULL && read_literal(text, &literal) &&
        literal.type_length < sizeof name) {
        memcpy(name, literal.type, literal.type_length);
        name[literal.type_length] = '\0';
        type = definition_find(name);
    }
    return type == NULL || type->kind != DEFINITION_RESOURCE ? 0 : definition_type_index(type);
}

static bool push_resolved(struct machine *machine, const struct step *step, struct value reference)
{
    const struct fhirpath_input *input = &machine->input;
    const char *text = reference_text(reference);
    const struct json *resource = NULL;
    const struct json *bundle = input->bundle;
    if (bundle == NULL && text_equal(json_get_text(root_of(input), "resourceType"), "Bundle"))
        bundle = root_of(input);
    if (!machine_spend(machine, step, json_count(json_get(root_of(input), "contained"))) ||
        (text != NULL && !machine_spend_text(machine, step, text)))
        return false;
    if (text != NULL && text[0] == '#')
        resource = find_contained(root_of(input), text + 1);
    else if (text != NULL && !find_in_bundle(machine, step, bundle, text, &resource))
        return false;
    if (resource != NULL)
        return machine_push(machine, step,
                            value_node(resource, NULL, convert_resource_type(resource)));
    unsigned type = input->guess_references ? guess_type(reference, text) : 0;
    if (type == 0)
        return true;
    return machine_push(machine, step, (struct value){.kind = VALUE_STUB, .type = (uint16_t)type});
}

bool call_resolve(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    for (size_t i = slice.from; i < slice.to; i++) {
        if (!push_resolved(machine, step, machine->stack[i]))
            return false;
    }
    return machine_give_part(machine, slice.from, (struct slice){slice.to, machine->top});
}

/* ---- profiles and value sets ---- */

/* What the caller knows beyond the base definitions. */
static bool ask(struct machine *machine, const struct step *step, struct value value,
                const char *url, bool *ret_answer)
{
    const struct fhirpath_input *input = &machine->input;
    const char *type = value.type == 0 ? NULL : definition_type_name(&definition_types[value.type]);
    return input->ask != NULL && value.kind == VALUE_NODE &&
           input->ask(input->asked, step->name, value.node, type, url, ret_answer);
}

static bool run_conforms(struct machine *machine, const struct step *step, struct value value,
                         const char *url, size_t from)
{
    static const char base[] = "http://hl7.org/fhir/StructureDefinition/";
    bool answer = false;
    if (ask(machine, step, value, url, &answer))
        return machine_give(machine, step, from, value_boolean(answer));
    const struct definition_type *type =
        text_starts(url, base) ? definition_find(url + sizeof base - 1) : NULL;
    if (type == NULL)
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "an unknown profile for conformsTo(); expected one of FHIR R4 or one "
                            "that is loaded");
    answer = value.kind == VALUE_NODE && value.type != 0 &&
             definition_is(&definition_types[value.type], type);
    return machine_give(machine, step, from, value_boolean(answer));
}

bool call_conforms_to(struct machine *machine, const struct step *step)
{
    struct slice slice;
    const char *url;
    if (!machine_input(machine, step, &slice) || !machine_text_argument(machine, step, 0, &url))
        return false;
    if (slice_count(slice) == 0 || url == NULL)
        return machine_give_nothing(machine, slice.from);
    if (slice_count(slice) > 1)
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "%zu items for conformsTo(); expected one or none", slice_count(slice));
    return run_conforms(machine, step, machine->stack[slice.from], url, slice.from);
}

static bool coding_is_in(const struct definition_value_set *set, const struct json *coding)
{
    const char *code = json_get_text(coding, "code");
    return code != NULL && definition_value_set_has(set, json_get_text(coding, "system"), code);
}

static bool is_in_set(const struct definition_value_set *set, struct value value)
{
    const char *code = convert_plain_text(value);
    if (code != NULL)
        return definition_value_set_has(set, NULL, code);
    const struct json *codings = json_get(value.node, "coding");
    if (codings == NULL)
        return coding_is_in(set, value.node);
    const struct json *coding = json_first(codings);
    while (coding != NULL && !coding_is_in(set, coding))
        coding = json_next(coding);
    return coding != NULL;
}

/* Nothing, when the value set is not one of the enumerated ones. */
bool call_member_of(struct machine *machine, const struct step *step)
{
    struct slice slice;
    const char *url;
    bool answer = false;
    if (!machine_input(machine, step, &slice) || !machine_text_argument(machine, step, 0, &url))
        return false;
    if (slice_count(slice) != 1 || url == NULL)
        return machine_give_nothing(machine, slice.from);
    struct value value = machine->stack[slice.from];
    if (ask(machine, step, value, url, &answer))
        return machine_give(machine, step, slice.from, value_boolean(answer));
    const char *plain = machine_copy(machine, step, url, strcspn(url, "|"));
    if (plain == NULL || !machine_spend(machine, step, definition_value_set_count))
        return false;
    const struct definition_value_set *set = definition_value_set_find(plain);
    bool has_code = value.kind == VALUE_NODE || value.kind == VALUE_TEXT;
    if (set == NULL || !has_code)
        return machine_give_nothing(machine, slice.from);
    return machine_give(machine, step, slice.from, value_boolean(is_in_set(set, value)));
}

/* Without a terminology server only a code's relation to itself is known. */
bool call_subsumes(struct machine *machine, const struct step *step)
{
    struct slice slice;
    struct slice other;
    if (!machine_input(machine, step, &slice) || !machine_argument(machine, step, 0, &other))
        return false;
    bool same = false;
    if (slice_count(slice) == 1 && slice_count(other) == 1) {
        const struct json *one = machine->stack[slice.from].node;
        const struct json *two = machine->stack[other.from].node;
        bool nodes = machine->stack[slice.from].kind == VALUE_NODE &&
                     machine->stack[other.from].kind == VALUE_NODE;
        same = nodes && json_get_text(one, "code") != NULL &&
               text_equal(json_get_text(one, "code"), json_get_text(two, "code")) &&
               text_equal(json_get_text(one, "system"), json_get_text(two, "system"));
    }
    return same ? machine_give(machine, step, slice.from, value_boolean(true))
                : machine_give_nothing(machine, slice.from);
}

/* ---- narrative ---- */

bool call_html_checks(struct machine *machine, const struct step *step)
{
    struct slice slice;
    struct xhtml_fault fault;
    if (!machine_input(machine, step, &slice))
        return false;
    if (slice_count(slice) != 1)
        return machine_give_nothing(machine, slice.from);
    const char *html = convert_plain_text(machine->stack[slice.from]);
    bool holds = html != NULL && machine_spend(machine, step, strlen(html)) &&
                 xhtml_check(machine->arena, html, NULL, &fault);
    if (machine->fault.kind != FHIRPATH_FAULT_NONE)
        return false;
    return machine_give(machine, step, slice.from, value_boolean(holds));
}
