"""What end-to-end tests share. Helpers live in tests/lib (practice, records, wire); fixtures here.

A test that needs what the machine lacks calls not_run(WHY): it is printed and never counted as passed.
"""
import contextlib
import pathlib
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import practice  # noqa: E402
from practice import EXAMPLES, PATIENCE, PROGRAM, ROOT, Gateway, refgate, wait_for  # noqa: E402,F401


def not_run(why):
    """Leaves the test: it is shown as skipped with the words `not run: WHY`."""
    print(f"not run: {why}")
    pytest.skip(f"not run: {why}")


@pytest.fixture(scope="session", autouse=True)
def program():
    assert PROGRAM.is_file(), f"no {PROGRAM}; run ./dev build"
    return PROGRAM


@pytest.fixture
def make_gateway(tmp_path):
    """make_gateway("willow"): a new data folder with the sample directory; stopped at the end."""
    made = []

    def make(org, *options):
        made.append(practice.make_gateway(tmp_path / org, *options))
        return made[-1]

    yield make
    for gateway in made:
        with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
            gateway.stop(signal.SIGKILL)


@pytest.fixture
def make_town(tmp_path):
    """make_town("willow", "lakeside", loops=2): practices that know each other, with settings; started
    unless start=False. At the end each must stop well and have no patient data in its log."""
    made = []

    def make(*names, start=True, **settings):
        town = practice.make_town(tmp_path / f"town{len(made)}", *names, **settings)
        made.extend(town)
        for one in town if start else ():
            one.start()
        return town

    yield make
    practice.end_town(made)
