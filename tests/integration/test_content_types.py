"""Every content type with every method: what arrived, read back by Python's own parsers."""
import urllib.parse

import pytest
import rig
from endpoint_payload import read_payload

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
MEDIA_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "form_rfc3986": "application/x-www-form-urlencoded",
    "xml": "application/xml",
    "rss": "application/rss+xml",
    "csv": "text/csv",
    "text": "text/plain; charset=utf-8",
    "multipart_form": "multipart/form-data; boundary=connector-",
    "multipart_related": 'multipart/related; type="application/json"; start="<',
    "oracle_adf": "application/vnd.oracle.adf.resourceitem+json",
}
LINE = '\t"a",b;&c=d %25+\'\\/<é>]]>&amp;</k>--connector-🔑\u00a0\ufeff{{username}}'  # of every kind that some type escapes
LINES = "\r\n--connector-\r\n\nk2=v2\r,\r\n" + LINE
CONTROLS = "\x01\x1f\x7f\ufffe" + LINES
NASTY = {t: LINE if t == "text" else LINES if t in ("xml", "rss", "csv") else CONTROLS for t in MEDIA_TYPES}
CLIENT = {"method": "client_secret_post", "id": "portal", "secret": 's"3&<,'}
FIELDS = [{"place": "payload", "key": "k", "value": "{{nasty}}"}, {"place": "payload", "key": "e", "value": ""},
          {"place": "query", "key": "v", "value": "{{nasty}}"}]


@pytest.fixture
def ask(platform, agent, endpoint):
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", methods=METHODS)).start()

    def run(content_type, nasty=None, username="ada", **more):
        fields = more.pop("fields", FIELDS)
        platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"), content_type=content_type,
                             fields=fields, **more)
        context = {} if nasty is None else {"nasty": nasty}
        return platform.exchange("p", variables={"username": username, "password": "right"}, context=context)
    return run


def seen(endpoint):
    """The only request that came."""
    request, = endpoint.journal.requests("/token")
    endpoint.journal.clear()
    return request


def sent(content_type, *pairs):
    """The pairs in the order in which that type sends them."""
    def quoted(pair):
        return [urllib.parse.quote(text, safe="").encode() for text in pair]
    return sorted(pairs, key=quoted) if content_type == "form_rfc3986" else list(pairs)


@pytest.mark.parametrize("content_type", MEDIA_TYPES)
def test_each_type_arrives_whole_with_each_method(ask, platform, endpoint, content_type):
    for method in METHODS:
        check_arrives_whole(ask, endpoint, content_type, method)
    check_refresh(ask, platform, endpoint, content_type)


def check_arrives_whole(ask, endpoint, content_type, method):
    nasty = NASTY[content_type]
    answer = ask(content_type, nasty, username=nasty, method=method, client=CLIENT)
    assert answer.status == 200, answer
    request = seen(endpoint)
    pairs = [("grant_type", "password"), ("username", nasty), ("password", "right"), ("k", nasty), ("e", ""),
             ("client_id", CLIENT["id"]), ("client_secret", CLIENT["secret"])]
    query = urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query, keep_blank_values=True, strict_parsing=True)
    assert request.method == method
    if method in ("GET", "DELETE"):
        assert query == [("v", nasty), *pairs]
        assert request.body == b"" and request.header("Content-Type") is None and request.header("Content-Length") is None
        return
    assert query == [("v", nasty)]
    assert request.header("Content-Length") == str(len(request.body))
    media_type = request.header("Content-Type")
    assert media_type.startswith(MEDIA_TYPES[content_type])
    assert [value for name, value in request.headers if name.lower() == "content-type"] == [media_type]
    assert read_payload(media_type, request.body) == sent(content_type, *pairs)


def check_refresh(ask, platform, endpoint, content_type):
    token = ask(content_type, fields=[]).json["token"]
    endpoint.journal.clear()
    answer = platform.api("POST", "/v1/profiles/p/refresh", {"refresh_token": token["refresh_token"]}, key=platform.app_key)
    assert answer.status == 200, answer
    request = seen(endpoint)
    assert read_payload(request.header("Content-Type"), request.body) == [
        ("grant_type", "refresh_token"), ("refresh_token", token["refresh_token"])]


@pytest.mark.parametrize("content_type", ("xml", "rss", "csv", "text"))
def test_what_a_type_cannot_hold_is_named_and_not_sent(ask, endpoint, content_type):
    answer = ask(content_type, "se\x01cret" if content_type != "text" else "se\ncret=1")
    assert answer.status == 422, answer
    problem = answer.json
    assert (problem["code"], problem["execution"], problem["stage"]) == ("profile_incomplete", "not_sent", "template")
    assert 'payload field "k"' in problem["detail"] and "holds a" in problem["detail"]
    assert "cret" not in str(problem)
    assert not endpoint.journal.requests()


def test_a_key_that_comes_twice_is_sent_twice(ask, endpoint):
    fields = [{"place": "payload", "key": "s", "value": value} for value in "21"]
    for content_type in MEDIA_TYPES.keys() - {"oracle_adf"}:
        assert ask(content_type, fields=fields).status == 200
        request = seen(endpoint)
        pairs = [p for p in read_payload(request.header("Content-Type"), request.body) if p[0] == "s"]
        assert pairs == sent(content_type, ("s", "2"), ("s", "1"))


def test_xml_has_the_root_that_the_profile_names(ask, endpoint):
    fields = [{"place": "payload", "key": "scope", "value": "a<b"}]
    assert ask("xml", fields=fields, root="login").status == 200
    assert seen(endpoint).body == (b'<?xml version="1.0" encoding="UTF-8"?><login><grant_type>password</grant_type>'
                                   b'<username>ada</username><password>right</password><scope>a&lt;b</scope></login>')


def test_a_text_is_sent_as_it_is(ask, platform, endpoint):
    fields = [{"place": "payload", "key": "", "value": "grant_type=password\npassword={{password}}\n\t<{{username}}>\n"}]
    assert ask("text", username="a&b=🔑", fields=fields).status == 200
    request = seen(endpoint)
    assert request.body == "grant_type=password\npassword=right\n\t<a&b=🔑>\n".encode()
    assert request.header("Content-Type") == "text/plain; charset=utf-8"
    answer = ask("text", username="ada>\nadmin=1\n<", fields=fields)
    assert answer.status == 422 and "{{username}} holds a line break" in answer.json["detail"], answer
    assert not endpoint.journal.requests()
    answer = platform.api("POST", "/v1/profiles/p/refresh", {"refresh_token": "rt-1", "variables": {"username": "ada", "password": "x"}},
                          key=platform.app_key)
    assert answer.status == 400 and "payload is one text" in str(answer.json["errors"]), answer


def test_each_request_has_a_boundary_of_its_own(ask, endpoint):
    boundaries = set()
    for _ in range(3):
        assert ask("multipart_form", fields=[]).status == 200
        boundaries.add(seen(endpoint).header("Content-Type"))
    assert len(boundaries) == 3


@pytest.mark.parametrize("content_type, accept", (
    ("form", "application/json, */*;q=0.5"), ("csv", "text/csv, application/json;q=0.9, */*;q=0.5"),
    ("xml", "application/xml, text/xml;q=0.95, application/json;q=0.9, */*;q=0.5"),
    ("oracle_adf", "application/vnd.oracle.adf.resourceitem+json, application/json;q=0.9, */*;q=0.5")))
def test_the_answer_that_is_expected_is_asked_for(ask, endpoint, content_type, accept):
    assert ask(content_type, fields=[]).status == 200
    assert seen(endpoint).header("Accept") == accept
    assert ask("form", fields=[], answer={"expect": content_type}).status == 200
    assert seen(endpoint).header("Accept") == accept
    assert ask(content_type, fields=[{"key": "Accept", "value": "x/y"}]).status == 200
    assert seen(endpoint).header("Accept") == "x/y"


def test_a_profile_that_a_type_cannot_hold_is_refused_whole(platform):
    answer = platform.api("PUT", "/v1/profiles/p", {
        "type": "oauth2_password", "token_url": "https://idp.example/t", "content_type": "xml", "root": "a b",
        "form_fields": [{"key": "2nd"}], "fields": [{"place": "payload", "key": "a:b", "value": "\x01"},
                                                    {"place": "payload", "key": "c", "value": "x\x01"}]})
    assert answer.status == 400
    assert sorted(error["field"] for error in answer.json["errors"]) == [
        "fields[0].key", "fields[1].value", "form_fields[0].key", "root"]
