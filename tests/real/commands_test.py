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

    def test_who_is_missing_is_named_with_its_reason_and_alone_asked_again(self):
        action = self.asked_while_away("agent-3")
        done = self.mesh.mig("missing", action[:8], "--json")
        (one, summary), code = lines(done), done.returncode
        self.assertEqual((code, one["name"], one["state"], one["relay"], summary["offline"], summary["complete"]),
                         (3, "agent-3", "offline", "relay-2", 1, False), done)
        self.assertRegex(self.mesh.mig("missing", action[:8]).stdout, r"agent-3 +offline +relay-2 .*offline, last seen ")

        done = self.mesh.mig("agents", "--offline", "--json")
        agent, summary = lines(done)
        self.assertEqual((done.returncode, agent["name"], agent["state"], summary["online"], summary["offline"]), (0, "agent-3", "offline", 2, 1), done)

        self.back("agent-3")
        self.assertEqual(self.mesh.ask("results", action).code, 0)
        again = self.mesh.mig("ask-again", action[:8])
        self.assertEqual((again.returncode, again.stdout), (0, ""), again)
        self.assertIn("nobody is missing", again.stderr)

        action = self.asked_while_away("agent-3")
        self.mesh.mig("cancel", action)
        self.back("agent-3")
        self.assertEqual(self.mesh.ask("results", action).summary["cancelled"], 1)
        again = self.mesh.ask("ask-again", action[:8])
        self.assertEqual((again.code, again.names(), again.summary["not_targeted"], again.summary["targeted"]), (0, ["agent-3"], 2, 1), again)
        self.assertNotEqual(again.action, action)

    def test_relays_are_shown_with_links_and_load(self):
        done = self.mesh.mig("relays", "--json")
        one, two, summary = lines(done)
        self.assertEqual([(line["name"], [link["name"] for link in line["links"] if link["both"]]) for line in (one, two)],
                         [("relay-1", ["relay-2"]), ("relay-2", ["relay-1"])], done)
        self.assertEqual((summary["relays"], summary["agents"], summary["online"], summary["complete"]),  # as the records of the relays say
                         (2, one["agents"] + two["agents"], one["online"] + two["online"], True))
        self.assertRegex(self.mesh.mig("topology", "--relay", "relay-1").stdout, r"(?s)^relay-1 .*attached.*\n└─ relay-2 .*2 of 2 relays within reach")
        dot = self.mesh.mig("topology", "--dot").stdout
        self.assertTrue(dot.startswith("graph mesh {") and dot.count(" -- ") == 1, dot)

    def test_what_cannot_be_cancelled_is_named_with_its_reason(self):
        for words, wanted in ((["12345678"], "none in the ledger has this id"), (["123"], "8 or more hex digits"),
                              (["nowhere.json"], "nowhere.json: No such file"), ([], "give the ID of one action")):
            done = self.mesh.mig("cancel", *words)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(wanted, done.stderr)


class Forget(unittest.TestCase):
    def test_a_forgotten_relay_is_not_counted_until_it_lives_again(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            relay = mesh.relay("relay-2", via=["relay-1"])
            relay.await_line("link_up")
            mesh.agent("agent-1", via=["relay-1"])
            agent = mesh.agent("agent-2", via=["relay-2"])
            through = ("--relay", "relay-1")
            answer = mesh.ask(*through, *PASSWD)
            self.assertEqual((answer.code, answer.names()), (0, ["agent-1", "agent-2"]), answer)
            since = len(mesh.nodes["relay-1"].lines)
            agent.kill()
            relay.kill()
            mesh.nodes["relay-1"].await_line("link_down.*relay-2", since)
            answer = mesh.ask("--wait", "0", *through, *PASSWD)
            self.assertEqual((answer.code, answer.summary["unknown"], answer.summary["relays"]), (3, 1, 2), answer)
            one = lines(mesh.mig("missing", answer.action, "--json", *through))[0]
            self.assertEqual((one["name"], one["state"], one["relay"]), ("agent-2", "unknown", "relay-2"), one)

            said = lines(mesh.mig("relays", "forget", "relay-2", "-y", "--json"))[0]
            self.assertEqual((said["relay"], said["agents_there"], said["relays_counted"], said["agents_counted"]), ("relay-2", 1, 1, 1), said)
            one = lines(mesh.mig("status", answer.action, "--json", *through))[0]
            self.assertEqual((one["complete"], one["answered"], one["unknown"], one["relays"]), (True, 1, 0, 1), one)
            agents = lines(mesh.mig("agents", "--json", *through))
            self.assertEqual(([line["name"] for line in agents[:-1]], agents[-1]["forgotten"], agents[-1]["complete"]), (["agent-1"], 1, True), agents)
            self.assertEqual(mesh.mig("relays", *through).returncode, 0)

            relay.start().await_line("link_up")
            agent.start().await_line("attached relay=relay-2")
            answer = mesh.ask("results", answer.action, *through)
            self.assertEqual((answer.code, answer.names(), answer.summary["relays"]), (0, ["agent-1", "agent-2"], 2), answer)
            done = mesh.mig("relays", "forget", "relay-9")
            self.assertEqual(done.returncode, 2)
            self.assertIn("no relay 'relay-9' in the ledger; it knows relay-1, relay-2", done.stderr)


if __name__ == "__main__":
    unittest.main()
