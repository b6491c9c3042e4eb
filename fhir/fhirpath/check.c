/* check: see check.h. Each step answers a guess: the types its values may have. */
#include "fhir/fhirpath/check.h"

#include <string.h>

#include "fhir/fhirpath/function.h"

enum { TYPES_MAX = 64 };

struct guess {
    const struct definition_type *types[TYPES_MAX];
    unsigned count;
    bool is_any; /* may be of any type; `types` says nothing then */
    bool is_unordered;
};

struct checker {
    struct arena *arena;
    struct fhirpath_fault *fault;
};

static const struct guess ANYTHING = {.is_any = true};

static bool check_step(struct checker *checker, const struct step *step, const struct guess *this,
                       struct guess *ret_guess);

static bool fail(struct checker *checker, const struct step *step, const char *message)
{
    *checker->fault =
        (struct fhirpath_fault){FHIRPATH_FAULT_SEMANTIC, message, step->line, step->column};
    return false;
}

static void add_type(struct guess *guess, const struct definition_type *type)
{
    if (type == NULL || guess->count == TYPES_MAX ||
        (type->kind == DEFINITION_RESOURCE && type->is_abstract))
        guess->is_any = true;
    else
        guess->types[guess->count++] = type;
}

/* ---- members ---- */

/* The types of element NAME of TYPE, as FHIRPath names elements. */
static void add_member(struct guess *guess, const struct definition_type *type, const char *name)
{
    const struct definition_element *element = definition_child(type, name);
    if (element == NULL)
        return;
    for (unsigned i = 0; i < element->choice_count; i++) {
        const struct definition_choice *choice = &definition_choices[element->choice + i];
        if (choice->type != 0)
            add_type(guess, definition_type_of(choice));
    }
}

static bool check_head(struct checker *checker, const struct step *step, const struct guess *this,
                       struct guess *ret_guess)
{
    *ret_guess = *this;
    bool fits = this->is_any;
    for (unsigned i = 0; i < this->count && step->type.fhir != NULL; i++)
        fits = fits || definition_is(this->types[i], step->type.fhir);
    if (fits)
        return true;
    return fail(
        checker, step,
        arena_print(checker->arena,
                    "'%.60s' is neither an element nor the type of the context (%s)", step->name,
                    this->count == 0 ? "no FHIR type" : definition_type_name(this->types[0])));
}

static bool check_member(struct checker *checker, const struct step *step,
                         const struct guess *input, struct guess *ret_guess)
{
    struct guess guess = {.count = 0};
    if (input->is_any) {
        *ret_guess = ANYTHING;
        return true;
    }
    for (unsigned i = 0; i < input->count; i++)
        add_member(&guess, input->types[i], step->name);
    *ret_guess = guess;
    if (guess.count > 0 || guess.is_any)
        return true;
    return fail(checker, step,
                arena_print(checker->arena,
                            "'%.60s' is no element of %s; expected one of its "
                            "elements (choices without their type: value)",
                            step->name,
                            input->count == 0 ? "this" : definition_type_name(input->types[0])));
}

/* ---- calls ---- */

static bool has_primitive(const struct guess *guess)
{
    for (unsigned i = 0; i < guess->count; i++) {
        if (guess->types[i]->kind == DEFINITION_PRIMITIVE)
            return true;
    }
    return guess->is_any || guess->count == 0;
}

static bool check_needs(struct checker *checker, const struct step *step, unsigned needs,
                        const struct guess *input)
{
    if (needs == SHAPE_ORDERED && input->is_unordered)
        return fail(checker, step,
                    arena_print(checker->arena,
                                "'%s' on children, which have no order; expected a "
                                "list of one element",
                                step->name == NULL ? "[ ]" : step->name));
    if (needs == SHAPE_TEXT && !has_primitive(input))
        return fail(checker, step,
                    arena_print(checker->arena, "%s() of %s; expected a string", step->name,
                                definition_type_name(input->types[0])));
    return true;
}

static struct guess given(const struct step *step, const struct guess *input,
                          const struct guess *argument)
{
    struct guess guess = ANYTHING;
    switch (step->function->gives) {
    case SHAPE_INPUT:
        return *input;
    case SHAPE_ARGUMENT:
        return *argument;
    case SHAPE_UNORDERED:
        guess.is_unordered = true;
        return guess;
    case SHAPE_EXTENSION:
        guess.is_any = false;
        add_type(&guess, definition_find("Extension"));
        return guess;
    case SHAPE_TYPE:
        guess.is_any = step->type.fhir == NULL;
        if (!guess.is_any)
            add_type(&guess, step->type.fhir);
        return guess;
    default:
        return guess;
    }
}

static bool check_call(struct checker *checker, const struct step *step, const struct guess *this,
                       const struct guess *input, struct guess *ret_guess)
{
    const struct function *function = step->function;
    struct guess argument = ANYTHING;
    /* The results of repeat() are its input again. */
    const struct guess *inner = function->takes != TAKES_LAMBDA ? this
                                : function->run == call_repeat  ? &ANYTHING
                                                                : input;
    if (!check_needs(checker, step, function->needs, input))
        return false;
    for (unsigned i = 0; function->takes != TAKES_TYPE && i < step->argument_count; i++) {
        struct guess other;
        if (!check_step(checker, step->arguments[i], inner, i == 0 ? &argument : &other))
            return false;
    }
    *ret_guess = given(step, input, &argument);
    return true;
}

/* ---- the rest ---- */

static bool check_binary(struct checker *checker, const struct step *step, const struct guess *this,
                         struct guess *ret_guess)
{
    struct guess right;
    *ret_guess = ANYTHING;
    return check_step(checker, step->arguments[0], this, &right);
}

static bool check_step(struct checker *checker, const struct step *step, const struct guess *this,
                       struct guess *ret_guess)
{
    struct guess input = *this;
    struct guess index;
    if (step->input != NULL && !check_step(checker, step->input, this, &input))
        return false;
    *ret_guess = input;
    switch (step->kind) {
    case STEP_THIS:
        return true;
    case STEP_MEMBER:
        return step->input == NULL && step->type.word != NULL
                   ? check_head(checker, step, this, ret_guess)
                   : check_member(checker, step, &input, ret_guess);
    case STEP_ITEM:
        return check_needs(checker, step, SHAPE_ORDERED, &input) &&
               check_step(checker, step->arguments[0], this, &index);
    case STEP_CALL:
        return check_call(checker, step, this, &input, ret_guess);
    case STEP_BINARY:
        return check_binary(checker, step, this, ret_guess);
    case STEP_TYPE:
        *ret_guess = ANYTHING;
        if (step->name[0] == 'a' && step->type.fhir != NULL) {
            *ret_guess = (struct guess){.count = 0};
            add_type(ret_guess, step->type.fhir);
        }
        return true;
    default:
        *ret_guess = ANYTHING;
        return true;
    }
}

bool check(struct arena *arena, const struct step *step, const struct definition_type *type,
           struct fhirpath_fault *ret_fault)
{
    struct checker checker = {arena, ret_fault};
    struct guess this = ANYTHING;
    struct guess answer;
    if (type != NULL) {
        this = (struct guess){.count = 0};
        add_type(&this, type);
    }
    return check_step(&checker, step, &this, &answer);
}
