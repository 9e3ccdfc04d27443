"""A tree of made-up files, the same for the same seed: logs, source, JSON, HTML, binaries and noise, with needles in it.
No file of the host is used."""
import json
import os
import random

KINDS = ["log"] * 2 + ["source"] * 4 + ["json"] * 2 + ["html"] * 2 + ["elf"] * 3 + ["noise"] * 2
SCALES = {"XS": (3000, 60, 1), "S": (24000, 600, 2), "M": (240000, 6000, 12)}
NOW = 1_750_000_000
POOL = 8 * 1024 * 1024


def vocabulary(rng):
    syllables = ["ba", "co", "di", "fer", "gol", "hu", "jin", "ka", "lo", "mer", "nu", "pol", "qua", "rin", "so", "tu", "ver", "wo", "xi", "zan"]
    return ["".join(rng.choice(syllables) for _ in range(rng.randint(1, 4))) for _ in range(6000)]


def pool(kind, rng, words):
    if kind == "noise":
        return rng.randbytes(POOL)
    out, size = [], 0
    pick = lambda: words[int(6000 * rng.random() ** 3)]
    while size < POOL:
        if kind == "log":
            line = f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02} host{rng.randint(1, 99)} {pick()}[{rng.randint(1, 30000)}]: {pick()} {pick()} from 10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)} {pick()}\n"
        elif kind == "source":
            line = f"{'    ' * rng.randint(0, 3)}{pick()}_{pick()}({pick()}, {rng.randint(0, 999)});  // {pick()} {pick()} {pick()}\n"
        elif kind == "json":
            line = f'{{"id": {rng.randint(1, 10**9)}, "{pick()}": "{pick()} {pick()}", "list": [{rng.randint(0, 9)}, {rng.randint(0, 99)}]}}\n'
        elif kind == "html":
            line = f"<div class=\"{pick()}\"><a href=\"/{pick()}/{pick()}.html\">{pick()} {pick()} {pick()}</a></div>\n"
        else:
            line = "".join(chr(b) if 32 <= b < 127 else "\0" for b in rng.randbytes(40)) + pick() + "\0" * rng.randint(1, 60)
            line = line if rng.random() < 0.05 else line + "\x01"
        out.append(line)
        size += len(line)
    return "".join(out).encode("latin-1")[:POOL]


def make(top, scale, seed=1):
    """Returns what was planted: {"files":, "directories":, "needles": [paths], "long": [paths]}."""
    facts_path = top + ".json"
    if os.path.exists(facts_path):
        with open(facts_path) as file:
            return json.load(file)
    small, medium, big = SCALES[scale]
    rng = random.Random(seed)
    words = vocabulary(rng)
    pools = {kind: pool(kind, rng, words) for kind in sorted(set(KINDS))}
    directories, depth = [top], {top: 0}
    os.makedirs(top)
    for i in range(small // 10):
        while True:
            parent = directories[rng.randrange(len(directories))] if rng.random() < 0.75 else directories[-1 - rng.randrange(min(50, len(directories)))]
            if depth[parent] < 10:
                break
        path = f"{parent}/{rng.choice(words)}{i}"
        os.mkdir(path)
        directories.append(path)
        depth[path] = depth[parent] + 1
    modes = [0o644] * 10 + [0o640, 0o600, 0o755, 0o444, 0o664]
    plain = []

    def write(path, kind, size):
        data = pools[kind]
        with open(path, "wb", buffering=0) as file:
            left = size
            file.write(f"{kind} {rng.getrandbits(64):016x}\n".encode()[:left]) if left else None
            left -= min(left, len(kind) + 18)
            while left > 0:
                at = rng.randrange(POOL)
                left -= file.write(data[at : at + left])
        mode = 0o4755 if rng.random() < 1 / 2000 else rng.choice(modes)
        os.chmod(path, mode)
        when = NOW - rng.randrange(6 * 365 * 86400)
        os.utime(path, (when, when))

    for i in range(small + medium):
        kind = rng.choice(KINDS)
        size = rng.randint(30_000, 230_000) if i >= small else 0 if rng.random() < 0.02 else min(200_000, int(2.718281828 ** (8.0 + 1.35 * rng.gauss(0, 1))))
        path = f"{rng.choice(directories)}/{rng.choice(words)}-{i}.{rng.choice(['txt', 'c', 'gz', 'log', 'so', 'html', 'json'])}"
        write(path, kind, size)
        if size > 200:
            plain.append((path, size))
    bigs = []
    for i in range(big):
        path = f"{rng.choice(directories)}/big-{i}.bin"
        write(path, ["log", "elf", "json", "noise"][i % 4], 96 * 1024 * 1024)
        bigs.append((path, 96 * 1024 * 1024))
    for i in range(small // 200):
        os.symlink("../", f"{rng.choice(directories)}/up-{i}")
    plant = random.Random(7)
    needles = plant.sample(plain, min(190, len(plain) // 4)) + bigs[:4]
    for path, size in needles:
        info = os.stat(path)
        os.chmod(path, 0o644)
        with open(path, "r+b", buffering=0) as file:
            file.seek(plant.randrange(size - 20))
            file.write(f"MIGNEEDLE_{plant.getrandbits(32):08x}".encode())
        os.chmod(path, info.st_mode & 0o7777)
        os.utime(path, ns=(info.st_mtime_ns, info.st_mtime_ns))
    long = []
    for i in range(20):
        path = f"{plant.choice(directories)}/oneline-{i}.js"
        body = bytes(pools["source"][:216_000]).replace(b"\n", b" ")
        with open(path, "wb") as file:
            file.write(body[:-30] + f" MIGNEEDLE_{plant.getrandbits(32):08x} ;\n".encode())
        os.utime(path, (NOW, NOW))
        long.append(path)
    facts = {"files": small + medium + big + 20, "directories": len(directories), "needles": sorted(path for path, _ in needles), "long": long, "big": [path for path, _ in bigs]}
    with open(facts_path, "w") as file:
        json.dump(facts, file)
    return facts


def patterns(count, seed=11):
    """The needle, then indicators that are not in the tree: 60 % plain texts, 30 % with a plain part, 10 % weak ones."""
    rng = random.Random(seed)
    words = vocabulary(random.Random(99))
    out = [("MIGNEEDLE_[0-9a-f]{8}", False)]
    while len(out) < count:
        kind = rng.random()
        name = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(rng.randint(12, 24)))
        if kind < 0.6:
            out.append((name, True))
        elif kind < 0.9:
            out.append((rng.choice([f"{name[:8]}[0-9a-f]{{4,12}}", f"https?://{name[:10]}\\.example/", f"{name[:9]}(alpha|beta|gamma)", f"X-{name[:8]}: [A-Z]+"]), False))
        else:
            out.append((rng.choice([f"[A-F0-9]{{32}}:..{name[:4]}", f"10\\.66\\.[0-9]{{1,3}}\\.[0-9]{{1,3}}:{rng.randint(1025, 65000)}", f"[a-z]{{5}}_{name[:5]}[0-9]{{3}}"]), False))
    return out[:count]
