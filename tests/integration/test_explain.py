"""`connector-agent explain`: which rule decides and why, as the running agent decides."""
import pytest
import rig


class Explainer:
    def __init__(self, folder):
        self.conf = folder / "agent.conf"
        self.folder = folder

    def write(self, *rules, directory=None):
        self.conf.write_text('platform = { url = "wss://platform.example/v1/tunnel"; };\npolicy = (\n' + ",\n".join(rules) + "\n);\n")
        for name, text in (directory or {}).items():
            (self.folder / "policy.d").mkdir(exist_ok=True)
            (self.folder / "policy.d" / name).write_text(text)
        return self

    def ask(self, *words):
        return rig.run(rig.BUILD / "connector-agent", "explain", *words, "-c", self.conf)


@pytest.fixture
def explainer(tmp_path):
    return Explainer(tmp_path)


def lines(done):
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_the_rule_that_decides_is_named_with_its_line_and_each_part(explainer):
    explainer.write(rig.rule("other", "https://other.example/t"),
                    rig.rule("loop", "https://*/oauth/**", methods=["POST", "PUT"], networks=["127.0.0.0/8", "::1/128"]))
    done = explainer.ask("PUT", "https://localhost/oauth/token?secret=hunter2")
    assert done.returncode == 0 and not done.stderr, done
    got = lines(done)
    assert got[0] == "PUT https://localhost:443/oauth/token"
    assert got[1] == f'allowed by rule "loop" ({explainer.conf}:4)'
    for wanted in ("scheme https fits https", "host localhost fits *", "port 443 fits 443", "path /oauth/token fits /oauth/**",
                   "method PUT fits POST, PUT", "networks 127.0.0.0/8, ::1/128", "address 127.0.0.1 is allowed"):
        assert wanted in got, (wanted, got)
    assert "hunter2" not in done.stdout


def test_a_refusal_names_the_rule_that_nearly_did_and_what_does_not_fit(explainer):
    explainer.write(rig.rule("far", "https://far.example/x"), rig.rule("near", "https://idp.example:8443/oauth/*", methods=["POST"]))
    done = explainer.ask("GET", "https://idp.example:8443/oauth/token")
    assert done.returncode == 1
    got = lines(done)
    assert got[1] == "refused: no rule allows it"
    assert got[2] == f'nearly: rule "near" ({explainer.conf}:4)'
    assert "method GET does not fit POST" in got and "path /oauth/token fits /oauth/*" in got
    assert not any(line.startswith("address") for line in got), "nobody is asked for a name that no rule allows"


def test_no_rule_at_all_for_the_host(explainer):
    explainer.write(rig.rule("far", "https://far.example/x"))
    done = explainer.ask("GET", "https://near.example/y")
    assert done.returncode == 1 and "no rule is for the host near.example" in done.stdout


def test_addresses_are_judged_one_by_one(explainer):
    explainer.write(rig.rule("ten", "https://localhost/**", networks=["10.0.0.0/8"]))
    done = explainer.ask("POST", "https://localhost/t")
    assert done.returncode == 1
    got = lines(done)
    assert got[1].startswith('refused by rule "ten"')
    assert any(line.startswith("address 127.0.0.1 is refused:") and "none of its networks" in line for line in got), got
    explainer.write(rig.rule("any", "https://169.254.169.254/**", networks=[]))
    done = explainer.ask("POST", "https://169.254.169.254/t")
    assert done.returncode == 1 and "cloud metadata" in done.stdout


def test_a_name_that_does_not_resolve_is_told_and_is_not_fatal(explainer):
    explainer.write(rig.rule("r", "https://*.invalid/**"))
    done = explainer.ask("POST", "https://idp.invalid/t")
    assert done.returncode == 0, done
    assert any(line.startswith("address idp.invalid has none now: ") for line in lines(done))


def test_a_later_rule_that_would_match_is_told_as_never_asked(explainer):
    explainer.write(rig.rule("a", "https://localhost/**"),
                    directory={"10-team.conf": f'policy = (\n {rig.rule("b", "https://localhost/t")}\n);\n'})
    done = explainer.ask("POST", "https://localhost/t")
    assert done.returncode == 0
    assert any(f'never asked: rule "b" ({explainer.folder}/policy.d/10-team.conf:2)' in line for line in lines(done)), done.stdout
    explainer.write(rig.rule("a", "https://localhost/other"))
    assert 'allowed by rule "b"' in explainer.ask("POST", "https://localhost/t").stdout


def test_a_rule_that_tells_the_platform_nothing_is_told_to_its_admin(explainer):
    explainer.write(rig.rule("hidden", "https://localhost/secret-path", extra='share = "none";'))
    done = explainer.ask("POST", "https://localhost/other")
    assert 'rule "hidden"' in done.stdout and "/secret-path" in done.stdout


@pytest.mark.parametrize("words, says", [
    (("post", "https://a.example/t"), "POST"), (("BREW", "https://a.example/t"), "BREW"),
    (("POST", "ftp://a.example/t"), "http"), (("POST", "https://a.example/a/../t"), ""), (("POST", "a.example/t"), "http"),
    (("POST", "https://user:pw@a.example/t"), ""), (("POST",), "URL"), (("POST", "https://a.example/t", "more"), "")])
def test_what_is_no_request_is_wrong_usage(explainer, words, says):
    explainer.write(rig.rule("r", "https://a.example/**"))
    done = explainer.ask(*words)
    assert done.returncode == 2 and says in done.stderr and done.stderr and "pw" not in done.stderr, done


def test_a_wrong_configuration_is_exit_status_3(explainer):
    explainer.write(rig.rule("r", "ftp://a.example/**"))
    done = explainer.ask("POST", "https://a.example/t")
    assert done.returncode == 3 and "agent.conf:3" in done.stderr


@pytest.mark.parametrize("method, path", [("POST", "/token"), ("POST", "/other"), ("GET", "/token")])
def test_it_says_what_the_running_agent_does(platform, agent, endpoint, method, path):
    origin = rig.origin(endpoint.url("/"))
    agent.set_policy(rig.rule("e", origin + "/token")).start()
    platform.put_profile("p", connector="dc", token_url=origin + path, method=method)
    answer = platform.exchange("p", variables={"username": "a", "password": "right"})
    done = agent.cli("explain", method, origin + path)
    assert (done.returncode == 0) == (answer.json.get("code") != "policy_refused"), (done.stdout, answer)
    assert done.returncode in (0, 1)


def test_behind_a_proxy_no_address_is_asked_for(explainer):
    rule = '{ name = "via"; url = "https://%s/**"; proxy = "http://proxy.invalid:3128"; }'
    done = explainer.write(rule % "idp.invalid").ask("POST", "https://idp.invalid/t")
    assert done.returncode == 0, done
    assert any(line.startswith("proxy http://proxy.invalid:3128:") for line in lines(done))
    assert not any(line.startswith("address ") for line in lines(done))
    done = explainer.write(rule % "169.254.169.254").ask("POST", "https://169.254.169.254/t")
    assert done.returncode == 1 and "refused by" in done.stdout and "cloud metadata" in done.stdout


def test_the_target_of_a_virtual_name_is_what_is_looked_at(explainer):
    rule = '{ name = "v"; url = "https://hr-login.invalid/**"; target = "https://%s:8443"; networks = ["127.0.0.0/8"]; }'
    done = explainer.write(rule % "127.0.0.1").ask("POST", "https://hr-login.invalid/t")
    assert done.returncode == 0, done
    assert "host hr-login.invalid fits hr-login.invalid" in lines(done) and "address 127.0.0.1 is allowed" in lines(done)
    assert "target https://127.0.0.1:8443 is where it goes; the platform is not told" in lines(done)
    done = explainer.write(rule % "10.1.2.3").ask("POST", "https://hr-login.invalid/t")
    assert done.returncode == 1 and any(line.startswith("address 10.1.2.3 is refused") for line in lines(done))
