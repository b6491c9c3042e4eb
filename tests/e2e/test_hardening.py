"""What the running service has given up: its rights, its user, writing outside of its folder."""
import os
import pwd
import shutil
import socket
import subprocess

import pytest

import records
from conftest import not_run
from practice import refgate, wait_for


def status(gateway):
    """The lines of /proc/PID/status of the service."""
    with open(f"/proc/{gateway.service.pid}/status") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def hardened(gateway):
    return next(line for line in gateway.log().splitlines() if '"hardened"' in line)


def test_no_new_privileges_and_no_core(make_town):
    willow, = make_town("willow")
    found = status(willow)
    assert found["NoNewPrivs"] == "1"
    if '"calls":"seccomp"' in hardened(willow):
        assert found["Seccomp"] == "2"
    with open(f"/proc/{willow.service.pid}/limits") as limits:
        core, = [line for line in limits if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]


PROBE = """#!/usr/bin/env python3
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
here = os.path.dirname(__file__)
said = []
for path in (os.path.join(here, "inside"), os.path.join(os.path.dirname(here), "outside"), "/tmp/refgate-outside"):
    try:
        open(path, "w").close()
        said.append("wrote")
    except OSError as fault:
        said.append(type(fault).__name__)
victim = os.path.join(os.path.dirname(here), "victim")
for empty in (lambda: os.truncate(victim, 0), lambda: os.close(os.open(victim, os.O_RDONLY | os.O_TRUNC))):
    try:
        empty()
        said.append("emptied")
    except OSError as fault:
        said.append(type(fault).__name__)
said.append("unshared" if libc.unshare(0x10000000) == 0 else f"errno {ctypes.get_errno()}")
open(os.path.join(here, "said"), "w").write(" ".join(said))
"""


@pytest.mark.parametrize("sandbox", ["true", "false"])
def test_what_it_runs_is_fenced_in_too(make_town, sandbox):
    willow, = make_town("willow", start=False, alarm_command="probe.py", sandbox=sandbox, watch_settle_ms=0)
    program = willow.folder / "probe.py"
    program.write_text(PROBE)
    program.chmod(0o755)
    (willow.folder.parent / "victim").write_text("kept")
    willow.start()
    if sandbox == "true" and ('"files":"landlock"' not in hardened(willow) or '"calls":"seccomp"' not in
                              hardened(willow)):
        not_run("this kernel has no Landlock or no seccomp")
    willow.settings(nonsense="1")  # an alarm: the reload is refused
    wait_for(lambda: (willow.folder / "said").exists(), 15, willow.log)
    said = wait_for((willow.folder / "said").read_text, 5, "the program has said it")
    if sandbox == "true":
        assert said == "wrote PermissionError PermissionError PermissionError PermissionError errno 1"
        assert (willow.folder.parent / "victim").read_text() == "kept"
    else:
        assert said.startswith("wrote wrote wrote")
        os.unlink("/tmp/refgate-outside")


def test_records_folders_that_are_links_stay_writable(make_town):
    willow, lakeside = make_town("willow", "lakeside", start=False)
    share = willow.folder.parent / "share"
    shutil.move(willow.folder / "records" / "in", share)
    (willow.folder / "records" / "in").symlink_to(share)
    for gateway in (willow, lakeside):
        gateway.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(referral := records.referral())
    lakeside.wait_status(referral["record_id"], "received")
    wait_for(lambda: willow.inbox(referral["record_id"]), 10, willow.log)


# ---- as root ----

@pytest.fixture
def owned(make_town):
    """A gateway of nobody's, below a folder that nobody can reach."""
    if os.geteuid() != 0:
        not_run("needs root")
    nobody = pwd.getpwnam("nobody")
    willow, = make_town("willow", start=False)
    for root, folders, files in os.walk(willow.folder):
        for name in [".", *folders, *files]:
            os.chown(os.path.join(root, name), nobody.pw_uid, nobody.pw_gid)
    above = willow.folder
    while above != above.parent:  # pytest's folders are closed
        above = above.parent
        if not os.stat(above).st_mode & 1:
            os.chmod(above, os.stat(above).st_mode | 1)
    return willow, nobody


def test_root_becomes_the_owner_of_the_folder(owned):
    willow, nobody = owned
    willow.settings(listen="127.0.0.1:443") if not taken(443) else None
    willow.start()
    found = status(willow)
    assert found["Uid"].split() == [str(nobody.pw_uid)] * 4 and found["Gid"].split() == [str(nobody.pw_gid)] * 4
    assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == 0
    assert '"user":"unprivileged"' in hardened(willow)
    willow.send(records.consent("willow", ["lakeside"]))
    willow.stop()
    willow.send(records.consent("willow", ["harbor"], client="C-2"))
    for name in set(os.listdir(willow.folder)) - {"service.log"}:  # the test's own
        assert os.stat(willow.folder / name).st_uid == nobody.pw_uid, name
    willow.run("cert", "renew")
    assert os.stat(willow.folder / "keys" / "gateway.key").st_uid == nobody.pw_uid


def taken(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_service_manager_is_told(make_town, tmp_path):
    willow, = make_town("willow", start=False)
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(20)
        willow.start(env={**os.environ, "NOTIFY_SOCKET": str(path)})
        assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"WATCHDOG=1"
        willow.stop()
        said = manager.recv(100)
        while said == b"WATCHDOG=1":
            said = manager.recv(100)
        assert said == b"STOPPING=1"


# ---- printed from the command table ----

def test_the_manual_page_names_every_command():
    page = refgate("--man").stdout
    for command in ("serve", "cert install", "partner test", "referrals accept", "cert authority revoke"):
        assert f'.SS "refgate {command}' in page
    checked = subprocess.run(["groff", "-man", "-ww", "-z", "-K", "utf8"], input=page, capture_output=True, text=True) \
        if shutil.which("groff") else not_run("no groff")
    assert checked.returncode == 0 and not checked.stderr, checked.stderr


@pytest.mark.parametrize("typed, offered", [
    (["ser"], ["serve"]), (["cert", ""], ["show", "install", "authority", "revoke"]), (["cert", "auth"], ["authority"]),
    (["cert", "authority", "s"], ["sign"]), (["partner", "test", "--js"], ["--json"]),
    (["cert", "install", "--pa"], ["--partner"])])
def test_the_shell_completes(tmp_path, typed, offered):
    script = tmp_path / "completion.bash"
    script.write_text(refgate("--completion", "bash").stdout)
    words = " ".join(f"'{word}'" for word in ["refgate", *typed])
    said = subprocess.run(["bash", "-c", f"source {script}; COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _refgate; "
                           "printf '%s\\n' \"${COMPREPLY[@]}\""], capture_output=True, text=True, check=True)
    found = said.stdout.split()
    assert not said.stderr and set(offered) <= set(found), found
    assert all(word.startswith(typed[-1]) for word in found)
