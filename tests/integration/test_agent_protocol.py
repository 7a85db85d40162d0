"""The agent's end of the protocol, against a platform that is played by hand."""
import os
import signal

import msgpack
import peer
import pytest
import rig


@pytest.fixture
def played(platform, agent, endpoint):
    """The real platform has enrolled the agent and is gone; a test plays it from here on."""
    platform.stop()
    fake = peer.FakePlatform(platform)
    agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**"),
                     rig.rule("hidden", "https://hidden.example/**", extra='share = "none";'),
                     rig.rule("named", "https://named.example/**", extra='share = "name";'))
    agent.start(wait=False)
    yield fake
    fake.close()


def test_hello_says_what_the_platform_needs(played, agent):
    ws, hello = played.greet()
    assert hello["tunnel"] == 0 and hello["capacity"] == 1024 and hello["known"] == []
    assert len(hello["instance"]) == len(hello["ledger"]) == 16 and hello["ledger"] != hello["instance"]
    assert "permessage-deflate" not in ws.head
    rules = hello["policy"]["rules"]
    assert [r["name"] for r in rules] == ["endpoint", "named"]
    assert rules[0]["methods"] == ["POST"] and "url" not in rules[1]
    agent.process.wait("tunnel.ready")


def test_several_jobs_in_one_message_each_get_one_result(played, endpoint):
    ws, _ = played.greet()
    jobs = [peer.job(endpoint.url("/token")) for _ in range(20)]
    ws.send(*jobs)
    results = {}
    while len(results) < 20:
        _, body = ws.receive(peer.RESULT)
        assert body["id"] not in results
        results[body["id"]] = body
    assert set(results) == {body["id"] for _, body in jobs}
    assert all(r["outcome"] == "issued" and r["execution"] == "answered" for r in results.values())
    assert endpoint.count("/token") == 20


def test_a_tests_token_stays_where_it_is_and_its_trace_comes(played, endpoint):
    ws, _ = played.greet()
    ws.send(peer.job(endpoint.url("/token"), purpose="test", trace=True), peer.job(endpoint.url("/token")))
    results = [ws.receive(peer.RESULT)[1] for _ in range(2)]
    tested = next(r for r in results if "trace" in r)
    plain = next(r for r in results if "trace" not in r)
    assert plain["token"]["access_token"].startswith("at-")
    assert tested["outcome"] == "issued" and tested["token"]["access_token"] == tested["token"]["refresh_token"] == "MASKED"
    assert [row["hop"] for row in tested["trace"]] == ["template", "policy", "resolve", "connect", "request", "answer", "verdict"]
    assert all(set(row) <= {"hop", "us", "text", "detail"} for row in tested["trace"])


def test_a_trace_tells_of_a_rule_no_more_than_it_shares(played, endpoint):
    ws, _ = played.greet()
    for host, text in (("hidden", "a rule allows it"), ("named", 'rule "named"')):
        ws.send(peer.job(f"https://{host}.example/t", trace=True, budget_ms=3000))
        result = ws.receive(peer.RESULT)[1]
        assert next(row for row in result["trace"] if row["hop"] == "policy")["text"] == text
        assert "agent.conf" not in str(result)


def test_a_job_id_is_run_once_whatever_happens(played, endpoint):
    ws, _ = played.greet()
    message = peer.job(endpoint.url("/token"))
    ws.send(message, message)
    _, first = ws.receive(peer.RESULT)
    ws.send(message)
    _, again = ws.receive(peer.RESULT)
    assert again["id"] == first["id"] and again["token"] == first["token"]
    ws.send((peer.ACK, {"ids": [first["id"]]}))
    other = peer.job(endpoint.url("/token"))
    ws.send(message, other)  # acknowledged: ignored
    _, body = ws.receive(peer.RESULT)
    assert body["id"] == other[1]["id"]
    assert endpoint.count("/token") == 2


def test_unacknowledged_results_are_sent_again_after_a_reconnect(played, endpoint):
    ws, hello = played.greet()
    message = peer.job(endpoint.url("/token"))
    ws.send(message)
    _, first = ws.receive(peer.RESULT)
    ws.close()
    ws, again = played.greet()
    assert again["instance"] == hello["instance"] and again["tunnel"] == 0
    assert again["known"] == [message[1]["id"]]
    _, second = ws.receive(peer.RESULT)
    assert second["token"] == first["token"] and second["age_ms"] >= 0
    ws.send((peer.ACK, {"ids": [message[1]["id"]]}))
    ws.send(peer.job(endpoint.url("/token")))
    ws.receive(peer.RESULT)
    ws.close()
    _, third = played.greet()
    assert message[1]["id"] not in third["known"]
    assert endpoint.count("/token") == 2


def test_a_job_that_runs_while_the_tunnel_is_lost_is_reported_later(played, endpoint):
    ws, _ = played.greet()
    message = peer.job(endpoint.url("/token?delay_ms=500"))
    ws.send(message)
    endpoint.journal.wait_for("/token", 1)
    ws.close()
    ws, hello = played.greet()
    assert hello["known"] == [message[1]["id"]]
    _, body = ws.receive(peer.RESULT)
    assert body["outcome"] == "issued" and endpoint.count("/token") == 1


def test_a_result_that_could_not_be_stored_comes_once_more_and_short(played, endpoint):
    ws, _ = played.greet()
    message = peer.job(endpoint.url("/token"))
    ws.send(message)
    _, first = ws.receive(peer.RESULT)
    assert "timing_us" in first
    error = (peer.ERROR, {"code": "not_stored", "message": "no", "id": first["id"]})
    ws.send(error)
    _, short = ws.receive(peer.RESULT)
    assert set(short) <= {"id", "outcome", "code", "execution", "status", "token"}
    assert short["token"]["access_token"] == first["token"]["access_token"]
    ws.send(error, peer.job(endpoint.url("/token")))  # not a third time
    _, body = ws.receive(peer.RESULT)
    assert body["id"] != first["id"]


def test_cancel_ends_what_has_not_begun_and_lets_the_rest_finish(played, endpoint):
    ws, _ = played.greet()
    running = peer.job(endpoint.url("/token?delay_ms=400"))
    ws.send(running)
    endpoint.journal.wait_for("/token", 1)
    ws.send((peer.CANCEL, {"id": running[1]["id"]}), (peer.CANCEL, {"id": os.urandom(16)}))
    _, body = ws.receive(peer.RESULT)
    assert body["outcome"] == "issued"
    early = peer.job(endpoint.url("/token"))
    ws.send(early, (peer.CANCEL, {"id": early[1]["id"]}))
    _, body = ws.receive(peer.RESULT)
    assert body["id"] == early[1]["id"]
    assert (body["outcome"], body["execution"]) == ("cancelled", "not_sent")
    assert endpoint.count("/token") == 1


def test_the_agent_takes_no_more_than_its_capacity(played, agent, endpoint, platform):
    agent.stop()
    agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**"), extra="limits = { jobs = 2; };")
    agent.start(wait=False)
    ws, hello = played.greet()
    assert hello["capacity"] == 2
    ws.send(*[peer.job(endpoint.url("/hang"), budget_ms=2000) for _ in range(3)])
    _, body = ws.receive(peer.RESULT)
    assert (body["outcome"], body["code"], body["execution"]) == ("failed", "agent_unavailable", "not_sent")
    assert body["error"]["stage"] == "agent"


def test_an_unknown_word_in_a_job_is_its_own_failure(played, endpoint):
    ws, _ = played.greet()
    message = peer.job(endpoint.url("/token"))
    message[1]["request"]["encoding"] = "morse"
    ws.send(message)
    _, body = ws.receive(peer.RESULT)
    assert (body["outcome"], body["execution"], body["error"]["stage"]) == ("failed", "not_sent", "agent")
    assert endpoint.count("/token") == 0


def test_an_unknown_type_is_answered_and_the_tunnel_stays(played, endpoint):
    ws, _ = played.greet()
    ws.send((99, {}))
    _, body = ws.receive(peer.ERROR)
    assert body["code"] == "unsupported"
    ws.send(peer.job(endpoint.url("/token")))
    assert ws.receive(peer.RESULT)[1]["outcome"] == "issued"


GARBAGE = {
    "no msgpack": b"\xc1",
    "a map that declares 4 billion entries": b"\x92\x03\xdf\xff\xff\xff\xff",
    "an array that declares 256 million": b"\xdd\x0f\xff\xff\xff",
    "not an array of two": msgpack.packb([3]),
    "a key twice": b"\x92\x05\x82\xa3ids\x90\xa3ids\x90",
    "text that is not UTF-8": b"\x92\x07\x82\xa6reason\xa1\xff\xa8grace_ms\x01",
    "a missing key": msgpack.packb([peer.CANCEL, {}]),
    "a wrong type": msgpack.packb([peer.CANCEL, {"id": "text"}]),
    "nested too deep": msgpack.packb([peer.ACK, {"ids": [[[[[[[[]]]]]]]]}]),
    "a second welcome": msgpack.packb(list(peer.welcome())),
    "a message that only agents send": msgpack.packb(list(peer.hello())),
    "cut short": msgpack.packb([peer.CANCEL, {"id": b"x" * 16}])[:-3],
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_answered_and_closed_with_4400(played, agent, what):
    ws, _ = played.greet()
    ws.frame(2, GARBAGE[what])
    kind, body = ws.receive()
    assert kind == peer.ERROR and body["code"] == "protocol"
    assert ws.closed() == 4400
    agent.process.wait("tunnel.protocol_error")
    assert agent.process.count("tunnel.protocol_error") == 1


def test_a_text_frame_is_a_protocol_error(played):
    ws, _ = played.greet()
    ws.frame(1, b"hello")
    assert ws.closed() == 4400


def test_a_message_over_the_limit_is_closed_with_1009(played):
    ws, _ = played.greet()
    ws.frame(2, b"\x00" * 600000, fin=False)
    try:
        ws.frame(0, b"\x00" * 600000)
    except OSError:
        pass
    assert ws.closed() == 1009


def test_a_message_before_the_welcome_is_a_protocol_error(played):
    ws = played.accept()
    ws.receive(peer.HELLO)
    ws.send((peer.ACK, {"ids": []}))
    assert ws.closed() == 4400


def test_no_welcome_in_time_is_closed_with_4408(played):
    ws = played.accept()
    assert ws.closed() == 4408


def test_a_silent_platform_is_noticed_within_two_heartbeats(played, agent):
    ws, _ = played.greet(heartbeat_ms=1000)
    agent.process.wait("tunnel.ready")
    mark = agent.process.mark()  # from here on nothing is read or answered
    agent.process.wait("tunnel.closed", since=mark, timeout=6)
    ws.close()


@pytest.mark.parametrize("code, words", [(4401, "enrol it again"), (4426, "version"), (4409, "same key")])
def test_a_refusal_is_told_and_sighup_ends_the_wait(played, agent, code, words):
    ws = played.accept()
    ws.receive(peer.HELLO)
    ws.frame(8, code.to_bytes(2, "big") + b"because")
    ws.closed()
    line = agent.process.wait(f"tunnel.closed.*code={code}")
    assert words in line
    status = agent.status()
    assert status["state"] in ("refused", "replaced")
    assert words in status["tunnels"][0]["trouble"]
    agent.process.signal(signal.SIGHUP)
    ws, _ = played.greet()
    agent.process.wait("tunnel.ready")


def test_a_drained_tunnel_is_replaced_by_a_second_and_closed_when_empty(played, agent, endpoint):
    first, hello = played.greet()
    slow = peer.job(endpoint.url("/token?delay_ms=2500"))
    first.send(slow)
    endpoint.journal.wait_for("/token", 1)
    first.send((peer.DRAIN, {"reason": "restart", "grace_ms": 30000}))
    second, again = played.greet()
    assert again["tunnel"] == 1 and again["instance"] == hello["instance"]
    assert again["known"] == [slow[1]["id"]] and again["capacity"] == hello["capacity"]
    late = peer.job(endpoint.url("/token"))
    first.send(late)
    _, body = first.receive(peer.RESULT)
    assert body["id"] == late[1]["id"] and body["error"]["stage"] == "agent", "a draining tunnel takes no jobs"
    _, body = first.receive(peer.RESULT)
    assert body["id"] == slow[1]["id"] and body["outcome"] == "issued"
    first.send((peer.ACK, {"ids": [slow[1]["id"]]}))
    assert first.closed() == 1000
    second.send(peer.job(endpoint.url("/token")))
    assert second.receive(peer.RESULT)[1]["outcome"] == "issued"


def test_sigterm_drains(played, agent, endpoint):
    ws, _ = played.greet()
    slow = peer.job(endpoint.url("/token?delay_ms=800"))
    ws.send(slow)
    endpoint.journal.wait_for("/token", 1)
    agent.process.signal(signal.SIGTERM)
    ws.receive(peer.DRAIN)
    _, body = ws.receive(peer.RESULT)
    assert body["outcome"] == "issued"
    ws.send((peer.ACK, {"ids": [body["id"]]}))
    assert ws.closed() == 1000
    assert agent.process.finished() == 0
    agent.process = None
