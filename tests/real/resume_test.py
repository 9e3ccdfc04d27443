"""mig may die at any moment: what it had is in its ledger, what it had not comes through another relay, each result once.

MIG_RESUMES says how often it is killed (10), MIG_SEED draws the moments (1).
"""
import os
import random
import time
import unittest

from mesh import PROGRAMS, Mesh, Process

RESUMES = int(os.environ.get("MIG_RESUMES", "10"))
AGENTS = 6


class Resume(unittest.TestCase):
    def test_mig_killed_at_any_moment_and_continued_elsewhere_has_every_result_once(self):
        draw = random.Random(int(os.environ.get("MIG_SEED", "1")))
        with Mesh() as mesh:
            mesh.relay("relay-1")
            for name in ("relay-2", "relay-3"):
                mesh.relay(name, via=["relay-1"]).await_line("link_up")
            relays = list(mesh.endpoints)
            agents = [f"agent-{n}" for n in range(AGENTS)]
            for n, name in enumerate(agents):
                mesh.agent(name, via=[relays[n % 3]])
            for n in range(RESUMES):
                first, second = draw.sample(relays, 2)
                action = self.killed(mesh, first, f"{n}", draw.uniform(0, 0.4))
                answer = mesh.ask("results", action, "--relay", second)
                self.assertEqual((answer.code, answer.names()), (0, agents), f"kill {n}: {answer}")
                self.assertEqual(answer.summary["answered"], AGENTS, answer)
                for name in agents:  # and nobody was asked to do it twice
                    starts = sum(f"started action={action[:8]}" in line for line in mesh.nodes[name].lines)
                    self.assertEqual(starts, 1, f"{name}, kill {n}")

    def killed(self, mesh, relay, number, after):
        """Asks through `relay`, kills mig so many seconds after it has named the action; gives the id."""
        mig = Process("mig", [f"{PROGRAMS}/mig", "-c", mesh.home, "--json", "-y", "--relay", relay, "file", "-n", f"resume {number}",
                              "-t", "all", "-path", "/etc", "-name", "^passwd$"], f"{mesh.dir}/mig.log").start()
        mig.await_line("Following action ID")
        time.sleep(after)  # the moment is what is drawn
        mig.kill()
        return next(line.split("action ID ")[1][:64] for line in mig.lines if "Following action ID" in line)


if __name__ == "__main__":
    unittest.main()
