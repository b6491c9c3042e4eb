/* practice: see practice.h. */
#include "gateway/demo/practice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certs/issue/authority.h"
#include "demo_samples.h"
#include "gateway/command/command.h"
#include "gateway/runtime/file.h"
#include "gateway/service/control.h"

enum { READY_MS = 10000, STOP_MS = 10000 };

/* Small waits, so that the story is told in seconds. */
static const char *const hasty_settings = "first_retry_ms: 200\nretry_max_ms: 1000\n"
                                          "drop_settle_ms: 200\nlog_level: warning\n";

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "refgate demo: %s: %s\n", what, why);
    return false;
}

/* ---- making ---- */

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    unsigned port = 0;
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file >= 0 && bind(file, (struct sockaddr *)&address, sizeof address) == 0 &&
        getsockname(file, (struct sockaddr *)&address, &size) == 0)
        port = ntohs(address.sin_port);
    if (file >= 0)
        close(file);
    return port;
}

/* Runs a command of our own table in this process. */
static bool run_here(struct arena *arena, const struct command_set *commands,
                     const char *const *arguments)
{
    struct command_call call;
    size_t count = 0;
    while (arguments[count] != NULL)
        count++;
    if (!command_parse(commands, arena, arguments, count, &call) || call.command->run(&call) != 0)
        return fail(arguments[0], call.err.at);
    return true;
}

static bool issue(struct arena *arena, struct authority *authority, const char *root,
                  const struct practice *practice)
{
    static const char *const loopback[] = {"127.0.0.1"};
    struct finding_list findings = finding_list_new(arena);
    struct request_names names = {.handle = practice->name, .ip = loopback, .ip_count = 1};
    const char *cert = arena_print(arena, "%s/ca/%s.crt", root, practice->name);
    const char *key = arena_print(arena, "%s/ca/%s.key", root, practice->name);
    if (authority_issue(authority, REQUEST_KEY_P256, &names, 0, cert, key, &findings))
        return true;
    return fail("a certificate cannot be issued", findings.items[0].found);
}

static bool append_settings(struct arena *arena, const struct practice *practice)
{
    struct finding_list findings = finding_list_new(arena);
    const char *path = arena_print(arena, "%s/settings.yaml", practice->dir);
    size_t length;
    const char *text = file_read(arena, path, 1 << 20, &length, &findings);
    if (text == NULL)
        return fail(path, findings.items[0].found);
    const char *all = arena_print(arena, "%s\n%s", text, hasty_settings);
    return file_replace(path, all, strlen(all), 0600) || fail(path, strerror(errno));
}

static bool make(struct arena *arena, const char *root, struct practice *practice)
{
    const char *ca = arena_print(arena, "%s/ca", root);
    practice->port = free_port();
    const char *const arguments[] = {
        "init",     practice->dir,
        "--org",    practice->name,
        "--listen", arena_print(arena, "127.0.0.1:%u", practice->port),
        "--cert",   arena_print(arena, "%s/%s.crt", ca, practice->name),
        "--key",    arena_print(arena, "%s/%s.key", ca, practice->name),
        "--ca",     arena_print(arena, "%s/ca.crt", ca),
        NULL};
    const struct embedded_file *directory = demo_samples;
    while (directory->name != NULL && strcmp(directory->name, "directory.csv") != 0)
        directory++;
    return run_here(arena, practice->commands, arguments) && append_settings(arena, practice) &&
           (file_replace(arena_print(arena, "%s/directory.csv", practice->dir), directory->bytes,
                         directory->length, 0600) ||
            fail(practice->dir, strerror(errno)));
}

static bool introduce(struct arena *arena, const char *root, const struct practice *one,
                      const struct practice *other)
{
    const char *const arguments[] = {"partner",
                                     "add",
                                     other->name,
                                     "-d",
                                     one->dir,
                                     "--url",
                                     arena_print(arena, "https://127.0.0.1:%u/fhir", other->port),
                                     "--ca",
                                     arena_print(arena, "%s/ca/ca.crt", root),
                                     NULL};
    return run_here(arena, one->commands, arguments);
}

bool practice_make_all(struct arena *arena, const char *root, const struct command_set *commands,
                       struct practice practices[PRACTICES])
{
    static const char *const names[] = {"willow", "lakeside", "riverbend", "harbor"};
    static const char *const whats[] = {"massage", "physician", "physical therapy", "chiropractic"};
    struct finding_list findings = finding_list_new(arena);
    struct authority_options options = {.handle = "demo"};
    const char *ca = arena_print(arena, "%s/ca", root);
    if (!file_make_folder(root, 0700) || !file_make_folder(ca, 0700))
        return fail(root, strerror(errno));
    if (!authority_init(ca, &options, &findings))
        return fail("the CA cannot be made", findings.items[0].found);
    struct authority *authority = authority_open(ca, NULL, &findings);
    bool made = authority != NULL;
    for (int i = 0; made && i < PRACTICES; i++) {
        practices[i] = (struct practice){.commands = commands,
                                         .name = names[i],
                                         .what = whats[i],
                                         .dir = arena_print(arena, "%s/%s", root, names[i])};
        made = issue(arena, authority, root, &practices[i]) && make(arena, root, &practices[i]);
    }
    if (authority != NULL)
        authority_close(authority);
    for (int i = 0; made && i < PRACTICES; i++) {
        for (int k = 0; made && k < PRACTICES; k++)
            made = i == k || introduce(arena, root, &practices[i], &practices[k]);
    }
    return made;
}

/* ---- running ---- */

static void become_service(const struct practice *practice, int ready)
{
    char number[16];
    char log[4096];
    char program[4096]; /* by its path: under valgrind /proc/self/exe is valgrind's own */
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    snprintf(number, sizeof number, "%d", ready);
    snprintf(log, sizeof log, "%s/log.txt", practice->dir);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* no demo, no practices */
    setpgid(0, 0);                    /* Ctrl-C is for the demo, which stops them in order */
    int file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file >= 0)
        dup2(file, STDERR_FILENO);
    if (length <= 0)
        _exit(127);
    program[length] = '\0';
    execl(program, "refgate", "serve", "-d", practice->dir, "--ready-fd", number, (char *)NULL);
    /* The program was replaced on disk meanwhile: go on with the one that runs. */
    execl("/proc/self/exe", "refgate", "serve", "-d", practice->dir, "--ready-fd", number,
          (char *)NULL);
    _exit(127);
}

static bool wait_ready(int ready)
{
    char line[64];
    struct pollfd poll_ready = {.fd = ready, .events = POLLIN};
    return poll(&poll_ready, 1, READY_MS) == 1 && read(ready, line, sizeof line) > 0;
}

bool practice_start(struct practice *practice)
{
    int ends[2];
    if (pipe(ends) != 0)
        return fail(practice->name, strerror(errno));
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0)
        become_service(practice, ends[1]);
    close(ends[1]);
    practice->is_wanted = true;
    practice->pid = pid > 0 ? pid : 0;
    bool is_ready = pid > 0 && wait_ready(ends[0]);
    close(ends[0]);
    return is_ready;
}

void practice_stop(struct practice *practice)
{
    int waited = 0;
    practice->is_wanted = false;
    if (practice->pid == 0)
        return;
    kill(practice->pid, SIGTERM);
    while (waitpid(practice->pid, NULL, WNOHANG) == 0 && waited < STOP_MS) {
        usleep(10 * 1000);
        waited += 10;
    }
    if (waited >= STOP_MS) {
        kill(practice->pid, SIGKILL);
        waitpid(practice->pid, NULL, 0);
    }
    practice->pid = 0;
}

void practice_watch(struct practice practices[PRACTICES],
                    void (*tell)(void *owner, const struct practice *practice), void *owner)
{
    for (int i = 0; i < PRACTICES; i++) {
        struct practice *practice = &practices[i];
        bool has_died = practice->pid != 0 && waitpid(practice->pid, NULL, WNOHANG) != 0;
        if (has_died)
            practice->pid = 0;
        if (!practice->is_wanted || practice->pid != 0)
            continue;
        practice->restarts++;
        tell(owner, practice);
        practice_start(practice);
    }
}

int practice_ask(struct arena *arena, const struct practice *practice, const char *const *arguments,
                 const char **ret_out, const char **ret_err)
{
    struct command_call call;
    const char *all[40];
    size_t count = 0;
    int code = -1;
    while (arguments[count] != NULL && count < 36) {
        all[count] = arguments[count];
        count++;
    }
    all[count++] = "-d";
    all[count++] = practice->dir;
    *ret_out = "";
    *ret_err = "";
    if (!command_parse(practice->commands, arena, all, count, &call) ||
        !control_ask(&call, all, count, &code))
        return -1;
    *ret_out = call.out.at;
    *ret_err = call.err.at;
    return code;
}
