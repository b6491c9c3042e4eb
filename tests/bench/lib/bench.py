"""What the measurements share: two practices, unique messages between them, nginx beside the receiver, the
load generator, tables of ratios and their JSON.

Every figure is taken beside its reference in the same run: the server on core 0, the load generator on core 1,
the same certificates, the same bytes. CPU microseconds a request (user and system time of the whole server
process, all threads) is the figure to trust on a shared machine; requests a second depend on the neighbours.
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "lib"))

import practice  # noqa: E402

LOADGEN = ROOT / "build" / "loadgen"
RESULTS = ROOT / ".cache" / "bench"
SERVER_CORE, LOAD_CORE = 0, 1
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBER = "100000000001"


def pin(core):
    """For preexec_fn: the process runs on CORE only; on a machine with one core, on that."""
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[core % len(cores)]})


# ---- who talks ----

@contextlib.contextmanager
def pair(**settings):
    """SENDER and RECEIVER that know each other; the receiver runs on core 0. Their folder lies on the disk that
    BENCH_DIR names, by default that of .cache."""
    place = pathlib.Path(os.environ.get("BENCH_DIR", RESULTS))
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        sender, receiver = (practice.make_gateway(pathlib.Path(folder) / name) for name in ("lakeside", "willow"))
        receiver.settings(time_zone="UTC", **settings)
        practice.introduce(sender, receiver)
        practice.introduce(receiver, sender)
        try:
            yield sender, receiver
        finally:
            receiver.stop()


def start(gateway, cores=(SERVER_CORE,)):
    """Starts GATEWAY's service on CORES."""
    mine = sorted(os.sched_getaffinity(0))
    chosen = {mine[core % len(mine)] for core in cores}
    return gateway.start(preexec_fn=lambda: os.sched_setaffinity(0, chosen))


def forget(gateway):
    """Stops GATEWAY and empties its store."""
    gateway.stop()
    for path in [*gateway.folder.glob("store.*"), *(gateway.folder / "records" / "in").iterdir()]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


# ---- what is said ----

def minimal_record():
    """A referral with what is required and no more."""
    return {"record": "referral", "record_id": f"LFP-{_NUMBER}", "written_at": "2026-11-20T10:00:00Z",
            "written_by": "osei", "client_id": f"C-{_NUMBER}", "client_family_name": "Varga",
            "client_given_names": "Lena", "client_birth_date": "1978-12-24", "referred_to": "willow",
            "service": "massage-therapy",
            "reason": "Low back stiffness after a fall; walks with pain, no red flags."}


def full_record():
    """Sample record 01, with nearly every field."""
    record = json.loads(next((ROOT / "config/examples/records").glob("01-*.json")).read_text())
    return {**record, "record_id": f"LFP-{_NUMBER}", "client_id": f"C-{_NUMBER}"}


RECORDS = {"minimal": minimal_record, "full": full_record}


def template(sender, name):
    """The message Bundle of a record as a template file of loadgen: every UUID, the order number and the client's
    number are placeholders, so no two messages have anything in common that should be unique."""
    bundle = json.loads(sender.bundles(RECORDS[name]())[0])
    text = json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).replace(_NUMBER, "{{n}}")
    uuids = {}
    text = _UUID.sub(lambda found: "{{uuid%s}}" % (uuids.setdefault(found[0], len(uuids)) or ""), text)
    assert text.count("{{n}}") >= 2 and 1 < len(uuids) < 128
    path = sender.folder.parent / f"{name}.template"
    path.write_text(text)
    return path


# ---- the load ----

_first = 0


def load(url, sender, receiver, expect=200, **options):
    """Runs loadgen as SENDER against RECEIVER's certificate; its JSON. Options are loadgen's."""
    global _first
    _first += 10_000_000_000
    words = [LOADGEN, "--url", url, "--cert", sender.folder / "keys/gateway.crt", "--key",
             sender.folder / "keys/gateway.key", "--ca", receiver.folder / "keys/ca.crt",
             "--expect", expect, "--first", _first]
    for key, value in options.items():
        words += [f"--{key}", value]
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True,
                          preexec_fn=pin(LOAD_CORE), check=False)
    if done.returncode != 0:
        print(f"bench: not clean: {' '.join(map(str, words))}\n{done.stdout}", file=sys.stderr)
    assert done.stdout, "loadgen said nothing"
    return {**json.loads(done.stdout), "clean": done.returncode == 0}


def post(sender, receiver, body, connections, seconds):
    """Messages from SENDER into RECEIVER's inbox, each answered after its commit."""
    return load(f"https://127.0.0.1:{receiver.port}/fhir/$process-message", sender, receiver, body=body,
                connections=connections, seconds=seconds, watch=receiver.service.pid)


# ---- the reference ----

class Nginx:
    """Debian's nginx with one worker on core 0: the same certificates and the same TLS as the receiver. `/read`
    takes the whole body into memory and answers 201, `/hs` answers 204; nothing is checked, nothing stored."""

    MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")

    def __init__(self, sender, receiver):
        self.sender, self.receiver = sender, receiver
        self.port = practice.free_port()
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=receiver.folder.parent, prefix="nginx-"))
        self.master = self.worker = None

    def settings(self):
        keys, theirs, here = self.receiver.folder / "keys", self.sender.folder / "keys", self.folder
        return f"""
load_module {self.MODULE};
user {'root' if os.geteuid() == 0 else 'nobody'};
daemon off; master_process on; pid {here}/pid; error_log {here}/error.log warn;
worker_processes 1; worker_rlimit_nofile 20000;
events {{ worker_connections 15000; multi_accept on; use epoll; }}
http {{
  access_log off; server_tokens off; tcp_nodelay on; sendfile off;
  keepalive_timeout 600s; keepalive_requests 1000000000;
  client_body_in_single_buffer on; client_body_buffer_size 64k; client_max_body_size 1m;
  client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi;
  uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
  ssl_protocols TLSv1.3; ssl_session_cache off; ssl_session_tickets off; ssl_ecdh_curve X25519:prime256v1;
  server {{
    listen 127.0.0.1:{self.port} ssl backlog=4096;
    ssl_certificate {keys}/gateway.crt; ssl_certificate_key {keys}/gateway.key;
    ssl_client_certificate {theirs}/ca.crt; ssl_verify_client on; ssl_verify_depth 3;
    location = /hs {{ return 204; }}
    location = /read {{ echo_read_request_body; echo_status 201; echo -n ""; }}
    location / {{ return 404; }}
  }}
}}
"""

    def __enter__(self):
        path = self.folder / "nginx.conf"
        path.write_text(self.settings())
        self.master = subprocess.Popen(["nginx", "-c", path, "-p", self.folder, "-e", self.folder / "error.log"],
                                       preexec_fn=pin(SERVER_CORE))
        practice.wait_for(lambda: practice.is_listening(self.port), 10, "nginx listens")
        children = pathlib.Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children")
        self.worker = int(practice.wait_for(lambda: children.read_text().split(), 5, "a worker of nginx")[0])
        return self

    def __exit__(self, *_):
        self.master.send_signal(signal.SIGQUIT)
        try:
            self.master.wait(10)
        except subprocess.TimeoutExpired:
            self.master.terminate()
            self.master.wait(10)

    def run(self, path, expect, **options):
        return load(f"https://127.0.0.1:{self.port}{path}", self.sender, self.receiver, expect=expect,
                    watch=self.worker, **options)

    def post(self, body, connections, seconds):
        return self.run("/read", 201, body=body, connections=connections, seconds=seconds)


# ---- figures ----

def middle(values):
    """The median; of an even number the lower."""
    return sorted(values)[(len(values) - 1) // 2]


def median_run(runs):
    """The run whose CPU a request is the median of all."""
    return sorted(runs, key=lambda run: run["server"]["cpu_us_each"])[(len(runs) - 1) // 2]


def table(title, heads, rows):
    """Prints a table; numbers with what digits they need."""
    def text(value):
        if isinstance(value, float):
            return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
        return str(value)
    lines = [[text(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    print(f"\n{title}")
    for line in [heads, *lines]:
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))))
    sys.stdout.flush()


def machine():
    """What the figures were taken on."""
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                            check=False).stdout.strip()
    return {"at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": commit,
            "cpu": model, "cores": os.cpu_count(), "kernel": platform.release(),
            "load_before": os.getloadavg()[0]}


def write(name, figures):
    """Writes .cache/bench/NAME.json."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"written: {path.relative_to(ROOT)}")


def arguments(about, **defaults):
    """--KEY VALUE for each of DEFAULTS."""
    parser = argparse.ArgumentParser(description=about)
    for key, value in defaults.items():
        parser.add_argument(f"--{key}", type=type(value), default=value, help=f"default {value}")
    return parser.parse_args()
