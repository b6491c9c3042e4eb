/* shown: the client, the clinic and the time of a row in a person's words; see the header for what
 * a row may cost. */
#include "gateway/commands/shown.h"

#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/visible.h"
#include "fhir/client/match.h"
#include "fhir/client/name.h"
#include "fhir/codes/standing.h"
#include "fhir/json/tree.h"

enum { PRECAUTIONS_MAX = 4000, CAUTION_MAX = 2000, TOLD_MAX = 20, NAME_ROOM = 512 };

/* ---- times ---- */

const char *shown_time(struct arena *arena, int64_t ms)
{
    enum { DATE_BYTES = 10, MINUTES_END = 16 };
    if (ms == 0)
        return NULL;
    char *text = arena_copy_n(arena, clock_text(arena, ms), MINUTES_END);
    text[DATE_BYTES] = ' ';
    return text;
}

const char *shown_written_time(struct arena *arena, const char *time)
{
    struct date_time parsed;
    if (time == NULL || date_time_parse(time, &parsed) != DATE_RIGHT)
        return time;
    return shown_time(arena, parsed.seconds * 1000);
}

const char *shown_zoned(struct arena *arena, const struct setup *setup, const char *heading)
{
    const char *zone = setup->config.time_zone;
    if (text_equal(zone, "system"))
        zone = clock_zone(arena, clock_wall_ms(&setup->clock));
    return arena_print(arena, "%s (%s)", heading, zone);
}

/* ---- clients ---- */

static const char *filled(const char *text)
{
    return text_is_blank(text) ? NULL : text;
}

/* RECORD: a record, or what is kept of one. */
static struct shown_client client_in(struct arena *arena, const struct json *record,
                                     const char *number)
{
    return (struct shown_client){.name = client_shown(arena, record),
                                 .birth_date = filled(json_get_text(record, "client_birth_date")),
                                 .number = filled(number)};
}

const char *shown_name(struct arena *arena, const struct shown_client *client)
{
    if (client->name == NULL)
        return client->number;
    if (client->number == NULL)
        return client->name;
    return arena_print(arena, "%s (%s)", client->name, client->number);
}

/* "delgado" and "rosa" begin words of "delgado-rosa". */
static bool begins_a_word(const char *slug, const char *word, size_t length)
{
    for (const char *at = slug; at != NULL; at = strchr(at, '-')) {
        at += at != slug;
        if (strncmp(at, word, length) == 0)
            return true;
    }
    return false;
}

static bool may_be_named(const char *name, const char *asked)
{
    char slug[NAME_ROOM], words[NAME_ROOM];
    client_name_slug(name, slug, sizeof slug);
    client_name_slug(asked, words, sizeof words);
    if (words[0] == '\0') /* in another script */
        return asked[0] != '\0' && strstr(name, asked) != NULL;
    for (const char *at = words; *at != '\0';) {
        size_t length = strcspn(at, "-");
        if (!begins_a_word(slug, at, length))
            return false;
        at += length + (at[length] == '-');
    }
    return true;
}

bool shown_client_is(const struct shown_client *client, const char *asked)
{
    return asked == NULL || text_equal(client->number, asked) ||
           (client->name != NULL && may_be_named(client->name, asked));
}

void shown_say_no_client(struct text *err, const char *asked)
{
    if (asked == NULL)
        return;
    text_add(err, "refgate: --client: found nothing about ");
    visible_add_line(err, asked);
    text_add(err, "; expected a client's number, or the name or the beginnings of its words, as "
                  "refgate records list shows them\n");
}

void shown_add_client(struct arena *arena, struct json *object, const struct shown_client *client)
{
    json_set_text(arena, object, "client_id", client->number);
    json_set_text(arena, object, "client_name", client->name);
    json_set_text(arena, object, "client_birth_date", client->birth_date);
}

static struct shown_client client_in_row(struct arena *arena, const struct store_client *row)
{
    struct json *facts = json_new_object(arena);
    json_set_text(arena, facts, "client_family_name", row->family_name);
    json_set_text(arena, facts, "client_given_names", row->given_names);
    json_set_text(arena, facts, "client_birth_date", row->birth_date);
    return client_in(arena, facts, row->number);
}

struct shown_client shown_client(const struct shown *shown, const char *owner, const char *number)
{
    struct store_client row;
    if (store_find_client(shown->store, shown->arena, owner, number, &row))
        return client_in_row(shown->arena, &row);
    return (struct shown_client){.number = filled(number)};
}

/* As the record itself names the client: another record may have the number by mistake. */
struct shown_client shown_client_of_record(const struct shown *shown,
                                           const struct store_record *row)
{
    size_t length;
    const char *text = store_record_text(shown->store, shown->arena, row, &length);
    const struct json *record = text == NULL ? NULL : tree_of_n(shown->arena, text, length);
    struct shown_client client = {.name = NULL};
    if (record != NULL)
        client = client_in(shown->arena, record, row->client);
    return client.name != NULL ? client : shown_client(shown, row->origin, row->client);
}

struct shown_client shown_client_of_referral(const struct shown *shown,
                                             const struct store_referral *referral)
{
    const struct json *facts = referral->client_facts == NULL
                                   ? shown_referral_record(shown, referral)
                                   : tree_of(shown->arena, referral->client_facts);
    return client_in(shown->arena, facts, referral->client);
}

struct shown_client shown_client_of_message(const struct shown *shown,
                                            const struct store_message *message)
{
    struct store_record record;
    struct store_referral referral;
    if (message->record != 0 &&
        store_get_record_row(shown->store, shown->arena, message->record, &record))
        return shown_client_of_record(shown, &record);
    if (message->referral != 0 &&
        store_get_referral(shown->store, shown->arena, message->referral, &referral))
        return shown_client_of_referral(shown, &referral);
    return (struct shown_client){.number = NULL};
}

/* ---- people and clinics ---- */

const char *shown_somebody(const struct shown *shown, const char *handle)
{
    const struct directory_entry *entry =
        handle == NULL ? NULL : directory_find(shown->setup->directory, handle);
    return entry == NULL ? handle : entry->name;
}

const char *shown_place(const struct shown *shown, const char *clinic, const char *person)
{
    if (person == NULL || text_equal(clinic, person))
        return clinic;
    const char *name = shown_somebody(shown, person);
    return clinic == NULL ? name : arena_print(shown->arena, "%s, %s", clinic, name);
}

/* ---- what a message is ---- */

static const char *of_referral(const struct shown *shown, const struct store_message *message)
{
    struct store_referral referral;
    if (message->referral == 0 ||
        !store_get_referral(shown->store, shown->arena, message->referral, &referral))
        return message->kind;
    return arena_print(shown->arena, "%s%s %s", message->kind,
                       text_equal(message->kind, "referral") ? "" : " of referral",
                       referral.number);
}

const char *shown_what(const struct shown *shown, const struct store_message *message)
{
    struct store_record record;
    if (message->record == 0 ||
        !store_get_record_row(shown->store, shown->arena, message->record, &record))
        return of_referral(shown, message);
    return text_equal(message->kind, record.kind)
               ? arena_print(shown->arena, "%s %s", record.kind, record.number)
               : arena_print(shown->arena, "%s of %s %s", message->kind, record.kind,
                             record.number);
}

/* ---- what a referral asks for ---- */

const struct json *shown_referral_record(const struct shown *shown,
                                         const struct store_referral *referral)
{
    struct store_record row;
    bool found = referral->corrected_by != 0
                     ? store_get_record(shown->store, shown->arena, referral->corrected_by, &row)
                     : store_find_record(shown->store, shown->arena, referral->placer, "referral",
                                         referral->number, &row) &&
                           store_get_record(shown->store, shown->arena, row.id, &row);
    return found ? tree_of(shown->arena, row.text) : NULL;
}

static void add_caution(struct text *out, const char *said)
{
    if (said != NULL)
        text_print(out, "%s%s", out->length == 0 ? "" : "; ", said);
}

/* What was told for that stands before everything else that is received. */
const char *shown_caution(struct arena *arena, const struct json *record)
{
    struct text out = text_new(arena, CAUTION_MAX);
    bool is_paused = text_equal(json_get_text(record, "record"), "referral") &&
                     text_equal(json_get_text(record, "status"), "on-hold");
    add_caution(&out, json_get_text(record, "standing"));
    add_caution(&out, is_paused ? "the order is on hold" : NULL);
    const struct json *entry = json_first(json_get(record, "received"));
    for (size_t i = 0; i < TOLD_MAX && entry != NULL; entry = json_next(entry), i++) {
        const struct standing_row *row =
            standing_of_path(arena, json_get_text(entry, "path"), json_get_text(entry, "code"));
        if (row != NULL && row->act == STANDING_TOLD)
            add_caution(&out, json_get_text(entry, "text"));
    }
    return out.length == 0 ? NULL : out.at;
}

static void add_precaution(struct text *out, const struct json *item)
{
    const char *details[] = {json_get_text(item, "level"), json_get_text(item, "side"),
                             json_get_text(item, "area"), json_get_text(item, "standing")};
    const char *before = " (";
    text_print(out, "%s%s", out->length == 0 ? "" : "; ", json_get_text(item, "text"));
    for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
        if (details[i] == NULL)
            continue;
        text_print(out, "%s%s", before, details[i]);
        before = ", ";
    }
    text_add(out, before[0] == ',' ? ")" : "");
}

const char *shown_precautions(struct arena *arena, const struct json *record)
{
    struct text out = text_new(arena, PRECAUTIONS_MAX);
    const struct json *item = json_first(json_get(record, "precautions"));
    for (; item != NULL; item = json_next(item)) {
        if (json_get_text(item, "text") != NULL)
            add_precaution(&out, item);
    }
    return out.length == 0 ? NULL : out.at;
}
