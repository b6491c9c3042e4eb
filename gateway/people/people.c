/* people: keeps what partners claim of people, and what a person here decided about it. See
 * people.h.
 *
 * Claims are rows of the store; confirmed ones are joined to the directory of a setup before others
 * see it. */
#include "gateway/people/people.h"

#include <string.h>

#include "fhir/client/name.h"
#include "gateway/audit/audit.h"
#include "gateway/runtime/file.h"
#include "gateway/runtime/log.h"

enum { HANDLE_MAX = 64, MADE_MAX = 40, MADE_TRIES = 1000 };

/* ---- claims of a message ---- */

bool people_split(struct arena *arena, const char *claim, const char **ret_partner,
                  const char **ret_key)
{
    const char *slash = claim == NULL ? NULL : strchr(claim, '/');
    if (slash == NULL || slash == claim || slash[1] == '\0')
        return false;
    *ret_partner = arena_copy_n(arena, claim, (size_t)(slash - claim));
    *ret_key = slash + 1;
    return true;
}

/* NULL: it may be kept. */
static const char *keep_one(struct store *store, const char *partner, const struct json *said,
                            int64_t now_ms, bool *ret_first)
{
    const char *handle = json_get_text(said, "handle");
    const char *slash = strchr(handle, '/');
    struct store_claim claim = {.partner = partner,
                                .key = slash == NULL ? handle : slash + 1,
                                .kind = json_get_text(said, "kind"),
                                .name = json_get_text(said, "name"),
                                .npi = json_get_text(said, "npi"),
                                .profession = json_get_text(said, "profession"),
                                .works_at = json_get_text(said, "works_at"),
                                .first_ms = now_ms,
                                .last_ms = now_ms};
    if (text_is_blank(claim.name))
        return "a person or clinic without a name that can be read";
    enum store_seen seen = store_see_claim(store, &claim);
    *ret_first = *ret_first || seen == STORE_SEEN_FIRST;
    return seen == STORE_SEEN_OTHERWISE ? "a clinic that was a person before, or the reverse"
                                        : NULL;
}

void people_keep(struct store *store, const char *partner, const struct json *claims,
                 int64_t now_ms)
{
    const char *fault = NULL;
    bool is_first = false;
    int64_t dropped = 0;
    for (const struct json *said = json_first(claims); said != NULL; said = json_next(said)) {
        const char *why = keep_one(store, partner, said, now_ms, &is_first);
        dropped += why != NULL;
        fault = why != NULL ? why : fault;
    }
    if (is_first)
        store_trim_claims(store, partner);
    if (dropped > 0)
        log_number(LOG_LEVEL_WARNING, "claims-dropped", "count", dropped, "partner", partner, "why",
                   fault, NULL);
}

/* ---- places in the directory ---- */

struct joining {
    struct setup *setup;
    struct store *store;
    bool tells;
    struct left_out *left_out; /* places whose handle is somebody else's now */
};

struct left_out {
    const char *handle;
    struct left_out *next;
};

static void tell_left_out(const struct joining *joining, const char *handle, const char *why)
{
    if (joining->tells)
        log_event(LOG_LEVEL_WARNING, "place-left-out", "place", handle, "why", why, "what",
                  "directory.csv wins; see refgate people show", NULL);
}

/* A row of directory.csv about the same person or clinic stands for the place. */
static void leave_out(struct joining *joining, const struct store_place *place)
{
    struct directory *directory = joining->setup->directory;
    const struct directory_entry *entry = directory_find(directory, place->handle);
    const struct directory_entry *same = directory_find_npi(directory, place->npi);
    if (same != NULL && same->is_person == text_equal(place->kind, "person") &&
        (same == entry || directory_alias(directory, place->handle, same->handle)))
        return;
    struct left_out *left_out = arena_alloc(&joining->setup->arena, sizeof *left_out);
    *left_out = (struct left_out){place->handle, joining->left_out};
    joining->left_out = left_out;
}

static void join_one(struct joining *joining, const struct store_place *place)
{
    struct directory *directory = joining->setup->directory;
    const struct directory_entry entry = {.handle = place->handle,
                                          .is_person = text_equal(place->kind, "person"),
                                          .name = place->name,
                                          .profession = place->profession,
                                          .npi = place->npi,
                                          .works_at = place->works_at,
                                          .partner =
                                              place->partner[0] == '\0' ? NULL : place->partner};
    const char *why = directory_join(directory, &entry);
    if (why != NULL) {
        tell_left_out(joining, place->handle, why);
        leave_out(joining, place);
    } else if (place->works_at != NULL &&
               directory_find(directory, place->handle)->works_at == NULL) {
        tell_left_out(joining, place->handle, "its clinic is not in directory.csv any more");
    }
}

static void join_kind(struct joining *joining, const char *kind)
{
    struct store_place *places;
    const char *after = "";
    size_t count;
    do {
        count = store_places(joining->store, &joining->setup->arena, kind, after, &places);
        for (size_t i = 0; i < count; i++)
            join_one(joining, &places[i]);
        after = count == 0 ? after : places[count - 1].handle;
    } while (count == STORE_PAGE);
}

static bool is_left_out(const struct joining *joining, const struct store_claim *claim)
{
    const struct left_out *at = joining->left_out;
    while (at != NULL && !text_equal(at->handle, claim->handle))
        at = at->next;
    return at != NULL && text_equal(claim->state, "confirmed");
}

static void join_claims(struct joining *joining)
{
    struct setup *setup = joining->setup;
    struct store_claims_asked asked = {.only_decided = true};
    struct store_claim *claims;
    size_t count;
    do {
        count = store_claims(joining->store, &setup->arena, &asked, &claims);
        for (size_t i = 0; i < count; i++) {
            const char *name =
                arena_print(&setup->arena, "%s/%s", claims[i].partner, claims[i].key);
            if (!is_left_out(joining, &claims[i]))
                directory_alias(setup->directory, name, claims[i].handle);
        }
        asked.after = count == 0 ? 0 : claims[count - 1].id;
    } while (count == STORE_PAGE);
}

void people_join(struct setup *setup, struct store *store, bool tells)
{
    struct joining joining = {setup, store, tells, NULL};
    join_kind(&joining, "clinic"); /* people work at them */
    join_kind(&joining, "person");
    join_claims(&joining);
}

void people_read(struct setup *setup, bool tells)
{
    struct arena arena = ARENA_EMPTY;
    const char *path = setup_path(setup, &arena, "store.db");
    struct store *reader;
    struct fault fault;
    if (file_exists(path)) {
        if (store_open_reader(path, &reader, &arena, &fault)) {
            people_join(setup, reader, tells);
            store_close(reader);
        } else if (tells) {
            log_event(LOG_LEVEL_WARNING, "places-not-read", "what",
                      "whom we confirmed of the people that partners name is not known until the "
                      "next reload",
                      "why", fault_sentence(&fault), NULL);
        }
    }
    arena_free(&arena);
}

/* ---- decisions ---- */

static bool find_claim(struct store *store, struct arena *arena, const char *word,
                       struct store_claim *ret_claim, struct fault *ret_fault)
{
    const char *partner;
    const char *key;
    if (people_split(arena, word, &partner, &key) &&
        store_find_claim(store, arena, partner, key, ret_claim))
        return true;
    return fault_set(ret_fault, FAULT_not_found,
                     arena_print(arena,
                                 "found no claim \"%.100s\"; expected one of refgate people list, "
                                 "such as lakeside/1234567893",
                                 word));
}

static const char *made_of(struct arena *arena, const char *name)
{
    char *made = arena_alloc(arena, MADE_MAX);
    client_name_slug(name, made, MADE_MAX);
    return made[0] == '\0' ? "place" : made;
}

struct deciding {
    struct store *store;
    const struct setup *setup;
    struct arena *arena;
    const struct people_choice *choice;
    struct store_claim *claim;
    struct fault *fault;
};

static bool is_free(const struct deciding *deciding, const char *handle)
{
    struct store_place ignored;
    return directory_find(deciding->setup->directory, handle) == NULL &&
           !store_find_place(deciding->store, deciding->arena, handle, &ignored);
}

static const char *make_handle(const struct deciding *deciding)
{
    const char *made = made_of(deciding->arena, deciding->claim->name);
    const char *handle = made;
    for (int i = 2; !is_free(deciding, handle) && i < MADE_TRIES; i++)
        handle = arena_print(deciding->arena, "%s-%d", made, i);
    return handle;
}

static bool is_right_handle(const char *handle)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(handle);
    return length > 0 && length <= HANDLE_MAX && strspn(handle, allowed) == length;
}

/* What was confirmed before keeps its handle. */
static bool choose_handle(struct deciding *deciding, const char **ret_handle)
{
    const char *given = deciding->choice->handle;
    const char *before =
        text_equal(deciding->claim->state, "confirmed") ? deciding->claim->handle : NULL;
    *ret_handle = before != NULL ? before : given != NULL ? given : make_handle(deciding);
    if (before != NULL && (given == NULL || text_equal(given, before)))
        return true;
    if (before != NULL)
        return fault_set(deciding->fault, FAULT_conflict,
                         arena_print(deciding->arena, "%s is confirmed as %s already",
                                     deciding->choice->claim, before));
    if (!is_right_handle(*ret_handle))
        return fault_set(deciding->fault, FAULT_usage,
                         arena_print(deciding->arena,
                                     "--handle: found \"%.100s\"; expected 1 to 64 of A-Z a-z 0-9 "
                                     ". _ -",
                                     *ret_handle));
    return is_free(deciding, *ret_handle) ||
           fault_set(deciding->fault, FAULT_conflict,
                     arena_print(deciding->arena,
                                 "--handle: found %s, who is somebody already; expected a new "
                                 "handle, or refgate people merge %s %s when they are the same",
                                 *ret_handle, deciding->choice->claim, *ret_handle));
}

/* One NPI is one person or clinic. */
static bool is_npi_free(struct deciding *deciding, const char *handle)
{
    const struct directory_entry *entry =
        directory_find_npi(deciding->setup->directory, deciding->claim->npi);
    if (entry == NULL || text_equal(entry->handle, handle))
        return true;
    return fault_set(deciding->fault, FAULT_conflict,
                     arena_print(deciding->arena,
                                 "NPI %s is %s in our directory; if that is right: refgate people "
                                 "merge %s %s",
                                 deciding->claim->npi, entry->handle, deciding->choice->claim,
                                 entry->handle));
}

static bool choose_clinic(struct deciding *deciding, const char **ret_clinic)
{
    const char *given = deciding->choice->works_at;
    const struct directory *directory = deciding->setup->directory;
    const struct directory_entry *clinic = directory_find(directory, given);
    bool is_person = text_equal(deciding->claim->kind, "person");
    *ret_clinic = NULL;
    if (given == NULL)
        return true;
    if (!is_person)
        return fault_set(deciding->fault, FAULT_usage,
                         arena_print(deciding->arena,
                                     "--works-at: %s is a clinic; expected --partner NAME, whose "
                                     "system serves it",
                                     deciding->choice->claim));
    if (clinic == NULL || clinic->is_person) {
        const char *nearest = directory_nearest(directory, given);
        return fault_set(deciding->fault, FAULT_usage,
                         arena_print(deciding->arena,
                                     "--works-at: found \"%.100s\"; expected a clinic of "
                                     "directory.csv%s%s",
                                     given, nearest == NULL ? "" : "; did you mean ",
                                     nearest == NULL ? "" : nearest));
    }
    *ret_clinic = clinic->handle;
    return true;
}

static bool check_partner(struct deciding *deciding)
{
    const char *given = deciding->choice->partner;
    if (given == NULL)
        return true;
    if (text_equal(deciding->claim->kind, "person"))
        return fault_set(deciding->fault, FAULT_usage,
                         arena_print(deciding->arena,
                                     "--partner: %s is a person; expected --works-at CLINIC",
                                     deciding->choice->claim));
    return folder_partner(&deciding->setup->partners, given) != NULL ||
           fault_set(deciding->fault, FAULT_usage,
                     arena_print(deciding->arena,
                                 "--partner: found \"%.100s\"; expected one of refgate partner "
                                 "list",
                                 given));
}

static bool decide(struct deciding *deciding, const char *state, const char *handle)
{
    struct store_claim *claim = deciding->claim;
    claim->state = state;
    claim->handle = handle;
    claim->by = deciding->choice->by;
    claim->decided_ms = deciding->choice->now_ms;
    store_decide_claim(deciding->store, claim);
    audit_write(deciding->store,
                &(struct store_audit){.at_ms = deciding->choice->now_ms,
                                      .what = arena_print(deciding->arena, "claim-%s", state),
                                      .partner = claim->partner,
                                      .subject = deciding->choice->claim,
                                      .detail = handle,
                                      .actor = claim->by});
    return true;
}

bool people_confirm(struct store *store, const struct setup *setup, struct arena *arena,
                    const struct people_choice *choice, struct store_claim *ret_claim,
                    struct fault *ret_fault)
{
    struct deciding deciding = {store, setup, arena, choice, ret_claim, ret_fault};
    const char *handle;
    const char *clinic;
    if (!find_claim(store, arena, choice->claim, ret_claim, ret_fault) ||
        !choose_handle(&deciding, &handle) || !is_npi_free(&deciding, handle) ||
        !choose_clinic(&deciding, &clinic) || !check_partner(&deciding))
        return false;
    struct store_place before;
    bool was_there = store_find_place(store, arena, handle, &before);
    if (was_there && clinic == NULL) /* said before, and not said otherwise now */
        clinic = before.works_at;
    const char *partner = choice->partner;
    if (was_there && partner == NULL)
        partner = before.partner;
    struct store_place place = {.handle = handle,
                                .kind = ret_claim->kind,
                                .name = ret_claim->name,
                                .npi = ret_claim->npi,
                                .profession = ret_claim->profession,
                                .works_at = clinic,
                                .partner = partner,
                                .by = choice->by,
                                .decided_ms = choice->now_ms};
    store_put_place(store, &place);
    return decide(&deciding, "confirmed", handle);
}

/* The place that a claim made goes with it, unless others are taken for it. */
static void drop_place(struct deciding *deciding)
{
    const char *handle = deciding->claim->handle;
    if (text_equal(deciding->claim->state, "confirmed") &&
        store_count_claims_of(deciding->store, handle) <= 1)
        store_drop_place(deciding->store, handle);
}

bool people_merge(struct store *store, const struct setup *setup, struct arena *arena,
                  const struct people_choice *choice, struct store_claim *ret_claim,
                  struct fault *ret_fault)
{
    struct deciding deciding = {store, setup, arena, choice, ret_claim, ret_fault};
    const struct directory_entry *entry = directory_find(setup->directory, choice->handle);
    if (!find_claim(store, arena, choice->claim, ret_claim, ret_fault))
        return false;
    if (entry == NULL)
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(arena,
                                     "found nobody called \"%.100s\"; expected a handle of "
                                     "directory.csv or of refgate people list",
                                     choice->handle));
    if (entry->is_person != text_equal(ret_claim->kind, "person"))
        return fault_set(ret_fault, FAULT_conflict,
                         arena_print(arena, "%s is a %s, but %s is a %s", choice->claim,
                                     ret_claim->kind, entry->handle,
                                     entry->is_person ? "person" : "clinic"));
    if (text_equal(ret_claim->handle, entry->handle))
        return decide(&deciding, ret_claim->state, entry->handle);
    drop_place(&deciding);
    return decide(&deciding, "merged", entry->handle);
}

bool people_ignore(struct store *store, const struct setup *setup, struct arena *arena,
                   const struct people_choice *choice, struct store_claim *ret_claim,
                   struct fault *ret_fault)
{
    struct deciding deciding = {store, setup, arena, choice, ret_claim, ret_fault};
    if (!find_claim(store, arena, choice->claim, ret_claim, ret_fault))
        return false;
    drop_place(&deciding);
    return decide(&deciding, "ignored", NULL);
}
