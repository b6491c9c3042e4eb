/* match: see client/match.h. */
#include "fhir/client/match.h"

#include <string.h>

#include "base/text.h"
#include "fhir/client/name.h"

enum {
    SHOWN_MAX = 60, /* characters of a name that are shown */
    NUMBERS_MAX = 32,
    FACT_BYTES = 2048 /* of one name; client_name looks at no more */
};

/* ---- name and birth date ---- */

static struct client_name name_of(const struct json *record)
{
    return (struct client_name){json_get_text(record, "client_family_name"),
                                json_get_text(record, "client_given_names"),
                                json_get_text(record, "client_name_in_latin")};
}

static bool set(struct client_difference *ret_difference, const char *path,
                const struct json *record, const struct json *referral)
{
    *ret_difference = (struct client_difference){.path = path,
                                                 .found = json_get_text(record, path),
                                                 .expected = json_get_text(referral, path)};
    return true;
}

/* "1984" and "1984-03-09" are no contradiction. */
static bool is_same_day(const char *one, const char *other)
{
    return one == NULL || other == NULL || text_starts(one, other) || text_starts(other, one);
}

bool client_differs_in_person(const struct json *record, const struct json *referral,
                              struct client_difference *ret_difference)
{
    static const char born[] = "client_birth_date";
    struct client_name one = name_of(record);
    struct client_name other = name_of(referral);
    enum client_name_answer answer = client_name_compare(&one, &other);
    if (answer == CLIENT_NAME_OTHER_FAMILY)
        return set(ret_difference, one.family != NULL ? "client_family_name" : "client_given_names",
                   record, referral);
    if (answer == CLIENT_NAME_OTHER_GIVEN)
        return set(ret_difference, "client_given_names", record, referral);
    if (!is_same_day(json_get_text(record, born), json_get_text(referral, born)))
        return set(ret_difference, born, record, referral);
    return false;
}

/* ---- numbers ---- */

/* The numbers of a client that CLINIC gave; at most NUMBERS_MAX. */
static size_t numbers_of(const struct client_told *told, const char *clinic,
                         const char *ret_numbers[NUMBERS_MAX])
{
    size_t count = 0;
    const char *own = json_get_text(told->record, "client_id");
    if (own != NULL && text_equal(told->clinic, clinic))
        ret_numbers[count++] = own;
    const struct json *other = json_first(json_get(told->record, "client_other_ids"));
    for (; other != NULL && count < NUMBERS_MAX; other = json_next(other)) {
        const char *number = json_get_text(other, "id");
        if (number != NULL && text_equal(json_get_text(other, "issued_by"), clinic))
            ret_numbers[count++] = number;
    }
    return count;
}

/* Both have numbers that CLINIC gave, and share none. */
static bool differs_in_number(const struct client_told *record, const struct client_told *referral,
                              const char *clinic, struct client_difference *ret_difference)
{
    const char *ones[NUMBERS_MAX];
    const char *others[NUMBERS_MAX];
    size_t count = numbers_of(record, clinic, ones);
    size_t other_count = numbers_of(referral, clinic, others);
    if (clinic == NULL || count == 0 || other_count == 0)
        return false;
    for (size_t i = 0; i < count * other_count; i++) {
        if (strcmp(ones[i / other_count], others[i % other_count]) == 0)
            return false;
    }
    *ret_difference = (struct client_difference){"client_id", ones[0], others[0], clinic};
    return true;
}

bool client_differs(const struct client_told *record, const struct client_told *referral,
                    struct client_difference *ret_difference)
{
    return client_differs_in_person(record->record, referral->record, ret_difference) ||
           differs_in_number(record, referral, record->clinic, ret_difference) ||
           differs_in_number(record, referral, referral->clinic, ret_difference);
}

/* ---- what is kept of a referral ---- */

static void add_fact(struct arena *arena, struct json *facts, const char *name, const char *value)
{
    const char *end = value;
    if (value == NULL)
        return;
    if (strlen(value) > FACT_BYTES) {
        while (end - value < FACT_BYTES)
            text_utf8_next(&end);
        value = arena_copy_n(arena, value, (size_t)(end - value));
    }
    json_put_text(arena, facts, name, value);
}

struct json *client_facts(struct arena *arena, const struct json *record)
{
    static const char *const names[] = {"client_id", "client_family_name", "client_given_names",
                                        "client_name_in_latin", "client_birth_date"};
    struct json *facts = json_new_object(arena);
    struct json *list = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_fact(arena, facts, names[i], json_get_text(record, names[i]));
    const struct json *other = json_first(json_get(record, "client_other_ids"));
    for (size_t i = 0; other != NULL && i < NUMBERS_MAX; other = json_next(other), i++) {
        if (list == NULL)
            list = json_set(arena, facts, "client_other_ids", json_new_list(arena));
        struct json *item = json_push(list, json_new_object(arena));
        add_fact(arena, item, "id", json_get_text(other, "id"));
        add_fact(arena, item, "issued_by", json_get_text(other, "issued_by"));
    }
    return facts;
}

/* ---- for a person to read ---- */

static void add_shown(struct text *out, const char *name)
{
    size_t length = text_utf8_head(name, SHOWN_MAX);
    text_add_n(out, name, length);
    text_add(out, name[length] == '\0' ? "" : "...");
}

const char *client_shown(struct arena *arena, const struct json *record)
{
    struct client_name name = name_of(record);
    struct text shown = text_new(arena, 16 * SHOWN_MAX);
    if (name.family != NULL && !text_is_blank(name.family))
        add_shown(&shown, name.family);
    if (name.given != NULL && !text_is_blank(name.given)) {
        text_add(&shown, shown.length == 0 ? "" : ", ");
        add_shown(&shown, name.given);
    }
    return shown.length == 0 ? NULL : shown.at;
}
