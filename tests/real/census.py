"""The census of a mesh under fire, kept by the test alone: who was ever enrolled, what each process uses, who started what."""
import os
import re

from peer_keys import Identity

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def identity_of(state):
    """The node id of a state directory; None before it has a seed."""
    try:
        with open(state + "/seed", "rb") as file:
            return Identity(file.read()).node_id.hex()
    except FileNotFoundError:
        return None


def attached_ever(log):
    with open(log, encoding="utf-8") as file:
        return any("attached relay=" in line for line in file)


def starts(log):
    """Action (as logs shorten it) -> how often the agent with this log started it."""
    count = {}
    with open(log, encoding="utf-8") as file:
        for line in file:
            if found := re.search(r"started action=([0-9a-f]+)", line):
                count[found[1]] = count.get(found[1], 0) + 1
    return count


def usage(pid):
    """Resident octets, descriptors and CPU seconds of a process; None when it is gone."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            resident = int(file.read().split()[1]) * PAGE
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return {"rss": resident, "fds": len(os.listdir(f"/proc/{pid}/fd")), "cpu": (int(fields[11]) + int(fields[12])) / TICKS}
    except (FileNotFoundError, ProcessLookupError, IndexError, ValueError, PermissionError):
        return None


def marked(mark):
    """Pids of all processes that inherited the environment variable `mark`, which the test gave to all it started."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if mark.encode() in file.read():
                    found.add(int(pid))
        except OSError:
            pass
    return found


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace")[:200]
    except OSError:
        return "gone"
