"""The check of the tree's rules finds what it promises to find."""
import subprocess

import pytest

from practice import ROOT

HEAD = "/* x: a file for this test. */\n"


def check(root):
    done = subprocess.run([ROOT / "tools" / "check-layers", root], capture_output=True, text=True)
    return done.returncode, done.stdout


def put(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_clean_tree_passes(tmp_path):
    put(tmp_path, "fhir/x.c", HEAD + '#include "base/arena.h"\n#include <string.h>\n')
    put(tmp_path, "gateway/outbound/send.c", HEAD + '#include "gateway/outbound/outbox.h"\n#include "fhir/x.h"\n')
    put(tmp_path, "gateway/outbound/outbox.h", HEAD + '#ifndef X_H\n#include "gateway/outbound/release.h"\n#endif\n')
    code, said = check(tmp_path)
    assert (code, said) == (0, "check-layers: 3 files, 0 faults\n")


@pytest.mark.parametrize("path, line, words", [
    ("fhir/x.c", '#include "gateway/runtime/log.h"', "fhir/ may include only base, fhir"),
    ("base/x.c", '#include "fhir/json/json.h"', "base/ may include only base"),
    ("certs/x.c", '#include "config/config.h"', "certs/ may include only base, certs"),
    ("gateway/inbound/admit.c", '#include "gateway/inbound/inbox.h"', "stages meet only in gateway/flow.c"),
    ("gateway/runtime/log.c", '#include "gateway/store/rows.h"', "it stands above this file"),
    ("gateway/store/x.c", '#include "gateway/referral/track.h"', "it stands above this file"),
    ("gateway/commands/x.c", '#include "gateway/service/service.h"', "it stands above this file"),
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
def test_each_rule_finds_its_fault(tmp_path, path, line, words):
    put(tmp_path, path, HEAD + line + "\n")
    code, said = check(tmp_path)
    assert code == 1
    assert f"{path}:2: " in said and words in said


def test_a_file_without_a_head_and_a_header_without_a_guard(tmp_path):
    put(tmp_path, "base/x.h", "int x;\n")
    code, said = check(tmp_path)
    assert code == 1
    assert "no comment at the head" in said and "no include guard" in said
    assert said.endswith("check-layers: 1 files, 2 faults\n")


def test_words_in_comments_and_texts_are_no_calls(tmp_path):
    put(tmp_path, "base/x.c", HEAD + '/* strcpy( is banned */\nconst char *x = "strcpy(";\n')
    assert check(tmp_path)[0] == 0
