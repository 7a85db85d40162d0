"""Profiles as files: shown, put again, here and elsewhere; what a file leaves out is asked for."""
import json
import re

import pytest
import rig

PRE_AUTHORIZED = {"name": "shared", "type": "oauth2_password", "connector": "dc", "token_url": "https://idp.example/token",
                  "mode": "pre_authorized", "credentials": {"username": "svc", "password": "s3cret-pw"},
                  "client": {"method": "client_secret_post", "id": "portal", "secret": "s3cret-client"}}
SMALL = {"name": "small", "type": "oauth2_password", "token_url": "https://idp.example/token"}


def examples():
    """Every whole profile that our documents show, and the example in conf/."""
    found = {"conf/profile.json.example": (rig.ROOT / "conf/profile.json.example").read_text()}
    for path in ("conf/PROFILE.md", "README.md"):
        for i, block in enumerate(re.findall(r"^```json\n(\{.*?^\})\n```", (rig.ROOT / path).read_text(), re.S | re.M)):
            if '"token_url"' in block and '"name"' in block:
                found[f"{path} {i}"] = block
    return found


EXAMPLES = examples()


@pytest.fixture
def other(tmp_path):
    """Another platform, which has none of the first one's secrets."""
    p = rig.Platform(tmp_path / "other").start()
    yield p
    assert p.stop() in (0, None)


def write(tmp_path, value, name="p.json"):
    file = tmp_path / name
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    return file


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_goes_round(platform, tmp_path, example):
    assert len(EXAMPLES) >= 3
    name = json.loads(EXAMPLES[example])["name"]
    done = platform.cli("profile", "put", write(tmp_path, EXAMPLES[example]))
    assert done.returncode == 0 and f"profile {name} added" in done.stdout, done.stderr
    shown = platform.cli("profile", "show", name).stdout
    done = platform.cli("profile", "put", "-", stdin=shown)
    assert done.returncode == 0 and f"profile {name} changed" in done.stdout, done.stderr
    assert platform.cli("profile", "show", name).stdout == shown


def test_a_shown_profile_needs_its_secrets_elsewhere(platform, other, tmp_path):
    assert platform.cli("profile", "put", write(tmp_path, PRE_AUTHORIZED)).returncode == 0
    shown = platform.cli("profile", "show", "shared").stdout
    assert "s3cret" not in shown and shown.count('"set": true') == 3
    file = write(tmp_path, shown, "shown.json")
    done = other.cli("profile", "put", file)
    assert done.returncode == 1
    for member in ("client.secret", "credentials.username", "credentials.password"):
        assert f"  {member}: there is no stored one to keep; give the value\n" in done.stderr
    hint = done.stderr.strip().splitlines()[-1]
    options = re.findall(r"--ask \S+", hint)
    assert "a profile that is shown has no secrets" in hint and len(options) == 3
    answers = {"client.secret": "s3cret-client", "credentials.username": "svc", "credentials.password": "s3cret-pw"}
    asked = [word for option in options for word in option.split()]  # as it says, in its order
    done = other.cli("profile", "put", file, *asked, stdin="".join(answers[a] + "\n" for a in asked[1::2]))
    assert done.returncode == 0 and "profile shared added" in done.stdout, done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert json.loads(other.cli("profile", "show", "shared").stdout) == json.loads(shown)


def test_secrets_that_were_given_are_the_ones_that_are_sent(platform, agent, endpoint, tmp_path):
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**")).start()
    profile = {**PRE_AUTHORIZED, "token_url": endpoint.url("/token")}
    del profile["credentials"]["password"], profile["client"]["secret"]
    done = platform.cli("profile", "put", write(tmp_path, profile), "--ask", "credentials.password", "--ask", "client.secret",
                        stdin="right\nä+b\n")
    assert done.returncode == 0, done.stderr
    assert platform.exchange("shared").status == 200
    request = endpoint.journal.requests()[-1]
    assert (request.field("password"), request.field("client_secret")) == ("right", "ä+b")


def test_all_profiles_go_into_one_file_and_back(platform, other, tmp_path):
    for name in ("a", "b", "c"):
        assert platform.cli("profile", "put", write(tmp_path, {**SMALL, "name": name})).returncode == 0
    listed = platform.cli("profile", "list", "--json").stdout
    done = other.cli("profile", "put", write(tmp_path, listed))
    assert done.returncode == 0, done.stderr
    assert re.findall(r"profile (\w) added", done.stdout) == ["a", "b", "c"]
    assert other.cli("profile", "list", "--json").stdout == listed


def test_a_list_with_a_fault_says_whose_it_is_and_puts_the_others(platform, tmp_path):
    profiles = [{**SMALL, "name": "a"}, {**SMALL, "name": "b", "budget_ms": 1}, 5, {**SMALL, "name": "c"}]
    done = platform.cli("profile", "put", write(tmp_path, profiles))
    assert done.returncode == 1
    assert re.findall(r"profile (\w) added", done.stdout) == ["a", "c"]
    assert "budget_ms: must be 100 to 120000, found 1" in done.stderr and "this was the profile b" in done.stderr


def test_every_fault_is_named_under_one_line(platform, tmp_path):
    """PROFILE.md's own example of faults."""
    text = (rig.ROOT / "conf/PROFILE.md").read_text()
    wanted = re.search(r"^\$ connector-platform profile put bad.json\n(.*?)^```", text, re.S | re.M).group(1)
    bad = {"name": "bad", "type": "oauth2_password", "tokn_url": "https://idp.example/", "budget_ms": 10,
           "fields": [{"key": "Host", "value": "x"}, {"key": "X-A", "value": "{{a"}],
           "client": {"method": "client_secret_basic_raw", "id": "a"}}
    file = write(tmp_path, bad, "bad.json")
    done = platform.cli("profile", "put", file)
    assert done.returncode == 1 and done.stdout == ""
    assert sorted(done.stderr.replace(str(file), "bad.json").splitlines()) == sorted(wanted.splitlines())
    assert platform.api("GET", "/v1/profiles/bad").status == 404


@pytest.mark.parametrize("content, says", (
    ("{", "p.json:1: column 1: no sound JSON: it ends too early"),
    ("", "no sound JSON: it ends too early"),
    ("{,}", "p.json:1: column 2: no sound JSON: this is where reading it stopped"),
    ('{"name": "a", "name": "b"}', "no sound JSON: an object has a name twice"),
    ('{} x', "no sound JSON: something stands behind its end"),
    ("[5]", "a profile is a JSON object"),
    ("{}", "name: is required"),
    ('{"name": 5, "type": "oauth2_password", "token_url": "https://a/"}', "1 value is wrong\n  name: "),
    ('{"name": "A B", "budget_ms": 1}', "name: "),
    ('{"name": "A B", "budget_ms": 1}', "budget_ms: must be 100 to 120000, found 1"),
))
def test_a_file_that_is_no_profile(platform, tmp_path, content, says):
    done = platform.cli("profile", "put", write(tmp_path, content))
    assert done.returncode == 1 and says in done.stderr, done.stderr


@pytest.mark.parametrize("options, says", (
    (("--ask", "token_url"), "is neither client.NAME nor credentials.NAME"),
    (("--ask", "client."), "is neither client.NAME nor credentials.NAME"),
    (("--file", "client.key"), "takes MEMBER=FILE"),
    (("--file", f"name={rig.ROOT / 'conf/profile.json.example'}"), "is neither client.NAME nor credentials.NAME"),
))
def test_only_secrets_are_asked_for(platform, tmp_path, options, says):
    done = platform.cli("profile", "put", write(tmp_path, SMALL), *options, stdin="x\n")
    assert done.returncode == 2 and says in done.stderr, done.stderr


def test_a_key_is_taken_from_its_file(platform, other, pki, tmp_path):
    """PEM has many lines: --ask reads one."""
    signing = {**SMALL, "client": {"method": "private_key_jwt", "id": "portal", "alg": "ES256"}}
    done = platform.cli("profile", "put", write(tmp_path, signing), "--file", f"client.key={pki / 'client.key'}")
    assert done.returncode == 0, done.stderr
    shown = write(tmp_path, platform.cli("profile", "show", "small").stdout, "shown.json")
    done = other.cli("profile", "put", shown)
    assert done.returncode == 1 and done.stderr.endswith("give them: --file client.key=FILE\n"), done.stderr
    done = other.cli("profile", "put", shown, "--file", f"client.key={pki / 'client.key'}")
    assert done.returncode == 0, done.stderr
    assert other.cli("profile", "show", "small").stdout == shown.read_text()


def test_a_secret_is_taken_from_its_file_without_the_line_end(platform, agent, endpoint, tmp_path):
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**")).start()
    profile = {**SMALL, "connector": "dc", "token_url": endpoint.url("/token"), "mode": "pre_authorized",
               "credentials": {"username": "ada"}}
    secret = write(tmp_path, "right\n", "secret")
    done = platform.cli("profile", "put", write(tmp_path, profile), "--file", f"credentials.password={secret}")
    assert done.returncode == 0, done.stderr
    assert platform.exchange("small").status == 200
    done = platform.cli("profile", "put", write(tmp_path, profile), "--file", f"credentials.password={tmp_path}/none")
    assert done.returncode == 1 and "credentials.password" in done.stderr


def test_standard_input_is_one_thing_at_a_time(platform):
    done = platform.cli("profile", "put", "-", "--ask", "client.secret", stdin="{}")
    assert done.returncode == 2 and "give a FILE" in done.stderr


def test_ask_and_discover_are_for_one_profile(platform, tmp_path):
    file = write(tmp_path, [SMALL, {**SMALL, "name": "b"}])
    for option in (("--ask", "client.secret"), ("--file", "client.secret=/dev/null"), ("--discover", "https://idp.example")):
        done = platform.cli("profile", "put", file, *option, stdin="x\n")
        assert done.returncode == 2 and "are for one" in done.stderr
    assert platform.cli("profile", "list").stdout == ""
