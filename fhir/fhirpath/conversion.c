/* conversion: toInteger(), convertsToInteger() and their kin (FHIRPath N1 2.0 section 5.5), now()
 * and its kin (5.9). The kind to make is in the function's name. */
#include <string.h>

#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/function.h"
#include "fhir/fhirpath/quantity.h"

static enum value_kind kind_wanted(const struct step *step)
{
    static const struct {
        const char *name;
        enum value_kind kind;
    } kinds[] = {{"Boolean", VALUE_BOOLEAN},   {"Integer", VALUE_INTEGER},
                 {"Decimal", VALUE_DECIMAL},   {"String", VALUE_TEXT},
                 {"DateTime", VALUE_DATETIME}, {"Date", VALUE_DATE},
                 {"Time", VALUE_TIME},         {"Quantity", VALUE_QUANTITY}};
    const char *name =
        strstr(step->name, "To") == NULL ? step->name + 2 : strstr(step->name, "To") + 2;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(name, kinds[i].name) == 0)
            return kinds[i].kind;
    }
    return VALUE_NONE;
}

/* toQuantity('mg'): in that unit, or nothing. */
static bool check_unit(struct machine *machine, const struct step *step, struct value *value)
{
    const char *unit;
    if (step->argument_count == 0 || value->kind != VALUE_QUANTITY)
        return true;
    if (!machine_text_argument(machine, step, 0, &unit))
        return false;
    struct quantity wanted = {.value = {0}, .unit = unit == NULL ? "1" : unit};
    struct quantity converted;
    if (!machine_spend(machine, step, 20 * (strlen(wanted.unit) + strlen(value->quantity->unit))))
        return false;
    if (!quantity_add(&wanted, value->quantity, &converted)) {
        *value = (struct value){.kind = VALUE_NONE};
        return true;
    }
    return convert_make_quantity(machine, step, converted, value);
}

static bool run_conversion(struct machine *machine, const struct step *step,
                           struct value *ret_input, struct value *ret_value)
{
    *ret_input = *ret_value = (struct value){.kind = VALUE_NONE};
    return machine_single_input(machine, step, ret_input) &&
           convert_to(machine, step, *ret_input, kind_wanted(step), ret_value) &&
           check_unit(machine, step, ret_value);
}

bool call_to(struct machine *machine, const struct step *step)
{
    struct value input;
    struct value value;
    if (!run_conversion(machine, step, &input, &value))
        return false;
    return value.kind == VALUE_NONE || machine_push(machine, step, value);
}

bool call_converts_to(struct machine *machine, const struct step *step)
{
    struct value input;
    struct value value;
    if (!run_conversion(machine, step, &input, &value))
        return false;
    return input.kind == VALUE_NONE ||
           machine_push(machine, step, value_boolean(value.kind != VALUE_NONE));
}

/* ---- now ---- */

static bool read_now(struct machine *machine, const struct step *step, struct moment *ret_now)
{
    const char *now = machine->input.now;
    if (now != NULL && moment_parse(now, strlen(now), MOMENT_DATETIME, ret_now))
        return true;
    machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                 "%s() where the present time was not given", step->name);
    return false;
}

static bool push_moment(struct machine *machine, const struct step *step, struct moment moment)
{
    struct value value;
    return convert_make_moment(machine, step, moment, &value) && machine_push(machine, step, value);
}

bool call_now(struct machine *machine, const struct step *step)
{
    struct moment now;
    return read_now(machine, step, &now) && push_moment(machine, step, now);
}

bool call_today(struct machine *machine, const struct step *step)
{
    struct moment now;
    return read_now(machine, step, &now) && push_moment(machine, step, moment_date_part(&now));
}

bool call_time_of_day(struct machine *machine, const struct step *step)
{
    struct moment now;
    return read_now(machine, step, &now) && push_moment(machine, step, moment_time_part(&now));
}
