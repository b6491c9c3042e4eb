/* release: see release.h. The only file that makes a struct grant. */
#include "gateway/outbound/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fhir/json/tree.h"
#include "fhir/record/record.h"
#include "gateway/referral/recall.h"

struct grant {
    const char *partner, *recipient, *addressed_as, *basis, *consent_rows;
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

const char *grant_consent_rows(const struct grant *grant)
{
    return grant->consent_rows;
}

const char *grant_basis(const struct grant *grant)
{
    return grant->basis;
}

struct release_consents release_consents(struct store *store, struct arena *arena,
                                         const char *client)
{
    struct store_record *read;
    size_t count = store_records(store, arena, client, "consent", STORE_OWN, &read);
    struct consent_given *given = arena_array(arena, count, sizeof *given);
    int64_t *rows = arena_array(arena, count, sizeof *rows);
    struct release_consents consents = {given, rows, 0, true};
    for (size_t i = 0; i < count; i++) {
        const struct json *record = tree_of(arena, read[i].text);
        if (record == NULL) {
            consents.is_whole = false;
            continue;
        }
        given[consents.count] =
            (struct consent_given){record, {.seconds = read[i].accepted_ms / 1000}};
        rows[consents.count++] = read[i].id;
    }
    return consents;
}

/* ---- the partner ---- */

/* What a partner says of somebody leads nowhere until a person of ours has confirmed it. NULL: who
 * is meant is known. */
static const char *nobody(const struct setup *setup, struct arena *arena, const char *recipient)
{
    bool is_npi = text_starts(recipient, "npi:");
    if (directory_find(setup->directory, recipient) != NULL)
        return NULL;
    if (!is_npi && strchr(recipient, '/') == NULL)
        return arena_print(arena, "%s is in no row of directory.csv any more", recipient);
    return arena_print(arena,
                       "nobody we know is %s: add them to directory.csv, or, when a partner named "
                       "them (refgate people list), refgate people confirm %s%s --works-at CLINIC",
                       recipient, is_npi ? "PARTNER/" : "",
                       is_npi ? recipient + strlen("npi:") : recipient);
}

static const char *no_partner(const struct setup *setup, struct arena *arena, const char *clinic)
{
    const struct directory_entry *entry = directory_find(setup->directory, clinic);
    if (entry != NULL && entry->is_person && entry->works_at == NULL && entry->partner == NULL)
        return arena_print(arena,
                           "directory.csv does not say where %s works: write the handle of the "
                           "clinic into the column works_at",
                           clinic);
    return arena_print(arena, "no partner is set up for %s: refgate partner add %s", clinic,
                       clinic);
}

static const struct partner *open_partner(const struct setup *setup, struct arena *arena,
                                          const char *clinic, const char **ret_reason)
{
    const struct partner *partner = setup_partner_of(setup, clinic);
    if (partner == NULL)
        *ret_reason = no_partner(setup, arena, clinic);
    else if (partner->disabled)
        *ret_reason = arena_print(arena, "the partner %s is disabled", partner->name);
    else
        return partner;
    return NULL;
}

const char *release_barrier(const struct setup *setup, struct arena *arena, const char *clinic,
                            const char *kind)
{
    const char *reason = nobody(setup, arena, clinic);
    const struct partner *partner =
        reason == NULL ? open_partner(setup, arena, clinic, &reason) : NULL;
    if (partner != NULL && !partner_may_send(partner, kind))
        reason =
            arena_print(arena, "partner %s is not set up to be sent a %s", partner->name, kind);
    return reason;
}

/* ---- consent ---- */

struct consent_question release_question(const struct setup *setup, struct arena *arena,
                                         const struct json *record,
                                         const struct release_consents *consents, int64_t now_ms)
{
    struct consent_question question = {
        .consents = consents->given,
        .consent_count = consents->count,
        .client = record,
        .directory = setup->directory,
        .sender = setup->config.org,
        .kind = record_kind(record),
        .written_at = json_get_text(record, "written_at"),
        .now = {.seconds = now_ms / 1000, .nanoseconds = (int)(now_ms % 1000) * 1000000}};
    question.purpose = record_purpose(question.kind);
    question.sensitivity_count = record_sensitivity(arena, record, &question.sensitivity);
    date_parse(clock_date(arena, now_ms), &question.today);
    return question;
}

/* People move: what was written to somebody of this clinic does not follow them to another one, and
 * is not for the clinic that they left. */
static bool is_there(const struct setup *setup, struct arena *arena, const char *clinic,
                     const char *handle, const char **ret_reason)
{
    const char *works_at = directory_clinic_handle(setup->directory, handle);
    bool is_alone = text_equal(handle, clinic); /* a stranger whose clinic was not known */
    if (is_alone || text_equal(works_at, clinic))
        return true;
    *ret_reason = arena_print(arena,
                              "%s is not at %s any more%s%s (directory.csv): write the record anew "
                              "for whom it is meant, or correct the directory",
                              handle, clinic, works_at == NULL ? "" : " but at ",
                              works_at == NULL ? "" : works_at);
    return false;
}

struct permission { /* what the handles of one clinic may have */
    struct text handles, rows;
    const struct json *consent; /* that permits the last of them */
};

static void add_consent(struct permission *permission, const struct release_consents *consents,
                        const struct json *evidence)
{
    size_t at = 0;
    while (consents->given[at].record != evidence)
        at++;
    char row[32];
    snprintf(row, sizeof row, "%s%lld", permission->rows.length == 0 ? "" : ";",
             (long long)consents->rows[at]);
    for (size_t i = 0; i < permission->rows.length;) { /* each row once */
        size_t length = strcspn(permission->rows.at + i, ";");
        if (strtoll(permission->rows.at + i, NULL, 10) == consents->rows[at])
            return;
        i += length + 1;
    }
    text_add(&permission->rows, row);
}

/* Of the handles of one clinic those who may receive are kept; the refusal is that of the last who
 * may not. */
static bool permit(struct arena *arena, const struct setup *setup,
                   struct consent_question *question, const struct release_consents *consents,
                   const char *clinic, const char *handles, struct permission *ret_permission,
                   struct release_refusal *ret_refusal)
{
    char *rest = arena_copy(arena, handles);
    ret_permission->handles = text_new(arena, strlen(handles));
    ret_permission->rows = text_new(arena, 32 * (consents->count + 1));
    for (char *next; rest != NULL; rest = next) {
        next = strchr(rest, ';');
        if (next != NULL)
            *next++ = '\0';
        question->recipient = rest;
        if (!is_there(setup, arena, clinic, rest, &ret_refusal->reason))
            continue;
        struct consent_answer answer = consent_ask(arena, question);
        if (!answer.is_allowed) {
            *ret_refusal = (struct release_refusal){answer.reason, answer.begins_s * 1000};
            continue;
        }
        text_print(&ret_permission->handles, "%s%s", ret_permission->handles.length == 0 ? "" : ";",
                   rest);
        ret_permission->consent = answer.evidence;
        add_consent(ret_permission, consents, answer.evidence);
    }
    return ret_permission->handles.length > 0;
}

const struct grant *release_record(const struct setup *setup, struct arena *arena,
                                   const struct json *record,
                                   const struct release_consents *consents, const char *recipient,
                                   const char *addressed_as, int64_t now_ms,
                                   struct release_refusal *ret_refusal)
{
    *ret_refusal = (struct release_refusal){NULL, 0};
    if (record == NULL || !consents->is_whole) {
        ret_refusal->reason = "its record or a consent of the client cannot be read from the "
                              "store; see refgate check";
        return NULL;
    }
    ret_refusal->reason = nobody(setup, arena, recipient);
    if (ret_refusal->reason != NULL)
        return NULL;
    struct permission permission = {.consent = NULL};
    struct consent_question question = release_question(setup, arena, record, consents, now_ms);
    if (!permit(arena, setup, &question, consents, recipient, addressed_as, &permission,
                ret_refusal))
        return NULL;
    const char *barrier = release_barrier(setup, arena, recipient, question.kind);
    if (barrier != NULL) {
        ret_refusal->reason = barrier;
        return NULL;
    }
    struct grant *grant = arena_alloc(arena, sizeof *grant);
    *grant = (struct grant){.partner = setup_partner_of(setup, recipient)->name,
                            .recipient = recipient,
                            .addressed_as = permission.handles.at,
                            .consent_rows = permission.rows.at,
                            .consent = permission.consent,
                            .basis = json_get_text(permission.consent, "record_id")};
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
    if (text_equal(referral->partner, "")) {
        *ret_reason = arena_print(arena, "no partner has referral %s", referral->number);
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

bool release_may_have_gone(struct store *store, struct arena *arena,
                           const struct store_message *message)
{
    struct store_attempt *tries;
    size_t count = store_attempts(store, arena, message->id, &tries);
    if (message->attempts > (int64_t)count)
        return true; /* of one nothing is known: it is under way, or was cut short */
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(tries[i].outcome, "cannot-connect"))
            return true;
    }
    return false;
}

const struct grant *release_retraction(const struct setup *setup, struct store *store,
                                       struct arena *arena, const struct store_message *copy,
                                       const char **ret_reason)
{
    const struct partner *partner = setup_partner_of(setup, copy->recipient);
    *ret_reason = NULL;
    if (!release_may_have_gone(store, arena, copy))
        *ret_reason = "it never left";
    else if (partner == NULL || !text_equal(partner->name, copy->partner))
        *ret_reason = moved_away(arena, copy);
    if (*ret_reason != NULL || partner == NULL)
        return NULL;
    struct grant *grant = arena_alloc(arena, sizeof *grant);
    *grant = (struct grant){.partner = partner->name,
                            .recipient = copy->recipient,
                            .addressed_as = copy->recipient,
                            .basis = "retraction"};
    return grant;
}

/* ---- again, before each attempt ---- */

/* Only within the referral it was made in, while that is still between the same two. */
static bool reply_again(const struct setup *setup, struct store *store, struct arena *arena,
                        const struct store_message *message, const char **ret_reason)
{
    struct store_referral referral;
    if (!store_get_referral(store, arena, message->referral, &referral)) {
        *ret_reason = "its referral is no longer in the store";
        return false;
    }
    if (text_equal(referral.partner, "")) /* taken back; the cancel goes where it went */
        referral.partner = message->partner;
    const struct grant *grant = release_reply(setup, arena, &referral, ret_reason);
    if (grant == NULL)
        return false;
    if (text_equal(grant->partner, message->partner) &&
        text_equal(grant->recipient, message->recipient))
        return true;
    *ret_reason =
        arena_print(arena,
                    "it was made for %s of partner %s, the referral is with %s of "
                    "partner %s now",
                    message->recipient, message->partner, grant->recipient, grant->partner);
    return false;
}

/* What of the grant is another one now; NULL: nothing. */
static const char *difference(struct arena *arena, const struct grant *now,
                              const struct store_message *message, const struct store_release *then,
                              const char *refusal)
{
    if (then->granted_to == NULL)
        return "it was queued by an earlier version, which did not keep the consent it rests on";
    if (!text_equal(now->partner, message->partner))
        return arena_print(arena, "%s is served by partner %s now, and it was made for partner %s",
                           message->recipient, now->partner, message->partner);
    if (!text_equal(now->addressed_as, then->granted_to))
        return arena_print(arena, "of %s only %s may receive it now: %s", then->granted_to,
                           now->addressed_as, refusal);
    if (!text_equal(now->consent_rows, then->consents))
        return arena_print(arena, "the consent it was made under no longer governs; now %s does",
                           now->basis);
    return NULL;
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
    struct store_release then;
    struct release_refusal refusal;
    *ret_reason = NULL;
    if (text_equal(message->kind, RELEASE_RETRACTION))
        return retraction_again(setup, arena, message, ret_reason);
    if (text_equal(message->kind, RECALL_KIND))
        return true; /* nothing of a client is in it; a disabled partner is not sent to at all */
    if (message->record == 0)
        return reply_again(setup, store, arena, message, ret_reason);
    if (!store_get_record(store, arena, message->record, &row) ||
        !store_find_release(store, arena, message->id, &then)) {
        *ret_reason = "its record is no longer in the store";
        return false;
    }
    if (row.retracted != NULL) {
        *ret_reason = "it was retracted";
        return false;
    }
    if (text_equal(then.state, "dropped")) {
        *ret_reason = then.reason;
        return false;
    }
    const struct json *record = tree_of(arena, row.text);
    struct release_consents consents = release_consents(store, arena, row.client);
    const struct grant *now = release_record(
        setup, arena, record, &consents, then.recipient,
        then.granted_to == NULL ? then.addressed_as : then.granted_to, now_ms, &refusal);
    *ret_reason =
        now == NULL ? refusal.reason : difference(arena, now, message, &then, refusal.reason);
    return now != NULL && *ret_reason == NULL;
}
