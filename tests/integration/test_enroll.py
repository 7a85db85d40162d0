"""Enrolment: one command, one string, one time."""
import base64
import json
import os
import re
import ssl
import stat

import pytest
import rig


def parts(string):
    text = string.removeprefix("cx1.")
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def string_of(fields):
    return "cx1." + base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


def test_connector_add_prints_one_line_to_copy(platform):
    done = platform.cli("connector", "add", "dc")
    assert done.returncode == 0 and re.fullmatch(r"cx1\.[A-Za-z0-9_-]+\n", done.stdout)
    fields = parts(done.stdout.strip())
    assert fields["url"] == f"https://localhost:{platform.tunnel_port}"
    assert re.fullmatch("[0-9a-f]{64}", fields["pin"]) and len(fields["token"]) >= 43


def test_enrolling_leaves_an_agent_that_passes_check_and_a_key_nobody_else_can_read(platform, tmp_path):
    agent = rig.Agent(tmp_path / "new" )
    agent.enroll(platform.cli("connector", "add", "dc").stdout.strip())
    assert stat.S_IMODE(os.stat(agent.folder / "agent.key").st_mode) == 0o600
    assert "BEGIN PRIVATE KEY" in (agent.folder / "agent.key").read_text()
    check = agent.cli("check")
    assert check.returncode == 0, check.stderr
    assert not [f for f in os.listdir(agent.folder) if f.endswith(".new")]
    text = rig.run("openssl", "x509", "-in", agent.folder / "agent.pem", "-noout", "-text").stdout
    assert "TLS Web Client Authentication" in text and "prime256v1" in text
    state = platform.agents("dc")[0]
    assert state["id"] in text and state["state"] == "disconnected"


def test_an_identity_is_never_overwritten_without_force(platform, agent):
    before = (agent.folder / "agent.key").read_bytes()
    string = platform.cli("connector", "enroll", "dc").stdout.strip()
    done = agent.cli("enroll", "-", stdin=string)
    assert done.returncode == 1 and "--force" in done.stderr
    assert (agent.folder / "agent.key").read_bytes() == before
    conf = agent.conf.read_text()
    assert agent.cli("enroll", "--force", "-", stdin=string).returncode == 0
    assert (agent.folder / "agent.key").read_bytes() != before
    assert agent.conf.read_text() == conf, "the configuration is the admin's"


def test_a_string_works_once(platform, tmp_path):
    string = platform.cli("connector", "add", "dc").stdout.strip()
    rig.Agent(tmp_path / "first").enroll(string)
    second = rig.Agent(tmp_path / "second")
    done = second.cli("enroll", "-", stdin=string)
    assert done.returncode == 1 and "used" in done.stderr, done.stderr
    assert parts(string)["token"] not in done.stderr + done.stdout
    assert not (second.folder / "agent.pem").exists()


def test_the_same_key_gets_the_same_certificate_again(platform, tmp_path):
    """An answer can be lost on the way: what was made for it is kept and asked for once more."""
    fields = parts(platform.cli("connector", "add", "dc").stdout.strip())
    key, csr = tmp_path / "k", tmp_path / "c"
    rig.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", csr, "-subj", "/CN=x")
    context = ssl.create_default_context(cafile=platform.folder / "ca.pem")
    body = json.dumps({"token": fields["token"], "csr": csr.read_text()})

    def post(text):
        return rig.http_ask("localhost", platform.tunnel_port, "POST", "/v1/enroll", text,
                            {"Content-Type": "application/json"}, tls=context)
    first, again = post(body), post(body)
    assert first.status in (200, 201) and again.status == first.status
    assert first.json["certificate"] == again.json["certificate"]
    assert first.json["tunnel_url"] == f"wss://localhost:{platform.tunnel_port}/v1/tunnel"
    assert len(platform.agents("dc")) == 1
    rig.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", csr, "-subj", "/CN=x")
    assert post(json.dumps({"token": fields["token"], "csr": csr.read_text()})).status == 409
    assert post(json.dumps({"token": "wrong" * 10, "csr": csr.read_text()})).status == 403
    assert post("{").status == 400
    assert post(json.dumps({"token": fields["token"]})).status == 400
    assert post("x" * 20000).status == 413


def test_a_server_that_is_not_the_pinned_one_gets_nothing(platform, tmp_path):
    fields = parts(platform.cli("connector", "add", "dc").stdout.strip())
    agent = rig.Agent(tmp_path / "agent")
    done = agent.cli("enroll", "-", stdin=string_of({**fields, "pin": "00" * 32}))
    assert done.returncode == 4 and "not the platform" in done.stderr, done.stderr
    assert not (agent.folder / "agent.pem").exists()
    assert platform.agents("dc") == []


@pytest.mark.parametrize("string", ["", "hello", "cx2.AAAA", "cx1.!!!!", "cx1.e30"])
def test_a_damaged_string_is_named_as_such(tmp_path, string):
    done = rig.Agent(tmp_path / "agent").cli("enroll", "-", stdin=string + "\n")
    assert done.returncode == 2 and "cx1." in done.stderr or "nothing" in done.stderr.lower(), done.stderr


def test_a_platform_that_is_away_is_exit_status_4(platform, tmp_path):
    string = platform.cli("connector", "add", "dc").stdout.strip()
    platform.stop()
    agent = rig.Agent(tmp_path / "agent")
    assert agent.cli("enroll", "-", stdin=string).returncode == 4
    platform.start()
    agent.enroll(string)  # nothing was used up
