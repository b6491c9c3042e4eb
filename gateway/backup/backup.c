/* backup: see backup.h. Making one; the way back is restore.c. */
#include "gateway/backup/backup.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/folder.h"
#include "fhir/json/json.h"
#include "gateway/backup/archive.h"
#include "gateway/backup/backup_internal.h"
#include "gateway/runtime/file.h"

/* Files and folders of the data folder that go with the store. Nothing with a key is among them. */
static const char *const belongings[] = {"settings.yaml", "directory.csv", "partners", "profiles"};

struct making {
    struct arena *arena;
    const char *dir;
    struct archive *archive;
    struct backup_facts *facts;
};

static void add_file(struct making *making, const char *name, const char *path, uint64_t length)
{
    archive_add_file(making->archive, name, path, length);
    making->facts->files++;
    making->facts->bytes += length;
}

static int by_text(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Names in a folder that do not begin with a dot, in order; 0 when it is none. */
static size_t names_in(struct arena *arena, const char *path, const char ***ret_names)
{
    const char **names = NULL;
    size_t count = 0;
    size_t room = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        names = arena_room(arena, names, sizeof *names, count, &room, 8);
        names[count++] = arena_copy(arena, entry->d_name);
    }
    closedir(folder);
    if (count > 0)
        qsort(names, count, sizeof *names, by_text);
    *ret_names = names;
    return count;
}

static void add_belonging(struct making *making, const char *name)
{
    struct stat about;
    const char **names;
    const char *path = arena_print(making->arena, "%s/%s", making->dir, name);
    if (stat(path, &about) != 0)
        return;
    if (S_ISREG(about.st_mode)) {
        add_file(making, arena_print(making->arena, BACKUP_SETTINGS "/%s", name), path,
                 (uint64_t)about.st_size);
        return;
    }
    size_t count = S_ISDIR(about.st_mode) ? names_in(making->arena, path, &names) : 0;
    for (size_t i = 0; i < count; i++)
        add_belonging(making, arena_print(making->arena, "%s/%s", name, names[i]));
}

/* Our own handle, when the settings can be read; a backup is possible without. */
static const char *org_of(struct arena *arena, const char *dir)
{
    extern char **environ;
    struct finding_list findings = finding_list_new(arena);
    struct config config;
    bool read = folder_config(arena, dir, (const char *const *)environ, &findings, &config, NULL);
    return read ? config.org : NULL;
}

/* First in the file: what it is. */
static void add_head(struct making *making, const struct clock *clock)
{
    struct arena *arena = making->arena;
    struct backup_facts *facts = making->facts;
    struct json *head = json_new_object(arena);
    facts->version = REFGATE_VERSION;
    facts->taken = clock_text(arena, clock_wall_ms(clock));
    facts->org = org_of(arena, making->dir);
    json_set(arena, head, "format", json_new_whole(arena, BACKUP_FORMAT));
    json_set_text(arena, head, "version", facts->version);
    json_set_text(arena, head, "taken", facts->taken);
    json_set_text(arena, head, "org", facts->org);
    const char *text = arena_print(arena, "%s\n", json_print(arena, head));
    archive_add_bytes(making->archive, BACKUP_HEAD, text, strlen(text));
}

static void add_copy(struct making *making, const struct store_copy *copy)
{
    add_file(making, BACKUP_STORE, copy->database, copy->database_length);
    for (size_t i = 0; i < copy->segment_count; i++)
        add_file(making, arena_print(making->arena, "%s/%s", copy->journal, copy->segments[i].name),
                 copy->segments[i].path, copy->segments[i].length);
    for (size_t i = 0; i < sizeof belongings / sizeof *belongings; i++)
        add_belonging(making, belongings[i]);
}

static bool copy_store(struct making *making, const char *beside, struct store_copy *ret_copy,
                       struct fault *ret_fault)
{
    struct store *store;
    const char *path = arena_print(making->arena, "%s/" BACKUP_STORE, making->dir);
    if (!file_exists(path))
        return fault_set(ret_fault, FAULT_not_found,
                         arena_print(making->arena,
                                     "found no store in %s; expected a data folder "
                                     "made by refgate init",
                                     making->dir));
    unlink(beside);
    if (!store_open_reader(path, &store, making->arena, ret_fault))
        return false;
    bool taken = store_copy_take(store, beside, making->arena, ret_copy, ret_fault);
    store_close(store);
    return taken;
}

bool backup_make(const char *dir, const char *path, const struct clock *clock, struct arena *arena,
                 struct backup_facts *ret_facts, struct fault *ret_fault)
{
    struct making making = {.arena = arena, .dir = dir, .facts = ret_facts};
    struct store_copy copy = {.hold = -1};
    const char *beside = archive_beside(arena, path, ".db.tmp");
    archive_tidy(arena, path);
    *ret_facts = (struct backup_facts){.files = 0};
    making.archive = archive_new(arena, path, clock_wall_ms(clock) / 1000, ret_fault);
    if (making.archive == NULL)
        return false;
    add_head(&making, clock);
    bool copied = copy_store(&making, beside, &copy, ret_fault);
    if (copied)
        add_copy(&making, &copy);
    else
        archive_drop(making.archive);
    bool done = copied && archive_end(making.archive, ret_fault);
    store_copy_release(&copy);
    unlink(beside);
    return done;
}
