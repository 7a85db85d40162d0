"""What each answer of a token endpoint comes to, asked through the platform and an agent."""
import email.utils
import gzip
import json
import time

import pytest
import rig
from endpoint import Endpoint
from endpoint_http import answer, head

RIGHT = {"username": "alice", "password": "right"}
JSON, FORM, XML = "application/json", "application/x-www-form-urlencoded", "application/xml"
TOKEN = {"access_token": "at", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "rt"}


@pytest.fixture(scope="module")
def way(tmp_path_factory):
    """An endpoint, a platform and an agent that may reach it."""
    folder = tmp_path_factory.mktemp("answers")
    with Endpoint() as endpoint:
        platform = rig.Platform(folder / "platform").start()
        agent = rig.Agent(folder / "agent").enroll(platform.add_connector("dc"))
        agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url()) + "/**")).start()
        yield endpoint, platform
        assert agent.stop() == 0
        assert platform.stop() == 0


@pytest.fixture
def ask(way):
    """Exchange with an endpoint that answers exactly these octets; the endpoint is asked once."""
    endpoint, platform = way

    def run(octets, path="/raw/answer", budget_ms=5000, **profile):
        endpoint.journal.clear()
        endpoint.set_raw("answer", octets)
        platform.put_profile("p", connector="dc", token_url=endpoint.url(path), **profile)
        got = platform.exchange("p", variables=RIGHT, budget_ms=budget_ms)
        assert len(endpoint.journal.requests()) == 1, endpoint.journal.counts()
        return got
    return run


def ok(body, media_type=JSON, headers=()):
    return answer(200, body if isinstance(body, bytes) else body.encode(), media_type, headers)


def chunks(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


ISSUED = {  # answer, and what of the profile it needs
    "JSON": (ok(json.dumps(TOKEN)), {}),
    "a form": (ok("access_token=at&token_type=Bearer&expires_in=3600&refresh_token=rt", FORM), {}),
    "a percent-encoded JSON object": (
        ok("%7B%22access_token%22%3A%22at%22%2C%22token_type%22%3A%22Bearer%22%2C%22expires_in%22%3A3600"
           "%2C%22refresh_token%22%3A%22rt%22%7D", FORM), {}),
    "XML": (ok("<?xml version='1.0'?><o:token xmlns:o='urn:o'><o:access_token>at</o:access_token>"
               "<o:token_type>bearer</o:token_type><o:expires_in> 3600 </o:expires_in>"
               "<o:refresh_token>rt</o:refresh_token></o:token>", XML), {}),
    "RSS": (ok("<rss version='2.0'><channel><title>tokens</title><item><access_token>at</access_token>"
               "<token_type>Bearer</token_type><expires_in>3600</expires_in><refresh_token>rt</refresh_token>"
               "</item></channel></rss>", "application/rss+xml"), {}),
    "lines of text": (ok("access_token=at\ntoken_type=Bearer\nexpires_in=3600\nrefresh_token=rt\n", "text/plain"), {}),
    "CSV": (ok('access_token,token_type,expires_in,refresh_token\r\n"at",Bearer,3600,rt\r\n', "text/csv"), {}),
    "Oracle ADF's items": (ok(json.dumps({"items": [TOKEN], "count": 1}),
                              "application/vnd.oracle.adf.resourcecollection+json"), {}),
    "a wrapping object": (ok(json.dumps({"data": TOKEN})), {}),
    "expires_in as text": (ok(json.dumps({**TOKEN, "expires_in": "3600"})), {}),
    "expires_in with a fraction": (ok(json.dumps({**TOKEN, "expires_in": 3600.5})), {}),
    "expires": (ok('{"access_token":"at","token_type":"bearer","expires":3600,"refresh_token":"rt"}'), {}),
    "camel case": (ok('{"accessToken":"at","tokenType":"BEARER","expiresIn":3600,"refreshToken":"rt"}'), {}),
    "no token type": (ok('{"access_token":"at","expires_in":3600,"refresh_token":"rt"}'), {}),
    "a byte order mark": (ok(b"\xef\xbb\xbf" + json.dumps(TOKEN).encode()), {}),
    "JSON labelled as HTML": (ok(json.dumps(TOKEN), "text/html; charset=utf-8"), {}),
    "JSON without a label": (ok(json.dumps(TOKEN), None), {}),
    "an error that is null": (ok(json.dumps({**TOKEN, "error": None})), {}),
    "201": (answer(201, json.dumps(TOKEN).encode(), JSON), {}),
    "gzip": (ok(gzip.compress(json.dumps(TOKEN).encode()), JSON, [("Content-Encoding", "gzip")]), {}),
    "chunks": (head(200, [("Content-Type", JSON), ("Transfer-Encoding", "chunked")])
               + chunks(*(bytes([c]) for c in json.dumps(TOKEN).encode()), b""), {}),
    "HTTP/1.0": (head(200, [("Content-Type", JSON)], "HTTP/1.0") + json.dumps(TOKEN).encode(), {}),
    "100 before it": (b"HTTP/1.1 100 Continue\r\n\r\n" + ok(json.dumps(TOKEN)), {}),
    "103 before it": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok(json.dumps(TOKEN)), {}),
    "the same length twice": (ok(json.dumps(TOKEN), JSON, [("Content-Length", len(json.dumps(TOKEN)))]), {}),
    "mapped JSON": (
        ok('{"ok":true,"auth":{"jwt":"at","kind":"Bearer","ttl":"3600","renew":"rt"}}'),
        {"answer": {"access_token": "/auth/jwt", "token_type": "/auth/kind", "expires_in": "/auth/ttl",
                    "refresh_token": "/auth/renew", "success": {"at": "/ok", "is": True}}}),
    "mapped XML": (
        ok("<s:Envelope xmlns:s='urn:s'><s:Body><r><status>0</status><t>at</t><k>Bearer</k><l>3600</l><f>rt</f></r>"
           "</s:Body></s:Envelope>", "text/xml"),
        {"answer": {"access_token": "/Envelope/Body/r/t", "token_type": "/Envelope/Body/r/k",
                    "expires_in": "/Envelope/Body/r/l", "refresh_token": "/Envelope/Body/r/f",
                    "success": {"at": "/Envelope/Body/r/status", "is": 0}}}),
    "a mapped form": (ok("Auth=at&ttl=3600&ref=rt", FORM),
                      {"answer": {"access_token": "/Auth", "expires_in": "/ttl", "refresh_token": "/ref"}}),
    "text that the profile expects": (
        ok("access_token=at", "text/plain"), {"answer": {"expect": "text"}}),
    "a token alone": (ok("at\r\n", "text/plain"), {"answer": {"expect": "text", "access_token": ""}}),
}


@pytest.mark.parametrize("why", ISSUED)
def test_an_answer_with_a_token_is_issued(ask, why):
    octets, profile = ISSUED[why]
    got = ask(octets, **profile)
    assert got.status == 200, got
    assert (got.json["outcome"], got.json["code"], got.json["execution"]) == ("issued", "issued", "answered")
    token = got.json["token"]
    assert token["access_token"] == "at" and token["token_type"] == "Bearer"
    if "text that" not in why and "alone" not in why:
        assert token["expires_in"] == 3600 and token["refresh_token"] == "rt", token


def test_a_refresh_is_read_by_the_same_places(way):
    endpoint, platform = way
    platform.put_profile("again", connector="dc", token_url=endpoint.url("/raw/again"),
                         answer={"access_token": "/auth/jwt", "refresh_token": "/auth/renew"})
    for members, renewed in (({"jwt": "at", "renew": "rt-2"}, "rt-2"), ({"jwt": "at"}, None)):
        endpoint.set_raw("again", ok(json.dumps({"auth": members, "refresh_token": "another"}), headers=[("Connection", "close")]))
        got = platform.api("POST", "/v1/profiles/again/refresh", {"refresh_token": "rt-1"}, key=platform.app_key)
        assert got.status == 200 and got.json["token"]["access_token"] == "at", got
        assert got.json["token"].get("refresh_token") == renewed, got


def test_what_else_the_answer_says_is_passed_on(ask):
    got = ask(ok('{"access_token":"at","scope":["a","b,c"],"refresh_expires_in":"86400","user":{"id":7}}'))
    assert got.json["token"] == {"access_token": "at", "token_type": "Bearer", "scope": "a b c",
                                 "refresh_expires_in": 86400, "extra": {"user": {"id": 7}}}


XML_TOKEN = "<r><access_token>at</access_token></r>"
DEEP = '{"access_token":"at","x":' + "[" * 50000 + "]" * 50000 + "}"
LENGTHS = head(200, [("Content-Type", JSON), ("Content-Length", 21), ("Content-Length", 22)])

# answer, profile: API status, code, execution, stage, safe_to_retry, what the sentence says
DECLINED = {
    "an error inside 200": (ok('{"error":"invalid_grant"}'), {},
                            422, "credentials_refused", "answered", "parse", "with_new_credentials", "invalid_grant"),
    "an error inside 200, in a form": (ok("error=invalid_client&error_description=who+are+you", FORM), {},
                                       422, "client_refused", "answered", "parse", "after_fix", "invalid_client"),
    "an error inside 200, in XML": (ok("<r><error>invalid_scope</error></r>", XML), {},
                                    422, "request_refused", "answered", "parse", "after_fix", "refused the scope"),
    "an XML document that is an error": (ok("<error>invalid_grant</error>", XML), {},
                                         422, "credentials_refused", "answered", "parse", "with_new_credentials",
                                         "invalid_grant"),
    "invalid_grant": (answer(400, b'{"error":"invalid_grant"}', JSON), {},
                      422, "credentials_refused", "answered", "parse", "with_new_credentials", "HTTP 400"),
    "unauthorized_client": (answer(400, b'{"error":"unauthorized_client"}', JSON), {},
                            422, "client_refused", "answered", "parse", "after_fix", "unauthorized_client"),
    "401 without a word": (answer(401), {},
                           422, "credentials_refused", "answered", "parse", "with_new_credentials", "HTTP 401"),
    "401 invalid_client": (answer(401, b'{"error":"invalid_client"}', JSON), {},
                           422, "client_refused", "answered", "parse", "after_fix", "client id"),
    "419, as the profile says": (answer(419), {"auth_error_status": [419]},
                                 422, "credentials_refused", "answered", "parse", "with_new_credentials", "HTTP 419"),
    "419, of which it doesn't": (answer(419), {},
                                 502, "endpoint_failed", "answered", "parse", "no", "HTTP 419"),
    "403 and nothing else (Glewlwyd)": (answer(403), {},
                                        502, "endpoint_failed", "answered", "parse", "no", "auth_error_status"),
    "400 and nothing else (Glewlwyd)": (answer(400), {},
                                        422, "request_refused", "answered", "parse", "after_fix", "without saying why"),
    "400 invalid_request for a wrong password (authlib), as the profile says": (
        answer(400, b'{"error":"invalid_request"}', JSON), {"auth_error_status": [400]},
        422, "credentials_refused", "answered", "parse", "with_new_credentials", "invalid_request"),
    "no success": (ok('{"access_token":"at","ok":false}'), {"answer": {"success": {"at": "/ok", "is": True}}},
                   422, "request_refused", "answered", "parse", "after_fix", '"/ok" is not "true"'),
    "no place": (ok('{"access_token":"at"}'), {"answer": {"access_token": "/auth/jwt"}},
                 502, "endpoint_failed", "answered", "parse", "no", 'nothing stands at "/auth/jwt"'),
    "500": (answer(500, b"<html>", "text/html"), {},
            502, "endpoint_failed", "answered", "parse", "no", "HTTP 500"),
    "a token with a 500": (answer(500, json.dumps(TOKEN).encode(), JSON), {},
                           502, "endpoint_failed", "answered", "parse", "no", "HTTP 500"),
    "204": (head(204, []), {},
            502, "endpoint_failed", "answered", "parse", "no", "without an access token"),
    "no token": (ok("{}"), {},
                 502, "endpoint_failed", "answered", "parse", "no", "without an access token"),
    "a redirect to another host": (answer(307, headers=[("Location", "https://evil.example/token")]), {},
                                   502, "redirected", "answered", "parse", "after_fix", "the host evil.example"),
    "a redirect to another path": (answer(302, headers=[("Location", "/login")]), {},
                                   502, "redirected", "answered", "parse", "after_fix", "HTTP 302"),
    "a page": (ok("<!DOCTYPE html><html><body>Sign in</body></html>", "text/html"), {},
               502, "answer_unreadable", "answered", "parse", "no", "it is HTML"),
    "prose": (ok("Thank you!", "text/plain"), {},
              502, "answer_unreadable", "answered", "parse", "no", "can't be read"),
    "multipart": (ok("--b\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b"), {},
                  502, "answer_unreadable", "answered", "parse", "no", "multipart_form, which is not read"),
    "two tokens": (ok('{"access_token":"at","data":{"access_token":"other"}}'), {},
                   502, "answer_unreadable", "answered", "parse", "no", "two different access tokens"),
    "two tokens in XML": (ok("<r><access_token>a</access_token><access_token>b</access_token></r>", XML), {},
                          502, "answer_unreadable", "answered", "parse", "no", "given more than once"),
    "a name twice": (ok('{"access_token":"at","access_token":"at"}'), {},
                     502, "answer_unreadable", "answered", "parse", "no", "one name twice"),
    "a name twice in CSV": (ok("access_token,access_token\nat,at", "text/csv"), {},
                            502, "answer_unreadable", "answered", "parse", "no", "one name twice"),
    "a control character in the token": (ok('{"access_token":"at\\r\\nX-Evil: 1"}'), {},
                                         502, "answer_unreadable", "answered", "parse", "no", "control characters"),
    "invalid UTF-8": (ok(b'{"access_token":"\xff"}'), {},
                      502, "answer_unreadable", "answered", "parse", "no", "not valid UTF-8"),
    "deep JSON": (ok(DEEP), {},
                  502, "answer_unreadable", "answered", "parse", "no", "deeper than 64"),
    "deep XML": (ok("<x>" * 30000, XML), {},
                 502, "answer_unreadable", "answered", "parse", "no", "deeper than 64"),
    "an XML document type": (ok("<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + XML_TOKEN, XML), {},
                             502, "answer_unreadable", "answered", "parse", "no", "never read"),
    "two lengths": (LENGTHS + b'{"access_token":"at"}', {},
                    502, "answer_unreadable", "sent", "receive", "no", "two values"),
    "a length that is none": (head(200, [("Content-Type", JSON), ("Content-Length", "x")]) + b"{}", {},
                              502, "answer_unreadable", "sent", "receive", "no", "malformed"),
    "garbage for a chunk": (head(200, [("Content-Type", JSON), ("Transfer-Encoding", "chunked")])
                            + chunks(b'{"access_token":') + b"zz\r\n", {},
                            502, "answer_unreadable", "sent", "receive", "no", "before the answer was whole"),
    "chunks that don't end": (head(200, [("Content-Type", JSON), ("Transfer-Encoding", "chunked")])
                              + chunks(b'{"access_token":"at"}'), {},
                              502, "answer_unreadable", "sent", "receive", "no", "before the answer was whole"),
    "a body cut short": (head(200, [("Content-Type", JSON), ("Content-Length", 100)]) + b'{"access_token":"at"}', {},
                         502, "answer_unreadable", "sent", "receive", "no", "before the answer was whole"),
    "headers cut short": (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-", {},
                          502, "answer_unreadable", "sent", "receive", "no", "before the answer was whole"),
    "gzip that is none": (ok("{}", JSON, [("Content-Encoding", "gzip")]), {},
                          502, "answer_unreadable", "sent", "receive", "no", "Content-Encoding"),
    "gzip cut short": (ok(gzip.compress(json.dumps(TOKEN).encode())[:40], JSON, [("Content-Encoding", "gzip")]), {},
                       502, "answer_unreadable", "answered", "parse", "no", "can't be read"),
    "no HTTP at all": (b"220 mail.example ESMTP\r\n", {},
                       502, "answer_unreadable", "sent", "receive", "no", "not HTTP"),
    "nothing at all": (b"", {},
                       502, "endpoint_unreachable", "sent", "wait", "no", "closed the connection"),
}


@pytest.mark.parametrize("why", DECLINED)
def test_any_other_answer_is_told_as_what_it_is(way, ask, why):
    octets, profile, status, code, execution, stage, retry, says = DECLINED[why]
    got = ask(octets, **profile)
    problem = got.json
    assert (got.status, problem["code"], problem["execution"]) == (status, code, execution), got
    assert (problem["stage"], problem["safe_to_retry"]) == (stage, retry), got
    assert says in problem["detail"], got
    assert "token" not in problem
    newest = way[1].api("GET", "/v1/exchanges?limit=1").json["exchanges"][0]
    assert newest["id"] == problem["id"], newest
    assert newest["outcome"] == ("refused" if status == 422 else "failed"), newest


@pytest.mark.parametrize("path, code, says", [
    ("/big?bytes=100000000", "answer_unreadable", "longer than 131072 bytes"),
    ("/big?bytes=100000000&chunked=1", "answer_unreadable", "longer than 131072 bytes"),
    ("/gzip-bomb?bytes=100000000", "answer_unreadable", "longer than 131072 bytes"),
    ("/reset", "endpoint_unreachable", "closed the connection"),
])
def test_what_never_comes_whole_is_not_waited_for(ask, path, code, says):
    began = time.monotonic()
    problem = ask(b"", path=path).json
    assert time.monotonic() - began < 5
    assert (problem["code"], problem["execution"], problem["safe_to_retry"]) == (code, "sent", "no"), problem
    assert problem["stage"] == ("wait" if path == "/reset" else "receive")
    assert says in problem["detail"], problem


@pytest.mark.parametrize("path, stage", [
    ("/hang", "wait"),
    ("/drip?ms=100", "wait"),  # of its headers not all have come by then
    ("/stall", "receive"),
])
def test_a_slow_answer_is_cut_off_within_the_budget(ask, path, stage):
    began = time.monotonic()
    got = ask(b"", path=path, budget_ms=800)
    assert time.monotonic() - began < 1.6
    problem = got.json
    assert (got.status, problem["code"], problem["execution"]) == (504, "budget_exceeded", "sent"), got
    assert problem["safe_to_retry"] == "no" and problem["stage"] == stage, got


def test_retry_after_is_seconds_or_a_date(ask):
    problem = ask(answer(429, headers=[("Retry-After", "7")])).json
    assert (problem["code"], problem["safe_to_retry"], problem["retry_after_ms"]) == ("endpoint_busy", "yes", 7000)
    assert problem["execution"] == "answered" and problem["stage"] == "parse"
    in_a_minute = email.utils.formatdate(time.time() + 60, usegmt=True)
    got = ask(answer(503, headers=[("Retry-After", in_a_minute)]))
    assert (got.status, got.json["code"]) == (502, "endpoint_busy")
    assert 50000 <= got.json["retry_after_ms"] <= 60000, got
    assert 50 <= int(got.headers["retry-after"]) <= 60
    got = ask(answer(429, headers=[("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")]))
    assert got.json["retry_after_ms"] == 0, got
    got = ask(answer(429, headers=[("Retry-After", "soon")]))
    assert got.json["code"] == "endpoint_busy" and "retry_after_ms" not in got.json


def test_a_reset_before_the_request_was_read_is_one_execution_too(way):
    endpoint, platform = way
    platform.put_profile("unread", connector="dc", token_url=endpoint.url("/token"))
    endpoint.journal.clear()
    endpoint.reset_next_connections(2)
    got = platform.exchange("unread", variables=RIGHT, budget_ms=5000)
    problem = got.json
    assert (got.status, problem["code"], problem["execution"]) == (502, "endpoint_unreachable", "sent"), got
    assert problem["stage"] in ("send", "wait") and problem["safe_to_retry"] == "no", got
    assert endpoint.journal.requests() == []
    assert endpoint.reset_next_connections(0) == 1  # and was not tried again


@pytest.mark.parametrize("answer_of_profile, fault", [
    ({"access_token": "auth.jwt"}, "answer.access_token"),
    ({"expect": "csv", "access_token": "/a/b"}, "answer.access_token"),
    ({"expect": "multipart_form"}, "answer.expect"),
    ({"success": {"at": "/ok"}}, "answer.success.is"),
])
def test_a_mapping_that_can_t_be_right_is_refused_when_it_is_saved(way, answer_of_profile, fault):
    endpoint, platform = way
    got = platform.api("PUT", "/v1/profiles/wrong", {"name": "wrong", "type": "oauth2_password", "connector": "dc",
                                                     "token_url": endpoint.url(), "answer": answer_of_profile})
    assert got.status == 400 and [e["field"] for e in got.json["errors"]] == [fault], got


def test_a_mapping_is_shown_as_it_was_written(way):
    endpoint, platform = way
    mapping = {"expect": "xml", "access_token": "/r/t", "expires_in": "/r/l", "success": {"at": "/r/ok", "is": True}}
    platform.put_profile("mapped", connector="dc", token_url=endpoint.url(), answer=mapping)
    assert platform.api("GET", "/v1/profiles/mapped").json["answer"] == mapping
