"""The platform's end of the protocol, against an agent that is played by hand."""
import concurrent.futures
import os
import socket
import ssl
import threading

import msgpack
import peer
import pytest
import rig

URL = "https://idp.example/token"
RIGHT = {"username": "alice", "password": "right"}


@pytest.fixture
def dial(platform, agent):
    """Connect with the agent's certificate; WebSockets are closed at the end."""
    opened = []

    def run(**options):
        context = peer.client_context(agent.folder / "ca.pem", agent.folder / "agent.pem", agent.folder / "agent.key")
        status, ws = peer.connect(platform.tunnel_port, context, **options)
        if ws is None:
            return status
        opened.append(ws)
        return ws
    yield run
    for ws in opened:
        ws.close()


@pytest.fixture
def join(dial, platform):
    """Connect and greet; (WebSocket, the welcome)."""
    platform.put_profile("p", connector="dc", token_url=URL)

    def run(**changes):
        ws = dial()
        ws.send(peer.hello(**changes))
        return ws, ws.receive(peer.WELCOME)[1]
    return run


@pytest.fixture
def call(platform):
    """Exchanges in the background."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        yield lambda **body: pool.submit(platform.exchange, "p", variables=RIGHT, **{"budget_ms": 5000, **body})


def result(job_id, **changes):
    body = {"id": job_id, "outcome": "issued", "code": "issued", "execution": "answered", "status": 200,
            "token": {"access_token": "tok", "token_type": "Bearer", "expires_in": 60}}
    body.update(changes)
    return peer.RESULT, body


# --- who may come in ---

def test_the_upgrade_needs_a_certificate_path_and_subprotocol(platform, agent, dial):
    bare = peer.client_context(agent.folder / "ca.pem")
    assert peer.connect(platform.tunnel_port, bare)[0] == 403
    assert dial(path="/v1/other") == 404
    assert dial(subprotocol="chat") == 400
    assert dial(subprotocol=None) == 400


@pytest.mark.parametrize("cert", ["other-client", "expired-client"])
def test_a_foreign_or_expired_certificate_is_refused_in_the_handshake(platform, agent, pki, tmp_path, cert):
    if cert == "other-client":
        chain, key = pki / "client.pem", pki / "client.key"
    else:
        chain, key = expired_certificate(platform, tmp_path)
    context = peer.client_context(agent.folder / "ca.pem", chain, key)
    with pytest.raises((ssl.SSLError, ConnectionError, peer.Closed)):
        status, ws = peer.connect(platform.tunnel_port, context)
        assert status == 0, "let in"
        raise ConnectionError


def expired_certificate(platform, folder):
    """A certificate of the platform's own CA, which has ended."""
    key, csr, cert = folder / "old.key", folder / "old.csr", folder / "old.pem"
    rig.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", csr,
            "-subj", "/CN=00000000-0000-7000-8000-000000000000/OU=dc")
    done = rig.run("openssl", "x509", "-req", "-in", csr, "-CA", platform.folder / "ca.pem", "-CAkey",
                   platform.folder / "ca.key", "-days", "-1", "-out", cert)
    assert done.returncode == 0, done.stderr
    return cert, key


def test_a_revoked_agent_is_closed_at_once_and_told_so_when_it_returns(platform, join, dial):
    ws, _ = join()
    agent_id = platform.agents("dc")[0]["id"]
    answer = platform.api("DELETE", f"/v1/connectors/dc/agents/{agent_id}")
    assert answer.status == 204
    assert ws.closed() == 4401
    ws = dial()
    assert ws.closed() == 4401
    assert platform.agents("dc")[0]["state"] == "revoked"


# --- greeting ---

def test_welcome_names_the_limits(join):
    _, welcome = join()
    assert welcome["heartbeat_ms"] == 10000 and len(welcome["session"]) == 16
    assert welcome["limits"] == {"message_bytes": 262144, "websocket_bytes": 1048576}
    assert welcome["platform_version"]


def test_no_hello_in_time_is_closed_with_4408(dial):
    assert dial().closed() == 4408


GARBAGE = {
    "no msgpack": b"\xc1",
    "a map that declares 4 billion entries": b"\x92\x04\xdf\xff\xff\xff\xff",
    "not an array of two": msgpack.packb([4]),
    "a missing key": msgpack.packb([peer.RESULT, {"id": b"x" * 16}]),
    "text that is not UTF-8": b"\x92\x07\x82\xa6reason\xa1\xff\xa8grace_ms\x01",
    "a second hello": msgpack.packb(list(peer.hello())),
    "a message that only platforms send": msgpack.packb([peer.ACK, {"ids": []}]),
    "nested too deep": msgpack.packb([peer.ERROR, {"code": [[[[[[[[]]]]]]]], "message": ""}]),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_closes_that_tunnel_alone(platform, agent, join, call, what):
    good = rig.Agent(agent.folder.parent / "good").enroll(platform.api("POST", "/v1/connectors/dc/enrollments").json["string"])
    good.start()
    ws, _ = join()
    ws.frame(2, GARBAGE[what])
    assert ws.receive(peer.ERROR)[1]["code"] == "protocol"
    assert ws.closed() == 4400
    platform.process.wait("tunnel.protocol_error")
    assert good.status()["state"] == "ready" and good.status()["times_connected"] == 1
    assert good.stop() == 0


def test_anything_before_hello_is_a_protocol_error(dial):
    ws = dial()
    ws.send(result(b"x" * 16))
    assert ws.closed() == 4400


def test_a_text_frame_and_a_long_message_are_refused(join):
    ws, _ = join()
    ws.frame(1, b"hello")
    assert ws.closed() == 4400
    ws, _ = join()
    ws.frame(2, b"\x00" * 600000, fin=False)
    try:
        ws.frame(0, b"\x00" * 600000)
    except OSError:
        pass
    assert ws.closed() == 1009


def test_an_unknown_type_is_answered_and_the_tunnel_stays(join, call):
    ws, _ = join()
    ws.send((77, {"x": 1}))
    assert ws.receive(peer.ERROR)[1]["code"] == "unsupported"
    answer = call()
    _, job = ws.receive(peer.JOB)
    ws.send(result(job["id"]))
    assert answer.result().status == 200


# --- jobs and results ---

def test_a_job_holds_what_the_profile_and_the_call_say(platform, join, call):
    ws, _ = join()
    platform.put_profile("p", connector="dc", token_url="https://{tenant}.idp.example/{realm}",
                         tenancy={"tenant": "acme"}, fields=[{"place": "path", "key": "realm", "value": "staff"}],
                         client={"method": "client_secret_basic", "id": "portal", "secret": "sesame"},
                         auth_error_status=[403])
    answer = call(budget_ms=4000)
    _, job = ws.receive(peer.JOB)
    assert 3000 < job["budget_ms"] <= 3750 and job["purpose"] == "authorize" and len(job["id"]) == 16
    request = job["request"]
    assert request["method"] == "POST" and request["encoding"] == "form"
    assert request["url"] == "https://{tenant}.idp.example/{realm}"
    assert request["fields"] == [["payload", "grant_type", "{{grant_type}}"], ["payload", "username", "{{username}}"],
                                 ["payload", "password", "{{password}}"], ["path", "realm", "staff"]]
    assert request["client"] == {"method": "client_secret_basic", "id": "portal", "secret": "sesame"}
    assert job["variables"] == {"grant_type": "password", "tenant": "acme", **RIGHT}
    assert "password" in job["secret_variables"] and job["expect"]["auth_error_status"] == [403]
    ws.send(result(job["id"]))
    assert answer.result().json["token"] == {"access_token": "tok", "token_type": "Bearer", "expires_in": 60}
    assert ws.receive(peer.ACK)[1]["ids"] == [job["id"]]


def test_no_more_than_the_capacity_is_out_and_the_rest_waits_or_is_refused(join, call):
    ws, _ = join(capacity=2)
    answers = [call() for _ in range(5)]
    jobs = [ws.receive(peer.JOB)[1]["id"] for _ in range(2)]
    concurrent.futures.wait(answers, return_when=concurrent.futures.FIRST_COMPLETED)
    full = [a.result() for a in answers if a.done()]
    assert [f.status for f in full] == [429] and full[0].json["code"] == "connector_full"
    assert full[0].json["safe_to_retry"] == "yes" and full[0].headers["retry-after"] == "1"
    for _ in range(2):
        ws.send(result(jobs.pop(0)))
        jobs.append(ws.receive(peer.JOB)[1]["id"])
    for job_id in jobs:
        ws.send(result(job_id))
    assert sorted(a.result().status for a in answers) == [200, 200, 200, 200, 429]


def test_a_connector_without_an_agent_is_offline_at_once(platform, agent):
    warnings = platform.put_profile("p", connector="dc", token_url=URL)["warnings"]
    assert any(w["field"] == "connector" for w in warnings)
    answer = platform.exchange("p", variables=RIGHT)
    assert answer.status == 503 and answer.json["code"] == "connector_offline", answer
    assert answer.json["execution"] == "not_sent" and answer.json["safe_to_retry"] == "yes"


def test_the_budget_ends_an_exchange_whose_agent_says_nothing(join, call):
    ws, _ = join()
    answer = call(budget_ms=500)
    _, job = ws.receive(peer.JOB)
    got = answer.result()
    assert got.status == 504 and got.json["code"] == "budget_exceeded" and got.json["execution"] == "sent"
    assert ws.receive(peer.CANCEL)[1]["id"] == job["id"]


def test_a_caller_that_hangs_up_cancels_its_job(platform, join):
    ws, _ = join()
    body = b'{"variables": {"username": "alice", "password": "right"}}'
    with socket.create_connection(("127.0.0.1", platform.api_port)) as caller:
        caller.sendall(b"POST /v1/profiles/p/exchange HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                       platform.app_key.encode() + b"\r\nContent-Type: application/json\r\nContent-Length: " +
                       str(len(body)).encode() + b"\r\n\r\n" + body)
        _, job = ws.receive(peer.JOB)
    assert ws.receive(peer.CANCEL)[1]["id"] == job["id"]
    ws.send(result(job["id"]))  # it had begun; its result is still taken
    assert ws.receive(peer.ACK)[1]["ids"] == [job["id"]]


def test_a_lost_tunnel_proves_nothing_until_the_agent_returns(join, call):
    instance, ledger = os.urandom(16), os.urandom(16)
    ws, _ = join(instance=instance, ledger=ledger)
    answer = call()
    _, job = ws.receive(peer.JOB)
    ws.close()
    ws, _ = join(instance=instance, ledger=ledger, known=[job["id"]])
    ws.send(result(job["id"], age_ms=5))
    assert answer.result().status == 200


def test_a_job_that_the_returned_agent_does_not_know_is_given_out_again(join, call):
    instance, ledger = os.urandom(16), os.urandom(16)
    ws, _ = join(instance=instance, ledger=ledger)
    answer = call()
    _, job = ws.receive(peer.JOB)
    ws.close()
    ws, _ = join(instance=instance, ledger=ledger)
    _, again = ws.receive(peer.JOB)
    assert again["id"] == job["id"]
    ws.send(result(job["id"]))
    assert answer.result().status == 200


def test_a_result_that_comes_although_its_job_was_not_known_ends_it(join, call):
    instance, ledger = os.urandom(16), os.urandom(16)
    ws, _ = join(instance=instance, ledger=ledger, capacity=1)
    first = call()
    _, job = ws.receive(peer.JOB)
    busy = os.urandom(16)
    ws.close()
    ws, _ = join(instance=instance, ledger=ledger, capacity=1, known=[busy])  # no room: the job is queued
    ws.send(result(job["id"]))
    assert first.result().status == 200
    assert ws.receive(peer.ACK)[1]["ids"] == [job["id"]]
    second = call()
    ws.send(result(busy))  # room for one
    _, other = ws.receive(peer.JOB)
    assert other["id"] != job["id"]
    ws.send(result(other["id"]))
    assert second.result().status == 200


def test_an_agent_with_another_ledger_can_prove_nothing(join, call):
    ws, _ = join()
    answer = call()
    ws.receive(peer.JOB)
    ws.close()
    join()
    got = answer.result()
    assert got.status == 504 and got.json["code"] == "agent_lost" and got.json["execution"] == "sent"


def test_an_agent_that_does_not_return_is_lost_with_the_job(join, call):
    ws, _ = join()
    answer = call(budget_ms=700)
    ws.receive(peer.JOB)
    ws.close()
    got = answer.result()
    assert got.status == 504 and got.json["code"] == "agent_lost" and got.json["execution"] == "sent"


def test_a_new_instance_replaces_the_old_and_raises_an_alarm(platform, join, call):
    old, _ = join()
    new, _ = join()
    assert old.closed() == 4409
    assert platform.agents("dc")[0]["alarm"]["message"]
    answer = call()
    new.send(result(new.receive(peer.JOB)[1]["id"]))
    assert answer.result().status == 200


def test_a_new_tunnel_of_the_same_instance_replaces_the_old(join):
    instance = os.urandom(16)
    old, _ = join(instance=instance)
    join(instance=instance)
    assert old.closed() == 1000


def test_an_instance_may_hold_two_tunnels(platform, join, call):
    instance = os.urandom(16)
    first, _ = join(instance=instance, tunnel=0, capacity=1)
    second, _ = join(instance=instance, tunnel=1, capacity=1)
    answers = [call(), call()]
    for ws in (first, second):
        ws.send(result(ws.receive(peer.JOB)[1]["id"]))
    assert [a.result().status for a in answers] == [200, 200]


def test_a_draining_tunnel_gets_no_new_jobs(platform, join):
    ws, _ = join()
    ws.send((peer.DRAIN, {"reason": "restart", "grace_ms": 1000}))
    platform.process.wait("tunnel.drain")
    answer = platform.exchange("p", variables=RIGHT, budget_ms=300)  # it waits for one that is restarted
    assert answer.status == 503 and answer.json["code"] == "connector_offline", answer


def test_a_result_of_a_job_that_was_never_given_out_is_acknowledged_and_counts_for_nothing(platform, join):
    ws, _ = join()
    job_id = os.urandom(16)
    ws.send(result(job_id))
    assert ws.receive(peer.ACK)[1]["ids"] == [job_id]


def test_an_unknown_word_in_a_result_is_answered_with_its_id(join, call):
    ws, _ = join()
    call(budget_ms=800)
    _, job = ws.receive(peer.JOB)
    ws.send(result(job["id"], outcome="perhaps"))
    assert ws.receive(peer.ERROR)[1]["id"] == job["id"]


def test_renewal_certifies_the_new_key_for_the_same_agent(platform, join, tmp_path):
    ws, _ = join()
    key, csr = tmp_path / "new.key", tmp_path / "new.csr"
    rig.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-outform",
            "DER", "-out", csr, "-subj", "/CN=somebody-else")
    ws.send((peer.RENEW, {"csr": csr.read_bytes()}))
    _, renewed = ws.receive(peer.RENEWED)
    chain = renewed["certificate"] if isinstance(renewed["certificate"], str) else renewed["certificate"].decode()
    (tmp_path / "new.pem").write_text(chain)
    subject = rig.run("openssl", "x509", "-in", tmp_path / "new.pem", "-noout", "-subject").stdout
    assert platform.agents("dc")[0]["id"] in subject and "somebody-else" not in subject
    ws.send((peer.RENEW, {"csr": b"rubbish"}))
    assert ws.receive(peer.RENEWED)[1]["error"]["code"]


def test_a_platform_that_stops_asks_its_agents_to_leave_and_finishes(platform, join, call):
    ws, _ = join()
    answer = call()
    _, job = ws.receive(peer.JOB)
    stopping = threading.Thread(target=platform.stop)
    stopping.start()
    assert ws.receive(peer.DRAIN)[1]["reason"]
    ws.send(result(job["id"]))
    assert answer.result().status == 200
    assert ws.receive(peer.ACK)[1]["ids"] == [job["id"]]
    assert ws.closed() == 1000
    stopping.join()
