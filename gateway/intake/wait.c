/* wait: notices beside files that wait in the drop folder. See intake/wait.h for who writes
 * and who reads them. */
#include "gateway/intake/wait.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/runtime/file.h"
#include "gateway/setup/setup.h"

/* Somebody's own file may have the first name. */
static const char *const endings[] = {".waits.txt", ".waits.2.txt"};

enum {
    ENDINGS = sizeof endings / sizeof *endings,
    WHY_MAX_BYTES = 32 * 1024,
    READ_MAX_BYTES = 2 * WHY_MAX_BYTES,
    NOTICES_MAX = 1000
};

static const char *read_notice(struct arena *arena, const char *path)
{
    struct finding_list ignored = finding_list_new(arena);
    size_t length;
    return file_exists(path) ? file_read(arena, path, READ_MAX_BYTES, &length, &ignored) : NULL;
}

/* Somebody's own file may be called so; ours begins with the name of what waits. However long it
 * is. */
static bool is_ours(struct arena *arena, const char *path, const char *name)
{
    const char *expected = arena_print(arena, "%s:", name);
    size_t length = strlen(expected);
    char *head = arena_alloc(arena, length);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return false;
    ssize_t count = read(file, head, length);
    close(file);
    return count == (ssize_t)length && memcmp(head, expected, length) == 0;
}

bool intake_wait_is_notice(struct arena *arena, const char *folder, const char *name,
                           const char **ret_file)
{
    for (size_t i = 0; i < ENDINGS; i++) {
        if (!text_ends(name, endings[i]))
            continue;
        *ret_file = arena_copy_n(arena, name, strlen(name) - strlen(endings[i]));
        return is_ours(arena, arena_print(arena, "%s/%s", folder, name), *ret_file);
    }
    return false;
}

/* Where the notice of NAME stands, or may stand; NULL: nowhere. */
static const char *place_of(struct arena *arena, const char *folder, const char *name)
{
    for (size_t i = 0; i < ENDINGS; i++) {
        const char *path = arena_print(arena, "%s/%s%s", folder, name, endings[i]);
        if (!file_exists(path) || is_ours(arena, path, name))
            return path;
    }
    return NULL;
}

/* No more than is read again: a notice that cannot be compared would be told anew each time. */
static const char *shortened(struct arena *arena, const char *why)
{
    if (strlen(why) <= WHY_MAX_BYTES)
        return why;
    const char *end = memrchr(why, '\n', WHY_MAX_BYTES);
    size_t length = end == NULL ? WHY_MAX_BYTES : (size_t)(end - why);
    return arena_print(arena, "%s\n... and more; see refgate check FILE\n",
                       arena_copy_n(arena, why, length));
}

bool intake_wait_say(struct arena *arena, const char *folder, const char *name, const char *why)
{
    const char *path = place_of(arena, folder, name);
    why = shortened(arena, why);
    if (path == NULL || text_equal(read_notice(arena, path), why))
        return false;
    file_replace(path, why, strlen(why), 0600);
    return true;
}

void intake_wait_end(struct arena *arena, const char *folder, const char *name)
{
    for (size_t i = 0; i < ENDINGS; i++) {
        const char *path = arena_print(arena, "%s/%s%s", folder, name, endings[i]);
        if (is_ours(arena, path, name))
            unlink(path);
    }
}

static int by_file(const void *one, const void *other)
{
    return strcmp(((const struct intake_waiting *)one)->file,
                  ((const struct intake_waiting *)other)->file);
}

size_t intake_wait_list(const struct setup *setup, struct arena *arena,
                        struct intake_waiting **ret_items)
{
    const char *folder = setup_path(setup, arena, "records/out");
    DIR *open = opendir(folder);
    struct intake_waiting *items = NULL;
    size_t count = 0;
    size_t room = 0;
    struct dirent *entry;
    while (open != NULL && count < NOTICES_MAX && (entry = readdir(open)) != NULL) {
        const char *file;
        if (!intake_wait_is_notice(arena, folder, entry->d_name, &file) ||
            !file_exists(arena_print(arena, "%s/%s", folder, file)))
            continue;
        const char *why = read_notice(arena, arena_print(arena, "%s/%s", folder, entry->d_name));
        items = arena_room(arena, items, sizeof *items, count, &room, 16);
        items[count++] = (struct intake_waiting){arena_print(arena, "records/out/%s", file),
                                                 why == NULL ? "" : why};
    }
    if (open != NULL)
        closedir(open);
    if (count > 1)
        qsort(items, count, sizeof *items, by_file);
    *ret_items = items;
    return count;
}
