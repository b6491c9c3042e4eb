/* check: everything wrong with a gateway, before it matters (`check`), and how it goes (`status`).
 *
 * `check` runs in the caller's process, with or without a service, and its exit code is for
 * scripts: faults of files and store (7), what somebody must act on (9), else 0. It connects to the
 * partners only while the service runs, since before that nobody expects them to be there. `status`
 * is for people, runs where the store is, and always ends well. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/visible.h"
#include "gateway/audit.h"
#include "gateway/commands/health.h"
#include "gateway/commands/lists.h"
#include "gateway/commands/table.h"
#include "gateway/people.h"
#include "gateway/revocation.h"
#include "gateway/store/backup.h"
#include "gateway/store/figures.h"
#include "gateway/store/lived.h"
#include "gateway/tls.h"
#include "gateway/track.h"

enum { REACH_MS = 2000 };

/* ---- what was found ---- */

static struct json *item_object(struct arena *arena, const struct health_item *item)
{
    struct json *object = json_new_object(arena);
    json_set_text(arena, object, "what", item->what);
    json_set_text(arena, object, "partner", item->partner);
    if (item->days_left != NULL)
        json_set(arena, object, "days_left", json_new_whole(arena, *item->days_left));
    json_set_text(arena, object, "sentence", item->sentence);
    return object;
}

static void print_items(struct command_call *call, const struct health *health)
{
    for (size_t i = 0; i < health->count; i++) {
        if (command_has(call, "json")) {
            lists_object(call, item_object(call->arena, &health->items[i]));
            continue;
        }
        visible_add_line(&call->out, health->items[i].sentence);
        text_add(&call->out, "\n");
    }
}

/* "1 partner", "2 partners". */
static const char *plural(size_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* ---- check ---- */

/* NULL with a finding. */
static struct store *open_store(struct command_call *call, const struct setup *setup,
                                struct finding_list *findings)
{
    struct store *store;
    struct fault fault;
    if (store_open_reader(office_store_path(setup, call->arena), &store, call->arena, &fault))
        return store;
    finding_add(findings, (struct finding){.file = "store.db",
                                           .found = fault_sentence(&fault),
                                           .expected = "the store that refgate init made"});
    return NULL;
}

static const char *audit_fault(struct arena *arena, const struct store *store, int64_t row)
{
    if (store_failed(store))
        return arena_print(arena, "rows from %lld on that cannot be read: %s", (long long)row,
                           store_error(store));
    return arena_print(arena, "row %lld, which does not fit the one before it", (long long)row);
}

static void check_store(struct command_call *call, struct store *store,
                        struct finding_list *findings)
{
    struct store_report report;
    struct fault fault;
    int64_t rows;
    int64_t bad;
    store_examine(store, &report, call->arena, &fault);
    for (size_t i = 0; i < report.damage_count && i < STORE_DAMAGES_MAX; i++)
        finding_add(findings,
                    (struct finding){.file = "store.db",
                                     .found = report.damages[i],
                                     .expected = "a store that is whole; refgate repair mends "
                                                 "what it can, while no service runs, else "
                                                 "restore a backup with refgate restore"});
    if (!audit_verify(store, &rows, &bad))
        finding_add(findings, (struct finding){.file = "store.db",
                                               .path = "audit",
                                               .found = audit_fault(call->arena, store, bad),
                                               .expected = "an unbroken chain"});
}

/* Somebody takes commands on the folder's socket. */
static bool is_served(struct arena *arena, const char *dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = folder_path(arena, dir, "control.sock");
    if (strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers =
        file >= 0 && connect(file, (const struct sockaddr *)&address, sizeof address) == 0;
    if (file >= 0)
        close(file);
    return answers;
}

static void check_all(struct command_call *call, struct setup *setup, struct health *health,
                      struct finding_list *findings)
{
    people_read(setup, true);
    folder_check(call->arena, call->dir, &setup->config, &setup->partners, findings);
    revocation_fetch_missing(setup, NULL, findings);
    struct context *context = tls_context(setup, findings);
    if (context != NULL)
        health_terms(health, context);
    context_release(context);
    health_files(health);
    health_directory(health);
    struct store *store = open_store(call, setup, findings);
    if (store != NULL) {
        check_store(call, store, findings);
        health_store(health, store);
    }
    health_machine(health, store);
    store_close(store);
    if (is_served(call->arena, call->dir))
        health_reach(health, REACH_MS);
}

static int check(struct command_call *call)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct setup *setup = NULL;
    struct health health = {.count = 0};
    if (setup_load(call->dir, &findings, &setup)) {
        health = health_new(call->arena, setup, clock_wall_ms(&call->clock));
        check_all(call, setup, &health, &findings);
    }
    print_items(call, &health);
    command_findings(call, &findings);
    if (findings.count == 0 && health.count == 0 && !command_has(call, "json")) {
        size_t people = directory_count(setup->directory);
        text_print(&call->out, "All is well: %zu %s, %zu %s.\n", setup->partners.count,
                   plural(setup->partners.count, "partner", "partners"), people,
                   plural(people, "person or clinic", "people and clinics"));
    }
    setup_release(setup);
    if (findings.count > 0)
        return fault_exit_code(FAULT_settings);
    return fault_exit_code(health_count(&health, HEALTH_WARNING) > 0 ? FAULT_runs_out : FAULT_none);
}

/* ---- status ---- */

struct standing {
    struct command_call *call;
    struct store *store;
    struct health health;
    struct store_waiting *waiting;
    size_t waiting_count;
    int64_t lived_ms;  /* now, as the store counts (lived.h) */
    int64_t until;     /* our certificate's end, in seconds; 0: it cannot be read */
    int64_t to_answer; /* referrals that wait for us */
};

static int64_t waiting_of(const struct standing *standing, const char *partner, const char *state)
{
    int64_t sum = 0;
    for (size_t i = 0; i < standing->waiting_count; i++) {
        const struct store_waiting *at = &standing->waiting[i];
        if (text_equal(at->partner, partner) && (state == NULL || text_equal(at->state, state)))
            sum += at->count;
    }
    return sum;
}

/* How long the oldest message for the partner waits: "3 h"; NULL: none does. */
static const char *oldest_of(const struct standing *standing, const char *partner)
{
    int64_t oldest_ms = INT64_MAX;
    for (size_t i = 0; i < standing->waiting_count; i++) {
        const struct store_waiting *at = &standing->waiting[i];
        if (text_equal(at->partner, partner) && at->oldest_ms < oldest_ms)
            oldest_ms = at->oldest_ms;
    }
    if (oldest_ms == INT64_MAX)
        return NULL;
    long long minutes = (long long)(standing->lived_ms - oldest_ms) / 60000;
    struct arena *arena = standing->call->arena;
    return minutes < 120       ? arena_print(arena, "%lld min", minutes)
           : minutes < 48 * 60 ? arena_print(arena, "%lld h", minutes / 60)
                               : arena_print(arena, "%lld days", minutes / (24 * 60));
}

static const char *partner_state(const struct standing *standing, const struct partner *partner)
{
    if (partner->disabled)
        return "disabled";
    return health_says(&standing->health, "partner-down", partner->name) ? "down" : "answers";
}

static void print_service(const struct standing *standing)
{
    struct command_call *call = standing->call;
    const struct setup *setup = call->office->setup;
    struct arena *arena = call->arena;
    bool is_running = call->office->reload != NULL;
    int64_t now_ms = clock_wall_ms(&call->clock);
    if (command_has(call, "json")) {
        struct json *object = json_new_object(arena);
        json_set_text(arena, object, "what", "service");
        json_set_text(arena, object, "org", setup->config.org);
        json_set_text(arena, object, "folder", setup->dir);
        json_set_text(arena, object, "version", REFGATE_VERSION);
        json_set(arena, object, "running", json_new_boolean(arena, is_running));
        if (is_running)
            json_set(arena, object, "pid", json_new_whole(arena, (long)getpid()));
        json_set_text(arena, object, "now", clock_text(arena, now_ms));
        if (standing->until != 0)
            json_set_text(arena, object, "certificate_until",
                          clock_text(arena, standing->until * 1000));
        lists_object(call, object);
        return;
    }
    text_print(&call->out, "refgate " REFGATE_VERSION " of %s in %s: ", setup->config.org,
               setup->dir);
    if (is_running)
        text_print(&call->out, "the service runs (process %ld)\n", (long)getpid());
    else
        text_add(&call->out, "the service does not run: nothing is sent or received\n");
    text_add(&call->out,
             shown_zoned(arena, setup, arena_print(arena, "It is %s", shown_time(arena, now_ms))));
    if (standing->until != 0)
        text_print(&call->out, "; our certificate is good until %s",
                   clock_date(arena, standing->until * 1000));
    text_add(&call->out, "\n\n");
}

static void print_partners(const struct standing *standing)
{
    static const char *const headings[] = {"PARTNER", "STATE",  "WAITING",
                                           "OLDEST",  "PARKED", "URL"};
    struct command_call *call = standing->call;
    struct arena *arena = call->arena;
    const struct partner_list *partners = &call->office->setup->partners;
    struct command_table table = lists_table(arena, headings, 6);
    for (size_t i = 0; i < partners->count; i++) {
        const struct partner *partner = &partners->items[i];
        long parked = (long)waiting_of(standing, partner->name, "parked");
        long waiting = (long)waiting_of(standing, partner->name, NULL) - parked;
        if (command_has(call, "json")) {
            struct json *object = json_new_object(arena);
            json_set_text(arena, object, "what", "partner");
            json_set_text(arena, object, "partner", partner->name);
            json_set_text(arena, object, "state", partner_state(standing, partner));
            json_set(arena, object, "waiting", json_new_whole(arena, waiting));
            json_set_text(arena, object, "oldest", oldest_of(standing, partner->name));
            json_set(arena, object, "parked", json_new_whole(arena, parked));
            lists_object(call, object);
            continue;
        }
        command_cell(&table, partner->name);
        command_cell(&table, partner_state(standing, partner));
        command_cell(&table, arena_print(arena, "%ld", waiting));
        command_cell(&table, oldest_of(standing, partner->name));
        command_cell(&table, arena_print(arena, "%ld", parked));
        command_cell(&table, partner->url);
    }
    if (!command_has(call, "json") && partners->count > 0)
        command_print_table(&table, &call->out);
}

/* How many referrals stand in each list that is not closed. */
static void print_lists(struct standing *standing)
{
    struct command_call *call = standing->call;
    struct arena *arena = call->arena;
    struct store_standing *rows;
    size_t list_count;
    const char *const *lists = track_lists(&list_count);
    size_t count = store_count_standing(standing->store, arena, 0, 0, &rows);
    struct json *object = json_new_object(arena);
    json_set_text(arena, object, "what", "referrals");
    for (size_t i = 0; i < list_count; i++) {
        int64_t sum = 0;
        for (size_t k = 0; k < count; k++) {
            const struct store_referral like = {.role = rows[k].role,
                                                .task_status = rows[k].task_status,
                                                .abort_status = rows[k].abort_status};
            sum += text_equal(track_list(&like), lists[i]) ? rows[k].count : 0;
        }
        json_set(arena, object, lists[i], json_new_whole(arena, (long)sum));
        standing->to_answer += text_equal(lists[i], "to answer") ? sum : 0;
        if (sum > 0 && !text_equal(lists[i], "closed") && !command_has(call, "json"))
            text_print(&call->out, "%-28s %lld\n", lists[i], (long long)sum);
    }
    if (command_has(call, "json"))
        lists_object(call, object);
}

/* What waits for the front desk, before what is out of order. */
static void print_need(const struct standing *standing)
{
    struct text *out = &standing->call->out;
    if (standing->to_answer > 0)
        text_print(out, "\n%lld %s our answer: refgate referrals list --list \"to answer\"\n%s",
                   (long long)standing->to_answer,
                   standing->to_answer == 1 ? "referral waits for" : "referrals wait for",
                   standing->health.count == 0 ? "Nothing else needs anybody.\n" : "");
    else
        text_add(out, standing->health.count == 0 ? "\nNothing needs anybody.\n" : "\n");
}

static void look(struct standing *standing)
{
    struct health *health = &standing->health;
    struct finding_list findings = finding_list_new(standing->call->arena);
    struct context *context = tls_context(health->setup, &findings);
    if (context != NULL) {
        health_terms(health, context);
        standing->until = identity_not_after(context_identity(context));
    }
    context_release(context);
    health_files(health);
    health_directory(health);
    standing->lived_ms = store_lived_ms(standing->store);
    health_store(health, standing->store);
    health_machine(health, standing->store);
    health_reach(health, REACH_MS);
    for (size_t i = 0; i < findings.count; i++)
        health_add(health, HEALTH_WARNING, "fault", NULL,
                   arena_print(health->arena, "%s: found %s; expected %s", findings.items[i].file,
                               findings.items[i].found, findings.items[i].expected));
    standing->waiting_count =
        store_count_waiting(standing->store, standing->call->arena, &standing->waiting);
}

static int status(struct command_call *call)
{
    struct fault fault;
    struct standing standing = {.call = call};
    if (!office_reader(call->office, call->arena, &standing.store, &fault))
        return command_fail(call, &fault);
    standing.health = health_new(call->arena, call->office->setup, clock_wall_ms(&call->clock));
    look(&standing);
    print_service(&standing);
    print_partners(&standing);
    if (!command_has(call, "json"))
        text_add(&call->out, "\n");
    print_lists(&standing);
    if (!command_has(call, "json"))
        print_need(&standing);
    print_items(call, &standing.health);
    store_close(standing.store);
    return 0;
}

const struct command commands_check[] = {
    {"check", "", "everything wrong with settings, certificates, partners and store", COMMAND_HERE,
     0, 0, check, NULL},
    {"status", "", "how it goes: the service, each partner, referrals, and what needs somebody",
     COMMAND_STORE, 0, 0, status, NULL},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
