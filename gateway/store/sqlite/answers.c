/* answers: what partners said about referrals, in the embedded store. */
#include "gateway/store/answers.h"
#include "gateway/store/sqlite/sqlite.h"

#define ANSWER(member, type) COLUMN(struct store_answer, member, type)
static const struct column answer_columns[] = {
    ANSWER(id, COLUMN_WHOLE),          ANSWER(referral, COLUMN_WHOLE),
    ANSWER(seq, COLUMN_WHOLE),         ANSWER(clinic, COLUMN_TEXT),
    ANSWER(move, COLUMN_TEXT),         ANSWER(by, COLUMN_TEXT),
    ANSWER(code, COLUMN_TEXT),         ANSWER(reason, COLUMN_TEXT),
    ANSWER(visits_done, COLUMN_WHOLE), ANSWER(visits_total, COLUMN_WHOLE),
    ANSWER(at_ms, COLUMN_WHOLE),
};
static const struct table answers = TABLE("answer", store_answer, answer_columns);

/* The number is taken where the row is added: the journal replays it to the same one. */
void store_add_answer(struct store *store, const struct store_answer *answer)
{
    sqlite_run(store,
               "INSERT INTO answer (referral, seq, clinic, move, by, code, reason, visits_done, "
               "visits_total, at_ms) SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, "
               "?8, ?9 FROM answer WHERE referral=?1",
               "itttttiii", answer->referral, answer->clinic, answer->move, answer->by,
               answer->code, answer->reason, answer->visits_done, answer->visits_total,
               answer->at_ms);
}

size_t store_unexported_answers(struct store *store, struct arena *arena, int64_t after,
                                struct store_answer **ret_answers)
{
    return sqlite_select(store, arena, &answers, ret_answers,
                         "WHERE exported=0 AND id>? ORDER BY id LIMIT ?", "ii", after,
                         (int64_t)STORE_ANSWERS_PAGE);
}

void store_set_answer_exported(struct store *store, int64_t answer)
{
    sqlite_run(store, "UPDATE answer SET exported=1 WHERE id=?", "i", answer);
}
