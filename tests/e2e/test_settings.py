"""Settings as a person meets them: what `init` writes is taken, and every mistake is named before it
matters."""
import os
import re

from conftest import ROOT, refgate


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
    assert [key for key in keys if not re.search(rf"config(\.|->){key}\b", sources)] == []
