/* consent: may this record go to this recipient? Pure rules over the client's consent records.
 *
 * Release asks it before a message is committed and deliver asks again before each attempt, because
 * a client may take back what was given. All rules must hold (docs/records.md):
 *
 * - 1 the consent stands: active, not revoked, today inside valid_from..valid_until, and its
 *   written_at not ahead of the clock;
 * - 2 the recipient or its clinic is in share_with, and share_from is the sender's clinic;
 * - 3 the purpose is in purposes;
 * - 4 the kind of record is in covers;
 * - 5 the record was written inside records_from..records_until;
 * - 6 no sensitivity word of the record is in excludes; a psychotherapy note goes only by a consent
 *   that names it alone (whose own sensitivity is just psychotherapy-note);
 * - 7 the newest decision about a client and a recipient governs, and goes on governing when it is
 *   over, revoked or replaced: what it had outranked does not come to life again.
 *
 * Rule 7 is an order of pairs, not a sorting by date: dates can be mistyped, records come late. Of
 * two decisions about the recipient ONE outranks OTHER
 *
 *   | when                                                     | whatever OTHER is       |
 *   | -------------------------------------------------------- | ----------------------- |
 *   | ONE was written later and accepted later                 | yes, but see named      |
 *   | ONE is a withdrawal, accepted later, dated as it may be  | if OTHER is a permission|
 *   | ONE replaces OTHER by its number                         | if OTHER is a permission|
 *   | else (the two orders disagree, or are equal)             | no                      |
 *
 * Named: a refusal that names the recipient is outranked by nothing that names only the clinic, but
 * by what replaces it by its number. What nothing outranks governs, and all that governs must allow
 * the record: so where the orders disagree the refusal, the withdrawal or the narrower permission
 * holds.
 *
 * A permission whose birth date, or without one whose name, contradicts the record's client was
 * given by another person: one mistyped client number must not open another client's consent.
 *
 * No say at all have: drafts, other senders' and other recipients' consents, those that start later
 * (valid_from), permissions dated ahead of the clock, refusals for other purposes, kinds or days,
 * and permissions of the other sort (rule 6). Refusals and withdrawals dated ahead of the clock act
 * at once and count as written when they were accepted. */
#ifndef FHIR_CONSENT_CONSENT_H
#define FHIR_CONSENT_CONSENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/date.h"
#include "fhir/json/json.h"
#include "fhir/record/directory.h"

struct consent_given {
    const struct json *record;
    struct date_time accepted; /* by the gateway */
};

struct consent_question {
    const struct consent_given *consents; /* all of the client's that we hold, as accepted */
    size_t consent_count;
    const struct json *client; /* the record: whose name and birth date a permission may not
                                  contradict; NULL: not compared */
    const struct directory *directory;
    const char *sender;             /* our clinic */
    const char *recipient;          /* handle of a person or a clinic */
    const char *purpose;            /* record_purpose() */
    const char *kind;               /* record_kind() */
    const char *written_at;         /* of the record */
    const char *const *sensitivity; /* record_sensitivity() */
    size_t sensitivity_count;
    struct date today; /* in the time zone of the settings */
    struct date_time now;
};

struct consent_answer {
    bool is_allowed;             /* else the record waits */
    const struct json *evidence; /* the consent that permits, or the one that stands against it */
    const char *reason;          /* in plain words, without the client's name; lives in the arena */
    long long begins_s; /* when it is worth asking again: a permission dated ahead of the clock
                           begins then (seconds since 1970); 0: none does */
};

struct consent_answer consent_ask(struct arena *arena, const struct consent_question *question);

/* One consent as it was considered. */
struct consent_view {
    const struct json *consent;
    const char *state;  /* "governs", "outranked", "not in force", "not about this" */
    const char *reason; /* in plain words */
};
/* The same question with all that was considered: one view a consent, in their order. ADVICE: what
 * a person can do about the answer. */
struct consent_answer consent_explain(struct arena *arena, const struct consent_question *question,
                                      struct consent_view **ret_views, const char **ret_advice);

#endif
