/* reload: reads the next generation of settings, keys and trust, and says what it kept of the last
 * one. See reload.h. Blocking: on a pool thread. */
#include "gateway/service/reload.h"

#include <stdio.h>
#include <string.h>

#include "gateway/people/people.h"
#include "gateway/runtime/log.h"
#include "gateway/tls/revocation.h"
#include "gateway/tls/tls.h"

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
    text_add(&line, "a changed file is faulty and stays as it was: ");
    if (findings->count > 0)
        finding_print(&findings->items[0], &line);
    if (line.length > 0 && line.at[line.length - 1] == '\n')
        line.at[--line.length] = '\0';
    memcpy(generation->why, line.at, line.length + 1);
}

static bool load(const char *dir, const struct setup *now, const struct context *before,
                 struct finding_list *warnings, struct finding_list *findings,
                 struct generation *generation)
{
    struct setup *setup;
    if (!setup_load_after(dir, now, findings, &setup))
        return false;
    people_read(setup, true);
    revocation_fetch_missing(setup, now, findings);
    tls_keep_partners(setup, now, findings);
    generation->context = tls_context_after(setup, before, warnings, findings);
    if (generation->context == NULL) {
        setup_release(setup);
        return false;
    }
    generation->setup = setup;
    return true;
}

void generation_read(const char *dir, const struct setup *now, const struct context *context,
                     struct generation *ret_generation)
{
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    struct finding_list warnings = finding_list_new(&arena);
    ret_generation->setup = NULL;
    ret_generation->context = NULL;
    watch_files(now, ret_generation->print);
    bool is_loaded = load(dir, now, context, &warnings, &findings, ret_generation);
    ret_generation->is_faulty = !is_loaded || setup_is_worse(now, &findings);
    if (ret_generation->is_faulty) {
        log_event(LOG_LEVEL_ERROR, "reload-refused", "why",
                  is_loaded ? "a changed file is faulty and stays as it was; the rest is taken"
                            : "nothing of the changed files can be taken",
                  NULL);
        generation_print_findings(&findings);
        note_why(ret_generation, &findings);
    }
    generation_print_findings(&warnings);
    if (is_loaded)
        setup_live_with(ret_generation->setup, now, &findings);
    arena_free(&arena);
}
