"""The check of the pages finds a path, a link and a function that are not there."""
import subprocess

import pytest

from practice import ROOT


def check(root):
    done = subprocess.run([ROOT / "tools" / "check-docs", root], capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "x.c").write_text("int x_make(void)\n{\n    return 1;\n}\n")
    return tmp_path


@pytest.mark.parametrize("text", [
    "# A page\n\n`base/x.c:3` and [here](#a-page)\n",
    "| step | `base/x.c` | `x_make()` |\n",
    "`tests/fuzz/NAME_fuzz.c`\n\n```sh\nls [x](gone.md) `base/gone.c`\n```\n",
])
def test_a_page_that_speaks_of_what_is_there_passes(tree, text):
    (tree / "docs" / "tour.md").write_text(text)
    assert check(tree) == (0, "check-docs: 1 pages, 0 faults\n")


@pytest.mark.parametrize("text, words", [
    ("\n`base/gone.c`\n", "found `base/gone.c`, which does not exist"),
    ("\n[x](gone.md)\n", "found a link to gone.md"),
    ("\n[x](#gone)\n", "found a link to #gone"),
    ("\n| `base/x.c` | `x_gone()` |\n", "found `x_gone()`"),
    ("\n`x_make()` is not beside\n\nits file, `base/x.c`\n", "found `x_make()`"),
])
def test_each_rule_finds_its_fault(tree, text, words):
    (tree / "docs" / "tour.md").write_text(text)
    code, said = check(tree)
    assert code == 1 and said.startswith("docs/tour.md:2: ") and words in said


def test_decisions_are_numbered_without_a_gap(tree):
    folder = tree / "docs" / "decisions"
    folder.mkdir()
    text = "Accepted 2026-12-01.\n\n**Decision.** a\n\n**Why.** b\n\n**Consequences.** c\n"
    (folder / "README.md").write_text("[1](0001-a.md)\n")
    (folder / "0001-a.md").write_text("# 0001. A\n\n" + text)
    assert check(tree)[0] == 0
    (folder / "0003-b.md").write_text("# 0003. B\n\n" + text.replace("**Why.**", ""))
    code, said = check(tree)
    assert code == 1 and "found no row in docs/decisions/README.md" in said
    assert "expected 0002 in its name" in said and "found no **Why.**" in said
