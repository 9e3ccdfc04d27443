"""What must be refused, by a real relay and a real agent to whom a relay that was taken over hands it.

The liar (tests/mutations/relay/liar.patch) gives what lies in a file to everyone who comes. The signatures that no gpg
makes on demand come from tests/fixtures/signatures: their people stand in the second roster of this mesh.
"""
import hashlib
import json
import os
import re
import subprocess
import time
import unittest

from liar import ACTION, PROGRAM, ROSTER, STOP, canonical, hand
from mesh import HERE, Mesh

FIXTURES = os.path.join(HERE, "../fixtures/signatures")
AT_ONCE = 20  # objects in one frame
WHYS = {"rita.sig": "whose rights roster 2 or a stop revokes", "lasting.sig": "its own validity ended"}  # good when they were made


def read(name):
    with open(f"{FIXTURES}/{name}", "rb") as file:
        return file.read()


def id_of(text):
    return hashlib.blake2b(text, digest_size=32).hexdigest()[:8]


def time_of(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Refused(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = mesh = cls.enterClassContext(Mesh())
        cls.honest = mesh.relay("relay-1")
        cls.liar = mesh.relay("relay-2", via=["relay-1"], program=PROGRAM)
        cls.words = cls.liar.words
        cls.agent = mesh.agent("agent-1", via=["relay-2"])
        with open(mesh.home + "/roster.json", encoding="utf-8") as file:
            cls.first = json.load(file)
        cls.first.pop("pgpsignatures")
        cls.manifest = json.loads(read("manifest.json"))
        cls.eve = mesh.key("Eve <eve@mig.invalid>")
        cls.second = cls.roster_two()
        cls.hand([("roster", cls.second)])
        for node in (cls.honest, cls.agent):
            node.await_line("roster version=2")

    @classmethod
    def sign(cls, text, *options):
        return subprocess.run(["gpg", "--batch", "--quiet", "--yes", "--detach-sign", *options], input=text, capture_output=True, check=True).stdout

    @classmethod
    def roster_two(cls):
        cls.me = cls.first["investigators"][0]
        edited = json.loads(cls.mesh.mig("roster", "edit", "-add", "eve@mig.invalid", check=True).stdout)
        people = [cls.me, next(person for person in edited["investigators"] if person["fingerprint"] == cls.eve)]
        for name, key in cls.manifest["keys"].items():
            if name not in ("alice", "bob", "carol", "fred", "rita"):
                continue
            mine = [cls.signing_key(entry) for who, entry in cls.manifest["keys"].items() if who == name or (who == "alice-subkey" and name == "alice")]
            people.append({"name": name, "fingerprint": key["fingerprint"], "keys": mine, "state": "revoked" if name == "rita" else "active"})
        alice = cls.manifest["keys"]["alice"]["fingerprint"]
        access = {"file": {"minimumweight": 1, "weights": {cls.me["fingerprint"]: 1, alice: 1, cls.eve: 1}},
                  "process": {"minimumweight": 2, "weights": {cls.me["fingerprint"]: 1, alice: 1}}}
        return cls.signed_roster(version=2, investigators=people, access=access)

    @classmethod
    def signing_key(cls, entry):
        key = {"algorithm": entry["algorithm"], "fingerprint": entry["fingerprint"], "material": entry["material"], "not_before": time_of(entry["created"])}
        if entry["algorithm"] == "rsa":
            key["exponent"] = entry["exponent"]
        if entry["expires"]:
            key["not_after"] = time_of(entry["expires"])
        return key

    @classmethod
    def signed_roster(cls, signature=None, **changes):
        text = canonical({**cls.first, **changes})
        return {"text": text, "signatures": [signature or cls.sign(ROSTER + text)]}

    @classmethod
    def hand(cls, objects):
        """To the honest relay and to the liar's agent."""
        hand(cls.mesh, cls.liar, cls.words, objects, cls.agent)

    def whys(self, objects):
        """What honest relay and agent say of each, in the order of the objects; both must refuse everything."""
        marks = len(self.honest.lines), len(self.agent.lines)
        self.hand(objects)
        self.mesh.ask("--relay", "relay-1", "--wait", "3", "file", "-t", "all", "-path", "/etc", "-name", "^passwd$")  # a barrier: links keep their order
        told = []
        for node, mark, what in ((self.honest, marks[0], r"refused from=relay-2 why=(.*)"), (self.agent, marks[1], r"refused action=\S+ why=(.*)")):
            lines = [found[1] for line in node.lines[mark:] if (found := re.search(what, line))]
            self.assertEqual(len(lines), len(objects), f"{node.name}: {lines}")
            told.append(lines)
        self.assertEqual(sum("started action=" in line for line in self.agent.lines[marks[1]:]), 1, "the barrier alone")
        return told

    def check(self, cases):
        """`cases`: [(what, text, signatures, words of the refusal)]"""
        if len(cases) > AT_ONCE:
            self.check(cases[AT_ONCE:])
        cases = cases[:AT_ONCE]
        told = self.whys([("action", {"text": text, "signatures": signatures}) for _, text, signatures, _ in cases])
        for who, lines in zip(("relay", "agent"), told):
            for (what, _, _, why), line in zip(cases, lines):
                with self.subTest(what=what, who=who):
                    self.assertIn(why, line)

    def action(self, module="file", **changes):
        """A complete action of this mesh, as text."""
        draft = self.mesh.dir + "/draft.json"
        parameters = {"file": {"searches": {"s1": {"paths": ["/etc"], "names": ["^passwd$"]}}}, "process": {"searches": {"s1": {"names": ["^sh$"]}}}}
        with open(draft, "w", encoding="utf-8") as file:
            json.dump({"name": "asked by a test", "target": "name='nosuch'", "syntaxversion": 2,
                       "operations": [{"module": "file", "parameters": parameters["file"]}]}, file)
        document = json.loads(self.mesh.mig("sign", draft, "-y", check=True).stdout)
        document.pop("pgpsignatures")
        if module != "file":
            document["operations"] = [{"module": module, "parameters": parameters.get(module, {})}]
        return {**document, **changes}

    def test_a_stop_by_somebody_else_is_refused_and_a_stopped_person_starts_nothing_more(self):
        def by_eve(line, text):
            return {"text": text, "signatures": [self.sign(line + text, "-u", self.eve)]}
        now = time.time()
        joke = canonical({"mesh": self.first["mesh"], "subject": self.me["fingerprint"], "issued": time_of(now), "expires": time_of(now + 3600), "reason": "a joke"})
        since = len(self.honest.lines), len(self.agent.lines)
        self.hand([("stop", by_eve(STOP, joke))])
        self.honest.await_line('refused from=relay-2 why="stop: key .* is neither a root nor a key of the person it stops', since[0])
        self.agent.await_line('stop_refused why="stop: key .* is neither a root nor a key of the person it stops', since[1])
        before, after = (canonical(self.action(target="all")) for _ in range(2))
        self.hand([("action", by_eve(ACTION, before))])
        self.agent.await_line(f"started action={id_of(before)}")
        self.mesh.ask("--relay", "relay-1", "--wait", "3", "file", "-t", "name='nosuch'", "-path", "/etc")  # whoever asks hears of roster 2
        since = len(self.honest.lines), len(self.agent.lines)
        self.mesh.mig("stop", self.eve, "--relay", "relay-1", "-y", check=True)
        for node, mark in zip((self.honest, self.agent), since):
            node.await_line(f"stopped subject={self.eve}", mark, seconds=5)  # so long, and no longer, may it take
        self.hand([("action", by_eve(ACTION, after))])
        self.agent.await_line(f"refused action={id_of(after)} .*or a stop revokes")
        self.honest.await_line("refused from=relay-2 why=.*or a stop revokes", since[0])
        self.assertFalse([line for line in self.agent.lines if f"started action={id_of(after)}" in line])

    def test_every_signature_no_gpg_should_have_made_is_refused(self):
        text = read("action.json")
        cases = []
        for case in self.manifest["cases"]:
            if len(read(case["file"])) > 1024:  # no frame holds so large a signature: it would not be read at all
                continue
            why = case["verdict"] if case["verdict"] != "good" else "mesh"
            if case["key"] in ("mallory", "gus", "alice-authentication", "alice-encryption"):
                why = "which roster 2 does not hold"
            elif case["file"] in WHYS:
                why = WHYS[case["file"]]
            cases.append((case["what"], text, [read(case["file"])], why))
        self.check(cases)

    def test_every_text_that_is_not_what_was_signed_is_refused(self):
        document = self.action()
        text, other = canonical(document), canonical(self.action())
        good = self.sign(ACTION + text)
        doubled = text.replace(b'"name":', b'"name":"another","name":', 1)
        spaced = text.replace(b'":', b'": ', 1)
        unknown = canonical({**document, "zzz": 1})
        long = canonical(self.action(expireafter=time_of(time.time() + 90 * 86400)))
        over = canonical(self.action(validfrom=time_of(time.time() - 90000), expireafter=time_of(time.time() - 80000)))
        stranger = canonical(self.action(mesh="00" * 16))
        closed, heavy = canonical(self.action("pkg")), canonical(self.action("process"))

        def signed(body):
            return [self.sign(ACTION + body)]
        self.check([
            ("a byte altered", text.replace(b"asked by a test", b"asked by a tesT"), [good], "does not fit the text"),
            ("its target widened", text.replace(b"name='nosuch'", b"all"), [good], "does not fit the text"),
            ("another's signature", other, [good], "does not fit the text"),
            ("a key twice", doubled, signed(doubled), "name"),
            ("another spelling", spaced, signed(spaced), "canonical"),
            ("an unknown field", unknown, signed(unknown), "zzz"),
            ("valid for too long", long, signed(long), "31d are allowed"),
            ("over", over, signed(over), "expire"),
            ("another mesh", stranger, signed(stranger), "mesh"),
            ("nobody signed", text, [], "signature"),
            ("noise for a signature", text, [b"noise"], "OpenPGP"),
            ("an empty signature", text, [b""], "signature"),
            ("good then bad", text, [good, self.sign(ACTION + other)], "does not fit the text"),
            ("bad then good", text, [self.sign(ACTION + other), good], "does not fit the text"),
            ("signed as a mail", text, [self.sign(text)], "does not fit the text"),
            ("a module without a rule", closed, signed(closed), "pkg"),
            ("one weight of two", heavy, signed(heavy), "weight 1 of 2"),
            ("one signature twice", heavy, signed(heavy) * 2, "weight 1 of 2"),
            ("two signatures of one person", heavy, [*signed(heavy), self.sign(ACTION + heavy, "--digest-algo", "SHA512")], "weight 1 of 2"),
        ])

    def test_rosters_go_forward_only_and_a_fork_is_an_alarm(self):
        forked = self.signed_roster(version=2, access={})
        nobody = self.signed_roster(version=3, signature=self.sign(ROSTER + b"{}"))
        marks = len(self.honest.lines), len(self.agent.lines)
        self.hand([("roster", self.signed_roster()), ("roster", forked), ("roster", nobody)])
        self.honest.await_line("roster_forked version=2", since=marks[0])
        self.agent.await_line("roster_forked .*version=2", since=marks[1])
        self.agent.await_line("roster_refused why=", since=marks[1])
        answer = self.mesh.ask("--relay", "relay-2", "--wait", "3", "file", "-t", "all", "-path", "/etc", "-name", "^passwd$")
        self.assertEqual((answer.code, answer.names()), (0, ["agent-1"]), answer)
        self.assertRegex(answer.stderr, "roster_forked version=2")
        for node, mark in zip((self.honest, self.agent), marks):
            self.assertFalse(any(re.search("roster version=", line) for line in node.lines[mark:]), node.name)


class Invites(unittest.TestCase):
    def test_an_invite_for_one_admits_one(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            join = mesh.mig("invite", "--via", "relay-1", check=True).stdout
            mesh._start("mig-agent", "agent-1", ["--name", "agent-1"], join, None).await_line("attached relay=")
            mesh._start("mig-agent", "agent-2", ["--name", "agent-2"], join, None).await_line("used up")


if __name__ == "__main__":
    unittest.main()
