/* plant: the planted mistakes that need more than a line in the file where they sit. Each stands
 * for a whole class: the product's code is as it is, and something beside it does what it must not.
 */
#include <string.h>

#include "fhir/json/tree.h"
#include "gateway/outbound/outbox.h"
#include "gateway/store/answers.h"
#include "gateway/store/retention.h"
#include "tests/sim/parts.h"

/* Consent is not asked again before an attempt. */
size_t plant_claim(const struct flow *flow, const char *partner, size_t slots,
                   struct deliver_item **ret_items)
{
    struct store_message *due;
    size_t count = store_due(flow->store, flow->arena, partner, flow->now_ms, slots, &due);
    struct deliver_item *items = arena_array(flow->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        due[i].state = "sending";
        due[i].attempts++;
        store_set_message(flow->store, &due[i]);
        items[i].message = due[i];
        items[i].body = payload_get(flow->store, flow->arena, due[i].payload, &items[i].length);
    }
    *ret_items = items;
    return count;
}

/* A grant for one of the handles counts for all that the record was written to. */
static void grant_all(const struct flow *flow, const struct deliver_item *item)
{
    struct store_release release;
    if (item->message.record == 0 ||
        !store_find_release(flow->store, flow->arena, item->message.id, &release))
        return;
    release.granted_to = release.addressed_as;
    store_set_release(flow->store, &release);
}

/* The same message without the data of what is attached. */
static void without_attachments(const struct flow *flow, struct deliver_item *item)
{
    char *body = arena_copy_n(flow->arena, item->body, item->length);
    char *at = strstr(body, SIM_ATTACHED);
    if (at != NULL)
        memset(at, 'A', strlen(SIM_ATTACHED));
    item->body = body;
}

void plant_after_claim(struct world *world, const struct flow *flow, struct deliver_item *items,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (world->plant == PLANT_ANY_GRANT)
            grant_all(flow, &items[i]);
        if (world->plant == PLANT_NO_ATTACHMENTS)
            without_attachments(flow, &items[i]);
    }
}

/* What was dropped because RECORD replaces it waits again. */
static void take_from_drawer(const struct flow *flow, const struct json *record)
{
    struct store_release *dropped;
    struct store_record row;
    size_t count = store_releases(flow->store, flow->arena, NULL, "dropped", &dropped);
    for (size_t i = 0; i < count; i++) {
        if (!store_get_record(flow->store, flow->arena, dropped[i].record, &row) ||
            !text_equal(row.number, json_get_text(record, "replaces_record_id")))
            continue;
        dropped[i].state = "waiting";
        dropped[i].message = 0;
        store_set_release(flow->store, &dropped[i]);
    }
}

/* Those who write referrals at one clinic and are at another by some gate's directory. */
static const struct {
    const char *npi, *handle;
} authors[] = {{"9900000081", "lindqvist"}, {"9900000065", "wisniewski"}};

/* The clinic where, by our directory, the writer of the referral is that RECORD is about; NULL: no
 * other than its placer. */
static const char *authors_clinic(const struct flow *flow, const struct json *record)
{
    struct store_referral referral;
    struct store_record row;
    struct fault fault;
    const char *id = json_get_text(record, "referral_id");
    const char *author = NULL;
    if (id == NULL || !flow_find_referral(flow, id, &referral, &fault) ||
        !store_find_record(flow->store, flow->arena, referral.placer, "referral", referral.number,
                           &row) ||
        !store_get_record(flow->store, flow->arena, row.id, &row) || row.text == NULL)
        return NULL;
    const char *said = json_get_text(tree_of(flow->arena, row.text), "written_by");
    for (size_t i = 0; i < 2 && said != NULL; i++) {
        if (strstr(said, authors[i].npi) != NULL || text_equal(said, authors[i].handle))
            author = authors[i].handle;
    }
    const char *clinic =
        author == NULL ? NULL : directory_clinic_handle(flow->setup->directory, author);
    bool is_other = clinic != NULL && !text_equal(clinic, referral.placer) &&
                    !text_equal(clinic, flow->setup->config.org);
    return is_other ? clinic : NULL;
}

/* What answers a referral goes to where its writer is. */
static void reply_to_author(const struct flow *flow, const struct json *record)
{
    struct store_release *releases;
    struct store_record row;
    struct store_message message;
    const char *clinic = authors_clinic(flow, record);
    size_t count =
        clinic == NULL ? 0 : store_releases(flow->store, flow->arena, NULL, NULL, &releases);
    for (size_t i = 0; i < count; i++) {
        if (!store_get_record(flow->store, flow->arena, releases[i].record, &row) ||
            !text_equal(row.number, json_get_text(record, "record_id")))
            continue;
        if (store_get_message(flow->store, flow->arena, releases[i].message, &message))
            outbox_withdraw(flow->store, flow->arena, &message, "planted", flow->now_ms);
        store_get_release(flow->store, flow->arena, releases[i].id, &releases[i]);
        releases[i].recipient = releases[i].addressed_as = clinic;
        store_set_release(flow->store, &releases[i]);
        flow_reconsider(flow, row.client);
    }
}

void plant_after_send(struct world *world, const struct flow *flow, const struct json *record)
{
    struct flow_report report;
    struct fault fault;
    if (world->plant == PLANT_REPLACED_LEAVES)
        take_from_drawer(flow, record);
    if (world->plant == PLANT_REPLY_TO_AUTHOR)
        reply_to_author(flow, record);
    if (world->plant == PLANT_WRONG_CLIENT)
        flow_confirm(flow, json_get_text(record, "record_id"), "osei", &report, &fault);
}

/* What came too early is refused for good. */
static void refuse_for_good(struct store *store, struct arena *arena)
{
    struct store_message *early;
    size_t count = store_messages(store, arena, "in", "early", 0, 100, &early);
    for (size_t i = 0; i < count; i++) {
        early[i].state = "refused";
        store_set_message(store, &early[i]);
    }
}

void plant_before_taking(struct world *world, struct store *store)
{
    if (world->plant == PLANT_ORDER_IS_FINAL)
        refuse_for_good(store, &world->arena);
    if (world->plant == PLANT_FORGETS_CANCELS)
        store_drop_early_cancels(store, INT64_MAX);
    if (world->plant == PLANT_FORGETS_RETRACTION)
        store_drop_early_retractions(store, INT64_MAX);
}

/* MESSAGE forgets which referral it belongs to. */
void plant_after_change(struct world *world, int at, struct store_message *message)
{
    if (world->plant != PLANT_PARKED_IS_PASSED || !text_equal(message->state, "parked"))
        return;
    check_message(world, at, message->id, message->referral);
    message->referral = 0;
}

static bool mark_answers(struct unit *unit, struct store *store)
{
    struct store_answer *answers;
    size_t count = store_unexported_answers(store, unit->arena, 0, &answers);
    for (size_t i = 0; i < count; i++)
        store_set_answer_exported(store, answers[i].id);
    return true;
}

static bool unmark_records(struct unit *unit, struct store *store)
{
    struct store_record *records;
    size_t count = store_records(store, unit->arena, NULL, NULL, NULL, &records);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(records[i].origin, STORE_OWN) != 0)
            store_set_unexported(store, records[i].id);
    }
    return true;
}

static void run_unit(struct gate *gate, bool (*run)(struct unit *, struct store *))
{
    struct arena arena = ARENA_EMPTY;
    struct unit unit = {.run = run, .arena = &arena};
    writer_call(gate->writer, &unit);
    arena_free(&arena);
}

void plant_before_export(struct world *world, struct gate *gate)
{
    if (world->plant == PLANT_MARK_FIRST && world_chance(world, 20))
        run_unit(gate, mark_answers);
}

void plant_after_export(struct world *world, struct gate *gate)
{
    if (world->plant == PLANT_ANSWER_TWICE)
        run_unit(gate, unmark_records);
}

/* The state that a planted mistake gives a message whose exchange has ended; NULL: none. */
const char *plant_state(const struct world *world, const struct gate *gate,
                        const struct deliver_result *result, const struct store_message *message)
{
    int64_t age_ms = clock_wall_ms(&gate->setup.clock) - message->created_ms;
    bool is_late = age_ms > (int64_t)gate->setup.config.park_after_hours * 3600000;
    bool is_queued = text_equal(message->state, "queued");
    bool is_answered = result->outcome == DELIVER_ANSWERED;
    switch (world->plant) {
    case PLANT_TIMEOUT_IS_FAILURE:
        return result->outcome == DELIVER_UNKNOWN ? "parked" : NULL;
    case PLANT_ANY_200_IS_DONE:
        return is_answered && result->status == 200 ? "sent" : NULL;
    case PLANT_BUSY_IS_FINAL:
        return result->status == 503 ? "parked" : NULL;
    case PLANT_WALL_CLOCK_PARKS:
        return is_queued && is_late ? "parked" : NULL;
    default:
        return NULL;
    }
}
