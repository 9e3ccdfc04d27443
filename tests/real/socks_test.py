"""Machines that may only go out through a SOCKS5 proxy."""
import os
import socket
import subprocess
import threading
import unittest

from mesh import PROGRAMS, Mesh


class Proxy:
    """SOCKS5 without authentication on loopback; remembers which ports it was asked for."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.asked = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            def read(count):
                return client.recv(count, socket.MSG_WAITALL)
            read(read(2)[1])
            client.sendall(b"\x05\x00")
            kind = read(4)[3]
            host = socket.inet_ntoa(read(4)) if kind == 1 else read(read(1)[0]).decode()
            port = int.from_bytes(read(2), "big")
            self.asked.append(port)
            with socket.create_connection((host, port)) as server:
                client.sendall(b"\x05\x00\x00\x01" + bytes(6))
                back = threading.Thread(target=self.pump, args=(server, client), daemon=True)
                back.start()
                self.pump(client, server)
                back.join()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Socks(unittest.TestCase):
    def test_agent_relay_and_investigator_dial_through_a_proxy(self):
        proxy = Proxy()
        self.addCleanup(proxy.listener.close)
        with Mesh() as mesh:
            mesh.relay("relay-1")
            port = int(mesh.endpoints["relay-1"].partition("#")[0].rpartition(":")[2])
            mesh.relay("relay-2", via=["relay-1"], listen=False, words=("--socks", proxy.address)).await_line("link_up peer=relay-1")
            self.assertEqual(set(proxy.asked), {port})
            before = len(proxy.asked)
            agent = mesh.agent("agent-1", via=["relay-1"], words=("--socks", proxy.address))
            self.assertGreater(len(proxy.asked), before)
            before = len(proxy.asked)
            agent.end()  # it is remembered
            agent.words = [f"{PROGRAMS}/mig-agent", "--state", mesh.state("agent-1")]
            agent.start().await_line("attached relay=relay-1")
            self.assertGreater(len(proxy.asked), before)
            before = len(proxy.asked)
            with open(mesh.home + "/config.toml", encoding="utf-8") as file:
                config = file.read()
            with open(mesh.home + "/config.toml", "w", encoding="utf-8") as file:
                file.write(config.replace("[macros]", f'socks = "{proxy.address}"\n[macros]'))
            answer = mesh.ask("file", "-t", "all", "-path", "/etc", "-name", "^passwd$")
            self.assertEqual((answer.code, answer.names()), (0, ["agent-1"]), answer)
            self.assertGreater(len(proxy.asked), before)

            proxy.listener.close()  # nobody goes around it
            before = len(proxy.asked)
            agent.end()
            agent.words += ["--socks", "none"]
            agent.start().await_line("attached relay=relay-1")
            self.assertEqual(len(proxy.asked), before)

    def test_what_is_no_proxy_is_named(self):
        with Mesh() as mesh:
            for wrong in ("1080", "socks5://proxy:1080", "proxy:0", "proxy:99999"):
                done = subprocess.run([f"{PROGRAMS}/mig-agent", "--state", f"{mesh.dir}/wrong", "--join", "x", "--socks", wrong],
                                      capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(f"'{wrong}' is no proxy; write HOST:PORT", done.stderr)
                self.assertFalse(os.path.exists(f"{mesh.dir}/wrong/settings.json"))


if __name__ == "__main__":
    unittest.main()
