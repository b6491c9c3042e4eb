/* boundary: lowBoundary(), highBoundary(), precision(), comparable() (FHIRPath N1 3.0
 * section 5.7.3).
 *
 * A value written with some precision stands for all that round to it; the boundaries are the ends
 * of that range, written with as many digits as asked for. */
#include <string.h>

#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/function.h"
#include "fhir/fhirpath/quantity.h"

enum {
    DIGITS_DEFAULT = 8,
    DIGITS_MAX = 31,
    DATE_DEFAULT = 8,
    DATETIME_DEFAULT = 17,
    TIME_DEFAULT = 9
};

/* Half a unit of the last digit, away from zero or towards it; then cut off, or rounded up from
 * half. False: it does not fit 38 digits. */
static bool decimal_boundary(struct decimal value, bool away, int digits, struct decimal *ret_value)
{
    bool negative = value.negative;
    struct decimal half = {5, value.scale + 1, !away};
    struct decimal boundary;
    value.negative = false;
    if (half.scale > DECIMAL_DIGITS_MAX || !decimal_add(value, half, &boundary))
        return false;
    if (boundary.negative) { /* zero: the range lies on both sides */
        boundary.negative = false;
        negative = !negative;
    }
    boundary = away ? decimal_rounded(boundary, digits) : decimal_truncated(boundary, digits);
    boundary.negative = negative;
    return decimal_with_scale(boundary, digits, ret_value);
}

static bool push_decimal_boundary(struct machine *machine, const struct step *step,
                                  struct decimal value, bool high, long long digits)
{
    struct decimal boundary;
    struct value result;
    if (digits < 0 || digits > DIGITS_MAX ||
        !decimal_boundary(value, high != value.negative, (int)digits, &boundary))
        return true;
    return convert_make_decimal(machine, step, boundary, &result) &&
           machine_push(machine, step, result);
}

static bool push_quantity_boundary(struct machine *machine, const struct step *step,
                                   const struct quantity *quantity, bool high, long long digits)
{
    struct quantity boundary = *quantity;
    struct value result;
    if (digits < 0 || digits > DIGITS_MAX ||
        !decimal_boundary(quantity->value, high != quantity->value.negative, (int)digits,
                          &boundary.value))
        return true;
    return convert_make_quantity(machine, step, boundary, &result) &&
           machine_push(machine, step, result);
}

static bool push_moment_boundary(struct machine *machine, const struct step *step,
                                 const struct moment *moment, bool high, long long digits)
{
    struct moment boundary;
    struct value result;
    if (digits < 0 || digits > DIGITS_MAX || !moment_boundary(moment, high, (int)digits, &boundary))
        return true;
    return convert_make_moment(machine, step, boundary, &result) &&
           machine_push(machine, step, result);
}

static long long default_digits(struct value value)
{
    switch (value.kind) {
    case VALUE_DATE:
        return DATE_DEFAULT;
    case VALUE_DATETIME:
        return DATETIME_DEFAULT;
    case VALUE_TIME:
        return TIME_DEFAULT;
    default:
        return DIGITS_DEFAULT;
    }
}

static bool run_boundary(struct machine *machine, const struct step *step, bool high)
{
    struct value value;
    bool known = false;
    long long digits = 0;
    if (!machine_single_input(machine, step, &value) ||
        (step->argument_count > 0 && !machine_whole_argument(machine, step, 0, &known, &digits)))
        return false;
    if (!known)
        digits = default_digits(value);
    switch (value.kind) {
    case VALUE_NONE:
        return true;
    case VALUE_INTEGER:
        return push_decimal_boundary(machine, step, decimal_of(value.whole), high, digits);
    case VALUE_DECIMAL:
        return push_decimal_boundary(machine, step, *value.decimal, high, digits);
    case VALUE_QUANTITY:
        return push_quantity_boundary(machine, step, value.quantity, high, digits);
    case VALUE_DATE:
    case VALUE_DATETIME:
    case VALUE_TIME:
        return push_moment_boundary(machine, step, value.moment, high, digits);
    default:
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "%s for %s(); expected a number, a quantity, a date or a time",
                            convert_kind_words(value), step->name);
    }
}

bool call_low_boundary(struct machine *machine, const struct step *step)
{
    return run_boundary(machine, step, false);
}

bool call_high_boundary(struct machine *machine, const struct step *step)
{
    return run_boundary(machine, step, true);
}

bool call_precision(struct machine *machine, const struct step *step)
{
    struct value value;
    if (!machine_single_input(machine, step, &value))
        return false;
    switch (value.kind) {
    case VALUE_NONE:
        return true;
    case VALUE_INTEGER:
        return machine_push(machine, step, value_integer(0));
    case VALUE_DECIMAL:
        return machine_push(machine, step, value_integer(value.decimal->scale));
    case VALUE_DATE:
    case VALUE_DATETIME:
    case VALUE_TIME:
        return machine_push(machine, step, value_integer(moment_digits(value.moment)));
    default:
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "%s for precision(); expected a decimal, a date or a time",
                            convert_kind_words(value));
    }
}

bool call_comparable(struct machine *machine, const struct step *step)
{
    struct value one;
    struct value other;
    if (!machine_single_input(machine, step, &one) ||
        !machine_single_argument(machine, step, 0, &other))
        return false;
    if (one.kind == VALUE_NONE || other.kind == VALUE_NONE)
        return true;
    bool both = one.kind == VALUE_QUANTITY && other.kind == VALUE_QUANTITY;
    size_t letters = both ? strlen(one.quantity->unit) + strlen(other.quantity->unit) : 0;
    if (!machine_spend(machine, step, 20 * letters))
        return false;
    bool comparable = both && quantity_comparable(one.quantity, other.quantity);
    return machine_push(machine, step, value_boolean(comparable));
}
