/* consent: see consent.h. First every consent gets a standing (what it can decide today), then the
 * newest that can decide is asked for the rest of the rules. */
#include "fhir/consent.h"

#include <stdarg.h>
#include <string.h>

enum standing { /* of one consent towards this recipient */
                STANDS,
                REVOKED,
                OTHER_RECIPIENT,
                OTHER_SENDER,
                REPLACED,
                DRAFT,
                NOT_YET,
                OVER
};

struct candidate {
    const struct json *tree;
    enum standing standing;
    bool is_refusal;
    bool is_named;         /* share_with holds the recipient itself, not only the clinic */
    bool is_alone;         /* a consent for psychotherapy notes and nothing else */
    struct date_time made; /* when the client decided */
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

static bool is_replaced(const struct asking *asking, const struct json *consent)
{
    const struct consent_question *question = asking->question;
    const char *id = json_get_text(consent, "record_id");
    for (size_t i = 0; id != NULL && i < question->consent_count; i++) {
        const struct json *other = question->consents[i];
        if (other != consent && text_equal(json_get_text(other, "replaces_record_id"), id) &&
            is_same_handle(asking, json_get_text(other, "share_from"),
                           json_get_text(consent, "share_from")))
            return true;
    }
    return false;
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

static enum standing standing_of(const struct asking *asking, const struct candidate *candidate,
                                 bool is_clinic_named)
{
    const struct json *consent = candidate->tree;
    if (!candidate->is_named && !is_clinic_named)
        return OTHER_RECIPIENT;
    if (!is_same_handle(asking, json_get_text(consent, "share_from"), asking->question->sender))
        return OTHER_SENDER;
    if (is_replaced(asking, consent))
        return REPLACED;
    if (is_revoked(asking, consent))
        return REVOKED;
    if (text_equal(json_get_text(consent, "status"), "draft"))
        return DRAFT;
    int side = outside(consent, "valid_from", "valid_until", asking->question->today);
    return side < 0 ? NOT_YET : side > 0 ? OVER : STANDS;
}

/* When the client decided: written_at; of a revocation written as a new record, the time of what it
 * takes back, so that it does not outrank a consent given in between. */
static struct date_time made_at(const struct asking *asking, const struct json *consent)
{
    const struct consent_question *question = asking->question;
    struct date_time made = {0, 0, 0};
    const char *replaces = json_get_text(consent, "replaces_record_id");
    const char *written = json_get_text(consent, "written_at");
    if (text_equal(json_get_text(consent, "status"), "revoked") && replaces != NULL) {
        for (size_t i = 0; i < question->consent_count; i++) {
            const struct json *other = question->consents[i];
            if (other != consent && text_equal(json_get_text(other, "record_id"), replaces))
                written = json_get_text(other, "written_at");
        }
    }
    if (written != NULL)
        date_time_parse(written, &made);
    return made;
}

static struct candidate candidate_of(const struct asking *asking, const struct json *consent)
{
    const struct json *sensitivity = json_get(consent, "sensitivity");
    struct candidate candidate = {
        .tree = consent,
        .is_refusal = !text_equal(json_get_text(consent, "decision"), "allow"),
        .is_named = names(asking, consent, asking->recipient, asking->question->recipient),
        .is_alone = json_count(sensitivity) == 1 && has_word(sensitivity, psychotherapy),
        .made = made_at(asking, consent)};
    bool is_clinic_named = asking->clinic != NULL && asking->clinic != asking->recipient &&
                           names(asking, consent, asking->clinic, asking->clinic->handle);
    candidate.standing = standing_of(asking, &candidate, is_clinic_named);
    return candidate;
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

static struct consent_answer wait_for(const struct asking *asking, const struct json *consent,
                                      const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static struct consent_answer wait_for(const struct asking *asking, const struct json *consent,
                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *reason = arena_vprint(asking->arena, format, arguments);
    va_end(arguments);
    return (struct consent_answer){false, consent, reason};
}

/* Why a consent that names the recipient decides nothing. */
static struct consent_answer wait_standing(const struct asking *asking,
                                           const struct candidate *candidate)
{
    const struct json *consent = candidate->tree;
    const char *recipient = asking->question->recipient;
    const char *number = number_of(consent);
    switch (candidate->standing) {
    case REVOKED:
        return wait_for(asking, consent, "the consent %s was revoked on %.10s", number,
                        text_or(consent, "revoked_at", "an unknown day"));
    case OTHER_SENDER:
        return wait_for(asking, consent, "the consent %s for %s lets %s send, not %s", number,
                        recipient, text_or(consent, "share_from", "nobody"),
                        asking->question->sender);
    case DRAFT:
        return wait_for(asking, consent, "the consent %s for %s is a draft", number, recipient);
    case NOT_YET:
        return wait_for(asking, consent, "the consent %s for %s starts on %s", number, recipient,
                        text_or(consent, "valid_from", "an unknown day"));
    default:
        return wait_for(asking, consent, "the consent %s for %s ended on %s", number, recipient,
                        text_or(consent, "valid_until", "an unknown day"));
    }
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

/* " (the older ...)" when a consent that the newest one overrules would let the record go. */
static const char *overruled(const struct asking *asking, const struct candidate *decider)
{
    for (size_t i = 0; i < asking->question->consent_count; i++) {
        const struct candidate *other = &asking->candidates[i];
        if (other != decider && other->standing == STANDS && !other->is_refusal &&
            other->is_alone == asking->is_psychotherapy && why_not(asking, other->tree) == NULL)
            return arena_print(asking->arena,
                               " (the older consent %s would, but the newest counts)",
                               number_of(other->tree));
    }
    return "";
}

/* What the one consent that decides says of this record. */
static struct consent_answer decide(const struct asking *asking, const struct candidate *candidate)
{
    const struct json *consent = candidate->tree;
    const char *recipient = asking->question->recipient;
    const char *number = number_of(consent);
    if (candidate->standing == REVOKED)
        return wait_standing(asking, candidate);
    if (candidate->is_refusal)
        return wait_for(asking, consent, "sharing with %s was refused on %.10s (%s)", recipient,
                        text_or(consent, "written_at", "an unknown day"), number);
    const char *why = why_not(asking, consent);
    if (why != NULL)
        return wait_for(asking, consent, "the consent %s for %s %s%s", number, recipient, why,
                        overruled(asking, candidate));
    return (struct consent_answer){true, consent,
                                   arena_print(asking->arena, "the consent %s allows it", number)};
}

/* ---- rule 7 ---- */

/* Whether a candidate has a say about this record at all. */
static bool can_decide(const struct asking *asking, const struct candidate *candidate)
{
    if (candidate->standing != STANDS && candidate->standing != REVOKED)
        return false;
    if (candidate->is_refusal)
        return candidate->standing == STANDS && out_of_scope(asking, candidate->tree) == NULL;
    return candidate->is_alone == asking->is_psychotherapy;
}

static bool is_newer(const struct candidate *one, const struct candidate *other)
{
    if (other == NULL)
        return true;
    int order = date_time_compare(one->made, other->made);
    return order > 0 || (order == 0 && (one->is_refusal || one->standing == REVOKED));
}

static const struct candidate *newest(const struct asking *asking)
{
    const struct candidate *best = NULL;
    const struct candidate *refusal = NULL; /* the newest that names the recipient itself */
    for (size_t i = 0; i < asking->question->consent_count; i++) {
        const struct candidate *candidate = &asking->candidates[i];
        if (!can_decide(asking, candidate))
            continue;
        if (is_newer(candidate, best))
            best = candidate;
        if (candidate->is_refusal && candidate->is_named && is_newer(candidate, refusal))
            refusal = candidate;
    }
    return best != NULL && refusal != NULL && !best->is_named ? refusal : best;
}

/* Nothing decides: the most telling reason is why the newest consent that names the recipient does
 * not, else that none names it. */
static struct consent_answer wait_without(const struct asking *asking)
{
    const struct consent_question *question = asking->question;
    const struct candidate *best = NULL;
    bool is_ordinary = false;
    for (size_t i = 0; i < asking->question->consent_count; i++) {
        const struct candidate *candidate = &asking->candidates[i];
        is_ordinary = is_ordinary || (candidate->standing == STANDS && !candidate->is_refusal);
        if (candidate->standing == STANDS || candidate->standing == OTHER_RECIPIENT ||
            candidate->standing == REPLACED || candidate->is_refusal)
            continue;
        if (best == NULL || candidate->standing < best->standing ||
            (candidate->standing == best->standing && is_newer(candidate, best)))
            best = candidate;
    }
    if (asking->is_psychotherapy && is_ordinary)
        return wait_for(asking, NULL,
                        "a psychotherapy note needs a consent that names it alone, and none for %s "
                        "does",
                        question->recipient);
    if (best != NULL)
        return wait_standing(asking, best);
    if (question->consent_count == 0)
        return wait_for(asking, NULL, "there is no consent of this client");
    return wait_for(asking, NULL, "no consent of this client names %s", question->recipient);
}

struct consent_answer consent_ask(struct arena *arena, const struct consent_question *question)
{
    struct asking asking = {.question = question, .arena = arena};
    asking.candidates = arena_array(arena, question->consent_count + 1, sizeof *asking.candidates);
    asking.recipient = directory_find(question->directory, question->recipient);
    asking.clinic = directory_clinic(question->directory, asking.recipient);
    for (size_t i = 0; i < question->sensitivity_count; i++)
        asking.is_psychotherapy =
            asking.is_psychotherapy || text_equal(question->sensitivity[i], psychotherapy);
    for (size_t i = 0; i < question->consent_count; i++)
        asking.candidates[i] = candidate_of(&asking, question->consents[i]);
    const struct candidate *decider = newest(&asking);
    return decider == NULL ? wait_without(&asking) : decide(&asking, decider);
}
