"""A mesh of real processes for tests: every program is the shipped one, every wait is for a line one of them printed.

    with Mesh() as mesh:
        mesh.relay("relay-1")
        mesh.agent("agent-1", via=["relay-1"])
        answer = mesh.ask("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.environ.get("MIG_BIN_DIR", os.path.join(HERE, "../../build/bin"))
PEER = [sys.executable, os.path.join(HERE, "peer.py")]
PATIENCE = int(os.environ.get("MIG_PATIENCE", "60"))  # seconds: how long a test waits for what ought to come at once; nothing is measured with it


class Process:
    """One program, its output kept in a file and offered line by line to whoever waits."""

    def __init__(self, name, words, log):
        self.name, self.words, self.log = name, words, log
        self.lines, self.changed = [], threading.Condition()
        self.popen = None

    def start(self, words=None):
        self.lines = []
        self.popen = subprocess.Popen(words or self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, start_new_session=True)
        self.reader = threading.Thread(target=self._read, args=(self.popen, self.lines), daemon=True)
        self.reader.start()
        return self

    def _read(self, popen, lines):
        with open(self.log, "a", encoding="utf-8") as kept, popen.stdout:
            for raw in popen.stdout:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                kept.write(line + "\n")
                kept.flush()
                with self.changed:
                    lines.append(line)
                    self.changed.notify_all()
        popen.wait()
        with self.changed:
            self.changed.notify_all()

    def await_line(self, pattern, since=0, seconds=PATIENCE):
        """The first line that matches, of those after number `since`; fails when the process ends or time is over."""
        looked, end = since, time.monotonic() + seconds
        with self.changed:
            while True:
                while looked < len(self.lines):
                    if found := re.search(pattern, self.lines[looked]):
                        return found
                    looked += 1
                left = end - time.monotonic()
                over = not self.reader.is_alive()  # a process that is gone may have lines that are not read yet
                if left <= 0 or over:
                    why = "is over" if over else f"said it not in {seconds} s"
                    raise AssertionError(f"{self.name} {why}: {pattern}; it said last: {self.lines[-5:]}")
                self.changed.wait(min(left, 1))

    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def signal(self, number):
        if self.popen:
            self.popen.send_signal(number)  # nothing for one that is gone, also when the reader reaps it just now

    def end(self):
        """SIGTERM; returns when it is gone and its disk has everything."""
        self.signal(signal.SIGTERM)
        if self.popen:
            self.popen.wait()
            self.reader.join()

    def kill(self):
        """kill -9, also of one that is stopped; returns when it is gone."""
        self.signal(signal.SIGKILL)
        if self.popen:
            self.popen.wait()
            self.reader.join()


class Answer:
    """What `mig --json` printed for a question, and how it ended."""

    def __init__(self, done):
        self.code, self.stderr = done.returncode, done.stderr
        lines = []
        for text in done.stdout.splitlines():  # a killed mig may leave half a line
            try:
                lines.append(json.loads(text))
            except ValueError:
                pass
        self.replies = [line for line in lines if line["type"] == "reply"]
        self.summary = next((line for line in lines if line["type"] == "summary"), None)
        found = re.search(r"action ID ([0-9a-f]{64})", done.stderr)
        self.action = found[1] if found else self.summary and self.summary["action"]

    def names(self):
        return sorted(reply["name"] for reply in self.replies)

    def __repr__(self):
        return f"exit {self.code}, {self.names()}, {self.summary}\n{self.stderr}"


class Mesh:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="mig-real.", dir="/tmp")  # short: gpg-agent's socket lies below
        self.home = self.dir + "/mig"
        self.gnupg = self.dir + "/gnupg"
        self.nodes, self.endpoints = {}, {}
        self.spaces = {}  # node -> network namespace

    def __enter__(self):
        os.mkdir(self.gnupg, 0o700)
        os.environ["GNUPGHOME"] = self.gnupg
        self.key("Test investigator <test@mig.invalid>")
        self.mig("mesh", "init", "--name", "real", "--key", "test@mig.invalid", "--gnupg-home", self.gnupg, check=True)
        return self

    def __exit__(self, kind, *_):
        for node in self.nodes.values():
            node.kill()
        subprocess.run(["gpgconf", "--homedir", self.gnupg, "--kill", "all"], check=False)
        if kind and os.environ.get("MIG_KEEP"):
            print(f"kept: {self.dir}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    # Programs ---------------------------------------------------------------------------------------------------

    def mig(self, *words, home=None, space=None, check=False, seconds=PATIENCE + 60, **more):
        done = subprocess.run(self.inside(space, [PROGRAMS + "/mig", "-c", home or self.home, *words]),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, **more)
        if check and done.returncode != 0:
            raise AssertionError(f"mig {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def ask(self, *words, **more):
        return Answer(self.mig("--json", "-y", *words, **more))

    def relays(self, **more):
        return [json.loads(line) for line in self.mig("relays", "--json", **more).stdout.splitlines()]

    def roster(self, *words, publish=True):
        """Edits, signs and publishes; gives the file."""
        path = f"{self.dir}/roster.json"
        self.mig("roster", "edit", *words, "-o", path, check=True)
        self.mig("roster", "sign", path, "-o", path, "-y", check=True)
        if publish:
            self.mig("roster", "publish", path, check=True)
        return path

    def inside(self, space, words):
        return ["ip", "netns", "exec", space, *words] if space else words

    def key(self, user, gnupg=None):
        """Makes a key without passphrase; gives its fingerprint."""
        subprocess.run(["gpg", "--batch", "--quiet", "--homedir", gnupg or self.gnupg, "--passphrase", "",
                        "--quick-generate-key", user, "future-default", "default", "never"], check=True, capture_output=True)
        return self.key_of(user, gnupg)

    def key_of(self, user, gnupg=None):
        listed = subprocess.run(["gpg", "--homedir", gnupg or self.gnupg, "--with-colons", "--list-keys", user], check=True, capture_output=True, text=True).stdout
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))

    # Nodes ------------------------------------------------------------------------------------------------------

    def relay(self, name, via=(), listen=True, host="127.0.0.1", space=None, dial=(), port=None, stays=True, words=(), program="mig-relay"):
        """Starts a relay and waits until it listens; the first one made is the enroller. `via` are relays it dials.

        It stands in a segment of its own unless `words` say otherwise, so that its agents turn only to relays they were told of."""
        address = f"tcp://{host}:{port or free_port(space)}"
        if not self.endpoints:
            join = self.mig("invite", "--role", "enroller", "--endpoint", address, "--name", name, check=True)
        else:
            join = self.mig("invite", "--role", "relay", *both("--via", via), check=True)
        words = ["--name", name, *([] if "--segment" in words else ["--segment", name]), *words, *(["--listen", address] if listen else []), *both("--dial", dial)]
        node = self._start(program, name, words, join.stdout, space)
        if listen:
            endpoint = node.await_line(r"listening (\S+)")[1]
            if self.endpoints and stays:
                self.mig("relays", "add", endpoint, "--name", name, check=True)
            self.endpoints[name] = endpoint
        return node

    def move(self, name, space, address):
        """Starts an ended relay in another namespace, where others reach it at `address`."""
        node, key = self.nodes[name], self.endpoints[name].partition("#")[2]
        node.words = self.inside(space, [f"{PROGRAMS}/mig-relay", "--state", self.state(name), "--listen", address])
        self.endpoints[name] = f"{address}#{key}"
        self.mig("relays", "add", self.endpoints[name], "--name", name, check=True)
        node.start().await_line("listening")

    def agent(self, name, via, space=None, words=(), await_attached=True):
        """Starts an agent that knows the relays `via`, best first."""
        join = self.mig("invite", *both("--via", via), check=True)
        node = self._start("mig-agent", name, ["--name", name, *words], join.stdout, space)
        if await_attached:
            node.await_line("attached relay=")
        return node

    def peer(self, name, via):
        join = self.mig("invite", *both("--via", via), check=True)
        node = Process(name, [*PEER, "--state", self.state(name), "--name", name], f"{self.dir}/{name}.log")
        self.nodes[name] = node
        return node.start(node.words + ["--join", join.stdout.strip()])

    def _start(self, program, name, words, join, space):
        words = self.inside(space, [f"{PROGRAMS}/{program}", "--state", self.state(name), *words])
        node = Process(name, words, f"{self.dir}/{name}.log")
        self.nodes[name] = node
        return node.start(words + ["--join", join.strip()])  # needed once; afterwards the state has it

    def state(self, name):
        return f"{self.dir}/{name}"


def both(option, values):
    return [word for value in values for word in (option, value)]


def free_port(space=None):
    """A port nobody has now; in a namespace of a test any will do."""
    if space:
        return 7447
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
