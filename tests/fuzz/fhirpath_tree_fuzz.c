/* fhirpath_tree: FHIRPath over any tree. The first line is the expression, or `?` and a number,
 * which grows one (tests/fhirpath/grow.h); the rest is JSON. Answers must be the same in a session
 * that has already been used. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/fhirpath/fhirpath.h"
#include "fhir/search/search.h"
#include "fhirpath/grow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *expression_of(struct arena *arena, const char *line)
{
    struct grower grower = {.random = strtoull(line + 1, NULL, 10)};
    return line[0] == '?' ? grow_expression(&grower, arena) : line;
}

static void run(struct arena *arena, const char *text, const struct json *root)
{
    const struct fhirpath *expression;
    struct fhirpath_fault fault;
    struct fhirpath_result result;
    struct fhirpath_input input = {.resource = root,
                                   .bundle = root,
                                   .now = "2026-11-23T12:00:00Z",
                                   .steps_max = 20 * 1000,
                                   .memory_max = 4 * 1024 * 1024};
    if (!fhirpath_compile(arena, text, &expression, &fault))
        return;
    struct fhirpath_session *session = fhirpath_session_new(arena, &input);
    bool done = fhirpath_session_evaluate(session, expression, &result, &fault);
    size_t count = done ? result.count : 0;
    bool again = fhirpath_session_evaluate(session, expression, &result, &fault);
    bool is_limit = !again && fault.kind == FHIRPATH_FAULT_LIMIT; /* memory held counts */
    if (!is_limit && (again != done || (done && result.count != count)))
        abort();
    fhirpath_is_true(session, expression, &fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena keep;
    static struct search *search;
    if (search == NULL)
        search = search_new(&keep);
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
    if (end == NULL)
        return 0;
    struct arena arena = ARENA_EMPTY;
    struct json_document document;
    struct json_fault fault;
    size_t line = (size_t)(end - data);
    const char *text = expression_of(&arena, arena_copy_n(&arena, (const char *)data, line));
    const char *json = arena_copy_n(&arena, (const char *)end + 1, size - line - 1);
    if (json_parse(&arena, json, size - line - 1, NULL, &document, &fault)) {
        struct search_options options = {.bundle = document.root};
        run(&arena, text, document.root);
        search_extract(search, &arena, document.root, &options);
    }
    arena_free(&arena);
    return 0;
}
