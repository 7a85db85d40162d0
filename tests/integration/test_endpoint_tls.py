"""TLS to the token URL: what a rule may ask for, and bad TLS, each told as what it is."""
import base64
import hashlib
import re
import ssl

import pytest
import rig
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from endpoint import Endpoint
from endpoint_tls import tls_context
from test_reload import hangup

RIGHT = {"username": "alice", "password": "right"}


@pytest.fixture
def serve(pki):
    """Start an endpoint over TLS with a certificate of the test PKI."""
    started = []

    def start(certificate="server", **how):
        context = tls_context(pki / f"{certificate}.pem", pki / f"{certificate}.key", **how)
        started.append(Endpoint(tls=context).start())
        return started[-1]
    yield start
    for endpoint in started:
        endpoint.stop()


@pytest.fixture
def ask(platform, agent, pki):
    """Exchange with an endpoint under a rule with those settings."""
    def run(endpoint, extra="", ca="ca.pem"):
        agent.set_policy(rig.rule("tls", endpoint.url("/**"), ca=pki / ca, extra=extra))
        if agent.process is None:
            agent.start()
        else:
            hangup(agent.process)
        platform.put_profile("p", connector="dc", token_url=endpoint.url())
        return platform.exchange("p", variables=RIGHT)
    return run


def pin(path):
    """curl's form, by Python's cryptography."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    spki = certificate.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256//" + base64.b64encode(hashlib.sha256(spki).digest()).decode()


def shows(pki, name):
    return f'certificate = "{pki / name}.pem"; key = "{pki / name}.key";'


def failed_in_tls(answer, says, execution="not_sent"):
    problem = answer.json
    assert (answer.status, problem["code"], problem["stage"]) == (502, "endpoint_unreachable", "tls"), answer
    assert problem["execution"] == execution and problem["safe_to_retry"] == ("yes" if execution == "not_sent" else "no")
    assert re.search(says, problem["detail"]), problem["detail"]
    assert "127.0.0.1" not in problem["detail"]


@pytest.mark.parametrize("certificate, says", [
    ("expired", "certificate has expired"),
    ("not-yet-valid", "certificate is not yet valid"),
    ("wrong-host", "for another name"),
    ("self-signed", "signed by itself"),
    ("other-server", "unknown issuer"),
])
def test_a_bad_certificate_is_named_as_what_it_is(ask, serve, certificate, says):
    endpoint = serve(certificate)
    failed_in_tls(ask(endpoint), says)
    assert endpoint.count("/token") == 0


def test_a_server_without_tls_1_2_is_named(ask, serve):
    failed_in_tls(ask(serve(version=ssl.TLSVersion.TLSv1_1)), "no version of TLS that is taken here, 1.2 at least")


def test_a_rule_may_ask_for_tls_1_3(ask, serve):
    failed_in_tls(ask(serve(version=ssl.TLSVersion.TLSv1_2), 'tls_min = "1.3";'), "1.3 at least by `tls_min`")
    assert ask(serve(), 'tls_min = "1.3";').status == 200


@pytest.mark.parametrize("version, execution", [(ssl.TLSVersion.TLSv1_2, "not_sent"), (ssl.TLSVersion.TLSv1_3, "sent")])
def test_a_client_certificate_that_is_demanded(ask, serve, pki, version, execution):
    endpoint = serve(client_ca=pki / "ca.pem", version=version)
    failed_in_tls(ask(endpoint), "demands a client certificate", execution)
    for wrong in ("other-client", "expired-client"):
        failed_in_tls(ask(endpoint, shows(pki, wrong)), "does not accept the client certificate", execution)
    assert endpoint.count("/token") == 0
    right = ask(endpoint, shows(pki, "client"))
    assert right.status == 200, right
    assert [r.client_certificate for r in endpoint.journal.requests("/token")] == ["test-agent"]


def test_rules_with_other_certificates_share_no_connection(platform, agent, serve, pki):
    """One server that takes certificates of two CAs, and says whose connection each request came by."""
    both = pki / "both-cas.pem"
    both.write_text((pki / "ca.pem").read_text() + (pki / "other-ca.pem").read_text())
    endpoint = serve(client_ca=both)
    rules = [rig.rule(name, endpoint.url(f"/{path}"), ca=pki / "ca.pem", extra=extra)
             for name, path, extra in (("one", "token", shows(pki, "client")), ("two", "echo", shows(pki, "other-client")),
                                       ("three", "form-answer", ""))]
    agent.set_policy(*rules).start()
    for name, path in (("one", "/token"), ("two", "/echo"), ("three", "/form-answer")):
        platform.put_profile(name, connector="dc", token_url=endpoint.url(path))
    for _ in range(2):
        assert platform.exchange("one", variables=RIGHT).status == 200
        platform.exchange("two", variables=RIGHT)
        failed_in_tls(platform.exchange("three", variables=RIGHT), "demands a client certificate", "sent")
    got = endpoint.journal.requests()
    assert [r.path for r in got] == ["/token", "/echo", "/token", "/echo"]
    assert got[0].connection == got[2].connection and got[1].connection == got[3].connection
    assert got[0].connection != got[1].connection


def test_a_pin_is_looked_at_besides_verification(ask, serve, pki):
    right, wrong = pin(pki / "server.pem"), pin(pki / "client.pem")
    endpoint = serve()
    failed_in_tls(ask(endpoint, f'pins = ["{wrong}"];'), "its key is none that the policy's rule pins")
    assert endpoint.count("/token") == 0
    assert ask(endpoint, f'pins = ["{wrong}", "{right}"];').status == 200
    failed_in_tls(ask(serve("other-server"), f'pins = ["{pin(pki / "other-server.pem")}"];'), "unknown issuer")
    failed_in_tls(ask(serve("wrong-host"), f'pins = ["{pin(pki / "wrong-host.pem")}"];'), "for another name")


def test_a_reload_takes_the_new_files_of_a_rule(platform, agent, serve, pki, tmp_path):
    endpoint = serve(client_ca=pki / "ca.pem")
    certificate, key = tmp_path / "c.pem", tmp_path / "c.key"

    def put(name):
        for to, suffix in ((certificate, "pem"), (key, "key")):
            to.write_text((pki / f"{name}.{suffix}").read_text())
            to.chmod(0o600)
    put("client")
    agent.set_policy(rig.rule("tls", endpoint.url("/**"), ca=pki / "ca.pem", extra=f'certificate = "{certificate}"; key = "{key}";'))
    agent.start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url())
    assert platform.exchange("p", variables=RIGHT).status == 200
    put("other-client")
    hangup(agent.process)
    failed_in_tls(platform.exchange("p", variables=RIGHT), "does not accept the client certificate", "sent")
    key.write_text("nonsense")
    hangup(agent.process, "reload.refused")
    put("client")
    hangup(agent.process)
    assert platform.exchange("p", variables=RIGHT).status == 200


@pytest.mark.parametrize("extra, says", [
    ('tls_min = "1.1";', r'policy\[0\].tls_min: .*1\.2'),
    ('pins = ["sha256//short"];', r"policy\[0\].pins\[0\]: .*sha256//"),
    ('certificate = "PKI/client.pem";', r"policy\[0\].certificate: .*without `key`"),
    ('key = "PKI/client.key";', r"policy\[0\].key: .*without `certificate`"),
    ('certificate = "PKI/none.pem"; key = "PKI/client.key";', r"policy\[0\].certificate: .*none.pem"),
    ('certificate = "PKI/client.pem"; key = "PKI/server.key";', r"policy\[0\].key: .*not the key of"),
    ('certificate = "PKI/client.pem"; key = "PKI/open.key";', r"policy\[0\].key: .*chmod 600"),
    ('certificate = "PKI/client.key"; key = "PKI/client.key";', r"policy\[0\].certificate: .*no certificate in it"),
    ('ca = "PKI/client.key";', r"policy\[0\].ca: .*no certificate in it"),
    ('ca = "PKI/none.pem";', r"policy\[0\].ca: .*there is no file"),
])
def test_check_names_each_fault_with_its_line(pki, tmp_path, extra, says):
    (pki / "open.key").write_text((pki / "client.key").read_text())
    (pki / "open.key").chmod(0o644)
    conf = tmp_path / "agent.conf"
    conf.write_text('platform = { url = "wss://platform.example/v1/tunnel"; };\npolicy = (\n'
                    '{ name = "a"; url = "https://idp.example/t"; ' + extra.replace("PKI", str(pki)) + ' } );\n')
    done = rig.run(rig.BUILD / "connector-agent", "check", "-c", conf)
    assert done.returncode == 3
    assert re.search(re.escape(str(conf)) + ":3: " + says, done.stderr), done.stderr


def test_explain_shows_the_terms_of_tls(pki, tmp_path):
    conf, right = tmp_path / "agent.conf", pin(pki / "server.pem")
    conf.write_text('platform = { url = "wss://platform.example/v1/tunnel"; };\npolicy = ( ' + rig.rule(
        "a", "https://localhost/t", ca=pki / "ca.pem", extra=f'tls_min = "1.3"; pins = ["{right}"]; {shows(pki, "client")}') + " );\n")
    done = rig.run(rig.BUILD / "connector-agent", "explain", "POST", "https://localhost/t", "-c", conf)
    assert done.returncode == 0, done
    got = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert f"tls 1.3 at least, verified against {pki / 'ca.pem'}" in got
    assert f"pins the server's key must be one of {right}" in got
    assert any(re.fullmatch(r"shows the client certificate OU=test-connector,CN=test-agent; good for (29|30) days", line) for line in got), got
