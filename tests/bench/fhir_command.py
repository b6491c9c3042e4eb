"""What `refgate validate FILE` takes as a command: wall and CPU time and memory of the whole process.

fhir_command.py REFGATE FILE...
"""
import os
import statistics
import sys
import time

RUNS = 50


def run(refgate, file):
    start = time.monotonic()
    child = os.posix_spawn(refgate, [refgate, "validate", file], os.environ,
                           file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) > 1:
        sys.exit("fhir_command: refgate could not read " + file)
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def main():
    refgate, *files = sys.argv[1:]
    for file in files:
        runs = [run(refgate, file) for _ in range(RUNS)]
        wall, cpu, memory = zip(*runs)
        print("refgate validate %-24s %5.1f ms (fastest %.1f), CPU %.1f ms, %d KB" % (
            os.path.basename(file), statistics.median(wall) * 1e3, min(wall) * 1e3,
            statistics.median(cpu) * 1e3, max(memory)))


main()
