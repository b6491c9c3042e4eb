/* ask: see ask.h. Questions go to standard error, so that what the command prints can be kept. */
#include "gateway/commands/ask.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "certs/io/certificate.h"
#include "config/config.h"
#include "gateway/command/command.h"

enum { ANSWER_MAX_BYTES = 1000, VALUES_MAX = 64 };

bool ask_is_wanted(const struct command_call *call)
{
    return command_option(call, "url") == NULL && isatty(STDIN_FILENO) == 1 &&
           isatty(STDERR_FILENO) == 1;
}

/* One line, without the blanks around it; NULL at the end of the input. */
static const char *read_line(struct arena *arena)
{
    char line[ANSWER_MAX_BYTES];
    if (fgets(line, sizeof line, stdin) == NULL)
        return NULL;
    const char *from = line + strspn(line, " \t");
    size_t length = strcspn(from, "\r\n");
    while (length > 0 && (from[length - 1] == ' ' || from[length - 1] == '\t'))
        length--;
    return arena_copy_n(arena, from, length);
}

/* Asks until the answer is right or, when MAY_BE_EMPTY, empty; NULL at the end of the input. */
static const char *ask(struct arena *arena, const char *question, const struct check *check,
                       bool may_be_empty)
{
    for (;;) {
        fprintf(stderr, "%s: ", question);
        const char *answer = read_line(arena);
        if (answer == NULL || (answer[0] == '\0' && may_be_empty) ||
            (answer[0] != '\0' && (check == NULL || check->holds(answer))))
            return answer;
        fprintf(stderr, "  found %s; expected %s\n", answer[0] == '\0' ? "nothing" : answer,
                check == NULL ? "an answer" : check->expected);
    }
}

static void give(struct command_call *call, const char *name, const char *value)
{
    const struct command_option *option = call->command->options;
    while (option->name != NULL && strcmp(option->name, name) != 0)
        option++;
    if (value[0] != '\0' && option->name != NULL && call->value_count < VALUES_MAX)
        call->values[call->value_count++] = (struct command_value){option, value};
}

/* Shows whom the CA file speaks of; a person says whether it is the partner. */
static bool is_right_authority(struct command_call *call, const char *file)
{
    struct finding_list findings = finding_list_new(call->arena);
    struct certificate *items;
    size_t count;
    if (!certificate_read(call->arena, command_path(call, file), &findings, &items, &count)) {
        command_findings(call, &findings);
        return false;
    }
    fprintf(stderr, "  %s\n  pin sha256//%s\n", items[0].subject, items[0].pin);
    const char *answer = ask(call->arena,
                             "  Compare the pin with the partner by telephone. Is it the same? yes "
                             "or no",
                             NULL, false);
    if (answer != NULL && strcmp(answer, "yes") == 0)
        return true;
    text_add(&call->err, "refgate partner add: not the CA of the partner; nothing was added\n");
    return false;
}

bool ask_partner(struct command_call *call)
{
    struct arena *arena = call->arena;
    const char *url =
        ask(arena, "FHIR base of the partner, https://HOST:PORT/fhir", &check_base_url, false);
    const char *ca = url == NULL ? NULL
                                 : ask(arena,
                                       "File with the partner's CA certificate (empty: none, its "
                                       "key is pinned)",
                                       NULL, true);
    if (ca == NULL)
        return false;
    if (ca[0] != '\0' && !is_right_authority(call, ca))
        return false;
    const char *pin =
        ca[0] != '\0' ? ""
                      : ask(arena, "SHA-256 of its public key, sha256//BASE64", &check_pin, false);
    const char *san =
        pin == NULL ? NULL
                    : ask(arena,
                          "Name that its certificate carries (empty: urn:refgate:org:NAME and the "
                          "host name)",
                          &check_san, true);
    const char *contact =
        san == NULL ? NULL : ask(arena, "Whom to call there (empty: nobody)", &check_contact, true);
    if (contact == NULL)
        return false;
    give(call, "url", url);
    give(call, "ca", ca);
    give(call, "pin", pin);
    give(call, "san", san);
    give(call, "contact", contact);
    return true;
}
