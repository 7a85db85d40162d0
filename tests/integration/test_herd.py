"""A thousand agents whose platform is killed: all are back soon, and none asks more often than the backoff allows."""
import json
import pathlib
import sys
import time

import pytest
import rig

sys.path.insert(0, str(rig.ROOT / "tests/bench"))
import parts  # noqa: E402

AGENTS = 1000
BACK_S = 10


def assert_attempts_are_allowed(back):
    """A delay is even in 0 … its bound, 0.5, 1, 2, then 4 s each: some three attempts, and one each 2 s from then on."""
    outage_s = back["took_ms"] / 1000
    assert AGENTS <= back["attempts"] <= AGENTS * (4 + 0.75 * outage_s), back
    assert back["most"] <= 12 + 2 * outage_s, back  # of a thousand, one has short delays


def waited_s(*pids):
    """What these processes have waited for a processor that others had; seconds (proc(5), schedstat)."""
    return sum(int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[1]) for pid in pids) / 1e9


@pytest.fixture(scope="module")
def herd(tmp_path_factory):
    if not (parts.LOAD / "bench_tunnels").exists():
        pytest.skip("the load programs are not built")
    if b"libasan.so" in (rig.BUILD / "connector-platform").read_bytes():
        pytest.skip("the figures are those of what is shipped")
    folder = tmp_path_factory.mktemp("herd")
    platform = parts.Platform(folder / "p").start()
    key, certificates = parts.agent_certificates(platform, folder, AGENTS, lambda what: None)
    program = parts.Program([parts.LOAD / "bench_tunnels", platform.tunnel_port, platform.folder / "ca.pem", key, certificates],
                            folder / "log")
    program.say(f"{AGENTS}\n")
    program.wait('"up": %d,' % AGENTS, timeout=120)
    yield platform, program
    program.stop()
    platform.stop()


def come_back(herd, away_s):
    """Kill the platform, start it after so long; what the agents say, and how long the last took from the start."""
    platform, program = herd
    since = program.mark()
    platform.kill()
    time.sleep(away_s)  # the outage is what is tested
    platform.start()
    began, waited = time.monotonic(), waited_s(program.pid)
    back = json.loads(program.wait('"up": %d,' % AGENTS, since, timeout=120))
    took_s = time.monotonic() - began
    return back, took_s - (waited_s(program.pid) - waited) - waited_s(platform.process.pid)


def test_all_are_back_at_once_after_a_restart(herd):
    back, took_s = come_back(herd, 0)
    assert took_s < BACK_S, (back, took_s)
    assert_attempts_are_allowed(back)


def test_all_are_back_after_an_outage_of_5_s(herd):
    """By then each waits up to 4 s."""
    back, took_s = come_back(herd, 5)
    assert took_s < BACK_S, (back, took_s)
    assert_attempts_are_allowed(back)
