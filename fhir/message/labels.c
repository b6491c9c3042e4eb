/* labels: see message/labels.h.
 *
 * A label holds for the whole of what arrives: the record is passed on as one, and consent rules
 * look at its `sensitivity` alone. Where a label is narrower than our word the word is added and
 * the label itself stays in `received`; a label of which we have no word stays there, too. */
#include "fhir/message/labels.h"

#include <string.h>

#include "fhir/entries/entries.h"
#include "fhir/record/vocabulary.h"

static const char act_codes[] = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/* Other names of the same code system. */
static bool is_act_code(const char *system)
{
    return text_equal(system, act_codes) || text_equal(system, "http://hl7.org/fhir/v3/ActCode") ||
           text_equal(system, "urn:oid:2.16.840.1.113883.5.4");
}

/* Codes of v3-ActCode that are a kind of what one of our words says. A law protects what it is
 * about, which may be several things: 38 USC 7332 drugs, alcohol, HIV and sickle cell anaemia. */
static const struct {
    const char *code, *word;
} narrower[] = {{"ETH", "substance-use"},
                {"ETHUD", "substance-use"},
                {"OPIOIDUD", "substance-use"},
                {"COGN", "behavioral-health"},
                {"DVD", "behavioral-health"},
                {"EMOTDIS", "behavioral-health"},
                {"STD", "reproductive-health"},
                {"MST", "abuse"},
                {"VIO", "abuse"},
                {"SCA", "genetic"},
                {"SICKLE", "genetic"},
                {"42CFRPart2", "substance-use"},
                {"HIPAAPsyNotes", "psychotherapy-note"},
                {"Title38Section7332", "substance-use"},
                {"Title38Section7332", "hiv"},
                {"Title38Section7332", "genetic"}};

/* The word that a label says exactly, or NULL. */
static const char *exact_word(struct field_job *job, const struct json *label)
{
    const struct coding_row *row = field_find_row(job, "sensitivity", label);
    if (row == NULL && is_act_code(json_get_text(label, "system")))
        row = coding_find_code(job->context->coding, job->context->base, "sensitivity", act_codes,
                               json_get_text(label, "code"));
    return row == NULL ? NULL : row->key;
}

static bool has_word(const struct json *list, const char *word)
{
    const struct json *item = json_first(list);
    while (item != NULL && !text_equal(json_text(item), word))
        item = json_next(item);
    return item != NULL;
}

/* ---- the words of all labels, each once ---- */

enum { WORDS_MAX = 32 };

struct said { /* by place in the vocabulary, so that no order of the message matters */
    const char *const *words;
    bool is_said[WORDS_MAX];
};

static void hear_word(struct said *said, const char *word)
{
    for (size_t i = 0; said->words[i] != NULL && i < WORDS_MAX; i++)
        said->is_said[i] = said->is_said[i] || strcmp(said->words[i], word) == 0;
}

static void hear_narrower(struct said *said, const struct json *label)
{
    const char *code = json_get_text(label, "code");
    if (!is_act_code(json_get_text(label, "system")))
        return;
    for (size_t i = 0; i < sizeof narrower / sizeof *narrower; i++) {
        if (text_equal(narrower[i].code, code))
            hear_word(said, narrower[i].word);
    }
}

static void hear(struct field_job *job, struct said *said, const struct json *labels)
{
    for (struct json *label = json_first(labels); label != NULL; label = json_next(label)) {
        const char *word = exact_word(job, label);
        if (word != NULL)
            hear_word(said, word);
        else
            hear_narrower(said, label);
    }
}

/* DocumentReference.securityLabel says of the document what meta.security says of a resource. */
static void hear_document(struct field_job *job, struct said *said, const struct json *resource)
{
    struct json *concept = json_first(json_get(resource, "securityLabel"));
    for (; concept != NULL; concept = json_next(concept)) {
        struct json *codings = json_get(concept, "coding");
        hear(job, said, codings);
        for (struct json *coding = json_first(codings); coding != NULL;
             coding = json_next(coding)) {
            if (exact_word(job, coding) != NULL)
                json_mark(coding);
        }
    }
}

/* A document Bundle inside the message has labels of its own. */
static void hear_bundles(struct field_job *job, struct said *said, const struct json *bundle,
                         int depth)
{
    hear(job, said, json_get(json_get(bundle, "meta"), "security"));
    for (struct json *item = depth == 0 ? NULL : json_first(json_get(bundle, "entry"));
         item != NULL; item = json_next(item)) {
        struct json *resource = json_get(item, "resource");
        if (text_equal(json_get_text(resource, "resourceType"), "Bundle"))
            hear_bundles(job, said, resource, depth - 1);
    }
}

/* What is somebody else's is no part of the record, nor are its labels. */
static void hear_entries(struct field_job *job, struct said *said,
                         const struct message_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct json *resource = entries[i].resource;
        if (entries[i].is_strangers)
            continue;
        hear(job, said, json_get(json_get(resource, "meta"), "security"));
        hear_document(job, said, resource);
    }
}

void labels_read(struct field_job *job)
{
    static const char field[] = "sensitivity";
    const struct message_entries *all = job->entries;
    struct said said = {.words = record_field_find(&record_common, field)->words};
    struct json *list = json_get(job->record, field);
    hear_bundles(job, &said, job->bundle, 1);
    hear_entries(job, &said, all->entries, all->count);
    hear_entries(job, &said, all->contained, all->contained_count);
    for (size_t i = 0; said.words[i] != NULL && i < WORDS_MAX; i++) {
        if (!said.is_said[i] || has_word(list, said.words[i]))
            continue;
        if (list == NULL)
            list = json_put(job->record, field, json_new_list(job->arena));
        json_push(list, json_new_lasting(job->arena, said.words[i]));
    }
}

static bool is_word_of_record(struct field_job *job, const struct json *label)
{
    const char *word = exact_word(job, label);
    return word != NULL && has_word(json_get(job->record, "sensitivity"), word);
}

bool labels_have_word(struct field_job *job, const struct json *labels)
{
    struct json *label = json_first(labels);
    while (label != NULL && !is_word_of_record(job, label))
        label = json_next(label);
    return label != NULL;
}

bool labels_said(struct field_job *job, const struct json *label, bool is_beside_word)
{
    const struct coding_row *row = field_find_row(job, "confidentiality", label);
    return is_word_of_record(job, label) ||
           (is_beside_word && row != NULL && text_equal(row->key, "restricted"));
}
