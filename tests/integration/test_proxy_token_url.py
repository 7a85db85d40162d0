"""Token URLs through the proxy that their policy rule names."""
import pytest

import proxies
import rig
from endpoint import Endpoint
from endpoint_tls import tls_context

RIGHT = {"username": "alice", "password": "right"}
USER, PASSWORD = "agent-7", "plain-word"


@pytest.fixture(params=["http", "https"])
def token_server(request, pki):
    """The token endpoint, by a name: numbers of a special range are refused behind a proxy."""
    tls = tls_context(pki / "server.pem", pki / "server.key") if request.param == "https" else None
    with Endpoint(tls=tls) as e:
        yield e, f"{request.param}://localhost:{e.port}/token"


def set_up(platform, agent, pki, url, proxy, credentials=None):
    extra = f'proxy = "{proxy}";'
    if credentials:
        auth = agent.folder / "idp.auth"
        auth.write_text(credentials + "\n")
        auth.chmod(0o600)
        extra += ' proxy_auth_file = "idp.auth";'
    rule = f'{{ name = "t"; url = "{url}"; {extra} ca = "{pki}/ca.pem"; }}'
    agent.set_policy(rule).start()
    platform.put_profile("p", connector="dc", token_url=url)


def test_a_rules_proxy_is_used(platform, agent, pki, kind, token_server, tmp_path, opened):
    endpoint, url = token_server
    proxy = opened(kind(tmp_path / "proxy", USER, PASSWORD))
    set_up(platform, agent, pki, url, proxy.url, f"{USER}:{PASSWORD}")
    for _ in range(3):
        answer = platform.exchange("p", variables=RIGHT)
        assert answer.status == 200, answer
    assert endpoint.count("/token") == 3
    for request in endpoint.journal.requests("/token"):
        assert "proxy-authorization" not in {name.lower() for name, _ in request.headers}, "the endpoint sees no credentials"


def test_a_refusal_is_not_the_users_fault(platform, agent, pki, kind, token_server, tmp_path, opened):
    """tinyproxy says 401 to wrong credentials of a proxy, which is not what a 401 of the endpoint says."""
    endpoint, url = token_server
    proxy = opened(kind(tmp_path / "proxy", USER, PASSWORD))
    set_up(platform, agent, pki, url, proxy.url, f"{USER}:wrong")
    answer = platform.exchange("p", variables=RIGHT)
    assert answer.status == 502, answer
    problem = answer.json
    assert (problem["code"], problem["stage"]) == ("endpoint_unreachable", "proxy")
    assert "does not accept the user and password" in problem["detail"]
    assert problem["execution"] == ("not_sent" if url.startswith("https") else "sent")
    assert endpoint.count("/token") == 0


def test_a_proxy_that_is_down_is_the_stage(platform, agent, pki, token_server):
    endpoint, url = token_server
    set_up(platform, agent, pki, url, f"http://127.0.0.1:{rig.free_port()}")
    problem = platform.exchange("p", variables=RIGHT).json
    assert (problem["code"], problem["stage"], problem["execution"]) == ("endpoint_unreachable", "proxy", "not_sent")
    assert "no connection to the proxy" in problem["detail"]


@pytest.mark.parametrize("data", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "], ids=["nothing", "garbage", "half"])
def test_a_proxy_that_breaks_off_has_not_sent(platform, agent, pki, opened, data):
    def answer(sock, head):
        sock.sendall(data)
    proxy = opened(proxies.ByHand(answer))
    set_up(platform, agent, pki, "https://idp.example/token", proxy.url)
    problem = platform.exchange("p", variables=RIGHT).json
    assert (problem["code"], problem["stage"], problem["execution"]) == ("endpoint_unreachable", "proxy", "not_sent")
    assert proxy.heads[0].startswith("CONNECT idp.example:443 HTTP/1.1\r\n"), "the proxy resolves the name"


def test_a_budget_may_end_at_the_proxy(platform, agent, pki, opened):
    proxy = opened(proxies.ByHand(lambda sock, head: sock.recv(1) and False))
    set_up(platform, agent, pki, "https://idp.example/token", proxy.url)
    answer = platform.api("POST", "/v1/profiles/p/exchange", {"variables": RIGHT, "budget_ms": 1500})
    assert answer.status == 504
    assert (answer.json["stage"], answer.json["execution"]) == ("proxy", "not_sent")


def test_tls_behind_the_proxy_is_verified(platform, agent, pki, opened, token_server):
    endpoint, url = token_server
    if url.startswith("http:"):
        pytest.skip("plain HTTP has no TLS")
    proxy = opened(proxies.ByHand())
    agent.set_policy(f'{{ name = "t"; url = "{url}"; proxy = "{proxy.url}"; }}').start()  # the system's CAs only
    platform.put_profile("p", connector="dc", token_url=url)
    problem = platform.exchange("p", variables=RIGHT).json
    assert (problem["code"], problem["stage"], problem["execution"]) == ("endpoint_unreachable", "tls", "not_sent")
    assert endpoint.count("/token") == 0


def test_a_number_of_a_special_range_is_refused(platform, agent, pki, opened, endpoint):
    proxy = opened(proxies.ByHand())
    set_up(platform, agent, pki, endpoint.url("/token"), proxy.url)
    problem = platform.exchange("p", variables=RIGHT).json
    assert (problem["code"], problem["stage"], problem["execution"]) == ("policy_refused", "policy", "not_sent")
    assert not proxy.heads


@pytest.mark.parametrize("extra, field", [
    ('networks = ["10.0.0.0/8"]; proxy = "http://proxy.example:3128";', "networks"),
    ('proxy = "environment";', "proxy"),
    ('proxy_auth_file = "idp.auth";', "proxy_auth_file"),
])
def test_check_names_what_does_not_go_with_a_proxy(agent, extra, field):
    agent.set_policy(f'{{ name = "t"; url = "https://idp.example/token"; {extra} }}')
    done = agent.cli("check")
    assert done.returncode == 3
    assert f"policy[0].{field}: " in done.stderr, done.stderr
