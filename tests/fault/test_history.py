"""Each kind of violation goes red, and what is allowed stays green, on histories made by hand."""
import pytest

import history

OFFSET_S = 1000.0  # of the wall clock, so that nobody confuses the two


def exchange_id(began):
    """As of an exchange that began at that monotonic second."""
    digits = f"{int((began + OFFSET_S) * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000001"


ID = exchange_id(10.0)


def answer(how="answered", begin=10.0, end=10.1, **facts):
    row = {"how": how, "begin": begin, "end": end, "status": 200, "id": ID, "code": "issued", "execution": "answered", "retry": None,
           "stage": None, "agent": "1", "token": "t1", "refresh": "r1"}
    if how != "answered":
        row.update(status=0, id=None, code=None, execution=None, token=None, refresh=None)
    return {**row, **facts}


def problem(code, execution, retry, **facts):
    return answer(status=504, code=code, execution=execution, retry=retry, token=None, refresh=None, **facts)


SENT = problem("budget_exceeded", "sent", "no")
NOT_SENT = problem("endpoint_unreachable", "not_sent", "yes")
WAITING = answer(begin=20, end=20.1, status=202, code=None, execution=None, token=None, refresh=None)


def call(*attempts, claims=(), name="c1.1", **facts):
    return {"call": name, "key": "c1", "profile": "east", "kind": "exchange", "mode": "fast", "budget_ms": 4000, "is_keyed": False,
            "is_twin": False, "old": None, "attempts": list(attempts), "claims": list(claims), "id": ID, **facts}


def line(event, t, x="x1", name="c1.1", **facts):
    more = {"peer": "10.89.1.2", "status": 200, "mode": "fast", "token": "t1", "refresh": "r1", "old": None} if event == "executed" else {}
    return {"t": t, "e": event, "call": name, **({} if event == "seen" else {"x": x}), **more, **facts}


EXECUTED, ANSWERED = line("executed", 10.02), line("answered", 10.03)
ROW = {"id": ID, "outcome": "issued", "execution": "answered"}
ROW_SENT = {"id": ID, "outcome": "failed", "execution": "sent"}


def fault(kind, target, begin, end=None):
    return {"number": 1, "kind": kind, "target": target, "begin": begin, "end": begin + 0.5 if end is None else end}


def kinds(*calls, journal=(EXECUTED, ANSWERED), row=ROW, faults=(), lags=()):
    h = history.History(list(calls), list(journal), {} if row is None else {ID: row}, list(faults), {"10.89.1.2": "a1"}, list(lags), OFFSET_S)
    return {v.kind for v in history.check(h)}


def test_a_good_exchange_is_good():
    assert kinds(call(answer())) == set()


@pytest.mark.parametrize("journal", [(EXECUTED, line("executed", 11, x="x2"), ANSWERED), (line("seen", 10.01), EXECUTED, ANSWERED)])
def test_a_second_request_of_one_call(journal):
    assert kinds(call(answer()), journal=journal) == {"executed-twice"}


def test_a_lazy_endpoint_sees_before_it_executes():
    lazy = call(answer(), mode="lazy-100")
    assert kinds(lazy, journal=(line("seen", 10.01), EXECUTED, ANSWERED)) == set()
    assert kinds(lazy, journal=(line("seen", 10.01), line("seen", 10.01), EXECUTED, ANSWERED)) == {"executed-twice"}


# ---- execution ----

@pytest.mark.parametrize("journal", [(EXECUTED, ANSWERED), (line("seen", 10.02),)])
def test_not_sent_of_what_the_endpoint_saw(journal):
    assert "not-sent-but-seen" in kinds(call(NOT_SENT), journal=journal, row=ROW_SENT)


def test_not_sent_in_the_audit_trail_of_what_the_endpoint_saw():
    assert "not-sent-but-seen" in kinds(call(SENT), journal=(line("seen", 10.02),), row={**ROW_SENT, "execution": "not_sent"})


def test_what_was_not_sent_may_be_run_by_a_repeat():
    first = {**NOT_SENT, "id": exchange_id(9.0), "begin": 9.0, "end": 9.5}
    assert kinds(call(first, answer(), is_keyed=True)) == set()


def test_not_sent_after_the_repeat_has_run():
    assert "not-sent-but-seen" in kinds(call({**NOT_SENT, "end": 10.5}, answer(end=10.1), is_keyed=True))


def test_answered_of_what_the_endpoint_did_not_see():
    assert "answered-but-unseen" in kinds(call(problem("endpoint_failed", "answered", "no")), journal=())


def test_the_trail_differs_from_what_was_told():
    assert kinds(call(answer()), row=ROW_SENT) == {"trail-differs"}


def test_the_platform_has_no_record_of_what_was_executed():
    assert kinds(call(answer()), row=None) == {"unrecorded"}


def test_an_exchange_that_never_ends():
    assert kinds(call(SENT), journal=(), row={**ROW_SENT, "outcome": None, "execution": None}) == {"unended"}


# ---- what a caller is advised ----

@pytest.mark.parametrize("row, kind", [
    (problem("budget_exceeded", "sent", "yes"), "retry-unsafe"),
    (problem("endpoint_failed", "answered", "yes"), "retry-unsafe"),
    (problem("connector_offline", "not_sent", "no"), "retry-missing"),
])
def test_advice_that_does_not_fit_what_is_certain(row, kind):
    assert kind in kinds(call(row), journal=(line("executed", 10.02, token=None, refresh=None),), row=ROW_SENT)


def test_advice_to_ask_again_after_a_token_was_issued():
    assert "retry-unsafe" in kinds(call(problem("endpoint_busy", "answered", "yes")))


@pytest.mark.parametrize("row", [NOT_SENT, problem("policy_refused", "not_sent", "after_fix")])
def test_advice_that_fits(row):
    assert kinds(call(row), journal=(), row=None) == set()


# ---- one outcome ----

def test_an_outcome_that_changes():
    later = answer(begin=20, end=20.1, token=None, status=502, code="endpoint_failed")
    assert kinds(call(answer(), later, is_keyed=True)) == {"unstable"}


def test_an_outcome_that_becomes_known():
    assert kinds(call(SENT, claims=[answer(begin=20, end=20.1)])) == set()


def test_somebody_elses_token():
    other = call(answer(token="t9"), name="c1.2", id=exchange_id(11.0))
    assert "foreign-token" in kinds(call(answer()), other)


def test_a_call_that_nobody_made():
    assert kinds(call(answer()), journal=(EXECUTED, ANSWERED, line("seen", 11, name="c7.7"))) == {"unknown-call"}


# ---- in time ----

LATE = problem("budget_exceeded", "sent", "no", end=18.5)  # 8.5 s for a budget of 4


def test_an_answer_that_is_late():
    assert kinds(call(LATE), journal=(), row=ROW_SENT) == {"late"}
    assert kinds(call(answer("gave-up", end=26.0)), journal=(), row=ROW_SENT) == {"late"}


def test_late_while_the_platform_was_gone_or_this_machine_was_busy():
    assert kinds(call(LATE), journal=(), row=ROW_SENT, faults=[fault("stop", "platform", 12, 16)]) == set()
    assert kinds(call(LATE), journal=(), row=ROW_SENT, lags=[(14.0, 1.0)]) == set()
    assert kinds(call(LATE), journal=(), row=ROW_SENT, faults=[fault("stop", "platform", 30)]) == {"late"}


@pytest.mark.parametrize("how", ["cut", "refused"])
def test_cut_off(how):
    assert kinds(call(answer(how)), journal=(), row=ROW_SENT) == {"cut-off"}
    assert kinds(call(answer(how)), journal=(), row=ROW_SENT, faults=[fault("kill", "platform", 10.05)]) == set()


def test_who_hangs_up_is_owed_no_answer():
    assert kinds(call(answer("hung-up", end=30.0)), journal=(), row=ROW_SENT) == set()


# ---- tokens ----

def test_a_token_that_nobody_has():
    assert kinds(call(SENT, claims=[WAITING]), row=ROW_SENT) == {"token-lost"}


def test_a_token_that_was_claimed():
    assert kinds(call(SENT, claims=[WAITING, answer(begin=30, end=30.1)])) == set()


@pytest.mark.parametrize("faults, is_excused", [
    ([fault("kill", "a1", 10.02)], True),
    ([fault("kill", "a1", 13.0)], False),  # it had all the time to write it down
    ([fault("kill", "a2", 10.02)], False),  # another agent
    ([fault("stop", "a1", 10.025, 20.0), fault("kill", "a1", 20.5)], True),  # stopped with the answer unread
    ([fault("restart", "a1", 10.02)], False),  # SIGTERM loses nothing
    ([fault("endpoint-link-down", "a1", 10.0, 11.0)], True),
    ([fault("link-down", "a1", 10.0, 11.0)], False),  # the tunnel's link
    ([fault("kill", "endpoint", 10.02)], True),
    ([fault("kill", "platform", 10.02)], False),
])
def test_what_may_take_a_token(faults, is_excused):
    assert ("token-lost" not in kinds(call(SENT), row=ROW_SENT, faults=faults)) == is_excused


@pytest.mark.parametrize("answered_t, is_excused", [(12.0, False), (13.7, True)])
def test_an_answer_after_the_budget_is_lost(answered_t, is_excused):
    slow = call(SENT, mode="slow-2500")
    assert ("token-lost" not in kinds(slow, journal=(EXECUTED, line("answered", answered_t)), row=ROW_SENT)) == is_excused


def test_an_agent_that_hangs_up_on_the_endpoint_for_no_reason():
    slow = call(SENT, mode="slow-2500")
    assert kinds(slow, journal=(EXECUTED, line("closed", 11.0)), row=ROW_SENT) == {"token-lost"}


def test_an_endpoint_that_does_not_answer_whole():
    assert kinds(call(SENT, mode="cut"), journal=(EXECUTED,), row=ROW_SENT) == set()


@pytest.mark.parametrize("code, killed_t, is_excused", [
    ("agent_lost", 10.5, True), ("agent_lost", 9.0, False), ("budget_exceeded", 10.5, False)])
def test_a_request_that_left_when_its_agent_was_dead(code, killed_t, is_excused):
    journal = line("executed", 11.2), line("answered", 11.3)
    found = kinds(call(SENT), journal=journal, row={**ROW_SENT, "code": code}, faults=[fault("kill", "a1", killed_t)])
    assert ("token-lost" not in found) == is_excused


def test_no_excuse_when_the_platform_had_it():
    assert kinds(call(SENT), faults=[fault("kill", "a1", 10.02)]) == {"token-lost"}


# ---- refreshes ----

def refresh(name, end=10.1, **facts):
    return call(answer(token=None, code="credentials_refused", retry="with_new_credentials", status=422, end=end), name=name, old="r0", **facts)


def test_two_refreshes_with_one_token_at_once():
    journal = [line("executed", 10.0, x="x1", name="a", token=None, old="r0"), line("answered", 10.5, x="x1", name="a"),
               line("executed", 10.2, x="x2", name="b", token=None, old="r0"), line("answered", 10.3, x="x2", name="b")]
    assert kinds(refresh("a", 10.6), refresh("b", 10.6), journal=journal) == {"refresh-overlap"}


@pytest.mark.parametrize("ends, faults", [
    ([line("answered", 10.1, x="x1", name="a")], []),
    ([line("closed", 10.1, x="x1", name="a")], []),
    ([line("ended", 10.1, x="x1", name="a")], []),
    ([], [fault("kill", "a1", 10.1)]),
])
def test_one_refresh_after_the_other(ends, faults):
    journal = [line("executed", 10.0, x="x1", name="a", token=None, old="r0"), *ends,
               line("executed", 10.2, x="x2", name="b", token=None, old="r0"), line("answered", 10.3, x="x2", name="b")]
    assert kinds(refresh("a", 10.15), refresh("b", 10.6), journal=journal, faults=faults) == set()
