/* answer_files: writes partners' answers into records/in, page by page. See answer_files.h.
 * Blocking: on a pool thread. */
#include "gateway/export/answer_files.h"

#include <errno.h>
#include <string.h>

#include "fhir/codes/reason.h"
#include "gateway/export/export.h"
#include "gateway/outbound/outbox.h"
#include "gateway/referral/track.h"
#include "gateway/runtime/file.h"
#include "gateway/runtime/log.h"
#include "gateway/store/store.h"

/* ---- one file: records/in/FROM--answer--REFERRAL--SEQ.json ---- */

/* Two clinics may use the same number: one that is not ours stands with the clinic that gave it, as
 * records write it (lakeside:R-1). */
static const char *number_of(const struct office *office, struct arena *arena,
                             const struct store_answer *answer,
                             const struct store_referral *referral)
{
    bool is_ours = text_equal(referral->placer, office->setup->config.org);
    return arena_print(arena, "%s%s%s--%lld", is_ours ? "" : referral->placer, is_ours ? "" : ":",
                       referral->number, (long long)answer->seq);
}

static struct json *object_of(struct arena *arena, const struct store_answer *answer,
                              const struct store_referral *referral)
{
    struct json *object = json_new_object(arena);
    json_set_text(arena, object, "record", "answer");
    json_set_text(arena, object, "placer", referral->placer);
    json_set_text(arena, object, "referral_id", referral->number);
    json_set_text(arena, object, "move", answer->move);
    json_set_text(arena, object, "at", clock_text(arena, answer->at_ms));
    json_set_text(arena, object, "by", answer->by);
    json_set_text(arena, object, "code", answer->code);
    json_set_text(arena, object, "reason", answer->reason);
    if (text_equal(answer->move, OUTBOX_RETURN))
        return object;
    json_set(arena, object, "visits_done", json_new_whole(arena, (long)answer->visits_done));
    json_set(arena, object, "visits_total", json_new_whole(arena, (long)answer->visits_total));
    return object;
}

static bool write_answer(const struct office *office, struct arena *arena,
                         const struct store_answer *answer, const struct store_referral *referral)
{
    const char *name =
        export_name(arena, answer->clinic, "answer", number_of(office, arena, answer, referral));
    const char *path = setup_path(office->setup, arena, arena_print(arena, "records/in/%s", name));
    const char *text =
        arena_print(arena, "%s\n", json_print_pretty(arena, object_of(arena, answer, referral)));
    return file_replace(path, text, strlen(text), 0600);
}

/* The words given with "other" may name the client: they stand in the file only. */
static struct alarm_text news_of(struct arena *arena, const struct store_answer *answer,
                                 const struct store_referral *referral)
{
    const struct track_move *move = track_find(answer->move);
    if (text_equal(answer->move, OUTBOX_RETURN))
        return (struct alarm_text){
            .kind = ALARM_RETURNED,
            .partner = referral->partner,
            .referral = referral->number,
            .move = answer->move,
            .sentence = arena_print(arena,
                                    "%s of referral %s was given back by %s: it seems to be about "
                                    "another client; see refgate queue list",
                                    answer->reason, referral->number, answer->clinic)};
    const char *reason = answer->code == NULL ? NULL : reason_sentence(arena, answer->code, NULL);
    return (struct alarm_text){
        .kind = ALARM_ANSWER,
        .partner = referral->partner,
        .referral = referral->number,
        .move = answer->move,
        .sentence = arena_print(arena, "referral %s: %s by %s%s%s", referral->number,
                                move == NULL ? answer->move : move->sentence, answer->clinic,
                                reason == NULL ? "" : ": ", reason == NULL ? "" : reason)};
}

/* ---- a page, noted in one unit ---- */

struct marking {
    struct unit unit;
    const int64_t *answers;
    size_t count;
};

static bool mark(struct unit *unit, struct store *store)
{
    const struct marking *marking = (const struct marking *)unit;
    for (size_t i = 0; i < marking->count; i++)
        store_set_answer_exported(store, marking->answers[i]);
    return true;
}

/* How many of those behind *AFTER were written; *AFTER then: the last that was tried, 0 when there
 * is no more. */
static size_t write_page(const struct office *office, struct arena *arena, struct store *reader,
                         int64_t *after, struct alarm_texts *news)
{
    struct store_answer *answers;
    struct store_referral referral;
    size_t written = 0;
    size_t count = store_unexported_answers(reader, arena, *after, &answers);
    int64_t *rows = arena_array(arena, count, sizeof *rows);
    int failed = 0;
    *after = count == STORE_ANSWERS_PAGE ? answers[count - 1].id : 0;
    size_t known = news->count;
    for (size_t i = 0; i < count; i++) { /* one that cannot be written does not stop the others */
        errno = 0;
        if (!store_get_referral(reader, arena, answers[i].referral, &referral) ||
            !write_answer(office, arena, &answers[i], &referral)) {
            failed = errno == 0 ? EIO : errno;
            continue;
        }
        const struct alarm_text text = news_of(news->arena, &answers[i], &referral);
        alarm_add(news, &text);
        rows[written++] = answers[i].id;
    }
    if (failed != 0)
        log_event(LOG_LEVEL_ERROR, "records-in", "what", "answers cannot be written", "why",
                  strerror(failed), NULL);
    struct marking marking = {
        .unit = {.run = mark, .arena = arena}, .answers = rows, .count = written};
    if (written > 0 && writer_call(office->writer, &marking.unit))
        return written;
    news->count = known; /* told when it is noted */
    return 0;
}

size_t answer_files_sweep(const struct office *office, struct alarm_texts *news)
{
    struct store *reader;
    struct fault fault;
    struct arena *arena = news->arena; /* the news name what the rows hold */
    if (!office_reader(office, arena, &reader, &fault))
        return 0;
    size_t written = 0;
    int64_t after = 0;
    do { /* a page that cannot be written at all hides none behind it */
        written = write_page(office, arena, reader, &after, news);
    } while (written == 0 && after != 0);
    store_close(reader);
    return written;
}
