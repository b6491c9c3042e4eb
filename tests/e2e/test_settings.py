"""Settings as a person meets them: what `init` writes is taken, and every mistake is named before it
matters."""
import os
import re
import subprocess

import practice
from practice import ROOT, refgate


def test_a_fresh_folder_passes_the_check(make_gateway):
    willow = make_gateway("willow")
    settings = (willow.folder / "settings.yaml").read_text()
    assert "\norg: willow\n" in settings
    assert f"\nlisten: 127.0.0.1:{willow.port}\n" in settings
    assert oct((willow.folder / "keys" / "gateway.key").stat().st_mode & 0o777) == "0o600"
    willow.run("check")


def test_init_never_overwrites(make_gateway):
    willow = make_gateway("willow")
    key = (willow.folder / "keys" / "gateway.key").read_bytes()
    again = refgate("init", willow.folder, "--org", "willow", expect=None)
    assert again.returncode != 0
    assert (willow.folder / "keys" / "gateway.key").read_bytes() == key


def test_the_check_names_file_line_key_and_nearest_word(make_gateway):
    willow = make_gateway("willow")
    path = willow.folder / "settings.yaml"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, "first_retri_ms: 500", "log_level: loud", ""]))
    found = willow.run("check", expect=None)
    assert found.returncode != 0
    said = found.stdout + found.stderr
    assert f"settings.yaml:{len(lines) + 1}: first_retri_ms: found an unknown key" in said
    assert "did you mean first_retry_ms" in said
    assert f"settings.yaml:{len(lines) + 2}: log_level: found loud; expected one of debug" in said


def test_a_faulty_file_is_refused_at_start(make_gateway):
    willow = make_gateway("willow")
    with open(willow.folder / "settings.yaml", "a") as settings:
        settings.write("loops: many\n")
    found = willow.run("serve", expect=None)
    assert found.returncode != 0
    assert "loops: found many; expected a number of loops from 1 to 64" in found.stderr


def test_the_environment_wins_and_a_misspelt_variable_is_refused(make_gateway):
    willow = make_gateway("willow")
    environment = {**os.environ, "REFGATE_LOG_LEVEL": "debug"}
    willow.run("check", env=environment)
    environment["REFGATE_LOG_LEVLE"] = "debug"
    found = willow.run("check", expect=None, env=environment)
    assert found.returncode != 0
    assert "log_levle: found an unknown key" in found.stdout + found.stderr


def test_every_setting_has_a_reader():
    """A setting that nobody reads would be trusted and do nothing."""
    table = (ROOT / "config" / "option.def").read_text()
    keys = re.findall(r"^(?:TEXT|LIST|WORD|SET|FLAG|COUNT|BYTES|TIME)\((\w+),", table, re.M)
    sources = "".join(path.read_text() for path in (ROOT / "gateway").rglob("*.c"))
    assert len(keys) > 20
    assert [key for key in keys if not re.search(rf"(\.|->){key}\b", sources)] == []


def test_the_service_follows_the_environment(make_gateway):
    """What a container sets: it goes before the file, and `settings` says where each value came from."""
    willow = make_gateway("willow")
    port = practice.free_port()
    environment = {**os.environ, "REFGATE_LISTEN": f"127.0.0.1:{port}", "REFGATE_FIRST_RETRY_MS": "777",
                   "REFGATE_SERVER_NAMES": "a.example,b.example", "REFGATE_LOG_FORMAT": "text"}
    shown = willow.run("settings", env=environment).stdout
    for key, value in (("listen", f"127.0.0.1:{port}"), ("first_retry_ms", "777"),
                       ("server_names", "[a.example, b.example]")):
        line, = [line for line in shown.splitlines() if line.split()[0] == key]
        assert value in line and "environment" in line, line
    willow.start(env=environment)
    assert willow.port == port
    assert '"event"' not in willow.log() and "ready" in willow.log()
    before = willow.log().count("reloaded")
    willow.run("reload")
    practice.wait_for(lambda: willow.log().count("reloaded") > before, 10, willow.log)
    assert willow.stop() == 0
    found = willow.run("serve", expect=7, env={**environment, "REFGATE_FIRST_RETRY_MS": "soon"})
    assert "first_retry_ms: found soon" in found.stderr, found.stderr
    assert "environment" in found.stderr or "REFGATE_FIRST_RETRY_MS" in found.stderr, found.stderr


def test_a_secret_by_file(make_gateway):
    """An encrypted key is opened by the first line of a file; each fault of that file is named, never its content."""
    willow = make_gateway("willow")
    key, secret = willow.folder / "keys" / "gateway.key", willow.folder / "keys" / "secret"
    word = "correct horse"
    subprocess.run(["openssl", "pkcs8", "-topk8", "-in", key, "-out", willow.folder / "new", "-passout",
                    f"pass:{word}"], check=True, capture_output=True)
    key.write_bytes((willow.folder / "new").read_bytes())
    assert "ENCRYPTED" in key.read_text()

    def says(words):
        found = willow.run("check", expect=7).stderr
        assert words in found and word not in found, found

    says("no usable private key")
    willow.settings(key_passphrase_file="keys/secret")
    says("keys/secret")
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    says("passphrase file")
    secret.write_text("\n")
    says("no passphrase in the first line")
    secret.write_text(f"{word}\nmore\n")
    secret.chmod(0o640)
    says("others can use")
    secret.chmod(0o600)
    willow.run("check")
    willow.start()
    assert willow.stop() == 0 and word not in willow.log()
    willow.run("check", env={**os.environ, "REFGATE_KEY_PASSPHRASE_FILE": str(secret)})
