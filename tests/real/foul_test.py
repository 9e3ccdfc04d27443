"""Whoever comes to a mesh with bad manners: strangers at its port, agents that were taken over, a relay whose store is gone."""
import base64
import json
import os
import shutil
import socket
import sys
import unittest

import zmq
from census import starts
from liar import PROGRAM, canonical
from mesh import HERE, Mesh, Process
from message_tables import Tables
from nacl.public import PrivateKey

TABLES = Tables(os.path.join(HERE, "../../node/core/MESSAGES.md"))
PASSWD = ("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")
MANY = 100


class Strangers(unittest.TestCase):
    def test_strangers_are_not_heard_and_keep_nobody_out(self):
        with Mesh() as mesh:
            relay = mesh.relay("relay-1")
            agent = mesh.agent("agent-1", via=["relay-1"])
            address, _, key = mesh.endpoints["relay-1"].partition("#")
            asked = mesh.ask(*PASSWD)
            with open(mesh.dir + "/draft.json", "w", encoding="utf-8") as file:
                json.dump({"name": "by a stranger", "target": "all", "syntaxversion": 2, "operations": [
                    {"module": "file", "parameters": {"searches": {"s1": {"paths": ["/etc"], "names": ["^passwd$"]}}}}]}, file)
            good = json.loads(mesh.mig("sign", mesh.dir + "/draft.json", "-y", check=True).stdout)
            packets = [base64.b64decode(packet) for packet in good.pop("pgpsignatures")]
            host, port = address.removeprefix("tcp://").rsplit(":", 1)
            noise = []
            for n in range(MANY):  # no handshake, half of one, a page of something else
                noise.append(socket.create_connection((host, int(port))))
                noise[-1].sendall((b"", b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE", os.urandom(500), b"GET / HTTP/1.1\r\n\r\n")[n % 4])
            context = zmq.Context()
            strangers = [stranger(context, address, bytes.fromhex(key)) for _ in range(MANY)]
            put = TABLES.frame("PUT", objects=[{"kind": "action", "text": canonical(good), "signatures": packets, "author": b""}])
            for n, one in enumerate(strangers):
                for frame in ((put, os.urandom(300), TABLES.frame("BEAT", n=1, now=0, consumed=0))[n % 3], put):
                    one.send(frame)
            agent.end()
            agent.start().await_line("attached relay=relay-1")  # while they are at it
            answer = mesh.ask(*PASSWD)
            self.assertEqual((answer.code, answer.names()), (0, ["agent-1"]), answer)
            self.assertTrue(relay.running())
            told = [line for line in relay.lines if " action action=" in line]
            self.assertEqual([line.split("action=")[1][:8] for line in told], [asked.action[:8], answer.action[:8]], "nothing of the strangers'")
            context.destroy(linger=0)
            for one in noise:
                one.close()


def stranger(context, address, relay_key):
    """A connection with a key that nobody knows."""
    secret = PrivateKey.generate()
    one = context.socket(zmq.DEALER)
    for option, value in ((zmq.CURVE_SERVERKEY, relay_key), (zmq.CURVE_PUBLICKEY, bytes(secret.public_key)), (zmq.CURVE_SECRETKEY, bytes(secret)), (zmq.LINGER, 0)):
        one.setsockopt(option, value)
    one.connect(address)
    return one


class FoulAgents(unittest.TestCase):
    def test_what_foul_agents_answer_is_told_by_name_and_harms_nobody(self):
        with Mesh() as mesh:
            relay = mesh.relay("relay-1")
            mesh.agent("agent-1", via=["relay-1"])
            honest = relay.await_line(r"agent_attached agent=agent-1 id=(\w+)")[1]

            def foul(name):
                join = mesh.mig("invite", "--via", "relay-1", check=True).stdout.strip()
                words = ["env", f"FOUL={name}", f"FOUL_NAME={honest}", sys.executable, os.path.join(HERE, "foul_peer.py"), "--state", mesh.state(name), "--name", name, "--join", join]
                mesh.nodes[name] = Process(name, words, f"{mesh.dir}/{name}.log")
                mesh.nodes[name].start().await_line("^attached")
            foul("bomb")
            foul("junk")
            answer = mesh.ask("--wait", "3", *PASSWD)
            self.assertEqual((answer.code, answer.names(), answer.summary["found"], answer.summary["complete"]), (3, ["agent-1"], 1, False), answer)
            self.assertRegex(answer.stderr, "false_reply relay=relay-1 agent=bomb why=.*unpacks to 1073741824 octets, at most")
            self.assertRegex(answer.stderr, "false_reply relay=relay-1 agent=junk why=.*not compressed as agreed")
            self.assertIn("disputed: relay-1 counts 3 answered, and holds the answers of 1", answer.stderr)
            foul("other")  # it is offered the same question
            mesh.nodes["other"].await_line("reply_refused .*code=bad")


class LostJournal(unittest.TestCase):
    def test_an_agent_whose_journal_was_wiped_says_so_and_runs_what_is_said_again_once_more_at_most(self):
        with Mesh() as mesh:
            liar = mesh.relay("relay-1", program=PROGRAM)
            agent = mesh.agent("agent-1", via=["relay-1"])
            answer = mesh.ask(*PASSWD)
            agent.end()
            self.assertFalse(any("journal_lost" in line for line in agent.lines))
            shutil.rmtree(mesh.state("agent-1") + "/store")
            liar.end()
            liar.words = ["env", "MIG_LIE=replay", *liar.words]
            liar.start()
            agent.start().await_line("alarm journal_lost")
            agent.await_line(f"answered action={answer.action[:8]}")
            agent.end()
            agent.start().await_line("attached relay=relay-1")
            self.assertEqual(mesh.ask(*PASSWD).names(), ["agent-1"])  # behind whatever was offered
            self.assertEqual(starts(agent.log)[answer.action[:8]], 2)
            self.assertFalse(any("journal_lost" in line for line in agent.lines))


class LostStore(unittest.TestCase):
    def test_a_relay_that_lost_its_store_says_so_and_the_answer_is_qualified(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            relay = mesh.relay("relay-2", via=["relay-1"])
            relay.await_line("link_up")
            mesh.agent("agent-1", via=["relay-2"])
            relay.kill()
            shutil.rmtree(mesh.state("relay-2") + "/store")
            agent, since = mesh.nodes["agent-1"], len(mesh.nodes["agent-1"].lines)
            relay.start().await_line("store_was_lost")
            agent.await_line("attached relay=relay-2", since)
            answer = mesh.ask("--relay", "relay-1", *PASSWD)
            self.assertEqual(answer.names(), ["agent-1"], answer)
            self.assertRegex(answer.stderr, "relay-2 lost its store at .*; agents that were offline there may be missing")


if __name__ == "__main__":
    unittest.main()
