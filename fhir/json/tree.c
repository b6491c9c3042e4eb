/* tree: see tree.h. */
#include "fhir/json/tree.h"

#include <string.h>

const struct json *tree_of(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : tree_of_n(arena, text, strlen(text));
}

const struct json *tree_of_n(struct arena *arena, const char *text, size_t length)
{
    struct json_document document;
    struct json_fault fault;
    if (text == NULL || !json_parse(arena, text, length, NULL, &document, &fault))
        return NULL;
    return document.root;
}
