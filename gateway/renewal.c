/* renewal: see renewal.h. */
#include "gateway/renewal.h"

#include <stdio.h>
#include <string.h>

#include "gateway/log.h"
#include "gateway/revocation.h"
#include "gateway/tls.h"

void renewal_print(const struct finding_list *findings)
{
    struct text text = text_new(findings->arena, 1 << 20);
    for (size_t i = 0; i < findings->count; i++)
        finding_print(&findings->items[i], &text);
    fputs(text.at, stderr);
}

static void refuse(struct renewal *renewal, const struct finding_list *findings)
{
    struct text line = text_new(findings->arena, RENEWAL_WHY_TEXT - 1);
    context_release(renewal->context);
    setup_release(renewal->setup);
    renewal->context = NULL;
    renewal->setup = NULL;
    text_add(&line, "the new settings are faulty; the old ones stay: ");
    if (findings->count > 0)
        finding_print(&findings->items[0], &line);
    if (line.length > 0 && line.at[line.length - 1] == '\n')
        line.at[--line.length] = '\0';
    memcpy(renewal->why, line.at, line.length + 1);
    log_event(LOG_LEVEL_ERROR, "reload-refused", "why",
              "the new settings are faulty; the old ones stay", NULL);
    renewal_print(findings);
}

void renewal_read(const struct setup *running, struct renewal *ret_renewal)
{
    struct arena arena = ARENA_EMPTY;
    struct finding_list findings = finding_list_new(&arena);
    *ret_renewal = (struct renewal){.setup = NULL};
    watch_files(running, ret_renewal->print);
    if (setup_load(running->dir, &findings, &ret_renewal->setup)) {
        revocation_fetch_missing(ret_renewal->setup, &findings);
        ret_renewal->context = tls_context(ret_renewal->setup, &findings);
    }
    if (ret_renewal->context == NULL || setup_is_worse(running, &findings))
        refuse(ret_renewal, &findings);
    else
        setup_live_with(ret_renewal->setup, &findings);
    arena_free(&arena);
}
