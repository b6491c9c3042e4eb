/* quantity: a number with a unit (FHIRPath N1 2.0 section 4.8, 6.1, 6.2, 6.6; R4 fhirpath.html on
 * the type Quantity).
 *
 * Called by the comparing and calculating steps. Units that are written alike compare without being
 * understood; others by way of fhir/fhirpath/unit.h, exactly. */
#ifndef FHIR_FHIRPATH_QUANTITY_H
#define FHIR_FHIRPATH_QUANTITY_H

#include "fhir/fhirpath/unit.h"
#include "fhir/fhirpath/value.h"

enum { QUANTITY_TEXT_MAX = DECIMAL_TEXT_MAX + UNIT_TEXT_MAX + 8 };

/* From a FHIR Quantity; false when it has no value, or one with a comparator ("<5"). */
bool quantity_of_node(const struct json *node, struct quantity *ret_quantity);
/* 1.5 'mg', 4 days; into ROOM of QUANTITY_TEXT_MAX bytes. */
char *quantity_print(const struct quantity *quantity, char *room);

/* False when the two do not compare: other dimensions, or a unit that is not known. */
bool quantity_compare(const struct quantity *one, const struct quantity *other, int *ret_order);
bool quantity_comparable(const struct quantity *one, const struct quantity *other);
/* Equal when rounded to the lesser of the two precisions, in the unit of ONE. */
bool quantity_equivalent(const struct quantity *one, const struct quantity *other);

/* Sum in the unit of ONE. False: other dimensions, or too large. */
bool quantity_add(const struct quantity *one, const struct quantity *other,
                  struct quantity *ret_sum);
/* UNIT has room for the unit of the result, UNIT_TEXT_MAX bytes. */
bool quantity_multiply(const struct quantity *one, const struct quantity *other, bool divide,
                       char *unit, struct quantity *ret_product);

#endif
