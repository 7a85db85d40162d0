"""What an application is told when the token endpoint, or the way to it, misbehaves."""
import concurrent.futures
import time

import pytest
import rig

RIGHT = {"username": "alice", "password": "right"}


@pytest.fixture
def ready(platform, agent, endpoint):
    agent.set_policy(rig.rule("endpoint", endpoint.url("/**").replace("/**", "") + "/**"),
                     rig.rule("down", f"http://127.0.0.1:{rig.free_port()}/**"),
                     rig.rule("nowhere", "http://no-such-host.invalid/**")).start()
    return platform


@pytest.fixture
def ask(ready, endpoint):
    """Exchange with a path of the endpoint, by a profile of its own."""
    def run(path, budget_ms=5000, **profile):
        url = path if path.startswith("http") else endpoint.url(path)
        ready.put_profile("p", connector="dc", token_url=url, **profile)
        return ready.exchange("p", variables=RIGHT, budget_ms=budget_ms)
    return run


def test_an_endpoint_that_is_down_was_sent_nothing(ask, agent):
    down = agent.conf.read_text().split('name = "down"; url = "')[1].split("/**")[0]
    answer = ask(f"{down}/token")
    assert answer.status == 502, answer
    assert answer.json["code"] == "endpoint_unreachable" and answer.json["execution"] == "not_sent"
    assert answer.json["stage"] == "connect" and answer.json["safe_to_retry"] == "yes"


def test_a_name_that_does_not_resolve_says_so(ask):
    answer = ask("http://no-such-host.invalid/token")
    assert answer.status == 502, answer
    assert answer.json["stage"] == "resolve" and answer.json["execution"] == "not_sent"


def test_an_endpoint_that_hangs_is_cut_off_within_the_budget(ask, endpoint):
    began = time.monotonic()
    answer = ask("/hang", budget_ms=1000)
    took = time.monotonic() - began
    assert answer.status == 504, answer
    assert answer.json["code"] == "budget_exceeded" and answer.json["execution"] == "sent"
    assert answer.json["safe_to_retry"] == "no"
    assert took < 1.5
    assert endpoint.count("/hang") == 1


def test_a_hanging_endpoint_does_not_slow_its_neighbours(ready, endpoint):
    ready.put_profile("hang", connector="dc", token_url=endpoint.url("/hang"))
    ready.put_profile("good", connector="dc", token_url=endpoint.url("/token"))

    def median():
        spans = []
        for _ in range(20):
            answer = ready.exchange("good", variables=RIGHT)
            assert answer.status == 200, answer
            spans.append(answer.json["timing_us"]["total"])
        return sorted(spans)[10]

    alone = median()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        hanging = [pool.submit(ready.exchange, "hang", variables=RIGHT, budget_ms=4000) for _ in range(16)]
        endpoint.journal.wait_for("/hang", 16)
        beside = median()
        assert {h.result().status for h in hanging} == {504}
    assert beside < max(10 * alone, 20000), (alone, beside)


@pytest.mark.parametrize("path, status, code, execution", [
    ("/status/403-empty", 502, "endpoint_failed", "answered"),
    ("/status/500", 502, "endpoint_failed", "answered"),
    ("/redirect?to=http://127.0.0.1:1/", 502, "redirected", "answered"),
    ("/busy?retry_after=7", 502, "endpoint_busy", "answered"),
    ("/error-in-200?error=invalid_grant", 422, "credentials_refused", "answered"),
    ("/error-in-200?error=invalid_client", 422, "client_refused", "answered"),
    ("/big?bytes=300000", 502, "answer_unreadable", "sent"),
    ("/big?bytes=300000&chunked=1", 502, "answer_unreadable", "sent"),
    ("/gzip-bomb?bytes=50000000", 502, "answer_unreadable", "sent"),
    ("/cut", 502, "answer_unreadable", "sent"),
    ("/reset", 502, "endpoint_unreachable", "sent"),
])
def test_each_misbehaviour_has_its_own_answer(ask, path, status, code, execution):
    answer = ask(path)
    assert (answer.status, answer.json["code"], answer.json["execution"]) == (status, code, execution), answer


def test_retry_after_is_passed_on(ask):
    answer = ask("/busy?retry_after=7")
    assert answer.json["retry_after_ms"] == 7000 and answer.headers["retry-after"] == "7"


def test_a_status_of_the_profile_means_wrong_credentials(ask):
    answer = ask("/status/403-empty", auth_error_status=[403])
    assert answer.status == 422 and answer.json["code"] == "credentials_refused"


def test_a_form_encoded_answer_is_read(ask):
    answer = ask("/form-answer")
    assert answer.status == 200 and answer.json["token"]["access_token"], answer


def test_a_connection_that_dies_when_it_is_reused_is_one_execution(ready, endpoint):
    ready.put_profile("p", connector="dc", token_url=endpoint.url("/close-after-read"),
                      fields=[{"place": "header", "key": "X-Job", "value": "{{job}}"}])
    first = ready.exchange("p", variables=RIGHT, context={"job": "1"})
    assert first.status == 200, first
    second = ready.exchange("p", variables=RIGHT, context={"job": "2"})
    assert second.status == 502 and second.json["execution"] == "sent", second
    assert second.json["code"] == "endpoint_unreachable" and second.json["safe_to_retry"] == "no"
    assert second.json["stage"] in ("send", "wait")
    assert endpoint.count("/close-after-read", by="X-Job", value="2") == 1


def test_a_connection_closed_after_each_answer_carries_no_request_twice(ready, endpoint):
    ready.put_profile("p", connector="dc", token_url=endpoint.url("/close-after-answer"),
                      fields=[{"place": "header", "key": "X-Job", "value": "{{job}}"}])
    for job in ("1", "2", "3"):
        answer = ready.exchange("p", variables=RIGHT, context={"job": job})
        executions = endpoint.count("/close-after-answer", by="X-Job", value=job)
        if answer.status != 200:  # closed in the moment of its use: nobody knows, and nobody tries again
            assert answer.json["code"] == "endpoint_unreachable" and answer.json["execution"] == "sent", answer
        assert executions == 1 if answer.status == 200 else executions <= 1


def test_what_is_sent_is_what_the_profile_says(ready, endpoint):
    url = endpoint.url("/echo")
    ready.put_profile(
        "p", connector="dc", token_url=url + "/{realm}/{{session}}?a=1",
        form_fields=[{"title": "PIN", "key": "pin", "type": "password", "required": True}],
        fields=[{"place": "header", "key": "X-Pin", "value": "{{pin}}"},
                {"place": "payload", "key": "scope", "value": "hr.read & more"},
                {"place": "query", "key": "q", "value": "{{username}}/x"},
                {"place": "path", "key": "realm", "value": "staff"}])
    answer = ready.exchange("p", variables={"username": "jörg&co", "password": "p=w+ %", "pin": "123456"},
                            context={"session": "s 1"})
    got = endpoint.journal.requests()[-1]
    assert got.method == "POST"
    assert got.target.endswith("/echo/staff/s%201?a=1&q=j%C3%B6rg%26co%2Fx"), got.target
    headers = {k.lower(): v for k, v in got.headers}
    assert headers["x-pin"] == "123456"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert "expect" not in headers
    assert got.body == b"grant_type=password&password=p%3Dw%2B+%25&scope=hr.read+%26+more", got.body
    assert answer.status == 502  # an echo is no token
