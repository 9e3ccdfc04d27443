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

    def test_show_trust_says_what_is_stamped_also_before_it_has_joined(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            restrict = mesh.dir + "/restrict.json"
            with open(restrict, "w", encoding="utf-8") as file:
                json.dump({"modules": ["file"], "seconds": 30}, file)
            stamped = mesh.dir + "/mig-agent"
            mesh.mig("stamp", f"{PROGRAMS}/mig-agent", "-o", stamped, "-restrict", restrict, check=True)
            with open(mesh.home + "/trust.json", encoding="utf-8") as file:
                trust = json.load(file)
            said = show_trust(stamped, mesh.dir + "/nowhere")
            self.assertEqual(said.stdout.splitlines(),
                             [f"stamped into this program: it joins mesh {trust['mesh']} (real) and no other", "  a roster holds with 1 of 1 root keys:",
                              f"    {trust['roots'][0]['fingerprint']}", f"  begins with relay {mesh.endpoints['relay-1']}", "  restrictions:", "    modules: file", "    seconds: 30"])
            self.assertEqual((said.returncode, said.stderr), (2, f"mig-agent: {mesh.dir}/nowhere: is not there; name the state directory with --state\n"))
            join = mesh.mig("invite", check=True).stdout.strip()
            agent = Process("agent-1", [stamped, "--state", mesh.state("agent-1"), "--name", "agent-1", "--join", join], mesh.dir + "/agent-1.log")
            mesh.nodes["agent-1"] = agent
            agent.start().await_line("attached relay=relay-1")
            said = show_trust(stamped, mesh.state("agent-1")).stdout
            for line in ("and no other", "    modules: file", f"mesh {trust['mesh']} (real)", f"  {trust['roots'][0]['fingerprint']} Test investigator"):
                self.assertIn(line, said)
            self.assertIn("nothing is stamped into this program: it joins any mesh", show_trust(f"{PROGRAMS}/mig-agent", mesh.state("agent-1")).stdout)

    def test_an_agent_with_a_mesh_compiled_in_joins_no_other(self):
        compiled = f"{PROGRAMS}/../baked/mig-agent-baked"  # tests/fixtures/baked.inc, as -DMIG_BAKED=FILE takes it
        with Mesh() as mesh:
            said = show_trust(compiled, mesh.dir + "/nowhere").stdout
            for line in ("it joins mesh 0d0bcc7582a9d5d5ff36a58baf9c813f (compiled) and no other", "  begins with relay tcp://192.0.2.7:7447#", "    modules: file"):
                self.assertIn(line, said)
            mesh.relay("relay-1")
            join = mesh.mig("invite", check=True).stdout.strip()
            done = subprocess.run([compiled, "--state", mesh.dir + "/elsewhere", "--join", join], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("belongs to mesh compiled", done.stderr)
            mesh.mig("stamp", "-o", mesh.dir + "/ours.inc", check=True)  # what is to be compiled in
            with open(mesh.dir + "/ours.inc", encoding="utf-8") as file:
                self.assertRegex(file.read(), r'^R"baked\(\{.*"name":"real".*\}\)baked"\n$')


def show_trust(program, state):
    return subprocess.run([program, "--show-trust", "--state", state], capture_output=True, text=True, timeout=60)


if __name__ == "__main__":
    unittest.main()
