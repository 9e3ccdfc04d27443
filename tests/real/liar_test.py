"""A relay that was taken over lies (tests/mutations/relay/liar.patch): what it does is harmless, or the reader is told of it by name.

agent-1 is at an honest relay, agent-2 and agent-3 are at the liar, and whoever asks is attached to the honest one: what
agent-1 answers is complete whatever the liar does.
"""
import os
import re
import signal
import types
import unittest

from census import starts
from liar import PROGRAM as LIAR
from mesh import PROGRAMS, Answer, Mesh, Process

HERE, THERE = ["agent-1"], ["agent-2", "agent-3"]
PASSWD = ("-path", "/etc", "-name", "^passwd$")


class Lies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(f"{PROGRAMS}/{LIAR}"):
            raise AssertionError("no liar was built: ninja -C build mig-relay-liar")
        cls.mesh = cls.enterClassContext(Mesh())
        cls.honest = cls.mesh.relay("relay-1")
        cls.liar = cls.mesh.relay("relay-2", via=["relay-1"], program=LIAR)
        cls.honest_words = cls.liar.words
        for name, relay in (("agent-1", "relay-1"), ("agent-2", "relay-2"), ("agent-3", "relay-2")):
            cls.mesh.agent(name, via=[relay])
        cls.everybody("without a lie")

    @classmethod
    def everybody(cls, why):
        """An honest round: the reader knows every agent afterwards."""
        answer = cls.ask()
        assert (answer.code, answer.names()) == (0, HERE + THERE), f"{why}: {answer}"

    @classmethod
    def ask(cls, *words, relay="relay-1", target="all"):
        return cls.mesh.ask("--relay", relay, "--wait", "3", "file", *words, "-t", target, *PASSWD)

    def ask_for(self, awaited, relay="relay-1", target="all"):
        """Asks, and is interrupted when `awaited` has returned: of agents that never answer mig would wait for the end."""
        words = ["mig", "-c", self.mesh.home, "--json", "-y", "--relay", relay, "file", "-t", target, *PASSWD]
        mig = Process("mig", [f"{PROGRAMS}/{words[0]}", *words[1:]], f"{self.mesh.dir}/mig.log").start()
        awaited(mig)
        mig.signal(signal.SIGINT)
        mig.popen.wait()
        mig.reader.join()
        text = "\n".join(mig.lines)
        return Answer(types.SimpleNamespace(returncode=mig.popen.returncode, stdout=text, stderr=text))

    def lie(self, what, **more):
        """The liar begins a new life; it has both its agents and its link when this returns."""
        self.liar.end()
        self.liar.words = ["env", f"MIG_LIE={what}", *(f"{key}={value}" for key, value in more.items()), *self.honest_words]
        marks = [len(self.mesh.nodes[name].lines) for name in THERE]
        self.liar.start().await_line("link_up peer=relay-1")
        for name, mark in zip(THERE, marks):
            self.mesh.nodes[name].await_line("attached relay=relay-2", since=mark)

    def started(self, name, answer):
        return starts(self.mesh.nodes[name].log).get(answer.action[:8], 0) if answer.action else 0

    def check(self, answer, names, **summary):
        """What came, what is counted, and that nobody may think it was all."""
        self.assertEqual(answer.names(), names, answer)
        self.assertEqual((answer.code, answer.summary["complete"]), (3, False), answer)
        self.assertEqual({key: answer.summary[key] for key in summary}, summary, answer)

    def refused(self, answer, names, code):
        """Agents named refuse what the liar made of the action, and say so in their logs."""
        for name in names:
            self.mesh.nodes[name].await_line(f"refused action=(?!{answer.action[:8]}).*{code}")
            self.assertEqual(self.started(name, answer), 0, name)

    def kept_from(self, target="all", code="does not fit the text"):
        """What the liar's agents make of an action that is not what was signed; agent-1 answers all the same."""
        def awaited(mig):
            mig.await_line('"type":"reply".*"name":"agent-1"')
            for name in THERE:
                if code:
                    self.mesh.nodes[name].await_line(f"refused action=.*{code}", since=marks[name])
        marks = {name: len(self.mesh.nodes[name].lines) for name in THERE}
        answer = self.ask_for(awaited, target=target)
        self.assertEqual((answer.code, answer.names(), answer.summary["complete"]), (130, HERE, False), answer)
        self.assertEqual([self.started(name, answer) for name in HERE + THERE], [1, 0, 0])
        out = self.mesh.mig("missing", "--json", answer.action).stdout
        self.assertEqual(re.findall(r'"name":"(agent-.)".*?"relay":"([^"]+)"', out), [(name, "relay-2") for name in THERE], out)

    def test_an_altered_action_is_run_by_nobody(self):
        self.lie("alter")
        self.kept_from()
        mark = len(self.honest.lines)  # and when the liar stands between the reader and the honest relay
        self.ask_for(lambda _: self.honest.await_line("refused from=relay-2 .*does not fit the text", since=mark), relay="relay-2")

    def test_a_widened_target_is_run_by_nobody(self):
        self.lie("widen")
        self.kept_from(target="name='agent-1'")

    def test_agents_that_are_not_asked_are_missing_by_name(self):
        self.lie("withhold")
        self.kept_from(code="")

    def test_dropped_answers_are_disputed(self):
        self.lie("drop")  # the first of twenty
        answer = self.ask()
        self.assertEqual(len(answer.replies), 2, answer)
        self.check(answer, answer.names(), found=2, open=0, disputed=1)
        self.assertIn("agent-1", answer.names())
        self.assertIn("disputed: relay-2 counts 2 answered, and holds the answers of 1", answer.stderr)

    def test_an_agent_that_is_hidden_is_unknown(self):
        self.lie("hide")
        answer = self.ask()
        self.check(answer, answer.names(), found=2, open=0, unknown=1)
        self.assertIn("unknown: relay-2 has given no answer of 1 agents known there, and counts 0 as open", answer.stderr)

    def test_answers_said_to_be_done_are_disputed(self):
        self.lie("done")
        self.check(answer := self.ask(), HERE, found=1, open=0, disputed=2)
        self.assertIn("disputed: relay-2 counts 2 answered, and holds the answers of 0", answer.stderr)

    def test_answers_claimed_are_disputed(self):
        self.lie("counts")
        self.check(answer := self.ask(), HERE + THERE, found=3, disputed=3)
        self.assertIn("disputed: relay-2 counts 5 answered, and holds the answers of 2", answer.stderr)

    def test_an_agent_that_was_made_up_is_refused_and_disputed(self):
        self.lie("invent")
        self.check(answer := self.ask(), HERE + THERE, found=3, disputed=1)
        self.assertRegex(answer.stderr, "false_reply relay=relay-2 why=.*enroller")
        self.assertIn("disputed: relay-2 counts 3 answered, and holds the answers of 2", answer.stderr)

    def test_answers_to_another_question_are_refused(self):
        self.lie("swap")
        self.everybody("there is nothing to swap yet")
        self.check(answer := self.ask(), HERE, found=1, disputed=2)
        self.assertRegex(answer.stderr, "false_reply relay=relay-2 why=.*does not belong here")

    def test_anothers_answer_signed_anew_is_refused(self):
        self.lie("resign", MIG_LIE_SEED=self.mesh.state("agent-3") + "/seed")
        self.check(answer := self.ask(), ["agent-1", "agent-2"], found=2, disputed=1)
        self.assertRegex(answer.stderr, "false_reply relay=relay-2 agent=agent-3 why=.*belongs to another reply")

    def test_what_a_relay_sees_of_an_answer_says_neither_what_was_found_nor_whether(self):
        secret = "secret-" + os.urandom(16).hex()
        with open(f"{self.mesh.dir}/{secret}", "w", encoding="utf-8"):
            pass
        self.lie("look")
        seen = []
        for name in (secret, "nosuch-" + os.urandom(16).hex()):
            since = len(self.liar.lines)
            answer = self.mesh.ask("--relay", "relay-1", "--wait", "3", "file", "-t", "name='agent-2'", "-path", self.mesh.dir, "-name", f"^{name}$")
            self.assertEqual((answer.summary["found"], answer.summary["clean"]), (1, 0) if name == secret else (0, 1), answer)
            seen.append(self.liar.await_line(r"seen agent=\w+ state=(\d+) bytes=([1-9]\d*) header=(\w+) body=(\w+)", since))
        self.assertEqual(*[(one[1], one[2], len(one[3])) for one in seen])
        for text in (secret.encode(), bytes.fromhex("28b52ffd")):  # the name, and how what is compressed begins
            self.assertNotIn(text, bytes.fromhex(seen[0][4]))

    def test_an_action_said_again_is_not_run_again(self):
        self.lie("replay")
        answer = self.ask()
        self.assertEqual((answer.code, answer.names()), (0, HERE + THERE), answer)
        agent = self.mesh.nodes["agent-2"]
        agent.end()
        agent.start().await_line("attached relay=relay-2")
        self.liar.end()  # both begin anew, and everything is offered again
        self.lie("replay")
        self.everybody("links keep their order: what was offered before this question has been judged")
        self.assertEqual(self.started("agent-2", answer), 1)
        self.assertEqual(self.started("agent-3", answer), 1)


class Steal(unittest.TestCase):
    def test_an_agent_is_not_stolen_by_an_old_or_a_forged_ticket(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            liar = mesh.relay("relay-2", via=["relay-1"], program=LIAR)
            agent = mesh.agent("agent-1", via=["relay-2", "relay-1"])
            liar.end()
            agent.await_line("attached relay=relay-1")
            liar.words = ["env", "MIG_LIE=steal", *liar.words]
            liar.start()
            mesh.nodes["relay-1"].await_line("bad_handover agent=")
            answer = mesh.ask("--relay", "relay-1", "--wait", "3", "file", "-t", "all", *PASSWD)
            self.assertEqual(answer.names(), ["agent-1"], answer)
            self.assertNotIn("handed_over", "\n".join(mesh.nodes["relay-1"].lines))


if __name__ == "__main__":
    unittest.main()
