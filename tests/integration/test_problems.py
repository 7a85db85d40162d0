"""Every problem that the API answers with says whether it is safe to try again."""
import json
import socket

import pytest
import rig
from hand import RIGHT, hand  # noqa: F401

RETRY = {"yes", "no", "with_new_credentials", "after_fix"}


def check(status, content_type, body, want):
    problem = json.loads(body)
    assert status == problem["status"] == want[0], body
    assert content_type == "application/problem+json"
    assert problem["type"] == "about:blank" and problem["title"] and problem["detail"]
    assert (problem["code"], problem["safe_to_retry"]) == want[1:], body


@pytest.mark.parametrize("method, path, body, key, want", [
    ("GET", "/v1/nothing", None, None, (404, "not_found", "after_fix")),
    ("GET", "/v1/profiles/none", None, None, (404, "not_found", "after_fix")),
    ("POST", "/v1/profiles/none/exchange", {}, None, (404, "not_found", "after_fix")),
    ("GET", "/v1/exchanges/x/result", None, None, (404, "not_found", "after_fix")),
    ("DELETE", "/v1/keys/none", None, None, (404, "not_found", "after_fix")),
    ("DELETE", "/v1/connectors/none", None, None, (404, "not_found", "after_fix")),
    ("PATCH", "/v1/keys", None, None, (405, "method_not_allowed", "after_fix")),
    ("GET", "/v1/keys", None, "", (401, "unauthorized", "after_fix")),
    ("GET", "/v1/keys", None, "cxk_wrong", (401, "unauthorized", "after_fix")),
    ("GET", "/v1/keys", None, "app", (403, "forbidden", "after_fix")),
    ("POST", "/v1/connectors", {"name": "dc"}, None, (409, "conflict", "after_fix")),
    ("POST", "/v1/keys", {"name": "app", "role": "app"}, None, (409, "conflict", "after_fix")),
    ("POST", "/v1/keys", {"name": "app3", "role": "king"}, None, (400, "bad_input", "after_fix")),
    ("POST", "/v1/keys", "no json", None, (400, "bad_input", "after_fix")),
    ("POST", "/v1/keys", "[]", None, (400, "bad_input", "after_fix")),
    ("POST", "/v1/keys", None, None, (400, "bad_input", "after_fix")),
    ("POST", "/v1/profiles/p/exchange", {"variables": {}}, None, (400, "bad_input", "after_fix")),
    ("PUT", "/v1/profiles/x", {"name": "x"}, None, (400, "bad_input", "after_fix")),
    ("GET", "/v1/exchanges?limit=0", None, None, (400, "bad_input", "after_fix")),
    ("POST", "/v1/connectors", "x" * 2_000_000, None, (413, "too_big", "after_fix")),
])
def test_a_refused_request_says_what_helps(platform, hand, method, path, body, key, want):
    key = platform.app_key if key == "app" else key
    answer = platform.api(method, path, body, key=key)
    check(answer.status, answer.headers["content-type"], answer.body, want)


@pytest.mark.parametrize("head, want", [
    ("POST /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n", (411, "bad_request", "after_fix")),
    ("POST /v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", (400, "bad_request", "after_fix")),
    ("POST /v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", (413, "too_big", "after_fix")),
    ("GET /v1/tunnel HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", (400, "bad_request", "after_fix")),
])
def test_what_is_no_sound_request_gets_a_problem_too(platform, head, want):
    with socket.create_connection(("127.0.0.1", platform.api_port), timeout=rig.WAIT_S) as s:
        s.sendall(head.encode())
        text = b""
        while part := s.recv(65536):
            text += part
    head, _, body = text.partition(b"\r\n\r\n")
    headers = dict(l.lower().split(": ", 1) for l in head.decode().split("\r\n")[1:])
    check(int(head.split()[1]), headers["content-type"], body, want)
    assert headers["content-length"] == str(len(body)) and headers["cache-control"] == "no-store"


def test_what_could_not_begin_is_safe_to_retry(platform, hand):
    platform.put_profile("nowhere", connector="gone", token_url="https://idp.example/token")
    answer = platform.exchange("nowhere", variables=RIGHT)
    check(answer.status, answer.headers["content-type"], answer.body, (503, "connector_offline", "after_fix"))
    platform.put_profile("own", token_url="https://idp.example/token")
    answer = platform.exchange("own", variables=RIGHT)
    check(answer.status, answer.headers["content-type"], answer.body, (422, "policy_refused", "after_fix"))
    hand.leave()
    platform.process.wait("tunnel.(closed|lost|gone)")
    answer = platform.exchange("p", variables=RIGHT, budget_ms=300)
    check(answer.status, answer.headers["content-type"], answer.body, (503, "connector_offline", "yes"))
