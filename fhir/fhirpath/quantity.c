/* quantity: see quantity.h. */
#include "fhir/fhirpath/quantity.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

bool quantity_of_node(const struct json *node, struct quantity *ret_quantity)
{
    const char *number = json_number(json_get(node, "value"));
    const char *code = json_get_text(node, "code");
    const char *unit = json_get_text(node, "unit");
    struct quantity quantity = {.unit = "1"};
    if (number == NULL || !decimal_parse(number, strlen(number), &quantity.value) ||
        json_get(node, "comparator") != NULL)
        return false;
    bool is_ucum = text_equal(json_get_text(node, "system"), "http://unitsofmeasure.org");
    if (code != NULL)
        quantity.unit = code;
    else if (unit != NULL)
        quantity.unit = unit;
    quantity.is_foreign = (code != NULL || unit != NULL) && !(is_ucum && code != NULL);
    *ret_quantity = quantity;
    return true;
}

char *quantity_print(const struct quantity *quantity, char *room)
{
    char number[DECIMAL_TEXT_MAX];
    const char *quote = quantity->is_calendar ? "" : "'";
    snprintf(room, QUANTITY_TEXT_MAX, "%s %s%.*s%s", decimal_print(quantity->value, number), quote,
             UNIT_TEXT_MAX, quantity->unit, quote);
    return room;
}

static bool unit_of(const struct quantity *quantity, struct unit *ret_unit)
{
    if (quantity->is_foreign)
        return false;
    return quantity->is_calendar ? unit_parse_calendar(quantity->unit, ret_unit)
                                 : unit_parse(quantity->unit, ret_unit);
}

static bool written_alike(const struct quantity *one, const struct quantity *other)
{
    return one->is_calendar == other->is_calendar && one->is_foreign == other->is_foreign &&
           strcmp(one->unit, other->unit) == 0;
}

static bool units_of(const struct quantity *one, const struct quantity *other, struct unit *ret_one,
                     struct unit *ret_other)
{
    return unit_of(one, ret_one) && unit_of(other, ret_other) &&
           unit_same_dimension(ret_one, ret_other);
}

/* VALUE * FACTOR->numerator * OTHER->denominator: both sides over a common denominator. */
static bool scaled(struct decimal value, const struct unit *factor, const struct unit *other,
                   struct decimal *ret_scaled)
{
    struct decimal product;
    return decimal_multiply(value, factor->numerator, &product) &&
           decimal_multiply(product, other->denominator, ret_scaled);
}

bool quantity_compare(const struct quantity *one, const struct quantity *other, int *ret_order)
{
    struct unit left_unit;
    struct unit right_unit;
    struct decimal left;
    struct decimal right;
    if (written_alike(one, other)) {
        *ret_order = decimal_compare(one->value, other->value);
        return true;
    }
    if (!units_of(one, other, &left_unit, &right_unit) ||
        !scaled(one->value, &left_unit, &right_unit, &left) ||
        !scaled(other->value, &right_unit, &left_unit, &right))
        return false;
    *ret_order = decimal_compare(left, right);
    return true;
}

bool quantity_comparable(const struct quantity *one, const struct quantity *other)
{
    struct unit left;
    struct unit right;
    return units_of(one, other, &left, &right);
}

/* VALUE of FROM in the unit TO. */
static bool convert(struct decimal value, const struct unit *from, const struct unit *to,
                    struct decimal *ret_value)
{
    struct decimal numerator;
    struct decimal denominator;
    return scaled(value, from, to, &numerator) &&
           decimal_multiply(from->denominator, to->numerator, &denominator) &&
           decimal_divide(numerator, denominator, ret_value);
}

/* For `~` a calendar year is a UCUM year, which is too long for a calendar by hours. */
static struct quantity definite(const struct quantity *quantity)
{
    struct quantity plain = *quantity;
    if (!quantity->is_calendar)
        return plain;
    bool is_year = strncmp(quantity->unit, "year", 4) == 0;
    if (is_year || strncmp(quantity->unit, "month", 5) == 0) {
        plain.unit = is_year ? "a" : "mo";
        plain.is_calendar = false;
    }
    return plain;
}

bool quantity_equivalent(const struct quantity *one, const struct quantity *other)
{
    struct quantity left = definite(one);
    struct quantity right = definite(other);
    struct decimal converted = right.value;
    struct unit left_unit;
    struct unit right_unit;
    if (!written_alike(&left, &right) &&
        (!units_of(&left, &right, &left_unit, &right_unit) ||
         !convert(right.value, &right_unit, &left_unit, &converted)))
        return false;
    struct decimal stripped = decimal_stripped(left.value);
    converted = decimal_stripped(converted);
    int scale = stripped.scale < converted.scale ? stripped.scale : converted.scale;
    return decimal_compare(decimal_rounded(stripped, scale), decimal_rounded(converted, scale)) ==
           0;
}

bool quantity_add(const struct quantity *one, const struct quantity *other,
                  struct quantity *ret_sum)
{
    struct decimal converted = other->value;
    struct unit left;
    struct unit right;
    if (!written_alike(one, other) &&
        (!units_of(one, other, &left, &right) || !convert(other->value, &right, &left, &converted)))
        return false;
    struct quantity sum = *one;
    if (!decimal_add(one->value, converted, &sum.value))
        return false;
    *ret_sum = sum;
    return true;
}

/* The code of a calendar word that has one ("days" is d); others stay as they are written. */
static const char *code_of(const struct quantity *quantity)
{
    static const struct {
        const char *word, *code;
    } codes[] = {{"week", "wk"},    {"day", "d"},    {"hour", "h"},
                 {"minute", "min"}, {"second", "s"}, {"millisecond", "ms"}};
    for (size_t i = 0; quantity->is_calendar && i < sizeof codes / sizeof *codes; i++) {
        if (strncmp(quantity->unit, codes[i].word, strlen(codes[i].word)) == 0)
            return codes[i].code;
    }
    return quantity->unit;
}

/* Writes LEFT . or / RIGHT, the latter in parentheses where it needs them. */
static bool join_units(const char *left, const char *right, bool divide, char *unit)
{
    bool left_is_one = strcmp(left, "1") == 0;
    bool right_is_one = strcmp(right, "1") == 0;
    bool nested = divide && strpbrk(right, "./") != NULL;
    int length;
    if (right_is_one)
        length = snprintf(unit, UNIT_TEXT_MAX, "%s", left);
    else if (left_is_one && !divide)
        length = snprintf(unit, UNIT_TEXT_MAX, "%s", right);
    else
        length = snprintf(unit, UNIT_TEXT_MAX, "%s%s%s%s%s", left_is_one ? "" : left,
                          divide ? "/" : ".", nested ? "(" : "", right, nested ? ")" : "");
    return length < UNIT_TEXT_MAX;
}

bool quantity_multiply(const struct quantity *one, const struct quantity *other, bool divide,
                       char *unit, struct quantity *ret_product)
{
    struct quantity product = {.unit = unit};
    struct unit parsed;
    bool fits = divide ? decimal_divide(one->value, other->value, &product.value)
                       : decimal_multiply(one->value, other->value, &product.value);
    if (!fits || one->is_foreign || other->is_foreign ||
        !join_units(code_of(one), code_of(other), divide, unit) || !unit_parse(unit, &parsed))
        return false;
    if (unit_is_one(&parsed))
        product.unit = "1";
    *ret_product = product;
    return true;
}
