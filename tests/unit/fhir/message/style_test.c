/* message_read: one message in every form that FHIR allows for it is one record: entries in any
 * order, with and without fullUrl, references absolute, relative, versioned or contained. SEEDS=N
 * tries more records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/random_record.h"

static const char *const kinds[] = {"referral",        "progress-note",  "discharge-summary",
                                    "case-conference", "treatment-plan", "consent"};

#define SERVER "https://ehr.example/r4/"

/* What becomes of fullUrl and of references: %t the type, %i the id. */
static const struct style {
    const char *name, *full_url, *reference; /* full_url NULL: left out */
    bool is_contained;                       /* clinical resources stand in the main one */
} styles[] = {
    {"urn", "urn:uuid:%i", "urn:uuid:%i", false},
    {"urn without fullUrl", NULL, "urn:uuid:%i", false},
    {"relative without fullUrl", NULL, "%t/%i", false},
    {"relative beside urn", "urn:uuid:%i", "%t/%i", false},
    {"relative", SERVER "%t/%i", "%t/%i", false},
    {"absolute", SERVER "%t/%i", SERVER "%t/%i", false},
    {"absolute without fullUrl", NULL, SERVER "%t/%i", false},
    {"versioned", SERVER "%t/%i", SERVER "%t/%i/_history/3", false},
    {"relative and versioned", SERVER "%t/%i", "%t/%i/_history/3", false},
    {"contained", SERVER "%t/%i", SERVER "%t/%i", true},
    {"contained beside urn", "urn:uuid:%i", "urn:uuid:%i", true},
};
enum { STYLES = sizeof styles / sizeof styles[0], ENTRIES_MAX = 200 };

static const char *fill(struct arena *arena, const char *form, const char *type, const char *id)
{
    struct text text = text_new(arena, 1000);
    for (; *form != '\0'; form++) {
        if (form[0] == '%')
            text_add(&text, *++form == 't' ? type : id);
        else
            text_print(&text, "%c", *form);
    }
    return text.at;
}

static char *replace(struct arena *arena, const char *text, const char *old, const char *with)
{
    struct text out = text_new(arena, 4u << 20);
    const char *at = strstr(text, old);
    for (; at != NULL; text = at + strlen(old), at = strstr(text, old)) {
        text_add(&out, arena_copy_n(arena, text, (size_t)(at - text)));
        text_add(&out, with);
    }
    text_add(&out, text);
    return out.at;
}

static const struct json *resource_of(const struct json *entry)
{
    return json_get(entry, "resource");
}

static bool may_be_contained(const struct json *resource)
{
    static const char *const types[] = {"Condition",     "Flag",        "Goal",
                                        "ClaimResponse", "Appointment", "DocumentReference",
                                        "Coverage",      NULL};
    size_t i = 0;
    while (types[i] != NULL && !text_equal(types[i], json_get_text(resource, "resourceType")))
        i++;
    return types[i] != NULL && json_get(resource, "contained") == NULL;
}

static bool is_main(const struct json *resource, const char *kind)
{
    const char *type = strcmp(kind, "referral") == 0         ? "ServiceRequest"
                       : strcmp(kind, "treatment-plan") == 0 ? "CarePlan"
                       : strcmp(kind, "consent") == 0        ? "Consent"
                                                             : "Composition";
    return text_equal(json_get_text(resource, "resourceType"), type);
}

/* The entries in an order of SEED behind the header; with contained ones where the style says so.
 */
static struct json *arrange(struct arena *arena, const struct json *bundle, const char *kind,
                            const struct style *style, unsigned seed)
{
    struct json *out = json_copy(arena, bundle);
    const struct json *entries[ENTRIES_MAX];
    size_t count = 0;
    struct json *main = NULL;
    struct json *contained = json_new_list(arena);
    for (const struct json *entry = json_first(json_get(bundle, "entry")); entry != NULL;
         entry = json_next(entry)) {
        assert_true(count < ENTRIES_MAX);
        if (style->is_contained && may_be_contained(resource_of(entry)))
            json_push(contained, json_copy(arena, resource_of(entry)));
        else
            entries[count++] = entry;
    }
    struct json *list = json_new_list(arena);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        size_t other = i == 0 ? 0 : i + (seed >> 8) % (count - i);
        const struct json *chosen = entries[other];
        entries[other] = entries[i];
        struct json *entry = json_push(list, json_copy(arena, chosen));
        if (is_main(resource_of(entry), kind))
            main = json_get(entry, "resource");
    }
    for (struct json *item = json_first(json_get(main, "contained")); item != NULL;
         item = json_next(item))
        json_push(contained, json_copy(arena, item));
    if (json_first(contained) != NULL)
        json_replace(arena, main, "contained", contained);
    json_replace(arena, out, "entry", list);
    return out;
}

static char *restyle(struct arena *arena, const struct json *bundle, const char *kind,
                     const struct style *style, unsigned seed)
{
    char *text = json_print(arena, arrange(arena, bundle, kind, style, seed));
    for (const struct json *entry = json_first(json_get(bundle, "entry")); entry != NULL;
         entry = json_next(entry)) {
        const struct json *resource = resource_of(entry);
        const char *type = json_get_text(resource, "resourceType");
        const char *id = json_get_text(resource, "id");
        bool is_inner = style->is_contained && may_be_contained(resource);
        const char *full =
            style->full_url == NULL
                ? ""
                : arena_print(arena, "\"fullUrl\":\"%s\",", fill(arena, style->full_url, type, id));
        const char *reference =
            is_inner ? arena_print(arena, "#%s", id) : fill(arena, style->reference, type, id);
        text = replace(arena, text, arena_print(arena, "\"fullUrl\":\"urn:uuid:%s\",", id), full);
        text = replace(arena, text, arena_print(arena, "\"reference\":\"urn:uuid:%s\"", id),
                       arena_print(arena, "\"reference\":\"%s\"", reference));
    }
    return text;
}

static struct json *read_back(struct arena *arena, const struct directory *directory,
                              const char *name, const char *text)
{
    struct fhir_context context = mapping_context(arena, directory, name);
    struct finding_list findings = finding_list_new(arena);
    struct json_document document;
    struct json_fault fault;
    struct message_inbound in;
    assert_true(json_parse(arena, text, strlen(text), NULL, &document, &fault));
    if (!message_read(&context, document.root, &in, &findings))
        fail_msg("%s: %s: %s\n%s", name, findings.items[0].path, findings.items[0].found, text);
    return in.record;
}

struct sent {
    const char *name;
    struct json *record, *bundle;
};

static struct sent send(struct arena *arena, const struct directory *directory, const char *kind,
                        unsigned seed)
{
    const char *name = arena_print(arena, "%s-%u", kind, seed);
    struct fhir_context context = mapping_context(arena, directory, name);
    struct json *record = random_record(arena, kind, seed);
    const char *recipients[] = {"willow"};
    struct message_referral referral = {
        .placer = "lakeside", .number = json_get_text(record, "referral_id"), .filler = "willow"};
    struct message_record_options options = {.recipients = recipients,
                                             .recipient_count = 1,
                                             .referral = seed % 2 == 0 ? &referral : NULL,
                                             .task_status = seed % 5 == 0 ? "in-progress" : NULL};
    struct sent sent = {name, record, message_of_record(&context, record, &options)};
    json_remove(record, "private_note");
    record_fill_defaults(arena, record, directory);
    return sent;
}

/* In every form BUNDLE is read as WANTED; NULL: as in the first one. */
static void assert_one(struct arena *arena, const struct directory *directory, const char *kind,
                       const struct sent *sent, const struct json *wanted, unsigned seed)
{
    for (size_t i = 0; i < STYLES; i++) {
        const char *text = restyle(arena, sent->bundle, kind, &styles[i], seed + (unsigned)i);
        struct json *read = read_back(arena, directory, sent->name, text);
        if (wanted == NULL)
            wanted = read;
        const char *one = record_canonical(arena, wanted, directory, false);
        const char *other = record_canonical(arena, read, directory, false);
        if (strcmp(one, other) == 0)
            continue;
        fprintf(stderr, "%s\nwanted   %s\nreceived %s\n", text, one, other);
        fail_msg("%s, %s", sent->name, styles[i].name);
    }
}

static void form(struct arena *arena, const struct directory *directory, const char *kind,
                 unsigned seed)
{
    struct sent sent = send(arena, directory, kind, seed);
    assert_one(arena, directory, kind, &sent, sent.record, seed);
}

/* Nothing is named by the main resource: what the rest says makes the order. */
static void without_links(struct arena *arena, const struct directory *directory, const char *kind,
                          unsigned seed)
{
    static const char *const links[] = {"reasonReference", "supportingInfo", "insurance",
                                        "addresses",       "goal",           "careTeam"};
    struct sent sent = send(arena, directory, kind, seed);
    for (struct json *entry = json_first(json_get(sent.bundle, "entry")); entry != NULL;
         entry = json_next(entry)) {
        struct json *resource = json_get(entry, "resource");
        for (size_t i = 0; is_main(resource, kind) && i < sizeof links / sizeof *links; i++)
            json_remove(resource, links[i]);
        for (struct json *section = json_first(json_get(resource, "section")); section != NULL;
             section = json_next(section))
            json_remove(section, "entry");
    }
    assert_one(arena, directory, kind, &sent, NULL, seed);
}

static const char *patient_of(const struct json *bundle)
{
    const struct json *entry = json_first(json_get(bundle, "entry"));
    while (!text_equal(json_get_text(resource_of(entry), "resourceType"), "Patient"))
        entry = json_next(entry);
    return json_get_text(resource_of(entry), "id");
}

static bool is_about_somebody(const struct json *resource)
{
    static const char *const members[] = {"subject", "patient", "beneficiary"};
    for (size_t i = 0; i < 3; i++) {
        if (json_get(resource, members[i]) != NULL)
            return true;
    }
    return false;
}

/* Whatever the message says of the client it says of somebody else once more. */
static void beside_a_stranger(struct arena *arena, const struct directory *directory,
                              const char *kind, unsigned seed)
{
    static const char stranger[] = "{\"fullUrl\":\"urn:uuid:stranger-1\",\"resource\":{"
                                   "\"resourceType\":\"Patient\",\"id\":\"stranger-1\","
                                   "\"name\":[{\"family\":\"Else\",\"given\":[\"Some\"]}]}}";
    struct sent sent = send(arena, directory, kind, seed);
    struct json *list = json_get(sent.bundle, "entry");
    struct text text = text_new(arena, 4u << 20);
    const char *client = patient_of(sent.bundle);
    text_print(&text, "[%s", stranger);
    for (const struct json *entry = json_first(list); entry != NULL; entry = json_next(entry)) {
        const char *id = json_get_text(resource_of(entry), "id");
        if (!is_about_somebody(resource_of(entry)) || is_main(resource_of(entry), kind))
            continue;
        char *copy = replace(arena, json_print(arena, entry), id, arena_print(arena, "%s-e", id));
        text_print(&text, ",%s", replace(arena, copy, client, "stranger-1"));
    }
    text_add(&text, "]");
    struct json_document document;
    struct json_fault fault;
    assert_true(json_parse(arena, text.at, text.length, NULL, &document, &fault));
    for (struct json *entry = json_first(document.root); entry != NULL; entry = json_next(entry))
        json_push(list, json_copy(arena, entry));
    assert_one(arena, directory, kind, &sent, sent.record, seed);
}

static void with_all(void (*check)(struct arena *, const struct directory *, const char *,
                                   unsigned))
{
    struct arena fixed = ARENA_EMPTY;
    struct arena arena = ARENA_EMPTY;
    struct directory *directory = mapping_directory(&fixed);
    unsigned seeds = getenv("SEEDS") == NULL ? 40 : (unsigned)atoi(getenv("SEEDS"));
    for (unsigned seed = 0; seed < seeds; seed++) {
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            check(&arena, directory, kinds[i], seed);
            arena_reset(&arena);
        }
    }
    arena_free(&arena);
    arena_free(&fixed);
}

static void every_form_is_one_record(void **state)
{
    (void)state;
    with_all(form);
}

static void no_order_but_that_of_meaning(void **state)
{
    (void)state;
    with_all(without_links);
}

static void nothing_of_a_stranger_enters(void **state)
{
    (void)state;
    with_all(beside_a_stranger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_one_record),
        cmocka_unit_test(no_order_but_that_of_meaning),
        cmocka_unit_test(nothing_of_a_stranger_enters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
