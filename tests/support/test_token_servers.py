"""The two real token servers start, answer as the tests rely on it, and leave nothing behind."""

import base64
import contextlib
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 20


@contextlib.contextmanager
def started(command, ready_file):
    """(process, ready facts) of a server; stopped with SIGTERM at the end."""
    with subprocess.Popen([*command, "--ready-file", ready_file]) as process:
        try:
            deadline = time.monotonic() + TIMEOUT_S
            while not ready_file.exists():
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.01)
            assert ready_file.stat().st_mode & 0o777 == 0o600
            yield process, json.loads(ready_file.read_text())
            process.terminate()
            process.wait(TIMEOUT_S)
        finally:
            process.kill()


def glewlwyd(folder, *more):
    return started([HERE / "glewlwyd", "--dir", folder, "--port", "0", *more],
                   folder.parent / "glewlwyd.json")


@pytest.fixture(name="node_server", scope="module")
def installed_node_server(tmp_path_factory):
    folder = os.environ.get("NODE_OAUTH_DIR") or tmp_path_factory.mktemp("node-oauth")
    subprocess.run([HERE / "node-oauth" / "install", folder], check=True)
    return ["node", pathlib.Path(folder) / "server.js", "--port", "0"]


def ask(facts, form, basic=None, url_key="token_url"):
    """(status, media type, body) of a POST; `basic` is an (id, secret) sent as they are."""
    request = urllib.request.Request(facts[url_key], urllib.parse.urlencode(form).encode())
    if basic:
        value = base64.b64encode(":".join(basic).encode()).decode()
        request.add_header("Authorization", f"Basic {value}")
    context = ssl.create_default_context(cafile=facts["ca"]) if "ca" in facts else None
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def password_form(facts, **more):
    return {"grant_type": "password", "username": facts["username"], "scope": facts["scope"],
            "password": facts["password"], **more}


def refresh_form(token, **more):
    return {"grant_type": "refresh_token", "refresh_token": token, **more}


def confidential(facts):
    return facts["client_id"], facts["client_secret"]


def in_body(facts, secret=None):
    return {"client_id": facts["client_id"], "client_secret": secret or facts["client_secret"]}


def encoded(facts):
    return tuple(urllib.parse.quote_plus(part) for part in confidential(facts))


def test_glewlwyd_answers_with_empty_bodies_when_it_refuses(tmp_path):
    with glewlwyd(tmp_path / "server") as (_, facts):
        right = password_form(facts)
        wrong = password_form(facts, password="wrong")
        status, media_type, body = ask(facts, right, confidential(facts))
        assert (status, media_type) == (200, "application/json")
        assert json.loads(body)["token_type"] == "bearer"
        assert ask(facts, {**right, **in_body(facts)})[0] == 200
        assert ask(facts, wrong, confidential(facts)) == (403, None, b"")
        assert ask(facts, right, ("nobody", "x")) == (400, None, b"")
        assert ask(facts, right, encoded(facts)) == (400, None, b"")
        assert ask(facts, {**right, **in_body(facts, "wrong")}) == (400, None, b"")


def test_glewlwyd_rotates_and_revokes_the_chain_on_reuse(tmp_path):
    with glewlwyd(tmp_path / "server") as (_, facts):
        client = confidential(facts)
        first = json.loads(ask(facts, password_form(facts), client)[2])["refresh_token"]
        status, _, body = ask(facts, refresh_form(first), client)
        second = json.loads(body)["refresh_token"]
        assert status == 200 and second != first
        assert ask(facts, refresh_form(first), client) == (400, None, b"")
        assert ask(facts, refresh_form(second), client) == (400, None, b"")


def test_glewlwyd_takes_its_public_client_at_a_url_of_its_own(tmp_path):
    with glewlwyd(tmp_path / "server") as (_, facts):
        public = {"client_id": facts["public_client_id"]}
        status, _, body = ask(facts, password_form(facts, **public), url_key="public_token_url")
        assert status == 200
        form = refresh_form(json.loads(body)["refresh_token"], **public)
        status, _, body = ask(facts, form, url_key="public_token_url")
        assert status == 200 and "refresh_token" not in json.loads(body)


def test_glewlwyd_keeps_accounts_and_tokens_over_a_restart(tmp_path):
    with glewlwyd(tmp_path / "server") as (_, before):
        body = ask(before, password_form(before), confidential(before))[2]
    with glewlwyd(tmp_path / "server") as (_, after):
        for key in ("client_id", "client_secret", "username", "password"):
            assert after[key] == before[key]
        form = refresh_form(json.loads(body)["refresh_token"])
        assert ask(after, form, confidential(after))[0] == 200


def children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_glewlwyd_has_no_secret_in_its_arguments_and_no_capability(tmp_path):
    with glewlwyd(tmp_path / "server") as (process, facts):
        for pid in (process.pid, *children(process.pid)):
            arguments = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode()
            assert facts["password"] not in arguments
            assert facts["client_secret"] not in arguments
        status = pathlib.Path(f"/proc/{children(process.pid)[0]}/status").read_text()
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status


def wait_until_refused(host, port):
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), TIMEOUT_S).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    pytest.fail(f"something still listens on {host}:{port}")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_glewlwyd_leaves_no_server_behind(tmp_path, end):
    with glewlwyd(tmp_path / "server") as (process, facts):
        address = urllib.parse.urlsplit(facts["token_url"])
        process.send_signal(end)
        process.wait(TIMEOUT_S)
        wait_until_refused(address.hostname, address.port)


def test_glewlwyd_refuses_a_folder_that_is_in_use(tmp_path):
    with glewlwyd(tmp_path / "server"):
        second = subprocess.run([HERE / "glewlwyd", "--dir", tmp_path / "server", "--port", "0"],
                                capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert second.returncode == 1 and "another one is running" in second.stderr


def test_node_oauth_names_its_errors(tmp_path, node_server):
    def refused(status, answer):
        assert answer[0] == status and answer[1].startswith("application/json")
        return json.loads(answer[2])["error"]

    with started(node_server, tmp_path / "node.json") as (process, facts):
        right, client = password_form(facts), confidential(facts)
        status, _, body = ask(facts, right, client)
        assert status == 200
        assert ask(facts, {**right, **in_body(facts)})[0] == 200
        assert ask(facts, {**right, "client_id": facts["public_client_id"]})[0] == 200
        assert refused(400, ask(facts, {**right, "password": "wrong"}, client)) == "invalid_grant"
        assert refused(401, ask(facts, right, ("nobody", "x"))) == "invalid_client"
        assert refused(401, ask(facts, right, encoded(facts))) == "invalid_client"
        assert refused(400, ask(facts, {**right, "scope": "none"}, client)) == "invalid_scope"
        first = json.loads(body)["refresh_token"]
        status, _, body = ask(facts, refresh_form(first), client)
        assert status == 200 and json.loads(body)["refresh_token"] != first
        assert refused(400, ask(facts, refresh_form(first), client)) == "invalid_grant"
    assert process.returncode == 0 and not (tmp_path / "node.json").exists()


def test_both_serve_https(tmp_path, node_server):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=tester",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key.pem",
                    "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    tls = ["--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem",
           "--tls-ca", tmp_path / "cert.pem"]
    for server in (glewlwyd(tmp_path / "server", *tls),
                   started([*node_server, *tls], tmp_path / "node.json")):
        with server as (_, facts):
            assert facts["token_url"].startswith("https://127.0.0.1:")
            assert ask(facts, password_form(facts), confidential(facts))[0] == 200
