/* navigate: from a value to its members, children and descendants (FHIRPath N1 2.0 sections 3, 5.8;
 * R4 fhirpath.html on polymorphic elements).
 *
 * What a name means in a type comes from the definitions, through the machine's cache. A value that
 * is pushed knows its type; a resource's is what its resourceType says. Primitives carry their
 * `_name` object along, and null-padded lists their items' (json.html, "Primitive Types"). */
#include "fhir/fhirpath/navigate.h"

#include <string.h>

#include "base/text.h"
#include "fhir/fhirpath/convert.h"

enum lookup_form {
    FORM_NONE,  /* the type has no such element */
    FORM_PLAIN, /* a JSON member of the same name */
    FORM_CHOICE /* the stem of a choice: value of valueQuantity */
};

static const struct definition_type *type_at(unsigned index)
{
    return &definition_types[index];
}

/* ---- pushing one JSON member ---- */

static unsigned concrete(const struct json *node, unsigned type, bool is_resource)
{
    unsigned named = is_resource ? convert_resource_type(node) : 0;
    return named != 0 ? named : type;
}

static bool push_one(struct machine *machine, const struct step *step, const struct json *node,
                     const struct json *companion, const struct lookup *lookup)
{
    if (node != NULL && json_kind(node) == JSON_NULL)
        node = NULL;
    if (companion != NULL && json_kind(companion) != JSON_OBJECT)
        companion = NULL;
    if (node == NULL && companion == NULL)
        return true;
    unsigned type = concrete(node, lookup->child, lookup->is_resource);
    return machine_push(machine, step, value_node(node, companion, type));
}

static bool push_items(struct machine *machine, const struct step *step, const struct json *list,
                       const struct json *companions, const struct lookup *lookup)
{
    const struct json *item = json_first(list);
    const struct json *companion =
        json_kind(companions) == JSON_LIST ? json_first(companions) : NULL;
    while (item != NULL || companion != NULL) {
        if (machine->steps_left-- == 0) {
            machine->steps_left = 0;
            return machine_spend(machine, step, 1);
        }
        if (!push_one(machine, step, item, companion, lookup))
            return false;
        item = json_next(item);
        companion = json_next(companion);
    }
    return true;
}

/* A member's value, or its items. */
static bool push_content(struct machine *machine, const struct step *step, const struct json *node,
                         const struct json *companion, const struct lookup *lookup)
{
    if (json_kind(node) == JSON_LIST || (node == NULL && json_kind(companion) == JSON_LIST))
        return push_items(machine, step, node, companion, lookup);
    return push_one(machine, step, node, companion, lookup);
}

/* ---- what a name means ---- */

/* Fills child, is_primitive and is_resource of *ret_lookup. */
static void find_child(const struct definition_type *parent, const struct definition_choice *choice,
                       struct lookup *ret_lookup)
{
    const struct definition_type *child = definition_type_of(choice);
    /* The definitions call the id of a resource a string; it has the type id (R4 resource.html). */
    if (parent->kind == DEFINITION_RESOURCE && strcmp(definition_word(choice->key), "id") == 0)
        child = definition_find("id");
    ret_lookup->child = (uint16_t)definition_type_index(child);
    ret_lookup->is_primitive = child->kind == DEFINITION_PRIMITIVE;
    ret_lookup->is_resource = child->kind == DEFINITION_RESOURCE;
}

static struct lookup look_up(const struct step *step, unsigned type)
{
    struct lookup lookup = {.step = step, .type = (uint16_t)type};
    const struct definition_type *parent = type_at(type);
    const struct definition_choice *choice = definition_key(parent, step->name, step->name_length);
    if (choice == NULL)
        return lookup;
    bool is_choice = definition_element_of(choice)->is_choice;
    if (is_choice && choice->type != 0)
        return lookup; /* valueQuantity is JSON's name, not FHIRPath's */
    lookup.form = is_choice ? FORM_CHOICE : FORM_PLAIN;
    find_child(parent, choice, &lookup);
    return lookup;
}

static const struct lookup *cached_lookup(struct machine *machine, const struct step *step,
                                          unsigned type)
{
    size_t slot = (((uintptr_t)step >> 4) ^ ((uintptr_t)step >> 13) ^ type * 37) % LOOKUP_SLOTS;
    struct lookup *lookup = &machine->lookups[slot];
    if (lookup->step != step || lookup->type != type)
        *lookup = look_up(step, type);
    return lookup;
}

/* ---- members of an object ---- */

/* The member `_KEY` of OBJECT, or NULL. */
static const struct json *companion_of(const struct json *object, const char *key)
{
    for (const struct json *at = json_first(object); at != NULL; at = json_next(at)) {
        if (json_key(at)[0] == '_' && strcmp(json_key(at) + 1, key) == 0)
            return at;
    }
    return NULL;
}

/* The work of looking at COUNT members: the few of a usual object are free. */
static bool spend_members(struct machine *machine, const struct step *step, size_t count)
{
    enum { FREE = 32, PER_STEP = 8 };
    return count <= FREE || machine_spend(machine, step, count / PER_STEP);
}

/* A member and its `_name`, found in one pass. */
static bool push_named(struct machine *machine, const struct step *step, const struct json *object,
                       const struct lookup *lookup)
{
    const struct json *node = NULL;
    const struct json *companion = NULL;
    char first = step->name[0];
    size_t count = 0;
    for (const struct json *at = json_first(object); at != NULL; at = json_next(at), count++) {
        const char *key = json_key(at);
        if (key[0] == first && strcmp(key, step->name) == 0)
            node = at;
        else if (lookup->is_primitive && key[0] == '_' && key[1] == first &&
                 strcmp(key + 1, step->name) == 0)
            companion = at;
    }
    return spend_members(machine, step, count) &&
           push_content(machine, step, node, companion, lookup);
}

/* The choice that KEY is a JSON name of, if its stem is STEP's name. */
static const struct definition_choice *choice_of_key(const struct definition_type *type,
                                                     const struct step *step, const char *key)
{
    size_t length = step->name_length;
    if (strncmp(key, step->name, length) != 0 || key[length] < 'A' || key[length] > 'Z')
        return NULL;
    const struct definition_choice *choice = definition_key(type, key, strlen(key));
    if (choice == NULL || choice->type == 0 ||
        strcmp(definition_element_name(definition_element_of(choice)), step->name) != 0)
        return NULL;
    return choice;
}

static bool push_choice(struct machine *machine, const struct step *step, const struct json *object,
                        unsigned type)
{
    const struct definition_type *parent = type_at(type);
    if (!spend_members(machine, step, json_count(object)))
        return false;
    for (const struct json *at = json_first(object); at != NULL; at = json_next(at)) {
        const char *key = json_key(at);
        bool is_companion = key[0] == '_';
        const struct definition_choice *choice =
            choice_of_key(parent, step, is_companion ? key + 1 : key);
        if (choice == NULL || (is_companion && json_get(object, key + 1) != NULL))
            continue;
        struct lookup lookup = {0};
        find_child(parent, choice, &lookup);
        const struct json *companion = is_companion ? at : NULL;
        if (!is_companion && lookup.is_primitive)
            companion = companion_of(object, key);
        if (!push_content(machine, step, is_companion ? NULL : at, companion, &lookup))
            return false;
    }
    return true;
}

static bool push_untyped(struct machine *machine, const struct step *step,
                         const struct json *object)
{
    static const struct lookup none = {.is_primitive = true};
    return push_named(machine, step, object, &none);
}

/* Of a primitive: `value` is the System value; the rest stands in its `_name` object. */
static bool push_primitive_part(struct machine *machine, const struct step *step,
                                struct value value, const struct lookup *lookup)
{
    struct value system;
    if (strcmp(step->name, "value") != 0)
        return push_content(machine, step, json_get(value.companion, step->name), NULL, lookup);
    if (!convert_system(machine, step, value, &system))
        return false;
    return system.kind == VALUE_NONE || machine_push(machine, step, system);
}

static bool push_node_member(struct machine *machine, const struct step *step, struct value value)
{
    bool is_object = json_kind(value.node) == JSON_OBJECT;
    if (value.type == 0)
        return !is_object || push_untyped(machine, step, value.node);
    const struct lookup *lookup = cached_lookup(machine, step, value.type);
    if (lookup->form == FORM_NONE)
        return true; /* strict evaluation has asked fhir/fhirpath/check.c before */
    if (type_at(value.type)->kind == DEFINITION_PRIMITIVE)
        return push_primitive_part(machine, step, value, lookup);
    if (!is_object)
        return true;
    return lookup->form == FORM_CHOICE ? push_choice(machine, step, value.node, value.type)
                                       : push_named(machine, step, value.node, lookup);
}

/* Parts of System values: name and namespace of a type, value and unit of a quantity. */
static bool push_system_part(struct machine *machine, const struct step *step, struct value value)
{
    struct value part = {.kind = VALUE_NONE};
    if (value.kind == VALUE_TYPE_NAME) {
        const char *dot = strchr(value.text, '.');
        if (strcmp(step->name, "name") == 0)
            part = value_text(dot + 1);
        else if (strcmp(step->name, "namespace") == 0)
            part = value_text(value.text[0] == 'F' ? "FHIR" : "System");
    } else if (value.kind == VALUE_QUANTITY) {
        if (strcmp(step->name, "value") == 0)
            part = (struct value){.kind = VALUE_DECIMAL, .decimal = &value.quantity->value};
        else if (strcmp(step->name, "unit") == 0 || strcmp(step->name, "code") == 0)
            part = value_text(value.quantity->unit);
    }
    return part.kind == VALUE_NONE || machine_push(machine, step, part);
}

/* A first name with a capital letter: the context itself, if it is of that type ("Patient.name").
 */
static bool push_head(struct machine *machine, const struct step *step)
{
    struct value this = machine->this;
    bool is_it = (this.kind == VALUE_NODE || this.kind == VALUE_STUB) && this.type != 0 &&
                 step->type.fhir != NULL && definition_is(type_at(this.type), step->type.fhir);
    return !is_it || machine_push(machine, step, this);
}

static bool push_member(struct machine *machine, const struct step *step, struct value value)
{
    return value.kind == VALUE_NODE ? push_node_member(machine, step, value)
                                    : push_system_part(machine, step, value);
}

bool run_member(struct machine *machine, const struct step *step)
{
    size_t from = machine->top;
    if (step->input == NULL && step->type.word != NULL)
        return push_head(machine, step);
    if (step->input == NULL && machine->this.kind == VALUE_NODE)
        return push_node_member(machine, step, machine->this);
    if (step->input == NULL ? !run_this(machine, step) : !machine_run(machine, step->input))
        return false;
    size_t to = machine->top;
    if (to == from)
        return true;
    if (!machine_spend(machine, step, to - from))
        return false;
    if (to == from + 1) {
        machine->top = from;
        return push_member(machine, step, machine->stack[from]);
    }
    for (size_t i = from; i < to; i++) {
        if (!push_member(machine, step, machine->stack[i]))
            return false;
    }
    return machine_give_part(machine, from, (struct slice){to, machine->top});
}

/* ---- children ---- */

/* What the JSON member KEY of an object of TYPE is; false: nothing that FHIRPath sees. */
static bool child_of_key(const struct definition_type *type, const char *key,
                         struct lookup *ret_lookup)
{
    *ret_lookup = (struct lookup){0};
    if (type == NULL)
        return true;
    const struct definition_choice *choice = definition_key(type, key, strlen(key));
    if (choice == NULL || choice->type == 0)
        return false;
    find_child(type, choice, ret_lookup);
    return true;
}

static bool push_object_children(struct machine *machine, const struct step *step,
                                 const struct json *object, const struct definition_type *type)
{
    bool has_companions = false;
    for (const struct json *at = json_first(object); at != NULL; at = json_next(at))
        has_companions = has_companions || json_key(at)[0] == '_';
    if (has_companions &&
        !machine_spend(machine, step, json_count(object) * json_count(object) / 8))
        return false;
    for (const struct json *at = json_first(object); at != NULL; at = json_next(at)) {
        const char *key = json_key(at);
        bool alone = key[0] == '_';
        struct lookup lookup;
        if (strcmp(key, "resourceType") == 0 || (alone && json_get(object, key + 1) != NULL) ||
            !child_of_key(type, key + alone, &lookup))
            continue;
        const struct json *companion = alone            ? at
                                       : has_companions ? companion_of(object, key)
                                                        : NULL;
        if (!machine_spend(machine, step, 1) ||
            !push_content(machine, step, alone ? NULL : at, companion, &lookup))
            return false;
    }
    return true;
}

bool navigate_children(struct machine *machine, const struct step *step, struct value value)
{
    if (value.kind != VALUE_NODE)
        return true;
    const struct definition_type *type = value.type == 0 ? NULL : type_at(value.type);
    if (json_kind(value.node) == JSON_OBJECT)
        return push_object_children(machine, step, value.node, type);
    return value.companion == NULL || push_object_children(machine, step, value.companion, type);
}
