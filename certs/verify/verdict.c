/* verdict: verdict.def as tables, by number. See verdict.h. Called wherever a verdict becomes a
 * name for the log, an alert for the peer or a sentence for a person. Constant; any thread. */
#include "certs/verify/verdict.h"

static const struct {
    const char *name;
    enum verdict_kind kind;
    const char *alert;
    const char *sentence;
} rows[VERDICT_COUNT] = {
#define VERDICT(name, kind, alert, sentence) {#name, VERDICT_KIND_##kind, #alert, sentence},
#include "certs/verify/verdict.def"
#undef VERDICT
};

const char *verdict_name(enum verdict verdict)
{
    return rows[verdict].name;
}

enum verdict_kind verdict_kind(enum verdict verdict)
{
    return rows[verdict].kind;
}

const char *verdict_alert(enum verdict verdict)
{
    return rows[verdict].alert;
}

const char *verdict_sentence(enum verdict verdict)
{
    return rows[verdict].sentence;
}
