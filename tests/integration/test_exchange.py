"""Exchanges through the tunnel with real third-party token servers over TLS."""
import pytest
import rig
from endpoint_behaviours import ACCOUNTS

SERVERS = ("glewlwyd", "node_oauth")


def profile_of(server, **changes):
    """A profile for a server of a ready file."""
    profile = {
        "connector": "dc",
        "token_url": server["token_url"],
        "client": {"method": "client_secret_basic_raw", "id": server["client_id"], "secret": server["client_secret"]},
        "fields": [{"place": "payload", "key": "scope", "value": server["scope"]}],
        "auth_error_status": [403],
    }
    return {**profile, **changes}


@pytest.fixture(params=SERVERS)
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def ready(platform, agent, server):
    """Everything runs, and profile "p" asks the server."""
    agent.set_policy(rig.rule("idp", rig.origin(server["token_url"]) + "/**", ca=server["ca"])).start()
    platform.put_profile("p", **profile_of(server))
    return platform


def right(server):
    return {"username": server["username"], "password": server["password"]}


def test_the_right_password_brings_a_token(ready, agent, server):
    answer = ready.exchange("p", variables=right(server))
    assert answer.status == 200, answer
    got = answer.json
    assert got["outcome"] == got["code"] == "issued"
    assert got["execution"] == "answered" and got["status"] == 200
    assert got["token"]["access_token"] and got["token"]["refresh_token"]
    assert got["token"]["token_type"] == "Bearer" and got["token"]["expires_in"] > 0
    assert got["connector"] == "dc" and got["agent"] == ready.agents("dc")[0]["id"]
    assert len(got["trace_id"]) == 32
    for hop in ("queued", "policy", "resolve", "connect", "tls", "wait", "receive", "total"):
        assert got["timing_us"][hop] >= 0
    assert got["timing_us"]["tls"] > 0 and got["timing_us"]["total"] >= got["timing_us"]["wait"] > 0
    again = ready.exchange("p", variables=right(server)).json
    assert again["timing_us"]["tls"] == 0, "the connection is reused"


def test_a_wrong_password_is_refused_as_such(ready, server):
    answer = ready.exchange("p", variables={**right(server), "password": "wrong"})
    assert answer.status == 422, answer
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert problem["code"] == "credentials_refused"
    assert problem["execution"] == "answered"
    assert problem["safe_to_retry"] == "with_new_credentials"
    assert "wrong" not in problem.get("detail", "").split()


@pytest.mark.parametrize("server", ["glewlwyd"], indirect=True)
def test_a_403_with_an_empty_body_means_what_the_profile_says(ready, server):
    wrong = {**right(server), "password": "wrong"}
    assert ready.exchange("p", variables=wrong).json["code"] == "credentials_refused"
    ready.put_profile("p", **profile_of(server, auth_error_status=[]))
    assert ready.exchange("p", variables=wrong).json["code"] == "endpoint_failed"


def test_a_refresh_brings_a_new_token(ready, server):
    first = ready.exchange("p", variables=right(server)).json["token"]
    answer = ready.api("POST", "/v1/profiles/p/refresh", {"refresh_token": first["refresh_token"]}, key=ready.app_key)
    assert answer.status == 200, answer
    assert answer.json["token"]["access_token"] != first["access_token"]
    used = ready.api("POST", "/v1/profiles/p/refresh", {"refresh_token": "no-such-token"}, key=ready.app_key)
    assert used.status == 422 and used.json["code"] in ("credentials_refused", "request_refused"), used


def test_an_unknown_client_is_refused(ready, server):
    client = {"method": "client_secret_basic_raw", "id": "nobody", "secret": "nothing"}
    ready.put_profile("p", **profile_of(server, client=client))
    answer = ready.exchange("p", variables=right(server))
    assert answer.status == 422, answer
    assert answer.json["code"] in ("client_refused", "request_refused")
    assert answer.json["safe_to_retry"] == "after_fix"


def test_the_secret_may_go_in_the_body(ready, server):
    client = {"method": "client_secret_post", "id": server["client_id"], "secret": server["client_secret"]}
    ready.put_profile("p", **profile_of(server, client=client))
    assert ready.exchange("p", variables=right(server)).status == 200


def test_no_secret_reaches_a_log(ready, agent, server):
    assert ready.exchange("p", variables=right(server)).status == 200
    ready.exchange("p", variables={**right(server), "password": "sesame-open-up"})
    token = ready.exchange("p", variables=right(server)).json["token"]["access_token"]
    logs = "\n".join(ready.process.lines + agent.process.lines)
    for secret in (server["password"], server["client_secret"], "sesame-open-up", token, ready.admin_key, ready.app_key):
        assert secret not in logs


@pytest.mark.parametrize("server", ["glewlwyd"], indirect=True)
def test_a_public_client_says_its_id_alone(ready, server):
    ready.put_profile("p", **profile_of(server, token_url=server["public_token_url"], client={"id": server["public_client_id"]}))
    assert ready.exchange("p", variables=right(server)).status == 200


def test_an_encoded_secret_is_not_what_these_servers_take(ready, server):
    client = {"method": "client_secret_basic", "id": server["client_id"], "secret": server["client_secret"]}
    ready.put_profile("p", **profile_of(server, client=client))
    assert ready.exchange("p", variables=right(server)).json["code"] in ("client_refused", "request_refused")


METHODS = ("none", "client_secret_basic", "client_secret_basic_raw", "client_secret_post")


@pytest.mark.parametrize("method", METHODS)
def test_each_method_is_that_one_and_no_other(platform, agent, endpoint, method):
    client = {"id": ACCOUNTS["public_client_id" if method == "none" else "client_id"]}
    if method != "none":
        client["secret"] = ACCOUNTS["client_secret"]
    agent.set_policy(rig.rule("idp", endpoint.url("/**"))).start()
    for other in METHODS:
        platform.put_profile("p", connector="dc", token_url=endpoint.url(f"/token?client={other}"), client={"method": method, **client})
        answer = platform.exchange("p", variables={"username": "alice", "password": "right"})
        assert (answer.status, answer.json["code"]) == ((200, "issued") if method == other else (422, "client_refused")), answer


def test_a_refresh_goes_to_its_own_url(platform, agent, endpoint):
    agent.set_policy(rig.rule("idp", endpoint.url("/**"))).start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"), refresh_url=endpoint.url("/form-answer?expires_in=7"))
    first = platform.exchange("p", variables={"username": "alice", "password": "right"}).json["token"]
    answer = platform.api("POST", "/v1/profiles/p/refresh", {"refresh_token": first["refresh_token"]}, key=platform.app_key)
    assert answer.status == 200 and answer.json["token"]["expires_in"] == 7, answer
    assert [(r.path, r.field("grant_type")) for r in endpoint.journal.requests()] == [
        ("/token", "password"), ("/form-answer", "refresh_token")]
