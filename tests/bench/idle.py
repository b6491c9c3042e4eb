#!/usr/bin/env python3
"""Memory of 10,000 idle mutual TLS connections, beside nginx; then one request on each, all answered.

Resident memory of the process. Kernel sockets come on top and are the same for both."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import bench  # noqa: E402


def main():
    options = bench.arguments(__doc__, connections=10000, seconds=2.0)
    figures = {"machine": bench.machine()}
    asked = {"mode": "idle", "connections": options.connections, "seconds": options.seconds}
    with bench.pair(connections_max=2 * options.connections,
                    connections_per_partner_max=2 * options.connections) as (sender, receiver):
        with bench.Nginx(sender, receiver) as nginx:
            figures["nginx"] = nginx.run("/hs", 204, **asked)
        bench.start(receiver)
        figures["refgate"] = bench.load(f"https://127.0.0.1:{receiver.port}/fhir/metadata", sender, receiver,
                                        watch=receiver.service.pid, **asked)
    rows = []
    for name in ("nginx", "refgate"):
        run = figures[name]
        before, after = run["server"]["resident_kb"]
        run["kb_each"] = (after - before) / run["opened"]
        rows.append([name, run["opened"], before, after, run["kb_each"], run["answered"]])
    figures["ratio"] = figures["refgate"]["kb_each"] / figures["nginx"]["kb_each"]
    rows.append(["of nginx", "", "", "", figures["ratio"], ""])
    bench.table("idle mutual TLS connections", ["", "opened", "KB before", "KB with them", "KB each", "answered then"],
                rows)
    bench.write("idle", figures)


if __name__ == "__main__":
    main()
