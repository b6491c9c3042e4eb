/* profiles: see profiles.h. */
#include "gateway/setup/profiles.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/runtime/file.h"

enum { PROFILE_MAX_BYTES = 32 << 20 };

static int is_json(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && text_ends(entry->d_name, ".json");
}

struct profile_set *profiles_load(struct arena *arena, const char *folder,
                                  struct finding_list *findings)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_json, alphasort);
    if (count < 0)
        return NULL;
    struct profile_set *set = profile_set_new(arena);
    for (int i = 0; i < count; i++) {
        size_t length;
        const char *path = arena_print(arena, "%s/%s", folder, entries[i]->d_name);
        const char *text = file_read(arena, path, PROFILE_MAX_BYTES, &length, findings);
        if (text != NULL)
            profile_set_add(set, text, length, path, findings);
        free(entries[i]);
    }
    free(entries);
    profile_set_link(set, findings);
    return set;
}
