"""`connector-agent try`: an exchange from the agent's machine, hop by hop, as the agent runs it."""
import base64
import json
import urllib.parse

import pytest
import proxies
import rig
from endpoint import Endpoint
from endpoint_http import answer
from endpoint_tls import tls_context

PASSWORD = 'p&w "7/+ü🔑'  # each encoding writes it in another way


class Tryer:
    def __init__(self, folder, url):
        self.folder, self.conf, self.url = folder, folder / "agent.conf", url
        self.allow(rig.rule("e", rig.origin(url("/")) + "/**", methods=("POST", "GET", "PUT")))

    def allow(self, *rules):
        self.conf.write_text(f'platform = {{ url = "wss://platform.example/v1/tunnel"; }};\npolicy = (\n{", ".join(rules)}\n);\n')
        return self

    def profile(self, path="/token", **changes):
        self.file = self.folder / "p.json"
        self.file.write_text(json.dumps({"name": "hr", "type": "oauth2_password", "token_url": self.url(path), **changes}))
        return self

    def run(self, *options, password="right"):
        options = options or ("--set", "username=ada", "--ask", "password")
        return rig.run(rig.BUILD / "connector-agent", "try", self.file, *options, "-c", self.conf, stdin=password + "\n")


@pytest.fixture
def tryer(tmp_path, endpoint):
    return Tryer(tmp_path, endpoint.url)


def rows(done):
    """{hop: (time, text)} of the rows; the hops in order."""
    found = {}
    for line in done.stdout.splitlines()[1:]:
        if line[:11].strip():
            found[line[2:11].strip()] = (line[11:24].strip(), line[24:].strip() if len(line) > 24 else "")
    return found


def sent(done, hop="request"):
    """The lines of a row: of the request, as it was shown."""
    found, at = [], None
    for line in done.stdout.splitlines():
        at = line[2:11].strip() if line[:11].strip() else at
        if at == hop and line.strip().startswith("|"):
            found.append(line.strip()[2:])
    return found


@pytest.mark.parametrize("more, is_warned", [("", True), ("<token_type>x</token_type>", False)])
def test_a_token_without_a_type_is_warned_of_and_an_xml_answer_shown(tryer, endpoint, more, is_warned):
    endpoint.set_raw("xml", answer(200, f"<r><access_token>at</access_token>{more}</r>".encode(), "text/xml"))
    done = tryer.profile("/raw/xml").run()
    assert done.returncode == 0, done
    assert "access_token: text of 2 bytes" in [line.strip() for line in sent(done, "answer")], done
    assert any("no token_type" in line for line in sent(done, "verdict")) == is_warned, done


def test_a_token_comes_and_every_hop_is_told(tryer, endpoint):
    done = tryer.profile(fields=[{"place": "header", "key": "X-Realm", "value": "staff"}]).run()
    assert done.returncode == 0 and not done.stderr, done
    got = rows(done)
    assert list(got) == ["template", "policy", "resolve", "connect", "request", "answer", "verdict"]
    port = endpoint.url("/").split(":")[2].rstrip("/")
    assert got["template"][1] == f"POST {endpoint.url('/token')}"
    assert got["policy"][1] == f'rule "e" ({tryer.conf}:3)'
    assert got["resolve"][1] == "127.0.0.1" and got["connect"][1] == f"127.0.0.1 port {port}"
    assert got["request"][1] == "as sent"
    assert got["answer"][1].startswith("200, application/json, ") and got["verdict"][1] == "issued"
    assert sent(done, "verdict") == ["access token: Bearer, 4 characters", "expires in 3600 s", "refresh token: yes", "scope: hr.read"]
    for hop in ("template", "policy", "connect", "answer", "verdict"):
        assert got[hop][0].endswith(" ms") and float(got[hop][0][:-3]) >= 0
    assert sent(done) == ["POST /token HTTP/1.1", f"Host: 127.0.0.1:{port}", "X-Realm: staff", "Accept: application/json, */*;q=0.5",
                          "Content-Type: application/x-www-form-urlencoded", "", "grant_type=password&username=ada&password=MASKED"]
    assert "at-1" not in done.stdout and "rt-1" not in done.stdout
    request = endpoint.journal.requests("/token")[0]
    assert request.body == b"grant_type=password&username=ada&password=right"
    assert request.header("X-Realm") == "staff", "what is shown is what was sent, but for the secrets"


def test_tls_is_told_with_what_verified_it(tmp_path, pki):
    with Endpoint(tls=tls_context(pki / "server.pem", pki / "server.key")) as endpoint:
        tryer = Tryer(tmp_path, endpoint.url).profile()
        tryer.allow(rig.rule("e", rig.origin(endpoint.url("/")) + "/**", ca=pki / "ca.pem"))
        done = tryer.run()
        assert done.returncode == 0, done
        assert str(pki / "ca.pem") in rows(done)["tls"][1] and float(rows(done)["tls"][0][:-3]) > 0
        tryer.allow(rig.rule("e", rig.origin(endpoint.url("/")) + "/**"))
        done = tryer.run()
        assert done.returncode == 1
        got = rows(done)
        assert list(got) == ["template", "policy", "resolve", "connect", "tls", "to change", "request", "verdict"]
        assert got["tls"][1].startswith("FAILED: ") and got["request"][1] == "not sent; it would have been"
        assert got["verdict"][1] == "endpoint_unreachable: nothing of the request was sent" and "`ca`" in got["to change"][1]
        assert len(endpoint.journal.requests("/token")) == 1, "the second try sent nothing"


@pytest.mark.parametrize("more", [
    {}, {"content_type": "json"}, {"method": "GET"}, {"client": {"method": "client_secret_basic", "id": "portal", "secret": PASSWORD}},
    {"client": {"method": "client_secret_basic_raw", "id": "portal", "secret": PASSWORD}},
    {"client": {"method": "client_secret_post", "id": "portal", "secret": PASSWORD}, "content_type": "json"},
    {"fields": [{"place": "header", "key": "X-P", "value": "{{pin}}"}, {"place": "query", "key": "p", "value": "{{password}}"}],
     "form_fields": [{"key": "pin", "type": "password"}]},
    {"mode": "pre_authorized", "credentials": {"password": PASSWORD}},
    *({"content_type": content_type} for content_type in (
        "form_rfc3986", "xml", "rss", "csv", "text", "multipart_form", "multipart_related", "oracle_adf"))])
def test_no_secret_is_printed_however_it_is_encoded(tryer, endpoint, more):
    """The endpoint echoes the whole request; the answer is no token, and is not shown either."""
    path = "/echo"
    options = ["--set", "username=ada"]
    options += [] if "mode" in more else ["--ask", "password"]
    options += ["--set", f"pin={PASSWORD}"] if "form_fields" in more else []
    done = tryer.profile(path, **more).run(*options, password=PASSWORD)
    assert done.returncode == 1 and endpoint.count("/echo") == 1, done
    request = endpoint.journal.requests("/echo")[0]
    text = done.stdout + done.stderr
    as_basic = [base64.b64encode(f"portal:{p}".encode()).decode() for p in (PASSWORD, urllib.parse.quote_plus(PASSWORD))]
    forms = [PASSWORD, urllib.parse.quote(PASSWORD, safe=""), urllib.parse.quote_plus(PASSWORD), json.dumps(PASSWORD)[1:-1],
             json.dumps(PASSWORD, ensure_ascii=False)[1:-1], *as_basic,
             PASSWORD.replace("&", "&amp;"), PASSWORD.replace('"', '""')]
    arrived = request.target + request.body.decode() + str(request.headers)
    assert any(form in arrived for form in forms), "it was sent"
    assert not [form for form in forms if form in text] and "MASKED" in text, text


@pytest.mark.parametrize("path, password, code, last, says", [
    ("/token", "wrong", "credentials_refused", "verdict", "invalid_grant"),
    ("/redirect", "right", "redirected", "to change", "token_url"),
    ("/busy", "right", "endpoint_busy", "to change", "wait"),
    ("/status/404", "right", "endpoint_failed", "answer", "404"),
    ("/reset", "right", "endpoint_unreachable", "wait", "FAILED"),
    ("/hang", "right", "budget_exceeded", "wait", "FAILED")])
def test_what_went_wrong_is_told_with_what_to_change(tryer, path, password, code, last, says):
    done = tryer.profile(path, budget_ms=500).run(password=password)
    assert done.returncode == 1 and not done.stderr, done
    got = rows(done)
    assert got["verdict"][1].removeprefix("FAILED: ").split(":")[0] == code and done.stdout.count("FAILED") == 1 and says in got[last][1], done.stdout
    assert got["to change"][1]
    assert f"password={password}" not in done.stdout
    hops = list(got)
    assert hops.index("request") < hops.index("verdict")


def test_a_refusal_by_the_policy_ends_it_there(tryer, endpoint):
    tryer.allow(rig.rule("other", rig.origin(endpoint.url("/")) + "/other"))
    done = tryer.profile().run()
    got = rows(done)
    assert done.returncode == 1 and list(got) == ["template", "policy", "to change", "request", "verdict"]
    assert got["policy"][1].startswith("FAILED: ") and '"other"' in got["policy"][1] and "explain" in got["to change"][1]
    tryer.allow(rig.rule("ten", rig.origin(endpoint.url("/")) + "/**", networks=["10.0.0.0/8"]))
    done = tryer.run()
    assert done.returncode == 1 and "127.0.0.1 (refused)" in done.stdout
    assert 'rule "ten" does not allow the address 127.0.0.1' in rows(done)["policy"][1]
    assert not endpoint.journal.requests()


def test_nobody_listens_and_no_such_name(tryer):
    port = rig.free_port()
    tryer.allow(rig.rule("e", f"http://127.0.0.1:{port}/**"), rig.rule("i", "https://idp.invalid/**"))
    tryer.url = lambda path: f"http://127.0.0.1:{port}{path}"
    done = tryer.profile().run()
    assert done.returncode == 1 and rows(done)["connect"][1].startswith("FAILED") and "firewall" in rows(done)["to change"][1]
    tryer.url = lambda path: "https://idp.invalid/t"
    done = tryer.profile().run()
    assert done.returncode == 1 and rows(done)["resolve"][1].startswith("FAILED") and "DNS" in rows(done)["to change"][1]


def test_context_tenant_and_path_values(tryer, endpoint):
    origin = rig.origin(endpoint.url("/")).replace("127.0.0.1", "{tenant}")
    tryer.allow(rig.rule("e", origin.replace("{tenant}", "localhost") + "/**"))
    tryer.url = lambda path: origin + "/{{where}}"
    done = tryer.profile(tenancy={"tenant": None}).run("--set", "username=ada", "--ask", "password", "--set", "where=token", "--set", "tenant=localhost")
    assert done.returncode == 0, done
    assert endpoint.count("/token") == 1


def test_a_wrong_profile_or_call_is_told_whole_and_sends_nothing(tryer, endpoint):
    done = tryer.profile(type="x", colour=1).run()
    assert done.returncode == 1 and "type" in done.stderr and "colour" in done.stderr and not done.stdout
    done = tryer.profile().run("--set", "username=ada")
    assert done.returncode == 1 and "variables.password: is required" in done.stderr and "--ask" in done.stderr
    done = tryer.profile().run("--set", "username=ada", "--ask", "password", "--set", "nobody=knows")
    assert done.returncode == 1 and "nobody" in done.stderr
    tryer.file.write_text('{"name": "hr",\n "type" }')
    done = tryer.run()
    assert done.returncode == 1 and "p.json:2" in done.stderr
    tryer.file.unlink()
    assert tryer.run().returncode == 1
    assert not endpoint.journal.requests()


def test_wrong_usage_and_wrong_configuration(tryer):
    assert tryer.profile().run("--set", "nonsense").returncode == 2
    assert rig.run(rig.BUILD / "connector-agent", "try", "-c", tryer.conf).returncode == 2
    tryer.allow(rig.rule("e", "ftp://x/**"))
    done = tryer.run()
    assert done.returncode == 3 and "agent.conf:3" in done.stderr


@pytest.mark.parametrize("error, description", [("invalid_grant", "no user has the password hunter2-hunter2"), ("hunter2-hunter2", "")])
def test_an_endpoint_that_repeats_the_password_is_not_quoted(tryer, endpoint, error, description):
    body = json.dumps({"error": error, "error_description": description}).encode()
    endpoint.set_raw("echoing", b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    done = tryer.profile("/raw/echoing").run(password="hunter2-hunter2")
    assert done.returncode == 1 and "hunter2" not in done.stdout and "repeats a secret" in done.stdout
    done = tryer.run(password="another")
    assert "hunter2-hunter2" in done.stdout


def test_it_says_what_the_exchange_through_the_platform_says(platform, agent, endpoint, tmp_path):
    """The same profile both ways: the same bytes arrive."""
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**")).start()
    profile = dict(token_url=endpoint.url("/token"), content_type="json",
                   client={"method": "client_secret_post", "id": "portal", "secret": "s 3"})
    platform.put_profile("hr", connector="dc", **profile)
    assert platform.exchange("hr", variables={"username": "ada", "password": "right"}).status == 200
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"name": "hr", "type": "oauth2_password", "connector": "dc", **profile}))
    done = agent.cli("try", file, "--set", "username=ada", "--ask", "password", stdin="right\n")
    assert done.returncode == 0, done
    first, second = endpoint.journal.requests("/token")
    assert (first.target, first.headers, first.body) == (second.target, second.headers, second.body)


def test_the_way_through_a_proxy_is_told(tmp_path, tryer, endpoint):
    proxy = proxies.tinyproxy(tmp_path / "proxy")
    try:
        origin = f"http://localhost:{endpoint.port}"
        tryer.url = lambda path: origin + path
        tryer.allow(f'{{ name = "via"; url = "{origin}/**"; proxy = "{proxy.url}"; }}')
        done = tryer.profile().run()
        assert done.returncode == 0, done
        assert rows(done)["connect"][1] == f"localhost port {endpoint.port} through {proxy.url}"
        assert rows(done)["resolve"][1] == "127.0.0.1 (the proxy's)"
    finally:
        proxy.close()
    done = tryer.run()
    assert done.returncode == 1 and rows(done)["proxy"][1].startswith("FAILED") and "the rule's proxy" in rows(done)["to change"][1]


def test_a_virtual_names_target_is_told_to_its_admin(tryer, endpoint):
    target = f"http://localhost:{endpoint.port}"
    tryer.url = lambda path: "https://hr-login.invalid" + path
    tryer.allow(f'{{ name = "v"; url = "https://hr-login.invalid/**"; target = "{target}"; networks = ["127.0.0.0/8", "::1/128"]; }}')
    done = tryer.profile().run()
    assert done.returncode == 0, done
    got = rows(done)
    assert got["template"][1] == "POST https://hr-login.invalid/token"
    assert got["policy"][1] == f'rule "v" ({tryer.conf}:3), which sends it to {target}'
    assert got["connect"][1] == f"127.0.0.1 port {endpoint.port}" and "tls" not in got
    host = endpoint.journal.requests("/token")[0].header("Host")
    assert f"Host: {host}" in sent(done) and host == f"localhost:{endpoint.port}"
