"""Both real ends: restarts, revocation, renewal, the status socket."""
import concurrent.futures
import os
import signal
import stat

import pytest
import rig

RIGHT = {"username": "alice", "password": "right"}


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(4) as p:
        yield p


@pytest.fixture
def ready(platform, agent, endpoint):
    agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**")).start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))
    return platform


def test_an_agent_that_starts_before_its_platform_waits_for_it(platform, agent):
    platform.stop()
    agent.start(wait=False)
    agent.process.wait("tunnel.connect_failed")
    platform.start()
    agent.process.wait("tunnel.ready")


def test_the_agent_is_back_after_a_restart_of_the_platform(ready, agent):
    mark = agent.process.mark()
    ready.stop()
    agent.process.wait("tunnel.(closed|drain)", since=mark)
    mark = agent.process.mark()
    ready.start()
    agent.process.wait("tunnel.ready", since=mark)
    assert ready.exchange("p", variables=RIGHT).status == 200


def test_the_agent_is_back_after_the_platform_was_killed(ready, agent):
    ready.process.kill()
    mark = agent.process.mark()
    ready.start()
    agent.process.wait("tunnel.ready", since=mark)
    assert ready.exchange("p", variables=RIGHT).status == 200


def test_a_killed_agent_is_back_at_once(ready, agent):
    agent.process.kill()
    agent.start()
    rig.wait_until(lambda: ready.exchange("p", variables=RIGHT).status == 200, "an exchange works again")


def test_an_exchange_waits_for_an_agent_that_restarts(ready, agent, pool):
    assert agent.stop() == 0
    answer = pool.submit(ready.exchange, "p", variables=RIGHT)
    rig.wait_until(lambda: ready.api("GET", "/v1/connectors/dc").json["queued"] == 1, "it waits")
    agent.start()
    assert answer.result().status == 200


def test_an_exchange_waits_for_the_agents_of_a_platform_that_was_killed(ready, agent):
    ready.process.kill()
    agent.process.wait("tunnel.connect_failed")  # it is not back at once
    ready.start()
    assert ready.exchange("p", variables=RIGHT).status == 200


def test_an_exchange_does_not_wait_for_an_agent_that_stays_away(ready, agent):
    assert agent.stop() == 0
    answer = ready.exchange("p", variables=RIGHT, budget_ms=60000)
    assert answer.status == 503 and answer.json["code"] == "connector_offline" and answer.json["safe_to_retry"] == "yes", answer
    answer = ready.exchange("p", variables=RIGHT, budget_ms=60000)
    assert answer.json["code"] == "connector_offline" and "waited" not in answer.json["detail"], answer


def test_status_tells_state_and_counts(ready, agent, endpoint):
    assert ready.exchange("p", variables=RIGHT).status == 200
    assert ready.exchange("p", variables={**RIGHT, "password": "wrong"}).status == 422
    # a caller is answered before the result is stored and acknowledged
    rig.wait_until(lambda: agent.status()["jobs"]["unacknowledged"] == 0, "the results are acknowledged")
    status = agent.status()
    assert status["state"] == "ready" and status["pid"] == agent.process.pid
    assert status["tunnels"][0]["number"] == 0 and status["tunnels"][0]["state"] == "ready"
    assert status["jobs"]["done"] == 2 and status["jobs"]["running"] == 0
    assert status["jobs"]["outcomes"]["issued"] == 1 and status["jobs"]["outcomes"]["refused"] == 1
    assert 28 <= status["certificate"]["days_left"] <= 30
    human = agent.cli("status")
    assert human.returncode == 0 and human.stdout.startswith("ready, agent ")
    mode = stat.S_IMODE(os.stat(agent.folder / "control.sock").st_mode)
    assert mode == 0o600


def test_status_of_an_agent_that_does_not_run_says_so(agent):
    done = agent.cli("status")
    assert done.returncode == 4 and "not running" in done.stderr


def test_a_second_agent_on_the_same_socket_is_refused(ready, agent):
    done = agent.cli("run")
    assert done.returncode != 0 and "control.sock" in done.stderr, done.stderr


def test_a_revoked_agent_says_that_it_must_be_enrolled_again(ready, agent):
    done = ready.cli("connector", "revoke", "dc")
    assert done.returncode == 0, done.stderr
    line = agent.process.wait("tunnel.closed.*code=4401")
    assert "enrol it again" in line
    assert ready.exchange("p", variables=RIGHT).json["code"] == "connector_offline"
    agent.stop()
    string = ready.cli("connector", "enroll", "dc").stdout.strip()
    agent.enroll(string, "--force").start()
    assert ready.exchange("p", variables=RIGHT).status == 200


def test_the_certificate_renews_itself_at_two_thirds_of_its_life(ready, agent):
    agent.stop()
    subject = rig.run("openssl", "x509", "-in", agent.folder / "agent.pem", "-noout", "-subject", "-nameopt", "RFC2253").stdout
    names = dict(part.split("=") for part in subject.strip().split("=", 1)[1].split(","))
    csr = agent.folder / "old.csr"
    rig.run("openssl", "req", "-new", "-key", agent.folder / "agent.key", "-subj", f"/CN={names['CN']}/OU={names['OU']}", "-out", csr)
    (agent.folder / "ext").write_text("extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\nbasicConstraints=CA:FALSE\n")
    # one day of life of which nearly none is left would end during the test: three days begun two ago
    made = rig.run("openssl", "x509", "-req", "-in", csr, "-CA", ready.folder / "ca.pem", "-CAkey", ready.folder / "ca.key",
                   "-days", "1", "-extfile", agent.folder / "ext", "-out", agent.folder / "short.pem",
                   prefix=("faketime", "-f", "-20h")) if os.path.exists("/usr/bin/faketime") else None
    if made is None or made.returncode != 0:
        pytest.skip("faketime is not installed")
    os.replace(agent.folder / "short.pem", agent.folder / "agent.pem")
    key_before = (agent.folder / "agent.key").read_bytes()
    agent.start()
    agent.process.wait("certificate.renewed")
    assert (agent.folder / "agent.key").read_bytes() != key_before
    assert stat.S_IMODE(os.stat(agent.folder / "agent.key").st_mode) == 0o600
    assert agent.status()["certificate"]["days_left"] >= 28
    assert agent.cli("check").returncode == 0
    agent.process.signal(signal.SIGTERM)
    agent.process.finished()
    agent.start()  # with the new pair
    assert ready.exchange("p", variables=RIGHT).status == 200
