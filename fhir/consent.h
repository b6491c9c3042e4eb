/* consent: may this record go to this recipient? Pure rules over the client's consent records.
 *
 * Release asks it before a message is committed and deliver asks again before each attempt, because
 * a client may take back what was given. All rules must hold (docs/records.md):
 *
 * - 1 the consent stands: active, not revoked, today inside valid_from..valid_until;
 * - 2 the recipient or its clinic is in share_with, and share_from is the sender's clinic;
 * - 3 the purpose is in purposes;
 * - 4 the kind of record is in covers;
 * - 5 the record was written inside records_from..records_until;
 * - 6 no sensitivity word of the record is in excludes; a psychotherapy note goes only by a consent
 *   that names it alone (whose own sensitivity is just psychotherapy-note);
 * - 7 the newest decision about a client and a recipient wins, a revoked one included: what was
 *   taken back does not bring an older consent to life. A refusal that names the recipient beats a
 *   newer permission that only names the clinic.
 *
 * The newest decision stands for the whole: a newer, narrower consent narrows. A consent that
 * another one replaces, a draft, and one whose days are over or not yet come, decide nothing; a
 * refusal holds for its purposes, kinds and days. */
#ifndef FHIR_CONSENT_H
#define FHIR_CONSENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/date.h"
#include "fhir/directory.h"
#include "fhir/json.h"

struct consent_question {
    const struct json *const *consents; /* all consent records of the client that we hold */
    size_t consent_count;
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
};

struct consent_answer consent_ask(struct arena *arena, const struct consent_question *question);

#endif
