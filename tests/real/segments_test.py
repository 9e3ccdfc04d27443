"""Headquarters, a DMZ, a plant that only dials out and one that can only be dialled, each in a network of its own.

      hq                      dmz                 plant-a: no connection comes in        (arrow: who dials)
      h0 <------------------- d1 <--------------- a1 <- agent
      h1 -------------------> b1 <- agent         (b1: plant-b, no connection goes out)
"""
import os
import shutil
import subprocess
import unittest

from mesh import Mesh

SPACES = ("hq", "dmz", "plant-a", "plant-b")
LINKS = (("hq", "10.77.1.1", "dmz", "10.77.1.2"), ("dmz", "10.77.2.1", "plant-a", "10.77.2.2"),
         ("hq", "10.77.3.1", "plant-b", "10.77.3.2"))
# Only packets of connections somebody made from the permitted side pass.
CLOSED_IN = "add chain inet wall in { type filter hook input priority 0; policy drop; }; " \
            "add rule inet wall in iif lo accept; add rule inet wall in ct state established,related accept"
CLOSED_OUT = "add chain inet wall out { type filter hook output priority 0; policy drop; }; " \
             "add rule inet wall out oif lo accept; add rule inet wall out ct state established,related accept"


def run(*words, check=True):
    done = subprocess.run(words, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done


class Networks:
    """Four namespaces with names of this test alone; removed at the end, with all their links."""

    def __init__(self):
        self.name = {space: f"mig-{os.getpid()}-{space}" for space in SPACES}

    def __enter__(self):
        try:
            for name in self.name.values():
                run("ip", "netns", "add", name)
                run("ip", "-n", name, "link", "set", "lo", "up")
            for n, (left, left_address, right, right_address) in enumerate(LINKS):
                run("ip", "link", "add", f"mg{n}l", "netns", self.name[left], "type", "veth",
                    "peer", "name", f"mg{n}r", "netns", self.name[right])
                for space, end, address in ((left, "l", left_address), (right, "r", right_address)):
                    run("ip", "-n", self.name[space], "address", "add", f"{address}/24", "dev", f"mg{n}{end}")
                    run("ip", "-n", self.name[space], "link", "set", f"mg{n}{end}", "up")
            self.wall("plant-a", CLOSED_IN)
            self.wall("plant-b", CLOSED_OUT)
        except RuntimeError as trouble:
            self.__exit__()
            raise unittest.SkipTest(f"no network namespaces can be made here: {trouble}")
        return self

    def wall(self, space, rules):
        run("ip", "netns", "exec", self.name[space], "nft", "add table inet wall; " + rules)

    def __exit__(self, *_):
        for name in self.name.values():
            run("ip", "netns", "delete", name, check=False)


class Segments(unittest.TestCase):
    def test_every_segment_answers_with_the_investigator_in_each_segment_in_turn(self):
        if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nft"):
            self.skipTest("needs root, ip and nft: segments are network namespaces")
        with Networks() as nets, Mesh() as mesh:
            hq, dmz, plant_a, plant_b = (nets.name[space] for space in SPACES)
            mesh.relay("h0", host="10.77.1.1", space=hq)
            mesh.relay("d1", via=["h0"], host="10.77.2.1", space=dmz).await_line("link_up")
            mesh.relay("a1", via=["d1"], host="127.0.0.1", space=plant_a).await_line("link_up")
            # b1 cannot dial, so it waits until h1 dials it, and enrols through that link.
            mesh.relay("b1", via=["h0"], host="10.77.3.2", space=plant_b)
            mesh.relay("h1", via=["h0"], host="127.0.0.1", space=hq, port=7448,
                       dial=[mesh.endpoints["h0"], mesh.endpoints["b1"]]).await_line("link_up.*b1")
            for relay, space in (("h0", hq), ("d1", dmz), ("a1", plant_a), ("b1", plant_b)):
                mesh.agent(f"agent-{relay}", via=[relay], space=space)
            self.assertNotEqual(self.connect(plant_b, "10.77.3.1", 7447), 0, "plant-b can dial out")
            self.assertNotEqual(self.connect(dmz, "10.77.2.2", 7447), 0, "plant-a can be dialled")
            for relay, space in (("h0", hq), ("d1", dmz), ("a1", plant_a), ("b1", plant_b)):
                with self.subTest(investigator=relay):
                    answer = mesh.ask("--relay", relay, "file", "-t", "all", "-path", "/etc", "-name", "^passwd$", space=space)
                    self.assertEqual((answer.code, answer.names()), (0, ["agent-a1", "agent-b1", "agent-d1", "agent-h0"]), answer)
                    self.assertEqual((answer.summary["relays"], answer.summary["relays_reporting"]), (5, 5), answer)

    def connect(self, space, host, port):
        return run("ip", "netns", "exec", space, "timeout", "2", "bash", "-c", f"</dev/tcp/{host}/{port}", check=False).returncode


if __name__ == "__main__":
    unittest.main()
