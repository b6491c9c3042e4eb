#!/usr/bin/env python3
"""Turns the tables of this folder into constant C tables.

usage: generate.py FOLDER OUT_FOLDER

codes.csv, codes-local.csv, codes-constants.csv, measures.csv, unit-aliases.csv,
reasons.csv                                                                    -> coding_tables.c
vocabulary.csv                                                                 -> record_tables.c
modifiers.csv                                                                  -> standing_tables.c

A phrase of vocabulary.csv that is not understood stops the build: the table is the contract.
"""
import csv
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from name_hash import hash_of


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            sys.exit(f"{path}: row {number}: not as many cells as the header has")
    return rows


def text(value):
    if value is None or value == "":
        return "NULL"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


# ---- codes ----


def coding_rows(folder):
    rows = []
    for name in ("codes.csv", "codes-constants.csv"):
        for row in rows_of(folder / name):
            rows.append(dict(row, also=[], local=False))
    for row in rows_of(folder / "codes-local.csv"):
        if not row["code_system"].startswith("local:"):
            sys.exit(f"codes-local.csv: {row['key']}: code_system is not local:...")
        also = [row["also_send_1"], row["also_send_2"]]
        rows.append(dict(row, also=[key for key in also if key], local=True, code=row["key"],
                         system=row["code_system"].removeprefix("local:")))
    keys = {row["key"] for row in rows}
    seen = set()
    for row in rows:
        for key in row["also"]:
            if key not in keys:
                sys.exit(f"codes-local.csv: {row['key']}: no row has the key {key}")
        mark = (row["key"], row["kind"], row["system"])
        if mark in seen:
            sys.exit(f"the code tables hold {mark} twice")
        seen.add(mark)
    return sorted(rows, key=lambda row: row["key"].encode())


def slots_of(symbol, names):
    """An open-addressing table, at most half full: place in NAMES, of (number, name), plus one."""
    size = 2
    while size < 2 * len(names):
        size *= 2
    slots = [0] * size
    for number, name in names:
        at = hash_of(name) % size
        while slots[at] != 0:
            at = (at + 1) % size
        slots[at] = number + 1
    lines = [f"const unsigned short {symbol}[] = {{"]
    for start in range(0, size, 16):
        lines.append("    " + " ".join(f"{slot}," for slot in slots[start:start + 16]))
    return lines + ["};", f"const unsigned {symbol}_mask = {size - 1};"]


def write_codes(folder, out):
    rows = coding_rows(folder)
    for number, row in enumerate(rows):
        same = [other["key"] for other in rows[number:]]
        row["more"] = next((i for i, key in enumerate(same) if key != row["key"]), len(same)) - 1
        row["is_first"] = number == 0 or rows[number - 1]["key"] != row["key"]
    kinds = {row["kind"] for row in rows}
    if len({hash_of(kind) for kind in kinds}) != len(kinds):
        sys.exit("two kinds of codes have the same hash_of(): rename one, coding.c tells them by it")
    lines = ['#include "fhir/codes/coding_tables.h"', "", "const struct coding_row coding_rows[] = {"]
    for row in rows:
        also = ", ".join(text(key) for key in (row["also"] + [None, None])[:2])
        cells = ", ".join(text(row[name])
                          for name in ("key", "system", "code", "display", "unit", "kind"))
        lines.append(f"    {{{cells}, {{{also}}}, {hash_of(row['kind']):#x}u, "
                     f"{'true' if row['local'] else 'false'}, {row['more']}}},")
    lines += ["};", "const size_t coding_row_count = sizeof coding_rows / sizeof *coding_rows;", ""]
    order = sorted(range(len(rows)),
                   key=lambda i: (rows[i]["system"].encode(), rows[i]["code"].encode(), i))
    lines.append("const unsigned short coding_by_code[] = {")
    for start in range(0, len(order), 16):
        lines.append("    " + " ".join(f"{index}," for index in order[start:start + 16]))
    lines += ["};"]
    lines += slots_of("coding_slots_by_key",
                      [(i, row["key"]) for i, row in enumerate(rows) if row["is_first"]])
    lines += slots_of("coding_slots_by_code", [(i, rows[i]["code"]) for i in order])
    lines += ["", "const struct measure_row coding_measures[] = {"]
    for row in rows_of(folder / "measures.csv"):
        cells = ", ".join(text(row[name]) for name in
                          ("key", "label", "lowest", "highest", "unit", "better",
                           "meaningful_change", "side"))
        lines.append(f"    {{{cells}}},")
    lines += ["};", "const size_t coding_measure_count = sizeof coding_measures / "
              "sizeof *coding_measures;", "", "const struct unit_row coding_units[] = {"]
    for row in rows_of(folder / "unit-aliases.csv"):
        cells = ", ".join(text(row[name]) for name in ("written", "ucum", "note"))
        lines.append(f"    {{{cells}}},")
    lines += ["};",
              "const size_t coding_unit_count = sizeof coding_units / sizeof *coding_units;", "",
              "const struct measure_unit_row coding_measure_units[] = {"]
    for row in rows_of(folder / "measure-units.csv"):
        cells = ", ".join(text(row[name]) for name in ("measure", "unit", "lowest", "highest"))
        lines.append(f"    {{{cells}}},")
    lines += ["};", "const size_t coding_measure_unit_count = sizeof coding_measure_units / "
              "sizeof *coding_measure_units;", "",
              "const struct reason_row coding_reasons[] = {"]
    for row in rows_of(folder / "reasons.csv"):
        uses = " | ".join(f"REASON_OF_{word.upper()}" for word in row["used_for"].split())
        lines.append(f"    {{{text(row['code'])}, {text(row['display'])}, {uses}}},")
    lines += ["};",
              "const size_t coding_reason_count = sizeof coding_reasons / sizeof *coding_reasons;", ""]
    out.write_text("\n".join(lines), encoding="utf-8")


# ---- the record vocabulary ----

TYPES = {"text": "RECORD_TEXT", "long text": "RECORD_LONG_TEXT", "word": "RECORD_WORD",
         "id": "RECORD_ID", "time": "RECORD_TIME", "date": "RECORD_DATE",
         "handle": "RECORD_HANDLE", "whole number": "RECORD_WHOLE", "number": "RECORD_NUMBER",
         "yes or no": "RECORD_YES_NO"}
# Phrases of the column `required` that code keeps (fhir/record/rules.c, fhir/record/measure.c,
# fhir/record/default.c); anything else that is not plain stops the build.
CONDITIONS = {"one of the two names", "notes and discharge: yes; else no",
              "at least one of the four", "yes when held", "when not the client", "when revoked",
              "when other",
              "for range-of-motion", "paired joints: yes", "yes, except a score or count"}
COMPUTED = {"by profession of the writer", "day of the visit"}
LEAST = {"yes": 1, "yes, one or more": 1, "yes, two or more": 2}


def identifier(name):
    return re.sub(r"[^a-z0-9]", "_", name)


def type_of(row):
    """(C type, is a list, item name or None)"""
    kind = row["type"]
    is_list = kind.startswith("list of ")
    kind = kind.removeprefix("list of ")
    if kind in TYPES:
        return TYPES[kind], is_list, None
    return "RECORD_ITEM", is_list, kind


def required_of(row):
    """(required, least, condition, default)"""
    phrase = row["required"]
    if phrase in LEAST:
        return True, LEAST[phrase], None, None
    if phrase == "no":
        return False, 0, None, None
    if phrase in CONDITIONS:
        return False, 0, phrase, None
    default = re.fullmatch(r"no \((.*)\)", phrase)
    if default and default.group(1) in COMPUTED:
        return False, 0, None, None
    if default and default.group(1) in row["allowed"].split("|"):
        return False, 0, None, default.group(1)
    sys.exit(f"vocabulary.csv: {row['record']}.{row['field']}: required \"{phrase}\" is not known")


def allowed_of(row, rows):
    """(C kind, words, code kind, lowest, highest)"""
    phrase = row["allowed"]
    if phrase == "as sensitivity":
        phrase = next(other["allowed"] for other in rows if other["field"] == "sensitivity")
    if phrase == "as measurement":
        phrase = next(other["allowed"] for other in rows
                      if other["record"] == "item measurement" and other["field"] == "measure")
    if phrase == "as diagnosis":
        phrase = next(other["allowed"] for other in rows
                      if other["record"] == "item diagnosis" and other["field"] == row["field"])
    codes = re.fullmatch(r"rows of codes(-local)?\.csv, kind ([a-z]+)", phrase)
    span = re.fullmatch(r"([0-9.]+)-([0-9.]+)", phrase)
    if phrase == "":
        return "RECORD_ANYTHING", None, None, None, None
    if codes:
        return "RECORD_CODES", None, codes.group(2), None, None
    if span:
        return "RECORD_RANGE", None, None, span.group(1), span.group(2)
    if phrase.startswith("rows of measures.csv"):
        return "RECORD_MEASURES", None, None, None, None
    if phrase == "rows of unit-aliases.csv":
        return "RECORD_UNITS", None, None, None, None
    if re.fullmatch(r"[a-z0-9-]+(\|[a-z0-9-]+)+", phrase):
        return "RECORD_WORDS", phrase.split("|"), None, None, None
    sys.exit(f"vocabulary.csv: {row['record']}.{row['field']}: allowed \"{phrase}\" is not known")


def write_shape(name, fields, rows, lines):
    table = []
    for row in fields:
        kind, is_list, item = type_of(row)
        required, least, condition, default = required_of(row)
        allowed, words, code_kind, lowest, highest = allowed_of(row, rows)
        words_name = "NULL"
        if words:
            words_name = f"words_{identifier(name)}_{row['field']}"
            lines.append(f"static const char *const {words_name}[] = {{"
                         + ", ".join(text(word) for word in words) + ", NULL};")
        shape = f"&record_items[ITEM_{identifier(item)}]" if item else "NULL"
        table.append(
            f"    {{{text(row['field'])}, {kind}, {str(is_list).lower()}, {shape}, "
            f"{text(row['unit'])}, {str(required).lower()}, {least}, {text(condition)}, "
            f"{text(default)}, {allowed}, {words_name}, {text(code_kind)}, {text(lowest)}, "
            f"{text(highest)}, {text(row['meaning'])}, {text(row['fhir_r4'])}, "
            f"{len(row['field'])}, {hash_of(row['field']):#x}u}},")
    lines.append(f"static const struct record_field fields_{identifier(name)}[] = {{")
    lines += table + ["};", ""]


def write_shapes(symbol, names, lines):
    lines.append(f"const struct record_shape {symbol}s[] = {{")
    for shown, name in names:
        fields = f"fields_{identifier(name)}"
        lines.append(f"    {{{text(shown)}, {fields}, sizeof {fields} / sizeof *{fields}}},")
    lines += ["};", f"const size_t {symbol}_count = {len(names)};", ""]


def write_vocabulary(folder, out):
    rows = rows_of(folder / "vocabulary.csv")
    names = list(dict.fromkeys(row["record"] for row in rows))
    items = [name for name in names if name.startswith("item ")]
    kinds = [name for name in names if name not in items and name != "every record"]
    listed = next(row["allowed"] for row in rows if row["field"] == "record").split("|")
    if kinds != listed:
        sys.exit(f"vocabulary.csv: the kinds {listed} and the rows of {kinds} differ")
    lines = ['#include "fhir/record/vocabulary.h"', "", "enum {"]
    lines += [f"    ITEM_{identifier(name.removeprefix('item '))}," for name in items] + ["};", ""]
    for name in names:
        write_shape(name, [row for row in rows if row["record"] == name], rows, lines)
    lines += ["const struct record_shape record_common = {", '    "every record",',
              "    fields_every_record,",
              "    sizeof fields_every_record / sizeof *fields_every_record,", "};", ""]
    write_shapes("record_kind", [(name, name) for name in kinds], lines)
    write_shapes("record_item", [(name.removeprefix("item "), name) for name in items], lines)
    out.write_text("\n".join(lines), encoding="utf-8")


# ---- what modifier elements say ----

ACTS = {"fact": "STANDING_FACT", "field": "STANDING_FIELD", "told": "STANDING_TOLD",
        "standing": "STANDING_KEPT", "aside": "STANDING_ASIDE", "refuse": "STANDING_REFUSED",
        "withdraw": "STANDING_WITHDRAWN"}


def grouped(names):
    """[(name, first place, count)] of a list in which equal names stand together."""
    groups = []
    for place, name in enumerate(names):
        if groups and groups[-1][0] == name:
            groups[-1][2] += 1
        elif any(group[0] == name for group in groups):
            sys.exit(f"modifiers.csv: the rows of {name} do not stand together")
        else:
            groups.append([name, place, 1])
    return groups


def check_modifier(row, words):
    where = f"modifiers.csv: {row['element']} {row['code']}"
    if row["act"] not in ACTS:
        sys.exit(f"{where}: act \"{row['act']}\" is not known")
    if (row["act"] == "standing") != (row["word"] != "") or row["word"] not in words:
        sys.exit(f"{where}: \"{row['word']}\" is no word of standing")
    if row["act"] != "fact" and row["meaning"] == "":
        sys.exit(f"{where}: nobody would know what it means")


def write_modifiers(folder, out):
    rows = rows_of(folder / "modifiers.csv")
    words = next(row["allowed"] for row in rows_of(folder / "vocabulary.csv")
                 if row["field"] == "standing").split("|")
    lines = ['#include "fhir/codes/standing_tables.h"', "",
             "const struct standing_row standing_rows[] = {"]
    for row in rows:
        check_modifier(row, words + [""])
        code = None if row["code"] == "*" else row["code"]
        lines.append(f"    {{{text(code)}, {ACTS[row['act']]}, {text(row['word'])}, "
                     f"{text(row['meaning'])}}},")
    lines += ["};", "", "const struct standing_element standing_elements[] = {"]
    elements = grouped([row["element"] for row in rows])
    for element, first, count in elements:
        name = element.rpartition(".")[2]
        lines.append(f"    {{{text(name)}, {text('_' + name)}, {len(name)}, {hash_of(name):#x}u, "
                     f"{hash_of('_' + name):#x}u, {first}, {count}}},")
    lines += ["};", "", "const struct standing_type standing_types[] = {"]
    types = grouped([element.rpartition(".")[0] for element, _, _ in elements])
    for name, first, count in types:
        lines.append(f"    {{{text(name)}, {hash_of(name):#x}u, {first}, {count}}},")
    lines += ["};", f"const size_t standing_type_count = {len(types)};", ""]
    lines += slots_of("standing_slots", [(i, name) for i, (name, _, _) in enumerate(types)])
    out.write_text("\n".join(lines), encoding="utf-8")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    write_codes(folder, out / "coding_tables.c")
    write_vocabulary(folder, out / "record_tables.c")
    write_modifiers(folder, out / "standing_tables.c")


if __name__ == "__main__":
    main()
