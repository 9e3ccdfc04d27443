"""What harms a mesh of real processes, and what it had to do; chaos_test.py judges it afterwards.

One draw decides everything that can be decided; when it hits which instruction of which process, nobody can. Every blow
comes with its end, so that the calm after it is certain.
"""
import heapq
import random
import shutil
import signal
import subprocess
import threading
import time

from census import attached_ever, identity_of, usage
from mesh import PROGRAMS, Mesh, Process, both

RELAYS = 5
DIALS = {0: [], 1: [0], 2: [0, 1], 3: [1, 2], 4: [2, 3]}  # no relay alone holds the rest together
BURST, PERIOD = 8, 15  # an investigator's first questions come quickly, then one in so many seconds: a person may ask 20, then 10 a minute
CONTENTS = (("-path", "/etc", "-name", "^passwd$"), ("-path", "/etc", "-name", "^passwd$", "-content", "^root:"),
            ("-path", "/etc", "-name", "nobody has this"), ("-path", "/etc", "-name", r"\.conf$", "-content", "no such content"))


class Story:
    def __init__(self, path):
        self.path, self.began, self.lock = path, time.monotonic(), threading.Lock()
        self.file = open(path, "w", encoding="utf-8", buffering=1)

    def __call__(self, text):
        with self.lock:
            self.file.write(f"{time.monotonic() - self.began:8.2f}  {text}\n")


class Body:
    """An agent's name, and the life it leads under it: a wiped one begins another, with another identity and log."""

    def __init__(self, name, site):
        self.name, self.site, self.life, self.process = name, site, 0, None
        self.past = []  # (identity, log) of lives that were wiped


class Chaos:
    def __init__(self, mesh: Mesh, sites, agents, seed, story):
        self.mesh, self.sites, self.story, self.draw = mesh, sites, story, random.Random(seed)
        self.relays = [f"relay-{n + 1}" for n in range(RELAYS)]
        self.bodies = [Body(f"agent-{n + 1}", n % RELAYS) for n in range(agents)]
        self.ends, self.number = [], 0  # heap of (when, number, what it says, what it does)
        self.busy = set()  # processes and sites under a blow
        self.blows, self.peak = {}, {}
        self.homes = [mesh.home]

    # The mesh -----------------------------------------------------------------------------------------------------

    def build(self):
        for n, name in enumerate(self.relays):
            relay = self.mesh.relay(name, via=[self.relays[m] for m in DIALS[n]], host=self.sites.address(n), space=self.sites.spaces[n],
                                    words=("--segment", "field"))  # agents learn all five
            if n:
                relay.await_line("link_up")
        # The second investigator: the same person at another desk, with a ledger and sessions of its own.
        other = self.mesh.dir + "/mig-2"
        shutil.copytree(self.mesh.home, other, ignore=shutil.ignore_patterns("session.*", "ledger*", "enroller*"))
        self.homes.append(other)
        for body in self.bodies:
            self.begin(body)
        for body in self.bodies:
            body.process.await_line("attached relay=")

    def state(self, body):
        return self.mesh.state(body.name)

    def begin(self, body):
        """A life of an agent: its own relay first, then two others."""
        others = [n for n in range(RELAYS) if n != body.site]
        via = [self.relays[n] for n in [body.site, *self.draw.sample(others, 2)]]
        join = self.mesh.mig("invite", *both("--via", via), check=True).stdout.strip()
        body.life += 1
        words = self.mesh.inside(self.sites.spaces[body.site], [f"{PROGRAMS}/mig-agent", "--state", self.state(body), "--name", body.name])
        body.process = Process(body.name, [*words, "--join", join], f"{self.mesh.dir}/{body.name}.life-{body.life}.log")
        self.mesh.nodes[body.name] = body.process.start()

    # Harm ---------------------------------------------------------------------------------------------------------

    def harm(self, seconds):
        end = time.monotonic() + seconds
        menu = [(self.kill_agent, 6), (self.stop_agent, 4), (self.wipe_agent, 3), (self.kill_relay, 3), (self.end_relay, 1),
                (self.stop_relay, 3), (self.herd, 1)]
        if not self.sites.why_not:
            menu += [(self.cut, 5), (self.unplug, 2)]
        sure = [self.wipe_agent, self.kill_relay, self.herd, self.kill_relay, self.stop_relay]  # a short run has these too
        while (now := time.monotonic()) < end:
            self.strike(sure.pop() if sure else self.draw.choices([blow for blow, _ in menu], [weight for _, weight in menu])[0])
            pause = now + self.draw.uniform(0.1, 1.5)
            while time.monotonic() < min(pause, end):
                self.ended()
                self.sample()
                time.sleep(0.1)

    def strike(self, blow):
        said = blow()
        if said:
            self.blows[blow.__name__] = self.blows.get(blow.__name__, 0) + 1
            self.story(said)

    def after(self, low, high, key, says, action):
        """The blow at `key` ends so many seconds from now; until then nothing else hits it."""
        self.busy.add(key)
        self.number += 1
        heapq.heappush(self.ends, (time.monotonic() + self.draw.uniform(low, high), self.number, key, says, action))

    def ended(self, all_of_them=False):
        while self.ends and (all_of_them or self.ends[0][0] <= time.monotonic()):
            _, _, key, says, action = heapq.heappop(self.ends)
            self.story(says)
            action()
            self.busy.discard(key)

    def free(self, keys):
        keys = [key for key in keys if key not in self.busy]
        return self.draw.choice(keys) if keys else None

    def free_body(self):
        name = self.free([body.name for body in self.bodies])
        return next((body for body in self.bodies if body.name == name), None)

    def free_relay(self):
        down = sum(relay in self.busy for relay in self.relays)
        return self.free(self.relays) if down < 3 else None

    def kill_agent(self):
        if body := self.free_body():
            body.process.kill()
            self.after(0, 8, body.name, f"{body.name} starts again", body.process.start)
            return f"kill -9 {body.name}"

    def stop_agent(self):
        if body := self.free_body():
            body.process.signal(signal.SIGSTOP)
            self.after(0.5, 20, body.name, f"{body.name} goes on", lambda: body.process.signal(signal.SIGCONT))
            return f"stop {body.name}"

    def wipe_agent(self):
        body = self.free_body()
        # Whoever was never attached is in no register: of that identity nobody could know.
        if not body or not attached_ever(body.process.log):
            return None
        body.process.kill()
        identity = identity_of(self.state(body))
        body.past.append((identity, body.process.log))
        shutil.rmtree(self.state(body))
        self.after(0, 5, body.name, f"{body.name} begins life {body.life + 1}", lambda: self.begin(body))
        return f"wipe {body.name}, it was {identity[:8]}"

    def kill_relay(self):
        if relay := self.free_relay():
            self.mesh.nodes[relay].kill()
            self.after(0, 12, relay, f"{relay} starts again", self.mesh.nodes[relay].start)
            return f"kill -9 {relay}"

    def end_relay(self):
        if relay := self.free_relay():
            self.mesh.nodes[relay].end()
            self.after(0, 5, relay, f"{relay} starts again", self.mesh.nodes[relay].start)
            return f"end {relay}"

    def stop_relay(self):
        if relay := self.free_relay():
            self.mesh.nodes[relay].signal(signal.SIGSTOP)
            self.after(0.5, 25, relay, f"{relay} goes on", lambda: self.mesh.nodes[relay].signal(signal.SIGCONT))
            return f"stop {relay}"

    def herd(self):
        """They come back at the same time."""
        site = self.draw.randrange(RELAYS)
        bodies = [body for body in self.bodies if body.site == site and body.name not in self.busy]
        for body in bodies:
            body.process.kill()
        for body in bodies:
            self.after(0, 0.5, body.name, f"{body.name} starts again", body.process.start)
        return f"kill -9 all agents of site {site + 1}: {len(bodies)}"

    def cut(self):
        site = self.free(range(RELAYS))
        if site is None:
            return None
        others = self.draw.sample([n for n in range(RELAYS) if n != site], self.draw.choice((1, 1, 2, 4)))
        how = self.draw.choice(("deaf", "dumb", "both", "both", "refuse"))
        for other in others:
            self.sites.cut(site, other, how)
        self.after(0.5, 20, site, f"site {site + 1} is mended", lambda: self.sites.mend(site))
        return f"cut site {site + 1} from {[other + 1 for other in others]}: {how}"

    def unplug(self):
        site = self.free(range(RELAYS))
        if site is None:
            return None
        self.sites.unplug(site)
        self.after(0.5, 15, site, f"site {site + 1} is plugged in", lambda: self.sites.mend(site))
        return f"unplug site {site + 1}"

    def calm(self):
        self.story("calm: every blow ends")
        self.ended(all_of_them=True)

    # What is used -------------------------------------------------------------------------------------------------

    def processes(self):
        for relay in self.relays:
            yield relay, "relay", self.mesh.nodes[relay]
        for body in self.bodies:
            yield body.name, "agent", body.process

    def sample(self):
        for name, kind, process in self.processes():
            if process.running() and (used := usage(process.popen.pid)):
                for what in ("rss", "fds"):
                    if used[what] > self.peak.get((kind, what), (0, ""))[0]:
                        self.peak[kind, what] = (used[what], name)


class Investigator(threading.Thread):
    """Asks, and is killed, stopped or left alone while it waits for answers; what it asked is in its own ledger."""

    def __init__(self, chaos, number, seconds):
        super().__init__(daemon=True)
        self.chaos, self.number = chaos, number
        self.home = chaos.homes[number]
        self.draw = random.Random(chaos.draw.random())
        self.end = time.monotonic() + seconds
        self.trouble, self.asked = None, 0

    def run(self):
        try:
            while time.monotonic() < self.end:
                self.ask()
        except Exception as trouble:  # told by the test, a thread cannot fail one
            self.trouble = trouble

    def ask(self):
        draw, chaos = self.draw, self.chaos
        began, relay = time.monotonic(), draw.randrange(RELAYS)
        target = draw.choice(("all", "all", "name LIKE 'agent-1%'"))
        at = ["--relay", chaos.relays[relay]] if draw.random() < 0.7 else []
        words = [f"{PROGRAMS}/mig", "-c", self.home, "--json", "-y", "--wait", "2", *at, "file", "-n", f"chaos {self.number + 1}.{self.asked}",
                 "-e", "2h", "-t", target, *draw.choice(CONTENTS)]
        self.asked += 1
        mig = Process(f"mig-{self.number + 1}", chaos.mesh.inside(chaos.sites.spaces[relay], words), f"{chaos.mesh.dir}/mig-{self.number + 1}.log")
        fate, until = draw.choice(("lives", "lives", "killed", "stopped")), draw.expovariate(1)
        chaos.story(f"investigator {self.number + 1} asks {target} at {relay + 1}, {' '.join(at) or 'any relay'}, {fate}")
        mig.start()
        if fate != "lives":
            time.sleep(until)  # the moment is what is drawn
            mig.signal(signal.SIGKILL if fate == "killed" else signal.SIGSTOP)
        if fate == "stopped":
            time.sleep(draw.uniform(0.5, 6))
            mig.signal(signal.SIGCONT)
        try:
            mig.popen.wait(timeout=max(1, min(draw.uniform(3, 20), self.end - time.monotonic())))
        except subprocess.TimeoutExpired:
            pass  # relays are down, or the others are still awaited
        mig.kill()
        period = PERIOD if self.asked >= BURST else 1
        time.sleep(max(0, min(began + draw.uniform(0.5, 1.5) * period, self.end) - time.monotonic()))
