/* check: everything wrong with a gateway, before it matters (`check`), and how it goes (`status`).
 *
 * Both look at the same things and end with the same code: faults of files and store (7), what
 * somebody must act on (9), else 0. `check` runs in the caller's process, with or without a
 * service, and reads the whole store; `status` runs where the store is and also counts. That
 * nothing answers at a partner's address is told by `check` only while the service runs, since
 * before that nobody expects it to. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/visible.h"
#include "config/folder.h"
#include "gateway/audit/audit.h"
#include "gateway/commands/health.h"
#include "gateway/commands/lists.h"
#include "gateway/commands/table.h"
#include "gateway/people/people.h"
#include "gateway/referral/track.h"
#include "gateway/runtime/file.h"
#include "gateway/service/control.h"
#include "gateway/store/store.h"
#include "gateway/store/upkeep.h"
#include "gateway/tls/revocation.h"
#include "gateway/tls/tls.h"

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

/* ---- the store ---- */

/* NULL with a finding; none when it is told already whose the file is, or that it cannot be
 * written. */
static struct store *open_store(struct command_call *call, const struct setup *setup,
                                const struct health *health, struct finding_list *findings)
{
    struct store *store;
    struct fault fault;
    if (store_open_reader(office_store_path(setup, call->arena), &store, call->arena, &fault))
        return store;
    if (fault.kind != FAULT_forbidden ||
        (!health_says(health, "owner", NULL) && !health_says(health, "read-only", NULL)))
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

/* ---- what both look at ---- */

struct look {
    struct command_call *call;
    struct setup *setup; /* as the files are now; NULL: they cannot be used */
    struct health health;
    struct finding_list findings;
    int64_t until; /* our certificate's end, in seconds; 0: it cannot be read */
    bool is_running;
};

static struct look look_begin(struct command_call *call, bool is_running)
{
    struct look look = {.call = call, .is_running = is_running};
    look.findings = finding_list_new(call->arena);
    look.health = health_new(call->arena, call->dir, clock_wall_ms(&call->clock));
    folder_is_private(call->arena, call->dir, &look.findings);
    health_folder(&look.health);
    if (setup_load(call->dir, &look.findings, &look.setup))
        look.health.setup = look.setup;
    return look;
}

/* A file that is missing is told once, with the setting that names it. */
static void drop_repeats(struct finding_list *findings, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < findings->count; i++) {
        bool is_told = false;
        for (size_t k = 0; k < from && !is_told; k++)
            is_told = findings->items[i].file != NULL && findings->items[k].found != NULL &&
                      text_starts(findings->items[k].found, findings->items[i].file) &&
                      !file_exists(findings->items[i].file);
        if (!is_told)
            findings->items[kept++] = findings->items[i];
    }
    findings->count = kept;
}

/* Everything but the store's own state; STORE may be NULL. */
static void look_at_all(struct look *look, struct store *store)
{
    struct health *health = &look->health;
    struct context *context;
    folder_check(look->call->arena, look->call->dir, &look->setup->config, &look->setup->partners,
                 &look->findings);
    size_t told = look->findings.count;
    context = tls_context(look->setup, &look->findings);
    drop_repeats(&look->findings, told);
    if (context != NULL)
        look->until = identity_not_after(context_identity(context));
    health_trust(health, context);
    health_files(health);
    health_directory(health);
    if (store != NULL)
        health_store(health, store);
    health_machine(health, store);
    if (!look->is_running)
        health_ports(health);
    health_partners(health, context, look->is_running || look->call->office != NULL);
    context_release(context);
}

static int look_code(const struct look *look)
{
    if (look->findings.count > 0)
        return fault_exit_code(FAULT_settings);
    return fault_exit_code(health_count(&look->health, HEALTH_WARNING) > 0 ? FAULT_runs_out
                                                                           : FAULT_none);
}

/* ---- check ---- */

static void check_all(struct look *look)
{
    struct command_call *call = look->call;
    struct store *store = open_store(call, look->setup, &look->health, &look->findings);
    if (store != NULL) {
        people_read(look->setup, true);
        check_store(call, store, &look->findings);
    }
    revocation_fetch_missing(look->setup, NULL, &look->findings);
    look_at_all(look, store);
    store_close(store);
}

static int check(struct command_call *call)
{
    struct look look = look_begin(call, control_is_served(call->arena, call->dir));
    if (look.setup != NULL)
        check_all(&look);
    print_items(call, &look.health);
    command_findings(call, &look.findings);
    if (look.findings.count == 0 && look.health.count == 0 && !command_has(call, "json")) {
        size_t people = directory_count(look.setup->directory);
        size_t partners = look.setup->partners.count;
        text_print(&call->out, "All is well: %zu %s, %zu %s.\n", partners,
                   plural(partners, "partner", "partners"), people,
                   plural(people, "person or clinic", "people and clinics"));
    }
    setup_release(look.setup);
    return look_code(&look);
}

/* ---- status ---- */

struct standing {
    struct command_call *call;
    struct store *store;
    struct look look;
    struct store_waiting *waiting;
    size_t waiting_count;
    int64_t lived_ms; /* now, as the store counts (lived.h) */
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
    const struct health *health = &standing->look.health;
    if (health_says(health, "partner-down", partner->name))
        return "down";
    if (!health->has_asked)
        return "not asked";
    return health_says(health, "partner-refused", partner->name) ? "refused" : "answers";
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
        if (standing->look.until != 0)
            json_set_text(arena, object, "certificate_until",
                          clock_text(arena, standing->look.until * 1000));
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
    if (standing->look.until != 0)
        text_print(&call->out, "; our certificate is good until %s",
                   clock_date(arena, standing->look.until * 1000));
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
static void print_lists(const struct standing *standing)
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
        if (sum > 0 && !text_equal(lists[i], "closed") && !command_has(call, "json"))
            text_print(&call->out, "%-28s %lld\n", lists[i], (long long)sum);
    }
    if (command_has(call, "json"))
        lists_object(call, object);
}

/* The files are read anew: what is faulty in them is not in force in a service that runs. */
static void look_around(struct standing *standing)
{
    struct look *look = &standing->look;
    *look = look_begin(standing->call, standing->call->office->reload != NULL);
    if (look->setup != NULL)
        look_at_all(look, standing->store);
    for (size_t i = 0; i < look->findings.count; i++) {
        struct text line = text_new(look->health.arena, 1 << 20);
        finding_print(&look->findings.items[i], &line);
        health_add(&look->health, HEALTH_WARNING, "fault", NULL,
                   arena_copy_n(look->health.arena, line.at, strcspn(line.at, "\n")));
    }
    standing->lived_ms = store_lived_ms(standing->store);
    standing->waiting_count =
        store_count_waiting(standing->store, standing->call->arena, &standing->waiting);
}

static int status(struct command_call *call)
{
    struct fault fault;
    struct standing standing = {.call = call};
    if (!office_reader(call->office, call->arena, &standing.store, &fault))
        return command_fail(call, &fault);
    look_around(&standing);
    print_service(&standing);
    print_partners(&standing);
    if (!command_has(call, "json"))
        text_add(&call->out, "\n");
    print_lists(&standing);
    if (!command_has(call, "json"))
        text_add(&call->out, standing.look.health.count == 0 ? "\nNothing needs anybody.\n" : "\n");
    print_items(call, &standing.look.health);
    store_close(standing.store);
    setup_release(standing.look.setup);
    return look_code(&standing.look);
}

const struct command commands_check[] = {
    {"check", "", "everything wrong with settings, certificates, partners and store", COMMAND_HERE,
     0, 0, check, NULL},
    {"status", "", "how it goes: the service, each partner, referrals, and what needs somebody",
     COMMAND_STORE, 0, 0, status, NULL},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
