/* machine: see machine.h. Scratch blocks come from the session's arena and are used again at each
 * evaluation, so that a warm session allocates nothing. */
#include "fhir/fhirpath/machine.h"

#include <string.h>

#include "base/text.h"
#include "fhir/fhirpath/convert.h"

enum { STACK_FIRST = 256, BLOCK_FIRST = 8 * 1024 };

/* ---- faults and limits ---- */

bool machine_fail(struct machine *machine, const struct step *step, enum fhirpath_fault_kind kind,
                  const char *format, ...)
{
    if (machine->fault.kind != FHIRPATH_FAULT_NONE)
        return false;
    va_list arguments;
    va_start(arguments, format);
    machine->fault = (struct fhirpath_fault){kind, arena_vprint(machine->arena, format, arguments),
                                             step->line, step->column};
    va_end(arguments);
    return false;
}

bool machine_spend(struct machine *machine, const struct step *step, size_t count)
{
    if (machine->steps_left < count) {
        machine->steps_left = 0;
        return machine_fail(machine, step, FHIRPATH_FAULT_LIMIT,
                            "the expression takes too many steps on these data; expected a simpler "
                            "expression or smaller data");
    }
    machine->steps_left -= count;
    return true;
}

bool machine_spend_text(struct machine *machine, const struct step *step, const char *text)
{
    enum { BYTES_PER_STEP = 64 };
    return machine_spend(machine, step, strlen(text) / BYTES_PER_STEP);
}

static bool charge_memory(struct machine *machine, const struct step *step, size_t size)
{
    if (machine->memory_left < size)
        return machine_fail(machine, step, FHIRPATH_FAULT_LIMIT,
                            "the expression needs too much memory on these data; expected a "
                            "simpler expression or smaller data");
    machine->memory_left -= size;
    return true;
}

/* ---- scratch memory ---- */

static bool add_block(struct machine *machine, const struct step *step, size_t least)
{
    size_t size = machine->block == NULL ? BLOCK_FIRST : machine->block->size * 2;
    if (size < least)
        size = least;
    if (!charge_memory(machine, step, size))
        return false;
    struct scratch_block *block = arena_alloc(machine->arena, sizeof *block + size);
    block->size = size;
    if (machine->block == NULL)
        machine->first = block;
    else
        machine->block->next = block;
    machine->block = block;
    machine->used = 0;
    return true;
}

void *machine_alloc(struct machine *machine, const struct step *step, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX / 2) {
        charge_memory(machine, step, size);
        return NULL;
    }
    size = (size + align - 1) / align * align;
    while (machine->block == NULL || machine->block->size - machine->used < size) {
        if (machine->block != NULL && machine->block->next != NULL &&
            machine->block->next->size >= size) {
            machine->block = machine->block->next;
            machine->used = 0;
        } else if (machine->block != NULL && machine->block->next != NULL) {
            /* Too small for this one: leave it out of the chain for good. */
            machine->block->next = machine->block->next->next;
        } else if (!add_block(machine, step, size)) {
            return NULL;
        }
    }
    void *memory = machine->block->bytes + machine->used;
    machine->used += size;
    return memory;
}

char *machine_copy(struct machine *machine, const struct step *step, const char *text,
                   size_t length)
{
    char *copy = machine_alloc(machine, step, length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

/* ---- the stack ---- */

bool machine_grow(struct machine *machine, const struct step *step)
{
    size_t room = machine->room == 0 ? STACK_FIRST : machine->room * 2;
    /* The smaller stack stays in the arena, so the larger one counts whole. */
    if (!charge_memory(machine, step, room * sizeof *machine->stack))
        return false;
    machine->stack =
        arena_grow(machine->arena, machine->stack, machine->room * sizeof *machine->stack,
                   room * sizeof *machine->stack);
    machine->room = room;
    return true;
}

bool machine_give_part(struct machine *machine, size_t from, struct slice part)
{
    size_t count = slice_count(part);
    if (part.from != from)
        memmove(machine->stack + from, machine->stack + part.from, count * sizeof *machine->stack);
    machine->top = from + count;
    return true;
}

/* ---- running ---- */

bool machine_input(struct machine *machine, const struct step *step, struct slice *ret_slice)
{
    size_t from = machine->top;
    if (step->input == NULL) {
        if (!run_this(machine, step))
            return false;
    } else if (!machine_run(machine, step->input)) {
        return false;
    }
    *ret_slice = (struct slice){from, machine->top};
    return true;
}

bool machine_argument(struct machine *machine, const struct step *step, unsigned index,
                      struct slice *ret_slice)
{
    size_t from = machine->top;
    const struct variable *outer = machine->variables;
    bool done = machine_run(machine, step->arguments[index]);
    machine->variables = outer;
    *ret_slice = (struct slice){from, machine->top};
    return done;
}

bool machine_run_on(struct machine *machine, const struct step *step, struct value this,
                    long long index)
{
    struct value outer_this = machine->this;
    long long outer_index = machine->index;
    const struct variable *outer_variables = machine->variables;
    machine->this = this;
    machine->index = index;
    bool done = machine_run(machine, step);
    machine->this = outer_this;
    machine->index = outer_index;
    machine->variables = outer_variables;
    return done;
}

/* ---- truth ---- */

bool machine_truth(struct machine *machine, const struct step *step, struct slice slice,
                   enum truth *ret_truth)
{
    if (slice_count(slice) == 0) {
        *ret_truth = TRUTH_UNKNOWN;
        return true;
    }
    if (slice_count(slice) > 1)
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "%zu items where a boolean is needed; expected one or none",
                            slice_count(slice));
    struct value value = machine->stack[slice.from];
    if (value.kind == VALUE_NODE && convert_primitive(value) == PRIMITIVE_BOOLEAN)
        value = convert_boolean(value);
    if (value.kind == VALUE_BOOLEAN)
        *ret_truth = truth_of(value.whole != 0);
    else
        *ret_truth = value.kind == VALUE_NONE ? TRUTH_UNKNOWN : TRUTH_YES;
    return true;
}

bool machine_test(struct machine *machine, const struct step *step, enum truth *ret_truth)
{
    size_t from = machine->top;
    const struct variable *outer = machine->variables;
    bool done = machine_run(machine, step);
    machine->variables = outer;
    if (!done || !machine_truth(machine, step, (struct slice){from, machine->top}, ret_truth))
        return false;
    machine->top = from;
    return true;
}

bool machine_give_truth(struct machine *machine, const struct step *step, size_t from,
                        enum truth truth)
{
    if (truth == TRUTH_UNKNOWN)
        return machine_give_nothing(machine, from);
    return machine_give(machine, step, from, value_boolean(truth == TRUTH_YES));
}

/* ---- one value ---- */

bool machine_single(struct machine *machine, const struct step *step, struct slice slice,
                    struct value *ret_value)
{
    *ret_value = (struct value){.kind = VALUE_NONE};
    if (slice_count(slice) > 1)
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "%zu items for '%s'; expected one or none", slice_count(slice),
                            step->name == NULL ? "this" : step->name);
    if (slice_count(slice) == 0)
        return true;
    return convert_system(machine, step, machine->stack[slice.from], ret_value);
}

bool machine_single_input(struct machine *machine, const struct step *step, struct value *ret_value)
{
    struct slice slice;
    size_t from = machine->top;
    *ret_value = (struct value){.kind = VALUE_NONE};
    if (!machine_input(machine, step, &slice) || !machine_single(machine, step, slice, ret_value))
        return false;
    machine->top = from;
    return true;
}

bool machine_single_argument(struct machine *machine, const struct step *step, unsigned index,
                             struct value *ret_value)
{
    struct slice slice;
    size_t from = machine->top;
    *ret_value = (struct value){.kind = VALUE_NONE};
    if (!machine_argument(machine, step, index, &slice) ||
        !machine_single(machine, step, slice, ret_value))
        return false;
    machine->top = from;
    return true;
}

static bool text_of(struct machine *machine, const struct step *step, struct value value,
                    const char **ret_text)
{
    if (value.kind != VALUE_NONE && value.kind != VALUE_TEXT)
        return machine_fail(machine, step, FHIRPATH_FAULT_SEMANTIC,
                            "%s for '%s'; expected a string", convert_kind_words(value),
                            step->name);
    *ret_text = value.kind == VALUE_TEXT ? value.text : NULL;
    return *ret_text == NULL || machine_spend_text(machine, step, *ret_text);
}

bool machine_text_input(struct machine *machine, const struct step *step, const char **ret_text)
{
    struct value value;
    return machine_single_input(machine, step, &value) && text_of(machine, step, value, ret_text);
}

bool machine_text_argument(struct machine *machine, const struct step *step, unsigned index,
                           const char **ret_text)
{
    struct value value;
    return machine_single_argument(machine, step, index, &value) &&
           text_of(machine, step, value, ret_text);
}

bool machine_whole_argument(struct machine *machine, const struct step *step, unsigned index,
                            bool *ret_known, long long *ret_value)
{
    struct value value;
    *ret_known = false;
    if (!machine_single_argument(machine, step, index, &value))
        return false;
    if (value.kind != VALUE_NONE && value.kind != VALUE_INTEGER)
        return machine_fail(machine, step, FHIRPATH_FAULT_SEMANTIC,
                            "%s for '%s'; expected an integer", convert_kind_words(value),
                            step->name);
    *ret_known = value.kind == VALUE_INTEGER;
    *ret_value = *ret_known ? value.whole : 0;
    return true;
}

/* ---- simple steps ---- */

bool run_constant(struct machine *machine, const struct step *step)
{
    return step->constant.kind == VALUE_NONE || machine_push(machine, step, step->constant);
}

static bool push_values(struct machine *machine, const struct step *step,
                        const struct value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!machine_push(machine, step, values[i]))
            return false;
    }
    return machine_spend(machine, step, count);
}

bool run_this(struct machine *machine, const struct step *step)
{
    struct value this = machine->this;
    if (this.kind == VALUE_MANY)
        return push_values(machine, step, this.list->values, this.list->count);
    return this.kind == VALUE_NONE || machine_push(machine, step, this);
}

bool run_index(struct machine *machine, const struct step *step)
{
    return machine->index < 0 || machine_push(machine, step, value_integer(machine->index));
}

bool run_total(struct machine *machine, const struct step *step)
{
    return push_values(machine, step, machine->total, machine->total_count);
}

static bool push_resource(struct machine *machine, const struct step *step,
                          const struct json *resource)
{
    return resource == NULL ||
           machine_push(machine, step, value_node(resource, NULL, convert_resource_type(resource)));
}

static bool push_context(struct machine *machine, const struct step *step)
{
    struct value context = convert_context(&machine->input);
    return context.kind == VALUE_NONE || machine_push(machine, step, context);
}

bool run_variable(struct machine *machine, const struct step *step)
{
    const struct fhirpath_input *input = &machine->input;
    for (const struct variable *at = machine->variables; at != NULL; at = at->outer) {
        if (strcmp(at->name, step->name) == 0)
            return push_values(machine, step, at->values, at->count);
    }
    if (strcmp(step->name, "resource") == 0)
        return push_resource(machine, step, input->resource);
    if (strcmp(step->name, "rootResource") == 0)
        return push_resource(machine, step,
                             input->root_resource != NULL ? input->root_resource : input->resource);
    if (strcmp(step->name, "context") == 0)
        return push_context(machine, step);
    return machine_fail(machine, step, FHIRPATH_FAULT_SEMANTIC,
                        "an unknown constant %%%.40s; expected one such as %%resource or one made "
                        "by defineVariable()",
                        step->name);
}

/* input[index] */
bool run_item(struct machine *machine, const struct step *step)
{
    struct slice slice;
    bool known;
    long long index;
    if (!machine_input(machine, step, &slice) ||
        !machine_whole_argument(machine, step, 0, &known, &index))
        return false;
    if (!known || index < 0 || (unsigned long long)index >= slice_count(slice))
        return machine_give_nothing(machine, slice.from);
    return machine_give(machine, step, slice.from, machine->stack[slice.from + (size_t)index]);
}
