"""Virtual names: a rule's target is where the request goes, and the platform never hears of it."""
import signal

import pytest
import rig
from endpoint import Endpoint
from endpoint_tls import tls_context

RIGHT = {"username": "alice", "password": "right"}
VIRTUAL = "https://hr-login.example"


def target_rule(target, ca=None, url=VIRTUAL + "/**", **more):
    return rig.rule("hr", url, ca=ca, extra=f'target = "{target}";', **more)


@pytest.fixture
def secured(pki):
    """A token endpoint over TLS whose certificate is for localhost."""
    with Endpoint(tls=tls_context(pki / "server.pem", pki / "server.key")) as endpoint:
        yield endpoint


@pytest.fixture
def ask(platform, agent):
    """Set the rules, ask for a token at a URL; the answer."""
    def run(rules, url=VIRTUAL + "/token", **profile):
        agent.stop()
        agent.set_policy(*rules).start()
        platform.put_profile("p", connector="dc", token_url=url, **profile)
        return platform.exchange("p", variables=RIGHT)
    return run


def port_of(endpoint):
    return int(rig.origin(endpoint.url("/")).rsplit(":", 1)[1])


def test_host_and_certificate_are_the_targets(ask, secured, pki):
    port = port_of(secured)
    answer = ask([target_rule(f"https://localhost:{port}", ca=pki / "ca.pem")], VIRTUAL + "/token?keep=%2F1")
    assert answer.status == 200 and answer.json["token"]["access_token"], answer
    seen = secured.journal.requests("/token")
    assert len(seen) == 1
    assert seen[0].header_or_field("Host") == f"localhost:{port}"
    assert seen[0].target == "/token?keep=%2F1"


def test_a_certificate_for_the_virtual_name_alone_is_refused(ask, pki):
    with Endpoint(tls=tls_context(pki / "wrong-host.pem", pki / "wrong-host.key")) as endpoint:
        answer = ask([target_rule(f"https://localhost:{port_of(endpoint)}", ca=pki / "ca.pem", url="https://other.example/**")],
                     "https://other.example/token")
        assert answer.status == 502 and answer.json["stage"] == "tls" and answer.json["execution"] == "not_sent", answer
        assert "localhost" not in answer.json["detail"] and not endpoint.journal.requests()


def test_the_policy_is_matched_on_the_virtual_url_and_addresses_on_the_target(ask, endpoint):
    target = f"http://127.0.0.1:{port_of(endpoint)}"
    wildcard = target_rule(target, url="https://*.example/token")
    assert ask([wildcard]).status == 200
    assert ask([wildcard], "https://b.example/token").status == 200
    for url in ("https://a.b.example/token", VIRTUAL + "/form-answer", target + "/token"):
        refused = ask([wildcard], url)
        assert refused.status == 422 and refused.json["stage"] == "policy", refused
    before = len(endpoint.journal.requests())
    refused = ask([target_rule(target, networks=["10.0.0.0/8"])])
    assert refused.status == 422 and "target" in refused.json["detail"] and "127.0.0.1" not in refused.json["detail"], refused
    assert len(endpoint.journal.requests()) == before


def test_two_rules_with_one_virtual_host_may_go_to_different_targets(ask, platform, endpoint, secured, pki):
    rules = [target_rule(f"http://127.0.0.1:{port_of(endpoint)}", url=VIRTUAL + "/token"),
             rig.rule("rest", VIRTUAL + "/**", ca=pki / "ca.pem", extra=f'target = "https://localhost:{port_of(secured)}";')]
    assert ask(rules).status == 200
    platform.put_profile("q", connector="dc", token_url=VIRTUAL + "/form-answer")
    assert platform.exchange("q", variables=RIGHT).status == 200
    assert endpoint.count("/token") == 1 and secured.count("/form-answer") == 1


def test_nothing_of_the_target_reaches_the_platform(ask, platform, agent, endpoint):
    """Every way to fail: the answers, the platform's log, its trail and what it shows of the agent."""
    port, closed = port_of(endpoint), rig.free_port()
    here, away = f"http://idp-3.localhost:{port}", f"idp-3.localhost:{port}"
    ways = {
        "issued": ([target_rule(here)], "/token"),
        "wrong scheme": ([target_rule(here.replace("http:", "https:"))], "/token"),
        "refused address": ([target_rule(here, networks=["10.0.0.0/8"])], "/token"),
        "closed port": ([target_rule(f"http://idp-3.localhost:{closed}")], "/token"),
        "no such name": ([target_rule("http://idp-3.invalid")], "/token"),
        "redirect home": ([target_rule(here)], f"/redirect?to=http://{away}/x"),
        "redirect away": ([target_rule(here)], "/redirect?to=https://idp-3.internal/x"),
        "cut": ([target_rule(here)], "/cut"),
        "reset": ([target_rule(here)], "/reset"),
        "status": ([target_rule(here)], "/status/500"),
        "hang": ([target_rule(here)], "/hang"),
        "another path": ([target_rule(here, url=VIRTUAL + "/other")], "/token"),
        "proxy that is not there": ([target_rule(here, networks=(), )[:-1] + f'proxy = "http://127.0.0.1:{closed}"; }}'], "/token"),
    }
    told, codes = [], {}
    for way, (rules, path) in ways.items():
        answer = ask(rules, VIRTUAL + path, budget_ms=1000)
        codes[way] = answer.json["code"]
        told.append((way, answer.body.decode()))
        told.append((way + ", its agent", platform.api("GET", "/v1/connectors/dc").body.decode()))
        since = agent.process.mark()
        agent.process.signal(signal.SIGHUP)
        agent.process.wait("agent.reloaded", since)
    assert codes["issued"] == "issued" and codes["redirect home"] == codes["redirect away"] == "redirected", codes
    assert codes["refused address"] == codes["another path"] == "policy_refused" and codes["hang"] == "budget_exceeded", codes
    told.append(("trail", platform.api("GET", "/v1/exchanges").body.decode()))
    told += [("log", line) for line in platform.process.lines]
    for what, text in told:
        for secret in ("idp-3", f":{port}", f":{closed}", "internal"):
            assert secret not in text, (what, secret, text)
    assert all("127.0.0.1" not in text for what, text in told[:len(ways) * 2] if "agent" not in what)
    platform.process.wait("agent.policy")
    assert '"hr"' in told[1][1] and VIRTUAL in told[1][1], "the rule's own URL is shown"


def test_explain_and_try_name_the_target_to_the_agents_own_admin(agent, endpoint, tmp_path):
    target = f"http://127.0.0.1:{port_of(endpoint)}"
    agent.set_policy(target_rule(target))
    done = agent.cli("explain", "POST", VIRTUAL + "/token")
    assert done.returncode == 0 and target in done.stdout and "127.0.0.1 is allowed" in done.stdout, done.stdout + done.stderr
    profile = tmp_path / "p.json"
    profile.write_text('{"name": "p", "type": "oauth2_password", "token_url": "%s/token"}' % VIRTUAL)
    done = agent.cli("try", profile, "--set", "username=alice", "--set", "password=right")
    assert done.returncode == 0 and target in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("target", ["https://idp-3.internal/token", "https://idp-3.internal?x", "idp-3.internal", "https://*.internal"])
def test_a_target_that_is_no_origin_is_a_fault(agent, target):
    agent.set_policy(target_rule(target))
    done = agent.cli("check")
    assert done.returncode == 3 and "policy[0].target" in done.stderr, done.stderr
