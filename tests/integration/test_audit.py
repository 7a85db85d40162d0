"""GET /v1/exchanges: the audit trail."""
import datetime
import re
import time

import pytest
from hand import ask, hand, hang_up, job_id_text, kill  # noqa: F401

FIELDS = {"id", "profile", "connector", "agent", "moved", "key", "purpose", "outcome", "code", "execution", "stage", "status",
          "began_at", "ended_at", "duration_ms"}


@pytest.fixture
def trail(platform):
    def run(query="", key=None):
        return platform.api("GET", "/v1/exchanges" + (f"?{query}" if query else ""), key=key)
    return run


def rows(answer):
    assert answer.status == 200, answer
    return answer.json["exchanges"]


def milliseconds(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


@pytest.fixture
def history(platform, hand, ask):
    """Ids, oldest first: issued, refused, failed (504), all of "p"; issued of "q"; then one that runs."""
    platform.put_profile("q", connector="dc", token_url="https://idp.example/token")
    ids = []
    for profile, changes in (("p", {}), ("p", {"outcome": "refused", "code": "credentials_refused", "status": 400, "token": None,
                                               "error": {"stage": "parse", "message": "no"}}), ("p", None), ("q", {})):
        answer = ask(profile=profile, budget_ms=5000 if changes is not None else 500)
        job = hand.job()
        if changes is not None:
            hand.report(job, **changes)
        answer.result()
        ids.append(job_id_text(job))
    running = ask(profile="q", route="refresh", refresh_token="r-secret")
    job = hand.job()
    ids.append(job_id_text(job))
    yield ids
    hand.report(job)
    running.result()


def test_the_trail_has_every_exchange_newest_first(platform, trail, history):
    got = rows(trail())
    assert [r["id"] for r in got] == history[::-1]
    assert all(set(r) == FIELDS for r in got)
    running, issued_q, lost, refused, issued = got
    agent = platform.agents("dc")[0]["id"]
    assert {r["key"] for r in got} == {"app"} and {r["connector"] for r in got} == {"dc"}
    assert {r["agent"] for r in got} == {agent}
    assert running["outcome"] is None and running["ended_at"] is None and running["duration_ms"] is None
    assert running["purpose"] == "refresh" and issued["purpose"] == "authorize"
    assert (issued["outcome"], issued["code"], issued["execution"], issued["status"]) == ("issued", "issued", "answered", 200)
    assert (refused["outcome"], refused["code"], refused["stage"]) == ("refused", "credentials_refused", "parse")
    assert (lost["outcome"], lost["code"], lost["execution"], lost["status"]) == ("failed", "budget_exceeded", "sent", None)
    assert 400 <= lost["duration_ms"] <= 5000
    assert all(milliseconds(r["began_at"]) == int(r["id"].replace("-", "")[:12], 16) for r in got)
    for r in got[1:]:
        began, ended = (datetime.datetime.fromisoformat(r[n].replace("Z", "+00:00")) for n in ("began_at", "ended_at"))
        assert round((ended - began).total_seconds() * 1000) == r["duration_ms"]
        assert abs(began.timestamp() - time.time()) < 120
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", issued["began_at"])


def test_no_secret_is_in_the_trail(trail, history):
    text = trail().body.decode()
    for secret in ("right", "tok\"", "r-secret", "alice"):
        assert secret not in text


def test_the_trail_is_filtered(trail, history):
    issued, refused, lost, issued_q, running = history
    began = {r["id"]: r["began_at"] for r in rows(trail())}
    unix_ms = int(refused.replace("-", "")[:12], 16)  # the time in its id (RFC 9562, 5.7)
    for query, want in ((f"profile=p", [lost, refused, issued]), ("outcome=issued", [issued_q, issued]),
                        ("outcome=refused", [refused]), ("profile=q&outcome=failed", []),
                        ("outcome=failed&profile=p", [lost]), ("profile=nobody", []),
                        (f"since={began[lost]}", [running, issued_q, lost]),
                        (f"since={unix_ms}", [running, issued_q, lost, refused]), ("since=9999-12-31T00:00:00Z", [])):
        assert [r["id"] for r in rows(trail(query))] == want, query


def test_the_trail_comes_in_pages(trail, history):
    pages, after = [], ""
    while True:
        answer = trail(f"limit=2{after}")
        pages.append([r["id"] for r in rows(answer)])
        if answer.json["next"] is None:
            break
        after = f"&after={answer.json['next']}"
    newest = history[::-1]
    assert pages == [newest[:2], newest[2:4], newest[4:]]


def test_the_trail_survives_a_killed_platform(platform, trail, hand, ask):
    answer = ask()
    hand.report(hand.job())
    answer.result()
    before = rows(trail())
    kill(platform)
    assert rows(trail()) == before and len(before) == 1


def test_a_late_result_ends_its_row(trail, hand, ask):
    late = ask(budget_ms=500)
    job = hand.job()
    late.result()
    assert [r["outcome"] for r in rows(trail())] == ["failed"]
    hand.report(job)
    assert [r["outcome"] for r in rows(trail())] == ["issued"]


def test_what_could_not_begin_and_who_hung_up_is_in_the_trail(platform, trail, hand, ask):
    hang_up(platform, {}, hand.job)
    platform.put_profile("nowhere", token_url="https://idp.example/token")
    hand.leave()
    platform.process.wait("tunnel.(closed|lost|gone)")
    assert ask().result().status == 503
    offline, abandoned = rows(trail())
    assert (offline["code"], offline["execution"], offline["agent"]) == ("connector_offline", "not_sent", None)
    assert (abandoned["outcome"], abandoned["code"]) == ("cancelled", "cancelled")


def test_an_exchange_of_the_control_socket_has_no_key(platform, trail, hand, ask):
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        done = pool.submit(platform.cli, "exchange", "p", "--set", "username=alice", "--set", "password=right")
        hand.report(hand.job())
        assert done.result().returncode == 0
    assert [r["key"] for r in rows(trail())] == [None]


@pytest.mark.parametrize("query, fields", [
    ("limit=0", ["limit"]), ("limit=1001", ["limit"]), ("outcome=lost", ["outcome"]), ("since=noon", ["since"]),
    ("since=2025-02-30T00:00:00Z", ["since"]), ("after=7", ["after"]), ("page=2", ["page"]), ("profile=", ["profile"]),
    ("limit=1&limit=2", ["limit"]), ("limit=x&since=y&outcom=issued", ["limit", "since", "outcom"])])
def test_a_wrong_parameter_is_named(trail, query, fields):
    answer = trail(query)
    assert answer.status == 400 and answer.json["code"] == "bad_input" and answer.json["safe_to_retry"] == "after_fix"
    assert [e["field"] for e in answer.json["errors"]] == fields


def test_only_an_admin_reads_the_trail(platform, trail):
    assert trail(key=platform.app_key).status == 403
    assert trail(key="").status == 401
