/* repair: a store that a start refuses is brought back as far as its bytes go. See backup.h.
 *
 * What an index holds is made of rows, and the journal's groups are whole or not; a table of the
 * database that cannot be read is not mended here, because nobody could say what is missing. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "gateway/runtime/file.h"
#include "gateway/store/backup.h"
#include "gateway/store/sqlite/sqlite_internal.h"

struct mending {
    struct arena *arena;
    const char *path, *kept;
    struct store *store;
    struct store_repair *repair;
};

static bool refuse(const struct mending *mending, const char *why, struct fault *ret_fault)
{
    return fault_set(ret_fault, FAULT_store_broken,
                     arena_print(mending->arena,
                                 "the store %s cannot be repaired: %s. Restore a backup with "
                                 "`refgate restore --replace FILE` (it keeps this store aside)",
                                 mending->path, why));
}

/* ---- a copy of it as it is ---- */

static bool copy_folder(struct arena *arena, const char *from, const char *to)
{
    DIR *folder = opendir(from);
    bool copied = folder != NULL && file_make_folder(to, 0700);
    struct dirent *entry;
    while (copied && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            copied = file_copy(arena_print(arena, "%s/%s", from, entry->d_name),
                               arena_print(arena, "%s/%s", to, entry->d_name), UINT64_MAX);
    }
    if (folder != NULL)
        closedir(folder);
    return copied;
}

static bool keep(const struct mending *mending, struct fault *ret_fault)
{
    static const char *const ends[] = {"", "-wal"};
    struct arena *arena = mending->arena;
    struct store named = {.database = NULL};
    char journal[PATH_MAX + 16];
    bool kept = file_make_folder(mending->kept, 0700);
    for (size_t i = 0; kept && i < sizeof ends / sizeof *ends; i++) {
        const char *from = arena_print(arena, "%s%s", mending->path, ends[i]);
        kept = !file_exists(from) ||
               file_copy(from, arena_print(arena, "%s/%s", mending->kept, file_base(from)),
                         UINT64_MAX);
    }
    snprintf(named.path, sizeof named.path, "%s", mending->path);
    sqlite_journal_folder(&named, journal, sizeof journal);
    if (kept && file_exists(journal))
        kept = copy_folder(arena, journal,
                           arena_print(arena, "%s/%s", mending->kept, file_base(journal)));
    if (kept)
        return true;
    return fault_set(ret_fault, errno == ENOSPC ? FAULT_store_full : FAULT_unreadable,
                     arena_print(arena, "%s cannot be made: %s; nothing was changed", mending->kept,
                                 strerror(errno)));
}

/* ---- what is wrong ---- */

static bool is_of_index(const char *line)
{
    return strstr(line, "missing from index ") != NULL ||
           text_starts(line, "wrong # of entries in index ") ||
           text_starts(line, "non-unique entry in index ");
}

static bool is_of_one_row(const char *line)
{
    return text_starts(line, "CHECK constraint failed in ") || text_starts(line, "NULL value in ");
}

/* Why the database cannot be mended; NULL: it can. */
static const char *judge_database(const struct mending *mending)
{
    const char **lines;
    struct store *store = mending->store;
    size_t count = sqlite_texts(store, mending->arena, &lines, "PRAGMA integrity_check", "");
    for (size_t i = 0; i < count; i++) {
        if (is_of_index(lines[i]))
            mending->repair->index = lines[i];
        else if (!is_of_one_row(lines[i]) && !text_equal(lines[i], "ok"))
            return lines[i];
    }
    return store_failed(store) ? arena_copy(mending->arena, store_error(store)) : NULL;
}

static bool needs_journal(const struct mending *mending)
{
    struct journal_place end;
    return sqlite_has_journal(mending->store) && !sqlite_walk(mending->store, &end);
}

/* ---- mending ---- */

static bool look(struct mending *mending, struct fault *ret_fault)
{
    struct store_repair *repair = mending->repair;
    if (!store_open_reader(mending->path, &mending->store, mending->arena, ret_fault))
        return false;
    const char *why = judge_database(mending);
    repair->is_needed = why == NULL && (repair->index != NULL || needs_journal(mending));
    store_close(mending->store);
    return why == NULL || refuse(mending, why, ret_fault);
}

static bool mend(struct mending *mending)
{
    struct store_repair *repair = mending->repair;
    if (repair->index != NULL)
        sqlite_plain(mending->store, "REINDEX");
    return !store_failed(mending->store) &&
           sqlite_salvage(mending->store, mending->arena, &repair->groups, &repair->damage);
}

bool store_mend(const char *path, const char *kept, struct arena *arena,
                struct store_repair *ret_repair, struct fault *ret_fault)
{
    struct mending mending = {.arena = arena, .path = path, .kept = kept, .repair = ret_repair};
    *ret_repair = (struct store_repair){.index = NULL};
    if (!look(&mending, ret_fault))
        return false;
    if (!ret_repair->is_needed)
        return true;
    if (!keep(&mending, ret_fault) || !sqlite_open_as_it_is(path, &mending.store, arena, ret_fault))
        return false;
    bool mended = mend(&mending);
    if (!mended)
        refuse(&mending, arena_copy(arena, store_error(mending.store)), ret_fault);
    store_close(mending.store);
    return mended;
}
