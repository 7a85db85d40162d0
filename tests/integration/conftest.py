import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import proxies  # noqa: E402
import rig  # noqa: E402
from endpoint import Endpoint  # noqa: E402

SUPPORT = rig.ROOT / "tests/support"


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """A throw-away PKI for token endpoints."""
    folder = tmp_path_factory.mktemp("pki")
    subprocess.run([rig.ROOT / "certs/make-test-pki", folder], check=True, capture_output=True)
    return folder


@pytest.fixture
def endpoint():
    """The token endpoint that misbehaves, plain HTTP."""
    with Endpoint() as e:
        yield e


@pytest.fixture
def platform(tmp_path):
    p = rig.Platform(tmp_path / "platform").start()
    yield p
    assert p.stop() in (0, None)


@pytest.fixture
def agent(tmp_path, platform):
    """An enrolled agent of the connector "dc" that is not yet running; it may reach nothing yet."""
    a = rig.Agent(tmp_path / "agent").enroll(platform.add_connector("dc"))
    yield a
    assert a.stop() in (0, None)


@pytest.fixture
def opened():
    """Proxies that the test opens, closed at its end."""
    made = []

    def keep(proxy):
        made.append(proxy)
        return proxy
    yield keep
    for proxy in made:
        proxy.close()


@pytest.fixture(params=["tinyproxy", "squid"])
def kind(request):
    """Each of the two real proxies."""
    return getattr(proxies, request.param)


def ready_server(argv, tmp_path):
    """Start a token server, wait for its ready file; (process, what the file says)."""
    ready = tmp_path / "ready.json"
    process = subprocess.Popen([*map(str, argv), "--ready-file", str(ready)], env=rig.ENV)
    rig.wait_until(lambda: ready.exists() or process.poll() is not None, f"{argv[0]} is ready")
    assert process.poll() is None, f"{argv[0]} ended"
    return process, json.loads(ready.read_text())


def stop_server(process):
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="session")
def glewlwyd(tmp_path_factory, pki):
    """Debian's glewlwyd over TLS."""
    folder = tmp_path_factory.mktemp("glewlwyd")
    process, ready = ready_server(
        [SUPPORT / "glewlwyd", "--dir", folder, "--port", "0", "--tls-cert", pki / "server.pem", "--tls-key",
         pki / "server.key", "--tls-ca", pki / "ca.pem"], folder)
    yield ready
    stop_server(process)


@pytest.fixture(scope="session")
def node_oauth(tmp_path_factory, pki):
    """npm's @node-oauth/oauth2-server over TLS."""
    installed = pathlib.Path(os.environ.get("NODE_OAUTH_DIR", tmp_path_factory.mktemp("node-oauth-npm")))
    subprocess.run([SUPPORT / "node-oauth/install", installed], check=True)
    folder = tmp_path_factory.mktemp("node-oauth")
    process, ready = ready_server(
        ["node", installed / "server.js", "--port", "0", "--tls-cert", pki / "server.pem", "--tls-key",
         pki / "server.key", "--tls-ca", pki / "ca.pem"], folder)
    yield ready
    stop_server(process)
