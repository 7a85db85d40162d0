"""A profile filled from its issuer's metadata: OpenID Connect Discovery 1.0, 4; RFC 8414, 3."""
import concurrent.futures
import json

import peer
import pytest
import rig
from metadata import MetadataServer

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"


@pytest.fixture
def issuer(pki):
    with MetadataServer(pki / "server.pem", pki / "server.key") as server:
        yield server


@pytest.fixture
def connected(platform, agent, pki, issuer):
    """An agent that may GET below the issuer, and nothing else."""
    agent.set_policy(rig.rule("i", issuer.origin + "/**", methods=["GET"], ca=pki / "ca.pem")).start()
    return platform


def metadata(issuer, path="", **more):
    """As RFC 8414, 2 describes it."""
    at = issuer.origin + path
    return {"issuer": at, "token_endpoint": at + "/token", "revocation_endpoint": at + "/revoke",
            "grant_types_supported": ["password", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "scopes_supported": ["openid"], "jwks_uri": at + "/jwks", **more}


def put(platform, tmp_path, url, *options, stdin="", **members):
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"name": "p", "type": "oauth2_password", "connector": "dc", **members}))
    return platform.cli("profile", "put", file, "--discover", url, *options, stdin=stdin)


def test_put_fills_what_the_file_leaves_out(connected, issuer, tmp_path):
    issuer.put(OPENID, metadata(issuer))
    done = put(connected, tmp_path, issuer.origin, client={"id": "portal", "secret": "s3"})
    assert done.returncode == 0, done.stderr
    assert f"found {issuer.origin}{OPENID}" in done.stdout
    assert f"token_url = {issuer.origin}/token (token_endpoint)" in done.stdout
    assert f"revocation_url = {issuer.origin}/revoke (revocation_endpoint)" in done.stdout
    assert "client.method = client_secret_post (token_endpoint_auth_methods_supported)" in done.stdout
    assert "profile p added" in done.stdout
    stored = connected.api("GET", "/v1/profiles/p").json
    assert stored["token_url"] == issuer.origin + "/token"
    assert stored["revocation_url"] == issuer.origin + "/revoke"
    assert stored["client"] == {"method": "client_secret_post", "id": "portal", "secret": {"set": True}}
    assert issuer.paths == [OPENID]
    headers = {name.lower(): value for name, value in issuer.asked[0][1].items()}
    assert "authorization" not in headers and "content-type" not in headers and "content-length" not in headers


def test_what_the_file_gives_is_never_changed(connected, issuer, tmp_path):
    issuer.put(OPENID, metadata(issuer))
    done = put(connected, tmp_path, issuer.origin, token_url="https://mine.example/token", revocation_url="",
               client={"method": "client_secret_basic_raw", "id": "portal", "secret": "s3"})
    assert done.returncode == 0, done.stderr
    assert "nothing that the file leaves out" in done.stdout
    assert f"token_url: is kept as it is; the issuer's is {issuer.origin}/token" in done.stdout
    assert "client.method: is kept as it is; the issuer's are: client_secret_post" in done.stdout
    stored = connected.api("GET", "/v1/profiles/p").json
    assert (stored["token_url"], stored["revocation_url"]) == ("https://mine.example/token", "")
    assert stored["client"]["method"] == "client_secret_basic_raw"


def test_oauth_metadata_is_found_where_openid_connects_is_not(connected, issuer, tmp_path):
    issuer.put(OAUTH + "/tenants/a", metadata(issuer, "/tenants/a"))
    done = put(connected, tmp_path, issuer.origin + "/tenants/a")
    assert done.returncode == 0, done.stderr
    assert f"found {issuer.origin}{OAUTH}/tenants/a" in done.stdout
    assert issuer.paths == ["/tenants/a" + OPENID, OAUTH + "/tenants/a"]
    assert connected.api("GET", "/v1/profiles/p").json["token_url"] == issuer.origin + "/tenants/a/token"


def test_it_is_found_where_the_policy_allows_one_place_only(platform, agent, pki, issuer, tmp_path):
    agent.set_policy(rig.rule("i", issuer.origin + OAUTH, methods=["GET"], ca=pki / "ca.pem")).start()
    issuer.put(OAUTH, metadata(issuer))
    done = put(platform, tmp_path, issuer.origin)
    assert done.returncode == 0, done.stderr
    assert issuer.paths == [OAUTH]


@pytest.mark.parametrize("path", (OPENID, OAUTH, "/.well-known/example-configuration"))
def test_the_documents_own_url_will_do(connected, issuer, tmp_path, path):
    issuer.put(path, metadata(issuer, "") | {"issuer": issuer.origin + "/"})  # the URL doesn't tell of the slash
    done = put(connected, tmp_path, issuer.origin + path)
    assert done.returncode == 0, done.stderr
    assert issuer.paths == [path]


def test_the_secret_can_be_asked_for_at_the_same_time(connected, issuer, tmp_path):
    issuer.put(OPENID, metadata(issuer))
    done = put(connected, tmp_path, issuer.origin, "--ask", "client.secret", stdin="s3\n", client={"id": "portal"})
    assert done.returncode == 0, done.stderr
    assert connected.api("GET", "/v1/profiles/p").json["client"]["method"] == "client_secret_post"


REFUSALS = {  # what is served at OPENID: how it is refused
    "another issuer": (dict(members={"issuer": "https://evil.example", "token_endpoint": "https://evil.example/t"}),
                       'the issuer "https://evil.example"'),
    "http for an https issuer": (dict(members={"token_endpoint": "http://localhost/t"}), "is http"),
    "no token endpoint": (dict(members={"token_endpoint": None}), "has no token_endpoint"),
    "a login page": (dict(body=b"<html>log in"), "it is no JSON"),
    "another object": (dict(body=b'{"a":1}'), "it names no issuer"),
    "a list": (dict(body=b"[]"), "no JSON object"),
    "more than an agent takes": (dict(body=b'{"issuer":"' + b"a" * 200_000 + b'"}'), "longer than 131072 bytes"),
    "a redirect": (dict(body=b"", status=302, headers={"Location": "/elsewhere"}), "is not followed"),
    "a fault of the server's": (dict(body=b"", status=500), "answered 500"),
    "a busy server": (dict(body=b"", status=503), "try again later"),
}


@pytest.mark.parametrize("why", REFUSALS)
def test_metadata_that_must_not_be_believed_is_refused(connected, issuer, tmp_path, why):
    served, says = REFUSALS[why]
    if "members" in served:
        served = {**served, "members": {**metadata(issuer), **served["members"]}}
    issuer.put(OPENID, **served)
    done = put(connected, tmp_path, issuer.origin)
    assert done.returncode == 1 and says in done.stderr, done.stderr
    assert connected.api("GET", "/v1/profiles/p").status == 404, "nothing was put"
    assert issuer.paths == [OPENID], "the other place is for servers that have none here"


def test_both_places_are_named_when_neither_has_it(connected, issuer, tmp_path):
    done = put(connected, tmp_path, issuer.origin)
    assert done.returncode == 1
    assert f"{issuer.origin}{OPENID}: the server answered 404" in done.stderr
    assert f"{issuer.origin}{OAUTH}: the server answered 404" in done.stderr
    asked = connected.api("POST", "/v1/profiles/p/discover", {
        "url": issuer.origin, "profile": {"type": "oauth2_password", "connector": "dc"}})
    assert len(asked.json["detail"]) > 240 and asked.json["detail"] in done.stderr, "nothing of it is cut off"


def test_the_policy_decides(platform, agent, pki, issuer, tmp_path):
    issuer.put(OPENID, metadata(issuer))
    agent.set_policy(rig.rule("i", issuer.origin + "/**", methods=["POST"], ca=pki / "ca.pem")).start()
    answer = platform.api("POST", "/v1/profiles/p/discover", {"url": issuer.origin, "profile": {"connector": "dc"}})
    assert answer.status == 422 and answer.json["code"] == "policy_refused", answer
    assert answer.json["execution"] == "not_sent" and answer.json["stage"] == "policy"
    assert not issuer.asked


def test_an_offline_connector_is_told_at_once(platform, issuer, tmp_path):
    platform.add_connector("dc")
    done = put(platform, tmp_path, issuer.origin)
    assert done.returncode == 1 and "no agent that is connected" in done.stderr


def by_hand(platform, agent, **changes):
    """An agent's end of a tunnel that is played by hand."""
    context = peer.client_context(agent.folder / "ca.pem", agent.folder / "agent.pem", agent.folder / "agent.key")
    _, ws = peer.connect(platform.tunnel_port, context)
    ws.send(peer.hello(**changes))
    ws.receive(peer.WELCOME)
    return ws


def test_an_agent_that_cannot_is_not_asked(platform, agent):
    """An older agent, which announces no such feature."""
    ws = by_hand(platform, agent)
    answer = platform.api("POST", "/v1/profiles/p/discover",
                          {"url": "https://i.example", "profile": {"connector": "dc"}})
    ws.close()
    assert answer.status == 503 and answer.json["code"] == "agent_unavailable", answer
    assert "update them" in answer.json["detail"]


@pytest.mark.parametrize("document", ("[]", "{", "5", '{"issuer":["https://i.example"]}', None,
                                      '{"issuer":"https://i.example","token_endpoint":{}}',
                                      '{"issuer":"https://evil.example","token_endpoint":"https://evil.example/t"}'))
def test_an_agent_is_not_believed_either(platform, agent, document):
    ws = by_hand(platform, agent, features=["discover"])
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(platform.api, "POST", "/v1/profiles/p/discover",
                            {"url": "https://i.example", "profile": {"connector": "dc"}})
        job = ws.receive(peer.JOB)[1]
        assert job["purpose"] == "discover" and job["variables"] == {}
        assert job["request"] == {"method": "GET", "url": "https://i.example" + OPENID, "encoding": "form", "fields": []}
        more = {} if document is None else {"document": document}
        ws.send((peer.RESULT, {"id": job["id"], "outcome": "issued", "code": "issued", "execution": "answered",
                               "status": 200, **more}))
        answer = asked.result(30)
    ws.close()
    assert answer.status == 422 and answer.json["code"] == "metadata_refused", answer
    assert [e["field"] for e in answer.json["errors"]] in (["url"], ["token_url"]), answer
    assert platform.api("GET", "/healthz").status == 200


def test_what_was_found_is_told_to_a_program_too(connected, issuer):
    issuer.put(OPENID, metadata(issuer, token_endpoint_auth_methods_supported=["private_key_jwt"]))
    answer = connected.api("POST", "/v1/profiles/p/discover",
                           {"url": issuer.origin, "profile": {"connector": "dc", "client": {"id": "a", "secret": "b"}}})
    assert answer.status == 200, answer
    found = answer.json
    assert found["profile"] == {"connector": "dc", "client": {"id": "a", "secret": "b"},
                                "token_url": issuer.origin + "/token", "revocation_url": issuer.origin + "/revoke"}
    assert found["filled"][0] == {"field": "token_url", "value": issuer.origin + "/token", "from": "token_endpoint"}
    assert (found["url"], found["issuer"]) == (issuer.origin + OPENID, issuer.origin)
    assert "scopes_supported" not in found["metadata"] and "jwks_uri" not in found["metadata"]
    assert [w["field"] for w in found["warnings"]] == ["client.method"]
    assert connected.api("GET", "/v1/profiles/p").status == 404, "it puts nothing"
    trail = connected.api("GET", "/v1/exchanges?profile=p").json["exchanges"]
    assert [(row["purpose"], row["code"]) for row in trail] == [("discover", "issued")]


def test_every_fault_of_the_question_is_named(platform):
    answer = platform.api("POST", "/v1/profiles/p/discover", {"url": "https://i.example/?a=b", "budget_ms": 1, "x": 1})
    assert answer.status == 400
    assert {e["field"] for e in answer.json["errors"]} == {"url", "profile", "budget_ms", "x"}


def test_without_a_connector_the_platform_asks_by_itself(tmp_path, issuer, pki):
    issuer.put(OAUTH + "/a", metadata(issuer, "/a"))
    rules = [rig.rule("i", issuer.origin + "/**", methods=["GET"], ca=pki / "ca.pem")]
    platform = rig.Platform(tmp_path / "own", extra=f"policy = ( {', '.join(rules)} );").start()
    done = put(platform, tmp_path, issuer.origin + "/a", connector=None)
    assert done.returncode == 0, done.stderr
    assert f"token_url = {issuer.origin}/a/token (token_endpoint)" in done.stdout
    assert issuer.paths == ["/a" + OPENID, OAUTH + "/a"]
    trail = platform.api("GET", "/v1/exchanges?profile=p").json["exchanges"]
    assert [(row["purpose"], row["code"], row["connector"]) for row in trail] == \
           [("discover", "issued", None), ("discover", "endpoint_failed", None)]
    assert platform.stop() == 0


def test_without_a_connector_the_platforms_policy_denies_by_default(platform, issuer, tmp_path):
    issuer.put(OPENID, metadata(issuer))
    done = put(platform, tmp_path, issuer.origin, connector=None)
    assert done.returncode == 1 and "polic" in done.stderr, done.stderr
    assert not issuer.asked


def test_an_application_may_not_ask(platform, issuer):
    answer = platform.api("POST", "/v1/profiles/p/discover", {"url": issuer.origin, "profile": {}}, key=platform.app_key)
    assert answer.status == 403


def test_a_real_server_is_discovered_and_then_asked(platform, agent, glewlwyd, tmp_path):
    issuer = glewlwyd["token_url"].removesuffix("/token")
    agent.set_policy(rig.rule("g", issuer + "/**", methods=["GET", "POST"], ca=glewlwyd["ca"])).start()
    client = {"id": glewlwyd["client_id"], "secret": glewlwyd["client_secret"]}
    done = put(platform, tmp_path, issuer, client=client)
    assert done.returncode == 0, done.stderr
    assert f"token_url = {glewlwyd['token_url']} (token_endpoint)" in done.stdout
    assert "client.method = client_secret_basic (" in done.stdout
    assert "take client_secret_basic_raw" in done.stdout, "as this server does"
    done = put(platform, tmp_path, issuer, client={**client, "method": "client_secret_basic_raw"},
               fields=[{"place": "payload", "key": "scope", "value": glewlwyd["scope"]}])
    assert done.returncode == 0 and "client.method" not in done.stdout, done.stdout + done.stderr
    answer = platform.exchange("p", variables={"username": glewlwyd["username"], "password": glewlwyd["password"]})
    assert answer.status == 200, answer
