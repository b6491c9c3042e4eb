"""What end-to-end tests share. Helpers live in tests/lib (practice, records, wire); fixtures here.

A test that needs what the machine lacks calls not_run(WHY): it is printed and never counted as passed.
"""
import contextlib
import http.server
import pathlib
import signal
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import practice  # noqa: E402
from practice import PROGRAM  # noqa: E402


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


@pytest.fixture
def list_server():
    """Serves the files of a dictionary {path: bytes or status}; yields (files, base URL, asked paths)."""
    files, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            found = files.get(self.path, 404)
            self.send_response(found if isinstance(found, int) else 200)
            body = b"" if isinstance(found, int) else found
            if found == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield files, f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()
