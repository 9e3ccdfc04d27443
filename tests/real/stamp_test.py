"""A program that was stamped belongs to one mesh, and holds itself to the restrictions it was stamped with."""
import json
import subprocess
import unittest

from mesh import PROGRAMS, Mesh, Process, free_port


class Stamp(unittest.TestCase):
    def test_a_stamped_program_joins_its_own_mesh_alone_and_keeps_its_restrictions(self):
        with Mesh() as mesh, Mesh() as other:
            mesh.relay("relay-1")
            restrict = mesh.dir + "/restrict.json"
            with open(restrict, "w", encoding="utf-8") as file:
                json.dump({"modules": ["file"]}, file)
            for program in ("mig-agent", "mig-relay"):
                mesh.mig("stamp", f"{PROGRAMS}/{program}", "-o", f"{mesh.dir}/{program}", "-restrict", restrict, check=True)
            join = mesh.mig("invite", check=True).stdout.strip()
            agent = Process("agent-1", [mesh.dir + "/mig-agent", "--state", mesh.state("agent-1"), "--name", "agent-1"], mesh.dir + "/agent-1.log")
            mesh.nodes["agent-1"] = agent
            agent.start(agent.words + ["--join", join]).await_line("attached relay=relay-1")
            answer = mesh.ask("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")
            self.assertEqual((answer.code, answer.names()), (0, ["agent-1"]), answer)
            answer = mesh.ask("ping", "-t", "all", "-d", "127.0.0.1", "-p", "icmp")
            self.assertEqual((answer.summary["refused"], answer.summary["answered"]), (1, 0), answer)

            join = other.mig("invite", "--role", "enroller", "--endpoint", f"tcp://127.0.0.1:{free_port()}", check=True).stdout.strip()
            done = subprocess.run([mesh.dir + "/mig-relay", "--state", mesh.dir + "/elsewhere", "--join", join], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("belongs to mesh real", done.stderr)
            done = mesh.mig("stamp", "/bin/true", "-o", mesh.dir + "/true")
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("is no program of this mesh's kind", done.stderr)


if __name__ == "__main__":
    unittest.main()
