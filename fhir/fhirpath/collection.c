/* collection: functions on whole collections (FHIRPath N1 2.0 sections 5.1, 5.3, 5.4, 5.8). */
#include <string.h>

#include "fhir/fhirpath/compare.h"
#include "fhir/fhirpath/convert.h"
#include "fhir/fhirpath/function.h"
#include "fhir/fhirpath/navigate.h"

/* Runs input and first argument; the slices lie one behind the other. */
static bool both(struct machine *machine, const struct step *step, struct slice *ret_input,
                 struct slice *ret_other)
{
    return machine_input(machine, step, ret_input) && machine_argument(machine, step, 0, ret_other);
}

/* ---- existence ---- */

bool call_empty(struct machine *machine, const struct step *step)
{
    struct slice slice;
    return machine_input(machine, step, &slice) &&
           machine_give(machine, step, slice.from, value_boolean(slice_count(slice) == 0));
}

bool call_count(struct machine *machine, const struct step *step)
{
    struct slice slice;
    return machine_input(machine, step, &slice) &&
           machine_give(machine, step, slice.from, value_integer((long long)slice_count(slice)));
}

bool call_not(struct machine *machine, const struct step *step)
{
    struct slice slice;
    enum truth truth;
    if (!machine_input(machine, step, &slice) || !machine_truth(machine, step, slice, &truth))
        return false;
    if (truth != TRUTH_UNKNOWN)
        truth = truth_of(truth == TRUTH_NO);
    return machine_give_truth(machine, step, slice.from, truth);
}

/* Whether all, or any, of the input are WANTED. */
static bool test_all(struct machine *machine, const struct step *step, bool wanted, bool any)
{
    struct slice slice;
    bool result = !any;
    if (!machine_input(machine, step, &slice))
        return false;
    for (size_t i = slice.from; i < slice.to; i++) {
        struct value value = machine->stack[i];
        if (convert_primitive(value) == PRIMITIVE_BOOLEAN)
            value = convert_boolean(value);
        if (value.kind != VALUE_BOOLEAN)
            return machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                                "%s for %s(); expected booleans", convert_kind_words(value),
                                step->name);
        bool is_wanted = (value.whole != 0) == wanted;
        result = any ? result || is_wanted : result && is_wanted;
    }
    return machine_give(machine, step, slice.from, value_boolean(result));
}

bool call_all_true(struct machine *machine, const struct step *step)
{
    return test_all(machine, step, true, false);
}

bool call_all_false(struct machine *machine, const struct step *step)
{
    return test_all(machine, step, false, false);
}

bool call_any_true(struct machine *machine, const struct step *step)
{
    return test_all(machine, step, true, true);
}

bool call_any_false(struct machine *machine, const struct step *step)
{
    return test_all(machine, step, false, true);
}

/* Every value of PART is in WHOLE. */
static bool give_is_part(struct machine *machine, const struct step *step, struct slice part,
                         struct slice whole, size_t from)
{
    bool found = true;
    for (size_t i = part.from; i < part.to && found; i++) {
        if (!compare_contains(machine, step, whole, machine->stack[i], &found))
            return false;
    }
    return machine_give(machine, step, from, value_boolean(found));
}

bool call_subset_of(struct machine *machine, const struct step *step)
{
    struct slice input;
    struct slice other;
    return both(machine, step, &input, &other) &&
           give_is_part(machine, step, input, other, input.from);
}

bool call_superset_of(struct machine *machine, const struct step *step)
{
    struct slice input;
    struct slice other;
    return both(machine, step, &input, &other) &&
           give_is_part(machine, step, other, input, input.from);
}

/* ---- sets ---- */

bool call_distinct(struct machine *machine, const struct step *step)
{
    struct slice slice;
    return machine_input(machine, step, &slice) &&
           compare_unite(machine, step, slice, &machine->top);
}

bool call_is_distinct(struct machine *machine, const struct step *step)
{
    struct slice slice;
    size_t to;
    return machine_input(machine, step, &slice) && compare_unite(machine, step, slice, &to) &&
           machine_give(machine, step, slice.from, value_boolean(to == slice.to));
}

bool call_union(struct machine *machine, const struct step *step)
{
    struct slice input;
    struct slice other;
    return both(machine, step, &input, &other) &&
           compare_unite(machine, step, (struct slice){input.from, other.to}, &machine->top);
}

bool call_combine(struct machine *machine, const struct step *step)
{
    struct slice input;
    struct slice other;
    return both(machine, step, &input, &other);
}

/* Leaves the values of INPUT that are in OTHER, or that are not. */
static bool keep(struct machine *machine, const struct step *step, struct slice input,
                 struct slice other, bool common)
{
    size_t kept = input.from;
    for (size_t i = input.from; i < input.to; i++) {
        bool found;
        struct value value = machine->stack[i];
        if (!compare_contains(machine, step, other, value, &found))
            return false;
        if (found == common)
            machine->stack[kept++] = value;
    }
    machine->top = kept;
    return true;
}

bool call_intersect(struct machine *machine, const struct step *step)
{
    struct slice input;
    struct slice other;
    return both(machine, step, &input, &other) && keep(machine, step, input, other, true) &&
           compare_unite(machine, step, (struct slice){input.from, machine->top}, &machine->top);
}

bool call_exclude(struct machine *machine, const struct step *step)
{
    struct slice input;
    struct slice other;
    return both(machine, step, &input, &other) && keep(machine, step, input, other, false);
}

/* ---- parts ---- */

/* Leaves the values from FIRST up to LAST of the input, as far as there are any. */
static bool give_range(struct machine *machine, struct slice slice, long long first, long long last)
{
    long long count = (long long)slice_count(slice);
    first = first < 0 ? 0 : first > count ? count : first;
    last = last > count ? count : last < first ? first : last;
    return machine_give_part(machine, slice.from,
                             (struct slice){slice.from + (size_t)first, slice.from + (size_t)last});
}

bool call_single(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    return slice_count(slice) <= 1 ||
           machine_fail(machine, step, FHIRPATH_FAULT_EXECUTION,
                        "%zu items for single(); expected one or none", slice_count(slice));
}

bool call_first(struct machine *machine, const struct step *step)
{
    struct slice slice;
    return machine_input(machine, step, &slice) && give_range(machine, slice, 0, 1);
}

bool call_last(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    long long count = (long long)slice_count(slice);
    return give_range(machine, slice, count - 1, count);
}

bool call_tail(struct machine *machine, const struct step *step)
{
    struct slice slice;
    return machine_input(machine, step, &slice) &&
           give_range(machine, slice, 1, (long long)slice_count(slice));
}

bool call_skip(struct machine *machine, const struct step *step)
{
    struct slice slice;
    bool known;
    long long number;
    if (!machine_input(machine, step, &slice) ||
        !machine_whole_argument(machine, step, 0, &known, &number))
        return false;
    return give_range(machine, slice, known ? number : 0, (long long)slice_count(slice));
}

bool call_take(struct machine *machine, const struct step *step)
{
    struct slice slice;
    bool known;
    long long number;
    if (!machine_input(machine, step, &slice) ||
        !machine_whole_argument(machine, step, 0, &known, &number))
        return false;
    return give_range(machine, slice, 0, known ? number : 0);
}

/* ---- the tree ---- */

bool call_children(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    for (size_t i = slice.from; i < slice.to; i++) {
        if (!navigate_children(machine, step, machine->stack[i]))
            return false;
    }
    return machine_give_part(machine, slice.from, (struct slice){slice.to, machine->top});
}

/* Children of children, until none come: what is pushed is walked in its turn. */
bool call_descendants(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    for (size_t i = slice.from; i < machine->top; i++) {
        if (!navigate_children(machine, step, machine->stack[i]))
            return false;
    }
    return machine_give_part(machine, slice.from, (struct slice){slice.to, machine->top});
}

/* ---- sort ---- */

struct sorting {
    struct machine *machine;
    const struct step *step;
    const struct value *keys; /* key_count for each item */
    size_t key_count;
    bool is_faulty;
};

static bool is_descending(const struct step *step, size_t key)
{
    return step->argument_count > 0 && step->arguments[key]->kind == STEP_SIGN &&
           step->arguments[key]->has_sign;
}

/* Items without a key come first, whatever the direction. */
static int order_of_keys(struct sorting *sorting, size_t key, struct value one, struct value other)
{
    bool known;
    int order = 0;
    if (one.kind == VALUE_NONE || other.kind == VALUE_NONE)
        return (one.kind != VALUE_NONE) - (other.kind != VALUE_NONE);
    if (!compare_order(sorting->machine, sorting->step, one, other, &known, &order)) {
        sorting->is_faulty = true;
        return 0;
    }
    if (!known)
        return 0;
    return is_descending(sorting->step, key) ? -order : order;
}

static bool comes_after(struct sorting *sorting, uint32_t one, uint32_t other)
{
    for (size_t key = 0; key < sorting->key_count; key++) {
        int order = order_of_keys(sorting, key, sorting->keys[one * sorting->key_count + key],
                                  sorting->keys[other * sorting->key_count + key]);
        if (order != 0)
            return order > 0;
    }
    return false;
}

/* Stable merge of the sorted halves of ORDER. */
static void merge(struct sorting *sorting, uint32_t *order, uint32_t *spare, size_t half,
                  size_t count)
{
    size_t left = 0;
    size_t right = half;
    for (size_t i = 0; i < count; i++) {
        bool take_right =
            left == half || (right < count && comes_after(sorting, order[left], order[right]));
        spare[i] = take_right ? order[right++] : order[left++];
    }
    memcpy(order, spare, count * sizeof *order);
}

static void sort_part(struct sorting *sorting, uint32_t *order, uint32_t *spare, size_t count)
{
    if (count < 2 || sorting->is_faulty)
        return;
    sort_part(sorting, order, spare, count / 2);
    sort_part(sorting, order + count / 2, spare, count - count / 2);
    merge(sorting, order, spare, count / 2, count);
}

/* The keys of one item: what the arguments answer for it, a leading minus left out; or itself. */
static bool find_keys(struct machine *machine, const struct step *step, struct value item,
                      size_t index, struct value *keys)
{
    size_t from = machine->top;
    if (step->argument_count == 0)
        return convert_system(machine, step, item, &keys[0]);
    for (unsigned i = 0; i < step->argument_count; i++) {
        const struct step *key = step->arguments[i];
        if (is_descending(step, i))
            key = key->input;
        if (!machine_run_on(machine, key, item, (long long)index) ||
            !machine_single(machine, step, (struct slice){from, machine->top}, &keys[i]))
            return false;
        machine->top = from;
    }
    return true;
}

bool call_sort(struct machine *machine, const struct step *step)
{
    struct slice slice;
    if (!machine_input(machine, step, &slice))
        return false;
    size_t count = slice_count(slice);
    struct sorting sorting = {machine, step, NULL, step->argument_count, false};
    if (sorting.key_count == 0)
        sorting.key_count = 1;
    if (count > UINT32_MAX / 64 || !machine_spend(machine, step, count * 16))
        return machine_spend(machine, step, SIZE_MAX);
    struct value *keys = machine_alloc(machine, step, count * sorting.key_count * sizeof *keys);
    uint32_t *order = machine_alloc(machine, step, (count * 2 + 1) * sizeof *order);
    struct value *items = machine_alloc(machine, step, (count + 1) * sizeof *items);
    if (keys == NULL || order == NULL || items == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
        items[i] = machine->stack[slice.from + i];
        if (!find_keys(machine, step, items[i], i, &keys[i * sorting.key_count]))
            return false;
    }
    sorting.keys = keys;
    sort_part(&sorting, order, order + count, count);
    for (size_t i = 0; i < count; i++)
        machine->stack[slice.from + i] = items[order[i]];
    return !sorting.is_faulty;
}
