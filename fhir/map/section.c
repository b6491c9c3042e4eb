/* section: see section.h. */
#include "fhir/map/section.h"

#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/field/choice.h"
#include "fhir/map/people.h"
#include "fhir/narrative/narrative.h"
#include "fhir/record/vocabulary.h"

/* ---- the tables ---- */

struct told_field {
    const char *name, *label; /* label NULL: the text stands alone */
};

struct section {
    const char *title;
    const char *code;            /* key of code tables, kind section or document; NULL: ours */
    struct told_field fields[4]; /* ends with NULL */
    const char *list;            /* field whose items are told in lines, or NULL */
    const char *entries[2];      /* names of entries: "Goal" means all "Goal/1", ... */
};

static const struct section note_sections[] = {
    {"Subjective", "section-subjective", {{"subjective", NULL}}, NULL, {NULL}},
    {"Objective", "section-objective", {{"objective", NULL}}, NULL, {NULL}},
    {"Measurements", NULL, {{NULL, NULL}}, "measurements", {"Observation", NULL}},
    {"Palpation", NULL, {{NULL, NULL}}, "palpation", {"Palpation", NULL}},
    {"Assessment", "section-assessment", {{"assessment", NULL}}, NULL, {NULL}},
    {"Techniques", "section-interventions", {{NULL, NULL}}, "techniques", {"Procedure", NULL}},
    {"Response", NULL, {{NULL, NULL}}, "response", {"Session", "Rating"}},
    {"Plan", "plan-of-care", {{"plan", NULL}}, NULL, {NULL}},
    {"Home care", "section-instructions", {{NULL, NULL}}, "home_care", {"HomeCare", NULL}},
    {"Goals", "section-goals", {{NULL, NULL}}, "goals", {"Goal", NULL}},
    {"Next visit", NULL, {{NULL, NULL}}, "next_visit_on", {"NextVisit", NULL}},
    {"Attachments", NULL, {{NULL, NULL}}, "attachments", {"DocumentReference", NULL}},
    {"Notes", NULL, {{"notes", NULL}}, NULL, {NULL}},
    {"Consent", NULL, {{NULL, NULL}}, NULL, {"Consent", NULL}},
    {.title = NULL}};

static const struct section discharge_sections[] = {
    {"Outcome", "section-assessment", {{"outcome", NULL}}, NULL, {NULL}},
    {"Visits",
     NULL,
     {{"visits_completed", "Visits kept"},
      {"visits_missed", "Visits missed"},
      {"discharge_reason", "Why care ends"}},
     NULL,
     {"EpisodeOfCare", NULL}},
    {"Measurements", NULL, {{NULL, NULL}}, "measurements", {"Observation", NULL}},
    {"Goals", "section-goals", {{NULL, NULL}}, "goals", {"Goal", NULL}},
    {"Recommendations", "section-instructions", {{"recommendations", NULL}}, NULL, {NULL}},
    {"Come back if", NULL, {{"return_if", NULL}}, NULL, {NULL}},
    {"Follow-up", "section-care-team", {{NULL, NULL}}, "follow_up_with", {"CareTeam", NULL}},
    {"Attachments", NULL, {{NULL, NULL}}, "attachments", {"DocumentReference", NULL}},
    {"Notes", NULL, {{"notes", NULL}}, NULL, {NULL}},
    {"Consent", NULL, {{NULL, NULL}}, NULL, {"Consent", NULL}},
    {.title = NULL}};

static const struct section conference_sections[] = {
    {"Agenda", NULL, {{"agenda", NULL}}, NULL, {NULL}},
    {"Who took part",
     "section-care-team",
     {{"client_present", "The client was present"}},
     "participants",
     {"CareTeam", NULL}},
    {"Summary", "section-assessment", {{"summary", NULL}}, NULL, {NULL}},
    {"Decisions", NULL, {{NULL, NULL}}, "decisions", {NULL}},
    {"Actions", NULL, {{NULL, NULL}}, "actions", {"Action", NULL}},
    {"Next conference", NULL, {{NULL, NULL}}, "next_conference_at", {"NextConference", NULL}},
    {"Attachments", NULL, {{NULL, NULL}}, "attachments", {"DocumentReference", NULL}},
    {"Notes", NULL, {{"notes", NULL}}, NULL, {NULL}},
    {"Consent", NULL, {{NULL, NULL}}, NULL, {"Consent", NULL}},
    {.title = NULL}};

static const struct section *sections_of(const struct field_job *job)
{
    if (strcmp(job->kind, "discharge-summary") == 0)
        return discharge_sections;
    return strcmp(job->kind, "case-conference") == 0 ? conference_sections : note_sections;
}

/* ---- lines: how an item reads ---- */

struct word_of_line {
    const char *before, *field, *after;
};

struct line {
    const char *list;
    struct word_of_line words[9]; /* ends with NULL */
};

static const struct line lines[] = {
    {"measurements",
     {{"", "measure", ""},
      {" ", "joint", ""},
      {" ", "motion", ""},
      {", ", "how", ""},
      {", ", "side", ""},
      {": ", "value", ""},
      {" ", "unit", ""},
      {" (", "measured_on", ")"},
      {". ", "note", ""}}},
    {"palpation",
     {{"", "area", ""},
      {", ", "side", ""},
      {": ", "finding", ""},
      {" (tenderness ", "tenderness_0_to_4", " of 4)"}}},
    {"techniques",
     {{"", "technique", ""},
      {": ", "text", ""},
      {", ", "minutes", " min"},
      {", ", "area", ""},
      {", ", "side", ""}}},
    {"goals",
     {{"", "text", ""},
      {"; target ", "target", ""},
      {" ", "unit", ""},
      {"; by ", "due_on", ""},
      {": ", "status", ""}}},
    {"attachments", {{"", "title", ""}, {" (", "file", ")"}}},
    {"participants", {{"", "who", ""}, {", ", "role", ""}, {": ", "attendance", ""}}},
    {"actions",
     {{"", "text", ""}, {" (", "owner", ""}, {", by ", "due_on", ""}, {", ", "status", ")"}}},
    {NULL, {{NULL, NULL, NULL}}}};

static const char *readable(struct field_job *job, const struct record_field *field,
                            const struct json *value)
{
    const char *text = json_text(value);
    if (text == NULL)
        return json_number(value) != NULL ? json_number(value) : json_true(value) ? "yes" : "no";
    if (field == NULL)
        return text;
    if (field->type == RECORD_HANDLE)
        return people_name(job, text);
    if (field->type != RECORD_WORD)
        return text;
    char *words = arena_copy(job->arena, text);
    for (char *at = strchr(words, '-'); at != NULL; at = strchr(at, '-'))
        *at = ' ';
    return words;
}

static const char *line_of(struct field_job *job, const char *list, const struct json *item)
{
    const struct line *line = lines;
    while (line->list != NULL && strcmp(line->list, list) != 0)
        line++;
    const struct record_field *known = record_field_find(record_kind_find(job->kind), list);
    struct text text = text_new(job->arena, 64 * 1024);
    for (size_t i = 0; line->list != NULL && i < 9 && line->words[i].field != NULL; i++) {
        const struct word_of_line *word = &line->words[i];
        const struct json *value = json_get(item, word->field);
        if (value == NULL)
            continue;
        text_print(&text, "%s%s%s", text.length == 0 ? "" : word->before,
                   readable(job, record_field_find(known->item, word->field), value), word->after);
    }
    if (text.at[0] >= 'a' && text.at[0] <= 'z')
        text.at[0] = (char)(text.at[0] - 'a' + 'A');
    return text.at;
}

/* ---- writing ---- */

static void tell_value(struct field_job *job, struct narrative *narrative, const char *name,
                       const char *label, const struct json *value)
{
    const struct record_field *field = record_field_find(record_kind_find(job->kind), name);
    if (json_kind(value) != JSON_LIST) {
        narrative_paragraph(narrative, label, readable(job, field, value));
        return;
    }
    narrative_list(narrative, label);
    for (struct json *item = json_first(value); item != NULL; item = json_next(item)) {
        const char *line =
            json_kind(item) == JSON_OBJECT ? line_of(job, name, item) : readable(job, field, item);
        if (!text_is_blank(line))
            narrative_item(narrative, line);
    }
    narrative_end_list(narrative);
}

static void keep_value(struct field_job *job, struct json *extensions, const char *name,
                       const struct json *value)
{
    if (json_kind(value) != JSON_LIST) {
        json_push(extensions, field_new_extra(job, name, value));
        return;
    }
    for (struct json *item = json_first(value); item != NULL; item = json_next(item))
        json_push(extensions, field_new_extra(job, name, item));
}

/* "Goal" means "Goal/1" and so on, and "Goal" itself. */
static bool is_named(const struct message_entry *entry, const char *name)
{
    size_t length = strlen(name);
    return entry->resource != NULL && strncmp(entry->name, name, length) == 0 &&
           (entry->name[length] == '\0' || entry->name[length] == '/');
}

static struct json *entries_of(struct field_job *job, const struct section *section)
{
    struct json *list = json_new_list(job->arena);
    for (size_t i = 0; i < 2 && section->entries[i] != NULL; i++) {
        for (size_t j = 0; j < job->entries->count; j++) {
            const struct message_entry *entry = &job->entries->entries[j];
            if (is_named(entry, section->entries[i]))
                json_push(list, entries_reference(job, entry->name, NULL));
        }
    }
    return json_first(list) == NULL ? NULL : list;
}

/* "Next visit" -> "next-visit", for sections without a code elsewhere. */
static const char *own_code(struct field_job *job, const struct section *section)
{
    char *code = arena_copy(job->arena, section->title);
    for (char *at = code; *at != '\0'; at++)
        *at = *at == ' ' ? '-' : *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    return code;
}

static const struct coding_row *standard_code(const struct field_job *job,
                                              const struct section *section)
{
    return field_row(job, NULL, section->code);
}

static struct json *section_code(struct field_job *job, const struct section *section)
{
    const struct coding_row *row = standard_code(job, section);
    struct json *concept = field_new_concept(job, NULL);
    if (row != NULL)
        field_add_row(job, concept, row);
    else
        field_add_coding(job, concept, field_uri(job, "/CodeSystem/section"),
                         own_code(job, section), section->title);
    return concept;
}

/* The response to a visit is told of three fields that stand in resources of their own. */
static void tell_response(struct field_job *job, struct narrative *narrative)
{
    narrative_paragraph(narrative, NULL, json_get_text(job->record, "response"));
    narrative_paragraph(narrative, "After the visit",
                        json_get_text(job->record, "response_rating"));
    narrative_paragraph(narrative, "Went wrong", json_get_text(job->record, "adverse_reaction"));
}

/* Each decision is a section of its own, whose author is who agreed. */
static struct json *decision_sections(struct field_job *job)
{
    struct json *list = json_new_list(job->arena);
    struct json *decision = json_first(json_get(job->record, "decisions"));
    for (size_t place = 1; decision != NULL; decision = json_next(decision), place++) {
        struct json *section = json_push(list, json_new_object(job->arena));
        struct json *extensions = json_put(section, "extension", json_new_list(job->arena));
        json_push(extensions, field_new_extra(job, "decisions", json_get(decision, "text")));
        json_set_text(job->arena, section, "title", arena_print(job->arena, "Decision %zu", place));
        struct json *authors = json_new_list(job->arena);
        for (struct json *who = json_first(json_get(decision, "agreed_by")); who != NULL;
             who = json_next(who))
            json_push(authors, people_reference(job, json_text(who)));
        if (json_first(authors) != NULL)
            json_put(section, "author", authors);
        struct narrative narrative = narrative_start(job->arena);
        narrative_paragraph(&narrative, NULL, json_get_text(decision, "text"));
        json_put(section, "text", narrative_element(job->arena, &narrative));
    }
    return json_first(list) == NULL ? NULL : list;
}

static struct json *section_text(struct field_job *job, const struct section *section,
                                 struct json *extensions)
{
    struct narrative narrative = narrative_start(job->arena);
    for (size_t i = 0; i < 4 && section->fields[i].name != NULL; i++) {
        const struct told_field *field = &section->fields[i];
        const struct json *value = json_get(job->record, field->name);
        if (value == NULL)
            continue;
        tell_value(job, &narrative, field->name, field->label, value);
        keep_value(job, extensions, field->name, value);
    }
    if (text_equal(section->list, "response"))
        tell_response(job, &narrative);
    else if (section->list != NULL && json_get(job->record, section->list) != NULL)
        tell_value(job, &narrative, section->list, NULL, json_get(job->record, section->list));
    return narrative_element(job->arena, &narrative);
}

static void write_one(struct field_job *job, const struct section *section)
{
    struct json *object = json_new_object(job->arena);
    struct json *extensions = json_new_list(job->arena);
    bool has_decisions = text_equal(section->list, "decisions");
    struct json *text = has_decisions ? NULL : section_text(job, section, extensions);
    struct json *entries = entries_of(job, section);
    struct json *inner = has_decisions ? decision_sections(job) : NULL;
    if (text == NULL && entries == NULL && inner == NULL)
        return;
    if (json_first(extensions) != NULL)
        json_put(object, "extension", extensions);
    json_set_text(job->arena, object, "title", section->title);
    json_put(object, "code", section_code(job, section));
    json_put(object, "text", text);
    json_put(object, "entry", entries);
    json_put(object, "section", inner);
    field_put(job, job->main, "section[+]", object);
}

void section_write(struct field_job *job)
{
    for (const struct section *section = sections_of(job); section->title != NULL; section++)
        write_one(job, section);
}

/* ---- reading ---- */

/* A decision: its text from the record-field, who agreed from the authors. */
static bool read_decision(struct field_job *job, struct json *node)
{
    struct json *holder = json_new_object(job->arena);
    static const struct field text_row = {"decisions", "extension[+]", &field_extra, NULL};
    const struct field rows[] = {text_row, FIELD_END};
    field_read(job, rows, node, holder);
    struct json *text = json_get(holder, "decisions");
    if (text == NULL)
        return false;
    struct json *decision = json_new_object(job->arena);
    struct json *agreed = json_new_list(job->arena);
    json_put(decision, "text", json_copy_nodes(job->arena, text));
    for (struct json *author = json_first(json_get(node, "author")); author != NULL;
         author = json_next(author)) {
        const char *who = people_handle(job, author, job->main);
        if (who == NULL)
            continue;
        json_push(agreed, json_new_lasting(job->arena, who));
        json_mark(author);
    }
    if (json_first(agreed) != NULL)
        json_put(decision, "agreed_by", agreed);
    struct json *list = json_get(job->record, "decisions");
    if (list == NULL)
        list = json_put(job->record, "decisions", json_new_list(job->arena));
    json_push(list, decision);
    json_mark(json_get(node, "title"));
    json_mark(json_get(node, "text"));
    return true;
}

static bool has_ours(const struct json *extensions)
{
    for (struct json *item = json_first(extensions); item != NULL; item = json_next(item)) {
        if (json_marked(item))
            return true;
    }
    return false;
}

static bool is_generated(const struct json *node)
{
    return text_equal(json_text(json_find(node, "text", "status", NULL)), "generated");
}

static void mark_heading(struct field_job *job, struct json *node)
{
    struct json *title = json_get(node, "title");
    struct json *code = json_get(node, "code");
    for (const struct section *section = sections_of(job); section->title != NULL; section++) {
        const struct coding_row *row = standard_code(job, section);
        if (row != NULL ? !field_has_code(code, row->system, row->code)
                        : !text_equal(json_text(title), section->title))
            continue;
        field_mark_concept(job, code, section_code(job, section));
        if (text_equal(json_text(title), section->title))
            json_mark(title);
        return;
    }
}

/* By its code among ours, then by what the code says of itself. */
const char *section_heading(struct field_job *job, const struct json *section)
{
    const struct json *code = json_get(section, "code");
    const char *title = json_get_text(section, "title");
    if (!text_is_blank(title))
        return title;
    for (const struct section *known = sections_of(job); known->title != NULL; known++) {
        const struct coding_row *row = standard_code(job, known);
        if (row != NULL && field_has_code(code, row->system, row->code))
            return known->title;
    }
    const char *words = json_text(words_of(job, code));
    return words != NULL ? words : json_get_text(json_first(json_get(code, "coding")), "code");
}

/* A section may tell of somebody else: a newborn, a donor. */
static bool is_of_other(struct field_job *job, const struct json *node)
{
    const struct json *focus = json_get(node, "focus");
    const struct message_entry *holder = entries_of_resource(job, job->main);
    return focus != NULL && holder != NULL && job->is_client != NULL &&
           !job->is_client(job, holder, focus);
}

static void read_one(struct field_job *job, struct json *node, int depth)
{
    struct json *extensions = json_get(node, "extension");
    if (is_of_other(job, node))
        return;
    if (strcmp(job->kind, "case-conference") == 0 && read_decision(job, node))
        return;
    field_read_extras(job, extensions, job->record);
    mark_heading(job, node);
    if (has_ours(extensions) || (json_get(node, "entry") != NULL && is_generated(node)))
        json_mark(json_get(node, "text"));
    for (struct json *inner = json_first(json_get(node, "section")); inner != NULL && depth > 0;
         inner = json_next(inner))
        read_one(job, inner, depth - 1);
}

void section_read(struct field_job *job)
{
    enum { SECTION_DEPTH_MAX = 8 };
    for (struct json *node = json_first(json_get(job->main, "section")); node != NULL;
         node = json_next(node))
        read_one(job, node, SECTION_DEPTH_MAX);
}
