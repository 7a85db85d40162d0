"""conf/profile.schema.json says what `profile put` takes: each row is put to both."""
import copy
import json
import re

import jsonschema
import pytest
import rig
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

SCHEMA = json.loads((rig.ROOT / "conf/profile.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
BASE = {"name": "p", "type": "oauth2_password", "connector": "dc", "token_url": "https://idp.example/token"}
FORM_FIELD = {"key": "pin"}
FIELD = {"place": "payload", "key": "scope", "value": "hr.read"}
CLIENT = {"method": "client_secret_basic", "id": "portal", "secret": "s3"}


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """Does the platform take it? Nothing is kept: each row is a profile of its own."""
    platform = rig.Platform(tmp_path_factory.mktemp("schema") / "platform").start()

    def run(profile):
        answer = platform.api("PUT", "/v1/profiles/p", profile)
        assert answer.status in (200, 201, 400), answer
        platform.api("DELETE", "/v1/profiles/p")
        if answer.status != 400:
            return []
        errors = answer.json.get("errors", [{"field": "", "message": answer.json["detail"]}])  # or it is no JSON to it
        return [f"{e['field']}: {e['message']}" for e in errors]
    yield run
    assert platform.stop() in (0, None)


def form_field(**members):
    return {"form_fields": [{**FORM_FIELD, **members}]}


def field(**members):
    return {"fields": [{**FIELD, **members}]}


def client(**members):
    return {"client": {**CLIENT, **members}}


EC_KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def signer(**members):
    return {"client": {"method": "private_key_jwt", "id": "portal", "key": EC_KEY, "alg": "ES256", **members}}


def shower(**members):
    return {"client": {"method": "tls_client_auth", "id": "portal", **members}}


def answer(**members):
    return {"answer": members}


def stored(**members):
    return {"mode": "pre_authorized", "credentials": {"username": "u", "password": "p", **members}}


VALID = {
    "the smallest": {},
    "null is left out": {"connector": None, "tenancy": None, "mode": None, "form_fields": None, "fields": None, "client": None,
                         "refresh_url": None, "method": None, "content_type": None, "answer": None, "credentials": None,
                         "auth_error_status": None, "revocation_url": None, "budget_ms": None, "rotation_grace_s": None},
    "the longest name of a connector": {"connector": "a" * 63},
    "every kind of character in a name": {"connector": "0a.b_c-d"},
    "scheme in capitals": {"token_url": "HTTPS://idp.example/token"},
    "http": {"token_url": "http://idp.example/token"},
    "tenancy whose tenant comes with each call": {"tenancy": {"tenant": None}, "token_url": "https://{tenant}.example/"},
    "tenancy with a tenant": {"tenancy": {"tenant": "a-1"}, "token_url": "https://{tenant}.example/"},
    "urls": {"refresh_url": "https://idp.example/r?a=b", "revocation_url": ""},
    "stored credentials": stored(),
    "a stored credential of the agent's": stored(password="{{secret:hr}}"),
    "no stored credentials in mode user": {"credentials": {}},
    "statuses": {"auth_error_status": [400, 419, 599]},
    "limits below": {"budget_ms": 100, "rotation_grace_s": 0},
    "limits above": {"budget_ms": 120000, "rotation_grace_s": 3600},
    "the payload's element": {"content_type": "xml", "root": "Anfrage-1"},
    "one that is not ASCII": {"content_type": "xml", "root": "запрос"},
    "every method": {"method": "DELETE"},
    "a form field with all": form_field(title="PIN", hint="six digits", type="password", required=True, data_type="string", visibility="visible"),
    "a hidden value": form_field(visibility="hidden", value=""),
    "a read-only number": form_field(visibility="read_only", data_type="number", value="-1.5e3"),
    "a hidden boolean": form_field(visibility="hidden", data_type="boolean", value="true"),
    "a hidden date": form_field(visibility="hidden", data_type="date", value="2024-02-29"),
    "a hidden address": form_field(visibility="hidden", data_type="email", value="a@b"),
    "a hidden URL": form_field(visibility="hidden", data_type="url", value="https://a.example/?b=c"),
    "62 form fields": {"form_fields": [{"key": f"k{i}"} for i in range(60)] + [{"key": "username"}, {"key": "password"}]},
    "a header": field(place="header", key="X-A", value=""),
    "the place left out is a header": {"fields": [{"key": "X-A", "value": "a"}]},
    "a query key with a space": field(place="query", key="a b"),
    "a path": {"token_url": "https://idp.example/{realm}", **field(place="path", key="realm")},
    "a whole body of text": {"content_type": "text", **field(key="", value="{{username}}{{password}}")},
    "the longest template": field(value="a" * 8192),
    "a client without a secret": {"client": {"id": "portal"}},
    "an empty client": {"client": {}},
    "a client with a secret of the agent's": client(secret="{{secret:hr}}"),
    "a client that signs": signer(kid="k1", aud="https://idp.example"),
    "a client that signs by the agent's key": signer(key="{{secret:hr-key}}", alg=None),
    "a client that shows the agent's certificate": shower(key="{{secret:k}}", certificate="{{secret:c}}"),
    "a client that shows the rule's certificate": shower(),
    "where the answer's members stand": answer(expect="json", access_token="/data/tok", refresh_token="/a~1b", expires_in="/e~0", token_type="/t"),
    "success as text": answer(success={"at": "/ok", "is": "yes"}),
    "success as a flag": answer(success={"at": "/ok", "is": True}),
    "success as a number": answer(success={"at": "/ok", "is": 0}),
    "the whole text is the token": answer(expect="text", access_token=""),
}

INVALID = {  # one fault each; the path that the platform names
    "a name in capitals": ({"name": "P"}, "name"),
    "no type": ({"type": None}, "type"),
    "another type": ({"type": "oauth2_client_credentials"}, "type"),
    "no token URL": ({"token_url": None}, "token_url"),
    "an empty token URL": ({"token_url": ""}, "token_url"),
    "another scheme": ({"token_url": "ftp://idp.example/"}, "token_url"),
    "a URL with a space": ({"token_url": "https://idp.example/a b"}, "token_url"),
    "a URL with a fragment": ({"token_url": "https://idp.example/#a"}, "token_url"),
    "a URL in another script": ({"refresh_url": "https://idp.example/é"}, "refresh_url"),
    "a revocation URL that is none": ({"revocation_url": "idp.example"}, "revocation_url"),
    "a placeholder for the scheme": ({"token_url": "{{scheme}}://idp.example/"}, "token_url"),
    "a member that is not known": ({"tokn_url": "x"}, "tokn_url"),
    "a connector's name that is none": ({"connector": "data centre"}, "connector"),
    "a connector's name that is too long": ({"connector": "a" * 64}, "connector"),
    "a connector that is no text": ({"connector": 5}, "connector"),
    "tenancy as a flag": ({"tenancy": True}, "tenancy"),
    "a tenant of two labels": ({"tenancy": {"tenant": "a.b"}, "token_url": "https://{tenant}.example/"}, "tenancy.tenant"),
    "a tenant with a hyphen at its end": ({"tenancy": {"tenant": "a-"}, "token_url": "https://{tenant}.example/"}, "tenancy.tenant"),
    "something else in tenancy": ({"tenancy": {"tennant": "a", "tenant": "b"}, "token_url": "https://{tenant}.example/"}, "tenancy.tennant"),
    "no tenant for stored credentials": ({"tenancy": {}, "token_url": "https://{tenant}.example/", **stored()}, "tenancy.tenant"),
    "a mode that is none": ({"mode": "shared"}, "mode"),
    "credentials in mode user": ({"credentials": {"username": "u"}}, "credentials"),
    "a credential that is a number": (stored(password=5), "credentials.password"),
    "a credential that is too long": (stored(password="a" * 16385), "credentials.password"),
    "a method that is none": ({"method": "HEAD"}, "method"),
    "a method in small letters": ({"method": "post"}, "method"),
    "a content type that is none": ({"content_type": "application/json"}, "content_type"),
    "a root that is no XML name": ({"content_type": "xml", "root": "a b"}, "root"),
    "a root that XML reserves": ({"content_type": "xml", "root": "XmlA"}, "root"),
    "a root with a prefix": ({"content_type": "xml", "root": "a:b"}, "root"),
    "an empty root": ({"content_type": "xml", "root": ""}, "root"),
    "a root of no XML": ({"content_type": "json", "root": "a"}, "root"),
    "a status that is no error": ({"auth_error_status": [200]}, "auth_error_status[0]"),
    "a status as text": ({"auth_error_status": ["403"]}, "auth_error_status[0]"),
    "a status twice": ({"auth_error_status": [403, 403]}, "auth_error_status[1]"),
    "statuses that are no list": ({"auth_error_status": 403}, "auth_error_status"),
    "a budget that is too short": ({"budget_ms": 99}, "budget_ms"),
    "a budget that is too long": ({"budget_ms": 120001}, "budget_ms"),
    "a budget as text": ({"budget_ms": "30000"}, "budget_ms"),
    "half a budget": ({"budget_ms": 1000.5}, "budget_ms"),
    "a grace that is too long": ({"rotation_grace_s": 3601}, "rotation_grace_s"),
    "form fields that are no list": ({"form_fields": {}}, "form_fields"),
    "a form field that is none": ({"form_fields": ["pin"]}, "form_fields[0]"),
    "63 form fields": ({"form_fields": [{"key": f"k{i}"} for i in range(63)]}, "form_fields"),
    "a form field without a key": ({"form_fields": [{"title": "PIN"}]}, "form_fields[0].key"),
    "a form field's key with a space": (form_field(key="a b"), "form_fields[0].key"),
    "a form field's key that is too long": (form_field(key="a" * 65), "form_fields[0].key"),
    "a form field's key that is the grant's": (form_field(key="grant_type"), "form_fields[0].key"),
    "a title of two lines": (form_field(title="a\nb"), "form_fields[0].title"),
    "a title that is too long": (form_field(title="a" * 201), "form_fields[0].title"),
    "a hint that is too long": (form_field(hint="a" * 1001), "form_fields[0].hint"),
    "a type that is none": (form_field(type="number"), "form_fields[0].type"),
    "required as text": (form_field(required="true"), "form_fields[0].required"),
    "a data type that is none": (form_field(data_type="integer"), "form_fields[0].data_type"),
    "a visibility that is none": (form_field(visibility="invisible"), "form_fields[0].visibility"),
    "a hidden field without a value": (form_field(visibility="hidden"), "form_fields[0].value"),
    "a visible field with a value": (form_field(value="x"), "form_fields[0].value"),
    "a hidden password": (form_field(type="password", visibility="hidden", value="x"), "form_fields[0].visibility"),
    "a hidden field named password": (form_field(key="password", visibility="hidden", value="x"), "form_fields[0].visibility"),
    "a number that is none": (form_field(visibility="hidden", data_type="number", value="01"), "form_fields[0].value"),
    "a boolean that is none": (form_field(visibility="hidden", data_type="boolean", value="yes"), "form_fields[0].value"),
    "a date that is none": (form_field(visibility="hidden", data_type="date", value="2024-13-01"), "form_fields[0].value"),
    "an address that is none": (form_field(visibility="hidden", data_type="email", value="a b@c"), "form_fields[0].value"),
    "a URL that is none": (form_field(visibility="hidden", data_type="url", value="//a"), "form_fields[0].value"),
    "a NUL": (form_field(visibility="hidden", value="a\0b"), ""),
    "something else in a form field": (form_field(label="PIN"), "form_fields[0].label"),
    "129 fields": ({"fields": [FIELD] * 129}, "fields"),
    "a field that is none": ({"fields": ["scope"]}, "fields[0]"),
    "a place that is none": (field(place="body"), "fields[0].place"),
    "a field without a key": ({"fields": [{"value": "x"}]}, "fields[0].key"),
    "a field without a value": ({"fields": [{"key": "X-A"}]}, "fields[0].value"),
    "a value that is a number": (field(value=5), "fields[0].value"),
    "a value that is too long": (field(value="a" * 8193), "fields[0].value"),
    "a header with a space": (field(place="header", key="X A"), "fields[0].key"),
    "a header of no place with a space": ({"fields": [{"key": "X A", "value": ""}]}, "fields[0].key"),
    "a payload key of two lines": (field(key="a\nb"), "fields[0].key"),
    "an empty payload key": (field(key=""), "fields[0].key"),
    "an empty query key in text": ({"content_type": "text", **field(place="query", key="")}, "fields[0].key"),
    "a path for the tenant": (field(place="path", key="tenant"), "fields[0].key"),
    "a path with a slash": (field(place="path", key="a/b"), "fields[0].key"),
    "something else in a field": (field(name="x"), "fields[0].name"),
    "a client that is none": ({"client": "portal"}, "client"),
    "a client's method that is none": (client(method="basic"), "client.method"),
    "a client without an id": ({"client": {"method": "client_secret_post", "secret": "s"}}, "client.id"),
    "a client with an empty id": (client(id=""), "client.id"),
    "a client without its secret": ({"client": {"method": "client_secret_basic_raw", "id": "a"}}, "client.secret"),
    "a secret that nothing uses": ({"client": {"id": "a", "secret": "s"}}, "client.secret"),
    "a secret that is a number": (client(secret=5), "client.secret"),
    "a secret that is not set": (client(secret={"set": False}), "client.secret"),
    "a key that is none": (signer(key="hunter2"), "client.key"),
    "a key that is encrypted": (signer(key="-----BEGIN ENCRYPTED PRIVATE KEY-----"), "client.key"),
    "an alg that is none": (signer(alg="HS256"), "client.alg"),
    "an empty kid": (signer(kid=""), "client.kid"),
    "an empty aud": (signer(aud=""), "client.aud"),
    "a secret that signs nothing": (signer(secret="s"), "client.secret"),
    "a certificate that signs nothing": (signer(certificate="{{secret:c}}"), "client.certificate"),
    "an assertion without a key": (signer(key=None), "client.key"),
    "an assertion without an id": (signer(id=None), "client.id"),
    "an assertion in a URL": ({"method": "DELETE", **signer()}, "client.method"),
    "a certificate without its key": (shower(certificate="{{secret:c}}"), "client.key"),
    "a key without its certificate": (shower(key="{{secret:k}}"), "client.certificate"),
    "a certificate that is none": (shower(key="{{secret:k}}", certificate="c"), "client.certificate"),
    "an alg for a certificate": (shower(alg="RS256"), "client.alg"),
    "a key for a secret": (client(key="{{secret:k}}"), "client.key"),
    "something else in a client": (client(name="x"), "client.name"),
    "an answer that is none": ({"answer": "json"}, "answer"),
    "something else in an answer": (answer(token="/t"), "answer.token"),
    "an answer of what is not read": (answer(expect="multipart_form"), "answer.expect"),
    "a place without a slash": (answer(access_token="data"), "answer.access_token"),
    "a place with a stray tilde": (answer(access_token="/a~2"), "answer.access_token"),
    "a place that is too long": (answer(expires_in="/" + "a" * 256), "answer.expires_in"),
    "the whole answer as a refresh token": (answer(expect="text", refresh_token=""), "answer.refresh_token"),
    "the whole answer as a token where it is no text": (answer(access_token=""), "answer.access_token"),
    "levels in CSV": (answer(expect="csv", access_token="/a/b"), "answer.access_token"),
    "success without a place": (answer(success={"is": True}), "answer.success.at"),
    "success without a value": (answer(success={"at": "/ok"}), "answer.success.is"),
    "success as a list": (answer(success={"at": "/ok", "is": []}), "answer.success.is"),
    "something else in success": (answer(success={"at": "/ok", "is": 1, "not": 2}), "answer.success.not"),
}

UNSAYABLE = {  # what a schema can't say, or not in a way that anybody would read: it takes what the platform refuses
    "a form field twice": ({"form_fields": [{"key": "a"}, {"key": "a"}]}, "form_fields[1].key"),
    "a header twice": ({"fields": [{"key": "X-A", "value": "1"}, {"key": "x-a", "value": "2"}]}, "fields[1].key"),
    "a header that the HTTP client owns": ({"fields": [{"key": "Host", "value": "x"}]}, "fields[0].key"),
    "a header that overrides the method": ({"fields": [{"key": "X-HTTP-Method-Override", "value": "x"}]}, "fields[0].key"),
    "a {name} that nothing fills": ({"token_url": "https://idp.example/{realm}"}, "token_url"),
    "a path field that fills nothing": (field(place="path", key="realm"), "fields[0].key"),
    "{tenant} without tenancy": ({"token_url": "https://{tenant}.example/"}, "token_url"),
    "tenancy without {tenant}": ({"tenancy": {"tenant": "a"}}, "token_url"),
    "a placeholder that does not end": (field(value="{{a"), "fields[0].value"),
    "a URL that is read in two ways": ({"token_url": "https://idp.example/a/../b"}, "token_url"),
    "a secret of the agent's in a URL": (field(place="query", value="{{secret:hr}}"), "fields[0].value"),
    "the refresh token in the password grant": (field(value="{{refresh_token}}"), "fields[0].value"),
    "a ':' in the id of client_secret_basic_raw": (client(method="client_secret_basic_raw", id="a:b"), "client.id"),
    "a credential that is no form field's": (stored(pin="1"), "credentials.pin"),
    "a credential of the wrong type": ({**stored(n="x"), **form_field(key="n", data_type="number")}, "credentials.n"),
    "a credential that is empty and required": (stored(password=""), "credentials.password"),
    "a credential with the agent's secret in it": (stored(password="x{{secret:hr}}"), "credentials.password"),
    "a key that looks like one": (signer(key="-----BEGIN PRIVATE KEY-----"), "client.key"),
    "a key that does not fit its alg": (signer(alg="PS256"), "client.key"),
    "a secret of the agent's as aud": (signer(aud="{{secret:a}}"), "client.aud"),
    "a key that is kept, and not stored": (signer(key={"set": True}), "client.key"),
    "a secret that is kept, and not stored": (client(secret={"set": True}), "client.secret"),
    "a day that the month has not": (form_field(visibility="hidden", data_type="date", value="2023-02-29"), "form_fields[0].value"),
    "a limit in bytes, which a schema counts in characters": (form_field(title="é" * 101), "form_fields[0].title"),
    "1.0, which is an integer to a schema": ({"budget_ms": 1000.0}, "budget_ms"),
    "a root with a character that XML has in no name": ({"content_type": "xml", "root": "a×"}, "root"),
    "templates that are too long together": ({"fields": [{**FIELD, "value": "a" * 8192}] * 13}, ""),
    "what the content type can't hold": ({"content_type": "xml", **field(key="a b")}, "fields[0].key"),
}


def faults_of(schema_row):
    return [e.message for e in VALIDATOR.iter_errors(schema_row)]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("why", VALID)
def test_both_take_what_is_right(check, why):
    profile = {**BASE, **VALID[why]}
    assert check(profile) == []
    assert faults_of(profile) == []


@pytest.mark.parametrize("why", INVALID)
def test_both_refuse_what_is_wrong(check, why):
    patch, path = INVALID[why]
    profile = {**BASE, **patch}
    said = check(profile)
    assert path in {line.split(": ")[0] for line in said}, said
    assert faults_of(profile), f"the schema takes it; the platform says {said}"


@pytest.mark.parametrize("why", UNSAYABLE)
def test_the_platform_alone_refuses_what_a_schema_cannot_say(check, why):
    patch, path = UNSAYABLE[why]
    profile = {**BASE, **patch}
    said = check(profile)
    assert path in {line.split(": ")[0] for line in said}, said
    assert faults_of(profile) == [], "the schema can say it after all: it belongs to INVALID"


# --- every member with every kind of value ---

FULL = {  # has every member that can be beside the others
    **BASE, "tenancy": {"tenant": "acme"}, "mode": "user", "token_url": "https://{tenant}.example/",
    "form_fields": [{"key": "pin", "title": "PIN", "hint": "", "type": "text", "required": False, "data_type": "string",
                     "visibility": "hidden", "value": "x"}],
    "fields": [FIELD], "refresh_url": "", "revocation_url": "", "method": "POST", "content_type": "form",
    "answer": {"expect": "auto", "access_token": "/a", "refresh_token": "/r", "expires_in": "/e", "token_type": "/t",
               "success": {"at": "/ok", "is": True}},
    "client": CLIENT, "credentials": {}, "auth_error_status": [403], "rotation_grace_s": 0, "budget_ms": 30000,
}
VALUES = [None, "", "x", "/x", "X y", "a\nb", "a\0b", "a" * 70, "a" * 300, "a" * 20_000, 0, 1, -1, 1.5, 500, 10**6, True, False, [], ["x"],
          [1], [{}], {}, {"a": 1}, {"set": True}]
EXCEPT = {
    ("name", None): "the address of the PUT gives it too",
    ("name", "x"): "and this one is another",
    ("tenancy", None): "the token URL's {tenant} is then filled by nothing",
    ("client.secret", "{'set': True}"): "nothing is stored that could be kept",
    ("client.key", "{'set': True}"): "likewise",
}


def members_of(node, path=""):
    """("client.id", the object that holds it, its key), for each member; a list's is its first element's."""
    for key, value in node.items():
        yield path + key, node, key
        below = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        if isinstance(below, dict):
            yield from members_of(below, path + key + ".")


VARIANTS = {  # members that can't be beside those of FULL
    "client": signer(key="{{secret:k}}", kid="k1", aud="https://idp.example"),
    "client ": shower(key="{{secret:k}}", certificate="{{secret:c}}"),
    "root": {"content_type": "xml", "root": "a"},
}
MEMBERS = [(None, path) for path, _, _ in members_of(FULL)]
MEMBERS += [(variant, path) for variant, patch in VARIANTS.items() for path, _, _ in members_of(patch)
            if path.startswith(variant.strip())]


@pytest.mark.parametrize("variant, member", MEMBERS)
def test_both_agree_on_every_kind_of_value(check, variant, member):
    differing = []
    for value in VALUES:
        profile = copy.deepcopy({**FULL, **VARIANTS.get(variant, {})})
        holder, key = next((h, k) for p, h, k in members_of(profile) if p == member)
        holder[key] = value
        said = check(profile)
        if bool(said) != bool(faults_of(profile)) and (member, value if value is None else str(value)) not in EXCEPT:
            differing.append((json.dumps(value)[:40], said or "taken", faults_of(profile)[:1] or "taken"))
    assert not differing, "\n".join(map(str, differing))


def said_of(path):
    """What the schema says of "client.id"."""
    node = SCHEMA
    for key in path.split("."):
        while "$ref" in node or "items" in node:
            node = SCHEMA["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node["items"]
        node = node["properties"][key]
    return node


LONGEST = [(variant, path, said_of(path)["maxLength"]) for variant, path in MEMBERS
           if "maxLength" in said_of(path) and path != "client.certificate"]  # what is as long must be one


@pytest.mark.parametrize("variant, member, longest", LONGEST)
def test_both_agree_on_the_longest_text(check, variant, member, longest):
    start = {"token_url": "https://{tenant}.example/", "refresh_url": "https://a/", "revocation_url": "https://a/"}.get(
        member, "/" if member.startswith("answer.") and member != "answer.success.is" else "")
    for more in (0, 1):
        profile = copy.deepcopy({**FULL, **VARIANTS.get(variant, {})})
        holder, key = next((h, k) for p, h, k in members_of(profile) if p == member)
        holder[key] = start + "a" * (longest + more - len(start))
        assert bool(check(profile)) == bool(faults_of(profile)) == bool(more), (more, check(profile), faults_of(profile))


# --- the same members everywhere ---

def schema_objects(node=SCHEMA):
    """Every object of the schema that has members: (title, {member: what is said of it})."""
    if isinstance(node, dict):
        if "title" in node and node.get("additionalProperties") is False:
            yield node["title"], node["properties"]
        for value in node.values():
            yield from schema_objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from schema_objects(value)


def test_the_schema_has_the_members_that_the_reader_knows():
    known = set()
    for path in sorted((rig.ROOT / "common/core").glob("profile*.c")):
        for names in re.findall(r"\bnames\[\] = \{(.*?)\}", path.read_text(), re.S):
            known.add(frozenset(re.findall(r'"(\w+)"', names)))
    assert len(known) > 5
    assert {frozenset(members) for _, members in schema_objects()} == known


SECTIONS = {"Authorization profile": "## Its members", "Tenancy": "## Its members", "A form field": "### form_fields",
            "An authorization field": "### fields", "The OAuth client": "### client", "The answer": "### answer",
            "Success": "### answer"}


def test_the_reference_tells_of_the_members_that_the_schema_has():
    text = (rig.ROOT / "conf/PROFILE.md").read_text()
    for title, members in schema_objects():
        section = re.search(rf"^{SECTIONS[title]}$(.*?)^##", text, re.S | re.M).group(1)
        assert set(members) - set(re.findall(r'[`"](\w+)(?:`|": )', section)) == set(), title
    tables = re.findall(r"^\| member \| values \| default \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", text, re.M)
    assert len(tables) >= 3
    every = set().union(*(members for _, members in schema_objects()))
    for table in tables:
        first = "\n".join(re.findall(r"^\| ([^|]+) \|", table, re.M))
        assert set(re.findall(r"`(\w+)`", first)) - every == set()


def test_every_member_has_a_title_and_a_description():
    for title, members in schema_objects():
        for name, member in members.items():
            if name != "set" and "$ref" not in member:
                assert member.get("title") and member.get("description"), (title, name)


def test_defaults_are_those_that_are_shown_and_told(tmp_path):
    with_default = [(title, name, member["default"]) for title, members in schema_objects() for name, member in members.items()
                    if "default" in member]
    platform = rig.Platform(tmp_path / "platform").start()
    shown = platform.put_profile("p", token_url=BASE["token_url"], client={}, answer={}, form_fields=[{"key": "pin"}],
                                 fields=[{"key": "X-A", "value": ""}])
    signing = platform.put_profile("q", token_url=BASE["token_url"], **signer(alg=None, key="{{secret:k}}"))
    platform.stop()
    objects = {"Authorization profile": shown, "A form field": shown["form_fields"][2], "An authorization field": shown["fields"][0],
               "The OAuth client": {**signing["client"], **shown["client"]}, "The answer": shown["answer"]}
    text = (rig.ROOT / "conf/PROFILE.md").read_text()
    seen = 0
    for title, name, default in with_default:
        if name != "fields":
            assert objects[title].get(name) == default, (title, name)
        section = re.search(rf"^{SECTIONS[title]}$(.*?)^##", text, re.S | re.M).group(1)
        told = re.search(rf"^\| (?:`\w+`, )*`{name}`(?:, `\w+`)* \|.*\| ([^|]*) \|$", section, re.M)
        if told and told.group(1).strip():
            seen += 1
            assert (default if isinstance(default, str) and default else json.dumps(default)) in told.group(1).replace("`", ""), (title, name)
    assert seen > 10


def words_of(macro):
    """The words of one of terms.h's tables."""
    table = re.search(rf"#define TERMS_{macro}\(X\)(.*?)\n\n", (rig.ROOT / "common/core/terms.h").read_text(), re.S).group(1)
    return {word for word in re.findall(r'"(\w*)"', table) if word}


def test_the_schemas_words_are_the_codes():
    def enum(*path):
        node = SCHEMA
        for key in path:
            node = node[key]
        return set(node["enum"]) - {None}
    assert enum("properties", "method") == words_of("METHOD")
    assert enum("properties", "content_type") == words_of("ENCODING")
    assert enum("$defs", "field", "properties", "place") == words_of("PLACE")
    assert enum("$defs", "client", "properties", "method") == words_of("CLIENT")
    assert enum("$defs", "client", "properties", "alg") == words_of("ALG")
    source = (rig.ROOT / "common/core/profile.c").read_text()
    for member, table in (("data_type", "data_types"), ("visibility", "visibilities"), ("type", "form_types")):
        words = re.search(rf"profile_{table}\[\d\] = \{{(.*?)\}};", source, re.S).group(1)
        assert enum("$defs", "form_field", "properties", member) == set(re.findall(r'"(\w+)"', words))
    source = (rig.ROOT / "common/core/profile_form.c").read_text()
    reserved = set(re.findall(r'"(\w+)"', re.search(r" reserved\[\] = \{(.*?)\};", source, re.S).group(1)))
    assert set(SCHEMA["$defs"]["form_field"]["properties"]["key"]["not"]["enum"]) == reserved
