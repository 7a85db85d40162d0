"""Three hosts: the platform's, the agent's and the token server's, each a network namespace.

The platform has no route to the token server; the agent's host drops whoever knocks; the exchange
works none the less.
"""
import json
import os
import pathlib
import re
import subprocess
import time

import conftest
import pytest
import rig
from hosts import AGENT_IP, PLATFORM_IP, SERVER_IP, Hosts


@pytest.fixture
def hosts():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    h = Hosts()
    yield h
    h.remove()


@pytest.fixture
def inside_server(hosts, tmp_path, pki):
    """glewlwyd where only the agent's host can reach it."""
    folder = tmp_path / "glewlwyd"
    folder.mkdir()
    process, ready = conftest.ready_server(
        [*hosts.prefix("server"), rig.ROOT / "tests/support/glewlwyd", "--dir", folder, "--port", "0", "--bind", SERVER_IP],
        folder)
    yield ready
    conftest.stop_server(process)


DROP_INBOUND = """
table inet knock {
    counter syn { }
    chain input {
        type filter hook input priority 0; policy accept;
        tcp flags & (syn | ack) == syn iifname != "lo" counter name syn drop
    }
}
"""


def dropped(hosts):
    """Inbound connection attempts that the agent's host has dropped."""
    out = hosts.on("agent", "nft", "list", "counter", "inet", "knock", "syn").stdout
    return int(re.search(r"packets (\d+)", out).group(1))


def test_a_token_comes_from_where_the_platform_can_not_go(hosts, inside_server, tmp_path):
    subprocess.run([*hosts.prefix("agent"), "nft", "-f", "-"], input=DROP_INBOUND, text=True, check=True)
    platform = rig.Platform(tmp_path / "platform", bind=PLATFORM_IP, public_host=PLATFORM_IP, prefix=hosts.prefix("platform")).start()
    agent = rig.Agent(tmp_path / "agent", prefix=hosts.prefix("agent"))
    try:
        route = hosts.on("platform", "ip", "route", "get", SERVER_IP, check=False)
        assert route.returncode != 0, "the platform has a route to the token server"

        agent.enroll(platform.cli("connector", "add", "dc").stdout.strip())
        agent.set_policy(rig.rule("idp", rig.origin(inside_server["token_url"]) + "/**", networks=["10.77.2.0/24"])).start()
        profile = {"name": "p", "type": "oauth2_password", "connector": "dc", "token_url": inside_server["token_url"],
                   "client": {"method": "client_secret_basic_raw", "id": inside_server["client_id"],
                              "secret": inside_server["client_secret"]},
                   "fields": [{"place": "payload", "key": "scope", "value": inside_server["scope"]}], "auth_error_status": [403]}
        put = platform.cli("profile", "put", "-", stdin=json.dumps(profile))
        assert put.returncode == 0, put.stderr

        before = dropped(hosts)
        done = platform.cli("exchange", "p", "--set", f"username={inside_server['username']}", "--ask", "password", "--json",
                            stdin=inside_server["password"] + "\n")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["outcome"] == "issued"
        assert dropped(hosts) == before == 0, "somebody tried to connect to the agent's host"

        knock = hosts.on("platform", "timeout", "1", "bash", "-c", f"exec 3<>/dev/tcp/{AGENT_IP}/8443", check=False)
        assert knock.returncode != 0 and dropped(hosts) > 0, "the counter counts"
    finally:
        assert agent.stop() in (0, None)
        assert platform.stop() == 0


@pytest.fixture
def dead_resolver(hosts):
    """The agent's host asks a name server that never answers."""
    resolv = pathlib.Path("/etc/netns") / hosts.names["agent"] / "resolv.conf"
    resolv.parent.mkdir(parents=True, exist_ok=True)
    resolv.write_text(f"nameserver {SERVER_IP}\noptions timeout:5 attempts:3\n")
    hosts.on("server", "nft", "add table inet t; add chain inet t i { type filter hook input priority 0; }; "
             "add rule inet t i udp dport 53 drop")
    yield
    resolv.unlink()
    resolv.parent.rmdir()


def test_an_agent_whose_name_server_is_dead_says_so_and_stops_at_once(hosts, dead_resolver, tmp_path):
    platform = rig.Platform(tmp_path / "platform", bind=PLATFORM_IP, public_host=PLATFORM_IP, prefix=hosts.prefix("platform")).start()
    agent = rig.Agent(tmp_path / "agent", prefix=hosts.prefix("agent"))
    try:
        agent.enroll(platform.cli("connector", "add", "dc").stdout.strip())
        agent.conf.write_text(agent.conf.read_text().replace(PLATFORM_IP, "platform.corp.example"))
        agent.start(wait=False)
        agent.process.wait("tunnel.connect_failed.*could not be resolved")
        began = time.monotonic()
        assert agent.stop() == 0
        assert time.monotonic() - began < 3, "a lookup that is stuck in its thread must not hold up the end"
    finally:
        agent.stop()
        assert platform.stop() == 0


def test_a_dead_name_server_costs_one_exchange_its_budget_and_the_neighbours_nothing(hosts, dead_resolver, inside_server, tmp_path):
    """Names are asked of a server that never answers; numbers need none."""
    platform = rig.Platform(tmp_path / "platform", bind=PLATFORM_IP, public_host=PLATFORM_IP, prefix=hosts.prefix("platform")).start()
    agent = rig.Agent(tmp_path / "agent", prefix=hosts.prefix("agent"))
    try:
        agent.enroll(platform.cli("connector", "add", "dc").stdout.strip())
        agent.set_policy(rig.rule("idp", rig.origin(inside_server["token_url"]) + "/**", networks=["10.77.2.0/24"]),
                         rig.rule("named", "http://idp.corp.example/**", networks=["10.77.2.0/24"])).start()
        for name, url in (("good", inside_server["token_url"]), ("named", "http://idp.corp.example/token")):
            profile = {"name": name, "type": "oauth2_password", "connector": "dc", "token_url": url, "budget_ms": 2000,
                       "auth_error_status": [403]}
            assert platform.cli("profile", "put", "-", stdin=json.dumps(profile)).returncode == 0
        waiting = [subprocess.Popen([*hosts.prefix("platform"), rig.BUILD / "connector-platform", "exchange", "named", "--set",
                                     "username=a", "--set", "password=b", "--json", "-c", platform.conf],
                                    stdout=subprocess.PIPE, text=True, env=rig.ENV) for _ in range(4)]
        spans = []
        while any(w.poll() is None for w in waiting) and len(spans) < 50:
            done = json.loads(platform.cli("exchange", "good", "--set", "username=a", "--set", "password=b", "--json").stdout)
            assert done["execution"] == "answered", done
            spans.append(done["timing_us"]["total"])
        for w in waiting:
            problem = json.loads(w.communicate(timeout=10)[0])
            assert problem["code"] == "budget_exceeded" and problem["execution"] == "not_sent", problem
            assert problem["stage"] == "resolve"
        assert spans and sorted(spans)[len(spans) // 2] < 500000
    finally:
        assert agent.stop() in (0, None)
        assert platform.stop() == 0
