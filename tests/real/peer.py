#!/usr/bin/python3
"""An agent in Python, written from node/core/MESSAGES.md alone: it shows that the page is enough.

    peer.py --join STRING --state DIR [--name NAME] [--root DIR]

It enrols, attaches, checks roster, certificates and actions as far as they say who may ask what, evaluates the target,
answers the one question it understands (module `file`: which paths have a name), keeps a journal so that nothing is
started twice, and prints one line for each thing that happens. It is a test's tool: it knows one module, and does not
hand results larger than 64 parts.
"""
import argparse
import base64
import json
import os
import platform
import random
import re
import sqlite3
import sys
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from message_tables import Tables, Unreadable  # noqa: E402
from peer_keys import (H, Identity, Later, Refused, Roster, canonical, instant, now_ms, seal, seal_body,  # noqa: E402
                       sealing_key, verify)

TABLES = Tables(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../node/core/MESSAGES.md"))
WINDOW = 524288
SLICE = 131072  # characters of results in one part
GONE = zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | \
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_CONNECT_RETRIED


def tell(event, **facts):
    print(event, *(f"{key}={value}" for key, value in facts.items()), flush=True)


class Over(Exception):
    """This link has ended."""

    def __init__(self, text, retry_ms=0):
        super().__init__(text)
        self.retry_ms = retry_ms


def read_join(text):
    text = re.sub(r"\s", "", text)
    if not text.startswith("mig1."):
        raise Refused("join string: does not begin with mig1.")
    return json.loads(unbase64(text[5:]))


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class State:
    """What outlives the process: one JSON file, replaced as a whole and on disk before a promise leaves."""

    def __init__(self, directory, join):
        os.makedirs(directory, exist_ok=True)
        self.path = os.path.join(directory, "state.json")
        try:
            self.kept = json.load(open(self.path, encoding="utf-8"))
        except FileNotFoundError:
            self.kept = {"seed": os.urandom(32).hex(), "attach_seq": 0, "maybe_at": [], "journal": {}, "join": join}
            self.keep()

    def keep(self):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.kept, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(self.path + ".new", self.path)

    def __getitem__(self, key):
        return self.kept.get(key)

    def __setitem__(self, key, value):
        self.kept[key] = value
        self.keep()


class Link:
    """One DEALER for one connection, with liveness and credit; `recv` gives (name, fields) or raises Over."""

    def __init__(self, context, endpoint, identity):
        address, _, key = endpoint.partition("#")
        self.relay_key = bytes.fromhex(key)
        self.socket = context.socket(zmq.DEALER)
        for option, value in ((zmq.LINGER, 500), (zmq.RECONNECT_IVL, -1), (zmq.MAXMSGSIZE, 524288), (zmq.IPV6, 1),
                              (zmq.CONNECT_TIMEOUT, 5000), (zmq.CURVE_SERVERKEY, self.relay_key),
                              (zmq.CURVE_PUBLICKEY, identity.link_key), (zmq.CURVE_SECRETKEY, identity.link_secret)):
            self.socket.setsockopt(option, value)
        self.monitor = self.socket.get_monitor_socket(GONE)
        self.socket.connect(address)
        self.poller = zmq.Poller()
        self.poller.register(self.socket, zmq.POLLIN)
        self.poller.register(self.monitor, zmq.POLLIN)
        self.sent = self.taken = self.reported = self.beats = 0
        self.peer_took, self.window, self.beat_s = 0, WINDOW, 30
        self.heard = self.beaten = time.monotonic()
        self.queue = []
        self.greeted = False

    def close(self):
        self.socket.disable_monitor()
        self.socket.close()

    def send(self, name, /, **fields):
        self.queue.append((name, TABLES.frame(name, **fields)))
        self._flush()

    def _flush(self):
        while self.queue:
            name, frame = self.queue[0]
            counts = name not in ("BEAT", "BYE")
            in_flight = self.sent - self.peer_took
            if counts and in_flight and in_flight + len(frame) > self.window:
                return
            self.socket.send(frame)
            self.sent += len(frame) if counts else 0
            self.queue.pop(0)

    def _beat(self):
        self.beats += 1
        self.beaten, self.reported = time.monotonic(), self.taken
        self.socket.send(TABLES.frame("BEAT", n=self.beats, now=now_ms(), consumed=self.taken))

    def recv(self, patience):
        """The next frame other than BEAT, or (None, None) after `patience` seconds."""
        end = time.monotonic() + patience
        while True:
            now = time.monotonic()
            if self.greeted and now - self.beaten >= self.beat_s:
                self._beat()
            if now - self.heard > (self.beat_s * 2.5 if self.greeted else 30):
                raise Over("nothing was heard")
            if now >= end:
                return None, None
            ready = dict(self.poller.poll(int(max(0, min(end - now, 1)) * 1000) + 1))
            if self.socket in ready:
                octets = self.socket.recv()
                self.heard = time.monotonic()
                name, fields = TABLES.read_frame(octets)
                if name not in ("BEAT", "BYE"):
                    self.taken += len(octets)
                if self.greeted and self.taken - self.reported >= WINDOW // 4:
                    self._beat()
                if name == "BEAT":
                    self.peer_took = max(self.peer_took, fields.consumed)
                    self._flush()
                elif name == "BYE":
                    raise Over(f"BYE {TABLES.name_of('bye code', fields.code)} {fields.text}".strip(), fields.retry_ms)
                elif name:
                    return name, fields
            elif self.monitor in ready:
                raise Over(f"connection ended ({recv_monitor_message(self.monitor)['event'].name})")


class Peer:
    def __init__(self, options):
        self.options = options
        self.state = State(options.state, options.join and read_join(options.join))
        self.join = self.state["join"]
        self.me = Identity(bytes.fromhex(self.state["seed"]))
        self.context = zmq.Context()
        self.boot_nonce = random.getrandbits(63)
        self.parked = []  # actions that want a newer roster
        self.clock_offset = 0  # what a verified relay's clock is ahead of ours, at least 0
        kept = self.state["roster"]
        self.roster = kept and Roster(self.join["trust"], base64.b64decode(kept["text"]),
                                      [base64.b64decode(packet) for packet in kept["signatures"]])
        for entry in self.state["journal"].values():
            if entry["state"] == "started":  # the process died in the middle: say so, never run it again unseen
                self.finish(entry, "failed", trouble="interrupted: the agent stopped while this ran")

    def run(self):
        wait = 0.5
        while True:
            for endpoint in self.relays():
                began = time.monotonic()
                pause = 0
                try:
                    link = Link(self.context, endpoint, self.me)
                    try:
                        self.attached(link)
                    finally:
                        link.close()
                except (Over, Unreadable, Refused) as trouble:
                    pause = getattr(trouble, "retry_ms", 0) / 1000
                    tell("detached", relay=endpoint.split("#")[0], why=repr(str(trouble)))
                wait = 0.5 if time.monotonic() - began > 60 else min(60, random.uniform(0.5, wait * 3))
                time.sleep(max(pause, wait))

    def relays(self):
        """Rendezvous order, so that agents spread over the relays they know."""
        return sorted(self.join["relays"], key=lambda e: H(16, self.me.node_id + bytes.fromhex(e.partition("#")[2])))

    # Enrolment and the handshake --------------------------------------------------------------------------------

    def attached(self, link):
        if not self.state["certificate"]:
            self.enrol(link)
        relay_name = link.relay_key[:16]
        self.state.kept["attach_seq"] = max(self.state["attach_seq"] + 1, now_ms())
        others = [name for name in self.state["maybe_at"] if name != relay_name.hex()]
        self.state["maybe_at"] = (others + [relay_name.hex()])[-32:]  # on disk before HELLO leaves
        ticket = TABLES.pack("ticket", agent=self.me.node_id, attach_seq=self.state["attach_seq"], relay=relay_name,
                             at=now_ms())
        link.send("HELLO", protocol_low=1, protocol_high=1, role="agent", proof=base64.b64decode(self.state["certificate"]),
                  boot_nonce=self.boot_nonce, now=now_ms(), window=WINDOW, roster_version=self.roster.version,
                  ticket=TABLES.pack("signed", body=ticket, signature=self.me.sign("mesh1:ticket", ticket)),
                  attributes=json.dumps(self.attributes()).encode(),
                  maybe_at=[bytes.fromhex(name) for name in self.state["maybe_at"] if name != relay_name.hex()],
                  held=self.held())
        name, welcome = link.recv(10)
        if name != "WELCOME":
            raise Over(f"{name or 'silence'} where WELCOME was wanted")
        certificate = self.roster.certificate(TABLES, welcome.certificate)
        if TABLES.name_of("role", certificate.role) != "relay" or certificate.link_key != link.relay_key:
            raise Refused("WELCOME: the certificate is not that of the relay dialled")
        link.window, link.beat_s, link.greeted = welcome.window, welcome.beat_s, True
        self.clock_offset = max(0, welcome.now - now_ms())
        tell("attached", relay=certificate.name, id=self.me.node_id.hex())
        if welcome.roster_version > self.roster.version:
            link.send("WANT", keys=[bytes([TABLES.values["kind"]["roster"]])])
        for entry in self.state["journal"].values():
            self.offer(link, entry)
        self.serve(link)

    def enrol(self, link):
        certain = Identity(bytes.fromhex(self.join["invite_secret"]))
        request = TABLES.pack("enrol request", invite=unbase64(self.join["invite"]), sign_key=self.me.sign_key,
                              link_key=self.me.link_key, name=self.options.name)
        proven = TABLES.pack("proven request", request=request, invite_signature=certain.sign("mesh1:enrol", request),
                             node_signature=self.me.sign("mesh1:enrol", request))
        enroller = bytes.fromhex(self.join["enroller"])
        link.send("ENROL", to=enroller, sealed=seal(proven, sealing_key(enroller)), answer_to=self.me.link_key)
        name, enrolled = link.recv(30)
        if name != "ENROLLED":
            raise Over(f"{name or 'silence'} where ENROLLED was wanted")
        answer = TABLES.unpack("enrol answer", self.me.open(enrolled.sealed))
        if answer.refused:
            raise Refused(f"enrolment: {answer.refused}")
        self.take_roster(answer.roster_text, answer.roster_signatures)
        certificate = self.roster.certificate(TABLES, answer.certificate)
        if certificate.sign_key != self.me.sign_key or certificate.link_key != self.me.link_key:
            raise Refused("enrolment: the certificate is for other keys")
        self.state["certificate"] = base64.b64encode(answer.certificate).decode()
        tell("enrolled", id=self.me.node_id.hex(), name=certificate.name)

    def take_roster(self, text, signatures):
        roster = Roster(self.join["trust"], text, signatures)
        if self.roster and roster.version <= self.roster.version:
            return
        self.roster = roster
        self.state["roster"] = {"text": base64.b64encode(text).decode(),
                                "signatures": [base64.b64encode(packet).decode() for packet in signatures]}

    def attributes(self):
        return {"id": self.me.node_id.hex(), "name": self.options.name, "queueloc": "", "mode": "daemon",
                "version": "peer", "loadername": "", "pid": os.getpid(),
                "environment": {"os": platform.system().lower(), "arch": platform.machine(), "ident": "peer"},
                "tags": {}}

    def held(self):
        return [{"action": bytes.fromhex(key), "state": entry["state"]} for key, entry in self.state["journal"].items()]

    # A session --------------------------------------------------------------------------------------------------

    def serve(self, link):
        while True:
            name, fields = link.recv(60)
            if name == "PUT":
                for thing in fields.objects:
                    self.take(link, thing)
            elif name == "ACKS":
                self.acknowledged(fields)
            elif name and name not in ("WELCOME", "WANT", "SYNC", "VERDICT", "ROUTE"):
                raise Over(f"{name}: out of place")

    def take(self, link, thing):
        kind = TABLES.name_of("kind", thing.kind)
        try:
            if kind == "roster":
                self.take_roster(thing.text, thing.signatures)
                parked, self.parked = self.parked, []
                for action in parked:
                    self.take(link, action)
            elif kind == "action":
                self.admit(link, thing)
        except Later:
            self.parked = self.parked[-15:] + [thing]
            link.send("WANT", keys=[bytes([TABLES.values["kind"]["roster"]])])
        except Refused as trouble:
            tell("ignored", kind=kind, why=repr(str(trouble)))

    def acknowledged(self, acks):
        for keys, state in ((acks.stored, "stored"), (acks.done, "confirmed")):
            for key in keys:
                entry = self.state["journal"].get(key.hex())
                if entry:
                    entry["state"] = state
                    tell(state, action=key.hex())
                if entry and state == "confirmed":
                    entry["replies"] = []
        for refusal in acks.refused:
            tell("reply_refused", action=refusal.action.hex(), code=TABLES.name_of("ack code", refusal.code))
        self.state.keep()

    def admit(self, link, thing):
        action_id = H(32, thing.text)
        key = action_id[:16].hex()
        if key in self.state["journal"]:
            return self.offer(link, self.state["journal"][key])
        try:
            action, refusal = self.roster.action(thing.text, thing.signatures), ""
            if instant(action["expireafter"]) <= now_ms() + self.clock_offset:
                raise Refused("action: it is over by the relay's clock")
        except Refused as trouble:  # said to whoever asked, if the document is whole: silence would be a riddle
            action, refusal = canonical(thing.text, 65536), str(trouble)
        entry = {"id": action_id.hex(), "state": "started", "started": now_ms(), "replies": [],
                 "disclose": action["disclose"], "replykey": action["replykey"]["public"],
                 "until": instant(action["expireafter"]) + 1000 * int(action["limits"]["grace"]) + 600_000}
        journal = {k: kept for k, kept in self.state["journal"].items() if kept["until"] > now_ms()}
        self.state["journal"] = journal | {key: entry}  # on disk before the first effect
        tell("started", action=key)
        self.finish(entry, *(("refused", refusal) if refusal else self.answer(action)))
        self.offer(link, entry)

    def finish(self, entry, state, reason="", results=None, trouble=""):
        """Writes the signed and sealed parts into the journal; what was said once is said again octet for octet."""
        action, has_body = bytes.fromhex(entry["id"]), state in ("found", "clean", "failed")
        shown = "answered" if has_body and entry["disclose"] != "found" else state
        text = json.dumps(results or []).encode() if has_body else b""
        slices = [text[at:at + SLICE] for at in range(0, len(text), SLICE)] or [b""]
        for part, piece in enumerate(slices):
            body = b""
            if has_body:
                body = seal_body(TABLES.pack("reply body", action=action, agent=self.me.node_id, state=state,
                                             trouble=trouble, results=piece), bytes.fromhex(entry["replykey"]))
            header = TABLES.pack("reply header", action=action, agent=self.me.node_id, part=part, parts=len(slices),
                                 state=shown, reason=reason, started=entry["started"], finished=now_ms(),
                                 body=H(32, body), body_bytes=len(body))
            entry["replies"].append([base64.b64encode(octets).decode()
                                     for octets in (header, self.me.sign("mesh1:res", header), body)])
        entry["state"] = "done"
        self.state.keep()
        tell("answered", action=entry["id"][:32], state=state, why=repr(reason or trouble))

    def offer(self, link, entry):
        """Sends the replies nobody has confirmed yet: the relay that took them may be gone."""
        if entry["state"] not in ("done", "stored"):
            return
        for header, signature, body in entry["replies"]:
            link.send("RESULT", header=base64.b64decode(header), signature=base64.b64decode(signature),
                      body=base64.b64decode(body))

    # The answer -------------------------------------------------------------------------------------------------

    def answer(self, action):
        """(state, reason, results) for this machine."""
        try:
            if not self.targeted(action["target"]):
                return "not_targeted", "", None
            results = [self.find_file(operation) for operation in action["operations"]]
        except Refused as trouble:
            return "refused", str(trouble), None
        return ("found" if any(result["foundanything"] for result in results) else "clean"), "", results

    def targeted(self, target):
        """`all`, or a condition over the attributes; SQLite judges it over one row, allowed to read and nothing else."""
        if target.strip().lower() == "all":
            return True
        row = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in self.attributes().items()}
        base = sqlite3.connect(":memory:")
        base.execute(f"CREATE TABLE agents ({', '.join(row)})")
        base.execute(f"INSERT INTO agents VALUES ({', '.join('?' * len(row))})", list(row.values()))
        allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)
        base.set_authorizer(lambda what, *_: sqlite3.SQLITE_OK if what in allowed else sqlite3.SQLITE_DENY)
        try:
            return base.execute(f"SELECT 1 FROM agents WHERE ({target})").fetchone() is not None
        except sqlite3.Error as trouble:
            raise Refused(f"target: {trouble}") from None

    def find_file(self, operation):
        if operation["module"] != "file":
            raise Refused(f"{operation['module']}: the peer has only the module file")
        elements = {}
        for label, search in operation["parameters"].get("searches", {}).items():
            strange = {key for key, value in search.items() if value and key not in ("paths", "names", "options", "description")}
            if strange:
                raise Refused(f"file: the peer understands paths and names, not {', '.join(sorted(strange))}")
            patterns = [re.compile(name) for name in search.get("names", [])]
            elements[label] = []
            for path in search["paths"]:
                for folder, _, files in os.walk(self.options.root + path):
                    for file in sorted(files):
                        if all(pattern.search(file) for pattern in patterns):
                            whole = os.path.join(folder, file)
                            elements[label].append({"file": whole[len(self.options.root):],
                                                    "fileinfo": {"size": float(os.lstat(whole).st_size)}})
        return {"foundanything": any(elements.values()), "success": True, "elements": elements, "statistics": {},
                "errors": []}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--join", help="a join string for an agent; needed the first time")
    parser.add_argument("--state", required=True, help="directory for keys and journal")
    parser.add_argument("--name", default="peer-1")
    parser.add_argument("--root", default="", help="directory whose files stand for those of this machine")
    options = parser.parse_args()
    peer = Peer(options)
    if not peer.join:
        parser.error("--join: is needed where no state is kept yet")
    peer.run()


if __name__ == "__main__":
    main()
