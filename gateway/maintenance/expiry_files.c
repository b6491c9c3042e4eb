/* expiry_files: the file side of maintenance/expiry.h: have the files that a reload would take
 * changed, and do they stay as they are? Names, sizes and times are compared, not contents: a look
 * costs one stat a file, works on every file system, and misses nothing that was replaced by a
 * rename. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "certs/io/digest.h"
#include "gateway/maintenance/expiry.h"

enum { LIST_MAX = 64 << 20 };

static void add_file(struct text *list, const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        text_print(list, "%s -\n", path);
        return;
    }
    text_print(list, "%s %llu %lld %lld.%09ld %lld.%09ld\n", path, (unsigned long long)about.st_ino,
               (long long)about.st_size, (long long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec,
               (long long)about.st_ctim.tv_sec, about.st_ctim.tv_nsec);
}

static void add_named(struct text *list, const struct setup *setup, const char *name)
{
    if (name[0] != '\0')
        add_file(list, setup_path(setup, list->arena, name));
}

static int compare_names(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Every file of the folder that does not begin with a dot, by name. */
static void add_folder(struct text *list, const char *folder)
{
    const char **names = NULL;
    size_t count = 0;
    size_t room = 0;
    DIR *opened = opendir(folder);
    struct dirent *entry;
    while (opened != NULL && (entry = readdir(opened)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        names = arena_room(list->arena, names, sizeof *names, count, &room, 64);
        names[count++] = arena_copy(list->arena, entry->d_name);
    }
    if (opened != NULL)
        closedir(opened);
    if (count > 0)
        qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++)
        add_file(list, arena_print(list->arena, "%s/%s", folder, names[i]));
}

void watch_files(const struct setup *setup, unsigned char ret_print[WATCH_PRINT_BYTES])
{
    struct arena arena = ARENA_EMPTY;
    struct text list = text_new(&arena, LIST_MAX);
    const struct config *config = &setup->config;
    const char *const names[] = {"settings.yaml",
                                 config->directory,
                                 config->code_map,
                                 config->cert_file,
                                 config->key_file,
                                 config->ca_file,
                                 config->key_passphrase_file,
                                 config->staple_file};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_named(&list, setup, names[i]);
    add_folder(&list, setup_path(setup, &arena, "partners"));
    for (size_t i = 0; i < setup->partners.count; i++) {
        const struct partner *partner = &setup->partners.items[i];
        add_named(&list, setup, partner->ca_file);
        for (size_t k = 0; k < partner->crl_files.count; k++)
            add_named(&list, setup, partner->crl_files.items[k]);
    }
    digest_sha256(list.at, list.length, ret_print);
    arena_free(&arena);
}

/* ---- settled? ---- */

static bool is_same(const unsigned char *one, const unsigned char *other)
{
    return memcmp(one, other, WATCH_PRINT_BYTES) == 0;
}

void watch_taken(struct watch_look *look, const unsigned char print[WATCH_PRINT_BYTES])
{
    memcpy(look->taken, print, WATCH_PRINT_BYTES);
    look->is_started = true;
}

bool watch_has_changed(struct watch_look *look, const unsigned char print[WATCH_PRINT_BYTES],
                       int64_t now_ms, int64_t settle_ms)
{
    if (!look->is_started)
        watch_taken(look, print);
    if (!is_same(look->seen, print)) {
        memcpy(look->seen, print, WATCH_PRINT_BYTES);
        look->changed_ms = now_ms;
    }
    return !is_same(look->taken, print) && now_ms - look->changed_ms >= settle_ms;
}
