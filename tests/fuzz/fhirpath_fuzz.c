/* fhirpath: any bytes as an expression. Compiles, or says where and why not; what compiles runs on
 * a fixed resource within its limits. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/fhirpath/fhirpath.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char resource[] =
    "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\"given\":[\"A\",null],\"_given\":[null,"
    "{"
    "\"id\":\"x\"}],\"family\":\"Baum\"}],\"birthDate\":\"1974-12-25\",\"deceasedBoolean\":false,"
    "\"contained\":[{\"resourceType\":\"Observation\",\"id\":\"o\",\"valueQuantity\":{\"value\":1."
    "5,"
    "\"code\":\"mg\"}}],\"managingOrganization\":{\"reference\":\"#o\"}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_EMPTY;
    struct json_document document;
    struct json_fault json_fault;
    const struct fhirpath *expression;
    struct fhirpath_fault fault;
    struct fhirpath_result result;
    const char *text = arena_copy_n(&arena, (const char *)data, size);
    if (!fhirpath_compile(&arena, text, &expression, &fault)) {
        if (fault.kind == FHIRPATH_FAULT_NONE || fault.line < 1 || fault.column < 1)
            abort();
    } else if (json_parse(&arena, resource, strlen(resource), NULL, &document, &json_fault)) {
        struct fhirpath_input input = {.resource = document.root,
                                       .now = "2026-11-23T12:00:00Z",
                                       .strict = size % 2 == 0,
                                       .guess_references = size % 3 == 0,
                                       .steps_max = 20 * 1000,
                                       .memory_max = 4 * 1024 * 1024};
        fhirpath_evaluate(&arena, expression, &input, &result, &fault);
    }
    arena_free(&arena);
    return 0;
}
