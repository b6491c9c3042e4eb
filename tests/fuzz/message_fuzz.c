/* message: the reader of messages on any JSON; what it takes for a record is a record of ours. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena keep;
    static const struct directory *directory;
    struct arena arena = ARENA_EMPTY;
    struct json_document document;
    struct json_fault fault;
    if (directory == NULL)
        directory = mapping_directory(&keep);
    struct fhir_context context = mapping_context(&arena, directory, "fuzz");
    context.partner = size % 2 == 0 ? "lakeside" : NULL;
    struct finding_list findings = finding_list_new(&arena);
    struct message_inbound in;
    const char *text = arena_copy_n(&arena, (const char *)data, size);
    if (json_parse(&arena, text, size, NULL, &document, &fault) &&
        message_read(&context, document.root, &in, &findings) && in.record != NULL) {
        const char *line = record_canonical(&arena, in.record, directory, true);
        if (record_kind(in.record) == NULL || line[0] != '{')
            abort();
    }
    arena_free(&arena);
    return 0;
}
