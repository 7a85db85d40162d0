"""The agent's ledger from outside: full, lost, set back, unreadable, shared, of another identity."""
import concurrent.futures
import os
import shutil
import signal
import subprocess

import peer
import pytest
import rig
from test_agent_protocol import played  # noqa: F401


def start(agent, played):
    """The agent anew, as its configuration is now; (WebSocket, hello)."""
    agent.start(wait=False)
    return played.greet()


def kill(agent, ws):
    agent.process.kill()
    ws.close()


def configure(agent, text):
    agent.conf.write_text(agent.conf.read_text() + text + "\n")


def run_one(ws, endpoint):
    """A job that ends well; its id, unacknowledged."""
    ws.send(peer.job(endpoint.url("/token")))
    result = ws.receive(peer.RESULT)[1]
    assert result["outcome"] == "issued", result
    return result["id"]


def acknowledge(agent, ws, *ids):
    ws.send((peer.ACK, {"ids": list(ids)}))
    rig.wait_until(lambda: agent.status()["jobs"]["unacknowledged"] == 0, "the agent has let go of them")


# --- a disk that is full ---

JOBS = 200  # more than the space that a ledger has reserved before


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MB; fill(True) leaves it no free block, fill(False) gives them back."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", folder], check=True)

    def fill(is_full):
        filler = folder / "filler"
        if not is_full:
            filler.unlink()
            return
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError as error:
                assert error.errno == 28  # ENOSPC
    yield folder, fill
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
def test_a_full_disk_stops_jobs_before_they_run_and_results_still_fit(played, agent, endpoint, small_disk):
    folder, fill = small_disk
    agent.stop()
    configure(agent, f'ledger = {{ path = "{folder}/ledger"; key = "{folder}/ledger.key"; }};')
    ws, _ = start(agent, played)
    ws.send(peer.job(endpoint.url("/held"), budget_ms=60000))
    assert endpoint.journal.wait_for("/held", 1)
    fill(True)
    ws.send(*[peer.job(endpoint.url("/held"), budget_ms=60000) for _ in range(JOBS)])
    first = ws.receive(peer.RESULT)[1]
    assert (first["outcome"], first["code"], first["execution"]) == ("failed", "agent_unavailable", "not_sent")
    assert first["error"]["stage"] == "agent" and "no space" in first["error"]["message"]
    agent.process.wait("ledger.full")
    status = agent.status()
    assert status["ledger"]["state"] == "full" and "disk is full" in status["ledger"]["why"]
    assert "FULL: new jobs are refused" in agent.cli("status").stdout
    running = status["jobs"]["running"]
    refused = [first] + [ws.receive(peer.RESULT)[1] for _ in range(JOBS - running)]
    assert {(r["code"], r["execution"]) for r in refused} == {("agent_unavailable", "not_sent")}
    assert endpoint.journal.wait_for("/held", running)
    endpoint.release()
    tokens = by_id(ws.receive(peer.RESULT)[1] for _ in range(running))
    assert len(tokens) == running >= 1 and all(t.startswith("at-") for t in tokens.values())
    assert agent.process.count("job.result_not_recorded") == 0
    kill(agent, ws)  # the disk is still full
    ws, hello = start(agent, played)
    assert set(tokens) <= set(hello["known"])
    again = by_id(ws.receive(peer.RESULT)[1] for _ in hello["known"])
    assert {job_id: again[job_id] for job_id in tokens} == tokens
    assert endpoint.count("/held") == running
    fill(False)
    ws.send((peer.ACK, {"ids": hello["known"]}))
    agent.process.wait("ledger.good")
    acknowledge(agent, ws, run_one(ws, endpoint))
    assert agent.status()["ledger"]["state"] == "good"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
def test_check_tells_of_little_space_before_the_ledger_is_made(agent, small_disk):
    folder, _ = small_disk
    configure(agent, f'ledger = {{ path = "{folder}/ledger"; key = "{folder}/ledger.key"; }};')
    done = agent.cli("check")
    assert done.returncode == 0 and f"{folder}/ledger: note: " in done.stdout and "MB are free on its disk" in done.stdout, done
    assert not (folder / "ledger").exists()


def by_id(results):
    """Job -> token; None where there is none."""
    return {r["id"]: r.get("token", {}).get("access_token") for r in results}


# --- a ledger that isn't the one it was ---

def test_a_lost_ledger_is_another_one(played, agent, endpoint):
    ws, before = played.greet()
    run_one(ws, endpoint)
    kill(agent, ws)
    shutil.rmtree(agent.folder / "ledger")
    ws, after = start(agent, played)
    assert after["ledger"] != before["ledger"] and after["known"] == []
    acknowledge(agent, ws, run_one(ws, endpoint))


def test_a_ledger_that_was_set_back_says_an_older_seq(played, agent, endpoint, tmp_path):
    ws, _ = played.greet()
    kill(agent, ws)
    shutil.copytree(agent.folder / "ledger", tmp_path / "copy")
    ws, _ = start(agent, played)
    acknowledge(agent, ws, *[run_one(ws, endpoint) for _ in range(3)])
    kill(agent, ws)
    ws, seen = start(agent, played)
    kill(agent, ws)
    shutil.rmtree(agent.folder / "ledger")
    shutil.copytree(tmp_path / "copy", agent.folder / "ledger")
    ws, after = start(agent, played)
    assert after["ledger"] == seen["ledger"] and after["ledger_seq"] < seen["ledger_seq"]


def test_a_ledger_that_can_not_be_read_is_set_aside_and_told(played, agent, endpoint):
    ws, before = played.greet()
    run_one(ws, endpoint)
    kill(agent, ws)
    file = agent.folder / "ledger/current"
    octets = bytearray(file.read_bytes())
    octets[len(octets) // 2:len(octets) // 2 + 64] = os.urandom(64)
    file.write_bytes(octets)
    ws, after = start(agent, played)
    assert after["ledger"] != before["ledger"]
    line = agent.process.wait("ledger.open")
    aside = agent.status()["ledger"]["set_aside"]
    assert line.split()[1] == "warn" or "WARN" in line.upper()
    assert aside in line and open(aside, "rb").read() == octets, "nothing of it was changed"
    assert aside in agent.cli("status").stdout
    run_one(ws, endpoint)


# --- whose it is ---

def test_a_second_process_on_one_ledger_refuses_to_start(played, agent):
    ws, _ = played.greet()
    second = agent.folder / "second.conf"
    second.write_text(agent.conf.read_text() + 'control = "second.sock";\n')
    done = rig.run(rig.BUILD / "connector-agent", "run", "-c", second)
    assert done.returncode == 1 and str(agent.folder / "ledger") in done.stderr and "process" in done.stderr, done.stderr
    ws.send((99, {}))
    assert ws.receive()[0] == peer.ERROR, "the first one has not noticed"


def test_results_of_another_identity_are_set_aside(platform, agent, endpoint):
    """enroll --force: the new identity can't report what the old one owes, and doesn't drop it."""
    string = platform.api("POST", "/v1/connectors/dc/enrollments").json["string"]
    platform.stop()
    fake = peer.FakePlatform(platform)
    agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**"))
    ws, before = start(agent, fake)
    job_id = run_one(ws, endpoint)
    kill(agent, ws)
    fake.close()
    platform.start()
    done = agent.cli("enroll", "--force", "-", stdin=string + "\n")
    assert done.returncode == 0 and "ledger" in done.stdout, done
    platform.stop()
    fake = peer.FakePlatform(platform)
    ws, after = start(agent, fake)
    assert after["ledger"] != before["ledger"] and job_id not in after["known"]
    assert "another identity" in agent.process.wait("ledger.open.*set_aside")
    ledger = agent.status()["ledger"]
    assert ledger["set_aside_jobs"] == 1 and os.path.exists(ledger["set_aside"])
    run_one(ws, endpoint)
    ws.close()
    fake.close()


def test_another_identity_is_not_taken_by_a_reload_while_results_are_held(platform, agent, endpoint):
    string = platform.api("POST", "/v1/connectors/dc/enrollments").json["string"]
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/held"))
    agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**")).start()
    old = agent.status()["agent"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(platform.exchange, "p", variables={"username": "alice", "password": "right"}, budget_ms=60000)
        assert endpoint.journal.wait_for("/held", 1)
        done = agent.cli("enroll", "--force", "-", stdin=string + "\n")
        assert done.returncode == 0, done
        agent.process.signal(signal.SIGHUP)
        assert "still holds 1 job" in agent.process.wait("reload.fault")
        assert agent.status()["agent"] == old
        endpoint.release()
        assert answer.result().status == 200
    rig.wait_until(lambda: agent.status()["jobs"]["unacknowledged"] == 0, "it is acknowledged")
    mark = agent.process.mark()
    agent.process.signal(signal.SIGHUP)
    agent.process.wait("agent.reloaded", since=mark)
    assert agent.status()["agent"] != old
    assert agent.stop() == 0
    agent.start()
    assert "set_aside" not in agent.status()["ledger"]


def test_two_machines_with_one_key_do_not_swap_and_no_token_is_lost(platform, agent, endpoint):
    agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**"))
    other = rig.Agent(agent.folder.parent / "other")
    shutil.copytree(agent.folder, other.folder)
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/held"))
    agent.start()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(platform.exchange, "p", variables={"username": "alice", "password": "right"}, budget_ms=60000)
        assert endpoint.journal.wait_for("/held", 1)
        other.start()
        agent.process.wait("tunnel.closed.*code=4409")
        problem = answer.result().json
    assert (problem["code"], problem["execution"]) == ("agent_lost", "sent"), "the other machine's ledger proves nothing"
    assert platform.agents("dc")[0]["alarm"]["message"]
    endpoint.release()
    rig.wait_until(lambda: agent.status()["jobs"]["unacknowledged"] == 1, "the job has its result")
    assert agent.status()["state"] == "replaced" and other.status()["state"] == "ready"
    mark = agent.process.mark()
    agent.process.signal(signal.SIGHUP)  # the admin says which of them it is
    agent.process.wait("tunnel.ready", since=mark)
    other.process.wait("tunnel.closed.*code=4409")
    rig.wait_until(lambda: agent.status()["jobs"]["unacknowledged"] == 0, "it is reported")
    claimed = platform.api("GET", f"/v1/exchanges/{problem['id']}/result", key=platform.app_key)
    assert claimed.status == 200 and claimed.json["token"]["access_token"].startswith("at-"), claimed
    assert other.status()["state"] == "replaced" and endpoint.count("/held") == 1
    assert other.stop() == 0


# --- settings ---

def test_check_and_run_tell_wrong_settings(agent):
    configure(agent, 'ledger = { sync = "sometimes"; };')
    done = agent.cli("check")
    assert done.returncode == 3 and "ledger.sync" in done.stderr and "always" in done.stderr, done


def test_a_ledger_without_its_key_is_left_alone(played, agent):
    ws, _ = played.greet()
    kill(agent, ws)
    before = (agent.folder / "ledger/current").read_bytes()
    (agent.folder / "ledger.key").unlink()
    for command in ("run", "check"):
        done = agent.cli(command)
        assert done.returncode == 3 and "ledger.key" in done.stderr, (command, done)
    assert (agent.folder / "ledger/current").read_bytes() == before
    agent.process = None
    ws.close()


def test_a_reload_says_that_the_ledgers_settings_wait_for_a_restart(played, agent):
    ws, _ = played.greet()
    configure(agent, 'ledger = { sync = "always"; };')
    agent.process.signal(signal.SIGHUP)
    agent.process.wait("agent.reloaded")
    assert agent.status()["reload"]["restart_needed"] == ["ledger.sync"]


# --- synced ---

def syncs(agent):
    return agent.status()["ledger"]["syncs"]


def test_a_refresh_waits_for_the_disk_and_other_jobs_do_not(played, agent, endpoint):
    ws, _ = played.greet()
    before = syncs(agent)
    acknowledge(agent, ws, run_one(ws, endpoint))
    assert syncs(agent) == before
    job = peer.job(endpoint.url("/token"), purpose="refresh", variables={"refresh_token": "rt-0"})
    job[1]["request"]["fields"] = [["payload", "grant_type", "refresh_token"], ["payload", "refresh_token", "{{refresh_token}}"]]
    ws.send(job)
    result = ws.receive(peer.RESULT)[1]
    assert result["execution"] == "answered" and endpoint.count("/token") == 2
    assert syncs(agent) >= before + 2  # before the request, and before the report


def test_with_sync_always_every_job_waits_and_runs(played, agent, endpoint):
    agent.stop()
    configure(agent, 'ledger = { sync = "always"; };')
    ws, _ = start(agent, played)
    before = syncs(agent)
    jobs = [peer.job(endpoint.url("/token")) for _ in range(100)]
    ws.send(*jobs, *jobs)  # each a second time while it is being recorded
    results = [ws.receive(peer.RESULT)[1] for _ in jobs]
    assert {r["id"] for r in results} == {body["id"] for _, body in jobs}
    assert all(r["outcome"] == "issued" for r in results) and endpoint.count("/token") == 100
    assert syncs(agent) >= before + 2
    acknowledge(agent, ws, *[r["id"] for r in results])
    ws.send((99, {}))
    assert ws.receive()[0] == peer.ERROR, "a result came twice"


def test_a_cancel_ends_a_job_that_is_being_recorded(played, agent, endpoint):
    """It came in the same message: the job is not begun before all of that was read."""
    agent.stop()
    for mode in ("process", "always"):
        agent.set_policy(rig.rule("endpoint", rig.origin(endpoint.url("/")) + "/**"), extra=f'ledger = {{ sync = "{mode}"; }};')
        ws, _ = start(agent, played)
        dropped, kept = peer.job(endpoint.url("/token")), peer.job(endpoint.url("/echo"))
        ws.send(dropped, kept, (peer.CANCEL, {"id": dropped[1]["id"]}))
        results = {}
        while not {dropped[1]["id"], kept[1]["id"]} <= set(results):  # what was killed below may report again
            body = ws.receive(peer.RESULT)[1]
            results[body["id"]] = body
        got = results[dropped[1]["id"]]
        assert (got["outcome"], got["code"], got["execution"]) == ("cancelled", "cancelled", "not_sent")
        assert results[kept[1]["id"]]["execution"] == "answered"
        acknowledge(agent, ws, *results)
        kill(agent, ws)
    agent.process = None
    assert endpoint.count("/token") == 0 and endpoint.count("/echo") == 2
