"""What is looked at as a whole: a process of a gigabyte, and this machine from / on."""
import hashlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import time

import corpus


def resident_kb(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def row(job, run, wrong, ratios, targets, held, note):
    return {"job": job, "wrong": wrong, "seconds": {"ours": round(run.wall, 3)}, "cpu": {"ours": round(run.cpu, 3)}, "rss_mb": {"ours": round(run.rss, 1)},
            "ratios": ratios, "floor": None, "targets": targets, "held": held, "note": note}


def job(searches):
    """What an agent hands to the process of a job, without what binds it to the agent."""
    operation = {"module": "file", "parameters": {"searches": searches}}
    return json.dumps({"operations": [operation], "seconds": 3600, "bytes": 1 << 26, "root": "", "proc": "/proc", "privacy": False, "memory": 1 << 29, "cpu": 3600, "readable": [],
                       "polite": True, "group": "", "parent": 0})


def start(agent, path):
    """A job as an agent starts it, in a session of its own, but on core 0."""
    with open(path) as source:
        return subprocess.Popen([agent, "--job"], stdin=source, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {0}), start_new_session=True)


def cost(alone, idle, beside):
    """Percent of work lost beside our scan, its slices' 99th percentile, and percent lost beside a loop of the idle class."""
    median = statistics.median
    loss = lambda list_: round(100 * (1 - median(b[0] for b in list_) / median(a[0] for a in alone)), 2)
    return loss(beside), round(median(b[1] for b in beside) / median(a[1] for a in alone), 2), loss(idle)


def borders(module, target, filling):
    """A needle at each of forty offsets about a window's border, in a gigabyte of memory that is all there."""
    process = subprocess.Popen([target, str(1 << 30), filling, "0"], stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        before = resident_kb(process.pid)
        run = module("memory", {"searches": {"s1": {"contents": [f"MIGBORDER_{i:02}_end" for i in range(40)], "options": {"matchall": False}}}})
        grown = round(100 * (resident_kb(process.pid) / before - 1), 2)
        out = json.loads(run.out)
        found = {one["search"]["contents"][0] for one in out["elements"]["s1"] if one["process"]["pid"] == process.pid}
    finally:
        process.kill()
        process.wait()
    wrong = None if out["success"] and len(found) == 40 else f"{len(found)} of 40 needles"
    ratios = {"found of 40": len(found), "grown %": grown, "MB": round(run.rss, 1)}
    return row("MB", run, wrong, ratios, {"found of 40": 40, "grown %": "<=1", "MB": "<30"}, not wrong and grown <= 1 and run.rss < 30, "needles about borders, 1 GiB all there")


def machine(module, agent, victim, work, rounds):
    """20 names, 100 contents and 1,000 hashes from / on, once for the result, once beside a busy neighbour on its core."""
    top = os.path.join(work, "planted")
    os.makedirs(top, exist_ok=True)
    texts = [pattern for pattern, _ in corpus.patterns(100)]
    planted = {"name": "mig-planted-name-0a1b", "contents": "holds-a-needle", "hashes": "has-a-sum"}
    bodies = {"name": "n", "contents": "x MIGNEEDLE_" + "0badcafe y\n", "hashes": "a sum that is asked for\n"}
    for kind, name in planted.items():
        with open(f"{top}/{name}", "w") as file:
            file.write(bodies[kind])
    sums = [hashlib.sha256(bodies["hashes"].encode()).hexdigest()] + [hashlib.sha256(str(i).encode()).hexdigest() for i in range(999)]
    names = ["^" + planted["name"] + "$"] + [f"^no-such-name-{i}\\.[a-z]+$" for i in range(19)]
    any_ = {"matchall": False, "matchlimit": 1000, "maxerrors": 10}
    parameters = {"searches": {"name": {"paths": ["/"], "names": names, "options": any_}, "contents": {"paths": ["/"], "contents": texts, "options": any_},
                               "hashes": {"paths": ["/"], "sha2": sums, "options": any_}}}
    run = module("file", parameters)
    out = json.loads(run.out)
    missed = [kind for kind, name in planted.items() if not any(one["file"] == f"{top}/{name}" for one in (out["elements"] or {}).get(kind, []))]
    wrong = None if out["success"] and not missed else f"not found: {missed}; {(out['errors'] or [''])[-1]}"

    into = os.path.join(work, "machine.json")
    with open(into, "w") as file:
        file.write(job(parameters["searches"]))
    pinned = lambda: os.sched_setaffinity(0, {0})
    alone, idle, beside = [], [], []
    sweep = start(agent, into)
    try:
        time.sleep(2)  # by then it is walking
        look = lambda: [float(x) for x in subprocess.run([victim, "4"], stdout=subprocess.PIPE, preexec_fn=pinned, check=True).stdout.split()]
        for _ in range(rounds):
            sweep.send_signal(signal.SIGSTOP)
            alone.append(look())
            spinner = subprocess.Popen([victim, "idle"], preexec_fn=pinned)
            idle.append(look())
            spinner.kill()
            spinner.wait()
            sweep.send_signal(signal.SIGCONT)
            beside.append(look())
        ended = sweep.poll() is not None
    finally:
        sweep.kill()
        sweep.wait()
        shutil.rmtree(top)
    loss, tail, least = cost(alone, idle, beside)
    if ended:
        wrong = wrong or "the sweep ended before its neighbour was measured"
    ratios = {"loss %": loss, "p99 x": tail, "loss % beside an idle loop": least, "MB": round(run.rss, 1), "files": out["statistics"]["filescount"]}
    return row("ALL", run, wrong, ratios, {"loss %": "<=2", "MB": "<64"}, not wrong and run.rss < 64 and (loss <= 2 or (loss <= least and "floor")), "from / on: 20 names, 100 contents, 1,000 hashes")
