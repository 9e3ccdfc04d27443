"""How many system calls a scan takes for each directory and file: that does not hang on how busy the machine is."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

AGENT = os.path.join(os.environ["MIG_BIN_DIR"], "mig-agent")


def tree(top, directories, files):
    for d in range(directories):
        path = f"{top}/d{d}"
        os.makedirs(path)
        for f in range(files):
            with open(f"{path}/f{f}", "w") as file:
                file.write(f"some content {d} {f}\n")


def calls(top, search):
    with tempfile.NamedTemporaryFile("r") as log:
        message = json.dumps({"class": "parameters", "parameters": {"searches": {"s1": {"paths": [top], **search}}}})
        done = subprocess.run(["strace", "-f", "-c", "-o", log.name, AGENT, "-m", "file"], input=message.encode(), stdout=subprocess.PIPE, check=False)
        if done.returncode != 0 or not json.loads(done.stdout)["success"]:
            raise unittest.SkipTest("strace cannot watch a program here")
        counts = {}
        for line in log.read().splitlines()[2:]:
            words = line.split()
            if len(words) >= 5 and words[3].isdigit() and words[-1] != "total":
                counts[words[-1]] = int(words[3])
    # Waiting for each other is what threads do more or less of.
    return sum(count for name, count in counts.items() if name not in ("futex", "clock_nanosleep", "sched_yield", "madvise", "mprotect", "munmap", "mmap", "brk")), counts


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class ScanCalls(unittest.TestCase):
    def difference(self, search):
        """What a hundred directories of ten files more take."""
        with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
            tree(small, 100, 10)
            tree(large, 200, 10)
            few, many = calls(small, search), calls(large, search)
            return many[0] - few[0], {name: many[1].get(name, 0) - few[1].get(name, 0) for name in many[1]}

    def test_names_take_four_calls_a_directory_and_none_a_file(self):
        more, by_name = self.difference({"names": ["^nothing$"]})
        self.assertLessEqual(more, 4.2 * 100, by_name)

    def test_contents_take_less_than_four_calls_a_file(self):
        more, by_name = self.difference({"contents": ["no such content"]})
        self.assertLessEqual(more, 4.2 * 100 + 3.6 * 1000, by_name)
        self.assertLessEqual(by_name.get("mmap", 0), 20, by_name)


if __name__ == "__main__":
    unittest.main()
