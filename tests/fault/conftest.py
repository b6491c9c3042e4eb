"""Fault tests share the helpers and fixtures of the end-to-end tests."""
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "lib"), str(TESTS / "e2e"), str(TESTS / "fault")]
pytest_plugins = []

import importlib.util  # noqa: E402

_spec = importlib.util.spec_from_file_location("e2e_conftest", TESTS / "e2e" / "conftest.py")
e2e_conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(e2e_conftest)
sys.modules["e2e_conftest"] = e2e_conftest
program, make_gateway, make_town = (e2e_conftest.program, e2e_conftest.make_gateway, e2e_conftest.make_town)
