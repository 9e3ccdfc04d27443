"""What a relay that was taken over gives to everyone who comes (tests/mutations/relay/liar.patch)."""
import json

PROGRAM = "../liar/mig-relay-liar"
ACTION, ROSTER, STOP = b"MIG Mesh action 3\n", b"MIG Mesh roster 1\n", b"MIG Mesh stop 1\n"


def canonical(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def hand(mesh, liar, honest_words, objects, agent, peer="relay-1"):
    """The liar begins a new life and gives `objects`, [(kind, {"text", "signatures"})], to relay `peer` and to `agent`."""
    with open(mesh.dir + "/objects", "w", encoding="utf-8") as file:
        json.dump([{"kind": kind, "text": one["text"].hex(), "signatures": [bytes(s).hex() for s in one["signatures"]]} for kind, one in objects], file)
    liar.end()
    liar.words = ["env", f"MIG_LIE_OBJECTS={mesh.dir}/objects", *honest_words]
    mark = len(agent.lines)
    liar.start().await_line(f"link_up peer={peer}")
    agent.await_line(f"attached relay={liar.name}", since=mark)
