/* compare: see compare.h. The quick ways come first: the same node, two plain texts. */
#include "fhir/fhirpath/compare.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/quantity.h"

/* ---- whole nodes ---- */

static bool same_number(const char *one, const char *other)
{
    struct decimal left;
    struct decimal right;
    if (strcmp(one, other) == 0)
        return true;
    return decimal_parse(one, strlen(one), &left) && decimal_parse(other, strlen(other), &right) &&
           decimal_compare(left, right) == 0;
}

/* Long texts that begin alike are charged for. */
static bool same_text(struct machine *machine, const struct step *step, const char *one,
                      const char *other, bool *ret_same)
{
    enum { FREE_BYTES = 256 };
    *ret_same = one == other;
    if (one == other)
        return true;
    int order = strncmp(one, other, FREE_BYTES);
    *ret_same = order == 0;
    if (order != 0 || strnlen(one, FREE_BYTES) < FREE_BYTES)
        return true;
    *ret_same = strcmp(one, other) == 0;
    return machine_spend_text(machine, step, one);
}

/* Letters without their case, runs of white space as one. Non-ASCII letters compare as they are. */
static bool equivalent_texts(const char *one, const char *other)
{
    static const char space[] = " \t\r\n";
    for (;;) {
        bool one_space = *one != '\0' && strchr(space, *one) != NULL;
        bool other_space = *other != '\0' && strchr(space, *other) != NULL;
        if (one_space != other_space)
            return false;
        if (one_space) {
            one += strspn(one, space);
            other += strspn(other, space);
            continue;
        }
        if (strncasecmp(one, other, 1) != 0)
            return false;
        if (*one == '\0')
            return true;
        one++;
        other++;
    }
}

struct pairing {
    struct machine *machine;
    const struct step *step;
    bool is_loose; /* equivalence: lists in any order, texts without case */
};

static bool same_nodes(const struct pairing *pairing, const struct json *one,
                       const struct json *other);

static bool same_members(const struct pairing *pairing, const struct json *one,
                         const struct json *other)
{
    size_t count = json_count(other);
    if (json_count(one) != count ||
        !machine_spend(pairing->machine, pairing->step, count * count / 8))
        return false;
    for (const struct json *member = json_first(one); member != NULL; member = json_next(member)) {
        const struct json *match = json_get(other, json_key(member));
        if (match == NULL || !same_nodes(pairing, member, match))
            return false;
    }
    return true;
}

static bool has_item(const struct pairing *pairing, const struct json *list,
                     const struct json *wanted)
{
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        if (same_nodes(pairing, item, wanted))
            return true;
    }
    return false;
}

static bool same_items(const struct pairing *pairing, const struct json *one,
                       const struct json *other)
{
    const struct json *left = json_first(one);
    const struct json *right = json_first(other);
    if (json_count(one) != json_count(other))
        return false;
    for (; left != NULL; left = json_next(left), right = json_next(right)) {
        if (pairing->is_loose ? !has_item(pairing, other, left) || !has_item(pairing, one, right)
                              : !same_nodes(pairing, left, right))
            return false;
    }
    return true;
}

/* Depth is bounded by JSON_DEPTH_MAX, work by the machine's steps. */
static bool same_nodes(const struct pairing *pairing, const struct json *one,
                       const struct json *other)
{
    enum json_kind kind = json_kind(one);
    if (one == other)
        return true;
    if (kind != json_kind(other) || !machine_spend(pairing->machine, pairing->step, 1))
        return false;
    switch (kind) {
    case JSON_OBJECT:
        return same_members(pairing, one, other);
    case JSON_LIST:
        return same_items(pairing, one, other);
    case JSON_TEXT:
        return machine_spend_text(pairing->machine, pairing->step, json_text(one)) &&
               (pairing->is_loose ? equivalent_texts(json_text(one), json_text(other))
                                  : strcmp(json_text(one), json_text(other)) == 0);
    case JSON_NUMBER:
        return machine_spend_text(pairing->machine, pairing->step, json_number(one)) &&
               same_number(json_number(one), json_number(other));
    case JSON_BOOLEAN:
        return json_true(one) == json_true(other);
    default:
        return true;
    }
}

static bool compare_nodes(struct machine *machine, const struct step *step, struct value one,
                          struct value other, bool is_loose, enum truth *ret_truth)
{
    struct pairing pairing = {machine, step, is_loose};
    bool same = one.kind == VALUE_NODE && other.kind == VALUE_NODE &&
                same_nodes(&pairing, one.node, other.node) &&
                (one.node != NULL || same_nodes(&pairing, one.companion, other.companion));
    *ret_truth = truth_of(same);
    return machine->fault.kind == FHIRPATH_FAULT_NONE;
}

/* ---- System values ---- */

static bool is_number(struct value value)
{
    return value.kind == VALUE_INTEGER || value.kind == VALUE_DECIMAL;
}

static struct decimal number_of(struct value value)
{
    return value.kind == VALUE_DECIMAL ? *value.decimal : decimal_of(value.whole);
}

static bool is_date(struct value value)
{
    return value.kind == VALUE_DATE || value.kind == VALUE_DATETIME;
}

static bool are_moments(struct value one, struct value other)
{
    return (is_date(one) && is_date(other)) || (one.kind == VALUE_TIME && other.kind == VALUE_TIME);
}

static bool are_quantities(struct value one, struct value other)
{
    return (one.kind == VALUE_QUANTITY && (other.kind == VALUE_QUANTITY || is_number(other))) ||
           (other.kind == VALUE_QUANTITY && is_number(one));
}

static struct quantity quantity_of(struct value value)
{
    return value.kind == VALUE_QUANTITY ? *value.quantity
                                        : (struct quantity){.value = number_of(value), .unit = "1"};
}

/* Units that are not written alike must be understood first. */
static bool spend_units(struct machine *machine, const struct step *step, struct value one,
                        struct value other)
{
    if (!are_quantities(one, other))
        return true;
    struct quantity left = quantity_of(one);
    struct quantity right = quantity_of(other);
    return strcmp(left.unit, right.unit) == 0 ||
           machine_spend(machine, step, 20 * (strlen(left.unit) + strlen(right.unit)));
}

static enum truth equal_quantities(struct value one, struct value other)
{
    struct quantity left = quantity_of(one);
    struct quantity right = quantity_of(other);
    int order;
    return quantity_compare(&left, &right, &order) ? truth_of(order == 0) : TRUTH_UNKNOWN;
}

static enum truth equal_moments(struct value one, struct value other)
{
    enum moment_order order = moment_compare(one.moment, other.moment);
    return order == MOMENT_UNKNOWN ? TRUTH_UNKNOWN : truth_of(order == MOMENT_SAME);
}

static enum truth equal_system(struct value one, struct value other)
{
    if (is_number(one) && is_number(other))
        return truth_of(one.kind == VALUE_INTEGER && other.kind == VALUE_INTEGER
                            ? one.whole == other.whole
                            : decimal_compare(number_of(one), number_of(other)) == 0);
    if (are_moments(one, other))
        return equal_moments(one, other);
    if (are_quantities(one, other))
        return equal_quantities(one, other);
    if (one.kind != other.kind)
        return TRUTH_NO;
    if (one.kind == VALUE_BOOLEAN)
        return truth_of(one.whole == other.whole);
    if (one.kind == VALUE_TEXT || one.kind == VALUE_TYPE_NAME)
        return truth_of(strcmp(one.text, other.text) == 0);
    return truth_of(one.kind == VALUE_STUB && one.type == other.type);
}

/* A FHIR date beside a string that is no date literal: the same characters are the same. */
static bool same_written(struct value one, struct value other)
{
    const char *left = one.kind == VALUE_NODE ? json_text(one.node) : NULL;
    const char *right = other.kind == VALUE_NODE ? json_text(other.node) : NULL;
    if (left == NULL && one.kind == VALUE_TEXT)
        left = one.text;
    if (right == NULL && other.kind == VALUE_TEXT)
        right = other.text;
    return left != NULL && right != NULL && strcmp(left, right) == 0;
}

bool compare_equal(struct machine *machine, const struct step *step, struct value one,
                   struct value other, enum truth *ret_truth)
{
    const char *left_text = convert_plain_text(one);
    const char *right_text = left_text == NULL ? NULL : convert_plain_text(other);
    struct value left;
    struct value right;
    if (right_text != NULL) {
        bool same;
        bool done = same_text(machine, step, left_text, right_text, &same);
        *ret_truth = truth_of(same);
        return done;
    }
    if (!convert_system(machine, step, one, &left) || !convert_system(machine, step, other, &right))
        return false;
    bool both_nodes = left.kind == VALUE_NODE || right.kind == VALUE_NODE;
    if (both_nodes || left.kind == VALUE_NONE || right.kind == VALUE_NONE)
        return compare_nodes(machine, step, one, other, false, ret_truth);
    if (!spend_units(machine, step, left, right))
        return false;
    *ret_truth = equal_system(left, right);
    if (*ret_truth == TRUTH_NO && left.kind != right.kind && same_written(one, other))
        *ret_truth = TRUTH_YES;
    return true;
}

static bool equivalent_numbers(struct decimal one, struct decimal other)
{
    one = decimal_stripped(one);
    other = decimal_stripped(other);
    int scale = one.scale < other.scale ? one.scale : other.scale;
    return decimal_compare(decimal_rounded(one, scale), decimal_rounded(other, scale)) == 0;
}

static bool equivalent_system(struct value one, struct value other)
{
    if (is_number(one) && is_number(other))
        return equivalent_numbers(number_of(one), number_of(other));
    if (are_moments(one, other))
        return moment_equivalent(one.moment, other.moment);
    if (are_quantities(one, other)) {
        struct quantity left = quantity_of(one);
        struct quantity right = quantity_of(other);
        return quantity_equivalent(&left, &right);
    }
    if (one.kind == VALUE_TEXT && other.kind == VALUE_TEXT)
        return equivalent_texts(one.text, other.text);
    return equal_system(one, other) == TRUTH_YES;
}

static bool are_equivalent(struct machine *machine, const struct step *step, struct value one,
                           struct value other, enum truth *ret_truth)
{
    struct value left;
    struct value right;
    if (!convert_system(machine, step, one, &left) || !convert_system(machine, step, other, &right))
        return false;
    bool both_nodes = left.kind == VALUE_NODE || right.kind == VALUE_NODE;
    if (both_nodes || left.kind == VALUE_NONE || right.kind == VALUE_NONE)
        return compare_nodes(machine, step, one, other, true, ret_truth);
    if ((left.kind == VALUE_TEXT && !machine_spend_text(machine, step, left.text)) ||
        !spend_units(machine, step, left, right))
        return false;
    *ret_truth = truth_of(equivalent_system(left, right));
    return true;
}

/* ---- collections ---- */

bool compare_equal_slices(struct machine *machine, const struct step *step, struct slice one,
                          struct slice other, enum truth *ret_truth)
{
    enum truth all = TRUTH_YES;
    if (slice_count(one) != slice_count(other)) {
        *ret_truth = TRUTH_NO;
        return true;
    }
    for (size_t i = 0; i < slice_count(one); i++) {
        enum truth truth;
        if (!compare_equal(machine, step, machine->stack[one.from + i],
                           machine->stack[other.from + i], &truth))
            return false;
        if (truth == TRUTH_NO) {
            all = TRUTH_NO;
            break;
        }
        if (truth == TRUTH_UNKNOWN)
            all = TRUTH_UNKNOWN;
    }
    *ret_truth = all;
    return machine_spend(machine, step, slice_count(one));
}

/* Every value of ONE has its own partner in OTHER. */
bool compare_equivalent_slices(struct machine *machine, const struct step *step, struct slice one,
                               struct slice other, enum truth *ret_truth)
{
    size_t count = slice_count(one);
    *ret_truth = truth_of(count == slice_count(other));
    if (*ret_truth == TRUTH_NO)
        return true;
    for (size_t i = 0; i < count; i++) {
        enum truth truth = TRUTH_NO;
        for (size_t j = i; j < count && truth != TRUTH_YES; j++) {
            struct value *partner = &machine->stack[other.from + j];
            if (!machine_spend(machine, step, 1) ||
                !are_equivalent(machine, step, machine->stack[one.from + i], *partner, &truth))
                return false;
            if (truth != TRUTH_YES)
                continue;
            struct value found = *partner; /* out of the way of the next ones */
            *partner = machine->stack[other.from + i];
            machine->stack[other.from + i] = found;
        }
        if (truth != TRUTH_YES) {
            *ret_truth = TRUTH_NO;
            return true;
        }
    }
    return true;
}

/* ---- order ---- */

static bool fail_order(struct machine *machine, const struct step *step, struct value one,
                       struct value other)
{
    return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                        "%s beside %s; expected two numbers, strings, dates, times or quantities",
                        convert_kind_words(one), convert_kind_words(other));
}

static int sign(int order)
{
    return order < 0 ? -1 : order > 0;
}

static bool order_system(struct value one, struct value other, bool *ret_known, int *ret_order)
{
    *ret_known = true;
    if (is_number(one) && is_number(other)) {
        *ret_order = decimal_compare(number_of(one), number_of(other));
    } else if (one.kind == VALUE_TEXT && other.kind == VALUE_TEXT) {
        *ret_order = sign(strcmp(one.text, other.text));
    } else if (are_moments(one, other)) {
        enum moment_order order = moment_compare(one.moment, other.moment);
        *ret_known = order != MOMENT_UNKNOWN;
        *ret_order = order == MOMENT_BEFORE ? -1 : order == MOMENT_AFTER;
    } else if (are_quantities(one, other)) {
        struct quantity left = quantity_of(one);
        struct quantity right = quantity_of(other);
        *ret_known = quantity_compare(&left, &right, ret_order);
    } else {
        return false;
    }
    return true;
}

bool compare_order(struct machine *machine, const struct step *step, struct value one,
                   struct value other, bool *ret_known, int *ret_order)
{
    struct value left;
    struct value right;
    if (!convert_system(machine, step, one, &left) || !convert_system(machine, step, other, &right))
        return false;
    if (left.kind == VALUE_NONE || right.kind == VALUE_NONE) {
        *ret_known = false;
        return true;
    }
    return order_system(left, right, ret_known, ret_order) || fail_order(machine, step, one, other);
}
