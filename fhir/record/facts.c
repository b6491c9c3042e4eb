/* facts: what a record is, whose it is, who gets it and how sensitive it is. See record.h.
 */
#include <string.h>

#include "fhir/record/record.h"
#include "fhir/record/vocabulary.h"

const char *record_kind(const struct json *tree)
{
    const struct record_shape *shape = record_kind_find(json_get_text(tree, "record"));
    return shape == NULL ? NULL : shape->name;
}

bool record_is_receipt(const char *name)
{
    static const char *const names[] = {"received", "received_from", "standing", "retracted", NULL};
    return text_is_one_of(name, names);
}

bool record_is_fact(const struct json *item)
{
    return json_kind(item) != JSON_OBJECT || json_get(item, "standing") == NULL;
}

const char *record_sender(const struct json *tree, const struct directory *directory)
{
    const char *writer = json_get_text(tree, "written_by");
    return writer == NULL ? NULL : directory_clinic_handle(directory, writer);
}

const char *record_purpose(const char *kind)
{
    bool is_shared = text_equal(kind, "case-conference") || text_equal(kind, "treatment-plan");
    return is_shared ? "care-coordination" : "treatment";
}

/* ---- recipients ---- */

struct recipients {
    struct arena *arena;
    const struct directory *directory;
    const char *sender; /* clinic */
    struct record_recipient *items;
    size_t count, room;
};

static void add(struct recipients *recipients, const char *handle)
{
    if (handle == NULL)
        return;
    const struct directory_entry *entry = directory_find(recipients->directory, handle);
    const struct directory_entry *clinic = directory_clinic(recipients->directory, entry);
    struct record_recipient new = {entry == NULL ? handle : entry->handle,
                                   clinic == NULL ? handle : clinic->handle};
    if (text_equal(new.clinic, recipients->sender))
        return;
    size_t at = recipients->count; /* behind the last of the same clinic */
    for (size_t i = 0; i < recipients->count; i++) {
        if (strcmp(recipients->items[i].handle, new.handle) == 0)
            return;
        if (strcmp(recipients->items[i].clinic, new.clinic) == 0)
            at = i + 1;
    }
    recipients->items = arena_room(recipients->arena, recipients->items, sizeof *recipients->items,
                                   recipients->count, &recipients->room, 8);
    memmove(recipients->items + at + 1, recipients->items + at,
            (recipients->count - at) * sizeof new);
    recipients->items[at] = new;
    recipients->count++;
}

static void add_people(struct recipients *recipients, const struct json *list)
{
    for (struct json *item = json_first(list); item != NULL; item = json_next(item))
        add(recipients, json_get_text(item, "who"));
}

/* A reply goes to the clinic of the other side, and to the person whom the referral names only when
 * that person works there: a referral may name anybody. */
static void add_at_clinic(struct recipients *recipients, const char *clinic, const char *person)
{
    const char *works_at =
        person == NULL ? NULL : directory_clinic_handle(recipients->directory, person);
    add(recipients, text_equal(works_at, clinic) ? person : clinic);
}

/* The other side of the referral: its writer, or who was asked when the writer's clinic sends. */
static void add_other_side(struct recipients *recipients, const struct record_referral *referral)
{
    if (referral == NULL)
        return;
    if (!text_equal(referral->placer, recipients->sender)) {
        add_at_clinic(recipients, referral->placer, referral->written_by);
        return;
    }
    const char *asked = referral->referred_to;
    const char *filler = referral->filler != NULL
                             ? referral->filler
                             : directory_clinic_handle(recipients->directory, asked);
    if (filler == NULL)
        add(recipients, asked); /* a stranger, whose clinic nobody knows */
    else
        add_at_clinic(recipients, filler, asked);
}

size_t record_recipients(struct arena *arena, const struct json *tree,
                         const struct directory *directory, const struct record_referral *referral,
                         const struct record_recipient **ret_recipients)
{
    struct recipients recipients = {
        .arena = arena, .directory = directory, .sender = record_sender(tree, directory)};
    const char *kind = record_kind(tree);
    if (text_equal(kind, "referral"))
        add(&recipients, json_get_text(tree, "referred_to"));
    else if (text_equal(kind, "progress-note") || text_equal(kind, "discharge-summary"))
        add_other_side(&recipients, referral);
    else if (text_equal(kind, "treatment-plan"))
        add_people(&recipients, json_get(tree, "team"));
    else if (text_equal(kind, "case-conference"))
        add_people(&recipients, json_get(tree, "participants"));
    *ret_recipients = recipients.items;
    return recipients.count;
}

/* ---- sensitivity ---- */

size_t record_sensitivity(struct arena *arena, const struct json *tree,
                          const char *const **ret_words)
{
    struct json *copy = json_copy(arena, tree);
    record_fill_defaults(arena, copy, NULL);
    const struct json *list = json_get(copy, "sensitivity");
    const char **words = arena_array(arena, json_count(list) + 1, sizeof *words);
    size_t count = 0;
    for (struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (json_text(item) != NULL)
            words[count++] = json_text(item);
    }
    *ret_words = words;
    return count;
}
