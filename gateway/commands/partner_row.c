/* partner_row: a partner under another name, and a partner that is removed.
 *
 * A partner is three things: a row of the store, which everything that was exchanged with it hangs
 * on, its file in partners/, and rows of directory.csv that name it. These commands change the
 * three together, in an order in which a crash leaves the partner switched off and never two of
 * them: it is switched off first, so that nothing of it is under way; then the row, then the files.
 * Given again, a command that was broken off is finished, which the audit tells from a slip; a
 * renamed partner stays switched off then, and says so. Runs where the store is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/audit/audit.h"
#include "gateway/commands/cert_parts.h"
#include "gateway/commands/table.h"
#include "gateway/people/directory_edit.h"
#include "gateway/runtime/file.h"
#include "gateway/store/upkeep.h"

enum { FILE_MAX_BYTES = 16 << 20 };

struct changing {
    struct unit unit;
    struct command_call *call;
    const char *name, *to; /* to: NULL, it is removed */
    bool is_forced;
    struct store_partner_use use;
    const char *file, *text; /* of partners/NAME.yaml; text NULL: there is none */
    struct partner partner;
    bool was_disabled;
};

/* ---- files ---- */

static const char *in_partners(struct command_call *call, const char *name, const char *ending)
{
    return arena_print(call->arena, "partners/%s%s", name, ending);
}

static int cannot_write(struct command_call *call, const char *path)
{
    text_print(&call->err, "refgate: %s cannot be written: %s\n", path, strerror(errno));
    return fault_exit_code(FAULT_unreadable);
}

static bool put(struct command_call *call, const char *name, const char *text)
{
    const char *path = cert_path(call, name);
    if (file_replace(path, text, strlen(text), 0600))
        return true;
    cannot_write(call, path);
    return false;
}

static const char *edited(struct changing *changing, const char *key)
{
    changing->text = option_edit(option_find(partner_options(), key), changing->call->arena,
                                 changing->text, &changing->partner);
    return changing->text;
}

/* False with the fault when there is neither a file nor a row of this name. */
static bool load(struct changing *changing, struct fault *ret_fault)
{
    struct command_call *call = changing->call;
    struct finding_list findings = finding_list_new(call->arena);
    size_t length;
    changing->file = in_partners(call, changing->name, ".yaml");
    const char *path = cert_path(call, changing->file);
    if (!check_partner_name.holds(changing->name))
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(call->arena,
                                     "found no partner %s; expected one of refgate partner list",
                                     changing->name));
    if (!file_exists(path))
        return true;
    changing->text = file_read(call->arena, path, FILE_MAX_BYTES, &length, &findings);
    if (changing->text == NULL ||
        !partner_load(call->arena, changing->name, changing->file, changing->text, length,
                      &findings, &changing->partner)) {
        command_findings(call, &findings);
        return fault_set(
            ret_fault, FAULT_settings,
            arena_print(call->arena, "%s is faulty; correct it first", changing->file));
    }
    changing->was_disabled = changing->partner.disabled;
    return true;
}

/* Nothing is taken from it or sent to it once this is true. */
static bool switch_off(struct changing *changing)
{
    struct command_call *call = changing->call;
    changing->partner.disabled = true;
    if (changing->text == NULL)
        return true;
    if (!put(call, changing->file, edited(changing, "disabled")))
        return false;
    if (call->office->reload == NULL)
        return true;
    call->office->reload(call->office->owner);
    if (cert_wait_disabled(call, changing->name))
        return true;
    text_print(&call->err,
               "refgate: the running service has not switched %s off; nothing else was changed\n",
               changing->name);
    return false;
}

/* As it was before. */
static void switch_back(struct changing *changing)
{
    changing->partner.disabled = changing->was_disabled;
    if (changing->text != NULL)
        put(changing->call, changing->file, edited(changing, "disabled"));
    if (changing->call->office->reload != NULL)
        changing->call->office->reload(changing->call->office->owner);
}

/* ---- directory.csv ---- */

static bool say_by_hand(struct command_call *call, const char *to,
                        const struct directory_edit *edit)
{
    text_print(&call->err,
               "refgate: write %s into the column partner of %s, then: refgate partner enable %s\n",
               to, edit->names, to);
    return false;
}

/* NAME in the column `partner` becomes TO; the file as it was is kept beside it. */
static bool edit_directory(struct command_call *call, const char *name, const char *to,
                           struct directory_edit *ret_edit)
{
    struct finding_list findings = finding_list_new(call->arena);
    const struct config *config = &call->office->setup->config;
    const char *path = cert_path(call, config->directory);
    size_t length;
    const char *csv =
        file_exists(path) ? file_read(call->arena, path, FILE_MAX_BYTES, &length, &findings) : NULL;
    *ret_edit = (struct directory_edit){.count = 0};
    if (csv == NULL)
        return true;
    *ret_edit = directory_edit_partner(call->arena, csv, length, name, to, config->org);
    if (to == NULL || ret_edit->count == 0)
        return true;
    if (ret_edit->text == NULL) {
        text_print(&call->err, "refgate: %s is too large to be changed here\n", path);
        return say_by_hand(call, to, ret_edit);
    }
    const char *old = arena_print(call->arena, "%s.before-rename", path);
    if (file_replace(old, csv, length, 0600) &&
        file_replace(path, ret_edit->text, strlen(ret_edit->text), 0600))
        return true;
    cannot_write(call, path);
    return say_by_hand(call, to, ret_edit);
}

/* ---- rename ---- */

static void note(const struct changing *changing, struct store *store, const char *what,
                 const char *detail)
{
    const struct store_audit noted = {.at_ms = clock_wall_ms(&changing->call->office->setup->clock),
                                      .what = what,
                                      .subject = changing->name,
                                      .detail = detail,
                                      .actor = changing->call->caller};
    audit_write(store, &noted);
}

static bool run_rename(struct unit *unit, struct store *store)
{
    struct changing *changing = (struct changing *)unit;
    if (store_was_renamed(store, changing->name, changing->to))
        return true; /* the files are next: it was broken off before them */
    if (!store_rename_partner(store, changing->name, changing->to))
        return fault_set(&unit->fault, FAULT_conflict,
                         arena_print(unit->arena,
                                     "a partner %s was here before, and what was exchanged with it "
                                     "is kept under that name; expected another name, or first: "
                                     "refgate partner remove %s",
                                     changing->to, changing->to));
    note(changing, store, "partner-renamed", changing->to);
    return true;
}

/* Its certificate may carry the old name and the new one: who renames a partner often does so
 * because the partner has, or because the name was a slip. */
static void widen_names(struct changing *changing)
{
    struct arena *arena = changing->call->arena;
    struct option_list *sans = &changing->partner.san;
    const char *old = arena_print(arena, "urn:refgate:org:%s", changing->name);
    const char **items = arena_array(arena, sans->count + 1, sizeof *items);
    bool has_old = false;
    for (size_t i = 0; i < sans->count; i++) {
        items[i] = sans->items[i];
        has_old = has_old || text_equal(sans->items[i], old);
    }
    if (!has_old)
        return;
    items[sans->count] = arena_print(arena, "urn:refgate:org:%s", changing->to);
    *sans = (struct option_list){items, sans->count + 1};
    edited(changing, "san");
}

/* Partners behind one CA may share its file: NULL, or another one that names it. */
static const char *who_shares(const struct changing *changing, const char *file)
{
    struct command_call *call = changing->call;
    const struct partner_list *partners = &call->office->setup->partners;
    for (size_t i = 0; i < partners->count; i++) {
        const struct partner *partner = &partners->items[i];
        if (partner->ca_file != NULL && !text_equal(partner->name, changing->name) &&
            !text_equal(partner->name, changing->to) &&
            text_equal(cert_path(call, partner->ca_file), cert_path(call, file)))
            return partner->name;
    }
    return NULL;
}

static void remove_ca(const struct changing *changing)
{
    struct command_call *call = changing->call;
    const char *file = in_partners(call, changing->name, ".ca.crt");
    const char *other = who_shares(changing, file);
    if (other == NULL)
        unlink(cert_path(call, file));
    else
        text_print(&call->out, "%s stays: partner %s uses it.\n", file, other);
}

static bool move_ca(struct changing *changing)
{
    struct command_call *call = changing->call;
    struct finding_list findings = finding_list_new(call->arena);
    const char *old = in_partners(call, changing->name, ".ca.crt");
    const char *fresh = in_partners(call, changing->to, ".ca.crt");
    size_t length;
    if (!text_equal(changing->partner.ca_file, old))
        return true;
    const char *text =
        file_read(call->arena, cert_path(call, old), FILE_MAX_BYTES, &length, &findings);
    if (text == NULL || !put(call, fresh, text))
        return false;
    changing->partner.ca_file = fresh;
    edited(changing, "ca_file");
    return true;
}

/* The first line that `partner add` wrote. */
static const char *with_title(struct changing *changing)
{
    struct arena *arena = changing->call->arena;
    const char *title = arena_print(arena, "# The partner %s.", changing->name);
    return !text_starts(changing->text, title)
               ? changing->text
               : arena_print(arena, "# The partner %s.%s", changing->to,
                             changing->text + strlen(title));
}

/* Still switched off, until all of it is done. */
static bool move_files(struct changing *changing, struct directory_edit *ret_edit)
{
    struct command_call *call = changing->call;
    const char *fresh = in_partners(call, changing->to, ".yaml");
    widen_names(changing);
    if (!move_ca(changing) || !put(call, changing->file, with_title(changing)))
        return false;
    if (rename(cert_path(call, changing->file), cert_path(call, fresh)) != 0) {
        cannot_write(call, cert_path(call, fresh));
        return false;
    }
    changing->file = fresh;
    changing->text = with_title(changing);
    remove_ca(changing);
    rename(cert_path(call, in_partners(call, changing->name, ".fetched.crl")),
           cert_path(call, in_partners(call, changing->to, ".fetched.crl")));
    return edit_directory(call, changing->name, changing->to, ret_edit);
}

static bool may_rename(struct changing *changing, struct fault *ret_fault)
{
    struct arena *arena = changing->call->arena;
    const char *fresh = in_partners(changing->call, changing->to, ".yaml");
    if (!check_partner_name.holds(changing->to))
        return fault_set(ret_fault, FAULT_usage,
                         arena_print(arena, "found the name \"%.100s\"; expected %s", changing->to,
                                     check_partner_name.expected));
    if (changing->text == NULL)
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(arena,
                                     "found no partner %s; expected one of refgate partner list",
                                     changing->name));
    if (file_exists(cert_path(changing->call, fresh)))
        return fault_set(
            ret_fault, FAULT_conflict,
            arena_print(arena, "found a partner %s already; expected another name", changing->to));
    return true;
}

/* The files had their new names before it was broken off; the directory may not have. Two names of
 * which one has a file may also be a slip: only the audit knows that there was a rename. */
static bool was_broken_off(const struct changing *changing)
{
    struct command_call *call = changing->call;
    struct store *store;
    struct fault fault;
    if (changing->text != NULL || !check_partner_name.holds(changing->to) ||
        !file_exists(cert_path(call, in_partners(call, changing->to, ".yaml"))) ||
        !office_reader(call->office, call->arena, &store, &fault))
        return false;
    bool was_renamed = store_was_renamed(store, changing->name, changing->to);
    store_close(store);
    return was_renamed;
}

static int finish_rename(struct changing *changing)
{
    struct directory_edit edit;
    struct command_call *call = changing->call;
    if (!edit_directory(call, changing->name, changing->to, &edit))
        return fault_exit_code(FAULT_unreadable);
    text_print(&call->out,
               "Partner %s was renamed before, and that was broken off; it is finished now. If it "
               "is switched off: refgate partner enable %s\n",
               changing->name, changing->to);
    return 0;
}

static int rename_partner(struct command_call *call)
{
    struct changing changing = {.unit = {.run = run_rename, .arena = call->arena},
                                .call = call,
                                .name = call->words[0],
                                .to = call->words[1]};
    struct directory_edit edit = {.count = 0};
    struct fault fault;
    if (!load(&changing, &fault))
        return command_fail(call, &fault);
    if (was_broken_off(&changing))
        return finish_rename(&changing);
    if (!may_rename(&changing, &fault))
        return command_fail(call, &fault);
    if (!switch_off(&changing))
        return fault_exit_code(FAULT_busy);
    if (!writer_call(call->office->writer, &changing.unit)) {
        switch_back(&changing);
        return command_fail(call, &changing.unit.fault);
    }
    if (!move_files(&changing, &edit))
        return fault_exit_code(FAULT_unreadable);
    switch_back(&changing);
    text_print(&call->out, "Partner %s is now %s; what was exchanged with it stays with it.\n",
               changing.name, changing.to);
    if (edit.count > 0)
        text_print(&call->out, "Changed in %s: %s (as it was: %s.before-rename).\n",
                   call->office->setup->config.directory, edit.names,
                   call->office->setup->config.directory);
    return 0;
}

/* ---- remove ---- */

/* "1 referral is open"; "" for none. */
static const char *counted(struct arena *arena, int64_t count, const char *one, const char *many)
{
    return count == 0 ? ""
                      : arena_print(arena, "%lld %s", (long long)count, count == 1 ? one : many);
}

static bool refuse_use(const struct changing *changing, struct fault *ret_fault)
{
    struct arena *arena = changing->call->arena;
    const struct store_partner_use *use = &changing->use;
    const char *open =
        counted(arena, use->open_referrals, "referral is open", "referrals are open");
    const char *waiting = counted(arena, use->waiting_messages, "message waits", "messages wait");
    return fault_set(
        ret_fault, FAULT_illegal_move,
        arena_print(
            arena,
            "partner %s is in use: %s%s%s (refgate referrals list, refgate queue list). End "
            "them first; or --force: messages are parked, referrals stay as they stand",
            changing->name, open, *open != '\0' && *waiting != '\0' ? ", " : "", waiting));
}

static bool is_free(const struct changing *changing)
{
    return changing->is_forced ||
           (changing->use.open_referrals == 0 && changing->use.waiting_messages == 0);
}

static void park_all(const struct changing *changing, struct store *store)
{
    struct store_message *messages;
    size_t count = store_waiting_for(store, changing->unit.arena, changing->name, &messages);
    for (size_t i = 0; i < count; i++) {
        if (text_equal(messages[i].state, "parked"))
            continue;
        messages[i].state = "parked";
        messages[i].reason = "the partner was removed";
        messages[i].cause = NULL;
        store_set_message(store, &messages[i]);
    }
}

static bool run_remove(struct unit *unit, struct store *store)
{
    struct changing *changing = (struct changing *)unit;
    changing->use = store_partner_use(store, changing->name);
    if (!is_free(changing))
        return refuse_use(changing, &unit->fault);
    park_all(changing, store);
    note(changing, store, "partner-removed", changing->is_forced ? "forced" : NULL);
    store_retire_partner(store, changing->name,
                         clock_wall_ms(&changing->call->office->setup->clock));
    return true;
}

/* Before anything is touched. */
static bool look_at_use(struct changing *changing, struct fault *ret_fault)
{
    struct command_call *call = changing->call;
    struct store *store;
    if (!office_reader(call->office, call->arena, &store, ret_fault))
        return false;
    changing->use = store_partner_use(store, changing->name);
    store_close(store);
    if (changing->text == NULL && !changing->use.is_known)
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(call->arena,
                                     "found no partner %s; expected one of refgate partner list",
                                     changing->name));
    return is_free(changing) || refuse_use(changing, ret_fault);
}

static void remove_files(struct changing *changing)
{
    static const char *const endings[] = {".yaml", ".fetched.crl"};
    struct command_call *call = changing->call;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        unlink(cert_path(call, in_partners(call, changing->name, endings[i])));
    remove_ca(changing);
    if (call->office->reload != NULL)
        call->office->reload(call->office->owner);
}

static int remove_partner(struct command_call *call)
{
    struct changing changing = {.unit = {.run = run_remove, .arena = call->arena},
                                .call = call,
                                .name = call->words[0],
                                .is_forced = command_has(call, "force")};
    struct directory_edit edit;
    struct fault fault;
    if (!load(&changing, &fault) || !look_at_use(&changing, &fault))
        return command_fail(call, &fault);
    if (!switch_off(&changing))
        return fault_exit_code(FAULT_busy);
    if (!writer_call(call->office->writer, &changing.unit)) {
        switch_back(&changing);
        return command_fail(call, &changing.unit.fault);
    }
    remove_files(&changing);
    edit_directory(call, changing.name, NULL, &edit);
    text_print(&call->out,
               "Partner %s is removed; what was exchanged with it is kept. A partner that is added "
               "under this name is another one.\n",
               changing.name);
    if (edit.count > 0)
        text_print(&call->out, "%s still names it: empty the column partner of %s.\n",
                   call->office->setup->config.directory, edit.names);
    return 0;
}

static const struct command_option remove_options[] = {
    {"force", NULL, "although referrals are open or messages wait, which are parked", false},
    {NULL, NULL, NULL, false},
};

const struct command commands_partner_row[] = {
    {"partner rename", "NAME NEW", "give a partner another name; what was exchanged stays with it",
     COMMAND_STORE, 2, 2, rename_partner, NULL},
    {"partner remove", "NAME", "remove a partner for good; what was exchanged is kept",
     COMMAND_STORE, 1, 1, remove_partner, remove_options},
    {NULL, NULL, NULL, COMMAND_HERE, 0, 0, NULL, NULL},
};
