/* task: where a referral stands <-> Task (order, fulfill), and the actions of a case conference. */
#include <string.h>

#include "fhir/codes/reason.h"
#include "fhir/entries/entries.h"
#include "fhir/field/choice.h"
#include "fhir/field/standing.h"
#include "fhir/map/client_number.h"
#include "fhir/map/part.h"
#include "fhir/map/people.h"
#include "fhir/map/timing.h"

/* ---- numbers of the referral: PLAC the placer's, FILL the filler's ---- */

static struct json *write_placer(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    const struct message_referral *referral = &job->referral;
    (void)field;
    (void)value;
    if (referral->number == NULL)
        return NULL;
    struct json *identifier = field_new_identifier(
        job, "placer-number", people_system(job, referral->placer, "record"), referral->number);
    json_put(identifier, "assigner", people_organization(job, referral->placer));
    return identifier;
}

static struct json *write_filler(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    const struct message_referral *referral = &job->referral;
    (void)field;
    (void)value;
    if (referral->filler_number == NULL)
        return NULL;
    struct json *identifier =
        field_new_identifier(job, "filler-number", people_system(job, referral->filler, "record"),
                             referral->filler_number);
    json_put(identifier, "assigner", people_organization(job, referral->filler));
    return identifier;
}

/* The numbers were taken when the message was split (message_read); here they are understood. */
static void mark_number(struct field_job *job, struct json *node, const char *number)
{
    struct json *assigner = json_get(node, "assigner");
    if (number == NULL || !text_equal(json_get_text(node, "value"), number))
        return;
    if (assigner != NULL)
        people_handle(job, assigner, job->resource);
    json_mark(node);
}

static struct json *read_placer(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    (void)field;
    (void)into;
    mark_number(job, node, job->referral.number);
    return NULL;
}

static struct json *read_filler(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    (void)field;
    (void)into;
    mark_number(job, node, job->referral.filler_number);
    return NULL;
}

const struct field_kind map_placer_number = {write_placer, read_placer};
const struct field_kind map_filler_number = {write_filler, read_filler};

/* ---- Task.status of the referral: the move's, else by how the record stands ---- */

static const struct field_word by_record[] = {{"active", "requested"},
                                              {"on-hold", "requested"},
                                              {"cancelled", "cancelled"},
                                              {"completed", "completed"},
                                              {NULL, NULL}};

static struct json *write_status(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    (void)field;
    if (job->task_status != NULL)
        return json_new_text(job->arena, job->task_status);
    const char *status = json_get_text(value, "status");
    for (const struct field_word *word = by_record; word->local != NULL && status != NULL; word++) {
        if (strcmp(word->local, status) == 0)
            return json_new_text(job->arena, word->fhir);
    }
    return json_new_text(job->arena, "requested");
}

static struct json *read_status(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    (void)field;
    (void)into;
    job->task_status = json_text(node);
    json_mark(node);
    return NULL;
}

static const struct field_kind task_status = {write_status, read_status};

/* ---- Task.input: first visit by ---- */

static const struct field_code first_visit_by = {"/CodeSystem/task-input", "first-visit-by",
                                                 "First visit no later than",
                                                 "First visit no later than"};

static struct json *write_input(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    static const struct field type = {NULL, "type", &field_fixed_concept, &first_visit_by};
    struct json *input = json_new_object(job->arena);
    (void)field;
    json_put(input, "type", type.kind->write(job, &type, value));
    json_put(input, "valueDate", json_copy_nodes(job->arena, value));
    return input;
}

static struct json *read_input(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    struct json *date = json_get(node, "valueDate");
    struct json *time = json_get(node, "valueDateTime");
    (void)field;
    (void)into;
    if (!field_has_code(json_get(node, "type"), NULL, first_visit_by.code))
        return NULL;
    const char *day = timing_day(job, json_text(date != NULL ? date : time));
    if (day == NULL)
        return NULL;
    if (date != NULL)
        json_mark(node);
    return json_new_lasting(job->arena, day);
}

static const struct field_kind visit_input = {write_input, read_input};

/* ---- people of the referral: requester and owner do not move with the message ---- */

static struct json *write_side(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    const char *member = strcmp(field->option, "placer") == 0 ? "written_by" : "referred_to";
    const char *person = strcmp(job->kind, "referral") == 0 ? json_get_text(value, member) : NULL;
    const char *clinic =
        strcmp(field->option, "placer") == 0 ? job->referral.placer : job->referral.filler;
    return people_reference(job, person != NULL ? person : clinic);
}

static struct json *read_side(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    bool is_placer = strcmp(field->option, "placer") == 0;
    const char *handle = people_handle(job, node, job->resource);
    const char *member = is_placer ? "written_by" : "referred_to";
    if (handle == NULL)
        return NULL;
    if (strcmp(job->kind, "referral") == 0) {
        if (json_get(into, member) == NULL)
            json_set_text(job->arena, into, member, handle);
        if (text_equal(json_get_text(into, member), handle))
            json_mark(node);
        return NULL;
    }
    const char *clinic = people_clinic(job, handle);
    const char **side = is_placer ? &job->referral.placer : &job->referral.filler;
    if (*side == NULL)
        *side = clinic;
    if (text_equal(*side, clinic))
        json_mark(node);
    return NULL;
}

static const struct field_kind side = {write_side, read_side};

/* ---- Task.focus: the ServiceRequest of this Bundle, else its number ---- */

static struct json *write_focus(struct field_job *job, const struct field *field,
                                const struct json *value)
{
    if (entries_has(job, "ServiceRequest"))
        return entries_reference(job, "ServiceRequest", NULL);
    return field_of_referral.write(job, field, value);
}

static struct json *read_focus(struct field_job *job, const struct field *field, struct json *node,
                               struct json *into)
{
    return field_of_referral.read(job, field, node, into);
}

static const struct field_kind focus = {write_focus, read_focus};

/* ---- when ---- */

static struct json *write_time(struct field_job *job, const struct field *field,
                               const struct json *value)
{
    const struct json *time = json_get(value, "written_at");
    if (strcmp(field->option, "authored") == 0 && strcmp(job->kind, "referral") != 0)
        return NULL; /* the order's time is the placer's to say */
    return json_copy_nodes(job->arena, time);
}

static struct json *read_time(struct field_job *job, const struct field *field, struct json *node,
                              struct json *into)
{
    (void)field;
    if (json_get(into, "written_at") == NULL)
        json_put(into, "written_at", json_copy_nodes(job->arena, node));
    if (json_same(json_get(into, "written_at"), node))
        json_mark(node);
    return NULL;
}

static const struct field_kind moment = {write_time, read_time};

/* ---- visits done of those asked for: output.valueRatio 4/10 {session} ---- */

static const struct field_code visits_done = {"/CodeSystem/task-output", "visits-done",
                                              "Visits done", "Visits done"};

static struct json *sessions(struct field_job *job, const struct json *count)
{
    return field_new_quantity(job, count, "{session}", "{session}");
}

static struct json *write_visits(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    static const struct field type = {NULL, "type", &field_fixed_concept, &visits_done};
    const struct json *done = json_get(value, "visits_done");
    const struct json *total = json_get(value, "visits_total");
    (void)field;
    if (done == NULL)
        return NULL;
    struct json *output = json_new_object(job->arena);
    json_put(output, "type", type.kind->write(job, &type, value));
    if (total == NULL) { /* rat-1: a Ratio has both or none */
        json_put(output, "valueQuantity", sessions(job, done));
        return output;
    }
    struct json *ratio = json_put(output, "valueRatio", json_new_object(job->arena));
    json_put(ratio, "numerator", sessions(job, done));
    json_put(ratio, "denominator", sessions(job, total));
    return output;
}

static struct json *read_visits(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    struct json *ratio = json_get(node, "valueRatio");
    bool is_sessions = field_has_code(json_get(node, "type"), NULL, visits_done.code);
    struct json *done =
        ratio == NULL ? json_get(node, "valueQuantity") : json_get(ratio, "numerator");
    struct json *total = json_get(ratio, "denominator");
    (void)field;
    if ((!is_sessions && !text_equal(json_get_text(done, "code"), "{session}")) ||
        standing_is_limit(job, done) || standing_is_limit(job, total))
        return NULL;
    struct json *count = field_count(job->arena, json_get(done, "value"), 0);
    if (count == NULL)
        return NULL;
    json_put(into, "visits_done", count);
    json_put(into, "visits_total", field_count(job->arena, json_get(total, "value"), 0));
    json_mark(node);
    return NULL;
}

static const struct field_kind visits = {write_visits, read_visits};

/* The same from what the caller of message_of_record says. */
static struct json *write_task_visits(struct field_job *job, const struct field *field,
                                      const struct json *value)
{
    const struct message_record_options *options = job->options;
    (void)value;
    if (options == NULL || options->visits_done == NULL)
        return NULL;
    struct json *counts = json_new_object(job->arena);
    json_put(counts, "visits_done", json_new_number(job->arena, options->visits_done));
    if (options->visits_total != NULL)
        json_put(counts, "visits_total", json_new_number(job->arena, options->visits_total));
    return write_visits(job, field, counts);
}

static struct json *read_task_visits(struct field_job *job, const struct field *field,
                                     struct json *node, struct json *into)
{
    (void)into;
    if (job->move == NULL)
        job->move = json_new_object(job->arena);
    return read_visits(job, field, node, job->move);
}

static const struct field_kind task_visits = {write_task_visits, read_task_visits};

static const struct field_code fulfill = {"http://hl7.org/fhir/CodeSystem/task-code", "fulfill",
                                          "Fulfill the focal request", NULL};

static const struct field_term reasons[] = {
    {"goals-met", "Goals met", NULL, NULL},
    {"no-further-gain", "No further gain", NULL, NULL},
    {"client-choice", "Client's choice", NULL, NULL},
    {"referred-on", "Referred on", NULL, NULL},
    {"did-not-attend", "Did not attend", NULL, NULL},
    {"authorization-ended", "Authorisation ended", NULL, NULL},
    {"other", "Other reason", NULL, NULL},
    {NULL, NULL, NULL, NULL}};
static const struct field_terms discharge_reasons = {"discharge-reason", reasons};

const struct field map_task[] = {
    {NULL, "identifier[+]", &map_placer_number, NULL},
    {NULL, "identifier[+]", &map_filler_number, NULL},
    {NULL, "status", &task_status, NULL},
    {"discharge_reason", "businessStatus", &field_local_concept, &discharge_reasons},
    {NULL, "intent", &field_constant, "order"},
    {"priority", "priority", &field_word, NULL},
    {NULL, "code", &field_fixed_concept, &fulfill},
    {NULL, "focus", &focus, NULL},
    {NULL, "for", &field_link, "Patient"},
    {NULL, "authoredOn", &moment, "authored"},
    {NULL, "lastModified", &moment, "modified"},
    {NULL, "requester", &side, "placer"},
    {NULL, "owner", &side, "filler"},
    {"valid_until", "restriction.period.end", &map_day, "last"},
    {"first_visit_by", "input[+]", &visit_input, NULL},
    {NULL, "output[+]", &task_visits, NULL},
    FIELD_END};

/* ---- a move of the Task without a record: the local side is what struct message_move says ---- */

static struct json *write_business(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    struct json *concept = field_new_concept(job, NULL);
    const char *word = json_text(value);
    (void)field;
    field_add_coding(job, concept, field_uri(job, "/CodeSystem/business-status"), word,
                     field_sentence(job, word));
    json_set_text(job->arena, concept, "text", field_sentence(job, word));
    return concept;
}

/* Ours, then BSeR's (5.2 asks for a cancellation), then others. */
static bool judge_business(struct field_job *job, struct json *coding, const void *option,
                           struct choice *ret_choice)
{
    if (!choice_of_coding(job, coding, option, ret_choice) || ret_choice->second == NULL)
        return false;
    const char *system = ret_choice->first;
    if (ret_choice->rank > 0 && system != NULL && strstr(system, "/us/bser/") != NULL)
        ret_choice->rank = 0;
    return true;
}

static struct json *read_business(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    struct json *coding = choice_best(job, json_get(node, "coding"), judge_business, NULL);
    struct json *word = json_get(coding, "code");
    (void)field;
    (void)into;
    if (word == NULL)
        word = json_get(node, "text");
    const char *cut = reason_cut(job->arena, json_text(word));
    json_mark(node);
    return cut == NULL ? NULL : json_new_text(job->arena, cut);
}

static const struct field_kind business_status = {write_business, read_business};

/* A code with its display, or with the words given for "other". */
static struct json *write_reason(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    const char *text = json_get_text(value, "reason");
    const struct reason_row *row = reason_find(REASON_OF_MOVE, json_get_text(value, "reason_code"));
    (void)field;
    if (row == NULL && text == NULL)
        return NULL;
    struct json *concept = field_new_concept(job, text == NULL ? row->display : text);
    if (row != NULL)
        field_add_coding(job, concept, field_uri(job, REASON_SYSTEM), row->code, row->display);
    return concept;
}

/* The code of ours among the codings, or NULL. */
static const struct reason_row *known_reason(struct field_job *job, const struct json *concept)
{
    for (struct json *coding = json_first(json_get(concept, "coding")); coding != NULL;
         coding = json_next(coding)) {
        const struct reason_row *row = reason_find(REASON_OF_MOVE, json_get_text(coding, "code"));
        if (row != NULL && field_is_ours(job, json_get_text(coding, "system"), REASON_SYSTEM))
            return row;
    }
    return NULL;
}

/* Without a code of ours, or with "other", the words are kept, cut short. */
static struct json *read_reason(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    const struct reason_row *row = known_reason(job, node);
    const struct json *coding = choice_best(job, json_get(node, "coding"), choice_of_coding, NULL);
    const char *text = json_get_text(node, "text");
    (void)field;
    if (text == NULL && row == NULL)
        text = json_get_text(coding, json_get(coding, "display") != NULL ? "display" : "code");
    if (row != NULL)
        json_put_text(job->arena, into, "reason_code", row->code);
    if (row == NULL || text_equal(row->code, "other"))
        json_put_text(job->arena, into, "reason", reason_cut(job->arena, text));
    json_mark(node);
    return NULL;
}

static const struct field_kind reason = {write_reason, read_reason};

static struct json *write_move_code(struct field_job *job, const struct field *field,
                                    const struct json *value)
{
    static const struct field_code abort_code = {
        "http://hl7.org/fhir/CodeSystem/task-code", "abort",
        "Mark the focal resource as no longer active", NULL};
    const struct field code = {NULL, "code", &field_fixed_concept,
                               json_true(json_get(value, "is_abort")) ? &abort_code : &fulfill};
    (void)field;
    return code.kind->write(job, &code, value);
}

static const struct field_kind move_code = {write_move_code, field_read_elsewhere};

/* An abort is about the referral's Task, every other move about its ServiceRequest. */
static struct json *write_move_focus(struct field_job *job, const struct field *field,
                                     const struct json *value)
{
    if (!json_true(json_get(value, "is_abort")))
        return write_focus(job, field, value);
    return entries_logical_reference(
        job, "Task", people_system(job, job->referral.placer, "record"), job->referral.number);
}

static const struct field_kind move_focus = {write_move_focus, read_focus};

static struct json *write_client(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    (void)field;
    (void)value;
    if (job->referral.client_number == NULL)
        return NULL;
    return entries_logical_reference(job, "Patient",
                                     people_system(job, job->referral.placer, "client"),
                                     job->referral.client_number);
}

static struct json *read_client(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    const char *number = client_number_of(job, json_get(node, "identifier"), job->referral.placer);
    (void)field;
    (void)into;
    if (number != NULL && job->referral.client_number == NULL)
        job->referral.client_number = number;
    if (number != NULL || entries_resolve(job, node) != NULL)
        json_mark(node);
    return NULL;
}

static const struct field_kind client_number = {write_client, read_client};

const struct field map_move[] = {{NULL, "identifier[+]", &map_placer_number, NULL},
                                 {NULL, "identifier[+]", &map_filler_number, NULL},
                                 {"task_status", "status", &field_plain, NULL},
                                 {NULL, "statusReason", &reason, NULL},
                                 {"business_status", "businessStatus", &business_status, NULL},
                                 {NULL, "intent", &field_constant, "order"},
                                 {NULL, "code", &move_code, NULL},
                                 {NULL, "focus", &move_focus, NULL},
                                 {NULL, "for", &client_number, NULL},
                                 {"authored_at", "authoredOn", &field_plain, NULL},
                                 {"at", "lastModified", &field_plain, NULL},
                                 {NULL, "requester", &side, "placer"},
                                 {NULL, "owner", &side, "filler"},
                                 {NULL, "output[+]", &visits, NULL},
                                 FIELD_END};

/* A withdrawn order as far as a move may tell it: number, state and the client's number. */
const struct field map_withdrawn[] = {{NULL, "identifier[+]", &map_placer_number, NULL},
                                      {NULL, "status", &field_constant, "revoked"},
                                      {NULL, "intent", &field_constant, "order"},
                                      {NULL, "subject", &client_number, NULL},
                                      FIELD_END};

/* ---- an action agreed in a case conference ---- */

static const struct field_word action_statuses[] = {
    {"open", "requested"}, {"done", "completed"}, {"dropped", "cancelled"}, {NULL, NULL}};
static const struct field_code action = {"/CodeSystem/task-code", "conference-action",
                                         "Action agreed in a case conference", NULL};

const struct field map_action[] = {{"status", "status", &field_word, action_statuses},
                                   {NULL, "intent", &field_constant, "order"},
                                   {NULL, "code", &field_fixed_concept, &action},
                                   {"text", "description", &field_plain, NULL},
                                   {NULL, "for", &field_link, "Patient"},
                                   {NULL, "encounter", &field_link, "Encounter"},
                                   {"owner", "owner", &field_person, NULL},
                                   {"due_on", "restriction.period.end", &map_day, "last"},
                                   FIELD_END};
