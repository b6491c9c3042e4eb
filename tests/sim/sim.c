/* sim: plays many seeds, stops at the first that breaks an invariant, and says how to play it
 * again.
 *
 *   sim [--seeds N] [--first SEED] [--steps N] [--plant NAME] [--tell] [--all] DIRECTORY_CSV
 * With --all it goes on after a broken seed. With --plant it exits 0 when the planted mistake was
 * found. The last line is the count of seeds.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/runtime/log.h"
#include "tests/sim/world.h"

struct options {
    unsigned long long seeds, first;
    unsigned steps;
    enum plant plant;
    bool tells, goes_on;
    const char *directory;
};

static bool read_options(int count, char **arguments, struct options *ret)
{
    *ret = (struct options){.seeds = 10000, .first = 1, .steps = 120};
    for (int i = 1; i < count; i++) {
        const char *name = arguments[i];
        bool has_value = i + 1 < count;
        if (strcmp(name, "--tell") == 0)
            ret->tells = true;
        else if (strcmp(name, "--all") == 0)
            ret->goes_on = true;
        else if (strcmp(name, "--seeds") == 0 && has_value)
            ret->seeds = strtoull(arguments[++i], NULL, 10);
        else if (strcmp(name, "--first") == 0 && has_value)
            ret->first = strtoull(arguments[++i], NULL, 10);
        else if (strcmp(name, "--steps") == 0 && has_value)
            ret->steps = (unsigned)strtoul(arguments[++i], NULL, 10);
        else if (strcmp(name, "--plant") == 0 && has_value) {
            i++;
            while (ret->plant < PLANTS && strcmp(plant_names[ret->plant], arguments[i]) != 0)
                ret->plant++;
        } else
            ret->directory = name;
    }
    return ret->plant < PLANTS && ret->directory != NULL;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    if (file == NULL || text == NULL || fread(text, 1, (1 << 20) - 1, file) == 0)
        return NULL;
    fclose(file);
    return text;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

/* The number of seeds that held; *ret_broken the first that did not, 0 when all did. */
static unsigned long long play(const struct options *options, const char *folder,
                               unsigned long long *ret_broken)
{
    unsigned long long held = 0;
    *ret_broken = 0;
    for (unsigned long long seed = options->first; seed < options->first + options->seeds; seed++) {
        struct world *world = world_new(folder, seed, options->plant, options->tells);
        const char *why = world_play(world, options->steps);
        if (why != NULL) {
            printf("seed %llu: %s\n", seed, why);
            *ret_broken = seed;
        }
        world_free(world);
        if (why != NULL && !options->goes_on)
            break;
        held += why == NULL;
    }
    return held;
}

int main(int count, char **arguments)
{
    struct options options;
    char folder[] = "/dev/shm/refgate-sim-XXXXXX";
    unsigned long long broken;
    setenv("TZ", "UTC", 1);
    log_set_level(LOG_LEVEL_ERROR);
    if (!read_options(count, arguments, &options) || mkdtemp(folder) == NULL) {
        fprintf(stderr, "sim: usage: sim [--seeds N] [--first SEED] [--steps N] [--plant NAME] "
                        "[--tell] [--all] DIRECTORY_CSV\n");
        return 2;
    }
    char *directory = read_file(options.directory);
    if (directory == NULL || !world_prepare(folder, directory)) {
        fprintf(stderr, "sim: cannot prepare in %s\n", folder);
        return 2;
    }
    unsigned long long held = play(&options, folder, &broken);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(directory);
    if (options.plant != PLANT_NONE) {
        printf("plant %s: %s after %llu seeds\n", plant_names[options.plant],
               broken != 0 ? "found" : "NOT FOUND", held);
        return broken != 0 ? 0 : 1;
    }
    if (broken != 0)
        printf("play it again: sim --first %llu --seeds 1 --tell\n", broken);
    printf("%llu seeds held, %d broken\n", held, broken != 0);
    return broken != 0 ? 1 : 0;
}
