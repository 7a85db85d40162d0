"""Idempotency-Key: the same key gets the same outcome, and no second execution."""
import pytest
import rig
from hand import RIGHT, ask, hand, hang_up, kill  # noqa: F401

KEY = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\""
STABLE = ("id", "outcome", "code", "execution", "token", "connector", "agent")


def same(a, b):
    return a.status == b.status and all(a.json.get(k) == b.json.get(k) for k in STABLE)


def test_a_repeat_gets_the_outcome_without_a_second_execution(platform, hand, ask):
    first = ask(KEY)
    hand.report(hand.job())
    again = ask(KEY).result()
    assert first.result().status == 200 and same(first.result(), again)
    assert again.json["token"]["access_token"] == "tok"
    hand.gets_no_job()
    assert platform.process.wait(f"exchange.repeated id={again.json['id']} trace_id={again.json['trace_id']}")


def test_a_repeat_while_the_first_runs_waits_for_it(platform, hand, ask):
    first = ask(KEY)
    job = hand.job()
    others = [ask(KEY) for _ in range(3)]
    rig.wait_until(lambda: platform.process.count("exchange.repeated") == 3, "the repeats wait")
    assert not any(o.done() for o in others)
    hand.gets_no_job()
    hand.report(job)
    assert all(same(first.result(), o.result()) for o in others)
    assert len({o.result().json["trace_id"] for o in others}) == 3


def test_a_refusal_is_an_outcome_too(hand, ask):
    first = ask(KEY)
    hand.report(hand.job(), outcome="refused", code="credentials_refused", status=400, token=None,
                error={"stage": "parse", "message": "no", "oauth_error": "invalid_grant"})
    again = ask(KEY).result()
    assert again.status == 422 and same(first.result(), again)
    assert again.json["oauth_error"] == "invalid_grant" and again.json["detail"] == first.result().json["detail"]
    hand.gets_no_job()


def test_another_body_gets_a_conflict(platform, hand, ask):
    first = ask(KEY)
    job = hand.job()
    for running in (True, False):
        other = ask(KEY, variables={"username": "bob", "password": "right"}).result()
        assert other.status == 409 and other.json["code"] == "idempotency_mismatch", other
        assert other.json["safe_to_retry"] == "after_fix"
        if running:
            hand.report(job)
    assert first.result().status == 200
    hand.gets_no_job()


def test_a_key_counts_within_its_api_key_route_and_profile(platform, hand, ask):
    platform.put_profile("q", connector="dc", token_url="https://idp.example/token")
    other = platform.api("POST", "/v1/keys", {"name": "app2", "role": "app"}).json["key"]
    ids = set()
    for options in ({}, {"profile": "q"}, {"api_key": other}, {"route": "refresh", "refresh_token": "r"}):
        answer = ask(KEY, **options)
        hand.report(hand.job())
        assert answer.result().status == 200
        ids.add(answer.result().json["id"])
    assert len(ids) == 4


def test_without_a_key_everything_runs(hand, ask):
    for _ in range(2):
        answer = ask()
        hand.report(hand.job())
        assert answer.result().status == 200


def test_what_was_never_sent_is_run_by_a_repeat(hand, ask):
    hand.leave()
    rig.wait_until(lambda: ask(KEY).result().status == 503, "the agent is gone")
    hand.join()
    first = ask(KEY)
    hand.report(hand.job(), outcome="failed", code="endpoint_unreachable", execution="not_sent", status=0, token=None,
                error={"stage": "connect", "message": "refused"})
    assert first.result().status == 502 and first.result().json["safe_to_retry"] == "yes"
    second = ask(KEY)
    hand.report(hand.job())
    assert second.result().status == 200 and second.result().json["id"] != first.result().json["id"]
    assert same(second.result(), ask(KEY).result())


def test_a_caller_that_hangs_up_loses_nothing(platform, hand, ask):
    job = hang_up(platform, {"Idempotency-Key": KEY}, hand.job, budget_ms=5000)
    second = ask(KEY)
    platform.process.wait("exchange.repeated")
    hand.gets_no_job()  # no cancel either
    hand.report(job)
    assert second.result().status == 200
    assert same(second.result(), ask(KEY).result())


def test_the_second_is_answered_although_the_first_hangs_up_later(platform, hand, ask):
    waiting = []

    def until():
        job = hand.job()
        waiting.append(ask(KEY))
        platform.process.wait("exchange.repeated")
        return job
    job = hang_up(platform, {"Idempotency-Key": KEY}, until, budget_ms=5000)
    hand.report(job)
    assert waiting[0].result().status == 200


def test_an_outcome_that_nobody_saw_is_there_for_the_repeat(platform, hand, ask):
    hand.report(hang_up(platform, {"Idempotency-Key": KEY}, hand.job, budget_ms=5000))
    assert ask(KEY).result().json["token"]["access_token"] == "tok"
    hand.gets_no_job()


def test_a_repeat_after_the_budget_gets_what_is_known(hand, ask):
    first = ask(KEY, budget_ms=500)
    job = hand.job()
    assert first.result().status == 504
    again = ask(KEY, budget_ms=500).result()
    assert same(first.result(), again) and again.json["execution"] == "sent" and again.json["safe_to_retry"] == "no"
    hand.report(job)
    late = ask(KEY, budget_ms=500).result()
    assert late.status == 200 and late.json["id"] == again.json["id"]


def test_an_outcome_survives_a_killed_platform(platform, hand, ask):
    first = ask(KEY)
    hand.report(hand.job())
    first = first.result()
    kill(platform)
    assert same(first, ask(KEY).result())
    assert ask(KEY, variables={**RIGHT, "password": "other"}).result().status == 409
    assert same(first, ask(KEY).result())
    hand.join()
    hand.gets_no_job()


def test_an_exchange_that_ran_when_the_platform_was_killed_is_never_run_again(platform, hand, ask):
    first = ask(KEY)
    job = hand.job()
    platform.process.kill()
    with pytest.raises(Exception):  # the caller has lost its connection
        first.result()
    kill(platform)
    again = ask(KEY).result()
    assert again.status == 504 and again.json["code"] == "agent_lost" and again.json["execution"] == "sent", again
    assert again.json["safe_to_retry"] == "no"
    hand.join(known=[job])
    assert ask(KEY).result().status == 504
    hand.gets_no_job()
    hand.report(job)
    late = ask(KEY).result()
    assert late.status == 200 and late.json["id"] == again.json["id"] and late.json["token"]["access_token"] == "tok"


@pytest.mark.parametrize("key, code", [("a b", "bad_input"), ("zoë".encode(), "bad_input"), ("k" * 256, "bad_input"),
                                       ("tab\there", "bad_request")])  # with that it is no sound header
def test_a_key_that_is_none_is_refused(platform, hand, ask, key, code):
    answer = ask(key).result()
    assert answer.status == 400 and answer.json["safe_to_retry"] == "after_fix"
    assert answer.json["code"] == code
    assert code == "bad_request" or [e["field"] for e in answer.json["errors"]] == ["Idempotency-Key"]
    hand.gets_no_job()


def test_the_longest_key_is_taken(hand, ask):
    first = ask("k" * 255)
    hand.report(hand.job())
    assert same(first.result(), ask("k" * 255).result())
    other = ask("k" * 254)
    hand.report(hand.job())
    assert other.result().json["id"] != first.result().json["id"]


def test_no_body_and_no_token_is_in_the_store(platform, hand, ask):
    first = ask(KEY, variables={"username": "alice", "password": "pa55-in-the-clear"})
    hand.report(hand.job(), token={"access_token": "tok-in-the-clear", "token_type": "Bearer"})
    assert first.result().status == 200
    for file in platform.folder.glob("platform.db*"):
        octets = file.read_bytes()
        assert b"pa55-in-the-clear" not in octets and b"tok-in-the-clear" not in octets
