/* data_folder: takes the lock of a data folder, and opens its settings, store and writer for a
 * command. See data_folder.h. Blocking. */
#include "gateway/data_folder/data_folder.h"
#include "gateway/exchange/check_message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "gateway/people/people.h"
#include "gateway/runtime/file.h"

enum { PID_TEXT = 32 };

/* " (process 4711)", as whoever holds the lock wrote into it; "" when that cannot be read. */
static const char *holder_of(struct arena *arena, int lock)
{
    char text[PID_TEXT] = "";
    ssize_t length = pread(lock, text, sizeof text - 1, 0);
    long pid = length > 0 ? strtol(text, NULL, 10) : 0;
    return pid <= 0 ? "" : arena_print(arena, " (process %ld)", pid);
}

/* For holder_of() elsewhere; the lock itself holds whatever stands in the file. */
static void note_holder(int lock)
{
    char text[PID_TEXT];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)length, 0) != length)
        return;
}

bool office_lock(const char *dir, struct arena *arena, int *ret_lock, struct fault *ret_fault)
{
    const char *path = folder_path(arena, dir, "lock");
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0 && (errno == EACCES || errno == EROFS))
        return fault_set(ret_fault, FAULT_forbidden,
                         arena_print(arena,
                                     "%s cannot be written (%s): the data folder or this file "
                                     "belongs to another user, or may not be written; refgate "
                                     "check says which and how to mend it",
                                     path, strerror(errno)));
    if (lock < 0)
        return fault_set(ret_fault, FAULT_unreadable,
                         arena_print(arena, "%s: %s; is %s a data folder made by refgate init?",
                                     path, strerror(errno), dir));
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        const char *who = holder_of(arena, lock);
        close(lock);
        return fault_set(
            ret_fault, FAULT_locked,
            arena_print(arena,
                        "another refgate process%s works on %s; stop it, or wait until "
                        "it is done",
                        who, dir));
    }
    note_holder(lock);
    *ret_lock = lock;
    return true;
}

bool office_is_restored(const char *dir, struct arena *arena, struct fault *ret_fault)
{
    if (file_exists(folder_path(arena, dir, "store.db")) ||
        !file_exists(folder_path(arena, dir, OFFICE_RESTORING)))
        return true;
    return fault_set(
        ret_fault, FAULT_store_broken,
        arena_print(arena,
                    "a restore into %s was broken off; run refgate restore again, with "
                    "the same backup",
                    dir));
}

const char *office_store_path(const struct setup *setup, struct arena *arena)
{
    return setup_path(setup, arena, "store.db");
}

bool office_open(const char *dir, struct arena *arena, struct finding_list *findings,
                 struct office *ret_office, struct fault *ret_fault)
{
    struct office office = {.lock = -1};
    if (!setup_load(dir, findings, &office.setup))
        return fault_set(ret_fault, FAULT_settings, NULL);
    if (!office_lock(dir, arena, &office.lock, ret_fault) ||
        !office_is_restored(dir, arena, ret_fault) ||
        !store_open(office_store_path(office.setup, arena), &office.store, arena, ret_fault)) {
        office_close(&office);
        return false;
    }
    people_join(office.setup, office.store, false);
    office.writer = writer_inline(office.store);
    *ret_office = office;
    ret_office->validator = conform_validator(&ret_office->validator_arena);
    return true;
}

void office_close(struct office *office)
{
    writer_stop(office->writer);
    store_close(office->store);
    if (office->lock >= 0)
        close(office->lock);
    setup_release(office->setup);
    arena_free(&office->validator_arena);
}

bool office_reader(const struct office *office, struct arena *arena, struct store **ret_store,
                   struct fault *ret_fault)
{
    if (office->writer != NULL)
        writer_settle(office->writer); /* who reads sees what was promised before */
    return store_open_reader(office_store_path(office->setup, arena), ret_store, arena, ret_fault);
}
