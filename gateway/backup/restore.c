/* restore: the way back from a backup (backup.h): unpacked into a folder of its own, read to the
 * last byte as a start would read it, and only then put in place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "fhir/json/json.h"
#include "fhir/json/tree.h"
#include "gateway/audit/audit.h"
#include "gateway/backup/archive.h"
#include "gateway/backup/backup.h"
#include "gateway/backup/backup_internal.h"
#include "gateway/data_folder/data_folder.h"
#include "gateway/runtime/file.h"

enum { HEAD_MAX_BYTES = 64 << 10 };

struct unpacked {
    struct arena *arena;
    const char *path, *folder; /* the backup, and where it lies unpacked */
    struct archive_member *members;
    size_t count;
    struct backup_facts facts;
};

static bool refuse(const struct unpacked *unpacked, const char *why, struct fault *ret_fault)
{
    return fault_set(ret_fault, FAULT_unreadable,
                     arena_print(unpacked->arena, "%s cannot be used: %s", unpacked->path, why));
}

/* ---- what it is ---- */

static bool read_head(struct unpacked *unpacked, struct fault *ret_fault)
{
    struct arena *arena = unpacked->arena;
    struct finding_list findings = finding_list_new(arena);
    size_t length;
    const char *path = arena_print(arena, "%s/" BACKUP_HEAD, unpacked->folder);
    const char *text = file_read(arena, path, HEAD_MAX_BYTES, &length, &findings);
    const struct json *head = text == NULL ? NULL : tree_of_n(arena, text, length);
    if (head == NULL)
        return refuse(unpacked, "it is no backup of refgate", ret_fault);
    const char *format = json_number(json_get(head, "format"));
    if (format == NULL || strtol(format, NULL, 10) != BACKUP_FORMAT)
        return refuse(unpacked, "it was made by a newer refgate", ret_fault);
    unpacked->facts.taken = json_get_text(head, "taken");
    unpacked->facts.version = json_get_text(head, "version");
    unpacked->facts.org = json_get_text(head, "org");
    return (unpacked->facts.taken != NULL && unpacked->facts.version != NULL) ||
           refuse(unpacked, "it does not say when it was taken", ret_fault);
}

static bool check_store(struct unpacked *unpacked, struct store *store, struct fault *ret_fault)
{
    int64_t rows;
    int64_t bad;
    struct fault fault;
    struct backup_facts *facts = &unpacked->facts;
    if (!store_examine(store, &facts->store, unpacked->arena, &fault))
        return refuse(unpacked, fault_sentence(&fault), ret_fault);
    if (audit_verify(store, &rows, &bad))
        return true;
    return refuse(unpacked,
                  arena_print(unpacked->arena,
                              "row %lld of the audit does not fit the one before it",
                              (long long)bad),
                  ret_fault);
}

/* Opens the store as a start does, so that what only the journal holds is done too. AT_MS: of its
 * row in the audit; 0: none. */
static bool open_and_check(struct unpacked *unpacked, int64_t at_ms, struct fault *ret_fault)
{
    struct store *store;
    struct fault fault = {FAULT_none, NULL};
    const char *path = arena_print(unpacked->arena, "%s/" BACKUP_STORE, unpacked->folder);
    if (!file_exists(path))
        return refuse(unpacked, "there is no store in it", ret_fault);
    if (!store_open(path, &store, unpacked->arena, &fault))
        return refuse(unpacked, fault_sentence(&fault), ret_fault);
    bool whole = check_store(unpacked, store, ret_fault);
    if (whole && at_ms != 0) {
        store_begin(store);
        store_begin_epoch(store);
        audit_add(store, at_ms, "restored", NULL, unpacked->facts.taken, NULL);
        whole = store_commit(store, ret_fault);
    }
    store_close(store);
    return whole;
}

static bool unpack(struct unpacked *unpacked, int64_t at_ms, struct fault *ret_fault)
{
    if (mkdir(unpacked->folder, 0700) != 0)
        return fault_set(ret_fault, FAULT_unreadable,
                         arena_print(unpacked->arena, "%s cannot be made: %s", unpacked->folder,
                                     strerror(errno)));
    if (!archive_extract(unpacked->arena, unpacked->path, unpacked->folder, &unpacked->members,
                         &unpacked->count, ret_fault) ||
        !read_head(unpacked, ret_fault))
        return false;
    unpacked->facts.files = unpacked->count - 1;
    for (size_t i = 1; i < unpacked->count; i++)
        unpacked->facts.bytes += unpacked->members[i].length;
    return open_and_check(unpacked, at_ms, ret_fault);
}

bool backup_verify(const char *path, struct arena *arena, struct backup_facts *ret_facts,
                   struct fault *ret_fault)
{
    struct unpacked unpacked = {.arena = arena, .path = path};
    archive_tidy(arena, path);
    unpacked.folder = archive_beside(arena, path, ".tmp");
    bool whole = unpack(&unpacked, 0, ret_fault);
    file_remove_folder(unpacked.folder);
    *ret_facts = unpacked.facts;
    return whole;
}

/* ---- putting it in place ---- */

static const char *const store_files[] = {BACKUP_STORE, BACKUP_STORE "-wal", BACKUP_STORE "-shm",
                                          BACKUP_JOURNAL};
enum { STORE_FILES = sizeof store_files / sizeof *store_files };

static bool has_any(struct arena *arena, const char *dir)
{
    for (size_t i = 0; i < STORE_FILES; i++) {
        if (file_exists(arena_print(arena, "%s/%s", dir, store_files[i])))
            return true;
    }
    return false;
}

static bool cannot_move(struct arena *arena, const char *path, struct fault *ret_fault)
{
    return fault_set(ret_fault, FAULT_unreadable,
                     arena_print(arena, "%s cannot be moved: %s", path, strerror(errno)));
}

/* What stood there is kept, never removed: a person may still need it. */
static bool put_aside(struct arena *arena, const char *dir, int64_t now_ms, const char **ret_kept,
                      struct fault *ret_fault)
{
    if (!has_any(arena, dir))
        return true;
    long long at_s = now_ms / 1000;
    do { /* a second restore within one second */
        *ret_kept = arena_print(arena, "%s/store.before-%lld", dir, at_s++);
    } while (file_exists(*ret_kept));
    if (!file_make_folder(*ret_kept, 0700))
        return cannot_move(arena, *ret_kept, ret_fault);
    for (size_t i = 0; i < STORE_FILES; i++) {
        const char *from = arena_print(arena, "%s/%s", dir, store_files[i]);
        if (file_exists(from) &&
            !file_move(from, arena_print(arena, "%s/%s", *ret_kept, store_files[i])))
            return cannot_move(arena, from, ret_fault);
    }
    return true;
}

static void make_folders_of(struct arena *arena, const char *dir, const char *name)
{
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
        file_make_folder(arena_print(arena, "%s/%.*s", dir, (int)(slash - name), name), 0700);
}

/* Settings that are there are somebody's later work: they stay. */
static bool place_settings(const struct unpacked *unpacked, const char *dir,
                           struct backup_restored *restored, struct fault *ret_fault)
{
    struct arena *arena = unpacked->arena;
    restored->left = arena_array(arena, unpacked->count, sizeof *restored->left);
    for (size_t i = 0; i < unpacked->count; i++) {
        const char *name = unpacked->members[i].name;
        if (!text_starts(name, BACKUP_SETTINGS "/"))
            continue;
        const char *from = arena_print(arena, "%s/%s", unpacked->folder, name);
        name += strlen(BACKUP_SETTINGS "/");
        const char *to = arena_print(arena, "%s/%s", dir, name);
        make_folders_of(arena, dir, name);
        if (file_exists(to))
            restored->left[restored->left_count++] = name;
        else if (!file_move(from, to))
            return cannot_move(arena, from, ret_fault);
    }
    return true;
}

static void make_folders(struct arena *arena, const char *dir)
{
    static const char *const folders[] = {"keys",           "partners",   "records",
                                          "records/out",    "records/in", "records/sent",
                                          "records/refused"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        file_make_folder(arena_print(arena, "%s/%s", dir, folders[i]), 0700);
}

/* The database comes last: without it there is no store. */
static bool place_store(const struct unpacked *unpacked, const char *dir, struct fault *ret_fault)
{
    struct arena *arena = unpacked->arena;
    for (size_t i = STORE_FILES; i-- > 0;) {
        const char *from = arena_print(arena, "%s/%s", unpacked->folder, store_files[i]);
        if (file_exists(from) && !file_move(from, arena_print(arena, "%s/%s", dir, store_files[i])))
            return cannot_move(arena, from, ret_fault);
    }
    return true;
}

bool backup_restore(const char *path, const char *dir, bool replace, const struct clock *clock,
                    struct arena *arena, struct backup_restored *ret_restored,
                    struct fault *ret_fault)
{
    struct unpacked unpacked = {.arena = arena, .path = path};
    int64_t now_ms = clock_wall_ms(clock);
    *ret_restored = (struct backup_restored){.kept = NULL};
    if (!replace && file_exists(arena_print(arena, "%s/" BACKUP_STORE, dir)))
        return fault_set(ret_fault, FAULT_conflict,
                         arena_print(arena,
                                     "found a store in %s; expected none, or --replace, "
                                     "which moves it aside",
                                     dir));
    unpacked.folder = arena_print(arena, "%s/" OFFICE_RESTORING, dir);
    file_remove_folder(unpacked.folder);
    bool done = unpack(&unpacked, now_ms, ret_fault);
    make_folders(arena, dir);
    done = done && place_settings(&unpacked, dir, ret_restored, ret_fault) &&
           put_aside(arena, dir, now_ms, &ret_restored->kept, ret_fault) &&
           place_store(&unpacked, dir, ret_fault);
    file_remove_folder(unpacked.folder);
    ret_restored->facts = unpacked.facts;
    return done;
}
