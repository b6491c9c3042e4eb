/* whose: see whose.h. */
#include "gateway/referral/whose.h"

#include <string.h>

#include "base/text.h"
#include "fhir/json/tree.h"

bool whose_is_asked(const char *kind)
{
    static const char *const kinds[] = {"progress-note", "discharge-summary", "treatment-plan",
                                        "case-conference", NULL};
    return text_is_one_of(kind, kinds);
}

const struct json *whose_referral(struct store *store, struct arena *arena,
                                  const struct store_referral *referral)
{
    struct store_record row;
    if (referral->client_facts != NULL)
        return tree_of(arena, referral->client_facts);
    if (referral->corrected_by != 0 && store_get_record(store, arena, referral->corrected_by, &row))
        return tree_of(arena, row.text);
    if (!store_find_record(store, arena, referral->placer, "referral", referral->number, &row) ||
        !store_get_record(store, arena, row.id, &row))
        return NULL;
    return tree_of(arena, row.text);
}

/* ---- numbers that a link row joins ---- */

static bool is_linked(struct store *store, struct arena *arena, const char *client,
                      const char *clinic, const char *number)
{
    const char **numbers;
    size_t count = client == NULL ? 0 : store_links(store, arena, client, clinic, &numbers);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(numbers[i], number) == 0)
            return true;
    }
    return false;
}

/* Both are numbers of ours that were merged, or both are linked with one of ours. */
static bool is_one_client(struct store *store, struct arena *arena, const char *our,
                          const struct client_told *ours,
                          const struct client_difference *difference)
{
    const char *clinic = difference->clinic;
    const char *client = ours == NULL ? NULL : json_get_text(ours->record, "client_id");
    if (text_equal(clinic, our))
        return is_linked(store, arena, difference->found, our, difference->expected) ||
               is_linked(store, arena, difference->expected, our, difference->found);
    return is_linked(store, arena, client, clinic, difference->found) &&
           is_linked(store, arena, client, clinic, difference->expected);
}

bool whose_differs(struct store *store, struct arena *arena, const char *our,
                   const struct json *record, const char *clinic,
                   const struct store_referral *referral, struct client_difference *ret_difference)
{
    struct client_told one = {record, clinic};
    struct client_told other = {whose_referral(store, arena, referral), referral->placer};
    if (other.record == NULL || !client_differs(&one, &other, ret_difference))
        return false;
    if (!text_equal(ret_difference->path, "client_id"))
        return true;
    const struct client_told *ours = text_equal(clinic, our)             ? &one
                                     : text_equal(referral->placer, our) ? &other
                                                                         : NULL;
    return !is_one_client(store, arena, our, ours, ret_difference);
}

/* Numbers are as long as whoever gave them likes. */
static const char *shown(struct arena *arena, const char *value)
{
    enum { SHOWN_MAX = 60 };
    return value == NULL ? "nothing" : arena_copy_n(arena, value, text_utf8_head(value, SHOWN_MAX));
}

const char *whose_say(struct arena *arena, const struct store_referral *referral,
                      const struct json *referral_record,
                      const struct client_difference *difference)
{
    enum { SAID_MAX = 2000 };
    const char *name = client_shown(arena, referral_record);
    struct text said = text_new(arena, SAID_MAX);
    const char *expected = shown(arena, difference->expected);
    text_print(&said, "%s: found %s; referral %s is of %s", difference->path,
               shown(arena, difference->found), shown(arena, referral->number),
               name == NULL ? "another client" : name);
    if (text_equal(difference->path, "client_birth_date"))
        text_print(&said, ", born %s", expected);
    if (text_equal(difference->path, "client_id"))
        text_print(&said, ", client %s", expected);
    return said.at;
}

void whose_note(struct store *store, const char *owner, const struct json *record)
{
    struct store_client client = {.owner = owner,
                                  .number = json_get_text(record, "client_id"),
                                  .family_name = json_get_text(record, "client_family_name"),
                                  .given_names = json_get_text(record, "client_given_names"),
                                  .birth_date = json_get_text(record, "client_birth_date")};
    store_note_client(store, &client);
}
