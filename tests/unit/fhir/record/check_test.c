/* record_check: one change to a good sample, one message at the right place. */
#include "unit/fhir/record/sample.h"

static const char note[] = "WSM-N-2201", referral[] = "LFP-88231", discharge[] = "WSM-D-0301",
                  plan[] = "WSM-P-0044", meeting[] = "CC-2026-17", consent[] = "WSM-C-0501";

struct slip {
    const char *sample; /* record_id */
    const char *path;   /* what is changed: `measurements[2].unit` */
    const char *value;  /* JSON; NULL: taken out */
    const char *where;  /* the path told; NULL: the same */
    const char *word;   /* in what was found or expected */
    const char *nearest;
};

static const struct slip slips[] = {
    /* every record */
    {note, "record", "7", NULL, "progress-note", NULL},
    {note, "record", "\"note\"", NULL, "case-conference", NULL},
    {note, "record_id", "\"WSM N 1\"", NULL, "1 to 64", NULL},
    {note, "record_id", "\"\"", NULL, "1 to 64", NULL},
    {note, "record_id", "12", NULL, "1 to 64", NULL},
    {note, "record_id", "\"12345678901234567890123456789012345678901234567890123456789012345\"",
     NULL, "too long", NULL},
    {note, "record_id", "\"W\\u00e9\"", NULL, "A-Z", NULL},
    {note, "client_id", "\"C 1042\"", NULL, "1 to 64", NULL},
    {note, "client_id", NULL, NULL, "nothing", NULL},
    {note, "written_at", NULL, NULL, "when it was written", NULL},
    {note, "written_at", "\"2026-09-02\"", NULL, "-04:00", NULL},
    {note, "written_at", "\"2026-09-02T11:20-04:00\"", NULL, "seconds", NULL},
    {note, "written_at", "\"2026-09-02 11:20:00-04:00\"", NULL, "such as", NULL},
    {note, "written_at", "\"2026-09-31T11:20:00-04:00\"", NULL, "does not exist", NULL},
    {note, "written_at", "\"2026-09-02T25:20:00-04:00\"", NULL, "does not exist", NULL},
    {note, "written_at", "\"2026-09-02T11:20:00-15:00\"", NULL, "does not exist", NULL},
    {note, "written_at", "\"2026-09-02T11:20:00 EST\"", NULL, "such as", NULL},
    {note, "written_at", "\"2026-09-02t11:20:00z\"", NULL, "such as", NULL},
    {note, "written_at", "1788362400", NULL, "such as", NULL},
    {note, "written_at", "\"2026-09-02T09:59:59-04:00\"", NULL, "before the visit", NULL},
    {note, "written_at", "\"2026-09-02T15:59:59+02:00\"", NULL, "before the visit", NULL},
    {note, "written_by", "\"Alvarez\"", NULL, "directory", "alvarez"},
    {note, "written_by", "\"npi:9900000057x\"", NULL, "mistyped", NULL},
    {note, "written_by", "\"npi:990000005\"", NULL, "mistyped", NULL},
    {note, "written_by", "\"npi:1234567893\"", NULL, "clinic is not known", NULL},
    {note, "written_by", "{}", NULL, "short name", NULL},
    {note, "client_family_name", "\"\"", NULL, "empty", NULL},
    {note, "client_family_name", "\"\\u00a0\\u3000\"", NULL, "empty", NULL},
    {note, "client_family_name", "null", NULL, "null", NULL},
    {note, "client_family_name", "[\"A\"]", NULL, "list", NULL},
    {note, "client_family_name", "\"A\\nB\"", NULL, "one line", NULL},
    {note, "client_given_names", "\"A\\u0007B\"", NULL, "control", NULL},
    {note, "client_given_names", "\"Ana  Maria\"", NULL, "space too many", NULL},
    {note, "client_given_names", "\"Ana \"", NULL, "space too many", NULL},
    {note, "client_birth_date", "\"1984-3-9\"", NULL, "year-month-day", NULL},
    {note, "client_birth_date", "\"1984-13-01\"", NULL, "does not exist", NULL},
    {note, "client_birth_date", "\"1983-02-29\"", NULL, "does not exist", NULL},
    {note, "client_birth_date", "\"1900-02-29\"", NULL, "does not exist", NULL},
    {note, "client_birth_date", "\"1984-03-09T00:00:00Z\"", NULL, "year-month-day", NULL},
    {note, "client_birth_date", "\"2026-09-03\"", NULL, "after the record was written", NULL},
    {note, "client_birth_date", "\"1884-03-09\"", NULL, "130 years", NULL},
    {note, "client_birth_date", "null", NULL, "null", NULL},
    {referral, "client_gender", "\"F\"", NULL, "female", NULL},
    {referral, "client_gender", "\"femal\"", NULL, "female", "female"},
    {referral, "client_gender", "\"Female\"", NULL, "female", "female"},
    {referral, "client_email", "\"mj.nunez\"", NULL, "e-mail", NULL},
    {referral, "client_email", "\"a@b@c\"", NULL, "e-mail", NULL},
    {referral, "client_phone", "\"none\"", NULL, "telephone", NULL},
    {referral, "client_language", "\"Spanish\"", NULL, "es-MX", NULL},
    {referral, "client_language", "\"es_US\"", NULL, "es-MX", NULL},
    {"HC-2026-301", "client_other_ids[1].issued_by", "\"alvarez\"", NULL, "a clinic", "willow"},
    {"HC-2026-301", "client_other_ids[1].issued_by", "\"wilow\"", NULL, "directory", "willow"},
    {"HC-2026-301", "client_other_ids[1].id", NULL, NULL, "nothing", NULL},
    {"HC-2026-301", "client_other_ids[1]", "\"C-0951\"", NULL, "object", NULL},
    {"WSM-N-2290", "sensitivity", "\"mental-health\"", NULL, "a list", NULL},
    {"WSM-N-2290", "sensitivity[1]", "\"mental health\"", NULL, "hiv", "mental-health"},
    {"WSM-N-2290", "sensitivity[2]", "\"mental-health\"", NULL, "twice", NULL},
    {"WSM-N-2290", "sensitivity", "[]", NULL, "empty list", NULL},
    {"WSM-N-2207", "replaces_record_id", "\"WSM-N-2207\"", NULL, "this record itself", NULL},
    {"WSM-N-2207", "notes", "\"  \"", NULL, "empty", NULL},
    {note, "vist_at", "\"2026-09-02T10:00:00-04:00\"", NULL, "unknown field", "visit_at"},
    {note, "referred_to", "\"willow\"", NULL, "a field of a referral", NULL},
    {note, "Subjective", "\"x\"", NULL, "unknown field", "subjective"},
    {note, "", "\"x\"", "", "without a name", NULL},
    /* referral */
    {referral, "referred_to", NULL, NULL, "nothing", NULL},
    {referral, "referred_to", "\"osei\"", NULL, "wrote the referral", NULL},
    {referral, "referred_to", "\"npi:99000000\"", NULL, "mistyped", NULL},
    {referral, "service", "\"massage\"", NULL, "massage-therapy", "massage-therapy"},
    {referral, "reason", "\"\"", NULL, "empty", NULL},
    {referral, "reason", NULL, NULL, "why", NULL},
    {referral, "status", "\"open\"", NULL, "on-hold", NULL},
    {referral, "priority", "\"urgently\"", NULL, "stat", "urgent"},
    {referral, "profession_wanted", "\"massage-therapst\"", NULL, "profession",
     "massage-therapist"},
    {referral, "diagnoses[1].code", "\"m54.2\"", NULL, "letter", "M54.2"},
    {referral, "diagnoses[1].code", "\"M542\"", NULL, "letter", "M54.2"},
    {referral, "diagnoses[1].code", "\"M54.\"", NULL, "letter", "M54"},
    {referral, "diagnoses[1].code", "\"M5\"", NULL, "letter", NULL},
    {referral, "diagnoses[1].code", "\"neck pain\"", NULL, "letter", NULL},
    {referral, "diagnoses[1].code", "\"\"", NULL, "empty", NULL},
    {referral, "diagnoses[1].code_system", "\"icd10\"", NULL, "snomed", "icd-10"},
    {referral, "diagnoses[1].code_system", "\"snomed\"", "diagnoses[1].code", "SNOMED", NULL},
    {referral, "diagnoses[2].text", NULL, NULL, "in plain words", NULL},
    {referral, "diagnoses[1].since", "\"2026-08-25\"", NULL, "after the record", NULL},
    {referral, "diagnoses[1].since", "\"1984-03-08\"", NULL, "before the client was born", NULL},
    {referral, "diagnoses[1].sinse", "\"2026-08-20\"", NULL, "unknown", "since"},
    {referral, "diagnoses", "{\"text\":\"x\"}", NULL, "a list", NULL},
    {referral, "body_areas[1].area", "\"Neck\"", NULL, "body area", "neck"},
    {referral, "body_areas[2].side", "\"lef\"", NULL, "right", "left"},
    {referral, "body_areas[2].area", NULL, NULL, "nothing", NULL},
    {referral, "visits_requested", "0", NULL, "1 to 99", NULL},
    {referral, "visits_requested", "100", NULL, "1 to 99", NULL},
    {referral, "visits_requested", "6.5", NULL, "not whole", NULL},
    {referral, "visits_requested", "6.0", NULL, "not whole", NULL},
    {referral, "visits_requested", "\"6\"", NULL, "whole number", NULL},
    {referral, "visits_requested", "6e0", NULL, "exponent", NULL},
    {referral, "visits_requested", "true", NULL, "whole number", NULL},
    {referral, "visits_per_week", "0", NULL, "0.1 to 14", NULL},
    {referral, "visits_per_week", "15", NULL, "0.1 to 14", NULL},
    {referral, "visits_per_week", "0.09", NULL, "visits per week", NULL},
    {referral, "weeks", "53", NULL, "1 to 52", NULL},
    {referral, "minutes_per_visit", "4", NULL, "5 to 240", NULL},
    {referral, "minutes_per_visit", "241", NULL, "5 to 240", NULL},
    {referral, "first_visit_by", "\"2026-08-23\"", NULL, "before the referral was written", NULL},
    {referral, "valid_until", "\"2026-09-06\"", NULL, "before first_visit_by", NULL},
    {referral, "techniques_requested[1]", "\"myofascial release\"", NULL, "technique",
     "myofascial-release"},
    {referral, "techniques_to_avoid[1]", "\"trigger-point\"", NULL, "also in", NULL},
    {referral, "techniques_requested", "\"trigger-point\"", NULL, "a list", NULL},
    {referral, "precautions[2].level", "\"avoid\"", NULL, "do-not-treat", "avoid-area"},
    {referral, "precautions[2].area", NULL, "precautions[2].side", "without an area", NULL},
    {referral, "precautions[1].text", NULL, NULL, "nothing", NULL},
    {referral, "goals[1].text", NULL, NULL, "the goal", NULL},
    {referral, "goals[2].goal_id", "\"G1\"", NULL, "a second time", NULL},
    {referral, "goals[1].goal_id", "\"G 1\"", NULL, "1 to 64", NULL},
    {referral, "goals[1].target", "12", NULL, "0 to 10", NULL},
    {referral, "goals[1].target", "\"two\"", NULL, "a number", NULL},
    {referral, "goals[1].unit", "\"/50\"", NULL, "never converted", NULL},
    {referral, "goals[1].unit", "\"poins\"", NULL, "unknown unit", "points"},
    {referral, "goals[1].measure", "\"pain_now\"", NULL, "measure", "pain-now"},
    {referral, "goals[1].due_on", "\"15.10.2026\"", NULL, "year-month-day", NULL},
    {referral, "goals[1].status", "\"improved\"", NULL, "achieved", "improving"},
    {referral, "payer", "\"\\t\"", NULL, "empty", NULL},
    {referral, "authorized_visits", "-1", NULL, "1 to 99", NULL},
    {referral, "authorization_expires", "\"2026-11-31\"", NULL, "does not exist", NULL},
    {referral, "report_every_visits", "21", NULL, "1 to 20", NULL},
    {referral, "reply_to_referral_id", "\"LFP-88231\"", NULL, "this record itself", NULL},
    {"LFP-90210", "attachments[1].file", "\"../xray.pdf\"", NULL, "beside the record", NULL},
    {"LFP-90210", "attachments[1].file", "\"C:\\\\xray.pdf\"", NULL, "beside the record", NULL},
    {"LFP-90210", "attachments[1].title", NULL, NULL, "what it is", NULL},
    {"LFP-90210", "attachments[1].media_type", "\"pdf\"", NULL, "application/pdf", NULL},
    /* progress note */
    {note, "referral_id", NULL, NULL, "number of the referral", NULL},
    {note, "referral_id", "\"WSM-R-0119X\"", NULL, "not known", "WSM-R-0119"},
    {note, "referral_id", "\"HC-2026-301\"", NULL, "another client", NULL},
    {note, "referral_id", "\"\"", NULL, "1 to 64", NULL},
    {note, "visit_at", NULL, NULL, "start of the visit", NULL},
    {note, "visit_at", "\"1983-01-01T10:00:00Z\"", NULL, "before the client was born", NULL},
    {note, "visit_minutes", "54", "techniques", "55 minutes", NULL},
    {note, "visit_minutes", "4", NULL, "5 to 240", NULL},
    {note, "visit_number", "0", NULL, "1 to 99", NULL},
    {note, "visit_kind", "\"online\"", NULL, "video", NULL},
    {note, "note_kind", "\"progres-note\"", NULL, "pt-progress-note", "progress-note"},
    {note, "measurements[1].measure", "\"pain-nov\"", NULL, "measure", "pain-now"},
    {note, "measurements[1].measure", NULL, NULL, "what was measured", NULL},
    {note, "measurements[1].value", NULL, NULL, "the number", NULL},
    {note, "measurements[1].value", "-1", NULL, "0 to 10", NULL},
    {note, "measurements[1].value", "10.01", NULL, "0 to 10", NULL},
    {note, "measurements[1].value", "\"7\"", NULL, "a number", NULL},
    {note, "measurements[1].value", "1234567890123456789", NULL, "18 digits", NULL},
    {note, "measurements[1].unit", "\"/50\"", NULL, "never converted", NULL},
    {note, "measurements[1].unit", "\"percent\"", NULL, "/10", NULL},
    {note, "measurements[1].unit", "10", NULL, "text", NULL},
    {note, "measurements[7].unit", "\"/10\"", NULL, "/50", NULL},
    {note, "measurements[7].value", "51", NULL, "0 to 50", NULL},
    {note, "measurements[5].value", "8", NULL, "0 to 7", NULL},
    {note, "measurements[8].value", "41", NULL, "0 to 40", NULL},
    {note, "measurements[2].unit", NULL, NULL, "degrees", NULL},
    {note, "measurements[2].unit", "\"cm\"", NULL, "degrees", NULL},
    {note, "measurements[2].joint", NULL, NULL, "the joint", NULL},
    {note, "measurements[2].joint", "\"nek\"", NULL, "lower-back", "neck"},
    {note, "measurements[2].motion", NULL, NULL, "the movement", NULL},
    {note, "measurements[2].motion", "\"rotate\"", NULL, "flexion", "rotation"},
    {note, "measurements[2].motion", "\"dorsiflexion\"", NULL, "the neck does not have", NULL},
    {note, "measurements[2].joint", "\"knee\"", "measurements[2].motion", "knee: flexion", NULL},
    {note, "measurements[2].joint", "\"jaw\"", "measurements[2].motion", "opening", NULL},
    {note, "measurements[2].side", NULL, NULL, "left, right or both", NULL},
    {note, "measurements[2].side", "\"L\"", NULL, "left, right or both", NULL},
    {note, "measurements[2].how", "\"activ\"", NULL, "passive", "active"},
    {note, "measurements[2].value", "-31", NULL, "-30 to 200", NULL},
    {note, "measurements[2].measured_on", "\"2026-09-03\"", NULL, "after the record", NULL},
    {note, "measurements[2].measured_on", "\"2026-9-2\"", NULL, "year-month-day", NULL},
    {note, "measurements[1]", "{\"measure\":\"grip-strength\",\"value\":20,\"unit\":\"kg\"}",
     "measurements[1].side", "left", NULL},
    {note, "measurements[1]",
     "{\"measure\":\"grip-strength\",\"side\":\"left\",\"value\":20,\"unit\":\"oz\"}",
     "measurements[1].unit", "kg", NULL},
    {note, "measurements[1]",
     "{\"measure\":\"grip-strength\",\"side\":\"left\",\"value\":266,\"unit\":\"lbs\"}",
     "measurements[1].value", "0 to 265", NULL},
    {note, "measurements[1]",
     "{\"measure\":\"oswestry-disability-index\",\"value\":51,\"unit\":\"points\"}",
     "measurements[1].value", "0 to 50", NULL},
    {note, "measurements[1]",
     "{\"measure\":\"oswestry-disability-index\",\"value\":12,\"unit\":\"/10\"}",
     "measurements[1].unit", "/50", NULL},
    {note, "techniques[1]", "{\"technique\":\"other\",\"minutes\":5}", "techniques[1].text",
     "plain words", NULL},
    {note, "techniques[1]", "{\"technique\":\"other\",\"text\":\"\"}", "techniques[1].text",
     "empty", NULL},
    {note, "techniques[1]", "{\"technique\":\"swedish\",\"text\":\"With oil\"}",
     "techniques[1].text", "only beside", NULL},
    {referral, "techniques_requested[1]", "\"other\"", NULL, "does not say what", NULL},
    {note, "measurements[1]", "7", NULL, "object", NULL},
    {note, "palpation[1].area", "\"trapezios\"", NULL, "body area", "trapezius"},
    {note, "palpation[1].finding", NULL, NULL, "what was felt", NULL},
    {note, "palpation[1].tenderness_0_to_4", "5", NULL, "0 to 4", NULL},
    {note, "techniques[1].minutes", "0", NULL, "1 to 240", NULL},
    {note, "techniques[1].minutes", "\"15 min\"", NULL, "whole number", NULL},
    {note, "techniques[1].technique", NULL, NULL, "what was done", NULL},
    {note, "techniques[1].area", NULL, "techniques[1].side", "without an area", NULL},
    {note, "techniques[2].minutes", "60", "techniques", "90 minutes", NULL},
    {note, "response_rating", "\"good\"", NULL, "better", NULL},
    {note, "home_care", "\"Chin tuck\"", NULL, "a list", NULL},
    {note, "home_care[1]", "\" \"", NULL, "empty", NULL},
    {note, "home_care[1]", "3", NULL, "text", NULL},
    {note, "next_visit_on", "\"2026-09-01\"", NULL, "before this visit", NULL},
    {note, "next_visit_on", "\"next week\"", NULL, "year-month-day", NULL},
    /* discharge summary */
    {discharge, "referral_id", NULL, NULL, "number of the referral", NULL},
    {discharge, "first_visit_on", NULL, NULL, "first visit", NULL},
    {discharge, "last_visit_on", "\"2026-09-01\"", NULL, "before the first visit", NULL},
    {discharge, "last_visit_on", "\"2027-01-01\"", "written_at", "before the last visit", NULL},
    {discharge, "visits_completed", "100", NULL, "0 to 99", NULL},
    {discharge, "visits_completed", NULL, NULL, "visits kept", NULL},
    {discharge, "visits_missed", "-0", NULL, "minus nothing", NULL},
    {discharge, "visits_missed", "-1", NULL, "0 to 99", NULL},
    {discharge, "discharge_reason", "\"goal-met\"", NULL, "referred-on", "goals-met"},
    {discharge, "discharge_reason", NULL, NULL, "nothing", NULL},
    {discharge, "outcome", "\"\\n\"", NULL, "empty", NULL},
    {discharge, "follow_up_with", "\"oseii\"", NULL, "directory", "osei"},
    {discharge, "measurements[3].value", "60", NULL, "0 to 50", NULL},
    {discharge, "return_if[2]", "null", NULL, "null", NULL},
    /* case conference */
    {meeting, "held_at", NULL, NULL, "start of the meeting", NULL},
    {meeting, "written_at", "\"2026-10-01T12:00:00-04:00\"", NULL, "before the meeting", NULL},
    {meeting, "minutes", "481", NULL, "5 to 480", NULL},
    {meeting, "status", "\"hold\"", NULL, "planned", "held"},
    {meeting, "summary", NULL, NULL, "because the conference was held", NULL},
    {meeting, "participants", NULL, NULL, "who took part", NULL},
    {meeting, "participants", "[]", NULL, "empty", NULL},
    {meeting, "participants[2].who", "\"osei\"", NULL, "a second time", NULL},
    {meeting, "participants[2].who", "\"npi:9900000073\"", NULL, "a second time", NULL},
    {meeting, "participants[2].who", "\"willow\"", NULL, "a person", NULL},
    {meeting, "participants[2].who", NULL, NULL, "person", NULL},
    {meeting, "participants[1].role", "\"chairman\"", NULL, "scribe", "chair"},
    {meeting, "participants[3].attendance", "\"video\"", NULL, "by-video", NULL},
    {meeting, "client_present", "\"no\"", NULL, "true or false", NULL},
    {meeting, "client_present", "0", NULL, "true or false", NULL},
    {meeting, "decisions[1].agreed_by[2]", "\"alvares\"", NULL, "directory", "alvarez"},
    {meeting, "decisions[1].agreed_by[2]", "\"osei\"", NULL, "twice", NULL},
    {meeting, "decisions[1].agreed_by", "\"osei\"", NULL, "a list", NULL},
    {meeting, "decisions[2].text", NULL, NULL, "what was agreed", NULL},
    {meeting, "actions[1].owner", NULL, NULL, "who does it", NULL},
    {meeting, "actions[2].due_on", "\"2026-09-30\"", NULL, "before the meeting", NULL},
    {meeting, "actions[1].status", "\"finished\"", NULL, "dropped", NULL},
    {meeting, "next_conference_at", "\"2026-09-29T12:30:00-04:00\"", NULL, "before this meeting",
     NULL},
    {meeting, "next_conference_at", "\"2026-10-29\"", NULL, "2026-09-02 11:20", NULL},
    {meeting, "next_conference_at", "\"9/2/2026 9:20 AM\"", NULL, "such as 2026-09-02 11:20", NULL},
    {meeting, "client_birth_date", "\"02.09.1984\"", NULL, "may be 1984-02-09 or 1984-09-02", NULL},
    {meeting, "related_referral_ids[1]", "\"LFP 88231\"", NULL, "1 to 64", NULL},
    {meeting, "related_referral_ids[2]", "\"LFP-88231\"", NULL, "twice", NULL},
    {meeting, "referral_id", "\"LFP-8823\"", NULL, "not known", "LFP-88231"},
    /* treatment plan */
    {plan, "title", NULL, NULL, "short name", NULL},
    {plan, "status", "\"done\"", NULL, "completed", NULL},
    {plan, "starts_on", NULL, NULL, "first day", NULL},
    {plan, "ends_on", "\"2026-09-30\"", NULL, "before the plan starts", NULL},
    {plan, "review_on", "\"2026-09-30\"", NULL, "before the plan starts", NULL},
    {plan, "team", "[]", NULL, "empty", NULL},
    {plan, "team[3].who", "\"alvarez\"", NULL, "a second time", NULL},
    {plan, "goals", NULL, NULL, "shared goals", NULL},
    {plan, "steps", "[]", NULL, "empty", NULL},
    {plan, "steps[2].goal_id", "\"G4\"", NULL, "no goal of this plan", NULL},
    {plan, "steps[2].owner", "\"tanka\"", NULL, "directory", "tanaka"},
    {plan, "steps[1].visits_per_week", "14.5", NULL, "0.1 to 14", NULL},
    {plan, "steps[1].technique", "\"swedish-massage\"", NULL, "technique", "swedish"},
    {plan, "steps[1].weeks", "0", NULL, "1 to 52", NULL},
    {plan, "steps[1].status", "\"started\"", NULL, "scheduled", NULL},
    {plan, "goals[2].target", "70", NULL, "0 to 50", NULL},
    /* consent */
    {consent, "status", NULL, NULL, "does it stand", NULL},
    {consent, "status", "\"activ\"", NULL, "revoked", "active"},
    {consent, "decision", "\"yes\"", NULL, "allow or refuse", NULL},
    {consent, "given_by", "\"guardian\"", "given_by_name", "name of the guardian", NULL},
    {consent, "given_by", "\"mother\"", NULL, "guardian", NULL},
    {consent, "method", "\"paper\"", NULL, "written", NULL},
    {consent, "valid_from", NULL, NULL, "first day", NULL},
    {consent, "valid_until", "\"2026-09-01\"", NULL, "before the consent starts", NULL},
    {consent, "revoked_at", "\"2026-10-05T16:45:00-04:00\"", NULL, "status is active", NULL},
    {consent, "share_from", "\"alvarez\"", NULL, "a clinic", "willow"},
    {consent, "share_from", NULL, NULL, "may send", NULL},
    {consent, "share_with", "[]", NULL, "empty", NULL},
    {consent, "share_with[1]", "\"lakside\"", NULL, "directory", "lakeside"},
    {consent, "share_with[2]", "\"lakeside\"", NULL, "twice", NULL},
    {consent, "share_with[1]", "\"willow\"", NULL, "the clinic that shares", NULL},
    {consent, "purposes[1]", "\"treat\"", NULL, "care-management", "treatment"},
    {consent, "covers[1]", "\"progress-notes\"", NULL, "discharge-summary", "progress-note"},
    {consent, "covers", NULL, NULL, "which kinds", NULL},
    {consent, "excludes", "[\"HIV\"]", "excludes[1]", "genetic", "hiv"},
    {"WSM-C-0502", "records_until", "\"2026-09-01\"", NULL, "before records_from", NULL},
    {consent, "form_file", "\"forms/a.pdf\"", NULL, "beside the record", NULL},
};

/* Follows PATH in TREE to what holds the last step, whose name or 1-based item is returned. */
static struct json *holder_of(struct json *tree, char *path, const char **ret_name,
                              size_t *ret_item)
{
    struct json *node = tree;
    for (;;) {
        size_t length = strcspn(path, ".[");
        char stop = path[length];
        path[length] = '\0';
        *ret_name = path;
        *ret_item = 0;
        if (stop == '\0')
            return node;
        if (stop == '.') {
            node = json_get(node, path);
            path += length + 1;
            continue;
        }
        struct json *list = json_get(node, path);
        *ret_item = strtoul(path + length + 1, &path, 10);
        if (path[1] == '\0')
            return list;
        node = json_at(list, *ret_item - 1);
        path += 2;
    }
}

static void change(struct arena *arena, struct json *tree, const struct slip *slip)
{
    struct json_document document = {.root = NULL};
    struct json_fault fault;
    const char *name;
    size_t item;
    if (slip->value != NULL)
        assert_true(json_parse(arena, slip->value, strlen(slip->value), NULL, &document, &fault));
    struct json *holder = holder_of(tree, arena_copy(arena, slip->path), &name, &item);
    assert_non_null(holder);
    if (slip->value == NULL) {
        json_remove(holder, name);
    } else if (item == 0) {
        json_replace(arena, holder, name, document.root);
    } else { /* an item of a list: its members are replaced one by one */
        struct json *list = json_new_list(arena);
        size_t count = json_count(holder);
        for (size_t i = 1; i <= count || i <= item; i++)
            json_push(list, i == item ? document.root : json_copy(arena, json_at(holder, i - 1)));
        const char *path =
            arena_copy_n(arena, slip->path, (size_t)(strrchr(slip->path, '[') - slip->path));
        struct json *above = holder_of(tree, arena_copy(arena, path), &name, &item);
        json_replace(arena, above, name, list);
    }
}

static void tells_each_slip(void **state)
{
    (void)state;
    struct sample sample;
    size_t failures = 0;
    sample_open(&sample);
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        const struct slip *slip = &slips[i];
        struct json *tree = sample_tree(&sample, slip->sample);
        const char *where = slip->where == NULL ? slip->path : slip->where;
        change(&sample.arena, tree, slip);
        sample.findings.count = 0;
        bool is_right = record_check_tree(tree, &sample.rules, &sample.findings);
        const struct finding *finding = &sample.findings.items[0];
        bool is_told = !is_right && sample.findings.count == 1 &&
                       text_equal(finding->path, where) &&
                       (strstr(finding->found, slip->word) != NULL ||
                        strstr(finding->expected, slip->word) != NULL) &&
                       text_equal(finding->nearest, slip->nearest);
        if (is_told)
            continue;
        fprintf(stderr, "%s %s = %s:\n", slip->sample, slip->path, slip->value);
        sample_print(&sample.findings);
        failures++;
    }
    assert_int_equal(failures, 0);
    sample_close(&sample);
}

/* Changes that a careful clinic may make. */
static const struct slip fine[] = {
    {note, "written_at", "\"2026-09-02T10:00:00-04:00\"", NULL, NULL, NULL},
    {note, "written_at", "\"2026-09-02T14:00:00.5Z\"", NULL, NULL, NULL},
    {note, "written_by", "\"npi:9900000057\"", NULL, NULL, NULL},
    {note, "client_given_names", NULL, NULL, NULL, NULL},
    {note, "client_family_name", NULL, NULL, NULL, NULL},
    {note, "client_birth_date", "\"2024-02-29\"", NULL, NULL, NULL},
    {note, "referral_id", "\"lakeside:LFP-88231\"", NULL, NULL, NULL},
    {note, "measurements[1].value", "6.50", NULL, NULL, NULL},
    {note, "measurements[1].unit", NULL, NULL, NULL, NULL},
    {note, "measurements[5].unit", NULL, NULL, NULL, NULL}, /* a count */
    {note, "measurements[1]", "{\"measure\":\"promis-sleep-disturbance\",\"value\":55.2}", NULL,
     NULL, NULL},
    {note, "measurements[1].unit", "\"points\"", NULL, NULL, NULL},
    {note, "measurements[2].joint", "\"upper-back\"", NULL, NULL, NULL},
    {note, "measurements[4].side", "\"left\"", NULL, NULL, NULL},
    {note, "measurements[2]",
     "{\"measure\":\"range-of-motion\",\"joint\":\"jaw\",\"motion\":\"opening\",\"value\":38,"
     "\"unit\":\"mm\"}",
     NULL, NULL, NULL},
    {note, "measurements[2]",
     "{\"measure\":\"range-of-motion\",\"joint\":\"jaw\",\"motion\":\"opening\",\"value\":1.5,"
     "\"unit\":\"in\"}",
     NULL, NULL, NULL},
    {note, "measurements[1]",
     "{\"measure\":\"grip-strength\",\"side\":\"left\",\"value\":140,\"unit\":\"lbs\"}", NULL, NULL,
     NULL},
    {note, "measurements[1]", "{\"measure\":\"neck-disability-index\",\"value\":62,\"unit\":\"%\"}",
     NULL, NULL, NULL},
    {note, "measurements[1]",
     "{\"measure\":\"oswestry-disability-index\",\"value\":12,\"unit\":\"/50\"}", NULL, NULL, NULL},
    {note, "measurements[1]", "{\"measure\":\"quickdash\",\"value\":62,\"unit\":\"/100\"}", NULL,
     NULL, NULL},
    {note, "techniques[1]", "{\"technique\":\"other\",\"text\":\"Cupping\",\"minutes\":5}", NULL,
     NULL, NULL},
    {note, "subjective", NULL, NULL, NULL, NULL},
    {note, "plan", "\"one\\ntwo\\tthree\"", NULL, NULL, NULL},
    {note, "visit_minutes", "55", NULL, NULL, NULL},
    {note, "received", "[{\"path\":\"x\",\"text\":\"y\"}]", NULL, NULL, NULL},
    {referral, "diagnoses[1].code", NULL, NULL, NULL, NULL},
    {referral, "diagnoses[1]",
     "{\"code\":\"81680005\",\"code_system\":\"snomed\",\"text\":\"Neck pain\"}", NULL, NULL, NULL},
    {referral, "diagnoses[1]", "{\"code\":\"M54\",\"code_system\":\"icd-10\",\"text\":\"Pain\"}",
     NULL, NULL, NULL},
    {referral, "diagnoses[1].code", "\"S13.4XXA\"", NULL, NULL, NULL},
    {referral, "referred_to", "\"npi:1234567893\"", NULL, NULL, NULL},
    {referral, "reply_to_referral_id", "\"HC-unknown-1\"", NULL, NULL, NULL},
    {referral, "goals[1]", "{\"text\":\"Walk\",\"target\":30,\"unit\":\"blocks\"}", NULL, NULL,
     NULL},
    {referral, "goals[1]",
     "{\"text\":\"Open\",\"measure\":\"range-of-motion\",\"target\":40,\"unit\":\"mm\"}", NULL,
     NULL, NULL},
    {referral, "goals[1]",
     "{\"text\":\"Open\",\"measure\":\"range-of-motion\",\"target\":1.5,\"unit\":\"inches\"}", NULL,
     NULL, NULL},
    {referral, "goals[1]",
     "{\"text\":\"Grip\",\"measure\":\"grip-strength\",\"target\":80,\"unit\":\"lb\"}", NULL, NULL,
     NULL},
    {referral, "visits_per_week", "0.10", NULL, NULL, NULL},
    {referral, "client_language", "\"zh-Hant-TW\"", NULL, NULL, NULL},
    {meeting, "status", "\"planned\"", NULL, NULL, NULL},
    {meeting, "actions[1].due_on", "\"2026-09-30\"", NULL, NULL, NULL},
    {consent, "valid_until", "\"2026-09-02\"", NULL, NULL, NULL},
    {consent, "share_with[1]", "\"npi:1234567893\"", NULL, NULL, NULL},
};

static void takes_what_is_right(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        struct json *tree = sample_tree(&sample, fine[i].sample);
        change(&sample.arena, tree, &fine[i]);
        if (!record_check_tree(tree, &sample.rules, &sample.findings))
            fprintf(stderr, "%s = %s\n", fine[i].path, fine[i].value);
    }
    sample_print(&sample.findings);
    assert_int_equal(sample.findings.count, 0);
    sample_close(&sample);
}

static void tells_all_faults_at_once(void **state)
{
    (void)state;
    static const struct slip many[] = {
        {note, "client_id", NULL, NULL, NULL, NULL},
        {note, "visit_kind", "\"phone\"", NULL, NULL, NULL},
        {note, "techniques[2].minutes", "0", NULL, NULL, NULL},
        {note, "measurements[3].value", "\"x\"", NULL, NULL, NULL},
        {note, "next_visit_on", "\"2026-09-01\"", NULL, NULL, NULL},
        {note, "extra", "1", NULL, NULL, NULL},
    };
    struct sample sample;
    sample_open(&sample);
    struct json *tree = sample_tree(&sample, note);
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        change(&sample.arena, tree, &many[i]);
    assert_false(record_check_tree(tree, &sample.rules, &sample.findings));
    assert_int_equal(sample.findings.count, sizeof many / sizeof *many);
    sample_close(&sample);
}

/* Each sample without any one of its members, and with each member of another kind: never a crash,
 * and a required field is always missed. */
static void misses_every_required_field(void **state)
{
    (void)state;
    static const char *const required[] = {"record",     "record_id", "written_at",
                                           "written_by", "client_id", "client_birth_date"};
    struct sample sample;
    sample_open(&sample);
    for (size_t i = 0; i < sample.records.count; i++) {
        for (size_t j = 0; j < sizeof required / sizeof *required; j++) {
            struct json *tree = json_copy(&sample.arena, sample.records.items[i].tree);
            json_remove(tree, required[j]);
            sample.findings.count = 0;
            assert_false(record_check_tree(tree, &sample.rules, &sample.findings));
            assert_int_equal(sample.findings.count, 1);
            assert_string_equal(sample.findings.items[0].path, required[j]);
        }
    }
    sample_close(&sample);
}

static void a_list_has_a_ceiling(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    struct json *tree = sample_tree(&sample, note);
    struct json *list = json_new_list(&sample.arena);
    for (int i = 0; i < RECORD_LIST_MAX; i++)
        json_push(list, json_new_text(&sample.arena, "x"));
    json_replace(&sample.arena, tree, "home_care", list);
    assert_true(record_check_tree(tree, &sample.rules, &sample.findings));
    json_push(list, json_new_text(&sample.arena, "x"));
    assert_false(record_check_tree(tree, &sample.rules, &sample.findings));
    assert_int_equal(sample.findings.count, 1);
    assert_string_equal(sample.findings.items[0].path, "home_care");
    sample_close(&sample);
}

static void received_records_may_lack_fields(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    struct json *tree = sample_tree(&sample, note);
    json_remove(tree, "client_id");
    json_remove(tree, "visit_at");
    json_replace(&sample.arena, tree, "record_id", json_new_text(&sample.arena, "n\xc2\xb0 1 / a"));
    assert_false(record_check_tree(tree, &sample.rules, &sample.findings));
    sample.rules.is_received = true;
    assert_true(record_check_tree(tree, &sample.rules, &sample.findings));
    sample_close(&sample);
}

/* A bare number that two referrals have; one of another client; a partner's own kind of number. */
static void finds_the_referral_meant(void **state)
{
    (void)state;
    struct sample sample;
    sample_open(&sample);
    struct json *twin = sample_tree(&sample, "WSM-R-0119"); /* ours, the same client */
    json_replace(&sample.arena, twin, "record_id", json_new_text(&sample.arena, "LFP-88231"));
    struct json *odd = sample_tree(&sample, referral);
    json_replace(&sample.arena, odd, "record_id", json_new_text(&sample.arena, "R 7 & 8"));
    sample.referrals[sample.known.count++] = twin;
    struct json *tree = sample_tree(&sample, note);
    assert_false(record_check_tree(tree, &sample.rules, &sample.findings));
    assert_string_equal(sample.findings.items[0].path, "referral_id");
    assert_string_equal(sample.findings.items[0].nearest, "lakeside:LFP-88231 or willow:LFP-88231");
    json_replace(&sample.arena, tree, "referral_id",
                 json_new_text(&sample.arena, "willow:LFP-88231"));
    assert_true(record_check_tree(tree, &sample.rules, &sample.findings));

    json_replace(&sample.arena, tree, "referral_id", json_new_text(&sample.arena, "R 7 & 8"));
    assert_false(record_check_tree(tree, &sample.rules, &sample.findings));
    sample.referrals[sample.known.count++] = odd;
    sample.findings.count = 0;
    assert_true(record_check_tree(tree, &sample.rules, &sample.findings));
    sample_close(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_each_slip),
        cmocka_unit_test(takes_what_is_right),
        cmocka_unit_test(tells_all_faults_at_once),
        cmocka_unit_test(misses_every_required_field),
        cmocka_unit_test(a_list_has_a_ceiling),
        cmocka_unit_test(received_records_may_lack_fields),
        cmocka_unit_test(finds_the_referral_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
