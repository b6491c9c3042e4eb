/* kind: what type a value is of (FHIRPath N1 2.0 sections 5.2.4, 6.3; R4 fhirpath.html).
 *
 * `is` accepts derived types. `as` and ofType() take primitives of exactly the type named (a code
 * is no string there), other types with those derived from them. */
#include <string.h>

#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/function.h"

static bool is_node(struct value value)
{
    return value.kind == VALUE_NODE || value.kind == VALUE_STUB;
}

/* The FHIR type that the name stands for: outside of strict evaluation Boolean stands for boolean
 * too, which published invariants rely on (que-7). */
static const struct definition_type *fhir_type(const struct machine *machine,
                                               const struct step *step)
{
    if (step->type.fhir != NULL || machine->input.strict)
        return step->type.fhir;
    return step->type.same;
}

static bool has_type(const struct machine *machine, const struct step *step, struct value value,
                     bool exact_primitive)
{
    if (!is_node(value))
        return step->type.system != VALUE_NONE && value.kind == step->type.system;
    const struct definition_type *wanted = fhir_type(machine, step);
    if (value.type == 0 || wanted == NULL)
        return false;
    const struct definition_type *type = &definition_types[value.type];
    if (exact_primitive && type->kind == DEFINITION_PRIMITIVE)
        return type == wanted;
    return definition_is(type, wanted);
}

bool run_is(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    if (slice_count(slice) == 0)
        return true;
    if (slice_count(slice) > 1)
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "%zu items for 'is'; expected one or none", slice_count(slice));
    bool result = has_type(machine, step, machine->stack[slice.from], false);
    return machine_give(machine, step, slice.from, value_boolean(result));
}

static bool keep_type(struct machine *machine, const struct step *step, struct slice slice)
{
    size_t kept = slice.from;
    for (size_t i = slice.from; i < slice.to; i++) {
        if (has_type(machine, step, machine->stack[i], true))
            machine->stack[kept++] = machine->stack[i];
    }
    machine->top = kept;
    return true;
}

/* One item, by the specification; published invariants (dom-3) and search parameters use it on
 * many. */
bool run_as(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    if (machine->input.strict && slice_count(slice) > 1)
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "%zu items for 'as'; expected one or none (ofType() takes many)",
                            slice_count(slice));
    return keep_type(machine, step, slice);
}

bool call_of_type(struct machine *machine, const struct step *step)
{
    struct slice slice;
    return machine_input(machine, step, &slice) && keep_type(machine, step, slice);
}

bool call_type(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    for (size_t i = slice.from; i < slice.to; i++) {
        const char *name = convert_type_name(machine, step, machine->stack[i]);
        if (name == NULL)
            return false;
        machine->stack[i] = (struct value){.kind = VALUE_TYPE_NAME, .text = name};
    }
    return true;
}
