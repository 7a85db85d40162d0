"""Profiles without a connector: the platform asks the token URL by itself, under the policy of platform.conf."""
import concurrent.futures
import json
import signal
import socket

import pytest
import rig
from endpoint import Endpoint
from endpoint_tls import tls_context
from hand import hang_up
from test_exchange import profile_of

VALUES = {"username": "ada", "password": "right"}


def policy(*rules):
    return f"policy = ( {', '.join(rules)} );"


@pytest.fixture
def own(tmp_path, endpoint):
    """A platform that may reach the endpoint, with a profile "hr" without a connector."""
    made = []

    def start(*rules, extra="", **profile):
        rules = rules or (rig.rule("e", rig.origin(endpoint.url("/")) + "/**"),)
        p = rig.Platform(tmp_path / "own", extra=policy(*rules) + extra).start()
        made.append(p)
        p.put_profile("hr", **{"token_url": endpoint.url("/token"), **profile})
        return p
    yield start
    for p in made:
        assert p.stop() in (0, None)


def test_an_exchange_and_a_refresh(own, endpoint):
    p = own()
    answer = p.exchange("hr", variables=VALUES)
    assert answer.status == 200 and answer.json["token"]["access_token"].startswith("at-"), answer
    assert "connector" not in answer.json and "agent" not in answer.json and answer.json["timing_us"]["total"] > 0
    assert endpoint.journal.requests("/token")[0].body == b"grant_type=password&username=ada&password=right"
    again = p.api("POST", "/v1/profiles/hr/refresh", {"refresh_token": answer.json["token"]["refresh_token"]}, key=p.app_key)
    assert again.status == 200, again
    rows = p.api("GET", "/v1/exchanges").json["exchanges"]
    assert sorted(row["purpose"] for row in rows) == ["authorize", "refresh"]
    assert all(row["outcome"] == "issued" and row["execution"] == "answered" and row["agent"] is None and row["connector"] is None for row in rows), rows
    refused = p.exchange("hr", variables={"username": "ada", "password": "wrong"})
    assert refused.status == 422 and refused.json["code"] == "credentials_refused" and "connector" not in refused.json
    done = p.cli("exchange", "hr", "--set", "username=ada", "--ask", "password", stdin="right\n")
    assert done.returncode == 0 and done.stdout.startswith("issued: hr from the platform\n") and "agent" not in done.stdout, done


def test_nothing_is_allowed_by_default(platform, endpoint):
    done = platform.cli("check")
    assert done.returncode == 0 and "0 rules" in done.stdout
    said = platform.put_profile("hr", token_url=endpoint.url("/token"))
    assert any("platform.conf" in w["message"] and w["field"] == "connector" for w in said["warnings"])
    answer = platform.exchange("hr", variables=VALUES)
    assert answer.status == 422 and answer.json["code"] == "policy_refused" and answer.json["execution"] == "not_sent", answer
    assert "platform.conf" in answer.json["detail"] and answer.json["stage"] == "policy"
    assert not endpoint.journal.requests()


@pytest.mark.parametrize("rule, url, says", [
    (dict(networks=["10.0.0.0/8"]), None, "does not allow the address 127.0.0.1"),
    (dict(methods=("GET",)), None, "GET"),
    ({}, "https://elsewhere.invalid/t", "platform.conf")])
def test_the_policy_is_the_agents(own, endpoint, rule, url, says):
    p = own(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", **rule), **({"token_url": url} if url else {}))
    answer = p.exchange("hr", variables=VALUES)
    assert answer.json["code"] == "policy_refused" and says in answer.json["detail"], answer
    assert not endpoint.journal.requests()


def test_a_secret_of_an_agent_is_refused(own, endpoint):
    p = own(client={"method": "client_secret_post", "id": "portal", "secret": "{{secret:hr}}"})
    answer = p.exchange("hr", variables=VALUES)
    assert answer.status == 422 and answer.json["code"] == "profile_incomplete" and answer.json["stage"] == "secret", answer
    tried = p.api("POST", "/v1/profiles/hr/test", {"variables": VALUES}).json
    assert "platform keeps no secrets" in next(r for r in tried["trace"] if r.get("failed"))["advice"]
    assert not endpoint.journal.requests()


def test_its_trace_has_the_same_rows(own, endpoint, tmp_path, platform, agent):
    p = own()
    mine = p.api("POST", "/v1/profiles/hr/test", {"variables": VALUES})
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**")).start()
    platform.put_profile("hr", connector="dc", token_url=endpoint.url("/token"))
    theirs = platform.api("POST", "/v1/profiles/hr/test", {"variables": VALUES})
    assert mine.json["outcome"] == theirs.json["outcome"] == "issued", (mine, theirs)
    hops = [r["hop"] for r in mine.json["trace"]]
    assert hops == ["api", "dispatch", "template", "policy", "resolve", "connect", "request", "answer", "verdict"]
    shape = lambda a: [(r["hop"], r["text"], r.get("detail")) for r in a.json["trace"] if r["hop"] not in ("api", "dispatch", "tunnel")]
    assert shape(mine) == shape(theirs)
    assert "by itself" in mine.json["trace"][1]["text"] and mine.json["token"]["access_token"] == "MASKED"
    done = p.cli("profile", "test", "hr", "--set", "username=ada", "--ask", "password", stdin="right\n")
    assert done.returncode == 0 and done.stdout.startswith("hr, from the platform:"), done


def test_tls_by_the_rules_ca(tmp_path, pki):
    with Endpoint(tls=tls_context(pki / "server.pem", pki / "server.key")) as endpoint:
        p = rig.Platform(tmp_path / "own", extra=policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", ca=pki / "ca.pem"))).start()
        p.put_profile("hr", token_url=endpoint.url("/token"))
        assert p.exchange("hr", variables=VALUES).status == 200
        p.conf.write_text(p.conf.read_text().replace(f'ca = "{pki}/ca.pem";', ""))
        p.process.signal(signal.SIGHUP)
        p.process.wait("platform.reloaded")
        answer = p.exchange("hr", variables=VALUES)
        assert answer.json["code"] == "endpoint_unreachable" and answer.json["stage"] == "tls", answer
        assert p.stop() == 0


def test_a_reload_takes_the_policy_over_and_refuses_a_wrong_one(own, endpoint):
    p = own(rig.rule("other", "https://other.example/**"))
    assert p.exchange("hr", variables=VALUES).json["code"] == "policy_refused"
    text = p.conf.read_text()
    p.conf.write_text(text.replace("https://other.example/**", rig.origin(endpoint.url("/")) + "/**"))
    p.process.signal(signal.SIGHUP)
    p.process.wait("platform.reloaded")
    assert p.exchange("hr", variables=VALUES).status == 200
    p.conf.write_text(text.replace("https://other.example/**", "ftp://x/**"))
    done = p.cli("check")
    assert done.returncode == 3 and "platform.conf:" in done.stderr and "policy[0].url" in done.stderr, done
    p.process.signal(signal.SIGHUP)
    p.process.wait("policy")
    assert p.exchange("hr", variables=VALUES).status == 200, "the old one counts"


@pytest.mark.parametrize("setting", ['share = "name";', 'secrets = ( { name = "x"; place = "header"; key = "X"; } );'])
def test_what_only_an_agent_has_is_no_setting_here(own, endpoint, setting):
    p = own()
    p.conf.write_text(p.conf.read_text().replace('name = "e";', f'name = "e"; {setting}'))
    done = p.cli("check")
    assert done.returncode == 3 and setting.split()[0] in done.stderr, done


def test_as_many_as_the_limit_and_no_more(own, endpoint):
    p = own(extra=" limits = { own_exchanges = 2; };", token_url=endpoint.url("/hang"), budget_ms=3000)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        held = [pool.submit(p.exchange, "hr", variables=VALUES) for _ in range(2)]
        rig.wait_until(lambda: endpoint.count("/hang") == 2, "both ask")
        full = p.exchange("hr", variables=VALUES)
        assert full.status == 429 and full.json["code"] == "connector_full" and "limits.own_exchanges" in full.json["detail"], full
        assert full.headers["retry-after"] and full.json["safe_to_retry"] == "yes"
        for one in held:
            answer = one.result(20)
            assert answer.status == 504 and answer.json["code"] == "budget_exceeded" and answer.json["execution"] == "sent", answer
    assert p.exchange("hr", variables=VALUES, budget_ms=200).status == 504, "there is room again"


def test_a_repeat_with_the_same_key_asks_once(own, endpoint):
    p = own()
    ask = lambda: p.api("POST", "/v1/profiles/hr/exchange", {"variables": VALUES}, p.app_key, {"Idempotency-Key": "k1"})
    first, second = ask(), ask()
    assert first.status == second.status == 200 and first.json["token"] == second.json["token"]
    assert endpoint.count("/token") == 1


def test_an_outcome_that_came_after_its_caller_had_gone(own, endpoint):
    p = own(token_url=endpoint.url("/drip?ms=100"), budget_ms=20000)
    p.put_profile("p", token_url=endpoint.url("/hang"), budget_ms=1500)
    hang_up(p, until=lambda: rig.wait_until(lambda: endpoint.count("/hang") == 1, "it asks"))
    row = p.api("GET", "/v1/exchanges").json["exchanges"][0]
    assert row["outcome"] == "cancelled" and row["execution"] == "sent"
    claimed = [p.api("GET", f"/v1/exchanges/{row['id']}/result", key=p.app_key)]
    rig.wait_until(lambda: claimed[-1].status != 202 or claimed.append(p.api("GET", f"/v1/exchanges/{row['id']}/result", key=p.app_key)), "its result is stored")
    claimed = claimed[-1]
    assert claimed.status == 504 and claimed.json["code"] == "budget_exceeded", claimed


def test_a_caller_who_goes_before_anything_was_sent(own):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it never answers in TLS
        origin = f"https://127.0.0.1:{silent.getsockname()[1]}"
        p = own(rig.rule("e", origin + "/**"))
        p.put_profile("p", token_url=origin + "/t")
        held = []
        hang_up(p, until=lambda: held.append(silent.accept()))
        row = p.api("GET", "/v1/exchanges").json["exchanges"][0]
        assert row["outcome"] == "cancelled" and row["execution"] == "not_sent", row
        held[0][0].close()


def test_stopping_finishes_what_runs(own, endpoint):
    p = own(token_url=endpoint.url("/hang"), budget_ms=1500)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        held = pool.submit(p.exchange, "hr", variables=VALUES)
        rig.wait_until(lambda: endpoint.count("/hang") == 1, "it asks")
        process, p.process = p.process, None
        process.signal(signal.SIGTERM)
        assert held.result(20).json["code"] == "budget_exceeded"
        assert process.finished() == 0


def test_stopped_at_once_in_the_middle(own, endpoint):
    p = own(token_url=endpoint.url("/hang"), budget_ms=60000)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        held = pool.submit(p.exchange, "hr", variables=VALUES)
        rig.wait_until(lambda: endpoint.count("/hang") == 1, "it asks")
        process, p.process = p.process, None
        process.signal(signal.SIGTERM)
        process.wait("platform.stopping")
        process.signal(signal.SIGTERM)
        assert process.finished() == 0
        with pytest.raises(Exception):
            held.result(20)


def test_it_is_counted(own, endpoint):
    port = rig.free_port()
    p = own(extra=f' metrics = {{ listen = "127.0.0.1:{port}"; }};')
    assert p.exchange("hr", variables=VALUES).status == 200
    page = rig.http_ask("127.0.0.1", port, "GET", "/metrics").body.decode()
    assert 'connector_platform_exchanges_total{outcome="issued",code="issued"} 1' in page
    assert "connector_platform_own_exchanges_running 0" in page


def test_a_real_token_server(tmp_path, node_oauth, pki):
    p = rig.Platform(tmp_path / "own", extra=policy(rig.rule("n", rig.origin(node_oauth["token_url"]) + "/**", ca=pki / "ca.pem"))).start()
    p.put_profile("n", **profile_of(node_oauth, connector=None))
    answer = p.exchange("n", variables={"username": node_oauth["username"], "password": node_oauth["password"]})
    assert answer.status == 200, answer
    again = p.api("POST", "/v1/profiles/n/refresh", {"refresh_token": answer.json["token"]["refresh_token"]}, key=p.app_key)
    assert again.status == 200 and again.json["token"]["access_token"] != answer.json["token"]["access_token"], again
    assert p.stop() == 0


def test_an_issuers_metadata_is_asked_for_too(own, endpoint):
    p = own(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", methods=("GET",)))
    issuer = endpoint.url("/raw/issuer")
    body = json.dumps({"issuer": issuer, "token_endpoint": endpoint.url("/token")}).encode()
    endpoint.set_raw("issuer/.well-known/openid-configuration",
                     b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    found = p.api("POST", "/v1/profiles/new/discover", {"url": issuer, "profile": {"type": "oauth2_password"}})
    assert found.status == 200 and found.json["profile"]["token_url"] == endpoint.url("/token"), found
