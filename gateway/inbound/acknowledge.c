/* acknowledge: builds the answer to a message, and the OperationOutcome of a refusal. See
 * acknowledge.h.
 *
 * The id of an answer is derived from the message it answers, so the same row makes the same answer
 * again. */
#include "gateway/inbound/acknowledge.h"

#include <string.h>

#include "base/text.h"
#include "certs/io/digest.h"
#include "fhir/json/tree.h"

static struct json *issue_with(struct arena *arena, const char *severity, const char *code,
                               const char *text, const char *path)
{
    struct json *issue = json_new_object(arena);
    json_set_text(arena, issue, "severity", severity);
    json_set_text(arena, issue, "code", code);
    struct json *details = json_set(arena, issue, "details", json_new_object(arena));
    json_set_text(arena, details, "text", text);
    if (path != NULL)
        json_push(json_set(arena, issue, "expression", json_new_list(arena)),
                  json_new_text(arena, path));
    return issue;
}

static struct json *issue_of(struct arena *arena, enum fault_kind kind, const char *text,
                             const char *path)
{
    return issue_with(arena, "error", fault_issue_code(kind), text, path);
}

static const char *outcome(struct arena *arena, struct json *issues)
{
    struct json *resource = json_new_object(arena);
    json_set_text(arena, resource, "resourceType", "OperationOutcome");
    json_set(arena, resource, "issue", issues);
    return json_print(arena, resource);
}

const char *acknowledge_fault(struct arena *arena, const struct fault *fault, const char *path)
{
    struct json *issues = json_new_list(arena);
    json_push(issues, issue_of(arena, fault->kind, fault_sentence(fault), path));
    return outcome(arena, issues);
}

const char *acknowledge_findings(struct arena *arena, enum fault_kind kind,
                                 const struct finding_list *findings)
{
    struct json *issues = json_new_list(arena);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        const char *text = arena_print(arena, "found %s%s%s", finding->found,
                                       finding->expected == NULL ? "" : "; expected ",
                                       finding->expected == NULL ? "" : finding->expected);
        json_push(issues, issue_of(arena, kind, text, finding->path));
    }
    return outcome(arena, issues);
}

const char *acknowledge_issue(struct arena *arena, const struct fault *fault)
{
    struct json *issues = json_new_list(arena);
    json_push(issues, issue_of(arena, fault->kind, fault_sentence(fault), NULL));
    return json_print(arena, issues);
}

const char *acknowledge_notice(struct arena *arena, const char *text)
{
    struct json *issues = json_new_list(arena);
    json_push(issues, issue_with(arena, "information", "informational", text, NULL));
    return json_print(arena, issues);
}

const char *acknowledge_warning(struct arena *arena, const char *issues, const char *text)
{
    struct json *list =
        issues == NULL ? json_new_list(arena) : json_copy(arena, tree_of(arena, issues));
    json_push(list, issue_with(arena, "warning", "processing", text, NULL));
    return json_print(arena, list);
}

/* The Bundle and its MessageHeader are this answer's own. Everything else in it is told in the same
 * words in each answer of this clinic, and has the same ids. */
struct answer_ids {
    struct setup_ids shared; /* first: the context's endpoints are found through it */
    const struct acknowledge_places *places;
};

static const char *make_answer_id(void *maker, struct arena *arena, const char *name)
{
    const struct answer_ids *ids = maker;
    if (strcmp(name, "Bundle") == 0)
        return ids->places->bundle_id;
    if (strcmp(name, "MessageHeader") == 0)
        return ids->places->header_id;
    char *uuid = arena_alloc(arena, DIGEST_UUID_TEXT);
    digest_uuid5(ids->shared.space, name, uuid);
    return uuid;
}

const char *acknowledge_with(const struct setup *setup, struct arena *arena,
                             const struct store_message *message,
                             const struct acknowledge_places *places)
{
    struct answer_ids ids = {.shared.space =
                                 arena_print(arena, "urn:refgate:answers:%s", setup->config.org),
                             .places = places};
    struct fhir_context context = setup_context(setup, arena, &ids.shared);
    context.make_id = make_answer_id;
    struct message_reply reply = {.answers = places->answers,
                                  .code = message->response_code,
                                  .event = message->event,
                                  .from = setup->config.org,
                                  .to = message->recipient,
                                  .to_endpoint = message->response_to,
                                  .at = places->at,
                                  .issues = tree_of(arena, message->response_issues)};
    return json_print(arena, message_of_reply(&context, &reply));
}

/* The version 5 UUID of urn:refgate:answer among URLs, which all answers stand under. */
static const char answers_space[] = "9b16d6d7-72ec-5790-a7ad-ff8aef063e20";

struct acknowledge_places acknowledge_places_of(const struct setup *setup, struct arena *arena,
                                                const struct store_message *message)
{
    char *bundle_id = arena_alloc(arena, DIGEST_UUID_TEXT);
    char *header_id = arena_alloc(arena, DIGEST_UUID_TEXT);
    struct text answer = text_new(arena, 4096);
    text_add(&answer, setup->config.org);
    text_add(&answer, ":");
    text_add(&answer, message->partner);
    text_add(&answer, ":");
    text_add(&answer, message->message_id);
    if (message->answer_mark != NULL) {
        text_add(&answer, ":");
        text_add(&answer, message->answer_mark);
    }
    digest_uuid5(answers_space, answer.at, header_id);
    digest_uuid5(header_id, "Bundle", bundle_id);
    return (struct acknowledge_places){.bundle_id = bundle_id,
                                       .header_id = header_id,
                                       .at = clock_text(arena, message->created_ms),
                                       .answers = message->message_id};
}

const char *acknowledge_message(const struct setup *setup, struct arena *arena,
                                const struct store_message *message)
{
    const struct acknowledge_places places = acknowledge_places_of(setup, arena, message);
    return acknowledge_with(setup, arena, message, &places);
}
