"""What will be asked and what will be broken, from a seed alone: the same seed, the same schedule.

Nothing here looks at a clock or at what has happened. What a caller does next (claims, repeats) follows
from its plan and from what it was answered; when a fault begins follows from the plan alone.
"""
import dataclasses
import random

AGENTS = ("a1", "a2", "a3", "b1")  # a… are agents of the connector "east", b… of "west"
RELAYED = ("a2", "b1")  # their tunnels go through the relay
LEDGER_ON_TMPFS = "a3"

LONG_S = (21.0, 25.0)  # longer than two heartbeats: whoever went silent is given up


@dataclasses.dataclass(frozen=True)
class Fault:
    number: int
    at_s: float  # after the schedule's begin
    kind: str
    target: str  # an agent, "platform" or "endpoint"
    for_s: float  # until it is healed, or until the program is started again


# kind, weight, seconds from and to, whether some last LONG_S, and whom it can hit
KINDS = (
    ("kill", 22, 0.0, 2.0, False, (*AGENTS, *AGENTS, "platform", "endpoint")),
    ("stop", 12, 0.2, 4.0, True, (*AGENTS, *AGENTS, "platform", "endpoint")),
    ("restart", 10, 0.0, 1.0, False, (*AGENTS, *AGENTS, "platform", "endpoint")),
    ("reload", 4, 0.0, 0.0, False, (*AGENTS, "platform")),
    ("link-down", 8, 0.2, 5.0, True, AGENTS),
    ("drop-out", 6, 0.2, 5.0, True, AGENTS),
    ("drop-in", 6, 0.2, 5.0, True, AGENTS),
    ("forget-flow", 4, 20.0, 25.0, False, AGENTS),
    ("endpoint-link-down", 5, 0.2, 4.0, False, AGENTS),
    ("endpoint-drop-in", 4, 0.2, 4.0, False, AGENTS),
    ("endpoint-resets", 6, 0.5, 2.0, False, ("endpoint",)),
    ("relay-delay", 5, 1.0, 8.0, False, RELAYED),
    ("relay-hold", 5, 0.5, 6.0, True, RELAYED),
    ("relay-half-close", 4, 0.0, 1.0, False, RELAYED),
    ("relay-reset", 5, 0.0, 0.5, False, RELAYED),
    ("disk-full", 5, 1.0, 6.0, False, (LEDGER_ON_TMPFS,)),
)


def _one(rng):
    kind, _, low, high, has_long, targets = rng.choices(KINDS, [k[1] for k in KINDS])[0]
    target = rng.choice(targets)
    for_s = rng.uniform(*LONG_S) if has_long and rng.random() < 0.06 else rng.uniform(low, high)
    return kind, target, round(for_s, 3)


def _cut_off_and_killed(rng, low_s=0.3, high_s=4.0):
    """What the agent holds then is known to nobody else but its ledger."""
    victim, after_s = rng.choice(AGENTS), round(rng.uniform(low_s, high_s), 3)
    yield 0.0, rng.choice(("link-down", "drop-out", "drop-in")), victim, round(after_s + rng.uniform(0.2, 1.0), 3)
    yield after_s, "kill", victim, round(rng.uniform(0.0, 1.5), 3)


def _burst(rng):
    """A few faults close together: mostly one, sometimes both ends, sometimes whatever comes."""
    shape = rng.random()
    if shape < 0.12:  # both ends at once
        yield 0.0, "kill", "platform", round(rng.uniform(0.0, 1.5), 3)
        yield rng.choice((0.0, 0.0, 0.05)), "kill", rng.choice(AGENTS), round(rng.uniform(0.0, 2.0), 3)
    elif shape < 0.22:
        yield from _cut_off_and_killed(rng)
    else:
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
            yield (round(rng.uniform(0.0, 1.5), 3), *_one(rng))


def faults(seed, make_burst=_burst, rests_s=(0.5, 2.0, 3.0, 4.0, 7.0)):
    """Faults without end, by time."""
    rng = random.Random(f"faults {seed}")
    at_s, number = 1.0, 0
    while True:
        burst = sorted(make_burst(rng))
        for offset_s, kind, target, for_s in burst:
            number += 1
            yield Fault(number, round(at_s + offset_s, 3), kind, target, for_s)
        at_s = round(at_s + burst[-1][0] + rng.choice(rests_s) * rng.uniform(0.5, 1.5), 3)


def faults_for_self_check(seed):
    """What shows a missing ledger soonest: the agent has read its answers, told nobody, and is killed."""
    return faults(seed, lambda rng: _cut_off_and_killed(rng, 2.5, 4.0), (0.2,))


@dataclasses.dataclass(frozen=True)
class Call:
    number: int  # of this caller
    kind: str  # exchange, refresh, twins (two refreshes with one token at once)
    profile: str
    mode: str  # what the endpoint shall do
    twin_mode: str
    budget_ms: int
    think_s: float  # before the call
    is_keyed: bool  # with an Idempotency-Key
    repeats: int  # of a keyed call, beside those after a cut
    hang_up_s: float  # 0: it waits for the answer
    claim_after_s: float  # if there was no answer


PROFILES = ("east", "east", "east-tls", "west")
MODES = (("fast", 50), ("slow", 22), ("hang", 2), ("reset", 3), ("cut", 3), ("close", 6), ("fail-500", 3),
         ("fail-503", 3), ("refuse", 3), ("lazy", 5))


def _mode(rng):
    mode = rng.choices([m[0] for m in MODES], [m[1] for m in MODES])[0]
    return f"{mode}-{rng.choice((20, 100, 300, 900, 2500))}" if mode in ("slow", "lazy") else mode


def calls(seed, caller, think_s):
    """The calls of one caller, without end; `think_s` is the mean pause between two."""
    rng = random.Random(f"caller {caller} {seed}")
    number = 0
    while True:
        number += 1
        kind = rng.choices(("exchange", "refresh", "twins"), (60, 34, 6))[0]
        is_keyed = rng.random() < 0.3
        yield Call(number, kind, PROFILES[caller % len(PROFILES)], _mode(rng), _mode(rng),
                   rng.choice((800, 2000, 4000, 4000, 8000)), round(rng.uniform(0.2, 1.8) * think_s, 3), is_keyed,
                   rng.choice((0, 0, 1, 2)) if is_keyed else 0,
                   round(rng.uniform(0.0, 1.5), 3) if rng.random() < 0.08 else 0.0, round(rng.uniform(1.0, 40.0), 3))
