"""Enrolment through an HTTP proxy."""
import os
import ssl

import pytest

import proxies
import rig

USER, PASSWORD = "agent-7", "plain-word"


@pytest.fixture
def new_agent(tmp_path):
    a = rig.Agent(tmp_path / "agent")
    yield a
    assert a.stop() in (0, None)


def auth_file(tmp_path, line):
    path = tmp_path / "proxy.auth"
    path.write_text(line + "\n")
    path.chmod(0o600)
    return path


def enroll(agent, platform, *options):
    return agent.cli("enroll", *options, "-", stdin=platform.add_connector("dc") + "\n")


def test_an_agent_enrols_and_connects_through_a_proxy(platform, new_agent, kind, tmp_path, opened):
    proxy = opened(kind(tmp_path / "proxy", USER, PASSWORD))
    auth = auth_file(tmp_path, f"{USER}:{PASSWORD}")
    done = enroll(new_agent, platform, "--proxy", proxy.url, "--proxy-auth-file", os.path.relpath(auth))
    assert done.returncode == 0, done.stderr
    text = new_agent.conf.read_text()
    assert f'proxy = "{proxy.url}"; proxy_auth_file = "{auth}";' in text and PASSWORD not in text
    new_agent.start()
    assert new_agent.status()["proxy"] == proxy.url


def test_wrong_credentials_are_named_as_such(platform, new_agent, kind, tmp_path, opened):
    proxy = opened(kind(tmp_path / "proxy", USER, PASSWORD))
    auth = auth_file(tmp_path, f"{USER}:wrong")
    done = enroll(new_agent, platform, "--proxy", proxy.url, "--proxy-auth-file", auth)
    assert done.returncode == 4
    assert f"through {proxy.url}: the proxy does not accept the user and password" in done.stderr
    assert not new_agent.conf.exists()


def test_missing_credentials_are_named_as_such(platform, new_agent, kind, tmp_path, opened):
    proxy = opened(kind(tmp_path / "proxy", USER, PASSWORD))
    done = enroll(new_agent, platform, "--proxy", proxy.url)
    assert done.returncode == 4 and "asks for a user and a password" in done.stderr


def test_a_proxy_that_is_down_is_named(platform, new_agent):
    url = f"http://127.0.0.1:{rig.free_port()}"
    done = enroll(new_agent, platform, "--proxy", url)
    assert done.returncode == 4 and f"through {url}: " in done.stderr, done.stderr


def test_garbage_is_named(platform, new_agent, opened):
    proxy = opened(proxies.ByHand(lambda sock, head: sock.sendall(b"hello\r\n\r\n")))
    done = enroll(new_agent, platform, "--proxy", proxy.url)
    assert done.returncode == 4 and f"through {proxy.url}: " in done.stderr, done.stderr


def test_an_existing_configurations_proxy_is_used(platform, new_agent, opened, tmp_path):
    proxy = opened(proxies.ByHand())
    new_agent.folder.mkdir()
    auth_file(new_agent.folder, f"{USER}:{PASSWORD}")
    new_agent.conf.write_text(f'platform = {{ url = "wss://localhost:{platform.tunnel_port}/v1/tunnel"; '
                              f'proxy = "{proxy.url}"; proxy_auth_file = "proxy.auth"; }};\n')
    done = enroll(new_agent, platform)
    assert done.returncode == 0, done.stderr
    assert proxy.credentials() == f"{USER}:{PASSWORD}"


def test_the_environment_counts_only_when_asked_for(platform, new_agent, opened, tmp_path, monkeypatch):
    proxy = opened(proxies.ByHand())
    monkeypatch.setitem(rig.ENV, "https_proxy", proxy.url)
    other = rig.Agent(tmp_path / "other")
    assert enroll(other, platform).returncode == 0 and not proxy.heads
    done = new_agent.cli("enroll", "--proxy", "environment", "-", stdin=platform.add_connector("dc2") + "\n")
    assert done.returncode == 0 and len(proxy.heads) == 1, done.stderr
    assert 'proxy = "environment";' in new_agent.conf.read_text()


def test_a_proxy_that_replaces_certificates_is_recognised(platform, new_agent, pki, opened):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.pem", pki / "server.key")
    proxy = opened(proxies.ByHand(wrap=lambda sock: context.wrap_socket(sock, server_side=True)))
    done = enroll(new_agent, platform, "--proxy", proxy.url)
    assert done.returncode == 4
    assert "not by the platform's CA: something on the way replaces certificates" in done.stderr, done.stderr


@pytest.mark.parametrize("options, says", [
    (["--proxy", "proxy.example:3128"], "--proxy: must be http://HOST:PORT"),
    (["--proxy", "http://u:hush@proxy.example:3128"], "--proxy: must have no user and password in it"),
    (["--proxy-auth-file", "x"], "--proxy-auth-file: is of no use without"),
    (["--proxy", "http://proxy.example:3128", "--proxy-auth-file", "/missing"], "--proxy-auth-file: /missing"),
])
def test_wrong_options_are_named(platform, new_agent, options, says):
    done = enroll(new_agent, platform, *options)
    assert done.returncode == 2 and says in done.stderr and "hush" not in done.stderr, done.stderr
