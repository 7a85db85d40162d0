"""What survives a power cut, by the order in which the agent writes, syncs and sends: its system calls, traced.

A power cut can't be made here. What it leaves is what was synced before: so a record counts when the call that
wrote it had returned before a sync began, and that sync had returned before anything was sent that relies on it.
"""
import re

import peer
import pytest
import rig
from test_agent_protocol import played  # noqa: F401

CALLS = "pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg"
REPORT_BYTES = 200  # at least; a ping is shorter
LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\(\d+<((?:->|[^>])*)>)(.*)$")


@pytest.fixture
def traced(agent, played, tmp_path):  # noqa: F811
    """The agent under strace, which is a child of its own so that signals reach the agent; (start, trace file)."""
    trace = tmp_path / "trace"

    def start(sync):
        agent.stop()
        agent.conf.write_text(agent.conf.read_text() + f'ledger = {{ sync = "{sync}"; }};\n')
        agent.prefix = ["strace", "-D", "-f", "-yy", "-s", "0", "-e", f"trace={CALLS}", "-o", trace]
        env = {**rig.ENV, "ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}  # which can't look for leaks while it is traced
        agent.start(wait=False, env=env)
        agent.prefix = ()
        return played.greet()[0]
    return start, trace


def read(trace):
    """Rows of (what, on what, bytes): a call that was interrupted in the trace is a row where it began and one where it ended."""
    begun = {}
    for line in trace.read_text(errors="replace").splitlines():
        m = LINE.match(line)
        if m is None:
            continue
        thread, resumed, call, what, rest = m.groups()
        if resumed:
            call, what = begun.pop(thread, (resumed, ""))
        else:
            yield "begin " + call, what, 0
        if rest.endswith("<unfinished ...>"):
            begun[thread] = call, what
            continue
        given = re.search(r"= (-?\d+)", rest)
        yield "end " + call, what, int(given.group(1)) if given else -1


def steps(trace, endpoint_port, tunnel_port):
    """The story of one job, as words: "written" and "synced" of the ledger, "request", "report"."""
    is_written = is_covered = False
    story = []
    for what, on, given in read(trace):
        if on.endswith("/ledger/current"):
            if what == "end pwrite64" and given > 0:
                is_written = True
                story.append("written")
            elif what in ("begin fdatasync", "begin fsync"):
                is_covered = is_written
            elif what in ("end fdatasync", "end fsync") and given == 0 and is_covered:
                story.append("synced")
        elif what.startswith("begin") and f":{endpoint_port}]" in on:
            story.append("request")
        elif what.startswith("end") and f":{tunnel_port}]" in on and given >= REPORT_BYTES and "request" in story:
            return [*story, "report"]
    return story


def port_of(text):
    """Of the first URL in the text."""
    return re.search(r"://[^:/]+:(\d+)", text).group(1)


REFRESH = {"purpose": "refresh", "variables": {"refresh_token": "rt-0"}, "secret_variables": ["refresh_token"]}


@pytest.mark.parametrize("sync, changes, before, after", [
    ("always", {}, ["written", "synced"], ["written", "synced"]),
    ("process", {}, ["written"], ["written"]),
    ("process", REFRESH, ["written", "synced"], ["written", "synced"]),
], ids=["always", "process", "refresh"])
def test_records_are_safe_before_what_relies_on_them_leaves(traced, played, agent, endpoint, sync, changes, before, after):  # noqa: F811
    start, trace = traced
    ws = start(sync)
    job = peer.job(endpoint.url("/token"), **changes)
    if changes:
        job[1]["request"]["fields"] = [["payload", "grant_type", "refresh_token"], ["payload", "refresh_token", "{{refresh_token}}"]]
    ws.send(job)
    result = ws.receive(peer.RESULT)[1]
    assert result["execution"] == "answered" and endpoint.count("/token") == 1, result
    ws.send((peer.ACK, {"ids": [result["id"]]}))
    pid = agent.process.pid
    ws.close()
    agent.stop()
    rig.wait_until(lambda: re.search(rf"^{pid} +\+\+\+ exited", trace.read_text(errors="replace"), re.M), "the trace's end")
    story = steps(trace, port_of(endpoint.url("/")), port_of(agent.conf.read_text()))
    sent = story.index("request")
    assert story[:sent] == before and story[sent + 1:] == [*after, "report"], story
