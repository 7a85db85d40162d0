"""The verdict, and for each violation the whole history of its call, from all four parties."""
import collections
import json
import sys

import history
import schedule

SHOWN_MAX = 3  # violations of a kind that are told at once
OF_NO_LEDGER = ("executed-twice", "token-lost", "not-sent-but-seen")  # what an agent without one must be convicted of


def lines_of(log, exchange_id):
    with open(log, encoding="utf-8", errors="replace") as lines:
        return [line.rstrip("\n") for line in lines if exchange_id in line]


def of_call(run, call):
    """(time or None, text) of everything that is known of a call."""
    h = run.history
    yield None, f"call {call['call']}: {call['kind']} by {call['profile']}, mode {call['mode']}, budget {call['budget_ms']} ms" + (
        ", Idempotency-Key" if call["is_keyed"] else "") + (f", refresh token {call['old']}" if call["old"] else "")
    for what in ("attempts", "claims"):
        for row in call[what]:
            facts = {k: v for k, v in row.items() if v is not None and k not in ("begin", "begin_ms", "end", "how")}
            yield row["begin"], f"caller    {what[:-1]} begins"
            yield row["end"], f"caller    {what[:-1]} {row['how']}: {json.dumps(facts)}"
    for line in h.by_call.get(call["call"], []):
        facts = {k: v for k, v in line.items() if k not in ("t", "e", "call")}
        yield line["t"], f"endpoint  {line['e']} {json.dumps(facts)}"
    times = [t for t, _ in span(run, call)]
    for f in h.faults:
        if f["begin"] <= max(times) + 5 and (f["end"] is None or f["end"] >= min(times) - 1):
            yield f["begin"], f"fault     {f['number']} {f['kind']} {f['target']} begins"
            yield f["end"], f"fault     {f['number']} {f['kind']} {f['target']} is over"
    if call["id"]:
        yield None, f"platform's audit trail: {json.dumps(h.rows.get(call['id']))}"
        for name in ("platform", *schedule.AGENTS):
            for line in lines_of(run.world.logs / name, call["id"]):
                yield None, f"{name}'s log: {line}"


def span(run, call):
    for row in (*call["attempts"], *call["claims"]):
        yield row["begin"], ""
        yield row["end"], ""
    for line in run.history.by_call.get(call["call"], []):
        yield line["t"], ""


def tell_call(run, call, out):
    facts = list(of_call(run, call))
    began = min(t for t, _ in span(run, call))
    for _, text in (f for f in facts if f[0] is None):
        print(f"    {text}", file=out)
    for t, text in sorted((f for f in facts if f[0] is not None), key=lambda f: f[0]):
        print(f"    {t - began:+9.3f} s  {text}", file=out)


def tell_figures(run):
    """What happened, in a few lines: so that a run without violations is not one in which nothing was tried."""
    h = run.history
    kinds = collections.Counter(f["kind"] for f in h.faults)
    print("faults: " + ", ".join(f"{kind} {n}" for kind, n in sorted(kinds.items())))
    attempts = [row for call in h.calls for row in call["attempts"]]
    ends = collections.Counter(row["code"] or row["how"] for row in attempts)
    print("attempts: " + ", ".join(f"{end} {n}" for end, n in ends.most_common()))
    claimed = sum(any(row["token"] for row in call["claims"]) for call in h.calls)
    why = collections.Counter(why for _, _, why in history.lost_tokens(h) if why)
    issued = sum("token" in line for line in h.journal)
    print(f"tokens: {issued} issued, {claimed} claimed later, {sum(why.values())} that no agent can have read"
          + "".join(f"; {n}: {text}" for text, n in why.most_common()))
    print("at the end: " + ", ".join(f"{name} {rss_kb} kB, {n} descriptors" for name, (rss_kb, n) in run.sizes.items()))


def tell_violation(run, v, out):
    print(f"\nVIOLATION {v.kind}: {v.what}", file=out)
    for call in (v.other, v.call):
        if call is not None:
            tell_call(run, call, out)


def tell_violations(run, kinds):
    """The first of each kind here; all of them in the folder that is kept."""
    seen = collections.Counter()
    with open(run.folder / "violations", "w", encoding="utf-8") as out:
        for v in run.found:
            tell_violation(run, v, out)
            seen[v.kind] += 1
            if seen[v.kind] <= SHOWN_MAX:
                tell_violation(run, v, sys.stdout)
    if run.found:
        print("\nviolations: " + ", ".join(f"{kind} {n}" for kind, n in kinds.most_common()))


def tell(run):
    """Print the verdict; whether it is good: no violation, or in a self-check those that there must be."""
    kinds = collections.Counter(v.kind for v in run.found)
    print()
    tell_figures(run)
    tell_violations(run, kinds)
    is_good = not run.found
    if run.options.self_check:
        is_good = any(kind in OF_NO_LEDGER for kind in kinds)
        print("self-check: " + ("the missing ledger was found out" if is_good else "NOT FOUND OUT: the agent kept no ledger"))
    print(f"{len(run.history.calls)} exchanges, {len(run.history.faults)} faults, {len(run.found)} violations", flush=True)
    return is_good
