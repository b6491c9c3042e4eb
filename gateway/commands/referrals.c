/* referrals: the commands of the clinic's front desk: where each referral stands, and its moves. */
#include "gateway/commands/table.h"

#include <stdio.h>
#include <string.h>

#include "base/visible.h"
#include "fhir/codes/reason.h"
#include "gateway/audit/actor.h"
#include "gateway/commands/lists.h"
#include "gateway/outbound/outbound.h"

enum { LIST_PAGE = 100 }; /* referrals whose records are in memory at once */

/* ---- list and show ---- */

/* The code, and the words given with "other"; a reason of a partner without a code that we know is
 * shown in the partner's words, as claimed. */
static void add_reason(struct arena *arena, struct json *object,
                       const struct store_referral *referral)
{
    if (referral->reason_code == NULL) {
        json_set_text(arena, object, "reason", referral->reason);
        if (referral->reason != NULL)
            json_set(arena, object, "reason_is_claimed", json_new_boolean(arena, true));
        return;
    }
    json_set_text(arena, object, "reason", referral->reason_code);
    json_set_text(arena, object, "reason_text", referral->reason);
}

/* What stands in the row. */
static struct json *row_object(struct arena *arena, const struct store_referral *referral,
                               const struct shown_client *client)
{
    struct json *object = json_new_object(arena);
    json_set_text(arena, object, "referral", referral->number);
    json_set_text(arena, object, "from", referral->placer);
    json_set_text(arena, object, "to", referral->filler);
    json_set_text(arena, object, "filler_number", referral->filler_number);
    json_set_text(arena, object, "side", referral->role);
    shown_add_client(arena, object, client);
    json_set_text(arena, object, "service", referral->service);
    json_set_text(arena, object, "priority", referral->priority);
    json_set_text(arena, object, "status", referral->task_status);
    json_set_text(arena, object, "list", track_list(referral));
    json_set_text(arena, object, "business_status", referral->business_status);
    add_reason(arena, object, referral);
    json_set_text(arena, object, "abort", referral->abort_status);
    json_set(arena, object, "visits_done", json_new_whole(arena, (long)referral->visits_done));
    json_set(arena, object, "visits_total", json_new_whole(arena, (long)referral->visits_total));
    json_set_text(arena, object, "valid_until", referral->valid_until);
    json_set_text(arena, object, "since", clock_text(arena, referral->created_ms));
    json_set_text(arena, object, "changed", clock_text(arena, referral->changed_ms));
    return object;
}

/* With what its record asks for: why the client is referred, and what to take care of. */
static struct json *referral_object(const struct shown *shown,
                                    const struct store_referral *referral)
{
    struct arena *arena = shown->arena;
    struct shown_client client = shown_client_of_referral(shown, referral);
    const struct json *record = shown_referral_record(shown, referral);
    struct json *object = row_object(arena, referral, &client);
    const struct json *precautions = json_get(record, "precautions");
    json_set_text(arena, object, "standing", json_get_text(record, "standing"));
    json_set_text(arena, object, "caution", shown_caution(arena, record));
    json_set_text(arena, object, "referred_for", json_get_text(record, "reason"));
    if (json_count(precautions) > 0)
        json_set(arena, object, "precautions", json_copy(arena, precautions));
    return object;
}

static const char *visits(struct arena *arena, const struct store_referral *referral)
{
    if (referral->visits_total == 0 && referral->visits_done == 0)
        return NULL;
    return arena_print(arena, "%lld/%lld", (long long)referral->visits_done,
                       (long long)referral->visits_total);
}

/* What else stands beside the state; NULL: nothing. */
static const char *stop_words(struct arena *arena, const struct store_referral *referral)
{
    if (track_is_stop_asked(referral))
        return "asked to be stopped";
    if (text_equal(referral->abort_status, "rejected") && !track_is_over(referral->task_status))
        return "goes on, though asked to be stopped";
    if (track_unconfirmed_cancel(referral, arena) != NULL)
        return "not confirmed yet by the other clinic";
    return NULL;
}

/* "rejected: No capacity"; "in-progress; asked to be stopped: The client's choice" */
static const char *status(struct arena *arena, const struct store_referral *referral)
{
    const char *reason = reason_sentence(arena, referral->reason_code, referral->reason);
    const char *stop = stop_words(arena, referral);
    return arena_print(arena, "%s%s%s%s%s", referral->task_status, stop == NULL ? "" : "; ",
                       stop == NULL ? "" : stop, reason == NULL ? "" : ": ",
                       reason == NULL ? "" : reason);
}

/* "requested; proposed" */
static const char *status_with(struct arena *arena, const struct store_referral *referral,
                               const char *caution)
{
    const char *said = status(arena, referral);
    return caution == NULL ? said : arena_print(arena, "%s; %s", said, caution);
}

static void referral_cells(struct command_table *table, const struct shown *shown,
                           const struct store_referral *referral)
{
    struct arena *arena = shown->arena;
    struct shown_client client = shown_client_of_referral(shown, referral);
    const struct json *record = shown_referral_record(shown, referral);
    command_cell(table, referral->number);
    command_cell(table, shown_name(arena, &client));
    command_cell(table, client.birth_date);
    command_cell(table, referral->priority);
    command_cell(table, referral->placer);
    command_cell(table, referral->filler);
    command_cell(table, status_with(arena, referral, shown_caution(arena, record)));
    command_cell(table, track_list(referral));
    command_cell(table, visits(arena, referral));
    command_cell(table, shown_time(arena, referral->changed_ms));
    command_cell(table, json_get_text(record, "reason"));
    command_cell(table, shown_precautions(arena, record));
}

/* ---- the list, of which the newest are shown, oldest first ---- */

static bool is_asked(struct listing *listing, const struct store_referral *referral)
{
    const char *only = command_option(listing->call, "list"); /* NULL: all */
    struct shown shown = lists_shown(listing->call, listing->store, &listing->arena);
    struct shown_client client = {.name = NULL};
    if (only != NULL && !text_equal(only, track_list(referral)))
        return false;
    if (listing->client != NULL)
        client = shown_client_of_referral(&shown, referral);
    return shown_client_is(&client, listing->client);
}

/* The id before the oldest that is shown; 0: all are. */
static int64_t start_of(struct listing *listing, size_t limit)
{
    struct store_referral *rows;
    int64_t before = 0;
    size_t count;
    do {
        arena_reset(&listing->arena);
        count =
            store_referral_rows(listing->store, &listing->arena, before, true, STORE_PAGE, &rows);
        for (size_t i = 0; i < count; i++) {
            before = rows[i].id;
            if (is_asked(listing, &rows[i]) && limit-- == 0)
                return before;
        }
    } while (count == STORE_PAGE);
    return 0;
}

static void print_row(struct listing *listing, const struct store_referral *referral)
{
    struct shown shown = lists_shown(listing->call, listing->store, &listing->arena);
    if (command_has(listing->call, "json"))
        lists_object(listing->call, referral_object(&shown, referral));
    else
        referral_cells(&listing->table, &shown, referral);
}

static void print_rows(struct listing *listing, int64_t after)
{
    struct store_referral *rows;
    size_t count;
    do {
        arena_reset(&listing->arena);
        count =
            store_referral_rows(listing->store, &listing->arena, after, false, LIST_PAGE, &rows);
        for (size_t i = 0; i < count; i++) {
            after = rows[i].id;
            if (!is_asked(listing, &rows[i]))
                continue;
            print_row(listing, &rows[i]);
            listing->printed++;
        }
    } while (count == LIST_PAGE);
}

static int list(struct command_call *call)
{
    const char *changed = shown_zoned(call->arena, call->office->setup, "CHANGED");
    const char *const headings[] = {"REFERRAL", "CLIENT", "BORN",   "PRIORITY",
                                    "FROM",     "TO",     "STATUS", "LIST",
                                    "VISITS",   changed,  "REASON", "PRECAUTIONS"};
    struct listing listing;
    struct fault fault;
    size_t limit;
    size_t list_count;
    const char *const *lists = track_lists(&list_count);
    if (!lists_word(call, "list", lists, list_count, &fault) ||
        !lists_limit(call, &limit, &fault) || !lists_begin(&listing, call, headings, 12, &fault))
        return command_fail(call, &fault);
    int64_t after = start_of(&listing, limit);
    print_rows(&listing, after);
    lists_end(&listing);
    if (after != 0)
        lists_say_cut(call, limit, "--list LIST, --client WHO, or referrals show ID");
    return 0;
}

/* "progress-note delivered", of a message of ours, names the record and who gets it: "progress-note
 * W-1b delivered to lakeside, Dr. Ama Osei". */
static const char *event_words(const struct shown *shown, const struct store_event *event)
{
    struct store_message message;
    if (event->message == 0 ||
        !store_get_message(shown->store, shown->arena, event->message, &message) ||
        !text_equal(message.direction, "out") || message.record == 0 ||
        !text_starts(event->what, message.kind) || event->what[strlen(message.kind)] != ' ')
        return event->what;
    const char *rest = event->what + strlen(message.kind);
    const char *place = lists_recipient(shown, &message);
    return arena_print(shown->arena, "%s%s%s%s", shown_what(shown, &message), rest,
                       text_equal(rest, " delivered") && place != NULL ? " to " : "",
                       text_equal(rest, " delivered") && place != NULL ? place : "");
}

static struct json *track_objects(const struct shown *shown, const struct store_event *events,
                                  size_t count)
{
    struct arena *arena = shown->arena;
    struct json *track = json_new_list(arena);
    for (size_t i = 0; i < count; i++) {
        struct json *line = json_push(track, json_new_object(arena));
        json_set_text(arena, line, "at", clock_text(arena, events[i].at_ms));
        json_set_text(arena, line, "what", events[i].what);
        json_set_text(arena, line, "shown_as", event_words(shown, &events[i]));
        json_set_text(arena, line, "by", events[i].by);
        json_set_text(arena, line, "detail", events[i].detail);
    }
    return track;
}

/* "for       Núñez-O'Hara, María José (C-1042)", on its line. */
static void print_fact(struct command_call *call, const char *name, const char *value)
{
    if (value == NULL)
        return;
    text_print(&call->out, "  %-14s", name);
    visible_add_line(&call->out, value);
    text_add(&call->out, "\n");
}

static void print_facts(struct command_call *call, const struct shown *shown,
                        const struct store_referral *referral)
{
    struct arena *arena = shown->arena;
    struct shown_client client = shown_client_of_referral(shown, referral);
    const struct json *record = shown_referral_record(shown, referral);
    print_fact(call, "take care", shown_caution(arena, record));
    print_fact(call, "client", shown_name(arena, &client));
    print_fact(call, "born", client.birth_date);
    print_fact(call, "from",
               shown_place(shown, referral->placer, json_get_text(record, "written_by")));
    print_fact(call, "to",
               shown_place(shown, referral->filler, json_get_text(record, "referred_to")));
    print_fact(call, "priority", referral->priority);
    print_fact(call, "service", referral->service);
    print_fact(call, "reason", json_get_text(record, "reason"));
    print_fact(call, "precautions", shown_precautions(arena, record));
    print_fact(call, "visits", visits(arena, referral));
    print_fact(call, "valid until", referral->valid_until);
    print_fact(call, text_equal(referral->role, "filler") ? "our number" : "number there",
               referral->filler_number);
}

/* TIME is said once, in the heading. */
static void print_track(struct command_call *call, const struct shown *shown,
                        const struct store_event *events, size_t count)
{
    const char *at = shown_zoned(call->arena, shown->setup, "AT");
    const char *const headings[] = {at, "WHAT", "BY", "WHY"};
    struct command_table table = lists_table(call->arena, headings, 4);
    for (size_t i = 0; i < count; i++) {
        command_cell(&table, shown_time(call->arena, events[i].at_ms));
        command_cell(&table, event_words(shown, &events[i]));
        command_cell(&table, shown_somebody(shown, events[i].by));
        command_cell(&table, events[i].detail);
    }
    command_print_table(&table, &call->out);
}

static void print_referral(struct command_call *call, const struct shown *shown,
                           const struct store_referral *referral, const struct store_event *events,
                           size_t count)
{
    text_print(&call->out, "referral %s from %s to %s: %s (%s)\n",
               visible_line(call->arena, referral->number, LAST_CELL_MAX), referral->placer,
               referral->filler,
               visible_line(call->arena, status(call->arena, referral), LAST_CELL_MAX),
               track_list(referral));
    print_facts(call, shown, referral);
    text_add(&call->out, "\n");
    print_track(call, shown, events, count);
    text_add(&call->out, "\n");
}

static int show(struct command_call *call)
{
    struct store *store;
    struct fault fault;
    struct store_referral referral;
    struct store_event *events;
    struct store_message *messages;
    if (!office_reader(call->office, call->arena, &store, &fault))
        return command_fail(call, &fault);
    struct flow flow = {call->office->setup, store, call->arena, clock_wall_ms(&call->clock), NULL};
    struct shown shown = lists_shown(call, store, call->arena);
    if (!flow_find_referral(&flow, call->words[0], &referral, &fault)) {
        store_close(store);
        return command_fail(call, &fault);
    }
    size_t count = store_events(store, call->arena, referral.id, &events);
    size_t message_count =
        store_messages(store, call->arena, NULL, NULL, referral.id, 1000, &messages);
    if (command_has(call, "json")) {
        struct json *object = referral_object(&shown, &referral);
        json_set(call->arena, object, "track", track_objects(&shown, events, count));
        json_set(call->arena, object, "messages",
                 lists_message_objects(&shown, messages, message_count));
        lists_object(call, object);
    } else {
        print_referral(call, &shown, &referral, events, count);
        lists_messages(call, store, messages, message_count);
    }
    store_close(store);
    return 0;
}

/* ---- moves ---- */

struct moving {
    struct unit unit;
    struct command_call *call;
    const char *word;
    bool was_sent; /* the other clinic may know of the referral */
    struct track_details details;
    struct store_referral referral;
};

/* The person gives one word; which move it is depends on where the referral stands: taking back a
 * referral that is under way is asking for it to be stopped, and the other side's "cancel" is its
 * yes. */
static const char *move_for(const char *word, const struct store_referral *referral)
{
    bool is_placer = track_ours(referral) == TRACK_PLACER;
    bool is_under_way = text_equal(referral->task_status, "in-progress") ||
                        text_equal(referral->task_status, "on-hold");
    if (!text_equal(word, "cancel"))
        return word;
    if (!is_placer)
        return "abort-accept";
    return is_under_way ? "abort" : "cancel";
}

static bool run_move(struct unit *unit, struct store *store)
{
    struct moving *moving = (struct moving *)unit;
    struct flow flow = {moving->call->office->setup, store, unit->arena,
                        clock_wall_ms(&moving->call->clock), moving->call->office->validator};
    const char *id = moving->call->words[0];
    struct fault *fault = &unit->fault;
    if (!flow_find_to_move(&flow, id, moving->word, &moving->referral, fault))
        return false;
    if (!actor_choose(flow.setup, unit->arena, command_option(moving->call, "by"),
                      moving->call->caller, &moving->details.by, fault))
        return false;
    moving->word = move_for(moving->word, &moving->referral);
    moving->was_sent = !text_equal(moving->referral.task_status, "draft");
    return flow_move(&flow, id, moving->word, &moving->details, &moving->referral, fault);
}

static bool read_count(struct command_call *call, const char *text, struct moving *moving)
{
    long long done = 0;
    long long total = 0;
    char rest;
    int fields = sscanf(text, "%lld/%lld%c", &done, &total, &rest);
    if ((fields != 1 && fields != 2) || done < 0 || done > TRACK_VISITS_MAX || total < 0 ||
        total > TRACK_VISITS_MAX || (fields == 2 && done > total)) {
        text_print(&call->err,
                   "refgate referrals progress: found \"%s\"; expected visits done of all, "
                   "such as 3/6\n",
                   text);
        return false;
    }
    moving->details.visits_done = done;
    moving->details.visits_total = total;
    return true;
}

/* What has happened, and what happens next. */
static void print_moved(struct command_call *call, const struct moving *moving)
{
    const struct store_referral *referral = &moving->referral;
    const char *number = referral->number;
    if (text_equal(moving->word, "abort"))
        text_print(
            &call->out,
            "referral %s has begun at %s, so it is not cancelled yet: %s is asked to stop. It "
            "stays %s until the answer comes (refgate referrals list --list \"waiting for an "
            "answer\")\n",
            number, referral->filler, referral->filler, referral->task_status);
    else if (text_equal(moving->word, "abort-accept"))
        text_print(&call->out, "referral %s is stopped, as %s asked: it is now %s\n", number,
                   referral->placer, referral->task_status);
    else if (text_equal(moving->word, "abort-decline"))
        text_print(&call->out, "referral %s goes on: %s is told that you do not stop; it is %s\n",
                   number, referral->placer, referral->task_status);
    else if (text_equal(moving->word, "cancel") && !moving->was_sent)
        text_print(&call->out, "referral %s is now %s; it had not left\n", number,
                   referral->task_status);
    else
        text_print(&call->out, "referral %s is now %s\n", number, referral->task_status);
}

static int move(struct command_call *call, const char *word)
{
    struct moving moving = {.unit.run = run_move,
                            .unit.arena = call->arena,
                            .call = call,
                            .word = word,
                            .details = {.reason_code = command_option(call, "reason"),
                                        .reason = command_option(call, "text")}};
    if (text_equal(word, "progress") && !read_count(call, call->words[1], &moving))
        return fault_exit_code(FAULT_usage);
    bool called = writer_call(call->office->writer, &moving.unit);
    if (!called)
        return command_fail(call, &moving.unit.fault);
    const struct shown_client client = {.number = moving.referral.client};
    if (command_has(call, "json"))
        lists_object(call, row_object(call->arena, &moving.referral, &client));
    else
        print_moved(call, &moving);
    return 0;
}

#define MOVE_COMMAND(name, word)                                                                   \
    static int name(struct command_call *call)                                                     \
    {                                                                                              \
        return move(call, word);                                                                   \
    }
MOVE_COMMAND(accept, "accept")
MOVE_COMMAND(decline, "decline")
MOVE_COMMAND(begin, "start")
MOVE_COMMAND(progress, "progress")
MOVE_COMMAND(hold, "hold")
MOVE_COMMAND(resume, "resume")
MOVE_COMMAND(complete, "complete")
MOVE_COMMAND(fail, "fail")
MOVE_COMMAND(cancel, "cancel")
MOVE_COMMAND(keep, "abort-decline")

static const struct command_option list_options[] = {
    {"list", "LIST",
     "only those of one list: to answer, waiting for an answer, to start, waiting for the first "
     "visit, under way, on hold, not sent yet or closed",
     false},
    {"client", "WHO", "those of one client: the number, or the name (delgado r)", false},
    LISTS_LIMIT,
    {NULL, NULL, NULL, false},
};
static const struct command_option move_options[] = {
    COMMAND_BY,
    {NULL, NULL, NULL, false},
};
static const struct command_option reason_options[] = {
    COMMAND_BY,
    {"reason", "CODE",
     "no-capacity, not-our-service, missing-information, cannot-reach-client, client-choice, "
     "contraindicated, coverage, duplicate or other; the partner reads it",
     false},
    {"text", "TEXT", "with --reason other: why, in at most 200 characters", false},
    {NULL, NULL, NULL, false},
};

#define ROW(name, arguments, help, words, run, options)                                            \
    {                                                                                              \
        name, arguments, help, COMMAND_STORE, words, words, run, options                           \
    }
const struct command commands_referrals[] = {
    ROW("referrals list", "", "every referral and where it stands", 0, list, list_options),
    ROW("referrals show", "ID", "one referral, its track and its messages", 1, show, NULL),
    ROW("referrals accept", "ID", "say yes to a referral", 1, accept, move_options),
    ROW("referrals decline", "ID", "say no, with --reason", 1, decline, reason_options),
    ROW("referrals start", "ID", "care has begun", 1, begin, move_options),
    ROW("referrals progress", "ID N/M", "N of M visits are done", 2, progress, move_options),
    ROW("referrals hold", "ID", "pause; --reason may say why", 1, hold, reason_options),
    ROW("referrals resume", "ID", "go on after a pause", 1, resume, move_options),
    ROW("referrals complete", "ID", "care has ended as planned", 1, complete, move_options),
    ROW("referrals fail", "ID", "care cannot be finished, with --reason", 1, fail, reason_options),
    ROW("referrals cancel", "ID",
        "take it back; once care has begun: ask the other clinic to stop, or, asked, agree to stop",
        1, cancel, reason_options),
    ROW("referrals keep", "ID", "go on although the other clinic asked to stop", 1, keep,
        move_options),
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
