/* receive: the steps of one loop from a partner's request to its answer. See receive.h.
 *
 * Reading and checking run on the loop, the inbox on the writer thread; a request that waits for
 * its commit keeps its exchange, and is answered when the loop hears of it. */
#include "gateway/inbound/receive.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fhir/validate/validate.h"
#include "gateway/exchange/attachment.h"
#include "gateway/exchange/check_message.h"
#include "gateway/inbound/acknowledge.h"
#include "gateway/inbound/admit.h"
#include "gateway/inbound/capability.h"
#include "gateway/inbound/inbox.h"
#include "gateway/inbound/reply_template.h"
#include "gateway/referral/recall.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/trace.h"

enum { RETRY_AFTER_S = 2, SCRATCH_KEPT = 1 << 20, RECALL_AGAIN_S = 60 };
/* Of a number that goes into a record: what reads that may make a million digits of 1e999999. */
enum { NUMBER_MAX = 64 };

struct receiver {
    struct receiver_options options;
    struct writer_port *port;
    struct arena arena; /* of the validator and the forms */
    struct validator *validator;
    /* Of one message until it is posted: the Bundle as a tree, and all that reading and checking it
     * makes. The next message is read in the same bytes, which are in the processor's cache. */
    struct arena scratch;
    struct acknowledge_forms *forms;
    struct arena spoken;    /* of the text below */
    const char *capability; /* of the setup; NULL: nobody has asked for it yet */
};

/* One message between request and answer; lives in its exchange's arena. */
struct receiving {
    struct unit unit;
    struct receiver *receiver;
    struct exchange *exchange;
    struct setup *setup; /* held */
    const struct admission *admission;
    struct json_document document;
    struct message_inbound message;
    struct inbox_item item;
    enum inbox_outcome outcome;
    struct store_message row;
    struct fault refusal;
};

static const char fhir_json[] = "application/fhir+json; charset=utf-8";

/* ---- answers ---- */

static void answer_message(struct receiving *receiving, const struct store_message *row)
{
    struct exchange *exchange = receiving->exchange;
    struct answer answer = {.status = 200, .type = fhir_json};
    answer.body = acknowledge_by_form(receiving->receiver->forms, receiving->setup,
                                      &exchange->arena, row, &answer.body_length);
    exchange_answer(exchange, &answer);
}

static void answer_text(struct exchange *exchange, int status, const char *body,
                        const struct http_header *headers, size_t headers_count)
{
    struct answer answer = {.status = status,
                            .type = fhir_json,
                            .headers = headers,
                            .headers_count = headers_count,
                            .body = body,
                            .body_length = strlen(body)};
    exchange_answer(exchange, &answer);
}

/* RETRY_S: when the client may come again, if the fault is one that passes. */
static void answer_fault(struct exchange *exchange, int status, const struct fault *fault,
                         const char *path, unsigned retry_s)
{
    struct http_header retry = {"Retry-After", arena_print(&exchange->arena, "%u", retry_s)};
    answer_text(exchange, status, acknowledge_fault(&exchange->arena, fault, path), &retry,
                fault_is_transient(fault->kind) ? 1 : 0);
}

static void refuse(struct exchange *exchange, const struct fault *fault)
{
    answer_fault(exchange, fault_http_status(fault->kind), fault, NULL, RETRY_AFTER_S);
}

/* More requests a minute than were agreed with this partner, or too many costly ones. */
static void refuse_quota(struct exchange *exchange, enum quota_reason reason, unsigned wait_s)
{
    const char *what = reason == QUOTA_TIME
                           ? "large messages than there is time for beside the other partners"
                           : "requests a minute than it may here (requests_per_minute_max)";
    struct fault fault = {FAULT_too_many,
                          arena_print(&exchange->arena,
                                      "partner %s sends more %s; come again in %u s",
                                      exchange->peer->partner, what, wait_s)};
    answer_fault(exchange, fault_http_status(fault.kind), &fault, NULL, wait_s);
}

/* Who asks. NULL when it was answered already: a certificate that is nobody's, whose verdict the
 * answer names, or a partner that asks too often. */
static const struct admission *admit(const struct receiver *receiver, struct exchange *exchange)
{
    const struct http_peer *peer = exchange->peer;
    const struct setup *setup = receiver->options.setup;
    struct fault fault = {FAULT_none, NULL};
    const struct admission *admission = admit_peer(setup, &exchange->arena, peer->partner, &fault);
    if (admission == NULL && peer->verdict == VERDICT_disabled)
        fault.sentence = "this partner is disabled at this gateway";
    else if (admission == NULL && peer->partner == NULL)
        fault.sentence =
            arena_print(&exchange->arena, "%s (%s)", fault.sentence, verdict_name(peer->verdict));
    if (admission == NULL) {
        refuse(exchange, &fault);
        return NULL;
    }
    enum quota_reason reason = QUOTA_RATE;
    unsigned wait_s = peer->quota == NULL
                          ? 0
                          : quota_take(peer->quota, clock_monotonic_ms(&setup->clock), &reason);
    if (wait_s == 0)
        return admission;
    refuse_quota(exchange, reason, wait_s);
    return NULL;
}

static void not_allowed(struct exchange *exchange, const char *allowed)
{
    struct fault fault = {
        FAULT_unsupported,
        arena_print(&exchange->arena, "found %s; expected %s here", exchange->method, allowed)};
    struct http_header allow = {"Allow", allowed};
    answer_text(exchange, 405, acknowledge_fault(&exchange->arena, &fault, NULL), &allow, 1);
}

/* ---- the message ---- */

static bool is_json_type(const char *type)
{
    static const char *const types[] = {"application/fhir+json", "application/json", "text/json",
                                        "application/json+fhir"};
    if (type == NULL)
        return false;
    size_t length = strcspn(type, "; \t");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strlen(types[i]) == length && strncasecmp(type, types[i], length) == 0)
            return true;
    }
    return false;
}

/* Numbers of at most NUMBER_MAX characters; 0: of any length. */
static bool parse(struct receiving *receiving, size_t number_max)
{
    struct exchange *exchange = receiving->exchange;
    const struct config *config = &receiving->setup->config;
    struct json_options options = {.bytes_max = exchange->body_length, /* judged at the edge */
                                   .depth_max = (int)config->json_depth_max,
                                   .values_max = config->json_values_max,
                                   .number_max = number_max};
    struct json_fault fault;
    struct arena *scratch = &receiving->receiver->scratch;
    arena_reset(scratch);
    if (json_parse(scratch, exchange->body, exchange->body_length, &options, &receiving->document,
                   &fault))
        return true;
    struct fault refusal = {FAULT_unreadable,
                            arena_print(&exchange->arena, "line %d column %d: found %s%s%s",
                                        fault.line, fault.column, fault.found,
                                        fault.expected == NULL ? "" : "; expected ",
                                        fault.expected == NULL ? "" : fault.expected)};
    answer_fault(exchange, 400, &refusal, fault.path, 0);
    return false;
}

static bool validate(struct receiving *receiving)
{
    struct exchange *exchange = receiving->exchange;
    struct arena *scratch = &receiving->receiver->scratch;
    struct issue_list issues = issue_list_new(scratch);
    const struct partner *partner =
        folder_partner(&receiving->setup->partners, admission_partner(receiving->admission));
    if (conform_bundle(receiving->receiver->validator, scratch, receiving->setup, partner,
                       &receiving->document, receiving->document.root, &issues))
        return true;
    answer_text(exchange, fault_http_status(FAULT_invalid),
                json_print(&exchange->arena, issue_outcome(&exchange->arena, &issues)), NULL, 0);
    return false;
}

static bool read_message(struct receiving *receiving)
{
    struct exchange *exchange = receiving->exchange;
    struct setup_ids ids = {.space = "inbound"};
    struct arena *scratch = &receiving->receiver->scratch;
    struct fhir_context context = setup_context(receiving->setup, scratch, &ids);
    context.partner = admission_partner(receiving->admission);
    struct finding_list findings = finding_list_new(scratch);
    if (message_read(&context, receiving->document.root, &receiving->message, &findings) &&
        attachment_check(scratch, receiving->message.attachments, &findings))
        return true;
    answer_text(exchange, 422, acknowledge_findings(&exchange->arena, FAULT_unsupported, &findings),
                NULL, 0);
    return false;
}

static bool commit(struct unit *unit, struct store *store)
{
    struct receiving *receiving = (struct receiving *)unit;
    receiving->item.now_ms = clock_wall_ms(&receiving->setup->clock);
    receiving->outcome =
        inbox_commit(store, &receiving->item, &receiving->row, &receiving->refusal);
    return true;
}

/* The trace id of the message, as the sender gave it, else made from the message's own id. */
static const char *trace_text(struct receiving *receiving)
{
    char *id = arena_alloc(&receiving->exchange->arena, TRACE_ID_TEXT);
    trace_of(exchange_header(receiving->exchange, "traceparent"), receiving->message.message_id,
             id);
    return id;
}

static void log_committed(struct receiving *receiving)
{
    static const char *const words[] = {[INBOX_TAKEN] = "received",
                                        [INBOX_REPLAY] = "received-again",
                                        [INBOX_CONFLICT] = "conflict"};
    const struct message_inbound *message = &receiving->message;
    bool is_committed = receiving->unit.fault.kind == FAULT_none;
    log_event(is_committed ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
              is_committed ? words[receiving->outcome] : "not-stored", "partner",
              admission_partner(receiving->admission), "message",
              trace_id_to_log(message->message_id), "what", message->event, "answer",
              is_committed ? receiving->row.response_code : NULL, "trace", trace_text(receiving),
              NULL);
}

/* Half of the queue to the store is all that one partner may fill. */
static bool enter_queue(const struct receiver *receiver, struct exchange *exchange)
{
    struct quota *quota = exchange->peer->quota;
    unsigned most = (unsigned)receiver->options.setup->config.writer_queue_max / 2;
    if (quota == NULL || quota_queue(quota, most))
        return true;
    struct fault full = {FAULT_too_many,
                         "as many messages of this partner wait for the store as may; send fewer "
                         "at the same time"};
    refuse(exchange, &full);
    return false;
}

static void leave_queue(struct exchange *exchange)
{
    if (exchange->peer->quota != NULL)
        quota_unqueue(exchange->peer->quota);
}

static void on_committed(struct unit *unit)
{
    struct receiving *receiving = (struct receiving *)unit;
    struct exchange *exchange = receiving->exchange;
    struct receiver *receiver = receiving->receiver;
    struct setup *setup = receiving->setup;
    bool is_new = unit->fault.kind == FAULT_none && receiving->outcome == INBOX_TAKEN;
    leave_queue(exchange);
    log_committed(receiving);
    if (unit->fault.kind != FAULT_none)
        refuse(exchange, &unit->fault);
    else if (receiving->outcome == INBOX_CONFLICT)
        refuse(exchange, &receiving->refusal);
    else
        answer_message(receiving, &receiving->row);
    setup_release(setup);
    if (is_new && receiver->options.on_taken != NULL)
        receiver->options.on_taken(receiver->options.owner);
}

/* What the commit needs, out of the scratch memory. */
static void prepare(struct receiving *receiving)
{
    struct arena *arena = &receiving->exchange->arena;
    struct inbox_item item = {.setup = receiving->setup,
                              .admission = receiving->admission,
                              .message = &receiving->message,
                              .body = receiving->exchange->body,
                              .length = receiving->exchange->body_length,
                              .arena = &receiving->receiver->scratch};
    inbox_prepare(&item);
    message_keep(arena, &receiving->message);
    item.ready.text = arena_copy(arena, item.ready.text);
    item.arena = arena;
    receiving->item = item;
    receiving->document.root = NULL;
}

static void post(struct receiving *receiving)
{
    struct receiver *receiver = receiving->receiver;
    struct fault busy = {FAULT_busy, NULL};
    struct fault full = {FAULT_store_full, NULL};
    if (!writer_is_open(receiver->options.writer)) {
        refuse(receiving->exchange, &full);
        return;
    }
    if (!enter_queue(receiver, receiving->exchange))
        return;
    prepare(receiving);
    receiving->unit.run = commit;
    receiving->unit.done = on_committed;
    receiving->unit.arena = &receiving->exchange->arena;
    receiving->unit.is_written_late = true;
    setup_hold(receiving->setup);
    if (writer_post(receiver->options.writer, receiver->port, &receiving->unit))
        return;
    setup_release(receiving->setup);
    leave_queue(receiving->exchange);
    refuse(receiving->exchange, &busy);
}

/* Marked as a test of the connection (v3-ActReason HTEST), as `partner test` sends it. */
static bool is_test(const struct json *bundle)
{
    const struct json *label = json_first(json_get(json_get(bundle, "meta"), "security"));
    while (label != NULL && !text_equal(json_get_text(label, "code"), "HTEST"))
        label = json_next(label);
    return label != NULL;
}

/* All checks passed; nothing is stored and nothing happens. */
static void answer_test(struct receiving *receiving)
{
    const struct setup *setup = receiving->setup;
    const struct message_inbound *message = &receiving->message;
    const char *partner = admission_partner(receiving->admission);
    struct store_message row = {.partner = partner,
                                .recipient = message->sender,
                                .message_id = message->message_id,
                                .event = message->event,
                                .created_ms = clock_wall_ms(&setup->clock),
                                .response_code = "ok",
                                .response_to = message->source_endpoint};
    log_event(LOG_LEVEL_INFO, "test-message", "partner", partner, "message",
              trace_id_to_log(message->message_id), "trace", trace_text(receiving), NULL);
    answer_message(receiving, &row);
}

static void process_message(struct receiver *receiver, struct exchange *exchange)
{
    struct receiving *receiving = arena_alloc(&exchange->arena, sizeof *receiving);
    struct fault fault = {FAULT_none, NULL};
    receiving->receiver = receiver;
    receiving->exchange = exchange;
    receiving->setup = receiver->options.setup;
    receiving->admission = admit(receiver, exchange);
    if (receiving->admission == NULL)
        return;
    if (!is_json_type(exchange_header(exchange, "content-type"))) {
        struct fault type = {
            FAULT_unsupported,
            "found another Content-Type, or none; expected application/fhir+json (FHIR R4 as "
            "JSON; XML is not read)"};
        answer_fault(exchange, 415, &type, NULL, 0);
        return;
    }
    if (!parse(receiving, NUMBER_MAX) || !validate(receiving) || !read_message(receiving))
        return;
    if (!admit_message(receiving->admission, receiving->setup, &exchange->arena,
                       &receiving->message, &fault)) {
        log_event(LOG_LEVEL_WARNING, "message-refused", "partner",
                  admission_partner(receiving->admission), "kind", fault_name(fault.kind),
                  "message", trace_id_to_log(receiving->message.message_id), "trace",
                  trace_text(receiving), NULL);
        refuse(exchange, &fault);
        return;
    }
    if (is_test(receiving->document.root))
        answer_test(receiving);
    else
        post(receiving);
}

/* ---- $send-again ---- */

struct recalling {
    struct unit unit;
    struct receiver *receiver;
    struct exchange *exchange;
    const char *org, *partner, *answer;
    const struct json *question;
    struct clock clock;
};

static bool recall(struct unit *unit, struct store *store)
{
    struct recalling *recalling = (struct recalling *)unit;
    return recall_answer(store, unit->arena, recalling->org, recalling->partner,
                         recalling->question, clock_wall_ms(&recalling->clock), &recalling->answer,
                         &unit->fault);
}

static void on_recalled(struct unit *unit)
{
    struct recalling *recalling = (struct recalling *)unit;
    const struct receiver_options *options = &recalling->receiver->options;
    bool is_good = unit->fault.kind == FAULT_none;
    leave_queue(recalling->exchange);
    log_event(LOG_LEVEL_INFO, is_good ? "asked-to-send-again" : "not-sent-again", "partner",
              recalling->partner, NULL);
    if (is_good)
        answer_text(recalling->exchange, 200, recalling->answer, NULL, 0);
    else
        answer_fault(recalling->exchange, fault_http_status(unit->fault.kind), &unit->fault, NULL,
                     RECALL_AGAIN_S);
    if (is_good && options->on_taken != NULL)
        options->on_taken(options->owner); /* the courier looks again */
}

/* A partner was restored from a backup (recall.h). */
static void send_again(struct receiver *receiver, struct exchange *exchange)
{
    struct receiving receiving = {
        .receiver = receiver, .exchange = exchange, .setup = receiver->options.setup};
    struct recalling *recalling = arena_alloc(&exchange->arena, sizeof *recalling);
    struct fault busy = {FAULT_busy, NULL};
    receiving.admission = admit(receiver, exchange);
    if (receiving.admission == NULL || !parse(&receiving, NUMBER_MAX) ||
        !enter_queue(receiver, exchange))
        return;
    recalling->unit = (struct unit){.run = recall, .done = on_recalled, .arena = &exchange->arena};
    recalling->receiver = receiver;
    recalling->exchange = exchange;
    recalling->org = arena_copy(&exchange->arena, receiving.setup->config.org);
    recalling->partner = arena_copy(&exchange->arena, admission_partner(receiving.admission));
    recalling->question = json_copy(&exchange->arena, receiving.document.root);
    recalling->clock = receiver->options.setup->clock;
    if (writer_post(receiver->options.writer, receiver->port, &recalling->unit))
        return;
    leave_queue(exchange);
    refuse(exchange, &busy);
}

/* ---- $validate ---- */

/* The resource itself, or the parameter `resource` of Parameters (R4 operation Resource-validate).
 */
static const struct json *resource_to_validate(const struct json *body)
{
    if (!text_equal(json_get_text(body, "resourceType"), "Parameters"))
        return body;
    const struct json *parameter = json_first(json_get(body, "parameter"));
    while (parameter != NULL && !text_equal(json_get_text(parameter, "name"), "resource"))
        parameter = json_next(parameter);
    return parameter == NULL ? body : json_get(parameter, "resource");
}

/* `/fhir/$validate` or `/fhir/TYPE/$validate`: always 200 with an OperationOutcome; nothing is
 * stored. */
static void validate_resource_sent(struct receiver *receiver, struct exchange *exchange)
{
    static const char prefix[] = "/fhir/";
    struct receiving receiving = {
        .receiver = receiver, .exchange = exchange, .setup = receiver->options.setup};
    if (admit(receiver, exchange) == NULL || !parse(&receiving, 0))
        return;
    const char *type = exchange->path + strlen(prefix);
    size_t length = strcspn(type, "/");
    struct issue_list issues = issue_list_new(&exchange->arena);
    struct validate_options options = {
        .type = type[0] == '$' ? NULL : arena_copy_n(&exchange->arena, type, length),
        .profiles = receiver->options.setup->profiles,
        .steps_max = CONFORM_STEPS_MAX,
        .checks_meta_profile = true};
    const struct json *resource = resource_to_validate(receiving.document.root);
    if (resource == receiving.document.root)
        validate_document(receiver->validator, &exchange->arena, &receiving.document, &options,
                          &issues);
    else
        validate_resource(receiver->validator, &exchange->arena, resource, &options, &issues);
    answer_text(exchange, 200,
                json_print(&exchange->arena, issue_outcome(&exchange->arena, &issues)), NULL, 0);
}

static bool asks_to_validate(const struct exchange *exchange)
{
    return text_starts(exchange->path, "/fhir/") && text_ends(exchange->path, "/$validate") &&
           strcmp(exchange->method, "POST") == 0;
}

/* ---- routes ---- */

static void metadata(struct receiver *receiver, struct exchange *exchange)
{
    if (admit(receiver, exchange) == NULL)
        return;
    if (receiver->capability == NULL)
        receiver->capability = capability_statement(receiver->options.setup, &receiver->spoken);
    answer_text(exchange, 200, arena_copy(&exchange->arena, receiver->capability), NULL, 0);
}

/* R4 spells the operation both ways; some senders post the Bundle to the base or to /Bundle. */
static const struct {
    const char *path, *method;
    void (*handle)(struct receiver *receiver, struct exchange *exchange);
} routes[] = {
    {"/fhir/$process-message", "POST", process_message},
    {"/fhir/$process-messages", "POST", process_message},
    {"/fhir/Bundle", "POST", process_message},
    {"/fhir", "POST", process_message},
    {"/fhir/", "POST", process_message},
    {"/fhir/" RECALL_OPERATION, "POST", send_again},
    {"/fhir/metadata", "GET", metadata},
};

void receiver_on_request(struct receiver *receiver, struct exchange *exchange)
{
    const char *allowed = NULL;
    if (asks_to_validate(exchange)) {
        validate_resource_sent(receiver, exchange);
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].path, exchange->path) != 0)
            continue;
        if (strcmp(routes[i].method, exchange->method) == 0) {
            routes[i].handle(receiver, exchange);
            return;
        }
        allowed = routes[i].method;
    }
    if (allowed != NULL) {
        not_allowed(exchange, allowed);
        return;
    }
    struct fault fault = {
        FAULT_not_found,
        "found an address that is not served; expected POST /fhir/$process-message or "
        "/fhir/$validate, or GET /fhir/metadata"};
    if (admit(receiver, exchange) != NULL)
        refuse(exchange, &fault);
}

/* ---- life ---- */

struct receiver *receiver_new(const struct receiver_options *options)
{
    struct receiver *receiver = calloc(1, sizeof *receiver);
    if (receiver == NULL)
        return NULL;
    receiver->options = *options;
    setup_hold(options->setup);
    receiver->port = writer_port_open(options->loop);
    receiver->validator = conform_validator(&receiver->arena);
    receiver->forms = acknowledge_forms_new(&receiver->arena, options->setup);
    return receiver;
}

void receiver_use(struct receiver *receiver, struct setup *setup)
{
    setup_release(receiver->options.setup);
    receiver->options.setup = setup_hold(setup);
    acknowledge_forms_use(receiver->forms, setup);
    arena_free(&receiver->spoken);
    receiver->capability = NULL;
}

void receiver_trim(struct receiver *receiver)
{
    if (receiver->scratch.used > SCRATCH_KEPT)
        arena_reset(&receiver->scratch);
}

void receiver_free(struct receiver *receiver)
{
    writer_port_close(receiver->port);
    setup_release(receiver->options.setup);
    acknowledge_forms_end(receiver->forms);
    arena_free(&receiver->spoken);
    arena_free(&receiver->scratch);
    arena_free(&receiver->arena);
    free(receiver);
}
