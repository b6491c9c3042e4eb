#!/usr/bin/env python3
"""Full TLS 1.3 handshakes with a client certificate, each followed by one request and a close, beside nginx with
the same certificates. No session is resumed on either side."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import bench  # noqa: E402


def main():
    options = bench.arguments(__doc__, rounds=3, seconds=5.0, connections=32)
    figures = {"machine": bench.machine(), "nginx": [], "refgate": []}
    asked = {"mode": "handshakes", "connections": options.connections, "seconds": options.seconds}
    with bench.pair() as (sender, receiver):
        bench.start(receiver)
        url = f"https://127.0.0.1:{receiver.port}/fhir/metadata"
        with bench.Nginx(sender, receiver) as nginx:
            for _ in range(options.rounds):
                figures["nginx"].append(nginx.run("/hs", 204, **asked))
                figures["refgate"].append(bench.load(url, sender, receiver, watch=receiver.service.pid, **asked))
    floor, our = bench.median_run(figures["nginx"]), bench.median_run(figures["refgate"])
    figures["ratio_cpu"] = floor["server"]["cpu_us_each"] / our["server"]["cpu_us_each"]
    figures["ratio_rate"] = our["per_second"] / floor["per_second"]
    rows = [[name, run["per_second"], run["server"]["cpu_us_each"], run["handshake_ms"]["p50"],
             run["handshake_ms"]["p99"]] for name, run in (("nginx", floor), ("refgate", our))]
    rows.append(["of nginx", figures["ratio_rate"], figures["ratio_cpu"], "", ""])
    bench.table("full handshakes with a client certificate", ["", "a second", "CPU us", "p50 ms", "p99 ms"], rows)
    bench.write("handshakes", figures)


if __name__ == "__main__":
    main()
