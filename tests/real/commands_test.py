"""What mig says about actions and machines afterwards: status, cancel, and what an agent that was away makes of it."""
import json
import unittest

from mesh import Mesh

PASSWD = ("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = Mesh().__enter__()
        cls.addClassCleanup(cls.mesh.__exit__, None, None, None)
        cls.mesh.relay("relay-1")
        cls.mesh.relay("relay-2", via=["relay-1"]).await_line("link_up")
        for name, relay in (("agent-1", "relay-1"), ("agent-2", "relay-2"), ("agent-3", "relay-2")):
            cls.mesh.agent(name, via=[relay])

    def setUp(self):
        self.addCleanup(self.all_back)

    def all_back(self):
        for name in ("agent-1", "agent-2", "agent-3"):
            if not self.mesh.nodes[name].running():
                self.back(name)

    def back(self, name):
        self.mesh.nodes[name].start().await_line("attached relay=")

    def away(self, name):
        """Ends an agent in order; returns when its relay has noticed."""
        relay = self.mesh.nodes["relay-1" if name == "agent-1" else "relay-2"]
        since = len(relay.lines)
        self.mesh.nodes[name].end()
        relay.await_line(f"link_down.*{name}", since)

    def asked_while_away(self, name):
        self.away(name)
        answer = self.mesh.ask("--wait", "0", *PASSWD)
        self.assertEqual((answer.code, answer.summary["answered"], answer.summary["offline"]), (3, 2, 1), answer)
        return answer.action

    def test_a_cancelled_action_is_started_nowhere_any_more_and_its_status_says_so(self):
        action = self.asked_while_away("agent-2")
        done = self.mesh.mig("status", action[:8])
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("2 of 3 answered (2 found, 0 clean), 1 offline; 2 of 2 relays reporting; not complete", done.stdout)

        done = self.mesh.mig("cancel", action[:8], "-reason", "wrong path", "--json")
        said, summary = lines(done)
        self.assertEqual((done.returncode, said["type"], said["action"], said["reason"], said["stored"]), (3, "cancel", action, "wrong path", True), done)
        self.assertEqual((summary["type"], summary["answered"], summary["cancelled"], summary["offline"]), ("summary", 2, 0, 1), done)

        self.back("agent-2")
        answer = self.mesh.ask("results", action)
        self.assertEqual((answer.code, answer.summary["answered"], answer.summary["cancelled"]), (0, 2, 1), answer)
        self.assertFalse(any(f"started action={action[:8]}" in line for line in self.mesh.nodes["agent-2"].lines))
        one = lines(self.mesh.mig("status", action, "--json"))[0]
        self.assertEqual({key: one[key] for key in ("type", "source", "state", "targeted", "answered", "cancelled", "relays_reporting", "complete")},
                         {"type": "status", "source": "mesh", "state": "open", "targeted": 3, "answered": 2, "cancelled": 1,
                          "relays_reporting": 2, "complete": True})

    def test_the_table_of_recent_actions_counts_the_complete_ones(self):
        answer = self.mesh.ask(*PASSWD)
        done = self.mesh.mig("status", "-most", "1", "--json")
        action, summary = lines(done)
        self.assertEqual((action["action"], action["answered"], action["complete"]), (answer.action, 3, True), done)
        self.assertEqual(summary, {"type": "summary", "actions": 1, "complete_actions": 1, "from_ledger": 0, "complete": True})
        self.assertIn("3 of 3", self.mesh.mig("status", "-most", "1").stdout)

    def test_what_cannot_be_cancelled_is_named_with_its_reason(self):
        for words, wanted in ((["12345678"], "none in the ledger has this id"), (["123"], "8 or more hex digits"),
                              (["nowhere.json"], "nowhere.json: No such file"), ([], "give the ID of one action")):
            done = self.mesh.mig("cancel", *words)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(wanted, done.stderr)


if __name__ == "__main__":
    unittest.main()
