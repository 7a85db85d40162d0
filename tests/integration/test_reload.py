"""SIGHUP: what takes effect without dropping a tunnel or a job, and what a wrong file gets."""
import concurrent.futures
import signal

import proxies
import pytest
import rig
from endpoint import Endpoint
from endpoint_tls import tls_context

RIGHT = {"username": "alice", "password": "right"}
SLOW = "/close-after-answer?delay_ms=1500"


def hangup(process, expect="agent.reloaded"):
    """SIGHUP, and the log line that says what came of it."""
    since = process.mark()
    process.signal(signal.SIGHUP)
    return process.wait(expect, since)


@pytest.fixture
def running(platform, agent, endpoint):
    """An agent that may reach one slow path and /token, with a profile for each."""
    origin = rig.origin(endpoint.url("/"))
    agent.set_policy(rig.rule("slow", origin + "/close-after-answer"), rig.rule("token", origin + "/token")).start()
    platform.put_profile("slow", connector="dc", token_url=endpoint.url(SLOW))
    platform.put_profile("token", connector="dc", token_url=endpoint.url("/token"))
    platform.put_profile("other", connector="dc", token_url=endpoint.url("/form-answer"))
    return agent


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(16) as p:
        yield p


def shown_rules(platform):
    return [rule["name"] for rule in platform.agents("dc")[0]["policy"]["rules"]]


def test_a_new_policy_counts_at_once_and_drops_neither_tunnel_nor_job(platform, running, endpoint, pool):
    origin = rig.origin(endpoint.url("/"))
    jobs = [pool.submit(platform.exchange, "slow", variables=RIGHT) for _ in range(8)]
    assert endpoint.journal.wait_for("/close-after-answer", 8)
    running.set_policy(rig.rule("token", origin + "/token"), rig.rule("other", origin + "/form-answer"))
    hangup(running.process)
    assert not any(job.done() for job in jobs), "they were to run through the reload"
    assert platform.exchange("other", variables=RIGHT).status == 200
    refused = platform.exchange("slow", variables=RIGHT)
    assert refused.status == 422 and refused.json["code"] == "policy_refused", refused
    assert [job.result().status for job in jobs] == [200] * 8
    assert endpoint.count("/close-after-answer") == 8
    assert running.process.count("tunnel.ready") == 1 and running.process.count("tunnel.closed") == 0
    platform.process.wait("agent.policy")
    assert shown_rules(platform) == ["token", "other"]
    status = running.status()
    assert status["policy_rules"] == 2 and status["reload"]["ok"] is True and status["reload"]["faults"] == []


def test_the_policy_directory_is_read_anew(platform, running, endpoint):
    folder = running.folder / "policy.d"
    folder.mkdir()
    (folder / "10-more.conf").write_text(f'policy = ( {rig.rule("more", rig.origin(endpoint.url("/")) + "/form-answer")} );')
    assert platform.exchange("other", variables=RIGHT).status == 422
    hangup(running.process)
    assert platform.exchange("other", variables=RIGHT).status == 200
    (folder / "10-more.conf").unlink()
    hangup(running.process)
    assert platform.exchange("other", variables=RIGHT).status == 422


def test_many_reloads_under_running_jobs_drop_none(platform, running, endpoint, pool):
    """Each job ends under the rules that it began with, however many have come since."""
    jobs = [pool.submit(platform.exchange, "slow", variables=RIGHT) for _ in range(8)]
    assert endpoint.journal.wait_for("/close-after-answer", 8)
    for _ in range(20):
        hangup(running.process)
    assert [job.result().status for job in jobs] == [200] * 8


def test_a_wrong_file_is_refused_whole_and_told_until_it_is_right(platform, running, endpoint):
    good = running.conf.read_text()
    running.conf.write_text(good.replace('name = "slow"', 'name = "token"') + 'log = { level = "loud"; }; limit = 1;\n')
    line = hangup(running.process, "reload.refused")
    assert "faults=3" in line, line
    for field, what in (("policy\\[1\\].name", "already"), ("log.level", "loud|one of"), ("limit", "limits")):
        assert running.process.count(f"reload.fault where=\\S*agent.conf:\\d+ field=\"?{field}\"? what=.*({what})") == 1, field
    assert platform.exchange("token", variables=RIGHT).status == 200
    assert shown_rules(platform) == ["slow", "token"]
    told = running.status()["reload"]
    assert told["ok"] is False and len(told["faults"]) == 3 and told["at_unix"] > 0
    assert any("log.level" in fault and "agent.conf:" in fault for fault in told["faults"])
    human = running.cli("status")
    assert human.returncode == 4 or "REFUSED" in human.stdout, human.stdout + human.stderr
    running.conf.write_text(good)
    hangup(running.process)
    assert running.status()["reload"]["ok"] is True
    assert "REFUSED" not in running.cli("status").stdout


def test_a_file_that_is_gone_changes_nothing(platform, running):
    running.conf.rename(running.folder / "away")
    hangup(running.process, "reload.refused")
    (running.folder / "away").rename(running.conf)
    assert platform.exchange("token", variables=RIGHT).status == 200


def test_log_level_and_format_change(running):
    running.conf.write_text(running.conf.read_text() + 'log = { level = "error"; format = "json"; };\n')
    assert hangup(running.process).startswith("{")  # it is said before it is silent
    mark = running.process.mark()
    running.conf.write_text(running.conf.read_text().replace('"error"', '"info"'))
    hangup(running.process)
    running.process.wait('"agent.retry"', mark)
    assert not [line for line in running.process.lines[:mark] if '"agent.retry"' in line], "below the level"


def test_what_needs_a_restart_is_named_and_the_rest_counts(platform, running, endpoint):
    origin = rig.origin(endpoint.url("/"))
    running.set_policy(rig.rule("other", origin + "/form-answer"), extra="limits = { jobs = 7; };")
    since = running.process.mark()
    hangup(running.process)
    running.process.wait("reload.restart_needed setting=limits.jobs", since)
    assert platform.exchange("other", variables=RIGHT).status == 200
    status = running.status()
    assert status["reload"]["ok"] is True and status["reload"]["restart_needed"] == ["limits.jobs"]
    assert status["jobs"]["capacity"] == 1024
    assert "restart" in running.cli("status").stdout
    running.set_policy(rig.rule("other", origin + "/form-answer"))
    hangup(running.process)
    assert running.status()["reload"]["restart_needed"] == []


def test_a_new_identity_counts_for_the_next_connection(platform, running):
    """Enrolled again while it runs: SIGHUP takes the new certificate, the tunnel that is up stays."""
    before = running.status()["agent"]
    string = platform.api("POST", "/v1/connectors/dc/enrollments").json["string"]
    running.enroll(string, "--force")
    hangup(running.process)
    assert running.process.count("tunnel.closed") == 0
    after = running.status()["agent"]
    assert after != before
    since = running.process.mark()
    platform.stop()
    platform.start()
    running.process.wait("tunnel.ready", since)
    states = {agent["id"]: agent["state"] for agent in platform.agents("dc")}
    assert states[after] != states[before], states


def test_a_key_that_is_not_the_certificates_is_refused(platform, running, pki):
    key = (running.folder / "agent.key").read_text()
    (running.folder / "agent.key").write_text((pki / "client.key").read_text())
    hangup(running.process, "reload.refused")
    assert running.process.count("reload.fault .*field=identity .*agent.key") == 1
    (running.folder / "agent.key").write_text(key)
    hangup(running.process)
    assert platform.exchange("token", variables=RIGHT).status == 200


def test_another_ca_counts_for_the_next_connection(platform, running, pki):
    """A CA that did not issue the platform's certificate: what is up stays, what comes next is refused."""
    ours = (running.folder / "ca.pem").read_text()
    (running.folder / "ca.pem").write_text((pki / "ca.pem").read_text())
    hangup(running.process)
    assert platform.exchange("token", variables=RIGHT).status == 200
    since = running.process.mark()
    platform.stop()
    platform.start()
    running.process.wait("tunnel.connect_failed.*(issuer|certificate)", since)
    (running.folder / "ca.pem").write_text(ours)
    hangup(running.process)
    running.process.wait("tunnel.ready", since)


def test_a_rules_ca_file_is_read_anew(platform, agent, pki, tmp_path):
    ca = tmp_path / "rule-ca.pem"
    ca.write_text((pki / "other-ca.pem").read_text())
    with Endpoint(tls=tls_context(pki / "server.pem", pki / "server.key")) as endpoint:
        agent.set_policy(rig.rule("a", rig.origin(endpoint.url("/")) + "/**", ca=ca)).start()
        platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))
        refused = platform.exchange("p", variables=RIGHT)
        assert refused.status == 502 and refused.json["stage"] == "tls", refused
        ca.write_text((pki / "ca.pem").read_text())
        hangup(agent.process)
        assert platform.exchange("p", variables=RIGHT).status == 200


def test_a_proxys_new_password_counts_for_the_next_attempt(platform, agent, tmp_path):
    proxy = proxies.tinyproxy(tmp_path / "proxy", "agent-7", "right")
    try:
        auth = agent.folder / "proxy.auth"
        auth.write_text("agent-7:wrong\n")
        auth.chmod(0o600)
        url = f"wss://localhost:{platform.tunnel_port}/v1/tunnel"
        agent.conf.write_text(f'platform = {{ url = "{url}"; proxy = "{proxy.url}"; proxy_auth_file = "proxy.auth"; }};\n')
        agent.start(wait=False)
        agent.process.wait("tunnel.connect_failed.*user and password")
        auth.write_text("agent-7:right\n")
        hangup(agent.process)
        agent.process.wait("tunnel.ready")
        agent.conf.write_text(f'platform = {{ url = "{url}"; }};\n')
        hangup(agent.process)
        assert agent.process.count("tunnel.closed") == 0 and agent.status()["reload"]["restart_needed"] == []
        assert agent.status()["proxy"] is None
        since = agent.process.mark()
        platform.stop()
        platform.start()
        agent.process.wait("tunnel.ready", since)
        assert agent.status()["tunnels"][0]["peer"].endswith(f":{platform.tunnel_port}")
    finally:
        proxy.close()


def test_a_policy_too_long_to_be_told_counts_all_the_same(platform, running, endpoint):
    """What the platform is shown is cut to the names; the agent can still connect and greet."""
    origin = rig.origin(endpoint.url("/"))
    many = [rig.rule(f"r{i}", f"https://login-{i}.hr.example/" + "x" * 300) for i in range(998)]
    running.set_policy(*many, rig.rule("token", origin + "/token"))
    hangup(running.process)
    running.process.wait("tunnel.policy_not_shown .*URLs")
    platform.process.wait("agent.policy .*rules=999")
    assert platform.agents("dc")[0]["policy"]["rules"][998] == {"name": "token"}
    assert platform.exchange("token", variables=RIGHT).status == 200
    running.stop()
    running.start()
    assert platform.exchange("token", variables=RIGHT).status == 200


# --- the platform ---

def test_the_platform_takes_its_log_and_keeps_tunnels_and_jobs(platform, running, endpoint, pool):
    job = pool.submit(platform.exchange, "slow", variables=RIGHT)
    assert endpoint.journal.wait_for("/close-after-answer", 1)
    assert "reload" not in platform.api("GET", "/readyz", key="").json
    platform.conf.write_text(platform.conf.read_text() + 'log = { level = "info"; format = "json"; };\n')
    assert hangup(platform.process, "platform.reloaded").startswith("{")
    assert job.result().status == 200
    assert running.process.count("tunnel.closed") == 0
    ready = platform.api("GET", "/readyz", key="")
    assert ready.status == 200 and ready.json["reload"]["ok"] is True and ready.json["reload"]["faults"] == 0
    mark = platform.process.mark()
    platform.conf.write_text(platform.conf.read_text().replace('"info"', '"error"'))
    hangup(platform.process, "platform.reloaded")
    process = platform.process
    assert platform.stop() == 0
    assert not [line for line in process.lines[mark:] if '"platform.stopping"' in line]


def test_a_wrong_platform_conf_is_refused_whole_and_told(platform, agent):
    good = platform.conf.read_text()
    platform.conf.write_text(good.replace("public_url", "public_uri") + 'log = { level = "loud"; };\n')
    hangup(platform.process, "reload.refused")
    for text in ("platform.conf:\\d+ field=public_uri .*public_url", "platform.conf:\\d+ field=log.level "):
        assert platform.process.count(f"reload.fault where=\\S*{text}") == 1, text
    ready = platform.api("GET", "/readyz", key="")
    assert ready.status == 200 and ready.json["status"] == "ready"
    assert ready.json["reload"]["ok"] is False and ready.json["reload"]["faults"] >= 2 and ready.json["reload"]["at"].endswith("Z")
    agent.start()
    platform.conf.write_text(good)
    hangup(platform.process, "platform.reloaded")
    assert platform.api("GET", "/readyz", key="").json["reload"]["ok"] is True


def test_what_the_platform_can_not_change_is_named(platform):
    platform.conf.write_text(platform.conf.read_text() + 'limits = { tunnels = 7; };\nca = { agent_days = 3; };\n')
    since = platform.process.mark()
    hangup(platform.process, "platform.reloaded")
    platform.process.wait("reload.restart_needed setting=limits.tunnels", since)
    assert platform.process.count("setting=ca.agent_days") == 0


def test_the_life_of_new_certificates_changes(platform, agent, tmp_path):
    platform.conf.write_text(platform.conf.read_text() + "ca = { agent_days = 3; };\n")
    hangup(platform.process, "platform.reloaded")
    other = rig.Agent(tmp_path / "other").enroll(platform.api("POST", "/v1/connectors/dc/enrollments").json["string"])
    other.start()
    try:
        assert other.status()["certificate"]["days_left"] in (2, 3)
    finally:
        other.stop()
