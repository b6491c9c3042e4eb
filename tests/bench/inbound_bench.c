/* inbound_bench: where the CPU time of one inbound message goes, stage by stage, without sockets.
 *
 *   inbound_bench DIR PARTNER FILE.template [COUNT [STORED]]
 *
 * DIR is a data folder made by `refgate init` with PARTNER added; FILE.template a message with the
 * load generator's placeholders. COUNT different messages go through in groups of 64, as they do
 * when 64 connections wait for the writer; printed is the median of each stage, so that neighbours
 * on the machine do not show, and of the commit the CPU time of all of it in each tenth of the run:
 * reading and writing rows, the journal, the database's own commits, its checkpoints on their
 * thread. The store is DIR/bench.db, made anew. */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "fhir/validate/validate.h"
#include "gateway/exchange/check_message.h"
#include "gateway/inbound/admit.h"
#include "gateway/inbound/inbox.h"
#include "gateway/inbound/reply_template.h"

enum {
    GROUP = 64,
    TEMPLATE_MAX = 1 << 20,
    COMMITTED_EVERY = 8, /* groups, as the writer puts it off under load */
    TENTHS = 10,
    FILLED_AT_ONCE = 2000
};

struct bench {
    struct setup *setup;
    struct arena validator_arena;
    struct validator *validator;
    struct acknowledge_forms *forms;
    struct arena scratch; /* as the receiver has it: of one message until its commit */
    const char *partner;
    char template[TEMPLATE_MAX];
    char *bodies[GROUP];
    size_t lengths[GROUP];
    size_t groups, told;
    double commit_us, told_us, told_others_us;
};

/* CPU time of this thread, or of all of the process. */
static double cpu_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static unsigned long long mix(unsigned long long number)
{
    number ^= number >> 33;
    number *= 0xff51afd7ed558ccdull;
    number ^= number >> 33;
    number *= 0xc4ceb9fe1a85ec53ull;
    return number ^ number >> 33;
}

/* The placeholders {{n}} and {{uuid}}, {{uuid1}}.. replaced for message NUMBER. */
static char *make_body(const char *template, unsigned long long number, size_t *ret_length)
{
    char *body = malloc(strlen(template) * 2 + 64);
    size_t length = 0;
    const char *at = template;
    const char *open;
    while (body != NULL && (open = strstr(at, "{{")) != NULL) {
        const char *close = strstr(open, "}}");
        if (close == NULL)
            break;
        memcpy(body + length, at, (size_t)(open - at));
        length += (size_t)(open - at);
        if (open[2] == 'u') {
            unsigned long long seed = number * 128 + (unsigned long long)atoi(open + 6);
            unsigned long long one = mix(seed);
            unsigned long long two = mix(seed + (1ull << 60));
            length +=
                (size_t)sprintf(body + length, "%08llx-%04llx-4%03llx-a%03llx-%012llx", one >> 32,
                                one & 0xffff, two & 0xfff, two >> 12 & 0xfff, two >> 16);
        } else {
            length += (size_t)sprintf(body + length, "%012llu",
                                      number * 618033988751ull % 1000000000000ull);
        }
        at = close + 2;
    }
    if (body != NULL) {
        strcpy(body + length, at);
        *ret_length = strlen(body);
    }
    return body;
}

/* One message as it stands after the loop's part. */
struct taken {
    struct arena arena;
    struct json_document document;
    struct message_inbound message;
    const struct admission *admission;
    struct inbox_item item;
    struct store_message row;
};

static void die(const char *what)
{
    fprintf(stderr, "inbound_bench: %s\n", what);
    exit(1);
}

static void parse(struct bench *bench, struct taken *taken, size_t i)
{
    struct json_fault fault;
    if (!json_parse(&bench->scratch, bench->bodies[i], bench->lengths[i], NULL, &taken->document,
                    &fault))
        die(fault.found);
}

static void check(struct bench *bench, struct taken *taken, size_t i)
{
    (void)i;
    struct issue_list issues = issue_list_new(&bench->scratch);
    if (!conform_bundle(bench->validator, &bench->scratch, bench->setup, NULL, &taken->document,
                        taken->document.root, &issues))
        die(json_print(&taken->arena, issue_outcome(&taken->arena, &issues)));
}

static void read_message(struct bench *bench, struct taken *taken, size_t i)
{
    (void)i;
    struct setup_ids ids = {.space = "inbound"};
    struct fhir_context context = setup_context(bench->setup, &bench->scratch, &ids);
    struct finding_list findings = finding_list_new(&bench->scratch);
    if (!message_read(&context, taken->document.root, &taken->message, &findings))
        die(findings.items[0].found);
}

static void admit(struct bench *bench, struct taken *taken, size_t i)
{
    (void)i;
    struct fault fault;
    taken->admission = admit_peer(bench->setup, &taken->arena, bench->partner, &fault);
    if (taken->admission == NULL ||
        !admit_message(taken->admission, bench->setup, &taken->arena, &taken->message, &fault))
        die(fault_sentence(&fault));
}

static void prepare(struct bench *bench, struct taken *taken, size_t i)
{
    taken->item = (struct inbox_item){.setup = bench->setup,
                                      .admission = taken->admission,
                                      .message = &taken->message,
                                      .body = bench->bodies[i],
                                      .length = bench->lengths[i],
                                      .now_ms = clock_wall_ms(&bench->setup->clock),
                                      .arena = &bench->scratch};
    inbox_prepare(&taken->item);
    message_keep(&taken->arena, &taken->message);
    taken->item.ready.text = arena_copy(&taken->arena, taken->item.ready.text);
    taken->item.arena = &taken->arena;
}

static void answer(struct bench *bench, struct taken *taken, size_t i)
{
    (void)i;
    size_t length;
    acknowledge_by_form(bench->forms, bench->setup, &taken->arena, &taken->row, &length);
}

static const struct {
    const char *name;
    void (*run)(struct bench *bench, struct taken *taken, size_t i);
} stages[] = {
    {"scan and parse", parse},
    {"validate", check},
    {"message_read", read_message},
    {"admit", admit},
    {"hashes, record as text", prepare},
    {"commit, its share of a group", NULL},
    {"answer", answer},
};
enum { STAGES = sizeof stages / sizeof *stages, COMMIT = STAGES - 2 };

struct samples { /* of one stage */
    double *us;
    size_t count;
};

static void commit_group(struct bench *bench, struct taken *group, struct store *store)
{
    struct fault fault;
    pthread_setname_np(pthread_self(), "commit"); /* perf tells it apart by that (--comm) */
    double start = cpu_us(CLOCK_THREAD_CPUTIME_ID);
    store_begin(store);
    for (size_t i = 0; i < GROUP; i++) {
        if (inbox_commit(store, &group[i].item, &group[i].row, &fault) != INBOX_TAKEN)
            die("a message was not taken");
    }
    bench->groups++;
    bool promised = bench->groups % COMMITTED_EVERY == 0 ? store_commit(store, &fault)
                                                         : store_sync(store, &fault);
    if (!promised)
        die(fault_sentence(&fault));
    bench->commit_us += cpu_us(CLOCK_THREAD_CPUTIME_ID) - start;
    pthread_setname_np(pthread_self(), "stages");
}

/* CPU time a message since the last call: of commits, and of other threads. */
static void print_tenth(struct bench *bench, size_t messages)
{
    double others_us = cpu_us(CLOCK_PROCESS_CPUTIME_ID) - cpu_us(CLOCK_THREAD_CPUTIME_ID);
    double count = (double)(messages - bench->told);
    printf("CPU a message, up to %8zu stored %8.2f us, checkpoints %6.2f us\n", messages,
           (bench->commit_us - bench->told_us) / count,
           (others_us - bench->told_others_us) / count);
    bench->told = messages;
    bench->told_us = bench->commit_us;
    bench->told_others_us = others_us;
}

/* Message I goes through the stages FROM to TO, as on the loop. */
static void run_stages(struct bench *bench, struct taken *taken, size_t i, size_t from, size_t to,
                       struct samples *samples)
{
    double start = cpu_us(CLOCK_THREAD_CPUTIME_ID);
    for (size_t stage = from; stage < to; stage++) {
        stages[stage].run(bench, taken, i);
        double end = cpu_us(CLOCK_THREAD_CPUTIME_ID);
        samples[stage].us[samples[stage].count++] = end - start;
        start = end;
    }
}

static void run_group(struct bench *bench, struct taken *group, struct store *store,
                      struct samples *samples)
{
    for (size_t i = 0; i < GROUP; i++) {
        arena_reset(&bench->scratch);
        run_stages(bench, &group[i], i, 0, COMMIT, samples);
    }
    double start = cpu_us(CLOCK_THREAD_CPUTIME_ID);
    commit_group(bench, group, store);
    samples[COMMIT].us[samples[COMMIT].count++] = (cpu_us(CLOCK_THREAD_CPUTIME_ID) - start) / GROUP;
    for (size_t i = 0; i < GROUP; i++)
        run_stages(bench, &group[i], i, COMMIT + 1, STAGES, samples);
}

static int by_size(const void *one, const void *other)
{
    double left = *(const double *)one;
    double right = *(const double *)other;
    return (left > right) - (left < right);
}

static double median(struct samples *samples)
{
    qsort(samples->us, samples->count, sizeof *samples->us, by_size);
    return samples->us[samples->count / 2];
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static struct store *new_store(struct bench *bench, struct arena *arena)
{
    struct store *store;
    struct fault fault;
    const char *path = setup_path(bench->setup, arena, "bench.db");
    unlink(path);
    unlink(arena_print(arena, "%s-wal", path));
    unlink(arena_print(arena, "%s-shm", path));
    nftw(setup_path(bench->setup, arena, "bench.journal"), remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    if (!store_open(path, &store, arena, &fault) || !store_serve(store, &fault))
        die(fault_sentence(&fault));
    return store;
}

/* Rows as messages leave them, without their bytes. */
static void fill(struct store *store, size_t count)
{
    struct arena arena = ARENA_EMPTY;
    struct fault fault = {FAULT_none, NULL};
    for (size_t i = 0; i < count; i++) {
        const char *number = arena_print(&arena, "F-%016llx", mix(i + 1));
        if (i % FILLED_AT_ONCE == 0)
            store_begin(store);
        struct store_referral referral = {.placer = "lakeside", .number = number, .filler = "w"};
        referral.role = "filler";
        referral.partner = referral.client = referral.task_status = number;
        struct store_record record = {.clinic = "lakeside", .kind = "referral", .number = number};
        record.origin = "lakeside";
        record.client = number;
        record.referral = store_add_referral(store, &referral);
        store_add_record(store, &record);
        struct store_message message = {.direction = "in", .partner = "lakeside"};
        message.message_id = message.bundle_id = number;
        message.event = message.kind = "referral";
        message.state = "done";
        message.referral = record.referral;
        store_add_message(store, &message);
        if ((i + 1) % FILLED_AT_ONCE == 0 && !store_commit(store, &fault))
            die(fault_sentence(&fault));
        arena_reset(&arena);
    }
    if (!store_commit(store, &fault))
        die(fault_sentence(&fault));
    arena_free(&arena);
}

static void load(struct bench *bench, char **arguments, struct arena *arena)
{
    struct finding_list findings = finding_list_new(arena);
    bench->partner = arguments[2];
    if (!setup_load(arguments[1], &findings, &bench->setup))
        die("the settings of DIR are faulty");
    FILE *file = fopen(arguments[3], "rb");
    if (file == NULL || fread(bench->template, 1, TEMPLATE_MAX - 1, file) == 0)
        die("the template cannot be read");
    fclose(file);
    bench->validator = validator_new(&bench->validator_arena);
    bench->forms = acknowledge_forms_new(&bench->validator_arena, bench->setup);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    static struct taken group[GROUP];
    struct arena arena = ARENA_EMPTY;
    struct samples samples[STAGES];
    if (argc < 4)
        die("expected DIR PARTNER FILE.template [COUNT [STORED]]");
    load(&bench, argv, &arena);
    size_t groups = (argc > 4 ? strtoul(argv[4], NULL, 10) : 8192) / GROUP + 1;
    size_t memory = 0;
    struct store *store = new_store(&bench, &arena);
    fill(store, argc > 5 ? strtoul(argv[5], NULL, 10) : 0);
    for (size_t stage = 0; stage < STAGES; stage++)
        samples[stage] = (struct samples){calloc(groups * GROUP, sizeof(double)), 0};
    for (size_t from = 0; from < groups; from++) {
        for (size_t i = 0; i < GROUP; i++) {
            free(bench.bodies[i]);
            bench.bodies[i] = make_body(bench.template, from * GROUP + i, &bench.lengths[i]);
        }
        run_group(&bench, group, store, samples);
        memory = group[0].arena.used;
        for (size_t i = 0; i < GROUP; i++)
            arena_reset(&group[i].arena);
        if ((from + 1) * TENTHS / groups > from * TENTHS / groups)
            print_tenth(&bench, (from + 1) * GROUP);
    }
    printf("%zu bytes a message, %zu bytes of memory for it\n", bench.lengths[0], memory);
    for (size_t stage = 0; stage < STAGES; stage++)
        printf("%-36s %8.2f us\n", stages[stage].name, median(&samples[stage]));
    store_close(store);
    return 0;
}
