/* disk: see disk.h. */
#include "gateway/maintenance/disk.h"

#include <sys/statvfs.h>

bool disk_measure(const char *dir, struct disk_room *ret_room)
{
    struct statvfs disk;
    if (statvfs(dir, &disk) != 0 || disk.f_blocks == 0)
        return false;
    ret_room->free = (uint64_t)disk.f_bavail * disk.f_frsize;
    ret_room->all = (uint64_t)disk.f_blocks * disk.f_frsize;
    return true;
}

static bool is_below(uint64_t free, uint64_t limit, bool was_below)
{
    return free < (was_below ? limit + limit / 8 : limit);
}

struct disk_state disk_judge(const struct disk_state *before, const struct disk_room *room,
                             const struct config *config)
{
    uint64_t share = room->all / 100 * config->disk_low_percent;
    uint64_t low = config->disk_low_bytes > share ? config->disk_low_bytes : share;
    struct disk_state state = {
        .is_low = is_below(room->free, low, before->is_low),
        .is_stopped = is_below(room->free, config->disk_stop_bytes, before->is_stopped)};
    return state;
}

const char *disk_say(struct arena *arena, const struct disk_state *state,
                     const struct disk_room *room, const char *dir)
{
    return arena_print(
        arena, "%llu MB of %llu MB are free where %s is; %s",
        (unsigned long long)(room->free >> 20), (unsigned long long)(room->all >> 20), dir,
        state->is_stopped ? "nothing more is taken until space is freed (disk_stop_bytes); what "
                            "is there is still delivered"
                          : "free some, or give the folder a larger disk, before it is full");
}
