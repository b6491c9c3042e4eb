#!/usr/bin/env python3
"""Prints the tables of docs/records.md, and one of docs/mapping.md, from those of this folder.

usage: document.py [--check] PAGE

What stands between <!-- begin of NAME --> and <!-- end of NAME --> is replaced, where NAME is a kind of
record, or "items", "measures", "movements", "techniques", "body areas", "professions", "reasons"; in mapping.md
"modifiers". --check changes nothing and fails when the page is not up to date.
"""
import re
import sys
from pathlib import Path

from generate import rows_of

FOLDER = Path(__file__).resolve().parent
NEEDED = {
    "yes": "yes", "no": "", "one of the two names": "one of the two names",
    "notes and discharge: yes; else no": "in notes and discharge summaries",
    "at least one of the four": "one of the four at least",
    "yes, two or more": "yes, two or more", "yes, one or more": "yes, one or more",
    "yes when held": "when it was held", "when not the client": "when not the client",
    "when revoked": "when revoked", "when other": "when `technique` is `other`", "for range-of-motion": "for `range-of-motion`",
    "paired joints: yes": "for paired joints, and for rotation and side-bending of the spine",
    "yes, except a score or count": "yes, except for a score or count",
}


def needed(row):
    default = re.fullmatch(r"no \((.*)\)", row["required"])
    if not default:
        return NEEDED[row["required"]]
    word = default.group(1)
    return f"else `{word}`" if word in row["allowed"].split("|") else f"else {word}"


def form(row):
    parts = [row["type"]]
    allowed = row["allowed"]
    if re.fullmatch(r"[0-9.]+-[0-9.]+", allowed):
        low, high = allowed.split("-")
        parts.append(f"{low} to {high}" + (f" {row['unit']}" if row["unit"] else ""))
    elif "|" in allowed:
        parts.append(", ".join(f"`{word}`" for word in allowed.split("|")))
    elif "kind bodysite" in allowed:
        parts.append("a body area")
    elif "kind specialty" in allowed:
        parts.append("a profession")
    elif "kind technique" in allowed:
        parts.append("a technique")
    elif "measures.csv" in allowed or allowed == "as measurement":
        parts.append("a measure")
    elif "unit-aliases" in allowed:
        parts.append("a unit")
    elif allowed == "as sensitivity":
        parts.append("the words of `sensitivity`")
    elif allowed == "as diagnosis":
        parts.append(f"the words of `{row['field']}` of a diagnosis")
    return ": ".join(parts)


def table(rows):
    lines = ["| field | what it is | needed | meaning |", "| --- | --- | --- | --- |"]
    lines += [f"| `{row['field']}` | {form(row)} | {needed(row)} | {row['meaning']} |"
              for row in rows]
    return "\n".join(lines)


def items(rows):
    names = list(dict.fromkeys(row["record"] for row in rows if row["record"].startswith("item ")))
    parts = []
    for name in names:
        parts.append(f"**{name.removeprefix('item ')}**\n")
        parts.append(table([row for row in rows if row["record"] == name]) + "\n")
    return "\n".join(parts).rstrip()


def spellings(unit, highest, units):
    fits = [row["written"] for row in units if row["ucum"] == unit
            and (not row["written"].startswith("/") or row["written"] == "/" + highest)]
    return ", ".join(f"`{written}`" for written in fits)


def units_of(measure, units):
    """Its own unit, then each other one with its range."""
    others = [f"{spellings(row['unit'], row['highest'], units)} ({row['lowest']} to {row['highest']})"
              for row in rows_of(FOLDER / "measure-units.csv") if row["measure"] == measure["key"]]
    return "; or ".join([spellings(measure["unit"], measure["highest"], units), *others])


def measures():
    units = rows_of(FOLDER / "unit-aliases.csv")
    lines = ["| measure | what it is | from | to | unit as written | better |",
             "| --- | --- | --- | --- | --- | --- |"]
    for row in rows_of(FOLDER / "measures.csv"):
        lines.append(f"| `{row['key']}` | {row['label']} | {row['lowest']} | {row['highest']} | "
                     f"{units_of(row, units)} | {row['better']} |")
    return "\n".join(lines)


def motions():
    joints = {}
    for name in ("codes.csv", "codes-local.csv"):
        for row in rows_of(FOLDER / name):
            match = re.fullmatch(r"rom-(neck|upper-back|lower-back|[a-z]+)-([a-z-]+)-"
                                 r"(active|passive)", row["key"])
            if match:
                joints.setdefault(match.group(1), set()).add(match.group(2))
    lines = ["| joint | movements |", "| --- | --- |"]
    lines += [f"| `{joint}` | " + ", ".join(f"`{word}`" for word in sorted(words)) + " |"
              for joint, words in sorted(joints.items())]
    return "\n".join(lines)


def words(kind):
    rows = rows_of(FOLDER / "codes.csv") + rows_of(FOLDER / "codes-local.csv")
    return ", ".join(f"`{row['key']}`" for row in rows if row["kind"] == kind) + "."


def reasons():
    lines = ["| code | meaning | used to |", "| --- | --- | --- |"]
    uses = {"move": "decline, hold, fail, cancel", "retraction": "retract a record"}
    lines += [f"| `{row['code']}` | {row['display']} | "
              + "; ".join(uses[word] for word in row["used_for"].split()) + " |"
              for row in rows_of(FOLDER / "reasons.csv")]
    return "\n".join(lines)


MODIFIER_COLUMNS = [("a fact", ("fact", "field")), ("a fact, and told", ("told",)),
                    ("keeps its place with a `standing`", ("standing",)),
                    ("in no field", ("aside",)), ("refuses the message", ("refuse",)),
                    ("takes it back", ("withdraw",))]


def codes_of(rows, acts):
    """`a`, `b` (`word`); the row for any other code last."""
    by_word = {}
    for row in rows:
        if row["act"] in acts:
            code = "any other" if row["code"] == "*" else f"`{row['code']}`"
            by_word.setdefault(row["word"], []).append("any" if len(rows) == 1 else code)
    return "; ".join(", ".join(codes) + (f": `{word}`" if word else "")
                     for word, codes in by_word.items())


def modifiers():
    elements = {}
    for row in rows_of(FOLDER / "modifiers.csv"):
        elements.setdefault(row["element"], []).append(row)
    lines = ["| element | " + " | ".join(title for title, _ in MODIFIER_COLUMNS) + " |",
             "| --- " * (len(MODIFIER_COLUMNS) + 1) + "|"]
    lines += [f"| {element} | " + " | ".join(codes_of(rows, acts) for _, acts in MODIFIER_COLUMNS)
              + " |" for element, rows in elements.items()]
    return "\n".join(lines)


def parts(page):
    if page == "mapping.md":
        return {"modifiers": modifiers()}
    rows = rows_of(FOLDER / "vocabulary.csv")
    made = {"items": items(rows), "measures": measures(), "movements": motions(),
            "techniques": words("technique"), "body areas": words("bodysite"),
            "professions": words("specialty"), "reasons": reasons()}
    for name in dict.fromkeys(row["record"] for row in rows):
        if not name.startswith("item "):
            made[name] = table([row for row in rows if row["record"] == name])
    return made


def main():
    arguments = [word for word in sys.argv[1:] if word != "--check"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    page = Path(arguments[0])
    old = page.read_text(encoding="utf-8")
    new = old
    for name, text in parts(page.name).items():
        begin, end = f"<!-- begin of {name} -->", f"<!-- end of {name} -->"
        pattern = re.escape(begin) + r".*?" + re.escape(end)
        if not re.search(pattern, new, re.DOTALL):
            sys.exit(f"{page}: no place for the table of {name}")
        new = re.sub(pattern, lambda _, text=text: f"{begin}\n{text}\n{end}", new, flags=re.DOTALL)
    if "--check" not in sys.argv:
        page.write_text(new, encoding="utf-8")
    elif new != old:
        sys.exit(f"{page} is not up to date: run {Path(__file__).name} on it")


if __name__ == "__main__":
    main()
