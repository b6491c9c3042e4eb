/* backup: a copy of the store while a service may be writing. See store/backup.h.
 *
 * The database is copied by VACUUM INTO; a shared lock on the journal's folder keeps its segments
 * in place meanwhile. Blocking, on a reader of its own. */
#include "gateway/store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/runtime/file.h"
#include "gateway/store/sqlite/sqlite_internal.h"

enum { WALK_TRIES = 20, WALK_WAIT_US = 50 * 1000, NAME_DIGITS = 8 };

static bool refuse(struct store *store, struct arena *arena, const char *what,
                   struct fault *ret_fault)
{
    const char *why = store->error_text[0] == '\0' ? "an unknown error" : store->error_text;
    return fault_set(ret_fault, FAULT_store_broken,
                     arena_print(arena, "%s: %s", what, arena_copy(arena, why)));
}

/* ---- the copy ---- */

static bool copy_database(struct store *store, const char *file, struct arena *arena,
                          uint64_t *ret_length, struct fault *ret_fault)
{
    struct stat about;
    int made = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made < 0)
        return fault_set(ret_fault, FAULT_unreadable,
                         arena_print(arena, "%s cannot be made: %s", file, strerror(errno)));
    close(made);
    sqlite3_stmt *statement = sqlite_statement(store, "VACUUM INTO ?");
    if (statement != NULL) {
        sqlite3_bind_text(statement, 1, file, -1, SQLITE_STATIC);
        sqlite_step(store, statement);
        sqlite_finish(statement);
    }
    if (store_failed(store)) {
        bool is_full = (store->error & 0xff) == SQLITE_FULL;
        refuse(store, arena, "the store cannot be copied", ret_fault);
        ret_fault->kind = is_full ? FAULT_store_full : ret_fault->kind;
        return false;
    }
    *ret_length = stat(file, &about) == 0 ? (uint64_t)about.st_size : 0;
    return true;
}

/* The service may be in the middle of a write, which looks like rot until it has ended: so that is
 * asked again. */
bool sqlite_walk(struct store *store, struct journal_place *ret_end)
{
    struct journal_group group;
    enum journal_result result = journal_seek(store->journal, &store->applied);
    for (int tries = 0; tries < WALK_TRIES; tries++) {
        while (result == JOURNAL_DONE)
            result = journal_next(store->journal, &group);
        *ret_end = journal_end(store->journal);
        if (result == JOURNAL_END)
            return true;
        usleep(WALK_WAIT_US);
        result = journal_seek(store->journal, ret_end);
    }
    return false;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(((const struct store_segment *)one)->name,
                  ((const struct store_segment *)other)->name);
}

static void add_segment(struct store_copy *copy, struct arena *arena, const char *folder,
                        const char *name, const struct journal_place *end)
{
    struct stat about;
    char *rest;
    unsigned long number = strtoul(name, &rest, 10);
    const char *path = arena_print(arena, "%s/%s", folder, name);
    if (strlen(name) != NAME_DIGITS || *rest != '\0' || number == 0 || number > end->segment ||
        stat(path, &about) != 0)
        return;
    size_t size = sizeof *copy->segments;
    copy->segments = arena_grow(arena, copy->segments, copy->segment_count * size,
                                (copy->segment_count + 1) * size);
    copy->segments[copy->segment_count++] = (struct store_segment){
        .name = arena_copy(arena, name),
        .path = path,
        .length = number == end->segment ? end->offset : (uint64_t)about.st_size};
}

static bool list_segments(struct store_copy *copy, struct arena *arena, const char *folder,
                          const struct journal_place *end, struct fault *ret_fault)
{
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return fault_set(ret_fault, FAULT_store_broken,
                         arena_print(arena, "%s cannot be read: %s", folder, strerror(errno)));
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries))
        add_segment(copy, arena, folder, entry->d_name, end);
    closedir(entries);
    qsort(copy->segments, copy->segment_count, sizeof *copy->segments, by_name);
    return true;
}

/* From here on no segment is removed (sqlite/retention.c asks for the same lock). */
static void hold_segments(struct store *store, struct store_copy *copy)
{
    char folder[PATH_MAX + 16];
    sqlite_journal_folder(store, folder, sizeof folder);
    copy->hold = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy->hold >= 0)
        flock(copy->hold, LOCK_SH);
}

static bool take(struct store *store, const char *file, struct arena *arena,
                 struct store_copy *copy, struct fault *ret_fault)
{
    char folder[PATH_MAX + 16];
    int64_t groups;
    struct journal_place end;
    hold_segments(store, copy);
    if (!sqlite_recover(store, &groups)) /* a reader only learns where the journal stands */
        return refuse(store, arena, "the store cannot be read", ret_fault);
    if (!copy_database(store, file, arena, &copy->database_length, ret_fault))
        return false;
    copy->database = file;
    if (store->journal == NULL)
        return true;
    if (!sqlite_walk(store, &end)) {
        snprintf(store->error_text, sizeof store->error_text, "%s", journal_error(store->journal));
        return refuse(store, arena, "the journal is damaged", ret_fault);
    }
    sqlite_journal_folder(store, folder, sizeof folder);
    copy->journal = arena_copy(arena, file_base(folder));
    return end.segment == 0 || list_segments(copy, arena, folder, &end, ret_fault);
}

bool store_copy_take(struct store *reader, const char *file, struct arena *arena,
                     struct store_copy *ret_copy, struct fault *ret_fault)
{
    *ret_copy = (struct store_copy){.hold = -1};
    if (take(reader, file, arena, ret_copy, ret_fault))
        return true;
    store_copy_release(ret_copy);
    return false;
}

void store_copy_release(struct store_copy *copy)
{
    if (copy->hold >= 0)
        close(copy->hold);
    copy->hold = -1;
}
