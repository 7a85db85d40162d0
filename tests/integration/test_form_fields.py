"""What the person is asked: data types, visibility, required; every wrong value in one answer."""
import pytest
import rig

TYPES = {  # data type: (value as JSON, how it is sent) that are right, then values that are not
    "string": ([("a b", "a b"), ("", ""), ("é🔑", "é🔑")], [5, True, [], {}, "a\0b"]),
    "number": ([("-1.5e+3", "-1.5e+3"), (42, "42"), ("123456789012345678901234567890",) * 2], ["01", "1,5", " 1", "0x1", "", 1.5, True]),
    "boolean": ([("true", "true"), (False, "false")], ["yes", "True", "", 1, 0]),
    "date": ([("2024-02-29", "2024-02-29"), ("0001-01-01", "0001-01-01")],
             ["2023-02-29", "2024-13-01", "2024-1-1", "29.02.2024", "2024-02-29T00:00:00Z", 20240229]),
    "email": ([("joe@corp.example",) * 2, ("a+b@[::1]",) * 2], ["joe", "joe@", "@corp", "a b@c", "a@b@c"]),
    "url": ([("https://a.example/?b=c#d",) * 2, ("HTTP://a",) * 2], ["//a", "ftp://a", "https://", "https://a b", "a.example"]),
}


@pytest.fixture
def ask(platform, agent, endpoint):
    """Put a profile with those form fields, run an exchange with those values."""
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**")).start()

    def run(form_fields, **variables):
        platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"), form_fields=form_fields)
        return platform.exchange("p", variables={"username": "ada", "password": "right", **variables})
    return run


def errors(answer):
    assert answer.status == 400 and answer.json["code"] == "bad_input", answer
    assert answer.json["safe_to_retry"] == "after_fix"
    return {e["field"]: e["message"] for e in answer.json["errors"]}


@pytest.mark.parametrize("data_type", TYPES)
def test_values_of_each_type_arrive_or_are_refused(ask, endpoint, data_type):
    right, wrong = TYPES[data_type]
    form = [{"key": "v", "data_type": data_type}]
    for value, sent in right:
        answer = ask(form, v=value)
        assert answer.status == 200, (value, answer)
        assert endpoint.journal.requests()[-1].field("v") == sent
    asked = endpoint.count("/token")
    for value in wrong:
        assert list(errors(ask(form, v=value))) == ["variables.v"] if value != "a\0b" else ask(form, v=value).status == 400, value
    assert endpoint.count("/token") == asked, "what was refused went nowhere"


def test_every_wrong_value_is_named_in_one_answer_and_none_is_shown(ask, platform, endpoint):
    form = [{"key": "n", "data_type": "number"}, {"key": "b", "data_type": "boolean"}, {"key": "d", "data_type": "date"},
            {"key": "e", "data_type": "email"}, {"key": "u", "data_type": "url"}, {"key": "r", "required": True},
            {"key": "r2", "required": True}, {"key": "h", "visibility": "hidden", "value": "x"},
            {"key": "o", "visibility": "read_only", "value": "y"}, {"key": "s"}]
    answer = ask(form, n="Zq1", b="Zq2", d="Zq3", e="Zq4", u="Zq5", r="", h="Zq6", o="Zq7", s=5, colour="Zq8", password=None)
    said = errors(answer)
    assert said == {
        "variables.n": "must be a number, as JSON writes it", "variables.b": "must be true or false",
        "variables.d": "must be a date, YYYY-MM-DD", "variables.e": "must be an e-mail address",
        "variables.u": "must be a URL with https:// or http://", "variables.r": "is required and must not be empty",
        "variables.r2": "is required", "variables.h": "is set by the profile and can't be given",
        "variables.o": "is set by the profile and can't be given", "variables.s": "must be a string",
        "variables.colour": "is neither a form field nor referred to by the profile", "variables.password": "is required"}
    assert b"Zq" not in answer.body and not endpoint.journal.requests()
    done = platform.cli("exchange", "p", "--set", "username=ada", "--set", "n=Zq1", "--ask", "password", stdin="right\n")
    assert done.returncode == 1
    for line in ("variables.n: must be a number, as JSON writes it", "variables.r: is required", "variables.r2: is required"):
        assert line in done.stdout


def test_hidden_and_read_only_values_come_from_the_profile(ask, endpoint):
    form = [{"key": "realm", "visibility": "hidden", "value": "staff & co"}, {"key": "site", "visibility": "read_only", "value": ""},
            {"key": "level", "visibility": "hidden", "data_type": "number", "value": "7"}]
    assert ask(form).status == 200
    request = endpoint.journal.requests()[-1]
    assert [request.field(k) for k in ("realm", "site", "level")] == ["staff & co", "", "7"]


def test_what_is_not_required_may_be_left_out(ask, endpoint):
    assert ask([{"key": "pin", "data_type": "number"}, {"key": "note"}], note=None).status == 200
    request = endpoint.journal.requests()[-1]
    assert request.field("pin") is None and request.field("note") is None


def test_a_value_goes_where_a_field_puts_it_and_only_there(platform, agent, endpoint):
    agent.set_policy(rig.rule("e", rig.origin(endpoint.url("/")) + "/**")).start()
    platform.put_profile("p", connector="dc", token_url=endpoint.url("/token"),
                         form_fields=[{"key": "pin", "title": "PIN", "type": "password", "required": True}],
                         fields=[{"place": "header", "key": "X-Pin", "value": "{{pin}}"}])
    assert platform.exchange("p", variables={"username": "ada", "password": "right", "pin": "0815"}).status == 200
    request = endpoint.journal.requests()[-1]
    assert request.header("X-Pin") == "0815" and request.field("pin") is None


def test_titles_and_hints_come_back_as_they_were_put(platform):
    form = [{"key": "pin", "title": "PIN des Ausweises", "hint": "sechs Ziffern 🔑", "type": "password", "required": True,
             "data_type": "number", "visibility": "visible"}]
    platform.put_profile("p", token_url="https://idp.example/t", form_fields=form)
    shown = platform.api("GET", "/v1/profiles/p").json["form_fields"]
    assert [f["key"] for f in shown] == ["username", "password", "pin"] and shown[2:] == form
    assert shown[1]["type"] == "password" and shown[0]["required"] and shown[1]["required"]
