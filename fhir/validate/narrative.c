/* narrative: the XHTML of a narrative, and that its links inside the text lead somewhere.
 *
 * A link to #x may point at the id of any element or resource, or at an id or <a name> of any
 * narrative of the same text (https://hl7.org/fhir/R4/narrative.html#id). The index of those is
 * made when the first such link is met. */
#include <string.h>

#include "fhir/narrative/xhtml.h"
#include "fhir/validate/validate_internal.h"

static void collect(struct arena *arena, const struct json *node, struct xhtml_name **names,
                    size_t *count)
{
    const char *key = json_key(node);
    const char *text = json_text(node);
    if (text != NULL && key != NULL && strcmp(key, "id") == 0) {
        struct xhtml_name *name = arena_alloc(arena, sizeof *name);
        *name = (struct xhtml_name){text, *names};
        *names = name;
        ++*count;
    } else if (text != NULL && key != NULL && strcmp(key, "div") == 0) {
        struct xhtml_name *anchors = xhtml_anchors(arena, text);
        while (anchors != NULL) {
            struct xhtml_name *next = anchors->next;
            anchors->next = *names;
            *names = anchors;
            anchors = next;
            ++*count;
        }
    }
    for (const struct json *each = json_first(node); each != NULL; each = json_next(each))
        collect(arena, each, names, count);
}

static bool leads_somewhere(struct validation *run, const char *name)
{
    if (run->anchors.rows == NULL) {
        struct xhtml_name *names = NULL;
        size_t count = 0;
        collect(run->arena, run->root, &names, &count);
        run->anchors = index_new(run->arena, &run->validator->secret, count);
        for (; names != NULL; names = names->next)
            index_add(&run->anchors, names->text, run->root);
    }
    return index_find(&run->anchors, name) != NULL;
}

static void add_issue(struct validation *run, const struct subject *subject,
                      const struct xhtml_fault *fault)
{
    struct issue *issue =
        validation_add(run, ISSUE_ERROR, fault->key != NULL ? ISSUE_INVARIANT : ISSUE_INVALID,
                       subject->place, NULL, subject->node, fault->found, fault->expected);
    if (issue == NULL)
        return;
    issue->key = fault->key;
    issue->value = NULL;
}

/* Of a message that has more narratives than people read, not all are looked at: it is refused. */
enum { BYTES_MAX = 2 << 20 };

static bool is_within_bounds(struct validation *run, const struct subject *subject)
{
    static const struct xhtml_fault too_much = {.found = "more narrative than one message may have",
                                                .expected = "at most 2 MiB of narratives"};
    bool was_within = run->narrative_bytes <= BYTES_MAX;
    if (run->options->steps_max == 0)
        return true;
    run->narrative_bytes += json_length(subject->node);
    if (run->narrative_bytes > BYTES_MAX && was_within)
        add_issue(run, subject, &too_much);
    return run->narrative_bytes <= BYTES_MAX;
}

void validation_narrative(struct validation *run, const struct subject *subject)
{
    struct xhtml_name *links;
    struct xhtml_fault fault;
    if (!is_within_bounds(run, subject))
        return;
    if (!xhtml_check(run->arena, json_text(subject->node), &links, &fault)) {
        add_issue(run, subject, &fault);
        return;
    }
    for (; links != NULL; links = links->next) {
        if (leads_somewhere(run, links->text))
            continue;
        fault = (struct xhtml_fault){.found = "a link to a place that is not in this text",
                                     .expected = "# and the id of something in it"};
        add_issue(run, subject, &fault);
        return;
    }
}
