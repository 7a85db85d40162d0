"""A job's budget and its cancelling as the agent keeps them, against a platform that is played by hand."""
import re
import threading

import peer
import pytest
import rig
from endpoint import Endpoint
from endpoint_tls import tls_context
from test_execution import Wire
from test_reload import hangup


class Played:
    """An agent and the tunnel to it; its platform has enrolled it and is gone."""

    def __init__(self, folder):
        platform = rig.Platform(folder / "platform").start()
        self.agent = rig.Agent(folder / "agent").enroll(platform.add_connector("dc"))
        platform.stop()
        self.fake = peer.FakePlatform(platform)
        self.agent.set_policy().start(wait=False)
        self.ws, _ = self.fake.greet()

    def allow(self, *urls, ca=None):
        self.agent.set_policy(*(rig.rule(f"r{i}", rig.origin(url) + "/**", ca=ca) for i, url in enumerate(urls)))
        hangup(self.agent.process)

    def send(self, *messages):
        self.ws.send(*messages)

    def result(self):
        _, body = self.ws.receive(peer.RESULT)
        self.ws.send((peer.ACK, {"ids": [body["id"]]}))
        return body

    def results(self, n):
        """Of n jobs, each exactly one."""
        found = [self.result() for _ in range(n)]
        assert len({body["id"] for body in found}) == n
        return found

    def stop(self):
        self.ws.close()
        self.fake.close()
        assert self.agent.stop() in (0, None)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    p = Played(tmp_path_factory.mktemp("budget"))
    yield p
    p.stop()


class Handshakes:
    """What comes to a TLS port whose handshakes a test ends, one after the other: let_go(i) closes the i-th."""

    def __init__(self):
        self.begun, self.may_end, self._let_go = threading.Semaphore(0), {}, set()
        self._changed = threading.Condition()
        self.wire = Wire(self._act)
        self.url = self.wire.origin.replace("http:", "https:") + "/token"

    def _act(self, wire, sock):
        number = wire.connections
        wire.read(sock)
        self.begun.release()
        with self._changed:
            self._changed.wait_for(lambda: number in self._let_go, 60)

    def wait(self):
        assert self.begun.acquire(timeout=30)

    def let_go(self, number):
        with self._changed:
            self._let_go.add(number)
            self._changed.notify_all()

    def close(self):
        self.let_go(1)
        self.let_go(2)
        self.wire.close()


@pytest.fixture
def handshakes(opened):
    return opened(Handshakes())


def said(body):
    return body["outcome"], body["code"], body["execution"], body.get("error", {}).get("stage")


def test_what_is_cancelled_before_its_request_is_not_sent(played, handshakes):
    played.allow(handshakes.url)
    job = peer.job(handshakes.url, budget_ms=60000)
    played.send(job)
    handshakes.wait()
    played.send((peer.CANCEL, {"id": job[1]["id"]}))
    assert said(played.result()) == ("cancelled", "cancelled", "not_sent", "tls")
    assert handshakes.wire.connections == 1 and b"alice" not in handshakes.wire.octets


def test_what_is_cancelled_in_its_second_attempt_is_not_sent_either(played, handshakes):
    played.allow(handshakes.url)
    job = peer.job(handshakes.url, budget_ms=60000)
    played.send(job)
    handshakes.wait()
    handshakes.let_go(1)
    handshakes.wait()
    played.send((peer.CANCEL, {"id": job[1]["id"]}))
    assert said(played.result()) == ("cancelled", "cancelled", "not_sent", "tls")
    assert handshakes.wire.connections == 2


def test_what_is_cancelled_after_its_request_runs_to_its_end(played, endpoint):
    played.allow(endpoint.url("/"))
    job = peer.job(endpoint.url("/hang"), budget_ms=1500)
    played.send(job)
    assert endpoint.journal.wait_for("/hang", 1)
    played.send((peer.CANCEL, {"id": job[1]["id"]}))
    assert said(played.result()) == ("failed", "budget_exceeded", "sent", "wait")


def test_a_second_attempt_has_what_is_left_of_the_budget(played, handshakes):
    played.allow(handshakes.url)
    played.send(peer.job(handshakes.url, budget_ms=4000))
    handshakes.wait()
    timer = threading.Timer(1, handshakes.let_go, [1])
    timer.start()
    body = played.result()
    timer.join()
    assert said(body) == ("failed", "budget_exceeded", "not_sent", "tls")
    left_ms = int(re.search(r"budget of (\d+) ms", body["error"]["message"]).group(1))
    assert left_ms <= 3000, "the first attempt took a second of it"
    assert handshakes.wire.connections == 2


def test_there_is_no_second_attempt_when_half_of_the_budget_is_spent(played, handshakes):
    played.allow(handshakes.url)
    played.send(peer.job(handshakes.url, budget_ms=4000))
    handshakes.wait()
    timer = threading.Timer(2.2, handshakes.let_go, [1])
    timer.start()
    body = played.result()
    timer.join()
    assert said(body) in (("failed", "endpoint_unreachable", "not_sent", "tls"),
                          ("failed", "budget_exceeded", "not_sent", "tls"))  # on a machine that is slow
    assert handshakes.wire.connections == 1


@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("ends_by", ["budget", "cancel"])
def test_what_ends_at_any_moment_is_never_called_not_sent_when_it_left(played, pki, is_tls, ends_by):
    """A budget of some milliseconds, or a cancel right behind: whatever the race between the two ends up as, a request
    that the endpoint saw was sent, and nothing was sent twice."""
    tls = tls_context(pki / "server.pem", pki / "server.key") if is_tls else None
    with Endpoint(tls=tls) as endpoint:
        played.allow(endpoint.url("/"), ca=pki / "ca.pem" if is_tls else None)
        jobs = {}
        for i in range(120):
            budget_ms = 1 + i % 12 if ends_by == "budget" else 30000
            kind, body = peer.job(endpoint.url("/token?delay_ms=3"), fields=[["header", "X-Job", str(i)]], budget_ms=budget_ms)
            jobs[body["id"]] = str(i)
            cancel = [(peer.CANCEL, {"id": body["id"]})] if ends_by == "cancel" else []
            if i % 2:
                played.send((kind, body), *cancel)
            else:  # in a WebSocket message of its own
                played.send((kind, body))
                for message in cancel:
                    played.send(message)
        results = played.results(len(jobs))
        played.send(peer.job(endpoint.url("/form-answer")))
        played.result()  # whatever had left before it has come
        seen = endpoint.journal.counts("X-Job").get("/token", {})
        assert set(seen.values()) <= {1}, "nothing was sent twice"
        for body in results:
            count = seen.get(jobs[body["id"]], 0)
            assert not (body["execution"] == "not_sent" and count), body
            assert body["execution"] != "answered" or count == 1, body
            assert body["code"] in ("issued", "budget_exceeded", "cancelled"), body
