"""Several roots with a threshold: a mesh that two of three people found, whose rosters and roots change only together."""
import base64
import json
import os
import shutil
import subprocess
import unittest

from liar import PROGRAM, ROSTER, canonical, hand
from mesh import PROGRAMS, Mesh, Process

PASSWD = ("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")


class Council(Mesh):
    """ada makes the mesh; bob and eve are roots as well, each with a gpg of their own; mallory is nobody."""

    def __enter__(self):
        os.environ["GNUPGHOME"] = self.gnupg
        self.rings = {"ada": self.gnupg}
        for name in ("ada", "bob", "eve", "mallory"):
            self.rings.setdefault(name, f"{self.dir}/{name}")
            os.mkdir(self.rings[name], 0o700)
            self.key(f"{name} <{name}@mig.invalid>", self.rings[name])
            public = subprocess.run(["gpg", "--homedir", self.rings[name], "--export", name + "@"], check=True, capture_output=True).stdout
            subprocess.run(["gpg", "--batch", "--quiet", "--import"], input=public, check=True, capture_output=True)
        return self

    def __exit__(self, *why):
        for ring in self.rings.values():
            subprocess.run(["gpgconf", "--homedir", ring, "--kill", "all"], check=False)
        super().__exit__(*why)

    def home_of(self, name):
        return self.home if name == "ada" else f"{self.dir}/{name}-home"

    def whose(self, name):
        return ("--key", name + "@", "--gnupg-home", self.rings[name])

    def signed_by(self, path, *names):
        for name in names:
            self.mig("roster", "sign", path, "-o", path, "-y", home=self.home_of(name), check=True)
        return path


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


class Roots(unittest.TestCase):
    def test_two_of_three_found_a_mesh_change_its_roster_and_its_roots_and_one_of_them_does_not(self):
        with Council() as mesh:
            self.found(mesh)
            relay = mesh.relay("relay-1")
            liar = mesh.relay("relay-2", via=["relay-1"], program=PROGRAM)
            words, agent = liar.words, mesh.agent("agent-1", via=["relay-2"])
            answer = mesh.ask("--relay", "relay-1", *PASSWD)
            self.assertEqual((answer.code, answer.names()), (0, ["agent-1"]), answer)

            def refused_everywhere(path, why):
                done = mesh.mig("roster", "publish", path, "--relay", "relay-1")
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(why, done.stderr)
                document = read(path)
                packets = packets_of(document)
                since = len(relay.lines), len(agent.lines)
                hand(mesh, liar, words, [("roster", {"text": canonical(document), "signatures": packets})], agent)
                relay.await_line("refused from=relay-2 .*" + why, since[0])
                agent.await_line("roster_refused .*" + why, since[1])

            def accepted_everywhere(path, version):
                since = len(relay.lines), len(agent.lines)
                mesh.mig("roster", "publish", path, "--relay", "relay-1", check=True)
                for node, mark in zip((relay, agent), since):
                    node.await_line(f"roster version={version}", mark)

            next_one = mesh.dir + "/next.json"
            mesh.mig("roster", "edit", "-add", "bob@", "-weight", "default:bob=1", "-o", next_one, check=True)
            refused_everywhere(mesh.signed_by(next_one, "ada"), "signed by 1 of this mesh's 3 roots; 2 are needed")
            accepted_everywhere(mesh.signed_by(next_one, "bob"), 2)

            change = mesh.dir + "/change.json"
            mesh.mig("roster", "roots", "-root", "bob@", "-root", "eve@", "-threshold", "2", "-o", change, check=True)
            for names, why in ((("bob",), "signed by 1 of the old 3 roots"), (("ada",), "signed by 1 of the new 2 roots")):
                mesh.signed_by(change, *names)
                done = mesh.mig("roster", "edit", "-change", change)
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(why, done.stderr)
            mesh.signed_by(change, "eve")
            changed = mesh.dir + "/changed.json"
            mesh.mig("roster", "edit", "-change", change, "-o", changed, check=True)
            refused_everywhere(mesh.signed_by(changed, "ada", "bob"), "signed by 1 of this mesh's 2 roots; 2 are needed")
            old = mesh.dir + "/old.json"  # the old roots alone, as if nothing had changed
            mesh.mig("roster", "edit", "-life", "1000h", "-o", old, check=True)
            mesh.signed_by(old, "ada", "bob")
            accepted_everywhere(mesh.signed_by(changed, "eve"), 3)
            self.assertIn("2 of 2 must sign", mesh.mig("mesh", "show").stdout)
            document = read(old)
            document["version"] = 4
            document.pop("pgpsignatures")
            text = canonical(document)
            forged = [subprocess.run(["gpg", "--homedir", mesh.rings[name], "--batch", "--detach-sign"], input=ROSTER + text, capture_output=True, check=True).stdout for name in ("ada", "bob")]
            since = len(relay.lines), len(agent.lines)
            hand(mesh, liar, words, [("roster", {"text": text, "signatures": forged})], agent)
            relay.await_line("refused from=relay-2 .*does not follow the changes of roots", since[0])
            agent.await_line("roster_refused .*does not follow the changes of roots", since[1])
            self.not_a_reader(mesh)

    def found(self, mesh):
        three = [word for name in ("ada", "bob", "eve") for word in ("--root", name + "@")]
        done = mesh.mig("mesh", "init", "--name", "council", *mesh.whose("ada"), *three, "--threshold", "2", check=True)
        self.assertIn("signed by 1 of 3 roots; 2 are needed", done.stdout)
        draft, signed = mesh.home + "/founding.json", mesh.dir + "/founding.json"
        self.assertEqual(mesh.mig("mesh", "show").returncode, 2)
        early = mesh.mig("mesh", "found", draft, *mesh.whose("ada"))
        self.assertEqual(early.returncode, 2, early)
        self.assertIn("signed by 1 of this mesh's 3 roots; 2 are needed", early.stderr)
        nobody = mesh.mig("mesh", "sign", draft, *mesh.whose("mallory"), "-y")
        self.assertEqual(nobody.returncode, 2, nobody)
        self.assertIn("is no root of mesh council", nobody.stderr)
        document = read(draft)
        document["trust"]["threshold"] = 1
        with open(signed, "w", encoding="utf-8") as file:
            json.dump(document, file)
        weaker = mesh.mig("mesh", "found", signed, *mesh.whose("ada"))
        self.assertEqual(weaker.returncode, 2, weaker)
        self.assertIn("the id is not the hash of these roots", weaker.stderr)
        mesh.mig("mesh", "sign", draft, *mesh.whose("bob"), "-o", signed, "-y", check=True)
        for name in ("ada", "bob", "eve"):
            mesh.mig("mesh", "found", signed, *mesh.whose(name), home=mesh.home_of(name), check=True)
            self.assertEqual(os.path.exists(mesh.home_of(name) + "/enroller.seed"), name == "ada")
        self.assertFalse(os.path.exists(draft))

    def not_a_reader(self, mesh):
        """bob may ask, and even has ada's ledger; her question's answers are neither given to him nor can he open them."""
        asked = mesh.ask("--relay", "relay-1", *PASSWD)
        self.assertEqual((asked.code, asked.names()), (0, ["agent-1"]), asked)
        bobs = mesh.home_of("bob")
        mesh.mig("relays", "add", mesh.endpoints["relay-1"], "--name", "relay-1", home=bobs, check=True)
        shutil.copy(mesh.home + "/roster.json", bobs)
        own = mesh.ask("--relay", "relay-1", *PASSWD, home=bobs)
        self.assertEqual((own.code, own.names()), (0, ["agent-1"]), own)
        got = mesh.ask("results", asked.action, "--relay", "relay-1", "--wait", "0", home=bobs)
        self.assertEqual((got.code, got.replies), (2, []), got)
        shutil.copy(mesh.home + "/ledger.sqlite", bobs)
        opens = Process("mig", [PROGRAMS + "/mig", "-c", bobs, "results", asked.action, "--relay", "relay-1"], mesh.dir + "/results.log").start()
        opens.await_line("none of the readers' secret keys is here; only a reader of the action can do this")
        opens.kill()


def packets_of(document):
    """The signatures of a document as people keep it, taken out of it."""
    return [base64.b64decode(text) for text in document.pop("pgpsignatures")]


if __name__ == "__main__":
    unittest.main()
