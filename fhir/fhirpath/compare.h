/* compare: equality, equivalence and order of values and collections (FHIRPath N1 2.0 sections 6.1
 * and 6.2).
 *
 * Called by operators and by the functions on sets. TRUTH_UNKNOWN is FHIRPath's empty answer.
 * Functions answer false when a fault is set. */
#ifndef FHIR_FHIRPATH_COMPARE_H
#define FHIR_FHIRPATH_COMPARE_H

#include "fhir/fhirpath/machine.h"

bool compare_equal(struct machine *machine, const struct step *step, struct value one,
                   struct value other, enum truth *ret_truth);
/* Collections, in order; both must not be empty. */
bool compare_equal_slices(struct machine *machine, const struct step *step, struct slice one,
                          struct slice other, enum truth *ret_truth);
/* Collections, in any order. */
bool compare_equivalent_slices(struct machine *machine, const struct step *step, struct slice one,
                               struct slice other, enum truth *ret_truth);

/* Below, same, above as -1, 0, 1. *ret_known false: the order cannot be told. Types that have no
 * order are a fault. */
bool compare_order(struct machine *machine, const struct step *step, struct value one,
                   struct value other, bool *ret_known, int *ret_order);

/* ---- sets: values that are equal are one ---- */

/* Whether SLICE has a value equal to WANTED. */
bool compare_contains(struct machine *machine, const struct step *step, struct slice slice,
                      struct value wanted, bool *ret_found);
/* Keeps the first of equal values from SLICE.from on and moves them together; *ret_to is their end.
 */
bool compare_unite(struct machine *machine, const struct step *step, struct slice slice,
                   size_t *ret_to);

#endif
