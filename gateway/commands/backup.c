/* backup: a gateway in one file, and the way back. */
#include "gateway/commands/table.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gateway/audit/audit.h"
#include "gateway/backup/backup.h"
#include "gateway/commands/lists.h"
#include "gateway/runtime/file.h"
#include "gateway/store/upkeep.h"

static void set_count(struct command_call *call, struct json *object, const char *key,
                      int64_t count)
{
    json_set(call->arena, object, key, json_new_whole(call->arena, (long)count));
}

static struct json *facts_object(struct command_call *call, const struct backup_facts *facts)
{
    struct json *object = json_new_object(call->arena);
    json_set_text(call->arena, object, "taken", facts->taken);
    json_set_text(call->arena, object, "org", facts->org);
    json_set_text(call->arena, object, "version", facts->version);
    set_count(call, object, "files", (int64_t)facts->files);
    set_count(call, object, "bytes", (int64_t)facts->bytes);
    return object;
}

static struct json *checked_object(struct command_call *call, const struct backup_facts *facts)
{
    const struct store_report *store = &facts->store;
    const struct {
        const char *key;
        int64_t count;
    } rows[] = {{"schema", store->schema},       {"records", store->records},
                {"referrals", store->referrals}, {"received", store->received},
                {"sent", store->sent},           {"waiting", store->waiting},
                {"payloads", store->payloads},   {"audit", store->audits}};
    struct json *object = facts_object(call, facts);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        set_count(call, object, rows[i].key, rows[i].count);
    return object;
}

static void say_checked(struct command_call *call, const struct backup_facts *facts)
{
    const struct store_report *store = &facts->store;
    text_print(&call->out,
               "Taken %s by refgate %s of %s: %zu files, %llu bytes, all as they were written.\n"
               "Store of schema %lld, whole: %lld records, %lld referrals, %lld messages received, "
               "%lld sent (%lld of them wait), %lld payloads, %lld audit rows in an unbroken "
               "chain.\n",
               facts->taken, facts->version, facts->org == NULL ? "a gateway" : facts->org,
               facts->files, (unsigned long long)facts->bytes, (long long)store->schema,
               (long long)store->records, (long long)store->referrals, (long long)store->received,
               (long long)store->sent, (long long)store->waiting, (long long)store->payloads,
               (long long)store->audits);
}

static int backup(struct command_call *call)
{
    struct backup_facts facts;
    struct fault fault = {FAULT_none, NULL};
    const char *path = command_path(call, call->words[0]);
    if (!backup_make(call->dir, path, &call->clock, call->arena, &facts, &fault))
        return command_fail(call, &fault);
    if (command_has(call, "json"))
        lists_object(call, facts_object(call, &facts));
    else
        text_print(&call->out,
                   "Wrote %s: %zu files, %llu bytes; no keys are in it, patient data is: keep it "
                   "as safe as the gateway.\nCheck it with: refgate restore --verify %s\n",
                   path, facts.files, (unsigned long long)facts.bytes, path);
    return 0;
}

static int verify(struct command_call *call)
{
    struct backup_facts facts;
    struct fault fault = {FAULT_none, NULL};
    if (!backup_verify(command_path(call, call->words[0]), call->arena, &facts, &fault))
        return command_fail(call, &fault);
    if (command_has(call, "json"))
        lists_object(call, checked_object(call, &facts));
    else
        say_checked(call, &facts);
    return 0;
}

static void say_restored(struct command_call *call, const struct backup_restored *restored)
{
    say_checked(call, &restored->facts);
    text_print(&call->out, "It is now the store of %s.\n", call->dir);
    if (restored->kept != NULL)
        text_print(&call->out, "What stood there is in %s.\n", restored->kept);
    for (size_t i = 0; i < restored->left_count; i++)
        text_print(&call->out, "%s was there already and stays as it is.\n", restored->left[i]);
    text_print(&call->out,
               "Keys are not in a backup: put them into %s/keys or make new ones (refgate cert), "
               "then run: refgate check -d %s\n",
               call->dir, call->dir);
}

static int restore(struct command_call *call)
{
    struct backup_restored restored;
    struct fault fault = {FAULT_none, NULL};
    int lock;
    if (command_has(call, "verify"))
        return verify(call);
    if (!file_make_folder(call->dir, 0700)) {
        text_print(&call->err, "refgate restore: %s cannot be made: %s\n", call->dir,
                   strerror(errno));
        return fault_exit_code(FAULT_unreadable);
    }
    if (!office_lock(call->dir, call->arena, &lock, &fault))
        return command_fail(call, &fault);
    bool done =
        backup_restore(command_path(call, call->words[0]), call->dir, command_has(call, "replace"),
                       &call->clock, call->arena, &restored, &fault);
    close(lock);
    if (!done)
        return command_fail(call, &fault);
    if (command_has(call, "json"))
        lists_object(call, checked_object(call, &restored.facts));
    else
        say_restored(call, &restored);
    return 0;
}

/* ---- repair ---- */

static void say_repaired(struct command_call *call, const struct store_repair *repair,
                         const char *kept)
{
    if (!repair->is_needed) {
        text_add(&call->out, "Nothing in the store wants repairing; nothing was changed.\n");
        return;
    }
    if (repair->index != NULL)
        text_print(&call->out, "The indexes were made again from their rows (found: %s).\n",
                   repair->index);
    if (repair->damage != NULL)
        text_print(&call->out,
                   "The journal was read as far as it is whole, and what stood behind that was "
                   "given up (found: %s). It was taken in the last moments before the service "
                   "ended: partners are asked at the next start for what they sent, and what your "
                   "own people sent then they send again when refgate records list lacks it.\n",
                   repair->damage);
    text_print(&call->out,
               "The store as it was is in %s; it holds patient data: remove it when all is well.\n"
               "Now run: refgate check -d %s\n",
               kept, call->dir);
}

static bool mend(struct command_call *call, const char *kept, struct store_repair *ret_repair,
                 struct fault *ret_fault)
{
    struct store *store;
    const char *path = arena_print(call->arena, "%s/store.db", call->dir);
    if (!store_mend(path, kept, call->arena, ret_repair, ret_fault))
        return false;
    if (!ret_repair->is_needed)
        return true;
    if (!store_open(path, &store, call->arena, ret_fault))
        return false;
    store_begin(store);
    audit_add(store, clock_wall_ms(&call->clock), "repaired", NULL, ret_repair->damage, NULL);
    bool done = store_commit(store, ret_fault);
    store_close(store);
    return done;
}

static int repair(struct command_call *call)
{
    struct store_repair repair;
    struct fault fault = {FAULT_none, NULL};
    int lock;
    long long at_s = clock_wall_ms(&call->clock) / 1000;
    const char *kept;
    do {
        kept = arena_print(call->arena, "%s/store.before-%lld", call->dir, at_s++);
    } while (file_exists(kept));
    if (!office_lock(call->dir, call->arena, &lock, &fault))
        return command_fail(call, &fault);
    bool done = mend(call, kept, &repair, &fault);
    close(lock);
    if (!done)
        return command_fail(call, &fault);
    say_repaired(call, &repair, kept);
    return 0;
}

static const struct command_option restore_options[] = {
    {"verify", NULL, "only check the file, all of it, and say what is in it", false},
    {"replace", NULL, "also where there is a store already: it is moved aside, not removed", false},
    {NULL, NULL, NULL, false},
};

const struct command commands_backup[] = {
    {"backup", "FILE",
     "one new file, while the service runs or not, with the store (messages, records, attachments, "
     "tracks, audit), settings.yaml, directory.csv, partners and profiles; without keys",
     COMMAND_HERE, 1, 1, backup, NULL},
    {"restore", "FILE",
     "the store of a backup into a data folder without one, while no service runs; settings that "
     "are missing there too",
     COMMAND_HERE, 1, 1, restore, restore_options},
    {"repair", "",
     "a store that a start refuses: its indexes are made again, and of its journal what is whole "
     "is kept; while no service runs. The store as it was is kept aside",
     COMMAND_HERE, 0, 0, repair, NULL},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
