"""The platform's own life: how it starts, reloads, stops; and what its tunnel's port does besides tunnels."""
import base64
import concurrent.futures
import json
import os
import signal
import socket
import time

import peer
import rig
from test_platform_protocol import call, dial, join, result  # noqa: F401


def enrollment(platform):
    return platform.api("POST", "/v1/connectors/dc/enrollments").json["string"]


def csr(folder):
    rig.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "k",
            "-out", folder / "c", "-subj", "/CN=x")
    return (folder / "c").read_text()


def ask_tunnel_port(platform, method, path, body=None):
    return rig.http_ask("localhost", platform.tunnel_port, method, path, body, tls=rig.tls_context(platform.folder / "ca.pem"))


# --- starting ---

def test_port_0_takes_a_free_one_and_the_log_names_it(tmp_path):
    platform = rig.Platform(tmp_path / "p")
    platform.conf.write_text('public_url = "https://localhost:8443";\n'
                             'listen = { tunnel = "127.0.0.1:0"; api = [ "http://127.0.0.1:0", "unix:api.sock" ]; };\n')
    process = rig.Process([rig.BUILD / "connector-platform", "serve", "-c", platform.conf])
    line = process.wait("platform.started")
    port = int(line.split('api="http://127.0.0.1:')[1].split()[0])
    assert port != 0 and rig.http_ask("127.0.0.1", port, "GET", "/healthz").status == 200
    assert (platform.folder / "api.sock").stat().st_mode & 0o777 == 0o600
    assert process.stop() == 0
    assert not (platform.folder / "api.sock").exists() and not (platform.folder / "control.sock").exists()


def test_a_port_in_use_is_named(platform, tmp_path):
    other = rig.Platform(tmp_path / "other")
    other.conf.write_text(other.conf.read_text().replace(str(other.api_port), str(platform.api_port)))
    done = other.cli("serve")
    assert done.returncode == 1 and str(platform.api_port) in done.stderr and "in use" in done.stderr, done.stderr


def test_serve_names_every_wrong_file_and_is_final(tmp_path):
    platform = rig.Platform(tmp_path / "p")
    os.chmod(platform.folder / "ca.key", 0o644)
    (platform.folder / "master.key").unlink()
    done = platform.cli("serve")
    assert done.returncode == 3
    assert "ca.key" in done.stderr and "chmod 600" in done.stderr and "store.master_key" in done.stderr, done.stderr


def test_another_public_url_gets_its_certificate_by_itself(platform, agent, tmp_path):
    platform.stop()
    platform.conf.write_text(platform.conf.read_text().replace("https://localhost:", "https://127.0.0.1:"))
    assert platform.cli("check").returncode == 0
    platform.start()
    platform.process.wait("certificate.renewed")
    other = rig.Agent(tmp_path / "other").enroll(enrollment(platform))
    other.start()
    agent.start()  # the old name is still good
    assert other.stop() == 0


# --- reloading ---

def test_hangup_puts_a_new_certificate_in_effect_and_keeps_the_tunnels(platform, join, call):  # noqa: F811
    def serial():
        with socket.create_connection(("127.0.0.1", platform.tunnel_port)) as raw, \
                rig.tls_context(platform.folder / "ca.pem").wrap_socket(raw, server_hostname="localhost") as tls:
            return tls.getpeercert()["serialNumber"]
    ws, _ = join()
    before = serial()
    key, request, cert = (platform.folder / name for name in ("platform.key", "new.csr", "new.pem"))
    rig.run("openssl", "req", "-new", "-key", key, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", request)
    done = rig.run("openssl", "x509", "-req", "-in", request, "-CA", platform.folder / "ca.pem", "-CAkey", platform.folder / "ca.key",
                   "-copy_extensions", "copy", "-days", "30", "-out", cert)
    assert done.returncode == 0, done.stderr
    (platform.folder / "platform.pem").write_text(cert.read_text() + (platform.folder / "ca.pem").read_text())
    platform.process.signal(signal.SIGHUP)
    platform.process.wait("certificate.loaded")
    assert serial() != before
    answer = call()
    ws.send(result(ws.receive(peer.JOB)[1]["id"]))
    assert answer.result().status == 200


def test_a_broken_certificate_is_refused_and_the_old_one_stays(platform, agent):
    (platform.folder / "platform.pem").write_text("rubbish")
    platform.process.signal(signal.SIGHUP)
    platform.process.wait("reload.fault .*field=tls.certificate .*platform.pem")
    platform.process.wait("reload.refused")
    agent.start()


# --- stopping ---

def test_what_waits_for_room_still_goes_out_before_the_agents_leave(platform, join, call):  # noqa: F811
    ws, _ = join(capacity=1)
    answers = [call(), call()]
    _, first = ws.receive(peer.JOB)
    rig.wait_until(lambda: platform.api("GET", "/v1/connectors/dc").json["queued"] == 1, "the other one is queued")
    platform.process.signal(signal.SIGTERM)
    platform.process.wait("platform.stopping")
    ws.send(result(first["id"]))
    _, second = ws.receive(peer.JOB)
    assert ws.receive(peer.DRAIN)[1]["grace_ms"] == 30000
    ws.send(result(second["id"]))
    assert [a.result().status for a in answers] == [200, 200]
    assert ws.closed() == 1000
    assert platform.stop() == 0


def test_a_stopping_platform_takes_nothing_new(platform, join, call, dial):  # noqa: F811
    ws, _ = join()
    answer = call()
    _, job = ws.receive(peer.JOB)
    platform.process.signal(signal.SIGTERM)
    ws.receive(peer.DRAIN)
    refused = platform.exchange("p", variables={"username": "alice", "password": "right"})
    assert refused.status == 503 and refused.json["execution"] == "not_sent"
    assert platform.api("GET", "/readyz", key="").status == 503
    assert platform.api("GET", "/healthz", key="").status == 200
    assert dial() == 503
    ws.send(result(job["id"]))
    assert answer.result().status == 200
    assert platform.stop() == 0


def test_a_second_signal_ends_it_now(platform, join, call):  # noqa: F811
    ws, _ = join()
    answer = call(budget_ms=20000)
    ws.receive(peer.JOB)
    platform.process.signal(signal.SIGTERM)
    ws.receive(peer.DRAIN)
    began = time.monotonic()
    platform.process.signal(signal.SIGTERM)
    assert platform.process.finished() == 0 and time.monotonic() - began < 5
    assert answer.exception() is not None
    platform.process = None


# --- acknowledging, and who may report what ---

def test_the_results_of_one_message_are_acknowledged_in_one(platform, join):  # noqa: F811
    ws, _ = join()
    ids = [os.urandom(16) for _ in range(100)]
    ws.send(*(result(job_id) for job_id in ids))
    assert ws.receive(peer.ACK)[1]["ids"] == ids


def test_an_agent_can_not_report_another_agents_job(platform, agent, join, call, tmp_path):  # noqa: F811
    other = rig.Agent(tmp_path / "other").enroll(enrollment(platform))
    ws, _ = join()
    answer = call()
    _, job = ws.receive(peer.JOB)
    context = peer.client_context(other.folder / "ca.pem", other.folder / "agent.pem", other.folder / "agent.key")
    _, liar = peer.connect(platform.tunnel_port, context)
    liar.send(peer.hello(known=[job["id"]]))
    liar.receive(peer.WELCOME)
    liar.send(result(job["id"], token={"access_token": "forged", "token_type": "Bearer"}))
    assert liar.receive(peer.ACK)[1]["ids"] == [job["id"]]
    platform.process.wait("result.foreign")
    liar.close()
    ws.send(result(job["id"]))
    assert answer.result().json["token"]["access_token"] == "tok"


def test_a_ledger_that_was_set_back_proves_nothing(platform, join, call):  # noqa: F811
    instance, ledger = os.urandom(16), os.urandom(16)
    ws, _ = join(instance=instance, ledger=ledger, ledger_seq=5)
    answer = call()
    ws.receive(peer.JOB)
    ws.close()
    join(instance=instance, ledger=ledger, ledger_seq=4)
    got = answer.result()
    assert got.status == 504 and got.json["code"] == "agent_lost" and got.json["execution"] == "sent"
    platform.process.wait("agent.ledger_set_back")


def test_a_policy_told_anew_replaces_the_old(platform, join):  # noqa: F811
    ws, _ = join()
    ws.send((peer.POLICY, {"rules": [{"name": "hr", "url": "https://hr.example/**", "methods": ["POST"]}]}))
    platform.process.wait("agent.policy")
    assert platform.agents("dc")[0]["policy"] == {"rules": [{"name": "hr", "url": "https://hr.example/**", "methods": ["POST"]}]}


def test_a_certificate_is_not_renewed_over_and_over(platform, join, tmp_path):  # noqa: F811
    ws, _ = join()
    csr(tmp_path)
    rig.run("openssl", "req", "-in", tmp_path / "c", "-outform", "DER", "-out", tmp_path / "der")
    request = (peer.RENEW, {"csr": (tmp_path / "der").read_bytes()})
    ws.send(request, request)
    assert ws.receive(peer.RENEWED)[1].get("certificate")
    assert ws.receive(peer.RENEWED)[1]["error"]["code"]


# --- enrolment on the tunnel's port ---

def test_the_tunnel_port_serves_enrolment_and_nothing_else(platform):
    answer = ask_tunnel_port(platform, "GET", "/v1/enroll")
    assert answer.status == 405 and answer.headers["allow"] == "POST"
    assert answer.headers["content-type"] == "application/problem+json" and answer.json["code"] == "method_not_allowed"
    for path in ("/", "/v1/connectors", "/healthz"):
        assert ask_tunnel_port(platform, "GET", path).status == 404


def test_a_guess_costs_a_second_and_no_one_else(platform, agent, tmp_path):
    body = json.dumps({"token": "x" * 43, "csr": csr(tmp_path)})
    began = time.monotonic()
    answer = ask_tunnel_port(platform, "POST", "/v1/enroll", body)
    assert answer.status == 403 and time.monotonic() - began >= 1 and "expired" in answer.json["detail"]
    platform.process.wait("enrollment.refused")
    assert not [line for line in platform.process.lines if "x" * 43 in line]


def test_a_csr_that_is_none_does_not_use_the_string_up(platform, agent, tmp_path):
    string = enrollment(platform)
    token = json.loads(base64.urlsafe_b64decode(string[4:] + "=="))["token"]
    for bad in ("", "rubbish", csr(tmp_path)[:200]):
        answer = ask_tunnel_port(platform, "POST", "/v1/enroll", json.dumps({"token": token, "csr": bad}))
        assert answer.status == 400 and answer.json["code"] == "csr_refused", answer
    rig.Agent(tmp_path / "other").enroll(string)


def test_a_string_of_a_removed_connector_is_refused(platform, tmp_path):
    string = platform.add_connector("gone")
    assert platform.api("DELETE", "/v1/connectors/gone").status == 204
    done = rig.Agent(tmp_path / "late").cli("enroll", "-", stdin=string)
    assert done.returncode == 1 and "not known" in done.stderr


def test_a_guess_that_waits_is_answered_when_the_platform_stops(platform, tmp_path):
    body = json.dumps({"token": "x" * 43, "csr": csr(tmp_path)})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask_tunnel_port, platform, "POST", "/v1/enroll", body)
        platform.process.wait("enrollment.refused")
        assert platform.stop() == 0
        assert answer.result().status == 403
