/* care_plan: a treatment plan <-> CarePlan; home care of a visit <-> a CarePlan of its own; teams
 * <-> CareTeam. */
#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/field/choice.h"
#include "fhir/field/standing.h"
#include "fhir/map/identifier.h"
#include "fhir/map/people.h"
#include "fhir/map/timing.h"
#include "fhir/map/visit.h"
#include "fhir/narrative/narrative.h"

/* ---- CareTeam ---- */

static const struct field_term roles[] = {
    {"chair", "Chair", NULL, NULL},       {"scribe", "Scribe", NULL, NULL},
    {"referrer", "Referrer", NULL, NULL}, {"member", "Member", NULL, NULL},
    {"guest", "Guest", NULL, NULL},       {NULL, NULL, NULL, NULL}};
static const struct field_terms team_roles = {"team-role", roles};

/* How somebody took part has no element: it is told in the text, with the word beside it. */
static struct json *write_attendance(struct field_job *job, const struct field *field,
                                     const struct json *value)
{
    const struct json *how = json_get(value, "attendance");
    (void)field;
    if (how != NULL && !text_equal(json_text(how), "present"))
        field_keep(job, "attendance", how);
    return NULL;
}

static struct json *read_nothing(struct field_job *job, const struct field *field,
                                 struct json *node, struct json *into)
{
    (void)job;
    (void)field;
    (void)node;
    (void)into;
    return NULL;
}

static const struct field_kind attendance = {write_attendance, read_nothing};

static const struct field member[] = {{"role", "role[+]", &field_local_concept, &team_roles},
                                      {"who", "member", &field_person, NULL},
                                      {NULL, "attendance", &attendance, NULL},
                                      FIELD_END};

const struct field map_conference_team[] = {{NULL, "status", &field_constant, "active"},
                                            {NULL, "subject", &field_link, "Patient"},
                                            {"participants", "participant[]", &field_group, member},
                                            FIELD_END};

/* Who left the team is not on it; that is told as received. */
static struct json *write_member(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    return field_group.write(job, field, value);
}

static struct json *read_member(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    return choice_time(job, node) == CHOICE_ENDED ? NULL : field_group.read(job, field, node, into);
}

static const struct field_kind present_member = {write_member, read_member};

const struct field map_plan_team[] = {{NULL, "status", &field_constant, "active"},
                                      {NULL, "subject", &field_link, "Patient"},
                                      {"team", "participant[]", &present_member, member},
                                      FIELD_END};

static const struct field_code follow_up = {"/CodeSystem/team-role", "follow-up", "Takes over",
                                            "Takes over"};

const struct field map_follow_up[] = {
    {NULL, "status", &field_constant, "active"},
    {NULL, "subject", &field_link, "Patient"},
    {NULL, "participant[0].role[0]", &field_fixed_concept, &follow_up},
    {"follow_up_with", "participant[0].member", &field_person, NULL},
    FIELD_END};

static const char detail_type[] = "CarePlan.activity.detail";

/* ---- home care ---- */

static struct json *write_advice(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    struct json *activity = json_new_object(job->arena);
    struct json *detail = json_put(activity, "detail", json_new_object(job->arena));
    (void)field;
    json_set_text(job->arena, detail, "status", "not-started");
    json_put(detail, "description", json_copy_nodes(job->arena, value));
    return activity;
}

/* What is to be done: as it is described, else as its code is called. */
static struct json *activity_words(struct field_job *job, const struct json *detail)
{
    struct json *text = json_get(detail, "description");
    return text != NULL ? text : words_of(job, json_get(detail, "code"));
}

static void mark_activity_words(const struct json *detail, struct json *words)
{
    if (words == json_get(detail, "description") ||
        words == json_get(json_get(detail, "code"), "text"))
        json_mark(words); /* a display stays with its code */
}

/* "Ice 10 min" and how often in words ("twice a day") are one advice. */
static struct json *with_schedule(struct field_job *job, const struct json *detail,
                                  const struct json *words)
{
    struct json *often = json_get(detail, "scheduledString");
    if (text_is_blank(json_text(often)))
        return json_copy_nodes(job->arena, words);
    json_mark(often);
    return json_new_lasting(job->arena, field_join(job, json_text(words), ", ", json_text(often)));
}

static struct json *read_advice(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    struct json *detail = json_get(node, "detail");
    struct json *words = activity_words(job, detail);
    (void)field;
    (void)into;
    if (json_text(words) == NULL ||
        standing_sets_aside(job, job->resource, detail_type, detail, words))
        return NULL;
    mark_activity_words(detail, words);
    if (text_equal(json_get_text(detail, "status"), "not-started"))
        json_mark(json_get(detail, "status"));
    return with_schedule(job, detail, words);
}

static const struct field_kind advice = {write_advice, read_advice};

const struct field map_home_care[] = {
    {NULL, "status", &field_constant, "active"},   {NULL, "intent", &field_constant, "plan"},
    {NULL, "title", &field_constant, "Home care"}, {NULL, "subject", &field_link, "Patient"},
    {NULL, "encounter", &field_link, "Encounter"}, {NULL, "author", &map_author, NULL},
    {"home_care", "activity[]", &advice, NULL},    FIELD_END};

/* ---- the plan: its steps ---- */

static const struct field_codes techniques = {"technique", false};

/* The name of the Goal entry with this goal_id, or NULL. */
static const char *goal_entry(struct field_job *job, const char *goal_id)
{
    size_t place = 1;
    for (struct json *goal = json_first(json_get(job->record, "goals")); goal != NULL;
         goal = json_next(goal), place++) {
        if (text_equal(json_get_text(goal, "goal_id"), goal_id))
            return arena_print(job->arena, "Goal/%zu", place);
    }
    return NULL;
}

static struct json *write_goal_link(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    const char *name = goal_entry(job, json_text(value));
    (void)field;
    if (name != NULL)
        return entries_reference(job, name, NULL);
    field_keep(job, "goal_id", value);
    return NULL;
}

static struct json *read_goal_link(struct field_job *job, const struct field *field,
                                   struct json *node, struct json *into)
{
    struct message_entry *entry = entries_resolve(job, node);
    struct json *identifier = choice_best(
        job, json_get(entry == NULL ? NULL : entry->resource, "identifier"), choice_of_value, NULL);
    (void)field;
    (void)into;
    if (entry != NULL)
        json_mark(node);
    return json_copy_nodes(job->arena, json_get(identifier, "value"));
}

static const struct field_kind goal_link = {write_goal_link, read_goal_link};

static const struct field step_detail[] = {{"technique", "code", &field_concept, &techniques},
                                           {"goal_id", "goal[0]", &goal_link, NULL},
                                           {"status", "status", &field_word, NULL},
                                           {NULL, "scheduledTiming", &map_timing, NULL},
                                           {"owner", "performer", &field_one_person, NULL},
                                           {"text", "description", &field_plain, NULL},
                                           FIELD_END};

static const struct field step[] = {{NULL, "detail", &field_group, step_detail}, FIELD_END};

/* ---- the review is an activity of its own ---- */

static const struct field_code plan_review = {"/CodeSystem/plan-activity", "plan-review",
                                              "Review of the plan", "Review of the plan"};

static const struct field review_detail[] = {
    {NULL, "code", &field_fixed_concept, &plan_review},
    {NULL, "status", &field_constant, "scheduled"},
    {"review_on", "scheduledPeriod.start", &map_day, "first"},
    FIELD_END};

static struct json *write_review(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    static const struct field group = {NULL, "detail", &field_group, review_detail};
    struct json *activity = json_new_object(job->arena);
    (void)field;
    if (json_get(value, "review_on") == NULL)
        return NULL;
    json_put(activity, "detail", group.kind->write(job, &group, value));
    return activity;
}

static struct json *read_review(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    struct json *detail = json_get(node, "detail");
    (void)field;
    if (field_has_code(json_get(detail, "code"), NULL, plan_review.code) &&
        !standing_sets_aside(job, job->resource, detail_type, detail, NULL))
        field_read(job, review_detail, detail, into);
    return NULL;
}

static const struct field_kind review = {write_review, read_review};

static struct json *write_step(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    return field_group.write(job, field, value);
}

/* What must not be done, or was never meant, is no step. How a step stands has words of ours. */
static bool is_no_step(struct field_job *job, struct json *detail)
{
    static const char *const words[] = {"on-hold", "completed", "cancelled", NULL};
    const char *status = json_get_text(detail, "status");
    bool is_word = text_is_one_of(status, words) && !json_true(json_get(detail, "doNotPerform"));
    return !is_word && standing_sets_aside(job, job->resource, detail_type, detail,
                                           activity_words(job, detail));
}

/* Every step says what is done: as described, as its code is called, or as its technique is. */
static void read_step_words(struct field_job *job, struct json *detail, struct json *item)
{
    const char *technique = json_get_text(item, "technique");
    struct json *words = activity_words(job, detail);
    if (words == NULL && technique != NULL)
        words = json_new_lasting(job->arena, field_display(job, techniques.kind, technique));
    if (json_text(words) == NULL)
        return;
    mark_activity_words(detail, words);
    json_remove(item, "text");
    json_put(item, "text", with_schedule(job, detail, words));
}

static bool says_only_status(const struct json *item)
{
    const struct json *first = json_first(item);
    return first == NULL || (json_has_key(first, "status") && json_next(first) == NULL);
}

/* An activity that is not the review and not a reference to another resource. */
static struct json *read_step(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    struct json *detail = json_get(node, "detail");
    if (detail == NULL || field_has_code(json_get(detail, "code"), NULL, plan_review.code) ||
        is_no_step(job, detail))
        return NULL;
    struct json *item = json_new_object(job->arena);
    (void)field;
    (void)into;
    field_read(job, step, node, item);
    read_step_words(job, detail, item);
    if (!says_only_status(item))
        return item;
    if (json_first(item) != NULL)
        json_unmark(json_get(detail, "status"));
    return NULL;
}

static const struct field_kind plan_step = {write_step, read_step};

/* ---- narrative: US Core asks for one, and a person may read it ---- */

static struct json *write_narrative(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    struct narrative narrative = narrative_start(job->arena);
    (void)field;
    narrative_paragraph(&narrative, NULL, json_get_text(value, "title"));
    narrative_list(&narrative, NULL);
    for (struct json *item = json_first(json_get(value, "steps")); item != NULL;
         item = json_next(item)) {
        const char *text = json_get_text(item, "text");
        narrative_item(&narrative, arena_print(job->arena, "%s (%s)", text == NULL ? "" : text,
                                               people_name(job, json_get_text(item, "owner"))));
    }
    narrative_end_list(&narrative);
    return narrative_element(job->arena, &narrative);
}

static const struct field_kind plan_narrative = {write_narrative, read_nothing};

static const struct field_word statuses[] = {{"draft", "draft"},       {"active", "active"},
                                             {"on-hold", "on-hold"},   {"completed", "completed"},
                                             {"cancelled", "revoked"}, {NULL, NULL}};
static const struct field_code assess_plan = {
    "http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "assess-plan",
    "Assessment and Plan of Treatment", "Assessment and Plan of Treatment"};
static const struct field_number replaced = {"CarePlan", false, false};

const struct field map_care_plan[] = {
    {"sensitivity", "meta.security[]", &field_sensitivity, NULL},
    {NULL, "text", &plan_narrative, NULL},
    {"record_id", "identifier", &map_record_number, "list"},
    {"replaces_record_id", "replaces[0]", &field_number, &replaced},
    {"status", "status", &field_word, statuses},
    {NULL, "intent", &field_constant, "plan"},
    {NULL, "category[0]", &field_fixed_concept, &assess_plan},
    {"title", "title", &field_plain, NULL},
    {NULL, "subject", &field_link, "Patient"},
    {"starts_on", "period.start", &map_day, "first"},
    {"ends_on", "period.end", &map_day, "last"},
    {"written_at", "created", &field_plain, NULL},
    {"written_by", "author", &field_person, NULL},
    {"referral_id", "supportingInfo[+]", &map_referral_id, NULL},
    {"steps", "activity[]", &plan_step, step},
    {NULL, "activity[+]", &review, NULL},
    {"notes", "note[+]", &map_note, NULL},
    {"notes", "note", &map_notes, "\n"},
    FIELD_END};
