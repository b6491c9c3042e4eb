"""System calls that fail when a test says so: orders for tests/fault/shim.c, which is loaded into a gateway."""
import errno
import mmap
import os
import pathlib
import struct

from practice import PROGRAM

WRITES, SYNCS, READS, GROWS, SENDS, RECEIVES = 1, 2, 4, 8, 16, 32
FAIL, HALF, SKIP, KILL_BEFORE, KILL_AFTER, BE_LATE = range(6)
FOREVER = 0xFFFFFFFF
ORDERS = struct.Struct("<IIIiIIIIIIq")  # as struct orders
LIBRARY = pathlib.Path(os.environ.get("FAULT_LIBRARY", PROGRAM.parent / "fault_shim.so"))


def why_not():
    """Why calls cannot fail here; None when they can."""
    if not LIBRARY.is_file():
        return f"no {LIBRARY.name} beside the program (target fault_shim; not for a sanitized build)"
    return None


class Shim:
    """One gateway's calls. Start it with env=shim.environment."""

    def __init__(self, folder, name):
        path = pathlib.Path(folder) / f"{name}.orders"
        path.write_bytes(bytes(ORDERS.size))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), ORDERS.size)
        self.environment = {**os.environ, "LD_PRELOAD": str(LIBRARY), "FAULT_SHIM": str(path)}
        self.clock_ms = 0

    def order(self, kinds, deed=FAIL, error=errno.EIO, after=0, times=1, every=1, late_ms=0):
        """From now on: the calls of KINDS, after AFTER have passed, each EVERY-th, TIMES times."""
        self.clear()
        self._write(0, kinds, deed, error, late_ms, every, after, times)
        self.map[0:4] = (1).to_bytes(4, "little")  # armed, last of all

    def clear(self):
        self.map[0:4] = bytes(4)
        self._write(0, 0, 0, 0, 0, 1, 0, 0)

    def move_clock(self, seconds):
        self.clock_ms = int(seconds * 1000)
        self.map[ORDERS.size - 8:ORDERS.size] = self.clock_ms.to_bytes(8, "little", signed=True)

    @property
    def made(self):
        """How many calls were struck since the last order."""
        return ORDERS.unpack(self.map[:])[9]

    def _write(self, *words):
        self.map[:] = ORDERS.pack(*words, 0, 0, self.clock_ms)

    def close(self):
        self.map.close()
        self.file.close()
