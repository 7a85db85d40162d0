"""A job's time at the platform: it counts, and nobody's job is sent."""
import sqlite3

import peer
import pytest
import rig
from hand import ask, hand, hang_up, job_id_text  # noqa: F401
from test_moving import row_of


def waits(platform, count=1):
    rig.wait_until(lambda: platform.api("GET", "/v1/connectors/dc").json["queued"] == count, f"{count} wait")


def test_the_time_in_the_queue_counts(platform, hand, ask):
    hand.join(capacity=1)
    first = ask(budget_ms=1500)
    held = hand.ws.receive(peer.JOB)[1]
    second = ask(budget_ms=60000)
    waits(platform)
    assert first.result().status == 504  # 1.5 s are over, and nearly all of them were the second's too
    hand.report(held["id"])
    late = hand.ws.receive(peer.JOB)[1]
    assert late["budget_ms"] < 59750 - 100
    hand.report(late["id"])
    assert second.result().status == 200


def test_a_budget_that_ends_in_the_queue_has_sent_nothing(platform, hand, ask):
    hand.join(capacity=1)
    first = ask(budget_ms=60000)
    held = hand.job()
    got = ask(budget_ms=300).result().json
    assert (got["code"], got["execution"], got["stage"], got["safe_to_retry"]) == \
           ("budget_exceeded", "not_sent", "platform", "yes")
    hand.report(held)
    assert first.result().status == 200
    hand.gets_no_job()


def test_a_caller_that_hangs_up_takes_its_job_out_of_the_queue(platform, hand, ask):
    hand.join(capacity=1)
    first = ask(budget_ms=60000)
    held = hand.job()
    hang_up(platform, {}, lambda: waits(platform))
    waits(platform, 0)
    hand.report(held)
    assert first.result().status == 200
    hand.gets_no_job()
    rows = platform.api("GET", "/v1/exchanges").json["exchanges"]
    assert [(r["outcome"], r["execution"]) for r in rows] == [("cancelled", "not_sent"), ("issued", "answered")]


def test_an_agent_that_returns_after_the_budget_is_heard(platform, hand, ask):
    answer = ask(budget_ms=400)
    job = hand.job()
    hand.leave()
    got = answer.result().json
    assert (got["code"], got["execution"]) == ("agent_lost", "sent")
    hand.join(known=[job])
    hand.report(job)
    assert row_of(platform, job_id_text(job))["outcome"] == "issued"
    assert platform.api("GET", f"/v1/exchanges/{job_id_text(job)}/result", key=platform.app_key).status == 200


@pytest.fixture
def locked(platform):
    """The store can't be written while this is open."""
    db = sqlite3.connect(platform.folder / "platform.db", isolation_level=None)
    yield lambda: db.execute("BEGIN IMMEDIATE"), lambda: db.execute("ROLLBACK")
    db.close()


def test_a_result_that_can_not_be_stored_is_asked_for_again(platform, hand, locked):
    lock, unlock = locked
    job = hang_up(platform, {}, hand.job)
    lock()
    hand.send_result(job)
    kind, error = hand.ws.receive(peer.ERROR)
    assert error["code"] == "not_stored" and error["id"] == job
    unlock()
    hand.report(job)  # as an agent does then: the essentials once more
    got = platform.api("GET", f"/v1/exchanges/{job_id_text(job)}/result", key=platform.app_key)
    assert got.json["token"]["access_token"] == "tok"


def test_a_job_that_can_not_be_recorded_is_not_sent(platform, hand, ask, locked):
    lock, unlock = locked
    lock()
    got = ask().result()
    assert got.status == 500 and (got.json["code"], got.json["execution"]) == ("platform_failed", "not_sent"), got
    unlock()
    hand.gets_no_job()
    answer = ask()
    hand.report(hand.job())
    assert answer.result().status == 200
