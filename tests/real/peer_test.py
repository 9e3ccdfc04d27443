"""A second implementation, written from MESSAGES.md alone, is an agent like any other."""
import os
import unittest

from mesh import HERE, Mesh
from message_tables import Tables
from peer_keys import H, Identity, Refused, sealing_key, verify

TABLES = Tables(os.path.join(HERE, "../../node/core/MESSAGES.md"))
FILE = ("-path", HERE, "-name", r"^peer\.py$")


class Examples(unittest.TestCase):
    """The page's examples, made anew by the peer's own code."""

    def test_every_example_of_the_page_comes_out_the_same(self):
        with open(os.path.join(HERE, "../../node/core/MESSAGES.md"), encoding="utf-8") as file:
            page = file.read()
        rows = [line.split("|") for line in page.split("## Examples")[1].splitlines() if line.startswith("| ")]
        told = {row[1].strip(): row[2].strip(" `") for row in rows if row[2].strip().startswith("`")}
        me = Identity(bytes([1]) * 32)
        header = TABLES.pack("reply header", action=H(32, b"{}"), agent=me.node_id, part=0, parts=1,
                             state="not_targeted", started=0, finished=0, body=H(32, b""), body_bytes=0)
        ticket = TABLES.pack("ticket", agent=me.node_id, attach_seq=5, relay=bytes(16), at=1800000000000)
        made = {
            "BEAT": TABLES.frame("BEAT", n=1, now=1800000000000, consumed=300),
            "link_key": me.link_key, "link_secret": me.link_secret, "node id": me.node_id, "sign_key": me.sign_key,
            "sealing key": sealing_key(me.sign_key), "reply header": header,
            "signature": me.sign("mesh1:row", b"text"),
            "ticket": TABLES.pack("signed", body=ticket, signature=me.sign("mesh1:ticket", ticket)),
        }
        self.assertEqual({name: value.hex() for name, value in made.items()},
                         {name: value for name, value in told.items() if name != "sealed"})
        self.assertEqual(me.open(bytes.fromhex(told["sealed"])), b"text")

    def test_a_signature_of_another_domain_or_text_does_not_hold(self):
        me = Identity(bytes([1]) * 32)
        signature = me.sign("mesh1:row", b"text")
        verify(me.sign_key, "mesh1:row", b"text", signature)
        for domain, text in (("mesh1:res", b"text"), ("mesh1:row", b"next")):
            with self.assertRaises(Refused):
                verify(me.sign_key, domain, text, signature)


class PeerInAMesh(unittest.TestCase):
    def test_mig_counts_the_peer_among_the_agents(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            mesh.relay("relay-2", via=["relay-1"]).await_line("link_up")
            mesh.agent("agent-1", via=["relay-2"])
            peer = mesh.peer("peer-1", via=["relay-2"])
            peer.await_line("^enrolled")
            peer.await_line("^attached relay=relay-2")

            answer = mesh.ask("file", "-t", "all", *FILE)
            self.assertEqual((answer.code, answer.names()), (0, ["agent-1", "peer-1"]), answer)
            self.assertTrue(answer.summary["complete"], answer)
            of_peer = next(reply for reply in answer.replies if reply["name"] == "peer-1")
            self.assertEqual([found["file"] for found in of_peer["operations"][0]["elements"]["s1"]], [HERE + "/peer.py"])

            # For people too: an answer of a stranger's program need not have the rows a module knows.
            shown = mesh.mig("-y", "file", "-t", "name='peer-1'", *FILE)
            self.assertEqual(shown.returncode, 0, shown.stderr)

            # It judges the target itself, and says of what it cannot do that it cannot.
            answer = mesh.ask("file", "-t", "environment->>'ident'='peer'", *FILE)
            self.assertEqual((answer.names(), answer.summary["not_targeted"]), (["peer-1"], 1), answer)
            answer = mesh.ask("file", "-t", "name='peer-1'", "-path", HERE, "-name", "peer", "-size", ">1")
            self.assertEqual((answer.summary["refused"], answer.summary["answered"]), (1, 0), answer)
            self.assertIn("sizes", answer.replies[0]["reason"])

            # Away while it was asked, it answers when it is back, and starts nothing twice.
            peer.kill()
            away = mesh.ask("--wait", "0", "file", "-t", "name='peer-1'", *FILE)
            self.assertEqual((away.code, away.replies), (3, []), away)
            peer.start()
            key = away.action[:32]
            peer.await_line(f"^stored action={key}")
            late = mesh.ask("results", away.action)
            self.assertEqual((late.code, late.names()), (0, ["peer-1"]), late)
            peer.await_line(f"^confirmed action={key}")
            peer.kill()
            peer.start()
            peer.await_line("^attached")
            again = mesh.ask("file", "-t", "name='peer-1'", *FILE)
            peer.await_line(f"^confirmed action={again.action[:32]}")
            self.assertEqual(sum(line.startswith("started") for line in peer.lines), 1, peer.lines)


if __name__ == "__main__":
    unittest.main()
