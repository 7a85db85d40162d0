"""packaging/demo, as a stranger runs it: it works, says where everything is, and leaves nothing behind."""
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import urllib.parse

import pytest

import rig

DEMO = rig.ROOT / "packaging/demo"
FACTS = {"api", "ca", "admin_key_file", "app_key_file", "platform_conf", "agent_conf", "platform_pid", "agent_pid",
         "token_server", "token_server_pid", "profile"}
PIDS = ("agent_pid", "platform_pid", "token_server_pid")


@pytest.fixture
def folder():
    """Where a demo makes its own folder. Short: there are UNIX sockets in it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="it-demo."))
    yield path
    shutil.rmtree(path)


def start(folder, *options, **env):
    return subprocess.Popen([DEMO, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={**os.environ, "TMPDIR": str(folder), **env})


def finish(demo, timeout=300):
    out, err = demo.communicate(timeout=timeout)
    return demo.returncode, out, err


def read_until(demo, words):
    """Read on to the line of the step with these words: it is done then."""
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if words in line:
            return
    pytest.fail("the demo has ended:\n" + "".join(lines))


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def of_folder(folder):
    """The programs that run with a file of the folder; one that has ended has no command line."""
    pids = [p.name for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()]
    return [line for line in map(command_line, pids) if str(folder) in line]


def assert_nothing_is_left(folder):
    assert of_folder(folder) == []
    assert list(folder.iterdir()) == []


def ask(facts, method, path, key_file, body=None):
    api = urllib.parse.urlsplit(facts["api"])
    return rig.http_ask(api.hostname, api.port, method, path, None if body is None else json.dumps(body),
                        {"Authorization": "Bearer " + pathlib.Path(facts[key_file]).read_text().strip(),
                         "Content-Type": "application/json"},
                        tls=rig.tls_context(facts["ca"]) if api.scheme == "https" else None)


def exchange(facts, variables):
    return ask(facts, "POST", f"/v1/profiles/{facts['profile']}/exchange", "app_key_file", {"variables": variables})


@pytest.fixture
def kept(folder):
    """What `--keep --json` says of a demo that is left running."""
    status, out, err = finish(start(folder, "--keep", "--json"))
    assert status == 0, err
    facts = json.loads(out)
    yield facts, err
    own = pathlib.Path(facts["ca"]).parents[1]
    if (own / "stop").exists():
        subprocess.run([own / "stop"], check=True)


def test_demo_left_running_can_be_used_and_stopped(kept, folder):
    facts, said = kept
    own = pathlib.Path(facts["ca"]).parents[1]
    assert set(facts) == FACTS
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    for name in FACTS - {"api", "token_server", "profile"} - set(PIDS):
        assert pathlib.Path(facts[name]).is_absolute() and pathlib.Path(facts[name]).is_file(), name
    for name in ("admin_key_file", "app_key_file"):
        assert stat.S_IMODE(os.stat(facts[name]).st_mode) == 0o600
    for name in PIDS:
        assert isinstance(facts[name], int) and str(own) in command_line(facts[name]), name

    typed = json.loads((own / "exchange.json").read_text())["variables"]
    issued = exchange(facts, typed)
    assert (issued.status, issued.json["code"]) == (200, "issued")
    refused = exchange(facts, {**typed, "password": "wrong"})
    assert (refused.status, refused.json["code"]) == (422, "credentials_refused")
    connectors = ask(facts, "GET", "/v1/connectors", "admin_key_file").json["connectors"]
    assert [c["state"] for c in connectors] == ["online"]

    # What it tells a person to type works as it stands.
    curl = said[said.index("D="):].partition("\n\n")[0]
    done = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["code"] == "issued", done.stderr
    status = subprocess.run([rig.ROOT / "build/release/connector-agent", "status", "-c", facts["agent_conf"]],
                            capture_output=True, text=True, timeout=60)
    assert status.returncode == 0 and "ready" in status.stdout, status
    assert issued.json["token"]["access_token"] not in said and typed["password"] not in said

    stopped = subprocess.run([own / "stop"], capture_output=True, text=True, timeout=60)
    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (0, "", "")
    assert_nothing_is_left(folder)


def test_demos_at_the_same_time_leave_nothing_behind(folder):
    demos = [start(folder), start(folder, "--json")]
    results = [finish(demo) for demo in demos]
    for status, out, err in results:
        assert status == 0, out + err
    (_, said, _), (_, facts, lines) = results
    for text in (said, lines):
        assert "issued: demo" in text and "credentials_refused: demo" in text
        assert "FAILED" not in text
    assert set(json.loads(facts)) == FACTS and facts.count("\n") == 1
    assert_nothing_is_left(folder)


def test_demo_shows_what_failed_and_stops_the_rest(folder):
    """The platform's socket gets a name that is too long: a fault after the token server has started."""
    deep = folder / ("x" * 90)
    deep.mkdir()
    status, out, err = finish(start(deep))
    assert status == 1
    assert "connector-platform init" in out and "FAILED" in out and "control" in out
    assert err == ""
    assert_nothing_is_left(deep)


def test_demo_shows_why_the_token_server_does_not_start(folder):
    stubs = folder / "stubs"
    stubs.mkdir()
    (stubs / "setpriv").write_text("#!/bin/sh\necho no such luck\nexit 7\n")
    (stubs / "setpriv").chmod(0o755)
    own = folder / "own"
    own.mkdir()
    status, out, _ = finish(start(own, PATH=f"{stubs}:{os.environ['PATH']}"))
    assert status == 1
    assert "FAILED" in out and "no such luck" in out
    assert_nothing_is_left(own)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_demo_that_is_interrupted_stops_what_it_has_started(folder, signum):
    demo = start(folder, "--keep")
    read_until(demo, "connector-platform init")
    assert of_folder(folder) != []
    demo.send_signal(signum)
    status, _, err = finish(demo)
    assert (status, err) == (128 + signum, "")
    assert_nothing_is_left(folder)


def test_demo_that_is_killed_takes_its_programs_with_it(folder):
    demo = start(folder)
    read_until(demo, "connector-agent run")
    assert len(of_folder(folder)) >= 3
    demo.kill()
    finish(demo)
    rig.wait_until(lambda: of_folder(folder) == [], "the demo's programs have ended")


def test_demo_refuses_an_option_that_it_does_not_know(folder):
    status, out, err = finish(start(folder, "--kep"))
    assert (status, out) == (2, "") and "--kep" in err and "--keep" in err
    status, out, err = finish(start(folder, "--help"))
    assert (status, err) == (0, "") and "--keep" in out and "--json" in out
    assert_nothing_is_left(folder)
