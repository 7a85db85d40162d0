"""Two refreshes with one refresh token never run at once at one agent: a rotating token that is sent twice is lost."""
import peer
import pytest
import rig

TOKEN = "rt-of-alice"


@pytest.fixture
def played(platform, agent, endpoint):
    platform.stop()
    fake = peer.FakePlatform(platform)
    agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**")).start(wait=False)
    ws, _ = fake.greet()
    yield ws
    ws.close()
    fake.close()


def refresh(url, token=TOKEN, **changes):
    return peer.job(url, purpose="refresh", variables={"refresh_token": token}, secret_variables=["refresh_token"],
                    request={"method": "POST", "url": url, "encoding": "form",
                             "fields": [["payload", "grant_type", "refresh_token"],
                                        ["payload", "refresh_token", "{{refresh_token}}"]]}, **changes)


def result(ws):
    """The next one, acknowledged."""
    _, body = ws.receive(peer.RESULT)
    ws.send((peer.ACK, {"ids": [body["id"]]}))
    return body


def test_a_second_refresh_with_the_same_token_is_not_sent_while_the_first_runs(played, endpoint):
    first, second = refresh(endpoint.url("/hang"), budget_ms=4000), refresh(endpoint.url("/hang"))
    other = refresh(endpoint.url("/hang"), token="rt-of-bob", budget_ms=4000)
    elsewhere = refresh(endpoint.url("/token"))
    authorize = peer.job(endpoint.url("/token"))
    played.send(first)
    assert endpoint.journal.wait_for("/hang", 1)
    played.send(second)
    refused = result(played)
    assert refused["id"] == second[1]["id"] and refused["outcome"] == "failed", refused
    assert (refused["code"], refused["execution"]) == ("connector_full", "not_sent")
    assert refused["error"]["stage"] == "policy", "the platform must not give it to another agent"
    assert refused["error"]["retry_after_ms"] == 1000 and "another refresh" in refused["error"]["message"]
    played.send(other, elsewhere, authorize)  # another token, another URL, another grant
    assert endpoint.journal.wait_for("/hang", 2) and endpoint.journal.wait_for("/token", 2)
    assert endpoint.count("/hang", by="refresh_token", value=TOKEN) == 1
    ended = {}
    while first[1]["id"] not in ended:
        body = result(played)
        ended[body["id"]] = body
    assert ended[first[1]["id"]]["code"] == "budget_exceeded" and ended[first[1]["id"]]["execution"] == "sent"
    again = refresh(endpoint.url("/hang"), budget_ms=1000)
    played.send(again)
    assert endpoint.journal.wait_for("/hang", 3), "the first has ended"
    assert endpoint.count("/hang", by="refresh_token", value=TOKEN) == 2
    while len(ended) < 5:
        body = result(played)
        ended[body["id"]] = body


def test_a_refresh_that_was_refused_before_it_was_sent_leaves_the_token_free(played, endpoint):
    """What was not let in, or failed before the request, holds nothing."""
    broken = refresh(endpoint.url("/token"))
    broken[1]["request"]["fields"].append(["payload", "x", "{{nobody_gives_this}}"])
    for message, code in ((broken, "profile_incomplete"), (refresh(endpoint.url("/token")), "credentials_refused"),
                          (refresh(endpoint.url("/token")), "credentials_refused")):
        played.send(message)
        body = result(played)
        assert (body["id"], body["code"]) == (message[1]["id"], code), body
    assert endpoint.count("/token") == 2
