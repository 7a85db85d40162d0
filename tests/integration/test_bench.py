"""tests/bench/run as CI can afford it: everything is measured, nothing fails, the names hold, like is compared with
like."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types

import pytest
import rig

sys.path.insert(0, str(rig.ROOT / "tests/bench"))
import parts  # noqa: E402

ROW = {"in_flight", "bare_jobs_s", "tunnel_jobs_s", "ratio", "bare_cpu_us", "agent_cpu_us", "bare_p50_us",
       "tunnel_p50_us", "tunnel_p99_us", "errors"}
API_ROW = {"concurrent", "direct_rps", "api_rps", "ratio", "direct_p50_us", "api_p50_us", "api_p99_us", "errors"}
FIGURES = {"agent_rss_idle_kb", "agent_rss_busy_kb", "idle_tunnel_kb", "idle_neighbours_ratio", "handshake_cpu_us",
           "all_back_s", "frozen_noticed_s", "outage_attempts", "outage_cpu_ms"}
COUNTS = [1, 16, 64, 256]


@pytest.fixture
def short_folder():
    """Its control sockets' paths must fit into 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="cxb", dir="/tmp") as folder:
        yield pathlib.Path(folder)


def test_a_quick_bench_measures_everything_without_an_error(short_folder):
    bench = subprocess.Popen([rig.ROOT / "tests/bench/run", "--quick", "--json"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                             env={**os.environ, "CONNECTOR_BUILD": str(rig.BUILD.resolve()), "TMPDIR": str(short_folder)})
    out, err = bench.communicate(timeout=240)
    assert bench.returncode == 0, err
    result = json.loads(out)
    assert set(result) == {"rows", "api_rows"} | FIGURES
    assert [row["in_flight"] for row in result["rows"]] == COUNTS
    assert [row["concurrent"] for row in result["api_rows"]] == COUNTS
    assert all(set(row) == ROW for row in result["rows"]) and all(set(row) == API_ROW for row in result["api_rows"])
    assert all(row["errors"] == 0 for row in result["rows"] + result["api_rows"])
    assert all(row["tunnel_jobs_s"] > 0 and row["bare_jobs_s"] > 0 for row in result["rows"])
    assert all(result[name] > 0 for name in FIGURES)
    assert "jobs: 64 in flight" in err  # it says what it does
    assert list(short_folder.iterdir()) == []  # and leaves nothing, neither files nor processes
    sessions = subprocess.run(["ps", "-o", "pid=", "-s", str(bench.pid)], capture_output=True, text=True)
    assert sessions.stdout.split() == []


def asked(endpoint):
    """Each request that came, once: to the byte, but for Host and the order of the headers."""
    requests = {(r.method, r.target, r.version, r.body,
                 tuple(sorted((name, value) for name, value in r.headers if name != "Host")))
                for r in endpoint.journal.requests()}
    endpoint.journal.clear()
    return requests


def test_what_is_compared_asks_for_the_same(short_folder, endpoint):
    nginx = types.SimpleNamespace(url=endpoint.url())
    platform, agent = parts.ready_pair(short_folder, nginx)
    f = platform.folder
    by = {}
    try:
        parts.wrk_api(platform, 1, 1)
        by["API"] = asked(endpoint)
        platform.stop()
        parts.load("bench_jobs", platform.tunnel_port, f / "platform.pem", f / "platform.key", f / "ca.pem", nginx.url,
                   agent.process.pid, 100, 1)
        by["bench_jobs"] = asked(endpoint)
    finally:
        agent.stop()
        platform.stop()
    parts.load("bench_curl", nginx.url, 100, 1)
    by["bench_curl"] = asked(endpoint)
    parts.wrk_direct(nginx, 1, 1)
    by["wrk"] = asked(endpoint)
    assert len(by["API"]) == 1
    assert all(requests == by["API"] for requests in by.values()), by
