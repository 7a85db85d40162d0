"""A platform that was killed with exchanges: what its audit trail says of them, and what can be claimed."""
import signal

import pytest
from hand import ask, hand, hang_up, job_id_text, kill  # noqa: F401
from test_moving import row_of
from test_own import own  # noqa: F401


def killed_with(platform, hand):
    """A job that the platform was killed with, and that was started again without its agent."""
    job = hang_up(platform, {}, lambda: (hand.job(), platform.process.kill())[0])
    kill(platform)
    return job


def claim(platform, job):
    return platform.api("GET", f"/v1/exchanges/{job_id_text(job)}/result", key=platform.app_key)


def end_of(platform, job):
    row = row_of(platform, job_id_text(job))
    return row["outcome"], row["code"], row["execution"], row["stage"]


def test_what_the_agent_does_not_name_ends_with_its_hello(platform, hand):
    job = killed_with(platform, hand)
    assert end_of(platform, job) == (None, None, None, None)
    hand.join()
    assert end_of(platform, job) == ("failed", "agent_lost", "sent", "agent")
    assert len(platform.process.lines_with("exchange.left_open", at_least=1)) == 1
    hand.report(job)  # it had it all the same
    assert end_of(platform, job)[:3] == ("issued", "issued", "answered")
    assert claim(platform, job).json["token"]["access_token"] == "tok"
    assert claim(platform, job).status == 404


def test_what_the_agent_names_is_waited_for(platform, hand):
    job = killed_with(platform, hand)
    hand.join(known=[job])
    assert end_of(platform, job)[0] is None and claim(platform, job).status == 202
    hand.report(job)
    hand.join()
    assert end_of(platform, job)[:2] == ("issued", "issued")
    assert claim(platform, job).status == 200


def test_a_platform_that_is_told_to_stop_leaves_the_result_to_be_claimed(platform, hand, ask):
    """SIGTERM: the result comes while it stops, after its caller has gone."""
    job = hang_up(platform, {}, hand.job)
    process, platform.process = platform.process, None
    process.signal(signal.SIGTERM)
    process.wait("platform.stopping")
    hand.report(job)
    assert process.finished() == 0
    platform.start()
    assert claim(platform, job).json["token"]["access_token"] == "tok"
    assert claim(platform, job).status == 404


def test_what_the_platform_ran_by_itself_ends_with_its_next_start(own, platform, endpoint):  # noqa: F811
    p = own()
    p.put_profile("p", token_url=endpoint.url("/hang"))
    hang_up(p, {}, lambda: (endpoint.journal.wait_for("/hang", 1), p.process.kill()))
    kill(p)
    row, = p.api("GET", "/v1/exchanges").json["exchanges"]
    assert (row["outcome"], row["code"], row["execution"], row["stage"]) == ("failed", "platform_failed", "sent", "platform")
