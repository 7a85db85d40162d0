"""tests/fault/run, once everything is built; README.md says how to read its verdict."""
import argparse
import asyncio
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

import callers
import faults
import history
import schedule
import story
import world
from world import rig

CALLERS = 32
QUIET_S = 120  # the longest that the two programs may take, when all is healed, until they hold nothing
RSS_MAX_KB = {"platform": 96 * 1024, "agent": 48 * 1024}
DESCRIPTORS_MAX = 128


class Run:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        names = [f"c{i}{part}" for i in range(CALLERS) for part in ("", "t")]
        self.world = world.World(folder, names, options.agent)
        self.found = []  # violations that are no call's

    def progress(self, began):
        d, b = self.driver, self.breaker
        asked = sum(len(c["attempts"]) > 0 for c in d.history)
        line = (f"[{time.monotonic() - began:5.0f} s] {asked} exchanges, {len(b.done)} faults, {len(d.waiting)} outcomes awaited, "
                f"in effect: {', '.join(f['kind'] + ' ' + f['target'] for f in b.done if f['end'] is None) or 'none'}")
        print(f"\r{line:<118.118}" if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)

    async def report(self, began):
        while True:
            await asyncio.sleep(1 if sys.stderr.isatty() else 10)
            self.progress(began)

    def is_over(self, began):
        o = self.options
        spent_s = time.monotonic() - began
        return (spent_s >= o.seconds and len(self.driver.history) >= o.exchanges) or spent_s > 3 * o.seconds + 60

    async def storm(self):
        """Calls and faults, until there were enough of both."""
        self.driver = callers.Driver(self.world, self.options.seed, self.options.think)
        self.breaker = faults.Breaker(self.world)
        began = time.monotonic()
        plan = (schedule.faults_for_self_check if self.options.self_check else schedule.faults)(self.options.seed)
        asking = [asyncio.create_task(self.driver.caller(f"c{i}")) for i in range(CALLERS)]
        others = [asyncio.create_task(t) for t in (faults.follow(self.breaker, plan, began), self.breaker.watch(), self.driver.claimer(),
                                                   self.driver.watch_lag(), self.report(began))]
        while not self.is_over(began):
            await asyncio.sleep(0.2)
            for task in (*asking, *others):
                if task.done() and task.exception():
                    raise task.exception()
        self.breaker.resting.set()
        self.driver.ended.set()
        await self.breaker.healed()
        try:
            await asyncio.wait_for(asyncio.gather(*asking, others[2]), QUIET_S)
        except asyncio.TimeoutError:
            self.found.append(history.Violation("held", f"callers still have no answer, {QUIET_S} s after all was healed"))
        await self.come_to_rest()
        await self.driver.claim_all()
        self.progress(began)
        self.look_at_sizes()
        others[1].cancel()
        others[4].cancel()
        await self.breaker.leave_all()

    async def held(self):
        """What is still held somewhere, in words; empty when nothing is."""
        figures = await asyncio.to_thread(self.world.platform_figures)
        found = [f"platform: {name} = {n}" for name, n in figures.items() if name != "tunnels" and n > 0]
        for agent in schedule.AGENTS:
            n = await asyncio.to_thread(self.world.agent_held, agent)
            if n != 0:
                found.append(f"{agent}: " + ("is not connected" if n is None else f"holds {n} jobs"))
        return found

    async def come_to_rest(self):
        end = time.monotonic() + QUIET_S
        while True:
            found = await self.held()
            if not found:
                return
            if time.monotonic() > end:
                self.found += [history.Violation("held", what) for what in found]
                return
            await asyncio.sleep(0.5)

    def look_at_sizes(self):
        self.sizes = {name: self.world.programs[name].figures() for name in ("platform", *schedule.AGENTS)}
        for name, (rss_kb, descriptors) in self.sizes.items():
            if rss_kb > RSS_MAX_KB["platform" if name == "platform" else "agent"] and not world.is_sanitized():
                self.found.append(history.Violation("grown", f"{name}: {rss_kb} kB resident"))
            if descriptors > DESCRIPTORS_MAX:
                self.found.append(history.Violation("grown", f"{name}: {descriptors} descriptors"))

    def judge(self):
        d = self.driver
        self.history = history.History(
            calls=[c for c in d.history if c["attempts"] and "end" in c["attempts"][-1]], journal=self.world.executions(), rows=d.rows,
            faults=self.breaker.done, agents={f"10.89.{i}.2": a for i, a in enumerate(schedule.AGENTS, 1)}, lags=d.lags,
            offset_s=time.time() - time.monotonic())
        self.found += [history.Violation("broken", f"{b['what']}\n{b['text']}") for b in self.breaker.broken]
        self.found += history.check(self.history)

    def run(self):
        asyncio.run(self.storm())
        self.judge()


def options_of(argv):
    words = argparse.ArgumentParser(prog="tests/fault/run", description="Faults, and whether the delivery contract held.")
    words.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**6))
    words.add_argument("--seconds", type=int, help="how long it goes on at least (660; 45 for --self-check)")
    words.add_argument("--exchanges", type=int, default=0, help="and until there were so many")
    words.add_argument("--self-check", action="store_true", help="with an agent that keeps no ledger: must find violations")
    words.add_argument("--agent", default=rig.BUILD / "connector-agent", help=argparse.SUPPRESS)
    words.add_argument("--think", type=float, default=0.9, help=argparse.SUPPRESS)
    options = words.parse_args(argv)
    options.seconds = options.seconds or (45 if options.self_check else 660)
    return options


def interrupted(number, _):
    raise SystemExit(128 + number)


def main(argv):
    options = options_of(argv)
    print(f"seed {options.seed}", flush=True)
    if os.geteuid() != 0:
        print("tests/fault/run: network namespaces need root", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, interrupted)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"connector-fault-{os.getpid()}-"))
    run, is_kept, is_good = None, True, False
    try:
        try:
            run = Run(options, folder)
            run.world.build()
        except (RuntimeError, AssertionError, OSError) as why:
            print(f"tests/fault/run: it could not begin: {why}", file=sys.stderr)
            return 2
        run.run()
        is_good = story.tell(run)
        is_kept = not is_good
    except SystemExit:  # interrupted
        is_kept = False
        raise
    finally:
        if run is not None:
            run.world.remove()
        if is_kept:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
