/* probe_metadata: see probe_metadata.h. */
#include "gateway/probe/probe_metadata.h"

#include <string.h>

#include "fhir/json/json.h"

enum { MINUTES_AN_HOUR = 60, LIST_TEXT = 4096 };

/* The events that carry each kind of record we may send (partner.def, setting send). */
static const struct {
    const char *kind, *event;
} kinds[] = {
    {"referral", "add-service-request"},
    {"progress-note", "notify-add-service-record"},
    {"discharge-summary", "notify-add-service-record"},
    {"treatment-plan", "share-care-plan"},
    {"case-conference", "share-case-conference"},
};

static struct probe_step step_of(enum probe_state state, const char *said, const char *advice)
{
    return (struct probe_step){"metadata", state, said, advice};
}

/* Does the statement say that messages of this event are received? *ret_other: one of its other
 * definitions, when it has any. */
static bool receives(const struct json *statement, const char *definition, const char **ret_other)
{
    const struct json *messaging = json_first(json_get(statement, "messaging"));
    const struct json *item = json_first(json_get(messaging, "supportedMessage"));
    for (; item != NULL; item = json_next(item)) {
        const char *mode = json_get_text(item, "mode");
        const char *said = json_get_text(item, "definition");
        if (mode == NULL || said == NULL || strcmp(mode, "receiver") != 0)
            continue;
        size_t length = strcspn(said, "|");
        if (strncmp(said, definition, length) == 0 && definition[length] == '\0')
            return true;
        *ret_other = said;
    }
    return false;
}

static struct probe_step missing_event(const struct setup *setup, struct arena *arena,
                                       const char *kind, const char *definition, const char *other)
{
    if (other == NULL)
        return step_of(
            PROBE_FAILED,
            "found a statement that names no messages; expected messaging with "
            "supportedMessage",
            "is url the FHIR base of a messaging system? A REST system needs style: rest");
    if (!text_starts(other, setup->config.canonical_base))
        return step_of(PROBE_FAILED,
                       arena_print(arena, "found messages named %s; expected names under %s", other,
                                   setup->config.canonical_base),
                       "both sides must have the same canonical_base (settings.yaml)");
    return step_of(
        PROBE_FAILED,
        arena_print(arena, "found no receiver of %s, which carries a %s", definition, kind),
        arena_print(arena,
                    "take %s out of send in the partner's file, or ask the partner "
                    "to take it",
                    kind));
}

/* A message that is sent again later than the partner remembers would take effect twice. */
static bool forgets_too_soon(const struct setup *setup, const struct json *statement,
                             long *ret_hours)
{
    long minutes = 0;
    if (!json_whole(json_get(json_first(json_get(statement, "messaging")), "reliableCache"),
                    &minutes))
        return false;
    *ret_hours = minutes / MINUTES_AN_HOUR;
    return (uint64_t)minutes < setup->config.park_after_hours * MINUTES_AN_HOUR;
}

static struct probe_step compare(const struct setup *setup, const struct partner *partner,
                                 struct arena *arena, const struct json *statement)
{
    const char *version = json_get_text(statement, "fhirVersion");
    const char *software = json_get_text(json_get(statement, "software"), "name");
    const char *number = json_get_text(json_get(statement, "software"), "version");
    struct text list = text_new(arena, LIST_TEXT);
    long hours = 0;
    if (version == NULL || !text_starts(version, "4.0"))
        return step_of(PROBE_FAILED,
                       arena_print(arena, "found FHIR version %s; expected 4.0.1",
                                   version == NULL ? "unknown" : version),
                       "the url may belong to another FHIR version of the same system");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *other = NULL;
        const char *definition = arena_print(arena, "%s/MessageDefinition/%s",
                                             setup->config.canonical_base, kinds[i].event);
        if (!partner_may_send(partner, kinds[i].kind))
            continue;
        if (!receives(statement, definition, &other))
            return missing_event(setup, arena, kinds[i].kind, definition, other);
        text_print(&list, "%s%s", list.length == 0 ? "" : ", ", kinds[i].kind);
    }
    if (forgets_too_soon(setup, statement, &hours))
        return step_of(
            PROBE_WARNS,
            arena_print(arena,
                        "it remembers messages for %ld hours, but we send again for up to %llu",
                        hours, (unsigned long long)setup->config.park_after_hours),
            "lower park_after_hours in settings.yaml, or ask the partner to remember longer");
    return step_of(PROBE_GOOD,
                   arena_print(arena, "%s %s, FHIR %s, takes %s",
                               software == NULL ? "unnamed software" : software,
                               number == NULL ? "" : number, version,
                               list.length == 0 ? "nothing of ours" : list.at),
                   NULL);
}

struct probe_step probe_metadata(const struct setup *setup, const struct partner *partner,
                                 struct arena *arena, const char *body, size_t length,
                                 bool *ret_is_refgate)
{
    struct json_document document;
    struct json_fault fault;
    *ret_is_refgate = false;
    if (!json_parse(arena, body, length, NULL, &document, &fault) ||
        !text_equal(json_get_text(document.root, "resourceType"), "CapabilityStatement"))
        return step_of(PROBE_FAILED, "found no CapabilityStatement at URL/metadata",
                       "is url the FHIR base? It often ends in /fhir");
    *ret_is_refgate =
        text_equal(json_get_text(json_get(document.root, "software"), "name"), "refgate");
    return compare(setup, partner, arena, document.root);
}
