"""An init that was broken off at any moment is run again and ends well; keys that are there are never replaced."""
import subprocess

import pytest

import shim as shims
from conftest import not_run
from practice import PROGRAM, refgate

KEYS = ("ca/ca.key", "ca/ca.crt", "keys/gateway.key", "keys/gateway.crt", "keys/ca.crt")


def init(folder, environment=None):
    words = [PROGRAM, "init", folder, "--org", "willow", "--listen", "127.0.0.1:18443"]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)


def keys_of(folder):
    return {name: (folder / name).read_bytes() for name in KEYS if (folder / name).exists()}


def test_init_killed_at_every_write_is_run_again(tmp_path):
    if shims.why_not():
        not_run(shims.why_not())
    for after in range(300):
        folder = tmp_path / f"willow-{after}"
        shim = shims.Shim(tmp_path, f"init-{after}")
        shim.order(shims.WRITES | shims.SYNCS, shims.KILL_BEFORE, after=after)
        killed = init(folder, shim.environment).returncode != 0
        shim.close()
        before = keys_of(folder)
        if killed:
            again = init(folder)
            assert again.returncode == 0, (after, again.stderr)
        after_it = keys_of(folder)
        assert set(after_it) == set(KEYS)
        assert {name: after_it[name] for name in before} == before, after
        if after % 5 == 0:
            checked = refgate("check", "-d", folder, expect=None)
            assert checked.returncode == 0, (after, checked.stderr)
        if not killed:
            assert init(folder).returncode == 2  # what is finished is not begun again
            return
    pytest.fail("init writes more often than expected")


def test_foreign_keys_are_never_replaced(tmp_path):
    for name in KEYS:
        folder = tmp_path / name.replace("/", "-")
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("theirs")
        done = init(folder)
        assert done.returncode == 2 and "never replaced" in done.stderr
        assert (folder / name).read_text() == "theirs"
        assert not (folder / "settings.yaml").exists()


def test_another_init_does_not_go_on_with_this_one(tmp_path):
    folder = tmp_path / "willow"
    folder.mkdir()
    (folder / ".init").write_text("harbor 0.0.0.0:8443\n")
    done = init(folder)
    assert done.returncode == 2 and "harbor" in done.stderr and "--org" in done.stderr
