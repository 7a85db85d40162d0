"""A rule's `max_refused`: a platform in wrong hands can't try one password after the other."""
import concurrent.futures
import signal

import pytest
import rig

RIGHT = {"username": "alice", "password": "right"}


@pytest.fixture
def guess(platform, agent, endpoint):
    """An attempt with a wrong password; `agent` counts."""
    def run(username="alice", path="/token", password="wrong", **profile):
        platform.put_profile("p", connector="dc", token_url=endpoint.url(path), **profile)
        return platform.exchange("p", variables={"username": username, "password": password})
    run.rule = lambda extra="max_refused = 3;": rig.rule("e", rig.origin(endpoint.url("/")) + "/**", extra=extra)
    agent.set_policy(run.rule()).start()
    return run


def spent(answer, n=3):
    assert answer.status == 422, answer
    problem = answer.json
    assert (problem["code"], problem["stage"], problem["execution"]) == ("policy_refused", "policy", "not_sent"), answer
    assert f"{n} attempts of this user were refused within the last hour" in problem["detail"]
    assert 3000_000 < problem["retry_after_ms"] <= 4200_000
    assert "alice" not in str(problem)


def test_the_next_attempt_of_that_user_is_not_sent(guess, agent, endpoint, platform):
    for _ in range(3):
        assert guess().json["code"] == "credentials_refused"
    spent(guess())
    spent(guess(password="right"))
    spent(guess(username=" ALICE"))
    assert endpoint.count("/token") == 3
    assert guess(username="bob", password="right").status == 200
    told = agent.status()["failures"][0]
    assert told["code"] == "policy_refused" and "alice" not in str(agent.status())
    agent.set_policy(guess.rule())
    mark = agent.process.mark()
    agent.process.popen.send_signal(signal.SIGHUP)
    agent.process.wait("agent.reloaded", since=mark)
    spent(guess())
    assert not [line for line in agent.process.lines if "alice" in line]


@pytest.mark.parametrize("path, profile", [
    ("/status/403-empty", {}),                                        # not called a refusal by the profile
    ("/status/400?error=something_else", {}),
    ("/error-in-200?error=invalid_grant", {}),
    ("/form-answer", {"answer": {"expect": "json", "access_token": "/nowhere"}}),
    ("/redirect?to=/token", {}),
    ("/hang", {"budget_ms": 1000}),                                   # a server that takes its time over a wrong one
    ("/reset", {}),
])
def test_a_refusal_counts_whatever_the_platform_takes_it_for(guess, path, profile):
    for _ in range(3):
        assert guess(path=path, **profile).json["code"] != "policy_refused"
    spent(guess())


def test_what_says_nothing_of_the_password_does_not_count(guess, platform, agent, endpoint):
    for path in ("/status/500", "/status/503", "/busy", "/token"):
        for _ in range(3):
            answer = guess(path=path, password="right")
            assert answer.json["code"] != "policy_refused", answer
    for _ in range(4):
        assert guess(path="/token", fields=[{"place": "payload", "key": "x", "value": "{{missing}}"}]).status in (400, 422)
    assert guess().json["code"] == "credentials_refused", "none of them was counted"


def test_many_at_once_do_not_pass_the_bound(guess, platform, agent, endpoint):
    guess(username="bob", path="/token?delay_ms=300")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        calls = [pool.submit(platform.exchange, "p", variables={"username": "alice", "password": f"wrong{i}"})
                 for i in range(12)]
        answers = [c.result() for c in calls]
    sent = [a for a in answers if a.json["code"] == "credentials_refused"]
    held = [a for a in answers if a.json["code"] == "connector_full"]
    for answer in held:
        assert (answer.status, answer.json["stage"], answer.json["execution"]) == (429, "policy", "not_sent"), answer
        assert "under way" in answer.json["detail"]
    assert len(sent) == 3 and endpoint.count("/token", by="username", value="alice") == 3
    assert len(sent) + len(held) + len([a for a in answers if a.json["code"] == "policy_refused"]) == 12
    spent(guess())


def test_the_field_that_is_the_user_is_the_rules_to_say(guess, platform, agent, endpoint):
    agent.stop()
    agent.set_policy(guess.rule('max_refused = 1; user_field = "login";')).start()
    login = [{"place": "payload", "key": "login", "value": "{{username}}"}]
    assert guess(fields=login).json["code"] == "credentials_refused"
    spent(guess(fields=login), 1)
    assert guess(username="bob", fields=login).json["code"] == "credentials_refused"
    twice = guess(username="carl", fields=[*login, {"place": "query", "key": "login", "value": "dora"}])
    assert twice.json["code"] == "policy_refused" and "more than once" in twice.json["detail"], twice
    assert guess(username="eve").json["code"] == "credentials_refused"  # without it, all are one user
    spent(guess(username="frank"), 1)


def test_a_refresh_is_nobodys_attempt(guess, platform):
    platform.put_profile("r", connector="dc", token_url=platform_url(guess, platform))
    for _ in range(5):
        answer = platform.api("POST", "/v1/profiles/r/refresh", {"refresh_token": "gone"}, key=platform.app_key)
        assert answer.json["code"] == "credentials_refused", answer


def platform_url(guess, platform):
    """The token URL that the profile of `guess` has."""
    guess(password="right")
    return platform.api("GET", "/v1/profiles/p").json["token_url"]


def test_explain_tells_it(guess, agent, endpoint):
    said = agent.cli("explain", "POST", endpoint.url("/token")).stdout
    assert '\n  refused   at most 3 attempts of one user within an hour; the user is the field "username"\n' in said, said
