"""A signed order ends an agent for good: the one that answers, or a stray copy beside it."""
import json
import os
import shutil
import subprocess
import unittest

from mesh import PROGRAMS, Mesh

VERSION = subprocess.run([PROGRAMS + "/mig-agent", "-V"], capture_output=True, text=True, check=True).stdout.split()[1]


def order(mesh, target, **parameters):
    """What an agent answers to it, and how mig ends."""
    path = mesh.dir + "/order.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"name": "end it", "target": f"name = '{target}'",
                   "operations": [{"module": "agentdestroy", "parameters": parameters}]}, file)
    answer = mesh.ask("run", path)
    return answer, [reply["operations"][0] for reply in answer.replies if reply.get("operations")]


def allow(mesh):
    """No default opens it: the roster must name it."""
    mesh.roster("-allow", "agentdestroy=1", "-weight", "agentdestroy:Test=1")
    for node in mesh.nodes.values():
        node.await_line("roster version=2")


class Destroy(unittest.TestCase):
    def test_an_agent_told_to_end_itself_answers_first_and_does_not_start_again(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            agent = mesh.agent("agent-1", via=["relay-1"])
            mesh.agent("agent-2", via=["relay-1"])
            pid = agent.popen.pid

            refused, _ = order(mesh, "agent-1", version=VERSION)
            self.assertEqual(refused.code, 2, refused)
            self.assertIn("access: the roster has no rule for agentdestroy, and no default opens it", refused.stderr)
            allow(mesh)

            _, (wrong,) = order(mesh, "agent-1", version="0.0.1")
            self.assertEqual((wrong["success"], wrong["errors"]),
                             (False, [f"pid {pid}: this agent's version is '{VERSION}', not '0.0.1'"]))
            self.assertTrue(agent.running())

            _, (answer,) = order(mesh, "agent-1", pid=pid, version=VERSION)
            self.assertEqual(answer, {"foundanything": True, "success": True,
                                      "elements": f"PID {pid} from agent {VERSION} ends itself once this answer is stored",
                                      "statistics": {"self": True}, "errors": None})
            agent.await_line("warning ending ")
            agent.await_line("warning destroyed ")
            self.assertEqual(agent.popen.wait(), 0)

            agent.start()
            agent.await_line("^mig-agent: ended by a signed order at 2.*Z; .*/destroyed keeps it from starting again$")
            self.assertEqual(agent.popen.wait(), 0)

            os.unlink(mesh.state("agent-1") + "/destroyed")
            agent.start().await_line("attached relay=relay-1")  # and its answer is not obeyed again
            both = mesh.ask("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")
            self.assertEqual((both.code, both.names()), (0, ["agent-1", "agent-2"]), both)

    def test_a_stray_copy_is_killed_and_its_file_removed_and_a_twin_keeps_the_file(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            mesh.agent("agent-1", via=["relay-1"])
            twin = mesh.agent("agent-2", via=["relay-1"])
            allow(mesh)
            copy = shutil.copy(PROGRAMS + "/mig-agent", mesh.dir + "/mig-agent-old")
            stray = subprocess.Popen([copy, "-m", "file"], stdin=subprocess.PIPE)
            _, (killed,) = order(mesh, "agent-1", pid=twin.popen.pid, version=VERSION)
            self.assertEqual(killed["elements"], f"PID {twin.popen.pid} from agent {VERSION} has been killed")
            self.assertEqual(twin.popen.wait(), -9)
            self.assertTrue(os.path.exists(PROGRAMS + "/mig-agent"))

            _, (other,) = order(mesh, "agent-1", pid=stray.pid, version="0.0.1")
            self.assertEqual((other["success"], other["errors"]),
                             (False, [f"pid {stray.pid}: says 'mig-agent {VERSION}' when it is asked for its version, not '0.0.1'"]))
            self.assertIsNone(stray.poll())

            _, (removed,) = order(mesh, "agent-1", pid=stray.pid, version=VERSION)
            self.assertEqual(removed["elements"],
                             f"PID {stray.pid} from agent {VERSION} has been killed and its executable removed from {copy}")
            self.assertEqual(stray.wait(), -9)
            self.assertFalse(os.path.exists(copy))
            stray.stdin.close()


if __name__ == "__main__":
    unittest.main()
