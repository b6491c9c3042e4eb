/* consent: the seven rules as truth tables over small sets of consents. */
#include "unit/fhir/record/sample.h"

#include "fhir/consent/consent.h"

static const char template[] =
    "{\"record\":\"consent\",\"record_id\":\"%s\",\"written_at\":\"%s\",\"written_by\":\"alvarez\","
    "\"client_id\":\"C-1\",\"client_family_name\":\"X\",\"client_birth_date\":\"1990-01-01\","
    "\"status\":\"active\",\"decision\":\"%s\",\"given_by\":\"client\",\"valid_from\":\"2026-01-"
    "01\","
    "\"share_from\":\"willow\",\"share_with\":[%s],\"purposes\":[\"treatment\"],"
    "\"covers\":[\"all\"]%s}";

enum { CONSENTS_MAX = 4 };

struct given { /* one consent of a case */
    const char *id, *written, *decision, *with, *more;
};

struct truth {
    const char *name;
    struct given consents[CONSENTS_MAX];
    const char *recipient, *kind, *sensitivity;
    bool is_allowed;
    const char *reason; /* must be in the reason */
};

#define ALLOW(id, day, with, more)                                                                 \
    {                                                                                              \
        id, "2026-" day "T09:00:00-04:00", "allow", with, more                                     \
    }
#define REFUSE(id, day, with, more)                                                                \
    {                                                                                              \
        id, "2026-" day "T09:00:00-04:00", "refuse", with, more                                    \
    }

static const struct truth truths[] = {
    {"none at all", {{0}}, "harbor", "progress-note", NULL, false, "no consent of this client"},
    {"rule 1: stands",
     {ALLOW("A", "03-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     NULL,
     true,
     "A"},
    {"rule 1: last day", /* today is 2026-10-10 */
     {ALLOW("A", "03-01", "\"harbor\"", ",\"valid_until\":\"2026-10-10\"")},
     "harbor",
     "progress-note",
     NULL,
     true,
     "A"},
    {"rule 1: over since yesterday",
     {ALLOW("A", "03-01", "\"harbor\"", ",\"valid_until\":\"2026-10-09\"")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "ended on 2026-10-09"},
    {"rule 2: another clinic",
     {ALLOW("A", "03-01", "\"lakeside\"", "")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "names harbor"},
    {"rule 2: the clinic of the person",
     {ALLOW("A", "03-01", "\"lakeside\"", "")},
     "osei",
     "progress-note",
     NULL,
     true,
     "A"},
    {"rule 2: a person is not the whole clinic",
     {ALLOW("A", "03-01", "\"osei\"", "")},
     "lakeside",
     "progress-note",
     NULL,
     false,
     "names lakeside"},
    {"rule 2: a colleague is not the person",
     {ALLOW("A", "03-01", "\"osei\"", "")},
     "lindqvist",
     "progress-note",
     NULL,
     false,
     "names lindqvist"},
    {"rule 2: a person by NPI",
     {ALLOW("A", "03-01", "\"npi:9900000073\"", "")},
     "osei",
     "progress-note",
     NULL,
     true,
     "A"},
    {"rule 2: a stranger",
     {ALLOW("A", "03-01", "\"npi:1234567893\"", "")},
     "npi:1234567893",
     "progress-note",
     NULL,
     true,
     "A"},
    {"rule 5: written before records_from",
     {ALLOW("A", "03-01", "\"harbor\"", ",\"records_from\":\"2026-09-03\"")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "from 2026-09-03"},
    {"rule 5: written on records_from",
     {ALLOW("A", "03-01", "\"harbor\"", ",\"records_from\":\"2026-09-02\"")},
     "harbor",
     "progress-note",
     NULL,
     true,
     "A"},
    {"rule 5: written after records_until",
     {ALLOW("A", "03-01", "\"harbor\"", ",\"records_until\":\"2026-09-01\"")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "until 2026-09-01"},
    {"rule 6: excluded",
     {ALLOW("A", "03-01", "\"harbor\"", ",\"excludes\":[\"hiv\",\"mental-health\"]")},
     "harbor",
     "progress-note",
     "mental-health",
     false,
     "excludes mental-health"},
    {"rule 6: something else is excluded",
     {ALLOW("A", "03-01", "\"harbor\"", ",\"excludes\":[\"hiv\"]")},
     "harbor",
     "progress-note",
     "mental-health",
     true,
     "A"},
    {"rule 6: a psychotherapy note by a general consent",
     {ALLOW("A", "03-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     "psychotherapy-note",
     false,
     "names it alone"},
    {"rule 6: a psychotherapy note by its own consent, older than the general one",
     {ALLOW("A", "03-01", "\"harbor\"", ",\"sensitivity\":[\"psychotherapy-note\"]"),
      ALLOW("B", "04-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     "psychotherapy-note",
     true,
     "A"},
    {"rule 6: named, but not alone",
     {ALLOW("A", "03-01", "\"harbor\"",
            ",\"sensitivity\":[\"psychotherapy-note\",\"mental-health\"]")},
     "harbor",
     "progress-note",
     "psychotherapy-note",
     false,
     "names it alone"},
    {"rule 6: a consent for psychotherapy notes allows nothing else",
     {ALLOW("A", "03-01", "\"harbor\"", ",\"sensitivity\":[\"psychotherapy-note\"]")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "names harbor"},
    {"rule 7: allowed, then refused",
     {ALLOW("A", "03-01", "\"harbor\"", ""), REFUSE("B", "04-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "refused on 2026-04-01 (B)"},
    {"rule 7: refused, then allowed",
     {REFUSE("A", "03-01", "\"harbor\"", ""), ALLOW("B", "04-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     NULL,
     true,
     "B"},
    {"rule 7: accepted before the refusal that it postdates: the refusal",
     {ALLOW("B", "04-01", "\"harbor\"", ""), REFUSE("A", "03-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "refused on 2026-03-01 (A)"},
    {"rule 7: both in the same second: the refusal",
     {REFUSE("A", "03-01", "\"harbor\"", ""), ALLOW("B", "03-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "refused"},
    {"rule 7: a refusal of the person beats a newer permission of the clinic",
     {REFUSE("A", "03-01", "\"osei\"", ""), ALLOW("B", "04-01", "\"lakeside\"", "")},
     "osei",
     "progress-note",
     NULL,
     false,
     "refused on 2026-03-01 (A)"},
    {"rule 7: ... but not a newer one that names the person",
     {REFUSE("A", "03-01", "\"osei\"", ""), ALLOW("B", "04-01", "\"osei\"", "")},
     "osei",
     "progress-note",
     NULL,
     true,
     "B"},
    {"rule 7: ... and does not touch the colleague",
     {REFUSE("A", "03-01", "\"osei\"", ""), ALLOW("B", "04-01", "\"lakeside\"", "")},
     "lindqvist",
     "progress-note",
     NULL,
     true,
     "B"},
    {"rule 7: a refusal of the clinic holds for its people",
     {ALLOW("A", "03-01", "\"osei\"", ""), REFUSE("B", "04-01", "\"lakeside\"", "")},
     "osei",
     "progress-note",
     NULL,
     false,
     "refused"},
    {"rule 7: a refusal for another kind of record",
     {ALLOW("A", "03-01", "\"harbor\"", ""),
      {"B", "2026-04-01T09:00:00-04:00", "refuse", "\"harbor\"", ",\"covers\":0"}},
     "harbor",
     "progress-note",
     NULL,
     true,
     "A"},
    {"rule 7: a refusal that is over leaves nothing allowed",
     {ALLOW("A", "03-01", "\"harbor\"", ""),
      REFUSE("B", "04-01", "\"harbor\"", ",\"valid_until\":\"2026-05-01\"")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "refused until 2026-05-01 (B)"},
    {"rule 7: ... until something newer allows it, if only for the clinic",
     {REFUSE("A", "03-01", "\"osei\"", ",\"valid_until\":\"2026-05-01\""),
      ALLOW("B", "04-01", "\"lakeside\"", "")},
     "osei",
     "progress-note",
     NULL,
     true,
     "B"},
    {"rule 7: the newest consent excludes, the older one did not",
     {ALLOW("A", "03-01", "\"harbor\"", ""),
      ALLOW("B", "04-01", "\"harbor\"", ",\"excludes\":[\"hiv\"]")},
     "harbor",
     "progress-note",
     "hiv",
     false,
     "B for harbor excludes hiv"},
    {"rule 7: the newest is over, and the older one does not revive",
     {ALLOW("A", "03-01", "\"harbor\"", ""),
      ALLOW("B", "04-01", "\"harbor\"", ",\"valid_until\":\"2026-05-01\"")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "the consent B for harbor ended on 2026-05-01 (the older consent A would"},
    {"rule 7: a correction that leaves the recipient out revives nothing older",
     {ALLOW("X", "02-01", "\"harbor\"", ""), ALLOW("A", "03-01", "\"harbor\",\"lakeside\"", ""),
      ALLOW("B", "04-01", "\"lakeside\"", ",\"replaces_record_id\":\"A\"")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "the consent A was replaced by B"},
    {"rule 7: dated ahead of the clock: not in force, and outranks nothing",
     {ALLOW("A", "03-01", "\"harbor\"", ""), ALLOW("B", "11-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     NULL,
     true,
     "A allows"},
    {"rule 7: dated ahead of the clock: alone",
     {ALLOW("B", "11-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "dated 2026-11-01T09:00:00-04:00, ahead of this gateway's clock (2026-10-10T16:00:00Z)"},
    {"rule 7: dated ahead of the clock: no answer to a refusal",
     {REFUSE("A", "03-01", "\"harbor\"", ""), ALLOW("B", "11-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "refused on 2026-03-01 (A)"},
    {"rule 7: a refusal dated ahead of the clock holds at once",
     {ALLOW("A", "03-01", "\"harbor\"", ""), REFUSE("B", "11-01", "\"harbor\"", "")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "refused on 2026-11-01 (B)"},
    {"rule 7: the newest covers less",
     {ALLOW("A", "03-01", "\"harbor\"", ""),
      {"B", "2026-04-01T09:00:00-04:00", "allow", "\"harbor\"", ",\"covers\":0"}},
     "harbor",
     "progress-note",
     NULL,
     false,
     "the older consent A would"},
    {"a corrected consent no longer counts",
     {ALLOW("A", "03-01", "\"harbor\",\"lakeside\"", ""),
      ALLOW("B", "04-01", "\"lakeside\"", ",\"replaces_record_id\":\"A\"")},
     "harbor",
     "progress-note",
     NULL,
     false,
     "the consent A was replaced by B, which lets nothing go to harbor"},
};

/* Members that a case changes: PATCH holds the name and the value as JSON. */
static struct json *patched(struct arena *arena, struct json *tree, const char *name,
                            const char *value)
{
    struct json_document document;
    struct json_fault fault;
    assert_true(json_parse(arena, value, strlen(value), NULL, &document, &fault));
    json_replace(arena, tree, name, document.root);
    return tree;
}

static struct json *consent_of(struct arena *arena, const struct given *given)
{
    struct json_document document;
    struct json_fault fault;
    bool is_narrow = strcmp(given->more, ",\"covers\":0") == 0;
    const char *text = arena_print(arena, template, given->id, given->written, given->decision,
                                   given->with, is_narrow ? "" : given->more);
    if (!json_parse(arena, text, strlen(text), NULL, &document, &fault))
        fail_msg("%s: %s", text, fault.found);
    return is_narrow ? patched(arena, document.root, "covers", "[\"case-conference\"]")
                     : document.root;
}

/* Accepted in the order given, one a second, long after each was written. */
static struct consent_question question_of(struct sample *sample,
                                           const struct json *const *consents, size_t count)
{
    struct consent_given *given = arena_array(&sample->arena, count + 1, sizeof *given);
    struct date_time accepted;
    date_time_parse("2026-10-09T12:00:00-04:00", &accepted);
    for (size_t i = 0; i < count; i++) {
        given[i] = (struct consent_given){consents[i], accepted};
        accepted.seconds++;
    }
    struct consent_question question = {.consents = given,
                                        .consent_count = count,
                                        .directory = sample->directory,
                                        .sender = "willow",
                                        .recipient = "harbor",
                                        .purpose = "treatment",
                                        .kind = "progress-note",
                                        .written_at = "2026-09-02T11:20:00-04:00",
                                        .today = {2026, 10, 10}};
    assert_int_equal(date_time_parse("2026-10-10T12:00:00-04:00", &question.now), DATE_RIGHT);
    return question;
}

static void follows_the_truth_table(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++) {
        const struct truth *truth = &truths[i];
        const struct json *consents[CONSENTS_MAX];
        size_t count = 0;
        for (; count < CONSENTS_MAX && truth->consents[count].id != NULL; count++)
            consents[count] = consent_of(&sample.arena, &truth->consents[count]);
        struct consent_question question = question_of(&sample, consents, count);
        question.recipient = truth->recipient;
        question.kind = truth->kind;
        question.sensitivity = &truth->sensitivity;
        question.sensitivity_count = truth->sensitivity != NULL;
        struct consent_answer answer = consent_ask(&sample.arena, &question);
        if (answer.is_allowed != truth->is_allowed || strstr(answer.reason, truth->reason) == NULL)
            fail_msg("%s: %s: %s", truth->name, answer.is_allowed ? "allowed" : "waits",
                     answer.reason);
        assert_true(!answer.is_allowed || answer.evidence != NULL);
    }
    sample_close(&sample);
}

/* One consent that allows; each row changes one member, and the answer must turn. */
static void each_rule_can_stop_it(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *reason;
    } changes[] = {
        {"status", "\"draft\"", "is a draft"},
        {"status", "\"revoked\"", "was revoked"},
        {"revoked_at", "\"2026-10-05T16:45:00-04:00\"", "was revoked on 2026-10-05"},
        {"decision", "\"refuse\"", "was refused"},
        {"valid_from", "\"2026-10-11\"", "starts on 2026-10-11"},
        {"valid_until", "\"2026-10-09\"", "ended on 2026-10-09"},
        {"share_with", "[\"lakeside\"]", "no consent of this client names harbor"},
        {"share_from", "\"lakeside\"", "lets lakeside send, not willow"},
        {"purposes", "[\"care-coordination\",\"payment\"]", "the purpose treatment"},
        {"covers", "[\"referral\",\"discharge-summary\"]", "does not cover a progress-note"},
        {"records_from", "\"2026-09-03\"", "written from 2026-09-03"},
        {"records_until", "\"2026-09-01\"", "written until 2026-09-01"},
        {"excludes", "[\"mental-health\"]", "excludes mental-health"},
        {"valid_until", "\"not a day\"", "ended on not a day"},
    };
    struct sample sample;
    sample_open(&sample);
    const char *sensitivity = "mental-health";
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct given given = ALLOW("A", "03-01", "\"harbor\"", "");
        struct json *tree = consent_of(&sample.arena, &given);
        const struct json *consents[] = {tree};
        struct consent_question question = question_of(&sample, consents, 1);
        question.sensitivity = &sensitivity;
        question.sensitivity_count = 1;
        assert_true(consent_ask(&sample.arena, &question).is_allowed);
        patched(&sample.arena, tree, changes[i].name, changes[i].value);
        struct consent_answer answer = consent_ask(&sample.arena, &question);
        if (answer.is_allowed || strstr(answer.reason, changes[i].reason) == NULL)
            fail_msg("%s: %s", changes[i].name, answer.reason);
    }
    sample_close(&sample);
}

static struct consent_answer ask_sample(struct sample *sample, const char *id,
                                        const char *recipient)
{
    const struct json *consents[] = {sample_tree(sample, id)};
    struct consent_question question = question_of(sample, consents, 1);
    question.recipient = recipient;
    return consent_ask(&sample->arena, &question);
}

static void judges_the_samples(void **state)
{
    (void)state;
    static const struct {
        const char *id, *recipient;
        bool is_allowed;
        const char *reason;
    } rows[] = {
        {"WSM-C-0501", "osei", true, "WSM-C-0501"},
        {"WSM-C-0501", "obrien", true, "WSM-C-0501"},
        {"WSM-C-0502", "osei", true, "WSM-C-0502"},
        {"WSM-C-0502", "lindqvist", false, "no consent of this client names lindqvist"},
        {"WSM-C-0411", "harbor", false, "ended on 2026-01-09"},
        {"WSM-C-0477", "harbor", false, "the consent WSM-C-0477 was revoked on 2026-10-05"},
        {"WSM-C-0513", "harbor", false, "sharing with harbor was refused on 2026-09-02"},
        {"WSM-C-0513", "lakeside", false, "names lakeside"},
        {"WSM-C-0520", "tanaka", false, "is dated 2026-10-20"},
    };
    struct sample sample;
    sample_open(&sample);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct consent_answer answer = ask_sample(&sample, rows[i].id, rows[i].recipient);
        if (answer.is_allowed != rows[i].is_allowed ||
            strstr(answer.reason, rows[i].reason) == NULL)
            fail_msg("%s to %s: %s", rows[i].id, rows[i].recipient, answer.reason);
    }
    sample_close(&sample);
}

/* One mistyped number must not open another client's consent; a refusal is heard all the same. */
static void a_consent_of_another_person_permits_nothing(void **state)
{
    static const struct {
        const char *birth, *family, *decision;
        bool is_allowed;
    } rows[] = {
        {"\"1984-03-09\"", "\"Delgado\"", "allow", true},
        {"\"1984-03-09\"", "\"Delgado-Ruiz\"", "allow", true}, /* a family name may change */
        {"\"1990-07-01\"", "\"Delgado\"", "allow", false},
        {"null", "\"Ochoa\"", "allow", false},
    };
    struct sample sample;
    (void)state;
    sample_open(&sample);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct given given = ALLOW("A", "03-01", "\"harbor\"", "");
        struct json *consent = consent_of(&sample.arena, &given);
        struct json *record = consent_of(&sample.arena, &given);
        patched(&sample.arena, record, "client_family_name", "\"Delgado\"");
        patched(&sample.arena, record, "client_given_names", "\"Rosa\"");
        patched(&sample.arena, record, "client_birth_date", "\"1984-03-09\"");
        patched(&sample.arena, consent, "client_family_name", rows[i].family);
        patched(&sample.arena, consent, "client_given_names", "\"Rosa\"");
        patched(&sample.arena, consent, "client_birth_date", rows[i].birth);
        const struct json *consents[] = {consent};
        struct consent_question question = question_of(&sample, consents, 1);
        question.client = record;
        struct consent_answer answer = consent_ask(&sample.arena, &question);
        assert_int_equal(answer.is_allowed, rows[i].is_allowed);
        if (!rows[i].is_allowed)
            assert_non_null(strstr(answer.reason, "not by refgate tray confirm"));
        patched(&sample.arena, consent, "decision", "\"deny\"");
        assert_false(consent_ask(&sample.arena, &question).is_allowed);
    }
    sample_close(&sample);
}

/* Taking back: the newest decision is gone, an older one does not come back; a revocation written
 * as a record of its own does not outrank what was given in between. */
static void withdrawal_holds(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    struct given older = ALLOW("A", "03-01", "\"harbor\",\"lakeside\"", "");
    struct given newer = ALLOW("B", "04-01", "\"harbor\"", "");
    struct given back = ALLOW("R", "06-01", "\"harbor\"", ",\"replaces_record_id\":\"A\"");
    struct json *revoked = consent_of(&sample.arena, &newer);
    patched(&sample.arena, revoked, "status", "\"revoked\"");
    patched(&sample.arena, revoked, "revoked_at", "\"2026-05-01T09:00:00-04:00\"");
    const struct json *two[] = {consent_of(&sample.arena, &older), revoked};
    struct consent_question question = question_of(&sample, two, 2);
    struct consent_answer answer = consent_ask(&sample.arena, &question);
    assert_false(answer.is_allowed);
    assert_string_equal(answer.reason, "the consent B was revoked on 2026-05-01");
    question.recipient = "lakeside"; /* which B never named */
    assert_true(consent_ask(&sample.arena, &question).is_allowed);

    struct json *record = consent_of(&sample.arena, &back);
    patched(&sample.arena, record, "status", "\"revoked\"");
    patched(&sample.arena, record, "revoked_at", "\"2026-06-01T09:00:00-04:00\"");
    const struct json *alone[] = {consent_of(&sample.arena, &older), record};
    question = question_of(&sample, alone, 2);
    assert_false(consent_ask(&sample.arena, &question).is_allowed);
    /* Given between the two by its date, but told before or after the withdrawal: neither is later
     * in both, and the withdrawal holds. */
    const struct json *before[] = {consent_of(&sample.arena, &older),
                                   consent_of(&sample.arena, &newer), record};
    question = question_of(&sample, before, 3);
    assert_false(consent_ask(&sample.arena, &question).is_allowed);
    const struct json *after[] = {before[0], record, before[1]};
    question = question_of(&sample, after, 3);
    assert_false(consent_ask(&sample.arena, &question).is_allowed);
    const struct json *anew[] = {before[0], record,
                                 patched(&sample.arena, consent_of(&sample.arena, &newer),
                                         "written_at", "\"2026-06-02T09:00:00-04:00\"")};
    question = question_of(&sample, anew, 3);
    answer = consent_ask(&sample.arena, &question);
    assert_true(answer.is_allowed);
    assert_ptr_equal(answer.evidence, anew[2]);
    sample_close(&sample);
}

/* ---- the order, for every pair ---- */

enum form { BROAD, NARROW, REFUSAL, WITHDRAWAL, FORMS };

static struct json *form_of(struct sample *sample, enum form form, const char *id, const char *day)
{
    struct given given = {id, arena_print(&sample->arena, "2026-%sT09:00:00-04:00", day), "allow",
                          "\"harbor\"", ""};
    struct json *tree = consent_of(&sample->arena, &given);
    if (form == NARROW)
        patched(&sample->arena, tree, "covers", "[\"case-conference\"]");
    if (form == REFUSAL)
        patched(&sample->arena, tree, "decision", "\"refuse\"");
    if (form == WITHDRAWAL) {
        patched(&sample->arena, tree, "status", "\"revoked\"");
        patched(&sample->arena, tree, "revoked_at", "\"2026-01-05T09:00:00-04:00\"");
    }
    return tree;
}

/* Rows: what was accepted first; columns: what was accepted second; y: the note may be sent. */
static const struct {
    const char *name, *first_day, *second_day;
    const char *may_go[FORMS];
} orders[] = {
    /*                                                             B N R W    */
    {"written in the order of acceptance", "03-01", "04-01", {"y...", "y...", "y...", "y..."}},
    {"written the other way round", "04-01", "03-01", {"y...", "....", "....", "...."}},
    {"written in the same second", "03-01", "03-01", {"y...", "....", "....", "...."}},
    {"the second is dated ahead of the clock", "03-01", "11-01", {"yy..", "....", "....", "...."}},
    {"the first is dated ahead of the clock", "11-01", "03-01", {"y...", "y...", "....", "...."}},
    {"both are, in order", "11-01", "11-02", {"....", "....", "....", "...."}},
};

static void every_pair_in_every_order(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        for (size_t pair = 0; pair < FORMS * FORMS; pair++) {
            enum form first = (enum form)(pair / FORMS), second = (enum form)(pair % FORMS);
            const struct json *consents[] = {form_of(&sample, first, "A", orders[i].first_day),
                                             form_of(&sample, second, "B", orders[i].second_day)};
            struct consent_question question = question_of(&sample, consents, 2);
            struct consent_answer answer = consent_ask(&sample.arena, &question);
            if (answer.is_allowed != (orders[i].may_go[first][second] == 'y'))
                fail_msg("%s: form %d, then form %d: %s", orders[i].name, (int)first, (int)second,
                         answer.reason);
        }
    }
    sample_close(&sample);
}

/* A withdrawal whose date is a slip does not keep the client's next permission waiting for it. */
static void a_withdrawal_dated_ahead_counts_from_its_acceptance(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    const struct json *consents[] = {form_of(&sample, BROAD, "A", "03-01"),
                                     form_of(&sample, WITHDRAWAL, "B", "11-01"),
                                     form_of(&sample, BROAD, "C", "10-10")};
    struct consent_question question = question_of(&sample, consents, 3);
    assert_true(consent_ask(&sample.arena, &question).is_allowed);
    question.consent_count = 2;
    assert_false(consent_ask(&sample.arena, &question).is_allowed);
    sample_close(&sample);
}

/* Who says no to a person by name means it, whatever is decided about the clinic afterwards. */
static void a_refusal_by_name_outlives_what_names_the_clinic(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    struct arena *arena = &sample.arena;
    struct given person = ALLOW("P", "03-01", "\"osei\"", "");
    struct given clinic = ALLOW("C", "04-01", "\"lakeside\"", "");
    struct given again = ALLOW("A", "05-01", "\"lakeside\"", "");
    struct given instead = ALLOW("I", "06-01", "\"lakeside\"", ",\"replaces_record_id\":\"P\"");
    struct given named = ALLOW("N", "06-01", "\"osei\"", "");
    const struct json *consents[] = {
        patched(arena, consent_of(arena, &person), "decision", "\"refuse\""),
        patched(arena, consent_of(arena, &clinic), "decision", "\"refuse\""),
        consent_of(arena, &again), NULL};
    struct consent_question question = question_of(&sample, consents, 3);
    question.recipient = "lakeside";
    assert_true(consent_ask(arena, &question).is_allowed);
    question.recipient = "osei";
    struct consent_answer answer = consent_ask(arena, &question);
    assert_false(answer.is_allowed);
    assert_ptr_equal(answer.evidence, consents[0]);
    consents[3] = consent_of(arena, &instead);
    question = question_of(&sample, consents, 4);
    question.recipient = "osei";
    assert_true(consent_ask(arena, &question).is_allowed); /* which takes it back by its number */
    consents[3] = consent_of(arena, &named);
    question = question_of(&sample, consents, 4);
    question.recipient = "osei";
    assert_true(consent_ask(arena, &question).is_allowed);
    sample_close(&sample);
}

/* ---- the whole reasoning ---- */

static void explains_each_consent(void **state)
{
    (void)state;
    struct sample sample;
    struct consent_view *views;
    const char *advice;
    sample_open(&sample);
    struct given other = ALLOW("D", "03-05", "\"lakeside\"", "");
    const struct json *consents[] = {
        form_of(&sample, BROAD, "A", "03-01"), form_of(&sample, NARROW, "B", "04-01"),
        form_of(&sample, BROAD, "C", "11-01"), consent_of(&sample.arena, &other)};
    static const struct {
        const char *state, *reason;
    } expected[] = {{"outranked", "outranked by B, written and taken later"},
                    {"governs", "does not cover a progress-note"},
                    {"not in force", "ahead of this gateway's clock"},
                    {"not about this", "does not name harbor"}};
    struct consent_question question = question_of(&sample, consents, 4);
    struct consent_answer answer = consent_explain(&sample.arena, &question, &views, &advice);
    assert_false(answer.is_allowed);
    for (size_t i = 0; i < 4; i++) {
        assert_ptr_equal(views[i].consent, consents[i]);
        assert_string_equal(views[i].state, expected[i].state);
        assert_non_null(strstr(views[i].reason, expected[i].reason));
    }
    assert_non_null(strstr(advice, "wait until 2026-11-01T13:00:01Z"));
    assert_non_null(strstr(advice, "share_with harbor"));
    sample_close(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_truth_table),
        cmocka_unit_test(each_rule_can_stop_it),
        cmocka_unit_test(judges_the_samples),
        cmocka_unit_test(a_consent_of_another_person_permits_nothing),
        cmocka_unit_test(withdrawal_holds),
        cmocka_unit_test(every_pair_in_every_order),
        cmocka_unit_test(a_withdrawal_dated_ahead_counts_from_its_acceptance),
        cmocka_unit_test(a_refusal_by_name_outlives_what_names_the_clinic),
        cmocka_unit_test(explains_each_consent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
