#!/usr/bin/env python3
"""Turns the tables of this folder into constant C tables.

usage: generate.py FOLDER OUT_FOLDER

codes.csv, codes-local.csv, codes-constants.csv, measures.csv, unit-aliases.csv -> coding_tables.c
vocabulary.csv                                                                 -> record_tables.c

A phrase of vocabulary.csv that is not understood stops the build: the table is the contract.
"""
import csv
import re
import sys
from pathlib import Path


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


def write_codes(folder, out):
    rows = coding_rows(folder)
    lines = ['#include "fhir/coding_tables.h"', "", "const struct coding_row coding_rows[] = {"]
    for row in rows:
        also = ", ".join(text(key) for key in (row["also"] + [None, None])[:2])
        cells = ", ".join(text(row[name])
                          for name in ("key", "system", "code", "display", "unit", "kind"))
        lines.append(f"    {{{cells}, {{{also}}}, {'true' if row['local'] else 'false'}}},")
    lines += ["};", "const size_t coding_row_count = sizeof coding_rows / sizeof *coding_rows;", ""]
    order = sorted(range(len(rows)),
                   key=lambda i: (rows[i]["system"].encode(), rows[i]["code"].encode(), i))
    lines.append("const unsigned short coding_by_code[] = {")
    for start in range(0, len(order), 16):
        lines.append("    " + " ".join(f"{index}," for index in order[start:start + 16]))
    lines += ["};", "", "const struct measure_row coding_measures[] = {"]
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
              "const size_t coding_unit_count = sizeof coding_units / sizeof *coding_units;", ""]
    out.write_text("\n".join(lines), encoding="utf-8")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    write_codes(folder, out / "coding_tables.c")


if __name__ == "__main__":
    main()
