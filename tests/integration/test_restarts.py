"""SIGHUP and SIGTERM while callers ask without a pause: what is refused, what is not, and that nothing is cut."""
import pathlib
import signal
import socket
import subprocess

import pytest
import rig
from load import Load

HAND_OVER = rig.ROOT / "tests/support/hand_over.py"


def process_with(fds, argv):
    """A program that is given these sockets."""
    for fd in fds:
        fd.set_inheritable(True)
    prefix = [HAND_OVER, *(fd.fileno() for fd in fds), "--"]
    return rig.Process([*prefix, *argv], close_fds=False)


class HandedPlatform(rig.Platform):
    """Its sockets belong to somebody who starts it, and stay open when it ends."""

    def __init__(self, folder):
        super().__init__(folder, more_api=["unix:api.sock"])
        api_path = str(pathlib.Path(folder) / "api.sock")
        self.sockets = [socket.create_server(("127.0.0.1", self.tunnel_port), backlog=1024),
                        socket.create_server(("127.0.0.1", self.api_port), backlog=1024), socket.socket(socket.AF_UNIX)]
        self.sockets[2].bind(api_path)
        self.sockets[2].listen(64)

    def start(self):
        self.process = process_with(self.sockets, [rig.BUILD / "connector-platform", "serve", "-c", self.conf])
        self.process.wait("platform.started")
        if self.app_key is None:
            self.app_key = self.api("POST", "/v1/keys", {"name": "app", "role": "app"}).json["key"]
        return self


def join(platform, folder, endpoint, name="dc"):
    """An agent of the connector, running, that may reach the endpoint."""
    string = (platform.add_connector(name) if not platform.api("GET", "/v1/connectors").json["connectors"]
              else platform.api("POST", f"/v1/connectors/{name}/enrollments").json["string"])
    return rig.Agent(folder).enroll(string).set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**")).start()


def put_profile(platform, endpoint):
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))


@pytest.fixture
def ready(platform, tmp_path, endpoint):
    agent = join(platform, tmp_path / "agent", endpoint)
    put_profile(platform, endpoint)
    yield platform, agent
    assert agent.stop() in (0, None)


def new_certificate(platform):
    """In place of the server's, from the same CA."""
    key, request, cert = (platform.folder / name for name in ("platform.key", "new.csr", "new.pem"))
    rig.run("openssl", "req", "-new", "-key", key, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", request)
    done = rig.run("openssl", "x509", "-req", "-in", request, "-CA", platform.folder / "ca.pem", "-CAkey", platform.folder / "ca.key",
                   "-copy_extensions", "copy", "-days", "30", "-out", cert)
    assert done.returncode == 0, done.stderr
    (platform.folder / "platform.pem").write_text(cert.read_text() + (platform.folder / "ca.pem").read_text())


def hangup(process, expect):
    since = process.mark()
    process.signal(signal.SIGHUP)
    process.wait(expect, since)


def test_twenty_reloads_of_both_fail_no_exchange(ready, endpoint):
    platform, agent = ready
    rule = rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**")
    other = rig.rule("other", "https://other.example/**")
    with Load(platform, "p") as load:
        load.more()
        for i in range(20):
            agent.set_policy(*((rule, other) if i % 2 else (other, rule)))
            hangup(agent.process, "agent.reloaded")
            if i % 5 == 0:
                new_certificate(platform)
            hangup(platform.process, "certificate.loaded")
            load.more(5)
    assert load.failed == []
    assert agent.process.count("tunnel.ready") == 1


def test_a_stopping_platform_cuts_nobody_off_and_one_more_try_succeeds(ready):
    """Refused are callers before anything was begun, and they can tell."""
    platform, agent = ready
    with Load(platform, "p") as load:
        load.more()
        for _ in range(3):
            since = agent.process.mark()
            assert platform.stop() == 0
            platform.start()
            agent.process.wait("tunnel.ready", since)
            failed = len(load.failed)
            load.more(20)
            assert len(load.failed) - failed <= len(load.callers), "once it is up, nobody fails twice"
    assert load.failed and all(f.is_provably_not_begun for f in load.failed), load.failed
    refused = [f for f in load.failed if f.error is None]
    assert all(f.answer == 503 and f.problem["retry_after_ms"] == 1000 for f in refused), refused


def test_a_platform_with_sockets_handed_over_restarts_without_a_failed_exchange(tmp_path, endpoint):
    platform = HandedPlatform(tmp_path / "platform").start()
    agent = join(platform, tmp_path / "agent", endpoint)
    put_profile(platform, endpoint)
    try:
        with Load(platform, "p") as load:
            load.more()
            for _ in range(3):
                assert platform.stop() == 0
                platform.start()
                load.more(20)
        assert load.failed == []
        assert (platform.folder / "api.sock").exists(), "the socket is not ours to remove"
        by_path = subprocess.run(["curl", "-sS", "--unix-socket", platform.folder / "api.sock", "http://x/healthz"],
                                 capture_output=True, text=True)
        assert by_path.returncode == 0, by_path.stderr
    finally:
        assert agent.stop() == 0
        assert platform.stop() == 0


def test_a_handed_over_socket_that_no_setting_names_is_told_of(tmp_path):
    """Or nobody would know why callers that it lets in are never answered."""
    platform = HandedPlatform(tmp_path / "platform")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as stray:
        platform.sockets.append(stray)
        platform.start()
        try:
            line = platform.process.wait("listen.unused")
            assert f"[::1]:{stray.getsockname()[1]}" in line and "ListenStream" in line
            assert platform.process.count("listen.unused") == 1, "the others are in use"
        finally:
            assert platform.stop() == 0


def test_agents_that_restart_one_after_the_other_fail_no_exchange(platform, tmp_path, endpoint):
    agents = [join(platform, tmp_path / name, endpoint) for name in ("one", "two")]
    put_profile(platform, endpoint)
    try:
        with Load(platform, "p") as load:
            load.more()
            for agent in agents * 2:
                assert agent.stop() == 0
                load.more(10)
                agent.start()
                load.more(10)
        assert load.failed == []
    finally:
        for agent in agents:
            assert agent.stop() in (0, None)


def test_the_only_agent_restarts_without_a_failed_exchange(ready):
    platform, agent = ready
    with Load(platform, "p") as load:
        load.more()
        for _ in range(3):
            assert agent.stop() == 0
            agent.start()
            load.more(10)
    assert load.failed == []
