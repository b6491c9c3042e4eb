/* send: a record of ours is checked, accepted, and given to the release of each recipient.
 *
 * Runs inside a store transaction. The record is accepted first (row, referral, tray), then each
 * recipient is decided on its own (outbound/decide.c), so a refused recipient never holds up
 * another. See outbound/outbound.h. */
#include <string.h>

#include "fhir/client/match.h"
#include "fhir/json/tree.h"
#include "gateway/outbound/outbound.h"
#include "gateway/outbound/outbound_internal.h"
#include "gateway/outbound/release.h"
#include "gateway/referral/whose.h"

/* A record on its way in, and what was found out about it. */
struct sending {
    const struct flow *flow;
    const struct json *tree; /* defaults filled */
    const char *kind, *number, *client;
    struct store_record row;
    struct store_referral referral; /* the one it belongs to, or is; id 0: none */
    const char *doubt;              /* that it is about the referral's client; NULL: none */
    struct flow_lookup *lookup;     /* which referral the check found */
    struct record_rules rules;
    struct finding_list *findings;
};

static bool refuse(struct sending *sending, const char *path, const char *found,
                   const char *expected)
{
    finding_add(sending->findings,
                (struct finding){.path = path, .found = found, .expected = expected});
    return false;
}

/* ---- may it be accepted? ---- */

static bool is_ours(struct sending *sending)
{
    const struct setup *setup = sending->flow->setup;
    const char *sender = record_sender(sending->tree, setup->directory);
    if (text_equal(sender, setup->config.org))
        return true;
    return refuse(sending, "written_by",
                  arena_print(sending->flow->arena, "%s, who works at %s",
                              json_get_text(sending->tree, "written_by"),
                              sender == NULL ? "no clinic we know" : sender),
                  arena_print(sending->flow->arena, "someone of %s, whose gateway this is",
                              setup->config.org));
}

/* True when the number is free, or *ret_known when the same record is here already. */
static bool is_number_free(struct sending *sending, bool *ret_known)
{
    const struct flow *flow = sending->flow;
    struct store_record known;
    *ret_known = false;
    if (!store_find_record(flow->store, flow->arena, flow->setup->config.org, sending->kind,
                           sending->number, &known))
        return true;
    if (known.retracted != NULL)
        return refuse(sending, "record_id",
                      arena_print(flow->arena, "%s, which was retracted", sending->number),
                      "a new record with a number of its own; a retraction is final");
    *ret_known = memcmp(known.hash, sending->row.hash, STORE_HASH_BYTES) == 0;
    if (*ret_known)
        return true;
    return refuse(
        sending, "record_id",
        arena_print(flow->arena, "%s, which was used before for other content", sending->number),
        "a new number, with replaces_record_id naming this one if it corrects it");
}

/* What was retracted is corrected no more. */
static bool is_replaced_standing(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const char *replaced = json_get_text(sending->tree, "replaces_record_id");
    struct store_record known;
    if (replaced == NULL ||
        !store_find_record(flow->store, flow->arena, flow->setup->config.org, sending->kind,
                           replaced, &known) ||
        known.retracted == NULL)
        return true;
    return refuse(sending, "replaces_record_id",
                  arena_print(flow->arena, "%s, which was retracted", replaced),
                  "a new record that replaces none; a retraction is final");
}

/* A clock that is a little behind the writer's is no reason to refuse; a year typed wrong is. What
 * a consent may do before its time is for the consent rules to say. */
static bool is_written_by_now(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const char *text = json_get_text(sending->tree, "written_at");
    struct date_time written;
    if (text_equal(sending->kind, "consent") || date_time_parse(text, &written) != DATE_RIGHT ||
        written.seconds * 1000 <= flow->now_ms + FLOW_AHEAD_MAX_MS)
        return true;
    return refuse(sending, "written_at",
                  arena_print(flow->arena, "%s, ahead of this gateway's clock, which says %s", text,
                              clock_text(flow->arena, flow->now_ms)),
                  "the time at which it was written; or this machine's clock set right");
}

/* May the Task move as a note of ours would move it? */
static bool is_move_allowed(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const struct track_move *move = flow_note_move(sending->tree, &sending->referral);
    struct fault fault;
    if (move == NULL || track_allows(move, TRACK_FILLER, &sending->referral, flow->arena, &fault))
        return true;
    const char *state = sending->referral.task_status;
    bool is_open = !track_is_over(state);
    return refuse(
        sending, "referral_id",
        arena_print(flow->arena, "referral %s, which is %s", sending->referral.number, state),
        is_open ? "a referral that was accepted: accept it first (refgate referrals accept)"
                : "a referral that is not closed, or a correction with "
                  "replaces_record_id");
}

/* The clinic that a referral asks. */
static const char *asked_clinic(const struct sending *sending)
{
    const char *to = json_get_text(sending->tree, "referred_to");
    const char *clinic = directory_clinic_handle(sending->flow->setup->directory, to);
    return clinic == NULL ? to : clinic;
}

/* A clinic that may have a referral would keep it as it was, and the other would get the correction
 * of one it never saw. */
static bool is_for_same_clinic(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const struct store_referral *referral = &sending->referral;
    const char *clinic = asked_clinic(sending);
    if (!text_equal(sending->kind, "referral") || text_equal(clinic, referral->filler) ||
        !store_was_tried(flow->store, referral->id))
        return true;
    return refuse(sending, "referred_to",
                  arena_print(flow->arena, "%s, another clinic than %s, which may have referral %s",
                              clinic, referral->filler, referral->number),
                  arena_print(flow->arena,
                              "the same clinic; for another one cancel this referral (refgate "
                              "referrals cancel %s) and send a new one that replaces none",
                              referral->number));
}

/* The referral a record belongs to: for a correction of a referral the one it corrects, else the
 * one that the check found. A plan or a conference may name one that only others know. */
static bool find_its_referral(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const char *replaced = json_get_text(sending->tree, "replaces_record_id");
    const char *placer = sending->lookup->found.placer;
    const char *number = sending->lookup->found.number;
    if (text_equal(sending->kind, "referral")) {
        placer = flow->setup->config.org;
        number = replaced;
    }
    if (number == NULL || !flow_find_placed(flow, placer, number, &sending->referral)) {
        sending->referral.id = 0;
        return true;
    }
    return is_for_same_clinic(sending) && is_move_allowed(sending);
}

/* ---- accepting ---- */

static const char *facts_of(const struct sending *sending)
{
    struct arena *arena = sending->flow->arena;
    return json_print(arena, client_facts(arena, sending->tree));
}

static void add_referral(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    long visits = 0;
    json_whole(json_get(sending->tree, "visits_requested"), &visits);
    sending->referral =
        (struct store_referral){.placer = flow->setup->config.org,
                                .number = sending->number,
                                .filler = asked_clinic(sending),
                                .role = "placer",
                                .partner = "", /* until its first message is queued */
                                .client = sending->client,
                                .service = json_get_text(sending->tree, "service"),
                                .priority = json_get_text(sending->tree, "priority"),
                                .task_status = "draft",
                                .visits_total = visits,
                                .valid_until = json_get_text(sending->tree, "valid_until"),
                                .authored_at = json_get_text(sending->tree, "written_at"),
                                .created_ms = flow->now_ms,
                                .changed_ms = flow->now_ms,
                                .client_facts = facts_of(sending)};
    sending->referral.id = store_add_referral(flow->store, &sending->referral);
}

static struct track_details details_of(const struct sending *sending, const char *reason)
{
    struct track_details details = {.by = json_get_text(sending->tree, "written_by"),
                                    .reason = reason,
                                    .at_ms = sending->flow->now_ms};
    return details;
}

static void note(const struct sending *sending, const char *what, const char *reason)
{
    struct track_details details = details_of(sending, reason);
    if (sending->referral.id != 0)
        track_note(
            sending->flow->store, sending->referral.id,
            arena_print(sending->flow->arena, "%s %s %s", sending->kind, sending->number, what),
            &details);
}

/* A corrected referral that says "cancelled" takes the referral back. */
static void move_placed(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const struct track_move *cancel = track_find("cancel");
    struct track_details details = details_of(sending, NULL);
    struct fault fault;
    if (text_equal(json_get_text(sending->tree, "status"), "cancelled") &&
        track_allows(cancel, TRACK_PLACER, &sending->referral, flow->arena, &fault))
        track_apply(flow->store, &sending->referral, cancel, &details, flow->arena);
}

/* The client may be what is corrected: moves name the one whom it is about now. */
static void correct_referral(struct sending *sending)
{
    struct store *store = sending->flow->store;
    sending->referral.corrected_by = sending->row.id;
    sending->referral.client_facts = facts_of(sending);
    track_correct(&sending->referral, sending->tree);
    sending->referral.filler = asked_clinic(sending);
    store_set_referral(store, &sending->referral);
    if (text_equal(sending->referral.client, sending->client))
        return;
    sending->referral.client = sending->client;
    store_set_referral_client(store, &sending->referral);
}

static void accept_row(struct sending *sending, const struct json *attachments)
{
    const struct flow *flow = sending->flow;
    const char *text = json_print(flow->arena, sending->tree);
    bool is_referral = text_equal(sending->kind, "referral");
    if (sending->doubt == NULL)
        whose_note(flow->store, STORE_OWN, sending->tree);
    bool corrects = is_referral && sending->referral.id != 0;
    if (corrects)
        move_placed(sending);
    else if (is_referral)
        add_referral(sending);
    sending->row.clinic = flow->setup->config.org;
    sending->row.kind = sending->kind;
    sending->row.number = sending->number;
    sending->row.origin = STORE_OWN;
    sending->row.client = sending->client;
    sending->row.referral = sending->referral.id;
    sending->row.accepted_ms = flow->now_ms;
    sending->row.exported = true;
    const char *replaced = json_get_text(sending->tree, "replaces_record_id");
    sending->row.replaces = replaced == NULL ? "" : replaced;
    sending->row.payload = payload_put(flow->store, text, strlen(text));
    if (attachments != NULL) {
        const char *list = json_print(flow->arena, attachments);
        sending->row.attachments = payload_put(flow->store, list, strlen(list));
    }
    sending->row.id = store_add_record(flow->store, &sending->row);
    if (corrects)
        correct_referral(sending);
    note(sending, "taken", NULL);
}

/* ---- all recipients of a fresh record ---- */

/* Handles of one clinic stand side by side; they become one tray row. */
static void release_all(struct sending *sending, struct flow_report *report)
{
    const struct flow *flow = sending->flow;
    const struct record_recipient *recipients;
    size_t count = record_recipients(
        flow->arena, sending->tree, flow->setup->directory,
        sending->lookup->found.number == NULL ? NULL : &sending->lookup->found, &recipients);
    struct release_consents consents = release_consents(flow->store, flow->arena, sending->client);
    struct flow_loaded loaded = {.row = sending->row,
                                 .tree = sending->tree,
                                 .referral = sending->referral,
                                 .doubt = sending->doubt};
    const char *correction = flow_correction_of(flow, &sending->row);
    report->recipients = arena_array(flow->arena, count, sizeof *report->recipients);
    for (size_t i = 0; i < count;) {
        struct text handles = text_new(flow->arena, SIZE_MAX / 8);
        const char *clinic = recipients[i].clinic;
        for (; i < count && text_equal(recipients[i].clinic, clinic); i++)
            text_print(&handles, "%s%s", handles.length == 0 ? "" : ";", recipients[i].handle);
        struct store_release release = {.id = store_next_release(flow->store),
                                        .record = sending->row.id,
                                        .recipient = clinic,
                                        .addressed_as = handles.at,
                                        .partner = "",
                                        .client = sending->client,
                                        .state = "waiting"};
        bool is_queued = correction == NULL && flow_decide(flow, &loaded, &consents, &release);
        if (correction != NULL)
            flow_drop_corrected(flow, &loaded.row, correction, &release);
        store_add_release(flow->store, &release);
        report->recipients[report->count++] =
            (struct flow_recipient){clinic, is_queued, release.reason};
    }
    sending->referral = loaded.referral;
}

static bool check(struct sending *sending, const struct record *record, bool *ret_known)
{
    const struct flow *flow = sending->flow;
    sending->lookup = flow_lookup_new(flow);
    sending->rules = (struct record_rules){.arena = flow->arena,
                                           .directory = flow->setup->directory,
                                           .coding = flow->setup->coding,
                                           .referrals = &sending->lookup->referrals};
    if (!record_check(record, &sending->rules, sending->findings))
        return false;
    record_fill_defaults(flow->arena, record->tree, flow->setup->directory);
    sending->tree = record->tree;
    sending->kind = record_kind(record->tree);
    sending->number = json_get_text(record->tree, "record_id");
    sending->client = json_get_text(record->tree, "client_id");
    setup_record_hash(flow->setup, flow->arena, record->tree, true, sending->row.hash);
    return is_ours(sending) && is_number_free(sending, ret_known) &&
           (*ret_known || (is_written_by_now(sending) && is_replaced_standing(sending) &&
                           find_its_referral(sending)));
}

/* What it corrects and has not left never leaves; a referral may be a draft again by that. */
static void drop_replaced(struct sending *sending)
{
    const struct flow *flow = sending->flow;
    const char *replaced = json_get_text(sending->tree, "replaces_record_id");
    if (replaced == NULL || text_equal(sending->kind, "consent"))
        return;
    const struct store_record correction = {
        .kind = sending->kind, .number = sending->number, .client = sending->client};
    flow_drop_replaced(flow, &correction, replaced);
    if (sending->referral.id != 0)
        store_get_referral(flow->store, flow->arena, sending->referral.id, &sending->referral);
}

bool flow_check(const struct flow *flow, const struct record *record, struct finding_list *findings)
{
    struct sending sending = {.flow = flow, .findings = findings};
    bool is_known;
    findings->file = record->file;
    findings->row = record->row;
    return check(&sending, record, &is_known);
}

struct flow_report flow_send(const struct flow *flow, const struct record *record,
                             const struct json *attachments, struct finding_list *findings)
{
    struct sending sending = {.flow = flow, .findings = findings};
    struct flow_report report = {.answer = FLOW_REFUSED};
    bool is_known = false;
    findings->file = record->file;
    findings->row = record->row;
    if (!check(&sending, record, &is_known))
        return report;
    report.answer = is_known ? FLOW_KNOWN : FLOW_ACCEPTED;
    if (is_known)
        return report;
    report.warnings = flow_warnings(flow, record, &sending.rules, &sending.referral);
    drop_replaced(&sending);
    sending.doubt = flow_doubt(flow, sending.tree, &sending.referral);
    accept_row(&sending, attachments);
    if (text_equal(sending.kind, "consent")) {
        flow_reconsider(flow, sending.client);
        return report;
    }
    const struct track_move *move = NULL;
    if (sending.doubt == NULL) /* else it may be about somebody else, until a person says no */
        move = flow_move_by_note(flow, sending.tree, &sending.referral);
    release_all(&sending, &report);
    if (move != NULL)
        flow_tell_move_alone(flow, sending.tree, &sending.referral, move, &report);
    return report;
}
