/* convert: from places in the tree to System values, and from System values to each other (FHIRPath
 * N1 2.0 section 5.5; R4 fhirpath.html "Using FHIR types in expressions").
 *
 * Called by every step that looks at content. */
#ifndef FHIR_FHIRPATH_CONVERT_H
#define FHIR_FHIRPATH_CONVERT_H

#include "fhir/fhirpath/machine.h"

/* Which primitive a node is, without looking at its content; PRIMITIVE_NONE: none, or no node. */
enum definition_primitive convert_primitive(struct value value);
/* A FHIR boolean as VALUE_BOOLEAN, or VALUE_NONE. */
struct value convert_boolean(struct value node);
/* A FHIR primitive or Quantity as its System value (VALUE_NONE: it has none, or it is malformed);
 * any other value as it is. False only for lack of memory. */
bool convert_system(struct machine *machine, const struct step *step, struct value value,
                    struct value *ret_value);
/* Type index of what the node's resourceType names; 0: none that we know. */
unsigned convert_resource_type(const struct json *resource);
/* The context of an evaluation as a value; VALUE_NONE: none was given. */
struct value convert_context(const struct fhirpath_input *input);
/* The text of a text node that no definition reads otherwise, or NULL: the quick way to strings. */
const char *convert_plain_text(struct value value);

/* "a date", "an integer", "a Patient": for messages. */
const char *convert_kind_words(struct value value);
/* "System.Integer", "FHIR.Patient", ... */
const char *convert_type_name(struct machine *machine, const struct step *step, struct value value);
/* A System value as text, as toString() answers it; NULL when it has none or for lack of memory. */
const char *convert_text(struct machine *machine, const struct step *step, struct value value);

/* A System value as another; VALUE_NONE when it does not convert. KIND: the kind to make. */
bool convert_to(struct machine *machine, const struct step *step, struct value value,
                enum value_kind kind, struct value *ret_value);

/* New values in scratch memory; false for lack of it. */
bool convert_make_decimal(struct machine *machine, const struct step *step, struct decimal decimal,
                          struct value *ret_value);
bool convert_make_moment(struct machine *machine, const struct step *step, struct moment moment,
                         struct value *ret_value);
bool convert_make_quantity(struct machine *machine, const struct step *step,
                           struct quantity quantity, struct value *ret_value);

#endif
