"""Several agents of one connector: who gets a job, and when it moves on to another agent."""
import collections
import os
import threading

import peer
import pytest
import rig
from endpoint import Endpoint
from endpoint_tls import tls_context
from hand import URL, Hand, ask, hand, hang_up, job_id_text  # noqa: F401

REFUSED = {"outcome": "failed", "code": "endpoint_unreachable", "execution": "not_sent", "status": 0, "token": None}
RIGHT = {"username": "alice", "password": "right"}


def refused(stage, **changes):
    return {**REFUSED, "error": {"stage": stage, "message": f"it stopped at {stage}"}, **changes}


@pytest.fixture
def more(platform, agent, tmp_path):
    """One more agent of the connector, played by hand, not yet there."""
    made = []

    def run():
        string = platform.api("POST", "/v1/connectors/dc/enrollments").json["string"]
        made.append(Hand(platform, rig.Agent(tmp_path / f"more{len(made)}").enroll(string)))
        return made[-1]
    yield run
    for one in made:
        one.leave()


def agent_id(hand):
    """Of its certificate."""
    subject = rig.run("openssl", "x509", "-in", hand.agent.folder / "agent.pem", "-noout", "-subject", "-nameopt", "RFC2253")
    return dict(part.split("=") for part in subject.stdout.strip().split("=", 1)[1].split(","))["CN"]


def row_of(platform, exchange_id):
    rows = platform.api("GET", "/v1/exchanges").json["exchanges"]
    return next(row for row in rows if row["id"] == exchange_id)


# --- moving ---

@pytest.mark.parametrize("stage", ["resolve", "proxy", "connect", "tls", "agent"])
def test_what_was_not_sent_moves_to_another_agent(platform, hand, more, ask, stage):
    answer = ask(budget_ms=60000)
    first = hand.ws.receive(peer.JOB)[1]
    other = more().join()
    hand.report(first["id"], **refused(stage))
    again = other.ws.receive(peer.JOB)[1]
    assert again["id"] == first["id"] and again["variables"] == first["variables"] and again["request"] == first["request"]
    assert 0 < again["budget_ms"] <= first["budget_ms"] <= 59750
    other.report(again["id"])
    got = answer.result().json
    assert got["outcome"] == "issued" and got["agent"] == agent_id(other)
    platform.process.wait(f"exchange.moved.*from={agent_id(hand)}.*stage={stage}")
    row = row_of(platform, got["id"])
    assert row["agent"] == agent_id(other) and row["outcome"] == "issued"
    assert row["moved"] == [{"agent": agent_id(hand), "stage": stage}]


@pytest.mark.parametrize("result", [refused("policy", code="policy_refused"), refused("template", code="profile_incomplete"),
                                    refused("secret", code="profile_incomplete"),
                                    refused("budget", code="budget_exceeded"), refused("connect", execution="sent"),
                                    refused("connect", outcome="cancelled", code="cancelled")],
                         ids=["policy", "template", "secret", "budget", "sent", "cancelled"])
def test_nothing_else_moves(platform, hand, more, ask, result):
    answer = ask()
    job = hand.job()
    other = more().join()
    hand.report(job, **result)
    got = answer.result().json
    assert (got["code"], got["stage"], got["execution"]) == (result["code"], result["error"]["stage"], result["execution"])
    assert got["agent"] == agent_id(hand)
    other.gets_no_job()
    assert row_of(platform, got["id"])["moved"] is None


def test_a_lost_tunnel_alone_moves_nothing(platform, hand, more, ask):
    answer = ask(budget_ms=1000)
    hand.job()
    other = more().join()
    hand.leave()
    got = answer.result().json
    assert (got["code"], got["execution"]) == ("agent_lost", "sent")
    other.gets_no_job()


@pytest.mark.parametrize("first, second, told", [("tls", "agent", 0), ("agent", "connect", 1), ("connect", "connect", 1)])
def test_when_all_have_refused_the_caller_hears_what_tells_the_most(platform, hand, more, ask, first, second, told):
    answer = ask()
    job = hand.job()
    other = more().join()
    hand.report(job, **refused(first))
    assert other.job() == job
    other.report(job, **refused(second))
    got = answer.result().json
    assert got["stage"] == (first, second)[told] and got["agent"] == agent_id((hand, other)[told])
    assert got["execution"] == "not_sent" and got["safe_to_retry"] == "yes"
    hand.gets_no_job()  # it has been tried
    row = row_of(platform, got["id"])
    assert (row["agent"], row["stage"], row["outcome"]) == (got["agent"], got["stage"], "failed")
    tried = [{"agent": agent_id(hand), "stage": first}, {"agent": agent_id(other), "stage": second}]
    assert row["moved"] == tried[:1 if told else 2]
    assert platform.api("GET", f"/v1/exchanges/{got['id']}/result", key=platform.app_key).status == 404


def test_a_job_that_moves_waits_for_an_agent_that_has_not_refused_it(hand, more, ask):
    hand.join(capacity=1)
    moving = ask(budget_ms=60000)
    job = hand.job()
    other = more().join(capacity=1)
    busy = ask(budget_ms=60000)
    held = other.job()
    hand.report(job, **refused("connect"))
    hand.gets_no_job()
    fresh = ask(budget_ms=60000)
    hand.report(hand.job())  # the waiting one does not hinder it
    assert fresh.result().status == 200
    other.report(held)
    assert busy.result().status == 200
    assert other.job() == job
    other.report(job)
    assert moving.result().status == 200


def test_nothing_moves_for_a_caller_that_has_gone(platform, hand, more):
    job = hang_up(platform, {}, hand.job)
    other = more().join()
    hand.report(job, **refused("connect"))
    other.gets_no_job()


def test_an_old_result_of_a_job_that_has_moved_counts_for_nothing(platform, hand, more, ask):
    answer = ask()
    job = hand.job()
    other = more().join()
    hand.report(job, **refused("connect"))
    assert other.job() == job
    hand.join(known=[job])  # the acknowledgement has not reached it
    hand.report(job, **refused("connect"))
    other.report(job)
    assert answer.result().json["agent"] == agent_id(other)


def test_a_token_counts_although_its_agent_had_said_that_nothing_was_sent(hand, more, ask):
    hand.join(capacity=1)
    answer = ask(budget_ms=60000)
    job = hand.job()
    other = more().join(capacity=1)
    busy = ask(budget_ms=60000)
    held = other.job()
    hand.report(job, **refused("connect"))  # it waits for the other's room
    hand.report(job)
    assert answer.result().json["agent"] == agent_id(hand)
    other.report(held)
    assert busy.result().status == 200
    other.gets_no_job()


def test_what_never_arrived_may_go_to_another_agent(platform, hand, more, ask):
    answer = ask()
    job = hand.job()
    hand.leave()
    other = more().join()
    hand.join(capacity=1, known=[os.urandom(16)])  # it has no room
    assert other.job() == job
    other.report(job)
    assert answer.result().json["agent"] == agent_id(other)
    assert row_of(platform, answer.result().json["id"])["moved"] is None  # no agent has refused it


def test_a_trace_tells_of_both_agents(platform, hand, more, ask):
    answer = ask(trace=True)
    job = hand.job()
    other = more().join()
    hand.report(job, **refused("tls"))
    assert other.job() == job
    other.report(job)
    rows = [(row["hop"], row["text"]) for row in answer.result().json["trace"]]
    assert [hop for hop, _ in rows] == ["api", "dispatch", "dispatch", "tunnel"], rows
    assert agent_id(hand) in rows[1][1] and "tls: it stopped at tls" in rows[1][1]
    assert agent_id(other) in rows[2][1]


# --- who can ---

def test_a_job_goes_to_an_agent_that_can_do_it(platform, hand, more, ask):
    hand.join(features=["encoding:json", "method:POST"])
    other = more().join(features=["encoding:json", "encoding:form", "method:POST"])
    answers = [ask() for _ in range(3)]
    for job in [other.job() for _ in answers]:
        other.report(job)
    assert {a.result().status for a in answers} == {200}
    hand.gets_no_job()


def test_a_job_that_no_agent_can_do_is_refused_at_once(platform, hand, ask):
    hand.join(features=["encoding:json"])
    answer = ask(budget_ms=60000).result()
    assert answer.status == 503 and answer.json["code"] == "agent_unavailable", answer
    assert (answer.json["execution"], answer.json["safe_to_retry"]) == ("not_sent", "after_fix")
    hand.gets_no_job()


def test_a_job_does_not_move_to_an_agent_that_can_not_do_it(platform, hand, more, ask):
    answer = ask()
    job = hand.job()
    other = more().join(features=["encoding:json"])
    hand.report(job, **refused("connect"))
    assert answer.result().json["stage"] == "connect"
    other.gets_no_job()


# --- shares ---

def test_jobs_are_spread_by_free_room(platform, hand, more, ask):
    other = more().join(capacity=12)
    hand.join(capacity=4)
    answers = [ask(budget_ms=60000) for _ in range(12)]
    jobs = [(other, other.job()) for _ in range(9)] + [(hand, hand.job()) for _ in range(3)]
    for who, job in jobs:
        who.report(job)
    assert {a.result().status for a in answers} == {200}


class Answering:
    """Answers each job at once, and counts them."""

    def __init__(self, hand):
        self.hand, self.count = hand, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while True:
                job = self.hand.job()
                self.count += 1
                self.hand.send_result(job)
        except (peer.Closed, OSError):
            pass


def test_equal_agents_take_turns_however_little_there_is_to_do(platform, hand, more):
    agents = [Answering(one.join(capacity=8)) for one in (hand, more(), more())]
    for _ in range(9):
        assert platform.exchange("p", variables=RIGHT).status == 200
    assert [a.count for a in agents] == [3, 3, 3]


# --- the real ones ---

@pytest.fixture
def real(platform, agent, tmp_path):
    """Real agents of the connector, each with the rules that it is given."""
    started = [agent]

    def run(*rules):
        if started[-1].process is not None:
            string = platform.api("POST", "/v1/connectors/dc/enrollments").json["string"]
            started.append(rig.Agent(tmp_path / f"real{len(started)}").enroll(string))
        return started[-1].set_policy(*rules).start()
    yield run
    for one in started[1:]:
        assert one.stop() in (0, None)


@pytest.fixture
def tls_endpoint(pki):
    with Endpoint(tls=tls_context(pki / "server.pem", pki / "server.key")) as e:
        yield e


def test_an_agent_that_can_not_reach_the_endpoint_is_no_hindrance(platform, real, tls_endpoint, pki):
    where = rig.origin(tls_endpoint.url("/")) + "/**"
    blind = real(rig.rule("no-ca", where))
    seeing = real(rig.rule("with-ca", where, ca=pki / "ca.pem"))
    platform.put_profile("p", connector="dc", token_url=tls_endpoint.url("/token"))
    agents = collections.Counter()
    for _ in range(6):
        answer = platform.exchange("p", variables=RIGHT)
        assert answer.status == 200, answer
        agents[answer.json["agent"]] += 1
    assert len(agents) == 1
    assert tls_endpoint.count("/token") == 6
    assert blind.status()["jobs"]["done"] >= 1 and seeing.status()["jobs"]["done"] == 6
    moved = blind.status()["jobs"]["done"]
    assert len(platform.process.lines_with("exchange.moved.*stage=tls", at_least=moved)) == moved


def test_an_agent_that_is_told_to_stop_gets_nothing_new_and_fails_nothing(platform, real, endpoint, ask):
    rule = rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**")
    leaving, staying = real(rule), real(rule)
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))
    answers = [ask(budget_ms=60000) for _ in range(20)]
    assert leaving.stop() == 0
    answers += [ask(budget_ms=60000) for _ in range(20)]
    assert {a.result().status for a in answers} == {200}
    assert endpoint.count("/token") == 40
    states = sorted(a["state"] for a in platform.agents("dc"))
    assert len(states) == 2 and states != ["connected", "connected"], states
    assert staying.status()["jobs"]["done"] >= 20
