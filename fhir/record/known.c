/* known: which of several referrals in memory a number means.
 *
 * For commands that hold records themselves (`map` with its --known files) and for tests; the
 * gateway asks its store by the same rule. See record_referrals_of in record.h. */
#include <string.h>

#include "base/nearest.h"
#include "fhir/record/record.h"

struct candidate {
    const struct json *tree;
    const char *placer; /* clinic */
    bool is_client;     /* the client of the record that asks */
};

static bool same_number(const struct json *one, const struct json *other)
{
    const char *id = json_get_text(one, "client_id");
    if (id == NULL)
        return false;
    if (text_equal(id, json_get_text(other, "client_id")))
        return true;
    for (struct json *item = json_first(json_get(other, "client_other_ids")); item != NULL;
         item = json_next(item)) {
        if (text_equal(json_get_text(item, "id"), id))
            return true;
    }
    return false;
}

/* A shared number or the same birth date. Lenient, because the referral's own number has matched
 * already; record_warn tells when number and birth date disagree. */
static bool same_client(const struct json *one, const struct json *other)
{
    const char *birth = json_get_text(one, "client_birth_date");
    if (birth != NULL && text_equal(birth, json_get_text(other, "client_birth_date")))
        return true;
    return same_number(one, other) || same_number(other, one);
}

/* The number behind "CLINIC:", and in *ret_placer the clinic (NULL: a bare number). */
static const char *split(struct arena *arena, const struct directory *directory, const char *id,
                         const char **ret_placer)
{
    const char *colon = strchr(id, ':');
    *ret_placer = NULL;
    if (colon == NULL)
        return id;
    const char *handle = arena_copy_n(arena, id, (size_t)(colon - id));
    if (directory_find(directory, handle) == NULL)
        return id;
    *ret_placer = handle;
    return colon + 1;
}

/* The known number that was probably meant, among the referrals of this client, then all. */
static const char *nearest_number(const struct record_known *known, const struct json *record,
                                  const char *number)
{
    for (int only_client = 1; only_client >= 0; only_client--) {
        struct nearest nearest = nearest_start(number);
        for (size_t i = 0; i < known->count; i++) {
            const char *id = json_get_text(known->referrals[i], "record_id");
            if (id != NULL && (!only_client || same_client(known->referrals[i], record)))
                nearest_try(&nearest, id);
        }
        if (nearest.best != NULL)
            return nearest.best;
    }
    return NULL;
}

struct search {
    const struct record_known *known;
    const struct json *record;
    const char *sender; /* clinic of the record that asks */
    struct candidate best;
    struct candidate second; /* another one that fits */
    struct candidate other;  /* one that does not fit */
    size_t fitting;          /* different referrals that fit */
    size_t others;           /* of other clients and other clinics */
};

static const char *placer_of(const struct record_known *known, size_t at)
{
    return known->placers != NULL ? known->placers[at]
                                  : record_sender(known->referrals[at], known->directory);
}

/* A referral of this client fits better than one that is only our own; then the partner's. */
static int rank(const struct search *search, const struct candidate *candidate)
{
    return (candidate->is_client ? 2 : 0) + (text_equal(candidate->placer, search->sender) ? 0 : 1);
}

/* One that is only our own gives way to one of this client: a partner may use our numbers. */
static void consider(struct search *search, const struct json *tree, const char *placer)
{
    struct candidate at = {tree, placer, same_client(tree, search->record)};
    if (!at.is_client && !text_equal(at.placer, search->sender)) {
        search->other = at;
        search->others++;
        return;
    }
    bool is_first = search->best.tree == NULL;
    if (!is_first && text_equal(search->best.placer, at.placer))
        return; /* the same referral, given twice */
    if (!is_first && at.is_client != search->best.is_client) {
        search->best = at.is_client ? at : search->best;
        return;
    }
    search->fitting++;
    if (is_first) {
        search->best = at;
    } else if (rank(search, &at) > rank(search, &search->best)) {
        search->second = search->best;
        search->best = at;
    } else {
        search->second = at;
    }
}

static enum record_lookup find(void *context, struct arena *arena, const struct json *record,
                               const char *referral_id, struct record_referral *ret_referral,
                               const char **ret_nearest)
{
    const struct record_known *known = context;
    struct search search = {
        .known = known, .record = record, .sender = record_sender(record, known->directory)};
    const char *wanted;
    const char *number = split(arena, known->directory, referral_id, &wanted);
    for (size_t i = 0; i < known->count; i++) {
        const struct json *tree = known->referrals[i];
        const char *placer = placer_of(known, i);
        bool is_wanted = wanted == NULL || text_equal(placer, wanted);
        if (is_wanted && text_equal(json_get_text(tree, "record_id"), number))
            consider(&search, tree, placer);
    }
    if (search.best.tree == NULL && search.others == 1)
        search.best = search.other;
    const struct json *best = search.best.tree;
    if (search.fitting > 1) {
        *ret_nearest = arena_print(arena, "%s:%s or %s:%s", search.best.placer, number,
                                   search.second.placer, number);
        return RECORD_AMBIGUOUS;
    }
    if (best == NULL && search.others == 0) {
        *ret_nearest = nearest_number(known, record, number);
        return RECORD_UNKNOWN;
    }
    if (best == NULL)
        return RECORD_OTHER_CLIENT;
    *ret_referral = (struct record_referral){.placer = search.best.placer,
                                             .number = json_get_text(best, "record_id"),
                                             .written_by = json_get_text(best, "written_by"),
                                             .referred_to = json_get_text(best, "referred_to")};
    return search.best.is_client ? RECORD_FOUND : RECORD_OTHER_CLIENT;
}

struct record_referrals record_referrals_of(struct record_known *known)
{
    return (struct record_referrals){find, known};
}
