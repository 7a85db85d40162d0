"""What is sent: every method with form and json, byte for byte as the endpoint saw it."""
import json

import pytest
import rig

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
NASTY = 'a&b=c d%+"\'\\/\r\n\t\x01<é>🔑'  # of every kind that an encoding must escape, and one beyond the BMP
PASSWORD = 'right'
FIELDS = [{"place": "payload", "key": "k&=", "value": "{{nasty}}"}, {"place": "payload", "key": "e", "value": ""},
          {"place": "query", "key": "v", "value": "1 2"}, {"place": "payload", "key": "e", "value": "again"}]
# By hand: RFC 6749, appendix B, and RFC 3986, 2.1.
NASTY_FORM = "a%26b%3Dc+d%25%2B%22%27%5C%2F%0D%0A%09%01%3C%C3%A9%3E%F0%9F%94%91"
NASTY_QUERY = NASTY_FORM.replace("+", "%20")
GRANT = "grant_type=password&username=ada&password=right"
FORM = f"{GRANT}&k%26%3D={NASTY_FORM}&e=&e=again"
QUERY = f"{GRANT}&k%26%3D={NASTY_QUERY}&e=&e=again"
JSON = ('{"grant_type":"password","username":"ada","password":"right",'
        '"k&=":"a&b=c d%+\\"\'\\\\/\\r\\n\\t\\u0001<é>🔑","e":["","again"]}')


@pytest.fixture
def ask(platform, agent, endpoint):
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", methods=METHODS)).start()

    def run(method, content_type, path="/token", fields=FIELDS, **more):
        warnings = platform.put_profile("p", connector="dc", token_url=endpoint.url(path), method=method,
                                        content_type=content_type, fields=fields, **more)["warnings"]
        context = {"nasty": NASTY} if fields is FIELDS else {}
        return platform.exchange("p", variables={"username": "ada", "password": PASSWORD}, context=context), warnings
    return run


def seen(endpoint, path="/token"):
    """The only request that came."""
    requests = endpoint.journal.requests(path)
    assert len(requests) == 1
    endpoint.journal.clear()
    return requests[0]


def headers(request):
    return {name.lower(): value for name, value in request.headers}


@pytest.mark.parametrize("content_type", ("form", "json"))
@pytest.mark.parametrize("method", METHODS)
def test_each_method_and_encoding_arrives_byte_for_byte(ask, endpoint, method, content_type):
    answer, _ = ask(method, content_type)
    assert answer.status == 200, answer
    request = seen(endpoint)
    got = headers(request)
    assert request.method == method and request.version == "HTTP/1.1"
    assert "expect" not in got and "transfer-encoding" not in got
    if method in ("GET", "DELETE"):
        assert request.target == f"/token?v=1%202&{QUERY}"
        assert request.body == b"" and "content-length" not in got and "content-type" not in got
    else:
        body = (FORM if content_type == "form" else JSON).encode()
        assert request.target == "/token?v=1%202"
        assert request.body == body and got["content-length"] == str(len(body))
        assert got["content-type"] == ("application/x-www-form-urlencoded" if content_type == "form" else "application/json")
    if content_type == "json" and method == "POST":
        assert json.loads(request.body)["k&="] == NASTY


def test_a_second_request_on_the_same_connection_keeps_nothing_of_the_first(ask, endpoint):
    """POST with a body, then GET, DELETE and PUT on a kept connection: each as if it were the first."""
    for method in ("POST", "GET", "PUT", "DELETE", "POST"):
        answer, _ = ask(method, "json", fields=[])
        assert answer.status == 200, answer
        request = seen(endpoint)
        has_body = method not in ("GET", "DELETE")
        assert request.method == method and bool(request.body) == has_body
        assert ("content-length" in headers(request)) == has_body
    assert request.place == 5, "one connection carried them all"


@pytest.mark.parametrize("method", ("PUT", "DELETE", "GET"))
def test_the_policy_and_the_gate_look_at_every_method(platform, agent, endpoint, method):
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", methods=["POST"])).start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"), method=method)
    answer = platform.exchange("p", variables={"username": "ada", "password": PASSWORD})
    assert answer.status == 422 and answer.json["code"] == "policy_refused", answer
    assert not endpoint.journal.requests()


@pytest.mark.parametrize("method", METHODS)
def test_a_request_is_sent_once_whatever_its_method(ask, endpoint, method):
    """The second request meets a kept connection that dies after it was read: libcurl would repeat it."""
    assert ask(method, "json", path="/close-after-read", fields=[])[0].status == 200
    answer, _ = ask(method, "json", path="/close-after-read", fields=[])
    assert answer.status == 502 and answer.json["execution"] == "sent", answer
    assert endpoint.count("/close-after-read") == 2


def test_a_method_other_than_post_is_warned_of(ask):
    def about_method(method):
        return [w for w in map(str, ask(method, "json", fields=[])[1]) if "3.2" in w]
    assert not about_method("POST")
    assert "query" in about_method("GET")[0] and "query" in about_method("DELETE")[0]
    assert len(about_method("PUT")) == 1 and len(about_method("PATCH")) == 1


def test_the_client_in_the_payload_is_json_too(ask, endpoint):
    client = {"method": "client_secret_post", "id": "portal", "secret": 's"3'}
    assert ask("POST", "json", fields=[], client=client)[0].status == 200
    assert seen(endpoint).body == (b'{"grant_type":"password","username":"ada","password":"right",'
                                   b'"client_id":"portal","client_secret":"s\\"3"}')


def test_a_refresh_is_json_too(ask, platform, endpoint):
    token = ask("POST", "json", fields=[])[0].json["token"]
    endpoint.journal.clear()
    answer = platform.api("POST", "/v1/profiles/p/refresh", {"refresh_token": token["refresh_token"]}, key=platform.app_key)
    assert answer.status == 200, answer
    assert seen(endpoint).body == ('{"grant_type":"refresh_token","refresh_token":"%s"}' % token["refresh_token"]).encode()
