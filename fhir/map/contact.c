/* contact: see contact.h. What is old, has ended or serves only for bills is never read; of the
 * rest `rank` says what its owner prefers, then `use`. The others stay in `received`. */
#include "fhir/map/contact.h"

#include <string.h>

#include "fhir/field/choice.h"

const char *const contact_uses_of_client[] = {"home", "mobile", "", "work", "temp", NULL};
const char *const contact_uses_of_people[] = {"work", "mobile", "", "home", "temp", NULL};

/* ---- telephone and e-mail ---- */

struct wanted {
    const char *system;
    const char *const *uses;
};

/* 1 is best; what has no rank comes after all that have one. */
static int rank_of(const struct json *point)
{
    enum { RANK_MAX = 99 };
    long rank = 0;
    bool is_ranked = json_whole(json_get(point, "rank"), &rank) && rank > 0 && rank < RANK_MAX;
    return is_ranked ? (int)rank : RANK_MAX;
}

static bool judge_point(struct field_job *job, struct json *point, const void *option,
                        struct choice *ret_choice)
{
    const struct wanted *wanted = option;
    const char *value = json_get_text(point, "value");
    if (value == NULL || !text_equal(json_get_text(point, "system"), wanted->system))
        return false;
    int use = choice_use(point, wanted->uses);
    enum choice_time time = choice_time(job, point);
    if (use < 0 || time == CHOICE_ENDED)
        return false;
    ret_choice->rank = ((int)time * 100 + rank_of(point)) * 10 + use;
    ret_choice->first = value;
    return true;
}

static void read_point(struct field_job *job, struct json *list, const struct wanted *wanted,
                       const char *local, struct json *into)
{
    struct json *point = choice_best(job, list, judge_point, wanted);
    if (point == NULL || json_get(into, local) != NULL)
        return;
    json_set(job->arena, into, local, json_copy_nodes(job->arena, json_get(point, "value")));
    json_mark(json_get(point, "system"));
    json_mark(json_get(point, "value"));
}

static struct json *read_contact(struct field_job *job, const struct field *field,
                                 struct json *node, struct json *into)
{
    const struct contact *contact = field->option;
    read_point(job, node, &(struct wanted){"phone", contact->uses}, contact->phone, into);
    read_point(job, node, &(struct wanted){"email", contact->uses}, contact->email, into);
    return NULL;
}

static void write_point(struct field_job *job, struct json *list, const char *system,
                        const struct json *value)
{
    if (value == NULL)
        return;
    struct json *point = json_push(list, json_new_object(job->arena));
    json_set_text(job->arena, point, "system", system);
    json_put(point, "value", json_copy_nodes(job->arena, value));
}

static struct json *write_contact(struct field_job *job, const struct field *field,
                                  const struct json *value)
{
    const struct contact *contact = field->option;
    struct json *list = json_new_list(job->arena);
    write_point(job, list, "phone", json_get(value, contact->phone));
    write_point(job, list, "email", json_get(value, contact->email));
    return json_first(list) == NULL ? NULL : list;
}

const struct field_kind map_contact = {write_contact, read_contact};

/* ---- address: one line of text ---- */

static const char *const address_parts[] = {"line", "city", "state", "postalCode", "country", NULL};

static bool says_something(const struct json *address)
{
    for (size_t i = 0; address_parts[i] != NULL; i++) {
        if (json_get(address, address_parts[i]) != NULL)
            return true;
    }
    return json_get_text(address, "text") != NULL;
}

static void add_part(struct text *line, const char *before, const char *part)
{
    if (part == NULL)
        return;
    if (line->length > 0)
        text_add(line, before);
    text_add(line, part);
}

/* "12 Elm St, Apt 4, Springfield, IL 62701, US" */
static const char *in_one_line(struct field_job *job, const struct json *address)
{
    struct text line = text_new(job->arena, 8192);
    const char *state = json_get_text(address, "state");
    for (struct json *part = json_first(json_get(address, "line")); part != NULL;
         part = json_next(part))
        add_part(&line, ", ", json_text(part));
    add_part(&line, ", ", json_get_text(address, "city"));
    add_part(&line, ", ", state);
    add_part(&line, state == NULL ? ", " : " ", json_get_text(address, "postalCode"));
    add_part(&line, ", ", json_get_text(address, "country"));
    return line.at;
}

static bool judge_address(struct field_job *job, struct json *address, const void *option,
                          struct choice *ret_choice)
{
    static const char *const uses[] = {"home", "", "temp", "work", NULL};
    int use = choice_use(address, uses);
    enum choice_time time = choice_time(job, address);
    bool is_postal = text_equal(json_get_text(address, "type"), "postal");
    (void)option;
    if (use < 0 || time == CHOICE_ENDED || !says_something(address))
        return false;
    ret_choice->rank = (int)time * 100 + use * 10 + (is_postal ? 1 : 0);
    ret_choice->first = json_get_text(address, "text");
    ret_choice->second = in_one_line(job, address);
    return true;
}

/* What the line read says too has been understood. Longer ones and more of them than any address
 * has are told. */
static void mark_parts(struct json *address, const char *read)
{
    enum { LONGEST = 2000, LINES_MAX = 16 };
    size_t count = 0;
    if (strlen(read) > LONGEST)
        return;
    for (size_t i = 0; address_parts[i] != NULL; i++) {
        struct json *part = json_get(address, address_parts[i]);
        if (json_kind(part) == JSON_LIST)
            part = json_first(part);
        for (; part != NULL && count < LINES_MAX; part = i == 0 ? json_next(part) : NULL, count++) {
            if (json_text(part) != NULL && text_has_words(read, json_text(part)))
                json_mark(part);
        }
    }
}

static struct json *read_address(struct field_job *job, const struct field *field,
                                 struct json *node, struct json *into)
{
    struct json *address = choice_best(job, node, judge_address, NULL);
    struct json *text = json_get(address, "text");
    if (address == NULL || json_get(into, field->option) != NULL)
        return NULL;
    const char *line = json_text(text) != NULL ? json_text(text) : in_one_line(job, address);
    json_set(job->arena, into, field->option, json_new_lasting(job->arena, line));
    json_mark(text);
    mark_parts(address, line);
    return NULL;
}

static struct json *write_address(struct field_job *job, const struct field *field,
                                  const struct json *value)
{
    const struct json *line = json_get(value, field->option);
    if (text_is_blank(json_text(line)))
        return NULL;
    struct json *list = json_new_list(job->arena);
    struct json *address = json_push(list, json_new_object(job->arena));
    json_put(address, "text", json_copy_nodes(job->arena, line));
    return list;
}

const struct field_kind map_address = {write_address, read_address};
