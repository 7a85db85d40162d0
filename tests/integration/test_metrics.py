"""GET /metrics, read by Prometheus' own parser of OpenMetrics."""
import http.client
import json
import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_text

import rig
from hand import Hand

OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"  # Prometheus 2
CODES = {"issued", "credentials_refused", "endpoint_unreachable", "policy_refused", "connector_offline", "unknown"}


class Page:
    """What a program tells: the samples by name and labels."""

    def __init__(self, port, accept=OPEN):
        answer = rig.http_ask("127.0.0.1", port, "GET", "/metrics", headers={"Accept": accept})
        assert answer.status == 200
        self.type = answer.headers["content-type"]
        self.text = answer.body.decode()
        self.families = {f.name: f for f in (read_open if accept == OPEN else read_text)(self.text)}

    def get(self, name, **labels):
        """The sample's value; 0 if there is none, as for a counter that has counted nothing."""
        found = [s.value for f in self.families.values() for s in f.samples if s.name == name and s.labels == labels]
        assert len(found) <= 1
        return found[0] if found else 0

    def labels(self, name):
        return {label: {s.labels[label] for f in self.families.values() for s in f.samples if label in s.labels}
                for f in self.families.values() for s in f.samples for label in s.labels}.get(name, set())


def metrics_port(process):
    return int(re.search(r"port=(\d+)", process.wait("metrics.started")).group(1))


METRICS = 'metrics = { listen = "127.0.0.1:0"; };'


@pytest.fixture
def measured(tmp_path):
    """A platform that serves its metrics, and its port. One exchange a connector may wait."""
    p = rig.Platform(tmp_path / "platform", extra=METRICS + "limits = { queue_per_connector = 1; };").start()
    p.metrics_port = metrics_port(p.process)
    yield p
    assert p.stop() in (0, None)


@pytest.fixture
def measured_agent(tmp_path, measured, endpoint):
    """An agent of "dc" that serves its metrics and may reach the endpoint."""
    a = rig.Agent(tmp_path / "agent").enroll(measured.add_connector("dc"))
    a.set_policy(rig.rule("all", f"{rig.origin(endpoint.url())}/**"), extra=METRICS).start()
    a.metrics_port = metrics_port(a.process)
    yield a
    assert a.stop() in (0, None)


def ask(platform, profile, password="right"):
    return platform.exchange(profile, variables={"username": "alice", "password": password})


def begin(platform, profile):
    """A caller who has asked and waits; close() hangs up."""
    caller = http.client.HTTPConnection("127.0.0.1", platform.api_port)
    caller.request("POST", f"/v1/profiles/{profile}/exchange", headers={"Authorization": f"Bearer {platform.app_key}"},
                   body=json.dumps({"variables": {"username": "alice", "password": "right"}}))
    return caller


def test_a_move_to_another_agent_is_counted_by_its_stage(tmp_path, measured):
    first = Hand(measured, rig.Agent(tmp_path / "first").enroll(measured.add_connector("dc")))
    string = measured.api("POST", "/v1/connectors/dc/enrollments").json["string"]
    second = Hand(measured, rig.Agent(tmp_path / "second").enroll(string))
    measured.put_profile("p", connector="dc", token_url="https://hr.example/token")
    first.join()
    caller = begin(measured, "p")
    job = first.job()
    second.join()
    first.report(job, outcome="failed", code="endpoint_unreachable", execution="not_sent", status=0, token=None,
                 error={"stage": "connect", "message": "nobody listens"})
    second.report(second.job())
    assert caller.getresponse().status == 200
    page = Page(measured.metrics_port)
    assert page.get("connector_platform_exchanges_moved_total", stage="connect") == 1
    assert page.get("connector_platform_exchanges_total", outcome="issued", code="issued") == 1
    for hand in (first, second):
        hand.leave()
    caller.close()


def test_exchanges_move_the_figures_of_both(measured, measured_agent, endpoint):
    for name, url in (("hr", endpoint.url()), ("no", endpoint.url("/status/400?error=invalid_grant")),
                      ("far", "http://127.0.0.1:1/token")):
        measured.put_profile(name, connector="dc", token_url=url)
    before = Page(measured.metrics_port)
    assert before.get("connector_platform_exchanges_total", outcome="issued", code="issued") == 0
    assert [ask(measured, "hr").status for _ in range(3)] == [200, 200, 200]
    refused = ask(measured, "no").json
    far = ask(measured, "far").json
    assert far["code"] == "policy_refused"

    agent, platform = Page(measured_agent.metrics_port), Page(measured.metrics_port)
    for page, prefix in ((agent, "connector_agent_jobs"), (platform, "connector_platform_exchanges")):
        assert page.get(f"{prefix}_total", outcome="issued", code="issued") == 3
        assert page.get(f"{prefix}_total", outcome="refused", code=refused["code"]) == 1
        assert page.get(f"{prefix}_total", outcome="failed", code="policy_refused") == 1
        assert page.get(f"{prefix}_failed_total", stage="policy") == 1
        assert page.get(f"{prefix}_failed_total", stage=refused["stage"]) == 1
        hop = prefix.rsplit("_", 1)[0] + "_hop_duration_seconds"
        assert page.get(f"{hop}_count", hop="wait") == 4  # the policy refused the fifth
        assert page.get(f"{hop}_count", hop="tls") == 0
        assert page.get(f"{hop}_bucket", hop="wait", le="+Inf") == 4
        assert 0 < page.get(f"{hop}_sum", hop="wait") < 20
    assert platform.get("connector_platform_exchange_duration_seconds_count") == 5
    assert platform.get("connector_platform_exchange_duration_seconds_sum") >= platform.get(
        "connector_platform_hop_duration_seconds_sum", hop="total")
    assert platform.get("connector_platform_store_flush_duration_seconds_count") > 0
    assert platform.get("connector_platform_api_requests_total", status="2xx") - before.get(
        "connector_platform_api_requests_total", status="2xx") == 3
    assert platform.get("connector_platform_api_requests_total", status="4xx") - before.get(
        "connector_platform_api_requests_total", status="4xx") == 2


def test_tunnels_agents_and_reconnects_are_told(measured, measured_agent):
    agent, platform = Page(measured_agent.metrics_port), Page(measured.metrics_port)
    assert agent.get("connector_agent_tunnels_up") == 1
    assert agent.get("connector_agent_connects_total") == 1
    assert agent.get("connector_agent_policy_rules") == 1
    assert agent.get("connector_agent_jobs_running") == 0
    assert agent.get("connector_agent_jobs_capacity") == 1024
    assert agent.get("connector_agent_ledger_good") == 1 and agent.get("connector_agent_ledger_size_bytes") > 0
    for name, want in (("connectors", 1), ("connectors_online", 1), ("agents", 1), ("tunnels", 1), ("tunnels_opened_total", 1)):
        assert platform.get(f"connector_platform_{name}") == want, name
    assert platform.get("connector_platform_agents_online", connector="dc") == 1
    assert platform.get("connector_platform_jobs_capacity", connector="dc") == 1024

    measured.stop()
    measured_agent.process.wait("tunnel.closed")
    rig.wait_until(lambda: Page(measured_agent.metrics_port).get("connector_agent_tunnels_up") == 0, "the tunnel is down")
    mark = measured_agent.process.mark()
    measured.start()
    measured_agent.process.wait("tunnel.ready", since=mark)
    agent = Page(measured_agent.metrics_port)
    assert agent.get("connector_agent_tunnels_up") == 1
    assert agent.get("connector_agent_connects_total") == 2


def test_what_a_connector_could_not_take_is_told(measured, measured_agent, endpoint):
    measured.add_connector("empty")
    measured.put_profile("offline", connector="empty", token_url=endpoint.url())
    measured.put_profile("hang", connector="dc", token_url=endpoint.url("/hang"), budget_ms=1000)
    assert ask(measured, "offline").json["code"] == "connector_offline"
    assert ask(measured, "hang").json["code"] == "budget_exceeded"
    page = Page(measured.metrics_port)
    assert page.get("connector_platform_exchanges_refused_total", connector="empty", code="connector_offline") == 1
    assert page.get("connector_platform_exchanges_refused_total", connector="dc", code="connector_offline") == 0
    assert page.get("connector_platform_exchanges_total", outcome="failed", code="connector_offline") == 1
    assert page.get("connector_platform_exchanges_failed_total", stage="platform") == 1
    assert page.get("connector_platform_exchanges_total", outcome="failed", code="budget_exceeded") == 1
    assert page.get("connector_platform_connectors") == 2
    assert page.get("connector_platform_connectors_online") == 1
    assert page.get("connector_platform_exchange_duration_seconds_bucket", le="0.5") == 1
    assert page.get("connector_platform_exchange_duration_seconds_bucket", le="+Inf") == 2

    measured.put_profile("without", connector="gone", token_url=endpoint.url())
    assert ask(measured, "without").json["code"] == "connector_offline"
    page = Page(measured.metrics_port)
    assert page.get("connector_platform_exchanges_total", outcome="failed", code="connector_offline") == 2
    assert page.labels("connector") == {"dc", "empty"}


def test_a_queue_and_what_finds_no_room_in_it_are_told(tmp_path, measured, endpoint):
    agent = rig.Agent(tmp_path / "agent").enroll(measured.add_connector("dc"))
    agent.set_policy(rig.rule("all", f"{rig.origin(endpoint.url())}/**"), extra="limits = { jobs = 1; };").start()
    measured.put_profile("hang", connector="dc", token_url=endpoint.url("/hang"), budget_ms=3000)

    def told(name):
        return Page(measured.metrics_port).get(f"connector_platform_{name}", connector="dc")
    running = begin(measured, "hang")
    rig.wait_until(lambda: told("jobs_outstanding") == 1, "the first runs")
    assert told("jobs_queued") == 0 and told("jobs_capacity") == 1
    queued = begin(measured, "hang")
    rig.wait_until(lambda: told("jobs_queued") == 1, "the second waits")
    assert told("jobs_outstanding") == 1
    assert ask(measured, "hang").json["code"] == "connector_full"
    page = Page(measured.metrics_port)
    assert page.get("connector_platform_exchanges_refused_total", connector="dc", code="connector_full") == 1
    assert page.get("connector_platform_exchanges_total", outcome="failed", code="connector_full") == 1
    assert page.get("connector_platform_exchanges_running") == 2
    for caller in (running, queued):
        caller.close()
    rig.wait_until(lambda: told("jobs_queued") == 0, "nobody waits for the second")
    assert agent.stop() == 0


def test_a_job_is_seen_while_it_runs_and_when_its_caller_goes(measured, measured_agent, endpoint):
    measured.put_profile("hang", connector="dc", token_url=endpoint.url("/hang"), budget_ms=3000)
    caller = begin(measured, "hang")
    rig.wait_until(lambda: Page(measured_agent.metrics_port).get("connector_agent_jobs_running") == 1, "the job runs")
    page = Page(measured.metrics_port)
    assert page.get("connector_platform_exchanges_running") == 1
    assert page.get("connector_platform_jobs_outstanding", connector="dc") == 1
    assert page.get("connector_platform_jobs_queued", connector="dc") == 0
    caller.close()
    rig.wait_until(lambda: Page(measured.metrics_port).get(
        "connector_platform_exchanges_total", outcome="cancelled", code="cancelled") == 1, "the caller's going is noticed")
    assert Page(measured.metrics_port).get("connector_platform_exchanges_running") == 0
    # What was sent runs on at the agent until its budget is over, and is no second exchange then.
    rig.wait_until(lambda: Page(measured_agent.metrics_port).get("connector_agent_jobs_running") == 0, "the job ends")
    assert Page(measured_agent.metrics_port).get("connector_agent_jobs_total", outcome="failed", code="budget_exceeded") == 1
    rig.wait_until(lambda: Page(measured.metrics_port).get("connector_platform_jobs_outstanding", connector="dc") == 0,
                   "the agent has told so")
    page = Page(measured.metrics_port)
    assert sum(s.value for s in page.families["connector_platform_exchanges"].samples) == 1


@pytest.mark.parametrize("side", ("agent", "platform"))
def test_both_formats_tell_the_same(measured, measured_agent, side):
    port = {"agent": measured_agent, "platform": measured}[side].metrics_port
    new, old = Page(port), Page(port, accept="*/*")
    assert new.type == "application/openmetrics-text; version=1.0.0; charset=utf-8" and new.text.endswith("# EOF\n")
    assert old.type == "text/plain; version=0.0.4; charset=utf-8" and "EOF" not in old.text

    def series(page):
        return {(s.name, tuple(sorted(s.labels.items()))) for f in page.families.values() for s in f.samples}
    assert series(new) == series(old) and len(series(new)) > 100
    for family in new.families.values():
        assert family.documentation, family.name
        assert family.name.startswith(f"connector_{side}_") or family.name == "process_start_time_seconds", family.name
        unit = family.name.rpartition("_")[2]
        assert family.unit == (unit if unit in ("seconds", "bytes") else ""), family.name
    days = new.get(f"connector_{side}_certificate_expiry_seconds") / 86400
    assert 29 < days <= 30 if side == "agent" else 364 < days <= 365
    version = re.search(r"(\d+\.\d+\.\d+)", measured.cli("version").stdout).group(1)
    assert new.get(f"connector_{side}_build_info", version=version) == 1
    assert new.get("process_start_time_seconds") > 1.6e9


def test_no_secret_url_or_profile_is_in_it(measured, measured_agent, endpoint):
    measured.put_profile("payroll", connector="dc", token_url=endpoint.url() + "?tenant=acme",
                         client={"method": "client_secret_post", "id": "the-client", "secret": "the-secret"})
    ask(measured, "payroll", password="the-password")
    for port in (measured_agent.metrics_port, measured.metrics_port):
        page = Page(port)
        for word in ("the-client", "the-secret", "the-password", "alice", "acme", "payroll", "http", "127.0.0.1",
                     measured.admin_key, measured.app_key):
            assert word not in page.text, word
        assert page.labels("connector") <= {"dc"}


def test_it_is_on_its_own_port_only(measured, measured_agent):
    assert measured.api("GET", "/metrics").status == 404
    for port in (measured.metrics_port, measured_agent.metrics_port):
        for path in ("/", "/v1/connectors", "/status", "/healthz"):
            assert rig.http_ask("127.0.0.1", port, "GET", path).status == 404
        assert rig.http_ask("127.0.0.1", port, "DELETE", "/metrics").status == 405
    for path in (measured.folder / "control.sock", measured_agent.folder / "control.sock"):
        done = rig.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", path, "http://x/metrics")
        assert done.stdout == "404"


def test_it_is_off_by_default(platform, agent):
    agent.start()
    assert platform.process.count("metrics.started") == agent.process.count("metrics.started") == 0


@pytest.mark.parametrize("value, says", (("9464", "must name a host and a port"), ("metrics.example:9464", "numeric address"),
                                         ("127.0.0.1:99999", "a port must follow")))
def test_a_wrong_address_is_a_fault_with_its_line(platform, agent, value, says):
    for who in (platform, agent):
        conf = who.conf.read_text()
        line = conf.count("\n") + 1
        who.conf.write_text(conf + f'metrics = {{ listen = "{value}"; }};\n')
        done = who.cli("check")
        who.conf.write_text(conf)
        assert done.returncode == 3
        assert f"{who.conf.name}:{line}: metrics.listen" in done.stderr + done.stdout and says in done.stderr + done.stdout


def test_an_address_that_is_taken_ends_the_start(measured, tmp_path):
    agent = rig.Agent(tmp_path / "agent").enroll(measured.add_connector("dc"))
    agent.set_policy(extra=f'metrics = {{ listen = "127.0.0.1:{measured.metrics_port}"; }};')
    agent.start(wait=False)
    assert agent.process.finished() == 1
    agent.process.wait(f"127.0.0.1.*{measured.metrics_port}")
