/* machine: the stack, scratch memory, limits and faults beneath every FHIRPath step.
 *
 * One machine is one session. A step pushes its values; the part of the stack above where it began
 * is its answer. Functions work on slices of the stack and leave only their answer. All that grows
 * (stack, scratch) counts against the memory limit, every step and every item against the step
 * limit. */
#ifndef FHIR_FHIRPATH_MACHINE_H
#define FHIR_FHIRPATH_MACHINE_H

#include "fhir/fhirpath/step.h"

enum { LOOKUP_SLOTS = 512, REGEX_SLOTS = 64 };

struct regex_cache; /* regex.c */

/* What a member name means in a type; a cache over the definitions. */
struct lookup {
    const struct step *step;
    uint16_t type;     /* of the parent */
    uint16_t child;    /* type of the member; 0 for a choice */
    uint8_t form;      /* enum lookup_form */
    bool is_primitive; /* a `_name` may stand beside it */
    bool is_resource;  /* the type is in its resourceType */
};

struct scratch_block {
    struct scratch_block *next;
    size_t size;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct variable { /* made by defineVariable() */
    const struct variable *outer;
    const char *name;
    const struct value *values;
    size_t count;
};

struct machine {
    struct arena *arena;
    struct fhirpath_input input;
    struct value *stack;
    size_t top, room;
    struct value this;
    long long index;           /* $index; -1 outside of a lambda */
    const struct value *total; /* $total; NULL outside of aggregate() */
    size_t total_count;
    const struct variable *variables;
    size_t steps_left, memory_left;
    struct scratch_block *first, *block; /* block: the one in use */
    size_t used;                         /* bytes of it */
    struct regex_cache *regexes;         /* NULL until the first */
    struct fhirpath_fault fault;
    struct lookup lookups[LOOKUP_SLOTS];
};

/* ---- memory and faults ---- */

/* Memory until the next evaluation; NULL with a fault when the limit is reached. */
void *machine_alloc(struct machine *machine, const struct step *step, size_t size);
char *machine_copy(struct machine *machine, const struct step *step, const char *text,
                   size_t length);
/* Sets the fault, unless there is one already, and answers false. */
bool machine_fail(struct machine *machine, const struct step *step, enum fhirpath_fault_kind kind,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* COUNT steps more of work; false with a fault when there are no more. */
bool machine_spend(struct machine *machine, const struct step *step, size_t count);
/* The work of reading TEXT once. */
bool machine_spend_text(struct machine *machine, const struct step *step, const char *text);

/* ---- the stack ---- */

bool machine_grow(struct machine *machine, const struct step *step);

static inline bool machine_push(struct machine *machine, const struct step *step,
                                struct value value)
{
    if (machine->top == machine->room && !machine_grow(machine, step))
        return false;
    machine->stack[machine->top++] = value;
    return true;
}

/* Leaves nothing from FROM on. */
static inline bool machine_give_nothing(struct machine *machine, size_t from)
{
    machine->top = from;
    return true;
}

/* Leaves only VALUE from FROM on. */
static inline bool machine_give(struct machine *machine, const struct step *step, size_t from,
                                struct value value)
{
    machine->top = from;
    return machine_push(machine, step, value);
}

/* Leaves only the values of PART, which lies above FROM. */
bool machine_give_part(struct machine *machine, size_t from, struct slice part);

static inline size_t slice_count(struct slice slice)
{
    return slice.to - slice.from;
}

/* ---- running ---- */

static inline bool machine_run(struct machine *machine, const struct step *step)
{
    if (machine->steps_left == 0)
        return machine_spend(machine, step, 1);
    machine->steps_left--;
    return step->run(machine, step);
}

/* The values that STEP works on: of step->input, or $this. */
bool machine_input(struct machine *machine, const struct step *step, struct slice *ret_slice);
bool machine_argument(struct machine *machine, const struct step *step, unsigned index,
                      struct slice *ret_slice);
/* Runs STEP with THIS as $this and INDEX as $index. */
bool machine_run_on(struct machine *machine, const struct step *step, struct value this,
                    long long index);

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

static inline enum truth truth_of(bool is_true)
{
    return is_true ? TRUTH_YES : TRUTH_NO;
}

/* What the values of SLICE say as one boolean (N1 section 4.5, singleton evaluation); more than one
 * is a fault. */
bool machine_truth(struct machine *machine, const struct step *step, struct slice slice,
                   enum truth *ret_truth);
/* Runs STEP and pops what it says. */
bool machine_test(struct machine *machine, const struct step *step, enum truth *ret_truth);
/* Leaves the boolean from FROM on, or nothing when unknown. */
bool machine_give_truth(struct machine *machine, const struct step *step, size_t from,
                        enum truth truth);

/* ---- arguments and inputs of one value ---- */

/* The one value of SLICE as a System value: VALUE_NONE when there is none; more than one is a
 * fault. */
bool machine_single(struct machine *machine, const struct step *step, struct slice slice,
                    struct value *ret_value);
/* machine_single of the input (its slice starts at the current top) or of an argument (popped). */
bool machine_single_input(struct machine *machine, const struct step *step,
                          struct value *ret_value);
bool machine_single_argument(struct machine *machine, const struct step *step, unsigned index,
                             struct value *ret_value);
/* The same for texts: VALUE_NONE answers NULL; anything that is no text is a fault. */
bool machine_text_input(struct machine *machine, const struct step *step, const char **ret_text);
bool machine_text_argument(struct machine *machine, const struct step *step, unsigned index,
                           const char **ret_text);
/* The same for whole numbers; *ret_known false when there is none. */
bool machine_whole_argument(struct machine *machine, const struct step *step, unsigned index,
                            bool *ret_known, long long *ret_value);

/* ---- the run functions of steps that are no calls ---- */

bool run_constant(struct machine *machine, const struct step *step);
bool run_this(struct machine *machine, const struct step *step);
bool run_index(struct machine *machine, const struct step *step);
bool run_total(struct machine *machine, const struct step *step);
bool run_variable(struct machine *machine, const struct step *step);
bool run_item(struct machine *machine, const struct step *step);
bool run_member(struct machine *machine, const struct step *step); /* navigate.c */
bool run_sign(struct machine *machine, const struct step *step);   /* operator.c */
bool run_is(struct machine *machine, const struct step *step);     /* kind.c */
bool run_as(struct machine *machine, const struct step *step);     /* kind.c */

#endif
