"""An agent that was away when it was asked answers as soon as it is back, wherever it comes back."""
import json
import time
import unittest

from mesh import PROGRAMS, Mesh, Process


class Return(unittest.TestCase):
    def test_what_was_set_at_the_first_start_holds_for_those_after_it(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            agent = mesh.agent("agent-1", via=["relay-1"], words=("--segment", "dmz"))
            agent.end()
            agent.words = [f"{PROGRAMS}/mig-agent", "--state", mesh.state("agent-1")]
            agent.start().await_line("attached relay=relay-1")
            mesh.nodes["relay-1"].await_line("agent_attached agent=agent-1 ", since=len(mesh.nodes["relay-1"].lines) - 1)
            known = [json.loads(line) for line in mesh.mig("agents", "--json", check=True).stdout.splitlines()]
            self.assertEqual([one["name"] for one in known if one["type"] == "agent"], ["agent-1"], known)
            with open(mesh.state("agent-1") + "/settings.json", encoding="utf-8") as file:
                self.assertEqual(json.load(file)["segment"], "dmz")

    def test_an_agent_away_at_launch_answers_at_another_relay_while_its_first_refuses_connections(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            mesh.relay("relay-2", via=["relay-1"]).await_line("link_up")
            agent = mesh.agent("agent-1", via=["relay-2", "relay-1"])
            self.assertIn("relay=relay-2", agent.await_line("attached relay=.*")[0])
            took = []
            for _ in range(3):  # the machine may be busy: the best of three counts
                agent.kill()
                mesh.nodes["relay-2"].kill()  # nothing listens there any more
                away = mesh.ask("--relay", "relay-1", "--wait", "0", "file", "-t", "all", "-path", "/etc", "-name", "^passwd$")
                self.assertEqual((away.code, away.replies), (3, []), away)
                mig = Process("mig", [f"{PROGRAMS}/mig", "-c", mesh.home, "-v", "--json", "--relay", "relay-1", "--wait", "60",
                                      "results", away.action], f"{mesh.dir}/mig.log").start()
                mig.await_line("attached relay=relay-1")
                began = time.monotonic()
                agent.start()
                agent.await_line("attached relay=relay-1")
                mig.await_line('"type":"reply".*"name":"agent-1"')
                took.append(time.monotonic() - began)
                mig.kill()
                mesh.nodes["relay-2"].start().await_line("listening")
                mesh.nodes["relay-2"].await_line("link_up")
                agent.kill()
                agent.start().await_line("attached relay=relay-2")
            print("seconds from return to result:", [round(one, 2) for one in took])
            self.assertLess(min(took), 2)

    def test_an_agent_that_was_told_of_one_relay_comes_back_through_another_of_its_segment_when_that_one_is_gone_for_good(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            mesh.relay("relay-2", via=["relay-1"], words=("--segment", "dmz")).await_line("link_up")
            mesh.relay("relay-3", via=["relay-1"], words=("--segment", "dmz")).await_line("link_up")
            asked = mesh.ask("--relay", "relay-2", "file", "-t", "all", "-path", "/etc", "-name", "^passwd$")  # relay-2 knows the others
            self.assertEqual(asked.summary["relays_reporting"], 3, asked)
            agent = mesh.agent("agent-1", via=["relay-2"])
            mesh.nodes["relay-2"].kill()
            agent.await_line("attached relay=relay-3")
            agent.kill()
            agent.start().await_line("attached relay=relay-3")  # and it remembers


if __name__ == "__main__":
    unittest.main()
