/* health: see health.h. The words are those of the desk and the administrator: what is so, and what
 * to do about it. */
#include "gateway/commands/health.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/folder.h"
#include "gateway/listener/listen.h"
#include "gateway/maintenance/disk.h"
#include "gateway/referral/recall.h"
#include "gateway/referral/track.h"
#include "gateway/runtime/file.h"
#include "gateway/store/store.h"
#include "gateway/store/upkeep.h"

enum { FREE_PORTS = 1024 }; /* below, a right is needed */

struct health health_new(struct arena *arena, const char *dir, int64_t now_ms)
{
    return (struct health){.arena = arena, .dir = dir, .now_ms = now_ms};
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

const char *health_counted(struct arena *arena, int64_t count, const char *one, const char *many)
{
    return arena_print(arena, "%lld %s", (long long)count, count == 1 ? one : many);
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

/* What `serve` would say when it starts. */
static void look_at_port(struct health *health, const char *setting, const char *address)
{
    const char *colon = strrchr(address, ':');
    struct fault fault;
    int socket;
    if (colon == NULL || (strtol(colon + 1, NULL, 10) < FREE_PORTS && geteuid() != 0))
        return; /* the service may have the right that a command has not */
    if (listen_open(health->arena, setting, address, &socket, &fault))
        close(socket);
    else
        health_add(health, HEALTH_WARNING, "listen", NULL, fault.sentence);
}

void health_ports(struct health *health)
{
    const struct config *config = &health->setup->config;
    look_at_port(health, "listen", config->listen);
    look_at_port(health, "local_listen", config->local_listen);
    if (text_equal(config->listen, config->local_listen))
        health_add(
            health, HEALTH_WARNING, "listen", NULL,
            "settings.yaml: local_listen: found the same address and port as listen; expected "
            "another port "
            "for this machine's own monitoring");
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

/* Where a person works decides who gets what is for them, and for whom they may write. */
static void look_for_homeless(struct health *health)
{
    const struct directory *directory = health->setup->directory;
    const char *first = NULL;
    int64_t more = 0;
    for (size_t i = 0; i < directory_count(directory); i++) {
        const struct directory_entry *entry = directory_at(directory, i);
        if (!entry->is_person || entry->works_at != NULL || entry->partner != NULL)
            continue;
        more += first != NULL;
        first = first == NULL ? entry->handle : first;
    }
    if (first == NULL)
        return;
    const char *others =
        more == 0
            ? ""
            : arena_print(health->arena, ", like %s",
                          health_counted(health->arena, more, "other person", "other people"));
    health_add(health, HEALTH_NOTE, "person-without-clinic", NULL,
               arena_print(health->arena,
                           "%s: %s.works_at: found nothing%s; expected the handle of the clinic "
                           "where this person works: until then nothing can be sent there, and no "
                           "record of theirs is taken",
                           health->setup->config.directory, first, others));
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
    const char *file = arena_print(health->arena, "partners/%s.yaml", name);
    const char *why =
        file_exists(folder_path(health->arena, health->dir, file))
            ? arena_print(health->arena,
                          "and %s cannot be used: nothing can be sent there until what is said of "
                          "that file is corrected",
                          file)
            : arena_print(health->arena,
                          "and there is no partner of this name: nothing can be sent there. Add it "
                          "(refgate partner add %s), or correct the column partner",
                          name);
    health_add(health, HEALTH_NOTE, "partner-unknown", name,
               arena_print(health->arena, "%s: %s has the partner %s, %s", setup->config.directory,
                           entry->handle, name, why));
}

/* The row of ours, which no partner serves. */
static void look_at_our_row(struct health *health)
{
    const struct config *config = &health->setup->config;
    const struct directory_entry *ours = directory_find(health->setup->directory, config->org);
    if (ours == NULL)
        return;
    if (ours->partner != NULL && !text_equal(ours->partner, "self") &&
        !text_equal(ours->partner, config->org))
        health_add(health, HEALTH_WARNING, "our-row", NULL,
                   arena_print(health->arena,
                               "%s: %s.partner: found %s in our own row; expected self",
                               config->directory, config->org, ours->partner));
    if (ours->npi == NULL && health->setup->partners.count > 0)
        health_add(health, HEALTH_NOTE, "our-npi", NULL,
                   arena_print(health->arena,
                               "%s: %s.npi: found none in our own row; expected our National "
                               "Provider Identifier, by which partners recognise us",
                               config->directory, config->org));
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
    look_at_our_row(health);
    look_for_homeless(health);
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

/* ---- the store ---- */

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
        return arena_print(arena, "it answered %lld; its words: refgate messages show %lld",
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
                        health_counted(arena, waiting_for(waiting, waiting_count, name),
                                       "message waits", "messages wait"),
                        health_counted(arena, failing[i].tries, "time", "times"), name));
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
        const char *number = health_counted(
            arena, waiting[i].count, is_parked ? "message is parked" : "message is held",
            is_parked ? "messages are parked" : "messages are held");
        health_add(health, is_parked ? HEALTH_WARNING : HEALTH_NOTE, waiting[i].state,
                   waiting[i].partner,
                   arena_print(arena,
                               "%s for partner %s, and what follows of the same referral waits: "
                               "refgate queue list, then queue resend%s or queue drop NUMBER",
                               number, waiting[i].partner,
                               folder_partner(&health->setup->partners, waiting[i].partner) != NULL
                                   ? ""
                                   : " NUMBER, which sends it to whoever serves the clinic now,"));
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
        health_add(health, HEALTH_NOTE, "partner-disabled", partner->name,
                   arena_print(arena,
                               "partner %s is disabled, and %s for it: refgate partner enable %s",
                               partner->name,
                               health_counted(arena, waits, "message waits", "messages wait"),
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
            health_add(
                health, HEALTH_NOTE, lists[i].what, NULL,
                arena_print(health->arena, "%s: %s",
                            health_counted(health->arena, count, lists[i].one, lists[i].many),
                            lists[i].advice));
    }
}

/* Received referrals that nobody has answered. */
static void look_at_answers(struct health *health, struct store *store)
{
    struct store_standing *rows;
    size_t count = store_count_standing(store, health->arena, 0, 0, &rows);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const struct store_referral like = {.role = rows[i].role,
                                            .task_status = rows[i].task_status,
                                            .abort_status = rows[i].abort_status};
        sum += text_equal(track_list(&like), "to answer") ? rows[i].count : 0;
    }
    if (sum > 0)
        health_add(health, HEALTH_NOTE, "to-answer", NULL,
                   arena_print(health->arena,
                               "%s our answer: refgate referrals list --list \"to answer\", "
                               "then referrals accept or decline ID",
                               health_counted(health->arena, sum, "referral waits for",
                                              "referrals wait for")));
}

/* What partners said after a restore that stands otherwise here. */
static void look_at_differences(struct health *health, struct store *store)
{
    struct store_told *told;
    size_t count = recall_differences(store, health->arena, &told);
    if (count > 0)
        health_add(
            health, HEALTH_NOTE, "referrals-differ", NULL,
            arena_print(health->arena,
                        "%s otherwise at a partner since a restore: refgate referrals differ",
                        health_counted(health->arena, (int64_t)count, "referral stands",
                                       "referrals stand")));
}

void health_store(struct health *health, struct store *store)
{
    struct store_waiting *waiting;
    size_t count = store_count_waiting(store, health->arena, &waiting);
    look_at_failing(health, store, waiting, count);
    look_at_stopped(health, waiting, count);
    look_at_disabled(health, waiting, count);
    look_at_desk(health, store);
    look_at_answers(health, store);
    look_at_differences(health, store);
}
