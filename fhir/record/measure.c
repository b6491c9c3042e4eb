/* measure: measure, unit and range agree; joints move as the code tables say; sides are
 * given where a body has two. Called by record/check.c for measurements and goals.
 *
 * The movements of a joint are the rows `rom-JOINT-MOTION-...` of the code tables, so that a
 * movement that passes has a code. Units are never converted: a value is sent in the unit it was
 * written in, one of those that the measure has (measures.csv, measure-units.csv). */
#include <stdlib.h>
#include <string.h>

#include "fhir/record/check.h"

static const char range_of_motion[] = "range-of-motion";

static const char *const paired_joints[] = {"shoulder", "elbow", "forearm", "wrist",
                                            "hip",      "knee",  "ankle",   NULL};
static const char *const sided_motions[] = {"rotation", "side-bending", NULL};

struct measured { /* one measurement, or the target of one goal */
    const struct json *object;
    const char *path; /* `measurements[2]` */
    const struct measure_row *measure;
    const char *others;           /* whose other units may be used, as measure-units.csv names it */
    const char *value_name;       /* "value" or "target" */
    const char *lowest, *highest; /* of the value */
    const char *unit;             /* UCUM */
};

static void fault_at(struct checking *check, const struct measured *measured, const char *name,
                     const char *found, const char *expected, const char *nearest)
{
    const struct json *node = json_get(measured->object, name);
    record_fault(check, (struct fault){node != NULL ? node : measured->object,
                                       arena_print(check->arena, "%s.%s", measured->path, name),
                                       found != NULL ? found : record_show(check, node), expected,
                                       nearest});
}

/* ---- joints ---- */

static const struct coding_row *motion_row(struct checking *check, const char *joint,
                                           const char *motion)
{
    static const char *const ways[] = {"active", "passive"};
    const struct coding_row *row = NULL;
    for (size_t i = 0; i < 2 && row == NULL; i++)
        row = coding_find(check->coding, "observation",
                          arena_print(check->arena, "rom-%s-%s-%s", joint, motion, ways[i]));
    return row;
}

static void fault_motion(struct checking *check, const struct measured *measured, const char *joint,
                         const char *motion)
{
    const struct record_field *field = record_field_find(record_item_find("measurement"), "motion");
    struct text list = text_new(check->arena, 500);
    for (size_t i = 0; field->words[i] != NULL; i++) {
        if (motion_row(check, joint, field->words[i]) != NULL)
            text_print(&list, "%s%s", list.length == 0 ? "" : ", ", field->words[i]);
    }
    fault_at(
        check, measured, "motion",
        arena_print(check->arena, "\"%s\", a movement that the %s does not have", motion, joint),
        arena_print(check->arena, "a movement of the %s: %s", joint, list.at), NULL);
}

static bool is_word_of(const char *name, const char *word)
{
    const struct record_field *field = record_field_find(record_item_find("measurement"), name);
    return text_is_one_of(word, field->words);
}

static void require(struct checking *check, const struct measured *measured, const char *name,
                    const char *expected)
{
    if (json_get(measured->object, name) == NULL && !check->rules->is_received)
        fault_at(check, measured, name, NULL, expected, NULL);
}

/* The jaw is measured by how far it opens, not by an angle. */
static void open_in_millimetres(struct measured *measured, const char *unit)
{
    measured->others = "jaw-opening";
    measured->unit = unit;
    measured->lowest = "0";
    measured->highest = "100";
}

static void check_motion(struct checking *check, struct measured *measured)
{
    const char *joint = json_get_text(measured->object, "joint");
    const char *motion = json_get_text(measured->object, "motion");
    require(check, measured, "joint", "the joint that was measured, such as neck");
    require(check, measured, "motion", "the movement that was measured, such as rotation");
    if (!is_word_of("joint", joint))
        return;
    bool is_paired = text_is_one_of(joint, paired_joints);
    bool is_spine = !is_paired && strcmp(joint, "jaw") != 0;
    if (is_paired || (is_spine && text_is_one_of(motion, sided_motions)))
        require(check, measured, "side", "left, right or both");
    if (!is_word_of("motion", motion))
        return;
    const struct coding_row *row = motion_row(check, joint, motion);
    if (row == NULL) {
        fault_motion(check, measured, joint, motion);
        return;
    }
    if (row->unit != NULL && strcmp(row->unit, measured->unit) != 0)
        open_in_millimetres(measured, row->unit);
}

static const char *const lengths[] = {"mm", "cm", "[in_i]", NULL};

/* A goal names no joint: its unit tells a jaw from the rest. */
static void check_motion_target(struct measured *measured)
{
    const struct unit_row *unit = coding_unit(json_get_text(measured->object, "unit"));
    if (unit != NULL && text_is_one_of(unit->ucum, lengths))
        open_in_millimetres(measured, "mm");
}

/* ---- units and ranges ---- */

/* "/10" and "/50" name the scale; any other written form fits every measure of its unit. */
static bool unit_fits(const struct measured *measured, const struct unit_row *unit)
{
    if (strcmp(unit->ucum, measured->unit) != 0)
        return false;
    return unit->written[0] != '/' || text_equal(unit->written + 1, measured->highest);
}

/* MEASURED as it stands in its other unit number INDEX. */
static bool in_other_unit(const struct measured *measured, size_t index,
                          struct measured *ret_measured)
{
    const struct measure_unit_row *row = coding_measure_unit(measured->others, index);
    if (row == NULL)
        return false;
    *ret_measured = *measured;
    ret_measured->unit = row->unit;
    ret_measured->lowest = row->lowest;
    ret_measured->highest = row->highest;
    return true;
}

/* One of the units in which this is measured; from now on its range holds. */
static bool takes_unit(struct measured *measured, const struct unit_row *unit)
{
    struct measured other;
    if (unit_fits(measured, unit))
        return true;
    for (size_t i = 0; in_other_unit(measured, i, &other); i++) {
        if (unit_fits(&other, unit)) {
            *measured = other;
            return true;
        }
    }
    return false;
}

static const char *units_in_words(struct checking *check, const struct measured *measured)
{
    struct text text = text_new(check->arena, 500);
    const struct unit_row *unit;
    for (size_t i = 0; (unit = coding_unit_at(i)) != NULL; i++) {
        struct measured trial = *measured;
        if (takes_unit(&trial, unit))
            text_print(&text, "%s%s", text.length == 0 ? "" : " or ", unit->written);
    }
    return text.at;
}

/* False when the value stands in a unit of another size, so that its range cannot be told. */
static bool check_unit(struct checking *check, struct measured *measured)
{
    const struct json *node = json_get(measured->object, "unit");
    const char *written = json_text(node);
    const struct unit_row *unit = coding_unit(written);
    if (node == NULL) {
        bool is_plain = measured->unit[0] == '{'; /* a score or a count has no unit to get wrong */
        if (!is_plain && !check->rules->is_received)
            fault_at(check, measured, "unit", NULL, units_in_words(check, measured), NULL);
        return true;
    }
    if (written == NULL || text_is_blank(written))
        return false;
    if (unit == NULL) {
        if (measured->value_name[0] == 't') /* of a goal: its unit is free text unless measured */
            fault_at(check, measured, "unit",
                     arena_print(check->arena, "\"%s\", an unknown unit", written),
                     units_in_words(check, measured), coding_unit_nearest(written));
        return true;
    }
    if (takes_unit(measured, unit))
        return true;
    fault_at(check, measured, "unit", NULL,
             arena_print(check->arena, "%s for %s (values are never converted)",
                         units_in_words(check, measured), measured->measure->key),
             NULL);
    return strcmp(unit->ucum, measured->unit) == 0;
}

static void check_range(struct checking *check, const struct measured *measured)
{
    const char *number = json_number(json_get(measured->object, measured->value_name));
    if (number == NULL || record_number_remark(number) != NULL || measured->lowest == NULL ||
        measured->highest == NULL)
        return;
    double value = strtod(number, NULL);
    if (value >= strtod(measured->lowest, NULL) && value <= strtod(measured->highest, NULL))
        return;
    const char *unit = coding_unit_of(measured->unit);
    fault_at(check, measured, measured->value_name, NULL,
             arena_print(check->arena, "a number from %s to %s (%s%s%s)", measured->lowest,
                         measured->highest, measured->measure->label,
                         unit == NULL || measured->unit[0] == '{' ? "" : ", ",
                         unit == NULL || measured->unit[0] == '{' ? "" : unit),
             NULL);
}

static void check_measured(struct checking *check, const char *list, size_t item,
                           const struct json *object, const char *value_name)
{
    const struct measure_row *measure = coding_measure(json_get_text(object, "measure"));
    if (measure == NULL)
        return;
    struct measured measured = {
        .object = object,
        .path = arena_print(check->arena, "%s[%zu]", list, item),
        .measure = measure,
        .others = measure->key,
        .value_name = value_name,
        .lowest = measure->lowest,
        .highest = measure->highest,
        .unit = measure->unit,
    };
    bool is_measurement = strcmp(value_name, "value") == 0;
    if (is_measurement && strcmp(measure->key, range_of_motion) == 0)
        check_motion(check, &measured);
    else if (is_measurement && text_equal(measure->side, "yes"))
        require(check, &measured, "side", "left, right or both");
    if (!is_measurement && strcmp(measure->key, range_of_motion) == 0)
        check_motion_target(&measured);
    if (!is_measurement && json_get(object, "unit") == NULL) {
        check_range(check, &measured);
        return;
    }
    if (check_unit(check, &measured))
        check_range(check, &measured);
}

static void check_list(struct checking *check, const char *list, const char *value_name)
{
    size_t item = 1;
    if (json_kind(json_get(check->tree, list)) != JSON_LIST)
        return;
    for (struct json *object = json_first(json_get(check->tree, list)); object != NULL;
         object = json_next(object), item++)
        check_measured(check, list, item, object, value_name);
}

void record_check_measures(struct checking *check)
{
    if (record_field_find(check->shape, "measurements") != NULL)
        check_list(check, "measurements", "value");
    if (record_field_find(check->shape, "goals") != NULL)
        check_list(check, "goals", "target");
}
