"""Agents and relays need no gpg: they do not link GPGME, and they run where neither program nor library is."""
import glob
import shutil
import subprocess
import unittest

from mesh import PROGRAMS, Mesh

HIDE = """
for file in $HIDDEN; do mount --bind /dev/null "$file" || exit 99; done
! gpg --version >/dev/null 2>&1 || exit 98
exec "$@"
"""


def hidden():
    """Everything of GnuPG on this machine, library and programs."""
    programs = [path for name in ("gpg", "gpg2", "gpgv", "gpg-agent", "gpgconf", "gpgsm", "gpg-connect-agent", "dirmngr") if (path := shutil.which(name))]
    return programs + [path for library in ("gpgme", "gpg-error", "assuan") for path in glob.glob(f"/usr/lib/*/lib{library}*.so*")]


def without_gpg(words):
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "HIDDEN='" + " ".join(hidden()) + "'" + HIDE, "sh", *words]


class NoGpg(unittest.TestCase):
    def test_agents_and_relays_do_not_link_gpgme(self):
        for name, links in (("mig-agent", False), ("mig-relay", False), ("mig", True)):
            needed = subprocess.run(["ldd", f"{PROGRAMS}/{name}"], capture_output=True, text=True, check=True).stdout
            self.assertEqual("gpgme" in needed, links, name)

    def test_agents_and_relays_run_where_there_is_no_gpg(self):
        if subprocess.run(without_gpg(["true"]), capture_output=True, check=False).returncode != 0:
            self.skipTest("this machine allows no mount namespace, in which gpg could be hidden")
        with Mesh() as mesh:
            mesh.relay("relay-1")
            mesh.agent("agent-1", via=["relay-1"])
            for name, ready in (("relay-1", "listening"), ("agent-1", "attached relay=")):
                node = mesh.nodes[name]
                node.end()
                node.words = without_gpg(node.words)
                node.start().await_line(ready)
            answer = mesh.ask("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")
            self.assertEqual((answer.code, answer.names()), (0, ["agent-1"]), answer)


if __name__ == "__main__":
    unittest.main()
