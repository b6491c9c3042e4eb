/* number: mathematical functions (FHIRPath N1 2.0 section 5.7). Rounding is exact; roots,
 * logarithms and powers with a fraction go by way of long double and keep 15 significant digits. */
#include <math.h>

#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/function.h"

/* The input as a decimal; *ret_value keeps its kind, VALUE_NONE when there is none. */
static bool number_input(struct machine *machine, const struct step *step, struct value *ret_value,
                         struct decimal *ret_number)
{
    *ret_number = decimal_of(0);
    if (!machine_single_input(machine, step, ret_value))
        return false;
    switch (ret_value->kind) {
    case VALUE_NONE:
        return true;
    case VALUE_INTEGER:
        *ret_number = decimal_of(ret_value->whole);
        return true;
    case VALUE_DECIMAL:
        *ret_number = *ret_value->decimal;
        return true;
    default:
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "%s for %s(); expected a number", convert_kind_words(*ret_value),
                            step->name);
    }
}

static bool number_argument(struct machine *machine, const struct step *step, bool *ret_known,
                            struct decimal *ret_number)
{
    struct value value;
    *ret_number = decimal_of(0);
    *ret_known = false;
    if (!machine_single_argument(machine, step, 0, &value))
        return false;
    *ret_known = value.kind == VALUE_INTEGER || value.kind == VALUE_DECIMAL;
    if (value.kind == VALUE_INTEGER)
        *ret_number = decimal_of(value.whole);
    else if (value.kind == VALUE_DECIMAL)
        *ret_number = *value.decimal;
    return *ret_known || value.kind == VALUE_NONE ||
           machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                        "%s as the argument of %s(); expected a number", convert_kind_words(value),
                        step->name);
}

static bool push_decimal(struct machine *machine, const struct step *step, struct decimal number)
{
    struct value value;
    return convert_make_decimal(machine, step, number, &value) &&
           machine_push(machine, step, value);
}

/* As an Integer; nothing when it leaves 32 bits. */
static bool push_whole(struct machine *machine, const struct step *step, struct decimal number)
{
    long long whole;
    if (!decimal_whole(number, &whole) || whole < INT32_MIN || whole > INT32_MAX)
        return true;
    return machine_push(machine, step, value_integer(whole));
}

static bool push_real(struct machine *machine, const struct step *step, long double real)
{
    struct decimal number;
    return !decimal_of_real(real, &number) || push_decimal(machine, step, number);
}

bool call_abs(struct machine *machine, const struct step *step)
{
    struct value value;
    if (!machine_single_input(machine, step, &value))
        return false;
    if (value.kind == VALUE_QUANTITY) {
        struct quantity quantity = *value.quantity;
        quantity.value.negative = false;
        return convert_make_quantity(machine, step, quantity, &value) &&
               machine_push(machine, step, value);
    }
    if (value.kind == VALUE_DECIMAL) {
        struct decimal number = *value.decimal;
        number.negative = false;
        return push_decimal(machine, step, number);
    }
    if (value.kind == VALUE_INTEGER)
        return push_whole(machine, step, decimal_of(value.whole < 0 ? -value.whole : value.whole));
    return value.kind == VALUE_NONE ||
           machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                        "%s for abs(); expected a number or a quantity", convert_kind_words(value));
}

bool call_ceiling(struct machine *machine, const struct step *step)
{
    struct value value;
    struct decimal number;
    if (!number_input(machine, step, &value, &number))
        return false;
    return value.kind == VALUE_NONE || push_whole(machine, step, decimal_ceiling(number));
}

bool call_floor(struct machine *machine, const struct step *step)
{
    struct value value;
    struct decimal number;
    if (!number_input(machine, step, &value, &number))
        return false;
    return value.kind == VALUE_NONE || push_whole(machine, step, decimal_floor(number));
}

bool call_truncate(struct machine *machine, const struct step *step)
{
    struct value value;
    struct decimal number;
    if (!number_input(machine, step, &value, &number))
        return false;
    return value.kind == VALUE_NONE || push_whole(machine, step, decimal_truncated(number, 0));
}

bool call_round(struct machine *machine, const struct step *step)
{
    struct value value;
    struct decimal number;
    bool known = true;
    long long digits = 0;
    if (!number_input(machine, step, &value, &number) ||
        (step->argument_count > 0 && !machine_whole_argument(machine, step, 0, &known, &digits)))
        return false;
    if (digits < 0)
        return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                            "fewer than no digits for round(); expected 0 or more");
    if (value.kind == VALUE_NONE)
        return true;
    if (!known || digits > DECIMAL_DIGITS_MAX)
        digits = known ? DECIMAL_DIGITS_MAX : 0;
    return push_decimal(machine, step, decimal_rounded(number, (int)digits));
}

/* ---- by way of long double ---- */

static bool run_real(struct machine *machine, const struct step *step,
                     long double (*function)(long double))
{
    struct value value;
    struct decimal number;
    if (!number_input(machine, step, &value, &number))
        return false;
    return value.kind == VALUE_NONE || push_real(machine, step, function(decimal_to_real(number)));
}

bool call_exp(struct machine *machine, const struct step *step)
{
    return run_real(machine, step, expl);
}

bool call_ln(struct machine *machine, const struct step *step)
{
    return run_real(machine, step, logl);
}

bool call_sqrt(struct machine *machine, const struct step *step)
{
    return run_real(machine, step, sqrtl);
}

bool call_log(struct machine *machine, const struct step *step)
{
    struct value value;
    struct decimal number;
    struct decimal base;
    bool known;
    if (!number_input(machine, step, &value, &number) ||
        !number_argument(machine, step, &known, &base))
        return false;
    if (value.kind == VALUE_NONE || !known)
        return true;
    return push_real(machine, step, logl(decimal_to_real(number)) / logl(decimal_to_real(base)));
}

/* Exact for small whole exponents, as products. */
static bool whole_power(struct decimal base, long long exponent, struct decimal *ret_power)
{
    struct decimal power = decimal_of(1);
    for (long long i = 0; i < exponent; i++) {
        if (!decimal_multiply(power, base, &power))
            return false;
    }
    *ret_power = power;
    return true;
}

bool call_power(struct machine *machine, const struct step *step)
{
    enum { EXACT_MAX = 64 };
    struct value value;
    struct decimal base;
    struct decimal exponent;
    struct decimal power;
    bool known;
    long long whole;
    if (!number_input(machine, step, &value, &base) ||
        !number_argument(machine, step, &known, &exponent))
        return false;
    if (value.kind == VALUE_NONE || !known)
        return true;
    if (decimal_whole(exponent, &whole) && whole >= 0 && whole <= EXACT_MAX) {
        if (!whole_power(base, whole, &power))
            return true;
        return value.kind == VALUE_INTEGER ? push_whole(machine, step, power)
                                           : push_decimal(machine, step, power);
    }
    return push_real(machine, step, powl(decimal_to_real(base), decimal_to_real(exponent)));
}
