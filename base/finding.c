/* finding: lists of findings, and their two printed forms: a line for a person and an object for a
 * program (--json). See finding.h for the contract. Called wherever a file, record or setting is
 * judged. Pure; texts that were given stay the caller's, only the list grows in its arena. */
#include "base/finding.h"

#include <string.h>

#include "base/visible.h"

struct finding_list finding_list_new(struct arena *arena)
{
    struct finding_list list = {.arena = arena};
    return list;
}

struct finding *finding_add(struct finding_list *list, struct finding finding)
{
    list->items =
        arena_room(list->arena, list->items, sizeof *list->items, list->count, &list->room, 8);
    if (finding.file == NULL)
        finding.file = list->file;
    if (finding.row == 0)
        finding.row = list->row;
    list->items[list->count] = finding;
    return &list->items[list->count++];
}

/* PREFIX and VALUE, which may be a partner's words, on the finding's line. */
static void add_part(struct text *out, const char *prefix, const char *value)
{
    if (value == NULL)
        return;
    text_add(out, prefix);
    visible_add_line(out, value);
}

void finding_print(const struct finding *finding, struct text *out)
{
    bool line_at_file = finding->says_line && finding->line > 0 && finding->file != NULL;
    add_part(out, "", finding->file);
    if (line_at_file)
        text_print(out, ":%d", finding->line);
    if (finding->file != NULL)
        text_add(out, ": ");
    if (finding->row > 0)
        text_print(out, "row %d: ", finding->row);
    add_part(out, "", finding->path);
    if (finding->path != NULL)
        text_add(out, ": ");
    else if (finding->line > 0 && !line_at_file)
        text_print(out, "line %d column %d: ", finding->line, finding->column);
    add_part(out, "found ", finding->found == NULL ? "" : finding->found);
    add_part(out, "; expected ", finding->expected);
    add_part(out, "; did you mean ", finding->nearest);
    text_add(out, "\n");
}

static void member_text(struct text *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    text_print(out, "%s\"%s\":", text_ends(out->at, "{") ? "" : ",", name);
    text_add_json(out, value);
}

static void member_number(struct text *out, const char *name, int value)
{
    if (value > 0)
        text_print(out, "%s\"%s\":%d", text_ends(out->at, "{") ? "" : ",", name, value);
}

void finding_print_json(const struct finding *finding, struct text *out)
{
    text_add(out, "{");
    member_text(out, "file", finding->file);
    member_number(out, "row", finding->row);
    member_text(out, "path", finding->path);
    member_number(out, "line", finding->line);
    member_number(out, "column", finding->column);
    member_text(out, "found", finding->found);
    member_text(out, "expected", finding->expected);
    member_text(out, "nearest", finding->nearest);
    text_add(out, "}\n");
}
