"""Clients that prove who they are by a key: private_key_jwt and tls_client_auth, against independent verifiers."""
import json
import urllib.parse

import jwt
import pytest
import rig
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from endpoint_tls import tls_context
from test_reload import hangup
from verifier import TYPE, Verifier

RIGHT = {"username": "alice", "password": "right"}
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
KEYS = {"RS256": RSA, "PS256": RSA, "ES256": EC}


def pem(key, how=serialization.PrivateFormat.PKCS8):
    return key.private_bytes(serialization.Encoding.PEM, how, serialization.NoEncryption()).decode()


@pytest.fixture
def verify():
    """Start a verifier; by default it knows the client "portal" by the three algs."""
    started = []

    def start(**how):
        how.setdefault("keys", {("portal", alg): (key.public_key(), alg) for alg, key in KEYS.items()})
        started.append(Verifier(**how))
        return started[-1]
    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def keep_secret(agent, name, value):
    folder = agent.folder / "secrets.d"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / name).write_text(value)
    (folder / name).chmod(0o600)


def bound(name, key, more=""):
    return f'{{ name = "{name}"; place = "client"; key = "{key}"; {more} }}'


def start_agent(agent, server, *secrets, ca=None, extra="", methods=("POST", "PUT")):
    url = server.url.replace("/token", "/**")
    binds = f'secrets = ( {", ".join(secrets)} );' if secrets else ""
    agent.set_policy(rig.rule("idp", url, ca=ca, methods=methods, extra=binds + extra)).start()


@pytest.mark.parametrize("how", [{}, {"content_type": "json"}, {"method": "PUT"}])
@pytest.mark.parametrize("alg", KEYS)
def test_an_assertion_is_verified_by_somebody_else(platform, agent, verify, alg, how):
    server = verify()
    start_agent(agent, server)
    made = platform.put_profile("p", connector="dc", token_url=server.url + "?a=1", **how,
                                client={"method": "private_key_jwt", "id": "portal", "key": pem(KEYS[alg]), "alg": alg, "kid": alg})
    assert made["client"]["key"] == {"set": True} and made["client"]["alg"] == alg
    for _ in range(3):
        answer = platform.exchange("p", variables=RIGHT)
        assert answer.status == 200, answer
    assert len(server.seen) == 3  # a jti each
    header, claims = server.assertions[0]
    assert header == {"alg": alg, "typ": "JWT", "kid": alg}
    assert claims["exp"] - claims["iat"] == 300 and claims["aud"] == server.url
    form = server.forms[0]
    assert {k: v for k, v in form.items() if k != "client_assertion"} == {
        "grant_type": "password", **RIGHT, "client_id": "portal", "client_assertion_type": TYPE}


def test_a_replayed_assertion_is_refused_by_the_verifier(platform, agent, verify):
    """Or the tests above would prove nothing of a fresh jti."""
    server = verify()
    start_agent(agent, server)
    platform.put_profile("p", connector="dc", token_url=server.url,
                         client={"method": "private_key_jwt", "id": "portal", "key": pem(RSA), "kid": "RS256"})
    assert platform.exchange("p", variables=RIGHT).status == 200
    url = urllib.parse.urlsplit(server.url)
    again = rig.http_ask(url.hostname, url.port, "POST", url.path, urllib.parse.urlencode(server.forms[0]),
                         {"Content-Type": "application/x-www-form-urlencoded"})
    assert again.status == 401 and again.json["error_description"] == "this jti was used before"


def test_the_wrong_key_or_aud_is_client_refused(platform, agent, verify):
    server = verify(audience="https://idp.example")
    start_agent(agent, server)
    client = {"method": "private_key_jwt", "id": "portal", "key": pem(EC), "alg": "ES256", "kid": "ES256"}
    platform.put_profile("p", connector="dc", token_url=server.url, client=client)
    answer = platform.exchange("p", variables=RIGHT)
    assert answer.status == 422 and answer.json["code"] == "client_refused", answer
    platform.put_profile("p", connector="dc", token_url=server.url, client={**client, "aud": "https://{{host}}.example"})
    assert platform.exchange("p", variables=RIGHT, context={"host": "idp"}).status == 200
    other = ec.generate_private_key(ec.SECP256R1())
    platform.put_profile("p", connector="dc", token_url=server.url, client={**client, "key": pem(other), "aud": "https://idp.example"})
    answer = platform.exchange("p", variables=RIGHT)
    assert answer.json["code"] == "client_refused", answer


def test_the_agents_own_second_attempt_signs_anew(platform, agent, verify):
    server = verify(drops=1)
    start_agent(agent, server)
    platform.put_profile("p", connector="dc", token_url=server.url,
                         client={"method": "private_key_jwt", "id": "portal", "key": pem(RSA), "kid": "RS256"})
    answer = platform.exchange("p", variables=RIGHT)
    if answer.status != 200:  # the close came after the request was written: then nobody tries again
        assert answer.json["execution"] == "sent", answer


def test_the_agents_key_signs_and_never_leaves(platform, agent, verify):
    server = verify(audience="https://idp.example")
    keep_secret(agent, "hr-key", pem(EC, serialization.PrivateFormat.TraditionalOpenSSL))
    start_agent(agent, server, bound("hr-key", "key", 'iss = "portal"; aud = "https://idp.example";'))
    made = platform.put_profile("p", connector="dc", token_url=server.url,
                                client={"method": "private_key_jwt", "id": "portal", "key": "{{secret:hr-key}}", "alg": "ES256",
                                        "kid": "ES256"})
    assert made["client"]["key"] == "{{secret:hr-key}}"
    answer = platform.exchange("p", variables=RIGHT)
    assert answer.status == 200, answer
    assert server.assertions[0][1]["aud"] == "https://idp.example"  # the rule's, which the profile need not know
    stored = b"".join(f.read_bytes() for f in platform.folder.glob("platform.db*"))
    middle = pem(EC).splitlines()[1]
    assert middle.encode() not in stored and middle not in json.dumps(made)


@pytest.mark.parametrize("binding, profile, says", [
    ('iss = "portal"; aud = "https://idp.example";', {"id": "other"}, "for another client id"),
    ('iss = "portal"; sub = "somebody"; aud = "https://idp.example";', {}, "for another client id"),
    ('iss = "portal"; aud = "https://idp.example";', {"aud": "https://evil.example"}, "for another aud"),
    ("", {}, "does not let it sign assertions"),
    (None, {}, "does not let it sign assertions"),
])
def test_the_agents_key_signs_nothing_else(platform, agent, verify, binding, profile, says):
    server = verify(audience="https://idp.example")
    keep_secret(agent, "hr-key", pem(EC))
    secrets = [] if binding is None else [bound("hr-key", "key", binding)]
    start_agent(agent, server, *secrets)
    platform.put_profile("p", connector="dc", token_url=server.url,
                         client={"method": "private_key_jwt", "id": "portal", "key": "{{secret:hr-key}}", "alg": "ES256",
                                 "kid": "ES256", **profile})
    answer = platform.exchange("p", variables=RIGHT)
    assert (answer.status, answer.json["code"], answer.json["stage"]) == (422, "profile_incomplete", "secret"), answer
    assert says in answer.json["detail"] and answer.json["execution"] == "not_sent", answer
    assert server.forms == []


def test_a_key_that_signs_goes_nowhere_else(platform, agent, demanding, pki):
    """Not as a secret of a client, nor as the key of a certificate."""
    server = demanding
    keep_secret(agent, "hr-key", pem(EC))
    start_agent(agent, server, bound("hr-key", "key", 'iss = "portal"; aud = "https://idp.example";'),
                ca=pki / "ca.pem")
    for client in ({"method": "client_secret_post", "id": "portal", "secret": "{{secret:hr-key}}"},
                   {"method": "tls_client_auth", "id": "portal", "key": "{{secret:hr-key}}", "certificate": "{{secret:hr-key}}"}):
        platform.put_profile("p", connector="dc", token_url=server.url, client=client)
        answer = platform.exchange("p", variables=RIGHT)
        assert answer.json["stage"] == "secret" and answer.json["execution"] == "not_sent", answer
    assert server.forms == []


@pytest.mark.parametrize("more, says", [
    ('iss = "portal";', "aud: is required with iss"),
    ('aud = "https://idp.example";', "iss: is required with"),
])
def test_check_wants_iss_and_aud_together(agent, more, says):
    agent.set_policy(rig.rule("idp", "https://idp.example/t", extra=f'secrets = ( {bound("k", "key", more)} );'))
    keep_secret(agent, "k", pem(EC))
    done = agent.cli("check")
    assert done.returncode == 3 and f"secrets[0].{says}" in done.stderr, done.stderr


def test_explain_says_what_a_key_signs(agent):
    agent.set_policy(rig.rule("idp", "https://localhost/t", extra='secrets = ( ' + bound("k", "key", 'iss = "i"; aud = "a";') + " );"))
    keep_secret(agent, "k", pem(EC))
    assert '{{secret:k}} signs for the client "i" (sub "i"), aud "a"' in agent.cli("explain", "POST", "https://localhost/t").stdout


def test_put_looks_at_the_key(platform):
    for client, field in (({"method": "private_key_jwt", "id": "a", "key": pem(EC), "alg": "RS256"}, "client.key"),
                          ({"method": "private_key_jwt", "id": "a", "key": "-----BEGIN PRIVATE KEY-----"}, "client.key"),
                          ({"method": "tls_client_auth", "id": "a", "key": pem(EC),
                            "certificate": "-----BEGIN CERTIFICATE-----"}, "client.certificate")):
        answer = platform.api("PUT", "/v1/profiles/p", {"name": "p", "type": "oauth2_password", "connector": "dc",
                                                        "token_url": "https://idp.example/t", "client": client})
        assert answer.status == 400 and answer.json["errors"][0]["field"] == field, answer
        assert "BEGIN" not in answer.body.decode()


# ---- tls_client_auth ----

@pytest.fixture
def demanding(verify, pki):
    """It demands a certificate of two CAs, and knows "portal" by the name in the certificate."""
    both = pki / "both-cas.pem"
    both.write_text((pki / "ca.pem").read_text() + (pki / "other-ca.pem").read_text())
    return verify(subjects={"portal": "test-agent"}, tls=tls_context(pki / "server.pem", pki / "server.key", client_ca=both))


def shown(pki, name="client"):
    return {"key": (pki / f"{name}.key").read_text(), "certificate": (pki / f"{name}.pem").read_text()}


def test_a_client_shows_its_certificate(platform, agent, demanding, pki):
    start_agent(agent, demanding, ca=pki / "ca.pem")
    client = {"method": "tls_client_auth", "id": "portal", **shown(pki)}
    made = platform.put_profile("p", connector="dc", token_url=demanding.url, client=client)
    assert made["client"]["key"] == {"set": True} and made["client"]["certificate"] == client["certificate"]
    assert platform.exchange("p", variables=RIGHT).status == 200
    assert demanding.forms[0] == {"grant_type": "password", **RIGHT, "client_id": "portal"}
    platform.put_profile("q", connector="dc", token_url=demanding.url, client={**client, "id": "other"})
    assert platform.exchange("q", variables=RIGHT).json["code"] == "client_refused"
    platform.put_profile("r", connector="dc", token_url=demanding.url)  # on that connection it would have been let in
    problem = platform.exchange("r", variables=RIGHT).json  # a reset may take the alert away
    assert problem["code"] == "endpoint_unreachable" and problem["execution"] == "sent", problem
    assert "demands a client certificate" in problem["detail"] and len(demanding.forms) == 2, problem


def test_the_agents_certificate_is_shown(platform, agent, demanding, pki):
    keep_secret(agent, "hr-cert", shown(pki)["certificate"])
    keep_secret(agent, "hr-key", shown(pki)["key"])
    start_agent(agent, demanding, bound("hr-cert", "certificate"), bound("hr-key", "key"), ca=pki / "ca.pem")
    client = {"method": "tls_client_auth", "id": "portal", "key": "{{secret:hr-key}}", "certificate": "{{secret:hr-cert}}"}
    platform.put_profile("p", connector="dc", token_url=demanding.url, client=client)
    assert platform.exchange("p", variables=RIGHT).status == 200
    keep_secret(agent, "hr-key", "nonsense")
    assert "reload.fault" in hangup(agent.process, "no private key in it")
    keep_secret(agent, "hr-key", pem(EC))  # not that certificate's
    hangup(agent.process)
    answer = platform.exchange("p", variables=RIGHT)
    assert answer.json["execution"] == "not_sent" and "is not the key of" in answer.json["detail"], answer
    assert len(demanding.forms) == 1  # and the connection that was there served nobody


def test_a_test_checks_keys_as_put_does(platform, pki):
    client = {"method": "tls_client_auth", "id": "portal", **shown(pki), "key": pem(EC)}  # not that certificate's
    profile = {"type": "oauth2_password", "token_url": "https://idp.example/token", "client": client}
    for answer in (platform.api("PUT", "/v1/profiles/p", profile),
                   platform.api("POST", "/v1/profiles/p/test", {"profile": profile, "variables": RIGHT})):
        assert answer.status == 400 and answer.json["errors"] == [
            {"field": "client.key", "message": "is not the key of the first certificate of `certificate`"}], answer


def test_a_rules_certificate_and_a_profiles(platform, agent, demanding, pki):
    own = f'certificate = "{pki / "client.pem"}"; key = "{pki / "client.key"}";'
    start_agent(agent, demanding, ca=pki / "ca.pem", extra=own)
    platform.put_profile("p", connector="dc", token_url=demanding.url, client={"method": "tls_client_auth", "id": "portal"})
    assert platform.exchange("p", variables=RIGHT).status == 200  # the rule's
    platform.put_profile("q", connector="dc", token_url=demanding.url,
                         client={"method": "tls_client_auth", "id": "portal", **shown(pki, "other-client")})
    answer = platform.exchange("q", variables=RIGHT)
    assert (answer.json["code"], answer.json["execution"]) == ("policy_refused", "not_sent"), answer
    assert "shows a client certificate of its own" in answer.json["detail"]


def test_neither_has_a_certificate(platform, agent, demanding, pki):
    start_agent(agent, demanding, ca=pki / "ca.pem")
    platform.put_profile("p", connector="dc", token_url=demanding.url, client={"method": "tls_client_auth", "id": "portal"})
    answer = platform.exchange("p", variables=RIGHT)
    assert (answer.json["code"], answer.json["stage"]) == ("profile_incomplete", "secret"), answer
    assert demanding.forms == []


def test_an_assertion_is_masked_in_a_trace(platform, agent, verify):
    server = verify()
    start_agent(agent, server)
    platform.put_profile("p", connector="dc", token_url=server.url,
                         client={"method": "private_key_jwt", "id": "portal", "key": pem(EC), "alg": "ES256", "kid": "ES256"})
    answer = platform.api("POST", "/v1/profiles/p/test", {"variables": RIGHT})
    assert answer.status == 200, answer
    text = answer.body.decode()
    assert "client_assertion=MASKED" in text and server.forms[0]["client_assertion"] not in text
    assert jwt.get_unverified_header(server.forms[0]["client_assertion"])["alg"] == "ES256"


def test_a_real_server_takes_an_assertion(platform, agent, glewlwyd):
    agent.set_policy(rig.rule("g", rig.origin(glewlwyd["token_url"]) + "/**", ca=glewlwyd["ca"])).start()
    client = {"method": "private_key_jwt", "id": glewlwyd["key_client_id"], "alg": "ES256"}
    profile = {"connector": "dc", "token_url": glewlwyd["token_url"],
               "fields": [{"place": "payload", "key": "scope", "value": glewlwyd["scope"]}]}
    variables = {"username": glewlwyd["username"], "password": glewlwyd["password"]}
    platform.put_profile("p", **profile, client={**client, "key": glewlwyd["client_key"]})
    for _ in range(2):
        answer = platform.exchange("p", variables=variables)
        assert answer.status == 200, answer
    refreshed = platform.api("POST", "/v1/profiles/p/refresh", {"refresh_token": answer.json["token"]["refresh_token"]}, key=platform.app_key)
    assert refreshed.status == 200, refreshed
    platform.put_profile("p", **profile, client={**client, "key": pem(EC)})
    answer = platform.exchange("p", variables=variables)
    assert answer.status == 502 and "403" in answer.json["detail"], answer  # as it refuses everything
