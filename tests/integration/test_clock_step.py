"""The wall clock is set by hours while both programs run: nothing that measures a span notices."""
import calendar
import os
import re
import threading
import time

import pytest
import rig
from endpoint import Endpoint

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
RIGHT = {"username": "alice", "password": "right"}
BUDGET_MS = 3000

pytestmark = pytest.mark.skipif(not os.path.exists(FAKETIME), reason="the faketime library is elsewhere on this machine")


@pytest.fixture(scope="module")
def stepped(tmp_path_factory):
    """Endpoint, platform and agent; and a call that sets the wall clock of both programs off by some hours."""
    if b"libasan.so" in (rig.BUILD / "connector-platform").read_bytes():
        pytest.skip("the sanitizer's library must be the first that is loaded")
    folder = tmp_path_factory.mktemp("clock")
    offset = folder / "offset"
    offset.write_text("+0h\n")

    def set_off(hours):
        fresh = folder / "offset.new"
        fresh.write_text(f"{hours:+d}h\n")
        fresh.rename(offset)

    prefix = ["env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={offset}", "FAKETIME_NO_CACHE=1",
              "FAKETIME_DONT_FAKE_MONOTONIC=1"]
    with Endpoint() as endpoint:
        platform = rig.Platform(folder / "platform", prefix=prefix).start()
        platform.app_key = platform.api("POST", "/v1/keys", {"name": "app", "role": "app"}).json["key"]
        agent = rig.Agent(folder / "agent", prefix=prefix).enroll(platform.add_connector("dc"))
        agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url()) + "/**")).start()
        yield endpoint, platform, agent, set_off
        set_off(0)
        assert agent.stop() == 0
        assert platform.stop() == 0


def unix_time(text):
    """Of an RFC 3339 text in UTC."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def ask(platform, profile, **more):
    """An exchange under way; its answer comes by join."""
    got = {}
    thread = threading.Thread(target=lambda: got.update(answer=platform.exchange(profile, variables=RIGHT, **more)))
    thread.start()

    def join():
        thread.join(rig.WAIT_S)
        return got["answer"]
    return join


@pytest.mark.parametrize("hours", [3, -2, 30])
def test_a_step_of_the_clock_ends_nothing_early_and_no_tunnel(stepped, hours):
    endpoint, platform, agent, set_off = stepped
    set_off(0)
    platform.put_profile("held", connector="dc", token_url=endpoint.url("/held"))
    platform.put_profile("hangs", connector="dc", token_url=endpoint.url("/hang"))
    endpoint.journal.clear()
    endpoint.hold()
    marks = agent.process.mark(), platform.process.mark()
    began = time.monotonic()
    hangs = ask(platform, "hangs", budget_ms=BUDGET_MS)
    held = ask(platform, "held", budget_ms=60000)
    assert endpoint.journal.wait_for("/held", 1) and endpoint.journal.wait_for("/hang", 1)
    set_off(hours)
    late = hangs()
    took_ms = (time.monotonic() - began) * 1000
    assert (late.status, late.json["code"]) == (504, "budget_exceeded"), late
    assert took_ms > BUDGET_MS / 2, "the budget must not be cut short by the step"
    endpoint.release()
    got = held()
    assert (got.status, got.json["outcome"]) == (200, "issued"), got
    assert platform.exchange("held", variables=RIGHT, budget_ms=60000).status == 200
    rows = platform.api("GET", "/v1/exchanges").json["exchanges"]
    assert any(abs(unix_time(row["began_at"]) - time.time() - hours * 3600) < 600 for row in rows), "it was really set"
    took_us = [int(re.search(r"total_us=(\d+)", one).group(1)) for one in agent.process.lines_with(" job.done ", 3, since=marks[0])]
    assert len(took_us) == 3 and max(took_us) < 60e6, took_us
    for process, since in zip((agent.process, platform.process), marks):
        assert not [line for line in process.lines[since:] if "tunnel.closed" in line or "tunnel.down" in line]
