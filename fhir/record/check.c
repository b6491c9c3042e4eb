/* check: each field of a record by itself: known, right type, right form, allowed, present.
 *
 * One walk over the tree with the vocabulary beside it. Measures are checked in record/measure.c,
 * the rules between fields in record/rules.c. Faults are found in the order of the record, then
 * what is missing in the order of the vocabulary. */
#include "fhir/record/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/date_written.h"
#include "base/nearest.h"

enum { DIGITS_MAX = 18, TEXT_MAX = 4000, LONG_TEXT_MAX = 200000 };

/* ---- values by type ---- */

static void fault_at(struct checking *check, const struct place *place, const struct json *node,
                     const char *found, const char *expected, const char *nearest)
{
    record_fault(check, (struct fault){node, record_path(check, place), found, expected, nearest});
}

struct value {
    const struct record_field *field;
    const char *shape; /* name of what the field belongs to */
    const struct place *place;
    const struct json *node;
};

static void refuse(struct checking *check, const struct value *value, const char *remark,
                   const char *expected, const char *nearest)
{
    const char *found = record_show(check, value->node);
    if (remark != NULL)
        found = arena_print(check->arena, "%s, %s", found, remark);
    fault_at(check, value->place, value->node, found, expected, nearest);
}

static void refuse_type(struct checking *check, const struct value *value)
{
    refuse(check, value, NULL, record_value_in_words(check->arena, value->field), NULL);
}

static bool has_control(const char *text, bool lines)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        bool is_break = byte == '\n' || byte == '\r' || byte == '\t';
        if ((byte < 0x20 && !(lines && is_break)) || byte == 0x7f)
            return true;
    }
    return false;
}

static void check_text(struct checking *check, const struct value *value)
{
    bool is_long = value->field->type == RECORD_LONG_TEXT;
    const char *text = json_text(value->node);
    struct text_form form = {NULL, NULL, NULL};
    if (text == NULL)
        refuse_type(check, value);
    else if (text_is_blank(text))
        fault_at(check, value->place, value->node, "an empty field",
                 value->field->required
                     ? arena_print(check->arena, "text: %s",
                                   record_meaning_in_words(check->arena, value->field))
                     : "text, or leave the field out",
                 NULL);
    else if (has_control(text, is_long))
        refuse(check, value,
               is_long ? "with a control character" : "with a line break or control character",
               is_long ? "plain text" : "plain text on one line", NULL);
    else if (text_utf8_length(text) > (is_long ? LONG_TEXT_MAX : TEXT_MAX))
        refuse(check, value, "a text that is too long",
               is_long ? "at most 200000 characters" : "at most 4000 characters", NULL);
    else if (!record_text_form(value->shape, value->field->name, text, &form))
        refuse(check, value, form.found, form.expected, form.nearest);
    else if (value->field->allowed == RECORD_UNITS && coding_unit(text) == NULL)
        refuse(check, value, "an unknown unit", "a unit of the unit table, such as degrees or /10",
               coding_unit_nearest(text));
}

static const char *nearest_word(struct checking *check, const struct record_field *field,
                                const char *word)
{
    size_t count = 0;
    switch (field->allowed) {
    case RECORD_WORDS:
        while (field->words[count] != NULL)
            count++;
        return nearest_of(word, field->words, count);
    case RECORD_MEASURES:
        return coding_measure_nearest(word);
    case RECORD_CODES:
        return coding_nearest(check->coding, field->code_kind, word);
    default:
        return NULL;
    }
}

static bool is_allowed(struct checking *check, const struct record_field *field, const char *word)
{
    switch (field->allowed) {
    case RECORD_WORDS:
        return text_is_one_of(word, field->words);
    case RECORD_MEASURES:
        return coding_measure(word) != NULL;
    case RECORD_CODES:
        return coding_find(check->coding, field->code_kind, word) != NULL;
    default:
        return true;
    }
}

static void check_word(struct checking *check, const struct value *value)
{
    const char *word = json_text(value->node);
    if (word == NULL)
        refuse_type(check, value);
    else if (!is_allowed(check, value->field, word))
        refuse(check, value, NULL, record_value_in_words(check->arena, value->field),
               nearest_word(check, value->field, word));
}

/* Ids that other records or other clinics gave: the look-up of record/rules.c may know them. */
static bool is_reference(const char *name)
{
    return strcmp(name, "referral_id") == 0 || strcmp(name, "reply_to_referral_id") == 0 ||
           strcmp(name, "related_referral_ids") == 0;
}

static bool names_known_referral(struct checking *check, const char *id)
{
    const struct record_referrals *referrals = check->rules->referrals;
    struct record_referral referral;
    const char *nearest = NULL;
    return referrals != NULL && referrals->find(referrals->context, check->arena, check->tree, id,
                                                &referral, &nearest) == RECORD_FOUND;
}

static void check_id(struct checking *check, const struct value *value)
{
    const char *id = json_text(value->node);
    struct text_form form = {NULL, NULL, NULL};
    bool is_other = is_reference(value->field->name);
    const char *colon = id == NULL ? NULL : strchr(id, ':');
    if (id == NULL) {
        refuse_type(check, value);
        return;
    }
    const char *number = is_other && colon != NULL && colon > id ? colon + 1 : id;
    if (record_id_form(number, check->rules->is_received, &form))
        return;
    if (is_other && names_known_referral(check, id))
        return;
    refuse(check, value, form.found, form.expected, form.nearest);
}

/* 9/2/2026: which of the two was meant is for the writer to say. REST: behind the day, as it should
 * be written. False: it cannot be read in two ways. */
static bool refuse_two_ways(struct checking *check, const struct value *value, const char *clock)
{
    struct date_written day;
    char one[DATE_TEXT], other[DATE_TEXT];
    const char *text = json_text(value->node);
    if (text == NULL || date_written_day(text, &day) != DATE_WRITTEN_TWO_WAYS)
        return false;
    date_format(day.day, one);
    date_format(day.other, other);
    refuse(check, value, arena_print(check->arena, "a day that may be %s or %s", one, other),
           arena_print(check->arena, "year-month-day%s, such as %s%s",
                       clock[0] == '\0' ? "" : " and the time", one, clock),
           NULL);
    return true;
}

static void check_date(struct checking *check, const struct value *value)
{
    const char *text = json_text(value->node);
    struct date date;
    enum date_answer answer = text == NULL ? DATE_SHAPE : date_parse(text, &date);
    if (answer == DATE_NO_SUCH_DAY)
        refuse(check, value, "a day that does not exist", "a day of the calendar", NULL);
    else if (answer != DATE_RIGHT && !refuse_two_ways(check, value, ""))
        refuse_type(check, value);
}

static void check_time(struct checking *check, const struct value *value)
{
    static const char example[] = "2026-09-02T11:20:00-04:00";
    static const struct {
        const char *remark, *expected;
    } says[] = {[DATE_NO_SUCH_DAY] = {"a day that does not exist", "a day of the calendar"},
                [DATE_NO_SUCH_TIME] = {"a time or zone that does not exist",
                                       "hours to 23, minutes and seconds to 59, a zone to 14:00"},
                [DATE_NO_SECONDS] = {"a time without seconds", "seconds and zone"},
                [DATE_NO_ZONE] = {"a time without a zone",
                                  "its zone at the end (-04:00, or Z for UTC); without "
                                  "one the setting time_zone is taken, when it names "
                                  "a zone and the clock shows this hour once"}};
    const char *text = json_text(value->node);
    struct date_time time;
    enum date_answer answer = text == NULL ? DATE_SHAPE : date_time_parse(text, &time);
    if (answer == DATE_RIGHT)
        return;
    if (answer == DATE_SHAPE && refuse_two_ways(check, value, " 11:20"))
        return;
    if (answer == DATE_SHAPE)
        refuse_type(check, value);
    else
        refuse(check, value, says[answer].remark,
               arena_print(check->arena, "%s, such as %s", says[answer].expected, example), NULL);
}

static bool wants_clinic(const struct value *value)
{
    return strcmp(value->field->name, "share_from") == 0 ||
           strcmp(value->field->name, "issued_by") == 0;
}

static bool wants_person(const struct value *value)
{
    return strcmp(value->field->name, "who") == 0;
}

static void check_handle(struct checking *check, const struct value *value)
{
    const struct directory *directory = check->rules->directory;
    const char *handle = json_text(value->node);
    if (handle == NULL) {
        refuse_type(check, value);
        return;
    }
    bool is_npi = text_starts(handle, "npi:");
    if (is_npi && !directory_npi_valid(handle + 4)) {
        refuse(check, value, "a number that is mistyped (its check digit is wrong)",
               "npi: and ten digits with a right check digit", NULL);
        return;
    }
    const struct directory_entry *entry = directory_find(directory, handle);
    if (entry == NULL && is_npi)
        return; /* a stranger */
    if (entry == NULL && strchr(handle, '/') != NULL)
        refuse(check, value, "whom nobody here has confirmed",
               "a short name from directory.csv; whom a partner named is known after refgate "
               "people confirm",
               directory_nearest(directory, handle));
    else if (entry == NULL)
        refuse(check, value, "who is not in the directory",
               record_value_in_words(check->arena, value->field),
               directory_nearest(directory, handle));
    else if (wants_clinic(value) && entry->is_person && !is_npi)
        refuse(check, value, "a person", "a clinic of directory.csv",
               directory_clinic_handle(directory, handle));
    else if (wants_person(value) && !entry->is_person)
        refuse(check, value, "a clinic", "a person of directory.csv", NULL);
}

const char *record_number_remark(const char *number)
{
    size_t digits = 0;
    for (const char *at = number; *at != '\0'; at++)
        digits += *at >= '0' && *at <= '9';
    if (strpbrk(number, "eE") != NULL)
        return "a number with an exponent";
    if (number[0] == '-' && strtod(number, NULL) == 0)
        return "which is minus nothing";
    return digits > DIGITS_MAX ? "more than 18 digits" : NULL;
}

static void check_number(struct checking *check, const struct value *value)
{
    const struct record_field *field = value->field;
    const char *number = json_number(value->node);
    const char *remark = NULL;
    if (number == NULL) {
        refuse_type(check, value);
        return;
    }
    remark = record_number_remark(number);
    if (remark == NULL && field->type == RECORD_WHOLE && strchr(number, '.') != NULL)
        remark = "which is not whole";
    double amount = strtod(number, NULL);
    bool is_out = field->allowed == RECORD_RANGE &&
                  (amount < strtod(field->lowest, NULL) || amount > strtod(field->highest, NULL));
    if (remark != NULL || is_out)
        refuse(check, value, remark, record_value_in_words(check->arena, field), NULL);
}

static void check_yes_no(struct checking *check, const struct value *value)
{
    if (json_kind(value->node) != JSON_BOOLEAN)
        refuse_type(check, value);
}

static void check_members(struct checking *check, const struct record_shape *shape,
                          const struct place *place, const struct json *object);

static void check_item(struct checking *check, const struct value *value)
{
    if (json_kind(value->node) != JSON_OBJECT)
        refuse_type(check, value);
    else
        check_members(check, value->field->item, value->place, value->node);
}

typedef void value_check(struct checking *check, const struct value *value);

static value_check *const checks[] = {
    [RECORD_TEXT] = check_text,     [RECORD_LONG_TEXT] = check_text, [RECORD_WORD] = check_word,
    [RECORD_ID] = check_id,         [RECORD_TIME] = check_time,      [RECORD_DATE] = check_date,
    [RECORD_HANDLE] = check_handle, [RECORD_WHOLE] = check_number,   [RECORD_NUMBER] = check_number,
    [RECORD_YES_NO] = check_yes_no, [RECORD_ITEM] = check_item};

/* ---- fields ---- */

/* Words, handles and ids stand once in a list. VALUE is number ITEM of LIST. */
static void check_repeats(struct checking *check, const struct value *value,
                          const struct json *list, size_t item)
{
    enum record_type type = value->field->type;
    const char *text = json_text(value->node);
    if ((type != RECORD_WORD && type != RECORD_HANDLE && type != RECORD_ID) || text == NULL)
        return;
    struct json *other = json_first(list);
    for (size_t before = 1; before < item; before++, other = json_next(other)) {
        if (text_equal(json_text(other), text)) {
            refuse(check, value, "given twice", "each one once", NULL);
            return;
        }
    }
}

static void check_list(struct checking *check, const struct value *value)
{
    const struct record_field *field = value->field;
    size_t count = json_count(value->node);
    if (json_kind(value->node) != JSON_LIST) {
        refuse(check, value, NULL, record_field_in_words(check->arena, field), NULL);
        return;
    }
    if (count == 0 && !check->rules->is_received)
        refuse(check, value, NULL,
               field->required ? record_field_in_words(check->arena, field)
                               : "one item at least, or leave the field out",
               NULL);
    else if (count < field->least && !check->rules->is_received)
        refuse(check, value, arena_print(check->arena, "with %zu item", count),
               arena_print(check->arena, "%s or more: %s", field->least == 2 ? "two" : "one",
                           record_meaning_in_words(check->arena, field)),
               NULL);
    else if (count > RECORD_LIST_MAX)
        refuse(check, value, "with too many items", "at most 500", NULL);
    check->is_too_long = check->is_too_long || count > RECORD_LIST_MAX;
    size_t item = 1;
    for (struct json *node = json_first(value->node); node != NULL && item <= RECORD_LIST_MAX;
         node = json_next(node), item++) {
        struct place place = {value->place, NULL, item};
        struct value one = {field, value->shape, &place, node};
        checks[field->type](check, &one);
        check_repeats(check, &one, value->node, item);
    }
}

static void check_field(struct checking *check, const struct value *value)
{
    if (json_kind(value->node) == JSON_NULL)
        refuse(check, value, NULL,
               value->field->required
                   ? record_field_in_words(check->arena, value->field)
                   : arena_print(check->arena, "%s, or leave the field out",
                                 record_field_in_words(check->arena, value->field)),
               NULL);
    else if (value->field->is_list)
        check_list(check, value);
    else
        checks[value->field->type](check, value);
}

/* A kind of record that has a field which SHAPE lacks, or NULL. */
static const char *owner_of(const char *name)
{
    for (size_t i = 0; i < record_kind_count; i++) {
        for (size_t j = 0; j < record_kinds[i].count; j++) {
            if (strcmp(record_kinds[i].fields[j].name, name) == 0)
                return record_kinds[i].name;
        }
    }
    return NULL;
}

static void check_unknown(struct checking *check, const struct record_shape *shape,
                          const struct place *place, const struct json *node)
{
    bool is_top = place->parent == NULL;
    const char *owner = is_top ? owner_of(place->name) : NULL;
    if (is_top && (record_is_receipt(place->name) || (shape == NULL && owner != NULL)))
        return;
    const char *found = "an unknown field";
    if (place->name[0] == '\0')
        found = "a field without a name";
    else if (owner != NULL)
        found = arena_print(check->arena, "a field of a %s", owner);
    const char *name = arena_copy_n(check->arena, place->name, strcspn(place->name, ".["));
    fault_at(check, place, node, found,
             arena_print(check->arena, "a field of a %s", shape == NULL ? "record" : shape->name),
             record_field_nearest(shape, name));
}

static void check_missing(struct checking *check, const struct record_shape *shape,
                          const struct place *parent, const struct json *object)
{
    const struct record_field *field;
    bool is_top = parent == NULL;
    for (size_t i = 0; (field = is_top             ? record_field_at(shape, i)
                                : i < shape->count ? &shape->fields[i]
                                                   : NULL) != NULL;
         i++) {
        if (!field->required || json_get(object, field->name) != NULL)
            continue;
        struct place place = {parent, field->name, 0};
        fault_at(check, &place, object, "nothing",
                 arena_print(check->arena, "%s (%s)", record_meaning_in_words(check->arena, field),
                             record_field_in_words(check->arena, field)),
                 NULL);
    }
}

static void check_members(struct checking *check, const struct record_shape *shape,
                          const struct place *place, const struct json *object)
{
    for (struct json *node = json_first(object); node != NULL; node = json_next(node)) {
        struct place member = {place, json_key(node), 0};
        const struct record_field *field = NULL;
        if (shape != NULL)
            field = record_field_find(shape, member.name);
        else
            field = record_field_find(&record_common, member.name);
        if (field == NULL) {
            check_unknown(check, shape, &member, node);
            continue;
        }
        struct value value = {field, shape == NULL ? record_common.name : shape->name, &member,
                              node};
        check_field(check, &value);
    }
    if (!check->rules->is_received)
        check_missing(check, shape, place, object);
}

/* ---- one value ---- */

static bool is_plain_text(const struct record_field *field, const char *text)
{
    bool is_long = field->type == RECORD_LONG_TEXT;
    return text != NULL && !text_is_blank(text) && !has_control(text, is_long) &&
           text_utf8_length(text) <= (is_long ? LONG_TEXT_MAX : TEXT_MAX);
}

/* Looks for no word near a wrong one: a partner may send wrong ones by the thousand. */
bool record_value_fits(struct arena *arena, const struct coding *coding,
                       const struct record_field *field, const struct json *node)
{
    struct finding_list findings = finding_list_new(arena);
    struct record_rules rules = {.arena = arena, .is_received = true};
    struct checking check = {.rules = &rules,
                             .coding = coding != NULL ? coding : coding_standard(),
                             .arena = arena,
                             .findings = &findings};
    struct place place = {NULL, field->name, 0};
    struct value value = {field, record_common.name, &place, node};
    switch (field->type) {
    case RECORD_TEXT:
    case RECORD_LONG_TEXT:
    case RECORD_HANDLE: /* of the sender's directory */
        return is_plain_text(field, json_text(node));
    case RECORD_WORD:
        return json_text(node) != NULL && is_allowed(&check, field, json_text(node));
    case RECORD_ITEM:
        return false;
    default:
        checks[field->type](&check, &value);
        return findings.count == 0;
    }
}

/* ---- a record ---- */

bool record_get_day(const struct json *object, const char *name, struct date *ret_date)
{
    const char *text = json_get_text(object, name);
    return text != NULL && date_parse(text, ret_date) == DATE_RIGHT;
}

bool record_get_time(const struct json *object, const char *name, struct date_time *ret_time)
{
    const char *text = json_get_text(object, name);
    return text != NULL && date_time_parse(text, ret_time) == DATE_RIGHT;
}

bool record_get_day_of(const struct json *object, const char *name, struct date *ret_date)
{
    struct date_time time;
    if (record_get_day(object, name, ret_date))
        return true;
    if (!record_get_time(object, name, &time))
        return false;
    *ret_date = date_of_time(time);
    return true;
}

/* What the gateway wrote into records/in about a partner's move: nothing else of it is worth a
 * line.
 */
static bool is_answer(struct checking *check)
{
    const struct json *kind = json_get(check->tree, "record");
    if (check->rules->is_received || !text_equal(json_text(kind), "answer"))
        return false;
    record_fault(check, (struct fault){.node = kind,
                                       .path = "record",
                                       .found = "an answer, which a partner gave",
                                       .expected = "a record of ours; a referral is answered by "
                                                   "refgate referrals accept, decline, ..."});
    return true;
}

static bool check_all(struct checking *check)
{
    size_t before = check->findings->count;
    if (is_answer(check))
        return false;
    check->shape = record_kind_find(json_get_text(check->tree, "record"));
    check_members(check, check->shape, NULL, check->tree);
    if (check->is_too_long) /* the rules compare items with each other */
        return false;
    if (check->shape != NULL)
        record_check_measures(check);
    record_check_rules(check);
    return check->findings->count == before;
}

bool record_check(const struct record *record, const struct record_rules *rules,
                  struct finding_list *findings)
{
    struct checking check = {.tree = record->tree,
                             .places = record->places,
                             .rules = rules,
                             .coding = rules->coding != NULL ? rules->coding : coding_standard(),
                             .arena = rules->arena,
                             .findings = findings};
    findings->file = record->file;
    findings->row = record->row;
    bool is_right = check_all(&check);
    findings->row = 0;
    return is_right;
}

bool record_check_tree(const struct json *tree, const struct record_rules *rules,
                       struct finding_list *findings)
{
    struct record record = {.tree = (struct json *)(uintptr_t)tree};
    return record_check(&record, rules, findings);
}
