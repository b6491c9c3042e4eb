/* field_code: kinds of field that carry codes, and numbers with units. See field.h.
 *
 * A concept is written as the tables say: our own word first, then every standard code they know,
 * and always plain text (docs/mapping.md). Read back, a concept is understood as far as it equals
 * what we would write for the word found; other codings, and other text, stay unmarked and so reach
 * `received`. */
#include "fhir/field/field.h"

#include <string.h>

#include "fhir/field/standing.h"

static const char ucum[] = "http://unitsofmeasure.org";

/* ---- helpers ---- */

struct json *field_new_coding(struct field_job *job, const char *system, const char *code,
                              const char *display)
{
    struct json *coding = json_new_object(job->arena);
    json_put_text(job->arena, coding, "system", system);
    json_put_text(job->arena, coding, "code", code);
    json_put_text(job->arena, coding, "display", display);
    return coding;
}

struct json *field_new_identifier(struct field_job *job, const char *type, const char *system,
                                  const char *value)
{
    struct json *identifier = json_new_object(job->arena);
    const struct coding_row *row = field_row(job, "identifier-type", type);
    if (row != NULL) {
        struct json *concept = json_put(identifier, "type", json_new_object(job->arena));
        struct json *codings = json_put(concept, "coding", json_new_list(job->arena));
        json_push(codings, field_new_coding(job, row->system, row->code, row->display));
    }
    json_set_text(job->arena, identifier, "system", system);
    json_set_text(job->arena, identifier, "value", value);
    return identifier;
}

bool field_has_code(const struct json *concept, const char *system, const char *code)
{
    for (struct json *coding = json_first(json_get(concept, "coding")); coding != NULL;
         coding = json_next(coding)) {
        if (text_equal(json_get_text(coding, "code"), code) &&
            (system == NULL || text_equal(json_get_text(coding, "system"), system)))
            return true;
    }
    return false;
}

static const char *code_system(const struct field_job *job, const char *system)
{
    return system[0] == '/' ? field_uri(job, system) : system;
}

static bool same_system(const struct field_job *job, const char *found, const char *system)
{
    return system[0] == '/' ? field_is_ours(job, found, system) : text_equal(found, system);
}

static struct json *has_coding(struct json *codings, const char *system, const char *code)
{
    for (struct json *coding = json_first(codings); coding != NULL; coding = json_next(coding)) {
        if (text_equal(json_get_text(coding, "system"), system) &&
            text_equal(json_get_text(coding, "code"), code))
            return coding;
    }
    return NULL;
}

struct json *field_new_concept(struct field_job *job, const char *text)
{
    struct json *concept = json_new_object(job->arena);
    json_put(concept, "coding", json_new_list(job->arena));
    json_put_text(job->arena, concept, "text", text);
    return concept;
}

void field_add_coding(struct field_job *job, struct json *concept, const char *system,
                      const char *code, const char *display)
{
    struct json *codings = json_get(concept, "coding");
    if (has_coding(codings, system, code) == NULL)
        json_push(codings, field_new_coding(job, system, code, display));
}

const struct coding_row *field_row(const struct field_job *job, const char *kind, const char *word)
{
    return word == NULL ? NULL : coding_find(job->context->coding, kind, word);
}

/* The row's system as it goes on the wire. */
static const char *row_system(const struct field_job *job, const struct coding_row *row)
{
    return row->is_local ? field_join(job, job->context->base, "/CodeSystem/", row->system)
                         : row->system;
}

void field_add_row(struct field_job *job, struct json *concept, const struct coding_row *row)
{
    field_add_coding(job, concept, row_system(job, row), row->code, row->display);
}

const struct coding_row *field_find_row(const struct field_job *job, const char *kind,
                                        const struct json *coding)
{
    const char *bases[] = {job->context->base, MESSAGE_BASE_DEFAULT, job->their_base};
    const char *system = json_get_text(coding, "system");
    const char *code = json_get_text(coding, "code");
    const struct coding_row *row =
        coding_find_code(job->context->coding, bases[0], kind, system, code);
    for (size_t i = 1; i < 3 && row == NULL && system != NULL && bases[i] != NULL; i++) {
        if (text_starts(system, bases[i])) /* else the answer is the same */
            row = coding_find_code(job->context->coding, bases[i], kind, system, code);
    }
    return row;
}

/* The same system under our base, when it lies under another base of ours. */
static const char *our_system(const struct field_job *job, const char *system)
{
    const char *bases[] = {MESSAGE_BASE_DEFAULT, job->their_base};
    for (size_t i = 0; i < 2 && system != NULL && bases[i] != NULL; i++) {
        size_t length = strlen(bases[i]);
        if (strncmp(system, bases[i], length) == 0 && system[length] == '/' &&
            strcmp(bases[i], job->context->base) != 0)
            return field_uri(job, system + length);
    }
    return system;
}

/* Marks of a CodeableConcept what equals EXPECTED: codings by system and code, the text as a whole.
 */
void field_mark_concept(struct field_job *job, struct json *node, const struct json *expected)
{
    struct json *codings = json_get(expected, "coding");
    for (struct json *coding = json_first(json_get(node, "coding")); coding != NULL;
         coding = json_next(coding)) {
        const char *code = json_get_text(coding, "code");
        if (has_coding(codings, our_system(job, json_get_text(coding, "system")), code) != NULL)
            json_mark(coding);
    }
    const char *text = json_get_text(node, "text");
    const char *display = json_get_text(json_first(codings), "display");
    if (text != NULL &&
        (text_equal(text, json_get_text(expected, "text")) || text_equal(text, display)))
        json_mark(json_get(node, "text"));
}

/* ---- always the same code ---- */

static struct json *fixed_coding(struct field_job *job, const struct field_code *code)
{
    return field_new_coding(job, code_system(job, code->system), code->code, code->display);
}

static struct json *write_fixed_concept(struct field_job *job, const struct field *field,
                                        const struct json *value)
{
    (void)value;
    const struct field_code *code = field->option;
    struct json *concept = field_new_concept(job, code->text);
    json_push(json_get(concept, "coding"), fixed_coding(job, code));
    return concept;
}

static void mark_fixed(struct field_job *job, const struct field_code *code, struct json *coding)
{
    if (text_equal(json_get_text(coding, "code"), code->code) &&
        same_system(job, json_get_text(coding, "system"), code->system))
        json_mark(coding);
}

static struct json *read_fixed_concept(struct field_job *job, const struct field *field,
                                       struct json *node, struct json *into)
{
    const struct field_code *code = field->option;
    (void)into;
    for (struct json *coding = json_first(json_get(node, "coding")); coding != NULL;
         coding = json_next(coding))
        mark_fixed(job, code, coding);
    struct json *text = json_get(node, "text");
    if (text_equal(json_text(text), code->text) || text_equal(json_text(text), code->display))
        json_mark(text);
    return NULL;
}

const struct field_kind field_fixed_concept = {write_fixed_concept, read_fixed_concept};

static struct json *write_fixed_coding(struct field_job *job, const struct field *field,
                                       const struct json *value)
{
    (void)value;
    return fixed_coding(job, field->option);
}

static struct json *read_fixed_coding(struct field_job *job, const struct field *field,
                                      struct json *node, struct json *into)
{
    (void)into;
    mark_fixed(job, field->option, node);
    return NULL;
}

const struct field_kind field_fixed_coding = {write_fixed_coding, read_fixed_coding};

/* ---- words of the code tables ---- */

/* Rows that a word is written as. */
struct rows {
    const struct coding_row **items;
    size_t count, room;
};

static void add_rows(const struct field_job *job, struct rows *rows, const char *kind,
                     const char *word, bool local)
{
    const struct coding *coding = job->context->coding;
    for (const struct coding_row *row = coding_next(coding, kind, word, NULL); row != NULL;
         row = coding_next(coding, kind, word, row)) {
        if (row->is_local != local)
            continue;
        rows->items =
            arena_room(job->arena, rows->items, sizeof *rows->items, rows->count, &rows->room, 8);
        rows->items[rows->count++] = row;
    }
}

/* Our own first, then those of others, then what goes beside any of them. */
static struct rows rows_of(const struct field_job *job, const struct field_codes *codes,
                           const char *word)
{
    struct rows rows = {NULL, 0, 0};
    add_rows(job, &rows, codes->kind, word, true);
    add_rows(job, &rows, codes->kind, word, false);
    size_t own = rows.count;
    for (size_t k = 0; k < own; k++) {
        const char *const *also = rows.items[k]->also;
        for (size_t i = 0; i < 2 && also[i] != NULL; i++)
            add_rows(job, &rows, NULL, also[i], false);
    }
    return rows;
}

const char *field_display(struct field_job *job, const char *kind, const char *word)
{
    const struct coding *coding = job->context->coding;
    const struct coding_row *row = coding_next(coding, kind, word, NULL);
    while (row != NULL && row->display == NULL)
        row = coding_next(coding, kind, word, row);
    return row != NULL ? row->display : field_sentence(job, word);
}

static const char *text_of(struct field_job *job, const struct field_codes *codes, const char *word)
{
    return codes->is_plain ? field_sentence(job, word) : field_display(job, codes->kind, word);
}

struct json *field_concept_of(struct field_job *job, const struct field_codes *codes,
                              const char *word)
{
    struct json *concept = field_new_concept(job, NULL);
    struct rows rows = rows_of(job, codes, word);
    for (size_t i = 0; i < rows.count; i++)
        field_add_row(job, concept, rows.items[i]);
    if (json_first(json_get(concept, "coding")) == NULL)
        json_remove(concept, "coding");
    json_put_text(job->arena, concept, "text", text_of(job, codes, word));
    return concept;
}

enum { DOUBTS_MAX = 16 }; /* between words of one concept; a real one has one at most */

static bool is_of_row(const struct field_job *job, const struct coding_row *row, const char *system)
{
    static const char folder[] = "/CodeSystem/";
    const char *ours = our_system(job, system);
    if (ours == NULL || !row->is_local)
        return text_equal(ours, row->system);
    size_t length = strlen(job->context->base);
    return strncmp(ours, job->context->base, length) == 0 && text_starts(ours + length, folder) &&
           strcmp(ours + length + sizeof folder - 1, row->system) == 0;
}

static bool is_of_rows(const struct field_job *job, const struct rows *rows,
                       const struct json *coding)
{
    const char *code = json_get_text(coding, "code");
    for (size_t i = 0; i < rows->count && code != NULL; i++) {
        if (strcmp(rows->items[i]->code, code) == 0 &&
            is_of_row(job, rows->items[i], json_get_text(coding, "system")))
            return true;
    }
    return false;
}

void field_mark_word(struct field_job *job, struct json *node, const struct field_codes *codes,
                     const char *word, const char *text)
{
    struct rows rows = rows_of(job, codes, word);
    for (struct json *coding = json_first(json_get(node, "coding")); coding != NULL;
         coding = json_next(coding)) {
        if (is_of_rows(job, &rows, coding))
            json_mark(coding);
    }
    struct json *told = json_get(node, "text");
    const char *display = rows.count == 0 ? NULL : rows.items[0]->display;
    if (json_text(told) == NULL)
        return;
    if (text_equal(json_text(told), display) ||
        text_equal(json_text(told), text != NULL ? text : text_of(job, codes, word)))
        json_mark(told);
}

static struct json *write_concept(struct field_job *job, const struct field *field,
                                  const struct json *value)
{
    return json_text(value) == NULL ? NULL : field_concept_of(job, field->option, json_text(value));
}

/* ---- the word of a concept: R4 gives the order of its codings no meaning ---- */

/* Our own code says exactly our word; else what a user chose goes before what was added to it. */
static int rank_of(const struct json *coding, bool is_ours)
{
    return (is_ours ? 0 : 2) + (json_true(json_get(coding, "userSelected")) ? 0 : 1);
}

static size_t covered(const struct field_job *job, const char *kind, const char *word,
                      const struct json *concept)
{
    struct rows rows = rows_of(job, &(struct field_codes){kind, false}, word);
    size_t count = 0;
    for (struct json *coding = json_first(json_get(concept, "coding")); coding != NULL;
         coding = json_next(coding))
        count += is_of_rows(job, &rows, coding) ? 1 : 0;
    return count;
}

/* Of two words that are told equally well, the one that more of the codings belong to; then the
 * first by alphabet. */
static const char *fuller(const struct field_job *job, const char *kind, const char *one,
                          const char *other, const struct json *concept)
{
    size_t of_one = covered(job, kind, one, concept);
    size_t of_other = covered(job, kind, other, concept);
    if (of_one != of_other)
        return of_one > of_other ? one : other;
    return strcmp(one, other) < 0 ? one : other;
}

const char *field_word_of(const struct field_job *job, const char *kind, const struct json *concept)
{
    const char *word = NULL;
    int best = 0;
    int doubts = 0;
    for (struct json *coding = json_first(json_get(concept, "coding")); coding != NULL;
         coding = json_next(coding)) {
        const struct coding_row *row = field_find_row(job, kind, coding);
        int rank = row == NULL ? 0 : rank_of(coding, row->is_local);
        if (row == NULL || (word != NULL && rank > best))
            continue;
        if (word == NULL || rank < best)
            word = row->key;
        else if (strcmp(word, row->key) != 0 && ++doubts <= DOUBTS_MAX)
            word = fuller(job, kind, word, row->key, concept);
        best = rank;
    }
    return word != NULL ? word : field_word_beside(job, kind, concept);
}

static struct json *read_concept(struct field_job *job, const struct field *field,
                                 struct json *node, struct json *into)
{
    const struct field_codes *codes = field->option;
    (void)into;
    const char *word = field_word_of(job, codes->kind, node);
    if (word == NULL)
        return NULL;
    field_mark_word(job, node, codes, word, NULL);
    return json_new_lasting(job->arena, word);
}

const struct field_kind field_concept = {write_concept, read_concept};

static struct json *write_coding(struct field_job *job, const struct field *field,
                                 const struct json *value)
{
    const struct field_codes *codes = field->option;
    const struct coding_row *row = field_row(job, codes->kind, json_text(value));
    return row == NULL ? NULL
                       : field_new_coding(job, row_system(job, row), row->code, row->display);
}

static struct json *read_coding(struct field_job *job, const struct field *field, struct json *node,
                                struct json *into)
{
    const struct field_codes *codes = field->option;
    (void)into;
    const struct coding_row *row = field_find_row(job, codes->kind, node);
    if (row == NULL)
        return NULL;
    json_mark(node);
    return json_new_lasting(job->arena, row->key);
}

const struct field_kind field_coding = {write_coding, read_coding};

/* ---- words of ours ---- */

static const struct field_term *term_of(const struct field_terms *terms, const char *word)
{
    for (const struct field_term *term = terms->terms; word != NULL && term->word != NULL; term++) {
        if (strcmp(term->word, word) == 0)
            return term;
    }
    return NULL;
}

static struct json *term_concept(struct field_job *job, const struct field_terms *terms,
                                 const struct field_term *term)
{
    struct json *concept = field_new_concept(job, NULL);
    field_add_coding(job, concept, field_join(job, job->context->base, "/CodeSystem/", terms->name),
                     term->word, term->display);
    if (term->system != NULL)
        field_add_coding(job, concept, term->system, term->code, NULL);
    json_put_text(job->arena, concept, "text", term->display);
    return concept;
}

static struct json *write_local_concept(struct field_job *job, const struct field *field,
                                        const struct json *value)
{
    const struct field_terms *terms = field->option;
    const struct field_term *term = term_of(terms, json_text(value));
    return term == NULL ? NULL : term_concept(job, terms, term);
}

/* The term of a coding of ours, else the first with the same standard code. */
static const struct field_term *term_of_coding(const struct field_job *job,
                                               const struct field_terms *terms,
                                               const struct json *coding)
{
    const char *system = json_get_text(coding, "system");
    const char *code = json_get_text(coding, "code");
    if (field_is_ours(job, system, field_join(job, "/CodeSystem/", terms->name, "")))
        return term_of(terms, code);
    for (const struct field_term *term = terms->terms; term->word != NULL; term++) {
        if (term->system != NULL && text_equal(term->system, system) &&
            text_equal(term->code, code))
            return term;
    }
    return NULL;
}

/* As field_word_of(); of terms told equally well the first in their table. */
static const struct field_term *term_of_concept(const struct field_job *job,
                                                const struct field_terms *terms,
                                                const struct json *concept)
{
    const char *system = field_join(job, "/CodeSystem/", terms->name, "");
    const struct field_term *best = NULL;
    int best_rank = 0;
    for (struct json *coding = json_first(json_get(concept, "coding")); coding != NULL;
         coding = json_next(coding)) {
        const struct field_term *term = term_of_coding(job, terms, coding);
        int rank = rank_of(coding, field_is_ours(job, json_get_text(coding, "system"), system));
        if (term == NULL ||
            (best != NULL && (rank > best_rank || (rank == best_rank && term > best))))
            continue;
        best = term;
        best_rank = rank;
    }
    return best;
}

static struct json *read_local_concept(struct field_job *job, const struct field *field,
                                       struct json *node, struct json *into)
{
    const struct field_terms *terms = field->option;
    const struct field_term *term = term_of_concept(job, terms, node);
    (void)into;
    if (term == NULL)
        return NULL;
    field_mark_concept(job, node, term_concept(job, terms, term));
    return json_new_lasting(job->arena, term->word);
}

const struct field_kind field_local_concept = {write_local_concept, read_local_concept};

/* ---- numbers with units ---- */

struct json *field_new_quantity(struct field_job *job, const struct json *number, const char *unit,
                                const char *code)
{
    struct json *quantity = json_new_object(job->arena);
    json_put(quantity, "value", json_copy_nodes(job->arena, number));
    json_set_text(job->arena, quantity, "unit", unit);
    if (code != NULL) {
        json_set_text(job->arena, quantity, "system", ucum);
        json_set_text(job->arena, quantity, "code", code);
    }
    return quantity;
}

/* Scores and counts, whose UCUM code stands in braces, are told by it alone; other units are never
 * supposed. Vital signs need theirs. */
const char *field_ucum(const char *unit, const char *measure)
{
    const struct unit_row *row = coding_unit(unit);
    if (row != NULL)
        return row->ucum;
    const struct measure_row *known = unit == NULL ? coding_measure(measure) : NULL;
    if (known == NULL || known->unit == NULL)
        return NULL;
    bool is_vital = strcmp(known->unit, "/min") == 0 || strcmp(known->unit, "mm[Hg]") == 0;
    return is_vital || known->unit[0] == '{' ? known->unit : NULL;
}

static struct json *write_quantity(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    const struct json *number = json_get(value, field->option);
    const char *unit = json_get_text(value, "unit");
    if (json_number(number) == NULL)
        return NULL;
    return field_new_quantity(job, number, unit, field_ucum(unit, json_get_text(value, "measure")));
}

/* The unit in our words: as written; else the first spelling of its code; none for scores and
 * counts. */
static const char *unit_of(const struct json *quantity)
{
    const char *unit = json_get_text(quantity, "unit");
    const char *code = json_get_text(quantity, "code");
    if (unit != NULL || code == NULL || code[0] == '{' || strcmp(code, "1") == 0)
        return unit;
    const char *written = coding_unit_of(code);
    return written != NULL ? written : code;
}

bool field_read_quantity(struct field_job *job, struct json *node, const char *name,
                         struct json *into)
{
    static const char *const parts[] = {"value", "unit", "system", "code"};
    struct json *number = json_get(node, "value");
    if (json_number(number) == NULL || standing_is_limit(job, node))
        return false;
    if (json_get(into, name) != NULL)
        return false;
    json_set(job->arena, into, name, json_copy_nodes(job->arena, number));
    json_put_text(job->arena, into, "unit", unit_of(node));
    for (size_t i = 0; i < 4; i++)
        json_mark(json_get(node, parts[i]));
    return true;
}

static struct json *read_quantity(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    field_read_quantity(job, node, field->option, into);
    return NULL;
}

const struct field_kind field_quantity = {write_quantity, read_quantity};

static struct json *write_measured(struct field_job *job, const struct field *field,
                                   const struct json *value)
{
    const struct field_unit *unit = field->option;
    return field_new_quantity(job, value, unit->unit, unit->ucum);
}

static struct json *read_measured(struct field_job *job, const struct field *field,
                                  struct json *node, struct json *into)
{
    const struct field_unit *unit = field->option;
    (void)into;
    const char *code = json_get_text(node, "code");
    bool is_it = code == NULL ? json_get(node, "unit") == NULL ||
                                    text_equal(json_get_text(node, "unit"), unit->unit)
                              : strcmp(code, unit->ucum) == 0;
    struct json *count =
        is_it ? field_count(job->arena, json_get(node, "value"), unit->least) : NULL;
    if (count == NULL || standing_is_limit(job, node))
        return NULL;
    json_mark(node);
    return count;
}

const struct field_kind field_measured = {write_measured, read_measured};
