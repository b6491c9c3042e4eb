"""The Debian package, installed into a copy of this machine that is thrown away: the user it makes, what a person does
first, the unit that systemd would run."""
import pathlib
import shutil
import subprocess

import pytest

from conftest import not_run
from practice import PROGRAM, ROOT

BUILD = PROGRAM.resolve().parent

# Runs a shell script in a copy of the root file system: writes go to a tmpfs of this mount namespace.
INSIDE = """
set -eu
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mount -t proc proc /mnt/root/proc
mount --bind /dev /mnt/root/dev
mount -t tmpfs tmpfs /mnt/root/tmp
mount -t tmpfs tmpfs /mnt/root/run
cp "$1" /mnt/root/tmp/refgate.deb
exec chroot /mnt/root /bin/bash -eu -c "$2" 2>&1
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if not (BUILD / "CPackConfig.cmake").is_file() or not shutil.which("cpack"):
        not_run("no CPack configuration beside the program")
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(["cmake", "--build", BUILD, "--target", "printed"], check=True, capture_output=True)
    subprocess.run(["cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", folder], check=True,
                   capture_output=True, cwd=BUILD)
    return next(folder.glob("*.deb"))


@pytest.fixture(scope="module")
def inside(package):
    def run(script):
        return subprocess.run(["unshare", "--mount", "--fork", "bash", "-c", INSIDE, "inside", package, script],
                              capture_output=True, text=True, timeout=180)

    probe = run("true")
    if probe.returncode != 0:
        not_run(f"no overlay of / in a mount namespace: {(probe.stdout + probe.stderr).strip()[-200:]}")
    return run


def test_what_is_in_it(package):
    listed = subprocess.run(["dpkg-deb", "-c", package], check=True, capture_output=True, text=True).stdout
    for path in ("usr/bin/refgate", "usr/lib/systemd/system/refgate.service", "usr/share/man/man1/refgate.1.gz",
                 "usr/share/bash-completion/completions/refgate", "usr/share/doc/refgate/operations.md",
                 "usr/share/doc/refgate/copyright", "usr/share/doc/refgate/changelog.gz",
                 "usr/share/doc/refgate/how-to-connect.md", "usr/share/doc/refgate/examples/settings.yaml"):
        assert f"./{path}\n" in listed, path
    assert all(line.split()[1] == "root/root" for line in listed.splitlines())
    about = subprocess.run(["dpkg-deb", "-f", package, "Depends"], check=True, capture_output=True, text=True).stdout
    assert "libssl3" in about and "adduser" in about


def test_lintian_finds_nothing(package):
    if not shutil.which("lintian"):
        not_run("no lintian")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", package], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout


def test_installed_used_and_removed(inside):
    done = inside("""
        dpkg -i /tmp/refgate.deb
        getent passwd refgate
        stat -c '%U %a' /var/lib/refgate
        export REFGATE_DIR=/var/lib/refgate
        refgate init /var/lib/refgate --org willow --listen 127.0.0.1:18443
        chown -R refgate:refgate /var/lib/refgate
        refgate check
        refgate serve --ready-fd 3 3>/tmp/ready 2>/tmp/log &
        for i in $(seq 100); do [ -s /tmp/ready ] && break; sleep 0.1; done
        cat /tmp/ready
        ps -o user= -p $!
        refgate reload
        kill $!
        wait $! && echo stopped well
        ls -l /var/lib/refgate | tail -n +2 | awk '{print $3}' | sort -u
        dpkg -r refgate
        dpkg -P refgate
        ls /var/lib/refgate/settings.yaml
        test ! -e /usr/bin/refgate && echo gone
    """)
    said = done.stdout
    assert done.returncode == 0, said
    assert "sudo -u refgate refgate init" in said
    assert "refgate 700" in said and "All is well" in said
    assert "ready 18443" in said and "\nrefgate\n" in said and "Reloading" in said and "stopped well" in said
    assert "is kept" in said and said.rstrip().endswith("gone")


def test_the_unit_is_sound(inside):
    if not shutil.which("systemd-analyze"):
        not_run("no systemd-analyze")
    done = inside("""
        dpkg -i /tmp/refgate.deb >/dev/null
        systemd-analyze verify --man=no /usr/lib/systemd/system/refgate.service
        systemd-analyze security --offline=yes --threshold=20 /usr/lib/systemd/system/refgate.service | tail -1
    """)
    assert done.returncode == 0, done.stdout
    assert "refgate.service:" in done.stdout and "OK" in done.stdout, done.stdout
    print(done.stdout)


def test_the_documents_of_the_package_stand_alone(package):
    for path in (ROOT / "packaging").rglob("*"):
        if path.is_file():
            assert "/work/" not in path.read_text(), path
    assert pathlib.Path(ROOT / "packaging" / "Containerfile").read_text().count("FROM ") == 2
