/* function: the table of functions by name. Called by the parser. */
#include "fhir/fhirpath/function.h"

#include <string.h>

static const struct function functions[] = {
#define FUNCTION(name, least, most, takes, needs, gives, run)                                      \
    {name, least, most, takes, needs, gives, run},
#include "fhir/fhirpath/function.def"
#undef FUNCTION
};

const struct function *function_find(const char *name, size_t length)
{
    size_t low = 0;
    size_t high = sizeof functions / sizeof *functions;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strncmp(name, functions[middle].name, length);
        if (order == 0 && functions[middle].name[length] == '\0')
            return &functions[middle];
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
