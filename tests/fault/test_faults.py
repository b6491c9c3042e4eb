"""A few rounds of every fault of the catalogue (`./dev soak` makes them for long): nothing that was accepted is lost,
nothing takes effect twice, and work goes on."""
import pathlib
import tempfile

import pytest

import catalogue
import disks
import room
from e2e_conftest import not_run
from practice import PATIENCE

@pytest.fixture
def short_path():
    """Like tmp_path; the control socket of a folder on a disk of its own needs a path of 90 letters."""
    with tempfile.TemporaryDirectory(prefix="refgate-") as folder:
        yield pathlib.Path(folder)


FAST = [(fault, rounds) for fault, rounds in catalogue.FAULTS if rounds > 0]


@pytest.mark.parametrize("fault, rounds", FAST, ids=lambda value: getattr(value, "__name__", None))
def test_nothing_is_lost_and_nothing_twice(fault, rounds, short_path):
    try:
        result = room.run(fault, short_path / "room", seed=20261123, rounds=rounds, crowd=300)
    except room.NotRun as why:
        not_run(why)
    assert result.tried > 0 and result.accepted > 0, result
    assert (result.lost, result.doubled) == (0, 0), result
    assert result.recovered < 20 * PATIENCE, result


def test_the_oracle_sees_what_a_lying_disk_loses(short_path):
    try:
        assert room.run(disks.lying_disk, short_path / "room", seed=1)
    except room.NotRun as why:
        not_run(why)
