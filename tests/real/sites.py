"""Sites that all reach each other until somebody cuts a line: a network namespace each, joined by a bridge in one more.

Without root, ip and nft every site is the loopback of this machine: nothing can be cut there, `why_not` says so.
"""
import os
import shutil
import subprocess

PORT = 7447
RULES = """add table inet cuts
add set inet cuts deaf { type ipv4_addr; }
add set inet cuts dumb { type ipv4_addr; }
add set inet cuts refuse { type ipv4_addr; }
add chain inet cuts in { type filter hook input priority 0; }
add chain inet cuts out { type filter hook output priority 0; }
add rule inet cuts in ip saddr @deaf drop
add rule inet cuts in ip saddr @refuse meta l4proto tcp reject with tcp reset
add rule inet cuts out ip daddr @dumb drop
"""


def run(*words, check=True, text=None):
    done = subprocess.run(words, capture_output=True, text=True, input=text)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done


class Sites:
    def __init__(self, number):
        self.number, self.why_not = number, None
        self.spaces, self.hub = [None] * number, f"mig-{os.getpid()}-hub"

    def __enter__(self):
        if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nft"):
            self.why_not = "needs root, ip and nft"
            return self
        self.spaces = [f"mig-{os.getpid()}-s{n}" for n in range(self.number)]
        try:
            self._space(self.hub)
            run("ip", "-n", self.hub, "link", "add", "hub", "type", "bridge")
            run("ip", "-n", self.hub, "link", "set", "hub", "up")
            for n, space in enumerate(self.spaces):
                self._space(space)
                run("ip", "link", "add", "line", "netns", space, "type", "veth", "peer", "name", f"s{n}", "netns", self.hub)
                run("ip", "-n", self.hub, "link", "set", f"s{n}", "master", "hub", "up")
                run("ip", "-n", space, "address", "add", f"{self.address(n)}/24", "dev", "line")
                run("ip", "-n", space, "link", "set", "line", "up")
                self._nft(n, RULES)
        except RuntimeError as trouble:
            self.__exit__()
            self.why_not, self.spaces = str(trouble), [None] * self.number
        return self

    def __exit__(self, *_):
        for space in [*self.spaces, self.hub]:
            if space and not (space == self.hub and self.why_not):
                run("ip", "netns", "delete", space, check=False)

    def address(self, n):
        return f"10.78.0.{n + 1}" if self.spaces[n] else "127.0.0.1"

    def cut(self, one, other, how):
        """deaf: `one` hears nothing of `other`, but speaks; dumb: the reverse; both: silence; refuse: connections are reset."""
        for kind in ("deaf", "dumb") if how == "both" else (how,):
            self._nft(one, f"add element inet cuts {kind} {{ {self.address(other)} }}")

    def unplug(self, n):
        run("ip", "-n", self.hub, "link", "set", f"s{n}", "down")

    def mend(self, n):
        """Takes every cut of site `n` away and plugs it in."""
        self._nft(n, "\n".join(f"flush set inet cuts {kind}" for kind in ("deaf", "dumb", "refuse")))
        run("ip", "-n", self.hub, "link", "set", f"s{n}", "up")

    def _space(self, name):
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")

    def _nft(self, n, rules):
        run("ip", "netns", "exec", self.spaces[n], "nft", "-f", "-", text=rules)
