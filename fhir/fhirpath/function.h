/* function: declarations of every function in function.def, and the shapes that the checker reads.
 *
 * The bodies stand by subject: collection.c, filter.c, text.c, encode.c, number.c, conversion.c,
 * kind.c, boundary.c, resource.c. Each leaves its answer in place of its input on the machine's
 * stack. */
#ifndef FHIR_FHIRPATH_FUNCTION_H
#define FHIR_FHIRPATH_FUNCTION_H

#include "fhir/fhirpath/machine.h"

enum shape {
    SHAPE_ANY,
    SHAPE_INPUT,    /* what its input is */
    SHAPE_ARGUMENT, /* what its argument answers for an item */
    SHAPE_TYPE,     /* the type its argument names */
    SHAPE_ORDERED,
    SHAPE_UNORDERED, /* children: first and last mean nothing there */
    SHAPE_EXTENSION,
    SHAPE_BOOLEAN,
    SHAPE_INTEGER,
    SHAPE_DECIMAL,
    SHAPE_TEXT,
    SHAPE_DATE,
    SHAPE_DATETIME,
    SHAPE_TIME,
    SHAPE_QUANTITY
};

#define FUNCTION(name, least, most, takes, needs, gives, run)                                      \
    bool run(struct machine *machine, const struct step *step);
#include "fhir/fhirpath/function.def"
#undef FUNCTION

#endif
