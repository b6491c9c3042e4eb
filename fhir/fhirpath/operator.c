/* operator: the binary operators and signs of FHIRPath (N1 2.0 section 6).
 *
 * One row of `operators` an operator. Logic stops at the left operand where that decides. */
#include <string.h>

#include "fhir/fhirpath/compare.h"
#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/quantity.h"

/* Runs both operands; their slices lie one behind the other from ret_left->from on. */
static bool operands(struct machine *machine, const struct step *step, struct slice *ret_left,
                     struct slice *ret_right)
{
    const struct variable *outer = machine->variables;
    bool done = machine_input(machine, step, ret_left);
    machine->variables = outer; /* what the left operand defined, the right one does not see */
    return done && machine_argument(machine, step, 0, ret_right);
}

/* Both operands as System values; *ret_known false when one is empty. */
static bool singles(struct machine *machine, const struct step *step, struct value *ret_left,
                    struct value *ret_right, bool *ret_known)
{
    struct slice left;
    struct slice right;
    if (!operands(machine, step, &left, &right) || !machine_single(machine, step, left, ret_left) ||
        !machine_single(machine, step, right, ret_right))
        return false;
    machine->top = left.from;
    *ret_known = ret_left->kind != VALUE_NONE && ret_right->kind != VALUE_NONE;
    return true;
}

static bool fail_operands(struct machine *machine, const struct step *step, struct value left,
                          struct value right, const char *expected)
{
    return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION, "%s %s %s; expected %s",
                        convert_kind_words(left), step->name, convert_kind_words(right), expected);
}

/* ---- equality ---- */

static bool is_negated(const struct step *step)
{
    return step->name[0] == '!';
}

static enum truth negated(enum truth truth)
{
    return truth == TRUTH_UNKNOWN ? truth : truth_of(truth == TRUTH_NO);
}

static bool run_equal(struct machine *machine, const struct step *step)
{
    struct slice left;
    struct slice right;
    enum truth truth = TRUTH_UNKNOWN;
    if (!operands(machine, step, &left, &right))
        return false;
    bool one_each = slice_count(left) == 1 && slice_count(right) == 1;
    if (one_each) {
        if (!compare_equal(machine, step, machine->stack[left.from], machine->stack[right.from],
                           &truth))
            return false;
    } else if (slice_count(left) > 0 && slice_count(right) > 0) {
        if (!compare_equal_slices(machine, step, left, right, &truth))
            return false;
    }
    return machine_give_truth(machine, step, left.from, is_negated(step) ? negated(truth) : truth);
}

static bool run_equivalent(struct machine *machine, const struct step *step)
{
    struct slice left;
    struct slice right;
    enum truth truth;
    if (!operands(machine, step, &left, &right) ||
        !compare_equivalent_slices(machine, step, left, right, &truth))
        return false;
    return machine_give_truth(machine, step, left.from, is_negated(step) ? negated(truth) : truth);
}

/* ---- order ---- */

static bool run_order(struct machine *machine, const struct step *step)
{
    struct value left;
    struct value right;
    bool known;
    int order = 0;
    if (!singles(machine, step, &left, &right, &known))
        return false;
    if (known && !compare_order(machine, step, left, right, &known, &order))
        return false;
    if (!known)
        return true;
    bool is_below = step->name[0] == '<';
    bool or_equal = step->name[1] == '=';
    bool holds = order == 0 ? or_equal : (order < 0) == is_below;
    return machine_push(machine, step, value_boolean(holds));
}

/* ---- logic ---- */

/* What the left operand must say for the right one not to matter, and the answer then. */
static bool run_logic(struct machine *machine, const struct step *step, enum truth decides,
                      enum truth answer, enum truth (*join)(enum truth left, enum truth right))
{
    size_t from = machine->top;
    enum truth left;
    enum truth right;
    if (!machine_test(machine, step->input, &left))
        return false;
    if (left == decides && left != TRUTH_UNKNOWN)
        return machine_give_truth(machine, step, from, answer);
    if (!machine_test(machine, step->arguments[0], &right))
        return false;
    return machine_give_truth(machine, step, from, join(left, right));
}

static enum truth join_and(enum truth left, enum truth right)
{
    if (left == TRUTH_NO || right == TRUTH_NO)
        return TRUTH_NO;
    return left == TRUTH_YES && right == TRUTH_YES ? TRUTH_YES : TRUTH_UNKNOWN;
}

static enum truth join_or(enum truth left, enum truth right)
{
    return negated(join_and(negated(left), negated(right)));
}

static enum truth join_xor(enum truth left, enum truth right)
{
    if (left == TRUTH_UNKNOWN || right == TRUTH_UNKNOWN)
        return TRUTH_UNKNOWN;
    return truth_of(left != right);
}

static enum truth join_implies(enum truth left, enum truth right)
{
    return join_or(negated(left), right);
}

static bool run_and(struct machine *machine, const struct step *step)
{
    return run_logic(machine, step, TRUTH_NO, TRUTH_NO, join_and);
}

static bool run_or(struct machine *machine, const struct step *step)
{
    return run_logic(machine, step, TRUTH_YES, TRUTH_YES, join_or);
}

static bool run_xor(struct machine *machine, const struct step *step)
{
    return run_logic(machine, step, TRUTH_UNKNOWN, TRUTH_UNKNOWN, join_xor);
}

static bool run_implies(struct machine *machine, const struct step *step)
{
    return run_logic(machine, step, TRUTH_NO, TRUTH_YES, join_implies);
}

/* ---- collections ---- */

static bool run_union(struct machine *machine, const struct step *step)
{
    struct slice left;
    struct slice right;
    size_t to;
    if (!operands(machine, step, &left, &right) ||
        !compare_unite(machine, step, (struct slice){left.from, right.to}, &to))
        return false;
    machine->top = to;
    return true;
}

static bool member_of(struct machine *machine, const struct step *step, struct slice item,
                      struct slice list, size_t from)
{
    bool found = false;
    if (slice_count(item) == 0)
        return machine_give_nothing(machine, from);
    if (slice_count(item) > 1)
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "%zu items to look for with '%s'; expected one or none",
                            slice_count(item), step->name);
    if (slice_count(list) > 0 &&
        !compare_contains(machine, step, list, machine->stack[item.from], &found))
        return false;
    return machine_give(machine, step, from, value_boolean(found));
}

static bool run_in(struct machine *machine, const struct step *step)
{
    struct slice left;
    struct slice right;
    return operands(machine, step, &left, &right) &&
           member_of(machine, step, left, right, left.from);
}

static bool run_contains(struct machine *machine, const struct step *step)
{
    struct slice left;
    struct slice right;
    return operands(machine, step, &left, &right) &&
           member_of(machine, step, right, left, left.from);
}

/* ---- text ---- */

static bool join_texts(struct machine *machine, const struct step *step, const char *left,
                       const char *right)
{
    size_t left_length = strlen(left);
    size_t right_length = strlen(right);
    char *joined = machine_alloc(machine, step, left_length + right_length + 1);
    if (joined == NULL)
        return false;
    memcpy(joined, left, left_length);
    memcpy(joined + left_length, right, right_length + 1);
    return machine_push(machine, step, value_text(joined));
}

/* `&`: an empty operand is an empty text. */
static bool run_concatenate(struct machine *machine, const struct step *step)
{
    struct value left;
    struct value right;
    bool known;
    if (!singles(machine, step, &left, &right, &known))
        return false;
    const char *left_text = left.kind == VALUE_NONE ? "" : convert_text(machine, step, left);
    const char *right_text = right.kind == VALUE_NONE ? "" : convert_text(machine, step, right);
    if (left_text == NULL || right_text == NULL)
        return fail_operands(machine, step, left, right, "two values that have a text");
    return join_texts(machine, step, left_text, right_text);
}

/* ---- arithmetic ---- */

static bool is_number(struct value value)
{
    return value.kind == VALUE_INTEGER || value.kind == VALUE_DECIMAL;
}

static bool are_integers(struct value left, struct value right)
{
    return left.kind == VALUE_INTEGER && right.kind == VALUE_INTEGER;
}

static struct decimal number_of(struct value value)
{
    return value.kind == VALUE_DECIMAL ? *value.decimal : decimal_of(value.whole);
}

static struct quantity quantity_of(struct value value)
{
    return value.kind == VALUE_QUANTITY ? *value.quantity
                                        : (struct quantity){.value = number_of(value), .unit = "1"};
}

static bool are_quantities(struct value left, struct value right)
{
    return (left.kind == VALUE_QUANTITY || is_number(left)) &&
           (right.kind == VALUE_QUANTITY || is_number(right));
}

/* Nothing when it leaves 32 bits (N1 section 6.6: overflow is empty). */
static bool push_integer(struct machine *machine, const struct step *step, long long whole)
{
    bool fits = whole >= INT32_MIN && whole <= INT32_MAX;
    return !fits || machine_push(machine, step, value_integer(whole));
}

static bool push_decimal(struct machine *machine, const struct step *step, bool fits,
                         struct decimal decimal)
{
    enum { WORK = 8 };
    struct value value;
    return machine_spend(machine, step, WORK) &&
           (!fits || (convert_make_decimal(machine, step, decimal, &value) &&
                      machine_push(machine, step, value)));
}

/* Understanding units takes longer than calculating. */
static bool spend_units(struct machine *machine, const struct step *step,
                        const struct quantity *one, const struct quantity *other)
{
    return machine_spend(machine, step, 20 * (strlen(one->unit) + strlen(other->unit)));
}

static bool push_quantity(struct machine *machine, const struct step *step,
                          struct quantity quantity)
{
    struct value value;
    return convert_make_quantity(machine, step, quantity, &value) &&
           machine_push(machine, step, value);
}

/* Date or time plus a quantity of time; fractions of a unit are dropped. */
static bool add_to_moment(struct machine *machine, const struct step *step, struct value left,
                          struct value right, bool subtract)
{
    const struct quantity *quantity = right.quantity;
    enum moment_unit unit;
    long long amount;
    struct moment sum;
    struct value value;
    if (!unit_of_time_code(quantity->unit, &unit))
        return fail_operands(machine, step, left, right,
                             "a quantity of time such as 1 month or 4 'h'");
    if (!decimal_whole(decimal_truncated(quantity->value, 0), &amount))
        return true;
    if (!moment_add(left.moment, subtract ? -amount : amount, unit, &sum))
        return true;
    return convert_make_moment(machine, step, sum, &value) && machine_push(machine, step, value);
}

static bool is_moment(struct value value)
{
    return value.kind == VALUE_DATE || value.kind == VALUE_DATETIME || value.kind == VALUE_TIME;
}

static bool add_quantities(struct machine *machine, const struct step *step, struct value left,
                           struct value right, bool subtract)
{
    struct quantity one = quantity_of(left);
    struct quantity other = quantity_of(right);
    struct quantity sum;
    if (subtract)
        other.value = decimal_negated(other.value);
    if (!spend_units(machine, step, &one, &other))
        return false;
    return !quantity_add(&one, &other, &sum) || push_quantity(machine, step, sum);
}

static bool run_add(struct machine *machine, const struct step *step)
{
    struct value left;
    struct value right;
    struct decimal sum = {0};
    bool known;
    bool subtract = step->name[0] == '-';
    if (!singles(machine, step, &left, &right, &known))
        return false;
    if (!known)
        return true;
    if (are_integers(left, right))
        return push_integer(machine, step,
                            subtract ? left.whole - right.whole : left.whole + right.whole);
    if (is_number(left) && is_number(right)) {
        struct decimal other = number_of(right);
        bool fits = decimal_add(number_of(left), subtract ? decimal_negated(other) : other, &sum);
        return push_decimal(machine, step, fits, sum);
    }
    if (left.kind == VALUE_TEXT && right.kind == VALUE_TEXT && !subtract)
        return join_texts(machine, step, left.text, right.text);
    if (is_moment(left) && right.kind == VALUE_QUANTITY)
        return add_to_moment(machine, step, left, right, subtract);
    if (are_quantities(left, right))
        return add_quantities(machine, step, left, right, subtract);
    return fail_operands(machine, step, left, right,
                         "two numbers, two strings, two quantities, or a date and a quantity");
}

static bool scale_quantities(struct machine *machine, const struct step *step, struct value left,
                             struct value right, bool divide)
{
    struct quantity one = quantity_of(left);
    struct quantity other = quantity_of(right);
    struct quantity product;
    char *unit = machine_alloc(machine, step, UNIT_TEXT_MAX);
    if (unit == NULL || !spend_units(machine, step, &one, &other))
        return false;
    return !quantity_multiply(&one, &other, divide, unit, &product) ||
           push_quantity(machine, step, product);
}

static bool run_multiply(struct machine *machine, const struct step *step)
{
    struct value left;
    struct value right;
    struct decimal result = {0};
    bool known;
    bool divide = step->name[0] == '/';
    if (!singles(machine, step, &left, &right, &known))
        return false;
    if (!known)
        return true;
    if (are_integers(left, right) && !divide)
        return push_integer(machine, step, left.whole * right.whole);
    if (is_number(left) && is_number(right)) {
        bool fits = divide ? decimal_divide(number_of(left), number_of(right), &result)
                           : decimal_multiply(number_of(left), number_of(right), &result);
        return push_decimal(machine, step, fits, result);
    }
    if (are_quantities(left, right))
        return scale_quantities(machine, step, left, right, divide);
    return fail_operands(machine, step, left, right, "two numbers or quantities");
}

/* `div` and `mod`: nothing when divided by zero. */
static bool run_whole(struct machine *machine, const struct step *step)
{
    struct value left;
    struct value right;
    struct decimal result = {0};
    bool known;
    bool is_remainder = step->name[0] == 'm';
    if (!singles(machine, step, &left, &right, &known))
        return false;
    if (!known)
        return true;
    if (!is_number(left) || !is_number(right))
        return fail_operands(machine, step, left, right, "two numbers");
    if (is_remainder) {
        bool fits = decimal_remainder(number_of(left), number_of(right), &result);
        if (!are_integers(left, right))
            return push_decimal(machine, step, fits, result);
        return !fits || push_integer(machine, step, left.whole % right.whole);
    }
    long long whole;
    if (!decimal_divide_whole(number_of(left), number_of(right), &result) ||
        !decimal_whole(result, &whole))
        return true;
    return push_integer(machine, step, whole);
}

bool run_sign(struct machine *machine, const struct step *step)
{
    struct value value;
    if (!machine_single_input(machine, step, &value))
        return false;
    switch (value.kind) {
    case VALUE_NONE:
        return true;
    case VALUE_INTEGER:
        return push_integer(machine, step, step->has_sign ? -value.whole : value.whole);
    case VALUE_DECIMAL: {
        struct decimal decimal = *value.decimal;
        if (step->has_sign)
            decimal.negative = !decimal.negative && decimal.digits != 0;
        return push_decimal(machine, step, true, decimal);
    }
    case VALUE_QUANTITY: {
        struct quantity quantity = *value.quantity;
        if (step->has_sign)
            quantity.value = decimal_negated(quantity.value);
        return push_quantity(machine, step, quantity);
    }
    default:
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "a sign before %s; expected a number or a quantity",
                            convert_kind_words(value));
    }
}

/* ---- the table ---- */

static const struct {
    const char *name;
    bool (*run)(struct machine *machine, const struct step *step);
} operators[] = {
    {"=", run_equal},   {"!=", run_equal}, {"~", run_equivalent},      {"!~", run_equivalent},
    {"<", run_order},   {"<=", run_order}, {">", run_order},           {">=", run_order},
    {"and", run_and},   {"or", run_or},    {"xor", run_xor},           {"implies", run_implies},
    {"|", run_union},   {"in", run_in},    {"contains", run_contains}, {"&", run_concatenate},
    {"+", run_add},     {"-", run_add},    {"*", run_multiply},        {"/", run_multiply},
    {"div", run_whole}, {"mod", run_whole}};

bool (*operator_find(const char *name))(struct machine *machine, const struct step *step)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (strcmp(name, operators[i].name) == 0)
            return operators[i].run;
    }
    return NULL;
}
