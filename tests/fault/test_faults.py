"""A few rounds of every fault of the catalogue (tests/fault/faults.py; `./dev soak` runs them for long): nothing that
was accepted is lost, nothing takes effect twice, and work goes on."""
import pytest

import faults
from e2e_conftest import not_run
from practice import PATIENCE


@pytest.mark.parametrize("fault, rounds", faults.FAULTS, ids=lambda value: getattr(value, "__name__", None))
def test_nothing_is_lost_and_nothing_twice(fault, rounds, tmp_path):
    try:
        result = faults.run(fault, tmp_path / "room", seed=20261123, rounds=rounds)
    except faults.NotRun as why:
        not_run(why)
    assert result.tried > 0 and result.accepted > 0, result
    assert (result.lost, result.doubled) == (0, 0), result
    assert result.recovered < 20 * PATIENCE, result
