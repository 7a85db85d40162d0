"""`connector-agent status` and `--watch`: what it shows, and that it outlives the agent."""
import json
import os
import pty
import signal
import subprocess
import threading

import pytest
import rig


class Watch:
    """`status --watch` in the background; what it prints can be waited for."""

    def __init__(self, agent, *options, stdout=subprocess.PIPE):
        self.text = ""
        self._changed = threading.Condition()
        self.popen = subprocess.Popen([rig.BUILD / "connector-agent", "status", "--watch", *options, "-c", agent.conf],
                                      stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, env=rig.ENV)
        self.read_from = self.popen.stdout.fileno() if stdout == subprocess.PIPE else None

    def follow(self, descriptor=None):
        self.read_from = self.read_from if descriptor is None else descriptor
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self):
        while True:
            try:
                piece = os.read(self.read_from, 65536)
            except OSError:  # a terminal whose other end is closed
                piece = b""
            with self._changed:
                self.text += piece.decode()
                self._changed.notify_all()
            if not piece:
                return

    def wait(self, claim, since=0):
        """Until the claim about what was printed from `since` on holds."""
        with self._changed:
            assert self._changed.wait_for(lambda: claim(self.text[since:]), rig.WAIT_S), self.text[since:]

    def interrupt(self, signum=signal.SIGINT):
        self.popen.send_signal(signum)
        assert self.popen.wait(20) == 0
        errors = self.popen.stderr.read().decode()
        assert errors == "", errors


@pytest.fixture
def watch(agent):
    watches = []

    def start(*options):
        watches.append(Watch(agent, *options).follow())
        return watches[-1]
    yield start
    for one in watches:
        if one.popen.poll() is None:
            one.popen.kill()
            one.popen.wait()


@pytest.fixture
def failing(platform, agent, endpoint):
    """An agent that has issued one token, and refused twice."""
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/token")).start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))
    platform.put_profile("q", connector="dc", token_url=endpoint.url("/other"))
    assert platform.exchange("p", variables={"username": "a", "password": "right"}).status == 200
    assert platform.exchange("p", variables={"username": "a", "password": "hunter2"}).status == 422
    assert platform.exchange("q", variables={"username": "a", "password": "hunter2"}).status == 422
    return agent


def test_status_tells_round_trip_jobs_failures_and_days(failing):
    rig.wait_until(lambda: failing.status()["tunnels"][0]["round_trip_us"] > 0, "a round trip is known", timeout=40)
    status = failing.status()
    assert status["jobs"]["done"] == 3 and status["jobs"]["running"] == 0
    assert status["jobs"]["outcomes"]["issued"] == 1 and status["jobs"]["not_issued_by_stage"] == {"policy": 1, "parse": 1}
    assert 28 <= status["certificate"]["days_left"] <= 30
    newest, older = status["failures"]
    assert (newest["code"], newest["stage"], newest["status"]) == ("policy_refused", "policy", 0)
    assert (older["code"], older["status"]) == ("credentials_refused", 400)
    assert '"e"' in newest["message"] and 0 <= newest["ago_s"] < 60
    text = failing.cli("status").stdout
    for words in ("round trip", "3 done", "last failures", "policy_refused at policy: ", "credentials_refused", "good for"):
        assert words in text, text
    assert "hunter2" not in text + json.dumps(status)


def test_no_failures_no_list(agent):
    agent.start()
    assert agent.status()["failures"] == [] and "last failures" not in agent.cli("status").stdout


def test_watch_outlives_a_restart_of_the_agent(failing, watch):
    one = watch()
    one.wait(lambda text: text.count("ready, agent") >= 2)  # again, without being asked
    assert "\n\n" in one.text and "\x1b" not in one.text, "blocks, no screen is cleared in a pipe"
    before = len(one.text)
    failing.stop()
    one.wait(lambda text: "it is not running" in text, since=before)
    down = len(one.text)
    failing.start()
    one.wait(lambda text: "ready, agent" in text and "0 done" in text, since=down)
    one.interrupt()


def test_watch_begins_before_the_agent_runs(agent, watch):
    one = watch("--json")
    one.wait(lambda text: text.count("\n") >= 1)
    first = json.loads(one.text.splitlines()[0])
    assert first["state"] == "unreachable" and "not running" in first["trouble"]
    agent.start()
    one.wait(lambda text: '"state":"ready"' in text)
    for line in one.text.splitlines()[:-1]:
        json.loads(line)
    one.interrupt(signal.SIGTERM)


def test_watch_clears_a_terminal(agent):
    agent.start()
    ours, theirs = pty.openpty()
    one = Watch(agent, stdout=theirs)
    os.close(theirs)
    one.follow(ours)
    one.wait(lambda text: text.count("\x1b[H\x1b[2J") >= 2 and "agent" in text)
    one.interrupt()
    os.close(ours)


def test_watch_ends_when_nobody_reads_it(agent):
    agent.start()
    one = Watch(agent)
    one.popen.stdout.close()
    assert one.popen.wait(20) == 0
