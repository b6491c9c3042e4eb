/* choose: what a record is made of, by reference and by meaning. See message/choose.h. */
#include "fhir/message/choose.h"

#include <stdlib.h>
#include <string.h>

#include "fhir/message/judge.h"
#include "fhir/message/when.h"

/* ---- what names what ---- */

/* References of a resource that say what belongs to it, in the order in which they count. */
enum { PATHS_MAX = 6 };
struct naming {
    const char *type;
    struct naming_path {
        const char *list, *inner, *last; /* list.inner.last; NULL: ends before */
    } paths[PATHS_MAX];                  /* NULL ends, where there are fewer */
};
static const struct naming namings[] = {
    {"MessageHeader", {{"focus", NULL, NULL}}},
    {"ServiceRequest",
     {{"reasonReference", NULL, NULL},
      {"insurance", NULL, NULL},
      {"supportingInfo", NULL, NULL},
      {"encounter", NULL, NULL}}},
    {"Task",
     {{"focus", NULL, NULL},
      {"basedOn", NULL, NULL},
      {"reasonReference", NULL, NULL},
      {"insurance", NULL, NULL},
      {"input", "valueReference", NULL},
      {"output", "valueReference", NULL}}},
    {"Composition", {{"encounter", NULL, NULL}, {"event", "detail", NULL}}},
    {"CarePlan",
     {{"addresses", NULL, NULL},
      {"goal", NULL, NULL},
      {"careTeam", NULL, NULL},
      {"supportingInfo", NULL, NULL},
      {"activity", "reference", NULL},
      {"activity", "detail", "goal"}}},
    {"Encounter",
     {{"reasonReference", NULL, NULL}, {"appointment", NULL, NULL}, {"episodeOfCare", NULL, NULL}}},
    {"EpisodeOfCare", {{"team", NULL, NULL}}},
    {"DiagnosticReport", {{"encounter", NULL, NULL}, {"result", NULL, NULL}}},
    {"Observation", {{"hasMember", NULL, NULL}}},
};
enum { NAMINGS = sizeof namings / sizeof namings[0] };

/* Entries in the order of their turns; each once, so the walk ends. */
struct queue {
    struct field_job *job;
    struct message_entry **entries;
    size_t count, room;
};

static void name_entry(struct queue *queue, struct message_entry *entry)
{
    if (entry == NULL || entry->named != ENTRIES_UNNAMED)
        return;
    queue->entries = arena_room(queue->job->arena, queue->entries, sizeof *queue->entries,
                                queue->count, &queue->room, 32);
    queue->entries[queue->count++] = entry;
    entry->named = queue->count;
}

/* NODE at the end of a path, or what is beneath it by REST; lists are gone through. */
static void name_at(struct queue *queue, const struct message_entry *holder,
                    const struct json *node, const char *const rest[])
{
    if (json_kind(node) == JSON_LIST) {
        for (const struct json *item = json_first(node); item != NULL; item = json_next(item))
            name_at(queue, holder, item, rest);
    } else if (node != NULL && rest[0] != NULL) {
        name_at(queue, holder, json_get(node, rest[0]), rest + 1);
    } else if (node != NULL) {
        name_entry(queue, entries_resolve_in(queue->job, node, entries_holder(holder)));
    }
}

static void name_sections(struct queue *queue, const struct message_entry *holder,
                          const struct json *list, int depth)
{
    static const char *const end[] = {NULL};
    for (const struct json *section = json_first(list); section != NULL && depth > 0;
         section = json_next(section)) {
        name_at(queue, holder, json_get(section, "entry"), end);
        name_sections(queue, holder, json_get(section, "section"), depth - 1);
    }
}

/* Encounter and EpisodeOfCare: the first rank before the second, those without one last. */
enum { RANKS_MAX = 64 };

static long rank_of(const struct json *diagnosis)
{
    const char *rank = json_number(json_get(diagnosis, "rank"));
    return rank == NULL ? RANKS_MAX : strtol(rank, NULL, 10);
}

static void name_diagnoses(struct queue *queue, const struct message_entry *holder)
{
    static const char *const end[] = {NULL};
    const struct json *list = json_get(holder->resource, "diagnosis");
    for (long rank = 0; list != NULL && rank <= RANKS_MAX; rank++) {
        for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
            long own = rank_of(item);
            if (own == rank || (rank == RANKS_MAX && (own < 0 || own > rank)))
                name_at(queue, holder, json_get(item, "condition"), end);
        }
    }
}

static const struct naming_path *paths_of(const char *type)
{
    for (size_t i = 0; i < NAMINGS; i++) {
        if (text_equal(namings[i].type, type))
            return namings[i].paths;
    }
    return NULL;
}

static void name_from(struct queue *queue, const struct message_entry *holder)
{
    enum { SECTION_DEPTH_MAX = 8 };
    const struct naming_path *path = paths_of(holder->type);
    for (size_t i = 0; path != NULL && i < PATHS_MAX && path[i].list != NULL; i++) {
        const char *const rest[] = {path[i].inner, path[i].last, NULL};
        const struct json *list = json_get(holder->resource, path[i].list);
        if (list != NULL)
            name_at(queue, holder, list, rest);
    }
    if (entries_is(holder, "Composition"))
        name_sections(queue, holder, json_get(holder->resource, "section"), SECTION_DEPTH_MAX);
    if (entries_is(holder, "Encounter") || entries_is(holder, "EpisodeOfCare"))
        name_diagnoses(queue, holder);
}

enum { ROOTS_MAX = 8 };

struct choose_roots {
    const struct message_entry *roots[ROOTS_MAX];
    size_t count;
    bool are_followed;
};

void choose_name(struct field_job *job, const struct message_entry *const roots[], size_t count)
{
    job->roots = arena_alloc(job->arena, sizeof *job->roots);
    for (size_t i = 0; i < count && job->roots->count < ROOTS_MAX; i++) {
        if (roots[i] != NULL)
            job->roots->roots[job->roots->count++] = roots[i];
    }
}

static void follow_roots(struct field_job *job)
{
    struct choose_roots *roots = job->roots;
    struct queue queue = {.job = job};
    size_t done = 0;
    if (roots == NULL || roots->are_followed)
        return;
    roots->are_followed = true;
    for (size_t i = 0; i < roots->count; i++) {
        name_from(&queue, roots->roots[i]);
        for (; done < queue.count; done++)
            name_from(&queue, queue.entries[done]);
    }
}

/* Its turn among what the record names, or ENTRIES_UNNAMED. */
static size_t turn_of(struct field_job *job, const struct message_entry *entry)
{
    follow_roots(job);
    return entry->named;
}

static bool is_named(struct field_job *job, const struct message_entry *entry)
{
    return turn_of(job, entry) != ENTRIES_UNNAMED;
}

/* ---- what is set aside ---- */

/* Types whose items are filed, and so belong to somebody, said or not. */
static bool is_filed(const char *type)
{
    static const char *const types[] = {"Appointment", "CarePlan",      "CareTeam",
                                        "Condition",   "ClaimResponse", "Coverage",
                                        "Encounter",   "EpisodeOfCare", "DocumentReference",
                                        "Flag",        "Goal",          "DiagnosticReport",
                                        "Observation", "Procedure",     "Task",
                                        "Consent",     "Media",         "Communication",
                                        NULL};
    size_t i = 0;
    while (types[i] != NULL && !text_equal(types[i], type))
        i++;
    return types[i] != NULL;
}

static bool has_one_patient(const struct field_job *job)
{
    struct message_entry *patient = entries_next_or_contained(job, "Patient", NULL);
    return patient == NULL || entries_next_or_contained(job, "Patient", patient) == NULL;
}

static void look_at(struct field_job *job, const struct message_client *client,
                    struct message_entry *entry)
{
    enum client_whose whose = client_whose(job, client, entry);
    entry->is_strangers = whose == CLIENT_ANOTHER || whose == CLIENT_UNKNOWN;
    if (entry->is_strangers)
        entry->aside =
            arena_print(job->arena,
                        whose == CLIENT_ANOTHER ? "not filed: it is about somebody else (%s)"
                                                : "not filed: the message does not tell who %s is",
                        client_named(job, entry));
    else if (whose == CLIENT_UNSAID && !has_one_patient(job) && !is_named(job, entry))
        entry->aside = "not filed: it does not say whom it is about";
}

static void set_aside(struct field_job *job, const struct message_client *client,
                      struct message_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct message_entry *entry = &entries[i];
        if (!entry->is_taken && entry->aside == NULL &&
            (client_subject(entry->resource) != NULL || is_filed(entry->type)))
            look_at(job, client, entry);
    }
}

void choose_set_aside(struct field_job *job, const struct message_client *client)
{
    set_aside(job, client, job->entries->entries, job->entries->count);
    set_aside(job, client, job->entries->contained, job->entries->contained_count);
    for (struct message_entry *patient = entries_next_or_contained(job, "Patient", NULL);
         patient != NULL; patient = entries_next_or_contained(job, "Patient", patient)) {
        if (client->entry == NULL || client_is_of(job, client, patient))
            continue;
        patient->is_strangers = true;
        patient->aside = "not filed: another person than the client";
    }
}

/* ---- an order by what resources say ---- */

struct ranked {
    struct message_entry *entry;
    int rank; /* by its time */
    size_t turn;
    const char *latest; /* start of what goes by it, or NULL */
    const char *said;   /* made when two have no turn */
};

/* Names, forms of references, and the narrative. */
static bool says_nothing(const struct json *member)
{
    static const char *const keys[] = {"id", "meta", "reference", "contained", NULL};
    size_t i = 0;
    while (keys[i] != NULL && strcmp(keys[i], json_key(member)) != 0)
        i++;
    return keys[i] != NULL ||
           (json_kind(member) == JSON_OBJECT && strcmp(json_key(member), "text") == 0);
}

static int by_key(const void *one, const void *other)
{
    const struct json *const *left = one;
    const struct json *const *right = other;
    return strcmp(json_key(*left), json_key(*right));
}

static void say(struct text *text, struct arena *arena, const struct json *node);

static void say_members(struct text *text, struct arena *arena, const struct json *object)
{
    size_t count = 0;
    const struct json **members = arena_array(arena, json_count(object) + 1, sizeof *members);
    for (const struct json *member = json_first(object); member != NULL;
         member = json_next(member)) {
        if (!says_nothing(member))
            members[count++] = member;
    }
    qsort(members, count, sizeof *members, by_key);
    for (size_t i = 0; i < count; i++) {
        text_print(text, "%s:", json_key(members[i]));
        say(text, arena, members[i]);
    }
}

static void say(struct text *text, struct arena *arena, const struct json *node)
{
    if (json_kind(node) == JSON_OBJECT) {
        say_members(text, arena, node);
    } else if (json_kind(node) == JSON_LIST) {
        for (const struct json *item = json_first(node); item != NULL; item = json_next(item))
            say(text, arena, item);
    } else if (json_kind(node) == JSON_BOOLEAN) {
        text_add(text, json_true(node) ? "true" : "false");
    } else if (node != NULL) {
        const char *plain = json_text(node) != NULL ? json_text(node) : json_number(node);
        text_add(text, plain == NULL ? "" : plain);
    }
    text_add(text, ";");
}

/* Older before newer, then by everything that it says. */
static const char *said_by(struct field_job *job, const struct json *resource)
{
    static const char *const dates[] = {"effectiveDateTime",
                                        "performedDateTime",
                                        "onsetDateTime",
                                        "recordedDate",
                                        "startDate",
                                        "date",
                                        "created",
                                        "authoredOn",
                                        "start",
                                        NULL};
    enum { LONGEST = 64 * 1024 }; /* what differs behind that keeps the order of the Bundle */
    struct text text = text_new(job->arena, LONGEST);
    const char *date = NULL;
    for (size_t i = 0; date == NULL && dates[i] != NULL; i++)
        date = json_get_text(resource, dates[i]);
    text_print(&text, "%s;", date == NULL ? "" : date);
    say_members(&text, job->arena, resource);
    say(&text, job->arena, json_get(resource, "contained"));
    return text.at;
}

static int by_turn(const void *one, const void *other)
{
    const struct ranked *left = one;
    const struct ranked *right = other;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    if (left->turn != right->turn)
        return left->turn - 1 < right->turn - 1 ? -1 : 1; /* without one: the last */
    int order = left->latest == NULL || right->latest == NULL
                    ? (left->latest == NULL) - (right->latest == NULL)
                    : strcmp(right->latest, left->latest);
    if (order == 0 && left->said != NULL && right->said != NULL)
        order = strcmp(left->said, right->said);
    if (order != 0)
        return order;
    return (left->entry > right->entry) - (left->entry < right->entry);
}

static void sort(struct field_job *job, struct message_choice *choice)
{
    struct ranked *ranked = arena_array(job->arena, choice->count, sizeof *ranked);
    size_t unnamed = 0;
    for (size_t i = 0; i < choice->count; i++) {
        const struct message_entry *entry = choice->entries[i];
        const struct json *period = json_get(entry->resource, "period");
        ranked[i] = (struct ranked){
            .entry = choice->entries[i],
            .rank = when_rank(job, entry),
            .turn = turn_of(job, choice->entries[i]),
            .latest = when_latest_first(entry->type) ? json_get_text(period, "start") : NULL};
        unnamed += ranked[i].turn == ENTRIES_UNNAMED;
    }
    for (size_t i = 0; unnamed > 1 && i < choice->count; i++) {
        if (ranked[i].turn == ENTRIES_UNNAMED)
            ranked[i].said = said_by(job, ranked[i].entry->resource);
    }
    qsort(ranked, choice->count, sizeof *ranked, by_turn);
    for (size_t i = 0; i < choice->count; i++)
        choice->entries[i] = ranked[i].entry;
}

/* ---- the resources of a part ---- */

/* Where the record names some of a type, the others are somebody else's concern: a problem list
 * beside the reason, the visit before, another payer. Precautions, results and attachments count
 * whether they are named or not. */
static bool is_named_alone(const char *type)
{
    static const char *const types[] = {"Condition",     "Goal",        "Encounter", "Coverage",
                                        "ClaimResponse", "Appointment", "CareTeam",  "CarePlan",
                                        "EpisodeOfCare", NULL};
    size_t i = 0;
    while (types[i] != NULL && !text_equal(types[i], type))
        i++;
    return types[i] != NULL;
}

/* Whether an Encounter reference means the visit that the record names, or else the one it has. */
static bool is_this_visit(struct field_job *job, const struct json *encounter,
                          const struct json *container)
{
    const struct json *named = json_get(job->main, "encounter");
    const struct message_entry *meant = entries_resolve_in(job, encounter, container);
    if (named == NULL || job->visit != NULL)
        return job->visit == NULL || meant == job->visit;
    return meant == NULL &&
           json_same(json_get(encounter, "reference"), json_get(named, "reference"));
}

/* A technique belongs to the visit at which it was used; a result that the record names may be an
 * earlier one. */
static bool is_of_other_visit(struct field_job *job, const struct message_entry *entry)
{
    const struct json *encounter = json_get(entry->resource, "encounter");
    bool is_named_result = entries_is(entry, "Observation") && is_named(job, entry);
    return encounter != NULL && strcmp(job->kind, "progress-note") == 0 && !is_named_result &&
           !entries_is(entry, "Condition") && !is_this_visit(job, encounter, entries_holder(entry));
}

/* The visit of a record that names one is that one or none. */
static bool is_wrong_encounter(struct field_job *job, const struct message_entry *entry)
{
    const struct json *named = json_get(job->main, "encounter");
    return entries_is(entry, "Encounter") && named != NULL &&
           entries_resolve_in(job, named, job->main) != entry;
}

static bool may_be(struct field_job *job, const struct map_part *part, struct message_entry *entry)
{
    if (entry->is_taken || entry->aside != NULL ||
        (part->is_it != NULL && !part->is_it(job, entry->resource)) ||
        !judge_part(job, part, entry))
        return false;
    if (is_of_other_visit(job, entry) || is_wrong_encounter(job, entry))
        entry->aside = "not filed: it belongs to another visit";
    else
        entry->aside = when_sets_aside(job, part, entry);
    return entry->aside == NULL;
}

static void drop_unnamed(struct field_job *job, struct message_choice *choice,
                         bool is_named_otherwise)
{
    size_t kept = 0;
    for (size_t i = 0; i < choice->count; i++) {
        if (is_named(job, choice->entries[i]))
            choice->entries[kept++] = choice->entries[i];
    }
    if (kept > 0 || is_named_otherwise)
        choice->count = kept;
}

struct message_choice choose_part(struct field_job *job, const struct map_part *part)
{
    struct message_choice choice = {NULL, 0};
    size_t room = 0;
    for (struct message_entry *entry = entries_next_or_contained(job, part->type, NULL);
         entry != NULL; entry = entries_next_or_contained(job, part->type, entry)) {
        if (!may_be(job, part, entry))
            continue;
        choice.entries =
            arena_room(job->arena, choice.entries, sizeof *choice.entries, choice.count, &room, 8);
        choice.entries[choice.count++] = entry;
    }
    bool has_codes =
        choice.count > 0 && strcmp(part->type, "Condition") == 0 && map_has_reason_codes(job);
    if (is_named_alone(part->type) && (choice.count > 1 || has_codes))
        drop_unnamed(job, &choice, has_codes);
    if (choice.count > 1)
        sort(job, &choice);
    return choice;
}

struct message_entry *choose_first(struct field_job *job, const char *type,
                                   bool (*is_it)(const struct message_entry *entry))
{
    struct message_entry *first = NULL;
    const char *said = NULL;
    for (struct message_entry *entry = entries_next(job, type, NULL); entry != NULL;
         entry = entries_next(job, type, entry)) {
        if (is_it != NULL && !is_it(entry))
            continue;
        if (first != NULL && said == NULL)
            said = said_by(job, first->resource);
        const char *its = first == NULL ? NULL : said_by(job, entry->resource);
        if (first == NULL || strcmp(its, said) < 0) {
            first = entry;
            said = its;
        }
    }
    return first;
}
