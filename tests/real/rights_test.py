"""Weights, rosters and stops among real processes: who lost a right starts nothing more, anywhere."""
import json
import os
import subprocess
import unittest
from datetime import datetime, timedelta

from mesh import Mesh

PASSWD = ("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")


def at(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Offices(Mesh):
    """A mesh in which ada administers and eve only asks; each has a home of her own."""

    def __enter__(self):
        super().__enter__()
        self.eve = self.key("Eve <eve@mig.invalid>")
        self.eve_home = self.dir + "/eve"
        return self

    def key(self, user):
        subprocess.run(["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", user, "future-default", "default", "never"],
                       check=True, capture_output=True)
        listed = subprocess.run(["gpg", "--with-colons", "--list-keys", user], check=True, capture_output=True, text=True).stdout
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))

    def home_for(self, fingerprint, directory):
        """What an administrator hands to a colleague: trust, roster and relays; her key is her own."""
        os.mkdir(directory, 0o700)
        for name in ("trust.json", "roster.json", "relays.json", "config.toml"):
            with open(f"{self.home}/{name}", encoding="utf-8") as file:
                text = file.read()
            if name == "config.toml":
                text = "\n".join(f'key = "{fingerprint}"' if line.startswith("key ") or line.startswith("key=") else line for line in text.splitlines()) + "\n"
            with open(f"{directory}/{name}", "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(text)

    def started(self, action):
        return [name for name, node in self.nodes.items() if any(f"started action={action[:8]}" in line for line in node.lines)]


def signed(mesh, home, **fields):
    """An action that eve has signed, as a file."""
    path = f"{mesh.dir}/action.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"name": "who is there", "target": "all", "operations": [
            {"module": "file", "parameters": {"searches": {"s1": {"paths": ["/etc"], "names": ["^passwd$"]}}}}], **fields}, file)
    mesh.mig("sign", path, "-o", path, "-y", home=home, check=True)
    return path


class Rights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = Offices().__enter__()
        cls.addClassCleanup(cls.mesh.__exit__, None, None, None)
        cls.mesh.relay("relay-1")
        cls.mesh.relay("relay-2", via=["relay-1"]).await_line("link_up")
        cls.mesh.agent("agent-1", via=["relay-1"])
        cls.mesh.agent("agent-2", via=["relay-2"])

    def everywhere(self, pattern, since):
        for name, node in self.mesh.nodes.items():
            node.await_line(pattern, since[name])

    def lines(self):
        return {name: len(node.lines) for name, node in self.mesh.nodes.items()}

    def test_1_a_roster_reaches_everyone_and_weights_count_people(self):
        since = self.lines()
        self.mesh.roster("-add", "eve@mig.invalid", "-weight", "default:eve=1", "-allow", "default=2")
        self.everywhere("roster version=2", since)
        self.mesh.home_for(self.mesh.eve, self.mesh.eve_home)
        done = self.mesh.mig("-y", *PASSWD)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("weight 1 of 2 for file", done.stderr)
        path = signed(self.mesh, self.mesh.eve_home)
        alone = self.mesh.mig("verify", path)
        self.assertEqual(alone.returncode, 1, alone)
        self.mesh.mig("sign", path, "-o", path, "-y", check=True)
        answer = self.mesh.ask("run", path, home=self.mesh.eve_home)
        self.assertEqual((answer.code, answer.names()), (0, ["agent-1", "agent-2"]), answer)
        told = self.mesh.mig("run", path, "-y")
        self.assertEqual(told.returncode, 0, told)
        self.assertIn(f"its answers go to its readers: {self.mesh.eve}", told.stdout)

    def test_1b_a_draft_goes_through_the_mesh_to_those_who_must_sign_it_too(self):
        path = signed(self.mesh, self.mesh.eve_home, name="a question for two")
        done = self.mesh.mig("sign", "--request", path, "-y", "--json", home=self.mesh.eve_home)
        self.assertEqual(done.returncode, 0, done)
        action = json.loads(done.stdout)["action"]
        shown = self.mesh.mig("sign", "--drafts")
        self.assertIn("Eve <eve@mig.invalid>", shown.stdout)
        self.assertIn("file: weight 1 of 2", shown.stdout)
        self.assertEqual(self.mesh.started(action), [])
        approved = self.mesh.mig("sign", "--approve", action[:8], "-y")
        self.assertEqual(approved.returncode, 0, approved)
        self.assertIn("with you:\nfile: weight 2 of 2", approved.stderr)
        answer = self.mesh.ask("results", action, home=self.mesh.eve_home)
        self.assertEqual((answer.code, answer.names()), (0, ["agent-1", "agent-2"]), answer)
        self.assertEqual(self.mesh.mig("sign", "--drafts").stdout, "")
        again = self.mesh.mig("sign", "--approve", action[:8], "-y")
        self.assertEqual(again.returncode, 2, again)

        # What is exported verifies with nothing but gpg; what is closed is gone.
        self.mesh.mig("export", action, self.mesh.dir + "/evidence", home=self.mesh.eve_home, check=True)
        for number in ("1", "2"):
            verified = subprocess.run(["gpg", "--verify", f"{self.mesh.dir}/evidence/signature-{number}.sig", self.mesh.dir + "/evidence/action.signed"], capture_output=True, text=True)
            self.assertEqual((verified.returncode, verified.stderr.count("Good signature")), (0, 1), verified)
        closed = self.mesh.mig("close", action[:8], "-y", home=self.mesh.eve_home)
        self.assertEqual(closed.returncode, 0, closed)
        self.assertEqual(self.mesh.mig("results", action, home=self.mesh.eve_home).returncode, 2)
        with open(self.mesh.eve_home + "/ledger.sqlite", "rb") as ledger:
            self.assertNotIn(b"a question for two", ledger.read())

    def test_2_a_module_without_rule_and_default_is_closed(self):
        since = self.lines()
        self.mesh.roster("-close", "default", "-allow", "file=1", "-weight", "file:eve=1", "-weight", "file:Test=1")
        self.everywhere("roster version=3", since)
        done = self.mesh.mig("-y", "ping", "-t", "all", "-d", "127.0.0.1", "-p", "icmp")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("access: the roster has no rule for ping and no default", done.stderr)
        self.assertEqual(self.mesh.ask(*PASSWD).code, 0)

    def test_3_a_stopped_person_starts_nothing_more_although_her_action_is_valid(self):
        path = signed(self.mesh, self.mesh.eve_home)
        stays = self.mesh.mig("verify", path)
        self.assertEqual(stays.returncode, 0, stays)
        since = self.lines()
        done = self.mesh.mig("stop", "eve", "-reason", "laptop stolen", "-y", "--json")
        self.assertEqual(done.returncode, 0, done)
        stop = json.loads(done.stdout)
        self.assertEqual((stop["subject"], stop["stored"]), (self.mesh.eve, True))
        self.everywhere(f"stopped subject={self.mesh.eve}", since)
        done = self.mesh.mig("run", path, "-y", home=self.mesh.eve_home)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("or a stop revokes", done.stderr)

        # What she asked before is on the board; an agent that was away judges it by what it is told first.
        self.mesh.nodes["agent-1"].end()
        self.mesh.roster("-lift", stop["id"])
        since = len(self.mesh.nodes["relay-1"].lines)
        asked = self.mesh.ask("--wait", "0", "run", signed(self.mesh, self.mesh.eve_home), home=self.mesh.eve_home)
        self.assertEqual((asked.summary["answered"], asked.summary["offline"]), (1, 1), asked)
        self.mesh.mig("stop", "eve", "-y", check=True)
        agent = self.mesh.nodes["agent-1"].start()
        agent.await_line(f"refused action={asked.action[:8]}.*or a stop revokes")
        self.assertEqual(self.mesh.started(asked.action), ["agent-2"])

    def test_4_a_forked_roster_is_named_to_everybody(self):
        here = self.mesh.roster("-life", "1000h", publish=False)
        other = f"{self.mesh.dir}/other.json"
        os.rename(here, other)
        since = self.lines()
        self.mesh.roster("-life", "2000h")
        self.everywhere("roster version=", since)
        since = self.lines()
        done = self.mesh.mig("roster", "publish", other)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("this is a fork, and everybody is told", done.stderr)
        self.everywhere("alarm roster_forked version=", since)
        told = self.mesh.mig("relays")
        self.assertIn("roster_forked", told.stderr)


class Renewal(unittest.TestCase):
    def test_certificates_are_renewed_in_time_by_whoever_holds_them(self):
        with Mesh() as mesh:
            mesh.relay("relay-1", words=("--certificate-days", "0.0002"))  # 17 s
            nodes = [mesh.relay("relay-2", via=["relay-1"]), mesh.agent("agent-1", via=["relay-2"]), mesh.nodes["relay-1"]]
            first = [node.await_line(r"renewed next=(\S+)")[1] for node in nodes]
            since = [len(node.lines) for node in nodes]
            again = [node.await_line(r"renewed next=(\S+)", lines)[1] for node, lines in zip(nodes, since)]
            # Two thirds of a whole life later than the one before: whoever was renewed lives on as long as at first.
            self.assertTrue(all(at(later) - at(earlier) > timedelta(seconds=11) for earlier, later in zip(first, again)), (first, again))
            nodes[1].await_line("attached relay=", nodes[1].lines.index(next(line for line in nodes[1].lines if again[1] in line)))
            answer = mesh.ask(*PASSWD)  # the first ones have expired by now
            self.assertEqual((answer.code, answer.names()), (0, ["agent-1"]), answer)


if __name__ == "__main__":
    unittest.main()
