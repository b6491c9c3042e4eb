/* rules: what fields of a record must be to each other.
 *
 * Dates in order, one-of groups, techniques within the visit, nobody twice, goals that exist, the
 * referral that a note belongs to. A rule looks only at fields that are right by themselves, so
 * that one slip gives one message. Called by record/check.c. */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "fhir/record/check.h"

enum { OLDEST_CLIENT_YEARS = 130, VISIT_MINUTES_LEAST = 5 };

/* Puts a fault at the member NAME, or at the record when it is missing. */
static void fault_at(struct checking *check, const char *name, const char *found,
                     const char *expected, const char *nearest)
{
    const struct json *node = json_get(check->tree, name);
    record_fault(check, (struct fault){node != NULL ? node : check->tree, name,
                                       found != NULL ? found : record_show(check, node), expected,
                                       nearest});
}

static void fault_in(struct checking *check, const struct json *node, const char *path,
                     const char *found, const char *expected, const char *nearest)
{
    record_fault(check, (struct fault){node, path, found, expected, nearest});
}

static const char *text_of(struct checking *check, const char *name)
{
    return json_get_text(check->tree, name);
}

static bool has(struct checking *check, const char *name)
{
    return json_get(check->tree, name) != NULL;
}

static bool is_kind(struct checking *check, const char *kind)
{
    return check->shape != NULL && strcmp(check->shape->name, kind) == 0;
}

/* The value of a word field, or what holds when it is left out. */
static const char *word_of(struct checking *check, const char *name)
{
    const struct record_field *field = record_field_find(check->shape, name);
    const char *word = text_of(check, name);
    return word != NULL || has(check, name) || field == NULL ? word : field->standard;
}

static void require(struct checking *check, const char *name, const char *expected)
{
    if (!has(check, name) && !check->rules->is_received)
        fault_at(check, name, NULL, expected, NULL);
}

/* ---- one of a group ---- */

static void check_groups(struct checking *check)
{
    if (check->rules->is_received)
        return;
    if (!has(check, "client_family_name") && !has(check, "client_given_names"))
        fault_at(check, "client_family_name", NULL,
                 "one of the two names: client_family_name or client_given_names", NULL);
    if (is_kind(check, "progress-note") && !has(check, "subjective") && !has(check, "objective") &&
        !has(check, "assessment") && !has(check, "plan"))
        fault_at(check, "subjective", NULL,
                 "at least one of subjective, objective, assessment and plan", NULL);
}

/* ---- dates in order ---- */

struct order {
    const char *kind;
    const char *early, *late; /* members: dates or times */
    const char *at;           /* which of the two is told */
    const char *found;        /* "%s, WORDS %s": the value told, then the other one */
    const char *expected;
    const char *only_status; /* the rule holds only in this status; NULL: always */
};

static const struct order orders[] = {
    {"progress-note", "visit_at", "written_at", "written_at", "before the visit",
     "a time not before visit_at", NULL},
    {"progress-note", "visit_at", "next_visit_on", "next_visit_on", "before this visit",
     "a day not before visit_at", NULL},
    {"discharge-summary", "first_visit_on", "last_visit_on", "last_visit_on",
     "before the first visit", "a day not before first_visit_on", NULL},
    {"discharge-summary", "last_visit_on", "written_at", "written_at", "before the last visit",
     "a time not before last_visit_on", NULL},
    {"case-conference", "held_at", "written_at", "written_at", "before the meeting",
     "a time not before held_at, or the status planned", "held"},
    {"case-conference", "held_at", "next_conference_at", "next_conference_at",
     "before this meeting", "a time after held_at", NULL},
    {"treatment-plan", "starts_on", "ends_on", "ends_on", "before the plan starts",
     "a day not before starts_on", NULL},
    {"treatment-plan", "starts_on", "review_on", "review_on", "before the plan starts",
     "a day not before starts_on", NULL},
    {"consent", "valid_from", "valid_until", "valid_until", "before the consent starts",
     "a day not before valid_from", NULL},
    {"consent", "records_from", "records_until", "records_until", "before records_from",
     "a day not before records_from", NULL},
    {"referral", "written_at", "first_visit_by", "first_visit_by",
     "before the referral was written", "a day not before written_at", "active"},
    {"referral", "written_at", "valid_until", "valid_until", "before the referral was written",
     "a day not before written_at", "active"},
    {"referral", "first_visit_by", "valid_until", "valid_until", "before first_visit_by",
     "a day not before first_visit_by", NULL},
};

/* Whether the member LATE lies before EARLY: instants when both are times, else days. */
static bool is_before(const struct json *tree, const char *late, const char *early)
{
    struct date_time late_time, early_time;
    struct date late_day, early_day;
    if (record_get_time(tree, late, &late_time) && record_get_time(tree, early, &early_time))
        return date_time_compare(late_time, early_time) < 0;
    return record_get_day_of(tree, late, &late_day) && record_get_day_of(tree, early, &early_day) &&
           date_compare(late_day, early_day) < 0;
}

static void check_orders(struct checking *check)
{
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        const struct order *order = &orders[i];
        if (!is_kind(check, order->kind) || !is_before(check->tree, order->late, order->early))
            continue;
        if (order->only_status != NULL && !text_equal(word_of(check, "status"), order->only_status))
            continue;
        const char *other = order->at == order->late ? order->early : order->late;
        fault_at(check, order->at,
                 arena_print(check->arena, "%s, %s (%s is %s)",
                             record_show(check, json_get(check->tree, order->at)), order->found,
                             other, text_of(check, other)),
                 order->expected, NULL);
    }
}

static void check_birth(struct checking *check)
{
    struct date birth, written, day;
    const struct record_field *field;
    if (!record_get_day(check->tree, "client_birth_date", &birth))
        return;
    if (record_get_day_of(check->tree, "written_at", &written)) {
        bool is_later = date_compare(written, birth) < 0;
        bool is_long_ago = date_compare(date_add_years(birth, OLDEST_CLIENT_YEARS), written) < 0;
        if (is_later || is_long_ago) {
            fault_at(check, "client_birth_date",
                     arena_print(check->arena, "\"%s\", %s", text_of(check, "client_birth_date"),
                                 is_later ? "after the record was written"
                                          : "more than 130 years before the record"),
                     "the client's date of birth", NULL);
            return;
        }
    }
    for (size_t i = 0; (field = record_field_at(check->shape, i)) != NULL; i++) {
        if (strcmp(field->name, "client_birth_date") == 0 ||
            !record_get_day_of(check->tree, field->name, &day) || date_compare(day, birth) >= 0)
            continue;
        if (field->type == RECORD_DATE || field->type == RECORD_TIME)
            fault_at(check, field->name,
                     arena_print(check->arena, "\"%s\", before the client was born",
                                 text_of(check, field->name)),
                     "a day after client_birth_date", NULL);
    }
}

/* Items of LIST whose day NAME lies after the record was written: nobody measures tomorrow. */
static void check_past_days(struct checking *check, const char *list, const char *name)
{
    struct date written, birth, day;
    size_t item = 1;
    if (!record_get_day_of(check->tree, "written_at", &written))
        return;
    bool has_birth = record_get_day(check->tree, "client_birth_date", &birth);
    for (struct json *object = json_first(json_get(check->tree, list)); object != NULL;
         object = json_next(object), item++) {
        if (!record_get_day(object, name, &day))
            continue;
        bool is_later = date_compare(day, written) > 0;
        if (!is_later && !(has_birth && date_compare(day, birth) < 0))
            continue;
        fault_in(
            check, json_get(object, name),
            arena_print(check->arena, "%s[%zu].%s", list, item, name),
            arena_print(check->arena, "\"%s\", %s", json_get_text(object, name),
                        is_later ? "after the record was written" : "before the client was born"),
            "a day in the client's past", NULL);
    }
}

/* ---- people ---- */

static const struct directory_entry *person_of(struct checking *check, const char *handle)
{
    return handle == NULL ? NULL : directory_meet(check->rules->directory, check->arena, handle);
}

static bool is_same(const struct directory_entry *one, const struct directory_entry *other)
{
    return other != NULL && strcmp(one->handle, other->handle) == 0;
}

static void check_nobody_twice(struct checking *check, const char *list, const char *what)
{
    size_t item = 1;
    struct json *first = json_first(json_get(check->tree, list));
    for (struct json *object = first; object != NULL; object = json_next(object), item++) {
        const struct directory_entry *who = person_of(check, json_get_text(object, "who"));
        struct json *other = first;
        while (who != NULL && other != object &&
               !is_same(who, person_of(check, json_get_text(other, "who"))))
            other = json_next(other);
        if (who == NULL || other == object)
            continue;
        fault_in(check, json_get(object, "who"),
                 arena_print(check->arena, "%s[%zu].who", list, item),
                 arena_print(check->arena, "\"%s\" a second time", json_get_text(object, "who")),
                 arena_print(check->arena, "each person once in %s", what), NULL);
    }
}

static void check_writer(struct checking *check)
{
    const char *writer = text_of(check, "written_by");
    if (person_of(check, writer) == NULL || check->rules->is_received ||
        directory_clinic_handle(check->rules->directory, writer) != NULL)
        return;
    fault_at(check, "written_by",
             arena_print(check->arena, "\"%s\", whose clinic is not known", writer),
             "somebody whose clinic directory.csv names (works_at)", NULL);
}

/* ---- the referral a record belongs to ---- */

static void check_referral(struct checking *check)
{
    const struct record_referrals *referrals = check->rules->referrals;
    const char *id = text_of(check, "referral_id");
    struct record_referral referral;
    const char *nearest = NULL;
    if (id == NULL || referrals == NULL)
        return;
    const char *expected = "the number of a referral that is known here";
    const char *remark = "a referral that is not known";
    switch (
        referrals->find(referrals->context, check->arena, check->tree, id, &referral, &nearest)) {
    case RECORD_FOUND:
        return;
    case RECORD_AMBIGUOUS:
        remark = "a number that two referrals have";
        expected = "the clinic's short name and a colon before the number";
        break;
    case RECORD_OTHER_CLIENT:
        remark = "a referral of another client";
        break;
    default:
        break;
    }
    const char *colon = strchr(id, ':');
    struct text_form form;
    if (record_id_form(colon == NULL ? id : colon + 1, check->rules->is_received, &form))
        fault_at(check, "referral_id", arena_print(check->arena, "\"%s\", %s", id, remark),
                 expected, nearest); /* else its form has been told */
}

static void check_numbers(struct checking *check)
{
    static const char *const others[] = {"replaces_record_id", "reply_to_referral_id"};
    const char *own = text_of(check, "record_id");
    if (is_kind(check, "progress-note") || is_kind(check, "discharge-summary"))
        require(check, "referral_id", "the number of the referral this belongs to");
    for (size_t i = 0; own != NULL && i < sizeof others / sizeof *others; i++) {
        if (text_equal(text_of(check, others[i]), own))
            fault_at(check, others[i],
                     arena_print(check->arena, "\"%s\", the number of this record itself", own),
                     "the number of another record", NULL);
    }
}

/* ---- each kind ---- */

static void check_visit(struct checking *check)
{
    long visit, minutes, sum = 0;
    for (struct json *item = json_first(json_get(check->tree, "techniques")); item != NULL;
         item = json_next(item)) {
        if (record_is_fact(item) && json_whole(json_get(item, "minutes"), &minutes) &&
            minutes > 0 && minutes <= 240)
            sum += minutes;
    }
    if (!json_whole(json_get(check->tree, "visit_minutes"), &visit) ||
        visit < VISIT_MINUTES_LEAST || sum <= visit)
        return;
    fault_at(check, "techniques",
             arena_print(check->arena, "%ld minutes of techniques in a visit of %ld", sum, visit),
             arena_print(check->arena, "at most %ld minutes together (visit_minutes)", visit),
             NULL);
}

static void check_techniques(struct checking *check)
{
    const struct json *wanted = json_get(check->tree, "techniques_requested");
    size_t item = 1;
    for (struct json *avoid = json_first(json_get(check->tree, "techniques_to_avoid"));
         avoid != NULL; avoid = json_next(avoid), item++) {
        for (struct json *want = json_first(wanted); want != NULL; want = json_next(want)) {
            if (json_text(avoid) == NULL || !text_equal(json_text(avoid), json_text(want)))
                continue;
            fault_in(check, avoid, arena_print(check->arena, "techniques_to_avoid[%zu]", item),
                     arena_print(check->arena, "\"%s\", which is also in techniques_requested",
                                 json_text(avoid)),
                     "each technique either requested or to be avoided", NULL);
        }
    }
}

/* `other` says nothing by itself: beside it stands what it was, and nowhere else. */
static void check_other_techniques(struct checking *check)
{
    size_t item = 1;
    for (struct json *technique = json_first(json_get(check->tree, "techniques"));
         technique != NULL; technique = json_next(technique), item++) {
        bool is_other = text_equal(json_get_text(technique, "technique"), "other");
        const struct json *text = json_get(technique, "text");
        const char *path = arena_print(check->arena, "techniques[%zu].text", item);
        if (is_other && text == NULL && !check->rules->is_received)
            fault_in(check, technique, path, "nothing, beside the technique \"other\"",
                     "what it was, in plain words, such as Cupping", NULL);
        if (!is_other && text != NULL)
            fault_in(check, text, path,
                     arena_print(check->arena, "a text beside the technique \"%s\"",
                                 json_get_text(technique, "technique")),
                     "a text only beside \"other\"; more about it goes into objective or response",
                     NULL);
    }
}

static void check_other_wanted(struct checking *check)
{
    static const char *const lists[] = {"techniques_requested", "techniques_to_avoid"};
    for (size_t i = 0; i < 2 && !check->rules->is_received; i++) {
        size_t item = 1;
        for (struct json *word = json_first(json_get(check->tree, lists[i])); word != NULL;
             word = json_next(word), item++) {
            if (text_equal(json_text(word), "other"))
                fault_in(check, word, arena_print(check->arena, "%s[%zu]", lists[i], item),
                         "\"other\", which does not say what",
                         "a technique of the table, or what it is in reason or precautions", NULL);
        }
    }
}

static void check_referred_to(struct checking *check)
{
    const struct directory_entry *writer = person_of(check, text_of(check, "written_by"));
    const struct directory_entry *asked = person_of(check, text_of(check, "referred_to"));
    if (asked != NULL && asked == writer)
        fault_at(check, "referred_to",
                 arena_print(check->arena, "\"%s\", who wrote the referral",
                             text_of(check, "referred_to")),
                 "another person or clinic", NULL);
}

static void check_meeting(struct checking *check)
{
    struct date held, due;
    size_t item = 1;
    if (text_equal(word_of(check, "status"), "held"))
        require(check, "summary", "what was discussed, because the conference was held");
    if (!record_get_day_of(check->tree, "held_at", &held))
        return;
    for (struct json *action = json_first(json_get(check->tree, "actions")); action != NULL;
         action = json_next(action), item++) {
        const char *status = json_get_text(action, "status");
        if (!record_get_day(action, "due_on", &due) || date_compare(due, held) >= 0 ||
            text_equal(status, "done") || text_equal(status, "dropped"))
            continue;
        fault_in(check, json_get(action, "due_on"),
                 arena_print(check->arena, "actions[%zu].due_on", item),
                 arena_print(check->arena, "\"%s\", before the meeting",
                             json_get_text(action, "due_on")),
                 "a day not before held_at", NULL);
    }
}

static bool goal_exists(const struct json *goals, const char *id)
{
    for (struct json *goal = json_first(goals); goal != NULL; goal = json_next(goal)) {
        if (text_equal(json_get_text(goal, "goal_id"), id))
            return true;
    }
    return false;
}

static void check_steps(struct checking *check)
{
    const struct json *goals = json_get(check->tree, "goals");
    size_t item = 1;
    for (struct json *step = json_first(json_get(check->tree, "steps")); step != NULL;
         step = json_next(step), item++) {
        const char *id = json_get_text(step, "goal_id");
        if (id == NULL || json_first(goals) == NULL || goal_exists(goals, id))
            continue;
        struct nearest nearest = nearest_start(id);
        for (struct json *goal = json_first(goals); goal != NULL; goal = json_next(goal)) {
            if (json_get_text(goal, "goal_id") != NULL)
                nearest_try(&nearest, json_get_text(goal, "goal_id"));
        }
        fault_in(check, json_get(step, "goal_id"),
                 arena_print(check->arena, "steps[%zu].goal_id", item),
                 arena_print(check->arena, "\"%s\", which no goal of this plan has", id),
                 "the goal_id of a goal in goals", nearest.best);
    }
}

static void check_consent(struct checking *check)
{
    const char *status = text_of(check, "status");
    const char *given_by = text_of(check, "given_by");
    size_t item = 1;
    if (text_equal(status, "revoked"))
        require(check, "revoked_at", "when it was taken back: a time with its zone");
    else if (status != NULL && has(check, "revoked_at"))
        fault_at(check, "revoked_at",
                 arena_print(check->arena, "a time, but the status is %s", status),
                 "the status revoked, or no revoked_at", NULL);
    if (text_equal(given_by, "guardian") || text_equal(given_by, "representative"))
        require(check, "given_by_name",
                arena_print(check->arena, "the name of the %s who decided", given_by));
    for (struct json *with = json_first(json_get(check->tree, "share_with")); with != NULL;
         with = json_next(with), item++) {
        if (json_text(with) != NULL && text_equal(json_text(with), text_of(check, "share_from")))
            fault_in(check, with, arena_print(check->arena, "share_with[%zu]", item),
                     arena_print(check->arena, "\"%s\", the clinic that shares", json_text(with)),
                     "another clinic or person", NULL);
    }
}

/* ---- lists that several kinds have ---- */

static void check_goal_ids(struct checking *check)
{
    size_t item = 1;
    struct json *first = json_first(json_get(check->tree, "goals"));
    for (struct json *goal = first; goal != NULL; goal = json_next(goal), item++) {
        const char *id = json_get_text(goal, "goal_id");
        struct json *other = first;
        while (id != NULL && other != goal && !text_equal(json_get_text(other, "goal_id"), id))
            other = json_next(other);
        if (id != NULL && other != goal)
            fault_in(check, json_get(goal, "goal_id"),
                     arena_print(check->arena, "goals[%zu].goal_id", item),
                     arena_print(check->arena, "\"%s\" a second time", id), "each goal once", NULL);
    }
}

static void check_diagnoses(struct checking *check)
{
    size_t item = 1;
    for (struct json *diagnosis = json_first(json_get(check->tree, "diagnoses")); diagnosis != NULL;
         diagnosis = json_next(diagnosis), item++) {
        const struct json *code = json_get(diagnosis, "code");
        const struct json *system = json_get(diagnosis, "code_system");
        const char *name = system == NULL ? "icd-10-cm" : json_text(system);
        bool is_known = text_equal(name, "icd-10-cm") || text_equal(name, "icd-10") ||
                        text_equal(name, "snomed");
        struct text_form form = {NULL, NULL, NULL};
        if (json_text(code) == NULL || text_is_blank(json_text(code)) || !is_known ||
            record_code_form(check->arena, name, json_text(code), &form))
            continue;
        fault_in(check, code, arena_print(check->arena, "diagnoses[%zu].code", item),
                 record_show(check, code), form.expected, form.nearest);
    }
}

static void check_sides(struct checking *check, const char *list)
{
    size_t item = 1;
    for (struct json *object = json_first(json_get(check->tree, list)); object != NULL;
         object = json_next(object), item++) {
        const struct json *side = json_get(object, "side");
        if (side == NULL || json_get(object, "area") != NULL)
            continue;
        fault_in(check, side, arena_print(check->arena, "%s[%zu].side", list, item),
                 arena_print(check->arena, "%s without an area", record_show(check, side)),
                 "the area that has this side, in area", NULL);
    }
}

/* ---- the table of rules ---- */

static void check_lists(struct checking *check)
{
    check_diagnoses(check);
    check_goal_ids(check);
    check_sides(check, "precautions");
    check_sides(check, "techniques");
    check_past_days(check, "measurements", "measured_on");
    check_past_days(check, "diagnoses", "since");
}

static void check_participants(struct checking *check)
{
    check_nobody_twice(check, "participants", "a conference");
}

static void check_team(struct checking *check)
{
    check_nobody_twice(check, "team", "the team");
}

void record_check_rules(struct checking *check)
{
    static const struct {
        const char *kind; /* NULL: every kind */
        void (*check)(struct checking *check);
    } rules[] = {{NULL, check_groups},
                 {NULL, check_orders},
                 {NULL, check_birth},
                 {NULL, check_writer},
                 {NULL, check_numbers},
                 {NULL, check_referral},
                 {NULL, check_lists},
                 {"referral", check_techniques},
                 {"referral", check_other_wanted},
                 {"referral", check_referred_to},
                 {"progress-note", check_visit},
                 {"progress-note", check_other_techniques},
                 {"case-conference", check_participants},
                 {"case-conference", check_meeting},
                 {"treatment-plan", check_team},
                 {"treatment-plan", check_steps},
                 {"consent", check_consent}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].kind == NULL || is_kind(check, rules[i].kind))
            rules[i].check(check);
    }
}
