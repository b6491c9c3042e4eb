/* profile_check: what profile_check.c and profile_slice.c share. Private to them. */
#ifndef FHIR_VALIDATE_PROFILE_CHECK_H
#define FHIR_VALIDATE_PROFILE_CHECK_H

#include "fhir/validate/profile_tree.h"
#include "fhir/validate/validate_internal.h"

struct profile_item {
    struct place place;
    struct subject subject;
};

struct profile_items { /* the values of one element, in order */
    struct profile_item *items;
    size_t count;
};

struct profile_items profile_items_of(struct validation *run, const struct subject *subject,
                                      const char *name);
/* Everything in PATTERN is in VALUE (https://hl7.org/fhir/R4/elementdefinition-definitions.html,
 * pattern[x]). */
bool profile_pattern_matches(const struct json *pattern, const struct json *value);
/* SUBJECT is in the value set that NODE requires, if one is known. */
bool profile_fits_codes(struct validation *run, const struct subject *subject,
                        const struct profile_node *node);
/* min and max of NODE (or of a slice), of which SUBJECT has COUNT. */
void profile_check_count(struct validation *run, const struct profile *profile,
                         const struct subject *subject, const struct profile_node *node,
                         size_t count);
/* One item against a node and all below it. */
void profile_check_item(struct validation *run, const struct profile *profile,
                        const struct subject *subject, const struct profile_node *node);
/* The items of a sliced element: each into its slice, and the slices' own rules. */
void profile_check_slices(struct validation *run, const struct profile *profile,
                          const struct subject *subject, const struct profile_node *node,
                          const struct profile_items *items);

#endif
