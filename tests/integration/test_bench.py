"""tests/bench/run as CI can afford it: everything is measured, nothing fails, the names hold."""
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

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


class Endpoint(http.server.ThreadingHTTPServer):
    """Answers as the bench's nginx does, and keeps each request: its line, its headers but for Host, its body."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), EndpointHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/token"
        self.seen = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class EndpointHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = sorted((name.lower(), value) for name, value in self.headers.items() if name.lower() != "host")
        self.server.seen.add((self.requestline, tuple(headers), body))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(parts.ANSWER)))
        self.end_headers()
        self.wfile.write(parts.ANSWER.encode())

    def log_message(self, format, *args):
        pass


def test_what_is_compared_asks_for_the_same(short_folder):
    endpoint = Endpoint()
    platform, agent = parts.ready_pair(short_folder, endpoint)
    f = platform.folder
    asked = {}
    try:
        parts.wrk_api(platform, 1, 1)
        asked["API"] = set(endpoint.seen)
        platform.stop()
        endpoint.seen.clear()
        parts.load("bench_jobs", platform.tunnel_port, f / "platform.pem", f / "platform.key", f / "ca.pem",
                   endpoint.url, agent.process.pid, 100, 1)
        asked["bench_jobs"] = set(endpoint.seen)
        endpoint.seen.clear()
        parts.load("bench_curl", endpoint.url, 100, 1)
        asked["bench_curl"] = set(endpoint.seen)
        endpoint.seen.clear()
        parts.wrk_direct(endpoint, 1, 1)
        asked["wrk"] = set(endpoint.seen)
    finally:
        agent.stop()
        platform.stop()
        endpoint.shutdown()
    assert len(asked["API"]) == 1
    assert all(requests == asked["API"] for requests in asked.values()), asked
