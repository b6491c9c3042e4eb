/* folder: see folder.h. */
#include "config/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char suffix[] = ".yaml";

const char *folder_path(struct arena *arena, const char *dir, const char *file)
{
    return *file == '/' ? file : arena_print(arena, "%s/%s", dir, file);
}

static void refuse(struct finding_list *findings, const char *file, const char *path,
                   const char *found, const char *expected)
{
    finding_add(findings,
                (struct finding){.file = file, .path = path, .found = found, .expected = expected});
}

/* At most ROOM bytes from FD; -1 with errno. */
static ssize_t read_all(int fd, char *bytes, size_t room)
{
    size_t length = 0;
    while (length < room) {
        ssize_t got = read(fd, bytes + length, room - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

/* The whole of a regular file; NULL after a finding. EXPECTED says what to do when there is none.
 */
static const char *read_file(struct arena *arena, const char *path, const char *expected,
                             struct finding_list *findings, size_t *ret_length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        refuse(findings, path, NULL, strerror(errno), expected);
        return NULL;
    }
    char *text = NULL;
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        refuse(findings, path, NULL, "something that is no file", expected);
        goto done;
    }
    if (status.st_size > FOLDER_FILE_MAX) {
        refuse(findings, path, NULL, arena_print(arena, "%lld bytes", (long long)status.st_size),
               arena_print(arena, "at most %d bytes", FOLDER_FILE_MAX));
        goto done;
    }
    char *bytes = arena_alloc(arena, (size_t)status.st_size + 1);
    ssize_t length = read_all(fd, bytes, (size_t)status.st_size);
    if (length < 0) {
        refuse(findings, path, NULL, strerror(errno), expected);
        goto done;
    }
    *ret_length = (size_t)length;
    text = bytes;
done:
    close(fd);
    return text;
}

bool folder_config(struct arena *arena, const char *dir, const char *const *environment,
                   struct finding_list *findings, struct config *ret_config,
                   struct option_origin *ret_origins)
{
    struct config_text from = {.file = folder_path(arena, dir, "settings.yaml"),
                               .environment = environment};
    *ret_config = config_defaults(arena);
    from.text = read_file(arena, from.file,
                          "the settings; `refgate init DIR` makes a data folder, -d DIR names one",
                          findings, &from.length);
    if (from.text == NULL)
        return false;
    return config_load(arena, &from, findings, ret_config, ret_origins);
}

static bool is_partner_file(const char *name)
{
    return name[0] != '.' && text_ends(name, suffix) && strlen(name) > strlen(suffix);
}

static bool load_partner(struct arena *arena, const char *dir, const char *file,
                         struct finding_list *findings, struct partner *ret_partner)
{
    const char *path = arena_print(arena, "%s/%s", dir, file);
    const char *name = arena_copy_n(arena, file, strlen(file) - strlen(suffix));
    size_t length;
    const char *text = read_file(arena, path, "a readable file", findings, &length);
    return text != NULL && partner_load(arena, name, path, text, length, findings, ret_partner);
}

static int by_name(const void *one, const void *other)
{
    const struct partner *left = one;
    const struct partner *right = other;
    return strcmp(left->name, right->name);
}

/* Every partner file of the open folder. */
static bool load_partners(struct arena *arena, const char *path, DIR *folder,
                          struct finding_list *findings, struct partner_list *ret_partners)
{
    struct partner *items = NULL;
    size_t room = 0, count = 0;
    bool good = true;
    for (struct dirent *file = readdir(folder); file != NULL; file = readdir(folder)) {
        if (!is_partner_file(file->d_name))
            continue;
        if (count == FOLDER_PARTNERS_MAX) {
            refuse(findings, path, NULL, "more than 10000 partners", "fewer");
            return false;
        }
        items = arena_room(arena, items, sizeof *items, count, &room, 8);
        if (load_partner(arena, path, file->d_name, findings, &items[count]))
            count++;
        else
            good = false;
    }
    if (count > 1)
        qsort(items, count, sizeof *items, by_name);
    *ret_partners = (struct partner_list){items, count};
    return good;
}

bool folder_partners(struct arena *arena, const char *dir, struct finding_list *findings,
                     struct partner_list *ret_partners)
{
    const char *path = folder_path(arena, dir, "partners");
    *ret_partners = (struct partner_list){NULL, 0};
    DIR *folder = opendir(path);
    if (folder == NULL && errno == ENOENT)
        return true;
    if (folder == NULL) {
        refuse(findings, path, NULL, strerror(errno), "a folder that can be read");
        return false;
    }
    bool good = load_partners(arena, path, folder, findings, ret_partners);
    closedir(folder);
    return good;
}

const struct partner *folder_partner(const struct partner_list *partners, const char *name)
{
    struct partner wanted = {.name = name};
    if (partners->count == 0)
        return NULL;
    return bsearch(&wanted, partners->items, partners->count, sizeof wanted, by_name);
}

/* A file that KEY of FILE names must be there; an empty name is none. */
static void need_file(struct arena *arena, const char *dir, const char *file, const char *key,
                      const char *named, struct finding_list *findings)
{
    const char *path = folder_path(arena, dir, named);
    if (*named != '\0' && access(path, R_OK) != 0)
        refuse(findings, file, key, arena_print(arena, "%s: %s", path, strerror(errno)),
               "a file that can be read");
}

bool folder_is_private(struct arena *arena, const char *dir, struct finding_list *findings)
{
    static const struct {
        const char *name;
        mode_t others; /* records/ may be shared with the clinic's other software by its group */
    } parts[] = {{"", S_IWGRP | S_IWOTH},
                 {"keys", S_IWGRP | S_IWOTH},
                 {"partners", S_IWGRP | S_IWOTH},
                 {"settings.yaml", S_IWGRP | S_IWOTH},
                 {"store.db", S_IWGRP | S_IWOTH},
                 {"directory.csv", S_IWGRP | S_IWOTH},
                 {"records", S_IWOTH},
                 {"records/out", S_IWOTH},
                 {"records/in", S_IWOTH}};
    size_t faults = findings->count;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *path = *parts[i].name == '\0' ? dir : folder_path(arena, dir, parts[i].name);
        struct stat about;
        if (stat(path, &about) != 0 || (about.st_mode & parts[i].others) == 0)
            continue;
        refuse(findings, path, NULL,
               arena_print(arena, "mode %04o: others can write it", about.st_mode & 07777u),
               arena_print(arena, "only its owner writes it: chmod %s %s",
                           (parts[i].others & S_IWGRP) != 0 ? "go-w" : "o-w", path));
    }
    return findings->count == faults;
}

/* What exists must be a program that we may run. */
static void need_program(struct arena *arena, const char *dir, const char *file, const char *key,
                         const char *name, struct finding_list *findings)
{
    const char *path = folder_path(arena, dir, name);
    if (*name == '\0' || access(path, F_OK) != 0 || access(path, X_OK) == 0)
        return;
    finding_add(findings,
                (struct finding){.file = file,
                                 .path = key,
                                 .found = arena_print(arena, "%s, which cannot be run", path),
                                 .expected = "a program (chmod +x)"});
}

/* A misspelt zone would silently be UTC (tzset(3)); so its file must exist. */
static void need_zone(struct arena *arena, const char *file, const char *zone,
                      struct finding_list *findings)
{
    bool named =
        strcmp(zone, "system") != 0 && strcmp(zone, "UTC") != 0 && zone[0] != '+' && zone[0] != '-';
    if (named && access(arena_print(arena, "/usr/share/zoneinfo/%s", zone), R_OK) != 0)
        refuse(findings, file, "time_zone", zone,
               "a zone in /usr/share/zoneinfo (package tzdata), or an offset such as -05:00");
}

bool folder_check(struct arena *arena, const char *dir, const struct config *config,
                  const struct partner_list *partners, struct finding_list *findings)
{
    size_t faults = findings->count;
    const char *file = folder_path(arena, dir, "settings.yaml");
    const char *const named[][2] = {{"cert_file", config->cert_file},
                                    {"key_file", config->key_file},
                                    {"key_passphrase_file", config->key_passphrase_file},
                                    {"ca_file", config->ca_file},
                                    {"staple_file", config->staple_file},
                                    {"directory", config->directory},
                                    {"code_map", config->code_map},
                                    {"alarm_command", config->alarm_command}};
    folder_is_private(arena, dir, findings);
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        need_file(arena, dir, file, named[i][0], named[i][1], findings);
    need_program(arena, dir, file, "alarm_command", config->alarm_command, findings);
    need_zone(arena, file, config->time_zone, findings);
    for (size_t i = 0; i < partners->count; i++) {
        const struct partner *partner = &partners->items[i];
        file = arena_print(arena, "%s/partners/%s.yaml", dir, partner->name);
        need_file(arena, dir, file, "ca_file", partner->ca_file, findings);
        for (size_t j = 0; j < partner->crl_files.count; j++)
            need_file(arena, dir, file, "crl_files", partner->crl_files.items[j], findings);
    }
    return findings->count == faults;
}
