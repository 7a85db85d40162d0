"""Where a job stood when something broke: the real agent and the real platform, a relay between them.

What each story must show: the endpoint executed the job once at most, and its token reached whoever
asked, or can be claimed, unless nobody can know what came of it.
"""
import concurrent.futures
import shutil

import pytest
import rig
from endpoint import Endpoint
from relay import Relay

BUDGET_MS = 60000


class Line:
    """Caller, platform, relay, agent, endpoint."""

    def __init__(self, folder, endpoint, pool):
        self.endpoint, self.pool = endpoint, pool
        self.platform = rig.Platform(folder / "platform").start()
        self.agent = rig.Agent(folder / "agent").enroll(self.platform.add_connector("dc"))
        self.relay = Relay(self.platform.tunnel_port)
        self.agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**"))
        conf = self.agent.conf.read_text()
        self.agent.conf.write_text(conf.replace(f":{self.platform.tunnel_port}/", f":{self.relay.port}/"))
        self.platform.put_profile("p", connector="dc", token_url=endpoint.url("/held"))
        self.agent.start()

    def begin(self):
        self.endpoint.journal.clear()
        self.endpoint.hold()
        self.answer = None
        self.before = self.exchange_ids()

    def ask(self):
        variables = {"username": "alice", "password": "right"}
        self.answer = self.pool.submit(self.platform.exchange, "p", variables=variables, budget_ms=BUDGET_MS)

    def held(self):
        jobs = self.agent.status()["jobs"]
        return jobs["running"] + jobs["unacknowledged"]

    def nothing_held(self):
        rig.wait_until(lambda: self.held() == 0, "the agent holds nothing")

    def exchange_ids(self):
        return {row["id"] for row in self.platform.api("GET", "/v1/exchanges?profile=p").json["exchanges"]}

    def claim(self):
        """What the caller that has gone finds out in the end."""
        (exchange_id,) = self.exchange_ids() - self.before
        path = f"/v1/exchanges/{exchange_id}/result"
        answers = []

        def is_there():
            answers.append(self.platform.api("GET", path, key=self.platform.app_key))
            return answers[-1].status != 202
        rig.wait_until(is_there, "the result")
        return answers[-1]

    # Where the job stands

    def not_begun(self):
        self.relay.pause("to_agent")
        self.ask()
        self.relay.wait_held("to_agent")

    def sent(self):
        self.ask()
        assert self.endpoint.journal.wait_for("/held", 1)

    def answered(self):
        self.sent()
        mark = self.agent.process.mark()
        self.relay.down()
        self.agent.process.wait("tunnel.closed", since=mark)
        self.endpoint.release()
        rig.wait_until(lambda: self.agent.status()["jobs"]["unacknowledged"] == 1, "the job has its result")

    def reported(self):
        self.sent()
        self.relay.pause("to_agent")
        self.endpoint.release()
        self.relay.wait_held("to_agent")  # the acknowledgement

    def acknowledged(self):
        self.sent()
        self.endpoint.release()
        self.answer.result()
        self.nothing_held()

    # What breaks

    def kill_agent(self):
        self.agent.process.kill()

    def kill_platform(self):
        self.platform.process.kill()

    def kill_both(self):
        self.kill_agent()
        self.kill_platform()

    def cut_tunnel(self):
        pass  # come_back() cuts

    def come_back(self):
        """Whatever was killed runs again, and the tunnel is up anew."""
        mark = self.agent.process.mark()
        self.relay.cut()
        if self.platform.process.popen.poll() is not None:
            self.platform.start()
        if self.agent.process.popen.poll() is not None:
            mark = 0
            self.agent.start(wait=False)
        self.relay.up()
        self.agent.process.wait("tunnel.ready", since=mark)

    def close(self):
        assert self.agent.stop() == 0
        self.relay.close()
        assert self.platform.stop() == 0


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    with Endpoint() as endpoint, concurrent.futures.ThreadPoolExecutor(4) as pool:
        line = Line(tmp_path_factory.mktemp("line"), endpoint, pool)
        yield line
        line.close()


@pytest.fixture
def line(connected):
    connected.begin()
    yield connected
    connected.endpoint.release()
    connected.nothing_held()


def gone(line):
    """The caller's connection ended with its platform."""
    with pytest.raises(OSError):
        line.answer.result()


def token_of(answer):
    assert answer.status == 200, answer
    return answer.json["token"]["access_token"]


def once(line):
    line.nothing_held()
    assert line.endpoint.count("/held") == 1


FAULTS = ["cut_tunnel", "kill_agent", "kill_platform", "kill_both"]
STAGES = ["not_begun", "sent", "answered", "reported", "acknowledged"]

# What becomes of the job: the caller gets the token; or it was gone and claims the token; or is told
# (or claims) that the request was sent and no more is known; or it never ran.
WANT = {
    "cut_tunnel": ["token", "token", "token", "token", "token"],
    "kill_agent": ["token", "lost", "token", "token", "token"],
    "kill_platform": ["never_ran", "claimed", "claimed", "token", "token"],
    "kill_both": ["never_ran", "claimed_lost", "claimed", "token", "token"],
}


@pytest.mark.parametrize("fault, stands, want", [(fault, stands, want) for fault in FAULTS
                                                 for stands, want in zip(STAGES, WANT[fault])])
def test_a_job_is_executed_once_at_most_and_its_token_arrives(line, fault, stands, want):
    getattr(line, stands)()
    if stands == "reported":
        token_of(line.answer.result())  # the caller has it before the agent knows
    getattr(line, fault)()
    line.come_back()
    if want != "lost":
        line.endpoint.release()
    globals()[f"and_{want}"](line)


def and_token(line):
    assert token_of(line.answer.result()).startswith("at-")
    once(line)


def and_claimed(line):
    gone(line)
    assert token_of(line.claim()).startswith("at-")
    once(line)


def and_lost(line):
    problem = line.answer.result()
    assert (problem.status, problem.json["code"], problem.json["execution"]) == (504, "agent_lost", "sent")
    once(line)


def and_claimed_lost(line):
    gone(line)
    problem = line.claim()
    assert (problem.status, problem.json["code"], problem.json["execution"]) == (504, "agent_lost", "sent")
    once(line)


def and_never_ran(line):
    gone(line)
    line.nothing_held()
    assert line.endpoint.count("/held") == 0


# What the ledger can't prove, the caller isn't told.

def test_of_a_lost_ledger_nothing_is_believed(line):
    line.sent()
    line.kill_agent()
    shutil.rmtree(line.agent.folder / "ledger")
    line.come_back()
    and_lost(line)


def test_of_a_ledger_that_was_set_back_nothing_is_believed(line, tmp_path):
    """A copy of before the job: it doesn't name the job, which was sent all the same."""
    ledger = line.agent.folder / "ledger"
    line.kill_agent()
    shutil.copytree(ledger, tmp_path / "copy")
    line.come_back()
    line.sent()
    line.kill_agent()
    shutil.rmtree(ledger)
    shutil.copytree(tmp_path / "copy", ledger)
    mark = line.platform.process.mark()
    line.come_back()
    line.platform.process.wait("agent.ledger_set_back", since=mark)
    and_lost(line)

