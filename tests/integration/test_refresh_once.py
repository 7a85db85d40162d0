"""Refreshes with one refresh token: never two at once, whichever agents there are."""
import os
import time

import peer
import pytest
import rig
from hand import URL, Hand, ask, hand, job_id_text, kill  # noqa: F401
from test_moving import agent_id, more, refused, row_of  # noqa: F401

REFUSED = {"outcome": "refused", "code": "credentials_refused", "status": 400, "token": None,
           "error": {"stage": "parse", "message": "no", "oauth_error": "invalid_grant"}}


@pytest.fixture
def refresh(ask):
    """In the background: refresh(token="r1", **body)."""
    return lambda token="r1", **body: ask(route="refresh", **{"refresh_token": token, "variables": {}, **body})


def waits(platform, count=1):
    """So many wait at the platform."""
    rig.wait_until(lambda: platform.api("GET", "/v1/connectors/dc").json["queued"] == count, f"{count} wait")


def test_a_second_one_gets_what_the_first_brought(platform, hand, more, refresh):
    first = refresh()
    job = hand.job()
    other = more().join()
    second, third = refresh(), refresh(trace=True)
    waits(platform, 2)
    hand.report(job)
    answers = [f.result().json for f in (first, second, third)]
    assert [a["token"]["access_token"] for a in answers] == ["tok"] * 3
    assert len({a["id"] for a in answers}) == 3 and {a["agent"] for a in answers} == {agent_id(hand)}
    assert answers[0]["id"] in answers[2]["trace"][1]["text"]
    hand.gets_no_job()
    other.gets_no_job()
    for a in answers:
        row = row_of(platform, a["id"])
        assert (row["outcome"], row["code"], row["execution"]) == ("issued", "issued", "answered")
        assert platform.api("GET", f"/v1/exchanges/{a['id']}/result", key=platform.app_key).status == 404  # delivered


def test_a_repeat_of_one_that_was_given_it_too_gets_it_again(platform, hand, refresh, ask):
    first = refresh()
    job = hand.job()
    keyed = ask("k1", route="refresh", refresh_token="r1", variables={})
    waits(platform)
    hand.report(job)
    assert first.result().status == 200
    got = keyed.result().json
    again = ask("k1", route="refresh", refresh_token="r1", variables={}).result().json
    assert got["token"] == again["token"] and got["id"] == again["id"]
    hand.gets_no_job()


def test_one_that_asks_for_something_else_runs_afterwards(platform, hand, more, refresh):
    platform.put_profile("p", connector="dc", token_url=URL,
                         fields=[{"place": "payload", "key": "scope", "value": "{{wanted}}"}])
    first = refresh(context={"wanted": "a"})
    job = hand.job()
    second = refresh(context={"wanted": "b"})
    waits(platform)
    hand.gets_no_job()
    hand.report(job)
    assert first.result().status == 200
    later = hand.ws.receive(peer.JOB)[1]
    assert later["id"] != job and later["variables"]["wanted"] == "b"
    hand.report(later["id"], token={"access_token": "of b", "token_type": "Bearer"})
    assert second.result().json["token"]["access_token"] == "of b"


@pytest.mark.parametrize("result", [REFUSED, refused("connect"), refused("receive", execution="sent")],
                         ids=["refused", "not_sent", "sent"])
def test_one_runs_after_the_first_has_failed(platform, hand, refresh, result):
    first = refresh()
    job = hand.job()
    second = refresh()
    waits(platform)
    hand.gets_no_job()
    hand.report(job, **result)
    assert first.result().json["code"] == result["code"]
    later = hand.job()
    assert later != job
    hand.report(later)
    assert second.result().status == 200


def test_another_token_and_another_profile_do_not_wait(platform, hand, refresh):
    platform.put_profile("q", connector="dc", token_url=URL)
    answers = [refresh(), refresh("r2"), refresh(profile="q")]
    for job in [hand.job() for _ in answers]:
        hand.report(job)
    assert {a.result().status for a in answers} == {200}


def test_a_caller_that_waits_no_longer_leaves_nothing_behind(platform, hand, refresh):
    first = refresh(budget_ms=60000)
    job = hand.job()
    second = refresh(budget_ms=300).result().json
    assert (second["code"], second["execution"], second["safe_to_retry"]) == ("budget_exceeded", "not_sent", "yes"), second
    assert second["stage"] == "platform" and "another refresh" in second["detail"]
    hand.report(job)
    assert first.result().status == 200
    hand.gets_no_job()


def test_those_that_wait_count_in_the_queue(platform, hand, refresh):
    hand.join(capacity=1)
    first = refresh(budget_ms=60000)
    job = hand.job()
    second = refresh(budget_ms=60000)
    waits(platform)
    third = refresh().result()
    assert third.status == 429 and third.json["code"] == "connector_full" and third.headers["retry-after"] == "1"
    hand.report(job)
    assert {first.result().status, second.result().status} == {200}


def lose_first(platform, hand, refresh):
    """A refresh that its agent has and is lost with; its job."""
    first = refresh(budget_ms=500)
    job = hand.job()
    hand.leave()
    assert first.result().json["code"] == "agent_lost"
    return job


def test_while_the_first_is_lost_no_other_agent_is_given_one(platform, hand, more, refresh):
    job = lose_first(platform, hand, refresh)
    other = more().join()
    second = refresh(budget_ms=400).result().json
    assert (second["code"], second["execution"]) == ("budget_exceeded", "not_sent"), second
    third = refresh(budget_ms=60000)
    waits(platform)
    hand.join(known=[job])
    hand.gets_no_job()
    other.gets_no_job()
    hand.report(job)  # and nobody waits for it but the third
    assert third.result().json["token"]["access_token"] == "tok"
    other.gets_no_job()
    # the first's own caller can still claim it
    claimed = platform.api("GET", f"/v1/exchanges/{job_id_text(job)}/result", key=platform.app_key)
    assert claimed.status == 200 and claimed.json["token"]["access_token"] == "tok"


def test_an_agent_that_never_got_the_first_frees_the_token(platform, hand, refresh):
    job = lose_first(platform, hand, refresh)
    hand.join(known=[os.urandom(16)])
    second = refresh()
    later = hand.job()
    assert later != job
    hand.report(later)
    assert second.result().status == 200


def test_an_agent_with_another_ledger_frees_it_when_the_firsts_budget_is_over(platform, hand, more, refresh):
    began = time.monotonic()
    first = refresh(budget_ms=3000)
    hand.job()
    other = more().join()
    hand.leave()
    hand.ledger = os.urandom(16)
    hand.join(capacity=1, known=[os.urandom(16)])
    assert first.result().json["code"] == "agent_lost" and time.monotonic() - began < 2.9
    second = refresh(budget_ms=60000)
    later = other.job()
    assert time.monotonic() - began >= 3
    other.report(later)
    assert second.result().status == 200


def test_it_holds_over_a_restart_of_the_platform(platform, hand, more, refresh):
    first = refresh(budget_ms=60000)
    job = hand.job()
    kill(platform)
    first.exception()  # its connection went with the platform
    other = more().join()
    second = refresh(budget_ms=60000)
    waits(platform)
    other.gets_no_job()
    hand.join(known=[job])
    hand.gets_no_job()
    hand.report(job)
    assert second.result().json["token"]["access_token"] == "tok"
    other.gets_no_job()


def test_no_token_is_in_the_store(platform, hand, refresh):
    token = "a-refresh-token-" + os.urandom(8).hex()
    answer = refresh(token)
    job = hand.job()
    platform.process.kill()
    platform.process = None
    kept = b"".join(p.read_bytes() for p in platform.folder.glob("platform.db*"))
    assert job in kept and token.encode() not in kept
    answer.exception()
