/* consent: is the client's number of a consent a slip?
 *
 * A consent under a mistyped number opens nothing, a withdrawal ends nothing, and both are right as
 * records: so they are taken, and whoever handed them over is told whom they may mean. Called by
 * flow_warn before the record is written; reads the store only, inside the caller's transaction. */
#include <string.h>

#include "base/nearest.h"
#include "fhir/client/match.h"
#include "gateway/outbound/outbound_internal.h"
#include "gateway/outbound/release.h"

enum {
    BORN_MAX = 200, /* of one birthday that are looked at */
    ROWS_PAGE = 500,
    ROWS_MAX = 20 * ROWS_PAGE, /* newest clients whose numbers are compared */
    LIKELY_MAX = 3,            /* that are named */
    SAID_MAX = 2000
};

struct asking {
    const struct flow *flow;
    const struct json *consent;
    const char *number;
    bool allows;        /* a permission; else a withdrawal or a refusal */
    bool ends_nothing;  /* it does not allow, and there is no permission of this client */
    bool is_known;      /* somebody here has this number */
    struct text likely; /* "Delgado, Rosa (LFP-5521)", who may be meant */
    size_t likely_count;
};

static struct json *facts_of(struct arena *arena, const struct store_client *client)
{
    struct json *facts = json_new_object(arena);
    json_set_text(arena, facts, "client_family_name", client->family_name);
    json_set_text(arena, facts, "client_given_names", client->given_names);
    json_set_text(arena, facts, "client_birth_date", client->birth_date);
    return facts;
}

static bool is_same_person(const struct asking *asking, const struct store_client *client)
{
    struct client_difference ignored;
    return !client_differs_in_person(asking->consent, facts_of(asking->flow->arena, client),
                                     &ignored);
}

static const char *shown_of(struct arena *arena, const struct json *facts)
{
    const char *name = client_shown(arena, facts);
    const char *born = json_get_text(facts, "client_birth_date");
    return arena_print(arena, "%s%s%s", name == NULL ? "somebody" : name,
                       born == NULL ? "" : ", born ", born == NULL ? "" : born);
}

static void add_likely(struct asking *asking, const struct store_client *client)
{
    struct arena *arena = asking->flow->arena;
    bool is_ours = text_equal(client->owner, STORE_OWN);
    if (strstr(asking->likely.at, client->number) != NULL || asking->likely_count++ >= LIKELY_MAX)
        return; /* a partner may use our number */
    text_print(&asking->likely, "%s%s (%s%s%s)", asking->likely_count == 1 ? "" : "; ",
               shown_of(arena, facts_of(arena, client)), is_ours ? "" : client->owner,
               is_ours ? "" : "'s number ", client->number);
}

/* ---- who may be meant ---- */

/* Of the same birthday and name, under another number. One under this very number, be it a
 * partner's, is who is meant. */
static void look_for_person(struct asking *asking)
{
    struct store_client *born;
    const char *birth_date = json_get_text(asking->consent, "client_birth_date");
    size_t count = birth_date == NULL ? 0
                                      : store_clients_born(asking->flow->store, asking->flow->arena,
                                                           birth_date, BORN_MAX, &born);
    for (size_t i = 0; i < count; i++) {
        if (!is_same_person(asking, &born[i]))
            continue;
        if (text_equal(born[i].number, asking->number))
            asking->is_known = true;
        else
            add_likely(asking, &born[i]);
    }
}

/* The nearest number, whatever its client is called: one slip in typing. */
static void look_for_number(struct asking *asking)
{
    struct nearest nearest = nearest_start(asking->number);
    struct store_client *rows;
    struct store_client best = {.number = NULL};
    int64_t before = 0;
    size_t count = ROWS_PAGE;
    for (size_t seen = 0; count == ROWS_PAGE && seen < ROWS_MAX; seen += count) {
        count =
            store_client_rows(asking->flow->store, asking->flow->arena, before, ROWS_PAGE, &rows);
        for (size_t i = 0; i < count; i++) {
            before = rows[i].id;
            if (!text_equal(rows[i].owner, STORE_OWN) || text_equal(rows[i].number, asking->number))
                continue;
            nearest_try(&nearest, rows[i].number);
            if (nearest.best == rows[i].number)
                best = rows[i];
        }
    }
    if (best.number != NULL)
        add_likely(asking, &best);
}

static bool has_permission(const struct asking *asking)
{
    struct release_consents held =
        release_consents(asking->flow->store, asking->flow->arena, asking->number);
    for (size_t i = 0; i < held.count; i++) {
        const struct json *consent = held.given[i].record;
        if (text_equal(json_get_text(consent, "status"), "active") &&
            text_equal(json_get_text(consent, "decision"), "allow"))
            return true;
    }
    return !held.is_whole;
}

/* ---- what is said ---- */

static const char *advice(const struct asking *asking, const char *otherwise)
{
    struct arena *arena = asking->flow->arena;
    const char *likely = asking->likely_count == 0
                             ? ""
                             : arena_print(arena, "; perhaps %s is meant", asking->likely.at);
    return arena_print(arena,
                       "the number under which this client's records are kept%s. If it is a slip, "
                       "send the consent again with the right client_id and a record_id of its "
                       "own; %s",
                       likely, otherwise);
}

static void warn(const struct asking *asking, struct finding_list *warnings, const char *found,
                 const char *otherwise)
{
    finding_add(warnings, (struct finding){.path = "client_id",
                                           .found = found,
                                           .expected = advice(asking, otherwise)});
}

static void warn_other_person(const struct asking *asking, const struct store_client *client,
                              struct finding_list *warnings)
{
    struct arena *arena = asking->flow->arena;
    const char *other = shown_of(arena, facts_of(arena, client));
    const char *found =
        arena_print(arena, "%s, which is the number of %s here", asking->number, other);
    if (asking->allows)
        warn(asking, warnings, found, "this one opens nothing for the other client");
    else
        warn(asking, warnings, found,
             arena_print(arena,
                         "this one has ended what %s had allowed: if that is wrong, send a new "
                         "consent for %s, too",
                         other, asking->number));
}

void flow_warn_client(const struct flow *flow, const struct json *consent,
                      struct finding_list *warnings)
{
    struct store_client client;
    struct asking asking = {.flow = flow,
                            .consent = consent,
                            .number = json_get_text(consent, "client_id"),
                            .allows = text_equal(json_get_text(consent, "status"), "active") &&
                                      text_equal(json_get_text(consent, "decision"), "allow"),
                            .likely = text_new(flow->arena, SAID_MAX)};
    if (text_equal(json_get_text(consent, "status"), "draft"))
        return;
    bool is_known = store_find_client(flow->store, flow->arena, STORE_OWN, asking.number, &client);
    asking.ends_nothing = !asking.allows && !has_permission(&asking);
    asking.is_known = is_known;
    look_for_person(&asking);
    if (asking.likely_count == 0 && asking.ends_nothing)
        look_for_number(&asking);
    if (is_known && !is_same_person(&asking, &client))
        warn_other_person(&asking, &client, warnings);
    else if (asking.ends_nothing && text_equal(json_get_text(consent, "status"), "revoked"))
        warn(&asking, warnings,
             arena_print(flow->arena,
                         "%s, of whom no consent is held: this withdrawal ends nothing",
                         asking.number),
             "this one does no harm");
    else if (!asking.is_known && asking.likely_count > 0)
        warn(&asking, warnings,
             arena_print(flow->arena, "%s, a number that no other record here has", asking.number),
             asking.allows ? "this one opens nothing that waits" : "this one does no harm");
}
