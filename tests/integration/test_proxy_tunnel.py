"""The tunnel through an HTTP proxy: with and without credentials, and each way in which it fails."""
import os
import re
import ssl
import statistics
import subprocess
import threading
import time

import pytest

import proxies
import rig

USER, PASSWORD = "agent-7", "pa$s%word"
LONG = "p" * 240


def through(agent, proxy, credentials=None):
    """Have the agent's tunnel go through that proxy."""
    lines = f'url = "{url_of(agent)}"; proxy = "{proxy}";'
    if credentials is not None:
        auth = agent.folder / "proxy.auth"
        auth.write_text(credentials + "\n")
        auth.chmod(0o600)
        lines += ' proxy_auth_file = "proxy.auth";'
    agent.conf.write_text(f"platform = {{ {lines} }};\n")
    return agent


def url_of(agent):
    return re.search(r'url = "([^"]+)"', agent.conf.read_text()).group(1)


def failed(agent, pattern):
    """Start, and wait for a failure that says so."""
    agent.start(wait=False)
    return agent.process.wait(rf"tunnel\.connect_failed.*{pattern}")


def test_the_tunnel_goes_through_a_proxy(platform, agent, kind, tmp_path, opened):
    proxy = opened(kind(tmp_path / "proxy"))
    through(agent, proxy.url).start()
    assert agent.status()["proxy"] == proxy.url
    assert proxy.url in agent.cli("status").stdout
    assert [a["state"] for a in platform.agents("dc")] == ["connected"]
    assert agent.stop() == 0
    proxy.close()  # squid writes its line when the tunnel has ended
    assert proxy.asked_for("localhost", platform.tunnel_port)


@pytest.mark.parametrize("password", [PASSWORD, LONG], ids=["short", "of 240 characters"])
def test_the_proxy_is_given_its_credentials(platform, agent, kind, tmp_path, opened, password):
    if kind is proxies.tinyproxy and password == PASSWORD:
        password = "plain-word"  # its configuration takes no other characters
    proxy = opened(kind(tmp_path / "proxy", USER, password))
    through(agent, proxy.url, f"{USER}:{password}").start()
    assert password not in "\n".join(agent.process.lines)


def test_wrong_credentials_are_named_as_such(platform, agent, kind, tmp_path, opened):
    proxy = opened(kind(tmp_path / "proxy", USER, "right"))
    status = "401" if kind is proxies.tinyproxy else "407"
    line = failed(through(agent, proxy.url, f"{USER}:wrong"),
                  f"the proxy does not accept the user and password .HTTP status {status}")
    assert proxy.url in line and "wrong" not in line


def test_missing_credentials_are_named_as_such(platform, agent, kind, tmp_path, opened):
    proxy = opened(kind(tmp_path / "proxy", USER, "right"))
    failed(through(agent, proxy.url), "asks for a user and a password: set proxy_auth_file .HTTP status 407")


def test_a_proxy_that_is_down_is_named(platform, agent):
    port = rig.free_port()
    line = failed(through(agent, f"http://127.0.0.1:{port}"), "no connection to the proxy: Connection refused")
    assert f"http://127.0.0.1:{port}" in line
    assert "http://127.0.0.1" in agent.status()["tunnels"][0]["trouble"]


def test_a_proxy_that_has_no_address_is_named(platform, agent):
    failed(through(agent, "http://proxy.invalid:3128"), "the proxy's name can't be resolved")


def say(data, go_on=False):
    def answer(sock, head):
        sock.sendall(data)
        return go_on
    return answer


def in_single_bytes(sock, head):
    for byte in b"HTTP/1.0 200 OK\r\nProxy-Agent: by hand\r\nContent-Length: 7\r\n\r\n":
        sock.sendall(bytes([byte]))
    return True


REFUSALS = [
    ("garbage", b"SSH-2.0-OpenSSH_9\r\n", "no HTTP proxy: its answer is not HTTP/1"),
    ("a silent end", b"", "closed the connection without a whole answer"),
    ("half a head", b"HTTP/1.1 200 OK\r\nX: ", "closed the connection without a whole answer"),
    ("an endless head", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 4000, "longer than 16384 bytes"),
    ("bytes of its own", b"HTTP/1.1 200 OK\r\n\r\nhello", "bytes of its own"),
    ("its own rules", b"HTTP/1.1 403 Not\x1b[31m today\r\n\r\n", r"not allow this destination .HTTP status 403 Not\?\[31m"),
    ("no way", b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "not reach the destination .HTTP status 503 Service"),
    ("a redirect", b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n", "refuses the connection .HTTP status 302 Found"),
]


@pytest.mark.parametrize("data, says", [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_what_a_proxy_refuses_with_is_said(platform, agent, opened, data, says):
    failed(through(agent, opened(proxies.ByHand(say(data))).url), says)


def test_a_proxy_that_says_nothing_is_given_up(platform, agent, opened):
    def hold(sock, head):
        sock.recv(1)
    failed(through(agent, opened(proxies.ByHand(hold)).url), "the proxy did not answer within 10 s")


def test_an_agent_that_waits_for_its_proxy_stops_at_once(platform, agent, opened):
    asked = threading.Event()

    def hold(sock, head):
        asked.set()
        sock.recv(1)
    through(agent, opened(proxies.ByHand(hold)).url).start(wait=False)
    assert asked.wait(rig.WAIT_S)
    began = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - began < 5, "it does not wait for the proxy's 10 s"


def test_each_address_of_the_proxy_is_tried(platform, agent, opened, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n::1 proxy.test\n127.0.0.1 proxy.test\n")
    agent.prefix = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts)
    for host in ("127.0.0.1", "::1"):  # one of them is not the first that is tried
        proxy = opened(proxies.ByHand(host=host))
        through(agent, f"http://proxy.test:{proxy.port}").start()
        assert len(proxy.heads) == 1
        assert agent.stop() == 0
    failed(through(agent, f"http://proxy.test:{rig.free_port()}"), "no connection to the proxy: Connection refused")


def test_an_answer_may_come_in_single_bytes(platform, agent, opened):
    proxy = opened(proxies.ByHand(in_single_bytes))
    through(agent, proxy.url, f"{USER}:{PASSWORD}").start()
    assert proxy.heads[0].startswith(f"CONNECT localhost:{platform.tunnel_port} HTTP/1.1\r\n"
                                     f"Host: localhost:{platform.tunnel_port}\r\n")
    assert proxy.credentials() == f"{USER}:{PASSWORD}"


def test_interim_answers_are_passed_over(platform, agent, opened):
    proxy = opened(proxies.ByHand(say(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", go_on=True)))
    through(agent, proxy.url).start()


def test_the_tunnel_is_made_anew_when_the_proxy_drops_it(platform, agent, opened):
    proxy = opened(proxies.ByHand())
    through(agent, proxy.url).start()
    descriptors = []
    for _ in range(6):
        mark = agent.process.mark()
        proxy.drop()
        agent.process.wait("tunnel.ready", since=mark)
        descriptors.append(len(os.listdir(f"/proc/{agent.process.pid}/fd")))
    assert len(proxy.heads) == 7
    assert descriptors[-1] <= descriptors[0], "no descriptor stays behind"


def test_a_proxy_may_have_an_ipv6_address(platform, agent, opened):
    proxy = opened(proxies.ByHand(host="::1"))
    through(agent, proxy.url).start()
    assert len(proxy.heads) == 1 and agent.status()["proxy"] == proxy.url


def test_jobs_run_through_the_proxy(platform, agent, endpoint, opened):
    proxy = opened(proxies.ByHand())
    through(agent, proxy.url)
    agent.conf.write_text(agent.conf.read_text() + "policy = ( " + rig.rule("t", endpoint.url("/token")) + " );\n")
    agent.start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))
    for _ in range(20):
        answer = platform.exchange("p", variables={"username": "alice", "password": "right"})
        assert answer.status == 200, answer
    assert len(proxy.heads) == 1, "the token endpoint is not asked through it"


def test_a_proxy_with_nagles_algorithm_does_not_slow_jobs_down(platform, agent, endpoint, tmp_path, opened):
    """Held back until a delayed acknowledgement comes, each would take 40 ms and more."""
    proxy = opened(proxies.tinyproxy(tmp_path / "proxy"))
    through(agent, proxy.url)
    agent.conf.write_text(agent.conf.read_text() + "policy = ( " + rig.rule("t", endpoint.url("/token")) + " );\n")
    agent.start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))
    took = []
    for _ in range(40):
        began = time.monotonic()
        assert platform.exchange("p", variables={"username": "alice", "password": "right"}).status == 200
        took.append(time.monotonic() - began)
    assert statistics.median(took) < 0.03, took


# --- what the environment says ---

def environment(**more):
    return {**rig.ENV, **more}


def test_the_environment_counts_only_where_the_file_says_so(platform, agent):
    dead = f"http://127.0.0.1:{rig.free_port()}"
    agent.start(env=environment(https_proxy=dead, HTTPS_PROXY=dead, http_proxy=dead))
    assert agent.status()["proxy"] is None


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_the_environments_proxy_is_used(platform, agent, opened, name):
    proxy = opened(proxies.ByHand())
    through(agent, "environment").start(env=environment(**{name: f"http://{USER}:p%40ss@127.0.0.1:{proxy.port}/"}))
    assert proxy.credentials() == f"{USER}:p@ss"
    assert agent.status()["proxy"] == proxy.url


@pytest.mark.parametrize("no_proxy, is_used", [("localhost", False), ("other.example", True), ("*", False), ("", True)])
def test_no_proxy_takes_hosts_out(platform, agent, opened, no_proxy, is_used):
    proxy = opened(proxies.ByHand())
    through(agent, "environment").start(env=environment(https_proxy=proxy.url, no_proxy=no_proxy))
    assert len(proxy.heads) == (1 if is_used else 0)


# --- a proxy that breaks TLS open ---

@pytest.fixture
def inspector(pki, opened):
    """Terminates TLS with a certificate of a CA of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.pem", pki / "server.key")
    return opened(proxies.ByHand(wrap=lambda sock: context.wrap_socket(sock, server_side=True)))


def issuer_of(pki):
    done = subprocess.run(["openssl", "x509", "-in", pki / "server.pem", "-noout", "-issuer", "-nameopt", "rfc2253"],
                          capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("issuer=")


def test_a_proxy_that_replaces_certificates_is_recognised(platform, agent, pki, inspector):
    line = failed(through(agent, inspector.url), "not by the platform's CA: something on the way replaces certificates")
    assert f"was issued by {issuer_of(pki)}," in line


# --- the configuration ---

@pytest.mark.parametrize("lines, says", [
    ('proxy = "proxy.example";', "must be http://HOST:PORT"),
    ('proxy = "http://proxy.example";', "the port is missing"),
    ('proxy = "https://proxy.example:3128";', "must begin with http://"),
    ('proxy = "http://u:hush-hush@proxy.example:3128";', "proxy_auth_file"),
    ('proxy_auth_file = "proxy.auth";', "is of no use without"),
    ('proxy = "http://proxy.example:3128"; proxy_auth_file = "missing.auth";', "missing.auth"),
    ('proxy = "http://proxy.example:3128"; proxy_auth_file = "open.auth";', "chmod 600"),
    ('proxy = "http://proxy.example:3128"; proxy_auth_file = "no-colon.auth";', "must be user:password"),
])
def test_check_names_a_wrong_proxy(agent, lines, says):
    for name, text, mode in (("open.auth", "u:hush-hush", 0o644), ("no-colon.auth", "hush-hush", 0o600)):
        (agent.folder / name).write_text(text)
        (agent.folder / name).chmod(mode)
    agent.conf.write_text(f'platform = {{ url = "{url_of(agent)}"; {lines} }};\n')
    done = agent.cli("check")
    assert done.returncode == 3
    assert says in done.stderr and "platform.proxy" in done.stderr and "hush" not in done.stderr, done.stderr
