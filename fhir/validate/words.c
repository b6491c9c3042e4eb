/* words: the invariants that a clinic meets, said for people. See validate/words.h. */
#include "fhir/validate/words.h"

#include <stdlib.h>
#include <string.h>

struct row {
    const char *key, *words;
};

static const struct row rows[] = {
    /* sorted by key */
    {"age-1", "a unit code of UCUM, and a value above 0"},
    {"ait-1", "a clinicalStatus, unless the verificationStatus is entered-in-error"},
    {"ait-2", "no clinicalStatus when the verificationStatus is entered-in-error"},
    {"app-1", "a type or an actor for every participant"},
    {"app-2", "both start and end, or neither"},
    {"app-3", "start and end, unless proposed, cancelled or on the waitlist"},
    {"app-4", "a cancellation reason only when cancelled or no-show"},
    {"att-1", "a contentType beside the data"},
    {"bdl-1", "a total only in a searchset or history"},
    {"bdl-10", "a timestamp in a document"},
    {"bdl-11", "a Composition as first resource of a document"},
    {"bdl-12", "a MessageHeader as first resource of a message"},
    {"bdl-2", "entry.search only in a searchset"},
    {"bdl-3", "entry.request in every entry of a batch, transaction or history, and nowhere else"},
    {"bdl-4", "entry.response in every entry of a response or history, and nowhere else"},
    {"bdl-5", "a resource, a request or a response in every entry"},
    {"bdl-7", "each fullUrl once (or with another versionId)"},
    {"bdl-8", "a fullUrl without version"},
    {"bdl-9", "an identifier with system and value in a document"},
    {"cmp-1", "text, an entry or a section in every section"},
    {"cmp-2", "an emptyReason only in a section without entries"},
    {"cnt-3", "a whole number without another unit than 1"},
    {"con-1", "a summary or an assessment in every stage"},
    {"con-2", "a code or a detail in every evidence"},
    {"con-3", "a clinicalStatus for a problem-list item"},
    {"con-4", "a clinicalStatus of resolved, remission or inactive when abated"},
    {"con-5", "no clinicalStatus when the verificationStatus is entered-in-error"},
    {"cpl-3", "either a detail or a reference, not both"},
    {"cpt-2", "a system beside the value"},
    {"ctm-1", "onBehalfOf only for a practitioner"},
    {"dis-1", "a unit code of UCUM"},
    {"dom-6", "a narrative that people can read"},
    {"drt-1", "a unit code of UCUM with a value"},
    {"ext-1", "either a value or extensions inside, not both and not neither"},
    {"inv-1", "a value that fits the rest (see the definition of the resource)"},
    {"ipn-1", "an identifier or a name"},
    {"lst-1", "an emptyReason only when there are no entries"},
    {"lst-2", "deleted entries only in a list of changes"},
    {"lst-3", "entry dates only in a working list"},
    {"mad-1", "a dose or a rate"},
    {"mdd-1", "a hand-over that is not before the preparation"},
    {"obs-3", "a low, a high or a text in every reference range"},
    {"obs-6", "a dataAbsentReason only when there is no value"},
    {"obs-7", "no value beside a component of the same code"},
    {"org-1", "an identifier or a name"},
    {"org-2", "no home address of an organization"},
    {"org-3", "no home telephone of an organization"},
    {"pat-1", "a name, telecom, address or organization for every contact"},
    {"per-1", "a start that is not after the end"},
    {"ppc-1", "a policy or a policyRule"},
    {"ppc-2", "a patient"},
    {"ppc-3", "a patient"},
    {"ppc-4", "a patient"},
    {"ppc-5", "a patient"},
    {"prr-1", "a code wherever there is an orderDetail"},
    {"qrs-1", "either an answer or nested items, not both"},
    {"qty-3", "a system beside the code"},
    {"rat-1", "both numerator and denominator, or neither and an extension"},
    {"rng-2", "a low that is not above the high"},
    {"sev-1", "either a name or a query, not both"},
    {"sqty-1", "no comparator"},
    {"tim-1", "a durationUnit beside the duration"},
    {"tim-10", "either timeOfDay or when, not both"},
    {"tim-2", "a periodUnit beside the period"},
    {"tim-4", "a duration of 0 or more"},
    {"tim-5", "a period of 0 or more"},
    {"tim-6", "a period beside periodMax"},
    {"tim-7", "a duration beside durationMax"},
    {"tim-8", "a count beside countMax"},
    {"tim-9", "an offset only beside a when that is no meal"},
};

static int by_key(const void *key, const void *member)
{
    return strcmp(key, ((const struct row *)member)->key);
}

const char *validation_rule_words(const char *key)
{
    const struct row *row = bsearch(key, rows, sizeof rows / sizeof *rows, sizeof *rows, by_key);
    return row == NULL ? NULL : row->words;
}
