"""The HTTP API from outside: who may do what, and what bad input gets."""
import json

import pytest
import rig

PROFILE = {"name": "p", "type": "oauth2_password", "connector": "dc", "token_url": "https://idp.example/token",
           "client": {"method": "client_secret_basic", "id": "portal", "secret": "sesame"}}


def test_health_needs_no_key(platform):
    assert platform.api("GET", "/healthz", key="").status == 200
    assert platform.api("GET", "/readyz", key="").status == 200


def test_everything_else_needs_a_key_that_may(platform):
    for method, path in (("GET", "/v1/connectors"), ("GET", "/v1/profiles"), ("POST", "/v1/profiles/p/exchange"), ("GET", "/v1/keys")):
        answer = platform.api(method, path, key="")
        assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert platform.api(method, path, key="cxk_" + "A" * 43).status == 401
    answer = platform.api("GET", "/v1/connectors", key=platform.app_key)
    assert answer.status == 403 and answer.json["code"] == "forbidden"
    assert platform.exchange("nothing").status == 404


def test_a_revoked_key_is_refused_at_once(platform):
    key = platform.api("POST", "/v1/keys", {"name": "second", "role": "admin"}).json["key"]
    assert platform.api("GET", "/v1/keys", key=key).status == 200
    assert platform.api("DELETE", "/v1/keys/second").status == 204
    assert platform.api("GET", "/v1/keys", key=key).status == 401
    assert platform.api("DELETE", "/v1/keys/second").status == 404


def test_keys_outlive_a_restart_and_are_stored_as_hashes_alone(platform):
    platform.stop()
    stored = b"".join(f.read_bytes() for f in platform.folder.glob("platform.db*"))
    assert platform.app_key.encode() not in stored and platform.admin_key.encode() not in stored
    platform.start()
    assert platform.api("GET", "/v1/keys").status == 200


def test_connectors_are_added_shown_and_removed(platform):
    assert platform.api("POST", "/v1/connectors", {"name": "dc"}).status == 201
    assert platform.api("POST", "/v1/connectors", {"name": "dc"}).status == 409
    listed = platform.api("GET", "/v1/connectors").json["connectors"]
    assert [c["name"] for c in listed] == ["dc"] and listed[0]["state"] == "offline"
    platform.api("PUT", "/v1/profiles/p", PROFILE)
    assert platform.api("DELETE", "/v1/connectors/dc").status == 409, "a profile uses it"
    assert platform.api("DELETE", "/v1/profiles/p").status == 204
    assert platform.api("DELETE", "/v1/connectors/dc").status == 204
    assert platform.api("GET", "/v1/connectors/dc").status == 404


def test_a_removed_connector_takes_its_agents_away(platform, agent):
    agent.start()
    assert platform.api("DELETE", "/v1/connectors/dc").status == 204
    agent.process.wait("tunnel.closed.*code=4401")


def test_secrets_come_back_as_set_and_stay_sealed(platform):
    platform.add_connector("dc")
    answer = platform.api("PUT", "/v1/profiles/p", PROFILE)
    assert answer.status == 201 and answer.json["client"]["secret"] == {"set": True}
    shown = platform.api("GET", "/v1/profiles/p").json
    assert "sesame" not in json.dumps(shown)
    kept = {**PROFILE, "client": {**PROFILE["client"], "secret": {"set": True}}, "budget_ms": 5000}
    assert platform.api("PUT", "/v1/profiles/p", kept).status == 200
    moved = {**kept, "token_url": "https://attacker.example/token"}
    answer = platform.api("PUT", "/v1/profiles/p", moved)
    assert answer.status == 400 and any(e["field"] == "client.secret" for e in answer.json["errors"])
    platform.stop()
    assert b"sesame" not in b"".join(f.read_bytes() for f in platform.folder.glob("platform.db*"))
    platform.start()
    assert platform.api("GET", "/v1/profiles/p").json["client"]["secret"] == {"set": True}


def test_every_fault_of_a_profile_is_named_at_once(platform):
    answer = platform.api("PUT", "/v1/profiles/p", {
        "name": "other", "type": "oauth2_pasword", "token_url": "https://{realm}.example/", "method": "BREW",
        "budget_ms": 5, "conector": "dc", "fields": [{"place": "heading", "key": "X", "value": "{{secret:a"}]})
    assert answer.status == 400 and answer.json["code"] == "bad_input"
    fields = {e["field"] for e in answer.json["errors"]}
    assert {"name", "type", "token_url", "method", "budget_ms", "conector", "fields[0].place", "fields[0].value"} <= fields
    nearest = [e["message"] for e in answer.json["errors"] if e["field"] == "conector"][0]
    assert "connector" in nearest
    assert platform.api("GET", "/v1/profiles/p").status == 404


def test_every_wrong_value_of_a_call_is_named_at_once_and_none_is_shown(platform):
    platform.add_connector("dc")
    platform.api("PUT", "/v1/profiles/p", {
        **PROFILE, "tenancy": {}, "token_url": "https://{tenant}.idp.example/{{session}}",
        "form_fields": [{"title": "Age", "key": "age", "data_type": "number", "required": True}]})
    answer = platform.exchange("p", variables={"username": "alice", "age": "seventy", "extra": "x-marks"}, context={}, colour="red")
    assert answer.status == 400, answer
    assert {e["field"] for e in answer.json["errors"]} >= {"colour"}
    answer = platform.exchange("p", variables={"username": "alice", "age": "seventy", "extra": "x-marks"}, context={})
    assert answer.status == 400, answer
    fields = {e["field"] for e in answer.json["errors"]}
    assert {"variables.password", "variables.age", "variables.extra", "context.session", "tenant"} <= fields, fields
    assert "seventy" not in answer.body.decode() and "x-marks" not in answer.body.decode()


@pytest.mark.parametrize("body, words", [(b"", "JSON"), (b"{", "JSON"), (b"[]", "object"), (b'{"name": "a", "name": "b"}', "JSON")])
def test_a_body_that_is_no_object_is_refused(platform, body, words):
    answer = platform.api("POST", "/v1/connectors", body)
    assert answer.status == 400 and words in answer.json["detail"]


def test_unknown_paths_and_methods(platform):
    assert platform.api("GET", "/v2/x").status == 404
    assert platform.api("PATCH", "/v1/connectors").status == 405
    assert platform.api("POST", "/v1/connectors", "x" * 2_000_000).status == 413


def test_a_trace_id_is_taken_from_the_caller(platform):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = platform.api("GET", "/v1/profiles/none", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.json["trace_id"] == trace


def test_results_do_not_stay_in_the_store(platform, agent, endpoint):
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**")).start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"))
    answer = platform.exchange("p", variables={"username": "alice", "password": "right"})
    assert answer.status == 200
    platform.stop()
    stored = b"".join(f.read_bytes() for f in platform.folder.glob("platform.db*"))
    assert answer.json["token"]["access_token"].encode() not in stored and b"right" not in stored
    import sqlite3
    with sqlite3.connect(platform.folder / "platform.db") as db:
        names = [n for (n,) in db.execute("select name from sqlite_master where type = 'table'")]
        rows = db.execute("select count(*) from results").fetchone()[0] if "results" in names else None
    assert rows == 0
    platform.start()


def test_the_api_listens_with_tls_and_on_a_unix_socket_too(tmp_path):
    port = rig.free_port()
    platform = rig.Platform(tmp_path / "p", more_api=(f"https://127.0.0.1:{port}", "unix:api.sock")).start()
    try:
        context = rig.tls_context(platform.folder / "ca.pem")
        key = {"Authorization": f"Bearer {platform.app_key}"}
        assert rig.http_ask("localhost", port, "GET", "/healthz", tls=context).status == 200
        assert rig.http_ask("localhost", port, "GET", "/v1/connectors", headers=key, tls=context).status == 403
        over_unix = rig.run("curl", "-s", "--unix-socket", platform.folder / "api.sock", "-H", key["Authorization"].join(("Authorization: ", "")),
                            "-o", "/dev/null", "-w", "%{http_code}", "http://x/v1/connectors")
        assert over_unix.stdout == "403", "a key is needed there too"
    finally:
        assert platform.stop() == 0
