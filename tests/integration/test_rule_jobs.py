"""A rule's `jobs`: an endpoint that hangs does not hold all that an agent, or the platform itself, can run."""
import concurrent.futures
import re
import signal
import threading

import pytest
import rig
from endpoint import Endpoint

RIGHT = {"username": "alice", "password": "right"}
LONG_MS = 60000


@pytest.fixture
def hanging():
    """An endpoint that hangs, and callers for it; what hangs loses its connection when the test is over."""
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        e = Endpoint().start()
        e.callers = pool
        yield e
        e.stop()


@pytest.fixture
def other(platform, tmp_path):
    """A second agent of the connector, not yet running."""
    a = rig.Agent(tmp_path / "other").enroll(platform.api("POST", "/v1/connectors/dc/enrollments").json["string"])
    yield a
    assert a.stop() in (0, None)


@pytest.fixture
def own(tmp_path):
    """A platform with such rules."""
    made = []

    def start(*rules):
        made.append(rig.Platform(tmp_path / "own", extra=f"policy = ( {', '.join(rules)} );").start())
        return made[0]
    yield start
    for p in made:
        assert p.stop() in (0, None)


def rules(endpoint, hanging, extra="", good_extra=""):
    return (rig.rule("good", rig.origin(endpoint.url("/")) + "/**", extra=good_extra),
            rig.rule("slow", rig.origin(hanging.url("/")) + "/**", extra=extra))


def put_profiles(platform, endpoint, hanging, **profile):
    platform.put_profile("good", token_url=endpoint.url("/token"), **profile)
    platform.put_profile("slow", token_url=hanging.url("/hang"), **profile)


def hang(platform, hanging, n):
    """So many jobs that hang, each with its request at the endpoint."""
    before = hanging.count("/hang")
    for _ in range(n):
        hanging.callers.submit(platform.exchange, "slow", variables=RIGHT, budget_ms=LONG_MS)
    assert hanging.journal.wait_for("/hang", before + n, timeout_s=30)


def is_refused_for_now(answer, words):
    assert answer.status == 429, answer
    problem = answer.json
    assert (problem["code"], problem["execution"], problem["safe_to_retry"]) == ("connector_full", "not_sent", "yes"), answer
    assert problem["retry_after_ms"] == 1000 and answer.headers["retry-after"] == "1"
    assert words in problem["detail"]
    return problem


def median_us(platform):
    spans = []
    for _ in range(20):
        answer = platform.exchange("good", variables=RIGHT)
        assert answer.status == 200, answer
        spans.append(answer.json["timing_us"]["total"])
    return sorted(spans)[10]


def test_one_that_hangs_leaves_room_for_the_others(platform, agent, endpoint, hanging):
    """Nobody set `jobs`: half of limits.jobs is left, however many ask for the endpoint that hangs."""
    agent.set_policy(*rules(endpoint, hanging), extra="limits = { jobs = 8; };").start()
    put_profiles(platform, endpoint, hanging, connector="dc")
    alone = median_us(platform)
    hang(platform, hanging, 4)
    asks_on, refused = threading.Event(), []

    def ask_again():
        while not asks_on.is_set():
            refused.append(platform.exchange("slow", variables=RIGHT, budget_ms=LONG_MS))
    pressing = [hanging.callers.submit(ask_again) for _ in range(4)]
    beside = median_us(platform)
    asks_on.set()
    concurrent.futures.wait(pressing)
    assert beside < max(10 * alone, 20000), (alone, beside)
    assert refused and hanging.count("/hang") == 4
    for answer in refused:
        problem = is_refused_for_now(answer, 'as many jobs run under rule "slow" as may at once (4); nothing was sent')
        assert problem["stage"] == "agent"
    told = {rule["name"]: rule for rule in agent.status()["rules"]}
    assert told["slow"] == {"name": "slow", "running": 4, "jobs": 4, "refused": len(refused)}, told
    assert re.search(rf"\n  rule        slow: 4 of 4 jobs, {len(refused)} refused for want of room\n", agent.cli("status").stdout)


def test_what_one_agent_has_no_room_for_goes_to_another(platform, agent, other, endpoint, hanging):
    for one in (agent, other):
        one.set_policy(*rules(endpoint, hanging, extra="jobs = 2;")).start()
    put_profiles(platform, endpoint, hanging, connector="dc")
    hang(platform, hanging, 4)
    is_refused_for_now(platform.exchange("slow", variables=RIGHT), "at once (2)")
    assert [one.status()["rules"][0]["running"] for one in (agent, other)] == [2, 2]
    assert hanging.count("/hang") == 4


def test_what_runs_counts_on_after_a_reload(platform, agent, endpoint, hanging):
    agent.set_policy(*rules(endpoint, hanging, extra="jobs = 2;")).start()
    put_profiles(platform, endpoint, hanging, connector="dc")
    hang(platform, hanging, 2)
    is_refused_for_now(platform.exchange("slow", variables=RIGHT), "at once (2)")
    agent.set_policy(*rules(endpoint, hanging, extra="jobs = 3;"))
    mark = agent.process.mark()
    agent.process.popen.send_signal(signal.SIGHUP)
    agent.process.wait("agent.reloaded", since=mark)
    hang(platform, hanging, 1)
    is_refused_for_now(platform.exchange("slow", variables=RIGHT), "at once (3)")
    assert hanging.count("/hang") == 3


def test_a_job_that_has_ended_makes_room(platform, agent, endpoint, hanging):
    agent.set_policy(*rules(endpoint, hanging, good_extra="jobs = 1;")).start()
    put_profiles(platform, endpoint, hanging, connector="dc")
    for _ in range(5):
        assert platform.exchange("good", variables=RIGHT).status == 200
    wrong = platform.exchange("good", variables={**RIGHT, "password": "wrong"})
    assert wrong.status == 422, wrong
    assert platform.exchange("good", variables=RIGHT).status == 200


def test_the_platforms_own_policy_has_it_too(own, endpoint, hanging):
    p = own(*rules(endpoint, hanging, extra="jobs = 2;"))
    put_profiles(p, endpoint, hanging)
    hang(p, hanging, 2)
    problem = is_refused_for_now(p.exchange("slow", variables=RIGHT), 'as many jobs run under rule "slow" as may at once (2)')
    assert problem["stage"] == "platform"
    assert p.exchange("good", variables=RIGHT).status == 200


def test_check_and_explain_tell_it(agent, endpoint, hanging):
    agent.set_policy(*rules(endpoint, hanging, extra="jobs = 3;"), extra="limits = { jobs = 9; };")
    said = agent.cli("check").stdout
    assert re.search(r'agent.conf:\d+: rule "good": at most 5 of 9 jobs at once \(`jobs` is not set\)\n', said), said
    assert re.search(r'agent.conf:\d+: rule "slow": at most 3 of 9 jobs at once\n', said), said
    assert "\n  jobs      at most 3 at once\n" in agent.cli("explain", "POST", hanging.url("/hang")).stdout
    assert "\n  jobs      at most 5 at once (`jobs` is not set)\n" in agent.cli("explain", "POST", endpoint.url("/token")).stdout
    agent.set_policy(rig.rule("alone", "https://idp.example/**", extra="jobs = 5000;"))
    wrong = agent.cli("check")
    assert wrong.returncode == 3 and "policy[0].jobs" in wrong.stderr and "0..2048" in wrong.stderr, wrong.stderr
