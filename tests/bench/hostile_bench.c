/* hostile_bench: what one message that is meant to cost much costs, stage by stage, without
 * sockets: hostile_bench [BYTES [NAME [SETTINGS]]] prints CPU milliseconds of each shape of
 * tests/lib/hostile.h at a quarter, half and all of BYTES. */
#include "lib/hostile.h"

static void print_run(struct hostile *hostile, const struct hostile_shape *shape, size_t bytes)
{
    struct arena arena = ARENA_EMPTY;
    const char *body = hostile_body(&arena, hostile->body, shape, bytes);
    double all = 0;
    memset(hostile->us, 0, sizeof hostile->us);
    hostile->answer = 0;
    hostile_run(hostile, body, strlen(body));
    printf("%-28s %9zu", shape->name, strlen(body));
    for (int stage = 0; stage < HOSTILE_STAGES; stage++) {
        printf(" %9.1f", hostile->us[stage] / 1e3);
        all += stage == HOSTILE_COMPARE ? 0 : hostile->us[stage];
    }
    printf(" %9.1f  %4zu MB  %s: %.70s\n", all / 1e3, hostile->memory >> 20, hostile->ended,
           hostile->words == NULL ? "" : hostile->words);
    fflush(stdout);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 8 << 20;
    struct hostile *hostile = hostile_new(argc > 3 ? argv[3] : "");
    printf("%-28s %9s", "CPU ms", "bytes");
    for (int stage = 0; stage < HOSTILE_STAGES; stage++)
        printf(" %9s", hostile_stages[stage]);
    printf(" %9s\n", "all");
    for (int i = 0; i < HOSTILE_SHAPES; i++) {
        if (argc > 2 && strstr(hostile_shapes[i].name, argv[2]) == NULL)
            continue;
        for (size_t part = 4; part > 0; part /= 2)
            print_run(hostile, &hostile_shapes[i], bytes / part);
    }
    hostile_free(hostile);
    return 0;
}
