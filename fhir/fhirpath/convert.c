/* convert: see convert.h. */
#include "fhir/fhirpath/convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "fhir/fhirpath/quantity.h"
#include "fhir/fhirpath/unit.h"

static const struct value NO_VALUE = {.kind = VALUE_NONE};

/* ---- nodes ---- */

static const struct definition_type *type_of(struct value value)
{
    return value.type == 0 ? NULL : &definition_types[value.type];
}

/* Of a node whose type is not known: what its JSON looks like. */
static enum definition_primitive guess_primitive(const struct json *node)
{
    switch (json_kind(node)) {
    case JSON_BOOLEAN:
        return PRIMITIVE_BOOLEAN;
    case JSON_NUMBER:
        return PRIMITIVE_DECIMAL;
    case JSON_TEXT:
        return PRIMITIVE_STRING;
    default:
        return PRIMITIVE_NONE;
    }
}

enum definition_primitive convert_primitive(struct value value)
{
    if (value.kind != VALUE_NODE)
        return PRIMITIVE_NONE;
    const struct definition_type *type = type_of(value);
    return type == NULL ? guess_primitive(value.node) : (enum definition_primitive)type->primitive;
}

struct value convert_boolean(struct value node)
{
    return json_kind(node.node) == JSON_BOOLEAN ? value_boolean(json_true(node.node)) : NO_VALUE;
}

unsigned convert_resource_type(const struct json *resource)
{
    const struct definition_type *type = definition_find(json_get_text(resource, "resourceType"));
    return type != NULL && type->kind == DEFINITION_RESOURCE ? definition_type_index(type) : 0;
}

struct value convert_context(const struct fhirpath_input *input)
{
    const struct json *node = input->context;
    if (node == NULL && input->companion == NULL)
        node = input->resource;
    if (node == NULL && input->companion == NULL)
        return NO_VALUE;
    unsigned type =
        input->type != NULL ? definition_type_index(input->type) : convert_resource_type(node);
    return value_node(node, input->companion, type);
}

const char *convert_plain_text(struct value value)
{
    if (value.kind == VALUE_TEXT)
        return value.text;
    switch (convert_primitive(value)) {
    case PRIMITIVE_NONE:
    case PRIMITIVE_BOOLEAN:
    case PRIMITIVE_DATE:
    case PRIMITIVE_DATETIME:
    case PRIMITIVE_INSTANT:
    case PRIMITIVE_TIME:
    case PRIMITIVE_DECIMAL:
    case PRIMITIVE_INTEGER:
    case PRIMITIVE_POSITIVEINT:
    case PRIMITIVE_UNSIGNEDINT:
        return NULL;
    default:
        return json_text(value.node);
    }
}

/* ---- making ---- */

bool convert_make_decimal(struct machine *machine, const struct step *step, struct decimal decimal,
                          struct value *ret_value)
{
    struct decimal *copy = machine_alloc(machine, step, sizeof *copy);
    if (copy == NULL)
        return false;
    *copy = decimal;
    *ret_value = (struct value){.kind = VALUE_DECIMAL, .decimal = copy};
    return true;
}

bool convert_make_moment(struct machine *machine, const struct step *step, struct moment moment,
                         struct value *ret_value)
{
    static const uint8_t kinds[] = {
        [MOMENT_DATE] = VALUE_DATE, [MOMENT_DATETIME] = VALUE_DATETIME, [MOMENT_TIME] = VALUE_TIME};
    struct moment *copy = machine_alloc(machine, step, sizeof *copy);
    if (copy == NULL)
        return false;
    *copy = moment;
    *ret_value = (struct value){.kind = kinds[moment.kind], .moment = copy};
    return true;
}

bool convert_make_quantity(struct machine *machine, const struct step *step,
                           struct quantity quantity, struct value *ret_value)
{
    struct quantity *copy = machine_alloc(machine, step, sizeof *copy);
    if (copy == NULL)
        return false;
    *copy = quantity;
    *ret_value = (struct value){.kind = VALUE_QUANTITY, .quantity = copy};
    return true;
}

/* ---- nodes to System values ---- */

static struct value integer_of(const struct json *node)
{
    long whole;
    bool fits = json_whole(node, &whole) && whole >= INT32_MIN && whole <= INT32_MAX;
    return fits ? value_integer(whole) : NO_VALUE;
}

static bool decimal_of_node(struct machine *machine, const struct step *step,
                            const struct json *node, struct value *ret_value)
{
    const char *text = json_number(node);
    struct decimal decimal;
    *ret_value = NO_VALUE;
    if (text != NULL && !machine_spend_text(machine, step, text))
        return false;
    if (text == NULL || !decimal_parse(text, strlen(text), &decimal))
        return true;
    return convert_make_decimal(machine, step, decimal, ret_value);
}

static bool moment_of_node(struct machine *machine, const struct step *step,
                           const struct json *node, enum moment_kind kind, struct value *ret_value)
{
    const char *text = json_text(node);
    struct moment moment;
    *ret_value = NO_VALUE;
    if (text == NULL || !moment_parse(text, strnlen(text, MOMENT_TEXT_MAX), kind, &moment))
        return true;
    return convert_make_moment(machine, step, moment, ret_value);
}

static bool quantity_of_value(struct machine *machine, const struct step *step, struct value value,
                              struct value *ret_value)
{
    static const char name[] = "Quantity";
    const struct definition_type *type = type_of(value);
    while (type != NULL && strcmp(definition_type_name(type), name) != 0)
        type = definition_base(type);
    struct quantity quantity;
    if (type == NULL || !quantity_of_node(value.node, &quantity)) {
        *ret_value = value;
        return true;
    }
    return convert_make_quantity(machine, step, quantity, ret_value);
}

bool convert_system(struct machine *machine, const struct step *step, struct value value,
                    struct value *ret_value)
{
    *ret_value = value;
    if (value.kind != VALUE_NODE)
        return true;
    switch (convert_primitive(value)) {
    case PRIMITIVE_NONE:
        return quantity_of_value(machine, step, value, ret_value);
    case PRIMITIVE_BOOLEAN:
        *ret_value = convert_boolean(value);
        return true;
    case PRIMITIVE_INTEGER:
    case PRIMITIVE_POSITIVEINT:
    case PRIMITIVE_UNSIGNEDINT:
        *ret_value = integer_of(value.node);
        return true;
    case PRIMITIVE_DECIMAL:
        return decimal_of_node(machine, step, value.node, ret_value);
    case PRIMITIVE_DATE:
        return moment_of_node(machine, step, value.node, MOMENT_DATE, ret_value);
    case PRIMITIVE_DATETIME:
    case PRIMITIVE_INSTANT:
        return moment_of_node(machine, step, value.node, MOMENT_DATETIME, ret_value);
    case PRIMITIVE_TIME:
        return moment_of_node(machine, step, value.node, MOMENT_TIME, ret_value);
    default:
        *ret_value = json_text(value.node) == NULL ? NO_VALUE : value_text(json_text(value.node));
        return true;
    }
}

/* ---- names ---- */

static const struct kind_name {
    const char *name, *words;
} kind_names[] = {
    [VALUE_NONE] = {"System.Any", "nothing"},
    [VALUE_NODE] = {"FHIR.Element", "an element"},
    [VALUE_BOOLEAN] = {"System.Boolean", "a boolean"},
    [VALUE_INTEGER] = {"System.Integer", "an integer"},
    [VALUE_DECIMAL] = {"System.Decimal", "a decimal"},
    [VALUE_TEXT] = {"System.String", "a string"},
    [VALUE_DATE] = {"System.Date", "a date"},
    [VALUE_DATETIME] = {"System.DateTime", "a date with time"},
    [VALUE_TIME] = {"System.Time", "a time"},
    [VALUE_QUANTITY] = {"System.Quantity", "a quantity"},
    [VALUE_TYPE_NAME] = {"System.TypeInfo", "a type"},
    [VALUE_STUB] = {"FHIR.Resource", "a resource"},
    [VALUE_MANY] = {"System.Any", "several items"},
};

const char *convert_kind_words(struct value value)
{
    bool is_named = (value.kind == VALUE_NODE || value.kind == VALUE_STUB) && value.type != 0;
    return is_named ? definition_type_name(&definition_types[value.type])
                    : kind_names[value.kind].words;
}

const char *convert_type_name(struct machine *machine, const struct step *step, struct value value)
{
    static const char prefix[] = "FHIR.";
    if ((value.kind != VALUE_NODE && value.kind != VALUE_STUB) || value.type == 0)
        return kind_names[value.kind].name;
    const char *name = definition_type_name(&definition_types[value.type]);
    char *full = machine_alloc(machine, step, sizeof prefix + strlen(name));
    if (full != NULL)
        stpcpy(stpcpy(full, prefix), name);
    return full;
}

const char *convert_text(struct machine *machine, const struct step *step, struct value value)
{
    char room[QUANTITY_TEXT_MAX];
    switch (value.kind) {
    case VALUE_BOOLEAN:
        return value.whole ? "true" : "false";
    case VALUE_INTEGER:
        snprintf(room, sizeof room, "%lld", value.whole);
        break;
    case VALUE_DECIMAL:
        decimal_print(*value.decimal, room);
        break;
    case VALUE_DATE:
    case VALUE_DATETIME:
    case VALUE_TIME:
        moment_print(value.moment, room);
        break;
    case VALUE_QUANTITY:
        quantity_print(value.quantity, room);
        break;
    case VALUE_TEXT:
    case VALUE_TYPE_NAME:
        return value.text;
    default:
        return NULL;
    }
    return machine_copy(machine, step, room, strlen(room));
}

/* ---- System values to each other ---- */

static struct value text_to_boolean(const char *text)
{
    static const char *const yes[] = {"true", "t", "yes", "y", "1", "1.0"};
    static const char *const no[] = {"false", "f", "no", "n", "0", "0.0"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcasecmp(text, yes[i]) == 0)
            return value_boolean(true);
        if (strcasecmp(text, no[i]) == 0)
            return value_boolean(false);
    }
    return NO_VALUE;
}

static struct value to_boolean(struct value value)
{
    switch (value.kind) {
    case VALUE_BOOLEAN:
        return value;
    case VALUE_INTEGER:
        return value.whole == 0 || value.whole == 1 ? value_boolean(value.whole == 1) : NO_VALUE;
    case VALUE_DECIMAL:
        if (decimal_is_zero(*value.decimal))
            return value_boolean(false);
        return decimal_compare(*value.decimal, decimal_of(1)) == 0 ? value_boolean(true) : NO_VALUE;
    case VALUE_TEXT:
        return text_to_boolean(value.text);
    default:
        return NO_VALUE;
    }
}

static struct value text_to_integer(const char *text)
{
    size_t sign = text[0] == '-' || text[0] == '+';
    size_t digits = strspn(text + sign, "0123456789");
    if (digits == 0 || digits > 10 || text[sign + digits] != '\0')
        return NO_VALUE;
    long long whole = strtoll(text, NULL, 10);
    return whole >= INT32_MIN && whole <= INT32_MAX ? value_integer(whole) : NO_VALUE;
}

static struct value to_integer(struct value value)
{
    if (value.kind == VALUE_INTEGER)
        return value;
    if (value.kind == VALUE_BOOLEAN)
        return value_integer(value.whole);
    return value.kind == VALUE_TEXT ? text_to_integer(value.text) : NO_VALUE;
}

/* A number as FHIRPath writes it: no exponent. */
static bool plain_number(const char *text, size_t length, struct decimal *ret_decimal)
{
    return memchr(text, 'e', length) == NULL && memchr(text, 'E', length) == NULL &&
           decimal_parse(text, length, ret_decimal);
}

static bool to_decimal(struct machine *machine, const struct step *step, struct value value,
                       struct value *ret_value)
{
    struct decimal decimal;
    if (value.kind == VALUE_DECIMAL) {
        *ret_value = value;
        return true;
    }
    if (value.kind == VALUE_INTEGER || value.kind == VALUE_BOOLEAN)
        return convert_make_decimal(machine, step, decimal_of(value.whole), ret_value);
    if (value.kind == VALUE_TEXT && plain_number(value.text, strlen(value.text), &decimal))
        return convert_make_decimal(machine, step, decimal, ret_value);
    return true;
}

static bool to_moment(struct machine *machine, const struct step *step, struct value value,
                      enum moment_kind kind, struct value *ret_value)
{
    struct moment moment;
    bool is_date = value.kind == VALUE_DATE || value.kind == VALUE_DATETIME;
    if (value.kind == VALUE_TEXT) {
        if (strchr(value.text, 'T') != NULL && kind == MOMENT_DATE) {
            if (!moment_parse(value.text, strlen(value.text), MOMENT_DATETIME, &moment))
                return true;
            moment = moment_date_part(&moment);
        } else if (!moment_parse(value.text, strlen(value.text), kind, &moment)) {
            return true;
        }
    } else if (is_date && kind == MOMENT_DATE) {
        moment = moment_date_part(value.moment);
    } else if ((is_date && kind == MOMENT_DATETIME) ||
               (value.kind == VALUE_TIME && kind == MOMENT_TIME)) {
        moment = *value.moment;
        moment.kind = (unsigned char)kind;
    } else {
        return true;
    }
    return convert_make_moment(machine, step, moment, ret_value);
}

/* NUMBER, then nothing, a quoted unit or a calendar word. */
static bool text_to_quantity(struct machine *machine, const struct step *step, const char *text,
                             struct quantity *ret_quantity)
{
    size_t number = strspn(text, "+-.0123456789");
    size_t space = strspn(text + number, " \t\r\n");
    const char *unit = text + number + space;
    size_t length = strlen(unit);
    enum moment_unit calendar;
    struct quantity quantity = {.unit = "1"};
    if (!plain_number(text, number, &quantity.value))
        return false;
    if (length >= 2 && unit[0] == '\'' && unit[length - 1] == '\'') {
        quantity.unit = machine_copy(machine, step, unit + 1, length - 2);
    } else if (unit_of_calendar_word(unit, length, &calendar) && space > 0) {
        quantity.unit = machine_copy(machine, step, unit, length);
        quantity.is_calendar = true;
    } else if (length > 0 || space > 0) {
        return false;
    }
    *ret_quantity = quantity;
    return quantity.unit != NULL;
}

static bool to_quantity(struct machine *machine, const struct step *step, struct value value,
                        struct value *ret_value)
{
    struct quantity quantity = {.unit = "1"};
    if (value.kind == VALUE_QUANTITY) {
        *ret_value = value;
        return true;
    }
    if (value.kind == VALUE_INTEGER || value.kind == VALUE_BOOLEAN)
        quantity.value = decimal_of(value.whole);
    else if (value.kind == VALUE_DECIMAL)
        quantity.value = *value.decimal;
    else if (value.kind != VALUE_TEXT || !text_to_quantity(machine, step, value.text, &quantity))
        return machine->fault.kind == FHIRPATH_FAULT_NONE;
    return convert_make_quantity(machine, step, quantity, ret_value);
}

bool convert_to(struct machine *machine, const struct step *step, struct value value,
                enum value_kind kind, struct value *ret_value)
{
    *ret_value = NO_VALUE;
    if (value.kind == VALUE_TEXT && !machine_spend_text(machine, step, value.text))
        return false;
    switch (kind) {
    case VALUE_BOOLEAN:
        *ret_value = to_boolean(value);
        return true;
    case VALUE_INTEGER:
        *ret_value = to_integer(value);
        return true;
    case VALUE_DECIMAL:
        return to_decimal(machine, step, value, ret_value);
    case VALUE_DATE:
        return to_moment(machine, step, value, MOMENT_DATE, ret_value);
    case VALUE_DATETIME:
        return to_moment(machine, step, value, MOMENT_DATETIME, ret_value);
    case VALUE_TIME:
        return to_moment(machine, step, value, MOMENT_TIME, ret_value);
    case VALUE_QUANTITY:
        return to_quantity(machine, step, value, ret_value);
    default: {
        const char *text = convert_text(machine, step, value);
        if (text != NULL)
            *ret_value = value_text(text);
        return text != NULL || machine->fault.kind == FHIRPATH_FAULT_NONE;
    }
    }
}
