/* checker: one validator for all tests of a file, and the arena of the text that is being checked.
 * set_up and tear_down of a group. Header only; one thread. */
#ifndef TESTS_LIB_CHECKER_H
#define TESTS_LIB_CHECKER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fhir/validate/validate.h"

static struct arena keep;  /* of the validator and what is loaded for it */
static struct arena arena; /* of the text that was checked last */
static struct validator *validator;

static inline int checker_start(void **state)
{
    (void)state;
    validator = validator_new(&keep);
    return 0;
}

static inline int checker_stop(void **state)
{
    (void)state;
    arena_free(&arena);
    arena_free(&keep);
    return 0;
}

#endif
