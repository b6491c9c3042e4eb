/* filter: functions that run an expression on each item (FHIRPath N1 2.0 sections 5.1, 5.2, 7). */
#include <string.h>

#include "fhir/fhirpath/compare.h"
#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/function.h"

/* What the criterion, the first argument, says for the item at INDEX of SLICE. */
static bool test_item(struct machine *machine, const struct step *step, struct slice slice,
                      size_t index, enum truth *ret_truth)
{
    size_t from = machine->top;
    if (!machine_run_on(machine, step->arguments[0], machine->stack[slice.from + index],
                        (long long)index) ||
        !machine_truth(machine, step, (struct slice){from, machine->top}, ret_truth))
        return false;
    machine->top = from;
    return true;
}

bool call_where(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    size_t kept = slice.from;
    for (size_t i = 0; i < slice_count(slice); i++) {
        enum truth truth;
        if (!test_item(machine, step, slice, i, &truth))
            return false;
        if (truth == TRUTH_YES)
            machine->stack[kept++] = machine->stack[slice.from + i];
    }
    machine->top = kept;
    return true;
}

bool call_exists(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    bool found = step->argument_count == 0 && slice_count(slice) > 0;
    for (size_t i = 0; step->argument_count > 0 && !found && i < slice_count(slice); i++) {
        enum truth truth;
        if (!test_item(machine, step, slice, i, &truth))
            return false;
        found = truth == TRUTH_YES;
    }
    return machine_give(machine, step, slice.from, value_boolean(found));
}

bool call_all(struct machine *machine, const struct step *step)
{
    struct slice slice;
    bool all = true;
    if (!machine_input(machine, step, &slice))
        return false;
    for (size_t i = 0; all && i < slice_count(slice); i++) {
        enum truth truth;
        if (!test_item(machine, step, slice, i, &truth))
            return false;
        all = truth == TRUTH_YES;
    }
    return machine_give(machine, step, slice.from, value_boolean(all));
}

bool call_select(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    for (size_t i = 0; i < slice_count(slice); i++) {
        if (!machine_run_on(machine, step->arguments[0], machine->stack[slice.from + i],
                            (long long)i))
            return false;
    }
    return machine_give_part(machine, slice.from, (struct slice){slice.to, machine->top});
}

/* Keeps of the values from FRESH on those that are new beside those from RESULTS on. */
static bool keep_new(struct machine *machine, const struct step *step, size_t results, size_t fresh)
{
    size_t end = machine->top;
    size_t kept = fresh;
    for (size_t i = fresh; i < end; i++) {
        bool found;
        struct value value = machine->stack[i];
        if (!compare_contains(machine, step, (struct slice){results, kept}, value, &found))
            return false;
        if (!found)
            machine->stack[kept++] = value;
    }
    machine->top = kept;
    return true;
}

/* The results grow behind the input; each is itself an input once. */
bool call_repeat(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    for (size_t i = slice.from; i < machine->top; i++) {
        size_t fresh = machine->top;
        long long index = (long long)(i < slice.to ? i - slice.from : i - slice.to);
        if (!machine_run_on(machine, step->arguments[0], machine->stack[i], index) ||
            !keep_new(machine, step, slice.to, fresh))
            return false;
    }
    return machine_give_part(machine, slice.from, (struct slice){slice.to, machine->top});
}

/* ---- aggregate ---- */

/* Takes the values from FROM on off the stack and makes them $total. */
static bool take_total(struct machine *machine, const struct step *step, size_t from)
{
    size_t count = machine->top - from;
    struct value *copy = machine_alloc(machine, step, (count + 1) * sizeof *copy);
    if (copy == NULL)
        return false;
    memcpy(copy, machine->stack + from, count * sizeof *copy);
    machine->total = copy;
    machine->total_count = count;
    machine->top = from;
    return true;
}

static bool aggregate_items(struct machine *machine, const struct step *step, struct slice slice)
{
    if (step->argument_count > 1) {
        struct slice start;
        if (!machine_argument(machine, step, 1, &start))
            return false;
    }
    if (!take_total(machine, step, slice.to))
        return false;
    for (size_t i = 0; i < slice_count(slice); i++) {
        if (!machine_run_on(machine, step->arguments[0], machine->stack[slice.from + i],
                            (long long)i) ||
            !take_total(machine, step, slice.to))
            return false;
    }
    return true;
}

bool call_aggregate(struct machine *machine, const struct step *step)
{
    struct slice slice;
    const struct value *outer = machine->total;
    size_t outer_count = machine->total_count;
    if (!machine_input(machine, step, &slice))
        return false;
    bool done = aggregate_items(machine, step, slice);
    machine->top = slice.from;
    done = done && run_total(machine, step);
    machine->total = outer;
    machine->total_count = outer_count;
    return done;
}

/* ---- iif ---- */

/* The condition must be a boolean: a text that happens to be there is no answer. */
static bool run_condition(struct machine *machine, const struct step *step, struct value this,
                          enum truth *ret_truth)
{
    size_t from = machine->top;
    *ret_truth = TRUTH_UNKNOWN;
    if (!machine_run_on(machine, step->arguments[0], this, machine->index))
        return false;
    struct slice slice = {from, machine->top};
    struct value first = {.kind = VALUE_NONE};
    if (slice_count(slice) > 0)
        first = machine->stack[from];
    if (slice_count(slice) == 1 && first.kind != VALUE_BOOLEAN &&
        convert_primitive(first) != PRIMITIVE_BOOLEAN)
        return machine_fail(machine, step, FHIRPATH_FAULT_SEMANTIC,
                            "%s as the condition of iif(); expected a boolean",
                            convert_kind_words(first));
    if (!machine_truth(machine, step, slice, ret_truth))
        return false;
    machine->top = from;
    return true;
}

bool call_iif(struct machine *machine, const struct step *step)
{
    struct slice slice = {machine->top, machine->top};
    struct value this = machine->this;
    enum truth truth;
    if (step->input != NULL) {
        if (!machine_input(machine, step, &slice))
            return false;
        if (slice_count(slice) > 1)
            return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                                "%zu items for iif(); expected one or none", slice_count(slice));
        this = slice_count(slice) == 0 ? (struct value){.kind = VALUE_NONE}
                                       : machine->stack[slice.from];
        machine->top = slice.from;
    }
    if (!run_condition(machine, step, this, &truth))
        return false;
    unsigned chosen = truth == TRUTH_YES ? 1 : 2;
    return chosen >= step->argument_count ||
           machine_run_on(machine, step->arguments[chosen], this, machine->index);
}

/* ---- trace and variables ---- */

/* There is no log here: the values pass through. */
bool call_trace(struct machine *machine, const struct step *step)
{
    struct slice slice;
    return machine_input(machine, step, &slice);
}

static bool is_taken(const struct machine *machine, const char *name)
{
    static const char *const reserved[] = {"resource", "rootResource", "context", "ucum",
                                           "sct",      "loinc",        NULL};
    if (text_is_one_of(name, reserved))
        return true;
    for (const struct variable *at = machine->variables; at != NULL; at = at->outer) {
        if (strcmp(at->name, name) == 0)
            return true;
    }
    return false;
}

/* A copy of the values of SLICE. */
static bool keep_values(struct machine *machine, const struct step *step, struct slice slice,
                        struct value_list *ret_list)
{
    size_t size = slice_count(slice) * sizeof(struct value);
    struct value *copy = machine_alloc(machine, step, size + sizeof *copy);
    if (copy == NULL)
        return false;
    memcpy(copy, machine->stack + slice.from, size);
    *ret_list = (struct value_list){copy, slice_count(slice)};
    return true;
}

/* Runs the second argument on the input as a whole; its values, or else the input, are the
 * variable's. */
static bool run_definition(struct machine *machine, const struct step *step, struct slice slice,
                           struct slice *ret_values)
{
    *ret_values = slice;
    if (step->argument_count < 2)
        return true;
    struct value_list list;
    struct value this = {.kind = VALUE_MANY, .list = &list};
    if (slice_count(slice) == 1)
        this = machine->stack[slice.from];
    else if (!keep_values(machine, step, slice, &list))
        return false;
    if (!machine_run_on(machine, step->arguments[1], this, machine->index))
        return false;
    *ret_values = (struct slice){slice.to, machine->top};
    return true;
}

bool call_define_variable(struct machine *machine, const struct step *step)
{
    struct slice slice;
    struct slice values;
    const char *name;
    if (!machine_input(machine, step, &slice) || !machine_text_argument(machine, step, 0, &name) ||
        !run_definition(machine, step, slice, &values))
        return false;
    if (name == NULL || is_taken(machine, name))
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "a variable without a name, or one that is there already; expected a "
                            "new name");
    struct variable *variable = machine_alloc(machine, step, sizeof *variable);
    struct value_list list;
    if (variable == NULL || !keep_values(machine, step, values, &list))
        return false;
    *variable = (struct variable){machine->variables, name, list.values, list.count};
    machine->variables = variable;
    machine->top = slice.to;
    return true;
}

bool call_coalesce(struct machine *machine, const struct step *step)
{
    for (unsigned i = 0; i < step->argument_count; i++) {
        struct slice slice;
        if (!machine_argument(machine, step, i, &slice))
            return false;
        if (slice_count(slice) > 0)
            return true;
    }
    return true;
}
