/* demo: see demo.h. The story is a table (story.def); each step is done, then waited for at the
 * receivers' own stores. A practice that dies is started again and its step done again: every step
 * may be. */
#include "gateway/demo/demo.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/date.h"
#include "base/text.h"
#include "demo_samples.h"
#include "fhir/json/tree.h"
#include "gateway/demo/practice.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/file.h"

enum {
    ARGUMENTS_MAX = 12,
    SEEN_WITHIN_MS = 30000,
    STARTS_MAX = 20,
    RESTARTS_MAX = 300,
    LOOK_MS = 20
};

enum kind {
    KIND_STEP,
    KIND_DOWN,
    KIND_UP,
    KIND_AGAIN,
    KIND_STATE,
    KIND_HAS,
    KIND_WAITS,
    KIND_GONE,
    KIND_TRIED,
    KIND_ONCE
};
enum who { W, L, R, H };

struct line { /* of the story */
    enum kind kind;
    enum who who;
    const char *words[ARGUMENTS_MAX]; /* of a step: what to say, then the command */
};

#define FILE(name) "file:" #name
#define STEP(who, ...) {KIND_STEP, who, {__VA_ARGS__, NULL}},
#define DOWN(who, say) {KIND_DOWN, who, {say, NULL}},
#define UP(who, say) {KIND_UP, who, {say, NULL}},
#define AGAIN(who, say, kind) {KIND_AGAIN, who, {say, kind, NULL}},
#define STATE(who, referral, status) {KIND_STATE, who, {referral, status, NULL}},
#define HAS(who, clinic, kind, number) {KIND_HAS, who, {clinic, kind, number, NULL}},
#define WAITS(who, number) {KIND_WAITS, who, {number, NULL}},
#define GONE(who, number) {KIND_GONE, who, {number, NULL}},
#define TRIED(who, word) {KIND_TRIED, who, {word, NULL}},
#define ONCE(who, kind) {KIND_ONCE, who, {kind, NULL}},
static const struct line story[] = {
#include "gateway/demo/story.def"
};
#undef FILE
enum { LINES = sizeof story / sizeof *story };

struct demo {
    struct arena arena; /* of the whole demo */
    struct practice practices[PRACTICES];
    const char *root;
    bool as_json;
    int64_t started_ms;
};

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

static int64_t monotonic_ms(void)
{
    struct clock clock = clock_system();
    return clock_monotonic_ms(&clock);
}

/* ---- telling ---- */

static void tell(const struct demo *demo, const char *practice, const char *text)
{
    double seconds = (double)(monotonic_ms() - demo->started_ms) / 1000;
    if (demo->as_json) {
        struct arena arena = ARENA_EMPTY;
        struct json *object = json_new_object(&arena);
        json_set(&arena, object, "seconds",
                 json_new_number(&arena, arena_print(&arena, "%.1f", seconds)));
        json_set_text(&arena, object, "practice", practice);
        json_set_text(&arena, object, "say", text);
        printf("%s\n", json_print(&arena, object));
        arena_free(&arena);
    } else {
        printf("%5.1f s  %-10s %s\n", seconds, practice == NULL ? "" : practice, text);
    }
    fflush(stdout);
}

static void tell_restart(void *owner, const struct practice *practice)
{
    tell(owner, practice->name, "has stopped and is started again; it goes on where it was.");
}

/* ---- the samples, with their dates moved so that the story has just ended ---- */

/* By so many days: nothing of it is dated ahead of the clock, at whatever time of day it plays. */
static long days_since_story(const struct clock *clock)
{
    enum { DAY_S = 86400 };
    struct date_time newest;
    date_time_parse("2026-10-15T09:00:00-04:00", &newest); /* its newest record */
    long long past_s = clock_wall_ms(clock) / 1000 - newest.seconds;
    return (long)(past_s / DAY_S) - (past_s % DAY_S < 0);
}

static bool is_date_at(const char *text)
{
    static const char shape[] = "dddd-dd-dd";
    for (size_t i = 0; shape[i] != '\0'; i++) {
        bool fits = shape[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == shape[i];
        if (!fits)
            return false;
    }
    return true;
}

/* Every quoted value that starts with a date is moved; text that only mentions one stays. */
static const char *with_dates(struct arena *arena, const char *record, long days)
{
    char *moved = arena_copy(arena, record);
    for (char *at = moved; (at = strchr(at, '"')) != NULL; at++) {
        struct date date;
        char day[DATE_TEXT];
        if (!is_date_at(at + 1) || (at[11] != '"' && at[11] != 'T'))
            continue;
        char *text = arena_copy_n(arena, at + 1, 10);
        if (date_parse(text, &date) != DATE_RIGHT || date.year < 2026)
            continue;
        date_format(date_add_days(date, days), day);
        memcpy(at + 1, day, 10);
    }
    return moved;
}

static bool write_samples(struct demo *demo)
{
    struct clock clock = clock_system();
    const char *folder = arena_print(&demo->arena, "%s/story", demo->root);
    long days = days_since_story(&clock);
    if (!file_make_folder(folder, 0700))
        return false;
    for (const struct embedded_file *file = demo_samples; file->name != NULL; file++) {
        const char *text = with_dates(&demo->arena, file->bytes, days);
        const char *path = arena_print(&demo->arena, "%s/%s", folder, file->name);
        if (!file_replace(path, text, strlen(text), 0600))
            return false;
    }
    return true;
}

/* ---- looking ---- */

/* The objects that a listing command prints, as one JSON list; NULL when the practice does not
 * answer. */
static const struct json *ask_list(const struct demo *demo, struct arena *arena, enum who who,
                                   const char *one, const char *two)
{
    const char *const arguments[] = {one, two, "--json", NULL};
    const char *out;
    const char *err;
    if (practice_ask(arena, &demo->practices[who], arguments, &out, &err) != 0)
        return NULL;
    struct text list = text_new(arena, strlen(out) + 16);
    text_add(&list, "[");
    for (const char *line = out; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        text_add(&list, list.length == 1 ? "" : ",");
        text_add_n(&list, line, length);
        line += length + (line[length] == '\n');
    }
    text_add(&list, "]");
    return tree_of_n(arena, list.at, list.length);
}

/* How many objects of the list have VALUE under KEY, and OTHER under OTHER_KEY (NULL: anything). */
static int count_with(const struct json *list, const char *key, const char *value,
                      const char *other_key, const char *other)
{
    int count = 0;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        bool fits = text_equal(json_get_text(item, key), value);
        if (fits && (other == NULL || text_equal(json_get_text(item, other_key), other)))
            count++;
    }
    return count;
}

static bool is_seen(const struct demo *demo, struct arena *arena, const struct line *line)
{
    const char *const *words = line->words;
    const struct json *list = NULL;
    switch (line->kind) {
    case KIND_STATE:
        list = ask_list(demo, arena, line->who, "referrals", "list");
        return count_with(list, "referral", words[0], "status", words[1]) == 1;
    case KIND_HAS:
        list = ask_list(demo, arena, line->who, "records", "list");
        for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
            if (text_equal(json_get_text(item, "clinic"), words[0]) &&
                text_equal(json_get_text(item, "record"), words[1]) &&
                text_equal(json_get_text(item, "record_id"), words[2]))
                return true;
        }
        return false;
    case KIND_WAITS:
        list = ask_list(demo, arena, line->who, "tray", "list");
        return count_with(list, "record_id", words[0], NULL, NULL) == 1;
    case KIND_GONE:
        list = ask_list(demo, arena, line->who, "tray", "list");
        return list != NULL && count_with(list, "record_id", words[0], NULL, NULL) == 0;
    case KIND_TRIED:
        list = ask_list(demo, arena, line->who, "messages", "list");
        return count_with(list, "shown_as", words[0], NULL, NULL) > 0;
    case KIND_ONCE:
        list = ask_list(demo, arena, line->who, "messages", "list");
        return count_with(list, "kind", words[0], "direction", "in") == 1;
    default:
        return true;
    }
}

/* Somebody who kills them now and then is part of the show; one that cannot run at all is not. */
static bool can_go_on(const struct demo *demo)
{
    for (int i = 0; i < PRACTICES; i++) {
        if (demo->practices[i].restarts > RESTARTS_MAX)
            return false;
    }
    return !is_interrupted;
}

/* Waits until it is seen; watches over the practices meanwhile. */
static bool wait_seen(struct demo *demo, const struct line *line)
{
    int64_t until = monotonic_ms() + SEEN_WITHIN_MS;
    bool seen = false;
    while (!seen && can_go_on(demo) && monotonic_ms() < until) {
        struct arena arena = ARENA_EMPTY;
        practice_watch(demo->practices, tell_restart, demo);
        seen = is_seen(demo, &arena, line);
        arena_free(&arena);
        if (!seen)
            usleep(LOOK_MS * 1000);
    }
    if (!seen && !is_interrupted)
        tell(demo, demo->practices[line->who].name,
             arena_print(&demo->arena, "was expected to show %s %s %s, and did not.",
                         line->words[0], line->words[1] == NULL ? "" : line->words[1],
                         line->words[1] == NULL || line->words[2] == NULL ? "" : line->words[2]));
    return seen;
}

/* ---- doing ---- */

static const char *const *arguments_of(struct demo *demo, const struct line *line)
{
    const char **arguments = arena_array(&demo->arena, ARGUMENTS_MAX, sizeof *arguments);
    for (size_t i = 1; line->words[i] != NULL; i++) {
        const char *word = line->words[i];
        arguments[i - 1] = text_starts(word, "file:")
                               ? arena_print(&demo->arena, "%s/story/%s", demo->root, word + 5)
                               : word;
    }
    return arguments;
}

/* A step whose practice died before it answered is done again: a record is then known, and a move
 * that was made is refused, which the look at the receivers tells from one that was not. */
static bool do_step(struct demo *demo, const struct line *line)
{
    const char *const *arguments = arguments_of(demo, line);
    int64_t until = monotonic_ms() + SEEN_WITHIN_MS;
    bool was_broken = false;
    while (can_go_on(demo) && monotonic_ms() < until) {
        const char *out;
        const char *err;
        struct arena arena = ARENA_EMPTY;
        practice_watch(demo->practices, tell_restart, demo);
        int code = practice_ask(&arena, &demo->practices[line->who], arguments, &out, &err);
        bool is_done = code == 0 || (was_broken && code == 4);
        bool is_refused = code > 0 && code != 6 && !is_done;
        if (is_refused)
            fputs(err, stderr);
        was_broken = was_broken || code == 6 || code == -1;
        arena_free(&arena);
        if (is_done || is_refused)
            return is_done;
        usleep(LOOK_MS * 1000);
    }
    return false;
}

/* Sends the newest message of a kind again, as it is. */
static bool send_again(struct demo *demo, const struct line *line)
{
    bool is_done = false;
    while (!is_done && !is_interrupted) {
        struct arena arena = ARENA_EMPTY;
        const char *out;
        const char *err;
        practice_watch(demo->practices, tell_restart, demo);
        const struct json *item = json_first(ask_list(demo, &arena, line->who, "messages", "list"));
        while (item != NULL && !text_equal(json_get_text(item, "kind"), line->words[1]))
            item = json_next(item);
        const char *number = json_number(json_get(item, "number"));
        const char *const arguments[] = {"queue", "resend", number, NULL};
        is_done = number != NULL &&
                  practice_ask(&arena, &demo->practices[line->who], arguments, &out, &err) == 0;
        arena_free(&arena);
    }
    /* Seen when it has been answered again: sent, after one more try. */
    struct line answered = {KIND_TRIED, line->who, {"delivered", NULL}};
    return is_done && wait_seen(demo, &answered);
}

/* Somebody may kill it while it starts: it is started again, but not for ever. */
static bool start(struct demo *demo, struct practice *practice)
{
    for (int tries = 0; tries < STARTS_MAX && !is_interrupted; tries++) {
        if (practice_start(practice))
            return true;
        tell_restart(demo, practice);
        practice_stop(practice);
    }
    fprintf(stderr, "refgate demo: %s does not start; see %s/log.txt\n", practice->name,
            practice->dir);
    return false;
}

static bool play(struct demo *demo, const struct line *line)
{
    struct practice *practice = &demo->practices[line->who];
    bool speaks = line->kind <= KIND_AGAIN && line->words[0] != NULL;
    if (speaks)
        tell(demo, practice->name, line->words[0]);
    switch (line->kind) {
    case KIND_STEP:
        return do_step(demo, line);
    case KIND_DOWN:
        practice_stop(practice);
        return true;
    case KIND_UP:
        return start(demo, practice);
    case KIND_AGAIN:
        return send_again(demo, line);
    default:
        return wait_seen(demo, line);
    }
}

/* ---- the table at the end ---- */

/* The same, asked until the practice answers: it may be starting again. */
static const struct json *ask_surely(struct demo *demo, struct arena *arena, int who,
                                     const char *one, const char *two)
{
    int64_t until = monotonic_ms() + SEEN_WITHIN_MS;
    const struct json *list = ask_list(demo, arena, (enum who)who, one, two);
    while (list == NULL && can_go_on(demo) && monotonic_ms() < until) {
        usleep(LOOK_MS * 1000);
        practice_watch(demo->practices, tell_restart, demo);
        list = ask_list(demo, arena, (enum who)who, one, two);
    }
    return list;
}

/* Where the referral stands at the other side, by its own store; NULL: nowhere. */
static const char *status_there(struct demo *demo, struct arena *arena, const struct json *ours)
{
    for (int other = 0; other < PRACTICES; other++) {
        if (!text_equal(demo->practices[other].name, json_get_text(ours, "to")))
            continue;
        const struct json *theirs = json_first(ask_surely(demo, arena, other, "referrals", "list"));
        for (; theirs != NULL; theirs = json_next(theirs)) {
            if (text_equal(json_get_text(theirs, "referral"), json_get_text(ours, "referral")))
                return json_get_text(theirs, "status");
        }
    }
    return NULL;
}

static size_t message_count(struct demo *demo, struct arena *arena, int who, const char *number)
{
    const char *const show[] = {"referrals", "show", number, "--json", NULL};
    const char *out = "";
    const char *err;
    for (int tries = 0; tries < STARTS_MAX && out[0] == '\0' && can_go_on(demo); tries++) {
        practice_watch(demo->practices, tell_restart, demo);
        practice_ask(arena, &demo->practices[who], show, &out, &err);
    }
    return json_count(json_get(tree_of(arena, out), "messages"));
}

static void print_referral(const struct demo *demo, const struct json *ours, size_t messages,
                           bool agree)
{
    printf(demo->as_json ? "{\"referral\":\"%s\",\"from\":\"%s\",\"to\":\"%s\",\"state\":\"%s\","
                           "\"messages\":%zu,\"changed\":\"%s\",\"agree\":%s}\n"
                         : "%-12s %-10s %-10s %-12s %-9zu %s%s\n",
           json_get_text(ours, "referral"), json_get_text(ours, "from"), json_get_text(ours, "to"),
           json_get_text(ours, "status"), messages, json_get_text(ours, "changed"),
           demo->as_json ? (agree ? "true" : "false")
                         : (agree ? "" : "  (the other side differs)"));
}

/* Every referral by its placer's store, beside what the filler's says. Returns how many differ. */
static int print_end(struct demo *demo)
{
    struct arena arena = ARENA_EMPTY;
    int differences = 0;
    if (!demo->as_json)
        printf("\n%-12s %-10s %-10s %-12s %-9s %s\n", "REFERRAL", "FROM", "TO", "STATE", "MESSAGES",
               "TIME");
    for (int who = 0; who < PRACTICES; who++) {
        const struct json *ours = json_first(ask_surely(demo, &arena, who, "referrals", "list"));
        for (; ours != NULL; ours = json_next(ours)) {
            if (!text_equal(json_get_text(ours, "side"), "placer"))
                continue;
            const char *theirs = status_there(demo, &arena, ours);
            const char *status = json_get_text(ours, "status");
            bool agree = text_equal(status, theirs) ||
                         (text_equal(status, "received") && text_equal(theirs, "requested"));
            const char *number = json_get_text(ours, "referral");
            print_referral(demo, ours, message_count(demo, &arena, who, number), agree);
            differences += !agree;
        }
    }
    arena_free(&arena);
    return differences;
}

static void print_how(const struct demo *demo)
{
    printf("\nThe four are running. Look at them from another terminal:\n");
    for (int i = 0; i < PRACTICES; i++)
        printf("  refgate referrals list -d %s\n", demo->practices[i].dir);
    printf("  refgate referrals show LFP-88231 -d %s\n  refgate messages list -d %s\n"
           "Ctrl-C stops them.\n",
           demo->practices[L].dir, demo->practices[W].dir);
    fflush(stdout);
}

/* ---- life ---- */

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static void stop_all(struct demo *demo)
{
    for (int i = 0; i < PRACTICES; i++)
        practice_stop(&demo->practices[i]);
}

static bool start_all(struct demo *demo)
{
    tell(demo, NULL, "Four practices are set up, each with its own store, keys and partners.");
    for (int i = 0; i < PRACTICES; i++) {
        if (!start(demo, &demo->practices[i]))
            return false;
    }
    return true;
}

static bool play_all(struct demo *demo)
{
    bool all_seen = true;
    for (size_t i = 0; i < LINES && can_go_on(demo); i++)
        all_seen = play(demo, &story[i]) && all_seen;
    return all_seen && can_go_on(demo);
}

int demo_run(const char *root, bool once, bool as_json, const struct command_set *commands)
{
    struct demo demo = {.as_json = as_json, .started_ms = monotonic_ms()};
    char temporary[] = "/tmp/refgate-demo-XXXXXX";
    struct sigaction interrupt = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGTERM, &interrupt, NULL);
    signal(SIGPIPE, SIG_IGN);
    demo.root = root == NULL ? mkdtemp(temporary) : root;
    bool made = demo.root != NULL &&
                practice_make_all(&demo.arena, demo.root, commands, demo.practices) &&
                write_samples(&demo) && start_all(&demo);
    bool all_seen = made && play_all(&demo);
    if (made && print_end(&demo) > 0)
        all_seen = false;
    if (made && !as_json)
        printf("\n%s\n",
               all_seen ? "Everything expected was seen." : "Something was not as expected.");
    if (made && !once && !is_interrupted) {
        print_how(&demo);
        while (!is_interrupted) {
            practice_watch(demo.practices, tell_restart, &demo);
            usleep(LOOK_MS * 10 * 1000);
        }
    }
    stop_all(&demo);
    if (root == NULL && demo.root != NULL)
        nftw(demo.root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(&demo.arena);
    return all_seen ? 0 : 1;
}
