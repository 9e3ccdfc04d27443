"""The owner of a machine can see what was asked of it, by whom, and what was answered; and that nobody changed the record."""
import json
import subprocess
import time
import unittest

from mesh import PATIENCE, PROGRAMS, Mesh


def audit(state, *words):
    done = subprocess.run([f"{PROGRAMS}/mig-agent", "--audit", "--state", state, *words], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


class Audit(unittest.TestCase):
    def test_what_was_asked_is_on_record_and_a_changed_record_is_noticed(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            agent = mesh.agent("agent-1", via=["relay-1"])
            answer = mesh.ask("file", "-n", "who holds passwd", "-t", "all", "-path", "/etc", "-name", "^passwd$")
            self.assertEqual(answer.code, 0, answer)
            mesh.ask("file", "-n", "nobody here", "-t", "name='nosuch'", "-path", "/etc", "-name", "^passwd$")
            code, lines, said = audit(mesh.state("agent-1"))  # while the agent runs
            end = time.monotonic() + PATIENCE
            while len(lines) < 3 and time.monotonic() < end:  # the answer "not targeted" does not wait for the disk
                time.sleep(0.05)
                code, lines, said = audit(mesh.state("agent-1"))
            self.assertEqual(code, 0, said)
            entries = [json.loads(line) for line in lines]
            self.assertEqual([(e["event"], e.get("name"), e.get("outcome")) for e in entries],
                             [("started", "who holds passwd", None), ("answered", None, "found"), ("not_targeted", "nobody here", None)])
            self.assertEqual([len(e["signers"]) for e in entries if "signers" in e], [1, 1])
            self.assertRegex(said, "intact, 3 entries, newest [0-9a-f]{64}")
            started = agent.await_line("started action=.* audit=([0-9a-f]{64})").group(1)
            self.assertEqual(entries[1]["prev"], started, "the log names the hash of the entry")
            agent.end()
            path = mesh.state("agent-1") + "/store/data.mdb"
            with open(path, "rb") as file:
                data = file.read()
            with open(path, "wb") as file:
                file.write(data.replace(b"nobody here", b"somebody...").replace(b"who holds passwd", b"what is the time"))
            code, _, said = audit(mesh.state("agent-1"))
            self.assertEqual(code, 1, said)
            self.assertIn("BROKEN: entry 2 does not follow", said)

    def test_without_a_state_directory_it_says_so(self):
        code, lines, said = audit("/nonexistent")
        self.assertEqual((code, lines), (2, []))
        self.assertIn("/nonexistent", said)


if __name__ == "__main__":
    unittest.main()
