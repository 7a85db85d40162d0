"""The agent's secrets: who keeps them, which rule lets which request carry them, and that nothing else does."""
import base64
import json
import os
import signal
import urllib.parse

import pytest
import rig

RIGHT = {"username": "alice", "password": "right"}
SECRET = 'hr "s3cret"/+&%ü<'  # every encoding writes it in another way
HERE = "policy[0].secrets[0]"


def bind(*bindings):
    """A rule's `secrets` as text, from (name, place, key)."""
    return "secrets = ( " + ", ".join(
        f'{{ name = "{name}"; place = "{place}"; key = "{key}"; }}' for name, place, key in bindings) + " );"


def put_secret(folder, name, value, mode=0o600):
    path = folder / "secrets.d" / name
    path.parent.mkdir(exist_ok=True, mode=0o700)
    path.write_bytes(value.encode() if isinstance(value, str) else value)
    path.chmod(mode)
    return path


class Rig:
    """An agent with one secret, which requests to /token may carry as `bindings` say."""

    def __init__(self, platform, agent, endpoint):
        self.platform, self.agent, self.endpoint = platform, agent, endpoint

    def start(self, *bindings, secret=SECRET, **more):
        if secret is not None:
            put_secret(self.agent.folder, "hr", secret)
        self.allow(*bindings)
        self.agent.start(**more)
        return self

    def allow(self, *bindings, methods=("POST", "GET", "DELETE"), extra=""):
        origin = rig.origin(self.endpoint.url("/"))
        self.agent.set_policy(rig.rule("token", origin + "/token", methods=methods, extra=bind(*bindings)),
                              rig.rule("other", origin + "/**", methods=methods), extra=extra)

    def ask(self, path="/token", **profile):
        self.platform.put_profile("p", connector="dc", token_url=self.endpoint.url(path), **profile)
        return self.platform.exchange("p", variables=RIGHT)

    def sent(self, path="/token"):
        """The only request that came."""
        requests = self.endpoint.journal.requests(path)
        assert len(requests) == 1
        self.endpoint.journal.clear()
        return requests[0]


@pytest.fixture
def kept(platform, agent, endpoint):
    return Rig(platform, agent, endpoint)


def payload(key="pin", value="{{secret:hr}}"):
    return [{"place": "payload", "key": key, "value": value}]


def header(key="X-Api-Key", value="{{secret:hr}}"):
    return [{"place": "header", "key": key, "value": value}]


def form(request):
    return dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))


# ---- where it is bound ----

def test_it_stands_in_the_payload_as_each_encoding_writes_it(kept):
    kept.start(("hr", "payload", "pin"))
    assert kept.ask(fields=payload(value="a{{secret:hr}}z")).status == 200
    assert form(kept.sent())["pin"] == f"a{SECRET}z"
    assert kept.ask(fields=payload(), content_type="json").status == 200
    assert json.loads(kept.sent().body)["pin"] == SECRET


def test_it_stands_in_a_header_also_of_a_get(kept):
    kept.start(("hr", "header", "X-Api-Key"), secret="k3y-of-hr")
    assert kept.ask(fields=header("x-api-key", "Key {{secret:hr}}")).status == 200
    assert kept.sent().header("X-Api-Key") == "Key k3y-of-hr"
    assert kept.ask(fields=header(), method="GET").status == 200
    assert kept.sent().header("X-Api-Key") == "k3y-of-hr"


@pytest.mark.parametrize("method", ("client_secret_basic", "client_secret_basic_raw", "client_secret_post"))
def test_it_is_the_clients_secret(kept, method):
    kept.start(("hr", "client", "secret"), secret="s3cret/+%\n")  # as an editor writes it; the endpoint knows the client
    assert kept.ask(f"/token?client={method}", client={"method": method, "id": "portal", "secret": "{{secret:hr}}"}).status == 200


def test_it_is_a_stored_credential(kept):
    """Of a pre-authorized profile: the form field's key is what is bound."""
    kept.start(("hr", "payload", "password"), secret="right")
    kept.platform.put_profile("p", connector="dc", token_url=kept.endpoint.url("/token"), mode="pre_authorized",
                              credentials={"username": "svc", "password": "{{secret:hr}}"})
    assert kept.platform.exchange("p", variables={}).status == 200
    assert form(kept.sent())["password"] == "right"


def test_the_platform_saves_it_without_a_warning_and_shows_it(kept):
    saved = kept.platform.put_profile("p", connector="dc", token_url="https://idp.example/t", fields=header(), mode="pre_authorized",
                                      credentials={"username": "svc", "password": "{{secret:pw}}"},
                                      client={"method": "client_secret_post", "id": "{{secret:id}}", "secret": "{{secret:cs}}"})
    assert [w for w in saved["warnings"] if "secret" in str(w)] == []
    assert saved["credentials"]["password"] == "{{secret:pw}}" and saved["client"]["secret"] == "{{secret:cs}}"


# ---- where it is not ----

REFUSED = [
    ("another key", {"fields": payload("Pin")}, 'payload field "Pin": {{secret:hr}}: rule "token" of the agent\'s policy does not bind'),
    ("another secret", {"fields": payload(value="{{secret:other}}")}, 'payload field "pin": {{secret:other}}: rule "token"'),
    ("another place", {"fields": header("pin")}, 'header field "pin": {{secret:hr}}: rule "token"'),
    ("the client", {"client": {"method": "client_secret_basic", "id": "i", "secret": "{{secret:hr}}"}},
     'client.secret: {{secret:hr}}: rule "token" of the agent\'s policy does not bind it to client "secret"'),
    ("another rule", {"path": "/form-answer", "fields": payload()}, 'payload field "pin": {{secret:hr}}: rule "other"'),
]


@pytest.mark.parametrize("profile, says", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_anywhere_else_nothing_is_sent(kept, profile, says):
    kept.start(("hr", "payload", "pin"))
    answer = kept.ask(**profile)
    assert answer.status == 422 and answer.json["code"] == "profile_incomplete", answer
    assert answer.json["stage"] == "secret" and answer.json["execution"] == "not_sent"
    assert answer.json["detail"].startswith(says) and "the agent's admin" in answer.json["detail"], answer
    assert kept.endpoint.journal.requests() == []


def test_what_the_policy_refuses_asks_for_no_secret(kept):
    kept.start(("hr", "payload", "pin"))
    kept.platform.put_profile("p", connector="dc", token_url="http://127.0.0.1:1/nowhere", fields=payload(value="{{secret:none}}"))
    answer = kept.platform.exchange("p", variables=RIGHT)
    assert answer.json["code"] == "policy_refused" and answer.json["stage"] == "policy", answer


@pytest.mark.parametrize("job, says", [
    ({"url": "/token/{{secret:hr}}"}, "can't stand in a URL"),
    ({"fields": [["query", "pin", "{{secret:hr}}"]]}, 'query field "pin": {{secret:hr}} can\'t stand here'),
    ({"fields": [["path", "pin", "{{secret:hr}}"]], "url": "/token/{pin}"}, 'path field "pin": {{secret:hr}} can\'t stand here'),
    ({"fields": [["payload", "pin", "{{secret:hr}}"]], "method": "GET"}, 'payload field "pin": {{secret:hr}} can\'t stand here'),
    ({"client": {"method": "client_secret_post", "id": "i", "secret": "{{secret:hr}}"}, "method": "DELETE"},
     "client.secret: {{secret:hr}} can't stand here"),
])
def test_a_platform_in_wrong_hands_gets_none_into_a_url(kept, job, says):
    """What profile put would refuse, as a platform sends it that doesn't check."""
    import peer
    kept.start(("hr", "payload", "pin"), ("hr", "client", "secret"))
    kept.platform.stop()
    fake = peer.FakePlatform(kept.platform)
    try:
        ws, _ = fake.greet()
        fields = [["payload", "grant_type", "password"], *job.get("fields", [])]
        request = {"method": job.get("method", "POST"), "url": kept.endpoint.url(job.get("url", "/token")), "encoding": "form",
                   "fields": fields, "client": job.get("client", {"method": "none"})}
        ws.send(peer.job("", request=request))
        _, result = ws.receive(peer.RESULT)
        assert (result["outcome"], result["code"], result["execution"]) == ("failed", "profile_incomplete", "not_sent"), result
        assert says in result["error"]["message"] and SECRET not in str(result), result
        assert kept.endpoint.journal.requests() == []
    finally:
        fake.close()


# ---- the files ----

def check(kept):
    """What `check` says of the configuration: its exit status and its words."""
    done = kept.agent.cli("check")
    return done.returncode, done.stdout + done.stderr


FAULTS = [
    ("a mode for others", dict(mode=0o644), "secrets.d/hr: mode 0644 lets other users at a secret; run: chmod 600"),
    ("a mode for the group", dict(mode=0o640), "secrets.d/hr: mode 0640 lets other users at a secret"),
    ("empty", dict(value=""), "secrets.d/hr: holds no secret: it is empty"),
    ("a line end alone", dict(value="\n"), "secrets.d/hr: holds no secret: it is empty"),
    ("a NUL", dict(value="a\0b"), "secrets.d/hr: holds a NUL byte"),
    ("not UTF-8", dict(value=b"\xff\xfe"), "secrets.d/hr: is not UTF-8"),
    ("too large", dict(value="x" * 65537), "secrets.d/hr: larger than 65536 bytes"),
    ("a wrong name", dict(name="h r"), "secrets.d/h r: its name can't stand in {{secret:NAME}}"),
]


@pytest.mark.parametrize("file, says", [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_check_names_what_is_wrong_with_a_file(kept, file, says):
    rest = {key: value for key, value in file.items() if key not in ("name", "value")}
    put_secret(kept.agent.folder, file.get("name", "hr"), file.get("value", SECRET), **rest)
    put_secret(kept.agent.folder, "good", SECRET)
    kept.allow(("good", "payload", "pin"))
    status, text = check(kept)
    assert status == 3 and says in text and SECRET not in text, text


def test_check_names_a_secret_that_is_not_there_with_file_and_line(kept):
    kept.allow(("hr", "payload", "pin"), ("none", "header", "X-A"))
    (kept.agent.folder / "policy.d").mkdir()
    more = kept.agent.folder / "policy.d/10-more.conf"
    more.write_text("policy = (\n" + rig.rule("more", "https://more.example/**", extra="\n" + bind(("none", "client", "key"))) + ");")
    status, text = check(kept)
    assert status == 3
    for where in (f"{kept.agent.conf}:2: policy[0].secrets[0]: there is no secret \"hr\"",
                  f"{kept.agent.conf}:2: policy[0].secrets[1]: there is no secret \"none\"",
                  f"{more}:3: policy[0].secrets[0]: there is no secret \"none\": no file of that name in"):
        assert where in text, text


@pytest.mark.parametrize("binding, says", [
    (("hr", "query", "pin"), 'policy[0].secrets[0].place: must be one of header, payload, client, found "query"'),
    (("hr", "client", "password"), "policy[0].secrets[0].key: must be id, secret, key or certificate"),
    (("hr", "header", "Host"), "policy[0].secrets[0].key: belongs to the HTTP client"),
    (("../hr", "header", "X-A"), "policy[0].secrets[0].name: must be a secret's name"),
])
def test_check_names_a_binding_that_can_not_be(kept, binding, says):
    put_secret(kept.agent.folder, "hr", SECRET)
    kept.allow(binding)
    status, text = check(kept)
    assert status == 3 and f"{kept.agent.conf}:2: {says}" in text, text


def test_the_folder_itself_is_looked_at(kept):
    kept.allow(extra='secrets = { directory = "nowhere"; };')
    status, text = check(kept)
    assert status == 3 and f"{kept.agent.conf}:3: secrets.directory: {kept.agent.folder}/nowhere: No such file" in text, text
    put_secret(kept.agent.folder, "hr", SECRET)
    (kept.agent.folder / "secrets.d").chmod(0o770)
    kept.allow(("hr", "payload", "pin"))
    status, text = check(kept)
    assert status == 3 and "secrets.d: mode 0770 lets other users put secrets there; run: chmod 700" in text, text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(kept):
    os.chown(put_secret(kept.agent.folder, "hr", SECRET), 12345, 12345)
    kept.allow(("hr", "payload", "pin"))
    status, text = check(kept)
    assert status == 3 and "secrets.d/hr: belongs to user 12345" in text, text


def test_a_secret_that_no_rule_binds_is_noted_and_hidden_files_are_passed_over(kept):
    put_secret(kept.agent.folder, "hr", SECRET)
    put_secret(kept.agent.folder, "spare", SECRET)
    put_secret(kept.agent.folder, ".hr.swp", SECRET, mode=0o644)
    kept.allow(("hr", "payload", "pin"))
    status, text = check(kept)
    assert status == 0 and f"{kept.agent.folder}/secrets.d/spare: note: no rule binds this secret" in text, text
    assert "hr.swp" not in text and "secrets.d/hr:" not in text and SECRET not in text


def test_a_short_secret_is_noted(kept):
    put_secret(kept.agent.folder, "pin", "4711")
    put_secret(kept.agent.folder, "key", "abc\n")
    kept.allow(("pin", "payload", "pin"), ("key", "payload", "key"))
    status, text = check(kept)
    assert status == 0, text
    assert "secrets.d/pin: note: fewer than 8 bytes: a token in which" in text
    assert "secrets.d/key: note: fewer than 4 bytes: if an endpoint repeats it" in text


def test_explain_names_the_secrets_of_the_rule(kept):
    put_secret(kept.agent.folder, "hr", SECRET)
    kept.allow(("hr", "payload", "pin"))
    done = kept.agent.cli("explain", "POST", kept.endpoint.url("/token"))
    assert done.returncode == 0 and '{{secret:hr}} may stand in payload "pin"' in done.stdout and SECRET not in done.stdout, done
    assert "{{secret" not in kept.agent.cli("explain", "POST", kept.endpoint.url("/other")).stdout


def test_try_uses_them_and_shows_none(kept, tmp_path):
    put_secret(kept.agent.folder, "hr", SECRET)
    kept.allow(("hr", "payload", "pin"))
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"name": "p", "type": "oauth2_password", "token_url": kept.endpoint.url("/token"), "fields": payload()}))
    done = rig.run(rig.BUILD / "connector-agent", "try", file, "--set", "username=a", "--set", "password=right", "-c", kept.agent.conf)
    assert done.returncode == 0 and "pin=MASKED" in done.stdout, done
    assert form(kept.sent())["pin"] == SECRET
    assert not any(shape in done.stdout for shape in (SECRET, urllib.parse.quote_plus(SECRET), "s3cret"))


# ---- a reload ----

def hangup(process, expect="agent.reloaded"):
    since = process.mark()
    process.signal(signal.SIGHUP)
    return process.wait(expect, since)


def test_a_reload_takes_a_rotated_secret_and_a_wrong_file_refuses_it_whole(kept):
    kept.start(("hr", "payload", "pin"), secret="old")
    put_secret(kept.agent.folder, "hr", "new")
    assert kept.ask(fields=payload()).status == 200
    assert form(kept.sent())["pin"] == "old", "before the reload"
    hangup(kept.agent.process)
    assert kept.ask(fields=payload()).status == 200
    assert form(kept.sent())["pin"] == "new"
    put_secret(kept.agent.folder, "hr", "newer", mode=0o644)
    assert "mode 0644" in hangup(kept.agent.process, "reload.fault where=.*secrets.d/hr")
    kept.agent.process.wait("reload.refused")
    assert kept.ask(fields=payload()).status == 200
    assert form(kept.sent())["pin"] == "new", "the old one stays"


# ---- systemd's credentials ----

def with_credentials(folder, **secrets):
    folder.mkdir(exist_ok=True)
    for name, (value, mode) in secrets.items():
        (folder / name).write_text(value)
        (folder / name).chmod(mode)
    return {**rig.ENV, "CREDENTIALS_DIRECTORY": str(folder)}


def test_a_credential_of_the_unit_is_a_secret(kept, tmp_path):
    """Group-readable as systemd may make them, beside others that are none of ours; a reload reads them anew."""
    folder = tmp_path / "credentials"
    env = with_credentials(folder, hr=("cr3d\n", 0o440), unrelated=("\xff", 0o400))
    kept.start(("hr", "payload", "pin"), secret=None, env=env)
    assert kept.ask(fields=payload()).status == 200
    assert form(kept.sent())["pin"] == "cr3d"
    with_credentials(folder, hr=("rotated", 0o400))
    hangup(kept.agent.process)
    assert kept.ask(fields=payload()).status == 200
    assert form(kept.sent())["pin"] == "rotated"
    put_secret(kept.agent.folder, "hr", SECRET)
    assert "is in" in hangup(kept.agent.process, "reload.fault .* and a credential of the unit: remove one of them")
    kept.agent.process.wait("reload.refused")
    assert kept.ask(fields=payload()).status == 200
    assert form(kept.sent())["pin"] == "rotated"


# ---- nothing that comes back has one ----

KEPT = "hr-s3cret/+ü"  # at least eight bytes, which a token is searched for
BASE64 = base64.b64encode(("id:" + KEPT).encode()).decode()
SHAPES = {"raw": KEPT, "percent": urllib.parse.quote(KEPT, safe=""), "form": urllib.parse.quote_plus("a " + KEPT),
          "base64": BASE64, "json": json.dumps(KEPT)[1:-1]}


def answers(kept, status, members, headers=""):
    """/raw/echo is what the endpoint says from now on."""
    body = members if isinstance(members, bytes) else json.dumps(members).encode()
    kept.endpoint.set_raw("echo", (f"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
                                   ).encode() + body)


@pytest.fixture
def echoing(kept):
    put_secret(kept.agent.folder, "hr", KEPT)
    origin = rig.origin(kept.endpoint.url("/"))
    kept.agent.set_policy(rig.rule("echo", origin + "/raw/echo", extra=bind(("hr", "payload", "pin")))).start()
    kept.platform.put_profile("p", connector="dc", token_url=kept.endpoint.url("/raw/echo"), fields=payload())
    kept.platform.put_profile("none", connector="dc", token_url=kept.endpoint.url("/raw/echo"))
    return kept


def has_none(text):
    return not any(shape in text for shape in (*SHAPES.values(), "s3cret", BASE64[5:-4]))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_an_error_that_repeats_it_is_masked(echoing, shape):
    answers(echoing, 400, {"error": "invalid_grant", "error_description": f"wrong: {shape}!"})
    answer = echoing.platform.exchange("p", variables=RIGHT)
    assert answer.status == 422 and answer.json["code"] == "credentials_refused", answer
    assert "MASKED" in str(answer.json) and has_none(answer.body.decode()), answer
    # the same from a job that carries no secret is passed on as ever
    answer = echoing.platform.exchange("none", variables=RIGHT)
    assert "MASKED" not in str(answer.json), answer


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_else_a_token_answer_repeats_is_masked(echoing, shape):
    answers(echoing, 200, {"access_token": "tok", "token_type": "Bearer", "you_sent": {"pin": [f"<{shape}>"]}, shape: 1})
    answer = echoing.platform.exchange("p", variables=RIGHT)
    assert answer.status == 200 and answer.json["token"]["access_token"] == "tok", answer
    assert "MASKED" in str(answer.json["token"]["extra"]) and has_none(answer.body.decode()), answer


@pytest.mark.parametrize("member", ("access_token", "refresh_token", "scope"))
@pytest.mark.parametrize("shape", ("raw", "percent", "base64"))
def test_a_token_that_repeats_it_is_withheld(echoing, member, shape):
    answers(echoing, 200, {"access_token": "tok", "token_type": "Bearer", **{member: f"x.{SHAPES[shape]}.y"}})
    answer = echoing.platform.exchange("p", variables=RIGHT)
    assert answer.status == 502 and answer.json["code"] == "answer_unreadable" and answer.json["execution"] == "answered", answer
    assert "repeats a secret of the agent" in answer.json["detail"] and has_none(answer.body.decode()), answer


OWN = {"client": {"method": "client_secret_post", "id": "portal", "secret": KEPT}}


@pytest.mark.parametrize("shape", ("raw", "percent", "base64"))
def test_a_secret_of_the_profile_is_masked_in_an_error_too(echoing, shape):
    echoing.platform.put_profile("own", connector="dc", token_url=echoing.endpoint.url("/raw/echo"), **OWN)
    echoing.platform.put_profile("stored", connector="dc", token_url=echoing.endpoint.url("/raw/echo"), mode="pre_authorized",
                                 credentials={"username": "alice", "password": KEPT})
    answers(echoing, 400, {"error": "invalid_grant", "error_description": f"wrong: {SHAPES[shape]}!"})
    for profile, variables in (("own", RIGHT), ("stored", {})):
        answer = echoing.platform.exchange(profile, variables=variables)
        assert answer.status == 422 and "MASKED" in answer.json["oauth_description"], answer
        assert has_none(answer.body.decode()), answer


def test_a_secret_of_the_profile_is_masked_beside_a_token(echoing):
    echoing.platform.put_profile("own", connector="dc", token_url=echoing.endpoint.url("/raw/echo"), **OWN)
    answers(echoing, 200, {"access_token": "tok", "token_type": "Bearer", "you": KEPT})
    answer = echoing.platform.exchange("own", variables=RIGHT)
    assert answer.json["token"]["extra"] == {"you": "MASKED"}, answer


def test_a_redirect_and_its_trace_repeat_none(echoing, tmp_path):
    answers(echoing, 302, b"", headers=f"Location: https://x.example/?pin={SHAPES['percent']}\r\nServer: {SHAPES['percent']}\r\n")
    answer = echoing.platform.exchange("p", variables=RIGHT, trace=True)
    assert answer.json["code"] == "redirected" and has_none(answer.body.decode()), answer
    answers(echoing, 400, {"error": KEPT, "error_description": KEPT, KEPT: {"a": KEPT}})
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"name": "p", "type": "oauth2_password", "token_url": echoing.endpoint.url("/raw/echo"), "fields": payload()}))
    done = rig.run(rig.BUILD / "connector-agent", "try", file, "--set", "username=a", "--set", "password=right", "-c", echoing.agent.conf)
    assert done.returncode == 1 and "answer" in done.stdout and has_none(done.stdout + done.stderr), done


def test_no_file_and_no_log_has_it(echoing):
    """After exchanges that went well, were refused and repeated it: logs, store, audit trail; and no core file can be."""
    for status, members in ((200, {"access_token": "tok", "pin": KEPT}), (400, {"error": "x", "error_description": KEPT}),
                            (200, {"access_token": KEPT}), (500, KEPT.encode())):
        answers(echoing, status, members)
        echoing.platform.exchange("p", variables=RIGHT, trace=True)
    agent, platform = echoing.agent, echoing.platform
    audit = platform.api("GET", "/v1/exchanges")
    assert audit.status == 200 and has_none(audit.body.decode())
    limits = open(f"/proc/{agent.process.pid}/limits").read()
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file")] == [["0", "0"]]
    environment = open(f"/proc/{agent.process.pid}/environ", "rb").read() + open(f"/proc/{agent.process.pid}/cmdline", "rb").read()
    assert has_none(environment.decode(errors="replace"))
    processes = [agent.process, platform.process]
    agent.stop()
    platform.stop()
    for process in processes:
        assert has_none("\n".join(process.lines))
    for folder in (agent.folder, platform.folder):
        for file in folder.rglob("*"):
            if file.is_file() and file.parent.name != "secrets.d":
                content = file.read_bytes()
                assert not any(shape.encode() in content for shape in (*SHAPES.values(), "s3cret")), file
