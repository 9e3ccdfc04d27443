"""MIG's acl.cfg and key directory become a roster that is in force: only keys that may still sign come with it."""
import json
import os
import re
import subprocess
import unittest

from rights_test import Offices, signed

PASSWD = ("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")


class Import(unittest.TestCase):
    def test_what_mig_had_is_imported_signed_and_in_force(self):
        with Offices() as mesh:
            mesh.relay("relay-1")
            agent = mesh.agent("agent-1", via=["relay-1"])
            ring, keys = mesh.dir + "/ring", mesh.dir + "/keys"
            os.mkdir(ring, 0o700)
            os.mkdir(keys)
            gpg = ["gpg", "--batch", "--quiet", "--homedir", ring]
            people = {"Test": mesh.key_of("test@mig.invalid")}
            for name, options in (("Amy", ["never"]), ("Ron", ["never"]), ("Ted", ["seconds=1000"])):
                past = ["--faked-system-time", "20250101T000000"] if name == "Ted" else []
                subprocess.run([*gpg, *past, "--passphrase", "", "--quick-generate-key", f"{name} <{name.lower()}@old.invalid>", "future-default", "default", *options], check=True, capture_output=True)
                people[name] = mesh.key_of(f"{name.lower()}@old.invalid", ring)
            with open(f"{ring}/openpgp-revocs.d/{people['Ron']}.rev", encoding="utf-8") as file:
                subprocess.run([*gpg, "--import"], input=file.read().replace(":-----", "-----"), text=True, check=True, capture_output=True)
            for name in ("Amy", "Ron", "Ted"):
                subprocess.run([*gpg, "--armor", "--output", f"{keys}/{name}.asc", "--export", people[name]], check=True)
            with open(keys + "/README", "w", encoding="utf-8") as file:
                file.write("keys of our investigators\n")
            with open(mesh.dir + "/acl.cfg", "w", encoding="utf-8") as file:
                json.dump({"default": rule(2, people, Amy=2, Ted=2), "file": rule(1, people, Amy=1, Ron=1), "timedrift": rule(3, people, Amy=2)}, file)
            done = mesh.mig("roster", "import", "-acl", mesh.dir + "/acl.cfg", "-keys", keys, "-o", mesh.dir + "/next.json", check=True)
            for name in ("Ron", "Ted"):
                self.assertRegex(done.stderr, f"left out {keys}/{name}.asc: ")
                self.assertRegex(done.stderr, f"left out .*: {people[name]} has no valid signing key in the key directory")
            self.assertIn(f"left out {keys}/README: ", done.stderr)
            self.assertIn("timedrift: nobody can reach it any more: the active people have weight 2 of 3", done.stderr)
            mesh.mig("roster", "sign", mesh.dir + "/next.json", "-o", mesh.dir + "/next.json", "-y", check=True)
            since = len(agent.lines)
            mesh.mig("roster", "publish", mesh.dir + "/next.json", check=True)
            agent.await_line("roster version=2", since)
            roster = json.loads(mesh.mig("roster", "show", "--json", check=True).stdout)
            self.assertEqual({person["fingerprint"] for person in roster["investigators"]}, {people["Test"], people["Amy"]})
            self.assertEqual(roster["access"], {"default": {"minimumweight": 2, "weights": {people["Amy"]: 2}}, "file": {"minimumweight": 1, "weights": {people["Amy"]: 1}},
                                                "timedrift": {"minimumweight": 3, "weights": {people["Amy"]: 2}}})
            amy = mesh.dir + "/amy"
            mesh.home_for(people["Amy"], amy)
            with open(amy + "/config.toml", encoding="utf-8") as file:
                text = file.read()
            with open(amy + "/config.toml", "w", encoding="utf-8") as file:
                file.write(re.sub(r'(?m)^gnupg_home\s*=.*$', f'gnupg_home = "{ring}"', text))
            answer = mesh.ask(*PASSWD, home=amy)
            self.assertEqual((answer.code, answer.names()), (0, ["agent-1"]), answer)
            self.assertIn("weight 0 of 1 for file", mesh.mig("-y", *PASSWD).stderr)
            timedrift = signed(mesh, amy, operations=[{"module": "timedrift", "parameters": {"drift": "60s"}}])
            verified = mesh.mig("verify", timedrift, home=amy)
            self.assertEqual(verified.returncode, 1, verified)
            self.assertIn("weight 2 of 3", verified.stdout + verified.stderr)
            subprocess.run(["gpgconf", "--homedir", ring, "--kill", "all"], check=False)


def rule(minimum, people, **weights):
    return {"minimumweight": minimum, "investigators": {name: {"fingerprint": people[name], "weight": weight} for name, weight in weights.items()}}


if __name__ == "__main__":
    unittest.main()
