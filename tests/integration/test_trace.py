"""Test: a profile is tried, saved or not, and every hop of it is told, the platform's own too."""
import base64
import concurrent.futures
import json
import urllib.parse

import pytest
import rig
from endpoint import Endpoint
from endpoint_tls import tls_context
from hand import hand  # noqa: F401

PASSWORD = 'p&w "7/+ü🔑'
VALUES = {"username": "ada", "password": "right"}
OWN = ["api", "dispatch", "tunnel"]
WAY = ["template", "policy", "resolve", "connect"]


def test(platform, name="hr", key=None, **body):
    return platform.api("POST", f"/v1/profiles/{name}/test", {"variables": VALUES, **body}, key=key)


test.__test__ = False


def hops(answer):
    return [row["hop"] for row in answer.json["trace"]]


def row(answer, hop):
    return next(row for row in answer.json["trace"] if row["hop"] == hop)


def failed(answer):
    """The one hop that failed, with what to change."""
    found = [row for row in answer.json["trace"] if row.get("failed")]
    assert len(found) == 1 and found[0]["advice"], answer
    return found[0]["hop"]


@pytest.fixture
def running(platform, agent, endpoint):
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", methods=("POST", "GET"))).start()
    platform.put_profile("hr", connector="dc", token_url=endpoint.url("/token"))
    return platform


def test_every_hop_is_told_and_no_token(running, endpoint):
    answer = test(running)
    assert answer.status == 200, answer
    said = answer.json
    assert (said["outcome"], said["code"], said["execution"], said["status"]) == ("issued", "issued", "answered", 200)
    assert said["token"] == {"access_token": "MASKED", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "MASKED", "scope": "hr.read"}
    assert hops(answer) == OWN + WAY + ["request", "answer", "verdict"]
    assert not [r for r in said["trace"] if r.get("failed")] and all(r["text"] for r in said["trace"])
    assert said["agent"] in row(answer, "dispatch")["text"] and '"dc"' in row(answer, "dispatch")["text"]
    for hop in ("api", "dispatch", "tunnel", "template", "policy", "connect", "answer", "verdict"):
        assert row(answer, hop)["us"] > 0, hop
    assert row(answer, "policy")["text"] == 'rule "e"', "its place in a file is the agent's own"
    request = endpoint.journal.requests("/token")[0]
    lines = row(answer, "request")["detail"]
    assert lines[0] == f"POST {request.target} HTTP/1.1" and lines[1] == f"Host: {request.header('Host')}"
    assert lines[-1] == request.body.decode().replace("right", "MASKED")
    for name in ("Accept", "Content-Type"):
        assert f"{name}: {request.header(name)}" in lines
    body = row(answer, "answer")["detail"]
    assert "  access_token: text of 4 bytes" in body and "  expires_in: 3600" in body
    text = answer.body.decode()
    assert "at-1" not in text and "rt-1" not in text and "right" not in text


def test_its_token_is_not_kept(running, agent):
    answer = test(running)
    row = running.api("GET", "/v1/exchanges").json["exchanges"][-1]
    assert row["id"] == answer.json["id"] and row["purpose"] == "test" and row["outcome"] == "issued"
    assert running.api("GET", f"/v1/exchanges/{answer.json['id']}/result").status == 404


@pytest.mark.parametrize("path, password, code, hop, advice", [
    ("/token", "wrong", "credentials_refused", "verdict", "other credentials"),
    ("/redirect", "right", "redirected", "verdict", "token_url"),
    ("/status/404", "right", "endpoint_failed", "verdict", "token_url"),
    ("/reset", "right", "endpoint_unreachable", "wait", "its log"),
    ("/hang", "right", "budget_exceeded", "wait", "budget_ms"),
    ("/stall", "right", "budget_exceeded", "receive", "budget_ms"),
    ("/big", "right", "answer_unreadable", "receive", "limits.answer_bytes"),
    ("/cut", "right", "answer_unreadable", "receive", "token_url"),
    ("/raw/no-json", "right", "answer_unreadable", "parse", "token_url")])
def test_the_hop_that_failed_is_told_with_what_to_change(running, endpoint, path, password, code, hop, advice):
    endpoint.set_raw("no-json", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n\xff\xfe\xfd{")
    running.put_profile("hr", connector="dc", token_url=endpoint.url(path), budget_ms=600)
    answer = test(running, variables={"username": "ada", "password": password})
    assert answer.status == 200 and answer.json["code"] == code, answer
    assert failed(answer) == hop and advice in row(answer, hop)["advice"], answer
    assert "token" not in answer.json and answer.json["detail"]
    assert answer.json["safe_to_retry"]


def test_what_ends_before_the_network(running, endpoint):
    running.put_profile("hr", connector="dc", token_url="https://elsewhere.invalid/t")
    answer = test(running)
    assert answer.json["code"] == "policy_refused" and failed(answer) == "policy" and "explain" in row(answer, "policy")["advice"]
    assert row(answer, "request")["text"] == "not sent; it would have been"
    running.put_profile("hr", connector="dc", token_url=endpoint.url("/token"), fields=[{"place": "header", "key": "X", "value": "{{secret:none}}"}])
    answer = test(running)
    assert answer.json["code"] == "profile_incomplete" and failed(answer) == "secret", answer
    running.put_profile("hr", connector="dc", token_url=endpoint.url("/token"), fields=[{"place": "header", "key": "X", "value": "{{password}}"}])
    answer = test(running, variables={"username": "ada", "password": "with\r\nline"})
    assert answer.json["code"] == "profile_incomplete" and failed(answer) == "template", answer
    assert not endpoint.journal.requests()


def test_no_such_name_nobody_listens_and_a_refused_address(platform, agent, endpoint):
    port = rig.free_port()
    agent.set_policy(rig.rule("i", "https://idp.invalid/**"), rig.rule("c", f"http://127.0.0.1:{port}/**"),
                     rig.rule("ten", rig.origin(endpoint.url("/")) + "/**", networks=["10.0.0.0/8"])).start()
    for url, hop, code in (("https://idp.invalid/t", "resolve", "endpoint_unreachable"), (f"http://127.0.0.1:{port}/t", "connect", "endpoint_unreachable"),
                           (endpoint.url("/token"), "policy", "policy_refused")):
        platform.put_profile("hr", connector="dc", token_url=url)
        answer = test(platform)
        assert answer.json["code"] == code and failed(answer) == hop, answer
    assert row(answer, "resolve")["text"] == "127.0.0.1 (refused)"


def test_tls_is_told(platform, agent, pki):
    with Endpoint(tls=tls_context(pki / "server.pem", pki / "server.key")) as endpoint:
        rules = lambda ca: agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", ca=ca))
        rules(pki / "ca.pem").start()
        platform.put_profile("hr", connector="dc", token_url=endpoint.url("/token"))
        answer = test(platform)
        tls = row(answer, "tls")
        assert answer.json["outcome"] == "issued" and tls["text"].startswith("TLSv1.") and tls["us"] > 0
        assert tls["text"].endswith("by the CAs of the rule") and str(pki) not in answer.body.decode()
        assert [line.split()[0] for line in tls["detail"]] == ["certificate", "issued", tls["detail"][2].split()[0]]
        assert "localhost" in tls["detail"][0] and tls["detail"][2].endswith("days left")
        rules(None)
        agent.process.signal(1)
        agent.process.wait("reloaded")
        answer = test(platform)
        assert failed(answer) == "tls" and "`ca`" in row(answer, "tls")["advice"] and "localhost" in row(answer, "tls")["detail"][0]
        assert test(platform).json["execution"] == "not_sent"


def test_tls_through_the_rules_proxy_is_told(platform, agent, pki, kind, tmp_path, opened):
    proxy = opened(kind(tmp_path / "proxy"))
    with Endpoint(tls=tls_context(pki / "server.pem", pki / "server.key")) as endpoint:
        origin = f"https://localhost:{endpoint.port}"
        agent.set_policy(f'{{ name = "via"; url = "{origin}/**"; proxy = "{proxy.url}"; ca = "{pki}/ca.pem"; }}').start()
        platform.put_profile("hr", connector="dc", token_url=origin + "/token")
        answer = test(platform)
        assert answer.json["outcome"] == "issued", answer
        assert row(answer, "connect")["text"] == f"localhost port {endpoint.port} through the rule's proxy"
        assert row(answer, "resolve")["text"] == "the name of the rule's proxy is known"
        assert row(answer, "tls")["text"].startswith("TLSv1.") and "localhost" in row(answer, "tls")["detail"][0]
        assert proxy.url.split("//")[1] not in answer.body.decode(), "where it is, is the agent's own"
        proxy.close()
        answer = test(platform)
        assert failed(answer) == "proxy" and "the rule's proxy" in row(answer, "proxy")["advice"], answer


def test_a_certificate_that_has_expired_is_shown_as_such(platform, agent, pki):
    with Endpoint(tls=tls_context(pki / "expired.pem", pki / "expired.key")) as endpoint:
        agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", ca=pki / "ca.pem")).start()
        platform.put_profile("hr", connector="dc", token_url=endpoint.url("/token"))
        answer = test(platform)
        assert failed(answer) == "tls" and "it has expired" in row(answer, "tls")["detail"], answer


def test_the_connector_is_offline_or_gone(platform, agent, endpoint):
    platform.put_profile("hr", connector="dc", token_url=endpoint.url("/token"))
    answer = test(platform)
    assert answer.status == 200 and answer.json["code"] == "connector_offline" and answer.json["execution"] == "not_sent"
    assert hops(answer) == ["api", "dispatch", "verdict"] and failed(answer) == "dispatch"
    assert "connector-agent status" in row(answer, "dispatch")["advice"]
    assert platform.api("GET", "/v1/exchanges").json["exchanges"][-1]["code"] == "connector_offline"
    asked = platform.exchange("hr", variables=VALUES, trace=True)
    assert asked.status == 503 and hops(asked) == hops(answer) and failed(asked) == "dispatch"
    assert "trace" not in platform.exchange("hr", variables=VALUES).json
    answer = test(platform, profile={"name": "hr", "type": "oauth2_password", "connector": "nowhere", "token_url": endpoint.url("/token")})
    assert answer.status == 200 and failed(answer) == "dispatch" and "does not exist" in row(answer, "dispatch")["text"]


def test_what_an_agent_writes_moves_no_cursor(platform, hand):  # noqa: F811
    """An admin's terminal shows what an agent says: rows of a trace, of a token, of a refusal, of its policy."""
    evil, clean = "\x1b[2J\x07\u009b31m\x7f\n", "?[2J???31m??"
    shown = []

    def run(command, *more, **result):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            done = pool.submit(platform.cli, *command, "p", "--set", "username=ada", "--ask", "password", stdin="right\n")
            hand.report(hand.job(), **result)
            shown.append(done.result().stdout)
        assert [c for c in more if c + clean not in shown[-1]] == [], shown[-1]
    run(["profile", "test"], *"htda", trace=[{"hop": "h" + evil, "text": "t" + evil, "detail": ["d" + evil], "failed": True, "advice": "a" + evil}])
    run(["exchange"], *"ys", token={"access_token": "tok", "token_type": "y" + evil, "scope": "s" + evil})
    run(["exchange"], *"meo", outcome="refused", code="credentials_refused", status=400,
        error={"stage": "parse", "message": "m" + evil, "oauth_error": "e" + evil, "oauth_description": "o" + evil})
    hand.join(policy={"rules": [{"name": "n" + evil, "url": "u" + evil}]})
    shown.append(platform.cli("connector", "show", "dc").stdout)
    assert "n" + clean in shown[-1] and "u" + clean in shown[-1], shown[-1]
    assert not [c for c in "".join(shown) if c != "\n" and (ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0)]


def test_an_agent_that_is_lost_with_the_job(platform, hand):  # noqa: F811
    platform.put_profile("p", connector="dc", token_url="https://idp.example/token", budget_ms=700)
    answer = test(platform, name="p")
    assert answer.status == 200 and answer.json["execution"] == "sent" and failed(answer) == "tunnel", answer
    assert hops(answer) == ["api", "dispatch", "tunnel", "verdict"]


def test_a_token_that_an_agent_sends_all_the_same_is_not_shown(platform, hand):  # noqa: F811
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(test, platform, name="p")
        hand.report(hand.job(), token={"access_token": "hand-made-token", "refresh_token": "hand-made-refresh", "token_type": "Bearer"})
        answer = asked.result(20)
    assert answer.json["outcome"] == "issued" and "hand-made" not in answer.body.decode()


@pytest.mark.parametrize("more", [
    {}, {"content_type": "json"}, {"method": "GET"}, {"content_type": "xml"}, {"content_type": "multipart_form"},
    {"client": {"method": "client_secret_basic", "id": "portal", "secret": PASSWORD}},
    {"client": {"method": "client_secret_post", "id": "portal", "secret": PASSWORD}, "content_type": "json"},
    {"fields": [{"place": "header", "key": "X-P", "value": "{{pin}}"}, {"place": "query", "key": "p", "value": "{{password}}"}],
     "form_fields": [{"key": "pin", "type": "password"}]}])
@pytest.mark.parametrize("path", ["/echo", "/status/400?error=invalid_grant"])
def test_nothing_that_comes_back_has_a_secret(running, endpoint, path, more):
    running.put_profile("hr", connector="dc", token_url=endpoint.url(path), **more)
    values = {"username": "ada", "password": PASSWORD, **({"pin": PASSWORD} if "form_fields" in more else {})}
    answer = test(running, variables=values)
    assert answer.status == 200 and answer.json["execution"] == "answered", answer
    text = answer.body.decode()
    basic = [base64.b64encode(f"portal:{p}".encode()).decode() for p in (PASSWORD, urllib.parse.quote_plus(PASSWORD))]
    forms = [PASSWORD, urllib.parse.quote(PASSWORD, safe=""), urllib.parse.quote_plus(PASSWORD), json.dumps(PASSWORD)[1:-1],
             json.dumps(PASSWORD, ensure_ascii=False)[1:-1], json.dumps(json.dumps(PASSWORD))[3:-3], *basic]
    assert not [form for form in forms if form in text] and "MASKED" in text


def test_a_virtual_name_stays_one(platform, agent, endpoint):
    target = f"http://localhost:{endpoint.port}"
    agent.set_policy(f'{{ name = "v"; url = "https://hr-login.invalid/**"; target = "{target}"; networks = ["127.0.0.0/8", "::1/128"]; }}').start()
    platform.put_profile("hr", connector="dc", token_url="https://hr-login.invalid/token")
    answer = test(platform)
    assert answer.json["outcome"] == "issued", answer
    text = answer.body.decode()
    assert "127.0.0.1" not in text and "localhost" not in text and str(endpoint.port) not in text and "::1" not in text
    assert "Host: hr-login.invalid" in row(answer, "request")["detail"]


def test_an_unsaved_profile_and_its_secret(running, endpoint):
    saved = {"name": "hr", "type": "oauth2_password", "connector": "dc", "token_url": endpoint.url("/token"),
             "client": {"method": "client_secret_post", "id": "portal", "secret": "s3cret-of-client"}}
    assert running.api("PUT", "/v1/profiles/hr", saved).status == 200
    shown = running.api("GET", "/v1/profiles/hr").json
    assert shown["client"]["secret"] == {"set": True}
    answer = test(running, profile={**shown, "budget_ms": 5000})
    assert answer.json["outcome"] == "issued", answer
    assert b"client_secret=s3cret-of-client" in endpoint.journal.requests("/token")[-1].body
    assert "s3cret" not in answer.body.decode()
    moved = test(running, profile={**shown, "token_url": endpoint.url("/echo")})
    assert moved.status == 400 and "client.secret" in json.dumps(moved.json["errors"]), moved
    assert not endpoint.journal.requests("/echo")
    fresh = {k: v for k, v in saved.items() if k != "client"} | {"name": "new", "content_type": "json"}
    answer = test(running, name="new", profile=fresh)
    assert answer.json["outcome"] == "issued" and endpoint.journal.requests("/token")[-1].header("Content-Type") == "application/json"
    assert running.api("GET", "/v1/profiles/new").status == 404, "it was not saved"
    wrong = test(running, name="new", profile={**fresh, "type": "x", "colour": 1})
    assert wrong.status == 400 and {"type", "colour"} <= {e["field"] for e in wrong.json["errors"]}


def test_what_can_not_run_is_told_whole(running, endpoint):
    answer = test(running, variables={"user": "ada"}, colour=1, trace=True)
    assert answer.status == 400, answer
    assert {"variables.user", "variables.username", "variables.password", "colour", "trace"} <= {e["field"] for e in answer.json["errors"]}
    assert test(running, name="nobody").status == 404
    assert test(running, key=running.app_key).status == 403
    assert test(running, key="").status == 401
    assert not endpoint.journal.requests()


def test_exchange_gives_the_trace_too_if_asked(running, endpoint):
    answer = running.exchange("hr", variables=VALUES, trace=True)
    assert hops(answer) == OWN + WAY + ["request", "answer", "verdict"] and answer.json["token"]["access_token"]
    access = answer.json["token"]["access_token"]
    assert access not in json.dumps(answer.json["trace"])
    refused = running.exchange("hr", variables={"username": "ada", "password": "wrong"}, trace=True)
    assert refused.status == 422 and failed(refused) == "verdict"
    assert "trace" not in running.exchange("hr", variables=VALUES).json


def test_the_command_prints_it_for_a_person(running, tmp_path, endpoint):
    done = running.cli("profile", "test", "hr", "--set", "username=ada", "--ask", "password", stdin="right\n")
    assert done.returncode == 0 and done.stdout.splitlines()[0] == "hr, through dc:", done
    assert "  tunnel " in done.stdout and "| grant_type=password&username=ada&password=MASKED" in done.stdout
    done = running.cli("profile", "test", "hr", "--set", "username=ada", "--ask", "password", "--json", stdin="wrong\n")
    assert done.returncode == 1 and json.loads(done.stdout)["code"] == "credentials_refused"
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"name": "hr", "type": "oauth2_password", "connector": "dc", "token_url": endpoint.url("/status/404")}))
    done = running.cli("profile", "test", "hr", "--file", file, "--set", "username=ada", "--ask", "password", stdin="right\n")
    assert done.returncode == 1 and "FAILED: endpoint_failed" in done.stdout and "to change" in done.stdout, done
    file.write_text(json.dumps({"name": "hr", "type": "x"}))
    done = running.cli("profile", "test", "hr", "--file", file, "--set", "username=ada")
    assert done.returncode == 1 and "token_url" in done.stderr and not done.stdout, done
    done = running.cli("profile", "test", "nobody")
    assert done.returncode == 1 and "no profile" in done.stderr


def test_it_is_the_trace_of_try(running, agent, endpoint, tmp_path):
    """The agent's own hops, from its machine and through its tunnel."""
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"name": "hr", "type": "oauth2_password", "token_url": endpoint.url("/token")}))
    done = agent.cli("try", file, "--set", "username=ada", "--ask", "password", stdin="right\n")
    local = [line for line in done.stdout.splitlines()[1:]]
    answer = test(running)
    assert [line[2:11].strip() for line in local if line[:11].strip()] == hops(answer)[len(OWN):]
    lines = [line.strip()[2:].rstrip() for line in local if line.strip().startswith("|")]
    assert lines == [line for r in answer.json["trace"] for line in r.get("detail", [])], "the same lines of the same rows"
