/* health: see health.h. The words are those of the desk and the administrator: what is so, and what
 * to do about it. */
#include "gateway/commands/health.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "certs/certificate.h"
#include "certs/own_revoked.h"
#include "gateway/actor.h"
#include "gateway/disk.h"
#include "gateway/intake_wait.h"
#include "gateway/own_ca.h"
#include "gateway/reach.h"
#include "gateway/recall.h"
#include "gateway/store/figures.h"
#include "gateway/store/lived.h"
#include "gateway/tls.h"
#include "gateway/watch.h"

struct health health_new(struct arena *arena, const struct setup *setup, int64_t now_ms)
{
    return (struct health){.arena = arena, .setup = setup, .now_ms = now_ms};
}

void health_add(struct health *health, enum health_weight weight, const char *what,
                const char *partner, const char *sentence)
{
    health->items = arena_room(health->arena, health->items, sizeof *health->items, health->count,
                               &health->room, 16);
    health->items[health->count++] = (struct health_item){
        .weight = weight, .what = what, .partner = partner, .sentence = sentence};
}

size_t health_count(const struct health *health, enum health_weight weight)
{
    size_t count = 0;
    for (size_t i = 0; i < health->count; i++)
        count += health->items[i].weight == weight;
    return count;
}

bool health_says(const struct health *health, const char *what, const char *partner)
{
    for (size_t i = 0; i < health->count; i++) {
        if (text_equal(health->items[i].what, what) &&
            text_equal(health->items[i].partner, partner))
            return true;
    }
    return false;
}

/* ---- the machine ---- */

/* Against what it showed when the store was written last. */
static void look_at_clock(struct health *health, struct store *store)
{
    enum { BACK_MS = 60000 };
    int64_t back_ms = store_clock_set_back_ms(store);
    if (back_ms <= BACK_MS)
        return;
    health_add(health, HEALTH_WARNING, "clock", NULL,
               arena_print(health->arena,
                           "the clock stands %lld seconds before what it showed when the store was "
                           "written last; set it right: consents and dates go by it",
                           (long long)(back_ms / 1000)));
}

void health_machine(struct health *health, struct store *store)
{
    const struct setup *setup = health->setup;
    const struct disk_state fine = {.is_low = false};
    const char *zone = setup_zone_fault(setup);
    struct disk_room room;
    struct disk_state state = fine;
    if (disk_measure(setup->dir, &room))
        state = disk_judge(&fine, &room, &setup->config);
    if (state.is_low || state.is_stopped)
        health_add(health, HEALTH_WARNING, "disk", NULL,
                   disk_say(health->arena, &state, &room, setup->dir));
    if (store != NULL)
        look_at_clock(health, store);
    if (zone != NULL)
        health_add(health, HEALTH_NOTE, "time-zone", NULL, zone);
}

void health_terms(struct health *health, const struct context *context)
{
    struct watch_term *terms;
    struct watch_served *served = watch_served_load(health->setup);
    int64_t now = health->now_ms / 1000;
    size_t count = watch_terms(health->setup, context, served, health->arena, &terms);
    for (size_t i = 0; i < count; i++) {
        if (watch_step(&terms[i], now) < 0)
            continue;
        int *days = arena_alloc(health->arena, sizeof *days);
        *days = certificate_days_left(terms[i].until, now);
        health_add(health, HEALTH_WARNING, watch_kind_name(terms[i].kind),
                   terms[i].partner == NULL ? "ourselves" : terms[i].partner,
                   watch_say(health->arena, &terms[i], now));
        health->items[health->count - 1].days_left = days;
    }
    watch_served_free(served);
}

/* ---- directory.csv ---- */

/* Messages name people and clinics by NPI: with two of one NPI one is never meant. */
static void look_for_twins(struct health *health, size_t at)
{
    const struct directory *directory = health->setup->directory;
    const struct directory_entry *entry = directory_at(directory, at);
    const struct directory_entry *meant =
        entry->npi == NULL ? NULL : directory_find_npi(directory, entry->npi);
    if (meant == NULL || meant == entry)
        return;
    health_add(
        health, HEALTH_WARNING, "npi-twice", NULL,
        arena_print(health->arena,
                    "%s: %s and %s have the same NPI %s: whatever a partner sends for one of "
                    "them is taken for %s. Correct the wrong one",
                    health->setup->config.directory, meant->handle, entry->handle, entry->npi,
                    meant->handle));
}

static void look_at_partner_of(struct health *health, const struct directory_entry *entry)
{
    const struct setup *setup = health->setup;
    const char *name = entry->is_person && entry->works_at != NULL && entry->partner == NULL
                           ? NULL
                           : directory_partner(setup->directory, entry, setup->config.org);
    if (name == NULL || folder_partner(&setup->partners, name) != NULL ||
        health_says(health, "partner-unknown", name))
        return;
    health_add(health, HEALTH_NOTE, "partner-unknown", name,
               arena_print(health->arena,
                           "%s: %s has the partner %s, and there is no partner of this name: "
                           "nothing can be sent there. Add it (refgate partner add %s), or correct "
                           "the column partner",
                           setup->config.directory, entry->handle, name, name));
}

static bool has_clinic(const struct setup *setup, const char *partner)
{
    for (size_t i = 0; i < directory_count(setup->directory); i++) {
        const struct directory_entry *entry = directory_at(setup->directory, i);
        if (!entry->is_person &&
            text_equal(directory_partner(setup->directory, entry, setup->config.org), partner))
            return true;
    }
    return false;
}

void health_directory(struct health *health)
{
    const struct setup *setup = health->setup;
    for (size_t i = 0; i < directory_count(setup->directory); i++) {
        look_for_twins(health, i);
        look_at_partner_of(health, directory_at(setup->directory, i));
    }
    for (size_t i = 0; i < setup->partners.count; i++) {
        const char *name = setup->partners.items[i].name;
        if (has_clinic(setup, name))
            continue;
        health_add(
            health, HEALTH_NOTE, "partner-without-clinic", name,
            arena_print(health->arena,
                        "partner %s has no clinic in %s: nothing can be sent to it, and what "
                        "it sends is refused. Write its name into the column partner of its "
                        "clinic",
                        name, setup->config.directory));
    }
}

/* ---- keys, CAs, owners ---- */

static void look_at_own_certificate(struct health *health)
{
    const struct setup *setup = health->setup;
    struct arena *arena = health->arena;
    size_t room = 1 + setup->partners.count * 8;
    const char **lists = arena_array(arena, room, sizeof *lists);
    size_t count = 0;
    lists[count++] = setup_path(setup, arena, "ca/ca.crl");
    for (size_t i = 0; i < setup->partners.count; i++) {
        const char *const *files;
        size_t more = tls_list_files(setup, arena, &setup->partners.items[i], &files);
        for (size_t k = 0; k < more && count < room; k++)
            lists[count++] = files[k];
    }
    if (own_is_revoked(setup_path(setup, arena, setup->config.cert_file),
                       setup_path(setup, arena, setup->config.ca_file), lists, count,
                       health->now_ms / 1000))
        health_add(health, HEALTH_WARNING, "certificate-revoked", NULL,
                   "our certificate was revoked: partners that have the list refuse it. Make a new "
                   "one: refgate cert renew --new-key, or cert request and cert install");
}

static void look_at_cas(struct health *health)
{
    for (size_t i = 0; i < health->setup->partners.count; i++) {
        const struct partner *partner = &health->setup->partners.items[i];
        const char *sentence = own_ca_sentence(health->setup->dir, health->arena, partner);
        if (sentence != NULL)
            health_add(health, HEALTH_WARNING, "own-ca", partner->name, sentence);
    }
}

static const char *user_name(struct arena *arena, uid_t user)
{
    return actor_of_system(arena, user) + strlen("os:");
}

/* The service runs as whoever owns the folder: what belongs to somebody else it cannot read, or not
 * replace. */
static void look_at_owner(struct health *health, const char *name, uid_t owner)
{
    struct stat about;
    const char *path = setup_path(health->setup, health->arena, name);
    if (lstat(path, &about) != 0 || about.st_uid == owner || S_ISLNK(about.st_mode))
        return;
    const char *whose = user_name(health->arena, owner);
    health_add(health, HEALTH_WARNING, "owner", NULL,
               arena_print(health->arena,
                           "%s belongs to %s, and the data folder to %s, as whom the service runs: "
                           "chown %s %s",
                           path, user_name(health->arena, about.st_uid), whose, whose, path));
}

static void look_at_owners_in(struct health *health, const char *folder, uid_t owner)
{
    DIR *open = opendir(setup_path(health->setup, health->arena, folder));
    for (struct dirent *entry = open == NULL ? NULL : readdir(open); entry != NULL;
         entry = readdir(open)) {
        if (entry->d_name[0] != '.')
            look_at_owner(health, arena_print(health->arena, "%s/%s", folder, entry->d_name),
                          owner);
    }
    if (open != NULL)
        closedir(open);
}

static void look_at_owners(struct health *health)
{
    static const char *const parts[] = {
        "settings.yaml", "directory.csv", "store.db",   "store.journal", "lock",
        "records",       "records/out",   "records/in", "records/sent",  "records/refused"};
    struct stat about;
    if (stat(health->setup->dir, &about) != 0)
        return;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        look_at_owner(health, parts[i], about.st_uid);
    look_at_owners_in(health, "keys", about.st_uid);
    look_at_owners_in(health, "partners", about.st_uid);
}

/* Files in records/out that wait for others, or that nobody asked for. */
static void look_at_drop_folder(struct health *health)
{
    struct intake_waiting *items;
    size_t count = intake_wait_list(health->setup, health->arena, &items);
    for (size_t i = 0; i < count; i++)
        health_add(health, HEALTH_NOTE, "drop-folder", NULL,
                   arena_print(health->arena, "records/out/%.*s", (int)strcspn(items[i].why, "\n"),
                               items[i].why));
}

void health_files(struct health *health)
{
    look_at_drop_folder(health);
    look_at_own_certificate(health);
    look_at_cas(health);
    look_at_owners(health);
}

/* ---- the store ---- */

/* "1 message", "3 messages". */
static const char *counted(struct arena *arena, int64_t count, const char *one, const char *many)
{
    return arena_print(arena, "%lld %s", (long long)count, count == 1 ? one : many);
}

static int64_t waiting_for(const struct store_waiting *waiting, size_t count, const char *partner)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (text_equal(waiting[i].partner, partner))
            sum += waiting[i].count;
    }
    return sum;
}

/* In our words only: what a partner answers may name the client. Where nothing answered, the reason
 * is ours. */
static const char *why_of(struct store *store, struct arena *arena, int64_t message_id)
{
    struct store_message message = {.reason = NULL};
    struct store_attempt *attempts;
    size_t count = store_attempts(store, arena, message_id, &attempts);
    if (count > 0 && text_equal(attempts[count - 1].outcome, "answered"))
        return arena_print(arena, "it answered %lld; its words: refgate queue show %lld",
                           (long long)attempts[count - 1].status, (long long)message_id);
    if (count == 0 || !store_get_message(store, arena, message_id, &message) ||
        message.reason == NULL)
        return "no reason is known";
    return message.reason;
}

static void look_at_failing(struct health *health, struct store *store,
                            const struct store_waiting *waiting, size_t waiting_count)
{
    struct arena *arena = health->arena;
    struct store_failing *failing;
    size_t count = store_count_failing(store, arena, &failing);
    for (size_t i = 0; i < count; i++) {
        const char *name = failing[i].partner;
        health_add(
            health, HEALTH_WARNING, "partner-down", name,
            arena_print(arena,
                        "partner %s does not take messages (%s): %s, tried %s so far, and is "
                        "tried again by itself. See why: refgate partner test %s",
                        name, why_of(store, arena, failing[i].message),
                        counted(arena, waiting_for(waiting, waiting_count, name), "message waits",
                                "messages wait"),
                        counted(arena, failing[i].tries, "time", "times"), name));
    }
}

static void look_at_stopped(struct health *health, const struct store_waiting *waiting,
                            size_t count)
{
    struct arena *arena = health->arena;
    for (size_t i = 0; i < count; i++) {
        bool is_parked = text_equal(waiting[i].state, "parked");
        if (!is_parked && !text_equal(waiting[i].state, "held"))
            continue;
        const char *number =
            counted(arena, waiting[i].count, is_parked ? "message is parked" : "message is held",
                    is_parked ? "messages are parked" : "messages are held");
        health_add(health, is_parked ? HEALTH_WARNING : HEALTH_NOTE, waiting[i].state,
                   waiting[i].partner,
                   arena_print(arena,
                               "%s for partner %s, and what follows of the same referral waits: "
                               "refgate queue list, then queue resend or queue drop NUMBER",
                               number, waiting[i].partner));
    }
}

static void look_at_disabled(struct health *health, const struct store_waiting *waiting,
                             size_t count)
{
    struct arena *arena = health->arena;
    for (size_t i = 0; i < health->setup->partners.count; i++) {
        const struct partner *partner = &health->setup->partners.items[i];
        int64_t waits = waiting_for(waiting, count, partner->name);
        if (!partner->disabled || waits == 0)
            continue;
        health_add(
            health, HEALTH_NOTE, "partner-disabled", partner->name,
            arena_print(arena, "partner %s is disabled, and %s for it: refgate partner enable %s",
                        partner->name, counted(arena, waits, "message waits", "messages wait"),
                        partner->name));
    }
}

/* What only a person of the clinic can go on with. */
static void look_at_desk(struct health *health, struct store *store)
{
    static const struct {
        const char *what;
        int64_t (*count)(struct store *store);
        const char *one, *many, *advice;
    } lists[] = {
        {"tray", store_count_tray, "record waits in the tray", "records wait in the tray",
         "refgate tray list says for what"},
        {"to-match", store_count_to_match, "received record seems to be about another client",
         "received records seem to be about other clients", "refgate records to-match"},
        {"rejected", store_count_rejected, "message was refused by a partner",
         "messages were refused by partners",
         "refgate queue list says why; once seen: queue dismiss NUMBER"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        int64_t count = lists[i].count(store);
        if (count > 0)
            health_add(health, HEALTH_NOTE, lists[i].what, NULL,
                       arena_print(health->arena, "%s: %s",
                                   counted(health->arena, count, lists[i].one, lists[i].many),
                                   lists[i].advice));
    }
}

/* What partners said after a restore that stands otherwise here. */
static void look_at_differences(struct health *health, struct store *store)
{
    struct store_told *told;
    size_t count = recall_differences(store, health->arena, &told);
    if (count > 0)
        health_add(
            health, HEALTH_NOTE, "referrals-differ", NULL,
            arena_print(
                health->arena,
                "%s otherwise at a partner since a restore: refgate referrals differ",
                counted(health->arena, (int64_t)count, "referral stands", "referrals stand")));
}

void health_store(struct health *health, struct store *store)
{
    struct store_waiting *waiting;
    size_t count = store_count_waiting(store, health->arena, &waiting);
    look_at_failing(health, store, waiting, count);
    look_at_stopped(health, waiting, count);
    look_at_disabled(health, waiting, count);
    look_at_desk(health, store);
    look_at_differences(health, store);
}

/* ---- the network ---- */

/* A note only: nothing waits for it. */

void health_reach(struct health *health, int wait_ms)
{
    struct reach *reaches;
    size_t count = reach_all(health->arena, &health->setup->partners, wait_ms, &reaches);
    for (size_t i = 0; i < count; i++) {
        const char *name = reaches[i].partner->name;
        if (reaches[i].why == NULL || health_says(health, "partner-down", name))
            continue;
        health_add(health, HEALTH_NOTE, "partner-down", name,
                   arena_print(health->arena,
                               "partner %s does not answer (%s): is its gateway running? See why: "
                               "refgate partner test %s",
                               name, reaches[i].why, name));
    }
}
