"""The owner of a machine may take away what the mesh may ask there; every refusal is a signed answer that says why."""
import json
import os
import subprocess
import unittest

from mesh import PROGRAMS, Mesh

ASKED = ["-t", "all", "-path", "/etc", "-name", "^passwd$"]



def show_trust(state):
    done = subprocess.run([f"{PROGRAMS}/mig-agent", "--show-trust", "--state", state], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


class Restrict(unittest.TestCase):
    def restrict(self, mesh, name, **words):
        node = mesh.nodes[name]
        node.end()
        with open(mesh.state(name) + "/restrict.json", "w", encoding="utf-8") as file:
            json.dump(words, file)
        node.start()
        node.await_line("attached relay=")

    def test_what_is_taken_away_is_refused_with_a_reason(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            for name in ("free", "held"):
                mesh.agent(name, via=["relay-1"])
            self.restrict(mesh, "held", modules=["timedrift"])
            answer = mesh.ask("file", *ASKED)
            self.assertEqual((answer.summary["found"], answer.summary["refused"]), (1, 1), answer)
            self.assertIn("local restriction: module 'file' is not allowed on this machine", str(answer.replies) + answer.stderr)
            code, said, _ = show_trust(mesh.state("held"))
            self.assertEqual(code, 0)
            for line in ("modules: timedrift", "file: REFUSED: module 'file' is not allowed on this machine", "roster 1, issued", "Test investigator",
                         "certified as 'held' until", "system calls: a list of those allowed"):
                self.assertIn(line, said)
            if "Landlock version" not in said:
                self.skipTest("this kernel has no Landlock: paths cannot be held")
            os.makedirs(mesh.dir + "/open")
            with open(mesh.dir + "/open/passwd", "w", encoding="utf-8") as file:
                file.write("x")
            self.restrict(mesh, "held", paths=[mesh.dir + "/open"])
            answer = mesh.ask("file", "-t", "name='held'", "-path", "/etc", "-path", mesh.dir + "/open", "-name", "^passwd$")
            only = f"restricted on this machine: only what lies below these is read: {mesh.dir}/open"
            operation = answer.replies[0]["operations"][0]
            self.assertEqual([row["file"] for row in operation["elements"]["s1"]], [mesh.dir + "/open/passwd"], answer)
            self.assertEqual(operation["errors"], ["ERROR: open /etc: Permission denied", only])
            answer = mesh.ask("file", "-t", "name='held'", "-path", "/etc", "-name", "^passwd$")
            self.assertEqual(answer.replies[0]["state"], "failed", "that nothing was found there is not known")
            self.assertEqual(answer.replies[0]["operations"][0]["errors"], ["ERROR: open /etc: Permission denied", only])

    def test_an_agent_does_not_start_without_what_restricts_it(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            node = mesh.agent("agent-1", via=["relay-1"])
            node.end()
            with open(mesh.state("agent-1") + "/restrict.json", "w", encoding="utf-8") as file:
                file.write('{"modul": ["file"]}')
            done = subprocess.run([f"{PROGRAMS}/mig-agent", "--state", mesh.state("agent-1")], capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 2)
            self.assertIn("restrict.json: 'modul' is not known", done.stderr)


if __name__ == "__main__":
    unittest.main()
