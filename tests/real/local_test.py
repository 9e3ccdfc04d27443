"""What `mig MODULE -t local` prints: the lines people know from MIG, without an agent's name before them."""
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from mesh import PROGRAMS

DOCUMENT = """
objects:
  - {object: bash, package: {name: bash}}
  - {object: bad, raw: {identifiers: [{identifier: i, value: "1-"}]}}
tests:
  - {test: t, name: shell, object: bash, description: about it, tags: [{key: cve, value: "7"}]}
  - {test: no, object: bash, exactmatch: {value: x}}
  - {test: e, object: bad, evr: {operation: <, value: "2"}}
"""


class Local(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="mig-local.")
        self.addCleanup(shutil.rmtree, self.dir)

    def ask(self, module, *flags, show="all", code=0):
        """Lines on stdout; spans of time and counts of what is busy on a live machine are written as *."""
        done = subprocess.run([f"{PROGRAMS}/mig", module, "-t", "local", "-show", show, *flags], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, "MIG_HOME": self.dir + "/mig"}, check=False)
        self.assertEqual(done.returncode, code, done)
        self.stderr = done.stderr
        return [re.sub(r"\b\d[\d.hm]*(ms|µs|s)\b|(?<=examined )\d+", "*", line) for line in done.stdout.splitlines()]

    def file(self, name, text):
        path = f"{self.dir}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_netstat(self):
        listener = socket.create_server(("127.9.8.7", 0))
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        one = socket.create_connection(("127.9.8.7", port))
        self.addCleanup(one.close)
        here, there = one.getsockname()[1], listener.accept()[0]
        self.addCleanup(there.close)
        asked = ("-li", "127.0.0.1", "-li", "203.0.113.9", "-lp", str(port), "-ci", "127.9.8.7", "-ci", "203.0.113.0/24", "-nm", "^no$", "-ni", "203.0.113.9", "-lm", "^no$")
        found = ["found local ip 127.0.0.1 for netstat localip:'127.0.0.1'",
                 f"found connected tuple 127.9.8.7:{port} with local tuple 127.0.0.1:{here} for netstat connectedip:'127.9.8.7'",
                 f"found listening port {port} for netstat listeningport:'{port}'"]
        self.assertEqual(self.ask("netstat", *asked, show="found"), [*found, found[2]])  # MIG's listeningport takes the connection too
        self.assertEqual(self.ask("netstat", *asked),
                         ["did not find anything for netstat neighbormac:'^no$'", "did not find anything for netstat neighborip:'203.0.113.9'", found[0],
                          "did not find anything for netstat localip:'203.0.113.9'", found[1], "did not find anything for netstat connectedip:'203.0.113.0/24'", found[2], found[2],
                          "Statistics: total hits 4 examined * items exectime *", "command success"])
        self.assertEqual(self.ask("netstat", "-lp", str(port), "-owners", "-listenonly", show="found"),
                         [f"{found[2]} LISTEN of user {subprocess.check_output(['id', '-un'], text=True).strip()} process {self.name()}[{os.getpid()}]"])

    @staticmethod
    def name():
        with open("/proc/self/comm", encoding="utf-8") as file:
            return file.read().strip()

    def test_ping(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        where = f"127.0.0.1:{port} (127.0.0.1)"
        asked = ("-d", "127.0.0.1", "-p", "tcp", "-dp", str(port), "-c", "2")
        good = f"tcp ping of {where} succeeded. Target is reachable."
        self.assertEqual(self.ask("ping", *asked), [good, "ping #1 succeeded in *", "ping #2 succeeded in *", "command success"])
        self.assertEqual(self.ask("ping", *asked, show="found"), [good])
        listener.close()
        self.assertEqual(self.ask("ping", *asked, code=1), [f"tcp ping of {where} failed. Target is no reachable.", "ping #1 failed, target was unreachable",
                                                            "ping #2 failed, target was unreachable", "command success"])
        self.assertEqual(self.ask("ping", *asked, show="found", code=1), [])

    def test_pkg(self):
        version = subprocess.check_output(["dpkg-query", "-W", "-f", "version=${Version} type=dpkg arch=${Architecture}", "bash"], text=True)
        self.assertEqual(self.ask("pkg", "-name", "^bash$", "-name", "^ba.h$", "-type", "dpkg"), [f"pkgmatch name=bash {version}"] * 2 + ["Statistics: runtime *", "command success"])
        self.assertEqual(self.ask("pkg", "-name", "^bash$", "-version", "!.", code=1), ["Statistics: runtime *", "command success"])

    def test_scribe(self):
        path = self.file("document.yaml", DOCUMENT)
        trouble = "'1-' has nothing behind its last dash"
        plain = ['master [true] name:"shell" id:"t" hastrue:true error:""', 'sub [true] name:"shell" id:"t" identifier:"bash"',
                 'master [false] name:"no" id:"no" hastrue:false error:""', 'sub [false] name:"no" id:"no" identifier:"bash"',
                 f'master [error] name:"e" id:"e" hastrue:false error:"{trouble}"']
        end = [f'Error: {trouble} in "e"', "Statistics: runtime *", "command success"]
        self.assertEqual(self.ask("scribe", "-path", path), plain + end)
        self.assertEqual(self.ask("scribe", "-onlytrue", "-path", path), plain[:2] + end)
        self.assertEqual(self.ask("scribe", "-human", "-path", path),
                         ['result for "shell" (t)', "\tdescription: about it", "\tmaster result: true", "\ttag: cve: 7", '\t[true] identifier: "bash"',
                          'result for "no" (no)', "\tmaster result: false", '\t[false] identifier: "bash"',
                          'result for "e" (e)', "\tmaster result: error", f"\t[error] error: {trouble}"] + end)
        lines = self.ask("scribe", "-json", "-onlytrue", "-path", path, show="found")
        self.assertEqual([json.loads(line) for line in lines],
                         [{"testid": "t", "name": "shell", "description": "about it", "tags": [{"key": "cve", "value": "7"}], "iserror": False, "error": "", "masterresult": True,
                           "hastrueresults": True, "results": [{"result": True, "identifier": "bash"}]}])

    def test_sshkey(self):
        if not shutil.which("ssh-keygen"):
            self.skipTest("there is no ssh-keygen (Debian: openssh-client)")
        for kind in ("rsa", "ed25519"):
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "secret" if kind == "rsa" else "", "-C", "me", "-f", f"{self.dir}/{kind}"], check=True)
        shutil.copy(f"{self.dir}/rsa.pub", f"{self.dir}/authorized_keys")

        def prints(kind):
            said = [subprocess.check_output(["ssh-keygen", "-l", "-E", hash_name, "-f", f"{self.dir}/{kind}.pub"], text=True).split()[1] for hash_name in ("md5", "sha256")]
            return f"md5fp={said[0].removeprefix('MD5:')} sha256fp={said[1]}"
        wanted = [f"{self.dir}/authorized_keys [authorizedkeys] {prints('rsa')}", f"{self.dir}/ed25519 [private] (encrypted=false) {prints('ed25519')}",
                  f"{self.dir}/ed25519.pub [public] {prints('ed25519')}", f"{self.dir}/rsa [private] (encrypted=true) {prints('rsa')}", f"{self.dir}/rsa.pub [public] {prints('rsa')}"]
        self.assertEqual(self.ask("sshkey", "-path", self.dir, "-maxdepth", "1"), wanted + ["command success"])
        self.assertEqual(self.ask("sshkey", "-path", f"{self.dir}/rsa.pub", "-path", f"{self.dir}/ed25519.pub", show="found"), [wanted[4], wanted[2]])

    def test_timedrift(self):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        server.bind(("127.0.0.1", 0))
        name = f"127.0.0.1:{server.getsockname()[1]}"

        def serve():  # SNTP, an hour behind
            packet, sender = server.recvfrom(100)
            now = struct.pack(">II", int(time.time()) - 3600 + 2_208_988_800, 0)
            server.sendto(bytes([4 << 3 | 4, 1, 0, 0]) + bytes(12) + now + packet[40:48] + now + now, sender)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        lines = self.ask("timedrift", "-drift", "5s", "-server", name)
        thread.join()
        self.assertRegex(lines.pop(0), r"^local time is 20\d\d-\d\d-\d\dT[\d:.]+Z$")
        told = lines.pop(3)
        self.assertRegex(told, rf"^stat: {name} responded in \* with time 20\d\d-[-\d :.]+ \+0000 UTC\. local time drifts by \*$")
        self.assertEqual(lines, ["local time is out of sync from NTP servers", f"Local time is ahead of ntp host {name} by *", "stat: execution time was *",
                                 "timedrift module has succeeded", "command success"])
        self.assertEqual(self.ask("timedrift", "-drift", "5s", "-server", "127.0.0.1:1", code=2)[1:],
                         ["error: no time server answered, so nothing is known about the drift", "stat: execution time was *", "stat: 127.0.0.1:1 was unreachable", "timedrift module has failed"])
        self.assertEqual(len(self.ask("timedrift", show="found")), 1)

    def test_agentdestroy_is_for_agents(self):
        path = self.file("order.json", json.dumps({"name": "x", "target": "all", "operations": [{"module": "agentdestroy", "parameters": {"version": "1"}}]}))
        done = subprocess.run([f"{PROGRAMS}/mig", "run", "-t", "local", path], capture_output=True, text=True, env={**os.environ, "MIG_HOME": self.dir + "/mig"}, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done)
        self.assertIn("unsupported: only a running agent obeys agentdestroy, alone in its action", done.stderr)


if __name__ == "__main__":
    unittest.main()
