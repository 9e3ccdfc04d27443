"""Modules that turn against their machine, in a real agent (tests/hostile): the wall stops them, what was found before is kept,
the agent goes on as if nothing had been."""
import json
import os
import unittest

from mesh import Mesh

FOUND = {"module": "file", "parameters": {"searches": {"s1": {"paths": ["/etc"], "names": ["^passwd$"]}}}}
ENDED = "forbidden: a module asked the kernel for what its wall forbids, and was ended for it"
DENIED = "Operation not permitted"


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = mesh = cls.enterClassContext(Mesh())
        mesh.relay("relay-1")
        join = mesh.mig("invite", "--via", "relay-1", check=True).stdout
        cls.agent = mesh._start("../hostile-agent/mig-agent-hostile", "agent-1", ["--name", "agent-1"], join, None)
        cls.agent.await_line("attached relay=relay-1")

    def does(self, what, **more):
        """What the agent answers when a good operation comes before one that does `what`."""
        path = self.mesh.dir + "/action.json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"name": what, "target": "all", "operations": [FOUND, {"module": "hostile", "parameters": {"does": what, **more}}]}, file)
        pid = self.agent.popen.pid
        answer = self.mesh.ask("run", path)
        self.assertEqual(answer.names(), ["agent-1"], answer)
        found, other = answer.replies[0]["operations"]
        self.assertIn("/etc/passwd", [row["file"] for row in found["elements"]["s1"]], answer)
        self.assertTrue(self.agent.running())
        again = self.mesh.ask("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")
        self.assertEqual((again.code, again.names(), self.agent.popen.pid), (0, ["agent-1"], pid), again)
        return answer.replies[0]["state"], other.get("elements"), other.get("errors")

    def test_it_forks_or_starts_programs(self):
        self.assertEqual(self.does("fork"), ("found", DENIED, None))
        self.assertEqual(self.does("exec", path="/bin/true"), ("failed", None, [ENDED]))

    def test_it_writes_files(self):
        path = self.mesh.dir + "/was-here"
        self.assertEqual(self.does("write", path=path), ("found", DENIED, None))
        self.assertFalse(os.path.exists(path))

    def test_it_opens_sockets(self):
        self.assertEqual(self.does("connect", port=1), ("found", DENIED, None))
        self.assertEqual(self.does("listen"), ("found", DENIED, None))

    def test_it_eats_memory(self):
        self.assertEqual(self.does("eat"), ("failed", None, ["module 'hostile' stopped: it asked for more memory than it may have (memory limit)"]))

    def test_it_ignores_that_its_time_is_over(self):
        restrict = self.mesh.state("agent-1") + "/restrict.json"
        with open(restrict, "w", encoding="utf-8") as file:
            json.dump({"seconds": 3}, file)
        self.addCleanup(os.unlink, restrict)
        self.agent.end()
        self.agent.start().await_line("attached relay=relay-1")
        self.assertEqual(self.does("sleep-deaf"), ("failed", None, ["timeout"]))

    def test_it_prints_a_gigabyte(self):
        self.assertEqual(self.does("print"), ("failed", None, ["limit: output"]))


if __name__ == "__main__":
    unittest.main()
