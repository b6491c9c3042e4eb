/* warn: what is not wrong with a record but worth a second look. See record_warn in
 * record.h.
 *
 * Each rule looks at the record and at the referral or plan it belongs to, given as earlier
 * records. Free text is searched for one thing only, blood thinners, because a missed one does
 * harm. */
#include <string.h>
#include <strings.h>

#include "base/date.h"
#include "fhir/record/check.h"

struct warning {
    struct checking check;       /* for record_fault and record_show */
    const struct json *referral; /* that the record belongs to, or NULL */
};

static void warn(struct warning *warning, const struct json *node, const char *path,
                 const char *found, const char *expected)
{
    record_fault(&warning->check, (struct fault){node, path, found, expected, NULL});
}

static const struct json *tree_of(const struct warning *warning)
{
    return warning->check.tree;
}

static bool has_word(const struct json *list, const char *word)
{
    for (struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (text_equal(json_text(item), word))
            return true;
    }
    return false;
}

/* ---- techniques against precautions ---- */

static bool is_deep(const char *technique)
{
    static const char *const deep[] = {"deep-tissue", "cross-fibre-friction", "connective-tissue",
                                       "spinal-manipulation", NULL};
    return text_is_one_of(technique, deep);
}

static bool is_blood_thinner(const char *text)
{
    static const char *const words[] = {"blood thinner", "blood-thinner", "anticoag",   "warfarin",
                                        "heparin",       "apixaban",      "rivaroxaban"};
    for (size_t i = 0; text != NULL && i < sizeof words / sizeof *words; i++) {
        if (strcasestr(text, words[i]) != NULL)
            return true;
    }
    return false;
}

/* Left against right is no meeting; an open side meets both. */
static bool sides_meet(const char *one, const char *other)
{
    return one == NULL || other == NULL || strcmp(one, other) == 0 || strcmp(one, "both") == 0 ||
           strcmp(other, "both") == 0;
}

static void warn_precaution(struct warning *warning, const struct json *technique, size_t item,
                            const struct json *precaution)
{
    struct arena *arena = warning->check.arena;
    const char *name = json_get_text(technique, "technique");
    const char *area = json_get_text(technique, "area");
    const char *level = json_get_text(precaution, "level");
    const char *text = json_get_text(precaution, "text");
    bool is_place = area != NULL && text_equal(area, json_get_text(precaution, "area")) &&
                    sides_meet(json_get_text(technique, "side"), json_get_text(precaution, "side"));
    bool is_closed = text_equal(level, "avoid-area") || text_equal(level, "do-not-treat");
    if (name == NULL || text == NULL)
        return;
    if (is_place && is_closed)
        warn(warning, json_get(technique, "area"), arena_print(arena, "techniques[%zu].area", item),
             arena_print(arena, "%s on an area with the precaution \"%s\" (%s)", name, text, level),
             "another area, or the precaution settled with whoever set it");
    else if (is_deep(name) && is_blood_thinner(text))
        warn(warning, json_get(technique, "technique"),
             arena_print(arena, "techniques[%zu].technique", item),
             arena_print(arena, "%s with the precaution \"%s\"", name, text),
             "light to medium pressure with a blood thinner");
}

static void warn_techniques(struct warning *warning)
{
    size_t item = 1;
    const struct json *avoid = json_get(warning->referral, "techniques_to_avoid");
    for (struct json *technique = json_first(json_get(tree_of(warning), "techniques"));
         technique != NULL; technique = json_next(technique), item++) {
        const char *name = json_get_text(technique, "technique");
        if (name != NULL && record_is_fact(technique) && has_word(avoid, name))
            warn(warning, json_get(technique, "technique"),
                 arena_print(warning->check.arena, "techniques[%zu].technique", item),
                 arena_print(warning->check.arena, "%s, which the referral asks to avoid", name),
                 "a technique that is not in techniques_to_avoid");
        for (struct json *precaution = json_first(json_get(warning->referral, "precautions"));
             precaution != NULL; precaution = json_next(precaution)) {
            if (record_is_fact(technique) && record_is_fact(precaution))
                warn_precaution(warning, technique, item, precaution);
        }
    }
}

/* ---- visits and days ---- */

static void warn_count(struct warning *warning, const char *name, const char *limit,
                       const char *words)
{
    long count, most;
    if (!json_whole(json_get(tree_of(warning), name), &count) ||
        !json_whole(json_get(warning->referral, limit), &most) || count <= most)
        return;
    warn(warning, json_get(tree_of(warning), name), name,
         arena_print(warning->check.arena, "%ld visits", count),
         arena_print(warning->check.arena, "at most the %ld that %s", most, words));
}

static void warn_lapsed(struct warning *warning, const char *day_name, const char *limit,
                        const char *words)
{
    struct date day, last;
    if (!record_get_day_of(tree_of(warning), day_name, &day) ||
        !record_get_day(warning->referral, limit, &last) || date_compare(day, last) <= 0)
        return;
    warn(warning, json_get(tree_of(warning), day_name), day_name,
         arena_print(warning->check.arena, "a visit after %s lapsed", words),
         arena_print(warning->check.arena, "a visit until %s, or a new one",
                     json_get_text(warning->referral, limit)));
}

static void warn_visits(struct warning *warning)
{
    warn_count(warning, "visit_number", "visits_requested", "the referral asks for");
    warn_count(warning, "visit_number", "authorized_visits", "the insurer agreed to");
    warn_count(warning, "visits_completed", "authorized_visits", "the insurer agreed to");
    warn_lapsed(warning, "visit_at", "valid_until", "the referral");
    warn_lapsed(warning, "visit_at", "authorization_expires", "the authorisation");
    warn_lapsed(warning, "last_visit_on", "authorization_expires", "the authorisation");
}

static void warn_report(struct warning *warning)
{
    long visit, every;
    if (!json_whole(json_get(tree_of(warning), "visit_number"), &visit) ||
        !json_whole(json_get(warning->referral, "report_every_visits"), &every) || every < 1 ||
        visit < 1 || visit % every != 0 || json_get(tree_of(warning), "assessment") != NULL)
        return;
    warn(warning, tree_of(warning), "assessment",
         arena_print(warning->check.arena, "nothing at visit %ld", visit),
         arena_print(warning->check.arena,
                     "an assessment: the referrer wants a report every %ld "
                     "visits",
                     every));
}

/* One number for two people, or a slip in one of the two records. */
static void warn_client(struct warning *warning)
{
    const char *birth = json_get_text(tree_of(warning), "client_birth_date");
    const char *other = json_get_text(warning->referral, "client_birth_date");
    if (birth == NULL || other == NULL || strcmp(birth, other) == 0)
        return;
    warn(warning, json_get(tree_of(warning), "client_birth_date"), "client_birth_date",
         arena_print(warning->check.arena, "\"%s\", another day than in the referral", birth),
         arena_print(warning->check.arena, "\"%s\", or the referral of this client", other));
}

/* ---- codes and numbers that do not fit together ---- */

static void warn_headings(struct warning *warning)
{
    size_t item = 1;
    for (struct json *diagnosis = json_first(json_get(tree_of(warning), "diagnoses"));
         diagnosis != NULL; diagnosis = json_next(diagnosis), item++) {
        const char *code = json_get_text(diagnosis, "code");
        const char *system = json_get_text(diagnosis, "code_system");
        if (code == NULL || code[0] == '\0' || !record_is_fact(diagnosis) ||
            (system != NULL && strcmp(system, "icd-10-cm") != 0))
            continue;
        const struct coding_row *row = coding_below("http://hl7.org/fhir/sid/icd-10-cm", code);
        if (row == NULL)
            continue;
        warn(warning, json_get(diagnosis, "code"),
             arena_print(warning->check.arena, "diagnoses[%zu].code", item),
             arena_print(warning->check.arena, "%s, a heading that insurers refuse", code),
             arena_print(warning->check.arena, "a full code, such as %s (%s)", row->code,
                         row->display));
    }
}

/* What only a received item has: it would be sent on as a fact. */
static void warn_standing(struct warning *warning)
{
    for (struct json *list = json_first(tree_of(warning)); list != NULL; list = json_next(list)) {
        size_t place = 1;
        struct json *item = json_kind(list) == JSON_LIST ? json_first(list) : NULL;
        for (; item != NULL; item = json_next(item), place++) {
            const char *standing = json_get_text(item, "standing");
            if (standing != NULL)
                warn(warning, json_get(item, "standing"),
                     arena_print(warning->check.arena, "%s[%zu].standing", json_key(list), place),
                     arena_print(warning->check.arena, "\"%s\", so it is not sent", standing),
                     "an item without standing, or leave it out");
        }
    }
}

static void warn_authorized(struct warning *warning)
{
    long wanted, agreed;
    if (!json_whole(json_get(tree_of(warning), "visits_requested"), &wanted) ||
        !json_whole(json_get(tree_of(warning), "authorized_visits"), &agreed) || wanted <= agreed)
        return;
    warn(warning, json_get(tree_of(warning), "visits_requested"), "visits_requested",
         arena_print(warning->check.arena, "%ld visits", wanted),
         arena_print(warning->check.arena, "at most the %ld that the insurer agreed to", agreed));
}

static const struct json *referral_of(const struct json *tree, const struct json *const *earlier,
                                      size_t count)
{
    const char *id = json_get_text(tree, "referral_id");
    const char *colon = id == NULL ? NULL : strchr(id, ':');
    for (size_t i = 0; id != NULL && i < count; i++) {
        const char *number = json_get_text(earlier[i], "record_id");
        if (text_equal(json_get_text(earlier[i], "record"), "referral") &&
            (text_equal(number, id) || (colon != NULL && text_equal(number, colon + 1))))
            return earlier[i];
    }
    return NULL;
}

void record_warn(const struct record *record, const struct record_rules *rules,
                 const struct json *const *earlier, size_t earlier_count,
                 struct finding_list *warnings)
{
    struct warning warning = {.check = {.tree = record->tree,
                                        .places = record->places,
                                        .rules = rules,
                                        .arena = rules->arena,
                                        .findings = warnings},
                              .referral = referral_of(record->tree, earlier, earlier_count)};
    static void (*const parts[])(struct warning * warning) = {
        warn_client, warn_headings, warn_authorized, warn_techniques,
        warn_visits, warn_report,   warn_standing};
    warnings->file = record->file;
    warnings->row = record->row;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        parts[i](&warning);
    warnings->row = 0;
}
