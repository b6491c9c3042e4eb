/* acknowledge: see acknowledge.h. */
#include "gateway/acknowledge.h"

#include <string.h>

static struct json *issue_of(struct arena *arena, enum fault_kind kind, const char *text,
                             const char *path)
{
    struct json *issue = json_new_object(arena);
    json_set_text(arena, issue, "severity", "error");
    json_set_text(arena, issue, "code", fault_issue_code(kind));
    struct json *details = json_set(arena, issue, "details", json_new_object(arena));
    json_set_text(arena, details, "text", text);
    if (path != NULL)
        json_push(json_set(arena, issue, "expression", json_new_list(arena)),
                  json_new_text(arena, path));
    return issue;
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

static const struct json *issues_of(struct arena *arena, const char *text)
{
    struct json_document document;
    struct json_fault fault;
    if (text == NULL || !json_parse(arena, text, strlen(text), NULL, &document, &fault))
        return NULL;
    return document.root;
}

const char *acknowledge_message(const struct setup *setup, struct arena *arena,
                                const struct store_message *message)
{
    struct setup_ids ids = {.space =
                                arena_print(arena, "urn:refgate:answer:%s:%s:%s", setup->config.org,
                                            message->partner, message->message_id)};
    struct fhir_context context = setup_context(setup, arena, &ids);
    struct message_reply reply = {.answers = message->message_id,
                                  .code = message->response_code,
                                  .event = message->event,
                                  .from = setup->config.org,
                                  .to = message->recipient,
                                  .to_endpoint = message->response_to,
                                  .at = clock_text(arena, message->created_ms),
                                  .issues = issues_of(arena, message->response_issues)};
    return json_print(arena, message_of_reply(&context, &reply));
}
