"""Disks that fail: a disk with a write cache, made of ext4 on loop devices, whose power is cut by the file system's own
ioctl, and a small file system in memory. Both need root; why_not() says what is missing."""
import ctypes
import fcntl
import os
import pathlib
import shutil
import subprocess

# _IOR('X', 125, __u32), linux/ext4: what is not on the disk yet is lost, the journal included.
EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2


def _run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True)


def why_not():
    """Why disks cannot be made here; None when they can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    for program in ("mkfs.ext4", "losetup", "mount", "umount"):
        if shutil.which(program) is None:
            return f"no {program}"
    if not os.path.exists("/dev/loop-control"):
        return "no loop devices"
    return None


def why_no_memory_disk():
    if os.geteuid() != 0:
        return "mounting needs root"
    return None


class Layer:
    """An ext4 file system in a file, on a loop device."""

    def __init__(self, file, root):
        self.file, self.root, self.loop = file, root, None
        self.root.mkdir(parents=True)

    def make(self, megabytes):
        with open(self.file, "wb") as file:
            for _ in range(megabytes):
                file.write(bytes(1 << 20))
        done = _run("mkfs.ext4", "-q", "-F", "-E", "nodiscard", self.file)  # or it frees the blocks just written
        assert done.returncode == 0, done.stderr

    def mount(self):
        done = _run("losetup", "-f", "--show", self.file)
        if done.returncode != 0:
            raise OSError(f"losetup: {done.stderr.strip()}")
        self.loop = done.stdout.strip()
        done = _run("mount", "-t", "ext4", self.loop, self.root)
        if done.returncode != 0:
            self._detach()
            raise OSError(f"mount: {done.stderr.strip()}")

    def shut(self):
        handle = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, ctypes.c_uint32(NO_LOG_FLUSH))
        finally:
            os.close(handle)

    def unmount(self):
        if not self.loop:
            return
        for _ in range(100):
            if _run("umount", self.root).returncode == 0:
                break
        else:
            raise OSError(f"{self.root} stays busy")
        self._detach()

    def _detach(self):
        _run("losetup", "-d", self.loop)
        self.loop = None


class Image:
    """A disk with a write cache that forgets. .root is where it is mounted.

    It is a file system on a file of another one, the plate: what is written waits in the plate's pages, and a flush of
    the disk is a sync of that file. Without the second layer a write past the page cache (O_DIRECT) over blocks that are
    there already would survive a power cut although nobody had synced it."""

    def __init__(self, folder, megabytes=300):
        folder = pathlib.Path(folder)
        self.plate = Layer(folder / "plate.img", folder / "plate")
        self.disk = Layer(self.plate.root / "disk.img", folder / "disk")
        self.root = self.disk.root
        self.plate.make(megabytes + megabytes // 4)
        self.plate.mount()
        try:
            self.disk.make(megabytes)
            os.sync()
            self.disk.mount()
        except BaseException:
            self.plate.unmount()
            raise

    def cut(self):
        """The power goes: nothing reaches the disk any more. To a sync that is under way ext4 may answer that all went
        well; who lives on and believes it is found out by this."""
        self.disk.shut()
        self.plate.shut()

    def unmount(self):
        self.disk.unmount()
        self.plate.unmount()

    def power_on(self):
        """After a cut: what the disk holds is mounted again (its own journal is played back)."""
        self.unmount()
        self.plate.mount()
        self.disk.mount()

    def close(self):
        self.unmount()


class Memory:
    """A file system of so many kilobytes, and so many files (None: any), in memory."""

    def __init__(self, folder, kilobytes, names=None):
        self.root = pathlib.Path(folder) / "small"
        self.root.mkdir(parents=True)
        done = _run("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k" + (f",nr_inodes={names}" if names else ""), "none", self.root)
        if done.returncode != 0:
            raise OSError(done.stderr.strip())

    def resize(self, kilobytes):
        self._again(f"size={kilobytes}k")

    def rename(self, names):
        self._again(f"nr_inodes={names}")

    def leave_names(self, count):
        """Lets it take COUNT files more than it has, which may become more meanwhile."""
        for _ in range(50):
            about = os.statvfs(self.root)
            names = about.f_files - about.f_ffree + count
            if _run("mount", "-o", f"remount,nr_inodes={names}", self.root).returncode == 0:
                return
        raise AssertionError("the number of files cannot be limited")

    def _again(self, options):
        done = _run("mount", "-o", f"remount,{options}", self.root)
        assert done.returncode == 0, done.stderr

    def close(self):
        for _ in range(100):
            if _run("umount", self.root).returncode == 0:
                return
        _run("umount", "-l", self.root)
