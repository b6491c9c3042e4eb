/* control: see control.h. The server side runs on loop 0; each line is worked on in the thread
 * pool. */
#include "gateway/service/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "gateway/audit/actor.h"
#include "gateway/runtime/log.h"

enum { REQUEST_MAX = 64 << 20, CLIENTS_WAITING = 64, READ_BYTES = 64 * 1024 };

struct control {
    uv_pipe_t server;
    struct office *office;
    const struct command_set *commands;
    const char *dir;  /* the data folder, absolute: callers stand in other folders */
    unsigned clients; /* connections open */
    bool is_closed;
    void (*on_stopped)(void *owner);
    void *owner;
};

struct client {
    uv_pipe_t pipe;
    struct control *control;
    struct arena arena; /* of the line being worked on */
    char *line;         /* malloc: what has arrived */
    size_t length, room;
    uv_work_t work;
    uv_write_t write;
    struct command_call call;
    struct office office; /* as of this line; its setup is held */
    const char *answer;
    uid_t user; /* who connected */
    bool is_working, is_gone;
};

static const char *socket_path(struct arena *arena, const char *dir)
{
    return folder_path(arena, dir, "control.sock");
}

/* ---- the work, on a pool thread ---- */

static void answer_with(struct client *client, int code)
{
    struct json *answer = json_new_object(&client->arena);
    json_set(&client->arena, answer, "exit", json_new_whole(&client->arena, code));
    json_set_text(&client->arena, answer, "out", client->call.out.at);
    json_set_text(&client->arena, answer, "err", client->call.err.at);
    client->answer = arena_print(&client->arena, "%s\n", json_print(&client->arena, answer));
}

static int run_request(struct client *client, const struct json *request)
{
    const struct json *list = json_get(request, "args");
    size_t count = json_count(list);
    const char **arguments = arena_array(&client->arena, count + 1, sizeof *arguments);
    size_t at = 0;
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item))
        arguments[at++] = json_text(item) == NULL ? "" : json_text(item);
    struct command_call *call = &client->call;
    if (!command_parse(client->control->commands, &client->arena, arguments, count, call))
        return fault_exit_code(FAULT_usage);
    if (call->command == NULL || call->command->place != COMMAND_STORE) {
        text_add(&call->err, "refgate: this command does not run inside the service\n");
        return fault_exit_code(FAULT_usage);
    }
    call->dir = client->control->dir; /* as the caller named it, it is relative to their folder */
    call->cwd = json_get_text(request, "cwd");
    call->input = json_get_text(request, "input");
    call->input_length = call->input == NULL ? 0 : strlen(call->input);
    call->office = &client->office;
    call->caller = actor_of_system(&client->arena, client->user);
    return call->command->run(call);
}

static void work(uv_work_t *handle)
{
    struct client *client = handle->data;
    struct json_document document;
    struct json_fault fault;
    client->call.out = text_new(&client->arena, COMMAND_OUTPUT_MAX);
    client->call.err = text_new(&client->arena, COMMAND_OUTPUT_MAX);
    int code = fault_exit_code(FAULT_usage);
    if (json_parse(&client->arena, client->line, client->length, NULL, &document, &fault))
        code = run_request(client, document.root);
    else
        text_add(&client->call.err, "refgate: the request is not JSON\n");
    answer_with(client, code);
}

/* ---- the loop's side ---- */

static void maybe_stopped(struct control *control)
{
    if (!control->is_closed || control->clients > 0)
        return;
    void (*on_stopped)(void *owner) = control->on_stopped;
    void *owner = control->owner;
    free(control);
    if (on_stopped != NULL)
        on_stopped(owner);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    struct control *control = client->control;
    arena_free(&client->arena);
    free(client->line);
    free(client);
    control->clients--;
    maybe_stopped(control);
}

static void close_client(struct client *client)
{
    client->is_gone = true;
    if (!client->is_working && !uv_is_closing((uv_handle_t *)&client->pipe))
        uv_close((uv_handle_t *)&client->pipe, on_client_closed);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    close_client(request->data);
}

static void on_worked(uv_work_t *handle, int status)
{
    struct client *client = handle->data;
    (void)status;
    client->is_working = false;
    setup_release(client->office.setup);
    struct office *office = client->control->office;
    if (office->wake != NULL)
        office->wake(office->owner);
    uv_buf_t bytes =
        uv_buf_init((char *)(uintptr_t)client->answer, (unsigned)strlen(client->answer));
    client->write.data = client;
    if (client->is_gone ||
        uv_write(&client->write, (uv_stream_t *)&client->pipe, &bytes, 1, on_written) != 0)
        close_client(client);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_bytes)
{
    struct client *client = handle->data;
    (void)suggested;
    if (client->room - client->length < READ_BYTES && client->room < REQUEST_MAX) {
        size_t room = client->room == 0 ? 2 * READ_BYTES : client->room * 2;
        char *line = realloc(client->line, room);
        if (line != NULL) {
            client->line = line;
            client->room = room;
        }
    }
    *ret_bytes =
        uv_buf_init(client->line + client->length, (unsigned)(client->room - client->length));
}

static void on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct client *client = stream->data;
    (void)bytes;
    if (count < 0) {
        close_client(client);
        return;
    }
    client->length += (size_t)count;
    char *end = memchr(client->line + client->length - (size_t)count, '\n', (size_t)count);
    if (end == NULL)
        return;
    uv_read_stop(stream);
    client->length = (size_t)(end - client->line);
    client->is_working = true;
    client->work.data = client;
    client->office = *client->control->office;
    setup_hold(client->office.setup);
    if (uv_queue_work(stream->loop, &client->work, work, on_worked) != 0) {
        setup_release(client->office.setup);
        client->is_working = false;
        close_client(client);
    }
}

/* Who is at the other end, by SO_PEERCRED (unix(7)). */
static bool learn_user(struct client *client)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    uv_os_fd_t file;
    if (uv_fileno((const uv_handle_t *)&client->pipe, &file) != 0 ||
        getsockopt(file, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return false;
    client->user = peer.uid;
    return true;
}

static void on_connection(uv_stream_t *server, int status)
{
    struct control *control = server->data;
    struct client *client = status < 0 ? NULL : calloc(1, sizeof *client);
    if (client == NULL)
        return;
    client->control = control;
    client->pipe.data = client;
    uv_pipe_init(server->loop, &client->pipe, 0);
    control->clients++;
    if (uv_accept(server, (uv_stream_t *)&client->pipe) != 0 || !learn_user(client) ||
        uv_read_start((uv_stream_t *)&client->pipe, on_room, on_bytes) != 0)
        close_client(client);
}

static const char *absolute(const char *dir, struct arena *arena)
{
    char *real = realpath(dir, NULL);
    const char *path = arena_copy(arena, real == NULL ? dir : real);
    free(real);
    return path;
}

struct control *control_start(struct uv_loop_s *loop, struct office *office,
                              const struct command_set *commands, const char *dir,
                              struct arena *arena, struct fault *ret_fault)
{
    const char *path = socket_path(arena, dir);
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL) {
        fault_set(ret_fault, FAULT_internal, NULL);
        return NULL;
    }
    control->office = office;
    control->commands = commands;
    control->dir = absolute(dir, arena);
    control->server.data = control;
    unlink(path); /* left by a killed service; DIR/lock says that none runs */
    mode_t mask = umask(0177);
    int status = uv_pipe_init(loop, &control->server, 0);
    if (status == 0)
        status = uv_pipe_bind(&control->server, path);
    umask(mask);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&control->server, CLIENTS_WAITING, on_connection);
    if (status == 0)
        return control;
    fault_set(ret_fault, FAULT_settings,
              arena_print(arena, "%s: %s; a data folder's path may have about 90 letters", path,
                          uv_strerror(status)));
    control_stop(control, NULL, NULL);
    return NULL;
}

static void on_server_closed(uv_handle_t *handle)
{
    struct control *control = handle->data;
    control->is_closed = true;
    maybe_stopped(control);
}

void control_stop(struct control *control, void (*on_stopped)(void *owner), void *owner)
{
    control->on_stopped = on_stopped;
    control->owner = owner;
    uv_close((uv_handle_t *)&control->server, on_server_closed);
}

/* ---- the client's side ---- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, strlen(path));
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file >= 0 && connect(file, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(file);
        return -1;
    }
    return file;
}

bool control_is_served(struct arena *arena, const char *dir)
{
    int file = connect_to(socket_path(arena, dir));
    if (file >= 0)
        close(file);
    return file >= 0;
}

static bool send_all(int file, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = send(file, bytes, length, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

static const char *receive_all(struct arena *arena, int file, size_t *ret_length)
{
    struct text answer = text_new(arena, COMMAND_OUTPUT_MAX);
    char bytes[READ_BYTES];
    ssize_t count;
    while ((count = recv(file, bytes, sizeof bytes, 0)) != 0) {
        if (count < 0 && errno != EINTR)
            break;
        if (count > 0)
            text_add_n(&answer, bytes, (size_t)count);
    }
    *ret_length = answer.length;
    return answer.at;
}

static const char *request_text(struct command_call *call, const char *const *arguments,
                                size_t count)
{
    struct json *request = json_new_object(call->arena);
    struct json *list = json_set(call->arena, request, "args", json_new_list(call->arena));
    for (size_t i = 0; i < count; i++)
        json_push(list, json_new_text(call->arena, arguments[i]));
    json_set_text(call->arena, request, "cwd", call->cwd);
    json_set_text(call->arena, request, "input", call->input);
    return arena_print(call->arena, "%s\n", json_print(call->arena, request));
}

bool control_ask(struct command_call *call, const char *const *arguments, size_t count,
                 int *ret_exit)
{
    int file = connect_to(socket_path(call->arena, call->dir));
    if (file < 0)
        return false;
    const char *request = request_text(call, arguments, count);
    size_t length = 0;
    const char *answer = "";
    if (send_all(file, request, strlen(request)))
        answer = receive_all(call->arena, file, &length);
    close(file);
    struct json_document document;
    struct json_fault fault;
    long code = fault_exit_code(FAULT_busy);
    if (!json_parse(call->arena, answer, length, NULL, &document, &fault)) {
        text_add(&call->err, "refgate: the service stopped before it answered; ask again\n");
    } else {
        text_add(&call->out, json_get_text(document.root, "out"));
        text_add(&call->err, json_get_text(document.root, "err"));
        json_whole(json_get(document.root, "exit"), &code);
    }
    *ret_exit = (int)code;
    return true;
}
