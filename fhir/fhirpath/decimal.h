/* decimal: exact decimal numbers of at most 38 digits (FHIRPath System.Decimal, N1 2.0
 * section 4.3).
 *
 * Called by the FHIRPath evaluator and its quantities. A value is digits / 10^scale with its sign;
 * the scale is kept, so that 1.0 prints as 1.0, while comparing goes by value. Additions and
 * products that need more than 38 digits lose trailing fraction digits (rounded half up); what does
 * not fit even then is answered with false. Pure and without memory of its own. */
#ifndef FHIR_FHIRPATH_DECIMAL_H
#define FHIR_FHIRPATH_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

enum { DECIMAL_DIGITS_MAX = 38, DECIMAL_TEXT_MAX = 48 };

struct decimal {
    unsigned __int128 digits; /* below 10^38 */
    int scale;                /* digits after the point, 0 to DECIMAL_DIGITS_MAX */
    bool negative;            /* may stand beside zero: -0.0 keeps its text */
};

struct decimal decimal_of(long long value);
/* From `[+-]digits[.digits][(e|E)[+-]digits]`; all LENGTH bytes must fit the form. */
bool decimal_parse(const char *text, size_t length, struct decimal *ret_value);
/* As FHIR writes it, into ROOM of DECIMAL_TEXT_MAX bytes; returns ROOM. */
char *decimal_print(struct decimal value, char room[DECIMAL_TEXT_MAX]);

int decimal_compare(struct decimal one, struct decimal other); /* -1, 0, 1 */
bool decimal_is_zero(struct decimal value);
struct decimal decimal_negated(struct decimal value);

bool decimal_add(struct decimal one, struct decimal other, struct decimal *ret_sum);
bool decimal_multiply(struct decimal one, struct decimal other, struct decimal *ret_product);
/* False too when OTHER is zero. About 28 significant digits, trailing zeros dropped. */
bool decimal_divide(struct decimal one, struct decimal other, struct decimal *ret_quotient);
/* Truncated towards zero; scale 0. */
bool decimal_divide_whole(struct decimal one, struct decimal other, struct decimal *ret_quotient);
bool decimal_remainder(struct decimal one, struct decimal other, struct decimal *ret_remainder);

/* To SCALE digits after the point: cut off, or rounded half away from zero; a smaller scale than
 * asked for is kept. */
struct decimal decimal_truncated(struct decimal value, int scale);
struct decimal decimal_rounded(struct decimal value, int scale);
struct decimal decimal_stripped(struct decimal value); /* without trailing zeros of the fraction */
/* Exactly SCALE digits after the point, by zeros at the end or by cutting off. */
bool decimal_with_scale(struct decimal value, int scale, struct decimal *ret_value);
struct decimal decimal_floor(struct decimal value);
struct decimal decimal_ceiling(struct decimal value);
/* VALUE as a whole number of long long; false when it has a fraction or does not fit. */
bool decimal_whole(struct decimal value, long long *ret_value);

/* By way of long double, to 15 significant digits: roots, logarithms and powers are not decimals.
 */
long double decimal_to_real(struct decimal value);
bool decimal_of_real(long double value, struct decimal *ret_value);

#endif
