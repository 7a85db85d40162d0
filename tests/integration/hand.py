"""An agent that is played by hand, so that a test decides when a result comes; and callers that don't wait."""
import concurrent.futures
import json
import os
import socket

import peer
import pytest

RIGHT = {"username": "alice", "password": "right"}
URL = "https://idp.example/token"


class Hand:
    """One agent with one ledger, over as many tunnels as a test opens."""

    def __init__(self, platform, agent):
        self.platform, self.agent, self.ws = platform, agent, None
        self.instance, self.ledger = os.urandom(16), os.urandom(16)

    def join(self, **changes):
        """Connect (anew) and greet."""
        self.leave()
        folder = self.agent.folder
        context = peer.client_context(folder / "ca.pem", folder / "agent.pem", folder / "agent.key")
        _, self.ws = peer.connect(self.platform.tunnel_port, context)
        self.ws.send(peer.hello(**{"instance": self.instance, "ledger": self.ledger, **changes}))
        self.ws.receive(peer.WELCOME)
        return self

    def leave(self):
        if self.ws is not None:
            self.ws.close()
            self.ws = None

    def job(self):
        """The id of the next job."""
        return self.ws.receive(peer.JOB)[1]["id"]

    def report(self, job_id, **changes):
        """Send its result, and wait until it is acknowledged."""
        self.send_result(job_id, **changes)
        assert job_id in self.ws.receive(peer.ACK)[1]["ids"]

    def send_result(self, job_id, **changes):
        """The result alone."""
        body = {"id": job_id, "outcome": "issued", "code": "issued", "execution": "answered", "status": 200,
                "token": {"access_token": "tok", "token_type": "Bearer", "expires_in": 60}}
        body.update(changes)
        self.ws.send((peer.RESULT, body))

    def gets_no_job(self):
        """Whatever the platform had queued for this tunnel by now has come: it answers in order."""
        self.ws.send((250, {}))
        kind, body = self.ws.receive()
        assert kind == peer.ERROR and body["code"] == "unsupported", (kind, body)


def kill(platform):
    """kill -9, and start again."""
    platform.process.kill()
    platform.process = None
    return platform.start()


def hang_up(platform, headers=(), until=lambda: None, **body):
    """Ask for an exchange, call `until`, and hang up without an answer. What `until` gave, when the hang-up is noticed."""
    process, mark = platform.process, platform.process.mark()
    text = json.dumps({"variables": RIGHT, **body}).encode()
    head = [b"POST /v1/profiles/p/exchange HTTP/1.1", b"Host: x",
            b"Authorization: Bearer " + platform.app_key.encode(), b"Content-Type: application/json",
            b"Content-Length: %d" % len(text), *(f"{name}: {value}".encode() for name, value in dict(headers).items())]
    with socket.create_connection(("127.0.0.1", platform.api_port)) as caller:
        caller.sendall(b"\r\n".join(head) + b"\r\n\r\n" + text)
        given = until()
    if process.popen.poll() is None:
        process.wait("exchange.(abandoned|caller_gone)", since=mark)
    return given


def job_id_text(job_id):
    """An id as the API writes it."""
    h = job_id.hex()
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))


@pytest.fixture
def hand(platform, agent):
    platform.put_profile("p", connector="dc", token_url=URL)
    h = Hand(platform, agent)
    yield h.join()
    h.leave()


@pytest.fixture
def ask(platform):
    """Exchanges in the background: ask(key=..., profile=..., route=..., api_key=..., **body)."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        def run(key=None, profile="p", route="exchange", api_key=None, **body):
            body = {"variables": RIGHT, "budget_ms": 5000, **body}
            headers = {} if key is None else {"Idempotency-Key": key}
            return pool.submit(platform.api, "POST", f"/v1/profiles/{profile}/{route}", body,
                               api_key or platform.app_key, headers)
        yield run
