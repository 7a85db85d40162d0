"""A peer that dies without a word: each end knows within two heartbeats, and what can come back does."""
import contextlib
import os
import re
import signal
import threading
import time

import peer
import pytest
import rig
from hosts import AGENT_IP, PLATFORM_IP, Hosts

HEARTBEAT_S = 1
WITHIN_S = 2 * HEARTBEAT_S + 5  # a busy machine's own delays; by default it would be 20 s
SILENT = "tunnel.closed .*(nothing was heard|taken nothing)"
CLOSED = "tunnel.closed "


class Pair:
    """Both real ends, each on a host of its own, with the shortest heartbeat."""

    def __init__(self, hosts, folder):
        self.hosts = hosts
        self.platform = rig.Platform(folder / "platform", bind=PLATFORM_IP, public_host=PLATFORM_IP, prefix=hosts.prefix("platform"),
                                     extra=f"limits = {{ heartbeat_ms = {HEARTBEAT_S * 1000}; }};").start()
        self.agent = rig.Agent(folder / "agent", prefix=hosts.prefix("agent"))
        self.agent.enroll(self.platform.cli("connector", "add", "dc").stdout.strip()).start()

    def marks(self):
        return self.platform.process.mark(), self.agent.process.mark()

    def port(self):
        """The agent's end of the tunnel that is up. The platform may log it a moment after the agent has it."""
        ready = [line for line in self.agent.process.lines if "tunnel.ready" in line][-1]
        session = re.search(r"session=(\S+)", ready).group(1)
        return re.search(r"peer=\S+:(\d+)", self.platform.process.wait(f"tunnel.up .*session={session}")).group(1)

    def stop(self):
        assert self.agent.stop() == 0
        assert self.platform.stop() == 0


@pytest.fixture(scope="module")
def hosts():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    h = Hosts()
    yield h
    h.remove()


@pytest.fixture(scope="module")
def pair(hosts, tmp_path_factory):
    p = Pair(hosts, tmp_path_factory.mktemp("silence"))
    yield p
    p.stop()


@contextlib.contextmanager
def noticed(pair, platform_sees=SILENT, agent_sees=SILENT):
    """What happens inside is seen by both in time; None: it can't be."""
    at_platform, at_agent = pair.marks()
    began = time.monotonic()
    yield
    if platform_sees:
        pair.platform.process.wait(platform_sees, at_platform)
        assert time.monotonic() - began < WITHIN_S, "the platform noticed too late"
    if agent_sees:
        pair.agent.process.wait(agent_sees, at_agent)
        assert time.monotonic() - began < WITHIN_S, "the agent noticed too late"


def back(pair, since):
    pair.agent.process.wait("tunnel.ready", since, timeout=40)


def test_a_frozen_platform(pair):
    since = pair.agent.process.mark()
    try:
        with noticed(pair, platform_sees=None):
            pair.platform.process.signal(signal.SIGSTOP)
    finally:
        pair.platform.process.signal(signal.SIGCONT)
    back(pair, since)


def test_a_frozen_agent(pair):
    """And when it goes on, it knows at once."""
    since = pair.agent.process.mark()
    try:
        with noticed(pair, agent_sees=None):
            pair.agent.process.signal(signal.SIGSTOP)
    finally:
        began = time.monotonic()
        pair.agent.process.signal(signal.SIGCONT)
    pair.agent.process.wait(CLOSED, since)
    assert time.monotonic() - began < HEARTBEAT_S + 5
    back(pair, since)


def test_the_way_to_the_platform_is_cut(pair):
    """It still reaches the agent, and closes the connection there."""
    since = pair.agent.process.mark()
    try:
        with noticed(pair, agent_sees=CLOSED):
            pair.hosts.drop("platform", f"ip saddr {AGENT_IP}")
    finally:
        pair.hosts.heal("platform")
    back(pair, since)


def test_the_way_to_the_agent_is_cut(pair):
    since = pair.agent.process.mark()
    try:
        with noticed(pair, platform_sees=CLOSED):
            pair.hosts.drop("agent", f"ip saddr {PLATFORM_IP}")
    finally:
        pair.hosts.heal("agent")
    back(pair, since)


def test_a_nat_that_forgets_the_flow(pair):
    """New connections pass: the agent is back while the old one is still dropped."""
    since, port = pair.agent.process.mark(), pair.port()
    try:
        with noticed(pair):
            pair.hosts.drop("platform", f"tcp sport {port}")
            pair.hosts.drop("agent", f"tcp dport {port}")
        back(pair, since)
    finally:
        pair.hosts.heal("platform")
        pair.hosts.heal("agent")
    assert pair.port() != port


def test_the_other_machine_is_gone(pair):
    since = pair.agent.process.mark()
    device = pair.hosts.device("platform", "agent")
    try:
        with noticed(pair):
            pair.hosts.on("platform", "ip", "link", "set", device, "down")
    finally:
        pair.hosts.on("platform", "ip", "link", "set", device, "up")
    back(pair, since)


def test_a_platform_that_talks_but_reads_nothing(platform, agent, endpoint):
    """Results pile up, messages come: half of the tunnel is dead, and the agent gives up all of it."""
    agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**"))
    platform.stop()
    fake = peer.FakePlatform(platform)
    done = threading.Event()
    try:
        agent.start(wait=False)
        ws, _ = fake.greet(heartbeat_ms=HEARTBEAT_S * 1000)
        for _ in range(4):
            ws.send(*(peer.job(endpoint.url("/big?bytes=100000")) for _ in range(40)))
        since = agent.process.mark()

        def talk():
            with contextlib.suppress(OSError):
                while not done.wait(0.2):
                    ws.send((peer.ACK, {"ids": [os.urandom(16)]}))
        threading.Thread(target=talk, daemon=True).start()
        agent.process.wait("tunnel.closed .*taken nothing for two heartbeats", since)
    finally:
        done.set()
        fake.close()
