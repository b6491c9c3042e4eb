#!/usr/bin/env python3
"""Messages a second to a partner: one that is there, one that comes back to a long queue, and nine that are there
beside one that is not.

The partners are nginx with the TLS of a real one: it asks for our certificate, takes the whole message and answers
204 (custody taken), and writes down when each message of which referral came. So every figure is counted at the
receiving end, and so are order and doubles. The gateway has core 0 for itself, nginx core 1.
"""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import bench  # noqa: E402
import practice  # noqa: E402

FILL = bench.ROOT / "build" / "outbound_bench"
TICKS = os.sysconf("SC_CLK_TCK")


class Partners:
    """One nginx that stands for several partners, each with its own port and certificate."""

    def __init__(self, folder, sender, partners):
        self.folder, self.sender, self.partners = pathlib.Path(folder), sender, partners
        self.master = None

    def settings(self):
        servers = "".join(f"""
  server {{
    listen 127.0.0.1:{partner.port} ssl backlog=4096;
    ssl_certificate {partner.folder}/keys/gateway.crt; ssl_certificate_key {partner.folder}/keys/gateway.key;
    ssl_client_certificate {self.sender.folder}/keys/ca.crt; ssl_verify_client on; ssl_verify_depth 3;
    access_log {self.folder}/{partner.name}.log taken;
    location / {{ echo_read_request_body; echo_status 204; }}
  }}""" for partner in self.partners)
        return f"""
load_module {bench.Nginx.MODULE};
user {'root' if os.geteuid() == 0 else 'nobody'};
daemon off; master_process on; pid {self.folder}/pid; error_log {self.folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 4096; multi_accept on; use epoll; }}
http {{
  log_format taken '$msec $http_x_request_id $connection';
  server_tokens off; tcp_nodelay on; keepalive_timeout 600s; keepalive_requests 1000000000;
  client_body_in_single_buffer on; client_body_buffer_size 256k; client_max_body_size 8m;
  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/fastcgi; uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;
  ssl_protocols TLSv1.3; ssl_session_cache off; ssl_session_tickets off;{servers}
}}
"""

    def __enter__(self):
        path = self.folder / "nginx.conf"
        path.write_text(self.settings())
        self.master = subprocess.Popen(["nginx", "-c", path, "-p", self.folder, "-e", self.folder / "error.log"],
                                       preexec_fn=bench.pin(bench.LOAD_CORE))
        practice.wait_for(lambda: practice.is_listening(self.partners[0].port), 10, "nginx listens")
        return self

    def __exit__(self, *_):
        self.master.send_signal(signal.SIGTERM)
        self.master.wait(10)

    def count(self):
        total = 0
        for partner in self.partners:
            path = self.folder / f"{partner.name}.log"
            total += path.read_bytes().count(b"\n") if path.exists() else 0
        return total

    def taken(self):
        """{partner: [(time, message, connection)]}, each in the order it came."""
        rows = {}
        for partner in self.partners:
            path = self.folder / f"{partner.name}.log"
            lines = path.read_text().splitlines() if path.exists() else []
            rows[partner.name] = [(float(at), message, connection)
                                  for at, message, connection in (line.split() for line in lines)]
        return rows


@contextlib.contextmanager
def sender_and(names, **settings):
    """A gateway lakeside that knows partners of these NAMES, which are data folders only."""
    place = pathlib.Path(os.environ.get("BENCH_DIR", bench.RESULTS))
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        folder = pathlib.Path(folder)
        sender = practice.make_gateway(folder / "lakeside")
        sender.settings(time_zone="UTC", watch_files="false", **settings)
        partners = [practice.make_gateway(folder / name) for name in names]
        heads = (sender.folder / "directory.csv").read_text().splitlines()
        width = heads[0].count(",")
        rows = [line for line in heads if line.split(",")[0] not in ("willow", "lakeside")]
        rows = [line for line in rows if line.split(",")[1] != "clinic"]
        rows.insert(1, "lakeside,clinic,Lakeside,,,multi-specialty-clinic,9900000024,,,," "self")
        rows += [f"{name},clinic,{name}{',' * (width - 3)},{name}" for name in names]
        kept = {"lakeside", *names}
        rows = [rows[0]] + [row for row in rows[1:] if row.split(",")[0] in kept or row.split(",")[7] in kept]
        (sender.folder / "directory.csv").write_text("\n".join(rows) + "\n")
        for partner in partners:
            practice.introduce(sender, partner)
        try:
            yield sender, partners, folder
        finally:
            sender.stop()


def fill(sender, partners, messages, each):
    """Queues about MESSAGES, EACH of them to a referral, as many for each of PARTNERS; (how many, seconds it
    took)."""
    began = time.monotonic()
    referrals = max(messages // each // len(partners), 1) * len(partners)
    subprocess.run([FILL, sender.folder, str(referrals), str(each - 1), *(partner.name for partner in partners)],
                   check=True)
    return referrals * each, time.monotonic() - began


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wait_taken(nginx, count, seconds):
    end = time.monotonic() + seconds
    while nginx.count() < count:
        if time.monotonic() > end:
            print(f"bench: only {nginx.count()} of {count} within {seconds} s", file=sys.stderr)
            return False
        time.sleep(0.1)
    return True


def faults(sender, taken):
    """(messages that came before an earlier one of their referral, that came twice, that never came)"""
    sent = {message: (number, referral) for number, message, referral in sender.query(
        "SELECT id, message_id, referral FROM message WHERE direction='out' AND state='sent'")}
    overtook, doubled, seen, last = 0, 0, set(), {}
    for rows in taken.values():
        for _, message, _ in rows:
            number, referral = sent.get(message, (0, 0))
            overtook += number < last.get(referral, 0)
            last[referral] = max(number, last.get(referral, 0))
            doubled += message in seen
            seen.add(message)
    return overtook, doubled, len(sent.keys() - seen)


def settled(sender, count):
    practice.wait_for(lambda: sender.query("SELECT count(*) FROM message WHERE state='sent'")[0][0] >= count, 120,
                      "all is settled")


def figures_of(sender, nginx, cpu, count):
    """What came, and what it cost the gateway."""
    settled(sender, count)
    taken = nginx.taken()
    times = sorted(row[0] for rows in taken.values() for row in rows)
    seconds = times[-1] - times[0] if len(times) > 1 else 0.0
    overtook, doubled, missing = faults(sender, taken)
    return {"messages": len(times), "seconds": seconds, "per_second": (len(times) - 1) / seconds if seconds else 0.0,
            "cpu_us_each": cpu * 1e6 / max(len(times), 1), "overtook": overtook, "doubled": doubled,
            "missing": missing, "first": times[0] if times else 0.0,
            "connections": len({row[2] for rows in taken.values() for row in rows})}


def run(sender, partners, folder, count, patience):
    """From the start of the gateway with a full queue until all COUNT are there."""
    with Partners(folder, sender, partners) as nginx:
        bench.start(sender)
        before = cpu_seconds(sender.service.pid)
        wait_taken(nginx, count, patience)
        cpu = cpu_seconds(sender.service.pid) - before
        figures = figures_of(sender, nginx, cpu, count)
    return figures


# ---- the three cases ----

def steady(options):
    """A partner that is there, at several numbers of messages on their way to it."""
    cases = []
    for in_flight in (int(word) for word in options.in_flight.split(",")):
        with sender_and(["oak"], in_flight_per_partner_max=in_flight) as (sender, partners, folder):
            count, _ = fill(sender, partners, options.messages, 10)
            cases.append({"in_flight": in_flight, **run(sender, partners, folder, count, options.patience)})
    bench.table(f"{options.messages} messages to one partner that is there (nginx, TLS 1.3, asks for our certificate)",
                ["on their way", "a second", "CPU us each", "connections", "overtook", "doubled", "missing"],
                [[case["in_flight"], case["per_second"], case["cpu_us_each"], case["connections"], case["overtook"],
                  case["doubled"], case["missing"]] for case in cases])
    return cases


def drain(options):
    """The partner is away while a long queue waits, then it is back."""
    with sender_and(["oak"], first_retry_ms=500, retry_max_ms=2000) as (sender, partners, folder):
        count, filled = fill(sender, partners, options.queue, 10)
        bench.start(sender)
        pid = sender.service.pid
        practice.wait_for(lambda: "partner-down" in sender.log(), 60, "the partner is known to be away")
        before = cpu_seconds(pid)
        time.sleep(options.idle)
        idle = (cpu_seconds(pid) - before) / options.idle
        before = cpu_seconds(pid)
        with Partners(folder, sender, partners) as nginx:
            began = time.time()
            wait_taken(nginx, count, options.patience * 5)
            figures = figures_of(sender, nginx, cpu_seconds(pid) - before, count)
        figures.update(queue=count, fill_seconds=filled, idle_cpu=idle, noticed_after=figures["first"] - began,
                       resident_kb=sender.resident_kb())
    bench.table(f"{count} messages wait for a partner that is away, then it is back",
                ["seconds", "a second", "CPU us each", "noticed after s", "CPU while away", "overtook", "doubled",
                 "missing", "resident MB"],
                [[figures["seconds"], figures["per_second"], figures["cpu_us_each"], figures["noticed_after"],
                  f"{100 * idle:.2f} %", figures["overtook"], figures["doubled"], figures["missing"],
                  figures["resident_kb"] // 1024]])
    return figures


@contextlib.contextmanager
def silent(port):
    """A host that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", port), backlog=1024):
        yield


def one_beside_dead(case, options):
    with sender_and([f"oak{i}" for i in range(10)]) as (sender, partners, folder), contextlib.ExitStack() as stack:
        live, dead = partners[:9], partners[9]
        known = live if case == "nine" else partners
        count, _ = fill(sender, known, options.messages * len(known) // 9, 10)
        if case == "one is silent":
            stack.enter_context(silent(dead.port))
        return run(sender, live, folder, count * 9 // len(known), options.patience)


def beside_dead(options):
    """Nine partners alone; beside a tenth that refuses; beside a tenth that takes connections and is silent. The
    cases take turns; shown is the run of each whose CPU is the median."""
    runs = {case: [] for case in ("nine", "one refuses", "one is silent")}
    for _ in range(options.rounds):
        for case, done in runs.items():
            done.append(one_beside_dead(case, options))
    cases = {case: sorted(done, key=lambda figures: figures["cpu_us_each"])[(len(done) - 1) // 2]
             for case, done in runs.items()}
    alone = cases["nine"]
    bench.table("nine partners that are there, and a tenth that is not, with as much waiting for it",
                ["", "a second", "CPU us each", "of nine alone, rate", "of nine alone, CPU", "overtook", "doubled",
                 "missing"],
                [[name, case["per_second"], case["cpu_us_each"], case["per_second"] / alone["per_second"],
                  alone["cpu_us_each"] / case["cpu_us_each"], case["overtook"], case["doubled"], case["missing"]]
                 for name, case in cases.items()])
    return runs


def main():
    options = bench.arguments(__doc__, messages=10000, queue=100000, in_flight="8,32,128", idle=5.0, patience=120.0, rounds=3,
                              cases="steady,drain,beside_dead")
    figures = {"machine": bench.machine()}
    for name in options.cases.split(","):
        figures[name] = {"steady": steady, "drain": drain, "beside_dead": beside_dead}[name](options)
    bench.write("outbound", figures)


if __name__ == "__main__":
    main()
