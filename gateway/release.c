/* release: see release.h. The only file that makes a struct grant. */
#include "gateway/release.h"

#include <string.h>

#include "fhir/consent.h"
#include "fhir/record.h"
#include "gateway/tree.h"

struct grant {
    const char *partner, *recipient, *addressed_as, *basis;
    const struct json *consent;
};

const char *grant_partner(const struct grant *grant)
{
    return grant->partner;
}

const char *grant_recipient(const struct grant *grant)
{
    return grant->recipient;
}

const char *grant_addressed_as(const struct grant *grant)
{
    return grant->addressed_as;
}

const struct json *grant_consent(const struct grant *grant)
{
    return grant->consent;
}

const char *grant_basis(const struct grant *grant)
{
    return grant->basis;
}

struct release_consents release_consents(struct store *store, struct arena *arena,
                                         const char *client)
{
    struct store_record *rows;
    size_t count = store_records(store, arena, client, "consent", STORE_OWN, &rows);
    struct release_consents consents = {arena_array(arena, count, sizeof *consents.records), 0,
                                        true};
    for (size_t i = 0; i < count; i++) {
        const struct json *record = tree_of(arena, rows[i].text);
        if (record != NULL)
            consents.records[consents.count++] = record;
        else
            consents.is_whole = false;
    }
    return consents;
}

/* ---- the partner ---- */

static const struct partner *open_partner(const struct setup *setup, struct arena *arena,
                                          const char *clinic, const char **ret_reason)
{
    const struct partner *partner = setup_partner_of(setup, clinic);
    if (partner == NULL)
        *ret_reason = arena_print(arena, "no partner is set up for %s: refgate partner add %s",
                                  clinic, clinic);
    else if (partner->disabled)
        *ret_reason = arena_print(arena, "the partner %s is disabled", partner->name);
    else
        return partner;
    return NULL;
}

/* ---- consent ---- */

static struct consent_question question_of(const struct setup *setup, struct arena *arena,
                                           const struct json *record,
                                           const struct release_consents *consents, int64_t now_ms)
{
    struct consent_question question = {.consents = consents->records,
                                        .consent_count = consents->count,
                                        .directory = setup->directory,
                                        .sender = setup->config.org,
                                        .kind = record_kind(record),
                                        .written_at = json_get_text(record, "written_at")};
    question.purpose = record_purpose(question.kind);
    question.sensitivity_count = record_sensitivity(arena, record, &question.sensitivity);
    date_parse(clock_date(arena, now_ms), &question.today);
    date_time_parse(clock_text(arena, now_ms), &question.now);
    return question;
}

/* Of the handles of one clinic those who may receive are kept; *ret_reason is the last refusal. */
static const char *permitted(struct arena *arena, struct consent_question *question,
                             const char *handles, const struct json **ret_consent,
                             const char **ret_reason)
{
    struct text kept = text_new(arena, strlen(handles));
    char *rest = arena_copy(arena, handles);
    for (char *next; rest != NULL; rest = next) {
        next = strchr(rest, ';');
        if (next != NULL)
            *next++ = '\0';
        question->recipient = rest;
        struct consent_answer answer = consent_ask(arena, question);
        if (!answer.is_allowed) {
            *ret_reason = answer.reason;
            continue;
        }
        text_print(&kept, "%s%s", kept.length == 0 ? "" : ";", rest);
        *ret_consent = answer.evidence;
    }
    return kept.length == 0 ? NULL : kept.at;
}

const struct grant *release_record(const struct setup *setup, struct arena *arena,
                                   const struct json *record,
                                   const struct release_consents *consents, const char *recipient,
                                   const char *addressed_as, int64_t now_ms,
                                   const char **ret_reason)
{
    if (record == NULL || !consents->is_whole) {
        *ret_reason = "its record or a consent of the client cannot be read from the store; see "
                      "refgate check";
        return NULL;
    }
    struct consent_question question = question_of(setup, arena, record, consents, now_ms);
    const struct json *consent = NULL;
    const char *handles = permitted(arena, &question, addressed_as, &consent, ret_reason);
    if (handles == NULL)
        return NULL;
    const struct partner *partner = open_partner(setup, arena, recipient, ret_reason);
    if (partner == NULL)
        return NULL;
    if (!partner_may_send(partner, question.kind)) {
        *ret_reason = arena_print(arena, "partner %s is not set up to be sent a %s", partner->name,
                                  question.kind);
        return NULL;
    }
    struct grant *grant = arena_alloc(arena, sizeof *grant);
    *grant = (struct grant){.partner = partner->name,
                            .recipient = recipient,
                            .addressed_as = handles,
                            .consent = consent,
                            .basis = json_get_text(consent, "record_id")};
    return grant;
}

const struct grant *release_reply(const struct setup *setup, struct arena *arena,
                                  const struct store_referral *referral, const char **ret_reason)
{
    bool is_placer = text_equal(referral->role, "placer");
    const char *recipient = is_placer ? referral->filler : referral->placer;
    const struct partner *partner = open_partner(setup, arena, recipient, ret_reason);
    if (partner == NULL)
        return NULL;
    if (!text_equal(partner->name, referral->partner)) {
        *ret_reason = arena_print(arena,
                                  "%s is served by another partner than when the referral was "
                                  "made",
                                  recipient);
        return NULL;
    }
    struct grant *grant = arena_alloc(arena, sizeof *grant);
    *grant = (struct grant){.partner = partner->name,
                            .recipient = recipient,
                            .addressed_as = recipient,
                            .basis = "reply"};
    return grant;
}

static const char *moved_away(struct arena *arena, const struct store_message *message)
{
    return arena_print(arena, "%s is no longer served by %s, who got it; tell them by telephone",
                       message->recipient, message->partner);
}

static bool may_have_gone(const struct store_message *copy)
{
    return copy->record != 0 && copy->attempts > 0;
}

const struct grant *release_retraction(const struct setup *setup, struct arena *arena,
                                       const struct store_message *copy, const char **ret_reason)
{
    const struct partner *partner = setup_partner_of(setup, copy->recipient);
    *ret_reason = NULL;
    if (!may_have_gone(copy))
        *ret_reason = "it never left";
    else if (partner == NULL || !text_equal(partner->name, copy->partner))
        *ret_reason = moved_away(arena, copy);
    if (*ret_reason != NULL)
        return NULL;
    struct grant *grant = arena_alloc(arena, sizeof *grant);
    *grant = (struct grant){.partner = partner->name,
                            .recipient = copy->recipient,
                            .addressed_as = copy->recipient,
                            .basis = "retraction"};
    return grant;
}

/* ---- again, before each attempt ---- */

static bool reply_again(const struct setup *setup, struct arena *arena,
                        const struct store_message *message, const char **ret_reason)
{
    return open_partner(setup, arena, message->recipient, ret_reason) != NULL;
}

/* Whether it went there was asked when it was queued, and does not change; who serves the clinic
 * may.
 */
static bool retraction_again(const struct setup *setup, struct arena *arena,
                             const struct store_message *message, const char **ret_reason)
{
    const struct partner *partner = open_partner(setup, arena, message->recipient, ret_reason);
    if (partner == NULL || text_equal(partner->name, message->partner))
        return partner != NULL;
    *ret_reason = moved_away(arena, message);
    return false;
}

bool release_again(const struct setup *setup, struct store *store, struct arena *arena,
                   const struct store_message *message, int64_t now_ms, const char **ret_reason)
{
    struct store_record row;
    struct store_release release;
    *ret_reason = NULL;
    if (text_equal(message->kind, RELEASE_RETRACTION))
        return retraction_again(setup, arena, message, ret_reason);
    if (message->record == 0)
        return reply_again(setup, arena, message, ret_reason);
    if (!store_get_record(store, arena, message->record, &row) ||
        !store_find_release(store, arena, message->id, &release)) {
        *ret_reason = "its record is no longer in the store";
        return false;
    }
    if (row.retracted != NULL) {
        *ret_reason = "it was retracted";
        return false;
    }
    const struct json *record = tree_of(arena, row.text);
    struct release_consents consents = release_consents(store, arena, row.client);
    return release_record(setup, arena, record, &consents, release.recipient, release.addressed_as,
                          now_ms, ret_reason) != NULL;
}
