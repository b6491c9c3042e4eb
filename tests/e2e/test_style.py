"""The check of the tree's rules finds what it promises to find."""
import subprocess

import pytest

from practice import ROOT

HEAD = "/* x: a file for this test. */\n"


TABLE = "cmake/rooms.cmake"


@pytest.fixture
def tree(tmp_path):
    """A tree of no sources, with the rooms of the true one."""
    put(tmp_path, TABLE, (ROOT / TABLE).read_text())
    return tmp_path


def check(root):
    done = subprocess.run([ROOT / "tools" / "check-layers", root], capture_output=True, text=True)
    return done.returncode, done.stdout


def put(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_clean_tree_passes(tree):
    put(tree, "fhir/map/x.c", HEAD + '#include "base/arena.h"\n#include <string.h>\n')
    put(tree, "gateway/outbound/x.c", HEAD + '#include "gateway/outbound/y.h"\n#include "fhir/message/message.h"\n')
    put(tree, "gateway/outbound/y.h", HEAD + '#ifndef X_H\n#include "gateway/store/store.h"\n#endif\n')
    put(tree, "gateway/main.c", HEAD + '#include "gateway/commands/table.h"\n')
    code, said = check(tree)
    assert (code, said) == (0, "check-layers: 4 files, 0 faults\n")


def test_a_table_of_rooms_that_is_not_bottom_up(tree):
    put(tree, TABLE, "room(base SEES config DOORS *)\nroom(config SEES base DOORS config.h)\n")
    code, said = check(tree)
    assert code == 1
    assert f"{TABLE}:1: found base sees config; expected a room that stands before it" in said


@pytest.mark.parametrize("path, line, words", [
    ("fhir/map/x.c", '#include "gateway/runtime/log.h"', "what fhir/map may see (cmake/rooms.cmake)"),
    ("base/x.c", '#include "fhir/json/json.h"', "what base may see"),
    ("certs/io/x.c", '#include "config/config.h"', "what certs/io may see"),
    ("gateway/store/x.c", '#include "gateway/referral/track.h"', "what gateway/store may see"),
    ("gateway/outbound/x.c", '#include "gateway/store/rows.h"', "a door of gateway/store: store.h"),
    ("gateway/main.c", '#include "gateway/store/rows.h"', "a door of gateway/store: store.h"),
    ("gateway/x.c", '#include "base/arena.h"', "this file in a room of cmake/rooms.cmake"),
    ("base/x.c", '#include "nowhere/x.h"', "a header of a room of cmake/rooms.cmake"),
    ("gateway/listener/listen.c", "#include <curl/curl.h>", "only gateway/delivery/transmit_call.h and gateway/tls/fetch.c may include it"),
    ("fhir/x.c", "#include <cjson/cJSON.h>", "only fhir/json/json.c may include it"),
    ("gateway/x.c", "#include <sqlite3.h>", "only gateway/store/ may include it"),
    ("config/config.c", "#include <yaml.h>", "only config/entry.c may include it"),
    ("fhir/x.c", "#include <unistd.h>", "touches no file, clock, randomness or log"),
    ("fhir/x.c", 'void f(void) { printf("x"); }', "touches no file, clock, randomness or log"),
    ("base/x.c", "void f(char *a) { strcpy(a, a); }", "found `strcpy(`"),
    ("base/x.c", "int f(char *a) { return atoi(a); }", "found `atoi(`"),
    ("base/x.c", "typedef struct x x;", "the plain tag"),
    ("base/x.c", "/* TO" + "DO: later */", "the work done, or an issue"),
    ("base/x.c", "int\tx;", "expected spaces"),
    ("base/x.c", "int x; ", "no space at the end"),
])
def test_each_rule_finds_its_fault(tree, path, line, words):
    put(tree, path, HEAD + line + "\n")
    code, said = check(tree)
    assert code == 1
    assert f"{path}:2: " in said and words in said


def test_a_file_without_a_head_and_a_header_without_a_guard(tree):
    put(tree, "base/x.h", "int x;\n")
    code, said = check(tree)
    assert code == 1
    assert "no comment at the head" in said and "no include guard" in said
    assert said.endswith("check-layers: 1 files, 2 faults\n")


def test_words_in_comments_and_texts_are_no_calls(tree):
    put(tree, "base/x.c", HEAD + '/* strcpy( is banned */\nconst char *x = "strcpy(";\n')
    assert check(tree)[0] == 0
