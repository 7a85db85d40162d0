"""Names whose addresses change while the agent runs, and both families of addresses."""
import json
import os
import pathlib
import time

import pytest
import rig
from hosts import PLATFORM_IP, SERVER_IP, Hosts

PLATFORM, IDP = "platform.corp.example", "idp.corp.example"
MOVED_IP, PLATFORM_IP6, DEAD_IP6 = "10.77.1.3", "fd77:1::1", "fd77:1::dead"
SERVER_IP6, DEAD_SERVER_IP6 = "fd77:2::2", "fd77:2::dead"


class World:
    """The platform listens on [::], for both families; the agent asks a name server of its own."""

    def __init__(self, folder):
        self.hosts = Hosts()
        self.zone, self.programs = folder / "zone", []
        for host, other, ip in (("platform", "agent", f"{PLATFORM_IP6}/64"), ("platform", "agent", f"{MOVED_IP}/24"),
                                ("agent", "platform", "fd77:1::2/64"), ("agent", "server", "fd77:2::1/64"),
                                ("server", "agent", f"{SERVER_IP6}/64")):
            self.hosts.on(host, "ip", "addr", "add", ip, "dev", self.hosts.device(host, other), *(["nodad"] if ":" in ip else []))
        # a family that leads nowhere: nobody says that it does
        self.hosts.drop("platform", f"ip6 daddr {DEAD_IP6}")
        self.hosts.drop("server", f"ip6 daddr {DEAD_SERVER_IP6}")
        for host, other, ip in (("platform", "agent", DEAD_IP6), ("server", "agent", DEAD_SERVER_IP6)):
            self.hosts.on(host, "ip", "addr", "add", f"{ip}/64", "dev", self.hosts.device(host, other), "nodad")
        resolv = pathlib.Path("/etc/netns") / self.hosts.names["agent"] / "resolv.conf"
        resolv.parent.mkdir(parents=True, exist_ok=True)
        resolv.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:5\n")
        self.resolv = resolv
        self.names({PLATFORM: [PLATFORM_IP], IDP: [SERVER_IP]})
        server = rig.Process([rig.ROOT / "tests/support/name_server.py", self.zone], prefix=self.hosts.prefix("agent"))
        server.wait("ready")
        self.programs.append(server)
        self.platform = rig.Platform(folder / "platform", bind="[::]", public_host=PLATFORM, prefix=self.hosts.prefix("platform")).start()
        self.agent = rig.Agent(folder / "agent", prefix=self.hosts.prefix("agent"))
        self.agent.enroll(self.platform.cli("connector", "add", "dc").stdout.strip())
        self.agent.set_policy(rig.rule("idp", f"http://{IDP}:8000/**", networks=["10.77.2.0/24", "fd77:2::/64"]),
                              rig.rule("number", f"http://[{SERVER_IP6}]:8000/**", networks=["fd77:2::/64"]),
                              rig.rule("elsewhere", f"http://{IDP}:8001/**", networks=["fd78::/64"])).start()

    def names(self, zone):
        new = self.zone.with_suffix(".new")
        new.write_text(json.dumps(zone))
        os.replace(new, self.zone)

    def exchange(self, url, budget_ms=8000):
        profile = {"name": "p", "type": "oauth2_password", "connector": "dc", "token_url": url, "budget_ms": budget_ms}
        assert self.platform.cli("profile", "put", "-", stdin=json.dumps(profile)).returncode == 0
        done = self.platform.cli("exchange", "p", "--set", "username=alice", "--ask", "password", "--json", stdin="right\n")
        return json.loads(done.stdout)

    def endpoint(self, ip):
        """The token endpoint at this address, port 8000; its process."""
        program = rig.Process([rig.ROOT / "tests/support/endpoint.py", "--bind", ip, "--port", "8000", "--ready-file",
                               self.zone.parent / f"ready-{len(self.programs)}"], prefix=self.hosts.prefix("server"))
        ready = self.zone.parent / f"ready-{len(self.programs)}"
        self.programs.append(program)
        rig.wait_until(ready.exists, "the endpoint is ready")
        return program

    def close(self):
        assert self.agent.stop() in (0, None)
        assert self.platform.stop() in (0, None)
        for program in self.programs:
            program.kill()
        self.hosts.remove()
        self.resolv.unlink()
        self.resolv.parent.rmdir()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    w = World(tmp_path_factory.mktemp("names"))
    yield w
    w.close()


def restart(world):
    """The platform, so that the agent looks for it anew; the log line of its tunnel and the time from the start."""
    assert world.platform.stop() == 0
    at_agent = world.agent.process.mark()
    world.platform.start()
    began = time.monotonic()
    line = world.platform.process.wait("tunnel.up", timeout=40)
    world.agent.process.wait("tunnel.ready", at_agent)
    return line, time.monotonic() - began


def test_the_platforms_name_leads_elsewhere_after_a_reconnect(world):
    world.names({PLATFORM: [MOVED_IP], IDP: [SERVER_IP]})
    restart(world)
    assert world.agent.status()["tunnels"][0]["peer"].startswith(f"{MOVED_IP}:")


def test_a_tunnel_over_ipv6_by_name(world):
    world.names({PLATFORM: [PLATFORM_IP6], IDP: [SERVER_IP]})
    line, _ = restart(world)
    assert "[fd77:1::2]:" in line, line
    assert world.agent.status()["tunnels"][0]["peer"].startswith(f"[{PLATFORM_IP6}]:")


def test_a_family_that_leads_nowhere_costs_its_time_once(world):
    """The dead address comes first (RFC 6724), and no attempt waits for it for 10 s."""
    world.names({PLATFORM: [DEAD_IP6, PLATFORM_IP], IDP: [SERVER_IP]})
    line, took_s = restart(world)
    assert "peer=10.77.1.2:" in line, line  # an IPv4 address is told as one on the socket for both
    assert took_s < 9
    assert world.agent.status()["tunnels"][0]["peer"].startswith(f"{PLATFORM_IP}:")


def test_a_token_urls_name_leads_elsewhere(world):
    """Its old address is remembered, and refuses: the agent asks the name anew before it tries once more."""
    world.names({PLATFORM: [PLATFORM_IP], IDP: [SERVER_IP]})
    url = f"http://{IDP}:8000/token"
    old = world.endpoint(SERVER_IP)
    assert world.exchange(url)["outcome"] == "issued"
    old.kill()
    world.names({PLATFORM: [PLATFORM_IP], IDP: [SERVER_IP6]})
    new = world.endpoint(SERVER_IP6)
    done = world.exchange(url)
    assert done["outcome"] == "issued", done
    # a literal, and a name whose first family leads nowhere
    assert world.exchange(f"http://[{SERVER_IP6}]:8000/token")["outcome"] == "issued"
    new.kill()
    world.endpoint(SERVER_IP)
    world.names({PLATFORM: [PLATFORM_IP], IDP: [DEAD_SERVER_IP6, SERVER_IP]})
    done = world.exchange(url)
    assert done["outcome"] == "issued", done


def test_networks_of_a_rule_hold_for_ipv6(world):
    world.names({PLATFORM: [PLATFORM_IP], IDP: [SERVER_IP6]})
    done = world.exchange(f"http://{IDP}:8001/token")
    assert done["code"] == "policy_refused" and done["execution"] == "not_sent", done


def test_the_api_on_ipv6_loopback(tmp_path):
    port = rig.free_port()
    platform = rig.Platform(tmp_path / "p", more_api=[f"http://[::1]:{port}"]).start()
    try:
        assert rig.http_ask("::1", port, "GET", "/healthz").status == 200
    finally:
        assert platform.stop() == 0
