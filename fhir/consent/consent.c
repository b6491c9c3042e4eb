/* consent: see consent.h. First every consent gets a standing (what it can decide today), then the
 * order says which of them govern, and those are asked for the rest of the rules. */
#include "fhir/consent/consent.h"

#include <string.h>

#include "fhir/client/match.h"

enum standing {
    /* With a say about this record and recipient: one of these governs. */
    PERMITS, /* if its scope holds the record */
    OVER,    /* a permission whose days are over */
    REPLACED,
    REFUSES,
    REFUSED, /* for days that are over */
    WITHDRAWN,
    /* Without a say. */
    AHEAD, /* a permission that is dated ahead of the clock */
    NOT_YET,
    DRAFT,
    OTHER_CLIENT, /* a permission of another person under the same number */
    OTHER_SENDER,
    OTHER_SORT,  /* rule 6 */
    OTHER_SCOPE, /* a refusal for something else */
    OTHER_RECIPIENT
};

struct candidate {
    const struct json *tree;
    size_t accepted; /* its place among all */
    enum standing standing;
    bool is_named;            /* share_with holds the recipient itself, not only the clinic */
    struct date_time written; /* as it counts for the order */
    const struct json *replacement;
    const struct candidate *above; /* one that outranks it; NULL: none */
};

struct asking {
    const struct consent_question *question;
    struct arena *arena;
    const struct directory_entry *recipient; /* NULL: not in the directory */
    const struct directory_entry *clinic;    /* the recipient's, or NULL */
    bool is_psychotherapy;
    struct candidate *candidates; /* one for each consent of the question */
};

static const char psychotherapy[] = "psychotherapy-note";

/* ---- reading a consent ---- */

static bool has_word(const struct json *list, const char *word)
{
    for (struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (text_equal(json_text(item), word))
            return true;
    }
    return false;
}

static bool names(const struct asking *asking, const struct json *consent,
                  const struct directory_entry *entry, const char *handle)
{
    for (struct json *item = json_first(json_get(consent, "share_with")); item != NULL;
         item = json_next(item)) {
        const char *with = json_text(item);
        if (with == NULL)
            continue;
        if (text_equal(with, handle) ||
            (entry != NULL && directory_find(asking->question->directory, with) == entry))
            return true;
    }
    return false;
}

static bool is_same_handle(const struct asking *asking, const char *one, const char *other)
{
    const struct directory *directory = asking->question->directory;
    if (one == NULL || other == NULL)
        return false;
    const struct directory_entry *entry = directory_find(directory, one);
    return text_equal(one, other) || (entry != NULL && entry == directory_find(directory, other));
}

/* The newest consent that says it takes the place of this one, of whatever date and state. */
static const struct json *replacement_of(const struct asking *asking, const struct json *consent)
{
    const struct consent_question *question = asking->question;
    const struct json *found = NULL;
    const char *id = json_get_text(consent, "record_id");
    for (size_t i = 0; id != NULL && i < question->consent_count; i++) {
        const struct json *other = question->consents[i].record;
        if (other != consent && text_equal(json_get_text(other, "replaces_record_id"), id) &&
            is_same_handle(asking, json_get_text(other, "share_from"),
                           json_get_text(consent, "share_from")))
            found = other;
    }
    return found;
}

static bool is_revoked(const struct asking *asking, const struct json *consent)
{
    struct date_time at;
    const char *text = json_get_text(consent, "revoked_at");
    if (!text_equal(json_get_text(consent, "status"), "active") &&
        !text_equal(json_get_text(consent, "status"), "draft"))
        return true;
    return text != NULL && (date_time_parse(text, &at) != DATE_RIGHT ||
                            date_time_compare(at, asking->question->now) <= 0);
}

/* Whether DAY lies outside FROM..UNTIL; either end may be open. -1: before, 1: after, 0: inside. A
 * limit that cannot be read is never passed. */
static int outside(const struct json *consent, const char *from, const char *until, struct date day)
{
    const char *first = json_get_text(consent, from);
    const char *last = json_get_text(consent, until);
    struct date limit;
    if (first != NULL && (date_parse(first, &limit) != DATE_RIGHT || date_compare(day, limit) < 0))
        return -1;
    if (last != NULL && (date_parse(last, &limit) != DATE_RIGHT || date_compare(day, limit) > 0))
        return 1;
    return 0;
}

static bool is_refusal(const struct json *consent)
{
    return !text_equal(json_get_text(consent, "decision"), "allow");
}

/* For psychotherapy notes and nothing else. */
static bool is_alone(const struct json *consent)
{
    const struct json *sensitivity = json_get(consent, "sensitivity");
    return json_count(sensitivity) == 1 && has_word(sensitivity, psychotherapy);
}

static const char *out_of_scope(const struct asking *asking, const struct json *consent);

/* A withdrawal acts at once, whatever days it gives. */
static enum standing standing_of_withdrawal(const struct asking *asking, const struct json *consent)
{
    if (is_alone(consent) && !asking->is_psychotherapy)
        return OTHER_SORT;
    return is_refusal(consent) && out_of_scope(asking, consent) != NULL ? OTHER_SCOPE : WITHDRAWN;
}

static enum standing standing_of_refusal(const struct asking *asking, const struct json *consent)
{
    int side = outside(consent, "valid_from", "valid_until", asking->question->today);
    if (out_of_scope(asking, consent) != NULL)
        return OTHER_SCOPE;
    return side < 0 ? NOT_YET : side > 0 ? REFUSED : REFUSES;
}

/* A permission without a time that can be read is never in force. */
static enum standing standing_of_permission(const struct asking *asking,
                                            const struct candidate *candidate)
{
    const struct json *consent = candidate->tree;
    struct date_time written;
    const char *text = json_get_text(consent, "written_at");
    if (is_alone(consent) != asking->is_psychotherapy)
        return OTHER_SORT;
    if (text == NULL || date_time_parse(text, &written) != DATE_RIGHT ||
        date_time_compare(written, asking->question->now) > 0)
        return AHEAD;
    int side = outside(consent, "valid_from", "valid_until", asking->question->today);
    if (side < 0)
        return NOT_YET;
    if (candidate->replacement != NULL)
        return REPLACED;
    return side > 0 ? OVER : PERMITS;
}

/* A family name may change; a refusal is heard whoever gave it. */
static bool is_of_another(const struct asking *asking, const struct json *consent)
{
    const struct json *client = asking->question->client;
    const char *birth = json_get_text(client, "client_birth_date");
    struct client_difference difference;
    return client != NULL && client_differs_in_person(client, consent, &difference) &&
           (birth == NULL || !text_equal(birth, json_get_text(consent, "client_birth_date")));
}

static enum standing standing_of(const struct asking *asking, const struct candidate *candidate,
                                 bool is_clinic_named)
{
    const struct json *consent = candidate->tree;
    if (!candidate->is_named && !is_clinic_named)
        return OTHER_RECIPIENT;
    if (!is_same_handle(asking, json_get_text(consent, "share_from"), asking->question->sender))
        return OTHER_SENDER;
    if (is_revoked(asking, consent))
        return standing_of_withdrawal(asking, consent);
    if (text_equal(json_get_text(consent, "status"), "draft"))
        return DRAFT;
    if (is_refusal(consent))
        return standing_of_refusal(asking, consent);
    return is_of_another(asking, consent) ? OTHER_CLIENT
                                          : standing_of_permission(asking, candidate);
}

static bool has_say(const struct candidate *candidate)
{
    return candidate->standing <= WITHDRAWN;
}

/* Whether it was given as a permission, be it over or replaced by now. */
static bool is_permission(const struct candidate *candidate)
{
    return candidate->standing <= REPLACED;
}

/* What stands against a record counts from its acceptance at the latest, so that a mistyped date
 * keeps nothing closed for years. */
static struct date_time written_of(const struct candidate *candidate,
                                   const struct consent_given *given)
{
    struct date_time written = {0, 0, 0};
    const char *text = json_get_text(given->record, "written_at");
    bool is_read = text != NULL && date_time_parse(text, &written) == DATE_RIGHT;
    bool is_ahead = date_time_compare(written, given->accepted) > 0;
    bool is_against = has_say(candidate) && !is_permission(candidate);
    return is_against && (!is_read || is_ahead) ? given->accepted : written;
}

static struct candidate candidate_of(const struct asking *asking, size_t accepted)
{
    const struct consent_given *given = &asking->question->consents[accepted];
    const struct json *consent = given->record;
    struct candidate candidate = {
        .tree = consent,
        .accepted = accepted,
        .is_named = names(asking, consent, asking->recipient, asking->question->recipient),
        .replacement = replacement_of(asking, consent)};
    bool is_clinic_named = asking->clinic != NULL && asking->clinic != asking->recipient &&
                           names(asking, consent, asking->clinic, asking->clinic->handle);
    candidate.standing = standing_of(asking, &candidate, is_clinic_named);
    candidate.written = written_of(&candidate, given);
    return candidate;
}

/* ---- rule 7: the order; see the table in consent.h ---- */

static bool is_later(const struct candidate *one, const struct candidate *other)
{
    return one->accepted > other->accepted && date_time_compare(one->written, other->written) > 0;
}

static bool replaces(const struct candidate *one, const struct candidate *other)
{
    const char *id = json_get_text(other->tree, "record_id");
    return other->replacement != NULL && id != NULL &&
           text_equal(json_get_text(one->tree, "replaces_record_id"), id);
}

static bool outranks(const struct candidate *one, const struct candidate *other)
{
    bool keeps_refusal = other->standing == REFUSES && other->is_named && !one->is_named;
    if (keeps_refusal)
        return is_later(one, other) && replaces(one, other);
    if (is_later(one, other))
        return !(is_permission(one) && replaces(other, one));
    if (!is_permission(other))
        return false;
    return replaces(one, other) || (one->standing == WITHDRAWN && one->accepted > other->accepted);
}

/* Each gets the last accepted of those that outrank it. */
static void rank(struct asking *asking)
{
    size_t count = asking->question->consent_count;
    for (size_t i = 0; i < count; i++) {
        struct candidate *other = &asking->candidates[i];
        for (size_t k = 0; k < count && has_say(other); k++) {
            const struct candidate *one = &asking->candidates[k];
            if (k != i && has_say(one) && outranks(one, other))
                other->above = one;
        }
    }
}

static bool governs(const struct candidate *candidate)
{
    return has_say(candidate) && candidate->above == NULL;
}

/* ---- saying why ---- */

static const char *number_of(const struct json *consent)
{
    const char *id = json_get_text(consent, "record_id");
    return id == NULL ? "without a number" : id;
}

static const char *text_or(const struct json *consent, const char *name, const char *otherwise)
{
    const char *text = json_get_text(consent, name);
    return text == NULL ? otherwise : text;
}

/* Who confirms the client of a record says nothing about whose the consent is: only when the two
 * agree does it go. */
static const char *other_client_words(const struct asking *asking, const struct json *consent)
{
    struct arena *arena = asking->arena;
    const struct json *client = asking->question->client;
    struct client_difference difference = {.path = "client_birth_date"};
    const char *number = text_or(consent, "record_id", "?");
    client_differs_in_person(client, consent, &difference);
    return arena_print(arena,
                       "the consent %s has this client_id, but another %s: it may be another "
                       "person's. This goes when the two agree, not by refgate tray confirm: send "
                       "the wrong one of them anew, with a record_id of its own and "
                       "replaces_record_id (%s for the record, %s for the consent)",
                       number, difference.path, text_or(client, "record_id", "its number"), number);
}

/* ---- rules 3 to 6 ---- */

static bool covers(const struct json *consent, const char *kind)
{
    const struct json *list = json_get(consent, "covers");
    return has_word(list, "all") || has_word(list, kind);
}

/* Purpose, kind and day: what a decision, allow or refuse, is about. NULL: it is about this record.
 */
static const char *out_of_scope(const struct asking *asking, const struct json *consent)
{
    const struct consent_question *question = asking->question;
    struct date_time written;
    if (!has_word(json_get(consent, "purposes"), question->purpose))
        return arena_print(asking->arena, "does not allow the purpose %s", question->purpose);
    if (!covers(consent, question->kind))
        return arena_print(asking->arena, "does not cover a %s", question->kind);
    if (question->written_at == NULL ||
        date_time_parse(question->written_at, &written) != DATE_RIGHT)
        return "cannot be compared with a record without a time";
    int side = outside(consent, "records_from", "records_until", date_of_time(written));
    if (side == 0)
        return NULL;
    return arena_print(asking->arena, "covers only records written %s %s",
                       side < 0 ? "from" : "until",
                       text_or(consent, side < 0 ? "records_from" : "records_until", "?"));
}

static const char *excluded_word(const struct asking *asking, const struct json *consent)
{
    const struct consent_question *question = asking->question;
    for (size_t i = 0; i < question->sensitivity_count; i++) {
        if (has_word(json_get(consent, "excludes"), question->sensitivity[i]))
            return question->sensitivity[i];
    }
    return NULL;
}

/* Why a permission does not reach this record; NULL: it does. */
static const char *why_not(const struct asking *asking, const struct json *consent)
{
    const char *why = out_of_scope(asking, consent);
    const char *word = excluded_word(asking, consent);
    if (why == NULL && word != NULL)
        why = arena_print(asking->arena, "excludes %s", word);
    return why;
}

/* ---- what each says ---- */

/* Why this one, which has a say, does not let the record go; NULL: it does. */
static const char *objection(const struct asking *asking, const struct candidate *candidate)
{
    const struct json *consent = candidate->tree;
    struct arena *arena = asking->arena;
    const char *recipient = asking->question->recipient;
    const char *number = number_of(consent);
    const char *why = NULL;
    switch (candidate->standing) {
    case WITHDRAWN:
        return arena_print(arena, "the consent %s was revoked on %.10s", number,
                           text_or(consent, "revoked_at", text_or(consent, "written_at", "?")));
    case REFUSES:
        return arena_print(arena, "sharing with %s was refused on %.10s (%s)", recipient,
                           text_or(consent, "written_at", "an unknown day"), number);
    case REFUSED:
        return arena_print(arena,
                           "sharing with %s was refused until %s (%s), and nothing was allowed "
                           "since",
                           recipient, text_or(consent, "valid_until", "an unknown day"), number);
    case OVER:
        return arena_print(arena, "the consent %s for %s ended on %s", number, recipient,
                           text_or(consent, "valid_until", "an unknown day"));
    case REPLACED:
        return arena_print(arena, "the consent %s was replaced by %s, which lets nothing go to %s",
                           number, number_of(candidate->replacement), recipient);
    default:
        why = why_not(asking, consent);
        return why == NULL ? NULL
                           : arena_print(arena, "the consent %s for %s %s", number, recipient, why);
    }
}

/* Why one that names the recipient has no say. */
static const char *silence(const struct asking *asking, const struct candidate *candidate)
{
    const struct json *consent = candidate->tree;
    struct arena *arena = asking->arena;
    const char *recipient = asking->question->recipient;
    const char *number = number_of(consent);
    char now[DATE_TEXT];
    switch (candidate->standing) {
    case AHEAD:
        date_time_format_utc(asking->question->now, now);
        return arena_print(arena,
                           "the consent %s for %s is dated %s, ahead of this gateway's clock (%s), "
                           "and is not in force before",
                           number, recipient, text_or(consent, "written_at", "without a time"),
                           now);
    case NOT_YET:
        return arena_print(arena, "the consent %s for %s starts on %s", number, recipient,
                           text_or(consent, "valid_from", "an unknown day"));
    case DRAFT:
        return arena_print(arena, "the consent %s for %s is a draft", number, recipient);
    case OTHER_CLIENT:
        return other_client_words(asking, consent);
    case OTHER_SENDER:
        return arena_print(arena, "the consent %s for %s lets %s send, not %s", number, recipient,
                           text_or(consent, "share_from", "nobody"), asking->question->sender);
    case OTHER_SORT:
        return asking->is_psychotherapy
                   ? arena_print(arena,
                                 "a psychotherapy note needs a consent that names it alone, which "
                                 "%s does not",
                                 number)
                   : arena_print(arena, "the consent %s is for psychotherapy notes alone", number);
    case OTHER_SCOPE:
        return arena_print(arena, "the refusal %s %s", number, out_of_scope(asking, consent));
    default:
        return arena_print(arena, "the consent %s does not name %s", number, recipient);
    }
}

/* ---- the answer ---- */

static const struct candidate *governing(const struct asking *asking, size_t at)
{
    const struct candidate *candidate = &asking->candidates[at];
    return governs(candidate) ? candidate : NULL;
}

/* The first of all that govern and object: what was refused or withdrawn, then the last accepted.
 */
static const struct candidate *objector(const struct asking *asking)
{
    const struct candidate *found = NULL;
    for (size_t i = 0; i < asking->question->consent_count; i++) {
        const struct candidate *candidate = governing(asking, i);
        if (candidate != NULL && objection(asking, candidate) != NULL &&
            (found == NULL || is_permission(found) || !is_permission(candidate)))
            found = candidate;
    }
    return found;
}

/* " (the older ...)" when a consent that does not count, or not alone, would let the record go. */
static const char *overruled(const struct asking *asking, const struct candidate *decider)
{
    for (size_t i = 0; i < asking->question->consent_count; i++) {
        const struct candidate *other = &asking->candidates[i];
        if (other != decider && other->standing == PERMITS && objection(asking, other) == NULL)
            return other->above == NULL
                       ? arena_print(asking->arena,
                                     " (the consent %s would, but is not newer both by date and by "
                                     "acceptance, so the narrower holds)",
                                     number_of(other->tree))
                       : arena_print(asking->arena,
                                     " (the older consent %s would, but the newest counts)",
                                     number_of(other->tree));
    }
    return "";
}

/* Nothing governs: the most telling reason is why the newest consent that names the recipient does
 * not, else that none names it. */
static const char *why_nothing_governs(const struct asking *asking)
{
    const struct consent_question *question = asking->question;
    const struct candidate *best = NULL;
    for (size_t i = 0; i < question->consent_count; i++) {
        const struct candidate *candidate = &asking->candidates[i];
        bool is_telling = candidate->standing < OTHER_SCOPE &&
                          (candidate->standing != OTHER_SORT || asking->is_psychotherapy);
        if (is_telling && (best == NULL || candidate->standing <= best->standing))
            best = candidate;
    }
    if (best != NULL && has_say(best))
        return arena_print(asking->arena, "the consents for %s replace one another in a circle",
                           question->recipient);
    if (best != NULL)
        return silence(asking, best);
    if (question->consent_count == 0)
        return "there is no consent of this client";
    return arena_print(asking->arena, "no consent of this client names %s", question->recipient);
}

static long long begins(const struct asking *asking)
{
    long long first = 0;
    for (size_t i = 0; i < asking->question->consent_count; i++) {
        const struct candidate *candidate = &asking->candidates[i];
        if (candidate->standing == AHEAD && candidate->written.seconds != 0 &&
            (first == 0 || candidate->written.seconds < first))
            first = candidate->written.seconds;
    }
    return first == 0 ? 0 : first + 1;
}

/* All that governs must allow it; what was accepted last of that is the evidence. */
static struct consent_answer decide(const struct asking *asking)
{
    const struct candidate *against = objector(asking);
    const struct candidate *evidence = NULL;
    if (against != NULL)
        return (struct consent_answer){
            false, against->tree,
            arena_print(asking->arena, "%s%s", objection(asking, against),
                        is_permission(against) ? overruled(asking, against) : ""),
            begins(asking)};
    for (size_t i = 0; i < asking->question->consent_count; i++) {
        if (governing(asking, i) != NULL)
            evidence = governing(asking, i);
    }
    if (evidence == NULL)
        return (struct consent_answer){false, NULL, why_nothing_governs(asking), begins(asking)};
    return (struct consent_answer){
        true, evidence->tree,
        arena_print(asking->arena, "the consent %s allows it", number_of(evidence->tree)), 0};
}

static struct asking consider(struct arena *arena, const struct consent_question *question)
{
    struct asking asking = {.question = question, .arena = arena};
    asking.candidates = arena_array(arena, question->consent_count + 1, sizeof *asking.candidates);
    asking.recipient = directory_find(question->directory, question->recipient);
    asking.clinic = directory_clinic(question->directory, asking.recipient);
    for (size_t i = 0; i < question->sensitivity_count; i++)
        asking.is_psychotherapy =
            asking.is_psychotherapy || text_equal(question->sensitivity[i], psychotherapy);
    for (size_t i = 0; i < question->consent_count; i++)
        asking.candidates[i] = candidate_of(&asking, i);
    rank(&asking);
    return asking;
}

struct consent_answer consent_ask(struct arena *arena, const struct consent_question *question)
{
    struct asking asking = consider(arena, question);
    return decide(&asking);
}

/* ---- the whole reasoning ---- */

static const char *how_outranked(const struct asking *asking, const struct candidate *candidate)
{
    const struct candidate *above = candidate->above;
    const char *how = is_later(above, candidate)   ? "written and taken later"
                      : replaces(above, candidate) ? "which replaces it"
                                                   : "a withdrawal taken after it";
    return arena_print(asking->arena, "outranked by %s, %s", number_of(above->tree), how);
}

static struct consent_view view_of(const struct asking *asking, const struct candidate *candidate)
{
    struct consent_view view = {.consent = candidate->tree};
    if (!has_say(candidate)) {
        view.state = candidate->standing < OTHER_CLIENT ? "not in force" : "not about this";
        view.reason = silence(asking, candidate);
        return view;
    }
    const char *against = objection(asking, candidate);
    view.state = candidate->above == NULL ? "governs" : "outranked";
    view.reason = against == NULL ? arena_print(asking->arena, "the consent %s allows it",
                                                number_of(candidate->tree))
                                  : against;
    if (candidate->above != NULL)
        view.reason =
            arena_print(asking->arena, "%s; %s", view.reason, how_outranked(asking, candidate));
    return view;
}

static const char *advice_on(const struct asking *asking, const struct consent_answer *answer)
{
    const struct consent_question *question = asking->question;
    const char *clinic = asking->clinic == NULL ? NULL : asking->clinic->handle;
    bool is_person_of_clinic = clinic != NULL && !text_equal(clinic, question->recipient);
    char begins_at[DATE_TEXT];
    if (answer->is_allowed)
        return "nothing: it may be sent";
    const char *ask = arena_print(
        asking->arena,
        "%sask the client; when the client agrees, send a new consent record: share_from %s, "
        "share_with %s%s%s, purposes %s, covers %s%s",
        question->consent_count == 0 ? "see that client_id is right; if it is, " : "",
        question->sender, question->recipient, is_person_of_clinic ? " or " : "",
        is_person_of_clinic ? clinic : "", question->purpose, question->kind,
        asking->is_psychotherapy ? ", sensitivity psychotherapy-note alone" : "");
    if (answer->begins_s == 0)
        return ask;
    date_time_format_utc((struct date_time){answer->begins_s, 0, 0}, begins_at);
    return arena_print(asking->arena,
                       "wait until %s, when a consent that is dated ahead comes into force; or, if "
                       "its date is a slip, %s",
                       begins_at, ask);
}

struct consent_answer consent_explain(struct arena *arena, const struct consent_question *question,
                                      struct consent_view **ret_views, const char **ret_advice)
{
    struct asking asking = consider(arena, question);
    struct consent_answer answer = decide(&asking);
    *ret_views = arena_array(arena, question->consent_count + 1, sizeof **ret_views);
    for (size_t i = 0; i < question->consent_count; i++)
        (*ret_views)[i] = view_of(&asking, &asking.candidates[i]);
    *ret_advice = advice_on(&asking, &answer);
    return answer;
}
