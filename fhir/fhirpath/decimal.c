/* decimal: see decimal.h. Products and scaled numerators pass through 256 bits. */
#include "fhir/fhirpath/decimal.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wide { /* 256 bits */
    unsigned __int128 high, low;
};

static unsigned __int128 power_of_ten(int exponent)
{
    static const uint64_t powers[] = {1u,
                                      10u,
                                      100u,
                                      1000u,
                                      10000u,
                                      100000u,
                                      1000000u,
                                      10000000u,
                                      100000000u,
                                      1000000000u,
                                      10000000000u,
                                      100000000000u,
                                      1000000000000u,
                                      10000000000000u,
                                      100000000000000u,
                                      1000000000000000u,
                                      10000000000000000u,
                                      100000000000000000u,
                                      1000000000000000000u,
                                      10000000000000000000u};
    enum { LAST = 19 };
    if (exponent <= LAST)
        return powers[exponent];
    return (unsigned __int128)powers[LAST] * powers[exponent - LAST];
}

static int digit_count(unsigned __int128 digits)
{
    int count = 1;
    while (digits >= 10) {
        digits /= 10;
        count++;
    }
    return count;
}

static struct wide wide_product(unsigned __int128 one, unsigned __int128 other)
{
    const unsigned __int128 mask = UINT64_MAX;
    unsigned __int128 low = (one & mask) * (other & mask);
    unsigned __int128 cross = (one >> 64) * (other & mask) + (low >> 64);
    unsigned __int128 middle = (one & mask) * (other >> 64) + (cross & mask);
    struct wide product;
    product.high = (one >> 64) * (other >> 64) + (cross >> 64) + (middle >> 64);
    product.low = (middle << 64) | (low & mask);
    return product;
}

static int wide_compare(struct wide one, struct wide other)
{
    if (one.high != other.high)
        return one.high < other.high ? -1 : 1;
    if (one.low != other.low)
        return one.low < other.low ? -1 : 1;
    return 0;
}

/* DIVISOR below 2^127. *ret_remainder may be NULL. */
static struct wide wide_divide(struct wide value, unsigned __int128 divisor,
                               unsigned __int128 *ret_remainder)
{
    struct wide quotient = {0, 0};
    unsigned __int128 remainder = 0;
    for (int bit = value.high == 0 ? 127 : 255; bit >= 0; bit--) {
        unsigned __int128 part = bit >= 128 ? value.high : value.low;
        remainder = (remainder << 1) | ((part >> (bit % 128)) & 1);
        if (remainder < divisor)
            continue;
        remainder -= divisor;
        if (bit >= 128)
            quotient.high |= (unsigned __int128)1 << (bit % 128);
        else
            quotient.low |= (unsigned __int128)1 << bit;
    }
    if (ret_remainder != NULL)
        *ret_remainder = remainder;
    return quotient;
}

/* How many digits of WIDE must go, so that 38 are left. */
static int excess_digits(struct wide wide)
{
    const unsigned __int128 limit = power_of_ten(DECIMAL_DIGITS_MAX);
    unsigned __int128 power = 1;
    int excess = 0;
    while (excess < DECIMAL_DIGITS_MAX && wide_compare(wide, wide_product(limit, power)) >= 0) {
        power *= 10;
        excess++;
    }
    return excess;
}

/* WIDE / 10^SCALE in 38 digits, dropping fraction digits (rounded half up) where it must. */
static bool narrow(struct wide wide, int scale, bool negative, struct decimal *ret_value)
{
    int excess =
        wide.high == 0 && wide.low < power_of_ten(DECIMAL_DIGITS_MAX) ? 0 : excess_digits(wide);
    if (scale - excess > DECIMAL_DIGITS_MAX)
        excess = scale - DECIMAL_DIGITS_MAX;
    if (excess > scale || excess > DECIMAL_DIGITS_MAX)
        return false;
    if (excess > 0) {
        unsigned __int128 power = power_of_ten(excess);
        unsigned __int128 rest;
        wide = wide_divide(wide, power, &rest);
        if (rest >= power / 2 && wide.low + 1 < power_of_ten(DECIMAL_DIGITS_MAX))
            wide.low++;
    }
    *ret_value = (struct decimal){wide.low, scale - excess, negative};
    return true;
}

struct decimal decimal_of(long long value)
{
    unsigned long long size =
        value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
    return (struct decimal){size, 0, value < 0};
}

/* ---- text ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits with at most one point; digits behind the 38th after the point are dropped. */
static bool read_digits(const char **at, const char *end, struct decimal *value)
{
    const unsigned __int128 limit = power_of_ten(DECIMAL_DIGITS_MAX - 1);
    bool has_digit = false;
    bool has_point = false;
    for (; *at < end; (*at)++) {
        if (**at == '.' && !has_point && has_digit) {
            has_point = true;
            has_digit = false;
            continue;
        }
        if (!is_digit(**at))
            break;
        has_digit = true;
        if (value->digits >= limit && !has_point)
            return false;
        if (value->digits >= limit || value->scale == DECIMAL_DIGITS_MAX)
            continue;
        value->digits = value->digits * 10 + (unsigned)(**at - '0');
        value->scale += has_point;
    }
    return has_digit;
}

static bool read_exponent(const char **at, const char *end, int *ret_exponent)
{
    *ret_exponent = 0;
    if (*at == end || (**at != 'e' && **at != 'E'))
        return true;
    (*at)++;
    bool negative = *at < end && **at == '-';
    if (*at < end && (**at == '-' || **at == '+'))
        (*at)++;
    if (*at == end)
        return false;
    for (; *at < end && is_digit(**at); (*at)++) {
        if (*ret_exponent < 10000)
            *ret_exponent = *ret_exponent * 10 + (**at - '0');
    }
    if (negative)
        *ret_exponent = -*ret_exponent;
    return true;
}

static bool apply_exponent(struct decimal *value, int exponent)
{
    int scale = value->scale - exponent;
    if (value->digits == 0)
        scale = scale < 0 ? 0 : scale > DECIMAL_DIGITS_MAX ? DECIMAL_DIGITS_MAX : scale;
    if (scale > 2 * DECIMAL_DIGITS_MAX) {
        *value = (struct decimal){0, DECIMAL_DIGITS_MAX, value->negative};
        return true;
    }
    if (scale >= 0)
        return narrow((struct wide){0, value->digits}, scale, value->negative, value);
    if (scale < -DECIMAL_DIGITS_MAX)
        return false;
    return narrow(wide_product(value->digits, power_of_ten(-scale)), 0, value->negative, value);
}

bool decimal_parse(const char *text, size_t length, struct decimal *ret_value)
{
    const char *at = text;
    const char *end = text + length;
    struct decimal value = {0, 0, at < end && *at == '-'};
    int exponent;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (!read_digits(&at, end, &value) || !read_exponent(&at, end, &exponent) || at != end)
        return false;
    if (exponent != 0 && !apply_exponent(&value, exponent))
        return false;
    *ret_value = value;
    return true;
}

char *decimal_print(struct decimal value, char room[DECIMAL_TEXT_MAX])
{
    char digits[DECIMAL_TEXT_MAX];
    int count = 0;
    unsigned __int128 rest = value.digits;
    do {
        digits[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest != 0 || count <= value.scale);
    char *at = room;
    if (value.negative)
        *at++ = '-';
    while (count > 0) {
        if (count == value.scale)
            *at++ = '.';
        *at++ = digits[--count];
    }
    *at = '\0';
    return room;
}

/* ---- comparing ---- */

bool decimal_is_zero(struct decimal value)
{
    return value.digits == 0;
}

struct decimal decimal_negated(struct decimal value)
{
    value.negative = !value.negative;
    return value;
}

static struct wide scaled(struct decimal value, int scale)
{
    return wide_product(value.digits, power_of_ten(scale - value.scale));
}

static int larger(int one, int other)
{
    return one > other ? one : other;
}

int decimal_compare(struct decimal one, struct decimal other)
{
    if (one.digits == 0 && other.digits == 0)
        return 0;
    bool one_below = one.negative && one.digits != 0;
    bool other_below = other.negative && other.digits != 0;
    if (one_below != other_below)
        return one_below ? -1 : 1;
    int order;
    if (one.scale == other.scale) {
        order = one.digits < other.digits ? -1 : one.digits > other.digits;
    } else {
        int scale = larger(one.scale, other.scale);
        order = wide_compare(scaled(one, scale), scaled(other, scale));
    }
    return one_below ? -order : order;
}

/* ---- arithmetic ---- */

static struct wide wide_sum(struct wide one, struct wide other)
{
    struct wide sum = {one.high + other.high, one.low + other.low};
    sum.high += sum.low < one.low;
    return sum;
}

static struct wide wide_difference(struct wide larger_one, struct wide other)
{
    struct wide rest = {larger_one.high - other.high, larger_one.low - other.low};
    rest.high -= larger_one.low < other.low;
    return rest;
}

bool decimal_add(struct decimal one, struct decimal other, struct decimal *ret_sum)
{
    int scale = larger(one.scale, other.scale);
    struct wide left = scaled(one, scale);
    struct wide right = scaled(other, scale);
    if (one.negative == other.negative)
        return narrow(wide_sum(left, right), scale, one.negative, ret_sum);
    int order = wide_compare(left, right);
    if (order == 0)
        return narrow((struct wide){0, 0}, scale, false, ret_sum);
    if (order > 0)
        return narrow(wide_difference(left, right), scale, one.negative, ret_sum);
    return narrow(wide_difference(right, left), scale, other.negative, ret_sum);
}

bool decimal_multiply(struct decimal one, struct decimal other, struct decimal *ret_product)
{
    bool negative = one.negative != other.negative && one.digits != 0 && other.digits != 0;
    return narrow(wide_product(one.digits, other.digits), one.scale + other.scale, negative,
                  ret_product);
}

bool decimal_divide(struct decimal one, struct decimal other, struct decimal *ret_quotient)
{
    enum { SIGNIFICANT = 28 };
    if (other.digits == 0)
        return false;
    int more = SIGNIFICANT + digit_count(other.digits) - digit_count(one.digits);
    if (more > DECIMAL_DIGITS_MAX)
        more = DECIMAL_DIGITS_MAX;
    if (more < other.scale - one.scale)
        more = other.scale - one.scale;
    if (more < 0)
        more = 0;
    unsigned __int128 remainder;
    struct wide quotient =
        wide_divide(wide_product(one.digits, power_of_ten(more)), other.digits, &remainder);
    if (remainder >= other.digits - remainder)
        quotient = wide_sum(quotient, (struct wide){0, 1});
    bool negative = one.negative != other.negative && one.digits != 0;
    if (!narrow(quotient, one.scale + more - other.scale, negative, ret_quotient))
        return false;
    *ret_quotient = decimal_stripped(*ret_quotient);
    return true;
}

bool decimal_divide_whole(struct decimal one, struct decimal other, struct decimal *ret_quotient)
{
    if (other.digits == 0)
        return false;
    int scale = larger(one.scale, other.scale);
    struct wide divisor = scaled(other, scale);
    bool negative = one.negative != other.negative;
    if (divisor.high != 0 || divisor.low >> 126 != 0) {
        /* The divisor has more than 37 digits when written to this scale: compare instead. */
        int order = wide_compare(scaled(one, scale), divisor);
        *ret_quotient = (struct decimal){order >= 0, 0, negative && order >= 0};
        return order < 0 || wide_compare(scaled(one, scale), wide_sum(divisor, divisor)) < 0;
    }
    return narrow(wide_divide(scaled(one, scale), divisor.low, NULL), 0, negative, ret_quotient);
}

bool decimal_remainder(struct decimal one, struct decimal other, struct decimal *ret_remainder)
{
    struct decimal quotient;
    struct decimal whole;
    if (!decimal_divide_whole(one, other, &quotient) || !decimal_multiply(quotient, other, &whole))
        return false;
    return decimal_add(one, decimal_negated(whole), ret_remainder);
}

/* ---- rounding ---- */

struct decimal decimal_truncated(struct decimal value, int scale)
{
    while (value.scale > scale) {
        value.digits /= 10;
        value.scale--;
    }
    return value;
}

struct decimal decimal_rounded(struct decimal value, int scale)
{
    if (value.scale <= scale)
        return value;
    struct decimal cut = decimal_truncated(value, scale + 1);
    bool up = cut.digits % 10 >= 5;
    cut.digits = cut.digits / 10 + up;
    cut.scale--;
    return cut;
}

struct decimal decimal_stripped(struct decimal value)
{
    while (value.scale > 0 && value.digits % 10 == 0) {
        value.digits /= 10;
        value.scale--;
    }
    return value;
}

bool decimal_with_scale(struct decimal value, int scale, struct decimal *ret_value)
{
    if (value.scale >= scale) {
        *ret_value = decimal_truncated(value, scale);
        return true;
    }
    struct wide wide = scaled(value, scale);
    if (wide.high != 0 || wide.low >= power_of_ten(DECIMAL_DIGITS_MAX))
        return false;
    *ret_value = (struct decimal){wide.low, scale, value.negative};
    return true;
}

static struct decimal towards(struct decimal value, bool away_from_zero)
{
    struct decimal whole = decimal_truncated(value, 0);
    if (away_from_zero && decimal_compare(whole, value) != 0)
        whole.digits++;
    return whole;
}

struct decimal decimal_floor(struct decimal value)
{
    return towards(value, value.negative);
}

struct decimal decimal_ceiling(struct decimal value)
{
    return towards(value, !value.negative);
}

bool decimal_whole(struct decimal value, long long *ret_value)
{
    struct decimal whole = decimal_stripped(value);
    if (whole.scale != 0 || whole.digits > INT64_MAX)
        return false;
    *ret_value = whole.negative ? -(long long)whole.digits : (long long)whole.digits;
    return true;
}

long double decimal_to_real(struct decimal value)
{
    char room[DECIMAL_TEXT_MAX];
    return strtold(decimal_print(value, room), NULL);
}

bool decimal_of_real(long double value, struct decimal *ret_value)
{
    char room[64];
    if (!isfinite(value))
        return false;
    int length = snprintf(room, sizeof room, "%.14Le", value);
    if (!decimal_parse(room, (size_t)length, ret_value))
        return false;
    *ret_value = decimal_stripped(*ret_value);
    return true;
}
