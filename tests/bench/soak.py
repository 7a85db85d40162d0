"""tests/bench/soak: half load for a while; memory and descriptors of both programs must stay flat.

Half load is full load half of the time: a second of sixteen callers, a second of rest, again and
again. Both programs are looked at in each rest. What they hold after the first third is the measure
for the last.
"""
import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

import parts

RSS_SLACK_KB = 2048  # a page here and there is no leak; 600 s at some 5,000 exchanges a second are
DESCRIPTORS_SLACK = 8


def look(process):
    return process.rss_kb(), len(os.listdir(f"/proc/{process.pid}/fd"))


def soak(folder, seconds):
    nginx = parts.Nginx(folder / "nginx")
    platform, agent = parts.ready_pair(folder, nginx)
    seen = {"platform": [], "agent": []}
    exchanges = errors = 0
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            row = parts.wrk_api(platform, 16, 1)
            exchanges += row["requests"]
            errors += row["errors"]
            time.sleep(1)  # the rest is half of the load
            seen["platform"].append(look(platform.process))
            seen["agent"].append(look(agent.process))
            print(f"\r{exchanges} exchanges, {errors} errors, RSS {seen['platform'][-1][0]} and {seen['agent'][-1][0]} kB ",
                  end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    finally:
        ended = {"agent": agent.stop(), "platform": platform.stop()}
        nginx.process.stop()
    return seen, exchanges, errors, ended


def judge(name, looks):
    """What grew, in sentences; empty if nothing did."""
    third = len(looks) // 3
    early, late = looks[third:2 * third], looks[2 * third:]
    for what, i, slack in (("resident kB", 0, RSS_SLACK_KB), ("descriptors", 1, DESCRIPTORS_SLACK)):
        before, after = (statistics.median(l[i] for l in part) for part in (early, late))
        print(f"{name:<9} {what:<12} {before:>9.0f} -> {after:>9.0f}")
        if after > before + slack:
            yield f"{name}: {what} grew from {before:.0f} to {after:.0f}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=600)
    seconds = max(options.parse_args().seconds, 12)
    with tempfile.TemporaryDirectory(prefix="connector-soak-") as folder:
        seen, exchanges, errors, ended = soak(pathlib.Path(folder), seconds)
    faults = [fault for name, looks in seen.items() for fault in judge(name, looks)]
    faults += [f"{name} ended with {status}" for name, status in ended.items() if status != 0]
    if errors or not exchanges:
        faults.append(f"{errors} errors in {exchanges} exchanges")
    print(f"{exchanges} exchanges in {seconds} s, {errors} errors")
    print("\n".join(faults) or "flat")
    return 1 if faults else 0


sys.exit(main())
