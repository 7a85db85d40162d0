"""GET /v1/exchanges/ID/result: an outcome that came after its caller had gone."""
import contextlib
import signal
import socket
import sqlite3

import peer
import pytest
from hand import ask, hand, hang_up, job_id_text, kill  # noqa: F401


@pytest.fixture
def claim(platform):
    return lambda exchange_id, key=None: platform.api("GET", f"/v1/exchanges/{exchange_id}/result",
                                                      key=platform.app_key if key is None else key)


def test_a_result_after_the_budget_is_claimed_once(hand, ask, claim):
    late = ask(budget_ms=500)
    job = hand.job()
    problem = late.result().json
    assert problem["code"] == "budget_exceeded" and problem["id"] == job_id_text(job)
    waiting = claim(problem["id"])
    assert waiting.status == 202 and waiting.json["state"] == "waiting" and waiting.json["id"] == problem["id"]
    hand.report(job)
    got = claim(problem["id"])
    assert got.status == 200 and got.json["token"]["access_token"] == "tok", got
    assert got.json["id"] == problem["id"] and got.json["outcome"] == "issued" and got.json["agent"]
    again = claim(problem["id"])
    assert again.status == 404 and again.json["code"] == "not_found" and again.json["safe_to_retry"] == "after_fix"


def test_a_result_has_the_shape_of_a_direct_answer(hand, ask, claim):
    direct, late = ask(), ask(budget_ms=500)
    jobs = {job_id_text(j): j for j in (hand.job(), hand.job())}
    late_id = late.result().json["id"]
    for job in jobs.values():
        hand.report(job, timing_us={"queued": 1, "total": 2})
    assert set(claim(late_id).json) == set(direct.result().json)


def test_a_refusal_is_claimed_as_the_problem_that_it_is(hand, ask, claim):
    late = ask(budget_ms=500)
    job = hand.job()
    exchange_id = late.result().json["id"]
    hand.report(job, outcome="refused", code="credentials_refused", status=400, token=None,
                error={"stage": "parse", "message": "no", "oauth_error": "invalid_grant"})
    got = claim(exchange_id)
    assert got.status == 422 and got.headers["content-type"] == "application/problem+json"
    assert got.json["code"] == "credentials_refused" and got.json["oauth_error"] == "invalid_grant"
    assert got.json["safe_to_retry"] == "with_new_credentials"
    assert claim(exchange_id).status == 404


def test_only_the_key_that_asked_gets_it(platform, hand, ask, claim):
    other = platform.api("POST", "/v1/keys", {"name": "app2", "role": "app"}).json["key"]
    late = ask(budget_ms=500)
    job = hand.job()
    exchange_id = late.result().json["id"]
    assert claim(exchange_id, other).status == 404  # not even whether it runs
    hand.report(job)
    assert claim(exchange_id, other).status == 404
    assert claim(exchange_id, platform.admin_key).status == 404
    assert claim(exchange_id, "").status == 401
    assert claim(exchange_id).status == 200


def test_what_was_delivered_is_not_there_again(hand, ask, claim):
    for key in (None, "k1"):
        answer = ask(key)
        hand.report(hand.job())
        assert claim(answer.result().json["id"]).status == 404


@contextlib.contextmanager
def busy_store(platform):
    """Somebody else writes to the platform's store: it can't."""
    with contextlib.closing(sqlite3.connect(platform.folder / "platform.db", isolation_level=None, timeout=20)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")


def test_a_caller_is_answered_although_the_end_can_not_be_stored(platform, hand, ask, claim):
    answer = ask()
    job = hand.job()
    with busy_store(platform):
        hand.send_result(job)
        assert answer.result().json["token"]["access_token"] == "tok"
        kind, body = hand.ws.receive()
        assert kind == peer.ERROR and body["code"] == "not_stored" and body["id"] == job, (kind, body)
    hand.report(job)  # the agent has kept it
    assert claim(job_id_text(job)).status == 200  # it may have come again for a caller that was lost
    assert claim(job_id_text(job)).status == 404


def test_what_was_delivered_to_a_platform_killed_before_it_could_store_comes_again(platform, hand, ask, claim):
    answer = ask()
    job = hand.job()
    with busy_store(platform):
        hand.send_result(job)
        assert answer.result().json["token"]["access_token"] == "tok"
        platform.process.kill()
    kill(platform)
    assert claim(job_id_text(job)).status == 202
    hand.join(known=[job])
    hand.report(job)
    assert claim(job_id_text(job)).json["token"]["access_token"] == "tok"
    assert claim(job_id_text(job)).status == 404


def test_what_was_delivered_and_acknowledged_is_not_there_after_a_kill(platform, hand, ask, claim):
    answer = ask()
    job = hand.job()
    hand.report(job)
    assert answer.result().status == 200
    kill(platform)
    assert claim(job_id_text(job)).status == 404
    row, = platform.api("GET", "/v1/exchanges", key=platform.admin_key).json["exchanges"]
    assert row["id"] == job_id_text(job) and row["outcome"] == "issued" and row["ended_at"]


def test_a_hang_up_that_comes_together_with_the_result_loses_nothing(platform, hand, claim):
    head = f"POST /v1/profiles/p/exchange HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {platform.app_key}\r\n"
    body = '{"variables": {"username": "alice", "password": "right"}}'
    with socket.create_connection(("127.0.0.1", platform.api_port)) as caller:
        caller.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        job = hand.job()
        platform.process.popen.send_signal(signal.SIGSTOP)
        hand.send_result(job)
    # Both are there when it looks again.
    platform.process.popen.send_signal(signal.SIGCONT)
    assert job in hand.ws.receive(peer.ACK)[1]["ids"]
    assert claim(job_id_text(job)).json["token"]["access_token"] == "tok"


def test_a_caller_that_hung_up_claims_by_the_id_of_the_audit_trail(platform, hand, claim):
    job = hang_up(platform, {}, hand.job)
    hand.report(job)
    assert claim(job_id_text(job)).json["token"]["access_token"] == "tok"


def test_a_result_of_before_a_restart_is_claimed_after_it(platform, hand, ask, claim):
    late = ask(budget_ms=500)
    job = hand.job()
    exchange_id = late.result().json["id"]
    hand.report(job)
    kill(platform)
    assert claim(exchange_id).json["token"]["access_token"] == "tok"
    kill(platform)
    assert claim(exchange_id).status == 404


def test_a_result_that_comes_after_a_restart_finds_its_owner(platform, hand, ask, claim):
    job = hang_up(platform, {}, lambda: (hand.job(), platform.process.kill())[0])
    kill(platform)
    assert claim(job_id_text(job)).status == 202
    hand.join(known=[job])
    hand.report(job)
    assert claim(job_id_text(job)).json["token"]["access_token"] == "tok"


def test_a_claim_and_a_repeat_of_a_key_do_not_hinder_each_other(platform, hand, ask, claim):
    job = hang_up(platform, {"Idempotency-Key": "k1"}, hand.job, budget_ms=5000)
    hand.report(job)
    assert claim(job_id_text(job)).status == 200
    assert claim(job_id_text(job)).status == 404
    assert ask("k1").result().json["token"]["access_token"] == "tok"


def test_what_was_never_sent_has_no_result(platform, hand, ask, claim):
    hand.leave()
    platform.process.wait("tunnel.(closed|lost|gone)")
    answer = ask().result()
    assert answer.status == 503
    assert claim(answer.json["id"]).status == 404


@pytest.mark.parametrize("exchange_id", ["0199c82c-c000-7000-8000-000000000001", "x", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_nobody_knows_is_not_found(platform, claim, exchange_id):
    assert claim(exchange_id).status == 404
