/* json: the strict scan and the tree behind it, on any bytes.
 *
 * What is accepted must print as JSON that is accepted again and is the same tree; every node must
 * have a place inside the text; and cJSON's own parser, which takes more than we do, must read the
 * same tree. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "fhir/json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_places(const struct json_document *document, const struct json *node)
{
    if (json_offset(document, node) >= document->length)
        abort();
    for (const struct json *at = json_first(node); at != NULL; at = json_next(at))
        check_places(document, at);
}

/* As cJSON reads it, which takes 63 characters of a number for the whole. */
static bool is_same_number(const char *ours, const cJSON *theirs)
{
    return cJSON_IsNumber(theirs) &&
           (strlen(ours) > 63 || strtod(ours, NULL) == theirs->valuedouble);
}

static bool is_same(const struct json *ours, const cJSON *theirs)
{
    switch (json_kind(ours)) {
    case JSON_NULL:
        return cJSON_IsNull(theirs);
    case JSON_BOOLEAN:
        return cJSON_IsBool(theirs) && json_true(ours) == (bool)cJSON_IsTrue(theirs);
    case JSON_NUMBER:
        return is_same_number(json_number(ours), theirs);
    case JSON_TEXT:
        return cJSON_IsString(theirs) && strcmp(json_text(ours), theirs->valuestring) == 0;
    case JSON_LIST:
        return cJSON_IsArray(theirs);
    case JSON_OBJECT:
        return cJSON_IsObject(theirs);
    }
    return false;
}

static void compare(const struct json *ours, const cJSON *theirs)
{
    if (!is_same(ours, theirs))
        abort();
    const cJSON *other = theirs->child;
    for (const struct json *at = json_first(ours); at != NULL; at = json_next(at)) {
        if (other == NULL || (json_key(at) != NULL &&
                              (other->string == NULL || strcmp(json_key(at), other->string) != 0)))
            abort();
        compare(at, other);
        other = other->next;
    }
    if (other != NULL)
        abort();
}

static void compare_with_cjson(const struct json *root, const char *text, size_t length)
{
    bool has_mark = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    cJSON *theirs = cJSON_ParseWithLength(text + (has_mark ? 3 : 0), length - (has_mark ? 3 : 0));
    if (theirs != NULL) /* NULL: a number of more than 63 characters */
        compare(root, theirs);
    cJSON_Delete(theirs);
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
        compare_with_cjson(document.root, (const char *)data, size);
    } else if (fault.found == NULL || fault.offset > size || fault.line < 1 || fault.column < 1) {
        abort();
    }
    arena_free(&arena);
    return 0;
}
