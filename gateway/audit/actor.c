/* actor: see actor.h. */
#include "gateway/audit/actor.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"

enum { LINE_MAX_BYTES = 4096, NAME_MAX_BYTES = 64 };

static const char user_mark[] = "user:", system_mark[] = "os:";

/* ---- the system's users ---- */

/* "name:password:uid:..." (passwd(5)); NULL when it is somebody else's line. */
static const char *name_in(char *line, unsigned long user)
{
    char *password = strchr(line, ':');
    char *number = password == NULL ? NULL : strchr(password + 1, ':');
    char *end = NULL;
    if (number == NULL || strtoul(number + 1, &end, 10) != user || *end != ':')
        return NULL;
    *password = '\0';
    return line;
}

/* Read here and not by getpwuid, which may load modules and ask daemons: the service runs behind a
 * filter of system calls. */
const char *actor_of_system(struct arena *arena, uid_t user)
{
    char line[LINE_MAX_BYTES];
    const char *found = NULL;
    FILE *file = fopen("/etc/passwd", "re");
    while (file != NULL && found == NULL && fgets(line, sizeof line, file) != NULL)
        found = name_in(line, user);
    if (file != NULL)
        fclose(file);
    return found != NULL ? arena_print(arena, "%s%.*s", system_mark, NAME_MAX_BYTES, found)
                         : arena_print(arena, "%s%lu", system_mark, (unsigned long)user);
}

/* ---- who is meant ---- */

static bool is_person_of_ours(const struct setup *setup, const struct directory_entry *entry)
{
    return entry != NULL && entry->is_person &&
           text_equal(directory_clinic_handle(setup->directory, entry->handle), setup->config.org);
}

static const char *nearest_person(const struct setup *setup, const char *word)
{
    struct nearest nearest = nearest_start(word);
    for (size_t i = 0; i < directory_count(setup->directory); i++) {
        const struct directory_entry *entry = directory_at(setup->directory, i);
        if (is_person_of_ours(setup, entry))
            nearest_try(&nearest, entry->handle);
    }
    return nearest.best;
}

/* A name as a login may be: one word of printable letters. */
static bool is_user_name(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++) {
        unsigned char letter = (unsigned char)name[i];
        if (!isalnum(letter) && strchr("._-@", letter) == NULL)
            return false;
    }
    return length > 0 && length <= NAME_MAX_BYTES;
}

static bool refuse(const struct setup *setup, struct arena *arena, const char *given,
                   const struct directory_entry *entry, struct fault *ret_fault)
{
    const char *nearest = nearest_person(setup, given);
    const char *clinic =
        entry == NULL ? NULL : directory_clinic_handle(setup->directory, entry->handle);
    const char *who = entry == NULL ? "" : !entry->is_person ? ", a clinic" : ", who works at ";
    bool has_clinic = entry != NULL && entry->is_person;
    return fault_set(
        ret_fault, FAULT_usage,
        arena_print(arena,
                    "--by: found \"%.*s\"%s%s; expected a person of %s in directory.csv, or "
                    "user:NAME%s%s%s",
                    NAME_MAX_BYTES, given, who,
                    !has_clinic      ? ""
                    : clinic == NULL ? "no clinic we know"
                                     : clinic,
                    setup->config.org, nearest == NULL ? "" : "; did you mean ",
                    nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?"));
}

bool actor_choose(const struct setup *setup, struct arena *arena, const char *given,
                  const char *caller, const char **ret_by, struct fault *ret_fault)
{
    *ret_by = given == NULL ? caller : given;
    if (given == NULL || text_equal(given, caller))
        return true;
    if (text_starts(given, user_mark) && is_user_name(given + strlen(user_mark)))
        return true;
    if (text_starts(given, system_mark))
        return fault_set(ret_fault, FAULT_usage,
                         arena_print(arena,
                                     "--by: found \"%.*s\", but you are %s; leave --by out to be "
                                     "named so",
                                     NAME_MAX_BYTES, given, caller == NULL ? "another" : caller));
    const struct directory_entry *entry = directory_find(setup->directory, given);
    if (!is_person_of_ours(setup, entry))
        return refuse(setup, arena, given, entry, ret_fault);
    *ret_by = entry->handle; /* also when it was given as npi:N */
    return true;
}

const char *actor_on_wire(const char *by)
{
    return text_starts(by, user_mark) || text_starts(by, system_mark) ? NULL : by;
}
