/* intake: one text of records into the outward chain. The drop folder is in intake/drop_folder.c.
 */
#include "gateway/intake/intake.h"

#include <string.h>

#include "gateway/exchange/attachment.h"
#include "gateway/intake/local_times.h"
#include "gateway/runtime/log.h"

struct taking { /* a unit of the writer: one record */
    struct unit unit;
    const struct office *office;
    const struct record *record;
    const struct json *attachments;
    bool has_files; /* all that it attaches; else it is refused, and all of its faults are told */
    int64_t now_ms;
    struct finding_list *findings;
    struct flow_report report;
};

static bool take(struct unit *unit, struct store *store)
{
    struct taking *taking = (struct taking *)unit;
    struct flow flow = {taking->office->setup, store, unit->arena, taking->now_ms,
                        taking->office->validator};
    if (!taking->has_files) {
        flow_check(&flow, taking->record, taking->findings);
        return false;
    }
    taking->report = flow_send(&flow, taking->record, taking->attachments, taking->findings);
    return taking->report.answer != FLOW_REFUSED;
}

static void report_one(struct intake_report *report, struct arena *arena,
                       const struct record *record, const struct flow_report *said)
{
    report->items =
        arena_room(arena, report->items, sizeof *report->items, report->count, &report->room, 16);
    report->items[report->count++] =
        (struct intake_record){.kind = json_get_text(record->tree, "record"),
                               .number = json_get_text(record->tree, "record_id"),
                               .row = record->row,
                               .report = *said};
    report->refused += said->answer == FLOW_REFUSED;
}

/* Missing attachments are said first, then everything else that is wrong. */
static void take_record(const struct office *office, struct arena *arena,
                        const struct record *record, struct attachment_folder *folder,
                        int64_t now_ms, struct intake_report *report, struct finding_list *findings)
{
    struct taking taking = {.unit.run = take,
                            .unit.arena = arena,
                            .office = office,
                            .record = record,
                            .now_ms = now_ms,
                            .findings = findings};
    struct json *attachments = NULL;
    if (!writer_is_open(office->writer)) {
        report->fault.kind = FAULT_store_full;
        return;
    }
    findings->file = record->file;
    findings->row = record->row;
    taking.has_files =
        attachment_load(arena, record->tree, folder, office->setup->config.attachments_max_bytes,
                        findings, &attachments);
    if (folder->has_changed)
        return;
    taking.attachments = attachments;
    taking.report.answer = FLOW_REFUSED;
    if (!writer_call(office->writer, &taking.unit) && taking.unit.fault.kind != FAULT_none)
        report->fault = taking.unit.fault;
    report_one(report, arena, record, &taking.report);
}

void intake_check(const struct office *office, struct arena *arena, const char *name,
                  const char *text, size_t length, int64_t now_ms, struct finding_list *findings)
{
    struct record_list records = {NULL, 0, 0};
    record_read(arena, record_format_of(name), text, length, name, &records, findings);
    local_times_complete(office->setup, arena, &records);
    for (size_t i = 0; i < records.count; i++) {
        struct taking taking = {.unit.run = take,
                                .unit.arena = arena,
                                .office = office,
                                .record = &records.items[i],
                                .now_ms = now_ms,
                                .findings = findings};
        writer_call(office->writer, &taking.unit);
    }
    findings->file = NULL;
    findings->row = 0;
}

struct intake_report intake_take(const struct office *office, struct arena *arena, const char *name,
                                 const char *text, size_t length, struct attachment_folder *folder,
                                 int64_t now_ms, struct finding_list *findings)
{
    struct intake_report report = {.count = 0};
    struct record_list records = {NULL, 0, 0};
    size_t before = findings->count;
    record_read(arena, record_format_of(name), text, length, name, &records, findings);
    local_times_complete(office->setup, arena, &records);
    if (findings->count > before && records.count == 0)
        report.refused = 1;
    else if (findings->count > before)
        report.refused += findings->count - before;
    for (size_t i = 0; i < records.count && report.fault.kind == FAULT_none && !folder->has_changed;
         i++)
        take_record(office, arena, &records.items[i], folder, now_ms, &report, findings);
    findings->file = NULL;
    findings->row = 0;
    return report;
}
