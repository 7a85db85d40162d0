"""`execution` is exact: for each way in which an exchange can fail, what the caller is told, and what the endpoint saw.

`not_sent` only where no byte of the request can have left; tried once more by the agent only then; never a second
execution.
"""
import collections
import errno
import http.client
import json
import select
import signal
import socket
import ssl
import struct
import threading
import time

import conftest
import dns
import proxies
import pytest
import rig
from endpoint import Endpoint
from endpoint_tls import tls_context
from test_reload import hangup

RIGHT = {"username": "alice", "password": "right"}
BUDGET_MS = 30000  # where the budget is not what ends it
SHORT_MS = 1500    # where it is

Told = collections.namedtuple("Told", "status code stage execution retry")
NOT_SENT = {stage: Told(502, "endpoint_unreachable", stage, "not_sent", "yes") for stage in ("resolve", "proxy", "connect", "tls")}
LATE = {stage: Told(504, "budget_exceeded", stage, execution, "yes" if execution == "not_sent" else "no")
        for stage, execution in (("resolve", "not_sent"), ("proxy", "not_sent"), ("connect", "not_sent"), ("tls", "not_sent"),
                                 ("wait", "sent"), ("receive", "sent"))}


def lost(*stages):
    """The connection ended when bytes may have left."""
    return [Told(502, "endpoint_unreachable", stage, "sent", "no") for stage in stages]


class Wire:
    """A server that does to each connection what a test says: act(sock), in a thread. Counts connections and the octets
    that it read."""

    def __init__(self, act, tls=None):
        self.act, self.tls, self.connections, self.octets = act, tls, 0, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(sock,), daemon=True).start()

    def _one(self, sock):
        try:
            self.act(self, self.tls.wrap_socket(sock, server_side=True) if self.tls else sock)
        except (OSError, ssl.SSLError):
            pass
        finally:
            sock.close()

    def read(self, sock):
        """What comes next; b"" at the end."""
        data = sock.recv(65536)
        self.octets += data
        return data

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Way:
    """One set-up of agent and platform, used by all tests here; ask(url, rule's extra) sets the policy and exchanges."""

    def __init__(self, folder, pki):
        self.pki = pki
        self.dns = dns.Dns(folder) if dns.may_listen() else None
        self.platform = rig.Platform(folder / "platform").start()
        self.agent = rig.Agent(folder / "agent", prefix=self.dns.prefix() if self.dns else ())
        self.agent.enroll(self.platform.add_connector("dc"))
        self.agent.set_policy().start()

    def rule(self, url, extra="", networks=("127.0.0.0/8",)):
        origin = rig.origin(url)
        networks = f"networks = [{', '.join(f'{chr(34)}{n}{chr(34)}' for n in networks)}];" if networks else ""
        ca = f'ca = "{self.pki}/ca.pem";' if origin.startswith("https") else ""
        self.agent.set_policy(f'{{ name = "t"; url = "{origin}/**"; {networks} {ca} {extra} }}')
        hangup(self.agent.process)

    def exchange(self, url, budget_ms=BUDGET_MS, **profile):
        self.platform.put_profile("p", connector="dc", token_url=url, **profile)
        return self.platform.exchange("p", variables=RIGHT, budget_ms=budget_ms)

    def ask(self, url, extra="", budget_ms=BUDGET_MS, networks=("127.0.0.0/8",)):
        self.rule(url, extra, networks)
        return self.exchange(url, budget_ms)

    def stop(self):
        assert self.agent.stop() in (0, None)
        assert self.platform.stop() in (0, None)
        if self.dns:
            self.dns.close()


@pytest.fixture(scope="module")
def way(tmp_path_factory, pki):
    w = Way(tmp_path_factory.mktemp("execution"), pki)
    yield w
    w.stop()


@pytest.fixture
def server_tls(pki):
    def make(**how):
        return tls_context(pki / "server.pem", pki / "server.key", **how)
    return make


@pytest.fixture
def wire(opened):
    return lambda act, tls=None: opened(Wire(act, tls))


@pytest.fixture
def serve():
    """Endpoints, stopped at the test's end."""
    started = []

    def start(tls=None):
        started.append(Endpoint(tls=tls).start())
        return started[-1]
    yield start
    for endpoint in started:
        endpoint.stop()


def told(answer):
    p = answer.json
    return Told(answer.status, p.get("code"), p.get("stage"), p.get("execution"), p.get("safe_to_retry"))


# ---- before the request: not_sent, tried once more ----

@pytest.mark.parametrize("answers, budget_ms, want, asked", [
    (dns.NAME_ERROR, BUDGET_MS, NOT_SENT["resolve"], 2),
    (dns.SERVER_FAILURE, BUDGET_MS, NOT_SENT["resolve"], 2),
    (None, SHORT_MS, LATE["resolve"], None),  # glibc asks again by itself
], ids=["no-such-name", "server-failure", "silence"])
def test_a_name(way, answers, budget_ms, want, asked):
    if way.dns is None:
        pytest.skip("port 53 and a resolv.conf of one's own need root")
    name = f"idp-{len(way.dns.asked)}.test"
    way.dns.answers = answers
    if answers is None:
        way.dns.resolv_conf.write_text(way.dns.resolv_conf.read_text().replace("timeout:1", "timeout:30"))
    assert told(way.ask(f"http://{name}/token", budget_ms=budget_ms)) == want
    if asked is None:
        assert way.dns.count(name) >= 1
    else:
        assert way.dns.count(name) == asked


def test_a_port_where_nobody_listens(way):
    assert told(way.ask(f"http://127.0.0.1:{rig.free_port()}/token")) == NOT_SENT["connect"]


def test_a_listener_that_takes_no_connection(way):
    """Its queue is full: the kernel drops the SYN, as a firewall does."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        while len(waiting) < 64:
            one = socket.socket()
            one.setblocking(False)
            waiting.append(one)
            if one.connect_ex(full.getsockname()) == errno.EINPROGRESS and not is_writable(one):
                break
        answer = way.ask(f"http://127.0.0.1:{full.getsockname()[1]}/token", budget_ms=SHORT_MS)
        for one in waiting:
            one.close()
        full.setblocking(False)
        seen = []
        try:
            while True:
                sock, _ = full.accept()
                sock.settimeout(10)
                seen.append(sock.recv(100))
        except BlockingIOError:
            pass
    assert told(answer) == LATE["connect"]
    assert not any(seen), "no octet came by any connection"


def is_writable(sock):
    return bool(select.select([], [sock], [], 0.2)[1])


def test_an_address_that_the_policy_refuses(way, endpoint):
    answer = way.ask(endpoint.url("/token"), networks=("10.0.0.0/8",))
    assert told(answer) == Told(422, "policy_refused", "policy", "not_sent", "after_fix")
    assert not endpoint.journal.requests() and endpoint.accepted == 0


def refuse(status):
    def answer(sock, head):
        sock.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        return False
    return answer


def go_silent(sock, head):
    sock.recv(1)
    return False


def hang_up(sock, head):
    return False


@pytest.mark.parametrize("answer, budget_ms, want, asked", [
    (refuse(407), BUDGET_MS, NOT_SENT["proxy"], 2),
    (refuse(502), BUDGET_MS, NOT_SENT["proxy"], 2),
    (refuse(403), BUDGET_MS, NOT_SENT["proxy"], 2),
    (hang_up, BUDGET_MS, NOT_SENT["proxy"], 2),
    (go_silent, SHORT_MS, LATE["proxy"], 1),
], ids=["407", "502", "403", "hangs-up", "silence"])
def test_a_proxy(way, opened, serve, server_tls, answer, budget_ms, want, asked):
    endpoint, proxy = serve(server_tls()), opened(proxies.ByHand(answer))
    url = f"https://localhost:{endpoint.port}/token"
    assert told(way.ask(url, f'proxy = "{proxy.url}";', budget_ms, networks=())) == want
    assert len(proxy.heads) == asked and all(head.startswith("CONNECT ") for head in proxy.heads)
    assert not any("alice" in head or "right" in head for head in proxy.heads)
    assert endpoint.accepted == 0


def test_a_proxy_that_is_down(way, serve, server_tls):
    endpoint = serve(server_tls())
    url = f"https://localhost:{endpoint.port}/token"
    assert told(way.ask(url, f'proxy = "http://127.0.0.1:{rig.free_port()}";', networks=())) == NOT_SENT["proxy"]
    assert endpoint.accepted == 0


def close_at_hello(w, sock):
    w.read(sock)


def reset_at_hello(w, sock):
    w.read(sock)
    reset(sock)


def speak_no_tls(w, sock):
    w.read(sock)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def refuse_hello(w, sock):
    w.read(sock)
    sock.sendall(bytes([21, 3, 3, 0, 2, 2, 40]))  # RFC 8446, 6: alert, fatal, handshake_failure


def say_nothing(w, sock):
    while w.read(sock):
        pass


@pytest.mark.parametrize("act, budget_ms, want, connections", [
    (close_at_hello, BUDGET_MS, NOT_SENT["tls"], 2),
    (reset_at_hello, BUDGET_MS, NOT_SENT["tls"], 2),
    (speak_no_tls, BUDGET_MS, NOT_SENT["tls"], 2),
    (refuse_hello, BUDGET_MS, NOT_SENT["tls"], 2),
    (say_nothing, SHORT_MS, LATE["tls"], 1),
], ids=["closes", "resets", "speaks-no-tls", "alert", "silence"])
def test_a_handshake(way, wire, act, budget_ms, want, connections):
    w = wire(act)
    assert told(way.ask(w.origin.replace("http:", "https:") + "/token", budget_ms=budget_ms)) == want
    assert w.connections == connections
    assert b"alice" not in w.octets and b"right" not in w.octets


@pytest.mark.parametrize("version, want, connections", [
    (ssl.TLSVersion.TLSv1_2, NOT_SENT["tls"], 2),
    # the alert comes when the client has done with the handshake, and has written the request (RFC 8446, 4.4.2.4)
    (ssl.TLSVersion.TLSv1_3, Told(502, "endpoint_unreachable", "tls", "sent", "no"), 1),
], ids=["1.2", "1.3"])
def test_a_client_certificate_that_is_missing(way, serve, server_tls, pki, version, want, connections):
    endpoint = serve(server_tls(client_ca=pki / "ca.pem", version=version))
    assert told(way.ask(endpoint.url("/token"))) == want
    assert endpoint.accepted == connections and not endpoint.journal.requests()


def test_a_certificate_that_is_not_trusted(way, serve, pki):
    endpoint = serve(tls_context(pki / "self-signed.pem", pki / "self-signed.key"))
    assert told(way.ask(endpoint.url("/token"))) == NOT_SENT["tls"]
    assert endpoint.accepted == 2 and not endpoint.journal.requests()


# ---- from the request on: sent, once ----

def reset_unread(w, sock):
    reset(sock)


def reset_when_read(w, sock):
    w.read(sock)
    reset(sock)


def close_when_read(w, sock):
    w.read(sock)


def half_close(w, sock):
    """An end before the request; what comes is read all the same."""
    sock.shutdown(socket.SHUT_WR)
    while w.read(sock):
        pass


def cut_headers(w, sock):
    w.read(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/js")


def promise_more(w, sock):
    w.read(sock)
    sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"access_token":"t"')


UNREADABLE = [Told(502, "answer_unreadable", "receive", "sent", "no")]


@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("act, want, octets", [
    (reset_unread, lost("send", "wait") + [NOT_SENT["connect"]], None),  # where it has come before the request
    (reset_when_read, lost("send", "wait"), True),
    (close_when_read, lost("wait"), True),
    (half_close, lost("send", "wait"), None),
    (cut_headers, UNREADABLE + lost("receive"), True),
    (promise_more, UNREADABLE, True),
], ids=["reset-unread", "reset-when-read", "closed-when-read", "half-closed", "headers-cut", "body-cut"])
def test_a_connection_that_ends(way, wire, server_tls, act, want, octets, is_tls):
    w = wire(act, server_tls() if is_tls else None)
    answer = way.ask(w.origin + "/token")
    assert told(answer) in want, answer
    assert w.connections == 1 or act is reset_unread, "it was not tried again"
    assert w.octets.count(b"POST /token") <= 1
    if octets:
        assert w.octets.count(b"POST /token") == 1


@pytest.mark.parametrize("path, budget_ms, want", [
    ("/hang", SHORT_MS, LATE["wait"]),
    ("/stall", SHORT_MS, LATE["receive"]),
    ("/drip?ms=20", 2 * SHORT_MS, LATE["receive"]),
])
def test_an_answer_that_takes_too_long(way, endpoint, path, budget_ms, want):
    assert told(way.ask(endpoint.url(path), budget_ms=budget_ms)) == want
    assert endpoint.accepted == 1 and len(endpoint.journal.requests()) == 1


# ---- a connection that was kept ----

@pytest.mark.parametrize("is_proxied", [False, True], ids=["direct", "proxied"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
def test_a_kept_connection_that_ends_is_one_execution(way, serve, server_tls, opened, is_tls, is_proxied):
    """libcurl would send the request again by itself."""
    endpoint = serve(server_tls() if is_tls else None)
    url = endpoint.url("/close-after-read").replace("127.0.0.1", "localhost")
    if is_proxied and is_tls:
        way.rule(url, f'proxy = "{opened(proxies.ByHand()).url}";', networks=())
    elif is_proxied:  # of plain HTTP a proxy is asked as the server is
        way.rule(url, f'proxy = "http://127.0.0.1:{endpoint.port}";', networks=())
    else:
        way.rule(url)
    job = [{"place": "header", "key": "X-Job", "value": "{{job}}"}]
    way.platform.put_profile("p", connector="dc", token_url=url, fields=job)
    first = way.platform.exchange("p", variables=RIGHT, context={"job": "1"})
    assert first.status == 200, first
    second = way.platform.exchange("p", variables=RIGHT, context={"job": "2"})
    assert told(second) in lost("send", "wait"), second
    assert endpoint.count("/close-after-read", by="X-Job", value="2") == 1
    assert len(endpoint.journal.requests()) == 2, "the connection that libcurl opened for it carried nothing"


def test_a_refresh_takes_no_connection_that_was_idle_for_three_seconds(way, serve):
    """It may have died, and then the refresh would be of unknown outcome. What can be repeated takes it."""
    kept, left = serve(), serve()
    way.agent.set_policy(*(rig.rule(name, rig.origin(e.url()) + "/**") for name, e in (("kept", kept), ("left", left))))
    hangup(way.agent.process)
    for name, endpoint in (("kept", kept), ("left", left)):
        way.platform.put_profile(name, connector="dc", token_url=endpoint.url())
        assert way.platform.exchange(name, variables=RIGHT).status == 200
    token = way.platform.exchange("left", variables=RIGHT).json["token"]["refresh_token"]
    time.sleep(3.1)
    assert way.platform.exchange("kept", variables=RIGHT).status == 200
    fresh = way.platform.api("POST", "/v1/profiles/left/refresh", {"refresh_token": token}, key=way.platform.app_key)
    assert fresh.status == 200, fresh
    assert [r.connection for r in kept.journal.requests()] == [1, 1]
    assert [r.connection for r in left.journal.requests()] == [1, 1, 2]


# ---- an endpoint that stands still ----

@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
def test_an_endpoint_that_is_stopped(way, tmp_path, pki, is_tls):
    """SIGSTOP: the kernel takes the connection, nobody reads. When it goes on it sees what had left, and no more."""
    tls = ["--tls-cert", pki / "server.pem", "--tls-key", pki / "server.key"] if is_tls else []
    process, ready = conftest.ready_server([rig.ROOT / "tests/support/endpoint.py", "--port", "0", *tls], tmp_path)
    try:
        process.send_signal(signal.SIGSTOP)
        answer = way.ask(ready["token_url"], budget_ms=SHORT_MS)
        process.send_signal(signal.SIGCONT)
        assert told(answer) == LATE["tls" if is_tls else "wait"]
        counts = control(ready["url"], "/_counts" + ("" if is_tls else "?path=/token&wait=1"), pki)
        assert counts == ({} if is_tls else {"/token": 1})
    finally:
        conftest.stop_server(process)


def control(url, path, pki):
    host = url.split("://")[1]
    client = (http.client.HTTPSConnection(host, context=rig.tls_context(pki / "ca.pem")) if url.startswith("https")
              else http.client.HTTPConnection(host))
    client.request("GET", path)
    answer = json.loads(client.getresponse().read())
    client.close()
    return answer
