"""Tokens that are revoked (RFC 7009): by an agent, and by the platform itself."""
import concurrent.futures
import json
import socket
import urllib.parse

import peer
import pytest
import rig
from endpoint_behaviours import ACCOUNTS
from hand import Hand, RIGHT
from test_client_keys import RSA, pem
from test_own import own  # noqa: F401
from verifier import TYPE, Verifier


def revoke(platform, token="tok", profile="hr", headers=None, **body):
    return platform.api("POST", f"/v1/profiles/{profile}/revoke", {"token": token, **body}, platform.app_key, headers)


def put(platform, endpoint, path="/revoke", **profile):
    platform.put_profile("hr", **{"connector": "dc", "token_url": endpoint.url("/token"), "revocation_url": endpoint.url(path),
                                  **profile})


@pytest.fixture
def ready(platform, agent, endpoint):
    """An agent that may reach the endpoint, and a profile "hr"."""
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", methods=("POST", "PUT", "GET"))).start()
    put(platform, endpoint)
    return platform


def tokens_of(platform, profile="hr"):
    answer = platform.exchange(profile, variables=RIGHT)
    assert answer.status == 200, answer
    return answer.json["token"]


def refresh(platform, token, profile="hr"):
    return platform.api("POST", f"/v1/profiles/{profile}/refresh", {"refresh_token": token}, key=platform.app_key)


def test_a_revoked_refresh_token_is_refused(ready, endpoint, agent):
    token = tokens_of(ready)["refresh_token"]
    answer = revoke(ready, token, token_type_hint="refresh_token")
    assert answer.status == 200, answer
    got = answer.json
    assert (got["outcome"], got["code"], got["execution"], got["status"]) == ("revoked", "revoked", "answered", 200)
    assert set(got) == {"id", "outcome", "code", "execution", "status", "timing_us", "connector", "agent", "trace_id"}
    request = endpoint.journal.requests("/revoke")[0]
    assert (request.method, request.body) == ("POST", f"token={token}&token_type_hint=refresh_token".encode())
    assert request.header("Content-Type") == "application/x-www-form-urlencoded"
    assert refresh(ready, token).json["code"] == "credentials_refused"
    assert revoke(ready, token).json["code"] == "revoked", "twice is as good as once"
    assert revoke(ready, "never-issued").json["code"] == "revoked"

    rows = ready.api("GET", "/v1/exchanges?outcome=revoked").json["exchanges"]
    assert [(r["purpose"], r["code"], r["key"]) for r in rows] == [("revoke", "revoked", "app")] * 3
    assert token not in json.dumps(ready.api("GET", "/v1/exchanges").json)
    assert agent.status()["jobs"]["outcomes"]["revoked"] == 3
    logs = "\n".join(ready.process.lines + agent.process.lines)
    assert token not in logs and "never-issued" not in logs


def test_a_trace_shows_everything_but_the_token(ready):
    answer = revoke(ready, "s3cret-t0ken", trace=True)
    assert answer.status == 200 and "s3cret-t0ken" not in answer.body.decode(), answer
    rows = {row["hop"]: row for row in answer.json["trace"]}
    assert any("token=" in line for line in rows["request"]["detail"]) and rows["verdict"]["text"].startswith("revoked")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_basic_raw", "client_secret_post", "none"])
def test_the_client_authenticates_as_at_the_token_url(ready, endpoint, method):
    name = ACCOUNTS["public_client_id"] if method == "none" else ACCOUNTS["client_id"]
    client = {"method": method, "id": name, **({} if method == "none" else {"secret": ACCOUNTS["client_secret"]})}
    put(ready, endpoint, f"/revoke?client={method}", client=client,
        fields=[{"place": "payload", "key": "scope", "value": "a"}, {"place": "header", "key": "X-App", "value": "portal"}])
    answer = revoke(ready)
    assert answer.status == 200 and answer.json["code"] == "revoked", answer
    request = endpoint.journal.requests("/revoke")[0]
    assert request.field("scope") is None and request.header("X-App") == "portal"


def test_the_wrong_client_is_told_as_one(ready, endpoint):
    put(ready, endpoint, "/revoke?client=client_secret_post",
        client={"method": "client_secret_post", "id": ACCOUNTS["client_id"], "secret": "wrong"})
    answer = revoke(ready)
    assert answer.status == 422 and answer.json["code"] == "client_refused", answer
    assert answer.json["safe_to_retry"] == "after_fix" and "revocation endpoint" in answer.json["detail"]


def test_an_assertion_is_verified_by_somebody_else(platform, agent):
    server = Verifier(keys={("portal", "k"): (RSA.public_key(), "RS256")}, audience="https://idp.example")
    try:
        agent.set_policy(rig.rule("e", server.url.replace("/token", "/**"))).start()
        platform.put_profile("hr", connector="dc", token_url=server.url, revocation_url=server.url.replace("/token", "/revoke"),
                             client={"method": "private_key_jwt", "id": "portal", "key": pem(RSA), "kid": "k",
                                     "aud": "https://idp.example"})
        for _ in range(2):
            answer = revoke(platform, "a token")
            assert answer.status == 200 and answer.json["code"] == "revoked" and "token" not in answer.json, answer
    finally:
        server.shutdown()
        server.server_close()
    assert len(server.seen) == 2  # a jti each
    assert {k: v for k, v in server.forms[0].items() if k != "client_assertion"} == {
        "token": "a token", "client_id": "portal", "client_assertion_type": TYPE}


@pytest.mark.parametrize("path, token, status, code, retry", [
    ("/revoke", "at-1", 422, "request_refused", "after_fix"),
    ("/busy?code=503", "t", 502, "endpoint_busy", "yes"),
    ("/status/500", "t", 502, "endpoint_failed", "yes"),
    ("/status/403-empty", "t", 502, "endpoint_failed", "yes"),
    ("/status/401-empty", "t", 422, "client_refused", "after_fix"),
    ("/redirect?to=/revoke", "t", 502, "redirected", "after_fix"),
    ("/reset", "t", 502, "endpoint_unreachable", "yes"),
    ("/error-in-200", "t", 200, "revoked", None),
])
def test_what_the_endpoint_answers(ready, endpoint, path, token, status, code, retry):
    put(ready, endpoint, path)
    answer = revoke(ready, token)
    assert answer.status == status and answer.json["code"] == code, answer
    assert answer.json.get("safe_to_retry") == retry
    if code == "endpoint_busy":
        assert answer.json["retry_after_ms"] == 7000
    if token == "at-1":
        assert answer.json["oauth_error"] == "unsupported_token_type"
    assert not endpoint.journal.requests("/revoke") or path == "/revoke", "a redirect is not followed"


def test_method_and_content_type_are_the_profiles(ready, endpoint):
    put(ready, endpoint, "/status/200", method="PUT", content_type="json")
    assert revoke(ready).status == 200
    put(ready, endpoint, "/status/200", method="GET")
    assert revoke(ready, "a&b").status == 200
    first, second = endpoint.journal.requests("/status/200")
    assert (first.method, json.loads(first.body)) == ("PUT", {"token": "tok"})
    assert second.method == "GET" and second.query("token") == "a&b"


def test_nothing_is_sent_where_nothing_can_be(platform, agent, endpoint, ready):
    put(ready, endpoint, revocation_url="")
    answer = revoke(ready)
    assert answer.status == 422 and answer.json["code"] == "profile_incomplete", answer
    assert [e["field"] for e in answer.json["errors"]] == ["revocation_url"] and answer.json["execution"] == "not_sent"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        agent.set_policy(rig.rule("d", f"http://127.0.0.1:{closed.getsockname()[1]}/**"))
        agent.stop()
        agent.start()
        put(ready, endpoint, revocation_url=f"http://127.0.0.1:{closed.getsockname()[1]}/r")
        answer = revoke(ready)
    assert (answer.json["code"], answer.json["stage"]) == ("endpoint_unreachable", "connect"), answer
    assert (answer.json["execution"], answer.json["safe_to_retry"]) == ("not_sent", "yes")
    put(ready, endpoint)
    assert revoke(ready).json["code"] == "policy_refused"
    agent.stop()
    rig.wait_until(lambda: revoke(ready, budget_ms=300).json["code"] == "connector_offline", "the agent is gone")
    assert not endpoint.journal.requests("/revoke")


def test_every_fault_of_the_call_is_named(ready):
    answer = ready.api("POST", "/v1/profiles/hr/revoke", {"token_type_hint": "id_token", "refresh_token": "x"}, key=ready.app_key)
    assert answer.status == 400, answer
    assert {e["field"] for e in answer.json["errors"]} == {"token", "token_type_hint", "refresh_token"}
    assert ready.api("POST", "/v1/profiles/hr/revoke", {"token": "t"}, key="").status == 401
    assert ready.api("POST", "/v1/profiles/none/revoke", {"token": "t"}).status == 404


@pytest.fixture
def played(platform, agent):
    """An agent that is played by hand."""
    platform.put_profile("hr", connector="dc", token_url="https://idp.example/t", revocation_url="https://idp.example/r")
    hand = Hand(platform, agent)
    yield hand
    hand.leave()


def test_an_agent_that_cannot_is_not_asked(platform, played):
    played.join()
    answer = revoke(platform)
    assert answer.status == 503 and answer.json["code"] == "agent_unavailable", answer
    assert answer.json["execution"] == "not_sent" and "update" in answer.json["detail"]
    played.gets_no_job()


def test_a_repeat_gets_the_outcome_and_what_is_not_known_runs_again(platform, played):
    played.join(features=["revoke"])
    revoked = {"outcome": "revoked", "code": "revoked", "token": None}
    key = {"Idempotency-Key": "k-1"}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(revoke, platform, headers=key)
        kind, job = played.ws.receive(peer.JOB)
        assert job["purpose"] == "revoke" and job["variables"] == {"revoked_token": "tok"}
        assert job["secret_variables"] == ["revoked_token"]
        assert job["request"] == {"method": "POST", "url": "https://idp.example/r", "encoding": "form",
                                  "fields": [["payload", "token", "{{revoked_token}}"]]}
        played.report(job["id"], **revoked)
        again = revoke(platform, headers=key)
        assert first.result().status == again.status == 200 and first.result().json["id"] == again.json["id"]
        assert revoke(platform, "another", headers=key).status == 409
        played.gets_no_job()

        lost = pool.submit(revoke, platform, headers={"Idempotency-Key": "k-2"}, budget_ms=300)
        played.job()
        assert lost.result().json["execution"] == "sent" and lost.result().json["safe_to_retry"] == "yes", lost.result()
        more = pool.submit(revoke, platform, headers={"Idempotency-Key": "k-2"}, budget_ms=300)
        played.report(played.job(), **revoked)
        assert more.result().json["code"] == "revoked" and more.result().json["id"] != lost.result().json["id"]


def test_without_a_connector_the_platform_asks(own, endpoint):  # noqa: F811
    p = own(revocation_url=endpoint.url("/revoke"))
    token = tokens_of(p)["refresh_token"]
    answer = revoke(p, token)
    assert answer.status == 200 and answer.json["code"] == "revoked" and "connector" not in answer.json, answer
    assert refresh(p, token).json["code"] == "credentials_refused"
    assert revoke(p, "at-1").json["code"] == "request_refused"


def test_a_real_server_revokes(platform, agent, glewlwyd):
    """Debian's glewlwyd, its OpenID Connect plugin (RFC 7009)."""
    base = urllib.parse.urljoin(glewlwyd["token_url"], "../oidc/")
    agent.set_policy(rig.rule("g", rig.origin(base) + "/**", ca=glewlwyd["ca"])).start()
    platform.put_profile("hr", connector="dc", token_url=base + "token", revocation_url=base + "revoke",
                         client={"method": "client_secret_basic_raw", "id": glewlwyd["client_id"], "secret": glewlwyd["client_secret"]},
                         fields=[{"place": "payload", "key": "scope", "value": glewlwyd["scope"]}])
    user = {"username": glewlwyd["username"], "password": glewlwyd["password"]}
    answer = platform.exchange("hr", variables=user)
    assert answer.status == 200, answer
    token = answer.json["token"]["refresh_token"]
    answer = revoke(platform, token, token_type_hint="refresh_token")
    assert answer.status == 200 and answer.json["code"] == "revoked", answer
    assert refresh(platform, token).status == 422
    assert revoke(platform, "never-issued").json["code"] == "revoked"
