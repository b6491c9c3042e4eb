/* capability: see capability.h. */
#include "gateway/inbound/capability.h"

static const char *const events[] = {
    "add-service-request",
    "notify-update-service-request",
    "revoke-service-request",
    "notify-update-process-request",
    "abort-request",
    "notify-add-service-record",
    "notify-update-service-record",
    "share-care-plan",
    "share-case-conference",
};

static void add_security(struct arena *arena, struct json *rest)
{
    struct json *security = json_set(arena, rest, "security", json_new_object(arena));
    struct json *services = json_set(arena, security, "service", json_new_list(arena));
    struct json *service = json_push(services, json_new_object(arena));
    struct json *codings = json_set(arena, service, "coding", json_new_list(arena));
    struct json *coding = json_push(codings, json_new_object(arena));
    json_set_text(arena, coding, "system",
                  "http://terminology.hl7.org/CodeSystem/restful-security-service");
    json_set_text(arena, coding, "code", "Certificates");
    json_set_text(arena, security, "description",
                  "Mutual TLS 1.3 or 1.2; a certificate of a registered partner is required.");
}

static void add_messaging(const struct setup *setup, struct arena *arena, struct json *statement)
{
    struct json *list = json_set(arena, statement, "messaging", json_new_list(arena));
    struct json *messaging = json_push(list, json_new_object(arena));
    json_set(arena, messaging, "reliableCache",
             json_new_whole(arena, (long)setup->config.ledger_days * 24 * 60));
    struct json *supported = json_set(arena, messaging, "supportedMessage", json_new_list(arena));
    static const char *const modes[] = {"sender", "receiver"};
    for (size_t i = 0; i < 2 * sizeof events / sizeof *events; i++) {
        struct json *message = json_push(supported, json_new_object(arena));
        json_set_text(arena, message, "mode", modes[i % 2]);
        json_set_text(arena, message, "definition",
                      arena_print(arena, "%s/MessageDefinition/%s|1", setup->config.canonical_base,
                                  events[i / 2]));
    }
}

const char *capability_statement(const struct setup *setup, struct arena *arena)
{
    struct json *statement = json_new_object(arena);
    json_set_text(arena, statement, "resourceType", "CapabilityStatement");
    json_set_text(arena, statement, "status", "active");
    json_set_text(arena, statement, "date", "2026-11-23");
    json_set_text(arena, statement, "kind", "instance");
    struct json *software = json_set(arena, statement, "software", json_new_object(arena));
    json_set_text(arena, software, "name", "refgate");
    json_set_text(arena, software, "version", REFGATE_VERSION);
    struct json *implementation =
        json_set(arena, statement, "implementation", json_new_object(arena));
    json_set_text(arena, implementation, "description",
                  arena_print(arena, "Referral gateway of %s", setup->config.org));
    json_set_text(arena, statement, "fhirVersion", "4.0.1");
    struct json *formats = json_set(arena, statement, "format", json_new_list(arena));
    json_push(formats, json_new_text(arena, "application/fhir+json"));
    struct json *rests = json_set(arena, statement, "rest", json_new_list(arena));
    struct json *rest = json_push(rests, json_new_object(arena));
    json_set_text(arena, rest, "mode", "server");
    add_security(arena, rest);
    struct json *operations = json_set(arena, rest, "operation", json_new_list(arena));
    static const char *const offered[][2] = {
        {"process-message",
         "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"},
        {"validate", "http://hl7.org/fhir/OperationDefinition/Resource-validate"},
    };
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++) {
        struct json *operation = json_push(operations, json_new_object(arena));
        json_set_text(arena, operation, "name", offered[i][0]);
        json_set_text(arena, operation, "definition", offered[i][1]);
    }
    add_messaging(setup, arena, statement);
    return json_print(arena, statement);
}
