/* health_folder: the data folder itself, part by part (config/parts.h), and the files that lie in
 * it and wait for somebody. See health.h. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/folder.h"
#include "gateway/audit/actor.h"
#include "gateway/commands/health.h"
#include "gateway/intake/wait.h"

static const char *user_name(struct arena *arena, uid_t user)
{
    return actor_of_system(arena, user) + strlen("os:");
}

static void warn(struct health *health, const char *what, const char *sentence)
{
    health_add(health, HEALTH_WARNING, what, NULL, sentence);
}

/* ---- one part ---- */

static void tell_missing(struct health *health, const struct folder_part *part, const char *path,
                         uid_t owner)
{
    warn(health, "missing",
         arena_print(health->arena,
                     "%s is missing (%s), and the service does not make it: install -d -m 700 -o "
                     "%s %s",
                     path, part->holds, user_name(health->arena, owner), path));
}

static void tell_no_folder(struct health *health, const struct folder_part *part, const char *path)
{
    warn(health, "no-folder",
         arena_print(health->arena,
                     "%s is a file, and must be a folder (%s): move it away, then mkdir -m 700 %s",
                     path, part->holds, path));
}

/* The service runs as whoever owns the folder: what belongs to somebody else it cannot read, or not
 * replace. */
static void look_at_owner(struct health *health, const char *path, const struct stat *about,
                          uid_t owner)
{
    const char *whose = user_name(health->arena, owner);
    if (about->st_uid != owner)
        warn(health, "owner",
             arena_print(health->arena,
                         "%s belongs to %s, and the data folder to %s, as whom the service runs: "
                         "chown %s %s",
                         path, user_name(health->arena, about->st_uid), whose, whose, path));
}

static void look_at_readers(struct health *health, const struct folder_part *part, const char *path,
                            const struct stat *about)
{
    if ((about->st_mode & part->no_reader) != 0)
        warn(health, "mode",
             arena_print(health->arena,
                         "%s is open to others (mode %04o) and holds %s: chmod %s %s", path,
                         about->st_mode & 07777u, part->holds,
                         (part->no_reader & S_IRWXG) != 0 ? "go-rwx" : "o-rwx", path));
}

static void look_at_writing(struct health *health, const char *path)
{
    if (access(path, R_OK | W_OK | X_OK) != 0)
        warn(health, "read-only",
             arena_print(health->arena, "%s cannot be written by the service (%s): %s", path,
                         strerror(errno),
                         errno == EROFS ? "mount its disk for writing"
                                        : arena_print(health->arena, "chmod u+rwx %s", path)));
}

/* A file in a folder of files that others must not write either. */
static void look_at_file_in(struct health *health, const struct folder_part *part, const char *path,
                            uid_t owner)
{
    struct stat about;
    if (lstat(path, &about) != 0 || S_ISLNK(about.st_mode))
        return;
    look_at_owner(health, path, &about, owner);
    if (S_ISREG(about.st_mode) && (about.st_mode & part->no_writer) != 0)
        warn(health, "mode",
             arena_print(health->arena,
                         "%s can be written by others (mode %04o), who could change %s: chmod go-w "
                         "%s",
                         path, about.st_mode & 07777u, part->holds, path));
}

static void look_into(struct health *health, const struct folder_part *part, const char *path,
                      uid_t owner)
{
    DIR *open = opendir(path);
    for (struct dirent *entry = open == NULL ? NULL : readdir(open); entry != NULL;
         entry = readdir(open)) {
        if (entry->d_name[0] != '.')
            look_at_file_in(health, part, arena_print(health->arena, "%s/%s", path, entry->d_name),
                            owner);
    }
    if (open != NULL)
        closedir(open);
}

static void look_at_part(struct health *health, const struct folder_part *part, uid_t owner)
{
    const char *path = folder_part_path(health->arena, health->dir, part);
    struct stat about;
    if (stat(path, &about) != 0) {
        if (part->is_needed && errno == ENOENT)
            tell_missing(health, part, path, owner);
        return;
    }
    bool is_folder = part->kind != FOLDER_FILE;
    if (is_folder && !S_ISDIR(about.st_mode)) {
        tell_no_folder(health, part, path);
        return;
    }
    look_at_owner(health, path, &about, owner);
    look_at_readers(health, part, path, &about);
    if (is_folder && about.st_uid == owner)
        look_at_writing(health, path);
    if (part->kind == FOLDER_OF_FILES)
        look_into(health, part, path, owner);
}

/* Of parts in a folder of files look_into tells whose they are. */
static bool is_looked_into(const char *name)
{
    return strchr(name, '/') != NULL && strncmp(name, "records/", 8) != 0;
}

void health_folder(struct health *health)
{
    size_t count;
    const struct folder_part *parts = folder_parts(&count);
    struct stat about;
    if (stat(health->dir, &about) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        struct folder_part part = parts[i];
        const char *path = folder_part_path(health->arena, health->dir, &part);
        struct stat file;
        if (!is_looked_into(part.name))
            look_at_part(health, &part, about.st_uid);
        else if (stat(path, &file) == 0)
            look_at_readers(health, &part, path, &file);
    }
}

/* ---- files that wait for somebody ---- */

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

/* How many files of FOLDER end with SUFFIX; or, not IS_WITH, do not. */
static int64_t count_files(struct health *health, const char *folder, const char *suffix,
                           bool is_with)
{
    DIR *open = opendir(folder_path(health->arena, health->dir, folder));
    int64_t count = 0;
    for (struct dirent *entry = open == NULL ? NULL : readdir(open); entry != NULL;
         entry = readdir(open))
        count += entry->d_name[0] != '.' && text_ends(entry->d_name, suffix) == is_with;
    if (open != NULL)
        closedir(open);
    return count;
}

static void look_at_waiting_files(struct health *health)
{
    static const struct {
        const char *what, *folder, *suffix;
        bool is_with;
        const char *one, *many, *advice;
    } folders[] = {
        {"refused-files", "records/refused", ".why.txt", false, "dropped file was refused",
         "dropped files were refused",
         "it lies in records/refused, and NAME.why.txt beside it says why: correct it and drop it "
         "in records/out again, then remove it there"},
        {"retracted-files", "records/in", ".RETRACTED.txt", true,
         "received record was taken back by the clinic that sent it",
         "received records were taken back by the clinics that sent them",
         "NAME.RETRACTED.txt in records/in says which: destroy what was made of it, then remove "
         "these files"},
    };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int64_t count =
            count_files(health, folders[i].folder, folders[i].suffix, folders[i].is_with);
        if (count > 0)
            health_add(
                health, HEALTH_NOTE, folders[i].what, NULL,
                arena_print(health->arena, "%s: %s",
                            health_counted(health->arena, count, folders[i].one, folders[i].many),
                            folders[i].advice));
    }
}

/* "willow.yml", "willow.yaml.txt", "Willow.YAML": meant for a partner, and read by nobody. */
static bool is_misnamed(const char *name)
{
    static const char *const endings[] = {".yml", ".yaml.txt", ".yml.txt", ".yaml"};
    size_t length = strlen(name);
    if (name[0] == '.' || text_ends(name, ".yaml"))
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strcasecmp(name + length - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

static void look_for_misnamed_partners(struct health *health)
{
    DIR *open = opendir(folder_path(health->arena, health->dir, "partners"));
    for (struct dirent *entry = open == NULL ? NULL : readdir(open); entry != NULL;
         entry = readdir(open)) {
        const char *name = entry->d_name;
        if (is_misnamed(name))
            warn(health, "partner-misnamed",
                 arena_print(health->arena,
                             "partners/%s is not read: a partner's file is called NAME.yaml: mv "
                             "partners/%s partners/%.*s.yaml",
                             name, name, (int)strcspn(name, "."), name));
    }
    if (open != NULL)
        closedir(open);
}

void health_files(struct health *health)
{
    look_at_drop_folder(health);
    look_at_waiting_files(health);
    look_for_misnamed_partners(health);
}
