/* reason: see reason.h. */
#include "fhir/codes/reason.h"

#include <string.h>

#include "base/nearest.h"
#include "base/text.h"
#include "fhir/codes/coding_tables.h"

enum { LIST_MAX = 1000, SHOWN_MAX = 60 };

static const char other[] = "other";

const struct reason_row *reason_find(enum reason_use use, const char *code)
{
    for (size_t i = 0; i < coding_reason_count; i++) {
        if ((coding_reasons[i].uses & use) != 0 && text_equal(coding_reasons[i].code, code))
            return &coding_reasons[i];
    }
    return NULL;
}

/* "no-capacity, not-our-service, ..." */
static const char *codes_of(struct arena *arena, enum reason_use use)
{
    struct text list = text_new(arena, LIST_MAX);
    for (size_t i = 0; i < coding_reason_count; i++) {
        if ((coding_reasons[i].uses & use) != 0)
            text_print(&list, "%s%s", list.length == 0 ? "" : ", ", coding_reasons[i].code);
    }
    return list.at;
}

static const char *nearest_code(enum reason_use use, const char *word)
{
    struct nearest nearest = nearest_start(word);
    for (size_t i = 0; i < coding_reason_count; i++) {
        if ((coding_reasons[i].uses & use) != 0)
            nearest_try(&nearest, coding_reasons[i].code);
    }
    return nearest.best;
}

static const char *unknown_code(struct arena *arena, enum reason_use use, const char *code)
{
    const char *nearest = nearest_code(use, code);
    return arena_print(arena, "--reason: found \"%.*s\"; expected one of %s%s%s%s", SHOWN_MAX, code,
                       codes_of(arena, use), nearest == NULL ? "" : "; did you mean ",
                       nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
}

static bool is_plain(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    }
    return text_utf8_fault(text, strlen(text)) == strlen(text);
}

/* Of a known code. */
static const char *text_fault(struct arena *arena, const char *code, const char *text)
{
    bool is_other = text_equal(code, other);
    if (!is_other)
        return text == NULL ? NULL
                            : arena_print(arena,
                                          "--text: found words beside --reason %s; expected them "
                                          "only with --reason other",
                                          code);
    if (text_is_blank(text))
        return arena_print(arena,
                           "--text: found nothing; expected the reason in a few words, at most %d "
                           "characters, with --reason other",
                           REASON_TEXT_MAX);
    if (!is_plain(text))
        return "--text: found control characters or bytes that are not UTF-8; expected one line "
               "of plain text";
    size_t length = text_utf8_length(text);
    if (length > REASON_TEXT_MAX)
        return arena_print(arena, "--text: found %zu characters; expected at most %d", length,
                           REASON_TEXT_MAX);
    return NULL;
}

const char *reason_fault(struct arena *arena, enum reason_use use, const char *code,
                         const char *text, bool is_needed)
{
    if (code != NULL && reason_find(use, code) == NULL)
        return unknown_code(arena, use, code);
    if (code == NULL && is_needed)
        return arena_print(arena, "--reason: found none; expected one of %s", codes_of(arena, use));
    if (code == NULL && text != NULL)
        return "--text: found words without --reason; expected them only with --reason other";
    if (code == NULL || use == REASON_OF_RETRACTION)
        return NULL;
    return text_fault(arena, code, text);
}

const char *reason_cut(struct arena *arena, const char *text)
{
    if (text_is_blank(text))
        return NULL;
    char *cut = arena_copy_n(arena, text, text_utf8_head(text, REASON_TEXT_MAX));
    for (char *at = cut; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
    return cut;
}

const char *reason_sentence(struct arena *arena, const char *code, const char *text)
{
    const struct reason_row *row =
        reason_find(REASON_OF_MOVE | REASON_OF_RETRACTION, code); /* of either */
    if (row != NULL && (text == NULL || !text_equal(code, other)))
        return row->display;
    if (row != NULL)
        return arena_print(arena, "%s: %s", row->display, text);
    return text == NULL ? NULL : arena_print(arena, "in their words: %s", text);
}

const char *reason_of_retraction(struct arena *arena, const char *code)
{
    return text_equal(code, "wrong-client") ? arena_print(arena, "%s; destroy it", code) : code;
}
