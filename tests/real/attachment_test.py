"""What does not fit into a signed action travels beside it: every agent of a real mesh gets it whole."""
import json
import os
import unittest

from mesh import Mesh

PASSWD = "-path /etc -name ^passwd$"


class Attachments(unittest.TestCase):
    def test_rules_larger_than_an_action_reach_every_agent_over_three_relays(self):
        with Mesh() as mesh:
            mesh.relay("relay-1")
            mesh.relay("relay-2", via=["relay-1"]).await_line("link_up")
            mesh.relay("relay-3", via=["relay-2"]).await_line("link_up")
            names = ["agent-1", "agent-2", "agent-3"]
            for name, relay in zip(names, ("relay-1", "relay-2", "relay-3")):
                mesh.agent(name, via=[relay])
            rules = f"{mesh.dir}/big.yar"
            with open(rules, "w", encoding="utf-8") as file:
                for i in range(3000):
                    file.write(f'rule r{i} {{ strings: $a = "{os.urandom(24).hex()}" condition: $a }}\n')
                file.write('rule accounts { strings: $a = "root:" condition: $a }\n')
            found = [["/etc/passwd", ["accounts"]]] * 3

            def matches(answer):
                return [[match["Object"], match["MatchedRules"]] for reply in answer.replies
                        for match in reply["operations"][0]["elements"]["Matches"]]

            asked = mesh.ask("yara", "-t", "all", "-rules", rules, "-files", PASSWD)
            self.assertEqual((asked.code, asked.names(), matches(asked)), (0, names, found), asked)

            # The same by a file: a draft names the rules, who signs it sees what is attached, and it can be asked from elsewhere.
            draft, signed = f"{mesh.dir}/draft.json", f"{mesh.dir}/signed.json"
            with open(draft, "w", encoding="utf-8") as file:
                json.dump({"syntaxversion": 3, "name": "accounts", "target": "all",
                           "operations": [{"module": "yara", "parameters": {"yara": {"attachment": "big.yar"}, "filesearch": PASSWD}}]}, file)
            shown = mesh.mig("sign", draft, "-o", signed, "-y", check=True)
            self.assertRegex(shown.stderr, rf"\nattached  big.yar: {os.path.getsize(rules)} bytes, hash [0-9a-f]{{64}}\n")
            os.remove(rules)
            asked = mesh.ask("run", signed)
            self.assertEqual((asked.code, asked.names(), matches(asked)), (0, names, found), asked)

            # Another content than the signed one is refused before anybody is asked.
            with open(signed, encoding="utf-8") as file:
                document = json.load(file)
            document["enclosed"]["big.yar"] = "AAAA"
            with open(signed, "w", encoding="utf-8") as file:
                json.dump(document, file)
            refused = mesh.ask("run", signed)
            self.assertEqual(refused.code, 2, refused)
            self.assertIn("is not what the action names", refused.stderr)


if __name__ == "__main__":
    unittest.main()
