/* generation: see generation.h. */
#include "gateway/generation.h"

#include <stdio.h>
#include <string.h>

#include "gateway/log.h"
#include "gateway/people.h"
#include "gateway/revocation.h"
#include "gateway/tls.h"

void generation_print_findings(const struct finding_list *findings)
{
    struct text text = text_new(findings->arena, 1 << 20);
    for (size_t i = 0; i < findings->count; i++)
        finding_print(&findings->items[i], &text);
    fputs(text.at, stderr);
}

static void note_why(struct generation *generation, const struct finding_list *findings)
{
    struct text line = text_new(findings->arena, sizeof generation->why - 1);
    text_add(&line, "the new settings are faulty; the old ones stay: ");
    if (findings->count > 0)
        finding_print(&findings->items[0], &line);
    if (line.length > 0 && line.at[line.length - 1] == '\n')
        line.at[--line.length] = '\0';
    memcpy(generation->why, line.at, line.length + 1);
}

static bool load(const char *dir, const struct setup *now, struct finding_list *findings,
                 struct generation *generation)
{
    struct setup *setup;
    if (!setup_load(dir, findings, &setup))
        return false;
    people_read(setup, true);
    revocation_fetch_missing(setup, findings);
    struct context *context = tls_context(setup, findings);
    if (context == NULL || setup_is_worse(now, findings)) {
        context_release(context);
        setup_release(setup);
        return false;
    }
    setup_live_with(setup, findings);
    generation->setup = setup;
    generation->context = context;
    return true;
}

void generation_read(const char *dir, const struct setup *now, struct generation *ret_generation)
{
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    ret_generation->setup = NULL;
    ret_generation->context = NULL;
    watch_files(now, ret_generation->print);
    if (!load(dir, now, &findings, ret_generation)) {
        log_event(LOG_LEVEL_ERROR, "reload-refused", "why",
                  "the new settings are faulty; the old ones stay", NULL);
        generation_print_findings(&findings);
        note_why(ret_generation, &findings);
    }
    arena_free(&arena);
}
