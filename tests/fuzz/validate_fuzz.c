/* validate: the validator on any bytes; its OperationOutcome must be valid itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/validate/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena keep;
    static struct validator *validator;
    if (validator == NULL)
        validator = validator_new(&keep);
    struct arena arena = ARENA_EMPTY;
    struct issue_list issues = issue_list_new(&arena);
    validate_text(validator, &arena, (const char *)data, size, NULL, &issues);
    struct text line = text_new(&arena, (size_t)1 << 26);
    issue_print_line(&issues, "fuzz", &line);
    const char *outcome = json_print(&arena, issue_outcome(&arena, &issues));
    struct issue_list own = issue_list_new(&arena);
    if (!validate_text(validator, &arena, outcome, strlen(outcome), NULL, &own))
        abort();
    arena_free(&arena);
    return 0;
}
