"""The test endpoint does what it says: asked with raw sockets and http.client, told by octets."""

import base64
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from endpoint import Endpoint, tls_context  # noqa: E402

TIMEOUT_S = 10
PASSWORD_FORM = {"grant_type": "password", "username": "user-1", "password": "right"}


@pytest.fixture(name="endpoint")
def running_endpoint():
    with Endpoint() as endpoint:
        yield endpoint


def form_request(target, form=None, headers=()):
    """The octets of a POST."""
    body = urllib.parse.urlencode(PASSWORD_FORM if form is None else form).encode()
    lines = [f"POST {target} HTTP/1.1", "Host: test",
             "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def connect(endpoint):
    return socket.create_connection((endpoint.bind, endpoint.port), TIMEOUT_S)


def ask(endpoint, target, form=None, headers=()):
    """(status, headers, body) of one POST."""
    body = urllib.parse.urlencode(PASSWORD_FORM if form is None else form)
    connection = http.client.HTTPConnection(endpoint.bind, endpoint.port, timeout=TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request("POST", target, body, {
            "Content-Type": "application/x-www-form-urlencoded", **dict(headers)})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def control(endpoint, method, target, body=None):
    connection = http.client.HTTPConnection(endpoint.bind, endpoint.port, timeout=TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request(method, target, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def read_to_end(client):
    """(octets, how it ended): "closed" or "reset"."""
    octets = b""
    try:
        while piece := client.recv(65536):
            octets += piece
    except ConnectionResetError:
        return octets, "reset"
    return octets, "closed"


def read_answer(client):
    """One answer with Content-Length, leaving the connection open."""
    answer = http.client.HTTPResponse(client)
    answer.begin()
    return answer.status, answer.read()


def test_token_is_issued_for_the_right_password_only(endpoint):
    status, headers, body = ask(endpoint, "/token")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body) == {"access_token": "at-1", "token_type": "Bearer", "expires_in": 3600,
                                "scope": "hr.read", "refresh_token": "rt-1"}
    status, _, body = ask(endpoint, "/token", {**PASSWORD_FORM, "password": "wrong"})
    assert (status, json.loads(body)) == (400, {"error": "invalid_grant"})
    status, _, body = ask(endpoint, "/token", {"grant_type": "magic"})
    assert (status, json.loads(body)) == (400, {"error": "unsupported_grant_type"})


def test_token_reads_a_json_body_too(endpoint):
    connection = http.client.HTTPConnection(endpoint.bind, endpoint.port, timeout=TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request("POST", "/token", json.dumps(PASSWORD_FORM),
                           {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200


def test_refresh_rotates_unless_told_not_to(endpoint):
    def refresh(token, target="/token"):
        status, _, body = ask(endpoint, target,
                              {"grant_type": "refresh_token", "refresh_token": token})
        return status, json.loads(body)

    ask(endpoint, "/token")
    status, members = refresh("rt-1", "/token?rotate=no")
    assert status == 200 and members["access_token"] == "at-2" and "refresh_token" not in members
    status, members = refresh("rt-1")
    assert (status, members["refresh_token"]) == (200, "rt-3")
    assert refresh("rt-1") == (400, {"error": "invalid_grant"})
    assert refresh("rt-3")[0] == 200


# The header values are base64 of "portal:s3cret/+%" and of "portal:s3cret%2F%2B%25".
@pytest.mark.parametrize("method, authorization, fields", [
    ("client_secret_basic_raw", "Basic cG9ydGFsOnMzY3JldC8rJQ==", {}),
    ("client_secret_basic", "Basic cG9ydGFsOnMzY3JldCUyRiUyQiUyNQ==", {}),
    ("client_secret_post", None, {"client_id": "portal", "client_secret": "s3cret/+%"}),
    ("none", None, {"client_id": "portal-public"}),
])
def test_each_client_method_is_told_from_the_others(endpoint, method, authorization, fields):
    headers = {"Authorization": authorization} if authorization else {}
    form = {**PASSWORD_FORM, **fields}
    for asked in ("client_secret_basic_raw", "client_secret_basic", "client_secret_post", "none"):
        status, answer_headers, body = ask(endpoint, f"/token?client={asked}", form, headers)
        if asked == method:
            assert status == 200
        else:
            assert (status, json.loads(body)) == (401, {"error": "invalid_client"})
            assert answer_headers["WWW-Authenticate"] == 'Basic realm="test"'


def test_form_answer_is_form_encoded(endpoint):
    _, headers, body = ask(endpoint, "/form-answer")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body == (b"access_token=at-1&token_type=Bearer&expires_in=3600&scope=hr.read"
                    b"&refresh_token=rt-1")


def test_status_gives_that_status(endpoint):
    status, headers, body = ask(endpoint, "/status/403-empty")
    assert (status, body, headers["Content-Type"]) == (403, b"", None)
    status, _, body = ask(endpoint, "/status/401?error=invalid_client")
    assert (status, json.loads(body)) == (401, {"error": "invalid_client"})
    assert ask(endpoint, "/status/503")[0] == 503
    assert ask(endpoint, "/status/5xx")[0] == 404


def test_hang_reads_the_request_and_never_answers(endpoint):
    with connect(endpoint) as client:
        client.sendall(form_request("/hang"))
        assert endpoint.journal.wait_for("/hang", 1)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_held_answers_when_it_is_released(endpoint):
    with connect(endpoint) as first, connect(endpoint) as second:
        first.sendall(form_request("/held"))
        assert endpoint.journal.wait_for("/held", 1)
        endpoint.release()
        assert read_answer(first)[0] == 200
        assert ask(endpoint, "/held")[0] == 200  # and what comes later at once
        endpoint.hold()
        second.sendall(form_request("/held"))
        assert endpoint.journal.wait_for("/held", 3)
        second.settimeout(0.2)
        with pytest.raises(TimeoutError):
            second.recv(1)
        second.settimeout(TIMEOUT_S)
        endpoint.release()
        assert read_answer(second)[0] == 200


def test_stall_starts_an_answer_and_never_ends_it(endpoint):
    with connect(endpoint) as client:
        client.sendall(form_request("/stall"))
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert (answer.status, answer.read(1)) == (200, b"{")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            answer.read(1)


def test_drip_sends_octet_by_octet(endpoint):
    with connect(endpoint) as client:
        client.sendall(form_request("/drip?ms=1"))
        pieces = []
        while not b"".join(pieces).endswith(b"}"):
            pieces.append(client.recv(65536))
    assert b'"at-1"' in b"".join(pieces)
    assert len(pieces) > 50


def test_delay_ms_holds_any_answer_back(endpoint):
    begun = time.monotonic()
    assert ask(endpoint, "/token?delay_ms=150")[0] == 200
    assert time.monotonic() - begun >= 0.15


def test_redirect_names_its_target(endpoint):
    status, headers, _ = ask(endpoint, "/redirect?to=https%3A%2F%2Felsewhere.example%2Fx")
    assert (status, headers["Location"]) == (307, "https://elsewhere.example/x")
    assert ask(endpoint, "/redirect?code=302")[0] == 302


@pytest.mark.parametrize("chunked", ["", "&chunked=1"])
def test_big_has_the_size_asked_for(endpoint, chunked):
    _, headers, body = ask(endpoint, f"/big?bytes=300000{chunked}")
    assert len(body) == 300000
    assert len(json.loads(body)["access_token"]) > 299000
    assert headers["Content-Length"] == (None if chunked else "300000")
    assert headers["Transfer-Encoding"] == ("chunked" if chunked else None)


def test_gzip_bomb_is_small_until_it_is_unpacked(endpoint):
    _, headers, body = ask(endpoint, "/gzip-bomb?bytes=8000000")
    assert headers["Content-Encoding"] == "gzip"
    assert len(body) < 20000
    assert len(gzip.decompress(body)) == 8000000


@pytest.mark.parametrize("target", ["/cut", "/cut?chunked=1"])
def test_cut_ends_before_its_framing_says_so(endpoint, target):
    with connect(endpoint) as client:
        client.sendall(form_request(target))
        octets, end = read_to_end(client)
    head, _, body = octets.partition(b"\r\n\r\n")
    assert end == "closed" and b'"at-1"' in body
    if target == "/cut":
        assert f"Content-Length: {len(body) + 10}".encode() in head
    else:
        assert b"chunked" in head and not body.endswith(b"0\r\n\r\n")


def test_reset_resets_without_an_answer(endpoint):
    with connect(endpoint) as client:
        client.sendall(form_request("/reset"))
        assert read_to_end(client) == (b"", "reset")
    assert endpoint.count("/reset") == 1


def test_connections_can_be_reset_before_a_request_is_read(endpoint):
    endpoint.reset_next_connections(1)
    with connect(endpoint) as client:
        client.sendall(form_request("/token"))
        assert read_to_end(client) == (b"", "reset")
    assert endpoint.reset_next_connections(0) == 0
    assert ask(endpoint, "/token", {"grant_type": "password", "password": "right"})[0] == 200
    assert endpoint.count("/token") == 1


def test_close_after_read_answers_once_then_reads_and_resets(endpoint):
    with connect(endpoint) as client:
        client.sendall(form_request("/close-after-read", headers=[("X-Job", "1")]))
        assert read_answer(client)[0] == 200
        client.sendall(form_request("/close-after-read", headers=[("X-Job", "2")]))
        assert read_to_end(client) == (b"", "reset")
    assert endpoint.journal.counts(by="X-Job") == {"/close-after-read": {"1": 1, "2": 1}}
    first, second = endpoint.journal.requests("/close-after-read")
    assert (first.connection, first.place) == (1, 1)
    assert (second.connection, second.place) == (1, 2)


def test_close_after_answer_closes_an_idle_connection(endpoint):
    with connect(endpoint) as client:
        client.sendall(form_request("/close-after-answer"))
        octets, end = read_to_end(client)
    assert end == "closed" and octets.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" not in octets.lower()


def test_http10_ends_the_body_with_the_connection(endpoint):
    with connect(endpoint) as client:
        client.sendall(form_request("/http10"))
        octets, end = read_to_end(client)
    assert octets.startswith(b"HTTP/1.0 200 ") and b"Content-Length" not in octets
    assert end == "closed" and octets.endswith(b'"refresh_token": "rt-1"}')


def test_busy_says_when_to_come_again(endpoint):
    status, headers, body = ask(endpoint, "/busy")
    assert (status, headers["Retry-After"], body) == (429, "7", b"")
    status, headers, _ = ask(endpoint, "/busy?code=503&retry_after=120")
    assert (status, headers["Retry-After"]) == (503, "120")


def test_error_in_200_is_an_error_in_200(endpoint):
    status, _, body = ask(endpoint, "/error-in-200")
    assert (status, json.loads(body)) == (200, {"error": "invalid_grant"})


def test_echo_tells_exactly_what_arrived(endpoint):
    sent = (b"PATCH /echo?a=%2f&a HTTP/1.1\r\nhOst: x\r\nX-Two: 1\r\nx-two:  2 \r\n"
            b"Content-Length: 3\r\n\r\n\x00\xff\n")
    with connect(endpoint) as client:
        client.sendall(sent)
        _, body = read_answer(client)
    told = json.loads(body)
    assert told["method"] == "PATCH" and told["target"] == "/echo?a=%2f&a"
    assert told["headers"] == [["hOst", "x"], ["X-Two", "1"], ["x-two", "2"],
                               ["Content-Length", "3"]]
    assert base64.b64decode(told["body_base64"]) == b"\x00\xff\n"


def test_a_chunked_request_is_read_whole(endpoint):
    with connect(endpoint) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        _, body = read_answer(client)
    assert json.loads(body)["body"] == "abcde"


def test_raw_sends_exactly_what_was_put(endpoint):
    octets = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n\xef\xbb\xbf{}\n"
    assert control(endpoint, "PUT", "/_raw/odd", octets)[0] == 200
    with connect(endpoint) as client:
        client.sendall(form_request("/raw/odd"))
        assert read_to_end(client) == (octets, "closed")
    assert ask(endpoint, "/raw/other")[0] == 404


def test_unknown_paths_and_garbage_are_refused(endpoint):
    assert ask(endpoint, "/tokens")[0] == 404
    for garbage in (b"\x16\x03\x01\x00\r\n\r\n",
                    b"POST /token HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        with connect(endpoint) as client:
            client.sendall(garbage)
            octets, end = read_to_end(client)
            assert octets.startswith(b"HTTP/1.1 400 ") and end == "closed"
    assert endpoint.journal.counts() == {"/tokens": 1}


def test_a_request_that_is_not_whole_is_not_counted(endpoint):
    with connect(endpoint) as client:
        client.sendall(form_request("/token")[:-1])
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client) == (b"", "closed")
    assert endpoint.journal.counts() == {}


def test_counts_and_log_are_served_on_the_same_port(endpoint):
    ask(endpoint, "/token", headers={"X-Job": "7"})
    ask(endpoint, "/token?x=1", {**PASSWORD_FORM, "username": "user-2"})
    ask(endpoint, "/busy")
    assert control(endpoint, "GET", "/_counts") == (200, {"/token": 2, "/busy": 1})
    assert control(endpoint, "GET", "/_counts?by=x-job") == (200, {"/token": {"7": 1}})
    assert control(endpoint, "GET", "/_counts?by=username") == (
        200, {"/token": {"user-1": 1, "user-2": 1}, "/busy": {"user-1": 1}})
    status, log = control(endpoint, "GET", "/_log?path=/token")
    assert (status, [one["target"] for one in log]) == (200, ["/token", "/token?x=1"])
    assert ["X-Job", "7"] in log[0]["headers"]
    assert log[1]["body"] == "grant_type=password&username=user-2&password=right"
    assert control(endpoint, "DELETE", "/_log")[0] == 200
    assert control(endpoint, "GET", "/_log") == (200, [])


def test_counts_waits_for_a_request(endpoint):
    assert control(endpoint, "GET", "/_counts?path=/token&wait=1&timeout_ms=10") == (504, {})
    with connect(endpoint) as waiting:
        waiting.sendall(b"GET /_counts?path=/token&wait=1 HTTP/1.1\r\n\r\n")
        ask(endpoint, "/token")
        status, body = read_answer(waiting)
    assert (status, json.loads(body)) == (200, {"/token": 1})


def test_stop_ends_what_still_hangs():
    endpoint = Endpoint().start()
    with connect(endpoint) as client:
        client.sendall(form_request("/hang"))
        assert endpoint.journal.wait_for("/hang", 1)
        endpoint.stop()
        assert read_to_end(client)[0] == b""
    with pytest.raises(ConnectionRefusedError):
        connect(endpoint)


def test_a_port_in_use_is_an_error(endpoint):
    with pytest.raises(OSError):
        Endpoint(port=endpoint.port).start()


@pytest.fixture(name="pki", scope="module")
def throw_away_pki(tmp_path_factory):
    """A self-signed certificate that is its own CA, for both ends."""
    folder = tmp_path_factory.mktemp("pki")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=tester",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem",
                    "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder


def tls_connect(endpoint, pki, with_certificate=False):
    context = ssl.create_default_context(cafile=pki / "cert.pem")
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # an end without close_notify is an error
    if with_certificate:
        context.load_cert_chain(pki / "cert.pem", pki / "key.pem")
    return context.wrap_socket(connect(endpoint), server_hostname="127.0.0.1",
                               suppress_ragged_eofs=False)


def test_tls_behaves_like_plain(pki):
    with Endpoint(tls=tls_context(pki / "cert.pem", pki / "key.pem")) as endpoint:
        assert endpoint.url().startswith("https://127.0.0.1:")
        with tls_connect(endpoint, pki) as client:
            client.sendall(form_request("/close-after-read"))
            assert read_answer(client)[0] == 200
            client.sendall(form_request("/close-after-read"))
            with socket.socket(fileno=os.dup(client.fileno())) as below_tls:
                below_tls.settimeout(TIMEOUT_S)
                assert read_to_end(below_tls) == (b"", "reset")
        assert endpoint.count("/close-after-read") == 2
        with tls_connect(endpoint, pki) as client:
            client.sendall(form_request("/cut"))
            octets, end = read_to_end(client)
            assert end == "closed" and octets.endswith(b"}")  # with close_notify
        with tls_connect(endpoint, pki) as client:
            client.sendall(form_request("/big?bytes=3000000"))
            assert len(read_answer(client)[1]) == 3000000


def test_mutual_tls_needs_a_client_certificate(pki):
    context = tls_context(pki / "cert.pem", pki / "key.pem", pki / "cert.pem")
    with Endpoint(tls=context) as endpoint:
        with tls_connect(endpoint, pki, with_certificate=True) as client:
            client.sendall(form_request("/token"))
            assert read_answer(client)[0] == 200
        assert endpoint.journal.requests()[0].client_certificate == "tester"
        with tls_connect(endpoint, pki) as client:  # TLS 1.3: the refusal comes after our Finished
            client.sendall(form_request("/token"))
            with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):  # the alert's name
                client.recv(1)
        assert endpoint.count("/token") == 1


def wait_for_file(path, process):
    deadline = time.monotonic() + TIMEOUT_S
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    return json.loads(path.read_text())


@contextlib.contextmanager
def started(command, ready_file):
    """(process, ready facts) of a program that writes `ready_file`; gone at the end."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process, wait_for_file(ready_file, process)
        finally:
            process.kill()


def connect_to(facts):
    address = urllib.parse.urlsplit(facts["url"])
    return socket.create_connection((address.hostname, address.port), TIMEOUT_S)


def test_as_a_program_it_tells_when_it_is_ready_and_ends_on_sigterm(tmp_path):
    ready_file = tmp_path / "ready.json"
    command = [HERE / "endpoint.py", "--port", "0", "--ready-file", ready_file]
    with started(command, ready_file) as (process, facts):
        assert ready_file.stat().st_mode & 0o777 == 0o600
        assert set(facts) == {"pid", "url", "token_url", "client_id", "client_secret",
                              "public_client_id", "username", "password", "scope"}
        assert facts["token_url"] == facts["url"] + "/token"
        with connect_to(facts) as client:
            client.sendall(form_request("/token"))
            assert read_answer(client)[0] == 200
        os.kill(facts["pid"], signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    assert not ready_file.exists()


def test_as_a_program_it_does_not_outlive_its_caller(tmp_path):
    ready_file = tmp_path / "ready.json"
    script = f"'{HERE / 'endpoint.py'}' --port 0 --ready-file '{ready_file}' & wait"
    with started(["sh", "-c", script], ready_file) as (caller, facts):
        try:
            with connect_to(facts) as client:
                caller.kill()
                read_to_end(client)  # returns when the endpoint ends, and only then
            with pytest.raises(ConnectionRefusedError):
                connect_to(facts).close()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(facts["pid"], signal.SIGKILL)
