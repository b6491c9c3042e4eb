/* json: the strict scan and the tree behind it, on any bytes.
 *
 * What is accepted must print as JSON that is accepted again and is the same tree; every node must
 * have a place inside the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_places(const struct json_document *document, const struct json *node)
{
    if (json_offset(document, node) >= document->length)
        abort();
    for (const struct json *at = json_first(node); at != NULL; at = json_next(at))
        check_places(document, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_EMPTY;
    struct json_document document;
    struct json_document again;
    struct json_fault fault;
    if (json_parse(&arena, (const char *)data, size, NULL, &document, &fault)) {
        check_places(&document, document.root);
        const char *printed = json_print(&arena, document.root);
        if (!json_parse(&arena, printed, strlen(printed), NULL, &again, &fault) ||
            !json_same(document.root, again.root))
            abort();
    } else if (fault.found == NULL || fault.offset > size || fault.line < 1 || fault.column < 1) {
        abort();
    }
    arena_free(&arena);
    return 0;
}
