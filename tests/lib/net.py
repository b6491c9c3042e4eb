"""Two network namespaces and a cable between them, for what a proxy cannot do to a connection: packets that are dropped
or late, a cable that is pulled. Nothing of it is seen from outside. Needs root; why_not() says what is missing."""
import os
import shutil
import subprocess

RULES = """add table inet fault
add chain inet fault in { type filter hook input priority 0 ; }
"""


def _run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)


def why_not():
    """Why namespaces cannot be made here; None when they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "nft", "tc", "nsenter"):
        if shutil.which(program) is None:
            return f"no {program}"
    return None


class Cable:
    """.addresses of the two ends; .under(end) is what a program is started with to live there."""

    def __init__(self):
        self.spaces = [f"refgate-{os.getpid()}-{end}" for end in "ab"]
        self.links = [f"rg{end}" for end in "ab"]
        self.addresses = ["10.231.7.1", "10.231.7.2"]
        try:
            for space in self.spaces:
                self._must("ip", "netns", "add", space)
            self._must("ip", "-n", self.spaces[0], "link", "add", self.links[0], "type", "veth", "peer", "name",
                       self.links[1], "netns", self.spaces[1])
            for space, link, address in zip(self.spaces, self.links, self.addresses):
                self._must("ip", "-n", space, "addr", "add", f"{address}/30", "dev", link)
                self._must("ip", "-n", space, "link", "set", "lo", "up")
                self._must("ip", "-n", space, "link", "set", link, "up")
                self._must(*self._in(space), "nft", "-f", "-", input=RULES)
        except OSError:
            self.close()
            raise

    def _must(self, *words, **options):
        done = _run(*words, **options)
        if done.returncode != 0:
            raise OSError(f"{' '.join(words[:4])}: {done.stderr.strip()}")

    def _in(self, space):
        return ["nsenter", f"--net=/run/netns/{space}"]

    def under(self, end):
        return self._in(self.spaces[end])

    def _rule(self, end, rule):
        self._must(*self._in(self.spaces[end]), "nft", "-f", "-", input=f"flush chain inet fault in\n{rule}\n")

    # ---- what happens to packets ----

    def mend(self):
        for end, (space, link) in enumerate(zip(self.spaces, self.links)):
            self._rule(end, "")
            _run("tc", "-n", space, "qdisc", "del", "dev", link, "root")
            self._must("ip", "-n", space, "link", "set", link, "up")

    def lose(self, percent):
        for end in (0, 1):
            self._rule(end, f"add rule inet fault in numgen random mod 100 < {percent} drop")

    def deaf(self, end):
        """What comes to END is dropped; what it sends goes through."""
        self._rule(end, "add rule inet fault in drop")

    def part(self):
        for end in (0, 1):
            self.deaf(end)

    def crawl(self, kilobits=256):
        """So many kilobits a second; a queue of half a second, beyond it packets are dropped."""
        for space, link in zip(self.spaces, self.links):
            self._must("tc", "-n", space, "qdisc", "replace", "dev", link, "root", "tbf", "rate",
                       f"{kilobits}kbit", "burst", "8kb", "latency", "500ms")

    def unplug(self, end):
        self._must("ip", "-n", self.spaces[end], "link", "set", self.links[end], "down")

    def close(self):
        for space in self.spaces:
            _run("ip", "netns", "del", space)
