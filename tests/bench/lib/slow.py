"""Cores that are slow: each thread of a process may use only a share of one, all of them together so many shares. On a
machine with too few cores the rest of each is left to whoever makes the load. By the cpu controller of cgroup v1."""
import os
import pathlib

CONTROLLER = pathlib.Path("/sys/fs/cgroup/cpu")
PERIOD_US = 10000


def why_not():
    """Why cores cannot be made slow here; None when they can."""
    if not (CONTROLLER / "cgroup.procs").exists():
        return f"no cgroup v1 controller at {CONTROLLER}"
    if not os.access(CONTROLLER, os.W_OK):
        return f"{CONTROLLER} is not ours to write"
    return None


def _group(folder, share):
    folder.mkdir()
    (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
    (folder / "cpu.cfs_quota_us").write_text(str(int(share * PERIOD_US)))
    return folder


class Cores:
    """So many cores of SHARE each for the threads that process PID has now."""

    def __init__(self, pid, cores, share):
        self.root = _group(CONTROLLER / f"refgate-bench-{pid}", cores * share)
        for thread in os.listdir(f"/proc/{pid}/task"):
            (_group(self.root / f"thread-{thread}", share) / "tasks").write_text(thread)

    def close(self):
        """Once the process has ended."""
        for folder in self.root.glob("thread-*"):
            folder.rmdir()
        self.root.rmdir()
