/* figure: latencies, the CPU time and memory of a watched process. See load.h. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum { STEPS = 256, STEP_BITS = 8, SLOTS = (64 - STEP_BITS + 1) * STEPS };

struct times {
    uint64_t count, max;
    uint64_t slots[SLOTS];
};

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("loadgen: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct times *times_new(void)
{
    struct times *times = calloc(1, sizeof *times);
    if (times == NULL)
        die("no memory");
    return times;
}

/* Values below STEPS have a slot each; each doubling above is cut into STEPS. */
static size_t slot_of(uint64_t value)
{
    if (value < STEPS)
        return (size_t)value;
    unsigned power = 63u - (unsigned)__builtin_clzll(value);
    return (size_t)(power - STEP_BITS + 1) * STEPS + (size_t)(value >> (power - STEP_BITS)) - STEPS;
}

static uint64_t value_of(size_t slot)
{
    size_t doubling = slot / STEPS;
    return doubling == 0 ? slot : (uint64_t)(slot % STEPS + STEPS) << (doubling - 1);
}

void times_add(struct times *times, uint64_t nanoseconds)
{
    times->slots[slot_of(nanoseconds)]++;
    times->count++;
    if (nanoseconds > times->max)
        times->max = nanoseconds;
}

double times_ms(const struct times *times, double quantile)
{
    uint64_t wanted = (uint64_t)(quantile * (double)times->count);
    uint64_t seen = 0;
    for (size_t slot = 0; slot < SLOTS; slot++) {
        seen += times->slots[slot];
        if (seen > wanted)
            return (double)value_of(slot) / 1e6;
    }
    return times_max_ms(times);
}

double times_max_ms(const struct times *times)
{
    return (double)times->max / 1e6;
}

/* User and system time of one `stat` file of /proc (proc(5), fields 14 and 15). */
static double cpu_of(const char *path, char ret_name[32])
{
    char text[1024];
    unsigned long user = 0;
    unsigned long system = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *open = strchr(text, '(');
    const char *close = strrchr(text, ')');
    if (open == NULL || close == NULL)
        return 0;
    snprintf(ret_name, 32, "%.*s", (int)(close - open - 1), open + 1);
    sscanf(close + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

struct process process_look(int pid)
{
    struct process process = {0, 0};
    char path[64];
    char line[256];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    process.cpu_s = cpu_of(path, line);
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        sscanf(line, "VmRSS: %ld", &process.resident_kb);
    if (file != NULL)
        fclose(file);
    return process;
}

void process_print_threads(int pid, bool is_first)
{
    enum { THREADS_MAX = 64 };
    static struct {
        long id;
        double cpu_s;
    } before[THREADS_MAX];
    char path[320];
    char name[32];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && count < THREADS_MAX && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/stat", pid, entry->d_name);
        double cpu_s = cpu_of(path, name);
        if (!is_first)
            printf("%s\"%s %s\":%.2f", count == 0 ? "" : ",", name, entry->d_name,
                   cpu_s - before[count].cpu_s);
        before[count].id = strtol(entry->d_name, NULL, 10);
        before[count++].cpu_s = cpu_s;
    }
    if (folder != NULL)
        closedir(folder);
}
