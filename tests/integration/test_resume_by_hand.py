"""Where a job stood when something broke, seen from the agent: the platform is played by hand.

Each story has one job that is brought to a stage, then a fault, then the agent is back. What it says
then is what it knows; the endpoint's journal proves that the job was executed once at most.
"""
import msgpack
import peer
import pytest
import rig
from endpoint import Endpoint


class Story:
    """An agent that runs, and the platform that a test plays for it."""

    def __init__(self, folder, endpoint):
        self.endpoint = endpoint
        self.platform = rig.Platform(folder / "platform").start()
        self.agent = rig.Agent(folder / "agent").enroll(self.platform.add_connector("dc"))
        self.platform.stop()
        self.agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**"))
        self.fake = peer.FakePlatform(self.platform)
        self.ws = self.hello = self.job = self.id = None
        self.past = set()  # jobs of earlier stories: that they were acknowledged is written a little later
        self.agent.start(wait=False)

    def begin(self):
        """A tunnel that is up, nothing held; a job that no agent has seen."""
        self.endpoint.journal.clear()
        self.endpoint.hold()
        if self.ws is None:
            self.greet()
        self.past.add(self.id)
        self.job = peer.job(self.endpoint.url("/held"), budget_ms=60000)
        self.id = self.job[1]["id"]

    def greet(self):
        """The hello, without what earlier stories have left."""
        self.ws, self.hello = self.fake.greet()
        self.hello["known"] = [job_id for job_id in self.hello["known"] if job_id not in self.past]
        return self.hello

    def result(self):
        """The next one of this story."""
        while (body := self.ws.receive(peer.RESULT)[1])["id"] in self.past:
            self.ws.send((peer.ACK, {"ids": [body["id"]]}))
        return body

    def drop(self):
        if self.ws is not None:
            self.ws.close()
            self.ws = None

    def held(self):
        jobs = self.agent.status()["jobs"]
        return jobs["running"] + jobs["unacknowledged"]

    def acknowledge(self):
        self.ws.send((peer.ACK, {"ids": [self.id]}))
        rig.wait_until(lambda: self.held() == 0, "the agent has let go of the job")

    # Where the job stands

    def not_begun(self):
        """Half of its message is with the agent."""
        octets = msgpack.packb(list(self.job))
        frame = b"\x82\x7e" + len(octets).to_bytes(2, "big") + octets  # RFC 6455 5.2: 126 to 65535 octets
        assert 126 <= len(octets)
        self.ws.sock.sendall(frame[:len(frame) // 2])

    def sent(self):
        self.ws.send(self.job)
        assert self.endpoint.journal.wait_for("/held", 1)

    def answered(self):
        """Its result is with the agent, and no tunnel is up."""
        self.sent()
        mark = self.agent.process.mark()
        self.drop()
        self.agent.process.wait("tunnel.closed", since=mark)
        self.endpoint.release()
        rig.wait_until(lambda: self.agent.status()["jobs"]["unacknowledged"] == 1, "the job has its result")

    def reported(self):
        self.sent()
        self.endpoint.release()
        assert self.result()["id"] == self.id

    def acknowledged(self):
        self.reported()
        self.acknowledge()

    # What breaks

    def cut_tunnel(self):
        self.drop()

    def kill_agent(self):
        self.kill_agent_with(self.agent.conf.read_text())

    def kill_agent_with(self, conf):
        """The next one has this configuration."""
        self.agent.process.kill()
        self.drop()
        self.agent.conf.write_text(conf)
        self.agent.start(wait=False)

    def kill_platform(self):
        mark = self.agent.process.mark()
        self.drop()
        self.fake.close()
        self.agent.process.wait("tunnel.connect_failed", since=mark)
        self.fake = peer.FakePlatform(self.platform)

    def kill_both(self):
        self.agent.process.kill()
        self.drop()
        self.fake.close()
        self.fake = peer.FakePlatform(self.platform)
        self.agent.start(wait=False)

    def close(self):
        self.drop()
        assert self.agent.stop() == 0
        self.fake.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Endpoint() as endpoint:
        story = Story(tmp_path_factory.mktemp("story"), endpoint)
        yield story
        story.close()


@pytest.fixture
def story(stage):
    stage.begin()
    yield stage
    stage.endpoint.release()


FAULTS = ["cut_tunnel", "kill_agent", "kill_platform", "kill_both"]


def break_it(story, stands, fault):
    """The hello before and the one after."""
    before = story.hello
    getattr(story, stands)()
    getattr(story, fault)()
    after = story.greet()
    is_killed = fault in ("kill_agent", "kill_both")
    assert after["ledger"] == before["ledger"], "the same ledger is still there"
    assert after["ledger_seq"] >= before["ledger_seq"]
    assert (after["instance"] != before["instance"]) == is_killed
    return after


def executed(story):
    return story.endpoint.count("/held")


def never_again(story):
    """The same id once more is never executed once more; another job proves that it was passed over."""
    other = peer.job(story.endpoint.url("/token"))
    story.ws.send(story.job, other)
    while (body := story.result())["id"] == story.id:
        pass
    story.past.add(body["id"])
    story.ws.send((peer.ACK, {"ids": [body["id"], story.id]}))
    rig.wait_until(lambda: story.held() == 0, "nothing is held")
    assert executed(story) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_job_that_had_not_begun_is_not_known_and_runs_when_it_comes(story, fault):
    assert break_it(story, "not_begun", fault)["known"] == []
    assert executed(story) == 0
    story.reported()
    assert executed(story) == 1
    story.acknowledge()


@pytest.mark.parametrize("fault", ["cut_tunnel", "kill_platform"])
def test_a_request_that_was_sent_is_known_and_its_token_comes(story, fault):
    assert break_it(story, "sent", fault)["known"] == [story.id]
    story.ws.send(story.job)  # a platform that repeats itself changes nothing
    story.endpoint.release()
    result = story.result()
    assert (result["id"], result["outcome"], result["execution"]) == (story.id, "issued", "answered")
    story.acknowledge()
    never_again(story)


@pytest.mark.parametrize("fault", ["kill_agent", "kill_both"])
def test_a_request_that_was_sent_by_a_killed_agent_is_reported_as_sent(story, fault):
    assert break_it(story, "sent", fault)["known"] == [story.id]
    result = story.result()
    assert (result["id"], result["outcome"], result["code"]) == (story.id, "failed", "agent_lost")
    assert result["execution"] == "sent" and result["error"]["stage"] == "agent" and "may have acted" in result["error"]["message"]
    assert "age_ms" not in result and "token" not in result
    story.acknowledge()
    never_again(story)


@pytest.mark.parametrize("stands", ["answered", "reported"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_result_that_is_not_acknowledged_is_reported_again(story, stands, fault):
    assert break_it(story, stands, fault)["known"] == [story.id]
    result = story.result()
    assert (result["id"], result["outcome"], result["execution"]) == (story.id, "issued", "answered")
    assert result["token"]["access_token"].startswith("at-")
    if fault in ("kill_agent", "kill_both"):
        assert "age_ms" not in result, "nobody knows how long it was down"
    elif stands == "reported":
        assert result["age_ms"] >= 0
    story.acknowledge()
    never_again(story)


@pytest.mark.parametrize("fault", ["cut_tunnel", "kill_platform"])
def test_what_is_acknowledged_is_forgotten(story, fault):
    assert break_it(story, "acknowledged", fault)["known"] == []
    never_again(story)


@pytest.mark.parametrize("fault", ["kill_agent", "kill_both"])
def test_what_was_acknowledged_to_a_killed_agent_is_never_run_again(story, fault):
    """That it was acknowledged is written with what comes next: it may be reported once more."""
    known = break_it(story, "acknowledged", fault)["known"]
    assert known in ([], [story.id])
    if known:
        result = story.result()
        assert (result["id"], result["outcome"]) == (story.id, "issued")
        story.acknowledge()
    assert executed(story) == 1


def test_a_job_on_a_half_open_tunnel_is_never_run(story):
    """The agent has given the tunnel up; what the platform writes to it afterwards is read by nobody."""
    story.drop()
    old, _ = story.fake.greet(heartbeat_ms=1000)
    mark = story.agent.process.mark()
    story.agent.process.wait("tunnel.closed", since=mark)  # for silence: nothing was read or answered here
    try:
        old.send(story.job)
    except OSError:
        pass  # its end has come back already
    assert story.greet()["known"] == []
    other = peer.job(story.endpoint.url("/token"))
    story.ws.send(other)
    assert story.result()["id"] == other[1]["id"]
    assert executed(story) == 0
    story.past.add(other[1]["id"])
    story.ws.send((peer.ACK, {"ids": [other[1]["id"]]}))
    rig.wait_until(lambda: story.held() == 0, "nothing is held")
    old.close()


def test_a_drained_agent_leaves_nothing_and_one_that_is_forced_reports_later(story):
    """SIGTERM twice ends it at once; what is held stays in the ledger."""
    story.reported()
    process = story.agent.process
    process.signal(15)
    story.ws.receive(peer.DRAIN)
    process.signal(15)
    assert process.finished() == 0
    story.drop()
    story.agent.start(wait=False)
    assert story.greet()["known"] == [story.id]
    assert story.result()["outcome"] == "issued"
    story.acknowledge()
    assert process.count("agent.stop_forced") == 1
    story.agent.process.signal(15)
    assert story.agent.process.finished() == 0
    story.drop()
    story.agent.start(wait=False)
    assert story.greet()["known"] == [], "closed cleanly: what was acknowledged is not in it"


def test_a_job_that_is_ended_by_force_is_reported_by_the_next_process(story):
    story.sent()
    process = story.agent.process
    process.signal(15)
    story.ws.receive(peer.DRAIN)
    process.signal(15)
    assert process.finished() == 0
    story.drop()
    story.agent.start(wait=False)
    assert story.greet()["known"] == [story.id]
    result = story.result()
    assert (result["outcome"], result["execution"]) == ("failed", "sent")
    story.acknowledge()
    never_again(story)


def test_jobs_over_a_lowered_capacity_are_held_and_reported(story):
    jobs = [peer.job(story.endpoint.url("/token")) for _ in range(5)]
    ids = {body["id"] for _, body in jobs}
    story.past.add(story.id)
    story.ws.send(*jobs)
    assert {story.result()["id"] for _ in jobs} == ids
    conf = story.agent.conf.read_text()
    story.kill_agent_with(conf + "limits = { jobs = 2; };\n")
    hello = story.greet()
    assert hello["capacity"] == 2 and set(hello["known"]) == ids
    assert {story.result()["id"] for _ in jobs} == ids
    refused = peer.job(story.endpoint.url("/token"))
    story.ws.send(refused)
    result = story.result()
    assert result["id"] == refused[1]["id"]
    assert (result["code"], result["execution"], result["error"]["stage"]) == ("agent_unavailable", "not_sent", "agent")
    story.past |= ids | {result["id"]}
    story.ws.send((peer.ACK, {"ids": [*ids, result["id"]]}))
    rig.wait_until(lambda: story.held() == 0, "nothing is held")
    story.kill_agent_with(conf)
    assert story.greet()["capacity"] == 1024


def test_a_result_without_a_token_is_kept_as_well(story):
    """Refused by the policy before any request: its result is recorded as any other."""
    refused = peer.job("http://127.0.0.1:1/nowhere")
    story.id = refused[1]["id"]
    story.ws.send(refused)
    first = story.result()
    assert (first["code"], first["execution"]) == ("policy_refused", "not_sent")
    story.kill_agent()
    assert story.greet()["known"] == [story.id]
    again = story.result()
    assert (again["id"], again["code"], again["execution"]) == (story.id, "policy_refused", "not_sent")
    story.acknowledge()
