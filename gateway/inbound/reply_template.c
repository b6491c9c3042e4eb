/* reply_template: see inbound/reply_template.h. A form is made by letting acknowledge_message's own
 * builder write an answer with marks in the four places, and cutting the text at the marks. */
#include "gateway/inbound/reply_template.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "gateway/inbound/acknowledge.h"

enum { FORMS = 256, CUTS_MAX = 16, FORM_BYTES_MAX = 16 * 1024 };

/* Marks look like ids, because they stand where ids stand. */
#define MARK "00000000-0000-5000-8000-00000000000"
enum { MARK_BYTES = sizeof MARK }; /* MARK and one digit */
enum { BUNDLE_ID, HEADER_ID, AT, ANSWERS, PLACES };
static const char *const marks[PLACES] = {MARK "0", MARK "1", MARK "2", MARK "3"};

struct cut {
    size_t length; /* of the text before the place */
    int place;     /* PLACES: the end */
};

/* Keyed by what an answer depends on beside the four places. */
struct form {
    const char *recipient, *event, *to;
    const char *text; /* without the marks */
    size_t length;
    struct cut cuts[CUTS_MAX];
};

struct acknowledge_forms {
    struct setup *setup; /* held */
    struct arena arena;  /* of the forms */
    struct form *forms[FORMS];
};

struct acknowledge_forms *acknowledge_forms_new(struct arena *arena, struct setup *setup)
{
    struct acknowledge_forms *forms = arena_alloc(arena, sizeof *forms);
    forms->setup = setup_hold(setup);
    return forms;
}

void acknowledge_forms_use(struct acknowledge_forms *forms, struct setup *setup)
{
    struct setup *old = forms->setup;
    forms->setup = setup_hold(setup);
    setup_release(old);
    arena_free(&forms->arena);
    memset(forms->forms, 0, sizeof forms->forms);
}

void acknowledge_forms_end(struct acknowledge_forms *forms)
{
    setup_release(forms->setup);
    arena_free(&forms->arena);
}

/* ---- making ---- */

/* Which mark stands at TEXT; PLACES: none. */
static int place_at(const char *text)
{
    int place = text[MARK_BYTES - 1] - '0';
    return place >= 0 && place < PLACES ? place : PLACES;
}

/* Cuts TEXT at its marks; false when there are too many. The message's id stands as a JSON text of
 * its own, whose quotes go with it. */
static bool cut_up(struct form *form, struct arena *arena, const char *text)
{
    struct text kept = text_new(arena, FORM_BYTES_MAX);
    int count = 0;
    for (const char *mark; (mark = strstr(text, MARK)) != NULL; count++) {
        int place = place_at(mark);
        if (count + 1 >= CUTS_MAX || place == PLACES)
            return false;
        size_t quote = place == ANSWERS ? 1 : 0;
        size_t length = (size_t)(mark - text) - quote;
        text_add_n(&kept, text, length);
        form->cuts[count] = (struct cut){length, place};
        text = mark + MARK_BYTES + quote;
    }
    form->cuts[count] = (struct cut){strlen(text), PLACES};
    text_add(&kept, text);
    form->text = kept.at;
    form->length = kept.length;
    return !kept.full;
}

static bool has_mark(const char *text)
{
    return text != NULL && strstr(text, MARK) != NULL;
}

/* NULL: the marks would not be told from what the message says. */
static struct form *form_new(struct acknowledge_forms *forms, const struct store_message *message)
{
    if (has_mark(message->recipient) || has_mark(message->event) || has_mark(message->response_to))
        return NULL;
    struct arena scratch = ARENA_EMPTY;
    struct form *form = arena_alloc(&forms->arena, sizeof *form);
    const struct acknowledge_places places = {.bundle_id = marks[BUNDLE_ID],
                                              .header_id = marks[HEADER_ID],
                                              .at = marks[AT],
                                              .answers = marks[ANSWERS]};
    form->recipient = arena_copy(&forms->arena, message->recipient);
    form->event = arena_copy(&forms->arena, message->event);
    form->to = arena_copy(&forms->arena, message->response_to);
    bool is_cut =
        cut_up(form, &forms->arena, acknowledge_with(forms->setup, &scratch, message, &places));
    arena_free(&scratch);
    return is_cut ? form : NULL;
}

/* ---- finding ---- */

static size_t slot_of(const struct store_message *message)
{
    size_t hash = 2166136261u;
    for (const char *at = message->recipient; at != NULL && *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    for (const char *at = message->event; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return hash % FORMS;
}

static bool fits(const struct form *form, const struct store_message *message)
{
    return text_equal(form->recipient, message->recipient) &&
           text_equal(form->event, message->event) && text_equal(form->to, message->response_to);
}

/* Partners choose response_to, so forms that push each other out may fill the arena: then all are
 * forgotten. */
static struct form *form_of(struct acknowledge_forms *forms, const struct store_message *message)
{
    size_t slot = slot_of(message);
    if (forms->forms[slot] != NULL && fits(forms->forms[slot], message))
        return forms->forms[slot];
    if (forms->arena.used > (size_t)FORMS * FORM_BYTES_MAX) {
        arena_free(&forms->arena);
        memset(forms->forms, 0, sizeof forms->forms);
    }
    forms->forms[slot] = form_new(forms, message);
    return forms->forms[slot];
}

static bool can_have_form(const struct acknowledge_forms *forms, const struct setup *setup,
                          const struct store_message *message)
{
    return setup == forms->setup && message->response_issues == NULL && message->event != NULL &&
           text_equal(message->response_code, "ok");
}

static const char *as_json(struct arena *arena, const char *text)
{
    struct text json = text_new(arena, SIZE_MAX / 8);
    text_add_json(&json, text);
    return json.at;
}

static const char *fill_in(const struct form *form, struct arena *arena,
                           const struct acknowledge_places *places, size_t *ret_length)
{
    const char *const values[PLACES] = {places->bundle_id, places->header_id, places->at,
                                        as_json(arena, places->answers)};
    size_t lengths[PLACES];
    size_t room = form->length + 1;
    for (int place = 0; place < PLACES; place++)
        lengths[place] = strlen(values[place]);
    for (const struct cut *cut = form->cuts; cut->place != PLACES; cut++)
        room += lengths[cut->place];
    char *out = arena_raw(arena, room);
    char *at = out;
    const char *from = form->text;
    for (const struct cut *cut = form->cuts;; cut++) {
        at = mempcpy(at, from, cut->length);
        from += cut->length;
        if (cut->place == PLACES)
            break;
        at = mempcpy(at, values[cut->place], lengths[cut->place]);
    }
    *at = '\0';
    *ret_length = (size_t)(at - out);
    return out;
}

const char *acknowledge_by_form(struct acknowledge_forms *forms, const struct setup *setup,
                                struct arena *arena, const struct store_message *message,
                                size_t *ret_length)
{
    struct form *form = can_have_form(forms, setup, message) ? form_of(forms, message) : NULL;
    if (form == NULL) {
        const char *text = acknowledge_message(setup, arena, message);
        *ret_length = strlen(text);
        return text;
    }
    const struct acknowledge_places places = acknowledge_places_of(setup, arena, message);
    return fill_in(form, arena, &places, ret_length);
}
