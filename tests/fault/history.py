"""Holds what all four parties have seen against the delivery contract. Pure: histories in, violations out.

    calls       the callers': what was asked, each attempt with its answer, each claim (callers.py)
    journal     the endpoint's: seen, executed, answered, closed, ended (counting_endpoint.py)
    rows        the platform's audit trail, by exchange
    faults      what was broken, from when to when (faults.py)
    agents      the name of the agent behind each address that the endpoint has seen
    lags        when this run's own loop was late, and by how much
    offset_s    the wall clock's seconds less the monotonic clock's

All times are monotonic seconds, except in exchange ids (wall clock, ms).
"""
import dataclasses
import itertools

LATE_S = 4.0  # an answer may come so long after its budget: the machine has other things to do
READ_S = 2.0  # an answer that was written so long ago has been read by an agent that lives, and written down
SLACK_S = 0.5  # by so much an agent's own deadline may seem earlier than it is
PLATFORM_STAYS_IN_TIME = ("kill", "stop", "restart")
PATH_TO_ENDPOINT = ("endpoint-link-down", "endpoint-drop-in")


@dataclasses.dataclass
class History:
    calls: list
    journal: list
    rows: dict
    faults: list
    agents: dict
    lags: list = dataclasses.field(default_factory=list)
    offset_s: float = 0.0

    def __post_init__(self):
        self.by_call, self.by_execution = {}, {}
        for line in self.journal:
            self.by_call.setdefault(line["call"], []).append(line)
            if "x" in line:
                self.by_execution.setdefault(line["x"], {})[line["e"]] = line

    def lines(self, call, *events):
        return [line for line in self.by_call.get(call["call"], []) if line["e"] in events]

    def lag_s(self, begin, end):
        return sum(late_s for at, late_s in self.lags if begin - 1 <= at + late_s and at <= end + 1)

    def faults_of(self, target, kinds, begin, end):
        """Those that were in effect between the two times."""
        return [f for f in self.faults if f["target"] == target and f["kind"] in kinds and f["begin"] <= end
                and (f["end"] is None or f["end"] >= begin)]

    def began(self, call):
        """When the platform began the call's (last) exchange, as far as is known."""
        if call["id"]:
            return int(call["id"].replace("-", "")[:12], 16) / 1000 - self.offset_s
        return call["attempts"][0]["begin"]

    def told(self, call):
        """Every answer that the caller got, attempts first."""
        return [row for row in (*call["attempts"], *call["claims"]) if row["how"] == "answered"]


@dataclasses.dataclass(frozen=True)
class Violation:
    kind: str
    what: str
    call: dict = None
    other: dict = None  # a second call that has to do with it


def sends(h, call):
    """How often the endpoint has got (the head of) the call's request."""
    seen = len(h.lines(call, "seen"))
    return seen if call["mode"].startswith("lazy") else seen + len(h.lines(call, "executed"))


def check_once(h, call):
    times = sends(h, call)
    if times > 1 or len(h.lines(call, "executed")) > 1:
        yield Violation("executed-twice", f"the endpoint has got the request {times} times", call)


def check_not_sent(h, call):
    """`not_sent` is said of what the endpoint has not seen; a repeat that ran later is another exchange."""
    seen = min((line["t"] for line in h.lines(call, "seen", "executed")), default=None)
    if seen is None:
        return
    for row in h.told(call):
        if row["execution"] == "not_sent" and row["end"] > seen:
            yield Violation("not-sent-but-seen", "the caller was told not_sent of what the endpoint has seen", call)
    row = h.rows.get(call["id"])
    if row is not None and row["execution"] == "not_sent":
        yield Violation("not-sent-but-seen", "the audit trail says not_sent of what the endpoint has seen", call)


def check_answered(h, call):
    if any(row["execution"] == "answered" for row in h.told(call)) and not h.lines(call, "executed"):
        yield Violation("answered-but-unseen", "the caller was told answered of what the endpoint has not executed", call)


def check_retry(h, call):
    issued = any("token" in line for line in h.lines(call, "executed"))
    for row in h.told(call):
        if row["retry"] is None:
            continue
        may_be = row["execution"] in ("not_sent", None) or row["code"] == "endpoint_busy"
        if row["retry"] == "yes" and not may_be:
            yield Violation("retry-unsafe", f"safe_to_retry = yes at {row['execution']}, {row['code']}", call)
        elif row["retry"] == "yes" and issued and row["end"] > min(line["t"] for line in h.lines(call, "executed")):
            yield Violation("retry-unsafe", "safe_to_retry = yes after a token was issued", call)
        elif row["execution"] == "not_sent" and row["retry"] not in ("yes", "after_fix"):
            yield Violation("retry-missing", f"safe_to_retry = {row['retry']} at not_sent", call)


def check_stable(h, call):
    """What an exchange has come to does not change once it is known."""
    known = {}
    for row in h.told(call):
        if row["execution"] != "answered" or row["id"] is None:
            continue
        now = (row["status"], row["code"], row["token"])
        if known.setdefault(row["id"], now) != now:
            yield Violation("unstable", f"{row['id']} came to {known[row['id']]}, and then to {now}", call)


def check_token(h, call):
    """A token that a caller has is one that was issued for this call."""
    issued = {line["token"] for line in h.lines(call, "executed") if "token" in line}
    for row in h.told(call):
        if row["token"] is not None and row["token"] not in issued:
            yield Violation("foreign-token", f"it was given {row['token']}, which was not issued for it", call)


# ---- an answer in time ----

def check_in_time(h, call):
    for row in call["attempts"]:
        is_excused = h.faults_of("platform", PLATFORM_STAYS_IN_TIME, row["begin"] - 0.2, row["end"])
        if is_excused or row["how"] == "hung-up":
            continue
        if row["how"] in ("cut", "refused"):
            yield Violation("cut-off", f"the connection was {row['how']} while the platform lived", call)
        took_s, most_s = row["end"] - row["begin"], call["budget_ms"] / 1000 + LATE_S + h.lag_s(row["begin"], row["end"])
        if row["how"] == "gave-up" or took_s > most_s:
            yield Violation("late", f"no answer within {took_s:.1f} s; the budget was {call['budget_ms']} ms", call)


# ---- what the audit trail says ----

def check_trail(h, call):
    row = h.rows.get(call["id"])
    if row is None:
        if h.lines(call, "executed"):
            yield Violation("unrecorded", "the endpoint has executed what the platform has no record of", call)
        return
    if row["outcome"] is None:
        yield Violation("unended", "nobody holds it any more, and the audit trail says that it runs", call)
    for told in h.told(call):
        if told["id"] == call["id"] and told["execution"] == "answered" != row["execution"]:
            yield Violation("trail-differs", f"the caller was told answered, the audit trail says {row['execution']}", call)


# ---- no token lost ----

def end_of_life(h, agent, begin, end):
    """When the agent was killed between the two times, or None. A stopped agent does nothing until it goes on."""
    for stop in h.faults_of(agent, ("stop",), begin, end):
        end = max(end, (stop["end"] or end) + READ_S)
    kills = (f["begin"] for f in h.faults if f["target"] == agent and f["kind"] == "kill")
    return min((t for t in kills if begin - 0.1 <= t <= end), default=None)


def is_of_the_dead(h, call, agent, executed_t):
    """The request waited in the kernel, say for a link that was down, and left when its agent had been killed. That it had begun
    is the agent's own word, from its ledger; one that began afterwards would not say so."""
    kills = (f["begin"] for f in h.faults if f["target"] == agent and f["kind"] == "kill")
    return h.rows.get(call["id"], {}).get("code") == "agent_lost" and any(h.began(call) <= t <= executed_t for t in kills)


def why_lost(h, call, executed):
    """What may have taken the token between the endpoint and the agent's ledger; None: nothing."""
    after = h.by_execution[executed["x"]]
    said = after.get("answered") or after.get("closed")
    if call["mode"].partition("-")[0] in ("hang", "cut", "reset"):
        return "the endpoint did not answer whole, as it was told"
    begin, agent = executed["t"], h.agents.get(executed["peer"])
    said_t = said["t"] if said else begin + LATE_S
    end = said_t + READ_S + h.lag_s(begin, said_t + READ_S)
    if h.faults_of("endpoint", ("kill", "restart"), begin - 0.1, end):
        return "the endpoint ended with the connection"
    if said is None:
        return None
    if end_of_life(h, agent, begin, end) is not None:
        return "the agent was killed before it had read the answer"
    if is_of_the_dead(h, call, agent, begin):
        return "the agent was killed before the endpoint had its request"
    if h.faults_of(agent, PATH_TO_ENDPOINT, begin, end):
        return "the link between agent and endpoint was cut"
    deadline = h.began(call) + call["budget_ms"] / 1000 - min(0.25, call["budget_ms"] / 2000)
    if said_t > deadline - SLACK_S - h.lag_s(begin, said_t):
        return "the answer came when the budget was over"
    return None


def lost_tokens(h):
    """(call, executed line, excuse or None) of each token that its caller neither has nor can get."""
    for call in h.calls:
        have = {row["token"] for row in h.told(call)}
        for line in h.lines(call, "executed"):
            if "token" in line and line["token"] not in have:
                is_cut = any(row["how"] in ("cut", "gave-up") for row in call["claims"])
                yield call, line, "the answer to a claim was cut" if is_cut else why_lost(h, call, line)


def check_lost(h):
    for call, line, why in lost_tokens(h):
        is_known = h.rows.get(call["id"], {}).get("execution") == "answered"
        if why is None or (is_known and "claim" not in why):
            yield Violation("token-lost", f"{line['token']} was issued, and nobody has it"
                            + (", though the audit trail says answered" if is_known else ""), call)


# ---- one refresh at a time ----

def refresh_spans(h):
    """(old token, begin, end, call) of each refresh at the endpoint: until it was answered, or its agent had ended."""
    calls = {call["call"]: call for call in h.calls}
    for execution in h.by_execution.values():
        line = execution.get("executed")
        if line is None or not line.get("old") or line["call"] not in calls:
            continue
        call = calls[line["call"]]
        agent = h.agents.get(line["peer"])
        ends = [execution[e]["t"] for e in ("answered", "closed", "ended") if e in execution]
        ends += [f["begin"] for f in h.faults if f["kind"] == "kill" and f["target"] in (agent, "endpoint") and f["begin"] >= line["t"]]
        yield line["old"], line["t"], min([*ends, h.began(call) + call["budget_ms"] / 1000]), call


def check_refreshes(h):
    spans = sorted(refresh_spans(h), key=lambda s: s[:2])
    for one, other in itertools.pairwise(spans):
        if one[0] == other[0] and other[1] < one[2] - 0.02:
            yield Violation("refresh-overlap", f"a second refresh with {one[0]} {one[2] - other[1]:.2f} s before the first had ended",
                            other[3], one[3])


CHECKS = (check_once, check_not_sent, check_answered, check_retry, check_stable, check_token, check_trail, check_in_time)


def check(h):
    """Every violation."""
    found = [v for call in h.calls for one in CHECKS for v in one(h, call)]
    known = {call["call"] for call in h.calls}
    found += [Violation("unknown-call", f"the endpoint has seen a call {name!r} that nobody made") for name in h.by_call if name not in known]
    return found + list(check_lost(h)) + list(check_refreshes(h))
