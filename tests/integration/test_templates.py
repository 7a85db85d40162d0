"""Placeholders from outside: what each becomes where it stands, and that nothing is sent with one unfilled."""
import urllib.parse

import peer
import pytest
import rig

NASTY = 'a b &"%+ü?#{x}'  # without a '/', which the policy refuses in a path, encoded or not


def test_tenant_path_dynamic_values_and_literals_arrive_where_they_stand(platform, agent, endpoint):
    port = urllib.parse.urlsplit(endpoint.url("/")).port
    agent.set_policy(rig.rule("t", f"http://localhost:{port}/**")).start()
    platform.put_profile(
        "p", connector="dc", tenancy={"tenant": "localhost"}, token_url=f"http://{{tenant}}:{port}/token/{{realm}}/{{{{session}}}}?t={{{{tenant}}}}&s={{{{session}}}}",
        form_fields=[{"key": "username", "required": True}, {"key": "password", "type": "password", "required": True}, {"key": "pin"}],
        fields=[{"place": "path", "key": "realm", "value": "r {{session}}"}, {"place": "header", "key": "X-Pin", "value": "{{pin}};{{{{pin}}"},
                {"place": "query", "key": "q", "value": "{{session}}"}, {"place": "payload", "key": "d", "value": "<{{session}}|{{{{|{tenant}>"}])
    answer = platform.exchange("p", variables={"username": "alice", "password": "right", "pin": "4711"}, context={"session": NASTY})
    assert endpoint.journal.requests(), answer
    request = endpoint.journal.requests()[0]
    quoted = urllib.parse.quote(NASTY, safe="")
    assert request.target == f"/token/r%20{quoted}/{quoted}?t=localhost&s={quoted}&q={quoted}"
    assert request.header("X-Pin") == "4711;{{pin}}"
    form = urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True)
    assert form == [("grant_type", "password"), ("username", "alice"), ("password", "right"), ("d", f"<{NASTY}|{{{{|{{tenant}}>")]


UNFILLED = [
    ("the host", {"url": "http://{{gone}}.example/t"}, "url: nothing fills {{gone}}"),
    ("the tenant", {"url": "http://{tenant}.example/t"}, "url: nothing fills {tenant}"),
    ("the path", {"url": "/t/{gone}"}, "url: nothing fills {gone}"),
    ("a dynamic value of the path", {"url": "/t/{{gone}}"}, "url: nothing fills {{gone}}"),
    ("the URL's query", {"url": "/t?x={{gone}}"}, "url: nothing fills {{gone}}"),
    ("a path field", {"url": "/t/{k}", "fields": [["path", "k", "{{gone}}"]]}, 'path field "k": nothing fills {{gone}}'),
    ("a query field", {"fields": [["query", "k", "{{gone}}"]]}, 'query field "k": nothing fills {{gone}}'),
    ("a header", {"fields": [["header", "K", "{{gone}}"]]}, 'header field "K": nothing fills {{gone}}'),
    ("the payload", {"fields": [["payload", "k", "x{{gone}}"]]}, 'payload field "k": nothing fills {{gone}}'),
    ("the payload of a GET", {"method": "GET", "fields": [["payload", "k", "{{gone}}"]]}, 'payload field "k": nothing fills {{gone}}'),
    ("the client's id", {"client": {"method": "client_secret_basic", "id": "{{gone}}", "secret": "s"}}, "client.id: nothing fills {{gone}}"),
    ("the client's secret", {"client": {"method": "client_secret_post", "id": "i", "secret": "{{gone}}"}}, "client.secret: nothing fills {{gone}}"),
    ("a placeholder that does not end", {"fields": [["payload", "k", "{{gone"]]}, "does not end"),
    ("a name that is none", {"fields": [["header", "K", "{{a b}}"]]}, "a placeholder's name is"),
]


def test_nothing_is_sent_with_a_placeholder_unfilled(platform, agent, endpoint):
    """In each place, as a platform sends it that doesn't check; the agent says which one it is."""
    platform.stop()
    fake = peer.FakePlatform(platform)
    try:
        agent.set_policy(rig.rule("t", rig.origin(endpoint.url("/")) + "/**", methods=("POST", "GET"))).start(wait=False)
        ws, _ = fake.greet()
        for why, job, says in UNFILLED:
            url = job.get("url", "/t")
            request = {"method": job.get("method", "POST"), "url": url if "://" in url else endpoint.url("") + url, "encoding": "form",
                       "fields": job.get("fields", []), "client": job.get("client", {"method": "none"})}
            ws.send(peer.job("", request=request))
            _, result = ws.receive(peer.RESULT)
            assert (result["outcome"], result["code"], result["execution"]) == ("failed", "profile_incomplete", "not_sent"), (why, result)
            assert result["error"]["stage"] == "template" and says in result["error"]["message"], (why, result)
        assert endpoint.journal.requests() == []
    finally:
        fake.close()
