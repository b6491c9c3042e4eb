/* alarm: runs the clinic's program for each alarm, and counts. See alarm.h.
 *
 * Each run is a child process with a pipe to its standard input and a timer; what finds no place
 * waits in a short queue. Everything happens on loop 0, and stopping waits for the handles to
 * close. */
#include "gateway/alarm/alarm.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "fhir/json/json.h"
#include "gateway/runtime/log.h"

enum { RUN_MS_MAX = 60000, HANDLES = 3 };

/* One run of the program. */
struct run {
    struct run *next;
    struct alarm *alarm;
    struct arena arena;
    const char *dir, *command, *body;
    uv_process_t process;
    uv_pipe_t input;
    uv_timer_t timer;
    uv_write_t write;
    unsigned handles; /* still open */
};

struct alarm {
    struct uv_loop_s *loop;
    struct run *running, *waiting;
    unsigned running_count, waiting_count;
    struct alarm_figures figures;
    bool is_stopping;
    void (*on_stopped)(void *owner);
    void *owner;
};

static const struct {
    const char *name;
    enum log_level level;
} kinds[ALARM_KINDS] = {
    [ALARM_RUNS_OUT] = {"runs-out", LOG_LEVEL_WARNING},
    [ALARM_PARKED] = {"parked", LOG_LEVEL_WARNING},
    [ALARM_PARTNER_DOWN] = {"partner-down", LOG_LEVEL_WARNING},
    [ALARM_PARTNER_BACK] = {"partner-back", LOG_LEVEL_INFO},
    [ALARM_UNSENT] = {"unsent", LOG_LEVEL_WARNING},
    [ALARM_UNSENT_OVER] = {"unsent-over", LOG_LEVEL_INFO},
    [ALARM_DISK_LOW] = {"disk-low", LOG_LEVEL_WARNING},
    [ALARM_DISK_BACK] = {"disk-back", LOG_LEVEL_INFO},
    [ALARM_STORE_FULL] = {"store-full", LOG_LEVEL_ERROR},
    [ALARM_STORE_BACK] = {"store-back", LOG_LEVEL_INFO},
    [ALARM_RELOAD_REFUSED] = {"reload-refused", LOG_LEVEL_ERROR},
    [ALARM_REFERRAL] = {"referral", LOG_LEVEL_INFO},
    [ALARM_RECORD] = {"record", LOG_LEVEL_INFO},
    [ALARM_TO_MATCH] = {"to-match", LOG_LEVEL_INFO},
    [ALARM_RETRACTED] = {"retracted", LOG_LEVEL_INFO},
    [ALARM_ANSWER] = {"answer", LOG_LEVEL_INFO},
    [ALARM_RETURNED] = {"returned", LOG_LEVEL_INFO},
    [ALARM_REFUSED] = {"refused", LOG_LEVEL_INFO},
};

const char *alarm_name(enum alarm_kind kind)
{
    return kinds[kind].name;
}

struct alarm_figures alarm_count(const struct alarm *alarm)
{
    return alarm->figures;
}

struct alarm *alarm_new(struct uv_loop_s *loop)
{
    struct alarm *alarm = calloc(1, sizeof *alarm);
    if (alarm != NULL)
        alarm->loop = loop;
    return alarm;
}

/* ---- one run ---- */

static void start_waiting(struct alarm *alarm);

static void maybe_stopped(struct alarm *alarm)
{
    if (!alarm->is_stopping || alarm->running != NULL)
        return;
    void (*on_stopped)(void *owner) = alarm->on_stopped;
    void *owner = alarm->owner;
    free(alarm);
    if (on_stopped != NULL)
        on_stopped(owner);
}

static void free_run(struct run *run)
{
    arena_free(&run->arena);
    free(run);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct run *run = handle->data;
    struct alarm *alarm = run->alarm;
    struct run **link = &alarm->running;
    if (--run->handles > 0)
        return;
    while (*link != run)
        link = &(*link)->next;
    *link = run->next;
    alarm->running_count--;
    free_run(run);
    start_waiting(alarm);
    maybe_stopped(alarm);
}

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void fail(struct run *run, const char *why)
{
    run->alarm->figures.failures++;
    log_event(LOG_LEVEL_ERROR, "alarm-command-failed", "command", run->command, "why", why, NULL);
}

static void on_ended(uv_process_t *process, int64_t status, int signal_number)
{
    struct run *run = process->data;
    if (signal_number != 0)
        fail(run, "it was killed");
    else if (status != 0)
        fail(run, arena_print(&run->arena, "exit code %lld", (long long)status));
    close_handle(&run->process);
    close_handle(&run->input);
    close_handle(&run->timer);
}

static void on_timer(uv_timer_t *timer)
{
    struct run *run = timer->data;
    uv_process_kill(&run->process, SIGKILL);
}

static void on_written(uv_write_t *request, int status)
{
    struct run *run = request->data;
    (void)status; /* a program that does not read may still do what it is for */
    close_handle(&run->input);
}

static void start_run(struct run *run)
{
    char *arguments[] = {(char *)(uintptr_t)run->command, NULL};
    uv_stdio_container_t streams[] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&run->input},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO}};
    uv_process_options_t options = {.file = run->command,
                                    .args = arguments,
                                    .cwd = run->dir,
                                    .stdio = streams,
                                    .stdio_count = 3,
                                    .exit_cb = on_ended};
    struct alarm *alarm = run->alarm;
    run->process.data = run->input.data = run->timer.data = run->write.data = run;
    run->handles = HANDLES;
    run->next = alarm->running;
    alarm->running = run;
    alarm->running_count++;
    uv_pipe_init(alarm->loop, &run->input, 0);
    uv_timer_init(alarm->loop, &run->timer);
    int status = uv_spawn(alarm->loop, &run->process, &options);
    if (status != 0) {
        fail(run, uv_strerror(status));
        close_handle(&run->process);
        close_handle(&run->input);
        close_handle(&run->timer);
        return;
    }
    uv_timer_start(&run->timer, on_timer, RUN_MS_MAX, 0);
    uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)run->body, (unsigned)strlen(run->body));
    if (uv_write(&run->write, (uv_stream_t *)&run->input, &bytes, 1, on_written) != 0)
        close_handle(&run->input);
}

static void start_waiting(struct alarm *alarm)
{
    while (!alarm->is_stopping && alarm->waiting != NULL &&
           alarm->running_count < ALARM_RUNNING_MAX) {
        struct run *run = alarm->waiting;
        alarm->waiting = run->next;
        alarm->waiting_count--;
        start_run(run);
    }
}

/* ---- raising ---- */

/* Whom to call about the partner, as its file says. */
static void add_contacts(struct arena *arena, struct json *object, const struct setup *setup,
                         const char *name)
{
    const struct partner *partner = name == NULL ? NULL : folder_partner(&setup->partners, name);
    if (partner == NULL || partner->contacts.count == 0)
        return;
    struct json *list = json_set(arena, object, "contacts", json_new_list(arena));
    for (size_t i = 0; i < partner->contacts.count; i++)
        json_push(list, json_new_text(arena, partner->contacts.items[i]));
}

static const char *body_of(struct arena *arena, const struct setup *setup,
                           const struct alarm_text *text)
{
    struct json *object = json_new_object(arena);
    json_set_text(arena, object, "kind", alarm_name(text->kind));
    json_set_text(arena, object, "org", setup->config.org);
    json_set_text(arena, object, "at", clock_text(arena, clock_wall_ms(&setup->clock)));
    json_set_text(arena, object, "partner", text->partner);
    if (text->message != 0)
        json_set(arena, object, "message", json_new_whole(arena, (long)text->message));
    json_set_text(arena, object, "referral", text->referral);
    json_set_text(arena, object, "record", text->record);
    json_set_text(arena, object, "record_id", text->record_id);
    json_set_text(arena, object, "move", text->move);
    json_set_text(arena, object, "sentence", text->sentence);
    add_contacts(arena, object, setup, text->partner);
    return arena_print(arena, "%s\n", json_print(arena, object));
}

static const char *command_for(const struct setup *setup, enum alarm_kind kind)
{
    return kind >= ALARM_NEWS ? setup->config.notify_command : setup->config.alarm_command;
}

static void queue_run(struct alarm *alarm, const struct setup *setup, const struct alarm_text *text)
{
    struct run *run = alarm->waiting_count < ALARM_WAITING_MAX ? calloc(1, sizeof *run) : NULL;
    struct run **link = &alarm->waiting;
    if (run == NULL) {
        alarm->figures.failures++;
        return;
    }
    run->alarm = alarm;
    run->dir = arena_copy(&run->arena, setup->dir);
    run->command = setup_path(setup, &run->arena, command_for(setup, text->kind));
    if (run->command[0] != '/') { /* it starts in the data folder, which run->dir is relative to */
        char *whole = realpath(run->command, NULL);
        run->command = arena_copy(&run->arena, whole == NULL ? run->command : whole);
        free(whole);
    }
    run->body = body_of(&run->arena, setup, text);
    while (*link != NULL)
        link = &(*link)->next;
    *link = run;
    alarm->waiting_count++;
    start_waiting(alarm);
}

void alarm_add(struct alarm_texts *texts, const struct alarm_text *text)
{
    texts->items = arena_room(texts->arena, texts->items, sizeof *texts->items, texts->count,
                              &texts->room, 16);
    texts->items[texts->count++] = *text;
}

void alarm_raise(struct alarm *alarm, const struct setup *setup, const struct alarm_text *text)
{
    if (alarm->is_stopping)
        return;
    alarm->figures.raised[text->kind]++;
    if (text->kind < ALARM_NEWS)
        log_event(kinds[text->kind].level, "alarm", "kind", alarm_name(text->kind), "partner",
                  text->partner, "sentence", text->sentence, NULL);
    if (command_for(setup, text->kind)[0] != '\0')
        queue_run(alarm, setup, text);
}

void alarm_stop(struct alarm *alarm, void (*on_stopped)(void *owner), void *owner)
{
    alarm->is_stopping = true;
    alarm->on_stopped = on_stopped;
    alarm->owner = owner;
    while (alarm->waiting != NULL) {
        struct run *run = alarm->waiting;
        alarm->waiting = run->next;
        free_run(run);
    }
    for (struct run *run = alarm->running; run != NULL; run = run->next) {
        if (uv_is_active((const uv_handle_t *)&run->process)) /* else its pid is nobody's, or 0 */
            uv_process_kill(&run->process, SIGKILL);
        close_handle(&run->input);
        close_handle(&run->timer);
    }
    maybe_stopped(alarm);
}
