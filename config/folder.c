/* folder: reads settings.yaml and partners/ of a data folder, and checks what they name. See
 * folder.h.
 *
 * Partners are sorted by name. At a reload a faulty partner's file leaves the partner as it was
 * before. Blocking. */
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
        refuse(findings, path, NULL, strerror(errno),
               errno == EACCES
                   ? "a file of the user as whom refgate works, who is the owner of the "
                     "data folder: refgate check says which files are another's"
                   : expected);
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

struct reading { /* of the partners of a folder */
    struct arena *arena;
    const char *path;
    const struct partner_list *before; /* NULL: a start */
    struct finding_list *findings;
};

bool folder_says_disabled(const char *text, size_t length)
{
    static const char key[] = "disabled:";
    const char *end = text + length;
    for (const char *line = text; line != NULL && line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t left = (size_t)((next == NULL ? end : next) - line);
        size_t at = sizeof key - 1;
        if (left > at && memcmp(line, key, at) == 0) {
            while (at < left && line[at] == ' ')
                at++;
            if (left - at >= 4 && memcmp(line + at, "true", 4) == 0)
                return true;
        }
        line = next == NULL ? NULL : next + 1;
    }
    return false;
}

struct partner folder_copy_partner(struct arena *arena, const struct partner *partner)
{
    struct arena scratch = ARENA_EMPTY;
    struct finding_list ignored = finding_list_new(&scratch);
    struct partner copy;
    const char *text = partner_write(arena, partner);
    const char *name = arena_copy(arena, partner->name);
    partner_load(arena, name, name, text, strlen(text), &ignored, &copy);
    arena_free(&scratch);
    return copy;
}

/* The partner of a faulty file, as it was. TEXT: what the file holds; NULL: that is not known. */
static bool keep_partner(const struct reading *reading, const char *name, const char *text,
                         size_t length, struct partner *ret_partner)
{
    const struct partner *kept =
        reading->before == NULL ? NULL : folder_partner(reading->before, name);
    if (kept == NULL)
        return false;
    *ret_partner = folder_copy_partner(reading->arena, kept);
    ret_partner->disabled =
        ret_partner->disabled || (text != NULL && folder_says_disabled(text, length));
    return true;
}

/* False when it is left out. */
static bool load_partner(const struct reading *reading, const char *file,
                         struct partner *ret_partner)
{
    const char *path = arena_print(reading->arena, "%s/%s", reading->path, file);
    const char *name = arena_copy_n(reading->arena, file, strlen(file) - strlen(suffix));
    size_t length = 0;
    const char *text =
        read_file(reading->arena, path, "a readable file", reading->findings, &length);
    return (text != NULL && partner_load(reading->arena, name, path, text, length,
                                         reading->findings, ret_partner)) ||
           keep_partner(reading, name, text, length, ret_partner);
}

static int by_name(const void *one, const void *other)
{
    const struct partner *left = one;
    const struct partner *right = other;
    return strcmp(left->name, right->name);
}

/* Every partner file of the open folder. */
static void load_partners(const struct reading *reading, DIR *folder,
                          struct partner_list *ret_partners)
{
    struct partner *items = NULL;
    size_t room = 0, count = 0;
    for (struct dirent *file = readdir(folder); file != NULL; file = readdir(folder)) {
        if (!is_partner_file(file->d_name))
            continue;
        if (count == FOLDER_PARTNERS_MAX) {
            refuse(reading->findings, reading->path, NULL, "more than 10000 partners", "fewer");
            break;
        }
        items = arena_room(reading->arena, items, sizeof *items, count, &room, 8);
        count += load_partner(reading, file->d_name, &items[count]);
    }
    if (count > 1)
        qsort(items, count, sizeof *items, by_name);
    *ret_partners = (struct partner_list){items, count};
}

/* The folder itself cannot be read: all stay as they were. */
static void keep_partners(const struct reading *reading, struct partner_list *ret_partners)
{
    if (reading->before == NULL || reading->before->count == 0)
        return;
    size_t count = reading->before->count;
    struct partner *items = arena_array(reading->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++)
        items[i] = folder_copy_partner(reading->arena, &reading->before->items[i]);
    *ret_partners = (struct partner_list){items, count};
}

bool folder_partners_after(struct arena *arena, const char *dir, const struct partner_list *before,
                           struct finding_list *findings, struct partner_list *ret_partners)
{
    const struct reading reading = {arena, folder_path(arena, dir, "partners"), before, findings};
    size_t faults = findings->count;
    *ret_partners = (struct partner_list){NULL, 0};
    DIR *folder = opendir(reading.path);
    if (folder == NULL && errno == ENOENT)
        return true;
    if (folder == NULL) {
        refuse(findings, reading.path, NULL, strerror(errno), "a folder that can be read");
        keep_partners(&reading, ret_partners);
        return false;
    }
    load_partners(&reading, folder, ret_partners);
    closedir(folder);
    return findings->count == faults;
}

bool folder_partners(struct arena *arena, const char *dir, struct finding_list *findings,
                     struct partner_list *ret_partners)
{
    return folder_partners_after(arena, dir, NULL, findings, ret_partners);
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
    struct stat about;
    const char *why = NULL;
    if (*named == '\0')
        return;
    if (stat(path, &about) != 0 || access(path, R_OK) != 0)
        why = strerror(errno);
    else if (!S_ISREG(about.st_mode))
        why = "no file";
    if (why != NULL)
        refuse(findings, file, key, arena_print(arena, "%s: %s", path, why),
               "a file that can be read; put it there, or correct the setting");
}

static void need_program(struct arena *arena, const char *dir, const char *file, const char *key,
                         const char *named, struct finding_list *findings)
{
    const char *path = folder_path(arena, dir, named);
    struct stat about;
    const char *why = NULL;
    if (*named == '\0')
        return;
    if (stat(path, &about) != 0)
        why = strerror(errno);
    else if (!S_ISREG(about.st_mode) || access(path, X_OK) != 0)
        why = "cannot be run";
    if (why != NULL)
        refuse(findings, file, key, arena_print(arena, "%s: %s", path, why),
               arena_print(arena, "a program (chmod +x %s), or nothing; nobody is told meanwhile",
                           path));
}

/* A misspelt zone would silently be UTC (tzset(3)); so its file must exist. */
bool folder_knows_zone(struct arena *arena, const char *dir, const struct config *config,
                       struct finding_list *findings)
{
    const char *zone = config->time_zone;
    bool named =
        strcmp(zone, "system") != 0 && strcmp(zone, "UTC") != 0 && zone[0] != '+' && zone[0] != '-';
    if (!named || access(arena_print(arena, "/usr/share/zoneinfo/%s", zone), R_OK) == 0)
        return true;
    refuse(findings, folder_path(arena, dir, "settings.yaml"), "time_zone", zone,
           "a zone in /usr/share/zoneinfo (package tzdata), or an offset such as -05:00");
    return false;
}

void folder_programs(struct arena *arena, const char *dir, const struct config *config,
                     struct finding_list *findings)
{
    const char *file = folder_path(arena, dir, "settings.yaml");
    need_program(arena, dir, file, "alarm_command", config->alarm_command, findings);
    need_program(arena, dir, file, "notify_command", config->notify_command, findings);
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
                                    {"staple_file", config->staple_file}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        need_file(arena, dir, file, named[i][0], named[i][1], findings);
    for (size_t i = 0; i < partners->count; i++) {
        const struct partner *partner = &partners->items[i];
        file = arena_print(arena, "%s/partners/%s.yaml", dir, partner->name);
        need_file(arena, dir, file, "ca_file", partner->ca_file, findings);
        for (size_t j = 0; j < partner->crl_files.count; j++)
            need_file(arena, dir, file, "crl_files", partner->crl_files.items[j], findings);
    }
    return findings->count == faults;
}
