#!/usr/bin/env python3
"""Turns the FHIR R4 definitions beside this file into constant C tables (fhir/model/definitions.h).

Run by the build: generate.py FOLDER OUTPUT.c. Reads structures.json, valuesets.json,
valuesets-extra.json (sets that the definitions name but do not list: ISO 4217 currencies) and
search-parameters.json; writes one C file. Row 0 of types, elements and value sets means "none".
"""

import json
import pathlib
import sys

import presence

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from name_hash import hash_of

KINDS = {
    "primitive-type": "DEFINITION_PRIMITIVE",
    "complex-type": "DEFINITION_DATATYPE",
    "resource": "DEFINITION_RESOURCE",
}
STRENGTHS = ["", "example", "preferred", "extensible", "required"]
SYSTEM_STRING = "system:String"
EMPTY_SLOT = (0, 0)  # the hash of a name is never 0
LANGUAGES = "http://hl7.org/fhir/ValueSet/languages"
PLAIN = {name: "PLAIN_TEXT" for name in (
    "base64Binary", "code", "date", "dateTime", "id", "instant", "time")}
PLAIN |= {name: "PLAIN_STRING" for name in ("markdown", "string")}
PLAIN |= {name: "PLAIN_URI" for name in ("canonical", "uri", "url")}


class Words:
    """One pool of NUL-terminated texts; equal texts share a place."""

    def __init__(self):
        self.offsets = {"": 0}
        self.texts = [""]
        self.length = 1

    def add(self, text):
        if text not in self.offsets:
            self.offsets[text] = self.length
            self.texts.append(text)
            self.length += len(text.encode()) + 1
        return self.offsets[text]


class Type:
    def __init__(self, name, kind, base, is_abstract):
        self.name, self.kind, self.base, self.is_abstract = name, kind, base, is_abstract
        self.index = 0
        self.elements = []
        self.constraints = []


def is_nested(elements, position):
    path = elements[position]["path"] + "."
    return any(other["path"].startswith(path) for other in elements[position + 1:])


def make_types(structures):
    """Every structure and every nested element with children of its own, by name."""
    types = {}
    for name, structure in structures.items():
        elements = structure["elements"]
        root = Type(name, KINDS[structure["kind"]], structure["base"], structure["abstract"])
        root.constraints = elements[0].get("constraints", [])
        types[name] = root
        for position, element in enumerate(elements[1:], 1):
            path = element["path"]
            if is_nested(elements, position):
                nested = Type(path, "DEFINITION_BACKBONE", element["types"][0]["code"], False)
                nested.constraints = element.get("constraints", [])
                types[path] = nested
            types[path.rpartition(".")[0]].elements.append(element)
    ordered = sorted(types.values(), key=lambda t: t.name)
    for index, each in enumerate(ordered, 1):
        each.index = index
    return types, ordered


def all_constraints(types, each):
    """Of the type and its bases, each key once, the type's own first. Structures repeat most of
    their base's constraints; the same key and expression counts once."""
    found = {}
    while each is not None:
        for constraint in each.constraints:
            found.setdefault((constraint["key"], constraint["expression"]), constraint)
        each = types.get(each.base)
    return list(found.values())


def slots_of(keys):
    """An open-addressing table of (hash, row) pairs, at most a quarter full, linear probing."""
    bits = 2
    while (1 << bits) < 4 * len(keys):
        bits += 1
    size = 1 << bits
    table = [EMPTY_SLOT] * size
    for key, row in keys:
        value = hash_of(key)
        place = value & (size - 1)
        while table[place] != EMPTY_SLOT:
            place = (place + 1) & (size - 1)
        table[place] = (value >> 16, row)
    return size - 1, table


def stem_of(element):
    return element["path"].rpartition(".")[2].removesuffix("[x]")


def upper_first(text):
    return text[0].upper() + text[1:]


class Tables:
    def __init__(self, structures, value_sets, searches):
        self.words = Words()
        self.types, self.ordered = make_types(structures)
        self.value_sets = value_sets
        self.searches = searches
        self.rows = {name: [] for name in (
            "types", "elements", "choices", "constraints", "constraint_lists", "targets",
            "value_sets", "codes", "slots", "type_slots", "searches", "search_components", "presences",
            "presence_lists")}
        self.constraint_rows = {}
        self.target_lists = {(): 0}
        self.value_set_rows = {}

    def add(self, table, *columns):
        self.rows[table].append("{" + ", ".join(str(column) for column in columns) + "}")
        return len(self.rows[table]) - 1

    def presence_row(self, expression, ranks):
        """The truth table of an expression over the children's ranks; 0: it is not of that kind."""
        parsed = presence.parse(expression, ranks)
        if parsed is None:
            return 0
        names, truth = parsed
        places = "{" + ", ".join(str(ranks[name]) for name in names) + "}"
        return self.add("presences", hex(truth), len(names), places)

    def constraint_list(self, constraints, ranks):
        """Index of the first of a run of constraints; RANKS: the children they can ask about."""
        first = len(self.rows["constraint_lists"])
        for constraint in constraints:
            key = (constraint["key"], constraint["expression"], constraint["severity"])
            if key not in self.constraint_rows:
                self.constraint_rows[key] = self.add(
                    "constraints", self.words.add(key[0]), self.words.add(key[1]),
                    int(key[2] == "error"))
            self.rows["constraint_lists"].append(str(self.constraint_rows[key]))
            self.rows["presence_lists"].append(str(self.presence_row(key[1], ranks)))
        return first

    def target_list(self, names):
        known = [name for name in names if name in self.types]
        if any(name in ("Resource", "DomainResource") for name in known):
            known = []
        key = tuple(sorted(self.types[name].index for name in known))
        if key not in self.target_lists:
            self.target_lists[key] = len(self.rows["targets"])
            self.rows["targets"] += [str(index) for index in key]
        return self.target_lists[key], len(key)

    def value_set(self, url):
        url = url.partition("|")[0]
        if url not in self.value_sets or not any(self.value_sets[url].values()):
            return 0
        if url not in self.value_set_rows:
            pairs = sorted((code.encode(), system.encode(), code, system)
                           for system, codes in self.value_sets[url].items() for code in codes)
            first = len(self.rows["codes"])
            rows = {}  # the first of equal codes
            for _, _, code, system in pairs:
                row = self.add("codes", self.words.add(code), self.words.add(system))
                rows.setdefault(code, row)
            mask, slots = slots_of(list(rows.items()))
            first_slot = len(self.rows["slots"])
            for tag, row in slots:
                self.add("slots", tag, row)
            self.value_set_rows[url] = self.add(
                "value_sets", self.words.add(url), first_slot, mask, first, len(pairs))
        return self.value_set_rows[url]

    def element_types(self, path, element):
        """(type, targets) of an element; a content reference is the nested type it names."""
        if "contentReference" in element:
            return [(self.types[element["contentReference"].lstrip("#")], [])]
        if path in self.types:
            return [(self.types[path], [])]
        return [(self.types["string" if each["code"] == SYSTEM_STRING else each["code"]],
                 each.get("targets", [])) for each in element["types"]]

    def plain(self, kind, element, own):
        """enum definition_plain of one choice of an element."""
        binding = element.get("binding", {})
        url = binding.get("valueSet", "")
        if element["max"] == "*" or own or kind.name not in PLAIN:
            return "PLAIN_NOT"
        if kind.name == "code" and binding.get("strength") == "required":
            return "PLAIN_CODE" if self.value_set(url) else "PLAIN_NOT"
        return "PLAIN_NOT" if url.partition("|")[0] == LANGUAGES else PLAIN[kind.name]

    def add_element(self, owner, element, rank):
        path = element["path"]
        is_choice = path.endswith("[x]")
        stem = stem_of(element)
        binding = element.get("binding", {})
        kinds = self.element_types(path, element)
        # constraints of a nested type are with the type, so that content references share them
        own = [] if path in self.types else element.get("constraints", [])
        index = len(self.rows["elements"])
        keys = []
        first = len(self.rows["choices"])
        for kind, targets in kinds:
            key = stem + upper_first(kind.name) if is_choice else stem
            target, count = self.target_list(targets)
            keys.append((key, self.add("choices", self.words.add(key), index, kind.index, target,
                                       count, len(key), rank,
                                       self.plain(kind, element, own))))
        if is_choice:
            keys.append((stem, self.add("choices", self.words.add(stem), index, 0, 0, 0, len(stem),
                                        rank, "PLAIN_NOT")))
        url = binding.get("valueSet", "")
        self.add("elements", self.words.add(stem), owner.index, first, len(kinds), element["min"],
                 int(element["max"] == "*"), int(element["max"] == "0"), int(is_choice),
                 int(element.get("isModifier", False)), int(element.get("isSummary", False)),
                 STRENGTHS.index(binding.get("strength", "")),
                 self.value_set(url) if binding.get("strength") in ("required", "extensible") else 0,
                 len(own), self.constraint_list(own, {}), self.words.add(url))
        return keys

    def add_type(self, each):
        constraints = all_constraints(self.types, each)
        ranks = {stem_of(element): rank for rank, element in enumerate(each.elements)}
        first_constraint = self.constraint_list(constraints, ranks)
        first = len(self.rows["elements"])
        keys = []
        for rank, element in enumerate(each.elements):
            keys += self.add_element(each, element, rank)
        mask, slots = slots_of(keys)
        first_slot = len(self.rows["slots"])
        for tag, row in slots:
            self.add("slots", tag, row)
        base = self.types[each.base].index if each.base else 0
        primitive = "PRIMITIVE_NONE"
        if each.kind == "DEFINITION_PRIMITIVE":
            primitive = "PRIMITIVE_" + each.name.upper()
        required = sum(1 << rank for rank, element in enumerate(each.elements) if element["min"])
        assert len(each.elements) <= 64, each.name
        self.add("types", "%sull" % hex(required), first_slot, self.words.add(each.name), base,
                 first, len(each.elements), first_constraint, len(constraints), each.kind,
                 primitive, int(each.is_abstract), mask, len(each.name))

    def add_searches(self):
        pairs = sorted((self.types[base].index, each["code"].encode(), position, each)
                       for position, each in enumerate(self.searches) for base in each["base"])
        for index, _, _, each in pairs:
            first = len(self.rows["search_components"])
            components = each.get("component", [])
            for component in components:
                self.add("search_components", self.words.add(component["definition"]),
                         self.words.add(component["expression"]))
            target, count = self.target_list(each.get("target", []))
            self.add("searches", self.words.add(each["code"]), self.words.add(each["type"]),
                     self.words.add(each["expression"]), index, target, count, len(components),
                     first)

    def build(self):
        self.rows["types"].append("{.slot_mask = 0}")  # none: an empty table of one slot
        self.add("slots", *EMPTY_SLOT)
        self.add("elements", *[0] * 15)
        self.add("value_sets", 0, 0, 0, 0, 0)
        self.add("presences", 0, 0, "{0}")
        for each in self.ordered:
            self.add_type(each)
        self.type_mask, slots = slots_of([(each.name, each.index) for each in self.ordered])
        for tag, row in slots:
            self.add("type_slots", tag, row)
        for url in sorted(self.value_sets):
            self.value_set(url)
        self.add_searches()


def quoted(text):
    out = []
    for byte in text.encode():
        char = chr(byte)
        out.append(char if 32 <= byte < 127 and char not in '"\\?' else "\\%03o" % byte)
    return '"' + "".join(out) + '\\0"'


ARRAYS = (
    ("struct definition_type", "types"), ("struct definition_element", "elements"),
    ("struct definition_choice", "choices"), ("struct definition_constraint", "constraints"),
    ("uint16_t", "constraint_lists"), ("struct definition_presence", "presences"),
    ("uint16_t", "presence_lists"), ("uint16_t", "targets"),
    ("struct definition_value_set", "value_sets"), ("struct definition_code", "codes"),
    ("struct definition_slot", "slots"), ("struct definition_slot", "type_slots"),
    ("struct definition_search", "searches"),
    ("struct definition_search_component", "search_components"))


def write(tables, path):
    out = ["/* Made by fhir/model/definitions/generate.py from the FHIR R4 definitions: do not edit. */",
           '#include "fhir/model/definitions.h"', "", "const char definition_words[] ="]
    out += ["    " + quoted(text) for text in tables.words.texts]
    out[-1] += ";"
    for kind, name in ARRAYS:
        assert len(tables.rows[name]) < 1 << (32 if name == "slots" else 16), name
        out.append("const %s definition_%s[] = {" % (kind, name))
        out += ["    " + row + "," for row in tables.rows[name]]
        out.append("};")
    for name, table in (("type", "types"), ("constraint", "constraints"),
                        ("value_set", "value_sets"), ("search", "searches")):
        out.append("const unsigned definition_%s_count = %d;" % (name, len(tables.rows[table])))
    out.append("const unsigned definition_type_slot_mask = %d;" % tables.type_mask)
    pathlib.Path(path).write_text("\n".join(out) + "\n")


def main():
    folder = pathlib.Path(sys.argv[1])
    data = [json.loads((folder / (name + ".json")).read_text())
            for name in ("structures", "valuesets", "search-parameters", "valuesets-extra")]
    structures, value_sets, searches, extra = data
    tables = Tables(structures, {**value_sets, **extra}, searches)
    tables.build()
    write(tables, sys.argv[2])


if __name__ == "__main__":
    main()
