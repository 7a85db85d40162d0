"""The same seed gives the same schedule; every fault can hit whom it is meant for."""
import itertools
import os
import pathlib
import subprocess
import sys

import schedule


def some(n, *args):
    return list(itertools.islice(schedule.faults(*args), n))


def test_a_seed_gives_its_faults_and_its_calls():
    assert some(300, 5) == some(300, 5) != some(300, 6)
    one, again, other = ([list(itertools.islice(schedule.calls(s, 3, 1.0), 200))] for s in (5, 5, 6))
    assert one == again != other
    assert one != [list(itertools.islice(schedule.calls(5, 4, 1.0), 200))]


def test_a_seed_is_the_same_in_another_process():
    """Nothing depends on how a process hashes."""
    ask = "import itertools, schedule; print([*itertools.islice(schedule.faults(1), 50), *itertools.islice(schedule.calls(1, 2, 1.0), 50)])"
    texts = {subprocess.run([sys.executable, "-c", ask], cwd=pathlib.Path(schedule.__file__).parent, check=True, capture_output=True,
                            env={**os.environ, "PYTHONHASHSEED": str(seed)}).stdout for seed in (1, 2)}
    assert len(texts) == 1


def test_the_self_checks_faults_leave_an_agent_alone_with_its_ledger():
    plan = list(itertools.islice(schedule.faults_for_self_check(1), 100))
    for cut, kill in zip(plan[::2], plan[1::2]):
        assert cut.target == kill.target and kill.kind == "kill" and cut.at_s < kill.at_s


def test_faults_come_in_time_and_of_every_kind():
    faults = some(2000, 1)
    assert all(a.at_s <= b.at_s for a, b in itertools.pairwise(faults))
    assert {f.kind for f in faults} == {k[0] for k in schedule.KINDS}
    targets = {f.target for f in faults}
    assert targets == {*schedule.AGENTS, "platform", "endpoint"}
    for f in faults:
        if f.kind.startswith("relay"):
            assert f.target in schedule.RELAYED
        if f.kind == "disk-full":
            assert f.target == schedule.LEDGER_ON_TMPFS


def test_ten_minutes_have_two_hundred_faults():
    for seed in range(20):
        assert sum(1 for _ in itertools.takewhile(lambda f: f.at_s < 640, schedule.faults(seed))) > 200, seed
