/* fhirpath: the entry points of fhir/fhirpath/fhirpath.h: compiling, sessions, and results for
 * callers. */
#include "fhir/fhirpath/fhirpath.h"

#include <string.h>

#include "base/text.h"
#include "fhir/fhirpath/check.h"
#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/parse.h"

struct fhirpath_session {
    struct machine machine;
};

static const struct step NO_STEP = {.line = 1, .column = 1};

bool fhirpath_compile(struct arena *arena, const char *text, const struct fhirpath **ret_expression,
                      struct fhirpath_fault *ret_fault)
{
    size_t length = strlen(text);
    struct fhirpath *expression = arena_alloc(arena, sizeof *expression);
    *ret_fault = (struct fhirpath_fault){.kind = FHIRPATH_FAULT_NONE};
    if (length > FHIRPATH_TEXT_MAX) {
        *ret_fault = (struct fhirpath_fault){
            FHIRPATH_FAULT_LIMIT, "an expression that is too long; expected at most 64 KB", 1, 1};
        return false;
    }
    if (text_utf8_fault(text, length) < length) {
        *ret_fault = (struct fhirpath_fault){FHIRPATH_FAULT_SYNTAX,
                                             "bytes that are not UTF-8; expected UTF-8 text", 1, 1};
        return false;
    }
    expression->text = arena_copy_n(arena, text, length);
    expression->root = parse(arena, expression->text, length, ret_fault);
    *ret_expression = expression;
    return expression->root != NULL;
}

/* ---- sessions ---- */

static size_t steps_of(const struct fhirpath_input *input)
{
    return input->steps_max != 0 ? input->steps_max : FHIRPATH_STEPS_MAX;
}

struct fhirpath_session *fhirpath_session_new(struct arena *arena,
                                              const struct fhirpath_input *input)
{
    struct fhirpath_session *session = arena_alloc(arena, sizeof *session);
    struct machine *machine = &session->machine;
    machine->arena = arena;
    machine->input = *input;
    machine->steps_left = steps_of(input);
    machine->memory_left = input->memory_max != 0 ? input->memory_max : FHIRPATH_MEMORY_MAX;
    machine_grow(machine, &NO_STEP);
    return session;
}

struct fhirpath_input *fhirpath_session_input(struct fhirpath_session *session)
{
    return &session->machine.input;
}

size_t fhirpath_session_spent(const struct fhirpath_session *session)
{
    return steps_of(&session->machine.input) - session->machine.steps_left;
}

/* Forgets what the last evaluation made. */
static void begin(struct machine *machine)
{
    const struct fhirpath_input *input = &machine->input;
    machine->top = 0;
    machine->block = machine->first;
    machine->used = 0;
    machine->this = convert_context(input);
    machine->index = -1;
    machine->total = NULL;
    machine->total_count = 0;
    machine->variables = NULL;
    machine->steps_left = steps_of(input);
    machine->fault.kind = FHIRPATH_FAULT_NONE;
}

static bool run(struct machine *machine, const struct fhirpath *expression)
{
    begin(machine);
    if (machine->room == 0)
        return machine_grow(machine, expression->root);
    const struct definition_type *type = machine->input.type;
    if (machine->input.strict && type == NULL && machine->this.kind == VALUE_NODE &&
        machine->this.type != 0)
        type = &definition_types[machine->this.type];
    if (machine->input.strict && !check(machine->arena, expression->root, type, &machine->fault))
        return false;
    return machine_run(machine, expression->root);
}

enum fhirpath_truth fhirpath_is_true(struct fhirpath_session *session,
                                     const struct fhirpath *expression,
                                     struct fhirpath_fault *ret_fault)
{
    struct machine *machine = &session->machine;
    enum truth truth = TRUTH_YES;
    bool done = run(machine, expression);
    if (done && machine->top <= 1)
        done = machine_truth(machine, expression->root, (struct slice){0, machine->top}, &truth);
    if (done)
        return truth == TRUTH_YES ? FHIRPATH_TRUE : FHIRPATH_FALSE;
    if (ret_fault != NULL)
        *ret_fault = machine->fault;
    return FHIRPATH_FAULTY;
}

/* ---- results ---- */

static const char *text_of_node(const struct json *node)
{
    if (json_kind(node) == JSON_BOOLEAN)
        return json_true(node) ? "true" : "false";
    return json_kind(node) == JSON_NUMBER ? json_number(node) : json_text(node);
}

static bool show_value(struct machine *machine, const struct step *step, struct value value,
                       struct fhirpath_value *ret_value)
{
    *ret_value = (struct fhirpath_value){.type = convert_type_name(machine, step, value)};
    if (ret_value->type == NULL)
        return false;
    if (value.kind == VALUE_NODE) {
        ret_value->node = value.node;
        ret_value->companion = value.companion;
        ret_value->text = text_of_node(value.node);
        return true;
    }
    ret_value->text = convert_text(machine, step, value);
    return machine->fault.kind == FHIRPATH_FAULT_NONE;
}

static bool show_all(struct machine *machine, const struct step *step,
                     struct fhirpath_result *ret_result)
{
    size_t count = machine->top;
    struct fhirpath_value *values = machine_alloc(machine, step, (count + 1) * sizeof *values);
    if (values == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!show_value(machine, step, machine->stack[i], &values[i]))
            return false;
    }
    *ret_result = (struct fhirpath_result){values, count};
    return true;
}

bool fhirpath_session_evaluate(struct fhirpath_session *session, const struct fhirpath *expression,
                               struct fhirpath_result *ret_result, struct fhirpath_fault *ret_fault)
{
    struct machine *machine = &session->machine;
    if (run(machine, expression) && show_all(machine, expression->root, ret_result))
        return true;
    *ret_fault = machine->fault;
    return false;
}

bool fhirpath_evaluate(struct arena *arena, const struct fhirpath *expression,
                       const struct fhirpath_input *input, struct fhirpath_result *ret_result,
                       struct fhirpath_fault *ret_fault)
{
    struct fhirpath_session *session = fhirpath_session_new(arena, input);
    return fhirpath_session_evaluate(session, expression, ret_result, ret_fault);
}
