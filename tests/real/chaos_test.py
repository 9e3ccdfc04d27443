"""Relays, agents and two investigators under random blows; then calm, and every agent must be accounted for.

MIG_CHAOS_SECONDS of harm (12; ./dev soak takes 600), MIG_CHAOS_AGENTS (50), MIG_SEED (1), MIG_CHAOS_STORY: where the story
is kept. The same seed draws the same blows; what each meets depends on the machine.
"""
import json
import os
import sys
import time
import unittest
import uuid

import census
from chaos import RELAYS, Chaos, Investigator, Story
from mesh import Answer, Mesh
from sites import Sites

SECONDS = float(os.environ.get("MIG_CHAOS_SECONDS", "12"))
AGENTS = int(os.environ.get("MIG_CHAOS_AGENTS", "50"))
SEED = int(os.environ.get("MIG_SEED", "1"))
CALM = 240  # seconds until everything has been repaired: waits between attempts grow to one minute
MARK = f"MIG_CHAOS_MARK={uuid.uuid4()}"
MOST = {("relay", "rss"): 96 << 20, ("agent", "rss"): 64 << 20, ("relay", "fds"): 256, ("agent", "fds"): 48}
IDLE_CPU = {"relay": 0.25, "agent": 0.05}  # of a processor, with nothing to do
GROWTH = 4 << 20  # octets more after a handful of questions than before them
ONE_STATE = ("answered", "refused", "not_targeted", "cancelled", "expired", "open", "offline", "unknown")


def say(text):
    print(text, file=sys.stderr, flush=True)


class RealChaos(unittest.TestCase):
    def test_after_random_kills_stops_wipes_and_cuts_every_agent_is_in_one_state_and_every_result_is_there_once(self):
        story = Story(os.environ.get("MIG_CHAOS_STORY", f"/tmp/mig-chaos-{os.getpid()}.story"))
        say(f"chaos: seed {SEED}, {SECONDS:g} s; replay: MIG_SEED={SEED} MIG_CHAOS_SECONDS={SECONDS:g} MIG_CHAOS_AGENTS={AGENTS} "
            f"/usr/bin/python3 {__file__}; story: {story.path}")
        os.environ.update([MARK.split("=")])
        with Sites(RELAYS) as sites, Mesh() as mesh:
            if sites.why_not:
                say(f"chaos: all on one loopback, nothing is cut: {sites.why_not}")
            chaos = Chaos(mesh, sites, AGENTS, SEED, story)
            try:
                self.hold(chaos)
            except BaseException as trouble:
                story(f"FAILED: {trouble}")
                raise
            finally:
                story.file.close()
        if "MIG_CHAOS_STORY" not in os.environ:
            os.unlink(story.path)

    def hold(self, chaos):
        chaos.build()
        people = [Investigator(chaos, n, SECONDS) for n in range(2)]
        for person in people:
            person.start()
        chaos.harm(SECONDS)
        for person in people:
            person.join()
            self.assertIsNone(person.trouble)
        chaos.calm()
        began = time.monotonic()
        lives = self.lives(chaos, began + CALM)
        wrong, judged = self.settle(chaos, lives, began + CALM)
        took = time.monotonic() - began
        starts = self.too_many_starts(lives)
        bounds = self.beyond_bounds(chaos)
        say(f"chaos: {dict(sorted(chaos.blows.items()))}; {judged} actions of {len(lives)} identities, {sum(alive for alive, _ in lives.values())} of "
            f"them alive, settled {took:.1f} s after the last blow; most used: "
            f"{ {' '.join(key): f'{value} ({name})' for key, (value, name) in sorted(chaos.peak.items())} }")
        self.assertEqual((wrong, starts, bounds), ({}, [], []))

    def lives(self, chaos, end):
        """Every identity ever enrolled -> (alive, log)."""
        lives = {}
        for body in chaos.bodies:
            for identity, log in body.past:
                lives[identity] = (False, log)
            body.process.await_line("attached relay=", seconds=max(1, end - time.monotonic()))
            lives[census.identity_of(chaos.state(body))] = (True, body.process.log)
        return lives

    # Every agent in one state, every result once --------------------------------------------------------------------

    def settle(self, chaos, lives, end):
        """Asks for every action's results, again for those where something is missing still; gives what stays wrong."""
        open_still = {(home, action["id"]): action for home in chaos.homes
                      for action in map(json.loads, chaos.mesh.mig("actions", "-most", "1000", "--json", home=home, check=True).stdout.splitlines())}
        judged, wrong = len(open_still), {}
        self.assertGreater(judged, 0, "nobody asked anything")
        while open_still and time.monotonic() < end:
            for (home, action), told in list(open_still.items()):
                relay = chaos.draw.randrange(RELAYS)
                answer = Answer(chaos.mesh.mig("--json", "-y", "--wait", "1", "--relay", chaos.relays[relay], "-show", "all", "results", action,
                                               home=home, space=chaos.sites.spaces[relay]))
                wrong[action] = self.faults(chaos, answer, told, lives)
                if not wrong[action]:
                    del wrong[action], open_still[home, action]
                else:
                    chaos.story(f"action {action[:8]} through {relay + 1}: {wrong[action]}")
                    if any("twice" in fault for fault in wrong[action]):
                        return wrong, judged
        return wrong, judged

    def faults(self, chaos, answer, action, lives):
        if answer.summary is None:
            return [f"no summary: exit {answer.code} {answer.stderr[-300:]}"]
        out, got = [], [reply["agent"] for reply in answer.replies]
        names = {census.identity_of(chaos.state(body)): body.name for body in chaos.bodies}
        if len(got) != len(set(got)):
            out.append(f"twice: {[one for one in got if got.count(one) > 1]}")
        if strangers := set(got) - set(lives):
            out.append(f"nobody enrolled: {strangers}")
        aimed = {one for one, name in names.items() if action["target"] == "all" or name.startswith("agent-1")}
        if missing := aimed - set(got):
            out.append(f"missing: {[names[one] for one in missing]}")
        summary = answer.summary
        told = {state: summary[state] for state in ONE_STATE}
        if sum(told.values()) != len(lives):
            out.append(f"{sum(told.values())} of {len(lives)} accounted for: {told}")
        if len(got) != summary["answered"] + summary["refused"] + summary["cancelled"]:
            out.append(f"{len(got)} answers, but {told}")
        if told["open"] or told["unknown"] or told["expired"] or told["refused"] or told["cancelled"]:
            out.append(f"not settled: {told}")
        if told["offline"] > sum(not alive for alive, _ in lives.values()):
            out.append(f"alive, but called offline: {told}")
        if (summary["relays"], summary["relays_reporting"]) != (RELAYS, RELAYS):
            out.append(f"{summary['relays_reporting']} of {summary['relays']} relays report")
        return out

    def too_many_starts(self, lives):
        return [f"{identity[:8]} started {action} {count} times: {log}" for identity, (_, log) in lives.items()
                for action, count in census.starts(log).items() if count > 1]

    # Bounds ---------------------------------------------------------------------------------------------------------

    def beyond_bounds(self, chaos):
        out = [f"{kind} {name}: {what} {used}" for (kind, what), (used, name) in chaos.peak.items() if used > MOST[kind, what]]
        answer = None
        for _ in range(2):  # once so that everybody has done everything
            before = self.used(chaos)
            for n in range(3):
                answer = chaos.mesh.ask("-t", "all", "--wait", "0", "file", "-path", "/etc", "-name", "^passwd$", "-content", f"{n}", space=chaos.sites.spaces[n])
                if len(answer.replies) != AGENTS:
                    out.append(f"in calm, {len(answer.replies)} of {AGENTS} answered: {answer}")
        after = self.used(chaos)
        for name in after:
            if after[name]["rss"] > before[name]["rss"] + GROWTH:
                out.append(f"{name} grew from {before[name]['rss']} to {after[name]['rss']} in three questions")
            if after[name]["fds"] > before[name]["fds"] + 4:
                out.append(f"{name} had {before[name]['fds']} descriptors, has {after[name]['fds']}")
        idle = 5
        time.sleep(idle)  # what is measured is what they use of this time
        rest = self.used(chaos)
        for name, kind, _ in chaos.processes():
            share = (rest[name]["cpu"] - after[name]["cpu"]) / idle
            if share > IDLE_CPU[kind]:
                out.append(f"{name} uses {share:.0%} of a processor with nothing to do")
        chaos.story(f"CPU of all with nothing to do: {sum(rest[name]['cpu'] - after[name]['cpu'] for name in rest):.2f} s in {idle} s")
        known = {process.popen.pid for _, _, process in chaos.processes()}
        left = {pid: census.command(pid) for pid in census.marked(MARK) - known - {os.getpid()}}
        if left := {pid: command for pid, command in left.items() if not command.startswith("gpg-agent")}:
            out.append(f"processes left behind: {left}")
        return out

    def used(self, chaos):
        out = {name: census.usage(process.popen.pid) for name, _, process in chaos.processes()}
        self.assertEqual([name for name, used in out.items() if used is None], [], "died by itself")
        return out


if __name__ == "__main__":
    unittest.main()
